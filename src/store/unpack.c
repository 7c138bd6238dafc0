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
#include "store/content-priv.h"
#include "store/layer-tar.h"
#include "store/outline.h"
#include "store/snapshot-priv.h"
#include "store/tar-read-priv.h"
#include "store/untar.h"
#include "store/whiteout-idle.h"

#include <stdio.h>
#include <stdlib.h>

/* ── One layer ── */

struct source {
    struct cb_store *store;
    const struct cb_digest *blob, *diff_id;
    struct cb_layer_limits limits;
    struct cb_cancel *cancel;
    cb_read_fn read; /* where the blob comes from; NULL: it is in the store */
    void *arg;
    const struct cb_layer_tar *tar; /* there is no blob; or NULL */
};

struct unpacked {
    struct cb_snapshot *snapshot; /* active; NULL when the layer needs those below */
    struct cb_untar_result result;
    struct cb_snapshot_layer layer;
    int has_blob; /* as it came */
    int is_dense; /* has none, and one would be as large when compressed */
};

/* A plain tar that is on its way: its blob's writer takes the same digest. */
static int is_verified_elsewhere(const struct source *source,
                                 struct cb_tar_reader *reader)
{
    return source->read && cb_digest_equal(source->blob, source->diff_id) &&
           cb_tar_reader_no_digest(reader);
}

static int check_diff_id(const struct source *source, struct cb_tar_reader *reader,
                         int verified, struct cb_error **err)
{
    char want[CB_DIGEST_MAX_TEXT], have[CB_DIGEST_MAX_TEXT];
    struct cb_digest actual;

    if (cb_tar_reader_finish(reader, &actual, err) < 0)
        return -1;
    if (verified || cb_digest_equal(&actual, source->diff_id))
        return 0;
    return cb_error_set(
        err, CB_ERR_INTEGRITY, "unpacked bytes have digest %s, the image says %s",
        cb_digest_text(&actual, have), cb_digest_text(source->diff_id, want));
}

/* FD and REST are what the reader reads from, for as long. */
static int open_any(const struct source *source, struct cb_layer_tar_rest *rest, int *fd,
                    struct cb_tar_reader **out, struct cb_error **err)
{
    int filters = CB_TAR_GZIP | CB_TAR_ZSTD;
    uint64_t max = source->limits.max_bytes;

    if (!max)
        max = source->store->max_layer ? source->store->max_layer : CB_LAYER_MAX_BYTES;

    if (source->tar) {
        *rest = cb_layer_tar_start(source->tar);
        return cb_tar_reader_new(out, cb_layer_tar_read, rest, 0, max, err);
    }
    if (source->read)
        return cb_tar_reader_new(out, source->read, source->arg, filters, max, err);
    if (cb_content_open(source->store, source->blob, fd, NULL, err) < 0)
        return -1;
    return cb_tar_reader_open_fd(out, *fd, filters, max, NULL, err);
}

static int extract(const struct source *source, struct cb_tar_reader *reader, int root_fd,
                   enum cb_untar_way way, struct cb_outline_writer *outline,
                   struct unpacked *out, struct cb_error **err)
{
    struct cb_untar_options options = {.max_entries = source->limits.max_entries,
                                       .way = way,
                                       .keep_owner = 1,
                                       .outline = outline,
                                       .cancel = source->cancel};
    int verified = is_verified_elsewhere(source, reader);

    if (cb_untar_as(reader, root_fd, "", &options, &out->result, err) < 0)
        return -1;
    if (out->result.needs_below)
        return 0;
    if (check_diff_id(source, reader, verified, err) < 0)
        return -1;
    out->layer =
        (struct cb_snapshot_layer){.diff_id = *source->diff_id,
                                   .tar_bytes = (int64_t)cb_tar_reader_bytes(reader),
                                   .size_bytes = (int64_t)out->result.bytes};
    return 0;
}

static int open_reader(const struct source *source, struct cb_layer_tar_rest *rest,
                       int *fd, struct cb_tar_reader **out, struct cb_error **err)
{
    if (open_any(source, rest, fd, out, err) < 0)
        return -1;
    if (source->store->max_layer)
        cb_tar_reader_any_ratio(*out);
    return 0;
}

/* Through a stack it is not known which of the files are the layer's. */
static int start_outline(const struct source *source, struct cb_snapshot *snapshot,
                         enum cb_untar_way way, struct cb_tar_reader *reader,
                         struct cb_outline_writer **outline, struct cb_error **err)
{
    if (!source->tar || way == CB_UNTAR_MERGED)
        return 0;
    if (cb_outline_writer_new(snapshot, outline, err) < 0)
        return -1;
    cb_tar_reader_tap(reader, cb_outline_take, *outline);
    return 0;
}

/* What cannot be made again as it came stays as a blob. */
static int keep_bytes(const struct source *source, struct cb_outline_writer *outline,
                      struct unpacked *out, struct cb_error **err)
{
    int done = outline ? cb_outline_finish(outline, err) : 0;

    if (done < 0)
        return -1;
    out->has_blob = !done;
    out->is_dense = done && cb_layer_tar_is_dense(source->tar);
    if (done || !source->tar)
        return 0;
    return cb_layer_tar_keep(source->store, source->tar, source->diff_id, source->cancel,
                             err);
}

/* PARENT is only needed, and only for MERGED. OUT's snapshot is NULL when the layer does
 * not stand alone. */
static int unpack_one(const struct source *source, struct cb_snapshot *parent,
                      enum cb_untar_way way, struct unpacked *out, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    struct cb_layer_tar_rest rest = {0};
    cb_autofd int blob_fd = -1;
    cb_auto(cb_tar_reader) reader = NULL;
    cb_auto(cb_outline_writer) outline = NULL;
    cb_autofd int root_fd = -1;
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_snapshot_prepare(source->store, parent, &snapshot, err) < 0 ||
        cb_snapshot_open_root(snapshot, &root_fd, err) < 0)
        return -1;
    if (open_reader(source, &rest, &blob_fd, &reader, err) < 0 ||
        start_outline(source, snapshot, way, reader, &outline, err) < 0 ||
        extract(source, reader, root_fd, way, outline, out, err) < 0)
        return cb_error_wrap(err, "layer %s", cb_digest_text(source->blob, text));
    if (out->result.needs_below)
        return 0;
    if (keep_bytes(source, outline, out, err) < 0)
        return cb_error_wrap(err, "layer %s", cb_digest_text(source->blob, text));
    out->snapshot = cb_steal(&snapshot);
    return 0;
}

/* Now it is known what is below. */
static int put_on(struct unpacked *unpacked, struct cb_snapshot *parent,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_untar_result *result = &unpacked->result;

    cb_snapshot_set_parent(unpacked->snapshot, parent);
    if (result->has_whiteouts &&
        cb_whiteouts_drop_idle(unpacked->snapshot, result->opaque_root, cancel, err) < 0)
        return -1;
    return result->has_root ? 0 : cb_snapshot_inherit_root(unpacked->snapshot, err);
}

static int commit_on(struct unpacked *unpacked, struct cb_snapshot *parent,
                     const struct cb_digest *chain_id, struct cb_cancel *cancel,
                     struct cb_error **err)
{
    struct cb_snapshot *snapshot = unpacked->snapshot;
    struct cb_snapshot_known known = {0};

    if (parent && !snapshot->parent && put_on(unpacked, parent, cancel, err) < 0)
        return -1;
    known.layer = &unpacked->layer;
    known.chain_id = chain_id;
    if (cb_snapshot_commit_known(snapshot, &known, unpacked->result.opaque_root, err) < 0)
        return -1;
    return unpacked->is_dense ? cb_snapshot_set_fact(snapshot, CB_FACT_DENSE, "1", err)
                              : 0;
}

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
    struct unpacked *done;
    char *ready;
    size_t next; /* the lowest layer not stacked yet */
    struct cb_snapshot *top;
};

static struct source source_of(const struct cb_layers *image, size_t index)
{
    return (struct source){
        .store = image->store,
        .blob = &image->blobs[index].digest,
        .diff_id = &image->diff_ids[index],
        .limits = image->limits,
        .cancel = image->cancel,
        .tar = image->tars && image->tars[index].fd >= 0 ? &image->tars[index] : NULL};
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
    struct source source = source_of(image, index);
    struct unpacked *unpacked = &image->done[index];
    int is_checked = unpacked->snapshot != NULL;
    cb_auto(cb_snapshot) known = NULL;
    int found = cb_chain_find(image->store, &image->chain_ids[index], &known, err);

    if (found < 0)
        return -1;
    if (!found && !is_checked) {
        if (unpack_one(&source, image->top, CB_UNTAR_MERGED, unpacked, err) < 0)
            return -1;
        is_checked = 1;
    }
    if (is_checked && unpacked->has_blob &&
        cb_layer_blob_add(image->store, &image->diff_ids[index], &image->blobs[index],
                          err) < 0)
        return -1;
    if (!found) {
        if (commit_on(unpacked, image->top, &image->chain_ids[index], image->cancel,
                      err) < 0)
            return -1;
        known = cb_steal(&unpacked->snapshot);
    }
    cb_snapshot_unref(image->top);
    image->top = cb_steal(&known);
    return 0;
}

static int stack_ready(struct cb_layers *image, size_t index,
                       const struct unpacked *unpacked, struct cb_error **err)
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

static int unpack_alone(const struct source *source, size_t index,
                        struct unpacked *unpacked, struct cb_error **err)
{
    if (cb_cancel_check(source->cancel, err) < 0)
        return -1;
    return unpack_one(source, NULL, index ? CB_UNTAR_OVERLAY : CB_UNTAR_GROUND, unpacked,
                      err);
}

int cb_layers_unpack_early(struct cb_layers *image, size_t index, cb_read_fn read,
                           void *arg, struct cb_error **err)
{
    struct source source = source_of(image, index);
    struct unpacked unpacked = {0};

    source.read = read;
    source.arg = arg;
    if (unpack_alone(&source, index, &unpacked, err) < 0)
        return -1;
    image->done[index] = unpacked;
    image->early[index] = 1;
    return 0;
}

void cb_layers_forget_early(struct cb_layers *image, size_t index)
{
    cb_snapshot_unref(image->done[index].snapshot);
    image->done[index] = (struct unpacked){0};
    image->early[index] = 0;
}

int cb_layers_unpack_one(struct cb_layers *image, size_t index, struct cb_error **err)
{
    struct source source = source_of(image, index);
    struct unpacked unpacked = {0};

    if (image->early[index])
        return stack_ready(image, index, &image->done[index], err);
    report(image, index, 0);
    if (unpack_alone(&source, index, &unpacked, err) < 0)
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
