/* A base image, and the empty filesystem. An image is identified by its chain id, so that
 * a tag moved to an image with the same layers changes nothing. Its layers are fetched
 * and unpacked when something above needs the files. */
#include "ops/ops-priv.h"

#include "ops/facts.h"

#include "store/layer.h"

#include <string.h>

struct image_payload {
    struct cb_build_env *env;
    struct cb_resolved_image *image;
    struct cb_digest chain_id; /* unset: no layers */
};

static struct cb_digest chain_of(const struct cb_image_config *config)
{
    struct cb_digest chain = {0};

    cb_vec_foreach (diff_id, &config->diff_ids)
        chain = cb_chain_id(cb_digest_is_set(&chain) ? &chain : NULL, diff_id);
    return chain;
}

static void image_parts(const struct image_payload *self, struct cb_key_parts *parts)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_key_parts_add(
        parts, "chain",
        cb_digest_is_set(&self->chain_id) ? cb_digest_text(&self->chain_id, text) : "");
}

/* "busybox:latest@sha256:0123456789ab", of the manifest where there is one. */
static char *image_note(const struct cb_resolved_image *image)
{
    cb_autofree char *name =
        image->reference ? cb_reference_familiar(image->reference) : xstrdup("image");
    char hex[CB_DIGEST_MAX_TEXT];

    cb_digest_hex(cb_digest_is_set(&image->manifest_digest) ? &image->manifest_digest
                                                            : &image->id,
                  hex);
    name[strcspn(name, "@")] = '\0';
    return xasprintf("%s@sha256:%.12s", name, hex);
}

static int image_cache_map(void *payload, struct cb_cache_map *map,
                           struct cb_cancel *cancel, struct cb_error **err)
{
    const struct image_payload *self = payload;

    (void)cancel;
    (void)err;
    image_parts(self, &map->parts);
    if (self->image)
        map->note = image_note(self->image);
    map->uncacheable = !cb_digest_is_set(&self->chain_id);
    return 0;
}

/* The identity an image was built with is kept, so that a stage and an image made of it
 * are the same thing. */
static int image_identity(struct cb_snapshot *top, const struct cb_digest *chain_id,
                          struct cb_digest *out, struct cb_error **err)
{
    cb_autofree char *fact = cb_snapshot_fact(top, "identity");
    char text[CB_DIGEST_MAX_TEXT];

    if (fact && cb_digest_parse(out, fact, NULL) == 0)
        return 0;
    *out = cb_identity_from("chain", chain_id);
    return cb_snapshot_set_fact(top, "identity", cb_digest_text(out, text), err);
}

static int image_exec(void *payload, struct cb_exec_context *context,
                      struct cb_result **out, struct cb_error **err)
{
    struct image_payload *self = payload;
    cb_auto(cb_snapshot) top = NULL;
    struct cb_digest identity = cb_identity_of_empty();

    if (cb_digest_is_set(&self->chain_id) &&
        (cb_registry_fetch(self->env->registry, self->image, context->event_id, &top,
                           err) < 0 ||
         (top && image_identity(top, &self->chain_id, &identity, err) < 0)))
        return -1;
    *out = cb_snapshot_result_new(self->env, top, &identity);
    return 0;
}

/* The image says what its layers are. No record, and no cache that a record came from,
 * can say otherwise. */
static int image_verify(void *payload, struct cb_result *cached, struct cb_error **err)
{
    const struct image_payload *self = payload;
    struct cb_snapshot *have =
        cb_result_is_snapshot(cached) ? cb_snapshot_result_get(cached) : NULL;
    cb_auto(cb_snapshot) want = NULL;
    int found = cb_chain_find(self->env->store, &self->chain_id, &want, err);

    if (found <= 0)
        return found;
    return have && strcmp(cb_snapshot_id(have), cb_snapshot_id(want)) == 0;
}

static void image_free(void *payload)
{
    struct image_payload *self = payload;

    cb_resolved_image_free(self->image);
    free(self);
}

static void image_describe(const void *payload, void *facts)
{
    const struct image_payload *self = payload;
    struct cb_step_facts *out = facts;

    out->kind = CB_STEP_IMAGE;
    out->image = self->image;
    if (self->image)
        out->platform = &self->image->config->platform;
}

static const struct cb_op_class image_op = {
    .name = "image",
    .pool = CB_POOL_IO,
    .cheap_map = 1,
    .cache_map = image_cache_map,
    .exec = image_exec,
    .free_payload = image_free,
    .verify = image_verify,
    .describe = image_describe,
};

/* The empty one: known without asking anybody, and no step that a user wrote. */
static const struct cb_op_class scratch_op = {
    .name = "scratch",
    .pool = CB_POOL_IO,
    .cheap_map = 1,
    .silent = 1,
    .cache_map = image_cache_map,
    .exec = image_exec,
    .free_payload = image_free,
    .describe = image_describe,
};

static void fill_options(struct cb_vertex_options *out, struct image_payload *payload)
{
    cb_auto_value(cb_key_parts) parts = {0};

    image_parts(payload, &parts);
    out->op = &image_op;
    out->payload = payload;
    out->definition = cb_definition_digest(image_op.name, &parts, NULL);
}

int cb_op_image(struct cb_vertex_options *out, struct cb_build_env *env,
                const struct cb_resolved_image *image, struct cb_error **err)
{
    struct image_payload *payload;

    if (!image->config)
        return cb_error_set(err, CB_ERR_INTEGRITY, "image without a configuration");
    payload = xcalloc(1, sizeof(*payload));
    payload->env = env;
    payload->image = cb_resolved_image_copy(image);
    payload->chain_id = chain_of(image->config);
    fill_options(out, payload);
    return 0;
}

int cb_op_scratch(struct cb_vertex_options *out, struct cb_build_env *env,
                  struct cb_error **err)
{
    struct image_payload *payload = xcalloc(1, sizeof(*payload));

    (void)err;
    payload->env = env;
    fill_options(out, payload);
    out->op = &scratch_op;
    return 0;
}

/* ── An image that was not looked up ── */

static int unknown_exec(void *payload, struct cb_exec_context *context,
                        struct cb_result **out, struct cb_error **err)
{
    (void)payload;
    (void)context;
    (void)out;
    return cb_error_set(err, CB_ERR_UNSUPPORTED, "the image was not looked up");
}

static const struct cb_op_class unknown_op = {
    .name = "image",
    .pool = CB_POOL_IO,
    .cheap_map = 1,
    .cache_map = image_cache_map,
    .exec = unknown_exec,
    .free_payload = image_free,
};

void cb_op_unknown_image(struct cb_vertex_options *out, struct cb_build_env *env,
                         const char *name)
{
    struct image_payload *payload = xcalloc(1, sizeof(*payload));
    cb_auto_value(cb_key_parts) parts = {0};

    payload->env = env;
    cb_key_parts_add(&parts, "name", name);
    out->op = &unknown_op;
    out->payload = payload;
    out->definition = cb_definition_digest(unknown_op.name, &parts, NULL);
}
