/* module_math.c -- the module math. */
#include <math.h>
#include <string.h>

#include "runtime/host/host_internal.h"

#define BUILTIN(name) static PyValue name(PyCtx *py, TK_UNUSED void *data, const PyArgs *args)

/* Functions of one real number; what has no result is a ValueError, what is too large an
 * OverflowError. */
typedef double (*RealFn)(double x);

static PyValue real_call(PyCtx *py, const PyArgs *args, const char *name, RealFn fn) {
    PyValue v;
    double x;
    if (!py_bind_text(py, name, args, "x", &v) || !host_arg_double(py, v, &x))
        return PY_FAIL;
    double y = fn(x);
    if (isnan(y) && !isnan(x))
        return py_raise(py, PYEXC_ValueError, "math domain error");
    if (isinf(y) && isfinite(x)) {
        bool pole = x <= 0.0 && strncmp(name, "log", 3) == 0;
        return pole ? py_raise(py, PYEXC_ValueError, "math domain error")
                    : py_raise(py, PYEXC_OverflowError, "math range error");
    }
    return py_float(y);
}
#define REAL(name, fn)                                                                             \
    BUILTIN(math_##name) {                                                                         \
        return real_call(py, args, #name, fn);                                                     \
    }
REAL(sqrt, sqrt)
REAL(exp, exp)
REAL(exp2, exp2)
REAL(expm1, expm1)
REAL(log1p, log1p)
REAL(sin, sin)
REAL(cos, cos)
REAL(tan, tan)
REAL(asin, asin)
REAL(acos, acos)
REAL(atan, atan)
REAL(sinh, sinh)
REAL(cosh, cosh)
REAL(tanh, tanh)
REAL(asinh, asinh)
REAL(acosh, acosh)
REAL(atanh, atanh)
REAL(erf, erf)
REAL(erfc, erfc)
REAL(gamma, tgamma)
REAL(lgamma, lgamma)
REAL(fabs, fabs)
REAL(cbrt, cbrt)
static double to_degrees(double x) {
    return x * (180.0 / 3.14159265358979323846);
}
static double to_radians(double x) {
    return x * (3.14159265358979323846 / 180.0);
}
REAL(degrees, to_degrees)
REAL(radians, to_radians)

/* A logarithm: of an int of any size without going through a float that may overflow. */
static PyValue logarithm(PyCtx *py, PyValue v, const char *name, RealFn fn, double per_bit) {
    double x;
    v = py_unwrap_constexpr(v);
    if (py_as(v, &py_bigint_type) != NULL && py_int_sign(v) > 0) {
        int64_t shift = py_int_bit_length(py, v) - 60;
        PyValue top = py_binary(py, BIN_RSHIFT, v, py_int(shift > 0 ? shift : 0));
        bool ok = !py_failed(top) && py_int_to_double(py, top, &x);
        py_decref(py, top);
        return ok ? py_float(fn(x) + (double)(shift > 0 ? shift : 0) * per_bit) : PY_FAIL;
    }
    PyArgs one = {.pos = &v, .num_pos = 1, .range = py->here};
    return real_call(py, &one, name, fn);
}

BUILTIN(math_log) {
    PyValue a[2];
    if (!py_bind_text(py, "log", args, "x base=", a))
        return PY_FAIL;
    PyValue top = logarithm(py, a[0], "log", log, 0.693147180559945309417);
    if (py_failed(top) || py_failed(a[1]))
        return top;
    PyValue base = logarithm(py, a[1], "log", log, 0.693147180559945309417);
    return py_failed(base) ? PY_FAIL : py_binary(py, BIN_DIV, top, base);
}
BUILTIN(math_log2) {
    PyValue v;
    return py_bind_text(py, "log2", args, "x", &v) ? logarithm(py, v, "log2", log2, 1.0) : PY_FAIL;
}
BUILTIN(math_log10) {
    PyValue v;
    if (!py_bind_text(py, "log10", args, "x", &v))
        return PY_FAIL;
    return logarithm(py, v, "log10", log10, 0.301029995663981195214);
}

/* floor, ceil, trunc: to an int. */
static PyValue to_int(PyCtx *py, const PyArgs *args, const char *name, RealFn fn) {
    PyValue v;
    double x;
    if (!py_bind_text(py, name, args, "x", &v))
        return PY_FAIL;
    v = py_unwrap_constexpr(v);
    if (py_is_int(v) || v.tag == PY_BOOL_TAG)
        return py_unary(py, UNARY_POS, v);
    return host_arg_double(py, v, &x) ? py_int_from_double(py, fn(x)) : PY_FAIL;
}
BUILTIN(math_floor) {
    return to_int(py, args, "floor", floor);
}
BUILTIN(math_ceil) {
    return to_int(py, args, "ceil", ceil);
}
BUILTIN(math_trunc) {
    return to_int(py, args, "trunc", trunc);
}

static bool two_reals(PyCtx *py, const PyArgs *args, const char *name, double *x, double *y) {
    PyValue a[2];
    return py_bind_text(py, name, args, "x y", a) && host_arg_double(py, a[0], x) &&
           host_arg_double(py, a[1], y);
}
BUILTIN(math_pow) {
    double x, y;
    if (!two_reals(py, args, "pow", &x, &y))
        return PY_FAIL;
    double z = pow(x, y);
    if ((isnan(z) && !isnan(x) && !isnan(y)) || (isinf(z) && x == 0.0))
        return py_raise(py, PYEXC_ValueError, "math domain error");
    if (isinf(z) && isfinite(x) && isfinite(y))
        return py_raise(py, PYEXC_OverflowError, "math range error");
    return py_float(z);
}
BUILTIN(math_fmod) {
    double x, y;
    if (!two_reals(py, args, "fmod", &x, &y))
        return PY_FAIL;
    if (y == 0.0 || isinf(x))
        return py_raise(py, PYEXC_ValueError, "math domain error");
    return py_float(fmod(x, y));
}
BUILTIN(math_atan2) {
    double x, y;
    return two_reals(py, args, "atan2", &x, &y) ? py_float(atan2(x, y)) : PY_FAIL;
}
BUILTIN(math_copysign) {
    double x, y;
    return two_reals(py, args, "copysign", &x, &y) ? py_float(copysign(x, y)) : PY_FAIL;
}
BUILTIN(math_ldexp) {
    PyValue a[2];
    double x;
    int64_t e;
    if (!py_bind_text(py, "ldexp", args, "x i", a) || !host_arg_double(py, a[0], &x) ||
        !host_arg_i64(py, a[1], "ldexp", &e))
        return PY_FAIL;
    return py_float(ldexp(x, (int)(e > 5000 ? 5000 : e < -5000 ? -5000 : e)));
}
BUILTIN(math_frexp) {
    PyValue v, both[2];
    double x;
    int e;
    if (!py_bind_text(py, "frexp", args, "x", &v) || !host_arg_double(py, v, &x))
        return PY_FAIL;
    both[0] = py_float(frexp(x, &e));
    both[1] = py_int(isfinite(x) ? e : 0);
    return py_tuple(py, both, 2);
}
BUILTIN(math_modf) {
    PyValue v, both[2];
    double x, whole;
    if (!py_bind_text(py, "modf", args, "x", &v) || !host_arg_double(py, v, &x))
        return PY_FAIL;
    both[0] = py_float(modf(x, &whole));
    both[1] = py_float(whole);
    return py_tuple(py, both, 2);
}
BUILTIN(math_isnan) {
    PyValue v;
    double x;
    return py_bind_text(py, "isnan", args, "x", &v) && host_arg_double(py, v, &x)
               ? py_bool(isnan(x))
               : PY_FAIL;
}
BUILTIN(math_isinf) {
    PyValue v;
    double x;
    return py_bind_text(py, "isinf", args, "x", &v) && host_arg_double(py, v, &x)
               ? py_bool(isinf(x))
               : PY_FAIL;
}
BUILTIN(math_isfinite) {
    PyValue v;
    double x;
    return py_bind_text(py, "isfinite", args, "x", &v) && host_arg_double(py, v, &x)
               ? py_bool(isfinite(x))
               : PY_FAIL;
}
BUILTIN(math_isclose) {
    PyValue a[4];
    double x, y, rel = 1e-9, abs_ = 0.0;
    if (!py_bind_text(py, "isclose", args, "a b * rel_tol= abs_tol=", a) ||
        !host_arg_double(py, a[0], &x) || !host_arg_double(py, a[1], &y) ||
        (!py_failed(a[2]) && !host_arg_double(py, a[2], &rel)) ||
        (!py_failed(a[3]) && !host_arg_double(py, a[3], &abs_)))
        return PY_FAIL;
    if (x == y)
        return py_bool(true);
    if (isinf(x) || isinf(y))
        return py_bool(false);
    return py_bool(fabs(x - y) <= fmax(rel * fmax(fabs(x), fabs(y)), abs_));
}
/* ---- integers ---------------------------------------------------------------------------------
 */

static bool need_int(PyCtx *py, PyValue v) {
    if (py_is_int(v) || v.tag == PY_BOOL_TAG)
        return true;
    py_raise(py, PYEXC_TypeError, "'%s' object cannot be interpreted as an integer",
             py_type_name(v));
    return false;
}

/* |a| and |b| by Euclid; a new reference. */
static PyValue gcd_of(PyCtx *py, PyValue a, PyValue b) {
    if (!need_int(py, a) || !need_int(py, b))
        return PY_FAIL;
    a = py_int_sign(a) < 0 ? py_int_negate(py, a) : py_incref(a);
    b = py_int_sign(b) < 0 ? py_int_negate(py, b) : py_incref(b);
    while (py_int_sign(b) != 0) {
        PyValue rest = py_binary(py, BIN_MOD, a, b);
        py_decref(py, a);
        a = b;
        b = rest;
    }
    return a;
}
BUILTIN(math_gcd) {
    PyValue result = py_int(0);
    for (size_t i = 0; i < args->num_pos && !py_failed(result); i++) {
        PyValue next = gcd_of(py, result, args->pos[i]);
        py_decref(py, result);
        result = next;
    }
    return result;
}
BUILTIN(math_lcm) {
    PyValue result = py_int(1);
    for (size_t i = 0; i < args->num_pos && !py_failed(result); i++) {
        PyValue gcd = gcd_of(py, result, args->pos[i]), next = PY_FAIL;
        if (!py_failed(gcd) && py_int_sign(gcd) == 0) {
            next = py_int(0);
        } else if (!py_failed(gcd)) {
            PyValue part = py_binary(py, BIN_FLOORDIV, args->pos[i], gcd);
            next = py_binary(py, BIN_MUL, result, part);
            py_decref(py, part);
        }
        py_decref(py, gcd);
        py_decref(py, result);
        result = next;
    }
    if (!py_failed(result) && py_int_sign(result) < 0)
        return py_int_negate(py, result);
    return result;
}
BUILTIN(math_factorial) {
    PyValue v;
    int64_t n;
    if (!py_bind_text(py, "factorial", args, "n", &v) || !host_arg_i64(py, v, "factorial", &n))
        return PY_FAIL;
    if (n < 0)
        return py_raise(py, PYEXC_ValueError, "factorial() not defined for negative values");
    if (n > 100000)
        return py_raise(py, PYEXC_MemoryError, "factorial() of so large a number");
    PyValue result = py_int(1);
    for (int64_t i = 2; i <= n; i++) {
        PyValue next = py_binary(py, BIN_MUL, result, py_int(i));
        py_decref(py, result);
        result = next;
    }
    return result;
}
/* C(n, k) = n (n-1) ... (n-k+1) / k!; each step's division is exact. */
BUILTIN(math_comb) {
    PyValue a[2];
    int64_t n, k;
    if (!py_bind_text(py, "comb", args, "n k", a) || !host_arg_i64(py, a[0], "comb", &n) ||
        !host_arg_i64(py, a[1], "comb", &k))
        return PY_FAIL;
    if (n < 0 || k < 0)
        return py_raise(py, PYEXC_ValueError, "comb() needs non-negative integers");
    k = k > n - k ? n - k : k;
    PyValue result = py_int(k < 0 ? 0 : 1);
    for (int64_t i = 1; i <= k && !py_failed(result); i++) {
        PyValue up = py_binary(py, BIN_MUL, result, py_int(n - k + i));
        py_decref(py, result);
        result = py_failed(up) ? PY_FAIL : py_binary(py, BIN_FLOORDIV, up, py_int(i));
        py_decref(py, up);
    }
    return result;
}
/* Newton's iteration on integers, from above. */
BUILTIN(math_isqrt) {
    PyValue v;
    if (!py_bind_text(py, "isqrt", args, "n", &v) || !need_int(py, v))
        return PY_FAIL;
    if (py_int_sign(v) < 0)
        return py_raise(py, PYEXC_ValueError, "isqrt() argument must be nonnegative");
    int64_t bits = py_int_bit_length(py, v);
    PyValue x = py_binary(py, BIN_LSHIFT, py_int(1), py_int((bits + 1) / 2));
    while (true) {
        PyValue quotient = py_binary(py, BIN_FLOORDIV, v, x);
        PyValue sum = py_binary(py, BIN_ADD, x, quotient);
        PyValue next = py_binary(py, BIN_RSHIFT, sum, py_int(1));
        bool done = py_int_compare(py, next, x) >= 0;
        py_decref(py, quotient);
        py_decref(py, sum);
        if (done) {
            py_decref(py, next);
            return x;
        }
        py_decref(py, x);
        x = next;
    }
}
BUILTIN(math_prod) {
    PyValue a[2];
    if (!py_bind_text(py, "prod", args, "iterable * start=", a))
        return PY_FAIL;
    PyValue items = py_list_of(py, a[0]);
    if (py_failed(items))
        return PY_FAIL;
    PyValue result = py_failed(a[1]) ? py_int(1) : py_incref(a[1]);
    for (size_t i = 0; i < py_seq_len(items) && !py_failed(result); i++) {
        PyValue next = py_binary(py, BIN_MUL, result, py_seq_item(items, i));
        py_decref(py, result);
        result = next;
    }
    py_decref(py, items);
    return result;
}
/* A sum without rounding on the way (Shewchuk): partial sums that do not overlap. */
BUILTIN(math_fsum) {
    PyValue iterable;
    if (!py_bind_text(py, "fsum", args, "seq", &iterable))
        return PY_FAIL;
    PyValue items = py_list_of(py, iterable);
    if (py_failed(items))
        return PY_FAIL;
    size_t count = 0;
    ArenaMark mark = arena_mark(py->scratch);
    double *partial = ARENA_ARRAY(py->scratch, double, py_seq_len(items) + 1);
    bool ok = true;
    for (size_t i = 0; i < py_seq_len(items) && ok; i++) {
        double x;
        size_t kept = 0;
        ok = host_arg_double(py, py_seq_item(items, i), &x);
        for (size_t j = 0; ok && j < count; j++) {
            double y = partial[j], big = fabs(x) >= fabs(y) ? x : y, small = big == x ? y : x;
            double hi = big + small, lo = small - (hi - big);
            if (lo != 0.0)
                partial[kept++] = lo;
            x = hi;
        }
        partial[kept] = ok ? x : 0.0;
        count = kept + 1;
    }
    double total = 0.0;
    while (count > 0)
        total += partial[--count];
    arena_reset(py->scratch, mark);
    py_decref(py, items);
    return ok ? py_float(total) : PY_FAIL;
}

PyValue module_math(PyCtx *py) {
#define ROW(name)                                                                                  \
    { #name, math_##name }
    static const BuiltinRow rows[] = {
        ROW(sqrt),      ROW(exp),    ROW(exp2),     ROW(expm1),   ROW(log1p), ROW(sin),
        ROW(cos),       ROW(tan),    ROW(asin),     ROW(acos),    ROW(atan),  ROW(sinh),
        ROW(cosh),      ROW(tanh),   ROW(asinh),    ROW(acosh),   ROW(atanh), ROW(erf),
        ROW(erfc),      ROW(gamma),  ROW(lgamma),   ROW(fabs),    ROW(cbrt),  ROW(log),
        ROW(log2),      ROW(log10),  ROW(floor),    ROW(ceil),    ROW(trunc), ROW(pow),
        ROW(fmod),      ROW(atan2),  ROW(copysign), ROW(ldexp),   ROW(frexp), ROW(modf),
        ROW(isnan),     ROW(isinf),  ROW(isfinite), ROW(isclose), ROW(gcd),   ROW(lcm),
        ROW(factorial), ROW(comb),   ROW(isqrt),    ROW(prod),    ROW(fsum),  ROW(degrees),
        ROW(radians),   {NULL, NULL}};
#undef ROW
    PyValue module = py_module(py, "math");
    module_add_functions(py, module, rows);
    py_module_set(py, module, "pi", py_float(3.14159265358979323846));
    py_module_set(py, module, "tau", py_float(6.28318530717958647692));
    py_module_set(py, module, "e", py_float(2.71828182845904523536));
    py_module_set(py, module, "inf", py_float(HUGE_VAL));
    py_module_set(py, module, "nan", py_float((double)NAN));
    return module;
}
