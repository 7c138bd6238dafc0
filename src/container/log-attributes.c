/* What --log-opt labels=, labels-regex=, env=, env-regex= and tag= add to every line of a
 * log, for `logs --details`: docker's names and rules. */
#include "container/log-priv.h"

#include "base/template.h"

#include <regex.h>
#include <string.h>

static void take_listed(json_t *out, const struct cb_strings *pairs, const char *names)
{
    while (names && *names) {
        size_t len = strcspn(names, ",");
        cb_autofree char *name = xstrndup(names, len);
        const char *value = cb_env_get(pairs, name);

        if (value)
            json_object_set_new(out, name, json_string(value));
        names += len + (names[len] == ',');
    }
}

static int take_matching(json_t *out, const struct cb_strings *pairs, const char *pattern,
                         struct cb_error **err)
{
    regex_t regex;

    if (!pattern || !*pattern)
        return 0;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return cb_error_set(err, CB_ERR_USAGE, "invalid log-opt regex `%s`", pattern);
    cb_vec_foreach (pair, pairs) {
        cb_autofree char *name = xstrndup(*pair, strcspn(*pair, "="));
        const char *value = cb_env_get(pairs, name);

        if (regexec(&regex, name, 0, NULL, 0) == 0)
            json_object_set_new(out, name, json_string(value ? value : ""));
    }
    regfree(&regex);
    return 0;
}

static json_t *facts_of(const struct cb_container *container)
{
    const char *image = container->options.request.image_name;
    const char *id = container->image_id ? container->image_id : "";
    const char *hex = strchr(id, ':') ? strchr(id, ':') + 1 : id;
    cb_autofree char *short_id = xstrndup(container->id, 12);
    cb_autofree char *short_image = xstrndup(hex, 12);

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ID", short_id, "FullID",
                     container->id, "Name", container->name ? container->name : "",
                     "ImageID", short_image, "ImageFullID", id, "ImageName",
                     image ? image : "", "DaemonName", "docker");
}

static int take_tag(json_t *out, const struct cb_container *container, const char *tag,
                    struct cb_error **err)
{
    cb_auto(cb_template) template = NULL;
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *facts = NULL;

    if (!tag || !*tag)
        return 0;
    facts = facts_of(container);
    if (cb_template_parse(&template, tag, err) < 0 ||
        cb_template_execute(template, facts, &text, err) < 0)
        return cb_error_wrap(err, "log-opt tag");
    json_object_set_new(out, "tag", json_string(cb_strbuf_text(&text)));
    return 0;
}

static void list_labels(const struct cb_container *container, struct cb_strings *out)
{
    const struct cb_image_config *config = container->config;
    cb_auto_value(cb_strings) own = {0};

    for (size_t i = 0; i < config->label_keys.count; i++)
        cb_strings_addf(out, "%s=%s", config->label_keys.items[i],
                        config->label_values.items[i]);
    cb_vec_foreach (label, &container->options.labels)
        cb_strings_addf(&own, strchr(*label, '=') ? "%s" : "%s=", *label);
    cb_env_merge(out, &own);
}

static void list_env(const struct cb_container *container, struct cb_strings *out)
{
    cb_strings_copy(out, &container->config->env);
    cb_env_merge(out, &container->options.request.env);
}

/* Also without a tag that was asked for, it has one. */
static int make_fields(const struct cb_container *container, json_t *extra, json_t **out,
                       struct cb_error **err)
{
    const char *tag = cb_env_get(&container->options.log_opts, "tag");
    cb_auto_json *tagged = json_object();

    if (take_tag(tagged, container, tag && *tag ? tag : "{{.ID}}", err) < 0)
        return -1;
    tag = json_string_value(json_object_get(tagged, "tag"));
    *out = cb_journald_fields(container, extra, tag ? tag : "");
    return 0;
}

int cb_log_attributes(const struct cb_container *container, json_t **out,
                      struct cb_error **err)
{
    const struct cb_strings *options = &container->options.log_opts;
    cb_auto_value(cb_strings) labels = {0};
    cb_auto_value(cb_strings) env = {0};
    cb_auto_json *attributes = json_object();

    *out = NULL;
    list_labels(container, &labels);
    list_env(container, &env);
    take_listed(attributes, &labels, cb_env_get(options, "labels"));
    take_listed(attributes, &env, cb_env_get(options, "env"));
    if (take_matching(attributes, &labels, cb_env_get(options, "labels-regex"), err) <
            0 ||
        take_matching(attributes, &env, cb_env_get(options, "env-regex"), err) < 0)
        return -1;
    if (cb_log_is_journald(&container->options))
        return make_fields(container, attributes, out, err);
    if (take_tag(attributes, container, cb_env_get(options, "tag"), err) < 0)
        return -1;
    if (json_object_size(attributes))
        *out = cb_steal(&attributes);
    return 0;
}
