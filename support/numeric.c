/* numeric.c -- conversions between f32 / f64 and the small formats, rounded exactly.
 *
 * All small formats have the layout of f32 (sign, exponent, mantissa) with fewer bits, so a
 * conversion moves the bits and corrects the exponent's bias. Two places need more care:
 *
 * - Numbers below the small format's normal range. Adding a power of two whose last mantissa bit is
 *   worth the small format's smallest step makes the adder do the rounding: 0.5f + x has steps of
 *   2^-24, the step of subnormal f16. The way back subtracts in the same manner.
 * - f64 to a small format must round once. The value is first cut to f32 "to odd": truncated, with
 *   the last bit set if anything was lost. f32 has more than two bits more than any format here,
 *   so the second rounding sees on which side of a tie the value lay (Boldo and Melquiond 2008).
 *
 * The functions compute every case and select, without branches, so that compilers turn the array
 * forms into vector code. They need the default rounding mode.
 *
 *     f32_to_f16(65519.0f) == 0x7bff (65504)        f32_to_f16(65520.0f) == 0x7c00 (infinity)
 */
#include "support/numeric.h"

#include <string.h>

#define F32_SIGN  UINT32_C(0x80000000)
#define F32_MAGN  UINT32_C(0x7fffffff)
#define F32_INF   UINT32_C(0x7f800000)
#define F32_QUIET UINT32_C(0x00400000)
#define F64_MAGN  UINT64_C(0x7fffffffffffffff)
/* The bits of 2^n as f32. */
#define F32_POW2(n) ((uint32_t)((n) + 127) << 23)

uint32_t f32_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float f32_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t f64_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

double f64_from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Widens a magnitude that was shifted to f32's mantissa position. `normal` is the exponent of the
 * format's smallest normal number. Infinities and NaNs are the caller's. */
static inline uint32_t widen(uint32_t shifted, int normal) {
    uint32_t rebiased = shifted + F32_POW2(normal - 1);
    float smallest = f32_from_bits(F32_POW2(normal));
    uint32_t subnormal = f32_bits(f32_from_bits(shifted + F32_POW2(normal)) - smallest);
    return shifted < UINT32_C(1) << 23 ? subnormal : rebiased;
}

/* Narrows the f32 magnitude `magn` (below 2^31, no NaN) to a format with `drop` fewer mantissa bits
 * and smallest normal number 2^normal, to nearest even. Values out of the format's range give a
 * number above its largest one; the caller decides what that means. */
static inline uint32_t narrow(uint32_t magn, int drop, int normal) {
    uint32_t odd = magn >> drop & 1u;
    uint32_t half = (UINT32_C(1) << (drop - 1)) - 1u;
    uint32_t rounded = (magn + half + odd - F32_POW2(normal - 1)) >> drop;
    uint32_t step = F32_POW2(normal + drop); /* a power of two in f32 steps as coarse as wanted */
    uint32_t subnormal = f32_bits(f32_from_bits(magn) + f32_from_bits(step)) - step;
    return magn < F32_POW2(normal) ? subnormal : rounded;
}

float f16_to_f32(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
    uint32_t shifted = (uint32_t)(bits & 0x7fffu) << 13;
    uint32_t special = UINT32_C(0x1f) << 23;
    uint32_t magn = widen(shifted, -14);
    magn = shifted >= special ? shifted | F32_INF : magn;
    magn = shifted > special ? magn | F32_QUIET : magn;
    return f32_from_bits(sign | magn);
}

uint16_t f32_to_f16(float value) {
    uint32_t bits = f32_bits(value), magn = bits & F32_MAGN;
    uint32_t result = narrow(magn, 13, -14);
    result = result > 0x7c00u ? 0x7c00u : result;
    result = magn > F32_INF ? 0x7e00u | (magn >> 13 & 0x1ffu) : result;
    return (uint16_t)(bits >> 16 & 0x8000u) | (uint16_t)result;
}

uint16_t f32_to_f16_rtz(float value) {
    uint32_t bits = f32_bits(value), magn = bits & F32_MAGN;
    uint32_t result = (magn - F32_POW2(-15)) >> 13;
    if (magn < F32_POW2(-14)) {
        uint32_t shift = 126u - (magn >> 23); /* below 2^-24 nothing is left */
        uint32_t mantissa = (magn & 0x7fffffu) | 0x800000u;
        result = shift < 24 ? mantissa >> shift : 0;
    }
    result = magn >= F32_POW2(16) ? 0x7bffu : result;
    result = magn == F32_INF ? 0x7c00u : result;
    result = magn > F32_INF ? 0x7e00u | (magn >> 13 & 0x1ffu) : result;
    return (uint16_t)(bits >> 16 & 0x8000u) | (uint16_t)result;
}

float bf16_to_f32(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    return f32_from_bits((wide & F32_MAGN) > F32_INF ? wide | F32_QUIET : wide);
}

uint16_t f32_to_bf16(float value) {
    uint32_t bits = f32_bits(value);
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    uint32_t quiet = (bits | F32_QUIET) >> 16;
    return (uint16_t)((bits & F32_MAGN) > F32_INF ? quiet : rounded);
}

uint16_t f32_to_bf16_rtz(float value) {
    uint32_t bits = f32_bits(value);
    return (uint16_t)(((bits & F32_MAGN) > F32_INF ? bits | F32_QUIET : bits) >> 16);
}

float f8e4m3_to_f32(uint8_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x80u) << 24;
    uint32_t magn = widen((uint32_t)(bits & 0x7fu) << 20, -6);
    magn = (bits & 0x7fu) == 0x7fu ? F32_INF | F32_QUIET : magn;
    return f32_from_bits(sign | magn);
}

/* Both fp8 formats: a magnitude above `largest` gives `overflow`. */
static inline uint8_t to_fp8(float value, int drop, int normal, uint32_t largest,
                             uint32_t overflow) {
    uint32_t bits = f32_bits(value), magn = bits & F32_MAGN;
    uint32_t result = narrow(magn, drop, normal);
    result = result > largest ? overflow : result;
    result = magn > F32_INF ? 0x7fu : result;
    return (uint8_t)(bits >> 24 & 0x80u) | (uint8_t)result;
}

uint8_t f32_to_f8e4m3(float value) {
    return to_fp8(value, 20, -6, 0x7e, 0x7f);
}

uint8_t f32_to_f8e4m3_sat(float value) {
    return to_fp8(value, 20, -6, 0x7e, 0x7e);
}

float f8e5m2_to_f32(uint8_t bits) {
    return f16_to_f32((uint16_t)(bits << 8)); /* e5m2 is the upper half of f16 */
}

uint8_t f32_to_f8e5m2(float value) {
    return to_fp8(value, 21, -14, 0x7b, 0x7c);
}

uint8_t f32_to_f8e5m2_sat(float value) {
    return to_fp8(value, 21, -14, 0x7b, 0x7b);
}

/* Round to odd: truncates to f32 and sets the last bit if that lost anything. */
static inline float f64_to_f32_odd(double value) {
    float nearest = (float)value;
    double back = (double)nearest;
    uint32_t bits = f32_bits(nearest);
    bits -= (f64_bits(back) & F64_MAGN) > (f64_bits(value) & F64_MAGN) ? 1u : 0u;
    return back == value ? nearest : f32_from_bits(bits | 1u);
}

uint16_t f64_to_f16(double value) {
    return f32_to_f16(f64_to_f32_odd(value));
}

uint16_t f64_to_bf16(double value) {
    return f32_to_bf16(f64_to_f32_odd(value));
}

uint8_t f64_to_f8e4m3(double value) {
    return f32_to_f8e4m3(f64_to_f32_odd(value));
}

uint8_t f64_to_f8e4m3_sat(double value) {
    return f32_to_f8e4m3_sat(f64_to_f32_odd(value));
}

uint8_t f64_to_f8e5m2(double value) {
    return f32_to_f8e5m2(f64_to_f32_odd(value));
}

uint8_t f64_to_f8e5m2_sat(double value) {
    return f32_to_f8e5m2_sat(f64_to_f32_odd(value));
}

float f32_to_tf32_trunc(float value) {
    uint32_t bits = f32_bits(value);
    bits |= (bits & F32_MAGN) > F32_INF ? F32_QUIET : 0u;
    return f32_from_bits(bits & ~UINT32_C(0x1fff));
}

float f32_to_tf32_rna(float value) {
    uint32_t bits = f32_bits(value);
    bool finite = (bits & F32_MAGN) < F32_INF;
    float rounded = f32_from_bits((bits + 0x1000u) & ~UINT32_C(0x1fff)); /* may reach infinity */
    return finite ? rounded : f32_to_tf32_trunc(value);
}

/* The array form of a conversion. */
#define DEFINE_ARRAY_FORM(convert, From, To)                                                       \
    void convert##_n(const From *restrict in, To *restrict out, size_t count) {                    \
        for (size_t i = 0; i < count; i++) {                                                       \
            out[i] = convert(in[i]);                                                               \
        }                                                                                          \
    }
DEFINE_ARRAY_FORM(f16_to_f32, uint16_t, float)
DEFINE_ARRAY_FORM(f32_to_f16, float, uint16_t)
DEFINE_ARRAY_FORM(bf16_to_f32, uint16_t, float)
DEFINE_ARRAY_FORM(f32_to_bf16, float, uint16_t)
DEFINE_ARRAY_FORM(f8e4m3_to_f32, uint8_t, float)
DEFINE_ARRAY_FORM(f32_to_f8e4m3, float, uint8_t)
DEFINE_ARRAY_FORM(f32_to_f8e4m3_sat, float, uint8_t)
DEFINE_ARRAY_FORM(f8e5m2_to_f32, uint8_t, float)
DEFINE_ARRAY_FORM(f32_to_f8e5m2, float, uint8_t)
DEFINE_ARRAY_FORM(f32_to_f8e5m2_sat, float, uint8_t)
