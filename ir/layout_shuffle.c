/* layout_shuffle.c -- conversions inside warps, as permutations of registers around shuffles.
 *
 * Inside a warp, the map from the result's (register, lane) to the source's is linear,
 * C = [Crr Crl; Clr Cll], with columns Crw, Clw for warps. A shuffle lets each lane read one
 * register of one lane; the register has to be the one that its owner sends in this round. Choose
 * F: lane -> register such that M = Cll + Clr F has ker M inside ker N, N = Crl + Crr F; then some
 * G has G(M(x)) = N(x), and
 *
 *     A = Crr + G Clr,  S = Clr,  W = Clw,  H = Crw + G Clw
 *
 * make the pre, round and post steps of ShufflePlan deliver C: round i = r ^ F(l) of lane l reads
 * register A(i) ^ G(lane') of lane' = S(i) ^ M(l), and A(i) ^ G(lane') = Crr r + Crl l.
 *
 * Plan 1 takes C with every duplicate read where it is nearest, and F = 0. Plan 2 makes C one to
 * one, by virtual registers for elements that only other warps want and zero columns for
 * duplicates, and then repairs the kernel of Cll with one register bit for each dependent lane; it
 * always exists.
 *
 * Source: after arXiv 2505.23819, section 5.3 (warp shuffles), extended to duplicates, mixed
 * columns and warps. Example: `reg i0; lane i1 ...` to `reg i1; lane i0 ...`: F(bit 0) = register
 * 1, G likewise, M = identity, S(1) = lane bit 0: select what to send, exchange with the neighbour,
 * select what to keep.
 */
#include "ir/layout_convert.h"

#include "support/bits.h"

#include <assert.h>
#include <string.h>

enum { LANES = LAYOUT_LANE_BITS, MAX_REG_BITS = LAYOUT_MAX_BITS };

/* Both sides, with registers added until the map can be one to one. Source words are register |
 * lane << n; columns of registers stand first, then lanes. */
typedef struct Sides {
    unsigned n;  /* source register bits, added ones included */
    unsigned nd; /* result register bits, added ones included */
    unsigned real,
        virtual_end; /* result registers: real ones, then virtual, then padding up to nd */
    uint32_t own[MAX_REG_BITS + LANES];  /* the source's columns */
    uint32_t want[MAX_REG_BITS + LANES]; /* the result's: nd registers, then lanes */
    LayoutSpan span;                     /* of `own` */
    uint32_t c[MAX_REG_BITS + LANES];    /* for each bit of the result its source word */
} Sides;

static LayoutVectors columns_of(const Layout *layout, LayoutDim dim) {
    LayoutVectors list = {0};
    layout_vectors_append(&list, layout_columns(layout, dim), layout->nin[dim]);
    return list;
}

static void sides_init(Sides *sides, const Layout *src, const Layout *dst, bool exact) {
    LayoutVectors from = columns_of(src, LL_REG), to = columns_of(dst, LL_REG), extra = {0};
    unsigned src_regs = from.count, dst_regs = to.count;
    layout_vectors_append(&from, layout_columns(src, LL_LANE), LANES);
    layout_vectors_append(&to, layout_columns(dst, LL_LANE), LANES);
    if (exact)
        layout_extend(&to, &from, &extra);
    memset(sides, 0, sizeof *sides);
    sides->real = dst_regs;
    sides->virtual_end = dst_regs + extra.count;
    sides->n = exact && sides->virtual_end > src_regs ? sides->virtual_end : src_regs;
    sides->nd = exact ? sides->n : dst_regs;
    assert(sides->n <= MAX_REG_BITS);
    memcpy(sides->own, from.at, src_regs * sizeof *from.at);
    memcpy(sides->own + sides->n, from.at + src_regs, LANES * sizeof *from.at);
    memcpy(sides->want, to.at, dst_regs * sizeof *to.at);
    memcpy(sides->want + dst_regs, extra.at, extra.count * sizeof *extra.at);
    memcpy(sides->want + sides->nd, to.at + dst_regs, LANES * sizeof *to.at);
    layout_span_init(&sides->span);
    layout_span_insert_all(&sides->span, sides->own, sides->n + LANES);
}

/* The place of result bit `i` among the source's columns; n + 5 or more if the source has no such
 * register. */
static unsigned same_place(const Sides *sides, unsigned i) {
    if (i >= sides->nd)
        return i - sides->nd + sides->n;
    return i < sides->n ? i : sides->n + LANES;
}

static bool is_fixed(const Sides *sides, unsigned i) {
    unsigned place = same_place(sides, i);
    return place < sides->n + LANES && sides->own[place] == sides->want[i];
}

/* The source word for result bit `i`: its own place if it stays there, its own lane and other
 * registers, or any; with `taken`, the first of these, or of the last plus a kernel vector, that is
 * independent of the words taken before. Such a word exists: else the words taken contain the
 * source's kernel, so the bits done already contain the result's (of the same dimension), but the
 * relation of bit i to them is one more element of it. */
static uint32_t source_word(const Sides *sides, unsigned i, LayoutSpan *taken) {
    unsigned place = same_place(sides, i);
    uint64_t near, any = 0;
    if (i >= sides->nd || is_fixed(sides, i)) {
        bool found = layout_span_solve(&sides->span, sides->want[i] ^ sides->own[place], &near);
        uint32_t word = (uint32_t)near ^ (uint32_t)1 << place;
        if (found && near >> sides->n == 0 && (!taken || !layout_span_has(taken, word)))
            return word;
    }
    layout_span_solve(&sides->span, sides->want[i], &any);
    if (!taken || !layout_span_has(taken, (uint32_t)any))
        return (uint32_t)any;
    for (unsigned k = 0; k < sides->span.nullity; k++)
        if (!layout_span_has(taken, (uint32_t)(any ^ sides->span.kernel[k])))
            return (uint32_t)(any ^ sides->span.kernel[k]);
    assert(!"an independent word exists");
    return 0;
}

static void find_map(Sides *sides, bool exact) {
    LayoutSpan taken;
    layout_span_init(&taken);
    for (int fixed = 1; fixed >= 0; fixed--) { /* fixed points first */
        for (unsigned i = 0; i < sides->nd + LANES; i++) {
            if (is_fixed(sides, i) != fixed)
                continue;
            sides->c[i] = source_word(sides, i, exact ? &taken : NULL);
            layout_span_insert(&taken, sides->c[i]);
        }
    }
}

static uint32_t reg_part(const Sides *sides, uint32_t word) {
    return word & (((uint32_t)1 << sides->n) - 1);
}

static uint32_t lane_part(const Sides *sides, uint32_t word) {
    return word >> sides->n;
}

/* A register bit whose lanes repair dependent lane `lane`: one outside the image so far, best the
 * lane's own bit, virtual registers last. */
static unsigned repair_bit(const Sides *sides, const LayoutSpan *image, unsigned lane) {
    unsigned best = sides->nd, best_rank = 4;
    for (unsigned b = 0; b < sides->nd; b++) {
        uint32_t lanes = lane_part(sides, sides->c[b]);
        if (layout_span_has(image, lanes))
            continue;
        unsigned rank =
            (lanes != (uint32_t)1 << lane) * 2u + (b >= sides->real && b < sides->virtual_end);
        if (rank < best_rank) {
            best = b;
            best_rank = rank;
        }
    }
    assert(best < sides->nd);
    return best;
}

/* F: a register bit for each lane that depends on those before it in Cll. */
static void repair_lanes(const Sides *sides, uint32_t f[LANES]) {
    LayoutSpan image;
    layout_span_init(&image);
    for (unsigned l = 0; l < LANES; l++)
        layout_span_insert(&image, lane_part(sides, sides->c[sides->nd + l]));
    for (unsigned k = 0, dependent = image.nullity; k < dependent; k++) {
        unsigned lane = bits_top(image.kernel[k]), b = repair_bit(sides, &image, lane);
        f[lane] = (uint32_t)1 << b;
        layout_span_insert(&image, lane_part(sides, sides->c[b]));
    }
}

/* Rounds: the real registers, and what F adds outside of them; padding bits cost nothing. `basis`
 * is the register word of each round bit. F is rewritten from registers to rounds. */
static unsigned number_rounds(const Sides *sides, uint32_t f[LANES], uint32_t *basis) {
    uint32_t kept = ((uint32_t)1 << sides->virtual_end) - 1;
    LayoutVectors real = {0}, rounds, moved = {0};
    for (unsigned i = 0; i < sides->real; i++)
        layout_vectors_add(&real, (uint32_t)1 << i);
    for (unsigned l = 0; l < LANES; l++)
        layout_vectors_add(&moved, f[l] & kept);
    rounds = real;
    layout_extend(&real, &moved, &rounds);
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, rounds.at, rounds.count);
    for (unsigned l = 0; l < LANES; l++) {
        uint64_t round;
        layout_span_solve(&span, f[l] & kept, &round);
        f[l] = (uint32_t)round;
    }
    memcpy(basis, rounds.at, rounds.count * sizeof *basis);
    return rounds.count;
}

/* H and W: what warps and blocks add, from the difference of their columns. */
static void add_outer(const Sides *sides, const Layout *src, const Layout *dst, ShufflePlan *plan) {
    uint32_t real = ((uint32_t)1 << plan->src_bits) - 1;
    for (unsigned k = LL_WARP; k <= LL_BLOCK; k++) {
        const uint32_t *from = layout_columns(src, (LayoutDim)k);
        const uint32_t *to = layout_columns(dst, (LayoutDim)k);
        for (unsigned i = 0; i < src->nin[k]; i++) {
            uint64_t word = 0;
            layout_span_solve(&sides->span, from[i] ^ to[i], &word);
            uint32_t lane = lane_part(sides, (uint32_t)word);
            plan->w[plan->outer_bits] = lane;
            plan->h[plan->outer_bits++] =
                (reg_part(sides, (uint32_t)word) ^ layout_mul(plan->g, lane)) & real;
        }
    }
}

static void find_packs(ShufflePlan *plan) {
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, plan->s, plan->round_bits);
    plan->pack_bits = (uint8_t)span.nullity;
    for (unsigned k = 0; k < span.nullity; k++) {
        plan->pack[k] = (uint32_t)span.kernel[k];
        plan->pack_tops |= (uint32_t)1 << bits_top(span.kernel[k]);
    }
}

static bool build_plan(const Layout *src, const Layout *dst, bool exact, ShufflePlan *plan) {
    assert(src->nin[LL_WARP] == dst->nin[LL_WARP] && src->nin[LL_BLOCK] == dst->nin[LL_BLOCK]);
    Sides sides;
    sides_init(&sides, src, dst, exact);
    find_map(&sides, exact);
    memset(plan, 0, sizeof *plan);
    plan->src_bits = src->nin[LL_REG];
    plan->dst_bits = dst->nin[LL_REG];
    if (exact)
        repair_lanes(&sides, plan->f);
    uint32_t n[LANES];
    for (unsigned l = 0; l < LANES; l++) {
        uint32_t word = sides.c[sides.nd + l] ^ layout_mul(sides.c, plan->f[l]);
        plan->m[l] = lane_part(&sides, word);
        n[l] = reg_part(&sides, word);
    }
    if (!layout_left_quotient(n, plan->m, LANES, LANES, plan->g))
        return false;
    uint32_t basis[LAYOUT_SPAN_MAX], real = ((uint32_t)1 << plan->src_bits) - 1;
    unsigned rounds = number_rounds(&sides, plan->f, basis);
    assert(rounds <= LAYOUT_MAX_BITS);
    plan->round_bits = (uint8_t)rounds;
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t word = layout_mul(sides.c, basis[i]);
        plan->s[i] = lane_part(&sides, word);
        plan->a[i] = (reg_part(&sides, word) ^ layout_mul(plan->g, plan->s[i])) & real;
    }
    add_outer(&sides, src, dst, plan);
    for (unsigned l = 0; l < LANES; l++)
        plan->g[l] &= real; /* added source registers are copies: any will do */
    find_packs(plan);
    return true;
}

bool layout_plan_shuffle_near(const Layout *src, const Layout *dst, ShufflePlan *plan) {
    return build_plan(src, dst, false, plan);
}

void layout_plan_shuffle_exact(const Layout *src, const Layout *dst, ShufflePlan *plan) {
    bool made = build_plan(src, dst, true, plan);
    assert(made);
    (void)made;
}

/* ---- costs ------------------------------------------------------------------------------------*/

static bool lanes_stay(const ShufflePlan *plan) {
    for (unsigned l = 0; l < LANES; l++)
        if (plan->m[l] != (uint32_t)1 << l)
            return false;
    for (unsigned i = 0; i < plan->outer_bits; i++)
        if (plan->w[i] != 0)
            return false;
    return true;
}

bool layout_round_stays(const ShufflePlan *plan, uint32_t i) {
    return layout_mul(plan->s, i) == 0 && lanes_stay(plan);
}

unsigned layout_select_passes(const uint32_t lanes[LAYOUT_LANE_BITS], const uint32_t *outer,
                              unsigned outer_bits, SelectPass passes[LAYOUT_MAX_PASSES]) {
    LayoutSpan span;
    uint8_t pass_of[LAYOUT_MAX_PASSES];
    unsigned count = 0;
    layout_span_init(&span);
    for (unsigned i = 0; i < LANES + outer_bits; i++) {
        uint32_t column = i < LANES ? lanes[i] : outer[i - LANES];
        if (layout_span_insert(&span, column)) {
            pass_of[i] = (uint8_t)count;
            passes[count++] = (SelectPass){.reg = column};
        }
    }
    for (unsigned i = 0; i < LANES + outer_bits; i++) {
        uint64_t combo = 0; /* of independent columns only */
        layout_span_solve(&span, i < LANES ? lanes[i] : outer[i - LANES], &combo);
        for (; combo != 0; combo &= combo - 1) {
            SelectPass *pass = &passes[pass_of[bits_low(combo)]];
            if (i < LANES)
                pass->lane_mask |= (uint32_t)1 << i;
            else
                pass->outer_mask |= (uint32_t)1 << (i - LANES);
        }
    }
    return count;
}

static unsigned divide_up(unsigned a, unsigned b) {
    return (a + b - 1) / b;
}

ShuffleCounts layout_shuffle_counts(const ShufflePlan *plan, unsigned elem_bytes) {
    SelectPass pre[LAYOUT_MAX_PASSES], post[LAYOUT_MAX_PASSES];
    unsigned num_pre = layout_select_passes(plan->g, plan->h, plan->outer_bits, pre);
    unsigned num_post = layout_select_passes(plan->f, NULL, 0, post);
    bool stay = lanes_stay(plan);
    unsigned moved = 1u << plan->round_bits;
    if (stay) /* as many rounds stay as S has zeros */
        moved -= 1u << plan->pack_bits;
    unsigned selects = (num_pre << plan->src_bits) + (num_post << plan->dst_bits);
    /* One exchanged bit: what stays is selected there and back by the same bit, that is not at all.
     */
    if (stay && num_pre == 1 && num_post == 1 && pre[0].outer_mask == 0 &&
        pre[0].lane_mask == post[0].lane_mask)
        selects = moved + (1u << plan->dst_bits);
    unsigned pack = elem_bytes < 4 ? 4 / elem_bytes : 1, words = elem_bytes > 4 ? 2 : 1;
    if (pack > 1u << plan->pack_bits)
        pack = 1u << plan->pack_bits;
    return (ShuffleCounts){divide_up(moved, pack) * words, divide_up(selects, pack) * words};
}

void layout_plan_shuffle(const Layout *src, const Layout *dst, unsigned elem_bytes,
                         ShufflePlan *plan) {
    ShufflePlan near;
    layout_plan_shuffle_exact(src, dst, plan);
    if (!layout_plan_shuffle_near(src, dst, &near))
        return;
    ShuffleCounts exact_counts = layout_shuffle_counts(plan, elem_bytes);
    ShuffleCounts near_counts = layout_shuffle_counts(&near, elem_bytes);
    if (near_counts.shuffles * 2 + near_counts.selects <=
        exact_counts.shuffles * 2 + exact_counts.selects)
        *plan = near;
}
