/* Whether the server knows a container by now, asked as the container itself would. It is
 * ready some time after it has said so, and while it reads its files anew it knows what
 * it knew before, or has no socket at all for a moment. */
#include "network/names-priv.h"

#include "base/clock.h"
#include "network/dns-message-priv.h"
#include "network/network-priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS   2000 /* in all */
#define ANSWER_MS 5    /* then it is asked again: what was on its way may be lost */
#define PAUSE_MS  1    /* before each question: who does not know it asks others */
#define DNS_PORT  53

struct asking {
    const struct cb_names *names;
    struct cb_cancel *cancel;
};

static struct sockaddr_in place(const struct cb_ip *ip, unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    memcpy(&address.sin_addr, ip->bytes, 4);
    return address;
}

/* From the container's address to its gateway's. */
static int open_socket(const struct cb_names *names)
{
    const struct sockaddr_in from = place(&names->ips[0], 0);
    const struct sockaddr_in to = place(&names->gateway[0], DNS_PORT);
    cb_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    return cb_steal_fd(&fd);
}

/* 1: yes; 0: not yet. */
static int is_known(const struct asking *asking, int fd, const struct cb_strbuf *query)
{
    const struct cb_ip *ip = &asking->names->ips[0];
    struct pollfd waits[] = {{.fd = fd, .events = POLLIN},
                             {.fd = cb_cancel_fd(asking->cancel), .events = POLLIN}};
    char answer[CB_DNS_DATAGRAM_MAX];
    ssize_t got;

    poll(waits + 1, 1, PAUSE_MS);
    if (send(fd, query->text, query->len, MSG_NOSIGNAL) > 0)
        poll(waits, 2, ANSWER_MS);
    got = recv(fd, answer, sizeof(answer), 0);
    return got > (ssize_t)query->len &&
           memmem(answer + query->len, (size_t)got - query->len, ip->bytes, 4);
}

/* For the first that can be said. */
static int make_query(const struct cb_names *names, struct cb_strbuf *out)
{
    cb_vec_foreach (name, &names->names) {
        cb_strbuf_truncate(out, 0);
        if (cb_dns_query(out, *name, CB_DNS_A) == 0)
            return 0;
    }
    return -1;
}

static int await(void *arg)
{
    const struct asking *asking = arg;
    int64_t until = cb_clock_ms() + WAIT_MS;
    cb_auto_value(cb_strbuf) query = {0};
    cb_autofd int fd = open_socket(asking->names);

    if (make_query(asking->names, &query) < 0)
        return 0;
    while (fd >= 0 && !is_known(asking, fd, &query) &&
           !cb_cancel_requested(asking->cancel) && cb_clock_ms() < until)
        ;
    return 0;
}

void cb_names_await(const struct cb_names *names, struct cb_cancel *cancel)
{
    struct asking asking = {names, cancel};

    if (names->ips[0].family)
        cb_netns_call(names->netns, await, &asking, NULL);
}
