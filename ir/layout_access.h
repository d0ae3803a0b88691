/* layout_access.h -- what code generation reads off a layout: vectors, dead registers, bank
 * conflicts, and the steps of reductions and scans.
 *
 * All of it wants one-hot layouts in canonical form, except the bank model, which takes any linear
 * map.
 */
#ifndef TKC_IR_LAYOUT_ACCESS_H
#define TKC_IR_LAYOUT_ACCESS_H

#include "ir/layout.h"

/* ---- vectors and padding: layout_vector.c -----------------------------------------------------*/

/* How many of `bits` (`count` element bits, unit vectors, in order, from the first) are each held
 * by exactly one register column and touched by no other column. */
unsigned layout_run_bits(const Layout *layout, const uint32_t *bits, unsigned count);
/* The same for the low bits of an axis: a thread holds aligned runs of 1 << (result) neighbours. */
unsigned layout_axis_run_bits(const Layout *layout, unsigned axis);

/* What is known of a global access along `axis`; lengths in elements, each a power of two or any
 * number whose factor of two counts; 0 means without limit. */
typedef struct LayoutAccess {
    unsigned axis;
    unsigned elem_bytes; /* 1, 2, 4, 8 */
    uint64_t contiguity; /* runs of this length, aligned in the tile, have consecutive addresses */
    uint64_t mask_constancy; /* runs of this length, aligned in the tile, have one mask value */
    uint64_t alignment;      /* of the address where each contiguous run begins, in bytes */
} LayoutAccess;
/* log2 of the elements that one instruction can move, at most 16 bytes. */
unsigned layout_vector_bits(const Layout *layout, const LayoutAccess *access);

/* The registers of a vector access of 1 << bits elements along an axis: one instruction for each
 * register `first` with (first & mask) == 0, whose mask is that of `first`'s element. */
typedef struct LayoutVector {
    unsigned bits;
    uint32_t mask;      /* the register bits inside a vector */
    uint8_t reg_bit[4]; /* bit i of the place in the vector is this bit of the register number */
} LayoutVector;
/* `bits` is at most layout_axis_run_bits(layout, axis), and 4. */
LayoutVector layout_vector(const Layout *layout, unsigned axis, unsigned bits);
/* The register at place `i` (below 1 << bits) of the vector that begins with register `first`. */
uint32_t layout_vector_reg(const LayoutVector *vector, uint32_t first, unsigned i);

/* Whether a register lies in the padding: its columns alone put some axis at or beyond its true
 * extent
 * (`shape`), so every lane's element does, and nothing need be computed for it. */
bool layout_reg_is_dead(const Layout *layout, const int64_t *shape, uint32_t reg);
/* Whether the element of a hardware place is in the tile of true extents `shape`. */
bool layout_word_in_shape(const Layout *layout, const int64_t *shape, uint32_t word);

/* ---- banks of shared memory: layout_bank.c ----------------------------------------------------*/

/* log2 of the lanes that one phase of a shared access serves: a warp (5) for up to 4 bytes a lane,
 * half a warp (4) for 8, a quarter (3) for 16. */
unsigned layout_phase_bits(unsigned bytes);
/* The wavefronts of one shared access by the rank formula. `lanes`: the shared offsets, in
 * elements, that the five lane bits add (XOR); each lane moves 1 << vec_bits elements of
 * `elem_bytes` bytes, at offsets aligned to that. The fewest possible are 1, 2, 4 for up to 4, 8,
 * 16 bytes a lane. */
unsigned layout_wavefronts(const uint32_t lanes[LAYOUT_LANE_BITS], unsigned elem_bytes,
                           unsigned vec_bits);
/* The same counted from the byte addresses of `count` lanes (at most 32), each aligned to its
 * `bytes`: each phase costs the largest number of distinct 4-byte words in one bank. */
unsigned layout_count_wavefronts(const uint32_t *addresses, unsigned count, unsigned bytes);

/* ---- reductions and scans: layout_reduce.c ----------------------------------------------------*/

/* A reduction over an axis: which bits of the hardware word run along it. */
typedef struct LayoutReduce {
    uint32_t masks[LL_NIN]; /* the register, lane, warp, block bits to combine over */
    uint32_t regs;          /* registers a thread has before */
    Layout result;          /* layout_drop(source, axis) */
} LayoutReduce;
/* False if some column lies in the axis and outside it too (then convert first). */
bool layout_reduce(const Layout *layout, unsigned axis, LayoutReduce *out);
/* Registers are combined first, in layout_reduce_steps() steps; in step s each register `left` is
 * combined with `right`, in this order of operands, and `left` keeps the value.
 * layout_reduce_pairs() is the number of pairs of a step, layout_reduce_pair() the i-th. The order
 * is that of the axis: neighbours first. */
unsigned layout_reduce_steps(const LayoutReduce *reduce);
uint32_t layout_reduce_pairs(const LayoutReduce *reduce, unsigned step);
void layout_reduce_pair(const LayoutReduce *reduce, unsigned step, uint32_t i, uint32_t *left,
                        uint32_t *right);
/* The register of the source that has result register `reg` after all steps. */
uint32_t layout_reduce_reg(const LayoutReduce *reduce, uint32_t reg);

/* Step t of an inclusive scan along an axis: a position combines, on its left, what the position
 * `source` holds, if it has axis bit t set. Per in-dim the source's index is (index & ~bit) | low;
 * the position is concerned iff (index & bit) != 0 for the in-dim that has the bit (the others have
 * bit == 0). Steps 0 to nout[axis] - 1 in turn, each reading the values that the step before left,
 * give every position the combination of all elements from coordinate 0 to its own, in order. */
typedef struct LayoutScanStep {
    uint32_t bit[LL_NIN], low[LL_NIN];
} LayoutScanStep;
LayoutScanStep layout_scan_step(const Layout *layout, unsigned axis, unsigned t);

#endif
