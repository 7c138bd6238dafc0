/* The rule for a name: prefixes are compared by whole components, the longest wins. */
#include "registry/settings.h"

#include <string.h>

static void rule_clear(struct cb_registry_rule *rule)
{
    free(rule->prefix);
    free(rule->rewrite);
    cb_strings_free(&rule->mirrors);
}

void cb_registry_settings_clear(struct cb_registry_settings *settings)
{
    for (size_t i = 0; i < settings->rules.count; i++)
        rule_clear(&settings->rules.items[i]);
    cb_vec_free(&settings->rules);
    cb_strings_free(&settings->insecure);
    cb_strings_free(&settings->certs_dirs);
    free(settings->auth_file);
    cb_vec_foreach (login, &settings->logins) {
        explicit_bzero(login->creds, strlen(login->creds));
        free(login->creds);
        free(login->host);
    }
    cb_vec_free(&settings->logins);
    free(settings->cert_dir);
    free(settings->http_proxy);
    free(settings->https_proxy);
    free(settings->no_proxy);
    memset(settings, 0, sizeof(*settings));
}

const char *cb_registry_creds(const struct cb_registry_settings *settings,
                              const char *host)
{
    const char *found = NULL;

    if (!settings)
        return NULL;
    cb_vec_foreach (login, &settings->logins) {
        if (strcmp(login->host, host) == 0)
            found = login->creds;
    }
    return found;
}

/* PREFIX of NAME in whole components: what follows it, NULL if it is none. */
static const char *after_prefix(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(name, prefix, len) != 0)
        return NULL;
    if (name[len] == '/')
        return name + len + 1;
    return name[len] == '\0' ? name + len : NULL;
}

const struct cb_registry_rule *
cb_registry_rule_find(const struct cb_registry_settings *settings, const char *host,
                      const char *path, const char **rest)
{
    cb_autofree char *name = xasprintf("%s/%s", host, path);
    const struct cb_registry_rule *found = NULL;
    size_t longest = 0;

    for (size_t i = 0; settings && i < settings->rules.count; i++) {
        const struct cb_registry_rule *rule = &settings->rules.items[i];
        size_t len = strlen(rule->prefix);
        const char *after = after_prefix(name, rule->prefix);

        if (!after || len < longest)
            continue;
        found = rule;
        longest = len;
        *rest = path + strlen(path) - strlen(after);
    }
    return found;
}
