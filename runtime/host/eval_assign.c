/* eval_assign.c -- targets: of =, for, with, del and the augmented assignments. */
#include "runtime/host/host_internal.h"

/* The scope that a `nonlocal` name lives in, or NULL. */
static PyEnv *nonlocal_env(const Frame *frame, Sym name) {
    PyValue value;
    for (PyEnv *env = frame->env->outer; env != NULL && env != frame->globals; env = env->outer) {
        if (env->owner != NULL && scope_kind(env->owner, name) == NAME_LOCAL)
            return env;
        if (py_env_get_local(env, name, &value))
            return env;
    }
    return NULL;
}

/* Where `name` is bound when this frame binds it; NULL with an exception. */
static PyEnv *binding_env(PyCtx *py, const Frame *frame, Sym name) {
    switch (frame->scope != NULL ? scope_kind(frame->scope, name) : NAME_FREE) {
    case NAME_GLOBAL:
        return frame->globals;
    case NAME_NONLOCAL: {
        PyEnv *env = nonlocal_env(frame, name);
        if (env == NULL)
            py_raise(py, PYEXC_SyntaxError, "no binding for nonlocal '%s' found", name);
        return env;
    }
    case NAME_FREE:
    case NAME_LOCAL:
    default:
        return frame->env;
    }
}

bool assign_name(PyCtx *py, Frame *frame, Sym name, PyValue value) {
    PyEnv *env = binding_env(py, frame, name);
    if (env != NULL)
        py_env_set(py, env, name, value);
    return env != NULL;
}

static bool wrong_count(PyCtx *py, size_t have, size_t want, bool starred) {
    if (have > want)
        py_raise(py, PYEXC_ValueError, "too many values to unpack (expected %zu)", want);
    else
        py_raise(py, PYEXC_ValueError, "not enough values to unpack (expected %s%zu, got %zu)",
                 starred ? "at least " : "", want, have);
    return false;
}

/* a, *b, c = value */
static bool unpack(PyCtx *py, Frame *frame, const Expr *target, PyValue value) {
    const ExprList *elts = &target->u.seq.elts;
    size_t star = elts->len;
    py->here = target->range;
    if (value.tag != PY_OBJECT_TAG || value.u.o->type->iter == NULL) {
        py_raise(py, PYEXC_TypeError, "cannot unpack non-iterable %s object", py_type_name(value));
        return false;
    }
    PyValue items = py_list_of(py, value);
    if (py_failed(items))
        return false;
    for (size_t i = 0; i < elts->len; i++) {
        if (elts->items[i]->kind == EXPR_STARRED)
            star = i;
    }
    size_t have = py_seq_len(items), fixed = elts->len - (star < elts->len);
    bool ok = star < elts->len ? have >= fixed : have == fixed;
    if (!ok)
        wrong_count(py, have, fixed, star < elts->len);
    for (size_t i = 0; i < elts->len && ok; i++) {
        if (i == star) {
            PyValue rest = py_list(py, ((const PyList *)items.u.o)->items + i, have - fixed);
            ok = assign_target(py, frame, elts->items[i]->u.wrap.value, rest);
            py_decref(py, rest);
            continue;
        }
        size_t at = i < star ? i : i + have - elts->len;
        ok = assign_target(py, frame, elts->items[i], py_seq_item(items, at));
    }
    py_decref(py, items);
    return ok;
}

bool assign_target(PyCtx *py, Frame *frame, const Expr *target, PyValue value) {
    if (target->kind == EXPR_NAME)
        return assign_name(py, frame, target->u.name.id, value);
    if (target->kind == EXPR_TUPLE || target->kind == EXPR_LIST)
        return unpack(py, frame, target, value);
    if (target->kind == EXPR_ATTRIBUTE) {
        PyValue object = eval_expr(py, frame, target->u.attribute.value);
        py->here = target->u.attribute.attr_range;
        bool ok = !py_failed(object) && py_setattr(py, object, target->u.attribute.attr, value);
        py_decref(py, object);
        return ok;
    }
    if (target->kind != EXPR_SUBSCRIPT) {
        py_raise(py, PYEXC_SyntaxError, "cannot assign to this expression");
        return false;
    }
    PyValue object = eval_expr(py, frame, target->u.subscript.value);
    PyValue index = py_failed(object) ? PY_FAIL : eval_expr(py, frame, target->u.subscript.index);
    py->here = target->range;
    bool ok = !py_failed(index) && py_set_subscript(py, object, index, value);
    py_decref(py, object);
    py_decref(py, index);
    return ok;
}

/* old OP= operand: in place for lists, sets, dicts and tensors, else old OP operand. */
static PyValue augmented(PyCtx *py, BinOpKind op, PyValue old, PyValue operand) {
    static const char *const names[] = {
        [BIN_ADD] = "__iadd__",       [BIN_SUB] = "__isub__",     [BIN_MUL] = "__imul__",
        [BIN_MATMUL] = "__imatmul__", [BIN_DIV] = "__itruediv__", [BIN_FLOORDIV] = "__ifloordiv__",
        [BIN_MOD] = "__imod__",       [BIN_POW] = "__ipow__",     [BIN_LSHIFT] = "__ilshift__",
        [BIN_RSHIFT] = "__irshift__", [BIN_BITOR] = "__ior__",    [BIN_BITXOR] = "__ixor__",
        [BIN_BITAND] = "__iand__"};
    PyValue method;
    if (torch_is_tensor(old))
        return torch_inplace_binary(py, op, old, operand);
    if (py_is_list(old) && op == BIN_ADD) {
        PyValue more = py_list_of(py, operand);
        if (py_failed(more))
            return PY_FAIL;
        for (size_t i = 0; i < py_seq_len(more); i++)
            py_list_append(py, old, py_seq_item(more, i));
        py_decref(py, more);
        return py_incref(old);
    }
    if (py_is_dict(old) && op == BIN_BITOR)
        return py_dict_update(py, old, operand) ? py_incref(old) : PY_FAIL;
    const HostInstance *instance = py_as(old, &host_instance_type);
    if (instance != NULL &&
        py_class_get(instance->cls, strtab_sym(py->names, names[op]), &method)) {
        PyValue args[2] = {old, operand};
        return py_call_values(py, method, args, 2);
    }
    return py_binary(py, op, old, operand);
}

bool augmented_assign(PyCtx *py, Frame *frame, const Stmt *stmt) {
    const Expr *target = stmt->u.aug_assign.target;
    PyValue object = PY_NONE, index = PY_NONE, old = PY_FAIL, operand = PY_FAIL, result = PY_FAIL;
    if (target->kind == EXPR_SUBSCRIPT) {
        object = eval_expr(py, frame, target->u.subscript.value);
        index = py_failed(object) ? PY_FAIL : eval_expr(py, frame, target->u.subscript.index);
        py->here = target->range;
        old = py_failed(index) ? PY_FAIL : py_subscript(py, object, index);
    } else if (target->kind == EXPR_ATTRIBUTE) {
        object = eval_expr(py, frame, target->u.attribute.value);
        py->here = target->u.attribute.attr_range;
        old = py_failed(object) ? PY_FAIL : py_getattr(py, object, target->u.attribute.attr);
    } else {
        old = eval_expr(py, frame, target);
    }
    if (!py_failed(old))
        operand = eval_expr(py, frame, stmt->u.aug_assign.value);
    py->here = stmt->range;
    if (!py_failed(operand))
        result = augmented(py, stmt->u.aug_assign.op, old, operand);
    bool ok = !py_failed(result);
    if (ok && target->kind == EXPR_SUBSCRIPT)
        ok = py_set_subscript(py, object, index, result);
    else if (ok && target->kind == EXPR_ATTRIBUTE)
        ok = py_setattr(py, object, target->u.attribute.attr, result);
    else if (ok)
        ok = assign_name(py, frame, target->u.name.id, result);
    py_decref(py, object);
    py_decref(py, index);
    py_decref(py, old);
    py_decref(py, operand);
    py_decref(py, result);
    return ok;
}

bool delete_target(PyCtx *py, Frame *frame, const Expr *target) {
    bool ok = true;
    py->here = target->range;
    if (target->kind == EXPR_NAME) {
        PyEnv *env = binding_env(py, frame, target->u.name.id);
        ok = env != NULL && py_env_delete(py, env, target->u.name.id);
        if (env != NULL && !ok)
            py_raise(py, PYEXC_NameError, "name '%s' is not defined", target->u.name.id);
        return ok;
    }
    if (target->kind == EXPR_TUPLE || target->kind == EXPR_LIST) {
        for (size_t i = 0; i < target->u.seq.elts.len && ok; i++)
            ok = delete_target(py, frame, target->u.seq.elts.items[i]);
        return ok;
    }
    if (target->kind == EXPR_SUBSCRIPT) {
        PyValue object = eval_expr(py, frame, target->u.subscript.value);
        PyValue index =
            py_failed(object) ? PY_FAIL : eval_expr(py, frame, target->u.subscript.index);
        py->here = target->range;
        ok = !py_failed(index) && py_del_subscript(py, object, index);
        py_decref(py, object);
        py_decref(py, index);
        return ok;
    }
    if (target->kind == EXPR_ATTRIBUTE) {
        PyValue object = eval_expr(py, frame, target->u.attribute.value);
        const HostInstance *instance = py_as(object, &host_instance_type);
        py->here = target->u.attribute.attr_range;
        ok = instance != NULL && py_env_delete(py, instance->attrs, target->u.attribute.attr);
        if (!ok && !py_failed(object))
            py_raise(py, PYEXC_AttributeError, "'%s' object has no attribute '%s'",
                     py_type_name(object), target->u.attribute.attr);
        py_decref(py, object);
        return ok;
    }
    py_raise(py, PYEXC_SyntaxError, "cannot delete this expression");
    return false;
}
