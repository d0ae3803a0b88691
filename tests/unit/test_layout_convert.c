/* The conversion planner on random layouts: its plans are carried out by simulators that do what
 * the generated code would do, and every thread must end with the elements that the result's layout
 * names.
 *
 * Seen to fail when the planner is broken: without H, F, W or virtual registers; with A or M taken
 * as if G or Clr were 0; with `avoid` for one side only; with a matrix row that something else
 * touches.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/layout_convert.h"
#include "layout_random.h"

enum { MAX_REGS = 1 << 13, MAX_ELEMENTS = 1 << 13 };

static Layout parse(const char *text) {
    Layout layout;
    const char *error;
    cr_assert(layout_parse(text, strlen(text), &layout, &error), "%s: %s", text, error);
    return layout;
}

/* A random pair of layouts of up to 2^9 elements. */
static void random_pair(LayoutRandom *random, unsigned n, Layout *src, Layout *dst) {
    uint8_t axes[2];
    bool mixed = n % 3 == 0;
    unsigned warp_bits = layout_random_below(random, 4);
    layout_random_axes(random, layout_random_below(random, 10), 2, axes);
    *src = layout_random(random, 2, axes, warp_bits, mixed);
    *dst = n % 2 ? layout_random_same_warps(random, src)
                 : layout_random(random, 2, axes, warp_bits, mixed);
    if (n % 5 != 0) {
        *src = layout_canonical(src);
        *dst = layout_canonical(dst);
    }
}

/* Whether warp `warp` holds every element that it needs. */
static bool warp_has_all(const Layout *src, const Layout *dst, uint32_t warp) {
    static bool held[MAX_ELEMENTS];
    memset(held, 0, sizeof held);
    for (uint32_t l = 0; l < 32; l++)
        for (uint32_t r = 0; r < layout_num_regs(src); r++)
            held[layout_element(src, r, l, warp, 0)] = true;
    for (uint32_t l = 0; l < 32; l++)
        for (uint32_t r = 0; r < layout_num_regs(dst); r++)
            if (!held[layout_element(dst, r, l, warp, 0)])
                return false;
    return true;
}

static bool warps_have_all(const Layout *src, const Layout *dst) {
    for (uint32_t warp = 0; warp < 1u << src->nin[LL_WARP]; warp++)
        if (!warp_has_all(src, dst, warp))
            return false;
    return true;
}

/* ---- shuffles ---------------------------------------------------------------------------------*/

static uint32_t v0[32][MAX_REGS], v1[32][MAX_REGS], v2[32][MAX_REGS];

/* new[r] = parity ? old[r ^ reg] : old[r], pass by pass. */
static void run_passes(uint32_t values[MAX_REGS], uint32_t count, const SelectPass *passes,
                       unsigned num_passes, uint32_t lane, uint32_t outer) {
    for (unsigned k = 0; k < num_passes; k++) {
        uint32_t set = (lane & passes[k].lane_mask) | (outer & passes[k].outer_mask) << 8;
        bool odd = false;
        for (; set != 0; set &= set - 1)
            odd = !odd;
        for (uint32_t r = 0; odd && r < count; r++) {
            uint32_t other = r ^ passes[k].reg, swap = values[r];
            if (other < r)
                continue;
            values[r] = values[other];
            values[other] = swap;
        }
    }
}

/* Carries a plan out for one warp, with selects in passes, and checks what each lane has then. */
static void run_shuffle(const ShufflePlan *plan, const Layout *src, const Layout *dst,
                        uint32_t warp) {
    SelectPass pre[LAYOUT_MAX_PASSES], post[LAYOUT_MAX_PASSES];
    unsigned num_pre = layout_select_passes(plan->g, plan->h, plan->outer_bits, pre);
    unsigned num_post = layout_select_passes(plan->f, NULL, 0, post);
    for (uint32_t l = 0; l < 32; l++) {
        for (uint32_t r = 0; r < 1u << plan->src_bits; r++)
            v1[l][r] = v0[l][r] = layout_element(src, r, l, warp, 0);
        run_passes(v1[l], 1u << plan->src_bits, pre, num_pre, l, warp);
        for (uint32_t r = 0; r < 1u << plan->src_bits; r++)
            cr_assert_eq(v1[l][r], v0[l][r ^ layout_mul(plan->g, l) ^ layout_mul(plan->h, warp)]);
    }
    for (uint32_t i = 0; i < 1u << plan->round_bits; i++) {
        for (uint32_t l = 0; l < 32; l++) {
            uint32_t from =
                layout_mul(plan->s, i) ^ layout_mul(plan->m, l) ^ layout_mul(plan->w, warp);
            cr_assert(from < 32);
            if (layout_round_stays(plan, i))
                cr_assert_eq(from, l);
            v2[l][i] = v1[from][layout_mul(plan->a, i)];
        }
    }
    for (uint32_t l = 0; l < 32; l++) {
        run_passes(v2[l], 1u << plan->round_bits, post, num_post, l, warp);
        for (uint32_t r = 0; r < 1u << plan->dst_bits; r++)
            cr_assert_eq(v2[l][r], layout_element(dst, r, l, warp, 0), "%s -> %s",
                         layout_random_text(src), layout_random_text(dst));
    }
}

/* Groups of rounds that travel together use the same lanes and cover every round once. */
static void check_packs(const ShufflePlan *plan) {
    static uint8_t covered[MAX_REGS];
    memset(covered, 0, sizeof covered);
    for (uint32_t i = 0; i < 1u << plan->round_bits; i++) {
        for (uint32_t k = 0; (i & plan->pack_tops) == 0 && k < 1u << plan->pack_bits; k++) {
            uint32_t other = i ^ layout_mul(plan->pack, k);
            covered[other]++;
            cr_assert_eq(layout_mul(plan->s, other), layout_mul(plan->s, i));
        }
    }
    for (uint32_t i = 0; i < 1u << plan->round_bits; i++)
        cr_assert_eq(covered[i], 1);
}

static void check_shuffle(const ShufflePlan *plan, const Layout *src, const Layout *dst) {
    cr_assert_eq(plan->src_bits, src->nin[LL_REG]);
    cr_assert_eq(plan->dst_bits, dst->nin[LL_REG]);
    for (uint32_t warp = 0; warp < 1u << src->nin[LL_WARP]; warp++)
        run_shuffle(plan, src, dst, warp);
    check_packs(plan);
}

Test(layout_convert, kinds_are_right_and_shuffles_deliver_every_element) {
    LayoutRandom random = {1};
    unsigned seen[CONVERT_CLUSTER + 1] = {0}, near_plans = 0;
    for (unsigned n = 0; n < 1500; n++) {
        Layout src, dst;
        random_pair(&random, n, &src, &dst);
        ConvertKind kind = layout_convert_kind(&src, &dst);
        seen[kind]++;
        cr_assert_eq(kind == CONVERT_SHARED, !warps_have_all(&src, &dst));
        cr_assert_eq(kind == CONVERT_NONE, layout_equal(&src, &dst));
        if (kind == CONVERT_SHARED)
            continue;
        ShufflePlan plan;
        layout_plan_shuffle_exact(&src, &dst, &plan);
        check_shuffle(&plan, &src, &dst);
        if (layout_plan_shuffle_near(&src, &dst, &plan)) {
            check_shuffle(&plan, &src, &dst);
            near_plans++;
        }
        layout_plan_shuffle(&src, &dst, 4, &plan);
        cr_assert_eq(kind == CONVERT_SHUFFLE, layout_shuffle_counts(&plan, 4).shuffles != 0);
    }
    cr_assert(seen[CONVERT_SHARED] > 100 && seen[CONVERT_SHUFFLE] > 100);
    cr_assert(seen[CONVERT_REGISTER] > 5 && seen[CONVERT_NONE] > 5 && near_plans > 100);
}

Test(layout_convert, registers_may_need_selects_by_warp) {
    Layout src = parse("<8; reg i0; lane . . . . .; warp i1 i2>"), dst = src;
    dst.col[6] = 1 | 2; /* warp bit 0 now exchanges the registers */
    cr_assert_eq(layout_convert_kind(&src, &dst), CONVERT_REGISTER);
    ShufflePlan plan;
    layout_plan_shuffle(&src, &dst, 4, &plan);
    check_shuffle(&plan, &src, &dst);
    SelectPass passes[LAYOUT_MAX_PASSES];
    cr_assert_eq(layout_select_passes(plan.g, plan.h, plan.outer_bits, passes), 1);
    cr_assert_eq(passes[0].outer_mask, 1);
}

Test(layout_convert, blocks_that_need_each_others_elements) {
    Layout src = parse("<4; reg i0; lane . . . . .; block i1>");
    Layout dst = parse("<4; reg i1; lane . . . . .; block i0>");
    cr_assert_eq(layout_convert_kind(&src, &dst), CONVERT_CLUSTER);
    dst = parse("<4; reg i0 i1; lane . . . . .; block .>");
    cr_assert_eq(layout_convert_kind(&dst, &src), CONVERT_REGISTER); /* each block keeps its half */
    ShufflePlan plan;
    layout_plan_shuffle(&dst, &src, 4, &plan);
    for (uint32_t block = 0; block < 2; block++)
        cr_assert_eq(
            layout_element(&dst, layout_mul(plan.a, 1) ^ layout_mul(plan.h, block), 0, 0, 0),
            layout_element(&src, 1, 0, 0, block));
}

/* One-hot layouts of 512 elements without duplicates; `kept`: lanes stay but for one. */
static void exchange_pair(LayoutRandom *random, bool kept, unsigned n, Layout *src, Layout *dst) {
    uint32_t from[9], to[9];
    uint8_t axes[] = {9};
    for (unsigned b = 0; b < 9; b++)
        from[b] = 1u << b;
    layout_random_shuffle(random, from, 9);
    memcpy(to, from, sizeof to);
    if (kept) {
        to[n % 5] = from[5];
        to[5] = from[n % 5];
    } else {
        layout_random_shuffle(random, to, 9);
    }
    *src = layout_empty(LAYOUT_DISTRIBUTED, 1, axes);
    *dst = *src;
    layout_set(src, LL_REG, from + 5, 4);
    layout_set(src, LL_LANE, from, 5);
    layout_set(dst, LL_REG, to + 5, 4);
    layout_set(dst, LL_LANE, to, 5);
}

Test(layout_convert, instruction_counts_are_those_of_the_formulas) {
    LayoutRandom random = {2};
    for (unsigned n = 0; n < 300; n++) {
        Layout src, dst;
        exchange_pair(&random, n % 2, n, &src, &dst);
        ShufflePlan plan;
        layout_plan_shuffle_exact(&src, &dst, &plan);
        unsigned exchanged = 0, regs = 16;
        bool identity = true;
        for (unsigned l = 0; l < 5; l++) {
            bool found = false;
            for (unsigned i = 4; i < 9; i++)
                found |= src.col[i] == dst.col[4 + l];
            exchanged += !found;
            identity &= plan.m[l] == 1u << l;
        }
        ShuffleCounts counts = layout_shuffle_counts(&plan, 4);
        cr_assert(!(n % 2) || identity);
        cr_assert_eq(counts.shuffles, identity ? regs - (regs >> exchanged) : regs);
        if (identity && exchanged == 1)
            cr_assert_eq(counts.selects, regs / 2 + regs);
        else
            cr_assert_eq(counts.selects, 2 * exchanged * regs);
        ShuffleCounts wide = layout_shuffle_counts(&plan, 8),
                      half = layout_shuffle_counts(&plan, 2);
        cr_assert_eq(wide.shuffles, 2 * counts.shuffles);
        unsigned pack = plan.pack_bits >= 1 ? 2 : 1;
        cr_assert_eq(half.shuffles, (counts.shuffles + pack - 1) / pack);
    }
}

/* ---- shared memory ----------------------------------------------------------------------------*/

/* The offsets at which the instructions of one side access each register of each lane of a warp,
 * found by doing what the hardware does. */
static uint32_t offset_of[32][MAX_REGS];
static uint8_t touched[32][MAX_REGS];

static void touch(const SharedSide *side, uint32_t lane, uint32_t reg, uint32_t offset,
                  uint32_t warp) {
    touched[lane][reg]++;
    offset_of[lane][reg] = offset;
    cr_assert_eq(offset, layout_element(&side->offsets, reg, lane, warp, 0));
}

/* One vector instruction; returns its wavefronts. */
static unsigned run_vector(const SharedSide *side, unsigned size, uint32_t first, uint32_t warp) {
    uint32_t addresses[32], c = layout_element(&side->offsets, first, 0, 0, 0);
    unsigned bytes = size << side->vector.bits;
    for (uint32_t l = 0; l < 32; l++) {
        uint32_t base = layout_element(&side->offsets, 0, l, warp, 0);
        if ((c & side->base_bits) == 0)
            cr_assert_eq(base ^ c, base + c);
        addresses[l] = (base ^ c) * size;
        cr_assert_eq(addresses[l] % bytes, 0);
        for (uint32_t i = 0; i < 1u << side->vector.bits; i++)
            touch(side, l, layout_vector_reg(&side->vector, first, i), (base ^ c) + i, warp);
    }
    return layout_count_wavefronts(addresses, 32, bytes);
}

static uint32_t spread(const uint8_t *bits, unsigned count, uint32_t x) {
    uint32_t reg = 0;
    for (unsigned i = 0; i < count; i++)
        reg |= (x >> i & 1) << bits[i];
    return reg;
}

/* One ldmatrix or stmatrix; returns its wavefronts. */
static unsigned run_matrix(const SharedSide *side, unsigned size, uint32_t first, uint32_t warp) {
    uint32_t rows[4][8], outer = layout_element(&side->offsets, 0, 0, warp, 0);
    unsigned total = 0, in_word = 1u << side->word_bits;
    cr_assert_eq(in_word * size, side->op == SHARED_MATRIX && size > 4 ? 8 : 4);
    for (uint32_t q = 0; q < 1u << side->mat_bits; q++) {
        uint32_t addresses[8];
        for (uint32_t i = 0; i < 8; i++) {
            uint32_t mat =
                layout_element(&side->offsets, spread(side->mat_reg, side->mat_bits, q), 0, 0, 0);
            rows[q][i] = layout_element(&side->offsets, first, 0, 0, 0) ^ layout_mul(side->row, i) ^
                         mat ^ outer;
            addresses[i] = rows[q][i] * size;
            cr_assert_eq(addresses[i] % 16, 0);
        }
        total += layout_count_wavefronts(addresses, 8, 16);
        for (uint32_t l = 0; l < 32; l++) {
            for (uint32_t h = 0; h < in_word; h++) {
                uint32_t at = side->op == SHARED_MATRIX ? rows[q][l / 4] + l % 4 * 4 / size + h
                                                        : rows[q][l % 4 * 2 + h] + l / 4;
                uint32_t reg = first | spread(side->mat_reg, side->mat_bits, q) |
                               spread(side->word_reg, side->word_bits, h);
                touch(side, l, reg, at, warp);
            }
        }
    }
    return total;
}

/* All instructions of a side for one warp: every register once, as many wavefronts as claimed and
 * as few as the widths allow. */
static void run_side(const SharedSide *side, unsigned size, uint32_t warp) {
    uint32_t regs = layout_num_regs(&side->offsets), inside = side->vector.mask;
    unsigned instructions = 0, wavefronts = 0;
    memset(touched, 0, sizeof touched);
    inside |=
        spread(side->word_reg, side->word_bits, ~0u) | spread(side->mat_reg, side->mat_bits, ~0u);
    for (uint32_t first = 0; first < regs; first++) {
        if (first & inside)
            continue;
        unsigned waves = side->op == SHARED_VECTOR ? run_vector(side, size, first, warp)
                                                   : run_matrix(side, size, first, warp);
        cr_assert_eq(waves, side->op == SHARED_VECTOR
                                ? 32u >> layout_phase_bits(size << side->vector.bits)
                                : 1u << side->mat_bits);
        instructions++;
        wavefronts += waves;
    }
    cr_assert_eq(instructions, side->instructions);
    cr_assert_eq(wavefronts, side->wavefronts);
    for (uint32_t l = 0; l < 32; l++)
        for (uint32_t r = 0; r < regs; r++)
            cr_assert_eq(touched[l][r], 1);
}

static bool in_round(const uint8_t *bits, unsigned count, uint32_t reg, uint32_t round) {
    for (unsigned i = 0; i < count; i++)
        if ((reg >> bits[i] & 1) != (round >> i & 1))
            return false;
    return true;
}

#define EMPTY UINT32_MAX /* no element */

/* Carries the plan out: owners store, everyone loads, round by round. */
static void check_shared(const SharedPlan *plan, const Layout *src, const Layout *dst,
                         unsigned size) {
    static uint32_t memory[MAX_ELEMENTS];
    uint32_t warps = 1u << src->nin[LL_WARP], masks[LL_NIN];
    layout_free(src, masks);
    cr_assert_null(layout_check(&plan->shared));
    cr_assert_eq(plan->scratch_bytes, size << layout_bits(&plan->shared));
    for (uint32_t round = 0; round < 1u << plan->round_bits; round++) {
        memset(memory, 0xff, sizeof memory);
        for (uint32_t w = 0; w < warps; w++) {
            run_side(&plan->store, size, w);
            for (uint32_t l = 0; l < 32; l++) {
                for (uint32_t r = 0; r < layout_num_regs(src); r++) {
                    if ((w & masks[LL_WARP]) ||
                        !in_round(plan->store_round, plan->round_bits, r, round))
                        continue;
                    uint32_t *cell = &memory[offset_of[l][r]],
                             value = layout_element(src, r, l, w, 0);
                    cr_assert(offset_of[l][r] * size < plan->scratch_bytes);
                    cr_assert(*cell == EMPTY || *cell == value); /* duplicates store the same */
                    *cell = value;
                }
            }
        }
        for (uint32_t w = 0; w < warps; w++) {
            run_side(&plan->load, size, w);
            for (uint32_t l = 0; l < 32; l++)
                for (uint32_t r = 0; r < layout_num_regs(dst); r++)
                    if (in_round(plan->load_round, plan->round_bits, r, round))
                        cr_assert_eq(memory[offset_of[l][r]], layout_element(dst, r, l, w, 0));
        }
    }
}

Test(layout_convert, shared_memory_delivers_every_element_without_conflicts) {
    LayoutRandom random = {3};
    unsigned ops[3] = {0}, widths[5] = {0};
    for (unsigned n = 0; n < 1200; n++) {
        Layout src, dst;
        random_pair(&random, n, &src, &dst);
        SharedOptions options = {1u << layout_random_below(&random, 4), n % 2 == 0, n % 4 == 0, 0};
        SharedPlan plan;
        layout_plan_shared(&src, &dst, &options, &plan);
        cr_assert_eq(plan.round_bits, 0);
        check_shared(&plan, &src, &dst, options.elem_bytes);
        for (unsigned x = 0; x < 2; x++) {
            const SharedSide *side = x ? &plan.load : &plan.store;
            bool matrix = x ? options.ldmatrix : options.stmatrix;
            cr_assert(matrix || side->op == SHARED_VECTOR);
            ops[side->op]++;
            for (unsigned b = 0; b < 5; b++)
                widths[b] += options.elem_bytes << side->vector.bits == 1u << b;
        }
    }
    for (unsigned b = 0; b < 5; b++)
        cr_assert(widths[b] > 10, "%u accesses of %u bytes", widths[b], 1u << b);
}

/* Warp 0 and matrix fragments: layouts where ldmatrix and stmatrix pay. */
Test(layout_convert, matrix_instructions) {
    const unsigned last[] = {1, 0};
    SharedPlan plan;
    SharedOptions f16 = {2, true, true, 0}, f32 = {4, true, true, 0};
    Layout coalesced = layout_coalesced(2, (const int64_t[]){64, 64}, last, 8, 4);
    Layout mma_a = parse("<64x64; reg j0 j3 j4 j5 i3; lane j1 j2 i0 i1 i2; warp i4 i5>");
    layout_plan_shared(&coalesced, &mma_a, &f16, &plan);
    check_shared(&plan, &coalesced, &mma_a, 2);
    cr_assert_str_eq(layout_random_text(&plan.shared),
                     "<64x64; off j0 j1 j2 j3 j4 j5 i3 i4 i5 j3+i0 j4+i1 j5+i2>");
    cr_assert_eq(plan.store.op, SHARED_VECTOR);
    cr_assert_eq(plan.store.vector.bits, 3);
    cr_assert_eq(plan.load.op, SHARED_MATRIX);
    cr_assert_eq(plan.load.mat_bits, 2);
    layout_plan_shared(&mma_a, &coalesced, &f16, &plan); /* rows for ldmatrix are as good here */
    check_shared(&plan, &mma_a, &coalesced, 2);
    cr_assert_str_eq(layout_random_text(&plan.shared),
                     "<64x64; off j0 j3 j4 j1 j2 i0 i2 i3 i4 i5 j1+j5 j2+i1>");
    cr_assert_eq(plan.store.vector.bits, 3);
    cr_assert_eq(plan.load.op, SHARED_MATRIX);
    mma_a = parse("<64x128; reg j0 j3 j4 j5 j6 i3; lane j1 j2 i0 i1 i2; warp i4 i5>");
    Layout rows = layout_coalesced(2, (const int64_t[]){64, 128}, last, 8, 4);
    f16.ldmatrix = false;
    layout_plan_shared(&mma_a, &rows, &f16, &plan);
    f16.ldmatrix = true;
    check_shared(&plan, &mma_a, &rows, 2);
    cr_assert_eq(plan.store.op, SHARED_MATRIX);
    cr_assert_eq(plan.load.vector.bits, 3);
    /* The operand's transpose, read from rows along the other axis. */
    Layout columns = parse("<64x64; reg i0 i3 i4 i5 j3; lane i1 i2 j0 j1 j2; warp j4 j5>");
    Layout across = layout_coalesced(2, (const int64_t[]){64, 64}, last, 8, 4);
    layout_plan_shared(&across, &columns, &f16, &plan);
    check_shared(&plan, &across, &columns, 2);
    cr_assert_eq(plan.load.op, SHARED_MATRIX_TRANS);
    f16.ldmatrix = false;
    layout_plan_shared(&across, &columns, &f16, &plan);
    check_shared(&plan, &across, &columns, 2);
    cr_assert_eq(plan.load.op, SHARED_VECTOR);
    Layout a = parse("<32x32; reg j0 j1 i4; lane j2 j3 j4 i0 i1; warp i2 i3>");
    Layout b = parse("<32x32; reg i0 i1 j4; lane i2 i3 i4 j0 j1; warp j2 j3>");
    layout_plan_shared(&a, &b, &f32, &plan);
    check_shared(&plan, &a, &b, 4);
    cr_assert_str_eq(layout_random_text(&plan.shared),
                     "<32x32; off j0 j1 j2 j3 j4 i0 i1 j2+i2 j3+i3 j4+i4>");
    cr_assert_eq(plan.store.vector.bits, 2);
    cr_assert_eq(plan.load.vector.bits, 0);
}

Test(layout_convert, random_fragments_through_matrix_instructions) {
    LayoutRandom random = {4};
    unsigned ops[3] = {0};
    for (unsigned n = 0; n < 200; n++) {
        const int64_t extents[] = {16 << n % 3, 16 << n / 3 % 3};
        unsigned size = 1u << layout_random_below(&random, 3), across = n % 2,
                 order[] = {n / 2 % 2, 1 - n / 2 % 2};
        const LayoutStep steps[] = {{LL_WARP, (uint8_t)across, 1},
                                    {LL_WARP, (uint8_t)(1 - across), 1}};
        LayoutFragment f = {.across = across,
                            .along = 1 - across,
                            .kw = 4 / size,
                            .rows = n % 5 ? 16 : 8,
                            .warps = steps,
                            .num_warps = 2};
        Layout fragment = layout_fragment(2, extents, &f);
        fragment = layout_canonical(&fragment);
        Layout memory = layout_coalesced(2, extents, order, 16 / size, 4);
        SharedOptions options = {size, true, true,
                                 n % 4 ? 0 : (unsigned)(extents[0] * extents[1]) * size / 4};
        SharedPlan plan;
        layout_plan_shared(&memory, &fragment, &options, &plan);
        check_shared(&plan, &memory, &fragment, size);
        ops[plan.load.op]++;
        layout_plan_shared(&fragment, &memory, &options, &plan);
        check_shared(&plan, &fragment, &memory, size);
        ops[plan.store.op]++;
    }
    cr_assert(ops[SHARED_VECTOR] > 10 && ops[SHARED_MATRIX] > 10 && ops[SHARED_MATRIX_TRANS] > 3);
}

Test(layout_convert, scratch_is_divided_as_far_as_common_registers_allow) {
    LayoutRandom random = {5};
    unsigned divided = 0;
    for (unsigned n = 0; n < 300; n++) {
        Layout src, dst;
        random_pair(&random, n, &src, &dst);
        SharedOptions options = {4, true, true, 1u << layout_random_below(&random, 12)};
        SharedPlan plan;
        unsigned common = 0, wanted = 0, bytes = 4u << layout_bits(&src);
        layout_plan_shared(&src, &dst, &options, &plan);
        check_shared(&plan, &src, &dst, 4);
        for (unsigned i = 0; i < src.nin[LL_REG]; i++)
            for (unsigned j = 0; j < dst.nin[LL_REG]; j++)
                common += src.col[i] == dst.col[j];
        while (bytes >> wanted > options.max_bytes)
            wanted++;
        if (!layout_is_onehot(&src) || !layout_is_onehot(&dst))
            common = 0;
        cr_assert_eq(plan.round_bits, common < wanted ? common : wanted);
        divided += plan.round_bits > 0;
    }
    cr_assert(divided > 20);
}

/* ---- given shared layouts ---------------------------------------------------------------------*/

Test(layout_convert, access_of_the_hardwares_swizzles) {
    const int64_t extents[] = {64, 64};
    const unsigned last[] = {1, 0};
    Layout acc = parse("<64x64; reg j0 j3 j4 j5 i3; lane j1 j2 i0 i1 i2; warp i4 i5>");
    Layout wide = layout_coalesced(2, extents, last, 8, 4);
    static const struct {
        unsigned swizzle, contiguous;
        SharedOp op;
    } cases[] = {
        {128, 1, SHARED_MATRIX},      {128, 0, SHARED_MATRIX_TRANS}, {64, 1, SHARED_MATRIX},
        {64, 0, SHARED_MATRIX_TRANS}, {32, 1, SHARED_MATRIX},        {32, 0, SHARED_MATRIX_TRANS},
    };
    for (size_t i = 0; i < TK_COUNTOF(cases); i++) {
        Layout shared = layout_swizzled(extents, 2, cases[i].swizzle, cases[i].contiguous);
        SharedSide side = layout_shared_side(&acc, &shared, 2, true);
        cr_assert_eq(side.op, cases[i].op);
        for (uint32_t w = 0; w < 4; w++)
            run_side(&side, 2, w);
        side = layout_shared_side(&acc, &shared, 2, false);
        cr_assert_eq(side.op, SHARED_VECTOR);
    }
    /* 16-byte rows, 8 lanes a row: wavefronts over the ideal are 1, 2, 4, 1 (docs/layouts.md). */
    static const unsigned widths[] = {128, 64, 32}, over[] = {1, 2, 4};
    for (unsigned i = 0; i < 3; i++) {
        Layout shared = layout_swizzled(extents, 2, widths[i], 1);
        SharedSide side = layout_shared_side(&wide, &shared, 2, true);
        cr_assert_eq(side.op, SHARED_VECTOR);
        cr_assert_eq(side.vector.bits, 3);
        cr_assert_eq(side.wavefronts, side.instructions * 4 * over[i]);
    }
    Layout plain = layout_plain(2, extents, NULL);
    SharedSide side = layout_shared_side(&wide, &plain, 2, true);
    cr_assert_eq(side.wavefronts, side.instructions * 4);
}

/* Whether `text` may use a matrix instruction in a row-major buffer. */
static SharedOp op_of(const char *text, unsigned size) {
    Layout layout = parse(text);
    Layout plain = layout_empty(LAYOUT_SHARED, layout.rank, layout.nout);
    for (unsigned b = 0; b < layout_bits(&layout); b++)
        layout_push(&plain, LL_OFF, 1u << b);
    return layout_shared_side(&layout, &plain, size, true).op;
}

Test(layout_convert, matrix_instructions_are_refused_where_they_do_not_fit) {
    cr_assert_eq(op_of("<128; reg i0 i6; lane i1 i2 i3 i4 i5>", 2), SHARED_MATRIX);
    cr_assert_eq(op_of("<64; reg i0; lane i1 i2 i3 i4 i5>", 2),
                 SHARED_VECTOR); /* a plain load takes no more */
    cr_assert_eq(op_of("<128; reg i0 i6; lane i1 i2 i3 i4 i5>", 4),
                 SHARED_VECTOR); /* wrong element size */
    cr_assert_eq(op_of("<64; reg i5; lane i0 i1 i2 i3 i4>", 4), SHARED_MATRIX);
    cr_assert_eq(op_of("<64; reg i0 i5; lane i1 i2 i3 i4 .>", 2),
                 SHARED_VECTOR); /* a duplicate lane */
    cr_assert_eq(op_of("<128; reg i0 i6; lane i2 i1 i3 i4 i5>", 2),
                 SHARED_VECTOR); /* lanes exchanged */
    cr_assert_eq(op_of("<64; reg i3; lane i4 i5 i0 i1 i2>", 2), SHARED_MATRIX_TRANS);
    cr_assert_eq(op_of("<64; reg i3; lane i4 i5 i0 i2 i1>", 2), SHARED_VECTOR);
    cr_assert_eq(op_of("<128; reg i4 i3; lane i5 i6 i0 i1 i2>", 1),
                 SHARED_VECTOR); /* 16 bits only */
    Layout tile = parse("<128; reg i0 i6; lane i1 i2 i3 i4 i5>"),
           plain = layout_plain(1, (const int64_t[]){128}, NULL);
    cr_assert_eq(layout_shared_side(&tile, &plain, 2, true).op, SHARED_MATRIX);
    plain.col[4] ^= 2; /* a row address touches the row */
    cr_assert_eq(layout_shared_side(&tile, &plain, 2, true).op, SHARED_VECTOR);
    tile = parse("<64; reg i3; lane i4 i5 i0 i1 i2>");
    plain = layout_plain(1, (const int64_t[]){64}, NULL);
    cr_assert_eq(layout_shared_side(&tile, &plain, 2, true).op, SHARED_MATRIX_TRANS);
    plain.col[3] ^= 2;
    cr_assert_eq(layout_shared_side(&tile, &plain, 2, true).op, SHARED_VECTOR);
}

/* ---- the choice -------------------------------------------------------------------------------*/

Test(layout_convert, the_cheaper_way_is_chosen) {
    LayoutRandom random = {6};
    unsigned seen[CONVERT_CLUSTER + 1] = {0}, dear = 0;
    for (unsigned n = 0; n < 600; n++) {
        Layout src, dst;
        random_pair(&random, n, &src, &dst);
        SharedOptions options = {1u << n % 4, false, false, 0};
        ConvertPlan plan;
        layout_plan_convert(&src, &dst, &options, &plan);
        ConvertKind least = layout_convert_kind(&src, &dst);
        seen[plan.kind]++;
        if (plan.kind == CONVERT_SHUFFLE || plan.kind == CONVERT_REGISTER)
            check_shuffle(&plan.shuffle, &src, &dst);
        if (plan.kind == CONVERT_SHARED)
            check_shared(&plan.shared, &src, &dst, options.elem_bytes);
        if (plan.kind == least)
            continue;
        cr_assert(plan.kind == CONVERT_SHARED && plan.warp_only);
        unsigned warps = 1u << src.nin[LL_WARP];
        cr_assert_gt(layout_shuffle_cost(&plan.shuffle, options.elem_bytes, warps),
                     layout_shared_cost(&plan.shared, warps, true));
        dear++;
    }
    cr_assert(seen[CONVERT_SHARED] && seen[CONVERT_SHUFFLE] && seen[CONVERT_REGISTER] && dear);
}

Test(layout_convert, costs_of_the_worked_example) {
    /* 32 registers of 32 bits, 4 warps, one lane bit exchanged with a register bit. */
    Layout src = parse("<4096; reg i0 i1 i2 i3 i4; lane i5 i6 i7 i8 i9; warp i10 i11>");
    Layout dst = parse("<4096; reg i1 i2 i3 i4 i5; lane i0 i6 i7 i8 i9; warp i10 i11>");
    ShufflePlan plan;
    layout_plan_shuffle(&src, &dst, 4, &plan);
    check_shuffle(&plan, &src, &dst);
    ShuffleCounts counts = layout_shuffle_counts(&plan, 4);
    cr_assert_eq(counts.shuffles, 16);
    cr_assert_eq(counts.selects, 48);
    cr_assert_eq(layout_shuffle_cost(&plan, 4, 4), 64 + 96);
    SharedOptions options = {4, false, false, 0};
    SharedPlan shared;
    layout_plan_shared(&src, &dst, &options, &shared);
    cr_assert_eq(layout_shared_cost(&shared, 4, false), 256 + 64);
    ConvertPlan choice;
    layout_plan_convert(&src, &dst, &options, &choice);
    cr_assert_eq(choice.kind, CONVERT_SHUFFLE);
}

/* ---- buffers for copies -----------------------------------------------------------------------*/

/* Reads and writes of the planned buffer for a loaded tile and the operand that is read from it:
 * both as few wavefronts as the bytes take, vectors whole. */
static void check_copies(const char *loaded, const char *read, LayoutCopies copies,
                         unsigned elem_bytes, SharedOp op) {
    Layout src = parse(loaded), dst = parse(read);
    SharedOptions options = {elem_bytes, true, true, 0};
    Layout buffer = layout_plan_copies(&src, &dst, &copies, &options);
    cr_assert_null(layout_check(&buffer));
    for (unsigned i = 0; i < copies.bits; i++)
        cr_assert_eq(buffer.col[i], layout_axis_bit(&buffer, copies.along, i));
    SharedSide store = layout_shared_side(&src, &buffer, elem_bytes, false);
    SharedSide load = layout_shared_side(&dst, &buffer, elem_bytes, true);
    cr_assert_eq(store.vector.bits, copies.bits);
    cr_assert_eq(store.wavefronts, store.instructions * 4); /* 512 bytes each */
    cr_assert_eq(load.op, op);
    unsigned bytes = (elem_bytes << dst.nin[LL_REG]) * 32;
    cr_assert_eq(load.wavefronts, bytes / 128);
}

Test(layout_convert, copies_meet_no_conflicts) {
    LayoutCopies eight = {1, 3}, four = {1, 2};
    /* A operand, rows of 64 and 128 bytes; B operand from rows of n; tf32, both ways round */
    check_copies("<64x32; reg j0 j1 j2 i5; lane j3 j4 i0 i1 i2; warp i3 i4>",
                 "<64x32; reg j0 j3 j4 i3; lane j1 j2 i0 i1 i2; warp i4 i5>", eight, 2,
                 SHARED_MATRIX);
    check_copies("<64x64; reg j0 j1 j2 i4 i5; lane j3 j4 j5 i0 i1; warp i2 i3>",
                 "<64x64; reg j0 j3 j4 j5 i3; lane j1 j2 i0 i1 i2; warp i4 i5>", eight, 2,
                 SHARED_MATRIX);
    check_copies("<32x64; reg j0 j1 j2 i4; lane j3 j4 j5 i0 i1; warp i2 i3>",
                 "<32x64; reg j3 i0 i3 i4; lane i1 i2 j0 j1 j2; warp j4 j5>", eight, 2,
                 SHARED_MATRIX_TRANS);
    check_copies("<64x32; reg j0 j1 i4 i5; lane j2 j3 j4 i0 i1; warp i2 i3>",
                 "<64x32; reg j2 j3 j4 i3; lane j0 j1 i0 i1 i2; warp i4 i5>", four, 4,
                 SHARED_MATRIX);
    check_copies("<32x64; reg j0 j1 i3 i4; lane j2 j3 j4 j5 i0; warp i1 i2>",
                 "<32x64; reg j3 i2 i3 i4; lane i0 i1 j0 j1 j2; warp j4 j5>", four, 4,
                 SHARED_VECTOR);
}
