/* lay_out_prefer.c -- which layout each tile had best have.
 *
 * Anchors choose first: products, and loads and atomics that have an element for each thread. Their
 * choices spread forward to results, then backward to operands, over operations that move nothing,
 * and around loops, until nothing changes; who has a preference keeps it. Stores anchor only what
 * has no preference by then: a product's result is better converted than computed in the layout of
 * a store. What is left takes what follows from its operands, or a default. Example: in `store p, x
 * + y` with x and y loaded, all of it has the loads' layout.
 */
#include "passes/lay_out.h"

static const Layout *prefer_of(const LayOut *lo, const IrValue *value) {
    return lo->prefer[value->id];
}

/* Sets a preference where there is none. */
static bool propose(LayOut *lo, const IrValue *value, const Layout *layout) {
    if (!layout || !ir_is_tile(value->type) || lo->prefer[value->id])
        return false;
    lo->prefer[value->id] = layout;
    return true;
}

/* ---- anchors --------------------------------------------------------------------------------- */

const Layout *pair_layout(LayOut *lo) {
    static const uint8_t bits[] = {1};
    unsigned warp_bits = 0;
    while (1 << warp_bits < lo->kernel->num_warps)
        warp_bits++;
    LayoutStep steps[] = {{LL_REG, 0, 1}, {LL_WARP, LAYOUT_NO_AXIS, (uint8_t)warp_bits}};
    Layout layout = layout_build(1, bits, steps, TK_COUNTOF(steps), LL_REG, NULL);
    return ir_layout(lo->ctx, &layout);
}

static bool anchor(IrOp *op, void *data) {
    LayOut *lo = data;
    if (op->code == OP_Join && !ir_is_tile(ir_operand(op, 0)->type))
        propose(lo, &op->results[0], pair_layout(lo));
    else if (op->code == OP_Dot)
        propose(lo, &op->results[0], plan_dot(lo, op));
    else if (is_anchor(lo, op) && op->num_results > 0)
        propose(lo, &op->results[0], access_layout(lo, op));
    return true;
}

/* ---- around regions -------------------------------------------------------------------------- */

/* Values that are one value at run time, such as a loop's argument, initial value, yield and
 * result: the first preference among them becomes that of all. */
static bool unify(LayOut *lo, IrValue *const *values, unsigned count) {
    const Layout *layout = NULL;
    for (unsigned i = 0; i < count && !layout; i++)
        layout = prefer_of(lo, values[i]);
    bool changed = false;
    for (unsigned i = 0; i < count; i++)
        changed |= propose(lo, values[i], layout);
    return changed;
}

static bool unify_for(LayOut *lo, IrOp *op) {
    const IrBlock *body = op->regions[0];
    bool changed = false;
    for (unsigned i = 0; i < op->num_results; i++) {
        IrValue *same[] = {body->args[1 + i], &op->results[i], ir_operand(body->last, i),
                           ir_operand(op, 3 + i)};
        changed |= unify(lo, same, 4);
    }
    return changed;
}

static bool unify_while(LayOut *lo, IrOp *op) {
    const IrBlock *head = op->regions[0], *body = op->regions[1];
    bool changed = false;
    for (unsigned i = 0; i < op->num_operands; i++) {
        IrValue *same[] = {head->args[i], ir_operand(op, i), ir_operand(body->last, i)};
        changed |= unify(lo, same, 3);
    }
    for (unsigned i = 0; i < op->num_results; i++) {
        IrValue *same[] = {&op->results[i], body->args[i], ir_operand(head->last, 1 + i)};
        changed |= unify(lo, same, 3);
    }
    return changed;
}

static bool unify_if(LayOut *lo, IrOp *op) {
    bool changed = false;
    for (unsigned i = 0; i < op->num_results; i++) {
        IrValue *same[] = {&op->results[i], ir_operand(op->regions[0]->last, i),
                           ir_operand(op->regions[1]->last, i)};
        changed |= unify(lo, same, 3);
    }
    return changed;
}

static bool unify_regions(LayOut *lo, IrOp *op) {
    switch ((int)op->code) {
    case OP_For:
        return unify_for(lo, op);
    case OP_While:
        return unify_while(lo, op);
    case OP_If:
        return unify_if(lo, op);
    default:
        return false;
    }
}

/* ---- spreading ------------------------------------------------------------------------------- */

static bool spread_to_results(LayOut *lo, IrOp *op, bool grow) {
    bool changed = false;
    for (unsigned i = 0; i < op->num_operands; i++) {
        const Layout *layout = prefer_of(lo, ir_operand(op, i));
        if (!layout)
            continue;
        const Layout *given = given_layout(lo, op, i, layout, grow);
        for (unsigned r = 0; r < op->num_results; r++)
            changed |= propose(lo, &op->results[r], given);
    }
    return changed;
}

static bool spread_to_operands(LayOut *lo, IrOp *op) {
    const Layout *layout = NULL;
    if (is_anchor(lo, op))
        layout = access_layout(lo, op);
    else if (op->code == OP_Store)
        layout = prefer_of(lo, ir_operand(op, 1));
    else if (op->num_results > 0 && ir_is_tile(op->results[0].type))
        layout = prefer_of(lo, &op->results[0]);
    bool changed = false;
    for (unsigned i = 0; layout && i < op->num_operands; i++) {
        const Layout *needed = op->code == OP_Store ? layout : needed_layout(lo, op, i, layout);
        changed |= propose(lo, ir_operand(op, i), needed);
    }
    return changed;
}

static bool forward(LayOut *lo, IrBlock *block, bool grow) {
    bool changed = false;
    for (IrOp *op = block->first; op; op = op->next) {
        if (op->num_regions == 0 || op->code == OP_Reduce || op->code == OP_Scan)
            changed |= spread_to_results(lo, op, grow);
        changed |= unify_regions(lo, op);
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= forward(lo, op->regions[r], grow);
        changed |= unify_regions(lo, op);
    }
    return changed;
}

static bool backward(LayOut *lo, IrBlock *block) {
    bool changed = false;
    for (IrOp *op = block->last; op; op = op->prev) {
        changed |= unify_regions(lo, op);
        for (unsigned r = op->num_regions; r-- > 0;)
            changed |= backward(lo, op->regions[r]);
        changed |= unify_regions(lo, op);
        if (op->num_regions == 0)
            changed |= spread_to_operands(lo, op);
    }
    return changed;
}

static void spread(LayOut *lo) {
    IrBlock *body = lo->kernel->body;
    bool changed = true;
    while (changed) { /* every round gives some value its preference, or is the last */
        while (forward(lo, body, false))
            ;
        changed = backward(lo, body);
    }
}

/* ---- what is left ---------------------------------------------------------------------------- */

static bool settle(IrOp *op, void *data) {
    LayOut *lo = data;
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (unsigned i = 0; i < op->regions[r]->num_args; i++) {
            IrValue *arg = op->regions[r]->args[i];
            if (ir_is_tile(arg->type) && propose(lo, arg, default_layout(lo, arg->type)))
                unify_regions(lo, op);
        }
    }
    spread_to_results(lo, op, true);
    for (unsigned i = 0; i < op->num_results; i++) {
        IrValue *result = &op->results[i];
        if (ir_is_tile(result->type) && !prefer_of(lo, result))
            propose(lo, result, default_layout(lo, result->type));
    }
    return true;
}

void find_preferences(LayOut *lo) {
    ir_walk(lo->kernel->body, anchor, lo);
    spread(lo);
    ir_walk(lo->kernel->body, settle, lo);
}
