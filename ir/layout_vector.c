/* layout_vector.c -- vector widths of global accesses, and registers that lie in the padding.
 *
 * A thread may move 1 << v elements at once if it holds aligned runs of that length along the axis,
 * in registers that no lane or warp bit disturbs, and if addresses are consecutive, the mask is
 * constant and the address aligned over each run. Leaving any of the four out makes wrong code.
 *
 * Example: `<64x64; reg j0 j1 j2 i4 i5; lane ...>`, f16, contiguity 64, alignment 16: three
 * register bits run along j, 16 bytes are 8 elements: v = 3. With a mask that is constant over 4
 * only: v = 2.
 */
#include "ir/layout_access.h"

#include "support/bits.h"

#include <assert.h>

unsigned layout_run_bits(const Layout *layout, const uint32_t *bits, unsigned count) {
    for (unsigned n = 0; n < count; n++) {
        unsigned holders = 0, others = 0;
        for (unsigned i = 0; i < layout->ncol; i++) {
            if (!(layout->col[i] & bits[n]))
                continue;
            if (i < layout->nin[LL_REG] && layout->col[i] == bits[n])
                holders++;
            else
                others++;
        }
        if (holders != 1 || others != 0)
            return n;
    }
    return count;
}

unsigned layout_axis_run_bits(const Layout *layout, unsigned axis) {
    uint32_t bits[LAYOUT_MAX_BITS];
    for (unsigned n = 0; n < layout->nout[axis]; n++)
        bits[n] = layout_axis_bit(layout, axis, n);
    return layout_run_bits(layout, bits, layout->nout[axis]);
}

/* log2 of the largest power of two that divides x; 0 is divided by all. */
static unsigned factors_of_two(uint64_t x) {
    return x == 0 ? 64 : bits_low(x);
}

unsigned layout_vector_bits(const Layout *layout, const LayoutAccess *access) {
    unsigned size = bits_top(access->elem_bytes);
    assert(size <= 3 && access->elem_bytes == 1u << size);
    unsigned align = factors_of_two(access->alignment);
    const unsigned limits[] = {
        4 - size,
        factors_of_two(access->contiguity),
        factors_of_two(access->mask_constancy),
        align < size ? 0 : align - size,
    };
    unsigned bits = layout_axis_run_bits(layout, access->axis);
    for (unsigned i = 0; i < TK_COUNTOF(limits); i++)
        if (limits[i] < bits)
            bits = limits[i];
    return bits;
}

LayoutVector layout_vector(const Layout *layout, unsigned axis, unsigned bits) {
    LayoutVector vector = {.bits = bits};
    assert(bits <= TK_COUNTOF(vector.reg_bit));
    for (unsigned n = 0; n < bits; n++) {
        uint32_t unit = layout_axis_bit(layout, axis, n);
        unsigned i = 0;
        while (i < layout->nin[LL_REG] && layout->col[i] != unit)
            i++;
        assert(i < layout->nin[LL_REG]);
        vector.reg_bit[n] = (uint8_t)i;
        vector.mask |= (uint32_t)1 << i;
    }
    return vector;
}

uint32_t layout_vector_reg(const LayoutVector *vector, uint32_t first, unsigned i) {
    uint32_t reg = first;
    for (unsigned n = 0; n < vector->bits; n++)
        reg |= (uint32_t)(i >> n & 1) << vector->reg_bit[n];
    return reg;
}

bool layout_word_in_shape(const Layout *layout, const int64_t *shape, uint32_t word) {
    for (unsigned a = 0; a < layout->rank; a++)
        if ((int64_t)layout_coord(layout, word, a) >= shape[a])
            return false;
    return true;
}

bool layout_reg_is_dead(const Layout *layout, const int64_t *shape, uint32_t reg) {
    return !layout_word_in_shape(layout, shape, layout_mul(layout->col, reg));
}
