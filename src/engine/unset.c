/* build --unset: what an image has of its base and no instruction can take away. A row
 * for each kind of thing; a kind that can be there several times takes the name of one,
 * and means all of them without. */
#include "engine/engine-priv.h"

#include "base/suggest.h"

#include <string.h>

/* Takes away the items that are NAME up to one of ENDS; all if NAME is NULL. */
static void drop_items(struct cb_strings *items, const char *name, const char *ends)
{
    size_t len = name ? strlen(name) : 0, kept = 0;

    for (size_t i = 0; i < items->count; i++) {
        const char *item = items->items[i];

        if (!name ||
            (strncmp(item, name, len) == 0 && (!item[len] || strchr(ends, item[len]))))
            free(items->items[i]);
        else
            items->items[kept++] = items->items[i];
    }
    items->count = kept;
}

/* A foreign image may have the variable twice. */
void cb_unset_env(struct cb_image_config *config, const char *name)
{
    if (!name)
        drop_items(&config->env, NULL, "");
    while (name && cb_env_get(&config->env, name))
        cb_env_unset(&config->env, name);
}

void cb_unset_label(struct cb_image_config *config, const char *key)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->label_keys.count; i++) {
        if (!key || strcmp(config->label_keys.items[i], key) == 0) {
            free(config->label_keys.items[i]);
            free(config->label_values.items[i]);
            continue;
        }
        config->label_keys.items[kept] = config->label_keys.items[i];
        config->label_values.items[kept++] = config->label_values.items[i];
    }
    config->label_keys.count = config->label_values.count = kept;
}

static void drop_volume(struct cb_image_config *config, const char *directory)
{
    drop_items(&config->volumes, directory, "");
}

/* "80" is that port of every protocol. */
static void drop_port(struct cb_image_config *config, const char *port)
{
    drop_items(&config->exposed_ports, port, port && strchr(port, '/') ? "" : "/");
}

static void drop_cmd(struct cb_image_config *config, const char *name)
{
    (void)name;
    drop_items(&config->cmd, NULL, "");
    config->has_cmd = config->args_escaped = 0;
}

static void drop_entrypoint(struct cb_image_config *config, const char *name)
{
    (void)name;
    drop_items(&config->entrypoint, NULL, "");
    config->has_entrypoint = 0;
}

static void drop_shell(struct cb_image_config *config, const char *name)
{
    (void)name;
    drop_items(&config->shell, NULL, "");
    config->has_shell = 0;
}

static void drop_text(char **text)
{
    free(*text);
    *text = NULL;
}

static void drop_user(struct cb_image_config *config, const char *name)
{
    (void)name;
    drop_text(&config->user);
}

static void drop_workdir(struct cb_image_config *config, const char *name)
{
    (void)name;
    drop_text(&config->working_dir);
}

static void drop_stop_signal(struct cb_image_config *config, const char *name)
{
    (void)name;
    drop_text(&config->stop_signal);
}

static void drop_healthcheck(struct cb_image_config *config, const char *name)
{
    (void)name;
    cb_image_config_drop_healthcheck(config);
}

static const struct kind {
    const char *name;
    void (*drop)(struct cb_image_config *config, const char *name);
    int named;
} kinds[] = {
    {"env", cb_unset_env, 1},
    {"label", cb_unset_label, 1},
    {"volume", drop_volume, 1},
    {"expose", drop_port, 1},
    {"cmd", drop_cmd, 0},
    {"entrypoint", drop_entrypoint, 0},
    {"user", drop_user, 0},
    {"workdir", drop_workdir, 0},
    {"shell", drop_shell, 0},
    {"stopsignal", drop_stop_signal, 0},
    {"healthcheck", drop_healthcheck, 0},
};

static int refuse_kind(const char *text, const char *word, struct cb_error **err)
{
    const char *names[CB_ARRAY_SIZE(kinds)];
    const char *meant;

    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++)
        names[i] = kinds[i].name;
    meant = cb_suggest(word, names, CB_ARRAY_SIZE(names));
    cb_error_argument(err, text, "--unset", "nothing is called \"%s\"", word);
    if (meant)
        return cb_error_hint(err, "did you mean %s?", meant);
    return cb_error_hint(err, "there are env:NAME, label:NAME, volume:DIR, expose:PORT, "
                              "cmd, entrypoint, user, workdir, shell, stopsignal "
                              "and healthcheck");
}

/* One "KIND" or "KIND:NAME" of TEXT. */
static int drop_one(const char *text, const char *item, struct cb_image_config *config,
                    struct cb_error **err)
{
    const char *colon = strchr(item, ':');
    cb_autofree char *word = xstrndup(item, strcspn(item, ":"));

    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        if (strcmp(word, kinds[i].name) != 0)
            continue;
        if (colon && !kinds[i].named)
            return cb_error_argument(err, text, "--unset", "%s takes no name", word);
        if (colon && !colon[1])
            return cb_error_argument(err, text, "--unset", "a name is missing");
        if (config)
            kinds[i].drop(config, colon ? colon + 1 : NULL);
        return 0;
    }
    return refuse_kind(text, word, err);
}

int cb_request_unset(const struct cb_strings *texts, struct cb_image_config *config,
                     struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        cb_autofree char *copy = xstrdup(*text);
        char *rest = copy;

        while (rest) {
            const char *item = strsep(&rest, ",");

            if (drop_one(*text, item, config, err) < 0)
                return -1;
        }
    }
    return 0;
}
