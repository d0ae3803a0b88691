/* elementwise_int.c -- executes the rows of elementwise_int.def.
 *
 *     ELT2(add_u32, "add.u32 add.s32", u32, u32, u32, x + y)   becomes   static void add_u32(...)
 */
#include "runtime/emu/elementwise.h"

static inline int32_t clamp_s32(int64_t value) {
    return value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

/* The upper half of a product of 64-bit numbers, by halves. */
static inline uint64_t high_product(uint64_t x, uint64_t y) {
    uint64_t x0 = x & 0xffffffffu, x1 = x >> 32, y0 = y & 0xffffffffu, y1 = y >> 32;
    uint64_t mid = x1 * y0 + (x0 * y0 >> 32);
    return x1 * y1 + (mid >> 32) + ((x0 * y1 + (mid & 0xffffffffu)) >> 32);
}

static inline int64_t high_product_signed(int64_t x, int64_t y) {
    uint64_t high = high_product((uint64_t)x, (uint64_t)y);
    return (int64_t)(high - (x < 0 ? (uint64_t)y : 0) - (y < 0 ? (uint64_t)x : 0));
}

static inline int64_t negated(int64_t x) {
    return (int64_t)(0 - (uint64_t)x);
}

static inline int64_t sign24(uint32_t x) {
    return (int32_t)(x << 8) >> 8;
}

static inline uint32_t dot_bytes(uint32_t x, uint32_t y, bool x_signed, bool y_signed) {
    uint32_t sum = 0;
    for (unsigned i = 0; i < 32; i += 8) {
        int32_t a = x_signed ? (int8_t)(x >> i) : (int32_t)(x >> i & 0xff);
        int32_t b = y_signed ? (int8_t)(y >> i) : (int32_t)(y >> i & 0xff);
        sum += (uint32_t)(a * b);
    }
    return sum;
}

#define ELT1(name, keys, D, A, expr)       DEFINE_ELT1(name, D, A, SAME, SAME, expr)
#define ELT2(name, keys, D, A, B, expr)    DEFINE_ELT2(name, D, A, B, SAME, SAME, expr)
#define ELT3(name, keys, D, A, B, C, expr) DEFINE_ELT3(name, D, A, B, C, SAME, SAME, expr)
#include "runtime/emu/elementwise_int.def"
#undef ELT1
#undef ELT2
#undef ELT3

static const EltOp ops[] = {
#define ELT1(name, keys, D, A, expr)       ROW_ELT1(name, keys, D, A)
#define ELT2(name, keys, D, A, B, expr)    ROW_ELT2(name, keys, D, A, B)
#define ELT3(name, keys, D, A, B, C, expr) ROW_ELT3(name, keys, D, A, B, C)
#include "runtime/emu/elementwise_int.def"
#undef ELT1
#undef ELT2
#undef ELT3
};

EltTable elt_int_table(void) {
    return (EltTable){ops, TK_COUNTOF(ops)};
}
