/* build.c -- `tkc build`: writes what the stages of the compiler make of a program.
 *
 * With a kernel and a signature, that one specialisation is compiled and no host code runs.
 * Otherwise the program runs on the cpu device, and every specialisation that it launched is built,
 * in the order of first use. What the program prints goes to standard error: standard output is for
 * the outputs.
 */
#include "runtime/emit.h"
#include "runtime/program.h"

typedef struct BuildRequest {
    const char *path;
    const BuildOptions *build;
} BuildRequest;

/* Is anything to be done kernel by kernel? */
static bool wants_kernels(const BuildOptions *build) {
    for (EmitKind kind = 0; kind < EMIT_COUNT; kind++) {
        if (emit_infos[kind].scope != EMIT_PER_FILE && (build->emits & (1u << kind)) != 0) {
            return true;
        }
    }
    return build->print_before != NULL || build->print_after != NULL || build->verbose;
}

/* Compiles the kernel that the command line names for the types that it gives. */
static SessionStatus build_one(Program *program, Outputs *outputs, const BuildOptions *build) {
    Arena *arena = program->session->arena;
    JitVec kernels = program_kernels(program);
    const JitFn *fn = program_find_kernel(program, &kernels, build->kernel);
    if (fn == NULL) {
        return STATUS_FAILED;
    }
    const SpecParam *params = spec_parse_signature(program->py, arena, fn, build->signature);
    if (params == NULL) {
        return STATUS_FAILED;
    }
    SpecOptions options = SPEC_OPTIONS_DEFAULT;
    options.num_warps = build->num_warps > 0 ? build->num_warps : options.num_warps;
    options.num_stages = build->num_stages > 0 ? build->num_stages : options.num_stages;
    options.print_out = program->session->options.err;
    IrModule *module =
        specialise(program->py, ir_context_create(arena), arena, fn, params, &options);
    return module != NULL ? emit_kernel(outputs, build, module, NULL) : STATUS_FAILED;
}

/* Runs the program and builds what it launched. */
static SessionStatus build_launched(Program *program, Outputs *outputs, const BuildOptions *build) {
    SessionStatus status = program_run(program);
    if (status != STATUS_OK) {
        return status;
    }
    size_t built = 0;
    for (size_t i = 0; i < launch_num_variants(program->launch); i++) {
        const Variant *variant = launch_variant(program->launch, i);
        const char *name = variant->tile->kernels.data[0]->name;
        if (build->kernel != NULL && !str_eq(build->kernel, name)) {
            continue;
        }
        built++;
        status = emit_kernel(outputs, build, variant->tile, variant->fused);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (built == 0) {
        diag_report(program->session->diags, DIAG_NOTHING_LAUNCHED, SRC_NONE,
                    program->module->file->name);
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

static SessionStatus build_kernels(Session *session, const BuildRequest *request,
                                   const Module *module, Outputs *outputs) {
    const BuildOptions *build = request->build;
    bool launches = build->signature == NULL;
    ProgramOptions options = {
        .args = &request->path,
        .num_args = 1,
        .launches = launches,
        .device = DEVICE_CPU,
        .keep_tile = true,
        .out = session->options.err,
    };
    if (!program_open(session->program, session, module, &options)) {
        return STATUS_NO_DEVICE;
    }
    return launches ? build_launched(session->program, outputs, build)
                    : build_one(session->program, outputs, build);
}

static SessionStatus build(Session *session, void *data) {
    const BuildRequest *request = data;
    Outputs outputs = {.session = session};
    const SrcFile *file = session_load(session, request->path);
    const Module *module = file == NULL ? NULL : emit_file(&outputs, request->build, file);
    if (module == NULL) {
        return STATUS_FAILED;
    }
    if (wants_kernels(request->build)) {
        SessionStatus status = build_kernels(session, request, module, &outputs);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return outputs_write(&outputs, request->build->output);
}

SessionStatus session_build(Session *session, const char *path, const BuildOptions *options) {
    BuildRequest request = {path, options};
    return session_guard(session, build, &request);
}
