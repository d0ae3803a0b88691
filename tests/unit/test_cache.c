/* Tests of the compile cache: keys, damage, limits, and many users at once. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interp_world.h"
#include "runtime/compiler_cache.h"

typedef struct Fixture {
    OomHandler oom;
    Arena *arena;
    char root[32];      /* removed at the end */
    const char *folder; /* not there yet */
    Cache *cache;
} Fixture;

static void open_with(Fixture *f, uint64_t max_bytes) {
    *f = (Fixture){.oom = {.fail_after = -1}, .root = "/tmp/tkc-cache-XXXXXX"};
    f->arena = arena_create(&f->oom);
    cr_assert_not_null(mkdtemp(f->root));
    f->folder = arena_printf(f->arena, "%s/deep/tkc", f->root);
    f->cache = cache_open(f->arena, f->folder, max_bytes);
}

static void close_all(Fixture *f) {
    const char *error;
    cache_clear(f->arena, f->folder, &error);
    rmdir(f->folder);
    rmdir(arena_printf(f->arena, "%s/deep", f->root));
    cr_expect_eq(rmdir(f->root), 0, "something is left in %s", f->root);
    arena_destroy(f->arena);
}

static CacheKey key_of(const char *text) {
    CachePart part = {text, strlen(text)};
    return cache_key(&part, 1);
}

static CacheKey key_number(unsigned n) {
    CachePart part = {&n, sizeof n};
    return cache_key(&part, 1);
}

static bool has(Fixture *f, CacheKey key, const char *expected) {
    size_t len;
    const char *data = cache_get(f->cache, f->arena, key, &len);
    return data != NULL && len == strlen(expected) && memcmp(data, expected, len + 1) == 0;
}

/* The path of the only entry. */
static const char *only_file(Fixture *f) {
    DIR *folder = opendir(f->folder);
    cr_assert_not_null(folder);
    const char *found = NULL;
    for (const struct dirent *item; (item = readdir(folder)) != NULL;) {
        if (item->d_name[0] == '.')
            continue;
        cr_assert_null(found, "more than one file");
        found = arena_printf(f->arena, "%s/%s", f->folder, item->d_name);
    }
    closedir(folder);
    cr_assert_not_null(found);
    return found;
}

Test(cache, keeps_and_finds) {
    Fixture f;
    open_with(&f, CACHE_MAX_BYTES);
    CacheKey a = key_of("a"), b = key_of("b");
    size_t len;
    cr_assert_null(cache_get(f.cache, f.arena, a, &len));
    cache_put(f.cache, a, "a.ptx", "hello", 5);
    cache_put(f.cache, b, "b.ptx", "", 0);
    cr_assert(has(&f, a, "hello"));
    cr_assert(has(&f, b, ""));
    cr_assert(has(&f, a, "hello"));
    const CacheEntry *entries;
    cr_assert_eq(cache_list(f.arena, f.folder, &entries), 2);
    cr_assert(strcmp(entries[0].name, "a.ptx") == 0 || strcmp(entries[1].name, "a.ptx") == 0);
    cr_assert_null(cache_problem(f.cache));
    close_all(&f);
}

Test(cache, keys_tell_where_parts_end) {
    CachePart one[] = {{"ab", 2}, {"c", 1}}, two[] = {{"a", 1}, {"bc", 2}}, three[] = {{"abc", 3}};
    CacheKey keys[] = {cache_key(one, 2), cache_key(two, 2), cache_key(three, 1)};
    cr_assert_neq(keys[0].low, keys[1].low);
    cr_assert_neq(keys[0].low, keys[2].low);
    cr_assert_eq(cache_key(one, 2).high, keys[0].high);
}

Test(cache, no_cache_is_fine) {
    size_t len;
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    cr_assert_null(cache_open(arena, NULL, 1));
    cr_assert_null(cache_get(NULL, arena, key_of("x"), &len));
    cache_put(NULL, key_of("x"), "x", "x", 1);
    cr_assert_null(cache_problem(NULL));
    arena_destroy(arena);
}

Test(cache, usual_folder) {
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    cr_assert_str_eq(cache_folder(arena, "/c", "/x", "/h"), "/c");
    cr_assert_str_eq(cache_folder(arena, "", "/x", "/h"), "/x/tkc");
    cr_assert_str_eq(cache_folder(arena, NULL, "relative", "/h"), "/h/.cache/tkc");
    cr_assert_null(cache_folder(arena, NULL, NULL, NULL));
    arena_destroy(arena);
}

/* Whatever byte is changed, and wherever the file is cut off: a miss, and a put repairs it. */
Test(cache, damage_is_a_miss) {
    Fixture f;
    open_with(&f, CACHE_MAX_BYTES);
    CacheKey key = key_of("k");
    cache_put(f.cache, key, "k", "some machine code", 17);
    const char *path = only_file(&f);
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    for (off_t at = 0; at < status.st_size; at++) {
        bool in_name = at >= 40 && at < 104; /* for people only */
        int fd = open(path, O_RDWR);
        char byte;
        cr_assert_eq(pread(fd, &byte, 1, at), 1);
        byte = (char)(byte ^ 0x41);
        cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        cr_assert_eq(has(&f, key, "some machine code"), in_name, "byte %ld", (long)at);
        cache_put(f.cache, key, "k", "some machine code", 17);
        cr_assert(has(&f, key, "some machine code"));
    }
    for (off_t size = 0; size < status.st_size; size++) {
        cr_assert_eq(truncate(path, size), 0);
        cr_assert_not(has(&f, key, "some machine code"), "cut at %ld", (long)size);
        cache_put(f.cache, key, "k", "some machine code", 17);
    }
    cr_assert_eq(truncate(path, status.st_size + 1), 0);
    cr_assert_not(has(&f, key, "some machine code"));
    close_all(&f);
}

Test(cache, a_folder_that_cannot_be_made_or_written) {
    Fixture f;
    open_with(&f, CACHE_MAX_BYTES);
    int fd = open(arena_printf(f.arena, "%s/deep", f.root), O_CREAT | O_WRONLY, 0600);
    close(fd);
    cache_put(f.cache, key_of("x"), "x", "x", 1); /* `deep` is a file */
    cr_assert_not_null(cache_problem(f.cache));
    size_t len;
    cr_assert_null(cache_get(f.cache, f.arena, key_of("x"), &len));
    unlink(arena_printf(f.arena, "%s/deep", f.root));
    Cache *proc = cache_open(f.arena, "/proc/self", CACHE_MAX_BYTES); /* nobody may write there */
    cache_put(proc, key_of("x"), "x", "x", 1);
    cr_assert_not_null(cache_problem(proc));
    close_all(&f);
}

/* /dev/full takes no byte: writing fails as on a full disk. */
Test(cache, a_full_disk) {
    Fixture f;
    open_with(&f, CACHE_MAX_BYTES);
    pid_t child = fork();
    if (child == 0) { /* a limit on the size of files stands for a disk without room */
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = 60, .rlim_max = 60};
        setrlimit(RLIMIT_FSIZE, &limit);
        cache_put(f.cache, key_of("x"), "x", "some machine code", 17);
        _exit(cache_problem(f.cache) != NULL && !has(&f, key_of("x"), "some machine code") ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const CacheEntry *entries;
    cr_assert_eq(cache_list(f.arena, f.folder, &entries), 0);
    cr_assert_eq(rmdir(f.folder), 0, "a temporary is left");
    close_all(&f);
}

Test(cache, the_entries_unused_for_longest_go) {
    Fixture f;
    open_with(&f, 40000);
    static char blob[1000];
    CacheKey often = key_number(1u << 20);
    cache_put(f.cache, often, "often", blob, sizeof blob);
    for (unsigned i = 0; i < 400; i++) {
        size_t len;
        cr_assert_not_null(cache_get(f.cache, f.arena, often, &len), "after %u", i);
        cache_put(f.cache, key_number(i), "x", blob, sizeof blob);
    }
    const CacheEntry *entries;
    size_t count = cache_list(f.arena, f.folder, &entries);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += entries[i].bytes;
    cr_assert(total < 40000 + 80 * 1104, "%llu bytes", (unsigned long long)total);
    cr_assert(count >= 30, "%zu entries", count);
    cache_put(f.cache, key_of("huge"), "huge", blob, 50000 > sizeof blob ? sizeof blob : 0);
    close_all(&f);
}

/* What each of many processes does: all of them want the same few entries at once. */
static int use_cache(Fixture *f, unsigned seed) {
    for (unsigned i = 0; i < 100; i++) {
        unsigned n = (i * 7 + seed) % 10;
        const char *expected =
            arena_printf(f->arena, "%0*u", (int)(1000 + 500 * n), n); /* another length each */
        size_t len;
        const char *data = cache_get(f->cache, f->arena, key_number(n), &len);
        if (data != NULL && (len != strlen(expected) || memcmp(data, expected, len) != 0))
            return 1;
        if (data == NULL || i % 3 == 0)
            cache_put(f->cache, key_number(n), "n", expected, strlen(expected));
        if (i % 50 == 49 && seed % 10 == 0) {
            const char *error;
            cache_clear(f->arena, f->folder, &error);
        }
    }
    return cache_problem(f->cache) == NULL ? 0 : 2;
}

Test(cache, fifty_processes_at_once) {
    Fixture f;
    open_with(&f, CACHE_MAX_BYTES);
    for (unsigned i = 0; i < 50; i++)
        if (fork() == 0)
            _exit(use_cache(&f, i));
    for (unsigned i = 0; i < 50; i++) {
        int status;
        wait(&status);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    }
    close_all(&f);
}

/* ---- a compiler that looks there first ------------------------------------------------------- */

typedef struct Counter {
    unsigned compiled;
    bool warns, refuses;
} Counter;

static bool count_compile(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                          DeviceCode *out) {
    Counter *counter = data;
    counter->compiled++;
    if (counter->warns)
        diag_report(diags, DIAG_CUDA_DEAD, kernel->range);
    *out = (DeviceCode){.ptx = "the ptx",
                        .ptx_len = 7,
                        .entry = arena_strdup(arena, kernel->name),
                        .num_warps = (unsigned)kernel->num_warps,
                        .shared_bytes = 1234};
    return !counter->refuses;
}

#define KERNEL(warps) "kernel @k(%n: i32) num_warps = " warps " num_stages = 3 {\n    return\n}\n"

Test(compiler_cache, compiles_what_it_has_not_seen) {
    Fixture f;
    World w;
    open_with(&f, CACHE_MAX_BYTES);
    world_open(&w);
    Counter counter = {0};
    CachedCompiler cached = {{&counter, count_compile}, f.cache, "sm_90a"};
    DeviceCompiler compiler = compiler_cached(&cached);
    const IrKernel *four = world_kernel(&w, KERNEL("4")), *eight = world_kernel(&w, KERNEL("8"));
    DeviceCode code;
    for (int i = 0; i < 3; i++) {
        cr_assert(compiler.compile(compiler.data, w.arena, four, w.diags, &code));
        cr_assert_str_eq(code.ptx, "the ptx");
        cr_assert_str_eq(code.entry, "k");
        cr_assert(code.ptx_len == 7 && code.num_warps == 4 && code.shared_bytes == 1234);
    }
    cr_assert_eq(counter.compiled, 1);
    compiler.compile(compiler.data, w.arena, eight, w.diags, &code);
    cr_assert(counter.compiled == 2 && code.num_warps == 8);
    cached.salt = "sm_80";
    compiler.compile(compiler.data, w.arena, four, w.diags, &code);
    cr_assert_eq(counter.compiled, 3);
    world_close(&w);
    close_all(&f);
}

Test(compiler_cache, keeps_nothing_that_was_warned_about_or_refused) {
    Fixture f;
    World w;
    open_with(&f, CACHE_MAX_BYTES);
    world_open(&w);
    Counter counter = {.warns = true};
    CachedCompiler cached = {{&counter, count_compile}, f.cache, ""};
    DeviceCompiler compiler = compiler_cached(&cached);
    const IrKernel *kernel = world_kernel(&w, KERNEL("4"));
    DeviceCode code;
    cr_assert(compiler.compile(compiler.data, w.arena, kernel, w.diags, &code));
    cr_assert(compiler.compile(compiler.data, w.arena, kernel, w.diags, &code));
    cr_assert_eq(counter.compiled, 2);
    counter = (Counter){.refuses = true};
    cr_assert_not(compiler.compile(compiler.data, w.arena, kernel, w.diags, &code));
    cr_assert_not(compiler.compile(compiler.data, w.arena, kernel, w.diags, &code));
    cr_assert_eq(counter.compiled, 2);
    world_close(&w);
    close_all(&f);
}
