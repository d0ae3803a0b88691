/* value_int.c -- integers of any size: those that do not fit 64 bits are libtommath's.
 *
 * Python's rules: division and modulo round towards minus infinity, >> is arithmetic, the bit
 * operators see two's complement of unlimited width. Results are brought back into 64 bits when
 * they fit, so that equal integers always have the same form. Sizes are bounded (INT_MAX_BITS), so
 * that a slip such as 10 ** 10 ** 9 ends in a MemoryError and not in swapping.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

enum { INT_MAX_BITS = 1 << 21, STR_MAX_DIGITS = 4300 };

/* libtommath fails only when memory runs out (arguments are checked before the calls). */
static void check(PyCtx *py, mp_err err) {
    if (err != MP_OKAY)
        oom_raise(py->oom);
}

static void bigint_dealloc(PyCtx *py, PyObject *self) {
    mp_clear(&((PyBigInt *)self)->value);
    py_object_free(py, self);
}

const PyType py_bigint_type = {.name = "int", .dealloc = bigint_dealloc, .methods = py_int_methods};

/* An operand as mp_int: a big integer's own, or a small one converted into `own`. */
typedef struct BigArg {
    mp_int own;
    const mp_int *n;
    bool is_own;
} BigArg;

static BigArg big_arg(PyCtx *py, PyValue v) {
    BigArg arg = {.is_own = v.tag != PY_OBJECT_TAG};
    if (arg.is_own)
        check(py, mp_init_i64(&arg.own, v.u.i));
    else
        arg.n = &((const PyBigInt *)v.u.o)->value;
    return arg;
}

static const mp_int *big_num(const BigArg *arg) {
    return arg->is_own ? &arg->own : arg->n;
}

static void big_done(BigArg *arg) {
    if (arg->is_own)
        mp_clear(&arg->own);
}

PyValue py_int_from_mp(PyCtx *py, mp_int *value) {
    uint64_t magnitude = mp_get_mag_u64(value);
    bool negative = mp_isneg(value) == MP_YES;
    if (mp_count_bits(value) <= 63 ||
        (negative && mp_count_bits(value) == 64 && magnitude == UINT64_C(1) << 63)) {
        mp_clear(value);
        if (!negative)
            return py_int((int64_t)magnitude);
        return py_int(magnitude == UINT64_C(1) << 63 ? INT64_MIN : -(int64_t)magnitude);
    }
    PyBigInt *big = py_object_new(py, &py_bigint_type, sizeof *big);
    big->value = *value;
    return py_from_object(&big->base);
}

PyValue py_uint(PyCtx *py, uint64_t value) {
    if (value <= INT64_MAX)
        return py_int((int64_t)value);
    mp_int n;
    check(py, mp_init_u64(&n, value));
    return py_int_from_mp(py, &n);
}

bool py_is_int(PyValue v) {
    return v.tag == PY_INT_TAG || py_as(v, &py_bigint_type) != NULL;
}

bool py_to_i64(PyValue v, int64_t *out) {
    if (v.tag != PY_INT_TAG && v.tag != PY_BOOL_TAG)
        return false;
    *out = v.u.i;
    return true;
}

bool py_int_bits(PyValue v, uint64_t *bits, bool *fits_i64, bool *fits_u64) {
    if (v.tag == PY_INT_TAG || v.tag == PY_BOOL_TAG) {
        *bits = (uint64_t)v.u.i;
        *fits_i64 = true;
        *fits_u64 = v.u.i >= 0;
        return true;
    }
    const PyBigInt *big = py_as(v, &py_bigint_type);
    if (big == NULL)
        return false;
    uint64_t magnitude = mp_get_mag_u64(&big->value);
    bool negative = mp_isneg(&big->value) == MP_YES;
    *bits = negative ? 0 - magnitude : magnitude;
    *fits_i64 = false;
    *fits_u64 = !negative && mp_count_bits(&big->value) <= 64;
    return true;
}

int py_int_sign(PyValue v) {
    if (v.tag != PY_OBJECT_TAG)
        return (v.u.i > 0) - (v.u.i < 0);
    return mp_isneg(&((const PyBigInt *)v.u.o)->value) == MP_YES ? -1 : 1;
}

int py_int_compare(PyCtx *py, PyValue a, PyValue b) {
    if (a.tag != PY_OBJECT_TAG && b.tag != PY_OBJECT_TAG)
        return (a.u.i > b.u.i) - (a.u.i < b.u.i);
    BigArg x = big_arg(py, a), y = big_arg(py, b);
    mp_ord order = mp_cmp(big_num(&x), big_num(&y));
    big_done(&x);
    big_done(&y);
    return (int)order;
}

int64_t py_int_bit_length(PyCtx *py, PyValue v) {
    BigArg x = big_arg(py, v);
    int bits = mp_count_bits(big_num(&x));
    big_done(&x);
    return bits;
}

/* ---- operators --------------------------------------------------------------------------------
 */

static bool too_large(PyCtx *py, double bits) {
    if (bits <= INT_MAX_BITS)
        return false;
    py_raise(py, PYEXC_MemoryError, "the integer would have more than %d bits", INT_MAX_BITS);
    return true;
}

/* Quotient and remainder rounded towards minus infinity; either result may be NULL. */
static void floor_divmod(PyCtx *py, const mp_int *a, const mp_int *b, mp_int *q, mp_int *r) {
    mp_int quotient, remainder;
    check(py, mp_init_multi(&quotient, &remainder, NULL));
    if (b->used == 1) { /* linear, where the general division is quadratic */
        mp_digit rest;
        check(py, mp_div_d(a, b->dp[0], &quotient, &rest));
        mp_set_u64(&remainder, rest);
        if (mp_isneg(a) == MP_YES)
            check(py, mp_neg(&remainder, &remainder));
        if (mp_isneg(b) == MP_YES)
            check(py, mp_neg(&quotient, &quotient));
    } else {
        check(py, mp_div(a, b, &quotient, &remainder));
    }
    if (mp_iszero(&remainder) == MP_NO && mp_isneg(&remainder) != mp_isneg(b)) {
        check(py, mp_sub_d(&quotient, 1, &quotient));
        check(py, mp_add(&remainder, b, &remainder));
    }
    mp_exch(&quotient, q != NULL ? q : &quotient);
    mp_exch(&remainder, r != NULL ? r : &remainder);
    mp_clear_multi(&quotient, &remainder, NULL);
}

static PyValue big_shift(PyCtx *py, BinOpKind op, PyValue a, PyValue b) {
    int64_t count = 0;
    if (py_int_sign(b) < 0)
        return py_raise(py, PYEXC_ValueError, "negative shift count");
    bool small = py_to_i64(b, &count);
    if (op == BIN_LSHIFT) {
        double bits = (double)py_int_bit_length(py, a) + (small ? (double)count : HUGE_VAL);
        if (py_int_sign(a) == 0)
            return py_int(0);
        if (too_large(py, bits))
            return PY_FAIL;
    } else if (!small || count > INT_MAX_BITS) {
        return py_int(py_int_sign(a) < 0 ? -1 : 0);
    }
    BigArg x = big_arg(py, a);
    mp_int result;
    check(py, mp_init(&result));
    check(py, op == BIN_LSHIFT ? mp_mul_2d(big_num(&x), (int)count, &result)
                               : mp_signed_rsh(big_num(&x), (int)count, &result));
    big_done(&x);
    return py_int_from_mp(py, &result);
}

/* a ** b for b >= 0. */
static PyValue big_pow(PyCtx *py, PyValue a, PyValue b) {
    int64_t exponent = 0, base = 0;
    bool small = py_to_i64(b, &exponent), small_base = py_to_i64(a, &base);
    if (small_base && base >= -1 && base <= 1) { /* any exponent will do */
        uint64_t bits;
        bool i64, u64;
        py_int_bits(b, &bits, &i64, &u64);
        if (base == -1)
            return py_int((bits & 1) != 0 ? -1 : 1);
        return py_int(base == 0 ? py_int_sign(b) == 0 : 1);
    }
    double bits = (double)(py_int_bit_length(py, a) - 1) * (small ? (double)exponent : HUGE_VAL);
    if (too_large(py, bits))
        return PY_FAIL;
    BigArg x = big_arg(py, a);
    mp_int result;
    check(py, mp_init(&result));
    check(py, mp_expt_u32(big_num(&x), (uint32_t)exponent, &result));
    big_done(&x);
    return py_int_from_mp(py, &result);
}

static void big_apply(PyCtx *py, BinOpKind op, const mp_int *a, const mp_int *b, mp_int *out) {
    switch (op) {
    case BIN_ADD:
        check(py, mp_add(a, b, out));
        return;
    case BIN_SUB:
        check(py, mp_sub(a, b, out));
        return;
    case BIN_MUL:
        check(py, mp_mul(a, b, out));
        return;
    case BIN_FLOORDIV:
        floor_divmod(py, a, b, out, NULL);
        return;
    case BIN_MOD:
        floor_divmod(py, a, b, NULL, out);
        return;
    case BIN_BITOR:
        check(py, mp_or(a, b, out));
        return;
    case BIN_BITXOR:
        check(py, mp_xor(a, b, out));
        return;
    case BIN_BITAND:
        check(py, mp_and(a, b, out));
        return;
    case BIN_MATMUL:
    case BIN_DIV:
    case BIN_POW:
    case BIN_LSHIFT:
    case BIN_RSHIFT:
        return;
    }
}

PyValue py_int_binary_big(PyCtx *py, BinOpKind op, PyValue a, PyValue b) {
    if (op == BIN_LSHIFT || op == BIN_RSHIFT)
        return big_shift(py, op, a, b);
    if (op == BIN_POW)
        return big_pow(py, a, b);
    if (op == BIN_MUL &&
        too_large(py, (double)py_int_bit_length(py, a) + (double)py_int_bit_length(py, b)))
        return PY_FAIL;
    BigArg x = big_arg(py, a), y = big_arg(py, b);
    mp_int result;
    check(py, mp_init(&result));
    big_apply(py, op, big_num(&x), big_num(&y), &result);
    big_done(&x);
    big_done(&y);
    return py_int_from_mp(py, &result);
}

PyValue py_int_negate(PyCtx *py, PyValue v) {
    if (v.tag != PY_OBJECT_TAG && v.u.i != INT64_MIN)
        return py_int(-v.u.i);
    BigArg x = big_arg(py, v);
    mp_int result;
    check(py, mp_init(&result));
    check(py, mp_neg(big_num(&x), &result));
    big_done(&x);
    return py_int_from_mp(py, &result);
}

PyValue py_int_invert(PyCtx *py, PyValue v) {
    if (v.tag != PY_OBJECT_TAG)
        return py_int(~v.u.i);
    BigArg x = big_arg(py, v);
    mp_int result;
    check(py, mp_init(&result));
    check(py, mp_complement(big_num(&x), &result));
    big_done(&x);
    return py_int_from_mp(py, &result);
}

PyValue py_num_pow_mod(PyCtx *py, PyValue base, PyValue exponent, PyValue modulus) {
    if (!(py_is_int(base) || base.tag == PY_BOOL_TAG) || !py_is_int(exponent) ||
        !py_is_int(modulus))
        return py_raise(py, PYEXC_TypeError,
                        "pow() 3rd argument not allowed unless all arguments are integers");
    if (py_int_sign(modulus) == 0)
        return py_raise(py, PYEXC_ValueError, "pow() 3rd argument cannot be 0");
    BigArg b = big_arg(py, base), e = big_arg(py, exponent), m = big_arg(py, modulus);
    mp_int result, reduced, positive;
    check(py, mp_init_multi(&result, &reduced, &positive, NULL));
    check(py, mp_abs(big_num(&m), &positive));
    floor_divmod(py, big_num(&b), &positive, NULL, &reduced);
    mp_err err = MP_OKAY;
    if (mp_cmp_d(&positive, 1) == MP_EQ)
        mp_zero(&result);
    else
        err = mp_exptmod(&reduced, big_num(&e), &positive, &result);
    if (err == MP_OKAY)
        floor_divmod(py, &result, big_num(&m), NULL, &result);
    mp_clear_multi(&reduced, &positive, NULL);
    big_done(&b);
    big_done(&e);
    big_done(&m);
    if (err == MP_OKAY)
        return py_int_from_mp(py, &result);
    mp_clear(&result);
    return py_raise(py, PYEXC_ValueError, "base is not invertible for the given modulus");
}

/* ---- integers and floats ----------------------------------------------------------------------
 */

/* |n| * 2^-shift rounded to a double, ties to even; `sticky`: n had more bits below. At least 64
 * significant bits of n are kept before rounding, so it rounds once. */
static double mp_round(PyCtx *py, const mp_int *n, int exponent, bool sticky) {
    int bits = mp_count_bits(n), drop = bits - 64;
    mp_int top, rest;
    uint64_t m;
    check(py, mp_init_multi(&top, &rest, NULL));
    if (drop > 0) {
        check(py, mp_div_2d(n, drop, &top, &rest));
        sticky = sticky || mp_iszero(&rest) == MP_NO;
        m = mp_get_mag_u64(&top);
    } else {
        drop = 0;
        m = mp_get_mag_u64(n);
    }
    mp_clear_multi(&top, &rest, NULL);
    if (bits >= 64) { /* down to 62 bits, so that the last one can stand for all below */
        sticky = sticky || (m & 3) != 0;
        m >>= 2;
        drop += 2;
    }
    return ldexp((double)(int64_t)(m | (sticky ? 1 : 0)), drop + exponent);
}

bool py_int_to_double(PyCtx *py, PyValue v, double *out) {
    if (v.tag != PY_OBJECT_TAG) {
        *out = (double)v.u.i;
        return true;
    }
    const mp_int *n = &((const PyBigInt *)v.u.o)->value;
    double magnitude = mp_count_bits(n) > DBL_MAX_EXP ? HUGE_VAL : mp_round(py, n, 0, false);
    *out = mp_isneg(n) == MP_YES ? -magnitude : magnitude;
    if (!isinf(magnitude))
        return true;
    py_raise(py, PYEXC_OverflowError, "int too large to convert to float");
    return false;
}

/* a / b, rounded once: the quotient is taken with 66 bits or more and a sticky bit. */
PyValue py_int_true_divide(PyCtx *py, PyValue a, PyValue b) {
    const int64_t exact = INT64_C(1) << 53;
    if (py_int_sign(b) == 0)
        return py_raise(py, PYEXC_ZeroDivisionError, "division by zero");
    if (a.tag != PY_OBJECT_TAG && b.tag != PY_OBJECT_TAG && a.u.i <= exact && a.u.i >= -exact &&
        b.u.i <= exact && b.u.i >= -exact)
        return py_float((double)a.u.i / (double)b.u.i);
    BigArg x = big_arg(py, a), y = big_arg(py, b);
    mp_int n, d, q, r;
    check(py, mp_init_multi(&n, &d, &q, &r, NULL));
    check(py, mp_abs(big_num(&x), &n));
    check(py, mp_abs(big_num(&y), &d));
    bool negative = mp_isneg(big_num(&x)) != mp_isneg(big_num(&y));
    big_done(&x);
    big_done(&y);
    int shift = 66 - (mp_count_bits(&n) - mp_count_bits(&d));
    double result = 0;
    if (shift < -DBL_MAX_EXP) {
        result = HUGE_VAL;
    } else if (shift <= 1200) {
        check(py, shift > 0 ? mp_mul_2d(&n, shift, &n) : mp_mul_2d(&d, -shift, &d));
        check(py, mp_div(&n, &d, &q, &r));
        result = mp_round(py, &q, -shift, mp_iszero(&r) == MP_NO);
    }
    mp_clear_multi(&n, &d, &q, &r, NULL);
    if (isinf(result))
        return py_raise(py, PYEXC_OverflowError, "integer division result too large for a float");
    return py_float(negative ? -result : result);
}

PyValue py_int_from_double(PyCtx *py, double value) {
    if (isnan(value))
        return py_raise(py, PYEXC_ValueError, "cannot convert float NaN to integer");
    if (isinf(value))
        return py_raise(py, PYEXC_OverflowError, "cannot convert float infinity to integer");
    value = trunc(value);
    if (value >= -0x1p63 && value < 0x1p63)
        return py_int((int64_t)value);
    int exponent;
    double mantissa = frexp(value, &exponent);
    mp_int n;
    check(py, mp_init_i64(&n, (int64_t)ldexp(mantissa, 53)));
    check(py, mp_mul_2d(&n, exponent - 53, &n));
    return py_int_from_mp(py, &n);
}

/* ---- text -------------------------------------------------------------------------------------
 */

bool py_int_digits(PyCtx *py, PyValue v, int base, StrBuf *out) {
    if (v.tag != PY_OBJECT_TAG) {
        char digits[66];
        size_t at = sizeof digits;
        uint64_t rest = v.u.i < 0 ? 0 - (uint64_t)v.u.i : (uint64_t)v.u.i;
        do
            digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % (uint64_t)base];
        while ((rest /= (uint64_t)base) != 0);
        if (v.u.i < 0)
            digits[--at] = '-';
        strbuf_write(out, digits + at, sizeof digits - at);
        return true;
    }
    const mp_int *n = &((const PyBigInt *)v.u.o)->value;
    int size = 0;
    check(py, mp_radix_size(n, base, &size));
    if (base == 10 && size > STR_MAX_DIGITS + 1 + (mp_isneg(n) == MP_YES)) {
        py_raise(py, PYEXC_ValueError,
                 "Exceeds the limit (%d digits) for integer string conversion", STR_MAX_DIGITS);
        return false;
    }
    char *text = oom_malloc(py->oom, (size_t)size + 1);
    size_t written = 0;
    mp_err err = mp_to_radix(n, text, (size_t)size + 1, &written, base);
    for (char *c = text; err == MP_OKAY && *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    if (err == MP_OKAY)
        strbuf_puts(out, text);
    free(text);
    check(py, err);
    return true;
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* The base that a prefix 0x, 0o, 0b names, or 0. */
static int prefix_base(const char *text, size_t len) {
    if (len < 2 || text[0] != '0')
        return 0;
    switch (text[1]) {
    case 'x':
    case 'X':
        return 16;
    case 'o':
    case 'O':
        return 8;
    case 'b':
    case 'B':
        return 2;
    default:
        return 0;
    }
}

static PyValue bad_literal(PyCtx *py, const char *text, size_t len, int base) {
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf quoted = STRBUF(py->scratch);
    py_str_repr(text, len, &quoted);
    py_raise(py, PYEXC_ValueError, "invalid literal for int() with base %d: %s", base,
             strbuf_str(&quoted));
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

/* The value of `len` digits (already checked) in `base`. */
static PyValue digits_value(PyCtx *py, const char *digits, size_t len, int base, bool negative) {
    uint64_t value = 0;
    size_t i = 0;
    while (i < len && value <= (UINT64_MAX >> 1) / (uint64_t)base - 1)
        value = value * (uint64_t)base + (uint64_t)digit_value(digits[i++]);
    if (i == len)
        return py_int(negative ? -(int64_t)value : (int64_t)value);
    if (base == 10 && len > STR_MAX_DIGITS)
        return py_raise(py, PYEXC_ValueError,
                        "Exceeds the limit (%d digits) for integer string conversion: value has "
                        "%zu digits",
                        STR_MAX_DIGITS, len);
    mp_int n;
    check(py, mp_init(&n));
    check(py, mp_read_radix(&n, digits, base));
    if (negative)
        check(py, mp_neg(&n, &n));
    return py_int_from_mp(py, &n);
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

PyValue py_int_parse(PyCtx *py, const char *text, size_t len, int base) {
    const char *all = text;
    size_t all_len = len, count = 0;
    int said = base;
    while (len > 0 && is_space(text[len - 1]))
        len--;
    while (len > 0 && is_space(*text))
        text++, len--;
    bool negative = len > 0 && *text == '-';
    if (len > 0 && (*text == '-' || *text == '+'))
        text++, len--;
    int prefix = prefix_base(text, len);
    bool plain_zero = base == 0 && prefix == 0 && len > 0 && *text == '0';
    if (prefix != 0 && (base == 0 || base == prefix)) {
        base = prefix;
        text += 2;
        len -= 2;
        if (len > 0 && *text == '_')
            text++, len--;
    } else if (base == 0) {
        base = 10;
    }
    ArenaMark mark = arena_mark(py->scratch);
    char *digits = ARENA_ARRAY(py->scratch, char, len + 1);
    bool good = len > 0;
    for (size_t i = 0; i < len && good; i++) {
        if (text[i] == '_') /* only between digits */
            good = i > 0 && i + 1 < len && text[i - 1] != '_';
        else if (digit_value(text[i]) < base)
            digits[count++] = text[i];
        else
            good = false;
        if (plain_zero && good && text[i] != '_' && text[i] != '0') /* 007 is no literal */
            good = false;
    }
    PyValue value = good ? digits_value(py, digits, count, base, negative)
                         : bad_literal(py, all, all_len, said);
    arena_reset(py->scratch, mark);
    return value;
}

PyValue py_int_from_text(PyCtx *py, const char *text) {
    return py_int_parse(py, text, strlen(text), prefix_base(text, strlen(text)) == 0 ? 10 : 0);
}
