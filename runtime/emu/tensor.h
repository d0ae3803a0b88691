/* tensor.h -- matrix products of a warp, and matrices between registers and shared memory: what
 * decode_tensor.c chooses. All of them need all 32 lanes. */
#ifndef TKC_RUNTIME_EMU_TENSOR_H
#define TKC_RUNTIME_EMU_TENSOR_H

#include "runtime/emu/machine.h"

enum { MMA_N = 8, MMA_MAX_M = 16, MMA_MAX_K = 32, MMA_MAX_REGS = 8 };

/* Inst.data of mma_exec. A register of A or B has `pack` elements, one behind the other along k. */
typedef struct MmaOp {
    unsigned m, k, pack;
    PtxType a_type, b_type, acc;
    bool saturates;       /* s32: the result stays at the end of its range */
    uint32_t flop, slots; /* what it does and costs */
    unsigned num_a, num_b, num_acc;
    uint32_t a[MMA_MAX_REGS], b[MMA_MAX_REGS], c[MMA_MAX_REGS], d[MMA_MAX_REGS]; /* rows */
} MmaOp;
void mma_exec(Warp *warp, const Inst *inst, uint32_t mask);

/* ldmatrix and stmatrix. a: addresses; rows: `count` of them, one a matrix; flag: transposed; they
 * are accesses of 16 bytes by the first 8 * count lanes. */
void load_matrix_exec(Warp *warp, const Inst *inst, uint32_t mask);
void store_matrix_exec(Warp *warp, const Inst *inst, uint32_t mask);

/* Raises a fault unless all 32 lanes are there. */
bool whole_warp(Warp *warp, const Inst *inst, uint32_t mask);

#endif
