/* parse_check.c -- does tkc accept these Python texts? (a tool of tests/frontend/parity.py)
 *
 * Without arguments: reads file names, one a line, from standard input. With --texts: reads texts,
 * each with a line holding its length in bytes before it. For each it prints one line: "ok", or
 * "error LINE:COLUMN: message [TKnnnn]" with the first error. One process for thousands of texts:
 * starting one for each would take longer than parsing. With --all, one more line for each error;
 * with --ast, the tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/parse.h"
#include "support/io.h"

enum { STATUS_OK = 0, STATUS_USAGE = 2, STATUS_FAILED = 4 };

typedef struct Options {
    bool texts, all, ast;
} Options;

static void print_error(const Diags *diags, const SrcFile *file, size_t index) {
    const Diag *diag = diags_at(diags, index);
    SrcPos pos = source_pos(file, diag->range.lo);
    printf("%u:%u: %s [TK%04u]\n", pos.line, pos.column, diag->text, diag_infos[diag->id].code);
}

/* The error that comes first in the text. */
static size_t first_error(const Diags *diags) {
    size_t first = 0;
    for (size_t i = 1; i < diags_len(diags); i++)
        if (diags_at(diags, i)->range.lo < diags_at(diags, first)->range.lo)
            first = i;
    return first;
}

static void check_text(OomHandler *oom, const char *name, const char *text, size_t len,
                       const Options *options) {
    Arena *arena = arena_create(oom);
    SourceSet *sources = sources_create(arena);
    Diags *diags = diags_create(arena, sources);
    SrcFile *file = sources_add(sources, name, text, len);
    const Module *module = parse_module(arena, strtab_create(arena), diags, file);
    if (diags_len(diags) == 0) {
        puts(module->has_errors ? "error without a message" : "ok");
    } else {
        fputs("error ", stdout);
        print_error(diags, file, first_error(diags));
    }
    for (size_t i = 0; options->all && i < diags_len(diags); i++)
        print_error(diags, file, i);
    if (options->ast) {
        StrBuf tree = STRBUF(arena);
        ast_print(module, &tree);
        fputs(strbuf_str(&tree), stdout);
    }
    arena_destroy(arena);
}

static void check_file(OomHandler *oom, const char *name, const Options *options) {
    Arena *arena = arena_create(oom);
    size_t len = 0;
    const char *error = NULL;
    const char *text = io_read_file(arena, name, SRC_MAX_BYTES, &len, &error);
    if (text)
        check_text(oom, name, text, len, options);
    else
        printf("unreadable: %s\n", error);
    arena_destroy(arena);
}

/* Reads one line without its end; false at the end of the input. */
static bool read_line(char *line, size_t size) {
    if (!fgets(line, (int)size, stdin))
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static int check_texts(OomHandler *oom, const Options *options) {
    char line[64];
    while (read_line(line, sizeof line)) {
        size_t len = strtoul(line, NULL, 10);
        char *text = oom_malloc(oom, len + 1);
        if (fread(text, 1, len, stdin) != len) {
            free(text);
            return STATUS_FAILED;
        }
        check_text(oom, "<text>", text, len, options);
        free(text);
    }
    return STATUS_OK;
}

static int check_files(OomHandler *oom, const Options *options) {
    char line[4096];
    while (read_line(line, sizeof line))
        check_file(oom, line, options);
    return STATUS_OK;
}

static bool has_option(int argc, char **argv, const char *option) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

/* Runs the checks; out of memory comes back here. */
static int run(const Options *options) {
    OomHandler oom = {.fail_after = -1};
    if (setjmp(oom.jump)) {
        fputs("out of memory\n", stderr);
        return STATUS_FAILED;
    }
    return options->texts ? check_texts(&oom, options) : check_files(&oom, options);
}

int main(int argc, char **argv) {
    Options options = {.texts = has_option(argc, argv, "--texts"),
                       .all = has_option(argc, argv, "--all"),
                       .ast = has_option(argc, argv, "--ast")};
    if (argc != 1 + options.texts + options.all + options.ast) {
        fputs("usage: tk-parse-check [--texts] [--all] [--ast] < INPUT\n", stderr);
        return STATUS_USAGE;
    }
    return run(&options);
}
