/* spec_names.c -- what a name in a kernel means.
 *
 * Local names first, then the environment the function was defined in, then the few builtins of
 * Python that kernels may use. Of the environment only what cannot change behind a compiled
 * kernel's back is allowed: modules, functions, types and tl.constexpr instances; a plain number
 * there is refused with Triton's message. Example: with `N = 4` at module level, `N` in a kernel
 * is an error, with `N = tl.constexpr(4)` it is 4.
 */
#include "frontend/spec.h"

#include <string.h>

Binding *spec_find(Scope *scope, Sym name) {
    for (size_t i = 0; i < scope->len; i++)
        if (scope->data[i].name == name)
            return &scope->data[i];
    return NULL;
}

void spec_bind(Spec *s, Sym name, SVal value, SrcRange where) {
    if (value.kind == SV_TENSOR && !value.u.ir->name)
        value.u.ir->name = name;
    Scope *scope = &s->frame->scope;
    Binding *old = spec_find(scope, name);
    if (old) {
        old->value = value;
        old->where = where;
        return;
    }
    Binding binding = {.name = name, .value = value, .where = where};
    vec_push(s->arena, scope, binding);
}

Scope spec_scope_copy(Spec *s, const Scope *scope) {
    Scope copy = {0};
    if (scope->len > 0)
        copy.data = arena_memdup(s->arena, scope->data, scope->len * sizeof *scope->data,
                                 _Alignof(Binding));
    copy.len = copy.cap = scope->len;
    return copy;
}

/* Python's builtins that kernels may use, as functions of builtins.def. */
static const struct {
    const char *name, *row;
} python_builtins[] = {
    {"range", "range"},     {"len", "len"},         {"float", "float"},
    {"int", "int"},         {"bool", "bool"},       {"min", "min"},
    {"max", "max"},         {"print", "print"},     {"isinstance", "isinstance"},
    {"getattr", "getattr"}, {"hasattr", "hasattr"}, {"tuple", "tuple"},
    {"list", "list"},       {"str", "str"},
};

static const BuiltinRow *python_builtin(Sym name) {
    for (size_t i = 0; i < TK_COUNTOF(python_builtins); i++) {
        if (!str_eq(name, python_builtins[i].name))
            continue;
        for (size_t k = 0; k < builtin_count; k++)
            if (str_eq(builtin_rows[k].name, python_builtins[i].row))
                return &builtin_rows[k];
    }
    return NULL;
}

/* May kernels use this value of the environment? */
static bool is_allowed_global(PyValue v) {
    switch (v.tag) {
    case PY_DTYPE_TAG:
        return true;
    case PY_OBJECT_TAG: {
        const PyType *type = v.u.o->type;
        return type != &py_str_type && type != &py_list_type && type != &py_dict_type &&
               type != &py_tuple_type && type != &py_bigint_type && !type->kernels_refuse;
    }
    case PY_FAIL_TAG:
    case PY_NONE_TAG:
    case PY_BOOL_TAG:
    case PY_INT_TAG:
    case PY_FLOAT_TAG:
    case PY_ELLIPSIS_TAG:
        break;
    }
    return false;
}

static SVal global_refused(Spec *s, Sym name, PyValue value, SrcRange range) {
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_GLOBAL, range, name);
    StrBuf text = STRBUF(s->arena);
    if (!py_repr(s->py, value, &text))
        py_clear_exception(s->py);
    if (value.tag == PY_OBJECT_TAG && value.u.o->type->kernels_refuse)
        diag_help(d, "mark the function @triton.jit, or @triton.constexpr_function to evaluate it "
                     "on constants when the kernel is compiled");
    else if (text.len > 0 && text.len < 40 && value.tag != PY_NONE_TAG)
        diag_help(d, "write `%s = tl.constexpr(%s)`, or pass it as a tl.constexpr parameter", name,
                  strbuf_str(&text));
    else
        diag_help(d, "wrap it in tl.constexpr(...), or pass it as a tl.constexpr parameter");
    return SVAL_ERROR;
}

static SVal name_gone(Spec *s, Sym name, const Gone *gone, SrcRange range) {
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_NAME, range, name);
    diag_note(d, gone->where, "`%s` is bound here", name);
    diag_note(d, gone->because, "%s", gone->why);
    diag_help(d, "bind `%s` before that statement, with the type it has later", name);
    return SVAL_ERROR;
}

/* The usual short names of modules, for a program that forgot the import. */
static const struct {
    const char *name, *import;
} usual_imports[] = {{"tl", "import triton.language as tl"},
                     {"triton", "import triton"},
                     {"libdevice", "from triton.language.extra import libdevice"}};

static SVal name_unknown(Spec *s, Sym name, SrcRange range) {
    for (size_t i = 0; i < s->frame->unknown.len; i++)
        if (s->frame->unknown.data[i] == name)
            return SVAL_ERROR;
    if (s->dry == 0)
        vec_push(s->arena, &s->frame->unknown, name);
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_NAME, range, name);
    for (size_t i = 0; i < TK_COUNTOF(usual_imports); i++) {
        if (!str_eq(name, usual_imports[i].name))
            continue;
        diag_help(d, "add `%s` at the top of the file", usual_imports[i].import);
        return SVAL_ERROR;
    }
    const Scope *scope = &s->frame->scope;
    const char **env_names = NULL;
    VEC(const char *) words = {0};
    for (size_t i = 0; i < scope->len; i++)
        vec_push(s->arena, &words, scope->data[i].name);
    for (const PyEnv *env = s->frame->fn->env; env; env = py_env_outer(env)) {
        size_t count = py_env_names(env, s->arena, &env_names);
        for (size_t i = 0; i < count; i++)
            vec_push(s->arena, &words, env_names[i]);
    }
    for (size_t i = 0; i < TK_COUNTOF(python_builtins); i++)
        vec_push(s->arena, &words, python_builtins[i].name);
    const char *near = closest_word(name, words.data, words.len);
    if (near)
        diag_help(d, "did you mean `%s`?", near);
    return SVAL_ERROR;
}

SVal spec_name(Spec *s, Sym name, SrcRange range) {
    const Binding *local = spec_find(&s->frame->scope, name);
    if (local && local->value.kind == SV_GONE && local->value.u.gone->index_of)
        return spec_last_index(s, local->value.u.gone->index_of);
    if (local && sv_is_error(local->value) && s->dry == 0 && !s->reported)
        SPEC_ERROR(s, DIAG_INTERNAL, range, "a name lost its value without a message");
    if (local && local->value.kind == SV_GONE)
        return name_gone(s, name, local->value.u.gone, range);
    if (local)
        return local->value;
    PyValue value = PY_NONE;
    bool found = s->frame->fn->env && py_env_get(s->frame->fn->env, name, &value);
    const BuiltinRow *builtin = python_builtin(name);
    if (builtin && (!found || (!jit_from_value(value) && !py_as(value, &py_constexpr_type))))
        return sv_from_py(s, builtin_value(s->py, builtin), range);
    if (!found)
        return name_unknown(s, name, range);
    if (!is_allowed_global(value) && !s->frame->fn->is_stdlib)
        return global_refused(s, name, value, range);
    return sv_borrowed(s, value, range);
}
