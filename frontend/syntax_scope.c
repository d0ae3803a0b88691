/* syntax_scope.c -- the rules about names: parameters, `global`, `nonlocal`, `:=`.
 *
 * Each scope keeps what happened to each of its names so far, in the order of the text; a `global`
 * declaration that comes too late is seen at once. A `nonlocal` can refer to a name that the outer
 * function binds further down, so those are collected and resolved when the whole file is known.
 */
#include "frontend/syntax_check.h"

void scope_enter(Checker *checker, Scope *scope, ScopeKind kind) {
    *scope = (Scope){.parent = checker->scope, .kind = kind};
    map_init_ptr(&scope->names, checker->parser->arena);
    if (checker->scope) /* CPython: even in lambdas within the iterable of a comprehension */
        scope->in_iterable = checker->scope->in_iterable;
    checker->scope = scope;
}

void scope_leave(Checker *checker) {
    checker->scope = checker->scope->parent;
}

bool scope_is_function(const Scope *scope) {
    return scope->kind == SCOPE_FUNCTION || scope->kind == SCOPE_LAMBDA ||
           scope->kind == SCOPE_COMPREHENSION;
}

static unsigned flags_of(const Scope *scope, Sym name) {
    const NameInfo *info = map_getp(&scope->names, name);
    return info ? info->flags : 0;
}

static NameInfo *info_of(Checker *checker, Scope *scope, Sym name, SrcRange range) {
    NameInfo *info = map_getp(&scope->names, name);
    if (!info) {
        info = ARENA_NEW(checker->parser->arena, NameInfo);
        info->first = range;
        map_setp(&scope->names, name, info);
    }
    return info;
}

void name_use(Checker *checker, Sym name, SrcRange range) {
    if (checker->scope->kind != SCOPE_TYPE)
        info_of(checker, checker->scope, name, range)->flags |= NAME_USED;
}

void name_bind(Checker *checker, Sym name, unsigned flags, SrcRange range) {
    Scope *scope = checker->scope;
    NameInfo *info = info_of(checker, scope, name, range);
    if (name == checker->debug_name)
        CHECK_ERROR(checker, BAD_TARGET, range, "`__debug__`");
    if (scope->in_iteration) {
        if (info->flags & (NAME_GLOBAL | NAME_NONLOCAL))
            CHECK_ERROR(checker, BAD_WALRUS, range,
                        "an inner loop cannot bind its target of `:=` again");
        flags |= NAME_ITERATED;
    }
    info->flags |= flags;
}

static const char *past_of(unsigned flags) {
    if (flags & NAME_PARAM)
        return "a parameter";
    if (flags & NAME_USED)
        return "used";
    return flags & NAME_ANNOTATED ? "annotated" : "assigned";
}

void name_declare(Checker *checker, unsigned flag, const SymList *names) {
    const char *word = flag == NAME_GLOBAL ? "global" : "nonlocal";
    for (size_t i = 0; i < names->len; i++) {
        Sym name = names->items[i];
        SrcRange range = names->ranges[i];
        NameInfo *info = info_of(checker, checker->scope, name, range);
        if (info->flags & (NAME_PARAM | NAME_BOUND | NAME_USED | NAME_ANNOTATED))
            diag_note(
                CHECK_ERROR(checker, LATE_DECLARATION, range, name, past_of(info->flags), word),
                info->first, "it is %s here", past_of(info->flags));
        else if (info->flags & (NAME_GLOBAL | NAME_NONLOCAL) & ~flag)
            CHECK_ERROR(checker, GLOBAL_AND_NONLOCAL, range, name);
        else if (flag == NAME_NONLOCAL && checker->scope->kind == SCOPE_MODULE)
            CHECK_ERROR(checker, NONLOCAL_UNBOUND, range, name);
        else if (flag == NAME_NONLOCAL)
            vec_push(checker->parser->arena, &checker->nonlocals,
                     ((PendingNonlocal){checker->scope, name, range}));
        info->flags |= flag;
    }
}

void name_annotate(Checker *checker, Sym name, SrcRange range) {
    unsigned flags = flags_of(checker->scope, name);
    if ((flags & (NAME_GLOBAL | NAME_NONLOCAL)) && checker->scope->kind != SCOPE_MODULE)
        CHECK_ERROR(checker, BAD_ANNOTATION, range,
                    flags & NAME_GLOBAL ? "the name is declared `global`"
                                        : "the name is declared `nonlocal`");
    name_bind(checker, name, NAME_BOUND | NAME_ANNOTATED, range);
}

/* In a comprehension the name belongs to the function around it. */
void name_bind_walrus(Checker *checker, Sym name, SrcRange range) {
    Scope *scope = checker->scope;
    if (scope->in_iterable)
        CHECK_ERROR(checker, BAD_WALRUS, range,
                    "it cannot stand in the iterable of a comprehension");
    if (scope->kind == SCOPE_TYPE)
        CHECK_ERROR(checker, BAD_WALRUS, range, "it cannot stand in an annotation");
    for (; scope->kind == SCOPE_COMPREHENSION; scope = scope->parent) {
        if (flags_of(scope, name) & NAME_ITERATED) {
            CHECK_ERROR(checker, BAD_WALRUS, range,
                        "the name is the comprehension's own loop variable");
            return;
        }
    }
    if (scope->kind == SCOPE_CLASS && scope != checker->scope) {
        CHECK_ERROR(checker, BAD_WALRUS, range,
                    "it cannot stand in a comprehension in a class body");
        return;
    }
    if (scope != checker->scope)
        info_of(checker, checker->scope, name, range)->flags |=
            scope->kind == SCOPE_MODULE ? NAME_GLOBAL : NAME_NONLOCAL;
    if (name == checker->debug_name)
        CHECK_ERROR(checker, BAD_TARGET, range, "`__debug__`");
    info_of(checker, scope, name, range)->flags |= NAME_BOUND;
}

/* ---- Parameters ---- */

static void bind_param(Checker *checker, const Arg *arg) {
    SrcRange range = arg->range;
    if (flags_of(checker->scope, arg->name) & NAME_PARAM)
        CHECK_ERROR(checker, REPEATED_PARAM, range, arg->name);
    name_bind(checker, arg->name, NAME_BOUND | NAME_PARAM, range);
}

static void bind_args(Checker *checker, const ArgList *list) {
    for (size_t i = 0; i < list->len; i++)
        bind_param(checker, &list->items[i]);
}

void params_bind(Checker *checker, const Params *params) {
    bind_args(checker, &params->posonly);
    bind_args(checker, &params->args);
    if (params->vararg)
        bind_param(checker, params->vararg);
    bind_args(checker, &params->kwonly);
    if (params->kwarg)
        bind_param(checker, params->kwarg);
}

void type_params_bind(Checker *checker, const TypeParamList *params) {
    Map seen;
    if (params->len == 0)
        return;
    map_init_ptr(&seen, checker->parser->arena);
    for (size_t i = 0; i < params->len; i++) {
        const TypeParam *param = &params->items[i];
        if (map_hasp(&seen, param->name))
            CHECK_ERROR(checker, REPEATED_PARAM, param->range, param->name);
        map_setp(&seen, param->name, checker);
        check_type_expr(checker, param->bound);
    }
}

/* ---- Nonlocal names ---- */

static bool is_bound_outside(const Checker *checker, const PendingNonlocal *pending) {
    Sym class_name = strtab_sym(checker->parser->names, "__class__");
    for (const Scope *scope = pending->scope->parent; scope; scope = scope->parent) {
        unsigned flags = flags_of(scope, pending->name);
        if (scope->kind == SCOPE_CLASS && pending->name == class_name)
            return true;
        if (!scope_is_function(scope) || (flags & NAME_NONLOCAL))
            continue;
        if (flags & NAME_GLOBAL)
            return false;
        if (flags & (NAME_BOUND | NAME_PARAM | NAME_IMPORTED))
            return true;
    }
    return false;
}

void nonlocals_resolve(Checker *checker) {
    for (size_t i = 0; i < checker->nonlocals.len; i++) {
        const PendingNonlocal *pending = &checker->nonlocals.data[i];
        if (!is_bound_outside(checker, pending))
            CHECK_ERROR(checker, NONLOCAL_UNBOUND, pending->range, pending->name);
    }
}
