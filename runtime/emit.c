/* emit.c -- texts of what a program becomes on its way.
 *
 * File by file: the token stream, the syntax tree. Kernel by kernel: tile IR before the passes and
 * after them; the passes run only if somebody wants to see what they do.
 */
#include "runtime/emit.h"

#include <string.h>

#include "frontend/parse.h"
#include "runtime/compile.h"
#include "runtime/session_internal.h"
#include "support/str.h"

static bool wanted(const BuildOptions *options, EmitKind kind) {
    return (options->emits & (1u << kind)) != 0;
}

static void add_text(Outputs *outputs, const char *name, EmitKind kind, StrBuf *text) {
    outputs_add(outputs, name, kind, strbuf_str(text), text->len);
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

static bool wants_code(const BuildOptions *options) {
    return wanted(options, EMIT_LAID) || wanted(options, EMIT_LLVM) || wanted(options, EMIT_PTX);
}

static void add_string(Outputs *outputs, const char *name, EmitKind kind, const char *text) {
    outputs_add(outputs, name, kind, text, strlen(text));
}

/* What is made of the optimised kernel for one GPU. */
static bool emit_code(Outputs *outputs, const BuildOptions *options, const IrKernel *kernel,
                      const CompileOptions *compile) {
    Session *session = outputs->session;
    Compiled compiled;
    if (!compile_kernel(session->arena, kernel, compile, session->diags, &compiled)) {
        return false;
    }
    if (wanted(options, EMIT_LAID)) {
        add_ir(outputs, EMIT_LAID, compiled.laid);
    }
    if (wanted(options, EMIT_LLVM)) {
        add_string(outputs, kernel->name, EMIT_LLVM, compiled.code.llvm_optimised);
    }
    if (wanted(options, EMIT_PTX)) {
        add_string(outputs, kernel->name, EMIT_PTX, compiled.code.ptx);
    }
    return true;
}

bool emit_kernel(Outputs *outputs, const BuildOptions *options, IrModule *module,
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
    if (wanted(options, EMIT_TILE_OPT) || options->print_before || options->print_after ||
        options->stats || code) {
        const char *pipeline = options->passes == NULL ? PASS_DEFAULT_PIPELINE : options->passes;
        if (!passes_run(module, pipeline, &passes, session->diags, NULL)) {
            return false;
        }
    }
    if (wanted(options, EMIT_TILE_OPT)) {
        add_ir(outputs, EMIT_TILE_OPT, module);
    }
    CompileOptions compile = {
        .target = options->num_targets > 0 ? options->targets[0] : SESSION_DEFAULT_TARGET,
        .line_info = true,
        .comments = options->comments,
        .keep_llvm = wanted(options, EMIT_LLVM),
        .passes = passes,
    };
    if (code && !emit_code(outputs, options, module->kernels.data[0], &compile)) {
        return false;
    }
    if (options->stats) {
        print_stats(session, module, &stats);
    }
    return true;
}
