/* layout_reduce.c -- the steps of reductions and scans, from columns.
 *
 * In a one-hot layout the elements that meet in a reduction differ in the bits of the hardware word
 * whose columns lie in the axis; combining over those and no others means that duplicates are never
 * combined.
 *
 * A scan doubles blocks: before step t each position holds the combination of its aligned block of
 * 2^t up to itself; a position in the upper half of a block of 2^(t+1) takes in the whole lower
 * half, which the half's last position holds (Blelloch, "Prefix Sums and Their Applications",
 * restated for bits).
 *
 * Example: `<4x8; reg j0 j2; lane j1 i0 i1 . .>` over axis 1: registers 0b11, lanes 0b1. Step 2 of
 * the scan: bit reg 0b10; low reg 0b01 and lane 0b1: register 2 of lane 0 takes register 1 of
 * lane 1.
 */
#include "ir/layout_access.h"

#include "support/bits.h"

bool layout_reduce(const Layout *layout, unsigned axis, LayoutReduce *out) {
    uint32_t inside = layout_axis_mask(layout, axis);
    const uint32_t *column = layout->col;
    for (unsigned k = 0; k < LL_NIN; k++) {
        out->masks[k] = 0;
        for (unsigned i = 0; i < layout->nin[k]; i++, column++) {
            if ((*column & inside) != 0 && (*column & ~inside) != 0)
                return false;
            if (*column & inside)
                out->masks[k] |= (uint32_t)1 << i;
        }
    }
    out->regs = layout_num_regs(layout);
    out->result = layout_drop(layout, axis);
    return true;
}

/* The bits of `x`, low ones first, put where `mask` has bits set. */
static uint32_t deposit(uint32_t x, uint32_t mask) {
    uint32_t out = 0;
    for (; mask != 0; mask &= mask - 1, x >>= 1)
        if (x & 1)
            out |= mask & (~mask + 1);
    return out;
}

unsigned layout_reduce_steps(const LayoutReduce *reduce) {
    return bits_count(reduce->masks[LL_REG]);
}

uint32_t layout_reduce_pairs(const LayoutReduce *reduce, unsigned step) {
    return reduce->regs >> (step + 1);
}

void layout_reduce_pair(const LayoutReduce *reduce, unsigned step, uint32_t i, uint32_t *left,
                        uint32_t *right) {
    uint32_t bit = deposit((uint32_t)1 << step, reduce->masks[LL_REG]);
    uint32_t done = reduce->masks[LL_REG] & (bit - 1); /* combined before: 0 in what is left */
    *left = deposit(i, (reduce->regs - 1) & ~(done | bit));
    *right = *left | bit;
}

uint32_t layout_reduce_reg(const LayoutReduce *reduce, uint32_t reg) {
    return deposit(reg, (reduce->regs - 1) & ~reduce->masks[LL_REG]);
}

LayoutScanStep layout_scan_step(const Layout *layout, unsigned axis, unsigned t) {
    LayoutScanStep step = {{0}, {0}};
    uint32_t unit = layout_axis_bit(layout, axis, t);
    uint32_t below = layout_axis_mask(layout, axis) & (unit - 1);
    const uint32_t *column = layout->col;
    for (unsigned k = 0; k < LL_NIN; k++) {
        for (unsigned i = 0; i < layout->nin[k]; i++, column++) {
            if (*column == unit)
                step.bit[k] |= (uint32_t)1 << i;
            else if (*column & below)
                step.low[k] |= (uint32_t)1 << i;
        }
    }
    return step;
}
