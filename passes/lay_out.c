/* lay_out.c -- from the tile level to the laid level: a layout for every tile.
 *
 * In:     verified tile IR without tensor descriptors
 * Out:    the kernel is `laid`: every tile has a layout; layouts agree around every operation;
 *         loads and stores say how many elements an instruction accesses (`vector`, `along`), and
 *         masks over how many elements they are constant
 * Keeps:  every value and effect
 * Cost:   O(operations * their operands), a few sweeps over the kernel
 * Why:    a layout decides how memory is accessed (coalesced, in vectors of up to 16 bytes) and how
 *         much moves between threads
 * Before:
 *     %o = arange 0, 512 : tile<512xi32>
 *     %q = splat %p : tile<512xptr<i32>>
 *     %a = addptr %q, %o : tile<512xptr<i32>>
 *     %v = load %a : tile<512xi32>
 *     store %a, %v
 *     return
 * After:
 *     layout #0 = <512; reg i7 i8; lane i0 i1 i2 i3 i4; warp i5 i6>
 *     %o = arange 0, 512 : tile<512xi32, #0>
 *     %q = splat %p : tile<512xptr<i32>, #0>
 *     %a = addptr %q, %o : tile<512xptr<i32>, #0>
 *     %v = load %a : tile<512xi32, #0>
 *     store %a, %v
 *     return
 * Not:    wider than the pointers' alignment, contiguity and the mask's constancy allow
 *         (tests/passes/lay-out/alignment.tkir)
 *
 * Algorithm (layouts.md, sections 4(a) and 4(g); the idea of anchors is that of "Linear Layouts",
 * arXiv 2505.23819, section 5): accesses of global memory and products choose layouts that suit
 * them; the choices spread forward and then backward over operations that move nothing; what is
 * left takes a default. Then each operand that has another layout than its operation needs is
 * computed again in the right one, if that costs less than moving it, or is converted. A conversion
 * stands right behind the definition of what it converts: once, and outside of loops where it can
 * be.
 */
#include "passes/lay_out.h"
#include "ir/layout_access.h"

static bool note_rank(IrOp *op, void *data) {
    LayOut *lo = data;
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = op->results[i].type;
        if (ir_is_tile(type) && type->rank > LAYOUT_MAX_RANK) {
            diag_report(lo->pc->diags, DIAG_LAY_OUT_RANK, op->range, type->rank, LAYOUT_MAX_RANK);
            lo->pc->failed = true;
            return false;
        }
    }
    return true;
}

/* Cuts vectors to what a thread holds side by side, now that the layouts are known. */
static bool cut_vector(IrOp *op, void *data) {
    LayOut *lo = data;
    if (!is_access(op) || (op->code != OP_Load && op->code != OP_Store))
        return true;
    int64_t along = ir_attr_int(op, ATTR_ALONG), width = ir_attr_int(op, ATTR_VECTOR);
    const Layout *layout = ir_operand(op, 0)->type->layout;
    int64_t run = (int64_t)1 << layout_axis_run_bits(layout, (unsigned)along);
    width = width < run ? width : run;
    ir_set_int(op, ATTR_VECTOR, width);
    ir_set_int(op, ATTR_ALONG, width > 1 ? along : 0);
    pass_count(lo->pc, width > 1 ? STAT_VECTOR_ACCESSES : STAT_SCALAR_ACCESSES, 1);
    return true;
}

/* Says of masks over how many elements they are constant, so that these are computed once. */
static bool tell_constancy(IrOp *op, void *data) {
    LayOut *lo = data;
    for (unsigned i = 0; i < op->num_results; i++) {
        IrValue *result = &op->results[i];
        if (!ir_is_tile(result->type) || ir_elem(result->type)->kind != TY_I1)
            continue;
        const AxisInfo *info = axis_info(lo->axes, result);
        for (unsigned d = 0; d < result->type->rank; d++) {
            if (info->constancy[d] > 1)
                ir_value_hints(lo->pc->module, result)->constancy[d] = info->constancy[d];
        }
    }
    return true;
}

bool pass_lay_out(PassContext *pc, IrKernel *kernel) {
    if (kernel->laid)
        return false;
    LayOut lo = {.pc = pc, .kernel = kernel, .ctx = kernel->module->ctx, .arena = pc->scratch};
    if (!ir_walk(kernel->body, note_rank, &lo))
        return false;
    lo.axes = axis_analyse(pc->scratch, kernel);
    lo.num_prefer = kernel->num_values;
    lo.prefer = ARENA_ARRAY(lo.arena, const Layout *, kernel->num_values);
    lo.dots = ARENA_ARRAY(lo.arena, const DotPlan *, kernel->num_values);
    lo.chained = ARENA_ARRAY(lo.arena, uint8_t, kernel->num_values);
    map_init_str(&lo.versions, lo.arena);
    find_access_groups(&lo);
    ir_walk(kernel->body, tell_constancy, &lo);
    find_preferences(&lo);
    rewrite_with_layouts(&lo);
    use_tensor_cores(&lo, kernel->body);
    kernel->laid = true;
    ir_walk(kernel->body, cut_vector, &lo);
    pass_count(pc, STAT_CONVERSIONS, lo.conversions);
    pass_count(pc, STAT_RECOMPUTED, lo.copies);
    return true;
}
