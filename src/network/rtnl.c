/* rtnetlink: one request, one answer, on a socket that belongs to one network namespace
 * for good, whichever its user is in. Messages are of our own making and of bounded size.
 */
#include "network/rtnl-priv.h"

#include "base/alloc.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

struct opening {
    int netns, fd, errnum;
};

static int open_here(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

static void *open_there(void *arg)
{
    struct opening *opening = arg;

    if (setns(opening->netns, CLONE_NEWNET) == 0)
        opening->fd = open_here();
    opening->errnum = errno;
    return NULL;
}

int cb_rtnl_open(int netns, int *out, struct cb_error **err)
{
    struct opening opening = {.netns = netns, .fd = -1};
    pthread_t thread;
    int errnum;

    if (netns < 0) {
        opening.fd = open_here();
        opening.errnum = errno;
    } else {
        errnum = cb_thread_start(&thread, open_there, &opening);
        if (errnum)
            return cb_error_errno(err, errnum, "start a thread");
        pthread_join(thread, NULL);
    }
    if (opening.fd < 0)
        return cb_error_errno(err, opening.errnum, "open a netlink socket");
    *out = opening.fd;
    return 0;
}

/* ── Messages ── */

static void append(struct cb_rtnl_message *message, const void *data, size_t len)
{
    size_t at = NLMSG_ALIGN(message->header.nlmsg_len);

    assert(at + NLMSG_ALIGN(len) <= sizeof(message->bytes));
    /* Not by its member: with sanitizers gcc takes the header for all there is. */
    if (len)
        memcpy((char *)message + at, data, len);
    message->header.nlmsg_len = (uint32_t)(at + len);
}

void cb_rtnl_begin(struct cb_rtnl_message *message, int type, int flags, const void *body,
                   size_t len)
{
    memset(message, 0, sizeof(*message));
    message->header.nlmsg_len = NLMSG_HDRLEN;
    message->header.nlmsg_type = (uint16_t)type;
    message->header.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
    append(message, body, len);
}

void cb_rtnl_add(struct cb_rtnl_message *message, int type, const void *data, size_t len)
{
    struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + len),
                               .nla_type = (uint16_t)type};

    append(message, &attribute, sizeof(attribute));
    append(message, data, len);
}

void cb_rtnl_add_body(struct cb_rtnl_message *message, const void *data, size_t len)
{
    append(message, data, len);
}

void cb_rtnl_add_u32(struct cb_rtnl_message *message, int type, uint32_t value)
{
    cb_rtnl_add(message, type, &value, sizeof(value));
}

void cb_rtnl_add_text(struct cb_rtnl_message *message, int type, const char *text)
{
    cb_rtnl_add(message, type, text, strlen(text) + 1);
}

size_t cb_rtnl_open_nest(struct cb_rtnl_message *message, int type)
{
    size_t at = NLMSG_ALIGN(message->header.nlmsg_len);

    cb_rtnl_add(message, type | NLA_F_NESTED, NULL, 0);
    return at;
}

void cb_rtnl_close_nest(struct cb_rtnl_message *message, size_t nest)
{
    uint16_t len = (uint16_t)(message->header.nlmsg_len - nest);

    memcpy(message->bytes + nest + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

/* ── Asking ── */

/* Of a long answer the beginning is enough. 0, or -1 with errno. */
static int read_answer(const struct cb_rtnl_message *answer, size_t len)
{
    const struct nlmsgerr *result = (const void *)(answer->bytes + NLMSG_HDRLEN);

    if (len >= NLMSG_HDRLEN && answer->header.nlmsg_type != NLMSG_ERROR)
        return 0;
    errno = len < NLMSG_LENGTH(sizeof(*result)) ? EBADMSG : -result->error;
    return errno ? -1 : 0;
}

int cb_rtnl_ask(int fd, struct cb_rtnl_message *message, struct cb_rtnl_message *answer)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct cb_rtnl_message own;
    ssize_t len;

    if (!answer) {
        answer = &own;
        message->header.nlmsg_flags |= NLM_F_ACK;
    }
    if (sendto(fd, message->bytes, message->header.nlmsg_len, 0,
               (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -1;
    memset(answer, 0, sizeof(*answer));
    do
        len = recv(fd, answer->bytes, sizeof(answer->bytes), 0);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return -1;
    return read_answer(answer, (size_t)len);
}
