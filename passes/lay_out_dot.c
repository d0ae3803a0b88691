/* lay_out_dot.c -- who holds what of a product of tiles.
 *
 * Tensor cores, where they have an instruction for the product and it costs less than multiply-adds
 * (ir/mma.h): the accumulator and the operands then are its fragments, and the operation becomes
 * dot_mma. Warps share the result so that they load as little as possible of the operands together,
 * each its rows of a and its columns of b. But where the result is an operand a of another product,
 * as the probabilities of attention are, warps have rows only: what a warp needs of it is then
 * what it computed, and the reductions along rows stay inside warps. Multiply-adds have layouts of
 * their own (lay_out_fma.c).
 *
 * Example: 128x128 in f32 of f16 with 4 warps: m16n8k16, 2 warps by 2, 64x64 elements a warp.
 */
#include "passes/lay_out.h"
#include "passes/rewrite.h"
#include "support/bits.h"

/* ---- chains ---------------------------------------------------------------------------------- */

/* Operations that hand a value on element by element, without moving any. */
static bool hands_on(const IrOp *op) {
    unsigned traits = ir_info(op)->traits;
    return op->num_results == 1 && ir_is_tile(op->results[0].type) &&
           ((traits & IR_ELT) != 0 || op->code == OP_Dot);
}

/* Whether `value`, of the same shape all along, becomes the operand a of a product in `block`. */
static bool reaches_operand(LayOut *lo, const IrValue *value, const IrBlock *block, uint8_t *seen) {
    if (value->id >= lo->num_prefer || seen[value->id])
        return false;
    seen[value->id] = 1;
    bool found = false;
    for (const IrUse *use = value->uses; use; use = use->next) {
        const IrOp *user = use->user;
        if (user->block != block)
            continue;
        if (user->code == OP_Dot && use->index == 0) {
            lo->chained[user->results[0].id] = 1;
            found = true;
        }
        bool goes_on = user->code == OP_Dot ? use->index == 2 : hands_on(user);
        if (goes_on && reaches_operand(lo, &user->results[0], block, seen))
            found = true;
    }
    return found;
}

/* Whether the result of `op` is an operand a of another product, or its own operand a is the result
 * of one. Products are asked in the order of the text. */
static bool is_chained(LayOut *lo, const IrOp *op) {
    uint8_t *seen = ARENA_ARRAY(lo->arena, uint8_t, lo->num_prefer);
    bool feeds = reaches_operand(lo, &op->results[0], op->block, seen);
    return feeds || lo->chained[op->results[0].id];
}

/* ---- warps ----------------------------------------------------------------------------------- */

static unsigned bits_beyond(int64_t size, unsigned unit) {
    unsigned all = bits_ceil_log2((uint64_t)size), one = bits_ceil_log2(unit);
    return all > one ? all - one : 0;
}

static unsigned smaller(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* The split with the least to load of both operands together; of equals that with more rows. */
static IrMmaWarps share_warps(const IrMma *mma, const IrProduct *p, unsigned all, bool rows_first) {
    unsigned most_m = bits_beyond(p->m, mma->m), most_n = bits_beyond(p->n, mma->n);
    IrMmaWarps best = {.all = (uint8_t)all};
    best.batch = (uint8_t)smaller(bits_ceil_log2((uint64_t)p->batch), all);
    unsigned left = all - best.batch;
    int64_t least = INT64_MAX;
    for (unsigned m = smaller(most_m, left) + 1; m-- > 0;) {
        unsigned n = smaller(most_n, left - m);
        int64_t rows = p->m >> m, columns = p->n >> n;
        bool spread = m + n == left || (m == most_m && n == most_n);
        if (!spread || rows + columns >= least)
            continue;
        least = rows_first ? 0 : rows + columns;
        best.m = (uint8_t)m;
        best.n = (uint8_t)n;
    }
    return best;
}

/* ---- what operands are computed from --------------------------------------------------------- */

enum { MAX_CHAIN = 64 };

/* An operation whose result is computed element by element, from elements of the same size. */
static bool keeps_size(const IrOp *op) {
    unsigned bits = ir_bits(op->results[0].type);
    if ((ir_info(op)->traits & IR_ELT) == 0 || op->num_results != 1)
        return false;
    for (unsigned i = 0; i < op->num_operands; i++) {
        unsigned other = ir_bits(ir_operand(op, i)->type);
        if (other != bits && other != 1 && bits != 1)
            return false;
    }
    return true;
}

static bool is_filled(const IrValue *value) {
    return !ir_is_tile(value->type) ||
           (value->def && (value->def->code == OP_Const || value->def->code == OP_Splat));
}

/* Whether `value` is computed of one tile, *source, and of constants, in `count` more steps. */
static bool has_one_source(const IrValue *value, const IrValue **source, unsigned *count) {
    if (is_filled(value))
        return true;
    if (++*count > MAX_CHAIN)
        return false;
    if (!value->def || !keeps_size(value->def)) {
        bool same = *source == NULL || *source == value;
        *source = value;
        return same;
    }
    bool one = true;
    for (unsigned i = 0; i < value->def->num_operands && one; i++)
        one = has_one_source(ir_operand(value->def, i), source, count);
    return one;
}

static void claim(LayOut *lo, const IrValue *value, const Layout *layout) {
    if (is_filled(value) || !value->def || !keeps_size(value->def) || lo->prefer[value->id])
        return;
    lo->prefer[value->id] = layout;
    for (unsigned i = 0; i < value->def->num_operands; i++)
        claim(lo, ir_operand(value->def, i), layout);
}

/* What an operand is computed of moves instead of the operand, if it is one tile: both parts of a
 * sum of f32, for example, are computed of what was moved once, which may be what was loaded. */
static void claim_chain(LayOut *lo, const IrValue *operand, const Layout *layout) {
    const IrValue *source = NULL;
    unsigned count = 0;
    if (has_one_source(operand, &source, &count) && source != operand)
        claim(lo, operand, layout);
}

/* ---- layouts --------------------------------------------------------------------------------- */

const Layout *plan_dot(LayOut *lo, const IrOp *op) {
    const char *why;
    IrProduct product = ir_product(op);
    unsigned num_warps = (unsigned)lo->kernel->num_warps;
    const IrMma *mma = ir_mma_choose(&product, lo->pc->target.arch, num_warps, &why);
    if (!mma)
        return fma_layout(lo, op->results[0].type);
    IrMmaWarps warps = share_warps(mma, &product, bits_ceil_log2(num_warps), is_chained(lo, op));
    DotPlan *plan = ARENA_NEW(lo->arena, DotPlan);
    for (unsigned i = 0; i < MMA_OPERANDS; i++) {
        const IrType *type = ir_operand(op, i)->type;
        Layout fragment = ir_mma_fragment(mma, (IrMmaOperand)i, type->rank, type->shape, warps);
        plan->layouts[i] = ir_layout(lo->ctx, &fragment);
    }
    lo->dots[op->results[0].id] = plan;
    claim_chain(lo, ir_operand(op, MMA_A), plan->layouts[MMA_A]);
    claim_chain(lo, ir_operand(op, MMA_B), plan->layouts[MMA_B]);
    return plan->layouts[MMA_C];
}

const DotPlan *find_dot_plan(const LayOut *lo, const IrOp *op) {
    return op->code == OP_Dot ? lo->dots[op->results[0].id] : NULL;
}

/* ---- the operation --------------------------------------------------------------------------- */

static void replace_dot(LayOut *lo, IrOp *op) {
    IrBuilder b = rewrite_before(op);
    IrValue *operands[] = {ir_operand(op, 0), ir_operand(op, 1), ir_operand(op, 2)};
    IrOp *made = ir_build(&b, OP_DotMma, operands, 3, &op->results[0].type, 1);
    ir_set_int(made, ATTR_PRECISION, ir_attr_int(op, ATTR_PRECISION));
    ir_set_int(made, ATTR_IMPRECISE_ACC, ir_attr_int(op, ATTR_IMPRECISE_ACC));
    rewrite_replace(&op->results[0], &made->results[0]);
    ir_op_erase(op);
    pass_count(lo->pc, STAT_TENSOR_CORES, 1);
}

void use_tensor_cores(LayOut *lo, IrBlock *block) {
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            use_tensor_cores(lo, op->regions[r]);
        if (find_dot_plan(lo, op))
            replace_dot(lo, op);
    }
}
