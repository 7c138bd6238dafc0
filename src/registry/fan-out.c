/* Waiting for the network on several threads. The caller takes part, so that it goes
 * forward even when every i/o worker is busy; workers that come too late find nothing to
 * do and only drop their reference. */
#include "registry/registry-priv.h"

struct fan {
    pthread_mutex_t mutex; /* all below */
    pthread_cond_t done;
    size_t next, count, running;
    unsigned refs;
    int failed;
    struct cb_error *error;
    int (*job)(void *arg, size_t index, struct cb_error **err);
    void *arg;
};

static void work(struct fan *fan)
{
    pthread_mutex_lock(&fan->mutex);
    while (fan->next < fan->count && !fan->failed) {
        size_t index = fan->next++;
        struct cb_error *error = NULL;
        int result;

        fan->running++;
        pthread_mutex_unlock(&fan->mutex);
        result = fan->job(fan->arg, index, &error);
        pthread_mutex_lock(&fan->mutex);
        fan->running--;
        if (result < 0 && !fan->failed) {
            fan->failed = 1;
            fan->error = cb_steal(&error);
        }
        cb_error_free(error);
    }
    pthread_cond_broadcast(&fan->done);
    pthread_mutex_unlock(&fan->mutex);
}

static void fan_unref(struct fan *fan)
{
    unsigned left;

    pthread_mutex_lock(&fan->mutex);
    left = --fan->refs;
    pthread_mutex_unlock(&fan->mutex);
    if (left)
        return;
    pthread_mutex_destroy(&fan->mutex);
    pthread_cond_destroy(&fan->done);
    cb_error_free(fan->error);
    free(fan);
}

static void worker(void *arg)
{
    work(arg);
    fan_unref(arg);
}

int cb_fan_out(struct cb_pool *pool, unsigned width, size_t count,
               int (*job)(void *arg, size_t index, struct cb_error **err), void *arg,
               struct cb_error **err)
{
    struct fan *fan = xcalloc(1, sizeof(*fan));
    size_t helpers = count < width ? count : width;
    int result;

    helpers = pool && helpers > 1 ? helpers - 1 : 0;
    pthread_mutex_init(&fan->mutex, NULL);
    pthread_cond_init(&fan->done, NULL);
    fan->count = count;
    fan->job = job;
    fan->arg = arg;
    fan->refs = (unsigned)helpers + 1;
    for (size_t i = 0; i < helpers; i++)
        cb_pool_submit(pool, CB_POOL_IO, worker, fan);
    work(fan);
    pthread_mutex_lock(&fan->mutex);
    while (fan->running)
        pthread_cond_wait(&fan->done, &fan->mutex);
    result = fan->failed ? cb_error_move(err, &fan->error) : 0;
    pthread_mutex_unlock(&fan->mutex);
    fan_unref(fan);
    return result;
}
