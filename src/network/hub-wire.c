/* Datagrams between the hub and its seats. */
#include "network/hub-priv.h"

#include "base/message.h"

#include <errno.h>
#include <string.h>

int cb_hub_send(int socket, const struct cb_hub_message *message, const int *fds,
                size_t count)
{
    return cb_message_send(socket, message, sizeof(*message), fds, count);
}

int cb_hub_receive(int socket, struct cb_hub_message *message, int *fds)
{
    ssize_t got;
    size_t count;

    for (size_t i = 0; i < CB_HUB_MAX_FDS; i++)
        fds[i] = -1;
    got = cb_message_receive(socket, message, sizeof(*message), fds, CB_HUB_MAX_FDS,
                             &count);
    if (got <= 0)
        return got == 0 || errno == ECONNRESET ? 0 : -1;
    if (got == (ssize_t)sizeof(*message) && message->version == CB_HUB_VERSION &&
        memchr(message->text, '\0', sizeof(message->text)))
        return 1;
    for (size_t i = 0; i < CB_HUB_MAX_FDS; i++)
        cb_close(&fds[i]);
    return errno = EPROTO, -1;
}
