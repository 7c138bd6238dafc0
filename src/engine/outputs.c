/* What a build is asked to leave behind: an image in the store, on a registry or in an
 * archive, or the files themselves. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/out-file.h"
#include "exporter/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct writing {
    struct cb_build_env *env;
    const struct cb_checked_request *checked;
    struct cb_result *result; /* NULL: scratch */
    struct cb_image_config *config;
    struct cb_outputs_result *out;
    json_t *annotations; /* of the output under way, or NULL */
};

void cb_outputs_result_clear(struct cb_outputs_result *result)
{
    cb_descriptor_free(&result->manifest);
}

/* ── The image ── */

static int wants_image(const struct cb_checked_request *checked, int kept)
{
    cb_vec_foreach (output, &checked->outputs) {
        if (output->type == CB_OUTPUT_IMAGE ||
            (!kept &&
             (output->type == CB_OUTPUT_OCI || output->type == CB_OUTPUT_DOCKER)))
            return 1;
    }
    return 0;
}

static void collect_names(const struct cb_checked_request *checked,
                          const struct cb_output *only, struct cb_strings *out)
{
    cb_strings_copy(out, &checked->names);
    cb_vec_foreach (output, &checked->outputs) {
        for (size_t i = 0; i < output->names.count; i++) {
            if (only ? output == only : output->type == CB_OUTPUT_IMAGE)
                cb_strings_add_once(out, output->names.items[i]);
        }
    }
}

/* An image that is only on its way into an archive is no image of the store: it has no
 * name, and goes when it was not there before, unless another build has named it. */
static int put_image(struct writing *writing, int *passing, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *bytes = NULL;
    cb_auto(cb_image) before = NULL;
    struct cb_store *store = writing->env->store;
    struct cb_snapshot *top =
        writing->result ? cb_snapshot_result_get(writing->result) : NULL;
    int kept = wants_image(writing->checked, 1);
    size_t len;

    if (cb_export_config(writing->env, top, writing->config, &bytes, &len, err) < 0)
        return -1;
    writing->out->id = cb_digest_of(bytes, len);
    if (kept)
        collect_names(writing->checked, NULL, &names);
    else
        *passing = cb_image_get(store, &writing->out->id, &before, NULL) < 0;
    return cb_image_put(store, bytes, len, NULL, &names, &writing->out->id, err);
}

static int push(struct writing *writing, const struct cb_output *output,
                struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    const struct cb_push_options options = {.layers = output->layers,
                                            .annotations = writing->annotations,
                                            .docker_types = output->docker_types,
                                            .untagged = output->by_digest};
    struct cb_descriptor *manifest = &writing->out->manifest;

    collect_names(writing->checked, output, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct cb_digest digest;
        int64_t size;

        if (cb_registry_push(writing->env->registry, &writing->out->id, names.items[i],
                             &options, &digest, &size, err) < 0)
            return -1;
        cb_descriptor_free(manifest);
        *manifest = (struct cb_descriptor){
            .media_type = xstrdup(output->docker_types ? CB_MT_DOCKER_MANIFEST
                                                       : CB_MT_OCI_MANIFEST),
            .digest = digest,
            .size = size,
            .platform = writing->config->platform};
    }
    return 0;
}

/* ── Archives and files ── */

static int write_archive(struct writing *writing, const struct cb_output *output,
                         struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_out_file) file = NULL;
    struct cb_build_env *env = writing->env;
    struct cb_archive_env archive = {
        .store = env->store, .pool = env->pool, .cancel = env->cancel, .sink = env->sink};
    const struct cb_archive_image image = {.id = &writing->out->id,
                                           .names = &names,
                                           .annotations = writing->annotations,
                                           .layers = output->layers};
    struct cb_descriptor *manifest = &writing->out->manifest;

    collect_names(writing->checked, output, &names);
    cb_descriptor_free(manifest);
    *manifest = (struct cb_descriptor){0};
    if (output->layout)
        return cb_archive_write_layout(&archive, &image, output->dest, manifest, err);
    if (cb_out_file_open(&file, output->dest, err) < 0 ||
        cb_archive_write(&archive, &image,
                         output->type == CB_OUTPUT_OCI ? CB_ARCHIVE_OCI
                                                       : CB_ARCHIVE_DOCKER,
                         cb_out_file_fd(file), manifest, err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

static int result_root(struct writing *writing, int *fd, struct cb_error **err)
{
    *fd = -1;
    return writing->result ? cb_result_root(writing->result, fd, err) : 0;
}

static int write_tar(struct writing *writing, const struct cb_output *output,
                     struct cb_error **err)
{
    cb_auto(cb_out_file) file = NULL;
    int root_fd;

    if (result_root(writing, &root_fd, err) < 0 ||
        cb_out_file_open(&file, output->dest, err) < 0 ||
        cb_tree_write_tar(root_fd, cb_out_file_fd(file), writing->env->source_date_epoch,
                          writing->env->cancel, err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

static int write_directory(struct writing *writing, const struct cb_output *output,
                           struct cb_error **err)
{
    cb_autofd int to_fd = -1;
    int root_fd;

    if (result_root(writing, &root_fd, err) < 0 ||
        cb_fs_mkdirs(output->dest, 0755, err) < 0)
        return -1;
    to_fd = open(output->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", output->dest);
    return cb_tree_write_dir(root_fd, to_fd, writing->env->source_date_epoch,
                             output->delete, writing->env->cancel, err);
}

/* ── One after the other ── */

static int write_one(struct writing *writing, const struct cb_output *output,
                     struct cb_error **err)
{
    switch (output->type) {
    case CB_OUTPUT_IMAGE:
        return output->push ? push(writing, output, err) : 0;
    case CB_OUTPUT_OCI:
    case CB_OUTPUT_DOCKER:
        return write_archive(writing, output, err);
    case CB_OUTPUT_TAR:
        return write_tar(writing, output, err);
    case CB_OUTPUT_DIRECTORY:
        return write_directory(writing, output, err);
    case CB_OUTPUT_NOTHING:
        break;
    }
    return 0;
}

/* NULL for what shows itself: the store's images, and pushes. */
static char *title_of(const struct cb_output *output)
{
    static const char *const kinds[] = {[CB_OUTPUT_DIRECTORY] = "directory",
                                        [CB_OUTPUT_TAR] = "tar",
                                        [CB_OUTPUT_OCI] = "OCI image",
                                        [CB_OUTPUT_DOCKER] = "docker image"};

    if (output->type == CB_OUTPUT_IMAGE || output->type == CB_OUTPUT_NOTHING)
        return NULL;
    return xasprintf("exporting to %s %s", kinds[output->type],
                     strcmp(output->dest, "-") == 0 ? "standard output" : output->dest);
}

static int write_shown(struct writing *writing, const struct cb_output *output,
                       struct cb_error **err)
{
    cb_autofree char *title = title_of(output);
    struct cb_event event = {.kind = CB_EVENT_STEP_START, .name = title};
    cb_auto(cb_error) error = NULL;
    int result;

    if (!title)
        return write_one(writing, output, err);
    event.id = cb_event_next_id();
    cb_event_emit(writing->env->sink, event);
    result = write_one(writing, output, &error);
    event.kind = result == 0 ? CB_EVENT_STEP_DONE : CB_EVENT_STEP_ERROR;
    event.error = error;
    cb_event_emit(writing->env->sink, event);
    if (result == 0)
        return 0;
    cb_error_move(err, &error);
    return cb_error_wrap(err, "%s", title);
}

/* Annotations of the request, and of the output on top. */
static json_t *merge_annotations(const struct cb_checked_request *checked,
                                 const struct cb_output *output)
{
    json_t *merged;

    if (!checked->annotations && !output->annotations)
        return NULL;
    merged = json_object();
    if (checked->annotations)
        json_object_update(merged, checked->annotations);
    if (output->annotations)
        json_object_update(merged, output->annotations);
    return merged;
}

/* What was asked for cannot be had without a time: better to say so than to let somebody
 * find out by comparing digests. */
static void check_times(const struct writing *writing)
{
    static const char text[] =
        "rewrite-timestamp=true does nothing: SOURCE_DATE_EPOCH is not given";
    int asked = 0;

    cb_vec_foreach (output, &writing->checked->outputs)
        asked |= output->clamp_times;
    if (asked && writing->env->source_date_epoch < 0)
        cb_event_emit(writing->env->sink, (struct cb_event){.kind = CB_EVENT_WARNING,
                                                            .text = text,
                                                            .len = strlen(text)});
}

static int write_all(struct writing *writing, struct cb_error **err)
{
    cb_vec_foreach (output, &writing->checked->outputs) {
        cb_auto_json *annotations = merge_annotations(writing->checked, output);

        writing->annotations = annotations;
        if (cb_cancel_check(writing->env->cancel, err) < 0 ||
            write_shown(writing, output, err) < 0)
            return -1;
        writing->out->took_stdout |= output->dest && strcmp(output->dest, "-") == 0;
    }
    return 0;
}

int cb_outputs_write(struct cb_build_env *env, const struct cb_checked_request *checked,
                     struct cb_result *result, struct cb_image_config *config,
                     struct cb_outputs_result *out, struct cb_error **err)
{
    struct writing writing = {
        .env = env, .checked = checked, .result = result, .config = config, .out = out};
    int passing = 0;
    int status = 0;

    check_times(&writing);
    if (wants_image(checked, 0))
        status = put_image(&writing, &passing, err);
    if (status == 0)
        status = write_all(&writing, err);
    if (passing && cb_digest_is_set(&out->id))
        cb_image_remove_unnamed(env->store, &out->id, NULL);
    return status;
}

/* ── --metadata-file ── */

static json_t *descriptor_json(const struct cb_descriptor *descriptor)
{
    char text[CB_DIGEST_MAX_TEXT];
    json_t *json = json_object();
    json_t *platform = json_object();

    json_object_set_new(json, "mediaType", json_string(descriptor->media_type));
    json_object_set_new(json, "digest",
                        json_string(cb_digest_text(&descriptor->digest, text)));
    json_object_set_new(json, "size", json_integer(descriptor->size));
    json_object_set_new(platform, "architecture", json_string(descriptor->platform.arch));
    json_object_set_new(platform, "os", json_string(descriptor->platform.os));
    if (*descriptor->platform.variant)
        json_object_set_new(platform, "variant",
                            json_string(descriptor->platform.variant));
    json_object_set_new(json, "platform", platform);
    return json;
}

static json_t *metadata(const struct cb_checked_request *checked,
                        const struct cb_outputs_result *result)
{
    json_t *json = json_object();
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) list = {0};
    const struct cb_digest *digest =
        result->manifest.media_type ? &result->manifest.digest : &result->id;
    char text[CB_DIGEST_MAX_TEXT];

    if (!cb_digest_is_set(&result->id))
        return json;
    json_object_set_new(json, "containerimage.config.digest",
                        json_string(cb_digest_text(&result->id, text)));
    if (result->manifest.media_type)
        json_object_set_new(json, "containerimage.descriptor",
                            descriptor_json(&result->manifest));
    json_object_set_new(json, "containerimage.digest",
                        json_string(cb_digest_text(digest, text)));
    collect_names(checked, NULL, &names);
    for (size_t i = 0; i < names.count; i++)
        cb_strbuf_addf(&list, "%s%s", i ? "," : "", names.items[i]);
    if (names.count)
        json_object_set_new(json, "image.name", json_string(cb_strbuf_text(&list)));
    return json;
}

int cb_outputs_write_metadata(const char *path, const struct cb_checked_request *checked,
                              const struct cb_outputs_result *result,
                              struct cb_error **err)
{
    cb_auto_json *json = metadata(checked, result);
    char *text = json_dumps(json, JSON_INDENT(2));
    int status = cb_out_file_write(path, text, err);

    free(text);
    return status < 0 ? cb_error_wrap(err, "--metadata-file `%s`", path) : 0;
}
