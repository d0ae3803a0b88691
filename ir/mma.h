/* mma.h -- the instructions of tensor cores (mma.def): which one computes a product, and which
 * thread holds what for it.
 *
 * The operands and the accumulator are fragments (layout_fragment). With kw the elements of 32
 * bits, 1 for f64: A has kw along k and rows m, B kw along k across n, C 2 along n and rows m. A
 * tile of many instructions repeats them in registers and over warps. Of a tile smaller than the
 * instruction on the axes m and n, rows or columns occur several times; on k the rest is zeros,
 * which a thread puts there.
 */
#ifndef TKC_IR_MMA_H
#define TKC_IR_MMA_H

#include "ir/ir.h"

typedef struct IrMma {
    unsigned m, n, k;
    IrTypeKind a, b, acc; /* of elements; f32 operands are read as tf32 */
    unsigned arch, ptx;   /* the lowest target (90) and PTX version (in tenths) that has it */
    unsigned rate;        /* multiply-adds of a multiprocessor in a clock */
    const char *text;     /* in PTX, without its operands */
} IrMma;

typedef enum IrMmaOperand { MMA_A, MMA_B, MMA_C, MMA_OPERANDS } IrMmaOperand;

/* A product of tiles, as `dot` and its kin compute it. */
typedef struct IrProduct {
    IrTypeKind a, b, acc;
    PRECISION_Enum precision; /* of f32 operands */
    int64_t batch, m, n, k;
} IrProduct;
IrProduct ir_product(const IrOp *op); /* a dot, dot_fma or dot_mma */

/* The instruction that computes the product at the least cost with `num_warps` warps on a target
 * (90); NULL if there is none, or multiply-adds cost less: *why says so then, without a full stop.
 */
const IrMma *ir_mma_choose(const IrProduct *product, unsigned arch, unsigned num_warps,
                           const char **why);

/* log2 of the warps that share each axis of the result; what is left of them does the same twice.
 */
typedef struct IrMmaWarps {
    uint8_t batch, m, n, all;
} IrMmaWarps;

/* The fragment of an operand of this shape ([.., rows, columns], rank 2 or 3). Not canonical: a
 * tile of the instruction's own size has its registers in the instruction's order. */
Layout ir_mma_fragment(const IrMma *mma, IrMmaOperand operand, unsigned rank, const int64_t *shape,
                       IrMmaWarps warps);
/* The instruction whose fragments the three tiles of a dot_mma are, whatever they are; NULL: of
 * none. */
const IrMma *ir_mma_of(const IrOp *op);

#endif
