/* fuse_dot.c -- add into the accumulator of a dot instead of behind it.
 *
 * In:     verified tile IR
 * Out:    no addf or addi has an operand that only it uses and that is a dot of the same block
 *         with a zero accumulator
 * Keeps:  integer results; of floats the order of summation changes: c is the first term, not the
 *         last
 * Cost:   O(operations)
 * Why:    `acc += tl.dot(a, b)` without an `acc=`: the sum would need the accumulator twice in
 *         registers and an addition an element, where the instruction adds for nothing
 * Before:
 *     %a = const 1 : tile<16x16xi8>
 *     %zero = const 0 : tile<16x16xi32>
 *     %c2 = splat %x : tile<16x16xi32>
 *     %ab = dot %a, %a, %zero : tile<16x16xi32>
 *     %sum = addi %c2, %ab : tile<16x16xi32>
 *     print "s", %sum
 *     return
 * After:
 *     %a = const 1 : tile<16x16xi8>
 *     %c2 = splat %x : tile<16x16xi32>
 *     %sum = dot %a, %a, %c2 : tile<16x16xi32>
 *     print "s", %sum
 *     return
 * Not:    sums of floats in kernels with `fp_fusion = false`; dots that something else uses too;
 * dots of fp8 whose `max_num_imprecise_acc` asks for a sum of its own; an accumulator of another
 * type than the sum (tests/passes/fuse-dot/not.tkir)
 *
 * Algorithm: one look at each addition. The dot, being pure, is made anew where the addition
 * stands, where the other operand is known. Triton does the same (CombineDotAddPattern).
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

/* The dot that made operand `index` of `op`, if it can take the other operand in; else NULL. */
static IrOp *lone_dot(const IrOp *op, unsigned index) {
    const IrValue *value = ir_operand(op, index);
    IrOp *dot = value->def;
    uint64_t bits;
    if (!dot || dot->code != OP_Dot || dot->block != op->block || value->uses->next)
        return NULL;
    bool is_zero = rewrite_constant(ir_operand(dot, 2), &bits) && bits == 0;
    return is_zero && ir_attr_int(dot, ATTR_IMPRECISE_ACC) == 0 ? dot : NULL;
}

static bool accumulate(IrOp *op) {
    IrOp *dot = NULL;
    unsigned index = 0;
    for (; index < 2 && !dot; index++)
        dot = lone_dot(op, index);
    if (!dot)
        return false;
    IrBuilder b = rewrite_before(op);
    b.range = dot->range; /* what it computes is the dot */
    IrValue *sum = &op->results[0], *addend = ir_operand(op, 2 - index);
    IrValue *operands[] = {ir_operand(dot, 0), ir_operand(dot, 1), addend};
    IrOp *fused = ir_build(&b, OP_Dot, operands, 3, &sum->type, 1);
    rewrite_copy_attrs(fused, dot);
    rewrite_replace(sum, &fused->results[0]);
    ir_op_erase(op);
    rewrite_erase(dot);
    return true;
}

static bool accumulate_in_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= accumulate_in_block(pc, op->regions[r]);
        bool is_sum = op->code == OP_AddI || (op->code == OP_AddF && block->kernel->fp_fusion);
        if (is_sum && accumulate(op)) {
            pass_count(pc, STAT_DOT_ADDENDS, 1);
            changed = true;
        }
    }
    return changed;
}

bool pass_fuse_dot(PassContext *pc, IrKernel *kernel) {
    return accumulate_in_block(pc, kernel->body);
}
