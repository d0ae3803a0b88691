/* scope.c -- which names of a function are local, global or nonlocal.
 *
 * Python decides that for the whole body at once: a name that is bound anywhere in a function is
 * local everywhere in it, so that reading it too early is an UnboundLocalError and not a look at
 * the module's name. Found on a function's first call and kept.
 */
#include "runtime/host/host_internal.h"

typedef struct Walk {
    ScopeInfo *scope;
} Walk;

static void bind(Walk *w, Sym name, NameKind kind) {
    void *old = map_getp(&w->scope->names, name);
    if (old == NULL || kind != NAME_LOCAL)
        map_setp(&w->scope->names, name, (void *)(uintptr_t)kind);
}

static void walk_expr(Walk *w, const Expr *expr);
static void walk_block(Walk *w, const StmtList *block);

static void walk_list(Walk *w, const ExprList *list) {
    for (size_t i = 0; i < list->len; i++)
        walk_expr(w, list->items[i]);
}

static void walk_target(Walk *w, const Expr *target) {
    if (target == NULL)
        return;
    if (target->kind == EXPR_NAME)
        bind(w, target->u.name.id, NAME_LOCAL);
    else if (target->kind == EXPR_TUPLE || target->kind == EXPR_LIST)
        for (size_t i = 0; i < target->u.seq.elts.len; i++)
            walk_target(w, target->u.seq.elts.items[i]);
    else if (target->kind == EXPR_STARRED)
        walk_target(w, target->u.wrap.value);
    else
        walk_expr(w, target);
}

/* A comprehension's targets are its own, but its := and its yield are the function's. */
static void walk_comprehension(Walk *w, const Expr *expr) {
    walk_expr(w, expr->u.comp.elt);
    walk_expr(w, expr->u.comp.value);
    for (size_t i = 0; i < expr->u.comp.generators.len; i++) {
        walk_expr(w, expr->u.comp.generators.items[i].iter);
        walk_list(w, &expr->u.comp.generators.items[i].ifs);
    }
}

static void walk_expr(Walk *w, const Expr *expr) {
    if (expr == NULL)
        return;
    switch (expr->kind) {
    case EXPR_BOOLOP:
        walk_list(w, &expr->u.boolop.values);
        return;
    case EXPR_NAMED:
        walk_target(w, expr->u.named.target);
        walk_expr(w, expr->u.named.value);
        return;
    case EXPR_BINOP:
        walk_expr(w, expr->u.binop.left);
        walk_expr(w, expr->u.binop.right);
        return;
    case EXPR_UNARYOP:
        walk_expr(w, expr->u.unaryop.operand);
        return;
    case EXPR_IFEXP:
        walk_expr(w, expr->u.ifexp.test);
        walk_expr(w, expr->u.ifexp.body);
        walk_expr(w, expr->u.ifexp.orelse);
        return;
    case EXPR_DICT:
        walk_list(w, &expr->u.dict.keys);
        walk_list(w, &expr->u.dict.values);
        return;
    case EXPR_SET:
    case EXPR_LIST:
    case EXPR_TUPLE:
        walk_list(w, &expr->u.seq.elts);
        return;
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
        walk_comprehension(w, expr);
        return;
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
        if (w->scope->yield == NULL)
            w->scope->yield = expr;
        walk_expr(w, expr->u.wrap.value);
        return;
    case EXPR_AWAIT:
    case EXPR_STARRED:
        walk_expr(w, expr->u.wrap.value);
        return;
    case EXPR_COMPARE:
        walk_expr(w, expr->u.compare.left);
        walk_list(w, &expr->u.compare.comparators);
        return;
    case EXPR_CALL:
        walk_expr(w, expr->u.call.func);
        walk_list(w, &expr->u.call.args);
        for (size_t i = 0; i < expr->u.call.keywords.len; i++)
            walk_expr(w, expr->u.call.keywords.items[i].value);
        return;
    case EXPR_FORMATTED:
        walk_expr(w, expr->u.formatted.value);
        walk_expr(w, expr->u.formatted.format_spec);
        return;
    case EXPR_JOINEDSTR:
        walk_list(w, &expr->u.joined.values);
        return;
    case EXPR_ATTRIBUTE:
        walk_expr(w, expr->u.attribute.value);
        return;
    case EXPR_SUBSCRIPT:
        walk_expr(w, expr->u.subscript.value);
        walk_expr(w, expr->u.subscript.index);
        return;
    case EXPR_SLICE:
        walk_expr(w, expr->u.slice.lower);
        walk_expr(w, expr->u.slice.upper);
        walk_expr(w, expr->u.slice.step);
        return;
    case EXPR_LAMBDA: /* a function of its own */
    case EXPR_CONSTANT:
    case EXPR_NAME:
    case EXPR_ERROR:
        return;
    }
}

static void walk_import(Walk *w, const Alias *alias, bool dotted) {
    Sym name = alias->asname != NULL ? alias->asname : alias->name;
    const char *dot = name;
    while (dotted && *dot != '\0' && *dot != '.')
        dot++;
    if (dotted && *dot == '.' && alias->asname == NULL)
        return; /* `import a.b` binds a: assign_name() makes it local where it runs */
    bind(w, name, NAME_LOCAL);
}

static void walk_pattern(Walk *w, const Pattern *p) {
    if (p == NULL)
        return;
    if (p->name != NULL)
        bind(w, p->name, NAME_LOCAL);
    walk_pattern(w, p->pattern);
    for (size_t i = 0; i < p->patterns.len; i++)
        walk_pattern(w, p->patterns.items[i]);
    for (size_t i = 0; i < p->kwd_patterns.len; i++)
        walk_pattern(w, p->kwd_patterns.items[i]);
}

static void walk_try(Walk *w, const Stmt *stmt) {
    walk_block(w, &stmt->u.try_.body);
    for (size_t i = 0; i < stmt->u.try_.handlers.len; i++) {
        const ExceptHandler *handler = &stmt->u.try_.handlers.items[i];
        walk_expr(w, handler->type);
        if (handler->name != NULL)
            bind(w, handler->name, NAME_LOCAL);
        walk_block(w, &handler->body);
    }
    walk_block(w, &stmt->u.try_.orelse);
    walk_block(w, &stmt->u.try_.finalbody);
}

static void walk_stmt(Walk *w, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_FUNCTION_DEF:
        bind(w, stmt->u.function.name, NAME_LOCAL);
        return;
    case STMT_CLASS_DEF:
        bind(w, stmt->u.class_def.name, NAME_LOCAL);
        return;
    case STMT_RETURN:
    case STMT_EXPR:
        walk_expr(w, stmt->u.ret.value);
        return;
    case STMT_DELETE:
        for (size_t i = 0; i < stmt->u.del.targets.len; i++)
            walk_target(w, stmt->u.del.targets.items[i]);
        return;
    case STMT_ASSIGN:
        for (size_t i = 0; i < stmt->u.assign.targets.len; i++)
            walk_target(w, stmt->u.assign.targets.items[i]);
        walk_expr(w, stmt->u.assign.value);
        return;
    case STMT_TYPE_ALIAS:
        walk_target(w, stmt->u.type_alias.name);
        return;
    case STMT_AUG_ASSIGN:
        walk_target(w, stmt->u.aug_assign.target);
        walk_expr(w, stmt->u.aug_assign.value);
        return;
    case STMT_ANN_ASSIGN:
        walk_target(w, stmt->u.ann_assign.target);
        walk_expr(w, stmt->u.ann_assign.value);
        return;
    case STMT_FOR:
        walk_target(w, stmt->u.for_.target);
        walk_expr(w, stmt->u.for_.iter);
        walk_block(w, &stmt->u.for_.body);
        walk_block(w, &stmt->u.for_.orelse);
        return;
    case STMT_WHILE:
    case STMT_IF:
        walk_expr(w, stmt->u.while_.test);
        walk_block(w, &stmt->u.while_.body);
        walk_block(w, &stmt->u.while_.orelse);
        return;
    case STMT_WITH:
        for (size_t i = 0; i < stmt->u.with.items.len; i++) {
            walk_expr(w, stmt->u.with.items.items[i].context);
            walk_target(w, stmt->u.with.items.items[i].target);
        }
        walk_block(w, &stmt->u.with.body);
        return;
    case STMT_MATCH:
        for (size_t i = 0; i < stmt->u.match.cases.len; i++) {
            walk_pattern(w, stmt->u.match.cases.items[i].pattern);
            walk_block(w, &stmt->u.match.cases.items[i].body);
        }
        return;
    case STMT_TRY:
        walk_try(w, stmt);
        return;
    case STMT_IMPORT:
        for (size_t i = 0; i < stmt->u.import.names.len; i++)
            walk_import(w, &stmt->u.import.names.items[i], true);
        return;
    case STMT_IMPORT_FROM:
        for (size_t i = 0; i < stmt->u.import_from.names.len; i++)
            walk_import(w, &stmt->u.import_from.names.items[i], false);
        return;
    case STMT_GLOBAL:
    case STMT_NONLOCAL:
        for (size_t i = 0; i < stmt->u.scope.names.len; i++)
            bind(w, stmt->u.scope.names.items[i],
                 stmt->kind == STMT_GLOBAL ? NAME_GLOBAL : NAME_NONLOCAL);
        return;
    case STMT_RAISE:
        walk_expr(w, stmt->u.raise.exc);
        return;
    case STMT_ASSERT:
        walk_expr(w, stmt->u.assert_.test);
        return;
    case STMT_PASS:
    case STMT_BREAK:
    case STMT_CONTINUE:
    case STMT_ERROR:
        return;
    }
}

static void walk_block(Walk *w, const StmtList *block) {
    for (size_t i = 0; i < block->len; i++)
        walk_stmt(w, block->items[i]);
}

static void bind_params(Walk *w, const Params *params) {
    const ArgList *lists[] = {&params->posonly, &params->args, &params->kwonly};
    for (size_t l = 0; l < TK_COUNTOF(lists); l++) {
        for (size_t i = 0; i < lists[l]->len; i++)
            bind(w, lists[l]->items[i].name, NAME_LOCAL);
    }
    if (params->vararg != NULL)
        bind(w, params->vararg->name, NAME_LOCAL);
    if (params->kwarg != NULL)
        bind(w, params->kwarg->name, NAME_LOCAL);
}

const ScopeInfo *scope_of_function(PyCtx *py, const Params *params, const StmtList *body,
                                   const Expr *lambda_body, const void *key) {
    ScopeInfo *scope = map_getp(&py->host->scopes, key);
    if (scope != NULL)
        return scope;
    scope = ARENA_NEW(py->arena, ScopeInfo);
    map_init_ptr(&scope->names, py->arena);
    Walk walk = {scope};
    bind_params(&walk, params);
    if (body != NULL)
        walk_block(&walk, body);
    walk_expr(&walk, lambda_body);
    map_setp(&py->host->scopes, key, scope);
    return scope;
}

NameKind scope_kind(const ScopeInfo *scope, Sym name) {
    return (NameKind)(uintptr_t)map_getp(&scope->names, name);
}

void scope_note_module(PyCtx *py, const PyEnv *env, const StmtList *body) {
    scope_of_function(py, &(Params){0}, body, NULL, env);
}

bool scope_binds_later(PyCtx *py, PyValue module, Sym name) {
    if (!py->host->defining || py_as(module, &py_module_type) == NULL)
        return false;
    const ScopeInfo *scope = map_getp(&py->host->scopes, py_module_env(module));
    return scope != NULL && scope_kind(scope, name) == NAME_LOCAL;
}
