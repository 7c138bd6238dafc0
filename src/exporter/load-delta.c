/* Layers of an archive that are there as deltas become blobs. What the delta says is
 * believed as little as the rest of the archive: the result has the digest that the
 * image's configuration names, or there is none. */
#include "exporter/delta.h"

#include "store/content.h"
#include "store/layer.h"

static int write_blob(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_blob_writer_write(arg, bytes, len, err);
}

static int open_base(struct cb_load *load, const struct cb_scratch *scratch,
                     const struct cb_delta_head *head, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    int fd = cb_delta_tar(load->env->store, scratch, "base", &head->chain_id,
                          &head->diff_id, &error);

    if (fd >= 0)
        return fd;
    if (cb_error_kind(error) != CB_ERR_NOT_FOUND)
        return cb_error_move(err, &error);
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "layer %s, by which the archive tells another, is not in the store",
                 cb_digest_text(&head->diff_id, text));
    return cb_error_hint(err, "an archive of `save --delta-from IMAGE` wants IMAGE to be "
                              "here first");
}

static int apply(struct cb_load *load, const struct cb_delta_head *head, int delta_fd,
                 struct cb_blob_writer **writer, struct cb_error **err)
{
    cb_auto(cb_scratch) scratch = NULL;
    const struct cb_delta_sink sink = {write_blob, *writer};
    cb_autofd int base = -1;
    int64_t size;

    if (cb_store_scratch(load->env->store, &scratch, err) < 0)
        return -1;
    base = open_base(load, scratch, head, err);
    if (base < 0 ||
        cb_delta_apply(head, delta_fd, base, &sink, load->env->cancel, err) < 0)
        return -1;
    return cb_blob_commit(writer, NULL, &size, err);
}

int cb_delta_load(struct cb_load *load, const struct cb_digest *diff_id,
                  struct cb_descriptor *layer, struct cb_error **err)
{
    cb_autofree char *path = cb_delta_path(diff_id);
    const struct cb_member *member = cb_members_find(&load->members, path);
    cb_auto(cb_blob_writer) writer = NULL;
    struct cb_delta_head head;
    cb_autofd int fd = -1;
    int64_t size;
    int present = 0;

    if (!member || member->text)
        return 0;
    if (cb_content_open(load->env->store, &member->digest, &fd, &size, err) < 0 ||
        cb_delta_head_read(fd, &head, err) < 0 ||
        cb_blob_writer_open(load->env->store,
                            &(struct cb_blob_wanted){.digest = diff_id,
                                                     .size = head.bytes,
                                                     .cancel = load->env->cancel,
                                                     .sink = load->env->sink,
                                                     .from_start = 1},
                            &writer, &present, err) < 0 ||
        (!present && apply(load, &head, fd, &writer, err) < 0))
        return cb_error_wrap(err, "archive member `%s`", path);
    layer->media_type = xstrdup(CB_MT_OCI_LAYER);
    layer->digest = *diff_id;
    layer->size = head.bytes;
    return 0;
}
