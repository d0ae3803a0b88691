/* torch_nn.c -- softmax, normalisations, attention and losses.
 *
 * Operations on whole lines (softmax, layer_norm, rms_norm) load a line of the input as doubles,
 * compute, and store it: one rounding from input to result. Attention is made of matrix products
 * and softmax in float64 and rounds at its end.
 */
#include <math.h>
#include <stdlib.h>

#include "runtime/host/torch_internal.h"

/* ---- lines ------------------------------------------------------------------------------------
 */

typedef struct Lines Lines;
typedef void (*LineKernel)(const Lines *lines, Num *values);
struct Lines {
    MemView in, out; /* the line is the last dimension */
    int64_t len;
    LineKernel kernel;
    double eps;
    double *weight, *bias; /* of one line; NULL: none */
    Num *scratch;          /* one line a worker */
};

static void lines_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Lines *lines = context;
    Num *values = lines->scratch + (int64_t)worker * lines->len;
    for (int64_t line = begin; line < end; line++) {
        view_load(&lines->in, true, line * lines->len, (size_t)lines->len, values);
        lines->kernel(lines, values);
        view_store(&lines->out, true, line * lines->len, (size_t)lines->len, values);
    }
}

static void lines_run(TorchState *state, Lines *lines, int64_t count) {
    if (lines->len == 0 || count == 0)
        return;
    lines->scratch = oom_malloc(state->oom, threads_count(state->pool) * (size_t)lines->len *
                                                sizeof *lines->scratch);
    threads_for(state->pool, count, 1 + 8192 / lines->len, lines_body, lines);
    free(lines->scratch);
}

/* ---- softmax ----------------------------------------------------------------------------------
 */

static double line_max(const Lines *lines, const Num *values) {
    double high = values[0].f;
    for (int64_t i = 1; i < lines->len; i++)
        high = values[i].f > high || isnan(values[i].f) ? values[i].f : high;
    return high;
}

static void softmax_line(const Lines *lines, Num *values) {
    const double high = line_max(lines, values);
    double sum = 0;
    for (int64_t i = 0; i < lines->len; i++) {
        values[i].f = exp(values[i].f - high);
        sum += values[i].f;
    }
    for (int64_t i = 0; i < lines->len; i++)
        values[i].f /= sum;
}

static void log_softmax_line(const Lines *lines, Num *values) {
    const double high = line_max(lines, values);
    double sum = 0;
    for (int64_t i = 0; i < lines->len; i++)
        sum += exp(values[i].f - high);
    const double shift = high + log(sum);
    for (int64_t i = 0; i < lines->len; i++)
        values[i].f -= shift;
}

static PyValue no_floats(const TorchCall *call, const Tensor *t) {
    return py_raise(call->py, PYEXC_RuntimeError, "\"%s\" not implemented for '%s'", call->op->name,
                    torch_scalar_name(t->view.dtype));
}

/* softmax (variant 0) and log_softmax (1): (input, dim, dtype). */
PyValue op_softmax(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    if (!t)
        return PY_FAIL;
    DType dtype = t->view.dtype;
    unsigned dim = 0, order[MEM_MAX_RANK], rank = 0;
    if (!arg_given(call, 1))
        return py_raise(py, PYEXC_TypeError, "%s() missing required argument: 'dim'",
                        call->op->name);
    if (!arg_dim(call, 1, t->view.rank, &dim) || !arg_dtype(call, 2, &dtype) ||
        !tensor_check_written(py, t, call->op->name))
        return PY_FAIL;
    if (!dtype_is_float(dtype) || dtype_is_fp8(dtype))
        return no_floats(call, t);
    Tensor *out = tensor_new_like(py, t, dtype);
    if (!out)
        return PY_FAIL;
    Lines lines = {.in = t->view,
                   .out = out->view,
                   .len = t->view.rank > 0 ? t->view.shape[dim] : 1,
                   .kernel = call->op->variant == 0 ? softmax_line : log_softmax_line};
    for (unsigned d = 0; d < t->view.rank; d++)
        if (d != dim)
            order[rank++] = d;
    order[rank] = dim;
    view_permute(&lines.in, order);
    view_permute(&lines.out, order);
    lines_run(torch_state(py), &lines, lines.len > 0 ? view_numel(&t->view) / lines.len : 0);
    return tensor_value(out);
}

/* ---- normalisations ---------------------------------------------------------------------------
 */

static void scale_line(const Lines *lines, Num *values, double mean, double factor) {
    for (int64_t i = 0; i < lines->len; i++) {
        values[i].f = (values[i].f - mean) * factor;
        if (lines->weight)
            values[i].f *= lines->weight[i];
        if (lines->bias)
            values[i].f += lines->bias[i];
    }
}

static void layer_norm_line(const Lines *lines, Num *values) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < lines->len; i++)
        sum += values[i].f;
    const double mean = sum / (double)lines->len;
    for (int64_t i = 0; i < lines->len; i++)
        squares += (values[i].f - mean) * (values[i].f - mean);
    scale_line(lines, values, mean, 1 / sqrt(squares / (double)lines->len + lines->eps));
}

static void rms_norm_line(const Lines *lines, Num *values) {
    double squares = 0;
    for (int64_t i = 0; i < lines->len; i++)
        squares += values[i].f * values[i].f;
    scale_line(lines, values, 0, 1 / sqrt(squares / (double)lines->len + lines->eps));
}

/* The doubles of a weight or bias of `len` elements; false with an error if it does not fit. */
static bool read_weight(const TorchCall *call, unsigned index, int64_t len, double **out) {
    if (!arg_given(call, index))
        return true;
    Tensor *t = arg_tensor(call, index);
    if (!t || !tensor_check_written(call->py, t, call->op->name))
        return false;
    if (view_numel(&t->view) != len) {
        py_raise(call->py, PYEXC_RuntimeError,
                 "%s(): expected weight and bias of %lld elements, got %lld", call->op->name,
                 (long long)len, (long long)view_numel(&t->view));
        return false;
    }
    *out = oom_malloc(call->py->oom, ((size_t)len + 1) * sizeof **out);
    for (int64_t i = 0; i < len; i++) {
        Num value;
        view_load(&t->view, true, i, 1, &value);
        (*out)[i] = value.f;
    }
    return true;
}

/* Runs over the trailing dimensions `normalized`; frees the weights. */
static PyValue normalise(TorchCall *call, Tensor *t, const Dims *normalized, Lines *lines) {
    PyCtx *py = call->py;
    Tensor *out = NULL;
    bool fits = normalized->len <= t->view.rank;
    for (unsigned d = 0; fits && d < normalized->len; d++)
        fits = t->view.shape[t->view.rank - normalized->len + d] == normalized->at[d];
    if (!fits)
        py_raise(py, PYEXC_RuntimeError,
                 "%s(): the last dimensions of the input must be "
                 "normalized_shape",
                 call->op->name);
    else if (!dtype_is_float(t->view.dtype) || dtype_is_fp8(t->view.dtype))
        no_floats(call, t);
    else if (tensor_check_written(py, t, call->op->name))
        out = tensor_new_like(py, t, t->view.dtype);
    if (out) {
        lines->in = t->view;
        lines->out = out->view;
        lines_run(torch_state(py), lines, lines->len > 0 ? view_numel(&t->view) / lines->len : 0);
    }
    free(lines->weight);
    free(lines->bias);
    return tensor_value(out);
}

/* (input, normalized_shape, weight, bias, eps) */
PyValue op_layer_norm(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Dims shape;
    Lines lines = {.kernel = layer_norm_line, .eps = 1e-5};
    if (!t || !arg_dims(call, 1, &shape) || !arg_real(call, 4, &lines.eps))
        return PY_FAIL;
    lines.len = dims_numel(&shape);
    if (!read_weight(call, 2, lines.len, &lines.weight))
        return PY_FAIL;
    if (!read_weight(call, 3, lines.len, &lines.bias)) {
        free(lines.weight);
        return PY_FAIL;
    }
    return normalise(call, t, &shape, &lines);
}

/* (input, normalized_shape, weight, eps): eps is the epsilon of the input's type by default. */
PyValue op_rms_norm(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    Dims shape;
    Lines lines = {.kernel = rms_norm_line};
    if (!t)
        return PY_FAIL;
    lines.eps = t->view.dtype == DT_F64    ? 0x1p-52
                : t->view.dtype == DT_F16  ? 0x1p-10
                : t->view.dtype == DT_BF16 ? 0x1p-7
                                           : 0x1p-23;
    if (!arg_dims(call, 1, &shape) || !arg_real(call, 3, &lines.eps))
        return PY_FAIL;
    lines.len = dims_numel(&shape);
    return read_weight(call, 2, lines.len, &lines.weight) ? normalise(call, t, &shape, &lines)
                                                          : PY_FAIL;
}

/* normalize(input, p=2, dim=1, eps=1e-12): input / max(norm, eps). */
PyValue op_normalize(TorchCall *call) {
    PyCtx *py = call->py;
    double eps = 1e-12;
    const PyValue norm_args[4] = {call->arg[0], arg_given(call, 1) ? call->arg[1] : py_float(2),
                                  arg_given(call, 2) ? call->arg[2] : py_int(1), py_bool(true)};
    if (!arg_tensor(call, 0) || !arg_real(call, 3, &eps))
        return PY_FAIL;
    const PyValue norm = torch_call_by_name(py, "norm", norm_args, 4);
    if (py_failed(norm))
        return PY_FAIL;
    const PyValue bounded = torch_binary(py, BINARY_OP_maximum, norm, py_float(eps));
    const PyValue result =
        py_failed(bounded) ? PY_FAIL : torch_binary(py, BINARY_OP_div, call->arg[0], bounded);
    py_decref(py, norm);
    py_decref(py, bounded);
    return result;
}

/* ---- attention --------------------------------------------------------------------------------
 */

/* Where query i may not see key j, the score is -infinity. */
static void mask_future(Tensor *scores) {
    const unsigned rank = scores->view.rank;
    const int64_t rows = scores->view.shape[rank - 2], columns = scores->view.shape[rank - 1];
    const int64_t count = view_numel(&scores->view);
    const Num hidden = {.f = -(double)INFINITY};
    for (int64_t at = 0; at < count; at++)
        if (at % columns > at / columns % rows)
            view_store(&scores->view, true, at, 1, &hidden);
}

/* A method call that consumes its first argument. */
static PyValue chain(PyCtx *py, PyValue self, const char *method, PyValue argument) {
    if (py_failed(self))
        return PY_FAIL;
    const PyValue args[2] = {self, argument};
    const PyValue result = torch_call_by_name(py, method, args, 2);
    py_decref(py, self);
    return result;
}

static PyValue attention_bias(PyCtx *py, PyValue scores, PyValue mask) {
    const Tensor *t = tensor_of(mask);
    if (py_failed(scores) || !t)
        return scores;
    if (t->view.dtype != DT_BOOL)
        return chain(py, scores, "add", mask);
    const PyValue hidden = torch_unary(py, UNARY_OP_logical_not, tensor_of(mask), NULL);
    const PyValue args[3] = {scores, hidden, py_float(-(double)INFINITY)};
    const PyValue result =
        py_failed(hidden) ? PY_FAIL : torch_call_by_name(py, "masked_fill", args, 3);
    py_decref(py, scores);
    py_decref(py, hidden);
    return result;
}

static PyValue as_double(PyCtx *py, PyValue tensor) {
    Tensor *t = tensor_of(tensor);
    return tensor_value(tensor_convert(py, t, DT_F64, t->on_device));
}

static PyValue attention_scores(TorchCall *call, double scale, bool causal) {
    PyCtx *py = call->py;
    const PyValue key = as_double(py, call->arg[1]);
    const PyValue args[3] = {key, py_int(-2), py_int(-1)};
    const PyValue transposed =
        py_failed(key) ? PY_FAIL : torch_call_by_name(py, "transpose", args, 3);
    const PyValue q = as_double(py, call->arg[0]);
    PyValue scores = PY_FAIL;
    if (!py_failed(q) && !py_failed(transposed))
        scores = tensor_value(tensor_matmul(py, tensor_of(q), tensor_of(transposed)));
    py_decref(py, q);
    py_decref(py, key);
    py_decref(py, transposed);
    scores = chain(py, scores, "mul", py_float(scale));
    if (causal && !py_failed(scores))
        mask_future(tensor_of(scores));
    return attention_bias(py, scores, call->arg[3]);
}

/* (query, key, value, attn_mask, dropout_p, is_causal, scale) */
PyValue op_attention(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *query = arg_tensor(call, 0);
    double dropout = 0;
    bool causal = false;
    if (!query || !arg_tensor(call, 1) || !arg_tensor(call, 2) || !arg_real(call, 4, &dropout) ||
        !arg_bool(call, 5, &causal))
        return PY_FAIL;
    if (dropout != 0)
        return py_raise(py, PYEXC_RuntimeError, "attention with dropout has no reference here");
    if (query->view.rank < 2)
        return py_raise(py, PYEXC_RuntimeError, "attention needs at least 2 dimensions");
    double scale = 1 / sqrt((double)query->view.shape[query->view.rank - 1]);
    if (!arg_real(call, 6, &scale))
        return PY_FAIL;
    const PyValue weights = chain(py, attention_scores(call, scale, causal), "softmax", py_int(-1));
    const PyValue value = as_double(py, call->arg[2]);
    PyValue result = PY_FAIL;
    if (!py_failed(weights) && !py_failed(value)) {
        const PyValue out = tensor_value(tensor_matmul(py, tensor_of(weights), tensor_of(value)));
        if (!py_failed(out))
            result = tensor_value(
                tensor_convert(py, tensor_of(out), query->view.dtype, query->on_device));
        py_decref(py, out);
    }
    py_decref(py, weights);
    py_decref(py, value);
    return result;
}

/* mse_loss(input, target, reduction="mean" | "sum" | "none") */
PyValue op_mse_loss(TorchCall *call) {
    PyCtx *py = call->py;
    const char *reduction = "mean";
    if (!arg_tensor(call, 0) || !arg_tensor(call, 1) || !arg_str(call, 2, &reduction))
        return PY_FAIL;
    const PyValue difference = torch_binary(py, BINARY_OP_sub, call->arg[0], call->arg[1]);
    if (py_failed(difference))
        return PY_FAIL;
    const PyValue squares = torch_unary(py, UNARY_OP_square, tensor_of(difference), NULL);
    py_decref(py, difference);
    if (py_failed(squares) || str_eq(reduction, "none"))
        return squares;
    const PyValue result =
        torch_call_by_name(py, str_eq(reduction, "sum") ? "sum" : "mean", &squares, 1);
    py_decref(py, squares);
    return result;
}
