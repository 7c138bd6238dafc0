/* A job for each blob. None of them waits for anything but the disk, so all of them end.
 */
#include "exporter/keeper.h"

#include <pthread.h>

struct cb_keeper {
    struct cb_pool *pool;
    pthread_mutex_t mutex; /* all below */
    pthread_cond_t done;
    unsigned pending;
    int failed;
    struct cb_error *error;
};

struct keeping {
    struct cb_keeper *keeper;
    struct cb_fresh_blob *fresh;
};

struct cb_keeper *cb_keeper_new(struct cb_pool *pool)
{
    struct cb_keeper *keeper = xcalloc(1, sizeof(*keeper));

    keeper->pool = pool;
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->done, NULL);
    return keeper;
}

static void keep(void *arg)
{
    struct keeping *keeping = arg;
    struct cb_keeper *keeper = keeping->keeper;
    struct cb_error *error = NULL;
    int result = cb_fresh_blob_keep(keeping->fresh, &error);

    cb_fresh_blob_free(keeping->fresh);
    free(keeping);
    pthread_mutex_lock(&keeper->mutex);
    if (result < 0 && !keeper->failed) {
        keeper->failed = 1;
        keeper->error = cb_steal(&error);
    }
    cb_error_free(error);
    keeper->pending--;
    pthread_cond_broadcast(&keeper->done);
    pthread_mutex_unlock(&keeper->mutex);
}

void cb_keeper_add(struct cb_keeper *keeper, struct cb_fresh_blob *fresh)
{
    struct keeping *keeping = xcalloc(1, sizeof(*keeping));

    *keeping = (struct keeping){.keeper = keeper, .fresh = fresh};
    pthread_mutex_lock(&keeper->mutex);
    keeper->pending++;
    pthread_mutex_unlock(&keeper->mutex);
    if (keeper->pool)
        cb_pool_submit(keeper->pool, CB_POOL_IO, keep, keeping);
    else
        keep(keeping);
}

int cb_keeper_wait(struct cb_keeper *keeper, struct cb_error **err)
{
    int result;

    pthread_mutex_lock(&keeper->mutex);
    while (keeper->pending)
        pthread_cond_wait(&keeper->done, &keeper->mutex);
    result = keeper->error ? cb_error_move(err, &keeper->error) : 0;
    pthread_mutex_unlock(&keeper->mutex);
    return result;
}

void cb_keeper_free(struct cb_keeper *keeper)
{
    if (!keeper)
        return;
    cb_keeper_wait(keeper, NULL);
    pthread_cond_destroy(&keeper->done);
    pthread_mutex_destroy(&keeper->mutex);
    cb_error_free(keeper->error);
    free(keeper);
}
