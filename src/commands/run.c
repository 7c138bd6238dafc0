/* cbuild run: the image, and which way to run it. */
#include "commands/commands.h"

#include "base/log.h"
#include "base/strbuf.h"
#include "commands/progress.h"
#include "commands/run.h"
#include "container/log.h"
#include "container/mounts.h"
#include "executor/facts.h"
#include "registry/registry.h"
#include "store/content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_pull(const char *text, enum cb_pull_policy *out, struct cb_error **err)
{
    *out = CB_PULL_MISSING;
    if (!text || strcmp(text, "missing") == 0)
        return 0;
    if (strcmp(text, "always") == 0)
        *out = CB_PULL_ALWAYS;
    else if (strcmp(text, "never") == 0)
        *out = CB_PULL_NEVER;
    else
        return cb_error_argument(err, text, "--pull",
                                 "expected always, missing or never");
    return 0;
}

static int say_missing(const char *name, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *tagged = NULL;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    tagged = cb_reference_familiar(reference);
    fprintf(stderr, "Unable to find image '%s' locally\n", tagged);
    return 0;
}

/* 1 found, 0 not there, or for another platform than was ASKED for. */
static int find_asked(struct cb_store *store, const char *name,
                      const struct cb_platform *asked, struct cb_digest *id, int *by_id,
                      struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    cb_auto(cb_image) meant = NULL;
    int found = cb_image_find_to_use(store, name, asked, &image, by_id, err);

    if (found <= 0)
        return found;
    *id = image->id;
    /* An id is nobody else's: there is no other to be pulled. */
    if (*by_id)
        return cb_image_get_for(store, name, asked, &meant, NULL, err) < 0 ? -1 : 1;
    return cb_image_serves(store, name, image, asked, err);
}

static int find_local(struct cb_store *store, const char *name,
                      const struct cb_platform *asked, struct cb_digest *id, int *by_id,
                      struct cb_error **err)
{
    int64_t config_bytes;
    int found;

    if (asked)
        return find_asked(store, name, asked, id, by_id, err);
    found = cb_image_find_id(store, name, id, by_id, err);
    return found > 0 ? cb_content_has(store, id, &config_bytes) : found;
}

/* How images are looked for. */
struct search {
    struct cb_app *app;
    struct cb_store *store;
    enum cb_pull_policy policy;
    const struct cb_platform *asked; /* or NULL */
    int quiet;
};

/* NAME is not here: it is said, and progress is shown of what comes. */
static int begin_pull(const struct search *search, const char *name,
                      struct cb_progress **progress, struct cb_error **err)
{
    if (search->policy == CB_PULL_MISSING && say_missing(name, err) < 0)
        return -1;
    return search->quiet ? 0 : cb_progress_new(progress, NULL, err);
}

static int pull(struct cb_registry *registry, const char *name,
                const struct cb_platform *platform, struct cb_error **err)
{
    struct cb_pulled pulled;

    return cb_registry_pull(registry, name, platform, &pulled, err);
}

/* The image's documents and filesystem: from here, else pulled as docker does. */
static int find_image(const struct search *search, const char *name,
                      struct cb_resolved_image **image, struct cb_snapshot **rootfs,
                      struct cb_error **err)
{
    cb_auto(cb_pool) pool = cb_pool_new(0, 4);
    cb_auto(cb_registry) registry = NULL;
    cb_auto(cb_progress) progress = NULL;
    struct cb_digest local;
    const struct cb_platform host = cb_platform_host();
    const struct cb_platform *platform = search->asked ? search->asked : &host;
    struct cb_registry_options options = {
        .store = search->store, .pool = pool, .tls_verify = 1};
    char id[CB_DIGEST_MAX_TEXT];
    int by_id = 0, found = 0;

    if (search->policy != CB_PULL_ALWAYS)
        found = find_local(search->store, name, search->asked, &local, &by_id, err);
    if (found < 0 || (!found && begin_pull(search, name, &progress, err) < 0))
        return -1;
    options.sink = progress ? cb_progress_sink(progress) : NULL;
    if (cb_app_registry(search->app, &options, &registry, err) < 0 ||
        (!found && search->policy != CB_PULL_NEVER &&
         pull(registry, name, platform, err) < 0))
        return -1;
    if (found && by_id) /* `1a2b` is no name */
        name = cb_digest_text(&local, id);
    if (cb_registry_resolve(registry, name, platform, CB_PULL_NEVER, image, err) < 0)
        return -1;
    /* what is not unpacked yet; a step without a name is not shown */
    return cb_registry_fetch(registry, *image, 0, rootfs, err);
}

/* docker's 125 (us), 126 (cannot be executed), 127 (not found). */
int cb_run_fail(struct cb_error **err)
{
    cb_auto(cb_error) error = cb_steal(err);
    enum cb_error_kind kind = cb_error_kind(error);

    if (kind == CB_ERR_CANCELED)
        return cb_error_move(err, &error);
    cb_print_error(&error);
    if (kind == CB_ERR_USAGE || kind == CB_ERR_FLAG)
        return 125;
    if (cb_error_errnum(error) == ENOENT)
        return 127;
    if (cb_error_errnum(error) == EACCES || cb_error_errnum(error) == ENOEXEC)
        return 126;
    return 125;
}

/* Who asks for nothing that outlives the container, and not to be found by others, gets
 * one without a record or a monitor. */
static int is_fleeting(const struct cb_run_values *values)
{
    const struct cb_container_options *container = &values->container;

    if (!container->remove || values->detach || container->name || values->cidfile ||
        container->labels.count || container->mounts.count || container->request.tty ||
        container->request.publish.count || container->request.publish_all ||
        container->health.command || container->volumes_from.count ||
        container->attach.count || values->detach_keys || values->sig_proxy ||
        cb_log_is_journald(container))
        return 0;
    cb_vec_foreach (volume, &container->request.volumes) {
        if ((**volume != '/' && **volume != '.') || !strchr(*volume, ':'))
            return 0;
    }
    return 1;
}

static int start(struct cb_app *app, struct cb_run_values *values, const char *name,
                 struct cb_error **err)
{
    cb_auto_value(cb_run_image) image = {0};
    int exit_code = 0;

    values->fleeting = is_fleeting(values);
    if (cb_run_find_image(app, values, name, &image, err) < 0) {
        int status = cb_run_fail(err);

        return status == 127 || status == 126 ? 125 : status;
    }
    if ((values->fleeting
             ? cb_container_run(image.store, app->launcher, &values->container,
                                app->cancel, &exit_code, err)
             : cb_run_kept(app, values, &image, &exit_code, err)) < 0)
        return cb_run_fail(err);
    return exit_code;
}

void cb_run_image_clear(struct cb_run_image *image)
{
    cb_mount_images_clear(&image->mounts);
    cb_snapshot_unref(cb_steal(&image->rootfs));
    cb_resolved_image_free(cb_steal(&image->image));
    cb_store_close(cb_steal(&image->store));
}

/* As they are for this machine, pulled as the container's own image is. */
static int find_mounts(const struct search *search, const struct cb_run_values *values,
                       struct cb_mount_images *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_container_list_images(&values->container, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_auto(cb_resolved_image) image = NULL;
        struct cb_mount_image mount = {0};

        if (find_image(search, *name, &image, &mount.files, err) < 0)
            return -1;
        mount.name = xstrdup(*name);
        cb_vec_push(out, mount);
    }
    return 0;
}

static int has_limits(const struct cb_run_values *values)
{
    static const struct cb_limit_options none;

    return memcmp(&values->container.request.limits, &none, sizeof(none)) != 0;
}

int cb_run_find_image(struct cb_app *app, struct cb_run_values *values, const char *name,
                      struct cb_run_image *out, struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;
    struct search search = {.app = app, .quiet = values->quiet};
    struct cb_platform buffer;
    int is_late = has_limits(values);

    if (cb_run_add_defaults(app, values, err) < 0)
        return -1;
    /* The launcher warns of limits that cannot be set, which is of interest once there is
     * an image. */
    if (values->fleeting && is_late)
        cb_launcher_prepare(app->launcher);
    else if (values->fleeting)
        cb_container_expect(app->launcher, &values->container);
    if (cb_app_store(app, CB_STORE_RECALL, &out->store, err) < 0 ||
        parse_pull(values->pull, &search.policy, err) < 0 ||
        cb_app_default_platform(values->platform, &buffer, &search.asked, err) < 0)
        return -1;
    search.store = out->store;
    if (find_image(&search, name, &out->image, &out->rootfs, err) < 0)
        return -1;
    if (values->fleeting && is_late)
        cb_container_expect(app->launcher, &values->container);
    search.asked = NULL;
    if (find_mounts(&search, values, &out->mounts, err) < 0)
        return -1;
    request->image_id = cb_digest_text(&out->image->id, out->id);
    request->config = out->image->config;
    request->rootfs = out->rootfs;
    request->image_name = name;
    values->container.images = &out->mounts;
    return 0;
}

/* What docker finds out about its own side only after it has taken the options: its 1. */
static int check_streams(const struct cb_run_values *values, struct cb_error **err)
{
    const struct cb_run_request *request = &values->container.request;

    if (values->container.attach.count && values->detach)
        return cb_error_set(
            err, CB_ERR_UNSUPPORTED,
            "conflicting options: cannot specify both --attach and --detach");
    if (!request->tty || !request->interactive || values->detach || isatty(STDIN_FILENO))
        return 0;
    return cb_error_set(err, CB_ERR_UNSUPPORTED, "the input device is not a TTY");
}

/* Containers that share networks without root are in one user namespace, in which the
 * kernel counts them together where no control group does it apart. */
static void tell_shared_limit(const struct cb_app *app,
                              const struct cb_run_values *values)
{
    const char *limit = values->container.request.limits.pids_limit;
    cb_auto_value(cb_executor_facts) facts = {0};

    if (!app->hub || !limit || atoi(limit) <= 0)
        return;
    cb_executor_facts(&facts);
    if (!strstr(cb_strbuf_text(&facts.controllers), "pids"))
        cb_warn("--pids-limit %s counts the processes of all containers that share this "
                "user's networks: no cgroup was delegated to this user",
                limit);
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_run_values) values = {0};
    int status = cb_run_parse(&cb_run_command, argc, argv, &values, &args, err);

    if (status < 0)
        return args.count ? cb_run_fail(err) : -1;
    if (status)
        return 0;
    if (check_streams(&values, err) < 0)
        return -1;
    tell_shared_limit(app, &values);
    return start(app, &values, args.items[0], err);
}

const struct cb_cli_command cb_run_command = {
    .name = "run",
    .summary = "Run a command in a new container",
    .usage = "run [OPTIONS] IMAGE [COMMAND [ARGUMENT...]]",
    .about =
        "Runs in the foreground and ends with the container's exit status; 125 when\n"
        "cbuild fails, 126 when the command cannot be executed, 127 when it is not\n"
        "found. What is left of the container goes with `cbuild rm`, or --rm.",
    .options = cb_run_options,
    .absent = cb_run_absent,
    .harmless = cb_run_harmless,
    .takes_program = 1,
    .run = run,
    .needs_launcher = 1,
    .meets = CB_MEETS_UNLESS_ASKED,
};
