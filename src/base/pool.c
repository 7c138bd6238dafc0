/* Two queues with their own threads, so that downloads waiting for a slow server never
 * hold the last cpu worker. A thread starts when a job comes and nobody is idle. Threads
 * block all signals: the program's handlers run on the main thread.
 *
 * One mutex guards the queues and counters; it is a leaf lock, never held while a job
 * runs. */
#include "base/pool.h"

#include "base/thread.h"

#include <pthread.h>
#include <sched.h>

struct job {
    struct job *next;
    void (*run)(void *);
    void *arg;
};

struct worker_class {
    struct cb_pool *pool;
    pthread_cond_t more; /* a job came, or the pool stops */
    struct job *first, **end;
    unsigned max, started, idle, queued;
    pthread_t *threads;
};

struct cb_pool {
    pthread_mutex_t lock;
    pthread_cond_t quiet; /* unfinished went to 0 */
    size_t unfinished;    /* queued and running jobs of both classes */
    int stop;
    struct worker_class classes[2];
};

unsigned cb_pool_core_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return count > 0 ? (unsigned)count : 1;
}

struct cb_pool *cb_pool_new(unsigned cpu_threads, unsigned io_threads)
{
    struct cb_pool *pool = xcalloc(1, sizeof(*pool));
    unsigned limits[2] = {cpu_threads ? cpu_threads : cb_pool_core_count(),
                          io_threads ? io_threads : 1};

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->quiet, NULL);
    for (int i = 0; i < 2; i++) {
        struct worker_class *class = &pool->classes[i];

        class->pool = pool;
        class->max = limits[i];
        class->end = &class->first;
        class->threads = xcalloc(class->max, sizeof(*class->threads));
        pthread_cond_init(&class->more, NULL);
    }
    return pool;
}

void cb_pool_free(struct cb_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    while (pool->unfinished > 0)
        pthread_cond_wait(&pool->quiet, &pool->lock);
    pool->stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_cond_broadcast(&pool->classes[i].more);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < 2; i++) {
        struct worker_class *class = &pool->classes[i];

        for (unsigned t = 0; t < class->started; t++)
            pthread_join(class->threads[t], NULL);
        free(class->threads);
        pthread_cond_destroy(&class->more);
    }
    pthread_cond_destroy(&pool->quiet);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned cb_pool_cpu_threads(const struct cb_pool *pool)
{
    return pool ? pool->classes[CB_POOL_CPU].max : 1;
}

/* Runs the first job. The lock is held on entry and exit, not in between. */
static void run_first(struct worker_class *class)
{
    struct cb_pool *pool = class->pool;
    struct job *job = class->first;

    class->first = job->next;
    if (!class->first)
        class->end = &class->first;
    class->queued--;
    pthread_mutex_unlock(&pool->lock);
    job->run(job->arg);
    free(job);
    pthread_mutex_lock(&pool->lock);
    if (--pool->unfinished == 0)
        pthread_cond_broadcast(&pool->quiet);
}

static void *work(void *arg)
{
    struct worker_class *class = arg;
    struct cb_pool *pool = class->pool;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!class->first && !pool->stop) {
            class->idle++;
            pthread_cond_wait(&class->more, &pool->lock);
            class->idle--;
        }
        if (!class->first)
            break;
        run_first(class);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int start_thread(struct worker_class *class)
{
    int failed = cb_thread_start(&class->threads[class->started], work, class);

    if (!failed)
        class->started++;
    return !failed;
}

void cb_pool_submit(struct cb_pool *pool, enum cb_pool_class class_index,
                    void (*run)(void *), void *arg)
{
    struct worker_class *class = &pool->classes[class_index];
    struct job *job = xcalloc(1, sizeof(*job));

    job->run = run;
    job->arg = arg;
    pthread_mutex_lock(&pool->lock);
    *class->end = job;
    class->end = &job->next;
    class->queued++;
    pool->unfinished++;
    /* An idle thread counts for one queued job: it may have been woken for an earlier
     * one. */
    if (class->idle < class->queued && class->started < class->max)
        start_thread(class);
    if (class->started == 0)
        run_first(class); /* no thread to be had: better late than never */
    else
        pthread_cond_signal(&class->more);
    pthread_mutex_unlock(&pool->lock);
}
