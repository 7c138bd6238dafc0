/* Networks as descriptors. Tests that make one need root, those with rules iptables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/subprocess.h"
#include "network/network-priv.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATE_DIR "/nonexistent/cbuild"

static void need(int available)
{
    if (geteuid() != 0 || !available)
        skip();
}

static int has_iptables(void)
{
    cb_autofree char *path = cb_subprocess_find("iptables-restore");

    return path != NULL;
}

static int new_network(struct cb_network **out, const char *mode, struct cb_error **err)
{
    struct cb_network_options options = {.mode = mode, .state_dir = STATE_DIR};

    return cb_network_new(out, &options, err);
}

static void unknown_mode_is_refused(void **state)
{
    cb_auto(cb_network) network = NULL;
    cb_auto(cb_error) error = NULL;

    assert_int_equal(new_network(&network, "fast", &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_string_equal(cb_error_message(error), "network fast not found");
}

static void host_needs_no_namespace(void **state)
{
    cb_auto(cb_network) network = NULL;
    int fd = 7;

    assert_int_equal(new_network(&network, "host", NULL), 0);
    assert_int_equal(cb_network_is_host(network), 1);
    assert_int_equal(cb_network_netns(network, NULL, &fd, NULL), 0);
    assert_int_equal(fd, -1);
}

static void none_is_not_the_host(void **state)
{
    cb_auto(cb_network) network = NULL;

    assert_int_equal(new_network(&network, "none", NULL), 0);
    assert_int_equal(cb_network_is_host(network), 0);
}

static void unused_bridge_costs_nothing(void **state)
{
    cb_auto(cb_network) network = NULL;

    assert_int_equal(new_network(&network, "default", NULL), 0);
}

/* In the namespace FD: the interfaces that are there, as a bit for lo and one for eth0.
 */
struct look {
    int fd;
    int seen;
};

static void *look_into(void *arg)
{
    struct look *look = arg;

    if (setns(look->fd, CLONE_NEWNET) == 0)
        look->seen = (if_nametoindex("lo") ? 1 : 0) | (if_nametoindex("eth0") ? 2 : 0);
    return NULL;
}

static int interfaces_in(int fd)
{
    struct look look = {.fd = fd};
    pthread_t thread;

    pthread_create(&thread, NULL, look_into, &look);
    pthread_join(thread, NULL);
    return look.seen;
}

static ino_t own_namespace(void)
{
    struct stat st;

    assert_int_equal(stat("/proc/self/ns/net", &st), 0);
    return st.st_ino;
}

static void new_namespace_leaves_the_caller_where_it_is(void **state)
{
    ino_t before = own_namespace();
    int fd = -1;

    need(1);
    assert_int_equal(cb_netns_new(0, &fd, NULL), 0);
    assert_int_equal(interfaces_in(fd), 1);
    assert_int_equal(own_namespace(), before);
    close(fd);
}

static int count_bridges(void)
{
    int count = 0;

    for (int number = 0; number < 256; number++) {
        char name[24];

        snprintf(name, sizeof(name), "cbuild-%d", number);
        count += if_nametoindex(name) != 0;
    }
    return count;
}

/* The kernel dismantles those of a namespace that was left some time after. */
static int bridges_remain(void)
{
    for (int i = 0; i < 2000 && count_bridges(); i++)
        poll(NULL, 0, 5);
    return count_bridges();
}

static void bridge_is_set_up_once_and_taken_down(void **state)
{
    cb_auto(cb_network) network = NULL;
    int fd = -1, again = -1;

    need(has_iptables());
    assert_int_equal(new_network(&network, "default", NULL), 0);
    assert_int_equal(cb_network_netns(network, NULL, &fd, NULL), 0);
    assert_int_equal(interfaces_in(fd), 3);
    assert_int_equal(cb_network_netns(network, NULL, &again, NULL), 0);
    assert_int_equal(again, fd);
}

/* Names that are taken or recorded, beside the locks that are always there. */
static int count_leases(void)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;
    int count = 0;

    if (cb_net_lease_dir(&dir, NULL, NULL) < 0 || cb_fs_list(dir, &names, NULL) < 0)
        return -1;
    cb_vec_foreach (name, &names)
        count += strncmp(*name, "bridge-", 7) == 0;
    return count;
}

/* Makes a bridge, says so, and waits to be killed. */
static pid_t start_doomed(void)
{
    int fds[2], fd;
    pid_t pid;
    char c;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        struct cb_network *network;

        if (new_network(&network, "default", NULL) < 0 ||
            cb_network_netns(network, NULL, &fd, NULL) < 0)
            _exit(1);
        (void)!write(fds[1], "x", 1);
        for (;;)
            pause();
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    close(fds[0]);
    return pid;
}

static void kill_doomed(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Two processes that are killed cannot take down what they made; the kernel and the next
 * one do, in a host network of the test's own, where nobody else makes any. */
static void bridges_of_killed_processes_are_removed(void **state)
{
    pid_t pid;
    int status;

    need(has_iptables());
    pid = fork();
    if (pid == 0) {
        struct cb_network *network = NULL;
        pid_t first, second;
        int fd;

        if (unshare(CLONE_NEWNET) < 0)
            _exit(10);
        first = start_doomed();
        second = start_doomed();
        if (count_bridges() != 2)
            _exit(11);
        kill_doomed(first);
        kill_doomed(second);
        if (new_network(&network, "default", NULL) < 0 ||
            cb_network_netns(network, NULL, &fd, NULL) < 0)
            _exit(13);
        cb_network_free(network);
        _exit(bridges_remain() || count_leases());
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void containers_cannot_be_joined_by_name(void **state)
{
    cb_auto(cb_network) network = NULL;
    cb_auto(cb_error) error = NULL;

    assert_int_equal(new_network(&network, "container:web", &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_string_equal(cb_error_message(error), "No such container: web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_mode_is_refused),
        cmocka_unit_test(containers_cannot_be_joined_by_name),
        cmocka_unit_test(host_needs_no_namespace),
        cmocka_unit_test(none_is_not_the_host),
        cmocka_unit_test(unused_bridge_costs_nothing),
        cmocka_unit_test(new_namespace_leaves_the_caller_where_it_is),
        cmocka_unit_test(bridge_is_set_up_once_and_taken_down),
        cmocka_unit_test(bridges_of_killed_processes_are_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
