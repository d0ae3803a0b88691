/* build.c -- `tkc build`: writes what the stages of the compiler make of a program.
 *
 * With a kernel and signatures, these specialisations are compiled and no host code runs.
 * Otherwise the program runs on the cpu device, and every specialisation that it launched is built,
 * in the order of first use. What the program prints goes to standard error: standard output is for
 * the outputs.
 */
#include <string.h>

#include "runtime/aot/aot.h"
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

/* What is built of the kernels, one specialisation after the other. */
typedef struct Building {
    Program *program;
    Outputs *outputs;
    const BuildOptions *build;
    Aot *aot; /* NULL: no C is wanted */
} Building;

static SessionStatus build_module(const Building *b, IrModule *module, const PassStats *before,
                                  AotSource source) {
    SessionStatus status = emit_kernel(b->outputs, b->build, module, before);
    if (status != STATUS_OK || b->aot == NULL) {
        return status;
    }
    source.kernel = module->kernels.data[0];
    return aot_add(b->aot, b->program->py, &source);
}

static SessionStatus build_signature(const Building *b, const JitFn *fn, const char *signature) {
    const BuildOptions *build = b->build;
    PyCtx *py = b->program->py;
    Arena *arena = b->program->session->arena;
    const SpecParam *params = spec_parse_signature(py, arena, fn, signature);
    if (params == NULL) {
        return STATUS_FAILED;
    }
    SpecOptions options = SPEC_OPTIONS_DEFAULT;
    options.num_warps = build->num_warps > 0 ? build->num_warps : options.num_warps;
    options.num_stages = build->num_stages > 0 ? build->num_stages : options.num_stages;
    options.print_out = b->program->session->options.err;
    IrModule *module = specialise(py, ir_context_create(arena), arena, fn, params, &options);
    if (module == NULL) {
        return STATUS_FAILED;
    }
    return build_module(b, module, NULL, (AotSource){.fn = fn, .params = params});
}

/* Compiles the kernel that the command line names for the types that it gives: one specialisation
 * for each text between semicolons. */
static SessionStatus build_signatures(const Building *b) {
    Arena *arena = b->program->session->arena;
    JitVec kernels = program_kernels(b->program);
    const JitFn *fn = program_find_kernel(b->program, &kernels, b->build->kernel);
    if (fn == NULL) {
        return STATUS_FAILED;
    }
    SessionStatus status = STATUS_OK;
    const char *from = b->build->signature;
    for (bool last = false; !last && status == STATUS_OK;) {
        size_t len = strcspn(from, ";");
        last = from[len] == '\0';
        status = build_signature(b, fn, arena_strndup(arena, from, len));
        from += len + 1;
    }
    return status;
}

/* Runs the program and builds what it launched. */
static SessionStatus build_launched(const Building *b) {
    Program *program = b->program;
    SessionStatus status = program_run(program);
    if (status != STATUS_OK) {
        return status;
    }
    size_t built = 0;
    for (size_t i = 0; i < launch_num_variants(program->launch); i++) {
        const Variant *variant = launch_variant(program->launch, i);
        const char *name = variant->tile->kernels.data[0]->name;
        if ((b->build->kernel != NULL && !str_eq(b->build->kernel, name)) ||
            (b->aot != NULL && !variant->used)) {
            continue;
        }
        built++;
        AotSource source = {.fn = variant->fused != NULL ? NULL : jit_from_value(variant->jit),
                            .params = variant->params};
        status = build_module(b, variant->tile, variant->fused, source);
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

static Aot *create_aot(Session *session, const BuildOptions *build) {
    AotOptions options = {
        .targets = build->targets,
        .num_targets = build->num_targets,
        .embeds_ptx = build->embeds_ptx,
        .embeds_cubin = build->embeds_cubin,
        .name = build->name,
        .grid = build->grid,
    };
    return (build->emits & (1u << EMIT_C)) != 0 ? aot_create(session, &options) : NULL;
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
    Building building = {session->program, outputs, build, create_aot(session, build)};
    SessionStatus status = launches ? build_launched(&building) : build_signatures(&building);
    if (status != STATUS_OK || building.aot == NULL) {
        return status;
    }
    return aot_write(building.aot, outputs);
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
