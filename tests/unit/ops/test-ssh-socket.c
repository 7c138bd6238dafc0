/* The socket of RUN --mount=type=ssh, with a hostile step on one side and an agent of the
 * test's own on the other. */
#include "unit/ops/fixture.h"

#include "ops/exec-priv.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

struct agent {
    int ends[2]; /* of its one connection: the socket's and the test's */
    int asked;   /* to be read when the socket is closed */
    int gone;
};

static int connect_agent(void *arg, const char *id, int *fd, struct cb_error **err)
{
    struct agent *agent = arg;

    assert_string_equal(id, "work");
    agent->asked++;
    if (agent->gone)
        return cb_error_set(err, CB_ERR_SYSTEM, "gone");
    *fd = agent->ends[0];
    return 1;
}

static struct cb_ssh_socket *open_socket(struct fixture *f, struct agent *agent)
{
    struct cb_ssh_source source = {connect_agent, agent, "work"};
    struct cb_ssh_socket *socket;

    OK(cb_ssh_socket_open(&socket, f->store, &source, err));
    return socket;
}

static int connect_step(const struct cb_ssh_socket *ours)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
             cb_ssh_socket_fd(ours));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void expect(int fd, const void *bytes, size_t len)
{
    char got[64];

    assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
    assert_memory_equal(got, bytes, len);
}

static const char list[] = {0, 0, 0, 1, 11}, keys[] = {0, 0, 0, 5, 12, 0, 0, 0, 0},
                  failure[] = {0, 0, 0, 1, 5};

static void a_request_goes_to_the_agent_and_its_answer_back(void **state)
{
    struct agent agent = {0};
    struct cb_ssh_socket *socket = open_socket(*state, &agent);
    int step = connect_step(socket);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent.ends), 0);
    say(step, list, 3); /* in pieces */
    say(step, list + 3, 2);
    expect(agent.ends[1], list, sizeof(list));
    say(agent.ends[1], keys, sizeof(keys));
    expect(step, keys, sizeof(keys));
    cb_ssh_socket_close(socket);
    assert_int_equal(recv(step, (char[1]){0}, 1, 0), 0);
    close(step);
    close(agent.ends[1]);
}

/* The client's socket is there already; accepting it needs a descriptor. */
static void a_connection_waits_while_descriptors_are_short(void **state)
{
    struct agent agent = {.gone = 1};
    struct cb_ssh_socket *ours = open_socket(*state, &agent);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int step = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int next = dup(step);
    struct rlimit before, none;

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
             cb_ssh_socket_fd(ours));
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(connect(step, (struct sockaddr *)&address, sizeof(address)), 0);
    say(step, list, sizeof(list));
    assert_int_equal(recv(step, (char[1]){0}, 1, MSG_DONTWAIT), -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    expect(step, failure, sizeof(failure));
    cb_ssh_socket_close(ours);
    close(step);
}

/* Removing, adding, locking, smart cards, extensions: the agent hears nothing of it. */
static void all_but_listing_and_signing_is_refused(void **state)
{
    struct agent agent = {0};
    struct cb_ssh_socket *socket = open_socket(*state, &agent);
    int step = connect_step(socket);

    for (int type = 0; type < 256; type++) {
        char request[] = {0, 0, 0, 1, (char)type};

        if (type == 11 || type == 13)
            continue;
        say(step, request, sizeof(request));
        expect(step, failure, sizeof(failure));
    }
    cb_ssh_socket_close(socket);
    assert_int_equal(agent.asked, 0);
    close(step);
}

static void an_agent_that_is_gone_refuses(void **state)
{
    struct agent agent = {.gone = 1};
    struct cb_ssh_socket *socket = open_socket(*state, &agent);
    int step = connect_step(socket);

    say(step, list, sizeof(list));
    expect(step, failure, sizeof(failure));
    cb_ssh_socket_close(socket);
    close(step);
}

static void lengths_that_make_no_sense_end_the_connection(void **state)
{
    static const unsigned char bad[][4] = {
        {0, 0, 0, 0}, {0, 4, 0, 1}, {0xff, 0xff, 0xff, 0xff}};
    struct agent agent = {0};
    struct cb_ssh_socket *socket = open_socket(*state, &agent);

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        int step = connect_step(socket);

        say(step, bad[i], 4);
        assert_int_equal(recv(step, (char[1]){0}, 1, 0), 0);
        close(step);
    }
    cb_ssh_socket_close(socket);
}

/* They wait, and are served when there is room again. */
static void more_connections_than_there_is_room_for(void **state)
{
    struct agent agent = {.gone = 1};
    struct cb_ssh_socket *socket = open_socket(*state, &agent);
    int steps[50];

    for (size_t i = 0; i < CB_ARRAY_SIZE(steps); i++) {
        steps[i] = connect_step(socket);
        say(steps[i], list, sizeof(list));
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(steps); i++) {
        expect(steps[i], failure, sizeof(failure));
        close(steps[i]);
    }
    cb_ssh_socket_close(socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_to_the_agent_and_its_answer_back),
        cmocka_unit_test(a_connection_waits_while_descriptors_are_short),
        cmocka_unit_test(all_but_listing_and_signing_is_refused),
        cmocka_unit_test(an_agent_that_is_gone_refuses),
        cmocka_unit_test(lengths_that_make_no_sense_end_the_connection),
        cmocka_unit_test(more_connections_than_there_is_room_for),
    };

    if (!fixture_needs_root())
        return 77;
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
