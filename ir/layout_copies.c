/* layout_copies.c -- buffers that copies in the background fill.
 *
 * A copy moves a vector of neighbours as it lies in global memory, so these stay neighbours in the
 * buffer; only whole vectors may change places. The buffer is row-major along the vectors' axis,
 * and in each row the number of the vector is XORed with bits of the row's number, so that rows
 * read together lie in different banks:
 *
 *     f16 64x32, vectors of 8 along axis 1, read as an A operand by ldmatrix: rows of 64 bytes, so
 *     two rows make a line of banks, and row bits 1 and 2 go into the two bits of the vector
 *     <64x32; off j0 j1 j2 j3 j4 i0 j3+i1 j4+i2 i3 i4 i5>
 *
 * Which bits of the row, and into which bits of the vector, is tried: there are few ways, and the
 * one with the fewest wavefronts on both sides is taken (layout_shared_side counts them).
 */
#include "ir/layout_convert.h"

#include "support/bits.h"

enum { MAX_SWIZZLE = 3 }; /* bits: eight vectors of 16 bytes make a line of banks */

/* Bits row + i of the row's number go into bits vector + i of the vector's, i < width. */
typedef struct Swizzle {
    unsigned row, vector, width;
} Swizzle;

/* The buffer's columns without a swizzle: `along`'s bits, then those of the other axes, the last
 * first. */
static Layout row_major(const Layout *tile, unsigned along) {
    unsigned order[LAYOUT_MAX_RANK], count = 0;
    int64_t extents[LAYOUT_MAX_RANK];
    order[count++] = along;
    for (unsigned d = tile->rank; d-- > 0;) {
        extents[d] = (int64_t)1 << tile->nout[d];
        if (d != along)
            order[count++] = d;
    }
    return layout_plain(tile->rank, extents, order);
}

static Layout swizzled(const Layout *plain, const LayoutCopies *copies, const Swizzle *swizzle) {
    Layout shared = *plain;
    unsigned row = plain->nout[copies->along];
    for (unsigned i = 0; i < swizzle->width; i++)
        shared.col[row + swizzle->row + i] |= plain->col[copies->bits + swizzle->vector + i];
    return shared;
}

/* What both sides take, for all registers of a thread. */
static unsigned cost_of(const Layout *src, const Layout *dst, const Layout *shared,
                        const SharedOptions *options) {
    SharedSide load = layout_shared_side(dst, shared, options->elem_bytes, options->ldmatrix);
    SharedSide store = layout_shared_side(src, shared, options->elem_bytes, false);
    return load.instructions + load.wavefronts + store.wavefronts;
}

Layout layout_plan_copies(const Layout *src, const Layout *dst, const LayoutCopies *copies,
                          const SharedOptions *options) {
    Layout plain = row_major(src, copies->along), best = plain;
    unsigned vectors = src->nout[copies->along] - copies->bits;
    unsigned rows = layout_bits(src) - src->nout[copies->along];
    unsigned least = cost_of(src, dst, &plain, options);
    for (unsigned width = 1; width <= MAX_SWIZZLE && width <= vectors; width++) {
        for (unsigned row = 0; row <= MAX_SWIZZLE && row + width <= rows; row++) {
            for (unsigned at = 0; at < MAX_SWIZZLE && at + width <= vectors; at++) {
                Swizzle swizzle = {row, at, width};
                Layout tried = swizzled(&plain, copies, &swizzle);
                unsigned cost = cost_of(src, dst, &tried, options);
                if (cost < least) {
                    least = cost;
                    best = tried;
                }
            }
        }
    }
    return best;
}
