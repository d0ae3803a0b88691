/* layout.c -- linear layouts: reading, identity, algebra.
 *
 * Every operation is a few passes over at most 40 columns with the echelon basis of layout_span.h,
 * so it takes about a microsecond at most and allocates nothing. Source: arXiv 2505.23819 (the
 * idea); the algorithms are restated beside the functions that need it.
 *
 * Example: the accumulator of mma.m16n8, `<16x8; reg j0 i3; lane j1 j2 i0 i1 i2>`. Register 3 of
 * lane 6 = 0b00110: j0 ^ i3 ^ j2 ^ i0, that is row 9, column 5, the element word 9 * 8 + 5.
 */
#include "ir/layout.h"

#include "support/bits.h"

#include <assert.h>
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------------*/

unsigned layout_bits(const Layout *layout) {
    unsigned bits = 0;
    for (unsigned a = 0; a < layout->rank; a++)
        bits += layout->nout[a];
    return bits;
}

unsigned layout_axis_shift(const Layout *layout, unsigned axis) {
    unsigned shift = 0;
    for (unsigned a = axis + 1; a < layout->rank; a++)
        shift += layout->nout[a];
    return shift;
}

uint32_t layout_axis_mask(const Layout *layout, unsigned axis) {
    assert(axis < layout->rank);
    return (uint32_t)((((uint64_t)1 << layout->nout[axis]) - 1) << layout_axis_shift(layout, axis));
}

uint32_t layout_axis_bit(const Layout *layout, unsigned axis, unsigned n) {
    assert(axis < layout->rank && n < layout->nout[axis]);
    return (uint32_t)1 << (layout_axis_shift(layout, axis) + n);
}

uint32_t layout_coord(const Layout *layout, uint32_t word, unsigned axis) {
    return (word & layout_axis_mask(layout, axis)) >> layout_axis_shift(layout, axis);
}

uint32_t layout_word(const Layout *layout, const uint32_t *coords) {
    uint64_t word = 0;
    for (unsigned a = 0; a < layout->rank; a++)
        word = word << layout->nout[a] | coords[a];
    return (uint32_t)word;
}

unsigned layout_begin(const Layout *layout, LayoutDim dim) {
    unsigned begin = 0;
    for (unsigned k = 0; k < (unsigned)dim; k++)
        begin += layout->nin[k];
    return begin;
}

const uint32_t *layout_columns(const Layout *layout, LayoutDim dim) {
    return layout->col + layout_begin(layout, dim);
}

uint32_t layout_num_regs(const Layout *layout) {
    return (uint32_t)1 << layout->nin[LL_REG];
}

uint32_t layout_apply(const Layout *layout, uint64_t word) {
    return layout_mul(layout->col, word);
}

uint32_t layout_element(const Layout *layout, uint32_t reg, uint32_t lane, uint32_t warp,
                        uint32_t block) {
    const uint32_t *col = layout->col;
    uint32_t word = layout_mul(col, reg);
    col += layout->nin[LL_REG];
    word ^= layout_mul(col, lane);
    col += layout->nin[LL_LANE];
    word ^= layout_mul(col, warp);
    col += layout->nin[LL_WARP];
    return word ^ layout_mul(col, block);
}

bool layout_find_reg(const Layout *layout, uint32_t word, uint32_t *reg) {
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, layout->col, layout->nin[LL_REG]);
    uint64_t combo;
    bool found = layout_span_solve(&span, word, &combo);
    *reg = found ? (uint32_t)combo : 0;
    return found;
}

bool layout_is_onehot(const Layout *layout) {
    uint32_t seen = 0;
    for (unsigned i = 0; i < layout->ncol; i++) {
        if (!bits_at_most_one(layout->col[i]) || (seen & layout->col[i]) != 0)
            return false;
        seen |= layout->col[i];
    }
    return true;
}

/* What every kind owes: sizes in range, columns within the element word, unused bytes zero. */
static const char *check_form(const Layout *layout) {
    unsigned in_bits = 0;
    for (unsigned k = 0; k < LL_NIN; k++)
        in_bits += layout->nin[k];
    if (layout->kind > LAYOUT_MAP)
        return "the layout is of no known kind";
    if (layout->rank > LAYOUT_MAX_RANK)
        return "the layout has more than 6 axes";
    if (in_bits != layout->ncol || in_bits > LAYOUT_MAX_COLUMNS)
        return "the layout has more columns than fit";
    for (unsigned a = layout->rank; a < LAYOUT_MAX_RANK; a++)
        if (layout->nout[a] != 0)
            return "an axis beyond the rank has bits";
    unsigned bits = layout_bits(layout);
    if (bits > (layout->kind == LAYOUT_MAP ? 32 : LAYOUT_MAX_BITS))
        return "the layout has more than 2^20 elements";
    for (unsigned i = 0; i < LAYOUT_MAX_COLUMNS; i++)
        if (i < in_bits ? ((uint64_t)layout->col[i] >> bits) != 0 : layout->col[i] != 0)
            return "a column lies outside the tile";
    return layout->pad[0] | layout->pad[1] ? "the padding of the layout is not zero" : NULL;
}

static const char *check_distributed(const Layout *layout) {
    const uint8_t *nin = layout->nin;
    if (nin[LL_OFF] != 0)
        return "a distributed layout has no offsets";
    if (nin[LL_LANE] != LAYOUT_LANE_BITS)
        return "a distributed layout has five lane columns";
    if (nin[LL_WARP] > LAYOUT_WARP_BITS || nin[LL_BLOCK] > LAYOUT_BLOCK_BITS || layout->ncol > 32)
        return "the layout has more threads or registers than there are";
    if (layout_image_bits(layout) != layout_bits(layout))
        return "some element of the tile is held by no thread";
    if (layout_rank(layout->col, nin[LL_REG]) != nin[LL_REG])
        return "two registers of a thread hold the same element";
    return layout_is_onehot(layout) ? NULL : "a column is a sum, or occurs twice";
}

const char *layout_check(const Layout *layout) {
    const char *message = check_form(layout);
    if (message || layout->kind == LAYOUT_MAP)
        return message;
    if (layout->kind == LAYOUT_DISTRIBUTED)
        return check_distributed(layout);
    if (layout->nin[LL_OFF] + layout->nin[LL_BLOCK] != layout->ncol)
        return "a shared layout has no registers, lanes or warps";
    if (layout->ncol != layout_bits(layout) || layout_image_bits(layout) != layout->ncol)
        return "a shared layout has one place for each element";
    return NULL;
}

/* ---- identity ---------------------------------------------------------------------------------*/

static bool is_canonical(const Layout *layout) {
    uint32_t last = 0;
    for (unsigned i = 0; i < layout->nin[LL_REG]; i++) {
        uint32_t column = layout->col[i];
        if (column <= last || !bits_at_most_one(column))
            return false;
        last = column;
    }
    return true;
}

Layout layout_canonical(const Layout *layout) {
    Layout out = *layout;
    if (layout->kind != LAYOUT_DISTRIBUTED || is_canonical(layout))
        return out;
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, layout->col, layout->nin[LL_REG]);
    uint32_t rows[32];
    unsigned count = 0;
    for (uint32_t left = span.pivots; left != 0; left &= left - 1) {
        uint32_t row = span.row[bits_low(left)];
        for (unsigned i = 0; i < count; i++) /* those before have no other's pivot: one pass does */
            if (row >> bits_top(rows[i]) & 1)
                row ^= rows[i];
        rows[count++] = row;
    }
    layout_set(&out, LL_REG, rows, count);
    return out;
}

bool layout_equal(const Layout *a, const Layout *b) {
    if (memcmp(a, b, sizeof *a) == 0)
        return true;
    Layout left = layout_canonical(a), right = layout_canonical(b);
    return memcmp(&left, &right, sizeof left) == 0;
}

uint64_t layout_hash(const Layout *layout) {
    Layout canonical = layout_canonical(layout);
    return hash_bytes(&canonical, sizeof canonical, 0);
}

/* ---- algebra ----------------------------------------------------------------------------------*/

Layout layout_empty(LayoutKind kind, unsigned rank, const uint8_t *axis_bits) {
    assert(rank <= LAYOUT_MAX_RANK);
    Layout layout;
    memset(&layout, 0, sizeof layout);
    layout.kind = (uint8_t)kind;
    layout.rank = (uint8_t)rank;
    for (unsigned a = 0; a < rank; a++)
        layout.nout[a] = axis_bits[a];
    return layout;
}

void layout_set(Layout *layout, LayoutDim dim, const uint32_t *columns, unsigned count) {
    unsigned begin = layout_begin(layout, dim), old = layout->nin[dim], end = begin + old;
    assert(layout->ncol - old + count <= LAYOUT_MAX_COLUMNS);
    memmove(layout->col + begin + count, layout->col + end,
            (layout->ncol - end) * sizeof *layout->col);
    memcpy(layout->col + begin, columns, count * sizeof *columns);
    layout->nin[dim] = (uint8_t)count;
    layout->ncol = (uint8_t)(layout->ncol - old + count);
    memset(layout->col + layout->ncol, 0,
           (LAYOUT_MAX_COLUMNS - layout->ncol) * sizeof *layout->col);
}

void layout_push(Layout *layout, LayoutDim dim, uint32_t column) {
    unsigned at = layout_begin(layout, dim) + layout->nin[dim];
    assert(layout->ncol < LAYOUT_MAX_COLUMNS);
    memmove(layout->col + at + 1, layout->col + at, (layout->ncol - at) * sizeof *layout->col);
    layout->col[at] = column;
    layout->nin[dim]++;
    layout->ncol++;
}

Layout layout_compose(const Layout *first, const Layout *second) {
    assert(layout_bits(first) == second->ncol);
    LayoutKind kind = first->nin[LL_OFF] ? LAYOUT_SHARED : LAYOUT_DISTRIBUTED;
    Layout out =
        layout_empty(second->kind == LAYOUT_MAP ? LAYOUT_MAP : kind, second->rank, second->nout);
    memcpy(out.nin, first->nin, sizeof out.nin);
    out.ncol = first->ncol;
    for (unsigned i = 0; i < first->ncol; i++)
        out.col[i] = layout_mul(second->col, first->col[i]);
    return out;
}

/* An element word of `from` in the tile `to` of the same rank: each axis' bits move up by up[a]. */
static uint32_t move_axes(const Layout *from, const Layout *to, const uint8_t *up, uint32_t word) {
    uint32_t out = 0;
    for (unsigned a = 0; a < from->rank; a++)
        out |= layout_coord(from, word, a) << up[a] << layout_axis_shift(to, a);
    return out;
}

Layout layout_product(const Layout *a, const Layout *b) {
    assert(a->rank == b->rank && a->kind == b->kind);
    static const uint8_t stay[LAYOUT_MAX_RANK] = {0};
    uint8_t nout[LAYOUT_MAX_RANK] = {0};
    for (unsigned i = 0; i < a->rank; i++)
        nout[i] = (uint8_t)(a->nout[i] + b->nout[i]);
    Layout out = layout_empty((LayoutKind)a->kind, a->rank, nout);
    const uint32_t *from_a = a->col, *from_b = b->col;
    for (unsigned k = 0; k < LL_NIN; k++) {
        for (unsigned i = 0; i < a->nin[k]; i++)
            layout_push(&out, (LayoutDim)k, move_axes(a, &out, stay, *from_a++));
        for (unsigned i = 0; i < b->nin[k]; i++)
            layout_push(&out, (LayoutDim)k, move_axes(b, &out, a->nout, *from_b++));
    }
    return out;
}

/* The place in a[0 .. count) of `column`, at or after `from`; registers are in any order, so with
 * `anywhere` not just at `from`. Returns count if it is not there. */
static unsigned find_column(const uint32_t *columns, unsigned from, unsigned count, bool anywhere,
                            uint32_t column) {
    unsigned end = anywhere ? count : from + 1;
    for (unsigned i = from; i < end; i++)
        if (columns[i] == column)
            return i;
    return count;
}

/* Divides one in-dim: `columns` start with tile's (a swap brings a register's to its place); the
 * rest, which must lie above the tile, becomes q's. */
static bool divide_dim(const Layout *a, const Layout *tile, LayoutDim dim, Layout *q) {
    static const uint8_t stay[LAYOUT_MAX_RANK] = {0};
    unsigned count = a->nin[dim], head = tile->nin[dim];
    if (head > count)
        return false;
    uint32_t columns[LAYOUT_MAX_COLUMNS];
    memcpy(columns, layout_columns(a, dim), count * sizeof *columns);
    const uint32_t *want = layout_columns(tile, dim);
    for (unsigned i = 0; i < head; i++) {
        uint32_t column = move_axes(tile, a, stay, want[i]);
        unsigned at = find_column(columns, i, count, dim == LL_REG, column);
        if (at == count)
            return false;
        memmove(columns + i + 1, columns + i, (at - i) * sizeof *columns);
        columns[i] = column;
    }
    for (unsigned i = head; i < count; i++) {
        uint32_t column = 0;
        for (unsigned axis = 0; axis < a->rank; axis++) {
            uint32_t coord = layout_coord(a, columns[i], axis);
            if (coord & (((uint32_t)1 << tile->nout[axis]) - 1))
                return false;
            column |= coord >> tile->nout[axis] << layout_axis_shift(q, axis);
        }
        layout_push(q, dim, column);
    }
    return true;
}

bool layout_left_divide(const Layout *a, const Layout *tile, Layout *q) {
    uint8_t nout[LAYOUT_MAX_RANK] = {0};
    if (a->rank != tile->rank || a->kind != tile->kind)
        return false;
    for (unsigned i = 0; i < a->rank; i++) {
        if (tile->nout[i] > a->nout[i])
            return false;
        nout[i] = (uint8_t)(a->nout[i] - tile->nout[i]);
    }
    *q = layout_empty((LayoutKind)a->kind, a->rank, nout);
    for (unsigned k = 0; k < LL_NIN; k++)
        if (!divide_dim(a, tile, (LayoutDim)k, q))
            return false;
    return true;
}

/* The map from element words to hardware words, without columns. The last axis is the lowest
 * in-dim. */
static Layout inverse_form(const Layout *layout) {
    const uint8_t *nin = layout->nin;
    if (layout->kind == LAYOUT_SHARED || nin[LL_OFF] != 0)
        return layout_empty(LAYOUT_MAP, 2, (const uint8_t[]){nin[LL_OFF], nin[LL_BLOCK]});
    return layout_empty(LAYOUT_MAP, 4,
                        (const uint8_t[]){nin[LL_BLOCK], nin[LL_WARP], nin[LL_LANE], nin[LL_REG]});
}

bool layout_pseudo_invert(const Layout *layout, Layout *inverse) {
    assert(layout->ncol <= 32);
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, layout->col, layout->ncol);
    *inverse = inverse_form(layout);
    for (unsigned b = 0, bits = layout_bits(layout); b < bits; b++) {
        uint64_t word;
        if (!layout_span_solve(&span, (uint32_t)1 << b, &word))
            return false;
        layout_push(inverse, LL_OFF, (uint32_t)word);
    }
    return true;
}

bool layout_invert(const Layout *layout, Layout *inverse) {
    return layout->ncol == layout_bits(layout) && layout_pseudo_invert(layout, inverse);
}

Layout layout_convert_map(const Layout *src, const Layout *dst) {
    assert(src->ncol <= 32 && layout_bits(src) == layout_bits(dst));
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, src->col, src->ncol);
    Layout map = inverse_form(src);
    memcpy(map.nin, dst->nin, sizeof map.nin);
    map.ncol = dst->ncol;
    unsigned at = 0, place = 0; /* the first column of the in-dim in dst, in src */
    for (unsigned k = 0; k < LL_NIN; at += dst->nin[k], place += src->nin[k], k++) {
        for (unsigned i = 0; i < dst->nin[k]; i++) {
            uint32_t want = dst->col[at + i];
            uint64_t word = 0, near;
            if (i < src->nin[k] && layout_span_solve(&span, want ^ src->col[place + i], &near) &&
                near >> place == 0)
                word = near | (uint64_t)1 << (place + i); /* stay, at most change lower in-dims */
            else
                layout_span_solve(&span, want, &word);
            map.col[at + i] = (uint32_t)word;
        }
    }
    return map;
}

Layout layout_sub(const Layout *layout, unsigned dims) {
    Layout out = *layout;
    out.kind = LAYOUT_MAP;
    uint32_t *col = out.col;
    for (unsigned k = 0; k < LL_NIN; col += out.nin[k], k++)
        if (!(dims >> k & 1))
            memset(col, 0, out.nin[k] * sizeof *col);
    return out;
}

unsigned layout_image_bits(const Layout *layout) {
    return layout_rank(layout->col, layout->ncol);
}

unsigned layout_kernel(const Layout *layout, uint64_t out[LAYOUT_MAX_COLUMNS]) {
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, layout->col, layout->ncol);
    memcpy(out, span.kernel, span.nullity * sizeof *out);
    return span.nullity;
}

void layout_free(const Layout *layout, uint32_t masks[LL_NIN]) {
    static const LayoutDim order[] = {LL_OFF, LL_REG, LL_BLOCK, LL_WARP, LL_LANE};
    LayoutSpan span;
    layout_span_init(&span);
    for (unsigned k = 0; k < LL_NIN; k++) {
        const uint32_t *columns = layout_columns(layout, order[k]);
        masks[order[k]] = 0;
        for (unsigned i = 0; i < layout->nin[order[k]]; i++)
            if (!layout_span_insert(&span, columns[i]))
                masks[order[k]] |= (uint32_t)1 << i;
    }
}
