/* modules.c -- which modules there are, and those that are mostly names.
 *
 * functools, itertools and the like are Python files under lib/, evaluated when they are imported;
 * what they cannot do in Python is a function of `_tkc`, which they import from here.
 */
#include <string.h>

#include "runtime/host/host_internal.h"
#include "runtime/host/triton_internal.h"

#define BUILTIN(name) static PyValue name(PyCtx *py, TK_UNUSED void *data, const PyArgs *args)

/* ---- inert names: annotations say nothing at run time -------------------------------------------
 */

typedef struct Inert {
    PyObject base;
    Sym name;
} Inert;

static PyValue inert_subscript(PyCtx *py, PyValue self, PyValue index) {
    (void)py;
    (void)index;
    return py_incref(self);
}

static PyValue inert_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    (void)py;
    const Inert *left = py_as(a, &host_inert_type);
    *handled = op == BIN_BITOR;
    return *handled ? py_incref(left != NULL ? a : b) : PY_NONE;
}

static bool inert_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_printf(out, "typing.%s", ((const Inert *)self.u.o)->name);
    return true;
}

/* TypeVar("T"), NewType(...), cast(T, x): the last argument, which for TypeVar is as good as any.
 */
static PyValue inert_call(PyCtx *py, PyValue self, const PyArgs *args) {
    (void)py;
    (void)self;
    return args->num_pos > 0 ? py_incref(args->pos[args->num_pos - 1]) : PY_NONE;
}

const PyType host_inert_type = {.name = "typing",
                                .subscript = inert_subscript,
                                .binary = inert_binary,
                                .call = inert_call,
                                .repr = inert_repr};

static PyValue inert(PyCtx *py, const char *name) {
    Inert *object = py_object_new(py, &host_inert_type, sizeof *object);
    object->name = strtab_sym(py->names, name);
    return py_from_object(&object->base);
}

static PyValue named_tuple_marker(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    return host_refuse(py, args->range, "calling `typing.NamedTuple`",
                       "write a class, or use collections.namedtuple");
}

static PyValue module_typing(PyCtx *py) {
    static const char *const names[] = {
        "Any",      "Optional", "Union",    "List",      "Tuple",     "Dict",      "Set",
        "Callable", "Iterable", "Iterator", "Sequence",  "Mapping",   "Literal",   "Type",
        "TypeVar",  "Generic",  "Protocol", "ClassVar",  "Final",     "NewType",   "Generator",
        "Self",     "cast",     "Hashable", "FrozenSet", "TypeAlias", "Annotated", "NoReturn"};
    PyValue module = py_module(py, "typing");
    for (size_t i = 0; i < TK_COUNTOF(names); i++)
        py_module_set(py, module, names[i], inert(py, names[i]));
    py_module_set(py, module, "TYPE_CHECKING", py_bool(false));
    PyClass *marker = py_class_new(py, strtab_sym(py->names, "NamedTuple"), NULL);
    marker->construct = named_tuple_marker;
    py_module_set(py, module, "NamedTuple", py_from_object(&marker->base));
    return module;
}

static PyValue module_future(PyCtx *py) {
    static const char *const names[] = {"annotations", "division", "print_function"};
    PyValue module = py_module(py, "__future__");
    for (size_t i = 0; i < TK_COUNTOF(names); i++)
        py_module_set(py, module, names[i], inert(py, names[i]));
    return module;
}

/* ---- what the library files need of C
 * ------------------------------------------------------------ */

/* namedtuple("P", "x y") or ("P", ["x", "y"]), with defaults=(...). */
BUILTIN(lib_namedtuple) {
    PyValue a[4];
    if (!py_bind_text(py, "namedtuple", args, "typename field_names * defaults= rename=", a) ||
        host_arg_text(py, a[0], "namedtuple") == NULL)
        return PY_FAIL;
    PyValue names;
    if (py_is_str(a[1])) {
        PyValue comma = py_str(py, ","), space = py_str(py, " ");
        PyValue pair[2] = {comma, space};
        PyArgs both = {.pos = pair, .num_pos = 2, .range = args->range};
        PyValue replace = py_getattr(py, a[1], strtab_sym(py->names, "replace"));
        PyValue text = py_call(py, replace, &both);
        PyValue split = py_getattr(py, text, strtab_sym(py->names, "split"));
        names = py_call_values(py, split, NULL, 0);
        PyValue used[] = {comma, space, replace, text, split};
        for (size_t i = 0; i < TK_COUNTOF(used); i++)
            py_decref(py, used[i]);
    } else {
        names = py_list_of(py, a[1]);
    }
    if (py_failed(names))
        return PY_FAIL;
    size_t count = py_seq_len(names);
    Sym *fields = ARENA_ARRAY(py->arena, Sym, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *field = host_arg_text(py, py_seq_item(names, i), "namedtuple");
        fields[i] = strtab_sym(py->names, field != NULL ? field : "");
    }
    py_decref(py, names);
    PyClass *cls =
        host_named_tuple(py, strtab_sym(py->names, py_str_data(a[0], NULL)), fields, count);
    cls->attrs = py_env_create(py, NULL);
    PyValue defaults =
        py_failed(a[2]) || a[2].tag == PY_NONE_TAG ? py_list(py, NULL, 0) : py_list_of(py, a[2]);
    size_t given = py_failed(defaults) ? 0 : py_seq_len(defaults);
    for (size_t i = 0; i < given && i < count; i++)
        py_env_set(py, cls->attrs, fields[count - given + i], py_seq_item(defaults, i));
    bool ok = !py_failed(defaults) && !py_failed(py->exception);
    py_decref(py, defaults);
    return ok && py->exception.tag == PY_NONE_TAG ? py_from_object(&cls->base) : PY_FAIL;
}

BUILTIN(lib_defaultdict) {
    if (args->num_pos > 2)
        return py_raise(py, PYEXC_TypeError, "defaultdict expected at most 2 arguments");
    PyValue dict = py_dict(py);
    if (args->num_pos == 2 && !py_dict_update(py, dict, args->pos[1])) {
        py_decref(py, dict);
        return PY_FAIL;
    }
    if (args->num_pos > 0)
        ((PyDict *)dict.u.o)->factory = py_incref(args->pos[0]);
    return dict;
}

BUILTIN(lib_dataclass) {
    PyValue cls;
    return py_bind_text(py, "dataclass", args, "cls", &cls) ? host_dataclass(py, cls) : PY_FAIL;
}

const PyType host_field_type = {.name = "Field", .dealloc = NULL};

/* field(default_factory=f): a mark in the class that makes a new value for every object. */
BUILTIN(lib_field) {
    PyValue factory;
    if (!py_bind_text(py, "field", args, "default_factory", &factory))
        return PY_FAIL;
    return host_wrapper(py, &host_field_type, factory, PY_NONE);
}

/* The fields of a dataclass or a named tuple, as a tuple of names. */
BUILTIN(lib_field_names) {
    PyValue v;
    if (!py_bind_text(py, "fields", args, "object", &v))
        return PY_FAIL;
    const PyClass *cls = py_as(v, &py_class_type);
    if (cls == NULL)
        cls = host_class_of(py, v);
    return py_class_fields(py, cls);
}

/* warnings.warn: a line on standard error, where Python puts it too. */
BUILTIN(lib_warn) {
    PyValue text;
    if (!py_bind_text(py, "warn", args, "text", &text) || host_arg_text(py, text, "warn") == NULL)
        return PY_FAIL;
    fprintf(py->host->options.err, "%s\n", py_str_data(text, NULL));
    return PY_NONE;
}

void host_library_functions(PyCtx *py, PyValue module) {
    static const BuiltinRow rows[] = {{"namedtuple", lib_namedtuple},
                                      {"defaultdict", lib_defaultdict},
                                      {"dataclass", lib_dataclass},
                                      {"field", lib_field},
                                      {"field_names", lib_field_names},
                                      {"warn", lib_warn},
                                      {NULL, NULL}};
    module_add_functions(py, module, rows);
}

/* What only tkc has: lib/tkc.py. */
static PyValue module_tkc(PyCtx *py) {
    return library_module(py, "tkc", "tkc");
}

/* ---- the table --------------------------------------------------------------------------------
 */

PyValue builtin_module(PyCtx *py, const char *name, bool *found) {
    static const struct {
        const char *name;
        PyValue (*make)(PyCtx *py);
    } natives[] = {{"math", module_math},
                   {"sys", module_sys},
                   {"os", module_os},
                   {"time", module_time},
                   {"typing", module_typing},
                   {"typing_extensions", module_typing},
                   {"__future__", module_future},
                   {"tkc", module_tkc}};
    static const char *const library[] = {"functools",  "itertools", "collections", "dataclasses",
                                          "contextlib", "warnings",  "operator"};
    *found = true;
    for (size_t i = 0; i < TK_COUNTOF(natives); i++) {
        if (str_eq(name, natives[i].name))
            return natives[i].make(py);
    }
    for (size_t i = 0; i < TK_COUNTOF(library); i++) {
        if (str_eq(name, library[i]))
            return library_module(py, name, name);
    }
    if (str_eq(name, "os.path")) {
        PyValue os = import_module(py, "os", py->here);
        PyValue path = py_failed(os) ? PY_FAIL : py_getattr(py, os, strtab_sym(py->names, "path"));
        py_decref(py, os);
        return path;
    }
    *found = false;
    return PY_NONE;
}
