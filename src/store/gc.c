/* Mark from the index and the living leases, sweep what is left.
 *
 * Marking and taking out of sight happen under the exclusive gc.lock, so nobody can begin
 * to use what is about to go; it is milliseconds. The slow part, emptying directories,
 * comes after. Files of a full disk can be removed without writing: blobs go first, and a
 * snapshot whose row could not be deleted is noticed by its missing directory. */
#include "store/gc.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "base/log.h"
#include "base/text.h"
#include "store/attested.h"
#include "store/content-priv.h"
#include "store/db-gc.h"
#include "store/db-images.h"
#include "store/db-snapshots.h"
#include "store/outbox.h"
#include "store/snapshot-priv.h"

#include "oci/oci.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define RESOLUTION_DAYS 90

struct gc {
    struct cb_store *store;
    struct cb_map *snapshots; /* ids to keep */
    struct cb_map *blobs;     /* digests to keep */
    struct cb_map *leased;    /* as cb_leases_collect */
    struct cb_strings dead_snapshots, dead_blobs;
    uint64_t freed;
};

static void gc_clear(struct gc *gc)
{
    cb_map_free(gc->snapshots);
    cb_map_free(gc->blobs);
    cb_map_free(gc->leased);
    cb_strings_free(&gc->dead_snapshots);
    cb_strings_free(&gc->dead_blobs);
}

/* ── Marking ── */

/* A resolved manifest is kept for builds without a network, and so is the config it
 * names. */
static void mark_config(struct gc *gc, const char *manifest)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) parsed = NULL;
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_digest_parse(&digest, manifest, NULL) < 0 ||
        cb_content_read(gc->store, &digest, CB_MANIFEST_MAX_BYTES, &bytes, NULL) < 0 ||
        cb_manifest_parse(&parsed, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) < 0)
        return;
    cb_map_set(gc->blobs, cb_digest_text(&parsed->config.digest, text), gc);
}

static int mark_resolutions(struct gc *gc, struct cb_error **err)
{
    cb_auto_value(cb_strings) manifests = {0};

    if (cb_db_resolved_manifests(gc->store->db, &manifests, err) < 0)
        return -1;
    cb_vec_foreach (manifest, &manifests) {
        mark_config(gc, *manifest);
    }
    return 0;
}

static void mark_handles(struct gc *gc)
{
    const char *id;
    void *value;
    size_t at = 0;

    pthread_mutex_lock(&gc->store->mutex);
    while (cb_map_next(gc->store->snapshots, &at, &id, &value))
        cb_map_set(gc->snapshots, id, gc);
    pthread_mutex_unlock(&gc->store->mutex);
}

static int is_leased(const struct gc *gc, enum cb_lease_kind kind, const char *name)
{
    cb_autofree char *key = xasprintf("%c%s", (char)kind, name);

    return cb_map_has(gc->leased, key);
}

static int is_needed(const struct gc *gc, const char *id)
{
    return cb_map_has(gc->snapshots, id) || is_leased(gc, CB_LEASE_SNAPSHOT, id) ||
           is_leased(gc, CB_LEASE_ACTIVE, id);
}

/* A layer that came from elsewhere can only be sent on, or saved, as the blob it came as:
 * that stays as long as the layer does, for the cache, say, so that whoever has the image
 * again has all of it. */
static void mark_layer_blob(void *arg, const char *id, const char *digest)
{
    struct gc *gc = arg;

    if (is_needed(gc, id))
        cb_map_set(gc->blobs, digest, gc);
}

static int mark_snapshots(struct gc *gc, struct cb_error **err)
{
    if (cb_leases_collect(gc->store->lease, gc->leased, err) < 0 ||
        cb_db_reached_snapshots(gc->store->db,
                                CB_REACH_IMAGES | CB_REACH_RECORDS | CB_REACH_PINS,
                                gc->snapshots, err) < 0)
        return -1;
    mark_handles(gc);
    return 0;
}

static int mark_blobs(struct gc *gc, struct cb_error **err)
{
    if (mark_resolutions(gc, err) < 0 ||
        cb_db_reached_blobs(gc->store->db, gc->blobs, err) < 0 ||
        cb_outbox_mark(gc->store, gc->blobs, err) < 0)
        return -1;
    return cb_db_snapshot_blobs(gc->store->db, mark_layer_blob, gc, err);
}

/* ── Blobs ── */

static int is_dead_blob(const struct gc *gc, const char *digest)
{
    return !cb_map_has(gc->blobs, digest) && !is_leased(gc, CB_LEASE_BLOB, digest);
}

static void drop_blob(void *arg, int dir_fd, const char *name, const char *digest)
{
    struct gc *gc = arg;
    struct stat st;

    if (!is_dead_blob(gc, digest) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    cb_fs_remove_tree(dir_fd, name, NULL);
    gc->freed += (uint64_t)st.st_blocks * 512;
    cb_strings_add(&gc->dead_blobs, digest);
}

static void each_blob(struct cb_store *store, const char *algorithm,
                      void (*each)(void *arg, int dir_fd, const char *name,
                                   const char *digest),
                      void *arg)
{
    cb_autofree char *path = xasprintf("blobs/%s", algorithm);
    cb_autofd int fd =
        openat(store->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cb_auto_value(cb_strings) names = {0};

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        cb_autofree char *digest = xasprintf("%s:%s", algorithm, *name);

        each(arg, fd, *name, digest);
    }
}

struct blob_count {
    struct gc *gc;
    struct cb_usage_part *part;
};

static void count_blob(void *arg, int dir_fd, const char *name, const char *digest)
{
    struct blob_count *count = arg;
    int dead = is_dead_blob(count->gc, digest);
    struct stat st;
    uint64_t bytes;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    bytes = (uint64_t)st.st_blocks * 512;
    count->part->count++;
    count->part->active += !dead;
    count->part->bytes += bytes;
    count->part->reclaimable += dead ? bytes : 0;
}

static int is_of_long_ago(int dir_fd, const char *name)
{
    struct stat st;

    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_mtime < cb_now_ns() / 1000000000 - 86400;
}

static void drop_lock(struct gc *gc, const char *name)
{
    struct cb_lock *lock = NULL;

    if (cb_lock_try(&lock, gc->store->ingest_fd, name, CB_LOCK_EXCLUSIVE, NULL) > 0)
        cb_lock_release_unlink(lock);
}

/* Who goes on with an old download holds its lock, and writes nothing until what is there
 * was hashed and more has come. */
static void drop_partial(struct gc *gc, const char *name)
{
    int dir_fd = gc->store->ingest_fd;
    cb_autofree char *file = xasprintf("%.*s.lock", (int)strcspn(name, "."), name);
    struct cb_lock *lock = NULL;
    struct stat st;

    if (!is_of_long_ago(dir_fd, name) ||
        cb_lock_try(&lock, dir_fd, file, CB_LOCK_EXCLUSIVE, NULL) <= 0)
        return;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        unlinkat(dir_fd, name, 0) == 0)
        gc->freed += (uint64_t)st.st_blocks * 512;
    cb_lock_release_unlink(lock);
}

/* Downloads that nobody goes on with, and lock files that nobody holds. */
static void drop_ingest(struct gc *gc)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(gc->store->ingest_fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        if (cb_ends_with(*name, ".lock"))
            drop_lock(gc, *name);
        else
            drop_partial(gc, *name);
    }
}

/* What servers said about URLs long ago; without it a body is fetched again. */
static void drop_url_memory(struct gc *gc)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(gc->store->root_fd, "urls",
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int64_t before = cb_now_ns() / 1000000000 - RESOLUTION_DAYS * 86400;
    struct stat st;

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        if (fstatat(fd, *name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < before)
            unlinkat(fd, *name, 0);
    }
}

/* It is put before anything is said of it, and its config may outlive it. */
static int is_image_gone(struct gc *gc, const char *text)
{
    struct cb_db_image row;
    struct cb_digest id;

    return cb_digest_parse(&id, text, NULL) < 0 ||
           cb_db_image_get(gc->store->db, &id, &row, NULL) == 0;
}

/* What was said of images that are gone. Names with a dot are of files that are being
 * written; after a day nobody writes them any more. */
static void drop_attested(struct gc *gc)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(gc->store->root_fd, CB_ATTESTED_DIRECTORY,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t end = strlen(CB_ATTESTED_SUFFIX);

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        size_t len = strlen(*name);
        cb_autofree char *digest =
            xasprintf("sha256:%.*s", (int)(len > end ? len - end : 0), *name);

        if (**name == '.' ? is_of_long_ago(fd, *name) : is_image_gone(gc, digest))
            unlinkat(fd, *name, 0);
    }
}

/* What killed processes had begun to write beside files that are replaced whole. */
static void drop_unfinished(struct gc *gc)
{
    static const char *const places[] = {"urls", CB_OUTBOX_DIRECTORY, "builds",
                                         "networks", "manifests"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(places); i++) {
        cb_auto_value(cb_strings) names = {0};
        cb_autofd int fd = openat(gc->store->root_fd, places[i],
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
            continue;
        cb_vec_foreach (name, &names) {
            if (**name == '.' && cb_ends_with(*name, ".tmp") && is_of_long_ago(fd, *name))
                unlinkat(fd, *name, 0);
        }
    }
}

/* ── Snapshots ── */

static void add_dead(struct gc *gc, const struct cb_strings *ids, struct cb_map *known)
{
    cb_vec_foreach (id, ids) {
        if (is_needed(gc, *id) || cb_map_has(known, *id))
            continue;
        cb_map_set(known, *id, gc);
        cb_strings_add(&gc->dead_snapshots, *id);
    }
}

/* Rows nothing reaches, and directories without a row. */
static int find_dead_snapshots(struct gc *gc, struct cb_error **err)
{
    cb_auto_value(cb_strings) ids = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_map) known = cb_map_new(NULL);

    if (cb_db_snapshot_ids(gc->store->db, &ids, err) < 0 ||
        cb_fs_list(gc->store->snapshots_fd, &names, err) < 0)
        return -1;
    add_dead(gc, &ids, known);
    add_dead(gc, &names, known);
    return 0;
}

static int sweep(struct gc *gc, int lock_fd, struct cb_error **err)
{
    struct cb_store *store = gc->store;
    cb_auto(cb_error) error = NULL;
    int swept;

    /* An image that is forgotten must not come back without its blobs. */
    if (cb_db_sync(store->db, err) < 0)
        return -1;
    each_blob(store, "sha256", drop_blob, gc);
    each_blob(store, "sha512", drop_blob, gc);
    drop_ingest(gc);
    drop_url_memory(gc);
    drop_attested(gc);
    drop_unfinished(gc);
    cb_snapshot_drop_spare(store);
    swept = cb_db_sweep(store->db, &gc->dead_snapshots, &gc->dead_blobs, &error);
    gc->freed += cb_snapshots_discard(store, &gc->dead_snapshots, lock_fd);
    if (swept < 0 &&
        cb_db_sweep(store->db, &gc->dead_snapshots, &gc->dead_blobs, err) < 0)
        return -1;
    return 0;
}

int cb_gc_measure_blobs(struct cb_store *store, struct cb_usage_part *out,
                        struct cb_error **err)
{
    __attribute__((cleanup(gc_clear))) struct gc gc = {.store = store,
                                                       .snapshots = cb_map_new(NULL),
                                                       .blobs = cb_map_new(NULL),
                                                       .leased = cb_map_new(NULL)};
    struct blob_count count = {.gc = &gc, .part = out};

    if (mark_snapshots(&gc, err) < 0 || mark_blobs(&gc, err) < 0)
        return -1;
    each_blob(store, "sha256", count_blob, &count);
    each_blob(store, "sha512", count_blob, &count);
    return 0;
}

int cb_store_gc(struct cb_store *store, uint64_t *freed_bytes, struct cb_error **err)
{
    __attribute__((cleanup(gc_clear))) struct gc gc = {.store = store,
                                                       .snapshots = cb_map_new(NULL),
                                                       .blobs = cb_map_new(NULL),
                                                       .leased = cb_map_new(NULL)};
    cb_autofd int lock = -1;

    if (cb_store_check_writable(store, err) < 0 ||
        cb_gc_lock_exclusive(store, &lock, err) < 0)
        return -1;
    cb_db_forget_resolutions(store->db,
                             cb_now_ns() / 1000000000 - RESOLUTION_DAYS * 86400, NULL);
    if (mark_snapshots(&gc, err) < 0 || mark_blobs(&gc, err) < 0 ||
        find_dead_snapshots(&gc, err) < 0 || sweep(&gc, cb_steal_fd(&lock), err) < 0)
        return -1;
    if (freed_bytes)
        *freed_bytes = gc.freed;
    return 0;
}
