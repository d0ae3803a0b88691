/* torch_call.c -- operations as Python objects: from a call's arguments to an implementation.
 *
 * A call goes: the tensor of a method call becomes the first argument; integers given one by one
 * become one sequence where the row says so (x.view(2, 3) is x.view((2, 3))); `axis` is read as
 * `dim`; py_bind() matches what is left with the row's parameters; the implementation runs; and the
 * result is copied into the tensor (in-place variants) or into `out`.
 */
#include <string.h>

#include "runtime/host/torch_internal.h"

#define MAX_POSITIONAL 32

typedef struct TorchFunction {
    PyObject object;
    const TorchOp *op;
    bool inplace;
    PyValue self; /* PY_FAIL: a function of the module */
} TorchFunction;

/* ---- binding ----------------------------------------------------------------------------------
 */

typedef struct Bound { /* arguments while they are rearranged */
    const char *names[TORCH_MAX_ARGS + 2];
    PyValue pos[MAX_POSITIONAL];
    size_t num_pos;
    PyValue gathered; /* the sequence made of single integers, owned; PY_NONE if none */
    Sym keywords[TORCH_MAX_ARGS];
} Bound;

static bool is_star(const char *param) {
    return param[0] == '*' && param[1] != '\0';
}

static bool is_sequence(PyValue v) {
    v = torch_size_tuple(v);
    return py_is_list(v) || py_is_tuple(v);
}

/* x.view(2, 3): the arguments from `first` on become one tuple. */
static void gather_integers(PyCtx *py, Bound *bound, size_t first) {
    int64_t value;
    if (first >= bound->num_pos || is_sequence(bound->pos[first]))
        return;
    if (!tensor_of(bound->pos[first]) && !py_to_i64(py_unwrap_constexpr(bound->pos[first]), &value))
        return;
    bound->gathered = py_tuple(py, bound->pos + first, bound->num_pos - first);
    bound->pos[first] = bound->gathered;
    bound->num_pos = first + 1;
}

static void bind_names(PyCtx *py, const TorchOp *op, const PyArgs *args, Bound *bound) {
    const Sym axis = strtab_sym(py->names, "axis");
    bool has_dim = false;
    size_t i = 0;
    for (; op->params[i]; i++) {
        bound->names[i] = op->params[i] + is_star(op->params[i]);
        has_dim |= str_eq(op->params[i], "dim") || str_eq(op->params[i], "dim=");
        if (is_star(op->params[i]))
            gather_integers(py, bound, i);
    }
    bound->names[i] = NULL;
    for (size_t k = 0; k < args->num_kw; k++) {
        bound->keywords[k] = args->kw_names[k];
        if (has_dim && args->kw_names[k] == axis)
            bound->keywords[k] = strtab_sym(py->names, "dim");
    }
}

static bool bind_call(PyCtx *py, const TorchFunction *fn, const PyArgs *args, Bound *bound,
                      TorchCall *call) {
    const bool is_method = !py_failed(fn->self);
    if (args->num_pos + is_method > MAX_POSITIONAL || args->num_kw > TORCH_MAX_ARGS) {
        py_raise(py, PYEXC_TypeError, "%s() received too many arguments", fn->op->name);
        return false;
    }
    if (is_method)
        bound->pos[bound->num_pos++] = fn->self;
    for (size_t i = 0; i < args->num_pos; i++)
        bound->pos[bound->num_pos++] = args->pos[i];
    bind_names(py, fn->op, args, bound);
    PyArgs rearranged = *args;
    rearranged.pos = bound->pos;
    rearranged.num_pos = bound->num_pos;
    rearranged.kw_names = bound->keywords;
    rearranged.pos_ranges = NULL;
    return py_bind(py, fn->op->name, &rearranged, bound->names, call->arg);
}

/* ---- results ----------------------------------------------------------------------------------
 */

/* Copies the result of an in-place operation into its tensor; consumes `result`. */
static PyValue store_result(PyCtx *py, PyValue target, PyValue result) {
    Tensor *dst = tensor_of(target), *src = tensor_of(result);
    PyValue stored = PY_FAIL;
    if (py_failed(result))
        return PY_FAIL;
    if (!dst || !src) {
        py_raise(py, PYEXC_TypeError, "the output must be a Tensor, not %s", py_type_name(target));
    } else if ((dtype_is_float(src->view.dtype) && !dtype_is_float(dst->view.dtype)) ||
               (src->view.dtype != DT_BOOL && dst->view.dtype == DT_BOOL)) {
        py_raise(py, PYEXC_RuntimeError,
                 "result type %s can't be cast to the desired output type %s",
                 torch_scalar_name(src->view.dtype), torch_scalar_name(dst->view.dtype));
    } else if (dst->view.rank != src->view.rank ||
               memcmp(dst->view.shape, src->view.shape, src->view.rank * sizeof(int64_t)) != 0) {
        StrBuf want = STRBUF(py->arena), have = STRBUF(py->arena);
        dims_print(src->view.shape, src->view.rank, &want);
        dims_print(dst->view.shape, dst->view.rank, &have);
        py_raise(py, PYEXC_RuntimeError,
                 "output with shape %s doesn't match the broadcast shape %s", strbuf_str(&have),
                 strbuf_str(&want));
    } else if (torch_copy_into(py, target, result)) {
        stored = py_incref(target);
    }
    py_decref(py, result);
    return stored;
}

static unsigned out_param(const TorchOp *op) {
    unsigned index = 0;
    for (unsigned i = 0; op->params[i]; i++) {
        if (str_eq(op->params[i], "out="))
            return index;
        index += !str_eq(op->params[i], "*");
    }
    return TORCH_MAX_ARGS;
}

static PyValue function_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const TorchFunction *fn = py_as(self, &torch_function_type);
    Bound bound = {.gathered = PY_NONE};
    TorchCall call = {.py = py, .op = fn->op, .is_method = !py_failed(fn->self)};
    PyValue result = PY_FAIL;
    for (unsigned i = 0; i < TORCH_MAX_ARGS; i++)
        call.arg[i] = PY_FAIL;
    const unsigned failures = mem_space_failures(torch_state(py)->device);
    if (bind_call(py, fn, args, &bound, &call)) {
        result = fn->op->impl(&call);
        const unsigned out = out_param(fn->op);
        if (fn->inplace)
            result = store_result(py, fn->self, result);
        else if (out < TORCH_MAX_ARGS && arg_given(&call, out))
            result = store_result(py, call.arg[out], result);
    }
    py_decref(py, bound.gathered);
    if (!py_failed(result) && mem_space_failures(torch_state(py)->device) != failures) {
        py_decref(py, result); /* computed from what the host happened to hold */
        return raise_device_failure(py);
    }
    return result;
}

PyValue torch_call_by_name(PyCtx *py, const char *method, const PyValue *args, size_t num_args) {
    const TorchEntry *entry = map_get(&torch_state(py)->methods, method);
    const PyValue fn = torch_function(py, entry->op, entry->inplace, args[0]);
    const PyArgs call = {.pos = args + 1, .num_pos = num_args - 1, .range = py->here};
    const PyValue result = function_call(py, fn, &call);
    py_decref(py, fn);
    return result;
}

/* ---- the object -------------------------------------------------------------------------------
 */

PyValue torch_function(PyCtx *py, const TorchOp *op, bool inplace, PyValue self) {
    TorchFunction *fn = py_object_new(py, &torch_function_type, sizeof *fn);
    fn->op = op;
    fn->inplace = inplace;
    fn->self = py_incref(self);
    return py_from_object(&fn->object);
}

static void function_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((TorchFunction *)(void *)self)->self);
    py_object_free(py, self);
}

static PyValue function_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const TorchFunction *fn = py_as(self, &torch_function_type);
    *found = str_eq(name, "__name__") || str_eq(name, "__doc__");
    if (!*found)
        return PY_NONE;
    return py_str(py, str_eq(name, "__name__") ? fn->op->name : fn->op->doc);
}

static bool function_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const TorchFunction *fn = py_as(self, &torch_function_type);
    (void)py;
    strbuf_printf(out, "<built-in %s %s%s>", py_failed(fn->self) ? "function" : "method",
                  fn->op->name, fn->inplace ? "_" : "");
    return true;
}

static const char *const function_attrs[] = {"__name__", "__doc__", NULL};
const PyType torch_function_type = {
    .name = "builtin_function_or_method",
    .dealloc = function_dealloc,
    .getattr = function_getattr,
    .attr_names = function_attrs,
    .call = function_call,
    .repr = function_repr,
};
