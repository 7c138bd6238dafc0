/* Datagrams between the hub and its seats. */
#include "network/hub-priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int cb_hub_send(int socket, const struct cb_hub_message *message, const int *fds,
                size_t count)
{
    struct iovec data = {(void *)message, sizeof(*message)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CB_HUB_MAX_FDS * sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
    ssize_t sent;

    memset(&control, 0, sizeof(control));
    if (count) {
        struct cmsghdr *part;

        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(part), fds, count * sizeof(int));
    }
    do {
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

/* The kernel gives no more than there is room for. */
static void take_descriptors(struct msghdr *header, int *fds)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part;
         part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
            memcpy(fds, CMSG_DATA(part), part->cmsg_len - CMSG_LEN(0));
    }
}

int cb_hub_receive(int socket, struct cb_hub_message *message, int *fds)
{
    struct iovec data = {message, sizeof(*message)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CB_HUB_MAX_FDS * sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    ssize_t got;

    for (size_t i = 0; i < CB_HUB_MAX_FDS; i++)
        fds[i] = -1;
    do {
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got == 0 || errno == ECONNRESET ? 0 : -1;
    take_descriptors(&header, fds);
    if (got == (ssize_t)sizeof(*message) && message->version == CB_HUB_VERSION &&
        memchr(message->text, '\0', sizeof(message->text)))
        return 1;
    for (size_t i = 0; i < CB_HUB_MAX_FDS; i++)
        cb_close(&fds[i]);
    return errno = EPROTO, -1;
}
