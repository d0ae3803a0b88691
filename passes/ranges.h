/* ranges.h -- integer ranges: between which numbers a value lies, and which comparisons hold.
 *
 * Two levels. range_of() is an interval of one value that holds everywhere. range_decide() answers
 * a comparison where it stands: it also knows the loops and branches around it, what the program
 * assumes, and what divides both sides, so that in
 *
 *     for i in range(0, n, 64): ... i + arange(0, 64) < n      (n divisible by 64)
 *
 * the comparison is true in every element. Arithmetic wraps, and nothing here assumes otherwise.
 */
#ifndef TKC_PASSES_RANGES_H
#define TKC_PASSES_RANGES_H

#include "passes/axis.h"

/* All elements x: lo <= x <= hi, as signed numbers of the value's width; i1 is 0 or 1. Of floats,
 * pointers and descriptors nothing is known: the widest range there is. */
typedef struct Range {
    int64_t lo, hi;
} Range;

typedef struct RangeAnalysis RangeAnalysis;

/* Analyses every value of `kernel`; lives in `arena`. `axis` must live as long. Values made later
 * have the range of their type. */
const RangeAnalysis *range_analyse(Arena *arena, const IrKernel *kernel, const AxisAnalysis *axis);
Range range_of(const RangeAnalysis *ranges, const IrValue *value);
Range range_of_type(const IrType *type);
/* Whether the comparison `cmp` (a cmpi) is the same in every element whenever `block` is executed,
 * cmp's own block or one inside it; then *value says what it is. */
bool range_decide(const RangeAnalysis *ranges, const IrOp *cmp, const IrBlock *block, bool *value);
/* The scalar that a tile repeats in every element, or the scalar itself; NULL if there is none. */
const IrValue *range_uniform(const IrValue *value);
/* Finds `value` = scalar + offset (wrapping, in every element, the offset anywhere in `offset`).
 * The scalar is NULL if only the range is known. */
const IrValue *range_split(const RangeAnalysis *ranges, const IrValue *value, Range *offset);
/* Whether `value` = (*n + *c) / *divisor, a signed division by a positive constant. */
bool range_quotient(const IrValue *value, const IrValue **n, int64_t *c, int64_t *divisor);
/* Appends every integer's range that is narrower than its type: `%offs: 0 .. 1023`. */
void range_print(const RangeAnalysis *ranges, const IrKernel *kernel, StrBuf *out);

#endif
