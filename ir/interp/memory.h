/* memory.h -- device memory as the interpreter sees it: allocations, views, who wrote what.
 *
 * Host tensors of the cpu device live in these allocations too, so that a read of memory nobody
 * wrote is found in kernels and in host operations alike. An allocation remembers, one bit per
 * granule (its element size in bytes), what was written.
 */
#ifndef TKC_IR_INTERP_MEMORY_H
#define TKC_IR_INTERP_MEMORY_H

#include <stdatomic.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/dtype.h"

typedef struct MemSpace MemSpace; /* all allocations of one device; thread-safe */
MemSpace *mem_space_create(OomHandler *oom);
void mem_space_destroy(MemSpace *space); /* frees what is still allocated */

typedef struct MemAlloc {
    MemSpace *space;
    uint8_t *data;     /* at least 64-byte aligned; the host's copy if a device is attached */
    uint64_t address;  /* what kernels and data_ptr() call it: that of data, or the device's */
    size_t size;       /* bytes */
    unsigned granule;  /* bytes per bit of `written`: 1, 2, 4 or 8 */
    uint64_t *written; /* bitmap; NULL: everything was written */
    uint32_t id;       /* 1, 2, ... in order of creation */
    int refs;
    /* With a device attached: which copy lags behind the other one. */
    atomic_bool host_stale, device_stale;
    atomic_bool zeroed; /* made as MEM_ZEROED, and the host has not written since */
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
/* Calls `visit` for every live allocation; it must neither allocate nor release. */
void mem_each(MemSpace *space, void (*visit)(void *data, MemAlloc *alloc), void *data);

/* A device with memory of its own. Each allocation of the space then has two copies: `data`, which
 * host operations use, and one on the device at `address`, which kernels use. They are brought in
 * step when somebody needs them: launches upload what is device_stale and mark as host_stale what
 * they may write; the host calls mem_host_read or mem_host_write before it touches `data`. Nothing
 * is tracked as unwritten in such a space. */
typedef struct MemDevice {
    void *device;
    uint64_t (*allocate)(void *device, size_t size); /* the address; 0: there is not enough */
    void (*release)(void *device, uint64_t address, size_t size);
    bool (*download)(void *device, MemAlloc *alloc); /* from any thread; false: it failed */
    bool (*zero)(void *device, MemAlloc *alloc);     /* makes the device's copy all zeros */
    void (*report)(void *device, Diags *diags, SrcRange range); /* why it failed */
} MemDevice;
/* Before the first allocation; `device` is copied. */
void mem_space_attach(MemSpace *space, const MemDevice *device);
/* How many downloads failed: what the host read then is wrong, and the device can say why. */
unsigned mem_space_failures(const MemSpace *space);
void mem_space_report(const MemSpace *space, Diags *diags, SrcRange range);
/* Makes all of it zero on the device, without the host; false: not there, or it failed. */
bool mem_zero_on_device(MemAlloc *alloc);
bool mem_download(MemAlloc *alloc); /* for the two below */
/* Before the host reads `data` / changes some of it. From any thread. False: the download failed.
 */
static inline bool mem_host_read(MemAlloc *alloc) {
    return !atomic_load_explicit(&alloc->host_stale, memory_order_acquire) || mem_download(alloc);
}
static inline bool mem_host_write(MemAlloc *alloc) {
    bool current = mem_host_read(alloc);
    if (atomic_load_explicit(&alloc->zeroed, memory_order_relaxed))
        atomic_store_explicit(&alloc->zeroed, false, memory_order_relaxed);
    if (!atomic_load_explicit(&alloc->device_stale, memory_order_relaxed))
        atomic_store_explicit(&alloc->device_stale, true, memory_order_relaxed);
    return current;
}

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
