/* The new index is made in a directory of its own and moved into place when it is whole:
 * a salvage that is killed has changed nothing. Rows that are lost are looked for in the
 * blobs: a manifest names its config and layers, a config is an image if its layers are
 * here. What nothing but the index knew is gone: names, and which directory of snapshots/
 * is which layer. */
#include "store/salvage.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "base/log.h"
#include "oci/oci.h"
#include "store/content.h"
#include "store/db-images.h"
#include "store/db-salvage.h"
#include "store/db-snapshots.h"
#include "store/layer.h"
#include "store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORK "salvage"

int cb_index_is_damaged(struct cb_store *store, struct cb_error **err)
{
    struct cb_db_options options = {.root = store->root, .cancel = store->cancel};
    cb_auto(cb_db) db = NULL;
    cb_auto(cb_error) error = NULL;
    cb_autofree char *problem = NULL;
    int sound;

    if (faccessat(store->root_fd, "meta.db", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : cb_error_errno(err, errno, "look for `meta.db`");
    sound = cb_db_open(&db, &options, &error);
    if (sound == 0)
        sound = cb_db_check(db, &problem, &error);
    if (sound >= 0)
        return !sound;
    if (cb_error_kind(error) == CB_ERR_INTEGRITY)
        return 1;
    return cb_error_move(err, &error);
}

/* Whoever has the index open would go on writing into the one that is put aside. */
static int check_alone(struct cb_store *store, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd =
        openat(store->root_fd, "leases", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || cb_fs_list(fd, &names, err) < 0)
        return fd < 0 ? cb_error_errno(err, errno, "open `%s/leases`", store->root) : -1;
    cb_vec_foreach (name, &names) {
        struct cb_lock *lock = NULL;

        if (cb_lock_try(&lock, fd, *name, CB_LOCK_EXCLUSIVE, NULL) == 0)
            return cb_error_set(err, CB_ERR_EXISTS,
                                "store `%s`: its index is damaged, and cannot be made "
                                "anew while another process works in it",
                                store->root);
        cb_lock_release(lock);
    }
    return 0;
}

/* The log goes first: SQLite would apply it to whatever is called meta.db. */
static int move_into_place(struct cb_store *store, struct cb_error **err)
{
    int fd = store->root_fd;

    if (renameat(fd, "meta.db-wal", fd, "meta.db.damaged-wal") < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "rename `meta.db-wal`");
    unlinkat(fd, "meta.db-shm", 0);
    unlinkat(fd, "meta.db.damaged", 0);
    if (linkat(fd, "meta.db", fd, "meta.db.damaged", 0) < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "keep the damaged `meta.db`");
    if (renameat(fd, WORK "/meta.db", fd, "meta.db") < 0 ||
        (!store->no_sync && fsync(fd) < 0))
        return cb_error_errno(err, errno, "rename `" WORK "/meta.db`");
    return cb_fs_remove_tree(fd, WORK, err);
}

static int make_index(struct cb_store *store, struct cb_error **err)
{
    cb_autofree char *work = xasprintf("%s/" WORK, store->root);
    cb_autofree char *old = xasprintf("%s/meta.db", store->root);
    struct cb_db_options options = {
        .root = work, .create = 1, .cancel = store->cancel, .no_sync = store->no_sync};
    cb_auto(cb_db) db = NULL;
    cb_autofd int fd = -1;

    if (cb_fs_remove_tree(store->root_fd, WORK, err) < 0)
        return -1;
    if (mkdirat(store->root_fd, WORK, 0700) < 0 ||
        (fd = openat(store->root_fd, WORK "/meta.db",
                     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        return cb_error_errno(err, errno, "create `%s/meta.db`", work);
    cb_close(&fd);
    if (cb_db_open(&db, &options, err) < 0 ||
        cb_db_salvage(db, old, &store->salvaged_rows, err) < 0)
        return -1;
    return cb_db_settle(db, err);
}

int cb_index_salvage(struct cb_store *store, struct cb_error **err)
{
    cb_autofd int lock = -1;

    if (cb_store_check_writable(store, err) < 0 ||
        cb_gc_lock_exclusive(store, &lock, err) < 0 || check_alone(store, err) < 0 ||
        make_index(store, err) < 0 || move_into_place(store, err) < 0)
        return -1;
    store->salvaged = 1;
    return 0;
}

/* ── Images ── */

static int is_here(struct cb_store *store, const struct cb_image_config *config)
{
    struct cb_digest chain = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++) {
        cb_auto_value(cb_descriptor) blob = {0};
        char id[41];

        chain = cb_chain_id(i ? &chain : NULL, &config->diff_ids.items[i]);
        if (cb_db_chain_get(store->db, &chain, id, NULL) <= 0 &&
            cb_layer_blob_find(store, &config->diff_ids.items[i], -1, &blob, NULL) <= 0)
            return 0;
    }
    return config->diff_ids.count > 0;
}

/* 1: registered. MANIFEST may be unset. */
static int recover_config(struct cb_store *store, const struct cb_digest *id,
                          const struct cb_manifest *manifest)
{
    static const struct cb_digest none = {0};
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_image_config) config = NULL;
    struct cb_db_image row;
    struct cb_digest put;

    if (cb_db_image_get(store->db, id, &row, NULL) > 0 ||
        cb_content_read(store, id, CB_MANIFEST_MAX_BYTES, &bytes, NULL) < 0 ||
        cb_image_config_parse(&config, cb_strbuf_text(&bytes), bytes.len, NULL) < 0)
        return 0;
    for (size_t i = 0; manifest && i < manifest->layers.count &&
                       manifest->layers.count == config->diff_ids.count;
         i++)
        if (cb_content_has(store, &manifest->layers.items[i].digest, NULL) > 0)
            cb_layer_blob_enter(store, &config->diff_ids.items[i],
                                &manifest->layers.items[i], store->cancel, NULL);
    return is_here(store, config) &&
           cb_image_put(
               store,
               &(struct cb_new_image){.config = cb_strbuf_text(&bytes),
                                      .config_len = bytes.len,
                                      .manifest = manifest ? &manifest->digest : &none},
               &put, NULL) == 0;
}

/* Layers are passed over by their size or their first byte. */
static int read_document(struct cb_store *store, const char *hex,
                         struct cb_digest *digest, struct cb_strbuf *out)
{
    cb_autofree char *text = xasprintf("sha256:%s", hex);
    int64_t size;

    return cb_digest_parse(digest, text, NULL) == 0 &&
           cb_content_has(store, digest, &size) > 0 &&
           size <= (int64_t)CB_MANIFEST_MAX_BYTES &&
           cb_content_read(store, digest, CB_MANIFEST_MAX_BYTES, out, NULL) == 0 &&
           out->len && *cb_strbuf_text(out) == '{';
}

static int recover_blob(struct cb_store *store, const char *hex, int configs)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    struct cb_digest digest;

    if (!read_document(store, hex, &digest, &bytes))
        return 0;
    if (cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) < 0)
        return configs && recover_config(store, &digest, NULL);
    return !configs && cb_media_kind(manifest->config.media_type) == CB_MEDIA_CONFIG &&
           recover_config(store, &manifest->config.digest, manifest);
}

int cb_images_recover(struct cb_store *store, uint64_t *count, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(store->root_fd, "blobs/sha256",
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    *count = 0;
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/blobs/sha256`", store->root);
    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    for (int configs = 0; configs < 2; configs++) {
        cb_vec_foreach (name, &names) {
            if (cb_cancel_check(store->cancel, err) < 0)
                return -1;
            *count += (uint64_t)recover_blob(store, *name, configs);
        }
    }
    return 0;
}
