/* host_internal.h -- what the files of the evaluator share. */
#ifndef TKC_RUNTIME_HOST_HOST_INTERNAL_H
#define TKC_RUNTIME_HOST_HOST_INTERNAL_H

#include "frontend/value_types.h"
#include "runtime/host/host.h"
#include "support/map.h"

/* Python's own limit on nested calls. */
#define HOST_MAX_CALLS 1000

/* How a function uses the names in it, found in one walk over its body (scope.c). */
typedef enum NameKind { NAME_FREE, NAME_LOCAL, NAME_GLOBAL, NAME_NONLOCAL } NameKind;
typedef struct ScopeInfo {
    Map names;         /* Sym -> (NameKind)(uintptr_t) */
    const Expr *yield; /* the first `yield` in it, or NULL */
} ScopeInfo;
const ScopeInfo *scope_of_function(PyCtx *py, const Params *params, const StmtList *body,
                                   const Expr *lambda_body, const void *key);
NameKind scope_kind(const ScopeInfo *scope, Sym name);
/* For modules of which host_define() executes only definitions: notes all names that `body` binds
 * in `env`, and tells whether it binds one that is not there. */
void scope_note_module(PyCtx *py, const PyEnv *env, const StmtList *body);
bool scope_binds_later(PyCtx *py, PyValue module, Sym name);

/* One activation of a function, class body, comprehension or module. */
typedef struct Frame {
    PyEnv *env;             /* where names are bound */
    PyEnv *home;            /* where := binds: env, outside of comprehensions */
    PyEnv *globals;         /* the module's scope */
    const ScopeInfo *scope; /* NULL: module or class body */
    const SrcFile *file;
    Sym function;     /* the function's qualified name; NULL: none */
    bool is_class;    /* a class body: no scope for the functions in it */
    PyClass *cls;     /* whose method this is, for super() */
    PyValue self;     /* its first argument, borrowed */
    PyValue result;   /* of `return` */
    PyValue handling; /* the exception being handled, for a bare `raise` */
    struct Frame *caller;
} Frame;

typedef enum Flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN, FLOW_RAISE } Flow;

/* Classes of builtin values: HOST_CLASS(enumerator, name, native type or NULL, tag). */
#define HOST_CLASSES(X)                                                                            \
    X(OBJECT, "object", NULL, PY_FAIL_TAG)                                                         \
    X(TYPE, "type", &py_class_type, PY_OBJECT_TAG)                                                 \
    X(NONE, "NoneType", NULL, PY_NONE_TAG)                                                         \
    X(INT, "int", &py_bigint_type, PY_INT_TAG)                                                     \
    X(BOOL, "bool", NULL, PY_BOOL_TAG)                                                             \
    X(FLOAT, "float", NULL, PY_FLOAT_TAG)                                                          \
    X(STR, "str", &py_str_type, PY_OBJECT_TAG)                                                     \
    X(TUPLE, "tuple", &py_tuple_type, PY_OBJECT_TAG)                                               \
    X(LIST, "list", &py_list_type, PY_OBJECT_TAG)                                                  \
    X(DICT, "dict", &py_dict_type, PY_OBJECT_TAG)                                                  \
    X(SET, "set", &py_set_type, PY_OBJECT_TAG)                                                     \
    X(FROZENSET, "frozenset", &py_frozenset_type, PY_OBJECT_TAG)                                   \
    X(RANGE, "range", &py_range_type, PY_OBJECT_TAG)                                               \
    X(SLICE, "slice", &py_slice_type, PY_OBJECT_TAG)                                               \
    X(FUNCTION, "function", &host_function_type, PY_OBJECT_TAG)
typedef enum HostClass {
#define X(id, name, native, tag) HOST_CLASS_##id,
    HOST_CLASSES(X)
#undef X
        HOST_CLASS_COUNT
} HostClass;

/* Names that the evaluator looks for itself. */
#define HOST_SYMS(X)                                                                               \
    X(__init__)                                                                                    \
    X(__name__)                                                                                    \
    X(__file__)                                                                                    \
    X(__enter__)                                                                                   \
    X(__exit__)                                                                                    \
    X(__repr__)                                                                                    \
    X(__str__)                                                                                     \
    X(__len__)                                                                                     \
    X(__bool__)                                                                                    \
    X(__call__)                                                                                    \
    X(__getitem__)                                                                                 \
    X(__setitem__)                                                                                 \
    X(__contains__)                                                                                \
    X(__iter__)                                                                                    \
    X(__next__)                                                                                    \
    X(__eq__)                                                                                      \
    X(__hash__)                                                                                    \
    X(__format__)                                                                                  \
    X(__getattr__)                                                                                 \
    X(__class__)                                                                                   \
    X(__dict__)                                                                                    \
    X(__doc__)                                                                                     \
    X(__annotations__)                                                                             \
    X(__post_init__)
typedef struct HostSyms {
#define X(name) Sym name;
    HOST_SYMS(X)
#undef X
} HostSyms;

typedef struct HostState HostState;
struct HostState {
    HostOptions options;
    HostSyms syms;
    PyEnv *builtins;
    PyClass *classes[HOST_CLASS_COUNT];
    Map native_classes; /* other PyTypes -> PyClass *, for type(x) */
    Map scopes;         /* function -> ScopeInfo * */
    PyValue modules;    /* dict: imported modules by name */
    Frame *frame;       /* the innermost activation */
    unsigned calls;     /* how many functions are active */
    bool defining;      /* host_define(): modules only define their names */
    bool doubtful;      /* a name was missed that a module binds when it is run */
    const char *program_dir;
};

/* ---- objects ----------------------------------------------------------------------------------
 */

typedef struct HostFunction {
    PyObject base;
    Sym name, qualname;
    const Params *params;
    const Stmt *def;    /* NULL: a lambda */
    const Expr *lambda; /* NULL: a def */
    const SrcFile *file;
    PyEnv *closure, *globals;
    PyValue *defaults; /* one per parameter: positional ones, then keyword-only */
    size_t num_params;
    PyEnv *attrs; /* function attributes; NULL: none */
    PyClass *cls; /* the class whose body defined it, or NULL */
} HostFunction;
typedef struct HostInstance { /* of a class that the program defines */
    PyObject base;
    PyClass *cls;
    PyEnv *attrs;
} HostInstance;
typedef struct HostWrapper { /* bound method, staticmethod, classmethod, property, super */
    PyObject base;
    PyValue fn, self;
    PyValue setter; /* property */
    PyClass *cls;   /* super: where to begin looking */
} HostWrapper;
extern const PyType host_function_type, host_instance_type, host_method_type,
    host_staticmethod_type, host_classmethod_type, host_property_type, host_super_type,
    host_inert_type, host_generator_type, host_field_type;
PyValue host_wrapper(PyCtx *py, const PyType *type, PyValue fn, PyValue self);

/* ---- the evaluator ----------------------------------------------------------------------------
 */

PyValue eval_expr(PyCtx *py, Frame *frame, const Expr *expr);
/* Text of an f-string, comprehensions, calls: parts of eval_expr. */
PyValue eval_joined(PyCtx *py, Frame *frame, const Expr *expr);
PyValue eval_comprehension(PyCtx *py, Frame *frame, const Expr *expr);
PyValue eval_call(PyCtx *py, Frame *frame, const Expr *expr);
/* The items of a list of expressions with *starred ones spread, in the scratch arena. */
typedef struct ValueList {
    PyValue *items;
    size_t len, cap;
} ValueList;
bool eval_items(PyCtx *py, Frame *frame, const ExprList *list, ValueList *out);
void value_list_push(PyCtx *py, ValueList *list, PyValue value); /* takes the reference over */
void value_list_drop(PyCtx *py, ValueList *list);
/* Borrowed result in *out; raises NameError or UnboundLocalError. */
bool eval_name(PyCtx *py, Frame *frame, const Expr *expr, PyValue *out);

bool assign_target(PyCtx *py, Frame *frame, const Expr *target, PyValue value);
bool assign_name(PyCtx *py, Frame *frame, Sym name, PyValue value);
bool augmented_assign(PyCtx *py, Frame *frame, const Stmt *stmt);
bool delete_target(PyCtx *py, Frame *frame, const Expr *target);

Flow exec_block(PyCtx *py, Frame *frame, const StmtList *block);
Flow exec_stmt(PyCtx *py, Frame *frame, const Stmt *stmt);
Flow exec_try(PyCtx *py, Frame *frame, const Stmt *stmt);
Flow exec_with(PyCtx *py, Frame *frame, const Stmt *stmt, size_t item);
Flow exec_raise(PyCtx *py, Frame *frame, const Stmt *stmt);
Flow exec_import(PyCtx *py, Frame *frame, const Stmt *stmt);
bool exec_class(PyCtx *py, Frame *frame, const Stmt *stmt);
bool exec_function(PyCtx *py, Frame *frame, const Stmt *stmt);
/* Executes what host_define() may. */
void define_block(PyCtx *py, Frame *frame, const StmtList *block);

PyValue function_create(PyCtx *py, Frame *frame, const Stmt *def, const Expr *lambda);
PyValue apply_decorators(PyCtx *py, Frame *frame, const ExprList *decorators, PyValue value);

/* Notes which call the pending exception has left on its way out; function NULL: an import. */
void host_note_call(PyCtx *py, SrcRange call, Sym function);
/* Refuses a construct: "`construct` is not supported ..." with a help (may be NULL). */
PyValue host_refuse(PyCtx *py, SrcRange range, const char *construct, const char *help);
/* False with KeyboardInterrupt pending if the program is to stop. */
bool host_go_on(PyCtx *py);
/* Reports the pending exception as a diagnostic and clears it. */
HostStatus host_report(PyCtx *py, int *exit_status);
/* Reports this one, with the calls that led to it and its causes. */
void host_report_exception(PyCtx *py, PyException *e);

/* ---- classes ----------------------------------------------------------------------------------
 */

PyClass *host_class_of(PyCtx *py, PyValue v); /* borrowed */
int host_isinstance(PyCtx *py, PyValue v, PyValue cls, bool subclass);
PyClass *host_named_tuple(PyCtx *py, Sym name, const Sym *fields, size_t num_fields);
/* @dataclass; a new reference to the class. */
PyValue host_dataclass(PyCtx *py, PyValue cls);

/* ---- modules and builtins ---------------------------------------------------------------------
 */

typedef struct BuiltinRow { /* a function of a module; ends with a NULL name */
    const char *name;
    PyBuiltinFn fn;
} BuiltinRow;
void module_add_functions(PyCtx *py, PyValue module, const BuiltinRow *rows);
void builtins_install(PyCtx *py);
void builtins_add_classes(PyCtx *py, PyEnv *env);
void builtins_add_iterators(PyCtx *py, PyEnv *env);
void builtins_add(PyCtx *py, PyEnv *env, const BuiltinRow *rows);
/* The builtin module `name` (new reference); *found false if tkc has none of that name. */
PyValue builtin_module(PyCtx *py, const char *name, bool *found);
PyValue module_math(PyCtx *py);
PyValue module_sys(PyCtx *py);
/* A list of str; takes nothing over. */
PyValue host_text_list(PyCtx *py, const char *const *items, size_t count);
PyValue module_os(PyCtx *py);
PyValue module_time(PyCtx *py);
/* The C functions that the library files in lib/ call as `_tkc`. */
void host_library_functions(PyCtx *py, PyValue module);
/* Imports `dotted`; a new reference to the last module of the path. */
PyValue import_module(PyCtx *py, const char *dotted, SrcRange range);

/* An argument as int64; TypeError names `function`. */
bool host_arg_i64(PyCtx *py, PyValue v, const char *function, int64_t *out);
/* float(v) for numbers, one-element tensors and objects with __float__. */
bool host_arg_double(PyCtx *py, PyValue v, double *out);
const char *host_arg_text(PyCtx *py, PyValue v, const char *function); /* NULL: TypeError */

#endif
