/* launch.c -- one launch: arguments, what they may reach, and which blocks run when.
 *
 * Blocks of a kernel that does not communicate (no atomics, no ordered accesses) run in parallel.
 * Others run on one thread, interleaved: a block that does not end within its turn makes room for
 * the next, so that locks and grid barriers make progress, always in the same order. Either way
 * what a launch does depends on the seed and never on the number of threads: of several faults the
 * one of the first block in the order of execution is reported, and prints appear in that order.
 */
#include <stdatomic.h>

#include "runtime/emu/machine.h"

enum { MAX_RESIDENT = 1024, CTA_TURN = 1 << 16, MAX_THREADS = 1024 };

/* ---- preparing ------------------------------------------------------------------------------- */

static bool refuse(const EmuLaunch *what, const EmuKernel *kernel, Diags *diags, const char *why) {
    diag_report(diags, DIAG_EMU_LAUNCH, what->call, kernel->function->name, why);
    return false;
}

static bool choose_block(Launch *launch) {
    const EmuLaunch *what = launch->what;
    const PtxFunction *function = launch->kernel->function;
    for (unsigned d = 0; d < 3; d++) {
        unsigned asked = what->block[d], required = function->reqntid[d];
        launch->block[d] = asked != 0 ? asked : required != 0 ? required : 1;
        if (asked != 0 && required != 0 && asked != required)
            return refuse(what, launch->kernel, launch->diags,
                          "the block is not as large as .reqntid says");
        if (launch->block[d] > MAX_THREADS)
            return refuse(what, launch->kernel, launch->diags, "a block has at most 1024 threads");
    }
    uint64_t threads = (uint64_t)launch->block[0] * launch->block[1] * launch->block[2];
    if (threads > MAX_THREADS)
        return refuse(what, launch->kernel, launch->diags, "a block has at most 1024 threads");
    launch->num_threads = (unsigned)threads;
    launch->num_warps = (launch->num_threads + LANES - 1) / LANES;
    return true;
}

static bool choose_grid(Launch *launch) {
    const int64_t *grid = launch->what->grid;
    if (grid[0] < 1 || grid[1] < 1 || grid[2] < 1)
        return refuse(launch->what, launch->kernel, launch->diags,
                      "every dimension of the grid must be at least 1");
    if (grid[0] > INT32_MAX || grid[1] > 65535 || grid[2] > 65535)
        return refuse(launch->what, launch->kernel, launch->diags,
                      "a grid has at most 2147483647 x 65535 x 65535 blocks");
    launch->num_ctas = (uint64_t)grid[0] * (uint64_t)grid[1] * (uint64_t)grid[2];
    return true;
}

static bool choose_shared(Launch *launch) {
    const EmuKernel *kernel = launch->kernel;
    uint64_t size = kernel->shared_size + (uint64_t)launch->what->dynamic_shared;
    if (size > SHARED_LIMIT) {
        const char *why = arena_printf(launch->arena,
                                       "it needs %llu bytes of shared memory, and a block has %llu",
                                       (unsigned long long)size, (unsigned long long)SHARED_LIMIT);
        return refuse(launch->what, kernel, launch->diags, why);
    }
    launch->shared_size = (size_t)size;
    return true;
}

static Region region_of(const EmuArg *arg, const EmuOptions *options) {
    const MemView *view = arg->view;
    uint64_t base = (uint64_t)(uintptr_t)view->alloc->data;
    Region region = {.lo = base,
                     .hi = base + view->alloc->size,
                     .alloc = view->alloc,
                     .view = view,
                     .name = arg->name != NULL ? arg->name : "argument"};
    if (options->checks && options->bounds != EMU_BOUNDS_ALLOCATION) {
        size_t lo, hi;
        mem_view_span(view, &lo, &hi);
        region.lo = base + lo;
        region.hi = base + hi;
    }
    return region;
}

static bool set_arguments(Launch *launch) {
    const EmuLaunch *what = launch->what;
    const EmuKernel *kernel = launch->kernel;
    unsigned num_params = emu_kernel_num_params(kernel);
    if (num_params != what->num_args)
        return refuse(what, kernel, launch->diags,
                      arena_printf(launch->arena,
                                   "it has %u parameters, and %u arguments are given", num_params,
                                   what->num_args));
    launch->args = ARENA_ARRAY(launch->arena, Region, what->num_args + 1);
    launch->params = arena_alloc(launch->arena, kernel->param_bytes + 8, 8);
    for (unsigned i = 0; i < num_params; i++) {
        const EmuArg *arg = &what->args[i];
        uint64_t bits = arg->bits;
        size_t size = emu_kernel_param_size(kernel, i);
        if (arg->view != NULL) {
            launch->args[i] = region_of(arg, launch->options);
            uint64_t first = (uint64_t)(uintptr_t)(arg->view->alloc->data + arg->view->offset);
            bits = first | (uint64_t)(TAG_FIRST_ARG + i) << TAG_SHIFT;
        }
        if (size > sizeof bits || (arg->view != NULL && size != sizeof bits))
            return refuse(what, kernel, launch->diags,
                          "an argument does not have the size of its parameter");
        memcpy(launch->params + kernel->param_offsets[i], &bits, size);
    }
    return true;
}

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Position i runs block a * i + b modulo their number, a coprime to it. */
static void choose_order(Launch *launch) {
    uint64_t state = launch->options->seed;
    launch->order_a = 1;
    launch->order_b = 0;
    if (state == 0 || launch->num_ctas > UINT32_MAX)
        return;
    launch->order_b = emu_random(&state) % launch->num_ctas;
    launch->order_a = emu_random(&state) % launch->num_ctas;
    while (gcd(launch->order_a, launch->num_ctas) != 1)
        launch->order_a = (launch->order_a + 1) % launch->num_ctas;
    if (launch->num_ctas == 1)
        launch->order_a = 1;
}

/* ---- workers --------------------------------------------------------------------------------- */

static bool open_workers(Launch *launch) {
    const EmuOptions *options = launch->options;
    bool alone = launch->kernel->communicates || options->pool == NULL;
    launch->num_workers = alone ? 1 : threads_count(options->pool);
    launch->workers = ARENA_ARRAY(launch->arena, Worker, launch->num_workers);
    for (unsigned i = 0; i < launch->num_workers; i++) {
        Worker *worker = &launch->workers[i];
        *worker = (Worker){.launch = launch, .fault_position = UINT64_MAX};
        worker->oom.fail_after = -1;
        worker->fault.id = DIAG_COUNT;
        if (setjmp(worker->oom.jump) != 0)
            return false;
        worker->arena = arena_create(&worker->oom);
        worker->counts = ARENA_ARRAY(worker->arena, EmuCounts, launch->kernel->code_len);
    }
    return true;
}

static void close_workers(Launch *launch) {
    for (unsigned i = 0; i < launch->num_workers; i++)
        arena_destroy(launch->workers[i].arena);
}

static void keep_prints(Worker *worker, Cta *cta) {
    if (cta->print == NULL)
        return;
    Printed printed = {.position = (uint64_t)cta->position, .text = *cta->print};
    vec_push(worker->arena, &worker->printed, printed);
}

typedef struct Shared { /* by all threads of a launch */
    Launch *launch;
    _Atomic uint64_t first_fault; /* position of the first block known to be faulty */
    _Atomic bool cancelled;
} Shared;

static void note_fault(Shared *shared, Worker *worker, const Cta *cta) {
    uint64_t position = (uint64_t)cta->position;
    if (position >= worker->fault_position)
        return;
    worker->fault_position = position;
    uint64_t known = shared->first_fault;
    while (position < known &&
           !atomic_compare_exchange_weak(&shared->first_fault, &known, position)) {
    }
}

/* Runs one block to its end; false: no more blocks are to be run. */
static bool run_block(Shared *shared, Worker *worker, int64_t position) {
    Fault before = worker->fault;
    Cta *cta = cta_create(worker);
    cta_start(cta, position);
    CtaStatus status = cta_run(cta, UINT64_MAX / 2);
    keep_prints(worker, cta);
    cta->next = worker->free_ctas;
    worker->free_ctas = cta;
    if (status == CTA_CANCELLED)
        shared->cancelled = true;
    if (status == CTA_FAULTED) {
        if ((uint64_t)position >= worker->fault_position)
            worker->fault = before;
        note_fault(shared, worker, cta);
    }
    return status != CTA_CANCELLED;
}

static void run_blocks(void *context, int64_t begin, int64_t end, unsigned index) {
    Shared *shared = context;
    Worker *worker = &shared->launch->workers[index];
    if (worker->out_of_memory || setjmp(worker->oom.jump) != 0) {
        worker->out_of_memory = true;
        shared->first_fault = 0;
        return;
    }
    for (int64_t position = begin; position < end; position++)
        if (shared->cancelled || (uint64_t)position > shared->first_fault ||
            !run_block(shared, worker, position))
            return;
}

/* ---- blocks that may wait for each other ----------------------------------------------------- */

typedef struct Residents {
    Cta *list[MAX_RESIDENT];
    unsigned count;
    int64_t next; /* position of the next block to start */
    uint64_t rng;
} Residents;

static void admit(Residents *residents, Worker *worker) {
    Cta *cta = cta_create(worker);
    cta_start(cta, residents->next++);
    residents->list[residents->count++] = cta;
}

static uint64_t resident_turn(Residents *residents, const EmuOptions *options) {
    return options->seed == 0 ? CTA_TURN : 1 + emu_random(&residents->rng) % 1024;
}

static void run_interleaved(Shared *shared) {
    Launch *launch = shared->launch;
    Worker *worker = &launch->workers[0];
    if (setjmp(worker->oom.jump) != 0) {
        worker->out_of_memory = true;
        return;
    }
    Residents *residents = ARENA_NEW(worker->arena, Residents);
    residents->rng = launch->options->seed;
    /* An adversary begins with several blocks; else the next one begins when the others wait. */
    unsigned wanted = launch->options->seed == 0 ? 1 : 4, turn = 0;
    int64_t num_ctas = (int64_t)launch->num_ctas;
    for (;;) {
        while (residents->next < num_ctas && residents->count < wanted)
            admit(residents, worker);
        if (residents->count == 0)
            return;
        unsigned at = turn++ % residents->count;
        if (launch->options->seed != 0)
            at = (unsigned)(emu_random(&residents->rng) % residents->count);
        Cta *cta = residents->list[at];
        CtaStatus status = cta_run(cta, resident_turn(residents, launch->options));
        if (status == CTA_YIELDS) {
            bool all_had_a_turn = at + 1 == residents->count;
            if (all_had_a_turn && wanted < MAX_RESIDENT)
                wanted = residents->count + 1;
            continue;
        }
        keep_prints(worker, cta);
        if (status == CTA_FAULTED)
            note_fault(shared, worker, cta);
        shared->cancelled = status == CTA_CANCELLED;
        if (status != CTA_DONE)
            return;
        memmove(&residents->list[at], &residents->list[at + 1],
                (residents->count - at - 1) * sizeof residents->list[0]);
        residents->count--;
        cta->next = worker->free_ctas;
        worker->free_ctas = cta;
    }
}

/* ---- results --------------------------------------------------------------------------------- */

/* The texts of all blocks, by position. */
static void print_all(const Launch *launch, uint64_t last) {
    size_t at[64] = {0}; /* workers print in ascending order each: merge them */
    unsigned workers = launch->num_workers < 64 ? launch->num_workers : 64;
    for (;;) {
        const Printed *next = NULL;
        unsigned whose = 0;
        for (unsigned i = 0; i < workers; i++) {
            const Worker *worker = &launch->workers[i];
            if (at[i] < worker->printed.len &&
                (next == NULL || worker->printed.data[at[i]].position < next->position)) {
                next = &worker->printed.data[at[i]];
                whose = i;
            }
        }
        if (next == NULL || next->position > last)
            return;
        at[whose]++;
        fwrite(next->text.data, 1, next->text.len, launch->options->print_out);
    }
}

void emu_counts_add(EmuCounts *sum, const EmuCounts *counts) {
    sum->warp_insts += counts->warp_insts;
    sum->thread_insts += counts->thread_insts;
    sum->requests += counts->requests;
    sum->sectors += counts->sectors;
    sum->sectors_min += counts->sectors_min;
    sum->wavefronts += counts->wavefronts;
    sum->wavefronts_min += counts->wavefronts_min;
    sum->divergent += counts->divergent;
    sum->atomics += counts->atomics;
    sum->barriers += counts->barriers;
    sum->mma_flop += counts->mma_flop;
    sum->mma_slots += counts->mma_slots;
    sum->async_bytes += counts->async_bytes;
}

EmuCounters *emu_counters_create(Arena *arena, const EmuKernel *kernel) {
    EmuCounters *counters = ARENA_NEW(arena, EmuCounters);
    counters->kernel = kernel;
    counters->num_insts = kernel->function->insts.len;
    counters->insts = ARENA_ARRAY(arena, EmuCounts, counters->num_insts + 1);
    return counters;
}

EmuCounts emu_counters_total(const EmuCounters *counters) {
    EmuCounts total = {0};
    for (size_t i = 0; i < counters->num_insts; i++)
        emu_counts_add(&total, &counters->insts[i]);
    return total;
}

double emu_cost(const EmuCounts *total) {
    enum { INST = 1, WAVEFRONT = 4, SECTOR = 9, ATOMIC = 4, BARRIER = 20, REQUEST = 4 };
    return (double)total->warp_insts * INST + (double)total->wavefronts * WAVEFRONT +
           (double)total->requests * REQUEST + (double)total->sectors * SECTOR +
           (double)total->atomics * ATOMIC + (double)total->barriers * BARRIER +
           (double)total->mma_slots;
}

static EmuStatus conclude(Launch *launch, const Shared *shared, EmuCounters *counters) {
    const Worker *first = NULL;
    for (unsigned i = 0; i < launch->num_workers; i++) {
        const Worker *worker = &launch->workers[i];
        if (worker->out_of_memory)
            oom_raise(arena_oom(launch->arena));
        if (worker->fault.id != DIAG_COUNT &&
            (first == NULL || worker->fault_position < first->fault_position))
            first = worker;
        for (size_t k = 0; counters != NULL && k < counters->num_insts; k++)
            emu_counts_add(&counters->insts[k], &worker->counts[k]);
    }
    if (launch->options->print_out != NULL)
        print_all(launch, first != NULL ? first->fault_position : UINT64_MAX);
    if (first != NULL)
        fault_tell(launch, &first->fault);
    return first != NULL ? EMU_FAULT : shared->cancelled ? EMU_CANCELLED : EMU_OK;
}

EmuStatus emu_launch(EmuKernel *kernel, MemSpace *space, const EmuLaunch *what, Diags *diags,
                     EmuCounters *counters) {
    Arena *arena = diags_arena(diags);
    Launch *launch = ARENA_NEW(arena, Launch);
    *launch = (Launch){.kernel = kernel,
                       .space = space,
                       .what = what,
                       .options = what->options,
                       .diags = diags,
                       .arena = arena};
    if (!choose_block(launch) || !choose_grid(launch) || !choose_shared(launch) ||
        !set_arguments(launch))
        return EMU_REFUSED;
    choose_order(launch);
    Shared shared = {.launch = launch, .first_fault = UINT64_MAX};
    if (!open_workers(launch)) {
        close_workers(launch);
        oom_raise(arena_oom(arena));
    }
    if (kernel->communicates)
        run_interleaved(&shared);
    else if (launch->num_workers == 1)
        run_blocks(&shared, 0, (int64_t)launch->num_ctas, 0);
    else
        threads_for(what->options->pool, (int64_t)launch->num_ctas, 1, run_blocks, &shared);
    EmuStatus status = conclude(launch, &shared, counters);
    close_workers(launch);
    return status;
}
