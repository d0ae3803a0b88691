/* value_num.c -- Python's arithmetic on bool, int and float.
 *
 * Two small integers take the fast path with overflow checks; what overflows goes to value_int.c.
 * Mixed operands become floats. Comparison of an int with a float is exact: it does not round the
 * int. Hashes are CPython's, so that hash(2) == hash(2.0).
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"
#include "support/numeric.h"

bool py_is_number(PyValue v) {
    return v.tag == PY_BOOL_TAG || v.tag == PY_INT_TAG || v.tag == PY_FLOAT_TAG ||
           py_as(v, &py_bigint_type) != NULL;
}

bool py_to_double(PyValue v, double *out) {
    switch (v.tag) {
    case PY_BOOL_TAG:
    case PY_INT_TAG:
        *out = (double)v.u.i;
        return true;
    case PY_FLOAT_TAG:
        *out = v.u.f;
        return true;
    case PY_OBJECT_TAG: {
        const PyBigInt *big = py_as(v, &py_bigint_type);
        if (big != NULL)
            *out = mp_get_double(&big->value);
        return big != NULL;
    }
    case PY_FAIL_TAG:
    case PY_NONE_TAG:
    case PY_DTYPE_TAG:
    case PY_ELLIPSIS_TAG:
    default:
        return false;
    }
}

/* ---- integers ---------------------------------------------------------------------------------
 */

static bool add_fits(int64_t a, int64_t b) {
    return b >= 0 ? a <= INT64_MAX - b : a >= INT64_MIN - b;
}

static bool sub_fits(int64_t a, int64_t b) {
    return b >= 0 ? a >= INT64_MIN + b : a <= INT64_MAX + b;
}

static bool mul_fits(int64_t a, int64_t b) {
    const int64_t half = INT64_C(1) << 31;
    if (a < half && a > -half && b < half && b > -half)
        return true;
    if (a == 0 || b == 0)
        return true;
    if (a == INT64_MIN || b == INT64_MIN)
        return false;
    uint64_t x = (uint64_t)(a < 0 ? -a : a), y = (uint64_t)(b < 0 ? -b : b);
    return x <= (uint64_t)INT64_MAX / y;
}

/* Small integers where the result fits; *done false: take the general way. */
static int64_t small_binary(BinOpKind op, int64_t a, int64_t b, bool *done) {
    *done = true;
    switch (op) {
    case BIN_ADD:
        if (add_fits(a, b))
            return a + b;
        break;
    case BIN_SUB:
        if (sub_fits(a, b))
            return a - b;
        break;
    case BIN_MUL:
        if (mul_fits(a, b))
            return a * b;
        break;
    case BIN_FLOORDIV:
        if (a != INT64_MIN || b != -1)
            return a / b - (a % b != 0 && (a < 0) != (b < 0));
        break;
    case BIN_MOD:
        if (b == -1)
            return 0;
        return a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
    case BIN_LSHIFT:
        if (b >= 0 && b < 62 && a >= 0 && a <= INT64_MAX >> b)
            return a << b;
        break;
    case BIN_RSHIFT:
        if (b >= 0)
            return a >> (b > 63 ? 63 : b);
        break;
    case BIN_BITOR:
        return a | b;
    case BIN_BITXOR:
        return a ^ b;
    case BIN_BITAND:
        return a & b;
    case BIN_MATMUL:
    case BIN_DIV:
    case BIN_POW:
        break;
    }
    *done = false;
    return 0;
}

static PyValue float_binary(PyCtx *py, BinOpKind op, double a, double b, bool *handled);

static PyValue int_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    bool done;
    if (op == BIN_MATMUL) {
        *handled = false;
        return PY_NONE;
    }
    if (op == BIN_DIV)
        return py_int_true_divide(py, a, b);
    if ((op == BIN_FLOORDIV || op == BIN_MOD) && py_int_sign(b) == 0)
        return py_raise(py, PYEXC_ZeroDivisionError,
                        op == BIN_MOD ? "integer modulo by zero"
                                      : "integer division or modulo by zero");
    if (a.tag != PY_OBJECT_TAG && b.tag != PY_OBJECT_TAG) {
        int64_t result = small_binary(op, a.u.i, b.u.i, &done);
        bool logical = op == BIN_BITOR || op == BIN_BITXOR || op == BIN_BITAND;
        if (done && logical && a.tag == PY_BOOL_TAG && b.tag == PY_BOOL_TAG)
            return py_bool(result != 0);
        if (done)
            return py_int(result);
    }
    if (op == BIN_POW && py_int_sign(b) < 0) {
        double x, y;
        if (!py_int_to_double(py, a, &x) || !py_int_to_double(py, b, &y))
            return PY_FAIL;
        return float_binary(py, op, x, y, handled);
    }
    return py_int_binary_big(py, op, a, b);
}

/* ---- floats -----------------------------------------------------------------------------------
 */

/* CPython's float_divmod: the remainder has the divisor's sign, the quotient is exact-ish. */
static double float_mod(double a, double b, double *quotient) {
    double mod = fmod(a, b), div = (a - mod) / b;
    if (mod != 0.0) {
        if ((b < 0) != (mod < 0)) {
            mod += b;
            div -= 1.0;
        }
    } else {
        mod = copysign(0.0, b);
    }
    if (div != 0.0) {
        double floored = floor(div);
        *quotient = div - floored > 0.5 ? floored + 1.0 : floored;
    } else {
        *quotient = copysign(0.0, a / b);
    }
    return mod;
}

static PyValue float_pow(PyCtx *py, double a, double b) {
    if (a == 0.0 && b < 0.0)
        return py_raise(py, PYEXC_ZeroDivisionError, "0.0 cannot be raised to a negative power");
    if (a < 0.0 && isfinite(a) && isfinite(b) && b != floor(b))
        return py_raise(py, PYEXC_ValueError,
                        "a negative number raised to a fractional power is complex, which is not "
                        "supported");
    double result = pow(a, b);
    if (isinf(result) && isfinite(a) && isfinite(b))
        return py_raise(py, PYEXC_OverflowError, "(34, 'Numerical result out of range')");
    return py_float(result);
}

static PyValue float_binary(PyCtx *py, BinOpKind op, double a, double b, bool *handled) {
    double quotient, rest;
    switch (op) {
    case BIN_ADD:
        return py_float(a + b);
    case BIN_SUB:
        return py_float(a - b);
    case BIN_MUL:
        return py_float(a * b);
    case BIN_DIV:
        if (b == 0.0)
            return py_raise(py, PYEXC_ZeroDivisionError, "float division by zero");
        return py_float(a / b);
    case BIN_FLOORDIV:
    case BIN_MOD:
        if (b == 0.0)
            return py_raise(py, PYEXC_ZeroDivisionError,
                            op == BIN_MOD ? "float modulo" : "float floor division by zero");
        rest = float_mod(a, b, &quotient);
        return py_float(op == BIN_MOD ? rest : quotient);
    case BIN_POW:
        return float_pow(py, a, b);
    case BIN_MATMUL:
    case BIN_LSHIFT:
    case BIN_RSHIFT:
    case BIN_BITOR:
    case BIN_BITXOR:
    case BIN_BITAND:
    default:
        *handled = false;
        return PY_NONE;
    }
}

/* ---- both -------------------------------------------------------------------------------------
 */

PyValue py_num_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    double x, y;
    *handled = true;
    if (TK_LIKELY(a.tag == PY_FLOAT_TAG && b.tag == PY_FLOAT_TAG))
        return float_binary(py, op, a.u.f, b.u.f, handled);
    if (!py_is_number(a) || !py_is_number(b)) {
        *handled = false;
        return PY_NONE;
    }
    if (a.tag != PY_FLOAT_TAG && b.tag != PY_FLOAT_TAG)
        return int_binary(py, op, a, b, handled);
    if (a.tag == PY_FLOAT_TAG)
        x = a.u.f;
    else if (!py_int_to_double(py, a, &x))
        return PY_FAIL;
    if (b.tag == PY_FLOAT_TAG)
        y = b.u.f;
    else if (!py_int_to_double(py, b, &y))
        return PY_FAIL;
    return float_binary(py, op, x, y, handled);
}

PyValue py_num_unary(PyCtx *py, UnaryOpKind op, PyValue a, bool *handled) {
    *handled = py_is_number(a) && op != UNARY_NOT && !(a.tag == PY_FLOAT_TAG && op == UNARY_INVERT);
    if (!*handled)
        return PY_NONE;
    if (a.tag == PY_FLOAT_TAG)
        return py_float(op == UNARY_NEG ? -a.u.f : a.u.f);
    if (a.tag == PY_BOOL_TAG)
        a = py_int(a.u.i);
    if (op == UNARY_POS)
        return py_incref(a);
    return op == UNARY_NEG ? py_int_negate(py, a) : py_int_invert(py, a);
}

/* An int against a float, exactly. */
static int int_float_compare(PyCtx *py, PyValue a, double f) {
    const int64_t exact = INT64_C(1) << 53;
    if (isnan(f))
        return 2;
    if (isinf(f))
        return f > 0 ? -1 : 1;
    if (a.tag != PY_OBJECT_TAG && a.u.i <= exact && a.u.i >= -exact)
        return ((double)a.u.i > f) - ((double)a.u.i < f);
    PyValue whole = py_int_from_double(py, f);
    int order = py_int_compare(py, a, whole);
    py_decref(py, whole);
    double fraction = f - trunc(f);
    return order != 0 ? order : (fraction < 0) - (fraction > 0);
}

int py_num_compare(PyCtx *py, PyValue a, PyValue b) {
    if (a.tag == PY_FLOAT_TAG && b.tag == PY_FLOAT_TAG)
        return isnan(a.u.f) || isnan(b.u.f) ? 2 : (a.u.f > b.u.f) - (a.u.f < b.u.f);
    if (a.tag == PY_FLOAT_TAG) {
        int order = int_float_compare(py, b, a.u.f);
        return order == 2 ? 2 : -order;
    }
    if (b.tag == PY_FLOAT_TAG)
        return int_float_compare(py, a, b.u.f);
    return py_int_compare(py, a, b);
}

/* ---- hashes: numbers modulo the prime 2^61 - 1 --------------------------------------------------
 */

#define HASH_BITS    61
#define HASH_MODULUS ((UINT64_C(1) << HASH_BITS) - 1)

static uint64_t float_hash(double value) {
    if (isnan(value))
        return f64_bits(value);
    if (isinf(value))
        return value > 0 ? 314159 : (uint64_t)-314159;
    int exponent;
    double m = frexp(fabs(value), &exponent);
    uint64_t x = 0;
    while (m != 0.0) { /* 28 bits at a time */
        x = ((x << 28) & HASH_MODULUS) | x >> (HASH_BITS - 28);
        m *= 268435456.0;
        exponent -= 28;
        uint64_t y = (uint64_t)m;
        m -= (double)y;
        x += y;
        if (x >= HASH_MODULUS)
            x -= HASH_MODULUS;
    }
    int turn = exponent >= 0 ? exponent % HASH_BITS : HASH_BITS - 1 - ((-1 - exponent) % HASH_BITS);
    x = ((x << turn) & HASH_MODULUS) | (turn == 0 ? 0 : x >> (HASH_BITS - turn));
    x = value < 0 ? 0 - x : x;
    return x == (uint64_t)-1 ? (uint64_t)-2 : x;
}

uint64_t py_num_hash(PyCtx *py, PyValue v) {
    uint64_t x;
    bool negative = v.tag != PY_FLOAT_TAG && py_int_sign(v) < 0;
    if (v.tag == PY_FLOAT_TAG)
        return float_hash(v.u.f);
    if (v.tag != PY_OBJECT_TAG) {
        x = (negative ? 0 - (uint64_t)v.u.i : (uint64_t)v.u.i) % HASH_MODULUS;
    } else {
        mp_int modulus, rest;
        const mp_int *n = &((const PyBigInt *)v.u.o)->value;
        if (mp_init_u64(&modulus, HASH_MODULUS) != MP_OKAY || mp_init(&rest) != MP_OKAY ||
            mp_div(n, &modulus, NULL, &rest) != MP_OKAY)
            oom_raise(py->oom);
        x = mp_get_mag_u64(&rest);
        mp_clear_multi(&modulus, &rest, NULL);
    }
    x = negative ? 0 - x : x;
    return x == (uint64_t)-1 ? (uint64_t)-2 : x;
}

/* ---- text -------------------------------------------------------------------------------------
 */

/* Lays out "d.ddde+xx" as Python prints floats: without an exponent where it is in [-4, limit). */
static void layout_digits(const char *text, int limit, StrBuf *out) {
    char digits[64];
    size_t count = 0;
    const char *exp_text = strchr(text, 'e');
    int exponent = exp_text != NULL ? atoi(exp_text + 1) : 0;
    for (const char *c = text; c < exp_text && count < sizeof digits; c++) {
        if (*c >= '0' && *c <= '9')
            digits[count++] = *c;
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (*text == '-')
        strbuf_putc(out, '-');
    if (exponent < -4 || exponent >= limit) {
        strbuf_putc(out, digits[0]);
        if (count > 1)
            strbuf_putc(out, '.');
        strbuf_write(out, digits + 1, count - 1);
        strbuf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) {
        strbuf_puts(out, "0.");
        for (int i = -1; i > exponent; i--)
            strbuf_putc(out, '0');
        strbuf_write(out, digits, count);
        return;
    }
    for (size_t i = 0; i < count || i <= (size_t)exponent; i++) {
        if (i == (size_t)exponent + 1)
            strbuf_putc(out, '.');
        strbuf_putc(out, i < count ? digits[i] : '0');
    }
    if (count <= (size_t)exponent + 1)
        strbuf_puts(out, ".0");
}

/* 16 digits one above the nearest ones: just above a power of two the numbers lie twice as far
 * apart as below it, so these can read back where the nearest do not. */
static bool next_digits(double value, char *text, size_t size) {
    char *exponent = strchr(text, 'e');
    if (exponent == NULL)
        return false;
    int power = atoi(exponent + 1);
    size_t sign = *text == '-';
    int64_t fraction = (int64_t)strtoll(text + sign + 2, NULL, 10) + 1; /* behind "d." */
    if (fraction >= INT64_C(1000000000000000))
        return false;
    snprintf(text + sign + 2, size - sign - 2, "%015llde%d", (long long)fraction, power);
    return strtod(text, NULL) == value;
}

/* The fewest digits that read back as `value`: 15 do if any fewer do (for normal numbers; the
 * zeros behind them are dropped later), 17 always do. */
void py_float_repr(double value, StrBuf *out) {
    char text[40];
    int digits = fabs(value) < DBL_MIN ? 1 : 15;
    if (isnan(value) || isinf(value)) {
        strbuf_puts(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            break;
        if (digits == 16 && next_digits(value, text, sizeof text))
            break;
    }
    layout_digits(text, 16, out);
}

void py_float_general(double value, int precision, StrBuf *out) {
    char text[80];
    precision = precision < 1 ? 1 : precision > 50 ? 50 : precision;
    snprintf(text, sizeof text, "%.*e", precision - 1, value);
    layout_digits(text, precision - 1, out);
}

/* inf, infinity, nan in any case, with a sign. */
static bool named_float(const char *text, double *out) {
    static const char *const names[] = {"inf", "infinity", "nan"};
    double sign = *text == '-' ? -1.0 : 1.0;
    if (*text == '-' || *text == '+')
        text++;
    for (size_t n = 0; n < TK_COUNTOF(names); n++) {
        size_t i = 0;
        while (names[n][i] != '\0' && (text[i] | 0x20) == names[n][i])
            i++;
        if (names[n][i] == '\0' && text[i] == '\0') {
            *out = n == 2 ? copysign((double)NAN, sign) : sign * HUGE_VAL;
            return true;
        }
    }
    return false;
}

PyValue py_float_parse(PyCtx *py, const char *text, size_t len) {
    const char *all = text;
    size_t all_len = len, count = 0;
    double value;
    while (len > 0 && (text[len - 1] == ' ' || (text[len - 1] >= '\t' && text[len - 1] <= '\r')))
        len--;
    while (len > 0 && (*text == ' ' || (*text >= '\t' && *text <= '\r')))
        text++, len--;
    ArenaMark mark = arena_mark(py->scratch);
    char *copy = ARENA_ARRAY(py->scratch, char, len + 1);
    bool good = len > 0;
    for (size_t i = 0; i < len; i++) {
        bool between = i > 0 && i + 1 < len && text[i - 1] >= '0' && text[i - 1] <= '9' &&
                       text[i + 1] >= '0' && text[i + 1] <= '9';
        if (text[i] == '_' && between)
            continue;
        if (strchr("0123456789+-.eE", text[i]) == NULL || text[i] == '\0')
            good = false;
        copy[count++] = text[i];
    }
    if (!named_float(copy, &value)) {
        char *end = copy;
        if (good)
            value = strtod(copy, &end);
        good = good && *end == '\0' && end != copy;
    } else {
        good = true;
    }
    if (!good) {
        StrBuf quoted = STRBUF(py->scratch);
        py_str_repr(all, all_len, &quoted);
        py_raise(py, PYEXC_ValueError, "could not convert string to float: %s",
                 strbuf_str(&quoted));
    }
    arena_reset(py->scratch, mark);
    return good ? py_float(value) : PY_FAIL;
}
