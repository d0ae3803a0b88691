/* torch_matmul.c -- products of matrices, in double precision.
 *
 * Blocked as in Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008):
 * a task owns a block of the result; blocks of both operands are converted to doubles and packed so
 * that the innermost kernel, which computes 4 by 4 elements in registers, reads both in order.
 *
 *     result block 64 x 256  +=  A block 64 x 256 (packed by 4 rows)  *  B block 256 x 256 (by 4
 * columns)
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/host/torch_internal.h"

#define ROWS    64  /* of a block of A and of the result */
#define DEPTH   256 /* columns of A, rows of B */
#define COLUMNS 256 /* of a block of B and of the result */
#define MICRO   4   /* rows and columns of the innermost kernel */

typedef struct Scratch {
    Num a[ROWS * DEPTH];    /* [row / 4][k][row % 4] */
    Num b[DEPTH * COLUMNS]; /* [column / 4][k][column % 4] */
    Num c[ROWS * COLUMNS];
    Num row[DEPTH > COLUMNS ? DEPTH : COLUMNS];
} Scratch;

typedef struct Product {
    MemView a, b, out; /* [batch, m, k], [batch, k, n], [batch, m, n] */
    int64_t m, n, k;
    int64_t row_blocks, column_blocks;
    bool is_float;
    Scratch *scratch; /* one a worker */
} Product;

/* ---- packing ----------------------------------------------------------------------------------
 */

static void pack_a(const Product *p, Scratch *s, int64_t batch, int64_t row, size_t rows, int64_t k,
                   size_t depth) {
    memset(s->a, 0, sizeof s->a);
    for (size_t i = 0; i < rows; i++) {
        Num *to = s->a + i / MICRO * MICRO * depth + i % MICRO;
        view_load(&p->a, p->is_float, (batch * p->m + row + (int64_t)i) * p->k + k, depth, s->row);
        for (size_t j = 0; j < depth; j++)
            to[j * MICRO] = s->row[j];
    }
}

static void pack_b(const Product *p, Scratch *s, int64_t batch, int64_t k, size_t depth,
                   int64_t column, size_t columns) {
    const size_t padded = (columns + MICRO - 1) / MICRO * MICRO;
    for (size_t i = 0; i < depth; i++) {
        view_load(&p->b, p->is_float, (batch * p->k + k + (int64_t)i) * p->n + column, columns,
                  s->row);
        for (size_t j = columns; j < padded; j++)
            s->row[j] = (Num){.i = 0};
        for (size_t j = 0; j < padded; j++)
            s->b[(j / MICRO * depth + i) * MICRO + j % MICRO] = s->row[j];
    }
}

/* ---- computing --------------------------------------------------------------------------------
 */

#define DEFINE_MICRO_KERNEL(name, ctype, field)                                                    \
    static void name(const Num *a, const Num *b, size_t depth, Num *c) {                           \
        ctype sums[MICRO][MICRO] = {{0}};                                                          \
        for (size_t k = 0; k < depth; k++, a += MICRO, b += MICRO)                                 \
            for (size_t i = 0; i < MICRO; i++)                                                     \
                for (size_t j = 0; j < MICRO; j++)                                                 \
                    sums[i][j] += (ctype)a[i].field * (ctype)b[j].field;                           \
        for (size_t i = 0; i < MICRO; i++)                                                         \
            for (size_t j = 0; j < MICRO; j++)                                                     \
                c[i * COLUMNS + j].field += sums[i][j];                                            \
    }
DEFINE_MICRO_KERNEL(micro_float, double, f)
/* Wraps around, which needs unsigned arithmetic. */
static void micro_integer(const Num *a, const Num *b, size_t depth, Num *c) {
    for (size_t i = 0; i < MICRO; i++)
        for (size_t j = 0; j < MICRO; j++) {
            uint64_t sum = (uint64_t)c[i * COLUMNS + j].i;
            for (size_t k = 0; k < depth; k++)
                sum += (uint64_t)a[k * MICRO + i].i * (uint64_t)b[k * MICRO + j].i;
            c[i * COLUMNS + j].i = (int64_t)sum;
        }
}

static void multiply_blocks(const Product *p, Scratch *s, size_t rows, size_t depth,
                            size_t columns) {
    for (size_t j = 0; j < columns; j += MICRO)
        for (size_t i = 0; i < rows; i += MICRO) {
            const Num *a = s->a + i * depth, *b = s->b + j * depth;
            Num *c = s->c + i * COLUMNS + j;
            if (p->is_float)
                micro_float(a, b, depth, c);
            else
                micro_integer(a, b, depth, c);
        }
}

static size_t block_len(int64_t begin, int64_t total, int64_t most) {
    return (size_t)(total - begin < most ? total - begin : most);
}

static void product_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Product *p = context;
    Scratch *s = &p->scratch[worker];
    for (int64_t task = begin; task < end; task++) {
        const int64_t column = task % p->column_blocks * COLUMNS;
        const int64_t row = task / p->column_blocks % p->row_blocks * ROWS;
        const int64_t batch = task / p->column_blocks / p->row_blocks;
        const size_t rows = block_len(row, p->m, ROWS), columns = block_len(column, p->n, COLUMNS);
        memset(s->c, 0, sizeof s->c);
        for (int64_t k = 0; k < p->k; k += DEPTH) {
            const size_t depth = block_len(k, p->k, DEPTH);
            pack_a(p, s, batch, row, rows, k, depth);
            pack_b(p, s, batch, k, depth, column, columns);
            multiply_blocks(p, s, rows, depth, columns);
        }
        for (size_t i = 0; i < rows; i++)
            view_store(&p->out, p->is_float, (batch * p->m + row + (int64_t)i) * p->n + column,
                       columns, s->c + i * COLUMNS);
    }
}

/* Views of rank 3 with one batch size. */
static void product_run(TorchState *state, const MemView *a, const MemView *b, const MemView *out) {
    Product p = {.a = *a, .b = *b, .out = *out, .is_float = dtype_is_float(out->dtype)};
    p.m = a->shape[1];
    p.k = a->shape[2];
    p.n = b->shape[2];
    if (view_numel(out) == 0)
        return;
    p.row_blocks = (p.m + ROWS - 1) / ROWS;
    p.column_blocks = (p.n + COLUMNS - 1) / COLUMNS;
    p.scratch = oom_malloc(state->oom, threads_count(state->pool) * sizeof *p.scratch);
    threads_for(state->pool, a->shape[0] * p.row_blocks * p.column_blocks, 1, product_body, &p);
    free(p.scratch);
}

/* ---- shapes -----------------------------------------------------------------------------------
 */

/* "2x3": as messages write the shape of a matrix. */
static void put_shape(const Tensor *t, StrBuf *out) {
    for (unsigned d = 0; d < t->view.rank; d++)
        strbuf_printf(out, "%s%lld", d > 0 ? "x" : "", (long long)t->view.shape[d]);
}

static Tensor *shape_error(PyCtx *py, const Tensor *a, const Tensor *b) {
    StrBuf text = STRBUF(py->arena);
    put_shape(a, &text);
    strbuf_puts(&text, " and ");
    put_shape(b, &text);
    py_raise(py, PYEXC_RuntimeError, "mat1 and mat2 shapes cannot be multiplied (%s)",
             strbuf_str(&text));
    return NULL;
}

static bool check_operands(PyCtx *py, Tensor *a, Tensor *b, bool *on_device) {
    Tensor *const both[2] = {a, b};
    if (!tensors_same_device(py, both, 2, on_device) || !tensor_check_written(py, a, "matmul") ||
        !tensor_check_written(py, b, "matmul"))
        return false;
    if (a->view.rank == 0 || b->view.rank == 0) {
        py_raise(py, PYEXC_RuntimeError,
                 "both arguments to matmul need to be at least 1D, but they are %uD and %uD",
                 a->view.rank, b->view.rank);
        return false;
    }
    if (a->view.dtype != b->view.dtype) {
        py_raise(py, PYEXC_RuntimeError,
                 "expected m1 and m2 to have the same dtype, but got: %s != %s",
                 torch_scalar_name(a->view.dtype), torch_scalar_name(b->view.dtype));
        return false;
    }
    if (a->view.dtype == DT_BOOL || dtype_is_fp8(a->view.dtype)) {
        py_raise(py, PYEXC_RuntimeError, "\"matmul\" not implemented for '%s'",
                 torch_scalar_name(a->view.dtype));
        return false;
    }
    return true;
}

/* Gives a vector the missing dimension: a row in front, a column behind. */
static MemView as_matrix(const Tensor *t, bool is_left) {
    MemView view = t->view;
    if (view.rank > 1)
        return view;
    view.rank = 2;
    view.shape[is_left] = t->view.shape[0];
    view.strides[is_left] = t->view.strides[0];
    view.shape[!is_left] = 1;
    view.strides[!is_left] = t->view.shape[0] * t->view.strides[0];
    return view;
}

/* Broadcasts the batch dimensions of a matrix view to `batch`. */
static bool expand_batch(MemView *view, const Dims *batch) {
    Dims shape = *batch;
    shape.at[shape.len++] = view->shape[view->rank - 2];
    shape.at[shape.len++] = view->shape[view->rank - 1];
    return shape.len <= MEM_MAX_RANK && view_expand(view, &shape);
}

/* One product for each index of the batch dimensions beyond the last, which product_run() runs. */
static void product_nested(TorchState *state, const MemView *a, const MemView *b,
                           const MemView *out) {
    if (a->rank == 3) {
        product_run(state, a, b, out);
        return;
    }
    MemView views[3];
    for (int64_t i = 0; i < out->shape[0]; i++) {
        const MemView *const all[3] = {a, b, out};
        for (int v = 0; v < 3; v++) {
            views[v] = *all[v];
            view_narrow(&views[v], 0, i, 1, 1);
            view_remove_dim(&views[v], 0);
        }
        product_nested(state, &views[0], &views[1], &views[2]);
    }
}

static Dims batch_dims(const MemView *view) {
    Dims dims = {.len = view->rank - 2};
    memcpy(dims.at, view->shape, dims.len * sizeof *dims.at);
    return dims;
}

Tensor *tensor_matmul(PyCtx *py, Tensor *a, Tensor *b) {
    bool on_device;
    if (!check_operands(py, a, b, &on_device))
        return NULL;
    MemView x = as_matrix(a, true), y = as_matrix(b, false);
    Dims batch = batch_dims(&x);
    const Dims other = batch_dims(&y);
    if (x.shape[x.rank - 1] != y.shape[y.rank - 2])
        return shape_error(py, a, b);
    if (!dims_broadcast(py, &batch, &other))
        return NULL;
    Dims with_batch = batch;
    if (with_batch.len == 0)
        with_batch = (Dims){.len = 1, .at = {1}};
    if (!expand_batch(&x, &with_batch) || !expand_batch(&y, &with_batch))
        return shape_error(py, a, b);
    Dims full = with_batch, shape = batch;
    full.at[full.len++] = x.shape[x.rank - 2];
    full.at[full.len++] = y.shape[y.rank - 1];
    if (a->view.rank > 1)
        shape.at[shape.len++] = x.shape[x.rank - 2];
    if (b->view.rank > 1)
        shape.at[shape.len++] = y.shape[y.rank - 1];
    Tensor *out = tensor_new(py, a->view.dtype, &full, on_device);
    if (!out)
        return NULL;
    product_nested(torch_state(py), &x, &y, &out->view);
    view_set_contiguous(&out->view, &shape);
    return out;
}

/* ---- operations -------------------------------------------------------------------------------
 */

/* The variant says which ranks the operation takes: 0 any, 1 dot, 2 mm, 3 bmm, 4 mv. */
PyValue op_matmul(TorchCall *call) {
    static const unsigned ranks[][2] = {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {2, 1}};
    Tensor *a = arg_tensor(call, 0), *b = a ? arg_tensor(call, 1) : NULL;
    if (!b)
        return PY_FAIL;
    const unsigned *wanted = ranks[call->op->variant];
    if (wanted[0] != 0 && (a->view.rank != wanted[0] || b->view.rank != wanted[1]))
        return py_raise(call->py, PYEXC_RuntimeError,
                        "%s(): expected tensors of %u and %u dimensions, got %uD and %uD",
                        call->op->name, wanted[0], wanted[1], a->view.rank, b->view.rank);
    if (call->op->variant == 3 && a->view.shape[0] != b->view.shape[0])
        return py_raise(call->py, PYEXC_RuntimeError, "bmm(): batch sizes %lld and %lld differ",
                        (long long)a->view.shape[0], (long long)b->view.shape[0]);
    return tensor_value(tensor_matmul(call->py, a, b));
}

PyValue op_outer(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *a = arg_tensor(call, 0), *b = a ? arg_tensor(call, 1) : NULL;
    if (!b)
        return PY_FAIL;
    if (a->view.rank != 1 || b->view.rank != 1)
        return py_raise(py, PYEXC_RuntimeError,
                        "outer: Expected 1-D arguments, but got %uD and %uD", a->view.rank,
                        b->view.rank);
    Tensor *column = tensor_alias(py, a);
    column->view = as_matrix(a, false);
    const PyValue result =
        torch_binary(py, BINARY_OP_mul, py_from_object(&column->object), call->arg[1]);
    tensor_release(py, column);
    return result;
}

/* value * factor, or value itself if the factor was not given. Consumes `value`. */
static PyValue scaled(TorchCall *call, PyValue value, unsigned index) {
    if (py_failed(value) || !arg_given(call, index))
        return value;
    const PyValue result = torch_binary(call->py, BINARY_OP_mul, value, call->arg[index]);
    py_decref(call->py, value);
    return result;
}

/* a + b; consumes both. */
static PyValue added(PyCtx *py, PyValue a, PyValue b) {
    const PyValue result =
        py_failed(a) || py_failed(b) ? PY_FAIL : torch_binary(py, BINARY_OP_add, a, b);
    py_decref(py, a);
    py_decref(py, b);
    return result;
}

/* addmm and baddbmm: beta * input + alpha * (a @ b). */
PyValue op_addmm(TorchCall *call) {
    Tensor *a = arg_tensor(call, 1), *b = a ? arg_tensor(call, 2) : NULL;
    if (!b || !arg_tensor(call, 0))
        return PY_FAIL;
    const PyValue product = scaled(call, tensor_value(tensor_matmul(call->py, a, b)), 4);
    if (py_failed(product))
        return PY_FAIL;
    return added(call->py, scaled(call, py_incref(call->arg[0]), 3), product);
}

/* input @ weight.T + bias */
PyValue op_linear(TorchCall *call) {
    static const unsigned swapped[2] = {1, 0};
    PyCtx *py = call->py;
    Tensor *input = arg_tensor(call, 0), *weight = input ? arg_tensor(call, 1) : NULL;
    if (!weight)
        return PY_FAIL;
    Tensor *transposed = tensor_alias(py, weight);
    if (weight->view.rank == 2)
        view_permute(&transposed->view, swapped);
    const PyValue product = tensor_value(tensor_matmul(py, input, transposed));
    tensor_release(py, transposed);
    return arg_given(call, 2) ? added(py, product, py_incref(call->arg[2])) : product;
}
