/* torch_sort.c -- sort, argsort, topk, kthvalue, median, unique.
 *
 * Each line of the sorted dimension is loaded with its positions and sorted by merging, which is
 * stable; NaN counts as greater than every number, as in PyTorch.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/host/torch_internal.h"

typedef struct Item {
    Num key;
    int64_t position;
} Item;

typedef struct Order {
    bool is_float, descending;
} Order;

/* ---- merge sort -------------------------------------------------------------------------------
 */

static bool is_less(const Order *order, const Item *a, const Item *b) {
    if (order->descending) {
        const Item *swapped = a;
        a = b;
        b = swapped;
    }
    if (!order->is_float)
        return a->key.i < b->key.i;
    return a->key.f < b->key.f || (isnan(b->key.f) && !isnan(a->key.f));
}

static void merge(const Order *order, const Item *a, const Item *middle, const Item *end,
                  Item *out) {
    const Item *b = middle;
    while (a < middle || b < end)
        *out++ = b == end || (a < middle && !is_less(order, b, a)) ? *a++ : *b++;
}

/* Sorts items[0, n) stably; `scratch` has room for as many. */
static void sort_items(const Order *order, Item *items, Item *scratch, size_t n) {
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            const size_t middle = at + width < n ? at + width : n;
            const size_t end = at + 2 * width < n ? at + 2 * width : n;
            merge(order, items + at, items + middle, items + end, scratch + at);
        }
        memcpy(items, scratch, n * sizeof *items);
    }
}

/* ---- lines ------------------------------------------------------------------------------------
 */

typedef struct Sorting {
    MemView in, values, indices; /* the sorted dimension is the last one */
    Order order;
    int64_t len;
    int64_t first, kept; /* which of the sorted elements go to the results */
    Item *items;         /* 2 * len a worker */
} Sorting;

static void load_items(const Sorting *s, int64_t line, Item *items) {
    for (int64_t i = 0; i < s->len; i++) {
        view_load(&s->in, s->order.is_float, line * s->len + i, 1, &items[i].key);
        items[i].position = i;
    }
}

static void sort_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Sorting *s = context;
    Item *items = s->items + 2 * s->len * (int64_t)worker;
    for (int64_t line = begin; line < end; line++) {
        load_items(s, line, items);
        sort_items(&s->order, items, items + s->len, (size_t)s->len);
        for (int64_t i = 0; i < s->kept; i++) {
            const Item *item = &items[s->first + i];
            view_store(&s->values, s->order.is_float, line * s->kept + i, 1, &item->key);
            view_store(&s->indices, false, line * s->kept + i, 1, &(Num){.i = item->position});
        }
    }
}

typedef struct SortArgs {
    Tensor *input;
    unsigned dim;
    bool descending;
    int64_t first, kept;
} SortArgs;

/* Sorts and keeps [first, first + kept) of each line. */
static bool sort_lines(PyCtx *py, const SortArgs *args, Tensor **values, Tensor **indices) {
    const Tensor *t = args->input;
    unsigned order[MEM_MAX_RANK], rank = 0;
    Dims shape = tensor_shape(t);
    if (shape.len > 0)
        shape.at[args->dim] = args->kept;
    *values = tensor_new(py, t->view.dtype, &shape, t->on_device);
    *indices = *values ? tensor_new(py, DT_I64, &shape, t->on_device) : NULL;
    if (!*indices) {
        tensor_release(py, *values);
        return false;
    }
    Sorting s = {
        .in = t->view,
        .values = (*values)->view,
        .indices = (*indices)->view,
        .order = {.is_float = dtype_is_float(t->view.dtype), .descending = args->descending},
        .len = t->view.rank > 0 ? t->view.shape[args->dim] : 1,
        .first = args->first,
        .kept = args->kept};
    for (unsigned d = 0; d < t->view.rank; d++)
        if (d != args->dim)
            order[rank++] = d;
    order[rank] = args->dim;
    view_permute(&s.in, order);
    view_permute(&s.values, order);
    view_permute(&s.indices, order);
    TorchState *state = torch_state(py);
    if (view_numel(&t->view) == 0 || args->kept == 0)
        return true;
    s.items = oom_malloc(py->oom, 2 * (size_t)s.len * threads_count(state->pool) * sizeof *s.items);
    threads_for(state->pool, view_numel(&t->view) / s.len, 1 + 4096 / s.len, sort_body, &s);
    free(s.items);
    return true;
}

/* The tensor, and the last dimension unless argument `dim_arg` names another. */
static bool read_input(const TorchCall *call, unsigned dim_arg, SortArgs *args, int64_t *len) {
    args->input = arg_tensor(call, 0);
    if (!args->input || !tensor_check_written(call->py, args->input, call->op->name))
        return false;
    const unsigned rank = args->input->view.rank;
    args->dim = rank > 0 ? rank - 1 : 0;
    if (!arg_dim(call, dim_arg, rank, &args->dim))
        return false;
    *len = rank > 0 ? args->input->view.shape[args->dim] : 1;
    return true;
}

/* ---- operations -------------------------------------------------------------------------------
 */

/* sort (variant 0) and argsort (1): (input, dim, descending, stable). */
PyValue op_sort(TorchCall *call) {
    SortArgs args = {.first = 0};
    Tensor *values, *indices;
    if (!read_input(call, 1, &args, &args.kept) || !arg_bool(call, 2, &args.descending) ||
        !sort_lines(call->py, &args, &values, &indices))
        return PY_FAIL;
    if (call->op->variant == 0)
        return torch_result(call->py, "sort", values, indices);
    tensor_release(call->py, values);
    return tensor_value(indices);
}

/* topk(input, k, dim, largest, sorted) */
PyValue op_topk(TorchCall *call) {
    SortArgs args = {.descending = true};
    Tensor *values, *indices;
    int64_t len;
    if (!read_input(call, 2, &args, &len) || !arg_int(call, 1, &args.kept) ||
        !arg_bool(call, 3, &args.descending))
        return PY_FAIL;
    if (args.kept < 0 || args.kept > len)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "selected index k out of range: k is %lld, the dimension has %lld elements",
                        (long long)args.kept, (long long)len);
    return sort_lines(call->py, &args, &values, &indices)
               ? torch_result(call->py, "topk", values, indices)
               : PY_FAIL;
}

/* The single kept element of each line, with or without its dimension. */
static PyValue one_of_line(TorchCall *call, const SortArgs *args, bool keepdim) {
    Tensor *values, *indices;
    if (!sort_lines(call->py, args, &values, &indices))
        return PY_FAIL;
    if (!keepdim && args->input->view.rank > 0) {
        view_remove_dim(&values->view, args->dim);
        view_remove_dim(&indices->view, args->dim);
    }
    return torch_result(call->py, call->op->name, values, indices);
}

/* kthvalue(input, k, dim, keepdim) */
PyValue op_kthvalue(TorchCall *call) {
    SortArgs args = {.kept = 1};
    int64_t k = 0, len;
    bool keepdim = false;
    if (!read_input(call, 2, &args, &len) || !arg_int(call, 1, &k) || !arg_bool(call, 3, &keepdim))
        return PY_FAIL;
    if (k < 1 || k > len)
        return py_raise(call->py, PYEXC_RuntimeError, "kthvalue(): selected number k out of range");
    args.first = k - 1;
    return one_of_line(call, &args, keepdim);
}

/* median(input) and median(input, dim, keepdim): of an even number the lower of the two. */
PyValue op_median(TorchCall *call) {
    PyCtx *py = call->py;
    SortArgs args = {.kept = 1};
    int64_t len;
    bool keepdim = false;
    if (!read_input(call, 1, &args, &len) || !arg_bool(call, 2, &keepdim))
        return PY_FAIL;
    if (arg_given(call, 1)) {
        if (len == 0)
            return py_raise(py, PYEXC_IndexError, "median(): the dimension has no elements");
        args.first = (len - 1) / 2;
        return one_of_line(call, &args, keepdim);
    }
    const Dims flat = {.len = 1, .at = {view_numel(&args.input->view)}};
    Tensor *line = tensor_reshape(py, args.input, &flat), *values, *indices, *out = NULL;
    args = (SortArgs){.input = line, .first = (flat.at[0] - 1) / 2, .kept = 1};
    if (line && flat.at[0] == 0) {
        py_raise(py, PYEXC_RuntimeError, "median(): the tensor has no elements");
    } else if (line && sort_lines(py, &args, &values, &indices)) {
        out = tensor_select(py, values, 0, 0);
        tensor_release(py, values);
        tensor_release(py, indices);
    }
    tensor_release(py, line);
    return tensor_value(out);
}

/* The runs of equal elements in a sorted line: the element, its position, its count. */
static PyValue unique_results(PyCtx *py, const Tensor *sorted, const Tensor *positions,
                              const Dims *shape, bool inverse, bool counts) {
    const int64_t n = view_numel(&sorted->view);
    const bool is_float = dtype_is_float(sorted->view.dtype);
    const Dims all = {.len = 1, .at = {n}};
    Tensor *out[3] = {tensor_new(py, sorted->view.dtype, &all, sorted->on_device),
                      tensor_new(py, DT_I64, shape, sorted->on_device),
                      tensor_new(py, DT_I64, &all, sorted->on_device)};
    int64_t found = 0, begin = 0;
    for (int64_t i = 0; out[0] && out[1] && out[2] && i < n; i++) {
        const Num value = view_element(&sorted->view, i);
        const Num before = i > 0 ? view_element(&sorted->view, i - 1) : value;
        if (i == 0 || (is_float ? value.f != before.f : value.i != before.i)) {
            view_store(&out[0]->view, is_float, found++, 1, &value);
            begin = i;
        }
        const Num run = {.i = found - 1}, count = {.i = i - begin + 1};
        view_store(&out[1]->view, false, view_element(&positions->view, i).i, 1, &run);
        view_store(&out[2]->view, false, found - 1, 1, &count);
    }
    const bool wanted[3] = {true, inverse, counts};
    PyValue items[3];
    size_t len = 0;
    for (int k = 0; k < 3; k++) {
        if (out[k] && k != 1)
            out[k]->view.shape[0] = found;
        if (wanted[k])
            items[len++] = tensor_value(out[k]);
        else
            tensor_release(py, out[k]);
    }
    if (len == 1 || py->exception.tag != PY_NONE_TAG) {
        for (size_t i = 1; i < len; i++)
            py_decref(py, items[i]);
        return items[0];
    }
    const PyValue tuple = py_tuple(py, items, len);
    for (size_t i = 0; i < len; i++)
        py_decref(py, items[i]);
    return tuple;
}

/* unique(input, sorted, return_inverse, return_counts) */
PyValue op_unique(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0), *values = NULL, *indices = NULL;
    bool inverse = false, counts = false;
    if (!t || !arg_bool(call, 2, &inverse) || !arg_bool(call, 3, &counts) ||
        !tensor_check_written(py, t, "unique"))
        return PY_FAIL;
    const Dims shape = tensor_shape(t), flat = {.len = 1, .at = {view_numel(&t->view)}};
    Tensor *line = tensor_reshape(py, t, &flat);
    const SortArgs args = {.input = line, .kept = flat.at[0]};
    PyValue result = PY_FAIL;
    if (line && sort_lines(py, &args, &values, &indices)) {
        result = unique_results(py, values, indices, &shape, inverse, counts);
        tensor_release(py, values);
        tensor_release(py, indices);
    }
    tensor_release(py, line);
    return result;
}
