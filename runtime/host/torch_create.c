/* torch_create.c -- new tensors: from shapes, from ranges, from nested lists.
 *
 * All rows of torch_ops.def that create share the keywords dtype, device, layout, requires_grad and
 * pin_memory; read_options() reads them. Only torch.empty, empty_like, new_empty and empty_strided
 * give memory whose elements count as unwritten.
 */
#include <math.h>
#include <string.h>

#include "runtime/host/torch_internal.h"
#include "support/numeric.h"

typedef struct Options {
    DType dtype;
    bool on_device;
} Options;

/* Reads dtype, device, layout, requires_grad, pin_memory, which begin at argument `first`. */
static bool read_options(const TorchCall *call, unsigned first, Options *options) {
    bool requires_grad = false;
    if (!arg_dtype(call, first, &options->dtype) ||
        !arg_device(call, first + 1, &options->on_device) ||
        !arg_bool(call, first + 3, &requires_grad))
        return false;
    if (requires_grad)
        py_raise(call->py, PYEXC_RuntimeError,
                 "requires_grad=True: there is no automatic differentiation here; compute "
                 "gradients with a kernel of their own");
    return !requires_grad;
}

static PyValue new_filled(TorchCall *call, const Dims *shape, const Options *options, Num value) {
    Tensor *t = tensor_new(call->py, options->dtype, shape, options->on_device);
    const bool zero = dtype_is_float(options->dtype) ? f64_bits(value.f) == 0 : value.i == 0;
    if (t && !zero)
        view_fill(torch_state(call->py), &t->view, value);
    return tensor_value(t);
}

static Num num_of(DType dtype, double value) {
    return dtype_is_float(dtype) ? (Num){.f = value} : (Num){.i = (int64_t)value};
}

/* zeros, ones (variant: the value) and empty (variant -1). */
PyValue op_zeros(TorchCall *call) {
    Dims shape;
    Options options = {.dtype = DT_F32};
    if (!arg_dims(call, 0, &shape) || !read_options(call, 1, &options))
        return PY_FAIL;
    if (call->op->variant < 0)
        return tensor_value(
            tensor_new_unwritten(call->py, options.dtype, &shape, options.on_device));
    return new_filled(call, &shape, &options, num_of(options.dtype, call->op->variant));
}

/* zeros_like, ones_like, empty_like; new_zeros, new_ones, new_empty take the shape as well. */
PyValue op_zeros_like(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    const bool has_shape = str_starts(call->op->name, "new_");
    if (!t)
        return PY_FAIL;
    Dims shape = tensor_shape(t);
    Options options = {.dtype = t->view.dtype, .on_device = t->on_device};
    if ((has_shape && !arg_dims(call, 1, &shape)) || !read_options(call, 1 + has_shape, &options))
        return PY_FAIL;
    if (call->op->variant < 0)
        return tensor_value(
            tensor_new_unwritten(call->py, options.dtype, &shape, options.on_device));
    return new_filled(call, &shape, &options, num_of(options.dtype, call->op->variant));
}

/* The fill value: a number or a tensor with one element. */
static bool fill_value(const TorchCall *call, unsigned index, DType *dtype, Num *value) {
    PyCtx *py = call->py;
    PyValue v = py_unwrap_constexpr(call->arg[index]);
    const Tensor *t = tensor_of(v);
    if (t) {
        v = tensor_item(py, t);
        if (py_failed(v))
            return false;
        py_decref(py, v); /* numbers of a tensor are not objects, but for large uint64 ones */
    }
    if (!torch_is_number(v)) {
        torch_type_error(call, index, "Number");
        return false;
    }
    if (*dtype == DT_COUNT)
        *dtype = v.tag == PY_FLOAT_TAG ? DT_F32 : v.tag == PY_BOOL_TAG ? DT_BOOL : DT_I64;
    return num_from_value(py, v, *dtype, value);
}

/* full(size, fill_value) */
PyValue op_full(TorchCall *call) {
    Dims shape;
    Options options = {.dtype = DT_COUNT};
    Num value;
    if (!arg_dims(call, 0, &shape) || !read_options(call, 2, &options) ||
        !fill_value(call, 1, &options.dtype, &value))
        return PY_FAIL;
    return new_filled(call, &shape, &options, value);
}

/* full_like(input, fill_value) and input.new_full(size, fill_value) */
PyValue op_full_like(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    const unsigned has_shape = str_starts(call->op->name, "new_");
    Num value;
    if (!t)
        return PY_FAIL;
    Dims shape = tensor_shape(t);
    Options options = {.dtype = t->view.dtype, .on_device = t->on_device};
    if ((has_shape && !arg_dims(call, 1, &shape)) || !read_options(call, 2 + has_shape, &options) ||
        !fill_value(call, 1 + has_shape, &options.dtype, &value))
        return PY_FAIL;
    return new_filled(call, &shape, &options, value);
}

PyValue op_fill(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Num value = {.i = 0};
    if (!t)
        return PY_FAIL;
    DType dtype = t->view.dtype;
    if (call->op->variant == 0 && !fill_value(call, 1, &dtype, &value))
        return PY_FAIL;
    view_fill(torch_state(call->py), &t->view, value);
    mem_view_mark_written(&t->view);
    return py_incref(call->arg[0]);
}

PyValue op_empty_strided(TorchCall *call) {
    Dims shape, strides;
    Options options = {.dtype = DT_F32};
    int64_t extent = 1;
    if (!arg_dims(call, 0, &shape) || !arg_dims(call, 1, &strides) ||
        !read_options(call, 2, &options))
        return PY_FAIL;
    if (shape.len != strides.len)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "dimensionality of sizes (%u) must match dimensionality of strides (%u)",
                        shape.len, strides.len);
    for (unsigned d = 0; d < shape.len; d++) {
        if (strides.at[d] < 0 || (shape.at[d] > 1 && strides.at[d] > INT64_MAX / 16 / shape.at[d]))
            return py_raise(call->py, PYEXC_RuntimeError, "invalid stride %lld",
                            (long long)strides.at[d]);
        extent += shape.at[d] > 0 ? (shape.at[d] - 1) * strides.at[d] : 0;
    }
    const Dims flat = {.len = 1, .at = {dims_numel(&shape) == 0 ? 0 : extent}};
    Tensor *t = tensor_new_unwritten(call->py, options.dtype, &flat, options.on_device);
    if (!t)
        return PY_FAIL;
    t->view.rank = shape.len;
    memcpy(t->view.shape, shape.at, sizeof shape.at);
    memcpy(t->view.strides, strides.at, sizeof strides.at);
    return tensor_value(t);
}

/* ---- ranges -----------------------------------------------------------------------------------
 */

/* value[i] = start + i * step, computed for each i alone so that errors do not add up. */
static Tensor *new_range(PyCtx *py, const Options *options, int64_t count, Num start, Num step,
                         bool is_float) {
    const Dims shape = {.len = 1, .at = {count}};
    Tensor *t = tensor_new(py, options->dtype, &shape, options->on_device);
    Num block[256];
    for (int64_t at = 0; t && at < count; at += 256) {
        const int64_t n = count - at < 256 ? count - at : 256;
        for (int64_t i = 0; i < n; i++)
            if (is_float)
                block[i].f = start.f + (double)(at + i) * step.f;
            else
                block[i].i = start.i + (at + i) * step.i;
        view_store(&t->view, is_float, at, (size_t)n, block);
    }
    return t;
}

/* arange(end), arange(start, end), arange(start, end, step) */
PyValue op_arange(TorchCall *call) {
    PyCtx *py = call->py;
    Options options = {.dtype = DT_COUNT};
    double bounds[3] = {0, 0, 1};
    int64_t ints[3] = {0, 0, 1};
    bool is_float = false;
    if (!read_options(call, 3, &options))
        return PY_FAIL;
    const bool only_end = !arg_given(call, 1);
    for (unsigned k = 0; k < 3; k++) {
        const unsigned to = k == 0 && only_end ? 1 : k;
        const PyValue v = py_unwrap_constexpr(call->arg[k]);
        if (k > 0 && !arg_given(call, k))
            continue;
        if (!arg_real(call, k, &bounds[to]))
            return PY_FAIL;
        if (!torch_to_index(py, v, &ints[to]))
            is_float = true;
    }
    const double count = ceil((bounds[1] - bounds[0]) / bounds[2]);
    if (bounds[2] == 0)
        return py_raise(py, PYEXC_RuntimeError, "step must be nonzero");
    if (!(count >= 0))
        return py_raise(py, PYEXC_RuntimeError,
                        "upper bound and lower bound inconsistent with step sign");
    if (count > 1e15)
        return py_raise(py, PYEXC_RuntimeError, "arange: too many elements (%g)", count);
    if (options.dtype == DT_COUNT)
        options.dtype = is_float ? DT_F32 : DT_I64;
    const Num start = is_float ? (Num){.f = bounds[0]} : (Num){.i = ints[0]};
    const Num step = is_float ? (Num){.f = bounds[2]} : (Num){.i = ints[2]};
    return tensor_value(new_range(py, &options, (int64_t)count, start, step, is_float));
}

PyValue op_linspace(TorchCall *call) {
    PyCtx *py = call->py;
    Options options = {.dtype = DT_F32};
    double start = 0, end = 0;
    int64_t steps = 0;
    if (!arg_real(call, 0, &start) || !arg_real(call, 1, &end) || !arg_int(call, 2, &steps) ||
        !read_options(call, 3, &options))
        return PY_FAIL;
    if (steps < 0)
        return py_raise(py, PYEXC_RuntimeError, "number of steps must be non-negative");
    const Num first = {.f = start},
              step = {.f = steps > 1 ? (end - start) / (double)(steps - 1) : 0};
    Tensor *t = new_range(py, &options, steps, first, step, true);
    const Num last = {.f = end};
    if (t && steps > 1)
        view_store(&t->view, true, steps - 1, 1, &last);
    return tensor_value(t);
}

PyValue op_eye(TorchCall *call) {
    Options options = {.dtype = DT_F32};
    int64_t rows = 0, columns = 0;
    if (!arg_int(call, 0, &rows))
        return PY_FAIL;
    columns = rows;
    if (!arg_int(call, 1, &columns) || !read_options(call, 2, &options))
        return PY_FAIL;
    const Dims shape = {.len = 2, .at = {rows, columns}};
    Tensor *t = tensor_new(call->py, options.dtype, &shape, options.on_device);
    const Num one = num_of(options.dtype, 1);
    for (int64_t i = 0; t && i < rows && i < columns; i++)
        view_store(&t->view, dtype_is_float(options.dtype), i * columns + i, 1, &one);
    return tensor_value(t);
}

/* ---- from nested lists ------------------------------------------------------------------------
 */

#define RANKED_BY_TYPE 3 /* bool, int, float */

typedef struct Literal { /* what a walk over nested lists finds out */
    PyCtx *py;
    Dims shape;
    unsigned category;  /* 0 bool, 1 int, 2 float */
    DType tensor_dtype; /* of the tensors among the items; DT_COUNT: none */
    Tensor *out;        /* second walk: where the numbers go */
    int64_t at;
} Literal;

static bool literal_shape(Literal *lit, PyValue data, unsigned depth, bool first) {
    size_t len;
    const Tensor *t = tensor_of(data);
    if (!torch_sequence(data, &len) && !(t && t->view.rank > 0))
        return true;
    if (depth == MEM_MAX_RANK) {
        py_raise(lit->py, PYEXC_ValueError, "too many dimensions: at most %d", MEM_MAX_RANK);
        return false;
    }
    const int64_t have = t ? t->view.shape[0] : (int64_t)len;
    if (first) {
        lit->shape.at[depth] = have;
        lit->shape.len = depth + 1;
    } else if (depth >= lit->shape.len || lit->shape.at[depth] != have) {
        py_raise(lit->py, PYEXC_ValueError, "expected sequence of length %lld at dim %u (got %lld)",
                 depth < lit->shape.len ? (long long)lit->shape.at[depth] : 1LL, depth,
                 (long long)have);
        return false;
    }
    for (size_t i = 0; !t && i < len; i++)
        if (!literal_shape(lit, torch_sequence_item(data, i), depth + 1, first && i == 0))
            return false;
    if (t && t->view.rank > 1) {
        py_raise(lit->py, PYEXC_ValueError,
                 "only one element tensors can be converted to Python scalars");
        return false;
    }
    return true;
}

static bool literal_category(Literal *lit, PyValue v) {
    unsigned category = 1;
    const Tensor *t = tensor_of(v);
    if (t) {
        category = dtype_is_float(t->view.dtype) ? 2 : t->view.dtype == DT_BOOL ? 0 : 1;
    } else if (!torch_is_number(v)) {
        py_raise(lit->py, PYEXC_TypeError, "a tensor is made of numbers, not of '%s'",
                 py_type_name(v));
        return false;
    } else {
        v = py_unwrap_constexpr(v);
        category = v.tag == PY_FLOAT_TAG ? 2 : v.tag == PY_BOOL_TAG ? 0 : 1;
    }
    if (category > lit->category)
        lit->category = category;
    return true;
}

static bool literal_store(Literal *lit, PyValue v) {
    const DType dtype = lit->out->view.dtype;
    Num value;
    if (!num_from_value(lit->py, py_unwrap_constexpr(v), dtype, &value))
        return false;
    view_store(&lit->out->view, dtype_is_float(dtype), lit->at++, 1, &value);
    return true;
}

/* Visits the numbers in order: first to find their category, then to store them. */
static bool literal_walk(Literal *lit, PyValue data, unsigned depth) {
    size_t len;
    Tensor *t = tensor_of(data);
    if (t && t->view.rank > 0) {
        for (int64_t i = 0; i < t->view.shape[0]; i++) {
            Tensor *item = tensor_select(lit->py, t, 0, i);
            const bool ok = literal_walk(lit, py_from_object(&item->object), depth);
            tensor_release(lit->py, item);
            if (!ok)
                return false;
        }
        return true;
    }
    if (!torch_sequence(data, &len)) {
        if (depth < lit->shape.len && !t) {
            py_raise(lit->py, PYEXC_TypeError, "expected a sequence at dim %u, not '%s'", depth,
                     py_type_name(data));
            return false;
        }
        if (!lit->out)
            return literal_category(lit, data);
        const PyValue item = t ? tensor_item(lit->py, t) : py_incref(data);
        const bool ok = !py_failed(item) && literal_store(lit, item);
        py_decref(lit->py, item);
        return ok;
    }
    for (size_t i = 0; i < len; i++)
        if (!literal_walk(lit, torch_sequence_item(data, i), depth + 1))
            return false;
    return true;
}

PyValue torch_tensor_from_data(PyCtx *py, PyValue data, DType dtype, bool on_device) {
    static const DType defaults[RANKED_BY_TYPE] = {DT_BOOL, DT_I64, DT_F32};
    Literal lit = {.py = py};
    size_t len;
    Tensor *t = tensor_of(data);
    if (t) {
        Tensor *moved = tensor_convert(py, t, dtype == DT_COUNT ? t->view.dtype : dtype, on_device);
        if (moved != t)
            return tensor_value(moved);
        tensor_release(py, moved);
        return torch_clone_tensor(py, data);
    }
    if (!literal_shape(&lit, data, 0, true) || !literal_walk(&lit, data, 0))
        return PY_FAIL;
    if (dims_numel(&lit.shape) == 0 && torch_sequence(data, &len))
        lit.category = 2;
    lit.out =
        tensor_new(py, dtype == DT_COUNT ? defaults[lit.category] : dtype, &lit.shape, on_device);
    if (!lit.out)
        return PY_FAIL;
    if (literal_walk(&lit, data, 0))
        return tensor_value(lit.out);
    tensor_release(py, lit.out);
    return PY_FAIL;
}

/* tensor(data) and as_tensor(data), which copies only if it must. */
PyValue op_tensor(TorchCall *call) {
    const Tensor *t = tensor_of(call->arg[0]);
    Options options = {.dtype = DT_COUNT, .on_device = t && t->on_device};
    if (!read_options(call, 1, &options))
        return PY_FAIL;
    if (t && call->op->variant == 1)
        return tensor_value(tensor_convert(
            call->py, tensor_of(call->arg[0]),
            options.dtype == DT_COUNT ? t->view.dtype : options.dtype, options.on_device));
    return torch_tensor_from_data(call->py, call->arg[0], options.dtype, options.on_device);
}
