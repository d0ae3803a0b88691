/* tk-math-error: measures the errors of expanded functions against long double.
 *
 *     tk-math-error            a table in Markdown: function, types, bound, measured, operations
 *     tk-math-error --check FILE   also: FILE must contain the table
 *     tk-math-error --count N      N arguments each (default 65536)
 *     tk-math-error NAME           that function only
 *
 * Arguments are pseudo-random with a fixed seed, half of them bit patterns of all numbers, half
 * from the interval of math_bounds.def. Fails if an error is above its bound.
 */
#define _GNU_SOURCE /* exp10l */

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math_runner.h"
#include "support/numeric.h"

typedef long double Real;

/* ---- references that C does not have -----------------------------------------------------------
 */

#define PI 3.14159265358979323846264338327950288L

static Real ref_rsqrt(Real x) {
    return 1 / sqrtl(x);
}
static Real ref_rcbrt(Real x) {
    return 1 / cbrtl(x);
}
static Real ref_rhypot(Real x, Real y) {
    return 1 / hypotl(x, y);
}
static Real ref_norm3d(Real x, Real y, Real z) {
    return hypotl(hypotl(x, y), z);
}
static Real ref_rnorm3d(Real x, Real y, Real z) {
    return 1 / ref_norm3d(x, y, z);
}
static Real ref_norm4d(Real x, Real y, Real z, Real w) {
    return hypotl(hypotl(x, y), hypotl(z, w));
}
static Real ref_rnorm4d(Real x, Real y, Real z, Real w) {
    return 1 / ref_norm4d(x, y, z, w);
}

/* The argument is reduced to a quarter turn, exactly. */
static Real ref_sinpi(Real x) {
    Real r = remainderl(x, 2);
    if (r == rintl(r))
        return copysignl(0, x);
    r = r > 0.5L ? 1 - r : r < -0.5L ? -1 - r : r;
    return fabsl(r) <= 0.25L ? sinl(PI * r) : copysignl(cosl(PI * (0.5L - fabsl(r))), r);
}
static Real ref_cospi(Real x) {
    Real r = fabsl(remainderl(x, 2));
    return r <= 0.25L ? cosl(PI * r) : r < 0.75L ? sinl(PI * (0.5L - r)) : -cosl(PI * (1 - r));
}

/* exp(x^2) for x of at most 53 bits: the square as a sum of two. */
static Real exp_square(Real x, Real sign) {
    Real square = x * x, rest = square > 20000 ? 0 : fmal(x, x, -square);
    return expl(sign * square) * expl(sign * rest);
}
static Real ref_erfcx(Real x) {
    if (x < 8)
        return exp_square(x, 1) * erfcl(x);
    Real tail = 0; /* the continued fraction, from its end */
    for (int i = 60; i > 0; i--)
        tail = 0.5L * i / (x + tail);
    return 1 / (sqrtl(PI) * (x + tail));
}
static Real ref_normcdf(Real x) {
    return 0.5L * erfcl(-x / sqrtl(2));
}

/* erfc y = t by Newton's method for log(erfc y) = log t, 0 < t <= 1/2 */
static Real inverse_erfc(Real t) {
    Real y = sqrtl(-logl(t)) * 0.8L;
    for (int i = 0; i < 12; i++) {
        Real value = erfcl(y);
        y += log1pl((value - t) / t) * ref_erfcx(y) * (sqrtl(PI) / 2);
    }
    return y;
}
static Real ref_erfinv(Real x) {
    Real a = fabsl(x), y = a * (sqrtl(PI) / 2);
    if (!(a < 1))
        return a == 1 ? copysignl(INFINITY, x) : (Real)NAN;
    if (a > 0.5L)
        return copysignl(inverse_erfc(1 - a), x);
    for (int i = 0; i < 8; i++) /* erf is nearly straight here */
        y -= (erfl(y) - a) * (sqrtl(PI) / 2) * expl(y * y);
    return copysignl(y, x);
}
static Real ref_erfcinv(Real y) {
    if (!(y > 0 && y < 2))
        return y == 0 ? (Real)INFINITY : y == 2 ? -(Real)INFINITY : (Real)NAN;
    return y < 0.5L ? inverse_erfc(y) : y > 1.5L ? -inverse_erfc(2 - y) : ref_erfinv(1 - y);
}
static Real ref_normcdfinv(Real p) {
    return -sqrtl(2) * ref_erfcinv(2 * p);
}

/* I_n(x): the power series for small |x|, else the asymptotic one. */
static Real bessel_i(Real x, int n) {
    Real a = fabsl(x), sum = 1, term = 1;
    if (a < 45) {
        for (int k = 1; k < 300 && term > 1e-21L * sum; k++) {
            term *= 0.25L * x * x / ((Real)k * (Real)(k + n));
            sum += term;
        }
        return n == 0 ? sum : 0.5L * x * sum;
    }
    Real mu = 4.0L * (Real)(n * n);
    for (int k = 1; k < 30; k++) {
        Real odd = (Real)(2 * k - 1);
        term *= -(mu - odd * odd) / ((Real)k * 8 * a);
        sum += term;
    }
    Real value = a > 11000 ? (Real)INFINITY : expl(a) / sqrtl(2 * PI * a) * sum;
    return n == 1 ? copysignl(value, x) : value;
}
static Real ref_i0(Real x) {
    return bessel_i(x, 0);
}
static Real ref_i1(Real x) {
    return bessel_i(x, 1);
}

/* ---- the table ---------------------------------------------------------------------------------
 */

typedef Real (*Function1)(Real);
typedef Real (*Function2)(Real, Real);
typedef Real (*Function3)(Real, Real, Real);
typedef Real (*Function4)(Real, Real, Real, Real);

typedef struct Row {
    MathFunction function;
    Function1 of1; /* the reference: one of these */
    Function2 of2;
    Function3 of3;
    Function4 of4;
    double low, high, bound, least;
} Row;

#define IF(type, fn) _Generic(&(fn), type : (fn), default : NULL)
#define REFERENCE(fn)                                                                              \
    .of1 = IF(Function1, fn), .of2 = IF(Function2, fn), .of3 = IF(Function3, fn),                  \
    .of4 = IF(Function4, fn)
static const Row rows[] = {
#define OP(name, letters, fn, low, high, bound)                                                    \
    {{name, true, letters}, REFERENCE(fn), low, high, bound, 0},
#define CALL(name, letters, fn, low, high, bound)                                                  \
    {{name, false, letters}, REFERENCE(fn), low, high, bound, 0},
#define CALL_LEAST(name, letters, fn, low, high, bound, least)                                     \
    {{name, false, letters}, REFERENCE(fn), low, high, bound, least},
#include "math_bounds.def"
#undef OP
#undef CALL
#undef CALL_LEAST
};

static Real reference(const Row *row, const Real *a) {
    switch (strcspn(row->function.letters, ":")) {
    case 1:
        return row->of1(a[0]);
    case 2:
        return row->of2(a[0], a[1]);
    case 3:
        return row->of3(a[0], a[1], a[2]);
    default:
        return row->of4(a[0], a[1], a[2], a[3]);
    }
}

/* ---- arguments ---------------------------------------------------------------------------------
 */

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static const double specials[] = {0.0, -0.0,     1.0,       -1.0,      INFINITY, -INFINITY,
                                  NAN, 0x1p-149, -0x1p-126, 0x1p-1074, 0.5,      -0.5,
                                  2.0, -2.0,     FLT_MAX,   DBL_MAX,   -DBL_MAX, 3.0};

static uint64_t pick(const Row *row, char letter, size_t i, uint64_t *state) {
    uint64_t random = next_random(state);
    if (letter == 'i') /* an exponent: small, or anything */
        return i % 8 == 0 ? (uint32_t)random : (uint32_t)(random % 200 - 100);
    double value = row->low + (row->high - row->low) * ((double)(random >> 11) * 0x1p-53);
    if (i % 2 == 0 && next_random(state) % 16 != 0)
        return letter == 'f' ? (uint32_t)random : random;
    if (i % 2 == 0)
        value = specials[random % TK_COUNTOF(specials)];
    return letter == 'f' ? f32_bits((float)value) : f64_bits(value);
}

static Real unpack(const void *data, char letter, size_t i) {
    if (letter == 'f')
        return (Real)((const float *)data)[i];
    return letter == 'd' ? (Real)((const double *)data)[i] : (Real)((const int32_t *)data)[i];
}

/* ---- errors ------------------------------------------------------------------------------------
 */

/* |got - exact| in units in the last place of the type at `exact`, or at `unit_of` if that is
 * larger; infinite if one is not a number, or a zero has the wrong sign. */
static double error_in_ulp(Real got, Real exact, bool wide, Real unit_of) {
    const double wrong = (double)INFINITY;
    if (got != got || exact != exact)
        return got != got && exact != exact ? 0.0 : wrong;
    int digits = wide ? 53 : 24, least = wide ? -1074 : -149;
    Real most = wide ? (Real)DBL_MAX : (Real)FLT_MAX;
    Real limit = most + ldexpl(1, (wide ? 1024 : 128) - digits); /* what rounds to infinity */
    if (fabsl(exact) >= limit)
        return fabsl(got) >= most && (got > 0) == (exact > 0) ? 0.0 : wrong;
    if (isinf(got))
        got = copysignl(limit, got);
    if (exact == 0 && got == 0)
        return signbit(exact) == signbit(got) ? 0.0 : wrong;
    Real size = fmaxl(fabsl(exact), unit_of);
    int exponent = size == 0 ? least : ilogbl(size) - digits + 1;
    return (double)(fabsl(got - exact) / ldexpl(1, exponent < least ? least : exponent));
}

typedef struct Measurement {
    double worst;
    Real args[MATH_MAX_ARGS], got, exact; /* where */
    unsigned num_ops;
} Measurement;

static bool measure(const Row *row, size_t count, Measurement *m) {
    const char *letters = row->function.letters;
    size_t arity = strcspn(letters, ":");
    char result = letters[arity + 1];
    void *args[MATH_MAX_ARGS] = {0}, *out = calloc(count, sizeof(double));
    uint64_t state = 1;
    for (size_t a = 0; a < arity; a++) {
        args[a] = calloc(count, sizeof(double));
        for (size_t i = 0; i < count; i++) {
            uint64_t bits = pick(row, letters[a], i, &state);
            size_t size = math_letter_size(letters[a]);
            memcpy((char *)args[a] + i * size, &bits, size);
        }
    }
    MathRunner r;
    math_runner_open(&r);
    const void *in[MATH_MAX_ARGS] = {args[0], args[1], args[2], args[3]};
    bool ok = math_run(&r, &row->function, "expand-math,fold,cse,dce", count, in, out, &m->num_ops);
    math_runner_close(&r);
    m->worst = 0;
    for (size_t i = 0; ok && i < count; i++) {
        Real a[MATH_MAX_ARGS] = {0};
        for (size_t k = 0; k < arity; k++)
            a[k] = unpack(args[k], letters[k], i);
        Real exact = reference(row, a), got = unpack(out, result, i);
        double error = error_in_ulp(got, exact, result == 'd', row->least);
        if (error > m->worst) {
            m->worst = error;
            m->got = got;
            m->exact = exact;
            memcpy(m->args, a, sizeof a);
        }
    }
    for (size_t a = 0; a < arity; a++)
        free(args[a]);
    free(out);
    return ok;
}

/* ---- the report --------------------------------------------------------------------------------
 */

static bool report(const Row *row, size_t count, FILE *out) {
    Measurement m;
    if (!measure(row, count, &m))
        return false;
    fprintf(out, "| %s`%s` | `%s` | %.1f | %.2f | %u |\n", row->function.is_op ? "" : "libdevice ",
            row->function.name, row->function.letters, row->bound, m.worst, m.num_ops);
    if (m.worst <= row->bound)
        return true;
    fprintf(stderr, "%s %s(%.20Lg, %.20Lg): %.20Lg, exact %.20Lg: %g ulp\n", row->function.name,
            row->function.letters, m.args[0], m.args[1], m.got, m.exact, m.worst);
    return false;
}

static bool contains(const char *path, const char *table) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t size = 1 << 20, len;
    char *text = calloc(1, size);
    len = fread(text, 1, size - 1, file);
    fclose(file);
    bool found = len > 0 && strstr(text, table) != NULL;
    free(text);
    if (!found)
        fprintf(stderr, "%s does not contain this table; renew it\n", path);
    return found;
}

int main(int argc, char **argv) {
    const char *only = NULL, *check = NULL;
    size_t count = 65536;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0 && i + 1 < argc)
            check = argv[++i];
        else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            count = strtoul(argv[++i], NULL, 10) / MATH_TILE * MATH_TILE;
        else
            only = argv[i];
    }
    char *table = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&table, &len);
    bool ok = true;
    fputs("| function | types | bound | measured | operations |\n|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        if (!only || strcmp(only, rows[i].function.name) == 0)
            ok &= report(&rows[i], count, out);
    }
    fclose(out);
    if (check)
        ok &= contains(check, table);
    else
        fputs(table, stdout);
    free(table);
    return ok ? 0 : 1;
}
