/* cg_convert.c -- changes of layout inside warps: register moves and shuffles, by a plan.
 *
 * The plan (ir/layout_convert.h) is: renumber a lane's registers by selects, so that what others
 * want from it in one round stands in one register; rounds of shfl.idx; renumber what arrived. Each
 * selection depends on the parity of some bits of the thread's number, which is computed once.
 */
#include "codegen/cg.h"

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

/* v2[i] = v1[A(i)] of lane S(i) ^ M(lane) ^ W(outer). */
static void run_rounds(Cg *cg, const ShufflePlan *plan, const LLVMValueRef *from,
                       LLVMValueRef *to) {
    uint32_t columns[LAYOUT_LANE_BITS + LAYOUT_OUTER_BITS];
    unsigned count = 0;
    for (unsigned i = 0; i < LAYOUT_LANE_BITS; i++)
        columns[count++] = plan->m[i];
    for (unsigned i = 0; i < plan->outer_bits; i++)
        columns[count++] = plan->w[i];
    LLVMValueRef base = cg_thread_word(cg, columns, count);
    for (uint32_t i = 0; i < (uint32_t)1 << plan->round_bits; i++) {
        LLVMValueRef value = from[apply(plan->a, plan->round_bits, i)];
        if (!layout_round_stays(plan, i)) {
            uint32_t own = apply(plan->s, plan->round_bits, i);
            LLVMValueRef lane = LLVMBuildXor(cg->b, base, cg_i32(cg, own), "");
            value = cg_shuffle(cg, SHUFFLE_FROM, value, lane);
        }
        to[i] = value;
    }
}

static void convert_inside_warps(Cg *cg, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    ShufflePlan plan;
    layout_plan_shuffle(from->layout, to->layout, (unsigned)ir_elem_size(ir_elem(from)), &plan);
    uint32_t sources = (uint32_t)1 << plan.src_bits, rounds = (uint32_t)1 << plan.round_bits;
    LLVMValueRef *values = ARENA_ARRAY(cg->arena, LLVMValueRef, sources);
    LLVMValueRef *arrived = ARENA_ARRAY(cg->arena, LLVMValueRef, rounds);
    for (uint32_t r = 0; r < sources; r++)
        values[r] = cg_reg(cg, ir_operand(op, 0), r);
    SelectPass passes[LAYOUT_MAX_PASSES];
    unsigned count = layout_select_passes(plan.g, plan.h, plan.outer_bits, passes);
    run_passes(cg, passes, count, values, sources);
    run_rounds(cg, &plan, values, arrived);
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
