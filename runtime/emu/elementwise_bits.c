/* elementwise_bits.c -- executes the rows of elementwise_bits.def.
 *
 *     ELT2(shl_u32, "shl.b32", u32, u32, u32, y > 31 ? 0 : x << y)
 */
#include "runtime/emu/elementwise.h"

/* The upper word of (y:x) << n, n <= 32. */
static inline uint32_t funnel_left(uint32_t x, uint32_t y, uint32_t n) {
    uint64_t both = (uint64_t)y << 32 | x;
    return (uint32_t)(both << n >> 32);
}

/* The lower word of (y:x) >> n, n <= 32. */
static inline uint32_t funnel_right(uint32_t x, uint32_t y, uint32_t n) {
    uint64_t both = (uint64_t)y << 32 | x;
    return (uint32_t)(both >> n);
}

/* Of the upper `bits` bits of x. */
static inline uint32_t leading_zeros(uint64_t x, uint32_t bits) {
    uint32_t n = 0;
    for (; n < bits && (x & UINT64_C(1) << 63) == 0; n++)
        x <<= 1;
    return n;
}

static inline uint64_t reverse_bits(uint64_t x) {
    static const uint64_t masks[] = {UINT64_C(0x5555555555555555), UINT64_C(0x3333333333333333),
                                     UINT64_C(0x0f0f0f0f0f0f0f0f), UINT64_C(0x00ff00ff00ff00ff),
                                     UINT64_C(0x0000ffff0000ffff), UINT64_C(0x00000000ffffffff)};
    for (unsigned i = 0; i < 6; i++)
        x = (x >> (1u << i) & masks[i]) | (x & masks[i]) << (1u << i);
    return x;
}

/* bfe: `len` bits from `pos` on; bits beyond the top repeat the sign bit of the field or are 0. */
static inline uint64_t extract_bits(uint64_t x, uint32_t pos, uint32_t len, uint32_t width,
                                    bool is_signed) {
    uint64_t field = pos >= width ? 0 : x >> pos;
    if (len == 0)
        return 0;
    uint32_t top = pos + len - 1 < width - 1 ? pos + len - 1 : width - 1;
    uint64_t sign = is_signed ? x >> top & 1 : 0;
    uint32_t have = pos >= width ? 0 : width - pos < len ? width - pos : len;
    uint64_t mask = have >= 64 ? UINT64_MAX : (UINT64_C(1) << have) - 1;
    return (field & mask) | (sign != 0 ? ~mask : 0);
}

/* bfi: the low `len` bits of x put into y at `pos`. */
static inline uint64_t insert_bits(uint64_t x, uint64_t y, uint32_t pos, uint32_t len,
                                   uint32_t width) {
    if (pos >= width || len == 0)
        return y;
    uint64_t mask = len >= 64 ? UINT64_MAX : (UINT64_C(1) << len) - 1;
    return (y & ~(mask << pos)) | (x & mask) << pos;
}

static inline uint32_t low_bits(uint32_t x, uint32_t n) {
    return n > 31 ? x : x & ((UINT32_C(1) << n) - 1);
}

static inline uint32_t sign_extend(uint32_t x, uint32_t n) {
    uint32_t low = low_bits(x, n);
    return n == 0 || (low >> (n - 1) & 1) == 0 ? low : low | ~low_bits(UINT32_MAX, n);
}

/* prmt: each nibble of the selector picks one of the eight bytes of (y:x), or repeats its sign. */
static inline uint32_t permute_bytes(uint32_t x, uint32_t y, uint32_t selector) {
    uint64_t both = (uint64_t)y << 32 | x;
    uint32_t out = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t pick = selector >> (4 * i) & 15;
        uint32_t byte = (uint32_t)(both >> (8 * (pick & 7)) & 0xff);
        if (pick & 8)
            byte = byte & 0x80 ? 0xff : 0;
        out |= byte << (8 * i);
    }
    return out;
}

/* The selectors of prmt.b4e: n, n-1, n-2, n-3 modulo 8. */
static inline uint32_t backward4(uint32_t n) {
    return n | ((n + 7) & 7) << 4 | ((n + 6) & 7) << 8 | ((n + 5) & 7) << 12;
}

#define ELT1(name, keys, D, A, expr)          DEFINE_ELT1(name, D, A, SAME, SAME, expr)
#define ELT2(name, keys, D, A, B, expr)       DEFINE_ELT2(name, D, A, B, SAME, SAME, expr)
#define ELT3(name, keys, D, A, B, C, expr)    DEFINE_ELT3(name, D, A, B, C, SAME, SAME, expr)
#define ELT4(name, keys, D, A, B, C, E, expr) DEFINE_ELT4(name, D, A, B, C, E, expr)
#include "runtime/emu/elementwise_bits.def"
#undef ELT1
#undef ELT2
#undef ELT3
#undef ELT4

static const EltOp ops[] = {
#define ELT1(name, keys, D, A, expr)          ROW_ELT1(name, keys, D, A)
#define ELT2(name, keys, D, A, B, expr)       ROW_ELT2(name, keys, D, A, B)
#define ELT3(name, keys, D, A, B, C, expr)    ROW_ELT3(name, keys, D, A, B, C)
#define ELT4(name, keys, D, A, B, C, E, expr) ROW_ELT4(name, keys, D, A, B, C, E)
#include "runtime/emu/elementwise_bits.def"
#undef ELT1
#undef ELT2
#undef ELT3
#undef ELT4
};

EltTable elt_bits_table(void) {
    return (EltTable){ops, TK_COUNTOF(ops)};
}
