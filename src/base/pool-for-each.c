/* Fork and join over an index range. The loop's state is shared by the caller and by
 * helper jobs, and lives until the last of them lets go: a helper may come to run long
 * after the loop is over, finds no index left and never touches the caller's arguments.
 * The caller works too and waits only for indices that are being run, so nesting cannot
 * deadlock, however busy the pool is. */
#include "base/pool.h"

#include <pthread.h>

struct loop {
    int (*job)(void *arg, size_t index, struct cb_error **err);
    void *arg;
    size_t count;
    int by_time;          /* the first failure in time tells, not by index */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t idle;  /* running went to 0 */
    size_t next, running;
    int failed;
    size_t failed_index;
    struct cb_error *error;
    unsigned holders;
};

static void record_failure(struct loop *loop, size_t index, struct cb_error *error)
{
    if (loop->failed && (loop->by_time || loop->failed_index < index)) {
        cb_error_free(error);
        return;
    }
    cb_error_free(loop->error);
    loop->error = error;
    loop->failed = 1;
    loop->failed_index = index;
}

/* Called with the lock held. */
static void run_indices(struct loop *loop)
{
    while (loop->next < loop->count && !loop->failed) {
        struct cb_error *error = NULL;
        size_t index = loop->next++;
        int result;

        loop->running++;
        pthread_mutex_unlock(&loop->lock);
        result = loop->job(loop->arg, index, &error);
        pthread_mutex_lock(&loop->lock);
        if (result < 0)
            record_failure(loop, index, error);
        if (--loop->running == 0)
            pthread_cond_broadcast(&loop->idle);
    }
}

/* Called with the lock held, which is gone afterwards. */
static void let_go(struct loop *loop)
{
    int last = --loop->holders == 0;

    pthread_mutex_unlock(&loop->lock);
    if (!last)
        return;
    pthread_cond_destroy(&loop->idle);
    pthread_mutex_destroy(&loop->lock);
    cb_error_free(loop->error);
    free(loop);
}

static void help(void *arg)
{
    struct loop *loop = arg;

    pthread_mutex_lock(&loop->lock);
    run_indices(loop);
    let_go(loop);
}

static int run_serially(size_t count, int (*job)(void *, size_t, struct cb_error **),
                        void *arg, struct cb_error **err)
{
    for (size_t i = 0; i < count; i++) {
        if (job(arg, i, err) < 0)
            return -1;
    }
    return 0;
}

/* What is divided here keeps a core busy. A pool may have more threads than there are
 * cores, for jobs that wait. */
static size_t helper_count(const struct cb_pool *pool)
{
    unsigned threads = cb_pool_cpu_threads(pool), cores = cb_pool_core_count();

    return threads < cores ? threads : cores;
}

static int fork_and_join(struct cb_pool *pool, enum cb_pool_class class, size_t helpers,
                         const struct loop *what, struct cb_error **err)
{
    struct loop *loop = xmemdup(what, sizeof(*what));
    int result;

    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->idle, NULL);
    loop->holders = (unsigned)helpers + 1;
    for (size_t i = 0; i < helpers; i++)
        cb_pool_submit(pool, class, help, loop);
    pthread_mutex_lock(&loop->lock);
    run_indices(loop);
    while (loop->running > 0)
        pthread_cond_wait(&loop->idle, &loop->lock);
    result = loop->failed ? cb_error_move(err, &loop->error) : 0;
    let_go(loop);
    return result;
}

int cb_pool_for_each(struct cb_pool *pool, size_t count,
                     int (*job)(void *arg, size_t index, struct cb_error **err),
                     void *arg, struct cb_error **err)
{
    const struct loop loop = {.job = job, .arg = arg, .count = count};
    size_t helpers = helper_count(pool);

    if (!pool || count < 2)
        return run_serially(count, job, arg, err);
    return fork_and_join(pool, CB_POOL_CPU, helpers < count ? helpers : count - 1, &loop,
                         err);
}

int cb_pool_fan_out(struct cb_pool *pool, size_t width, size_t count,
                    int (*job)(void *arg, size_t index, struct cb_error **err), void *arg,
                    struct cb_error **err)
{
    const struct loop loop = {.job = job, .arg = arg, .count = count, .by_time = 1};

    if (width > count)
        width = count;
    if (!pool || width < 2)
        return run_serially(count, job, arg, err);
    return fork_and_join(pool, CB_POOL_IO, width - 1, &loop, err);
}
