/* Tests of elementwise operations: integers and small floats against plain C, exhaustively where
 * the type is small. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "interp_world.h"
#include "support/numeric.h"

enum { COUNT = 65536 };

static uint64_t next_random(uint64_t *state) { /* xorshift64* (Marsaglia, Vigna) */
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Runs `line`, which computes %r from %a (and %b and %c), over COUNT elements of type `elem`. */
static const char *elementwise(World *w, const char *elem, const char *result, const char *line) {
    StrBuf text = STRBUF(w->arena);
    strbuf_printf(&text,
                  "kernel @k(%%x: ptr<%s>, %%y: ptr<%s>, %%z: ptr<%s>, %%out: ptr<%s>) "
                  "num_warps = 4 num_stages = 3 {\n",
                  elem, elem, elem, result);
    strbuf_puts(&text, "    %offs = arange 0, 65536 : tile<65536xi32>\n");
    static const char *const names[][2] = {{"x", "a"}, {"y", "b"}, {"z", "c"}};
    for (size_t i = 0; i < 3; i++)
        strbuf_printf(&text,
                      "    %%%ss = splat %%%s : tile<65536xptr<%s>>\n"
                      "    %%%sp = addptr %%%ss, %%offs : tile<65536xptr<%s>>\n"
                      "    %%%s = load %%%sp : tile<65536x%s>\n",
                      names[i][0], names[i][0], elem, names[i][0], names[i][0], elem, names[i][1],
                      names[i][0], elem);
    strbuf_printf(&text,
                  "    %%r = %s : tile<65536x%s>\n"
                  "    %%os = splat %%out : tile<65536xptr<%s>>\n"
                  "    %%op = addptr %%os, %%offs : tile<65536xptr<%s>>\n"
                  "    store %%op, %%r\n    return\n}\n",
                  line, result, result, result);
    return strbuf_str(&text);
}

typedef struct Operands {
    uint16_t a[COUNT], b[COUNT], c[COUNT], r[COUNT];
} Operands;

static void run16(const char *elem, DType type, const char *line, Operands *ops) {
    World w;
    world_open(&w);
    InterpArg a = world_tensor(&w, type, COUNT, ops->a), b = world_tensor(&w, type, COUNT, ops->b);
    InterpArg c = world_tensor(&w, type, COUNT, ops->c);
    InterpArg r = world_tensor(&w, type, COUNT, NULL);
    InterpStatus status = LAUNCH(&w, elementwise(&w, elem, elem, line), 1, a, b, c, r);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    memcpy(ops->r, world_data(r), sizeof ops->r);
    world_close(&w);
}

/* Every pattern as the first operand; the second runs through pseudorandom patterns. */
static Operands *all_patterns(void) {
    static Operands ops;
    uint64_t state = 88172645463325252;
    for (size_t i = 0; i < COUNT; i++) {
        ops.a[i] = (uint16_t)i;
        ops.b[i] = (uint16_t)next_random(&state);
        ops.c[i] = (uint16_t)next_random(&state);
    }
    return &ops;
}

typedef struct Format {
    const char *name;
    DType type;
    float (*widen)(uint16_t bits);
    uint16_t (*narrow)(double value);
} Format;
static const Format formats[] = {
    {"f16", DT_F16, f16_to_f32, f64_to_f16},
    {"bf16", DT_BF16, bf16_to_f32, f64_to_bf16},
};

static double num_min(double a, double b) {
    return isnan(a) ? b : isnan(b) ? a : a == b ? (signbit(a) ? a : b) : a < b ? a : b;
}
static double num_max(double a, double b) {
    return isnan(a) ? b : isnan(b) ? a : a == b ? (signbit(a) ? b : a) : a > b ? a : b;
}
static double any_min(double a, double b) {
    return isnan(a) || isnan(b) ? (double)NAN : num_min(a, b);
}
static double any_max(double a, double b) {
    return isnan(a) || isnan(b) ? (double)NAN : num_max(a, b);
}
static double add(double a, double b) {
    return a + b;
}
static double subtract(double a, double b) {
    return a - b;
}
static double multiply(double a, double b) {
    return a * b;
}
static double divide(double a, double b) {
    return a / b;
}
static double negate(double a, double b) {
    (void)b;
    return -a;
}
static double magnitude(double a, double b) {
    (void)b;
    return fabs(a);
}
static double root(double a, double b) {
    (void)b;
    return sqrt(a);
}
static double low(double a, double b) {
    (void)b;
    return floor(a);
}
static double high(double a, double b) {
    (void)b;
    return ceil(a);
}
static double exponential(double a, double b) {
    (void)b;
    return exp(a);
}
static double error_function(double a, double b) {
    (void)b;
    return erf(a);
}

static const struct {
    const char *line;
    double (*reference)(double a, double b);
} float_ops[] = {
    {"addf %a, %b", add},
    {"subf %a, %b", subtract},
    {"mulf %a, %b", multiply},
    {"divf %a, %b", divide},
    {"divrnf %a, %b", divide},
    {"remf %a, %b", fmod},
    {"minnumf %a, %b", num_min},
    {"maxnumf %a, %b", num_max},
    {"minimumf %a, %b", any_min},
    {"maximumf %a, %b", any_max},
    {"negf %a", negate},
    {"absf %a", magnitude},
    {"sqrt %a", root},
    {"floor %a", low},
    {"ceil %a", high},
    {"exp %a", exponential},
    {"erf %a", error_function},
};

Test(ops, half_types_round_once) {
    Operands *ops = all_patterns();
    for (size_t f = 0; f < TK_COUNTOF(formats); f++) {
        const Format *format = &formats[f];
        for (size_t k = 0; k < TK_COUNTOF(float_ops); k++) {
            run16(format->name, format->type, float_ops[k].line, ops);
            for (size_t i = 0; i < COUNT; i++) {
                double a = (double)format->widen(ops->a[i]), b = (double)format->widen(ops->b[i]);
                uint16_t expected = format->narrow(float_ops[k].reference(a, b));
                bool both_nan = isnan(format->widen(expected)) && isnan(format->widen(ops->r[i]));
                cr_assert(both_nan || ops->r[i] == expected, "%s %s: %x, %x gives %x, not %x",
                          format->name, float_ops[k].line, ops->a[i], ops->b[i], ops->r[i],
                          expected);
            }
        }
    }
}

Test(ops, a_fused_multiply_add_of_halves_rounds_once) {
    Operands *ops = all_patterns();
    run16("f16", DT_F16, "fma %a, %b, %c", ops);
    for (size_t i = 0; i < COUNT; i++) { /* exact in f64 where the result is in range */
        double exact = fma((double)f16_to_f32(ops->a[i]), (double)f16_to_f32(ops->b[i]),
                           (double)f16_to_f32(ops->c[i]));
        uint16_t expected = f64_to_f16(exact);
        cr_assert(isnan(exact) ? isnan(f16_to_f32(ops->r[i])) : ops->r[i] == expected);
    }
    /* 1.5 * (1 + 2^-7) lies between two numbers of bf16; a tiny addend decides. */
    ops->a[0] = ops->a[1] = ops->a[2] = f64_to_bf16(1.5);
    ops->b[0] = ops->b[1] = ops->b[2] = f64_to_bf16(1.0 + 0x1p-7);
    ops->c[0] = f64_to_bf16(0.0);
    ops->c[1] = f64_to_bf16(-0x1p-100);
    ops->c[2] = f64_to_bf16(0x1p-100);
    run16("bf16", DT_BF16, "fma %a, %b, %c", ops);
    cr_assert_eq(ops->r[0], f64_to_bf16(1.5 + 0x1p-6));
    cr_assert_eq(ops->r[1], f64_to_bf16(1.5 + 0x1p-7));
    cr_assert_eq(ops->r[2], f64_to_bf16(1.5 + 0x1p-6));
}

static void run_bytes(const char *elem, DType type, const char *result, DType result_type,
                      const char *line, const uint8_t *a, const uint8_t *b, void *out) {
    World w;
    world_open(&w);
    InterpArg x = world_tensor(&w, type, COUNT, a), y = world_tensor(&w, type, COUNT, b);
    InterpArg r = world_tensor(&w, result_type, COUNT, NULL);
    InterpStatus status = LAUNCH(&w, elementwise(&w, elem, result, line), 1, x, y, x, r);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    memcpy(out, world_data(r), COUNT * dtype_size(result_type));
    world_close(&w);
}

/* All pairs of bytes. */
static void byte_pairs(uint8_t *a, uint8_t *b) {
    for (size_t i = 0; i < COUNT; i++) {
        a[i] = (uint8_t)(i >> 8);
        b[i] = (uint8_t)i;
    }
}

Test(ops, fp8_arithmetic_is_right_for_all_pairs) {
    static uint8_t a[COUNT], b[COUNT], r[COUNT];
    byte_pairs(a, b);
    for (size_t k = 0; k < TK_COUNTOF(float_ops); k++) {
        run_bytes("f8e4m3", DT_F8E4M3, "f8e4m3", DT_F8E4M3, float_ops[k].line, a, b, r);
        for (size_t i = 0; i < COUNT; i++) {
            uint8_t expected = f64_to_f8e4m3(
                float_ops[k].reference((double)f8e4m3_to_f32(a[i]), (double)f8e4m3_to_f32(b[i])));
            bool both_nan = (expected & 0x7f) == 0x7f && (r[i] & 0x7f) == 0x7f;
            cr_assert(both_nan || r[i] == expected, "%s: %x, %x gives %x, not %x",
                      float_ops[k].line, a[i], b[i], r[i], expected);
        }
        run_bytes("f8e5m2", DT_F8E5M2, "f8e5m2", DT_F8E5M2, float_ops[k].line, a, b, r);
        for (size_t i = 0; i < COUNT; i++) {
            uint8_t expected = f64_to_f8e5m2(
                float_ops[k].reference((double)f8e5m2_to_f32(a[i]), (double)f8e5m2_to_f32(b[i])));
            bool both_nan = isnan(f8e5m2_to_f32(expected)) && isnan(f8e5m2_to_f32(r[i]));
            cr_assert(both_nan || r[i] == expected, "%s: %x, %x gives %x, not %x",
                      float_ops[k].line, a[i], b[i], r[i], expected);
        }
    }
}

/* ---- integers
 * ------------------------------------------------------------------------------------- */

static int reference_int(const char *op, int a, int b) { /* of 8 bits; a, b signed */
    unsigned ua = (uint8_t)a, ub = (uint8_t)b;
#define IS(name) (strcmp(op, name) == 0)
    return IS("addi %a, %b")     ? a + b
           : IS("subi %a, %b")   ? a - b
           : IS("muli %a, %b")   ? a * b
           : IS("divsi %a, %b")  ? a / b
           : IS("divui %a, %b")  ? (int)(ua / ub)
           : IS("remsi %a, %b")  ? a % b
           : IS("remui %a, %b")  ? (int)(ua % ub)
           : IS("andi %a, %b")   ? a & b
           : IS("ori %a, %b")    ? a | b
           : IS("xori %a, %b")   ? a ^ b
           : IS("shli %a, %b")   ? (ub >= 8 ? 0 : (int)(ua << ub))
           : IS("shrsi %a, %b")  ? a >> (ub >= 8 ? 7 : ub)
           : IS("shrui %a, %b")  ? (ub >= 8 ? 0 : (int)(ua >> ub))
           : IS("minsi %a, %b")  ? (a < b ? a : b)
           : IS("maxsi %a, %b")  ? (a > b ? a : b)
           : IS("minui %a, %b")  ? (int)(ua < ub ? ua : ub)
           : IS("maxui %a, %b")  ? (int)(ua > ub ? ua : ub)
           : IS("mulhsi %a, %b") ? a * b >> 8
           : IS("mulhui %a, %b") ? (int)(ua * ub >> 8)
           : IS("absi %a")       ? (a < 0 ? -a : a)
                                 : -1;
}

Test(ops, integers_of_8_bits_are_right_for_all_pairs) {
    static const char *const lines[] = {
        "addi %a, %b",  "subi %a, %b",  "muli %a, %b",   "divsi %a, %b",  "divui %a, %b",
        "remsi %a, %b", "remui %a, %b", "andi %a, %b",   "ori %a, %b",    "xori %a, %b",
        "shli %a, %b",  "shrsi %a, %b", "shrui %a, %b",  "minsi %a, %b",  "maxsi %a, %b",
        "minui %a, %b", "maxui %a, %b", "mulhsi %a, %b", "mulhui %a, %b", "absi %a"};
    static uint8_t a[COUNT], b[COUNT], r[COUNT];
    for (size_t k = 0; k < TK_COUNTOF(lines); k++) {
        byte_pairs(a, b);
        bool divides = strncmp(lines[k], "div", 3) == 0 || strncmp(lines[k], "rem", 3) == 0;
        for (size_t i = 0; divides && i < COUNT; i++)
            b[i] = b[i] == 0 ? 1 : b[i];
        run_bytes("i8", DT_I8, "i8", DT_I8, lines[k], a, b, r);
        for (size_t i = 0; i < COUNT; i++)
            cr_assert_eq(r[i], (uint8_t)reference_int(lines[k], (int8_t)a[i], (int8_t)b[i]),
                         "%s: %x, %x gives %x", lines[k], a[i], b[i], r[i]);
    }
}

Test(ops, comparisons_of_8_bits) {
    static const struct {
        const char *line;
        bool is_signed;
        int less, equal, greater; /* the result for each order */
    } rows[] = {
        {"cmpi eq, %a, %b", true, 0, 1, 0},   {"cmpi ne, %a, %b", true, 1, 0, 1},
        {"cmpi slt, %a, %b", true, 1, 0, 0},  {"cmpi sle, %a, %b", true, 1, 1, 0},
        {"cmpi sgt, %a, %b", true, 0, 0, 1},  {"cmpi sge, %a, %b", true, 0, 1, 1},
        {"cmpi ult, %a, %b", false, 1, 0, 0}, {"cmpi ule, %a, %b", false, 1, 1, 0},
        {"cmpi ugt, %a, %b", false, 0, 0, 1}, {"cmpi uge, %a, %b", false, 0, 1, 1},
    };
    static uint8_t a[COUNT], b[COUNT], r[COUNT];
    byte_pairs(a, b);
    for (size_t k = 0; k < TK_COUNTOF(rows); k++) {
        run_bytes("i8", DT_I8, "i1", DT_BOOL, rows[k].line, a, b, r);
        for (size_t i = 0; i < COUNT; i++) {
            int x = rows[k].is_signed ? (int8_t)a[i] : a[i];
            int y = rows[k].is_signed ? (int8_t)b[i] : b[i];
            int expected = x < y ? rows[k].less : x > y ? rows[k].greater : rows[k].equal;
            cr_assert_eq(r[i], expected, "%s: %x, %x gives %x", rows[k].line, a[i], b[i], r[i]);
        }
    }
}

/* ---- conversions
 * ------------------------------------------------------------------------------------ */

static void convert(const char *from, DType from_type, const char *to, DType to_type,
                    const char *line, const void *in, void *out) {
    World w;
    world_open(&w);
    InterpArg x = world_tensor(&w, from_type, COUNT, in);
    InterpArg r = world_tensor(&w, to_type, COUNT, NULL);
    InterpStatus status = LAUNCH(&w, elementwise(&w, from, to, line), 1, x, x, x, r);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    memcpy(out, world_data(r), COUNT * dtype_size(to_type));
    world_close(&w);
}

Test(ops, small_floats_widen_exactly) {
    static uint16_t in[COUNT];
    static float out[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        in[i] = (uint16_t)i;
    for (size_t f = 0; f < TK_COUNTOF(formats); f++) {
        convert(formats[f].name, formats[f].type, "f32", DT_F32, "fpext %a", in, out);
        for (size_t i = 0; i < COUNT; i++)
            cr_assert(out[i] == formats[f].widen(in[i]) || isnan(out[i]));
    }
}

Test(ops, narrowing_rounds_to_even_or_toward_zero) {
    static float in[COUNT];
    static uint16_t out[COUNT];
    uint64_t state = 1;
    for (size_t i = 0; i < COUNT; i++) /* around every f16 */
        in[i] = f16_to_f32((uint16_t)i) *
                (1.0f + 0x1p-12f * (float)(next_random(&state) % 9) - 0x1p-10f);
    convert("f32", DT_F32, "f16", DT_F16, "fptrunc %a", in, out);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert(out[i] == f64_to_f16((double)in[i]) || isnan(in[i]));
    convert("f32", DT_F32, "f16", DT_F16, "fptrunc %a, rounding = rtz", in, out);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert(isnan(in[i]) || isinf(in[i]) ||
                  (fabsf(f16_to_f32(out[i])) <= fabsf(in[i]) &&
                   fabsf(f16_to_f32((uint16_t)(out[i] + 1))) > fabsf(in[i])));
}

Test(ops, fp8_conversion_saturates) {
    static float in[COUNT];
    static uint8_t out[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        in[i] = ((float)i - 32768.0f) * 3.0f;
    convert("f32", DT_F32, "f8e4m3", DT_F8E4M3, "fptrunc %a", in, out);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(out[i], f32_to_f8e4m3_sat(in[i]));
    cr_assert_eq(f8e4m3_to_f32(out[0]), -448.0f);
}

Test(ops, floats_to_integers_saturate) {
    static float in[COUNT];
    static int8_t out[COUNT];
    static uint8_t unsigned_out[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        in[i] = ((float)i - 32768.0f) / 64.0f;
    in[0] = NAN;
    convert("f32", DT_F32, "i8", DT_I8, "fptosi %a", in, out);
    convert("f32", DT_F32, "i8", DT_U8, "fptoui %a", in, unsigned_out);
    for (size_t i = 1; i < COUNT; i++) {
        float whole = truncf(in[i]);
        cr_assert_eq(out[i], whole < -128 ? -128 : whole > 127 ? 127 : (int)whole);
        cr_assert_eq(unsigned_out[i], whole < 0 ? 0 : whole > 255 ? 255 : (int)whole);
    }
    cr_assert_eq(out[0], 0);
}

Test(ops, large_integers_round_once_to_bf16) {
    static int64_t in[COUNT];
    static uint16_t out[COUNT];
    memset(in, 0, sizeof in);
    in[0] = INT64_C(0x4040000000000001); /* just above a tie of bf16; a tie after f64 */
    in[1] = INT64_C(0x4040000000000000);
    convert("i64", DT_I64, "bf16", DT_BF16, "sitofp %a", in, out);
    cr_assert_eq(out[0], f64_to_bf16(0x1.02p62));
    cr_assert_eq(out[1], f64_to_bf16(0x1.00p62));
}
