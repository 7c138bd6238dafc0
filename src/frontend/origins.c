/* Where the files of COPY --from and RUN --mount from= come from. They are found before
 * anything is converted, since they decide which stages and images a build needs; so of
 * variables they take ARGs only (from-args.c). */
#include "frontend/convert-priv.h"

#include <string.h>

/* A stage that is replaced by files is those files: no need to make a layer of them. */
static void stage_origin(struct cb_stage *stage, struct cb_origin *out)
{
    if (stage->replaced && stage->named)
        *out = (struct cb_origin){.kind = CB_ORIGIN_NAMED, .named = stage->named};
    else
        *out = (struct cb_origin){.kind = CB_ORIGIN_STAGE, .stage = stage};
}

/* What --from=TEXT means: a stage by index or name, a named context, scratch, or an
 * image. */
static int find_origin(struct cb_planner *planner, const char *text,
                       const struct cb_mention *mention, struct cb_origin *out,
                       struct cb_error **err)
{
    const struct cb_platform *platform = &planner->options->platform;
    const struct cb_named_context *named;
    struct cb_stage *stage;
    long index;

    if (cb_stages_is_index(text, &index)) {
        if (index < 0 || (size_t)index >= planner->stage_count) {
            cb_error_set(err, CB_ERR_NOT_FOUND, "invalid stage index %s", text);
            cb_error_hint(err,
                          "stages are counted from 0, and there %s %zu; `FROM … AS name` "
                          "gives one a name to copy from",
                          planner->stage_count == 1 ? "is" : "are", planner->stage_count);
            return cb_error_at(err, mention->source, mention->span);
        }
        stage_origin(&planner->stages[index], out);
        return 0;
    }
    stage = cb_stages_find(planner, text);
    named = stage ? NULL : cb_named_find(planner, text, platform);
    if (stage) {
        stage_origin(stage, out);
    } else if (named) {
        cb_named_origin(planner, named, platform, mention, out);
    } else if (!strcmp(text, "scratch")) {
        out->kind = CB_ORIGIN_SCRATCH;
    } else {
        out->kind = CB_ORIGIN_IMAGE;
        out->base = cb_bases_want(planner, text, platform, mention);
    }
    return 0;
}

static int connect_copy(struct cb_planner *planner, const struct cb_stage *stage,
                        struct cb_item *item, struct cb_error **err)
{
    const struct cb_word *from = &item->inst->copy.from;
    const struct cb_mention mention = {"COPY --from", item->source, from->span};
    cb_autofree char *text = NULL;

    item->origins = cb_arena_alloc(planner->arena, sizeof(*item->origins));
    item->origin_count = 1;
    if (!from->text || !*from->text)
        return 0;
    if (cb_from_args_expand(planner, stage, from, &text, err) < 0)
        return cb_error_at(err, item->source, from->span);
    if (!*text)
        return 0;
    return find_origin(planner, text, &mention, item->origins, err);
}

/* One --mount: *TEXT is what it takes its files from, or NULL. */
static int mount_from(struct cb_planner *planner, const struct cb_stage *stage,
                      const struct cb_flag *mount, char **text, struct cb_error **err)
{
    cb_autofree char *from = mount->value ? cb_convert_mount_from(mount->value) : NULL;

    if (!from || !strchr(from, '$')) {
        *text = cb_steal(&from);
        return 0;
    }
    return cb_from_args_expand(planner, stage, &(struct cb_word){from, mount->span}, text,
                               err);
}

static int connect_run(struct cb_planner *planner, const struct cb_stage *stage,
                       struct cb_item *item, struct cb_error **err)
{
    const struct cb_inst_run *run = &item->inst->run;

    if (!run->mount_count)
        return 0;
    item->origins =
        cb_arena_alloc(planner->arena, run->mount_count * sizeof(*item->origins));
    item->origin_count = run->mount_count;
    for (size_t i = 0; i < run->mount_count; i++) {
        const struct cb_mention mention = {"RUN --mount from", item->source,
                                           run->mounts[i].span};
        cb_autofree char *from = NULL;

        if (mount_from(planner, stage, &run->mounts[i], &from, err) < 0)
            return cb_error_at(err, item->source, run->mounts[i].span);
        if (from && *from &&
            find_origin(planner, from, &mention, &item->origins[i], err) < 0)
            return -1;
    }
    return 0;
}

int cb_stages_connect(struct cb_planner *planner, const struct cb_stage *stage,
                      struct cb_item *item, struct cb_error **err)
{
    if (item->inst->kind == CB_INST_COPY)
        return connect_copy(planner, stage, item, err);
    if (item->inst->kind == CB_INST_RUN)
        return connect_run(planner, stage, item, err);
    if (item->inst->kind == CB_INST_ADD) {
        item->origins = cb_arena_alloc(planner->arena, sizeof(*item->origins));
        item->origin_count = 1;
    }
    return 0;
}
