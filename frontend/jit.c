/* jit.c -- jit functions as values.
 *
 * What a launch or an attribute of a jit function means is the host evaluator's business: it is
 * reached through the hooks of the context.
 */
#include "frontend/jit.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

static void jit_dealloc(PyCtx *py, PyObject *self) {
    JitFn *fn = (JitFn *)self;
    if (fn->host_free != NULL)
        fn->host_free(py, fn->host);
    for (size_t i = 0; i < fn->num_params; i++)
        py_decref(py, fn->defaults[i]);
    free(fn->defaults);
    free(fn->no_specialize);
    free(fn->no_specialize_alignment);
    py_env_release(py, fn->env);
    py_object_free(py, self);
}

static PyValue jit_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const JitFn *fn = (const JitFn *)self.u.o;
    if (strcmp(name, "__name__") == 0) {
        *found = true;
        return py_str(py, fn->name);
    }
    if (py->hooks != NULL && py->hooks->jit_getattr != NULL)
        return py->hooks->jit_getattr(py, self, name, found);
    *found = false;
    return PY_NONE;
}

static PyValue jit_call(PyCtx *py, PyValue self, const PyArgs *args) {
    if (py->hooks != NULL && py->hooks->jit_call != NULL)
        return py->hooks->jit_call(py, self, args);
    return py_raise(py, PYEXC_RuntimeError,
                    "Cannot call @triton.jit'd outside of the scope of a kernel");
}

static PyValue jit_subscript(PyCtx *py, PyValue self, PyValue index) {
    if (py->hooks != NULL && py->hooks->jit_subscript != NULL)
        return py->hooks->jit_subscript(py, self, index);
    return py_raise(py, PYEXC_RuntimeError, "kernels are not launched here");
}

static bool jit_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_printf(out, "JITFunction(%s)", ((const JitFn *)self.u.o)->name);
    return true;
}

static const char *const jit_attrs[] = {"__name__", "fn",        "run",    "warmup",
                                        "cache",    "arg_names", "params", NULL};
const PyType py_jit_type = {.name = "JITFunction",
                            .dealloc = jit_dealloc,
                            .getattr = jit_getattr,
                            .attr_names = jit_attrs,
                            .call = jit_call,
                            .subscript = jit_subscript,
                            .repr = jit_repr};

PyValue jit_create(PyCtx *py, const Stmt *def, const SrcFile *file, PyEnv *env,
                   const PyValue *defaults, size_t num_params) {
    JitFn *fn = py_object_new(py, &py_jit_type, sizeof *fn);
    size_t room = num_params + 1;
    fn->name = def->u.function.name;
    fn->def = &def->u.function;
    fn->stmt = def;
    fn->file = file;
    fn->env = py_env_retain(env);
    fn->num_params = num_params;
    fn->defaults = oom_malloc(py->oom, room * sizeof *fn->defaults);
    fn->no_specialize = oom_malloc(py->oom, room * sizeof *fn->no_specialize);
    fn->no_specialize_alignment = oom_malloc(py->oom, room * sizeof *fn->no_specialize_alignment);
    for (size_t i = 0; i < num_params; i++) {
        fn->defaults[i] = defaults != NULL ? py_incref(defaults[i]) : PY_FAIL;
        fn->no_specialize[i] = false;
        fn->no_specialize_alignment[i] = false;
    }
    return py_from_object(&fn->base);
}

JitFn *jit_from_value(PyValue v) {
    return py_as(v, &py_jit_type);
}

const Arg *jit_param(const FunctionDef *def, size_t index) {
    const Params *params = &def->params;
    if (index < params->posonly.len)
        return &params->posonly.items[index];
    index -= params->posonly.len;
    if (index < params->args.len)
        return &params->args.items[index];
    return &params->kwonly.items[index - params->args.len];
}

size_t jit_param_count(const FunctionDef *def) {
    return def->params.posonly.len + def->params.args.len + def->params.kwonly.len;
}
