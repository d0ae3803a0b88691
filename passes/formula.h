/* formula.h -- functions written as formulas (the files of passes/math), turned into tile IR.
 *
 * A formula file is a list of definitions in a subset of the kernel language:
 *
 *     def log1p(x):                    # a variant for f32 would be named log1p_f
 *         u = 1 + x
 *         return where(u == 1, x, log(u) * (x / (u - 1)))
 *
 * Every value has the type of its operands; the same text therefore serves f32 and f64, scalars and
 * tiles. A call of another formula takes the variant that fits its arguments. docs/math.md lists
 * the operators and primitives.
 */
#ifndef TKC_PASSES_FORMULA_H
#define TKC_PASSES_FORMULA_H

#include "ir/ir.h"
#include "support/embedded.h"

/* The files of passes/math. */
extern const EmbeddedFile formula_files[];
extern const size_t formula_files_count;

#define FORMULA_MAX_ARGS 4

typedef struct FormulaSet FormulaSet;

/* The definitions of `files`, found by name; they are parsed when they are used. */
FormulaSet *formula_set_create(Arena *arena, const EmbeddedFile *files, size_t count);

/* Builds what the formula `name` says of `args` (1 to FORMULA_MAX_ARGS) at `b`. The definition is
 * the first that exists of name_LETTERS (`letters`: of all arguments), name_f or name_d by the
 * first float argument, and name. NULL if there is none, or if it is malformed: then
 * formula_error() says where and why, and the IR built so far is left behind. */
IrValue *formula_build(FormulaSet *set, IrBuilder *b, const char *name, const char *letters,
                       IrValue *const *args, unsigned num_args);
/* NULL after a success and after a name that is not defined. */
const char *formula_error(const FormulaSet *set);

#endif
