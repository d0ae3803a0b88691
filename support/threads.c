/* threads.c -- a fixed pool of worker threads that run index ranges.
 *
 * The caller is worker 0; the others sleep on a condition variable between calls. Each call of
 * threads_for opens a new generation; the workers that wake up take chunk numbers from one atomic
 * counter, so chunks are handed out in ascending order and a slow chunk delays nobody else. The
 * caller works too and then waits until the last worker has left.
 *
 *     generation 7:   worker 0  [chunk 0][chunk 3]....[chunk 5]
 *                     worker 1  [chunk 1......][chunk 4]
 *                     worker 2  [chunk 2]
 */
#include "support/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 1024 };

typedef struct Job {
    ThreadBody body;
    void *context;
    int64_t count, grain;
    uint64_t chunks;
} Job;

typedef struct Worker {
    ThreadPool *pool;
    pthread_t thread;
    unsigned index;
} Worker;

struct ThreadPool {
    pthread_mutex_t lock; /* guards job, generation, busy, closing */
    pthread_cond_t start; /* a new generation, or closing */
    pthread_cond_t done;  /* busy became 0 */
    Job job;
    uint64_t generation;
    unsigned busy; /* workers that have not finished this generation */
    bool closing;
    _Atomic uint64_t next_chunk;
    unsigned count;   /* including the caller */
    Worker workers[]; /* [0] stands for the caller and has no thread */
};

static void run_chunks(ThreadPool *pool, const Job *job, unsigned worker) {
    for (;;) {
        uint64_t chunk = atomic_fetch_add_explicit(&pool->next_chunk, 1, memory_order_relaxed);
        if (chunk >= job->chunks) {
            return;
        }
        int64_t begin = (int64_t)chunk * job->grain;
        int64_t left = job->count - begin;
        job->body(job->context, begin, begin + (left < job->grain ? left : job->grain), worker);
    }
}

static void *worker_main(void *argument) {
    const Worker *worker = argument;
    ThreadPool *pool = worker->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->generation == seen && !pool->closing) {
            pthread_cond_wait(&pool->start, &pool->lock);
        }
        if (pool->closing) {
            break;
        }
        seen = pool->generation;
        Job job = pool->job;
        pthread_mutex_unlock(&pool->lock);
        run_chunks(pool, &job, worker->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0) {
            pthread_cond_signal(&pool->done);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Starts the workers; signals stay with the threads that had them before. */
static void start_workers(ThreadPool *pool, unsigned wanted) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->count < wanted) {
        Worker *worker = &pool->workers[pool->count];
        *worker = (Worker){.pool = pool, .index = pool->count};
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            break;
        }
        pool->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

ThreadPool *threads_create(unsigned threads) {
    if (threads == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        threads = online < 1 ? 1 : online > MAX_THREADS ? MAX_THREADS : (unsigned)online;
    }
    if (threads > MAX_THREADS) {
        threads = MAX_THREADS;
    }
    ThreadPool *pool = calloc(1, sizeof *pool + threads * sizeof pool->workers[0]);
    if (pool == NULL) {
        return NULL;
    }
    pool->count = 1;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        goto no_lock;
    }
    if (pthread_cond_init(&pool->start, NULL) != 0) {
        goto no_start;
    }
    if (pthread_cond_init(&pool->done, NULL) != 0) {
        goto no_done;
    }
    start_workers(pool, threads);
    return pool;
no_done:
    pthread_cond_destroy(&pool->start);
no_start:
    pthread_mutex_destroy(&pool->lock);
no_lock:
    free(pool);
    return NULL;
}

void threads_destroy(ThreadPool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 1; i < pool->count; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->start);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned threads_count(const ThreadPool *pool) {
    return pool->count;
}

void threads_for(ThreadPool *pool, int64_t count, int64_t grain, ThreadBody body, void *context) {
    if (count <= 0) {
        return;
    }
    if (grain < 1) {
        grain = 1;
    }
    Job job = {body, context, count, grain, (uint64_t)((count - 1) / grain) + 1};
    atomic_store_explicit(&pool->next_chunk, 0, memory_order_relaxed);
    if (pool->count == 1 || job.chunks == 1) {
        run_chunks(pool, &job, 0);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->busy = pool->count - 1;
    pool->generation++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    run_chunks(pool, &job, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}
