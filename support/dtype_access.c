/* dtype_access.c -- reading and writing single elements of arrays of any element type.
 *
 * For everything that is not a hot loop: printing, folding, initialising, the host's item access.
 *
 *     uint16_t a[2]; dtype_store_f64(DT_BF16, a, 1, 1.5); dtype_load_f64(DT_BF16, a, 1) == 1.5
 */
#include <string.h>

#include "support/numeric.h"

int64_t f64_to_i64(double value) {
    if (value >= 0x1p63) {
        return INT64_MAX;
    }
    if (value < -0x1p63) {
        return INT64_MIN;
    }
    return value == value ? (int64_t)value : 0;
}

/* An integer as a double whose second rounding, to at most 24 bits, is right: bits that a double
 * cannot hold are folded into its last one. */
static double i64_to_f64_odd(int64_t value) {
    const int64_t exact = INT64_C(1) << 53;
    if (value >= -exact && value <= exact) {
        return (double)value;
    }
    int64_t kept = value & ~INT64_C(1023);
    return (double)(kept == value ? value : kept | 1024);
}

/* The element's bits, zero-extended. */
static uint64_t load_bits(DType type, const void *data, size_t index) {
    const unsigned char *at = (const unsigned char *)data + index * dtype_size(type);
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    uint64_t wide;
    switch (dtype_size(type)) {
    case 1:
        memcpy(&byte, at, sizeof byte);
        return byte;
    case 2:
        memcpy(&half, at, sizeof half);
        return half;
    case 4:
        memcpy(&word, at, sizeof word);
        return word;
    default:
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
}

static void store_bits(DType type, void *data, size_t index, uint64_t bits) {
    unsigned char *at = (unsigned char *)data + index * dtype_size(type);
    uint8_t byte = (uint8_t)bits;
    uint16_t half = (uint16_t)bits;
    uint32_t word = (uint32_t)bits;
    switch (dtype_size(type)) {
    case 1:
        memcpy(at, &byte, sizeof byte);
        break;
    case 2:
        memcpy(at, &half, sizeof half);
        break;
    case 4:
        memcpy(at, &word, sizeof word);
        break;
    default:
        memcpy(at, &bits, sizeof bits);
        break;
    }
}

/* The bits as an integer of the type's width and signedness; u64 wraps. */
static int64_t sign_extend(DType type, uint64_t bits) {
    unsigned unused = 64 - dtype_infos[type].bits;
    uint64_t sign = UINT64_C(1) << (63 - unused);
    bool negative = dtype_is_signed(type) && (bits & sign) != 0;
    return (int64_t)(negative ? bits | ~(sign | (sign - 1)) : bits);
}

/* Only for the float types. */
static double float_from_bits(DType type, uint64_t bits) {
    switch ((int)type) {
    case DT_F8E4M3:
        return (double)f8e4m3_to_f32((uint8_t)bits);
    case DT_F8E5M2:
        return (double)f8e5m2_to_f32((uint8_t)bits);
    case DT_F16:
        return (double)f16_to_f32((uint16_t)bits);
    case DT_BF16:
        return (double)bf16_to_f32((uint16_t)bits);
    case DT_F32:
        return (double)f32_from_bits((uint32_t)bits);
    default:
        return f64_from_bits(bits);
    }
}

static uint64_t float_to_bits(DType type, double value) {
    switch ((int)type) {
    case DT_F8E4M3:
        return f64_to_f8e4m3(value);
    case DT_F8E5M2:
        return f64_to_f8e5m2(value);
    case DT_F16:
        return f64_to_f16(value);
    case DT_BF16:
        return f64_to_bf16(value);
    case DT_F32:
        return f32_bits((float)value);
    default:
        return f64_bits(value);
    }
}

double dtype_load_f64(DType type, const void *data, size_t index) {
    uint64_t bits = load_bits(type, data, index);
    if (dtype_is_float(type)) {
        return float_from_bits(type, bits);
    }
    return type == DT_U64 ? (double)bits : (double)sign_extend(type, bits);
}

void dtype_store_f64(DType type, void *data, size_t index, double value) {
    if (dtype_is_float(type)) {
        store_bits(type, data, index, float_to_bits(type, value));
    } else if (type == DT_BOOL) {
        store_bits(type, data, index, value != 0);
    } else if (type == DT_U64 && value >= 0x1p63) {
        store_bits(type, data, index, value < 0x1p64 ? (uint64_t)value : UINT64_MAX);
    } else {
        store_bits(type, data, index, (uint64_t)f64_to_i64(value));
    }
}

int64_t dtype_load_i64(DType type, const void *data, size_t index) {
    uint64_t bits = load_bits(type, data, index);
    return dtype_is_float(type) ? f64_to_i64(float_from_bits(type, bits)) : sign_extend(type, bits);
}

void dtype_store_i64(DType type, void *data, size_t index, int64_t value) {
    if (type == DT_F64) {
        store_bits(type, data, index, f64_bits((double)value));
    } else if (dtype_is_float(type)) {
        store_bits(type, data, index, float_to_bits(type, i64_to_f64_odd(value)));
    } else {
        store_bits(type, data, index, type == DT_BOOL ? value != 0 : (uint64_t)value);
    }
}
