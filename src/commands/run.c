/* cbuild run: its options, the image, and which way to run it. */
#include "commands/commands.h"

#include "base/strbuf.h"
#include "commands/progress.h"
#include "commands/run.h"
#include "container/joins.h"
#include "container/restart.h"
#include "registry/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct cb_run_values, field)

const struct cb_option cb_run_options[] = {
    /* of `run` alone: CB_RUN_OWN_OPTIONS rows */
    {"detach", 'd', CB_OPTION_FLAG, AT(detach), NULL,
     "Leave it running and print its id"},
    {"detach-keys", 0, CB_OPTION_TEXT, AT(detach_keys), "KEYS",
     "Keys that leave it running (default ctrl-p,ctrl-q)"},
    {"sig-proxy", 0, CB_OPTION_OPTIONAL, AT(sig_proxy), "BOOL",
     "Pass our signals on to it (default true)"},
    {"add-host", 0, CB_OPTION_LIST, AT(container.request.add_hosts), "NAME:IP",
     "Add a line to /etc/hosts"},
    {"blkio-weight", 0, CB_OPTION_TEXT, AT(container.request.limits.blkio_weight), "N",
     "Weight of its input and output on block devices (10 to 1000)"},
    {"blkio-weight-device", 0, CB_OPTION_LIST, AT(container.request.limits.weights),
     "DEVICE:N", "The same for one device"},
    {"cap-add", 0, CB_OPTION_LIST, AT(container.request.cap_add), "CAPABILITY",
     "Grant a capability; ALL for all"},
    {"cap-drop", 0, CB_OPTION_LIST, AT(container.request.cap_drop), "CAPABILITY",
     "Take a capability away; ALL for all"},
    {"cdi-spec-dir", 0, CB_OPTION_LIST, AT(container.request.cdi_dirs), "DIR",
     "Where --device finds CDI specifications (default /etc/cdi, /var/run/cdi)"},
    {"cgroup-parent", 0, CB_OPTION_TEXT, AT(container.request.limits.cgroup_parent),
     "PATH", "Make its control groups below this one"},
    {"cgroupns", 0, CB_OPTION_TEXT, AT(container.request.cgroupns), "MODE",
     "Its view of control groups: private (default) or host"},
    {"cidfile", 0, CB_OPTION_TEXT, AT(cidfile), "FILE", "Write its id to a new file"},
    {"cpu-period", 0, CB_OPTION_TEXT, AT(container.request.limits.cpu_period),
     "MICROSECONDS", "Length of a period of --cpu-quota"},
    {"cpu-quota", 0, CB_OPTION_TEXT, AT(container.request.limits.cpu_quota),
     "MICROSECONDS", "Processor time in a period"},
    {"cpu-shares", 'c', CB_OPTION_TEXT, AT(container.request.limits.cpu_shares), "N",
     "Weight when processors are busy (1024 is normal)"},
    {"cpus", 0, CB_OPTION_TEXT, AT(container.request.limits.cpus), "N",
     "Processors it may keep busy (1.5)"},
    {"cpuset-cpus", 0, CB_OPTION_TEXT, AT(container.request.limits.cpuset_cpus), "LIST",
     "Processors it may use (0-2,5)"},
    {"cpuset-mems", 0, CB_OPTION_TEXT, AT(container.request.limits.cpuset_mems), "LIST",
     "Memory nodes it may use"},
    {"device", 0, CB_OPTION_LIST, AT(container.request.devices), "HOST[:CONTAINER][:rwm]",
     "Give it a device of the host, by path or CDI name"},
    {"device-read-bps", 0, CB_OPTION_LIST, AT(container.request.limits.read_bps),
     "DEVICE:RATE", "Limit reading from a block device, in bytes per second"},
    {"device-read-iops", 0, CB_OPTION_LIST, AT(container.request.limits.read_iops),
     "DEVICE:RATE", "The same in operations per second"},
    {"device-write-bps", 0, CB_OPTION_LIST, AT(container.request.limits.write_bps),
     "DEVICE:RATE", "Limit writing to a block device, in bytes per second"},
    {"device-write-iops", 0, CB_OPTION_LIST, AT(container.request.limits.write_iops),
     "DEVICE:RATE", "The same in operations per second"},
    {"domainname", 0, CB_OPTION_TEXT, AT(container.request.domainname), "NAME",
     "Its NIS domain name"},
    {"dns", 0, CB_OPTION_LIST, AT(container.request.dns), "ADDRESS",
     "Name server to ask"},
    {"dns-opt", 0, CB_OPTION_LIST, AT(container.request.dns_options), "OPTION", NULL},
    {"dns-option", 0, CB_OPTION_LIST, AT(container.request.dns_options), "OPTION",
     "Option of its resolver (ndots:2)"},
    {"dns-search", 0, CB_OPTION_LIST, AT(container.request.dns_search), "DOMAIN",
     "Domain that short names are looked up in"},
    {"entrypoint", 0, CB_OPTION_TEXT, AT(entrypoint), "PROGRAM",
     "Run this instead of the image's entrypoint; the image's command is dropped"},
    {"env", 'e', CB_OPTION_LIST, AT(container.request.env), "NAME[=VALUE]",
     "Set an environment variable; without a value it is taken from here"},
    {"env-file", 0, CB_OPTION_LIST, AT(env_files), "FILE",
     "Read environment variables from a file"},
    {"expose", 0, CB_OPTION_LIST, AT(container.request.expose), "PORT[/PROTOCOL]",
     "A port that -P publishes and links tell of"},
    {"group-add", 0, CB_OPTION_LIST, AT(container.request.groups), "GROUP",
     "Further groups of the user"},
    {"hostname", 'h', CB_OPTION_TEXT, AT(container.request.hostname), "NAME",
     "The container's host name"},
    {"init", 0, CB_OPTION_FLAG, AT(container.request.init), NULL,
     "Run an init that forwards signals and reaps processes"},
    {"interactive", 'i', CB_OPTION_FLAG, AT(container.request.interactive), NULL,
     "Pass standard input on"},
    {"ip", 0, CB_OPTION_TEXT, AT(container.request.ip), "ADDRESS",
     "IPv4 address on a network of one's own"},
    {"ip6", 0, CB_OPTION_TEXT, AT(container.request.ip6), "ADDRESS", "The same for IPv6"},
    {"ipc", 0, CB_OPTION_TEXT, AT(container.request.ipc), "MODE",
     "Its interprocess communication: private (default), none or host"},
    {"label", 'l', CB_OPTION_LIST, AT(labels), "KEY[=VALUE]", "Give it a label"},
    {"label-file", 0, CB_OPTION_LIST, AT(label_files), "FILE", "Read labels from a file"},
    {"link", 0, CB_OPTION_LIST, AT(container.request.links), "CONTAINER[:ALIAS]",
     "Tell it of another container, in /etc/hosts and variables"},
    {"log-driver", 0, CB_OPTION_TEXT, AT(container.log_driver), "DRIVER",
     "Where its output is kept: json-file (default) or none"},
    {"log-opt", 0, CB_OPTION_LIST, AT(container.log_opts), "KEY=VALUE",
     "max-size and max-file of its log"},
    {"mac-address", 0, CB_OPTION_TEXT, AT(container.request.mac), "ADDRESS",
     "Hardware address of eth0"},
    {"memory", 'm', CB_OPTION_TEXT, AT(container.request.limits.memory), "SIZE",
     "Memory limit (64m, 2g)"},
    {"memory-reservation", 0, CB_OPTION_TEXT,
     AT(container.request.limits.memory_reservation), "SIZE",
     "What it keeps when memory is short"},
    {"memory-swap", 0, CB_OPTION_TEXT, AT(container.request.limits.memory_swap), "SIZE",
     "Limit of memory and swap together; -1 for any (default: twice the memory)"},
    {"memory-swappiness", 0, CB_OPTION_TEXT,
     AT(container.request.limits.memory_swappiness), "N",
     "How readily it is swapped out (0 to 100)"},
    {"mount", 0, CB_OPTION_LIST, AT(container.mounts), "SPEC",
     "Mount something: type=volume|bind|tmpfs,source=…,target=…[,readonly]…"},
    {"name", 0, CB_OPTION_TEXT, AT(container.name), "NAME", "Name it"},
    {"net", 0, CB_OPTION_LIST, AT(container.request.networks), "NETWORK", NULL},
    {"net-alias", 0, CB_OPTION_LIST, AT(container.request.network_aliases), "NAME", NULL},
    {"network", 0, CB_OPTION_LIST, AT(container.request.networks), "NETWORK",
     "bridge (default), host, none, container:NAME, or the name of a network, also as "
     "name=NAME,alias=…,ip=…; several may be given"},
    {"network-alias", 0, CB_OPTION_LIST, AT(container.request.network_aliases), "NAME",
     "What others on the network call the container"},
    {"oom-kill-disable", 0, CB_OPTION_FLAG, AT(container.request.limits.oom_kill_disable),
     NULL, "Stop it at the limit of memory instead of killing it"},
    {"oom-score-adj", 0, CB_OPTION_TEXT, AT(container.request.oom_score_adj), "N",
     "How readily it is killed when memory runs out (-1000 to 1000)"},
    {"pid", 0, CB_OPTION_TEXT, AT(container.request.pid), "MODE",
     "host: the processes of the host are its own"},
    {"pids-limit", 0, CB_OPTION_TEXT, AT(container.request.limits.pids_limit), "N",
     "Number of processes it may have (default 4096; -1 for any)"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to run"},
    {"privileged", 0, CB_OPTION_FLAG, AT(container.request.privileged), NULL,
     "Give it all capabilities and devices, and hide nothing of the host"},
    {"publish", 'p', CB_OPTION_LIST, AT(container.request.publish),
     "[[IP:]HOST:]PORT[/PROTOCOL]", "Make a port reachable from outside; also a range"},
    {"publish-all", 'P', CB_OPTION_FLAG, AT(container.request.publish_all), NULL,
     "Publish all ports the image exposes"},
    {"pull", 0, CB_OPTION_TEXT, AT(pull), "POLICY",
     "When to pull the image: missing (default), always or never"},
    {"read-only", 0, CB_OPTION_FLAG, AT(container.request.read_only), NULL,
     "Make its filesystem read-only"},
    {"restart", 0, CB_OPTION_TEXT, AT(container.restart), "POLICY",
     "Start it again: no (default), on-failure[:N], always or unless-stopped"},
    {"rm", 0, CB_OPTION_FLAG, AT(container.remove), NULL,
     "Remove it when it ends, with its anonymous volumes"},
    {"security-opt", 0, CB_OPTION_LIST, AT(container.request.security_opts), "OPTION",
     "no-new-privileges, seccomp=FILE|unconfined, systempaths=unconfined, mask=PATH, "
     "unmask=PATH"},
    {"shm-size", 0, CB_OPTION_TEXT, AT(container.request.shm_size), "SIZE",
     "Size of /dev/shm (default 64m)"},
    {"stop-signal", 0, CB_OPTION_TEXT, AT(container.request.stop_signal), "SIGNAL",
     "What it gets when cbuild gets SIGTERM"},
    {"stop-timeout", 0, CB_OPTION_TEXT, AT(container.request.stop_timeout), "SECONDS",
     "How long after that it is killed"},
    {"sysctl", 0, CB_OPTION_LIST, AT(container.request.sysctls), "NAME=VALUE",
     "Set a setting of the kernel in its namespaces"},
    {"tmpfs", 0, CB_OPTION_LIST, AT(container.request.tmpfs), "PATH[:OPTIONS]",
     "Mount a tmpfs"},
    {"tty", 't', CB_OPTION_FLAG, AT(container.request.tty), NULL, "Give it a terminal"},
    {"ulimit", 0, CB_OPTION_LIST, AT(container.request.ulimits), "NAME=SOFT[:HARD]",
     "Limit its resources"},
    {"user", 'u', CB_OPTION_TEXT, AT(container.request.user), "USER[:GROUP]",
     "User and group"},
    {"userns", 0, CB_OPTION_TEXT, AT(container.request.userns), "MODE",
     "host: the user ids are those of the host (the default)"},
    {"uts", 0, CB_OPTION_TEXT, AT(container.request.uts), "MODE",
     "host: the host name is the one of the host"},
    {"volume", 'v', CB_OPTION_LIST, AT(container.request.volumes),
     "[SOURCE:]TARGET[:OPTIONS]", "Mount a directory of the host, or a volume"},
    {"volumes-from", 0, CB_OPTION_LIST, AT(container.volumes_from), "CONTAINER[:ro]",
     "Mount what another container has mounted"},
    {"workdir", 'w', CB_OPTION_TEXT, AT(container.request.workdir), "DIR",
     "Working directory; made if missing"},
    {0},
};

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
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--pull\": expected always, "
                            "missing or never",
                            text);
    return 0;
}

static void say_missing(const char *name)
{
    cb_auto_value(cb_strbuf) clean = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *tagged = NULL;

    if (cb_reference_parse(&reference, name, NULL) == 0) {
        cb_reference_default_tag(reference);
        name = tagged = cb_reference_familiar(reference);
    }
    cb_strbuf_add_escaped(&clean, name, strlen(name), 0);
    fprintf(stderr, "Unable to find image '%s' locally\n", cb_strbuf_text(&clean));
}

/* 1 found, 0 not there, or for another platform than was ASKED for. */
static int find_local(struct cb_store *store, const char *name,
                      const struct cb_platform *asked, struct cb_image **out,
                      struct cb_error **err)
{
    cb_auto(cb_image) meant = NULL;
    int by_id = 0;
    int found = cb_image_find_for(store, name, asked, out, &by_id, err);

    if (found <= 0 || !asked)
        return found;
    /* An id is nobody else's: there is no other to be pulled. */
    if (by_id)
        return cb_image_get_for(store, name, asked, &meant, NULL, err) < 0 ? -1 : 1;
    return cb_image_serves(store, name, *out, asked, err);
}

/* The image's documents and filesystem: from here, else pulled as docker does. */
static int find_image(struct cb_app *app, struct cb_store *store, const char *name,
                      const struct cb_platform *asked, enum cb_pull_policy policy,
                      struct cb_resolved_image **image, struct cb_snapshot **rootfs,
                      struct cb_error **err)
{
    cb_auto(cb_pool) pool = cb_pool_new(0, 4);
    cb_auto(cb_registry) registry = NULL;
    cb_auto(cb_progress) progress = NULL;
    cb_auto(cb_image) local = NULL;
    struct cb_platform host = cb_platform_host();
    const struct cb_platform *platform = asked ? asked : &host;
    struct cb_registry_options registry_options = {
        .store = store, .pool = pool, .cancel = app->cancel, .tls_verify = 1};
    const struct cb_settings *settings;
    int found =
        policy == CB_PULL_ALWAYS ? 0 : find_local(store, name, asked, &local, err);

    if (found < 0 || cb_app_settings(app, &settings, err) < 0)
        return -1;
    registry_options.settings = &settings->registry;
    if (!found && policy == CB_PULL_MISSING)
        say_missing(name);
    if (!found && cb_progress_new(&progress, NULL, err) < 0)
        return -1;
    registry_options.sink = progress ? cb_progress_sink(progress) : NULL;
    if (cb_registry_new(&registry, &registry_options, err) < 0)
        return -1;
    if (!found && policy != CB_PULL_NEVER) {
        struct cb_digest digest, id;
        int changed;

        if (cb_registry_pull(registry, name, platform, &digest, &id, &changed, err) < 0)
            return -1;
    }
    if (cb_registry_resolve(registry, name, platform, CB_PULL_NEVER, image, err) < 0)
        return -1;
    /* what is not unpacked yet; a step without a name is not shown */
    return cb_registry_fetch(registry, *image, 0, rootfs, err);
}

/* docker's 125 (us), 126 (cannot be executed), 127 (not found). */
int cb_run_fail(struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = cb_steal(err);
    enum cb_error_kind kind = cb_error_kind(error);

    if (kind == CB_ERR_CANCELED || kind == CB_ERR_USAGE)
        return cb_error_move(err, &error);
    cb_error_format(error, "cbuild", &text);
    fputs(cb_strbuf_text(&text), stderr);
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
        container->labels.count || container->mounts.count ||
        container->volumes_from.count || values->detach_keys || values->sig_proxy)
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
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_resolved_image) image = NULL;
    cb_auto(cb_snapshot) rootfs = NULL;
    int exit_code = 0;

    if (cb_app_store(app, 1, &store, err) < 0 ||
        cb_run_find_image(app, store, values, name, &image, &rootfs, err) < 0) {
        int status = cb_run_fail(err);

        return status == 127 || status == 126 ? 125 : status;
    }
    if (is_fleeting(values)) {
        if (cb_container_run(store, app->launcher, &values->container.request,
                             app->cancel, &exit_code, err) < 0)
            return cb_run_fail(err);
        return exit_code;
    }
    if (cb_run_kept(app, store, values, image, &exit_code, err) < 0)
        return cb_run_fail(err);
    return exit_code;
}

int cb_run_find_image(struct cb_app *app, struct cb_store *store,
                      struct cb_run_values *values, const char *name,
                      struct cb_resolved_image **image, struct cb_snapshot **rootfs,
                      struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;
    struct cb_platform buffer;
    const struct cb_platform *platform;
    enum cb_pull_policy policy;

    if (parse_pull(values->pull, &policy, err) < 0 ||
        cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        find_image(app, store, name, platform, policy, image, rootfs, err) < 0)
        return -1;
    request->config = (*image)->config;
    request->rootfs = *rootfs;
    request->image_name = name;
    return 0;
}

void cb_run_values_clear(struct cb_run_values *values)
{
    cb_container_options_clear(&values->container);
    cb_strings_free(&values->env_files);
    cb_strings_free(&values->labels);
    cb_strings_free(&values->label_files);
}

static int check_conflicts(const struct cb_container_options *options,
                           struct cb_error **err)
{
    struct cb_restart_policy policy;

    if (cb_restart_policy_parse(&policy, options->restart, err) < 0)
        return -1;
    if (options->remove && policy.kind != CB_RESTART_NO)
        return cb_error_set(err, CB_ERR_USAGE,
                            "conflicting options: cannot specify both --restart and "
                            "--rm");
    return 0;
}

int cb_run_parse(const struct cb_cli_command *command, int argc, char **argv,
                 struct cb_run_values *values, struct cb_strings *args,
                 struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;
    int status = cb_options_parse(command, argc, argv, 1, values, args, err);

    if (status)
        return status;
    if (cb_app_arguments(command, args, 1, -1, err) < 0 ||
        check_conflicts(&values->container, err) < 0 ||
        cb_run_read_files(values, err) < 0 || cb_joins_settle(request, err) < 0)
        return -1;
    for (size_t i = 1; i < args->count; i++)
        cb_strings_add(&request->command, args->items[i]);
    request->entrypoint = values->entrypoint;
    request->has_entrypoint = values->entrypoint != NULL;
    return 0;
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_run_values) values = {0};
    int status = cb_run_parse(&cb_run_command, argc, argv, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
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
    .run = run,
    .needs_launcher = 1,
    .usage_status = 125,
};
