/* Variables in COPY --from and RUN --mount from=. What these name decides which stages
 * and images a build needs, and so must be known before any image is looked at and any
 * instruction applied. So only ARGs count: each stage notes, instruction by instruction,
 * what they come to without its base image. What ENV sets, what hangs on a variable that
 * is not known, and what nobody declares is an error where it is used. Conditions (--if)
 * are decided by the same notes where these are enough. */
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>

struct looking {
    const struct cb_stage *stage;
    char *unknown; /* the first name of which nothing is known */
    int strict;    /* nor is of what a stage's triggers may set anew */
};

/* Do triggers of STAGE set variables in those that start from it? */
static int sets_later(const struct cb_stage *stage)
{
    return stage && stage->sets_later;
}

/* A stage's notes are "=VALUE", or "" for a name whose value is not known. */
static const char *look_up(void *arg, const char *name)
{
    struct looking *looking = arg;

    for (const struct cb_stage *stage = looking->stage; stage;
         stage = stage->base_stage) {
        const char *note = stage->from_args ? cb_map_get(stage->from_args, name) : NULL;

        if (note && *note)
            return note + 1;
        if (note || (looking->strict && sets_later(stage->base_stage)))
            break;
    }
    if (!looking->unknown)
        looking->unknown = xstrdup(name);
    return NULL;
}

/* 1: *OUT is the text; 0: *UNKNOWN is a name that is not known. */
static int expand_with(struct cb_planner *planner, struct looking *looking,
                       const struct cb_word *word, char **out, struct cb_error **err)
{
    char escape = cb_dockerfile_escape(planner->file, planner->file->source, word->span);
    struct cb_scope_lookup lookup = {
        .get = look_up, .arg = looking, .work = &planner->work};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *expanded = NULL;
    int status = cb_word_expand(&expanded, word->text, escape, &lookup, &error);

    if (looking->unknown)
        return 0;
    if (status < 0)
        return cb_error_move(err, &error);
    *out = cb_steal(&expanded);
    return 1;
}

static int expand(struct cb_planner *planner, const struct cb_stage *stage,
                  const struct cb_word *word, char **out, char **unknown,
                  struct cb_error **err)
{
    struct looking looking = {.stage = stage};
    int status = expand_with(planner, &looking, word, out, err);

    *unknown = looking.unknown;
    return status;
}

int cb_from_args_word(const struct cb_stage *stage, const struct cb_word *word,
                      char **out)
{
    struct looking looking = {.stage = stage, .strict = 1};
    int status = expand_with(stage->planner, &looking, word, out, NULL);

    free(looking.unknown);
    return status > 0;
}

static void note(struct cb_stage *stage, const char *name, const char *value)
{
    if (!stage->from_args)
        stage->from_args = cb_map_new(free);
    cb_map_set(stage->from_args, name, value ? xasprintf("=%s", value) : xstrdup(""));
}

/* ARG NAME alone has the global's value, else what the stage below says. */
static void note_arg(struct cb_stage *stage, const struct cb_pair *pair, const char *name)
{
    const char *value = cb_scope_build_arg(stage->planner, name);
    cb_autofree char *initial = NULL, *unknown = NULL;

    if (value || !pair->value.text) {
        if (!value)
            value = cb_env_get(&stage->planner->globals, name);
        if (value)
            note(stage, name, value);
        return;
    }
    expand(stage->planner, stage, &pair->value, &initial, &unknown, NULL);
    note(stage, name, initial);
}

void cb_from_args_note(struct cb_stage *stage, const struct cb_item *item)
{
    const struct cb_instruction *inst = item->inst;

    if ((inst->kind != CB_INST_ARG && inst->kind != CB_INST_ENV) || item->left_out)
        return;
    for (size_t i = 0; i < inst->pairs.count; i++) {
        const struct cb_pair *pair = &inst->pairs.items[i];
        cb_autofree char *name = NULL, *unknown = NULL;

        if (expand(stage->planner, stage, &pair->key, &name, &unknown, NULL) <= 0)
            continue;
        if (inst->kind == CB_INST_ARG && !item->undecided)
            note_arg(stage, pair, name);
        else
            note(stage, name, NULL);
    }
}

/* ── Use ── */

static int has_variable(const struct cb_instruction *inst)
{
    if (inst->kind == CB_INST_COPY)
        return inst->copy.from.text && strchr(inst->copy.from.text, '$') != NULL;
    if (inst->kind != CB_INST_RUN)
        return 0;
    for (size_t i = 0; i < inst->run.mount_count; i++) {
        cb_autofree char *from = inst->run.mounts[i].value
                                     ? cb_convert_mount_from(inst->run.mounts[i].value)
                                     : NULL;

        if (from && strchr(from, '$'))
            return 1;
    }
    return 0;
}

int cb_from_args_are_used(const struct cb_planner *planner)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        cb_vec_foreach (item, &planner->stages[i].items) {
            if (item->inst->condition || has_variable(item->inst))
                return 1;
        }
    }
    return 0;
}

int cb_from_args_expand(struct cb_planner *planner, const struct cb_stage *stage,
                        const struct cb_word *word, char **out, struct cb_error **err)
{
    cb_autofree char *unknown = NULL;
    const char *text = word->text;
    int known = expand(planner, stage, word, out, &unknown, err);

    if (known < 0)
        return -1;
    if (known && *text && !**out)
        return cb_error_set(err, CB_ERR_SYNTAX, "--from=%s is empty", text);
    if (known)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "variable `%s` of --from is not known: only ARGs of the stage are",
                 unknown);
    return cb_error_hint(err,
                         "declare it with ARG above in this stage; what ENV or an image "
                         "sets is known too late to choose a stage by");
}
