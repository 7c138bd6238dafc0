/* Mirrors of kaniko's options: as if the configuration had them, for this process. */
#include "commands/build-tools.h"

#include <string.h>

static const char *own_name(const char *host)
{
    return strcmp(host, "index.docker.io") == 0 ? "docker.io" : host;
}

static struct cb_registry_rule *rule_of(struct cb_registry_settings *settings,
                                        const char *host)
{
    struct cb_registry_rule fresh = {0};

    cb_vec_foreach (rule, &settings->rules) {
        if (strcmp(rule->prefix, own_name(host)) == 0)
            return rule;
    }
    fresh.prefix = xstrdup(own_name(host));
    cb_vec_push(&settings->rules, fresh);
    return &settings->rules.items[settings->rules.count - 1];
}

static void add_mirror(const struct cb_build_tools *tools,
                       struct cb_registry_settings *settings, const char *host,
                       const char *mirror)
{
    struct cb_registry_rule *rule = rule_of(settings, host);

    cb_strings_add(&rule->mirrors, mirror);
    rule->only_mirrors |= tools->no_fallback;
}

/* "from=to;from=to" */
static int add_map(const struct cb_build_tools *tools,
                   struct cb_registry_settings *settings, const char *text,
                   struct cb_error **err)
{
    cb_autofree char *copy = xstrdup(text);
    char *pair = copy, *next, *to;

    for (; pair && *pair; pair = next) {
        next = strchr(pair, ';');
        if (next)
            *next++ = '\0';
        to = strchr(pair, '=');
        if (!to || to == pair || !to[1])
            return cb_error_argument(err, text, "--registry-map",
                                     "expected FROM=TO, separated by semicolons");
        *to++ = '\0';
        add_mirror(tools, settings, pair, to);
    }
    return 0;
}

int cb_build_tools_registries(const struct cb_build_tools *tools, struct cb_app *app,
                              struct cb_error **err)
{
    struct cb_registry_settings *settings = cb_access_settings(app, err);

    if (!settings)
        return -1;
    cb_vec_foreach (map, &tools->maps) {
        if (add_map(tools, settings, *map, err) < 0)
            return -1;
    }
    cb_vec_foreach (mirror, &tools->mirrors)
        add_mirror(tools, settings, "docker.io", *mirror);
    return cb_access_apply(&tools->access, app, err);
}
