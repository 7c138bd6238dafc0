/* ONBUILD: stored as written, and run right after the FROM of a build that starts from
 * the image (or from the stage). Triggers go with the base they came from: they fire once
 * and are not handed on. */
#include "frontend/convert-priv.h"

#include <string.h>

int cb_convert_onbuild(struct cb_stage *stage, const struct cb_item *item,
                       struct cb_error **err)
{
    cb_strings_add(&stage->config->onbuild, item->inst->onbuild.text);
    return 0;
}

static int not_known(const struct cb_stage *stage, const struct cb_item *item,
                     struct cb_error **err)
{
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "whether stage `%s` has this trigger is not known when the next begins",
                 stage->label);
    cb_error_hint(err, "where a stage starts from another, the --if of its ONBUILD may "
                       "only name ARGs that have a value");
    return cb_error_at(err, item->source, item->place);
}

/* The ONBUILD lines of a stage itself, but not the triggers that fire in it. */
static int collect_own(const struct cb_stage *stage, struct cb_strings *out,
                       struct cb_error **err)
{
    cb_vec_foreach (item, &stage->items) {
        if (item->inst->kind != CB_INST_ONBUILD || item->left_out)
            continue;
        if (item->undecided)
            return not_known(stage, item, err);
        cb_strings_add(out, item->inst->onbuild.text);
    }
    return 0;
}

/* What a base stage's own ONBUILD lines say, or the image's. Borrowed texts. */
static int collect_texts(const struct cb_stage *stage, struct cb_strings *out,
                         struct cb_error **err)
{
    if (stage->base_stage)
        return collect_own(stage->base_stage, out, err);
    if (stage->base && stage->base->image)
        cb_strings_copy(out, &stage->base->image->config->onbuild);
    return 0;
}

static int check_kind(const struct cb_instruction *inst, struct cb_error **err)
{
    if (inst->kind != CB_INST_ONBUILD && inst->kind != CB_INST_FROM &&
        inst->kind != CB_INST_MAINTAINER)
        return 0;
    return cb_error_set(err, CB_ERR_SYNTAX, "%s is not allowed as an ONBUILD trigger",
                        cb_instruction_name(inst->kind));
}

static int parse_trigger(struct cb_stage *stage, const char *text, struct cb_item *out,
                         struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const char *base = stage->base ? stage->base->name : stage->base_stage->label;
    cb_autofree char *name = xasprintf("ONBUILD of %s", base);
    struct cb_source *source = cb_source_new(name, text, strlen(text));
    struct cb_instruction *inst = NULL;

    cb_vec_push(&planner->sources, source);
    if (++planner->trigger_count > CB_MAX_TRIGGERS) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "more than %d ONBUILD triggers",
                     CB_MAX_TRIGGERS);
        return cb_error_at(err, planner->file->source, stage->def->from->span);
    }
    if (cb_instruction_parse(&inst, planner->arena, source, err) < 0 ||
        check_kind(inst, err) < 0) {
        cb_error_wrap(err, "ONBUILD trigger `%s`", text);
        return cb_error_at(err, planner->file->source, stage->def->from->span);
    }
    *out = (struct cb_item){
        .inst = inst, .source = source, .place = stage->def->from->span, .onbuild = 1};
    return cb_stages_connect(planner, NULL, out, err);
}

int cb_convert_triggers(struct cb_stage *stage, struct cb_error **err)
{
    cb_auto_value(cb_strings) texts = {0};
    __typeof__(stage->items) items = {0};
    int needs = 0;

    if (!stage->planner->options->no_triggers && collect_texts(stage, &texts, err) < 0)
        return -1;
    for (size_t i = 0; i < texts.count; i++) {
        struct cb_item item;

        if (parse_trigger(stage, texts.items[i], &item, err) < 0) {
            cb_vec_free(&items);
            return -1;
        }
        needs |= item.origin_count > 0;
        cb_vec_push(&items, item);
    }
    if (!items.count)
        return 0;
    cb_vec_foreach (item, &stage->items)
        cb_vec_push(&items, *item);
    cb_vec_free(&stage->items);
    stage->items = items;
    return needs;
}
