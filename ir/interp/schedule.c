/* schedule.c -- which program runs when, and where.
 *
 * Programs are numbered by rank, the place in the order of execution: ascending, or shuffled by a
 * seed. The shuffle is a Feistel network over the ranks (Luby and Rackoff 1988): a permutation
 * that needs no table.
 *
 * Programs of a kernel without atomics cannot see each other, so threads take them in any order.
 * All others run in one thread. A program there runs until it is done or seems to wait (a polling
 * loop went round many times); then it is put aside with its frame, and the next one starts.
 * Programs put aside are tried again each time their number has doubled, and in turn once all have
 * started: whoever they wait for gets to run, and trying costs a constant factor only.
 */
#include <stdatomic.h>
#include <string.h>

#include "ir/interp/launch.h"

#define FLUSH_BYTES (64u << 10)

/* ---- order
 * ------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x) { /* SplitMix64's finaliser (Steele, Lea and Flood 2014) */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t feistel(uint64_t value, unsigned half_bits, uint64_t key) {
    uint64_t mask = (UINT64_C(1) << half_bits) - 1;
    uint64_t left = value >> half_bits, right = value & mask;
    for (uint64_t round = 0; round < 4; round++) {
        uint64_t next = left ^ (mix(right + key + round * UINT64_C(0x9e3779b97f4a7c15)) & mask);
        left = right;
        right = next;
    }
    return left << half_bits | right;
}

uint64_t launch_order(const Launch *launch, uint64_t rank) {
    if (!launch->options->shuffle || launch->num_programs < 2)
        return rank;
    unsigned half_bits = 1;
    while (UINT64_C(1) << (2 * half_bits) < launch->num_programs)
        half_bits++;
    uint64_t index = rank;
    do /* the network permutes a larger, even power of two: walk until inside */
        index = feistel(index, half_bits, launch->options->seed);
    while (index >= launch->num_programs);
    return index;
}

void launch_pid(const Launch *launch, uint64_t index, int64_t pid[3]) {
    uint64_t x = (uint64_t)launch->grid[0], y = (uint64_t)launch->grid[1];
    pid[0] = (int64_t)(index % x);
    pid[1] = (int64_t)(index / x % y);
    pid[2] = (int64_t)(index / x / y);
}

static void start_program(const Launch *launch, Program *program, uint64_t rank, uint8_t *frame) {
    *program = (Program){.rank = rank, .index = launch_order(launch, rank), .frame = frame};
    launch_pid(launch, program->index, program->pid);
}

/* ---- one execution context
 * ---------------------------------------------------------------------------- */

static void exec_init(Exec *exec, Launch *launch, Arena *arena) {
    const InterpKernel *kernel = launch->kernel;
    *exec = (Exec){.kernel = kernel, .launch = launch, .arena = arena};
    exec->base[BASE_CONST] = kernel->constants;
    exec->base[BASE_LAUNCH] = launch->slots;
    exec->scratch = arena_alloc(arena, kernel->scratch_size + 8, 64);
}

static uint8_t *new_frame(const Launch *launch, Arena *arena) {
    return arena_alloc(arena, launch->kernel->frame_size + 8, 64);
}

static StopReason run_program(Exec *exec, Program *program) {
    exec->program = program;
    exec->base[BASE_FRAME] = program->frame;
    exec_run(exec);
    return exec->stop;
}

/* ---- several threads
 * ------------------------------------------------------------------------------------ */

typedef struct Worker {
    OomHandler oom; /* threads must not jump out: each catches its own */
    Arena *arena;
    Exec exec;
    uint8_t *frame;
    bool has_fault;
    Fault fault;
} Worker;

typedef struct Parallel {
    Launch *launch;
    Worker *workers;
    atomic_bool replay, cancelled, oom;
    _Atomic uint64_t first_fault; /* lowest rank of a program that faulted */
} Parallel;

static bool worker_start(Parallel *run, Worker *worker) {
    if (worker->frame != NULL)
        return true;
    worker->oom.fail_after = -1;
    if (setjmp(worker->oom.jump))
        return false;
    worker->arena = arena_create(&worker->oom);
    exec_init(&worker->exec, run->launch, worker->arena);
    worker->frame = new_frame(run->launch, worker->arena);
    return true;
}

static void keep_first_fault(Parallel *run, Worker *worker) {
    uint64_t rank = worker->exec.fault.rank, seen = atomic_load(&run->first_fault);
    if (!worker->has_fault || rank < worker->fault.rank) {
        worker->fault = worker->exec.fault;
        worker->has_fault = true;
    }
    while (rank < seen && !atomic_compare_exchange_weak(&run->first_fault, &seen, rank)) {
        /* `seen` was renewed */
    }
}

static void run_one(Parallel *run, Worker *worker, uint64_t rank) {
    Program program;
    start_program(run->launch, &program, rank, worker->frame);
    switch (run_program(&worker->exec, &program)) {
    case STOP_FAULT:
        if (run->launch->shadow != NULL)
            atomic_store(&run->replay, true);
        else
            keep_first_fault(run, worker);
        break;
    case STOP_REPLAY:
        atomic_store(&run->replay, true);
        break;
    case STOP_CANCEL:
        atomic_store(&run->cancelled, true);
        break;
    case STOP_NONE:
    case STOP_DONE:
    case STOP_YIELD:
    case STOP_END:
        break;
    }
}

static bool must_stop(Parallel *run, uint64_t rank) {
    const volatile sig_atomic_t *cancel = run->launch->options->cancel;
    if (cancel != NULL && *cancel != 0)
        atomic_store(&run->cancelled, true);
    return atomic_load(&run->replay) || atomic_load(&run->cancelled) || atomic_load(&run->oom) ||
           rank > atomic_load(&run->first_fault);
}

static void give_up(Parallel *run) {
    atomic_store(&run->oom, true);
    if (run->launch->shadow != NULL)
        shadow_abandon(run->launch->shadow);
}

static void run_range(void *context, int64_t begin, int64_t end, unsigned number) {
    Parallel *run = context;
    Worker *worker = &run->workers[number];
    if (!worker_start(run, worker)) {
        give_up(run);
        return;
    }
    if (setjmp(worker->oom.jump)) {
        give_up(run);
        return;
    }
    for (int64_t rank = begin; rank < end && !must_stop(run, (uint64_t)rank); rank++)
        run_one(run, worker, (uint64_t)rank);
}

static RunEnd parallel_end(Parallel *run, unsigned threads) {
    if (atomic_load(&run->oom))
        return RUN_OOM;
    if (atomic_load(&run->cancelled))
        return RUN_CANCEL;
    if (atomic_load(&run->replay))
        return RUN_REPLAY;
    bool found = false;
    for (unsigned i = 0; i < threads; i++) {
        const Worker *worker = &run->workers[i];
        if (worker->has_fault && (!found || worker->fault.rank < run->launch->fault.rank)) {
            run->launch->fault = worker->fault;
            found = true;
        }
    }
    return found ? RUN_FAULT : RUN_OK;
}

RunEnd schedule_parallel(Launch *launch, unsigned threads) {
    Parallel run = {.launch = launch};
    run.workers = ARENA_ARRAY(launch->arena, Worker, threads);
    atomic_store(&run.first_fault, UINT64_MAX);
    int64_t count = (int64_t)launch->num_programs;
    int64_t grain = count / (8 * (int64_t)threads);
    grain = grain < 1 ? 1 : grain > 64 ? 64 : grain;
    threads_for(launch->options->pool, count, grain, run_range, &run);
    RunEnd end = parallel_end(&run, threads);
    if (end == RUN_REPLAY) /* before the arenas with what was saved go */
        shadow_undo(launch->shadow);
    for (unsigned i = 0; i < threads; i++)
        arena_destroy(run.workers[i].arena);
    return end;
}

/* ---- one thread
 * ------------------------------------------------------------------------------------------- */

typedef struct Queue {
    Program *first, *last;
    uint64_t count;
} Queue;

static void queue_add(Queue *queue, Program *program) {
    program->next = NULL;
    if (queue->last != NULL)
        queue->last->next = program;
    else
        queue->first = program;
    queue->last = program;
    queue->count++;
}

static Program *queue_take(Queue *queue) {
    Program *program = queue->first;
    queue->first = program->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    return program;
}

typedef struct Sequential {
    Launch *launch;
    Exec exec;
    Queue waiting;
    Program *unused;   /* programs that are done, with their frames */
    uint64_t next;     /* rank of the next one to start */
    uint64_t retry_at; /* waiting programs are tried again when there are so many */
    bool flush;
} Sequential;

static Program *take_unused(Sequential *run) {
    Program *program = run->unused;
    if (program != NULL) {
        run->unused = program->next;
        return program;
    }
    program = ARENA_NEW(run->launch->arena, Program);
    program->frame = new_frame(run->launch, run->launch->arena);
    return program;
}

/* Runs until the program is done or waits; false: the whole run ends, *end says how. */
static bool run_turn(Sequential *run, Program *program, RunEnd *end) {
    StopReason stop = run_program(&run->exec, program);
    if (run->flush && run->launch->prints.len > FLUSH_BYTES)
        launch_flush_prints(run->launch);
    switch (stop) {
    case STOP_YIELD:
        queue_add(&run->waiting, program);
        return true;
    case STOP_FAULT:
        run->launch->fault = run->exec.fault;
        *end = RUN_FAULT;
        return false;
    case STOP_REPLAY:
        *end = RUN_REPLAY;
        return false;
    case STOP_CANCEL:
        *end = RUN_CANCEL;
        return false;
    case STOP_NONE:
    case STOP_DONE:
    case STOP_END:
        break;
    }
    program->next = run->unused;
    run->unused = program;
    return true;
}

static bool retry_waiting(Sequential *run, RunEnd *end) {
    for (uint64_t n = run->waiting.count; n > 0; n--)
        if (!run_turn(run, queue_take(&run->waiting), end))
            return false;
    run->retry_at = 2 * run->waiting.count;
    return true;
}

static bool start_next(Sequential *run, RunEnd *end) {
    Program *program = take_unused(run);
    start_program(run->launch, program, run->next++, program->frame);
    return run_turn(run, program, end);
}

RunEnd schedule_sequential(Launch *launch, bool flush) {
    Sequential run = {.launch = launch, .retry_at = 1, .flush = flush};
    RunEnd end = RUN_OK;
    exec_init(&run.exec, launch, launch->arena);
    run.exec.prints = &launch->prints;
    run.exec.can_yield = launch->num_programs > 1;
    const volatile sig_atomic_t *cancel = launch->options->cancel;
    while (run.next < launch->num_programs || run.waiting.count > 0) {
        if (cancel != NULL && *cancel != 0)
            return RUN_CANCEL;
        bool start = run.next < launch->num_programs &&
                     (run.waiting.count == 0 || run.waiting.count < run.retry_at);
        if (start ? !start_next(&run, &end) : !retry_waiting(&run, &end))
            return end;
        if (run.waiting.count == 0)
            run.retry_at = 1;
    }
    return RUN_OK;
}
