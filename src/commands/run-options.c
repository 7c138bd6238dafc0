/* The options of `run` and `create`. */
#include "commands/run.h"

#include "base/log.h"
#include "base/text.h"
#include "container/joins.h"
#include "container/restart.h"

#include <string.h>
#include <strings.h>

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
    {"annotation", 0, CB_OPTION_LIST, AT(container.annotations), "KEY=VALUE",
     "A note for who inspects it"},
    {"attach", 'a', CB_OPTION_LIST, AT(container.attach), "STREAM",
     "Attach to stdin, stdout or stderr only"},
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
    {"cpu-rt-period", 0, CB_OPTION_TEXT, AT(container.request.limits.cpu_rt_period),
     "MICROSECONDS", "Length of a period of --cpu-rt-runtime"},
    {"cpu-rt-runtime", 0, CB_OPTION_TEXT, AT(container.request.limits.cpu_rt_runtime),
     "MICROSECONDS", "Real-time processor time in a period"},
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
    {"device-cgroup-rule", 0, CB_OPTION_LIST, AT(container.request.device_rules),
     "TYPE MAJOR:MINOR RWM", "Let it use devices by number, also nodes that it makes"},
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
    {"disable-content-trust", 0, CB_OPTION_ACCEPTED, 0, NULL, NULL},
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
    {"gpus", 0, CB_OPTION_TEXT, AT(gpus), "all|N|device=ID,...",
     "Give it graphics processors: CDI devices nvidia.com/gpu=..."},
    {"group-add", 0, CB_OPTION_LIST, AT(container.request.groups), "GROUP",
     "Further groups of the user"},
    {"health-cmd", 0, CB_OPTION_TEXT, AT(container.health.command), "COMMAND",
     "Find out by this whether it is well"},
    {"health-interval", 0, CB_OPTION_TEXT, AT(container.health.interval), "TIME",
     "Do that so often (default 30s)"},
    {"health-retries", 0, CB_OPTION_TEXT, AT(container.health.retries), "N",
     "Failures in a row that make it unhealthy (default 3)"},
    {"health-start-interval", 0, CB_OPTION_TEXT, AT(container.health.start_interval),
     "TIME", "How often it is done while it begins (default 5s)"},
    {"health-start-period", 0, CB_OPTION_TEXT, AT(container.health.start_period), "TIME",
     "Time to begin, in which failures do not count"},
    {"health-timeout", 0, CB_OPTION_TEXT, AT(container.health.timeout), "TIME",
     "How long one such command may take (default 30s)"},
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
     "Its interprocess communication: private (default), "
     "none, shareable, host or container:NAME"},
    {"label", 'l', CB_OPTION_LIST, AT(labels), "KEY[=VALUE]", "Give it a label"},
    {"label-file", 0, CB_OPTION_LIST, AT(label_files), "FILE", "Read labels from a file"},
    {"link", 0, CB_OPTION_LIST, AT(container.request.links), "CONTAINER[:ALIAS]",
     "Tell it of another container, in /etc/hosts and variables"},
    {"log-driver", 0, CB_OPTION_TEXT, AT(container.log_driver), "DRIVER",
     "Who keeps its output: json-file, journald or none"},
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
     "Mount a volume, bind, tmpfs or image: type=TYPE,source=...,target=...[,readonly]"},
    {"name", 0, CB_OPTION_TEXT, AT(container.name), "NAME", "Name it"},
    {"net", 0, CB_OPTION_LIST, AT(container.request.networks), "NETWORK", NULL},
    {"net-alias", 0, CB_OPTION_LIST, AT(container.request.network_aliases), "NAME", NULL},
    {"network", 0, CB_OPTION_LIST, AT(container.request.networks), "NETWORK",
     "bridge (default), host, none, container:NAME, or the name of a network, also as "
     "name=NAME,alias=NAME,ip=ADDRESS; several may be given"},
    {"network-alias", 0, CB_OPTION_LIST, AT(container.request.network_aliases), "NAME",
     "What others on the network call the container"},
    {"no-healthcheck", 0, CB_OPTION_FLAG, AT(container.health.none), NULL,
     "Do not find out whether it is well"},
    {"oom-kill-disable", 0, CB_OPTION_FLAG, AT(container.request.limits.oom_kill_disable),
     NULL, "Stop it at the limit of memory instead of killing it"},
    {"oom-score-adj", 0, CB_OPTION_TEXT, AT(container.request.oom_score_adj), "N",
     "How readily it is killed when memory runs out (-1000 to 1000)"},
    {"pid", 0, CB_OPTION_TEXT, AT(container.request.pid), "MODE",
     "Whose processes are its own: host or container:NAME"},
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
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Do not show how it is pulled"},
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
    {"volume-driver", 0, CB_OPTION_TEXT, AT(container.volume_driver), "DRIVER",
     "What makes volumes: only local, as without it"},
    {"volumes-from", 0, CB_OPTION_LIST, AT(container.volumes_from), "CONTAINER[:ro]",
     "Mount what another container has mounted"},
    {"workdir", 'w', CB_OPTION_TEXT, AT(container.request.workdir), "DIR",
     "Working directory; made if missing"},
    {0},
};

#define FOR_WINDOWS "it is for Windows; on Linux "

const struct cb_absent_option cb_run_absent[] = {
    {"cpu-count", 0, FOR_WINDOWS "--cpus limits processors"},
    {"cpu-percent", 0, FOR_WINDOWS "--cpus limits processors"},
    {"io-maxbandwidth", 0, FOR_WINDOWS "--device-read-bps limits a device"},
    {"io-maxiops", 0, FOR_WINDOWS "--device-read-iops limits a device"},
    {"isolation", 0, "containers run in cbuild's own sandbox: leave the option out"},
    {"kernel-memory", 0, "--memory counts the kernel's memory as well"},
    {"link-local-ip", 0, "--ip and --ip6 name its addresses"},
    {"runtime", 0, "containers run in cbuild's own sandbox: leave the option out"},
    {"storage-opt", 0,
     "its files have all the room of the store's filesystem; --tmpfs "
     "PATH:size=N bounds a directory"},
    {"use-api-socket", 0, "there is no daemon whose socket could be shared"},
    {0},
};
const struct cb_harmless_option cb_run_harmless[] = {
    {"isolation", "|default"},
    {"runtime", "|runc|io.containerd.runc.v2"},
    {0},
};

void cb_run_values_clear(struct cb_run_values *values)
{
    cb_container_options_clear(&values->container);
    cb_strings_free(&values->env_files);
    cb_strings_free(&values->labels);
    cb_strings_free(&values->label_files);
}

int cb_run_parse_sig_proxy(const char *text, int *keep, struct cb_error **err)
{
    int proxy = 1;

    if (text && *text && !cb_parse_bool(text, &proxy))
        return cb_error_flag(err, text, "--sig-proxy", "expected true or false");
    *keep = !proxy;
    return 0;
}

static int check_streams(const struct cb_run_values *values, struct cb_error **err)
{
    static const char *const streams[] = {"stdin", "stdout", "stderr"};

    cb_vec_foreach (text, &values->container.attach) {
        int known = 0;

        for (size_t i = 0; i < CB_ARRAY_SIZE(streams); i++)
            known |= strcasecmp(*text, streams[i]) == 0;
        if (!known)
            return cb_error_flag(err, *text, "-a, --attach",
                                 "valid streams are STDIN, STDOUT and STDERR");
    }
    return 0;
}

static int check_restart(const struct cb_container_options *options,
                         struct cb_error **err)
{
    struct cb_restart_policy policy;

    if (cb_restart_policy_parse(&policy, options->restart, err) < 0)
        return -1;
    if (options->remove && policy.kind != CB_RESTART_NO)
        return cb_error_set(err, CB_ERR_FLAG,
                            "conflicting options: cannot specify both --restart and "
                            "--rm");
    return 0;
}

static int check_annotations(const struct cb_container_options *options,
                             struct cb_error **err)
{
    cb_vec_foreach (text, &options->annotations) {
        if (**text == '=' || !strchr(*text, '='))
            return cb_error_flag(err, *text, "--annotation", "expected KEY=VALUE");
    }
    return 0;
}

static int check_volume_driver(const char *driver, struct cb_error **err)
{
    if (!driver || !*driver || strcmp(driver, "local") == 0)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "docker's --volume-driver is not here");
    return cb_error_hint(err, "volumes are the local driver's; -o of `cbuild volume "
                              "create` mounts others");
}

static void warn_of_limits(const struct cb_limit_options *limits)
{
    if (limits->oom_kill_disable &&
        (!limits->memory || !strtoull(limits->memory, NULL, 10)))
        cb_warn("Disabling the OOM killer on containers without setting a '-m/--memory' "
                "limit may be dangerous.");
}

/* What is said twice in the same words is meant once. */
static void drop_repeated(struct cb_strings *texts)
{
    cb_auto_value(cb_strings) kept = {0};

    cb_vec_foreach (text, texts)
        cb_strings_add_once(&kept, *text);
    cb_strings_free(texts);
    *texts = kept;
    kept = (struct cb_strings){0};
}

static int settle(struct cb_run_values *values, struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;

    if (check_streams(values, err) < 0 || cb_run_read_files(values, err) < 0 ||
        check_annotations(&values->container, err) < 0 ||
        check_volume_driver(values->container.volume_driver, err) < 0 ||
        cb_run_take_gpus(values->gpus, &request->devices, err) < 0)
        return -1;
    drop_repeated(&request->volumes);
    warn_of_limits(&request->limits);
    return cb_joins_settle(request, err);
}

/* To docker these are not there when they are empty: scripts write `--name "$NAME"`. */
static void drop_empty(struct cb_run_values *values)
{
    struct cb_container_options *container = &values->container;
    struct cb_run_request *request = &container->request;
    const char **const texts[] = {
        &container->name, &container->log_driver, &request->hostname,
        &request->ip,     &request->ip6,          &request->mac,
        &values->cidfile, &values->pull,          &request->stop_signal,
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(texts); i++)
        if (*texts[i] && !**texts[i])
            *texts[i] = NULL;
}

/* Options that cannot be are docker's 125, whatever is wrong with them; but not words
 * that are missing, which are its 1. */
int cb_run_parse(const struct cb_cli_command *command, int argc, char **argv,
                 struct cb_run_values *values, struct cb_strings *args,
                 struct cb_error **err)
{
    struct cb_run_request *request = &values->container.request;
    int status;

    request->init = -1; /* not said; see cb_run_add_defaults */
    status = cb_options_parse(command, argc, argv, 1, values, args, err);
    if (status > 0)
        return status;
    if (status == 0 && cb_command_check_args(command, args, 1, -1, err) < 0)
        return -1;
    drop_empty(values);
    if (status < 0 || settle(values, err) < 0) {
        cb_error_set_kind(err, CB_ERR_FLAG);
        return -1;
    }
    if (check_restart(&values->container, err) < 0)
        return -1;
    for (size_t i = 1; i < args->count; i++)
        cb_strings_add(&request->command, args->items[i]);
    request->entrypoint = values->entrypoint;
    request->has_entrypoint = values->entrypoint != NULL;
    return 0;
}
