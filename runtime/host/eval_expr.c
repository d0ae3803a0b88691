/* eval_expr.c -- expressions.
 *
 * py->here follows the expression being evaluated, so that whoever raises an exception gives it
 * the right place; it is set again after the operands were evaluated.
 */
#include <string.h>

#include "runtime/host/host_internal.h"

/* ---- names ------------------------------------------------------------------------------------
 */

static bool raise_name_error(PyCtx *py, Frame *frame, Sym name, const PyEnv *owner) {
    if (owner == frame->env && frame->scope != NULL) {
        py_raise(py, PYEXC_UnboundLocalError,
                 "cannot access local variable '%s' where it is not associated with a value", name);
        return false;
    }
    if (owner != NULL) {
        py_raise(py, PYEXC_NameError,
                 "cannot access free variable '%s' where it is not associated with a value in "
                 "enclosing scope",
                 name);
        return false;
    }
    ArenaMark mark = arena_mark(py->scratch);
    const char **names;
    size_t count = py_env_names(frame->env, py->scratch, &names);
    const char *help = py_suggest(py, name, names, count);
    static const char *const modules[] = {"torch", "triton", "math", "time", "sys", "os"};
    for (size_t i = 0; i < TK_COUNTOF(modules); i++) {
        if (str_eq(name, modules[i]))
            help = arena_printf(py->scratch, "add `import %s` at the top of the file", name);
    }
    if (str_eq(name, "tl"))
        help = "add `import triton.language as tl` at the top of the file";
    py_raise_at(py, PYEXC_NameError, py->here, help, "name '%s' is not defined", name);
    arena_reset(py->scratch, mark);
    return false;
}

bool eval_name(PyCtx *py, Frame *frame, const Expr *expr, PyValue *out) {
    Sym name = expr->u.name.id;
    PyEnv *env = frame->env;
    if (TK_LIKELY(py_env_get_local(env, name, out)))
        return true;
    NameKind kind = frame->scope != NULL ? scope_kind(frame->scope, name) : NAME_FREE;
    if (kind == NAME_GLOBAL)
        env = frame->globals;
    for (; env != NULL; env = env->outer) {
        if (py_env_get_local(env, name, out))
            return true;
        if (env->owner != NULL && scope_kind(env->owner, name) == NAME_LOCAL)
            break;
    }
    py->here = expr->range;
    return raise_name_error(py, frame, name, env);
}

static PyValue eval_name_ref(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue value;
    return eval_name(py, frame, expr, &value) ? py_incref(value) : PY_FAIL;
}

/* ---- operators --------------------------------------------------------------------------------
 */

static PyValue eval_boolop(PyCtx *py, Frame *frame, const Expr *expr) {
    const ExprList *values = &expr->u.boolop.values;
    for (size_t i = 0;; i++) {
        PyValue value = eval_expr(py, frame, values->items[i]);
        if (py_failed(value) || i + 1 == values->len)
            return value;
        py->here = values->items[i]->range;
        int truth = py_truth(py, value);
        if (truth >= 0 && (truth == 1) == expr->u.boolop.is_or)
            return value;
        py_decref(py, value);
        if (truth < 0)
            return PY_FAIL;
    }
}

static PyValue eval_binop(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue left = eval_expr(py, frame, expr->u.binop.left);
    if (py_failed(left))
        return PY_FAIL;
    PyValue right = eval_expr(py, frame, expr->u.binop.right);
    if (py_failed(right)) {
        py_decref(py, left);
        return PY_FAIL;
    }
    py->here = expr->range;
    PyValue result = py_binary(py, expr->u.binop.op, left, right);
    py_decref(py, left);
    py_decref(py, right);
    return result;
}

static PyValue eval_unaryop(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue operand = eval_expr(py, frame, expr->u.unaryop.operand);
    if (py_failed(operand))
        return PY_FAIL;
    py->here = expr->range;
    PyValue result = py_unary(py, expr->u.unaryop.op, operand);
    py_decref(py, operand);
    return result;
}

/* a < b < c: each operand is evaluated once, and only while the comparisons hold. */
static PyValue eval_compare(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue left = eval_expr(py, frame, expr->u.compare.left);
    size_t count = expr->u.compare.comparators.len;
    for (size_t i = 0; !py_failed(left); i++) {
        PyValue right = eval_expr(py, frame, expr->u.compare.comparators.items[i]);
        PyValue result = PY_FAIL;
        if (!py_failed(right)) {
            py->here = expr->range;
            result = py_compare(py, expr->u.compare.ops[i], left, right);
        }
        py_decref(py, left);
        left = right;
        int truth = py_failed(result) ? -1 : i + 1 == count ? 0 : py_truth(py, result);
        if (truth <= 0) {
            py_decref(py, left);
            if (truth == 0)
                return result;
            py_decref(py, result);
            return PY_FAIL;
        }
        py_decref(py, result);
    }
    return PY_FAIL;
}

static PyValue eval_ifexp(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue test = eval_expr(py, frame, expr->u.ifexp.test);
    py->here = expr->u.ifexp.test->range;
    int truth = py_failed(test) ? -1 : py_truth(py, test);
    py_decref(py, test);
    if (truth < 0)
        return PY_FAIL;
    return eval_expr(py, frame, truth == 1 ? expr->u.ifexp.body : expr->u.ifexp.orelse);
}

static PyValue eval_named(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue value = eval_expr(py, frame, expr->u.named.value);
    if (py_failed(value))
        return PY_FAIL;
    Frame home = *frame; /* := in a comprehension binds in the function around it */
    home.env = frame->home;
    if (assign_name(py, &home, expr->u.named.target->u.name.id, value))
        return value;
    py_decref(py, value);
    return PY_FAIL;
}

/* ---- displays ---------------------------------------------------------------------------------
 */

void value_list_push(PyCtx *py, ValueList *list, PyValue value) {
    if (list->len == list->cap) {
        size_t cap = list->cap * 2 + 4;
        PyValue *items = ARENA_ARRAY(py->scratch, PyValue, cap);
        if (list->len > 0)
            memcpy(items, list->items, list->len * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->len++] = value;
}

void value_list_drop(PyCtx *py, ValueList *list) {
    for (size_t i = 0; i < list->len; i++)
        py_decref(py, list->items[i]);
    list->len = 0;
}

static bool spread(PyCtx *py, Frame *frame, const Expr *starred, ValueList *out) {
    PyValue value = eval_expr(py, frame, starred->u.wrap.value);
    if (py_failed(value))
        return false;
    py->here = starred->range;
    if (value.tag != PY_OBJECT_TAG || value.u.o->type->iter == NULL) {
        py_raise(py, PYEXC_TypeError, "Value after * must be an iterable, not %s",
                 py_type_name(value));
        py_decref(py, value);
        return false;
    }
    PyValue items = py_list_of(py, value);
    py_decref(py, value);
    if (py_failed(items))
        return false;
    for (size_t i = 0; i < py_seq_len(items); i++)
        value_list_push(py, out, py_incref(py_seq_item(items, i)));
    py_decref(py, items);
    return true;
}

bool eval_items(PyCtx *py, Frame *frame, const ExprList *list, ValueList *out) {
    if (out->cap == 0 && list->len > 0) {
        out->items = ARENA_ARRAY(py->scratch, PyValue, list->len);
        out->cap = list->len;
    }
    for (size_t i = 0; i < list->len; i++) {
        const Expr *item = list->items[i];
        if (item->kind == EXPR_STARRED) {
            if (!spread(py, frame, item, out))
                return false;
            continue;
        }
        PyValue value = eval_expr(py, frame, item);
        if (py_failed(value))
            return false;
        value_list_push(py, out, value);
    }
    return true;
}

static PyValue eval_sequence(PyCtx *py, Frame *frame, const Expr *expr) {
    ValueList list = {0};
    ArenaMark mark = arena_mark(py->scratch);
    PyValue result = PY_FAIL;
    if (eval_items(py, frame, &expr->u.seq.elts, &list)) {
        py->here = expr->range;
        if (expr->kind == EXPR_TUPLE) {
            result = py_tuple(py, list.items, list.len);
        } else if (expr->kind == EXPR_LIST) {
            result = py_list(py, list.items, list.len);
        } else {
            result = py_set(py, false);
            bool ok = true;
            for (size_t i = 0; i < list.len && ok; i++)
                ok = py_set_add(py, result, list.items[i]);
            if (!ok) {
                py_decref(py, result);
                result = PY_FAIL;
            }
        }
    }
    value_list_drop(py, &list);
    arena_reset(py->scratch, mark);
    return result;
}

static bool dict_entry(PyCtx *py, Frame *frame, const Expr *key_expr, const Expr *value_expr,
                       PyValue dict) {
    PyValue key = key_expr != NULL ? eval_expr(py, frame, key_expr) : PY_NONE;
    if (py_failed(key))
        return false;
    PyValue value = eval_expr(py, frame, value_expr);
    bool ok = !py_failed(value);
    py->here = key_expr != NULL ? key_expr->range : value_expr->range;
    if (ok)
        ok = key_expr != NULL ? py_dict_set(py, dict, key, value) : py_dict_update(py, dict, value);
    py_decref(py, key);
    py_decref(py, value);
    return ok;
}

static PyValue eval_dict(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue dict = py_dict(py);
    for (size_t i = 0; i < expr->u.dict.values.len; i++) {
        if (!dict_entry(py, frame, expr->u.dict.keys.items[i], expr->u.dict.values.items[i],
                        dict)) {
            py_decref(py, dict);
            return PY_FAIL;
        }
    }
    return dict;
}

/* ---- attributes and items -----------------------------------------------------------------------
 */

static PyValue eval_attribute(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue object = eval_expr(py, frame, expr->u.attribute.value);
    if (py_failed(object))
        return PY_FAIL;
    py->here = expr->u.attribute.attr_range;
    PyValue value = py_getattr(py, object, expr->u.attribute.attr);
    if (py_failed(value) && scope_binds_later(py, object, expr->u.attribute.attr))
        py->host->doubtful = true;
    py_decref(py, object);
    return value;
}

static PyValue eval_slice_part(PyCtx *py, Frame *frame, const Expr *part) {
    return part == NULL ? PY_NONE : eval_expr(py, frame, part);
}

static PyValue eval_slice(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue lower = eval_slice_part(py, frame, expr->u.slice.lower);
    PyValue upper = py_failed(lower) ? PY_FAIL : eval_slice_part(py, frame, expr->u.slice.upper);
    PyValue step = py_failed(upper) ? PY_FAIL : eval_slice_part(py, frame, expr->u.slice.step);
    PyValue result = py_failed(step) ? PY_FAIL : py_slice(py, lower, upper, step);
    py_decref(py, lower);
    py_decref(py, upper);
    py_decref(py, step);
    return result;
}

static PyValue eval_subscript(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue object = eval_expr(py, frame, expr->u.subscript.value);
    if (py_failed(object))
        return PY_FAIL;
    PyValue index = eval_expr(py, frame, expr->u.subscript.index);
    PyValue value = PY_FAIL;
    if (!py_failed(index)) {
        py->here = expr->range;
        value = py_subscript(py, object, index);
    }
    py_decref(py, object);
    py_decref(py, index);
    return value;
}

/* ---- dispatch ---------------------------------------------------------------------------------
 */

PyValue eval_expr(PyCtx *py, Frame *frame, const Expr *expr) {
    py->here = expr->range;
    if (expr->kind == EXPR_NAME)
        return eval_name_ref(py, frame, expr);
    if (expr->kind == EXPR_CONSTANT)
        return py_const(py, expr);
    if (!py_stack_ok(py))
        return PY_FAIL;
    switch (expr->kind) {
    case EXPR_BOOLOP:
        return eval_boolop(py, frame, expr);
    case EXPR_NAMED:
        return eval_named(py, frame, expr);
    case EXPR_BINOP:
        return eval_binop(py, frame, expr);
    case EXPR_UNARYOP:
        return eval_unaryop(py, frame, expr);
    case EXPR_LAMBDA:
        return function_create(py, frame, NULL, expr);
    case EXPR_IFEXP:
        return eval_ifexp(py, frame, expr);
    case EXPR_DICT:
        return eval_dict(py, frame, expr);
    case EXPR_SET:
    case EXPR_LIST:
    case EXPR_TUPLE:
        return eval_sequence(py, frame, expr);
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
        return eval_comprehension(py, frame, expr);
    case EXPR_COMPARE:
        return eval_compare(py, frame, expr);
    case EXPR_CALL:
        return eval_call(py, frame, expr);
    case EXPR_FORMATTED:
    case EXPR_JOINEDSTR:
        return eval_joined(py, frame, expr);
    case EXPR_ATTRIBUTE:
        return eval_attribute(py, frame, expr);
    case EXPR_SUBSCRIPT:
        return eval_subscript(py, frame, expr);
    case EXPR_SLICE:
        return eval_slice(py, frame, expr);
    case EXPR_AWAIT:
        return host_refuse(py, expr->range, "`await`", NULL);
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
        return host_refuse(py, expr->range, "`yield`", NULL);
    case EXPR_STARRED:
        return py_raise(py, PYEXC_SyntaxError, "can't use starred expression here");
    case EXPR_CONSTANT:
    case EXPR_NAME:
    case EXPR_ERROR:
    default:
        return py_raise(py, PYEXC_SyntaxError, "invalid syntax");
    }
}
