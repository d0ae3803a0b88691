/* elt_float.c -- floating-point arithmetic and comparison, element by element.
 *
 * f32 and f64 compute in their own type. The small formats are widened to f32 in blocks, computed
 * there and rounded back: f32 has more than twice their digits and two, so that rounding twice is
 * the same as rounding once for + - * / and sqrt (Figueroa 1995). A fused multiply-add of a small
 * format needs more room: its product is exact in f64, and the sum is rounded to odd there, which
 * keeps the last rounding right. Functions without an exact definition (exp, sin ...) are computed
 * in f64 and rounded once.
 */
#include <math.h>
#include <string.h>

#include "ir/interp/program.h"
#include "support/numeric.h"

/* ---- f32 and f64 ------------------------------------------------------------------------------
 */

#define FLOAT_BINARY(name, T, expr)                                                                \
    static void name##_##T(void *dst, const void *lhs, const void *rhs, const void *unused,        \
                           size_t n) {                                                             \
        T *restrict out = dst;                                                                     \
        const T *restrict left = lhs, *restrict right = rhs;                                       \
        (void)unused;                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const T a = left[i], b = right[i];                                                     \
            out[i] = expr;                                                                         \
        }                                                                                          \
    }
#define FLOAT_UNARY(name, T, expr)                                                                 \
    static void name##_##T(void *dst, const void *operand, const void *unused_b,                   \
                           const void *unused_c, size_t n) {                                       \
        T *restrict out = dst;                                                                     \
        const T *restrict in = operand;                                                            \
        (void)unused_b, (void)unused_c;                                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            const T a = in[i];                                                                     \
            out[i] = (T)(expr);                                                                    \
        }                                                                                          \
    }

/* Equal operands are the same number, or zeros of two signs: -0 counts as less than +0. Written
 * out here, where the compiler can see that it needs no call in the loops. */
#define ZEROS(T, U)                                                                                \
    static inline T low_zero_##T(T a, T b) {                                                       \
        U x, y;                                                                                    \
        memcpy(&x, &a, sizeof x);                                                                  \
        memcpy(&y, &b, sizeof y);                                                                  \
        x |= y;                                                                                    \
        memcpy(&a, &x, sizeof a);                                                                  \
        return a;                                                                                  \
    }                                                                                              \
    static inline T high_zero_##T(T a, T b) {                                                      \
        U x, y;                                                                                    \
        memcpy(&x, &a, sizeof x);                                                                  \
        memcpy(&y, &b, sizeof y);                                                                  \
        x &= y;                                                                                    \
        memcpy(&a, &x, sizeof a);                                                                  \
        return a;                                                                                  \
    }
ZEROS(float, uint32_t)
ZEROS(double, uint64_t)

#define EXACT_OPS(T, fmod_T, floor_T, ceil_T, sqrt_T)                                              \
    FLOAT_BINARY(AddF, T, a + b)                                                                   \
    FLOAT_BINARY(SubF, T, a - b)                                                                   \
    FLOAT_BINARY(MulF, T, a *b)                                                                    \
    FLOAT_BINARY(DivF, T, a / b)                                                                   \
    FLOAT_BINARY(RemF, T, fmod_T(a, b))                                                            \
    FLOAT_BINARY(MinNumF, T, a == b ? low_zero_##T(a, b) : a < b || b != b ? a : b)                \
    FLOAT_BINARY(MaxNumF, T, a == b ? high_zero_##T(a, b) : a > b || b != b ? a : b)               \
    FLOAT_BINARY(MinimumF, T, a == b ? low_zero_##T(a, b) : a < b || a != a ? a : b)               \
    FLOAT_BINARY(MaximumF, T, a == b ? high_zero_##T(a, b) : a > b || a != a ? a : b)              \
    FLOAT_UNARY(Floor, T, floor_T(a))                                                              \
    FLOAT_UNARY(Ceil, T, ceil_T(a))                                                                \
    FLOAT_UNARY(Sqrt, T, sqrt_T(a))
EXACT_OPS(float, fmodf, floorf, ceilf, sqrtf)
EXACT_OPS(double, fmod, floor, ceil, sqrt)

static void Fma_float(void *dst, const void *pa, const void *pb, const void *pc, size_t n) {
    float *restrict out = dst;
    const float *restrict a = pa, *restrict b = pb, *restrict c = pc;
    for (size_t i = 0; i < n; i++)
        out[i] = fmaf(a[i], b[i], c[i]);
}
static void Fma_double(void *dst, const void *pa, const void *pb, const void *pc, size_t n) {
    double *restrict out = dst;
    const double *restrict a = pa, *restrict b = pb, *restrict c = pc;
    for (size_t i = 0; i < n; i++)
        out[i] = fma(a[i], b[i], c[i]);
}

/* Functions without an exact definition, of a double. */
static inline double rsqrt(double a) {
    return 1.0 / sqrt(a);
}
#define APPROXIMATE_OPS(X)                                                                         \
    X(Exp, exp)                                                                                    \
    X(Exp2, exp2) X(Log, log) X(Log2, log2) X(Sin, sin) X(Cos, cos) X(Rsqrt, rsqrt) X(Erf, erf)
#define APPROXIMATE(name, fn)                                                                      \
    FLOAT_UNARY(name, float, fn((double)a)) FLOAT_UNARY(name, double, fn(a))
APPROXIMATE_OPS(APPROXIMATE)

/* ---- small formats ----------------------------------------------------------------------------
 */

#define BLOCK 256 /* elements widened at a time */

/* f16, bf16, f8e4m3, f8e5m2: their names in numeric.h and the type of their patterns. Arithmetic
 * in fp8 does not saturate: only conversions do. */
#define SMALL_FORMATS(X) X(f16, uint16_t) X(bf16, uint16_t) X(f8e4m3, uint8_t) X(f8e5m2, uint8_t)

#define SMALL_BINARY(name, fmt, bits)                                                              \
    static void name##_##fmt(void *dst, const void *lhs, const void *rhs, const void *unused,      \
                             size_t n) {                                                           \
        const bits *left = lhs, *right = rhs;                                                      \
        bits *out = dst;                                                                           \
        float a[BLOCK], b[BLOCK], r[BLOCK];                                                        \
        for (size_t at = 0; at < n; at += BLOCK) {                                                 \
            size_t len = n - at < BLOCK ? n - at : BLOCK;                                          \
            fmt##_to_f32_n(left + at, a, len);                                                     \
            fmt##_to_f32_n(right + at, b, len);                                                    \
            name##_float(r, a, b, unused, len);                                                    \
            f32_to_##fmt##_n(r, out + at, len);                                                    \
        }                                                                                          \
    }
#define SMALL_UNARY(name, fmt, bits)                                                               \
    static void name##_##fmt(void *dst, const void *operand, const void *unused_b,                 \
                             const void *unused_c, size_t n) {                                     \
        const bits *in = operand;                                                                  \
        bits *out = dst;                                                                           \
        float a[BLOCK], r[BLOCK];                                                                  \
        for (size_t at = 0; at < n; at += BLOCK) {                                                 \
            size_t len = n - at < BLOCK ? n - at : BLOCK;                                          \
            fmt##_to_f32_n(in + at, a, len);                                                       \
            name##_float(r, a, unused_b, unused_c, len);                                           \
            f32_to_##fmt##_n(r, out + at, len);                                                    \
        }                                                                                          \
    }
#define SMALL_APPROXIMATE(name, fn, fmt, bits)                                                     \
    static void name##_##fmt(void *dst, const void *operand, const void *unused_b,                 \
                             const void *unused_c, size_t n) {                                     \
        const bits *in = operand;                                                                  \
        bits *out = dst;                                                                           \
        (void)unused_b, (void)unused_c;                                                            \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = f64_to_##fmt(fn((double)fmt##_to_f32(in[i])));                                \
    }

/* a + b rounded to odd: the nearest double toward zero or, if that lost something, its odd
 * neighbour, found from the exact error of the sum (Knuth's two-sum). */
static double add_to_odd(double a, double b) {
    double sum = a + b;
    double b_part = sum - a;
    double error = (a - (sum - b_part)) + (b - b_part);
    uint64_t bits = f64_bits(sum);
    if (error == 0 || error != error || bits & 1)
        return sum;
    bool away = (error > 0) == (sum > 0); /* the exact sum is larger in magnitude */
    return f64_from_bits(away ? bits + 1 : bits - 1);
}
#define SMALL_FMA(fmt, bits)                                                                       \
    static void Fma_##fmt(void *dst, const void *pa, const void *pb, const void *pc, size_t n) {   \
        const bits *a = pa, *b = pb, *c = pc;                                                      \
        bits *out = dst;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            double product = (double)fmt##_to_f32(a[i]) * (double)fmt##_to_f32(b[i]);              \
            out[i] = f64_to_##fmt(add_to_odd(product, (double)fmt##_to_f32(c[i])));                \
        }                                                                                          \
    }

#define SMALL_EXACT(fmt, bits)                                                                     \
    SMALL_BINARY(AddF, fmt, bits)                                                                  \
    SMALL_BINARY(SubF, fmt, bits)                                                                  \
    SMALL_BINARY(MulF, fmt, bits)                                                                  \
    SMALL_BINARY(DivF, fmt, bits)                                                                  \
    SMALL_BINARY(RemF, fmt, bits)                                                                  \
    SMALL_BINARY(MinNumF, fmt, bits)                                                               \
    SMALL_BINARY(MaxNumF, fmt, bits)                                                               \
    SMALL_BINARY(MinimumF, fmt, bits)                                                              \
    SMALL_BINARY(MaximumF, fmt, bits)                                                              \
    SMALL_UNARY(Floor, fmt, bits)                                                                  \
    SMALL_UNARY(Ceil, fmt, bits)                                                                   \
    SMALL_UNARY(Sqrt, fmt, bits)                                                                   \
    SMALL_FMA(fmt, bits)
SMALL_FORMATS(SMALL_EXACT)
#define SMALL_APPROXIMATE_ALL(name, fn)                                                            \
    SMALL_APPROXIMATE(name, fn, f16, uint16_t)                                                     \
    SMALL_APPROXIMATE(name, fn, bf16, uint16_t)                                                    \
    SMALL_APPROXIMATE(name, fn, f8e4m3, uint8_t)                                                   \
    SMALL_APPROXIMATE(name, fn, f8e5m2, uint8_t)
APPROXIMATE_OPS(SMALL_APPROXIMATE_ALL)

/* ---- the sign bit ------------------------------------------------------------------------------
 */

#define SIGN_OPS(bits, U)                                                                          \
    static void NegF_##bits(void *dst, const void *operand, const void *b, const void *c,          \
                            size_t n) {                                                            \
        U *restrict out = dst;                                                                     \
        const U *restrict in = operand;                                                            \
        (void)b, (void)c;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = (U)(in[i] ^ (U)((U)1 << ((bits)-1)));                                         \
    }                                                                                              \
    static void AbsF_##bits(void *dst, const void *operand, const void *b, const void *c,          \
                            size_t n) {                                                            \
        U *restrict out = dst;                                                                     \
        const U *restrict in = operand;                                                            \
        (void)b, (void)c;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = (U)(in[i] & (U) ~(U)((U)1 << ((bits)-1)));                                    \
    }
SIGN_OPS(8, uint8_t)
SIGN_OPS(16, uint16_t)
SIGN_OPS(32, uint32_t)
SIGN_OPS(64, uint64_t)

/* ---- tables -----------------------------------------------------------------------------------
 */

#define ROW(op, name)                                                                              \
    case OP_##op: {                                                                                \
        static const EltFn by_type[] = {name##_f8e4m3, name##_f8e5m2, name##_f16,                  \
                                        name##_bf16,   name##_float,  name##_double};              \
        return by_type[index];                                                                     \
    }
#define SIGN_ROW(name)                                                                             \
    case OP_##name: {                                                                              \
        static const EltFn by_type[] = {name##_8,  name##_8,  name##_16,                           \
                                        name##_16, name##_32, name##_64};                          \
        return by_type[index];                                                                     \
    }

EltFn elt_float(IrOpcode code, IrTypeKind kind) {
    if (kind < TY_F8E4M3 || kind > TY_F64)
        return NULL;
    size_t index = (size_t)kind - TY_F8E4M3;
    /* Only the float operations have rows; every other op has none. */
    switch ((int)code) {
        ROW(AddF, AddF)
        ROW(SubF, SubF)
        ROW(MulF, MulF)
        ROW(DivF, DivF)
        ROW(DivRnF, DivF)
        ROW(RemF, RemF)
        ROW(Fma, Fma)
        ROW(MinNumF, MinNumF)
        ROW(MaxNumF, MaxNumF)
        ROW(MinimumF, MinimumF)
        ROW(MaximumF, MaximumF)
        ROW(Exp, Exp)
        ROW(Exp2, Exp2)
        ROW(Log, Log)
        ROW(Log2, Log2)
        ROW(Sin, Sin)
        ROW(Cos, Cos)
        ROW(Sqrt, Sqrt)
        ROW(SqrtRn, Sqrt)
        ROW(Rsqrt, Rsqrt)
        ROW(Erf, Erf)
        ROW(Floor, Floor)
        ROW(Ceil, Ceil)
        SIGN_ROW(NegF)
        SIGN_ROW(AbsF)
    default:
        return NULL;
    }
}

/* ---- comparison -------------------------------------------------------------------------------
 */

#define FLOAT_COMPARE(name, T, expr)                                                               \
    static void name##_##T(void *dst, const void *lhs, const void *rhs, const void *unused,        \
                           size_t n) {                                                             \
        uint8_t *restrict out = dst;                                                               \
        const T *restrict left = lhs, *restrict right = rhs;                                       \
        (void)unused;                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const T a = left[i], b = right[i];                                                     \
            out[i] = expr;                                                                         \
        }                                                                                          \
    }
#define SMALL_COMPARE(name, fmt, bits)                                                             \
    static void name##_##fmt(void *dst, const void *lhs, const void *rhs, const void *unused,      \
                             size_t n) {                                                           \
        const bits *left = lhs, *right = rhs;                                                      \
        uint8_t *out = dst;                                                                        \
        float a[BLOCK], b[BLOCK];                                                                  \
        for (size_t at = 0; at < n; at += BLOCK) {                                                 \
            size_t len = n - at < BLOCK ? n - at : BLOCK;                                          \
            fmt##_to_f32_n(left + at, a, len);                                                     \
            fmt##_to_f32_n(right + at, b, len);                                                    \
            name##_float(out + at, a, b, unused, len);                                             \
        }                                                                                          \
    }
#define COMPARE_ALL(name, expr)                                                                    \
    FLOAT_COMPARE(name, float, expr)                                                               \
    FLOAT_COMPARE(name, double, expr)                                                              \
    SMALL_COMPARE(name, f16, uint16_t)                                                             \
    SMALL_COMPARE(name, bf16, uint16_t)                                                            \
    SMALL_COMPARE(name, f8e4m3, uint8_t)                                                           \
    SMALL_COMPARE(name, f8e5m2, uint8_t)
COMPARE_ALL(oeq, a == b)
COMPARE_ALL(une, a != b)
COMPARE_ALL(olt, a < b)
COMPARE_ALL(ole, a <= b)
COMPARE_ALL(ogt, a > b)
COMPARE_ALL(oge, a >= b)

EltFn elt_cmpf(FLOAT_PRED_Enum pred, IrTypeKind kind) {
#define PREDICATE(name)                                                                            \
    { name##_f8e4m3, name##_f8e5m2, name##_f16, name##_bf16, name##_float, name##_double }
    static const EltFn table[FLOAT_PRED_COUNT][6] = {
        [FPRED_OEQ] = PREDICATE(oeq), [FPRED_UNE] = PREDICATE(une), [FPRED_OLT] = PREDICATE(olt),
        [FPRED_OLE] = PREDICATE(ole), [FPRED_OGT] = PREDICATE(ogt), [FPRED_OGE] = PREDICATE(oge),
    };
    return kind >= TY_F8E4M3 && kind <= TY_F64 ? table[pred][kind - TY_F8E4M3] : NULL;
}
