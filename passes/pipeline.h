/* pipeline.h -- which loads of a loop are copied ahead of their trips: pipeline_plan.c finds them,
 * pipeline.c changes the loop. */
#ifndef TKC_PASSES_PIPELINE_H
#define TKC_PASSES_PIPELINE_H

#include "passes/pass.h"

/* A load that becomes a copy in the background. */
typedef struct PipelinedLoad {
    IrOp *load;
    IrOp *alloc; /* the buffer */
    IrOp *store; /* of the value into the buffer, to be read from there; or NULL: */
    IrOp *read;  /* the buffer is its own, and what this reads from it replaces the value */
} PipelinedLoad;

typedef struct PipelinePlan {
    PassContext *pc;
    IrKernel *kernel;
    IrOp *loop;
    VEC(PipelinedLoad) loads;
    unsigned stages;
    /* By id of a value in the loop: the copies need it, so that it is computed ahead; it is needed
     * in its own trip, by something else than the copies. */
    uint8_t *ahead, *needed;
    uint32_t num_values; /* that have entries there: what the plan itself makes has none */
} PipelinePlan;

/* Fills in the plan for a loop, after giving the buffers their stages and moving them in front of
 * it; false: there is nothing to do, and nothing was changed. */
bool pipeline_plan(PassContext *pc, IrKernel *kernel, IrOp *loop, PipelinePlan *plan);

#endif
