/* rewrite.h -- small changes that several passes make. */
#ifndef TKC_PASSES_REWRITE_H
#define TKC_PASSES_REWRITE_H

#include "ir/ir.h"

/* A builder that puts new operations before `op`, with its source range. */
IrBuilder rewrite_before(IrOp *op);
/* Makes every use of `old` use `new_value`, which takes over its name and hints if it has none. */
void rewrite_replace(IrValue *old, IrValue *new_value);
/* Erases `op` (without uses) and then what nothing uses any more of the pure operations that made
 * its operands; not all of a long chain of them, dce does the rest. */
void rewrite_erase(IrOp *op);
/* Whether `op` may be removed if nobody uses its results, regions included. */
bool rewrite_is_removable(const IrOp *op);
/* Whether `op` is pure but a checking device may report a fault at it, regions included: it must
 * not be computed where it was not before. */
bool rewrite_can_fault(const IrOp *op);
/* Whether `value` is defined in a region of `op`, however deep. */
bool rewrite_is_inside(const IrValue *value, const IrOp *op);
/* Whether `op` or its regions use a value whose id is marked. */
bool rewrite_needs(const IrOp *op, const uint8_t *marked);
/* Gives `op` the attributes of `from`, which is an operation of the same kind and module. */
void rewrite_copy_attrs(IrOp *op, const IrOp *from);
bool rewrite_same_attrs(const IrOp *a, const IrOp *b);
/* The bits of a constant (of a tile: of each element). */
bool rewrite_constant(const IrValue *value, uint64_t *bits);

#endif
