/* Messages over the monitor's socket. */
#include "container/wire.h"

#include "base/fs.h"
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_SECONDS 5
#define HEAD            offsetof(struct cb_wire_message, text)

int cb_wire_send(int socket, const struct cb_wire_message *message, int fd)
{
    return cb_message_send(socket, message, HEAD + message->len, &fd, fd >= 0);
}

int cb_wire_receive(int socket, struct cb_wire_message *message, int *fd)
{
    int received = -1;
    size_t count;
    ssize_t got = cb_message_receive(socket, message, sizeof(*message), &received,
                                     fd != NULL, &count);

    /* A peer that closed without reading all we sent is told of once, before what it sent
     * itself. */
    if (got < 0 && errno == ECONNRESET)
        got = cb_message_receive(socket, message, sizeof(*message), &received, fd != NULL,
                                 &count);

    if (fd)
        *fd = count ? received : -1;
    if (got <= 0)
        return got == 0 || errno == ECONNRESET ? 0 : -1;
    if ((size_t)got < HEAD || message->len != (size_t)got - HEAD)
        return errno = EPROTO, -1;
    return 1;
}

int cb_wire_pack(struct cb_wire_message *const *messages, size_t count, int *fd)
{
    cb_autofd int file = memfd_create("output", MFD_CLOEXEC);

    if (file < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (cb_fs_write_all(file, messages[i], HEAD + messages[i]->len) < 0)
            return -1;
    }
    if (lseek(file, 0, SEEK_SET) < 0)
        return -1;
    *fd = cb_steal_fd(&file);
    return 0;
}

int cb_wire_read(int fd, struct cb_wire_message *message)
{
    ssize_t got = read(fd, message, HEAD);

    if (got <= 0)
        return got == 0 ? 0 : -1;
    if (got != (ssize_t)HEAD || message->len > sizeof(message->text) ||
        read(fd, message->text, message->len) != (ssize_t)message->len)
        return errno = EPROTO, -1;
    return 1;
}

void cb_wire_set_error(struct cb_wire_message *message, const struct cb_error *error)
{
    const char *hint = cb_error_hint_text(error);
    int len =
        snprintf(message->text, sizeof(message->text) / 2, "%s", cb_error_message(error));

    if (len >= (int)sizeof(message->text) / 2)
        len = (int)sizeof(message->text) / 2 - 1;
    snprintf(message->text + len + 1, sizeof(message->text) / 2, "%s", hint ? hint : "");
    message->type = CB_WIRE_FAILED;
    message->a = cb_error_kind(error);
    message->b = cb_error_errnum(error);
    message->len = (uint32_t)(len + 2 + (int)strlen(message->text + len + 1));
}

int cb_wire_get_error(const struct cb_wire_message *message, struct cb_error **err)
{
    const char *end = message->text + message->len;
    const char *hint = memchr(message->text, '\0', message->len);

    if (!hint || end[-1])
        return cb_error_set(err, CB_ERR_INTEGRITY, "the monitor answers nonsense");
    cb_error_set(err, (enum cb_error_kind)message->a, "%s", message->text);
    if (message->b)
        cb_error_set_errnum(err, message->b);
    if (hint + 1 < end && hint[1])
        cb_error_hint(err, "%s", hint + 1);
    return -1;
}

/* sun_path is short, directories are not. */
static void fill_address(struct sockaddr_un *address, int dir_fd, const char *name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dir_fd,
             name);
}

int cb_wire_listen(int dir_fd, const char *name, int *fd, struct cb_error **err)
{
    struct sockaddr_un address;
    cb_autofd int listener =
        socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    fill_address(&address, dir_fd, name);
    unlinkat(dir_fd, name, 0);
    if (listener < 0 ||
        bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(dir_fd, name, 0600, 0) < 0 || listen(listener, 64) < 0)
        return cb_error_errno(err, errno, "listen on `%s`", name);
    *fd = cb_steal_fd(&listener);
    return 0;
}

/* Connecting waits for one that takes no more connections. */
static int not_connected(struct cb_error **err)
{
    if (errno != EAGAIN)
        return cb_error_errno(err, errno, "ask the container's monitor");
    cb_error_set(err, CB_ERR_SYSTEM,
                 "the container's monitor does not answer, and many "
                 "others wait for it");
    cb_error_set_errnum(err, ETIMEDOUT);
    return cb_error_hint(err, "`cbuild rm -f` ends it and its container");
}

/* 0, unless nobody could be found without a /proc. */
static int nobody_listens(struct cb_error **err)
{
    if (errno == ECONNREFUSED || access("/proc/self/fd", F_OK) == 0)
        return 0;
    return cb_error_set(err, CB_ERR_SYSTEM,
                        "ask the container's monitor: /proc is not mounted");
}

int cb_wire_connect(int dir_fd, const char *name, int *fd, struct cb_error **err)
{
    struct sockaddr_un address;
    cb_autofd int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = CONNECT_SECONDS};

    fill_address(&address, dir_fd, name);
    if (connection < 0)
        return cb_error_errno(err, errno, "socket");
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(connection, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return errno == ENOENT || errno == ECONNREFUSED ? nobody_listens(err)
                                                        : not_connected(err);
    *fd = cb_steal_fd(&connection);
    return 1;
}
