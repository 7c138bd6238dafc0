/* The table of stages. Names are those of BuildKit: FROM finds earlier stages by their
 * lower-cased name exactly as written, --from and --target find any stage in any case,
 * and a number is an index. What is neither a stage nor scratch is an image. */
#include "frontend/checks-priv.h"
#include "frontend/scope-priv.h"

#include "base/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ── Names ── */

static char *lower_case(const char *text)
{
    char *copy = xstrdup(text);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

struct cb_stage *cb_stages_find(const struct cb_planner *planner, const char *name)
{
    cb_autofree char *lower = lower_case(name);

    return cb_map_get(planner->stage_names, lower);
}

const char *cb_stages_suggest(const struct cb_planner *planner, const char *name)
{
    CB_VEC(const char *) names = {0};
    const char *found;

    for (size_t i = 0; i < planner->stage_count; i++) {
        if (planner->stages[i].def->name)
            cb_vec_push(&names, planner->stages[i].def->name);
    }
    found = names.count ? cb_suggest(name, names.items, names.count) : NULL;
    cb_vec_free(&names);
    return found;
}

int cb_stages_is_index(const char *text, long *out)
{
    char *end;

    if (!isdigit((unsigned char)text[0]) && !strchr("+-", text[0]))
        return 0;
    errno = 0;
    *out = strtol(text, &end, 10);
    return end != text && !*end && !errno;
}

/* ── The table ── */

/* ARGs that are declared without a value are no mistake. */
static void add_declared(const struct cb_planner *planner, struct cb_strings *names)
{
    for (size_t i = 0; i < planner->file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &planner->file->global_args[i]->pairs;

        for (size_t p = 0; p < pairs->count; p++)
            cb_strings_add(names, pairs->items[p].key.text);
    }
}

/* The variable of FROM lines that NAME perhaps means, or NULL. Caller frees. */
static char *nearest_arg(const struct cb_planner *planner, const char *name)
{
    cb_auto_value(cb_strings) known = {0};

    cb_strings_copy(&known, &planner->globals);
    add_declared(planner, &known);
    return cb_checks_suggest(name, &known);
}

static void check_from_args(struct cb_planner *planner, const struct cb_instruction *from,
                            const struct cb_strings *unknown)
{
    cb_auto_value(cb_strings) names = {0};

    if (!unknown->count || cb_checks_full(planner))
        return;
    add_declared(planner, &names);
    for (size_t i = 0; i < unknown->count; i++) {
        cb_autofree char *near = NULL;

        if (cb_strings_contain(&names, unknown->items[i]))
            continue;
        near = nearest_arg(planner, unknown->items[i]);
        cb_checks_warn(planner, "UndefinedArgInFrom", planner->file->source, from->span,
                       near ? "FROM argument '%s' is not declared (did you mean %s?)"
                            : "FROM argument '%s' is not declared",
                       unknown->items[i], near);
    }
}

/* Why a word of FROM came to nothing that makes sense. Returns -1. */
static int hint_from_args(const struct cb_planner *planner,
                          const struct cb_strings *unknown, struct cb_error **err)
{
    for (size_t i = 0; i < unknown->count; i++) {
        cb_autofree char *near = nearest_arg(planner, unknown->items[i]);

        if (near)
            return cb_error_hint(err, "did you mean $%s?", near);
        if (cb_exports_name(planner, unknown->items[i]))
            return cb_error_hint(err,
                                 "what RUN --export sets is known too late to choose "
                                 "an image or a stage by");
    }
    return cb_error_hint(err, "an ARG used in FROM is declared before the first FROM");
}

static int stage_platform(struct cb_stage *stage, struct cb_named_args *met,
                          struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_word *word = &stage->def->from->from.platform;
    cb_autofree char *text = NULL;

    stage->platform = planner->options->platform;
    if (!word->text || !*word->text)
        return 0;
    if (cb_scope_expand_global(planner, &planner->globals, word, met, &text, err) < 0)
        return -1;
    if (!*text)
        cb_error_set(err, CB_ERR_SYNTAX, "empty platform value from expression `%s`",
                     word->text);
    if (!*text || cb_platform_parse(&stage->platform, text, err) < 0) {
        if (met->unknown.count)
            hint_from_args(planner, &met->unknown, err);
        return cb_error_at(err, planner->file->source, word->span);
    }
    stage->has_platform = 1;
    return 0;
}

static struct cb_mention mention_of(const struct cb_stage *stage)
{
    return (struct cb_mention){"FROM", stage->planner->file->source,
                               stage->def->from->from.image.span};
}

/* Takes what NAMED stands for as the stage's base. */
static void use_named(struct cb_stage *stage, const struct cb_named_context *named)
{
    const struct cb_mention mention = mention_of(stage);
    struct cb_origin origin;

    cb_named_origin(stage->planner, named, &stage->platform, &mention, &origin);
    stage->base = origin.base;
    stage->named = origin.named;
}

/* FROM: a stage before this one, a named context, scratch, or an image. A named context
 * of the stage's own name takes the place of the whole stage. */
static int stage_base(struct cb_stage *stage, struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_instruction *from = stage->def->from;
    const struct cb_mention mention = mention_of(stage);
    const struct cb_named_context *named = NULL;
    cb_auto_value(cb_named_args) met = {0};
    cb_autofree char *name = NULL;
    int status = cb_scope_expand_global(planner, &planner->globals, &from->from.image,
                                        &met, &name, err);

    if (status == 0 && stage->index == 0 && planner->options->from) {
        free(name);
        name = xstrdup(planner->options->from);
    }
    if (status == 0)
        status = stage_platform(stage, &met, err);
    check_from_args(planner, from, &met.unknown);
    if (status < 0)
        return -1;
    if (!*name) {
        cb_error_set(err, CB_ERR_SYNTAX, "base name (%s) should not be blank",
                     from->from.image.text);
        hint_from_args(planner, &met.unknown, err);
        return cb_error_at(err, planner->file->source, from->from.image.span);
    }
    if (stage->def->name) {
        cb_autofree char *own = lower_case(stage->def->name);

        named = cb_named_find(planner, own, &stage->platform);
    }
    stage->replaced = named != NULL;
    if (!named)
        stage->base_stage = cb_map_get(planner->stage_names, name);
    if (!named && !stage->base_stage)
        named = cb_named_find(planner, name, &stage->platform);
    if (named)
        use_named(stage, named);
    else if (!stage->base_stage && strcmp(name, "scratch"))
        stage->base = cb_bases_want(planner, name, &stage->platform, &mention);
    return 0;
}

static int filtered(const struct cb_strings *filter, const char *name)
{
    for (size_t i = 0; name && filter && i < filter->count; i++) {
        if (!strcasecmp(filter->items[i], name))
            return 1;
    }
    return 0;
}

static int sets_later(const struct cb_instruction *inst)
{
    return inst->kind == CB_INST_ONBUILD &&
           (inst->onbuild.kind == CB_INST_ARG || inst->onbuild.kind == CB_INST_ENV);
}

static void add_items(struct cb_stage *stage)
{
    struct cb_planner *planner = stage->planner;

    for (size_t i = 0; i < stage->def->count; i++) {
        const struct cb_instruction *inst = stage->def->items[i];
        struct cb_item item = {
            .inst = inst, .source = planner->file->source, .place = inst->span};

        cb_vec_push(&stage->items, item);
        stage->sets_later |= sets_later(inst);
    }
}

static int init_stage(struct cb_planner *planner, struct cb_stage *stage, size_t index,
                      struct cb_error **err)
{
    const struct cb_frontend_options *options = planner->options;
    int status;

    stage->planner = planner;
    stage->def = &planner->file->stages[index];
    stage->index = index;
    if (stage->def->name)
        snprintf(stage->label, sizeof(stage->label), "%s", stage->def->name);
    else
        snprintf(stage->label, sizeof(stage->label), "stage-%zu", index);
    stage->no_cache =
        options->no_cache || filtered(options->no_cache_filter, stage->def->name);
    status = stage_base(stage, err);
    if (!stage->replaced)
        add_items(stage);
    return status;
}

static int init_stages(struct cb_planner *planner)
{
    cb_auto_value(cb_strings) defaults = {0};
    int have_defaults = cb_scope_default_globals(planner, &defaults, NULL) == 0;

    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];
        cb_auto(cb_error) error = NULL;

        if (init_stage(planner, stage, i, &error) < 0) {
            if (!cb_planner_keep_error(planner, &error))
                return -1;
        } else if (have_defaults) {
            cb_checks_from(planner, stage->def, &defaults);
        }
        if (stage->def->name) {
            cb_autofree char *lower = lower_case(stage->def->name);

            cb_map_set(planner->stage_names, lower, stage);
        }
    }
    return 0;
}

static int connect_stage(struct cb_planner *planner, struct cb_stage *stage,
                         int with_variables)
{
    cb_vec_foreach (item, &stage->items) {
        cb_auto(cb_error) error = NULL;
        int status;

        cb_conditions_look(stage, item);
        status = cb_stages_connect(planner, stage, item, &error);
        if (item->undecided)
            item->unconnected = cb_steal(&error);
        else if (status < 0 && !item->left_out && !cb_planner_keep_error(planner, &error))
            return -1;
        if (with_variables)
            cb_from_args_note(stage, item);
    }
    return 0;
}

int cb_stages_init(struct cb_planner *planner, struct cb_error **err)
{
    size_t count = planner->file->stage_count;

    planner->stage_names = cb_map_new(NULL);
    planner->stages = xcalloc(count, sizeof(*planner->stages));
    planner->stage_count = count;
    if (init_stages(planner) == 0) {
        int with_variables = cb_from_args_are_used(planner);

        for (size_t i = 0; i < count; i++) {
            if (connect_stage(planner, &planner->stages[i], with_variables) < 0)
                break;
        }
    }
    return cb_planner_report(planner, err);
}

void cb_stages_clear(struct cb_planner *planner)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        cb_vec_foreach (item, &stage->items)
            cb_error_free(item->unconnected);
        cb_vec_free(&stage->items);
        cb_vec_free(&stage->copied);
        cb_vec_free(&stage->links);
        cb_vec_free(&stage->notes);
        cb_image_config_free(stage->config);
        cb_hidden_free(stage->hidden);
        cb_strings_free(&stage->env);
        cb_strings_free(&stage->args);
        cb_strings_free(&stage->awaited_paths);
        cb_map_free(stage->from_args);
    }
    free(planner->stages);
    planner->stages = NULL;
    planner->stage_count = 0;
    cb_map_free(planner->stage_names);
    planner->stage_names = NULL;
}

struct cb_stage *cb_stages_target(struct cb_planner *planner, struct cb_error **err)
{
    const char *name = planner->options->target;
    struct cb_stage *stage;
    const char *near;
    long index;

    if (!name || !*name)
        return &planner->stages[planner->stage_count - 1];
    stage = cb_stages_find(planner, name);
    if (stage)
        return stage;
    if (cb_stages_is_index(name, &index) && index >= 0 &&
        (size_t)index < planner->stage_count)
        return &planner->stages[index];
    near = cb_stages_suggest(planner, name);
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 near ? "target stage `%s` could not be found (did you mean `%s`?)"
                      : "target stage `%s` could not be found",
                 name, near);
    return NULL;
}
