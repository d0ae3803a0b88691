/* torch_view.c -- the same memory seen with other shapes and strides.
 *
 * A view changes only a tensor's MemView. Reshaping without a copy works when each group of old
 * dimensions that makes up a group of new ones is evenly spaced:
 *
 *     [4, 6] strides (6, 1)  -> view(2, 2, 6): strides (12, 6, 1)
 *     [6, 4] strides (1, 6)  -> view(24): impossible, reshape(24) copies
 */
#include <string.h>

#include "runtime/host/torch_internal.h"

/* ---- on views ---------------------------------------------------------------------------------
 */

bool dims_broadcast(PyCtx *py, Dims *into, const Dims *other) {
    const Dims mine = *into;
    const unsigned rank = mine.len > other->len ? mine.len : other->len;
    into->len = rank;
    for (unsigned d = 0; d < rank; d++) { /* d counts from the last dimension */
        const int64_t a = d < mine.len ? mine.at[mine.len - 1 - d] : 1;
        const int64_t b = d < other->len ? other->at[other->len - 1 - d] : 1;
        if (a != b && a != 1 && b != 1) {
            py_raise(py, PYEXC_RuntimeError,
                     "The size of tensor a (%lld) must match the size of tensor b (%lld) at "
                     "non-singleton dimension %u",
                     (long long)a, (long long)b, rank - 1 - d);
            return false;
        }
        into->at[rank - 1 - d] = a == 1 ? b : a;
    }
    return true;
}

bool view_expand(MemView *view, const Dims *shape) {
    const MemView old = *view;
    if (old.rank > shape->len)
        return false;
    const unsigned added = shape->len - old.rank;
    view->rank = shape->len;
    for (unsigned d = 0; d < shape->len; d++) {
        const int64_t size = d < added ? 1 : old.shape[d - added];
        view->shape[d] = shape->at[d];
        view->strides[d] = size == 1 ? 0 : old.strides[d - added];
        if (size == shape->at[d] && d >= added)
            view->strides[d] = old.strides[d - added];
        else if (size != 1)
            return false;
    }
    return true;
}

PyValue raise_expand_error(PyCtx *py, const MemView *view, const Dims *target) {
    StrBuf want = STRBUF(py->arena), have = STRBUF(py->arena);
    dims_print(target->at, target->len, &want);
    dims_print(view->shape, view->rank, &have);
    for (unsigned d = 1; d <= view->rank && d <= target->len; d++) {
        const int64_t from = view->shape[view->rank - d], to = target->at[target->len - d];
        if (from != 1 && from != to)
            return py_raise(py, PYEXC_RuntimeError,
                            "The expanded size of the tensor (%lld) must match the existing size "
                            "(%lld) at non-singleton dimension %u.  Target sizes: %s.  Tensor "
                            "sizes: %s",
                            (long long)to, (long long)from, target->len - d, strbuf_str(&want),
                            strbuf_str(&have));
    }
    return py_raise(py, PYEXC_RuntimeError,
                    "The number of sizes provided (%u) must be greater or equal to the number of "
                    "dimensions in the tensor (%u).  Target sizes: %s.  Tensor sizes: %s",
                    target->len, view->rank, strbuf_str(&want), strbuf_str(&have));
}

void view_permute(MemView *view, const unsigned *order) {
    const MemView old = *view;
    for (unsigned d = 0; d < old.rank; d++) {
        view->shape[d] = old.shape[order[d]];
        view->strides[d] = old.strides[order[d]];
    }
}

void view_remove_dim(MemView *view, unsigned dim) {
    view->rank--;
    for (unsigned d = dim; d < view->rank; d++) {
        view->shape[d] = view->shape[d + 1];
        view->strides[d] = view->strides[d + 1];
    }
}

static void view_insert_dim(MemView *view, unsigned dim) {
    const int64_t stride = dim < view->rank ? view->shape[dim] * view->strides[dim] : 1;
    for (unsigned d = view->rank; d > dim; d--) {
        view->shape[d] = view->shape[d - 1];
        view->strides[d] = view->strides[d - 1];
    }
    view->shape[dim] = 1;
    view->strides[dim] = stride;
    view->rank++;
}

void view_narrow(MemView *view, unsigned dim, int64_t start, int64_t len, int64_t step) {
    const int64_t bytes = start * view->strides[dim] * (int64_t)dtype_size(view->dtype);
    if (len > 0)
        view->offset += (size_t)bytes;
    view->shape[dim] = len;
    view->strides[dim] *= step;
}

bool view_reshape(MemView *view, const Dims *shape) {
    MemView old = *view;
    MemView *const only = &old;
    views_coalesce(&only, 1);
    if (view_numel(view) == 0 || old.rank == 0) {
        view_set_contiguous(view, shape);
        return true;
    }
    /* From the last dimension on: each merged run of old dimensions is split into new ones. */
    unsigned from = old.rank;
    int64_t left = 1, stride = 0;
    view->rank = shape->len;
    for (unsigned d = shape->len; d-- > 0;) {
        if (shape->at[d] != 1 && left == 1 && from > 0) {
            left = old.shape[--from];
            stride = old.strides[from];
        }
        if (left % shape->at[d] != 0)
            return false;
        view->shape[d] = shape->at[d];
        view->strides[d] = from == old.rank ? 1 : stride;
        left /= shape->at[d];
        stride *= shape->at[d];
    }
    return from == 0 && left == 1;
}

bool dims_infer(PyCtx *py, Dims *shape, int64_t numel) {
    const Dims asked = *shape;
    int64_t known = 1;
    unsigned unknown = MEM_MAX_RANK;
    for (unsigned d = 0; d < shape->len; d++) {
        if (shape->at[d] >= 0) {
            known *= shape->at[d];
        } else if (shape->at[d] == -1 && unknown == MEM_MAX_RANK) {
            unknown = d;
        } else {
            if (shape->at[d] == -1)
                py_raise(py, PYEXC_RuntimeError, "only one dimension can be inferred");
            else
                py_raise(py, PYEXC_RuntimeError, "invalid shape dimension %lld",
                         (long long)shape->at[d]);
            return false;
        }
    }
    if (unknown < MEM_MAX_RANK && known != 0 && numel % known == 0)
        shape->at[unknown] = numel / known;
    if (dims_numel(shape) == numel && (unknown == MEM_MAX_RANK || known != 0))
        return true;
    StrBuf text = STRBUF(py->arena);
    dims_print(asked.at, asked.len, &text);
    py_raise(py, PYEXC_RuntimeError, "shape '%s' is invalid for input of size %lld",
             strbuf_str(&text), (long long)numel);
    return false;
}

Tensor *tensor_reshape(PyCtx *py, Tensor *t, const Dims *shape) {
    MemView view = t->view;
    if (view_reshape(&view, shape)) {
        Tensor *out = tensor_alias(py, t);
        out->view = view;
        return out;
    }
    if (!tensor_check_written(py, t, "reshape"))
        return NULL;
    Tensor *copy = tensor_new_like(py, t, t->view.dtype);
    if (copy) {
        view_copy(torch_state(py), &copy->view, &t->view);
        view_set_contiguous(&copy->view, shape);
    }
    return copy;
}

Tensor *tensor_select(PyCtx *py, const Tensor *t, unsigned dim, int64_t index) {
    Tensor *out = tensor_alias(py, t);
    view_narrow(&out->view, dim, index, 1, 1);
    view_remove_dim(&out->view, dim);
    return out;
}

/* ---- operations -------------------------------------------------------------------------------
 */

static PyValue view_as_type(PyCtx *py, Tensor *t, DType dtype) {
    const size_t old_size = dtype_size(t->view.dtype), new_size = dtype_size(dtype);
    Tensor *out = tensor_alias(py, t);
    MemView *view = &out->view;
    view->dtype = dtype;
    if (old_size == new_size)
        return tensor_value(out);
    const unsigned last = view->rank - 1;
    bool fits = view->rank > 0 && view->strides[last] == 1;
    if (fits && new_size < old_size) {
        const int64_t factor = (int64_t)(old_size / new_size);
        view->shape[last] *= factor;
        for (unsigned d = 0; d < last; d++)
            view->strides[d] *= factor;
    } else if (fits) {
        const int64_t factor = (int64_t)(new_size / old_size);
        fits = view->shape[last] % factor == 0 && view->offset % new_size == 0;
        view->shape[last] /= factor;
        for (unsigned d = 0; d < last; d++) {
            fits = fits && view->strides[d] % factor == 0;
            view->strides[d] /= factor;
        }
    }
    if (fits)
        return tensor_value(out);
    tensor_release(py, out);
    return py_raise(py, PYEXC_RuntimeError,
                    "view(dtype): the last dimension must be contiguous and its size, the strides "
                    "and the storage offset divisible by the ratio of the element sizes");
}

PyValue op_view(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    Dims shape;
    DType dtype;
    if (!t)
        return PY_FAIL;
    if (torch_as_dtype(call->arg[1], &dtype))
        return view_as_type(py, t, dtype);
    if (!arg_dims(call, 1, &shape) || !dims_infer(py, &shape, view_numel(&t->view)))
        return PY_FAIL;
    MemView view = t->view;
    if (!view_reshape(&view, &shape))
        return py_raise(py, PYEXC_RuntimeError,
                        "view size is not compatible with input tensor's size and stride (at least "
                        "one dimension spans across two contiguous subspaces). Use .reshape(...) "
                        "instead.");
    Tensor *out = tensor_alias(py, t);
    out->view = view;
    return tensor_value(out);
}

PyValue op_reshape(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Dims shape;
    if (!t || !arg_dims(call, 1, &shape) || !dims_infer(call->py, &shape, view_numel(&t->view)))
        return PY_FAIL;
    return tensor_value(tensor_reshape(call->py, t, &shape));
}

PyValue op_view_as(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0), *other = t ? arg_tensor(call, 1) : NULL;
    if (!other)
        return PY_FAIL;
    Dims shape = tensor_shape(other);
    if (!dims_infer(call->py, &shape, view_numel(&t->view)))
        return PY_FAIL;
    return tensor_value(tensor_reshape(call->py, t, &shape));
}

PyValue op_flatten(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned start = 0, end = t && t->view.rank > 0 ? t->view.rank - 1 : 0;
    if (!t || !arg_dim(call, 1, t->view.rank, &start) || !arg_dim(call, 2, t->view.rank, &end))
        return PY_FAIL;
    if (start > end)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "flatten() has invalid args: start_dim cannot come after end_dim");
    Dims shape = {.len = 0};
    for (unsigned d = 0; d < t->view.rank; d++)
        if (d > start && d <= end)
            shape.at[shape.len - 1] *= t->view.shape[d];
        else
            shape.at[shape.len++] = t->view.shape[d];
    if (t->view.rank == 0)
        shape = (Dims){.len = 1, .at = {1}};
    return tensor_value(tensor_reshape(call->py, t, &shape));
}

PyValue op_unflatten(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    Dims sizes, shape = {.len = 0};
    if (!t || !arg_dim(call, 1, t->view.rank, &dim) || !arg_dims(call, 2, &sizes) ||
        !dims_infer(call->py, &sizes, t->view.rank > 0 ? t->view.shape[dim] : 1))
        return PY_FAIL;
    if (t->view.rank + sizes.len - 1 > MEM_MAX_RANK)
        return py_raise(call->py, PYEXC_RuntimeError, "tensors have at most %d dimensions",
                        MEM_MAX_RANK);
    for (unsigned d = 0; d < t->view.rank; d++) {
        for (unsigned k = 0; d == dim && k < sizes.len; k++)
            shape.at[shape.len++] = sizes.at[k];
        if (d != dim)
            shape.at[shape.len++] = t->view.shape[d];
    }
    return tensor_value(tensor_reshape(call->py, t, &shape));
}

static bool read_order(const TorchCall *call, unsigned index, unsigned rank, unsigned *order) {
    Dims dims;
    unsigned seen = 0;
    if (!arg_dims(call, index, &dims))
        return false;
    if (dims.len != rank) {
        py_raise(call->py, PYEXC_RuntimeError,
                 "permute(): number of dimensions in the tensor input does not match the "
                 "length of the desired ordering of dimensions i.e. input.dim() = %u is not equal "
                 "to len(dims) = %u",
                 rank, dims.len);
        return false;
    }
    for (unsigned d = 0; d < rank; d++) {
        if (!torch_wrap_dim(call->py, dims.at[d], rank, &order[d]))
            return false;
        if (seen & (1u << order[d])) {
            py_raise(call->py, PYEXC_RuntimeError, "permute(): duplicate dims are not allowed.");
            return false;
        }
        seen |= 1u << order[d];
    }
    return true;
}

PyValue op_permute(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned order[MEM_MAX_RANK];
    if (!t || !read_order(call, 1, t->view.rank, order))
        return PY_FAIL;
    Tensor *out = tensor_alias(call->py, t);
    view_permute(&out->view, order);
    return tensor_value(out);
}

PyValue op_transpose(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned a = 0, b = 0, order[MEM_MAX_RANK];
    if (!t || !arg_dim(call, 1, t->view.rank, &a) || !arg_dim(call, 2, t->view.rank, &b))
        return PY_FAIL;
    for (unsigned d = 0; d < t->view.rank; d++)
        order[d] = d == a ? b : d == b ? a : d;
    Tensor *out = tensor_alias(call->py, t);
    view_permute(&out->view, order);
    return tensor_value(out);
}

PyValue op_t(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    static const unsigned swapped[2] = {1, 0};
    if (!t)
        return PY_FAIL;
    if (t->view.rank > 2)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "t() expects a tensor with <= 2 dimensions, but self is %uD", t->view.rank);
    Tensor *out = tensor_alias(call->py, t);
    if (t->view.rank == 2)
        view_permute(&out->view, swapped);
    return tensor_value(out);
}

PyValue op_unsqueeze(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    if (!t || !arg_dim(call, 1, t->view.rank + 1, &dim))
        return PY_FAIL;
    if (t->view.rank == MEM_MAX_RANK)
        return py_raise(call->py, PYEXC_RuntimeError, "tensors have at most %d dimensions",
                        MEM_MAX_RANK);
    Tensor *out = tensor_alias(call->py, t);
    view_insert_dim(&out->view, dim);
    return tensor_value(out);
}

PyValue op_squeeze(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Dims dims = {.len = 0};
    unsigned chosen = ~0u;
    if (!t || !arg_dims(call, 1, &dims))
        return PY_FAIL;
    if (arg_given(call, 1))
        chosen = 0;
    for (unsigned k = 0; k < dims.len; k++) {
        unsigned dim;
        if (!torch_wrap_dim(call->py, dims.at[k], t->view.rank, &dim))
            return PY_FAIL;
        chosen |= 1u << dim;
    }
    Tensor *out = tensor_alias(call->py, t);
    for (unsigned d = t->view.rank; d-- > 0;)
        if (out->view.shape[d] == 1 && (chosen >> d & 1u))
            view_remove_dim(&out->view, d);
    return tensor_value(out);
}

static PyValue expand_to(PyCtx *py, Tensor *t, const Dims *asked) {
    Dims shape = *asked;
    Tensor *out = tensor_alias(py, t);
    for (unsigned d = 0; d < shape.len; d++) {
        const int64_t from = (int64_t)d - (int64_t)shape.len + (int64_t)t->view.rank;
        if (shape.at[d] == -1 && from >= 0)
            shape.at[d] = t->view.shape[from];
    }
    if (view_expand(&out->view, &shape))
        return tensor_value(out);
    tensor_release(py, out);
    return raise_expand_error(py, &t->view, asked);
}

PyValue op_expand(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Dims shape;
    return t && arg_dims(call, 1, &shape) ? expand_to(call->py, t, &shape) : PY_FAIL;
}

PyValue op_expand_as(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0), *other = t ? arg_tensor(call, 1) : NULL;
    if (!other)
        return PY_FAIL;
    const Dims shape = tensor_shape(other);
    return expand_to(call->py, t, &shape);
}

PyValue op_narrow(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    int64_t start = 0, len = 0;
    if (!t || !arg_dim(call, 1, t->view.rank, &dim) || !arg_int(call, 2, &start) ||
        !arg_int(call, 3, &len))
        return PY_FAIL;
    if (t->view.rank == 0)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "narrow() cannot be applied to a 0-dim tensor.");
    const int64_t size = t->view.shape[dim];
    if (start < 0)
        start += size;
    if (start < 0 || len < 0 || start > size - len)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "start (%lld) + length (%lld) exceeds dimension size (%lld).",
                        (long long)start, (long long)len, (long long)size);
    Tensor *out = tensor_alias(call->py, t);
    view_narrow(&out->view, dim, start, len, 1);
    return tensor_value(out);
}

PyValue op_select(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    int64_t index = 0;
    if (!t || !arg_dim(call, 1, t->view.rank, &dim) || !arg_int(call, 2, &index))
        return PY_FAIL;
    const int64_t size = t->view.rank > 0 ? t->view.shape[dim] : 0;
    if (index < -size || index >= size)
        return py_raise(call->py, PYEXC_IndexError,
                        "select(): index %lld out of range for tensor with %lld elements in "
                        "dimension %u",
                        (long long)index, (long long)size, dim);
    return tensor_value(tensor_select(call->py, t, dim, index < 0 ? index + size : index));
}
