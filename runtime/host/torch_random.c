/* torch_random.c -- random tensors.
 *
 * The generator is Philox 4x32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011): a keyed bijection of a 128-bit counter. The seed is the key, the counter counts
 * groups of elements, so that threads fill parts of a tensor independently and the result does not
 * depend on their number. Normal numbers come in pairs by the method of Box and Muller.
 *
 * The numbers are not PyTorch's; programs that do not call manual_seed() get the same ones each
 * run.
 */
#include <math.h>

#include "runtime/host/torch_internal.h"

#define BLOCK         512
#define DEFAULT_SEED  67280421310721u
#define TWO_PI        6.28318530717958647692
#define PHILOX_ROUNDS 10

typedef struct Philox {
    uint32_t word[4];
} Philox;

static Philox philox(uint64_t seed, uint64_t counter) {
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b,
                                  (uint32_t)(a >> 32) ^ c[3] ^ key[1], (uint32_t)a};
        for (int i = 0; i < 4; i++)
            c[i] = next[i];
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return (Philox){.word = {c[0], c[1], c[2], c[3]}};
}

static uint64_t philox_pair(const Philox *p, unsigned half) {
    return (uint64_t)p->word[2 * half] << 32 | p->word[2 * half + 1];
}
/* In [0, 1), with 53 bits. */
static double to_unit(uint64_t bits) {
    return (double)(bits >> 11) * 0x1p-53;
}

/* ---- filling ----------------------------------------------------------------------------------
 */

typedef enum Distribution { UNIFORM, NORMAL, INTEGERS } Distribution;
typedef struct Fill { /* each counter value gives two elements */
    Distribution kind;
    MemView out;
    Rng rng;
    double a, b; /* low and high, or mean and deviation */
    int64_t low;
    uint64_t span; /* high - low */
} Fill;

static void draw_two(const Fill *fill, uint64_t counter, Num *out) {
    const Philox p = philox(fill->rng.seed, fill->rng.offset + counter);
    const uint64_t u = philox_pair(&p, 0), v = philox_pair(&p, 1);
    switch (fill->kind) {
    case UNIFORM:
        out[0].f = fill->a + to_unit(u) * (fill->b - fill->a);
        out[1].f = fill->a + to_unit(v) * (fill->b - fill->a);
        break;
    case NORMAL: {
        const double radius = sqrt(-2.0 * log(1.0 - to_unit(u)));
        out[0].f = fill->a + fill->b * (radius * cos(TWO_PI * to_unit(v)));
        out[1].f = fill->a + fill->b * (radius * sin(TWO_PI * to_unit(v)));
        break;
    }
    case INTEGERS:
        out[0].i = (int64_t)((uint64_t)fill->low + u % fill->span);
        out[1].i = (int64_t)((uint64_t)fill->low + v % fill->span);
        break;
    }
}

/* rand() never gives 1, also not by rounding to a small type. */
static void keep_below(const Fill *fill, Num *values, size_t n) {
    const DType dtype = fill->out.dtype;
    if (fill->kind != UNIFORM || dtype == DT_F64 || !dtype_is_float(dtype))
        return;
    num_round(dtype, values, n);
    for (size_t i = 0; i < n; i++)
        if (values[i].f >= fill->b)
            values[i].f = fill->a;
}

static void fill_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Fill *fill = context;
    const int64_t total = view_numel(&fill->out);
    const bool is_float = fill->kind != INTEGERS;
    Num block[BLOCK];
    (void)worker;
    for (int64_t at = 2 * begin; at < 2 * end; at += BLOCK) {
        const int64_t stop = at + BLOCK < 2 * end ? at + BLOCK : 2 * end;
        const size_t n = (size_t)((stop < total ? stop : total) - at);
        for (int64_t i = at; i < stop; i += 2)
            draw_two(fill, (uint64_t)i / 2, &block[i - at]);
        keep_below(fill, block, n);
        view_store(&fill->out, is_float, at, n, block);
    }
}

static void fill_run(TorchState *state, Rng *rng, Fill *fill) {
    const int64_t count = view_numel(&fill->out);
    fill->rng = *rng;
    rng->offset += (uint64_t)count / 2 + 1;
    if (count > 0)
        threads_for(state->pool, (count + 1) / 2, 16 * BLOCK, fill_body, fill);
}

static void fill_normal(TorchState *state, Rng *rng, const MemView *out, double mean,
                        double deviation) {
    Fill fill = {.kind = NORMAL, .out = *out, .a = mean, .b = deviation};
    fill_run(state, rng, &fill);
}

static void fill_uniform(TorchState *state, Rng *rng, const MemView *out, double low, double high) {
    Fill fill = {.kind = UNIFORM, .out = *out, .a = low, .b = high};
    fill_run(state, rng, &fill);
}

static void fill_integers(TorchState *state, Rng *rng, const MemView *out, int64_t low,
                          int64_t high) {
    Fill fill = {.kind = INTEGERS, .out = *out, .low = low, .span = (uint64_t)high - (uint64_t)low};
    fill_run(state, rng, &fill);
}

static uint64_t rng_next(Rng *rng) {
    const Philox p = philox(rng->seed, rng->offset++);
    return philox_pair(&p, 0);
}

static void rng_seed(Rng *rng, uint64_t seed) {
    *rng = (Rng){.seed = seed};
}

void rng_seed_default(Rng *rng) {
    rng_seed(rng, DEFAULT_SEED);
}

/* ---- operations -------------------------------------------------------------------------------
 */

typedef struct Generator { /* torch.Generator: a sequence of its own */
    PyObject object;
    Rng rng;
} Generator;

PyValue torch_generator(PyCtx *py) {
    Generator *generator = py_object_new(py, &torch_generator_type, sizeof *generator);
    rng_seed_default(&generator->rng);
    return py_from_object(&generator->object);
}

static PyValue generator_seed(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args) {
    Generator *generator = py_as(self, &torch_generator_type);
    uint64_t bits;
    bool fits_i64, fits_u64;
    (void)args;
    if (!py_int_bits(py_unwrap_constexpr(a[0]), &bits, &fits_i64, &fits_u64))
        return py_raise(py, PYEXC_TypeError, "manual_seed() takes an int");
    rng_seed(&generator->rng, bits);
    return py_incref(self);
}

static const PyMethodDef generator_methods[] = {
    {"manual_seed", generator_seed, "seed"},
    {NULL, NULL, NULL},
};
const PyType torch_generator_type = {
    .name = "Generator",
    .dealloc = py_object_free,
    .methods = generator_methods,
};

/* The generator given as an argument, or the module's; NULL: it is something else. */
static Rng *arg_rng(const TorchCall *call, unsigned index) {
    if (!arg_given(call, index))
        return &torch_state(call->py)->rng;
    Generator *generator = py_as(call->arg[index], &torch_generator_type);
    if (!generator)
        torch_type_error(call, index, "torch.Generator");
    return generator ? &generator->rng : NULL;
}

static bool read_place(const TorchCall *call, unsigned first, DType *dtype, bool *on_device) {
    return arg_dtype(call, first, dtype) && arg_device(call, first + 1, on_device);
}

static PyValue not_a_float(const TorchCall *call, DType dtype) {
    return py_raise(call->py, PYEXC_RuntimeError, "\"%s\" not implemented for '%s'", call->op->name,
                    torch_scalar_name(dtype));
}

static PyValue fill_random(TorchCall *call, Rng *rng, Tensor *t) {
    if (!t)
        return PY_FAIL;
    if (call->op->variant == 0)
        fill_uniform(torch_state(call->py), rng, &t->view, 0, 1);
    else
        fill_normal(torch_state(call->py), rng, &t->view, 0, 1);
    return tensor_value(t);
}

/* rand (variant 0), randn (variant 1) */
PyValue op_rand(TorchCall *call) {
    Dims shape;
    DType dtype = DT_F32;
    bool on_device = false;
    Rng *rng = arg_rng(call, 6);
    if (!rng || !arg_dims(call, 0, &shape) || !read_place(call, 1, &dtype, &on_device))
        return PY_FAIL;
    if (!dtype_is_float(dtype) || dtype_is_fp8(dtype))
        return not_a_float(call, dtype);
    return fill_random(call, rng, tensor_new(call->py, dtype, &shape, on_device));
}

PyValue op_rand_like(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    if (!t)
        return PY_FAIL;
    const Dims shape = tensor_shape(t);
    DType dtype = t->view.dtype;
    bool on_device = t->on_device;
    if (!read_place(call, 1, &dtype, &on_device))
        return PY_FAIL;
    if (!dtype_is_float(dtype) || dtype_is_fp8(dtype))
        return not_a_float(call, dtype);
    return fill_random(call, &torch_state(call->py)->rng,
                       tensor_new(call->py, dtype, &shape, on_device));
}

static PyValue randint(TorchCall *call, Rng *rng, int64_t low, int64_t high, const Dims *shape,
                       DType dtype, bool on_device) {
    if (low >= high)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "random_ expects 'from' to be less than 'to', but got from=%lld >= to=%lld",
                        (long long)low, (long long)high);
    Tensor *t = tensor_new(call->py, dtype, shape, on_device);
    if (t)
        fill_integers(torch_state(call->py), rng, &t->view, low, high);
    return tensor_value(t);
}

/* randint(high, size), randint(low, high, size) */
PyValue op_randint(TorchCall *call) {
    int64_t low = 0, high = 0;
    Dims shape;
    DType dtype = DT_I64;
    bool on_device = false;
    size_t len;
    Rng *rng = arg_rng(call, 8);
    if (!rng || !read_place(call, 3, &dtype, &on_device))
        return PY_FAIL;
    TorchCall shifted = *call;
    if (!arg_given(call, 1) || torch_sequence(call->arg[1], &len)) {
        if (arg_given(call, 1)) /* randint(high, size) */
            shifted.arg[2] = call->arg[1];
        if (arg_given(call, 0)) /* else randint(high=..., size=...) */
            shifted.arg[1] = call->arg[0];
        shifted.arg[0] = PY_FAIL;
    }
    if (!arg_given(&shifted, 1) || !arg_given(&shifted, 2))
        return py_raise(call->py, PYEXC_TypeError,
                        "randint() takes (high, size) or (low, high, size)");
    if (!arg_int(&shifted, 0, &low) || !arg_int(&shifted, 1, &high) ||
        !arg_dims(&shifted, 2, &shape))
        return PY_FAIL;
    return randint(call, rng, low, high, &shape, dtype, on_device);
}

PyValue op_randint_like(TorchCall *call) {
    const Tensor *t = arg_tensor(call, 0);
    int64_t low = 0, high = 0;
    if (!t || !arg_int(call, 1, arg_given(call, 2) ? &low : &high) || !arg_int(call, 2, &high))
        return PY_FAIL;
    const Dims shape = tensor_shape(t);
    DType dtype = t->view.dtype;
    bool on_device = t->on_device;
    if (!read_place(call, 3, &dtype, &on_device))
        return PY_FAIL;
    return randint(call, &torch_state(call->py)->rng, low, high, &shape, dtype, on_device);
}

/* A shuffle by Fisher and Yates. */
PyValue op_randperm(TorchCall *call) {
    int64_t n = 0;
    DType dtype = DT_I64;
    bool on_device = false;
    Rng *rng = arg_rng(call, 6);
    if (!rng || !arg_int(call, 0, &n) || !read_place(call, 1, &dtype, &on_device))
        return PY_FAIL;
    const Dims shape = {.len = 1, .at = {n}};
    Tensor *t = tensor_new(call->py, dtype, &shape, on_device);
    for (int64_t i = 0; t && i < n; i++) {
        const int64_t j = (int64_t)(rng_next(rng) % (uint64_t)(i + 1));
        Num moved;
        view_load(&t->view, false, j, 1, &moved);
        view_store(&t->view, false, i, 1, &moved);
        view_store(&t->view, false, j, 1, &(Num){.i = i});
    }
    return tensor_value(t);
}

/* normal_(mean=0, std=1), uniform_(from=0, to=1) */
PyValue op_fill_random(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    double a = 0, b = 1;
    Rng *rng = arg_rng(call, 3);
    if (!rng || !t || !arg_real(call, 1, &a) || !arg_real(call, 2, &b))
        return PY_FAIL;
    if (!dtype_is_float(t->view.dtype))
        return not_a_float(call, t->view.dtype);
    if (call->op->variant == 0)
        fill_uniform(torch_state(call->py), rng, &t->view, a, b);
    else
        fill_normal(torch_state(call->py), rng, &t->view, a, b);
    mem_view_mark_written(&t->view);
    return py_incref(call->arg[0]);
}

/* random_(), random_(to), random_(from, to) */
PyValue op_fill_integers(TorchCall *call) {
    Tensor *t = arg_tensor(call, 0);
    int64_t low = 0, high = 0;
    Rng *rng = arg_rng(call, 3);
    if (!rng || !t || !arg_int(call, 1, arg_given(call, 2) ? &low : &high) ||
        !arg_int(call, 2, &high))
        return PY_FAIL;
    if (!arg_given(call, 1)) { /* all values that the type holds exactly */
        static const unsigned mantissas[DT_COUNT] = {
            [DT_F16] = 11, [DT_BF16] = 8, [DT_F32] = 24, [DT_F64] = 53, [DT_BOOL] = 1};
        const unsigned bits = mantissas[t->view.dtype] ? mantissas[t->view.dtype]
                                                       : dtype_infos[t->view.dtype].bits - 1;
        high = bits < 63 ? (int64_t)1 << bits : INT64_MAX;
    }
    if (low >= high)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "random_ expects 'from' to be less than 'to', but got from=%lld >= to=%lld",
                        (long long)low, (long long)high);
    fill_integers(torch_state(call->py), rng, &t->view, low, high);
    mem_view_mark_written(&t->view);
    return py_incref(call->arg[0]);
}

PyValue op_manual_seed(TorchCall *call) {
    int64_t seed = 0;
    if (!arg_int(call, 0, &seed))
        return PY_FAIL;
    rng_seed(&torch_state(call->py)->rng, (uint64_t)seed);
    return PY_NONE;
}
