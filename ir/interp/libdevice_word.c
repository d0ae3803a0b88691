/* libdevice_word.c -- libdevice's functions over bit patterns: integers, classes, roundings.
 *
 * Directed roundings: an operation is first rounded to nearest, and the sign of its exact error
 * (by Dekker's error-free transformations, with fma) says whether to step to the neighbour:
 *
 *     add_rd(1, 2^-60) in f64: nearest is 1, the error is positive, so down keeps 1
 *     add_ru(1, 2^-60): the error is positive, so up gives 1 + 2^-52
 */
#include <math.h>
#include <string.h>

#include "ir/interp/libdevice.h"
#include "support/numeric.h"

#define WORD(name) uint64_t name(const uint64_t *args, const char *types)
#define REAL(i)    lib_unpack(args[i], types[i])

static bool is_float(char letter) {
    return letter == 'f' || letter == 'd';
}
static bool is_unsigned(char letter) {
    return letter == 'u' || letter == 'L';
}
static unsigned width(char letter) {
    return letter == 'i' || letter == 'u' || letter == 'f' ? 32 : 64;
}
static int64_t signed_value(uint64_t bits, char letter) {
    return width(letter) == 32 ? (int64_t)(int32_t)bits : (int64_t)bits;
}
static uint64_t low_bits(uint64_t bits, char letter) {
    return width(letter) == 32 ? bits & UINT32_MAX : bits;
}

/* ---- numbers and their parts
 * ---------------------------------------------------------------------------- */

WORD(lib_ilogb) {
    return (uint32_t)ilogb(REAL(0));
}
WORD(lib_pow) {
    double exponent = is_float(types[1]) ? REAL(1) : (double)(int32_t)args[1];
    return lib_pack(pow(REAL(0), exponent), types[0]);
}
WORD(lib_ldexp) {
    return lib_pack(ldexp(REAL(0), (int32_t)args[1]), types[0]);
}
WORD(lib_norm4d) {
    return lib_pack(hypot(hypot(REAL(0), REAL(1)), hypot(REAL(2), REAL(3))), types[0]);
}
WORD(lib_rnorm4d) {
    return lib_pack(1.0 / hypot(hypot(REAL(0), REAL(1)), hypot(REAL(2), REAL(3))), types[0]);
}
WORD(lib_abs) {
    if (is_float(types[0]))
        return args[0] & ~(UINT64_C(1) << (width(types[0]) - 1));
    int64_t value = signed_value(args[0], types[0]);
    return low_bits(value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value, types[0]);
}
WORD(lib_nextafter) {
    if (types[0] == 'f')
        return f32_bits(
            nextafterf(f32_from_bits((uint32_t)args[0]), f32_from_bits((uint32_t)args[1])));
    return f64_bits(nextafter(REAL(0), REAL(1)));
}
WORD(lib_isnan) {
    return (uint64_t)(isnan(REAL(0)) != 0);
}
WORD(lib_isinf) {
    return (uint64_t)(isinf(REAL(0)) != 0);
}
WORD(lib_isfinite) {
    return (uint64_t)(isfinite(REAL(0)) != 0);
}
WORD(lib_signbit) {
    return (uint64_t)(signbit(REAL(0)) != 0);
}

static bool is_less(const uint64_t *args, const char *types) {
    if (is_float(types[0])) {
        double a = REAL(0), b = REAL(1); /* equal zeros: the negative one is less */
        return a < b || b != b || (a == b && signbit(a) && !signbit(b));
    }
    if (is_unsigned(types[0]))
        return args[0] < args[1];
    return signed_value(args[0], types[0]) < signed_value(args[1], types[0]);
}
WORD(lib_min) {
    return args[is_less(args, types) ? 0 : 1];
}
WORD(lib_max) {
    if (is_float(types[0]) && (isnan(REAL(0)) || isnan(REAL(1))))
        return args[isnan(REAL(0)) ? 1 : 0];
    return args[is_less(args, types) ? 1 : 0];
}

/* ---- integers and bits
 * ---------------------------------------------------------------------------------- */

WORD(lib_clz) {
    unsigned count = 0;
    for (unsigned bit = width(types[0]); bit > 0 && !(args[0] >> (bit - 1) & 1); bit--)
        count++;
    return count;
}
WORD(lib_popc) {
    (void)types;
    unsigned count = 0;
    for (uint64_t rest = args[0]; rest != 0; rest &= rest - 1)
        count++;
    return count;
}
WORD(lib_ffs) {
    for (unsigned bit = 0; bit < width(types[0]); bit++)
        if (args[0] >> bit & 1)
            return bit + 1;
    return 0;
}
WORD(lib_brev) {
    uint64_t reversed = 0;
    for (unsigned bit = 0; bit < width(types[0]); bit++)
        reversed = reversed << 1 | (args[0] >> bit & 1);
    return reversed;
}
WORD(lib_byte_perm) {
    (void)types;
    uint64_t bytes = args[0] | args[1] << 32, result = 0;
    for (unsigned i = 0; i < 4; i++) /* each selector names one of eight bytes */
        result |= (bytes >> (8 * (args[2] >> (4 * i) & 7)) & 0xff) << (8 * i);
    return result;
}

static uint64_t high_half(uint64_t a, uint64_t b) {
    uint64_t a_lo = a & UINT32_MAX, a_hi = a >> 32, b_lo = b & UINT32_MAX, b_hi = b >> 32;
    uint64_t middle = a_hi * b_lo + (a_lo * b_lo >> 32);
    uint64_t cross = a_lo * b_hi + (middle & UINT32_MAX);
    return a_hi * b_hi + (middle >> 32) + (cross >> 32);
}
WORD(lib_mulhi) {
    if (types[0] == 'u')
        return args[0] * args[1] >> 32;
    if (types[0] == 'i')
        return (uint64_t)(signed_value(args[0], 'i') * signed_value(args[1], 'i')) >> 32;
    uint64_t high = high_half(args[0], args[1]);
    if (types[0] == 'l')
        high -= (args[0] >> 63 ? args[1] : 0) + (args[1] >> 63 ? args[0] : 0);
    return high;
}
WORD(lib_mul24) {
    uint64_t a = args[0] & 0xffffff, b = args[1] & 0xffffff;
    if (types[0] == 'i') { /* the 24 bits are signed */
        a = (a ^ 0x800000) - 0x800000;
        b = (b ^ 0x800000) - 0x800000;
    }
    return a * b & UINT32_MAX;
}
WORD(lib_sad) {
    int64_t a = (int64_t)args[0], b = (int64_t)args[1];
    if (types[0] == 'i') {
        a = signed_value(args[0], 'i');
        b = signed_value(args[1], 'i');
    }
    return ((uint64_t)(a < b ? b - a : a - b) + args[2]) & UINT32_MAX;
}
static uint64_t half_sum(const uint64_t *args, const char *types, int64_t extra) {
    int64_t a = (int64_t)args[0], b = (int64_t)args[1];
    if (types[0] == 'i') {
        a = signed_value(args[0], 'i');
        b = signed_value(args[1], 'i');
    }
    return (uint64_t)((a + b + extra) >> 1) & UINT32_MAX;
}
WORD(lib_hadd) {
    return half_sum(args, types, 0);
}
WORD(lib_rhadd) {
    return half_sum(args, types, 1);
}

/* ---- directed rounding
 * ----------------------------------------------------------------------------------- */

typedef enum Rounding { TO_NEAREST, TO_ZERO, TO_DOWN, TO_UP } Rounding;

/* Steps from `nearest` by the sign of exact - nearest. An infinite result of finite operands is an
 * overflow: the exact value is below it in magnitude. */
static bool step_down(Rounding mode, double nearest, double error) {
    return error < 0 && (mode == TO_DOWN || (mode == TO_ZERO && nearest > 0));
}
static bool step_up(Rounding mode, double nearest, double error) {
    return error > 0 && (mode == TO_UP || (mode == TO_ZERO && nearest < 0));
}
static double direct(Rounding mode, double nearest, double error) {
    return step_down(mode, nearest, error) ? nextafter(nearest, -INFINITY)
           : step_up(mode, nearest, error) ? nextafter(nearest, INFINITY)
                                           : nearest;
}
static float direct_f32(Rounding mode, float nearest, double error) {
    return step_down(mode, (double)nearest, error) ? nextafterf(nearest, -INFINITY)
           : step_up(mode, (double)nearest, error) ? nextafterf(nearest, INFINITY)
                                                   : nearest;
}

/* value + error, with |error| below an ulp of value, rounded to the letter's type. */
static uint64_t round_pair(Rounding mode, double value, double error, char letter,
                           bool finite_operands) {
    if (isinf(value) && finite_operands)
        error = value > 0 ? -1.0 : 1.0;
    else if (!isfinite(value))
        error = 0.0;
    if (letter == 'd')
        return f64_bits(direct(mode, value, error));
    float nearest = (float)value; /* `value` may lie on a tie that `error` breaks */
    double rest = isinf(nearest) ? (isinf(value) ? error
                                    : value > 0  ? -1.0
                                                 : 1.0)
                                 : value - (double)nearest;
    if (mode != TO_NEAREST)
        return f32_bits(direct_f32(mode, nearest, rest != 0.0 ? rest : error));
    float other = nextafterf(nearest, rest > 0 ? INFINITY : -INFINITY);
    bool tie = rest != 0.0 && fabs((double)other - value) == fabs(rest);
    return f32_bits(tie && error != 0.0 && (error > 0) == (rest > 0) ? other : nearest);
}

static double sum_error(double a, double b, double sum) {
    double b_part = sum - a;
    return (a - (sum - b_part)) + (b - b_part);
}
static uint64_t add(const uint64_t *args, const char *types, Rounding mode, double sign) {
    double a = REAL(0), b = sign * REAL(1), sum = a + b;
    bool finite = isfinite(a) && isfinite(b);
    if (sum == 0.0 && a != 0.0 && mode == TO_DOWN)
        return lib_pack(-0.0, types[0]); /* x - x is -0 when rounding down */
    return round_pair(mode, sum, sum_error(a, b, sum), types[0], finite);
}
static uint64_t multiply(const uint64_t *args, const char *types, Rounding mode) {
    double a = REAL(0), b = REAL(1), product = a * b;
    return round_pair(mode, product, fma(a, b, -product), types[0], isfinite(a) && isfinite(b));
}
static uint64_t divide(double a, double b, char type, Rounding mode) {
    double quotient = a / b;
    double error = -fma(quotient, b, -a) * (b < 0 ? -1.0 : 1.0);
    bool finite = isfinite(a) && isfinite(b) && b != 0.0;
    return round_pair(mode, quotient, b == 0.0 ? 0.0 : error, type, finite);
}
static uint64_t root(const uint64_t *args, const char *types, Rounding mode) {
    double a = REAL(0), value = sqrt(a);
    return round_pair(mode, value, fma(-value, value, a), types[0], false);
}
static uint64_t multiply_add(const uint64_t *args, const char *types, Rounding mode) {
    double a = REAL(0), b = REAL(1), c = REAL(2), value = fma(a, b, c);
    double product = a * b, low = fma(a, b, -product); /* a b = product + low, exactly */
    double sum = product + c, lost = sum_error(product, c, sum);
    double error = (sum - value) + (lost + low);
    bool finite = isfinite(a) && isfinite(b) && isfinite(c);
    return round_pair(mode, value, error, types[0], finite);
}

#define FOUR_MODES(X) X(rn, TO_NEAREST) X(rz, TO_ZERO) X(rd, TO_DOWN) X(ru, TO_UP)
#define ARITHMETIC(suffix, mode)                                                                   \
    WORD(lib_add_##suffix) {                                                                       \
        return add(args, types, mode, 1.0);                                                        \
    }                                                                                              \
    WORD(lib_sub_##suffix) {                                                                       \
        return add(args, types, mode, -1.0);                                                       \
    }                                                                                              \
    WORD(lib_mul_##suffix) {                                                                       \
        return multiply(args, types, mode);                                                        \
    }                                                                                              \
    WORD(lib_div_##suffix) {                                                                       \
        return divide(REAL(0), REAL(1), types[0], mode);                                           \
    }                                                                                              \
    WORD(lib_rcp_##suffix) {                                                                       \
        return divide(1.0, REAL(0), types[0], mode);                                               \
    }                                                                                              \
    WORD(lib_sqrt_##suffix) {                                                                      \
        return root(args, types, mode);                                                            \
    }                                                                                              \
    WORD(lib_fma_##suffix) {                                                                       \
        return multiply_add(args, types, mode);                                                    \
    }
FOUR_MODES(ARITHMETIC)

/* The high word of the reciprocal; the low word is 0. */
WORD(lib_rcp64h) {
    return f64_bits(1.0 / REAL(0)) & ~(uint64_t)UINT32_MAX;
}

/* ---- conversions
 * ----------------------------------------------------------------------------------------- */

static double to_whole(double value, Rounding mode) {
    return mode == TO_NEAREST ? rint(value)
           : mode == TO_ZERO  ? trunc(value)
           : mode == TO_DOWN  ? floor(value)
                              : ceil(value);
}
/* Saturating; NaN gives 0. */
static uint64_t to_signed(double value, unsigned bits) {
    double limit = ldexp(1.0, (int)bits - 1);
    uint64_t top = UINT64_C(1) << (bits - 1);
    if (value != value)
        return 0;
    if (value >= limit)
        return top - 1;
    if (value < -limit)
        return top;
    return (uint64_t)(int64_t)value & (bits == 64 ? UINT64_MAX : UINT32_MAX);
}
static uint64_t to_unsigned(double value, unsigned bits) {
    if (!(value > 0))
        return 0;
    if (value >= ldexp(1.0, (int)bits))
        return bits == 64 ? UINT64_MAX : UINT32_MAX;
    return (uint64_t)value;
}

/* An integer as a double and what that lost. */
static uint64_t from_int(const uint64_t *args, const char *types, Rounding mode, char to) {
    bool negative = !is_unsigned(types[0]) && signed_value(args[0], types[0]) < 0;
    uint64_t size = negative ? UINT64_C(0) - (uint64_t)signed_value(args[0], types[0]) : args[0];
    double high = (double)(size & ~UINT64_C(0x7ff)), low = (double)(size & 0x7ff);
    double value = high + low, error = sum_error(high, low, value);
    return round_pair(mode, negative ? -value : value, negative ? -error : error, to, true);
}

#define CONVERSIONS(suffix, mode)                                                                  \
    WORD(lib_to_f32_##suffix) {                                                                    \
        return round_pair(mode, REAL(0), 0.0, 'f', isfinite(REAL(0)));                             \
    }                                                                                              \
    WORD(lib_to_i32_##suffix) {                                                                    \
        return to_signed(to_whole(REAL(0), mode), 32);                                             \
    }                                                                                              \
    WORD(lib_to_u32_##suffix) {                                                                    \
        return to_unsigned(to_whole(REAL(0), mode), 32);                                           \
    }                                                                                              \
    WORD(lib_to_i64_##suffix) {                                                                    \
        return to_signed(to_whole(REAL(0), mode), 64);                                             \
    }                                                                                              \
    WORD(lib_to_u64_##suffix) {                                                                    \
        return to_unsigned(to_whole(REAL(0), mode), 64);                                           \
    }                                                                                              \
    WORD(lib_int_to_f32_##suffix) {                                                                \
        return from_int(args, types, mode, 'f');                                                   \
    }                                                                                              \
    WORD(lib_int_to_f64_##suffix) {                                                                \
        return from_int(args, types, mode, 'd');                                                   \
    }
FOUR_MODES(CONVERSIONS)

WORD(lib_llround) {
    return to_signed(round(REAL(0)), 64);
}

/* ---- the same bits
 * ---------------------------------------------------------------------------------------- */

WORD(lib_same_bits) {
    (void)types;
    return args[0];
}
WORD(lib_high_word) {
    (void)types;
    return args[0] >> 32;
}
WORD(lib_low_word) {
    (void)types;
    return args[0] & UINT32_MAX;
}
WORD(lib_join_words) {
    (void)types;
    return args[0] << 32 | args[1];
}
