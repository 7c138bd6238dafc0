/* One image of an archive becomes one of the store. Blobs that the archive lacks but the
 * store has are fine, so that an archive may leave out what the other side is known to
 * have. */
#include "exporter/load-priv.h"

#include "store/content.h"
#include "store/layer.h"

#include <string.h>

void cb_load_image_clear(struct cb_load_image *found)
{
    for (size_t i = 0; found->layers && i < found->config->diff_ids.count; i++)
        cb_descriptor_free(&found->layers[i]);
    free(found->layers);
    free(found->tars);
    cb_image_config_free(found->config);
    cb_strbuf_free(&found->config_bytes);
    cb_strings_free(&found->names);
    memset(found, 0, sizeof(*found));
}

/* ── Registering ── */

/* Layers the archive left out: unpacked here already, or known as a blob. */
static int fill_in_layers(struct cb_load *load, struct cb_load_image *found,
                          struct cb_error **err)
{
    struct cb_store *store = load->env->store;
    const struct cb_image_config *config = found->config;
    struct cb_digest chain = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++) {
        const struct cb_digest *diff_id = &config->diff_ids.items[i];
        cb_auto(cb_snapshot) snapshot = NULL;
        char text[CB_DIGEST_MAX_TEXT];
        int known;

        chain = cb_chain_id(i ? &chain : NULL, diff_id);
        if (cb_digest_is_set(&found->layers[i].digest))
            continue;
        known = cb_layer_blob_find(store, diff_id, -1, &found->layers[i], err);
        if (known == 0)
            known = cb_chain_find(store, &chain, &snapshot, err);
        if (known < 0)
            return -1;
        if (!known) {
            cb_error_set(err, CB_ERR_NOT_FOUND,
                         "layer %s is neither in the archive nor in the store",
                         cb_digest_text(diff_id, text));
            return cb_error_hint(err, "an archive of `save --exclude-from IMAGE` wants "
                                      "IMAGE to be here first");
        }
    }
    return 0;
}

/* What the layer came as. */
static int enter_layer(struct cb_load *load, const struct cb_load_image *found, size_t i,
                       struct cb_error **err)
{
    struct cb_archive_env *env = load->env;
    const struct cb_digest *diff_id = &found->config->diff_ids.items[i];

    if (found->tars[i].fd >= 0)
        return cb_layer_tar_offer(env->store, &found->tars[i], diff_id, env->cancel, err);
    if (!cb_digest_is_set(&found->layers[i].digest))
        return 0;
    return cb_layer_blob_enter(env->store, diff_id, &found->layers[i], env->cancel, err);
}

static int unpack(struct cb_load *load, struct cb_load_image *found,
                  struct cb_error **err)
{
    struct cb_archive_env *env = load->env;
    size_t count = found->config->diff_ids.count;
    const struct cb_layers_options layers = {.store = env->store,
                                             .blobs = found->layers,
                                             .diff_ids = found->config->diff_ids.items,
                                             .tars = found->tars,
                                             .count = count,
                                             .cancel = env->cancel,
                                             .sink = env->sink};
    cb_auto(cb_snapshot) top = NULL;

    if (fill_in_layers(load, found, err) < 0 ||
        cb_layers_unpack(&layers, env->pool, &top, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (enter_layer(load, found, i, err) < 0)
            return -1;
    }
    return 0;
}

void cb_load_report_moves(struct cb_load *load, const struct cb_strings *names,
                          const struct cb_digest *id)
{
    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;
        struct cb_digest old;
        char text[CB_DIGEST_MAX_TEXT];

        if (cb_ref_get(load->env->store, names->items[i], &old, NULL) <= 0 ||
            cb_digest_equal(&old, id) ||
            cb_reference_parse(&reference, names->items[i], NULL) < 0)
            continue;
        familiar = cb_reference_familiar(reference);
        cb_strings_addf(load->messages,
                        "The image %s already exists, renaming the old one with ID %s to "
                        "empty string",
                        familiar, cb_digest_text(&old, text));
    }
}

void cb_load_report(struct cb_load *load, const struct cb_strings *names,
                    const struct cb_digest *id)
{
    char text[CB_DIGEST_MAX_TEXT];

    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) == 0)
            familiar = cb_reference_familiar(reference);
        cb_strings_addf(load->messages, "Loaded image: %s", familiar);
    }
    if (names->count == 0)
        cb_strings_addf(load->messages, "Loaded image ID: %s", cb_digest_text(id, text));
}

int cb_load_put(struct cb_load *load, struct cb_load_image *found, struct cb_digest *id,
                struct cb_error **err)
{
    if (unpack(load, found, err) < 0)
        return -1;
    return cb_image_put(
        load->env->store,
        &(struct cb_new_image){.config = cb_strbuf_text(&found->config_bytes),
                               .config_len = found->config_bytes.len,
                               .manifest = &found->manifest,
                               .names = &found->names},
        id, err);
}

int cb_load_wants(const struct cb_load *load, const struct cb_platform *have)
{
    return !load->platform || cb_platform_equal(have, load->platform);
}

int cb_load_add(struct cb_load *load, struct cb_load_image *found, struct cb_error **err)
{
    struct cb_digest id =
        cb_digest_of(cb_strbuf_text(&found->config_bytes), found->config_bytes.len);

    if (!cb_load_wants(load, &found->config->platform))
        return 0;
    cb_load_report_moves(load, &found->names, &id);
    if (cb_load_put(load, found, &id, err) < 0)
        return -1;
    cb_load_report(load, &found->names, &id);
    return 0;
}

/* ── Parts ── */

int cb_load_add_name(struct cb_strings *names, const char *text, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (cb_reference_parse(&reference, text, err) < 0)
        return -1;
    if (cb_digest_is_set(&reference->digest))
        return 0;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    cb_strings_add_once(names, canonical);
    return 0;
}

int cb_load_config(struct cb_load *load, const struct cb_digest *digest, const char *name,
                   struct cb_load_image *found, struct cb_error **err)
{
    if (cb_content_read(load->env->store, digest, CB_MANIFEST_MAX_BYTES,
                        &found->config_bytes, err) < 0 ||
        cb_image_config_parse(&found->config, cb_strbuf_text(&found->config_bytes),
                              found->config_bytes.len, err) < 0)
        return cb_error_wrap(err, "config `%s`", name);
    found->layers = xcalloc(found->config->diff_ids.count, sizeof(*found->layers));
    found->tars = xcalloc(found->config->diff_ids.count, sizeof(*found->tars));
    for (size_t i = 0; i < found->config->diff_ids.count; i++)
        found->tars[i].fd = -1;
    return 0;
}

void cb_load_leave_tar(const struct cb_load *load, const struct cb_member *member,
                       struct cb_layer_tar *out)
{
    if (member->at >= 0)
        *out = (struct cb_layer_tar){
            .fd = load->members.tars_fd, .at = member->at, .size = member->size};
}
