/* torch_strided.c -- any strided view as a stream of numbers, and elementwise work over such
 * streams.
 *
 * Elements travel in blocks: a block of a view is loaded into an array of Num (doubles or 64-bit
 * integers), a kernel computes on arrays, and the result is stored with one rounding. Dimensions
 * that all views of an operation run through contiguously are merged first, so that the common
 * case is one long run per block, whose loops the C compiler vectorises:
 *
 *     [2, 3, 4] with strides (12, 4, 1)  ->  [24] with stride (1)
 *     [2, 3, 4] with strides (24, 8, 2)  ->  [24] with stride (2)
 *     [2, 3, 4] with strides (1, 2, 6)   ->  unchanged: runs of 4 elements
 */
#include <math.h>
#include <string.h>

#include "runtime/host/torch_internal.h"
#include "support/numeric.h"

#define BLOCK 512

/* ---- runs: n elements, `step` bytes apart -----------------------------------------------------
 */

/* Loads of a C type; the copy of the contiguous case is for the vectoriser. */
#define DEFINE_LOAD(name, ctype, field, convert)                                                   \
    static void name(const uint8_t *p, ptrdiff_t step, size_t n, Num *out) {                       \
        ctype v;                                                                                   \
        if (step == (ptrdiff_t)sizeof v) {                                                         \
            for (size_t i = 0; i < n; i++) {                                                       \
                memcpy(&v, p + i * sizeof v, sizeof v);                                            \
                out[i].field = convert;                                                            \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < n; i++, p += step) {                                                \
            memcpy(&v, p, sizeof v);                                                               \
            out[i].field = convert;                                                                \
        }                                                                                          \
    }
#define DEFINE_STORE(name, ctype, field, convert)                                                  \
    static void name(uint8_t *p, ptrdiff_t step, size_t n, const Num *in) {                        \
        if (step == (ptrdiff_t)sizeof(ctype)) {                                                    \
            for (size_t i = 0; i < n; i++) {                                                       \
                const ctype v = convert(in[i].field);                                              \
                memcpy(p + i * sizeof v, &v, sizeof v);                                            \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < n; i++, p += step) {                                                \
            const ctype v = convert(in[i].field);                                                  \
            memcpy(p, &v, sizeof v);                                                               \
        }                                                                                          \
    }

#define TO_BOOL(v) ((v) != 0)
/* Doubles wrap into narrow integers through int64; storing truncates towards zero. */
#define INTEGER(suffix, ctype)                                                                     \
    DEFINE_LOAD(load_f_##suffix, ctype, f, (double)v)                                              \
    DEFINE_LOAD(load_i_##suffix, ctype, i, (int64_t)v)                                             \
    static ctype wrap_##suffix(int64_t v) {                                                        \
        return (ctype)v;                                                                           \
    }                                                                                              \
    static ctype truncate_##suffix(double v) {                                                     \
        return (ctype)f64_to_i64(v);                                                               \
    }                                                                                              \
    DEFINE_STORE(store_f_##suffix, ctype, f, truncate_##suffix)                                    \
    DEFINE_STORE(store_i_##suffix, ctype, i, wrap_##suffix)
/* Formats of floats by their conversions: bits -> float, double -> bits. */
#define FLOATING(suffix, ctype, widen, narrow)                                                     \
    DEFINE_LOAD(load_f_##suffix, ctype, f, (double)widen(v))                                       \
    DEFINE_LOAD(load_i_##suffix, ctype, i, f64_to_i64((double)widen(v)))                           \
    static ctype narrow_i_##suffix(int64_t v) {                                                    \
        return narrow((double)v);                                                                  \
    }                                                                                              \
    DEFINE_STORE(store_f_##suffix, ctype, f, narrow)                                               \
    DEFINE_STORE(store_i_##suffix, ctype, i, narrow_i_##suffix)

INTEGER(I8, int8_t)
INTEGER(I16, int16_t)
INTEGER(I32, int32_t)
INTEGER(I64, int64_t)
INTEGER(U8, uint8_t)
INTEGER(U16, uint16_t)
INTEGER(U32, uint32_t)
INTEGER(U64, uint64_t)
DEFINE_LOAD(load_f_BOOL, uint8_t, f, TO_BOOL(v) ? 1.0 : 0.0)
DEFINE_LOAD(load_i_BOOL, uint8_t, i, TO_BOOL(v))
DEFINE_STORE(store_f_BOOL, uint8_t, f, TO_BOOL)
DEFINE_STORE(store_i_BOOL, uint8_t, i, TO_BOOL)
FLOATING(F8E4M3, uint8_t, f8e4m3_to_f32, f64_to_f8e4m3)
FLOATING(F8E5M2, uint8_t, f8e5m2_to_f32, f64_to_f8e5m2)
FLOATING(F16, uint16_t, f16_to_f32, f64_to_f16)
FLOATING(BF16, uint16_t, bf16_to_f32, f64_to_bf16)
static float to_float(double v) {
    return (float)v;
}
static double to_double(double v) {
    return v;
}
FLOATING(F32, float, (float), to_float)
FLOATING(F64, double, (double), to_double)

typedef void (*RunLoad)(const uint8_t *p, ptrdiff_t step, size_t n, Num *out);
typedef void (*RunStore)(uint8_t *p, ptrdiff_t step, size_t n, const Num *in);
static const struct {
    RunLoad load[2];   /* as integers, as floats */
    RunStore store[2]; /* from integers, from floats */
} runs[DT_COUNT] = {
#define DTYPE(name, tl, short_, torch, bits, kind)                                                 \
    [DT_##name] = {{load_i_##name, load_f_##name}, {store_i_##name, store_f_##name}},
#include "support/dtypes.def"
#undef DTYPE
};

/* ---- walking a view ---------------------------------------------------------------------------
 */

typedef struct Walk { /* a position in a view, and the run of elements that begins there */
    int64_t index[MEM_MAX_RANK];
    ptrdiff_t offset; /* bytes from the view's first element */
} Walk;

static ptrdiff_t view_step(const MemView *view, unsigned dim) {
    return (ptrdiff_t)(view->strides[dim] * (int64_t)dtype_size(view->dtype));
}

static Walk walk_at(const MemView *view, int64_t linear) {
    Walk walk = {.offset = 0};
    for (unsigned d = view->rank; d-- > 0;) {
        const int64_t size = view->shape[d];
        walk.index[d] = linear % size;
        linear /= size;
        walk.offset += walk.index[d] * view_step(view, d);
    }
    return walk;
}

/* Moves to the next row after the innermost dimension was used up to its end. */
static void walk_next_row(const MemView *view, Walk *walk) {
    unsigned d = view->rank - 1;
    walk->offset -= walk->index[d] * view_step(view, d);
    walk->index[d] = 0;
    while (d-- > 0) {
        walk->offset += view_step(view, d);
        if (++walk->index[d] < view->shape[d])
            return;
        walk->offset -= view->shape[d] * view_step(view, d);
        walk->index[d] = 0;
    }
}

static size_t walk_run(const MemView *view, const Walk *walk, size_t wanted) {
    const int64_t left = view->shape[view->rank - 1] - walk->index[view->rank - 1];
    return (int64_t)wanted < left ? wanted : (size_t)left;
}

static void walk_advance(const MemView *view, Walk *walk, size_t len) {
    const unsigned last = view->rank - 1;
    walk->index[last] += (int64_t)len;
    walk->offset += (ptrdiff_t)len * view_step(view, last);
    if (walk->index[last] == view->shape[last])
        walk_next_row(view, walk);
}

void view_load(const MemView *view, bool as_float, int64_t start, size_t n, Num *out) {
    const RunLoad load = runs[view->dtype].load[as_float];
    const uint8_t *data = view->alloc->data + view->offset;
    if (n == 0)
        return;
    mem_host_read(view->alloc);
    if (view->rank == 0) {
        load(data, 0, n, out);
        return;
    }
    const ptrdiff_t step = view_step(view, view->rank - 1);
    Walk walk = walk_at(view, start);
    while (n > 0) {
        const size_t run = walk_run(view, &walk, n);
        load(data + walk.offset, step, run, out);
        out += run;
        n -= run;
        walk_advance(view, &walk, run);
    }
}

void view_store(const MemView *view, bool as_float, int64_t start, size_t n, const Num *in) {
    const RunStore store = runs[view->dtype].store[as_float];
    uint8_t *data = view->alloc->data + view->offset;
    if (n == 0)
        return;
    mem_host_write(view->alloc);
    if (view->rank == 0) {
        store(data, 0, n, in);
        return;
    }
    const ptrdiff_t step = view_step(view, view->rank - 1);
    Walk walk = walk_at(view, start);
    while (n > 0) {
        const size_t run = walk_run(view, &walk, n);
        store(data + walk.offset, step, run, in);
        in += run;
        n -= run;
        walk_advance(view, &walk, run);
    }
}

Num view_element(const MemView *view, int64_t index) {
    Num value;
    view_load(view, dtype_is_float(view->dtype), index, 1, &value);
    return value;
}

void num_round(DType dtype, Num *values, size_t n) {
    union {
        uint8_t bytes[BLOCK * sizeof(Num)];
        Num align;
    } stored;
    const bool is_float = dtype_is_float(dtype);
    const ptrdiff_t step = (ptrdiff_t)dtype_size(dtype);
    for (size_t done = 0; done < n; done += BLOCK) {
        const size_t len = n - done < BLOCK ? n - done : BLOCK;
        runs[dtype].store[is_float](stored.bytes, step, len, values + done);
        runs[dtype].load[is_float](stored.bytes, step, len, values + done);
    }
}

/* ---- merging dimensions -----------------------------------------------------------------------
 */

static bool dims_merge(MemView *const *views, unsigned len, unsigned outer, unsigned inner) {
    for (unsigned v = 0; v < len; v++)
        if (views[v]->strides[outer] != views[v]->strides[inner] * views[v]->shape[inner])
            return false;
    return true;
}

void views_coalesce(MemView *const *views, unsigned len) {
    const unsigned rank = views[0]->rank;
    unsigned kept = 0; /* dimensions [0, kept) are final but for merging with the next one */
    for (unsigned d = 0; d < rank; d++) {
        if (views[0]->shape[d] == 1)
            continue;
        if (kept > 0 && dims_merge(views, len, kept - 1, d)) {
            for (unsigned v = 0; v < len; v++) {
                views[v]->shape[kept - 1] *= views[v]->shape[d];
                views[v]->strides[kept - 1] = views[v]->strides[d];
            }
            continue;
        }
        for (unsigned v = 0; v < len; v++) {
            views[v]->shape[kept] = views[v]->shape[d];
            views[v]->strides[kept] = views[v]->strides[d];
        }
        kept++;
    }
    for (unsigned v = 0; v < len; v++)
        views[v]->rank = kept;
}

/* ---- elementwise work -------------------------------------------------------------------------
 */

static void load_input(const ElementwiseInput *in, bool as_float, int64_t start, size_t n,
                       Num *out) {
    view_load(&in->view, as_float, start, n, out);
    if (in->rounded != DT_COUNT)
        num_round(in->rounded, out, n);
}

static void elementwise_body(void *context, int64_t begin, int64_t end, unsigned worker) {
    const Elementwise *work = context;
    Num buffers[ELEMENTWISE_MAX_IN][BLOCK], result[BLOCK];
    const Num *in[ELEMENTWISE_MAX_IN] = {buffers[0], buffers[1], buffers[2]};
    (void)worker;
    for (unsigned k = 0; k < work->num_in; k++)
        if (work->in[k].is_scalar)
            for (size_t i = 0; i < BLOCK; i++)
                buffers[k][i] = work->in[k].scalar;
    for (int64_t at = begin; at < end; at += BLOCK) {
        const size_t n = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
        for (unsigned k = 0; k < work->num_in; k++)
            if (!work->in[k].is_scalar)
                load_input(&work->in[k], work->in_float, at, n, buffers[k]);
        work->kernel(in, result, n, work->params);
        view_store(&work->out, work->out_float, at, n, result);
    }
}

void elementwise_run(TorchState *state, Elementwise *work) {
    MemView *views[ELEMENTWISE_MAX_IN + 1] = {&work->out};
    unsigned num_views = 1;
    const int64_t count = view_numel(&work->out);
    if (count == 0)
        return;
    for (unsigned k = 0; k < work->num_in; k++)
        if (!work->in[k].is_scalar)
            views[num_views++] = &work->in[k].view;
    views_coalesce(views, num_views);
    threads_for(state->pool, count, 64 * BLOCK, elementwise_body, work);
}

static void kernel_copy(const Num *const *in, Num *out, size_t n, const double *params) {
    (void)params;
    memcpy(out, in[0], n * sizeof *out);
}

/* Floats travel as doubles and integers as int64, so that no copy loses more than its target. */
void view_copy(TorchState *state, const MemView *dst, const MemView *src) {
    const bool as_float = dtype_is_float(src->dtype);
    Elementwise work = {.out = *dst,
                        .in_float = as_float,
                        .out_float = as_float,
                        .num_in = 1,
                        .in = {{.view = *src, .rounded = DT_COUNT}},
                        .kernel = kernel_copy};
    elementwise_run(state, &work);
}

/* Zeros over a whole allocation need not pass through the host. */
static bool fill_on_device(const MemView *dst, Num value) {
    size_t lo, hi;
    mem_view_span(dst, &lo, &hi);
    return value.i == 0 && dst->alloc->size > 0 && lo == 0 && hi == dst->alloc->size &&
           (uint64_t)view_numel(dst) * dtype_size(dst->dtype) == hi &&
           mem_zero_on_device(dst->alloc);
}

void view_fill(TorchState *state, const MemView *dst, Num value) {
    if (fill_on_device(dst, value))
        return;
    const bool as_float = dtype_is_float(dst->dtype);
    Elementwise work = {.out = *dst,
                        .in_float = as_float,
                        .out_float = as_float,
                        .num_in = 1,
                        .in = {{.is_scalar = true, .scalar = value, .rounded = DT_COUNT}},
                        .kernel = kernel_copy};
    elementwise_run(state, &work);
}
