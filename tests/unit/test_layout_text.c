/* Layouts as text: what prints reads back, and what is no layout is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/layout.h"
#include "layout_random.h"

static Layout parse(const char *text) {
    Layout layout;
    const char *error;
    cr_assert(layout_parse(text, strlen(text), &layout, &error), "%s: %s", text, error);
    return layout;
}

Test(layout_text, what_prints_reads_back) {
    LayoutRandom random = {1};
    for (unsigned n = 0; n < 500; n++) {
        uint8_t axes[LAYOUT_MAX_RANK] = {0};
        unsigned rank = 1 + layout_random_below(&random, LAYOUT_MAX_RANK);
        layout_random_axes(&random, layout_random_below(&random, 13), rank, axes);
        Layout layout = n % 2 ? layout_random_shared(&random, rank, axes)
                              : layout_random(&random, rank, axes, n % 6, false);
        if (n % 2 && layout.ncol == 0)
            continue; /* the empty layout of a scalar has no in-dims to tell its kind */
        Layout back = parse(layout_random_text(&layout));
        cr_assert_arr_eq(&layout, &back, sizeof back);
        cr_assert_str_eq(layout_random_text(&layout), layout_random_text(&back));
    }
}

Test(layout_text, examples) {
    Layout mma = parse("<16x8; reg j0 i3; lane j1 j2 i0 i1 i2>");
    cr_assert_eq(layout_element(&mma, 3, 6, 0, 0), 9 * 8 + 5);
    Layout shared = parse("<64x64; off j0 j1 j2 j3 j4 j5 j3+i0 j4+i1 j5+i2 i3 i4 i5>");
    cr_assert_eq(shared.kind, LAYOUT_SHARED);
    cr_assert_eq(layout_apply(&shared, 64), 64 + 8); /* row 1 begins with its second 16 bytes */
    Layout scalar = parse("<; lane . . . . .; warp . .>");
    cr_assert_eq(scalar.rank, 0);
    cr_assert_str_eq(layout_random_text(&scalar), "<; lane . . . . .; warp . .>");
    Layout spaces = parse("< 16x8;  reg j0  i3 ;lane j1 j2 i0 i1 i2 >");
    cr_assert_arr_eq(&mma, &spaces, sizeof mma);
}

Test(layout_text, mistakes_are_named) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "a layout begins with `<`"},
        {"16x8>", "a layout begins with `<`"},
        {"<16x8", "expected `;` or `>`"},
        {"<16xy; off i0>", "expected an extent"},
        {"<12; off i0>", "an extent is a power of two up to 2^20"},
        {"<0; off>", "an extent is a power of two up to 2^20"},
        {"<4294967298; off i0>", "an extent is a power of two up to 2^20"},
        {"<1x1x1x1x1x1x1>", "a layout has at most 6 axes"},
        {"<2048x2048; off i0>", "a layout has at most 2^20 elements"},
        {"<2; row i0>", "expected `reg`, `lane`, `warp`, `block` or `off`, in this order"},
        {"<2; lane . . . . .; reg i0>",
         "expected `reg`, `lane`, `warp`, `block` or `off`, in this order"},
        {"<2; off 0>", "expected a bit such as `i0`, or `.`"},
        {"<2; off i>", "expected the number of a bit"},
        {"<2; off i1>", "the tile has no such bit"},
        {"<2; off j0>", "the tile has no such bit"},
        {"<4; off i0+i0 i1>", "a bit occurs twice in a column"},
        {"<2; off i0> ", "there is text after the layout"},
        {"<2; off i0 i0>", "a shared layout has one place for each element"},
        {"<4; off i0 .>", "a shared layout has one place for each element"},
        {"<4; off i0>", "a shared layout has one place for each element"},
        {"<2; lane i0 . . .>", "a distributed layout has five lane columns"},
        {"<4; reg i0; lane . . . . .>", "some element of the tile is held by no thread"},
        {"<2; reg i0 .; lane . . . . .>", "two registers of a thread hold the same element"},
        {"<4; reg i0; lane i1 i1 . . .>", "a column is a sum, or occurs twice"},
        {"<4; reg i0; lane i0+i1 . . . .>", "a column is a sum, or occurs twice"},
        {"<2; reg i0; lane . . . . .; off .>", "a distributed layout has no offsets"},
        {"<1; lane . . . . .; warp . . . . . .>",
         "the layout has more threads or registers than there are"},
    };
    for (size_t i = 0; i < TK_COUNTOF(cases); i++) {
        Layout layout;
        const char *error = NULL;
        cr_assert(!layout_parse(cases[i].text, strlen(cases[i].text), &layout, &error), "%s",
                  cases[i].text);
        cr_assert_str_eq(error, cases[i].error, "%s: %s", cases[i].text, error);
    }
}

Test(layout_text, bad_bytes_are_found) {
    Layout good = parse("<16x8; reg j0 i3; lane j1 j2 i0 i1 i2>"), bad = good;
    cr_assert_null(layout_check(&good));
    bad.pad[1] = 1;
    cr_assert_not_null(layout_check(&bad));
    bad = good;
    bad.col[LAYOUT_MAX_COLUMNS - 1] = 1;
    cr_assert_not_null(layout_check(&bad));
    bad = good;
    bad.col[0] = 1 << 7;
    cr_assert_not_null(layout_check(&bad));
    bad = good;
    bad.ncol--;
    cr_assert_not_null(layout_check(&bad));
    bad = good;
    bad.nout[2] = 1;
    cr_assert_not_null(layout_check(&bad));
    bad = good;
    bad.rank = 7;
    cr_assert_not_null(layout_check(&bad));
    bad = good;
    bad.kind = 3;
    cr_assert_not_null(layout_check(&bad));
}
