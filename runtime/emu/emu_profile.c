/* emu_profile.c -- renders the counters of a launch by source line, as text and as JSON.
 *
 *     kernel add_kernel: 1408 warp instructions, 12.0 sectors a request of least 12.0, cost 6412
 *        line  instr  threads  requests  sectors  least  wavefronts  least  diverge  source
 *           9    128     4096        32      128    128           0      0        0  x =
 * tl.load(...)
 *
 * Instructions of one line are added up, wherever the compiler has put them; those without a line
 * come last.
 */
#include "runtime/emu/emu_profile.h"

#include <ctype.h>
#include <string.h>

#include "runtime/emu/machine.h"
#include "runtime/emu/source_map.h"

typedef struct Line {
    const SrcFile *file; /* NULL: not in the source set */
    const char *name;    /* of the file; "" without a line */
    unsigned number;
    EmuCounts counts;
} Line;
typedef VEC(Line) Lines;

static bool comes_before(const Line *a, const Line *b) {
    if ((a->number == 0) != (b->number == 0))
        return a->number != 0;
    int names = strcmp(a->name, b->name);
    return names != 0 ? names < 0 : a->number < b->number;
}

/* Lines in order of file and number: few, so each is inserted in its place. */
static Line *line_of(Arena *arena, Lines *lines, const Line *wanted) {
    size_t at = 0;
    while (at < lines->len && comes_before(&lines->data[at], wanted))
        at++;
    if (at < lines->len && !comes_before(wanted, &lines->data[at]))
        return &lines->data[at];
    vec_push(arena, lines, *wanted);
    memmove(&lines->data[at + 1], &lines->data[at], (lines->len - 1 - at) * sizeof(Line));
    lines->data[at] = *wanted;
    return &lines->data[at];
}

static Lines gather(Arena *arena, SourceSet *sources, const EmuCounters *counters) {
    Lines lines = {0};
    const PtxModule *ptx = counters->kernel->module->ptx;
    const PtxFunction *function = counters->kernel->function;
    for (size_t i = 0; i < counters->num_insts; i++) {
        if (counters->insts[i].warp_insts == 0)
            continue;
        PtxLoc loc = source_loc(sources, ptx, function, (uint32_t)i);
        Line line = {.file = source_file(sources, ptx, loc.file), .name = "", .number = loc.line};
        if (line.file != NULL)
            line.name = line.file->name;
        else if (loc.file < ptx->files.len && ptx->files.data[loc.file] != NULL)
            line.name = ptx->files.data[loc.file];
        emu_counts_add(&line_of(arena, &lines, &line)->counts, &counters->insts[i]);
    }
    return lines;
}

static void put_source(const Line *line, StrBuf *out) {
    if (line->file == NULL || line->number == 0) {
        strbuf_puts(out, line->number == 0 ? "(no line)" : line->name);
        return;
    }
    size_t len;
    const char *text = source_line(line->file, line->number, &len, NULL);
    while (len > 0 && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    strbuf_write(out, text, len < 60 ? len : 60);
}

typedef unsigned long long Number;

void emu_profile_text(SourceSet *sources, const EmuCounters *counters, StrBuf *out) {
    EmuCounts total = emu_counters_total(counters);
    Lines lines = gather(out->arena, sources, counters);
    strbuf_printf(out,
                  "kernel %s: %llu warp instructions, %llu sectors of least %llu, "
                  "%llu wavefronts of least %llu, cost %.0f\n",
                  counters->kernel->function->name, (Number)total.warp_insts, (Number)total.sectors,
                  (Number)total.sectors_min, (Number)total.wavefronts, (Number)total.wavefronts_min,
                  emu_cost(&total));
    strbuf_puts(out,
                "  line     instr    threads  requests   sectors     least wavefronts     least "
                "diverge  atomics  ");
    bool matrices = total.mma_flop > 0, copies = total.async_bytes > 0; /* few kernels have them */
    strbuf_printf(out, "%s%ssource\n", matrices ? "   mma flop  " : "",
                  copies ? "async bytes  " : "");
    for (size_t i = 0; i < lines.len; i++) {
        const Line *line = &lines.data[i];
        const EmuCounts *c = &line->counts;
        strbuf_printf(out, "%6u %9llu %10llu %9llu %9llu %9llu %10llu %9llu %7llu %8llu  ",
                      line->number, (Number)c->warp_insts, (Number)c->thread_insts,
                      (Number)c->requests, (Number)c->sectors, (Number)c->sectors_min,
                      (Number)c->wavefronts, (Number)c->wavefronts_min, (Number)c->divergent,
                      (Number)c->atomics);
        if (matrices)
            strbuf_printf(out, "%11llu  ", (Number)c->mma_flop);
        if (copies)
            strbuf_printf(out, "%11llu  ", (Number)c->async_bytes);
        put_source(line, out);
        strbuf_putc(out, '\n');
    }
}

static void put_string(StrBuf *out, const char *text) {
    strbuf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            strbuf_printf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            strbuf_printf(out, "\\u%04x", (unsigned)*text);
        else
            strbuf_putc(out, *text);
    }
    strbuf_putc(out, '"');
}

static void put_counts(StrBuf *out, const EmuCounts *c) {
    strbuf_printf(out,
                  "\"warp_instructions\": %llu, \"thread_instructions\": %llu, \"requests\": %llu, "
                  "\"sectors\": %llu, \"sectors_least\": %llu, \"wavefronts\": %llu, "
                  "\"wavefronts_least\": %llu, \"divergent\": %llu, \"atomics\": %llu, "
                  "\"barriers\": %llu, \"mma_flop\": %llu, \"async_bytes\": %llu",
                  (Number)c->warp_insts, (Number)c->thread_insts, (Number)c->requests,
                  (Number)c->sectors, (Number)c->sectors_min, (Number)c->wavefronts,
                  (Number)c->wavefronts_min, (Number)c->divergent, (Number)c->atomics,
                  (Number)c->barriers, (Number)c->mma_flop, (Number)c->async_bytes);
}

void emu_profile_json(SourceSet *sources, const EmuCounters *counters, StrBuf *out) {
    EmuCounts total = emu_counters_total(counters);
    Lines lines = gather(out->arena, sources, counters);
    strbuf_puts(out, "{\"kernel\": ");
    put_string(out, counters->kernel->function->name);
    strbuf_printf(out, ", \"cost\": %.0f, \"total\": {", emu_cost(&total));
    put_counts(out, &total);
    strbuf_puts(out, "}, \"lines\": [");
    for (size_t i = 0; i < lines.len; i++) {
        strbuf_puts(out, i > 0 ? ", {\"file\": " : "{\"file\": ");
        put_string(out, lines.data[i].name);
        strbuf_printf(out, ", \"line\": %u, ", lines.data[i].number);
        put_counts(out, &lines.data[i].counts);
        strbuf_putc(out, '}');
    }
    strbuf_puts(out, "]}\n");
}
