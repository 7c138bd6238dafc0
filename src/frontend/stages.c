/* Which stages a build needs. A stage needs the stage or image of its FROM, and those its
 * COPY --from and --mount from= name; nothing else is resolved or converted. Names are
 * those of BuildKit: FROM finds earlier stages by their lower-cased name exactly as
 * written, --from and --target find any stage in any case, and a number is an index.
 * ONBUILD triggers are known only when the base image is, and may name further stages and
 * images, so marking and resolving are repeated until nothing is added. */
#include "frontend/frontend-priv.h"

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

/* A whole number as Go's Atoi takes it. */
static int is_index(const char *text, long *out)
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
static int is_global_arg(const struct cb_planner *planner, const char *name)
{
    for (size_t i = 0; i < planner->file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &planner->file->global_args[i]->pairs;

        for (size_t p = 0; p < pairs->count; p++) {
            if (!strcmp(pairs->items[p].key.text, name))
                return 1;
        }
    }
    return 0;
}

static void check_from_args(struct cb_planner *planner, const struct cb_instruction *from,
                            const struct cb_strings *unknown)
{
    for (size_t i = 0; i < unknown->count; i++) {
        cb_autofree char *near = NULL;

        if (cb_checks_full(planner) || is_global_arg(planner, unknown->items[i]))
            continue;
        near = cb_checks_suggest(unknown->items[i], &planner->globals);
        cb_checks_warn(planner, "UndefinedArgInFrom", planner->file->source, from->span,
                       near ? "FROM argument '%s' is not declared (did you mean %s?)"
                            : "FROM argument '%s' is not declared",
                       unknown->items[i], near);
    }
}

static int stage_platform(struct cb_stage *stage, struct cb_strings *unknown,
                          struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_word *word = &stage->def->from->from.platform;
    cb_autofree char *text = NULL;

    stage->platform = planner->options->platform;
    if (!word->text)
        return 0;
    if (cb_scope_expand_global(planner, &planner->globals, word, unknown, NULL, &text,
                               err) < 0)
        return -1;
    if (!*text)
        cb_error_set(err, CB_ERR_SYNTAX, "empty platform value from expression `%s`",
                     word->text);
    if (!*text || cb_platform_parse(&stage->platform, text, err) < 0)
        return cb_error_at(err, planner->file->source, word->span);
    stage->has_platform = 1;
    return 0;
}

/* FROM: a stage before this one, scratch, or an image. */
static int stage_base(struct cb_stage *stage, struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_instruction *from = stage->def->from;
    cb_auto_value(cb_strings) unknown = {0};
    cb_autofree char *name = NULL;

    if (cb_scope_expand_global(planner, &planner->globals, &from->from.image, &unknown,
                               NULL, &name, err) < 0 ||
        stage_platform(stage, &unknown, err) < 0)
        return -1;
    check_from_args(planner, from, &unknown);
    if (!*name) {
        cb_error_set(err, CB_ERR_SYNTAX, "base name (%s) should not be blank",
                     from->from.image.text);
        cb_error_hint(err, "an ARG used in FROM is declared before the first FROM");
        return cb_error_at(err, planner->file->source, from->from.image.span);
    }
    stage->base_stage = cb_map_get(planner->stage_names, name);
    if (!stage->base_stage && strcmp(name, "scratch"))
        stage->base = cb_bases_want(planner, name, &stage->platform, "FROM",
                                    planner->file->source, from->from.image.span);
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

static int makes_step(enum cb_instruction_kind kind)
{
    return kind == CB_INST_RUN || kind == CB_INST_COPY || kind == CB_INST_ADD ||
           kind == CB_INST_WORKDIR;
}

static void add_items(struct cb_stage *stage)
{
    struct cb_planner *planner = stage->planner;

    for (size_t i = 0; i < stage->def->count; i++) {
        const struct cb_instruction *inst = stage->def->items[i];
        struct cb_item item = {
            .inst = inst, .source = planner->file->source, .place = inst->span};

        cb_vec_push(&stage->items, item);
    }
}

static int init_stage(struct cb_planner *planner, struct cb_stage *stage, size_t index,
                      struct cb_error **err)
{
    const struct cb_frontend_options *options = planner->options;

    stage->planner = planner;
    stage->def = &planner->file->stages[index];
    stage->index = index;
    if (stage->def->name)
        snprintf(stage->label, sizeof(stage->label), "%s", stage->def->name);
    else
        snprintf(stage->label, sizeof(stage->label), "stage-%zu", index);
    stage->no_cache =
        options->no_cache || filtered(options->no_cache_filter, stage->def->name);
    add_items(stage);
    return stage_base(stage, err);
}

int cb_stages_init(struct cb_planner *planner, struct cb_error **err)
{
    size_t count = planner->file->stage_count;
    cb_auto_value(cb_strings) defaults = {0};
    int have_defaults = cb_scope_default_globals(planner, &defaults, NULL) == 0;

    planner->stage_names = cb_map_new(NULL);
    planner->stages = xcalloc(count, sizeof(*planner->stages));
    planner->stage_count = count;
    for (size_t i = 0; i < count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        if (init_stage(planner, stage, i, err) < 0)
            return -1;
        if (have_defaults)
            cb_checks_from(planner, stage->def, &defaults);
        if (stage->def->name) {
            cb_autofree char *lower = lower_case(stage->def->name);

            cb_map_set(planner->stage_names, lower, stage);
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < planner->stages[i].items.count; n++) {
            if (cb_stages_connect(planner, &planner->stages[i].items.items[n], err) < 0)
                return -1;
        }
    }
    return 0;
}

void cb_stages_clear(struct cb_planner *planner)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        cb_vec_free(&stage->items);
        cb_image_config_free(stage->config);
        cb_strings_free(&stage->env);
        cb_strings_free(&stage->args);
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
    if (is_index(name, &index) && index >= 0 && (size_t)index < planner->stage_count)
        return &planner->stages[index];
    near = cb_stages_suggest(planner, name);
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 near ? "target stage `%s` could not be found (did you mean `%s`?)"
                      : "target stage `%s` could not be found",
                 name, near);
    return NULL;
}

/* ── Origins ── */

/* What --from=TEXT means: a stage by index or name, scratch, or an image. */
static int find_origin(struct cb_planner *planner, const char *text, const char *context,
                       struct cb_source *source, struct cb_span span,
                       struct cb_origin *out, struct cb_error **err)
{
    long index;

    if (is_index(text, &index)) {
        if (index < 0 || (size_t)index >= planner->stage_count) {
            cb_error_set(err, CB_ERR_NOT_FOUND, "invalid stage index %s", text);
            return cb_error_at(err, source, span);
        }
        *out = (struct cb_origin){CB_ORIGIN_STAGE, &planner->stages[index], NULL};
        return 0;
    }
    out->stage = cb_stages_find(planner, text);
    if (out->stage) {
        out->kind = CB_ORIGIN_STAGE;
    } else if (!strcmp(text, "scratch")) {
        out->kind = CB_ORIGIN_SCRATCH;
    } else {
        out->kind = CB_ORIGIN_IMAGE;
        out->base = cb_bases_want(planner, text, &planner->options->platform, context,
                                  source, span);
    }
    return 0;
}

static const char *no_value(void *arg, const char *name)
{
    return NULL;
}

/* --from is no place for variables: what it names must be known before anything is
 * converted. */
static int check_from_is_plain(struct cb_planner *planner, const struct cb_word *from,
                               struct cb_source *source, struct cb_error **err)
{
    struct cb_scope_lookup nothing = {no_value, NULL, NULL};
    cb_autofree char *expanded = NULL;

    if (cb_word_expand(&expanded, from->text, planner->file->escape, &nothing, err) < 0)
        return cb_error_at(err, source, from->span);
    if (!strcmp(expanded, from->text))
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "variable expansion is not supported for --from");
    cb_error_hint(err,
                  "define a stage with `FROM … AS name`, where global ARGs are expanded, "
                  "and copy from it");
    return cb_error_at(err, source, from->span);
}

static int connect_copy(struct cb_planner *planner, struct cb_item *item,
                        struct cb_error **err)
{
    const struct cb_word *from = &item->inst->copy.from;

    item->origins = cb_arena_alloc(planner->arena, sizeof(*item->origins));
    item->origin_count = 1;
    if (!from->text || !*from->text)
        return 0;
    if (check_from_is_plain(planner, from, item->source, err) < 0)
        return -1;
    return find_origin(planner, from->text, "COPY --from", item->source, from->span,
                       item->origins, err);
}

static int connect_run(struct cb_planner *planner, struct cb_item *item,
                       struct cb_error **err)
{
    const struct cb_inst_run *run = &item->inst->run;

    if (!run->mount_count)
        return 0;
    item->origins =
        cb_arena_alloc(planner->arena, run->mount_count * sizeof(*item->origins));
    item->origin_count = run->mount_count;
    for (size_t i = 0; i < run->mount_count; i++) {
        cb_autofree char *from =
            run->mounts[i].value ? cb_convert_mount_from(run->mounts[i].value) : NULL;

        if (from && *from &&
            find_origin(planner, from, "RUN --mount from", item->source,
                        run->mounts[i].span, &item->origins[i], err) < 0)
            return -1;
    }
    return 0;
}

int cb_stages_connect(struct cb_planner *planner, struct cb_item *item,
                      struct cb_error **err)
{
    if (item->inst->kind == CB_INST_COPY)
        return connect_copy(planner, item, err);
    if (item->inst->kind == CB_INST_RUN)
        return connect_run(planner, item, err);
    if (item->inst->kind == CB_INST_ADD) {
        item->origins = cb_arena_alloc(planner->arena, sizeof(*item->origins));
        item->origin_count = 1;
    }
    return 0;
}

/* ── What is needed ── */

enum { UNSEEN, ON_PATH, DONE };

static int report_cycle(const struct cb_stage *stage, const struct cb_item *item,
                        struct cb_error **err)
{
    cb_error_set(err, CB_ERR_SYNTAX, "circular dependency detected on stage: %s",
                 stage->label);
    return cb_error_at(err, stage->planner->file->source, item->place);
}

static int visit(struct cb_planner *planner, struct cb_stage *stage, char *marks,
                 struct cb_error **err)
{
    if (marks[stage->index] == DONE)
        return 0;
    marks[stage->index] = ON_PATH;
    if (stage->base_stage && visit(planner, stage->base_stage, marks, err) < 0)
        return -1;
    cb_vec_foreach (item, &stage->items) {
        for (size_t i = 0; i < item->origin_count; i++) {
            struct cb_stage *other = item->origins[i].stage;

            if (!other)
                continue;
            if (marks[other->index] == ON_PATH)
                return report_cycle(stage, item, err);
            if (visit(planner, other, marks, err) < 0)
                return -1;
        }
    }
    marks[stage->index] = DONE;
    return 0;
}

static int check_cycles(struct cb_planner *planner, struct cb_error **err)
{
    cb_autofree char *marks = xcalloc(planner->stage_count, 1);

    for (size_t i = 0; i < planner->stage_count; i++) {
        if (visit(planner, &planner->stages[i], marks, err) < 0)
            return -1;
    }
    return 0;
}

static void mark_needed(struct cb_stage *stage)
{
    if (stage->needed)
        return;
    stage->needed = 1;
    if (stage->base_stage)
        mark_needed(stage->base_stage);
    cb_vec_foreach (item, &stage->items) {
        for (size_t i = 0; i < item->origin_count; i++) {
            if (item->origins[i].stage)
                mark_needed(item->origins[i].stage);
        }
    }
}

static void mark_again(struct cb_planner *planner, struct cb_stage *target)
{
    for (size_t i = 0; i < planner->stage_count; i++)
        planner->stages[i].needed = 0;
    mark_needed(target);
}

static int add_triggers(struct cb_planner *planner, struct cb_error **err)
{
    int added = 0;

    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];
        int rc;

        if (!stage->needed || stage->triggers_known)
            continue;
        rc = cb_convert_triggers(stage, err);
        if (rc < 0)
            return -1;
        stage->triggers_known = 1;
        added |= rc;
    }
    return added;
}

static void count_steps(struct cb_planner *planner)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        stage->steps = stage->base != NULL;
        cb_vec_foreach (item, &stage->items)
            stage->steps += (unsigned)makes_step(item->inst->kind);
    }
}

int cb_stages_prepare(struct cb_planner *planner, struct cb_stage *target,
                      struct cb_error **err)
{
    int added;

    do {
        if (check_cycles(planner, err) < 0)
            return -1;
        mark_again(planner, target);
        if (cb_bases_resolve(planner, err) < 0)
            return -1;
        added = add_triggers(planner, err);
    } while (added > 0);
    if (added < 0)
        return -1;
    count_steps(planner);
    return 0;
}
