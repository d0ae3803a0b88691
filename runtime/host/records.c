/* records.c -- named tuples and dataclasses, and which class a value has. */
#include <string.h>

#include "runtime/host/host_internal.h"

/* ---- named tuples -----------------------------------------------------------------------------
 */

/* Binds positional and keyword arguments to the class's fields; out[i] borrowed. */
static bool bind_fields(PyCtx *py, const PyClass *cls, const PyArgs *args, PyValue *out) {
    const char **names = ARENA_ARRAY(py->scratch, const char *, cls->num_fields + 1);
    for (size_t i = 0; i < cls->num_fields; i++) {
        PyValue dflt;
        bool optional = py_class_get(cls, cls->fields[i], &dflt);
        names[i] = optional ? arena_printf(py->scratch, "%s=", cls->fields[i]) : cls->fields[i];
    }
    if (!py_bind(py, cls->name, args, names, out))
        return false;
    for (size_t i = 0; i < cls->num_fields; i++) {
        if (py_failed(out[i]) && !py_class_get(cls, cls->fields[i], &out[i]))
            return false;
    }
    return true;
}

static PyValue named_tuple_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *items = ARENA_ARRAY(py->scratch, PyValue, cls->num_fields + 1);
    PyValue result = PY_FAIL;
    if (bind_fields(py, cls, args, items)) {
        result = py_tuple(py, items, cls->num_fields);
        ((PyTuple *)result.u.o)->cls = cls;
        cls->base.refs++;
    }
    arena_reset(py->scratch, mark);
    return result;
}

PyClass *host_named_tuple(PyCtx *py, Sym name, const Sym *fields, size_t num_fields) {
    PyClass *cls = py_class_new(py, name, py->host->classes[HOST_CLASS_TUPLE]);
    cls->native = &py_tuple_type;
    cls->native_tag = PY_OBJECT_TAG;
    cls->construct = named_tuple_construct;
    cls->user = true;
    cls->fields = fields;
    cls->num_fields = num_fields;
    return cls;
}

/* ---- dataclasses ------------------------------------------------------------------------------
 */

/* field(default_factory=list) leaves this in the class: what makes the default. */
static PyValue field_default(PyCtx *py, PyValue dflt) {
    const HostWrapper *field = py_as(dflt, &host_field_type);
    return field == NULL ? py_incref(dflt) : py_call_values(py, field->fn, NULL, 0);
}

static PyValue dataclass_init(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    HostInstance *self = args->num_pos > 0 ? py_as(args->pos[0], &host_instance_type) : NULL;
    if (self == NULL)
        return py_raise(py, PYEXC_TypeError, "__init__() needs an instance");
    const PyClass *cls = self->cls;
    PyArgs rest = *args;
    rest.pos++;
    rest.num_pos--;
    rest.pos_ranges = NULL;
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *items = ARENA_ARRAY(py->scratch, PyValue, cls->num_fields + 1), post;
    bool ok = bind_fields(py, cls, &rest, items);
    for (size_t i = 0; i < cls->num_fields && ok; i++) {
        PyValue value = field_default(py, items[i]);
        ok = !py_failed(value);
        if (ok)
            py_env_set(py, self->attrs, cls->fields[i], value);
        py_decref(py, value);
    }
    arena_reset(py->scratch, mark);
    if (!ok)
        return PY_FAIL;
    if (!py_class_get(cls, py->host->syms.__post_init__, &post))
        return PY_NONE;
    PyValue result = py_call_values(py, post, args->pos, 1);
    py_decref(py, result);
    return py_failed(result) ? PY_FAIL : PY_NONE;
}

static PyValue dataclass_eq(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    const HostInstance *a = args->num_pos == 2 ? py_as(args->pos[0], &host_instance_type) : NULL;
    const HostInstance *b = args->num_pos == 2 ? py_as(args->pos[1], &host_instance_type) : NULL;
    if (a == NULL || b == NULL || a->cls != b->cls)
        return py_bool(false);
    for (size_t i = 0; i < a->cls->num_fields; i++) {
        PyValue x, y;
        if (!py_env_get_local(a->attrs, a->cls->fields[i], &x) ||
            !py_env_get_local(b->attrs, a->cls->fields[i], &y))
            return py_bool(false);
        int same = py_equal(py, x, y);
        if (same != 1)
            return same < 0 ? PY_FAIL : py_bool(false);
    }
    return py_bool(true);
}

/* Adds a method unless the class body wrote one. */
static void add_method(PyCtx *py, PyClass *cls, const char *name, PyBuiltinFn fn) {
    PyValue old;
    Sym sym = strtab_sym(py->names, name);
    if (py_env_get_local(cls->attrs, sym, &old))
        return;
    PyValue method = py_builtin(py, name, fn, NULL);
    py_env_set(py, cls->attrs, sym, method);
    py_decref(py, method);
}

PyValue host_dataclass(PyCtx *py, PyValue value) {
    PyClass *cls = py_as(value, &py_class_type);
    PyValue annotations;
    if (cls == NULL || !cls->user || cls->attrs == NULL)
        return py_raise(py, PYEXC_TypeError, "dataclass() should be called on a class");
    bool own = py_env_get_local(cls->attrs, py->host->syms.__annotations__, &annotations);
    const PyDict *dict = own ? (const PyDict *)annotations.u.o : NULL;
    const PyClass *parent = cls->parent;
    size_t inherited = parent != NULL ? parent->num_fields : 0, count = inherited;
    Sym *fields = ARENA_ARRAY(py->arena, Sym, inherited + (own ? dict->len : 0) + 1);
    for (size_t i = 0; i < inherited; i++)
        fields[i] = parent->fields[i];
    for (size_t i = 0; own && i < dict->len; i++) {
        Sym name = strtab_sym(py->names, py_str_data(dict->entries[i].key, NULL));
        bool again = false;
        for (size_t k = 0; k < inherited; k++)
            again = again || fields[k] == name;
        if (!again)
            fields[count++] = name;
    }
    cls->fields = fields;
    cls->num_fields = count;
    add_method(py, cls, "__init__", dataclass_init);
    add_method(py, cls, "__eq__", dataclass_eq);
    return py_incref(value);
}

/* ---- classes of values ------------------------------------------------------------------------
 */

PyClass *host_class_of(PyCtx *py, PyValue v) {
    HostState *host = py->host;
    const HostInstance *instance = py_as(v, &host_instance_type);
    const PyException *exception = py_as(v, &py_exception_type);
    const PyTuple *tuple = py_as(v, &py_tuple_type);
    if (instance != NULL)
        return instance->cls;
    if (exception != NULL)
        return exception->cls;
    if (tuple != NULL && tuple->cls != NULL)
        return tuple->cls;
    for (size_t i = 1; i < HOST_CLASS_COUNT; i++) {
        const PyClass *cls = host->classes[i];
        bool fits = v.tag == PY_OBJECT_TAG ? cls->native == v.u.o->type && cls->native != NULL
                                           : cls->native_tag == v.tag;
        if (fits)
            return host->classes[i];
    }
    const void *key = v.tag == PY_OBJECT_TAG ? (const void *)v.u.o->type : py_type_name(v);
    PyClass *made = map_getp(&host->native_classes, key);
    if (made == NULL) {
        made = py_class_new(py, strtab_sym(py->names, py_type_name(v)), NULL);
        made->native = v.tag == PY_OBJECT_TAG ? v.u.o->type : NULL;
        made->native_tag = v.tag;
        map_setp(&host->native_classes, key, made);
    }
    return made;
}

/* The classes of the kernel language are builtin functions of it; is `of` one, and `v` of it? */
static bool language_isinstance(PyCtx *py, PyValue v, PyValue of, bool *is) {
    static const char prefix[] = "triton.language.";
    if (of.tag != PY_OBJECT_TAG || py_as(of, &py_class_type) != NULL)
        return false;
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    bool known = py_repr(py, of, &text) && str_starts(strbuf_str(&text), prefix);
    const char *name = known ? text.data + sizeof prefix - 1 : "";
    *is = (str_eq(name, "constexpr") && py_as(v, &py_constexpr_type) != NULL) ||
          (str_eq(name, "dtype") && v.tag == PY_DTYPE_TAG);
    arena_reset(py->scratch, mark);
    return known;
}

int host_isinstance(PyCtx *py, PyValue v, PyValue of, bool subclass) {
    if (py_is_tuple(of)) {
        for (size_t i = 0; i < py_seq_len(of); i++) {
            int is = host_isinstance(py, v, py_seq_item(of, i), subclass);
            if (is != 0)
                return is;
        }
        return 0;
    }
    bool is;
    if (!subclass && torch_isinstance(v, of, &is))
        return is;
    if (of.tag == PY_NONE_TAG) /* from X | None */
        return v.tag == PY_NONE_TAG;
    const PyClass *cls = py_as(of, &py_class_type);
    if (language_isinstance(py, v, of, &is))
        return is;
    if (cls == NULL && of.tag == PY_OBJECT_TAG && of.u.o->type == &host_inert_type)
        return 0;
    if (cls == NULL) {
        py_raise(py, PYEXC_TypeError, "%s() arg 2 must be a type, a tuple of types, or a union",
                 subclass ? "issubclass" : "isinstance");
        return -1;
    }
    const PyClass *own = subclass ? py_as(v, &py_class_type) : host_class_of(py, v);
    if (own == NULL) {
        py_raise(py, PYEXC_TypeError, "issubclass() arg 1 must be a class");
        return -1;
    }
    if (cls == py->host->classes[HOST_CLASS_OBJECT])
        return 1;
    return py_class_is_subclass(own, cls);
}
