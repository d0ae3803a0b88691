/* builtins_module.c -- the table of builtins, and the modules made from it.
 *
 * Every name of triton.language is an attribute of a module object: a row of builtins.def (a value
 * of the type below), a function of libdevice, a dtype, or a module. Kernels find the row behind a
 * value with builtin_from_value; host code may call the few that make constants (tl.constexpr(4)).
 */
#include "frontend/builtins.h"

#include <string.h>

/* ---- the table ------------------------------------------------------------------------------- */

const BuiltinRow builtin_rows[] = {
#define BUILTIN(name, params, function, method, doc) {name, params, function, NULL, method, doc},
#define LIBRARY(name, file, method, doc)             {name, NULL, NULL, file, method, doc},
#include "frontend/builtins.def"
#undef BUILTIN
#undef LIBRARY
#define LIBDEVICE(name, overloads, shape, function)                                                \
    {"libdevice." name, "*args", builtin_libdevice, NULL, false, overloads},
#include "ir/libdevice.def"
#undef LIBDEVICE
};
const size_t builtin_count = TK_COUNTOF(builtin_rows);

const BuiltinRow *builtin_find(const char *name) {
    for (size_t i = 0; i < builtin_count; i++)
        if (str_eq(builtin_rows[i].name, name))
            return &builtin_rows[i];
    return NULL;
}

const char *builtin_short_name(const BuiltinRow *row) {
    const char *dot = strrchr(row->name, '.');
    return dot ? dot + 1 : row->name;
}

/* ---- methods --------------------------------------------------------------------------------- */

/* Is the row a method of values of this kind? */
static bool is_method_of(const BuiltinRow *row, SKind kind) {
    if (kind == SV_DESC)
        return str_starts(row->name, "desc.");
    if (kind == SV_BLOCKPTR)
        return str_starts(row->name, "block.");
    return kind == SV_TENSOR && (row->is_method || str_starts(row->name, "tensor."));
}

const BuiltinRow *builtin_method(SKind kind, const char *name) {
    for (size_t i = 0; i < builtin_count; i++)
        if (str_eq(builtin_short_name(&builtin_rows[i]), name) &&
            is_method_of(&builtin_rows[i], kind))
            return &builtin_rows[i];
    return NULL;
}

size_t builtin_method_names(Spec *s, SKind kind, const char ***names) {
    size_t count = 0;
    *names = ARENA_ARRAY(s->arena, const char *, builtin_count);
    for (size_t i = 0; i < builtin_count; i++)
        if (is_method_of(&builtin_rows[i], kind))
            (*names)[count++] = builtin_short_name(&builtin_rows[i]);
    return count;
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef struct BuiltinObject {
    PyObject base;
    const BuiltinRow *row;
} BuiltinObject;

static void builtin_dealloc(PyCtx *py, PyObject *self) {
    py_object_free(py, self);
}

static const PyType builtin_type;

const BuiltinRow *builtin_from_value(PyValue v) {
    const BuiltinObject *object = py_as(v, &builtin_type);
    return object ? object->row : NULL;
}

static PyValue builtin_call(PyCtx *py, PyValue self, const PyArgs *args) {
    return builtin_host_call(py, builtin_from_value(self), args);
}

static bool builtin_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    const BuiltinRow *row = ((const BuiltinObject *)self.u.o)->row;
    if (str_starts(row->name, "tl."))
        strbuf_printf(out, "triton.language.%s", row->name + 3);
    else
        strbuf_puts(out, row->name);
    return true;
}

/* Two values of one row are equal: tl.exp == tl.math.exp. */
static PyValue builtin_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    (void)py;
    *handled = op == CMP_EQ || op == CMP_NE;
    bool same = builtin_from_value(a) == builtin_from_value(b);
    return py_bool(same == (op == CMP_EQ));
}

static const PyType builtin_type = {
    .name = "function",
    .dealloc = builtin_dealloc,
    .call = builtin_call,
    .repr = builtin_repr,
    .compare = builtin_compare,
};

PyValue builtin_value(PyCtx *py, const BuiltinRow *row) {
    BuiltinObject *object = py_object_new(py, &builtin_type, sizeof *object);
    object->row = row;
    return py_from_object(&object->base);
}

/* ---- dtypes of other hardware ---------------------------------------------------------------- */

typedef struct ForeignDtype {
    PyObject base;
    const char *name;
} ForeignDtype;

static bool foreign_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_puts(out, tl_unsupported_dtype(self));
    return true;
}

static const PyType foreign_dtype_type = {
    .name = "dtype",
    .dealloc = builtin_dealloc,
    .repr = foreign_repr,
};

const char *tl_unsupported_dtype(PyValue v) {
    const ForeignDtype *object = py_as(v, &foreign_dtype_type);
    return object ? object->name : NULL;
}

static PyValue foreign_dtype(PyCtx *py, const char *name) {
    ForeignDtype *object = py_object_new(py, &foreign_dtype_type, sizeof *object);
    object->name = name;
    return py_from_object(&object->base);
}

/* ---- modules --------------------------------------------------------------------------------- */

/* Sets module.NAME for each row PREFIX.NAME without another dot. */
static void add_rows(PyCtx *py, PyValue module, const char *prefix) {
    size_t len = strlen(prefix);
    for (size_t i = 0; i < builtin_count; i++) {
        const char *name = builtin_rows[i].name;
        if (str_starts(name, prefix) && name[len] == '.' && !strchr(name + len + 1, '.'))
            py_module_set(py, module, name + len + 1, builtin_value(py, &builtin_rows[i]));
    }
}

static void add_dtypes(PyCtx *py, PyValue tl) {
    for (int t = 0; t < DT_COUNT; t++)
        py_module_set(py, tl, dtype_infos[t].tl_name, py_dtype((DType)t));
    py_module_set(py, tl, "pi32_t",
                  tl_type_value(py, (TlType){.pointee = &(TlType){.dtype = DT_I32}}));
    py_module_set(py, tl, "float8e4b8", foreign_dtype(py, "fp8e4b8"));
    py_module_set(py, tl, "float8e5b16", foreign_dtype(py, "fp8e5b16"));
    py_module_set(py, tl, "float8e4b15", foreign_dtype(py, "fp8e4b15"));
}

/* A module as an attribute of another; borrowed. */
static PyValue add_module(PyCtx *py, PyValue parent, const char *attribute, const char *name) {
    PyValue module = py_module(py, name);
    py_module_set(py, parent, attribute, module);
    return module;
}

/* tl.math repeats these functions of tl. */
static void add_math(PyCtx *py, PyValue tl) {
    static const char *const names[] = {"exp",  "exp2",    "log",   "log2",   "sin",   "cos",
                                        "sqrt", "sqrt_rn", "rsqrt", "erf",    "floor", "ceil",
                                        "abs",  "fma",     "fdiv",  "div_rn", "umulhi"};
    PyValue math = add_module(py, tl, "math", "triton.language.math");
    for (size_t i = 0; i < TK_COUNTOF(names); i++) {
        StrBuf row = STRBUF(py->arena);
        strbuf_printf(&row, "tl.%s", names[i]);
        py_module_set(py, math, names[i], builtin_value(py, builtin_find(strbuf_str(&row))));
    }
}

static void add_extra(PyCtx *py, PyValue tl) {
    PyValue extra = add_module(py, tl, "extra", "triton.language.extra");
    PyValue libdevice = add_module(py, extra, "libdevice", "triton.language.extra.libdevice");
    add_rows(py, libdevice, "libdevice");
    PyValue cuda = add_module(py, extra, "cuda", "triton.language.extra.cuda");
    add_rows(py, cuda, "tl.extra.cuda");
    py_module_set(py, cuda, "libdevice", py_incref(libdevice));
    py_module_set(py, cuda, "utils", py_incref(cuda)); /* where older versions had num_warps */
    PyValue target = add_module(py, tl, "target_info", "triton.language.target_info");
    add_rows(py, target, "tl.target_info");
    PyValue nan = add_module(py, tl, "PropagateNan", "triton.language.PropagateNan");
    py_module_set(py, nan, "NONE", py_int(PROPAGATE_NAN_NONE));
    py_module_set(py, nan, "ALL", py_int(PROPAGATE_NAN_ALL));
}

TlModule *tl_module(PyCtx *py) {
    if (py->tl)
        return py->tl;
    TlModule *state = ARENA_NEW(py->arena, TlModule);
    map_init_str(&state->libraries, py->arena);
    PyValue tl = state->module = py_module(py, "triton.language");
    py->tl = state;
    add_rows(py, tl, "tl");
    add_dtypes(py, tl);
    add_math(py, tl);
    add_extra(py, tl);
    static const char *const parts[] = {"core", "standard", "random", "semantic"};
    for (size_t i = 0; i < TK_COUNTOF(parts); i++) /* where Triton's own files define them */
        py_module_set(py, tl, parts[i], py_incref(tl));
    return state;
}

PyValue spec_language_module(PyCtx *py) {
    return py_incref(tl_module(py)->module);
}
