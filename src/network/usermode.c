/* Networks without root: a program on the host's side of a tap device passes on what the
 * namespace sends, as an ordinary user. pasta (package passt) comes first, slirp4netns
 * second, and before it where names need a resolver that the first cannot pass on to.
 *
 * Both are given the address a private bridge would have, so that steps see the same with
 * root and without. Neither lets anything in or reaches what listens on the host's
 * loopback: that is what --no-map-gw and --disable-host-loopback are for, and the four
 * `none`s of pasta, which else passes on whatever port somebody listens on.
 *
 * A program that was started must end with us, also when we are killed. slirp4netns
 * watches a pipe of ours by itself; pasta is started by a shell that does. */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define HELPER_TIMEOUT_MS 20000
#define TUN_DEVICE        "/dev/net/tun"
#define NETNS_PATH        "/proc/version" /* any file would do, but this one is everywhere */

struct usermode {
    struct cb_helper *helper;
    int alive; /* the end of the pipe whose closing ends the helper */
    int pid_fd;
    char *pid_file; /* for who outlives us; NULL: none */
};

static void usermode_free(struct usermode *usermode)
{
    struct pollfd wait;

    if (!usermode)
        return;
    cb_close(&usermode->alive);
    if (usermode->pid_fd >= 0) {
        wait = (struct pollfd){.fd = usermode->pid_fd, .events = POLLIN};
        syscall(SYS_pidfd_send_signal, usermode->pid_fd, SIGKILL, NULL, 0);
        poll(&wait, 1, 1000);
    }
    cb_close(&usermode->pid_fd);
    cb_helper_stop(usermode->helper);
    if (usermode->pid_file)
        unlink(usermode->pid_file);
    free(usermode->pid_file);
    free(usermode);
}
CB_AUTO_DEFINE(usermode, usermode_free)

static void tear_down(void *state)
{
    usermode_free(state);
}

static struct usermode *usermode_new(void)
{
    struct usermode *usermode = xcalloc(1, sizeof(*usermode));

    usermode->alive = usermode->pid_fd = -1;
    return usermode;
}

int cb_usermode_alive(const struct cb_network *network)
{
    const struct usermode *usermode =
        network->backend == &cb_backend_pasta || network->backend == &cb_backend_slirp
            ? network->state
            : NULL;

    return usermode ? usermode->alive : -1;
}

static int check(const char *program, const char *package, struct cb_error **err)
{
    cb_autofree char *path = cb_subprocess_find(program);

    if (!path) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "%s is not installed", program);
        return cb_error_hint(err, "install the package %s", package);
    }
    if (access(TUN_DEVICE, R_OK | W_OK) == 0)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED, "%s: `" TUN_DEVICE "`: %s", program,
                 strerror(errno));
    return cb_error_hint(err, "it is for everybody (mode 0666) where udev runs");
}

static int check_pasta(struct cb_error **err)
{
    return check("pasta", "passt", err);
}

static int check_slirp(struct cb_error **err)
{
    return check("slirp4netns", "slirp4netns", err);
}

/* On a network that people made, nobody else is met this way; on an internal one there is
 * nothing at all but lo. */
static int is_alone(const struct cb_network *network)
{
    if (network->def)
        cb_warn("network %s: containers on it do not reach each other here",
                network->def->name);
    return network->def && network->def->internal;
}

/* ── The address ── */

struct plan {
    struct cb_cidr subnet;
    struct cb_ip gateway, address;
    char address_text[CB_IP_MAX_TEXT], gateway_text[CB_IP_MAX_TEXT],
        subnet_text[CB_CIDR_MAX_TEXT], bits[12], mtu[12];
};

/* A named network's subnet, else the first private one that the host does not use. The
 * hub's is none that anybody could choose for a network in it. */
static struct cb_cidr pick_subnet(const struct cb_network *network)
{
    unsigned number = 0;
    struct cb_cidr subnet = cb_private_subnet(0);

    if (strcmp(network->mode, CB_HUB_MODE) == 0)
        return (struct cb_cidr){.ip = {AF_INET, {169, 254, 213, 0}}, .bits = 24};
    if (network->def)
        for (size_t i = 0; i < network->def->subnet_count; i++)
            if (network->def->subnets[i].subnet.ip.family == AF_INET)
                return network->def->subnets[i].subnet;
    while (++number < CB_PRIVATE_SUBNETS && cb_routes_cover(&subnet, NULL, NULL))
        subnet = cb_private_subnet(number);
    return subnet;
}

static void make_plan(struct plan *out, const struct cb_network *network)
{
    out->subnet = pick_subnet(network);
    out->gateway = out->subnet.ip;
    cb_ip_increment(&out->gateway);
    out->address = out->gateway;
    cb_ip_increment(&out->address);
    if (network->ip)
        cb_ip_parse(&out->address, network->ip);
    cb_ip_text(&out->gateway, out->gateway_text);
    cb_ip_text(&out->address, out->address_text);
    cb_cidr_text(&out->subnet, out->subnet_text);
    snprintf(out->bits, sizeof(out->bits), "%u", out->subnet.bits);
    snprintf(out->mtu, sizeof(out->mtu), "%u", cb_routes_mtu());
}

/* The host's own address is an ordinary one of the outside. */
static void fill_facts(struct cb_network *network, const struct plan *plan)
{
    network->facts =
        (struct cb_network_facts){.address = plan->address, .bits = plan->subnet.bits};
    cb_routes_own_address(&network->facts.host);
}

/* ── pasta ── */

struct pasta_start {
    struct usermode *usermode;
    const struct cb_strings *argv;
    int watched;
    struct cb_cancel *cancel;
    struct cb_error **err;
};

static int start_pasta(void *arg)
{
    struct pasta_start *start = arg;
    cb_autofree char **argv = cb_strings_argv(start->argv);
    struct cb_subprocess_options options = {.argv = (const char *const *)argv,
                                            .cwd_fd = -1,
                                            .inherit_fd = start->watched,
                                            .timeout_ms = HELPER_TIMEOUT_MS,
                                            .cancel = start->cancel};

    return cb_helper_start(&start->usermode->helper, &options, "ready\n", start->err);
}

/* "-t 127.0.0.1/8080:80", one for each port; "-t none" without any. */
static void add_ports(struct cb_strings *argv, const struct cb_ports *ports,
                      const char *protocol, const char *option)
{
    size_t before = argv->count;

    for (size_t i = 0; i < ports->count; i++) {
        const struct cb_port *port = &ports->items[i];

        if (strcmp(port->protocol, protocol) != 0)
            continue;
        cb_strings_add(argv, option);
        cb_strings_addf(argv, "%s%s%u:%u", port->host_ip, *port->host_ip ? "/" : "",
                        port->host, port->container);
    }
    if (argv->count > before)
        return;
    cb_strings_add(argv, option);
    cb_strings_add(argv, "none");
}

/* The shell that starts pasta: $0 is the file for its process id, $1 the descriptor that
 * ends with us. pasta goes into the background when the network is there. Some shells
 * know descriptors of one digit only. */
static const char guard[] = "file=$0 watched=$1; shift\n"
                            "\"$@\" </dev/null >/dev/null || exit 1\n"
                            "pid=$(cat \"$file\")\n"
                            "echo ready\n"
                            "read -r _ </proc/self/fd/\"$watched\"\n"
                            "kill -9 \"$pid\" 2>/dev/null\n"
                            "rm -f \"$file\"\n";

/* The networks that share this way out may have IPv6; a private one has none, as with
 * root. Theirs is translated twice, so its addresses need be nobody's. */
static void add_families(struct cb_strings *argv, const struct cb_network *network)
{
    static const char *const wide[] = {"--address", "fd63:6275:696c:64::2", "--gateway",
                                       "fd63:6275:696c:64::1"};

    if (strcmp(network->mode, CB_HUB_MODE) != 0 || !cb_routes_lead_out(AF_INET6)) {
        cb_strings_add(argv, "--ipv4-only");
        return;
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(wide); i++)
        cb_strings_add(argv, wide[i]);
}

static void pasta_argv(struct cb_strings *argv, const struct cb_network *network,
                       const struct plan *plan, const char *program, const char *pid_file,
                       int watched)
{
    const char *const fixed[] = {
        program,       "--quiet",  "--config-net", "--netns-only",
        "--no-map-gw", "--no-ra",  "--address",    plan->address_text,
        "--netmask",   plan->bits, "--gateway",    plan->gateway_text,
        "--ns-ifname", "eth0",     "--mtu",        plan->mtu,
        "-T",          "none",     "-U",           "none",
        "--pid",       pid_file,   "--netns",      NETNS_PATH};

    cb_strings_add(argv, "sh");
    cb_strings_add(argv, "-c");
    cb_strings_add(argv, guard);
    cb_strings_add(argv, pid_file);
    cb_strings_addf(argv, "%d", watched);
    for (size_t i = 0; i < CB_ARRAY_SIZE(fixed); i++)
        cb_strings_add(argv, fixed[i]);
    add_families(argv, network);
    add_ports(argv, &network->ports, "tcp", "-t");
    add_ports(argv, &network->ports, "udp", "-u");
    if (cb_netns_is_ours()) { /* it would become nobody, who may not join a network */
        cb_strings_add(argv, "--runas");
        cb_strings_add(argv, "0:0");
    }
}

/* The process that went into the background, to be ended for certain. */
static int find_pasta(struct usermode *usermode, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    long pid;

    if (cb_fs_read_file(AT_FDCWD, usermode->pid_file, 64, &text, err) < 0)
        return -1;
    pid = strtol(cb_strbuf_text(&text), NULL, 10);
    if (pid > 1)
        usermode->pid_fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (usermode->pid_fd < 0)
        return cb_error_set(err, CB_ERR_SYSTEM, "pasta ended at once");
    return 0;
}

static int run_pasta(struct usermode *usermode, const struct cb_network *network,
                     const struct plan *plan, int fd, struct cb_cancel *cancel,
                     struct cb_error **err)
{
    cb_auto_value(cb_strings) argv = {0};
    cb_autofree char *program = cb_subprocess_find("pasta");
    struct pasta_start start = {
        .usermode = usermode, .argv = &argv, .cancel = cancel, .err = err};
    int ends[2], status;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return cb_error_errno(err, errno, "pipe");
    usermode->alive = ends[1];
    start.watched = ends[0];
    pasta_argv(&argv, network, plan, program, usermode->pid_file, ends[0]);
    status = cb_netns_with_path(fd, NETNS_PATH, start_pasta, &start, err);
    cb_close(&ends[0]);
    return status < 0 ? -1 : find_pasta(usermode, err);
}

static int make_pid_file(struct usermode *usermode, const char *dir,
                         struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%s/pasta-XXXXXX", dir);
    cb_autofd int fd = -1;

    if (cb_fs_mkdirs(dir, 0700, err) < 0)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s`", path);
    usermode->pid_file = cb_steal(&path);
    return 0;
}

static int refuse_sctp(const struct cb_network *network, struct cb_error **err)
{
    for (size_t i = 0; i < network->ports.count; i++)
        if (strcmp(network->ports.items[i].protocol, "sctp") == 0)
            return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                "publishing ports of SCTP takes root");
    return 0;
}

/* pasta opens the ports itself. */
static int set_up_pasta(struct cb_network *network, int fd, void **state,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(usermode) usermode = usermode_new();
    struct plan plan;

    if (refuse_sctp(network, err) < 0 || check_pasta(err) < 0)
        return -1;
    if (is_alone(network))
        return 0;
    if (!network->dns.count && !cb_dns_is_reachable())
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "pasta does not pass questions on to name servers on the "
                            "host's loopback");
    if (make_pid_file(usermode, network->state_dir, err) < 0)
        return -1;
    make_plan(&plan, network);
    cb_ports_leave_ipv6(network);
    cb_ports_let_go(network);
    if (run_pasta(usermode, network, &plan, fd, cancel, err) < 0)
        return -1;
    fill_facts(network, &plan);
    *state = cb_steal(&usermode);
    return 0;
}

/* ── slirp4netns ── */

/* Its name server is .3 of the subnet, its gateway .2, the guest .100. */
static struct cb_ip member(const struct plan *plan, unsigned char last)
{
    struct cb_ip ip = plan->subnet.ip;

    ip.bytes[3] = last;
    return ip;
}

static int run_slirp(struct usermode *usermode, const struct plan *plan, int fd,
                     const char *control, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *netns = xasprintf("/proc/%d/fd/%d", getpid(), fd);
    cb_autofree char *exit_fd = NULL;
    int ends[2], status;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return cb_error_errno(err, errno, "pipe");
    usermode->alive = ends[1];
    exit_fd = xasprintf("--exit-fd=%d", ends[0]);
    const char *const argv[] = {"slirp4netns",
                                "--configure",
                                "--disable-host-loopback",
                                "--enable-sandbox",
                                "--enable-seccomp",
                                "--netns-type=path",
                                "--ready-fd=1",
                                "--mtu",
                                plan->mtu,
                                "--cidr",
                                plan->subnet_text,
                                "--api-socket",
                                control,
                                exit_fd,
                                netns,
                                "eth0",
                                NULL};
    struct cb_subprocess_options options = {.argv = argv,
                                            .cwd_fd = -1,
                                            .inherit_fd = ends[0],
                                            .timeout_ms = HELPER_TIMEOUT_MS,
                                            .cancel = cancel};
    status = cb_helper_start(&usermode->helper, &options, "1", err);
    cb_close(&ends[0]);
    return status;
}

/* Its ports are opened by commands on a socket, which is gone when they are. */
static int start_slirp(struct usermode *usermode, struct cb_network *network,
                       const struct plan *plan, int fd, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    cb_auto(cb_slirp_control) control = NULL;

    if (cb_slirp_control_new(&control, network->state_dir, err) < 0 ||
        run_slirp(usermode, plan, fd, cb_slirp_control_path(control), cancel, err) < 0)
        return -1;
    cb_ports_leave_ipv6(network);
    cb_ports_let_go(network);
    return cb_slirp_publish(control, &network->ports, plan->address_text, err);
}

static int set_up_slirp(struct cb_network *network, int fd, void **state,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(usermode) usermode = usermode_new();
    struct plan plan;

    if (refuse_sctp(network, err) < 0 || check_slirp(err) < 0)
        return -1;
    if (is_alone(network))
        return 0;
    make_plan(&plan, network);
    if (plan.subnet.bits > 24)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "slirp4netns: `%s` is too small",
                            plan.subnet_text);
    plan.address = member(&plan, 100);
    cb_ip_text(&plan.address, plan.address_text);
    if (start_slirp(usermode, network, &plan, fd, cancel, err) < 0)
        return -1;
    fill_facts(network, &plan);
    if (!cb_dns_is_reachable())
        network->facts.resolver = member(&plan, 3);
    *state = cb_steal(&usermode);
    return 0;
}

const struct cb_network_backend cb_backend_pasta = {.name = "pasta",
                                                    .check = check_pasta,
                                                    .set_up = set_up_pasta,
                                                    .tear_down = tear_down};
const struct cb_network_backend cb_backend_slirp = {.name = "slirp4netns",
                                                    .check = check_slirp,
                                                    .set_up = set_up_slirp,
                                                    .tear_down = tear_down};
