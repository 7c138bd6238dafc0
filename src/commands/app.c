/* What several commands need: the configuration, the store and values of options. */
#include "commands/app.h"

#include "base/timestamp.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_FILES 65536

void cb_app_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < MAX_FILES ? limit.rlim_max : MAX_FILES;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int cb_app_settings(struct cb_app *app, const struct cb_settings **out,
                    struct cb_error **err)
{
    if (!app->settings && cb_settings_load(&app->settings, err) < 0)
        return -1;
    *out = app->settings;
    return 0;
}

struct size_source {
    const char *option, *variable;
};

/* The option, else the environment, else the configuration; "0" and "" are the default.
 */
static int parse_size(const struct size_source *source, const char *text,
                      const char *configured, uint64_t *out, struct cb_error **err)
{
    const char *name = text ? source->option : source->variable;
    cb_auto(cb_error) cause = NULL;

    if (!text)
        text = getenv(source->variable);
    if (!text)
        text = configured;
    if (!text || !*text || cb_size_parse(out, text, &cause) == 0)
        return 0;
    return cb_error_argument(err, text, name, "%s", cb_error_message(cause));
}

static int parse_sizes(const struct cb_app *app, const struct cb_settings *settings,
                       struct cb_store_options *out, struct cb_error **err)
{
    static const struct size_source store = {"--max-store", "CBUILD_MAX_STORE"},
                                    layer = {"--max-layer-size", "CBUILD_MAX_LAYER_SIZE"};

    if (parse_size(&store, app->max_store, settings->max_store, &out->max_bytes, err) < 0)
        return -1;
    return parse_size(&layer, app->max_layer, settings->max_layer, &out->max_layer, err);
}

/* The one that the machine's file names is root's; every user has his own. */
static char *configured_root(const struct cb_settings *settings, int of_user)
{
    static const char *const keys[] = {"data-root", "graph"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++) {
        const char *file = cb_env_get(&settings->sources, keys[i]);

        if (file && (!of_user || strcmp(file, CB_SETTINGS_MACHINE_FILE) != 0))
            return settings->data_root;
    }
    return NULL;
}

int cb_app_store_root(struct cb_app *app, char **out, struct cb_error **err)
{
    const int of_user = app->userns.kind != CB_USERNS_NONE || geteuid() != 0;
    const struct cb_settings *settings;
    const char *root = app->root ? app->root : getenv("CBUILD_ROOT");

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    if (!root || !*root)
        root = configured_root(settings, of_user);
    *out = root ? xstrdup(root) : cb_store_default_root(of_user);
    return 0;
}

/* Of HOW what differs from command to command. */
static int open_store(struct cb_app *app, const struct cb_store_options *how,
                      struct cb_store **out, struct cb_error **err)
{
    cb_autofree char *root = NULL;
    struct cb_store_options options = *how;
    const struct cb_settings *settings;

    options.of_user = app->userns.kind != CB_USERNS_NONE;
    options.attach = app->launcher && cb_launcher_attaches(app->launcher);
    options.cancel = app->cancel;
    if (cb_app_settings(app, &settings, err) < 0 ||
        parse_sizes(app, settings, &options, err) < 0 ||
        cb_app_store_root(app, &root, err) < 0)
        return -1;
    options.root = root;
    return cb_store_open(out, &options, err);
}

int cb_app_store(struct cb_app *app, enum cb_store_wish wish, struct cb_store **out,
                 struct cb_error **err)
{
    return open_store(app,
                      &(struct cb_store_options){.create = wish == CB_STORE_CREATE ||
                                                           wish == CB_STORE_RECALL,
                                                 .recalls = wish == CB_STORE_RECALL},
                      out, err);
}

int cb_app_store_repair(struct cb_app *app, struct cb_store **out, struct cb_error **err)
{
    return open_store(app, &(struct cb_store_options){.repair = 1}, out, err);
}

int cb_app_registry(struct cb_app *app, const struct cb_registry_options *options,
                    struct cb_registry **out, struct cb_error **err)
{
    struct cb_registry_options with = *options;
    const struct cb_settings *settings;

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    with.cancel = app->cancel;
    with.settings = &settings->registry;
    return cb_registry_new(out, &with, err);
}

int cb_app_platform(const char *text, struct cb_platform *buffer,
                    const struct cb_platform **out, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    *out = NULL;
    if (!text || !*text)
        return 0;
    *out = buffer;
    if (cb_platform_parse(buffer, text, &cause) == 0)
        return 0;
    return cb_error_argument(err, text, "--platform", "%s", cb_error_message(cause));
}

int cb_app_default_platform(const char *text, struct cb_platform *buffer,
                            const struct cb_platform **out, struct cb_error **err)
{
    const char *value = text && *text ? NULL : getenv(CB_DEFAULT_PLATFORM);
    cb_auto(cb_error) cause = NULL;

    if (!value || !*value)
        return cb_app_platform(text, buffer, out, err);
    *out = buffer;
    if (cb_platform_parse(buffer, value, &cause) == 0)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid value \"%s\" of $" CB_DEFAULT_PLATFORM ": %s", value,
                        cb_error_message(cause));
}

void cb_app_build_args(const struct cb_strings *given, struct cb_strings *out)
{
    for (size_t i = 0; i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        cb_autofree char *name = xstrndup(given->items[i], strcspn(given->items[i], "="));
        const char *value = equals ? equals + 1 : getenv(name);

        if (value)
            cb_env_set(out, name, value);
    }
}
