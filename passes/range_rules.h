/* range_rules.h -- inside the range analysis: its data, and how intervals pass through operations.
 */
#ifndef TKC_PASSES_RANGE_RULES_H
#define TKC_PASSES_RANGE_RULES_H

#include "passes/ranges.h"

enum { RANGE_MAX_OPERANDS = 4 }; /* what has more is not looked at */

struct RangeAnalysis {
    const AxisAnalysis *axis;
    const IrKernel *kernel;
    Range **known; /* by value id; NULL: the range of its type */
    uint32_t num_values;
    VEC(const IrOp *) assumes;
};

Range range_hull(Range a, Range b);
/* The range of every result of `op`, an operation without regions whose result is an integer. */
Range range_rule(const IrOp *op, const Range *in);

#endif
