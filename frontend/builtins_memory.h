/* builtins_memory.h -- shared by the files on loads, stores and atomics. */
#ifndef TKC_FRONTEND_BUILTINS_MEMORY_H
#define TKC_FRONTEND_BUILTINS_MEMORY_H

#include "frontend/builtins.h"

typedef struct AccessHints { /* values of CACHE and EVICT */
    int cache, evict;
} AccessHints;
/* Arguments `cache` and `evict`, cache_modifier and eviction_policy. */
bool call_access_hints(Spec *s, const Call *call, unsigned cache, unsigned evict, bool is_store,
                       AccessHints *out);
/* The read-modify-write operation that "atomic_add" and kin mean on this type. */
RMW_Enum atomic_rmw_code(const char *name, TlType type);
/* A number as a stored value of type `elem`. */
SVal store_number(Spec *s, SVal number, TlType elem, SrcRange range);

/* Offsets as int32 scalars; 64-bit ones are refused, as by Triton. `of` begins the message. */
bool call_offsets(Spec *s, const Call *call, unsigned i, const char *of, STuple *out);
/* padding_option: a value of PADDING; NaN is for floats only. */
bool call_padding(Spec *s, const Call *call, unsigned i, TlType elem, int *out);

/* tl.load and tl.store of a block pointer (builtins_block.c). */
SVal block_load(Spec *s, const Call *call, const AccessHints *hints, bool is_volatile);
SVal block_store(Spec *s, const Call *call, const AccessHints *hints);

#endif
