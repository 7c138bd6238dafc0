/* cbuild network reload. */
#include "network/named.h"

#include "commands/commands.h"
#include "commands/containers.h"

#include <stdio.h>

struct values {
    int all;
};

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, offsetof(struct values, all), NULL,
     "Of all containers that run"},
    {0},
};

static int check(const struct values *values, const struct cb_strings *args,
                 struct cb_error **err)
{
    if (values->all && args->count)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--all and containers cannot be given together");
    if (values->all || args->count)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "give containers, or --all");
}

static int find_ids(struct cb_app *app, const struct cb_strings *args,
                    struct cb_strings *ids, struct cb_error **err)
{
    cb_vec_foreach (name, args) {
        cb_auto(cb_store) store = NULL;
        cb_auto(cb_container) container = NULL;

        if (cb_app_container(app, *name, &store, &container, err) < 0)
            return -1;
        if (!cb_container_is_running(container))
            return cb_error_set(err, CB_ERR_EXISTS, "Container %s is not running",
                                container->id);
        cb_strings_add(ids, container->id);
    }
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto_value(cb_strings) ids = {0};
    cb_auto_value(cb_strings) done = {0};
    int status;

    if (check(given, args, err) < 0 || find_ids(app, args, &ids, err) < 0)
        return -1;
    status = cb_networks_reload(&ids, &done, app->cancel, err);
    cb_vec_foreach (id, &done)
        printf("%s\n", *id);
    return status;
}

const struct cb_cli_command cb_network_reload_command = {
    .name = "network reload",
    .summary = "Set up containers' firewall rules again",
    .usage = "network reload CONTAINER... | network reload --all",
    .about =
        "For when somebody has flushed the host's firewall: what containers that run\n"
        "publish, and how they get outside, is set up again. Prints their ids.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .act = run,
};
