/* The network of whoever is not root: in a user namespace of its own, with the real
 * helpers, which need /dev/net/tun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/subprocess.h"
#include "network/network-priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char state_dir[] = "/tmp/cbuild-usermode-XXXXXX";

/* Most of a test runs in a child, whose end is all its parent sees. */
#define CHECK(what)                                                            \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

static void need(const char *program)
{
    cb_autofree char *path = cb_subprocess_find(program);

    if (geteuid() != 0 || !path || access("/dev/net/tun", R_OK | W_OK) < 0)
        skip();
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* From here on we are root of a user namespace, and in the host's network. */
static void become_rootless(void)
{
    CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", "0 0 1");
    write_text("/proc/self/gid_map", "0 0 1");
    CHECK(!cb_netns_is_ours());
}

/* A socket that listens on the host's ADDRESS; *PORT is picked. */
static int listen_on(uint32_t address, uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    socklen_t len = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
    CHECK(listen(fd, 5) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* Is somebody there? What is dropped without an answer counts as nobody after 1 s. */
static int reaches(const struct cb_ip *ip, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int failed = 0;
    socklen_t len = sizeof(failed);

    memcpy(&name.sin_addr, ip->bytes, 4);
    if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 && errno != EINPROGRESS)
        failed = errno;
    else if (poll(&wait, 1, 1000) <= 0)
        failed = ETIMEDOUT;
    else
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
    close(fd);
    return !failed;
}

/* Runs ASK in a child that is in the namespace FD; its exit status. */
static int inside(int fd, int (*ask)(void *arg), void *arg)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(setns(fd, CLONE_NEWNET) < 0 ? 99 : ask(arg));
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

struct question {
    struct cb_ip ip;
    uint16_t port;
};

static int ask_reaches(void *arg)
{
    const struct question *question = arg;

    return reaches(&question->ip, question->port);
}

static int reaches_from(int netns, const struct cb_ip *ip, uint16_t port)
{
    struct question question = {*ip, port};

    return inside(netns, ask_reaches, &question);
}

static struct cb_ip ip_of(const char *text)
{
    struct cb_ip ip;

    CHECK(cb_ip_parse(&ip, text) == 0);
    return ip;
}

/* Processes whose command line has the state directory in it. */
static int count_helpers(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    while ((entry = readdir(proc))) {
        cb_autofree char *path = xasprintf("/proc/%s/cmdline", entry->d_name);
        char text[4096] = "";
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

        count += len > 0 && memmem(text, (size_t)len, state_dir, strlen(state_dir));
        cb_close(&fd);
    }
    closedir(proc);
    return count;
}

static int count_files(void)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = open(state_dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

    cb_fs_list(dir, &names, NULL);
    return (int)names.count;
}

static struct cb_network *set_up(const struct cb_network_backend *backend,
                                 struct cb_ports *ports, int *fd)
{
    struct cb_network_options options = {
        .mode = "default", .state_dir = state_dir, .ports = ports};
    struct cb_network *network = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_network_new(&network, &options, &error) < 0 ||
        cb_network_netns(network, NULL, fd, &error) < 0)
        fprintf(stderr, "%s (%s)\n", cb_error_message(error), cb_error_hint_text(error));
    CHECK(!error);
    CHECK(network->backend == backend);
    return network;
}

/* The child of each test. */
static void in_child(void (*test)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        become_rootless();
        test();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void reach_what_is_public_only(const struct cb_network_backend *backend)
{
    cb_auto(cb_network) network = NULL;
    uint16_t private, public;
    int on_loopback = listen_on(INADDR_LOOPBACK, &private);
    int everywhere = listen_on(INADDR_ANY, &public);
    struct cb_ip gateway;
    int fd = -1;

    network = set_up(backend, NULL, &fd);
    CHECK(network->facts.address.bytes[0] == 10);
    CHECK(network->facts.address.bytes[1] == 213);
    gateway = network->facts.address;
    for (unsigned last = 1; last < 4; last++) {
        gateway.bytes[3] = (unsigned char)last;
        CHECK(reaches_from(fd, &gateway, private) == 0);
    }
    CHECK(reaches_from(fd, &(struct cb_ip[]){ip_of("127.0.0.1")}[0], private) == 0);
    CHECK(reaches_from(fd, &network->facts.host, private) == 0);
    CHECK(reaches_from(fd, &network->facts.host, public) == 1);
    close(on_loopback);
    close(everywhere);
}

static void use_pasta(void)
{
    reach_what_is_public_only(&cb_backend_pasta);
}

static void pasta_reaches_the_outside_but_not_the_hosts_loopback(void **state)
{
    need("pasta");
    in_child(use_pasta);
    assert_int_equal(count_helpers(), 0);
    assert_int_equal(count_files(), 0);
}

/* Only slirp4netns can pass questions on to a server on the host's loopback. */
static void use_slirp(void)
{
    cb_autofree char *file = xasprintf("%s/resolv.conf", state_dir);
    cb_autofree char *text = NULL;
    cb_auto(cb_network) network = NULL;
    int fd;

    CHECK(mount("tmpfs", state_dir, "tmpfs", 0, NULL) == 0);
    fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(write(fd, "nameserver 127.0.0.1\n", 21) == 21);
    close(fd);
    CHECK(mount(file, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0);
    reach_what_is_public_only(&cb_backend_slirp);
    network = set_up(&cb_backend_slirp, NULL, &fd);
    text = cb_network_resolv_conf(network, NULL);
    CHECK(strncmp(text, "nameserver 10.213.", 18) == 0);
    CHECK(strcmp(strrchr(text, '.'), ".3\n") == 0);
}

static void slirp4netns_stands_in_for_a_resolver_on_the_loopback(void **state)
{
    need("slirp4netns");
    if (access("/run/systemd/resolve/resolv.conf", F_OK) == 0)
        skip();
    in_child(use_slirp);
}

static int serve(void *arg)
{
    uint16_t port = *(uint16_t *)arg;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(fd, 5) < 0)
        return 1;
    fd = accept(fd, NULL, NULL);
    return fd >= 0 && write(fd, "hello", 5) == 5 ? 0 : 1;
}

/* Connects until somebody says hello. */
static int is_greeted(uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < 2000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char text[6] = "";

        if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
            read(fd, text, 5) == 5)
            return strcmp(text, "hello") == 0;
        close(fd);
        poll(NULL, 0, 5);
    }
    return 0;
}

static void publish_one(void)
{
    cb_auto(cb_network) network = NULL;
    cb_auto_value(cb_ports) ports = {0};
    cb_autofree char *spec = NULL;
    uint16_t port, inner = 80;
    int status, fd = listen_on(INADDR_LOOPBACK, &port);
    pid_t server;

    close(fd);
    spec = xasprintf("127.0.0.1:%u:80", port);
    CHECK(cb_ports_parse(&ports, spec, NULL) == 0);
    network = set_up(&cb_backend_pasta, &ports, &fd);
    server = fork();
    if (server == 0)
        _exit(inside(fd, serve, &inner));
    CHECK(is_greeted(port));
    waitpid(server, &status, 0);
    CHECK(status == 0);
}

static void pasta_publishes_a_port(void **state)
{
    need("pasta");
    in_child(publish_one);
    assert_int_equal(count_helpers(), 0);
}

static void nothing_is_left_of_one_that_was_killed(void **state)
{
    pid_t pid;
    int fds[2], fd, left = 1;
    char c;

    need("pasta");
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        become_rootless();
        set_up(&cb_backend_pasta, NULL, &fd);
        (void)!write(fds[1], "x", 1);
        for (;;)
            pause();
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    assert_true(count_helpers() > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2000 && left; i++) {
        poll(NULL, 0, 5);
        left = count_helpers();
    }
    assert_int_equal(left, 0);
    assert_int_equal(count_files(), 0);
    close(fds[0]);
}

static int make_state_dir(void **state)
{
    return mkdtemp(state_dir) ? 0 : -1;
}

static int remove_state_dir(void **state)
{
    return rmdir(state_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pasta_reaches_the_outside_but_not_the_hosts_loopback),
        cmocka_unit_test(slirp4netns_stands_in_for_a_resolver_on_the_loopback),
        cmocka_unit_test(pasta_publishes_a_port),
        cmocka_unit_test(nothing_is_left_of_one_that_was_killed),
    };

    return cmocka_run_group_tests(tests, make_state_dir, remove_state_dir);
}
