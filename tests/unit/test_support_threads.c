/* The thread pool: every index once, ascending chunks, any size, many calls. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/threads.h"

enum { COUNT = 10007 };

typedef struct Seen {
    atomic_uchar times[COUNT];
    atomic_uint bad_worker, bad_chunk;
    unsigned workers;
    int64_t grain;
    int64_t last_begin[64]; /* of each worker */
} Seen;

static void visit(void *context, int64_t begin, int64_t end, unsigned worker) {
    Seen *seen = context;
    if (worker >= seen->workers) {
        atomic_fetch_add(&seen->bad_worker, 1);
        return;
    }
    bool in_range = begin >= 0 && begin < end && end <= COUNT && end - begin <= seen->grain;
    if (!in_range || begin <= seen->last_begin[worker]) {
        atomic_fetch_add(&seen->bad_chunk, 1);
        return;
    }
    seen->last_begin[worker] = begin;
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&seen->times[i], 1);
    }
}

static void check(ThreadPool *pool, int64_t count, int64_t grain) {
    Seen *seen = calloc(1, sizeof *seen);
    seen->workers = threads_count(pool);
    seen->grain = grain < 1 ? 1 : grain;
    for (int i = 0; i < 64; i++) {
        seen->last_begin[i] = -1;
    }
    threads_for(pool, count, grain, visit, seen);
    cr_assert_eq(seen->bad_worker, 0);
    cr_assert_eq(seen->bad_chunk, 0);
    for (int64_t i = 0; i < COUNT; i++) {
        cr_assert_eq(seen->times[i], i < count);
    }
    free(seen);
}

Test(threads, every_index_once) {
    for (unsigned threads = 1; threads <= 8; threads++) {
        ThreadPool *pool = threads_create(threads);
        cr_assert_not_null(pool);
        cr_assert_eq(threads_count(pool), threads);
        check(pool, COUNT, 1);
        check(pool, COUNT, 100);
        check(pool, COUNT, COUNT * 2);
        check(pool, 1, 1);
        check(pool, 0, 1);
        check(pool, -5, 1);
        check(pool, 50, 0);
        threads_destroy(pool);
    }
    threads_destroy(NULL);
}

static void add_one(void *context, int64_t begin, int64_t end, unsigned worker) {
    (void)worker;
    atomic_fetch_add((_Atomic int64_t *)context, end - begin);
}

Test(threads, many_short_calls) {
    ThreadPool *pool = threads_create(4);
    _Atomic int64_t total = 0;
    for (int i = 0; i < 3000; i++) {
        threads_for(pool, 5, 1, add_one, &total);
    }
    cr_assert_eq(total, 15000);
    threads_destroy(pool);
}

Test(threads, online_processors) {
    ThreadPool *pool = threads_create(0);
    cr_assert_geq(threads_count(pool), 1);
    threads_destroy(pool);
}

static void note_range(void *context, int64_t begin, int64_t end, unsigned worker) {
    (void)worker;
    int64_t *range = context;
    range[0] = begin;
    range[1] = end;
}

Test(threads, huge_counts_do_not_overflow) {
    ThreadPool *pool = threads_create(3);
    int64_t range[2] = {-1, -1};
    threads_for(pool, INT64_MAX, INT64_MAX, note_range, range);
    cr_assert(range[0] == 0 && range[1] == INT64_MAX);
    _Atomic int64_t total = 0;
    threads_for(pool, INT64_MAX, INT64_MAX / 4, add_one, &total);
    cr_assert_eq(total, INT64_MAX);
    threads_destroy(pool);
}
