/* One layer of an image into a snapshot, and that onto the layers below it. */
#include "store/unpack-priv.h"

#include "store/content-priv.h"
#include "store/outline.h"
#include "store/snapshot-priv.h"
#include "store/tar-read-priv.h"
#include "store/whiteout-idle.h"

/* A plain tar that is on its way: its blob's writer takes the same digest. */
static int is_verified_elsewhere(const struct cb_layer_source *source,
                                 struct cb_tar_reader *reader)
{
    return source->read && cb_digest_equal(source->blob, source->diff_id) &&
           cb_tar_reader_no_digest(reader);
}

static int check_diff_id(const struct cb_layer_source *source,
                         struct cb_tar_reader *reader, int verified,
                         struct cb_error **err)
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
static int open_any(const struct cb_layer_source *source, struct cb_layer_tar_rest *rest,
                    int *fd, struct cb_tar_reader **out, struct cb_error **err)
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

static int extract(const struct cb_layer_source *source, struct cb_tar_reader *reader,
                   int root_fd, struct cb_outline_writer *outline,
                   struct cb_unpacked *out, struct cb_error **err)
{
    struct cb_untar_options options = {.max_entries = source->limits.max_entries,
                                       .way = source->way,
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

static int open_reader(const struct cb_layer_source *source,
                       struct cb_layer_tar_rest *rest, int *fd,
                       struct cb_tar_reader **out, struct cb_error **err)
{
    if (open_any(source, rest, fd, out, err) < 0)
        return -1;
    if (source->store->max_layer)
        cb_tar_reader_any_ratio(*out);
    return 0;
}

/* Through a stack it is not known which of the files are the layer's. */
static int start_outline(const struct cb_layer_source *source,
                         struct cb_snapshot *snapshot, struct cb_tar_reader *reader,
                         struct cb_outline_writer **outline, struct cb_error **err)
{
    if (!source->tar || source->way == CB_UNTAR_MERGED)
        return 0;
    if (cb_outline_writer_new(snapshot, outline, err) < 0)
        return -1;
    cb_tar_reader_tap(reader, cb_outline_take, *outline);
    return 0;
}

/* What cannot be made again as it came stays as a blob. */
static int keep_bytes(const struct cb_layer_source *source,
                      struct cb_outline_writer *outline, struct cb_unpacked *out,
                      struct cb_error **err)
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

int cb_layer_unpack(const struct cb_layer_source *source, struct cb_snapshot *parent,
                    struct cb_unpacked *out, struct cb_error **err)
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
        start_outline(source, snapshot, reader, &outline, err) < 0 ||
        extract(source, reader, root_fd, outline, out, err) < 0)
        return cb_error_wrap(err, "layer %s", cb_digest_text(source->blob, text));
    if (out->result.needs_below)
        return 0;
    if (keep_bytes(source, outline, out, err) < 0)
        return cb_error_wrap(err, "layer %s", cb_digest_text(source->blob, text));
    out->snapshot = cb_steal(&snapshot);
    return 0;
}

/* Now it is known what is below. */
static int put_on(struct cb_unpacked *unpacked, struct cb_snapshot *parent,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_untar_result *result = &unpacked->result;

    cb_snapshot_set_parent(unpacked->snapshot, parent);
    if (result->has_whiteouts &&
        cb_whiteouts_drop_idle(unpacked->snapshot, result->opaque_root, cancel, err) < 0)
        return -1;
    return result->has_root ? 0 : cb_snapshot_inherit_root(unpacked->snapshot, err);
}

int cb_unpacked_commit(struct cb_unpacked *unpacked, struct cb_snapshot *parent,
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
