/* torch_args.c -- reading one argument of a call: tensors, numbers, types, devices, shapes.
 *
 * Numbers may come as constexprs and as 0-dimensional tensors, as in PyTorch; whatever does not fit
 * raises a TypeError that names the function, the argument and its position:
 *
 *     sum(): argument 'dim' (position 2) must be int, not str
 */
#include <string.h>

#include "runtime/host/torch_internal.h"

/* The row's text of parameter `index`. */
static const char *param_text(const TorchOp *op, unsigned index) {
    unsigned at = 0;
    for (unsigned i = 0; op->params[i]; i++)
        if (!str_eq(op->params[i], "*") && at++ == index)
            return op->params[i];
    return "?";
}

/* The parameter's name without the marks of its row. */
static const char *param_name(PyCtx *py, const TorchOp *op, unsigned index) {
    const char *param = param_text(op, index);
    param += param[0] == '*';
    return arena_strndup(py->arena, param, strcspn(param, "="));
}

PyValue torch_type_error(const TorchCall *call, unsigned index, const char *wanted) {
    return py_raise(call->py, PYEXC_TypeError,
                    "%s(): argument '%s' (position %u) must be %s, not %s", call->op->name,
                    param_name(call->py, call->op, index), index + !call->is_method, wanted,
                    py_type_name(call->arg[index]));
}

bool arg_given(const TorchCall *call, unsigned index) {
    return call->arg[index].tag != PY_FAIL_TAG && call->arg[index].tag != PY_NONE_TAG;
}

/* For an argument that was not given: fine if it is optional; None for another raises. */
static bool may_be_absent(const TorchCall *call, unsigned index, const char *wanted) {
    if (call->arg[index].tag == PY_FAIL_TAG || str_ends(param_text(call->op, index), "="))
        return true;
    torch_type_error(call, index, wanted);
    return false;
}

Tensor *arg_tensor(const TorchCall *call, unsigned index) {
    Tensor *t = tensor_of(call->arg[index]);
    if (!t)
        torch_type_error(call, index, "Tensor");
    return t;
}

bool torch_to_index(PyCtx *py, PyValue v, int64_t *out) {
    const Tensor *t = tensor_of(v);
    v = py_unwrap_constexpr(v);
    if (!t)
        return v.tag != PY_BOOL_TAG && py_to_i64(v, out);
    if (view_numel(&t->view) != 1 || dtype_is_float(t->view.dtype) || t->view.dtype == DT_BOOL ||
        !tensor_check_written(py, t, "index"))
        return false;
    *out = view_element(&t->view, 0).i;
    return true;
}

bool arg_int(const TorchCall *call, unsigned index, int64_t *out) {
    if (!arg_given(call, index))
        return may_be_absent(call, index, "int");
    if (torch_to_index(call->py, call->arg[index], out))
        return true;
    if (call->py->exception.tag == PY_NONE_TAG)
        torch_type_error(call, index, "int");
    return false;
}

bool arg_real(const TorchCall *call, unsigned index, double *out) {
    const PyValue v = py_unwrap_constexpr(call->arg[index]);
    const Tensor *t = tensor_of(v);
    if (!arg_given(call, index))
        return may_be_absent(call, index, "float");
    if (py_to_double(v, out))
        return true;
    if (!t || view_numel(&t->view) != 1) {
        torch_type_error(call, index, "float");
        return false;
    }
    if (!tensor_check_written(call->py, t, call->op->name))
        return false;
    Num value;
    view_load(&t->view, true, 0, 1, &value);
    *out = value.f;
    return true;
}

bool arg_bool(const TorchCall *call, unsigned index, bool *out) {
    const PyValue v = py_unwrap_constexpr(call->arg[index]);
    if (!arg_given(call, index))
        return true;
    if (v.tag != PY_BOOL_TAG && v.tag != PY_INT_TAG) {
        torch_type_error(call, index, "bool");
        return false;
    }
    *out = v.u.i != 0;
    return true;
}

bool arg_dtype(const TorchCall *call, unsigned index, DType *out) {
    if (!arg_given(call, index))
        return may_be_absent(call, index, "torch.dtype");
    if (torch_as_dtype(call->arg[index], out))
        return true;
    torch_type_error(call, index, "torch.dtype");
    return false;
}

bool arg_device(const TorchCall *call, unsigned index, bool *on_device) {
    return !arg_given(call, index) || torch_to_device(call->py, call->arg[index], on_device);
}

bool arg_str(const TorchCall *call, unsigned index, const char **out) {
    const PyValue v = py_unwrap_constexpr(call->arg[index]);
    if (!arg_given(call, index))
        return true;
    if (!py_is_str(v)) {
        torch_type_error(call, index, "str");
        return false;
    }
    *out = py_str_data(v, NULL);
    return true;
}

bool torch_sequence(PyValue v, size_t *len) {
    v = torch_size_tuple(py_unwrap_constexpr(v));
    if (!py_is_tuple(v) && !py_is_list(v))
        return false;
    *len = py_seq_len(v);
    return true;
}

PyValue torch_sequence_item(PyValue v, size_t index) {
    return py_seq_item(torch_size_tuple(py_unwrap_constexpr(v)), index);
}

static bool dims_error(const TorchCall *call, unsigned index) {
    if (call->py->exception.tag == PY_NONE_TAG)
        torch_type_error(call, index, "tuple of ints");
    return false;
}

/* What is wrong with an item of a shape, as PyTorch says it. */
static bool item_error(const TorchCall *call, unsigned index, PyValue item, size_t pos) {
    if (call->py->exception.tag == PY_NONE_TAG)
        py_raise(call->py, PYEXC_TypeError,
                 "%s(): argument '%s' must be tuple of ints, but found element of type %s at pos "
                 "%zu",
                 call->op->name, param_name(call->py, call->op, index), py_type_name(item), pos);
    return false;
}

bool arg_dims(const TorchCall *call, unsigned index, Dims *out) {
    const PyValue v = call->arg[index];
    size_t len;
    if (!arg_given(call, index))
        return may_be_absent(call, index, "tuple of ints");
    if (!torch_sequence(v, &len)) {
        out->len = 1;
        return torch_to_index(call->py, v, &out->at[0]) || dims_error(call, index);
    }
    if (len == 1 && torch_sequence(torch_sequence_item(v, 0), &len)) {
        TorchCall inner = *call; /* x.view(*[(2, 3)]) gathered the tuple once more */
        inner.arg[index] = torch_sequence_item(v, 0);
        return arg_dims(&inner, index, out);
    }
    if (len > MEM_MAX_RANK) {
        py_raise(call->py, PYEXC_RuntimeError, "%s(): tensors have at most %d dimensions, not %zu",
                 call->op->name, MEM_MAX_RANK, len);
        return false;
    }
    out->len = (unsigned)len;
    for (size_t i = 0; i < len; i++) {
        const PyValue item = torch_sequence_item(v, i);
        if (!torch_to_index(call->py, item, &out->at[i]))
            return item_error(call, index, item, i);
    }
    return true;
}

bool torch_wrap_dim(PyCtx *py, int64_t dim, unsigned rank, unsigned *out) {
    const int64_t bound = rank > 0 ? rank : 1;
    if (dim < -bound || dim >= bound) {
        py_raise(py, PYEXC_IndexError,
                 "Dimension out of range (expected to be in range of [%lld, %lld], but got %lld)",
                 (long long)-bound, (long long)bound - 1, (long long)dim);
        return false;
    }
    *out = (unsigned)(dim < 0 ? dim + bound : dim);
    return true;
}

bool arg_dim(const TorchCall *call, unsigned index, unsigned rank, unsigned *out) {
    int64_t dim;
    if (!arg_given(call, index))
        return may_be_absent(call, index, "int");
    return arg_int(call, index, &dim) && torch_wrap_dim(call->py, dim, rank, out);
}
