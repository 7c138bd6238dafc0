/* Ports are led into another network: its server is a thread, its sockets are made
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/forward.h"
#include "network/network-priv.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#define BIG (3u << 20)

struct inside {
    int type, fd; /* a server's socket on its lo */
    uint16_t port;
};

static int open_loopback(int type, uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(name);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

static int open_inside(void *arg)
{
    struct inside *inside = arg;

    inside->fd = open_loopback(inside->type, &inside->port);
    return 0;
}

struct fixture {
    int netns, outside;
    uint16_t port;
    struct inside inside;
    struct cb_forwarder *forwarder;
};

static void start(struct fixture *fixture, int type)
{
    struct cb_port port = {.host_ip = (char *)"127.0.0.1",
                           .protocol = type == SOCK_STREAM ? "tcp" : "udp"};
    const struct cb_ports ports = {.items = &port, .count = 1};
    const struct cb_ip to = {AF_INET, {127, 0, 0, 1}};

    if (geteuid() != 0)
        skip();
    signal(SIGPIPE, SIG_IGN);
    fixture->inside.type = type;
    assert_int_equal(cb_netns_new(0, &fixture->netns, NULL), 0);
    assert_int_equal(cb_netns_call(fixture->netns, open_inside, &fixture->inside, NULL),
                     0);
    fixture->outside = open_loopback(type, &fixture->port);
    port.container = fixture->inside.port;
    assert_int_equal(cb_forwarder_start(&fixture->forwarder, &ports, &fixture->outside,
                                        fixture->netns, &to, NULL),
                     0);
}

static void stop(struct fixture *fixture)
{
    cb_forwarder_stop(fixture->forwarder);
    cb_close(&fixture->outside);
    cb_close(&fixture->inside.fd);
    cb_close(&fixture->netns);
}

static int dial(const struct fixture *fixture, int type)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(fixture->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 20};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

/* Takes all that one connection has to say, and says it again. */
static void *repeat(void *arg)
{
    unsigned char *bytes = malloc(BIG);
    int fd = accept(*(int *)arg, NULL, NULL);
    size_t len = 0;
    ssize_t got;

    while ((got = read(fd, bytes + len, BIG - len)) > 0)
        len += (size_t)got;
    for (size_t at = 0; at < len; at += (size_t)got)
        if ((got = write(fd, bytes + at, len - at)) <= 0)
            break;
    close(fd);
    free(bytes);
    return NULL;
}

static void
a_connection_has_all_bytes_both_ways_and_each_end_closes_its_half(void **state)
{
    struct fixture fixture = {0};
    unsigned char *sent = malloc(BIG), *back = malloc(BIG);
    pthread_t server;
    size_t len = 0;
    ssize_t got;
    int fd;

    start(&fixture, SOCK_STREAM);
    for (size_t i = 0; i < BIG; i++)
        sent[i] = (unsigned char)(i * 2654435761u >> 13);
    pthread_create(&server, NULL, repeat, &fixture.inside.fd);
    fd = dial(&fixture, SOCK_STREAM);
    for (size_t at = 0; at < BIG; at += (size_t)got) {
        got = write(fd, sent + at, BIG - at);
        assert_true(got > 0);
    }
    shutdown(fd, SHUT_WR);
    while (len < BIG && (got = read(fd, back + len, BIG - len)) > 0)
        len += (size_t)got;
    assert_int_equal(len, BIG);
    assert_memory_equal(sent, back, BIG);
    assert_int_equal(read(fd, back, 1), 0);
    pthread_join(server, NULL);
    close(fd);
    stop(&fixture);
    free(sent);
    free(back);
}

static void where_nobody_listens_the_connection_ends(void **state)
{
    struct fixture fixture = {0};
    char byte;
    int fd;

    start(&fixture, SOCK_STREAM);
    cb_close(&fixture.inside.fd);
    fd = dial(&fixture, SOCK_STREAM);
    assert_true(read(fd, &byte, 1) <= 0);
    close(fd);
    stop(&fixture);
}

static void connections_end_with_the_forwarder(void **state)
{
    struct fixture fixture = {0};
    char byte;
    int fd, server;

    start(&fixture, SOCK_STREAM);
    fd = dial(&fixture, SOCK_STREAM);
    server = accept(fixture.inside.fd, NULL, NULL);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(read(server, &byte, 1), 1);
    stop(&fixture);
    assert_true(read(fd, &byte, 1) <= 0);
    assert_true(read(server, &byte, 1) <= 0);
    close(fd);
    close(server);
}

static void each_sender_of_datagrams_gets_its_own_answers(void **state)
{
    struct fixture fixture = {0};
    int fds[3];
    char text[8];

    start(&fixture, SOCK_DGRAM);
    for (size_t i = 0; i < CB_ARRAY_SIZE(fds); i++) {
        fds[i] = dial(&fixture, SOCK_DGRAM);
        assert_int_equal(send(fds[i], &"abc"[i], 1, 0), 1);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(fds); i++) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);

        assert_int_equal(recvfrom(fixture.inside.fd, text, sizeof(text), 0,
                                  (struct sockaddr *)&from, &len),
                         1);
        text[0] = (char)(text[0] - 'a' + 'A');
        sendto(fixture.inside.fd, text, 1, 0, (struct sockaddr *)&from, len);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(fds); i++) {
        assert_int_equal(recv(fds[i], text, sizeof(text), 0), 1);
        assert_int_equal(text[0], "ABC"[i]);
        close(fds[i]);
    }
    stop(&fixture);
}

static void ports_of_sctp_are_refused(void **state)
{
    struct cb_port port = {.host_ip = (char *)"", .container = 80, .protocol = "sctp"};
    const struct cb_ports ports = {.items = &port, .count = 1};
    const struct cb_ip to = {AF_INET, {127, 0, 0, 1}};
    struct cb_forwarder *forwarder;
    cb_auto(cb_error) error = NULL;
    const int none = -1;

    assert_int_equal(cb_forwarder_start(&forwarder, &ports, &none, -1, &to, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_connection_has_all_bytes_both_ways_and_each_end_closes_its_half),
        cmocka_unit_test(where_nobody_listens_the_connection_ends),
        cmocka_unit_test(connections_end_with_the_forwarder),
        cmocka_unit_test(each_sender_of_datagrams_gets_its_own_answers),
        cmocka_unit_test(ports_of_sctp_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
