/* Constructors: the tensor-core fragments against the formulas of the PTX manual, the hardware's
 * swizzle against its address formula, and every constructor on tiles of all sizes. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/layout.h"
#include "layout_random.h"

static void expect(const Layout *layout, const char *text) {
    cr_assert_str_eq(layout_random_text(layout), text);
}

static Layout fragment(int64_t rows, int64_t cols, unsigned across, unsigned kw, unsigned m) {
    LayoutFragment f = {.across = across, .along = 1 - across, .kw = kw, .rows = m};
    return layout_fragment(2, (const int64_t[]){rows, cols}, &f);
}

/* Row and column of register r of lane 4 g + t, from the manual's "Matrix fragments". */
typedef struct Place {
    unsigned row, col;
} Place;
typedef Place (*ManualFn)(unsigned g, unsigned t, unsigned r);

static Place mma_c(unsigned g, unsigned t, unsigned r) {
    return (Place){g + r / 2 * 8, t * 2 + r % 2};
}
static Place mma_a_16(unsigned g, unsigned t, unsigned r) {
    return (Place){g + r / 2 % 2 * 8, t * 2 + r % 2 + r / 4 * 8};
}
static Place mma_b_16(unsigned g, unsigned t, unsigned r) {
    return (Place){t * 2 + r % 2 + r / 2 * 8, g};
}
static Place mma_a_tf32(unsigned g, unsigned t, unsigned r) {
    return (Place){g + r % 2 * 8, t + r / 2 * 4};
}
static Place mma_b_tf32(unsigned g, unsigned t, unsigned r) {
    return (Place){t + r * 4, g};
}
static Place mma_a_8(unsigned g, unsigned t, unsigned r) {
    return (Place){g + r / 4 % 2 * 8, t * 4 + r % 4 + r / 8 * 16};
}
static Place mma_b_8(unsigned g, unsigned t, unsigned r) {
    return (Place){t * 4 + r % 4 + r / 4 * 16, g};
}
static Place mma_a_f64(unsigned g, unsigned t, unsigned r) {
    return (Place){g + r, t};
}
static Place mma_b_f64(unsigned g, unsigned t, unsigned r) {
    return (Place){t + r, g};
}
static Place mma_c_f64(unsigned g, unsigned t, unsigned r) {
    return (Place){g, t * 2 + r};
}

Test(layout_build, fragments_are_those_of_the_manual) {
    static const struct {
        unsigned rows, cols, across, kw, m;
        ManualFn manual;
        const char *text;
    } cases[] = {
        {16, 8, 0, 2, 16, mma_c, "<16x8; reg j0 i3; lane j1 j2 i0 i1 i2>"},
        {16, 16, 0, 2, 16, mma_a_16, "<16x16; reg j0 i3 j3; lane j1 j2 i0 i1 i2>"},
        {16, 8, 1, 2, 8, mma_b_16, "<16x8; reg i0 i3; lane i1 i2 j0 j1 j2>"},
        {16, 8, 0, 1, 16, mma_a_tf32, "<16x8; reg i3 j2; lane j0 j1 i0 i1 i2>"},
        {8, 8, 1, 1, 8, mma_b_tf32, "<8x8; reg i2; lane i0 i1 j0 j1 j2>"},
        {16, 32, 0, 4, 16, mma_a_8, "<16x32; reg j0 j1 i3 j4; lane j2 j3 i0 i1 i2>"},
        {32, 8, 1, 4, 8, mma_b_8, "<32x8; reg i0 i1 i4; lane i2 i3 j0 j1 j2>"},
        {8, 4, 0, 1, 8, mma_a_f64, "<8x4; lane j0 j1 i0 i1 i2>"},
        {4, 8, 1, 1, 8, mma_b_f64, "<4x8; lane i0 i1 j0 j1 j2>"},
        {8, 8, 0, 2, 8, mma_c_f64, "<8x8; reg j0; lane j1 j2 i0 i1 i2>"},
    };
    for (size_t i = 0; i < TK_COUNTOF(cases); i++) {
        Layout layout =
            fragment(cases[i].rows, cases[i].cols, cases[i].across, cases[i].kw, cases[i].m);
        expect(&layout, cases[i].text);
        cr_assert_null(layout_check(&layout));
        for (uint32_t l = 0; l < 32; l++) {
            for (uint32_t r = 0; r < layout_num_regs(&layout); r++) {
                Place place = cases[i].manual(l / 4, l % 4, r);
                cr_assert_eq(layout_element(&layout, r, l, 0, 0),
                             place.row * cases[i].cols + place.col);
            }
        }
    }
}

static Layout wgmma_acc(int64_t m, int64_t n, unsigned instruction_n, uint8_t wn, uint8_t wm) {
    uint8_t repeats = 0;
    while (8u << repeats < instruction_n)
        repeats++;
    const LayoutStep warps[] = {
        {LL_WARP, 0, 2}, {LL_REG, 1, repeats}, {LL_WARP, 1, wn}, {LL_WARP, 0, wm}};
    LayoutFragment f = {
        .across = 0, .along = 1, .kw = 2, .rows = 16, .warps = warps, .num_warps = 4};
    return layout_fragment(2, (const int64_t[]){m, n}, &f);
}

Test(layout_build, wgmma_accumulators) {
    Layout acc = wgmma_acc(64, 256, 256, 0, 0);
    for (uint32_t w = 0; w < 4; w++)
        for (uint32_t l = 0; l < 32; l++)
            for (uint32_t r = 0; r < 128; r++)
                cr_assert_eq(layout_element(&acc, r, l, w, 0),
                             (w * 16 + l / 4 + 8 * (r / 2 % 2)) * 256 + r / 4 * 8 + l % 4 * 2 +
                                 r % 2);
    acc = wgmma_acc(64, 64, 64, 0, 0);
    expect(&acc, "<64x64; reg j0 i3 j3 j4 j5; lane j1 j2 i0 i1 i2; warp i4 i5>");
    acc = wgmma_acc(128, 128, 64, 1, 1);
    expect(&acc, "<128x128; reg j0 i3 j3 j4 j5; lane j1 j2 i0 i1 i2; warp i4 i5 j6 i6>");
    const LayoutStep a_warps[] = {{LL_WARP, 0, 2}, {LL_WARP, LAYOUT_NO_AXIS, 0}};
    LayoutFragment f = {
        .across = 0, .along = 1, .kw = 2, .rows = 16, .warps = a_warps, .num_warps = 2};
    Layout a = layout_fragment(2, (const int64_t[]){64, 32}, &f);
    expect(&a, "<64x32; reg j0 i3 j3 j4; lane j1 j2 i0 i1 i2; warp i4 i5>");
    Layout narrow = wgmma_acc(64, 32, 32, 0, 0);
    cr_assert(layout_equal(&a, &narrow)); /* a 16-bit result is the next product's operand */
}

Test(layout_build, a_16_bit_accumulator_is_the_next_operand) {
    const LayoutStep c_warps[] = {{LL_WARP, 1, 0}, {LL_WARP, 0, 1}};
    const LayoutStep a_warps[] = {{LL_WARP, LAYOUT_NO_AXIS, 0}, {LL_WARP, 0, 1}};
    LayoutFragment c = {
        .across = 0, .along = 1, .kw = 2, .rows = 16, .warps = c_warps, .num_warps = 2};
    LayoutFragment a = c;
    a.warps = a_warps;
    Layout result = layout_fragment(2, (const int64_t[]){64, 32}, &c);
    Layout operand = layout_fragment(2, (const int64_t[]){64, 32}, &a);
    cr_assert(layout_equal(&result, &operand));
    a.kw = 4; /* not with 8 bits */
    operand = layout_fragment(2, (const int64_t[]){64, 32}, &a);
    cr_assert(!layout_equal(&result, &operand));
}

Test(layout_build, examples) {
    const unsigned last[] = {1, 0}, first[] = {0, 1};
    Layout layout = layout_blocked(2, (const int64_t[]){16, 64}, (const uint32_t[]){1, 4},
                                   (const uint32_t[]){2, 16}, (const uint32_t[]){4, 1}, last);
    expect(&layout, "<16x64; reg j0 j1 i3; lane j2 j3 j4 j5 i0; warp i1 i2>");
    layout = layout_coalesced(2, (const int64_t[]){64, 64}, last, 8, 4);
    expect(&layout, "<64x64; reg j0 j1 j2 i4 i5; lane j3 j4 j5 i0 i1; warp i2 i3>");
    layout = layout_coalesced(2, (const int64_t[]){64, 64}, NULL, 8, 4);
    expect(&layout, "<64x64; reg j0 j1 j2 i4 i5; lane j3 j4 j5 i0 i1; warp i2 i3>");
    layout = layout_coalesced(2, (const int64_t[]){64, 64}, first, 4, 4);
    expect(&layout, "<64x64; reg j3 j4 j5 i0 i1; lane i2 i3 i4 i5 j0; warp j1 j2>");
    layout = layout_coalesced(1, (const int64_t[]){16}, NULL, 4, 4);
    expect(&layout, "<16; reg i0 i1; lane i2 i3 . . .; warp . .>");
    layout = layout_coalesced(1, (const int64_t[]){1000}, NULL, 4, 4);
    expect(&layout, "<1024; reg i0 i1 i9; lane i2 i3 i4 i5 i6; warp i7 i8>");
    layout = layout_coalesced(0, NULL, NULL, 1, 4);
    expect(&layout, "<; lane . . . . .; warp . .>");
    layout = layout_plain(2, (const int64_t[]){4, 3}, NULL);
    expect(&layout, "<4x4; off j0 j1 i0 i1>");
    layout = layout_plain(2, (const int64_t[]){4, 4}, first);
    expect(&layout, "<4x4; off i0 i1 j0 j1>");
    layout = layout_swizzled((const int64_t[]){16, 64}, 2, 128, 1);
    expect(&layout, "<16x64; off j0 j1 j2 j3 j4 j5 j3+i0 j4+i1 j5+i2 i3>");
    layout = layout_swizzled((const int64_t[]){16, 64}, 2, 64, 1);
    expect(&layout, "<16x64; off j0 j1 j2 j3 j4 i0 j3+i1 j4+i2 i3 j5>");
    layout = layout_swizzled((const int64_t[]){16, 64}, 2, 32, 1);
    expect(&layout, "<16x64; off j0 j1 j2 j3 i0 i1 j3+i2 i3 j4 j5>");
    layout = layout_core_matrices((const int64_t[]){16, 32}, 2, 1);
    expect(&layout, "<16x32; off j0 j1 j2 i0 i1 i2 j3 j4 i3>");
}

Test(layout_build, swizzled_tiles_lie_where_the_hardware_looks) {
    for (unsigned eb = 1; eb <= 4; eb *= 2) {
        for (unsigned sw = 32; sw <= 128; sw *= 2) {
            for (unsigned rows = 1; rows <= 64; rows *= 2) {
                for (unsigned contig = 0; contig < 2; contig++) {
                    int64_t extents[2] = {rows, rows};
                    extents[contig] = 256;
                    Layout tile = layout_swizzled(extents, eb, sw, contig);
                    cr_assert_null(layout_check(&tile));
                    for (uint32_t o = 0; o < rows * 256; o += 3) {
                        uint32_t word = layout_apply(&tile, o), t = sw / eb;
                        uint32_t c = layout_coord(&tile, word, contig);
                        uint32_t s = layout_coord(&tile, word, 1 - contig);
                        uint32_t at = (c / t * rows + s) * sw + c % t * eb;
                        cr_assert_eq(at ^ (at >> 7 & (sw / 16 - 1)) << 4, o * eb);
                    }
                }
            }
        }
    }
}

/* The invariants of every distributed layout, and that its sizes are those of the machine. */
static void check_distributed(const Layout *layout, unsigned warp_bits) {
    cr_assert_null(layout_check(layout), "%s: %s", layout_random_text(layout),
                   layout_check(layout));
    cr_assert_eq(layout->nin[LL_WARP], warp_bits);
    Layout canonical = layout_canonical(layout);
    cr_assert_eq(canonical.nin[LL_REG], layout->nin[LL_REG]);
}

Test(layout_build, no_tile_is_too_small_or_too_large) {
    const unsigned first[] = {0, 1};
    for (int64_t m = 1; m <= 128; m += m < 16 ? 1 : 7) {
        for (int64_t n = 1; n <= 128; n += n < 16 ? 1 : 7) {
            for (unsigned warp_bits = 0; warp_bits <= 5; warp_bits++) {
                const int64_t extents[] = {m, n};
                uint32_t warps = 1u << warp_bits;
                for (uint32_t vec = 1; vec <= 16; vec *= 2) {
                    Layout layout =
                        layout_coalesced(2, extents, vec & 5 ? first : NULL, vec, warps);
                    check_distributed(&layout, warp_bits);
                }
                Layout layout =
                    layout_blocked(2, extents, (const uint32_t[]){2, 4}, (const uint32_t[]){4, 8},
                                   (const uint32_t[]){1, warps}, first);
                check_distributed(&layout, warp_bits);
                uint8_t half = (uint8_t)(warp_bits / 2), rest = (uint8_t)(warp_bits - half);
                const LayoutStep steps[] = {{LL_WARP, 1, half}, {LL_WARP, 0, rest}};
                LayoutFragment f = {
                    .across = 0, .along = 1, .kw = 2, .rows = 16, .warps = steps, .num_warps = 2};
                layout = layout_fragment(2, extents, &f);
                check_distributed(&layout, warp_bits);
            }
        }
    }
    Layout large = layout_coalesced(2, (const int64_t[]){1024, 1024}, NULL, 4, 4);
    check_distributed(&large, 2);
}

Test(layout_build, a_batch_of_fragments) {
    LayoutFragment f = {.across = 1, .along = 2, .kw = 2, .rows = 16};
    Layout layout = layout_fragment(3, (const int64_t[]){4, 16, 8}, &f);
    expect(&layout, "<4x16x8; reg k0 j3 i0 i1; lane k1 k2 j0 j1 j2>");
}
