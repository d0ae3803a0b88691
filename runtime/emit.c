/* emit.c -- texts of what a program becomes on its way.
 *
 * File by file: the token stream, the syntax tree. Kernel by kernel: tile IR before the passes and
 * after them; the passes run only if somebody wants to see what they do. Kernel by kernel and GPU
 * by GPU: the laid level, LLVM IR, PTX, and machine code where NVIDIA's programs are installed.
 */
#include "runtime/emit.h"

#include <string.h>

#include "frontend/parse.h"
#include "runtime/session_internal.h"
#include "runtime/summary.h"
#include "support/str.h"

static bool wanted(const BuildOptions *options, EmitKind kind) {
    return (options->emits & (1u << kind)) != 0;
}

static void add_text(Outputs *outputs, const char *name, EmitKind kind, StrBuf *text) {
    Output output = {.name = name, .kind = kind, .text = strbuf_str(text), .len = text->len};
    outputs_add(outputs, &output);
}

/* "dir/k.tk" is called k; standard input is called stdin. */
static const char *file_stem(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (str_eq(name, "<stdin>")) {
        return "stdin";
    }
    const char *dot = strrchr(name, '.');
    size_t len = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    return arena_strndup(arena, name, len);
}

const Module *emit_file(Outputs *outputs, const BuildOptions *options, const SrcFile *file) {
    Session *session = outputs->session;
    const char *name = file_stem(session->arena, file->name);
    if (wanted(options, EMIT_TOKENS)) {
        StrBuf text = STRBUF(session->arena);
        dump_tokens(session->arena, session->names, session->diags, file, &text);
        add_text(outputs, name, EMIT_TOKENS, &text);
    }
    const Module *module = session_parse(session, file);
    if (module != NULL && wanted(options, EMIT_AST)) {
        StrBuf text = STRBUF(session->arena);
        ast_print(module, &text);
        add_text(outputs, name, EMIT_AST, &text);
    }
    return module;
}

static void add_ir(Outputs *outputs, EmitKind kind, const IrModule *module) {
    StrBuf text = STRBUF(outputs->session->arena);
    ir_print_module(module, &(IrPrintOptions){0}, &text);
    add_text(outputs, module->kernels.data[0]->name, kind, &text);
}

/* PassPrinter: --print-before and --print-after go to standard error. */
static void print_pass(void *data, const char *when, const char *pass, const char *text) {
    fprintf(data, "// %s %s\n%s", when, pass, text);
}

static void print_stats(const Session *session, const IrModule *module, const PassStats *stats) {
    const char *kernel = module->kernels.data[0]->name;
    if (session->options.json) {
        passes_print_stats_json(stats, kernel, session->options.err);
    } else {
        fprintf(session->options.err, "stats of %s\n", kernel);
        passes_print_stats(stats, session->options.err);
    }
}

/* ---- what is made of a kernel for one GPU ------------------------------------------------------
 */

typedef struct CodeJob {
    Outputs *outputs;
    const BuildOptions *options;
    const char *name;         /* the kernel's */
    const char *target;       /* sm_90a */
    const char *named_target; /* the same if outputs are named after it, else NULL */
} CodeJob;

static bool wants_code(const BuildOptions *options) {
    bool wants = options->verbose;
    for (EmitKind kind = 0; kind < EMIT_COUNT; kind++) {
        wants |= emit_infos[kind].scope == EMIT_PER_TARGET && wanted(options, kind);
    }
    return wants;
}

static void add_code(const CodeJob *job, EmitKind kind, const char *text, size_t len) {
    if (wanted(job->options, kind)) {
        Output output = {
            .name = job->name, .kind = kind, .target = job->named_target, .text = text, .len = len};
        outputs_add(job->outputs, &output);
    }
}

/* Machine code, and the summary that needs what ptxas says. */
static SessionStatus emit_machine_code(const CodeJob *job, const Compiled *compiled) {
    Session *session = job->outputs->session;
    const BuildOptions *options = job->options;
    bool needed = wanted(options, EMIT_CUBIN) || wanted(options, EMIT_SASS);
    AssembleJob assembly = {compiled, job->target,
                            wanted(options, EMIT_CUBIN) ? "--emit=cubin" : "--emit=sass"};
    Assembled assembled;
    bool assembles = needed || (options->verbose && assembler_path(session) != NULL);
    if (assembles) {
        SessionStatus status = assemble(session, &assembly, &assembled);
        if (status != STATUS_OK) {
            return status;
        }
        add_code(job, EMIT_CUBIN, assembled.cubin, assembled.cubin_len);
    }
    if (wanted(options, EMIT_SASS)) {
        const char *sass;
        size_t len;
        SessionStatus status = disassemble(session, &assembled, &sass, &len);
        if (status != STATUS_OK) {
            return status;
        }
        add_code(job, EMIT_SASS, sass, len);
    }
    if (options->verbose) {
        void (*print)(const SourceSet *, const Compiled *, const char *, const Assembled *,
                      FILE *) = session->options.json ? summary_print_json : summary_print;
        print(session->sources, compiled, job->target, assembles ? &assembled : NULL,
              session->options.err);
    }
    return STATUS_OK;
}

/* What comes behind the laid level. */
static bool wants_ptx(const BuildOptions *options) {
    EmitSet before = 1u << EMIT_LAID;
    for (EmitKind kind = 0; kind < EMIT_COUNT; kind++) {
        before |= emit_infos[kind].scope == EMIT_PER_TARGET ? 0 : 1u << kind;
    }
    return options->verbose || (options->emits & ~before) != 0;
}

static SessionStatus emit_code(const CodeJob *job, const IrKernel *kernel,
                               const PassOptions *passes) {
    Session *session = job->outputs->session;
    CompileOptions compile = {
        .target = job->target,
        .line_info = true,
        .comments = job->options->comments,
        .keep_llvm = wanted(job->options, EMIT_LLVM),
        .passes = *passes,
    };
    Compiled compiled = {0};
    bool ptx = wants_ptx(job->options);
    if (ptx) {
        if (!compile_kernel(session->arena, kernel, &compile, session->diags, &compiled)) {
            return STATUS_FAILED;
        }
    } else {
        compiled.laid = compile_laid(session->arena, kernel, &compile, session->diags);
        if (compiled.laid == NULL) {
            return STATUS_FAILED;
        }
    }
    StrBuf laid = STRBUF(session->arena);
    if (wanted(job->options, EMIT_LAID)) {
        ir_print_module(compiled.laid, &(IrPrintOptions){0}, &laid);
    }
    add_code(job, EMIT_LAID, strbuf_str(&laid), laid.len);
    if (!ptx) {
        return STATUS_OK;
    }
    const char *llvm = compile.keep_llvm ? compiled.code.llvm_optimised : "";
    add_code(job, EMIT_LLVM, llvm, strlen(llvm));
    add_code(job, EMIT_PTX, compiled.code.ptx, compiled.code.ptx_len);
    return emit_machine_code(job, &compiled);
}

/* For every target. What the passes count is that of the first. */
static SessionStatus emit_targets(Outputs *outputs, const BuildOptions *options,
                                  const IrKernel *kernel, PassOptions passes) {
    static const char *const usual[] = {SESSION_DEFAULT_TARGET};
    size_t count = options->num_targets > 0 ? options->num_targets : TK_COUNTOF(usual);
    const char *const *targets = options->num_targets > 0 ? options->targets : usual;
    SessionStatus status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        CodeJob job = {outputs, options, kernel->name, targets[i], count > 1 ? targets[i] : NULL};
        status = emit_code(&job, kernel, &passes);
        passes.stats = NULL;
    }
    return status;
}

/* ---- one kernel --------------------------------------------------------------------------------
 */

SessionStatus emit_kernel(Outputs *outputs, const BuildOptions *options, IrModule *module,
                          const PassStats *before) {
    Session *session = outputs->session;
    if (wanted(options, EMIT_TILE)) {
        add_ir(outputs, EMIT_TILE, module);
    }
    PassStats stats = {0};
    if (before != NULL) {
        stats = *before;
    }
    PassOptions passes = {
        .verify_each = true,
        .print_before = options->print_before,
        .print_after = options->print_after,
        .printer = print_pass,
        .printer_data = session->options.err,
        .stats = &stats,
    };
    bool code = wants_code(options);
    if (wanted(options, EMIT_TILE_OPT) || wanted(options, EMIT_C) || options->print_before ||
        options->print_after || options->stats || code) {
        const char *pipeline = options->passes == NULL ? PASS_DEFAULT_PIPELINE : options->passes;
        if (!passes_run(module, pipeline, &passes, session->diags, NULL)) {
            return STATUS_FAILED;
        }
    }
    if (wanted(options, EMIT_TILE_OPT)) {
        add_ir(outputs, EMIT_TILE_OPT, module);
    }
    if (code) {
        SessionStatus status = emit_targets(outputs, options, module->kernels.data[0], passes);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (options->stats) {
        print_stats(session, module, &stats);
    }
    return STATUS_OK;
}
