/* value_exc.c -- classes and exceptions.
 *
 * The builtin exception classes are made on first use from exceptions.def. An exception remembers
 * the expression that raised it and the calls it left on its way out; uncaught, it becomes a
 * diagnostic there.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

_Static_assert(PYEXC_COUNT <= 64, "PyCtx.exc_classes is too small");

/* ---- classes ----------------------------------------------------------------------------------
 */

static void class_dealloc(PyCtx *py, PyObject *self) {
    PyClass *cls = (PyClass *)self;
    if (cls->parent != NULL)
        py_decref(py, py_from_object(&cls->parent->base));
    py_env_release(py, cls->attrs);
    py_object_free(py, self);
}

static PyValue class_call(PyCtx *py, PyValue self, const PyArgs *args) {
    PyClass *cls = (PyClass *)self.u.o;
    for (const PyClass *c = cls; c != NULL; c = c->parent) {
        if (c->construct != NULL)
            return c->construct(py, cls, args);
    }
    return py_raise(py, PYEXC_TypeError, "cannot create '%s' instances", cls->name);
}

PyValue py_class_fields(PyCtx *py, const PyClass *cls) {
    PyValue fields = py_list(py, NULL, 0);
    for (size_t i = 0; i < cls->num_fields; i++) {
        PyValue name = py_str(py, cls->fields[i]);
        py_list_append(py, fields, name);
        py_decref(py, name);
    }
    PyValue tuple = py_tuple(py, ((const PyList *)fields.u.o)->items, cls->num_fields);
    py_decref(py, fields);
    return tuple;
}

static PyValue class_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    PyClass *cls = (PyClass *)self.u.o;
    PyValue value;
    *found = true;
    if (py_class_get(cls, name, &value)) {
        PyValue bound = py_class_bind_attr(py, value, PY_NONE, cls);
        return bound;
    }
    if (strcmp(name, "__name__") == 0 || strcmp(name, "__qualname__") == 0)
        return py_str(py, cls->name);
    if (cls->num_fields > 0 && strcmp(name, "_fields") == 0)
        return py_class_fields(py, cls);
    for (const PyClass *c = cls; c != NULL; c = c->parent) {
        const PyMethodDef *def =
            c->native != NULL ? py_method_find(c->native->methods, name) : NULL;
        if (def != NULL)
            return py_unbound_method(py, def);
    }
    *found = false;
    return PY_NONE;
}

static bool class_setattr(PyCtx *py, PyValue self, Sym name, PyValue value) {
    PyClass *cls = (PyClass *)self.u.o;
    if (!cls->user) {
        py_raise(py, PYEXC_TypeError, "cannot set '%s' attribute of immutable type '%s'", name,
                 cls->name);
        return false;
    }
    py_env_set(py, cls->attrs, name, value);
    return true;
}

static bool class_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const PyClass *cls = (const PyClass *)self.u.o;
    (void)py;
    strbuf_printf(out, cls->user ? "<class '__main__.%s'>" : "<class '%s'>", cls->name);
    return true;
}

/* Optional[int], Tuple[int, ...], list[float]: annotations say nothing at run time. */
static PyValue class_subscript(PyCtx *py, PyValue self, PyValue index) {
    (void)py;
    (void)index;
    return py_incref(self);
}

/* int | None, again for annotations. */
static PyValue class_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    (void)py;
    *handled = op == BIN_BITOR && (a.tag == PY_NONE_TAG || py_as(a, &py_class_type) != NULL) &&
               (b.tag == PY_NONE_TAG || py_as(b, &py_class_type) != NULL);
    if (!*handled)
        return PY_NONE;
    PyValue both[2] = {a, b};
    return py_tuple(py, both, 2);
}

const PyType py_class_type = {.name = "type",
                              .dealloc = class_dealloc,
                              .call = class_call,
                              .getattr = class_getattr,
                              .setattr = class_setattr,
                              .subscript = class_subscript,
                              .binary = class_binary,
                              .repr = class_repr};

PyClass *py_class_new(PyCtx *py, Sym name, PyClass *parent) {
    PyClass *cls = py_object_new(py, &py_class_type, sizeof *cls);
    cls->name = name;
    cls->parent = parent;
    cls->exc = parent != NULL ? parent->exc : -1;
    cls->native = parent != NULL ? parent->native : NULL;
    if (parent != NULL)
        parent->base.refs++;
    return cls;
}

bool py_class_is_subclass(const PyClass *cls, const PyClass *of) {
    for (; cls != NULL; cls = cls->parent) {
        if (cls == of)
            return true;
    }
    return false;
}

bool py_class_get(const PyClass *cls, Sym name, PyValue *out) {
    for (; cls != NULL; cls = cls->parent) {
        if (cls->attrs != NULL && py_env_get_local(cls->attrs, name, out))
            return true;
    }
    return false;
}

PyValue py_class_bind_attr(PyCtx *py, PyValue attr, PyValue self, PyClass *cls) {
    if (attr.tag == PY_OBJECT_TAG && attr.u.o->type->bind != NULL)
        return attr.u.o->type->bind(py, attr, self, cls);
    return py_incref(attr);
}

const char *py_callable_name(PyValue v) {
    const PyClass *cls = py_as(v, &py_class_type);
    const PyBuiltin *builtin = py_as(v, &py_builtin_type);
    return cls != NULL ? cls->name : builtin != NULL ? builtin->name : NULL;
}

/* ---- methods of builtin types through their class: str.upper(s) ---------------------------------
 */

static PyValue unbound_call(PyCtx *py, void *data, const PyArgs *args) {
    const PyMethodDef *def = data;
    if (args->num_pos == 0)
        return py_raise(py, PYEXC_TypeError, "unbound method %s() needs an argument", def->name);
    PyArgs rest = *args;
    rest.pos++;
    rest.num_pos--;
    rest.pos_ranges = args->pos_ranges != NULL ? args->pos_ranges + 1 : NULL;
    if (py_method_find(py_methods_of(args->pos[0]), def->name) != def)
        return py_raise(py, PYEXC_TypeError, "'%s' object has no method '%s'",
                        py_type_name(args->pos[0]), def->name);
    PyValue method = py_method_bind(py, args->pos[0], def);
    PyValue result = py_call(py, method, &rest);
    py_decref(py, method);
    return result;
}

PyValue py_unbound_method(PyCtx *py, const PyMethodDef *def) {
    union {
        const void *in;
        void *out;
    } data = {.in = def};
    return py_builtin(py, def->name, unbound_call, data.out);
}

/* ---- exception objects ------------------------------------------------------------------------
 */

static void exception_dealloc(PyCtx *py, PyObject *self) {
    PyException *e = (PyException *)self;
    py_decref(py, py_from_object(&e->cls->base));
    py_decref(py, e->args);
    py_decref(py, e->cause);
    py_env_release(py, e->attrs);
    free(e->help);
    free(e->frames);
    py_object_free(py, self);
}

static PyValue exception_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    PyException *e = (PyException *)self.u.o;
    PyValue value;
    *found = true;
    if (strcmp(name, "args") == 0)
        return py_incref(e->args);
    if (strcmp(name, "__cause__") == 0)
        return py_incref(e->cause);
    if (strcmp(name, "__class__") == 0)
        return py_incref(py_from_object(&e->cls->base));
    if (e->attrs != NULL && py_env_get_local(e->attrs, name, &value))
        return py_incref(value);
    if (e->cls->exc == PYEXC_SystemExit && strcmp(name, "code") == 0)
        return py_seq_len(e->args) > 0 ? py_incref(py_seq_item(e->args, 0)) : PY_NONE;
    if (e->cls->exc == PYEXC_StopIteration && strcmp(name, "value") == 0)
        return py_seq_len(e->args) > 0 ? py_incref(py_seq_item(e->args, 0)) : PY_NONE;
    if (py_class_get(e->cls, name, &value))
        return py_class_bind_attr(py, value, self, e->cls);
    *found = false;
    return PY_NONE;
}

static bool exception_setattr(PyCtx *py, PyValue self, Sym name, PyValue value) {
    PyException *e = (PyException *)self.u.o;
    if (strcmp(name, "args") == 0 && py_is_tuple(value)) {
        PyValue old = e->args;
        e->args = py_incref(value);
        py_decref(py, old);
        return true;
    }
    if (e->attrs == NULL)
        e->attrs = py_env_create(py, NULL);
    py_env_set(py, e->attrs, name, value);
    return true;
}

static bool exception_repr(PyCtx *py, PyValue self, StrBuf *out) {
    PyException *e = (PyException *)self.u.o;
    strbuf_puts(out, e->cls->name);
    strbuf_putc(out, '(');
    for (size_t i = 0; i < py_seq_len(e->args); i++) {
        if (i > 0)
            strbuf_puts(out, ", ");
        if (!py_repr(py, py_seq_item(e->args, i), out))
            return false;
    }
    strbuf_putc(out, ')');
    return true;
}

bool py_exception_message(PyCtx *py, PyException *e, StrBuf *out) {
    PyValue method;
    if (e->cls->user && py_class_get(e->cls, strtab_sym(py->names, "__str__"), &method)) {
        PyValue self = py_from_object(&e->base);
        PyValue text = py_call_values(py, method, &self, 1);
        bool ok = !py_failed(text) && py_str_of(py, text, out);
        py_decref(py, text);
        return ok;
    }
    size_t len = py_seq_len(e->args);
    if (len == 0)
        return true;
    if (len == 1 && e->cls->exc == PYEXC_KeyError)
        return py_repr(py, py_seq_item(e->args, 0), out);
    return py_str_of(py, len == 1 ? py_seq_item(e->args, 0) : e->args, out);
}

static bool exception_str(PyCtx *py, PyValue self, StrBuf *out) {
    return py_exception_message(py, (PyException *)self.u.o, out);
}

/* What super().__init__(...) of a program's exception class reaches: the arguments are kept. */
static PyValue exception_init(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args) {
    PyException *e = (PyException *)self.u.o;
    PyValue old = e->args;
    (void)a;
    e->args = py_tuple(py, args->pos, args->num_pos);
    py_decref(py, old);
    return PY_NONE;
}

static PyValue exception_add_note(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args) {
    PyException *e = (PyException *)self.u.o;
    (void)args;
    if (!py_is_str(a[0]))
        return py_raise(py, PYEXC_TypeError, "note must be a str, not '%s'", py_type_name(a[0]));
    free(e->help);
    e->help = py_heap_strdup(py, py_str_data(a[0], NULL));
    return PY_NONE;
}

static PyValue exception_with_traceback(PyCtx *py, PyValue self, const PyValue *a,
                                        const PyArgs *args) {
    (void)py;
    (void)a;
    (void)args;
    return py_incref(self);
}

static const PyMethodDef exception_methods[] = {{"__init__", exception_init, NULL},
                                                {"add_note", exception_add_note, "note"},
                                                {"with_traceback", exception_with_traceback, "tb"},
                                                {NULL, NULL, NULL}};

const PyType py_exception_type = {.name = "Exception",
                                  .dealloc = exception_dealloc,
                                  .getattr = exception_getattr,
                                  .setattr = exception_setattr,
                                  .repr = exception_repr,
                                  .str = exception_str,
                                  .methods = exception_methods};

PyValue py_exception_new(PyCtx *py, PyClass *cls, PyValue args, SrcRange range) {
    PyException *e = py_object_new(py, &py_exception_type, sizeof *e);
    cls->base.refs++;
    e->cls = cls;
    e->args = py_incref(args);
    e->cause = PY_NONE;
    e->range = range;
    e->reported = cls->exc == PYEXC_KernelFault;
    return py_from_object(&e->base);
}

/* ValueError("text"): the arguments are kept; a program's class may have an __init__. */
static PyValue exception_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue tuple = py_tuple(py, args->pos, args->num_pos), init;
    PyValue self = py_exception_new(py, cls, tuple, py->here);
    py_decref(py, tuple);
    if (py_class_get(cls, strtab_sym(py->names, "__init__"), &init)) {
        PyValue bound = py_class_bind_attr(py, init, self, cls);
        PyValue result = py_failed(bound) ? PY_FAIL : py_call(py, bound, args);
        py_decref(py, bound);
        if (py_failed(result)) {
            py_decref(py, self);
            return PY_FAIL;
        }
        py_decref(py, result);
    } else if (args->num_kw > 0) {
        py_decref(py, self);
        return py_raise(py, PYEXC_TypeError, "%s() takes no keyword arguments", cls->name);
    }
    return self;
}

PyClass *py_exc_class(PyCtx *py, PyExc exc) {
    static const struct {
        const char *name;
        PyExc base;
    } rows[PYEXC_COUNT] = {
#define PYEXC(name, base) {#name, PYEXC_##base},
#include "frontend/exceptions.def"
#undef PYEXC
    };
    if (py->exc_classes[exc] == NULL) {
        PyClass *parent = rows[exc].base == exc ? NULL : py_exc_class(py, rows[exc].base);
        PyClass *cls = py_class_new(py, strtab_sym(py->names, rows[exc].name), parent);
        cls->native = &py_exception_type;
        cls->native_tag = PY_OBJECT_TAG;
        cls->exc = (int)exc;
        cls->construct = exception_construct;
        py->exc_classes[exc] = cls;
    }
    return py->exc_classes[exc];
}

/* ---- raising ----------------------------------------------------------------------------------
 */

static PyValue raise_text(PyCtx *py, PyExc exc, SrcRange range, const char *help,
                          const char *text) {
    PyValue message = py_str(py, text);
    PyValue args = py_tuple(py, &message, 1);
    PyValue exception = py_exception_new(py, py_exc_class(py, exc), args, range);
    py_decref(py, message);
    py_decref(py, args);
    if (help != NULL)
        ((PyException *)exception.u.o)->help = py_heap_strdup(py, help);
    py_clear_exception(py);
    py->exception = exception;
    return PY_FAIL;
}

PyValue py_raise(PyCtx *py, PyExc exc, const char *fmt, ...) {
    ArenaMark mark = arena_mark(py->scratch);
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(py->scratch, fmt, args);
    va_end(args);
    raise_text(py, exc, py->here, NULL, text);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

PyValue py_raise_at(PyCtx *py, PyExc exc, SrcRange range, const char *help, const char *fmt, ...) {
    ArenaMark mark = arena_mark(py->scratch);
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(py->scratch, fmt, args);
    va_end(args);
    raise_text(py, exc, range, help, text);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

void py_clear_exception(PyCtx *py) {
    PyValue old = py->exception;
    py->exception = PY_NONE;
    py_decref(py, old);
}

PyValue py_raise_reports(PyCtx *py, PyExc exc, size_t from) {
    size_t count;
    Diag **reports = diags_take(py->diags, from, &count);
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    for (size_t i = 0; i < count; i++)
        strbuf_printf(&text, "%s%s", i > 0 ? "\n" : "", reports[i]->text);
    raise_text(py, exc, py->here, NULL, strbuf_str(&text));
    arena_reset(py->scratch, mark);
    PyException *exception = py_as(py->exception, &py_exception_type);
    exception->reports = reports;
    exception->num_reports = count;
    return PY_FAIL;
}
