/* cg_convert.c -- changes of layout inside warps: register moves and shuffles, by a plan.
 *
 * The plan (ir/layout_convert.h) is: renumber a lane's registers by selects, so that what others
 * want from it in one round stands in one register; rounds of shfl.idx; renumber what arrived. Each
 * selection depends on the parity of some bits of the thread's number, which is computed once.
 */
#include "codegen/cg.h"
#include "support/bits.h"

/* new[r] = odd bits under the masks ? old[r ^ reg] : old[r], for each pass in turn. */
static void run_passes(Cg *cg, const SelectPass *passes, unsigned count, LLVMValueRef *values,
                       uint32_t num_values) {
    LLVMValueRef *old = ARENA_ARRAY(cg->arena, LLVMValueRef, num_values);
    for (unsigned p = 0; p < count; p++) {
        uint32_t mask = passes[p].lane_mask | passes[p].outer_mask << LAYOUT_LANE_BITS;
        LLVMValueRef odd = cg_thread_parity(cg, mask);
        for (uint32_t r = 0; r < num_values; r++)
            old[r] = values[r];
        for (uint32_t r = 0; r < num_values; r++)
            values[r] = LLVMBuildSelect(cg->b, odd, old[r ^ passes[p].reg], old[r], "");
    }
}

static uint32_t apply(const uint32_t *columns, unsigned bits, uint32_t word) {
    uint32_t image = 0;
    for (unsigned i = 0; i < bits; i++)
        image ^= word >> i & 1 ? columns[i] : 0;
    return image;
}

/* log2 of the rounds that travel in one shuffle. */
static unsigned shared_bits(const ShufflePlan *plan, unsigned elem_bytes) {
    unsigned bits = 0;
    while (bits < plan->pack_bits && elem_bytes << (bits + 1) <= 4)
        bits++;
    return bits;
}

/* The lanes' part of where rounds read from: M(lane) ^ W(outer). */
static LLVMValueRef source_base(Cg *cg, const ShufflePlan *plan) {
    uint32_t columns[LAYOUT_LANE_BITS + LAYOUT_OUTER_BITS];
    unsigned count = 0;
    for (unsigned i = 0; i < LAYOUT_LANE_BITS; i++)
        columns[count++] = plan->m[i];
    for (unsigned i = 0; i < plan->outer_bits; i++)
        columns[count++] = plan->w[i];
    return cg_thread_word(cg, columns, count);
}

/* v2[i] = v1[A(i)] of lane S(i) ^ M(lane) ^ W(outer). Rounds that differ by the plan's packs read
 * from one lane, and travel together as far as 32 bits hold them. */
static void run_rounds(Cg *cg, const ShufflePlan *plan, unsigned elem_bytes,
                       const LLVMValueRef *from, LLVMValueRef *to) {
    unsigned packs = shared_bits(plan, elem_bytes);
    uint32_t tops = 0;
    for (unsigned k = 0; k < packs; k++)
        tops |= (uint32_t)1 << bits_top(plan->pack[k]);
    LLVMValueRef base = source_base(cg, plan);
    for (uint32_t i = 0; i < (uint32_t)1 << plan->round_bits; i++) {
        LLVMValueRef values[4], lane;
        if ((i & tops) != 0)
            continue; /* travels with another */
        uint32_t own = apply(plan->s, plan->round_bits, i), count = (uint32_t)1 << packs;
        for (uint32_t k = 0; k < count; k++)
            values[k] = from[apply(plan->a, plan->round_bits, i ^ apply(plan->pack, packs, k))];
        bool stays = layout_round_stays(plan, i);
        lane = stays ? NULL : LLVMBuildXor(cg->b, base, cg_i32(cg, own), "");
        if (!stays && count == 1)
            values[0] = cg_shuffle(cg, SHUFFLE_FROM, values[0], lane);
        else if (!stays)
            cg_shuffle_packed(cg, values, count, lane);
        for (uint32_t k = 0; k < count; k++)
            to[i ^ apply(plan->pack, packs, k)] = values[k];
    }
}

static void convert_inside_warps(Cg *cg, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    ShufflePlan plan;
    unsigned elem_bytes = (unsigned)ir_elem_size(ir_elem(from));
    layout_plan_shuffle(from->layout, to->layout, elem_bytes, &plan);
    uint32_t sources = (uint32_t)1 << plan.src_bits, rounds = (uint32_t)1 << plan.round_bits;
    LLVMValueRef *values = ARENA_ARRAY(cg->arena, LLVMValueRef, sources);
    LLVMValueRef *arrived = ARENA_ARRAY(cg->arena, LLVMValueRef, rounds);
    for (uint32_t r = 0; r < sources; r++)
        values[r] = cg_reg(cg, ir_operand(op, 0), r);
    SelectPass passes[LAYOUT_MAX_PASSES];
    unsigned count = layout_select_passes(plan.g, plan.h, plan.outer_bits, passes);
    run_passes(cg, passes, count, values, sources);
    run_rounds(cg, &plan, elem_bytes, values, arrived);
    count = layout_select_passes(plan.f, NULL, 0, passes);
    run_passes(cg, passes, count, arrived, rounds);
    LLVMValueRef *regs = cg_new_regs(cg, to);
    for (unsigned r = 0; r < cg_num_regs(to); r++)
        regs[r] = cg_is_dead(to, r) ? cg_poison(cg, to) : arrived[r];
    cg_define(cg, ir_result(op, 0), regs);
}

void cg_lower_convert(Cg *cg, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    ConvertKind kind = layout_convert_kind(from->layout, to->layout);
    if (kind == CONVERT_NONE)
        cg_define(cg, ir_result(op, 0), cg_regs(cg, ir_operand(op, 0)));
    else if (kind == CONVERT_REGISTER || kind == CONVERT_SHUFFLE)
        convert_inside_warps(cg, op);
    else
        cg_internal(cg, op, "it does not stay inside warps");
}
