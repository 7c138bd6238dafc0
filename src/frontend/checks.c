/* Build checks: warnings about what a Dockerfile probably did not mean. Each has the name
 * BuildKit documents it under.
 * `# check=skip=…;error=true` (or the build argument BUILDKIT_DOCKERFILE_CHECK) chooses.
 * Here are the machinery and the rules the text alone decides, one function each;
 * checks-stage.c has those that need values. */
#include "frontend/frontend-priv.h"

#include "base/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ── Choosing ── */

static int parse_skip(struct cb_checks *checks, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        cb_autofree char *name = xstrndup(list, len);

        if (!strcasecmp(name, "all"))
            checks->skip_all = 1;
        else if (*name)
            cb_strings_add(&checks->skip, name);
        list += len + (list[len] == ',');
    }
    return 0;
}

static int parse_option(struct cb_checks *checks, const char *option,
                        struct cb_error **err)
{
    if (!strncasecmp(option, "skip=", 5))
        return parse_skip(checks, option + 5);
    if (!strcasecmp(option, "error=true") || !strcasecmp(option, "error=false")) {
        checks->error = !strcasecmp(option, "error=true");
        return 0;
    }
    if (!strncasecmp(option, "experimental=", 13))
        return 0;
    return cb_error_set(
        err, CB_ERR_SYNTAX,
        "invalid check option `%s`: expected skip=, error= or experimental=", option);
}

static int parse_options(struct cb_checks *checks, const char *text,
                         struct cb_error **err)
{
    while (*text) {
        size_t len = strcspn(text, ";");
        cb_autofree char *part = NULL;

        while (len && isspace((unsigned char)*text)) {
            text++;
            len--;
        }
        part = xstrndup(text, len);
        if (*part && parse_option(checks, part, err) < 0)
            return -1;
        text += len + (text[len] == ';');
    }
    return 0;
}

int cb_checks_init(struct cb_planner *planner, struct cb_error **err)
{
    const char *given = cb_scope_build_arg(planner, "BUILDKIT_DOCKERFILE_CHECK");
    const struct cb_word *directive = &planner->file->check;

    planner->checks.seen = cb_map_new(NULL);
    if (given) {
        if (parse_options(&planner->checks, given, err) < 0)
            return cb_error_wrap(err, "build argument BUILDKIT_DOCKERFILE_CHECK");
        return 0;
    }
    if (directive->text && parse_options(&planner->checks, directive->text, err) < 0)
        return cb_error_at(err, planner->file->source, directive->span);
    return 0;
}

void cb_checks_clear(struct cb_checks *checks)
{
    cb_map_free(checks->seen);
    cb_strings_free(&checks->skip);
    cb_strings_free(&checks->rules_hit);
    checks->seen = NULL;
}

/* ── Warning ── */

static int is_skipped(const struct cb_checks *checks, const char *rule)
{
    for (size_t i = 0; i < checks->skip.count; i++) {
        if (!strcasecmp(checks->skip.items[i], rule))
            return 1;
    }
    return checks->skip_all;
}

int cb_checks_full(const struct cb_planner *planner)
{
    return cb_map_count(planner->checks.seen) >= CB_MAX_WARNINGS;
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
    cb_autofree char *text = xvasprintf(format, args);
    cb_autofree char *key = xasprintf("%s:%s:%zu:%s", rule ? rule : "",
                                      cb_source_name(source), span.start, text);

    if ((rule && is_skipped(checks, rule)) || cb_map_has(checks->seen, key) ||
        cb_checks_full(planner))
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

    if (!checks->error || !checks->rules_hit.count)
        return 0;
    for (size_t i = 0; i < checks->rules_hit.count; i++)
        cb_strbuf_addf(&rules, i ? ", %s" : "%s", checks->rules_hit.items[i]);
    cb_error_set(err, CB_ERR_SYNTAX, "lint violation found for rules: %s",
                 cb_strbuf_text(&rules));
    return cb_error_at(err, planner->file->source, planner->file->check.span);
}

/* ── Rules on the text ── */

static void check_reserved_name(struct cb_planner *planner,
                                const struct cb_stage_def *def)
{
    if (def->name &&
        (!strcasecmp(def->name, "scratch") || !strcasecmp(def->name, "context")))
        cb_checks_warn(planner, "ReservedStageName", planner->file->source,
                       def->from->span,
                       "Stage name should not use the same name as reserved stage \"%s\"",
                       def->name);
}

static void check_duplicate_name(struct cb_planner *planner,
                                 const struct cb_stage_def *def)
{
    for (size_t i = 0; def->name && i < def->index; i++) {
        const char *other = planner->file->stages[i].name;

        if (!other || strcasecmp(other, def->name))
            continue;
        cb_checks_warn(
            planner, "DuplicateStageName", planner->file->source, def->from->span,
            "Duplicate stage name \"%s\", stage names should be unique", def->name);
        return;
    }
}

/* Is one of WORDS a part of NAME, between underscores? */
static int has_part(const char *name, const char *const *words, size_t count)
{
    while (*name) {
        size_t len = strcspn(name, "_");

        for (size_t i = 0; i < count; i++) {
            if (strlen(words[i]) == len && !strncasecmp(name, words[i], len))
                return 1;
        }
        name += len + (name[len] == '_');
    }
    return 0;
}

static int names_a_secret(const char *name)
{
    static const char *const secret[] = {"apikey", "auth",  "credential", "credentials",
                                         "key",    "pword", "password",   "passwd",
                                         "secret", "token"};
    static const char *const harmless[] = {"public", "file", "version"};

    return has_part(name, secret, CB_ARRAY_SIZE(secret)) &&
           !has_part(name, harmless, CB_ARRAY_SIZE(harmless));
}

static void check_secrets(struct cb_planner *planner, const struct cb_instruction *inst)
{
    if (inst->kind != CB_INST_ENV && inst->kind != CB_INST_ARG)
        return;
    for (size_t i = 0; i < inst->pairs.count; i++) {
        const struct cb_word *key = &inst->pairs.items[i].key;

        if (names_a_secret(key->text))
            cb_checks_warn(
                planner, "SecretsUsedInArgOrEnv", planner->file->source, key->span,
                "Do not use ARG or ENV instructions for sensitive data (%s \"%s\")",
                cb_instruction_name(inst->kind), key->text);
    }
}

static void (*const stage_rules[])(struct cb_planner *, const struct cb_stage_def *) = {
    check_reserved_name, check_duplicate_name};
static void (*const instruction_rules[])(struct cb_planner *,
                                         const struct cb_instruction *) = {check_secrets};

static void run_instruction_rules(struct cb_planner *planner,
                                  const struct cb_instruction *inst)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(instruction_rules); i++)
        instruction_rules[i](planner, inst);
}

void cb_checks_static(struct cb_planner *planner)
{
    const struct cb_dockerfile *file = planner->file;

    for (size_t i = 0; i < file->lint_count; i++)
        cb_checks_warn(planner, file->lints[i].rule, file->source, file->lints[i].span,
                       "%s", file->lints[i].message);
    for (size_t i = 0; i < file->global_arg_count; i++)
        run_instruction_rules(planner, file->global_args[i]);
    for (size_t i = 0; i < file->stage_count; i++) {
        const struct cb_stage_def *def = &file->stages[i];

        for (size_t r = 0; r < CB_ARRAY_SIZE(stage_rules); r++)
            stage_rules[r](planner, def);
        for (size_t n = 0; n < def->count; n++)
            run_instruction_rules(planner, def->items[n]);
    }
}
