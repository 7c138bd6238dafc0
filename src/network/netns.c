/* New network namespaces. A thread of its own moves into one, leaves a descriptor behind
 * and ends: the rest of the process stays where it is. */
#include "network/network-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct attempt {
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

static void *make(void *arg)
{
    struct attempt *attempt = arg;

    attempt->what = "unshare the network namespace";
    if (unshare(CLONE_NEWNET) == 0) {
        attempt->what = "bring lo up";
        if (bring_lo_up() == 0) {
            attempt->what = "open /proc/thread-self/ns/net";
            attempt->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        }
    }
    if (attempt->fd < 0)
        attempt->errnum = errno;
    return NULL;
}

int cb_netns_new(int *fd, struct cb_error **err)
{
    struct attempt attempt = {.fd = -1};
    pthread_t thread;
    int errnum = pthread_create(&thread, NULL, make, &attempt);

    if (errnum)
        return cb_error_errno(err, errnum, "start a thread");
    pthread_join(thread, NULL);
    if (attempt.fd < 0)
        return cb_error_errno(err, attempt.errnum, "%s", attempt.what);
    *fd = attempt.fd;
    return 0;
}
