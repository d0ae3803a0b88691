/* layout_relabel.c -- operations on tiles that only rewrite columns.
 *
 * A reshape, a permutation, a broadcast, a slice, join, split and cat move no data: the value stays
 * in its register and thread, and the result's layout says so. The element word is row-major, so a
 * reshape changes no column; the others move bit fields.
 *
 * Example: mma's accumulator `<64x64; reg j0 j3 j4 j5 i3; lane j1 j2 i0 i1 i2; warp i4 i5>` summed
 * over its last axis leaves drop(1) = `<64; reg i3; lane . . i0 i1 i2; warp i4 i5>`: four lanes
 * hold each sum.
 */
#include "ir/layout.h"

#include <assert.h>
#include <string.h>

/* The source's columns in a tile of another shape; those of the in-dims are rewritten by the
 * caller. */
static Layout with_shape(const Layout *src, unsigned rank, const uint8_t *axis_bits) {
    Layout out = layout_empty((LayoutKind)src->kind, rank, axis_bits);
    memcpy(out.nin, src->nin, sizeof out.nin);
    out.ncol = src->ncol;
    memcpy(out.col, src->col, sizeof out.col);
    return out;
}

Layout layout_reshape(const Layout *src, unsigned rank, const uint8_t *axis_bits) {
    Layout out = with_shape(src, rank, axis_bits);
    assert(layout_bits(&out) == layout_bits(src));
    return layout_canonical(&out);
}

Layout layout_permute(const Layout *src, const unsigned *perm) {
    uint8_t bits[LAYOUT_MAX_RANK];
    for (unsigned a = 0; a < src->rank; a++)
        bits[a] = src->nout[perm[a]];
    Layout out = with_shape(src, src->rank, bits);
    for (unsigned i = 0; i < src->ncol; i++) {
        uint32_t coords[LAYOUT_MAX_RANK];
        for (unsigned a = 0; a < src->rank; a++)
            coords[a] = layout_coord(src, src->col[i], perm[a]);
        out.col[i] = layout_word(&out, coords);
    }
    return layout_canonical(&out);
}

Layout layout_expand_dims(const Layout *src, unsigned axis) {
    assert(axis <= src->rank && src->rank < LAYOUT_MAX_RANK);
    uint8_t bits[LAYOUT_MAX_RANK] = {0};
    for (unsigned a = 0; a < src->rank; a++)
        bits[a < axis ? a : a + 1] = src->nout[a];
    Layout out = with_shape(src, src->rank + 1, bits);
    return layout_canonical(&out);
}

Layout layout_drop_keep(const Layout *src, unsigned axis) {
    assert(axis < src->rank && src->kind != LAYOUT_SHARED);
    unsigned low = layout_axis_shift(src, axis), high = low + src->nout[axis];
    Layout out = *src;
    out.nout[axis] = 0;
    for (unsigned i = 0; i < src->ncol; i++)
        out.col[i] = (uint32_t)((src->col[i] & (((uint64_t)1 << low) - 1)) |
                                (uint64_t)src->col[i] >> high << low);
    return layout_canonical(&out);
}

Layout layout_drop(const Layout *src, unsigned axis) {
    Layout kept = layout_drop_keep(src, axis);
    uint8_t bits[LAYOUT_MAX_RANK];
    for (unsigned a = 0; a + 1 < src->rank; a++)
        bits[a] = kept.nout[a < axis ? a : a + 1];
    return with_shape(&kept, src->rank - 1, bits);
}

/* Whether `column` is one bit of `axis`. */
static bool is_axis_bit(const Layout *layout, unsigned axis, uint32_t column) {
    return column != 0 && (column & (column - 1)) == 0 &&
           (column & layout_axis_mask(layout, axis)) != 0;
}

Layout layout_broadcast(const Layout *src, unsigned axis, unsigned bits, const Layout *consumer) {
    assert(axis < src->rank && src->nout[axis] == 0);
    Layout out = *src;
    out.nout[axis] = (uint8_t)bits;
    assert(!consumer || memcmp(consumer->nout, out.nout, sizeof out.nout) == 0);
    unsigned low = layout_axis_shift(src, axis);
    for (unsigned i = 0; i < src->ncol; i++) /* make room in the element word */
        out.col[i] = (uint32_t)((src->col[i] & (((uint64_t)1 << low) - 1)) |
                                (uint64_t)(src->col[i] >> low) << (low + bits));
    uint32_t left = layout_axis_mask(&out, axis);
    for (unsigned k = LL_LANE; k <= LL_BLOCK; k++) {
        uint32_t *columns = out.col + layout_begin(&out, (LayoutDim)k);
        for (unsigned i = 0; i < out.nin[k]; i++) {
            uint32_t give = left & (~left + 1); /* the lowest bit not given yet */
            if (consumer)
                give = i < consumer->nin[k] ? layout_columns(consumer, (LayoutDim)k)[i] : 0;
            if (columns[i] != 0 || !is_axis_bit(&out, axis, give) || !(give & left))
                continue;
            columns[i] = give;
            left &= ~give;
        }
    }
    for (; left != 0; left &= left - 1)
        layout_push(&out, LL_REG, left & (~left + 1));
    return layout_canonical(&out);
}

Layout layout_join(const Layout *src) {
    assert(src->rank < LAYOUT_MAX_RANK && src->kind == LAYOUT_DISTRIBUTED);
    uint8_t bits[LAYOUT_MAX_RANK] = {0};
    memcpy(bits, src->nout, src->rank);
    bits[src->rank] = 1;
    Layout out = with_shape(src, src->rank + 1, bits);
    for (unsigned i = 0; i < out.ncol; i++)
        out.col[i] <<= 1;
    layout_push(&out, LL_REG, 1);
    return layout_canonical(&out);
}

bool layout_split(const Layout *src, Layout *out) {
    if (src->rank == 0 || src->nout[src->rank - 1] != 1)
        return false;
    uint32_t regs[LAYOUT_MAX_COLUMNS];
    unsigned count = 0, holders = 0;
    for (unsigned i = 0; i < src->ncol; i++) {
        if (src->col[i] & 1)
            holders++;
        if (i < src->nin[LL_REG] && src->col[i] != 1)
            regs[count++] = src->col[i];
    }
    if (holders != 1 || count == src->nin[LL_REG])
        return false;
    Layout rest = with_shape(src, src->rank - 1, src->nout);
    layout_set(&rest, LL_REG, regs, count);
    for (unsigned i = 0; i < rest.ncol; i++)
        rest.col[i] >>= 1;
    *out = layout_canonical(&rest);
    return true;
}

Layout layout_cat(const Layout *src, unsigned axis) {
    assert(axis < src->rank && src->kind == LAYOUT_DISTRIBUTED);
    Layout out = *src;
    out.nout[axis]++;
    unsigned at = layout_axis_shift(src, axis) + src->nout[axis]; /* the new top bit */
    uint32_t below = (uint32_t)(((uint64_t)1 << at) - 1);
    for (unsigned i = 0; i < src->ncol; i++)
        out.col[i] = (src->col[i] & below) | (src->col[i] & ~below) << 1;
    layout_push(&out, LL_REG, (uint32_t)1 << at);
    return layout_canonical(&out);
}

Layout layout_dot_operand(const Layout *result, bool second, unsigned k_bits) {
    unsigned k = result->rank - (second ? 2u : 1u);
    uint8_t bits[LAYOUT_MAX_RANK];
    memcpy(bits, result->nout, sizeof bits);
    bits[k] = (uint8_t)k_bits;
    Layout out = layout_empty(LAYOUT_DISTRIBUTED, result->rank, bits);
    for (unsigned i = 0; i < k_bits; i++)
        layout_push(&out, LL_REG, layout_axis_bit(&out, k, i));
    for (unsigned dim = LL_REG; dim <= LL_BLOCK; dim++) {
        const uint32_t *columns = layout_columns(result, (LayoutDim)dim);
        for (unsigned i = 0; i < result->nin[dim]; i++) {
            uint32_t coords[LAYOUT_MAX_RANK];
            for (unsigned a = 0; a < result->rank; a++)
                coords[a] = a == k ? 0 : layout_coord(result, columns[i], a);
            uint32_t word = layout_word(&out, coords);
            if (word != 0 || dim != LL_REG)
                layout_push(&out, (LayoutDim)dim, word);
        }
    }
    return out;
}

Layout layout_strip(const Layout *src) {
    return layout_canonical(src);
}
