/* licm.c -- move what every trip of a loop computes alike out of the loop (loop-invariant code
 * motion).
 *
 * In:     verified tile IR
 * Out:    no pure operation of a loop, outside the ifs in it, has only operands from outside, but
 *         for those that can fault
 * Keeps:  every fault and every effect, and their order
 * Cost:   O(operations * nesting)
 * Why:    the specialiser evaluates offsets and masks where they stand; matmul loops would make the
 *         same tile of column numbers on every trip
 * Before:
 *     for %i = %x to %y step %y {
 *         %a = muli %x, %y : i32
 *         %b = addi %a, %i : i32
 *         store %p, %b
 *         yield
 *     }
 *     return
 * After:
 *     %a = muli %x, %y : i32
 *     for %i = %x to %y step %y {
 *         %b = addi %a, %i : i32
 *         store %p, %b
 *         yield
 *     }
 *     return
 * Not:    loops with `disable_licm`; divisions that may be by zero, because the loop may make no
 *         trip; loads, but in front of everything that stays in a loop that makes a trip and
 *         writes nothing                                    (tests/passes/licm/stays.tkir)
 *
 * Algorithm: inner loops first, so that what leaves one stands in the next outer one when that is
 * looked at; in the order of the text, so that an operation's operands have left before it.
 * (Aho, Lam, Sethi, Ullman, Compilers, 9.5; on structured control flow there is no preheader to
 * make: the place before the loop is it.)
 */
#include "ir/number.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

/* Whether all values that `op` and its regions use from outside of `op` are from outside `loop`. */
static bool uses_only_outer(const IrOp *loop, const IrOp *op, const IrOp *inner) {
    for (unsigned i = 0; i < inner->num_operands; i++) {
        const IrValue *value = ir_operand(inner, i);
        if (rewrite_is_inside(value, loop) && !rewrite_is_inside(value, op))
            return false;
    }
    for (unsigned r = 0; r < inner->num_regions; r++) {
        for (const IrOp *next = inner->regions[r]->first; next; next = next->next) {
            if (!uses_only_outer(loop, op, next))
                return false;
        }
    }
    return true;
}

/* Whether `op` may be computed earlier than it is, and more often. */
static bool is_free_to_move(const IrOp *op) {
    bool is_control = op->code == OP_If || op->code == OP_For || op->code == OP_While;
    return !is_control && rewrite_is_removable(op) && !rewrite_can_fault(op);
}

/* ---- loads ----------------------------------------------------------------------------------- */

static bool makes_a_trip(const IrOp *loop) {
    uint64_t from, to, step;
    if (loop->code != OP_For || !rewrite_constant(ir_operand(loop, 0), &from) ||
        !rewrite_constant(ir_operand(loop, 1), &to) ||
        !rewrite_constant(ir_operand(loop, 2), &step))
        return false;
    unsigned bits = ir_bits(ir_operand(loop, 0)->type);
    if (ir_attr_int(loop, ATTR_UNSIGNED))
        return from < to && step != 0;
    return ir_sign_extend(from, bits) < ir_sign_extend(to, bits) && ir_sign_extend(step, bits) > 0;
}

/* IrVisitor: false at an operation that may change memory, or order accesses to it. */
static bool leaves_memory_alone(IrOp *op, void *unused) {
    (void)unused;
    bool orders = op->code == OP_Barrier || op->code == OP_InlineAsm;
    return !(ir_info(op)->traits & IR_WRITES) && !orders;
}

static bool may_lose_loads(const IrOp *loop) {
    return makes_a_trip(loop) && ir_walk(loop->regions[0], leaves_memory_alone, NULL);
}

static bool is_plain_load(const IrOp *op) {
    return op->code == OP_Load && !ir_attr_int(op, ATTR_VOLATILE);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool hoist_from_region(const PassContext *pc, IrOp *loop, IrBlock *region) {
    bool changed = false;
    bool loads = may_lose_loads(loop); /* until something stays that can fault or be seen */
    IrOp *next;
    for (IrOp *op = region->first; op; op = next) {
        next = op->next;
        bool is_load = loads && is_plain_load(op);
        bool moves = is_load || is_free_to_move(op);
        if (moves && uses_only_outer(loop, op, op)) {
            ir_op_move_before(op, loop);
            pass_count(pc, is_load ? STAT_LOADS_HOISTED : STAT_HOISTED, 1);
            changed = true;
        } else if (!is_free_to_move(op)) {
            loads = false;
        }
    }
    return changed;
}

static bool hoist_from_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    for (IrOp *op = block->first; op; op = op->next) {
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= hoist_from_block(pc, op->regions[r]);
        bool is_loop =
            op->code == OP_While || (op->code == OP_For && !ir_attr_int(op, ATTR_NO_LICM));
        for (unsigned r = 0; is_loop && r < op->num_regions; r++)
            changed |= hoist_from_region(pc, op, op->regions[r]);
    }
    return changed;
}

bool pass_licm(PassContext *pc, IrKernel *kernel) {
    return hoist_from_block(pc, kernel->body);
}
