/* access.h -- every access to device memory goes through here, and is checked here. */
#ifndef TKC_IR_INTERP_ACCESS_H
#define TKC_IR_INTERP_ACCESS_H

#include "ir/interp/races.h"

/* Neighbouring elements that one instruction accesses. */
typedef struct Span {
    uint64_t ptr;       /* the first element */
    size_t count, size; /* elements, and bytes of one */
    size_t lane;        /* the first element's place in the tile */
    AccessKind kind;
    bool reads;            /* the old contents matter */
    bool untracked;        /* volatile: never a race */
    const uint8_t *values; /* ACCESS_WRITE: what will be stored */
    /* The whole access, to count bad lanes for a message; NULL: only the span is known. */
    const uint64_t *lanes;
    const uint8_t *mask;
    size_t num_lanes;
    const Region *region; /* found by access_span */
} Span;

/* Before an access of a tile: tells the launch's observer, if there is one. `mask`: NULL, or which
 * of the `n` lanes are active. */
void access_observe(Exec *exec, const Inst *inst, AccessKind kind, const uint64_t *ptrs,
                    const uint8_t *mask, size_t n, size_t size);
static inline bool access_is_observed(const Exec *exec) {
    return exec->launch->options->observer != NULL;
}

/* Checks the access and records it. The bytes, or NULL: the program has stopped. */
uint8_t *access_span(Exec *exec, const Inst *inst, Span *span);
/* After values were stored: the bytes count as written. */
void access_written(const Span *span);

/* Length of the run of neighbours that begins at lane `at` (which is not masked off): lanes whose
 * pointers follow each other by `size`. */
size_t access_run_length(const uint64_t *ptrs, const uint8_t *mask, size_t at, size_t end,
                         size_t size);

/* What a load, store or copy of a tile accesses; its mask is operand `mask_operand`. */
typedef struct MemoryInfo MemoryInfo;
const MemoryInfo *memory_info(Arena *arena, const IrOp *op, unsigned mask_operand);
/* Reads inst->count elements; masked-off ones (`mask` may be NULL) are those of `other`, or 0. */
bool memory_read(Exec *exec, const Inst *inst, const MemoryInfo *info, const uint64_t *ptrs,
                 const uint8_t *mask, const uint8_t *other, uint8_t *out);

#endif
