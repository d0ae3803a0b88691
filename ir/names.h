/* names.h -- the names that values have in the text of a kernel. */
#ifndef TKC_IR_NAMES_H
#define TKC_IR_NAMES_H

#include "ir/ir.h"

/* Hands out names of one kernel in the order of the text. */
typedef struct IrNamer {
    Arena *arena;
    Map used; /* name -> the suffix to try next */
    unsigned num_unnamed;
} IrNamer;

void ir_namer_init(IrNamer *namer, Arena *arena);
/* A name that is not in use: `base`, or base.1, base.2... It is in use from now on. */
const char *ir_namer_take(IrNamer *namer, const char *base);
/* The name `ir_namer_take` would return, without taking it. */
const char *ir_namer_peek(IrNamer *namer, const char *base);
/* What an unnamed constant is called: c1024, c0.5_f32, true. */
const char *ir_const_name(Arena *arena, const IrType *type, uint64_t bits);
/* Whether `c` may stand in a value's name. */
bool ir_is_name_char(char c);

/* Every value's name in the text of `kernel`, indexed by id, in `arena`. */
const char **ir_name_values(const IrKernel *kernel, Arena *arena);

#endif
