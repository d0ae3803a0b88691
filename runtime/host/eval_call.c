/* eval_call.c -- calls and f-strings. */
#include <string.h>

#include "runtime/host/host_internal.h"

/* The arguments of one call while they are collected, in the scratch arena. */
typedef struct CallArgs {
    ValueList pos, kw;
    Sym *kw_names;
    SrcRange *kw_ranges, *pos_ranges;
    size_t kw_cap;
    bool spread; /* some came from *args: pos_ranges does not fit */
} CallArgs;

static void push_keyword(PyCtx *py, CallArgs *call, Sym name, SrcRange range, PyValue value) {
    if (call->kw.len == call->kw_cap) {
        size_t cap = call->kw_cap * 2 + 4;
        Sym *names = ARENA_ARRAY(py->scratch, Sym, cap);
        SrcRange *ranges = ARENA_ARRAY(py->scratch, SrcRange, cap);
        for (size_t i = 0; i < call->kw.len; i++) {
            names[i] = call->kw_names[i];
            ranges[i] = call->kw_ranges[i];
        }
        call->kw_names = names;
        call->kw_ranges = ranges;
        call->kw_cap = cap;
    }
    call->kw_names[call->kw.len] = name;
    call->kw_ranges[call->kw.len] = range;
    value_list_push(py, &call->kw, value);
}

/* **mapping */
static bool push_mapping(PyCtx *py, CallArgs *call, PyValue mapping, SrcRange range) {
    const PyDict *dict = py_as(mapping, &py_dict_type);
    if (dict == NULL) {
        py_raise_at(py, PYEXC_TypeError, range, NULL, "argument after ** must be a mapping, not %s",
                    py_type_name(mapping));
        return false;
    }
    for (size_t i = 0; i < dict->len; i++) {
        const PyDictEntry *e = &dict->entries[i];
        if (py_failed(e->key))
            continue;
        if (!py_is_str(e->key)) {
            py_raise_at(py, PYEXC_TypeError, range, NULL, "keywords must be strings");
            return false;
        }
        size_t len;
        const char *text = py_str_data(e->key, &len);
        push_keyword(py, call, strtab_intern(py->names, text, len), range, py_incref(e->value));
    }
    return true;
}

static bool repeated_keyword(PyCtx *py, const CallArgs *call) {
    for (size_t i = 0; i < call->kw.len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (call->kw_names[i] == call->kw_names[j]) {
                py_raise_at(py, PYEXC_TypeError, call->kw_ranges[i], NULL,
                            "got multiple values for keyword argument '%s'", call->kw_names[i]);
                return true;
            }
        }
    }
    return false;
}

static bool eval_arguments(PyCtx *py, Frame *frame, const Expr *expr, CallArgs *call) {
    const ExprList *args = &expr->u.call.args;
    const KeywordList *keywords = &expr->u.call.keywords;
    if (!eval_items(py, frame, args, &call->pos))
        return false;
    call->pos_ranges = ARENA_ARRAY(py->scratch, SrcRange, args->len + 1);
    for (size_t i = 0; i < args->len; i++) {
        call->pos_ranges[i] = args->items[i]->range;
        call->spread = call->spread || args->items[i]->kind == EXPR_STARRED;
    }
    for (size_t i = 0; i < keywords->len; i++) {
        const Keyword *keyword = &keywords->items[i];
        PyValue value = eval_expr(py, frame, keyword->value);
        if (py_failed(value))
            return false;
        if (keyword->name != NULL) {
            push_keyword(py, call, keyword->name, keyword->name_range, value);
            continue;
        }
        bool ok = push_mapping(py, call, value, keyword->value->range);
        py_decref(py, value);
        if (!ok)
            return false;
    }
    return !repeated_keyword(py, call);
}

/* `super()` without arguments means the class around the method and its first argument. */
static bool is_bare_super(PyCtx *py, const Frame *frame, const Expr *expr, PyValue callee) {
    (void)py;
    const PyClass *cls = py_as(callee, &py_class_type);
    return cls != NULL && cls->native == &host_super_type && frame->cls != NULL &&
           expr->u.call.args.len == 0;
}

/* A method of a builtin type, called without making a bound method first. *done false: the callee
 * is something else. */
static PyValue call_method(PyCtx *py, Frame *frame, const Expr *expr, PyValue object, bool *done) {
    const Expr *func = expr->u.call.func;
    const PyType *type = object.tag == PY_OBJECT_TAG ? object.u.o->type : NULL;
    *done = false;
    if (type == NULL || type->methods == NULL || type->getattr != NULL)
        return PY_NONE;
    const PyMethodDef *def = py_method_find(type->methods, func->u.attribute.attr);
    if (def == NULL)
        return PY_NONE;
    *done = true;
    CallArgs call = {0};
    ArenaMark mark = arena_mark(py->scratch);
    PyValue result = PY_FAIL, bound[PY_BIND_MAX];
    if (eval_arguments(py, frame, expr, &call)) {
        PyArgs args = {.pos = call.pos.items,
                       .num_pos = call.pos.len,
                       .kw_names = call.kw_names,
                       .kw_values = call.kw.items,
                       .num_kw = call.kw.len,
                       .range = expr->range,
                       .pos_ranges = call.spread ? NULL : call.pos_ranges,
                       .kw_ranges = call.kw_ranges};
        py->here = expr->range;
        if (def->params == NULL || py_bind_text(py, def->name, &args, def->params, bound))
            result = def->fn(py, object, bound, &args);
    }
    value_list_drop(py, &call.pos);
    value_list_drop(py, &call.kw);
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue call_value(PyCtx *py, Frame *frame, const Expr *expr, PyValue callee) {
    CallArgs call = {0};
    ArenaMark mark = arena_mark(py->scratch);
    PyValue result = PY_FAIL;
    if (eval_arguments(py, frame, expr, &call)) {
        if (is_bare_super(py, frame, expr, callee)) {
            value_list_push(py, &call.pos, py_incref(py_from_object(&frame->cls->base)));
            value_list_push(py, &call.pos, py_incref(frame->self));
            call.spread = true;
        }
        PyArgs args = {.pos = call.pos.items,
                       .num_pos = call.pos.len,
                       .kw_names = call.kw_names,
                       .kw_values = call.kw.items,
                       .num_kw = call.kw.len,
                       .range = expr->range,
                       .pos_ranges = call.spread ? NULL : call.pos_ranges,
                       .kw_ranges = call.kw_ranges};
        py->here = expr->range;
        result = py_call(py, callee, &args);
    }
    value_list_drop(py, &call.pos);
    value_list_drop(py, &call.kw);
    arena_reset(py->scratch, mark);
    return result;
}

PyValue eval_call(PyCtx *py, Frame *frame, const Expr *expr) {
    const Expr *func = expr->u.call.func;
    PyValue callee;
    if (func->kind == EXPR_ATTRIBUTE) {
        bool done;
        PyValue object = eval_expr(py, frame, func->u.attribute.value);
        if (py_failed(object))
            return PY_FAIL;
        PyValue result = call_method(py, frame, expr, object, &done);
        if (done) {
            py_decref(py, object);
            return result;
        }
        py->here = func->u.attribute.attr_range;
        callee = py_getattr(py, object, func->u.attribute.attr);
        py_decref(py, object);
    } else {
        callee = eval_expr(py, frame, func);
    }
    if (py_failed(callee))
        return PY_FAIL;
    PyValue result = call_value(py, frame, expr, callee);
    py_decref(py, callee);
    return result;
}

/* ---- f-strings --------------------------------------------------------------------------------
 */

static bool join_part(PyCtx *py, Frame *frame, const Expr *part, StrBuf *out);

/* The parts of an f-string or of a format spec; `out` lies in the scratch arena. */
static bool join_parts(PyCtx *py, Frame *frame, const Expr *expr, StrBuf *out) {
    for (size_t i = 0; i < expr->u.joined.values.len; i++) {
        if (!join_part(py, frame, expr->u.joined.values.items[i], out))
            return false;
    }
    return true;
}

static bool join_formatted(PyCtx *py, Frame *frame, const Expr *part, StrBuf *out) {
    char conversion = part->u.formatted.conversion;
    const Expr *spec_expr = part->u.formatted.format_spec;
    if (part->u.formatted.self_doc != NULL) {
        strbuf_puts(out, part->u.formatted.self_doc);
        if (conversion == 0 && spec_expr == NULL)
            conversion = 'r';
    }
    PyValue value = eval_expr(py, frame, part->u.formatted.value);
    if (py_failed(value))
        return false;
    StrBuf spec = STRBUF(py->scratch);
    bool ok = spec_expr == NULL || join_parts(py, frame, spec_expr, &spec);
    py->here = part->range;
    if (ok && conversion != 0) {
        StrBuf text = STRBUF(py->scratch);
        ok = conversion == 's' ? py_str_of(py, value, &text) : py_repr(py, value, &text);
        py_decref(py, value);
        value = ok ? py_strn(py, strbuf_str(&text), text.len) : PY_NONE;
    }
    ok = ok && py_format(py, value, strbuf_str(&spec), spec.len, out);
    py_decref(py, value);
    return ok;
}

static bool join_part(PyCtx *py, Frame *frame, const Expr *part, StrBuf *out) {
    if (part->kind == EXPR_FORMATTED)
        return join_formatted(py, frame, part, out);
    if (part->kind == EXPR_JOINEDSTR)
        return join_parts(py, frame, part, out);
    strbuf_write(out, part->u.constant.text, part->u.constant.text_len);
    return true;
}

PyValue eval_joined(PyCtx *py, Frame *frame, const Expr *expr) {
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    if (join_part(py, frame, expr, &text))
        return py_str_finish(py, &text, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}
