/* What the command line changes in the image's configuration once the Dockerfile has said
 * everything: --unsetenv, --unsetlabel, --omit-history; and --env, which is set where a
 * stage begins, so that the Dockerfile can say otherwise. */
#include "engine/engine-priv.h"

#include <string.h>

/* Without a value it is the environment's; what is not there is nothing. */
int cb_request_envs(struct cb_checked_request *out,
                    const struct cb_build_request *request, struct cb_error **err)
{
    cb_vec_foreach (text, &request->envs) {
        const char *equals = strchr(*text, '=');
        cb_autofree char *name = xstrndup(*text, strcspn(*text, "="));
        const char *value = equals ? equals + 1 : getenv(name);

        if (!*name)
            return cb_error_argument(err, *text, "--env", "a name is missing");
        if (value)
            cb_env_set(&out->envs, name, value);
    }
    return 0;
}

static void drop_env(struct cb_strings *env, const char *name)
{
    size_t len = strlen(name), kept = 0;

    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
            free(env->items[i]);
        else
            env->items[kept++] = env->items[i];
    }
    env->count = kept;
}

static void drop_label(struct cb_image_config *config, const char *key)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->label_keys.count; i++) {
        if (strcmp(config->label_keys.items[i], key) == 0) {
            free(config->label_keys.items[i]);
            free(config->label_values.items[i]);
            continue;
        }
        config->label_keys.items[kept] = config->label_keys.items[i];
        config->label_values.items[kept++] = config->label_values.items[i];
    }
    config->label_keys.count = config->label_values.count = kept;
}

void cb_request_edit_config(const struct cb_build_request *request,
                            struct cb_image_config *config)
{
    cb_vec_foreach (name, &request->unset_envs)
        drop_env(&config->env, *name);
    cb_vec_foreach (key, &request->unset_labels)
        drop_label(config, *key);
    if (request->omit_history)
        cb_image_config_drop_history(config);
}
