/* memory.h -- device memory as the interpreter sees it: allocations, views, who wrote what.
 *
 * Host tensors of the cpu device live in these allocations too, so that a read of memory nobody
 * wrote is found in kernels and in host operations alike. An allocation remembers, one bit per
 * granule (its element size in bytes), what was written.
 */
#ifndef TKC_IR_INTERP_MEMORY_H
#define TKC_IR_INTERP_MEMORY_H

#include "support/arena.h"
#include "support/dtype.h"

typedef struct MemSpace MemSpace; /* all allocations of one device; thread-safe */
MemSpace *mem_space_create(OomHandler *oom);
void mem_space_destroy(MemSpace *space); /* frees what is still allocated */

typedef struct MemAlloc {
    MemSpace *space;
    uint8_t *data;     /* at least 64-byte aligned; its address is the device address */
    size_t size;       /* bytes */
    unsigned granule;  /* bytes per bit of `written`: 1, 2, 4 or 8 */
    uint64_t *written; /* bitmap; NULL: everything was written */
    uint32_t id;       /* 1, 2, ... in order of creation */
    int refs;
} MemAlloc;

typedef enum MemInit { MEM_UNWRITTEN, MEM_ZEROED } MemInit;
/* A new allocation with one reference; NULL if memory runs out (the caller says so its own way).
 * size 0 is fine. Fresh unwritten memory is filled with a pattern that reads as NaN in floats. */
MemAlloc *mem_alloc(MemSpace *space, size_t size, unsigned granule, MemInit init);
void mem_retain(MemAlloc *alloc);
void mem_release(MemAlloc *alloc);
/* The live allocation that holds the byte at `address`, or NULL. */
MemAlloc *mem_find(MemSpace *space, uint64_t address);
size_t mem_bytes_in_use(const MemSpace *space);

/* A strided tensor in an allocation: what a kernel argument points to. */
#define MEM_MAX_RANK 8
typedef struct MemView {
    MemAlloc *alloc;
    size_t offset; /* bytes from alloc->data to element [0, 0, ...] */
    DType dtype;
    unsigned rank;
    int64_t shape[MEM_MAX_RANK], strides[MEM_MAX_RANK]; /* strides in elements, >= 0 */
} MemView;
/* First and past-the-last byte (relative to alloc->data) of the span a view covers; lo == hi for
 * an empty view. */
void mem_view_span(const MemView *view, size_t *lo, size_t *hi);

/* Were all bytes of [offset, offset + len) written? / They are now. */
bool mem_is_written(const MemAlloc *alloc, size_t offset, size_t len);
void mem_mark_written(MemAlloc *alloc, size_t offset, size_t len);
/* Was any byte of the range written? / Forget that anything there was (tracked allocations). */
bool mem_is_partly_written(const MemAlloc *alloc, size_t offset, size_t len);
void mem_mark_unwritten(MemAlloc *alloc, size_t offset, size_t len);
/* The first element of the view (row-major index) that holds a byte nobody wrote; -1 if none. */
int64_t mem_view_first_unwritten(const MemView *view);
void mem_view_mark_written(const MemView *view);

#endif
