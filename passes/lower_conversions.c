/* lower_conversions.c -- conversions of layouts through shared memory, written out.
 *
 * In:     laid IR
 * Out:    every conversion that is left stays inside warps: registers and shuffles
 * Keeps:  every value
 * Cost:   O(conversions), a microsecond or so each to plan
 * Why:    buffers can then be laid out, given addresses and guarded by barriers, wherever they come
 *         from
 * Before:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     layout #1 = <64; lane i0 i1 i2 i3 i4; warp i5 .>
 *     %o = arange 0, 64 : tile<64xi32, #1>
 *     %z = convert_layout %o : tile<64xi32, #0>
 *     %q = splat %p : tile<64xptr<i32>, #0>
 *     store %q, %z
 *     return
 * After:
 *     layout #0 = <64; lane i0 i1 i2 i3 i4; warp i5 .>
 *     layout #1 = <64; off i0 i1 i2 i3 i4 i5>
 *     layout #2 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %0 = shared_alloc -1 : shared<64xi32, #1>
 *     shared_store %0, %o
 *     %q = splat %p : tile<64xptr<i32>, #2>
 *     %z = shared_load %0 : tile<64xi32, #2>
 *     store %q, %z
 *     return
 * Not:    conversions inside warps that shuffles do for less
 * (tests/passes/lower-conversions/warp.tkir)
 *
 * Algorithm: layout_plan_convert() says how, and gives the buffer the layout in which neither side
 * has bank conflicts (layouts.md, section 4(b)). What a loop loads gets a buffer that copies in the
 * background can fill: the pass pipeline makes them of the load and the store.
 */
#include "ir/layout_convert.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "support/bits.h"

typedef struct LowerConversions {
    PassContext *pc;
    bool changed;
} LowerConversions;

/* The operation of `op`'s block that first uses its result, itself or in a region. A load that
 * waits until then may share its barrier with others: the partial results of a reduction of several
 * values, for example. */
static IrOp *first_user(IrOp *op) {
    for (IrOp *at = op->next; at; at = at->next) {
        for (const IrUse *use = op->results[0].uses; use; use = use->next) {
            const IrOp *user = use->user;
            while (user->block != op->block)
                user = user->block->parent;
            if (user == at)
                return at;
        }
    }
    return op->next;
}

static void through_shared(IrOp *op, const Layout *layout) {
    IrBuilder b = rewrite_before(op);
    IrContext *ctx = b.module->ctx;
    IrValue *value = ir_operand(op, 0);
    const IrType *tile = value->type, *to = op->results[0].type;
    const IrType *type =
        ir_type_shared(ctx, tile->elem, tile->shape, tile->rank, ir_layout(ctx, layout));
    IrOp *alloc = ir_build(&b, OP_SharedAlloc, NULL, 0, &type, 1);
    IrValue *store[] = {&alloc->results[0], value};
    ir_build(&b, OP_SharedStore, store, 2, NULL, 0);
    b.before = first_user(op);
    IrOp *load = ir_build(&b, OP_SharedLoad, store, 1, &to, 1);
    rewrite_replace(&op->results[0], &load->results[0]);
    ir_op_erase(op);
}

/* Whether the pass pipeline may copy what the conversion moves into the buffer in the background.
 */
static bool may_be_copied(const LowerConversions *state, const IrValue *value,
                          LayoutCopies *copies) {
    const IrOp *load = value->def, *loop = load ? load->block->parent : NULL;
    if (!load || load->code != OP_Load || !loop || loop->code != OP_For ||
        state->pc->target.arch < LAYOUT_ASYNC_ARCH)
        return false;
    uint64_t vector = (uint64_t)ir_attr_int(load, ATTR_VECTOR);
    *copies =
        (LayoutCopies){.along = (unsigned)ir_attr_int(load, ATTR_ALONG), .bits = bits_top(vector)};
    return vector * ir_elem_size(value->type) >= 4;
}

static bool lower(IrOp *op, void *data) {
    LowerConversions *state = data;
    if (op->code != OP_ConvertLayout)
        return true;
    const IrType *from = ir_operand(op, 0)->type, *to = op->results[0].type;
    if (from->layout == to->layout) {
        rewrite_replace(&op->results[0], ir_operand(op, 0));
        ir_op_erase(op);
        state->changed = true;
        return true;
    }
    unsigned arch = state->pc->target.arch;
    SharedOptions options = {.elem_bytes = (unsigned)ir_elem_size(from),
                             .ldmatrix = arch >= LAYOUT_LDMATRIX_ARCH,
                             .stmatrix = arch >= LAYOUT_STMATRIX_ARCH};
    ConvertPlan plan;
    layout_plan_convert(from->layout, to->layout, &options, &plan);
    pass_count(state->pc,
               plan.kind == CONVERT_SHARED ? STAT_SHARED_CONVERSIONS : STAT_WARP_CONVERSIONS, 1);
    if (plan.kind == CONVERT_SHARED) {
        LayoutCopies copies;
        Layout buffer = plan.shared.shared;
        if (may_be_copied(state, ir_operand(op, 0), &copies))
            buffer = layout_plan_copies(from->layout, to->layout, &copies, &options);
        through_shared(op, &buffer);
        state->changed = true;
    }
    return true;
}

bool pass_lower_conversions(PassContext *pc, IrKernel *kernel) {
    LowerConversions state = {.pc = pc};
    ir_walk(kernel->body, lower, &state);
    return state.changed;
}
