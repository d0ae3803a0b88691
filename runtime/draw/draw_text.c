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

/* A panel: texts, then its cells from line `head` on. */
typedef struct Block {
    Lines lines;
    size_t head, width;
} Block;

typedef struct Writer {
    const Picture *picture;
    Arena *arena;
    bool color;
} Writer;

static void add_line(const Writer *w, Lines *lines, const char *text) {
    Line line = {text, strlen(text)};
    vec_push(w->arena, lines, line);
}

static char cell_char(const Picture *picture, const PicturePanel *p, const Cell *cell) {
    switch (cell->kind) {
    case CELL_NONE:
        return ' ';
    case CELL_FREE:
        return '.';
    case CELL_TOUCHED:
        return picture_is_one_step(picture) ? '#' : digits[cell->number % NUM_DIGITS];
    case CELL_SHARED:
        return p->counts ? digits[cell->number < NUM_DIGITS ? cell->number : NUM_DIGITS - 1] : '*';
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

/* The colour of a thread's cells is that of its warp. */
static const char *lane_color(const Writer *w, const Cell *cell) {
    Cell warp = *cell;
    if (cell->kind == CELL_SHARED)
        warp.kind = CELL_TOUCHED;
    warp.number = cell->touch != NULL ? cell->touch->warp : 0;
    return cell_color(w, &warp);
}

/* "|0:31r4 ": warp 0, lane 31, the first element in register 4. */
static void put_vector(const Writer *w, const Cell *cell, size_t width, StrBuf *text) {
    const Touch *touch = cell->touch;
    const char *label = "";
    if (touch == NULL) {
        strbuf_printf(text, "%-*s", (int)width, cell->kind == CELL_FREE ? "." : "");
        return;
    }
    if (touch->width == 0)
        label = "all";
    else
        label = arena_printf(w->arena, "%u:%ur%u", touch->warp, touch->lane, touch->reg);
    if (strlen(label) + 1 > width)
        label = arena_printf(w->arena, "%u:%u", touch->warp, touch->lane);
    const char *color = lane_color(w, cell);
    strbuf_printf(text, "%s%c%-*.*s%s", color, cell->kind == CELL_MASKED ? '/' : '|',
                  (int)width - 1, (int)width - 1, label, color[0] != '\0' ? "\033[0m" : "");
}

/* A row of vectors; every element of a panel takes equally many characters. */
static size_t put_vectors(const Writer *w, const PicturePanel *p, const Cell *cells, int64_t count,
                          StrBuf *text) {
    uint32_t widest = p->panel->max_width;
    size_t each = widest >= LANE_CELL || widest == 0 ? 1 : LANE_CELL / widest;
    for (int64_t i = 0, len; i < count; i += len) {
        len = picture_vector(cells + i, count - i);
        put_vector(w, &cells[i], (size_t)len * each, text);
    }
    return (size_t)count * each;
}

static void put_cells(const Writer *w, const PicturePanel *p, const Cell *cells, int64_t count,
                      StrBuf *text) {
    const char *current = "";
    for (int64_t i = 0; i < count; i++) {
        const char *wanted = cell_color(w, &cells[i]);
        if (!str_eq(wanted, current)) {
            strbuf_puts(text, current[0] != '\0' ? "\033[0m" : "");
            strbuf_puts(text, wanted);
            current = wanted;
        }
        strbuf_putc(text, cell_char(w->picture, p, &cells[i]));
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
        size_t width = (size_t)count;
        if (w->picture->lanes)
            width = put_vectors(w, p, cells, count, &text);
        else
            put_cells(w, p, cells, count, &text);
        Line line = {strbuf_str(&text), (size_t)label + 2 + width};
        vec_push(w->arena, lines, line);
    }
}

static Block panel_block(const Writer *w, const PicturePanel *p) {
    Block block = {0};
    add_line(w, &block.lines, p->title);
    add_line(w, &block.lines, p->shape);
    for (size_t i = 0; i < p->notes.len; i++)
        add_line(w, &block.lines, p->notes.data[i]);
    block.head = block.lines.len;
    add_rows(w, p, &block.lines);
    for (size_t i = 0; i < block.lines.len; i++) {
        size_t width = block.lines.data[i].width;
        block.width = width > block.width ? width : block.width;
    }
    return block;
}

/* ---- side by side ---------------------------------------------------------------------------- */

/* Line `row` of a band whose panels have up to `head` lines above their cells; NULL: none. */
static const Line *band_line(const Block *block, size_t row, size_t head) {
    size_t missing = head - block->head;
    if (row >= head)
        row -= missing;
    else if (row >= block->head)
        return NULL;
    return row < block->lines.len ? &block->lines.data[row] : NULL;
}

static void put_band_line(const Block *blocks, size_t count, size_t row, size_t head, StrBuf *out) {
    size_t column = 0, start = 0;
    for (size_t i = 0; i < count; i++) {
        const Line *line = band_line(&blocks[i], row, head);
        if (line != NULL) {
            for (; column < start; column++)
                strbuf_putc(out, ' ');
            strbuf_puts(out, line->text);
            column += line->width;
        }
        start += blocks[i].width + GAP;
    }
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
    strbuf_putc(out, '\n');
}

static void put_band(const Block *blocks, size_t count, StrBuf *out) {
    size_t height = 0, head = 0;
    for (size_t i = 0; i < count; i++)
        head = blocks[i].head > head ? blocks[i].head : head;
    for (size_t i = 0; i < count; i++) {
        size_t own = blocks[i].lines.len + head - blocks[i].head;
        height = own > height ? own : height;
    }
    for (size_t row = 0; row < height; row++)
        put_band_line(blocks, count, row, head, out);
    strbuf_putc(out, '\n');
}

static void put_panels(const Writer *w, size_t width, StrBuf *out) {
    size_t count = w->picture->num_panels, first = 0, used = 0;
    Block *blocks = ARENA_ARRAY(w->arena, Block, count);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = panel_block(w, &w->picture->panels[i]);
        size_t needed = blocks[i].width;
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
    if (picture_is_one_step(picture)) {
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
    if (picture->lanes)
        strbuf_puts(out, "|1:5r4  what one lane accesses at once: warp 1, lane 5, the first "
                         "element in register 4\n");
    else
        put_numbers(picture, out);
    if (picture->has_stars && !picture->lanes)
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
