/* draw_svg.c -- a picture as SVG: one file without references, light or dark as the reader's
 * screen is, with a title and a description for those who do not see it.
 *
 * Cells of one colour become one rectangle; the lines between cells are a pattern above them. So a
 * picture takes some kilobytes, whatever the number of its cells. Coordinates are whole pixels.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/draw/picture.h"
#include "support/str.h"

enum {
    NUM_COLORS = 8,
    MARGIN = 16,
    GAP = 28,
    MAX_WIDTH = 960,
    HEAD = 58,     /* above the first panel */
    NOTE_LINE = 15 /* of a panel's texts */
};

/* Widths of characters of the fixed font, in hundredths of a pixel. */
enum { CHAR_10 = 602, CHAR_11 = 662, CHAR_13 = 783 };

static const char style[] =
    "text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "fill:#59636e}"
    ".t{font-size:15px;font-weight:600;fill:#1f2328}.n{font-size:13px;font-weight:600;fill:#1f2328}"
    ".r{font-size:10px;text-anchor:end}.c{font-size:10px;text-anchor:middle;fill:#1f2328}"
    ".s{font-size:8px;text-anchor:middle;fill:#1f2328}"
    ".b{fill:#fff}.f{fill:#eceff2}.h{stroke:#59636e;stroke-width:1.2}"
    ".l{fill:none;stroke:#fff;stroke-width:1}.e{fill:none;stroke:#59636e;stroke-width:1.5}"
    ".x{fill:#8c96a0}.w{opacity:.35}.v{stroke:#fff;stroke-width:1}"
    ".p0{fill:#9ecae9}.p1{fill:#fdc28c}.p2{fill:#a8d8a0}.p3{fill:#cdbbe8}"
    ".p4{fill:#f4a9a8}.p5{fill:#93d7cf}.p6{fill:#efdf86}.p7{fill:#d3bda2}\n"
    "@media(prefers-color-scheme:dark){text{fill:#9aa4af}.t,.n,.c,.s{fill:#f0f3f6}"
    ".b{fill:#14181e}.f{fill:#272e37}.h{stroke:#9aa4af}.l{stroke:#14181e}.e{stroke:#9aa4af}"
    ".x{fill:#5d6772}.v{stroke:#14181e}"
    ".p0{fill:#2f6690}.p1{fill:#96591b}.p2{fill:#3b7a34}.p3{fill:#65489a}"
    ".p4{fill:#963b3f}.p5{fill:#1f7a72}.p6{fill:#80701a}.p7{fill:#6f5739}}";

/* One panel and its place. */
typedef struct Block {
    const PicturePanel *panel;
    int64_t x, y, width, height;
    int64_t cell_w, cell_h; /* pixels of a cell */
    int64_t grid_x, grid_y; /* where the cells begin */
} Block;

typedef struct Svg {
    const Picture *picture;
    Arena *arena;
    StrBuf *out;
    StrBuf *labels; /* of the panel at hand: they come above the lines between cells */
    Block *blocks;
    int64_t width, height;
} Svg;

/* ---- texts ----------------------------------------------------------------------------------- */

static void put_escaped(StrBuf *out, const char *text) {
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            strbuf_puts(out, "&amp;");
            break;
        case '<':
            strbuf_puts(out, "&lt;");
            break;
        case '>':
            strbuf_puts(out, "&gt;");
            break;
        default:
            strbuf_putc(out, *text);
        }
    }
}

static void put_text(const Svg *svg, const char *class, int64_t x, int64_t y, const char *text) {
    strbuf_puts(svg->out, "<text");
    if (class[0] != '\0')
        strbuf_printf(svg->out, " class=\"%s\"", class);
    strbuf_printf(svg->out, " x=\"%" PRId64 "\" y=\"%" PRId64 "\">", x, y);
    put_escaped(svg->out, text);
    strbuf_puts(svg->out, "</text>\n");
}

static int64_t text_width(const char *text, int64_t each) {
    return ((int64_t)strlen(text) * each + 99) / 100;
}

static void put_rect(const Svg *svg, const char *class, int64_t x, int64_t y, int64_t width,
                     int64_t height) {
    strbuf_printf(svg->out,
                  "<rect class=\"%s\" x=\"%" PRId64 "\" y=\"%" PRId64 "\" width=\"%" PRId64
                  "\" height=\"%" PRId64 "\"/>\n",
                  class, x, y, width, height);
}

/* ---- places ---------------------------------------------------------------------------------- */

static int64_t row_number(const PicturePanel *p, int64_t row) {
    return p->wrapped ? p->first_col + row * p->cols * p->cell_width
                      : p->first_row + row * p->cell_height;
}

/* Without the cells at the end of a row that are none. */
static int64_t row_cells(const PicturePanel *p, int64_t row) {
    int64_t count = p->cols;
    while (count > 0 && p->cells[row * p->cols + count - 1].kind == CELL_NONE)
        count--;
    return count;
}

static int64_t most_cells(const PicturePanel *p) {
    int64_t most = 0;
    for (int64_t r = 0; r < p->rows; r++)
        most = row_cells(p, r) > most ? row_cells(p, r) : most;
    return most;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static void choose_cell(const Svg *svg, Block *block) {
    const PicturePanel *p = block->panel;
    if (svg->picture->lanes) {
        int64_t widest = p->panel->max_width > 0 ? p->panel->max_width : 1;
        block->cell_w = widest >= 8 ? clamp(48 / widest, 1, 6) : 48 / widest + 1;
        block->cell_h = 26;
    } else if (p->wrapped) {
        block->cell_w = clamp(256 / p->cols, 8, 18);
        block->cell_h = 18;
    } else {
        int64_t most = p->cols > p->rows ? p->cols : p->rows;
        block->cell_w = block->cell_h = clamp(256 / most, 8, 18);
    }
}

static void measure(const Svg *svg, Block *block) {
    const PicturePanel *p = block->panel;
    choose_cell(svg, block);
    const char *last = arena_printf(svg->arena, "%" PRId64, row_number(p, p->rows - 1));
    int64_t label = text_width(last, CHAR_10) + 8;
    block->grid_x = label;
    block->grid_y = 18 + NOTE_LINE * (1 + (int64_t)p->notes.len) + 2;
    block->width = label + most_cells(p) * block->cell_w + 2;
    block->height = block->grid_y + p->rows * block->cell_h + 2;
    int64_t title = text_width(p->title, CHAR_13), shape = text_width(p->shape, CHAR_11);
    block->width = title > block->width ? title : block->width;
    block->width = shape > block->width ? shape : block->width;
    for (size_t i = 0; i < p->notes.len; i++) {
        int64_t note = text_width(p->notes.data[i], CHAR_11);
        block->width = note > block->width ? note : block->width;
    }
}

/* The cells of panels in one band begin at one height: below the longest of their texts. */
static void align_band(Block *blocks, size_t count) {
    int64_t lowest = 0;
    for (size_t i = 0; i < count; i++)
        lowest = blocks[i].grid_y > lowest ? blocks[i].grid_y : lowest;
    for (size_t i = 0; i < count; i++) {
        blocks[i].height += lowest - blocks[i].grid_y;
        blocks[i].grid_y = lowest;
    }
}

static int64_t band_height(const Block *blocks, size_t count) {
    int64_t height = 0;
    for (size_t i = 0; i < count; i++)
        height = blocks[i].height > height ? blocks[i].height : height;
    return height;
}

/* Panels side by side as far as they fit, band below band. */
static void place_blocks(Svg *svg) {
    size_t count = svg->picture->num_panels;
    int64_t y = HEAD;
    svg->blocks = ARENA_ARRAY(svg->arena, Block, count);
    for (size_t first = 0, end; first < count; first = end) {
        int64_t x = MARGIN;
        for (end = first; end < count; end++) {
            Block *block = &svg->blocks[end];
            block->panel = &svg->picture->panels[end];
            measure(svg, block);
            if (end > first && x + block->width > MAX_WIDTH - MARGIN)
                break;
            block->x = x;
            block->y = y;
            block->grid_x += x;
            x += block->width + GAP;
        }
        svg->width = x - GAP + MARGIN > svg->width ? x - GAP + MARGIN : svg->width;
        align_band(&svg->blocks[first], end - first);
        for (size_t i = first; i < end; i++)
            svg->blocks[i].grid_y += y;
        y += band_height(&svg->blocks[first], end - first) + GAP;
    }
    svg->height = y;
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* Cells that look alike and are drawn as one. */
static bool alike(const Cell *a, const Cell *b) {
    bool numbered = a->kind != CELL_NONE && a->kind != CELL_FREE;
    return a->kind == b->kind && a->partly == b->partly && (!numbered || a->number == b->number);
}

static bool row_alike(const PicturePanel *p, int64_t row, int64_t col, int64_t count,
                      const Cell *to, const bool *done) {
    for (int64_t c = col; c < col + count; c++) {
        int64_t at = row * p->cols + c;
        if (done[at] || !alike(&p->cells[at], to))
            return false;
    }
    return true;
}

/* "2,1" for programs of a grid with two dimensions; "2,*" if all of these touch it. */
static const char *cell_label(const Svg *svg, const PicturePanel *p, const Cell *cell) {
    const Picture *picture = svg->picture;
    const int64_t *grid = picture->grid;
    if (cell->kind == CELL_SHARED && !picture->steps)
        return arena_printf(svg->arena, cell->number == 1 ? "%u program" : "%u programs",
                            cell->number);
    if (cell->kind != CELL_TOUCHED || picture_is_one_step(picture))
        return "";
    if (p->axis >= 0 && grid[2] <= 1)
        return arena_printf(svg->arena, p->axis == 0 ? "%u,*" : "*,%u", cell->number);
    if (picture->steps || p->axis >= 0 || (grid[1] <= 1 && grid[2] <= 1))
        return arena_printf(svg->arena, "%u", cell->number);
    int64_t x = cell->number % grid[0], y = cell->number / grid[0] % grid[1];
    int64_t z = cell->number / grid[0] / grid[1];
    return grid[2] > 1 ? arena_printf(svg->arena, "%" PRId64 ",%" PRId64 ",%" PRId64, x, y, z)
                       : arena_printf(svg->arena, "%" PRId64 ",%" PRId64, x, y);
}

/* The more programs, the darker. */
static void put_shared(const Svg *svg, const Cell *cell, int64_t x, int64_t y, int64_t width,
                       int64_t height) {
    uint32_t most = svg->picture->max_shared > 0 ? svg->picture->max_shared : 1;
    uint32_t percent = 29 + 70 * cell->number / most;
    strbuf_printf(svg->out,
                  "<rect class=\"x\" opacity=\".%02u\" x=\"%" PRId64 "\" y=\"%" PRId64
                  "\" width=\"%" PRId64 "\" height=\"%" PRId64 "\"/>\n",
                  percent > 99 ? 99 : percent, x, y, width, height);
}

static void put_region(const Svg *svg, const Block *block, const Cell *cell, int64_t row,
                       int64_t col, int64_t rows, int64_t cols) {
    int64_t x = block->grid_x + col * block->cell_w, y = block->grid_y + row * block->cell_h;
    int64_t width = cols * block->cell_w, height = rows * block->cell_h;
    const char *color = arena_printf(svg->arena, "p%u", cell->number % NUM_COLORS);
    switch (cell->kind) {
    case CELL_NONE:
        return;
    case CELL_FREE:
        put_rect(svg, "f", x, y, width, height);
        return;
    case CELL_MASKED:
        put_rect(svg, arena_printf(svg->arena, "%s w", color), x, y, width, height);
        strbuf_printf(svg->out,
                      "<rect fill=\"url(#h)\" x=\"%" PRId64 "\" y=\"%" PRId64 "\" width=\"%" PRId64
                      "\" height=\"%" PRId64 "\"/>\n",
                      x, y, width, height);
        return;
    case CELL_SHARED:
        put_shared(svg, cell, x, y, width, height);
        break;
    case CELL_TOUCHED:
        put_rect(svg, "f", x, y, width, cell->partly ? height : 0);
        put_rect(svg, cell->partly ? arena_printf(svg->arena, "%s w", color) : color, x, y, width,
                 height);
        break;
    }
    const char *label = cell_label(svg, block->panel, cell);
    if (cell->kind == CELL_SHARED && text_width(label, CHAR_10) + 2 > width)
        label = arena_printf(svg->arena, "%u", cell->number);
    if (label[0] != '\0' && text_width(label, CHAR_10) + 2 <= width && height >= 11) {
        Svg above = *svg;
        above.out = svg->labels;
        put_text(&above, "c", x + width / 2, y + height / 2 + 4, label);
    }
}

/* Largest rectangles of cells that look alike, from the top left on. */
static void put_regions(const Svg *svg, const Block *block) {
    const PicturePanel *p = block->panel;
    bool *done = ARENA_ARRAY(svg->arena, bool, (size_t)(p->rows * p->cols));
    for (int64_t r = 0; r < p->rows; r++) {
        for (int64_t c = 0; c < p->cols; c++) {
            const Cell *cell = &p->cells[r * p->cols + c];
            int64_t cols = 0, rows = 1;
            if (done[r * p->cols + c])
                continue;
            while (c + cols < p->cols && row_alike(p, r, c + cols, 1, cell, done))
                cols++;
            while (r + rows < p->rows && row_alike(p, r + rows, c, cols, cell, done))
                rows++;
            for (int64_t i = r; i < r + rows; i++)
                memset(&done[i * p->cols + c], true, (size_t)cols * sizeof *done);
            put_region(svg, block, cell, r, c, rows, cols);
        }
    }
}

/* Lines between cells. */
static void put_lines(const Svg *svg, const Block *block, size_t number) {
    const PicturePanel *p = block->panel;
    strbuf_printf(svg->out,
                  "<pattern id=\"g%zu\" x=\"%" PRId64 "\" y=\"%" PRId64 "\" width=\"%" PRId64
                  "\" height=\"%" PRId64 "\" patternUnits=\"userSpaceOnUse\"><path class=\"l\" "
                  "d=\"M0 0V%" PRId64 "M0 0H%" PRId64 "\"/></pattern>\n",
                  number, block->grid_x, block->grid_y, block->cell_w, block->cell_h, block->cell_h,
                  block->cell_w);
    for (int64_t r = 0, rows; r < p->rows; r += rows) {
        int64_t cells = row_cells(p, r);
        rows = 1;
        while (r + rows < p->rows && row_cells(p, r + rows) == cells)
            rows++;
        strbuf_printf(svg->out,
                      "<rect fill=\"url(#g%zu)\" x=\"%" PRId64 "\" y=\"%" PRId64
                      "\" width=\"%" PRId64 "\" height=\"%" PRId64 "\"/>\n",
                      number, block->grid_x, block->grid_y + r * block->cell_h,
                      cells * block->cell_w, rows * block->cell_h);
    }
}

/* The registers of a vector: "r4-7", or "r0,8..24" if they do not follow each other. */
static const char *registers_text(const Svg *svg, const Cell *cells, int64_t len) {
    unsigned first = cells[0].touch->reg, last = cells[len - 1].touch->reg;
    bool follow = true;
    for (int64_t i = 1; i < len; i++)
        follow &= cells[i].touch->reg == cells[i - 1].touch->reg + 1;
    if (len == 1)
        return arena_printf(svg->arena, "r%u", first);
    if (follow)
        return arena_printf(svg->arena, "r%u-%u", first, last);
    return len == 2 ? arena_printf(svg->arena, "r%u,%u", first, last)
                    : arena_printf(svg->arena, "r%u,%u..%u", first, cells[1].touch->reg, last);
}

/* A lane's vector: a rectangle with the lane and its registers in it. */
static void put_vector(const Svg *svg, const Block *block, int64_t row, int64_t col, int64_t len) {
    const PicturePanel *p = block->panel;
    const Cell *cell = &p->cells[row * p->cols + col];
    const Touch *touch = cell->touch;
    int64_t x = block->grid_x + col * block->cell_w, y = block->grid_y + row * block->cell_h;
    int64_t width = len * block->cell_w;
    if (touch == NULL) {
        if (cell->kind == CELL_FREE)
            put_rect(svg, "f v", x, y, width, block->cell_h);
        return;
    }
    if (cell->kind == CELL_MASKED) {
        Cell warp = {.kind = CELL_MASKED, .number = touch->warp};
        put_region(svg, block, &warp, row, col, 1, len);
        return;
    }
    put_rect(svg, arena_printf(svg->arena, "p%u v", touch->warp % NUM_COLORS), x, y, width,
             block->cell_h);
    if (touch->width == 0) { /* no tile: every thread has it */
        put_text(svg, "c", x + width / 2, y + 16, "all");
        return;
    }
    put_text(svg, "c", x + width / 2, y + 12,
             arena_printf(svg->arena, "%u:%u", touch->warp, touch->lane));
    put_text(svg, "s", x + width / 2, y + 22, registers_text(svg, cell, len));
}

static void put_lanes(const Svg *svg, const Block *block) {
    const PicturePanel *p = block->panel;
    for (int64_t r = 0; r < p->rows; r++) {
        for (int64_t c = 0, len; c < p->cols; c += len) {
            len = picture_vector(&p->cells[r * p->cols + c], p->cols - c);
            put_vector(svg, block, r, c, len);
        }
    }
}

/* The tensor's edge, where it is shown: around the cells that are not outside. */
static void put_edge(const Svg *svg, const Block *block) {
    const PicturePanel *p = block->panel;
    StrBuf right = STRBUF(svg->arena);
    int64_t rows = 0, last = -1, first = 0;
    for (; rows < p->rows; rows++) {
        int64_t count = 0;
        while (count < p->cols && !p->cells[rows * p->cols + count].outside)
            count++;
        if (count == 0)
            break;
        first = rows == 0 ? count : first;
        if (last >= 0 && count != last)
            strbuf_printf(&right, "V%" PRId64, block->grid_y + rows * block->cell_h);
        if (count != last)
            strbuf_printf(&right, "H%" PRId64, block->grid_x + count * block->cell_w);
        last = count;
    }
    if (rows == 0)
        return;
    strbuf_printf(svg->out,
                  "<path class=\"e\" d=\"M%" PRId64 " %" PRId64 "%sV%" PRId64 "H%" PRId64 "Z\"/>\n",
                  block->grid_x, block->grid_y, strbuf_str(&right),
                  block->grid_y + rows * block->cell_h, block->grid_x);
}

static void put_row_labels(const Svg *svg, const Block *block) {
    const PicturePanel *p = block->panel;
    int64_t step = block->cell_h >= 12 ? 1 : (12 + block->cell_h - 1) / block->cell_h;
    while (p->rows > 8 && step < 4)
        step *= 2;
    for (int64_t r = 0; r < p->rows; r += p->wrapped || svg->picture->lanes ? 1 : step) {
        if (row_cells(p, r) == 0)
            break;
        int64_t y =
            block->grid_y + r * block->cell_h + (block->cell_h >= 12 ? block->cell_h / 2 + 4 : 8);
        put_text(svg, "r", block->grid_x - 5, y,
                 arena_printf(svg->arena, "%" PRId64, row_number(p, r)));
    }
}

static void put_block(const Svg *svg, size_t number) {
    const Block *block = &svg->blocks[number];
    const PicturePanel *p = block->panel;
    int64_t y = block->y + 12;
    put_text(svg, "n", block->x, y, p->title);
    put_text(svg, "", block->x, y += NOTE_LINE + 1, p->shape);
    for (size_t i = 0; i < p->notes.len; i++)
        put_text(svg, "", block->x, y += NOTE_LINE, p->notes.data[i]);
    put_row_labels(svg, block);
    if (svg->picture->lanes) {
        put_lanes(svg, block);
    } else {
        put_regions(svg, block);
        put_lines(svg, block, number);
    }
    put_edge(svg, block);
    strbuf_write(svg->out, svg->labels->data, svg->labels->len);
    svg->labels->len = 0;
}

/* ---- legend ---------------------------------------------------------------------------------- */

typedef struct Legend {
    int64_t x, y;
} Legend;

/* A swatch and what it means; `fill` is a class, or NULL for the hatching. */
static void put_meaning(const Svg *svg, Legend *legend, const char *fill, const char *text) {
    int64_t width = 24 + text_width(text, CHAR_11);
    if (legend->x > MARGIN && legend->x + width > svg->width - MARGIN) {
        legend->x = MARGIN;
        legend->y += 20;
    }
    if (fill != NULL)
        put_rect(svg, fill, legend->x, legend->y, 16, 12);
    else
        strbuf_printf(svg->out,
                      "<rect fill=\"url(#h)\" x=\"%" PRId64 "\" y=\"%" PRId64
                      "\" width=\"16\" height=\"12\"/>\n",
                      legend->x, legend->y);
    put_text(svg, "", legend->x + 22, legend->y + 10, text);
    legend->x += width + 16;
}

static const char *number_meaning(const Picture *picture) {
    if (picture->lanes)
        return "1:5 is warp 1, lane 5; r4-7 its registers";
    if (picture->steps)
        return picture_is_one_step(picture) ? "touched by the program"
                                            : "the program's tiles of a tensor, numbered in order";
    return picture->grid[1] > 1 ? "x,y: touched by program (x, y)"
                                : "the number: touched by this program";
}

static void put_legend(Svg *svg) {
    const Picture *picture = svg->picture;
    Legend legend = {MARGIN, svg->height};
    put_meaning(svg, &legend, "p0", number_meaning(picture));
    if (picture->has_shared && !picture->lanes)
        put_meaning(svg, &legend, "x",
                    picture->steps ? "accessed several times" : "touched by several programs");
    if (picture->has_masked)
        put_meaning(svg, &legend, NULL,
                    picture->has_outside ? "masked off: the tile hangs over" : "masked off");
    if (picture->has_free)
        put_meaning(svg, &legend, "f", "untouched");
    if (picture->has_partly && !picture->lanes)
        put_meaning(svg, &legend, "p0 w", "touched in part");
    for (size_t i = 0; i < picture->notes.len; i++) {
        legend = (Legend){MARGIN, legend.y + 20};
        put_text(svg, "", MARGIN, legend.y + 10, picture->notes.data[i]);
    }
    svg->height = legend.y + 12 + MARGIN;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* For those who do not see the picture: what its panels show. */
static void put_description(const Svg *svg) {
    StrBuf *out = svg->out;
    strbuf_puts(out, "<title id=\"t\">");
    put_escaped(out, svg->picture->title);
    strbuf_puts(out, "</title>\n<desc id=\"d\">");
    put_escaped(out, svg->picture->subtitle);
    for (size_t i = 0; i < svg->picture->num_panels; i++) {
        const PicturePanel *p = &svg->picture->panels[i];
        strbuf_puts(out, i == 0 ? ": " : "; ");
        put_escaped(out, p->title);
        strbuf_puts(out, ", ");
        put_escaped(out, p->shape);
    }
    strbuf_puts(out, "</desc>\n");
}

void picture_svg(const Picture *picture, StrBuf *out) {
    StrBuf body = STRBUF(out->arena), labels = STRBUF(out->arena);
    Svg svg = {.picture = picture, .arena = out->arena, .out = &body, .labels = &labels};
    svg.width = 2 * MARGIN + text_width(picture->title, 903);
    int64_t subtitle = 2 * MARGIN + text_width(picture->subtitle, CHAR_11);
    svg.width = subtitle > svg.width ? subtitle : svg.width;
    place_blocks(&svg);
    for (size_t i = 0; i < picture->num_panels; i++)
        put_block(&svg, i);
    put_legend(&svg);
    svg.out = out;
    strbuf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %" PRId64 " %" PRId64
                  "\" width=\"%" PRId64 "\" height=\"%" PRId64
                  "\" role=\"img\" aria-labelledby=\"t d\">\n",
                  svg.width, svg.height, svg.width, svg.height);
    put_description(&svg);
    strbuf_printf(out, "<style>%s</style>\n", style);
    strbuf_puts(out,
                "<pattern id=\"h\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
                "patternTransform=\"rotate(45)\"><path class=\"h\" d=\"M0 0V6\"/></pattern>\n");
    strbuf_printf(out,
                  "<rect class=\"b\" width=\"%" PRId64 "\" height=\"%" PRId64 "\" rx=\"6\"/>\n",
                  svg.width, svg.height);
    put_text(&svg, "t", MARGIN, 26, picture->title);
    put_text(&svg, "", MARGIN, 44, picture->subtitle);
    strbuf_write(out, body.data, body.len);
    strbuf_puts(out, "</svg>\n");
}
