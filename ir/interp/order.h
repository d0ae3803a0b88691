/* order.h -- which accesses of one program come before those of another: acquire and release. */
#ifndef TKC_IR_INTERP_ORDER_H
#define TKC_IR_INTERP_ORDER_H

#include "ir/interp/races.h"

/* The atomic operations that order, by the address they work on. */
typedef struct OrderClock OrderClock;
OrderClock *order_clock_create(Arena *arena, uint64_t num_programs);
/* `program` performed an atomic with this order at `address`; `wrote`: it changed memory (a failed
 * compare-and-swap releases nothing). */
void order_atomic(OrderClock *clock, Program *program, uint64_t address, SEM_Enum sem, bool wrote);

typedef struct OrderAlloc OrderAlloc;
/* Shadow of `elements` elements with the times of their accesses. */
OrderAlloc *order_track(Arena *arena, const OrderClock *clock, size_t elements);
/* As shadow_touch, in elements: records accesses [first, end); returns the first element that
 * conflicts with an access not ordered before this one, or `end`. */
size_t order_touch(OrderAlloc *tracked, Arena *arena, const Program *program, size_t first,
                   size_t end, AccessKind kind, Conflict *conflict);

#endif
