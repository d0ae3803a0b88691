/* torch_subscript.c -- x[...] and x[...] = value.
 *
 * An index is read from left to right. Integers, slices, None and Ellipsis make a view. Tensors
 * (and lists) of integers pick elements: their dimensions are broadcast together and replaced by
 * the broadcast shape, in place if they stand side by side, else in front. A mask of bools stands
 * for the indices of its true elements. Picking copies; assigning through it scatters.
 *
 *     x[2:8:2, None]      a view           x[mask], x[[0, 2]]      copies
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/host/torch_internal.h"

typedef struct Indexing {
    PyCtx *py;
    Tensor *base;
    MemView view;                /* after the basic part of the index */
    unsigned dim;                /* of `view`, which the next item applies to */
    Tensor *picks[MEM_MAX_RANK]; /* int64 index tensors by dimension of `view`, owned */
    bool has_picks;
} Indexing;

static void indexing_free(Indexing *ix) {
    for (unsigned d = 0; d < MEM_MAX_RANK; d++)
        tensor_release(ix->py, ix->picks[d]);
}

static bool too_many(Indexing *ix) {
    py_raise(ix->py, PYEXC_IndexError, "too many indices for tensor of dimension %u",
             ix->base->view.rank);
    return false;
}

/* ---- basic indices ----------------------------------------------------------------------------
 */

static bool index_int(Indexing *ix, int64_t index) {
    if (ix->dim >= ix->view.rank)
        return too_many(ix);
    const int64_t size = ix->view.shape[ix->dim];
    if (index < -size || index >= size) {
        py_raise(ix->py, PYEXC_IndexError,
                 "index %lld is out of bounds for dimension %u with size %lld", (long long)index,
                 ix->dim, (long long)size);
        return false;
    }
    view_narrow(&ix->view, ix->dim, index < 0 ? index + size : index, 1, 1);
    view_remove_dim(&ix->view, ix->dim);
    return true;
}

/* One of slice.start, .stop, .step; `*given` false for None. */
static bool slice_part(Indexing *ix, PyValue slice, const char *name, bool *given, int64_t *out) {
    PyCtx *py = ix->py;
    const PyValue v = py_getattr(py, slice, strtab_sym(py->names, name));
    if (py_failed(v))
        return false;
    *given = v.tag != PY_NONE_TAG;
    const bool ok = !*given || torch_to_index(py, v, out);
    if (!ok && py->exception.tag == PY_NONE_TAG)
        py_raise(py, PYEXC_TypeError, "slice indices must be integers or None");
    py_decref(py, v);
    return ok;
}

static int64_t clip(int64_t value, int64_t size) {
    if (value < 0)
        value += size;
    return value < 0 ? 0 : value > size ? size : value;
}

static bool index_slice(Indexing *ix, PyValue slice) {
    int64_t start = 0, stop = 0, step = 1;
    bool has_start, has_stop, has_step;
    if (ix->dim >= ix->view.rank)
        return too_many(ix);
    if (!slice_part(ix, slice, "start", &has_start, &start) ||
        !slice_part(ix, slice, "stop", &has_stop, &stop) ||
        !slice_part(ix, slice, "step", &has_step, &step))
        return false;
    if (step <= 0) {
        py_raise(ix->py, PYEXC_ValueError, "step must be greater than zero");
        return false;
    }
    const int64_t size = ix->view.shape[ix->dim];
    start = clip(start, size);
    stop = has_stop ? clip(stop, size) : size;
    const int64_t len = stop > start ? (stop - start - 1) / step + 1 : 0;
    view_narrow(&ix->view, ix->dim++, start, len, step);
    return true;
}

static bool index_none(Indexing *ix) {
    if (ix->view.rank == MEM_MAX_RANK)
        return too_many(ix);
    memmove(&ix->view.shape[ix->dim + 1], &ix->view.shape[ix->dim],
            (ix->view.rank - ix->dim) * sizeof *ix->view.shape);
    memmove(&ix->view.strides[ix->dim + 1], &ix->view.strides[ix->dim],
            (ix->view.rank - ix->dim) * sizeof *ix->view.strides);
    ix->view.rank++;
    ix->view.shape[ix->dim] = 1;
    ix->view.strides[ix->dim] = 1;
    ix->dim++;
    return true;
}

/* ---- picking indices --------------------------------------------------------------------------
 */

static bool index_mask(Indexing *ix, Tensor *mask) {
    PyCtx *py = ix->py;
    const unsigned rank = mask->view.rank;
    if (rank == 0 || ix->dim + rank > ix->view.rank)
        return too_many(ix);
    for (unsigned d = 0; d < rank; d++)
        if (mask->view.shape[d] != ix->view.shape[ix->dim + d]) {
            StrBuf want = STRBUF(py->arena), have = STRBUF(py->arena);
            dims_print(mask->view.shape, rank, &have);
            dims_print(ix->base->view.shape, ix->base->view.rank, &want);
            py_raise(py, PYEXC_IndexError,
                     "The shape of the mask %s at index %u does not match the shape of the indexed "
                     "tensor %s at index %u",
                     strbuf_str(&have), d, strbuf_str(&want), ix->dim + d);
            return false;
        }
    const PyValue args[2] = {py_from_object(&mask->object), py_bool(true)};
    const PyValue found = torch_call_by_name(py, "nonzero", args, 2);
    if (py_failed(found))
        return false;
    for (unsigned d = 0; d < rank; d++)
        ix->picks[ix->dim++] = tensor_of(py_incref(py_seq_item(found, d)));
    py_decref(py, found);
    ix->has_picks = true;
    return true;
}

/* Makes indices non-negative in a copy and checks their range. */
static bool index_tensor(Indexing *ix, Tensor *t) {
    PyCtx *py = ix->py;
    if (t->view.dtype == DT_BOOL || (t->view.dtype == DT_U8 && t->view.rank > 0))
        return index_mask(ix, t);
    if (dtype_is_float(t->view.dtype)) {
        py_raise(py, PYEXC_IndexError,
                 "tensors used as indices must be long, int, byte or bool "
                 "tensors");
        return false;
    }
    if (ix->dim >= ix->view.rank)
        return too_many(ix);
    if (!tensor_check_written(py, t, "index"))
        return false;
    const int64_t size = ix->view.shape[ix->dim], count = view_numel(&t->view);
    Tensor *copy = tensor_new_like(py, t, DT_I64);
    if (!copy)
        return false;
    ix->picks[ix->dim] = copy;
    view_copy(torch_state(py), &copy->view, &t->view);
    int64_t *indices = (int64_t *)(void *)copy->view.alloc->data;
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] < -size || indices[i] >= size) {
            py_raise(py, PYEXC_IndexError,
                     "index %lld is out of bounds for dimension %u with size %lld",
                     (long long)indices[i], ix->dim, (long long)size);
            return false;
        }
        indices[i] += indices[i] < 0 ? size : 0;
    }
    ix->dim++;
    ix->has_picks = true;
    return true;
}

static bool index_list(Indexing *ix, PyValue list) {
    PyCtx *py = ix->py;
    const PyValue t = torch_tensor_from_data(py, list, DT_COUNT, ix->base->on_device);
    Tensor *indices = tensor_of(t);
    if (!indices)
        return false;
    bool ok;
    if (view_numel(&indices->view) == 0 && dtype_is_float(indices->view.dtype)) {
        Tensor *empty = tensor_convert(py, indices, DT_I64, indices->on_device); /* x[[]] */
        ok = empty && index_tensor(ix, empty);
        tensor_release(py, empty);
    } else {
        ok = index_tensor(ix, indices);
    }
    py_decref(py, t);
    return ok;
}

/* ---- the whole index --------------------------------------------------------------------------
 */

/* How many dimensions of the tensor an item uses up. */
static unsigned item_dims(PyValue item) {
    const Tensor *t = tensor_of(item);
    if (item.tag == PY_NONE_TAG || item.tag == PY_ELLIPSIS_TAG || item.tag == PY_BOOL_TAG)
        return 0;
    return t && t->view.dtype == DT_BOOL ? t->view.rank : 1;
}

static bool index_item(Indexing *ix, PyValue item, unsigned dims_after) {
    int64_t index;
    size_t len;
    item = py_unwrap_constexpr(item);
    Tensor *t = tensor_of(item);
    if (item.tag == PY_ELLIPSIS_TAG) {
        if (ix->dim + dims_after > ix->view.rank)
            return too_many(ix);
        ix->dim = ix->view.rank - dims_after;
        return true;
    }
    if (item.tag == PY_NONE_TAG)
        return index_none(ix);
    if (t && t->view.rank > 0)
        return index_tensor(ix, t);
    if (torch_to_index(ix->py, item, &index))
        return index_int(ix, index);
    if (t)
        return index_tensor(ix, t);
    if (py_as(item, &py_slice_type))
        return index_slice(ix, item);
    if (torch_sequence(item, &len))
        return index_list(ix, item);
    py_raise(ix->py, PYEXC_TypeError,
             "only integers, slices (`:`), ellipsis (`...`), None and long or bool Variables are "
             "valid indices (got %s)",
             py_type_name(item));
    return false;
}

static bool index_all(Indexing *ix, PyValue index) {
    const PyValue tuple = torch_size_tuple(index);
    const bool is_tuple = py_is_tuple(tuple);
    const size_t len = is_tuple ? py_seq_len(tuple) : 1;
    unsigned dims_after = 0;
    for (size_t i = 0; i < len; i++)
        dims_after += item_dims(is_tuple ? py_seq_item(tuple, i) : index);
    for (size_t i = 0; i < len; i++) {
        const PyValue item = is_tuple ? py_seq_item(tuple, i) : index;
        dims_after -= item_dims(item);
        if (!index_item(ix, item, dims_after))
            return false;
    }
    return true;
}

/* ---- picking ----------------------------------------------------------------------------------
 */

typedef struct Picking {
    MemView rest;     /* the dimensions without indices; its offset is the base */
    Dims shape;       /* of the result */
    unsigned before;  /* how many dimensions of `rest` stand in front of the picked ones */
    int64_t count;    /* of picked positions */
    int64_t *offsets; /* in bytes, of each picked position; freed by the caller */
} Picking;

/* Adds the contribution of one index tensor to the offsets. */
static void add_offsets(Picking *pick, const MemView *index, int64_t stride_bytes) {
    Num block[256];
    for (int64_t at = 0; at < pick->count; at += 256) {
        const size_t n = pick->count - at < 256 ? (size_t)(pick->count - at) : 256;
        view_load(index, false, at, n, block);
        for (size_t i = 0; i < n; i++)
            pick->offsets[at + (int64_t)i] += block[i].i * stride_bytes;
    }
}

static bool plan_picking(Indexing *ix, Picking *pick) {
    PyCtx *py = ix->py;
    Dims picked = {.len = 0};
    unsigned first = MEM_MAX_RANK, last = 0, num = 0;
    for (unsigned d = 0; d < ix->view.rank; d++) {
        if (!ix->picks[d])
            continue;
        const Dims dims = tensor_shape(ix->picks[d]);
        first = first < d ? first : d;
        last = d;
        num++;
        if (!dims_broadcast(py, &picked, &dims)) {
            py_clear_exception(py);
            py_raise(py, PYEXC_IndexError,
                     "shape mismatch: indexing tensors could not be "
                     "broadcast together");
            return false;
        }
    }
    if (picked.len + ix->view.rank - num > MEM_MAX_RANK)
        return too_many(ix);
    pick->before = last - first + 1 == num ? first : 0;
    pick->count = dims_numel(&picked);
    pick->offsets = calloc((size_t)pick->count + 1, sizeof *pick->offsets);
    if (!pick->offsets)
        oom_raise(py->oom);
    pick->rest = ix->view;
    pick->rest.rank = 0;
    for (unsigned d = 0; d < ix->view.rank; d++) {
        if (ix->picks[d]) {
            MemView index = ix->picks[d]->view;
            view_expand(&index, &picked);
            add_offsets(pick, &index, ix->view.strides[d] * (int64_t)dtype_size(ix->view.dtype));
            continue;
        }
        pick->rest.shape[pick->rest.rank] = ix->view.shape[d];
        pick->rest.strides[pick->rest.rank++] = ix->view.strides[d];
    }
    for (unsigned d = 0; d <= pick->rest.rank; d++) {
        for (unsigned k = 0; d == pick->before && k < picked.len; k++)
            pick->shape.at[pick->shape.len++] = picked.at[k];
        if (d < pick->rest.rank)
            pick->shape.at[pick->shape.len++] = pick->rest.shape[d];
    }
    return true;
}

static int64_t offset_of(const MemView *view, unsigned from, unsigned to, int64_t linear) {
    int64_t offset = 0;
    for (unsigned d = to; d-- > from;) {
        offset += linear % view->shape[d] * view->strides[d];
        linear /= view->shape[d];
    }
    return offset * (int64_t)dtype_size(view->dtype);
}

/* Copies between the picked elements and a contiguous buffer in the order of the result. */
static void move_picked(const Picking *pick, uint8_t *buffer, bool scatter) {
    const MemView *rest = &pick->rest;
    const size_t size = dtype_size(rest->dtype);
    int64_t outer = 1, inner = 1;
    if (scatter)
        mem_host_write(rest->alloc);
    else
        mem_host_read(rest->alloc);
    for (unsigned d = 0; d < rest->rank; d++)
        *(d < pick->before ? &outer : &inner) *= rest->shape[d];
    for (int64_t o = 0; o < outer; o++) {
        const int64_t base = offset_of(rest, 0, pick->before, o);
        for (int64_t p = 0; p < pick->count; p++)
            for (int64_t i = 0; i < inner; i++) {
                const int64_t at =
                    base + pick->offsets[p] + offset_of(rest, pick->before, rest->rank, i);
                const size_t offset = rest->offset + (size_t)at;
                uint8_t *element = rest->alloc->data + offset;
                memcpy(scatter ? element : buffer, scatter ? buffer : element, size);
                if (scatter)
                    mem_mark_written(rest->alloc, offset, size);
                buffer += size;
            }
    }
}

/* Reading unwritten elements through picked indices is a fault as well. */
static bool check_picked(PyCtx *py, const Indexing *ix, const Picking *pick) {
    const int64_t per_pick = view_numel(&pick->rest);
    const size_t size = dtype_size(pick->rest.dtype);
    if (!tensor_fetch(py, ix->base))
        return false;
    if (!pick->rest.alloc->written || mem_view_first_unwritten(&ix->view) < 0)
        return true;
    for (int64_t p = 0; p < pick->count; p++)
        for (int64_t i = 0; i < per_pick; i++) {
            const int64_t at = pick->offsets[p] + offset_of(&pick->rest, 0, pick->rest.rank, i);
            if (!mem_is_written(pick->rest.alloc, pick->rest.offset + (size_t)at, size))
                return tensor_check_written(py, ix->base, "index");
        }
    return true;
}

PyValue torch_subscript(PyCtx *py, PyValue self, PyValue index) {
    Indexing ix = {.py = py, .base = tensor_of(self), .view = tensor_of(self)->view};
    Picking pick = {.before = 0};
    Tensor *out = NULL;
    if (index_all(&ix, index)) {
        if (!ix.has_picks) {
            out = tensor_alias(py, ix.base);
            out->view = ix.view;
        } else if (plan_picking(&ix, &pick) && check_picked(py, &ix, &pick)) {
            out = tensor_new(py, ix.view.dtype, &pick.shape, ix.base->on_device);
            if (out) {
                mem_host_write(out->view.alloc);
                move_picked(&pick, out->view.alloc->data, false);
            }
        }
    }
    free(pick.offsets);
    indexing_free(&ix);
    return tensor_value(out);
}

/* The assigned value as a tensor of the target's type: a new reference, NULL on failure. */
static Tensor *assigned_tensor(PyCtx *py, Tensor *target, PyValue value) {
    Tensor *t = tensor_of(value);
    Tensor *const both[2] = {target, t};
    Num number;
    bool on_device;
    if (t && t->view.rank > 0 && !tensors_same_device(py, both, 2, &on_device))
        return NULL;
    if (t)
        return tensor_convert(py, t, target->view.dtype, target->on_device);
    if (!torch_is_number(value)) {
        py_raise(py, PYEXC_TypeError, "can't assign a %s to a torch.%s tensor", py_type_name(value),
                 dtype_infos[target->view.dtype].torch_name);
        return NULL;
    }
    if (!num_from_value(py, py_unwrap_constexpr(value), target->view.dtype, &number))
        return NULL;
    return tensor_new_scalar(py, target->view.dtype, number, target->on_device);
}

/* Drops leading dimensions of size 1 that the target lacks: x[0] = y[None] is allowed. */
static void drop_leading_ones(Tensor *value, unsigned rank) {
    while (value->view.rank > rank && value->view.shape[0] == 1)
        view_remove_dim(&value->view, 0);
}

static bool assign_picked(Indexing *ix, Tensor *value) {
    PyCtx *py = ix->py;
    Picking pick = {.before = 0};
    bool ok = false;
    if (plan_picking(ix, &pick)) {
        Tensor *whole = tensor_new(py, ix->view.dtype, &pick.shape, ix->base->on_device);
        drop_leading_ones(value, pick.shape.len);
        if (whole &&
            torch_copy_into(py, py_from_object(&whole->object), py_from_object(&value->object))) {
            move_picked(&pick, whole->view.alloc->data, true);
            ok = true;
        }
        tensor_release(py, whole);
    }
    free(pick.offsets);
    return ok;
}

bool torch_set_subscript(PyCtx *py, PyValue self, PyValue index, PyValue value) {
    Indexing ix = {.py = py, .base = tensor_of(self), .view = tensor_of(self)->view};
    bool ok = false;
    Tensor *converted = index_all(&ix, index) ? assigned_tensor(py, ix.base, value) : NULL;
    Tensor *source = converted ? tensor_alias(py, converted) : NULL;
    if (source && ix.has_picks) {
        ok = assign_picked(&ix, source);
    } else if (source) {
        Tensor *target = tensor_alias(py, ix.base);
        target->view = ix.view;
        drop_leading_ones(source, ix.view.rank);
        ok = torch_copy_into(py, py_from_object(&target->object), py_from_object(&source->object));
        tensor_release(py, target);
    }
    tensor_release(py, source);
    tensor_release(py, converted);
    indexing_free(&ix);
    return ok;
}
