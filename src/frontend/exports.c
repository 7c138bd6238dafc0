/* RUN --export=NAME=PATH: a variable whose value a step makes. Planning runs nothing, so
 * a stage stops behind such a RUN, and with it what is made from the stage or copies from
 * it; all else is planned to the end. Whoever solves the graph reads the files of that
 * step's result and planning goes on where it stopped (cb_plan_learn): no instruction is
 * applied twice. Where nothing will run the name stands for itself, and what hangs on it
 * is in doubt. */
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include "context/remote.h"

#include <string.h>

static int are_coming(const struct cb_planner *planner)
{
    const struct cb_frontend_options *options = planner->options;

    return options->purpose == CB_PLAN_BUILD && !options->offline &&
           !options->nothing_runs;
}

static int sets(const struct cb_instruction *inst, const char *name)
{
    for (size_t i = 0; inst->kind == CB_INST_RUN && i < inst->run.export_count; i++) {
        if (strcmp(inst->run.exports[i].name.text, name) == 0)
            return 1;
    }
    return 0;
}

int cb_exports_name(const struct cb_planner *planner, const char *name)
{
    for (size_t s = 0; s < planner->file->stage_count; s++) {
        const struct cb_stage_def *def = &planner->file->stages[s];

        for (size_t i = 0; i < def->count; i++) {
            if (sets(def->items[i], name))
                return 1;
        }
    }
    return 0;
}

int cb_exports_paths(struct cb_stage *stage, const struct cb_item *item,
                     struct cb_strings *out, struct cb_error **err)
{
    const struct cb_inst_run *run = &item->inst->run;

    for (size_t i = 0; i < run->export_count; i++) {
        cb_autofree char *path = NULL;

        if (cb_scope_expand(stage, item, &run->exports[i].path, &path, err) < 0)
            return -1;
        if (!*path) {
            cb_error_set(err, CB_ERR_SYNTAX, "--export=%s: the path is empty",
                         run->exports[i].name.text);
            return cb_error_at(err, item->source, run->exports[i].path.span);
        }
        cb_strings_take(out, cb_convert_path(stage, path));
    }
    return 0;
}

static int set(struct cb_stage *stage, const char *name, const char *value,
               struct cb_error **err)
{
    if (cb_scope_set(stage, name, value, err) < 0)
        return -1;
    cb_strings_add_once(&stage->args, name);
    return 0;
}

int cb_exports_stay(struct cb_stage *stage, const struct cb_instruction *inst,
                    struct cb_error **err)
{
    for (size_t i = 0; i < inst->run.export_count; i++) {
        const char *name = inst->run.exports[i].name.text;
        cb_autofree char *itself = xasprintf("$%s", name);

        if (set(stage, name, itself, err) < 0)
            return -1;
        cb_doubt_add(stage->planner, name);
        stage->values_unknown = 1;
    }
    return 0;
}

int cb_exports_follow(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_strings *paths, struct cb_error **err)
{
    if (!paths->count)
        return 0;
    if (!are_coming(stage->planner))
        return cb_exports_stay(stage, item->inst, err);
    stage->awaited = item;
    stage->awaited_paths = *paths;
    *paths = (struct cb_strings){0};
    return 0;
}

int cb_exports_learn(struct cb_stage *stage, cb_plan_read *read, void *arg,
                     struct cb_error **err)
{
    const struct cb_item *item = stage->awaited;

    for (size_t i = 0; i < stage->awaited_paths.count; i++) {
        const struct cb_run_export *export = &item->inst->run.exports[i];
        cb_autofree char *value = NULL;

        if (read(arg, stage->awaited_paths.items[i], &value, err) < 0 ||
            set(stage, export->name.text, value, err) < 0) {
            cb_error_wrap(err, "--export=%s", export->name.text);
            return cb_error_at(err, item->source, export->path.span);
        }
    }
    cb_strings_free(&stage->awaited_paths);
    stage->awaited = NULL;
    return 0;
}

/* ── What a plan waits for ── */

/* A stage that only an instruction names whose --if is not decided may not be needed. */
static void mark_sure(const struct cb_stage *stage, char *sure)
{
    if (sure[stage->index])
        return;
    sure[stage->index] = 1;
    if (stage->base_stage)
        mark_sure(stage->base_stage, sure);
    for (size_t n = 0; n < stage->items.count; n++) {
        const struct cb_item *item = &stage->items.items[n];

        if (item->left_out || (item->undecided && n >= stage->next))
            continue;
        for (size_t i = 0; i < item->origin_count; i++) {
            if (item->origins[i].stage)
                mark_sure(item->origins[i].stage, sure);
        }
    }
}

int cb_exports_list(const struct cb_planner *planner, struct cb_stage *target,
                    struct cb_plan *out)
{
    cb_autofree char *sure = xcalloc(planner->stage_count, 1);

    out->awaited.count = out->begun.count = 0;
    mark_sure(target, sure);
    for (size_t i = 0; i < planner->stage_count; i++) {
        const struct cb_stage *stage = &planner->stages[i];

        if (!sure[i])
            continue;
        if (stage->awaited)
            cb_vec_push(&out->awaited, stage->root);
        /* An image that the target begins with is perhaps not looked into. */
        else if (stage->root.vertex && stage->root.vertex != stage->apart.vertex)
            cb_vec_push(&out->begun, stage->root);
    }
    if (!out->awaited.count)
        out->begun.count = 0;
    return !out->awaited.count;
}

int cb_exports_check_source(struct cb_stage *stage, const struct cb_item *item,
                            const char *text, struct cb_error **err)
{
    cb_auto_value(cb_git_ref) ref = {0};

    if (!stage->planner->options->nothing_runs || item->inst->kind != CB_INST_ADD ||
        !stage->values_unknown || !cb_doubt_is_there(stage) || !strchr(text, '$'))
        return 0;
    if (*text != '$' && !cb_is_url(text) && cb_git_ref_parse(&ref, text, NULL) <= 0)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "what is fetched from `%s` is not known: RUN --export sets a part of it "
                 "when the build runs",
                 text);
    return cb_error_hint(err, "name it by an ARG, or fetch it in a RUN");
}
