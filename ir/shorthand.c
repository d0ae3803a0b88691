/* shorthand.c -- builders for common operations, whose result types follow from their operands.
 *
 * Each is a few words around ir_build(), so that code that makes IR reads like the IR it makes:
 * ir_select(b, cond, x, y) rather than arrays of operands and result types.
 */
#include "ir/ir.h"
#include "ir/number.h"

#include <assert.h>

static IrValue *build1(IrBuilder *b, IrOpcode code, IrValue *const *operands, unsigned count,
                       const IrType *type) {
    return ir_result(ir_build(b, code, operands, count, &type, 1), 0);
}

/* ---- constants --------------------------------------------------------------------------------*/

IrValue *ir_const_bits(IrBuilder *b, const IrType *type, uint64_t bits) {
    IrOp *op = ir_build(b, OP_Const, NULL, 0, &type, 1);
    ir_attr(op, ATTR_VALUE)->u.bits = bits & ir_bit_mask(ir_bits(type));
    return ir_result(op, 0);
}

IrValue *ir_const_int(IrBuilder *b, const IrType *type, int64_t value) {
    return ir_const_bits(b, type, (uint64_t)value);
}

IrValue *ir_const_float(IrBuilder *b, const IrType *type, double value) {
    return ir_const_bits(b, type, ir_float_to_bits(ir_elem(type)->kind, value));
}

/* ---- elementwise ------------------------------------------------------------------------------*/

IrValue *ir_unary(IrBuilder *b, IrOpcode code, IrValue *a) {
    return build1(b, code, (IrValue *[]){a}, 1, a->type);
}

IrValue *ir_binary(IrBuilder *b, IrOpcode code, IrValue *a, IrValue *c) {
    return build1(b, code, (IrValue *[]){a, c}, 2, a->type);
}

static IrValue *compare(IrBuilder *b, IrOpcode code, IrAttrId attr, int64_t pred, IrValue *a,
                        IrValue *c) {
    IrContext *ctx = b->module->ctx;
    const IrType *type = ir_type_with_elem(ctx, a->type, ir_type_scalar(ctx, TY_I1));
    IrValue *result = build1(b, code, (IrValue *[]){a, c}, 2, type);
    ir_set_int(result->def, attr, pred);
    return result;
}

IrValue *ir_cmpi(IrBuilder *b, INT_PRED_Enum pred, IrValue *a, IrValue *c) {
    return compare(b, OP_CmpI, ATTR_INT_PRED, pred, a, c);
}

IrValue *ir_cmpf(IrBuilder *b, FLOAT_PRED_Enum pred, IrValue *a, IrValue *c) {
    return compare(b, OP_CmpF, ATTR_FLOAT_PRED, pred, a, c);
}

IrValue *ir_select(IrBuilder *b, IrValue *cond, IrValue *a, IrValue *c) {
    return build1(b, OP_Select, (IrValue *[]){cond, a, c}, 3, a->type);
}

IrValue *ir_cast(IrBuilder *b, IrOpcode code, IrValue *a, const IrType *to_elem) {
    return build1(b, code, (IrValue *[]){a}, 1,
                  ir_type_with_elem(b->module->ctx, a->type, to_elem));
}

/* ---- shapes -----------------------------------------------------------------------------------*/

static IrValue *reshaped(IrBuilder *b, IrOpcode code, IrValue *a, const int64_t *shape,
                         unsigned rank) {
    const IrType *type = ir_type_tile(b->module->ctx, ir_elem(a->type), shape, rank);
    return build1(b, code, (IrValue *[]){a}, 1, type);
}

IrValue *ir_splat(IrBuilder *b, IrValue *scalar, const int64_t *shape, unsigned rank) {
    return reshaped(b, OP_Splat, scalar, shape, rank);
}

IrValue *ir_broadcast(IrBuilder *b, IrValue *tile, const int64_t *shape, unsigned rank) {
    return reshaped(b, OP_Broadcast, tile, shape, rank);
}

IrValue *ir_reshape(IrBuilder *b, IrValue *tile, const int64_t *shape, unsigned rank) {
    return reshaped(b, OP_Reshape, tile, shape, rank);
}

IrValue *ir_expand_dims(IrBuilder *b, IrValue *tile, unsigned axis) {
    const IrType *type = tile->type;
    assert(axis <= type->rank && type->rank < IR_MAX_RANK);
    int64_t shape[IR_MAX_RANK];
    for (unsigned i = 0; i <= type->rank; i++)
        shape[i] = i < axis ? type->shape[i] : i == axis ? 1 : type->shape[i - 1];
    IrValue *result = reshaped(b, OP_ExpandDims, tile, shape, type->rank + 1);
    ir_set_int(result->def, ATTR_AXIS, axis);
    return result;
}

IrValue *ir_permute(IrBuilder *b, IrValue *tile, const unsigned *order) {
    int64_t shape[IR_MAX_RANK], items[IR_MAX_RANK];
    unsigned rank = tile->type->rank;
    for (unsigned i = 0; i < rank; i++) {
        assert(order[i] < rank);
        shape[i] = tile->type->shape[order[i]];
        items[i] = order[i];
    }
    IrValue *result = reshaped(b, OP_Permute, tile, shape, rank);
    ir_set_ints(b->module, result->def, ATTR_ORDER, items, rank);
    return result;
}

/* ---- memory -----------------------------------------------------------------------------------*/

IrValue *ir_addptr(IrBuilder *b, IrValue *ptr, IrValue *offset, bool is_unsigned) {
    IrValue *result = build1(b, OP_AddPtr, (IrValue *[]){ptr, offset}, 2, ptr->type);
    ir_set_int(result->def, ATTR_UNSIGNED, is_unsigned);
    return result;
}

IrValue *ir_load(IrBuilder *b, IrValue *ptr, IrValue *mask, IrValue *other) {
    assert(mask || !other);
    IrValue *operands[] = {ptr, mask, other};
    unsigned count = mask == NULL ? 1 : other == NULL ? 2 : 3;
    const IrType *elem = ir_elem(ptr->type)->elem;
    return build1(b, OP_Load, operands, count, ir_type_with_elem(b->module->ctx, ptr->type, elem));
}

IrOp *ir_store(IrBuilder *b, IrValue *ptr, IrValue *value, IrValue *mask) {
    IrValue *operands[] = {ptr, value, mask};
    return ir_build(b, OP_Store, operands, mask ? 3 : 2, NULL, 0);
}
