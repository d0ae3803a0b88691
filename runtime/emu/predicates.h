/* predicates.h -- comparisons: found by decode.c for setp and set. */
#ifndef TKC_RUNTIME_EMU_PREDICATES_H
#define TKC_RUNTIME_EMU_PREDICATES_H

#include "runtime/emu/machine.h"

/* Compares the rows a and b: a bit a lane. `high` is set for packed numbers: their upper halves. */
typedef struct Comparison {
    const char *text; /* "lt.s32" */
    uint32_t (*compare)(const Warp *warp, uint32_t a, uint32_t b, uint32_t *high);
    PtxType type; /* of the operands */
} Comparison;
/* By the comparison and the type, as in `lt` and `s32`; NULL: there is none. */
const Comparison *comparison_find(const char *comparison, const char *type, bool ftz);

/* What setp and set do with the result. Inst.mode */
typedef enum BoolOp { BOOL_NONE, BOOL_AND, BOOL_OR, BOOL_XOR } BoolOp;
/* Inst.data: the Comparison; c: the predicate it is combined with, flipped by `flag`;
 * dst2: the second result. */
void setp_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* Inst.mode2: the type of the result, u32, s32 or f32 (and 16-bit f16, 0 or 1). */
void set_exec(Warp *warp, const Inst *inst, uint32_t mask);
void testp_exec(Warp *warp, const Inst *inst, uint32_t mask);
/* Inst.mode of testp. */
typedef enum TestKind {
    TEST_FINITE,
    TEST_INFINITE,
    TEST_NUMBER,
    TEST_NAN,
    TEST_NORMAL,
    TEST_SUBNORMAL
} TestKind;
extern const char *const test_kind_names[6];

#endif
