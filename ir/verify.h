/* verify.h -- what the parts of the verifier share; for verify*.c only. */
#ifndef TKC_IR_VERIFY_H
#define TKC_IR_VERIFY_H

#include "ir/ir.h"

typedef struct Verifier {
    Diags *diags;
    const char *when; /* " after cse", or "" */
    bool internal;    /* tkc made this IR: violations are bugs in tkc */
    bool ok;
    Arena *arena;
    const IrKernel *kernel; /* the one being checked */
} Verifier;

/* Reports a violation at `op`'s range. */
void ir_violation(Verifier *v, DiagId id, const IrOp *op, const char *fmt, ...) TK_PRINTF(4, 5);
/* The type's text, in the verifier's arena. */
const char *ir_type_text(Verifier *v, const IrType *type);
/* The rule of `op`'s row: result types, attributes and regions. Operand and result counts and
 * letters hold already. */
void ir_check_rule(Verifier *v, const IrOp *op);
/* What holds at the kernel's level only: no layouts at the tile level; at the laid level layouts
 * that fit the shapes, the number of warps, and one another (verify_laid.c). The rule holds. */
void ir_check_level(Verifier *v, const IrOp *op);

#endif
