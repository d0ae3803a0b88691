/* elt_int.c -- integer arithmetic and comparison, element by element.
 *
 * One function for each operation and width, made by macros; the compiler turns the loops into
 * vector code. Arithmetic is done in an unsigned type at least as wide as `unsigned`, where
 * wrapping is defined, and cut to the width by the store. i1 has functions of its own: its
 * arithmetic is modulo 2, and as a signed number 1 means -1.
 *
 * Division by zero is found by the caller before (control.c); here it gives all ones, and the
 * remainder gives the dividend, as hardware does.
 */
#include <limits.h>

#include "ir/interp/program.h"

/* ---- helpers that more than one width uses ----------------------------------------------------
 */

static uint64_t high_product_unsigned(uint64_t a, uint64_t b) {
    uint64_t a_lo = a & UINT32_MAX, a_hi = a >> 32, b_lo = b & UINT32_MAX, b_hi = b >> 32;
    uint64_t middle = a_hi * b_lo + (a_lo * b_lo >> 32);
    uint64_t cross = a_lo * b_hi + (middle & UINT32_MAX);
    return a_hi * b_hi + (middle >> 32) + (cross >> 32);
}

static uint64_t high_product_signed(uint64_t a, uint64_t b) {
    uint64_t high = high_product_unsigned(a, b);
    return high - (a >> 63 ? b : 0) - (b >> 63 ? a : 0);
}

static unsigned count_ones(uint64_t x) {
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
}

static unsigned leading_zeros(uint64_t x, unsigned bits) {
    for (unsigned shift = 1; shift < bits; shift *= 2)
        x |= x >> shift; /* every bit below the highest one */
    return bits - count_ones(x);
}

/* ---- one width --------------------------------------------------------------------------------
 */

/* U, S: the width's types; W: an unsigned type for arithmetic; V: a signed type twice as wide, or
 * as wide for 64 bits (where the high product has functions of its own). */
#define BINARY(name, bits, expr)                                                                   \
    static void name##_##bits(void *dst, const void *lhs, const void *rhs, const void *unused,     \
                              size_t n) {                                                          \
        typedef uint##bits##_t U;                                                                  \
        typedef int##bits##_t S;                                                                   \
        U *restrict out = dst;                                                                     \
        const U *restrict left = lhs, *restrict right = rhs;                                       \
        (void)unused;                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const U a = left[i], b = right[i];                                                     \
            const S sa = (S)a, sb = (S)b;                                                          \
            (void)sa, (void)sb;                                                                    \
            out[i] = (U)(expr);                                                                    \
        }                                                                                          \
    }
#define UNARY(name, bits, expr)                                                                    \
    static void name##_##bits(void *dst, const void *operand, const void *unused_b,                \
                              const void *unused_c, size_t n) {                                    \
        typedef uint##bits##_t U;                                                                  \
        typedef int##bits##_t S;                                                                   \
        U *restrict out = dst;                                                                     \
        const U *restrict in = operand;                                                            \
        (void)unused_b, (void)unused_c;                                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            const U a = in[i];                                                                     \
            const S sa = (S)a;                                                                     \
            (void)sa;                                                                              \
            out[i] = (U)(expr);                                                                    \
        }                                                                                          \
    }

#define WIDTH(bits, W, high_signed, high_unsigned)                                                 \
    BINARY(AddI, bits, (W)a + (W)b)                                                                \
    BINARY(SubI, bits, (W)a - (W)b)                                                                \
    BINARY(MulI, bits, (W)a *(W)b)                                                                 \
    BINARY(DivSI, bits, b == 0 ? (W)-1 : sb == -1 ? (W)0 - (W)a : (W)(sa / sb))                    \
    BINARY(DivUI, bits, b == 0 ? (W)-1 : (W)(a / b))                                               \
    BINARY(RemSI, bits, b == 0 ? (W)a : sb == -1 ? (W)0 : (W)(sa % sb))                            \
    BINARY(RemUI, bits, b == 0 ? (W)a : (W)(a % b))                                                \
    BINARY(AndI, bits, a &b)                                                                       \
    BINARY(OrI, bits, a | b)                                                                       \
    BINARY(XorI, bits, a ^ b)                                                                      \
    BINARY(ShlI, bits, b >= (bits) ? (W)0 : (W)a << (b & ((bits)-1)))                              \
    BINARY(ShrSI, bits, sa >> (b >= (bits) ? (bits)-1 : b))                                        \
    BINARY(ShrUI, bits, b >= (bits) ? (W)0 : (W)a >> (b & ((bits)-1)))                             \
    BINARY(MinSI, bits, sa < sb ? a : b)                                                           \
    BINARY(MaxSI, bits, sa > sb ? a : b)                                                           \
    BINARY(MinUI, bits, a < b ? a : b)                                                             \
    BINARY(MaxUI, bits, a > b ? a : b)                                                             \
    BINARY(MulHiSI, bits, high_signed)                                                             \
    BINARY(MulHiUI, bits, high_unsigned)                                                           \
    UNARY(AbsI, bits, sa < 0 ? (W)0 - (W)a : (W)a)                                                 \
    UNARY(CountLeadingZeros, bits, leading_zeros(a, bits))                                         \
    UNARY(PopCount, bits, count_ones(a))

WIDTH(8, unsigned, (int)sa *(int)sb >> 8, (unsigned)a *(unsigned)b >> 8)
WIDTH(16, unsigned, (int)sa *(int)sb >> 16, (unsigned)a *(unsigned)b >> 16)
WIDTH(32, uint32_t, (uint64_t)((int64_t)sa *(int64_t)sb) >> 32, (uint64_t)a *(uint64_t)b >> 32)
WIDTH(64, uint64_t, high_product_signed(a, b), high_product_unsigned(a, b))

/* ---- i1 ---------------------------------------------------------------------------------------
 */

/* Values are 0 and 1; as signed numbers 0 and -1, so signed "less" is unsigned "greater". */
#define BIT(name, expr)                                                                            \
    static void name##_1(void *dst, const void *lhs, const void *rhs, const void *unused,          \
                         size_t n) {                                                               \
        uint8_t *restrict out = dst;                                                               \
        const uint8_t *restrict left = lhs, *restrict right = rhs;                                 \
        (void)unused;                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const uint8_t a = left[i], b = right[i];                                               \
            (void)a, (void)b;                                                                      \
            out[i] = (uint8_t)(expr);                                                              \
        }                                                                                          \
    }
BIT(bit_xor, a ^ b)
BIT(bit_and, a &b)
BIT(bit_or, a | b)
BIT(bit_left, a)             /* x / 1, x >> 0: the only divisor and shift count there is */
BIT(bit_and_not, a &(b ^ 1)) /* a << b and a >> b (zeros): a shift by 1 leaves nothing */
BIT(bit_zero, 0)
BIT(bit_not, a ^ 1)

/* ---- tables -----------------------------------------------------------------------------------
 */

#define ROW(name)                                                                                  \
    case OP_##name: {                                                                              \
        static const EltFn by_width[] = {name##_8, name##_16, name##_32, name##_64};               \
        return by_width[index];                                                                    \
    }

static EltFn elt_bit(IrOpcode code) {
    static const struct {
        IrOpcode code;
        EltFn fn;
    } rows[] = {
        {OP_AddI, bit_xor_1},      {OP_SubI, bit_xor_1},     {OP_MulI, bit_and_1},
        {OP_DivSI, bit_left_1},    {OP_DivUI, bit_left_1},   {OP_RemSI, bit_zero_1},
        {OP_RemUI, bit_zero_1},    {OP_AndI, bit_and_1},     {OP_OrI, bit_or_1},
        {OP_XorI, bit_xor_1},      {OP_ShlI, bit_and_not_1}, {OP_ShrSI, bit_left_1},
        {OP_ShrUI, bit_and_not_1}, {OP_MinSI, bit_or_1},     {OP_MaxSI, bit_and_1},
        {OP_MinUI, bit_and_1},     {OP_MaxUI, bit_or_1},     {OP_MulHiSI, bit_zero_1},
        {OP_MulHiUI, bit_zero_1},  {OP_AbsI, bit_left_1},    {OP_CountLeadingZeros, bit_not_1},
        {OP_PopCount, bit_left_1},
    };
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        if (rows[i].code == code)
            return rows[i].fn;
    return NULL;
}

EltFn elt_int(IrOpcode code, IrTypeKind kind) {
    if (kind == TY_I1)
        return elt_bit(code);
    if (kind > TY_I64)
        return NULL;
    size_t index = (size_t)kind - TY_I8;
    /* Only the integer operations have rows; every other op has none. */
    switch ((int)code) {
        ROW(AddI)
        ROW(SubI)
        ROW(MulI)
        ROW(DivSI)
        ROW(DivUI)
        ROW(RemSI)
        ROW(RemUI)
        ROW(AndI)
        ROW(OrI)
        ROW(XorI)
        ROW(ShlI)
        ROW(ShrSI)
        ROW(ShrUI)
        ROW(MinSI)
        ROW(MaxSI)
        ROW(MinUI)
        ROW(MaxUI)
        ROW(MulHiSI)
        ROW(MulHiUI)
        ROW(AbsI)
        ROW(CountLeadingZeros)
        ROW(PopCount)
    default:
        return NULL;
    }
}

/* ---- comparison -------------------------------------------------------------------------------
 */

#define COMPARE(name, T, expr)                                                                     \
    static void name##_##T(void *dst, const void *lhs, const void *rhs, const void *unused,        \
                           size_t n) {                                                             \
        uint8_t *restrict out = dst;                                                               \
        const T *restrict left = lhs, *restrict right = rhs;                                       \
        (void)unused;                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const T a = left[i], b = right[i];                                                     \
            out[i] = expr;                                                                         \
        }                                                                                          \
    }
#define COMPARE_SIGNED(T)                                                                          \
    COMPARE(lt, T, a < b) COMPARE(le, T, a <= b) COMPARE(gt, T, a > b) COMPARE(ge, T, a >= b)
#define COMPARE_UNSIGNED(T) COMPARE(eq, T, a == b) COMPARE(ne, T, a != b) COMPARE_SIGNED(T)
COMPARE_SIGNED(int8_t)
COMPARE_SIGNED(int16_t)
COMPARE_SIGNED(int32_t)
COMPARE_SIGNED(int64_t)
COMPARE_UNSIGNED(uint8_t)
COMPARE_UNSIGNED(uint16_t)
COMPARE_UNSIGNED(uint32_t)
COMPARE_UNSIGNED(uint64_t)

#define PREDICATES(S, U)                                                                           \
    {                                                                                              \
        [IPRED_EQ] = eq_##U, [IPRED_NE] = ne_##U, [IPRED_SLT] = lt_##S, [IPRED_SLE] = le_##S,      \
        [IPRED_SGT] = gt_##S, [IPRED_SGE] = ge_##S, [IPRED_ULT] = lt_##U, [IPRED_ULE] = le_##U,    \
        [IPRED_UGT] = gt_##U, [IPRED_UGE] = ge_##U                                                 \
    }

EltFn elt_cmpi(INT_PRED_Enum pred, IrTypeKind kind) {
    static const EltFn table[][INT_PRED_COUNT] = {
        PREDICATES(int8_t, uint8_t),
        PREDICATES(int16_t, uint16_t),
        PREDICATES(int32_t, uint32_t),
        PREDICATES(int64_t, uint64_t),
    };
    /* Signed i1: 1 means -1, so the order is turned round. */
    static const EltFn bits[INT_PRED_COUNT] = {
        [IPRED_EQ] = eq_uint8_t,  [IPRED_NE] = ne_uint8_t,  [IPRED_SLT] = gt_uint8_t,
        [IPRED_SLE] = ge_uint8_t, [IPRED_SGT] = lt_uint8_t, [IPRED_SGE] = le_uint8_t,
        [IPRED_ULT] = lt_uint8_t, [IPRED_ULE] = le_uint8_t, [IPRED_UGT] = gt_uint8_t,
        [IPRED_UGE] = ge_uint8_t,
    };
    if (kind == TY_I1)
        return bits[pred];
    if (kind == TY_PTR)
        kind = TY_I64;
    return kind <= TY_I64 ? table[kind - TY_I8][pred] : NULL;
}

/* ---- select -----------------------------------------------------------------------------------
 */

#define SELECT(bits)                                                                               \
    static void select_##bits(void *dst, const void *cond, const void *lhs, const void *rhs,       \
                              size_t n) {                                                          \
        uint##bits##_t *restrict out = dst;                                                        \
        const uint8_t *restrict c = cond;                                                          \
        const uint##bits##_t *restrict a = lhs, *restrict b = rhs;                                 \
        for (size_t i = 0; i < n; i++) {                                                           \
            const uint##bits##_t mask = (uint##bits##_t)(0 - (unsigned)c[i]);                      \
            out[i] = (uint##bits##_t)((a[i] & mask) | (b[i] & (uint##bits##_t) ~mask));            \
        }                                                                                          \
    }
SELECT(8)
SELECT(16)
SELECT(32)
static void select_64(void *dst, const void *cond, const void *lhs, const void *rhs, size_t n) {
    uint64_t *restrict out = dst;
    const uint8_t *restrict c = cond;
    const uint64_t *restrict a = lhs, *restrict b = rhs;
    for (size_t i = 0; i < n; i++) {
        const uint64_t mask = UINT64_C(0) - c[i];
        out[i] = (a[i] & mask) | (b[i] & ~mask);
    }
}

EltFn elt_select(size_t size) {
    return size == 1 ? select_8 : size == 2 ? select_16 : size == 4 ? select_32 : select_64;
}
