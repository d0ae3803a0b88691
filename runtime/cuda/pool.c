/* pool.c -- device memory that is kept and handed out again.
 *
 * cuMemAlloc and cuMemFree take tens of microseconds to milliseconds and wait for the device, so
 * blocks that are freed stay here. Small ones (to 1 MiB) have power-of-two sizes and are cut from
 * slabs of 2 MiB, with a list of free ones a size, as in the binary classes of Knuth, The Art of
 * Computer Programming, vol. 1, 2.5. Large ones are multiples of 2 MiB from the driver; a free
 * one is reused for a request of at least four fifths of its size, the smallest that fits. When the
 * driver has no more, the free large blocks go back to it and the request is tried once more.
 *
 * All work of the device is in one stream: who gets a block that was freed a moment ago also runs
 * after whoever used it before, so nothing is waited for.
 *
 *     CudaPtr a = cuda_pool_alloc(&pool, 1000);    // a block of 1024 bytes
 *     cuda_pool_free(&pool, a, 1000);
 *     cuda_pool_alloc(&pool, 600) == a
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/cuda_internal.h"

#define LEAST_BLOCK ((size_t)512)
#define MOST_SMALL  (LEAST_BLOCK << (POOL_NUM_CLASSES - 1))
#define SLAB_BYTES  ((size_t)2 << 20)

/* ---- lists of addresses ---------------------------------------------------------------------- */

/* False: no host memory; the address is then lost until the pool is destroyed. */
static bool push(CudaAddresses *list, CudaPtr address) {
    if (list->len == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        CudaPtr *grown = realloc(list->items, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->len++] = address;
    return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static CudaPtr get_from_driver(CudaPool *pool, size_t size) {
    CudaPtr address = 0;
    if (pool->driver->mem_alloc(&address, size) != CUDA_SUCCESS) {
        cuda_pool_trim(pool);
        if (pool->driver->mem_alloc(&address, size) != CUDA_SUCCESS)
            return 0;
    }
    pool->reserved += size;
    return address;
}

static void return_to_driver(CudaPool *pool, CudaPtr address, size_t size) {
    pool->driver->mem_free(address); /* waits until the device is done with it */
    pool->reserved -= size;
}

/* ---- small blocks ---------------------------------------------------------------------------- */

static unsigned class_of(size_t size) {
    unsigned class = 0;
    while (LEAST_BLOCK << class < size)
        class ++;
    return class;
}

static CudaPtr alloc_small(CudaPool *pool, unsigned class) {
    CudaAddresses *list = &pool->free_small[class];
    if (list->len > 0)
        return list->items[--list->len];
    size_t size = LEAST_BLOCK << class;
    if (pool->slabs.len == 0 || pool->slab_used + size > SLAB_BYTES) {
        CudaPtr slab = get_from_driver(pool, SLAB_BYTES);
        if (slab == 0)
            return 0;
        if (!push(&pool->slabs, slab)) {
            return_to_driver(pool, slab, SLAB_BYTES);
            return 0;
        }
        pool->slab_used = 0;
    }
    CudaPtr address = pool->slabs.items[pool->slabs.len - 1] + pool->slab_used;
    pool->slab_used += size;
    return address;
}

/* ---- large blocks ---------------------------------------------------------------------------- */

/* Index of the first block that begins at `address` or above. */
static size_t find_block(const CudaPool *pool, CudaPtr address) {
    size_t lo = 0, hi = pool->num_blocks;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (pool->blocks[mid].address < address)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static CudaBlock *best_free_block(const CudaPool *pool, size_t size) {
    CudaBlock *best = NULL;
    for (size_t i = 0; i < pool->num_blocks; i++) {
        CudaBlock *block = &pool->blocks[i];
        bool fits = !block->used && block->size >= size && block->size / 5 * 4 <= size;
        if (fits && (best == NULL || block->size < best->size))
            best = block;
    }
    return best;
}

static bool insert_block(CudaPool *pool, CudaPtr address, size_t size) {
    if (pool->num_blocks == pool->cap_blocks) {
        size_t cap = pool->cap_blocks ? 2 * pool->cap_blocks : 64;
        CudaBlock *grown = realloc(pool->blocks, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        pool->blocks = grown;
        pool->cap_blocks = cap;
    }
    size_t at = find_block(pool, address);
    memmove(pool->blocks + at + 1, pool->blocks + at,
            (pool->num_blocks - at) * sizeof *pool->blocks);
    pool->blocks[at] = (CudaBlock){.address = address, .size = size, .used = true};
    pool->num_blocks++;
    return true;
}

static CudaPtr alloc_large(CudaPool *pool, size_t size) {
    if (size > SIZE_MAX - SLAB_BYTES)
        return 0;
    size = (size + SLAB_BYTES - 1) / SLAB_BYTES * SLAB_BYTES;
    CudaBlock *block = best_free_block(pool, size);
    if (block != NULL) {
        block->used = true;
        return block->address;
    }
    CudaPtr address = get_from_driver(pool, size);
    if (address != 0 && !insert_block(pool, address, size)) {
        return_to_driver(pool, address, size);
        return 0;
    }
    return address;
}

/* ---- the pool -------------------------------------------------------------------------------- */

CudaPtr cuda_pool_alloc(CudaPool *pool, size_t size) {
    return size <= MOST_SMALL ? alloc_small(pool, class_of(size)) : alloc_large(pool, size);
}

void cuda_pool_free(CudaPool *pool, CudaPtr address, size_t size) {
    if (size <= MOST_SMALL) {
        push(&pool->free_small[class_of(size)], address);
        return;
    }
    size_t at = find_block(pool, address);
    if (at < pool->num_blocks && pool->blocks[at].address == address)
        pool->blocks[at].used = false;
}

void cuda_pool_trim(CudaPool *pool) {
    size_t kept = 0;
    for (size_t i = 0; i < pool->num_blocks; i++) {
        CudaBlock *block = &pool->blocks[i];
        if (block->used)
            pool->blocks[kept++] = *block;
        else
            return_to_driver(pool, block->address, block->size);
    }
    pool->num_blocks = kept;
}

void cuda_pool_destroy(CudaPool *pool) {
    for (size_t i = 0; i < pool->num_blocks; i++)
        return_to_driver(pool, pool->blocks[i].address, pool->blocks[i].size);
    for (size_t i = 0; i < pool->slabs.len; i++)
        return_to_driver(pool, pool->slabs.items[i], SLAB_BYTES);
    for (size_t i = 0; i < POOL_NUM_CLASSES; i++)
        free(pool->free_small[i].items);
    free(pool->slabs.items);
    free(pool->blocks);
    *pool = (CudaPool){.driver = pool->driver};
}
