/* The small float formats, exhaustively, against a slow reference in double arithmetic.
 *
 * The reference decodes a pattern from its fields with ldexp. For rounding, it walks the sorted
 * list of a format's finite values: around each value and each midpoint between neighbours (and
 * between the largest value and the one that would follow) it knows the right answer without
 * rounding.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "support/compat.h"
#include "support/numeric.h"

/* A format, and the functions under test brought to one signature. */
typedef struct Format {
    const char *name;
    int mantissa, bias, exponent_max; /* exponent_max: the exponent field of the largest number */
    uint32_t largest, infinity;       /* patterns; infinity: what overflow gives */
    uint32_t sign;
    double (*decode)(uint32_t bits);
    uint32_t (*encode)(float value);
    uint32_t (*encode64)(double value);
} Format;

#define WRAP(format, To)                                                                           \
    static double format##_decode(uint32_t bits) {                                                 \
        return (double)format##_to_f32((To)bits);                                                  \
    }                                                                                              \
    static uint32_t format##_encode(float value) {                                                 \
        return f32_to_##format(value);                                                             \
    }                                                                                              \
    static uint32_t format##_encode64(double value) {                                              \
        return f64_to_##format(value);                                                             \
    }
WRAP(f16, uint16_t)
WRAP(bf16, uint16_t)
WRAP(f8e4m3, uint8_t)
WRAP(f8e5m2, uint8_t)

static const Format formats[] = {
    {"f16", 10, 15, 30, 0x7bff, 0x7c00, 0x8000, f16_decode, f16_encode, f16_encode64},
    {"bf16", 7, 127, 254, 0x7f7f, 0x7f80, 0x8000, bf16_decode, bf16_encode, bf16_encode64},
    {"f8e4m3", 3, 7, 15, 0x7e, 0x7f, 0x80, f8e4m3_decode, f8e4m3_encode, f8e4m3_encode64},
    {"f8e5m2", 2, 15, 30, 0x7b, 0x7c, 0x80, f8e5m2_decode, f8e5m2_encode, f8e5m2_encode64},
};

/* The value of a pattern without sign, by the definition of the format. The pattern behind the
 * largest gets the value that would follow, which is where the rounding boundary comes from. */
static double reference(const Format *format, uint32_t bits) {
    int exponent = (int)(bits >> format->mantissa);
    double fraction = (double)(bits & ((1u << format->mantissa) - 1u));
    double one = (double)(1u << format->mantissa);
    if (exponent == 0) {
        return ldexp(fraction, 1 - format->bias - format->mantissa);
    }
    return ldexp(one + fraction, exponent - format->bias - format->mantissa);
}

static void expect(const Format *format, double value, uint32_t bits) {
    float single = (float)value;
    if ((double)single == value) {
        uint32_t got = format->encode(single), negative = format->encode(-single);
        cr_assert(got == bits && negative == (bits | format->sign),
                  "%s: f32 %a gives %x and %x, expected %x", format->name, value, got, negative,
                  bits);
    }
    uint32_t got = format->encode64(value), negative = format->encode64(-value);
    cr_assert(got == bits && negative == (bits | format->sign),
              "%s: f64 %a gives %x and %x, expected %x", format->name, value, got, negative, bits);
}

Test(numeric, decoding_every_pattern) {
    for (size_t f = 0; f < TK_COUNTOF(formats); f++) {
        const Format *format = &formats[f];
        for (uint32_t bits = 0; bits <= format->largest; bits++) {
            double value = reference(format, bits);
            cr_assert(format->decode(bits) == value, "%s %x", format->name, bits);
            double negative = format->decode(bits | format->sign);
            cr_assert(negative == -value && signbit(negative), "%s -%x", format->name, bits);
        }
        for (uint32_t bits = format->largest + 1; bits < format->sign; bits++) {
            double value = format->decode(bits), negative = format->decode(bits | format->sign);
            bool infinite = bits == format->infinity && format->decode != f8e4m3_decode;
            cr_assert(infinite ? isinf(value) && value > 0 && negative == -value
                               : isnan(value) && isnan(negative),
                      "%s %x", format->name, bits);
            uint32_t back = format->encode((float)value);
            cr_assert(infinite ? back == bits : isnan(format->decode(back)));
        }
    }
}

/* Each value, and each boundary between neighbours with the f32 and f64 numbers next to it. */
Test(numeric, rounding_at_every_boundary) {
    for (size_t f = 0; f < TK_COUNTOF(formats); f++) {
        const Format *format = &formats[f];
        for (uint32_t bits = 0; bits <= format->largest; bits++) {
            double value = reference(format, bits), next = reference(format, bits + 1);
            double middle = value + (next - value) / 2;
            uint32_t above = bits == format->largest ? format->infinity : bits + 1;
            /* where the largest number is even the tie goes to it (e4m3), else to what follows */
            uint32_t tied = bits % 2 == 0 ? bits : above;
            expect(format, value, bits);
            expect(format, middle, tied);
            expect(format, nextafter(middle, 0), bits);
            expect(format, nextafter(middle, (double)INFINITY), above);
            float single = (float)middle;
            if ((double)single == middle) {
                expect(format, (double)nextafterf(single, 0), bits);
                float more = nextafterf(single, INFINITY);
                if (isfinite(more)) {
                    expect(format, (double)more, above);
                }
            }
        }
    }
}

Test(numeric, overflow_and_nan) {
    for (size_t f = 0; f < TK_COUNTOF(formats); f++) {
        const Format *format = &formats[f];
        uint32_t infinity = format->infinity;
        cr_assert_eq(format->encode(INFINITY), infinity);
        cr_assert_eq(format->encode(-INFINITY), infinity | format->sign);
        cr_assert_eq(format->encode64((double)INFINITY), infinity);
        cr_assert_eq(format->encode64(1e300), infinity);
        cr_assert_eq(format->encode64(-1e300), infinity | format->sign);
        cr_assert_eq(format->encode64(5e-324), 0);
        cr_assert_eq(format->encode64(-5e-324), format->sign);
        cr_assert(isnan(format->decode(format->encode(NAN))));
        cr_assert(isnan(format->decode(format->encode64((double)NAN))));
        for (uint32_t low = 1; low != 0 && low < 0x800000; low <<= 1) {
            float nan = f32_from_bits(0x7f800000u | low);
            cr_assert(isnan(format->decode(format->encode(nan))), "%s %x", format->name, low);
        }
    }
    cr_assert_eq(f32_to_f16(3e38f), 0x7c00);
    cr_assert_eq(f32_to_f8e4m3(464.0f), 0x7e);
    cr_assert_eq(f32_to_f8e4m3(465.0f), 0x7f);
}

Test(numeric, saturating_fp8) {
    for (uint32_t upper = 0; upper < 0x10000; upper++) {
        float value = f32_from_bits(upper << 16 | (upper & 1u));
        uint8_t e4m3 = f32_to_f8e4m3_sat(value), e5m2 = f32_to_f8e5m2_sat(value);
        if (isnan(value)) {
            cr_assert(isnan(f8e4m3_to_f32(e4m3)) && isnan(f8e5m2_to_f32(e5m2)));
            continue;
        }
        uint8_t sign = signbit(value) ? 0x80 : 0;
        float magnitude = fabsf(value);
        cr_assert_eq(e4m3, magnitude > 448.0f ? sign | 0x7e : f32_to_f8e4m3(value));
        cr_assert_eq(e5m2, magnitude > 57344.0f ? sign | 0x7b : f32_to_f8e5m2(value));
        cr_assert_eq(f64_to_f8e4m3_sat((double)value), e4m3);
        cr_assert_eq(f64_to_f8e5m2_sat((double)value), e5m2);
    }
}

/* Towards zero: the largest pattern whose value is not above the number. */
Test(numeric, truncation) {
    for (size_t f = 0; f < 2; f++) {
        const Format *format = &formats[f];
        uint16_t (*truncate)(float) = f == 0 ? f32_to_f16_rtz : f32_to_bf16_rtz;
        for (uint32_t bits = 0; bits <= format->largest; bits++) {
            float value = (float)reference(format, bits);
            float next = (float)reference(format, bits + 1);
            cr_assert_eq(truncate(value), bits);
            cr_assert_eq(truncate(-value), bits | format->sign);
            cr_assert_eq(truncate(nextafterf(next, 0)), bits, "%s %x", format->name, bits);
        }
        cr_assert_eq(truncate(INFINITY), format->infinity);
        cr_assert(isnan(format->decode(truncate(NAN))));
        cr_assert(isnan(format->decode(truncate(f32_from_bits(0x7f800001u)))));
    }
    cr_assert_eq(f32_to_f16_rtz(1e30f), 0x7bff);
    cr_assert_eq(f32_to_f16_rtz(1e-40f), 0);
}

/* One rounding: 1 + 2^-11 + 2^-40 is just above a tie of f16 that f32 cannot tell from the tie. */
Test(numeric, doubles_round_once) {
    double value = 1.0 + ldexp(1, -11) + ldexp(1, -40);
    cr_assert_eq(f64_to_f16(value), 0x3c01);
    cr_assert_eq(f32_to_f16((float)value), 0x3c00);
    cr_assert_eq(f64_to_bf16(1.0 + ldexp(1, -8) + ldexp(1, -50)), 0x3f81);
    cr_assert_eq(f64_to_bf16(1.0 + ldexp(3, -8) - ldexp(1, -50)), 0x3f81);
}

Test(numeric, tf32) {
    cr_assert_eq(f32_bits(f32_to_tf32_trunc(f32_from_bits(0x3f801fffu))), 0x3f800000u);
    cr_assert_eq(f32_bits(f32_to_tf32_rna(f32_from_bits(0x3f801000u))), 0x3f802000u);
    cr_assert_eq(f32_bits(f32_to_tf32_rna(f32_from_bits(0x3f800fffu))), 0x3f800000u);
    cr_assert_eq(f32_bits(f32_to_tf32_rna(f32_from_bits(0xbf801000u))), 0xbf802000u);
    cr_assert(isinf(f32_to_tf32_rna(f32_from_bits(0x7f7fffffu))));
    cr_assert(isinf(f32_to_tf32_rna(INFINITY)) && isinf(f32_to_tf32_trunc(-INFINITY)));
    cr_assert(isnan(f32_to_tf32_rna(f32_from_bits(0x7f800001u))));
    cr_assert(isnan(f32_to_tf32_trunc(f32_from_bits(0xffffffffu))));
}

/* The array forms agree with the scalar ones on every pattern. */
Test(numeric, array_forms) {
    enum { COUNT = 0x10000 };
    uint16_t *halves = malloc(COUNT * sizeof *halves);
    uint8_t *bytes = malloc(COUNT);
    float *floats = malloc(COUNT * sizeof *floats), *wide = malloc(COUNT * sizeof *wide);
    for (uint32_t i = 0; i < COUNT; i++) {
        halves[i] = (uint16_t)i;
        bytes[i] = (uint8_t)i;
        floats[i] = f32_from_bits(i << 16 | (i * 40503u & 0xffffu));
    }
#define CHECK_WIDEN(convert, from)                                                                 \
    convert##_n(from, wide, COUNT);                                                                \
    for (size_t i = 0; i < COUNT; i++) {                                                           \
        cr_assert_eq(f32_bits(wide[i]), f32_bits(convert(from[i])), #convert " %zu", i);           \
    }
#define CHECK_NARROW(convert, to)                                                                  \
    convert##_n(floats, to, COUNT);                                                                \
    for (size_t i = 0; i < COUNT; i++) {                                                           \
        cr_assert_eq(to[i], convert(floats[i]), #convert " %zu", i);                               \
    }
    CHECK_WIDEN(f16_to_f32, halves)
    CHECK_WIDEN(bf16_to_f32, halves)
    CHECK_WIDEN(f8e4m3_to_f32, bytes)
    CHECK_WIDEN(f8e5m2_to_f32, bytes)
    CHECK_NARROW(f32_to_f16, halves)
    CHECK_NARROW(f32_to_bf16, halves)
    CHECK_NARROW(f32_to_f8e4m3, bytes)
    CHECK_NARROW(f32_to_f8e4m3_sat, bytes)
    CHECK_NARROW(f32_to_f8e5m2, bytes)
    CHECK_NARROW(f32_to_f8e5m2_sat, bytes)
    free(halves);
    free(bytes);
    free(floats);
    free(wide);
}

Test(numeric, names_of_types) {
    cr_assert_eq(dtype_from_name("float16"), DT_F16);
    cr_assert_eq(dtype_from_name("fp16"), DT_F16);
    cr_assert_eq(dtype_from_name("float8_e4m3fn"), DT_F8E4M3);
    cr_assert_eq(dtype_from_name("bool"), DT_BOOL);
    cr_assert_eq(dtype_from_name("i1"), DT_BOOL);
    cr_assert_eq(dtype_from_name("float"), DT_COUNT);
    cr_assert_eq(dtype_size(DT_BF16), 2);
    cr_assert(dtype_is_signed(DT_I8) && !dtype_is_signed(DT_U8) && !dtype_is_signed(DT_BOOL));
}

Test(numeric, elements_of_every_type) {
    for (unsigned t = 0; t < DT_COUNT; t++) {
        DType type = (DType)t;
        unsigned char data[32] = {0};
        dtype_store_f64(type, data, 1, 1.0);
        dtype_store_i64(type, data, 2, 1);
        cr_assert_eq(dtype_load_f64(type, data, 0), 0.0);
        cr_assert_eq(dtype_load_f64(type, data, 1), 1.0);
        cr_assert_eq(dtype_load_i64(type, data, 2), 1);
        cr_assert_eq(dtype_load_i64(type, data, 3), 0);
        if (dtype_is_signed(type) || dtype_is_float(type)) {
            dtype_store_i64(type, data, 0, -2);
            cr_assert_eq(dtype_load_f64(type, data, 0), -2.0);
            cr_assert_eq(dtype_load_i64(type, data, 0), -2);
        }
    }
}

Test(numeric, elements_at_the_ends) {
    unsigned char data[16];
    dtype_store_i64(DT_U8, data, 0, 255);
    cr_assert_eq(dtype_load_i64(DT_U8, data, 0), 255);
    cr_assert_eq(dtype_load_i64(DT_I8, data, 0), -1);
    dtype_store_i64(DT_U64, data, 0, -1);
    cr_assert_eq(dtype_load_i64(DT_U64, data, 0), -1);
    cr_assert_eq(dtype_load_f64(DT_U64, data, 0), 0x1p64);
    dtype_store_f64(DT_U64, data, 0, 0x1p63);
    cr_assert_eq(dtype_load_i64(DT_U64, data, 0), INT64_MIN);
    dtype_store_f64(DT_U64, data, 0, 1e30);
    cr_assert_eq(dtype_load_i64(DT_U64, data, 0), -1);
    dtype_store_i64(DT_BOOL, data, 0, 256);
    cr_assert_eq(data[0], 1);
    cr_assert_eq(f64_to_i64((double)NAN), 0);
    cr_assert_eq(f64_to_i64(1e300), INT64_MAX);
    cr_assert_eq(f64_to_i64(-1e300), INT64_MIN);
    cr_assert_eq(f64_to_i64(-1.9), -1);
    /* just above a tie of bf16; as a double it would be the tie */
    int64_t above = (INT64_C(1) << 62) + (INT64_C(1) << 54) + 1;
    dtype_store_i64(DT_BF16, data, 0, above);
    cr_assert_eq(dtype_load_f64(DT_BF16, data, 0), 0x1p62 + 0x1p55);
    dtype_store_i64(DT_F32, data, 0, above);
    cr_assert_eq(dtype_load_f64(DT_F32, data, 0), (double)(float)above);
    dtype_store_i64(DT_F32, data, 0, -above);
    cr_assert_eq(dtype_load_f64(DT_F32, data, 0), (double)(float)-above);
    /* any address will do */
    dtype_store_f64(DT_F64, data + 1, 0, 0.1);
    cr_assert_eq(dtype_load_f64(DT_F64, data + 1, 0), 0.1);
}
