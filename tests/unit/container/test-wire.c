/* Messages between a monitor and those who talk to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/wire.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int sockets[2];

static int open_sockets(void **state)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets);
}

static int close_sockets(void **state)
{
    cb_close(&sockets[0]);
    cb_close(&sockets[1]);
    return 0;
}

static void a_message_arrives_as_it_was_sent(void **state)
{
    struct cb_wire_message sent = {.type = CB_WIRE_OUTPUT, .a = 2, .b = -1, .len = 5};
    struct cb_wire_message got;
    int fd;

    memcpy(sent.text, "a\0bcd", 5);
    assert_int_equal(cb_wire_send(sockets[0], &sent, sockets[1]), 0);
    assert_int_equal(cb_wire_receive(sockets[1], &got, &fd), 1);
    assert_memory_equal(&got, &sent, offsetof(struct cb_wire_message, text) + 5);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    sent.len = CB_WIRE_MAX_BYTES;
    assert_int_equal(cb_wire_send(sockets[0], &sent, -1), 0);
    assert_int_equal(cb_wire_receive(sockets[1], &got, &fd), 1);
    assert_int_equal(got.len, CB_WIRE_MAX_BYTES);
    assert_int_equal(fd, -1);
    close(cb_steal_fd(&sockets[0]));
    assert_int_equal(cb_wire_receive(sockets[1], &got, NULL), 0);
}

/* The kernel tells of what it left unread first. */
static void what_a_peer_said_last_is_heard(void **state)
{
    struct cb_wire_message unread = {.type = CB_WIRE_INPUT};
    struct cb_wire_message last = {.type = CB_WIRE_EXITED, .a = 7};
    struct cb_wire_message got;

    assert_int_equal(cb_wire_send(sockets[1], &unread, -1), 0);
    assert_int_equal(cb_wire_send(sockets[0], &last, -1), 0);
    close(cb_steal_fd(&sockets[0]));
    assert_int_equal(cb_wire_receive(sockets[1], &got, NULL), 1);
    assert_int_equal(got.a, 7);
    assert_int_equal(cb_wire_receive(sockets[1], &got, NULL), 0);
}

static void what_is_no_message_is_an_error(void **state)
{
    static char bytes[2 * sizeof(struct cb_wire_message)];
    static const size_t sizes[] = {1, offsetof(struct cb_wire_message, text) - 1,
                                   sizeof(struct cb_wire_message), sizeof(bytes)};
    struct cb_wire_message got, liar = {.type = CB_WIRE_INPUT, .len = 1u << 31};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_int_equal(send(sockets[0], bytes, sizes[i], 0), sizes[i]);
        assert_int_equal(cb_wire_receive(sockets[1], &got, NULL), -1);
        assert_int_equal(errno, EPROTO);
    }
    assert_true(send(sockets[0], &liar, 100, 0) == 100);
    assert_int_equal(cb_wire_receive(sockets[1], &got, NULL), -1);
}

/* Of many descriptors none stays open. */
static void descriptors_nobody_asked_for_are_closed(void **state)
{
    struct cb_wire_message sent = {.type = CB_WIRE_WAIT}, got;
    int probe = dup(0), next;

    close(probe);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(cb_wire_send(sockets[0], &sent, sockets[0]), 0);
        assert_int_equal(cb_wire_receive(sockets[1], &got, NULL), 1);
    }
    next = dup(0);
    close(next);
    assert_int_equal(next, probe);
}

static void errors_arrive_with_kind_number_and_hint(void **state)
{
    cb_auto(cb_error) sent = NULL;
    cb_auto(cb_error) got = NULL;
    struct cb_wire_message message = {0};

    cb_error_set(&sent, CB_ERR_NOT_FOUND, "no %s", "program");
    cb_error_set_errnum(&sent, ENOENT);
    cb_error_hint(&sent, "try another");
    cb_wire_set_error(&message, sent);
    assert_int_equal(cb_wire_get_error(&message, &got), -1);
    assert_int_equal(cb_error_kind(got), CB_ERR_NOT_FOUND);
    assert_int_equal(cb_error_errnum(got), ENOENT);
    assert_string_equal(cb_error_message(got), "no program");
    assert_string_equal(cb_error_hint_text(got), "try another");
}

static void a_long_error_is_shortened(void **state)
{
    cb_auto(cb_error) sent = NULL;
    cb_auto(cb_error) got = NULL;
    struct cb_wire_message message = {0};
    cb_autofree char *text = xcalloc(1, 100000);

    memset(text, 'x', 99999);
    cb_error_set(&sent, CB_ERR_SYSTEM, "%s", text);
    cb_error_hint(&sent, "%s", text);
    cb_wire_set_error(&message, sent);
    assert_true(message.len <= sizeof(message.text));
    assert_int_equal(cb_wire_get_error(&message, &got), -1);
    assert_true(strlen(cb_error_message(got)) > 10000);
}

static void an_error_without_its_end_is_said_to_be_nonsense(void **state)
{
    static const uint32_t lengths[] = {0, 1, 3};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        struct cb_wire_message message = {.type = CB_WIRE_FAILED, .len = lengths[i]};
        cb_auto(cb_error) got = NULL;

        memset(message.text, 'x', sizeof(message.text));
        assert_int_equal(cb_wire_get_error(&message, &got), -1);
        assert_int_equal(cb_error_kind(got), CB_ERR_INTEGRITY);
    }
}

static void messages_in_a_file_come_back_one_by_one(void **state)
{
    struct cb_wire_message one = {
        .type = CB_WIRE_OUTPUT, .a = 1, .len = 3, .text = "abc"};
    struct cb_wire_message two = {.type = CB_WIRE_OUTPUT, .a = 2}, got;
    struct cb_wire_message *const both[] = {&one, &two};
    cb_autofd int fd = -1;

    assert_int_equal(cb_wire_pack(both, 2, &fd), 0);
    assert_int_equal(cb_wire_read(fd, &got), 1);
    assert_int_equal(got.a, 1);
    assert_memory_equal(got.text, "abc", 3);
    assert_int_equal(cb_wire_read(fd, &got), 1);
    assert_int_equal(got.a, 2);
    assert_int_equal(got.len, 0);
    assert_int_equal(cb_wire_read(fd, &got), 0);
}

static void a_file_that_lies_is_an_error(void **state)
{
    struct cb_wire_message liar = {.type = CB_WIRE_OUTPUT}, got;
    struct cb_wire_message *const some[] = {&liar};
    const uint32_t lengths[] = {1, CB_WIRE_MAX_BYTES + 1, UINT32_MAX};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        cb_autofd int fd = -1;

        assert_int_equal(cb_wire_pack(some, 1, &fd), 0);
        assert_int_equal(pwrite(fd, &lengths[i], sizeof(lengths[i]),
                                offsetof(struct cb_wire_message, len)),
                         sizeof(lengths[i]));
        assert_int_equal(cb_wire_read(fd, &got), -1);
    }
}

static void a_socket_of_a_long_path_is_found(void **state)
{
    char path[] = "/tmp/cb-wire-XXXXXX", name[201];
    cb_autofd int top = -1;
    cb_autofd int dir = -1;
    cb_autofd int listener = -1;
    cb_autofd int fd = -1;
    struct stat st;

    memset(name, 'd', 200);
    name[200] = '\0';
    assert_non_null(mkdtemp(path));
    top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(top, name, 0700), 0);
    dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cb_wire_connect(dir, "socket", &fd, NULL), 0);
    assert_int_equal(cb_wire_listen(dir, "socket", &listener, NULL), 0);
    assert_int_equal(fstatat(dir, "socket", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(cb_wire_connect(dir, "socket", &fd, NULL), 1);
    cb_close(&fd);
    cb_close(&listener);
    /* what a killed monitor leaves */
    assert_int_equal(cb_wire_connect(dir, "socket", &fd, NULL), 0);
    assert_int_equal(cb_fs_remove_tree(AT_FDCWD, path, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_arrives_as_it_was_sent, open_sockets,
                                        close_sockets),
        cmocka_unit_test_setup_teardown(what_a_peer_said_last_is_heard, open_sockets,
                                        close_sockets),
        cmocka_unit_test_setup_teardown(what_is_no_message_is_an_error, open_sockets,
                                        close_sockets),
        cmocka_unit_test_setup_teardown(descriptors_nobody_asked_for_are_closed,
                                        open_sockets, close_sockets),
        cmocka_unit_test(errors_arrive_with_kind_number_and_hint),
        cmocka_unit_test(a_long_error_is_shortened),
        cmocka_unit_test(an_error_without_its_end_is_said_to_be_nonsense),
        cmocka_unit_test(messages_in_a_file_come_back_one_by_one),
        cmocka_unit_test(a_file_that_lies_is_an_error),
        cmocka_unit_test(a_socket_of_a_long_path_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
