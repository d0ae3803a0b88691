/* elementwise_half.c -- arithmetic of f16 and bf16, one or two numbers in a register.
 *
 * Operands are widened to double, the operation is done there and rounded once to the small
 * format. For sums, products and quotients that is the right result (double has more than twice the
 * bits of either format). A fused multiply-add could be wrong where the exact sum has more bits
 * than a double, so its last bit is made sticky ("round to odd": Boldo and Melquiond, "Emulation of
 * a FMA and Correctly Rounded Sums", IEEE TC 2008).
 *
 *     fma.rn.f16x2 %r4, %r1, %r2, %r3      64 numbers of three rows -> 64 numbers of one
 */
#include <math.h>

#include "runtime/emu/elementwise.h"
#include "support/numeric.h"

enum { MAX_NUMBERS = 2 * LANES };
typedef double (*HalfOp)(double x, double y, double z);

typedef struct HalfSpec {
    HalfOp op;
    bool is_bf16, paired, ftz, sat, relu;
    unsigned num_sources;
} HalfSpec;

static double op_add(double x, double y, double z) {
    (void)z;
    return x + y;
}
static double op_sub(double x, double y, double z) {
    (void)z;
    return x - y;
}
static double op_mul(double x, double y, double z) {
    (void)z;
    return x * y;
}

/* The product is exact; of the sum, the last bit says whether something was lost. */
static double op_fma(double x, double y, double z) {
    double product = x * y, sum = product + z;
    if (!isfinite(sum))
        return sum;
    double part = sum - product;
    double lost = (product - (sum - part)) + (z - part);
    if (lost != 0 && (f64_bits(sum) & 1) == 0)
        sum = nextafter(sum, lost > 0 ? INFINITY : -INFINITY);
    return sum;
}

static double op_min(double x, double y, double z) {
    (void)z;
    if (isnan(x) || isnan(y))
        return isnan(x) ? y : x;
    if (x == y)
        return signbit(x) ? x : y;
    return x < y ? x : y;
}
static double op_max(double x, double y, double z) {
    (void)z;
    if (isnan(x) || isnan(y))
        return isnan(x) ? y : x;
    if (x == y)
        return signbit(x) ? y : x;
    return x > y ? x : y;
}
static double op_min_nan(double x, double y, double z) {
    return isnan(x) || isnan(y) ? (double)NAN : op_min(x, y, z);
}
static double op_max_nan(double x, double y, double z) {
    return isnan(x) || isnan(y) ? (double)NAN : op_max(x, y, z);
}
static double op_ex2(double x, double y, double z) {
    (void)y;
    (void)z;
    return exp2(x);
}
static double op_tanh(double x, double y, double z) {
    (void)y;
    (void)z;
    return tanh(x);
}

static void load_numbers(const Warp *warp, uint32_t row, const HalfSpec *spec, double *out) {
    uint16_t bits[MAX_NUMBERS];
    unsigned count = spec->paired ? 2 * LANES : LANES;
    memcpy(bits, warp->rows + row, count * sizeof bits[0]);
    for (unsigned i = 0; i < count; i++) {
        uint16_t exponent = spec->is_bf16 ? 0x7f80 : 0x7c00;
        if (spec->ftz && (bits[i] & exponent) == 0)
            bits[i] &= 0x8000;
        out[i] = (double)(spec->is_bf16 ? bf16_to_f32(bits[i]) : f16_to_f32(bits[i]));
    }
}

static uint16_t round_number(const HalfSpec *spec, double value) {
    if (spec->sat)
        value = value > 0 ? (value < 1 ? value : 1) : 0;
    if (spec->relu)
        value = isnan(value) ? value : value > 0 ? value : 0;
    uint16_t bits = spec->is_bf16 ? f64_to_bf16(value) : f64_to_f16(value);
    if (isnan(value))
        return 0x7fff;
    if (spec->ftz && (bits & (spec->is_bf16 ? 0x7f80 : 0x7c00)) == 0)
        bits &= 0x8000;
    return bits;
}

static void half_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const HalfSpec *spec = inst->data;
    double x[MAX_NUMBERS], y[MAX_NUMBERS] = {0}, z[MAX_NUMBERS] = {0};
    load_numbers(warp, inst->a, spec, x);
    if (spec->num_sources > 1)
        load_numbers(warp, inst->b, spec, y);
    if (spec->num_sources > 2)
        load_numbers(warp, inst->c, spec, z);
    unsigned per_lane = spec->paired ? 2 : 1;
    uint16_t out[MAX_NUMBERS];
    memcpy(out, warp->rows + inst->dst, per_lane * LANES * sizeof out[0]);
    EACH_LANE(lane, mask)
    for (unsigned i = lane * per_lane; i < (lane + 1) * per_lane; i++)
        out[i] = round_number(spec, spec->op(x[i], y[i], z[i]));
    memcpy(warp->rows + inst->dst, out, per_lane * LANES * sizeof out[0]);
}

/* ONE: a row of the table with its spec; FORMATS: for f16, f16x2, bf16 and bf16x2. */
#define SPEC(op_, n, bf16_, pair_, ftz_, sat_, relu_)                                              \
    &(const HalfSpec) {                                                                            \
        .op = op_, .num_sources = n, .is_bf16 = bf16_, .paired = pair_, .ftz = ftz_, .sat = sat_,  \
        .relu = relu_                                                                              \
    }
#define ONE(keys_, n, T, spec)                                                                     \
    {.keys = keys_, .exec = half_exec, .num_operands = n + 1, .types = {T, T, T, T}, .data = spec},
#define FORMATS(op, text, n)                                                                       \
    ONE(text ".f16", n, PTX_F16, SPEC(op, n, false, false, false, false, false))                   \
    ONE(text ".f16x2", n, PTX_F16X2, SPEC(op, n, false, true, false, false, false))                \
    ONE(text ".bf16", n, PTX_BF16, SPEC(op, n, true, false, false, false, false))                  \
    ONE(text ".bf16x2", n, PTX_BF16X2, SPEC(op, n, true, true, false, false, false))
#define FLUSHED(op, text, n)                                                                       \
    ONE(text ".ftz.f16", n, PTX_F16, SPEC(op, n, false, false, true, false, false))                \
    ONE(text ".ftz.f16x2", n, PTX_F16X2, SPEC(op, n, false, true, true, false, false))
#define SATURATED(op, text, n)                                                                     \
    ONE(text ".sat.f16", n, PTX_F16, SPEC(op, n, false, false, false, true, false))                \
    ONE(text ".sat.f16x2", n, PTX_F16X2, SPEC(op, n, false, true, false, true, false))
#define ARITH(op, text, n)                                                                         \
    FORMATS(op, text, n)                                                                           \
    FORMATS(op, text ".rn", n)                                                                     \
    FLUSHED(op, text, n)                                                                           \
    FLUSHED(op, text ".rn", n) SATURATED(op, text, n) SATURATED(op, text ".rn", n)

static const EltOp ops[] = {
    /* clang-format off */
    ARITH(op_add, "add", 2)
    ARITH(op_sub, "sub", 2)
    ARITH(op_mul, "mul", 2)
    ARITH(op_fma, "fma", 3)
    ONE("fma.rn.relu.f16", 3, PTX_F16, SPEC(op_fma, 3, false, false, false, false, true))
    ONE("fma.rn.relu.f16x2", 3, PTX_F16X2, SPEC(op_fma, 3, false, true, false, false, true))
    ONE("fma.rn.relu.bf16", 3, PTX_BF16, SPEC(op_fma, 3, true, false, false, false, true))
    ONE("fma.rn.relu.bf16x2", 3, PTX_BF16X2, SPEC(op_fma, 3, true, true, false, false, true))
    FORMATS(op_min, "min", 2) FLUSHED(op_min, "min", 2)
    FORMATS(op_max, "max", 2) FLUSHED(op_max, "max", 2)
    FORMATS(op_min_nan, "min.NaN", 2)
    FORMATS(op_max_nan, "max.NaN", 2)
    FORMATS(op_ex2, "ex2.approx", 1) FLUSHED(op_ex2, "ex2.approx", 1)
    ONE("ex2.approx.ftz.bf16", 1, PTX_BF16, SPEC(op_ex2, 1, true, false, true, false, false))
    ONE("ex2.approx.ftz.bf16x2", 1, PTX_BF16X2, SPEC(op_ex2, 1, true, true, true, false, false))
    FORMATS(op_tanh, "tanh.approx", 1)
    /* clang-format on */
};

EltTable elt_half_table(void) {
    return (EltTable){ops, TK_COUNTOF(ops)};
}
