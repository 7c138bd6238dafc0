/* Vertices of a graph: the steps of a stage, with the names they are shown by, and what
 * they take their files from. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

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
void cb_convert_prefix(struct cb_strbuf *out, struct cb_stage *stage)
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

    cb_convert_prefix(&out, stage);
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
