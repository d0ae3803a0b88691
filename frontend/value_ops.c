/* value_ops.c -- the generic operations: each tries the builtin kinds, then the operands' PyTypes.
 */
#include <math.h>
#include <string.h>

#include "frontend/value_types.h"

static const PyType *type_of(PyValue v) {
    return v.tag == PY_OBJECT_TAG ? v.u.o->type : NULL;
}

/* ---- operators --------------------------------------------------------------------------------
 */

PyValue py_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b) {
    bool handled;
    PyValue result = py_num_binary(py, op, a, b, &handled);
    const PyType *types[2] = {type_of(a), type_of(b)};
    for (int i = 0; i < 2 && !handled; i++) {
        if (types[i] == NULL || types[i]->binary == NULL || (i == 1 && types[1] == types[0]))
            continue;
        result = types[i]->binary(py, op, a, b, &handled);
    }
    if (handled)
        return result;
    if (op == BIN_ADD && py_is_str(a))
        return py_raise(py, PYEXC_TypeError, "can only concatenate str (not \"%s\") to str",
                        py_type_name(b));
    bool sequence = py_is_str(a) || py_is_list(a) || py_is_tuple(a);
    if (op == BIN_MUL && (sequence || py_is_str(b) || py_is_list(b) || py_is_tuple(b)))
        return py_raise(py, PYEXC_TypeError, "can't multiply sequence by non-int of type '%s'",
                        py_type_name(sequence ? b : a));
    if (op == BIN_ADD && (py_is_list(a) || py_is_tuple(a)))
        return py_raise(py, PYEXC_TypeError, "can only concatenate %s (not \"%s\") to %s",
                        py_type_name(a), py_type_name(b), py_type_name(a));
    return py_raise(py, PYEXC_TypeError, "unsupported operand type(s) for %s: '%s' and '%s'",
                    op == BIN_POW ? "** or pow()" : ast_binary_text(op), py_type_name(a),
                    py_type_name(b));
}

static bool same_object(PyValue a, PyValue b) {
    if (a.tag != b.tag)
        return false;
    switch (a.tag) {
    case PY_OBJECT_TAG:
        return a.u.o == b.u.o;
    case PY_BOOL_TAG:
    case PY_INT_TAG:
    case PY_DTYPE_TAG:
        return a.u.i == b.u.i;
    case PY_FLOAT_TAG:
        return memcmp(&a.u.f, &b.u.f, sizeof a.u.f) == 0;
    case PY_NONE_TAG:
    case PY_ELLIPSIS_TAG:
        return true;
    case PY_FAIL_TAG:
    default:
        return false;
    }
}

static CmpOpKind swapped(CmpOpKind op) {
    switch (op) {
    case CMP_LT:
        return CMP_GT;
    case CMP_LE:
        return CMP_GE;
    case CMP_GT:
        return CMP_LT;
    case CMP_GE:
        return CMP_LE;
    case CMP_EQ:
    case CMP_NE:
    case CMP_IS:
    case CMP_IS_NOT:
    case CMP_IN:
    case CMP_NOT_IN:
    default:
        return op;
    }
}

static PyValue compare_values(PyCtx *py, CmpOpKind op, PyValue a, PyValue b) {
    if (py_is_number(a) && py_is_number(b)) {
        int order = py_num_compare(py, a, b);
        if (order == 2)
            return py_bool(op == CMP_NE);
        return py_bool(op == CMP_EQ   ? order == 0
                       : op == CMP_NE ? order != 0
                       : op == CMP_LT ? order < 0
                       : op == CMP_LE ? order <= 0
                       : op == CMP_GT ? order > 0
                                      : order >= 0);
    }
    const PyType *ta = type_of(a), *tb = type_of(b);
    bool handled = false;
    PyValue result = PY_NONE;
    if (ta != NULL && ta->compare != NULL)
        result = ta->compare(py, op, a, b, &handled);
    if (!handled && tb != NULL && tb->compare != NULL)
        result = tb->compare(py, swapped(op), b, a, &handled);
    if (handled)
        return result;
    if (op == CMP_EQ || op == CMP_NE)
        return py_bool(same_object(a, b) == (op == CMP_EQ));
    return py_raise(py, PYEXC_TypeError, "'%s' not supported between instances of '%s' and '%s'",
                    ast_compare_text(op), py_type_name(a), py_type_name(b));
}

PyValue py_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b) {
    int in;
    switch (op) {
    case CMP_IS:
    case CMP_IS_NOT:
        return py_bool(same_object(a, b) == (op == CMP_IS));
    case CMP_IN:
    case CMP_NOT_IN:
        in = py_contains(py, b, a);
        return in < 0 ? PY_FAIL : py_bool((in == 1) == (op == CMP_IN));
    case CMP_EQ:
    case CMP_NE:
    case CMP_LT:
    case CMP_LE:
    case CMP_GT:
    case CMP_GE:
    default:
        return compare_values(py, op, a, b);
    }
}

int py_equal(PyCtx *py, PyValue a, PyValue b) {
    if (a.tag == PY_OBJECT_TAG && same_object(a, b))
        return 1;
    PyValue result = compare_values(py, CMP_EQ, a, b);
    int equal = py_failed(result) ? -1 : py_truth(py, result);
    py_decref(py, result);
    return equal;
}

PyValue py_unary(PyCtx *py, UnaryOpKind op, PyValue a) {
    bool handled;
    PyValue result = py_num_unary(py, op, a, &handled);
    if (!handled && type_of(a) != NULL && type_of(a)->unary != NULL)
        result = type_of(a)->unary(py, op, a, &handled);
    if (handled)
        return result;
    if (op == UNARY_NOT) {
        int truth = py_truth(py, a);
        return truth < 0 ? PY_FAIL : py_bool(truth == 0);
    }
    return py_raise(py, PYEXC_TypeError, "bad operand type for unary %s: '%s'", ast_unary_text(op),
                    py_type_name(a));
}

int py_truth(PyCtx *py, PyValue v) {
    switch (v.tag) {
    case PY_NONE_TAG:
        return 0;
    case PY_BOOL_TAG:
    case PY_INT_TAG:
        return v.u.i != 0;
    case PY_FLOAT_TAG:
        return v.u.f != 0.0;
    case PY_OBJECT_TAG: {
        const PyType *type = v.u.o->type;
        if (type->truth != NULL)
            return type->truth(py, v);
        if (type->length != NULL) {
            int64_t len = type->length(py, v);
            return len < 0 ? -1 : len > 0;
        }
        return 1;
    }
    case PY_FAIL_TAG:
        return -1;
    case PY_DTYPE_TAG:
    case PY_ELLIPSIS_TAG:
    default:
        return 1;
    }
}

/* ---- attributes -------------------------------------------------------------------------------
 */

const PyMethodDef *py_methods_of(PyValue v) {
    switch (v.tag) {
    case PY_BOOL_TAG:
    case PY_INT_TAG:
        return py_int_methods;
    case PY_FLOAT_TAG:
        return py_float_methods;
    case PY_OBJECT_TAG:
        return v.u.o->type->methods;
    case PY_FAIL_TAG:
    case PY_NONE_TAG:
    case PY_DTYPE_TAG:
    case PY_ELLIPSIS_TAG:
    default:
        return NULL;
    }
}

/* Attributes that are values, not methods: of numbers and dtypes. */
static PyValue plain_attr(PyCtx *py, PyValue v, Sym name, bool *found) {
    bool number = v.tag == PY_BOOL_TAG || v.tag == PY_INT_TAG || v.tag == PY_FLOAT_TAG ||
                  py_as(v, &py_bigint_type) != NULL;
    *found = true;
    if (number && strcmp(name, "real") == 0)
        return py_incref(v);
    if (number && strcmp(name, "imag") == 0)
        return v.tag == PY_FLOAT_TAG ? py_float(0) : py_int(0);
    if (number && v.tag != PY_FLOAT_TAG && strcmp(name, "numerator") == 0)
        return py_incref(v);
    if (number && v.tag != PY_FLOAT_TAG && strcmp(name, "denominator") == 0)
        return py_int(1);
    if (v.tag == PY_DTYPE_TAG) {
        const DTypeInfo *info = &dtype_infos[v.u.i];
        if (strcmp(name, "name") == 0)
            return py_str(py, info->short_name);
        if (strcmp(name, "primitive_bitwidth") == 0)
            return py_int(v.u.i == DT_BOOL ? 1 : (int64_t)info->bits);
        if (strcmp(name, "itemsize") == 0)
            return py_int((int64_t)info->bits / 8);
        if (strcmp(name, "is_floating_point") == 0)
            return py_bool(dtype_is_float((DType)v.u.i));
    }
    *found = false;
    return PY_NONE;
}

PyValue py_getattr_opt(PyCtx *py, PyValue v, Sym name, bool *found) {
    const PyType *type = type_of(v);
    PyValue value = PY_NONE;
    *found = false;
    if (type != NULL && type->getattr != NULL)
        value = type->getattr(py, v, name, found);
    else
        value = plain_attr(py, v, name, found);
    if (*found || py_failed(value))
        return value;
    const PyMethodDef *def = py_method_find(py_methods_of(v), name);
    *found = def != NULL;
    return def != NULL ? py_method_bind(py, v, def) : PY_NONE;
}

/* The names that `v` has as attributes, for suggestions; in the scratch arena. */
static size_t attr_names(PyCtx *py, PyValue v, const char ***names) {
    const PyType *type = type_of(v);
    const PyMethodDef *methods = py_methods_of(v);
    size_t count = 0, given = 0, own = 0;
    const char **scope = NULL;
    if (py_as(v, &py_module_type) != NULL)
        own = py_env_names(py_module_env(v), py->scratch, &scope);
    while (methods != NULL && methods[count].name != NULL)
        count++;
    while (type != NULL && type->attr_names != NULL && type->attr_names[given] != NULL)
        given++;
    *names = ARENA_ARRAY(py->scratch, const char *, count + given + own + 1);
    for (size_t i = 0; i < given; i++)
        (*names)[i] = type->attr_names[i];
    for (size_t i = 0; i < count; i++)
        (*names)[given + i] = methods[i].name;
    for (size_t i = 0; i < own; i++)
        (*names)[given + count + i] = scope[i];
    return count + given + own;
}

PyValue py_getattr(PyCtx *py, PyValue v, Sym name) {
    bool found;
    PyValue value = py_getattr_opt(py, v, name, &found);
    if (found || py_failed(value))
        return value;
    ArenaMark mark = arena_mark(py->scratch);
    const char **names;
    size_t count = attr_names(py, v, &names);
    const char *help = py_suggest(py, name, names, count);
    const PyClass *cls = py_as(v, &py_class_type);
    if (py_as(v, &py_module_type) != NULL)
        py_raise_at(py, PYEXC_AttributeError, py->here, help, "module '%s' has no attribute '%s'",
                    py_module_name(v), name);
    else if (cls != NULL)
        py_raise_at(py, PYEXC_AttributeError, py->here, help,
                    "type object '%s' has no attribute '%s'", cls->name, name);
    else
        py_raise_at(py, PYEXC_AttributeError, py->here, help, "'%s' object has no attribute '%s'",
                    py_type_name(v), name);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

bool py_setattr(PyCtx *py, PyValue v, Sym name, PyValue value) {
    const PyType *type = type_of(v);
    if (type != NULL && type->setattr != NULL)
        return type->setattr(py, v, name, value);
    bool found;
    PyValue old = py_getattr_opt(py, v, name, &found);
    py_decref(py, old);
    py_raise(py, PYEXC_AttributeError,
             found ? "'%s' object attribute '%s' is read-only"
                   : "'%s' object has no attribute '%s'",
             py_type_name(v), name);
    return false;
}

/* ---- items ------------------------------------------------------------------------------------
 */

PyValue py_subscript(PyCtx *py, PyValue v, PyValue index) {
    const PyType *type = type_of(v);
    if (type != NULL && type->subscript != NULL)
        return type->subscript(py, v, index);
    bool function = str_eq(py_type_name(v), "function");
    return py_raise_at(py, PYEXC_TypeError, py->here,
                       function ? "a kernel needs the decorator @triton.jit" : NULL,
                       "'%s' object is not subscriptable", py_type_name(v));
}

bool py_set_subscript(PyCtx *py, PyValue v, PyValue index, PyValue value) {
    const PyType *type = type_of(v);
    if (type != NULL && type->set_subscript != NULL)
        return type->set_subscript(py, v, index, value);
    py_raise(py, PYEXC_TypeError, "'%s' object does not support item assignment", py_type_name(v));
    return false;
}

bool py_del_subscript(PyCtx *py, PyValue v, PyValue index) {
    PyList *list = py_as(v, &py_list_type);
    PyDict *dict = py_as(v, &py_dict_type);
    bool found;
    if (list != NULL && py_as(index, &py_slice_type) != NULL)
        return py_list_del_slice(py, list, index);
    if (list != NULL) {
        int64_t i = py_seq_index(py, index, list->len, "list");
        if (i >= 0)
            py_decref(py, py_list_pop_at(py, list, (size_t)i));
        return i >= 0;
    }
    if (dict != NULL) {
        PyValue value = PY_NONE;
        if (!py_dict_remove(py, dict, index, &value, &found))
            return false;
        py_decref(py, value);
        if (!found) { /* the lookup words the KeyError */
            PyValue none = dict->factory;
            dict->factory = PY_NONE;
            py_decref(py, py_subscript(py, v, index));
            dict->factory = none;
        }
        return found;
    }
    py_raise(py, PYEXC_TypeError, "'%s' object doesn't support item deletion", py_type_name(v));
    return false;
}

int py_contains(PyCtx *py, PyValue container, PyValue item) {
    const PyType *type = type_of(container);
    if (type != NULL && type->contains != NULL)
        return type->contains(py, container, item);
    if (type == NULL || (type->iter == NULL && type->next == NULL)) {
        py_raise(py, PYEXC_TypeError, "argument of type '%s' is not iterable",
                 py_type_name(container));
        return -1;
    }
    PyValue it = py_iter(py, container);
    int found = py_failed(it) ? -1 : 0;
    for (bool done = false; found == 0;) {
        PyValue value = py_next(py, it, &done);
        if (done)
            break;
        found = py_failed(value) ? -1 : py_equal(py, value, item);
        py_decref(py, value);
    }
    py_decref(py, it);
    return found;
}

int64_t py_len(PyCtx *py, PyValue v) {
    const PyType *type = type_of(v);
    if (type != NULL && type->length != NULL)
        return type->length(py, v);
    py_raise(py, PYEXC_TypeError, "object of type '%s' has no len()", py_type_name(v));
    return -1;
}

/* ---- calls and iteration ----------------------------------------------------------------------
 */

PyValue py_call(PyCtx *py, PyValue callee, const PyArgs *args) {
    const PyType *type = type_of(callee);
    if (type == NULL || type->call == NULL)
        return py_raise(py, PYEXC_TypeError, "'%s' object is not callable", py_type_name(callee));
    if (!py_stack_ok(py))
        return PY_FAIL;
    return type->call(py, callee, args);
}

PyValue py_call_values(PyCtx *py, PyValue callee, const PyValue *pos, size_t num_pos) {
    PyArgs args = {.pos = pos, .num_pos = num_pos, .range = py->here};
    return py_call(py, callee, &args);
}

PyValue py_iter(PyCtx *py, PyValue v) {
    const PyType *type = type_of(v);
    if (type != NULL && type->iter != NULL)
        return type->iter(py, v);
    return py_raise(py, PYEXC_TypeError, "'%s' object is not iterable", py_type_name(v));
}

PyValue py_next(PyCtx *py, PyValue iterator, bool *done) {
    const PyType *type = type_of(iterator);
    *done = false;
    if (type != NULL && type->next != NULL)
        return type->next(py, iterator, done);
    return py_raise(py, PYEXC_TypeError, "'%s' object is not an iterator", py_type_name(iterator));
}

/* ---- text and hashes --------------------------------------------------------------------------
 */

static bool object_repr(PyCtx *py, PyValue v, StrBuf *out) {
    if (v.u.o->type == &py_bigint_type)
        return py_int_digits(py, v, 10, out);
    if (!py_stack_ok(py))
        return false;
    if (v.u.o->type->repr != NULL)
        return v.u.o->type->repr(py, v, out);
    strbuf_printf(out, "<%s object>", py_type_name(v));
    return true;
}

bool py_repr(PyCtx *py, PyValue v, StrBuf *out) {
    switch (v.tag) {
    case PY_NONE_TAG:
        strbuf_puts(out, "None");
        return true;
    case PY_BOOL_TAG:
        strbuf_puts(out, v.u.i != 0 ? "True" : "False");
        return true;
    case PY_INT_TAG:
        return py_int_digits(py, v, 10, out);
    case PY_FLOAT_TAG:
        py_float_repr(v.u.f, out);
        return true;
    case PY_DTYPE_TAG:
        strbuf_puts(out, dtype_infos[v.u.i].short_name);
        return true;
    case PY_ELLIPSIS_TAG:
        strbuf_puts(out, "Ellipsis");
        return true;
    case PY_OBJECT_TAG:
        return object_repr(py, v, out);
    case PY_FAIL_TAG:
    default:
        return false;
    }
}

bool py_str_of(PyCtx *py, PyValue v, StrBuf *out) {
    const PyType *type = type_of(v);
    if (type != NULL && type->str != NULL)
        return type->str(py, v, out);
    return py_repr(py, v, out);
}

bool py_hash(PyCtx *py, PyValue v, uint64_t *out) {
    const PyType *type = type_of(v);
    if (py_is_number(v)) {
        *out = py_num_hash(py, v);
        return true;
    }
    if (type == NULL) {
        *out = ((uint64_t)v.tag << 32) + (v.tag == PY_DTYPE_TAG ? (uint64_t)v.u.i : 0);
        return true;
    }
    if (type->unhashable) {
        py_raise(py, PYEXC_TypeError, "unhashable type: '%s'", py_type_name(v));
        return false;
    }
    if (type->hash != NULL)
        return py_stack_ok(py) && type->hash(py, v, out);
    *out = (uint64_t)(uintptr_t)v.u.o >> 4;
    return true;
}

/* ---- constants of the syntax tree ---------------------------------------------------------------
 */

PyValue py_const(PyCtx *py, const Expr *constant) {
    switch (constant->u.constant.kind) {
    case CONST_NONE:
        return PY_NONE;
    case CONST_TRUE:
        return py_bool(true);
    case CONST_FALSE:
        return py_bool(false);
    case CONST_ELLIPSIS:
        return PY_ELLIPSIS;
    case CONST_INT:
        return py_int_from_text(py, constant->u.constant.text);
    case CONST_FLOAT:
        return py_float(constant->u.constant.number);
    case CONST_STR:
        return py_strn(py, constant->u.constant.text, constant->u.constant.text_len);
    case CONST_COMPLEX:
        return py_raise_at(py, PYEXC_TypeError, constant->range, NULL,
                           "complex numbers are not supported");
    case CONST_BYTES:
    default:
        return py_raise_at(py, PYEXC_TypeError, constant->range, NULL,
                           "bytes are not supported; use a str");
    }
}
