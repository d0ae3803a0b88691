/* class.c -- classes written in the program, and their instances.
 *
 * Single inheritance from object, from another class of the program or from an exception class.
 * Operators, printing, calls and so on of an instance look for the __method__ in its class.
 */
#include <string.h>

#include "runtime/host/host_internal.h"

/* ---- wrappers: bound methods, staticmethod, classmethod, property, super
 * ------------------------- */

static void wrapper_dealloc(PyCtx *py, PyObject *self) {
    HostWrapper *w = (HostWrapper *)self;
    py_decref(py, w->fn);
    py_decref(py, w->self);
    py_decref(py, w->setter);
    py_object_free(py, self);
}

PyValue host_wrapper(PyCtx *py, const PyType *type, PyValue fn, PyValue self) {
    HostWrapper *w = py_object_new(py, type, sizeof *w);
    w->fn = py_incref(fn);
    w->self = py_incref(self);
    w->setter = PY_NONE;
    return py_from_object(&w->base);
}

/* Calls fn with self in front of the arguments. */
static PyValue call_with_self(PyCtx *py, PyValue fn, PyValue self, const PyArgs *args) {
    ArenaMark mark = arena_mark(py->scratch);
    PyArgs all = *args;
    PyValue *pos = ARENA_ARRAY(py->scratch, PyValue, args->num_pos + 1);
    pos[0] = self;
    for (size_t i = 0; i < args->num_pos; i++)
        pos[i + 1] = args->pos[i];
    all.pos = pos;
    all.num_pos++;
    all.pos_ranges = NULL;
    PyValue result = py_call(py, fn, &all);
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue method_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const HostWrapper *w = (const HostWrapper *)self.u.o;
    return call_with_self(py, w->fn, w->self, args);
}

static PyValue method_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const HostWrapper *w = (const HostWrapper *)self.u.o;
    *found = true;
    if (strcmp(name, "__self__") == 0)
        return py_incref(w->self);
    if (strcmp(name, "__func__") == 0)
        return py_incref(w->fn);
    return py_getattr_opt(py, w->fn, name, found);
}

const PyType host_method_type = {
    .name = "method", .dealloc = wrapper_dealloc, .getattr = method_getattr, .call = method_call};

static PyValue static_bind(PyCtx *py, PyValue attr, PyValue self, PyClass *cls) {
    (void)py;
    (void)self;
    (void)cls;
    return py_incref(((const HostWrapper *)attr.u.o)->fn);
}

static PyValue static_call(PyCtx *py, PyValue self, const PyArgs *args) {
    return py_call(py, ((const HostWrapper *)self.u.o)->fn, args);
}

const PyType host_staticmethod_type = {
    .name = "staticmethod", .dealloc = wrapper_dealloc, .call = static_call, .bind = static_bind};

static PyValue classmethod_bind(PyCtx *py, PyValue attr, PyValue self, PyClass *cls) {
    (void)self;
    return host_wrapper(py, &host_method_type, ((const HostWrapper *)attr.u.o)->fn,
                        py_from_object(&cls->base));
}

const PyType host_classmethod_type = {
    .name = "classmethod", .dealloc = wrapper_dealloc, .bind = classmethod_bind};

static PyValue property_bind(PyCtx *py, PyValue attr, PyValue self, PyClass *cls) {
    (void)cls;
    if (self.tag == PY_NONE_TAG)
        return py_incref(attr);
    return py_call_values(py, ((const HostWrapper *)attr.u.o)->fn, &self, 1);
}

static PyValue property_with_setter(PyCtx *py, void *data, const PyArgs *args) {
    const HostWrapper *w = data;
    PyValue setter;
    if (!py_bind_text(py, "setter", args, "fset", &setter))
        return PY_FAIL;
    PyValue made = host_wrapper(py, &host_property_type, w->fn, PY_NONE);
    ((HostWrapper *)made.u.o)->setter = py_incref(setter);
    return made;
}

static PyValue property_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    *found = strcmp(name, "setter") == 0;
    return *found ? py_builtin(py, "setter", property_with_setter, self.u.o) : PY_NONE;
}

const PyType host_property_type = {.name = "property",
                                   .dealloc = wrapper_dealloc,
                                   .getattr = property_getattr,
                                   .bind = property_bind};

static PyValue super_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const HostWrapper *w = (const HostWrapper *)self.u.o;
    PyValue value;
    *found = true;
    if (w->cls->parent != NULL && py_class_get(w->cls->parent, name, &value)) {
        if (py_as(value, &py_builtin_type) != NULL) /* a dataclass's own methods */
            return host_wrapper(py, &host_method_type, value, w->self);
        return py_class_bind_attr(py, value, w->self, host_class_of(py, w->self));
    }
    const PyMethodDef *def = py_method_find(py_methods_of(w->self), name);
    if (def != NULL)
        return py_method_bind(py, w->self, def);
    if (name == py->host->syms.__init__) /* object's and Exception's take anything */
        return py_incref(py_from_object(&py->host->classes[HOST_CLASS_NONE]->base));
    *found = false;
    return PY_NONE;
}

const PyType host_super_type = {
    .name = "super", .dealloc = wrapper_dealloc, .getattr = super_getattr};

/* ---- instances --------------------------------------------------------------------------------
 */

static HostInstance *instance_of(PyValue v) {
    return (HostInstance *)v.u.o;
}

static void instance_dealloc(PyCtx *py, PyObject *self) {
    HostInstance *instance = (HostInstance *)self;
    py_env_release(py, instance->attrs);
    py_decref(py, py_from_object(&instance->cls->base));
    py_object_free(py, self);
}

static const char *instance_type_name(PyValue self) {
    return instance_of(self)->cls->name;
}

static bool find_method(PyValue self, Sym name, PyValue *out) {
    return py_class_get(instance_of(self)->cls, name, out);
}

/* Calls self.name(arg...); *found false: the class has no such method. */
static PyValue call_special(PyCtx *py, PyValue self, Sym name, const PyValue *extra, size_t count,
                            bool *found) {
    PyValue method, args[4] = {self};
    *found = find_method(self, name, &method) && method.tag != PY_NONE_TAG;
    if (!*found)
        return PY_NONE;
    for (size_t i = 0; i < count && i < 3; i++)
        args[i + 1] = extra[i];
    return py_call_values(py, method, args, count + 1);
}

static PyValue instance_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    HostInstance *instance = instance_of(self);
    PyValue value;
    *found = true;
    if (py_env_get_local(instance->attrs, name, &value))
        return py_incref(value);
    if (py_class_get(instance->cls, name, &value))
        return py_class_bind_attr(py, value, self, instance->cls);
    if (name == py->host->syms.__class__)
        return py_incref(py_from_object(&instance->cls->base));
    if (name == py->host->syms.__dict__) {
        PyValue dict = py_dict(py);
        for (uint32_t i = 0; i < instance->attrs->len; i++) {
            if (instance->attrs->entries[i].name == NULL)
                continue;
            PyValue key = py_str(py, instance->attrs->entries[i].name);
            py_dict_set(py, dict, key, instance->attrs->entries[i].value);
            py_decref(py, key);
        }
        return dict;
    }
    if (find_method(self, py->host->syms.__getattr__, &value)) {
        PyValue key = py_str(py, name);
        PyValue result = call_special(py, self, py->host->syms.__getattr__, &key, 1, found);
        py_decref(py, key);
        const PyException *e = py_as(py->exception, &py_exception_type);
        if (py_failed(result) && e != NULL && e->cls->exc == PYEXC_AttributeError) {
            py_clear_exception(py);
            *found = false;
            return PY_NONE;
        }
        return result;
    }
    *found = false;
    return PY_NONE;
}

static bool instance_setattr(PyCtx *py, PyValue self, Sym name, PyValue value) {
    HostInstance *instance = instance_of(self);
    PyValue attr;
    const HostWrapper *property =
        py_class_get(instance->cls, name, &attr) ? py_as(attr, &host_property_type) : NULL;
    if (property == NULL) {
        py_env_set(py, instance->attrs, name, value);
        return true;
    }
    if (property->setter.tag == PY_NONE_TAG) {
        py_raise(py, PYEXC_AttributeError, "property '%s' of '%s' object has no setter", name,
                 instance->cls->name);
        return false;
    }
    PyValue args[2] = {self, value};
    PyValue result = py_call_values(py, property->setter, args, 2);
    py_decref(py, result);
    return !py_failed(result);
}

static PyValue instance_call(PyCtx *py, PyValue self, const PyArgs *args) {
    PyValue method;
    if (!find_method(self, py->host->syms.__call__, &method))
        return py_raise(py, PYEXC_TypeError, "'%s' object is not callable", py_type_name(self));
    return call_with_self(py, method, self, args);
}

static PyValue instance_subscript(PyCtx *py, PyValue self, PyValue index) {
    bool found;
    PyValue result = call_special(py, self, py->host->syms.__getitem__, &index, 1, &found);
    if (found)
        return result;
    return py_raise(py, PYEXC_TypeError, "'%s' object is not subscriptable", py_type_name(self));
}

static bool instance_set_subscript(PyCtx *py, PyValue self, PyValue index, PyValue value) {
    bool found;
    PyValue args[2] = {index, value};
    PyValue result = call_special(py, self, py->host->syms.__setitem__, args, 2, &found);
    if (!found)
        py_raise(py, PYEXC_TypeError, "'%s' object does not support item assignment",
                 py_type_name(self));
    py_decref(py, result);
    return found && !py_failed(result);
}

static int64_t instance_length(PyCtx *py, PyValue self) {
    bool found;
    int64_t len = -1;
    PyValue result = call_special(py, self, py->host->syms.__len__, NULL, 0, &found);
    if (!found)
        py_raise(py, PYEXC_TypeError, "object of type '%s' has no len()", py_type_name(self));
    else if (!py_failed(result) && (!py_to_i64(result, &len) || len < 0)) {
        py_raise(py, PYEXC_ValueError, "__len__() should return an int >= 0");
        len = -1;
    }
    py_decref(py, result);
    return len;
}

static int instance_truth(PyCtx *py, PyValue self) {
    bool found;
    PyValue method, result = call_special(py, self, py->host->syms.__bool__, NULL, 0, &found);
    if (found) {
        int truth = py_failed(result) ? -1 : py_truth(py, result);
        py_decref(py, result);
        return truth;
    }
    if (!find_method(self, py->host->syms.__len__, &method))
        return 1;
    int64_t len = instance_length(py, self);
    return len < 0 ? -1 : len > 0;
}

static int instance_contains(PyCtx *py, PyValue self, PyValue item) {
    bool found;
    PyValue result = call_special(py, self, py->host->syms.__contains__, &item, 1, &found);
    if (!found) {
        PyValue items = py_list_of(py, self);
        int in = py_failed(items) ? -1 : py_contains(py, items, item);
        py_decref(py, items);
        return in;
    }
    int truth = py_failed(result) ? -1 : py_truth(py, result);
    py_decref(py, result);
    return truth;
}

static PyValue instance_iter(PyCtx *py, PyValue self) {
    bool found;
    PyValue result = call_special(py, self, py->host->syms.__iter__, NULL, 0, &found);
    if (found)
        return result;
    return py_raise(py, PYEXC_TypeError, "'%s' object is not iterable", py_type_name(self));
}

static PyValue instance_next(PyCtx *py, PyValue self, bool *done) {
    bool found;
    PyValue result = call_special(py, self, py->host->syms.__next__, NULL, 0, &found);
    const PyException *e = py_as(py->exception, &py_exception_type);
    if (!found)
        return py_raise(py, PYEXC_TypeError, "'%s' object is not an iterator", py_type_name(self));
    *done = py_failed(result) && e != NULL && e->cls->exc == PYEXC_StopIteration;
    if (!*done)
        return result;
    py_clear_exception(py);
    return PY_NONE;
}

static PyValue not_implemented(PyCtx *py, PyValue result, bool *handled) {
    const PyClass *cls = py_as(result, &py_class_type);
    *handled = cls == NULL || strcmp(cls->name, "NotImplementedType") != 0;
    if (*handled)
        return result;
    py_decref(py, result);
    return PY_NONE;
}

static PyValue instance_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    static const char *const names[] = {
        [BIN_ADD] = "add",       [BIN_SUB] = "sub",     [BIN_MUL] = "mul",
        [BIN_MATMUL] = "matmul", [BIN_DIV] = "truediv", [BIN_FLOORDIV] = "floordiv",
        [BIN_MOD] = "mod",       [BIN_POW] = "pow",     [BIN_LSHIFT] = "lshift",
        [BIN_RSHIFT] = "rshift", [BIN_BITOR] = "or",    [BIN_BITXOR] = "xor",
        [BIN_BITAND] = "and"};
    char name[24];
    PyValue result = PY_NONE;
    *handled = false;
    if (py_as(a, &host_instance_type) != NULL) {
        snprintf(name, sizeof name, "__%s__", names[op]);
        result = call_special(py, a, strtab_sym(py->names, name), &b, 1, handled);
        if (*handled)
            result = not_implemented(py, result, handled);
    }
    if (!*handled && py_as(b, &host_instance_type) != NULL) {
        snprintf(name, sizeof name, "__r%s__", names[op]);
        result = call_special(py, b, strtab_sym(py->names, name), &a, 1, handled);
        if (*handled)
            result = not_implemented(py, result, handled);
    }
    return result;
}

static PyValue instance_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    static const char *const names[] = {
        [CMP_EQ] = "__eq__", [CMP_NE] = "__ne__", [CMP_LT] = "__lt__",
        [CMP_LE] = "__le__", [CMP_GT] = "__gt__", [CMP_GE] = "__ge__"};
    *handled = false;
    if (py_as(a, &host_instance_type) == NULL)
        return PY_NONE;
    PyValue result = call_special(py, a, strtab_sym(py->names, names[op]), &b, 1, handled);
    if (*handled)
        return not_implemented(py, result, handled);
    if (op != CMP_NE)
        return result;
    result = call_special(py, a, py->host->syms.__eq__, &b, 1, handled);
    if (*handled)
        result = not_implemented(py, result, handled);
    if (!*handled || py_failed(result))
        return result;
    int truth = py_truth(py, result);
    py_decref(py, result);
    return truth < 0 ? PY_FAIL : py_bool(truth == 0);
}

static PyValue instance_unary(PyCtx *py, UnaryOpKind op, PyValue a, bool *handled) {
    static const char *const names[] = {
        [UNARY_POS] = "__pos__", [UNARY_NEG] = "__neg__", [UNARY_INVERT] = "__invert__"};
    *handled = false;
    if (op == UNARY_NOT)
        return PY_NONE;
    return call_special(py, a, strtab_sym(py->names, names[op]), NULL, 0, handled);
}

/* The text that a __repr__, __str__ or __format__ returned. */
static bool put_text(PyCtx *py, PyValue result, const char *method, StrBuf *out) {
    if (!py_failed(result) && !py_is_str(result))
        py_raise(py, PYEXC_TypeError, "%s returned non-string (type %s)", method,
                 py_type_name(result));
    bool ok = !py_failed(result) && py_is_str(result);
    if (ok) {
        size_t len;
        const char *text = py_str_data(result, &len);
        strbuf_write(out, text, len);
    }
    py_decref(py, result);
    return ok;
}

static bool instance_repr(PyCtx *py, PyValue self, StrBuf *out) {
    bool found;
    PyValue result = call_special(py, self, py->host->syms.__repr__, NULL, 0, &found);
    if (found)
        return put_text(py, result, "__repr__", out);
    const PyClass *cls = instance_of(self)->cls;
    if (cls->num_fields == 0) {
        strbuf_printf(out, "<__main__.%s object>", cls->name);
        return true;
    }
    strbuf_printf(out, "%s(", cls->name); /* a dataclass */
    for (size_t i = 0; i < cls->num_fields; i++) {
        PyValue value;
        strbuf_printf(out, "%s%s=", i > 0 ? ", " : "", cls->fields[i]);
        if (py_env_get_local(instance_of(self)->attrs, cls->fields[i], &value) &&
            !py_repr(py, value, out))
            return false;
    }
    strbuf_putc(out, ')');
    return true;
}

static bool instance_str(PyCtx *py, PyValue self, StrBuf *out) {
    bool found;
    PyValue result = call_special(py, self, py->host->syms.__str__, NULL, 0, &found);
    return found ? put_text(py, result, "__str__", out) : instance_repr(py, self, out);
}

static bool instance_format(PyCtx *py, PyValue self, const char *spec, size_t len, StrBuf *out) {
    bool found;
    PyValue text = py_strn(py, spec, len);
    PyValue result = call_special(py, self, py->host->syms.__format__, &text, 1, &found);
    py_decref(py, text);
    if (found)
        return put_text(py, result, "__format__", out);
    if (len == 0)
        return instance_str(py, self, out);
    py_raise(py, PYEXC_TypeError, "unsupported format string passed to %s.__format__",
             py_type_name(self));
    return false;
}

static bool instance_hash(PyCtx *py, PyValue self, uint64_t *out) {
    bool found;
    bool bits_i64, bits_u64;
    PyValue method, result = call_special(py, self, py->host->syms.__hash__, NULL, 0, &found);
    if (found) {
        bool ok = !py_failed(result) && py_int_bits(result, out, &bits_i64, &bits_u64);
        if (!py_failed(result) && !ok)
            py_raise(py, PYEXC_TypeError, "__hash__ method should return an integer");
        py_decref(py, result);
        return ok;
    }
    if (find_method(self, py->host->syms.__eq__, &method)) {
        py_raise(py, PYEXC_TypeError, "unhashable type: '%s'", py_type_name(self));
        return false;
    }
    *out = (uint64_t)(uintptr_t)self.u.o >> 4;
    return true;
}

const PyType host_instance_type = {.name = "object",
                                   .type_name = instance_type_name,
                                   .dealloc = instance_dealloc,
                                   .getattr = instance_getattr,
                                   .setattr = instance_setattr,
                                   .call = instance_call,
                                   .subscript = instance_subscript,
                                   .set_subscript = instance_set_subscript,
                                   .iter = instance_iter,
                                   .next = instance_next,
                                   .length = instance_length,
                                   .truth = instance_truth,
                                   .binary = instance_binary,
                                   .compare = instance_compare,
                                   .unary = instance_unary,
                                   .contains = instance_contains,
                                   .repr = instance_repr,
                                   .str = instance_str,
                                   .format = instance_format,
                                   .hash = instance_hash};

static PyValue instance_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    HostInstance *instance = py_object_new(py, &host_instance_type, sizeof *instance);
    PyValue self = py_from_object(&instance->base), init;
    instance->cls = cls;
    cls->base.refs++;
    instance->attrs = py_env_create(py, NULL);
    if (!py_class_get(cls, py->host->syms.__init__, &init)) {
        if (args->num_pos + args->num_kw == 0)
            return self;
        py_decref(py, self);
        return py_raise(py, PYEXC_TypeError, "%s() takes no arguments", cls->name);
    }
    PyValue result = call_with_self(py, init, self, args);
    py_decref(py, result);
    if (!py_failed(result))
        return self;
    py_decref(py, self);
    return PY_FAIL;
}

/* ---- the class statement ------------------------------------------------------------------------
 */

/* The one base class; NULL: object. False: refused. */
static bool eval_bases(PyCtx *py, Frame *frame, const Stmt *stmt, PyClass **parent) {
    *parent = NULL;
    if (stmt->u.class_def.keywords.len > 0) {
        host_refuse(py, stmt->u.class_def.keywords.items[0].name_range,
                    "a keyword argument of `class`", NULL);
        return false;
    }
    for (size_t i = 0; i < stmt->u.class_def.bases.len; i++) {
        const Expr *expr = stmt->u.class_def.bases.items[i];
        PyValue base = eval_expr(py, frame, expr);
        PyClass *cls = py_as(base, &py_class_type);
        bool inert = py_as(base, &host_inert_type) != NULL;
        py_decref(py, base); /* its name or module keeps it */
        if (py_failed(base))
            return false;
        if (inert || cls == py->host->classes[HOST_CLASS_OBJECT])
            continue;
        bool usable = cls != NULL && (cls->user || cls->exc >= 0);
        if (*parent != NULL || !usable) {
            host_refuse(py, expr->range,
                        *parent != NULL ? "a second base class"
                                        : "a base class that is neither of this program nor an "
                                          "exception",
                        "keep an object of that class in an attribute instead");
            return false;
        }
        *parent = cls;
    }
    return true;
}

/* Fields of `class P(NamedTuple)`, from the annotations; the defaults are class attributes. */
static PyValue finish_named_tuple(PyCtx *py, PyClass *cls) {
    PyValue annotations;
    size_t count = 0;
    if (!py_env_get_local(cls->attrs, py->host->syms.__annotations__, &annotations))
        return py_incref(py_from_object(&cls->base));
    const PyDict *dict = (const PyDict *)annotations.u.o;
    Sym *fields = ARENA_ARRAY(py->arena, Sym, dict->len + 1);
    for (size_t i = 0; i < dict->len; i++)
        fields[count++] = strtab_sym(py->names, py_str_data(dict->entries[i].key, NULL));
    PyClass *tuple = host_named_tuple(py, cls->name, fields, count);
    tuple->attrs = py_env_retain(cls->attrs);
    return py_from_object(&tuple->base);
}

static bool is_named_tuple(PyCtx *py, Frame *frame, const Stmt *stmt) {
    const ExprList *bases = &stmt->u.class_def.bases;
    if (bases->len != 1)
        return false;
    PyValue base = eval_expr(py, frame, bases->items[0]);
    if (py_failed(base)) {
        py_clear_exception(py);
        return false;
    }
    const char *name = py_callable_name(base);
    bool is = name != NULL && strcmp(name, "NamedTuple") == 0;
    py_decref(py, base);
    return is;
}

bool exec_class(PyCtx *py, Frame *frame, const Stmt *stmt) {
    PyClass *parent = NULL;
    bool named = is_named_tuple(py, frame, stmt);
    if (!named && !eval_bases(py, frame, stmt, &parent))
        return false;
    PyClass *cls = py_class_new(py, stmt->u.class_def.name, parent);
    PyValue value = py_from_object(&cls->base);
    cls->user = true;
    cls->attrs = py_env_create(py, frame->env);
    if (cls->exc < 0) {
        cls->native = &host_instance_type;
        cls->native_tag = PY_OBJECT_TAG;
        cls->construct = instance_construct;
    }
    Frame body = {.env = cls->attrs,
                  .home = cls->attrs,
                  .globals = frame->globals,
                  .file = frame->file,
                  .is_class = true,
                  .cls = cls,
                  .self = PY_NONE,
                  .result = PY_NONE,
                  .handling = PY_NONE,
                  .caller = py->host->frame};
    py->host->frame = &body;
    Flow flow = exec_block(py, &body, &stmt->u.class_def.body);
    py->host->frame = body.caller;
    if (flow == FLOW_RAISE) {
        py_decref(py, value);
        return false;
    }
    if (named) {
        PyValue tuple = finish_named_tuple(py, cls);
        py_decref(py, value);
        value = tuple;
    }
    value = apply_decorators(py, frame, &stmt->u.class_def.decorators, value);
    bool ok = !py_failed(value) && assign_name(py, frame, stmt->u.class_def.name, value);
    py_decref(py, value);
    return ok;
}
