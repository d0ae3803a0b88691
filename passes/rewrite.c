/* rewrite.c -- small changes that several passes make.
 *
 * Names and hints belong to values, not to operations: when a pass replaces %y by %x, and %x has no
 * name in the source, it becomes %y. A hint moves only within a block, because elsewhere the value
 * may exist without the promise having been made.
 */
#include "passes/rewrite.h"

#include <string.h>

IrBuilder rewrite_before(IrOp *op) {
    IrKernel *kernel = op->block->kernel;
    return (IrBuilder){.module = kernel->module,
                       .kernel = kernel,
                       .block = op->block,
                       .before = op,
                       .range = op->range};
}

static const IrBlock *home(const IrValue *value) {
    return value->def ? value->def->block : value->block;
}

void rewrite_replace(IrValue *old, IrValue *new_value) {
    if (!new_value->name)
        new_value->name = old->name;
    if (old->hints && !new_value->hints && old->type->rank == new_value->type->rank &&
        home(old) == home(new_value))
        new_value->hints = old->hints;
    ir_replace_uses(old, new_value);
}

bool rewrite_constant(const IrValue *value, uint64_t *bits) {
    if (!value->def || value->def->code != OP_Const)
        return false;
    *bits = ir_attr(value->def, ATTR_VALUE)->u.bits;
    return true;
}

static bool all_removable(const IrBlock *block) {
    for (const IrOp *op = block->first; op; op = op->next) {
        if (!(ir_info(op)->traits & IR_TERM) && !rewrite_is_removable(op))
            return false;
    }
    return true;
}

bool rewrite_is_removable(const IrOp *op) {
    bool removable = (ir_info(op)->traits & IR_PURE) != 0;
    if (op->code == OP_InlineAsm)
        removable = ir_attr_int(op, ATTR_IS_PURE) != 0;
    uint64_t step;
    if (op->code == OP_For) /* a step of zero is a fault, to be reported */
        removable = rewrite_constant(ir_operand(op, 2), &step) && step != 0;
    if (op->code == OP_If)
        removable = true;
    for (unsigned r = 0; removable && r < op->num_regions; r++)
        removable = all_removable(op->regions[r]);
    return removable;
}

static bool divides(const IrOp *op) {
    return op->code == OP_DivSI || op->code == OP_DivUI || op->code == OP_RemSI ||
           op->code == OP_RemUI;
}

bool rewrite_can_fault(const IrOp *op) {
    uint64_t divisor;
    if (divides(op) && !(rewrite_constant(ir_operand(op, 1), &divisor) && divisor != 0))
        return true;
    if (op->code == OP_Gather || op->code == OP_MakeDesc)
        return true;
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (const IrOp *inner = op->regions[r]->first; inner; inner = inner->next) {
            if (rewrite_can_fault(inner))
                return true;
        }
    }
    return false;
}

bool rewrite_is_inside(const IrValue *value, const IrOp *op) {
    for (const IrBlock *block = home(value); block->parent; block = block->parent->block) {
        if (block->parent == op)
            return true;
    }
    return false;
}

bool rewrite_needs(const IrOp *op, const uint8_t *marked) {
    for (unsigned i = 0; i < op->num_operands; i++) {
        if (marked[ir_operand(op, i)->id])
            return true;
    }
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (const IrOp *inner = op->regions[r]->first; inner; inner = inner->next) {
            if (rewrite_needs(inner, marked))
                return true;
        }
    }
    return false;
}

void rewrite_copy_attrs(IrOp *op, const IrOp *from) {
    for (unsigned i = 0; i < ir_info(from)->num_attrs; i++)
        op->attrs[i] = from->attrs[i];
}

static bool same_attr(const IrAttr *a, const IrAttr *b) {
    switch ((int)ir_attr_infos[a->id].kind) {
    case ATTRKIND_STR:
        return strcmp(a->u.str ? a->u.str : "", b->u.str ? b->u.str : "") == 0;
    case ATTRKIND_INTS:
        return a->u.ints.len == b->u.ints.len &&
               (a->u.ints.len == 0 || memcmp(a->u.ints.items, b->u.ints.items,
                                             a->u.ints.len * sizeof *a->u.ints.items) == 0);
    default:
        return a->u.i == b->u.i;
    }
}

bool rewrite_same_attrs(const IrOp *a, const IrOp *b) {
    bool same = true;
    for (unsigned i = 0; same && i < ir_info(a)->num_attrs; i++)
        same = same_attr(&a->attrs[i], &b->attrs[i]);
    return same;
}

static bool is_unused(const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++) {
        if (ir_has_uses(&op->results[i]))
            return false;
    }
    return true;
}

/* Goes at most MAX_DEPTH producers back, so that no chain exhausts the stack. */
static void erase(IrOp *op, unsigned depth) {
    enum { MAX_REMEMBERED = 8, MAX_DEPTH = 64 };
    IrOp *producers[MAX_REMEMBERED];
    unsigned count = 0;
    for (unsigned i = 0; i < op->num_operands && count < MAX_REMEMBERED; i++) {
        if (ir_operand(op, i)->def)
            producers[count++] = ir_operand(op, i)->def;
    }
    ir_op_erase(op);
    for (unsigned i = 0; i < count && depth < MAX_DEPTH; i++) {
        IrOp *producer = producers[i];
        if (producer->block && producer->num_regions == 0 &&
            (ir_info(producer)->traits & IR_PURE) && is_unused(producer))
            erase(producer, depth + 1);
    }
}

void rewrite_erase(IrOp *op) {
    erase(op, 0);
}
