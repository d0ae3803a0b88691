/* mma.c -- chooses among the instructions of mma.def, and knows their fragments.
 *
 * The choice compares clocks of a multiprocessor: what the instructions of all warps take, tiles
 * smaller than the instruction counting as whole ones, against a loop of multiply-adds. Example: a
 * product of f16 tiles of 64x64x32 with an accumulator of f32 is 4 x 8 x 2 times m16n8k16; one in
 * ieee precision of f32 is no tensor core's business.
 */
#include "ir/mma.h"

#include "support/bits.h"
#include "support/compat.h"

static const IrMma rows[] = {
#define MMA(m_, n_, k_, a_, b_, acc_, arch_, ptx_, rate_, text_)                                   \
    {.m = m_,                                                                                      \
     .n = n_,                                                                                      \
     .k = k_,                                                                                      \
     .a = TY_##a_,                                                                                 \
     .b = TY_##b_,                                                                                 \
     .acc = TY_##acc_,                                                                             \
     .arch = arch_,                                                                                \
     .ptx = ptx_,                                                                                  \
     .rate = rate_,                                                                                \
     .text = text_},
#include "ir/mma.def"
};

IrProduct ir_product(const IrOp *op) {
    const IrType *a = ir_operand(op, 0)->type, *b = ir_operand(op, 1)->type;
    unsigned rank = a->rank;
    return (IrProduct){.a = a->elem->kind,
                       .b = b->elem->kind,
                       .acc = op->results[0].type->elem->kind,
                       .precision = (PRECISION_Enum)ir_attr_int(op, ATTR_PRECISION),
                       .batch = rank > 2 ? a->shape[0] : 1,
                       .m = a->shape[rank - 2],
                       .n = b->shape[rank - 1],
                       .k = a->shape[rank - 1]};
}

/* ---- the choice ------------------------------------------------------------------------------ */

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* Clocks of the multiprocessor for all warps: of the instruction. */
static int64_t mma_cost(const IrMma *mma, const IrProduct *p, int64_t num_warps) {
    int64_t tiles = p->batch * divide_up(p->m, mma->m) * divide_up(p->n, mma->n);
    int64_t each = divide_up(tiles, num_warps) * divide_up(p->k, mma->k);
    return divide_up(each * num_warps * mma->m * mma->n * mma->k, mma->rate);
}

/* Of multiply-adds, half as many again to load their operands. */
static int64_t fma_cost(const IrProduct *p, int64_t num_warps) {
    int64_t threads = 32 * num_warps, rate = p->acc == TY_F64 ? 32 : 128;
    int64_t each = divide_up(p->batch * p->m * p->n, threads) * p->k;
    return divide_up(each * threads * 3, 2 * rate);
}

static bool is_power(int64_t n) {
    return (n & (n - 1)) == 0;
}

static unsigned elements_of_word(IrTypeKind kind) {
    switch ((int)kind) {
    case TY_I8:
    case TY_F8E4M3:
    case TY_F8E5M2:
        return 4;
    case TY_F16:
    case TY_BF16:
        return 2;
    default:
        return 1;
    }
}

/* Whether every lane has an element of its own along k, so that the rest can be zeros. */
static bool is_deep_enough(const IrMma *mma, const IrProduct *p) {
    return p->k >= 4 * (int64_t)elements_of_word(mma->a);
}

const IrMma *ir_mma_choose(const IrProduct *p, unsigned arch, unsigned num_warps,
                           const char **why) {
    const IrMma *best = NULL;
    *why = arch == 0 ? "no GPU is named" : "the target has no instruction for these types";
    if (p->a == TY_F32 && p->precision != PREC_TF32) {
        *why = p->precision == PREC_IEEE ? "f32 in ieee precision"
                                         : "no instruction has this precision of f32";
        return NULL;
    }
    if (!is_power(p->batch) || !is_power(p->m) || !is_power(p->n) || !is_power(p->k)) {
        *why = "a size is no power of two";
        return NULL;
    }
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        const IrMma *mma = &rows[i];
        if (mma->a != p->a || mma->b != p->b || mma->acc != p->acc || mma->arch > arch)
            continue;
        if (!is_deep_enough(mma, p))
            *why = "the products are too short for an instruction";
        else if (mma_cost(mma, p, num_warps) > fma_cost(p, num_warps))
            *why = "multiply-adds cost less for so small a tile";
        else if (best == NULL || mma_cost(mma, p, num_warps) < mma_cost(best, p, num_warps))
            best = mma;
    }
    return best;
}

/* ---- fragments ------------------------------------------------------------------------------- */

Layout ir_mma_fragment(const IrMma *mma, IrMmaOperand operand, unsigned rank, const int64_t *shape,
                       IrMmaWarps warps) {
    uint8_t m = (uint8_t)(rank - 2), n = (uint8_t)(rank - 1), none = LAYOUT_NO_AXIS;
    uint8_t batch = rank > 2 ? 0 : none;
    unsigned used = (unsigned)warps.batch + warps.m + warps.n;
    LayoutStep steps[] = {{LL_WARP, operand == MMA_A ? none : n, warps.n},
                          {LL_WARP, operand == MMA_B ? none : m, warps.m},
                          {LL_WARP, batch, warps.batch},
                          {LL_WARP, none, (uint8_t)(warps.all - used)}};
    LayoutFragment fragment = {.warps = steps, .num_warps = TK_COUNTOF(steps)};
    fragment.across = operand == MMA_B ? n : m;
    fragment.along = operand == MMA_B ? m : n;
    fragment.kw = operand == MMA_C ? 2 : elements_of_word(mma->a);
    fragment.rows = operand == MMA_B ? mma->n : mma->m;
    return layout_fragment(rank, shape, &fragment);
}

/* How warps share the axes, as the accumulator's warp columns tell. */
static IrMmaWarps warps_of(const Layout *c) {
    unsigned rank = c->rank;
    IrMmaWarps warps = {.all = c->nin[LL_WARP]};
    for (unsigned i = 0; i < c->nin[LL_WARP]; i++) {
        uint32_t column = layout_columns(c, LL_WARP)[i];
        if (column & layout_axis_mask(c, rank - 1))
            warps.n++;
        else if (column & layout_axis_mask(c, rank - 2))
            warps.m++;
        else if (column != 0)
            warps.batch++;
    }
    return warps;
}

static bool fits(const IrMma *mma, const IrOp *op, IrMmaWarps warps) {
    for (unsigned i = 0; i < MMA_OPERANDS; i++) {
        const IrType *type = ir_operand(op, i)->type;
        Layout wanted = ir_mma_fragment(mma, (IrMmaOperand)i, type->rank, type->shape, warps);
        if (!layout_equal(&wanted, type->layout))
            return false;
    }
    return true;
}

static bool has_matrices(const IrOp *op) {
    unsigned rank = ir_operand(op, MMA_C)->type->rank;
    for (unsigned i = 0; i < MMA_OPERANDS; i++) {
        const IrType *type = ir_operand(op, i)->type;
        if (type->rank != rank || type->layout == NULL)
            return false;
    }
    return rank == 2 || rank == 3;
}

const IrMma *ir_mma_of(const IrOp *op) {
    if (!has_matrices(op))
        return NULL;
    IrProduct p = ir_product(op);
    IrMmaWarps warps = warps_of(ir_operand(op, 2)->type->layout);
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        const IrMma *mma = &rows[i];
        if (mma->a == p.a && mma->b == p.b && mma->acc == p.acc && is_deep_enough(mma, &p) &&
            fits(mma, op, warps))
            return mma;
    }
    return NULL;
}
