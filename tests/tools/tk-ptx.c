/* tk-ptx.c -- generates code for the kernels of a .tkir file: what tests of codegen/ run.
 *
 *     tk-ptx --target=sm_80 [--emit=ptx|llvm|llvm-opt|accesses] [--comments] [--quick] FILE|-
 *
 * The text of every kernel goes to standard output, one after the other, diagnostics to standard
 * error. Exit status: 0 done, 1 errors, 2 usage, 70 an internal error.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/codegen.h"
#include "support/io.h"

typedef struct Settings {
    CodegenOptions codegen;
    const char *emit, *input;
} Settings;

enum { OPT_TARGET = 1, OPT_EMIT, OPT_COMMENTS, OPT_QUICK, OPT_NO_LINES };

static bool read_settings(int argc, char **argv, Settings *s) {
    static const struct option options[] = {
        {"target", required_argument, NULL, OPT_TARGET},
        {"emit", required_argument, NULL, OPT_EMIT},
        {"comments", no_argument, NULL, OPT_COMMENTS},
        {"quick", no_argument, NULL, OPT_QUICK},
        {"no-lines", no_argument, NULL, OPT_NO_LINES},
        {NULL, 0, NULL, 0},
    };
    *s = (Settings){.codegen = {.target = "sm_80", .line_info = true}, .emit = "ptx"};
    int id;
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (id == OPT_TARGET)
            s->codegen.target = optarg;
        else if (id == OPT_EMIT)
            s->emit = optarg;
        else if (id == OPT_COMMENTS)
            s->codegen.comments = true;
        else if (id == OPT_QUICK)
            s->codegen.quick = true;
        else if (id == OPT_NO_LINES)
            s->codegen.line_info = false;
        else
            return false;
    }
    s->codegen.keep_llvm = str_starts(s->emit, "llvm");
    s->input = optind == argc - 1 ? argv[optind] : NULL;
    return s->input != NULL;
}

static void print_accesses(const CodegenOutput *out) {
    for (size_t i = 0; i < out->accesses.len; i++) {
        const CodegenAccess *access = &out->accesses.data[i];
        printf("%s: %u x %u bytes%s\n", ir_info(access->op)->mnemonic, access->count, access->bytes,
               access->predicated ? ", predicated" : "");
    }
}

static bool emit_kernel(Arena *arena, const Settings *s, const IrKernel *kernel, Diags *diags) {
    CodegenOutput out;
    if (!kernel->laid) {
        fprintf(stderr, "tk-ptx: %s: kernel @%s has no layouts\n", s->input, kernel->name);
        return false;
    }
    if (!codegen_kernel(arena, kernel, &s->codegen, diags, &out))
        return false;
    if (strcmp(s->emit, "llvm") == 0)
        fputs(out.llvm, stdout);
    else if (strcmp(s->emit, "llvm-opt") == 0)
        fputs(out.llvm_optimised, stdout);
    else if (strcmp(s->emit, "accesses") == 0)
        print_accesses(&out);
    else
        fputs(out.ptx, stdout);
    return true;
}

static void add_sources(Arena *arena, SourceSet *sources, const SrcFile *file) {
    const char *const *names;
    size_t count = ir_text_sources(arena, file, &names);
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *error;
        const char *slash = strrchr(file->name, '/');
        int folder = slash != NULL ? (int)(slash - file->name) + 1 : 0;
        const char *beside = arena_printf(arena, "%.*s%s", folder, file->name, names[i]);
        const char *text = io_read_file(arena, beside, SRC_MAX_BYTES, &len, &error);
        if (text != NULL)
            sources_add(sources, names[i], text, len);
    }
}

static bool emit_file(Arena *arena, const Settings *s, Diags *diags, SourceSet *sources) {
    size_t len;
    const char *error;
    const char *text = io_read_file(arena, s->input, SRC_MAX_BYTES, &len, &error);
    if (text == NULL) {
        fprintf(stderr, "tk-ptx: %s: %s\n", s->input, error);
        return false;
    }
    const char *name = strcmp(s->input, "-") == 0 ? "<stdin>" : s->input;
    const SrcFile *file = sources_add(sources, name, text, len);
    add_sources(arena, sources, file);
    IrModule *module = ir_parse(ir_context_create(arena), arena, diags, sources, file);
    bool ok = module != NULL && ir_verify(module, diags, NULL);
    for (size_t i = 0; ok && i < module->kernels.len; i++)
        ok = emit_kernel(arena, s, module->kernels.data[i], diags);
    return ok;
}

int main(int argc, char **argv) {
    Settings settings;
    if (!read_settings(argc, argv, &settings)) {
        fputs(
            "usage: tk-ptx [--target=T] [--emit=ptx|llvm|llvm-opt|accesses] [--comments] [--quick] "
            "[--no-lines] FILE|-\n",
            stderr);
        return 2;
    }
    OomHandler oom = {.fail_after = -1};
    if (setjmp(oom.jump)) {
        fputs("tk-ptx: out of memory\n", stderr);
        return 1;
    }
    Arena *arena = arena_create(&oom);
    SourceSet *sources = sources_create(arena);
    Diags *diags = diags_create(arena, sources);
    bool ok = emit_file(arena, &settings, diags, sources);
    DiagStyle style = {0};
    diags_render(diags, &style, stderr);
    int status = ok ? 0 : diags_count(diags, SEV_INTERNAL) > 0 ? 70 : 1;
    arena_destroy(arena);
    return status;
}
