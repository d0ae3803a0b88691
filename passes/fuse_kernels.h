/* fuse_kernels.h -- two launches of one grid as one kernel. */
#ifndef TKC_PASSES_FUSE_KERNELS_H
#define TKC_PASSES_FUSE_KERNELS_H

#include "passes/pass.h"

#define FUSE_OWN UINT32_MAX

typedef struct FuseRequest {
    const IrKernel *first, *second; /* of one IrContext; they stay as they are */
    /* For each parameter of `first`: an earlier one that has the same value, or itself. */
    const uint32_t *unique;
    /* For each parameter of `second`: the parameter of `first` that has the same value (for a
     * pointer: the same view of the same tensor), which is then one parameter; or FUSE_OWN. */
    const uint32_t *same_as;
    /* [parameters of first][parameters of second]: whether what two pointers (or descriptors) lead
     * to may overlap. */
    const bool *overlap;
    /* For each parameter of `first`: nobody will read what the kernels store through it. */
    const bool *dead;
} FuseRequest;

/* Makes in `into` the kernel that does what `first` and then `second` do, launched on one grid; its
 * parameters are those of `first`, then those of `second` that are FUSE_OWN. What a program of
 * `second` loads where the same program of `first` stored becomes the value stored. NULL after a
 * diagnostic if a program would touch what other programs touch, or the launch options do not fit.
 * Numbers stay bit for bit: nothing is contracted across the border (`fp_fusion` is false in the
 * result: run the passes of each kernel before). `stats` may be NULL. */
IrKernel *fuse_kernels(IrModule *into, const FuseRequest *request, Diags *diags, PassStats *stats);

/* What to run on the result. */
#define PASS_FUSED_PIPELINE "cse,fold,sink-broadcast,fold,cse,licm,dce"

#endif
