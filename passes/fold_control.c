/* fold_control.c -- constant conditions, trip counts and masks.
 *
 * An `if` whose condition is known becomes the operations of the region that runs; a `for` that
 * makes no trip becomes its initial values; a mask that is all true goes, an access whose mask is
 * all false goes (a load becomes its `other`, or zeros). Example: store %p, %v, true : the mask is
 * dropped.
 */
#include "ir/number.h"
#include "passes/fold.h"
#include "passes/rewrite.h"

/* Puts a region's operations before `op`, and what it yields in the place of op's results. */
static void inline_region(IrOp *op, IrBlock *block) {
    while (block->first != block->last)
        ir_op_move_before(block->first, op);
    IrOp *yield = block->last;
    for (unsigned i = 0; i < op->num_results; i++)
        rewrite_replace(&op->results[i], ir_operand(yield, i));
    ir_op_erase(op);
}

static bool fold_if(IrOp *op) {
    uint64_t condition;
    if (!rewrite_constant(ir_operand(op, 0), &condition))
        return false;
    inline_region(op, op->regions[condition & 1 ? 0 : 1]);
    return true;
}

/* A loop with a positive step that begins at or behind its end makes no trip. */
static bool fold_for(IrOp *op) {
    uint64_t bounds[3];
    for (unsigned i = 0; i < 3; i++) {
        if (!rewrite_constant(ir_operand(op, i), &bounds[i]))
            return false;
    }
    unsigned bits = ir_bits(ir_operand(op, 0)->type);
    bool none = ir_attr_int(op, ATTR_UNSIGNED)
                    ? bounds[0] >= bounds[1] && bounds[2] != 0
                    : ir_sign_extend(bounds[0], bits) >= ir_sign_extend(bounds[1], bits) &&
                          ir_sign_extend(bounds[2], bits) > 0;
    if (!none)
        return false;
    for (unsigned i = 0; i < op->num_results; i++)
        rewrite_replace(&op->results[i], ir_operand(op, 3 + i));
    ir_op_erase(op);
    return true;
}

/* ---- masks ----------------------------------------------------------------------------------- */

static bool drop_mask(IrOp *op, unsigned index) {
    IrOp *mask = ir_operand(op, index)->def;
    ir_truncate_operands(op, index);
    if (!ir_has_uses(&mask->results[0]))
        rewrite_erase(mask);
    return true;
}

static bool fold_masked_off_load(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    IrValue *other =
        op->num_operands > 2 ? ir_operand(op, 2) : ir_const_bits(&b, op->results[0].type, 0);
    rewrite_replace(&op->results[0], other);
    rewrite_erase(op);
    return true;
}

static bool fold_mask(IrOp *op, unsigned index) {
    uint64_t mask;
    if (op->num_operands <= index || !rewrite_constant(ir_operand(op, index), &mask))
        return false;
    if (mask & 1)
        return drop_mask(op, index);
    if (op->code == OP_Load)
        return fold_masked_off_load(op);
    if (op->code == OP_Histogram || op->code == OP_AtomicRmw)
        return false;
    rewrite_erase(op);
    return true;
}

/* What is true already needs no check. */
static bool fold_claim(IrOp *op) {
    uint64_t condition;
    if (!rewrite_constant(ir_operand(op, 0), &condition) || !(condition & 1))
        return op->code == OP_Assert && fold_mask(op, 1);
    rewrite_erase(op);
    return true;
}

bool fold_control(IrOp *op) {
    switch ((int)op->code) {
    case OP_If:
        return fold_if(op);
    case OP_For:
        return fold_for(op);
    case OP_Load:
    case OP_Histogram:
        return fold_mask(op, 1);
    case OP_Store:
    case OP_AtomicRmw:
        return fold_mask(op, 2);
    case OP_Assert:
    case OP_Assume:
        return fold_claim(op);
    default:
        return false;
    }
}
