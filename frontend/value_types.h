/* value_types.h -- how the objects of value.h are laid out.
 *
 * For the value_*.c files and for the host evaluator, which takes short cuts through these layouts;
 * everybody else uses the functions of value.h.
 */
#ifndef TKC_FRONTEND_VALUE_TYPES_H
#define TKC_FRONTEND_VALUE_TYPES_H

#include <tommath.h>

#include "frontend/value.h"

typedef struct PyBigInt { /* never a value that fits int64 */
    PyObject base;
    mp_int value;
} PyBigInt;

typedef struct PyStr {
    PyObject base;
    size_t len, points; /* bytes and code points; equal if all is ASCII */
    char data[];        /* UTF-8, NUL-terminated */
} PyStr;

typedef struct PyTuple {
    PyObject base;
    PyClass *cls; /* a named tuple's class (counted), or NULL */
    size_t len;
    bool busy; /* being printed */
    PyValue items[];
} PyTuple;

typedef struct PyList {
    PyObject base;
    PyValue *items;
    size_t len, cap;
    bool busy;
} PyList;

/* Dicts and sets: entries in insertion order, found through a table of indices. */
typedef struct PyDictEntry {
    PyValue key; /* PY_FAIL: removed */
    PyValue value;
    uint64_t hash;
} PyDictEntry;
typedef struct PyDict {
    PyObject base;
    PyDictEntry *entries;
    uint32_t *slots; /* entry index + 1; 0: empty; 2^32-1: removed */
    size_t len, cap, count, num_slots;
    PyValue factory; /* defaultdict's; PY_NONE otherwise */
    bool busy;
} PyDict;

typedef struct PySlice {
    PyObject base;
    PyValue lower, upper, step;
} PySlice;

typedef struct PyRange {
    PyObject base;
    int64_t start, stop, step, len;
} PyRange;

typedef struct PyModule {
    PyObject base;
    Sym name;
    PyEnv *env;
} PyModule;

typedef struct PyConstexpr {
    PyObject base;
    PyValue value;
} PyConstexpr;

typedef struct PyBuiltin {
    PyObject base;
    const char *name;
    PyBuiltinFn fn;
    void *data;
} PyBuiltin;

typedef struct PyMethod { /* a C method bound to its object */
    PyObject base;
    PyValue self;
    const PyMethodDef *def;
} PyMethod;

typedef struct PyFrameNote { /* a call that an exception has left on its way out */
    SrcRange call;
    Sym function;
} PyFrameNote;
typedef struct PyException {
    PyObject base;
    PyClass *cls;
    PyValue args;  /* a tuple */
    PyValue cause; /* raise ... from cause; PY_NONE */
    PyEnv *attrs;  /* instance attributes; NULL: none */
    SrcRange range;
    char *help; /* or NULL */
    PyFrameNote *frames;
    size_t num_frames;
    bool reported;  /* as a diagnostic, by whoever raised it; nothing catches it */
    bool refused;   /* tkc does not have what the program asks for, which Python has */
    Diag **reports; /* diagnostics to report if nobody catches it, instead of its own text */
    size_t num_reports;
} PyException;

typedef struct PyEnvEntry {
    Sym name; /* NULL: deleted */
    PyValue value;
} PyEnvEntry;
#define PY_ENV_INLINE 8
struct PyEnv {
    PyObject base;
    PyEnv *outer;
    PyEnvEntry *entries;
    uint32_t *slots; /* entry index + 1, once there are more than PY_ENV_INLINE */
    uint32_t len, cap, num_slots;
    const void *owner; /* the evaluator's description of the function this is a frame of, or NULL */
    PyEnvEntry first[PY_ENV_INLINE];
};

extern const PyType py_env_type, py_iter_type, py_dict_view_type;

/* ---- shared between the value_*.c files -------------------------------------------------------
 */

/* A NUL-terminated copy of text on the heap. */
char *py_heap_strdup(PyCtx *py, const char *text);
/* Text in py->scratch becomes a new str; the arena goes back to `mark`. */
PyValue py_str_finish(PyCtx *py, StrBuf *buf, ArenaMark mark);

/* Number arithmetic (value_num.c, value_int.c). *handled false: not two numbers. */
PyValue py_num_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled);
PyValue py_num_unary(PyCtx *py, UnaryOpKind op, PyValue a, bool *handled);
/* -1, 0, 1; 2: unordered (NaN); both must be numbers. */
int py_num_compare(PyCtx *py, PyValue a, PyValue b);
bool py_is_number(PyValue v); /* int of any size, bool, float */
uint64_t py_num_hash(PyCtx *py, PyValue v);
PyValue py_num_pow_mod(PyCtx *py, PyValue base, PyValue exponent, PyValue modulus);
PyValue py_int_from_double(PyCtx *py, double value); /* truncates; raises for inf and nan */
PyValue py_int_from_mp(PyCtx *py, mp_int *value);    /* takes the number over (clears it) */
/* int(text, base): base 0 looks at the prefix. Raises ValueError. */
PyValue py_int_parse(PyCtx *py, const char *text, size_t len, int base);
PyValue py_float_parse(PyCtx *py, const char *text, size_t len);
/* Digits of an int of any size in a base from 2 to 36, with '-' but without prefix. */
bool py_int_digits(PyCtx *py, PyValue v, int base, StrBuf *out);
int64_t py_int_bit_length(PyCtx *py, PyValue v);
PyValue py_int_binary_big(PyCtx *py, BinOpKind op, PyValue a, PyValue b);
PyValue py_int_negate(PyCtx *py, PyValue v);
PyValue py_int_invert(PyCtx *py, PyValue v);
int py_int_compare(PyCtx *py, PyValue a, PyValue b);
int py_int_sign(PyValue v);
bool py_int_to_double(PyCtx *py, PyValue v, double *out); /* OverflowError if too large */
PyValue py_int_true_divide(PyCtx *py, PyValue a, PyValue b);
/* The shortest text that reads back as `value`, as repr() prints it. */
void py_float_repr(double value, StrBuf *out);
/* At most `precision` digits, as format(value, ".4") prints it. */
void py_float_general(double value, int precision, StrBuf *out);

/* Sequences. */
PyValue py_seq_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled);
PyValue py_tuple_steal(PyCtx *py, PyValue *items, size_t len); /* takes the references over */
/* Python's slice arithmetic: start, step and count for a sequence of `len`; false: failed. */
bool py_slice_indices(PyCtx *py, PyValue slice, int64_t len, int64_t *start, int64_t *step,
                      int64_t *count);
/* An index in [0, len), negative ones counted from the end; IndexError "`what` index out of
 * range"; -1 then. */
int64_t py_seq_index(PyCtx *py, PyValue index, size_t len, const char *what);
PyDict *py_dict_or_set(PyValue v); /* NULL if it is neither */
bool py_dict_find(PyCtx *py, PyDict *dict, PyValue key, size_t *entry, bool *found);
bool py_dict_remove(PyCtx *py, PyDict *dict, PyValue key, PyValue *value, bool *found);
PyValue py_raise_key_error(PyCtx *py, PyValue key);
void py_dict_clear(PyCtx *py, PyDict *dict);
bool py_dict_update(PyCtx *py, PyValue dict, PyValue other);
bool py_is_dict(PyValue v);
/* dict.keys() (0), values() (1), items() (2). */
PyValue py_dict_view(PyCtx *py, PyValue dict, int what);
bool py_is_set(PyValue v); /* set or frozenset */
bool py_list_set_slice(PyCtx *py, PyList *list, PyValue slice, PyValue value);
bool py_list_del_slice(PyCtx *py, PyList *list, PyValue slice);
bool py_list_insert(PyCtx *py, PyList *list, size_t at, PyValue item);
PyValue py_list_pop_at(PyCtx *py, PyList *list, size_t at);
/* Sorts in place, stably; key PY_NONE: none. */
bool py_list_sort(PyCtx *py, PyList *list, PyValue key, bool reverse);

extern const PyMethodDef py_str_methods[], py_list_methods[], py_tuple_methods[], py_dict_methods[],
    py_set_methods[], py_frozenset_methods[], py_int_methods[], py_float_methods[];

/* Strings. */
size_t py_str_offset(const PyStr *s, size_t point); /* byte offset of a code point */
PyValue py_str_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled);
bool py_str_repr(const char *data, size_t len, StrBuf *out);
PyValue py_char(PyCtx *py, PyValue point); /* chr() */
PyValue py_str_format(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args);
/* `format % args`. */
PyValue py_str_percent(PyCtx *py, PyValue format, PyValue args);

/* Exceptions: a new one of class `cls`; args is a tuple (borrowed). */
PyValue py_exception_new(PyCtx *py, PyClass *cls, PyValue args, SrcRange range);
bool py_exception_message(PyCtx *py, PyException *exception, StrBuf *out);

PyValue py_class_fields(PyCtx *py, const PyClass *cls); /* a tuple of names */
/* str.upper: takes the object as its first argument. */
PyValue py_unbound_method(PyCtx *py, const PyMethodDef *def);
PyValue py_method_bind(PyCtx *py, PyValue self, const PyMethodDef *def);
const PyMethodDef *py_methods_of(PyValue v); /* of its type; NULL: none */
const PyMethodDef *py_method_find(const PyMethodDef *table, Sym name);
/* "did you mean `near`?" from a list of names, or NULL. In the scratch arena. */
const char *py_suggest(PyCtx *py, const char *word, const char *const *names, size_t count);

#endif
