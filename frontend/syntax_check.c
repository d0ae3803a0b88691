/* syntax_check.c -- what Python's compiler refuses although it fits the grammar.
 *
 * One walk over the tree in the order of the text. Each scope keeps its names (syntax_scope.c), and
 * each function the loops and handlers around the current statement. Example: in
 *
 *     for x in y:
 *         def f():
 *             break
 *
 * the function has a flow of its own, which is empty, so the `break` is outside of any loop.
 *
 * The rules are CPython's (symtable.c, compile.c, future.c there); the order of messages is not.
 */
#include "frontend/syntax_check.h"

static void check_stmt(Checker *checker, const Stmt *stmt);

void check_body(Checker *checker, const StmtList *body) {
    for (size_t i = 0; i < body->len; i++)
        check_stmt(checker, body->items[i]);
}

/* ---- Blocks that must be unwound ---- */

/* CPython keeps at most 20 loops, handlers and `with` blocks open in one function. */
static void open_blocks(Checker *checker, unsigned count, SrcRange range) {
    enum { MAX_OPEN = 20 };
    unsigned before = checker->scope->blocks;
    checker->scope->blocks += count;
    if (before <= MAX_OPEN && checker->scope->blocks > MAX_OPEN)
        CHECK_ERROR(checker, TOO_MANY_OPEN_BLOCKS, range, (int)MAX_OPEN);
}

static void close_blocks(Checker *checker, unsigned count) {
    checker->scope->blocks -= count;
}

static void check_loop_body(Checker *checker, const StmtList *body, SrcRange header) {
    Flow loop = {checker->scope->flow, true};
    open_blocks(checker, 1, header);
    checker->scope->flow = &loop;
    check_body(checker, body);
    checker->scope->flow = loop.outer;
    close_blocks(checker, 1);
}

/* ---- Compound statements ---- */

static void require_async(Checker *checker, const Stmt *stmt, const char *what) {
    if (!checker->scope->is_async)
        CHECK_ERROR(checker, OUTSIDE_ASYNC, stmt->header, what);
}

static void check_for(Checker *checker, const Stmt *stmt) {
    if (stmt->u.for_.is_async)
        require_async(checker, stmt, "`async for`");
    check_target(checker, stmt->u.for_.target);
    check_expr(checker, stmt->u.for_.iter);
    check_loop_body(checker, &stmt->u.for_.body, stmt->header);
    check_body(checker, &stmt->u.for_.orelse);
}

static void check_with(Checker *checker, const Stmt *stmt) {
    unsigned count = 0;
    if (stmt->u.with.is_async)
        require_async(checker, stmt, "`async with`");
    for (size_t i = 0; i < stmt->u.with.items.len; i++) {
        check_expr(checker, stmt->u.with.items.items[i].context);
        open_blocks(checker, 1, stmt->header);
        count++;
        if (stmt->u.with.items.items[i].target)
            check_target(checker, stmt->u.with.items.items[i].target);
    }
    check_body(checker, &stmt->u.with.body);
    close_blocks(checker, count);
}

static void check_handler(Checker *checker, const ExceptHandler *handler, bool is_star) {
    Flow group = {checker->scope->flow, false};
    check_expr(checker, handler->type);
    if (handler->name)
        name_bind(checker, handler->name, NAME_BOUND, handler->range);
    open_blocks(checker, 2, handler->range);
    if (is_star)
        checker->scope->flow = &group;
    check_body(checker, &handler->body);
    checker->scope->flow = group.outer;
    close_blocks(checker, 2);
}

static void check_try(Checker *checker, const Stmt *stmt) {
    const ExceptHandlerList *handlers = &stmt->u.try_.handlers;
    unsigned around = stmt->u.try_.finalbody.len > 0 ? 1 : 0;
    unsigned inside = handlers->len > 0 ? 1 : 0;
    open_blocks(checker, around, stmt->header);
    open_blocks(checker, inside, stmt->header);
    check_body(checker, &stmt->u.try_.body);
    close_blocks(checker, inside);
    for (size_t i = 0; i < handlers->len; i++) {
        if (!handlers->items[i].type && i + 1 < handlers->len)
            CHECK_ERROR(checker, BARE_EXCEPT_LAST, handlers->items[i].range);
        check_handler(checker, &handlers->items[i], stmt->u.try_.is_star);
    }
    check_body(checker, &stmt->u.try_.orelse);
    check_body(checker, &stmt->u.try_.finalbody);
    close_blocks(checker, around);
}

/* ---- Definitions ---- */

static void check_args_annotations(Checker *checker, const Arg *args, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const Expr *annotation = args[i].annotation;
        if (annotation && annotation->kind == EXPR_STARRED) /* *args: *Ts */
            annotation = annotation->u.wrap.value;
        check_annotation(checker, annotation);
    }
}

static void check_annotations(Checker *checker, const FunctionDef *function) {
    const Params *params = &function->params;
    check_args_annotations(checker, params->posonly.items, params->posonly.len);
    check_args_annotations(checker, params->args.items, params->args.len);
    check_args_annotations(checker, params->vararg, params->vararg ? 1 : 0);
    check_args_annotations(checker, params->kwonly.items, params->kwonly.len);
    check_args_annotations(checker, params->kwarg, params->kwarg ? 1 : 0);
    check_annotation(checker, function->returns);
}

static void check_function(Checker *checker, const Stmt *stmt) {
    const FunctionDef *function = &stmt->u.function;
    name_bind(checker, function->name, NAME_BOUND, function->name_range);
    check_exprs(checker, &function->decorators);
    check_param_defaults(checker, &function->params);
    type_params_bind(checker, &function->type_params);
    check_annotations(checker, function);
    Scope *scope = ARENA_NEW(checker->parser->arena, Scope);
    scope_enter(checker, scope, SCOPE_FUNCTION);
    scope->in_iterable = false;
    scope->is_async = function->is_async;
    params_bind(checker, &function->params);
    check_body(checker, &function->body);
    if (scope->is_async && scope->saw_yield && !range_is_none(scope->value_return))
        CHECK_ERROR(checker, ASYNC_GENERATOR_RETURN, scope->value_return);
    scope_leave(checker);
}

static void check_class(Checker *checker, const Stmt *stmt) {
    name_bind(checker, stmt->u.class_def.name, NAME_BOUND, stmt->u.class_def.name_range);
    check_exprs(checker, &stmt->u.class_def.decorators);
    type_params_bind(checker, &stmt->u.class_def.type_params);
    for (size_t i = 0; i < stmt->u.class_def.bases.len; i++) {
        const Expr *base = stmt->u.class_def.bases.items[i];
        check_expr(checker, base->kind == EXPR_STARRED ? base->u.wrap.value : base);
    }
    for (size_t i = 0; i < stmt->u.class_def.keywords.len; i++)
        check_expr(checker, stmt->u.class_def.keywords.items[i].value);
    Scope *scope = ARENA_NEW(checker->parser->arena, Scope);
    scope_enter(checker, scope, SCOPE_CLASS);
    check_body(checker, &stmt->u.class_def.body);
    scope_leave(checker);
}

/* ---- Jumps ---- */

static void check_return(Checker *checker, const Stmt *stmt) {
    Scope *scope = checker->scope;
    if (scope->kind != SCOPE_FUNCTION)
        CHECK_ERROR(checker, OUTSIDE_FUNCTION, stmt->range, "return");
    for (const Flow *flow = scope->flow; flow; flow = flow->outer)
        if (!flow->is_loop)
            CHECK_ERROR(checker, EXCEPT_STAR_JUMP, stmt->range, "return");
    if (stmt->u.ret.value && range_is_none(scope->value_return))
        scope->value_return = stmt->range;
    check_expr(checker, stmt->u.ret.value);
}

static void check_jump(Checker *checker, const Stmt *stmt) {
    const char *word = stmt->kind == STMT_BREAK ? "break" : "continue";
    const Flow *flow = checker->scope->flow;
    if (!flow)
        CHECK_ERROR(checker, OUTSIDE_LOOP, stmt->range, word);
    else if (!flow->is_loop)
        CHECK_ERROR(checker, EXCEPT_STAR_JUMP, stmt->range, word);
}

/* ---- Imports ---- */

static bool is_future(const Stmt *stmt) {
    return stmt->kind == STMT_IMPORT_FROM && stmt->u.import_from.module &&
           str_eq(stmt->u.import_from.module, "__future__");
}

static void check_future_names(Checker *checker, const AliasList *names) {
    static const char *const features[] = {
        "annotations",    "nested_scopes",  "generators",       "division",       "absolute_import",
        "with_statement", "print_function", "unicode_literals", "barry_as_FLUFL", "generator_stop"};
    for (size_t i = 0; i < names->len; i++) {
        bool known = false;
        for (size_t j = 0; j < TK_COUNTOF(features); j++)
            known = known || str_eq(names->items[i].name, features[j]);
        if (!known)
            CHECK_ERROR(checker, FUTURE_FEATURE, names->items[i].range, names->items[i].name);
        if (str_eq(names->items[i].name, "annotations"))
            checker->future_annotations = true;
    }
}

/* The future imports that start the file, behind the documentation string. */
static void check_futures(Checker *checker, const StmtList *body) {
    size_t start = 0;
    if (body->len > 0 && body->items[0]->kind == STMT_EXPR &&
        body->items[0]->u.ret.value->kind == EXPR_CONSTANT &&
        body->items[0]->u.ret.value->u.constant.kind == CONST_STR)
        start = 1;
    for (size_t i = start; i < body->len && is_future(body->items[i]); i++) {
        check_future_names(checker, &body->items[i]->u.import_from.names);
        checker->last_future = body->items[i];
    }
}

static void bind_alias(Checker *checker, const Alias *alias, bool dotted) {
    Sym name = alias->asname;
    if (!name) { /* import a.b binds a */
        size_t len = 0;
        while (alias->name[len] != '\0' && !(dotted && alias->name[len] == '.'))
            len++;
        name = strtab_intern(checker->parser->names, alias->name, len);
    }
    name_bind(checker, name, NAME_IMPORTED, alias->range);
}

static void check_import_from(Checker *checker, const Stmt *stmt) {
    const AliasList *names = &stmt->u.import_from.names;
    bool late = !checker->last_future || stmt->range.lo > checker->last_future->range.lo;
    if (is_future(stmt) && late)
        CHECK_ERROR(checker, FUTURE_PLACE, stmt->range);
    for (size_t i = 0; i < names->len; i++) {
        if (!str_eq(names->items[i].name, "*"))
            bind_alias(checker, &names->items[i], false);
        else if (checker->scope->kind != SCOPE_MODULE)
            CHECK_ERROR(checker, IMPORT_STAR, names->items[i].range);
    }
}

/* ---- Statements ---- */

static void check_assign(Checker *checker, const Stmt *stmt) {
    if (stmt->kind == STMT_ASSIGN) {
        for (size_t i = 0; i < stmt->u.assign.targets.len; i++)
            check_target(checker, stmt->u.assign.targets.items[i]);
        check_expr(checker, stmt->u.assign.value);
    } else if (stmt->kind == STMT_AUG_ASSIGN) {
        check_augmented_target(checker, stmt->u.aug_assign.target);
        check_expr(checker, stmt->u.aug_assign.value);
    } else {
        check_annotated_target(checker, stmt->u.ann_assign.target,
                               stmt->u.ann_assign.value != NULL);
        check_annotation(checker, stmt->u.ann_assign.annotation);
        check_expr(checker, stmt->u.ann_assign.value);
    }
}

static void check_type_alias(Checker *checker, const Stmt *stmt) {
    const Expr *name = stmt->u.type_alias.name;
    name_bind(checker, name->u.name.id, NAME_BOUND, name->range);
    type_params_bind(checker, &stmt->u.type_alias.type_params);
    check_type_expr(checker, stmt->u.type_alias.value);
}

static void check_compound(Checker *checker, const Stmt *stmt) {
    switch ((int)stmt->kind) {
    case STMT_FUNCTION_DEF:
        check_function(checker, stmt);
        break;
    case STMT_CLASS_DEF:
        check_class(checker, stmt);
        break;
    case STMT_FOR:
        check_for(checker, stmt);
        break;
    case STMT_WHILE:
        check_expr(checker, stmt->u.while_.test);
        check_loop_body(checker, &stmt->u.while_.body, stmt->header);
        check_body(checker, &stmt->u.while_.orelse);
        break;
    case STMT_IF:
        check_expr(checker, stmt->u.while_.test);
        check_body(checker, &stmt->u.while_.body);
        check_body(checker, &stmt->u.while_.orelse);
        break;
    case STMT_WITH:
        check_with(checker, stmt);
        break;
    case STMT_MATCH:
        check_expr(checker, stmt->u.match.subject);
        check_cases(checker, &stmt->u.match.cases);
        break;
    default:
        check_try(checker, stmt);
        break;
    }
}

static void check_stmt(Checker *checker, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_FUNCTION_DEF:
    case STMT_CLASS_DEF:
    case STMT_FOR:
    case STMT_WHILE:
    case STMT_IF:
    case STMT_WITH:
    case STMT_MATCH:
    case STMT_TRY:
        check_compound(checker, stmt);
        break;
    case STMT_ASSIGN:
    case STMT_AUG_ASSIGN:
    case STMT_ANN_ASSIGN:
        check_assign(checker, stmt);
        break;
    case STMT_RETURN:
        check_return(checker, stmt);
        break;
    case STMT_EXPR:
        check_expr(checker, stmt->u.ret.value);
        break;
    case STMT_DELETE:
        for (size_t i = 0; i < stmt->u.del.targets.len; i++)
            check_delete_target(checker, stmt->u.del.targets.items[i]);
        break;
    case STMT_TYPE_ALIAS:
        check_type_alias(checker, stmt);
        break;
    case STMT_RAISE:
        check_expr(checker, stmt->u.raise.exc);
        check_expr(checker, stmt->u.raise.cause);
        break;
    case STMT_ASSERT:
        check_expr(checker, stmt->u.assert_.test);
        check_expr(checker, stmt->u.assert_.msg);
        break;
    case STMT_IMPORT:
        for (size_t i = 0; i < stmt->u.import.names.len; i++)
            bind_alias(checker, &stmt->u.import.names.items[i], true);
        break;
    case STMT_IMPORT_FROM:
        check_import_from(checker, stmt);
        break;
    case STMT_GLOBAL:
        name_declare(checker, NAME_GLOBAL, &stmt->u.scope.names);
        break;
    case STMT_NONLOCAL:
        name_declare(checker, NAME_NONLOCAL, &stmt->u.scope.names);
        break;
    case STMT_BREAK:
    case STMT_CONTINUE:
        check_jump(checker, stmt);
        break;
    case STMT_PASS:
    case STMT_ERROR:
        break;
    }
}

void syntax_check(Parser *parser, Module *module) {
    Checker *checker = ARENA_NEW(parser->arena, Checker);
    Scope *scope = ARENA_NEW(parser->arena, Scope);
    checker->parser = parser;
    checker->debug_name = strtab_sym(parser->names, "__debug__");
    scope_enter(checker, scope, SCOPE_MODULE);
    bool whole = !parser->has_errors;
    check_futures(checker, &module->body);
    check_body(checker, &module->body);
    if (whole) /* else what binds the name may be in the part that is missing */
        nonlocals_resolve(checker);
}
