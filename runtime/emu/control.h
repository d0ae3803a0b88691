/* control.h -- branches, ends of threads, calls: what decode_control.c chooses. */
#ifndef TKC_RUNTIME_EMU_CONTROL_H
#define TKC_RUNTIME_EMU_CONTROL_H

#include "runtime/emu/machine.h"

/* target, reconv. */
void branch_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* brx.idx. a: the index; data: a BranchTable; reconv. */
typedef struct BranchTable {
    unsigned count;
    uint32_t targets[];
} BranchTable;
void branch_table_exec(Warp *warp, const Inst *inst, uint32_t mask);
void exit_exec(Warp *warp, const Inst *inst, uint32_t mask);
void trap_exec(Warp *warp, const Inst *inst, uint32_t mask);
void nothing_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* vprintf. a: format, b: arguments (both 64 bits); dst: NO_ROW or its result. */
void print_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* __assertfail. a: message, b: file, c: line (32 bits). */
void assert_exec(Warp *warp, const Inst *inst, uint32_t mask);

/* sync.c. Barriers of blocks and warps have their number in the kernel (from 1) in `target`. */
/* bar.sync. a: barrier; b: threads, or NO_ROW; mode: BarrierKind; c: predicate of bar.red. */
typedef enum BarrierKind {
    BAR_SYNC,
    BAR_ARRIVE,
    BAR_RED_POPC,
    BAR_RED_AND,
    BAR_RED_OR
} BarrierKind;
void barrier_exec(Warp *warp, const Inst *inst, uint32_t mask);
void warp_sync_exec(Warp *warp, const Inst *inst, uint32_t mask); /* a: lanes */
/* shfl.sync. a: value, b: lane or distance, c: limits, d: lanes; dst2: predicate; mode. */
typedef enum ShuffleKind { SHFL_UP, SHFL_DOWN, SHFL_BFLY, SHFL_IDX } ShuffleKind;
void shuffle_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* vote.sync. a: predicate (flipped by `flag`), b: lanes; mode. */
typedef enum VoteKind { VOTE_ALL, VOTE_ANY, VOTE_UNI, VOTE_BALLOT } VoteKind;
void vote_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* match.sync. a: value of reg_bytes, b: lanes; flag: all; dst2: predicate. */
void match_exec(Warp *warp, const Inst *inst, uint32_t mask);
void active_mask_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* redux.sync. a: value, b: lanes; mode: an AtomicOp; type. */
void redux_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* elect.sync. dst: NO_ROW or the lane; dst2: predicate; a: lanes. */
void elect_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* mov from %clock and its kin. reg_bytes. */
void clock_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* isspacep. a: generic address; mode: AccessSpace; dst: predicate. */
void is_space_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* add.cc and its kin. mode: CarryOp; flag: writes the carry row c; d: third source of mad. */
typedef enum CarryOp {
    CARRY_ADD,
    CARRY_ADDC,
    CARRY_SUB,
    CARRY_SUBC,
    CARRY_MAD_LO,
    CARRY_MADC_LO,
    CARRY_MAD_HI,
    CARRY_MADC_HI
} CarryOp;
void carry_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* lop3. mode: the truth table; a, b, c. */
void lop3_exec(Warp *warp, const Inst *inst, uint32_t mask);

#endif
