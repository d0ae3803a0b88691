/* libdevice.c -- calls of libdevice's functions, by the table ir/libdevice.def.
 *
 * A call's row and overload (ir/libdevice.c) are found when the kernel is compiled. Rows of real
 * functions are evaluated in double and rounded once; the others are functions over bit patterns
 * (libdevice_word.c).
 */
#define _XOPEN_SOURCE 700 /* j0 and its kin */

#include <math.h>
#include <string.h>

#include "ir/interp/libdevice.h"
#include "ir/libdevice.h"
#include "support/numeric.h"

/* ---- real functions that C does not have
 * ---------------------------------------------------------------- */

#define PI 3.14159265358979323846

static double lib_exp10(double x) {
    return pow(10.0, x);
}
static double lib_rsqrt(double x) {
    return 1.0 / sqrt(x);
}
static double lib_rcbrt(double x) {
    return 1.0 / cbrt(x);
}
static double lib_rhypot(double x, double y) {
    return 1.0 / hypot(x, y);
}
static double lib_norm3d(double x, double y, double z) {
    return hypot(hypot(x, y), z);
}
static double lib_rnorm3d(double x, double y, double z) {
    return 1.0 / lib_norm3d(x, y, z);
}
static double lib_divide(double x, double y) {
    return x / y;
}
static double lib_saturate(double x) {
    return x > 0.0 ? (x < 1.0 ? x : 1.0) : 0.0; /* NaN gives 0 */
}

/* sin(pi x): the argument is first reduced to [-1/2, 1/2], which is exact. */
static double lib_sinpi(double x) {
    double r = remainder(x, 2.0); /* [-1, 1] */
    if (fabs(r) == 1.0 || r == 0.0)
        return copysign(0.0, x);
    r = r > 0.5 ? 1.0 - r : r < -0.5 ? -1.0 - r : r;
    return sin(PI * r);
}
static double lib_cospi(double x) {
    double r = fabs(remainder(x, 2.0)); /* [0, 1] */
    return r == 0.5 ? 0.0 : r < 0.25 ? cos(PI * r) : sin(PI * (0.5 - r));
}

/* exp(x^2) erfc(x): for large x by the continued fraction of erfc, from the end. */
static double lib_erfcx(double x) {
    if (x < 8.0)
        return exp(x * x) * erfc(x);
    double tail = 0.0;
    for (int i = 30; i > 0; i--)
        tail = 0.5 * (double)i / (x + tail);
    return 1.0 / (sqrt(PI) * (x + tail));
}

/* The upper quantile of the normal distribution, 0 < p <= 1/2: a rational first guess (Abramowitz
 * and Stegun 26.2.23), then Halley's iteration on erfc. */
static double upper_quantile(double p) {
    double t = sqrt(-2.0 * log(p));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 4; i++) {
        double error = 0.5 * erfc(x / sqrt(2.0)) - p;
        double slope = exp(-0.5 * x * x) / sqrt(2.0 * PI);
        double step = slope > 0.0 ? error / slope : 0.0;
        x += step / (1.0 - 0.5 * x * step);
    }
    return x;
}
static double lib_normcdf(double x) {
    return 0.5 * erfc(-x / sqrt(2.0));
}
static double lib_normcdfinv(double p) {
    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.0 || p == 1.0)
        return p == 0.0 ? -INFINITY : INFINITY;
    if (p == 0.5)
        return 0.0;
    return p < 0.5 ? -upper_quantile(p) : upper_quantile(1.0 - p);
}
static double lib_erfcinv(double y) {
    if (!(y >= 0.0 && y <= 2.0))
        return NAN;
    if (y == 0.0 || y == 2.0)
        return y == 0.0 ? INFINITY : -INFINITY;
    double p = 0.5 * y;
    return (p <= 0.5 ? upper_quantile(p) : -upper_quantile(1.0 - p)) / sqrt(2.0);
}
static double lib_erfinv(double y) {
    if (!(fabs(y) <= 1.0))
        return NAN;
    if (fabs(y) == 1.0)
        return copysign(INFINITY, y);
    if (fabs(y) > 0.5)
        return copysign(lib_erfcinv(1.0 - fabs(y)), y);
    double x = y * sqrt(PI) / 2.0; /* Newton on erf, which is nearly straight here */
    for (int i = 0; i < 8; i++)
        x -= (erf(x) - y) * sqrt(PI) / 2.0 * exp(x * x);
    return x;
}

/* I_n(x) for n = 0, 1: the power series for small |x|, else the asymptotic one. */
static double bessel_i(double x, int n) {
    double size = fabs(x);
    double sum = 1.0, term = 1.0;
    if (size < 30.0) {
        double q = 0.25 * x * x;
        for (int k = 1; k < 200 && term > 1e-18 * sum; k++) {
            term *= q / ((double)k * (double)(k + n));
            sum += term;
        }
        return n == 0 ? sum : 0.5 * x * sum;
    }
    double mu = 4.0 * (double)(n * n);
    for (int k = 1; k < 20; k++) {
        double odd = (double)(2 * k - 1);
        term *= -(mu - odd * odd) / ((double)k * 8.0 * size);
        sum += term;
    }
    double value = exp(0.5 * size) / sqrt(2.0 * PI * size) * sum * exp(0.5 * size);
    return n == 1 && x < 0.0 ? -value : value;
}
static double lib_bessel_i0(double x) {
    return bessel_i(x, 0);
}
static double lib_bessel_i1(double x) {
    return bessel_i(x, 1);
}

uint64_t lib_jn(const uint64_t *args, const char *types) {
    return lib_pack(jn((int32_t)args[0], lib_unpack(args[1], types[1])), types[1]);
}
uint64_t lib_yn(const uint64_t *args, const char *types) {
    return lib_pack(yn((int32_t)args[0], lib_unpack(args[1], types[1])), types[1]);
}

/* ---- the table
 * ----------------------------------------------------------------------------------------- */

typedef enum Shape { SHAPE_REAL1, SHAPE_REAL2, SHAPE_REAL3, SHAPE_WORD } Shape;

typedef struct LibRow {
    Shape shape;
    union {
        double (*real1)(double);
        double (*real2)(double, double);
        double (*real3)(double, double, double);
        LibWordFn word;
    } fn;
} LibRow;

static const LibRow rows[] = {
#define FIELD_REAL1                                 real1
#define FIELD_REAL2                                 real2
#define FIELD_REAL3                                 real3
#define FIELD_WORD                                  word
#define LIBDEVICE(name, overloads, shape, function) {SHAPE_##shape, {.FIELD_##shape = function}},
#include "ir/libdevice.def"
#undef LIBDEVICE
};

/* ---- execution
 * ------------------------------------------------------------------------------------------ */

typedef struct LibCall {
    const LibRow *row;
    const char *letters; /* of the arguments */
    unsigned arity;
    char result;
} LibCall;

static size_t letter_size(char letter) {
    return letter == 'f' || letter == 'i' || letter == 'u' ? 4 : 8;
}

double lib_unpack(uint64_t bits, char letter) {
    return letter == 'f' ? (double)f32_from_bits((uint32_t)bits) : f64_from_bits(bits);
}

uint64_t lib_pack(double value, char letter) {
    return letter == 'f' ? f32_bits((float)value) : f64_bits(value);
}

static uint64_t call(const LibCall *lib, const uint64_t *args) {
    const LibRow *row = lib->row;
    double real[3] = {0};
    for (unsigned i = 0; row->shape != SHAPE_WORD && i < lib->arity; i++)
        real[i] = lib_unpack(args[i], lib->letters[i]);
    switch (row->shape) {
    case SHAPE_REAL1:
        return lib_pack(row->fn.real1(real[0]), lib->result);
    case SHAPE_REAL2:
        return lib_pack(row->fn.real2(real[0], real[1]), lib->result);
    case SHAPE_REAL3:
        return lib_pack(row->fn.real3(real[0], real[1], real[2]), lib->result);
    case SHAPE_WORD:
        break;
    }
    return row->fn.word(args, lib->letters);
}

static bool exec_libcall(Exec *exec, const Inst *inst) {
    const LibCall *lib = inst->info;
    const uint8_t *in[LIB_MAX_ARITY];
    size_t n = inst_count(exec, inst), out_size = letter_size(lib->result);
    for (unsigned i = 0; i < lib->arity; i++)
        in[i] = slot(exec, inst->src[i]);
    uint8_t *out = slot(exec, inst->dst[0]);
    for (size_t k = 0; k < n; k++) {
        uint64_t args[LIB_MAX_ARITY] = {0};
        for (unsigned i = 0; i < lib->arity; i++) {
            size_t size = letter_size(lib->letters[i]);
            memcpy(&args[i], in[i] + k * size, size);
        }
        uint64_t result = call(lib, args);
        memcpy(out + k * out_size, &result, out_size);
    }
    return true;
}

bool prepare_libcall(Arena *arena, const IrOp *op, Inst *inst) {
    IrLibdeviceCall call;
    if (!ir_libdevice_resolve(op, &call))
        return false;
    LibCall *lib = ARENA_NEW(arena, LibCall);
    *lib = (LibCall){.row = &rows[call.row], .letters = call.letters, .arity = call.arity};
    lib->result = call.result;
    inst->exec = exec_libcall;
    inst->info = lib;
    return true;
}
