/* function.c -- functions written in the program: closures, arguments, calls. */
#include <stdlib.h>
#include <string.h>

#include "runtime/host/host_internal.h"

/* ---- parameters: positional-only, positional, keyword-only are numbered through -----------------
 */

static size_t num_positional(const Params *p) {
    return p->posonly.len + p->args.len;
}

static const Arg *param_at(const Params *p, size_t i) {
    if (i < p->posonly.len)
        return &p->posonly.items[i];
    i -= p->posonly.len;
    return i < p->args.len ? &p->args.items[i] : &p->kwonly.items[i - p->args.len];
}

/* The parameter that a keyword means, or -1. */
static long param_named(const Params *p, Sym name) {
    size_t count = num_positional(p) + p->kwonly.len;
    for (size_t i = p->posonly.len; i < count; i++) {
        if (param_at(p, i)->name == name)
            return (long)i;
    }
    return -1;
}

/* ---- errors, worded as Python does --------------------------------------------------------------
 */

static bool too_many(PyCtx *py, const HostFunction *fn, const PyArgs *args) {
    size_t most = num_positional(fn->params), least = 0;
    for (size_t i = 0; i < most; i++)
        least += py_failed(fn->defaults[i]);
    SrcRange at =
        args->pos_ranges != NULL && args->num_pos > most ? args->pos_ranges[most] : args->range;
    const char *were = args->num_pos == 1 ? "was" : "were";
    if (least == most)
        py_raise_at(py, PYEXC_TypeError, at, NULL,
                    "%s() takes %zu positional argument%s but %zu %s given", fn->qualname, most,
                    most == 1 ? "" : "s", args->num_pos, were);
    else
        py_raise_at(py, PYEXC_TypeError, at, NULL,
                    "%s() takes from %zu to %zu positional arguments but %zu %s given",
                    fn->qualname, least, most, args->num_pos, were);
    return false;
}

static bool unexpected_keyword(PyCtx *py, const HostFunction *fn, const PyArgs *args, size_t k) {
    size_t count = fn->num_params;
    for (size_t i = 0; i < fn->params->posonly.len; i++) {
        if (fn->params->posonly.items[i].name != args->kw_names[k])
            continue;
        py_raise_at(py, PYEXC_TypeError, args->kw_ranges != NULL ? args->kw_ranges[k] : args->range,
                    NULL,
                    "%s() got some positional-only arguments passed as keyword arguments: '%s'",
                    fn->qualname, args->kw_names[k]);
        return false;
    }
    ArenaMark mark = arena_mark(py->scratch);
    const char **names = ARENA_ARRAY(py->scratch, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = param_at(fn->params, i)->name;
    py_raise_at(py, PYEXC_TypeError, args->kw_ranges != NULL ? args->kw_ranges[k] : args->range,
                py_suggest(py, args->kw_names[k], names, count),
                "%s() got an unexpected keyword argument '%s'", fn->qualname, args->kw_names[k]);
    arena_reset(py->scratch, mark);
    return false;
}

/* "f() missing 2 required positional arguments: 'a' and 'b'" */
static bool missing(PyCtx *py, const HostFunction *fn, const PyArgs *args, const PyValue *slots,
                    size_t lo, size_t hi, const char *kind) {
    size_t count = 0, seen = 0;
    for (size_t i = lo; i < hi; i++)
        count += py_failed(slots[i]);
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    for (size_t i = lo; i < hi; i++) {
        if (!py_failed(slots[i]))
            continue;
        seen++;
        if (seen > 1)
            strbuf_puts(&text, seen < count ? ", " : count > 2 ? ", and " : " and ");
        strbuf_printf(&text, "'%s'", param_at(fn->params, i)->name);
    }
    py_raise_at(py, PYEXC_TypeError, args->range, NULL,
                "%s() missing %zu required %s argument%s: %s", fn->qualname, count, kind,
                count == 1 ? "" : "s", strbuf_str(&text));
    arena_reset(py->scratch, mark);
    return false;
}

/* ---- binding ----------------------------------------------------------------------------------
 */

static bool bind_keywords(PyCtx *py, const HostFunction *fn, const PyArgs *args, PyValue *slots,
                          PyValue extra) {
    for (size_t k = 0; k < args->num_kw; k++) {
        long i = param_named(fn->params, args->kw_names[k]);
        if (i < 0 && fn->params->kwarg != NULL) {
            PyValue key = py_str(py, args->kw_names[k]);
            bool ok = py_dict_set(py, extra, key, args->kw_values[k]);
            py_decref(py, key);
            if (!ok)
                return false;
            continue;
        }
        if (i < 0)
            return unexpected_keyword(py, fn, args, k);
        if (!py_failed(slots[i])) {
            py_raise_at(py, PYEXC_TypeError,
                        args->kw_ranges != NULL ? args->kw_ranges[k] : args->range, NULL,
                        "%s() got multiple values for argument '%s'", fn->qualname,
                        args->kw_names[k]);
            return false;
        }
        slots[i] = args->kw_values[k];
    }
    return true;
}

/* Fills `slots` (borrowed values, one a parameter) and binds *args and **kwargs in `env`. */
static bool bind_arguments(PyCtx *py, const HostFunction *fn, const PyArgs *args, PyValue *slots,
                           PyEnv *env) {
    const Params *params = fn->params;
    size_t most = num_positional(params), given = args->num_pos < most ? args->num_pos : most;
    for (size_t i = 0; i < fn->num_params; i++)
        slots[i] = i < given ? args->pos[i] : PY_FAIL;
    if (args->num_pos > most && params->vararg == NULL)
        return too_many(py, fn, args);
    if (params->vararg != NULL) {
        PyValue rest = py_tuple(py, args->pos + given, args->num_pos - given);
        py_env_set(py, env, params->vararg->name, rest);
        py_decref(py, rest);
    }
    PyValue extra = params->kwarg != NULL ? py_dict(py) : PY_NONE;
    bool ok = bind_keywords(py, fn, args, slots, extra);
    if (ok && params->kwarg != NULL)
        py_env_set(py, env, params->kwarg->name, extra);
    py_decref(py, extra);
    size_t missing_pos = 0, missing_kw = 0;
    for (size_t i = 0; i < fn->num_params; i++) {
        if (py_failed(slots[i]))
            slots[i] = fn->defaults[i];
        missing_pos += py_failed(slots[i]) && i < most;
        missing_kw += py_failed(slots[i]) && i >= most;
    }
    if (ok && missing_pos > 0)
        return missing(py, fn, args, slots, 0, most, "positional");
    if (ok && missing_kw > 0)
        return missing(py, fn, args, slots, most, fn->num_params, "keyword-only");
    return ok;
}

/* ---- calls ------------------------------------------------------------------------------------
 */

void host_note_call(PyCtx *py, SrcRange call, Sym function) {
    PyException *e = py_as(py->exception, &py_exception_type);
    if (e == NULL || e->num_frames >= HOST_MAX_CALLS)
        return;
    e->frames = oom_realloc(py->oom, e->frames, (e->num_frames + 1) * sizeof *e->frames);
    e->frames[e->num_frames++] = (PyFrameNote){call, function};
}

static PyValue run_body(PyCtx *py, const HostFunction *fn, Frame *frame) {
    if (fn->lambda != NULL)
        return eval_expr(py, frame, fn->lambda->u.lambda.body);
    Flow flow = exec_block(py, frame, &fn->def->u.function.body);
    if (flow != FLOW_RAISE)
        return frame->result;
    py_decref(py, frame->result); /* of a return that a `finally` overrode by raising */
    return PY_FAIL;
}

static PyValue function_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const HostFunction *fn = (const HostFunction *)self.u.o;
    HostState *host = py->host;
    const StmtList *body = fn->def != NULL ? &fn->def->u.function.body : NULL;
    const void *key = fn->def != NULL ? (const void *)fn->def : (const void *)fn->lambda;
    const ScopeInfo *scope = scope_of_function(
        py, fn->params, body, fn->lambda != NULL ? fn->lambda->u.lambda.body : NULL, key);
    if (scope->yield != NULL)
        return host_refuse(py, scope->yield->range, "`yield` (generator functions)",
                           "build a list and return it, or use a generator expression");
    if (host->calls >= HOST_MAX_CALLS)
        return py_raise(py, PYEXC_RecursionError, "maximum recursion depth exceeded");
    if (!host_go_on(py))
        return PY_FAIL;
    PyEnv *env = py_env_create(py, fn->closure);
    env->owner = scope;
    Frame frame = {.env = env,
                   .home = env,
                   .globals = fn->globals,
                   .scope = scope,
                   .file = fn->file,
                   .function = fn->qualname,
                   .cls = fn->cls,
                   .self = args->num_pos > 0 ? args->pos[0] : PY_NONE,
                   .result = PY_NONE,
                   .handling = PY_NONE,
                   .caller = host->frame};
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *slots = ARENA_ARRAY(py->scratch, PyValue, fn->num_params + 1);
    PyValue result = PY_FAIL;
    py_incref(self); /* the program may rebind its name meanwhile */
    if (bind_arguments(py, fn, args, slots, env)) {
        for (size_t i = 0; i < fn->num_params; i++)
            py_env_set(py, env, param_at(fn->params, i)->name, slots[i]);
        host->frame = &frame;
        host->calls++;
        result = run_body(py, fn, &frame);
        host->calls--;
        host->frame = frame.caller;
        if (py_failed(result))
            host_note_call(py, args->range, fn->qualname);
    }
    arena_reset(py->scratch, mark);
    py_env_release(py, env);
    py_decref(py, self);
    return result;
}

/* ---- the object -------------------------------------------------------------------------------
 */

static void function_dealloc(PyCtx *py, PyObject *self) {
    HostFunction *fn = (HostFunction *)self;
    for (size_t i = 0; i < fn->num_params; i++)
        py_decref(py, fn->defaults[i]);
    free(fn->defaults);
    if (fn->cls != NULL)
        py_decref(py, py_from_object(&fn->cls->base));
    py_env_release(py, fn->attrs);
    py_env_release(py, fn->closure);
    py_env_release(py, fn->globals);
    py_object_free(py, self);
}

static PyValue function_doc(PyCtx *py, const HostFunction *fn) {
    if (fn->def == NULL || fn->def->u.function.body.len == 0)
        return PY_NONE;
    const Stmt *first = fn->def->u.function.body.items[0];
    bool text = first->kind == STMT_EXPR && first->u.ret.value->kind == EXPR_CONSTANT &&
                first->u.ret.value->u.constant.kind == CONST_STR;
    return text ? py_const(py, first->u.ret.value) : PY_NONE;
}

static PyValue function_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const HostFunction *fn = (const HostFunction *)self.u.o;
    PyValue value;
    *found = true;
    if (fn->attrs != NULL && py_env_get_local(fn->attrs, name, &value))
        return py_incref(value);
    if (strcmp(name, "__name__") == 0)
        return py_str(py, fn->name);
    if (strcmp(name, "__qualname__") == 0)
        return py_str(py, fn->qualname);
    if (name == py->host->syms.__doc__)
        return function_doc(py, fn);
    if (strcmp(name, "__module__") == 0 &&
        py_env_get_local(fn->globals, py->host->syms.__name__, &value))
        return py_incref(value);
    *found = false;
    return PY_NONE;
}

static bool function_setattr(PyCtx *py, PyValue self, Sym name, PyValue value) {
    HostFunction *fn = (HostFunction *)self.u.o;
    if (fn->attrs == NULL)
        fn->attrs = py_env_create(py, NULL);
    py_env_set(py, fn->attrs, name, value);
    return true;
}

static bool function_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_printf(out, "<function %s>", ((const HostFunction *)self.u.o)->name);
    return true;
}

static PyValue function_bind(PyCtx *py, PyValue attr, PyValue self, PyClass *cls) {
    (void)cls;
    if (self.tag == PY_NONE_TAG)
        return py_incref(attr);
    return host_wrapper(py, &host_method_type, attr, self);
}

const PyType host_function_type = {.name = "function",
                                   .dealloc = function_dealloc,
                                   .getattr = function_getattr,
                                   .setattr = function_setattr,
                                   .call = function_call,
                                   .repr = function_repr,
                                   .kernels_refuse = true,
                                   .bind = function_bind};

/* Evaluates the defaults in the defining scope; false: failed. */
static bool eval_defaults(PyCtx *py, Frame *frame, HostFunction *fn) {
    for (size_t i = 0; i < fn->num_params; i++) {
        const Expr *dflt = param_at(fn->params, i)->default_;
        if (dflt == NULL)
            continue;
        fn->defaults[i] = eval_expr(py, frame, dflt);
        if (py_failed(fn->defaults[i]))
            return false;
    }
    return true;
}

/* "Class.method", "outer.<locals>.inner": what messages call a function. */
static Sym qualified_name(PyCtx *py, const Frame *frame, Sym name) {
    if (!frame->is_class && frame->function == NULL)
        return name;
    ArenaMark mark = arena_mark(py->scratch);
    const char *text = frame->is_class
                           ? arena_printf(py->scratch, "%s.%s", frame->cls->name, name)
                           : arena_printf(py->scratch, "%s.<locals>.%s", frame->function, name);
    Sym sym = strtab_sym(py->names, text);
    arena_reset(py->scratch, mark);
    return sym;
}

PyValue function_create(PyCtx *py, Frame *frame, const Stmt *def, const Expr *lambda) {
    HostFunction *fn = py_object_new(py, &host_function_type, sizeof *fn);
    fn->name = def != NULL ? def->u.function.name : strtab_sym(py->names, "<lambda>");
    fn->qualname = qualified_name(py, frame, fn->name);
    fn->params = def != NULL ? &def->u.function.params : &lambda->u.lambda.params;
    fn->def = def;
    fn->lambda = lambda;
    fn->file = frame->file;
    fn->closure = py_env_retain(frame->is_class ? frame->env->outer : frame->env);
    if (frame->is_class) {
        fn->cls = frame->cls;
        fn->cls->base.refs++;
    }
    fn->globals = py_env_retain(frame->globals);
    fn->num_params = num_positional(fn->params) + fn->params->kwonly.len;
    fn->defaults = oom_malloc(py->oom, (fn->num_params + 1) * sizeof *fn->defaults);
    for (size_t i = 0; i < fn->num_params; i++)
        fn->defaults[i] = PY_FAIL;
    PyValue value = py_from_object(&fn->base);
    if (eval_defaults(py, frame, fn))
        return value;
    py_decref(py, value);
    return PY_FAIL;
}

bool host_function_parts(PyValue v, const Stmt **def, const SrcFile **file, PyEnv **env,
                         const PyValue **defaults, size_t *num_defaults) {
    const HostFunction *fn = py_as(v, &host_function_type);
    if (fn == NULL || fn->def == NULL)
        return false;
    *def = fn->def;
    *file = fn->file;
    *env = fn->closure;
    *defaults = fn->defaults;
    *num_defaults = fn->num_params;
    return true;
}

PyValue apply_decorators(PyCtx *py, Frame *frame, const ExprList *decorators, PyValue value) {
    for (size_t i = decorators->len; i > 0; i--) {
        const Expr *expr = decorators->items[i - 1];
        PyValue decorator = eval_expr(py, frame, expr);
        PyValue decorated = PY_FAIL;
        if (!py_failed(decorator)) {
            PyArgs args = {.pos = &value, .num_pos = 1, .range = expr->range};
            py->here = expr->range;
            decorated = py_call(py, decorator, &args);
        }
        py_decref(py, decorator);
        py_decref(py, value);
        if (py_failed(decorated))
            return PY_FAIL;
        value = decorated;
    }
    return value;
}

bool exec_function(PyCtx *py, Frame *frame, const Stmt *stmt) {
    if (stmt->u.function.is_async) {
        host_refuse(py, stmt->header, "`async def`", NULL);
        return false;
    }
    PyValue fn = function_create(py, frame, stmt, NULL);
    if (!py_failed(fn))
        fn = apply_decorators(py, frame, &stmt->u.function.decorators, fn);
    bool ok = !py_failed(fn) && assign_name(py, frame, stmt->u.function.name, fn);
    py_decref(py, fn);
    return ok;
}
