/* elementwise_float.c -- executes the rows of elementwise_float.def.
 *
 * Approximations are computed in double and rounded once to f32: hardware differs from that within
 * the error that the PTX manual states for each. `.ftz` takes subnormal operands and results for
 * zeros of their sign; `.sat` clamps to [0, 1] and makes a NaN 0. A NaN that arithmetic makes has
 * the host's bits, not necessarily hardware's 0x7fffffff: NaN equals NaN.
 */
#include <math.h>

#include "runtime/emu/elementwise.h"
#include "runtime/emu/halves.h"

static inline float flush(float x) {
    return fabsf(x) < 1.17549435e-38f ? copysignf(0.0f, x) : x;
}

static inline float saturate_f32(float x) {
    return x > 0 ? (x < 1 ? x : 1) : 0; /* also NaN */
}

static inline double saturate_f64(double x) {
    return x > 0 ? (x < 1 ? x : 1) : 0;
}

/* The smaller or larger one; a NaN loses; -0 is smaller than +0. */
static inline float pick_f32(float x, float y, bool smaller) {
    if (x != x)
        return y;
    if (y != y)
        return x;
    if (x == y)
        return (signbit(x) != 0) == smaller ? x : y;
    return (x < y) == smaller ? x : y;
}

static inline double pick_f64(double x, double y, bool smaller) {
    if (isnan(x))
        return y;
    if (isnan(y))
        return x;
    if (x == y)
        return (signbit(x) != 0) == smaller ? x : y;
    return (x < y) == smaller ? x : y;
}

static inline float xorsign(float magnitude, float x, float y) {
    return (signbit(x) != 0) != (signbit(y) != 0) ? -fabsf(magnitude) : fabsf(magnitude);
}

/* out = x * y + z, rounded once, as fmaf does it but without a call: the product is exact in
 * double, and the last bit of the sum says whether something was lost (see elementwise_half.c). */
static void fuse(const float *x, const float *y, const float *z, float *out) {
    double sum[LANES], lost[LANES];
    uint64_t bits[LANES], rest[LANES], special = 0;
    for (unsigned l = 0; l < LANES; l++) {
        double product = (double)x[l] * (double)y[l], addend = (double)z[l], part;
        sum[l] = product + addend;
        part = sum[l] - product;
        lost[l] = (product - (sum[l] - part)) + (addend - part);
    }
    memcpy(bits, sum, sizeof bits);
    memcpy(rest, lost, sizeof rest);
    for (unsigned l = 0; l < LANES; l++)
        special |= (bits[l] >> 52 & 0x7ff) + 1;
    if (special >> 11 != 0) { /* an infinity or NaN: nothing is lost there */
        for (unsigned l = 0; l < LANES; l++)
            out[l] = fmaf(x[l], y[l], z[l]);
        return;
    }
    for (unsigned l = 0; l < LANES; l++) {
        uint64_t size = rest[l] << 1, inexact = (size | (0 - size)) >> 63;
        uint64_t step = inexact & ~bits[l], inwards = (rest[l] ^ bits[l]) >> 63;
        bits[l] += step - ((step & inwards) << 1);
    }
    memcpy(sum, bits, sizeof sum);
    for (unsigned l = 0; l < LANES; l++)
        out[l] = (float)sum[l];
}

#define FLUSH(x)       flush(x)
#define SATURATE(x)    saturate_f32(x)
#define FLUSH_SAT(x)   saturate_f32(flush(x))
#define ROUND(x)       (float)(x)
#define ROUND_FLUSH(x) flush((float)(x))

#define ARITH2(name, op, expr)                                                                     \
    DEFINE_ELT2(name##_f32, f32, f32, f32, SAME, SAME, expr)                                       \
    DEFINE_ELT2(name##_ftz_f32, f32, f32, f32, FLUSH, FLUSH, expr)                                 \
    DEFINE_ELT2(name##_sat_f32, f32, f32, f32, SAME, SATURATE, expr)                               \
    DEFINE_ELT2(name##_ftz_sat_f32, f32, f32, f32, FLUSH, FLUSH_SAT, expr)                         \
    DEFINE_ELT2(name##_f64, f64, f64, f64, SAME, SAME, expr)
#define DEFINE_FUSED(name, IN, OUT)                                                                \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        const float *a = row32(warp, inst->a)->f, *b = row32(warp, inst->b)->f;                    \
        const float *c = row32(warp, inst->c)->f;                                                  \
        float x[LANES], y[LANES], z[LANES], *d = row32(warp, inst->dst)->f;                        \
        for (unsigned l = 0; l < LANES; l++) {                                                     \
            x[l] = IN(a[l]);                                                                       \
            y[l] = IN(b[l]);                                                                       \
            z[l] = IN(c[l]);                                                                       \
        }                                                                                          \
        fuse(x, y, z, x);                                                                          \
        FOR_LANES(mask, { d[l] = OUT(x[l]); });                                                    \
    }
#define FUSED3(name, op)                                                                           \
    DEFINE_FUSED(name##_f32, SAME, SAME)                                                           \
    DEFINE_FUSED(name##_ftz_f32, FLUSH, FLUSH)                                                     \
    DEFINE_FUSED(name##_sat_f32, SAME, SATURATE)                                                   \
    DEFINE_FUSED(name##_ftz_sat_f32, FLUSH, FLUSH_SAT)                                             \
    DEFINE_ELT3(name##_f64, f64, f64, f64, f64, SAME, SAME, fma(x, y, z))
#define EXACT2(name, op, expr, expr64)                                                             \
    DEFINE_ELT2(name##_f32, f32, f32, f32, SAME, SAME, expr)                                       \
    DEFINE_ELT2(name##_ftz_f32, f32, f32, f32, FLUSH, FLUSH, expr)                                 \
    DEFINE_ELT2(name##_f64, f64, f64, f64, SAME, SAME, expr64)
#define EXACT1(name, op, expr, expr64)                                                             \
    DEFINE_ELT1(name##_f32, f32, f32, SAME, SAME, expr)                                            \
    DEFINE_ELT1(name##_ftz_f32, f32, f32, FLUSH, FLUSH, expr)                                      \
    DEFINE_ELT1(name##_f64, f64, f64, SAME, SAME, expr64)
#define APPROX2(name, op, expr)                                                                    \
    DEFINE_ELT2(name##_f32, f32, f32, f32, SAME, ROUND, expr)                                      \
    DEFINE_ELT2(name##_ftz_f32, f32, f32, f32, FLUSH, ROUND_FLUSH, expr)
#define APPROX1(name, op, expr)                                                                    \
    DEFINE_ELT1(name##_f32, f32, f32, SAME, ROUND, expr)                                           \
    DEFINE_ELT1(name##_ftz_f32, f32, f32, FLUSH, ROUND_FLUSH, expr)
#define PICK2(name, op, expr)                                                                      \
    DEFINE_ELT2(name, f32, f32, f32, SAME, SAME, expr)                                             \
    DEFINE_ELT2(name##_ftz, f32, f32, f32, FLUSH, SAME, expr)
#define ELT1(name, keys, D, A, expr)    DEFINE_ELT1(name, D, A, SAME, SAME, expr)
#define ELT2(name, keys, D, A, B, expr) DEFINE_ELT2(name, D, A, B, SAME, SAME, expr)
#include "runtime/emu/elementwise_float.def"
#undef ARITH2
#undef FUSED3
#undef EXACT2
#undef EXACT1
#undef APPROX2
#undef APPROX1
#undef PICK2
#undef ELT1
#undef ELT2

static const EltOp ops[] = {
#define ARITH2(name, op, expr)                                                                     \
    ROW_ELT2(name##_f32, op ".f32 " op ".rn.f32", f32, f32, f32)                                   \
    ROW_ELT2(name##_ftz_f32, op ".ftz.f32 " op ".rn.ftz.f32", f32, f32, f32)                       \
    ROW_ELT2(name##_sat_f32, op ".sat.f32 " op ".rn.sat.f32", f32, f32, f32)                       \
    ROW_ELT2(name##_ftz_sat_f32, op ".ftz.sat.f32 " op ".rn.ftz.sat.f32", f32, f32, f32)           \
    ROW_ELT2(name##_f64, op ".f64 " op ".rn.f64", f64, f64, f64)
#define FUSED3(name, op)                                                                           \
    ROW_ELT3(name##_f32, op ".f32 " op ".rn.f32", f32, f32, f32, f32)                              \
    ROW_ELT3(name##_ftz_f32, op ".ftz.f32 " op ".rn.ftz.f32", f32, f32, f32, f32)                  \
    ROW_ELT3(name##_sat_f32, op ".sat.f32 " op ".rn.sat.f32", f32, f32, f32, f32)                  \
    ROW_ELT3(name##_ftz_sat_f32, op ".ftz.sat.f32 " op ".rn.ftz.sat.f32", f32, f32, f32, f32)      \
    ROW_ELT3(name##_f64, op ".f64 " op ".rn.f64", f64, f64, f64, f64)
#define EXACT2(name, op, expr, expr64)                                                             \
    ROW_ELT2(name##_f32, op ".f32", f32, f32, f32)                                                 \
    ROW_ELT2(name##_ftz_f32, op ".ftz.f32", f32, f32, f32)                                         \
    ROW_ELT2(name##_f64, op ".f64", f64, f64, f64)
#define EXACT1(name, op, expr, expr64)                                                             \
    ROW_ELT1(name##_f32, op ".f32", f32, f32)                                                      \
    ROW_ELT1(name##_ftz_f32, op ".ftz.f32", f32, f32)                                              \
    ROW_ELT1(name##_f64, op ".f64", f64, f64)
#define APPROX2(name, op, expr)                                                                    \
    ROW_ELT2(name##_f32, op ".f32", f32, f32, f32)                                                 \
    ROW_ELT2(name##_ftz_f32, op ".ftz.f32", f32, f32, f32)
#define APPROX1(name, op, expr)                                                                    \
    ROW_ELT1(name##_f32, op ".f32", f32, f32)                                                      \
    ROW_ELT1(name##_ftz_f32, op ".ftz.f32", f32, f32)
#define PICK2(name, op, expr)                                                                      \
    ROW_ELT2(name, op ".f32", f32, f32, f32)                                                       \
    ROW_ELT2(name##_ftz, op ".ftz.f32", f32, f32, f32)
#define ELT1(name, keys, D, A, expr)    ROW_ELT1(name, keys, D, A)
#define ELT2(name, keys, D, A, B, expr) ROW_ELT2(name, keys, D, A, B)
#include "runtime/emu/elementwise_float.def"
#undef ARITH2
#undef FUSED3
#undef EXACT2
#undef EXACT1
#undef APPROX2
#undef APPROX1
#undef PICK2
#undef ELT1
#undef ELT2
};

EltTable elt_float_table(void) {
    return (EltTable){ops, TK_COUNTOF(ops)};
}
