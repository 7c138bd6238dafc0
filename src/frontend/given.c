/* What the command line gives and nothing takes is most often misspelt: a build argument
 * that no ARG declares, a --no-cache-filter that no stage is called. */
#include "frontend/frontend-priv.h"

#include "parser/parser.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MANY 20 /* of each kind are named, no more */

static int starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Arguments that mean something without being declared. */
static int is_predefined(const char *name)
{
    static const char *const platform[] = {"PLATFORM", "OS",      "OSVERSION",
                                           "ARCH",     "VARIANT", "STAGE"};
    const char *end = strrchr(name, '_');
    size_t side = starts(name, "TARGET") ? 6 : starts(name, "BUILD") ? 5 : 0;

    for (size_t i = 0; side && i < CB_ARRAY_SIZE(platform); i++)
        if (!strcmp(name + side, platform[i]))
            return 1;
    return starts(name, "BUILDKIT_") || strcmp(name, "SOURCE_DATE_EPOCH") == 0 ||
           (end && !strcasecmp(end, "_proxy"));
}

static void add_names(const struct cb_instruction *inst, struct cb_map *known,
                      struct cb_strings *names)
{
    for (size_t i = 0; i < inst->pairs.count; i++) {
        const char *name = inst->pairs.items[i].key.text;

        if (cb_map_has(known, name))
            continue;
        cb_map_set(known, name, known);
        cb_strings_add(names, name);
    }
}

static void collect_args(const struct cb_planner *planner, struct cb_map *known,
                         struct cb_strings *names)
{
    for (size_t i = 0; i < planner->file->global_arg_count; i++)
        add_names(planner->file->global_args[i], known, names);
    for (size_t s = 0; s < planner->stage_count; s++) {
        cb_vec_foreach (item, &planner->stages[s].items)
            if (item->inst->kind == CB_INST_ARG)
                add_names(item->inst, known, names);
        for (size_t i = 0; i < planner->stages[s].args.count; i++) {
            const char *name = planner->stages[s].args.items[i];

            if (!cb_map_has(known, name))
                cb_map_set(known, name, known);
        }
    }
}

static void say(const struct cb_planner *planner, const char *what, const char *name,
                const char *takes, const char *near)
{
    struct cb_event_sink *sink = planner->options->env->sink;

    if (near)
        cb_event_say(sink, CB_EVENT_WARNING, 0, "%s `%s` %s (did you mean `%s`?)", what,
                     name, takes, near);
    else
        cb_event_say(sink, CB_EVENT_WARNING, 0, "%s `%s` %s", what, name, takes);
}

static void check_build_args(const struct cb_planner *planner)
{
    const struct cb_strings *given = planner->options->build_args;
    cb_auto(cb_map) known = cb_map_new(NULL);
    cb_auto_value(cb_strings) names = {0};
    int said = 0;

    if (!given || !given->count)
        return;
    collect_args(planner, known, &names);
    for (size_t i = 0; i < given->count && said < MANY; i++) {
        const char *arg = given->items[i];
        cb_autofree char *name = xstrndup(arg, strcspn(arg, "="));
        cb_autofree char *near = NULL;

        if (is_predefined(name) || cb_map_has(known, name))
            continue;
        near = cb_checks_suggest(name, &names);
        say(planner, "build argument", name, "is declared by no ARG", near);
        said++;
    }
}

static void check_cache_filter(const struct cb_planner *planner)
{
    const struct cb_strings *given = planner->options->no_cache_filter;
    cb_auto_value(cb_strings) names = {0};
    int said = 0;

    if (!given || !given->count)
        return;
    for (size_t s = 0; s < planner->stage_count; s++)
        if (planner->stages[s].def->name)
            cb_strings_add(&names, planner->stages[s].def->name);
    for (size_t i = 0; i < given->count && said < MANY; i++) {
        cb_autofree char *near = NULL;
        int found = 0;

        for (size_t s = 0; s < names.count && !found; s++)
            found = !strcasecmp(names.items[s], given->items[i]);
        if (found)
            continue;
        near = cb_checks_suggest(given->items[i], &names);
        say(planner, "--no-cache-filter", given->items[i], "is the name of no stage",
            near);
        said++;
    }
}

static void check_contexts(const struct cb_planner *planner)
{
    const struct cb_named_contexts *given = planner->options->contexts;
    int said = 0;

    for (size_t i = 0; given && i < given->count && said < MANY; i++) {
        if (cb_named_is_used(planner, i))
            continue;
        say(planner, "--build-context", given->items[i].name,
            "is the name of no stage or image in use", NULL);
        said++;
    }
}

void cb_given_check(const struct cb_planner *planner)
{
    check_build_args(planner);
    check_cache_filter(planner);
    check_contexts(planner);
}
