/* sink_broadcast.c -- compute on small tiles, and widen afterwards.
 *
 * In:     verified tile IR
 * Out:    no elementwise operation whose tile operands are all splats, or all broadcasts (or all
 *         expand_dims at one axis) of one shape, constants and splats aside
 * Keeps:  every number; every fault, with as many lanes
 * Cost:   O(operations)
 * Why:    `rows[:, None] * stride + base` is 64 sums then, and not 64 x 64; what is the same in
 *         all lanes becomes a scalar, which one thread register holds
 * Before:
 *     %a = splat %x : tile<64xi32>
 *     %b = splat %y : tile<64xi32>
 *     %sum = addi %a, %b : tile<64xi32>
 *     print "s", %sum
 *     return
 * After:
 *     %0 = addi %x, %y : i32
 *     %sum = splat %0 : tile<64xi32>
 *     print "s", %sum
 *     return
 * Not:    operands of different shapes: a row plus a column is wide; a division that may be by
 *         zero, whose fault counts lanes                    (tests/passes/sink-broadcast/not.tkir)
 *
 * Algorithm: operations in order. A new, smaller operation is looked at again at once; what uses
 * the widened result comes later. It ends because every step makes one operation smaller. Triton
 * has the same rules (ReorderBroadcast.cpp).
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

enum { MAX_OPERANDS = 8 };

/* Whether all lanes hold one value: a constant or a splat. */
static bool is_uniform(const IrValue *value) {
    return value->def && (value->def->code == OP_Const || value->def->code == OP_Splat);
}

static bool widens(const IrOp *op) {
    return op && (op->code == OP_Splat || op->code == OP_Broadcast || op->code == OP_ExpandDims);
}

static bool widens_alike(const IrOp *a, const IrOp *b) {
    if (a->code != b->code || !ir_same_shape(ir_operand(a, 0)->type, ir_operand(b, 0)->type))
        return false;
    return a->code != OP_ExpandDims || ir_attr_int(a, ATTR_AXIS) == ir_attr_int(b, ATTR_AXIS);
}

/* The way all operands of `op` were widened: one of the operations that did it; NULL if they were
 * not, or not alike. A splat is as good as any other way, so it decides only among its like. */
static IrOp *common_widening(const IrOp *op) {
    IrOp *way = NULL;
    for (unsigned i = 0; i < op->num_operands; i++) {
        IrOp *def = ir_operand(op, i)->def;
        if (!ir_is_tile(ir_operand(op, i)->type))
            continue; /* the condition of a select */
        if (!widens(def) && !is_uniform(ir_operand(op, i)))
            return NULL;
        if (widens(def) && (!way || way->code == OP_Splat))
            way = def;
    }
    for (unsigned i = 0; way && i < op->num_operands; i++) {
        const IrValue *value = ir_operand(op, i);
        if (ir_is_tile(value->type) && !is_uniform(value) && !widens_alike(value->def, way))
            return NULL;
    }
    return way;
}

/* `value`, an operand that was widened like `way`, before that. */
static IrValue *narrow(IrBuilder *b, IrValue *value, const IrOp *way) {
    const IrType *small = ir_operand(way, 0)->type;
    if (!ir_is_tile(value->type))
        return value;
    if (!is_uniform(value))
        return ir_operand(value->def, 0);
    uint64_t bits;
    if (rewrite_constant(value, &bits))
        return ir_const_bits(b, ir_type_with_elem(b->module->ctx, small, ir_elem(value->type)),
                             bits);
    IrValue *scalar = ir_operand(value->def, 0);
    return ir_is_tile(small) ? ir_splat(b, scalar, small->shape, small->rank) : scalar;
}

static bool is_candidate(const IrOp *op) {
    if (!(ir_info(op)->traits & IR_ELT) || op->num_results != 1 || op->num_operands == 0 ||
        op->num_operands > MAX_OPERANDS || !ir_is_tile(op->results[0].type))
        return false;
    return !rewrite_can_fault(op);
}

/* Makes `op` anew on small tiles; returns the small operation, or NULL if it is not possible. */
static IrOp *sink(IrOp *op) {
    const IrOp *way = is_candidate(op) ? common_widening(op) : NULL;
    if (!way)
        return NULL;
    IrBuilder b = rewrite_before(op);
    IrValue *operands[MAX_OPERANDS];
    for (unsigned i = 0; i < op->num_operands; i++)
        operands[i] = narrow(&b, ir_operand(op, i), way);
    const IrType *type = op->results[0].type;
    const IrType *small = ir_type_with_elem(b.module->ctx, ir_operand(way, 0)->type, ir_elem(type));
    IrOp *made = ir_build(&b, op->code, operands, op->num_operands, &small, 1);
    rewrite_copy_attrs(made, op);
    IrOp *wide = ir_build(&b, way->code, (IrValue *[]){&made->results[0]}, 1, &type, 1);
    rewrite_copy_attrs(wide, way);
    rewrite_replace(&op->results[0], &wide->results[0]);
    rewrite_erase(op);
    return made;
}

static bool sink_in_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= sink_in_block(pc, op->regions[r]);
        for (IrOp *small = sink(op); small; small = sink(small)) {
            pass_count(pc, STAT_NARROWED, 1);
            changed = true;
        }
    }
    return changed;
}

bool pass_sink_broadcast(PassContext *pc, IrKernel *kernel) {
    return sink_in_block(pc, kernel->body);
}
