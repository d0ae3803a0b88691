/* test_values.c -- the values of the Python subset: numbers of any size, text, containers.
 *
 * The expected texts are CPython's. Whole programs are compared with CPython in tests/run/host_*.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "frontend/value_types.h"
#include "support/numeric.h"

typedef struct World {
    OomHandler oom;
    Arena *arena;
    PyCtx *py;
} World;

static World world;

static void setup(void) {
    world.oom.fail_after = -1;
    world.arena = arena_create(&world.oom);
    SourceSet *sources = sources_create(world.arena);
    world.py = py_ctx_create(&world.oom, world.arena, strtab_create(world.arena), sources,
                             diags_create(world.arena, sources));
}

static void teardown(void) {
    py_ctx_destroy(world.py);
    arena_destroy(world.arena);
}

TestSuite(values, .init = setup, .fini = teardown);

/* The pending exception as "ValueError: text", and clears it. */
static const char *pending(void) {
    StrBuf text = STRBUF(world.arena);
    PyException *e = py_as(world.py->exception, &py_exception_type);
    if (e == NULL)
        return "no exception";
    strbuf_printf(&text, "%s: ", e->cls->name);
    py_exception_message(world.py, e, &text);
    py_clear_exception(world.py);
    return strbuf_str(&text);
}

/* repr of a value, which is released; the exception's text if it failed. */
static const char *show(PyValue v) {
    StrBuf text = STRBUF(world.arena);
    if (py_failed(v) || !py_repr(world.py, v, &text))
        return pending();
    py_decref(world.py, v);
    return strbuf_str(&text);
}

static PyValue number(const char *text) {
    PyValue whole = py_int_parse(world.py, text, strlen(text), 0);
    if (!py_failed(whole))
        return whole;
    py_clear_exception(world.py);
    return py_float_parse(world.py, text, strlen(text));
}

static const char *binary(const char *a, BinOpKind op, const char *b) {
    PyValue x = number(a), y = number(b);
    const char *text = show(py_binary(world.py, op, x, y));
    py_decref(world.py, x);
    py_decref(world.py, y);
    return text;
}

#define EXPECT(text, expected) cr_expect_str_eq(text, expected)

Test(values, integers_grow_and_shrink) {
    EXPECT(binary("9223372036854775807", BIN_ADD, "1"), "9223372036854775808");
    EXPECT(binary("-9223372036854775808", BIN_SUB, "1"), "-9223372036854775809");
    EXPECT(binary("3037000500", BIN_MUL, "3037000500"), "9223372037000250000");
    EXPECT(binary("-9223372036854775808", BIN_FLOORDIV, "-1"), "9223372036854775808");
    EXPECT(binary("2", BIN_POW, "100"), "1267650600228229401496703205376");
    EXPECT(binary("1", BIN_LSHIFT, "63"), "9223372036854775808");
    /* what fits 64 bits again is small again */
    PyValue big = number("18446744073709551616"), one = py_int(1);
    PyValue back = py_binary(world.py, BIN_FLOORDIV, big, big);
    cr_expect(back.tag == PY_INT_TAG && back.u.i == one.u.i);
    py_decref(world.py, big);
    PyValue least = number("-9223372036854775808");
    cr_expect(least.tag == PY_INT_TAG && least.u.i == INT64_MIN);
}

Test(values, division_rounds_down) {
    static const struct {
        const char *a, *b, *quotient, *rest;
    } rows[] = {{"7", "2", "3", "1"},
                {"-7", "2", "-4", "1"},
                {"7", "-2", "-4", "-1"},
                {"-7", "-2", "3", "-1"},
                {"-6", "2", "-3", "0"},
                {"100000000000000000000", "-7", "-14285714285714285715", "-5"},
                {"-100000000000000000000", "7", "-14285714285714285715", "5"},
                {"7.5", "-2", "-4.0", "-0.5"},
                {"-7.5", "2", "-4.0", "0.5"},
                {"-0.0", "1", "-0.0", "0.0"}};
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        EXPECT(binary(rows[i].a, BIN_FLOORDIV, rows[i].b), rows[i].quotient);
        EXPECT(binary(rows[i].a, BIN_MOD, rows[i].b), rows[i].rest);
    }
    EXPECT(binary("1", BIN_FLOORDIV, "0"), "ZeroDivisionError: integer division or modulo by zero");
    EXPECT(binary("1", BIN_DIV, "0"), "ZeroDivisionError: division by zero");
}

Test(values, bits_are_of_unlimited_width) {
    EXPECT(binary("-1", BIN_RSHIFT, "200"), "-1");
    EXPECT(binary("-1180591620717411303424", BIN_RSHIFT, "3"), "-147573952589676412928");
    EXPECT(binary("-1", BIN_BITAND, "0xFFFFFFFFFFFFFFFFFFFF"), "1208925819614629174706175");
    EXPECT(binary("-36893488147419103232", BIN_BITXOR, "12345"), "-36893488147419090887");
    EXPECT(binary("1", BIN_LSHIFT, "-1"), "ValueError: negative shift count");
    EXPECT(show(py_int_invert(world.py, number("1180591620717411303424"))),
           "-1180591620717411303425");
}

Test(values, sizes_are_bounded) {
    EXPECT(binary("10", BIN_POW, "10000000000"),
           "MemoryError: the integer would have more than 2097152 bits");
    EXPECT(binary("1", BIN_LSHIFT, "100000000000"),
           "MemoryError: the integer would have more than 2097152 bits");
    EXPECT(binary("-1", BIN_POW, "100000000000000000001"), "-1");
    EXPECT(binary("0", BIN_LSHIFT, "100000000000000000000"), "0");
}

/* The integer is not rounded before it is compared. */
Test(values, integers_compare_exactly_with_floats) {
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {{"9007199254740993", "9007199254740992.0", 1},
                {"9007199254740992", "9007199254740992.0", 0},
                {"-9007199254740993", "-9007199254740992.0", -1},
                {"9223372036854775807", "9223372036854775808.0", -1},
                {"1", "1.5", -1},
                {"-1", "-1.5", 1},
                {"100000000000000000000000", "1e23", 1},
                {"5", "inf", -1},
                {"5", "nan", 2}};
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        PyValue a = number(rows[i].a), b = number(rows[i].b);
        cr_expect_eq(py_num_compare(world.py, a, b), rows[i].order, "%s ? %s", rows[i].a,
                     rows[i].b);
        int back = py_num_compare(world.py, b, a);
        cr_expect_eq(back, rows[i].order == 2 ? 2 : -rows[i].order);
        py_decref(world.py, a);
    }
}

Test(values, integers_become_floats_rounded_once) {
    EXPECT(binary("1", BIN_DIV, "3"), "0.3333333333333333");
    EXPECT(binary("9007199254740993", BIN_DIV, "1"), "9007199254740992.0");
    EXPECT(binary("9007199254740995", BIN_DIV, "1"), "9007199254740996.0");
    EXPECT(binary("1180591620717411303425", BIN_DIV, "3"), "3.935305402391371e+20");
    double value;
    PyValue big = number("18446744073709553665");
    cr_expect(py_int_to_double(world.py, big, &value)); /* just above a tie: up */
    cr_expect_eq(value, 18446744073709555712.0);
    py_decref(world.py, big);
}

Test(values, floats_print_as_short_as_they_read_back) {
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {0.1 + 0.2, "0.30000000000000004"},
                {1e16, "1e+16"},
                {1e15, "1000000000000000.0"},
                {1e-4, "0.0001"},
                {1e-5, "1e-05"},
                {5e-324, "5e-324"},
                {-0.0, "-0.0"},
                {0x1p-44, "5.684341886080802e-14"},
                {1.7976931348623157e308, "1.7976931348623157e+308"},
                {9007199254740993.0, "9007199254740992.0"}};
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        EXPECT(show(py_float(rows[i].value)), rows[i].text);
    /* a walk through all exponents: what is printed reads back */
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double value = f64_from_bits(state);
        if (!isfinite(value))
            continue;
        StrBuf text = STRBUF(world.arena);
        py_float_repr(value, &text);
        cr_assert_eq(strtod(strbuf_str(&text), NULL), value, "%s", text.data);
    }
}

static const char *format(PyValue v, const char *spec) {
    StrBuf text = STRBUF(world.arena);
    if (!py_format(world.py, v, spec, strlen(spec), &text))
        return pending();
    return strbuf_str(&text);
}

Test(values, format_specs) {
    EXPECT(format(py_int(-65), "=+8d"), "-     65");
    EXPECT(format(py_int(-65), "08,d"), "-000,065");
    EXPECT(format(py_int(1234567), "_x"), "12_d687");
    EXPECT(format(py_int(255), "#010X"), "0X000000FF");
    EXPECT(format(py_int(10), "^8b"), "  1010  ");
    EXPECT(format(py_int(8364), "c"), "\xE2\x82\xAC");
    EXPECT(format(py_float(1234567.891), ",.2f"), "1,234,567.89");
    EXPECT(format(py_float(0.125), ".1%"), "12.5%");
    EXPECT(format(py_float(12345.678), ".3"), "1.23e+04");
    EXPECT(format(py_float(1e10), ".3g"), "1e+10");
    EXPECT(format(py_float(-2.5), "010.2f"), "-000002.50");
    EXPECT(format(py_float((double)INFINITY), "010.2f"), "0000000inf");
    EXPECT(format(py_int(3), ".2d"),
           "ValueError: Precision not allowed in integer format specifier");
    EXPECT(format(py_float(1.5), "d"),
           "ValueError: Unknown format code 'd' for object of type 'float'");
    PyValue text = py_str(world.py, "caf\xC3\xA9");
    EXPECT(format(text, "*^8"), "**caf\xC3\xA9**");
    EXPECT(format(text, ".3"), "caf");
    py_decref(world.py, text);
}

/* Equal numbers hash alike, whatever their form; CPython's values. */
Test(values, hashes) {
    cr_expect_eq(py_num_hash(world.py, py_int(5)), 5u);
    cr_expect_eq(py_num_hash(world.py, py_float(5.0)), 5u);
    cr_expect_eq(py_num_hash(world.py, py_int(-1)), (uint64_t)-2);
    cr_expect_eq(py_num_hash(world.py, py_float(1.5)), 1152921504606846977u);
    PyValue big = number("100000000000000000000000");
    PyValue near = number("99999999999999991611392");
    cr_expect_neq(py_num_hash(world.py, big), py_num_hash(world.py, py_float(1e23)));
    cr_expect_eq(py_num_hash(world.py, near), py_num_hash(world.py, py_float(1e23)));
    py_decref(world.py, big);
    py_decref(world.py, near);
}

Test(values, dicts_keep_the_order_of_insertion) {
    PyValue dict = py_dict(world.py), value;
    for (int64_t i = 0; i < 1000; i++)
        cr_assert(py_dict_set(world.py, dict, py_int(i * 7919 % 1000), py_int(i)));
    for (int64_t i = 0; i < 1000; i += 2) {
        bool found;
        cr_assert(py_dict_remove(world.py, (PyDict *)dict.u.o, py_int(i), &value, &found) && found);
    }
    cr_expect_eq(py_len(world.py, dict), 500);
    cr_expect(py_dict_get(world.py, dict, py_float(7.0), &value)); /* 7.0 is the key 7 */
    cr_expect(!py_dict_get(world.py, dict, py_int(8), &value));
    PyValue it = py_iter(world.py, dict);
    for (int64_t i = 0; i < 1000; i++) {
        bool done;
        if (i * 7919 % 1000 % 2 == 0)
            continue;
        PyValue key = py_next(world.py, it, &done);
        cr_assert(!done && key.u.i == i * 7919 % 1000);
    }
    py_decref(world.py, it);
    PyValue list = py_list(world.py, NULL, 0);
    cr_expect(!py_dict_set(world.py, dict, list, PY_NONE));
    EXPECT(pending(), "TypeError: unhashable type: 'list'");
    py_decref(world.py, list);
    py_decref(world.py, dict);
}

Test(values, slices) {
    PyValue range = py_range(world.py, 0, 10, 1), list = py_list_of(world.py, range);
    static const struct {
        int64_t lower, upper, step; /* 99: absent */
        const char *text;
    } rows[] = {{99, 99, -1, "[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]"},
                {2, 8, 3, "[2, 5]"},
                {-3, 99, 1, "[7, 8, 9]"},
                {8, 2, -3, "[8, 5]"},
                {20, 30, 1, "[]"},
                {-20, 2, 1, "[0, 1]"}};
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        PyValue slice =
            py_slice(world.py, rows[i].lower == 99 ? PY_NONE : py_int(rows[i].lower),
                     rows[i].upper == 99 ? PY_NONE : py_int(rows[i].upper), py_int(rows[i].step));
        EXPECT(show(py_subscript(world.py, list, slice)), rows[i].text);
        py_decref(world.py, slice);
    }
    py_decref(world.py, range);
    py_decref(world.py, list);
}

/* Releasing a deep structure needs no deep stack. */
Test(values, deep_nesting_is_released_without_recursion) {
    PyValue inner = py_list(world.py, NULL, 0);
    for (int i = 0; i < 300000; i++) {
        PyValue outer = py_list(world.py, &inner, 1);
        py_decref(world.py, inner);
        inner = outer;
    }
    py_decref(world.py, inner);
    cr_expect_null(world.py->objects);
}

Test(values, arguments_are_bound_by_name) {
    static const char *const names[] = {"dim", "keepdim=", "*", "out=", NULL};
    PyValue bound[3], pos[] = {py_int(1), py_int(2), py_int(3)}, kw[] = {py_bool(true)};
    Sym keyword = strtab_sym(world.py->names, "keepdim"),
        wrong = strtab_sym(world.py->names, "keepdims");
    PyArgs args = {.pos = pos, .num_pos = 1, .kw_names = &keyword, .kw_values = kw, .num_kw = 1};
    cr_expect(py_bind(world.py, "sum", &args, names, bound));
    cr_expect(bound[0].u.i == 1 && bound[1].u.i == 1 && py_failed(bound[2]));
    args.kw_names = &wrong;
    cr_expect(!py_bind(world.py, "sum", &args, names, bound));
    const PyException *e = py_as(world.py->exception, &py_exception_type);
    EXPECT(e->help, "did you mean `keepdim`?");
    EXPECT(pending(), "TypeError: sum() got an unexpected keyword argument 'keepdims'");
    args.num_kw = 0;
    args.num_pos = 3;
    cr_expect(!py_bind(world.py, "sum", &args, names, bound));
    EXPECT(pending(), "TypeError: sum() takes from 1 to 2 positional arguments but 3 were given");
}
