/* verify_laid.c -- what holds at one level of tile IR only.
 *
 * At the tile level no type has a layout and no operation is of the laid level. At the laid level
 * every tile and buffer has a layout that fits its shape and the number of warps, and the layouts
 * of operands and results agree: equal around elementwise operations and memory accesses; related
 * by a relabeling of columns around operations on shapes (layouts.md, section 2), which move
 * nothing. Example: the operand of `expand_dims axis = 1` with the result `tile<64x1xf32, #0>` must
 * have the layout that is left of #0 without axis 1.
 */
#include "ir/buffers.h"
#include "ir/layout_access.h"
#include "ir/mma.h"
#include "ir/verify.h"

#include <string.h>

static const Layout *layout_of(const IrType *type) {
    return type->layout;
}

static const IrType *operand_type(const IrOp *op, unsigned i) {
    return ir_operand(op, i)->type;
}

/* ---- types ----------------------------------------------------------------------------------- */

static unsigned log2_up(int64_t size) {
    unsigned bits = 0;
    while (((int64_t)1 << bits) < size)
        bits++;
    return bits;
}

static bool fits_shape(const IrType *type) {
    const Layout *layout = type->layout;
    bool ok = layout->rank == type->rank;
    for (unsigned i = 0; ok && i < type->rank; i++)
        ok = layout->nout[i] == log2_up(type->shape[i]);
    return ok;
}

static bool check_layout(Verifier *v, const IrOp *op, const IrType *type) {
    if (!type->layout || type->rank > LAYOUT_MAX_RANK) {
        ir_violation(v, DIAG_IR_LAYOUT, op, "%s has no layout at the laid level",
                     ir_type_text(v, type));
        return false;
    }
    if (!fits_shape(type)) {
        ir_violation(v, DIAG_IR_LAYOUT, op, "the layout of %s is for another shape",
                     ir_type_text(v, type));
        return false;
    }
    if (type->kind == TY_TILE && type->layout->nin[LL_WARP] != log2_up(v->kernel->num_warps)) {
        ir_violation(v, DIAG_IR_LAYOUT, op, "the layout of %s is not for %d warps",
                     ir_type_text(v, type), v->kernel->num_warps);
        return false;
    }
    return true;
}

static bool check_type(Verifier *v, const IrOp *op, const IrType *type, bool laid) {
    if (type->kind == TY_TILE && !laid && type->layout) {
        ir_violation(v, DIAG_IR_LAYOUT, op, "%s has a layout, but the kernel is not `laid`",
                     ir_type_text(v, type));
        return false;
    }
    return !laid || (type->kind != TY_TILE && type->kind != TY_SHARED) || check_layout(v, op, type);
}

static bool check_types(Verifier *v, const IrOp *op, bool laid) {
    bool ok = true;
    for (unsigned i = 0; i < op->num_results; i++)
        ok &= check_type(v, op, op->results[i].type, laid);
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (unsigned i = 0; i < op->regions[r]->num_args; i++)
            ok &= check_type(v, op, op->regions[r]->args[i]->type, laid);
    }
    for (unsigned i = 0; i < op->num_operands; i++)
        ok &= !laid || !ir_is_tile(operand_type(op, i)) || operand_type(op, i)->layout;
    return ok;
}

/* ---- how layouts of operands and results are related ------------------------------------------
 */

/* The operand's layout must be `wanted`. */
static void want_layout(Verifier *v, const IrOp *op, unsigned operand, const Layout *wanted) {
    if (layout_equal(layout_of(operand_type(op, operand)), wanted))
        return;
    StrBuf text = STRBUF(v->arena);
    layout_print(wanted, &text);
    ir_violation(v, DIAG_IR_LAYOUT, op,
                 "operand %u is %s, but the operation moves nothing: it needs "
                 "the layout %s",
                 operand + 1, ir_type_text(v, operand_type(op, operand)), strbuf_str(&text));
}

/* All tiles of the operation have one layout. */
static void want_one_layout(Verifier *v, const IrOp *op, const Layout *layout) {
    for (unsigned i = 0; i < op->num_operands; i++) {
        if (ir_is_tile(operand_type(op, i)))
            want_layout(v, op, i, layout);
    }
}

static const Layout *first_tile_layout(const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++) {
        if (ir_is_tile(op->results[i].type))
            return op->results[i].type->layout;
    }
    for (unsigned i = 0; i < op->num_operands; i++) {
        if (ir_is_tile(operand_type(op, i)))
            return operand_type(op, i)->layout;
    }
    return NULL;
}

static void check_broadcast(Verifier *v, const IrOp *op) {
    const IrType *from = operand_type(op, 0), *to = op->results[0].type;
    Layout wanted = *to->layout;
    for (unsigned i = 0; i < to->rank; i++) {
        if (from->shape[i] != to->shape[i])
            wanted = layout_drop_keep(&wanted, i);
    }
    want_layout(v, op, 0, &wanted);
}

static void check_reshape(Verifier *v, const IrOp *op) {
    const Layout *from = operand_type(op, 0)->layout, *to = op->results[0].type->layout;
    if (!ir_reshape_is_relabeling(operand_type(op, 0), op->results[0].type))
        return; /* elements move; lower-shared makes that explicit */
    Layout wanted = layout_reshape(to, from->rank, from->nout);
    want_layout(v, op, 0, &wanted);
}

static void check_permute(Verifier *v, const IrOp *op) {
    IrInts order = ir_attr(op, ATTR_ORDER)->u.ints;
    unsigned inverse[LAYOUT_MAX_RANK];
    for (unsigned i = 0; i < order.len; i++)
        inverse[order.items[i]] = i;
    Layout wanted = layout_permute(op->results[0].type->layout, inverse);
    want_layout(v, op, 0, &wanted);
}

static void check_halves(Verifier *v, const IrOp *op, const IrType *pair, const IrType *half) {
    Layout joined = ir_is_tile(half) ? layout_join(half->layout) : *pair->layout;
    if (!layout_equal(&joined, pair->layout))
        ir_violation(v, DIAG_IR_LAYOUT, op, "%s does not hold the halves of %s in one register bit",
                     ir_type_text(v, pair), ir_type_text(v, half));
}

static void check_fold(Verifier *v, const IrOp *op) {
    const Layout *from = operand_type(op, 0)->layout;
    want_one_layout(v, op, from);
    unsigned axis = (unsigned)ir_attr_int(op, ATTR_AXIS);
    Layout left = op->code == OP_Reduce ? layout_drop(from, axis) : *from;
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = op->results[i].type;
        if (ir_is_tile(type) && !layout_equal(type->layout, &left))
            ir_violation(v, DIAG_IR_LAYOUT, op, "result %u is %s, not in the layout that is left",
                         i + 1, ir_type_text(v, type));
    }
}

static void check_mma(Verifier *v, const IrOp *op) {
    if (!ir_mma_of(op))
        ir_violation(v, DIAG_IR_LAYOUT, op,
                     "%s, %s and %s are not the fragments of one instruction",
                     ir_type_text(v, operand_type(op, 0)), ir_type_text(v, operand_type(op, 1)),
                     ir_type_text(v, operand_type(op, 2)));
}

static void check_one(Verifier *v, const IrOp *op) {
    const Layout *layout = first_tile_layout(op);
    if (layout)
        want_one_layout(v, op, layout);
}

static void check_vector(Verifier *v, const IrOp *op) {
    int64_t vector = ir_attr_int(op, ATTR_VECTOR);
    const Layout *layout = operand_type(op, 0)->layout;
    if (vector == 1)
        return;
    unsigned along = (unsigned)ir_attr_int(op, ATTR_ALONG);
    if (!layout || layout_axis_run_bits(layout, along) < log2_up(vector))
        ir_violation(v, DIAG_IR_LAYOUT, op,
                     "no thread holds %jd consecutive elements along axis %u in %s",
                     (intmax_t)vector, along, ir_type_text(v, operand_type(op, 0)));
}

static void check_async_copy(Verifier *v, const IrOp *op) {
    const IrType *ptrs = operand_type(op, 0), *buffer = operand_type(op, 1);
    int64_t along = ir_attr_int(op, ATTR_ALONG);
    AsyncVector vector;
    if (op->num_operands > 3)
        want_layout(v, op, 3, layout_of(ptrs));
    if (!ir_is_tile(ptrs) || ptrs->rank != buffer->rank || along < 0 || along >= ptrs->rank ||
        memcmp(ptrs->shape, buffer->shape, ptrs->rank * sizeof *ptrs->shape) != 0)
        return; /* reported by the rule */
    check_vector(v, op);
    if (!ir_async_vector(ptrs, buffer, ir_attr_int(op, ATTR_VECTOR), (unsigned)along, &vector))
        ir_violation(v, DIAG_IR_LAYOUT, op, "copies only %u bytes at once into %s, not %d",
                     vector.bytes, ir_type_text(v, buffer), ASYNC_MIN_BYTES);
}

static void check_relation(Verifier *v, const IrOp *op) {
    unsigned traits = ir_info(op)->traits;
    switch ((int)op->code) {
    case OP_Broadcast:
        check_broadcast(v, op);
        break;
    case OP_ExpandDims: {
        Layout wanted =
            layout_drop(op->results[0].type->layout, (unsigned)ir_attr_int(op, ATTR_AXIS));
        want_layout(v, op, 0, &wanted);
        break;
    }
    case OP_Reshape:
        check_reshape(v, op);
        break;
    case OP_Permute:
        check_permute(v, op);
        break;
    case OP_Join:
        if (ir_is_tile(operand_type(op, 0)))
            check_halves(v, op, op->results[0].type, operand_type(op, 0));
        break;
    case OP_Split:
        check_halves(v, op, operand_type(op, 0), op->results[0].type);
        break;
    case OP_Reduce:
    case OP_Scan:
        check_fold(v, op);
        break;
    case OP_DotMma:
        check_mma(v, op);
        break;
    case OP_Load:
    case OP_Store:
        check_vector(v, op);
        check_one(v, op);
        break;
    case OP_AsyncCopy:
        check_async_copy(v, op);
        break;
    case OP_AtomicRmw:
    case OP_AtomicCas:
    case OP_InlineAsm:
    case OP_Assert:
    case OP_SharedGather:
    case OP_SharedPick:
        check_one(v, op);
        break;
    default:
        if (traits & IR_ELT)
            check_one(v, op);
        break;
    }
}

void ir_check_level(Verifier *v, const IrOp *op) {
    bool laid = v->kernel->laid;
    unsigned traits = ir_info(op)->traits;
    if (laid && (traits & IR_FLAT))
        ir_violation(v, DIAG_IR_LEVEL, op, "exists at the tile level only");
    else if (!laid && (traits & IR_LAID))
        ir_violation(v, DIAG_IR_LEVEL, op, "exists at the laid level only");
    else if (check_types(v, op, laid) && laid)
        check_relation(v, op);
}
