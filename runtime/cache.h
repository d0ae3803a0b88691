/* cache.h -- compiled code kept between runs: named blobs on disk, found by a hash of what they
 * were made from.
 *
 * The cache never changes a result: an entry that is missing, damaged or cut off is as good as none
 * and is replaced, and what cannot be written is not kept. Any number of processes and threads may
 * use one folder at a time. Functions take NULL for a cache that is not there.
 *
 *     Cache *cache = cache_open(arena, folder, CACHE_MAX_BYTES);
 *     CachePart parts[] = {{source, source_len}, {options, sizeof options}};
 *     CacheKey key = cache_key(parts, 2);
 *     size_t len;
 *     const void *code = cache_get(cache, arena, key, &len);
 *     if (code == NULL)
 *         cache_put(cache, key, "add_kernel.cubin", code = compile(..), len);
 */
#ifndef TKC_RUNTIME_CACHE_H
#define TKC_RUNTIME_CACHE_H

#include "support/str.h"

typedef struct Cache Cache;
#define CACHE_MAX_BYTES ((uint64_t)1 << 30)

/* 128 bits of XXH3 (xxhash.com): two different inputs have the same with odds of 2^-64 once there
 * are 2^32 entries. */
typedef struct CacheKey {
    uint64_t low, high;
} CacheKey;
typedef struct CachePart {
    const void *data;
    size_t len;
} CachePart;
/* Of all parts and their lengths, so that what lies on which side of a border counts. */
CacheKey cache_key(const CachePart *parts, size_t count);

/* The folder, made when something is first kept in it. `max_bytes`: beyond it, entries that were
 * not used for longest go. NULL if `folder` is NULL. */
Cache *cache_open(Arena *arena, const char *folder, uint64_t max_bytes);
/* The entry in `arena`, aligned to 16 bytes, a NUL behind it; NULL: there is none. */
const void *cache_get(Cache *cache, Arena *arena, CacheKey key, size_t *len);
/* Keeps a copy; `name` (shortened to 63 bytes) is for people who list the cache. */
void cache_put(Cache *cache, CacheKey key, const char *name, const void *data, size_t len);
/* Why something could not be kept, "No space left on device"; NULL if nothing went wrong. */
const char *cache_problem(const Cache *cache);

/* The usual place: `own` ($TKC_CACHE_DIR), or `xdg`/tkc ($XDG_CACHE_HOME), or `home`/.cache/tkc,
 * the first that is neither NULL nor empty (XDG Base Directory Specification 0.8); NULL: none is.
 */
const char *cache_folder(Arena *arena, const char *own, const char *xdg, const char *home);

typedef struct CacheEntry {
    char name[64];
    uint64_t bytes;
    int64_t used; /* seconds since 1970 */
    CacheKey key;
} CacheEntry;
/* The entries of a folder, the one used last first; none if it is not there. */
size_t cache_list(Arena *arena, const char *folder, const CacheEntry **entries);
/* Removes all entries, and temporaries that nobody writes any more; how many entries, and in *error
 * the cause if some stay. */
size_t cache_clear(Arena *arena, const char *folder, const char **error);

#endif
