/* syntax_expr.c -- expressions: where stars, `yield`, `await` and `:=` may stand.
 *
 * A comprehension is a function of its own, except for its first iterable, which the scope around
 * it evaluates. Hence the rules of `await` in them: a list comprehension that awaits must be inside
 * an async function; a generator expression may await anywhere, for nothing runs until it is asked.
 */
#include "frontend/syntax_check.h"

void check_exprs(Checker *checker, const ExprList *list) {
    for (size_t i = 0; i < list->len; i++)
        check_expr(checker, list->items[i]);
}

/* Elements, among which `*x` may be. */
static void check_elements(Checker *checker, const ExprList *list) {
    for (size_t i = 0; i < list->len; i++) {
        const Expr *element = list->items[i];
        check_expr(checker, element->kind == EXPR_STARRED ? element->u.wrap.value : element);
    }
}

void check_type_expr(Checker *checker, const Expr *expr) {
    if (!expr)
        return;
    Scope *scope = ARENA_NEW(checker->parser->arena, Scope);
    scope_enter(checker, scope, SCOPE_TYPE);
    check_expr(checker, expr);
    scope_leave(checker);
}

/* Under `from __future__ import annotations` they are not evaluated where they stand. */
void check_annotation(Checker *checker, const Expr *annotation) {
    if (checker->future_annotations)
        check_type_expr(checker, annotation);
    else
        check_expr(checker, annotation);
}

static void check_defaults(Checker *checker, const ArgList *list) {
    for (size_t i = 0; i < list->len; i++)
        check_expr(checker, list->items[i].default_);
}

void check_param_defaults(Checker *checker, const Params *params) {
    check_defaults(checker, &params->posonly);
    check_defaults(checker, &params->args);
    check_defaults(checker, &params->kwonly);
}

static void check_lambda(Checker *checker, const Expr *expr) {
    check_param_defaults(checker, &expr->u.lambda.params);
    Scope *scope = ARENA_NEW(checker->parser->arena, Scope);
    scope_enter(checker, scope, SCOPE_LAMBDA);
    params_bind(checker, &expr->u.lambda.params);
    check_expr(checker, expr->u.lambda.body);
    scope_leave(checker);
}

/* ---- Yield and await ---- */

static void check_yield(Checker *checker, const Expr *expr) {
    Scope *scope = checker->scope;
    const char *word = expr->kind == EXPR_YIELD ? "yield" : "yield from";
    if (scope->kind == SCOPE_COMPREHENSION)
        CHECK_ERROR(checker, YIELD_IN_COMPREHENSION, expr->range, word);
    else if (scope->kind == SCOPE_TYPE)
        CHECK_ERROR(checker, OUTSIDE_FUNCTION, expr->range, word);
    else if (!scope_is_function(scope))
        CHECK_ERROR(checker, OUTSIDE_FUNCTION, expr->range, word);
    else if (scope->is_async && expr->kind == EXPR_YIELD_FROM)
        CHECK_ERROR(checker, YIELD_FROM_IN_ASYNC, expr->range);
    scope->saw_yield = true;
    check_expr(checker, expr->u.wrap.value);
}

static void check_await(Checker *checker, const Expr *expr) {
    Scope *scope = checker->scope;
    if (scope->kind == SCOPE_COMPREHENSION)
        scope->awaits = true;
    else if (!scope->is_async)
        CHECK_ERROR(checker, OUTSIDE_ASYNC, expr->range, "`await`");
    check_expr(checker, expr->u.wrap.value);
}

/* ---- Comprehensions ---- */

static void check_iterable(Checker *checker, const Expr *iter) {
    bool before = checker->scope->in_iterable;
    checker->scope->in_iterable = true;
    check_expr(checker, iter);
    checker->scope->in_iterable = before;
}

static void check_comp(Checker *checker, const Expr *expr) {
    const ComprehensionList *clauses = &expr->u.comp.generators;
    Scope *outer = checker->scope;
    check_iterable(checker, clauses->items[0].iter);
    Scope *scope = ARENA_NEW(checker->parser->arena, Scope);
    scope_enter(checker, scope, SCOPE_COMPREHENSION);
    scope->is_generator = expr->kind == EXPR_GENERATOR;
    for (size_t i = 0; i < clauses->len; i++) {
        const Comprehension *clause = &clauses->items[i];
        scope->in_iteration = true;
        check_target(checker, clause->target);
        scope->in_iteration = false;
        if (i > 0)
            check_iterable(checker, clause->iter);
        check_exprs(checker, &clause->ifs);
        scope->awaits = scope->awaits || clause->is_async;
    }
    if (expr->u.comp.value)
        check_expr(checker, expr->u.comp.value);
    if (expr->u.comp.elt->kind != EXPR_STARRED) /* reported by the parser */
        check_expr(checker, expr->u.comp.elt);
    scope_leave(checker);
    if (!scope->awaits || scope->is_generator)
        return;
    if (outer->kind == SCOPE_COMPREHENSION)
        outer->awaits = true;
    else if (!outer->is_async)
        CHECK_ERROR(checker, OUTSIDE_ASYNC, expr->range, "an asynchronous comprehension");
}

/* ---- Everything else ---- */

static void check_named(Checker *checker, const Expr *expr) {
    const Expr *target = expr->u.named.target;
    check_expr(checker, expr->u.named.value);
    if (target->kind == EXPR_NAME && !target->parenthesized)
        name_bind_walrus(checker, target->u.name.id, target->range);
    else if (target->kind != EXPR_ERROR)
        CHECK_ERROR(checker, BAD_WALRUS, target->range, "left of it must be a plain name");
}

static void check_call(Checker *checker, const Expr *expr) {
    check_expr(checker, expr->u.call.func);
    check_elements(checker, &expr->u.call.args);
    for (size_t i = 0; i < expr->u.call.keywords.len; i++) {
        const Keyword *keyword = &expr->u.call.keywords.items[i];
        if (keyword->name == checker->debug_name)
            CHECK_ERROR(checker, BAD_TARGET, keyword->name_range, "`__debug__`");
        check_expr(checker, keyword->value);
    }
}

static void check_dict(Checker *checker, const Expr *expr) {
    for (size_t i = 0; i < expr->u.dict.values.len; i++) {
        check_expr(checker, expr->u.dict.keys.items[i]);
        check_expr(checker, expr->u.dict.values.items[i]);
    }
}

/* Kinds whose children need no rule of their own. */
static void check_operator(Checker *checker, const Expr *expr) {
    switch ((int)expr->kind) {
    case EXPR_BOOLOP:
        check_exprs(checker, &expr->u.boolop.values);
        break;
    case EXPR_BINOP:
        check_expr(checker, expr->u.binop.left);
        check_expr(checker, expr->u.binop.right);
        break;
    case EXPR_UNARYOP:
        check_expr(checker, expr->u.unaryop.operand);
        break;
    case EXPR_COMPARE:
        check_expr(checker, expr->u.compare.left);
        check_exprs(checker, &expr->u.compare.comparators);
        break;
    case EXPR_IFEXP:
        check_expr(checker, expr->u.ifexp.test);
        check_expr(checker, expr->u.ifexp.body);
        check_expr(checker, expr->u.ifexp.orelse);
        break;
    case EXPR_SLICE:
        check_expr(checker, expr->u.slice.lower);
        check_expr(checker, expr->u.slice.upper);
        check_expr(checker, expr->u.slice.step);
        break;
    default:
        break;
    }
}

void check_expr(Checker *checker, const Expr *expr) {
    if (!expr)
        return;
    switch (expr->kind) {
    case EXPR_NAME:
        name_use(checker, expr->u.name.id, expr->range);
        break;
    case EXPR_ATTRIBUTE:
        check_expr(checker, expr->u.attribute.value);
        break;
    case EXPR_CALL:
        check_call(checker, expr);
        break;
    case EXPR_SUBSCRIPT:
        check_expr(checker, expr->u.subscript.value);
        check_expr(checker, expr->u.subscript.index);
        break;
    case EXPR_BOOLOP:
    case EXPR_BINOP:
    case EXPR_UNARYOP:
    case EXPR_COMPARE:
    case EXPR_IFEXP:
    case EXPR_SLICE:
        check_operator(checker, expr);
        break;
    case EXPR_NAMED:
        check_named(checker, expr);
        break;
    case EXPR_LAMBDA:
        check_lambda(checker, expr);
        break;
    case EXPR_DICT:
        check_dict(checker, expr);
        break;
    case EXPR_SET:
    case EXPR_LIST:
    case EXPR_TUPLE:
        check_elements(checker, &expr->u.seq.elts);
        break;
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
        check_comp(checker, expr);
        break;
    case EXPR_AWAIT:
        check_await(checker, expr);
        break;
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
        check_yield(checker, expr);
        break;
    case EXPR_STARRED: /* where it may stand, its container has looked through it */
        CHECK_ERROR(checker, STAR_MISPLACED, expr->range);
        break;
    case EXPR_FORMATTED:
        check_expr(checker, expr->u.formatted.value);
        check_expr(checker, expr->u.formatted.format_spec);
        break;
    case EXPR_JOINEDSTR:
        check_exprs(checker, &expr->u.joined.values);
        break;
    case EXPR_CONSTANT:
    case EXPR_ERROR:
        break;
    }
}
