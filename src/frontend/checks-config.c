/* Which rules count: `skip=…;error=…;experimental=…`, from the build argument
 * BUILDKIT_DOCKERFILE_CHECK, else from the file's `# check=` directive; and, for one
 * instruction, from the `# check=` comment right above it, which can only add. */
#include "frontend/checks-priv.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define MAX_PARTS   3
#define MAX_UNKNOWN 20 /* names that are no rule's, to be told of */

void cb_check_config_clear(struct cb_check_config *config)
{
    cb_strings_free(&config->skip);
    cb_strings_free(&config->experimental);
    cb_strings_free(&config->unknown);
}

/* ── Parsing ── */

static char *trimmed(const char *text, size_t len)
{
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    return xstrndup(text, len);
}

static void add_rule(struct cb_check_config *out, struct cb_strings *names, char *name)
{
    cb_autofree char *owned = name;

    if (cb_rule_find(name))
        cb_strings_add_once(names, name);
    else if (*name && out->unknown.count < MAX_UNKNOWN)
        cb_strings_add_once(&out->unknown, name);
}

static void parse_rules(struct cb_check_config *out, const char *list, int *all,
                        struct cb_strings *names)
{
    *all |= !strcmp(list, "all");
    if (!strcmp(list, "all"))
        return;
    for (;;) {
        size_t len = strcspn(list, ",");

        add_rule(out, names, trimmed(list, len));
        if (!list[len])
            return;
        list += len + 1;
    }
}

static int invalid(const char *part, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_SYNTAX, "invalid check option \"%s\"", part);
    return cb_error_hint(
        err, "expected skip=RULES, error=true or experimental=RULES, separated by `;`");
}

static int parse_part(struct cb_check_config *out, const char *part,
                      struct cb_error **err)
{
    size_t len = strcspn(part, "=");
    cb_autofree char *key = trimmed(part, len);
    cb_autofree char *value = NULL;

    if (!part[len])
        return invalid(part, err);
    value = trimmed(part + len + 1, strlen(part + len + 1));
    if (!strcmp(key, "skip"))
        parse_rules(out, value, &out->skip_all, &out->skip);
    else if (!strcmp(key, "experimental"))
        parse_rules(out, value, &out->experimental_all, &out->experimental);
    else if (strcmp(key, "error"))
        return invalid(key, err);
    else if (!cb_parse_bool(value, &out->is_error))
        return cb_error_set(err, CB_ERR_SYNTAX,
                            "failed to parse check option \"%s\": expected true or false",
                            part);
    return 0;
}

int cb_check_config_parse(struct cb_check_config *out, const char *text,
                          struct cb_error **err)
{
    cb_autofree char *all = trimmed(text, strlen(text));
    const char *rest = all;

    for (size_t i = 1; *rest; i++) {
        size_t len = i < MAX_PARTS ? strcspn(rest, ";") : strlen(rest);
        cb_autofree char *part = xstrndup(rest, len);

        if (parse_part(out, part, err) < 0)
            return -1;
        rest += len;
        if (!*rest)
            return 0;
        rest++;
        if (!*rest)
            return invalid("", err);
    }
    return 0;
}

int cb_check_options_validate(const char *text, struct cb_error **err)
{
    struct cb_check_config ignored = {0};
    int status = cb_check_config_parse(&ignored, text, err);

    cb_check_config_clear(&ignored);
    return status;
}

/* ── Asking ── */

/* An experimental rule runs when asked for, whatever skip=all says. */
int cb_check_config_allows(const struct cb_check_config *config,
                           const struct cb_check_config *scoped,
                           const struct cb_rule *rule, int lint)
{
    static const struct cb_check_config nothing;
    const struct cb_check_config *more = scoped ? scoped : &nothing;

    if (cb_strings_contain(&config->skip, rule->name) ||
        cb_strings_contain(&more->skip, rule->name))
        return 0;
    if (rule->when != CB_RULE_ON_REQUEST && (rule->when != CB_RULE_LINTING || lint))
        return !config->skip_all && !more->skip_all;
    return config->experimental_all || more->experimental_all ||
           cb_strings_contain(&config->experimental, rule->name) ||
           cb_strings_contain(&more->experimental, rule->name);
}

/* ── Of instructions ── */

static void add_scope(struct cb_checks *checks, const struct cb_instruction *inst)
{
    struct cb_check_scope scope = {.span = inst->span};

    if (!inst->check.text)
        return;
    /* As in BuildKit, a comment that is no such list has no effect. */
    if (cb_check_config_parse(&scope.config, inst->check.text, NULL) < 0) {
        cb_check_config_clear(&scope.config);
        return;
    }
    cb_vec_push(&checks->scopes, scope);
}

void cb_check_scopes_add(struct cb_checks *checks, const struct cb_dockerfile *file)
{
    for (size_t i = 0; i < file->global_arg_count; i++)
        add_scope(checks, file->global_args[i]);
    for (size_t s = 0; s < file->stage_count; s++) {
        add_scope(checks, file->stages[s].from);
        for (size_t i = 0; i < file->stages[s].count; i++)
            add_scope(checks, file->stages[s].items[i]);
    }
}

const struct cb_check_config *cb_check_scopes_find(const struct cb_checks *checks,
                                                   struct cb_span span)
{
    size_t low = 0, high = checks->scopes.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct cb_check_scope *scope = &checks->scopes.items[middle];

        if (span.start < scope->span.start)
            high = middle;
        else if (span.start >= scope->span.end)
            low = middle + 1;
        else
            return &scope->config;
    }
    return NULL;
}
