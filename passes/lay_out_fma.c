/* lay_out_fma.c -- who holds what of a product of tiles that is done by multiply-adds.
 *
 * A thread computes a block of the result: the rows of a and the columns of b that it needs are
 * loaded from shared memory, each once, so the block is as square as the tile allows. Neighbours in
 * a block come four by four (16 bytes of f32), so that vectors move whichever way the operands lie.
 * Of a warp's lanes 4 go along the rows and 8 along the columns, and not in order: lanes 2n and
 * 2n + 1 have the same columns, lanes 4n + 1 and 4n + 3 the same rows, and so on, since the phases
 * of a 16-byte access are served two at a time where each lane reads what its neighbour at distance
 * 1, or each what that at distance 2 does. Warps split what leaves the squarest block; of several
 * products at once (a batch) each has its own first.
 *
 * Example: 128x128 of f32, 8 warps: `<128x128; reg j0 j1 j5 i0 i1 i6; lane i2 j2 j3 j4 i3; warp i4
 * i5 j5>`, 8 by 8 elements a thread.
 */
#include "passes/lay_out.h"
#include "support/bits.h"

/* Bits of the axes and of the threads, as they are dealt out. */
typedef struct Deal {
    uint8_t left[LAYOUT_MAX_RANK]; /* bits of an axis that are not dealt yet */
    LayoutStep steps[4 + LAYOUT_LANE_BITS + 3 * LAYOUT_WARP_BITS];
    unsigned num_steps;
} Deal;

static unsigned smaller(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static void deal_out(Deal *deal, LayoutDim dim, unsigned axis, unsigned bits) {
    deal->steps[deal->num_steps++] = (LayoutStep){(uint8_t)dim, (uint8_t)axis, (uint8_t)bits};
    if (axis != LAYOUT_NO_AXIS)
        deal->left[axis] = (uint8_t)(deal->left[axis] - bits);
}

static void deal_lanes(Deal *deal, unsigned m, unsigned n) {
    unsigned columns = smaller(3, deal->left[n]);
    unsigned rows = smaller(LAYOUT_LANE_BITS - columns, deal->left[m]);
    columns = smaller(LAYOUT_LANE_BITS - rows, deal->left[n]);
    unsigned first = rows > 0 ? 1 : 0, none = LAYOUT_LANE_BITS - rows - columns;
    deal_out(deal, LL_LANE, m, first);
    deal_out(deal, LL_LANE, n, columns);
    deal_out(deal, LL_LANE, m, rows - first);
    deal_out(deal, LL_LANE, LAYOUT_NO_AXIS, none);
}

/* `kept`: bits of the rows and of the columns of a thread's block that stay in it. */
static void deal_warps(Deal *deal, unsigned m, unsigned n, const unsigned kept[2], unsigned bits) {
    for (unsigned axis = 0; axis < m; axis++) {
        unsigned batch = smaller(bits, deal->left[axis]);
        deal_out(deal, LL_WARP, axis, batch);
        bits -= batch;
    }
    for (; bits > 0; bits--) {
        unsigned rows = deal->left[m], columns = deal->left[n];
        bool along_rows = rows > 0 && (columns == 0 || rows + kept[0] >= columns + kept[1]);
        if (rows + columns == 0)
            deal_out(deal, LL_WARP, LAYOUT_NO_AXIS, 1);
        else
            deal_out(deal, LL_WARP, along_rows ? m : n, 1);
    }
}

const Layout *fma_layout(LayOut *lo, const IrType *type) {
    unsigned rank = type->rank, m = rank - 2, n = rank - 1, all = 0;
    unsigned warps = bits_ceil_log2((uint64_t)lo->kernel->num_warps);
    uint8_t bits[LAYOUT_MAX_RANK];
    Deal deal = {.num_steps = 0};
    for (unsigned i = 0; i < rank; i++) {
        bits[i] = deal.left[i] = (uint8_t)bits_ceil_log2((uint64_t)type->shape[i]);
        all += bits[i];
    }
    unsigned share = all > LAYOUT_LANE_BITS + warps ? all - LAYOUT_LANE_BITS - warps : 0;
    unsigned vector = ir_elem_size(type->elem) == 8 ? 1 : 2;
    unsigned columns = smaller(smaller(vector, share), bits[n]);
    const unsigned kept[] = {smaller(smaller(vector, share - columns), bits[m]), columns};
    deal_out(&deal, LL_REG, n, kept[1]);
    deal_out(&deal, LL_REG, m, kept[0]);
    deal_lanes(&deal, m, n);
    deal_warps(&deal, m, n, kept, warps);
    Layout layout = layout_build(rank, bits, deal.steps, deal.num_steps, LL_REG, NULL);
    layout = layout_canonical(&layout);
    return ir_layout(lo->ctx, &layout);
}
