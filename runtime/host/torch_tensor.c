/* torch_tensor.c -- tensors: making them, their memory, their elements as Python values.
 *
 * A tensor is a MemView plus the device it is on. Several tensors may share an allocation (views);
 * the allocation counts them. Results of operations are allocated as written memory; only
 * torch.empty and its kin hand out memory whose elements count as unwritten.
 */
#include <string.h>

#include "runtime/host/host.h"
#include "runtime/host/launch.h"
#include "runtime/host/torch_internal.h"
#include "support/numeric.h"

TorchState *torch_state(PyCtx *py) {
    return host_torch(py);
}

bool torch_is_tensor(PyValue value) {
    return tensor_of(value) != NULL;
}

Tensor *tensor_of(PyValue v) {
    return py_as(v, &torch_tensor_type);
}

void tensor_release(PyCtx *py, Tensor *t) {
    if (t)
        py_decref(py, tensor_value(t));
}

/* ---- shapes -----------------------------------------------------------------------------------
 */

int64_t dims_numel(const Dims *shape) {
    int64_t count = 1;
    for (unsigned d = 0; d < shape->len; d++)
        count *= shape->at[d];
    return count;
}

Dims tensor_shape(const Tensor *t) {
    Dims dims = {.len = t->view.rank};
    memcpy(dims.at, t->view.shape, t->view.rank * sizeof *dims.at);
    return dims;
}

int64_t view_numel(const MemView *view) {
    int64_t count = 1;
    for (unsigned d = 0; d < view->rank; d++)
        count *= view->shape[d];
    return count;
}

bool view_is_contiguous(const MemView *view) {
    int64_t expected = 1;
    for (unsigned d = view->rank; d-- > 0;) {
        if (view->shape[d] == 0)
            return true;
        if (view->shape[d] != 1 && view->strides[d] != expected)
            return false;
        expected *= view->shape[d];
    }
    return true;
}

void view_set_contiguous(MemView *view, const Dims *shape) {
    int64_t stride = 1;
    view->rank = shape->len;
    for (unsigned d = shape->len; d-- > 0;) {
        view->shape[d] = shape->at[d];
        view->strides[d] = stride;
        stride *= shape->at[d] > 0 ? shape->at[d] : 1;
    }
}

void dims_print(const int64_t *dims, unsigned rank, StrBuf *out) {
    strbuf_putc(out, '[');
    for (unsigned d = 0; d < rank; d++)
        strbuf_printf(out, "%s%lld", d > 0 ? ", " : "", (long long)dims[d]);
    strbuf_putc(out, ']');
}

/* ---- making tensors ---------------------------------------------------------------------------
 */

static Tensor *tensor_around(PyCtx *py, const MemView *view, bool on_device) {
    Tensor *t = py_object_new(py, &torch_tensor_type, sizeof *t);
    t->view = *view;
    t->on_device = on_device;
    return t;
}

static void raise_out_of_memory(PyCtx *py, uint64_t bytes, const MemSpace *space) {
    py_raise(py, PYEXC_OutOfMemoryError,
             "out of memory: tried to allocate %.2f MiB; tensors hold %.2f MiB already",
             (double)bytes / 1048576.0, (double)mem_bytes_in_use(space) / 1048576.0);
}

/* The size in bytes; false with an exception for negative and unrepresentable sizes. */
static bool shape_bytes(PyCtx *py, DType dtype, const Dims *shape, const MemSpace *space,
                        uint64_t *bytes) {
    bool empty = false;
    *bytes = dtype_size(dtype);
    for (unsigned d = 0; d < shape->len; d++) {
        if (shape->at[d] < 0) {
            StrBuf text = STRBUF(py->arena);
            dims_print(shape->at, shape->len, &text);
            py_raise(py, PYEXC_RuntimeError,
                     "Trying to create tensor with negative dimension %lld: %s",
                     (long long)shape->at[d], strbuf_str(&text));
            return false;
        }
        empty |= shape->at[d] == 0;
    }
    for (unsigned d = 0; d < shape->len && !empty; d++) {
        if ((uint64_t)shape->at[d] > INT64_MAX / *bytes) {
            raise_out_of_memory(py, UINT64_MAX, space);
            return false;
        }
        *bytes *= (uint64_t)shape->at[d];
    }
    *bytes = empty ? 0 : *bytes;
    return true;
}

static Tensor *tensor_allocate(PyCtx *py, DType dtype, const Dims *shape, bool on_device,
                               MemInit init) {
    TorchState *state = torch_state(py);
    MemSpace *space = on_device ? state->device : state->host;
    uint64_t bytes;
    MemView view = {.dtype = dtype};
    if (!shape_bytes(py, dtype, shape, space, &bytes))
        return NULL;
    view_set_contiguous(&view, shape);
    view.alloc = mem_alloc(space, (size_t)bytes, (unsigned)dtype_size(dtype), init);
    if (!view.alloc) {
        raise_out_of_memory(py, bytes, space);
        return NULL;
    }
    const size_t in_use = mem_bytes_in_use(state->device);
    if (in_use > state->peak_bytes)
        state->peak_bytes = in_use;
    return tensor_around(py, &view, on_device);
}

Tensor *tensor_new(PyCtx *py, DType dtype, const Dims *shape, bool on_device) {
    return tensor_allocate(py, dtype, shape, on_device, MEM_ZEROED);
}

Tensor *tensor_new_unwritten(PyCtx *py, DType dtype, const Dims *shape, bool on_device) {
    return tensor_allocate(py, dtype, shape, on_device, MEM_UNWRITTEN);
}

Tensor *tensor_new_like(PyCtx *py, const Tensor *t, DType dtype) {
    const Dims shape = tensor_shape(t);
    return tensor_new(py, dtype, &shape, t->on_device);
}

Tensor *tensor_new_scalar(PyCtx *py, DType dtype, Num value, bool on_device) {
    const Dims shape = {.len = 0};
    Tensor *t = tensor_new(py, dtype, &shape, on_device);
    if (t)
        view_store(&t->view, dtype_is_float(dtype), 0, 1, &value);
    return t;
}

Tensor *tensor_alias(PyCtx *py, const Tensor *t) {
    mem_retain(t->view.alloc);
    return tensor_around(py, &t->view, t->on_device);
}

PyValue torch_tensor_from_view(PyCtx *py, const MemView *view, bool on_device) {
    mem_retain(view->alloc);
    return tensor_value(tensor_around(py, view, on_device));
}

bool torch_tensor_view(PyValue value, MemView *view, bool *on_device) {
    const Tensor *t = tensor_of(value);
    if (!t)
        return false;
    *view = t->view;
    *on_device = t->on_device;
    return true;
}

/* ---- copies -----------------------------------------------------------------------------------
 */

static bool same_layout(const MemView *a, const MemView *b) {
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0 &&
           memcmp(a->strides, b->strides, a->rank * sizeof *a->strides) == 0;
}

/* Copies memory byte by byte where the source was written, so that unwritten elements stay so. */
static void copy_same_layout(const MemView *dst, const MemView *src) {
    size_t src_lo, src_hi, dst_lo, dst_hi;
    const size_t size = dtype_size(src->dtype);
    mem_view_span(src, &src_lo, &src_hi);
    mem_view_span(dst, &dst_lo, &dst_hi);
    mem_host_read(src->alloc);
    mem_host_write(dst->alloc);
    memmove(dst->alloc->data + dst_lo, src->alloc->data + src_lo, src_hi - src_lo);
    size_t begin = src_lo; /* of the run of written elements */
    for (size_t at = src_lo; at <= src_hi; at += size) {
        if (at < src_hi && mem_is_written(src->alloc, at, size))
            continue;
        if (at > begin)
            mem_mark_written(dst->alloc, begin - src_lo + dst_lo, at - begin);
        begin = at + size;
    }
}

static bool view_is_dense(const MemView *view) {
    size_t lo, hi;
    mem_view_span(view, &lo, &hi);
    return (uint64_t)(hi - lo) == (uint64_t)view_numel(view) * dtype_size(view->dtype);
}

PyValue torch_clone_tensor(PyCtx *py, PyValue tensor) {
    Tensor *t = tensor_of(tensor);
    if (!tensor_fetch(py, t))
        return PY_FAIL;
    const Dims shape = tensor_shape(t);
    const bool unwritten = mem_view_first_unwritten(&t->view) >= 0;
    const bool dense = view_is_dense(&t->view);
    if (unwritten && !dense && !tensor_check_written(py, t, "clone"))
        return PY_FAIL;
    Tensor *copy = unwritten ? tensor_new_unwritten(py, t->view.dtype, &shape, t->on_device)
                             : tensor_new(py, t->view.dtype, &shape, t->on_device);
    if (!copy)
        return PY_FAIL;
    if (dense) /* keep a transposed layout, as PyTorch does */
        memcpy(copy->view.strides, t->view.strides, sizeof copy->view.strides);
    if (unwritten)
        copy_same_layout(&copy->view, &t->view);
    else
        view_copy(torch_state(py), &copy->view, &t->view);
    return tensor_value(copy);
}

bool torch_copy_into(PyCtx *py, PyValue dst, PyValue src) {
    Tensor *to = tensor_of(dst), *from = tensor_of(src);
    if (!tensor_fetch(py, to)) /* the rest of its memory stays as it is */
        return false;
    const Dims shape = tensor_shape(to);
    MemView source = from->view;
    if (same_layout(&to->view, &from->view) && view_is_dense(&from->view) &&
        mem_view_first_unwritten(&from->view) >= 0) {
        copy_same_layout(&to->view, &from->view);
        return true;
    }
    if (!tensor_check_written(py, from, "copy_"))
        return false;
    if (!view_expand(&source, &shape)) {
        raise_expand_error(py, &from->view, &shape);
        return false;
    }
    PyValue kept = PY_NONE; /* x[1:].copy_(x[:-1]) must not read what it wrote */
    if (to->view.alloc == from->view.alloc) {
        kept = torch_clone_tensor(py, src);
        if (py_failed(kept))
            return false;
        source = tensor_of(kept)->view;
        view_expand(&source, &shape);
    }
    view_copy(torch_state(py), &to->view, &source);
    mem_view_mark_written(&to->view);
    py_decref(py, kept);
    return true;
}

Tensor *tensor_convert(PyCtx *py, Tensor *t, DType dtype, bool on_device) {
    if (t->view.dtype == dtype && t->on_device == on_device) {
        py_incref(py_from_object(&t->object));
        return t;
    }
    const Dims shape = tensor_shape(t);
    const bool same_type = t->view.dtype == dtype;
    if (!same_type && !tensor_check_written(py, t, "to"))
        return NULL;
    Tensor *copy = same_type ? tensor_new_unwritten(py, dtype, &shape, on_device)
                             : tensor_new(py, dtype, &shape, on_device);
    if (copy && view_is_dense(&t->view))
        memcpy(copy->view.strides, t->view.strides, sizeof copy->view.strides);
    if (copy && !torch_copy_into(py, py_from_object(&copy->object), py_from_object(&t->object))) {
        tensor_release(py, copy);
        return NULL;
    }
    return copy;
}

Tensor *tensor_contiguous(PyCtx *py, Tensor *t) {
    if (view_is_contiguous(&t->view)) {
        py_incref(py_from_object(&t->object));
        return t;
    }
    if (!tensor_check_written(py, t, "contiguous"))
        return NULL;
    Tensor *copy = tensor_new_like(py, t, t->view.dtype);
    if (copy)
        view_copy(torch_state(py), &copy->view, &t->view);
    return copy;
}

/* ---- elements ---------------------------------------------------------------------------------
 */

PyValue num_to_value(PyCtx *py, DType dtype, Num value) {
    if (dtype_is_float(dtype))
        return py_float(value.f);
    if (dtype == DT_BOOL)
        return py_bool(value.i != 0);
    return dtype == DT_U64 ? py_uint(py, (uint64_t)value.i) : py_int(value.i);
}

PyValue tensor_item(PyCtx *py, const Tensor *t) {
    if (view_numel(&t->view) != 1)
        return py_raise(py, PYEXC_RuntimeError,
                        "a Tensor with %lld elements cannot be converted to Scalar",
                        (long long)view_numel(&t->view));
    if (!tensor_check_written(py, t, "item"))
        return PY_FAIL;
    return num_to_value(py, t->view.dtype, view_element(&t->view, 0));
}

bool num_from_value(PyCtx *py, PyValue v, DType dtype, Num *out) {
    uint64_t bits;
    bool fits_i64, fits_u64;
    if (dtype_is_float(dtype)) {
        if (py_to_double(v, &out->f))
            return true;
        py_raise(py, PYEXC_TypeError, "must be real number, not %s", py_type_name(v));
        return false;
    }
    if (v.tag == PY_FLOAT_TAG) {
        out->i = dtype == DT_BOOL ? v.u.f != 0 : f64_to_i64(v.u.f);
        return true;
    }
    if (!py_int_bits(v, &bits, &fits_i64, &fits_u64)) {
        py_raise(py, PYEXC_TypeError, "must be a number, not %s", py_type_name(v));
        return false;
    }
    if (!fits_i64 && !(fits_u64 && dtype == DT_U64)) {
        py_raise(py, PYEXC_RuntimeError, "Overflow when unpacking long");
        return false;
    }
    out->i = (int64_t)bits;
    return true;
}

/* ---- checks -----------------------------------------------------------------------------------
 */

PyValue raise_device_failure(PyCtx *py) {
    launch_mark_faulted(host_launch(py));
    mem_space_report(torch_state(py)->device, py->diags, py->here);
    return py_raise(py, PYEXC_KernelFault, "the device failed");
}

bool tensor_fetch(PyCtx *py, const Tensor *t) {
    if (mem_host_read(t->view.alloc))
        return true;
    raise_device_failure(py);
    return false;
}

/* Finds the first element that nobody wrote; false: there is none. */
static bool first_unwritten(const MemView *view, int64_t index[MEM_MAX_RANK]) {
    int64_t rest = mem_view_first_unwritten(view);
    if (rest < 0)
        return false;
    for (unsigned d = view->rank; d-- > 0; rest /= view->shape[d])
        index[d] = rest % view->shape[d];
    return true;
}

PyValue torch_first_unwritten(PyCtx *py, PyValue tensor) {
    const Tensor *t = tensor_of(tensor);
    int64_t index[MEM_MAX_RANK];
    PyValue items[MEM_MAX_RANK];
    if (!tensor_fetch(py, t))
        return PY_FAIL;
    if (!first_unwritten(&t->view, index))
        return PY_NONE;
    for (unsigned d = 0; d < t->view.rank; d++)
        items[d] = py_int(index[d]);
    return py_tuple(py, items, t->view.rank);
}

bool tensor_check_written(PyCtx *py, const Tensor *t, const char *operation) {
    int64_t index[MEM_MAX_RANK];
    if (!tensor_fetch(py, t))
        return false;
    if (!first_unwritten(&t->view, index))
        return true;
    StrBuf shape = STRBUF(py->arena), at = STRBUF(py->arena);
    dims_print(t->view.shape, t->view.rank, &shape);
    dims_print(index, t->view.rank, &at);
    Diag *diag =
        diag_report(py->diags, DIAG_TENSOR_UNWRITTEN, py->here, operation, strbuf_str(&at));
    diag_note(diag, SRC_NONE, "the tensor is %s%s on %s", dtype_infos[t->view.dtype].torch_name,
              strbuf_str(&shape), t->on_device ? "cuda:0" : "cpu");
    diag_help(diag, "write every element first, or make the tensor with torch.zeros()");
    py_raise(py, PYEXC_KernelFault, "%s reads element %s of a tensor, which nobody wrote",
             operation, strbuf_str(&at));
    return false;
}

bool tensors_same_device(PyCtx *py, Tensor *const *tensors, unsigned len, bool *on_device) {
    bool some[2] = {false, false}, dimensioned[2] = {false, false};
    for (unsigned i = 0; i < len; i++) {
        some[tensors[i]->on_device] = true;
        dimensioned[tensors[i]->on_device] |= tensors[i]->view.rank > 0;
    }
    if (some[1] && dimensioned[0]) {
        py_raise(py, PYEXC_RuntimeError,
                 "Expected all tensors to be on the same device, but found at least two devices, "
                 "cuda:0 and cpu!");
        return false;
    }
    *on_device = some[1];
    return true;
}

const char *torch_scalar_name(DType dtype) {
    static const char *const names[DT_COUNT] = {
        [DT_BOOL] = "Bool",          [DT_I8] = "Char",
        [DT_I16] = "Short",          [DT_I32] = "Int",
        [DT_I64] = "Long",           [DT_U8] = "Byte",
        [DT_U16] = "UInt16",         [DT_U32] = "UInt32",
        [DT_U64] = "UInt64",         [DT_F8E4M3] = "Float8_e4m3fn",
        [DT_F8E5M2] = "Float8_e5m2", [DT_F16] = "Half",
        [DT_BF16] = "BFloat16",      [DT_F32] = "Float",
        [DT_F64] = "Double",
    };
    return names[dtype];
}
