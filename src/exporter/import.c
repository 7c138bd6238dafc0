/* A root filesystem becomes an image of one layer. The tar is unpacked as it arrives, and
 * the layer is ours: its tar is the canonical one, whatever the order and form of what
 * came in. Names that look like whiteouts are files here. */
#include "exporter/exporter.h"

#include "base/timestamp.h"
#include "store/layer.h"
#include "store/tar.h"

#define IMPORT_MAX_BYTES (UINT64_C(1) << 42)

static int unpack(struct cb_archive_env *env, int fd, struct cb_snapshot *snapshot,
                  struct cb_error **err)
{
    cb_auto(cb_tar_reader) reader = NULL;
    struct cb_untar_options options = {.keep_owner = 1, .cancel = env->cancel};
    cb_autofd int root = -1;
    uint64_t bytes;

    if (cb_tar_reader_open_fd(&reader, fd,
                              CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD,
                              IMPORT_MAX_BYTES, env->cancel, err) < 0 ||
        cb_snapshot_open_root(snapshot, &root, err) < 0)
        return -1;
    return cb_untar(reader, root, "/", &options, &bytes, err);
}

static int created_time(struct timespec *out, struct cb_error **err)
{
    int64_t epoch_s;
    int given = cb_source_date_epoch(&epoch_s, err);

    if (given < 0)
        return -1;
    *out = cb_timestamp_now();
    if (given)
        *out = (struct timespec){.tv_sec = epoch_s};
    return 0;
}

static int describe(struct cb_image_config *config, const char *source_name,
                    const char *message, struct cb_error **err)
{
    cb_autofree char *comment = xasprintf("Imported from %s", source_name);
    char text[CB_TIMESTAMP_MAX];
    struct timespec created;

    if (created_time(&created, err) < 0)
        return -1;
    cb_timestamp_format(created, text);
    free(config->created);
    config->created = xstrdup(text);
    if (!*config->platform.os)
        config->platform = cb_platform_host();
    cb_image_config_add_history(config, text, NULL,
                                message && *message ? message : comment, 0);
    return 0;
}

int cb_archive_import(struct cb_archive_env *env, const struct cb_import *import,
                      struct cb_image_config *config, struct cb_digest *id,
                      struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    struct cb_digests diff_ids = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *bytes = NULL;
    size_t len;

    if (cb_snapshot_prepare(env->store, NULL, &snapshot, err) < 0)
        return -1;
    if (unpack(env, import->fd, snapshot, err) < 0 ||
        cb_snapshot_commit(snapshot, err) < 0 ||
        cb_chain_register(snapshot, env->pool, &diff_ids, err) < 0)
        return -1;
    cb_vec_free(&config->diff_ids);
    for (size_t i = 0; i < diff_ids.count; i++)
        cb_vec_push(&config->diff_ids, diff_ids.items[i]);
    cb_vec_free(&diff_ids);
    if (describe(config, import->source, import->message, err) < 0)
        return -1;
    if (import->name)
        cb_strings_add(&names, import->name);
    bytes = cb_image_config_emit(config, &len);
    return cb_image_put(
        env->store,
        &(struct cb_new_image){.config = bytes, .config_len = len, .names = &names}, id,
        err);
}
