/* A private bridge with masquerading, by netavark: a /24 of its own for each running
 * cbuild, so that nothing of two builds or of the host's loopback meets.
 *
 * A bridge is known by a number from 0: interface cbuild<n>, subnet 10.213.<n>.0/24, lock
 * /run/cbuild/bridge-<n>. The lowest number is taken whose lock is free and whose subnet
 * no route of the host covers. A process that was killed leaves its bridge and firewall
 * rules behind; the next one with that number sets up over them, and whoever takes its
 * own network down takes those of the dead along. */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCK_DIR       "/run/cbuild"
#define BRIDGES        256
#define HELPER_TIMEOUT 30000

struct bridge {
    int number;
    int netns;
    struct cb_lock *lock;
    char *program;
    char *config;
};

static void bridge_free(struct bridge *bridge)
{
    if (!bridge)
        return;
    cb_close(&bridge->netns);
    cb_lock_release(bridge->lock);
    free(bridge->program);
    free(bridge->config);
    free(bridge);
}
CB_AUTO_DEFINE(bridge, bridge_free)

/* Does a route of the host (other than the default) lead into 10.213.NUMBER.0/24?
 * /proc/net/route has addresses in network byte order printed as host integers. Our own
 * leftover bridge does not count. */
static int subnet_is_taken(int number, const struct cb_strbuf *routes)
{
    unsigned subnet = 10u | 213u << 8 | (unsigned)number << 16;
    cb_autofree char *own = xasprintf("cbuild%d", number);
    const char *line = strchr(cb_strbuf_text(routes), '\n');

    for (; line && line[1]; line = strchr(line + 1, '\n')) {
        char name[32];
        unsigned destination, gateway, mask;

        if (sscanf(line + 1, "%31s %x %x %*x %*d %*d %*d %x", name, &destination,
                   &gateway, &mask) != 4)
            continue;
        if (mask && strcmp(name, own) != 0 &&
            (subnet & mask & 0xffffff) == (destination & mask & 0xffffff))
            return 1;
    }
    return 0;
}

static int take_number(struct bridge *bridge, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) routes = {0};
    cb_autofd int dir = -1;

    if (cb_fs_mkdirs(LOCK_DIR, 0700, err) < 0)
        return -1;
    dir = open(LOCK_DIR, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (dir < 0)
        return cb_error_errno(err, errno, "open `%s`", LOCK_DIR);
    if (cb_fs_read_file(AT_FDCWD, "/proc/net/route", 1 << 20, &routes, NULL) < 0)
        cb_debug("no /proc/net/route: any subnet is taken to be free");
    for (int number = 0; number < BRIDGES; number++) {
        cb_autofree char *name = xasprintf("bridge-%d", number);
        int taken;

        if (subnet_is_taken(number, &routes))
            continue;
        taken = cb_lock_try(&bridge->lock, dir, name, CB_LOCK_EXCLUSIVE, err);
        if (taken < 0)
            return -1;
        if (taken) {
            bridge->number = number;
            return 0;
        }
    }
    cb_error_set(err, CB_ERR_EXISTS, "all %d private networks are in use", BRIDGES);
    return cb_error_hint(err, "use --network=host or --network=none");
}

static unsigned interface_mtu(const char *name)
{
    struct ifreq request = {0};
    cb_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", name);
    return fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : 0;
}

/* The smallest frame of the default routes: without it, large packets vanish behind a
 * host whose own link is narrower than the bridge's 1500. */
static unsigned host_mtu(void)
{
    cb_auto_value(cb_strbuf) routes = {0};
    unsigned least = 1500;
    const char *line;

    if (cb_fs_read_file(AT_FDCWD, "/proc/net/route", 1 << 20, &routes, NULL) < 0)
        return least;
    line = strchr(cb_strbuf_text(&routes), '\n');
    for (; line && line[1]; line = strchr(line + 1, '\n')) {
        unsigned destination, mask, mtu;
        char name[32];

        if (sscanf(line + 1, "%31s %x %*x %*x %*d %*d %*d %x", name, &destination,
                   &mask) != 3 ||
            destination || mask)
            continue;
        mtu = interface_mtu(name);
        if (mtu >= 576 && mtu < least)
            least = mtu;
    }
    return least;
}

static char *bridge_config(int number)
{
    return xasprintf(
        "{\"container_id\":\"cbuild%d\",\"container_name\":\"cbuild%d\","
        "\"networks\":{\"cbuild%d\":{\"static_ips\":[\"10.213.%d.2\"],"
        "\"interface_name\":\"eth0\"}},"
        "\"network_info\":{\"cbuild%d\":{\"name\":\"cbuild%d\",\"id\":\"%064x\","
        "\"driver\":\"bridge\",\"network_interface\":\"cbuild%d\","
        "\"subnets\":[{\"subnet\":\"10.213.%d.0/24\",\"gateway\":\"10.213.%d.1\"}],"
        "\"options\":{\"mtu\":\"%u\"},\"ipv6_enabled\":false,\"internal\":false,\"dns_"
        "enabled\":false,"
        "\"ipam_options\":{\"driver\":\"host-local\"}}}}",
        number, number, number, number, number, number, number + 1, number, number,
        number, host_mtu());
}

/* netavark starts iptables, which is not on everybody's PATH. */
static int run_helper(const struct bridge *bridge, const char *verb,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    cb_autofree char *netns = xasprintf("/proc/%d/fd/%d", getpid(), bridge->netns);
    const char *const argv[] = {bridge->program, verb, netns, NULL};
    struct cb_subprocess_options options = {.argv = argv,
                                            .env = env,
                                            .cwd_fd = -1,
                                            .inherit_fd = -1,
                                            .input = bridge->config,
                                            .input_len = strlen(bridge->config),
                                            .timeout_ms = HELPER_TIMEOUT,
                                            .cancel = cancel};
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_value(cb_strbuf) errors = {0};
    int exit_code;

    if (cb_subprocess_run(&options, &out, &errors, &exit_code, err) < 0)
        return -1;
    if (exit_code == 0)
        return 0;
    cb_error_set(err, CB_ERR_SYSTEM, "netavark %s failed: %s", verb,
                 out.len ? cb_strbuf_text(&out) : cb_strbuf_text(&errors));
    return cb_error_hint(err, "--network=host and --network=none do without it");
}

static int set_up(void **state, const char *state_dir, struct cb_cancel *cancel, int *fd,
                  struct cb_error **err)
{
    cb_auto(bridge) bridge = xcalloc(1, sizeof(*bridge));

    bridge->netns = -1;
    bridge->program = cb_subprocess_find("netavark");
    if (!bridge->program) {
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "netavark is not installed; it makes the private "
                     "network of steps and containers");
        return cb_error_hint(err,
                             "install the package netavark, or use --network=host or "
                             "--network=none");
    }
    if (take_number(bridge, err) < 0 || cb_netns_new(&bridge->netns, err) < 0)
        return -1;
    bridge->config = bridge_config(bridge->number);
    if (run_helper(bridge, "setup", cancel, err) < 0)
        return -1;
    *fd = fcntl(bridge->netns, F_DUPFD_CLOEXEC, 3);
    if (*fd < 0)
        return cb_error_errno(err, errno, "dup");
    *state = cb_steal(&bridge);
    return 0;
}

/* The bridge NUMBER belongs to nobody alive. netavark takes down only what is complete,
 * so its missing end is made first. */
static int remove_leftover(int dir, int number, struct cb_error **err)
{
    cb_auto(bridge) bridge = xcalloc(1, sizeof(*bridge));
    cb_autofree char *name = xasprintf("bridge-%d", number);
    int taken;

    bridge->netns = -1;
    taken = cb_lock_try(&bridge->lock, dir, name, CB_LOCK_EXCLUSIVE, err);
    if (taken <= 0)
        return taken;
    bridge->number = number;
    bridge->program = cb_subprocess_find("netavark");
    bridge->config = bridge_config(number);
    if (!bridge->program || cb_netns_new(&bridge->netns, err) < 0 ||
        run_helper(bridge, "setup", NULL, err) < 0)
        return -1;
    return run_helper(bridge, "teardown", NULL, err);
}

static void remove_leftovers(int own)
{
    cb_autofd int dir = open(LOCK_DIR, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

    for (int number = 0; dir >= 0 && number < BRIDGES; number++) {
        cb_autofree char *name = xasprintf("cbuild%d", number);
        cb_auto(cb_error) error = NULL;

        if (number != own && if_nametoindex(name) &&
            remove_leftover(dir, number, &error) < 0)
            cb_debug("%s", cb_error_message(error));
    }
}

static void tear_down(void *state)
{
    cb_auto(bridge) bridge = state;
    cb_auto(cb_error) error = NULL;

    if (run_helper(bridge, "teardown", NULL, &error) < 0)
        cb_warn("%s", cb_error_message(error));
    remove_leftovers(bridge->number);
}

const struct cb_network_class cb_network_bridge = {
    .mode = "bridge", .set_up = set_up, .tear_down = tear_down};
