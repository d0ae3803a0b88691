/* spec_expr.c -- expressions: from syntax tree to value.
 *
 * Operands are evaluated left to right; what they mean together is spec_arith.c's business (for
 * tensors) or Python's (for compile-time values). An `if` expression and `and`/`or` look at their
 * first operand: if it is a compile-time value only the chosen side is visited. Example: in
 * `x if FLAG else y` with FLAG = False, x may be anything.
 */
#include "frontend/spec.h"

#include <string.h>

static SVal unsupported(Spec *s, const Expr *e, const char *node, const char *help) {
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, e->range, node);
    if (help)
        diag_help(d, "%s", help);
    return SVAL_ERROR;
}

/* The node name and the advice for expressions that kernels cannot have; NULL: others. */
static const char *unsupported_node(ExprKind kind, const char **help) {
    static const struct {
        ExprKind kind;
        const char *node, *help;
    } rows[] = {
        {EXPR_LAMBDA, "Lambda", "write a @triton.jit function"},
        {EXPR_DICT, "Dict", NULL},
        {EXPR_SET, "Set", "use a tuple"},
        {EXPR_SETCOMP, "SetComp", "use a list comprehension"},
        {EXPR_DICTCOMP, "DictComp", NULL},
        {EXPR_GENERATOR, "GeneratorExp", "use a list comprehension: [... for x in xs]"},
        {EXPR_AWAIT, "Await", NULL},
        {EXPR_YIELD, "Yield", NULL},
        {EXPR_YIELD_FROM, "YieldFrom", NULL},
        {EXPR_STARRED, "Starred", "`*x` is allowed among the arguments of a call only"},
    };
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        if (rows[i].kind == kind) {
            *help = rows[i].help;
            return rows[i].node;
        }
    }
    return NULL;
}

static SVal sequence(Spec *s, const Expr *e) {
    ExprList elts = e->u.seq.elts;
    SVal *items = ARENA_ARRAY(s->arena, SVal, elts.len);
    bool failed = false;
    for (size_t i = 0; i < elts.len; i++) {
        items[i] = spec_expr(s, elts.items[i]);
        failed |= sv_is_error(items[i]);
    }
    return failed ? SVAL_ERROR : sv_tuple(s, items, elts.len);
}

static SVal slice(Spec *s, const Expr *e) {
    const Expr *parts[3] = {e->u.slice.lower, e->u.slice.upper, e->u.slice.step};
    const SVal *values[3];
    for (int i = 0; i < 3; i++) {
        SVal v = parts[i] ? spec_expr(s, parts[i]) : sv_none();
        if (sv_is_error(v))
            return v;
        values[i] = sv_box(s, v);
    }
    SVal v = {.kind = SV_SLICE};
    v.u.slice.lower = values[0];
    v.u.slice.upper = values[1];
    v.u.slice.step = values[2];
    return v;
}

/* ---- operators ------------------------------------------------------------------------------- */

static SVal binop(Spec *s, const Expr *e) {
    SVal a = spec_expr(s, e->u.binop.left);
    SVal b = spec_expr(s, e->u.binop.right);
    if (sv_is_error(a) || sv_is_error(b))
        return SVAL_ERROR;
    spec_at(s, e->range);
    return spec_binary(s, e->u.binop.op, a, b, e->range);
}

/* Both operands are evaluated unless the first is a compile-time value that decides. */
static SVal boolop(Spec *s, const Expr *e) {
    ExprList values = e->u.boolop.values;
    bool is_or = e->u.boolop.is_or;
    SVal result = spec_expr(s, values.items[0]);
    for (size_t i = 1; i < values.len && !sv_is_error(result); i++) {
        if (!sv_is_tensor(result)) {
            int truth = spec_truth(s, result, values.items[i - 1]->range);
            if (truth < 0)
                return SVAL_ERROR;
            if ((truth == 1) == is_or)
                continue;
            result = spec_expr(s, values.items[i]);
            continue;
        }
        SVal next = spec_expr(s, values.items[i]);
        if (sv_is_error(next))
            return next;
        SrcRange range = e->range; /* with the parentheses of its ends */
        if (i + 1 < values.len)
            range.hi = values.items[i]->range.hi;
        spec_at(s, range);
        result = spec_logical(s, is_or, result, next, range);
    }
    return result;
}

static SVal compare(Spec *s, const Expr *e) {
    if (e->u.compare.comparators.len > 1) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_CHAINED_COMPARE, e->range);
        diag_help(d, "write `(a < b) & (b < c)`");
        return SVAL_ERROR;
    }
    SVal a = spec_expr(s, e->u.compare.left);
    SVal b = spec_expr(s, e->u.compare.comparators.items[0]);
    if (sv_is_error(a) || sv_is_error(b))
        return SVAL_ERROR;
    spec_at(s, e->range);
    return spec_compare(s, e->u.compare.ops[0], a, b, e->range);
}

/* A run-time `x if c else y`: both sides are visited, each in its own region. */
static SVal dynamic_ifexp(Spec *s, const Expr *e, IrValue *cond) {
    IrOp *trial = ir_build(&s->b, OP_If, &cond, 1, NULL, 0);
    const Expr *sides[2] = {e->u.ifexp.body, e->u.ifexp.orelse};
    SVal values[2];
    for (int i = 0; i < 2; i++) {
        Place old = spec_enter(s, trial->regions[i]);
        values[i] = spec_expr(s, sides[i]);
        if (!sv_is_error(values[i]))
            values[i] = spec_decay(s, values[i], sides[i]->range);
        spec_leave(s, old);
    }
    if (sv_is_error(values[0]) || sv_is_error(values[1]))
        return SVAL_ERROR;
    if (!sv_same_form(s, values[0], values[1])) {
        SPEC_ERROR(s, DIAG_KERNEL_IFEXP_TYPES, e->range, sv_type_name(s, values[0]),
                   sv_type_name(s, values[1]));
        return SVAL_ERROR;
    }
    IrValues leaves[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        sv_leaves(s, values[i], &leaves[i]);
        Place old = spec_enter(s, trial->regions[i]);
        spec_yield(s, OP_Yield, &leaves[i]);
        spec_leave(s, old);
    }
    IrOp *op = spec_with_results(s, trial, &leaves[0]);
    IrValue **results = ARENA_ARRAY(s->arena, IrValue *, leaves[0].len);
    for (unsigned i = 0; i < op->num_results; i++)
        results[i] = ir_result(op, i);
    IrValue *const *next = results;
    return sv_with_leaves(s, values[0], &next);
}

static SVal ifexp(Spec *s, const Expr *e) {
    SVal test = spec_expr(s, e->u.ifexp.test);
    if (sv_is_error(test))
        return test;
    if (!sv_is_tensor(test)) {
        int truth = spec_truth(s, test, e->u.ifexp.test->range);
        if (truth < 0)
            return SVAL_ERROR;
        return spec_expr(s, truth ? e->u.ifexp.body : e->u.ifexp.orelse);
    }
    spec_at(s, e->range);
    IrValue *cond = spec_condition(s, test, "if", e->u.ifexp.test->range);
    return cond ? dynamic_ifexp(s, e, cond) : SVAL_ERROR;
}

static SVal named(Spec *s, const Expr *e) {
    SVal v = spec_expr(s, e->u.named.value);
    spec_assign(s, e->u.named.target, v, false, e->u.named.value->range);
    return sv_is_error(v) ? v : spec_expr(s, e->u.named.target);
}

/* ---- strings and comprehensions -------------------------------------------------------------- */

/* One {value!r:spec} of an f-string; the value must be known at compile time. */
static bool put_formatted(Spec *s, const Expr *e, StrBuf *out) {
    SVal v = spec_expr(s, e->u.formatted.value);
    PyValue value;
    if (sv_is_error(v))
        return false;
    if (!sv_to_py(s, v, &value)) {
        SPEC_ERROR(s, DIAG_KERNEL_FSTRING, e->range, sv_type_name(s, v));
        return false;
    }
    const char *spec = "";
    size_t spec_len = 0;
    if (e->u.formatted.format_spec) {
        SVal text = spec_expr(s, e->u.formatted.format_spec);
        if (!sv_is_const(text))
            return false;
        spec = py_str_data(text.u.py, &spec_len);
    }
    if (e->u.formatted.self_doc)
        strbuf_puts(out, e->u.formatted.self_doc);
    bool as_repr = e->u.formatted.conversion == 'r' || e->u.formatted.conversion == 'a' ||
                   (e->u.formatted.self_doc && !e->u.formatted.conversion && spec_len == 0);
    bool ok = as_repr ? py_repr(s->py, value, out) : py_format(s->py, value, spec, spec_len, out);
    if (!ok)
        spec_exception(s, e->range);
    return ok;
}

static SVal joined_string(Spec *s, const Expr *e) {
    StrBuf out = STRBUF(s->arena);
    for (size_t i = 0; i < e->u.joined.values.len; i++) {
        const Expr *part = e->u.joined.values.items[i];
        if (part->kind == EXPR_CONSTANT)
            strbuf_write(&out, part->u.constant.text, part->u.constant.text_len);
        else if (!put_formatted(s, part, &out))
            return SVAL_ERROR;
    }
    return sv_from_py(s, py_strn(s->py, strbuf_str(&out), out.len), e->range);
}

/* The condition of a comprehension: 1 keep, 0 skip, -1 reported. */
static int comprehension_keeps(Spec *s, const Comprehension *c) {
    for (size_t k = 0; k < c->ifs.len; k++) {
        SVal cond = spec_expr(s, c->ifs.items[k]);
        int truth = sv_is_error(cond) ? -1 : spec_truth(s, cond, c->ifs.items[k]->range);
        if (truth <= 0)
            return truth;
    }
    return 1;
}

static SVal list_comprehension(Spec *s, const Expr *e) {
    if (e->u.comp.generators.len > 1)
        return unsupported(s, e, "ListComp", "a list comprehension may have one `for` only");
    const Comprehension *c = &e->u.comp.generators.items[0];
    SVal iter = spec_expr(s, c->iter);
    if (sv_is_error(iter))
        return iter;
    if (iter.kind != SV_TUPLE) {
        SPEC_ERROR(s, DIAG_KERNEL_NOT_ITERABLE, c->iter->range, sv_type_name(s, iter));
        return SVAL_ERROR;
    }
    Scope saved = spec_scope_copy(s, &s->frame->scope);
    VEC(SVal) items = {0};
    bool failed = false;
    for (size_t i = 0; i < iter.u.tuple.len && !failed; i++) {
        if (c->target->kind == EXPR_NAME) /* numbers stay numbers here */
            spec_bind(s, c->target->u.name.id, iter.u.tuple.items[i], c->target->range);
        else
            spec_assign(s, c->target, iter.u.tuple.items[i], false, c->iter->range);
        int keep = comprehension_keeps(s, c);
        failed = keep < 0;
        if (keep != 1)
            continue;
        SVal item = spec_expr(s, e->u.comp.elt);
        failed = sv_is_error(item);
        vec_push(s->arena, &items, item);
    }
    s->frame->scope = saved;
    return failed ? SVAL_ERROR : sv_tuple(s, items.data, items.len);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void push_argument(Spec *s, SArgs *args, SVal v, SrcRange range) {
    args->pos[args->num_pos] = v;
    args->pos_ranges[args->num_pos++] = range;
    (void)s;
}

/* Evaluates the positional arguments; *tuple is spread. False: one failed. */
static bool positional_arguments(Spec *s, const ExprList *list, SArgs *args) {
    bool ok = true;
    SVal *values = ARENA_ARRAY(s->arena, SVal, list->len);
    size_t count = 0;
    for (size_t i = 0; i < list->len; i++) {
        const Expr *arg = list->items[i];
        bool starred = arg->kind == EXPR_STARRED;
        values[i] = spec_expr(s, starred ? arg->u.wrap.value : arg);
        if (starred && !sv_is_error(values[i]) && values[i].kind != SV_TUPLE) {
            SPEC_ERROR(s, DIAG_KERNEL_NOT_ITERABLE, arg->range, sv_type_name(s, values[i]));
            values[i] = SVAL_ERROR;
        }
        ok &= !sv_is_error(values[i]);
        count += starred && !sv_is_error(values[i]) ? values[i].u.tuple.len : 1;
    }
    args->pos = ARENA_ARRAY(s->arena, SVal, count);
    args->pos_ranges = ARENA_ARRAY(s->arena, SrcRange, count);
    for (size_t i = 0; i < list->len && ok; i++) {
        const Expr *arg = list->items[i];
        if (arg->kind != EXPR_STARRED) {
            push_argument(s, args, values[i], arg->range);
            continue;
        }
        for (size_t k = 0; k < values[i].u.tuple.len; k++)
            push_argument(s, args, values[i].u.tuple.items[k], arg->range);
    }
    return ok;
}

static bool keyword_arguments(Spec *s, const KeywordList *list, SArgs *args) {
    bool ok = true;
    args->names = ARENA_ARRAY(s->arena, Sym, list->len);
    args->values = ARENA_ARRAY(s->arena, SVal, list->len);
    args->name_ranges = ARENA_ARRAY(s->arena, SrcRange, list->len);
    args->value_ranges = ARENA_ARRAY(s->arena, SrcRange, list->len);
    for (size_t i = 0; i < list->len; i++) {
        const Keyword *k = &list->items[i];
        if (!k->name) {
            Diag *d = SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, k->value->range, "**keywords");
            diag_help(d, "pass each keyword argument by its name");
            ok = false;
            continue;
        }
        size_t n = args->num_names++;
        args->names[n] = k->name;
        args->name_ranges[n] = k->name_range;
        args->value_ranges[n] = k->value->range;
        args->values[n] = spec_expr(s, k->value);
        ok &= !sv_is_error(args->values[n]);
    }
    return ok;
}

static SVal call(Spec *s, const Expr *e) {
    SVal callee = spec_expr(s, e->u.call.func);
    SArgs args = {.range = e->range};
    bool ok = positional_arguments(s, &e->u.call.args, &args);
    ok &= keyword_arguments(s, &e->u.call.keywords, &args);
    if (!ok || sv_is_error(callee))
        return SVAL_ERROR;
    spec_at(s, e->range);
    return spec_call(s, callee, &args, e->u.call.func->range);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static SVal unary(Spec *s, const Expr *e) {
    SVal v = spec_expr(s, e->u.unaryop.operand);
    if (sv_is_error(v))
        return v;
    spec_at(s, e->range);
    return spec_unary(s, e->u.unaryop.op, v, e->range);
}

static SVal attribute(Spec *s, const Expr *e) {
    const Expr *value = e->u.attribute.value;
    SVal base = spec_expr(s, value);
    if (sv_is_error(base))
        return base;
    spec_at(s, e->range);
    return spec_attribute(s, base, e->u.attribute.attr, value->range, e->u.attribute.attr_range);
}

static SVal subscript(Spec *s, const Expr *e) {
    SVal base = spec_expr(s, e->u.subscript.value);
    SVal index = spec_expr(s, e->u.subscript.index);
    if (sv_is_error(base) || sv_is_error(index))
        return SVAL_ERROR;
    spec_at(s, e->range);
    return spec_subscript(s, base, index, e->u.subscript.value->range, e->range);
}

static SVal expression(Spec *s, const Expr *e) {
    const char *help = NULL;
    const char *node = unsupported_node(e->kind, &help);
    if (node)
        return unsupported(s, e, node, help);
    switch ((int)e->kind) {
    case EXPR_CONSTANT:
        return sv_from_py(s, py_const(s->py, e), e->range);
    case EXPR_NAME:
        return spec_name(s, e->u.name.id, e->range);
    case EXPR_BINOP:
        return binop(s, e);
    case EXPR_UNARYOP:
        return unary(s, e);
    case EXPR_BOOLOP:
        return boolop(s, e);
    case EXPR_COMPARE:
        return compare(s, e);
    case EXPR_CALL:
        return call(s, e);
    case EXPR_ATTRIBUTE:
        return attribute(s, e);
    case EXPR_SUBSCRIPT:
        return subscript(s, e);
    case EXPR_TUPLE:
    case EXPR_LIST:
        return sequence(s, e);
    case EXPR_SLICE:
        return slice(s, e);
    case EXPR_IFEXP:
        return ifexp(s, e);
    case EXPR_NAMED:
        return named(s, e);
    case EXPR_JOINEDSTR:
        return joined_string(s, e);
    case EXPR_LISTCOMP:
        return list_comprehension(s, e);
    default: /* what the parser has reported */
        return SVAL_ERROR;
    }
}

SVal spec_expr(Spec *s, const Expr *e) {
    SrcRange old = spec_at(s, e->range);
    SVal v = expression(s, e);
    if (!s->frame->fn->is_stdlib)
        s->b.range = old;
    return v;
}
