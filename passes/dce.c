/* dce.c -- remove operations whose results nobody uses.
 *
 * In:     verified tile IR
 * Out:    the same without dead operations; no pure operation is left without a use
 * Keeps:  everything else, and every effect
 * Cost:   O(operations)
 * Why:    other passes leave dead operations behind rather than look for them
 * Before:
 *     %a = addi %x, %y : i32
 *     %b = muli %a, %x : i32
 *     store %p, %x
 *     return
 * After:
 *     store %p, %x
 *     return
 * Not:    loads, whose faults a checking device reports; loops that may not end (`while`, a step
 *         not known to differ from zero)                       (tests/passes/dce/keeps.tkir)
 *
 * Algorithm: walk each block from its end to its beginning, inner blocks first; a dead operation
 * goes at once, so what only it used is dead when the walk comes to it.
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

static bool is_dead(const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++) {
        if (ir_has_uses(&op->results[i]))
            return false;
    }
    return rewrite_is_removable(op);
}

static bool clean_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *prev;
    for (IrOp *op = block->last; op; op = prev) {
        prev = op->prev;
        if (is_dead(op)) {
            ir_op_erase(op);
            pass_count(pc, STAT_REMOVED, 1);
            changed = true;
            continue;
        }
        for (unsigned r = op->num_regions; r-- > 0;)
            changed |= clean_block(pc, op->regions[r]);
    }
    return changed;
}

bool pass_dce(PassContext *pc, IrKernel *kernel) {
    return clean_block(pc, kernel->body);
}
