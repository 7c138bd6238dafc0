/* What the configuration says of containers, where their options say nothing. It is
 * written down with a container: a file that changes is for those made later. */
#include "commands/run.h"

#include "base/log.h"
#include "container/log.h"

#include <string.h>

/* *TAKEN: inspect shows them as nobody's. */
static void add_list(struct cb_strings *own, int *taken,
                     const struct cb_strings *configured)
{
    if (own->count || !configured->count)
        return;
    cb_strings_copy(own, configured);
    *taken = 1;
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

static int names_option(const struct cb_strings *options, const char *name)
{
    size_t len = strlen(name);

    cb_vec_foreach (text, options) {
        if (strncmp(*text, name, len) == 0 &&
            (!(*text)[len] || strchr("=:", (*text)[len])))
            return 1;
    }
    return 0;
}

/* Those who share another's have its /dev/shm, too. */
static int has_own_ipc(const struct cb_run_request *request)
{
    const char *ipc = request->ipc;

    return !ipc || strcmp(ipc, "private") == 0 || strcmp(ipc, "shareable") == 0;
}

static void add_sandbox(struct cb_run_request *request,
                        const struct cb_settings *settings)
{
    if (request->init < 0)
        request->init = settings->init;
    if (settings->no_new_privileges &&
        !names_option(&request->security_opts, "no-new-privileges"))
        cb_strings_add(&request->security_opts, "no-new-privileges");
    if (settings->seccomp && !request->privileged &&
        !names_option(&request->security_opts, "seccomp"))
        cb_strings_addf(&request->security_opts, "seccomp=%s", settings->seccomp);
    if (!request->ipc)
        request->ipc = settings->ipc;
    if (!request->cgroupns)
        request->cgroupns = settings->cgroupns;
    if (!request->shm_size && has_own_ipc(request))
        request->shm_size = settings->shm_size;
    if (!request->limits.cgroup_parent)
        request->limits.cgroup_parent = settings->cgroup_parent;
}

int cb_run_add_defaults(struct cb_app *app, struct cb_run_values *values,
                        struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;
    const struct cb_settings *settings;

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    cb_settings_tell_missed(settings);
    add_pairs(&request->bridge_options, &settings->own_bridge);
    add_sandbox(request, settings);
    add_pairs(&request->ulimits, &settings->ulimits);
    if (settings->log_driver || settings->log_opts.count)
        add_log(&values->container, settings);
    if (cb_log_is_journald(&values->container))
        values->fleeting = 0; /* who sends it what is printed is a monitor */
    if (request->publish.count && request->network && !strcmp(request->network, "host"))
        cb_warn("Published ports are discarded when using host network mode");
    if (request->network && strncmp(request->network, "container:", 10) == 0)
        return 0; /* that one has its own name servers */
    add_list(&request->dns, &request->configured_dns, &settings->dns);
    add_list(&request->dns_search, &request->configured_dns_search,
             &settings->dns_search);
    add_list(&request->dns_options, &request->configured_dns_options,
             &settings->dns_options);
    return 0;
}
