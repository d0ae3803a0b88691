/* axis_shape.c -- axis facts through operations that make tiles or rearrange them.
 *
 * The facts of a dimension travel with its elements. A reshape keeps the row-major order, so an
 * aligned run along a dimension of some stride is the same run along the dimension of that stride
 * afterwards, as far as it divides both sizes. Example:
 *
 *     arange(0, 64) as 8x8      runs of 8 along dimension 1, each divisible by 8; dimension 0
 *                               (stride 8) has no counterpart: nothing but divisibility 1
 */
#include "ir/number.h"
#include "passes/axis_rules.h"

static const IrType *operand_type(const IrOp *op, unsigned i) {
    return ir_operand(op, i)->type;
}

static AxisInfo constant(const IrOp *op) {
    const IrType *type = op->results[0].type;
    if (!ir_is_int(type))
        return axis_uniform(type, 1);
    uint64_t bits = ir_attr(op, ATTR_VALUE)->u.bits;
    int64_t value = ir_sign_extend(bits, ir_bits(type));
    AxisInfo out = axis_uniform(type, axis_power_of_two(value));
    out.is_const = true;
    out.value = value;
    out.nonnegative = value >= 0;
    return out;
}

static AxisInfo arange(const IrOp *op) {
    AxisInfo out = axis_unknown;
    int64_t start = ir_attr_int(op, ATTR_START);
    const IrType *type = op->results[0].type;
    AxisDim x = {.constancy = 1, .unit = 1};
    x.contiguity = axis_power_of_two(type->shape[0]);
    x.divisibility = axis_power_of_two(start);
    if (x.contiguity < type->shape[0])
        x.divisibility = axis_min(x.divisibility, x.contiguity);
    axis_set_dim(&out, type, 0, x);
    out.nonnegative = start >= 0;
    return out;
}

/* One number everywhere, or the only element of a tile. */
static AxisInfo splat(const IrOp *op, const AxisInfo *a) {
    const IrType *from = operand_type(op, 0), *to = op->results[0].type;
    AxisInfo out = axis_uniform(to, axis_divisibility_all(a, from));
    out.is_const = a->is_const;
    out.value = a->value;
    out.nonnegative = a->nonnegative;
    return out;
}

static void set_from(AxisInfo *out, const IrOp *op, unsigned dim, const AxisInfo *a,
                     unsigned from_dim) {
    axis_set_dim(out, op->results[0].type, dim, axis_dim(a, operand_type(op, 0), from_dim));
}

/* A dimension in which the tile does not vary. */
static void set_constant_dim(AxisInfo *out, const IrOp *op, unsigned dim, int64_t constancy,
                             const AxisInfo *a) {
    const IrType *type = op->results[0].type;
    AxisDim x = {.contiguity = 1, .constancy = constancy, .unit = axis_unit(type)};
    x.divisibility = axis_divisibility_all(a, operand_type(op, 0));
    axis_set_dim(out, type, dim, x);
}

static void broadcast(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    const IrType *from = operand_type(op, 0), *to = op->results[0].type;
    for (unsigned d = 0; d < to->rank; d++) {
        if (from->shape[d] == to->shape[d])
            set_from(out, op, d, a, d);
        else
            set_constant_dim(out, op, d, AXIS_MAX, a);
    }
}

static void expand_dims(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    unsigned axis = (unsigned)ir_attr_int(op, ATTR_AXIS);
    for (unsigned d = 0; d < op->results[0].type->rank; d++) {
        if (d == axis)
            set_constant_dim(out, op, d, 1, a);
        else
            set_from(out, op, d, a, d < axis ? d : d - 1);
    }
}

static int64_t stride(const IrType *type, unsigned dim) {
    int64_t product = 1;
    for (unsigned d = dim + 1; d < type->rank; d++)
        product *= type->shape[d];
    return product;
}

static void reshape(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    const IrType *from = operand_type(op, 0), *to = op->results[0].type;
    for (unsigned d = 0; d < to->rank; d++) {
        unsigned same = 0;
        while (same < from->rank && (from->shape[same] == 1 || stride(from, same) != stride(to, d)))
            same++;
        if (same < from->rank)
            set_from(out, op, d, a, same);
        else
            set_constant_dim(out, op, d, a->is_const ? AXIS_MAX : 1, a);
    }
}

static void convert_layout(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    for (unsigned d = 0; d < op->results[0].type->rank; d++)
        set_from(out, op, d, a, d);
}

static void permute(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    const int64_t *order = ir_attr(op, ATTR_ORDER)->u.ints.items;
    for (unsigned d = 0; d < op->results[0].type->rank; d++)
        set_from(out, op, d, a, (unsigned)order[d]);
}

static AxisInfo join(const IrOp *op, const AxisInfo *const *in) {
    const IrType *from = operand_type(op, 0), *to = op->results[0].type;
    AxisInfo both = axis_meet(in[0], in[1], from), out = both;
    for (unsigned d = 0; d + 1 < to->rank; d++)
        set_from(&out, op, d, &both, d);
    bool equal = ir_operand(op, 0) == ir_operand(op, 1) || both.is_const;
    set_constant_dim(&out, op, to->rank - 1, equal ? 2 : 1, &both);
    return out;
}

/* Both halves have what the whole had. */
static void split(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    for (unsigned d = 0; d < axis_rank(op->results[0].type); d++)
        set_from(out, op, d, a, d);
    if (!ir_is_tile(op->results[0].type))
        out->divisibility[0] = axis_divisibility_all(a, operand_type(op, 0));
}

/* Runs divide both sizes, so none straddles the seam. */
static AxisInfo cat(const IrOp *op, const AxisInfo *const *in) {
    AxisInfo both = axis_meet(in[0], in[1], operand_type(op, 0)), out = both;
    for (unsigned d = 0; d < op->results[0].type->rank; d++)
        set_from(&out, op, d, &both, d);
    return out;
}

static void gather(AxisInfo *out, const IrOp *op, const AxisInfo *a) {
    for (unsigned d = 0; d < op->results[0].type->rank; d++)
        set_constant_dim(out, op, d, 1, a);
}

AxisInfo axis_shape(const IrOp *op, const AxisInfo *const *in) {
    typedef void (*Rule)(AxisInfo * out, const IrOp *op, const AxisInfo *a);
    static const Rule rules[OP_COUNT] = {
        [OP_Broadcast] = broadcast, [OP_ExpandDims] = expand_dims,
        [OP_Reshape] = reshape,     [OP_ConvertLayout] = convert_layout,
        [OP_Permute] = permute,     [OP_Split] = split,
        [OP_Gather] = gather,
    };
    AxisInfo out = axis_unknown;
    switch ((int)op->code) {
    case OP_Const:
        return constant(op);
    case OP_Arange:
        return arange(op);
    case OP_ProgramId:
    case OP_NumPrograms:
        out.nonnegative = true;
        return out;
    case OP_Splat:
    case OP_Unsplat:
        return splat(op, in[0]);
    case OP_Join:
        return join(op, in);
    case OP_Cat:
        return cat(op, in);
    default:
        break;
    }
    if (!rules[op->code])
        return out;
    out.is_const = in[0]->is_const;
    out.value = in[0]->value;
    out.nonnegative = in[0]->nonnegative;
    rules[op->code](&out, op, in[0]);
    return out;
}
