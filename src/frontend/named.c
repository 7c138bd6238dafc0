/* Named contexts (--build-context): each takes the place of a stage or an image of its
 * name, wherever one is named. Names are compared as BuildKit compares them: as image
 * references in their familiar form, without ":latest", so that `alpine`,
 * `alpine:latest` and `docker.io/library/alpine` are one name; one given for a platform
 * goes before one for all. What a context's value names is not looked up again. */
#include "frontend/convert-priv.h"

#include <string.h>
#include <strings.h>

char *cb_named_context_key(const char *name, struct cb_error **err)
{
    static const char latest[] = ":latest";
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *familiar = NULL;
    size_t len;

    if (cb_reference_parse(&reference, name, err) < 0)
        return NULL;
    familiar = cb_reference_familiar(reference);
    len = strlen(familiar);
    if (len > sizeof(latest) - 1 &&
        strcmp(familiar + len - (sizeof(latest) - 1), latest) == 0)
        familiar[len - (sizeof(latest) - 1)] = '\0';
    return cb_steal(&familiar);
}

int cb_named_context_reserved(const char *name)
{
    return !strcasecmp(name, "scratch") || !strcasecmp(name, "context");
}

const struct cb_named_context *cb_named_find(struct cb_planner *planner, const char *name,
                                             const struct cb_platform *platform)
{
    const struct cb_named_contexts *given = planner->options->contexts;
    cb_autofree char *key = NULL;
    cb_autofree char *wanted = NULL;
    const struct cb_named_context *found = NULL;

    if (!given || !given->count || cb_named_context_reserved(name))
        return NULL;
    key = cb_named_context_key(name, NULL);
    if (!key)
        return NULL;
    wanted = cb_platform_text(platform);
    cb_vec_foreach (context, given) {
        if (strcmp(context->name, key) != 0)
            continue;
        if (context->platform && strcmp(context->platform, wanted) == 0)
            found = context;
        else if (!context->platform && !found)
            found = context;
    }
    if (found && !planner->named_used)
        planner->named_used = cb_arena_alloc(planner->arena, given->count);
    if (found)
        planner->named_used[found - given->items] = 1;
    return found;
}

int cb_named_is_used(const struct cb_planner *planner, size_t index)
{
    return planner->named_used && planner->named_used[index];
}

void cb_named_origin(struct cb_planner *planner, const struct cb_named_context *named,
                     const struct cb_platform *platform, const struct cb_mention *mention,
                     struct cb_origin *out)
{
    *out = (struct cb_origin){.kind = CB_ORIGIN_IMAGE};
    switch (named->kind) {
    case CB_NAMED_FILES:
        out->kind = CB_ORIGIN_NAMED;
        out->named = named;
        return;
    case CB_NAMED_IMAGE:
        if (!strcmp(named->image, "scratch"))
            out->kind = CB_ORIGIN_SCRATCH;
        else
            out->base = cb_bases_want(planner, named->image, platform, mention);
        return;
    case CB_NAMED_LAYOUT:
        out->base = cb_bases_want(planner, named->value, platform, mention);
        out->base->layout = named;
        return;
    }
}

/* ── As files ── */

int cb_named_edge(struct cb_planner *planner, const struct cb_named_context *named,
                  struct cb_edge *out, struct cb_error **err)
{
    cb_autofree char *name = xasprintf("[context %s] load from client", named->name);
    struct cb_vertex_options vertex = {.name = name, .internal = 1};

    if (cb_op_context(&vertex, planner->options->env, named->context, named->name, err) <
        0)
        return -1;
    return cb_convert_add(planner, &vertex, out, err);
}

int cb_named_layer(struct cb_planner *planner, const struct cb_vertex_options *shown,
                   struct cb_edge files, struct cb_edge *out, struct cb_error **err)
{
    const struct cb_copy_source all = {.input = 1, .path = "."};
    const struct cb_copy_options copy = {.sources = &all, .source_count = 1, .dest = "/"};
    struct cb_edge inputs[2] = {{0}, files};
    struct cb_vertex_options vertex = *shown;

    vertex.inputs = inputs;
    vertex.input_count = 2;
    if (cb_convert_filled(planner, (struct cb_edge){0}, &inputs[0], err) < 0 ||
        cb_op_copy(&vertex, planner->options->env, &copy, err) < 0)
        return -1;
    return cb_convert_add(planner, &vertex, out, err);
}

/* A root filesystem of the context's files: they become a layer. */
int cb_named_root(struct cb_stage *stage, const struct cb_named_context *named,
                  struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    cb_autofree char *name = xasprintf("[context %s] copy", named->name);
    cb_autofree char *history = xasprintf("COPY [context %s] /", named->name);
    const struct cb_vertex_options shown = {.name = name,
                                            .source = planner->file->source,
                                            .span = stage->def->from->span,
                                            .no_cache = stage->no_cache};
    struct cb_edge files;

    if (cb_named_edge(planner, named, &files, err) < 0 ||
        cb_named_layer(planner, &shown, files, &stage->root, err) < 0)
        return -1;
    cb_config_history(stage, history, 1, 1);
    return 0;
}
