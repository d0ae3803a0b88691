/* Test of the emulator's conversions without branches: they do what support/numeric.h does. */
#include <criterion/criterion.h>
#include <math.h>

#include "runtime/emu/halves.h"
#include "support/numeric.h"

static bool same(float a, float b) {
    return isnan(a) ? isnan(b) : f32_bits(a) == f32_bits(b);
}

Test(emu_halves, small_formats_to_f32) {
    for (uint32_t bits = 0; bits < 0x10000; bits++)
        cr_assert(same(half_value(bits), f16_to_f32((uint16_t)bits)), "f16 %04x", bits);
    for (uint32_t bits = 0; bits < 0x100; bits++) {
        cr_assert(same(e4m3_value(bits), f8e4m3_to_f32((uint8_t)bits)), "e4m3 %02x", bits);
        cr_assert(same(half_value(bits << 8), f8e5m2_to_f32((uint8_t)bits)), "e5m2 %02x", bits);
    }
}

static void check_narrow(uint32_t bits) {
    float value = f32_from_bits(bits);
    uint32_t half = isnan(value) ? 0x7fff : f32_to_f16(value);
    uint32_t bf16 = isnan(value) ? 0x7fff : f32_to_bf16(value);
    cr_assert_eq(half_bits(value), half, "f32 %08x as f16: %04x", bits, half_bits(value));
    cr_assert_eq(bf16_bits(value), bf16, "f32 %08x as bf16: %04x", bits, bf16_bits(value));
}

/* Every sign, exponent and upper mantissa with lower bits around where rounding turns. */
Test(emu_halves, f32_to_small_formats) {
    static const uint32_t low[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x1fff};
    for (uint32_t high = 0; high < 1u << 19; high++)
        for (unsigned i = 0; i < sizeof low / sizeof low[0]; i++)
            check_narrow(high << 13 | low[i]);
}
