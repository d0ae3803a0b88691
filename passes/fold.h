/* fold.h -- what the parts of the fold pass share; for passes/fold*.c only.
 *
 * Each fold_... function looks at one operation. Those that return a value return what its only
 * result can be replaced by, or NULL; new operations go before it.
 */
#ifndef TKC_PASSES_FOLD_H
#define TKC_PASSES_FOLD_H

#include "ir/ir.h"

/* fold_eval.c: all operands constant. */
IrValue *fold_constants(IrOp *op);
/* fold_shape.c: conversions of conversions, shapes of shapes. */
IrValue *fold_cast(IrOp *op);
IrValue *fold_shape(IrOp *op);
/* fold_control.c: constant conditions, trip counts and masks. True if the operation changed. */
bool fold_control(IrOp *op);

#endif
