/* record.c -- takes down accesses as the interpreter tells them.
 *
 * Each access of a tile is placed in its tensor (place.c), and its elements are marked with the
 * program, with the step (the how-manieth access of the program to this panel) and, at the laid
 * level, with the thread and register that hold them: the layout of the access says which.
 */
#include "runtime/draw/record.h"

#include <limits.h>
#include <string.h>

/* ---- panels ---------------------------------------------------------------------------------- */

static Panel *find_panel(Recorder *r, int param, AccessKind kind) {
    for (size_t i = 0; i < r->panels.len; i++) {
        if (r->panels.data[i].param == param && r->panels.data[i].kind == kind)
            return &r->panels.data[i];
    }
    const MemView *view = &r->args[param].view;
    Panel panel = {
        .param = param,
        .name = r->kernel->params.data[param].name,
        .kind = kind,
        .view = view,
        .rows = view->rank < 2 ? 1 : view->shape[view->rank - 2],
        .cols = view->rank < 1 ? 1 : view->shape[view->rank - 1],
        .stepping = UINT64_MAX,
    };
    vec_push(r->arena, &r->panels, panel);
    return &vec_last(&r->panels);
}

/* Makes room for an element; false: it is too far away. */
static bool make_room(Recorder *r, Panel *panel, int64_t row, int64_t col) {
    if (row >= panel->used_height || col >= panel->used_width) {
        int64_t height = row >= panel->used_height ? row + 1 : panel->used_height;
        int64_t width = col >= panel->used_width ? col + 1 : panel->used_width;
        if (height > RECORD_MAX_ELEMENTS / width)
            return false;
        panel->used_height = height;
        panel->used_width = width;
    }
    if (row < panel->height && col < panel->width)
        return true;
    int64_t height = panel->height, width = panel->width;
    while (height <= row)
        height = height * 2 < panel->rows ? panel->rows : row + 1 + height / 2;
    while (width <= col)
        width = width * 2 < panel->cols ? panel->cols : col + 1 + width / 2;
    Touch *touches = ARENA_ARRAY(r->arena, Touch, (size_t)(height * width));
    for (int64_t i = 0; i < panel->height; i++)
        memcpy(touches + i * width, panel->touches + i * panel->width,
               (size_t)panel->width * sizeof *touches);
    panel->touches = touches;
    panel->height = height;
    panel->width = width;
    return true;
}

/* The panel's slice is that of its first active lane. */
static bool in_slice(Panel *panel, const int64_t *at) {
    unsigned leading = panel->view->rank > 2 ? panel->view->rank - 2 : 0;
    if (!panel->has_slice) {
        memcpy(panel->slice, at, leading * sizeof *at);
        panel->has_slice = true;
    }
    return memcmp(panel->slice, at, leading * sizeof *at) == 0;
}

/* ---- elements -------------------------------------------------------------------------------- */

uint8_t record_alike_ids(const int64_t grid[3], uint32_t a, uint32_t b) {
    uint8_t same = 0;
    int64_t i = a - 1, j = b - 1;
    for (unsigned d = 0; d < 3; d++) {
        if (i % grid[d] == j % grid[d])
            same |= (uint8_t)(1u << d);
        i /= grid[d];
        j /= grid[d];
    }
    return same;
}

/* An active lane; what masked-off ones left there does not count any more. */
static void touch_active(const Recorder *r, Touch *touch, uint32_t program, uint32_t step) {
    if (touch->first == 0 || touch->masked) {
        *touch = (Touch){.first = program, .last = program, .count = 1, .same = 7};
        touch->step = (uint16_t)step;
        return;
    }
    if (touch->last != program) {
        if (touch->count < UINT16_MAX)
            touch->count++;
        touch->same &= record_alike_ids(r->grid, touch->first, program);
    }
    touch->again |= touch->last == program && touch->step != (uint16_t)step;
    touch->last = program;
}

static void touch_masked(Touch *touch, uint32_t program, uint32_t step) {
    if (touch->first == 0) {
        *touch = (Touch){.first = program, .last = program, .count = 1, .masked = true, .same = 7};
        touch->step = (uint16_t)step;
    } else if (touch->masked && touch->last != program) {
        if (touch->count < UINT16_MAX)
            touch->count++;
        touch->last = program;
    }
}

/* ---- who holds an element -------------------------------------------------------------------- */

/* What the layout of an access says. */
typedef struct Holders {
    const IrType *tile;
    Layout inverse; /* from elements to threads */
    uint32_t width; /* of the vectors */
    int64_t vector_len, vector_inner;
} Holders;

static bool find_holders(const InterpAccess *access, Holders *holders) {
    const IrType *tile = access->op == NULL ? NULL : place_tile(access);
    if (tile == NULL || tile->layout == NULL ||
        !layout_pseudo_invert(tile->layout, &holders->inverse))
        return false;
    int64_t width = ir_attr_int(access->op, ATTR_VECTOR),
            axis = ir_attr_int(access->op, ATTR_ALONG);
    holders->tile = tile;
    holders->width = width > 1 ? (uint32_t)width : 1;
    holders->vector_inner = 1;
    holders->vector_len = tile->shape[axis];
    for (unsigned d = (unsigned)axis + 1; d < tile->rank; d++)
        holders->vector_inner *= tile->shape[d];
    return true;
}

static unsigned copies_of(const Layout *layout) {
    unsigned bits = 0u + layout->nin[LL_REG] + layout->nin[LL_LANE] + layout->nin[LL_WARP];
    return 1u << (bits - layout_bits(layout));
}

static void note_holder(const Holders *holders, size_t lane, Touch *touch) {
    const Layout *layout = holders->tile->layout;
    uint32_t coords[LAYOUT_MAX_RANK] = {0};
    size_t rest = lane;
    for (unsigned a = holders->tile->rank; a > 0; a--) {
        coords[a - 1] = (uint32_t)(rest % (size_t)holders->tile->shape[a - 1]);
        rest /= (size_t)holders->tile->shape[a - 1];
    }
    uint32_t word = layout_apply(&holders->inverse, layout_word(layout, coords));
    touch->reg = (uint16_t)(word & ((1u << layout->nin[LL_REG]) - 1));
    word >>= layout->nin[LL_REG];
    touch->lane = (uint8_t)(word & ((1u << layout->nin[LL_LANE]) - 1));
    word >>= layout->nin[LL_LANE];
    touch->warp = (uint8_t)(word & ((1u << layout->nin[LL_WARP]) - 1));
    touch->width = (uint8_t)holders->width;
    touch->place = (uint8_t)(lane / (size_t)holders->vector_inner % holders->width);
}

/* ---- accesses -------------------------------------------------------------------------------- */

static uint32_t next_step(Panel *panel, uint64_t program) {
    if (panel->stepping != program) {
        panel->stepping = program;
        panel->steps = 0;
    }
    return panel->steps++;
}

static void record_lanes(Recorder *r, const InterpAccess *access, Panel *panel,
                         const PlacedLane *places) {
    unsigned rank = panel->view->rank;
    uint32_t program = (uint32_t)access->program + 1, step = next_step(panel, access->program);
    Holders holders;
    bool held = r->lanes && find_holders(access, &holders);
    if (held) {
        panel->copies = copies_of(holders.tile->layout);
        panel->max_width = holders.width > panel->max_width ? holders.width : panel->max_width;
    }
    for (size_t i = 0; i < access->num_lanes; i++) {
        const InterpLane *lane = &access->lanes[i];
        int64_t row = rank < 2 ? 0 : places[i].at[rank - 2];
        int64_t col = rank < 1 ? 0 : places[i].at[rank - 1];
        if (lane->param != panel->param)
            continue;
        if (!in_slice(panel, places[i].at)) {
            panel->elsewhere += lane->active;
        } else if (row < 0 || col < 0 || !make_room(r, panel, row, col)) {
            panel->beyond += !lane->active;
        } else {
            Touch *touch = &panel->touches[row * panel->width + col];
            bool is_new = touch->first == 0 || (touch->masked && lane->active);
            if (lane->active)
                touch_active(r, touch, program, step);
            else
                touch_masked(touch, program, step);
            if (held && is_new)
                note_holder(&holders, i, touch);
        }
    }
}

/* The lanes that point into one parameter. */
static void record_param(Recorder *r, const InterpAccess *access, int param) {
    if (r->only_param >= 0 && param != r->only_param)
        return;
    Panel *panel = find_panel(r, param, access->kind);
    if (panel->rows > 0 && panel->cols > RECORD_MAX_ELEMENTS / panel->rows) {
        r->too_big = panel;
        return;
    }
    ArenaMark mark = arena_mark(r->scratch);
    PlacedLane *places = ARENA_ARRAY(r->scratch, PlacedLane, access->num_lanes);
    place_lanes(panel->view, access, param, places);
    record_lanes(r, access, panel, places);
    arena_reset(r->scratch, mark);
}

static void record_access(void *data, const InterpAccess *access) {
    Recorder *r = data;
    if (r->program >= 0 && access->program != (uint64_t)r->program)
        return;
    int previous = -1;
    for (;;) { /* parameters in ascending order: nearly always there is one */
        int next = INT_MAX;
        for (size_t i = 0; i < access->num_lanes; i++) {
            int param = access->lanes[i].param;
            next = param > previous && param < next ? param : next;
            r->unknown += previous < 0 && param < 0 && access->lanes[i].active;
        }
        if (next == INT_MAX)
            return;
        record_param(r, access, next);
        previous = next;
    }
}

InterpObserver record_observer(Recorder *recorder) {
    return (InterpObserver){.data = recorder, .access = record_access};
}
