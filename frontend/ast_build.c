/* ast_build.c -- constructors of expression nodes.
 *
 * Ranges follow CPython: a node's range does not include brackets that only group, a parent's does.
 */
#include "frontend/ast_build.h"

void expr_deepen(Expr *expr, const Expr *child) {
    if (child && child->depth >= expr->depth)
        expr->depth = (uint16_t)(child->depth + 1);
}

static void deepen_all(Expr *expr, const ExprList *list) {
    for (size_t i = 0; i < list->len; i++)
        expr_deepen(expr, list->items[i]);
}

static Expr *new_expr(Parser *parser, ExprKind kind, SrcRange range) {
    Expr *expr = ARENA_NEW(parser->arena, Expr);
    expr->kind = kind;
    expr->range = range;
    return expr;
}

/* What a constructor returns: the node, unless it is too deep. */
static Expr *finish(Parser *parser, Expr *expr) {
    if (TK_LIKELY(expr->depth <= PARSE_MAX_NESTING))
        return expr;
    report_too_deep(parser, expr->range);
    return build_error(parser, expr->range);
}

Expr *build_error(Parser *parser, SrcRange range) {
    return new_expr(parser, EXPR_ERROR, range);
}

Expr *build_name(Parser *parser, SrcRange range, Sym id) {
    Expr *expr = new_expr(parser, EXPR_NAME, range);
    expr->u.name.id = id;
    return expr;
}

Expr *build_constant(Parser *parser, SrcRange range, ConstKind kind) {
    Expr *expr = new_expr(parser, EXPR_CONSTANT, range);
    expr->u.constant.kind = kind;
    return expr;
}

Expr *build_attribute(Parser *parser, SrcRange range, Expr *value, Sym attr, SrcRange attr_range) {
    Expr *expr = new_expr(parser, EXPR_ATTRIBUTE, range);
    expr->u.attribute.value = value;
    expr->u.attribute.attr = attr;
    expr->u.attribute.attr_range = attr_range;
    expr_deepen(expr, value);
    return finish(parser, expr);
}

Expr *build_call(Parser *parser, SrcRange range, Expr *func, CallArgs *args) {
    Expr *expr = new_expr(parser, EXPR_CALL, range);
    expr->u.call.func = func;
    expr_deepen(expr, func);
    if (args) {
        expr->u.call.args = args->args;
        expr->u.call.keywords = args->keywords;
        if (args->generator && args->count == 1) /* it borrows the call's brackets */
            args->generator->range = (SrcRange){range.file, func->range.hi, range.hi};
    }
    deepen_all(expr, &expr->u.call.args);
    for (size_t i = 0; i < expr->u.call.keywords.len; i++)
        expr_deepen(expr, expr->u.call.keywords.items[i].value);
    return finish(parser, expr);
}

Expr *build_subscript(Parser *parser, SrcRange range, Expr *value, Expr *index) {
    Expr *expr = new_expr(parser, EXPR_SUBSCRIPT, range);
    expr->u.subscript.value = value;
    expr->u.subscript.index = index;
    expr_deepen(expr, value);
    expr_deepen(expr, index);
    return finish(parser, expr);
}

Expr *build_index(Parser *parser, SrcRange range, Expr *index) {
    if (index->kind != EXPR_STARRED)
        return index;
    return build_tuple(parser, range, expr_list_add(parser, NULL, index), true);
}

Expr *build_slice(Parser *parser, SrcRange range, Expr *lower, Expr *upper, Expr *step) {
    Expr *expr = new_expr(parser, EXPR_SLICE, range);
    expr->u.slice.lower = lower;
    expr->u.slice.upper = upper;
    expr->u.slice.step = step;
    expr_deepen(expr, lower);
    expr_deepen(expr, upper);
    expr_deepen(expr, step);
    return finish(parser, expr);
}

Expr *build_unary(Parser *parser, SrcRange range, UnaryOpKind op, Expr *operand) {
    Expr *expr = new_expr(parser, EXPR_UNARYOP, range);
    expr->u.unaryop.op = op;
    expr->u.unaryop.operand = operand;
    expr_deepen(expr, operand);
    return finish(parser, expr);
}

Expr *build_binary(Parser *parser, SrcRange range, BinOpKind op, SrcRange op_range, Expr *left,
                   Expr *right) {
    Expr *expr = new_expr(parser, EXPR_BINOP, range);
    expr->u.binop.op = op;
    expr->u.binop.op_range = op_range;
    expr->u.binop.left = left;
    expr->u.binop.right = right;
    expr_deepen(expr, left);
    expr_deepen(expr, right);
    return finish(parser, expr);
}

/* a < b < c is one node: the left operand is extended if it is a chain without brackets. */
Expr *build_compare(Parser *parser, SrcRange range, Expr *left, CmpOpKind op, Expr *right) {
    Expr *expr = left;
    if (left->kind != EXPR_COMPARE || left->parenthesized) {
        expr = new_expr(parser, EXPR_COMPARE, range);
        expr->u.compare.left = left;
        expr_deepen(expr, left);
    }
    ExprList *comparators = &expr->u.compare.comparators;
    expr->u.compare.ops = list_grow(parser, expr->u.compare.ops, comparators->len,
                                    sizeof(CmpOpKind), _Alignof(CmpOpKind));
    expr->u.compare.ops[comparators->len] = op;
    expr_list_add(parser, comparators, right);
    expr->range = range;
    expr_deepen(expr, right);
    return finish(parser, expr);
}

/* a and b and c is one node, too. */
Expr *build_boolop(Parser *parser, SrcRange range, bool is_or, Expr *left, Expr *right) {
    Expr *expr = left;
    if (left->kind != EXPR_BOOLOP || left->parenthesized || left->u.boolop.is_or != is_or) {
        expr = new_expr(parser, EXPR_BOOLOP, range);
        expr->u.boolop.is_or = is_or;
        expr_list_add(parser, &expr->u.boolop.values, left);
        expr_deepen(expr, left);
    }
    expr_list_add(parser, &expr->u.boolop.values, right);
    expr->range = range;
    expr_deepen(expr, right);
    return finish(parser, expr);
}

Expr *build_named(Parser *parser, SrcRange range, Expr *target, Expr *value) {
    Expr *expr = new_expr(parser, EXPR_NAMED, range);
    expr->u.named.target = target;
    expr->u.named.value = value;
    expr_deepen(expr, target);
    expr_deepen(expr, value);
    return finish(parser, expr);
}

Expr *build_ifexp(Parser *parser, SrcRange range, Expr *body, Expr *test, Expr *orelse) {
    Expr *expr = new_expr(parser, EXPR_IFEXP, range);
    expr->u.ifexp.test = test;
    expr->u.ifexp.body = body;
    expr->u.ifexp.orelse = orelse;
    expr_deepen(expr, test);
    expr_deepen(expr, body);
    expr_deepen(expr, orelse);
    return finish(parser, expr);
}

static void deepen_params(Expr *expr, const ArgList *list) {
    for (size_t i = 0; i < list->len; i++)
        expr_deepen(expr, list->items[i].default_);
}

Expr *build_lambda(Parser *parser, SrcRange range, ParamItems *params, Expr *body) {
    Expr *expr = new_expr(parser, EXPR_LAMBDA, range);
    if (params)
        expr->u.lambda.params = params->params;
    expr->u.lambda.body = body;
    deepen_params(expr, &expr->u.lambda.params.posonly);
    deepen_params(expr, &expr->u.lambda.params.args);
    deepen_params(expr, &expr->u.lambda.params.kwonly);
    expr_deepen(expr, body);
    return finish(parser, expr);
}

Expr *build_wrap(Parser *parser, ExprKind kind, SrcRange word, SrcRange range, Expr *value) {
    Expr *expr = new_expr(parser, kind, range_join(word, range));
    expr->u.wrap.value = value;
    expr_deepen(expr, value);
    return finish(parser, expr);
}

Expr *build_seq(Parser *parser, ExprKind kind, SrcRange range, ExprList *elts) {
    Expr *expr = new_expr(parser, kind, range);
    if (elts)
        expr->u.seq.elts = *elts;
    deepen_all(expr, &expr->u.seq.elts);
    return finish(parser, expr);
}

Expr *build_tuple(Parser *parser, SrcRange range, ExprList *elts, bool comma) {
    (void)comma;
    return build_seq(parser, EXPR_TUPLE, range, elts);
}

Expr *build_group(Parser *parser, Expr *inner) {
    (void)parser;
    inner->parenthesized = true;
    return inner;
}

Expr *build_paren(Parser *parser, SrcRange range, ExprList *elts, bool comma) {
    if (elts->len == 1 && !comma) {
        Expr *inner = elts->items[0];
        if (inner->kind == EXPR_STARRED)
            PARSE_ERROR(parser, STAR_MISPLACED, inner->range);
        return build_group(parser, inner);
    }
    Expr *tuple = build_seq(parser, EXPR_TUPLE, range, elts);
    tuple->parenthesized = true;
    return tuple;
}

Expr *build_dict(Parser *parser, SrcRange range, DictItems *items) {
    Expr *expr = new_expr(parser, EXPR_DICT, range);
    if (items) {
        expr->u.dict.keys = items->keys;
        expr->u.dict.values = items->values;
    }
    deepen_all(expr, &expr->u.dict.keys);
    deepen_all(expr, &expr->u.dict.values);
    return finish(parser, expr);
}

Expr *build_dict_comp(Parser *parser, SrcRange range, DictItems *items,
                      ComprehensionList *clauses) {
    Expr *key = items->keys.items[0];
    Expr *value = items->values.items[0];
    if (items->keys.len > 1)
        PARSE_ERROR(parser, COMPREHENSION_ELEMENT, items->values.items[1]->range,
                    "only one element may stand before `for`");
    else if (!key)
        PARSE_ERROR(parser, COMPREHENSION_ELEMENT, value->range,
                    "`**` cannot be used in a comprehension");
    if (!key)
        key = build_error(parser, value->range);
    return build_comp(parser, EXPR_DICTCOMP, range, key, value, clauses);
}

Expr *build_comp(Parser *parser, ExprKind kind, SrcRange range, Expr *elt, Expr *value,
                 ComprehensionList *clauses) {
    Expr *expr = new_expr(parser, kind, range);
    expr->u.comp.elt = elt;
    expr->u.comp.value = value;
    expr->u.comp.generators = *clauses;
    if (elt->kind == EXPR_STARRED)
        PARSE_ERROR(parser, COMPREHENSION_ELEMENT, elt->range,
                    "`*` cannot be used in a comprehension");
    expr_deepen(expr, elt);
    expr_deepen(expr, value);
    for (size_t i = 0; i < clauses->len; i++) {
        expr_deepen(expr, clauses->items[i].target);
        expr_deepen(expr, clauses->items[i].iter);
        deepen_all(expr, &clauses->items[i].ifs);
    }
    return finish(parser, expr);
}

Comprehension *build_comp_clause(Parser *parser, Expr *target, Expr *iter, bool is_async) {
    Comprehension *clause = ARENA_NEW(parser->arena, Comprehension);
    clause->target = target;
    clause->iter = iter;
    clause->is_async = is_async;
    return clause;
}

Comprehension *comp_clause_if(Parser *parser, Comprehension *clause, Expr *test) {
    expr_list_add(parser, &clause->ifs, test);
    return clause;
}

Expr *build_chain(Parser *parser, SrcRange range, Expr *first, Expr *second) {
    ExprList *parts = expr_list_add(parser, expr_list_add(parser, NULL, first), second);
    return build_seq(parser, EXPR_TUPLE, range, parts);
}

Expr *add_to_chain(Parser *parser, SrcRange range, Expr *chain, Expr *next) {
    if (chain->kind == EXPR_ERROR)
        return chain;
    chain->range = range;
    expr_list_add(parser, &chain->u.seq.elts, next);
    return chain;
}
