/* emu.h -- runs PTX text on a machine that has no GPU, and says what a GPU would have seen.
 *
 * A module is PTX read and decoded; a kernel of it is launched over a grid. The machine executes
 * one instruction of a warp at a time for its 32 lanes, finds faults (docs/emulator.md lists them)
 * and counts. It knows PTX and nothing of what the PTX was made from.
 *
 *     EmuModule *module = emu_module_load(arena, diags, text, len, "add.ptx");
 *     EmuKernel *kernel = module ? emu_module_find(module, "add") : NULL;
 *     EmuArg args[] = {{.view = &x, .name = "x"}, {.bits = 1000, .name = "n"}};
 *     EmuLaunch launch = {.grid = {4, 1, 1}, .args = args, .num_args = 2, .options = &options};
 *     EmuStatus status = emu_launch(kernel, space, &launch, diags, NULL);
 */
#ifndef TKC_RUNTIME_EMU_EMU_H
#define TKC_RUNTIME_EMU_EMU_H

#include <signal.h>

#include "ir/interp/memory.h"
#include "support/diag.h"
#include "support/threads.h"

typedef struct EmuModule EmuModule;
typedef struct EmuKernel EmuKernel;
typedef struct EmuCounters EmuCounters;

/* NULL: the text is no PTX, or it has an instruction that the machine does not know; reported.
 * `text` need not outlive the call; `name` stands for it in messages and must outlive the module,
 * as must `arena` and the source set of `diags`. */
EmuModule *emu_module_load(Arena *arena, Diags *diags, const char *text, size_t len,
                           const char *name);
/* A kernel (.entry) by its name; NULL: there is none. */
EmuKernel *emu_module_find(EmuModule *module, const char *name);
/* The only kernel of a module, or its first one; NULL if it has none. */
EmuKernel *emu_module_first(EmuModule *module);

unsigned emu_kernel_num_params(const EmuKernel *kernel);
/* Barriers of blocks and of warps in its code; the source place of one of them (1: the first), and
 * whether a launch that `counters` saw executed it. */
unsigned emu_kernel_num_barriers(const EmuKernel *kernel);
SrcRange emu_kernel_barrier(const EmuKernel *kernel, unsigned number, SourceSet *sources,
                            const EmuCounters *counters, bool *executed);
/* Bytes of a parameter. */
size_t emu_kernel_param_size(const EmuKernel *kernel, unsigned index);

/* How far a pointer made from an argument may reach; as in ir/interp. */
typedef enum EmuBounds { EMU_BOUNDS_VIEW, EMU_BOUNDS_ALLOCATION, EMU_BOUNDS_ELEMENTS } EmuBounds;

typedef struct EmuOptions {
    EmuBounds bounds;
    bool checks;           /* false: no bounds of views, no races, no reads of unwritten memory */
    uint64_t seed;         /* 0: blocks ascending, warps in turn; else an adversary's choice */
    unsigned skip_barrier; /* for tests: that barrier of the kernel (1: the first) does nothing */
    uint64_t max_steps;    /* warp instructions of a block before it counts as endless; 0: 2^33 */
    ThreadPool *pool;      /* NULL: the calling thread */
    FILE *print_out;       /* where vprintf goes */
    const volatile sig_atomic_t *cancel; /* non-zero: stop soon; may be NULL */
} EmuOptions;

typedef struct EmuArg {  /* one per .param of the kernel */
    uint64_t bits;       /* the value, unless `view` is given */
    const MemView *view; /* a pointer to its first element */
    const char *name;    /* what faults call it; may be NULL */
} EmuArg;

typedef struct EmuLaunch {
    int64_t grid[3];
    unsigned block[3]; /* threads; 0: what .reqntid says */
    size_t dynamic_shared;
    const EmuArg *args;
    unsigned num_args;
    const EmuOptions *options;
    SrcRange call; /* the launch in the host program, or SRC_NONE */
} EmuLaunch;

typedef enum EmuStatus { EMU_OK, EMU_FAULT, EMU_CANCELLED, EMU_REFUSED } EmuStatus;

/* What one PTX instruction did in all threads of a launch. */
typedef struct EmuCounts {
    uint64_t warp_insts, thread_insts;
    uint64_t requests;             /* accesses of a warp to global memory */
    uint64_t sectors, sectors_min; /* 32-byte sectors touched; enough for the bytes asked for */
    uint64_t wavefronts, wavefronts_min; /* passes over the banks of shared memory */
    uint64_t divergent;                  /* branches that a warp took both ways */
    uint64_t atomics;                    /* lanes that did an atomic operation */
    uint64_t barriers;                   /* arrivals of warps at a barrier */
    uint64_t mma_flop, mma_slots;        /* of matrix products: operations, and what they cost */
    uint64_t async_bytes;                /* written to shared memory by asynchronous copies */
} EmuCounts;

/* Counters of a kernel, by the index of its instructions; launches add to them. */
struct EmuCounters {
    const EmuKernel *kernel;
    EmuCounts *insts;
    size_t num_insts;
};
EmuCounters *emu_counters_create(Arena *arena, const EmuKernel *kernel);
/* The sum over all instructions. */
EmuCounts emu_counters_total(const EmuCounters *counters);
void emu_counts_add(EmuCounts *sum, const EmuCounts *counts);
/* What a launch costs, in issue slots of a multiprocessor (docs/emulator.md, "Cost"). */
double emu_cost(const EmuCounts *total);

/* Runs the kernel. Faults are reported to `diags`; `counters` may be NULL. */
EmuStatus emu_launch(EmuKernel *kernel, MemSpace *space, const EmuLaunch *launch, Diags *diags,
                     EmuCounters *counters);

#endif
