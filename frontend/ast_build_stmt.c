/* ast_build_stmt.c -- constructors of statement nodes.
 *
 * A compound statement's depth is one more than that of the deepest statement in it. An `elif` is
 * an `if` in the `else` of the one before, so a long chain is deep, too, and has the same limit.
 */
#include "frontend/ast_build.h"

Stmt *build_stmt(Parser *parser, StmtKind kind, SrcRange range) {
    Stmt *stmt = ARENA_NEW(parser->arena, Stmt);
    stmt->kind = kind;
    stmt->range = stmt->header = range;
    return stmt;
}

static Stmt *build_compound(Parser *parser, StmtKind kind, SrcRange range, SrcRange header) {
    Stmt *stmt = build_stmt(parser, kind, range);
    stmt->header = header;
    return stmt;
}

static void stmt_deepen(Stmt *stmt, const StmtList *body) {
    for (size_t i = 0; i < body->len; i++)
        if (body->items[i]->depth >= stmt->depth)
            stmt->depth = (uint16_t)(body->items[i]->depth + 1);
}

/* Fills a field with a block, which may be absent (NULL). */
static void set_body(Stmt *stmt, StmtList *field, const StmtList *body) {
    if (!body)
        return;
    *field = *body;
    stmt_deepen(stmt, field);
}

static Stmt *finish(Parser *parser, Stmt *stmt) {
    if (TK_LIKELY(stmt->depth <= PARSE_MAX_NESTING))
        return stmt;
    report_too_deep(parser, stmt->header);
    return build_stmt(parser, STMT_ERROR, stmt->range);
}

SrcRange block_range(SrcRange colon, const StmtList *body) {
    if (body->len > 0)
        colon.hi = body->items[body->len - 1]->range.hi;
    return colon;
}

/* ---- Simple statements ---- */

Stmt *build_value_stmt(Parser *parser, StmtKind kind, SrcRange range, Expr *value) {
    Stmt *stmt = build_stmt(parser, kind, range);
    stmt->u.ret.value = value;
    return stmt;
}

Stmt *build_delete(Parser *parser, SrcRange range, Expr *targets) {
    Stmt *stmt = build_stmt(parser, STMT_DELETE, range);
    if (targets->kind == EXPR_TUPLE && !targets->parenthesized)
        stmt->u.del.targets = targets->u.seq.elts;
    else
        expr_list_add(parser, &stmt->u.del.targets, targets);
    return stmt;
}

Stmt *build_raise(Parser *parser, SrcRange range, Expr *exc, Expr *cause) {
    Stmt *stmt = build_stmt(parser, STMT_RAISE, range);
    stmt->u.raise.exc = exc;
    stmt->u.raise.cause = cause;
    return stmt;
}

Stmt *build_assert(Parser *parser, SrcRange range, Expr *test, Expr *message) {
    Stmt *stmt = build_stmt(parser, STMT_ASSERT, range);
    stmt->u.assert_.test = test;
    stmt->u.assert_.msg = message;
    return stmt;
}

Stmt *build_scope(Parser *parser, StmtKind kind, SrcRange range, SymList *names) {
    Stmt *stmt = build_stmt(parser, kind, range);
    stmt->u.scope.names = *names;
    return stmt;
}

Stmt *build_type_alias(Parser *parser, SrcRange range, SrcRange name_range, Sym name,
                       TypeParamList *params, Expr *value) {
    Stmt *stmt = build_stmt(parser, STMT_TYPE_ALIAS, range);
    stmt->u.type_alias.name = build_name(parser, name_range, name);
    if (params)
        stmt->u.type_alias.type_params = *params;
    stmt->u.type_alias.value = value;
    return stmt;
}

Stmt *build_assign(Parser *parser, SrcRange range, Expr *chain) {
    if (chain->kind == EXPR_ERROR)
        return build_stmt(parser, STMT_ERROR, range);
    Stmt *stmt = build_stmt(parser, STMT_ASSIGN, range);
    stmt->u.assign.targets = chain->u.seq.elts;
    stmt->u.assign.value = chain->u.seq.elts.items[--stmt->u.assign.targets.len];
    return stmt;
}

Stmt *build_aug_assign(Parser *parser, SrcRange range, Expr *target, BinOpKind op, Expr *value) {
    Stmt *stmt = build_stmt(parser, STMT_AUG_ASSIGN, range);
    stmt->u.aug_assign.target = target;
    stmt->u.aug_assign.op = op;
    stmt->u.aug_assign.value = value;
    return stmt;
}

Stmt *build_ann_assign(Parser *parser, SrcRange range, Expr *target, Expr *annotation,
                       Expr *value) {
    Stmt *stmt = build_stmt(parser, STMT_ANN_ASSIGN, range);
    stmt->u.ann_assign.target = target;
    stmt->u.ann_assign.annotation = annotation;
    stmt->u.ann_assign.value = value;
    return stmt;
}

Stmt *build_import(Parser *parser, SrcRange range, AliasList *names) {
    Stmt *stmt = build_stmt(parser, STMT_IMPORT, range);
    stmt->u.import.names = *names;
    return stmt;
}

Stmt *build_import_from(Parser *parser, SrcRange range, unsigned level, Sym module,
                        AliasList *names) {
    Stmt *stmt = build_stmt(parser, STMT_IMPORT_FROM, range);
    stmt->u.import_from.level = level;
    stmt->u.import_from.module = module;
    stmt->u.import_from.names = *names;
    return stmt;
}

/* ---- Compound statements ---- */

Stmt *build_if(Parser *parser, SrcRange range, SrcRange header, Expr *test, StmtList *body,
               ElifList *elifs, StmtList *orelse) {
    for (size_t i = elifs ? elifs->len : 0; i > 0; i--) {
        const Elif *part = &elifs->items[i - 1];
        SrcRange part_range = {range.file, part->header.lo, range.hi};
        Stmt *inner =
            build_if(parser, part_range, part->header, part->test, part->body, NULL, orelse);
        orelse = stmt_list_add(parser, stmt_list(parser), inner);
    }
    Stmt *stmt = build_compound(parser, STMT_IF, range, header);
    stmt->u.while_.test = test;
    set_body(stmt, &stmt->u.while_.body, body);
    set_body(stmt, &stmt->u.while_.orelse, orelse);
    return finish(parser, stmt);
}

Stmt *build_while(Parser *parser, SrcRange range, SrcRange header, Expr *test, StmtList *body,
                  StmtList *orelse) {
    Stmt *stmt = build_compound(parser, STMT_WHILE, range, header);
    stmt->u.while_.test = test;
    set_body(stmt, &stmt->u.while_.body, body);
    set_body(stmt, &stmt->u.while_.orelse, orelse);
    return finish(parser, stmt);
}

Stmt *build_for(Parser *parser, SrcRange range, SrcRange header, Expr *target, Expr *iter,
                StmtList *body, StmtList *orelse) {
    Stmt *stmt = build_compound(parser, STMT_FOR, range, header);
    stmt->u.for_.target = target;
    stmt->u.for_.iter = iter;
    set_body(stmt, &stmt->u.for_.body, body);
    set_body(stmt, &stmt->u.for_.orelse, orelse);
    return finish(parser, stmt);
}

Stmt *build_with(Parser *parser, SrcRange range, SrcRange header, WithItemList *items,
                 StmtList *body, bool is_async) {
    Stmt *stmt = build_compound(parser, STMT_WITH, range, header);
    if (items)
        stmt->u.with.items = *items;
    set_body(stmt, &stmt->u.with.body, body);
    stmt->u.with.is_async = is_async;
    return finish(parser, stmt);
}

Handler *build_handler(Parser *parser, SrcRange range, bool is_star, Expr *type, Sym name,
                       StmtList *body) {
    Handler *handler = ARENA_NEW(parser->arena, Handler);
    *handler = (Handler){{type, name, *body, range}, is_star};
    return handler;
}

Stmt *build_try(Parser *parser, SrcRange range, SrcRange header, StmtList *body,
                HandlerList *handlers, StmtList *orelse, StmtList *finalbody) {
    Stmt *stmt = build_compound(parser, STMT_TRY, range, header);
    set_body(stmt, &stmt->u.try_.body, body);
    if (handlers) {
        stmt->u.try_.handlers = handlers->list;
        stmt->u.try_.is_star = handlers->is_star;
        for (size_t i = 0; i < handlers->list.len; i++)
            stmt_deepen(stmt, &handlers->list.items[i].body);
    }
    set_body(stmt, &stmt->u.try_.orelse, orelse);
    set_body(stmt, &stmt->u.try_.finalbody, finalbody);
    return finish(parser, stmt);
}

Stmt *build_function(Parser *parser, SrcRange range, SrcRange header, Sym name, SrcRange name_range,
                     TypeParamList *type_params, ParamItems *params, Expr *returns,
                     StmtList *body) {
    Stmt *stmt = build_compound(parser, STMT_FUNCTION_DEF, range, header);
    FunctionDef *function = &stmt->u.function;
    function->name = name;
    function->name_range = name_range;
    if (type_params)
        function->type_params = *type_params;
    if (params)
        function->params = params->params;
    function->returns = returns;
    set_body(stmt, &function->body, body);
    return finish(parser, stmt);
}

Stmt *build_class(Parser *parser, SrcRange range, SrcRange header, Sym name, SrcRange name_range,
                  TypeParamList *type_params, CallArgs *bases, StmtList *body) {
    Stmt *stmt = build_compound(parser, STMT_CLASS_DEF, range, header);
    stmt->u.class_def.name = name;
    stmt->u.class_def.name_range = name_range;
    if (type_params)
        stmt->u.class_def.type_params = *type_params;
    if (bases) {
        stmt->u.class_def.bases = bases->args;
        stmt->u.class_def.keywords = bases->keywords;
    }
    set_body(stmt, &stmt->u.class_def.body, body);
    return finish(parser, stmt);
}

Stmt *build_decorated(Parser *parser, Stmt *definition, ExprList *decorators) {
    (void)parser;
    if (definition->kind == STMT_FUNCTION_DEF)
        definition->u.function.decorators = *decorators;
    else if (definition->kind == STMT_CLASS_DEF)
        definition->u.class_def.decorators = *decorators;
    return definition;
}

Stmt *build_match(Parser *parser, SrcRange range, SrcRange header, Expr *subject,
                  MatchCaseList *cases) {
    if (cases->len == 0)
        return build_stmt(parser, STMT_ERROR, range);
    Stmt *stmt = build_compound(parser, STMT_MATCH, range, header);
    stmt->u.match.subject = subject;
    stmt->u.match.cases = *cases;
    for (size_t i = 0; i < cases->len; i++)
        stmt_deepen(stmt, &cases->items[i].body);
    return finish(parser, stmt);
}
