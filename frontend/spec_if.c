/* spec_if.c -- run-time `if`: two regions, and what becomes of names and of early returns.
 *
 * Each branch starts from a copy of the names; afterwards every IR value on which the branches
 * disagree is yielded by both and becomes a result of the `if`. Early returns need no jumps:
 *
 *     if pid >= n:          %c = cmpi sge %pid, %n
 *         return            if %c { yield } else { <all that follows> yield }
 *     <all that follows>
 *
 * When exactly one branch returns, the statements behind the `if` move into the other one. When
 * both may fall through but one of them may have returned deeper inside, the `if` also yields a
 * flag and the returned value, and the rest runs under a second `if` on the flag (spec_guarded). A
 * branch that has returned yields zeros for names: nobody reads them.
 */
#include "frontend/spec.h"

typedef struct Branch {
    IrBlock *block;
    Scope scope;
    Flow flow;
    const char *name; /* "then", "else" */
} Branch;

/* One value on which the branches disagree. */
typedef struct Item {
    Sym name; /* NULL: the returned value */
    SVal side[2];
    bool absent[2];
    SrcRange where;
} Item;

typedef struct Merge {
    Spec *s;
    Branch *branches;
    const Scope *base;
    SrcRange range;
    VEC(Item) items;
    IrValues yields[2];
    Scope scope; /* the outcome */
} Merge;

/* ---- regions --------------------------------------------------------------------------------- */

Place spec_enter(Spec *s, IrBlock *block) {
    Place old = {s->b.block, s->b.before};
    s->b.block = block;
    s->b.before = NULL;
    return old;
}

void spec_leave(Spec *s, Place old) {
    s->b.block = old.block;
    s->b.before = old.before;
}

void spec_yield(Spec *s, IrOpcode code, const IrValues *values) {
    ir_build(&s->b, code, values->data, (unsigned)values->len, NULL, 0);
}

IrOp *spec_with_results(Spec *s, IrOp *op, const IrValues *values) {
    if (values->len == 0)
        return op;
    const IrType **types = ARENA_ARRAY(s->arena, const IrType *, values->len);
    for (size_t i = 0; i < values->len; i++)
        types[i] = values->data[i]->type;
    IrValue **operands = ARENA_ARRAY(s->arena, IrValue *, op->num_operands);
    for (unsigned i = 0; i < op->num_operands; i++)
        operands[i] = ir_operand(op, i);
    SrcRange old = s->b.range;
    s->b.range = op->range;
    IrOp *typed =
        ir_build(&s->b, op->code, operands, op->num_operands, types, (unsigned)values->len);
    s->b.range = old;
    for (unsigned i = 0; i < op->num_regions; i++) {
        IrBlock *region = typed->regions[i];
        typed->regions[i] = op->regions[i];
        typed->regions[i]->parent = typed;
        op->regions[i] = region;
        region->parent = op;
    }
    ir_op_erase(op);
    return typed;
}

/* ---- conditions ------------------------------------------------------------------------------ */

int spec_truth(Spec *s, SVal v, SrcRange range) {
    if (v.kind == SV_TUPLE)
        return v.u.tuple.len > 0;
    if (v.kind != SV_CONST)
        return 1;
    int truth = py_truth(s->py, v.u.py);
    if (truth < 0)
        spec_exception(s, range);
    return truth;
}

IrValue *spec_condition(Spec *s, SVal v, const char *what, SrcRange range) {
    if (sv_is_tile(v) && ir_numel(v.u.ir->type) == 1) {
        const IrType *scalar = tl_to_ir(s, v.type);
        v.u.ir = ir_result(ir_build(&s->b, OP_Unsplat, &v.u.ir, 1, &scalar, 1), 0);
    }
    if (!sv_is_scalar(v)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_CONDITION, range, what, sv_type_name(s, v));
        diag_help(d, "choose element by element with tl.where, or reduce the tile first");
        return NULL;
    }
    SVal condition = spec_cast(s, v, tl_type(DT_BOOL), range);
    return sv_is_error(condition) ? NULL : condition.u.ir;
}

/* ---- merging --------------------------------------------------------------------------------- */

static Place enter_branch(Merge *m, int side) {
    return spec_enter(m->s, m->branches[side].block);
}

/* Makes tensors of numbers, in the branch that the value comes from. */
static SVal decay_in(Merge *m, int side, SVal v) {
    Place old = enter_branch(m, side);
    SVal out = spec_decay(m->s, v, m->range);
    spec_leave(m->s, old);
    return out;
}

static bool is_live(const Branch *branch) {
    return branch->flow.kind != FLOW_RETURNED;
}

static SVal gone(Merge *m, SrcRange where, const char *why) {
    Gone *reason = ARENA_NEW(m->s->arena, Gone);
    *reason = (Gone){.where = where, .why = why, .because = m->range};
    return (SVal){.kind = SV_GONE, .u.gone = reason};
}

static void keep(Merge *m, Sym name, SVal value, SrcRange where, bool constant) {
    Binding binding = {name, value, where, constant};
    vec_push(m->s->arena, &m->scope, binding);
}

static void report_mismatch(Merge *m, const Binding *base, const Binding *const sides[2]) {
    Spec *s = m->s;
    Sym name = sides[0]->name;
    Diag *d = NULL;
    for (int i = 0; i < 2 && base && !d; i++) {
        if (sv_same_form(s, base->value, sides[i]->value))
            continue;
        d = SPEC_ERROR(s, DIAG_KERNEL_IF_REDEFINES, sides[i]->where, name,
                       sv_type_name(s, base->value), m->branches[i].name,
                       sv_type_name(s, sides[i]->value));
        diag_note(d, base->where, "`%s` gets its first value here", name);
        if (sv_is_tensor(base->value) && sv_is_tensor(sides[i]->value))
            diag_help(d, "convert the new value: .to(%s), or start with the right type",
                      tl_code(s, base->value.type));
    }
    if (d)
        return;
    d = SPEC_ERROR(s, DIAG_KERNEL_IF_MISMATCH, sides[1]->where, name,
                   sv_type_name(s, sides[0]->value), sv_type_name(s, sides[1]->value));
    diag_note(d, sides[0]->where, "the then block binds it here");
}

/* A name that both branches bind, to different values. */
static void merge_both(Merge *m, const Binding *base, const Binding *then_, const Binding *else_) {
    Spec *s = m->s;
    Item item = {.name = then_->name, .where = then_->where};
    item.side[0] = decay_in(m, 0, then_->value);
    item.side[1] = decay_in(m, 1, else_->value);
    bool from_tensor = base && !sv_is_const(base->value) && base->value.kind != SV_GONE &&
                       base->value.kind != SV_ERROR;
    bool same = sv_same_form(s, item.side[0], item.side[1]) &&
                (!from_tensor || sv_same_form(s, base->value, item.side[0]));
    if (same) {
        vec_push(s->arena, &m->items, item);
        return;
    }
    if (base && sv_is_opaque(base->value)) {
        keep(m, then_->name, gone(m, base->where, "its value here is known at run time only"),
             then_->where, false);
        return;
    }
    const Binding *const sides[2] = {then_, else_};
    report_mismatch(m, from_tensor ? base : NULL, sides);
    keep(m, then_->name, SVAL_ERROR, then_->where, false);
}

static void merge_name(Merge *m, const Binding *then_, const Binding *else_, const Binding *base) {
    const Binding *any = then_ ? then_ : else_;
    bool unbound = !then_ || !else_ || then_->value.kind == SV_GONE || else_->value.kind == SV_GONE;
    if (then_ && else_ && sv_identical(m->s, then_->value, else_->value)) {
        keep(m, any->name, then_->value, then_->where, then_->constant && else_->constant);
        return;
    }
    if ((then_ && sv_is_error(then_->value)) || (else_ && sv_is_error(else_->value))) {
        keep(m, any->name, SVAL_ERROR, any->where, false);
        return;
    }
    if (unbound) {
        const char *why = then_ && then_->value.kind != SV_GONE
                              ? "only the first branch of this `if` binds it"
                              : "only the `else` branch of this `if` binds it";
        keep(m, any->name, gone(m, any->where, why), any->where, false);
        return;
    }
    merge_both(m, base, then_, else_);
}

/* A name's value at the end of a branch, where it can be read after the `if`. */
static SVal value_at_end(Merge *m, int side, SVal value) {
    if (value.kind != SV_GONE || !value.u.gone->index_of)
        return value;
    Place old = enter_branch(m, side);
    value = spec_last_index(m->s, value.u.gone->index_of);
    spec_leave(m->s, old);
    return value;
}

/* The names of the one branch that goes on. */
static void take_names(Merge *m, int side) {
    Scope *scope = &m->branches[side].scope;
    for (size_t i = 0; i < scope->len; i++) {
        const Binding *b = &scope->data[i];
        Scope base_scope = *m->base;
        const Binding *base = spec_find(&base_scope, b->name);
        if (base && sv_identical(m->s, base->value, b->value)) {
            vec_push(m->s->arena, &m->scope, *b);
            continue;
        }
        Item item = {.name = b->name, .where = b->where};
        SVal value = value_at_end(m, side, b->value);
        item.side[side] = item.side[!side] = value;
        item.absent[!side] = true;
        vec_push(m->s->arena, &m->items, item);
    }
}

static void merge_names(Merge *m) {
    Scope *then_ = &m->branches[0].scope, *else_ = &m->branches[1].scope;
    Scope base = *m->base;
    if (!is_live(&m->branches[0]) || !is_live(&m->branches[1])) {
        take_names(m, is_live(&m->branches[0]) ? 0 : 1);
        return;
    }
    for (size_t i = 0; i < then_->len; i++) {
        Sym name = then_->data[i].name;
        merge_name(m, &then_->data[i], spec_find(else_, name), spec_find(&base, name));
    }
    for (size_t i = 0; i < else_->len; i++)
        if (!spec_find(then_, else_->data[i].name))
            merge_name(m, NULL, &else_->data[i], NULL);
}

/* The returned value as an item; false if there is none (or it is None everywhere). */
static bool merge_result(Merge *m, SVal *out) {
    Spec *s = m->s;
    Item item = {.name = NULL};
    bool has[2];
    *out = sv_none();
    for (int i = 0; i < 2; i++) {
        has[i] = m->branches[i].flow.kind != FLOW_FALLS;
        if (has[i])
            item.side[i] = decay_in(m, i, m->branches[i].flow.result);
        item.absent[i] = !has[i];
        if (has[i] && sv_is_error(item.side[i])) {
            *out = SVAL_ERROR;
            return false;
        }
    }
    int one = has[0] ? 0 : 1;
    item.where = m->branches[one].flow.where;
    if (has[0] && has[1] && !sv_same_form(s, item.side[0], item.side[1])) {
        const Flow *second = &m->branches[1].flow;
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_RETURN_TYPES,
                             range_is_none(second->where) ? m->range : second->where,
                             sv_type_name(s, item.side[0]), sv_type_name(s, item.side[1]));
        if (!range_is_none(item.where))
            diag_note(d, item.where, "the other return is here");
        else
            diag_note(d, SRC_NONE, "the other path reaches the end of the function");
        *out = SVAL_ERROR;
        return false;
    }
    for (int i = 0; i < 2; i++)
        if (!has[i])
            item.side[i] = item.side[one];
    vec_push(s->arena, &m->items, item);
    return true;
}

/* ---- yields ---------------------------------------------------------------------------------- */

static IrValue *filler(Spec *s, const IrType *type);

/* A descriptor of a tensor without elements. */
static IrValue *desc_filler(Spec *s, const IrType *type) {
    IrValue *operands[1 + 2 * IR_MAX_RANK] = {filler(s, ir_type_ptr(s->ctx, type->elem))};
    for (unsigned i = 0; i < type->rank; i++) {
        bool is_last = i + 1 == type->rank;
        operands[1 + i] = ir_const_bits(&s->b, ir_type_scalar(s->ctx, TY_I32), 0);
        operands[1 + type->rank + i] =
            ir_const_bits(&s->b, ir_type_scalar(s->ctx, TY_I64), is_last);
    }
    return ir_result(ir_build(&s->b, OP_MakeDesc, operands, 1 + 2 * type->rank, &type, 1), 0);
}

/* A value of this type that nobody reads. */
static IrValue *filler(Spec *s, const IrType *type) {
    if (type->kind == TY_DESC)
        return desc_filler(s, type);
    if (!ir_is_ptr(type))
        return ir_const_bits(&s->b, type, 0);
    const IrType *i64 = ir_type_with_elem(s->ctx, type, ir_type_scalar(s->ctx, TY_I64));
    return ir_cast(&s->b, OP_IntToPtr, ir_const_bits(&s->b, i64, 0), ir_elem(type));
}

/* Adds the leaves of one item that differ; `leaves` gets the value of each after the `if`: NULL
 * where it is the next result. */
static void yield_item(Merge *m, const Item *item, IrValues *leaves) {
    Spec *s = m->s;
    IrValues side[2] = {{0}, {0}};
    sv_leaves(s, item->side[0], &side[0]);
    sv_leaves(s, item->side[1], &side[1]);
    for (size_t i = 0; i < side[0].len; i++) {
        bool both = !item->absent[0] && !item->absent[1];
        if (both && side[0].data[i] == side[1].data[i]) {
            vec_push(s->arena, leaves, side[0].data[i]);
            continue;
        }
        vec_push(s->arena, leaves, NULL);
        for (int k = 0; k < 2; k++) {
            Place old = enter_branch(m, k);
            IrValue *v = side[k].data[i];
            if (item->absent[k])
                v = filler(s, v->type);
            spec_leave(s, old);
            vec_push(s->arena, &m->yields[k], v);
        }
    }
}

static void yield_flags(Merge *m) {
    for (int k = 0; k < 2; k++) {
        const Flow *flow = &m->branches[k].flow;
        Place old = enter_branch(m, k);
        const IrType *i1 = ir_type_scalar(m->s->ctx, TY_I1);
        IrValue *flag = flow->kind == FLOW_MAYBE
                            ? flow->flag
                            : ir_const_bits(&m->s->b, i1, flow->kind == FLOW_RETURNED);
        spec_leave(m->s, old);
        vec_push(m->s->arena, &m->yields[k], flag);
    }
}

/* Ends both regions, gives the `if` its results, and binds them. */
static Flow finish(Merge *m, IrOp *op, Flow flow) {
    Spec *s = m->s;
    IrValues *leaves = ARENA_ARRAY(s->arena, IrValues, m->items.len + 1);
    for (size_t i = 0; i < m->items.len; i++)
        yield_item(m, &m->items.data[i], &leaves[i]);
    if (flow.kind == FLOW_MAYBE)
        yield_flags(m);
    for (int k = 0; k < 2; k++) {
        Place old = enter_branch(m, k);
        spec_yield(s, OP_Yield, &m->yields[k]);
        spec_leave(s, old);
    }
    op = spec_with_results(s, op, &m->yields[0]);
    unsigned next_result = 0;
    for (size_t i = 0; i < m->items.len; i++) {
        const Item *item = &m->items.data[i];
        for (size_t k = 0; k < leaves[i].len; k++)
            if (!leaves[i].data[k])
                leaves[i].data[k] = ir_result(op, next_result++);
        IrValue *const *next = leaves[i].data;
        SVal value = sv_with_leaves(s, item->side[0], &next);
        if (value.kind == SV_TENSOR && item->name && !value.u.ir->name)
            value.u.ir->name = item->name;
        if (item->name)
            keep(m, item->name, value, item->where, false);
        else
            flow.result = value;
    }
    if (flow.kind == FLOW_MAYBE)
        flow.flag = ir_result(op, next_result);
    s->frame->scope = m->scope;
    return flow;
}

static Flow merge(Spec *s, IrOp *op, Branch *branches, const Scope *base, SrcRange range) {
    Merge m = {.s = s, .branches = branches, .base = base, .range = range};
    FlowKind a = branches[0].flow.kind, b = branches[1].flow.kind;
    Flow flow = FLOW_NEXT;
    if (a != FLOW_FALLS || b != FLOW_FALLS) {
        flow.kind = a == FLOW_RETURNED && b == FLOW_RETURNED ? FLOW_RETURNED : FLOW_MAYBE;
        flow.where = branches[a != FLOW_FALLS ? 0 : 1].flow.where;
        merge_result(&m, &flow.result);
    }
    if (flow.kind != FLOW_RETURNED)
        merge_names(&m);
    return finish(&m, op, flow);
}

/* ---- statements ------------------------------------------------------------------------------ */

Flow spec_guarded(Spec *s, Flow before, SpecBody body, void *data, SrcRange range) {
    SrcRange old_range = spec_at(s, range);
    IrValue *yes = ir_const_bits(&s->b, before.flag->type, 1);
    IrValue *go_on = ir_binary(&s->b, OP_XorI, before.flag, yes);
    IrOp *op = ir_build(&s->b, OP_If, &go_on, 1, NULL, 0);
    Scope base = spec_scope_copy(s, &s->frame->scope);
    Branch branches[2] = {{.block = op->regions[0], .name = "then"},
                          {.block = op->regions[1], .name = "else", .scope = base}};
    Place old = spec_enter(s, op->regions[0]);
    branches[0].flow = body(s, data);
    branches[0].scope = s->frame->scope;
    spec_leave(s, old);
    branches[1].flow =
        (Flow){.kind = FLOW_RETURNED, .result = before.result, .where = before.where};
    spec_at(s, old_range);
    return merge(s, op, branches, &base, range);
}

typedef struct RestOf {
    StmtList body;
    size_t from;
} RestOf;

static Flow visit_rest(Spec *s, void *data) {
    const RestOf *rest = data;
    return spec_block(s, rest->body, rest->from);
}

/* One branch has returned: the statements behind the `if` belong to the other. */
static void continue_branch(Spec *s, Branch *branch, RestOf *rest, SrcRange range) {
    Place old = spec_enter(s, branch->block);
    s->frame->scope = branch->scope;
    branch->flow = branch->flow.kind == FLOW_MAYBE
                       ? spec_guarded(s, branch->flow, visit_rest, rest, range)
                       : visit_rest(s, rest);
    branch->scope = s->frame->scope;
    spec_leave(s, old);
}

static Flow dynamic_if(Spec *s, const Stmt *stmt, IrValue *cond, RestOf *rest, bool *took_rest) {
    IrOp *op = ir_build(&s->b, OP_If, &cond, 1, NULL, 0);
    Scope base = spec_scope_copy(s, &s->frame->scope);
    Branch branches[2] = {{.block = op->regions[0], .name = "then"},
                          {.block = op->regions[1], .name = "else"}};
    for (int i = 0; i < 2; i++) {
        s->frame->scope = spec_scope_copy(s, &base);
        Place old = spec_enter(s, branches[i].block);
        branches[i].flow = spec_block(s, i == 0 ? stmt->u.while_.body : stmt->u.while_.orelse, 0);
        branches[i].scope = s->frame->scope;
        spec_leave(s, old);
    }
    bool first_left = branches[0].flow.kind == FLOW_RETURNED;
    bool second_left = branches[1].flow.kind == FLOW_RETURNED;
    if (first_left != second_left) {
        continue_branch(s, &branches[first_left ? 1 : 0], rest, stmt->header);
        *took_rest = true;
    }
    spec_at(s, stmt->header);
    return merge(s, op, branches, &base, stmt->header);
}

/* After a mistake in the condition both branches are visited for their own mistakes. */
static Flow visit_after_error(Spec *s, const Stmt *stmt) {
    Flow then_ = spec_block(s, stmt->u.while_.body, 0);
    Flow else_ = spec_block(s, stmt->u.while_.orelse, 0);
    bool both = then_.kind == FLOW_RETURNED && else_.kind == FLOW_RETURNED;
    return both ? then_ : FLOW_NEXT;
}

Flow spec_if(Spec *s, const Stmt *stmt, StmtList rest, size_t from, bool *took_rest) {
    SrcRange where = stmt->u.while_.test->range;
    SVal test = spec_expr(s, stmt->u.while_.test);
    if (sv_is_error(test))
        return visit_after_error(s, stmt);
    if (!sv_is_tensor(test)) {
        int truth = spec_truth(s, test, where);
        if (truth < 0)
            return visit_after_error(s, stmt);
        return spec_block(s, truth ? stmt->u.while_.body : stmt->u.while_.orelse, 0);
    }
    spec_at(s, stmt->header);
    IrValue *cond = spec_condition(s, test, "if", where);
    if (!cond)
        return visit_after_error(s, stmt);
    RestOf behind = {rest, from};
    return dynamic_if(s, stmt, cond, &behind, took_rest);
}
