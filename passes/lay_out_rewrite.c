/* lay_out_rewrite.c -- layouts into types, and what operands need another layout for.
 *
 * One walk in the order of the text. Each operation's results get their preferred layout (or,
 * around reductions and the like, the one that follows from the operands); then each operand that
 * has not the layout that this needs is replaced by a version of it that has. A version is made
 * once for each layout, right behind the value's definition: where the value is cheap to compute,
 * by copies of the operations that compute it, down to constants and ranges, else by
 * convert_layout. The costs are those of layouts.md, section 4(g). Example: in `p + offs` with both
 * made from arange, an operand in another layout costs a few integer additions, never a conversion.
 */
#include "passes/lay_out.h"
#include "passes/rewrite.h"

enum { MAX_COPIES = 64, MAX_COPY_DEPTH = 24 };
static const double NEVER = 1e30;

/* ---- what computing a value again would cost --------------------------------------------------
 */

typedef struct VersionKey {
    const IrValue *value;
    const Layout *layout;
} VersionKey;

static IrValue *find_version(const LayOut *lo, const IrValue *value, const Layout *layout) {
    VersionKey key = {value, layout};
    return map_getn(&lo->versions, &key, sizeof key);
}

static void set_version(LayOut *lo, const IrValue *value, const Layout *layout, IrValue *version) {
    VersionKey key = {value, layout};
    map_setn(&lo->versions, &key, sizeof key, version);
}

/* Instructions a register: an estimate for the 32-bit and the 64-bit form. */
static double op_weight(const IrOp *op) {
    bool wide = ir_bits(op->results[0].type) == 64;
    switch ((int)op->code) {
    case OP_Const:
    case OP_Arange:
    case OP_Splat:
    case OP_Broadcast:
    case OP_ExpandDims:
    case OP_Reshape:
    case OP_Permute:
    case OP_Bitcast:
        return 0;
    case OP_DivSI:
    case OP_DivUI:
    case OP_RemSI:
    case OP_RemUI:
    case OP_DivF:
    case OP_DivRnF:
    case OP_Sqrt:
    case OP_SqrtRn:
    case OP_Exp2:
        return 4;
    default:
        return ir_info(op)->traits & IR_ELT ? (wide ? 1 : 0.25) : NEVER;
    }
}

static bool is_long_function(const IrOp *op) {
    switch ((int)op->code) {
    case OP_LibCall:
    case OP_Exp:
    case OP_Log:
    case OP_Log2:
    case OP_Sin:
    case OP_Cos:
    case OP_Erf:
    case OP_RemF:
        return true;
    default:
        return false;
    }
}

/* The cost, in clocks of a multiprocessor, of having `value` in `layout` without moving anything.
 */
static double copy_cost(LayOut *lo, const IrValue *value, const Layout *layout, unsigned depth,
                        unsigned *copies) {
    if (!ir_is_tile(value->type) || value->type->layout == layout ||
        find_version(lo, value, layout))
        return 0;
    const IrOp *op = value->def;
    if (!op || op->num_regions > 0 || op->num_results != 1 || depth > MAX_COPY_DEPTH ||
        ++*copies > MAX_COPIES || is_long_function(op) || op_weight(op) >= NEVER)
        return NEVER;
    double cost = op_weight(op) * layout_num_regs(layout) * lo->kernel->num_warps;
    for (unsigned i = 0; i < op->num_operands && cost < NEVER; i++) {
        const IrValue *operand = ir_operand(op, i);
        if (!ir_is_tile(operand->type))
            continue;
        const Layout *needed = needed_layout(lo, op, i, layout);
        cost += needed ? copy_cost(lo, operand, needed, depth + 1, copies) : NEVER;
    }
    return cost;
}

/* Of moving a tile through shared memory: all bytes in and out at 128 bytes a clock, two barriers.
 */
static double move_cost(const LayOut *lo, const IrType *type, const Layout *layout) {
    double registers = (double)layout_num_regs(type->layout) + (double)layout_num_regs(layout);
    double bytes = 32.0 * lo->kernel->num_warps * (double)ir_elem_size(type) * registers;
    return bytes / 128 + 64;
}

/* ---- versions -------------------------------------------------------------------------------- */

/* A builder right behind the value's definition. */
static IrBuilder behind(const LayOut *lo, const IrValue *value) {
    IrBuilder b = {.module = lo->kernel->module, .kernel = lo->kernel};
    b.block = value->def ? value->def->block : value->block;
    b.before = value->def ? value->def->next : value->block->first;
    b.range = value->def ? value->def->range : SRC_NONE;
    return b;
}

static IrValue *version_in(LayOut *lo, IrValue *value, const Layout *layout);

static IrValue *compute_again(LayOut *lo, IrValue *value, const Layout *layout) {
    const IrOp *op = value->def;
    IrValue **operands = ARENA_ARRAY(lo->arena, IrValue *, op->num_operands + 1);
    for (unsigned i = 0; i < op->num_operands; i++) {
        operands[i] = ir_operand(op, i);
        if (ir_is_tile(operands[i]->type))
            operands[i] = version_in(lo, operands[i], needed_layout(lo, op, i, layout));
    }
    IrBuilder b = behind(lo, value);
    const IrType *type = ir_type_with_layout(lo->ctx, value->type, layout);
    IrOp *copy = ir_build(&b, op->code, operands, op->num_operands, &type, 1);
    ir_copy_attrs(b.module, op, copy);
    lo->copies++;
    return &copy->results[0];
}

static IrValue *converted(LayOut *lo, IrValue *value, const Layout *layout) {
    IrBuilder b = behind(lo, value);
    const IrType *type = ir_type_with_layout(lo->ctx, value->type, layout);
    IrOp *op = ir_build(&b, OP_ConvertLayout, &value, 1, &type, 1);
    lo->conversions++;
    return &op->results[0];
}

static IrValue *version_in(LayOut *lo, IrValue *value, const Layout *layout) {
    if (value->type->layout == layout)
        return value;
    IrValue *version = find_version(lo, value, layout);
    if (version)
        return version;
    unsigned copies = 0;
    bool cheap = copy_cost(lo, value, layout, 0, &copies) < move_cost(lo, value->type, layout);
    version = cheap ? compute_again(lo, value, layout) : converted(lo, value, layout);
    version->name = value->name;
    if (value->hints)
        *ir_value_hints(lo->kernel->module, version) = *value->hints;
    set_version(lo, value, layout, version);
    return version;
}

static void use_version(LayOut *lo, IrOp *op, unsigned i, const Layout *layout) {
    IrValue *value = ir_operand(op, i);
    if (layout && ir_is_tile(value->type) && value->type->layout != layout)
        ir_set_operand(op, i, version_in(lo, value, layout));
}

/* ---- operations ------------------------------------------------------------------------------ */

static void set_layout(const LayOut *lo, IrValue *value, const Layout *layout) {
    value->type = ir_type_with_layout(lo->ctx, value->type, layout);
}

static void set_preferred(const LayOut *lo, IrValue *value) {
    if (ir_is_tile(value->type))
        set_layout(lo, value, lo->prefer[value->id]);
}

/* The results' layout follows from that of the first operand. */
static void rewrite_driven(LayOut *lo, IrOp *op) {
    const Layout *from = ir_operand(op, 0)->type->layout;
    Layout half;
    if (op->code == OP_Split && !layout_split(from, &half)) {
        const Layout *result = lo->prefer[op->results[0].id];
        use_version(lo, op, 0, result ? needed_layout(lo, op, 0, result) : pair_layout(lo));
        from = ir_operand(op, 0)->type->layout;
    }
    for (unsigned i = 1; i < op->num_operands; i++)
        use_version(lo, op, i, from);
    const Layout *given = given_layout(lo, op, 0, from, true);
    for (unsigned i = 0; i < op->num_results; i++)
        set_layout(lo, &op->results[i], given);
}

/* The operation's own layout: a store's, or its results'. A small store takes its value's. */
static const Layout *own_layout(const LayOut *lo, const IrOp *op) {
    if (is_anchor(lo, op))
        return access_layout(lo, op);
    if (find_dot_plan(lo, op))
        return find_dot_plan(lo, op)->layouts[MMA_C];
    if (op->code == OP_Store)
        return ir_operand(op, 1)->type->layout;
    if (op->num_results > 0 && ir_is_tile(op->results[0].type))
        return lo->prefer[op->results[0].id];
    if (op->code == OP_Assert && ir_is_tile(ir_operand(op, 0)->type))
        return ir_operand(op, 0)->type->layout;
    return NULL;
}

static void rewrite_plain(LayOut *lo, IrOp *op) {
    const Layout *layout = own_layout(lo, op);
    bool same_for_all = op->code == OP_Store || op->code == OP_Assert;
    for (unsigned i = 0; layout && i < op->num_operands; i++) {
        if (!ir_is_tile(ir_operand(op, i)->type))
            continue;
        const Layout *needed = same_for_all ? layout : needed_layout(lo, op, i, layout);
        use_version(lo, op, i, needed);
    }
    for (unsigned i = 0; i < op->num_results; i++)
        set_layout(lo, &op->results[i], layout);
}

/* Operands from `first` on become what `values` are. */
static void hand_on(LayOut *lo, IrOp *op, unsigned first, IrValue *const *values, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        use_version(lo, op, first + i, values[i]->type->layout);
}

static IrValue **result_list(const LayOut *lo, IrOp *op) {
    IrValue **results = ARENA_ARRAY(lo->arena, IrValue *, op->num_results + 1);
    for (unsigned i = 0; i < op->num_results; i++)
        results[i] = &op->results[i];
    return results;
}

static void rewrite_block(LayOut *lo, IrBlock *block);

static void rewrite_scope(LayOut *lo, IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++)
        set_preferred(lo, &op->results[i]);
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (unsigned i = 0; i < op->regions[r]->num_args; i++)
            set_preferred(lo, op->regions[r]->args[i]);
    }
    IrValue **results = result_list(lo, op);
    if (op->code == OP_For)
        hand_on(lo, op, 3, op->regions[0]->args + 1, op->num_results);
    if (op->code == OP_While)
        hand_on(lo, op, 0, op->regions[0]->args, op->num_operands);
    for (unsigned r = 0; r < op->num_regions; r++) {
        rewrite_block(lo, op->regions[r]);
    }
    if (op->code == OP_While) {
        hand_on(lo, op->regions[0]->last, 1, results, op->num_results);
        hand_on(lo, op->regions[1]->last, 0, op->regions[0]->args, op->num_operands);
        return;
    }
    for (unsigned r = 0; r < op->num_regions; r++)
        hand_on(lo, op->regions[r]->last, 0, results, op->num_results);
}

static void rewrite_block(LayOut *lo, IrBlock *block) {
    for (IrOp *op = block->first; op; op = op->next) {
        if (op->num_results > 0 && op->results[0].id >= lo->num_prefer)
            continue; /* a version made on the way */
        if (op->code == OP_For || op->code == OP_While || op->code == OP_If)
            rewrite_scope(lo, op);
        else if (is_operand_driven(op))
            rewrite_driven(lo, op);
        else
            rewrite_plain(lo, op);
    }
}

void rewrite_with_layouts(LayOut *lo) {
    rewrite_block(lo, lo->kernel->body);
}
