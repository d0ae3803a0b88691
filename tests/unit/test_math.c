/* Tests of the pass expand-math: functions that have an exact definition keep every bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "math_runner.h"
#include "passes/formula.h"
#include "support/numeric.h"

enum { COUNT = 8 * MATH_TILE };

/* Functions that GPUs compute within bounds: their test is tk-math-error. */
static const char *const inexact[] = {
#define OP(name, letters, reference, low, high, bound)
#define CALL(name, letters, reference, low, high, bound)              name ":" letters,
#define CALL_LEAST(name, letters, reference, low, high, bound, least) name ":" letters,
#include "math_bounds.def"
#undef OP
#undef CALL
#undef CALL_LEAST
    /* as exact as the instructions of which they are made, and those are exact on cpu */
    "fast_tanf:f:f",
    "fast_expf:f:f",
    "fast_exp10f:f:f",
    "fast_logf:f:f",
    "fast_log10f:f:f",
    "fast_powf:ff:f",
    /* refused on GPU devices */
    "jn:if:f",
    "jn:id:d",
    "yn:if:f",
    "yn:id:d",
};

static const struct {
    const char *name, *overloads;
} rows[] = {
#define LIBDEVICE(name, overloads, shape, function) {name, overloads},
#include "ir/libdevice.def"
#undef LIBDEVICE
};

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static const double special_reals[] = {
    0.0,       -0.0,    1.0,      -1.0,      0.5,    -0.5,      1.5,
    2.5,       -2.5,    INFINITY, -INFINITY, NAN,    0x1p-149,  -0x1p-126,
    0x1p-1074, 0x1p127, 0x1p31,   -0x1p63,   0x1p32, 4194304.5, 0x1.fffffep127,
    3.0,       7.0,     1e10};
static const uint64_t special_words[] = {
    0, 1, 2, UINT64_MAX, 31, 32, 63, 64, 0x80000000, 0x7fffffff, UINT64_C(1) << 63, INT64_MAX, 255};

/* Random bits, special values, and (for floats) numbers of like size. */
static uint64_t pick(char letter, uint64_t *state) {
    uint64_t random = next_random(state), choice = random >> 60;
    bool wide = math_letter_size(letter) == 8;
    if (letter == 'f' || letter == 'd') {
        double value = special_reals[random % TK_COUNTOF(special_reals)];
        if (choice >= 4)
            value = ((double)(int64_t)next_random(state)) * (choice < 8 ? 0x1p-60 : 0x1p-33);
        if (choice >= 10)
            return wide ? random * 0x9e3779b97f4a7c15 : (uint32_t)random;
        return wide ? f64_bits(value) : f32_bits((float)value);
    }
    uint64_t word = choice < 4   ? special_words[random % TK_COUNTOF(special_words)]
                    : choice < 8 ? random % 512 - 256
                                 : next_random(state);
    return wide ? word : (uint32_t)word;
}

static bool is_nan(char letter, uint64_t bits) {
    return letter == 'f'   ? f32_from_bits((uint32_t)bits) != f32_from_bits((uint32_t)bits)
           : letter == 'd' ? f64_from_bits(bits) != f64_from_bits(bits)
                           : false;
}

static uint64_t element(const void *data, char letter, size_t i) {
    uint64_t bits = 0;
    size_t size = math_letter_size(letter);
    memcpy(&bits, (const char *)data + i * size, size);
    return bits;
}

/* glibc 2.36 gives remainder(x, y) the wrong sign where it is zero and y is subnormal. */
static bool is_wrong_zero(const char *name, uint64_t bits) {
    return strncmp(name, "remainder", strlen("remainder")) == 0 && bits << 1 == 0;
}

/* The expanded function gives what the interpreter says of the call itself. */
static void check_exact(const MathFunction *f) {
    static uint64_t in[MATH_MAX_ARGS][COUNT], expected[COUNT], got[COUNT];
    const void *args[MATH_MAX_ARGS] = {in[0], in[1], in[2], in[3]};
    size_t arity = strcspn(f->letters, ":");
    char result = f->letters[arity + 1];
    uint64_t state = 1;
    for (size_t a = 0; a < arity; a++) {
        size_t size = math_letter_size(f->letters[a]);
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t bits = pick(f->letters[a], &state);
            memcpy((char *)in[a] + i * size, &bits, size);
        }
    }
    MathRunner r;
    math_runner_open(&r);
    bool ok = math_run(&r, f, NULL, COUNT, args, expected, NULL) &&
              math_run(&r, f, "expand-math,fold,cse,dce", COUNT, args, got, NULL);
    cr_expect(ok, "%s", f->name);
    for (size_t i = 0; ok && i < COUNT; i++) {
        uint64_t want = element(expected, result, i), have = element(got, result, i);
        ok = want == have || (is_nan(result, want) && is_nan(result, have)) ||
             (have == 0 && is_wrong_zero(f->name, want));
        cr_expect(ok, "%s (%jx, %jx, %jx) is %jx, not %jx", f->name,
                  (uintmax_t)element(in[0], f->letters[0], i),
                  (uintmax_t)(arity > 1 ? element(in[1], f->letters[1], i) : 0),
                  (uintmax_t)(arity > 2 ? element(in[2], f->letters[2], i) : 0), (uintmax_t)have,
                  (uintmax_t)want);
    }
    math_runner_close(&r);
}

static bool is_exact(const char *name) {
    for (size_t i = 0; i < TK_COUNTOF(inexact); i++) {
        if (strcmp(inexact[i], name) == 0)
            return false;
    }
    return true;
}

Test(math, exact_functions_keep_every_bit) {
    size_t checked = 0;
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        for (const char *text = rows[i].overloads; *text != '\0';) {
            char name[64], letters[16];
            int len = (int)strcspn(text, " "), arity = (int)strcspn(text, ":");
            snprintf(letters, sizeof letters, "%.*s", len, text);
            snprintf(name, sizeof name, "%s:%s", rows[i].name, letters);
            if (is_exact(name)) {
                snprintf(name, sizeof name, "%s:%.*s", rows[i].name, arity, text);
                check_exact(&(MathFunction){.name = name, .letters = letters});
                checked++;
            }
            text += len + (text[len] == ' ');
        }
    }
    cr_assert(checked > 150, "%zu", checked);
}

Test(math, remainders_are_exact_in_every_type) {
    check_exact(&(MathFunction){.name = "remf", .is_op = true, .letters = "ff:f"});
    check_exact(&(MathFunction){.name = "remf", .is_op = true, .letters = "dd:d"});
}

/* ---- the notation of formulas ---------------------------------------------------------------- */

/* Builds formula `f` of one f32 from `text`; returns what is wrong with it, or NULL. */
static const char *error_of(const char *text, const char **out) {
    static char error[200];
    MathRunner r;
    math_runner_open(&r);
    IrModule *module = ir_module_create(ir_context_create(r.arena), r.arena, NULL);
    IrKernel *kernel = ir_kernel_create(module, strtab_sym(ir_names(module->ctx), "k"), SRC_NONE);
    IrValue *x = ir_kernel_add_param(kernel, NULL, ir_type_scalar(module->ctx, TY_F32), SRC_NONE);
    IrBuilder b = {.module = module, .kernel = kernel, .block = kernel->body};
    EmbeddedFile file = {"test", (const unsigned char *)text, strlen(text)};
    FormulaSet *set = formula_set_create(r.arena, &file, 1);
    IrValue *value = formula_build(set, &b, "f", "f", &x, 1);
    bool failed = formula_error(set) != NULL;
    cr_assert_eq(value == NULL, failed, "%s", text);
    snprintf(error, sizeof error, "%s", failed ? formula_error(set) : "");
    if (out && value)
        *out = ir_info(value->def)->mnemonic;
    math_runner_close(&r);
    return failed ? error : NULL;
}

Test(math, formulas_may_call_each_other_and_return_several_values) {
    const char *last = NULL;
    cr_assert_null(
        error_of("def two(x):\n    return x, x * 2  # a pair\n\n"
                 "def f(x):\n    a, b = two(x)\n    return where(a < b, a,\n        -b)\n",
                 &last));
    cr_assert_str_eq(last, "select");
    cr_assert_null(error_of("def f(x):\n    return 1\n\ndef f_f(x):\n    return 1 + x\n", &last));
    cr_assert_str_eq(last, "addf", "the variant for f32 comes first");
}

Test(math, mistakes_in_formulas_are_named) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"def f(x):\n    return y\n", "unknown name"},
        {"def f(x):\n    return x + bits(x)\n", "`+` does not take these arguments"},
        {"def f(x):\n    return fma(x, x)\n", "`fma` does not take these arguments"},
        {"def f(x):\n    return g(x)\n", "no function `g`"},
        {"def f(x):\n    y = x\n", "there is no return"},
        {"def f(x):\n    return (x\n", "expected `)`"},
        {"def f(x, y):\n    return x\n", "as many arguments as parameters"},
        {"def f(x):\n    a, b = x\n    return a\n", "as many results as names"},
        {"def f(x):\n    return f(x)\n", "no function `f`"},
    };
    for (size_t i = 0; i < TK_COUNTOF(cases); i++) {
        const char *error = error_of(cases[i].text, NULL);
        cr_assert(error && strstr(error, cases[i].error), "%s: %s", cases[i].text, error);
        cr_assert(strncmp(error, "test.math: f: ", strlen("test.math: f: ")) == 0, "%s", error);
    }
}
