/* Images from outside: those of FROM, COPY --from and --mount from=. What is in the store
 * is resolved by the calling thread, since that takes less than starting a thread; only
 * when several have to be asked of registries does the pool do it. Each image's documents
 * are read here, its layers only when a step needs the files. */
#include "frontend/frontend-priv.h"

#include <stdio.h>
#include <string.h>

struct cb_base *cb_bases_want(struct cb_planner *planner, const char *name,
                              const struct cb_platform *platform,
                              const struct cb_mention *mention)
{
    struct cb_base *base;

    cb_vec_foreach (known, &planner->bases) {
        if (!strcmp((*known)->name, name) &&
            cb_platform_equal(&(*known)->platform, platform))
            return *known;
    }
    base = cb_arena_new_of(planner->arena, struct cb_base);
    base->name = cb_arena_strdup(planner->arena, name);
    base->asked = base->name;
    base->platform = *platform;
    base->mention = *mention;
    cb_vec_push(&planner->bases, base);
    return base;
}

/* ── Resolving ── */

struct todo {
    struct cb_planner *planner;
    CB_VEC(struct cb_base *) bases;
    struct cb_error **errors; /* of those asked for elsewhere, one for each */
};

static void add_todo(struct todo *todo, struct cb_base *base)
{
    if (!base || base->image)
        return;
    cb_vec_foreach (known, &todo->bases) {
        if (*known == base)
            return;
    }
    cb_vec_push(&todo->bases, base);
}

static void collect(struct cb_planner *planner, struct todo *todo)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        if (!stage->needed)
            continue;
        add_todo(todo, stage->base);
        cb_vec_foreach (item, &stage->items) {
            for (size_t n = 0; n < item->origin_count && !item->left_out; n++)
                add_todo(todo, item->origins[n].base);
        }
    }
}

static void finish(struct cb_base *base, struct cb_resolved_image *image)
{
    base->image = image;
    base->canonical =
        image->reference ? cb_reference_canonical(image->reference) : xstrdup(base->name);
}

static int is_from(const struct cb_base *base)
{
    return !strcmp(base->mention.context, "FROM");
}

/* Nobody has it: more likely a stage was meant. */
static int is_unknown(enum cb_error_kind kind)
{
    return kind == CB_ERR_NOT_FOUND || kind == CB_ERR_DENIED || kind == CB_ERR_USAGE ||
           kind == CB_ERR_SYNTAX;
}

/* Says what the name could have been, and where it stands. */
static int explain_failure(struct cb_planner *planner, const struct cb_base *base,
                           struct cb_error **err)
{
    cb_autofree char *hint = NULL;

    if (!err)
        return -1;
    hint = cb_bases_hint(planner, base);
    if (!is_from(base) && is_unknown(cb_error_kind(*err)))
        cb_error_wrap(err, "%s=%s: no stage or image named `%s`", base->mention.context,
                      base->name, base->name);
    else if (!strstr(cb_error_message(*err), base->name))
        cb_error_wrap(err, "%s", base->name);
    /* Better than the way to get what nobody may have, or from where nobody answers. */
    if (hint && (cb_error_kind(*err) == CB_ERR_NOT_FOUND ||
                 cb_error_kind(*err) == CB_ERR_NETWORK))
        cb_error_hint_instead(err, "%s", hint);
    else if (hint)
        cb_error_hint(err, "%s", hint);
    return cb_error_at(err, base->mention.source, base->mention.span);
}

/* From a directory; nobody else is asked. */
static int resolve_layout(struct cb_planner *planner, struct cb_base *base,
                          struct cb_error **err)
{
    const struct cb_named_context *named = base->layout;
    const struct cb_layout_image from = {
        .path = named->layout, .tag = named->tag, .digest = named->digest};
    struct cb_resolved_image *image = NULL;

    if (cb_registry_resolve_layout(planner->options->env->registry, &from,
                                   &base->platform, &image, err) < 0) {
        cb_error_wrap(err, "--build-context %s", named->name);
        return cb_error_at(err, base->mention.source, base->mention.span);
    }
    finish(base, image);
    return 1;
}

/* A name that cannot be an image's either is known without asking anybody. */
static int check_reference(struct cb_planner *planner, struct cb_base *base,
                           struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_error) cause = NULL;
    cb_autofree char *hint = NULL;

    if (cb_reference_parse(&reference, base->name, &cause) == 0)
        return 0;
    if (is_from(base)) {
        cb_error_move(err, &cause);
        cb_error_wrap(err, "failed to parse stage name \"%s\"", base->name);
    } else {
        cb_error_set(err, CB_ERR_NOT_FOUND, "%s=%s: no stage or image named `%s`",
                     base->mention.context, base->name, base->name);
    }
    hint = cb_bases_hint(planner, base);
    if (hint)
        cb_error_hint(err, "%s", hint);
    return cb_error_at(err, base->mention.source, base->mention.span);
}

static char *canonical_name(const char *name)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, name, NULL) < 0)
        return xstrdup(name);
    cb_reference_default_tag(reference);
    return cb_reference_canonical(reference);
}

/* 1 resolved from what is here, 0 a registry has to be asked. */
static int resolve_here(struct cb_planner *planner, struct cb_base *base,
                        struct cb_error **err)
{
    const struct cb_frontend_options *options = planner->options;
    struct cb_resolved_image *image = NULL;
    cb_auto(cb_error) cause = NULL;

    if (base->layout)
        return resolve_layout(planner, base, err);
    if (check_reference(planner, base, err) < 0 || cb_base_pin(planner, base, err) < 0)
        return -1;
    if (options->offline) {
        base->canonical = canonical_name(base->name);
        return 0;
    }
    if (options->pull != CB_PULL_MISSING && options->pull != CB_PULL_NEVER)
        return 0;
    if (cb_registry_resolve(options->env->registry, base->asked, &base->platform,
                            CB_PULL_NEVER, &image, &cause) == 0) {
        finish(base, image);
        return 1;
    }
    if (cb_error_kind(cause) == CB_ERR_NOT_FOUND && options->pull == CB_PULL_MISSING)
        return 0;
    cb_error_move(err, &cause);
    return explain_failure(planner, base, err);
}

static int resolve_remote(void *arg, size_t index, struct cb_error **err)
{
    struct todo *todo = arg;
    const struct cb_frontend_options *options = todo->planner->options;
    struct cb_base *base = todo->bases.items[index];
    cb_autofree char *canonical = canonical_name(base->name);
    cb_autofree char *name = xasprintf("[internal] load metadata for %s", canonical);
    struct cb_resolved_image *image = NULL;
    struct cb_event_sink *sink = options->env->sink;
    uint64_t id = cb_event_step_start(sink, name);
    struct cb_error *error = NULL;
    int status = cb_registry_resolve(options->env->registry, base->asked, &base->platform,
                                     options->pull, &image, &error);

    if (status < 0)
        explain_failure(todo->planner, base, &error);
    if (cb_event_step_end(sink, id, status, &error, err) < 0)
        return -1;
    finish(base, image);
    return 0;
}

/* One that cannot be had keeps no other from being asked for: which is reported does not
 * hang on who answers first. */
static int resolve_or_note(void *arg, size_t index, struct cb_error **err)
{
    struct todo *todo = arg;

    (void)err;
    resolve_remote(todo, index, &todo->errors[index]);
    return 0;
}

/* Those that the store has are resolved; the others are put into REMOTE. */
static int resolve_all_here(struct todo *todo, struct todo *remote, struct cb_error **err)
{
    struct cb_planner *planner = todo->planner;
    struct cb_error *errors = NULL;

    cb_vec_foreach (base, &todo->bases) {
        struct cb_error *error = NULL;
        int here = resolve_here(planner, *base, &error);

        if (here < 0)
            cb_error_append(&errors, error);
        else if (!here && !planner->options->offline)
            cb_vec_push(&remote->bases, *base);
    }
    if (!errors)
        return 0;
    if (!planner->rehearsed)
        cb_planner_rehearse_too(planner, 0, &errors);
    return cb_error_move(err, &errors);
}

/* Nobody is asked for the images of a file that cannot be built with any. */
static int resolve_all_remote(struct todo *remote, struct cb_error **err)
{
    struct cb_planner *planner = remote->planner;

    if (!remote->bases.count)
        return 0;
    if (!planner->rehearsed && cb_planner_rehearse(planner, 0, err) < 0)
        return -1;
    planner->rehearsed = 1;
    if (remote->bases.count == 1)
        return resolve_remote(remote, 0, err);
    remote->errors = xcalloc(remote->bases.count, sizeof(*remote->errors));
    if (cb_pool_for_each(planner->options->env->pool, remote->bases.count,
                         resolve_or_note, remote, err) < 0)
        return -1;
    for (size_t i = 0; i < remote->bases.count; i++) {
        cb_error_append(&planner->errors, remote->errors[i]);
        remote->errors[i] = NULL;
    }
    return cb_planner_report(planner, err);
}

/* By this thread, in the file's order. */
static int note_all(const struct todo *todo, struct cb_error **err)
{
    cb_vec_foreach (base, &todo->bases) {
        if ((*base)->image && cb_base_note(todo->planner, *base, err) < 0)
            return -1;
    }
    return 0;
}

int cb_bases_resolve(struct cb_planner *planner, struct cb_error **err)
{
    struct todo todo = {.planner = planner};
    struct todo remote = {.planner = planner};
    int rc;

    collect(planner, &todo);
    rc = resolve_all_here(&todo, &remote, err);
    if (rc == 0)
        rc = resolve_all_remote(&remote, err);
    if (rc == 0)
        rc = note_all(&todo, err);
    cb_vec_free(&todo.bases);
    cb_vec_free(&remote.bases);
    free(remote.errors);
    return rc;
}

int cb_bases_root(struct cb_planner *planner, struct cb_base *base, const char *name,
                  struct cb_span span, struct cb_edge *out, struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};

    out->vertex = NULL;
    if (base->image && !base->image->config->diff_ids.count)
        return 0;
    if (!base->image)
        cb_op_unknown_image(&vertex, planner->options->env, base->canonical);
    else if (cb_op_image(&vertex, planner->options->env, base->image, err) < 0)
        return -1;
    vertex.name = name;
    vertex.source = planner->file->source;
    vertex.span = span;
    if (cb_graph_add(planner->graph, &vertex, out, err) < 0) {
        if (vertex.op->free_payload)
            vertex.op->free_payload(vertex.payload);
        return -1;
    }
    return 0;
}
