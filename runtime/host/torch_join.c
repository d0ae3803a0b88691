/* torch_join.c -- taking tensors apart and putting them together: split, cat, flip, repeat, tril.
 *
 * Taking apart makes views; putting together copies each piece into a part of the result.
 */
#include <stdlib.h>

#include "runtime/host/torch_internal.h"

/* ---- taking apart -----------------------------------------------------------------------------
 */

static Tensor *piece(PyCtx *py, const Tensor *t, unsigned dim, int64_t start, int64_t len) {
    Tensor *out = tensor_alias(py, t);
    view_narrow(&out->view, dim, start, len, 1);
    return out;
}

/* A tuple of `count` pieces; sizes[i], or `size` with a smaller last one if sizes is NULL. */
static PyValue pieces(PyCtx *py, const Tensor *t, unsigned dim, int64_t count, int64_t size,
                      const int64_t *sizes) {
    const int64_t total = t->view.shape[dim];
    PyValue *items = oom_malloc(py->oom, ((size_t)count + 1) * sizeof *items);
    int64_t start = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t len = sizes ? sizes[i] : start + size < total ? size : total - start;
        items[i] = tensor_value(piece(py, t, dim, start, len));
        start += len;
    }
    const PyValue tuple = py_tuple(py, items, (size_t)count);
    for (int64_t i = 0; i < count; i++)
        py_decref(py, items[i]);
    free(items);
    return tuple;
}

static bool has_dims(const TorchCall *call, const Tensor *t) {
    if (t->view.rank > 0)
        return true;
    py_raise(call->py, PYEXC_RuntimeError, "%s expects at least a 1-dimensional tensor",
             call->op->name);
    return false;
}

PyValue op_split(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    int64_t size = 0, sum = 0;
    size_t len;
    if (!t || !has_dims(call, t) || !arg_dim(call, 2, t->view.rank, &dim))
        return PY_FAIL;
    const int64_t total = t->view.shape[dim];
    if (!torch_sequence(call->arg[1], &len)) {
        if (!arg_int(call, 1, &size))
            return PY_FAIL;
        if (size <= 0)
            return py_raise(call->py, PYEXC_RuntimeError,
                            "split expects split_size be non-negative and not 0, but got %lld",
                            (long long)size);
        return pieces(call->py, t, dim, total == 0 ? 1 : (total + size - 1) / size, size, NULL);
    }
    int64_t *sizes = oom_malloc(call->py->oom, (len + 1) * sizeof *sizes);
    bool ok = true;
    for (size_t i = 0; i < len && ok; i++) {
        ok = torch_to_index(call->py, torch_sequence_item(call->arg[1], i), &sizes[i]) &&
             sizes[i] >= 0;
        sum += ok ? sizes[i] : 0;
    }
    PyValue result = PY_FAIL;
    if (ok && sum == total)
        result = pieces(call->py, t, dim, (int64_t)len, 0, sizes);
    else if (call->py->exception.tag == PY_NONE_TAG)
        py_raise(call->py, PYEXC_RuntimeError,
                 "split_with_sizes expects split_sizes to sum exactly to %lld (the size of "
                 "dimension %u)",
                 (long long)total, dim);
    free(sizes);
    return result;
}

PyValue op_chunk(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    int64_t chunks = 0;
    if (!t || !has_dims(call, t) || !arg_int(call, 1, &chunks) ||
        !arg_dim(call, 2, t->view.rank, &dim))
        return PY_FAIL;
    if (chunks <= 0)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "chunk expects `chunks` to be greater than 0, got: %lld",
                        (long long)chunks);
    const int64_t total = t->view.shape[dim], size = (total + chunks - 1) / chunks;
    return pieces(call->py, t, dim, size == 0 ? 1 : (total + size - 1) / size, size, NULL);
}

PyValue op_unbind(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    unsigned dim = 0;
    if (!t || !has_dims(call, t) || !arg_dim(call, 1, t->view.rank, &dim))
        return PY_FAIL;
    const size_t count = (size_t)t->view.shape[dim];
    PyValue *items = oom_malloc(py->oom, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = tensor_value(tensor_select(py, t, dim, (int64_t)i));
    const PyValue tuple = py_tuple(py, items, count);
    for (size_t i = 0; i < count; i++)
        py_decref(py, items[i]);
    free(items);
    return tuple;
}

/* as_strided(size, stride, storage_offset): checked against the memory behind the tensor. */
PyValue op_as_strided(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Dims shape, strides;
    if (!t || !arg_dims(call, 1, &shape) || !arg_dims(call, 2, &strides))
        return PY_FAIL;
    const int64_t size = (int64_t)dtype_size(t->view.dtype);
    int64_t offset = (int64_t)t->view.offset / size;
    if (!arg_int(call, 3, &offset))
        return PY_FAIL;
    const int64_t available = (int64_t)t->view.alloc->size / size;
    bool fits = shape.len == strides.len && offset >= 0 && offset <= available;
    int64_t last = offset;
    for (unsigned d = 0; fits && d < shape.len; d++) {
        fits = shape.at[d] >= 0 && strides.at[d] >= 0 &&
               (shape.at[d] <= 1 || strides.at[d] <= available / (shape.at[d] - 1));
        last += fits && shape.at[d] > 0 ? (shape.at[d] - 1) * strides.at[d] : 0;
    }
    if (!fits || (dims_numel(&shape) > 0 && last >= available))
        return py_raise(call->py, PYEXC_RuntimeError,
                        "as_strided: the sizes, strides and offset reach beyond the %lld elements "
                        "of the storage",
                        (long long)available);
    Tensor *out = tensor_alias(call->py, t);
    view_set_contiguous(&out->view, &shape);
    for (unsigned d = 0; d < shape.len; d++)
        out->view.strides[d] = strides.at[d];
    out->view.offset = (size_t)(offset * size);
    return tensor_value(out);
}

PyValue op_diagonal(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    int64_t offset = 0;
    unsigned a = 0, b = 1;
    if (!t || !arg_int(call, 1, &offset) || !arg_dim(call, 2, t->view.rank, &a) ||
        !arg_dim(call, 3, t->view.rank, &b))
        return PY_FAIL;
    if (t->view.rank < 2 || a == b)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "diagonal dimensions must be two different ones of the tensor");
    Tensor *out = tensor_alias(call->py, t);
    MemView *view = &out->view;
    const int64_t row = offset < 0 ? -offset : 0, column = offset > 0 ? offset : 0;
    const int64_t rows = t->view.shape[a] - row, columns = t->view.shape[b] - column;
    const int64_t shorter = rows < columns ? rows : columns, len = shorter > 0 ? shorter : 0;
    const int64_t stride = t->view.strides[a] + t->view.strides[b];
    view_narrow(view, a, len > 0 ? row : 0, len, 1);
    view_narrow(view, b, len > 0 ? column : 0, len, 1);
    view_remove_dim(view, a > b ? a : b);
    view_remove_dim(view, a > b ? b : a);
    view->shape[view->rank] = len;
    view->strides[view->rank++] = stride;
    return tensor_value(out);
}

/* ---- putting together -------------------------------------------------------------------------
 */

/* The operands of cat and stack: their common type and place. */
static bool read_tensors(const TorchCall *call, size_t *len, DType *dtype, bool *on_device) {
    PyCtx *py = call->py;
    if (!torch_sequence(call->arg[0], len)) {
        torch_type_error(call, 0, "tuple of Tensors");
        return false;
    }
    if (*len == 0) {
        py_raise(py, PYEXC_RuntimeError, "%s(): expected a non-empty list of Tensors",
                 call->op->name);
        return false;
    }
    for (size_t i = 0; i < *len; i++) {
        Tensor *t = tensor_of(torch_sequence_item(call->arg[0], i));
        Tensor *const pair[2] = {tensor_of(torch_sequence_item(call->arg[0], 0)), t};
        if (!t || !pair[0]) {
            torch_type_error(call, 0, "tuple of Tensors");
            return false;
        }
        if (i == 0)
            *dtype = t->view.dtype;
        if (!tensors_same_device(py, pair, 2, on_device) ||
            !tensor_check_written(py, t, call->op->name) ||
            !torch_promote(py, *dtype, t->view.dtype, dtype))
            return false;
    }
    return true;
}

/* Does piece `number` of cat agree with the first one in all dimensions but `dim`? */
static bool agrees(const TorchCall *call, const Tensor *first, const Tensor *t, unsigned dim,
                   size_t number) {
    if (first->view.rank != t->view.rank) {
        py_raise(call->py, PYEXC_RuntimeError,
                 "Tensors must have same number of dimensions: got %u and %u", first->view.rank,
                 t->view.rank);
        return false;
    }
    for (unsigned d = 0; d < t->view.rank; d++)
        if (d != dim && t->view.shape[d] != first->view.shape[d]) {
            py_raise(call->py, PYEXC_RuntimeError,
                     "Sizes of tensors must match except in dimension %u. Expected size %lld but "
                     "got size %lld for tensor number %zu in the list.",
                     dim, (long long)first->view.shape[d], (long long)t->view.shape[d], number);
            return false;
        }
    return true;
}

/* The pieces of stack have one shape. */
static bool same_size(const TorchCall *call, const Tensor *first, const Tensor *t, size_t number) {
    bool same = first->view.rank == t->view.rank;
    for (unsigned d = 0; same && d < t->view.rank; d++)
        same = t->view.shape[d] == first->view.shape[d];
    if (same)
        return true;
    StrBuf want = STRBUF(call->py->arena), have = STRBUF(call->py->arena);
    dims_print(first->view.shape, first->view.rank, &want);
    dims_print(t->view.shape, t->view.rank, &have);
    py_raise(
        call->py, PYEXC_RuntimeError,
        "stack expects each tensor to be equal size, but got %s at entry 0 and %s at entry %zu",
        strbuf_str(&want), strbuf_str(&have), number);
    return false;
}

static bool is_legacy_empty(const Tensor *t) {
    return t->view.rank == 1 && t->view.shape[0] == 0;
}

PyValue op_cat(TorchCall *call) {
    PyCtx *py = call->py;
    size_t len;
    DType dtype;
    bool on_device;
    unsigned dim = 0;
    const Tensor *first;
    int64_t total = 0;
    if (!read_tensors(call, &len, &dtype, &on_device))
        return PY_FAIL;
    first = tensor_of(torch_sequence_item(call->arg[0], 0));
    for (size_t i = 1; i < len && is_legacy_empty(first); i++)
        first = tensor_of(torch_sequence_item(call->arg[0], i));
    if (first->view.rank == 0)
        return py_raise(py, PYEXC_RuntimeError,
                        "zero-dimensional tensor (at position 0) cannot be concatenated");
    if (!arg_dim(call, 1, first->view.rank, &dim))
        return PY_FAIL;
    for (size_t i = 0; i < len; i++) {
        const Tensor *t = tensor_of(torch_sequence_item(call->arg[0], i));
        if (is_legacy_empty(t))
            continue;
        if (!agrees(call, first, t, dim, i))
            return PY_FAIL;
        total += t->view.shape[dim];
    }
    Dims shape = tensor_shape(first);
    shape.at[dim] = total;
    Tensor *out = tensor_new(py, dtype, &shape, on_device);
    int64_t at = 0;
    for (size_t i = 0; out && i < len; i++) {
        const Tensor *t = tensor_of(torch_sequence_item(call->arg[0], i));
        if (is_legacy_empty(t))
            continue;
        MemView part = out->view;
        view_narrow(&part, dim, at, t->view.shape[dim], 1);
        view_copy(torch_state(py), &part, &t->view);
        at += t->view.shape[dim];
    }
    return tensor_value(out);
}

PyValue op_stack(TorchCall *call) {
    PyCtx *py = call->py;
    size_t len;
    DType dtype;
    bool on_device;
    unsigned dim = 0;
    if (!read_tensors(call, &len, &dtype, &on_device))
        return PY_FAIL;
    const Tensor *first = tensor_of(torch_sequence_item(call->arg[0], 0));
    const unsigned rank = first->view.rank;
    if (!arg_dim(call, 1, rank + 1, &dim))
        return PY_FAIL;
    if (rank == MEM_MAX_RANK)
        return py_raise(py, PYEXC_RuntimeError, "tensors have at most %d dimensions", MEM_MAX_RANK);
    for (size_t i = 1; i < len; i++)
        if (!same_size(call, first, tensor_of(torch_sequence_item(call->arg[0], i)), i))
            return PY_FAIL;
    Dims shape = {.len = rank + 1};
    for (unsigned d = 0; d <= rank; d++)
        shape.at[d] = d < dim    ? first->view.shape[d]
                      : d == dim ? (int64_t)len
                                 : first->view.shape[d - 1];
    Tensor *out = tensor_new(py, dtype, &shape, on_device);
    for (size_t i = 0; out && i < len; i++) {
        MemView part = out->view;
        view_narrow(&part, dim, (int64_t)i, 1, 1);
        view_remove_dim(&part, dim);
        view_copy(torch_state(py), &part, &tensor_of(torch_sequence_item(call->arg[0], i))->view);
    }
    return tensor_value(out);
}

/* repeat(*repeats): copies laid side by side; tile() may have fewer repeats than dimensions. */
PyValue op_repeat(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    Dims repeats, shape;
    if (!t || !arg_dims(call, 1, &repeats) || !tensor_check_written(py, t, call->op->name))
        return PY_FAIL;
    const unsigned rank = t->view.rank;
    while (str_eq(call->op->name, "tile") && repeats.len < rank) {
        for (unsigned d = repeats.len++; d > 0; d--)
            repeats.at[d] = repeats.at[d - 1];
        repeats.at[0] = 1;
    }
    if (repeats.len < rank)
        return py_raise(py, PYEXC_RuntimeError,
                        "Number of dimensions of repeat dims can not be "
                        "smaller than number of dimensions of tensor");
    if (2 * repeats.len > MEM_MAX_RANK && rank + repeats.len > MEM_MAX_RANK)
        return py_raise(py, PYEXC_RuntimeError,
                        "repeat: tensors of that many dimensions are not "
                        "supported");
    /* The result as [repeats[0], size[0], repeats[1], size[1], ...]; the source has strides of 0.
     */
    MemView source = t->view, target;
    Dims nested = {.len = 0};
    shape.len = repeats.len;
    source.rank = 0;
    for (unsigned d = 0; d < repeats.len; d++) {
        const bool has = d + rank >= repeats.len;
        const unsigned from = d + rank - repeats.len;
        shape.at[d] = repeats.at[d] * (has ? t->view.shape[from] : 1);
        if (repeats.at[d] < 0)
            return py_raise(py, PYEXC_RuntimeError, "repeats must not be negative");
        source.shape[source.rank] = nested.at[nested.len++] = repeats.at[d];
        source.strides[source.rank++] = 0;
        if (!has)
            continue;
        source.shape[source.rank] = nested.at[nested.len++] = t->view.shape[from];
        source.strides[source.rank++] = t->view.strides[from];
    }
    Tensor *out = tensor_new(py, t->view.dtype, &shape, t->on_device);
    if (!out)
        return PY_FAIL;
    target = out->view;
    view_set_contiguous(&target, &nested);
    view_copy(torch_state(py), &target, &source);
    return tensor_value(out);
}

/* ---- copies in another order ------------------------------------------------------------------
 */

/* Views never have negative strides, but a view that is only read from may. */
PyValue op_flip(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    Dims dims;
    if (!t || !arg_dims(call, 1, &dims) || !tensor_check_written(py, t, "flip"))
        return PY_FAIL;
    MemView source = t->view;
    for (unsigned k = 0; k < dims.len; k++) {
        unsigned dim;
        if (!torch_wrap_dim(py, dims.at[k], t->view.rank, &dim))
            return PY_FAIL;
        if (t->view.rank == 0 || source.shape[dim] == 0)
            continue;
        source.offset +=
            (size_t)((source.shape[dim] - 1) * source.strides[dim]) * dtype_size(source.dtype);
        source.strides[dim] = -source.strides[dim];
    }
    Tensor *out = tensor_new_like(py, t, t->view.dtype);
    if (out)
        view_copy(torch_state(py), &out->view, &source);
    return tensor_value(out);
}

/* A copy in which the elements of a dimension have moved `shift` places up. */
static Tensor *rolled(PyCtx *py, const Tensor *t, unsigned dim, int64_t shift) {
    Tensor *out = tensor_new_like(py, t, t->view.dtype);
    const int64_t size = t->view.rank > 0 ? t->view.shape[dim] : 0;
    if (!out || size == 0)
        return out;
    shift = (shift % size + size) % size;
    const int64_t parts[2][3] = {{0, shift, size - shift}, {size - shift, 0, shift}};
    for (int k = 0; k < 2; k++) { /* from, to, length */
        MemView from = t->view, to = out->view;
        view_narrow(&from, dim, parts[k][0], parts[k][2], 1);
        view_narrow(&to, dim, parts[k][1], parts[k][2], 1);
        view_copy(torch_state(py), &to, &from);
    }
    return out;
}

PyValue op_roll(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    Dims shifts, dims = {.len = 0};
    if (!t || !arg_dims(call, 1, &shifts) || !arg_dims(call, 2, &dims) ||
        !tensor_check_written(py, t, "roll"))
        return PY_FAIL;
    if (dims.len == 0 && shifts.len == 1) { /* the flattened tensor is rotated */
        const Dims flat = {.len = 1, .at = {view_numel(&t->view)}}, shape = tensor_shape(t);
        Tensor *line = tensor_reshape(py, t, &flat);
        Tensor *out = line ? rolled(py, line, 0, shifts.at[0]) : NULL;
        tensor_release(py, line);
        if (out)
            view_set_contiguous(&out->view, &shape);
        return tensor_value(out);
    }
    if (dims.len != shifts.len)
        return py_raise(py, PYEXC_RuntimeError, "shifts and dimensions must align");
    Tensor *current = tensor_alias(py, t);
    for (unsigned k = 0; current && k < dims.len; k++) {
        unsigned dim;
        Tensor *next = torch_wrap_dim(py, dims.at[k], t->view.rank, &dim)
                           ? rolled(py, current, dim, shifts.at[k])
                           : NULL;
        tensor_release(py, current);
        current = next;
    }
    return tensor_value(current);
}

/* repeat_interleave(repeats, dim): one number of repeats for all. */
PyValue op_repeat_interleave(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    int64_t repeats = 0;
    unsigned dim = 0;
    if (!t || !arg_int(call, 1, &repeats) || !arg_dim(call, 2, t->view.rank, &dim) ||
        !tensor_check_written(py, t, "repeat_interleave"))
        return PY_FAIL;
    if (repeats < 0)
        return py_raise(py, PYEXC_RuntimeError, "repeats can not be negative");
    const Dims flat = {.len = 1, .at = {view_numel(&t->view)}};
    Tensor *input = arg_given(call, 2) ? tensor_alias(py, t) : tensor_reshape(py, t, &flat);
    if (!input)
        return PY_FAIL;
    Dims shape = tensor_shape(input), nested = shape;
    if (shape.len == MEM_MAX_RANK || shape.len == 0) {
        tensor_release(py, input);
        return py_raise(py, PYEXC_RuntimeError, "repeat_interleave: unsupported rank");
    }
    shape.at[dim] *= repeats;
    for (unsigned d = nested.len++; d > dim + 1; d--)
        nested.at[d] = nested.at[d - 1];
    nested.at[dim + 1] = repeats;
    MemView source = input->view;
    for (unsigned d = source.rank++; d > dim + 1; d--) {
        source.shape[d] = source.shape[d - 1];
        source.strides[d] = source.strides[d - 1];
    }
    source.shape[dim + 1] = repeats;
    source.strides[dim + 1] = 0;
    Tensor *out = tensor_new(py, t->view.dtype, &shape, t->on_device);
    if (out) {
        MemView target = out->view;
        view_set_contiguous(&target, &nested);
        view_copy(torch_state(py), &target, &source);
    }
    tensor_release(py, input);
    return tensor_value(out);
}

/* tril (variant 0) and triu (1). */
PyValue op_triangle(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    int64_t diagonal = 0;
    if (!t || !arg_int(call, 1, &diagonal) || !tensor_check_written(py, t, call->op->name))
        return PY_FAIL;
    if (t->view.rank < 2)
        return py_raise(py, PYEXC_RuntimeError, "%s: input tensor must have at least 2 dimensions",
                        call->op->name);
    Tensor *out = tensor_new_like(py, t, t->view.dtype);
    if (!out)
        return PY_FAIL;
    const int64_t rows = t->view.shape[t->view.rank - 2], columns = t->view.shape[t->view.rank - 1];
    const int64_t lines = columns > 0 ? view_numel(&t->view) / columns : 0;
    const bool as_float = dtype_is_float(t->view.dtype);
    Num *line = oom_malloc(py->oom, ((size_t)columns + 1) * sizeof *line);
    for (int64_t i = 0; i < lines; i++) {
        view_load(&t->view, as_float, i * columns, (size_t)columns, line);
        for (int64_t j = 0; j < columns; j++) {
            const bool below = j - i % rows <= diagonal, above = j - i % rows >= diagonal;
            if (!(call->op->variant == 0 ? below : above))
                line[j] = (Num){.i = 0};
        }
        view_store(&out->view, as_float, i * columns, (size_t)columns, line);
    }
    free(line);
    return tensor_value(out);
}

/* meshgrid(*vectors, indexing="ij" | "xy"): views. */
PyValue op_meshgrid(TorchCall *call) {
    PyCtx *py = call->py;
    size_t len;
    const char *indexing = "ij";
    PyValue items[MEM_MAX_RANK];
    Dims shape;
    if (!arg_str(call, 1, &indexing))
        return PY_FAIL;
    if (!torch_sequence(call->arg[0], &len) || len > MEM_MAX_RANK)
        return torch_type_error(call, 0, "tuple of up to 8 Tensors");
    const bool swap = str_eq(indexing, "xy") && len >= 2;
    shape.len = (unsigned)len;
    for (size_t i = 0; i < len; i++) {
        const Tensor *t = tensor_of(torch_sequence_item(call->arg[0], i));
        if (!t || t->view.rank > 1)
            return torch_type_error(call, 0, "tuple of vectors");
        shape.at[swap && i < 2 ? 1 - i : i] = view_numel(&t->view);
    }
    for (size_t i = 0; i < len; i++) {
        Tensor *out = tensor_alias(py, tensor_of(torch_sequence_item(call->arg[0], i)));
        const unsigned dim = (unsigned)(swap && i < 2 ? 1 - i : i);
        const int64_t stride = out->view.rank > 0 ? out->view.strides[0] : 0;
        view_set_contiguous(&out->view, &shape);
        for (unsigned d = 0; d < shape.len; d++)
            out->view.strides[d] = d == dim ? stride : 0;
        items[i] = tensor_value(out);
    }
    const PyValue tuple = py_tuple(py, items, len);
    for (size_t i = 0; i < len; i++)
        py_decref(py, items[i]);
    return tuple;
}
