/* Build checks: warnings about what a Dockerfile probably did not mean. Here is how one
 * is given: if its rule counts at its place, and once. */
#include "frontend/checks-priv.h"
#include "frontend/scope-priv.h"

#include "base/suggest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ── Setting up ── */

/* A name that is no rule's has no effect, which is worth saying. */
static void tell_unknown(struct cb_planner *planner, const struct cb_strings *names,
                         struct cb_source *source, struct cb_span span)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        const char *near = cb_rule_suggest(name);

        if (near)
            cb_checks_warn(planner, NULL, source, span,
                           "there is no check `%s` (did you mean `%s`?)", name, near);
        else
            cb_checks_warn(planner, NULL, source, span, "there is no check `%s`", name);
    }
}

static int read_config(struct cb_planner *planner, const char *text,
                       struct cb_source *source, struct cb_span span,
                       struct cb_error **err)
{
    struct cb_check_config *config = &planner->checks.config;

    if (cb_check_config_parse(config, text, err) < 0)
        return -1;
    tell_unknown(planner, &config->unknown, source, span);
    return 0;
}

int cb_checks_init(struct cb_planner *planner, struct cb_error **err)
{
    const char *given = cb_scope_build_arg(planner, "BUILDKIT_DOCKERFILE_CHECK");
    const struct cb_word *directive = &planner->file->check;

    planner->checks.seen = cb_map_new(NULL);
    planner->checks.comparisons = CB_MAX_COMPARISONS;
    cb_check_scopes_add(&planner->checks, planner->file);
    if (planner->options->check)
        return read_config(planner, planner->options->check, NULL, (struct cb_span){0},
                           err);
    if (given) {
        if (read_config(planner, given, NULL, (struct cb_span){0}, err) < 0)
            return cb_error_wrap(err, "build argument BUILDKIT_DOCKERFILE_CHECK");
        return 0;
    }
    if (directive->text && read_config(planner, directive->text, planner->file->source,
                                       directive->span, err) < 0)
        return cb_error_at(err, planner->file->source, directive->span);
    return 0;
}

void cb_checks_clear(struct cb_checks *checks)
{
    cb_vec_foreach (scope, &checks->scopes)
        cb_check_config_clear(&scope->config);
    cb_vec_free(&checks->scopes);
    cb_check_config_clear(&checks->config);
    cb_map_free(checks->seen);
    cb_strings_free(&checks->rules_hit);
    checks->seen = NULL;
}

/* ── Warning ── */

int cb_checks_full(const struct cb_planner *planner)
{
    return planner->checks.silent ||
           cb_map_count(planner->checks.seen) >= CB_MAX_WARNINGS;
}

int cb_checks_skip(const struct cb_planner *planner, const char *name,
                   struct cb_span span)
{
    const struct cb_rule *rule = cb_rule_find(name);

    assert(rule);
    if (rule->when == CB_RULE_CHECKING && planner->options->purpose != CB_PLAN_CHECK)
        return 1;
    return !cb_check_config_allows(&planner->checks.config,
                                   cb_check_scopes_find(&planner->checks, span), rule,
                                   planner->options->lint);
}

char *cb_checks_suggest(const char *name, const struct cb_strings *names)
{
    cb_auto_value(cb_strings) copies = {0};

    for (size_t i = 0; i < names->count; i++)
        cb_strings_take(&copies,
                        xstrndup(names->items[i], strcspn(names->items[i], "=")));
    if (!copies.count)
        return NULL;
    return xstrdup(cb_suggest(name, (const char *const *)copies.items, copies.count));
}

static void vwarn(struct cb_planner *planner, const char *rule, struct cb_source *source,
                  struct cb_span span, const char *format, va_list args) CB_PRINTF(5, 0);

static void vwarn(struct cb_planner *planner, const char *rule, struct cb_source *source,
                  struct cb_span span, const char *format, va_list args)
{
    struct cb_checks *checks = &planner->checks;
    cb_autofree char *text = NULL, *key = NULL;

    if (cb_checks_full(planner) || (rule && cb_checks_skip(planner, rule, span)))
        return;
    text = xvasprintf(format, args);
    key = xasprintf("%s:%s:%zu:%s", rule ? rule : "",
                    source ? cb_source_name(source) : "", span.start, text);
    if (cb_map_has(checks->seen, key))
        return;
    cb_map_set(checks->seen, key, checks);
    if (rule)
        cb_strings_add_once(&checks->rules_hit, rule);
    cb_event_emit(planner->options->env->sink, (struct cb_event){.kind = CB_EVENT_WARNING,
                                                                 .text = text,
                                                                 .len = strlen(text),
                                                                 .rule = rule,
                                                                 .source = source,
                                                                 .span = span});
}

void cb_checks_warn(struct cb_planner *planner, const char *rule,
                    struct cb_source *source, struct cb_span span, const char *format,
                    ...)
{
    va_list args;

    va_start(args, format);
    vwarn(planner, rule, source, span, format, args);
    va_end(args);
}

void cb_checks_warn_item(struct cb_stage *stage, const struct cb_item *item,
                         const char *rule, const char *format, ...)
{
    va_list args;

    if (!stage->planner)
        return;
    va_start(args, format);
    vwarn(stage->planner, rule, stage->planner->file->source, item->place, format, args);
    va_end(args);
}

int cb_checks_finish(struct cb_planner *planner, struct cb_error **err)
{
    const struct cb_checks *checks = &planner->checks;
    cb_auto_value(cb_strbuf) rules = {0};

    if (!checks->config.is_error || !checks->rules_hit.count)
        return 0;
    for (size_t i = 0; i < checks->rules_hit.count; i++)
        cb_strbuf_addf(&rules, i ? ", %s" : "%s", checks->rules_hit.items[i]);
    cb_error_set(err, CB_ERR_SYNTAX, "lint violation found for rules: %s",
                 cb_strbuf_text(&rules));
    if (!planner->file->check.text || planner->options->check ||
        cb_scope_build_arg(planner, "BUILDKIT_DOCKERFILE_CHECK"))
        return -1;
    return cb_error_at(err, planner->file->source, planner->file->check.span);
}
