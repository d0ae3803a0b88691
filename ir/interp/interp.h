/* interp.h -- gives tile IR its meaning: runs a kernel over a grid of programs, checking as it
 * goes.
 *
 * The oracle of tkc: slow and exact. One program instance at a time per thread, programs in
 * parallel over the pool's threads, in ascending order unless a seed shuffles it; what a run does
 * and reports depends on the seed and never on the number of threads.
 */
#ifndef TKC_IR_INTERP_INTERP_H
#define TKC_IR_INTERP_INTERP_H

#include <signal.h>

#include "ir/interp/memory.h"
#include "ir/ir.h"
#include "support/threads.h"

/* How far a pointer made from a tensor argument may reach. */
typedef enum BoundsMode {
    BOUNDS_VIEW,       /* the span from the view's first to its last element (default) */
    BOUNDS_ALLOCATION, /* anything in the allocation */
    BOUNDS_ELEMENTS    /* only addresses that are elements of the view */
} BoundsMode;

typedef enum AccessKind { ACCESS_READ, ACCESS_WRITE, ACCESS_ATOMIC } AccessKind;

/* One access to memory by one program, lane by lane, in the order of the tile's elements. */
typedef struct InterpLane {
    int64_t offset; /* bytes from the first element of the parameter's view; may lie outside */
    int param;      /* the kernel parameter that the pointer comes from; -1: none is known */
    bool active;    /* false: masked off, or outside a tensor descriptor's shape */
} InterpLane;
typedef struct InterpAccess {
    const IrOp *op;
    AccessKind kind;
    uint64_t program;   /* linear number: x + grid.x * (y + grid.y * z) */
    const int64_t *pid; /* its three ids */
    size_t size;        /* bytes of an element */
    const InterpLane *lanes;
    size_t num_lanes;
} InterpAccess;
/* Told of every access of a launch, before it is checked and carried out. The lanes are gone when
 * it returns. A launch that is observed runs in one thread. */
typedef struct InterpObserver {
    void *data;
    void (*access)(void *data, const InterpAccess *access);
} InterpObserver;

typedef struct InterpOptions {
    BoundsMode bounds;
    bool checks;  /* false: no bounds, written or race checks (still no crash on wild addresses
                     inside allocations; outside: fault) */
    bool shuffle; /* run programs in the order that `seed` gives */
    uint64_t seed;
    ThreadPool *pool;                    /* NULL: the calling thread */
    FILE *print_out;                     /* where device_print goes (stdout) */
    const volatile sig_atomic_t *cancel; /* non-zero: stop soon; may be NULL */
    /* laid level: a barrier between any two operations is taken for granted, as before the pass
     * that puts them there */
    bool implied_barriers;
    uint64_t max_trips;             /* cancels a launch whose loops make more in all; 0: no limit */
    const InterpObserver *observer; /* or NULL */
} InterpOptions;

typedef enum InterpArgKind { INTERP_SCALAR, INTERP_VIEW, INTERP_DESC } InterpArgKind;
typedef struct InterpArg {
    InterpArgKind kind;
    uint64_t bits; /* SCALAR: the bit pattern of the parameter's type */
    MemView view;  /* VIEW: pointer parameter; DESC: the base */
    /* DESC: shape and strides in elements of the described tensor */
    int64_t desc_shape[MEM_MAX_RANK], desc_strides[MEM_MAX_RANK];
    bool desc_pad_nan;
} InterpArg;

typedef enum InterpStatus {
    INTERP_OK,
    INTERP_FAULT,     /* at least one fault was reported */
    INTERP_CANCELLED, /* options->cancel was set */
    INTERP_REFUSED    /* the kernel needs something cpu does not have; reported */
} InterpStatus;

/* A kernel made ready to run (a flat program over value slots); lives in `arena`. NULL if it
 * was refused (reported to diags with the op's range). */
typedef struct InterpKernel InterpKernel;
InterpKernel *interp_compile(Arena *arena, const IrKernel *kernel, Diags *diags);

/* Which memory a kernel may touch, as far as its text tells: `stores_to` and `loads_from` have a
 * flag for each parameter, in `arena`; `anywhere` means through pointers that come from no
 * parameter, or from inline PTX, which may do what it wants. */
typedef struct InterpReach {
    const bool *stores_to, *loads_from;
    bool stores_anywhere, loads_anywhere;
} InterpReach;
InterpReach interp_reach(Arena *arena, const IrKernel *kernel);

/* Runs grid[0] x grid[1] x grid[2] programs. args: one per kernel parameter, in order. `call` is
 * the host source range of the launch (named in faults), or SRC_NONE. Faults go to diags. */
InterpStatus interp_launch(InterpKernel *kernel, MemSpace *space, const int64_t grid[3],
                           const InterpArg *args, unsigned num_args, const InterpOptions *options,
                           Diags *diags, SrcRange call);

#endif
