/* lay_out.h -- what the parts of the pass lay-out share; for lay_out*.c only. */
#ifndef TKC_PASSES_LAY_OUT_H
#define TKC_PASSES_LAY_OUT_H

#include "ir/mma.h"
#include "passes/axis.h"
#include "passes/pass.h"

/* One access of a group: what decides how many elements a thread had best have side by side. */
typedef struct GroupMember {
    int64_t vector; /* elements that one instruction can access */
    int64_t bytes;  /* of an element */
    int64_t weight; /* how often it is done, as far as loops tell */
} GroupMember;

/* Global accesses of tiles of one shape whose memory runs along the axes in one order: they share a
 * layout. */
typedef struct AccessGroup {
    unsigned rank;
    int64_t shape[IR_MAX_RANK];
    unsigned order[IR_MAX_RANK]; /* order[0] is the axis along which memory is contiguous */
    VEC(GroupMember) members;
    const Layout *layout;
} AccessGroup;

/* The fragments of a product that tensor cores compute: of a, b and the accumulator. */
typedef struct DotPlan {
    const Layout *layouts[MMA_OPERANDS];
} DotPlan;

typedef struct LayOut {
    PassContext *pc;
    IrKernel *kernel;
    IrContext *ctx;
    Arena *arena; /* dies with the pass */
    const AxisAnalysis *axes;
    VEC(AccessGroup) groups;
    const Layout **prefer; /* by value id: the layout it had best have, or NULL */
    uint32_t num_prefer;
    const DotPlan **dots; /* by the id of a dot's result; NULL: multiply-adds */
    uint8_t *chained;     /* by the id of a dot's result: operand a is the result of another dot */
    Map versions;         /* (value, layout) -> the value in that layout */
    unsigned conversions, copies;
} LayOut;

/* ---- lay_out_access.c: global memory ----------------------------------------------------------*/

bool is_access(const IrOp *op); /* a load, store or atomic of a tile */
/* Finds the groups and their layouts; loads and stores get the `vector` and `along` that their
 * pointers and masks allow, whatever the layout. */
void find_access_groups(LayOut *lo);
/* Whether the access has an element for each thread, so that it may choose a layout. */
bool is_anchor(const LayOut *lo, const IrOp *op);
/* The layout of the group that `op` belongs to. */
const Layout *access_layout(const LayOut *lo, const IrOp *op);
/* A layout for tiles that no access wants: that of a group of the same shape, or coalesced. */
const Layout *default_layout(LayOut *lo, const IrType *type);

/* ---- lay_out_dot.c: products -------------------------------------------------------------------
 */

/* Decides how a dot is computed, and returns the layout of its result. */
const Layout *plan_dot(LayOut *lo, const IrOp *op);
/* NULL unless `op` is a dot for tensor cores. */
const DotPlan *find_dot_plan(const LayOut *lo, const IrOp *op);
/* Makes dot_mma of the dots for tensor cores, once layouts are set. */
void use_tensor_cores(LayOut *lo, IrBlock *block);

/* ---- lay_out_relate.c: how an operation relates the layouts of its operands and results
 * --------*/

/* The layout that operand `i` must have if the results have `result`; NULL: no one layout follows.
 */
const Layout *needed_layout(LayOut *lo, const IrOp *op, unsigned i, const Layout *result);
/* The layout that results have if operand `i` has `operand`; NULL: no one layout follows. Without
 * `grow`, broadcasts choose nothing. */
const Layout *given_layout(LayOut *lo, const IrOp *op, unsigned i, const Layout *operand,
                           bool grow);
/* The results' layout follows from the first operand's, and cannot be chosen. */
bool is_operand_driven(const IrOp *op);

/* ---- lay_out_fma.c ---------------------------------------------------------------------------*/

/* Of a product's result [.., M, N], by multiply-adds. */
const Layout *fma_layout(LayOut *lo, const IrType *type);

/* ---- lay_out_prefer.c ------------------------------------------------------------------------*/

/* Fills `prefer` for every tile value. */
void find_preferences(LayOut *lo);
/* Of tile<2xT>, made of two scalars or taken apart into them: both in registers of every thread. */
const Layout *pair_layout(LayOut *lo);

/* ---- lay_out_rewrite.c -----------------------------------------------------------------------*/

/* Gives every tile value a layout, and operands the one that they must have: by computing them
 * again where that is cheap, else by convert_layout. */
void rewrite_with_layouts(LayOut *lo);

#endif
