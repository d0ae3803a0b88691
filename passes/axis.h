/* axis.h -- axis analysis: what is known of a value along each dimension of its tile.
 *
 * The facts that decide how wide a memory access may be: where elements follow each other, where
 * they are equal, and what the first of a run is a multiple of. An analysis: it changes nothing,
 * and is thrown away with its arena when the kernel changes.
 */
#ifndef TKC_PASSES_AXIS_H
#define TKC_PASSES_AXIS_H

#include "ir/ir.h"

/* Facts are powers of two, at most this one. */
#define AXIS_MAX (INT64_C(1) << 30)

/* What is known of one value. Dimension d of a tile is at index d; a scalar has one dimension of
 * size 1 at index 0; indices behind hold 1. A run of length c along d begins at a multiple of c:
 * elements [i * c, (i + 1) * c) of the dimension, for every position in the others; contiguity and
 * constancy divide the tile's size, be that a power of two or not. */
typedef struct AxisInfo {
    /* Elements of such a run are x, x + 1, x + 2 ... (pointers: consecutive elements in memory).
     * Runs of no more than the divisibility (in elements) hold however arithmetic wraps; longer
     * ones assume that the position a program computes does not. */
    int64_t contiguity[IR_MAX_RANK];
    /* Divides the first element of every run of `contiguity` elements; pointers: in bytes. */
    int64_t divisibility[IR_MAX_RANK];
    /* Elements of such a run are equal. */
    int64_t constancy[IR_MAX_RANK];
    bool is_const; /* an integer, the same in every element: */
    int64_t value; /* that number, sign-extended */
    /* Not negative, if positions (program_id, arange, loop indices and what is computed of them)
     * do not wrap and what they are divided by is positive. */
    bool nonnegative;
} AxisInfo;

typedef struct AxisAnalysis AxisAnalysis;

/* Analyses every value of `kernel`; the result lives in `arena` and refers to values by id, so it
 * stays right for values that exist now as long as what they are computed of stays. */
const AxisAnalysis *axis_analyse(Arena *arena, const IrKernel *kernel);
/* Never NULL: a value made after the analysis has nothing known (all 1). */
const AxisInfo *axis_info(const AxisAnalysis *analysis, const IrValue *value);
/* The longest run along `dim` that may become one access of consecutive memory: contiguity, cut
 * by alignment in elements; at least 1. For pointers and integers. */
int64_t axis_aligned_run(const AxisInfo *info, const IrType *type, unsigned dim);
/* The largest power of two, up to AXIS_MAX, that divides `value`; AXIS_MAX for 0. */
int64_t axis_power_of_two(int64_t value);
/* Appends the facts of every value that has any, a line each:
 * `%offs: contiguity = 512, divisibility = 512, constancy = 1`. */
void axis_print(const AxisAnalysis *analysis, const IrKernel *kernel, StrBuf *out);

#endif
