/* memory.c -- allocations of the cpu device and the record of what was written.
 *
 * All allocations of a space stand in one array sorted by address, so that the one that holds an
 * address is found by binary search; the array is guarded by a mutex (programs of a kernel look
 * pointers up from several threads). The bitmap of written granules is changed by several threads
 * too: two programs may write neighbouring elements whose bits share a word. Its words are
 * therefore accessed as relaxed atomics; whole words are only stored when they are not yet full.
 *
 *     MemAlloc *a = mem_alloc(space, 4096, 4, MEM_UNWRITTEN);
 *     mem_mark_written(a, 0, 16);
 *     mem_is_written(a, 12, 4);    // true
 *     mem_is_written(a, 12, 8);    // false: bytes 16..19 were never written
 */
#include "ir/interp/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What unwritten memory is filled with: a NaN in every float type. */
#define UNWRITTEN_FILL 0xff
#define DATA_ALIGN     64u

typedef _Atomic uint64_t AtomicWord;

typedef struct Block { /* what really is allocated for a MemAlloc */
    MemAlloc alloc;
    void *raw; /* what to free; alloc.data is the aligned address inside */
} Block;

struct MemSpace {
    OomHandler *oom;
    pthread_mutex_t lock;
    MemAlloc **sorted; /* live allocations by address */
    size_t count, cap;
    size_t bytes;
    uint32_t next_id;
    MemDevice device; /* functions NULL: host memory is all there is */
    bool attached;
    atomic_uint failures; /* of downloads */
};

MemSpace *mem_space_create(OomHandler *oom) {
    MemSpace *space = oom_malloc(oom, sizeof *space);
    *space = (MemSpace){.oom = oom, .next_id = 1};
    pthread_mutex_init(&space->lock, NULL);
    return space;
}

static void block_free(MemAlloc *alloc) {
    Block *block = (Block *)alloc;
    const MemSpace *space = alloc->space;
    if (space->attached && alloc->address != 0)
        space->device.release(space->device.device, alloc->address, alloc->size);
    free(block->raw);
    free(alloc->written);
    free(block);
}

void mem_space_destroy(MemSpace *space) {
    if (space == NULL)
        return;
    for (size_t i = 0; i < space->count; i++)
        block_free(space->sorted[i]);
    pthread_mutex_destroy(&space->lock);
    free(space->sorted);
    free(space);
}

/* Index of the first allocation that begins above `address`. */
static size_t upper_bound(const MemSpace *space, uint64_t address) {
    size_t lo = 0, hi = space->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((uint64_t)(uintptr_t)space->sorted[mid]->data <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool space_insert(MemSpace *space, MemAlloc *alloc) {
    if (space->count == space->cap) {
        size_t cap = space->cap ? 2 * space->cap : 64;
        MemAlloc **grown = realloc(space->sorted, cap * sizeof(MemAlloc *));
        if (grown == NULL)
            return false;
        space->sorted = grown;
        space->cap = cap;
    }
    size_t at = upper_bound(space, (uint64_t)(uintptr_t)alloc->data);
    memmove(space->sorted + at + 1, space->sorted + at, (space->count - at) * sizeof(MemAlloc *));
    space->sorted[at] = alloc;
    space->count++;
    space->bytes += alloc->size;
    alloc->id = space->next_id++;
    return true;
}

static size_t bitmap_words(const MemAlloc *alloc) {
    size_t granules = (alloc->size + alloc->granule - 1) / alloc->granule;
    return (granules + 63) / 64;
}

MemAlloc *mem_alloc(MemSpace *space, size_t size, unsigned granule, MemInit init) {
    if (size > SIZE_MAX / 2)
        return NULL;
    Block *block = calloc(1, sizeof *block);
    if (block == NULL)
        return NULL;
    MemAlloc *alloc = &block->alloc;
    /* One more byte, so that no two allocations, even empty ones, begin at one address. */
    size_t bytes = size + DATA_ALIGN + 1;
    block->raw = init == MEM_ZEROED ? calloc(1, bytes) : malloc(bytes);
    *alloc = (MemAlloc){.space = space, .size = size, .granule = granule, .refs = 1};
    bool tracks = init == MEM_UNWRITTEN && size > 0 && !space->attached;
    if (tracks)
        alloc->written = calloc(bitmap_words(alloc), sizeof(uint64_t));
    if (block->raw == NULL || (tracks && alloc->written == NULL)) {
        block_free(alloc);
        return NULL;
    }
    uintptr_t base = ((uintptr_t)block->raw + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;
    alloc->data = (uint8_t *)block->raw + (base - (uintptr_t)block->raw);
    alloc->address = (uint64_t)base;
    if (space->attached) {
        alloc->address = space->device.allocate(space->device.device, size);
        if (alloc->address == 0) {
            block_free(alloc);
            return NULL;
        }
        alloc->zeroed = init == MEM_ZEROED;
        alloc->device_stale = alloc->zeroed;
    } else if (init == MEM_UNWRITTEN) {
        memset(alloc->data, UNWRITTEN_FILL, size);
    }
    pthread_mutex_lock(&space->lock);
    bool inserted = space_insert(space, alloc);
    pthread_mutex_unlock(&space->lock);
    if (!inserted) {
        block_free(alloc);
        return NULL;
    }
    return alloc;
}

void mem_retain(MemAlloc *alloc) {
    pthread_mutex_lock(&alloc->space->lock);
    alloc->refs++;
    pthread_mutex_unlock(&alloc->space->lock);
}

void mem_release(MemAlloc *alloc) {
    if (alloc == NULL)
        return;
    MemSpace *space = alloc->space;
    pthread_mutex_lock(&space->lock);
    bool last = --alloc->refs == 0;
    if (last) {
        size_t at = upper_bound(space, (uint64_t)(uintptr_t)alloc->data) - 1;
        space->count--;
        memmove(space->sorted + at, space->sorted + at + 1,
                (space->count - at) * sizeof(MemAlloc *));
        space->bytes -= alloc->size;
    }
    pthread_mutex_unlock(&space->lock);
    if (last)
        block_free(alloc);
}

MemAlloc *mem_find(MemSpace *space, uint64_t address) {
    MemAlloc *found = NULL;
    pthread_mutex_lock(&space->lock);
    size_t at = upper_bound(space, address);
    if (at > 0) {
        MemAlloc *alloc = space->sorted[at - 1];
        if (address - (uint64_t)(uintptr_t)alloc->data < alloc->size)
            found = alloc;
    }
    pthread_mutex_unlock(&space->lock);
    return found;
}

size_t mem_bytes_in_use(const MemSpace *space) {
    return space->bytes;
}

void mem_each(MemSpace *space, void (*visit)(void *data, MemAlloc *alloc), void *data) {
    pthread_mutex_lock(&space->lock);
    for (size_t i = 0; i < space->count; i++)
        visit(data, space->sorted[i]);
    pthread_mutex_unlock(&space->lock);
}

/* ---- devices with memory of their own -------------------------------------------------------- */

void mem_space_attach(MemSpace *space, const MemDevice *device) {
    space->device = *device;
    space->attached = true;
}

unsigned mem_space_failures(const MemSpace *space) {
    return space->failures;
}

void mem_space_report(const MemSpace *space, Diags *diags, SrcRange range) {
    space->device.report(space->device.device, diags, range);
}

bool mem_zero_on_device(MemAlloc *alloc) {
    const MemDevice *device = &alloc->space->device;
    if (!alloc->space->attached || !device->zero(device->device, alloc))
        return false;
    alloc->device_stale = false;
    alloc->host_stale = true;
    return true;
}

/* Whoever comes first copies; the others wait until it has. */
bool mem_download(MemAlloc *alloc) {
    MemSpace *space = alloc->space;
    pthread_mutex_lock(&space->lock);
    bool current = !alloc->host_stale || space->device.download(space->device.device, alloc);
    if (current)
        atomic_store_explicit(&alloc->host_stale, false, memory_order_release);
    else
        space->failures++;
    pthread_mutex_unlock(&space->lock);
    return current;
}

/* ---- what was written ------------------------------------------------------------------------ */

/* The bits of bitmap word `word` that lie in [first, last]. */
static uint64_t word_mask(size_t word, size_t first, size_t last) {
    uint64_t mask = ~UINT64_C(0);
    if (word == first / 64)
        mask &= ~UINT64_C(0) << (first % 64);
    if (word == last / 64)
        mask &= ~UINT64_C(0) >> (63 - last % 64);
    return mask;
}

bool mem_is_written(const MemAlloc *alloc, size_t offset, size_t len) {
    if (alloc->written == NULL || len == 0)
        return true;
    AtomicWord *words = (AtomicWord *)alloc->written;
    size_t first = offset / alloc->granule, last = (offset + len - 1) / alloc->granule;
    for (size_t word = first / 64; word <= last / 64; word++) {
        uint64_t mask = word_mask(word, first, last);
        if ((atomic_load_explicit(&words[word], memory_order_relaxed) & mask) != mask)
            return false;
    }
    return true;
}

void mem_mark_written(MemAlloc *alloc, size_t offset, size_t len) {
    if (alloc->written == NULL || len == 0)
        return;
    AtomicWord *words = (AtomicWord *)alloc->written;
    size_t first = offset / alloc->granule, last = (offset + len - 1) / alloc->granule;
    for (size_t word = first / 64; word <= last / 64; word++) {
        uint64_t mask = word_mask(word, first, last);
        if ((atomic_load_explicit(&words[word], memory_order_relaxed) & mask) != mask)
            atomic_fetch_or_explicit(&words[word], mask, memory_order_relaxed);
    }
}

bool mem_is_partly_written(const MemAlloc *alloc, size_t offset, size_t len) {
    if (alloc->written == NULL || len == 0)
        return len > 0;
    AtomicWord *words = (AtomicWord *)alloc->written;
    size_t first = offset / alloc->granule, last = (offset + len - 1) / alloc->granule;
    for (size_t word = first / 64; word <= last / 64; word++)
        if (atomic_load_explicit(&words[word], memory_order_relaxed) & word_mask(word, first, last))
            return true;
    return false;
}

void mem_mark_unwritten(MemAlloc *alloc, size_t offset, size_t len) {
    if (alloc->written == NULL || len == 0)
        return;
    AtomicWord *words = (AtomicWord *)alloc->written;
    size_t first = offset / alloc->granule, last = (offset + len - 1) / alloc->granule;
    for (size_t word = first / 64; word <= last / 64; word++)
        atomic_fetch_and_explicit(&words[word], ~word_mask(word, first, last),
                                  memory_order_relaxed);
    memset(alloc->data + offset, UNWRITTEN_FILL, len);
}

/* ---- views ----------------------------------------------------------------------------------- */

static bool view_is_empty(const MemView *view) {
    for (unsigned d = 0; d < view->rank; d++)
        if (view->shape[d] == 0)
            return true;
    return false;
}

void mem_view_span(const MemView *view, size_t *lo, size_t *hi) {
    *lo = *hi = view->offset;
    if (view_is_empty(view))
        return;
    size_t last = 0;
    for (unsigned d = 0; d < view->rank; d++)
        last += (size_t)(view->shape[d] - 1) * (size_t)view->strides[d];
    *hi = view->offset + (last + 1) * dtype_size(view->dtype);
}

/* Calls `visit` for runs of elements that are neighbours in memory, in row-major order, with the
 * row-major index of the run's first element; stops when it returns false. */
typedef bool (*RunVisitor)(const MemView *view, size_t offset, size_t len, int64_t index,
                           void *data);
static void view_runs(const MemView *view, RunVisitor visit, void *data) {
    if (view_is_empty(view))
        return;
    size_t size = dtype_size(view->dtype);
    unsigned outer = view->rank; /* dimensions [outer, rank) are dense */
    int64_t run = 1;
    while (outer > 0 && (view->shape[outer - 1] == 1 || view->strides[outer - 1] == run)) {
        run *= view->shape[outer - 1];
        outer--;
    }
    int64_t position[MEM_MAX_RANK] = {0};
    size_t offset = view->offset;
    for (int64_t index = 0;; index += run) {
        if (!visit(view, offset, (size_t)run * size, index, data))
            return;
        unsigned d = outer;
        for (; d > 0; d--) {
            size_t step = (size_t)view->strides[d - 1] * size;
            offset += step;
            if (++position[d - 1] < view->shape[d - 1])
                break;
            offset -= step * (size_t)view->shape[d - 1];
            position[d - 1] = 0;
        }
        if (d == 0)
            return;
    }
}

static bool find_unwritten(const MemView *view, size_t offset, size_t len, int64_t index,
                           void *data) {
    if (mem_is_written(view->alloc, offset, len))
        return true;
    size_t size = dtype_size(view->dtype);
    for (size_t at = 0; at < len; at += size) {
        if (!mem_is_written(view->alloc, offset + at, size)) {
            *(int64_t *)data = index + (int64_t)(at / size);
            return false;
        }
    }
    return true;
}

int64_t mem_view_first_unwritten(const MemView *view) {
    int64_t found = -1;
    if (view->alloc->written != NULL)
        view_runs(view, find_unwritten, &found);
    return found;
}

static bool mark_run(const MemView *view, size_t offset, size_t len, int64_t index, void *data) {
    (void)index;
    (void)data;
    mem_mark_written(view->alloc, offset, len);
    return true;
}

void mem_view_mark_written(const MemView *view) {
    if (view->alloc->written != NULL)
        view_runs(view, mark_run, NULL);
}
