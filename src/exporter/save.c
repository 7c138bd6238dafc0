/* Writes the planned archive as one tar stream. */
#include "exporter/archive.h"

#include "exporter/archive-writer.h"
#include "exporter/delta.h"
#include "store/layer.h"
#include "store/layout-read.h"

#include <errno.h>
#include <unistd.h>

struct writer {
    struct cb_saved *saved;
    struct cb_archive_writer out;
};

static int write_tar(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct writer *writer = arg;

    if (cb_cancel_check(writer->saved->env->cancel, err) < 0)
        return -1;
    return cb_archive_add_data(&writer->out, bytes, len, err);
}

static int stream_layer(struct writer *writer, const struct cb_saved_image *entry,
                        size_t i, struct cb_error **err)
{
    const struct cb_digest *diff_id = &entry->image->config->diff_ids.items[i];
    cb_autofree char *path = cb_layout_blob_path(diff_id);

    if (cb_archive_seen(&writer->out, diff_id))
        return 0;
    if (cb_archive_add_member(&writer->out, path, entry->layers[i].size, err) < 0)
        return -1;
    return cb_layer_stream_tar(writer->saved->env->store, &entry->chain_ids[i], diff_id,
                               write_tar, writer, err);
}

static int add_layer(struct writer *writer, const struct cb_saved_image *entry, size_t i,
                     struct cb_error **err)
{
    const struct cb_descriptor *layer = &entry->layers[i];
    const struct cb_inplace *place = writer->saved->place;
    int64_t at = place ? cb_inplace_find(place, &layer->digest) : -1;

    if (cb_saved_is_left_out(writer->saved, &entry->image->config->diff_ids.items[i]))
        return 0;
    if (writer->saved->deltas) {
        int told =
            cb_delta_save(&writer->out, writer->saved->deltas, &entry->chain_ids[i],
                          &entry->image->config->diff_ids.items[i], err);

        if (told != 0)
            return told < 0 ? -1 : 0;
    }
    if (at >= 0)
        return cb_archive_add_placed(&writer->out, layer, at, err);
    if (entry->streamed[i])
        return stream_layer(writer, entry, i, err);
    if (entry->fresh && entry->fresh[i] >= 0)
        return cb_archive_add_blob_fd(&writer->out, layer, entry->fresh[i], err);
    return cb_archive_add_blob(&writer->out, &layer->digest, err);
}

static int add_image(struct writer *writer, const struct cb_saved_image *entry,
                     struct cb_error **err)
{
    for (size_t i = 0; i < entry->image->config->diff_ids.count; i++) {
        if (cb_cancel_check(writer->saved->env->cancel, err) < 0)
            return -1;
        if (add_layer(writer, entry, i, err) < 0)
            return -1;
    }
    if (cb_archive_add_blob(&writer->out, &entry->image->id, err) < 0)
        return -1;
    return cb_archive_add_document(&writer->out, &entry->manifest->digest,
                                   entry->manifest->bytes, entry->manifest->len, err);
}

static int add_tops(struct cb_archive_writer *out, const struct cb_saved *saved,
                    struct cb_error **err)
{
    if (cb_archive_add_head(out, cb_saved_index_json(saved), err) < 0)
        return -1;
    if (saved->format == CB_ARCHIVE_DOCKER &&
        (cb_archive_add_text(out, "manifest.json", cb_saved_manifest_json(saved), err) <
             0 ||
         cb_archive_add_text(out, "repositories", cb_saved_repositories(saved), err) < 0))
        return -1;
    return cb_archive_add_directories(out, err);
}

static int add_attestation(struct writer *writer,
                           const struct cb_attestation *attestation,
                           struct cb_error **err)
{
    const struct cb_manifest *manifest = attestation->manifest;

    cb_vec_foreach (blob, &attestation->blobs) {
        if (cb_archive_add_document(&writer->out, &blob->digest, blob->bytes, blob->len,
                                    err) < 0)
            return -1;
    }
    return cb_archive_add_document(&writer->out, &manifest->digest, manifest->bytes,
                                   manifest->len, err);
}

static int add_index(struct writer *writer, const struct cb_saved_index *several,
                     struct cb_error **err)
{
    const struct cb_index *index = several->index;

    cb_vec_foreach (attestation, &several->attestations) {
        if (add_attestation(writer, *attestation, err) < 0)
            return -1;
    }
    return cb_archive_add_document(&writer->out, &index->digest, index->bytes, index->len,
                                   err);
}

static int write_archive(struct writer *writer, struct cb_error **err)
{
    const struct cb_saved *saved = writer->saved;

    if (add_tops(&writer->out, saved, err) < 0)
        return -1;
    cb_vec_foreach (image, &saved->images) {
        if (add_image(writer, *image, err) < 0)
            return -1;
    }
    cb_vec_foreach (several, &saved->indexes) {
        if (add_index(writer, several, err) < 0)
            return -1;
    }
    return 0;
}

/* What was placed and then moved may have been further behind than the end is. */
static int cut(int fd, struct cb_error **err)
{
    return ftruncate(fd, lseek(fd, 0, SEEK_CUR)) < 0
               ? cb_error_errno(err, errno, "write the archive")
               : 0;
}

static int write_saved(struct cb_saved *saved, enum cb_compression compression, int fd,
                       struct cb_error **err)
{
    struct writer writer = {.saved = saved};
    int result = cb_archive_writer_open(&writer.out, saved->env, compression, fd, err);

    if (result == 0)
        result = write_archive(&writer, err);
    if (result == 0)
        result = cb_archive_writer_finish(&writer.out, err);
    if (result == 0 && saved->place)
        result = cut(fd, err);
    if (result == 0)
        result = cb_keeper_wait(saved->keeper, err);
    cb_archive_writer_clear(&writer.out);
    return result;
}

/* Where layers that have to be compressed go, if there is such a place. */
static struct cb_inplace *find_place(struct cb_inplace *place,
                                     enum cb_archive_format format,
                                     enum cb_compression compression, int fd)
{
    return format == CB_ARCHIVE_OCI && compression == CB_COMPRESSION_NONE &&
                   cb_inplace_open(place, fd)
               ? place
               : NULL;
}

static int leave_out_image(struct cb_saved *saved, const struct cb_archive_choice *choice,
                           const char *name, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    int by_id;

    if (cb_image_get_for(saved->env->store, name, choice->platform, &image, &by_id, err) <
        0)
        return -1;
    cb_vec_foreach (diff_id, &image->config->diff_ids)
        cb_map_set(saved->left_out, cb_digest_text(diff_id, text), saved);
    return 0;
}

/* The layers of these images are said of each image that has them, and are not there. */
int cb_saved_leave_out(struct cb_saved *saved, const struct cb_archive_choice *choice,
                       struct cb_error **err)
{
    saved->left_out = cb_map_new(NULL);
    for (size_t i = 0; choice->except && i < choice->except->count; i++) {
        if (leave_out_image(saved, choice, choice->except->items[i], err) < 0)
            return -1;
    }
    return choice->delta_from ? leave_out_image(saved, choice, choice->delta_from, err)
                              : 0;
}

/* Once it is known which images go. */
static int find_deltas(struct cb_saved *saved, const struct cb_archive_choice *choice,
                       struct cb_error **err)
{
    cb_auto(cb_image) base = NULL;
    int by_id;

    if (!choice->delta_from)
        return 0;
    if (cb_image_get_for(saved->env->store, choice->delta_from, choice->platform, &base,
                         &by_id, err) < 0 ||
        (saved->env->registry &&
         cb_registry_provide(saved->env->registry, base, NULL, 0, err) < 0))
        return -1;
    cb_vec_foreach (image, &saved->images)
        cb_delta_bases_add(saved->deltas, (*image)->image->config, base->config);
    return 0;
}

int cb_saved_is_left_out(const struct cb_saved *saved, const struct cb_digest *diff_id)
{
    char text[CB_DIGEST_MAX_TEXT];

    return saved->left_out && cb_map_has(saved->left_out, cb_digest_text(diff_id, text));
}

int cb_archive_save(struct cb_archive_env *env, const struct cb_archive_choice *choice,
                    enum cb_archive_format format, enum cb_compression compression,
                    int fd, struct cb_error **err)
{
    cb_auto_value(cb_inplace) place = {.fd = -1};
    /* What is said of a layer that does not go along is known of its blob. */
    int whole = (!choice->except || !choice->except->count) && !choice->delta_from;
    cb_auto_value(cb_delta_bases) deltas = {0};
    cb_auto_value(cb_saved)
        saved = {.env = env,
                 .format = format,
                 .streams = 1,
                 .deltas = &deltas,
                 .place = whole ? find_place(&place, format, compression, fd) : NULL,
                 .layers = {.compression = CB_COMPRESSION_GZIP, .any = 1}};

    if (cb_saved_leave_out(&saved, choice, err) < 0 ||
        cb_saved_plan(&saved, choice->images, choice->platform, err) < 0 ||
        find_deltas(&saved, choice, err) < 0)
        return -1;
    return write_saved(&saved, compression, fd, err);
}

int cb_archive_write(struct cb_archive_env *env, const struct cb_archive_image *image,
                     enum cb_archive_format format, int fd, struct cb_descriptor *target,
                     struct cb_error **err)
{
    cb_auto_value(cb_inplace) place = {.fd = -1};
    cb_auto_value(cb_saved)
        saved = {.env = env,
                 .format = format,
                 .streams = 1,
                 .place = find_place(&place, format, CB_COMPRESSION_NONE, fd)};

    if (cb_saved_plan_archive(&saved, image, target, err) < 0)
        return -1;
    return write_saved(&saved, CB_COMPRESSION_NONE, fd, err);
}
