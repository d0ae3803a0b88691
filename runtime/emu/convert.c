/* convert.c -- cvt: every source is widened exactly (integers to 64 bits, floats to double), and
 * rounded once to the result (PTX ISA, section 9.7.9.21).
 *
 * Floats to integers are clamped to the integer's range, NaN becomes 0 (for 64-bit results of f64
 * sources: the lowest bit pattern with only the top bit set). Integers to narrower integers keep
 * the low bits, or are clamped with .sat.
 *
 *     cvt.rzi.s32.f32 %r1, %f1          2.9 -> 2, 1e20 -> 2147483647
 *     cvt.rn.bf16x2.f32 %r1, %f1, %f2   f1 in the upper half
 */
#include "runtime/emu/convert.h"

#include <math.h>

#include "support/numeric.h"

typedef union Value { /* by the kind of type: integers as i, floats as f */
    uint64_t i;
    double f;
} Value;

static bool is_float(PtxType type) {
    return ptx_types[type].kind == PTX_IS_FLOAT;
}

static bool is_signed(PtxType type) {
    return ptx_types[type].kind == PTX_IS_SIGNED;
}

static Value widen(const Conversion *c, PtxType from, uint64_t bits) {
    Value v = {0};
    switch ((int)from) {
    case PTX_F16:
        v.f = (double)f16_to_f32((uint16_t)bits);
        break;
    case PTX_BF16:
        v.f = (double)bf16_to_f32((uint16_t)bits);
        break;
    case PTX_E4M3:
        v.f = (double)f8e4m3_to_f32((uint8_t)bits);
        break;
    case PTX_E5M2:
        v.f = (double)f8e5m2_to_f32((uint8_t)bits);
        break;
    case PTX_F32:
    case PTX_TF32: {
        float f = f32_from_bits((uint32_t)bits);
        v.f = (double)(c->ftz && fabsf(f) < 0x1p-126f ? copysignf(0, f) : f);
        break;
    }
    case PTX_F64:
        v.f = f64_from_bits(bits);
        break;
    default:
        v.i = extend_bits(bits, ptx_types[from].bytes, is_signed(from));
        break;
    }
    return v;
}

static double to_integral(double x, Rounding rounding) {
    switch (rounding) {
    case ROUND_RZ:
        return trunc(x);
    case ROUND_RM:
        return floor(x);
    case ROUND_RP:
        return ceil(x);
    case ROUND_RNA:
        return round(x);
    case ROUND_RN:
    case ROUND_NONE:
        break;
    }
    return nearbyint(x);
}

static uint64_t float_to_int(const Conversion *c, double x) {
    unsigned bits = 8 * ptx_types[c->to].bytes;
    if (isnan(x))
        return bits == 64 || c->from == PTX_F64 ? UINT64_C(1) << (bits - 1) : 0;
    x = to_integral(x, c->rounding);
    if (is_signed(c->to)) {
        double limit = ldexp(1, (int)bits - 1);
        if (x >= limit)
            return (UINT64_C(1) << (bits - 1)) - 1;
        return x < -limit ? UINT64_C(1) << (bits - 1) : (uint64_t)(int64_t)x;
    }
    if (x <= 0)
        return 0;
    return x >= ldexp(1, (int)bits) ? UINT64_MAX : (uint64_t)x;
}

static uint64_t int_to_int(const Conversion *c, uint64_t x) {
    if (!c->saturate)
        return x;
    unsigned bits = 8 * ptx_types[c->to].bytes;
    uint64_t highest =
        is_signed(c->to) ? (UINT64_C(1) << (bits - 1)) - 1 : UINT64_MAX >> (64 - bits);
    if (is_signed(c->from) && (int64_t)x < 0) {
        int64_t lowest = is_signed(c->to) ? -(int64_t)highest - 1 : 0;
        return (int64_t)x < lowest ? (uint64_t)lowest : x;
    }
    return x > highest ? highest : x;
}

/* f, the nearest f32 to a value, moved to the side the rounding asks for. `above`: f > value. */
static float directed(float f, bool above, bool below, Rounding rounding) {
    bool down = rounding == ROUND_RM || (rounding == ROUND_RZ && f > 0);
    bool up = rounding == ROUND_RP || (rounding == ROUND_RZ && f < 0);
    if (down && above)
        return nextafterf(f, -INFINITY);
    return up && below ? nextafterf(f, INFINITY) : f;
}

static float round_to_f32(double x, Rounding rounding) {
    float f = (float)x;
    return isnan(x) ? f : directed(f, (double)f > x, (double)f < x, rounding);
}

/* The bits of tf32 are those of f32 without the low 13. */
static uint32_t round_to_tf32(float f, Rounding rounding) {
    uint32_t bits = f32_bits(f);
    if (isnan(f))
        return 0x7fffffffu;
    if (rounding == ROUND_RN)
        bits += 0xfffu + (bits >> 13 & 1);
    else if (rounding == ROUND_RNA)
        bits += 0x1000u;
    return bits & ~UINT32_C(0x1fff);
}

static uint64_t narrow(const Conversion *c, PtxType to, double x) {
    bool truncate = c->rounding == ROUND_RZ;
    if (c->relu && !isnan(x))
        x = x > 0 ? x : 0;
    switch ((int)to) {
    case PTX_F16:
        if (isnan(x))
            return 0x7fff;
        return truncate ? f32_to_f16_rtz(round_to_f32(x, ROUND_RZ)) : f64_to_f16(x);
    case PTX_BF16:
        if (isnan(x))
            return 0x7fff;
        return truncate ? f32_to_bf16_rtz(round_to_f32(x, ROUND_RZ)) : f64_to_bf16(x);
    case PTX_E4M3:
        return isnan(x) ? 0x7f : f64_to_f8e4m3_sat(x);
    case PTX_E5M2:
        return isnan(x) ? 0x7f : f64_to_f8e5m2_sat(x);
    case PTX_TF32:
        return round_to_tf32((float)x, c->rounding);
    case PTX_F64:
        return f64_bits(x);
    default: {
        float f = round_to_f32(x, c->rounding);
        return f32_bits(c->ftz && fabsf(f) < 0x1p-126f ? copysignf(0, f) : f);
    }
    }
}

/* An integer as f32 or f16 is rounded once: not through double if it has more than 53 bits. */
static uint64_t int_to_float(const Conversion *c, uint64_t x) {
    bool negative = is_signed(c->from) && (int64_t)x < 0;
    uint64_t magnitude = negative ? 0 - x : x;
    if (c->to == PTX_F32 && magnitude >> 53 != 0) {
        float f = (float)magnitude;
        uint64_t back = f >= 0x1p64f ? UINT64_MAX : (uint64_t)f;
        bool above = f >= 0x1p64f || back > magnitude, below = !above && back < magnitude;
        f = negative ? -f : f;
        return f32_bits(
            directed(f, negative ? below : above, negative ? above : below, c->rounding));
    }
    double value = (double)magnitude;
    return narrow(c, c->to, negative ? -value : value);
}

static uint64_t float_to_float(const Conversion *c, double x) {
    if (c->to_integral && !isnan(x) && !isinf(x))
        x = copysign(to_integral(x, c->rounding), x);
    if (c->saturate && c->to != PTX_E4M3 && c->to != PTX_E5M2)
        x = x > 0 ? (x < 1 ? x : 1) : 0;
    return narrow(c, c->to, x);
}

static uint64_t convert_one(const Conversion *c, uint64_t bits) {
    Value v = widen(c, c->from, bits);
    if (is_float(c->from))
        return is_float(c->to) ? float_to_float(c, v.f) : float_to_int(c, v.f);
    return is_float(c->to) ? int_to_float(c, v.i) : int_to_int(c, v.i);
}

/* The type of each half of a packed one; others are their own. */
static PtxType half_of(PtxType type) {
    switch ((int)type) {
    case PTX_F16X2:
        return PTX_F16;
    case PTX_BF16X2:
        return PTX_BF16;
    case PTX_E4M3X2:
        return PTX_E4M3;
    case PTX_E5M2X2:
        return PTX_E5M2;
    default:
        return type;
    }
}

static uint64_t convert_packed(const Conversion *c, uint64_t a, uint64_t b) {
    PtxType to = half_of(c->to), from = half_of(c->from);
    unsigned shift = 8 * ptx_types[to].bytes, from_bits = 8 * ptx_types[from].bytes;
    uint64_t low = c->two_sources ? b : a & ((UINT64_C(1) << from_bits) - 1);
    uint64_t high = c->two_sources ? a : a >> from_bits;
    uint64_t low_bits = narrow(c, to, widen(c, from, low).f);
    return low_bits | narrow(c, to, widen(c, from, high).f) << shift;
}

void convert_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const Conversion *c = inst->data;
    uint64_t a[LANES], b[LANES];
    row_load(warp, inst->a, c->from_bytes, false, a);
    if (c->two_sources)
        row_load(warp, inst->b, c->from_bytes, false, b);
    bool packed = half_of(c->to) != c->to;
    uint64_t out[LANES] = {0};
    EACH_LANE(lane, mask) {
        uint64_t bits = packed ? convert_packed(c, a[lane], c->two_sources ? b[lane] : 0)
                               : convert_one(c, a[lane]);
        /* A register wider than the type gets the sign or zeros above it. */
        out[lane] = packed ? bits : extend_bits(bits, ptx_types[c->to].bytes, is_signed(c->to));
    }
    row_store(warp, inst->dst, c->to_bytes, out, mask);
}
