/* The steps of a build for mode=max, shaped like the operations of BuildKit's LLB, which
 * readers of provenance know: the source of files, or a command with all it was given. */
#include "engine/provenance.h"

#include "base/base64.h"
#include "base/redact.h"

#include <stdio.h>
#include <string.h>

static json_t *texts(const struct cb_strings *strings)
{
    json_t *list = json_array();

    cb_vec_foreach (text, strings)
        json_array_append_new(list, cb_provenance_text(*text));
    return list;
}

/* ── Sources ── */

static json_t *source_op(const char *scheme, const char *place)
{
    cb_autofree char *identifier = xasprintf("%s%s", scheme, place);
    json_t *op = json_object(), *source = json_object();

    json_object_set_new(source, "identifier", cb_provenance_text(identifier));
    json_object_set_new(op, "source", source);
    return op;
}

static json_t *image_op(const struct cb_resolved_image *image)
{
    cb_autofree char *name =
        image && image->reference ? cb_reference_canonical(image->reference) : NULL;
    cb_autofree char *pinned = NULL;
    char text[CB_DIGEST_MAX_TEXT];

    if (!image)
        return json_object();
    if (!name)
        return source_op("oci-layout://", cb_digest_text(&image->manifest_digest, text));
    if (cb_digest_is_set(&image->target.digest) &&
        !cb_digest_is_set(&image->reference->digest))
        pinned = xasprintf("%s@%s", name, cb_digest_text(&image->target.digest, text));
    return source_op("docker-image://", pinned ? pinned : name);
}

static json_t *git_op(const struct cb_step_facts *step)
{
    cb_autofree char *shown = cb_git_ref_shown(step->repository, step->repository->ref);
    const char *host = strstr(shown, "://");

    return source_op("git://", host ? host + 3 : shown);
}

static json_t *context_op(const struct cb_step_facts *step)
{
    const char *origin = cb_context_origin(step->context);

    return origin ? source_op("", origin) : source_op("local://", step->name);
}

static json_t *url_op(const struct cb_step_facts *step)
{
    cb_autofree char *shown = cb_redact_place(step->url);
    json_t *op = source_op("", shown), *attributes = json_object();
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_digest_is_set(&step->digest))
        json_object_set_new(attributes, "http.checksum",
                            json_string(cb_digest_text(&step->digest, text)));
    json_object_set_new(json_object_get(op, "source"), "attrs", attributes);
    return op;
}

/* ── RUN ── */

/* The numbers of LLB's enumerations. */
static json_t *mount_json(const struct cb_exec_mount *mount)
{
    static const struct {
        int number;
        const char *options;
    } types[] = {[CB_EXEC_BIND] = {0, NULL},
                 [CB_EXEC_CACHE] = {3, "cacheOpt"},
                 [CB_EXEC_TMPFS] = {4, NULL},
                 [CB_EXEC_SECRET] = {1, "secretOpt"},
                 [CB_EXEC_SSH] = {2, "SSHOpt"}};
    json_t *json = json_object(), *options;

    json_object_set_new(json, "input", json_integer(mount->input));
    if (mount->source)
        json_object_set_new(json, "selector", cb_provenance_text(mount->source));
    if (mount->target)
        json_object_set_new(json, "dest", cb_provenance_text(mount->target));
    if (types[mount->type].number)
        json_object_set_new(json, "mountType", json_integer(types[mount->type].number));
    if (mount->read_only)
        json_object_set_new(json, "readonly", json_true());
    if (types[mount->type].options && mount->id) {
        options = json_object();
        json_object_set_new(options, "ID", cb_provenance_text(mount->id));
        json_object_set_new(json, types[mount->type].options, options);
    }
    return json;
}

static json_t *run_op(const struct cb_step_facts *step)
{
    json_t *op = json_object(), *exec = json_object(), *meta = json_object();
    json_t *mounts = json_array();

    json_object_set_new(meta, "args", texts(step->argv));
    json_object_set_new(meta, "env", texts(step->env));
    json_object_set_new(meta, "cwd", cb_provenance_text(step->cwd ? step->cwd : "/"));
    if (step->user && *step->user)
        json_object_set_new(meta, "user", cb_provenance_text(step->user));
    for (size_t i = 0; i < step->mount_count; i++)
        json_array_append_new(mounts, mount_json(&step->mounts[i]));
    json_object_set_new(exec, "meta", meta);
    if (step->mount_count)
        json_object_set(exec, "mounts", mounts);
    json_decref(mounts);
    if (step->network != CB_OP_NETWORK_DEFAULT)
        json_object_set_new(exec, "network",
                            json_integer(step->network == CB_OP_NETWORK_HOST ? 1 : 2));
    if (step->security == CB_SECURITY_INSECURE)
        json_object_set_new(exec, "security", json_integer(1));
    json_object_set_new(op, "exec", exec);
    return op;
}

/* ── All ── */

static json_t *op_of(const struct cb_step_facts *step)
{
    json_t *op;

    switch (step->kind) {
    case CB_STEP_IMAGE:
        return image_op(step->image);
    case CB_STEP_URL:
        return url_op(step);
    case CB_STEP_GIT:
        return git_op(step);
    case CB_STEP_CONTEXT:
        return context_op(step);
    case CB_STEP_RUN:
        return run_op(step);
    case CB_STEP_FILES:
        break;
    }
    op = json_object();
    json_object_set_new(op, "file", json_object());
    return op;
}

static json_t *platform_json(const struct cb_platform *platform)
{
    json_t *json = json_object();

    json_object_set_new(json, "Architecture", json_string(platform->arch));
    json_object_set_new(json, "OS", json_string(platform->os));
    if (*platform->variant)
        json_object_set_new(json, "Variant", json_string(platform->variant));
    return json;
}

static size_t number_of(const struct cb_provenance_steps *steps,
                        const struct cb_vertex *vertex)
{
    size_t i = 0;

    while (steps->items[i] != vertex)
        i++;
    return i;
}

static json_t *step_json(const struct cb_provenance_steps *steps, size_t number,
                         const struct cb_platform *platform)
{
    const struct cb_vertex *vertex = steps->items[number], *input;
    const struct cb_step_facts facts = cb_step_facts(vertex);
    cb_autofree char *id = xasprintf("step%zu", number);
    json_t *step = json_object(), *op = json_object(), *inputs = json_array();

    for (size_t i = 0; (input = cb_vertex_input(vertex, i)); i++) {
        cb_autofree char *text = xasprintf("step%zu:0", number_of(steps, input));

        json_array_append_new(inputs, json_string(text));
    }
    json_object_set_new(op, "Op", op_of(&facts));
    json_object_set_new(op, "platform",
                        platform_json(facts.platform ? facts.platform : platform));
    json_object_set_new(step, "id", json_string(id));
    json_object_set_new(step, "name", cb_provenance_text(cb_vertex_name(vertex)));
    json_object_set_new(step, "op", op);
    if (json_array_size(inputs))
        json_object_set(step, "inputs", inputs);
    json_decref(inputs);
    return step;
}

json_t *cb_provenance_build_config(const struct cb_provenance_steps *steps,
                                   const struct cb_platform *platform)
{
    json_t *config = json_object(), *list = json_array();

    for (size_t i = 0; i < steps->count; i++)
        json_array_append_new(list, step_json(steps, i, platform));
    json_object_set_new(config, "llbDefinition", list);
    return config;
}

/* ── Where they stand ── */

static json_t *line_json(struct cb_source *source, size_t offset)
{
    json_t *json = json_object();
    unsigned line, column;

    cb_source_position(source, offset, &line, &column);
    json_object_set_new(json, "line", json_integer((json_int_t)line));
    return json;
}

static json_t *location_json(struct cb_source *source, struct cb_span span)
{
    struct cb_span place = span;
    size_t index = cb_source_file_index(source, cb_source_file(source, &place));
    json_t *outer = json_object(), *locations = json_array(), *location = json_object();
    json_t *ranges = json_array(), *range = json_object();

    json_object_set_new(range, "start", line_json(source, span.start));
    json_object_set_new(
        range, "end", line_json(source, span.end > span.start ? span.end - 1 : span.end));
    json_array_append_new(ranges, range);
    if (index)
        json_object_set_new(location, "sourceIndex", json_integer((json_int_t)index));
    json_object_set_new(location, "ranges", ranges);
    json_array_append_new(locations, location);
    json_object_set_new(outer, "locations", locations);
    return outer;
}

static json_t *dockerfile_json(struct cb_source *source)
{
    cb_auto_value(cb_strbuf) data = {0};
    json_t *info = json_object();
    size_t len;
    cb_autofree char *text = cb_redact_urls(cb_source_text(source, &len));
    const char *name = strrchr(cb_source_name(source), '/');

    cb_base64_encode(&data, text, strlen(text));
    json_object_set_new(info, "filename",
                        cb_provenance_text(name ? name + 1 : cb_source_name(source)));
    json_object_set_new(info, "language", json_string("Dockerfile"));
    json_object_set_new(info, "data", json_string(cb_strbuf_text(&data)));
    return info;
}

json_t *cb_provenance_source_map(const struct cb_provenance_steps *steps,
                                 const struct cb_provenance_facts *facts)
{
    struct cb_source *dockerfile = facts->inputs->dockerfile;
    json_t *map = json_object(), *locations = json_object(), *infos = json_array();

    for (size_t i = 0; i < steps->count; i++) {
        cb_autofree char *id = xasprintf("step%zu", i);
        struct cb_span span;
        struct cb_source *source = cb_vertex_source(steps->items[i], &span);

        if (source == dockerfile)
            json_object_set_new(locations, id, location_json(source, span));
    }
    for (size_t i = 0; i < cb_source_file_count(dockerfile); i++)
        json_array_append_new(infos, dockerfile_json(cb_source_nth_file(dockerfile, i)));
    json_object_set_new(map, "locations", locations);
    json_object_set_new(map, "infos", infos);
    return map;
}

json_t *cb_provenance_layers(const struct cb_provenance_steps *steps,
                             const struct cb_manifest *manifest)
{
    cb_autofree char *id = xasprintf("step%zu:0", steps->count - 1);
    json_t *map = json_object(), *outer = json_array(), *list = json_array();
    char text[CB_DIGEST_MAX_TEXT];

    cb_vec_foreach (layer, &manifest->layers) {
        json_t *item = json_object();

        json_object_set_new(item, "mediaType", json_string(layer->media_type));
        json_object_set_new(item, "digest",
                            json_string(cb_digest_text(&layer->digest, text)));
        json_object_set_new(item, "size", json_integer(layer->size));
        json_array_append_new(list, item);
    }
    json_array_append_new(outer, list);
    json_object_set_new(map, id, outer);
    return map;
}
