/* torch_compare.c -- allclose, isclose, equal and testing.assert_close.
 *
 * Two elements are close if |actual - expected| <= atol + rtol * |expected|; equal infinities are
 * close, NaN only to NaN and only with equal_nan. allclose has one default tolerance for all types;
 * assert_close has one for each (the table below) and says where and how far two tensors differ.
 */
#include <math.h>
#include <stdlib.h>

#include "runtime/host/torch_internal.h"

#define BLOCK 512

typedef struct Tolerance {
    double rtol, atol;
    bool equal_nan;
} Tolerance;

static bool is_close(double a, double b, const Tolerance *tolerance) {
    if (a == b)
        return true;
    if (isnan(a) || isnan(b))
        return tolerance->equal_nan && isnan(a) && isnan(b);
    return isfinite(b) && isfinite(a) && fabs(a - b) <= tolerance->atol + tolerance->rtol * fabs(b);
}

/* ---- operands ---------------------------------------------------------------------------------
 */

typedef struct Pair { /* two tensors broadcast to one shape */
    MemView a, b;
    Dims shape;
    bool on_device;
} Pair;

static bool pair_up(PyCtx *py, Tensor *a, Tensor *b, const char *name, Pair *pair) {
    Tensor *const both[2] = {a, b};
    const Dims other = tensor_shape(b);
    pair->shape = tensor_shape(a);
    pair->a = a->view;
    pair->b = b->view;
    return tensors_same_device(py, both, 2, &pair->on_device) &&
           dims_broadcast(py, &pair->shape, &other) && tensor_check_written(py, a, name) &&
           tensor_check_written(py, b, name) && view_expand(&pair->a, &pair->shape) &&
           view_expand(&pair->b, &pair->shape);
}

static bool read_pair(const TorchCall *call, Pair *pair, Tolerance *tolerance) {
    Tensor *a = arg_tensor(call, 0), *b = a ? arg_tensor(call, 1) : NULL;
    if (!b || !arg_real(call, 2, &tolerance->rtol) || !arg_real(call, 3, &tolerance->atol) ||
        !arg_bool(call, 4, &tolerance->equal_nan))
        return false;
    if (a->view.dtype != b->view.dtype) {
        py_raise(call->py, PYEXC_RuntimeError, "%s did not match %s",
                 torch_scalar_name(a->view.dtype), torch_scalar_name(b->view.dtype));
        return false;
    }
    return pair_up(call->py, a, b, call->op->name, pair);
}

/* What a comparison finds out; threads keep one each and merge. */
typedef struct Difference {
    int64_t mismatches;
    double absolute, relative; /* the greatest among mismatches; NaN if one is */
    int64_t absolute_at, relative_at;
    double largest; /* the greatest finite magnitude expected */
} Difference;

typedef struct Comparison {
    const Pair *pair;
    const Tolerance *tolerance;
    Difference *found; /* one a chunk */
} Comparison;

#define CHUNK (64 * BLOCK)

static void note_difference(Difference *found, int64_t at, double a, double b) {
    const double absolute = fabs(a - b), relative = absolute / fabs(b);
    if (found->absolute_at < 0 || absolute > found->absolute || isnan(absolute)) {
        found->absolute = absolute;
        found->absolute_at = at;
    }
    if (found->relative_at < 0 || relative > found->relative || isnan(relative)) {
        found->relative = relative;
        found->relative_at = at;
    }
}

static void compare_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Comparison *work = context;
    const int64_t total = dims_numel(&work->pair->shape);
    Num a[BLOCK], b[BLOCK];
    (void)worker;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        Difference found = {.absolute_at = -1, .relative_at = -1};
        const int64_t stop = (chunk + 1) * CHUNK < total ? (chunk + 1) * CHUNK : total;
        for (int64_t at = chunk * CHUNK; at < stop; at += BLOCK) {
            const size_t n = stop - at < BLOCK ? (size_t)(stop - at) : BLOCK;
            view_load(&work->pair->a, true, at, n, a);
            view_load(&work->pair->b, true, at, n, b);
            for (size_t i = 0; i < n; i++) {
                if (isfinite(b[i].f))
                    found.largest = fmax(found.largest, fabs(b[i].f));
                if (!is_close(a[i].f, b[i].f, work->tolerance)) {
                    found.mismatches++;
                    note_difference(&found, at + (int64_t)i, a[i].f, b[i].f);
                }
            }
        }
        work->found[chunk] = found;
    }
}

static Difference compare(TorchState *state, const Pair *pair, const Tolerance *tolerance) {
    const int64_t chunks = (dims_numel(&pair->shape) + CHUNK - 1) / CHUNK;
    Difference all = {.absolute_at = -1, .relative_at = -1};
    Comparison work = {.pair = pair, .tolerance = tolerance};
    if (chunks == 0)
        return all;
    work.found = oom_malloc(state->oom, (size_t)chunks * sizeof *work.found);
    threads_for(state->pool, chunks, 1, compare_body, &work);
    for (int64_t c = 0; c < chunks; c++) {
        const Difference *part = &work.found[c];
        all.mismatches += part->mismatches;
        all.largest = fmax(all.largest, part->largest);
        if (part->mismatches > 0 &&
            (all.absolute_at < 0 || part->absolute > all.absolute || isnan(part->absolute))) {
            all.absolute = part->absolute;
            all.absolute_at = part->absolute_at;
        }
        if (part->mismatches > 0 &&
            (all.relative_at < 0 || part->relative > all.relative || isnan(part->relative))) {
            all.relative = part->relative;
            all.relative_at = part->relative_at;
        }
    }
    free(work.found);
    return all;
}

/* ---- allclose, isclose, equal -----------------------------------------------------------------
 */

PyValue op_allclose(TorchCall *call) {
    Tolerance tolerance = {.rtol = 1e-5, .atol = 1e-8};
    Pair pair;
    if (!read_pair(call, &pair, &tolerance))
        return PY_FAIL;
    return py_bool(compare(torch_state(call->py), &pair, &tolerance).mismatches == 0);
}

static void kernel_close(const Num *const *in, Num *out, size_t n, const double *p) {
    const Tolerance tolerance = {.rtol = p[0], .atol = p[1], .equal_nan = p[2] != 0};
    for (size_t i = 0; i < n; i++)
        out[i].i = is_close(in[0][i].f, in[1][i].f, &tolerance);
}

PyValue op_isclose(TorchCall *call) {
    Tolerance tolerance = {.rtol = 1e-5, .atol = 1e-8};
    Pair pair;
    if (!read_pair(call, &pair, &tolerance))
        return PY_FAIL;
    Tensor *out = tensor_new(call->py, DT_BOOL, &pair.shape, pair.on_device);
    if (!out)
        return PY_FAIL;
    const double params[3] = {tolerance.rtol, tolerance.atol, tolerance.equal_nan};
    Elementwise work = {
        .out = out->view,
        .in_float = true,
        .num_in = 2,
        .in = {{.view = pair.a, .rounded = DT_COUNT}, {.view = pair.b, .rounded = DT_COUNT}},
        .kernel = kernel_close,
        .params = params};
    elementwise_run(torch_state(call->py), &work);
    return tensor_value(out);
}

static bool same_shape(const MemView *a, const MemView *b) {
    bool same = a->rank == b->rank;
    for (unsigned d = 0; same && d < a->rank; d++)
        same = a->shape[d] == b->shape[d];
    return same;
}

/* Integers are compared as such: doubles do not hold all of them. */
static bool views_equal(const MemView *a, const MemView *b) {
    const bool as_float = dtype_is_float(a->dtype) || dtype_is_float(b->dtype);
    const int64_t count = view_numel(a);
    Num x[BLOCK], y[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        const size_t n = count - at < BLOCK ? (size_t)(count - at) : BLOCK;
        view_load(a, as_float, at, n, x);
        view_load(b, as_float, at, n, y);
        for (size_t i = 0; i < n; i++)
            if (as_float ? x[i].f != y[i].f : x[i].i != y[i].i)
                return false;
    }
    return true;
}

PyValue op_equal(TorchCall *call) {
    Tensor *a = arg_tensor(call, 0), *b = a ? arg_tensor(call, 1) : NULL;
    Pair pair;
    if (!b)
        return PY_FAIL;
    if (!same_shape(&a->view, &b->view))
        return py_bool(false);
    if (!pair_up(call->py, a, b, "equal", &pair))
        return PY_FAIL;
    return py_bool(views_equal(&a->view, &b->view));
}

/* ---- assert_close -----------------------------------------------------------------------------
 */

static Tolerance default_tolerance(DType dtype) {
    switch (dtype) {
    case DT_F16:
        return (Tolerance){.rtol = 1e-3, .atol = 1e-5};
    case DT_BF16:
        return (Tolerance){.rtol = 1.6e-2, .atol = 1e-5};
    case DT_F32:
        return (Tolerance){.rtol = 1.3e-6, .atol = 1e-5};
    case DT_F64:
        return (Tolerance){.rtol = 1e-7, .atol = 1e-7};
    case DT_F8E4M3:
    case DT_F8E5M2:
        return (Tolerance){.rtol = 0, .atol = 0};
    case DT_BOOL:
    case DT_I8:
    case DT_I16:
    case DT_I32:
    case DT_I64:
    case DT_U8:
    case DT_U16:
    case DT_U32:
    case DT_U64:
    case DT_COUNT:
        break;
    }
    return (Tolerance){.rtol = 0, .atol = 0};
}

/* Of two types the looser one. */
static Tolerance pair_tolerance(DType a, DType b) {
    const Tolerance x = default_tolerance(a), y = default_tolerance(b);
    return (Tolerance){.rtol = fmax(x.rtol, y.rtol), .atol = fmax(x.atol, y.atol)};
}

static void put_index(const Pair *pair, int64_t at, StrBuf *out) {
    int64_t index[MEM_MAX_RANK];
    for (unsigned d = pair->shape.len; d-- > 0; at /= pair->shape.at[d])
        index[d] = at % pair->shape.at[d];
    strbuf_putc(out, '(');
    for (unsigned d = 0; d < pair->shape.len; d++)
        strbuf_printf(out, "%s%lld", d > 0 ? ", " : "", (long long)index[d]);
    strbuf_puts(out, pair->shape.len == 1 ? ",)" : ")");
}

static void put_number(PyCtx *py, double value, bool whole, StrBuf *out) {
    py_repr(py, whole ? py_int((int64_t)value) : py_float(value), out);
}

static const char *difference_text(PyCtx *py, const Pair *pair, const Difference *found,
                                   const Tolerance *tolerance) {
    const bool exact = tolerance->rtol == 0 && tolerance->atol == 0;
    const bool whole = !dtype_is_float(pair->a.dtype) && !dtype_is_float(pair->b.dtype);
    const int64_t total = dims_numel(&pair->shape);
    StrBuf out = STRBUF(py->arena);
    strbuf_printf(&out, "Tensor-likes are not %s!\n\n", exact ? "equal" : "close");
    strbuf_printf(&out, "Mismatched elements: %lld / %lld (%.1f%%)\n", (long long)found->mismatches,
                  (long long)total, 100.0 * (double)found->mismatches / (double)total);
    for (int k = 0; k < 2; k++) {
        strbuf_printf(&out, "Greatest %s difference: ", k == 0 ? "absolute" : "relative");
        put_number(py, k == 0 ? found->absolute : found->relative, k == 0 && whole, &out);
        strbuf_puts(&out, " at index ");
        put_index(pair, k == 0 ? found->absolute_at : found->relative_at, &out);
        if (!exact) {
            strbuf_puts(&out, " (up to ");
            put_number(py, k == 0 ? tolerance->atol : tolerance->rtol, false, &out);
            strbuf_puts(&out, " allowed)");
        }
        if (k == 0)
            strbuf_putc(&out, '\n');
    }
    return strbuf_str(&out);
}

static PyValue assertion(const TorchCall *call, const char *text) {
    const char *message = NULL;
    if (py_is_str(call->arg[7]))
        message = py_str_data(call->arg[7], NULL);
    return py_raise(call->py, PYEXC_AssertionError, "%s", message ? message : text);
}

/* Attributes first, as PyTorch does: shape, device, type. NULL: they agree. */
static const char *attribute_difference(PyCtx *py, const Tensor *a, const Tensor *b,
                                        bool check_device, bool check_dtype) {
    StrBuf out = STRBUF(py->arena);
    if (!same_shape(&a->view, &b->view)) {
        strbuf_puts(&out, "The values for attribute 'shape' do not match: torch.Size(");
        dims_print(a->view.shape, a->view.rank, &out);
        strbuf_puts(&out, ") != torch.Size(");
        dims_print(b->view.shape, b->view.rank, &out);
        strbuf_puts(&out, ").");
    } else if (check_device && a->on_device != b->on_device) {
        strbuf_printf(&out, "The values for attribute 'device' do not match: %s != %s.",
                      a->on_device ? "cuda:0" : "cpu", b->on_device ? "cuda:0" : "cpu");
    } else if (check_dtype && a->view.dtype != b->view.dtype) {
        strbuf_printf(&out, "The values for attribute 'dtype' do not match: torch.%s != torch.%s.",
                      dtype_infos[a->view.dtype].torch_name, dtype_infos[b->view.dtype].torch_name);
    }
    return out.len > 0 ? strbuf_str(&out) : NULL;
}

/* A number or list among the arguments becomes a tensor beside the other one. A new reference. */
static PyValue as_operand(const TorchCall *call, unsigned index) {
    const Tensor *other = tensor_of(call->arg[1 - index]);
    if (tensor_of(call->arg[index]))
        return py_incref(call->arg[index]);
    return torch_tensor_from_data(call->py, call->arg[index], DT_COUNT, other && other->on_device);
}

static PyValue assert_close(const TorchCall *call, Tensor *a, Tensor *b) {
    PyCtx *py = call->py;
    Tolerance tolerance = pair_tolerance(a->view.dtype, b->view.dtype);
    bool check_device = true, check_dtype = true;
    if (arg_given(call, 2) != arg_given(call, 3))
        return py_raise(py, PYEXC_ValueError,
                        "rtol and atol must both be given or both be left out");
    if (!arg_real(call, 2, &tolerance.rtol) || !arg_real(call, 3, &tolerance.atol) ||
        !arg_bool(call, 4, &tolerance.equal_nan) || !arg_bool(call, 5, &check_device) ||
        !arg_bool(call, 6, &check_dtype))
        return PY_FAIL;
    const char *text = attribute_difference(py, a, b, check_device, check_dtype);
    if (text)
        return assertion(call, text);
    Pair pair = {.a = a->view, .b = b->view, .shape = tensor_shape(a)};
    if (!tensor_check_written(py, a, "assert_close") ||
        !tensor_check_written(py, b, "assert_close"))
        return PY_FAIL;
    const Difference found = compare(torch_state(py), &pair, &tolerance);
    if (found.mismatches == 0)
        return PY_NONE;
    return assertion(call, difference_text(py, &pair, &found, &tolerance));
}

PyValue op_assert_close(TorchCall *call) {
    size_t len, other;
    if (torch_sequence(call->arg[0], &len) && torch_sequence(call->arg[1], &other) &&
        len == other && len > 0 && tensor_of(torch_sequence_item(call->arg[0], 0))) {
        for (size_t i = 0; i < len; i++) { /* sequences of tensors, pair by pair */
            TorchCall inner = *call;
            inner.arg[0] = torch_sequence_item(call->arg[0], i);
            inner.arg[1] = torch_sequence_item(call->arg[1], i);
            if (py_failed(op_assert_close(&inner)))
                return PY_FAIL;
        }
        return PY_NONE;
    }
    const PyValue a = as_operand(call, 0);
    const PyValue b = py_failed(a) ? PY_FAIL : as_operand(call, 1);
    const PyValue result = py_failed(b) ? PY_FAIL : assert_close(call, tensor_of(a), tensor_of(b));
    py_decref(call->py, a);
    py_decref(call->py, b);
    return result;
}

int torch_all_near(PyCtx *py, PyValue actual, PyValue expected) {
    Tensor *a = tensor_of(actual), *b = tensor_of(expected);
    Tolerance tolerance = pair_tolerance(a->view.dtype, b->view.dtype);
    tolerance.equal_nan = true;
    Pair pair;
    if (!same_shape(&a->view, &b->view))
        return 0;
    if (!pair_up(py, a, b, "compare", &pair))
        return -1;
    const Difference found = compare(torch_state(py), &pair, &tolerance);
    return found.mismatches == 0 || found.absolute <= tolerance.rtol * found.largest;
}
