/* races.h -- shadow memory: which programs touched which elements, and what was there before.
 *
 * Two accesses to one element by different programs, at least one of them a plain write, or a plain
 * access and an atomic one, conflict unless one is ordered before the other (order.h). Finding the
 * conflicts does not depend on the order in which programs run.
 */
#ifndef TKC_IR_INTERP_RACES_H
#define TKC_IR_INTERP_RACES_H

#include "ir/interp/program.h"

/* Programs are numbered in cells with 30 bits; larger grids are not checked for races. */
#define RACES_MAX_PROGRAMS ((UINT64_C(1) << 30) - 2)
#define RACES_NO_PROGRAM   UINT64_MAX

typedef struct Conflict {
    size_t offset;  /* of the first conflicting element, in bytes into the allocation */
    uint64_t other; /* index of the other program; RACES_NO_PROGRAM: some other one */
    bool other_wrote, other_atomic;
} Conflict;

/* `undo`: keep what is overwritten, so that shadow_undo can put it back. `ordered`: conflicts are
 * forgiven where acquire and release order the programs; one thread only. */
Shadow *shadow_create(Arena *arena, bool undo, bool ordered, uint64_t num_programs);
/* The record of ordering atomics; NULL unless `ordered`. */
struct OrderClock *shadow_clock(const Shadow *shadow);
/* A worker ran out of memory, perhaps with a lock in hand: nobody waits any more. */
void shadow_abandon(Shadow *shadow);
/* Begins to track an allocation (if it is not yet); `granule`: bytes of the finest element accessed
 * in it; `loaded`: the kernel may read it (else there is no need to keep what is overwritten: a
 * second run does not see it). What it needs lives in `arena`. */
ShadowAlloc *shadow_track(Shadow *shadow, Arena *arena, MemAlloc *alloc, unsigned granule,
                          bool loaded);
unsigned shadow_granule(const ShadowAlloc *tracked);
/* Before `program` accesses [offset, offset + len): true if there is no conflict; else describes
 * the one at the lowest offset (elements before it are recorded, those after it not). `arena` is
 * the worker's own. */
bool shadow_touch(ShadowAlloc *tracked, Arena *arena, const Program *program, size_t offset,
                  size_t len, AccessKind kind, Conflict *conflict);
/* Puts all overwritten memory back. */
void shadow_undo(Shadow *shadow);

#endif
