/* torch_reductions.c -- sum, mean, max, var, any and the other reductions, and running sums.
 *
 * Each reduction is a Reducer: how elements are folded into an accumulator, how two accumulators
 * merge, and what the result is. Variances use the parallel update of Chan, Golub and LeVeque
 * (1979): chunks of numbers give (count, mean, sum of squared deviations), which merge without
 * cancellation.
 */
#include <math.h>

#include "runtime/host/torch_internal.h"

/* ---- folds ------------------------------------------------------------------------------------
 */

#define FOLD(name, update)                                                                         \
    static void name(Accumulator *acc, const Num *x, size_t n, const double *p) {                  \
        (void)p;                                                                                   \
        for (size_t k = 0; k < n; k++) {                                                           \
            update                                                                                 \
        }                                                                                          \
        acc->count += (int64_t)n;                                                                  \
    }
#define MERGE(name, update)                                                                        \
    static void name(Accumulator *acc, const Accumulator *from, const double *p) {                 \
        (void)p;                                                                                   \
        update acc->count += from->count;                                                          \
    }
/* The accumulator takes the place of element k if `wins`. */
#define TAKE(field, wins)                                                                          \
    if (acc->count + (int64_t)k == 0 || (wins)) {                                                  \
        acc->value.field = x[k].field;                                                             \
        acc->index = acc->count + (int64_t)k;                                                      \
    }
#define TAKE_PART(wins)                                                                            \
    if (wins) {                                                                                    \
        acc->value = from->value;                                                                  \
        acc->index = from->index;                                                                  \
    }

static Num finish_value(const Accumulator *acc, const double *p) {
    (void)p;
    return acc->value;
}
static Num finish_mean(const Accumulator *acc, const double *p) {
    (void)p;
    return (Num){.f = acc->value.f / (double)acc->count};
}

FOLD(fold_sum_f, acc->value.f += x[k].f;)
MERGE(merge_sum_f, acc->value.f += from->value.f;)
FOLD(fold_sum_i, acc->value.i = (int64_t)((uint64_t)acc->value.i + (uint64_t)x[k].i);)
MERGE(merge_sum_i, acc->value.i = (int64_t)((uint64_t)acc->value.i + (uint64_t)from->value.i);)
FOLD(fold_prod_f, acc->value.f *= x[k].f;)
MERGE(merge_prod_f, acc->value.f *= from->value.f;)
FOLD(fold_prod_i, acc->value.i = (int64_t)((uint64_t)acc->value.i * (uint64_t)x[k].i);)
MERGE(merge_prod_i, acc->value.i = (int64_t)((uint64_t)acc->value.i * (uint64_t)from->value.i);)
/* NaN beats every number, and the first of equals wins. */
FOLD(fold_max_f, TAKE(f, x[k].f > acc->value.f || (isnan(x[k].f) && !isnan(acc->value.f))))
MERGE(merge_max_f,
      TAKE_PART(from->value.f > acc->value.f || (isnan(from->value.f) && !isnan(acc->value.f))))
FOLD(fold_max_i, TAKE(i, x[k].i > acc->value.i))
MERGE(merge_max_i, TAKE_PART(from->value.i > acc->value.i))
FOLD(fold_min_f, TAKE(f, x[k].f < acc->value.f || (isnan(x[k].f) && !isnan(acc->value.f))))
MERGE(merge_min_f,
      TAKE_PART(from->value.f < acc->value.f || (isnan(from->value.f) && !isnan(acc->value.f))))
FOLD(fold_min_i, TAKE(i, x[k].i < acc->value.i))
MERGE(merge_min_i, TAKE_PART(from->value.i < acc->value.i))
FOLD(fold_any_f, acc->value.i |= x[k].f != 0;)
FOLD(fold_any_i, acc->value.i |= x[k].i != 0;)
MERGE(merge_any, acc->value.i |= from->value.i;)
FOLD(fold_all_f, acc->value.i &= x[k].f != 0;)
FOLD(fold_all_i, acc->value.i &= x[k].i != 0;)
MERGE(merge_all, acc->value.i &= from->value.i;)
FOLD(fold_count_f, acc->value.i += x[k].f != 0;)
FOLD(fold_count_i, acc->value.i += x[k].i != 0;)

/* p[0] is the order of the norm: 0 counts, infinity is the largest magnitude. */
static void fold_norm(Accumulator *acc, const Num *x, size_t n, const double *p) {
    double sum = acc->value.f;
    for (size_t k = 0; k < n; k++) {
        const double magnitude = fabs(x[k].f);
        if (isinf(p[0]))
            sum = magnitude > sum || isnan(magnitude) ? magnitude : sum;
        else if (p[0] == 2)
            sum += magnitude * magnitude;
        else
            sum += p[0] == 1 ? magnitude : p[0] == 0 ? magnitude != 0 : pow(magnitude, p[0]);
    }
    acc->value.f = sum;
    acc->count += (int64_t)n;
}
static void merge_norm(Accumulator *acc, const Accumulator *from, const double *p) {
    if (isinf(p[0]))
        acc->value.f =
            from->value.f > acc->value.f || isnan(from->value.f) ? from->value.f : acc->value.f;
    else
        acc->value.f += from->value.f;
}
static Num finish_norm(const Accumulator *acc, const double *p) {
    if (isinf(p[0]) || p[0] == 0 || p[0] == 1)
        return acc->value;
    return (Num){.f = p[0] == 2 ? sqrt(acc->value.f) : pow(acc->value.f, 1 / p[0])};
}

/* value: the mean; extra: the sum of squared deviations from it. */
static void merge_var(Accumulator *acc, const Accumulator *from, const double *p) {
    const double n = (double)acc->count, m = (double)from->count;
    (void)p;
    if (from->count == 0)
        return;
    const double delta = from->value.f - acc->value.f;
    acc->value.f += delta * (m / (n + m));
    acc->extra += from->extra + delta * delta * (n * m / (n + m));
    acc->count += from->count;
}
static void fold_var(Accumulator *acc, const Num *x, size_t n, const double *p) {
    Accumulator block = {.count = (int64_t)n};
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += x[k].f;
    block.value.f = sum / (double)n;
    for (size_t k = 0; k < n; k++)
        block.extra += (x[k].f - block.value.f) * (x[k].f - block.value.f);
    merge_var(acc, &block, p);
}
/* p[0]: the correction. */
static Num finish_var(const Accumulator *acc, const double *p) {
    const double divisor = (double)acc->count - p[0];
    return (Num){.f = acc->extra / (divisor > 0 ? divisor : 0)};
}
static Num finish_std(const Accumulator *acc, const double *p) {
    return (Num){.f = sqrt(finish_var(acc, p).f)};
}

/* value: the maximum so far; extra: the sum of exp(x - maximum). */
static void merge_logsumexp(Accumulator *acc, const Accumulator *from, const double *p) {
    const double high = fmax(acc->value.f, from->value.f);
    (void)p;
    if (!isinf(high))
        acc->extra =
            acc->extra * exp(acc->value.f - high) + from->extra * exp(from->value.f - high);
    else
        acc->extra = isinf(high) && high > 0 ? 1 : 0;
    acc->value.f = high;
}
static void fold_logsumexp(Accumulator *acc, const Num *x, size_t n, const double *p) {
    for (size_t k = 0; k < n; k++) {
        const Accumulator one = {.value = x[k], .extra = 1};
        merge_logsumexp(acc, &one, p);
        if (isnan(x[k].f))
            acc->extra = x[k].f;
    }
}
static Num finish_logsumexp(const Accumulator *acc, const double *p) {
    (void)p;
    return (Num){.f = acc->extra == 0 ? -(double)INFINITY : acc->value.f + log(acc->extra)};
}

/* ---- the table --------------------------------------------------------------------------------
 */

typedef enum ResultType {
    RESULT_SUM,
    RESULT_SAME,
    RESULT_FLOAT,
    RESULT_BOOL,
    RESULT_LONG
} ResultType;
static const struct {
    ResultType type;
    bool needs_elements; /* an empty input is an error */
    Reducer floats, integers;
} reductions[REDUCE_COUNT] = {
    [REDUCE_SUM] = {RESULT_SUM,
                    false,
                    {.fold = fold_sum_f, .merge = merge_sum_f, .finish = finish_value},
                    {.fold = fold_sum_i, .merge = merge_sum_i, .finish = finish_value}},
    [REDUCE_MEAN] = {RESULT_FLOAT,
                     false,
                     {.fold = fold_sum_f, .merge = merge_sum_f, .finish = finish_mean},
                     {.fold = NULL}},
    [REDUCE_PROD] =
        {RESULT_SUM,
         false,
         {.fold = fold_prod_f, .merge = merge_prod_f, .finish = finish_value, .initial = {.f = 1}},
         {.fold = fold_prod_i, .merge = merge_prod_i, .finish = finish_value, .initial = {.i = 1}}},
    [REDUCE_MAX] = {RESULT_SAME,
                    true,
                    {.fold = fold_max_f, .merge = merge_max_f, .finish = finish_value},
                    {.fold = fold_max_i, .merge = merge_max_i, .finish = finish_value}},
    [REDUCE_MIN] = {RESULT_SAME,
                    true,
                    {.fold = fold_min_f, .merge = merge_min_f, .finish = finish_value},
                    {.fold = fold_min_i, .merge = merge_min_i, .finish = finish_value}},
    [REDUCE_ANY] = {RESULT_BOOL,
                    false,
                    {.fold = fold_any_f, .merge = merge_any, .finish = finish_value},
                    {.fold = fold_any_i, .merge = merge_any, .finish = finish_value}},
    [REDUCE_ALL] =
        {RESULT_BOOL,
         false,
         {.fold = fold_all_f, .merge = merge_all, .finish = finish_value, .initial = {.i = 1}},
         {.fold = fold_all_i, .merge = merge_all, .finish = finish_value, .initial = {.i = 1}}},
    [REDUCE_COUNT_NONZERO] = {RESULT_LONG,
                              false,
                              {.fold = fold_count_f, .merge = merge_sum_i, .finish = finish_value},
                              {.fold = fold_count_i, .merge = merge_sum_i, .finish = finish_value}},
    [REDUCE_VAR] = {RESULT_FLOAT,
                    false,
                    {.fold = fold_var, .merge = merge_var, .finish = finish_var},
                    {.fold = NULL}},
    [REDUCE_STD] = {RESULT_FLOAT,
                    false,
                    {.fold = fold_var, .merge = merge_var, .finish = finish_std},
                    {.fold = NULL}},
    [REDUCE_NORM] = {RESULT_FLOAT,
                     false,
                     {.fold = fold_norm, .merge = merge_norm, .finish = finish_norm},
                     {.fold = NULL}},
    [REDUCE_LOGSUMEXP] = {RESULT_FLOAT,
                          false,
                          {.fold = fold_logsumexp,
                           .merge = merge_logsumexp,
                           .finish = finish_logsumexp,
                           .initial = {.f = -INFINITY}},
                          {.fold = NULL}},
};

static bool result_dtype(const TorchCall *call, Reduce kind, DType in, DType *out) {
    switch (reductions[kind].type) {
    case RESULT_SUM:
        *out = dtype_is_float(in) ? in : DT_I64;
        return true;
    case RESULT_SAME:
        *out = in;
        return true;
    case RESULT_BOOL:
        *out = DT_BOOL;
        return true;
    case RESULT_LONG:
        *out = DT_I64;
        return true;
    case RESULT_FLOAT:
        break;
    }
    *out = in;
    if (dtype_is_float(in))
        return true;
    py_raise(call->py, PYEXC_RuntimeError,
             "%s(): could not infer output dtype. Input dtype must be either a floating point or "
             "complex dtype. Got: %s",
             call->op->name, torch_scalar_name(in));
    return false;
}

typedef struct ReduceArgs {
    Tensor *input;
    unsigned mask;
    bool keepdim;
    DType computed; /* the input is converted to this type first; DT_COUNT: it is not */
    const double *params;
} ReduceArgs;

/* Runs a reduction; `indices` (if not NULL) gets the positions, as int64. */
static Tensor *reduce(const TorchCall *call, Reduce kind, const ReduceArgs *args,
                      Tensor **indices) {
    PyCtx *py = call->py;
    const DType in = args->computed == DT_COUNT ? args->input->view.dtype : args->computed;
    const bool as_float = dtype_is_float(in);
    DType dtype;
    if (dtype_is_fp8(in)) {
        py_raise(py, PYEXC_RuntimeError, "\"%s\" not implemented for '%s'", call->op->name,
                 torch_scalar_name(in));
        return NULL;
    }
    if (!result_dtype(call, kind, in, &dtype) ||
        !tensor_check_written(py, args->input, call->op->name))
        return NULL;
    const Dims shape = reduced_shape(&args->input->view, args->mask, args->keepdim);
    if (reductions[kind].needs_elements && view_numel(&args->input->view) == 0 &&
        dims_numel(&shape) > 0) {
        py_raise(py, PYEXC_RuntimeError,
                 "%s(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                 "reduction dim with the 'dim' argument.",
                 call->op->name);
        return NULL;
    }
    Tensor *input = args->computed == DT_COUNT
                        ? tensor_alias(py, args->input)
                        : tensor_convert(py, args->input, in, args->input->on_device);
    Tensor *out = input ? tensor_new(py, dtype, &shape, input->on_device) : NULL;
    if (out && indices)
        *indices = tensor_new(py, DT_I64, &shape, input->on_device);
    if (out && (!indices || *indices)) {
        Reducer reducer = as_float ? reductions[kind].floats : reductions[kind].integers;
        const bool counts = dtype == DT_BOOL || kind == REDUCE_COUNT_NONZERO;
        reducer.from_float = as_float;
        reducer.out_float = as_float && !counts;
        reduce_run(torch_state(py), &reducer, &input->view, args->mask, args->params, &out->view,
                   indices ? &(*indices)->view : NULL);
    }
    tensor_release(py, input);
    return out;
}

/* sum, prod, mean, any, all, count_nonzero, amax, amin: (input, dim, keepdim, dtype). */
PyValue op_reduce(TorchCall *call) {
    ReduceArgs args = {.input = arg_tensor(call, 0), .computed = DT_COUNT};
    if (!args.input || !arg_dim_mask(call, 1, args.input->view.rank, &args.mask) ||
        !arg_bool(call, 2, &args.keepdim) || !arg_dtype(call, 3, &args.computed))
        return PY_FAIL;
    return tensor_value(reduce(call, (Reduce)call->op->variant, &args, NULL));
}

/* argmax, argmin: without dim, the position in the flattened tensor. */
PyValue op_argmax(TorchCall *call) {
    ReduceArgs args = {.input = arg_tensor(call, 0), .computed = DT_COUNT};
    Tensor *indices = NULL;
    if (!args.input || !arg_dim_mask(call, 1, args.input->view.rank, &args.mask) ||
        !arg_bool(call, 2, &args.keepdim))
        return PY_FAIL;
    Tensor *values = reduce(call, (Reduce)call->op->variant, &args, &indices);
    if (!values)
        return PY_FAIL;
    tensor_release(call->py, values);
    return tensor_value(indices);
}

/* max(input), max(input, other), max(input, dim, keepdim) and the same of min. */
PyValue op_max(TorchCall *call) {
    ReduceArgs args = {.input = arg_tensor(call, 0), .computed = DT_COUNT};
    const Reduce kind = (Reduce)call->op->variant;
    Tensor *indices = NULL;
    unsigned dim = 0;
    if (!args.input)
        return PY_FAIL;
    const PyValue other = arg_given(call, 3) ? call->arg[3] : call->arg[1];
    if (tensor_of(other))
        return torch_binary(call->py, kind == REDUCE_MAX ? BINARY_OP_maximum : BINARY_OP_minimum,
                            call->arg[0], other);
    if (!arg_given(call, 1)) {
        args.mask = (1u << args.input->view.rank) - 1u;
        return tensor_value(reduce(call, kind, &args, NULL));
    }
    if (!arg_dim(call, 1, args.input->view.rank, &dim) || !arg_bool(call, 2, &args.keepdim))
        return PY_FAIL;
    args.mask = args.input->view.rank > 0 ? 1u << dim : 0;
    Tensor *values = reduce(call, kind, &args, &indices);
    return values ? torch_result(call->py, call->op->name, values, indices) : PY_FAIL;
}

/* var, std: (input, dim, unbiased, keepdim, *, correction). */
PyValue op_var(TorchCall *call) {
    double params[1] = {1};
    bool unbiased = true;
    ReduceArgs args = {.input = arg_tensor(call, 0), .computed = DT_COUNT, .params = params};
    if (!args.input || !arg_bool(call, 2, &unbiased) || !arg_bool(call, 3, &args.keepdim) ||
        !arg_dim_mask(call, 1, args.input->view.rank, &args.mask))
        return PY_FAIL;
    params[0] = unbiased;
    if (!arg_real(call, 4, &params[0]))
        return PY_FAIL;
    return tensor_value(reduce(call, (Reduce)call->op->variant, &args, NULL));
}

/* norm(input, p, dim, keepdim, dtype): p is a number, "fro", or infinity. */
PyValue op_norm(TorchCall *call) {
    double params[1] = {2};
    ReduceArgs args = {.input = arg_tensor(call, 0), .computed = DT_COUNT, .params = params};
    const bool is_name = py_is_str(py_unwrap_constexpr(call->arg[1]));
    if (!args.input || !arg_dim_mask(call, 2, args.input->view.rank, &args.mask) ||
        !arg_bool(call, 3, &args.keepdim) || !arg_dtype(call, 4, &args.computed) ||
        (!is_name && !arg_real(call, 1, &params[0])))
        return PY_FAIL;
    if (is_name && !str_eq(py_str_data(py_unwrap_constexpr(call->arg[1]), NULL), "fro"))
        return py_raise(call->py, PYEXC_RuntimeError, "norm(): p must be a number or 'fro'");
    return tensor_value(reduce(call, REDUCE_NORM, &args, NULL));
}

/* ---- running sums and products ----------------------------------------------------------------
 */

typedef struct Scan {
    MemView in, out; /* the scanned dimension is the last one */
    bool as_float, is_product;
} Scan;

static void scan_step(const Scan *scan, Num *acc, Num x) {
    if (scan->as_float)
        acc->f = scan->is_product ? acc->f * x.f : acc->f + x.f;
    else
        acc->i = (int64_t)(scan->is_product ? (uint64_t)acc->i * (uint64_t)x.i
                                            : (uint64_t)acc->i + (uint64_t)x.i);
}

static void scan_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Scan *scan = context;
    const int64_t len = scan->in.shape[scan->in.rank - 1];
    Num block[256];
    (void)worker;
    for (int64_t line = begin; line < end; line++) {
        Num acc = {.i = scan->is_product};
        if (scan->as_float)
            acc.f = scan->is_product;
        for (int64_t at = 0; at < len; at += 256) {
            const size_t n = len - at < 256 ? (size_t)(len - at) : 256;
            view_load(&scan->in, scan->as_float, line * len + at, n, block);
            for (size_t k = 0; k < n; k++) {
                scan_step(scan, &acc, block[k]);
                block[k] = acc;
            }
            view_store(&scan->out, scan->as_float, line * len + at, n, block);
        }
    }
}

/* cumsum (variant 0) and cumprod (1): (input, dim, dtype). */
PyValue op_cumsum(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *t = arg_tensor(call, 0);
    DType dtype = t && dtype_is_float(t->view.dtype) ? t->view.dtype : DT_I64;
    unsigned dim = 0, order[MEM_MAX_RANK], rank = 0;
    if (!t || !arg_dim(call, 1, t->view.rank, &dim) || !arg_dtype(call, 2, &dtype) ||
        !tensor_check_written(py, t, call->op->name))
        return PY_FAIL;
    Tensor *out = tensor_new_like(py, t, dtype);
    if (!out)
        return PY_FAIL;
    Scan scan = {.in = t->view,
                 .out = out->view,
                 .as_float = dtype_is_float(dtype),
                 .is_product = call->op->variant == 1};
    if (t->view.rank == 0) {
        view_copy(torch_state(py), &out->view, &t->view);
        return tensor_value(out);
    }
    for (unsigned d = 0; d < t->view.rank; d++)
        if (d != dim)
            order[rank++] = d;
    order[rank] = dim;
    view_permute(&scan.in, order);
    view_permute(&scan.out, order);
    const int64_t len = t->view.shape[dim];
    if (len > 0)
        threads_for(torch_state(py)->pool, view_numel(&t->view) / len, 1 + 16384 / len, scan_body,
                    &scan);
    return tensor_value(out);
}
