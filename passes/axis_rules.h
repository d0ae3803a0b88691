/* axis_rules.h -- inside the axis analysis: how facts pass through operations. */
#ifndef TKC_PASSES_AXIS_RULES_H
#define TKC_PASSES_AXIS_RULES_H

#include "passes/axis.h"

enum { AXIS_MAX_OPERANDS = 8 }; /* what has more is not looked at */

/* One dimension of an AxisInfo. */
typedef struct AxisDim {
    int64_t contiguity, divisibility, constancy;
    int64_t unit; /* what consecutive elements differ by: bytes of a pointer's element, else 1 */
} AxisDim;

static inline int64_t axis_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static inline int64_t axis_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Nothing known: all 1. */
extern const AxisInfo axis_unknown;

unsigned axis_rank(const IrType *type);              /* of a scalar: 1 */
int64_t axis_size(const IrType *type, unsigned dim); /* of a scalar: 1 */
int64_t axis_unit(const IrType *type);               /* AxisDim.unit of values of that type */
AxisDim axis_dim(const AxisInfo *info, const IrType *type, unsigned dim);
/* Stores `x`, cut to what the tile's size and the element's width allow. */
void axis_set_dim(AxisInfo *info, const IrType *type, unsigned dim, AxisDim x);
/* What divides the first element of every run of `run` elements. */
int64_t axis_divisibility_at(AxisDim x, int64_t run);
/* What divides every element. */
int64_t axis_divisibility_all(const AxisInfo *info, const IrType *type);
/* Equal in every element: constancy as far as the tile goes. */
AxisInfo axis_uniform(const IrType *type, int64_t divisibility);
/* What holds for both of two values of one type. */
AxisInfo axis_meet(const AxisInfo *a, const AxisInfo *b, const IrType *type);

/* The facts of an operation's results, given those of its operands. `in` has one for each; the
 * operation has a result, no regions, and few operands. axis_shape() knows nothing of what is not
 * its own. */
AxisInfo axis_elementwise(const IrOp *op, const AxisInfo *const *in);
AxisInfo axis_shape(const IrOp *op, const AxisInfo *const *in);

#endif
