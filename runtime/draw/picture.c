/* picture.c -- chooses what of a recording is shown, and how large.
 *
 * Tensors are larger than pictures. Two ways to make them fit, in this order: a cell stands for
 * several elements, but for no more than one program (or step) touches at once, so that the tiles
 * stay visible; what still does not fit is cut off. Where an access has gaps, a cell is one
 * element, since a cell with a gap in it looks as if there were none.
 */
#include "runtime/draw/picture.h"

#include <inttypes.h>

#include "support/bits.h"
#include "support/str.h"

/* The smallest rectangle with all elements of one program (or of one step), and its gaps. */
typedef struct Box {
    int64_t row, col, height, width;
    bool row_gaps, col_gaps;
} Box;

static bool belongs(const Touch *touch, const Touch *to, bool steps) {
    return touch->first == to->first && (!steps || touch->step == to->step);
}

static const Touch *touch_at(const Panel *panel, int64_t row, int64_t col) {
    return &panel->touches[row * panel->width + col];
}

/* The first element that is touched, in row-major order; NULL: none. */
static const Touch *first_touch(const Panel *panel) {
    for (int64_t i = 0; i < panel->used_height; i++) {
        for (int64_t j = 0; j < panel->used_width; j++) {
            if (touch_at(panel, i, j)->first != 0)
                return touch_at(panel, i, j);
        }
    }
    return NULL;
}

static bool has_gaps(const bool *seen, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (!seen[first + i])
            return true;
    }
    return false;
}

static Box find_box(Arena *arena, const Panel *panel, bool steps) {
    const Touch *first = first_touch(panel);
    Box box = {.height = 1, .width = 1};
    if (first == NULL)
        return box;
    ArenaMark mark = arena_mark(arena);
    bool *rows = ARENA_ARRAY(arena, bool, (size_t)panel->used_height);
    bool *cols = ARENA_ARRAY(arena, bool, (size_t)panel->used_width);
    int64_t last_row = 0, last_col = 0;
    box.row = panel->used_height;
    box.col = panel->used_width;
    for (int64_t i = 0; i < panel->used_height; i++) {
        for (int64_t j = 0; j < panel->used_width; j++) {
            if (!belongs(touch_at(panel, i, j), first, steps))
                continue;
            rows[i] = cols[j] = true;
            box.row = i < box.row ? i : box.row;
            box.col = j < box.col ? j : box.col;
            last_row = i > last_row ? i : last_row;
            last_col = j > last_col ? j : last_col;
        }
    }
    box.height = last_row - box.row + 1;
    box.width = last_col - box.col + 1;
    box.row_gaps = has_gaps(rows, box.row, box.height);
    box.col_gaps = has_gaps(cols, box.col, box.width);
    arena_reset(arena, mark);
    return box;
}

const PictureLimits picture_text_limits = {
    .rows = 16, .cols = 32, .lines = 16, .line = 32, .vectors = 8};
const PictureLimits picture_svg_limits = {
    .rows = 32, .cols = 32, .lines = 16, .line = 32, .vectors = 8};

int64_t picture_vector(const Cell *cells, int64_t count) {
    const Touch *first = cells[0].touch;
    int64_t len = 1;
    while (len < count && first != NULL && cells[len].touch != NULL) {
        const Touch *next = cells[len].touch;
        if (next->lane != first->lane || next->warp != first->warp || next->step != first->step ||
            next->place != first->place + len || cells[len].kind != cells[0].kind)
            break;
        len++;
    }
    return len;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t min64(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t power_up(int64_t n) {
    return INT64_C(1) << bits_ceil_log2((uint64_t)max64(n, 1));
}

/* Elements of a cell along a dimension of `count` elements, of which `box` belong together. */
static int64_t cell_size(int64_t count, int64_t box, bool gaps, int64_t limit) {
    int64_t size = 1;
    while (!gaps && ceil_div(count, size) > limit && size * 2 <= box)
        size *= 2;
    return size;
}

/* The first of `limit` cells shown of `count`: from a little before the box on. */
static int64_t window(int64_t count, int64_t box_at, int64_t size, int64_t limit) {
    int64_t at = box_at / size;
    if (count <= limit || at < limit)
        return 0;
    return min64(at - at % max64(limit / 2, 1), count - limit);
}

/* With lanes, a cell is an element, and a row has a number of whole vectors. */
static PictureLimits lane_limits(const Panel *panel, const PictureLimits *limits) {
    PictureLimits lanes = *limits;
    lanes.rows = lanes.lines = min64(limits->rows, limits->lines);
    lanes.line = lanes.cols = limits->vectors * max64(panel->max_width, 1);
    return lanes;
}

/* A vector is written line below line. */
static void size_vector(PicturePanel *p, const Box *box, const PictureLimits *limits,
                        bool elements) {
    const Panel *panel = p->panel;
    int64_t count = panel->used_width > panel->cols ? panel->used_width : panel->cols;
    int64_t unit = power_up(box->width), cols = min64(limits->line, power_up(count));
    bool whole = elements || box->col_gaps; /* a cell is an element */
    p->wrapped = true;
    p->cell_height = 1;
    p->cell_width = whole ? 1 : max64(unit / limits->line, 1);
    while (!whole && ceil_div(count, cols * p->cell_width) > limits->lines && p->cell_width < unit)
        p->cell_width *= 2;
    int64_t line = cols * p->cell_width, lines = ceil_div(count, line);
    p->cols = cols;
    p->rows = min64(lines, limits->lines);
    p->first_col = window(lines, box->col, line, limits->lines) * line;
    if (elements) { /* from the box's first line to its last one */
        p->first_col = box->col / line * line;
        p->rows = min64(ceil_div(box->col + box->width - p->first_col, line), limits->lines);
    }
}

/* With lanes: the first tile that the program accesses, element by element. */
static void size_tile(PicturePanel *p, const Box *box, const PictureLimits *limits) {
    p->cell_height = p->cell_width = 1;
    p->rows = min64(box->height, limits->rows);
    p->cols = min64(box->width, limits->cols);
    p->first_row = box->row;
    p->first_col = box->col;
}

static void size_matrix(PicturePanel *p, const Box *box, const PictureLimits *limits) {
    const Panel *panel = p->panel;
    int64_t height = max64(panel->used_height, panel->rows);
    int64_t width = max64(panel->used_width, panel->cols);
    p->cell_height = cell_size(height, box->height, box->row_gaps, limits->rows);
    p->cell_width = cell_size(width, box->width, box->col_gaps, limits->cols);
    int64_t rows = ceil_div(height, p->cell_height), cols = ceil_div(width, p->cell_width);
    p->rows = min64(rows, limits->rows);
    p->cols = min64(cols, limits->cols);
    p->first_row = window(rows, box->row, p->cell_height, limits->rows) * p->cell_height;
    p->first_col = window(cols, box->col, p->cell_width, limits->cols) * p->cell_width;
}

/* The axis of a grid whose ids tell apart what is touched, if those of the others do not: every
 * element is touched by all programs with one id on it. -1: there is none. */
static int find_axis(const Panel *panel, const int64_t grid[3]) {
    unsigned same = 7;
    bool several = false;
    const Touch *first = first_touch(panel);
    uint8_t constant = 7; /* ids that are the same everywhere tell nothing apart */
    for (int64_t i = 0; i < panel->used_height; i++) {
        for (int64_t j = 0; j < panel->used_width; j++) {
            const Touch *touch = touch_at(panel, i, j);
            if (touch->first == 0 || touch->masked)
                continue;
            same &= touch->same;
            constant &= record_alike_ids(grid, touch->first, first->first);
            several |= touch->count > 1;
        }
    }
    for (int d = 0; d < 3; d++) {
        if (several && ((same & ~constant) >> d & 1) != 0)
            return d;
    }
    return -1;
}

/* Is most of it touched by several programs? Then how many is what there is to see. */
static bool is_mostly_shared(const Panel *panel) {
    int64_t touched = 0, shared = 0;
    for (int64_t i = 0; i < panel->used_height; i++) {
        for (int64_t j = 0; j < panel->used_width; j++) {
            const Touch *touch = touch_at(panel, i, j);
            touched += touch->first != 0 && !touch->masked;
            shared += touch->count > 1 && !touch->masked;
        }
    }
    return shared * 2 > touched;
}

/* The number that a touch shows: of its program, or that one's id on the panel's axis. */
static uint32_t number_of(const Picture *picture, const PicturePanel *p, const Touch *touch) {
    if (picture->steps)
        return touch->step;
    uint32_t number = touch->first - 1;
    if (p->axis < 0)
        return number;
    for (int d = 0; d < p->axis; d++)
        number /= (uint32_t)picture->grid[d];
    return number % (uint32_t)picture->grid[p->axis];
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* What the elements of a cell have in common. */
typedef struct Mix {
    int64_t inside, touched, masked, free;
    const Touch *first; /* touched, or else masked */
    bool several;
    uint32_t count;
} Mix;

static void mix_in(Mix *mix, const Touch *touch, bool inside, const Picture *picture,
                   const PicturePanel *p) {
    mix->inside += inside;
    if (touch->first == 0) {
        mix->free += inside;
        return;
    }
    mix->masked += touch->masked;
    mix->touched += !touch->masked;
    if (mix->first == NULL || (mix->first->masked && !touch->masked)) {
        mix->first = touch;
        mix->several = false;
        mix->count = touch->count;
    }
    if (mix->first->masked != touch->masked)
        return;
    mix->several |= number_of(picture, p, touch) != number_of(picture, p, mix->first);
    mix->several |= picture->steps ? touch->again : touch->count > 1 && p->axis < 0;
    mix->count = touch->count > mix->count ? touch->count : mix->count;
}

static Mix mix_cell(const Picture *picture, const PicturePanel *p, int64_t r, int64_t c) {
    static const Touch nothing;
    const Panel *panel = p->panel;
    Mix mix = {.inside = 0};
    for (int64_t i = 0; i < p->cell_height; i++) {
        for (int64_t j = 0; j < p->cell_width; j++) {
            int64_t row = p->wrapped ? 0 : p->first_row + r * p->cell_height + i;
            int64_t col = p->first_col + (p->wrapped ? r * p->cols + c : c) * p->cell_width + j;
            bool known = row < panel->height && col < panel->width;
            mix_in(&mix, known ? touch_at(panel, row, col) : &nothing,
                   row < panel->rows && col < panel->cols, picture, p);
        }
    }
    return mix;
}

static Cell make_cell(const Picture *picture, const PicturePanel *p, const Mix *mix) {
    Cell cell = {.kind = mix->inside > 0 ? CELL_FREE : CELL_NONE, .outside = mix->inside == 0};
    if (mix->first == NULL)
        return cell;
    cell.touch = mix->first;
    cell.number = number_of(picture, p, mix->first);
    cell.kind = mix->touched > 0 ? CELL_TOUCHED : CELL_MASKED;
    cell.partly = mix->touched > 0 && mix->free + mix->masked > 0;
    if (cell.kind == CELL_TOUCHED && (mix->several || p->counts)) {
        cell.kind = CELL_SHARED;
        cell.number = mix->count;
    }
    return cell;
}

static void fill_cells(Picture *picture, PicturePanel *p, Arena *arena) {
    p->cells = ARENA_ARRAY(arena, Cell, (size_t)(p->rows * p->cols));
    for (int64_t r = 0; r < p->rows; r++) {
        for (int64_t c = 0; c < p->cols; c++) {
            Mix mix = mix_cell(picture, p, r, c);
            Cell cell = make_cell(picture, p, &mix);
            p->cells[r * p->cols + c] = cell;
            picture->has_free |= cell.kind == CELL_FREE;
            picture->has_shared |= cell.kind == CELL_SHARED;
            if (cell.kind == CELL_SHARED && cell.number > picture->max_shared)
                picture->max_shared = cell.number;
            picture->has_stars |= cell.kind == CELL_SHARED && !p->counts;
            picture->has_masked |= cell.kind == CELL_MASKED;
            picture->has_outside |= cell.kind == CELL_MASKED && cell.outside;
            picture->has_partly |= cell.partly;
            if (cell.kind == CELL_TOUCHED && cell.number > picture->max_number)
                picture->max_number = cell.number;
        }
    }
}

/* ---- words ----------------------------------------------------------------------------------- */

static const char *list_text(Arena *arena, const char *open, const int64_t *items, unsigned count,
                             const char *close) {
    StrBuf text = STRBUF(arena);
    strbuf_puts(&text, open);
    for (unsigned i = 0; i < count; i++)
        strbuf_printf(&text, "%s%" PRId64, i > 0 ? ", " : "", items[i]);
    strbuf_puts(&text, close);
    return strbuf_str(&text);
}

/* "f32", as in messages and in IR. */
static const char *type_text(Arena *arena, DType type) {
    const char *name = dtype_infos[type].short_name;
    return str_starts(name, "fp") ? arena_printf(arena, "f%s", name + 2) : name;
}

static const char *strides_text(Arena *arena, const MemView *view) {
    bool plain = view->rank == 0 || (view->rank == 1 && view->strides[0] == 1);
    return plain ? ""
                 : arena_printf(arena, "stride %s",
                                list_text(arena, "(", view->strides, view->rank, ")"));
}

const char *picture_shape(Arena *arena, const MemView *view) {
    const char *shape = list_text(arena, "[", view->shape, view->rank, "]");
    const char *strides = strides_text(arena, view);
    return arena_printf(arena, "%s%s%s%s", type_text(arena, view->dtype), shape,
                        strides[0] != '\0' ? " " : "", strides);
}

static const char *verb_of(AccessKind kind) {
    return kind == ACCESS_READ ? "loaded" : kind == ACCESS_WRITE ? "stored" : "updated atomically";
}

/* Which part is shown, unless it is all; `with_overhang` are `all` and what lies beyond. */
static void note_cut(PicturePanel *p, Arena *arena, const char *what, int64_t first, int64_t shown,
                     int64_t all, int64_t with_overhang) {
    if (shown < max64(all, with_overhang))
        vec_push(arena, &p->notes,
                 arena_printf(arena, "%s %" PRId64 " to %" PRId64 " of %" PRId64, what, first,
                              first + shown - 1, all));
}

static void describe_lanes(PicturePanel *p, Arena *arena) {
    const Panel *panel = p->panel;
    if (panel->copies == 0)
        return;
    uint32_t width = panel->max_width;
    size_t bytes = width * dtype_size(panel->view->dtype);
    vec_push(arena, &p->notes,
             width > 1 ? arena_printf(arena, "%u elements a lane at once: %zu bytes", width, bytes)
                       : arena_printf(arena, "one element a lane at once: %zu bytes", bytes));
    if (panel->copies > 1)
        vec_push(arena, &p->notes,
                 arena_printf(arena, "held by %u lanes each: the first is shown", panel->copies));
}

static void describe_numbers(PicturePanel *p, const int64_t grid[3], Arena *arena) {
    static const char *const patterns[2][3] = {{"(x, *)", "(*, y)", ""},
                                               {"(x, *, *)", "(*, y, *)", "(*, *, z)"}};
    if (p->axis >= 0)
        vec_push(arena, &p->notes,
                 arena_printf(arena, "numbers: %c of programs %s", "xyz"[p->axis],
                              patterns[grid[2] > 1][p->axis]));
    if (p->counts)
        vec_push(arena, &p->notes, "numbers: how many programs");
}

static void describe(PicturePanel *p, const Picture *picture, Arena *arena) {
    const Panel *panel = p->panel;
    p->title = arena_printf(arena, "%s, %s", panel->name, verb_of(panel->kind));
    p->shape = picture_shape(arena, panel->view);
    if (panel->view->rank > 2) { /* long: in two lines */
        p->shape = arena_printf(arena, "%s%s", type_text(arena, panel->view->dtype),
                                list_text(arena, "[", panel->view->shape, panel->view->rank, "]"));
        vec_push(arena, &p->notes, strides_text(arena, panel->view));
        const char *slice = list_text(arena, "[", panel->slice, panel->view->rank - 2, ", :, :]");
        vec_push(arena, &p->notes, arena_printf(arena, "shown: %s%s", panel->name, slice));
    }
    if (p->wrapped && p->cell_width > 1)
        vec_push(arena, &p->notes,
                 arena_printf(arena, "each cell is %" PRId64 " elements", p->cell_width));
    if (!p->wrapped && (p->cell_width > 1 || p->cell_height > 1))
        vec_push(arena, &p->notes,
                 arena_printf(arena, "each cell is %" PRId64 "x%" PRId64 " elements",
                              p->cell_height, p->cell_width));
    if (p->wrapped) {
        note_cut(p, arena, "elements", p->first_col, p->rows * p->cols * p->cell_width, panel->cols,
                 panel->used_width);
    } else {
        note_cut(p, arena, "rows", p->first_row, p->rows * p->cell_height, panel->rows,
                 panel->used_height);
        note_cut(p, arena, "columns", p->first_col, p->cols * p->cell_width, panel->cols,
                 panel->used_width);
    }
    describe_lanes(p, arena);
    describe_numbers(p, picture->grid, arena);
    if (panel->elsewhere > 0)
        vec_push(arena, &p->notes, "and other slices, not shown");
    if (panel->beyond > 0)
        vec_push(
            arena, &p->notes,
            arena_printf(arena, "%" PRIu64 " masked-off lanes point elsewhere", panel->beyond));
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Matrices get cells of one size, as far as their tiles allow it. */
static void match_cells(Picture *picture, const Box *boxes, const PictureLimits *limits) {
    int64_t size = 1;
    for (size_t i = 0; i < picture->num_panels; i++) {
        const PicturePanel *p = &picture->panels[i];
        if (!p->wrapped)
            size = max64(size, max64(p->cell_height, p->cell_width));
    }
    for (size_t i = 0; i < picture->num_panels; i++) {
        PicturePanel *p = &picture->panels[i];
        const Box *box = &boxes[i];
        if (p->wrapped)
            continue;
        PictureLimits tight = *limits;
        if (!box->row_gaps && box->height >= size && size > p->cell_height)
            tight.rows = ceil_div(max64(p->panel->used_height, p->panel->rows), size);
        if (!box->col_gaps && box->width >= size && size > p->cell_width)
            tight.cols = ceil_div(max64(p->panel->used_width, p->panel->cols), size);
        size_matrix(p, box, &tight);
    }
}

/* Panels in the order of parameters; loads before stores. */
static int panel_order(const Panel *a, const Panel *b) {
    return a->param != b->param ? (a->param < b->param ? -1 : 1) : (int)a->kind - (int)b->kind;
}

void picture_fill(Picture *picture, const Recorder *recorder, const PictureLimits *limits) {
    Arena *arena = recorder->arena;
    size_t count = recorder->panels.len;
    picture->panels = ARENA_ARRAY(arena, PicturePanel, count);
    Box *boxes = ARENA_ARRAY(arena, Box, count);
    for (size_t i = 0; i < count; i++) {
        const Panel *panel = &recorder->panels.data[i];
        size_t at = picture->num_panels;
        if (first_touch(panel) == NULL)
            continue;
        for (; at > 0 && panel_order(panel, picture->panels[at - 1].panel) < 0; at--)
            picture->panels[at] = picture->panels[at - 1];
        picture->panels[at] = (PicturePanel){.panel = panel};
        picture->num_panels++;
    }
    for (size_t i = 0; i < picture->num_panels; i++) {
        PicturePanel *p = &picture->panels[i];
        boxes[i] = find_box(arena, p->panel, picture->steps);
        PictureLimits own = *limits;
        if (picture->lanes)
            own = lane_limits(p->panel, limits);
        if (p->panel->view->rank < 2)
            size_vector(p, &boxes[i], &own, picture->lanes);
        else if (picture->lanes)
            size_tile(p, &boxes[i], &own);
        else
            size_matrix(p, &boxes[i], &own);
    }
    if (!picture->lanes)
        match_cells(picture, boxes, limits);
    for (size_t i = 0; i < picture->num_panels; i++) {
        PicturePanel *p = &picture->panels[i];
        p->axis = picture->steps ? -1 : find_axis(p->panel, picture->grid);
        p->counts = !picture->steps && p->axis < 0 && is_mostly_shared(p->panel);
        fill_cells(picture, p, arena);
        describe(p, picture, arena);
    }
    if (recorder->unknown > 0)
        vec_push(arena, &picture->notes,
                 "accesses through pointers that come from no parameter are not drawn");
}
