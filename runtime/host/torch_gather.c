/* torch_gather.c -- picking and scattering along one dimension, nonzero, bincount.
 *
 * gather reads out[i][j] = input[index[i][j]][j] (for dim 0); scatter_ writes the other way round.
 * Elements keep their type: they are moved as numbers, and added as such where the operation adds.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/host/torch_internal.h"

/* ---- along a dimension ------------------------------------------------------------------------
 */

/* An index tensor as int64 numbers of its own memory; checks that all lie in [0, size). */
static Tensor *read_index(const TorchCall *call, unsigned arg, int64_t size, bool allow_negative) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, arg);
    if (!t)
        return NULL;
    if (t->view.dtype != DT_I64 && t->view.dtype != DT_I32) {
        py_raise(py, PYEXC_RuntimeError, "%s(): Expected dtype int64 for index", call->op->name);
        return NULL;
    }
    if (!tensor_check_written(py, t, call->op->name))
        return NULL;
    Tensor *index = tensor_new_like(py, t, DT_I64);
    if (!index)
        return NULL;
    view_copy(torch_state(py), &index->view, &t->view);
    int64_t *values = (int64_t *)(void *)index->view.alloc->data;
    const int64_t count = view_numel(&index->view);
    for (int64_t i = 0; i < count; i++) {
        if (values[i] < (allow_negative ? -size : 0) || values[i] >= size) {
            py_raise(py, PYEXC_IndexError,
                     "index %lld is out of bounds for dimension with size %lld",
                     (long long)values[i], (long long)size);
            tensor_release(py, index);
            return NULL;
        }
        values[i] += values[i] < 0 ? size : 0;
    }
    return index;
}

static int64_t index_at(const Tensor *index, int64_t i) {
    return ((const int64_t *)(const void *)index->view.alloc->data)[i];
}

/* Row-major position in `view` of the element that index element `linear` stands for. */
static int64_t target_of(const MemView *view, const MemView *index, unsigned dim, int64_t linear,
                         int64_t chosen) {
    int64_t coordinates[MEM_MAX_RANK], position = 0;
    for (unsigned d = index->rank; d-- > 0; linear /= index->shape[d])
        coordinates[d] = linear % index->shape[d];
    for (unsigned d = 0; d < view->rank; d++)
        position = position * view->shape[d] + (d == dim ? chosen : coordinates[d]);
    return position;
}

/* The index may be smaller than the tensor, but must not reach beyond it (but in `dim`). */
static bool check_index_shape(const TorchCall *call, const MemView *view, const MemView *index,
                              unsigned dim) {
    bool fits = view->rank == index->rank;
    for (unsigned d = 0; fits && d < view->rank; d++)
        fits = d == dim || index->shape[d] <= view->shape[d];
    if (!fits)
        py_raise(call->py, PYEXC_RuntimeError,
                 "%s(): Index tensor must have the same number of dimensions as the other tensors "
                 "and must not be larger, apart from dimension %u",
                 call->op->name, dim);
    return fits;
}

/* gather(input, dim, index) and take_along_dim(input, indices, dim) (variant 1). */
PyValue op_gather(TorchCall *call) {
    PyCtx *py = call->py;
    const unsigned dim_arg = call->op->variant == 0 ? 1 : 2;
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    if (!t || !arg_dim(call, dim_arg, t->view.rank, &dim) ||
        !tensor_check_written(py, t, call->op->name))
        return PY_FAIL;
    const int64_t size = t->view.rank > 0 ? t->view.shape[dim] : 1;
    Tensor *index = read_index(call, 3 - dim_arg, size, call->op->variant == 1);
    if (!index)
        return PY_FAIL;
    Tensor *out = check_index_shape(call, &t->view, &index->view, dim)
                      ? tensor_new_like(py, index, t->view.dtype)
                      : NULL;
    if (out) {
        const Dims shape = tensor_shape(index);
        const bool as_float = dtype_is_float(t->view.dtype);
        for (int64_t i = 0; i < dims_numel(&shape); i++) {
            Num value;
            view_load(&t->view, as_float,
                      target_of(&t->view, &index->view, dim, i, index_at(index, i)), 1, &value);
            view_store(&out->view, as_float, i, 1, &value);
        }
        out->on_device = t->on_device;
    }
    tensor_release(py, index);
    return tensor_value(out);
}

static void add_element(const MemView *view, int64_t position, Num value) {
    const bool as_float = dtype_is_float(view->dtype);
    Num old;
    view_load(view, as_float, position, 1, &old);
    if (as_float)
        old.f += value.f;
    else
        old.i = (int64_t)((uint64_t)old.i + (uint64_t)value.i);
    view_store(view, as_float, position, 1, &old);
}

/* What scatter_ writes: the elements of `src`, or one number. */
typedef struct Source {
    const Tensor *tensor;
    Num number;
} Source;

static bool read_source(const TorchCall *call, DType dtype, Source *source) {
    const PyValue v = py_unwrap_constexpr(arg_given(call, 3) ? call->arg[3] : call->arg[4]);
    source->tensor = tensor_of(v);
    if (source->tensor) {
        if (source->tensor->view.dtype == dtype)
            return tensor_check_written(call->py, source->tensor, call->op->name);
        py_raise(call->py, PYEXC_RuntimeError, "%s(): Expected self.dtype to be equal to src.dtype",
                 call->op->name);
        return false;
    }
    if (!torch_is_number(v)) {
        torch_type_error(call, 3, "Tensor or Number");
        return false;
    }
    return num_from_value(call->py, v, dtype, &source->number);
}

/* scatter_(dim, index, src or value) and scatter_add_ (variant 1). */
PyValue op_scatter(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    Source source;
    const char *reduce = NULL;
    if (!t || !arg_dim(call, 1, t->view.rank, &dim) || !read_source(call, t->view.dtype, &source) ||
        !tensor_check_written(py, t, call->op->name) ||
        (call->op->variant == 0 && !arg_str(call, 5, &reduce)))
        return PY_FAIL;
    if (reduce && !str_eq(reduce, "add"))
        return py_raise(py, PYEXC_RuntimeError, "scatter_(): reduce must be 'add' or absent");
    Tensor *index = read_index(call, 2, t->view.rank > 0 ? t->view.shape[dim] : 1, false);
    if (!index)
        return PY_FAIL;
    bool ok = check_index_shape(call, &t->view, &index->view, dim) &&
              (!source.tensor ||
               check_index_shape(call, &source.tensor->view, &index->view, MEM_MAX_RANK));
    const bool as_float = dtype_is_float(t->view.dtype);
    const int64_t count = ok ? view_numel(&index->view) : 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t to = target_of(&t->view, &index->view, dim, i, index_at(index, i));
        Num value = source.number;
        if (source.tensor)
            view_load(&source.tensor->view, as_float,
                      target_of(&source.tensor->view, &index->view, MEM_MAX_RANK, i, 0), 1, &value);
        if (call->op->variant == 1 || reduce)
            add_element(&t->view, to, value);
        else
            view_store(&t->view, as_float, to, 1, &value);
    }
    tensor_release(py, index);
    return ok ? py_incref(call->arg[0]) : PY_FAIL;
}

/* ---- slices -----------------------------------------------------------------------------------
 */

PyValue op_index_select(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    if (!t || !arg_dim(call, 1, t->view.rank, &dim) || !tensor_check_written(py, t, "index_select"))
        return PY_FAIL;
    if (t->view.rank == 0)
        return py_raise(py, PYEXC_RuntimeError, "index_select(): the tensor has no dimensions");
    Tensor *index = read_index(call, 2, t->view.shape[dim], false);
    if (!index)
        return PY_FAIL;
    Dims shape = tensor_shape(t);
    shape.at[dim] = view_numel(&index->view);
    Tensor *out = tensor_new(py, t->view.dtype, &shape, t->on_device);
    for (int64_t i = 0; out && i < shape.at[dim]; i++) {
        MemView to = out->view, from = t->view;
        view_narrow(&to, dim, i, 1, 1);
        view_narrow(&from, dim, index_at(index, i), 1, 1);
        view_copy(torch_state(py), &to, &from);
    }
    tensor_release(py, index);
    return tensor_value(out);
}

/* One slice of index_add_ or index_copy_: target += alpha * source, or target = source. */
static PyValue combine_slice(TorchCall *call, Tensor *target, Tensor *source) {
    const PyValue to = py_from_object(&target->object), from = py_from_object(&source->object);
    if (call->op->variant == 1)
        return torch_copy_into(call->py, to, from) ? PY_NONE : PY_FAIL;
    const PyValue scaled = arg_given(call, 4)
                               ? torch_binary(call->py, BINARY_OP_mul, from, call->arg[4])
                               : py_incref(from);
    const PyValue sum =
        py_failed(scaled) ? PY_FAIL : torch_binary(call->py, BINARY_OP_add, to, scaled);
    const bool ok = !py_failed(sum) && torch_copy_into(call->py, to, sum);
    py_decref(call->py, scaled);
    py_decref(call->py, sum);
    return ok ? PY_NONE : PY_FAIL;
}

/* index_add_(dim, index, source, alpha) and index_copy_ (variant 1). */
PyValue op_index_add(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0), *source = t ? arg_tensor(call, 3) : NULL;
    unsigned dim = 0;
    if (!source || !arg_dim(call, 1, t->view.rank, &dim))
        return PY_FAIL;
    if (t->view.rank == 0 || source->view.rank != t->view.rank)
        return py_raise(py, PYEXC_RuntimeError,
                        "%s(): self and source must have the same number of dimensions",
                        call->op->name);
    Tensor *index = read_index(call, 2, t->view.shape[dim], false);
    if (!index)
        return PY_FAIL;
    PyValue done = PY_NONE;
    const int64_t count = view_numel(&index->view);
    if (count != source->view.shape[dim])
        done = py_raise(py, PYEXC_RuntimeError,
                        "%s(): Number of indices (%lld) should be equal to source.size(dim) (%lld)",
                        call->op->name, (long long)count, (long long)source->view.shape[dim]);
    for (int64_t i = 0; i < count && !py_failed(done); i++) {
        Tensor *to = tensor_select(py, t, dim, index_at(index, i));
        Tensor *from = tensor_select(py, source, dim, i);
        done = combine_slice(call, to, from);
        tensor_release(py, to);
        tensor_release(py, from);
    }
    tensor_release(py, index);
    return py_failed(done) ? PY_FAIL : py_incref(call->arg[0]);
}

/* ---- masks ------------------------------------------------------------------------------------
 */

/* Row-major positions of the elements that are not zero; the caller frees. */
static int64_t *find_nonzero(PyCtx *py, const MemView *view, int64_t *found) {
    const int64_t count = view_numel(view);
    int64_t *positions = oom_malloc(py->oom, ((size_t)count + 1) * sizeof *positions);
    Num block[256];
    *found = 0;
    for (int64_t at = 0; at < count; at += 256) {
        const size_t n = count - at < 256 ? (size_t)(count - at) : 256;
        view_load(view, true, at, n, block);
        for (size_t i = 0; i < n; i++)
            if (block[i].f != 0)
                positions[(*found)++] = at + (int64_t)i;
    }
    return positions;
}

/* nonzero(input, as_tuple=False): [found, rank], or a tuple of rank vectors. */
PyValue op_nonzero(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    bool as_tuple = false;
    if (!t || !arg_bool(call, 1, &as_tuple) || !tensor_check_written(py, t, "nonzero"))
        return PY_FAIL;
    int64_t found;
    int64_t *positions = find_nonzero(py, &t->view, &found);
    const unsigned rank = t->view.rank;
    const Dims shape = {.len = 2, .at = {found, rank}};
    Tensor *out = tensor_new(py, DT_I64, &shape, t->on_device);
    if (out)
        mem_host_write(out->view.alloc);
    int64_t *values = out ? (int64_t *)(void *)out->view.alloc->data : NULL;
    for (int64_t i = 0; out && i < found; i++) {
        int64_t rest = positions[i];
        for (unsigned d = rank; d-- > 0; rest /= t->view.shape[d])
            values[i * rank + d] = rest % t->view.shape[d];
    }
    free(positions);
    if (!out || !as_tuple)
        return tensor_value(out);
    PyValue columns[MEM_MAX_RANK];
    for (unsigned d = 0; d < rank; d++) {
        Tensor *column = tensor_select(py, out, 1, d);
        columns[d] = tensor_value(tensor_contiguous(py, column));
        tensor_release(py, column);
    }
    const PyValue tuple = py_tuple(py, columns, rank);
    for (unsigned d = 0; d < rank; d++)
        py_decref(py, columns[d]);
    tensor_release(py, out);
    return tuple;
}

PyValue op_masked_select(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0), *mask = t ? arg_tensor(call, 1) : NULL;
    if (!mask)
        return PY_FAIL;
    Tensor *const both[2] = {t, mask};
    Dims shape = tensor_shape(t);
    const Dims other = tensor_shape(mask);
    MemView values = t->view, chosen = mask->view;
    bool on_device;
    if (mask->view.dtype != DT_BOOL)
        return py_raise(py, PYEXC_RuntimeError, "masked_select: expected BoolTensor for mask");
    if (!tensors_same_device(py, both, 2, &on_device) || !dims_broadcast(py, &shape, &other) ||
        !tensor_check_written(py, t, "masked_select") ||
        !tensor_check_written(py, mask, "masked_select") || !view_expand(&values, &shape) ||
        !view_expand(&chosen, &shape))
        return PY_FAIL;
    int64_t found;
    int64_t *positions = find_nonzero(py, &chosen, &found);
    const Dims flat = {.len = 1, .at = {found}};
    Tensor *out = tensor_new(py, t->view.dtype, &flat, on_device);
    for (int64_t i = 0; out && i < found; i++) {
        const Num value = view_element(&values, positions[i]);
        view_store(&out->view, dtype_is_float(t->view.dtype), i, 1, &value);
    }
    free(positions);
    return tensor_value(out);
}

/* ---- bincount ---------------------------------------------------------------------------------
 */

PyValue op_bincount(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    const Tensor *weights = t ? tensor_of(call->arg[1]) : NULL;
    int64_t bins = 0;
    if (!t || !arg_int(call, 2, &bins) || !tensor_check_written(py, t, "bincount") ||
        (weights && !tensor_check_written(py, weights, "bincount")))
        return PY_FAIL;
    if (t->view.rank != 1 || dtype_is_float(t->view.dtype) ||
        (weights && view_numel(&weights->view) != t->view.shape[0]))
        return py_raise(py, PYEXC_RuntimeError,
                        "bincount only supports 1-d non-negative integral "
                        "inputs, with weights of the same length");
    for (int64_t i = 0; i < t->view.shape[0]; i++) {
        const int64_t value = view_element(&t->view, i).i;
        if (value < 0)
            return py_raise(py, PYEXC_RuntimeError,
                            "bincount only supports 1-d non-negative integral inputs.");
        bins = value >= bins ? value + 1 : bins;
    }
    const Dims shape = {.len = 1, .at = {bins}};
    const DType dtype = !weights ? DT_I64 : weights->view.dtype == DT_F32 ? DT_F32 : DT_F64;
    double *sums = oom_malloc(py->oom, ((size_t)bins + 1) * sizeof *sums);
    memset(sums, 0, ((size_t)bins + 1) * sizeof *sums);
    for (int64_t i = 0; i < t->view.shape[0]; i++) {
        Num weight = {.f = 1};
        if (weights)
            view_load(&weights->view, true, i, 1, &weight);
        sums[view_element(&t->view, i).i] += weight.f;
    }
    Tensor *out = tensor_new(py, dtype, &shape, t->on_device);
    for (int64_t i = 0; out && i < bins; i++)
        view_store(&out->view, true, i, 1, &(Num){.f = sums[i]});
    free(sums);
    return tensor_value(out);
}
