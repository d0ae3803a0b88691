/* machine.h -- the machine: decoded instructions, register rows, warps, blocks.
 *
 * A register of a warp is a row: its 32 lanes side by side, as wide as the register's type; a
 * predicate is one word with a bit a lane. All rows of a warp lie in one block of memory, and an
 * instruction names them by byte offset. Immediates and special registers are rows too, filled
 * before the block starts, so that an instruction never asks what kind of operand it has:
 *
 *     add.s32 %r3, %r1, 5       exec = add_u32, dst = row of %r3, a = row of %r1, b = row of 5s
 *
 * Generic addresses carry what they belong to in their upper 16 bits: 1, 2, ... for what the
 * kernel's arguments point to, so that an access is checked against the tensor its pointer was made
 * from, however far it strayed; 0 for plain addresses of the host's memory; the rest below.
 */
#ifndef TKC_RUNTIME_EMU_MACHINE_H
#define TKC_RUNTIME_EMU_MACHINE_H

#include <string.h>

#include "runtime/emu/emu.h"
#include "runtime/emu/ptx.h"

enum { LANES = 32, MAX_BARRIERS = 16, MAX_WARPS = 32 };
#define ALL_LANES UINT32_C(0xffffffff)
#define NO_PC     UINT32_C(0xffffffff)

/* Upper 16 bits of generic addresses. */
enum {
    TAG_HOST = 0,
    TAG_FIRST_ARG = 1, /* up to TAG_FIRST_VAR - 1: arguments of the launch */
    TAG_FIRST_VAR = 0x4000,
    TAG_SHARED = 0x7001,
    TAG_LOCAL = 0x7002,
    TAG_PARAM = 0x7003
};
#define TAG_SHIFT    48
#define ADDRESS_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)
/* Offsets of .shared and .local variables begin here, so that address 0 is never one. */
#define WINDOW_START UINT64_C(1024)
#define SHARED_LIMIT (UINT64_C(227) << 10) /* bytes a block may have, on the largest target */

typedef struct Inst Inst;
typedef struct Warp Warp;
typedef struct Cta Cta;
typedef struct Worker Worker;
typedef struct Launch Launch;
typedef struct GlobalLine GlobalLine;

/* Executes an instruction for the lanes of `mask`, which is not empty. The program counter stands
 * at the next instruction already. */
typedef void (*InstExec)(Warp *warp, const Inst *inst, uint32_t mask);

/* Rows by the type of their elements. */
typedef union Row16 {
    uint16_t u[LANES];
    int16_t s[LANES];
} Row16;
typedef union Row32 {
    uint32_t u[LANES];
    int32_t s[LANES];
    float f[LANES];
} Row32;
typedef union Row64 {
    uint64_t u[LANES];
    int64_t s[LANES];
    double f[LANES];
} Row64;

struct Inst {
    InstExec exec;
    uint32_t guard, guard_flip; /* lanes: active & (row guard ^ flip) */
    uint32_t dst, dst2, a, b, c, d;
    uint32_t ptx;            /* index of the PTX instruction */
    uint32_t target, reconv; /* of branches */
    int64_t offset;          /* added to addresses */
    uint8_t space;           /* AccessSpace */
    uint8_t bytes, count;    /* of memory accesses: of an element; elements a lane */
    uint8_t reg_bytes;       /* width of the registers in `rows` (or of dst) */
    uint8_t address_bytes;   /* width of the row `a` of addresses */
    uint8_t type;            /* PtxType */
    uint8_t mode, mode2;     /* what the exec function wants to know more */
    bool is_signed, flag;
    bool ordered;         /* volatile, acquire, ...: orders itself */
    bool by_warp;         /* what a lane's address names, several lanes read or write */
    const uint32_t *rows; /* of vectors: `count` of them */
    const void *data;     /* what else it needs */
};

typedef enum AccessSpace {
    SPACE_GENERIC,
    SPACE_GLOBAL,
    SPACE_SHARED,
    SPACE_LOCAL,
    SPACE_PARAM
} AccessSpace;
typedef enum EmuAccess { EMU_READ, EMU_WRITE, EMU_ATOMIC } EmuAccess;

/* Special registers that are rows. */
typedef enum SpecialReg {
#define SPECIAL(name, text, type) SREG_##name,
#include "runtime/emu/specials.def"
#undef SPECIAL
    SREG_COUNT
} SpecialReg;
#define NO_ROW UINT32_MAX

typedef struct RowInit { /* an immediate, or the address of a variable */
    uint32_t row;
    uint8_t bytes;
    uint64_t bits;
} RowInit;

/* Where a generic address with a tag leads. */
typedef struct Region {
    uint64_t lo, hi;     /* host addresses */
    MemAlloc *alloc;     /* NULL: a variable of the module */
    const MemView *view; /* of an argument */
    const char *name;
} Region;

struct EmuKernel {
    EmuModule *module;
    const PtxFunction *function;
    Inst *code; /* one for each PTX instruction, and an `exit` behind them */
    size_t code_len;
    RowInit *inits;
    size_t num_inits;
    uint32_t special_rows[SREG_COUNT]; /* NO_ROW: not used */
    uint32_t row_bytes;                /* of one warp */
    uint32_t true_row;
    size_t shared_size; /* static bytes */
    size_t local_size;
    size_t param_bytes;
    size_t *param_offsets;
    unsigned shared_granule; /* smallest access to shared memory */
    unsigned global_granule; /* smallest access to global memory */
    unsigned num_barriers;
    bool communicates; /* atomics or ordered accesses: blocks may wait for each other */
    bool copies;       /* has asynchronous copies */
};

struct EmuModule {
    PtxModule *ptx;
    Arena *arena;
    VEC(EmuKernel *) kernels;
    Region *vars; /* one per PtxModule.vars */
};

/* ---- faults ---------------------------------------------------------------------------------- */

typedef struct Fault {
    DiagId id; /* DIAG_COUNT: none */
    const Inst *inst;
    unsigned warp, lane;
    uint32_t bad_lanes, lanes; /* masks */
    uint64_t address;
    size_t size;
    EmuAccess access;
    const Region *region;
    /* of races: the other access */
    const Inst *other;
    unsigned other_thread;
    bool other_wrote;
    bool needs_all; /* of exchanges: all 32 lanes must take part */
    const char *text;
    int64_t cta[3];
} Fault;

/* ---- shared memory --------------------------------------------------------------------------- */

/* Who touched a granule of shared memory last. A stamp is a warp's clock, its number, and the lane
 * (LANE_MANY: several); 0: nobody in this block. */
typedef struct ShadowCell {
    uint32_t write, read, read_other; /* the last two readers of different warps */
    uint32_t write_pc, read_pc;
} ShadowCell;
#define STAMP_LANE_BITS 6u
#define STAMP_WARP_BITS 5u
#define LANE_MANY       32u
#define LANE_ATOMIC     33u
#define MAX_CLOCK       ((UINT32_C(1) << (32 - STAMP_LANE_BITS - STAMP_WARP_BITS)) - 1)
#define CLOCK_IN_FLIGHT                                                                            \
    MAX_CLOCK /* of a copy that its thread has not waited for: after all others */

/* An asynchronous copy of a warp that some of its lanes have not waited for (copies.c). */
typedef struct AsyncCopy {
    const Inst *inst;
    uint32_t open;         /* lanes that have not waited for it */
    uint32_t landed;       /* lanes whose bytes are in place already */
    bool drifts;           /* may land at any time */
    uint32_t to[LANES];    /* offsets in shared memory */
    uint32_t group[LANES]; /* how many groups the lane had committed before */
    uint8_t data[LANES][16];
} AsyncCopy;

typedef struct Barrier {
    unsigned arrived;  /* threads */
    unsigned expected; /* 0: nobody is there */
    uint32_t popcount; /* of bar.red */
    bool all, any;
    uint32_t clocks[MAX_WARPS]; /* what those who arrived have seen: joined */
    const Inst *inst;
} Barrier;

/* ---- warps and blocks ------------------------------------------------------------------------ */

typedef enum WarpState { WARP_RUNS, WARP_WAITS, WARP_DONE, WARP_FAULTED } WarpState;

/* Lanes that wait: to run from `pc` on, until they meet the others at `reconv`. */
typedef struct Path {
    uint32_t pc, reconv, lanes;
} Path;

struct Warp {
    uint8_t *rows;
    const Inst *code;
    EmuCounts *counts;
    uint32_t pc, reconv, active; /* the path that runs */
    uint32_t live, members;      /* lanes that have not ended; lanes that there are */
    VEC(Path) paths;             /* below the one that runs */
    WarpState state;
    unsigned index;
    unsigned barrier;
    const Inst *waiting; /* the barrier instruction it waits at */
    uint32_t clock;
    uint32_t *seen; /* the clock of each warp (its own, too) up to which all is ordered before */
    uint8_t *local;
    VEC(AsyncCopy) copies;
    uint32_t committed[LANES]; /* groups of asynchronous copies */
    Cta *cta;
};

struct Cta {
    Worker *worker;
    int64_t id[3], position; /* in the order of execution */
    uint64_t linear;
    Warp *warps;
    unsigned num_warps, num_threads, next_warp;
    uint8_t *shared, *coming; /* shared memory; what it will be when all copies have landed */
    ShadowCell *cells;        /* of shared memory */
    GlobalLine *lines;        /* of global memory: a hash table (global_races.c) */
    ShadowCell *line_cells;
    unsigned num_lines, cap_lines;
    uint32_t generation; /* of the entries that count */
    uint32_t clock_base; /* stamps up to here are of earlier blocks */
    Barrier barriers[MAX_BARRIERS];
    StrBuf *print;
    uint64_t rng, steps;
    Cta *next;
};

typedef struct Printed { /* what a block printed */
    uint64_t position;
    StrBuf text;
} Printed;

struct Worker {
    Launch *launch;
    OomHandler oom;
    Arena *arena;
    bool out_of_memory;
    EmuCounts *counts;
    Fault fault;
    uint64_t fault_position;
    VEC(Printed) printed;
    Cta *free_ctas;
    Region raw; /* of a plain address */
};

struct Launch {
    EmuKernel *kernel;
    MemSpace *space;
    const EmuLaunch *what;
    const EmuOptions *options;
    Diags *diags;
    Arena *arena;
    unsigned block[3], num_threads, num_warps;
    uint64_t num_ctas;
    size_t shared_size;
    Region *args; /* by argument */
    uint8_t *params;
    uint64_t order_a, order_b; /* blocks in the order a * i + b */
    Worker *workers;
    unsigned num_workers;
};

/* ---- inline helpers -------------------------------------------------------------------------- */

static inline uint32_t *row_pred(const Warp *warp, uint32_t row) {
    return (uint32_t *)(void *)(warp->rows + row);
}
static inline Row16 *row16(const Warp *warp, uint32_t row) {
    return (Row16 *)(void *)(warp->rows + row);
}
static inline Row32 *row32(const Warp *warp, uint32_t row) {
    return (Row32 *)(void *)(warp->rows + row);
}
static inline Row64 *row64(const Warp *warp, uint32_t row) {
    return (Row64 *)(void *)(warp->rows + row);
}

static inline unsigned count_lanes(uint32_t mask) {
    mask -= mask >> 1 & 0x55555555u;
    mask = (mask & 0x33333333u) + (mask >> 2 & 0x33333333u);
    return (((mask + (mask >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24;
}
static inline unsigned first_lane(uint32_t mask) { /* mask != 0 */
    return count_lanes((mask & (0u - mask)) - 1);
}
#define LANE_BIT(lane) (UINT32_C(1) << (lane))
/* for each lane of a mask, ascending: most masks are full */
#define EACH_LANE(lane, mask)                                                                      \
    for (uint32_t lanes_left_ = (mask), lane = 0; lanes_left_ != 0; lanes_left_ >>= 1, lane++)     \
        if ((lanes_left_ & 1) != 0)

/* The low `bytes` bytes, extended by their sign or by zeros. */
static inline uint64_t extend_bits(uint64_t bits, unsigned bytes, bool with_sign) {
    if (bytes >= 8)
        return bits;
    unsigned shift = 64 - 8 * bytes;
    return with_sign ? (uint64_t)((int64_t)(bits << shift) >> shift) : bits << shift >> shift;
}

static inline EmuCounts *counts_of(const Warp *warp, const Inst *inst) {
    return &warp->counts[inst->ptx];
}

/* ---- between the files of the machine -------------------------------------------------------- */

/* rows.c: values of any width as 64-bit integers, extended by sign or by zeros. */
void row_load(const Warp *warp, uint32_t row, unsigned bytes, bool is_signed, uint64_t *out);
void row_store(const Warp *warp, uint32_t row, unsigned bytes, const uint64_t *in, uint32_t mask);

/* faults.c */
Fault *fault_raise(Warp *warp, const Inst *inst, DiagId id, uint32_t lanes, uint32_t bad_lanes);
/* The same for one lane's access; returns false. */
bool fault_access(Warp *warp, const Inst *inst, DiagId id, uint32_t lanes, unsigned lane,
                  uint64_t address, EmuAccess kind, unsigned size);
void fault_tell(const Launch *launch, const Fault *fault);

/* access.c: checks and counts an access of the lanes in `mask` at generic `addresses`, and makes
 * host addresses of them (those of other lanes are left alone). `data`: what will be stored, a
 * StoreData a lane; NULL if unknown. False: a fault. */
enum { MAX_ACCESS = 32 };
typedef uint8_t StoreData[MAX_ACCESS];
bool access_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data);
/* The generic addresses of an instruction's lanes. */
void access_addresses(const Warp *warp, const Inst *inst, uint64_t *addresses);
/* A byte string at a generic address, looked at by one lane outside of any count; NULL: nothing is
 * there. *available: how many bytes there are. */
const uint8_t *access_peek(Warp *warp, unsigned lane, uint64_t address, size_t *available);

/* global.c and shared.c: the same for one space. Addresses of shared memory are offsets. */
bool global_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data);
bool shared_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data);
/* The first half of shared_lanes: addresses become offsets, and are counted. */
bool shared_place(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses);
/* global_races.c: does an access race with another thread of the block? Forgets all that was
 * before: it is ordered now. */
bool global_track(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  const uint64_t *host, const StoreData *data, const Region *region);
void global_forget(Cta *cta);
/* The cells of asynchronous copies: from here on they are in flight; false: a fault. Then that a
 * lane has waited for its copy. */
bool shared_copy_begins(Warp *warp, const AsyncCopy *copy, uint32_t mask);
void shared_copy_ends(Warp *warp, unsigned lane, unsigned size, uint32_t offset);
/* A warp's later accesses to shared memory come after its earlier ones. */
void shared_tick(Warp *warp);
void shared_start(Cta *cta); /* a new block begins: nothing was written */

/* control.c */
void warp_start(Warp *warp, uint32_t members);
void warp_reconverge(Warp *warp);
void warp_exit_lanes(Warp *warp, uint32_t lanes);

/* run.c */
typedef enum CtaStatus { CTA_DONE, CTA_YIELDS, CTA_FAULTED, CTA_CANCELLED } CtaStatus;
Cta *cta_create(Worker *worker);
void cta_start(Cta *cta, int64_t position);
CtaStatus cta_run(Cta *cta, uint64_t steps);
uint64_t emu_random(uint64_t *state);

/* format.c: vprintf of one lane, appended to the block's output. */
bool format_print(Warp *warp, const Inst *inst, unsigned lane, uint64_t format, uint64_t args);
const char *format_string(Warp *warp, const Inst *inst, unsigned lane, uint64_t address);

#endif
