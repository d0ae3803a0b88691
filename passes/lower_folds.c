/* lower_folds.c -- make reductions and scans the work of single warps.
 *
 * In:     laid IR
 * Out:    no reduce or scan runs over an axis that warps share
 * Keeps:  every value up to the order in which a reduction combines (reductions are commutative)
 * Cost:   O(operations)
 * Why:    within a warp a reduction is registers and shuffles; between warps it is a conversion
 *         through shared memory, which this makes explicit, so that one lowering serves all
 * Before:
 *     layout #0 = <128; lane i0 i1 i2 i3 i4; warp i5 i6>
 *     %o = arange 0, 128 : tile<128xi32, #0>
 *     %s = reduce %o, axis = 0 : i32 (%l: i32, %r: i32) {
 *         %t = addi %l, %r : i32
 *         yield %t
 *     }
 *     store %p, %s
 *     return
 * After:
 *     layout #0 = <128; lane i0 i1 i2 i3 i4; warp i5 i6>
 *     layout #1 = <4x32; lane j0 j1 j2 j3 j4; warp i0 i1>
 *     layout #2 = <4; lane . . . . .; warp i0 i1>
 *     layout #3 = <4; reg i0 i1; lane . . . . .; warp . .>
 *     %o = arange 0, 128 : tile<128xi32, #0>
 *     %0 = reshape %o : tile<4x32xi32, #1>
 *     %1 = reduce %0, axis = 1 : tile<4xi32, #2> (%l: i32, %r: i32) {
 *         %t = addi %l, %r : i32
 *         yield %t
 *     }
 *     %2 = convert_layout %1 : tile<4xi32, #3>
 *     %s = reduce %2, axis = 0 : i32 (%l.1: i32, %r.1: i32) {
 *         %t.1 = addi %l.1, %r.1 : i32
 *         yield %t.1
 *     }
 *     store %p, %s
 *     return
 * Not:    reductions over an axis that one warp has to itself (tests/passes/lower-folds/local.tkir)
 *
 * Algorithm (layouts.md, section 4(c), with the steps between warps written as IR): the axis is
 * reshaped into fields of bits that warps hold and fields that they do not; the latter are reduced
 * one by one; what is left, one partial result a warp, is converted so that every thread that needs
 * a result holds its partials in registers, and reduced there. A scan, which must keep the order,
 * and an axis of ragged size are converted instead, so that no warp holds a part of the axis.
 */
#include <string.h>

#include "passes/pass.h"
#include "passes/rewrite.h"

static unsigned fold_axis(const IrOp *op) {
    return (unsigned)ir_attr_int(op, ATTR_AXIS);
}

static const IrType *source_type(const IrOp *op) {
    return ir_operand(op, 0)->type;
}

/* The bits of the element word that are on the axis and in a column of `dim`. */
static uint32_t bits_of(const Layout *layout, LayoutDim dim, unsigned axis) {
    const uint32_t *columns = layout_columns(layout, dim);
    uint32_t bits = 0;
    for (unsigned i = 0; i < layout->nin[dim]; i++)
        bits |= columns[i];
    return bits & layout_axis_mask(layout, axis);
}

static IrValue *build_value(IrBuilder *b, IrOpcode code, IrValue *operand, const IrType *type) {
    return &ir_build(b, code, &operand, 1, &type, 1)->results[0];
}

/* ---- without warps on the axis ----------------------------------------------------------------
 */

/* The layout with the axis' warp bits in registers instead: all warps hold all of the axis. */
static const Layout *without_warps(IrContext *ctx, const Layout *layout, unsigned axis) {
    Layout made = *layout;
    uint32_t mask = layout_axis_mask(layout, axis);
    uint32_t columns[LAYOUT_MAX_COLUMNS];
    unsigned count = layout->nin[LL_WARP];
    memcpy(columns, layout_columns(layout, LL_WARP), count * sizeof *columns);
    for (unsigned i = 0; i < count; i++) {
        if (!(columns[i] & mask))
            continue;
        layout_push(&made, LL_REG, columns[i]);
        columns[i] = 0;
    }
    layout_set(&made, LL_WARP, columns, count);
    return ir_layout(ctx, &made);
}

/* Every use of `old` but those by `except` becomes one of `new_value`. */
static void replace_uses_but(IrValue *old, IrValue *new_value, const IrOp *except) {
    IrUse *next;
    for (IrUse *use = old->uses; use; use = next) {
        next = use->next;
        if (use->user != except)
            ir_set_operand(use->user, use->index, new_value);
    }
}

/* Converts all operands, and what a scan gives back. */
static void convert_around(IrOp *op) {
    IrContext *ctx = op->block->kernel->module->ctx;
    const Layout *layout = source_type(op)->layout,
                 *local = without_warps(ctx, layout, fold_axis(op));
    IrBuilder b = rewrite_before(op);
    for (unsigned i = 0; i < op->num_operands; i++) {
        IrValue *operand = ir_operand(op, i);
        const IrType *type = ir_type_with_layout(ctx, operand->type, local);
        ir_set_operand(op, i, build_value(&b, OP_ConvertLayout, operand, type));
    }
    b.before = op->next;
    for (unsigned i = 0; op->code == OP_Scan && i < op->num_results; i++) {
        IrValue *result = &op->results[i];
        const IrType *type = result->type;
        result->type = ir_type_with_layout(ctx, type, local);
        IrValue *back = build_value(&b, OP_ConvertLayout, result, type);
        replace_uses_but(result, back, back->def);
    }
}

/* ---- field by field -------------------------------------------------------------------------- */

/* The axis' bits, high to low, as runs that warps hold or do not. */
typedef struct Fields {
    unsigned count;
    uint8_t bits[LAYOUT_MAX_BITS];
    bool in_warp[LAYOUT_MAX_BITS], in_lane[LAYOUT_MAX_BITS]; /* some bit of it is */
} Fields;

static Fields axis_fields(const Layout *layout, unsigned axis) {
    Fields fields = {0};
    uint32_t warps = bits_of(layout, LL_WARP, axis), lanes = bits_of(layout, LL_LANE, axis);
    for (unsigned n = layout->nout[axis]; n-- > 0;) {
        uint32_t bit = layout_axis_bit(layout, axis, n);
        bool in_warp = (warps & bit) != 0;
        if (fields.count == 0 || fields.in_warp[fields.count - 1] != in_warp)
            fields.in_warp[fields.count++] = in_warp;
        fields.in_lane[fields.count - 1] |= (lanes & bit) != 0;
        fields.bits[fields.count - 1]++;
    }
    return fields;
}

/* `type` with its dimension `axis` replaced by `count` dimensions of 1 << bits[i] elements. */
static const IrType *refit(IrContext *ctx, const IrType *type, unsigned axis, const uint8_t *bits,
                           unsigned count) {
    int64_t shape[IR_MAX_RANK];
    uint8_t out[LAYOUT_MAX_RANK];
    unsigned rank = 0;
    for (unsigned i = 0; i < type->rank; i++) {
        for (unsigned f = 0; i == axis && f < count; f++) {
            shape[rank] = (int64_t)1 << bits[f];
            out[rank++] = bits[f];
        }
        if (i != axis) {
            shape[rank] = type->shape[i];
            out[rank++] = type->layout->nout[i];
        }
    }
    Layout layout = layout_reshape(type->layout, rank, out);
    const IrType *made = ir_type_tile(ctx, type->elem, shape, rank);
    return ir_type_with_layout(ctx, made, ir_layout(ctx, &layout));
}

static const IrType *reduced_type(IrContext *ctx, const IrType *type, unsigned axis) {
    if (type->rank == 1)
        return type->elem;
    int64_t shape[IR_MAX_RANK];
    for (unsigned i = 0, out = 0; i < type->rank; i++) {
        if (i != axis)
            shape[out++] = type->shape[i];
    }
    Layout layout = layout_drop(type->layout, axis);
    const IrType *made = ir_type_tile(ctx, type->elem, shape, type->rank - 1);
    return ir_type_with_layout(ctx, made, ir_layout(ctx, &layout));
}

/* Reduces `values` over another axis with the region of `op`, in place. */
static void reduce_like(IrBuilder *b, const IrOp *op, IrValue **values, unsigned axis,
                        Arena *scratch) {
    unsigned count = op->num_operands;
    const IrType **types = ARENA_ARRAY(scratch, const IrType *, count);
    for (unsigned i = 0; i < count; i++)
        types[i] = reduced_type(b->module->ctx, values[i]->type, axis);
    IrOp *made = ir_build(b, OP_Reduce, values, count, types, count);
    ir_set_int(made, ATTR_AXIS, axis);
    IrCloner cloner = ir_cloner(*b, b->kernel, scratch);
    ir_clone_block(&cloner, op->regions[0], made->regions[0]);
    for (unsigned i = 0; i < count; i++)
        values[i] = &made->results[i];
}

/* The layout in which every thread that needs a result holds all its partials in registers. */
static const Layout *gathered(IrContext *ctx, const IrType *partials, const Layout *result,
                              unsigned axis) {
    uint8_t bits[LAYOUT_MAX_RANK] = {0};
    bits[axis] = partials->layout->nout[axis];
    Layout registers = layout_empty(LAYOUT_DISTRIBUTED, partials->rank, bits);
    for (unsigned n = 0; n < bits[axis]; n++)
        layout_push(&registers, LL_REG, layout_axis_bit(&registers, axis, n));
    Layout rest = layout_expand_dims(result, axis);
    Layout made = layout_product(&registers, &rest);
    return ir_layout(ctx, &made);
}

/* The type of a tile of the reduction's shape but for the axis, which has 1 << bits elements. */
static const IrType *partial_type(IrContext *ctx, const IrOp *op, const IrType *fields,
                                  unsigned bits) {
    const IrType *source = source_type(op);
    unsigned axis = fold_axis(op);
    int64_t shape[IR_MAX_RANK];
    uint8_t out[LAYOUT_MAX_RANK];
    memcpy(shape, source->shape, sizeof shape);
    memcpy(out, source->layout->nout, sizeof out);
    shape[axis] = (int64_t)1 << bits;
    out[axis] = (uint8_t)bits;
    Layout merged = layout_reshape(fields->layout, source->rank, out);
    const IrType *type = ir_type_tile(ctx, fields->elem, shape, source->rank);
    return ir_type_with_layout(ctx, type, ir_layout(ctx, &merged));
}

/* Reduces the fields outside of warps that have bits in lanes, or those that have none. The latter
 * go first: they leave fewer registers to shuffle. */
static void reduce_where(PassContext *pc, IrBuilder *b, const IrOp *op, const Fields *fields,
                         IrValue **values, bool in_lane) {
    for (unsigned f = fields->count; f-- > 0;) {
        if (fields->in_warp[f] || fields->in_lane[f] != in_lane)
            continue;
        unsigned before = 0; /* fields that are still there */
        for (unsigned i = 0; i < f; i++)
            before += !in_lane || fields->in_warp[i] || fields->in_lane[i];
        reduce_like(b, op, values, fold_axis(op) + before, pc->scratch);
    }
}

/* Reduces within warps: `values` become one partial result a warp, along the axis. */
static void reduce_fields(PassContext *pc, IrBuilder *b, const IrOp *op, const Fields *fields,
                          IrValue **values) {
    unsigned axis = fold_axis(op), partial_bits = 0;
    for (unsigned i = 0; i < op->num_operands; i++) {
        IrValue *operand = ir_operand(op, i);
        const IrType *type =
            refit(pc->module->ctx, operand->type, axis, fields->bits, fields->count);
        values[i] = build_value(b, OP_Reshape, operand, type);
    }
    for (unsigned f = 0; f < fields->count; f++)
        partial_bits += fields->in_warp[f] ? fields->bits[f] : 0;
    reduce_where(pc, b, op, fields, values, false);
    reduce_where(pc, b, op, fields, values, true);
    for (unsigned i = 0; i < op->num_operands; i++) {
        const IrType *fitted = values[i]->type;
        const IrType *type = partial_type(pc->module->ctx, op, fitted, partial_bits);
        if (type != fitted)
            values[i] = build_value(b, OP_Reshape, values[i], type);
    }
}

static void reduce_between_warps(PassContext *pc, IrOp *op, const Fields *fields) {
    IrContext *ctx = pc->module->ctx;
    IrBuilder b = rewrite_before(op);
    unsigned axis = fold_axis(op), count = op->num_operands;
    Layout result = layout_drop(source_type(op)->layout, axis);
    IrValue **values = ARENA_ARRAY(pc->scratch, IrValue *, count);
    reduce_fields(pc, &b, op, fields, values);
    for (unsigned i = 0; i < count; i++) {
        const IrType *from = values[i]->type;
        const IrType *to = ir_type_with_layout(ctx, from, gathered(ctx, from, &result, axis));
        values[i] = build_value(&b, OP_ConvertLayout, values[i], to);
    }
    reduce_like(&b, op, values, axis, pc->scratch);
    for (unsigned i = 0; i < count; i++)
        rewrite_replace(&op->results[i], values[i]);
    ir_op_erase(op);
}

/* ---- the pass -------------------------------------------------------------------------------- */

typedef struct LowerFolds {
    PassContext *pc;
    bool changed;
} LowerFolds;

static bool lower(IrOp *op, void *data) {
    LowerFolds *state = data;
    if ((op->code != OP_Reduce && op->code != OP_Scan) ||
        bits_of(source_type(op)->layout, LL_WARP, fold_axis(op)) == 0)
        return true;
    const IrType *type = source_type(op);
    unsigned axis = fold_axis(op);
    Fields fields = axis_fields(type->layout, axis);
    bool ragged = type->shape[axis] != (int64_t)1 << type->layout->nout[axis];
    state->changed = true;
    pass_count(state->pc, STAT_BETWEEN_WARPS, 1);
    if (op->code == OP_Scan || ragged || type->rank - 1 + fields.count > LAYOUT_MAX_RANK)
        convert_around(op);
    else
        reduce_between_warps(state->pc, op, &fields);
    return true;
}

bool pass_lower_folds(PassContext *pc, IrKernel *kernel) {
    LowerFolds state = {.pc = pc};
    ir_walk(kernel->body, lower, &state);
    return state.changed;
}
