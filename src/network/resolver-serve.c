/* The thread of a container's resolver. What it does not know itself it passes on as it
 * is, to one server after the other until one answers: a datagram as a datagram, what
 * came by a connection by one. */
#include "network/resolver-priv.h"

#include "base/clock.h"
#include "network/dns-message-priv.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DNS_PORT    53
#define MAX_ASKINGS 256
#define MAX_GUESTS  32
#define PATIENCE_MS 3000  /* with one server */
#define IDLE_MS     10000 /* of a connection */
#define DEAF_MS     100   /* without a descriptor for one */
#define FIXED_WAITS 3
#define LEN_BYTES   2 /* before each message on a connection */

struct asker {                    /* who wants an answer */
    struct resolver_guest *guest; /* NULL: a datagram came from FROM */
    struct sockaddr_in from;
};
struct resolver_guest {
    int fd;
    struct cb_strbuf in;
    int is_silent; /* it asks no more, and goes when it has its answers */
    int64_t due_ms;
};
struct resolver_asking {
    struct asker asker;
    struct cb_strbuf query, in;
    int fd;
    int is_sent;
    size_t next; /* server */
    int64_t due_ms;
};

/* ── Answering ── */

static void add_framed(struct cb_strbuf *out, const struct cb_strbuf *message)
{
    cb_strbuf_addc(out, (char)(message->len >> 8));
    cb_strbuf_addc(out, (char)message->len);
    cb_strbuf_add(out, message->text, message->len);
}

/* Who does not take it at once has none. */
static void answer(struct cb_resolver *resolver, const struct asker *asker,
                   const struct cb_strbuf *message)
{
    cb_auto_value(cb_strbuf) framed = {0};

    if (!asker->guest) {
        sendto(resolver->udp, message->text, message->len, MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&asker->from, sizeof(asker->from));
        return;
    }
    add_framed(&framed, message);
    if (send(asker->guest->fd, framed.text, framed.len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)framed.len)
        asker->guest->due_ms = 0;
}

static void refuse(struct cb_resolver *resolver, const struct asker *asker,
                   const struct cb_strbuf *query)
{
    struct cb_dns_question question;
    cb_auto_value(cb_strbuf) message = {0};

    if (cb_dns_question_read(&question, query->text, query->len) < 0)
        return;
    cb_dns_answer_begin(&message, query->text, &question, CB_DNS_SERVER_FAILED);
    answer(resolver, asker, &message);
}

/* ── Passing on ── */

static void asking_free(struct resolver_asking *asking)
{
    cb_close(&asking->fd);
    cb_strbuf_free(&asking->query);
    cb_strbuf_free(&asking->in);
    free(asking);
}

struct opening {
    int family, type, fd;
};

static int open_here(void *arg)
{
    struct opening *opening = arg;

    opening->fd =
        socket(opening->family, opening->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return 0;
}

/* Of the container's network, unless the servers are on our loopback. Another thread goes
 * there: without root over our network there is no way back. */
static int open_socket(const struct cb_resolver *resolver, int family, int type)
{
    struct opening opening = {family, type, -1};

    if (resolver->servers_are_here)
        open_here(&opening);
    else
        cb_netns_call(resolver->netns, open_here, &opening, NULL);
    return opening.fd;
}

static int connect_to(int fd, const struct cb_ip *ip)
{
    struct sockaddr_in narrow = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
    struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};

    memcpy(&narrow.sin_addr, ip->bytes, 4);
    memcpy(&wide.sin6_addr, ip->bytes, 16);
    return ip->family == AF_INET
               ? connect(fd, (const struct sockaddr *)&narrow, sizeof(narrow))
               : connect(fd, (const struct sockaddr *)&wide, sizeof(wide));
}

static int send_query(struct resolver_asking *asking)
{
    cb_auto_value(cb_strbuf) framed = {0};
    const struct cb_strbuf *message = &asking->query;

    if (asking->asker.guest) {
        add_framed(&framed, message);
        message = &framed;
    }
    asking->is_sent = 1;
    return send(asking->fd, message->text, message->len, MSG_NOSIGNAL) ==
                   (ssize_t)message->len
               ? 0
               : -1;
}

/* -1: not this server. */
static int try_server(struct cb_resolver *resolver, struct resolver_asking *asking,
                      const struct cb_ip *server)
{
    int type = asking->asker.guest ? SOCK_STREAM : SOCK_DGRAM;

    cb_close(&asking->fd);
    cb_strbuf_truncate(&asking->in, 0);
    asking->is_sent = 0;
    asking->due_ms = cb_clock_ms() + PATIENCE_MS;
    asking->fd = open_socket(resolver, server->family, type);
    if (asking->fd < 0)
        return -1;
    if (connect_to(asking->fd, server) < 0)
        return errno == EINPROGRESS ? 0 : -1;
    return send_query(asking);
}

/* 0: nobody is left to ask, and ASKING is over. */
static int try_next(struct cb_resolver *resolver, struct resolver_asking *asking)
{
    int is_asked = 0;

    pthread_mutex_lock(&resolver->lock);
    while (!is_asked && asking->next < resolver->server_count)
        is_asked = try_server(resolver, asking, &resolver->servers[asking->next++]) == 0;
    pthread_mutex_unlock(&resolver->lock);
    if (!is_asked)
        refuse(resolver, &asking->asker, &asking->query);
    return is_asked;
}

static void pass_on(struct cb_resolver *resolver, const struct asker *asker,
                    const struct cb_strbuf *query)
{
    struct resolver_asking *asking = xcalloc(1, sizeof(*asking));

    asking->asker = *asker;
    asking->fd = -1;
    cb_strbuf_add(&asking->query, query->text, query->len);
    if (resolver->askings.count < MAX_ASKINGS && try_next(resolver, asking))
        cb_vec_push(&resolver->askings, asking);
    else
        asking_free(asking);
}

static void take(struct cb_resolver *resolver, const struct asker *asker,
                 const struct cb_strbuf *query)
{
    size_t most = asker->guest ? CB_DNS_MESSAGE_MAX : CB_DNS_DATAGRAM_MAX;
    cb_auto_value(cb_strbuf) message = {0};

    if (cb_resolver_know(resolver, query, most, &message))
        answer(resolver, asker, &message);
    else
        pass_on(resolver, asker, query);
}

/* ── What comes ── */

static void receive(struct cb_resolver *resolver)
{
    cb_auto_value(cb_strbuf) query = {0};
    struct asker asker = {0};
    socklen_t len = sizeof(asker.from);
    ssize_t got;

    cb_strbuf_reserve(&query, CB_DNS_MESSAGE_MAX);
    got = recvfrom(resolver->udp, query.text, CB_DNS_MESSAGE_MAX, MSG_DONTWAIT,
                   (struct sockaddr *)&asker.from, &len);
    if (got <= 0)
        return;
    query.len = (size_t)got;
    take(resolver, &asker, &query);
}

static void let_in(struct cb_resolver *resolver)
{
    int fd = accept4(resolver->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct resolver_guest *guest;

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            resolver->deaf_until_ms = cb_clock_ms() + DEAF_MS;
        return;
    }
    guest = xcalloc(1, sizeof(*guest));
    guest->fd = fd;
    guest->due_ms = cb_clock_ms() + IDLE_MS;
    cb_vec_push(&resolver->guests, guest);
}

/* 1: there is more of *IN; 0: not now; -1: never. */
static int read_more(int fd, struct cb_strbuf *in)
{
    char bytes[4096];
    ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        return -1;
    cb_strbuf_add(in, bytes, (size_t)got);
    return 1;
}

/* The first message of *IN is taken out of it. 0: it is not whole. */
static int next_message(struct cb_strbuf *in, struct cb_strbuf *out)
{
    const unsigned char *bytes = (const unsigned char *)cb_strbuf_text(in);
    size_t len = in->len < LEN_BYTES ? 0 : (size_t)bytes[0] << 8 | bytes[1];

    if (in->len < LEN_BYTES || in->len < LEN_BYTES + len)
        return 0;
    cb_strbuf_truncate(out, 0);
    cb_strbuf_add(out, bytes + LEN_BYTES, len);
    memmove(in->text, in->text + LEN_BYTES + len, in->len - LEN_BYTES - len);
    cb_strbuf_truncate(in, in->len - LEN_BYTES - len);
    return 1;
}

static void hear_guest(struct cb_resolver *resolver, struct resolver_guest *guest)
{
    const struct asker asker = {.guest = guest};
    cb_auto_value(cb_strbuf) query = {0};

    guest->due_ms = cb_clock_ms() + IDLE_MS;
    if (guest->is_silent) { /* and now it is gone */
        guest->due_ms = 0;
        return;
    }
    guest->is_silent = read_more(guest->fd, &guest->in) < 0;
    while (guest->due_ms && next_message(&guest->in, &query))
        take(resolver, &asker, &query);
}

/* 1: it is what ASKING waits for. */
static int is_answer(const struct resolver_asking *asking, const struct cb_strbuf *got)
{
    return got->len > LEN_BYTES && asking->query.len > LEN_BYTES &&
           memcmp(got->text, asking->query.text, LEN_BYTES) == 0;
}

/* 1: *MESSAGE has come; 0: not now; -1: never from this server. */
static int hear_server(struct resolver_asking *asking, struct cb_strbuf *message)
{
    ssize_t got;

    if (!asking->is_sent)
        return send_query(asking);
    if (asking->asker.guest)
        return read_more(asking->fd, &asking->in) < 0
                   ? -1
                   : next_message(&asking->in, message);
    cb_strbuf_reserve(message, CB_DNS_MESSAGE_MAX);
    got = recv(asking->fd, message->text, CB_DNS_MESSAGE_MAX, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    message->len = (size_t)got;
    return 1;
}

/* 0: it is over. */
static int go_on(struct cb_resolver *resolver, struct resolver_asking *asking,
                 int is_told)
{
    cb_auto_value(cb_strbuf) message = {0};
    int heard = is_told ? hear_server(asking, &message) : 0;

    if (heard > 0 && is_answer(asking, &message)) {
        answer(resolver, &asking->asker, &message);
        return 0;
    }
    if (heard < 0 || cb_clock_ms() >= asking->due_ms)
        return try_next(resolver, asking);
    return 1;
}

/* ── The loop ── */

static void drop_guest(struct cb_resolver *resolver, struct resolver_guest *guest)
{
    size_t kept = 0;

    cb_vec_foreach (slot, &resolver->askings) {
        if ((*slot)->asker.guest == guest)
            asking_free(*slot);
        else
            resolver->askings.items[kept++] = *slot;
    }
    resolver->askings.count = kept;
    cb_close(&guest->fd);
    cb_strbuf_free(&guest->in);
    free(guest);
}

static int has_askings(const struct cb_resolver *resolver,
                       const struct resolver_guest *guest)
{
    cb_vec_foreach (asking, &resolver->askings) {
        if ((*asking)->asker.guest == guest)
            return 1;
    }
    return 0;
}

static void drop_late_guests(struct cb_resolver *resolver, int all)
{
    int64_t now = cb_clock_ms();
    size_t kept = 0;

    cb_vec_foreach (slot, &resolver->guests) {
        if (all || (*slot)->due_ms <= now ||
            ((*slot)->is_silent && !has_askings(resolver, *slot)))
            drop_guest(resolver, *slot);
        else
            resolver->guests.items[kept++] = *slot;
    }
    resolver->guests.count = kept;
}

/* Those that were there before, as WAITS is of them. */
static void serve_askings(struct cb_resolver *resolver, const struct pollfd *waits,
                          size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < resolver->askings.count; i++) {
        struct resolver_asking *asking = resolver->askings.items[i];

        if (i >= count || go_on(resolver, asking, waits[i].revents != 0))
            resolver->askings.items[kept++] = asking;
        else
            asking_free(asking);
    }
    resolver->askings.count = kept;
}

static void fill_waits(const struct cb_resolver *resolver, struct pollfd *waits,
                       int64_t now)
{
    int is_full = resolver->guests.count >= MAX_GUESTS || resolver->deaf_until_ms > now;

    *waits++ = (struct pollfd){.fd = resolver->stop, .events = POLLIN};
    *waits++ = (struct pollfd){.fd = resolver->udp, .events = POLLIN};
    *waits++ = (struct pollfd){.fd = is_full ? -1 : resolver->tcp, .events = POLLIN};
    cb_vec_foreach (slot, &resolver->askings) {
        short events = (*slot)->is_sent ? POLLIN : POLLOUT;

        *waits++ = (struct pollfd){.fd = (*slot)->fd, .events = events};
    }
    cb_vec_foreach (slot, &resolver->guests)
        *waits++ =
            (struct pollfd){.fd = (*slot)->fd, .events = (*slot)->is_silent ? 0 : POLLIN};
}

static int until_ms(const struct cb_resolver *resolver, int64_t now)
{
    int64_t at = resolver->deaf_until_ms > now ? resolver->deaf_until_ms : INT64_MAX;
    int64_t left;

    cb_vec_foreach (slot, &resolver->askings)
        at = (*slot)->due_ms < at ? (*slot)->due_ms : at;
    cb_vec_foreach (slot, &resolver->guests)
        at = (*slot)->due_ms < at ? (*slot)->due_ms : at;
    left = at - now;
    return at == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
}

void cb_resolver_serve(struct cb_resolver *resolver)
{
    struct pollfd waits[FIXED_WAITS + MAX_ASKINGS + MAX_GUESTS];

    for (;;) {
        size_t askings = resolver->askings.count, guests = resolver->guests.count;
        int64_t now = cb_clock_ms();

        fill_waits(resolver, waits, now);
        if (poll(waits, FIXED_WAITS + askings + guests, until_ms(resolver, now)) < 0)
            continue;
        if (waits[0].revents)
            break;
        for (size_t i = 0; i < guests; i++)
            if (waits[FIXED_WAITS + askings + i].revents)
                hear_guest(resolver, resolver->guests.items[i]);
        if (waits[1].revents)
            receive(resolver);
        if (waits[2].revents)
            let_in(resolver);
        serve_askings(resolver, waits + FIXED_WAITS, askings);
        drop_late_guests(resolver, 0);
    }
    drop_late_guests(resolver, 1);
    cb_vec_foreach (slot, &resolver->askings)
        asking_free(*slot);
    cb_vec_free(&resolver->askings);
    cb_vec_free(&resolver->guests);
}
