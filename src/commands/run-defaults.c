/* What the configuration says of containers, where their options say nothing. It is
 * written down with a container: a file that changes is for those made later. */
#include "commands/run.h"

#include <string.h>

static void add_list(struct cb_strings *own, const struct cb_strings *configured)
{
    if (!own->count)
        cb_strings_copy(own, configured);
}

/* "KEY=VALUE" of those keys that OWN does not have. */
static void add_pairs(struct cb_strings *own, const struct cb_strings *configured)
{
    cb_vec_foreach (pair, configured) {
        cb_autofree char *key = xstrndup(*pair, strcspn(*pair, "="));

        if (!cb_env_get(own, key))
            cb_strings_add(own, *pair);
    }
}

/* Of those of another driver none means anything. */
static void add_log(struct cb_container_options *container,
                    const struct cb_settings *settings)
{
    const char *driver = settings->log_driver ? settings->log_driver : "json-file";
    const char *own = container->log_driver ? container->log_driver : driver;

    container->log_driver = own;
    if (strcmp(own, driver) == 0)
        add_pairs(&container->log_opts, &settings->log_opts);
}

int cb_run_add_defaults(struct cb_app *app, struct cb_run_values *values,
                        struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;
    const struct cb_settings *settings;

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    add_pairs(&request->ulimits, &settings->ulimits);
    if (settings->log_driver || settings->log_opts.count)
        add_log(&values->container, settings);
    if (request->network && strncmp(request->network, "container:", 10) == 0)
        return 0; /* that one has its own name servers */
    add_list(&request->dns, &settings->dns);
    add_list(&request->dns_search, &settings->dns_search);
    add_list(&request->dns_options, &settings->dns_options);
    return 0;
}
