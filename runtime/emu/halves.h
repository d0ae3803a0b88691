/* halves.h -- conversions of f16, bf16 and e4m3 without branches or calls, so that loops over lanes
 * are vectorised. They do what support/numeric.h does (a NaN becomes 0x7fff, as on hardware).
 */
#ifndef TKC_RUNTIME_EMU_HALVES_H
#define TKC_RUNTIME_EMU_HALVES_H

#include <stdint.h>
#include <string.h>

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* A small float: its exponent and mantissa moved to where f32 has them, scaled right by a product
 * (which makes subnormals normal). `special`: the exponent of infinities and NaN where it applies;
 * sign: in the top bit. */
static inline float small_value(uint32_t magnitude, float scale, uint32_t special, uint32_t sign) {
    return float_of(bits_of(float_of(magnitude) * scale) | special | sign);
}
static inline float half_value(uint32_t bits) {
    uint32_t special = (bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0;
    return small_value((bits & 0x7fffu) << 13, 0x1p112f, special, (bits & 0x8000u) << 16);
}
static inline float e4m3_value(uint32_t bits) {
    uint32_t special = (bits & 0x7fu) == 0x7fu ? 0x7fc00000u : 0;
    return small_value((bits & 0x7fu) << 20, 0x1p120f, special, (bits & 0x80u) << 24);
}

/* To the nearest, ties to even. What is subnormal as f16 is rounded by adding a float whose last
 * bit is the smallest f16; of the rest, the bits that do not fit carry into those that do. */
static inline uint32_t half_bits(float value) {
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    uint32_t subnormal = bits_of(float_of(size) + 0.5f) - 0x3f000000u;
    uint32_t normal = (size - (112u << 23) + 0xfffu + (size >> 13 & 1)) >> 13;
    uint32_t half = size < (113u << 23) ? subnormal : normal;
    half = size >= (143u << 23) ? 0x7c00u : half;
    return size > 0x7f800000u ? 0x7fffu : half | sign;
}
static inline uint32_t bf16_bits(float value) {
    uint32_t bits = bits_of(value);
    uint32_t half = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : half;
}

#endif
