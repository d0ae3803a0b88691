/* Operations that rewrite columns, against what they mean for coordinates: every register of every
 * thread still holds the same value. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/layout.h"
#include "layout_random.h"

static Layout random_tile(LayoutRandom *random, unsigned n) {
    uint8_t axes[3];
    layout_random_axes(random, layout_random_below(random, 11), 3, axes);
    return layout_random(random, 3, axes, n % 4, n % 2);
}

/* Asserts that the layout is canonical and that its registers are independent. */
static void check_result(const Layout *layout) {
    Layout canonical = layout_canonical(layout);
    cr_assert_arr_eq(layout, &canonical, sizeof canonical);
    cr_assert_eq(layout_image_bits(layout), layout_bits(layout));
    if (layout_is_onehot(layout))
        cr_assert_null(layout_check(layout));
}

/* How a relabeling renames an element word; it reads the shapes of both layouts. */
typedef uint32_t (*RenameFn)(const Layout *src, const Layout *dst, uint32_t word, unsigned param);

/* Every thread's set of elements is the renamed set of what it held before. */
static void check_renamed(const Layout *src, const Layout *dst, RenameFn rename, unsigned param) {
    static uint8_t held[1 << 12];
    check_result(dst);
    for (uint32_t w = 0; w < 1u << src->nin[LL_WARP]; w++) {
        for (uint32_t l = 0; l < 32; l++) {
            memset(held, 0, sizeof held);
            for (uint32_t r = 0; r < layout_num_regs(src); r++)
                held[rename(src, dst, layout_element(src, r, l, w, 0), param)] = 1;
            for (uint32_t r = 0; r < layout_num_regs(dst); r++) {
                uint32_t word = layout_element(dst, r, l, w, 0);
                cr_assert(held[word] == 1);
                held[word] = 2;
            }
            for (uint32_t e = 0; e < sizeof held; e++)
                cr_assert_neq(held[e], 1);
        }
    }
}

static const unsigned perms[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static uint32_t rename_permute(const Layout *src, const Layout *dst, uint32_t word,
                               unsigned param) {
    uint32_t coords[3];
    for (unsigned a = 0; a < 3; a++)
        coords[a] = layout_coord(src, word, perms[param][a]);
    return layout_word(dst, coords);
}

static uint32_t rename_none(const Layout *src, const Layout *dst, uint32_t word, unsigned param) {
    (void)src, (void)dst, (void)param;
    return word;
}

static uint32_t rename_drop(const Layout *src, const Layout *dst, uint32_t word, unsigned axis) {
    uint32_t coords[3];
    for (unsigned a = 0; a < dst->rank; a++)
        coords[a] = layout_coord(src, word, dst->rank == 3 || a < axis ? a : a + 1);
    if (dst->rank == 3)
        coords[axis] = 0;
    return layout_word(dst, coords);
}

Test(layout_relabel, permute_reshape_drop) {
    LayoutRandom random = {1};
    for (unsigned n = 0; n < 240; n++) {
        Layout src = random_tile(&random, n);
        Layout dst = layout_permute(&src, perms[n % 6]);
        check_renamed(&src, &dst, rename_permute, n % 6);
        uint8_t bits = (uint8_t)layout_bits(&src);
        dst = layout_reshape(&src, 1, &bits);
        check_renamed(&src, &dst, rename_none, 0);
        dst = layout_reshape(&dst, 3, src.nout);
        cr_assert(layout_equal(&dst, &src));
        dst = layout_drop(&src, n % 3);
        cr_assert_eq(dst.rank, 2);
        check_renamed(&src, &dst, rename_drop, n % 3);
        Layout kept = layout_drop_keep(&src, n % 3);
        check_renamed(&src, &kept, rename_drop, n % 3);
        dst = layout_expand_dims(&dst, n % 3);
        cr_assert(layout_equal(&dst, &kept));
    }
}

Test(layout_relabel, permuting_a_shared_layout) {
    LayoutRandom random = {2};
    for (unsigned n = 0; n < 100; n++) {
        uint8_t axes[3];
        layout_random_axes(&random, 9, 3, axes);
        Layout src = layout_random_shared(&random, 3, axes),
               dst = layout_permute(&src, perms[n % 6]);
        cr_assert_null(layout_check(&dst));
        for (uint32_t o = 0; o < 512; o++)
            cr_assert_eq(layout_apply(&dst, o),
                         rename_permute(&src, &dst, layout_apply(&src, o), n % 6));
    }
}

Test(layout_relabel, broadcast_undoes_drop_and_follows_the_consumer) {
    LayoutRandom random = {3};
    for (unsigned n = 0; n < 400; n++) {
        Layout whole = random_tile(&random, n), src = layout_drop_keep(&whole, n % 3);
        unsigned bits = whole.nout[n % 3];
        Layout dst = layout_broadcast(&src, n % 3, bits, n % 2 ? &whole : NULL);
        check_result(&dst);
        cr_assert_arr_eq(dst.nout, whole.nout, sizeof dst.nout);
        Layout back = layout_drop_keep(&dst, n % 3);
        cr_assert(layout_equal(&back, &src));
        Layout from_whole = layout_broadcast(&src, n % 3, bits, &whole);
        if (layout_is_onehot(
                &whole)) /* the consumer's own slice broadcasts to the consumer's layout */
            cr_assert(layout_equal(&from_whole, &whole));
    }
}

Test(layout_relabel, broadcast_examples) {
    Layout src, dst;
    const char *error, *text = "<16x1; reg i3; lane . . i0 i1 i2; warp . .>";
    cr_assert(layout_parse(text, strlen(text), &src, &error), "%s", error);
    dst = layout_broadcast(&src, 1, 3, NULL);
    cr_assert_str_eq(layout_random_text(&dst), "<16x8; reg i3; lane j0 j1 i0 i1 i2; warp j2 .>");
    const char *want = "<16x8; reg j0 i3; lane j1 j2 i0 i1 i2; warp . .>";
    Layout consumer;
    cr_assert(layout_parse(want, strlen(want), &consumer, &error), "%s", error);
    dst = layout_broadcast(&src, 1, 3, &consumer);
    cr_assert_str_eq(layout_random_text(&dst), want);
    want =
        "<16x8; reg i3; lane j0 i0 i1 i2 .; warp j1 j2>"; /* wants i0 where there is a duplicate */
    cr_assert(layout_parse(want, strlen(want), &consumer, &error), "%s", error);
    dst = layout_broadcast(&src, 1, 3, &consumer);
    cr_assert_str_eq(layout_random_text(&dst), "<16x8; reg i3; lane j0 . i0 i1 i2; warp j1 j2>");
}

Test(layout_relabel, drop_example) {
    const char *text = "<64x64; reg j0 i3 j3 j4 j5; lane j1 j2 i0 i1 i2; warp i4 i5>", *error;
    Layout src;
    cr_assert(layout_parse(text, strlen(text), &src, &error));
    Layout dst = layout_drop(&src, 1);
    cr_assert_str_eq(layout_random_text(&dst), "<64; reg i3; lane . . i0 i1 i2; warp i4 i5>");
    dst = layout_drop(&dst, 0);
    cr_assert_str_eq(layout_random_text(&dst), "<; lane . . . . .; warp . .>");
}

static uint32_t rename_join(const Layout *src, const Layout *dst, uint32_t word, unsigned which) {
    (void)src, (void)dst;
    return word << 1 | which;
}

static uint32_t rename_cat(const Layout *src, const Layout *dst, uint32_t word, unsigned param) {
    uint32_t coords[3];
    for (unsigned a = 0; a < 3; a++)
        coords[a] = layout_coord(src, word, a);
    coords[param / 2] |= param % 2 << src->nout[param / 2];
    return layout_word(dst, coords);
}

/* `dst` holds, in every thread, the elements that two operands of layout `src` are renamed to. */
static void check_pair(const Layout *src, const Layout *dst, RenameFn rename, unsigned param0) {
    check_result(dst);
    cr_assert_eq(dst->nin[LL_REG], src->nin[LL_REG] + 1);
    for (uint32_t w = 0; w < 1u << src->nin[LL_WARP]; w++) {
        for (uint32_t l = 0; l < 32; l++) {
            for (uint32_t r = 0; r < layout_num_regs(src) * 2; r++) {
                uint32_t word =
                    rename(src, dst, layout_element(src, r >> 1, l, w, 0), param0 | (r & 1));
                uint32_t mine = layout_element(dst, 0, l, w, 0), reg;
                cr_assert(layout_find_reg(dst, word ^ mine, &reg));
            }
        }
    }
}

Test(layout_relabel, join_split_cat) {
    LayoutRandom random = {4};
    for (unsigned n = 0; n < 200; n++) {
        Layout src = random_tile(&random, n), out;
        Layout joined = layout_join(&src);
        check_pair(&src, &joined, rename_join, 0);
        cr_assert(layout_split(&joined, &out));
        cr_assert(layout_equal(&out, &src));
        Layout cat = layout_cat(&src, n % 3);
        check_pair(&src, &cat, rename_cat, n % 3 * 2);
        Layout stripped = layout_strip(&cat);
        cr_assert(layout_equal(&stripped, &cat));
    }
}

Test(layout_relabel, split_wants_the_axis_in_one_register) {
    static const char *const bad[] = {
        "<4; reg i0 i1; lane . . . . .>",            /* an axis of 4 */
        "<4x2; reg i0 i1; lane j0 . . . .>",         /* a lane holds it */
        "<4x2; reg i0 i1; lane . . . . .; warp j0>", /* a warp holds it */
        "<; lane . . . . .>",
    };
    for (size_t i = 0; i < TK_COUNTOF(bad); i++) {
        Layout src, out;
        const char *error;
        cr_assert(layout_parse(bad[i], strlen(bad[i]), &src, &error), "%s", error);
        cr_assert(!layout_split(&src, &out), "%s", bad[i]);
    }
    const char *text = "<4x2; reg j0 i1; lane i0 . . . .>", *error;
    Layout src, out;
    cr_assert(layout_parse(text, strlen(text), &src, &error));
    cr_assert(layout_split(&src, &out));
    src.col[2] ^= 1; /* lane 0 now holds i0 + j0 */
    cr_assert(!layout_split(&src, &out));
}

/* Of every product a[m, k] * b[k, n] each thread has both factors: in its registers k and k of the
 * operands, for each element (m, n) that it holds of the result. */
Test(layout_relabel, operands_of_products) {
    LayoutRandom random = {12};
    for (unsigned n = 0; n < 100; n++) {
        Layout result = random_tile(&random, n * 2); /* a batch, rows, columns */
        unsigned k_bits = n % 5;
        for (unsigned second = 0; second < 2; second++) {
            Layout operand = layout_dot_operand(&result, second == 1, k_bits);
            unsigned own = second ? 2 : 1, k_axis = 3 - own, at[LAYOUT_MAX_COLUMNS], bits = k_bits;
            Layout canonical = layout_canonical(&operand);
            check_result(&canonical);
            cr_assert_eq(operand.nout[own], result.nout[own]);
            cr_assert_eq(operand.nout[k_axis], k_bits);
            for (unsigned i = 0; i < result.nin[LL_REG]; i++) {
                uint32_t column = result.col[i] & ~layout_axis_mask(&result, k_axis);
                at[i] = column != 0 ? 1u << bits++ : 0;
            }
            cr_assert_eq(operand.nin[LL_REG], bits);
            for (uint32_t r = 0; r < layout_num_regs(&result); r++) {
                uint32_t reg = 0, lane = layout_random_below(&random, 32);
                uint32_t warp = layout_random_below(&random, 1u << result.nin[LL_WARP]);
                uint32_t k = layout_random_below(&random, 1u << k_bits);
                for (unsigned i = 0; r >> i != 0; i++)
                    reg ^= r >> i & 1 ? at[i] : 0;
                uint32_t of = layout_element(&result, r, lane, warp, 0);
                uint32_t word = layout_element(&operand, reg | k, lane, warp, 0);
                cr_assert_eq(layout_coord(&operand, word, 0), layout_coord(&result, of, 0));
                cr_assert_eq(layout_coord(&operand, word, own), layout_coord(&result, of, own));
                cr_assert_eq(layout_coord(&operand, word, k_axis), k);
            }
        }
    }
}
