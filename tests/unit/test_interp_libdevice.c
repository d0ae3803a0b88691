/* Tests of libdevice calls: every row of the table is callable, and values are right. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "interp_world.h"
#include "ir/machine.h"
#include "support/numeric.h"

static const char *type_of(char letter) {
    return letter == 'f' ? "f32" : letter == 'd' ? "f64" : strchr("iu", letter) ? "i32" : "i64";
}

/* Calls `name` (as the IR names it) on bit patterns; types are the overload's, "ff:f". */
static uint64_t call_once(const char *name, const char *types, const uint64_t *args) {
    World w;
    world_open(&w);
    StrBuf text = STRBUF(w.arena);
    size_t arity = strcspn(types, ":");
    const char *result = type_of(types[arity + 1]);
    strbuf_puts(&text, "kernel @k(");
    for (size_t i = 0; i < arity; i++)
        strbuf_printf(&text, "%%a%zu: %s, ", i, type_of(types[i]));
    strbuf_printf(&text, "%%out: ptr<%s>) num_warps = 4 num_stages = 3 {\n    %%r = libcall \"%s\"",
                  result, name);
    for (size_t i = 0; i < arity; i++)
        strbuf_printf(&text, ", %%a%zu", i);
    strbuf_printf(&text, " : %s\n    store %%out, %%r\n    return\n}\n", result);
    InterpArg list[5];
    for (size_t i = 0; i < arity; i++)
        list[i] = world_scalar(args[i]);
    bool wide = strchr("dlL", types[arity + 1]) != NULL;
    list[arity] = world_tensor(&w, wide ? DT_I64 : DT_I32, 1, NULL);
    InterpStatus status = world_launch(&w, strbuf_str(&text), 1, list, (unsigned)arity + 1);
    cr_assert_eq(status, INTERP_OK, "%s %s: %s", name, types, world_messages(&w));
    uint64_t bits = 0;
    memcpy(&bits, world_data(list[arity]), wide ? 8 : 4);
    world_close(&w);
    return bits;
}

static const struct {
    const char *name, *overloads;
} rows[] = {
#define LIBDEVICE(name, overloads, shape, function) {name, overloads},
#include "ir/libdevice.def"
#undef LIBDEVICE
};

Test(libdevice, every_overload_can_be_called) {
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        const char *text = rows[i].overloads;
        while (*text != '\0') {
            uint64_t args[4] = {0};
            char name[64];
            int arity = (int)strcspn(text, ":");
            for (int k = 0; k < arity; k++)
                args[k] = text[k] == 'f' ? f32_bits(0.5f) : text[k] == 'd' ? f64_bits(0.5) : 1;
            snprintf(name, sizeof name, "%s:%.*s", rows[i].name, arity, text);
            call_once(name, text, args);
            text += strcspn(text, " ");
            text += *text == ' ';
        }
    }
}

Test(libdevice, machine_calls_are_overloads_of_libdevice) {
    static const char *const names[] = {
#define MACHINE(name, intrinsic, instruction) name,
#include "ir/machine.def"
    };
    for (size_t i = 0; i < TK_COUNTOF(names); i++) {
        bool found = false;
        for (size_t row = 0; row < TK_COUNTOF(rows); row++) {
            for (const char *text = rows[row].overloads; *text != '\0';) {
                char name[64];
                snprintf(name, sizeof name, "%s:%.*s", rows[row].name, (int)strcspn(text, ":"),
                         text);
                found |= strcmp(name, names[i]) == 0;
                text += strcspn(text, " ");
                text += *text == ' ';
            }
        }
        cr_assert(found, "%s is no overload of libdevice.def", names[i]);
        cr_assert_str_eq(ir_machine_call(names[i])->name, names[i]);
    }
    cr_assert_null(ir_machine_call("rint"));
    cr_assert_null(ir_machine_call("tan:f"));
}

static double call_d(const char *name, double x) {
    uint64_t bits = f64_bits(x);
    return f64_from_bits(call_once(name, "d:d", &bits));
}

static void near(double got, double expected) {
    cr_assert(fabs(got - expected) <= 1e-13 * fabs(expected), "%.17g is not %.17g", got, expected);
}

Test(libdevice, values_of_special_functions) {
    near(call_d("erfinv", 0.5), 0.47693627620446987);
    near(call_d("erfinv", 0.999), 2.3267537655135246);
    near(call_d("erfcinv", 1e-10), 4.5728249673894853);
    near(call_d("normcdfinv", 0.975), 1.959963984540054);
    near(call_d("normcdf", 1.0), 0.84134474606854293);
    near(call_d("erfcx", 10.0), 0.056140992743822586);
    near(call_d("erfcx", 2.0), 0.25539567631050574);
    near(call_d("cyl_bessel_i0", 1.0), 1.2660658777520084);
    near(call_d("cyl_bessel_i1", 2.0), 1.5906368546373291);
    near(call_d("cyl_bessel_i0", 40.0), 14894774793419916.0);
    near(call_d("sinpi", 0.25), 0.70710678118654757);
    near(call_d("cospi", 1.0), -1.0);
    near(call_d("exp10", 3.0), 1000.0);
    near(call_d("lgamma", 10.0), 12.801827480081469);
    near(call_d("j0", 1.0), 0.76519768655796655);
}

Test(libdevice, values_of_integer_functions) {
    uint64_t minus_three[] = {(uint32_t)-3, (uint32_t)-7, 5};
    cr_assert_eq(call_once("mulhi:uu", "uu:u", minus_three),
                 (uint64_t)(uint32_t)-3 * (uint32_t)-7 >> 32);
    cr_assert_eq(call_once("mulhi:ii", "ii:i", minus_three), 0);
    cr_assert_eq(call_once("clz", "i:i", (uint64_t[]){1}), 31);
    cr_assert_eq(call_once("clz", "l:i", (uint64_t[]){1}), 63);
    cr_assert_eq(call_once("ffs", "i:i", (uint64_t[]){8}), 4);
    cr_assert_eq(call_once("popc", "l:i", (uint64_t[]){UINT64_MAX}), 64);
    cr_assert_eq(call_once("brev", "i:i", (uint64_t[]){1}), 0x80000000u);
    cr_assert_eq(call_once("byte_perm", "iii:i", (uint64_t[]){0x33221100, 0x77665544, 0x7531}),
                 0x77553311u);
    cr_assert_eq(call_once("sad:iiu", "iiu:i", minus_three), 9);
    cr_assert_eq(call_once("rhadd:ii", "ii:i", minus_three), (uint32_t)-5);
    cr_assert_eq(call_once("float2int_rn", "f:i", (uint64_t[]){f32_bits(2.5f)}), 2);
    cr_assert_eq(call_once("float2int_ru", "f:i", (uint64_t[]){f32_bits(2.25f)}), 3);
    cr_assert_eq(call_once("float2uint_rd", "f:i", (uint64_t[]){f32_bits(-1.0f)}), 0);
    cr_assert_eq(call_once("ll2float_rd", "l:f", (uint64_t[]){0x1000001}), f32_bits(0x1p24f));
    cr_assert_eq(call_once("ll2float_ru", "l:f", (uint64_t[]){0x1000001}),
                 f32_bits(0x1.000002p24f));
}

/* The machine's own directed rounding, for comparison. */
static double rounded(int mode, char op, double a, double b) {
    volatile double x = a, y = b, r;
    fesetround(mode);
    r = op == '+' ? x + y : op == '*' ? x * y : x / y;
    fesetround(FE_TONEAREST);
    return r;
}
static float rounded_f32(int mode, char op, float a, float b) {
    volatile float x = a, y = b, r;
    fesetround(mode);
    r = op == '+' ? x + y : op == '*' ? x * y : x / y;
    fesetround(FE_TONEAREST);
    return r;
}

Test(libdevice, directed_roundings_are_those_of_the_machine) {
    static const struct {
        const char *suffix;
        int mode;
    } modes[] = {
        {"rn", FE_TONEAREST}, {"rz", FE_TOWARDZERO}, {"rd", FE_DOWNWARD}, {"ru", FE_UPWARD}};
    static const double values[] = {1.0, -1.0, 3.0, 0x1p-60, -0x1p-60, 1e300, -7.1, 0x1.fffffep127};
    static const struct {
        const char *name;
        char op;
    } ops[] = {{"add", '+'}, {"mul", '*'}, {"div", '/'}};
    for (size_t m = 0; m < 4; m++) {
        for (size_t o = 0; o < 3; o++) {
            for (size_t i = 0; i < 64; i++) {
                double a = values[i / 8], b = values[i % 8];
                char name[16];
                snprintf(name, sizeof name, "%s_%s", ops[o].name, modes[m].suffix);
                uint64_t args[] = {f64_bits(a), f64_bits(b)};
                double expected = rounded(modes[m].mode, ops[o].op, a, b);
                uint64_t got = call_once(name, "dd:d", args);
                cr_assert_eq(got, f64_bits(expected), "%s(%a, %a) is %a, not %a", name, a, b,
                             f64_from_bits(got), expected);
                uint64_t floats[] = {f32_bits((float)a), f32_bits((float)b)};
                float single = rounded_f32(modes[m].mode, ops[o].op, (float)a, (float)b);
                got = call_once(name, "ff:f", floats);
                cr_assert_eq(got, f32_bits(single), "%s(%a, %a) in f32", name, a, b);
            }
        }
    }
}
