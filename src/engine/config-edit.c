/* What the command line changes in the image's configuration once the Dockerfile has said
 * everything: --unset, --unsetenv, --unsetlabel, --omit-history; and --env, which is set
 * where a stage begins, so that the Dockerfile can say otherwise. */
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

void cb_request_edit_config(const struct cb_build_request *request,
                            struct cb_image_config *config)
{
    cb_request_unset(&request->unsets, config, NULL);
    cb_vec_foreach (name, &request->unset_envs)
        cb_unset_env(config, *name);
    cb_vec_foreach (key, &request->unset_labels)
        cb_unset_label(config, *key);
    if (request->omit_history)
        cb_image_config_drop_history(config);
}
