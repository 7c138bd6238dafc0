/* SOURCE_DATE_EPOCH: the time that images say they were made. A number of seconds, or the
 * name of what has a time: `context`, a named one, a stage that names a source. Given on
 * the command line, by the environment, or as a global ARG's default; empty means none.
 * Once it is known the number takes its place, so that an ARG that asks for it in a stage
 * gets seconds whatever was written, and it becomes the environment's, before the first
 * step is made. */
#include "frontend/scope-priv.h"

#include "base/timestamp.h"
#include "context/context.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define NAME "SOURCE_DATE_EPOCH"

/* 1 and the seconds, 0: TEXT is not a number. */
static int parse_seconds(const char *text, int64_t *out)
{
    char *end;
    long long value;

    if (!isdigit((unsigned char)*text))
        return 0;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (*end || errno)
        return 0;
    *out = value;
    return 1;
}

/* Where a value that comes from the Dockerfile stands. */
static int at_default(const struct cb_planner *planner, struct cb_error **err)
{
    const struct cb_dockerfile *file = planner->file;

    if (planner->options->build_args && cb_env_get(planner->options->build_args, NAME))
        return -1;
    for (size_t i = 0; i < file->global_arg_count; i++) {
        const struct cb_pairs *pairs = &file->global_args[i]->pairs;

        for (size_t p = 0; p < pairs->count; p++) {
            if (!strcmp(pairs->items[p].key.text, NAME) && pairs->items[p].value.text)
                return cb_error_at(err, file->source, pairs->items[p].value.span);
        }
    }
    return -1;
}

static const struct cb_stage_def *find_stage(const struct cb_planner *planner,
                                             const char *name)
{
    for (size_t i = 0; i < planner->file->stage_count; i++) {
        const char *stage = planner->file->stages[i].name;

        if (stage && !strcasecmp(stage, name))
            return &planner->file->stages[i];
    }
    return NULL;
}

/* 1 and the seconds, 0: what is named has no time. */
static int time_of(struct cb_planner *planner, const char *text, int64_t *seconds,
                   struct cb_error **err)
{
    const struct cb_named_context *named;
    const struct cb_stage_def *stage;

    if (parse_seconds(text, seconds))
        return 1;
    if (!strcmp(text, "context"))
        return cb_context_time(planner->options->context, seconds, err);
    named = cb_named_find(planner, text, &planner->options->platform);
    if (named)
        return named->context ? cb_context_time(named->context, seconds, err) : 0;
    stage = find_stage(planner, text);
    if (stage)
        return cb_epoch_of_stage(planner, stage, seconds, err);
    cb_error_set(err, CB_ERR_SYNTAX, "invalid " NAME ": `%s`", text);
    cb_error_hint(err, "it is a number of seconds since 1970, `context`, a named "
                       "context, or a stage that only adds a URL or git repository");
    return at_default(planner, err);
}

int cb_epoch_init(struct cb_planner *planner, struct cb_error **err)
{
    const char *text = cb_scope_build_arg(planner, NAME);
    int64_t seconds = -1;
    int known;

    if (!text)
        text = cb_env_get(&planner->globals, NAME);
    if (!text || !*text)
        return 0;
    known = time_of(planner, text, &seconds, err);
    if (known < 0)
        return -1;
    if (known && seconds > CB_EPOCH_MAX_S) {
        cb_error_set(err, CB_ERR_SYNTAX,
                     "invalid " NAME ": %lld is later than the year "
                     "2262",
                     (long long)seconds);
        return at_default(planner, err);
    }
    planner->epoch = known ? xasprintf("%lld", (long long)seconds) : xstrdup("");
    cb_env_set(&planner->globals, NAME, planner->epoch);
    planner->options->env->source_date_epoch = known ? seconds : -1;
    return 0;
}
