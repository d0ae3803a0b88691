/* fold.h -- what a reduce or scan instruction knows. */
#ifndef TKC_IR_INTERP_FOLD_H
#define TKC_IR_INTERP_FOLD_H

#include "ir/interp/program.h"

typedef struct FoldInfo {
    size_t outer, len, inner; /* the operand's shape around the axis */
    unsigned num;             /* operands */
    size_t *sizes;            /* [num] bytes of an element */
    SlotRef *work;            /* [num] the operands with the axis outermost */
    SlotRef *left, *right;    /* [num] the region's arguments */
    SlotRef *yielded;         /* [num] its results */
    uint32_t entry;           /* where its code begins */
    bool vector;              /* it runs on whole slices: there is no control flow in it */
    bool reverse;
} FoldInfo;

#endif
