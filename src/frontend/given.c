/* What the command line gives and nothing takes is most often misspelt: a build argument
 * that no ARG declares, a --no-cache-filter that no stage is called, a --cache-mount that
 * no step has. */
#include "frontend/checks-priv.h"

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

            if (!cb_map_has(known, name) && !cb_exports_name(planner, name))
                cb_map_set(known, name, known);
        }
    }
}

/* " (did you mean `a`?)", or else what there is. */
static char *alternatives(const char *name, const struct cb_strings *names,
                          const char *what)
{
    cb_autofree char *near = cb_checks_suggest(name, names);
    cb_auto_value(cb_strbuf) out = {0};

    if (near || !what) {
        if (near)
            cb_strbuf_addf(&out, " (did you mean `%s`?)", near);
        return cb_strbuf_steal(&out);
    }
    cb_strbuf_addf(&out, names->count ? " (%s: " : " (there is none", what);
    for (size_t i = 0; i < names->count && i < MANY; i++)
        cb_strbuf_addf(&out, i ? ", `%s`" : "`%s`", names->items[i]);
    cb_strbuf_adds(&out, names->count > MANY ? ", ...)" : ")");
    return cb_strbuf_steal(&out);
}

/* NAMES: what could have been meant. WHAT: they are named in any case; or NULL. */
static void say(const struct cb_planner *planner, const char *option, const char *name,
                const char *takes, const struct cb_strings *names, const char *what)
{
    cb_autofree char *more = alternatives(name, names, what);

    cb_event_say(planner->options->env->sink, CB_EVENT_WARNING, 0, "%s `%s` %s%s", option,
                 name, takes, more);
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

        if (is_predefined(name) || cb_map_has(known, name))
            continue;
        say(planner, "build argument", name, "is declared by no ARG", &names, NULL);
        said++;
    }
}

static void add_stages(const struct cb_planner *planner, struct cb_strings *names)
{
    for (size_t i = 0; i < planner->stage_count; i++)
        if (planner->stages[i].def->name)
            cb_strings_add(names, planner->stages[i].def->name);
}

static void check_cache_filter(const struct cb_planner *planner)
{
    const struct cb_strings *given = planner->options->no_cache_filter;
    cb_auto_value(cb_strings) names = {0};
    int said = 0;

    if (!given || !given->count)
        return;
    add_stages(planner, &names);
    for (size_t i = 0; i < given->count && said < MANY; i++) {
        int found = 0;

        for (size_t s = 0; s < names.count && !found; s++)
            found = !strcasecmp(names.items[s], given->items[i]);
        if (found)
            continue;
        say(planner, "--no-cache-filter", given->items[i], "is the name of no stage",
            &names, "stages");
        said++;
    }
}

static void check_contexts(const struct cb_planner *planner)
{
    const struct cb_named_contexts *given = planner->options->contexts;
    cb_auto_value(cb_strings) names = {0};
    int said = 0;

    if (!given || !given->count)
        return;
    add_stages(planner, &names);
    cb_vec_foreach (base, &planner->bases)
        cb_strings_add(&names, (*base)->name);
    for (size_t i = 0; given && i < given->count && said < MANY; i++) {
        if (cb_named_is_used(planner, i))
            continue;
        say(planner, "--build-context", given->items[i].name,
            "is the name of no stage or image in use", &names, NULL);
        said++;
    }
}

void cb_given_note_cache(struct cb_planner *planner, const char *id)
{
    const struct cb_strings *places = planner->options->env->cache_places;

    if (!places || !places->count)
        return;
    if (!planner->cache_ids)
        planner->cache_ids = cb_map_new(NULL);
    cb_map_set(planner->cache_ids, id, planner);
}

/* Of the stages that are built. */
static void check_cache_places(const struct cb_planner *planner)
{
    const struct cb_strings *given = planner->options->env->cache_places;
    cb_auto_value(cb_strings) ids = {0};
    size_t position = 0;
    const char *known;
    void *value;
    int said = 0;

    if (!given || !given->count)
        return;
    while (planner->cache_ids &&
           cb_map_next(planner->cache_ids, &position, &known, &value))
        cb_strings_add(&ids, known);
    for (size_t i = 0; i < given->count && said < MANY; i++) {
        cb_autofree char *id = xstrndup(given->items[i], strcspn(given->items[i], "="));

        if (planner->cache_ids && cb_map_has(planner->cache_ids, id))
            continue;
        say(planner, "--cache-mount", id, "is the id of no cache mount", &ids, "ids");
        said++;
    }
}

void cb_given_check(const struct cb_planner *planner)
{
    check_build_args(planner);
    check_cache_filter(planner);
    check_contexts(planner);
    check_cache_places(planner);
}
