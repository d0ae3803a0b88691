/* layout_convert.c -- the choice of how to convert one layout to another.
 *
 * Which kind is needed follows from spans: a result column that the source's registers and lanes
 * cannot make means that some thread needs an element its warp does not hold, and equal warp
 * columns on both sides have difference 0, so duplicates force no detour. Among what is possible,
 * estimated clocks decide.
 *
 * Example: `<4; reg i0; lane i1 . . . .>` to `<4; reg i1; lane i0 . . . .>` is a shuffle; with i0
 * in a warp bit it would go through shared memory.
 */
#include "ir/layout_convert.h"

#include <assert.h>

static bool contains(const LayoutSpan *span, const uint32_t *vectors, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (!layout_span_has(span, vectors[i]))
            return false;
    return true;
}

static bool contains_change(const LayoutSpan *span, const Layout *src, const Layout *dst,
                            LayoutDim dim) {
    const uint32_t *from = layout_columns(src, dim), *to = layout_columns(dst, dim);
    for (unsigned i = 0; i < src->nin[dim]; i++)
        if (!layout_span_has(span, from[i] ^ to[i]))
            return false;
    return true;
}

/* Whether warps (blocks, if `block`) hold all that they need. */
static bool stays_inside(const Layout *src, const Layout *dst, bool block) {
    unsigned inside = src->nin[LL_REG] + src->nin[LL_LANE],
             needed = dst->nin[LL_REG] + dst->nin[LL_LANE];
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, src->col, inside + (block ? src->nin[LL_WARP] : 0));
    return contains(&span, dst->col, needed + (block ? dst->nin[LL_WARP] : 0)) &&
           (block || contains_change(&span, src, dst, LL_WARP)) &&
           contains_change(&span, src, dst, LL_BLOCK);
}

static ConvertKind kind_inside(const ShufflePlan *plan) {
    return layout_shuffle_counts(plan, 4).shuffles == 0 ? CONVERT_REGISTER : CONVERT_SHUFFLE;
}

ConvertKind layout_convert_kind(const Layout *src, const Layout *dst) {
    assert(src->nin[LL_WARP] == dst->nin[LL_WARP] && src->nin[LL_BLOCK] == dst->nin[LL_BLOCK]);
    if (layout_equal(src, dst))
        return CONVERT_NONE;
    if (!stays_inside(src, dst, true))
        return CONVERT_CLUSTER;
    if (!stays_inside(src, dst, false))
        return CONVERT_SHARED;
    ShufflePlan plan;
    layout_plan_shuffle(src, dst, 4, &plan);
    return kind_inside(&plan);
}

/* Rates of one multiprocessor: a warp's shuffle takes a clock of its 32 lanes, two selects do, and
 * 128 bytes of shared memory move a clock; a round with its barriers takes 64 clocks, 24 if only
 * warps wait. */
unsigned layout_shuffle_cost(const ShufflePlan *plan, unsigned elem_bytes, unsigned num_warps) {
    ShuffleCounts counts = layout_shuffle_counts(plan, elem_bytes);
    return num_warps * counts.shuffles + num_warps * counts.selects / 2;
}

unsigned layout_shared_cost(const SharedPlan *plan, unsigned num_warps, bool warp_only) {
    return num_warps * (plan->store.wavefronts + plan->load.wavefronts) +
           ((warp_only ? 24u : 64u) << plan->round_bits);
}

void layout_plan_convert(const Layout *src, const Layout *dst, const SharedOptions *options,
                         ConvertPlan *plan) {
    unsigned num_warps = 1u << src->nin[LL_WARP];
    plan->warp_only = false;
    plan->kind = CONVERT_NONE;
    if (layout_equal(src, dst))
        return;
    plan->kind = CONVERT_CLUSTER;
    if (!stays_inside(src, dst, true))
        return;
    plan->warp_only = stays_inside(src, dst, false);
    if (plan->warp_only) {
        layout_plan_shuffle(src, dst, options->elem_bytes, &plan->shuffle);
        plan->kind = kind_inside(&plan->shuffle);
        if (plan->kind == CONVERT_REGISTER)
            return;
    }
    layout_plan_shared(src, dst, options, &plan->shared);
    if (plan->kind == CONVERT_CLUSTER ||
        layout_shuffle_cost(&plan->shuffle, options->elem_bytes, num_warps) >
            layout_shared_cost(&plan->shared, num_warps, true))
        plan->kind = CONVERT_SHARED;
}
