/* sync.c -- barriers, and what lanes of a warp tell each other: shuffles, votes, matches.
 *
 * A barrier collects whole warps: bar.sync by some lanes of a warp only (the others have ended, or
 * took another branch) is a fault, as is an exchange that names lanes that take no part.
 *
 *     bar.sync 0;                       all warps of the block
 *     bar.sync 1, 64;                   the first two warps that come
 *     shfl.sync.bfly.b32 %r2|%p1, %r1, 16, 31, -1;
 */
#include "runtime/emu/control.h"
#include "runtime/emu/copies.h"
#include "runtime/emu/memory.h"

static void release(Cta *cta, unsigned number) {
    Barrier *barrier = &cta->barriers[number];
    for (unsigned i = 0; i < cta->num_warps; i++) {
        Warp *warp = &cta->warps[i];
        if (warp->state != WARP_WAITS || warp->barrier != number)
            continue;
        for (unsigned k = 0; k < cta->num_warps; k++)
            if (barrier->clocks[k] > warp->seen[k])
                warp->seen[k] = barrier->clocks[k];
        const Inst *inst = warp->waiting;
        if (inst->mode == BAR_RED_POPC) {
            EACH_LANE(lane, warp->live)
            row32(warp, inst->dst)->u[lane] = barrier->popcount;
        } else if (inst->mode == BAR_RED_AND || inst->mode == BAR_RED_OR) {
            bool result = inst->mode == BAR_RED_AND ? barrier->all : barrier->any;
            uint32_t *dst = row_pred(warp, inst->dst);
            *dst = (*dst & ~warp->live) | (result ? warp->live : 0);
        }
        warp->state = WARP_RUNS;
        warp->waiting = NULL;
    }
    if (barrier->expected == cta->num_warps * LANES)
        global_forget(cta); /* all warps have met */
    *barrier = (Barrier){0};
}

static bool barrier_is_divergent(Warp *warp, const Inst *inst, uint32_t mask) {
    uint32_t missing = warp->members & ~mask;
    if (missing == 0)
        return false;
    fault_raise(warp, inst, DIAG_EMU_BARRIER_DIVERGENT, mask, missing);
    return true;
}

static void arrive(Warp *warp, const Inst *inst, uint32_t mask, Barrier *barrier) {
    Cta *cta = warp->cta;
    if (barrier->expected == 0) {
        barrier->all = true;
        barrier->inst = inst;
        barrier->expected = cta->num_warps * LANES;
        if (inst->b != NO_ROW)
            barrier->expected = row32(warp, inst->b)->u[first_lane(mask)];
    }
    for (unsigned k = 0; k < cta->num_warps; k++)
        if (warp->seen[k] > barrier->clocks[k])
            barrier->clocks[k] = warp->seen[k];
    barrier->clocks[warp->index] = warp->clock;
    barrier->arrived += LANES;
    if (inst->mode >= BAR_RED_POPC) {
        uint32_t set = (*row_pred(warp, inst->c) ^ (inst->flag ? ALL_LANES : 0)) & mask;
        barrier->popcount += count_lanes(set);
        barrier->all = barrier->all && set == mask;
        barrier->any = barrier->any || set != 0;
    }
}

/* A test leaves the barrier out. */
static bool is_skipped(const Warp *warp, const Inst *inst) {
    return inst->target == warp->cta->worker->launch->options->skip_barrier;
}

void barrier_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    Cta *cta = warp->cta;
    if (is_skipped(warp, inst))
        return;
    uint32_t number = row32(warp, inst->a)->u[first_lane(mask)];
    counts_of(warp, inst)->barriers++;
    if (barrier_is_divergent(warp, inst, mask))
        return;
    if (number >= MAX_BARRIERS) {
        fault_raise(warp, inst, DIAG_EMU_BARRIER_NUMBER, mask, mask)->address = number;
        return;
    }
    copies_drift(warp);
    Barrier *barrier = &cta->barriers[number];
    arrive(warp, inst, mask, barrier);
    shared_tick(warp);
    if (inst->mode != BAR_ARRIVE) {
        warp->state = WARP_WAITS;
        warp->barrier = number;
        warp->waiting = inst;
    }
    if (barrier->arrived >= barrier->expected)
        release(cta, number);
}

/* The lanes that an exchange names must take part in it, and it must name those that do. */
static bool takes_part(Warp *warp, const Inst *inst, uint32_t mask, uint32_t row) {
    uint32_t named = row32(warp, row)->u[first_lane(mask)];
    uint32_t absent = named & ~mask & warp->members, unnamed = mask & ~named;
    if (absent == 0 && unnamed == 0)
        return true;
    fault_raise(warp, inst, DIAG_EMU_SYNC_LANES, mask, absent != 0 ? absent : unnamed)
        ->other_wrote = absent != 0;
    return false;
}

void warp_sync_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (!is_skipped(warp, inst) && takes_part(warp, inst, mask, inst->a))
        shared_tick(warp);
}

void shuffle_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (!takes_part(warp, inst, mask, inst->d))
        return;
    const uint32_t *a = row32(warp, inst->a)->u, *b = row32(warp, inst->b)->u;
    const uint32_t *c = row32(warp, inst->c)->u;
    uint32_t out[LANES], inside = 0;
    EACH_LANE(lane, mask) {
        uint32_t step = b[lane] & 31, clamp = c[lane] & 31, segment = c[lane] >> 8 & 31;
        uint32_t highest = (lane & segment) | (clamp & ~segment), lowest = lane & segment;
        uint32_t from = lane;
        bool in_range = true;
        switch ((ShuffleKind)inst->mode) {
        case SHFL_UP:
            from = lane - step;
            in_range = (int32_t)from >= (int32_t)highest;
            break;
        case SHFL_DOWN:
            from = lane + step;
            in_range = from <= highest;
            break;
        case SHFL_BFLY:
            from = lane ^ step;
            in_range = from <= highest;
            break;
        case SHFL_IDX:
            from = lowest | (step & ~segment);
            in_range = from <= highest;
            break;
        }
        out[lane] = a[in_range ? from & 31 : lane];
        inside |= in_range ? LANE_BIT(lane) : 0;
    }
    uint32_t *d = row32(warp, inst->dst)->u;
    EACH_LANE(target, mask)
    d[target] = out[target];
    if (inst->dst2 != NO_ROW) {
        uint32_t *p = row_pred(warp, inst->dst2);
        *p = (*p & ~mask) | inside;
    }
}

void vote_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (!takes_part(warp, inst, mask, inst->b))
        return;
    uint32_t set = (*row_pred(warp, inst->a) ^ (inst->flag ? ALL_LANES : 0)) & mask;
    if (inst->mode == VOTE_BALLOT) {
        EACH_LANE(lane, mask)
        row32(warp, inst->dst)->u[lane] = set;
        return;
    }
    bool all = set == mask, any = set != 0;
    bool result = inst->mode == VOTE_ALL ? all : inst->mode == VOTE_ANY ? any : all || !any;
    uint32_t *dst = row_pred(warp, inst->dst);
    *dst = (*dst & ~mask) | (result ? mask : 0);
}

void match_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (!takes_part(warp, inst, mask, inst->b))
        return;
    uint64_t values[LANES];
    row_load(warp, inst->a, inst->reg_bytes, false, values);
    uint32_t all = mask, groups[LANES];
    EACH_LANE(lane, mask) {
        groups[lane] = 0;
        for (unsigned other = 0; other < LANES; other++)
            groups[lane] |= values[other] == values[lane] ? mask & LANE_BIT(other) : 0;
        all &= groups[lane];
    }
    EACH_LANE(target, mask)
    row32(warp, inst->dst)->u[target] = !inst->flag ? groups[target] : all == mask ? mask : 0;
    if (inst->dst2 != NO_ROW) {
        uint32_t *p = row_pred(warp, inst->dst2);
        *p = (*p & ~mask) | (all == mask ? mask : 0);
    }
}

void active_mask_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    EACH_LANE(lane, mask)
    row32(warp, inst->dst)->u[lane] = warp->active;
}

void redux_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (!takes_part(warp, inst, mask, inst->b))
        return;
    const uint32_t *a = row32(warp, inst->a)->u;
    uint64_t result = a[first_lane(mask)];
    EACH_LANE(lane, mask & (mask - 1))
    result = (uint32_t)atomic_result((AtomicOp)inst->mode, (PtxType)inst->type, result, a[lane], 0);
    EACH_LANE(target, mask)
    row32(warp, inst->dst)->u[target] = (uint32_t)result;
}

void elect_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (!takes_part(warp, inst, mask, inst->a))
        return;
    unsigned leader = first_lane(mask);
    uint32_t *p = row_pred(warp, inst->dst2);
    *p = (*p & ~mask) | LANE_BIT(leader);
    if (inst->dst != NO_ROW)
        EACH_LANE(lane, mask)
    row32(warp, inst->dst)->u[lane] = leader;
}
