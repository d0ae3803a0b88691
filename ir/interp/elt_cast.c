/* elt_cast.c -- conversions between element types, element by element.
 *
 * Integer to integer and integer to or from f32 and f64 are loops over C's own conversions. Small
 * float formats go through f32 (exact on the way up) or, where one rounding would become two,
 * through a double rounded to odd. Float to integer saturates, NaN gives 0.
 */
#include <math.h>
#include <string.h>

#include "ir/interp/program.h"
#include "support/numeric.h"

#define CONVERT(name, From, To, expr)                                                              \
    static void name(void *dst, const void *src, const void *b, const void *c, size_t n) {         \
        To *restrict out = dst;                                                                    \
        const From *restrict in = src;                                                             \
        (void)b, (void)c;                                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            const From a = in[i];                                                                  \
            out[i] = (To)(expr);                                                                   \
        }                                                                                          \
    }

/* ---- integers ----------------------------------------------------------------------------------
 */

/* From i1: 1 widens to -1 signed, 1 unsigned. */
CONVERT(sext_1_8, uint8_t, uint8_t, 0 - (unsigned)a)
CONVERT(sext_1_16, uint8_t, uint16_t, 0 - (unsigned)a)
CONVERT(sext_1_32, uint8_t, uint32_t, 0 - (uint32_t)a)
CONVERT(sext_1_64, uint8_t, uint64_t, 0 - (uint64_t)a)
#define EXTEND(from, to)                                                                           \
    CONVERT(sext_##from##_##to, int##from##_t, int##to##_t, a)                                     \
    CONVERT(zext_##from##_##to, uint##from##_t, uint##to##_t, a)
EXTEND(8, 16)
EXTEND(8, 32)
EXTEND(8, 64)
EXTEND(16, 32)
EXTEND(16, 64)
EXTEND(32, 64)
#define TRUNCATE(from, to) CONVERT(trunc_##from##_##to, uint##from##_t, uint##to##_t, a)
TRUNCATE(16, 8)
TRUNCATE(32, 8)
TRUNCATE(64, 8)
TRUNCATE(32, 16)
TRUNCATE(64, 16)
TRUNCATE(64, 32)
CONVERT(trunc_8_1, uint8_t, uint8_t, a & 1)
CONVERT(trunc_16_1, uint16_t, uint8_t, a & 1)
CONVERT(trunc_32_1, uint32_t, uint8_t, a & 1)
CONVERT(trunc_64_1, uint64_t, uint8_t, a & 1)
CONVERT(same_8, uint8_t, uint8_t, a)
CONVERT(same_16, uint16_t, uint16_t, a)
CONVERT(same_32, uint32_t, uint32_t, a)
CONVERT(same_64, uint64_t, uint64_t, a)

static EltFn same_width(size_t size) {
    return size == 1 ? same_8 : size == 2 ? same_16 : size == 4 ? same_32 : same_64;
}

/* Indexed by IrTypeKind from and to, TY_I1 .. TY_I64. */
static const EltFn sign_extend[5][5] = {
    {NULL, sext_1_8, sext_1_16, sext_1_32, sext_1_64},
    {NULL, NULL, sext_8_16, sext_8_32, sext_8_64},
    {NULL, NULL, NULL, sext_16_32, sext_16_64},
    {NULL, NULL, NULL, NULL, sext_32_64},
    {NULL, NULL, NULL, NULL, NULL},
};
static const EltFn zero_extend[5][5] = {
    {NULL, same_8, zext_8_16, zext_8_32, zext_8_64},
    {NULL, NULL, zext_8_16, zext_8_32, zext_8_64},
    {NULL, NULL, NULL, zext_16_32, zext_16_64},
    {NULL, NULL, NULL, NULL, zext_32_64},
    {NULL, NULL, NULL, NULL, NULL},
};
static const EltFn truncate_to[5][5] = {
    {NULL, NULL, NULL, NULL, NULL},
    {trunc_8_1, NULL, NULL, NULL, NULL},
    {trunc_16_1, trunc_16_8, NULL, NULL, NULL},
    {trunc_32_1, trunc_32_8, trunc_32_16, NULL, NULL},
    {trunc_64_1, trunc_64_8, trunc_64_16, trunc_64_32, NULL},
};

/* ---- integers to floats ------------------------------------------------------------------------
 */

/* The nearest double toward zero, its last bit set if something was lost. */
static double u64_to_odd(uint64_t a) {
    int scale = 0;
    uint64_t sticky = 0;
    while (a >> 53 != 0) {
        sticky |= a & 1;
        a >>= 1;
        scale++;
    }
    return ldexp((double)(a | sticky), scale);
}
static double s64_to_odd(int64_t a) {
    return a < 0 ? -u64_to_odd(UINT64_C(0) - (uint64_t)a) : u64_to_odd((uint64_t)a);
}

#define FROM_INT(S, U)                                                                             \
    CONVERT(S##_to_f8e4m3, S, uint8_t, f64_to_f8e4m3_sat(s64_to_odd(a)))                           \
    CONVERT(S##_to_f8e5m2, S, uint8_t, f64_to_f8e5m2_sat(s64_to_odd(a)))                           \
    CONVERT(S##_to_f16, S, uint16_t, f64_to_f16(s64_to_odd(a)))                                    \
    CONVERT(S##_to_bf16, S, uint16_t, f64_to_bf16(s64_to_odd(a)))                                  \
    CONVERT(S##_to_f32, S, float, a)                                                               \
    CONVERT(S##_to_f64, S, double, a)                                                              \
    CONVERT(U##_to_f8e4m3, U, uint8_t, f64_to_f8e4m3_sat(u64_to_odd(a)))                           \
    CONVERT(U##_to_f8e5m2, U, uint8_t, f64_to_f8e5m2_sat(u64_to_odd(a)))                           \
    CONVERT(U##_to_f16, U, uint16_t, f64_to_f16(u64_to_odd(a)))                                    \
    CONVERT(U##_to_bf16, U, uint16_t, f64_to_bf16(u64_to_odd(a)))                                  \
    CONVERT(U##_to_f32, U, float, a)                                                               \
    CONVERT(U##_to_f64, U, double, a)
FROM_INT(int8_t, uint8_t)
FROM_INT(int16_t, uint16_t)
FROM_INT(int32_t, uint32_t)
FROM_INT(int64_t, uint64_t)
/* Signed i1: 1 is -1. */
CONVERT(bit_to_f8e4m3, uint8_t, uint8_t, f64_to_f8e4m3(a ? -1.0 : 0.0))
CONVERT(bit_to_f8e5m2, uint8_t, uint8_t, f64_to_f8e5m2(a ? -1.0 : 0.0))
CONVERT(bit_to_f16, uint8_t, uint16_t, f64_to_f16(a ? -1.0 : 0.0))
CONVERT(bit_to_bf16, uint8_t, uint16_t, f64_to_bf16(a ? -1.0 : 0.0))
CONVERT(bit_to_f32, uint8_t, float, a ? -1.0f : 0.0f)
CONVERT(bit_to_f64, uint8_t, double, a ? -1.0 : 0.0)

#define TO_FLOATS(from)                                                                            \
    {                                                                                              \
        from##_to_f8e4m3, from##_to_f8e5m2, from##_to_f16, from##_to_bf16, from##_to_f32,          \
            from##_to_f64                                                                          \
    }
static const EltFn signed_to_float[5][6] = {
    TO_FLOATS(bit), TO_FLOATS(int8_t), TO_FLOATS(int16_t), TO_FLOATS(int32_t), TO_FLOATS(int64_t),
};
static const EltFn unsigned_to_float[5][6] = {
    TO_FLOATS(uint8_t),  TO_FLOATS(uint8_t),  TO_FLOATS(uint16_t),
    TO_FLOATS(uint32_t), TO_FLOATS(uint64_t),
};

/* ---- floats to integers ------------------------------------------------------------------------
 */

/* Toward zero; out of range gives the nearest end, NaN gives 0. */
static int64_t clamp_signed(double a, unsigned bits) {
    double limit = ldexp(1.0, (int)bits - 1);
    if (a != a)
        return 0;
    if (a >= limit)
        return (int64_t)((UINT64_C(1) << (bits - 1)) - 1);
    if (a < -limit)
        return -(int64_t)((UINT64_C(1) << (bits - 1)) - 1) - 1;
    return (int64_t)a;
}
static uint64_t clamp_unsigned(double a, unsigned bits) {
    if (!(a > 0))
        return 0;
    if (a >= ldexp(1.0, (int)bits))
        return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return (uint64_t)a;
}
#define TO_INT(fmt, From, widen)                                                                   \
    CONVERT(fmt##_trunc_i1, From, uint8_t, clamp_signed(widen(a), 1) & 1)                          \
    CONVERT(fmt##_trunc_i8, From, int8_t, clamp_signed(widen(a), 8))                               \
    CONVERT(fmt##_trunc_i16, From, int16_t, clamp_signed(widen(a), 16))                            \
    CONVERT(fmt##_trunc_i32, From, int32_t, clamp_signed(widen(a), 32))                            \
    CONVERT(fmt##_trunc_i64, From, int64_t, clamp_signed(widen(a), 64))                            \
    CONVERT(fmt##_trunc_u1, From, uint8_t, clamp_unsigned(widen(a), 1))                            \
    CONVERT(fmt##_trunc_u8, From, uint8_t, clamp_unsigned(widen(a), 8))                            \
    CONVERT(fmt##_trunc_u16, From, uint16_t, clamp_unsigned(widen(a), 16))                         \
    CONVERT(fmt##_trunc_u32, From, uint32_t, clamp_unsigned(widen(a), 32))                         \
    CONVERT(fmt##_trunc_u64, From, uint64_t, clamp_unsigned(widen(a), 64))
#define AS_DOUBLE(a) ((double)(a))
TO_INT(f8e4m3, uint8_t, (double)f8e4m3_to_f32)
TO_INT(f8e5m2, uint8_t, (double)f8e5m2_to_f32)
TO_INT(f16, uint16_t, (double)f16_to_f32)
TO_INT(bf16, uint16_t, (double)bf16_to_f32)
TO_INT(f32, float, AS_DOUBLE)
TO_INT(f64, double, AS_DOUBLE)

#define TO_SIGNED(fmt)                                                                             \
    { fmt##_trunc_i1, fmt##_trunc_i8, fmt##_trunc_i16, fmt##_trunc_i32, fmt##_trunc_i64 }
#define TO_UNSIGNED(fmt)                                                                           \
    { fmt##_trunc_u1, fmt##_trunc_u8, fmt##_trunc_u16, fmt##_trunc_u32, fmt##_trunc_u64 }
static const EltFn float_to_signed[6][5] = {
    TO_SIGNED(f8e4m3), TO_SIGNED(f8e5m2), TO_SIGNED(f16),
    TO_SIGNED(bf16),   TO_SIGNED(f32),    TO_SIGNED(f64),
};
static const EltFn float_to_unsigned[6][5] = {
    TO_UNSIGNED(f8e4m3), TO_UNSIGNED(f8e5m2), TO_UNSIGNED(f16),
    TO_UNSIGNED(bf16),   TO_UNSIGNED(f32),    TO_UNSIGNED(f64),
};

/* ---- floats to floats --------------------------------------------------------------------------
 */

#define WIDEN(fmt, From)                                                                           \
    static void fmt##_to_f32_all(void *dst, const void *src, const void *b, const void *c,         \
                                 size_t n) {                                                       \
        (void)b, (void)c;                                                                          \
        fmt##_to_f32_n(src, dst, n);                                                               \
    }                                                                                              \
    CONVERT(fmt##_to_f64_all, From, double, fmt##_to_f32(a))                                       \
    CONVERT(fmt##_to_f16_all, From, uint16_t, f32_to_f16(fmt##_to_f32(a)))                         \
    CONVERT(fmt##_to_bf16_all, From, uint16_t, f32_to_bf16(fmt##_to_f32(a)))                       \
    CONVERT(fmt##_to_f8e4m3_all, From, uint8_t, f32_to_f8e4m3_sat(fmt##_to_f32(a)))                \
    CONVERT(fmt##_to_f8e5m2_all, From, uint8_t, f32_to_f8e5m2_sat(fmt##_to_f32(a)))
WIDEN(f8e4m3, uint8_t)
WIDEN(f8e5m2, uint8_t)
WIDEN(f16, uint16_t)
WIDEN(bf16, uint16_t)
#define NARROW(fmt)                                                                                \
    static void f32_to_##fmt##_all(void *dst, const void *src, const void *b, const void *c,       \
                                   size_t n) {                                                     \
        (void)b, (void)c;                                                                          \
        f32_to_##fmt##_n(src, dst, n);                                                             \
    }
NARROW(f16)
NARROW(bf16)
NARROW(f8e4m3_sat)
NARROW(f8e5m2_sat)
CONVERT(f32_to_f64_all, float, double, a)
CONVERT(f64_to_f8e4m3_all, double, uint8_t, f64_to_f8e4m3_sat(a))
CONVERT(f64_to_f8e5m2_all, double, uint8_t, f64_to_f8e5m2_sat(a))
CONVERT(f64_to_f16_all, double, uint16_t, f64_to_f16(a))
CONVERT(f64_to_bf16_all, double, uint16_t, f64_to_bf16(a))
CONVERT(f64_to_f32_all, double, float, a)

/* Indexed by kind from and to, TY_F8E4M3 .. TY_F64. */
static const EltFn float_to_float[6][6] = {
    {f8e4m3_to_f8e4m3_all, f8e4m3_to_f8e5m2_all, f8e4m3_to_f16_all, f8e4m3_to_bf16_all,
     f8e4m3_to_f32_all, f8e4m3_to_f64_all},
    {f8e5m2_to_f8e4m3_all, f8e5m2_to_f8e5m2_all, f8e5m2_to_f16_all, f8e5m2_to_bf16_all,
     f8e5m2_to_f32_all, f8e5m2_to_f64_all},
    {f16_to_f8e4m3_all, f16_to_f8e5m2_all, f16_to_f16_all, f16_to_bf16_all, f16_to_f32_all,
     f16_to_f64_all},
    {bf16_to_f8e4m3_all, bf16_to_f8e5m2_all, bf16_to_f16_all, bf16_to_bf16_all, bf16_to_f32_all,
     bf16_to_f64_all},
    {f32_to_f8e4m3_sat_all, f32_to_f8e5m2_sat_all, f32_to_f16_all, f32_to_bf16_all, same_32,
     f32_to_f64_all},
    {f64_to_f8e4m3_all, f64_to_f8e5m2_all, f64_to_f16_all, f64_to_bf16_all, f64_to_f32_all,
     same_64},
};

/* Toward zero. f64 is first cut to f32 toward zero, which loses nothing that the second cut would
 * have kept. */
static float f64_to_f32_rtz(double a) {
    float nearest = (float)a;
    bool too_large = a > 0 ? (double)nearest > a : (double)nearest < a;
    return too_large ? nextafterf(nearest, 0.0f) : nearest;
}
/* fp8 toward zero: the saturated nearest, one step back if it is beyond `a` in magnitude. In the
 * bit pattern one step toward zero is minus one. */
static uint8_t f32_to_f8e4m3_rtz(float a) {
    uint8_t nearest = f32_to_f8e4m3_sat(a);
    return (uint8_t)(nearest - (fabsf(f8e4m3_to_f32(nearest)) > fabsf(a)));
}
static uint8_t f32_to_f8e5m2_rtz(float a) {
    uint8_t nearest = f32_to_f8e5m2_sat(a);
    return (uint8_t)(nearest - (fabsf(f8e5m2_to_f32(nearest)) > fabsf(a)));
}
#define TOWARD_ZERO(name, From, widen)                                                             \
    CONVERT(name##_to_f8e4m3_rtz, From, uint8_t, f32_to_f8e4m3_rtz(widen(a)))                      \
    CONVERT(name##_to_f8e5m2_rtz, From, uint8_t, f32_to_f8e5m2_rtz(widen(a)))                      \
    CONVERT(name##_to_f16_rtz, From, uint16_t, f32_to_f16_rtz(widen(a)))                           \
    CONVERT(name##_to_bf16_rtz, From, uint16_t, f32_to_bf16_rtz(widen(a)))
#define AS_IS(a) (a)
TOWARD_ZERO(half, uint16_t, f16_to_f32)
TOWARD_ZERO(brain, uint16_t, bf16_to_f32)
TOWARD_ZERO(single, float, AS_IS)
TOWARD_ZERO(real, double, f64_to_f32_rtz)
CONVERT(real_to_f32_rtz, double, float, f64_to_f32_rtz(a))
CONVERT(f8e4m3_to_f8e5m2_rtz, uint8_t, uint8_t, f32_to_f8e5m2_rtz(f8e4m3_to_f32(a)))

static const EltFn float_to_float_rtz[6][6] = {
    {same_8, f8e4m3_to_f8e5m2_rtz, NULL, NULL, NULL, NULL},
    {NULL, same_8, NULL, NULL, NULL, NULL},
    {half_to_f8e4m3_rtz, half_to_f8e5m2_rtz, half_to_f16_rtz, half_to_bf16_rtz, NULL, NULL},
    {brain_to_f8e4m3_rtz, brain_to_f8e5m2_rtz, brain_to_f16_rtz, brain_to_bf16_rtz, NULL, NULL},
    {single_to_f8e4m3_rtz, single_to_f8e5m2_rtz, single_to_f16_rtz, single_to_bf16_rtz, same_32,
     NULL},
    {real_to_f8e4m3_rtz, real_to_f8e5m2_rtz, real_to_f16_rtz, real_to_bf16_rtz, real_to_f32_rtz,
     same_64},
};

/* ---- pointers ----------------------------------------------------------------------------------
 */

CONVERT(ptr_to_int, uint64_t, uint64_t, a &PTR_ADDRESS)

/* ---- choice ------------------------------------------------------------------------------------
 */

EltFn elt_cast(const IrOp *op) {
    const IrType *from_type = ir_elem(ir_operand(op, 0)->type);
    const IrType *to_type = ir_elem(ir_result(op, 0)->type);
    size_t from = (size_t)from_type->kind, to = (size_t)to_type->kind;
    /* Only the conversions have cases; every other op is none. */
    switch ((int)op->code) {
    case OP_ExtSI:
        return sign_extend[from][to];
    case OP_ExtUI:
        return zero_extend[from][to];
    case OP_TruncI:
        return truncate_to[from][to];
    case OP_SIToFP:
        return signed_to_float[from][to - TY_F8E4M3];
    case OP_UIToFP:
        return unsigned_to_float[from][to - TY_F8E4M3];
    case OP_FPToSI:
        return float_to_signed[from - TY_F8E4M3][to];
    case OP_FPToUI:
        return float_to_unsigned[from - TY_F8E4M3][to];
    case OP_FPExt:
        return float_to_float[from - TY_F8E4M3][to - TY_F8E4M3];
    case OP_FPTrunc: {
        EltFn cut = float_to_float_rtz[from - TY_F8E4M3][to - TY_F8E4M3];
        if (ir_attr_int(op, ATTR_ROUNDING) == ROUND_RTZ && cut != NULL)
            return cut;
        return float_to_float[from - TY_F8E4M3][to - TY_F8E4M3];
    }
    case OP_Bitcast:
        return same_width(ir_elem_size(to_type));
    case OP_PtrToInt:
        return ptr_to_int;
    default:
        return NULL;
    }
}
