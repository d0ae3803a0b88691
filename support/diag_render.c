/* diag_render.c -- printing diagnostics for people and for programs.
 *
 * For people, the shape is:
 *
 *     softmax.tk:14:12: error: range of 100 elements is not a power of two [TK0217]
 *        14 |     offs = arange(0, COLS)
 *           |            ^~~~~~~~~~~~~~~ COLS = 100
 *     note: tiles live in power-of-two register layouts
 *     help: use the next power of two
 *
 * A source line is printed cell by cell. A cell is what one character becomes on the screen:
 * itself, blanks for a tab, an escape for a control character or a byte that is not UTF-8. One walk
 * over the line measures on which screen columns the range begins and ends, a second one prints the
 * part of the line that fits. Nothing is printed unescaped that could move the cursor or reorder
 * text.
 */
#include <string.h>

#include "support/diag.h"
#include "support/str.h"

enum { TAB_WIDTH = 4, GUTTER_DIGITS = 5, ELLIPSIS = 3, MIN_COLUMNS = 20 };

typedef enum Color { COLOR_BOLD, COLOR_RED, COLOR_MAGENTA, COLOR_CYAN, COLOR_GREEN } Color;

static void color_on(const DiagStyle *style, Color color, FILE *out) {
    static const char *const codes[] = {"1", "1;31", "1;35", "1;36", "1;32"};
    if (style->color) {
        fprintf(out, "\x1b[%sm", codes[color]);
    }
}

static void color_off(const DiagStyle *style, FILE *out) {
    if (style->color) {
        fputs("\x1b[0m", out);
    }
}

static Color severity_color(Severity severity) {
    static const Color colors[] = {COLOR_CYAN, COLOR_MAGENTA, COLOR_RED, COLOR_RED, COLOR_RED};
    return colors[severity];
}

/* One character as it is printed. */
typedef struct Cell {
    char text[12];
    size_t len;    /* bytes of text */
    size_t screen; /* columns it takes */
} Cell;

/* Characters that would reorder or hide their neighbours, or begin a new line. */
static bool is_deceptive(uint32_t c) {
    return (c >= 0x80 && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Reads the character at *pos (and advances it) that begins on screen column `column`. */
static Cell next_cell(const char *text, size_t len, size_t *pos, size_t column) {
    Cell cell = {.text = "    "};
    size_t start = *pos;
    int32_t c = utf8_next(text, len, pos);
    if (c == '\t') {
        cell.len = cell.screen = TAB_WIDTH - column % TAB_WIDTH;
    } else if (c < 0x20 || c == 0x7f) {
        unsigned byte = (unsigned char)text[start];
        cell.len = cell.screen = (size_t)snprintf(cell.text, sizeof cell.text, "\\x%02x", byte);
    } else if (is_deceptive((uint32_t)c)) {
        unsigned value = (unsigned)c;
        cell.len = cell.screen = (size_t)snprintf(cell.text, sizeof cell.text, "\\u{%x}", value);
    } else {
        cell.len = *pos - start;
        memcpy(cell.text, text + start, cell.len);
        cell.screen = (size_t)utf8_width((uint32_t)c);
    }
    return cell;
}

/* Prints a message text, escaped; lines after the first are indented by 4. */
static void put_text(const char *text, FILE *out) {
    size_t len = strlen(text);
    for (size_t pos = 0; pos < len;) {
        if (text[pos] == '\n') {
            fputs("\n    ", out);
            pos++;
            continue;
        }
        Cell cell = next_cell(text, len, &pos, 0);
        fwrite(cell.text, 1, cell.len, out);
    }
}

static void put_repeated(char c, size_t count, FILE *out) {
    for (size_t i = 0; i < count; i++) {
        putc(c, out);
    }
}

/* A source line on the screen: columns [caret, caret_end) lie under the range, [from, to) are
 * printed. */
typedef struct LineView {
    const char *text;
    size_t len;
    size_t caret, caret_end;
    size_t width; /* of the whole line */
    size_t from, to;
} LineView;

/* Measures where the bytes [lo, hi) of the line begin and end on the screen. */
static LineView measure_line(const char *text, size_t len, size_t lo, size_t hi) {
    LineView view = {.text = text, .len = len};
    bool begun = false;
    size_t column = 0;
    for (size_t pos = 0; pos < len;) {
        size_t next = pos;
        Cell cell = next_cell(text, len, &next, column);
        if (!begun && next > lo) {
            view.caret = column;
            begun = true;
        }
        column += cell.screen;
        if (pos < hi) {
            view.caret_end = column;
        }
        pos = next;
    }
    view.width = column;
    if (!begun) {
        view.caret = column; /* the end of the line */
    }
    if (view.caret_end <= view.caret) {
        view.caret_end = view.caret + 1;
    }
    return view;
}

/* Chooses what to print of a line in `room` columns (0: no limit): all of it, or its beginning if
 * the range lies there, or a stretch with the range's beginning in it. */
static void choose_window(LineView *view, size_t room) {
    view->to = view->width;
    size_t needed = view->caret_end > view->width ? view->caret_end : view->width;
    if (room == 0 || needed <= room) {
        return;
    }
    size_t outer = room - ELLIPSIS, inner = outer - ELLIPSIS; /* cut on one side, on both */
    if (view->caret_end <= outer) {
        view->to = outer;
        return;
    }
    size_t length = view->caret_end - view->caret;
    size_t before = length < inner ? (inner - length) / 2 : 0;
    view->from = view->caret > before ? view->caret - before : 0;
    if (view->from + inner >= needed) {
        view->from = needed - outer;
    } else {
        view->to = view->from + (view->from == 0 ? outer : inner);
    }
}

/* Prints the chosen part; returns the screen column, from the line's left edge, of view->from. */
static size_t put_window(const LineView *view, FILE *out) {
    size_t left = 0;
    if (view->from > 0) {
        fputs("...", out);
        left = ELLIPSIS;
    }
    size_t column = 0;
    for (size_t pos = 0; pos < view->len && column <= view->to;) {
        Cell cell = next_cell(view->text, view->len, &pos, column);
        size_t end = column + cell.screen;
        if (column >= view->from && end <= view->to) {
            fwrite(cell.text, 1, cell.len, out);
        } else if (end > view->from && column < view->to) {
            size_t first = column > view->from ? column : view->from;
            size_t last = end < view->to ? end : view->to;
            put_repeated(' ', last - first, out); /* half of something wide */
        }
        column = end;
    }
    if (view->to < view->width) {
        fputs("...", out);
    }
    return left;
}

/* Prints the line a range begins on, and carets under the range. */
static void put_snippet(const SrcFile *file, SrcRange range, const char *label, Color color,
                        const DiagStyle *style, FILE *out) {
    uint32_t line = source_pos(file, range.lo).line, start;
    size_t len;
    const char *text = source_line(file, line, &len, &start);
    size_t lo = range.lo > start ? range.lo - start : 0;
    size_t hi = range.hi > start ? range.hi - start : 0;
    LineView view = measure_line(text, len, lo, hi);
    int gutter = snprintf(NULL, 0, "%*u", (int)GUTTER_DIGITS, line);
    size_t margin = (size_t)gutter + 3; /* " | " */
    size_t room = style->width < margin + MIN_COLUMNS ? MIN_COLUMNS : style->width - margin;
    choose_window(&view, style->width == 0 ? 0 : room);
    fprintf(out, "%*u |%s", (int)GUTTER_DIGITS, line, view.width == 0 ? "" : " ");
    size_t left = put_window(&view, out);
    fprintf(out, "\n%*s | ", gutter, "");
    put_repeated(' ', left + view.caret - view.from, out);
    color_on(style, color, out);
    putc('^', out);
    size_t last = view.caret_end < view.to ? view.caret_end : view.to;
    put_repeated('~', last > view.caret + 1 ? last - view.caret - 1 : 0, out);
    if (label != NULL) {
        putc(' ', out);
        put_text(label, out);
    }
    color_off(style, out);
    putc('\n', out);
}

/* "file:line:col: kind: ", the place only if there is one. */
static void put_heading(const SrcFile *file, SrcRange range, const char *kind, Color color,
                        const DiagStyle *style, FILE *out) {
    if (file != NULL) {
        SrcPos pos = source_pos(file, range.lo);
        color_on(style, COLOR_BOLD, out);
        put_text(file->name, out);
        fprintf(out, ":%u:%u: ", pos.line, pos.column);
        color_off(style, out);
    }
    color_on(style, color, out);
    fprintf(out, "%s: ", kind);
    color_off(style, out);
}

static void render_part(const DiagPart *part, const SourceSet *sources, const DiagStyle *style,
                        FILE *out) {
    const SrcFile *file = sources_file(sources, part->range.file);
    bool help = part->kind == PART_HELP;
    Color color = help ? COLOR_GREEN : COLOR_CYAN;
    put_heading(file, part->range, help ? "help" : "note", color, style, out);
    put_text(part->text, out);
    putc('\n', out);
    if (file != NULL) {
        put_snippet(file, part->range, NULL, color, style, out);
    }
}

void diag_render(const Diag *diag, const DiagStyle *style, FILE *out) {
    const SourceSet *sources = diags_sources(diag->owner);
    const SrcFile *file = sources_file(sources, diag->range.file);
    Color color = severity_color(diag->severity);
    put_heading(file, diag->range, severity_name(diag->severity), color, style, out);
    color_on(style, COLOR_BOLD, out);
    put_text(diag->text, out);
    color_off(style, out);
    fprintf(out, " [TK%04u]\n", diag_infos[diag->id].code);
    if (file != NULL) {
        put_snippet(file, diag->range, diag->label, color, style, out);
    }
    for (size_t i = 0; i < diag->parts.len; i++) {
        render_part(&diag->parts.data[i], sources, style, out);
    }
}

void diags_render(Diags *diags, const DiagStyle *style, FILE *out) {
    ArenaMark mark = arena_mark(diags_arena(diags));
    size_t count;
    const Diag **sorted = diags_sorted(diags, &count);
    for (size_t i = 0; i < count; i++) {
        diag_render(sorted[i], style, out);
    }
    arena_reset(diags_arena(diags), mark);
    if (diags_dropped(diags) > 0) {
        color_on(style, COLOR_CYAN, out);
        fputs("note: ", out);
        color_off(style, out);
        fprintf(out, "%zu more not shown\n", diags_dropped(diags));
    }
}

static void put_json_string(const char *text, FILE *out) {
    size_t len = strlen(text);
    putc('"', out);
    for (size_t pos = 0; pos < len;) {
        char json[JSON_CHAR_MAX];
        size_t json_len = json_char(text, len, &pos, json);
        fwrite(json, 1, json_len, out);
    }
    putc('"', out);
}

/* The members that say where: all null if there is no place. */
static void put_json_range(const SourceSet *sources, SrcRange range, FILE *out) {
    const SrcFile *file = sources_file(sources, range.file);
    if (file == NULL) {
        fputs("\"file\":null,\"line\":null,\"column\":null,\"end_line\":null,\"end_column\":null,"
              "\"lo\":null,\"hi\":null",
              out);
        return;
    }
    SrcPos from = source_pos(file, range.lo), to = source_pos(file, range.hi);
    fputs("\"file\":", out);
    put_json_string(file->name, out);
    fprintf(out, ",\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u", from.line,
            from.column, to.line, to.column);
    fprintf(out, ",\"lo\":%u,\"hi\":%u", range.lo, range.hi);
}

static void render_json(const Diag *diag, const SourceSet *sources, FILE *out) {
    static const char *const part_names[] = {"note", "help", "related"};
    fprintf(out, "{\"code\":\"TK%04u\",\"severity\":\"%s\",", diag_infos[diag->id].code,
            severity_name(diag->severity));
    put_json_range(sources, diag->range, out);
    fputs(",\"text\":", out);
    put_json_string(diag->text, out);
    fputs(",\"label\":", out);
    if (diag->label == NULL) {
        fputs("null", out);
    } else {
        put_json_string(diag->label, out);
    }
    fputs(",\"parts\":[", out);
    for (size_t i = 0; i < diag->parts.len; i++) {
        const DiagPart *part = &diag->parts.data[i];
        fprintf(out, "%s{\"kind\":\"%s\",", i == 0 ? "" : ",", part_names[part->kind]);
        put_json_range(sources, part->range, out);
        fputs(",\"text\":", out);
        put_json_string(part->text, out);
        putc('}', out);
    }
    fputs("]}\n", out);
}

void diags_render_json(Diags *diags, FILE *out) {
    ArenaMark mark = arena_mark(diags_arena(diags));
    size_t count;
    const Diag **sorted = diags_sorted(diags, &count);
    for (size_t i = 0; i < count; i++) {
        render_json(sorted[i], diags_sources(diags), out);
    }
    arena_reset(diags_arena(diags), mark);
}
