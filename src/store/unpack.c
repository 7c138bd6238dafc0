/* Layers of an image onto disk, all at once: each is unpacked into a snapshot of its own
 * without a look at the others, and when all below it are in place it is put on top of
 * them and committed. A layer that does not stand alone (untar.h) is done again over its
 * parents when its turn comes.
 *
 * One lock per image chain: two pulls of one image unpack it once. Images that share
 * lower layers may unpack those twice; the second to commit finds the first and lets its
 * own go. */
#include "store/layer.h"

#include "base/lockfile.h"
#include "store/snapshot-priv.h"
#include "store/unpack-priv.h"

#include <stdio.h>
#include <stdlib.h>

/* ── Locks ── */

struct wait {
    struct cb_event_sink *sink;
};

static void tell_waiting(void *arg, pid_t holder)
{
    struct wait *wait = arg;

    cb_event_say(wait->sink, CB_EVENT_NOTICE, 0,
                 "waiting for process %d, which unpacks this image", (int)holder);
}

static int lock_chain(struct cb_store *store, const struct cb_digest *chain_id,
                      struct cb_cancel *cancel, struct cb_event_sink *sink,
                      struct cb_lock **lock, struct cb_error **err)
{
    struct wait wait = {.sink = sink};
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *name = xasprintf("unpack-%s.lock", cb_digest_hex(chain_id, hex));

    if (cb_store_check_writable(store, err) < 0 || cb_store_lease_now(store, err) < 0)
        return -1;
    return cb_lock_take(lock, store->ingest_fd, name, CB_LOCK_EXCLUSIVE,
                        &(struct cb_lock_wait){cancel, tell_waiting, &wait}, err);
}

/* ── A whole image ── */

struct cb_layers {
    struct cb_store *store;
    const struct cb_descriptor *blobs;
    const struct cb_digest *diff_ids;
    const struct cb_layer_tar *tars; /* or NULL */
    struct cb_digest *chain_ids;
    size_t first; /* the layers below are there */
    size_t count;
    struct cb_layer_limits limits;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    uint64_t event_id;
    struct cb_lock *lock;

    char *early; /* by layer: `done` has it, and only its own thread may look */

    pthread_mutex_t mutex; /* guards what follows, and is held while stacking */
    struct cb_unpacked *done;
    char *ready;
    size_t next; /* the lowest layer not stacked yet */
    struct cb_snapshot *top;
};

static struct cb_layer_source source_of(const struct cb_layers *image, size_t index)
{
    return (struct cb_layer_source){
        .store = image->store,
        .blob = &image->blobs[index].digest,
        .diff_id = &image->diff_ids[index],
        .limits = image->limits,
        .cancel = image->cancel,
        .tar = image->tars && image->tars[index].fd >= 0 ? &image->tars[index] : NULL,
        .way = index ? CB_UNTAR_OVERLAY : CB_UNTAR_GROUND};
}

static void report(const struct cb_layers *image, size_t index, int done)
{
    char item[CB_DIGEST_MAX_TEXT + 16], text[CB_DIGEST_MAX_TEXT];
    uint64_t size = (uint64_t)image->blobs[index].size;

    if (!image->sink)
        return;
    snprintf(item, sizeof(item), "extracting %s",
             cb_digest_text(&image->blobs[index].digest, text));
    cb_event_emit(image->sink, (struct cb_event){.kind = CB_EVENT_STEP_STATUS,
                                                 .id = image->event_id,
                                                 .item = item,
                                                 .current = done ? size : 0,
                                                 .total = size,
                                                 .done = done});
}

/* Only a blob whose bytes were seen to have the diff id is remembered for it: others
 * would be taken for this layer by any image that has it. It is remembered before the
 * layer is one, which without it might not be made again. */
static int stack_next(struct cb_layers *image, struct cb_error **err)
{
    size_t index = image->next;
    struct cb_layer_source source = source_of(image, index);
    struct cb_unpacked *unpacked = &image->done[index];
    int is_checked = unpacked->snapshot != NULL;
    cb_auto(cb_snapshot) known = NULL;
    int found = cb_chain_find(image->store, &image->chain_ids[index], &known, err);

    if (found < 0)
        return -1;
    if (!found && !is_checked) {
        source.way = CB_UNTAR_MERGED;
        if (cb_layer_unpack(&source, image->top, unpacked, err) < 0)
            return -1;
        is_checked = 1;
    }
    if (is_checked && unpacked->has_blob &&
        cb_layer_blob_add(image->store, &image->diff_ids[index], &image->blobs[index],
                          err) < 0)
        return -1;
    if (!found) {
        if (cb_unpacked_commit(unpacked, image->top, &image->chain_ids[index],
                               image->cancel, err) < 0)
            return -1;
        known = cb_steal(&unpacked->snapshot);
    }
    cb_snapshot_unref(image->top);
    image->top = cb_steal(&known);
    return 0;
}

static int stack_ready(struct cb_layers *image, size_t index,
                       const struct cb_unpacked *unpacked, struct cb_error **err)
{
    int result = 0;

    pthread_mutex_lock(&image->mutex);
    image->done[index] = *unpacked;
    image->ready[index] = 1;
    while (result == 0 && image->next < image->count && image->ready[image->next]) {
        result = stack_next(image, err);
        if (result == 0)
            report(image, image->next++, 1);
    }
    pthread_mutex_unlock(&image->mutex);
    return result;
}

static int unpack_alone(const struct cb_layer_source *source,
                        struct cb_unpacked *unpacked, struct cb_error **err)
{
    if (cb_cancel_check(source->cancel, err) < 0)
        return -1;
    return cb_layer_unpack(source, NULL, unpacked, err);
}

int cb_layers_unpack_early(struct cb_layers *image, size_t index, cb_read_fn read,
                           void *arg, struct cb_error **err)
{
    struct cb_layer_source source = source_of(image, index);
    struct cb_unpacked unpacked = {0};

    source.read = read;
    source.arg = arg;
    if (unpack_alone(&source, &unpacked, err) < 0)
        return -1;
    image->done[index] = unpacked;
    image->early[index] = 1;
    return 0;
}

void cb_layers_forget_early(struct cb_layers *image, size_t index)
{
    cb_snapshot_unref(image->done[index].snapshot);
    image->done[index] = (struct cb_unpacked){0};
    image->early[index] = 0;
}

int cb_layers_unpack_one(struct cb_layers *image, size_t index, struct cb_error **err)
{
    struct cb_layer_source source = source_of(image, index);
    struct cb_unpacked unpacked = {0};

    if (image->early[index])
        return stack_ready(image, index, &image->done[index], err);
    report(image, index, 0);
    if (unpack_alone(&source, &unpacked, err) < 0)
        return -1;
    return stack_ready(image, index, &unpacked, err);
}

/* The longest part of the chain that is there already. */
static int find_prefix(struct cb_layers *image, struct cb_error **err)
{
    size_t i;

    for (i = image->count; i-- > 0;) {
        int found = cb_chain_find(image->store, &image->chain_ids[i], &image->top, err);

        if (found < 0)
            return -1;
        if (found) {
            image->first = image->next = i + 1;
            return 0;
        }
    }
    return 0;
}

static int find_missing(struct cb_layers *image, struct cb_error **err)
{
    if (find_prefix(image, err) < 0)
        return -1;
    if (image->first == image->count)
        return 0;
    if (lock_chain(image->store, &image->chain_ids[image->count - 1], image->cancel,
                   image->sink, &image->lock, err) < 0)
        return -1;
    cb_snapshot_unref(image->top);
    image->top = NULL;
    image->first = image->next = 0;
    return find_prefix(image, err);
}

void cb_layers_free(struct cb_layers *image)
{
    if (!image)
        return;
    for (size_t i = 0; i < image->count; i++)
        cb_snapshot_unref(image->done[i].snapshot);
    cb_snapshot_unref(image->top);
    free(image->done);
    free(image->early);
    free(image->ready);
    free(image->chain_ids);
    cb_lock_release_unlink(image->lock);
    pthread_mutex_destroy(&image->mutex);
    free(image);
}

int cb_layers_begin(struct cb_layers **out, const struct cb_layers_options *options,
                    struct cb_error **err)
{
    cb_auto(cb_layers) image = xcalloc(1, sizeof(*image));
    size_t count = options->count;

    *image = (struct cb_layers){.store = options->store,
                                .blobs = options->blobs,
                                .diff_ids = options->diff_ids,
                                .tars = options->tars,
                                .count = count,
                                .limits = options->limits,
                                .cancel = options->cancel,
                                .sink = options->sink,
                                .event_id = options->event_id,
                                .mutex = PTHREAD_MUTEX_INITIALIZER};
    image->chain_ids = xcalloc(count + 1, sizeof(*image->chain_ids));
    image->done = xcalloc(count + 1, sizeof(*image->done));
    image->early = xcalloc(count + 1, 1);
    image->ready = xcalloc(count + 1, 1);
    for (size_t i = 0; i < count; i++)
        image->chain_ids[i] =
            cb_chain_id(i ? &image->chain_ids[i - 1] : NULL, &image->diff_ids[i]);
    if (count && find_missing(image, err) < 0)
        return -1;
    *out = cb_steal(&image);
    return 0;
}

size_t cb_layers_first(const struct cb_layers *image)
{
    return image->first;
}

struct cb_snapshot *cb_layers_top(struct cb_layers *image)
{
    return cb_steal(&image->top);
}

static int unpack_job(void *arg, size_t job, struct cb_error **err)
{
    struct cb_layers *image = arg;

    return cb_layers_unpack_one(image, image->first + job, err);
}

int cb_layers_unpack(const struct cb_layers_options *options, struct cb_pool *pool,
                     struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto(cb_layers) image = NULL;

    *out = NULL;
    if (cb_layers_begin(&image, options, err) < 0 ||
        cb_pool_for_each(pool, image->count - image->first, unpack_job, image, err) < 0)
        return -1;
    *out = cb_layers_top(image);
    return 0;
}
