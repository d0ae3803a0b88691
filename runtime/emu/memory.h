/* memory.h -- loads, stores, atomic operations and moves of vectors: what decode_memory.c chooses.
 */
#ifndef TKC_RUNTIME_EMU_MEMORY_H
#define TKC_RUNTIME_EMU_MEMORY_H

#include "runtime/emu/machine.h"

void load_exec(Warp *warp, const Inst *inst, uint32_t mask);
void store_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* ld.param and st.param of a call's arguments, which are rows. reg_bytes: of dst; bytes: of a. */
void move_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* mov.b64 %rd, {%r1, %r2} and back. rows: the parts, the lowest first; bytes: of each; dst or a:
 * the whole, of reg_bytes. */
void pack_exec(Warp *warp, const Inst *inst, uint32_t mask);
void unpack_exec(Warp *warp, const Inst *inst, uint32_t mask);

typedef enum AtomicOp {
    ATOMIC_ADD,
    ATOMIC_AND,
    ATOMIC_OR,
    ATOMIC_XOR,
    ATOMIC_EXCH,
    ATOMIC_CAS,
    ATOMIC_MIN,
    ATOMIC_MAX,
    ATOMIC_INC,
    ATOMIC_DEC
} AtomicOp;
/* By its name, `add` and so on; -1: there is none. */
int atomic_find(const char *name);
/* mode: AtomicOp; type; dst: NO_ROW for red; b, c: operands. With count > 1 (red of vectors): rows
 * are the operands. */
void atomic_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* What an atomic operation leaves of `old`. */
uint64_t atomic_result(AtomicOp op, PtxType type, uint64_t old, uint64_t b, uint64_t c);

#endif
