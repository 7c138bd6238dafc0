/* cbuild debug: a shell where a step failed; and the same while a build waits. */
#include "commands/commands.h"

#include "commands/debug.h"
#include "container/container.h"
#include "engine/engine.h"
#include "network/network.h"
#include "store/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cb_debug_has_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void print_escaped(const char *format, const char *text)
{
    cb_auto_value(cb_strbuf) clean = {0};

    cb_strbuf_add_escaped(&clean, text, strlen(text), 1);
    fprintf(stderr, "%s: %s\n", format, cb_strbuf_text(&clean));
}

void cb_debug_shell(void *arg, const struct cb_process_spec *spec, const char *text)
{
    const struct cb_debug *debug = arg;
    cb_auto(cb_error) error = NULL;
    struct cb_exit end = {0};

    cb_progress_suspend(debug->progress);
    print_escaped("\nERROR", text);
    fputs("a shell in the step's sandbox; the build goes on when it ends\n", stderr);
    if (cb_container_shell(debug->app->launcher, spec, debug->app->cancel, &end, &error) <
        0)
        print_escaped("no shell", cb_error_message(error));
    cb_progress_resume(debug->progress);
}

/* ── The command ── */

struct values {
    const char *network;
};
#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"network", 0, CB_OPTION_TEXT, AT(network), "MODE",
     "Network of the shell: that of the step (the default), default, none or host"},
    {0},
};

static void add_file(struct cb_process_spec *spec, const char *target, const char *text)
{
    struct cb_mount mount = {.type = CB_MOUNT_FILE,
                             .target = (char *)target,
                             .source_fd = -1,
                             .mode = 0644,
                             .read_only = 1,
                             .content = text,
                             .content_len = strlen(text)};

    cb_vec_push(&spec->mounts, mount);
}

static int open_shell(struct cb_app *app, const struct cb_kept_step *step,
                      struct cb_network *network, int *code, struct cb_error **err)
{
    cb_autofree char *resolv = NULL;
    cb_autofree char *hosts = NULL;
    cb_autofd int root = -1;
    struct cb_process_spec spec;
    struct cb_exit end = {0};
    int status;

    cb_process_spec_init(&spec);
    if (cb_network_netns(network, app->cancel, &spec.netns_fd, err) < 0 ||
        cb_network_hosts(network, step->hostname, NULL, &hosts, err) < 0 ||
        cb_snapshot_open_root(step->layer, &root, err) < 0)
        return -1;
    spec.rootfs_fd = root;
    spec.argv = &step->argv;
    spec.env = &step->env;
    spec.cwd = step->cwd;
    spec.make_cwd = 1;
    spec.user = step->user;
    spec.hostname = step->hostname;
    spec.host_network = cb_network_is_host(network);
    spec.security = step->insecure ? CB_SECURITY_INSECURE : CB_SECURITY_SANDBOX;
    resolv = cb_network_resolv_conf(network, NULL);
    add_file(&spec, "/etc/resolv.conf", resolv);
    add_file(&spec, "/etc/hosts", hosts);
    status = cb_container_shell(app->launcher, &spec, NULL, &end, err);
    cb_vec_free(&spec.mounts);
    *code = end.code;
    return status;
}

static int debug(struct cb_app *app, const char *build, const struct values *values,
                 struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_kept_step) step = {0};
    cb_auto(cb_network) network = NULL;
    cb_autofree char *id = NULL;
    cb_autofree char *state = NULL;
    struct cb_network_options network_options = {0};
    int code = 0;

    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_builds_find(store, build, &id, err) < 0 ||
        cb_kept_step_open(store, id, &step, err) < 0)
        return -1;
    if (!cb_debug_has_terminal())
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    print_escaped("ERROR", step.error);
    fputs("a shell in the step's files; its mounts and secrets are not there\n", stderr);
    state = xasprintf("%s/networks", cb_store_root(store));
    network_options.mode = values->network ? values->network : step.network;
    network_options.state_dir = state;
    if (cb_network_new(&network, &network_options, err) < 0 ||
        open_shell(app, &step, network, &code, err) < 0)
        return -1;
    return code;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return debug(app, args->count ? args->items[0] : NULL, values, err);
}

const struct cb_cli_command cb_debug_command = {
    .name = "debug",
    .summary = "Open a shell in the step that made a build fail",
    .usage = "debug [OPTIONS] [BUILD]",
    .about =
        "For builds with --keep-failed, or --on-error=shell without a terminal. The\n"
        "files are as the step left them; what is changed in the shell stays until\n"
        "the build's log is removed. BUILD is named as for `cbuild builds show`.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run,
    .needs_launcher = 1,
};
