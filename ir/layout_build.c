/* layout_build.c -- constructors of layouts.
 *
 * All go through one function that hands the low bits of axes out to in-dims, step by step. Since
 * bits that an axis lacks become zero columns and what is left goes to the registers, no
 * constructor fails for a tile smaller or larger than the machine.
 *
 * Fragments: every register fragment of mma.sync and wgmma is the one formula of layout_fragment
 * (PTX ISA, "Matrix Fragments for mma" and "Register Fragments" of wgmma). Swizzles: the hardware
 * puts the byte at offset o of a tile at o ^ ((o >> 7 & (width / 16 - 1)) << 4) (PTX ISA,
 * "Swizzling modes"); the columns come from that formula on offsets, so tiles of fewer than 8 rows
 * are right too.
 *
 * Example: coalesced 64x64, last axis first, 8 elements a thread, 4 warps:
 * `<64x64; reg j0 j1 j2 i4 i5; lane j3 j4 j5 i0 i1; warp i2 i3>`.
 */
#include "ir/layout.h"

#include "support/bits.h"

#include <assert.h>
#include <string.h>

static void axis_bits_of(unsigned rank, const int64_t *extents, uint8_t *bits) {
    assert(rank <= LAYOUT_MAX_RANK);
    for (unsigned a = 0; a < rank; a++)
        bits[a] = (uint8_t)bits_ceil_log2((uint64_t)extents[a]);
}

/* The axis that `order` names at `place`; without an order, the last axis first. */
static unsigned axis_at(const unsigned *order, unsigned rank, unsigned place) {
    return order ? order[place] : rank - 1 - place;
}

/* Gives the next `bits` bits of an axis to `dim`, and zeros where the axis has no more. */
static void give(Layout *layout, uint8_t *used, LayoutStep step) {
    bool real = step.axis != LAYOUT_NO_AXIS;
    for (unsigned i = 0; i < step.bits; i++) {
        if (real && used[step.axis] < layout->nout[step.axis])
            layout_push(layout, (LayoutDim)step.dim,
                        layout_axis_bit(layout, step.axis, used[step.axis]++));
        else if (step.dim != LL_REG && step.dim != LL_OFF)
            layout_push(layout, (LayoutDim)step.dim, 0);
    }
}

Layout layout_build(unsigned rank, const uint8_t *axis_bits, const LayoutStep *steps,
                    unsigned num_steps, LayoutDim rest, const unsigned *order) {
    assert(rest == LL_REG || rest == LL_OFF);
    Layout layout =
        layout_empty(rest == LL_OFF ? LAYOUT_SHARED : LAYOUT_DISTRIBUTED, rank, axis_bits);
    uint8_t used[LAYOUT_MAX_RANK] = {0};
    for (unsigned i = 0; i < num_steps; i++)
        give(&layout, used, steps[i]);
    for (unsigned i = 0; i < rank; i++) {
        unsigned axis = axis_at(order, rank, i);
        give(&layout, used, (LayoutStep){(uint8_t)rest, (uint8_t)axis, layout.nout[axis]});
    }
    while (rest == LL_REG && layout.nin[LL_LANE] < LAYOUT_LANE_BITS)
        layout_push(&layout, LL_LANE, 0);
    return layout;
}

Layout layout_blocked(unsigned rank, const int64_t *extents, const uint32_t *size,
                      const uint32_t *threads, const uint32_t *warps, const unsigned *order) {
    uint8_t bits[LAYOUT_MAX_RANK];
    axis_bits_of(rank, extents, bits);
    const uint32_t *const sizes[] = {size, threads, warps};
    LayoutStep steps[3 * LAYOUT_MAX_RANK];
    unsigned count = 0;
    for (unsigned dim = LL_REG; dim <= LL_WARP; dim++) {
        for (unsigned i = 0; i < rank; i++) {
            unsigned axis = axis_at(order, rank, i);
            steps[count++] = (LayoutStep){(uint8_t)dim, (uint8_t)axis,
                                          (uint8_t)bits_ceil_log2(sizes[dim][axis])};
        }
    }
    Layout layout = layout_build(rank, bits, steps, count, LL_REG, order);
    return layout_canonical(&layout);
}

Layout layout_coalesced(unsigned rank, const int64_t *extents, const unsigned *order, uint32_t vec,
                        uint32_t num_warps) {
    uint8_t left[LAYOUT_MAX_RANK], bits[LAYOUT_MAX_RANK];
    axis_bits_of(rank, extents, bits);
    memcpy(left, bits, sizeof left);
    const unsigned wanted[] = {bits_ceil_log2(vec), LAYOUT_LANE_BITS, bits_ceil_log2(num_warps)};
    LayoutStep steps[3 * LAYOUT_MAX_RANK + 3];
    unsigned count = 0;
    for (unsigned dim = LL_REG; dim <= LL_WARP; dim++) {
        unsigned need = wanted[dim], axes = dim == LL_REG && rank > 0 ? 1 : rank;
        for (unsigned i = 0; i < axes; i++) {
            unsigned axis = axis_at(order, rank, i), taken = need < left[axis] ? need : left[axis];
            steps[count++] = (LayoutStep){(uint8_t)dim, (uint8_t)axis, (uint8_t)taken};
            left[axis] = (uint8_t)(left[axis] - taken);
            need -= taken;
        }
        steps[count++] = (LayoutStep){(uint8_t)dim, LAYOUT_NO_AXIS, (uint8_t)need};
    }
    Layout layout = layout_build(rank, bits, steps, count, LL_REG, order);
    return layout_canonical(&layout);
}

Layout layout_fragment(unsigned rank, const int64_t *extents, const LayoutFragment *fragment) {
    uint8_t bits[LAYOUT_MAX_RANK], across = (uint8_t)fragment->across,
                                   along = (uint8_t)fragment->along;
    axis_bits_of(rank, extents, bits);
    LayoutStep steps[16] = {
        {LL_REG, along, (uint8_t)bits_ceil_log2(fragment->kw)},
        {LL_LANE, along, 2},
        {LL_LANE, across, 3},
        {LL_REG, across, (uint8_t)bits_ceil_log2(fragment->rows / 8)},
    };
    assert(fragment->num_warps <= TK_COUNTOF(steps) - 4);
    for (unsigned i = 0; i < fragment->num_warps; i++)
        steps[4 + i] = fragment->warps[i];
    unsigned order[LAYOUT_MAX_RANK] = {along, across}, count = 2;
    for (unsigned a = rank; a-- > 0;)
        if (a != along && a != across)
            order[count++] = a;
    return layout_build(rank, bits, steps, 4 + fragment->num_warps, LL_REG, order);
}

Layout layout_plain(unsigned rank, const int64_t *extents, const unsigned *order) {
    uint8_t bits[LAYOUT_MAX_RANK];
    axis_bits_of(rank, extents, bits);
    return layout_build(rank, bits, NULL, 0, LL_OFF, order);
}

Layout layout_swizzled(const int64_t extents[2], unsigned elem_bytes, unsigned swizzle,
                       unsigned contiguous) {
    uint8_t bits[LAYOUT_MAX_RANK];
    axis_bits_of(2, extents, bits);
    assert(swizzle >= elem_bytes && swizzle <= 128 && contiguous < 2);
    const LayoutStep row = {LL_OFF, (uint8_t)contiguous,
                            (uint8_t)bits_ceil_log2(swizzle / elem_bytes)};
    const unsigned order[] = {1 - contiguous, contiguous};
    Layout linear = layout_build(2, bits, &row, 1, LL_OFF, order), out = linear;
    for (unsigned i = 0; i < linear.ncol; i++) {
        uint32_t at = elem_bytes << i, moved = at ^ (at >> 7 & (swizzle / 16 - 1)) << 4;
        out.col[i] = layout_mul(linear.col, moved / elem_bytes);
    }
    return out;
}

Layout layout_core_matrices(const int64_t extents[2], unsigned elem_bytes, unsigned contiguous) {
    uint8_t bits[LAYOUT_MAX_RANK];
    axis_bits_of(2, extents, bits);
    assert(contiguous < 2);
    const LayoutStep steps[] = {
        {LL_OFF, (uint8_t)contiguous, (uint8_t)bits_ceil_log2(16 / elem_bytes)},
        {LL_OFF, (uint8_t)(1 - contiguous), 3},
    };
    const unsigned order[] = {contiguous, 1 - contiguous};
    return layout_build(2, bits, steps, 2, LL_OFF, order);
}
