/* The algebra of layouts on random ones: spans, inverses, composition, division, owners. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/layout.h"
#include "layout_random.h"

static LayoutVectors random_vectors(LayoutRandom *random, unsigned count, unsigned bits) {
    LayoutVectors list = {0};
    for (unsigned i = 0; i < count; i++)
        layout_vectors_add(&list, layout_random_below(random, (uint32_t)1 << bits));
    return list;
}

static LayoutVectors units(unsigned bits) {
    LayoutVectors list = {0};
    for (unsigned b = 0; b < bits; b++)
        layout_vectors_add(&list, (uint32_t)1 << b);
    return list;
}

/* Whether `span` contains `vector`, by trying every sum. */
static bool brute_has(const LayoutVectors *list, unsigned count, uint32_t vector) {
    for (uint64_t set = 0; set < (uint64_t)1 << count; set++)
        if (layout_mul(list->at, set) == vector)
            return true;
    return false;
}

Test(layout_span, solve_finds_what_is_there_and_prefers_earlier_vectors) {
    LayoutRandom random = {1};
    for (unsigned n = 0; n < 500; n++) {
        LayoutVectors list = random_vectors(&random, layout_random_below(&random, 9), 7);
        LayoutSpan span;
        layout_span_init(&span);
        layout_span_insert_all(&span, list.at, list.count);
        cr_assert_eq(span.rank + span.nullity, span.count);
        for (uint32_t v = 0; v < 128; v++) {
            uint64_t combo;
            bool found = layout_span_solve(&span, v, &combo);
            cr_assert_eq(found, brute_has(&list, list.count, v));
            if (!found)
                continue;
            cr_assert_eq(layout_mul(list.at, combo), v);
            unsigned needed = 0; /* the shortest head of the list that has it */
            while (!brute_has(&list, needed, v))
                needed++;
            cr_assert_eq(combo >> needed, 0);
        }
        uint64_t tops = 0;
        for (unsigned i = 0; i < span.nullity; i++) {
            uint64_t top = span.kernel[i], below;
            while ((below = top & (top - 1)) != 0)
                top = below;
            cr_assert_eq(layout_mul(list.at, span.kernel[i]), 0);
            cr_assert_eq(tops & top, 0);
            tops |= top;
        }
    }
}

Test(layout_span, intersect_is_what_both_contain) {
    LayoutRandom random = {2};
    for (unsigned n = 0; n < 300; n++) {
        LayoutVectors a = random_vectors(&random, layout_random_below(&random, 6), 6);
        LayoutVectors b = random_vectors(&random, layout_random_below(&random, 6), 6);
        LayoutVectors both = layout_intersect(&a, &b);
        cr_assert_eq(layout_rank(both.at, both.count), both.count);
        for (uint32_t v = 0; v < 64; v++)
            cr_assert_eq(brute_has(&both, both.count, v),
                         brute_has(&a, a.count, v) && brute_has(&b, b.count, v));
    }
}

Test(layout_span, avoid_meets_neither_span_and_fails_exactly_beyond_its_bound) {
    LayoutRandom random = {3};
    for (unsigned n = 0; n < 600; n++) {
        unsigned bits = 1 + layout_random_below(&random, 7);
        LayoutVectors within = units(bits), chosen;
        LayoutVectors u = random_vectors(&random, layout_random_below(&random, bits + 1), bits);
        LayoutVectors v = random_vectors(&random, layout_random_below(&random, bits + 1), bits);
        unsigned count = layout_random_below(&random, bits + 2);
        unsigned rank_u = layout_rank(u.at, u.count), rank_v = layout_rank(v.at, v.count);
        bool possible = count + (rank_u > rank_v ? rank_u : rank_v) <= bits;
        cr_assert_eq(layout_avoid(&u, &v, &within, count, &chosen), possible);
        if (!possible)
            continue;
        cr_assert_eq(chosen.count, count);
        cr_assert_eq(layout_rank(chosen.at, count), count);
        for (uint64_t set = 1; set < (uint64_t)1 << count; set++) {
            uint32_t sum = layout_mul(chosen.at, set);
            cr_assert(!brute_has(&u, u.count, sum) && !brute_has(&v, v.count, sum));
        }
    }
}

Test(layout_span, left_quotient_undoes_a_map_or_says_that_it_cannot) {
    LayoutRandom random = {4};
    unsigned exist = 0;
    for (unsigned n = 0; n < 600; n++) {
        LayoutVectors m = random_vectors(&random, 5, 3 + n % 3), h = random_vectors(&random, 5, 4);
        uint32_t image[5], g[5] = {0};
        for (unsigned i = 0; i < 5; i++)
            image[i] = n % 2 ? layout_mul(h.at, m.at[i]) : h.at[i];
        bool wanted = true;
        for (uint32_t x = 0; x < 32; x++)
            wanted = wanted && (layout_mul(m.at, x) != 0 || layout_mul(image, x) == 0);
        cr_assert_eq(layout_left_quotient(image, m.at, 5, 5, g), wanted);
        for (uint32_t x = 0; wanted && x < 32; x++)
            cr_assert_eq(layout_mul(g, layout_mul(m.at, x)), layout_mul(image, x));
        exist += wanted;
    }
    cr_assert(exist > 300 && exist < 600);
}

static Layout random_one(LayoutRandom *random, unsigned max_bits, bool mixed) {
    uint8_t axes[3];
    layout_random_axes(random, layout_random_below(random, max_bits + 1), 3, axes);
    return layout_random(random, 3, axes, layout_random_below(random, 6), mixed);
}

Test(layout, inverses_are_identities) {
    LayoutRandom random = {5};
    for (unsigned n = 0; n < 400; n++) {
        uint8_t axes[2];
        layout_random_axes(&random, layout_random_below(&random, 13), 2, axes);
        Layout shared = layout_random_shared(&random, 2, axes), inverse;
        cr_assert_null(layout_check(&shared));
        cr_assert(layout_invert(&shared, &inverse));
        cr_assert_null(layout_check(&inverse));
        for (unsigned b = 0; b < shared.ncol; b++) {
            cr_assert_eq(layout_apply(&inverse, layout_apply(&shared, (uint64_t)1 << b)), 1u << b);
            cr_assert_eq(layout_apply(&shared, layout_apply(&inverse, (uint64_t)1 << b)), 1u << b);
        }
        Layout tile = random_one(&random, 12, n % 2);
        cr_assert(layout_pseudo_invert(&tile, &inverse));
        for (unsigned b = 0; b < inverse.ncol; b++) {
            uint32_t word = inverse.col[b];
            cr_assert_eq(layout_apply(&tile, word), 1u << b);
            cr_assert_eq(layout_element(&tile, layout_coord(&inverse, word, 3),
                                        layout_coord(&inverse, word, 2),
                                        layout_coord(&inverse, word, 1),
                                        layout_coord(&inverse, word, 0)),
                         1u << b);
        }
        cr_assert_eq(layout_invert(&tile, &inverse), tile.ncol == layout_bits(&tile));
    }
}

Test(layout, composition_is_one_map_after_the_other_and_associative) {
    LayoutRandom random = {6};
    for (unsigned n = 0; n < 300; n++) {
        Layout tile = random_one(&random, 10, true);
        Layout a = layout_random_shared(&random, 3, tile.nout), b;
        b = layout_random_shared(&random, 3, tile.nout);
        Layout ab = layout_compose(&a, &b), left = layout_compose(&tile, &ab);
        Layout ta = layout_compose(&tile, &a), right = layout_compose(&ta, &b);
        cr_assert_arr_eq(&left, &right, sizeof left);
        cr_assert_eq(left.kind, LAYOUT_DISTRIBUTED);
        uint32_t word = layout_random_below(&random, (uint32_t)1 << tile.ncol);
        cr_assert_eq(layout_apply(&left, word),
                     layout_apply(&b, layout_apply(&a, layout_apply(&tile, word))));
    }
}

Test(layout, division_undoes_the_product) {
    LayoutRandom random = {7};
    for (unsigned n = 0; n < 400; n++) {
        Layout low = random_one(&random, 8, n % 2), high = random_one(&random, 8, n % 2), q;
        Layout product = layout_product(&low, &high);
        uint32_t x[4], y[4];
        for (unsigned k = 0; k < 4; k++) {
            x[k] = layout_random_below(&random, 1u << low.nin[k]);
            y[k] = layout_random_below(&random, 1u << high.nin[k]);
        }
        uint32_t word = layout_element(&product, x[0] | y[0] << low.nin[0],
                                       x[1] | y[1] << low.nin[1], x[2] | y[2] << low.nin[2], 0);
        for (unsigned a = 0; a < 3; a++)
            cr_assert_eq(layout_coord(&product, word, a),
                         layout_coord(&low, layout_element(&low, x[0], x[1], x[2], 0), a) |
                             layout_coord(&high, layout_element(&high, y[0], y[1], y[2], 0), a)
                                 << low.nout[a]);
        layout_random_shuffle(&random, product.col,
                              product.nin[LL_REG]); /* registers have no order */
        cr_assert(layout_left_divide(&product, &low, &q));
        cr_assert(layout_equal(&q, &high));
        for (unsigned a = 0; a < 3; a++) { /* a column above the tile touches the tile */
            Layout touched = product;
            unsigned lane = layout_begin(&product, LL_LANE) + 5 + layout_random_below(&random, 5);
            if (low.nout[a] == 0)
                continue;
            touched.col[lane] ^= layout_axis_bit(&product, a, low.nout[a] - 1u);
            cr_assert(!layout_left_divide(&touched, &low, &q));
        }
    }
}

Test(layout, conversion_maps_reach_the_element_and_stay_where_they_can) {
    LayoutRandom random = {8};
    for (unsigned n = 0; n < 400; n++) {
        Layout src = random_one(&random, 10, n % 3 == 0);
        Layout dst = n % 2 ? layout_random_same_warps(&random, &src)
                           : layout_random(&random, 3, src.nout, src.nin[LL_WARP], n % 3 == 0);
        Layout map = layout_convert_map(&src, &dst), back = layout_compose(&map, &src);
        cr_assert_arr_eq(back.col, dst.col, sizeof back.col);
        cr_assert_arr_eq(back.nin, dst.nin, sizeof back.nin);
        for (unsigned k = 0; k < LL_OFF; k++) {
            const uint32_t *from = layout_columns(&map, (LayoutDim)k);
            for (unsigned i = 0; i < dst.nin[k] && i < src.nin[k]; i++)
                if (layout_columns(&src, (LayoutDim)k)[i] == layout_columns(&dst, (LayoutDim)k)[i])
                    cr_assert_eq(from[i], 1u << (layout_begin(&src, (LayoutDim)k) + i));
        }
    }
}

Test(layout, owners_cover_every_element_once) {
    LayoutRandom random = {9};
    for (unsigned n = 0; n < 200; n++) {
        Layout tile = random_one(&random, 10, n % 2);
        uint32_t masks[LL_NIN];
        layout_free(&tile, masks);
        cr_assert_eq(masks[LL_REG], 0);
        static uint8_t owners[1024];
        memset(owners, 0, sizeof owners);
        for (uint32_t w = 0; w < 1u << tile.nin[LL_WARP]; w++)
            for (uint32_t l = 0; l < 32; l++)
                for (uint32_t r = 0; r < layout_num_regs(&tile); r++)
                    if ((w & masks[LL_WARP]) == 0 && (l & masks[LL_LANE]) == 0)
                        owners[layout_element(&tile, r, l, w, 0)]++;
        for (unsigned e = 0; e < 1u << layout_bits(&tile); e++)
            cr_assert_eq(owners[e], 1);
        uint64_t kernel[LAYOUT_MAX_COLUMNS];
        unsigned nullity = layout_kernel(&tile, kernel);
        cr_assert_eq(nullity, tile.ncol - layout_bits(&tile));
        for (unsigned i = 0; i < nullity; i++)
            cr_assert_eq(layout_apply(&tile, kernel[i]), 0);
    }
}

Test(layout, equality_ignores_the_order_of_registers_and_nothing_else) {
    LayoutRandom random = {10};
    for (unsigned n = 0; n < 400; n++) {
        Layout a = random_one(&random, 10, n % 2), b = a;
        layout_random_shuffle(&random, b.col, b.nin[LL_REG]);
        if (b.nin[LL_REG] > 1 && n % 4 == 1) /* another basis of the same registers */
            b.col[0] ^= b.col[1];
        cr_assert(layout_equal(&a, &b));
        cr_assert_eq(layout_hash(&a), layout_hash(&b));
        Layout canonical = layout_canonical(&b), twice = layout_canonical(&canonical);
        cr_assert_arr_eq(&canonical, &twice, sizeof twice);
        b.col[b.nin[LL_REG] + layout_random_below(&random, 5)] ^= 1; /* a lane column */
        cr_assert(layout_bits(&a) == 0 || !layout_equal(&a, &b));
        uint8_t other[] = {a.nout[1], a.nout[0], a.nout[2]};
        Layout reshaped = layout_reshape(&a, 3, other);
        cr_assert_eq(layout_equal(&a, &reshaped), a.nout[0] == a.nout[1]);
    }
}

Test(layout, registers_are_found_by_their_element) {
    LayoutRandom random = {11};
    for (unsigned n = 0; n < 200; n++) {
        Layout tile = random_one(&random, 9, n % 2);
        unsigned found = 0;
        for (uint32_t e = 0; e < 1u << layout_bits(&tile); e++) {
            uint32_t reg;
            if (!layout_find_reg(&tile, e, &reg))
                continue;
            cr_assert_eq(layout_element(&tile, reg, 0, 0, 0), e);
            found++;
        }
        cr_assert_eq(found, layout_num_regs(&tile));
    }
}
