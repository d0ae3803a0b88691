/* lay_out_relate.c -- how an operation relates the layouts of its operands and results.
 *
 * Elementwise operations and memory accesses want one layout for all; operations on shapes rewrite
 * columns (layouts.md, section 2); a reduction leaves what remains of its operand's layout.
 * Example: if the result of `expand_dims axis = 1` has the layout L, its operand must have L
 * without axis 1.
 */
#include "passes/lay_out.h"

static unsigned log2_up(int64_t size) {
    unsigned bits = 0;
    while (((int64_t)1 << bits) < size)
        bits++;
    return bits;
}

static const Layout *intern(LayOut *lo, Layout layout) {
    return ir_layout(lo->ctx, &layout);
}

static void axis_bits(const IrType *type, uint8_t *bits) {
    for (unsigned i = 0; i < type->rank; i++)
        bits[i] = (uint8_t)log2_up(type->shape[i]);
}

/* The layout of a tile of type `to` with the elements, in the same order, of one of type `from`
 * that has `layout`. */
static const Layout *reshaped(LayOut *lo, const Layout *layout, const IrType *from,
                              const IrType *to) {
    uint8_t bits[IR_MAX_RANK];
    if (!ir_reshape_is_relabeling(from, to))
        return NULL;
    axis_bits(to, bits);
    return intern(lo, layout_reshape(layout, to->rank, bits));
}

static const Layout *permuted(LayOut *lo, const IrOp *op, const Layout *layout, bool back) {
    IrInts order = ir_attr(op, ATTR_ORDER)->u.ints;
    unsigned perm[LAYOUT_MAX_RANK];
    for (unsigned i = 0; i < order.len; i++) {
        if (back)
            perm[order.items[i]] = i;
        else
            perm[i] = (unsigned)order.items[i];
    }
    return intern(lo, layout_permute(layout, perm));
}

/* `back`: from the result's layout to the operand's. */
static const Layout *broadcast(LayOut *lo, const IrOp *op, const Layout *layout, bool back) {
    const IrType *from = ir_operand(op, 0)->type, *to = op->results[0].type;
    Layout made = *layout;
    for (unsigned i = 0; i < to->rank; i++) {
        if (from->shape[i] == to->shape[i])
            continue;
        made = back ? layout_drop_keep(&made, i)
                    : layout_broadcast(&made, i, log2_up(to->shape[i]), NULL);
    }
    return intern(lo, made);
}

static const Layout *split_half(LayOut *lo, const Layout *pair) {
    Layout half;
    return layout_split(pair, &half) ? intern(lo, half) : NULL;
}

static bool is_pointwise(const IrOp *op) {
    switch ((int)op->code) {
    case OP_Load:
    case OP_AtomicRmw:
    case OP_AtomicCas:
    case OP_InlineAsm:
    case OP_Scan:
        return true;
    default:
        return (ir_info(op)->traits & IR_ELT) != 0;
    }
}

/* The operands of multiply-adds go through shared memory: any layout does. */
static const Layout *dot_operand_layout(const LayOut *lo, const IrOp *op, unsigned i,
                                        const Layout *result) {
    const DotPlan *plan = find_dot_plan(lo, op);
    return i == MMA_C ? result : plan ? plan->layouts[i] : NULL;
}

const Layout *needed_layout(LayOut *lo, const IrOp *op, unsigned i, const Layout *result) {
    if (!ir_is_tile(ir_operand(op, i)->type))
        return NULL;
    if (is_pointwise(op))
        return result;
    unsigned axis;
    switch ((int)op->code) {
    case OP_Broadcast:
        return broadcast(lo, op, result, true);
    case OP_ExpandDims:
        axis = (unsigned)ir_attr_int(op, ATTR_AXIS);
        return intern(lo, layout_drop(result, axis));
    case OP_Reshape:
        return reshaped(lo, result, op->results[0].type, ir_operand(op, i)->type);
    case OP_Permute:
        return permuted(lo, op, result, true);
    case OP_Join:
        return split_half(lo, result);
    case OP_Split:
        return intern(lo, layout_join(result));
    case OP_Gather:
        return i == 1 ? result : NULL;
    case OP_Dot:
        return dot_operand_layout(lo, op, i, result);
    default:
        return NULL;
    }
}

static bool is_cat_of_powers(const IrOp *op) {
    int64_t axis = ir_attr_int(op, ATTR_AXIS);
    int64_t a = ir_operand(op, 0)->type->shape[axis], b = ir_operand(op, 1)->type->shape[axis];
    return a == b && (a & (a - 1)) == 0;
}

const Layout *given_layout(LayOut *lo, const IrOp *op, unsigned i, const Layout *operand,
                           bool grow) {
    if (op->num_results == 0 || !ir_is_tile(op->results[0].type) ||
        !ir_is_tile(ir_operand(op, i)->type))
        return NULL;
    if (is_pointwise(op))
        return operand;
    switch ((int)op->code) {
    case OP_Broadcast:
        return grow ? broadcast(lo, op, operand, false) : NULL;
    case OP_ExpandDims:
        return intern(lo, layout_expand_dims(operand, (unsigned)ir_attr_int(op, ATTR_AXIS)));
    case OP_Reshape:
        return reshaped(lo, operand, ir_operand(op, i)->type, op->results[0].type);
    case OP_Permute:
        return permuted(lo, op, operand, false);
    case OP_Join:
        return intern(lo, layout_join(operand));
    case OP_Split:
        return split_half(lo, operand);
    case OP_Cat:
        return is_cat_of_powers(op)
                   ? intern(lo, layout_cat(operand, (unsigned)ir_attr_int(op, ATTR_AXIS)))
                   : NULL;
    case OP_Reduce:
        return intern(lo, layout_drop(operand, (unsigned)ir_attr_int(op, ATTR_AXIS)));
    case OP_Gather:
        return i == 1 ? operand : NULL;
    default:
        return NULL;
    }
}

bool is_operand_driven(const IrOp *op) {
    switch ((int)op->code) {
    case OP_Cat:
        return is_cat_of_powers(op);
    case OP_Join:
    case OP_Split:
    case OP_Reduce:
    case OP_Scan:
        return op->num_operands > 0 && ir_is_tile(ir_operand(op, 0)->type);
    default:
        return false;
    }
}
