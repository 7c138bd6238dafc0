/* The planned images as an OCI layout in a directory: an entry of its index for each
 * name, or one without for what has none. */
#include "exporter/archive.h"

#include "store/layout.h"

static void describe(const struct cb_saved *saved, const char *name,
                     struct cb_descriptor *out)
{
    if (saved->indexes.count)
        cb_saved_describe_index(saved, &saved->indexes.items[0], name, out);
    else
        cb_saved_describe(saved, saved->images.items[0], name, out);
}

int cb_saved_plan_archive(struct cb_saved *saved, const struct cb_archive_image *image,
                          struct cb_descriptor *target, struct cb_error **err)
{
    saved->layers = image->layers;
    saved->annotations = image->annotations;
    saved->attester = image->attester;
    saved->docker_types = image->docker_types;
    saved->date = image->date;
    if (cb_saved_plan_images(saved, image, err) < 0)
        return -1;
    if (target)
        describe(saved, NULL, target);
    return 0;
}

/* The blobs of layers that do not go along. */
static struct cb_map *find_left_out(const struct cb_saved *saved)
{
    struct cb_map *blobs = cb_map_new(NULL);
    char text[CB_DIGEST_MAX_TEXT];

    cb_vec_foreach (image, &saved->images) {
        const struct cb_image_config *config = (*image)->image->config;

        for (size_t i = 0; i < config->diff_ids.count; i++) {
            if (cb_saved_is_left_out(saved, &config->diff_ids.items[i]))
                cb_map_set(blobs, cb_digest_hex(&(*image)->layers[i].digest, text),
                           *image);
        }
    }
    return blobs;
}

/* IMAGE, or INDEX with all its images, under NAME (or NULL). */
static int write_entry(struct cb_saved *saved, const char *path,
                       const struct cb_saved_image *image,
                       const struct cb_saved_index *index, const char *name,
                       struct cb_error **err)
{
    cb_auto(cb_map) left_out = find_left_out(saved);
    size_t count = index ? index->images.count : 1;
    size_t extra = index ? index->attestations.count : 0;
    cb_autofree const struct cb_manifest **manifests =
        xcalloc(count + extra + 1, sizeof(*manifests));
    cb_auto_value(cb_descriptor) entry = {0};
    struct cb_layout_write what = {.entry = &entry,
                                   .manifests = manifests,
                                   .manifest_count = count + extra,
                                   .index = index ? index->index : NULL,
                                   .left_out = left_out,
                                   .keep = 1};

    if (image)
        manifests[0] = image->manifest;
    for (size_t i = 0; index && i < count; i++) {
        const struct cb_platform_image *one = &index->images.items[i];

        manifests[i] = cb_saved_find(saved, &one->id, &one->platform)->manifest;
    }
    for (size_t i = 0; i < extra; i++) {
        manifests[count + i] = index->attestations.items[i]->manifest;
        if (cb_attestation_keep(saved->env->store, index->attestations.items[i], err) < 0)
            return -1;
    }
    if (index)
        cb_saved_describe_index(saved, index, name, &entry);
    else
        cb_saved_describe(saved, image, name, &entry);
    return cb_layout_write(path, &what, saved->env->store, saved->env->cancel, err);
}

static int write_names(struct cb_saved *saved, const char *path,
                       const struct cb_saved_image *image,
                       const struct cb_saved_index *index, const struct cb_strings *names,
                       struct cb_error **err)
{
    if (!names->count)
        return write_entry(saved, path, image, index, NULL, err);
    cb_vec_foreach (name, names) {
        if (write_entry(saved, path, image, index, *name, err) < 0)
            return -1;
    }
    return 0;
}

static int write_layout(struct cb_saved *saved, const char *path, struct cb_error **err)
{
    if (cb_keeper_wait(saved->keeper, err) < 0)
        return -1;
    cb_vec_foreach (image, &saved->images) {
        if (!(*image)->in_index &&
            write_names(saved, path, *image, NULL, &(*image)->names, err) < 0)
            return -1;
    }
    cb_vec_foreach (index, &saved->indexes) {
        if (write_names(saved, path, NULL, index, &index->names, err) < 0)
            return -1;
    }
    return 0;
}

int cb_archive_write_layout(struct cb_archive_env *env,
                            const struct cb_archive_image *image, const char *path,
                            struct cb_descriptor *target, struct cb_error **err)
{
    cb_auto_value(cb_saved) saved = {.env = env, .format = CB_ARCHIVE_OCI};

    if (cb_saved_plan_archive(&saved, image, target, err) < 0)
        return -1;
    return write_layout(&saved, path, err);
}

int cb_archive_save_layout(struct cb_archive_env *env,
                           const struct cb_archive_choice *choice, const char *path,
                           struct cb_error **err)
{
    cb_auto_value(cb_saved)
        saved = {.env = env,
                 .format = CB_ARCHIVE_OCI,
                 .layers = {.compression = CB_COMPRESSION_GZIP, .any = 1}};

    if (cb_saved_leave_out(&saved, choice, err) < 0 ||
        cb_saved_plan(&saved, choice->images, choice->platform, err) < 0)
        return -1;
    return write_layout(&saved, path, err);
}
