/* accesses.h -- which memory operations touch, and when two of them touch the same.
 *
 * For passes that move or join accesses to memory.
 */
#ifndef TKC_PASSES_ACCESSES_H
#define TKC_PASSES_ACCESSES_H

#include "ir/ir.h"

typedef struct MemAccess {
    IrOp *op;
    const IrValue *base; /* the kernel's parameter that the address comes from; NULL: not known */
    bool reads, writes;
    bool is_atomic;
} MemAccess;
typedef VEC(MemAccess) MemAccesses;

/* Describes what `op` itself, not its regions, does to memory; false if nothing. Inline assembly
 * that is not pure may do anything: it reads and writes, from an unknown base. */
bool access_of(IrOp *op, MemAccess *access);
/* Adds the accesses of a block and its regions, in the order of the text. */
void accesses_in(IrBlock *block, Arena *arena, MemAccesses *list);

/* Says whether nothing in the code that is compared writes to what the parameter leads to. */
typedef bool (*MatchNoWrite)(void *data, const IrValue *base);
typedef struct LoopPair {
    const IrOp *a, *b;
} LoopPair;

/* Compares values of two places of one kernel that compute alike: two loops over the same range,
 * whose trips correspond. What was matched since the last reset belongs together: one loop
 * corresponds to one other. The `a`s are always of the same place, the `b`s of the other. */
typedef struct Matcher {
    const IrValue **equal; /* by id of an `a`: the `b` that it was proven equal to */
    VEC(uint32_t) trail;   /* ids in the order in which they were proven */
    VEC(LoopPair) loops;
    Arena *scratch;
    MatchNoWrite no_write;
    void *data;
    unsigned depth;
} Matcher;
Matcher matcher_create(const IrKernel *kernel, Arena *scratch, MatchNoWrite no_write, void *data);
void matcher_reset(Matcher *matcher);
/* Whether `a` and `b` are equal in every pair of corresponding trips of the loops around them. */
bool match_values(Matcher *matcher, const IrValue *a, const IrValue *b);
/* Whether two loops are `for`s with equal bounds and steps. */
bool match_loops(Matcher *matcher, const IrOp *a, const IrOp *b);
/* Whether two accesses have the same addresses lane by lane, masks aside. */
bool match_addresses(Matcher *matcher, const IrOp *a, const IrOp *b);
/* Whether `inner` happens, and in lanes, only where `outer` does, if their addresses match.
 * `inner_first`: `inner` is of the place of the `a`s. */
bool match_lanes(Matcher *matcher, const IrOp *inner, const IrOp *outer, bool inner_first);
/* The mask of a load or store, or NULL. */
IrValue *access_mask(const IrOp *op);
/* The dimensions, as bits, along which the elements of a tile may differ. */
unsigned varying_dims(const IrValue *value);

#endif
