/* spec_call.c -- calls: builtins, jit functions (inlined), and Python functions on constants.
 *
 * A jit function is visited anew for every call, with its parameters bound to the arguments: what
 * is a compile-time value in the caller is one in the callee, whatever the annotation says. Calls
 * do not exist in the IR. Example: `f(x, 128)` visits f's body with x a tensor and the second
 * parameter the constexpr 128.
 */
#include "frontend/spec.h"

#define MAX_CALL_DEPTH 64

/* ---- parameters of jit functions ------------------------------------------------------------- */

const Arg *spec_parameter(const FunctionDef *def, size_t i) {
    const Params *p = &def->params;
    if (i < p->posonly.len)
        return &p->posonly.items[i];
    i -= p->posonly.len;
    return i < p->args.len ? &p->args.items[i] : &p->kwonly.items[i - p->args.len];
}

static size_t positional_count(const FunctionDef *def) {
    return def->params.posonly.len + def->params.args.len;
}

typedef struct Binder {
    Spec *s;
    const JitFn *fn;
    const SArgs *args;
    SVal *values;
    SrcRange *ranges;
    bool *given;
} Binder;

static void note_definition(const Binder *b, Diag *d) {
    if (!b->fn->is_stdlib)
        diag_note(d, b->fn->def->name_range, "`%s` is defined here", b->fn->name);
}

static bool bind_positional(Binder *b) {
    const FunctionDef *def = b->fn->def;
    size_t most = positional_count(def), given = b->args->num_pos;
    for (size_t i = 0; i < given && i < most; i++) {
        b->values[i] = b->args->pos[i];
        b->ranges[i] = b->args->pos_ranges[i];
        b->given[i] = true;
    }
    if (given <= most || def->params.vararg)
        return true;
    Diag *d =
        SPEC_ERROR(b->s, DIAG_KERNEL_TOO_MANY, b->args->pos_ranges[most], b->fn->name, most, given);
    note_definition(b, d);
    return false;
}

static bool bind_keyword(Binder *b, size_t k) {
    const FunctionDef *def = b->fn->def;
    Sym name = b->args->names[k];
    const char **words = ARENA_ARRAY(b->s->arena, const char *, b->fn->num_params + 1);
    for (size_t i = 0; i < b->fn->num_params; i++) {
        words[i] = spec_parameter(def, i)->name;
        if (words[i] != name)
            continue;
        if (b->given[i]) {
            SPEC_ERROR(b->s, DIAG_KERNEL_TWICE, b->args->name_ranges[k], b->fn->name, name);
            return false;
        }
        b->values[i] = b->args->values[k];
        b->ranges[i] = b->args->value_ranges[k];
        return b->given[i] = true;
    }
    Diag *d = SPEC_ERROR(b->s, DIAG_KERNEL_KEYWORD, b->args->name_ranges[k], b->fn->name, name);
    const char *near = closest_word(name, words, b->fn->num_params);
    if (near)
        diag_help(d, "did you mean `%s`?", near);
    note_definition(b, d);
    return false;
}

static bool bind_default(Binder *b, size_t i) {
    const Arg *param = spec_parameter(b->fn->def, i);
    PyValue value = b->fn->defaults ? b->fn->defaults[i] : PY_FAIL;
    if (!py_failed(value)) {
        b->values[i] = sv_borrowed(b->s, value, param->range);
        b->ranges[i] = param->range;
        return true;
    }
    Diag *d = SPEC_ERROR(b->s, DIAG_KERNEL_MISSING, b->args->range, b->fn->name, param->name);
    note_definition(b, d);
    return false;
}

static bool bind_parameters(Binder *b, Scope *scope) {
    Spec *s = b->s;
    const FunctionDef *def = b->fn->def;
    bool ok = bind_positional(b);
    for (size_t k = 0; k < b->args->num_names; k++)
        ok &= bind_keyword(b, k);
    for (size_t i = 0; i < b->fn->num_params && ok; i++)
        ok = b->given[i] || bind_default(b, i);
    for (size_t i = 0; i < b->fn->num_params && ok; i++) {
        Binding binding = {spec_parameter(def, i)->name, b->values[i],
                           spec_parameter(def, i)->range, false};
        vec_push(s->arena, scope, binding);
    }
    if (ok && def->params.vararg) {
        size_t most = positional_count(def), given = b->args->num_pos;
        size_t rest = given > most ? given - most : 0;
        SVal tuple = sv_tuple(s, b->args->pos + (rest > 0 ? most : 0), rest);
        Binding binding = {def->params.vararg->name, tuple, def->params.vararg->range, false};
        vec_push(s->arena, scope, binding);
    }
    return ok;
}

/* ---- jit functions --------------------------------------------------------------------------- */

SVal spec_call_jit(Spec *s, const JitFn *fn, const SArgs *args) {
    if (s->depth >= MAX_CALL_DEPTH) {
        Diag *d = diag_report(s->diags, DIAG_KERNEL_RECURSION, args->range, MAX_CALL_DEPTH);
        diag_note(d, fn->def->name_range, "`%s` calls itself again and again", fn->name);
        diag_help(d, "recursion must end at compile time: test a constexpr or a shape");
        s->reported |= s->dry == 0;
        return SVAL_ERROR;
    }
    Binder binder = {.s = s, .fn = fn, .args = args};
    binder.values = ARENA_ARRAY(s->arena, SVal, fn->num_params);
    binder.ranges = ARENA_ARRAY(s->arena, SrcRange, fn->num_params);
    binder.given = ARENA_ARRAY(s->arena, bool, fn->num_params);
    Frame frame = {.caller = s->frame, .fn = fn, .call = args->range};
    if (!bind_parameters(&binder, &frame.scope))
        return SVAL_ERROR;
    frame.arg_ranges = binder.ranges;
    s->frame = &frame;
    s->depth++;
    Flow flow = spec_block(s, fn->def->body, 0);
    s->depth--;
    s->frame = frame.caller;
    return flow.result;
}

SVal spec_call_values(Spec *s, const JitFn *fn, const SVal *values, size_t count, SrcRange range) {
    SArgs args = {.num_pos = count, .range = range};
    args.pos = ARENA_ARRAY(s->arena, SVal, count);
    args.pos_ranges = ARENA_ARRAY(s->arena, SrcRange, count);
    for (size_t i = 0; i < count; i++) {
        args.pos[i] = values[i];
        args.pos_ranges[i] = range;
    }
    return spec_call_jit(s, fn, &args);
}

const JitFn *spec_jit(Spec *s, SVal v, SrcRange range) {
    (void)range;
    if (v.kind != SV_CONST)
        return NULL;
    const BuiltinRow *row = builtin_from_value(v.u.py);
    if (row)
        return row->library ? spec_library(s->py, row) : NULL;
    return jit_from_value(v.u.py);
}

/* ---- builtins and host functions ------------------------------------------------------------- */

static SVal call_builtin(Spec *s, const BuiltinRow *row, const SVal *self, const SArgs *args) {
    Call call;
    if (!spec_bind_builtin(s, row, self, args, &call))
        return SVAL_ERROR;
    return row->function(s, &call);
}

/* The arguments with `self` in front. */
static SArgs with_self(Spec *s, const SVal *self, const SArgs *args) {
    SArgs out = *args;
    out.num_pos++;
    out.pos = ARENA_ARRAY(s->arena, SVal, out.num_pos);
    out.pos_ranges = ARENA_ARRAY(s->arena, SrcRange, out.num_pos);
    out.pos[0] = *self;
    out.pos_ranges[0] = args->range;
    for (size_t i = 0; i < args->num_pos; i++) {
        out.pos[i + 1] = args->pos[i];
        out.pos_ranges[i + 1] = args->pos_ranges[i];
    }
    return out;
}

static SVal call_row(Spec *s, const BuiltinRow *row, const SVal *self, const SArgs *args) {
    if (row->function)
        return call_builtin(s, row, self, args);
    const JitFn *fn = spec_library(s->py, row);
    if (!fn) {
        s->reported = true;
        return SVAL_ERROR;
    }
    SArgs all = self ? with_self(s, self, args) : *args;
    return spec_call_jit(s, fn, &all);
}

static SVal call_method(Spec *s, SVal method, const SArgs *args) {
    PyValue function = method.u.method.function;
    if (function.tag != PY_NONE_TAG)
        return call_row(s, builtin_from_value(function), method.u.method.self, args);
    if (args->num_pos + args->num_names > 0) {
        SPEC_ERROR(s, DIAG_KERNEL_TOO_MANY, args->range, "this method", (size_t)0,
                   args->num_pos + args->num_names);
        return SVAL_ERROR;
    }
    return *method.u.method.self;
}

/* Point(x, y=y): a named tuple, of values that may be known at run time only. */
static SVal construct_tuple(Spec *s, PyClass *cls, const SArgs *args) {
    size_t count = cls->num_fields;
    if (args->num_pos > count) {
        SPEC_ERROR(s, DIAG_KERNEL_TOO_MANY, args->pos_ranges[count], cls->name, count,
                   args->num_pos);
        return SVAL_ERROR;
    }
    SVal tuple = sv_tuple(s, NULL, 0);
    tuple.u.tuple = (STuple){ARENA_ARRAY(s->arena, SVal, count), count, cls};
    bool *given = ARENA_ARRAY(s->arena, bool, count);
    for (size_t i = 0; i < args->num_pos; i++) {
        tuple.u.tuple.items[i] = args->pos[i];
        given[i] = true;
    }
    for (size_t k = 0; k < args->num_names; k++) {
        size_t i = 0;
        while (i < count && cls->fields[i] != args->names[k])
            i++;
        if (i == count || given[i]) {
            SPEC_ERROR(s, i == count ? DIAG_KERNEL_KEYWORD : DIAG_KERNEL_TWICE,
                       args->name_ranges[k], cls->name, args->names[k]);
            return SVAL_ERROR;
        }
        tuple.u.tuple.items[i] = args->values[k];
        given[i] = true;
    }
    for (size_t i = 0; i < count; i++) {
        PyValue absent;
        if (given[i])
            continue;
        if (!py_class_get(cls, cls->fields[i], &absent)) {
            SPEC_ERROR(s, DIAG_KERNEL_MISSING, args->range, cls->name, cls->fields[i]);
            return SVAL_ERROR;
        }
        tuple.u.tuple.items[i] = sv_borrowed(s, absent, args->range);
    }
    return tuple;
}

/* A Python function (triton.cdiv, an exception class ...) on compile-time values. */
static SVal call_python(Spec *s, PyValue callee, const SArgs *args, SrcRange callee_range) {
    PyValue *values = ARENA_ARRAY(s->arena, PyValue, args->num_pos + args->num_names);
    bool known = true;
    for (size_t i = 0; i < args->num_pos; i++)
        known &= sv_to_py(s, args->pos[i], &values[i]);
    for (size_t i = 0; i < args->num_names; i++)
        known &= sv_to_py(s, args->values[i], &values[args->num_pos + i]);
    const char *name = py_callable_name(callee);
    const BuiltinRow *same =
        name && !known ? builtin_find(arena_printf(s->arena, "tl.%s", name)) : NULL;
    if (same && str_eq(name, "cdiv")) /* triton.cdiv(n, BLOCK) with a run-time n means tl.cdiv */
        return call_row(s, same, NULL, args);
    if (!known || !(callee.tag == PY_OBJECT_TAG && callee.u.o->type->call)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_CALLEE, callee_range,
                             sv_type_name(s, (SVal){.kind = SV_CONST, .u.py = callee}));
        if (same)
            diag_help(d, "did you mean `tl.%s`? Host functions do not work on tiles", name);
        else if (!known && str_eq(py_type_name(callee), "function"))
            diag_help(d, "mark the function @triton.jit to use it on tensors");
        else if (!known)
            diag_help(d, "host functions do not work on tiles; kernels use those of tl");
        return SVAL_ERROR;
    }
    PyArgs py_args = {.pos = values,
                      .num_pos = args->num_pos,
                      .kw_names = args->names,
                      .kw_values = values + args->num_pos,
                      .num_kw = args->num_names,
                      .range = args->range,
                      .pos_ranges = args->pos_ranges,
                      .kw_ranges = args->name_ranges};
    return sv_from_py(s, py_call(s->py, callee, &py_args), args->range);
}

SVal spec_call(Spec *s, SVal callee, const SArgs *args, SrcRange callee_range) {
    if (callee.kind == SV_METHOD)
        return call_method(s, callee, args);
    if (callee.kind != SV_CONST) {
        SPEC_ERROR(s, DIAG_KERNEL_CALLEE, callee_range, sv_type_name(s, callee));
        return SVAL_ERROR;
    }
    const BuiltinRow *row = builtin_from_value(callee.u.py);
    if (row)
        return call_row(s, row, NULL, args);
    const JitFn *fn = jit_from_value(callee.u.py);
    if (fn)
        return spec_call_jit(s, fn, args);
    TlType type;
    if (tl_type_from_value(callee.u.py, &type) && args->num_pos == 1 && args->num_names == 0)
        return spec_cast(s, args->pos[0], type, args->pos_ranges[0]); /* tl.int64(x) */
    PyClass *cls = py_as(callee.u.py, &py_class_type);
    if (cls && cls->native == &py_tuple_type && cls->fields)
        return construct_tuple(s, cls, args);
    return call_python(s, callee.u.py, args, callee_range);
}
