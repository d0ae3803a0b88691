/* formula_internal.h -- between formula.c (text to calls) and formula_ops.c (calls to IR). */
#ifndef TKC_PASSES_FORMULA_INTERNAL_H
#define TKC_PASSES_FORMULA_INTERNAL_H

#include "passes/formula.h"

/* The value of an expression: IR, or a literal that takes the type of what it is combined with. */
typedef struct FormulaValue {
    IrValue *ir;     /* NULL: a literal */
    double number;   /* of a literal */
    uint64_t bits;   /* of a literal written as an integer, two's complement */
    bool is_integer; /* such a literal */
} FormulaValue;

typedef enum PrimitiveStatus {
    PRIMITIVE_OK,
    PRIMITIVE_UNKNOWN, /* no primitive of that name */
    PRIMITIVE_BAD      /* it does not take these arguments */
} PrimitiveStatus;

/* More operands than any polynomial of passes/math has. */
#define FORMULA_MAX_OPERANDS 40

/* Builds an operator ("+"), a primitive ("fma") or a machine call ("rint"). */
PrimitiveStatus formula_primitive(IrBuilder *b, const char *name, size_t name_len,
                                  const FormulaValue *args, unsigned num_args,
                                  FormulaValue *result);
/* The type of the first argument that is no literal (of the first float, if only_floats); or NULL.
 */
const IrType *formula_first_type(const FormulaValue *args, unsigned num_args, bool only_floats);
/* A literal as a constant of `type`; IR as it is. */
IrValue *formula_typed(IrBuilder *b, const FormulaValue *value, const IrType *type);

#endif
