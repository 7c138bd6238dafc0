/* Is everything whole? The index by SQLite's own check, every blob against its name,
 * every snapshot against its row (its content against the recorded digest when asked to
 * go deep), every image down to its layers. On request blobs are fetched again from where
 * their image came from, and what can be made again is removed; the rest is only told. */
#include "store/gc.h"

#include "base/fs.h"
#include "store/content-priv.h"
#include "store/db-gc.h"
#include "store/db-images.h"
#include "store/db-snapshots.h"
#include "store/file-digest.h"
#include "store/fsck-heal.h"
#include "store/layer-pass.h"
#include "store/layer.h"
#include "store/outline.h"
#include "store/refs.h"
#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

struct fsck {
    struct cb_store *store;
    struct cb_pool *pool;
    int deep, repair;
    const struct cb_fsck_source *source;
    struct cb_strings names; /* of the kind at hand */
    pthread_mutex_t mutex;   /* guards what follows */
    struct cb_fsck counts;
    struct cb_strbuf *report;
};

/* DONE: what has been done about it, or NULL. */
static void problem(struct fsck *fsck, const char *done, const char *format, ...)
    CB_PRINTF(3, 4);
static void problem(struct fsck *fsck, const char *done, const char *format, ...)
{
    va_list args;
    cb_autofree char *text = NULL;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    pthread_mutex_lock(&fsck->mutex);
    fsck->counts.problems++;
    fsck->counts.repaired += done != NULL;
    cb_strbuf_addf(fsck->report, "%s%s%s\n", text, done ? ": " : "", done ? done : "");
    pthread_mutex_unlock(&fsck->mutex);
}

/* ── The index ── */

static int check_index(struct fsck *fsck, struct cb_error **err)
{
    cb_autofree char *text = NULL;
    int sound = cb_db_check(fsck->store->db, &text, err);

    if (sound == 0)
        problem(fsck, NULL, "index `meta.db`: %s", text);
    return sound < 0 ? -1 : 0;
}

/* An index that was made anew may lack images whose blobs are here, and those above are
 * sound. */
static int recover_images(struct fsck *fsck, struct cb_error **err)
{
    uint64_t images;

    if (!fsck->store->salvaged || !fsck->repair)
        return 0;
    if (cb_images_recover(fsck->store, &images, err) < 0)
        return -1;
    problem(fsck, "made anew; the old one is meta.db.damaged",
            "index `meta.db`: damaged; %" PRIu64 " rows could be read, %" PRIu64
            " images were found by their blobs",
            fsck->store->salvaged_rows, images);
    return 0;
}

/* ── Blobs ── */

static int hash_blob(struct fsck *fsck, const char *hex, struct cb_digest *named,
                     struct cb_digest *actual, struct cb_error **err)
{
    cb_autofree char *text = xasprintf("sha256:%s", hex);
    cb_autofd int fd = -1;

    if (cb_digest_parse(named, text, err) < 0 ||
        cb_content_open(fsck->store, named, &fd, NULL, err) < 0)
        return -1;
    return cb_file_digest(fd, actual, err);
}

static char *users_of(struct fsck *fsck, const char *digest)
{
    cb_auto_value(cb_strings) images = {0};
    cb_auto_value(cb_strbuf) text = {0};

    cb_db_blob_users(fsck->store->db, digest, &images, NULL);
    cb_vec_foreach (image, &images) {
        cb_strbuf_addf(&text, "%s%.19s", text.len ? ", " : " (used by ", *image);
    }
    if (text.len)
        cb_strbuf_addc(&text, ')');
    return cb_strbuf_steal(&text);
}

/* What was done. */
static const char *replace_blob(struct fsck *fsck, const char *hex, const char *digest)
{
    cb_autofree char *path = xasprintf("blobs/sha256/%s", hex);

    if (!fsck->repair || cb_fs_remove_tree(fsck->store->root_fd, path, NULL) < 0)
        return NULL;
    return cb_fsck_refetch(fsck->store, fsck->source, digest) ? "fetched again"
                                                              : "removed";
}

static int check_blob(void *arg, size_t index, struct cb_error **err)
{
    struct fsck *fsck = arg;
    const char *hex = fsck->names.items[index];
    cb_autofree char *digest = xasprintf("sha256:%s", hex);
    cb_autofree char *users = users_of(fsck, digest);
    cb_auto(cb_error) error = NULL;
    struct cb_digest named, actual;
    char text[CB_DIGEST_MAX_TEXT];

    if (hash_blob(fsck, hex, &named, &actual, &error) < 0) {
        if (cb_error_kind(error) != CB_ERR_NOT_FOUND)
            problem(fsck, replace_blob(fsck, hex, digest), "blob `%s`%s: %s", digest,
                    users, cb_error_message(error));
        return 0;
    }
    if (!cb_digest_equal(&named, &actual))
        problem(fsck, replace_blob(fsck, hex, digest),
                "blob `%s`%s: its bytes have digest %s", digest, users,
                cb_digest_text(&actual, text));
    return 0;
}

static int check_blobs(struct fsck *fsck, struct cb_error **err)
{
    cb_autofd int fd = openat(fsck->store->root_fd, "blobs/sha256",
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/blobs/sha256`", fsck->store->root);
    cb_strings_free(&fsck->names);
    if (cb_fs_list(fd, &fsck->names, err) < 0)
        return -1;
    fsck->counts.blobs = fsck->names.count;
    return cb_pool_for_each(fsck->pool, fsck->names.count, check_blob, fsck, err);
}

/* ── Snapshots ── */

static const char *remove_snapshot(struct fsck *fsck, const char *id)
{
    return fsck->repair && cb_snapshot_remove(fsck->store, id, NULL) == 0 ? "removed"
                                                                          : NULL;
}

static int hash_tar(void *hasher, const void *bytes, size_t len, struct cb_error **err)
{
    (void)err;
    cb_hasher_update(hasher, bytes, len);
    return 0;
}

static int has_blob(struct fsck *fsck, const struct cb_digest *diff_id,
                    struct cb_error **err)
{
    struct cb_layer_blob_rows blobs = {0};
    int result = cb_db_layer_blobs(fsck->store->db, diff_id, -1, &blobs, err);
    size_t known = blobs.count;

    free(blobs.items);
    return result < 0 ? -1 : known > 0;
}

static int hash_outlined(struct cb_snapshot *snapshot, struct cb_digest *out,
                         struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    if (cb_outline_play(snapshot, CB_LAYER_MAX_BYTES, hash_tar, hasher, err) < 0)
        return -1;
    *out = cb_hasher_finish(hasher);
    return 0;
}

/* 1 whole, 0 not. A digest not recorded has nothing to be compared with. A layer that
 * came from elsewhere has the diff id of its blob, or of its outline and files; any other
 * that of the tar we make of it. */
static int check_content(struct fsck *fsck, struct cb_snapshot *snapshot,
                         struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    struct cb_layer_pass pass = {.arg = hasher};
    struct cb_snapshot_layer layer;
    struct cb_digest actual;
    int found =
        cb_db_snapshot_layer(fsck->store->db, cb_snapshot_id(snapshot), &layer, err);
    int known = found > 0 && cb_digest_is_set(&layer.diff_id)
                    ? has_blob(fsck, &layer.diff_id, err)
                    : found;

    if (known < 0)
        return -1;
    if (found && cb_outline_exists(snapshot)) {
        if (hash_outlined(snapshot, &actual, err) < 0)
            return -1;
        if (!cb_digest_equal(&actual, &layer.diff_id))
            return 0;
        known = 1;
    }
    pass.want_tree = found && cb_digest_is_set(&layer.tree);
    if (found && !known)
        pass.write = hash_tar;
    if (!pass.want_tree && !pass.write)
        return 1;
    if (cb_layer_pass_run(&pass, snapshot, err) < 0)
        return -1;
    actual = cb_hasher_finish(hasher);
    return (!pass.want_tree || cb_digest_equal(&pass.tree, &layer.tree)) &&
           (!pass.write || cb_digest_equal(&actual, &layer.diff_id));
}

static int check_snapshot(void *arg, size_t index, struct cb_error **err)
{
    struct fsck *fsck = arg;
    const char *id = fsck->names.items[index];
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto(cb_error) error = NULL;
    int found = cb_snapshot_get(fsck->store, id, &snapshot, &error);
    int whole = found;

    if (found > 0 && fsck->deep && cb_snapshot_is_committed(snapshot))
        whole = check_content(fsck, snapshot, &error);
    if (whole > 0)
        return 0;
    cb_snapshot_unref(cb_steal(&snapshot));
    if (whole < 0)
        problem(fsck, remove_snapshot(fsck, id), "snapshot `%s`: %s", id,
                cb_error_message(error));
    else if (found > 0)
        problem(fsck, remove_snapshot(fsck, id),
                "snapshot `%s`: its files are not its layer's", id);
    else
        problem(fsck,
                cb_db_snapshot_exists(fsck->store->db, id, NULL) == 0
                    ? "removed"
                    : remove_snapshot(fsck, id),
                "snapshot `%s`: its files are gone, or were never synced, or the layers "
                "below it are unknown",
                id);
    return 0;
}

static int check_snapshots(struct fsck *fsck, struct cb_error **err)
{
    cb_strings_free(&fsck->names);
    if (cb_db_snapshot_ids(fsck->store->db, &fsck->names, err) < 0)
        return -1;
    fsck->counts.snapshots = fsck->names.count;
    return cb_pool_for_each(fsck->deep ? fsck->pool : NULL, fsck->names.count,
                            check_snapshot, fsck, err);
}

/* Directories without a row: commits that were cut off, or the row is lost. */
static int check_strays(struct fsck *fsck, struct cb_error **err)
{
    struct cb_store *store = fsck->store;
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_map) used = cb_map_new(NULL);
    cb_autofd int lock = -1;

    if (!fsck->repair)
        return 0;
    if (cb_gc_lock_exclusive(store, &lock, err) < 0 ||
        cb_leases_collect(store->lease, used, err) < 0 ||
        cb_fs_list(store->snapshots_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *active = xasprintf("%c%s", CB_LEASE_ACTIVE, *name);

        if (cb_map_has(used, active) || cb_db_snapshot_exists(store->db, *name, NULL))
            continue;
        if (cb_fs_remove_tree(store->snapshots_fd, *name, err) < 0)
            return -1;
        problem(fsck, "removed", "snapshot `%s`: half made, no row knows it", *name);
    }
    return 0;
}

/* ── Images ── */

static int layer_is_here(struct fsck *fsck, const char *diff_id, const char *chain_id,
                         struct cb_error **err)
{
    cb_auto_value(cb_descriptor) blob = {0};
    struct cb_digest diff, chain;
    char id[41];
    int found;

    if (cb_digest_parse(&diff, diff_id, err) < 0 ||
        cb_digest_parse(&chain, chain_id, err) < 0)
        return -1;
    found = cb_db_chain_get(fsck->store->db, &chain, id, err);
    return found ? found : cb_layer_blob_find(fsck->store, &diff, -1, &blob, err);
}

static void lost_layer(struct fsck *fsck, const char *image, const char *diff_id)
{
    if (fsck->repair && cb_fsck_refetch_layer(fsck->store, fsck->source, diff_id))
        problem(fsck, "fetched again", "image `%s`: layer %s is missing", image, diff_id);
    else
        problem(fsck, NULL, "image `%s`: layer %s is missing; pull or build it again",
                image, diff_id);
}

/* A build that did not look into its base sent the image away without that base's layers
 * ever being here: it is known where they are, and nothing is lost. */
static int was_never_here(struct fsck *fsck, const struct cb_image *image,
                          const char *diff_id)
{
    struct cb_layer_blob_rows rows = {0};
    struct cb_digest diff;
    int never = 0;

    if (cb_digest_is_set(&image->manifest) && image->repo_digests.count &&
        cb_digest_parse(&diff, diff_id, NULL) == 0)
        never = cb_db_layer_blobs(fsck->store->db, &diff, -1, &rows, NULL) == 0 &&
                rows.count == 0;
    cb_vec_free(&rows);
    return never;
}

static int check_layers(struct fsck *fsck, const struct cb_image *image,
                        struct cb_error **err)
{
    cb_auto_value(cb_strings) diff_ids = {0};
    cb_auto_value(cb_strings) chain_ids = {0};
    char text[CB_DIGEST_MAX_TEXT];
    size_t i;

    if (cb_db_image_layers(fsck->store->db, &image->id, &diff_ids, &chain_ids, err) < 0)
        return -1;
    for (i = 0; i < diff_ids.count && i < chain_ids.count; i++) {
        int here = layer_is_here(fsck, diff_ids.items[i], chain_ids.items[i], err);

        if (here < 0)
            return -1;
        if (!here && !was_never_here(fsck, image, diff_ids.items[i]))
            lost_layer(fsck, cb_digest_text(&image->id, text), diff_ids.items[i]);
    }
    return 0;
}

static int check_image(struct fsck *fsck, const char *text, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    cb_auto(cb_error) error = NULL;
    struct cb_digest id;
    int removed;

    if (cb_digest_parse(&id, text, err) < 0)
        return -1;
    if (cb_image_get(fsck->store, &id, &image, &error) == 0)
        return check_layers(fsck, image, err);
    if (fsck->repair && cb_fsck_refetch(fsck->store, fsck->source, text)) {
        problem(fsck, "fetched again", "%s", cb_error_message(error));
        if (cb_image_get(fsck->store, &id, &image, err) < 0)
            return -1;
        return check_layers(fsck, image, err);
    }
    removed = fsck->repair && cb_db_image_remove(fsck->store->db, &id, 0, NULL) > 0;
    problem(fsck, removed ? "removed" : NULL, "%s", cb_error_message(error));
    return 0;
}

static int check_images(struct fsck *fsck, struct cb_error **err)
{
    cb_strings_free(&fsck->names);
    if (cb_db_image_ids(fsck->store->db, &fsck->names, err) < 0)
        return -1;
    fsck->counts.images = fsck->names.count;
    cb_vec_foreach (name, &fsck->names) {
        if (check_image(fsck, *name, err) < 0)
            return -1;
    }
    return 0;
}

int cb_store_fsck(struct cb_store *store, const struct cb_fsck_options *options,
                  struct cb_fsck *out, struct cb_strbuf *report, struct cb_error **err)
{
    struct fsck fsck = {.store = store,
                        .pool = options->pool,
                        .deep = options->deep,
                        .repair = options->repair,
                        .source = options->source,
                        .mutex = PTHREAD_MUTEX_INITIALIZER,
                        .report = report};
    int result = options->repair ? cb_store_check_writable(store, err) : 0;

    if (result == 0 && (check_index(&fsck, err) < 0 || check_blobs(&fsck, err) < 0 ||
                        recover_images(&fsck, err) < 0 || check_strays(&fsck, err) < 0 ||
                        check_snapshots(&fsck, err) < 0 || check_images(&fsck, err) < 0))
        result = -1;
    cb_strings_free(&fsck.names);
    pthread_mutex_destroy(&fsck.mutex);
    if (result == 0)
        *out = fsck.counts;
    return result;
}
