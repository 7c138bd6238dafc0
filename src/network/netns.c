/* Network namespaces. The process stays where it is: a thread of its own moves into a new
 * namespace, does what is to be done there, and ends. */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/thread.h"
#include "network/links-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct attempt {
    int without_ipv6;
    int fd;
    int errnum;
    const char *what;
};

static int bring_lo_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    cb_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return -1;
    request.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request);
}

/* A kernel without IPv6 has nothing to switch off. */
static void switch_ipv6_off(void)
{
    cb_link_sysctl("1", "ipv6/conf/all/disable_ipv6");
    cb_link_sysctl("1", "ipv6/conf/default/disable_ipv6");
}

static void *make(void *arg)
{
    struct attempt *attempt = arg;

    attempt->what = "unshare the network namespace";
    if (unshare(CLONE_NEWNET) == 0) {
        attempt->what = "bring lo up";
        if (attempt->without_ipv6)
            switch_ipv6_off();
        if (bring_lo_up() == 0) {
            attempt->what = "open /proc/thread-self/ns/net";
            attempt->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        }
    }
    if (attempt->fd < 0)
        attempt->errnum = errno;
    return NULL;
}

int cb_netns_new(int without_ipv6, int *fd, struct cb_error **err)
{
    struct attempt attempt = {.without_ipv6 = without_ipv6, .fd = -1};
    pthread_t thread;
    int errnum = cb_thread_start(&thread, make, &attempt);

    if (errnum)
        return cb_error_errno(err, errnum, "start a thread");
    pthread_join(thread, NULL);
    if (attempt.fd < 0) {
        cb_error_errno(err, attempt.errnum, "%s", attempt.what);
        return attempt.errnum == EPERM
                   ? cb_error_hint(err, "in a container: give it CAP_NET_ADMIN, or do "
                                        "without a network of its own (--network host)")
                   : -1;
    }
    *fd = attempt.fd;
    return 0;
}

struct visit {
    int fd;
    const char *path;
    int (*function)(void *arg);
    void *arg;
    int errnum; /* of the mount */
    int status;
};

static void *mount_and_call(void *arg)
{
    struct visit *visit = arg;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
        mount(cb_fd_path(visit->fd).text, visit->path, NULL, MS_BIND, NULL) < 0)
        visit->errnum = errno;
    else
        visit->status = visit->function(visit->arg);
    return NULL;
}

int cb_netns_with_path(int fd, const char *path, int (*function)(void *arg), void *arg,
                       struct cb_error **err)
{
    struct visit visit = {.fd = fd, .path = path, .function = function, .arg = arg};
    pthread_t thread;
    int errnum = cb_thread_start(&thread, mount_and_call, &visit);

    if (errnum)
        return cb_error_errno(err, errnum, "start a thread");
    pthread_join(thread, NULL);
    if (visit.errnum)
        return cb_error_errno(err, visit.errnum, "mount a network namespace on `%s`",
                              path);
    return visit.status;
}

struct call {
    int fd;
    int (*function)(void *arg);
    void *arg;
    int errnum; /* of moving there */
    int status;
};

static void *move_and_call(void *arg)
{
    struct call *call = arg;

    if (setns(call->fd, CLONE_NEWNET) < 0)
        call->errnum = errno;
    else
        call->status = call->function(call->arg);
    return NULL;
}

int cb_netns_call(int fd, int (*function)(void *arg), void *arg, struct cb_error **err)
{
    struct call call = {.fd = fd, .function = function, .arg = arg};
    pthread_t thread;
    int errnum = cb_thread_start(&thread, move_and_call, &call);

    if (errnum)
        return cb_error_errno(err, errnum, "start a thread");
    pthread_join(thread, NULL);
    if (call.errnum)
        return cb_error_errno(err, call.errnum, "enter a network namespace");
    return call.status;
}

int cb_netns_is_same(int fd)
{
    struct stat own, other;

    return stat("/proc/self/ns/net", &own) == 0 && fstat(fd, &other) == 0 &&
           own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/* The user namespace it belongs to is ours. */
int cb_netns_can_join(int fd)
{
    cb_autofd int owner = ioctl(fd, NS_GET_USERNS);
    struct stat own, other;

    return owner >= 0 && fstat(owner, &other) == 0 &&
           stat("/proc/self/ns/user", &own) == 0 && own.st_ino == other.st_ino;
}

/* In a user namespace of our own we are root, but not over the network that is outside.
 */
int cb_netns_is_ours(void)
{
    cb_autofd int net = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    cap_flag_value_t has = CAP_CLEAR;
    cap_t caps;

    if (net < 0 || !cb_netns_can_join(net))
        return 0;
    caps = cap_get_proc();
    if (caps)
        cap_get_flag(caps, CAP_NET_ADMIN, CAP_EFFECTIVE, &has);
    cap_free(caps);
    return has == CAP_SET;
}
