/* What a build is asked to leave behind: an image in the store, on a registry or in an
 * archive, or the files themselves. Of several platforms each has an image of its own;
 * a name in the store leads to all of them, elsewhere an index does. */
#include "engine/engine-priv.h"

#include "base/out-file.h"
#include "store/attested.h"
#include "store/content.h"

#include <string.h>

#define MAX_TRIES 5

struct writing {
    struct cb_build_env *env;
    const struct cb_checked_request *checked;
    const struct cb_made_list *made;
    struct cb_attesting *attesting; /* or NULL */
    struct cb_outputs_result *out;
    struct cb_annotations annotations; /* of the output under way */
    /* Of images whose base is not here: what they are known by when they were sent. */
    const struct cb_resolved_image **bases; /* NULL: none is like that */
    struct cb_digest *manifests;
    struct cb_strings sent; /* canonical "repository@digest" that the names lead to */
};

static void writing_clear(struct writing *writing)
{
    cb_annotations_free(&writing->annotations);
    cb_strings_free(&writing->sent);
    free(writing->bases);
    free(writing->manifests);
}
CB_AUTO_VALUE_DEFINE(writing, writing_clear)

void cb_outputs_result_clear(struct cb_outputs_result *result)
{
    cb_descriptor_free(&result->target);
    cb_platform_images_free(&result->images);
}

struct cb_digest cb_outputs_id(const struct cb_outputs_result *result)
{
    if (!result->images.count)
        return (struct cb_digest){0};
    if (result->target.media_type && !result->is_attested &&
        cb_media_kind(result->target.media_type) == CB_MEDIA_INDEX)
        return result->target.digest;
    return cb_platform_images_chosen(&result->images, NULL)->id;
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

void cb_outputs_names(const struct cb_checked_request *checked,
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

static int make_config(struct cb_build_env *env, const struct cb_made *made, char **bytes,
                       size_t *len, struct cb_error **err)
{
    struct cb_snapshot *top = made->instead;

    if (cb_apart_base(made))
        return cb_apart_config(env, made, bytes, len, err);
    if (!top && made->result)
        top = cb_snapshot_result_get(made->result);
    return cb_export_config(env, top, made->plan->config, bytes, len, err);
}

/* An image that is only on its way into an archive is no image of the store, which others
 * could remove: its config is a blob this process uses, and goes with what nobody does.
 */
static int put_image(struct writing *writing, const struct cb_made *made, int kept,
                     const struct cb_strings *names, struct cb_error **err)
{
    cb_autofree char *bytes = NULL;
    struct cb_store *store = writing->env->store;
    struct cb_platform_image image = {.platform = made->platform};
    const struct cb_digest *manifest =
        writing->manifests ? &writing->manifests[made - writing->made->items] : NULL;
    size_t len;

    if (make_config(writing->env, made, &bytes, &len, err) < 0)
        return -1;
    image.id = cb_digest_of(bytes, len);
    cb_vec_push(&writing->out->images, image);
    if (!kept)
        return cb_content_put(store, bytes, len, &image.id, err);
    if (cb_image_put(
            store,
            &(struct cb_new_image){
                .config = bytes, .config_len = len, .manifest = manifest, .names = names},
            &image.id, err) < 0)
        return -1;
    /* The last build that makes an image decides what is said of it. */
    return writing->attesting
               ? cb_attesting_keep(writing->attesting, &writing->out->images, err)
               : cb_attested_forget(store, &image.id, err);
}

static int put_platforms(struct writing *writing, int kept,
                         const struct cb_strings *names, struct cb_error **err)
{
    writing->out->images.count = 0;
    cb_vec_foreach (made, writing->made) {
        if (put_image(writing, made, kept, NULL, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < names->count; i++) {
        if (cb_ref_set_platforms(writing->env->store, names->items[i],
                                 &writing->out->images, err) < 0)
            return -1;
    }
    return 0;
}

static int put_all(struct writing *writing, int kept, const struct cb_strings *names,
                   struct cb_error **err)
{
    writing->out->images.count = 0;
    if (!writing->checked->as_index)
        return put_image(writing, &writing->made->items[0], kept, names, err);
    for (int tries = 1;; tries++) {
        cb_auto(cb_error) error = NULL;

        if (put_platforms(writing, kept, names, &error) == 0)
            return 0;
        /* Until they have their name somebody may clear images without one away. */
        if (cb_error_kind(error) != CB_ERR_NOT_FOUND || tries == MAX_TRIES)
            return cb_error_move(err, &error);
    }
}

static int put_images(struct writing *writing, int kept, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    struct cb_event_sink *sink = writing->env->sink;
    struct cb_error *error = NULL;
    uint64_t id;
    int status;

    if (!kept)
        return put_all(writing, 0, &names, err);
    cb_outputs_names(writing->checked, NULL, &names);
    id = cb_outputs_tell_begin(sink);
    status = put_all(writing, 1, &names, &error);
    if (status == 0)
        cb_outputs_tell_images(sink, id, &writing->out->images, &names);
    writing->out->is_kept = 1;
    return cb_event_step_end(sink, id, status, &error, err);
}

static void tell_pushed(const struct writing *writing, const char *name)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_event_say(writing->env->sink, CB_EVENT_NOTICE, 0, "pushed %s@%s", name,
                 cb_digest_text(&writing->out->target.digest, text));
}

/* Also of one image, if something is said of it. */
static int goes_as_index(const struct writing *writing)
{
    return writing->checked->as_index || writing->attesting;
}

static int push_name(struct writing *writing, const char *name,
                     const struct cb_push_options *options, struct cb_error **err)
{
    const struct cb_platform_images *images = &writing->out->images;
    struct cb_registry *registry = writing->env->registry;
    struct cb_descriptor *target = &writing->out->target;

    if ((goes_as_index(writing)
             ? cb_registry_push_index(registry, images, name, options, target, err)
             : cb_registry_push(registry, &images->items[0].id, name, options, target,
                                err)) < 0)
        return -1;
    tell_pushed(writing, name);
    cb_strings_add(&writing->sent, name);
    return 0;
}

static int push(struct writing *writing, const struct cb_output *output,
                struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    struct cb_push_options options = {
        .layers = output->layers,
        .annotations = &writing->annotations,
        .platform = &writing->out->images.items[0].platform,
        .docker_types = output->docker_types,
        .untagged = output->by_digest,
        .loose = writing->bases != NULL,
        .bases = writing->bases,
        .manifests = writing->manifests,
        .attester = cb_attesting_for(writing->attesting, output, &names)};

    cb_outputs_names(writing->checked, output, &names);
    cb_vec_foreach (name, &names) {
        if (push_name(writing, *name, &options, err) < 0)
            return -1;
    }
    if (!output->dangling || (output->dangling_if_unnamed && names.count))
        return 0;
    options.untagged = 1;
    return push_name(writing, output->dangling, &options, err);
}

/* ── Images whose base is not here ── */

static void find_bases(struct writing *writing)
{
    size_t count = writing->made->count, apart = 0;
    const struct cb_resolved_image **bases = xcalloc(count, sizeof(*bases));

    for (size_t i = 0; i < count; i++) {
        bases[i] = cb_apart_base(&writing->made->items[i]);
        apart += bases[i] != NULL;
    }
    if (!apart) {
        free(bases);
        return;
    }
    writing->bases = bases;
    writing->manifests = xcalloc(count, sizeof(*writing->manifests));
}

static int note_repository(struct writing *writing, const char *name,
                           struct cb_error **err)
{
    struct cb_store *store = writing->env->store;
    const struct cb_platform_images *images = &writing->out->images;
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *repository = NULL;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    repository = xasprintf("%s/%s", reference->host, reference->path);
    for (size_t i = 0; i < images->count; i++) {
        if (cb_image_add_repo_digest(store, &images->items[i].id, repository,
                                     &writing->manifests[i], err) < 0)
            return -1;
    }
    if (!goes_as_index(writing))
        return 0;
    return cb_image_add_repo_digest(store, &cb_platform_images_chosen(images, NULL)->id,
                                    repository, &writing->out->target.digest, err);
}

/* They become the store's when they were sent: then there is somewhere to get them. */
static int keep_sent(struct writing *writing, struct cb_error **err)
{
    if (!writing->bases || !writing->sent.count)
        return 0;
    if (put_images(writing, 1, err) < 0)
        return -1;
    cb_vec_foreach (name, &writing->sent) {
        if (note_repository(writing, *name, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Archives ── */

static int write_archive(struct writing *writing, const struct cb_output *output,
                         struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_out_file) file = NULL;
    struct cb_build_env *env = writing->env;
    struct cb_archive_env archive = {
        .store = env->store, .pool = env->pool, .cancel = env->cancel, .sink = env->sink};
    const struct cb_archive_date date = {.epoch_s = env->source_date_epoch};
    const struct cb_archive_image image = {
        .images = &writing->out->images,
        .names = &names,
        .as_index = goes_as_index(writing),
        .annotations = &writing->annotations,
        .attester = cb_attesting_for(writing->attesting, output, &names),
        .layers = output->layers,
        .docker_types = output->docker_types,
        .date = &date};
    struct cb_descriptor *target = &writing->out->target;

    if (cb_apart_provide(env, writing->made, &writing->out->images, err) < 0)
        return -1;
    cb_outputs_names(writing->checked, output, &names);
    cb_descriptor_free(target);
    if (output->layout)
        return cb_archive_write_layout(&archive, &image, output->dest, target, err);
    if (cb_out_file_open(&file, output->dest, err) < 0 ||
        cb_archive_write(&archive, &image,
                         output->type == CB_OUTPUT_OCI ? CB_ARCHIVE_OCI
                                                       : CB_ARCHIVE_DOCKER,
                         cb_out_file_fd(file), target, err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

/* ── One after the other ── */

static int write_one(struct writing *writing, const struct cb_output *output,
                     struct cb_error **err)
{
    const struct cb_files_output files = {
        .env = writing->env,
        .made = writing->made,
        .output = output,
        .attesting = writing->attesting,
        .split = output->split || (writing->checked->as_index && !output->merge)};

    switch (output->type) {
    case CB_OUTPUT_IMAGE:
        return output->push ? push(writing, output, err) : 0;
    case CB_OUTPUT_OCI:
    case CB_OUTPUT_DOCKER:
        return write_archive(writing, output, err);
    case CB_OUTPUT_TAR:
        return cb_outputs_write_tar(&files, err);
    case CB_OUTPUT_DIRECTORY:
        return cb_outputs_write_directory(&files, err);
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
    struct cb_event_sink *sink = writing->env->sink;
    struct cb_error *error = NULL;
    uint64_t id;
    int status;

    if (!title)
        return write_one(writing, output, err);
    id = cb_event_step_start(sink, title);
    status = write_one(writing, output, &error);
    if (cb_event_step_end(sink, id, status, &error, err) == 0)
        return 0;
    return cb_error_wrap(err, "%s", title);
}

/* What was asked for cannot be had without a time: better to say so than to let somebody
 * find out by comparing digests. */
static void check_times(const struct writing *writing)
{
    int asked = 0;

    cb_vec_foreach (output, &writing->checked->outputs)
        asked |= output->clamp_times;
    if (asked && writing->env->source_date_epoch < 0)
        cb_event_say(writing->env->sink, CB_EVENT_WARNING, 0,
                     "rewrite-timestamp=true does nothing: SOURCE_DATE_EPOCH is not "
                     "given");
}

static int write_all(struct writing *writing, struct cb_error **err)
{
    cb_vec_foreach (output, &writing->checked->outputs) {
        int status = cb_cancel_check(writing->env->cancel, err);

        /* The output's own over the request's. */
        cb_annotations_copy(&writing->annotations, &writing->checked->annotations);
        cb_annotations_copy(&writing->annotations, &output->annotations);
        if (status == 0)
            status = write_shown(writing, output, err);
        cb_annotations_free(&writing->annotations);
        if (status < 0)
            return -1;
        writing->out->took_stdout |= output->dest && strcmp(output->dest, "-") == 0;
    }
    return 0;
}

int cb_outputs_write(struct cb_build_env *env, const struct cb_checked_request *checked,
                     const struct cb_made_list *made, struct cb_attesting *attesting,
                     struct cb_outputs_result *out, struct cb_error **err)
{
    cb_auto_value(writing) writing = {
        .env = env, .checked = checked, .made = made, .attesting = attesting, .out = out};

    out->is_attested = attesting && !checked->as_index;
    check_times(&writing);
    find_bases(&writing);
    if (wants_image(checked, 0) &&
        put_images(&writing, !writing.bases && wants_image(checked, 1), err) < 0)
        return -1;
    if (write_all(&writing, err) < 0)
        return -1;
    return keep_sent(&writing, err);
}
