/* copies.h -- asynchronous copies from global to shared memory: what decode_tensor.c chooses. */
#ifndef TKC_RUNTIME_EMU_COPIES_H
#define TKC_RUNTIME_EMU_COPIES_H

#include "runtime/emu/machine.h"

/* Inst.data of copy_exec; the instruction's own address is the destination. */
typedef struct CopyOp {
    uint32_t source; /* row of addresses */
    uint8_t source_bytes;
    int64_t source_offset;
    uint32_t size;   /* NO_ROW, or the row of how many bytes are copied; the rest become zero */
    uint32_t ignore; /* NO_ROW, or the predicate of lanes that copy nothing and write zeros */
    bool ignore_negated;
} CopyOp;
/* cp.async. bytes: of a lane. */
void copy_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* cp.async.commit_group. */
void copy_commit_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* cp.async.wait_group (a: how many groups may be under way) and wait_all (a: NO_ROW). */
void copy_wait_exec(Warp *warp, const Inst *inst, uint32_t mask);

/* Time passes: with a seed, copies that may land at any time do so or not. */
void copies_drift(Warp *warp);
/* A block begins: there are none. */
void copies_forget(Warp *warp);

#endif
