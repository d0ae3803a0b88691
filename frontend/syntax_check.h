/* syntax_check.h -- what the parts of the syntax check share.
 *
 *     syntax_check.c     statements: where return, break, yield, await and imports may stand
 *     syntax_expr.c      expressions: stars, yields, comprehensions, assignment expressions
 *     syntax_target.c    what can be assigned to and deleted
 *     syntax_pattern.c   `match` patterns
 *     syntax_scope.c     names: parameters, global, nonlocal
 */
#ifndef TKC_FRONTEND_SYNTAX_CHECK_H
#define TKC_FRONTEND_SYNTAX_CHECK_H

#include "frontend/parser_state.h"
#include "support/map.h"

typedef enum ScopeKind {
    SCOPE_MODULE,
    SCOPE_CLASS,
    SCOPE_FUNCTION,
    SCOPE_LAMBDA,
    SCOPE_COMPREHENSION,
    SCOPE_TYPE /* an annotation under the future import, a type alias, a bound */
} ScopeKind;

/* What is known about a name in a scope. */
enum {
    NAME_USED = 1,
    NAME_BOUND = 2,
    NAME_PARAM = 4,
    NAME_GLOBAL = 8,
    NAME_NONLOCAL = 16,
    NAME_ANNOTATED = 32,
    NAME_IMPORTED = 64,
    NAME_ITERATED = 128 /* target of a comprehension's `for` */
};
typedef struct NameInfo {
    unsigned flags;
    SrcRange first; /* where it was first used or bound */
} NameInfo;

typedef struct Scope {
    struct Scope *parent;
    ScopeKind kind;
    Map names; /* Sym to NameInfo */
    bool is_async;
    bool is_generator;       /* comprehensions: written in round brackets */
    bool awaits;             /* comprehensions: holds an `await` or `async for` */
    bool in_iterable;        /* inside the iterable of a comprehension */
    bool in_iteration;       /* inside the target of a comprehension's `for` */
    bool saw_yield;          /* functions: is a generator */
    SrcRange value_return;   /* functions: a `return` with a value */
    const struct Flow *flow; /* functions: the loops and handlers around the current statement */
    unsigned blocks;         /* functions: how many statements that need unwinding are open */
} Scope;

/* A loop or an `except*` handler around a statement, innermost first. */
typedef struct Flow {
    const struct Flow *outer;
    bool is_loop;
} Flow;

typedef struct PendingNonlocal {
    const Scope *scope;
    Sym name;
    SrcRange range;
} PendingNonlocal;

typedef struct Checker {
    Parser *parser;
    Scope *scope;
    VEC(PendingNonlocal) nonlocals;
    bool future_annotations;
    const Stmt *last_future; /* the last `from __future__` in its right place */
    Sym debug_name;          /* __debug__ */
} Checker;

#define CHECK_ERROR(checker, name, ...) PARSE_ERROR((checker)->parser, name, __VA_ARGS__)

/* ---- syntax_scope.c ---- */
void scope_enter(Checker *checker, Scope *scope, ScopeKind kind);
void scope_leave(Checker *checker);
bool scope_is_function(const Scope *scope);
void name_use(Checker *checker, Sym name, SrcRange range);
/* `flags`: NAME_BOUND and perhaps more. Refuses __debug__. */
void name_bind(Checker *checker, Sym name, unsigned flags, SrcRange range);
void name_declare(Checker *checker, unsigned flag, const SymList *names);
void name_annotate(Checker *checker, Sym name, SrcRange range);
/* The target of `:=`, which reaches out of comprehensions. */
void name_bind_walrus(Checker *checker, Sym name, SrcRange range);
void params_bind(Checker *checker, const Params *params);
void type_params_bind(Checker *checker, const TypeParamList *params);
void nonlocals_resolve(Checker *checker);

/* ---- syntax_expr.c ---- */
void check_expr(Checker *checker, const Expr *expr); /* NULL is fine */
void check_exprs(Checker *checker, const ExprList *list);
void check_annotation(Checker *checker, const Expr *annotation);
/* An expression evaluated in a scope of its own for types: no yield, await or `:=`. */
void check_type_expr(Checker *checker, const Expr *expr);
void check_param_defaults(Checker *checker, const Params *params);

/* ---- syntax_target.c ---- */
void check_target(Checker *checker, const Expr *target);
void check_delete_target(Checker *checker, const Expr *target);
void check_augmented_target(Checker *checker, const Expr *target);
void check_annotated_target(Checker *checker, const Expr *target, bool has_value);
/* "a call", "a literal", ...: what an expression is called in messages. */
const char *expr_description(const Expr *expr);

/* ---- syntax_pattern.c ---- */
void check_cases(Checker *checker, const MatchCaseList *cases);

/* ---- syntax_check.c ---- */
void check_body(Checker *checker, const StmtList *body);

#endif
