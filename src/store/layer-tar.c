/* The file belongs to whoever gave it, and may change while it is read: what is read is
 * believed only when it has the digest it should have. */
#include "store/layer-tar.h"

#include "store/content.h"
#include "store/db-snapshots.h"
#include "store/store-priv.h"

#include <errno.h>
#include <unistd.h>

#define BUFFER (256u << 10)

struct cb_layer_tar_rest cb_layer_tar_start(const struct cb_layer_tar *tar)
{
    return (struct cb_layer_tar_rest){.fd = tar->fd, .at = tar->at, .left = tar->size};
}

ssize_t cb_layer_tar_read(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    struct cb_layer_tar_rest *rest = arg;
    ssize_t got;

    if ((int64_t)len > rest->left)
        len = (size_t)rest->left;
    if (len == 0)
        return 0;
    do
        got = pread(rest->fd, buffer, len, rest->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cb_error_errno(err, errno, "read the archive");
    if (got == 0)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the archive has become shorter while it was read");
    rest->at += got;
    rest->left -= got;
    return got;
}

static int copy(struct cb_layer_tar_rest *rest, struct cb_blob_writer *writer,
                struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree unsigned char *buffer = xmalloc(BUFFER);
    ssize_t len;

    while ((len = cb_layer_tar_read(rest, buffer, BUFFER, err)) > 0) {
        if (cb_cancel_check(cancel, err) < 0 ||
            cb_blob_writer_write(writer, buffer, (size_t)len, err) < 0)
            return -1;
    }
    return len < 0 ? -1 : 0;
}

int cb_layer_tar_keep(struct cb_store *store, const struct cb_layer_tar *tar,
                      const struct cb_digest *diff_id, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    struct cb_layer_tar_rest rest = cb_layer_tar_start(tar);
    cb_auto(cb_blob_writer) writer = NULL;
    int present = 0;

    if (cb_blob_writer_open(
            store,
            &(struct cb_blob_wanted){
                .digest = diff_id, .size = tar->size, .cancel = cancel, .from_start = 1},
            &writer, &present, err) < 0)
        return -1;
    if (present)
        return 0;
    if (copy(&rest, writer, cancel, err) < 0)
        return -1;
    return cb_blob_commit(&writer, NULL, NULL, err);
}

int cb_layer_tar_offer(struct cb_store *store, const struct cb_layer_tar *tar,
                       const struct cb_digest *diff_id, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    struct cb_layer_blob_rows rows = {0};
    cb_auto_value(cb_descriptor) known = {0};
    cb_auto_value(cb_descriptor) blob = {
        .media_type = xstrdup(CB_MT_OCI_LAYER), .digest = *diff_id, .size = tar->size};
    int found = cb_db_layer_blobs(store->db, diff_id, -1, &rows, err);
    size_t had = rows.count;

    cb_vec_free(&rows);
    if (found < 0 || !had)
        return found;
    found = cb_layer_blob_find(store, diff_id, -1, &known, err);
    if (found)
        return found < 0 ? -1 : 0;
    if (cb_layer_tar_keep(store, tar, diff_id, cancel, err) < 0)
        return -1;
    return cb_layer_blob_add(store, diff_id, &blob, err);
}
