/* dot.c -- matrix products of tiles.
 *
 * Operands are first brought to the type the products are formed in: f32 for floats (f16, bf16 and
 * fp8 exactly; f32 cut to tf32 or split, as the precision says), f64, or i32. Then r = a @ b + c
 * is accumulated along K in order, in the accumulator's type; an f16 accumulator is f32 inside and
 * rounded once. The kernel takes four rows of `a` at a time and runs along rows of `b`, so that
 * the inner loop is a vector multiply-add over contiguous memory.
 *
 *     tf32      a, b cut to tf32 (the low 13 bits dropped), as tensor cores read f32
 *     tf32x3    a = hi + lo in tf32: lo hi + hi lo + hi hi
 *     bf16x3    the same with two bf16 parts; bf16x6: three parts, products of order 2 or less
 *     ieee      f32 as it is
 */
#include <string.h>

#include "ir/interp/shared.h"
#include "support/numeric.h"

#define MAX_PARTS 3

typedef enum DotKind { DOT_F32, DOT_F64, DOT_I32 } DotKind;

typedef struct DotInfo {
    DotKind kind;
    IrTypeKind a, b, c; /* element types */
    size_t batch, m, n, k;
    unsigned parts;                 /* each f32 operand is a sum of so many */
    bool tf32;                      /* parts are tf32; else bf16 */
    bool rounded;                   /* one part, in tf32 */
    const SharedBuffer *buffers[2]; /* dot_fma: a and b */
    size_t floats;                  /* of scratch; copies of the buffers lie behind them */
} DotInfo;

/* ---- kernels
 * ------------------------------------------------------------------------------------------- */

#define DOT_KERNEL(T)                                                                              \
    static void rows4_##T(T *restrict r, const T *restrict a, const T *restrict b, size_t n,       \
                          size_t k) {                                                              \
        T *restrict r0 = r, *restrict r1 = r + n, *restrict r2 = r + 2 * n,                        \
                    *restrict r3 = r + 3 * n;                                                      \
        for (size_t p = 0; p < k; p++) {                                                           \
            const T a0 = a[p], a1 = a[k + p], a2 = a[2 * k + p], a3 = a[3 * k + p];                \
            const T *restrict row = b + p * n;                                                     \
            for (size_t j = 0; j < n; j++) {                                                       \
                r0[j] += a0 * row[j];                                                              \
                r1[j] += a1 * row[j];                                                              \
                r2[j] += a2 * row[j];                                                              \
                r3[j] += a3 * row[j];                                                              \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void row_##T(T *restrict r, const T *restrict a, const T *restrict b, size_t n,         \
                        size_t k) {                                                                \
        for (size_t p = 0; p < k; p++) {                                                           \
            const T a0 = a[p];                                                                     \
            const T *restrict row = b + p * n;                                                     \
            for (size_t j = 0; j < n; j++)                                                         \
                r[j] += a0 * row[j];                                                               \
        }                                                                                          \
    }                                                                                              \
    static void dot_##T(T *r, const T *a, const T *b, size_t m, size_t n, size_t k) {              \
        size_t i = 0;                                                                              \
        for (; i + 4 <= m; i += 4)                                                                 \
            rows4_##T(r + i * n, a + i * k, b, n, k);                                              \
        for (; i < m; i++)                                                                         \
            row_##T(r + i * n, a + i * k, b, n, k);                                                \
    }
typedef uint32_t u32; /* wrapping is defined */
DOT_KERNEL(float)
DOT_KERNEL(double)
DOT_KERNEL(u32)

/* ---- operands
 * ------------------------------------------------------------------------------------------ */

static void to_f32(float *out, const void *in, IrTypeKind kind, size_t n) {
    switch ((int)kind) { /* the types a dot may have */
    case TY_F8E4M3:
        f8e4m3_to_f32_n(in, out, n);
        break;
    case TY_F8E5M2:
        f8e5m2_to_f32_n(in, out, n);
        break;
    case TY_F16:
        f16_to_f32_n(in, out, n);
        break;
    case TY_BF16:
        bf16_to_f32_n(in, out, n);
        break;
    default:
        memcpy(out, in, n * sizeof *out);
        break;
    }
}

static float cut_to_tf32(float value) {
    return f32_from_bits(f32_bits(value) & UINT32_C(0xffffe000));
}

/* Takes the leading part off `rest` and leaves the remainder there. */
static void split_part(const DotInfo *info, float *part, float *rest, size_t n) {
    for (size_t i = 0; i < n; i++) {
        part[i] = info->tf32 ? cut_to_tf32(rest[i]) : bf16_to_f32(f32_to_bf16(rest[i]));
        float left = rest[i] - part[i];
        rest[i] = left == left ? left : 0.0f; /* infinity and NaN are in the first part */
    }
}

/* parts[p]: the p-th part of the operand, n elements each, one behind the other. */
static void split_operand(const DotInfo *info, float *parts, const void *in, IrTypeKind kind,
                          size_t n) {
    if (info->parts == 1) {
        to_f32(parts, in, kind, n);
        for (size_t i = 0; info->rounded && i < n; i++)
            parts[i] = cut_to_tf32(parts[i]);
        return;
    }
    float *rest = parts + info->parts * n;
    to_f32(rest, in, kind, n);
    for (unsigned p = 0; p < info->parts; p++)
        split_part(info, parts + p * n, rest, n);
}

static void widen_bytes(u32 *out, const void *in, IrTypeKind kind, size_t n) {
    const int8_t *bytes = in;
    if (kind == TY_I8) {
        for (size_t i = 0; i < n; i++)
            out[i] = (u32)bytes[i];
    } else if (kind == TY_I16) {
        for (size_t i = 0; i < n; i++)
            out[i] = (u32)((const int16_t *)in)[i];
    } else {
        memcpy(out, in, n * sizeof *out);
    }
}

/* ---- one product
 * ---------------------------------------------------------------------------------------- */

typedef struct DotArgs {
    const uint8_t *a, *b, *c;
    uint8_t *r;
    float *scratch;
} DotArgs;

static void store_f32(void *out, IrTypeKind kind, const float *in, size_t n) {
    if (kind == TY_F16)
        f32_to_f16_n(in, out, n);
    else if (kind == TY_BF16)
        f32_to_bf16_n(in, out, n);
    else
        memcpy(out, in, n * sizeof *in);
}

static void product_f32(const DotInfo *info, const DotArgs *args) {
    size_t mk = info->m * info->k, kn = info->k * info->n, mn = info->m * info->n;
    size_t slots = info->parts > 1 ? info->parts + 1u : 1u;
    float *a = args->scratch, *b = a + slots * mk, *r = b + slots * kn;
    split_operand(info, a, args->a, info->a, mk);
    split_operand(info, b, args->b, info->b, kn);
    to_f32(r, args->c, info->c, mn);
    for (unsigned order = info->parts; order-- > 0;) /* small products first */
        for (unsigned p = order + 1; p-- > 0;)
            dot_float(r, a + p * mk, b + (order - p) * kn, info->m, info->n, info->k);
    store_f32(args->r, info->c, r, mn);
}

static void product_f64(const DotInfo *info, const DotArgs *args) {
    memcpy(args->r, args->c, info->m * info->n * sizeof(double));
    dot_double((double *)(void *)args->r, (const double *)(const void *)args->a,
               (const double *)(const void *)args->b, info->m, info->n, info->k);
}

static void product_i32(const DotInfo *info, const DotArgs *args) {
    size_t mk = info->m * info->k, kn = info->k * info->n;
    u32 *a = (u32 *)(void *)args->scratch, *b = a + mk;
    widen_bytes(a, args->a, info->a, mk);
    widen_bytes(b, args->b, info->b, kn);
    memcpy(args->r, args->c, info->m * info->n * sizeof(u32));
    dot_u32((u32 *)(void *)args->r, a, b, info->m, info->n, info->k);
}

/* Copies the operands of a dot_fma out of shared memory. */
static bool read_buffers(Exec *exec, const Inst *inst, DotArgs *args) {
    const DotInfo *info = inst->info;
    uint8_t *a = (uint8_t *)(args->scratch + info->floats);
    uint8_t *b = a + info->batch * info->m * info->k * sizeof(double);
    args->a = a;
    args->b = b;
    return shared_read_all(exec, inst, info->buffers[0], inst->src[0], a) &&
           shared_read_all(exec, inst, info->buffers[1], inst->src[1], b);
}

static bool exec_dot(Exec *exec, const Inst *inst) {
    const DotInfo *info = inst->info;
    const IrOp *op = inst->op;
    DotArgs args = {.a = slot(exec, inst->src[0]),
                    .b = slot(exec, inst->src[1]),
                    .c = slot(exec, inst->src[2]),
                    .r = slot(exec, inst->dst[0]),
                    .scratch = (float *)(void *)exec->scratch};
    if (info->buffers[0] != NULL && !read_buffers(exec, inst, &args))
        return false;
    for (size_t i = 0; i < info->batch; i++) {
        if (info->kind == DOT_F64)
            product_f64(info, &args);
        else if (info->kind == DOT_I32)
            product_i32(info, &args);
        else
            product_f32(info, &args);
        args.a += info->m * info->k * ir_elem_size(ir_operand(op, 0)->type->elem);
        args.b += info->k * info->n * ir_elem_size(ir_operand(op, 1)->type->elem);
        args.c += info->m * info->n * ir_elem_size(ir_operand(op, 2)->type);
        args.r += info->m * info->n * inst->size;
    }
    return true;
}

/* ---- choice
 * -------------------------------------------------------------------------------------------- */

static void choose_precision(DotInfo *info, const IrOp *op) {
    info->parts = 1;
    if (info->a != TY_F32)
        return; /* products of smaller types are exact in f32 */
    switch ((PRECISION_Enum)ir_attr_int(op, ATTR_PRECISION)) {
    case PREC_TF32:
        info->rounded = true;
        break;
    case PREC_TF32X3:
        info->parts = 2;
        info->tf32 = true;
        break;
    case PREC_BF16X3:
        info->parts = 2;
        break;
    case PREC_BF16X6:
        info->parts = 3;
        break;
    case PREC_IEEE:
    case PRECISION_COUNT:
        break;
    }
}

/* dot_fma: false if an operand is no buffer. */
static bool find_buffers(Arena *arena, const SharedPlan *shared, const IrOp *op, DotInfo *info) {
    for (unsigned i = 0; shared != NULL && i < 2; i++)
        info->buffers[i] = shared_buffer(arena, shared, ir_operand(op, i));
    return info->buffers[0] != NULL && info->buffers[1] != NULL;
}

bool prepare_dot(Arena *arena, const SharedPlan *shared, const IrOp *op, Inst *inst,
                 size_t *scratch) {
    if (op->code != OP_Dot && op->code != OP_DotMma && op->code != OP_DotFma)
        return false;
    DotInfo *info = ARENA_NEW(arena, DotInfo);
    const IrType *a = ir_operand(op, 0)->type, *b = ir_operand(op, 1)->type;
    unsigned rank = a->rank;
    *info = (DotInfo){.a = a->elem->kind, .b = b->elem->kind, .batch = 1};
    info->c = ir_operand(op, 2)->type->elem->kind;
    for (unsigned d = 0; d + 2 < rank; d++)
        info->batch *= (size_t)a->shape[d];
    info->m = (size_t)a->shape[rank - 2];
    info->k = (size_t)a->shape[rank - 1];
    info->n = (size_t)b->shape[rank - 1];
    info->kind = info->c == TY_F64 ? DOT_F64 : info->c == TY_I32 ? DOT_I32 : DOT_F32;
    choose_precision(info, op);
    size_t operands = info->m * info->k + info->k * info->n;
    info->floats = ((MAX_PARTS + 1) * operands + info->m * info->n + 1) / 2 * 2;
    *scratch = info->floats * sizeof(float);
    if (op->code == OP_DotFma) {
        *scratch += info->batch * operands * sizeof(double);
        if (!find_buffers(arena, shared, op, info))
            return false;
    }
    inst->exec = exec_dot;
    inst->info = info;
    return true;
}
