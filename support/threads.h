/* threads.h -- a fixed pool of worker threads that run index ranges.
 *
 * No globals: the pool belongs to whoever created it. A pool of size 1 runs on the caller.
 */
#ifndef TKC_SUPPORT_THREADS_H
#define TKC_SUPPORT_THREADS_H

#include <stdint.h>

typedef struct ThreadPool ThreadPool;
/* `threads` 0: one per online processor. NULL if not even one thread's memory can be had; fewer
 * threads than asked for if the system refuses more. */
ThreadPool *threads_create(unsigned threads);
void threads_destroy(ThreadPool *pool);
unsigned threads_count(const ThreadPool *pool);

/* Runs body(context, begin, end, worker) over [0, count) in chunks of at most `grain`, handed out
 * in ascending order; returns when all are done. worker < threads_count(). Bodies must not longjmp
 * out. Calls must not nest. */
typedef void (*ThreadBody)(void *context, int64_t begin, int64_t end, unsigned worker);
void threads_for(ThreadPool *pool, int64_t count, int64_t grain, ThreadBody body, void *context);

#endif
