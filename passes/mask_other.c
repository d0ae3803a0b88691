/* mask_other.c -- give masked-off elements of loads the values they are seen with.
 *
 * In:     verified tile IR
 * Out:    every load with a mask says what masked-off elements are; a select by the same mask that
 *         alone uses a load is gone, its other choice being the load's `other`
 * Keeps:  every number and every fault
 * Cost:   O(operations)
 * Why:    where(mask, load(p, mask), x) would set masked-off registers twice; and later stages need
 *         no rule of their own for a missing `other`
 * Before:
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     %mask = splat %c : tile<8xi1>
 *     %xs = splat %x : tile<8xi32>
 *     %v = load %ptrs, %mask : tile<8xi32>
 *     %w = select %mask, %v, %xs : tile<8xi32>
 *     %u = load %ptrs, %mask : tile<8xi32>
 *     store %ptrs, %w
 *     store %ptrs, %u
 *     return
 * After:
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     %mask = splat %c : tile<8xi1>
 *     %xs = splat %x : tile<8xi32>
 *     %w = load %ptrs, %mask, %xs : tile<8xi32>
 *     %c0_i32 = const 0 : tile<8xi32>
 *     %u = load %ptrs, %mask, %c0_i32 : tile<8xi32>
 *     store %ptrs, %w
 *     store %ptrs, %u
 *     return
 * Not:    a select by another mask, or of a load with other uses; a choice that is computed behind
 *         the load                                         (tests/passes/mask-other/not.tkir)
 *
 * Algorithm: one look at each load. Operations cannot gain operands, so a load that gains an
 * `other` is made anew.
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

/* The select that alone uses the load, by the load's mask, in its block; or NULL. */
static IrOp *lone_select(const IrOp *load) {
    const IrUse *use = load->results[0].uses;
    if (!use || use->next || use->index != 1 || use->user->code != OP_Select)
        return NULL;
    IrOp *select = use->user;
    bool same_mask = ir_operand(select, 0) == ir_operand(load, 1);
    return same_mask && select->block == load->block ? select : NULL;
}

/* Whether `value`, which is known at `select`, is known at `load` before it. */
static bool is_known_before(const IrValue *value, const IrOp *load, const IrOp *select) {
    for (const IrOp *op = load; op != select; op = op->next) {
        if (value->def == op)
            return false;
    }
    return true;
}

/* The same load with another `other`; takes the place of `old`. */
static void replace_load(IrOp *load, IrValue *old, IrValue *other) {
    IrBuilder b = rewrite_before(load);
    IrValue *made = ir_load(&b, ir_operand(load, 0), ir_operand(load, 1), other);
    rewrite_copy_attrs(made->def, load);
    rewrite_replace(old, made);
}

static bool complete(PassContext *pc, IrOp *load) {
    IrOp *select = lone_select(load);
    IrBuilder b = rewrite_before(load);
    uint64_t bits;
    if (select) {
        IrValue *other = ir_operand(select, 2);
        if (rewrite_constant(other, &bits))
            other = ir_const_bits(&b, other->type, bits);
        else if (!is_known_before(other, load, select))
            select = NULL;
        if (select) {
            replace_load(load, &select->results[0], other);
            ir_op_erase(select);
            ir_op_erase(load);
            pass_count(pc, STAT_SELECTS_DROPPED, 1);
            return true;
        }
    }
    if (load->num_operands > 2)
        return false;
    replace_load(load, &load->results[0], ir_const_bits(&b, load->results[0].type, 0));
    ir_op_erase(load);
    return true;
}

static bool complete_block(PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *prev;
    for (IrOp *op = block->last; op; op = prev) { /* backwards: what is erased stands behind */
        prev = op->prev;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= complete_block(pc, op->regions[r]);
        if (op->code == OP_Load && op->num_operands > 1)
            changed |= complete(pc, op);
    }
    return changed;
}

bool pass_mask_other(PassContext *pc, IrKernel *kernel) {
    return complete_block(pc, kernel->body);
}
