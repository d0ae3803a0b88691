/* lower_shared.c -- operations whose operands go through shared memory.
 *
 * In:     laid IR
 * Out:    no dot, gather or histogram is left, no reshape or cat that moves elements, and no thread
 *         uses the result of an atomic operation that another thread did
 * Keeps:  every value
 * Cost:   O(operations)
 * Why:    their elements come from threads that only the data, or all of an axis, tells; a buffer
 *         in shared memory holds them where everyone finds them
 * Before:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %z = gather %o, %o, axis = 0 : tile<64xi32, #0>
 *     %q = splat %p : tile<64xptr<i32>, #0>
 *     store %q, %z
 *     return
 * After:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     layout #1 = <64; off i0 i1 i2 i3 i4 i5>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %0 = shared_alloc -1 : shared<64xi32, #1>
 *     shared_store %0, %o
 *     %z = shared_gather %0, %o, axis = 0 : tile<64xi32, #0>
 *     %q = splat %p : tile<64xptr<i32>, #0>
 *     store %q, %z
 *     return
 * Not:    atomic operations whose result nobody uses, or whose every element one thread holds
 *         (tests/passes/lower-shared/atomics.tkir)
 *
 * The operands of a dot lie so that neither who stores them nor who multiplies has bank conflicts,
 * and both move vectors (layout_plan_shared). An atomic operation
 * is done by the owner of each element; its result reaches the other holders through a buffer
 * (layouts.md, section 4(d)). One on a scalar becomes one on a tile of one element first. The
 * barriers between stores and loads are inserted later (insert_barriers.c).
 */
#include "ir/layout_convert.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "support/bits.h"

static IrValue *build_value(IrBuilder *b, IrOpcode code, IrValue *const *operands, unsigned count,
                            const IrType *type) {
    return &ir_build(b, code, operands, count, &type, 1)->results[0];
}

static IrValue *alloc_buffer(IrBuilder *b, const IrType *tile, const Layout *layout) {
    const IrType *type =
        ir_type_shared(b->module->ctx, tile->elem, tile->shape, tile->rank, layout);
    return build_value(b, OP_SharedAlloc, NULL, 0, type);
}

/* A buffer for the contents of `tile`, row-major. */
static IrValue *make_buffer(IrBuilder *b, const IrType *tile) {
    Layout plain = layout_plain(tile->rank, tile->shape, NULL);
    return alloc_buffer(b, tile, ir_layout(b->module->ctx, &plain));
}

static void store_to(IrBuilder *b, IrValue *buffer, IrValue *tile) {
    IrValue *operands[] = {buffer, tile};
    ir_build(b, OP_SharedStore, operands, 2, NULL, 0);
}

static IrValue *in_buffer(IrBuilder *b, IrValue *tile) {
    IrValue *buffer = make_buffer(b, tile->type);
    store_to(b, buffer, tile);
    return buffer;
}

static void replace_op(IrOp *op, IrValue *value) {
    rewrite_replace(&op->results[0], value);
    ir_op_erase(op);
}

/* ---- dot, gather, histogram ------------------------------------------------------------------ */

/* The longest run of registers along an axis, up to 16 bytes: how copies in the background may fill
 * the buffer if the tile is loaded; and vectors for those who read it. */
static LayoutCopies longest_run(const IrType *tile) {
    unsigned most = 4 - bits_top(ir_elem_size(tile->elem));
    LayoutCopies run = {0, 0};
    for (unsigned axis = 0; axis < tile->rank; axis++) {
        unsigned bits = layout_axis_run_bits(tile->layout, axis);
        bits = bits < most ? bits : most;
        if (bits > run.bits)
            run = (LayoutCopies){axis, bits};
    }
    return run;
}

/* A buffer for an operand of a product. Lanes that read the same are left out of the plan: the
 * phases of a wide access of which every second lane reads what its neighbour does are served two
 * at a time. */
static const Layout *dot_buffer(IrContext *ctx, const IrType *result, const IrType *operand,
                                bool second) {
    unsigned k = result->rank - (second ? 2u : 1u);
    Layout needed = layout_dot_operand(result->layout, second, operand->layout->nout[k]);
    uint32_t lanes[LAYOUT_LANE_BITS] = {0};
    unsigned count = 0;
    for (unsigned i = 0; i < needed.nin[LL_LANE]; i++)
        if (layout_columns(&needed, LL_LANE)[i] != 0)
            lanes[count++] = layout_columns(&needed, LL_LANE)[i];
    layout_set(&needed, LL_LANE, lanes, needed.nin[LL_LANE]);
    SharedOptions options = {.elem_bytes = (unsigned)ir_elem_size(operand->elem)};
    LayoutCopies run = longest_run(operand);
    SharedPlan plan;
    if (run.bits > 0)
        plan.shared = layout_plan_copies(operand->layout, &needed, &run, &options);
    else
        layout_plan_shared(operand->layout, &needed, &options, &plan);
    return ir_layout(ctx, &plan.shared);
}

static void lower_dot(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    IrContext *ctx = b.module->ctx;
    IrValue *operands[3] = {NULL, NULL, ir_operand(op, 2)};
    for (unsigned i = 0; i < 2; i++) {
        IrValue *tile = ir_operand(op, i);
        const Layout *layout = dot_buffer(ctx, op->results[0].type, tile->type, i == 1);
        operands[i] = alloc_buffer(&b, tile->type, layout);
        store_to(&b, operands[i], tile);
    }
    IrValue *sum = build_value(&b, OP_DotFma, operands, 3, op->results[0].type);
    ir_set_int(sum->def, ATTR_PRECISION, ir_attr_int(op, ATTR_PRECISION));
    ir_set_int(sum->def, ATTR_IMPRECISE_ACC, ir_attr_int(op, ATTR_IMPRECISE_ACC));
    replace_op(op, sum);
}

static void lower_gather(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    IrValue *operands[] = {in_buffer(&b, ir_operand(op, 0)), ir_operand(op, 1)};
    IrValue *found = build_value(&b, OP_SharedGather, operands, 2, op->results[0].type);
    ir_set_int(found->def, ATTR_AXIS, ir_attr_int(op, ATTR_AXIS));
    replace_op(op, found);
}

static void lower_histogram(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    const IrType *type = op->results[0].type;
    IrValue *bins = in_buffer(&b, ir_const_int(&b, type, 0));
    IrValue *operands[] = {bins, ir_operand(op, 0),
                           op->num_operands > 1 ? ir_operand(op, 1) : NULL};
    ir_build(&b, OP_SharedCount, operands, 1 + op->num_operands, NULL, 0);
    replace_op(op, build_value(&b, OP_SharedLoad, &bins, 1, type));
}

/* ---- reshape and cat of ragged sizes ----------------------------------------------------------
 */

/* The coordinate on `axis` of each element, in the layout of `like`: i32. */
static IrValue *coordinates(IrBuilder *b, const IrType *like, unsigned axis) {
    IrContext *ctx = b->module->ctx;
    const IrType *i32 = ir_type_scalar(ctx, TY_I32);
    Layout line = *like->layout, slice = *like->layout;
    int64_t shape[IR_MAX_RANK];
    for (unsigned d = like->rank; d-- > 0;) {
        shape[d] = d == axis ? like->shape[d] : 1;
        if (d == axis)
            continue;
        line = layout_drop(&line, d);
        slice = layout_drop_keep(&slice, d);
    }
    const IrType *type = ir_type_tile(ctx, i32, &like->shape[axis], 1);
    IrOp *op =
        ir_build(b, OP_Arange, NULL, 0,
                 (const IrType *[]){ir_type_with_layout(ctx, type, ir_layout(ctx, &line))}, 1);
    ir_set_int(op, ATTR_END, like->shape[axis]);
    IrValue *value = &op->results[0];
    type = ir_type_tile(ctx, i32, shape, like->rank);
    type = ir_type_with_layout(ctx, type, ir_layout(ctx, &slice));
    value = build_value(b, OP_Reshape, &value, 1, type);
    return build_value(b, OP_Broadcast, &value, 1, ir_type_with_elem(ctx, like, i32));
}

static IrValue *with_const(IrBuilder *b, IrOpcode code, IrValue *value, int64_t number) {
    return ir_binary(b, code, value, ir_const_int(b, value->type, number));
}

/* The elements of a tile of type `from`, in the buffer, that have these coordinates. */
static IrValue *pick(IrBuilder *b, IrValue *buffer, const IrType *from, IrValue *const *coords) {
    IrValue *word = ir_const_int(b, coords[0]->type, 0);
    for (unsigned d = 0; d < from->rank; d++) {
        unsigned shift = layout_axis_shift(buffer->type->layout, d);
        word = ir_binary(b, OP_AddI, word, with_const(b, OP_ShlI, coords[d], shift));
    }
    IrValue *operands[] = {buffer, word};
    const IrType *type = ir_type_with_elem(b->module->ctx, word->type, from->elem);
    return build_value(b, OP_SharedPick, operands, 2, type);
}

/* The row-major number of each element of the result gives its coordinates in the operand. */
static void lower_reshape(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    const IrType *from = ir_operand(op, 0)->type, *to = op->results[0].type;
    const IrType *i32 = ir_type_scalar(b.module->ctx, TY_I32);
    IrValue *number = ir_const_int(&b, ir_type_with_elem(b.module->ctx, to, i32), 0);
    int64_t stride = 1;
    for (unsigned d = to->rank; d-- > 0; stride *= to->shape[d]) {
        IrValue *part = with_const(&b, OP_MulI, coordinates(&b, to, d), stride);
        number = ir_binary(&b, OP_AddI, number, part);
    }
    IrValue *coords[IR_MAX_RANK];
    for (unsigned d = from->rank; d-- > 0;) {
        coords[d] = with_const(&b, OP_RemUI, number, from->shape[d]);
        number = with_const(&b, OP_DivUI, number, from->shape[d]);
    }
    replace_op(op, pick(&b, in_buffer(&b, ir_operand(op, 0)), from, coords));
}

/* Each element comes from the first operand or, behind its end, from the second. */
static void lower_cat(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    const IrType *to = op->results[0].type;
    unsigned axis = (unsigned)ir_attr_int(op, ATTR_AXIS);
    int64_t border = ir_operand(op, 0)->type->shape[axis];
    IrValue *coords[IR_MAX_RANK], *parts[2];
    for (unsigned d = 0; d < to->rank; d++)
        coords[d] = coordinates(&b, to, d);
    IrValue *at = coords[axis], *limit = ir_const_int(&b, at->type, border);
    IrValue *in_first = ir_cmpi(&b, IPRED_SLT, at, limit);
    for (unsigned i = 0; i < 2; i++) {
        IrValue *inside = i == 0 ? at : ir_binary(&b, OP_SubI, at, limit);
        IrValue *zero = ir_const_int(&b, at->type, 0);
        coords[axis] =
            i == 0 ? ir_select(&b, in_first, inside, zero) : ir_select(&b, in_first, zero, inside);
        IrValue *operand = ir_operand(op, i);
        parts[i] = pick(&b, in_buffer(&b, operand), operand->type, coords);
    }
    replace_op(op, ir_select(&b, in_first, parts[0], parts[1]));
}

static bool is_ragged_cat(const IrOp *op) {
    int64_t axis = ir_attr_int(op, ATTR_AXIS);
    int64_t a = ir_operand(op, 0)->type->shape[axis], c = ir_operand(op, 1)->type->shape[axis];
    return a != c || (a & (a - 1)) != 0;
}

/* ---- atomic operations ------------------------------------------------------------------------
 */

static bool has_duplicates(const Layout *layout) {
    uint32_t masks[LL_NIN];
    layout_free(layout, masks);
    return (masks[LL_LANE] | masks[LL_WARP] | masks[LL_BLOCK]) != 0;
}

/* The old values that owners got, in every thread that holds the element. */
static void share_result(IrOp *op) {
    IrValue *result = &op->results[0];
    IrBuilder b = rewrite_before(op);
    b.before = op->next;
    IrValue *buffer = make_buffer(&b, result->type);
    IrValue *shared = build_value(&b, OP_SharedLoad, &buffer, 1, result->type);
    rewrite_replace(result, shared);
    b.before = shared->def;
    store_to(&b, buffer, result);
}

/* An atomic operation on a scalar, on a tile of its one element. */
static IrOp *tile_of_one(IrOp *op) {
    IrBuilder b = rewrite_before(op);
    IrContext *ctx = b.module->ctx;
    const int64_t one = 1;
    Layout layout = layout_coalesced(1, &one, NULL, 1, (uint32_t)b.kernel->num_warps);
    const Layout *interned = ir_layout(ctx, &layout);
    IrValue *operands[3];
    for (unsigned i = 0; i < op->num_operands; i++) {
        const IrType *type = ir_type_tile(ctx, ir_operand(op, i)->type, &one, 1);
        IrValue *scalar = ir_operand(op, i);
        operands[i] =
            build_value(&b, OP_Splat, &scalar, 1, ir_type_with_layout(ctx, type, interned));
    }
    const IrType *type = ir_type_tile(ctx, op->results[0].type, &one, 1);
    type = ir_type_with_layout(ctx, type, interned);
    IrOp *made = ir_build(&b, op->code, operands, op->num_operands, &type, 1);
    ir_copy_attrs(b.module, op, made);
    IrValue *old = &made->results[0];
    if (ir_has_uses(&op->results[0]))
        rewrite_replace(&op->results[0], build_value(&b, OP_Unsplat, &old, 1, op->results[0].type));
    ir_op_erase(op);
    return made;
}

static void lower_atomic(IrOp *op) {
    if (!ir_is_tile(ir_operand(op, 0)->type))
        op = tile_of_one(op);
    if (ir_has_uses(&op->results[0]) && has_duplicates(op->results[0].type->layout))
        share_result(op);
}

/* ---- the pass -------------------------------------------------------------------------------- */

typedef struct LowerShared {
    PassContext *pc;
    bool changed;
} LowerShared;

static bool needs_sharing(const IrOp *op) {
    const IrValue *result = &op->results[0];
    if (!ir_is_tile(result->type))
        return true;
    return ir_has_uses(result) && has_duplicates(result->type->layout);
}

static bool lower(IrOp *op, void *data) {
    LowerShared *state = data;
    switch ((int)op->code) {
    case OP_Reshape:
        if (ir_reshape_is_relabeling(ir_operand(op, 0)->type, op->results[0].type))
            return true;
        lower_reshape(op);
        break;
    case OP_Cat:
        if (!is_ragged_cat(op))
            return true;
        lower_cat(op);
        break;
    case OP_Dot:
        lower_dot(op);
        break;
    case OP_Gather:
        lower_gather(op);
        break;
    case OP_Histogram:
        lower_histogram(op);
        break;
    case OP_AtomicRmw:
    case OP_AtomicCas:
        if (!needs_sharing(op))
            return true;
        lower_atomic(op);
        break;
    default:
        return true;
    }
    state->changed = true;
    pass_count(state->pc, STAT_THROUGH_SHARED, 1);
    return true;
}

bool pass_lower_shared(PassContext *pc, IrKernel *kernel) {
    LowerShared state = {.pc = pc};
    ir_walk(kernel->body, lower, &state);
    return state.changed;
}
