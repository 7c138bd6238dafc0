/* A stage's instructions → vertices and a configuration. One row per instruction; each
 * row's function lies in a convert-*.c file. An instruction that changes files becomes a
 * vertex whose first input is what the stage had before; LABEL, CMD and the like change
 * the configuration only, so they cost no step and break no cache. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    enum cb_instruction_kind kind;
    int (*convert)(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err);
} converters[] = {
    {CB_INST_RUN, cb_convert_run},
    {CB_INST_CMD, cb_convert_cmd},
    {CB_INST_LABEL, cb_convert_label},
    {CB_INST_MAINTAINER, cb_convert_maintainer},
    {CB_INST_EXPOSE, cb_convert_expose},
    {CB_INST_ENV, cb_convert_env},
    {CB_INST_ADD, cb_convert_copy},
    {CB_INST_COPY, cb_convert_copy},
    {CB_INST_ENTRYPOINT, cb_convert_entrypoint},
    {CB_INST_VOLUME, cb_convert_volume},
    {CB_INST_USER, cb_convert_user},
    {CB_INST_WORKDIR, cb_convert_workdir},
    {CB_INST_ARG, cb_convert_arg},
    {CB_INST_ONBUILD, cb_convert_onbuild},
    {CB_INST_STOPSIGNAL, cb_convert_stopsignal},
    {CB_INST_HEALTHCHECK, cb_convert_healthcheck},
    {CB_INST_SHELL, cb_convert_shell},
};

int cb_convert_item(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err)
{
    struct cb_source *place =
        stage->planner ? stage->planner->file->source : item->source;

    for (size_t i = 0; i < CB_ARRAY_SIZE(converters); i++) {
        if (converters[i].kind != item->inst->kind)
            continue;
        if (converters[i].convert(stage, item, err) == 0)
            return 0;
        if (item->onbuild)
            cb_error_wrap(err, "ONBUILD trigger `%s`", item->inst->original);
        return cb_error_at(err, place, item->place);
    }
    cb_error_set(err, CB_ERR_SYNTAX, "%s is not allowed here",
                 cb_instruction_name(item->inst->kind));
    return cb_error_at(err, place, item->place);
}

/* ── Names of steps ── */

/* The stage may do something else for each target. */
static int knows_target(const struct cb_stage *stage)
{
    static const char *const names[] = {"TARGETPLATFORM", "TARGETOS", "TARGETARCH",
                                        "TARGETVARIANT"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        cb_vec_foreach (arg, &stage->args) {
            if (strcmp(*arg, names[i]) == 0)
                return 1;
        }
    }
    return 0;
}

/* "linux/arm64 ", or "linux/amd64->arm64 " where what is made here is for another. */
static void add_platform(struct cb_strbuf *out, const struct cb_stage *stage)
{
    const struct cb_platform *target = &stage->planner->options->platform;
    cb_autofree char *own = cb_platform_text(&stage->platform);
    cb_autofree char *other = cb_platform_text(target);
    int same_os = strcmp(stage->platform.os, target->os) == 0;

    cb_strbuf_adds(out, own);
    if (knows_target(stage) && !cb_platform_equal(&stage->platform, target))
        cb_strbuf_addf(out, "->%s", same_os ? other + strlen(target->os) + 1 : other);
    cb_strbuf_addc(out, ' ');
}

/* "[builder  3/12] ", numbers as wide as the total; among several platforms
 * "[linux/arm64 builder  3/12] ". */
static void add_prefix(struct cb_strbuf *out, struct cb_stage *stage)
{
    char total[16];
    int width = snprintf(total, sizeof(total), "%u", stage->steps);

    if (!stage->steps)
        return;
    stage->step++;
    cb_strbuf_addc(out, '[');
    if (stage->planner->options->tell_platform)
        add_platform(out, stage);
    if (stage->planner->stage_count > 1)
        cb_strbuf_addf(out, "%s ", stage->label);
    cb_strbuf_addf(out, "%*u/%s] ", width, stage->step, total);
}

/* "(first line of the body...)" */
static void add_heredoc_summary(struct cb_strbuf *out, const struct cb_heredoc *heredoc)
{
    const char *text = heredoc->content;
    const char *end = text + heredoc->len;
    size_t line;

    while (text < end && isspace((unsigned char)*text))
        text++;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    for (line = 0; text + line < end && text[line] != '\n'; line++)
        ;
    cb_strbuf_adds(out, " (");
    cb_strbuf_add(out, text, line);
    cb_strbuf_adds(out, text + line < end ? "...)" : ")");
}

/* The instruction as written, on one line, the keyword in capitals. Variables stay as
 * they are: the name is also what tells which earlier step this one was, when a cache
 * miss is explained. */
static char *step_name(struct cb_stage *stage, const struct cb_item *item)
{
    cb_auto_value(cb_strbuf) out = {0};
    const struct cb_instruction *inst = item->inst;
    const char *original = inst->original ? inst->original : "";
    size_t len = strcspn(original, "\n");

    add_prefix(&out, stage);
    if (item->onbuild)
        cb_strbuf_adds(&out, "ONBUILD ");
    while (len && !isspace((unsigned char)*original)) {
        cb_strbuf_addc(&out, (char)toupper((unsigned char)*original++));
        len--;
    }
    cb_autofree char *line = xstrndup(original, len);
    cb_autofree char *shown = cb_redact_urls(line);
    cb_strbuf_adds(&out, shown);
    if (inst->kind == CB_INST_RUN && inst->run.heredocs.count)
        add_heredoc_summary(&out, &inst->run.heredocs.items[0]);
    return cb_strbuf_steal(&out);
}

/* ── Vertices ── */

int cb_convert_add(struct cb_planner *planner, struct cb_vertex_options *vertex,
                   struct cb_edge *out, struct cb_error **err)
{
    if (cb_graph_add(planner->graph, vertex, out, err) == 0)
        return 0;
    if (vertex->op->free_payload)
        vertex->op->free_payload(vertex->payload);
    return -1;
}

int cb_convert_filled(struct cb_planner *planner, struct cb_edge edge,
                      struct cb_edge *out, struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};

    if (!edge.vertex && !planner->scratch.vertex) {
        if (cb_op_scratch(&vertex, planner->options->env, err) < 0)
            return -1;
        vertex.name = "[internal] scratch";
        vertex.internal = 1;
        if (cb_convert_add(planner, &vertex, &planner->scratch, err) < 0)
            return -1;
    }
    *out = edge.vertex ? edge : planner->scratch;
    return 0;
}

int cb_convert_context(struct cb_planner *planner, struct cb_edge *out,
                       struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};

    if (!planner->context.vertex) {
        if (cb_op_context(&vertex, planner->options->env, planner->options->context,
                          "context", err) < 0)
            return -1;
        vertex.name = "[internal] load build context";
        vertex.internal = 1;
        if (cb_convert_add(planner, &vertex, &planner->context, err) < 0)
            return -1;
    }
    *out = planner->context;
    return 0;
}

static int stage_edge(struct cb_stage *stage, const struct cb_item *item,
                      const struct cb_stage *from, struct cb_edge *out,
                      struct cb_error **err)
{
    if (!from->converted) {
        cb_error_set(
            err, CB_ERR_SYNTAX,
            "stage `%s` is used before it is defined: it must come before stage `%s`",
            from->label, stage->label);
        return cb_error_at(err, stage->planner->file->source, item->place);
    }
    return cb_convert_filled(stage->planner, from->root, out, err);
}

int cb_convert_origin(struct cb_stage *stage, const struct cb_item *item,
                      const struct cb_origin *origin, struct cb_edge *out,
                      struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    cb_autofree char *name = NULL;
    struct cb_edge edge = {0};

    if (origin->kind == CB_ORIGIN_CONTEXT)
        return cb_convert_context(planner, out, err);
    if (origin->kind == CB_ORIGIN_NAMED)
        return cb_named_edge(planner, origin->named, out, err);
    if (origin->kind == CB_ORIGIN_STAGE)
        return stage_edge(stage, item, origin->stage, out, err);
    if (origin->kind == CB_ORIGIN_IMAGE && origin->base->canonical) {
        cb_checks_base_platform(planner, origin->base, item->place);
        name = xasprintf("FROM %s", origin->base->canonical);
        if (cb_bases_root(planner, origin->base, name, item->place, &edge, err) < 0)
            return -1;
    }
    return cb_convert_filled(planner, edge, out, err);
}

int cb_convert_step(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_vertex_options *options, const struct cb_edge *inputs,
                    size_t input_count, struct cb_error **err)
{
    cb_autofree char *name = step_name(stage, item);
    int rc;

    options->inputs = inputs;
    options->input_count = input_count;
    options->name = name;
    options->source = stage->planner->file->source;
    options->span = item->place;
    options->no_cache = stage->no_cache;
    if (stage->layers >= CB_MAX_LAYERS)
        rc = cb_error_set(err, CB_ERR_UNSUPPORTED,
                          "the image would have more than %d layers", CB_MAX_LAYERS);
    else
        rc = cb_graph_add(stage->planner->graph, options, &stage->root, err);
    if (rc < 0 && options->op->free_payload)
        options->op->free_payload(options->payload);
    return rc;
}

int cb_convert_linked(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_edge base, struct cb_error **err)
{
    struct cb_edge inputs[2] = {base, stage->root};
    struct cb_vertex_options options = {.inputs = inputs,
                                        .input_count = 2,
                                        .name = "[internal] link",
                                        .source = stage->planner->file->source,
                                        .span = item->place,
                                        .no_cache = stage->no_cache,
                                        .internal = 1};

    if (!base.vertex)
        return 0;
    cb_op_merge(&options, stage->planner->options->env);
    if (cb_convert_add(stage->planner, &options, &stage->root, err) < 0)
        return -1;
    if (base.vertex == stage->apart.vertex) {
        cb_vec_push(&stage->links, inputs[1]);
        stage->apart = stage->root;
    }
    return 0;
}

char *cb_convert_path(const struct cb_stage *stage, const char *path)
{
    const char *dir = stage->config->working_dir;
    cb_autofree char *rooted = NULL;

    if (*path == '/')
        return cb_path_join("/", path);
    rooted = cb_path_join("/", dir ? dir : "");
    return cb_path_join(rooted, path);
}

/* ── A stage ── */

/* What the stage starts with: another stage's state, an image's, or nothing. */
static int start_stage(struct cb_stage *stage, struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_instruction *from = stage->def->from;
    cb_auto_value(cb_strbuf) name = {0};

    if (stage->base_stage) {
        stage->config = cb_image_config_copy(stage->base_stage->config);
        stage->root = stage->base_stage->root;
        stage->apart = stage->base_stage->apart;
        cb_vec_foreach (link, &stage->base_stage->links)
            cb_vec_push(&stage->links, *link);
        stage->platform = stage->base_stage->platform;
        stage->base_layers = stage->base_stage->base_layers;
        stage->layers = stage->base_stage->layers;
        stage->workdir_set = stage->base_stage->workdir_set;
        stage->env_unknown = stage->base_stage->env_unknown;
        stage->values_unknown = stage->base_stage->values_unknown;
        return cb_scope_inherit(stage, stage->base_stage, err);
    }
    stage->env_unknown = planner->partly;
    if (!stage->base) {
        stage->config = cb_config_scratch(&stage->platform);
        return stage->named ? cb_named_root(stage, stage->named, err) : 0;
    }
    if (!stage->base->image) {
        stage->env_unknown = 1;
        stage->config = cb_config_scratch(&stage->platform);
    } else {
        stage->config = cb_config_derive(stage->base->image->config);
    }
    if (!stage->base->canonical)
        return 0;
    stage->base_layers = stage->layers = stage->config->diff_ids.count;
    cb_checks_base_platform(planner, stage->base, from->span);
    add_prefix(&name, stage);
    cb_strbuf_addf(&name, "FROM %s", stage->base->canonical);
    if (cb_bases_root(planner, stage->base, cb_strbuf_text(&name), from->span,
                      &stage->root, err) < 0)
        return -1;
    stage->apart = stage->root;
    return 0;
}

/* The base's own ENV, below what a parent stage's ARGs set. */
int cb_convert_start_env(struct cb_stage *stage, struct cb_error **err)
{
    const struct cb_strings *given = stage->planner->options->envs;

    cb_config_default_path(stage->config);
    for (size_t i = 0; given && i < given->count; i++) {
        const char *pair = given->items[i];
        cb_autofree char *name = xstrndup(pair, strcspn(pair, "="));

        cb_env_set(&stage->config->env, name, pair + strlen(name) + 1);
    }
    for (size_t i = 0; i < stage->config->env.count; i++) {
        const char *pair = stage->config->env.items[i];
        cb_autofree char *name = xstrndup(pair, strcspn(pair, "="));
        const char *value = pair + strlen(name);

        if (cb_scope_set(stage, name, *value ? value + 1 : "", err) < 0)
            return -1;
    }
    return 0;
}

static void clear_triggers(struct cb_image_config *config)
{
    cb_strings_free(&config->onbuild);
}

static int begin_stage(struct cb_stage *stage)
{
    cb_auto(cb_error) error = NULL;

    if (start_stage(stage, &error) == 0 && cb_convert_start_env(stage, &error) == 0)
        return 0;
    cb_error_at(&error, stage->planner->file->source, stage->def->from->span);
    cb_planner_keep_error(stage->planner, &error);
    return -1;
}

/* What may be right where the image is known is no mistake yet. */
static int drop_doubtful(struct cb_stage *stage, struct cb_error **error)
{
    if (!cb_doubt_is_there(stage) || cb_error_kind(*error) == CB_ERR_UNSUPPORTED)
        return 0;
    cb_error_free(cb_steal(error));
    return 1;
}

/* The number of a step that is left out when the steps are counted is left out, too. */
static int convert_if(struct cb_stage *stage, struct cb_item *item, struct cb_error **err)
{
    int was_counted = !item->left_out && cb_stages_is_step(item->inst->kind);
    int counts = cb_conditions_decide(stage, item, err);

    if (counts == 0 && was_counted)
        stage->step++;
    if (counts <= 0)
        return counts;
    if (item->unconnected)
        return cb_doubt_is_there(stage) ? 0 : cb_error_move(err, &item->unconnected);
    return cb_convert_item(stage, item, err);
}

/* Goes on behind a mistake to find others, but not behind one in what the words below it
 * may stand for. */
static int apply(struct cb_stage *stage, struct cb_item *item)
{
    cb_auto(cb_error) error = NULL;
    int is_limit;

    cb_doubt_begin(stage);
    if (convert_if(stage, item, &error) == 0 || drop_doubtful(stage, &error)) {
        stage->failed = cb_doubt_end(stage, item) < 0;
        return 0;
    }
    /* A limit that is exceeded is exceeded by all that follows. */
    is_limit = cb_error_kind(error) == CB_ERR_UNSUPPORTED;
    if (!cb_planner_keep_error(stage->planner, &error) || is_limit)
        return -1;
    stage->failed = item->inst->kind == CB_INST_ENV || item->inst->kind == CB_INST_ARG ||
                    (item->inst->kind == CB_INST_RUN && item->inst->run.export_count);
    return 0;
}

/* Is OTHER a stage before STAGE that has to wait? One that comes later is a mistake. */
static int is_waiting(const struct cb_stage *stage, const struct cb_stage *other)
{
    return other && other->needed && other->index < stage->index && !other->ended;
}

/* What is left out now waits for nobody. */
static int counts(struct cb_stage *stage, struct cb_item *item)
{
    if (!item->undecided)
        return 1;
    cb_doubt_begin(stage);
    item->undecided = cb_conditions_hold(stage, item, NULL) <= 0;
    return !item->undecided;
}

static int has_to_wait(struct cb_stage *stage, struct cb_item *item)
{
    for (size_t i = 0; i < item->origin_count && !item->left_out; i++) {
        if (is_waiting(stage, item->origins[i].stage))
            return counts(stage, item);
    }
    return 0;
}

int cb_convert_stage(struct cb_stage *stage)
{
    if (stage->ended || is_waiting(stage, stage->base_stage))
        return 0;
    if (!stage->converted) {
        stage->converted = 1;
        stage->failed = stage->base_stage && stage->base_stage->failed;
        if (!stage->failed && begin_stage(stage) < 0)
            return -1;
        if (!stage->failed)
            clear_triggers(stage->config);
    }
    while (!stage->failed && stage->next < stage->items.count) {
        struct cb_item *item = &stage->items.items[stage->next];

        if (stage->awaited || has_to_wait(stage, item))
            return 0;
        stage->next++;
        if (apply(stage, item) < 0)
            return -1;
    }
    stage->ended = stage->failed || !stage->awaited;
    return 0;
}
