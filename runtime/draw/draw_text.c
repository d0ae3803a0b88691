/* draw_text.c -- a picture for the terminal: a character a cell.
 *
 *     x_ptr, loaded               out_ptr, stored
 *     f32[1000]                   f32[1000]
 *     each cell is 16 elements    each cell is 16 elements
 *       0  0000000000000000         0  0000000000000000
 *     256  1111111111111111       256  1111111111111111
 *     ...
 *     768  333333333333333/       768  333333333333333/
 *
 * Panels stand side by side as far as the width allows.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/draw/picture.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
enum { NUM_DIGITS = 62, NUM_COLORS = 6, GAP = 4, LANE_CELL = 8 };

/* One line of a panel: its text, and how many columns it takes. */
typedef struct Line {
    const char *text;
    size_t width;
} Line;
typedef VEC(Line) Lines;

typedef struct Writer {
    const Picture *picture;
    Arena *arena;
    bool color;
} Writer;

static void add_line(const Writer *w, Lines *lines, const char *text) {
    Line line = {text, strlen(text)};
    vec_push(w->arena, lines, line);
}

/* A program whose accesses of each tensor are one step has no order to show. */
static bool is_one_step(const Picture *picture) {
    return picture->steps && picture->max_number == 0;
}

static char cell_char(const Picture *picture, const Cell *cell) {
    switch (cell->kind) {
    case CELL_NONE:
        return ' ';
    case CELL_FREE:
        return '.';
    case CELL_TOUCHED:
        return is_one_step(picture) ? '#' : digits[cell->number % NUM_DIGITS];
    case CELL_SHARED:
        return '*';
    case CELL_MASKED:
        return '/';
    }
    return ' ';
}

/* The escape sequence of a cell's colours; "" for none. */
static const char *cell_color(const Writer *w, const Cell *cell) {
    static const char *const colors[NUM_COLORS] = {"\033[30;46m", "\033[30;43m", "\033[30;42m",
                                                   "\033[30;45m", "\033[30;44m", "\033[30;41m"};
    if (!w->color)
        return "";
    if (cell->kind == CELL_TOUCHED)
        return colors[cell->number % NUM_COLORS];
    return cell->kind == CELL_SHARED ? "\033[30;47m" : cell->kind == CELL_MASKED ? "\033[2m" : "";
}

static void put_cells(const Writer *w, const Cell *cells, int64_t count, StrBuf *text) {
    const char *current = "";
    for (int64_t i = 0; i < count; i++) {
        const char *wanted = cell_color(w, &cells[i]);
        if (!str_eq(wanted, current)) {
            strbuf_puts(text, current[0] != '\0' ? "\033[0m" : "");
            strbuf_puts(text, wanted);
            current = wanted;
        }
        strbuf_putc(text, cell_char(w->picture, &cells[i]));
    }
    strbuf_puts(text, current[0] != '\0' ? "\033[0m" : "");
}

/* The number at the left end of a row: its first element, or its row. */
static int64_t row_number(const PicturePanel *p, int64_t row) {
    return p->wrapped ? p->first_col + row * p->cols * p->cell_width
                      : p->first_row + row * p->cell_height;
}

static int decimal_width(int64_t number) {
    int width = 1;
    for (; number >= 10; number /= 10)
        width++;
    return width;
}

static void add_rows(const Writer *w, const PicturePanel *p, Lines *lines) {
    int label = decimal_width(row_number(p, p->rows - 1));
    for (int64_t r = 0; r < p->rows; r++) {
        StrBuf text = STRBUF(w->arena);
        const Cell *cells = &p->cells[r * p->cols];
        int64_t count = p->cols;
        while (count > 0 && cells[count - 1].kind == CELL_NONE)
            count--;
        if (count == 0)
            break;
        strbuf_printf(&text, "%*" PRId64 "  ", label, row_number(p, r));
        put_cells(w, cells, count, &text);
        Line line = {strbuf_str(&text), (size_t)label + 2 + (size_t)count};
        vec_push(w->arena, lines, line);
    }
}

static Lines panel_lines(const Writer *w, const PicturePanel *p) {
    Lines lines = {0};
    add_line(w, &lines, p->title);
    add_line(w, &lines, p->shape);
    for (size_t i = 0; i < p->notes.len; i++)
        add_line(w, &lines, p->notes.data[i]);
    add_rows(w, p, &lines);
    return lines;
}

/* ---- side by side ---------------------------------------------------------------------------- */

static size_t lines_width(const Lines *lines) {
    size_t width = 0;
    for (size_t i = 0; i < lines->len; i++)
        width = lines->data[i].width > width ? lines->data[i].width : width;
    return width;
}

static void put_band(const Lines *blocks, size_t count, StrBuf *out) {
    size_t height = 0;
    for (size_t i = 0; i < count; i++)
        height = blocks[i].len > height ? blocks[i].len : height;
    for (size_t row = 0; row < height; row++) {
        size_t column = 0, start = 0;
        for (size_t i = 0; i < count; i++) {
            if (row < blocks[i].len) {
                for (; column < start; column++)
                    strbuf_putc(out, ' ');
                strbuf_puts(out, blocks[i].data[row].text);
                column += blocks[i].data[row].width;
            }
            start += lines_width(&blocks[i]) + GAP;
        }
        strbuf_putc(out, '\n');
    }
    strbuf_putc(out, '\n');
}

static void put_panels(const Writer *w, size_t width, StrBuf *out) {
    size_t count = w->picture->num_panels, first = 0, used = 0;
    Lines *blocks = ARENA_ARRAY(w->arena, Lines, count);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = panel_lines(w, &w->picture->panels[i]);
        size_t needed = lines_width(&blocks[i]);
        if (i > first && used + GAP + needed > width) {
            put_band(&blocks[first], i - first, out);
            first = i;
            used = 0;
        }
        used += needed + (i > first ? GAP : 0);
    }
    if (count > first)
        put_band(&blocks[first], count - first, out);
}

/* ---- legend ---------------------------------------------------------------------------------- */

static void put_numbers(const Picture *picture, StrBuf *out) {
    uint32_t most = picture->max_number < NUM_DIGITS ? picture->max_number : NUM_DIGITS - 1;
    if (is_one_step(picture)) {
        strbuf_puts(out, "#    touched by the program\n");
        return;
    }
    if (most == 0)
        strbuf_puts(out, "0  ");
    else
        strbuf_printf(out, "0-%c", digits[most]);
    if (picture->steps) {
        strbuf_puts(out, "  the program's tiles of a tensor, in the order of its accesses\n");
    } else {
        strbuf_puts(out, "  the program that touches it");
        const int64_t *grid = picture->grid;
        if (grid[0] == 1 && grid[2] == 1 && grid[1] > 1)
            strbuf_puts(out, ": (0, y) is number y");
        else if (grid[2] > 1)
            strbuf_printf(out, ": (x, y, z) is number x + %" PRId64 " * (y + %" PRId64 " * z)",
                          grid[0], grid[1]);
        else if (grid[1] > 1)
            strbuf_printf(out, ": (x, y) is number x + %" PRId64 " * y", grid[0]);
        strbuf_putc(out, '\n');
    }
    if (picture->max_number >= NUM_DIGITS)
        strbuf_printf(out, "     from %d on the characters come again\n", NUM_DIGITS);
}

static void put_legend(const Picture *picture, StrBuf *out) {
    put_numbers(picture, out);
    if (picture->has_shared)
        strbuf_puts(out, picture->steps ? "*    accessed several times\n"
                                        : "*    touched by several programs\n");
    if (picture->has_masked)
        strbuf_puts(out, picture->has_outside
                             ? "/    masked off: outside the tensor, where the tile hangs over\n"
                             : "/    masked off: lanes point here, but access nothing\n");
    if (picture->has_free)
        strbuf_puts(out, ".    untouched\n");
    if (picture->has_partly)
        strbuf_puts(out, "     some cells are touched in part only\n");
    for (size_t i = 0; i < picture->notes.len; i++)
        strbuf_printf(out, "     %s\n", picture->notes.data[i]);
}

void picture_text(const Picture *picture, size_t width, bool color, StrBuf *out) {
    Writer writer = {picture, out->arena, color};
    strbuf_printf(out, "%s\n%s\n\n", picture->title, picture->subtitle);
    put_panels(&writer, width, out);
    put_legend(picture, out);
}
