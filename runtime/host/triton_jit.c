/* triton_jit.c -- the decorator @triton.jit.
 *
 *     @triton.jit
 *     @triton.jit(do_not_specialize=["n"], debug=True)
 *     kernel = triton.jit(function)
 */
#include "runtime/host/triton_internal.h"

#define JIT_PARAMS                                                                                 \
    "fn= * version= repr= launch_metadata= do_not_specialize= do_not_specialize_on_alignment= "    \
    "debug= noinline="
enum { FN, VERSION, REPR, METADATA, NO_SPECIALIZE, NO_ALIGNMENT, DEBUG, NOINLINE, NUM_PARAMS };

/* Sets flags[i] for each parameter that `list` names or numbers. */
static bool mark_params(PyCtx *py, const JitFn *fn, PyValue list, bool *flags) {
    if (py_failed(list) || list.tag == PY_NONE_TAG)
        return true;
    PyValue items = py_list_of(py, list);
    if (py_failed(items))
        return false;
    for (size_t k = 0; k < py_seq_len(items); k++) {
        PyValue item = py_seq_item(items, k);
        int64_t index = -1;
        py_to_i64(item, &index);
        for (size_t i = 0; i < fn->num_params; i++)
            if (py_is_str(item) ? str_eq(jit_param(fn->def, i)->name, py_str_data(item, NULL))
                                : index == (int64_t)i)
                flags[i] = true;
    }
    py_decref(py, items);
    return true;
}

static bool flag_of(PyCtx *py, PyValue value) {
    return !py_failed(value) && py_truth(py, value) > 0;
}

static PyValue make_jit(PyCtx *py, PyValue function, const PyValue *options) {
    const Stmt *def;
    const SrcFile *file;
    PyEnv *env;
    const PyValue *defaults;
    size_t num_params;
    if (jit_from_value(function) != NULL)
        return py_incref(function);
    if (!host_function_parts(function, &def, &file, &env, &defaults, &num_params))
        return py_raise(py, PYEXC_TypeError, "triton.jit takes a function written with def, not %s",
                        py_type_name(function));
    PyValue jit = jit_create(py, def, file, env, defaults, num_params);
    JitFn *fn = jit_from_value(jit);
    fn->debug = flag_of(py, options[DEBUG]);
    fn->noinline = flag_of(py, options[NOINLINE]);
    if (mark_params(py, fn, options[NO_SPECIALIZE], fn->no_specialize) &&
        mark_params(py, fn, options[NO_ALIGNMENT], fn->no_specialize_alignment))
        return jit;
    py_decref(py, jit);
    return PY_FAIL;
}

/* triton.jit(debug=True): a decorator that waits for its function. */
typedef struct JitDecorator {
    PyObject base;
    PyValue options[NUM_PARAMS];
} JitDecorator;

static void decorator_dealloc(PyCtx *py, PyObject *self) {
    for (size_t i = 0; i < NUM_PARAMS; i++)
        py_decref(py, ((JitDecorator *)self)->options[i]);
    py_object_free(py, self);
}

static PyValue decorator_call(PyCtx *py, PyValue self, const PyArgs *args) {
    PyValue function;
    if (!py_bind_text(py, "triton.jit", args, "fn", &function))
        return PY_FAIL;
    return make_jit(py, function, ((const JitDecorator *)self.u.o)->options);
}

static const PyType decorator_type = {
    .name = "decorator", .dealloc = decorator_dealloc, .call = decorator_call};

PyValue triton_jit(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[NUM_PARAMS];
    if (!py_bind_text(py, "triton.jit", args, JIT_PARAMS, a))
        return PY_FAIL;
    if (!py_failed(a[FN]) && a[FN].tag != PY_NONE_TAG)
        return make_jit(py, a[FN], a);
    JitDecorator *decorator = py_object_new(py, &decorator_type, sizeof *decorator);
    for (size_t i = 0; i < NUM_PARAMS; i++)
        decorator->options[i] = py_incref(a[i]);
    return py_from_object(&decorator->base);
}
