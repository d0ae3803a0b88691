/* value.h -- values of the Python subset: what constexprs are at compile time and everything is on
 * the host.
 *
 * A PyValue is two words: a tag and either the value itself or a reference to a counted object.
 * Conventions are CPython's: arguments are borrowed, results are new references (py_decref them),
 * and a function that fails returns PY_FAIL (or false / -1) with an exception pending in the PyCtx.
 * Integers have any size (small ones inline, the rest libtommath's). New object types are PyTypes:
 * tables of function pointers; torch tensors, jit functions and modules are such types.
 */
#ifndef TKC_FRONTEND_VALUE_H
#define TKC_FRONTEND_VALUE_H

#include "frontend/ast.h"
#include "support/diag.h"
#include "support/dtype.h"

typedef enum PyTag {
    PY_FAIL_TAG, /* an exception is pending */
    PY_NONE_TAG,
    PY_BOOL_TAG,
    PY_INT_TAG, /* fits in 64 bits; larger ones are objects of py_int_type */
    PY_FLOAT_TAG,
    PY_DTYPE_TAG, /* tl.float32: u.i is a DType */
    PY_ELLIPSIS_TAG,
    PY_OBJECT_TAG
} PyTag;

typedef struct PyObject PyObject;
struct PyClass;
typedef struct PyCtx PyCtx;
typedef struct PyValue {
    PyTag tag;
    union {
        int64_t i; /* BOOL, INT, DTYPE */
        double f;
        PyObject *o;
    } u;
} PyValue;

#define PY_FAIL     ((PyValue){.tag = PY_FAIL_TAG})
#define PY_NONE     ((PyValue){.tag = PY_NONE_TAG})
#define PY_ELLIPSIS ((PyValue){.tag = PY_ELLIPSIS_TAG})
static inline PyValue py_bool(bool b) {
    return (PyValue){.tag = PY_BOOL_TAG, .u.i = b};
}
static inline PyValue py_int(int64_t i) {
    return (PyValue){.tag = PY_INT_TAG, .u.i = i};
}
static inline PyValue py_float(double f) {
    return (PyValue){.tag = PY_FLOAT_TAG, .u.f = f};
}
static inline PyValue py_dtype(DType t) {
    return (PyValue){.tag = PY_DTYPE_TAG, .u.i = t};
}
static inline bool py_failed(PyValue v) {
    return v.tag == PY_FAIL_TAG;
}

/* The binary operators that types may define; BinOpKind from ast.h. */
typedef struct PyArgs { /* a call's arguments, all borrowed */
    const PyValue *pos;
    size_t num_pos;
    const Sym *kw_names;
    const PyValue *kw_values;
    size_t num_kw;
    SrcRange range;             /* the call expression */
    const SrcRange *pos_ranges; /* of each argument, or NULL */
    const SrcRange *kw_ranges;  /* of each keyword's name, or NULL */
} PyArgs;

/* A method of a builtin type, implemented in C. `params` is in the form of py_bind_text(); a[i] are
 * the bound arguments. params NULL: the method takes `args` apart itself. */
typedef struct PyMethodDef {
    const char *name;
    PyValue (*fn)(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args);
    const char *params;
} PyMethodDef;

typedef struct PyType {
    const char *name;                       /* as type(x).__name__ prints it: "Tensor" */
    const char *(*type_name)(PyValue self); /* if that depends on the object; NULL: name */
    void (*dealloc)(PyCtx *py, PyObject *self);
    /* Attribute; *found false (and PY_NONE) if there is none: the caller raises AttributeError
     * with a "did you mean" from attr_names. */
    PyValue (*getattr)(PyCtx *py, PyValue self, Sym name, bool *found);
    bool (*setattr)(PyCtx *py, PyValue self, Sym name, PyValue value);
    const char *const *attr_names; /* NULL-terminated, for suggestions; may be NULL */
    PyValue (*call)(PyCtx *py, PyValue self, const PyArgs *args);
    PyValue (*subscript)(PyCtx *py, PyValue self, PyValue index);
    bool (*set_subscript)(PyCtx *py, PyValue self, PyValue index, PyValue value);
    PyValue (*iter)(PyCtx *py, PyValue self);             /* an iterator */
    PyValue (*next)(PyCtx *py, PyValue self, bool *done); /* iterators: next item or *done */
    int64_t (*length)(PyCtx *py, PyValue self);           /* -1: failed */
    int (*truth)(PyCtx *py, PyValue self);                /* 0, 1, or -1: failed */
    /* Tried for either operand being of this type; *handled false: try the other, then TypeError.
     */
    PyValue (*binary)(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled);
    PyValue (*compare)(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled); /* EQ..GE */
    PyValue (*unary)(PyCtx *py, UnaryOpKind op, PyValue a, bool *handled);
    int (*contains)(PyCtx *py, PyValue self, PyValue item);
    bool (*repr)(PyCtx *py, PyValue self, StrBuf *out); /* NULL: <name object> */
    bool (*str)(PyCtx *py, PyValue self, StrBuf *out);  /* NULL: repr */
    bool (*format)(PyCtx *py, PyValue self, const char *spec, size_t len, StrBuf *out);
    bool (*hash)(PyCtx *py, PyValue self, uint64_t *out); /* NULL: by identity */
    bool unhashable;                                      /* hash() raises TypeError */
    const PyMethodDef *methods; /* looked up after getattr; ends with a NULL name; may be NULL */
    bool kernels_refuse; /* as a global name: it may change behind a compiled kernel's back */
    /* Found in a class: what instance.attr (or Class.attr, self PY_NONE) gives. NULL: itself. */
    PyValue (*bind)(PyCtx *py, PyValue attr, PyValue self, struct PyClass *cls);
} PyType;

struct PyObject {
    const PyType *type;
    long refs;
    PyObject *prev, *next; /* all live objects of the PyCtx, freed at its end */
};

/* ---- context --------------------------------------------------------------------------------- */

/* What the host evaluator lends to types that live below it; all NULL in compile-only sessions. */
typedef struct PyHooks {
    /* kernel[grid] and other uses of jit functions on the host (jit.h). */
    PyValue (*jit_subscript)(PyCtx *py, PyValue jit, PyValue index);
    PyValue (*jit_call)(PyCtx *py, PyValue jit, const PyArgs *args);
    PyValue (*jit_getattr)(PyCtx *py, PyValue jit, Sym name, bool *found);
} PyHooks;

/* One per host program (or compile-only session). Not thread-safe. */
struct PyCtx {
    OomHandler *oom;
    Arena *arena; /* lives as long as the context: names, syntax trees */
    StrTab *names;
    SourceSet *sources;
    Diags *diags;
    PyObject *objects;
    PyValue exception; /* pending exception object, or PY_NONE */
    SrcRange here;     /* the expression being evaluated, for exceptions */
    const PyHooks *hooks;
    struct HostState *host; /* runtime/host's own state; NULL in compile-only sessions */
    Arena *scratch;         /* short-lived text and arrays: mark, use, reset (strictly nested) */
    struct PyClass *exc_classes[64]; /* by PyExc, made on first use */
    uintptr_t stack_low; /* lowest C stack address that recursion may reach; 0: no limit */
    unsigned dealloc_depth;
    struct TlModule *tl; /* triton.language, once it was asked for (builtins_module.c) */
    PyObject *doomed;    /* dead objects whose deallocation waits, so that it does not recurse */
    bool destroying;
};
/* Whether the C stack has room for another level of recursion; raises RecursionError if not. */
bool py_stack_ok(PyCtx *py);
PyCtx *py_ctx_create(OomHandler *oom, Arena *arena, StrTab *names, SourceSet *sources,
                     Diags *diags);
void py_ctx_destroy(PyCtx *py);

/* A new object of `size` bytes (its first member is a PyObject) with one reference. */
void *py_object_new(PyCtx *py, const PyType *type, size_t size);
void py_object_free(PyCtx *py, PyObject *object); /* called by dealloc functions at their end */
PyValue py_from_object(PyObject *object);         /* takes over the reference */
static inline PyValue py_incref(PyValue v) {
    if (v.tag == PY_OBJECT_TAG)
        v.u.o->refs++;
    return v;
}
void py_decref(PyCtx *py, PyValue v);
/* The object as T* if `v` is an object of exactly this type, else NULL. */
void *py_as(PyValue v, const PyType *type);
const char *py_type_name(PyValue v); /* "int", "str", "Tensor", ... */

/* ---- exceptions ------------------------------------------------------------------------------ */

/* Builtin exception classes, with their bases: X(name, base). */
typedef enum PyExc {
#define PYEXC(name, base) PYEXC_##name,
#include "frontend/exceptions.def"
#undef PYEXC
    PYEXC_COUNT
} PyExc;
/* Sets the pending exception (at py->here) and returns PY_FAIL. */
PyValue py_raise(PyCtx *py, PyExc exc, const char *fmt, ...) TK_PRINTF(3, 4);
/* The same with a place of its own, and a help text (NULL: none) for the diagnostic. */
PyValue py_raise_at(PyCtx *py, PyExc exc, SrcRange range, const char *help, const char *fmt, ...)
    TK_PRINTF(5, 6);
/* Raises `exc` with the text of the diagnostics reported since `from` (a diags_len()). They are
 * taken back into the exception and reported again only if nobody catches it. */
PyValue py_raise_reports(PyCtx *py, PyExc exc, size_t from);
void py_clear_exception(PyCtx *py);

/* ---- building and taking apart --------------------------------------------------------------- */

extern const PyType py_bigint_type, py_str_type, py_tuple_type, py_list_type, py_dict_type,
    py_set_type, py_frozenset_type, py_slice_type, py_module_type, py_constexpr_type,
    py_exception_type, py_builtin_type, py_method_type, py_range_type, py_class_type;

PyValue py_str(PyCtx *py, const char *text); /* NUL-terminated UTF-8 */
PyValue py_strn(PyCtx *py, const char *text, size_t len);
PyValue py_int_from_text(PyCtx *py, const char *text); /* as in CONST_INT: with 0x, 0o, 0b */
PyValue py_uint(PyCtx *py, uint64_t value);
PyValue py_tuple(PyCtx *py, const PyValue *items, size_t len); /* takes new references to items */
PyValue py_list(PyCtx *py, const PyValue *items, size_t len);
PyValue py_dict(PyCtx *py);
bool py_dict_set(PyCtx *py, PyValue dict, PyValue key, PyValue value);
PyValue py_set(PyCtx *py, bool frozen);
bool py_set_add(PyCtx *py, PyValue set, PyValue item);
PyValue py_slice(PyCtx *py, PyValue lower, PyValue upper, PyValue step);
PyValue py_range(PyCtx *py, int64_t start, int64_t stop, int64_t step);
/* All items of an iterable as a new list. */
PyValue py_list_of(PyCtx *py, PyValue iterable);
bool py_list_append(PyCtx *py, PyValue list, PyValue item);
bool py_dict_get(PyCtx *py, PyValue dict, PyValue key, PyValue *out); /* borrowed; false: absent */
PyValue py_constexpr(PyCtx *py, PyValue value);    /* a tl.constexpr(...) instance */
PyValue py_unwrap_constexpr(PyValue v);            /* borrowed inner value, or v itself */
PyValue py_const(PyCtx *py, const Expr *constant); /* the value of an EXPR_CONSTANT */

bool py_is_str(PyValue v);
const char *py_str_data(PyValue v, size_t *len); /* NUL-terminated; len may be NULL */
bool py_is_int(PyValue v);                       /* any size; bool is not */
/* Fits into int64 (bools do)? Then *out is it. Raises nothing. */
bool py_to_i64(PyValue v, int64_t *out);
/* An integer of any size modulo 2^64, and whether it fits int64 / uint64; false if no integer. */
bool py_int_bits(PyValue v, uint64_t *bits, bool *fits_i64, bool *fits_u64);
bool py_to_double(PyValue v, double *out); /* int, bool, float */
bool py_is_tuple(PyValue v);
bool py_is_list(PyValue v);
size_t py_seq_len(PyValue v);             /* tuple or list */
PyValue py_seq_item(PyValue v, size_t i); /* tuple or list; borrowed */

/* ---- operations (all of Python's rules for the types above; others through their PyType) ------
 */

PyValue py_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b);
PyValue py_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b); /* all of CmpOpKind */
PyValue py_unary(PyCtx *py, UnaryOpKind op, PyValue a);
int py_truth(PyCtx *py, PyValue v); /* 0, 1, or -1 with an exception */
int py_equal(PyCtx *py, PyValue a, PyValue b);
PyValue py_getattr(PyCtx *py, PyValue v, Sym name); /* AttributeError with a suggestion */
PyValue py_getattr_opt(PyCtx *py, PyValue v, Sym name, bool *found);
bool py_setattr(PyCtx *py, PyValue v, Sym name, PyValue value);
PyValue py_subscript(PyCtx *py, PyValue v, PyValue index);
bool py_set_subscript(PyCtx *py, PyValue v, PyValue index, PyValue value);
bool py_del_subscript(PyCtx *py, PyValue v, PyValue index);
int py_contains(PyCtx *py, PyValue container, PyValue item); /* 0, 1, -1: failed */
PyValue py_call(PyCtx *py, PyValue callee, const PyArgs *args);
PyValue py_call_values(PyCtx *py, PyValue callee, const PyValue *pos, size_t num_pos);
PyValue py_iter(PyCtx *py, PyValue v);
PyValue py_next(PyCtx *py, PyValue iterator, bool *done);
int64_t py_len(PyCtx *py, PyValue v);
bool py_repr(PyCtx *py, PyValue v, StrBuf *out);
bool py_str_of(PyCtx *py, PyValue v, StrBuf *out);
/* format(v, spec) with Python's format mini-language. */
bool py_format(PyCtx *py, PyValue v, const char *spec, size_t len, StrBuf *out);
bool py_hash(PyCtx *py, PyValue v, uint64_t *out);

/* ---- classes --------------------------------------------------------------------------------- */

/* A class: of builtin values (`int`), of exceptions (`ValueError`), or written in the program. */
typedef struct PyClass {
    PyObject base;
    Sym name;
    struct PyClass *parent; /* NULL: object; a counted reference */
    struct PyEnv *attrs;    /* methods and class variables; NULL: none */
    const PyType *native;   /* the type of its instances' objects; NULL: of tag `native_tag` */
    PyTag native_tag;
    int exc; /* a PyExc if it is an exception class, else -1 */
    /* Calls of the class; NULL: cannot be instantiated. */
    PyValue (*construct)(PyCtx *py, struct PyClass *cls, const PyArgs *args);
    bool user;         /* defined by the program */
    const Sym *fields; /* named tuples and dataclasses: the fields in order (in the arena) */
    size_t num_fields;
} PyClass;
PyClass *py_class_new(PyCtx *py, Sym name, PyClass *parent);
PyClass *py_exc_class(PyCtx *py, PyExc exc); /* borrowed */
bool py_class_is_subclass(const PyClass *cls, const PyClass *of);
/* Looks up an attribute along the bases; borrowed. */
bool py_class_get(const PyClass *cls, Sym name, PyValue *out);
/* What access to class attribute `attr` through `self` (PY_NONE: the class) gives. */
PyValue py_class_bind_attr(PyCtx *py, PyValue attr, PyValue self, PyClass *cls);
/* "int" for the class int or the builtin function `len`; NULL if `v` is neither. */
const char *py_callable_name(PyValue v);

/* ---- names ----------------------------------------------------------------------------------- */

/* A scope: names to values, and the scope around it. Reference counted (closures share it). */
typedef struct PyEnv PyEnv;
PyEnv *py_env_create(PyCtx *py, PyEnv *outer); /* keeps a reference to outer */
PyEnv *py_env_retain(PyEnv *env);
void py_env_release(PyCtx *py, PyEnv *env);
/* Borrowed; looks through outer scopes; false if unbound. */
bool py_env_get(const PyEnv *env, Sym name, PyValue *out);
bool py_env_get_local(const PyEnv *env, Sym name, PyValue *out);
void py_env_set(PyCtx *py, PyEnv *env, Sym name, PyValue value);
bool py_env_delete(PyCtx *py, PyEnv *env, Sym name);
PyEnv *py_env_outer(const PyEnv *env);
/* Visits the names in the order they were bound (for suggestions). */
size_t py_env_names(const PyEnv *env, Arena *arena, const char ***names);

PyValue py_module(PyCtx *py, const char *name); /* an empty module object */
void py_module_set(PyCtx *py, PyValue module, const char *name,
                   PyValue value); /* takes over value */
PyEnv *py_module_env(PyValue module);
const char *py_module_name(PyValue module);

/* A function implemented in C. */
typedef PyValue (*PyBuiltinFn)(PyCtx *py, void *data, const PyArgs *args);
PyValue py_builtin(PyCtx *py, const char *name, PyBuiltinFn fn, void *data);

/* Binds a call's arguments to `names` (NULL-terminated "a", "b=", "*", "c=": a trailing = means
 * optional, "*" starts keyword-only ones). out[i] is borrowed; absent optionals are PY_FAIL.
 * Raises TypeError (with a did-you-mean for keywords) and returns false if they do not fit. */
bool py_bind(PyCtx *py, const char *function, const PyArgs *args, const char *const *names,
             PyValue *out);
/* The same with the names in one text, separated by spaces: "a b= * c=". At most PY_BIND_MAX. */
#define PY_BIND_MAX 16
bool py_bind_text(PyCtx *py, const char *function, const PyArgs *args, const char *names,
                  PyValue *out);

#endif
