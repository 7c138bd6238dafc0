/* What an image was made from: base images by the digest their name led to, URLs by what
 * they delivered, repositories by their commit. Files of this machine have no name that
 * others could get them by: with these, and with images that no registry knows, the list
 * is not complete, and says so. */
#include "engine/provenance.h"

#include "base/fs.h"
#include "base/redact.h"

#include <string.h>

void cb_provenance_sources_clear(struct cb_provenance_sources *sources)
{
    json_decref(sources->materials);
    json_decref(sources->locals);
    json_decref(sources->secrets);
    json_decref(sources->agents);
}

void cb_provenance_steps_find(struct cb_provenance_steps *out, struct cb_edge result)
{
    size_t count = result.vertex ? cb_vertex_index(result.vertex) + 1 : 0;
    cb_autofree const struct cb_vertex **needed = xcalloc(count + 1, sizeof(*needed));

    if (count)
        needed[count - 1] = result.vertex;
    for (size_t i = count; i-- > 0;) {
        const struct cb_vertex *input;

        for (size_t j = 0; needed[i] && (input = cb_vertex_input(needed[i], j)); j++)
            needed[cb_vertex_index(input)] = input;
    }
    for (size_t i = 0; i < count; i++) {
        if (needed[i])
            cb_vec_push(out, needed[i]);
    }
}

json_t *cb_provenance_digest(const char *pin)
{
    json_t *set = json_object();
    const char *colon = pin ? strchr(pin, ':') : NULL;
    cb_autofree char *algorithm = colon ? xstrndup(pin, (size_t)(colon - pin)) : NULL;

    if (colon)
        json_object_set_new(set, algorithm, json_string(colon + 1));
    else if (pin)
        json_object_set_new(set, strlen(pin) == 64 ? "sha256" : "sha1", json_string(pin));
    return set;
}

/* ── Materials ── */

/* Each once. */
static void add_once(json_t *list, json_t *item)
{
    size_t i;
    json_t *known;

    json_array_foreach(list, i, known)
    {
        if (json_equal(known, item)) {
            json_decref(item);
            return;
        }
    }
    json_array_append_new(list, item);
}

/* PIN NULL: nobody can tell whether it is the same again. */
static void add_material(struct cb_provenance_sources *out, const char *uri,
                         const char *pin)
{
    json_t *item = json_object();

    json_object_set_new(item, "uri", cb_provenance_text(uri));
    if (pin)
        json_object_set_new(item, "digest", cb_provenance_digest(pin));
    out->incomplete |= !pin;
    add_once(out->materials, item);
}

static void add_local(struct cb_provenance_sources *out, const char *name)
{
    json_t *item = json_object();

    json_object_set_new(item, "name", cb_provenance_text(name));
    out->incomplete = 1;
    add_once(out->locals, item);
}

static const struct cb_digest *digest_of(const struct cb_resolved_image *image,
                                         struct cb_digest *buffer)
{
    if (cb_digest_is_set(&image->target.digest))
        return &image->target.digest;
    if (cb_digest_is_set(&image->manifest_digest))
        return &image->manifest_digest;
    for (size_t i = 0; i < image->known_at.count; i++) {
        const char *at = strrchr(image->known_at.items[i], '@');

        if (at && cb_digest_parse(buffer, at + 1, NULL) == 0)
            return buffer;
    }
    return NULL;
}

static char *layout_purl(const struct cb_resolved_image *image,
                         const struct cb_platform *platform)
{
    cb_autofree char *clean = cb_path_clean(image->layout ? image->layout : "image");
    cb_autofree char *wanted = cb_platform_text(platform);
    cb_auto_value(cb_strbuf) out = {0};

    cb_strbuf_adds(&out, "pkg:oci/");
    cb_purl_escape(&out, cb_path_base(clean));
    cb_strbuf_adds(&out, "?platform=");
    cb_purl_escape(&out, wanted);
    return cb_strbuf_steal(&out);
}

static void add_image(struct cb_provenance_sources *out,
                      const struct cb_resolved_image *image)
{
    const struct cb_platform *platform = &image->config->platform;
    cb_autofree char *uri = image->reference
                                ? cb_image_purl("docker", image->reference, platform)
                                : layout_purl(image, platform);
    struct cb_digest buffer;
    const struct cb_digest *digest = digest_of(image, &buffer);
    char text[CB_DIGEST_MAX_TEXT];

    add_material(out, uri, digest ? cb_digest_text(digest, text) : NULL);
}

static void add_url(struct cb_provenance_sources *out, const char *url,
                    const struct cb_digest *digest)
{
    cb_autofree char *shown = cb_redact_place(url);
    char text[CB_DIGEST_MAX_TEXT];

    add_material(out, shown,
                 cb_digest_is_set(digest) ? cb_digest_text(digest, text) : NULL);
}

static void add_context(struct cb_provenance_sources *out,
                        const struct cb_context *context, const char *name)
{
    const char *origin = cb_context_origin(context);

    if (origin)
        add_material(out, origin, cb_context_pin(context));
    else
        add_local(out, name);
}

/* ── Steps ── */

static void add_id(json_t *list, const char *id, int required)
{
    json_t *item = json_object();

    json_object_set_new(item, "id", cb_provenance_text(id));
    if (!required)
        json_object_set_new(item, "optional", json_true());
    add_once(list, item);
}

static void add_run(struct cb_provenance_sources *out, const struct cb_step_facts *step)
{
    out->network |= step->network != CB_OP_NETWORK_NONE;
    for (size_t i = 0; i < step->mount_count; i++) {
        const struct cb_exec_mount *mount = &step->mounts[i];

        if (mount->type == CB_EXEC_SECRET)
            add_id(out->secrets, mount->id, mount->required);
        else if (mount->type == CB_EXEC_SSH)
            add_id(out->agents, mount->id, mount->required);
    }
}

static void add_step(struct cb_provenance_sources *out, const struct cb_vertex *vertex)
{
    const struct cb_step_facts step = cb_step_facts(vertex);
    cb_autofree char *shown = NULL;

    switch (step.kind) {
    case CB_STEP_IMAGE:
        if (step.image)
            add_image(out, step.image);
        break;
    case CB_STEP_URL:
        add_url(out, step.url, &step.digest);
        break;
    case CB_STEP_GIT:
        shown = cb_git_ref_shown(step.repository, step.repository->ref);
        add_material(out, shown, step.commit->commit);
        break;
    case CB_STEP_CONTEXT:
        add_context(out, step.context, step.name);
        break;
    case CB_STEP_RUN:
        add_run(out, &step);
        break;
    case CB_STEP_FILES:
        break;
    }
}

/* What the generator of an SBOM is made of; it looks at the build, and is no step of what
 * was built. */
static void add_generator(struct cb_provenance_sources *out, const struct cb_scan *scan)
{
    struct cb_provenance_steps steps = {0};

    if (!scan->plan)
        return;
    if (scan->plan->apart.base)
        add_image(out, scan->plan->apart.base);
    cb_provenance_steps_find(&steps, scan->plan->result);
    cb_vec_foreach (vertex, &steps) {
        const struct cb_step_facts step = cb_step_facts(*vertex);

        if (step.kind == CB_STEP_IMAGE && step.image)
            add_image(out, step.image);
    }
    cb_vec_free(&steps);
}

/* The Dockerfile may come from elsewhere than the context. */
static void add_dockerfile(struct cb_provenance_sources *out,
                           const struct cb_provenance_facts *facts)
{
    const struct cb_inputs *inputs = facts->inputs;
    const char *name = facts->request->dockerfile;
    size_t len;
    const char *text = cb_source_text(cb_source_nth_file(inputs->dockerfile, 0), &len);
    struct cb_digest digest = cb_digest_of(text, len);

    if (name && cb_is_url(name))
        add_url(out, name, &digest);
    else if (!cb_context_origin(inputs->context) || (name && *name == '/') ||
             cb_is_stdin(name))
        add_local(out, "dockerfile");
    else
        add_context(out, inputs->context, "context");
}

void cb_provenance_sources_find(struct cb_provenance_sources *out,
                                const struct cb_provenance_facts *facts,
                                const struct cb_made *made,
                                const struct cb_provenance_steps *steps)
{
    out->materials = json_array();
    out->locals = json_array();
    out->secrets = json_array();
    out->agents = json_array();
    /* One that only gets metadata is in no step. */
    if (made->plan->apart.base)
        add_image(out, made->plan->apart.base);
    cb_vec_foreach (vertex, steps)
        add_step(out, *vertex);
    add_dockerfile(out, facts);
    add_generator(out, &made->scan);
    out->incomplete |= facts->checked->volumes.count > 0;
}
