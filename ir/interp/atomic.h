/* atomic.h -- what atomic operations compute, over bit patterns. */
#ifndef TKC_IR_INTERP_ATOMIC_H
#define TKC_IR_INTERP_ATOMIC_H

#include "ir/ir.h"

typedef uint64_t (*CombineFn)(uint64_t old, uint64_t value);
/* NULL: the operation does not exist for this type. */
CombineFn atomic_combine(RMW_Enum rmw, IrTypeKind kind);

#endif
