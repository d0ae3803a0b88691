/* run.c -- runs a block: which warp goes next, and one instruction after the other.
 *
 * With seed 0 warps take turns, each until it waits or its turn is over. With another seed an
 * adversary chooses the warp and the length of its turn, often very short, so that what is not
 * ordered by barriers happens in unexpected orders. A block keeps its state between calls, so that
 * blocks that wait for each other can take turns, too (launch.c).
 */
#include "runtime/emu/copies.h"

enum { TURN = 4096, SHORT_TURN = 24 };

uint64_t emu_random(uint64_t *state) { /* splitmix64 (Steele et al., OOPSLA 2014) */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- starting -------------------------------------------------------------------------------- */

static void fill_row(Warp *warp, uint32_t row, unsigned bytes, uint64_t bits) {
    uint64_t values[LANES];
    for (unsigned l = 0; l < LANES; l++)
        values[l] = bits;
    if (bytes == 1) /* a predicate */
        *row_pred(warp, row) = bits != 0 ? ALL_LANES : 0;
    else
        row_store(warp, row, bytes, values, ALL_LANES);
}

/* What does not change from block to block: immediates and lane masks. */
static void fill_constants(Warp *warp) {
    const EmuKernel *kernel = warp->cta->worker->launch->kernel;
    for (size_t i = 0; i < kernel->num_inits; i++) {
        const RowInit *init = &kernel->inits[i];
        fill_row(warp, init->row, init->bytes, init->bits);
    }
}

Cta *cta_create(Worker *worker) {
    if (worker->free_ctas != NULL) {
        Cta *cta = worker->free_ctas;
        worker->free_ctas = cta->next;
        return cta;
    }
    const Launch *launch = worker->launch;
    const EmuKernel *kernel = launch->kernel;
    Arena *arena = worker->arena;
    Cta *cta = ARENA_NEW(arena, Cta);
    cta->worker = worker;
    cta->num_warps = launch->num_warps;
    cta->num_threads = launch->num_threads;
    cta->warps = ARENA_ARRAY(arena, Warp, launch->num_warps);
    cta->shared = arena_alloc(arena, launch->shared_size + 64, 1024);
    if (kernel->copies)
        cta->coming = arena_alloc(arena, launch->shared_size + 64, 1024);
    size_t cells = launch->shared_size / kernel->shared_granule + 1;
    cta->cells = ARENA_ARRAY(arena, ShadowCell, cells);
    for (unsigned i = 0; i < launch->num_warps; i++) {
        Warp *warp = &cta->warps[i];
        warp->cta = cta;
        warp->index = i;
        warp->code = kernel->code;
        warp->counts = worker->counts;
        warp->rows = arena_alloc(arena, kernel->row_bytes, 64);
        warp->seen = ARENA_ARRAY(arena, uint32_t, launch->num_warps);
        warp->local = arena_alloc(arena, kernel->local_size * LANES + 1, 64);
        fill_constants(warp);
    }
    return cta;
}

static uint64_t special_value(const Cta *cta, unsigned reg, unsigned thread) {
    const Launch *launch = cta->worker->launch;
    const unsigned *block = launch->block;
    unsigned lane = thread % LANES;
    switch (reg) {
    case SREG_TID_X:
        return thread % block[0];
    case SREG_TID_Y:
        return thread / block[0] % block[1];
    case SREG_TID_Z:
        return thread / (block[0] * block[1]);
    case SREG_NTID_X:
    case SREG_NTID_Y:
    case SREG_NTID_Z:
        return block[reg - SREG_NTID_X];
    case SREG_CTAID_X:
    case SREG_CTAID_Y:
    case SREG_CTAID_Z:
        return (uint64_t)cta->id[reg - SREG_CTAID_X];
    case SREG_CLUSTERID_X:
        return (uint64_t)cta->id[0];
    case SREG_NCTAID_X:
    case SREG_NCTAID_Y:
    case SREG_NCTAID_Z:
        return (uint64_t)launch->what->grid[reg - SREG_NCTAID_X];
    case SREG_NCLUSTERID_X:
        return (uint64_t)launch->what->grid[0];
    case SREG_LANEID:
        return lane;
    case SREG_WARPID:
        return thread / LANES;
    case SREG_NWARPID:
        return launch->num_warps;
    case SREG_LANEMASK_EQ:
        return LANE_BIT(lane);
    case SREG_LANEMASK_LT:
        return LANE_BIT(lane) - 1;
    case SREG_LANEMASK_LE:
        return LANE_BIT(lane) | (LANE_BIT(lane) - 1);
    case SREG_LANEMASK_GT:
        return ~(LANE_BIT(lane) | (LANE_BIT(lane) - 1));
    case SREG_LANEMASK_GE:
        return ~(LANE_BIT(lane) - 1);
    case SREG_TOTAL_SMEM:
        return launch->shared_size;
    case SREG_DYNAMIC_SMEM:
        return launch->what->dynamic_shared;
    case SREG_NSMID:
    case SREG_CLUSTER_NCTAID_X:
    case SREG_CLUSTER_NCTAID_Y:
    case SREG_CLUSTER_NCTAID_Z:
    case SREG_CLUSTER_NCTARANK:
        return 1;
    default: /* one multiprocessor, one cluster, rank 0 */
        break;
    }
    return 0;
}

static void fill_specials(Warp *warp) {
    const EmuKernel *kernel = warp->cta->worker->launch->kernel;
    for (unsigned reg = 0; reg < SREG_COUNT; reg++) {
        if (kernel->special_rows[reg] == NO_ROW)
            continue;
        uint64_t values[LANES];
        for (unsigned l = 0; l < LANES; l++)
            values[l] = special_value(warp->cta, reg, warp->index * LANES + l);
        row_store(warp, kernel->special_rows[reg], reg == SREG_GRIDID ? 8 : 4, values, ALL_LANES);
    }
}

void cta_start(Cta *cta, int64_t position) {
    Launch *launch = cta->worker->launch;
    uint64_t linear = (launch->order_a * (uint64_t)position + launch->order_b) % launch->num_ctas;
    const int64_t *grid = launch->what->grid;
    cta->position = position;
    cta->linear = linear;
    cta->id[0] = (int64_t)linear % grid[0];
    cta->id[1] = (int64_t)linear / grid[0] % grid[1];
    cta->id[2] = (int64_t)linear / grid[0] / grid[1];
    cta->next_warp = 0;
    cta->steps = 0;
    cta->print = NULL;
    cta->rng = launch->options->seed ^ linear * UINT64_C(0xd1342543de82ef95);
    memset(cta->barriers, 0, sizeof cta->barriers);
    shared_start(cta);
    for (unsigned i = 0; i < cta->num_warps; i++) {
        unsigned left = cta->num_threads - i * LANES;
        fill_specials(&cta->warps[i]);
        copies_forget(&cta->warps[i]);
        warp_start(&cta->warps[i], left >= LANES ? ALL_LANES : LANE_BIT(left) - 1);
    }
}

/* ---- running --------------------------------------------------------------------------------- */

/* Up to `turn` instructions; how many were executed. */
static uint64_t run_warp(Warp *warp, uint64_t turn) {
    const Inst *code = warp->code;
    uint64_t step = 0;
    while (step < turn && warp->state == WARP_RUNS) {
        const Inst *inst = &code[warp->pc];
        uint32_t mask = warp->active & (*row_pred(warp, inst->guard) ^ inst->guard_flip);
        EmuCounts *counts = counts_of(warp, inst);
        counts->warp_insts++;
        counts->thread_insts += count_lanes(mask);
        warp->pc++;
        step++;
        if (mask != 0)
            inst->exec(warp, inst, mask);
        if (warp->pc == warp->reconv)
            warp_reconverge(warp);
    }
    return step;
}

static Warp *choose_warp(Cta *cta) {
    unsigned first = cta->next_warp;
    if (cta->worker->launch->options->seed != 0)
        first = (unsigned)(emu_random(&cta->rng) % cta->num_warps);
    for (unsigned i = 0; i < cta->num_warps; i++) {
        Warp *warp = &cta->warps[(first + i) % cta->num_warps];
        if (warp->state == WARP_RUNS) {
            cta->next_warp = (warp->index + 1) % cta->num_warps;
            return warp;
        }
    }
    return NULL;
}

static uint64_t turn_length(Cta *cta) {
    if (cta->worker->launch->options->seed == 0)
        return TURN;
    uint64_t random = emu_random(&cta->rng);
    return random % 8 == 0 ? TURN / 8 : 1 + (random >> 8) % SHORT_TURN;
}

/* No warp runs: all have ended, or some wait for what does not come. */
static CtaStatus finish(Cta *cta) {
    const Warp *waiting = NULL, *ended = NULL;
    bool several = false;
    for (unsigned i = 0; i < cta->num_warps; i++) {
        Warp *warp = &cta->warps[i];
        if (warp->state == WARP_DONE)
            ended = warp;
        else if (waiting == NULL)
            waiting = warp;
        else if (warp->barrier != waiting->barrier)
            several = true;
    }
    if (waiting == NULL)
        return CTA_DONE;
    Warp *first = &cta->warps[waiting->index];
    DiagId id = ended != NULL && !several ? DIAG_EMU_BARRIER_DIVERGENT : DIAG_EMU_DEADLOCK;
    Fault *fault = fault_raise(first, first->waiting, id, first->live, 0);
    fault->other_thread = ended != NULL ? ended->index * LANES : 0;
    fault->address = first->barrier;
    return CTA_FAULTED;
}

static CtaStatus check_limits(Cta *cta, Warp *warp) {
    const EmuOptions *options = cta->worker->launch->options;
    if (options->cancel != NULL && *options->cancel != 0)
        return CTA_CANCELLED;
    uint64_t limit = options->max_steps != 0 ? options->max_steps : UINT64_C(1) << 33;
    if (cta->steps <= limit)
        return CTA_DONE;
    fault_raise(warp, &warp->code[warp->pc], DIAG_EMU_ENDLESS, warp->active, 0)->address = limit;
    return CTA_FAULTED;
}

CtaStatus cta_run(Cta *cta, uint64_t steps) {
    uint64_t until = cta->steps + steps;
    while (cta->steps < until) {
        Warp *warp = choose_warp(cta);
        if (warp == NULL)
            return finish(cta);
        cta->steps += run_warp(warp, turn_length(cta));
        if (warp->state == WARP_FAULTED)
            return CTA_FAULTED;
        if (warp->state == WARP_RUNS) {
            CtaStatus status = check_limits(cta, warp);
            if (status != CTA_DONE)
                return status;
        }
    }
    return CTA_YIELDS;
}
