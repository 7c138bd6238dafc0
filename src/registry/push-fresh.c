/* A layer that was never compressed before. Its blob is sent while it is made: the upload
 * begins when there is enough of it, reads what the store has written so far, and gets
 * the digest at its end. Until the blob is whole nobody can ask the registry whether it
 * has it already; that is asked then, and if so the upload is given up, so at most the
 * time that compression takes is lost. Where that goes wrong, or the blob is small, it is
 * sent like any other. Waiting for the disk here and for the registry there are one wait.
 */
#include "registry/push-priv.h"

#include "store/blob-feed.h"

#define ENOUGH (4 << 20) /* smaller ones are whole before a request is answered */

enum state { MAKING, FAILED, MADE, THERE /* at the registry */ };

struct fresh {
    struct cb_push *push;
    size_t layer;
    struct cb_blob_feed *feed;
    struct cb_fresh_blob *blob; /* once it is made; NULL: one was found after all */
    struct cb_upload_stream stream;
    pthread_mutex_t mutex; /* what follows */
    pthread_cond_t changed;
    enum state state;
    int streaming; /* the upload has begun */
};

static void change_state(struct fresh *fresh, enum state state)
{
    pthread_mutex_lock(&fresh->mutex);
    fresh->state = state;
    pthread_cond_signal(&fresh->changed);
    pthread_mutex_unlock(&fresh->mutex);
}

static enum state wait_for_state(struct fresh *fresh)
{
    enum state state;

    pthread_mutex_lock(&fresh->mutex);
    while (fresh->state == MAKING)
        pthread_cond_wait(&fresh->changed, &fresh->mutex);
    state = fresh->state;
    pthread_mutex_unlock(&fresh->mutex);
    return state;
}

/* ── Making ── */

static int make(struct fresh *fresh, struct cb_error **err)
{
    struct cb_push *push = fresh->push;
    struct cb_registry *registry = push->registry;
    struct cb_layer_form form = push->options->layers;
    const struct cb_layer_want want = {
        .store = registry->store,
        .chain_id = &push->chain_ids[fresh->layer],
        .diff_id = &push->image->config->diff_ids.items[fresh->layer],
        .form = &form,
        .pool = registry->pool,
        .cancel = registry->cancel,
        .sink = registry->sink,
        .event_id = push->event_id,
        .feed = fresh->feed};

    /* As it came, when nothing is gained (push-layer.c says the same of blobs). */
    if (form.any && !form.force && !push->options->docker_types &&
        cb_layer_came_dense(registry->store, want.chain_id))
        form.compression = CB_COMPRESSION_NONE;
    form.any = 0;
    cb_registry_status(registry, push->event_id, want.diff_id, "Preparing", 0, 0, 0);
    return cb_layer_blob_make(&want, &push->layers[fresh->layer], &fresh->blob, err);
}

/* A blob that is on its way: has the registry got it already? */
static enum state look_again(struct fresh *fresh)
{
    struct cb_push *push = fresh->push;
    const struct cb_descriptor *blob = &push->layers[fresh->layer];

    if (cb_upload_exists(push->registry, &push->repository, &blob->digest, NULL) > 0)
        return THERE;
    cb_upload_stream_save(&fresh->stream, blob);
    return MADE;
}

/* 1: it is made, and nothing of it is on its way. */
static int is_made_unsent(struct fresh *fresh)
{
    int streaming;

    pthread_mutex_lock(&fresh->mutex);
    streaming = fresh->streaming;
    if (!streaming)
        fresh->state = MADE;
    pthread_cond_signal(&fresh->changed);
    pthread_mutex_unlock(&fresh->mutex);
    return !streaming;
}

static int make_and_keep(struct fresh *fresh, struct cb_error **err)
{
    int result = make(fresh, err);
    enum state state;

    if (result < 0 || !fresh->blob) {
        cb_blob_feed_end(fresh->feed);
        change_state(fresh, result < 0 ? FAILED : MADE);
        return result;
    }
    if (!is_made_unsent(fresh)) {
        state = look_again(fresh);
        change_state(fresh, state);
        if (state == THERE)
            cb_blob_feed_break(fresh->feed);
    }
    return cb_fresh_blob_keep(fresh->blob, err);
}

/* ── Sending ── */

/* A mount costs less than any upload. */
static int begin_stream(struct fresh *fresh)
{
    struct cb_push *push = fresh->push;

    if (cb_push_neighbour(push, fresh->stream.diff_id) ||
        !cb_blob_feed_reaches(fresh->feed, ENOUGH) ||
        cb_upload_stream_begin(&fresh->stream) < 0)
        return 0;
    pthread_mutex_lock(&fresh->mutex);
    fresh->streaming = fresh->state == MAKING;
    pthread_mutex_unlock(&fresh->mutex);
    return fresh->streaming;
}

/* 1: the registry has it, or it is not to have it. */
static int stream_while_made(struct fresh *fresh)
{
    struct cb_push *push = fresh->push;
    const struct cb_descriptor *blob = &push->layers[fresh->layer];
    int streamed = begin_stream(fresh);
    enum state state;

    if (streamed)
        cb_upload_stream_send(&fresh->stream);
    state = wait_for_state(fresh);
    if (fresh->stream.location && (!streamed || state != MADE || !fresh->blob))
        cb_upload_give_up(push->registry, &push->repository, fresh->stream.location);
    if (state == FAILED)
        return 1;
    if (state == MADE && !(streamed && cb_upload_stream_end(&fresh->stream, blob)))
        return 0;
    cb_push_report(push, blob, state == THERE ? CB_PUSH_EXISTED : CB_PUSH_SENT, NULL);
    return 1;
}

static int stream_or_send(struct fresh *fresh, struct cb_error **err)
{
    if (stream_while_made(fresh))
        return 0;
    return cb_push_blob(fresh->push, fresh->layer,
                        fresh->blob ? cb_fresh_blob_fd(fresh->blob) : -1, err);
}

static int make_or_send(void *arg, size_t part, struct cb_error **err)
{
    return part == 0 ? make_and_keep(arg, err) : stream_or_send(arg, err);
}

int cb_push_fresh(struct cb_push *push, size_t i, struct cb_error **err)
{
    cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
    struct fresh fresh = {.push = push,
                          .layer = i,
                          .feed = feed,
                          .stream = {.registry = push->registry,
                                     .repository = &push->repository,
                                     .diff_id = &push->image->config->diff_ids.items[i],
                                     .feed = feed,
                                     .event_id = push->event_id},
                          .mutex = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER};
    int result = cb_pool_fan_out(push->registry->pool, 2, 2, make_or_send, &fresh, err);

    cb_fresh_blob_free(fresh.blob);
    cb_upload_stream_clear(&fresh.stream);
    pthread_cond_destroy(&fresh.changed);
    pthread_mutex_destroy(&fresh.mutex);
    return result;
}
