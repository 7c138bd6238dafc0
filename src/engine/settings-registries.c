/* "registries", "registry-mirrors" and "insecure-registries" of the configuration: rules
 * for prefixes of names, and hosts. */
#include "engine/settings-priv.h"

#include "http/http.h"
#include "oci/oci.h"

#include <string.h>
#include <strings.h>

/* "host[:port][/path]", optionally behind http:// or https:// where SCHEME allows it. */
static int check_place(const struct cb_json *value, const char *place, int scheme,
                       struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;
    const char *rest = place;
    size_t len;

    if (scheme && strncasecmp(rest, "https://", 8) == 0)
        rest += 8;
    else if (scheme && strncasecmp(rest, "http://", 7) == 0)
        rest += 7;
    len = strlen(rest);
    while (len && rest[len - 1] == '/')
        len--;
    name = xasprintf("%.*s/x", (int)len, rest);
    if (!len || cb_reference_parse(&reference, name, NULL) < 0 ||
        strncmp(name, reference->host, strlen(reference->host)) != 0) {
        cb_settings_fail(value, err, "`%s` is not a registry", place);
        return cb_error_hint(err,
                             "a registry is HOST[:PORT][/PATH] with a dot or a port "
                             "in HOST%s",
                             scheme ? ", after http:// or https:// if need be" : "");
    }
    return 0;
}

/* Made if missing. Borrowed until the next one is made. */
static struct cb_registry_rule *rule_of(struct cb_settings *settings, const char *prefix)
{
    struct cb_registry_rule rule = {0};

    for (size_t i = 0; i < settings->registry.rules.count; i++)
        if (strcmp(settings->registry.rules.items[i].prefix, prefix) == 0)
            return &settings->registry.rules.items[i];
    rule.prefix = xstrdup(prefix);
    cb_vec_push(&settings->registry.rules, rule);
    return &settings->registry.rules.items[settings->registry.rules.count - 1];
}

static int read_mirrors(struct cb_registry_rule *rule, const struct cb_json *value,
                        struct cb_error **err)
{
    if (cb_settings_list(&rule->mirrors, value, err) < 0)
        return -1;
    for (size_t i = 0; i < rule->mirrors.count; i++) {
        struct cb_json item = cb_json_item(value, i);

        if (check_place(&item, rule->mirrors.items[i], 1, err) < 0)
            return -1;
    }
    return 0;
}

/* Docker's list is for docker.io alone. */
int cb_settings_mirrors(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err)
{
    return read_mirrors(rule_of(settings, "docker.io"), value, err);
}

/* A host, with a port or without, or a range of addresses. Docker drops a scheme that
 * stands before it, so this does. */
static int add_insecure(struct cb_strings *list, const struct cb_json *item,
                        const char *text, struct cb_error **err)
{
    size_t scheme = strncasecmp(text, "https://", 8) == 0  ? 8
                    : strncasecmp(text, "http://", 7) == 0 ? 7
                                                           : 0;
    cb_autofree char *url = xasprintf("http://%s/", text + scheme);
    cb_auto_value(cb_url) parts = {0};
    struct cb_address_range range;

    if (cb_range_parse(&range, text) == 0 || cb_host_is_address(text) ||
        (cb_url_parse(&parts, url, NULL) == 0 && strcmp(parts.rest, "/") == 0 &&
         !strchr(text, '@'))) {
        cb_strings_add(list, text + scheme);
        return 0;
    }
    cb_settings_fail(item, err, "`%s` is not a host", text);
    return cb_error_hint(err, "give HOST, HOST:PORT or a range as 10.0.0.0/8");
}

int cb_settings_insecure(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err)
{
    cb_auto_value(cb_strings) said = {0};
    struct cb_strings *list = &settings->registry.insecure;

    if (cb_settings_list(&said, value, err) < 0)
        return -1;
    cb_strings_free(list);
    *list = (struct cb_strings){0};
    for (size_t i = 0; i < said.count; i++) {
        struct cb_json item = cb_json_item(value, i);

        if (add_insecure(list, &item, said.items[i], err) < 0)
            return -1;
    }
    return 0;
}

static int read_rewrite(struct cb_registry_rule *rule, const struct cb_json *value,
                        struct cb_error **err)
{
    if (cb_settings_text(&rule->rewrite, value, err) < 0)
        return -1;
    return rule->rewrite ? check_place(value, rule->rewrite, 0, err) : 0;
}

static int read_rule(struct cb_settings *settings, const char *prefix,
                     const struct cb_json *value, struct cb_error **err)
{
    static const char *const names[] = {"mirrors", "rewrite", "insecure", "blocked"};
    struct cb_registry_rule *rule;
    const char *key;
    json_t *item;

    if (cb_json_expect_object(value, err) < 0 || check_place(value, prefix, 0, err) < 0)
        return -1;
    rule = rule_of(settings, prefix);
    json_object_foreach(value->value, key, item)
    {
        struct cb_json field = cb_json_member(value, key);
        int failed;

        if (strcmp(key, "mirrors") == 0) {
            failed = read_mirrors(rule, &field, err);
        } else if (strcmp(key, "rewrite") == 0) {
            failed = read_rewrite(rule, &field, err);
        } else if (strcmp(key, "insecure") == 0) {
            failed = cb_json_bool(&field, &rule->insecure, err);
        } else if (strcmp(key, "blocked") == 0) {
            failed = cb_json_bool(&field, &rule->blocked, err);
        } else {
            return cb_settings_unknown(value, key, names, CB_ARRAY_SIZE(names), err);
        }
        if (failed < 0)
            return -1;
    }
    return 0;
}

int cb_settings_registries(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err)
{
    const char *prefix;
    json_t *item;

    if (cb_json_expect_object(value, err) < 0)
        return -1;
    json_object_foreach(value->value, prefix, item)
    {
        struct cb_json rule = cb_json_member(value, prefix);

        if (read_rule(settings, prefix, &rule, err) < 0)
            return -1;
    }
    return 0;
}
