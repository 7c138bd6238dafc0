/* Whole messages with descriptors: what more of them came than there is room for is the
 * kernel's to close. */
#include "base/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one SCM_RIGHTS header and its descriptors, aligned. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(CB_MESSAGE_MAX_FDS * sizeof(int))];
};

int cb_message_send(int socket, const void *message, size_t len, const int *fds,
                    size_t count)
{
    union control control;
    struct iovec io = {.iov_base = (void *)message, .iov_len = len};
    struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
    ssize_t sent;

    if (count > CB_MESSAGE_MAX_FDS)
        return errno = E2BIG, -1;
    if (count) {
        memset(&control.header, 0, sizeof(control.header));
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    }
    do {
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static void take_fds(struct msghdr *header, int *fds, size_t *count)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        *count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
    }
}

ssize_t cb_message_receive(int socket, void *message, size_t len, int *fds, size_t room,
                           size_t *count)
{
    union control control;
    struct iovec io = {.iov_base = message, .iov_len = len};
    struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
    ssize_t got;

    *count = 0;
    if (room > CB_MESSAGE_MAX_FDS)
        return errno = E2BIG, -1;
    header.msg_control = &control;
    header.msg_controllen = CMSG_LEN(room * sizeof(int)); /* and none in the padding */
    do {
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        take_fds(&header, fds, count);
    return got;
}
