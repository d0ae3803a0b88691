/* compile.h -- between the files that turn tile IR into a flat program.
 *
 * While a program is built, its operands are numbers of virtual registers ("vregs"), one per value
 * or temporary; slots.c gives each a place and replaces the numbers by slot references.
 */
#ifndef TKC_IR_INTERP_COMPILE_H
#define TKC_IR_INTERP_COMPILE_H

#include "ir/interp/fold.h"
#include "ir/interp/shared.h"

typedef enum VregLevel { LEVEL_CONST, LEVEL_LAUNCH, LEVEL_PROGRAM } VregLevel;

typedef struct Vreg {
    VregLevel level;
    size_t size;          /* bytes */
    uint32_t first, last; /* LEVEL_PROGRAM: instructions between which it holds a value */
    SlotRef ref;
} Vreg;

typedef struct LoopSpan { /* instructions [first, last] run again and again */
    uint32_t first, last;
} LoopSpan;

typedef struct SlotList { /* an array of vreg numbers to be replaced */
    SlotRef *items;
    size_t len;
} SlotList;

typedef VEC(Inst) InstList;

typedef struct Compiler {
    Arena *arena;
    const IrKernel *ir;
    Diags *diags;
    InterpKernel *out;
    uint32_t *vreg_of; /* [num_values] vreg + 1 of each value; 0: none yet */
    VEC(Vreg) vregs;
    VEC(LoopSpan) spans;
    VEC(SlotList) lists;
    VEC(LoopInfo) loops;
    InstList code[3]; /* by VregLevel */
    size_t level_bytes[2];
    int32_t loop; /* innermost loop; -1 */
    size_t width; /* > 0: inside the region of a fold that runs on slices of this many elements */
    const SharedPlan *shared; /* NULL: no buffers */
    uint32_t shared_vreg;     /* the memory they lie in */
    bool failed;
} Compiler;

/* Places every vreg (program vregs share memory where their lives do not overlap) and replaces
 * vreg numbers by slot references everywhere. */
void compile_assign_slots(Compiler *c);

/* Fills what the kernel knows of its memory operations: memory_ops, stores_to and so on. */
void compile_trace_pointers(Compiler *c);

#endif
