/* program.h -- inside the interpreter: a kernel as a flat program over value slots.
 *
 * A slot is a place for one IR value: an array of its elements in native types (i1 as uint8_t 0 or
 * 1, f16, bf16 and fp8 as bit patterns, pointers as uint64_t). Slots lie in one of three memories:
 *
 *     constants   known when the kernel is compiled: filled once
 *     launch      known when it is launched (arguments, and what follows from them alone)
 *     frame       of one program instance
 *
 * A program instance is its frame, its position in the code and its ids: nothing of it lives on
 * the C stack between two instructions, so that it can be put aside and resumed.
 */
#ifndef TKC_IR_INTERP_PROGRAM_H
#define TKC_IR_INTERP_PROGRAM_H

#include <pthread.h>

#include "ir/interp/interp.h"

/* ---- pointers -------------------------------------------------------------------------------- */

/* Low 48 bits: the address. High 16 bits: what it may touch, 1 + an index into the launch's
 * regions; 0: nothing known, an address that points nowhere. */
#define PTR_ADDRESS_BITS 48
#define PTR_ADDRESS      ((UINT64_C(1) << PTR_ADDRESS_BITS) - 1)
#define PTR_MAX_REGIONS  0xffff

static inline uint64_t ptr_make(uint64_t address, uint64_t region_tag) {
    return (address & PTR_ADDRESS) | region_tag << PTR_ADDRESS_BITS;
}
static inline uint64_t ptr_address(uint64_t ptr) {
    return ptr & PTR_ADDRESS;
}
static inline uint64_t ptr_tag(uint64_t ptr) {
    return ptr >> PTR_ADDRESS_BITS;
}

/* What a pointer may touch: a kernel argument's view, or an allocation. */
typedef struct ShadowAlloc ShadowAlloc;
typedef struct Region {
    uint64_t lo, hi; /* addresses that may be touched: [lo, hi) */
    MemAlloc *alloc;
    const MemView *view; /* NULL: a pointer made from an integer */
    int param;           /* index of the kernel parameter, or -1 */
    ShadowAlloc *shadow; /* who touched what; NULL: not tracked */
} Region;

/* A tensor descriptor in a slot. */
typedef struct DescValue {
    uint64_t base; /* pointer */
    unsigned rank;
    bool pad_nan;
    int64_t shape[MEM_MAX_RANK], strides[MEM_MAX_RANK]; /* in elements */
} DescValue;

/* ---- code ------------------------------------------------------------------------------------ */

typedef enum SlotBase { BASE_FRAME, BASE_CONST, BASE_LAUNCH, BASE_COUNT } SlotBase;
/* Byte offset (a multiple of 8) into a memory, with the memory's SlotBase in the low two bits. */
typedef uint64_t SlotRef;

static inline SlotRef slot_ref(SlotBase base, size_t offset) {
    return (SlotRef)offset | (SlotRef)base;
}

typedef struct Exec Exec;
typedef struct Inst Inst;
/* Executes one instruction; false: the program cannot go on (exec->stop says why). */
typedef bool (*ExecFn)(Exec *exec, const Inst *inst);
/* An elementwise operation over n elements; unused operands are NULL or ignored. */
typedef void (*EltFn)(void *dst, const void *a, const void *b, const void *c, size_t n);

#define COUNT_DYNAMIC                                                                              \
    SIZE_MAX /* the number of elements is exec->width (inside a fold's region)                     \
              */

struct Inst {
    ExecFn exec;
    EltFn elt;
    const SlotRef *dst;
    const SlotRef *src; /* the op's operands; at least three entries, so that elt may read them */
    const void *info;   /* of the instruction's kind */
    const IrOp *op;     /* NULL for instructions that move values around */
    size_t count;       /* elements of the result, or of the first operand if there is none */
    size_t size;        /* bytes of one such element */
    uint32_t target;    /* jumps */
    int32_t loop;       /* innermost loop around the op: index into kernel->loops; -1: none */
};

typedef struct LoopInfo { /* for messages: which trip of which loop */
    SlotRef index;        /* the induction variable's slot */
    size_t index_size;    /* 4 or 8 */
    const char *name;     /* of the induction variable, or NULL */
    int32_t outer;
} LoopInfo;

typedef struct Code {
    Inst *insts;
    size_t len;
} Code;

typedef struct MemoryOp { /* an op that reads or writes memory */
    const IrOp *op;
    bool reads, writes;
    bool *params; /* [num params] the arguments it may touch */
} MemoryOp;

struct InterpKernel {
    const IrKernel *ir;
    Arena *arena;
    Code body, launch_setup;
    size_t frame_size, launch_size;
    uint8_t *constants;
    size_t scratch_size;   /* bytes an instruction may want for itself */
    const SlotRef *params; /* launch slots of the parameters */
    LoopInfo *loops;
    bool has_atomics; /* of any order */
    bool has_sync;    /* atomics that order: acquire, release or both */
    bool has_volatile;
    bool has_print;
    VEC(MemoryOp) memory_ops;
    bool *stores_to;      /* [num params]: a store or atomic may reach this argument */
    bool *loads_from;     /* the same for loads and atomics */
    bool stores_anywhere; /* through a pointer that does not come from an argument */
    bool loads_anywhere;
    bool makes_ptrs;     /* from integers, or loads them */
    bool casts_ptrs;     /* to another pointee */
    unsigned min_access; /* bytes of the finest access in the kernel */
};

/* ---- execution ------------------------------------------------------------------------------- */

typedef enum StopReason {
    STOP_NONE,
    STOP_DONE,   /* the program is finished */
    STOP_YIELD,  /* it seems to wait for another program */
    STOP_FAULT,  /* exec->fault holds what went wrong */
    STOP_REPLAY, /* something must be looked at again, in order */
    STOP_CANCEL,
    STOP_END /* the end of a fold's region */
} StopReason;

typedef struct Fault {
    DiagId id;
    const Inst *inst;
    uint64_t rank; /* place of the program in the order of execution */
    int64_t pid[3];
    size_t lane; /* the first bad element (row-major), and how many of how many */
    size_t bad, lanes;
    uint64_t address;   /* memory faults */
    size_t access_size; /* bytes of one element */
    const Region *region;
    bool has_iteration;
    int64_t iteration;
    const char *iteration_name;
    uint64_t other; /* races: index of the earlier program */
    bool other_wrote;
    int kind; /* races: AccessKind of the later access */
    bool has_values;
    uint64_t old_bits, new_bits; /* what the earlier program left, what the later one stores */
    const char *text;            /* what is wrong, where a row needs words */
} Fault;

typedef struct Program {
    uint64_t index; /* linear id: x + grid.x * (y + grid.y * z) */
    uint64_t rank;  /* place in the order of execution */
    int64_t pid[3];
    uint32_t pc;
    uint32_t polls; /* back edges of polling loops in this turn */
    uint8_t *frame;
    struct Program *next;    /* in a queue */
    struct Knowledge *knows; /* what is ordered before it; order.c */
    uint32_t epoch;          /* number of its releases so far */
} Program;

typedef struct Launch Launch;
typedef struct Shadow Shadow;

struct Exec {
    uint8_t *base[BASE_COUNT];
    const InterpKernel *kernel;
    Launch *launch;
    Program *program;
    size_t width;   /* elements of COUNT_DYNAMIC instructions */
    uint64_t trips; /* of all loops so far; counted if options->max_trips limits them */
    StopReason stop;
    bool can_yield;
    Fault fault;
    uint8_t *scratch;         /* kernel->scratch_size bytes */
    Arena *arena;             /* of this worker, for shadow cells; freed with the launch */
    const Region *last_found; /* for pointers made from integers: often the same again */
    Region own_region;        /* when the launch's table is full */
    StrBuf *prints;
};

static inline void *slot(const Exec *exec, SlotRef ref) {
    return exec->base[ref & 3] + (ref & ~(SlotRef)3);
}
static inline size_t inst_count(const Exec *exec, const Inst *inst) {
    return inst->count == COUNT_DYNAMIC ? exec->width : inst->count;
}

/* Runs from exec->program->pc until something stops it. */
void exec_run(Exec *exec);
/* Sets exec->fault (op, place, iteration) and stops; returns false for `return exec_fault(...)`. */
bool exec_fault(Exec *exec, const Inst *inst, DiagId id, size_t lane, size_t bad, size_t lanes);

/* What one launch shares among its workers. */
struct Launch {
    InterpKernel *kernel;
    MemSpace *space;
    const InterpOptions *options;
    const InterpArg *args;
    unsigned num_args;
    int64_t grid[3];
    uint64_t num_programs;
    Region *regions; /* one an argument, then one an allocation that integers point into */
    uint32_t num_regions, max_regions; /* guarded by `lock` */
    pthread_mutex_t lock;
    Shadow *shadow; /* NULL: races are not looked for */
    uint8_t *slots; /* the launch memory */
    Diags *diags;
    SrcRange call;
    Arena *arena;
    StrBuf prints;
    bool report; /* this run is in the order to report from: faults and races are final */
    bool warned_same_value;
    bool out_of_memory;
    Fault fault; /* the first one */
};
/* The region of an address, for pointers that came out of integers; NULL: it points nowhere. */
const Region *launch_find_region(Exec *exec, uint64_t address);
/* A pointer made from an integer: it belongs to the allocation it points into. */
uint64_t launch_make_ptr(Exec *exec, uint64_t address);
/* exec->fault is a race in which both programs write the same value: reported once a launch. */
void launch_warn_same_value(Exec *exec);

/* The hardware's rule that a descriptor breaks, in words; NULL: none. `size`: of an element. */
const char *descriptor_rule_broken(const DescValue *desc, size_t size);

/* ---- choosing code for an op (compile.c asks these) ------------------------------------------ */

/* The elementwise function of an op; NULL: this op has none for its types. */
EltFn elt_int(IrOpcode code, IrTypeKind kind);
EltFn elt_cmpi(INT_PRED_Enum pred, IrTypeKind kind);
EltFn elt_float(IrOpcode code, IrTypeKind kind);
EltFn elt_cmpf(FLOAT_PRED_Enum pred, IrTypeKind kind);
EltFn elt_cast(const IrOp *op);
EltFn elt_select(size_t size);

/* Fills `inst` (exec, info) for an op that is not plainly elementwise; false: not such an op. Each
 * file takes its own. `scratch` receives the bytes of scratch the op wants. */
bool prepare_shape(Arena *arena, const IrOp *op, Inst *inst);
bool prepare_memory(Arena *arena, const IrOp *op, Inst *inst, size_t *scratch);
bool prepare_atomic(Arena *arena, const IrOp *op, Inst *inst);
bool prepare_descriptor(Arena *arena, const IrOp *op, Inst *inst);
struct SharedPlan;
bool prepare_dot(Arena *arena, const struct SharedPlan *shared, const IrOp *op, Inst *inst,
                 size_t *scratch);
bool prepare_effect(Arena *arena, const IrOp *op, Inst *inst);
bool prepare_libcall(Arena *arena, const IrOp *op, Inst *inst);

/* Instructions without an op. */
bool exec_elementwise(Exec *exec, const Inst *inst);
bool exec_divide(Exec *exec, const Inst *inst); /* elementwise, b = 0 is a fault */
bool exec_copy(Exec *exec, const Inst *inst);   /* src[0] to dst[0], count * size bytes */
bool exec_splat(Exec *exec, const Inst *inst);
bool exec_jump(Exec *exec, const Inst *inst);
bool exec_branch_unless(Exec *exec, const Inst *inst);
bool exec_back_edge(Exec *exec, const Inst *inst); /* jumps; cancellation is seen here */
bool exec_poll_edge(Exec *exec, const Inst *inst); /* ... of a loop that may wait for others */
bool exec_for_begin(Exec *exec, const Inst *inst);
bool exec_for_test(Exec *exec, const Inst *inst);
bool exec_for_next(Exec *exec, const Inst *inst);
bool exec_done(Exec *exec, const Inst *inst);
bool exec_end_region(Exec *exec, const Inst *inst);
bool exec_reduce(Exec *exec, const Inst *inst);
bool exec_scan(Exec *exec, const Inst *inst);

#endif
