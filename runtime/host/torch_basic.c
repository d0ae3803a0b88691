/* torch_basic.c -- facts about a tensor, its elements as Python values, conversions and copies. */
#include <stdlib.h>

#include "runtime/host/torch_internal.h"

/* ---- facts ------------------------------------------------------------------------------------
 */

/* size (variant 0) and stride (1). */
PyValue op_size(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    if (!t || !arg_dim(call, 1, t->view.rank, &dim))
        return PY_FAIL;
    const int64_t *values = call->op->variant == 0 ? t->view.shape : t->view.strides;
    if (arg_given(call, 1)) {
        if (t->view.rank > 0)
            return py_int(values[dim]);
        return py_raise(call->py, PYEXC_IndexError,
                        "Dimension specified as %u but tensor has no "
                        "dimensions",
                        dim);
    }
    if (call->op->variant == 0)
        return torch_size(call->py, values, t->view.rank);
    PyValue items[MEM_MAX_RANK];
    for (unsigned d = 0; d < t->view.rank; d++)
        items[d] = py_int(values[d]);
    return py_tuple(call->py, items, t->view.rank);
}

static PyValue size_numel(PyValue size) {
    const PyValue tuple = torch_size_tuple(size);
    int64_t count = 1, dim = 0;
    for (size_t i = 0; i < py_seq_len(tuple); i++)
        if (py_to_i64(py_seq_item(tuple, i), &dim))
            count *= dim;
    return py_int(count);
}

PyValue op_fact(TorchCall *call) {
    if (torch_is_size(call->arg[0]) && call->op->variant == FACT_NUMEL)
        return size_numel(call->arg[0]);
    const Tensor *t = arg_tensor(call, 0);
    if (!t)
        return PY_FAIL;
    const MemView *view = &t->view;
    switch ((Fact)call->op->variant) {
    case FACT_NUMEL:
        return py_int(view_numel(view));
    case FACT_DIM:
        return py_int(view->rank);
    case FACT_ELEMENT_SIZE:
        return py_int((int64_t)dtype_size(view->dtype));
    case FACT_DATA_PTR:
        return py_int((int64_t)(view->alloc->address + view->offset));
    case FACT_STORAGE_OFFSET:
        return py_int((int64_t)(view->offset / dtype_size(view->dtype)));
    case FACT_GET_DEVICE:
        return py_int(t->on_device ? 0 : -1);
    case FACT_IS_CONTIGUOUS:
        return py_bool(view_is_contiguous(view));
    case FACT_IS_FLOATING:
        return py_bool(dtype_is_float(view->dtype));
    case FACT_IS_COMPLEX:
        break;
    }
    return py_bool(false);
}

PyValue op_is_tensor(TorchCall *call) {
    return py_bool(tensor_of(call->arg[0]) != NULL);
}

PyValue op_item(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    return t ? tensor_item(call->py, t) : PY_FAIL;
}

static PyValue nested_list(PyCtx *py, const Tensor *t, unsigned dim, int64_t linear) {
    const MemView *view = &t->view;
    if (dim == view->rank)
        return num_to_value(py, view->dtype, view_element(view, linear));
    const size_t len = (size_t)view->shape[dim];
    PyValue *items = oom_malloc(py->oom, (len + 1) * sizeof *items);
    for (size_t i = 0; i < len; i++)
        items[i] = nested_list(py, t, dim + 1, linear * view->shape[dim] + (int64_t)i);
    const PyValue list = py_list(py, items, len);
    for (size_t i = 0; i < len; i++)
        py_decref(py, items[i]);
    free(items);
    return list;
}

PyValue op_tolist(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    if (!t || !tensor_check_written(call->py, t, "tolist"))
        return PY_FAIL;
    return nested_list(call->py, t, 0, 0);
}

PyValue op_result_type(TorchCall *call) {
    DType dtype;
    for (unsigned k = 0; k < 2; k++)
        if (!tensor_of(call->arg[k]) && !torch_is_number(call->arg[k]))
            return torch_type_error(call, k, "Tensor or Number");
    return torch_result_type(call->py, call->arg, 2, &dtype) ? torch_dtype(call->py, dtype)
                                                             : PY_FAIL;
}

PyValue op_promote_types(TorchCall *call) {
    DType a, b, result;
    if (!arg_dtype(call, 0, &a) || !arg_dtype(call, 1, &b) ||
        !torch_promote(call->py, a, b, &result))
        return PY_FAIL;
    return torch_dtype(call->py, result);
}

/* ---- conversions ------------------------------------------------------------------------------
 */

static PyValue convert(TorchCall *call, Tensor *t, DType dtype, bool on_device, bool copy) {
    Tensor *out = tensor_convert(call->py, t, dtype, on_device);
    if (out != t || !copy)
        return tensor_value(out);
    tensor_release(call->py, out);
    return torch_clone_tensor(call->py, py_from_object(&t->object));
}

/* to(dtype), to(device), to(other), to(device, dtype), with copy=. */
PyValue op_to(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    const Tensor *other = tensor_of(call->arg[1]);
    bool copy = false;
    if (!t)
        return PY_FAIL;
    DType dtype = other ? other->view.dtype : t->view.dtype;
    bool on_device = other ? other->on_device : t->on_device;
    if (arg_given(call, 1) && !other && !torch_as_dtype(call->arg[1], &dtype) &&
        !arg_device(call, 1, &on_device))
        return PY_FAIL;
    if (!arg_dtype(call, 2, &dtype) || !arg_device(call, 5, &on_device) ||
        !arg_bool(call, 4, &copy))
        return PY_FAIL;
    return convert(call, t, dtype, on_device, copy);
}

PyValue op_type(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    DType dtype;
    if (!t || !arg_dtype(call, 1, &dtype))
        return PY_FAIL;
    return convert(call, t, dtype, t->on_device, false);
}

PyValue op_type_as(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0), *other = t ? arg_tensor(call, 1) : NULL;
    return other ? convert(call, t, other->view.dtype, other->on_device, false) : PY_FAIL;
}

PyValue op_convert(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    return t ? convert(call, t, (DType)call->op->variant, t->on_device, false) : PY_FAIL;
}

/* cpu (variant 0) and cuda (1). */
PyValue op_move(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    bool on_device = call->op->variant == 1;
    if (!t || !arg_device(call, 1, &on_device))
        return PY_FAIL;
    return convert(call, t, t->view.dtype, on_device, false);
}

PyValue op_copy(TorchCall *call) {
    if (!arg_tensor(call, 0) || !arg_tensor(call, 1) ||
        !torch_copy_into(call->py, call->arg[0], call->arg[1]))
        return PY_FAIL;
    return py_incref(call->arg[0]);
}

PyValue op_clone(TorchCall *call) {
    return arg_tensor(call, 0) ? torch_clone_tensor(call->py, call->arg[0]) : PY_FAIL;
}

PyValue op_contiguous(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    return t ? tensor_value(tensor_contiguous(call->py, t)) : PY_FAIL;
}

PyValue op_alias(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    return t ? tensor_value(tensor_alias(call->py, t)) : PY_FAIL;
}

/* What programs may ask for but tkc does not have. */
PyValue op_refused(TorchCall *call) {
    static const char *const reasons[] = {
        "there is no automatic differentiation; compute gradients with a kernel of their own",
        "there is no NumPy here; use .tolist() or index the tensor",
        "dropout has no reference here: draw the mask with torch.rand and multiply",
    };
    bool value = true;
    if (str_eq(call->op->name, "requires_grad_") && arg_bool(call, 1, &value) && !value)
        return py_incref(call->arg[0]);
    return py_raise(call->py, PYEXC_RuntimeError, "%s(): %s", call->op->name,
                    reasons[call->op->variant]);
}
