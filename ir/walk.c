/* walk.c -- visiting all operations of a kernel.
 *
 * Outside in, in the order of the text, so that a value is met before its uses. Example:
 * counting loads is ir_walk(kernel->body, count_loads, &count) with a visitor of three lines.
 */
#include "ir/ir.h"

bool ir_walk(IrBlock *block, IrVisitor visit, void *data) {
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next; /* the visitor may erase `op` */
        if (!visit(op, data))
            return false;
        if (!op->block)
            continue;
        for (unsigned r = 0; r < op->num_regions; r++) {
            if (!ir_walk(op->regions[r], visit, data))
                return false;
        }
    }
    return true;
}
