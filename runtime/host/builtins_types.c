/* builtins_types.c -- the builtin classes and what calling them does: int(x), str(x), dict(...). */
#include <math.h>
#include <string.h>

#include "runtime/host/host_internal.h"

/* ---- arguments --------------------------------------------------------------------------------
 */

bool host_arg_i64(PyCtx *py, PyValue v, const char *function, int64_t *out) {
    v = py_unwrap_constexpr(v);
    if (py_to_i64(v, out))
        return true;
    if (py_is_int(v))
        py_raise(py, PYEXC_OverflowError, "%s(): the integer is too large", function);
    else if (torch_is_tensor(v)) {
        PyValue item = torch_item(py, v);
        bool ok =
            !py_failed(item) && !torch_is_tensor(item) && host_arg_i64(py, item, function, out);
        py_decref(py, item);
        return ok;
    } else
        py_raise(py, PYEXC_TypeError, "'%s' object cannot be interpreted as an integer",
                 py_type_name(v));
    return false;
}

/* Calls v.name() of an instance; *found false: there is no such method. */
static PyValue convert(PyCtx *py, PyValue v, const char *name, bool *found) {
    PyValue method;
    const HostInstance *instance = py_as(v, &host_instance_type);
    *found = instance != NULL && py_class_get(instance->cls, strtab_sym(py->names, name), &method);
    return *found ? py_call_values(py, method, &v, 1) : PY_NONE;
}

bool host_arg_double(PyCtx *py, PyValue v, double *out) {
    bool found;
    v = py_unwrap_constexpr(v);
    if (v.tag == PY_FLOAT_TAG) {
        *out = v.u.f;
        return true;
    }
    if (py_is_number(v))
        return py_int_to_double(py, v, out);
    PyValue converted =
        torch_is_tensor(v) ? torch_item(py, v) : convert(py, v, "__float__", &found);
    bool ok =
        !py_failed(converted) && py_is_number(converted) && host_arg_double(py, converted, out);
    if (!ok && !py_failed(converted))
        py_raise(py, PYEXC_TypeError, "must be real number, not %s", py_type_name(v));
    py_decref(py, converted);
    return ok;
}

const char *host_arg_text(PyCtx *py, PyValue v, const char *function) {
    if (py_is_str(v))
        return py_str_data(v, NULL);
    py_raise(py, PYEXC_TypeError, "%s() argument must be str, not %s", function, py_type_name(v));
    return NULL;
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

static PyValue int_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue a[2];
    int64_t base = 10;
    bool found;
    (void)cls;
    if (!py_bind_text(py, "int", args, "x= base=", a))
        return PY_FAIL;
    if (py_failed(a[0]))
        return py_int(0);
    PyValue x = py_unwrap_constexpr(a[0]);
    if (!py_failed(a[1]) && !host_arg_i64(py, a[1], "int", &base))
        return PY_FAIL;
    if (base != 0 && (base < 2 || base > 36))
        return py_raise(py, PYEXC_ValueError, "int() base must be >= 2 and <= 36, or 0");
    if (py_is_str(x)) {
        size_t len;
        const char *text = py_str_data(x, &len);
        return py_int_parse(py, text, len, (int)base);
    }
    if (!py_failed(a[1]))
        return py_raise(py, PYEXC_TypeError, "int() can't convert non-string with explicit base");
    if (x.tag == PY_FLOAT_TAG)
        return py_int_from_double(py, x.u.f);
    if (x.tag == PY_BOOL_TAG)
        return py_int(x.u.i);
    if (py_is_int(x))
        return py_incref(x);
    PyValue converted = torch_is_tensor(x) ? torch_item(py, x) : convert(py, x, "__int__", &found);
    if (py_failed(converted))
        return PY_FAIL;
    if (py_is_number(converted)) {
        PyValue result = converted.tag == PY_FLOAT_TAG  ? py_int_from_double(py, converted.u.f)
                         : converted.tag == PY_BOOL_TAG ? py_int(converted.u.i)
                                                        : py_incref(converted);
        py_decref(py, converted);
        return result;
    }
    py_decref(py, converted);
    return py_raise(py, PYEXC_TypeError,
                    "int() argument must be a string, a bytes-like object or a real number, "
                    "not '%s'",
                    py_type_name(x));
}

static PyValue float_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue x;
    double value;
    (void)cls;
    if (!py_bind_text(py, "float", args, "x=", &x))
        return PY_FAIL;
    if (py_failed(x))
        return py_float(0);
    x = py_unwrap_constexpr(x);
    if (py_is_str(x)) {
        size_t len;
        const char *text = py_str_data(x, &len);
        return py_float_parse(py, text, len);
    }
    if (x.tag == PY_NONE_TAG || py_is_list(x) || py_is_tuple(x))
        return py_raise(py, PYEXC_TypeError,
                        "float() argument must be a string or a real number, not '%s'",
                        py_type_name(x));
    return host_arg_double(py, x, &value) ? py_float(value) : PY_FAIL;
}

static PyValue bool_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue x;
    (void)cls;
    if (!py_bind_text(py, "bool", args, "x=", &x))
        return PY_FAIL;
    int truth = py_failed(x) ? 0 : py_truth(py, x);
    return truth < 0 ? PY_FAIL : py_bool(truth == 1);
}

/* ---- text and containers ------------------------------------------------------------------------
 */

static PyValue str_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue x;
    (void)cls;
    if (!py_bind_text(py, "str", args, "object=", &x))
        return PY_FAIL;
    if (py_failed(x))
        return py_str(py, "");
    if (py_is_str(x))
        return py_incref(x);
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    if (py_str_of(py, x, &text))
        return py_str_finish(py, &text, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

static PyValue items_of(PyCtx *py, const PyArgs *args, const char *function) {
    PyValue iterable;
    if (!py_bind_text(py, function, args, "iterable=", &iterable))
        return PY_FAIL;
    return py_failed(iterable) ? py_list(py, NULL, 0) : py_list_of(py, iterable);
}

static PyValue list_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    return items_of(py, args, "list");
}

static PyValue tuple_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    PyValue items = items_of(py, args, "tuple");
    if (py_failed(items))
        return PY_FAIL;
    PyValue tuple = py_tuple(py, ((const PyList *)items.u.o)->items, py_seq_len(items));
    py_decref(py, items);
    return tuple;
}

static PyValue set_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue items = items_of(py, args, cls->name);
    if (py_failed(items))
        return PY_FAIL;
    PyValue set = py_set(py, cls == py->host->classes[HOST_CLASS_FROZENSET]);
    bool ok = true;
    for (size_t i = 0; i < py_seq_len(items) && ok; i++)
        ok = py_set_add(py, set, py_seq_item(items, i));
    py_decref(py, items);
    if (ok)
        return set;
    py_decref(py, set);
    return PY_FAIL;
}

static PyValue dict_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    if (args->num_pos > 1)
        return py_raise(py, PYEXC_TypeError, "dict expected at most 1 argument, got %zu",
                        args->num_pos);
    PyValue dict = py_dict(py);
    if (args->num_pos == 1 && !py_dict_update(py, dict, args->pos[0])) {
        py_decref(py, dict);
        return PY_FAIL;
    }
    for (size_t i = 0; i < args->num_kw; i++) {
        PyValue key = py_str(py, args->kw_names[i]);
        py_dict_set(py, dict, key, args->kw_values[i]);
        py_decref(py, key);
    }
    return dict;
}

static PyValue range_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    int64_t part[3] = {0, 0, 1};
    (void)cls;
    if (args->num_pos < 1 || args->num_pos > 3 || args->num_kw > 0)
        return py_raise(py, PYEXC_TypeError, "range expected 1 to 3 arguments, got %zu",
                        args->num_pos + args->num_kw);
    for (size_t i = 0; i < args->num_pos; i++) {
        if (!host_arg_i64(py, args->pos[i], "range", &part[args->num_pos == 1 ? 1 : i]))
            return PY_FAIL;
    }
    return py_range(py, part[0], part[1], part[2]);
}

static PyValue slice_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    if (args->num_pos < 1 || args->num_pos > 3 || args->num_kw > 0)
        return py_raise(py, PYEXC_TypeError, "slice expected 1 to 3 arguments, got %zu",
                        args->num_pos + args->num_kw);
    if (args->num_pos == 1)
        return py_slice(py, PY_NONE, args->pos[0], PY_NONE);
    return py_slice(py, args->pos[0], args->pos[1], args->num_pos == 3 ? args->pos[2] : PY_NONE);
}

static PyValue type_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue x;
    (void)cls;
    if (args->num_pos == 3)
        return host_refuse(py, args->range, "type(name, bases, dict)", "write a class statement");
    if (!py_bind_text(py, "type", args, "object", &x))
        return PY_FAIL;
    if (torch_is_tensor(x)) {
        PyValue torch = torch_module(py);
        PyValue tensor =
            py_failed(torch) ? PY_FAIL : py_getattr(py, torch, strtab_sym(py->names, "Tensor"));
        py_decref(py, torch);
        return tensor;
    }
    return py_incref(py_from_object(&host_class_of(py, x)->base));
}

/* object() has an identity and nothing else. */
static PyValue object_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    if (args->num_pos + args->num_kw > 0)
        return py_raise(py, PYEXC_TypeError, "%s() takes no arguments", cls->name);
    HostInstance *instance = py_object_new(py, &host_instance_type, sizeof *instance);
    instance->cls = cls;
    cls->base.refs++;
    instance->attrs = py_env_create(py, NULL);
    return py_from_object(&instance->base);
}

/* type(None)(), and what super().__init__ is when no class above has one. */
static PyValue none_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)py;
    (void)cls;
    (void)args;
    return PY_NONE;
}

/* ---- descriptors ------------------------------------------------------------------------------
 */

static PyValue wrap(PyCtx *py, const PyArgs *args, const PyType *type) {
    PyValue fn;
    if (!py_bind_text(py, type->name, args, "function", &fn))
        return PY_FAIL;
    return host_wrapper(py, type, fn, PY_NONE);
}

static PyValue staticmethod_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    return wrap(py, args, &host_staticmethod_type);
}

static PyValue classmethod_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    return wrap(py, args, &host_classmethod_type);
}

static PyValue property_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    return wrap(py, args, &host_property_type);
}

static PyValue super_new(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue a[2];
    (void)cls;
    if (args->num_pos == 0)
        return py_raise(py, PYEXC_RuntimeError, "super(): no arguments");
    if (!py_bind_text(py, "super", args, "type object", a))
        return PY_FAIL;
    PyClass *of = py_as(a[0], &py_class_type);
    if (of == NULL)
        return py_raise(py, PYEXC_TypeError, "super() argument 1 must be a type, not %s",
                        py_type_name(a[0]));
    PyValue result = host_wrapper(py, &host_super_type, a[0], a[1]);
    ((HostWrapper *)result.u.o)->cls = of; /* kept alive by fn */
    return result;
}

/* ---- installing -------------------------------------------------------------------------------
 */

typedef PyValue (*Construct)(PyCtx *py, PyClass *cls, const PyArgs *args);

static void add_class(PyCtx *py, PyEnv *env, PyClass *cls) {
    py_env_set(py, env, cls->name, py_from_object(&cls->base));
}

static void add_wrapper_class(PyCtx *py, PyEnv *env, const PyType *type, Construct construct) {
    PyClass *cls = py_class_new(py, strtab_sym(py->names, type->name), NULL);
    cls->native = type;
    cls->native_tag = PY_OBJECT_TAG;
    cls->construct = construct;
    add_class(py, env, cls);
    py_decref(py, py_from_object(&cls->base));
}

void builtins_add_classes(PyCtx *py, PyEnv *env) {
    static const struct {
        const char *name;
        const PyType *native;
        PyTag tag;
    } rows[HOST_CLASS_COUNT] = {
#define X(id, name, native, tag) [HOST_CLASS_##id] = {name, native, tag},
        HOST_CLASSES(X)
#undef X
    };
    static const Construct constructs[HOST_CLASS_COUNT] = {
        [HOST_CLASS_OBJECT] = object_new, [HOST_CLASS_TYPE] = type_new,
        [HOST_CLASS_NONE] = none_new,     [HOST_CLASS_INT] = int_new,
        [HOST_CLASS_BOOL] = bool_new,     [HOST_CLASS_FLOAT] = float_new,
        [HOST_CLASS_STR] = str_new,       [HOST_CLASS_TUPLE] = tuple_new,
        [HOST_CLASS_LIST] = list_new,     [HOST_CLASS_DICT] = dict_new,
        [HOST_CLASS_SET] = set_new,       [HOST_CLASS_FROZENSET] = set_new,
        [HOST_CLASS_RANGE] = range_new,   [HOST_CLASS_SLICE] = slice_new};
    for (size_t i = 0; i < HOST_CLASS_COUNT; i++) {
        PyClass *parent = i == HOST_CLASS_BOOL ? py->host->classes[HOST_CLASS_INT] : NULL;
        PyClass *cls = py_class_new(py, strtab_sym(py->names, rows[i].name), parent);
        cls->native = rows[i].native;
        cls->native_tag = rows[i].tag;
        cls->construct = constructs[i];
        py->host->classes[i] = cls;
        if (i != HOST_CLASS_NONE && i != HOST_CLASS_FUNCTION)
            add_class(py, env, cls);
    }
    for (int exc = 0; exc < PYEXC_COUNT; exc++) {
        if (exc < PYEXC_CompilationError)
            add_class(py, env, py_exc_class(py, (PyExc)exc));
    }
    add_wrapper_class(py, env, &host_staticmethod_type, staticmethod_new);
    add_wrapper_class(py, env, &host_classmethod_type, classmethod_new);
    add_wrapper_class(py, env, &host_property_type, property_new);
    add_wrapper_class(py, env, &host_super_type, super_new);
}
