/* fold_shape.c -- conversions of conversions, and shapes of shapes.
 *
 * Tiles that hold one value everywhere (constants and splats) keep doing so through every change of
 * shape; chains of one kind become one link. Example: broadcast(expand_dims(splat x)) is splat x.
 */
#include "passes/fold.h"
#include "passes/rewrite.h"

#include <string.h>

/* The operation that made operand 0, if it is a `code`. */
static IrOp *made_by(const IrOp *op, IrOpcode code) {
    IrOp *def = ir_operand(op, 0)->def;
    return def && def->code == code ? def : NULL;
}

/* ---- conversions ----------------------------------------------------------------------------- */

static IrValue *cast_or_same(IrOp *op, IrOpcode code, IrValue *from) {
    if (from->type == op->results[0].type)
        return from;
    IrBuilder b = rewrite_before(op);
    return ir_cast(&b, code, from, ir_elem(op->results[0].type));
}

/* trunci of a widened number: the number itself, less of it, or less widening. */
static IrValue *fold_trunc_of_ext(IrOp *op, const IrOp *ext) {
    IrValue *narrow = ir_operand(ext, 0);
    unsigned bits = ir_bits(op->results[0].type), narrow_bits = ir_bits(narrow->type);
    if (bits <= narrow_bits)
        return cast_or_same(op, OP_TruncI, narrow);
    return cast_or_same(op, ext->code, narrow);
}

/* Chains of two integer conversions: the pairs that are one conversion. */
static IrValue *fold_int_casts(IrOp *op) {
    IrOp *sign = made_by(op, OP_ExtSI), *zero = made_by(op, OP_ExtUI);
    IrOp *trunc = made_by(op, OP_TruncI);
    if (op->code == OP_TruncI) {
        if (trunc)
            return cast_or_same(op, OP_TruncI, ir_operand(trunc, 0));
        return sign || zero ? fold_trunc_of_ext(op, sign ? sign : zero) : NULL;
    }
    if (zero) /* the widened number is not negative: either way of widening adds zeros */
        return cast_or_same(op, OP_ExtUI, ir_operand(zero, 0));
    return sign && op->code == OP_ExtSI ? cast_or_same(op, OP_ExtSI, ir_operand(sign, 0)) : NULL;
}

/* Widening and narrowing back to the same type is exact; not for fp8, where narrowing saturates. */
static IrValue *fold_float_casts(IrOp *op) {
    IrOp *ext = made_by(op, OP_FPExt);
    if (!ext)
        return NULL;
    IrValue *narrow = ir_operand(ext, 0);
    if (op->code == OP_FPExt)
        return cast_or_same(op, OP_FPExt, narrow);
    return narrow->type == op->results[0].type && ir_bits(narrow->type) > 8 ? narrow : NULL;
}

IrValue *fold_cast(IrOp *op) {
    if (op->code == OP_ExtSI || op->code == OP_ExtUI || op->code == OP_TruncI)
        return fold_int_casts(op);
    if (op->code == OP_FPExt || op->code == OP_FPTrunc)
        return fold_float_casts(op);
    if (op->code == OP_Bitcast) {
        if (ir_operand(op, 0)->type == op->results[0].type)
            return ir_operand(op, 0);
        IrOp *inner = made_by(op, OP_Bitcast);
        return inner ? cast_or_same(op, OP_Bitcast, ir_operand(inner, 0)) : NULL;
    }
    if (op->code == OP_PtrToInt && made_by(op, OP_IntToPtr))
        return ir_operand(made_by(op, OP_IntToPtr), 0);
    return NULL;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* A tile that holds one value everywhere, in another shape. */
static IrValue *reshape_uniform(IrOp *op) {
    const IrType *type = op->results[0].type;
    IrBuilder b = rewrite_before(op);
    uint64_t bits;
    if (rewrite_constant(ir_operand(op, 0), &bits))
        return ir_const_bits(&b, type, bits);
    IrOp *splat = made_by(op, OP_Splat);
    return splat ? ir_splat(&b, ir_operand(splat, 0), type->shape, type->rank) : NULL;
}

static IrValue *fold_reshape(IrOp *op) {
    IrOp *inner = made_by(op, OP_Reshape);
    if (!inner)
        inner = made_by(op, OP_ExpandDims);
    if (!inner)
        return NULL;
    const IrType *type = op->results[0].type;
    if (ir_operand(inner, 0)->type == type)
        return ir_operand(inner, 0);
    IrBuilder b = rewrite_before(op);
    return ir_reshape(&b, ir_operand(inner, 0), type->shape, type->rank);
}

static IrValue *fold_broadcast(IrOp *op) {
    IrOp *inner = made_by(op, OP_Broadcast);
    const IrType *type = op->results[0].type;
    IrBuilder b = rewrite_before(op);
    return inner ? ir_broadcast(&b, ir_operand(inner, 0), type->shape, type->rank) : NULL;
}

static bool is_identity(const unsigned *order, unsigned rank) {
    for (unsigned i = 0; i < rank; i++) {
        if (order[i] != i)
            return false;
    }
    return true;
}

static void get_order(const IrOp *op, unsigned *order) {
    IrInts ints = ir_attr(op, ATTR_ORDER)->u.ints;
    for (size_t i = 0; i < ints.len; i++)
        order[i] = (unsigned)ints.items[i];
}

static IrValue *fold_permute(IrOp *op) {
    unsigned outer[IR_MAX_RANK] = {0}, inner[IR_MAX_RANK] = {0}, both[IR_MAX_RANK];
    unsigned rank = op->results[0].type->rank;
    get_order(op, outer);
    if (is_identity(outer, rank))
        return ir_operand(op, 0);
    IrOp *first = made_by(op, OP_Permute);
    if (!first)
        return NULL;
    get_order(first, inner);
    for (unsigned i = 0; i < rank; i++)
        both[i] = inner[outer[i]];
    if (is_identity(both, rank))
        return ir_operand(first, 0);
    IrBuilder b = rewrite_before(op);
    return ir_permute(&b, ir_operand(first, 0), both);
}

static IrValue *fold_unsplat(IrOp *op) {
    IrOp *splat = made_by(op, OP_Splat);
    uint64_t bits;
    if (splat)
        return ir_operand(splat, 0);
    IrBuilder b = rewrite_before(op);
    return rewrite_constant(ir_operand(op, 0), &bits) ? ir_const_bits(&b, op->results[0].type, bits)
                                                      : NULL;
}

static IrValue *fold_arange(IrOp *op) {
    if (op->results[0].type->shape[0] != 1)
        return NULL;
    IrBuilder b = rewrite_before(op);
    return ir_const_int(&b, op->results[0].type, ir_attr_int(op, ATTR_START));
}

/* A size or stride of a descriptor made here is the operand that it was made from. */
static IrValue *fold_desc_part(IrOp *op) {
    IrOp *made = made_by(op, OP_MakeDesc);
    if (!made)
        return NULL;
    unsigned rank = made->results[0].type->rank;
    unsigned first = op->code == OP_DescSize ? 1 : 1 + rank;
    IrValue *part = ir_operand(made, first + (unsigned)ir_attr_int(op, ATTR_AXIS));
    return part->type == op->results[0].type ? part : NULL;
}

IrValue *fold_shape(IrOp *op) {
    bool changes_shape = op->code == OP_Splat || op->code == OP_Broadcast ||
                         op->code == OP_ExpandDims || op->code == OP_Reshape ||
                         op->code == OP_Permute;
    if (changes_shape) {
        if (ir_operand(op, 0)->type == op->results[0].type && op->code != OP_Permute)
            return ir_operand(op, 0);
        IrValue *uniform = reshape_uniform(op);
        if (uniform)
            return uniform;
    }
    switch ((int)op->code) {
    case OP_Reshape:
        return fold_reshape(op);
    case OP_Broadcast:
        return fold_broadcast(op);
    case OP_Permute:
        return fold_permute(op);
    case OP_Unsplat:
        return fold_unsplat(op);
    case OP_Arange:
        return fold_arange(op);
    case OP_DescSize:
    case OP_DescStride:
        return fold_desc_part(op);
    default:
        return NULL;
    }
}
