/* spec_loop.c -- `for` and `while`: unrolled, or an IR loop with carried values.
 *
 * What a run-time loop carries is found by visiting its body on trial: every IR value inside a name
 * of the surrounding code that the body leaves changed becomes an argument of the loop's region.
 * The trial's IR and messages are thrown away; the real visit follows. A number that is carried
 * becomes a tensor first, which may make more names change, so trials repeat until nothing new
 * turns up. Inside a trial, inner loops are visited once only (their IR is thrown away anyhow):
 * nested loops cost quadratic time, not exponential. Example: in `for i in range(n): acc += x` acc
 * is carried.
 */
#include "frontend/spec.h"

#include <math.h>

typedef struct Carried { /* one leaf of one name */
    Sym name;
    size_t leaf;
} Carried;

typedef struct Loop {
    Spec *s;
    const Stmt *stmt;
    bool is_while;
    CountedLoop counted; /* for */
    TlType index_type;
    const SRange *range;
    VEC(Carried) carried;
} Loop;

/* ---- carried values -------------------------------------------------------------------------- */

static bool is_carried(const Loop *loop, Sym name, size_t leaf) {
    for (size_t i = 0; i < loop->carried.len; i++)
        if (loop->carried.data[i].name == name && loop->carried.data[i].leaf == leaf)
            return true;
    return false;
}

static IrValue *carried_leaf(Spec *s, Scope *scope, const Carried *c) {
    IrValues leaves = {0};
    sv_leaves(s, spec_find(scope, c->name)->value, &leaves);
    return leaves.data[c->leaf];
}

static IrValues carried_leaves(Loop *loop, Scope *scope) {
    IrValues out = {0};
    for (size_t i = 0; i < loop->carried.len; i++)
        vec_push(loop->s->arena, &out, carried_leaf(loop->s, scope, &loop->carried.data[i]));
    return out;
}

/* Binds every carried leaf to its value in `values` (block arguments or results). */
static void bind_carried(Loop *loop, Scope *scope, const IrValues *values) {
    Spec *s = loop->s;
    for (size_t i = 0; i < loop->carried.len; i++) {
        const Carried *c = &loop->carried.data[i];
        Binding *binding = spec_find(scope, c->name);
        IrValues leaves = {0};
        sv_leaves(s, binding->value, &leaves);
        leaves.data[c->leaf] = values->data[i];
        IrValue *const *next = leaves.data;
        binding->value = sv_with_leaves(s, binding->value, &next);
    }
}

/* Adds what a trial left changed; true if there was anything new. */
static bool add_carried(Loop *loop, Scope *before, Scope *after) {
    Spec *s = loop->s;
    bool added = false;
    for (size_t i = 0; i < before->len; i++) {
        Binding *old = &before->data[i];
        const Binding *new_ = spec_find(after, old->name);
        if (!new_ || sv_is_error(new_->value) || new_->value.kind == SV_GONE)
            continue;
        bool decays = sv_is_number(old->value) && !old->constant;
        if (decays && !sv_identical(s, old->value, new_->value)) {
            old->value = spec_to_tensor(s, old->value, loop->stmt->header);
            added = true;
        }
        if (!sv_same_form(s, old->value, new_->value))
            continue; /* reported by the real visit */
        IrValues a = {0}, b = {0};
        sv_leaves(s, old->value, &a);
        sv_leaves(s, new_->value, &b);
        for (size_t k = 0; k < a.len; k++) {
            if (a.data[k] == b.data[k] || is_carried(loop, old->name, k))
                continue;
            Carried c = {old->name, k};
            vec_push(s->arena, &loop->carried, c);
            added = true;
        }
    }
    return added;
}

/* ---- one visit of the body ------------------------------------------------------------------- */

static void bind_index(Loop *loop, IrBlock *block) {
    Spec *s = loop->s;
    const Expr *target = loop->stmt->u.for_.target;
    Sym name = target->kind == EXPR_NAME ? target->u.name.id : NULL;
    IrValue *index = ir_block_add_arg(&s->b, block, tl_to_ir(s, loop->index_type),
                                      loop->counted.downward ? NULL : name);
    if (loop->counted.downward) { /* to - index + from */
        index = ir_binary(&s->b, OP_SubI, loop->counted.to.u.ir, index);
        index = ir_binary(&s->b, OP_AddI, index, loop->counted.from.u.ir);
    }
    spec_assign(s, target, sv_tensor(index, loop->index_type), false, target->range);
}

static IrValues add_arguments(Loop *loop, IrBlock *block, const IrValues *like) {
    Spec *s = loop->s;
    IrValues args = {0};
    for (size_t i = 0; i < like->len; i++) {
        IrValue *arg =
            ir_block_add_arg(&s->b, block, like->data[i]->type, loop->carried.data[i].name);
        vec_push(s->arena, &args, arg);
    }
    return args;
}

static IrOp *build_loop_op(Loop *loop, const IrValues *inits) {
    Spec *s = loop->s;
    unsigned extra = loop->is_while ? 0 : 3, count = extra + (unsigned)inits->len;
    IrValue **operands = ARENA_ARRAY(s->arena, IrValue *, count);
    const IrType **types = ARENA_ARRAY(s->arena, const IrType *, inits->len);
    if (!loop->is_while) {
        operands[0] = loop->counted.from.u.ir;
        operands[1] = loop->counted.to.u.ir;
        operands[2] = loop->counted.step.u.ir;
    }
    for (size_t i = 0; i < inits->len; i++) {
        operands[extra + i] = inits->data[i];
        types[i] = inits->data[i]->type;
    }
    IrOp *op = ir_build(&s->b, loop->is_while ? OP_While : OP_For, operands, count, types,
                        (unsigned)inits->len);
    if (loop->is_while)
        return op;
    const SRange *r = loop->range;
    ir_set_int(op, ATTR_UNSIGNED, tl_is_unsigned(loop->index_type));
    ir_set_int(op, ATTR_NUM_STAGES, r->num_stages);
    ir_set_int(op, ATTR_UNROLL, r->unroll);
    ir_set_int(op, ATTR_FLATTEN, r->flatten);
    ir_set_int(op, ATTR_WARP_SPECIALIZE, r->warp_specialize);
    ir_set_int(op, ATTR_NO_LICM, r->no_licm);
    ir_set_int(op, ATTR_NO_MULTI_BUFFER, r->no_multi_buffer);
    return op;
}

/* The test of a while, in the loop's first region. */
static void visit_test(Loop *loop, IrBlock *block, const IrValues *inits) {
    Spec *s = loop->s;
    const Expr *test = loop->stmt->u.while_.test;
    IrValues args = add_arguments(loop, block, inits);
    bind_carried(loop, &s->frame->scope, &args);
    SVal value = spec_expr(s, test);
    IrValue *cond = NULL;
    if (!sv_is_tensor(value) && !sv_is_error(value)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_WHILE_CONSTANT, test->range, sv_type_name(s, value));
        diag_help(d, "test a variable that the loop changes");
    } else if (!sv_is_error(value)) {
        cond = spec_condition(s, value, "while", test->range);
    }
    if (!cond)
        cond = ir_const_bits(&s->b, ir_type_scalar(s->ctx, TY_I1), 0);
    IrValues now = carried_leaves(loop, &s->frame->scope), passed = {0};
    vec_push(s->arena, &passed, cond);
    for (size_t i = 0; i < now.len; i++)
        vec_push(s->arena, &passed, now.data[i]);
    spec_yield(s, OP_Condition, &passed);
}

/* A name of the scope `entry` that an inner loop took over as its index is carried with the value
 * that the inner loop left. */
static void read_indices(Spec *s, const Scope *entry) {
    for (size_t i = 0; i < entry->len; i++) {
        SVal before = entry->data[i].value;
        Binding *now = spec_find(&s->frame->scope, entry->data[i].name);
        if (now && before.kind != SV_GONE && !sv_is_error(before) && now->value.kind == SV_GONE &&
            now->value.u.gone->index_of)
            now->value = spec_last_index(s, now->value.u.gone->index_of);
    }
}

/* Visits the body once in a new loop op; the frame's scope is afterwards that of the body's end,
 * and building goes on there until the caller calls spec_leave(*old). */
static IrOp *visit_body(Loop *loop, const IrValues *inits, Place *old) {
    Spec *s = loop->s;
    IrOp *op = build_loop_op(loop, inits);
    IrBlock *body = op->regions[loop->is_while ? 1 : 0];
    if (loop->is_while) {
        Place outer = spec_enter(s, op->regions[0]);
        visit_test(loop, op->regions[0], inits);
        spec_leave(s, outer);
    }
    *old = spec_enter(s, body);
    if (!loop->is_while)
        bind_index(loop, body);
    IrValues args = add_arguments(loop, body, inits);
    bind_carried(loop, &s->frame->scope, &args);
    const Stmt *outer_loop = s->frame->loop;
    Scope entry = spec_scope_copy(s, &s->frame->scope);
    s->frame->loop = loop->stmt;
    spec_block(s, loop->is_while ? loop->stmt->u.while_.body : loop->stmt->u.for_.body, 0);
    s->frame->loop = outer_loop;
    read_indices(s, &entry);
    return op;
}

/* Visits the body on trial; true if names turned out to be carried that were not known to be. */
static bool try_body(Loop *loop, Scope *live) {
    Spec *s = loop->s;
    size_t messages = diags_len(s->diags);
    uint32_t values = s->kernel->num_values;
    Place old;
    s->dry++;
    s->frame->scope = spec_scope_copy(s, live);
    IrValues inits = carried_leaves(loop, live);
    Scope at_entry;
    IrOp *op = visit_body(loop, &inits, &old);
    Scope after = s->frame->scope;
    spec_leave(s, old);
    ir_op_erase(op);
    s->dry--;
    diags_truncate(s->diags, messages);
    s->kernel->num_values = values;
    at_entry = spec_scope_copy(s, live);
    bool added = add_carried(loop, &at_entry, &after);
    *live = at_entry;
    return added;
}

/* ---- after the loop -------------------------------------------------------------------------- */

static void report_changed_type(Loop *loop, const Binding *before, const Binding *after) {
    Spec *s = loop->s;
    Diag *d;
    if (!sv_is_tensor(before->value) && before->value.kind != SV_TUPLE) {
        d = SPEC_ERROR(s, DIAG_KERNEL_LOOP_CONSTEXPR, after->where, before->name);
        diag_label(d, "%s", sv_type_name(s, after->value));
        diag_note(d, before->where, "`%s` is %s before the loop", before->name,
                  sv_type_name(s, before->value));
        diag_help(d, "start with a tensor of the type it has in the loop");
        return;
    }
    d = SPEC_ERROR(s, DIAG_KERNEL_LOOP_TYPE, after->where, before->name,
                   sv_type_name(s, before->value), sv_type_name(s, after->value));
    diag_note(d, before->where, "`%s` gets its initial value here: %s", before->name,
              sv_type_name(s, before->value));
    if (sv_is_tensor(before->value) && sv_is_tensor(after->value)) {
        if (!tl_same(before->value.type, after->value.type))
            diag_help(d, "give both one type: .to(%s) here, or .to(%s) before the loop",
                      tl_code(s, before->value.type), tl_code(s, after->value.type));
        else
            diag_help(d, "start with the shape it has in the loop: tl.zeros(shape, dtype)");
    }
}

/* Names changed to another type are reported and poisoned. */
static void check_types(Loop *loop, Scope *live, Scope *after) {
    Spec *s = loop->s;
    for (size_t i = 0; i < live->len; i++) {
        Binding *old = &live->data[i];
        const Binding *new_ = spec_find(after, old->name);
        bool unbound = sv_is_error(old->value) || old->value.kind == SV_GONE;
        if (unbound || !new_ || sv_same_form(s, old->value, new_->value))
            continue;
        if (!sv_is_error(new_->value) && new_->value.kind != SV_GONE)
            report_changed_type(loop, old, new_);
        old->value = new_->value.kind == SV_GONE ? new_->value : SVAL_ERROR;
    }
}

/* With i counting from `from` by `step`: from + (max(to, from + 1) - (from + 1)) / step * step. */
SVal spec_last_index(Spec *s, const CountedLoop *loop) {
    TlType type = loop->from.type;
    bool is_unsigned = tl_is_unsigned(type);
    IrValue *from = loop->from.u.ir, *to = loop->to.u.ir, *step = loop->step.u.ir;
    IrValue *least = ir_binary(&s->b, OP_AddI, from, ir_const_bits(&s->b, from->type, 1));
    IrValue *end = ir_binary(&s->b, is_unsigned ? OP_MaxUI : OP_MaxSI, to, least);
    IrValue *span = ir_binary(&s->b, OP_SubI, end, least);
    IrValue *count = ir_binary(&s->b, is_unsigned ? OP_DivUI : OP_DivSI, span, step);
    IrValue *way = ir_binary(&s->b, OP_MulI, count, step);
    if (loop->downward)
        return sv_tensor(ir_binary(&s->b, OP_SubI, to, way), type);
    return sv_tensor(ir_binary(&s->b, OP_AddI, from, way), type);
}

/* Is the name the index of the loop, as the loop left it? */
static bool is_index(const Loop *loop, Sym name) {
    if (loop->is_while)
        return false;
    const Expr *target = loop->stmt->u.for_.target;
    return target->kind == EXPR_NAME && target->u.name.id == name;
}

/* Names that only the body binds have no value behind the loop. */
static void add_gone(Loop *loop, Scope *live, const Scope *after) {
    Spec *s = loop->s;
    for (size_t i = 0; i < after->len; i++) {
        Binding *old = spec_find(live, after->data[i].name);
        if ((old && old->value.kind != SV_GONE) || sv_is_error(after->data[i].value) ||
            after->data[i].value.kind == SV_GONE)
            continue;
        Gone *gone = ARENA_NEW(s->arena, Gone);
        *gone = (Gone){.where = after->data[i].where,
                       .why = "only the body of this loop binds it, which may not run",
                       .because = loop->stmt->header};
        if (is_index(loop, after->data[i].name))
            gone->index_of =
                arena_memdup(s->arena, &loop->counted, sizeof loop->counted, _Alignof(CountedLoop));
        Binding binding = after->data[i];
        binding.constant = false;
        binding.value = (SVal){.kind = SV_GONE, .u.gone = gone};
        if (old)
            *old = binding;
        else
            vec_push(s->arena, live, binding);
    }
}

/* In a trial: the values of the body's end stand for the results; nothing checks dominance. */
static void finish_trial(Loop *loop, Scope *live) {
    Spec *s = loop->s;
    Scope after = s->frame->scope;
    for (size_t i = 0; i < live->len; i++) {
        const Binding *new_ = spec_find(&after, live->data[i].name);
        if (new_)
            live->data[i].value = new_->value;
    }
    add_gone(loop, live, &after);
    s->frame->scope = *live;
}

static Flow run_loop(Loop *loop) {
    Spec *s = loop->s;
    Scope live = spec_scope_copy(s, &s->frame->scope);
    Place old;
    if (!loop->is_while && loop->stmt->u.for_.target->kind == EXPR_NAME) {
        Binding *index = spec_find(&live, loop->stmt->u.for_.target->u.name.id);
        if (index) /* the loop takes the name over */
            *index = vec_pop(&live);
    }
    if (s->dry > 0) {
        IrValues none = {0};
        visit_body(loop, &none, &old);
        spec_leave(s, old);
        finish_trial(loop, &live);
        return FLOW_NEXT;
    }
    while (try_body(loop, &live))
        continue;
    s->frame->scope = spec_scope_copy(s, &live);
    IrValues inits = carried_leaves(loop, &live);
    IrOp *op = visit_body(loop, &inits, &old);
    Scope after = s->frame->scope;
    check_types(loop, &live, &after);
    bool whole = !s->reported;
    if (whole) {
        IrValues next = carried_leaves(loop, &after);
        spec_yield(s, OP_Yield, &next);
    }
    spec_leave(s, old);
    IrValues results = {0};
    for (unsigned i = 0; i < op->num_results; i++)
        vec_push(s->arena, &results, ir_result(op, i));
    for (size_t i = 0; i < loop->carried.len && whole; i++)
        results.data[i]->name = loop->carried.data[i].name;
    if (whole)
        bind_carried(loop, &live, &results);
    add_gone(loop, &live, &after);
    s->frame->scope = live;
    return FLOW_NEXT;
}

/* ---- for ------------------------------------------------------------------------------------- */

static bool bound_is_scalar_int(SVal v) {
    return sv_is_scalar(v) && tl_is_int(v.type);
}

static Flow dynamic_for(Spec *s, const Stmt *stmt, const SRange *range) {
    Loop loop = {.s = s, .stmt = stmt, .range = range};
    CountedLoop *counted = &loop.counted;
    SVal from = range->from, to = range->to, step = range->step;
    int64_t value = 0;
    if (sv_is_number(step) && py_to_i64(step.u.py, &value) && value < 0) {
        counted->downward = true;
        step = sv_int(-value);
        SVal swap = from;
        from = to;
        to = swap;
    }
    SrcRange where = stmt->u.for_.iter->range;
    counted->from = spec_to_tensor(s, from, where);
    counted->to = spec_to_tensor(s, to, where);
    counted->step = spec_to_tensor(s, step, where);
    if (sv_is_error(counted->from) || sv_is_error(counted->to) || sv_is_error(counted->step))
        return FLOW_NEXT;
    if (!bound_is_scalar_int(counted->from) || !bound_is_scalar_int(counted->to) ||
        !bound_is_scalar_int(counted->step)) {
        SPEC_ERROR(s, DIAG_KERNEL_LOOP_BOUNDS, where, sv_type_name(s, counted->from),
                   sv_type_name(s, counted->to), sv_type_name(s, counted->step));
        return FLOW_NEXT;
    }
    TlType type = spec_promote_ints(counted->from.type, counted->to.type);
    loop.index_type = type = spec_promote_ints(type, counted->step.type);
    counted->from = spec_cast(s, counted->from, type, where);
    counted->to = spec_cast(s, counted->to, type, where);
    counted->step = spec_cast(s, counted->step, type, where);
    return run_loop(&loop);
}

#define MAX_UNROLLED 65536 /* in one kernel, all loops together */

typedef struct Unrolled { /* the iterations of a static_range that are left */
    const Stmt *stmt;
    int64_t next, step, left;
    size_t errors; /* before the first: one that fails is enough */
} Unrolled;

static bool goes_on(Spec *s, Unrolled *loop) {
    if (loop->left == 0 || s->errors > loop->errors)
        return false;
    if (s->unrolled < MAX_UNROLLED)
        return true;
    SPEC_ERROR(s, DIAG_KERNEL_UNROLL, loop->stmt->u.for_.iter->range, MAX_UNROLLED);
    return false;
}

static Flow visit_iterations(Spec *s, void *data) {
    Unrolled *loop = data;
    while (goes_on(s, loop)) {
        const Expr *target = loop->stmt->u.for_.target;
        if (target->kind == EXPR_NAME)
            spec_bind(s, target->u.name.id, sv_int(loop->next), target->range);
        loop->next += loop->step;
        loop->left--;
        s->unrolled++;
        Flow flow = spec_block(s, loop->stmt->u.for_.body, 0);
        if (flow.kind == FLOW_RETURNED || (flow.kind == FLOW_MAYBE && loop->left == 0))
            return flow;
        if (flow.kind == FLOW_MAYBE)
            return spec_guarded(s, flow, visit_iterations, loop, loop->stmt->header);
    }
    return FLOW_NEXT;
}

static Flow static_for(Spec *s, const Stmt *stmt, const SRange *range) {
    int64_t from = 0, to = 0, step = 0;
    bool known = sv_is_number(range->from) && py_to_i64(range->from.u.py, &from) &&
                 sv_is_number(range->to) && py_to_i64(range->to.u.py, &to) &&
                 sv_is_number(range->step) && py_to_i64(range->step.u.py, &step) && step != 0;
    SrcRange where = stmt->u.for_.iter->range;
    if (!known) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_STATIC_RANGE, where);
        diag_help(d, "use tl.range for bounds that are known at run time only");
        return FLOW_NEXT;
    }
    double span = (double)to - (double)from;
    double count = step > 0 ? (span + (double)step - 1) / (double)step
                            : (span + (double)step + 1) / (double)step;
    Unrolled loop = {stmt, from, step, count >= 1 ? (int64_t)fmin(count, 1e18) : 0, s->errors};
    return visit_iterations(s, &loop);
}

static void refuse_else(Spec *s, StmtList orelse, const char *what) {
    if (orelse.len > 0)
        SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, orelse.items[0]->range, what);
}

Flow spec_for(Spec *s, const Stmt *stmt) {
    refuse_else(s, stmt->u.for_.orelse, "else of a for");
    SVal iter = spec_expr(s, stmt->u.for_.iter);
    if (iter.kind == SV_RANGE) {
        spec_at(s, stmt->header);
        return iter.u.range->is_static ? static_for(s, stmt, iter.u.range)
                                       : dynamic_for(s, stmt, iter.u.range);
    }
    if (!sv_is_error(iter)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_ITERATOR, stmt->u.for_.iter->range);
        diag_label(d, "%s", sv_type_name(s, iter));
        if (iter.kind == SV_TUPLE)
            diag_help(d, "write `for i in tl.static_range(len(x))` and use x[i]");
    }
    spec_assign(s, stmt->u.for_.target, SVAL_ERROR, false, stmt->header);
    spec_block(s, stmt->u.for_.body, 0); /* for its own mistakes */
    return FLOW_NEXT;
}

Flow spec_while(Spec *s, const Stmt *stmt) {
    refuse_else(s, stmt->u.while_.orelse, "else of a while");
    Loop loop = {.s = s, .stmt = stmt, .is_while = true};
    return run_loop(&loop);
}
