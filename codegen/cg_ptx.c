/* cg_ptx.c -- finishing touches on the PTX text that LLVM wrote, for people who read it.
 *
 * LLVM's banner goes, and so do comments around inline PTX, labels that only debug sections would
 * refer to, and the one such section that is left, an empty one. With `comments`, each `.loc`
 * directive gets the source line it names as a comment, where that line differs from the one
 * before.
 */
#include <stdlib.h>
#include <string.h>

#include "codegen/cg.h"

typedef struct Finisher {
    Cg *cg;
    StrBuf out;
    uint32_t files[64];  /* SrcRange.file by the numbers of .file directives; 0: unknown */
    unsigned file, line; /* last shown */
} Finisher;

static const char *skip_blanks(const char *text) {
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static uint32_t find_source(const Cg *cg, const char *name, size_t len) {
    const SourceSet *sources = cg->kernel->module->sources;
    const SrcFile *file;
    for (uint32_t id = 1; sources != NULL && (file = sources_file(sources, id)) != NULL; id++)
        if (strlen(file->name) == len && memcmp(file->name, name, len) == 0)
            return id;
    return 0;
}

/* `.file 1 "add.tk"` */
static void note_file(Finisher *f, const char *line, const char *end) {
    char *rest;
    unsigned long number = strtoul(line + strlen(".file"), &rest, 10);
    const char *open = memchr(rest, '"', (size_t)(end - rest));
    const char *close = open != NULL ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
    if (close != NULL && number < TK_COUNTOF(f->files))
        f->files[number] = find_source(f->cg, open + 1, (size_t)(close - open - 1));
}

/* `.loc 1 9 5` */
static void comment_line(Finisher *f, const char *line) {
    char *rest;
    unsigned long number = strtoul(line + strlen(".loc"), &rest, 10);
    unsigned long at = strtoul(rest, NULL, 10);
    if (number >= TK_COUNTOF(f->files) || f->files[number] == 0 || at == 0)
        return;
    if (f->file == number && f->line == at)
        return;
    f->file = (unsigned)number;
    f->line = (unsigned)at;
    const SrcFile *file = sources_file(f->cg->kernel->module->sources, f->files[number]);
    size_t len;
    const char *text = source_line(file, (uint32_t)at, &len, NULL);
    while (len > 0 && (*text == ' ' || *text == '\t'))
        text++, len--;
    strbuf_printf(&f->out, "\t// %s:%lu: %.*s\n", file->name, at, (int)len, text);
}

static void put_line(Finisher *f, const char *line, const char *end) {
    static const char *const noise[] = {
        "// begin inline asm", "// end inline asm", "$L__tmp",
        "$L__func_begin",      "$L__func_end",      ".section\t.debug_macinfo"};
    const char *word = skip_blanks(line);
    for (size_t i = 0; i < TK_COUNTOF(noise); i++)
        if (str_starts(word, noise[i]))
            return;
    if (f->cg->options->comments && str_starts(word, ".loc"))
        comment_line(f, word);
    strbuf_write(&f->out, line, (size_t)(end - line));
    strbuf_putc(&f->out, '\n');
}

/* LLVM puts the `.file` directives behind everything else. */
static void note_files(Finisher *f, const char *text, const char *end) {
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        const char *word = skip_blanks(text);
        if (str_starts(word, ".file"))
            note_file(f, word, stop);
        text = stop + 1;
    }
}

void cg_finish_ptx(Cg *cg, const char *text, size_t len, CodegenOutput *out) {
    Finisher finisher = {.cg = cg, .out = STRBUF(cg->arena)};
    const char *end = text + len;
    bool in_banner = true;
    if (cg->options->comments)
        note_files(&finisher, text, end);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        if (stop > text && !str_starts(text, "//"))
            in_banner = false;
        if (!in_banner)
            put_line(&finisher, text, stop);
        text = stop + 1;
    }
    out->ptx = strbuf_str(&finisher.out);
    out->ptx_len = finisher.out.len;
}
