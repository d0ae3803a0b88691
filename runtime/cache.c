/* cache.c -- compiled code kept between runs, one file an entry.
 *
 * What: FOLDER/HASH.entry holds a header (magic, key, length, checksum, name) and the blob. How
 * writers and readers stay out of each other's way without locks: an entry is written to a
 * temporary of its own and renamed, so that a reader sees all of an entry or none; two writers of
 * one key write the same bytes, and the later rename wins. The key is a hash of everything the blob
 * was made from, so entries are never changed, only removed. (Times of autotuning are the
 * exception: they are measured, and more configurations may join them; a lost one is measured
 * again.)
 *
 * Reading an entry sets its modification time; from time to time a put looks through the folder
 * and removes those unused for longest until nine tenths of the limit are left (least recently
 * used, as in ccache), and temporaries that a killed process left an hour ago or earlier.
 *
 *     ~/.cache/tkc/3f9a..c1.entry     "TKCACHE1" | key | length | checksum | add_kernel.cubin | ...
 */
#include "runtime/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CACHE_MAGIC     "TKCACHE1"
#define ENTRY_SUFFIX    ".entry"
#define TEMP_PREFIX     "tmp-"
#define HASH_DIGITS     32
#define TEMP_OLD        3600 /* seconds */
#define MAX_ENTRY_BYTES ((uint64_t)1 << 30)
#define SWEEP_EVERY     16 /* puts, on average */

struct Cache {
    const char *folder;
    uint64_t max_bytes;
    atomic_int problem; /* errno of the first failure to keep something */
};

typedef struct EntryHeader {
    char magic[8];
    CacheKey key;
    uint64_t len, checksum;
    char name[64];
} EntryHeader;

/* Room for FOLDER, a slash, the hash, suffixes. */
typedef struct PathBuf {
    char text[4096];
} PathBuf;

/* ---- keys ------------------------------------------------------------------------------------ */

CacheKey cache_key(const CachePart *parts, size_t count) {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (size_t i = 0; i < count; i++) {
        uint64_t len = parts[i].len;
        XXH3_128bits_update(&state, &len, sizeof len);
        XXH3_128bits_update(&state, parts[i].data, parts[i].len);
    }
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    return (CacheKey){.low = hash.low64, .high = hash.high64};
}

/* ---- paths ----------------------------------------------------------------------------------- */

Cache *cache_open(Arena *arena, const char *folder, uint64_t max_bytes) {
    if (folder == NULL)
        return NULL;
    Cache *cache = ARENA_NEW(arena, Cache);
    cache->folder = arena_strdup(arena, folder);
    cache->max_bytes = max_bytes;
    return cache;
}

const char *cache_folder(Arena *arena, const char *own, const char *xdg, const char *home) {
    if (own != NULL && own[0] != '\0')
        return arena_strdup(arena, own);
    if (xdg != NULL && xdg[0] == '/') /* the specification says to ignore relative ones */
        return arena_printf(arena, "%s/tkc", xdg);
    return home == NULL || home[0] == '\0' ? NULL : arena_printf(arena, "%s/.cache/tkc", home);
}

const char *cache_problem(const Cache *cache) {
    int problem = cache == NULL ? 0 : cache->problem;
    return problem == 0 ? NULL : strerror(problem);
}

static void remember(Cache *cache, int error) {
    int none = 0;
    atomic_compare_exchange_strong(&cache->problem, &none, error);
}

static bool entry_path(const Cache *cache, CacheKey key, PathBuf *path) {
    int len = snprintf(path->text, sizeof path->text, "%s/%016" PRIx64 "%016" PRIx64 ENTRY_SUFFIX,
                       cache->folder, key.high, key.low);
    return len > 0 && (size_t)len < sizeof path->text;
}

/* Makes the folder and those above it; others may do the same. */
static bool make_folder(const char *folder) {
    PathBuf path;
    size_t len = strlen(folder);
    if (len >= sizeof path.text)
        return false;
    for (size_t i = 1; i <= len; i++) {
        if (folder[i] != '/' && folder[i] != '\0')
            continue;
        memcpy(path.text, folder, i);
        path.text[i] = '\0';
        if (mkdir(path.text, 0700) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_all(int fd, void *data, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t got = read(fd, (char *)data + done, len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* The blob of an open entry. What is asked of the arena is no more than the file is long: a damaged
 * length must not look like a lack of memory. */
static void *read_entry(int fd, Arena *arena, CacheKey key, size_t *len) {
    EntryHeader header;
    struct stat status;
    if (!read_all(fd, &header, sizeof header) || fstat(fd, &status) != 0 ||
        memcmp(header.magic, CACHE_MAGIC, sizeof header.magic) != 0 || header.key.low != key.low ||
        header.key.high != key.high || header.len > MAX_ENTRY_BYTES ||
        (uint64_t)status.st_size != sizeof header + header.len)
        return NULL;
    char *data = arena_try_alloc(arena, (size_t)header.len + 1, 16);
    if (data == NULL || !read_all(fd, data, (size_t)header.len) ||
        XXH3_64bits(data, (size_t)header.len) != header.checksum)
        return NULL;
    *len = (size_t)header.len;
    return data;
}

const void *cache_get(Cache *cache, Arena *arena, CacheKey key, size_t *len) {
    PathBuf path;
    if (cache == NULL || !entry_path(cache, key, &path))
        return NULL;
    int fd = open(path.text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *data = read_entry(fd, arena, key, len);
    if (data != NULL)
        futimens(fd, NULL); /* used now; does not matter if it may not be set */
    close(fd);
    return data;
}

/* ---- making room ----------------------------------------------------------------------------- */

typedef struct Found { /* an entry or a temporary */
    char file[HASH_DIGITS + 32];
    uint64_t bytes;
    struct timespec used;
    bool is_temp;
} Found;

typedef struct FoundList {
    Found *items;
    size_t len, cap;
} FoundList;

static bool add_found(FoundList *list, int folder, const char *file) {
    size_t len = strlen(file);
    Found found = {.is_temp = str_starts(file, TEMP_PREFIX)};
    struct stat status;
    if (len >= sizeof found.file || (!found.is_temp && !str_ends(file, ENTRY_SUFFIX)) ||
        fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return true;
    if (list->len == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 256;
        Found *grown = realloc(list->items, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        list->items = grown;
        list->cap = cap;
    }
    memcpy(found.file, file, len);
    found.bytes = (uint64_t)status.st_size;
    found.used = status.st_mtim;
    list->items[list->len++] = found;
    return true;
}

static int newest_first(const void *a, const void *b) {
    const Found *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? 1 : -1;
    if (x->used.tv_nsec != y->used.tv_nsec)
        return x->used.tv_nsec < y->used.tv_nsec ? 1 : -1;
    return strcmp(x->file, y->file);
}

/* A temporary that its process left behind, rather than one that is being written. */
static bool is_left_behind(const Found *found, int64_t now) {
    return found->is_temp && now - found->used.tv_sec > TEMP_OLD;
}

/* The files of the cache, the one used last first; an empty list if there is no memory for it. */
static FoundList look_through(DIR *folder) {
    FoundList list = {0};
    const struct dirent *item;
    while ((item = readdir(folder)) != NULL) {
        if (!add_found(&list, dirfd(folder), item->d_name)) {
            free(list.items);
            return (FoundList){0};
        }
    }
    if (list.len > 0)
        qsort(list.items, list.len, sizeof *list.items, newest_first);
    return list;
}

static void sweep(const Cache *cache) {
    DIR *folder = opendir(cache->folder);
    if (folder == NULL)
        return;
    FoundList list = look_through(folder);
    int64_t now = time(NULL);
    uint64_t total = 0;
    for (size_t i = 0; i < list.len; i++)
        total += list.items[i].bytes;
    bool full = total > cache->max_bytes;
    uint64_t kept = 0;
    for (size_t i = 0; i < list.len; i++) {
        const Found *found = &list.items[i];
        bool excess = full && !found->is_temp && kept + found->bytes > cache->max_bytes / 10 * 9;
        if (is_left_behind(found, now) || excess)
            unlinkat(dirfd(folder), found->file, 0);
        else
            kept += found->bytes;
    }
    free(list.items);
    closedir(folder);
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, (const char *)data + done, len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* A new file in the folder, which is made if it is not there; -1 with errno. */
static int open_temporary(const Cache *cache, PathBuf *path) {
    for (int attempt = 0; attempt < 2; attempt++) {
        int len =
            snprintf(path->text, sizeof path->text, "%s/" TEMP_PREFIX "XXXXXX", cache->folder);
        if (len < 0 || (size_t)len >= sizeof path->text) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = mkstemp(path->text);
        if (fd >= 0 || errno != ENOENT || !make_folder(cache->folder))
            return fd;
    }
    return -1;
}

void cache_put(Cache *cache, CacheKey key, const char *name, const void *data, size_t len) {
    PathBuf temporary, path;
    if (cache == NULL || len > MAX_ENTRY_BYTES || len > cache->max_bytes ||
        !entry_path(cache, key, &path))
        return;
    int fd = open_temporary(cache, &temporary);
    if (fd < 0) {
        remember(cache, errno);
        return;
    }
    EntryHeader header = {.key = key, .len = len, .checksum = XXH3_64bits(data, len)};
    memcpy(header.magic, CACHE_MAGIC, sizeof header.magic);
    memcpy(header.name, name, strnlen(name, sizeof header.name - 1));
    bool written = write_all(fd, &header, sizeof header) && write_all(fd, data, len);
    int error = errno;
    written &= close(fd) == 0;
    if (!written || rename(temporary.text, path.text) != 0) {
        remember(cache, written ? errno : error);
        unlink(temporary.text);
        return;
    }
    if (key.low % SWEEP_EVERY == 0)
        sweep(cache);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void read_name(int folder, const Found *found, CacheEntry *entry) {
    EntryHeader header;
    int fd = openat(folder, found->file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read_all(fd, &header, sizeof header) &&
        memcmp(header.magic, CACHE_MAGIC, sizeof header.magic) == 0) {
        memcpy(entry->name, header.name, sizeof entry->name - 1);
        entry->key = header.key;
    } else
        memcpy(entry->name, "(damaged)", sizeof "(damaged)");
    if (fd >= 0)
        close(fd);
}

size_t cache_list(Arena *arena, const char *folder_name, const CacheEntry **entries) {
    *entries = NULL;
    DIR *folder = opendir(folder_name);
    if (folder == NULL)
        return 0;
    FoundList list = look_through(folder);
    CacheEntry *made = arena_try_alloc(arena, (list.len + 1) * sizeof *made, _Alignof(CacheEntry));
    size_t count = 0;
    for (size_t i = 0; made != NULL && i < list.len; i++) {
        if (list.items[i].is_temp)
            continue;
        CacheEntry *entry = &made[count++];
        entry->bytes = list.items[i].bytes;
        entry->used = list.items[i].used.tv_sec;
        read_name(dirfd(folder), &list.items[i], entry);
    }
    free(list.items);
    closedir(folder);
    *entries = made;
    return count;
}

size_t cache_clear(Arena *arena, const char *folder_name, const char **error) {
    *error = NULL;
    DIR *folder = opendir(folder_name);
    if (folder == NULL) {
        if (errno != ENOENT)
            *error = arena_strdup(arena, strerror(errno));
        return 0;
    }
    FoundList list = look_through(folder);
    int64_t now = time(NULL);
    size_t count = 0;
    int failed = 0;
    for (size_t i = 0; i < list.len; i++) {
        const Found *found = &list.items[i];
        if (found->is_temp && !is_left_behind(found, now))
            continue;
        if (unlinkat(dirfd(folder), found->file, 0) == 0)
            count += !found->is_temp;
        else if (errno != ENOENT)
            failed = errno;
    }
    free(list.items);
    closedir(folder);
    if (failed != 0)
        *error = arena_strdup(arena, strerror(failed));
    return count;
}
