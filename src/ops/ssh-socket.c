/* The socket a step talks to, and what stands between it and the user's agent. Messages
 * of the agent protocol are passed on one by one, and only those that list keys and sign
 * with them: a step cannot add or remove keys, lock the agent, or use an extension; it is
 * told "failure", as an agent that does not know the message would.
 *
 * One thread serves all connections of a step, each of which is in one of four phases:
 * reading a request, passing it on, reading the answer, passing that back. The thread
 * owns the connections; `wake` is all that others touch while it runs. */
#include "ops/exec-priv.h"

#include "base/cancel.h"
#include "base/strbuf.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SOCKET_NAME     "agent"
#define MAX_CONNECTIONS 32
#define MAX_MESSAGE     (256u << 10) /* as OpenSSH's own agent has it */
#define HEADER          4            /* the length, big-endian */
#define PAUSE_MS        100

enum { AGENT_FAILURE = 5, REQUEST_IDENTITIES = 11, SIGN_REQUEST = 13 };

enum phase { READ_REQUEST, SEND_REQUEST, READ_ANSWER, SEND_ANSWER };

struct connection {
    int step_fd, agent_fd; /* agent_fd -1 until it is needed */
    enum phase phase;
    struct cb_strbuf message;
    size_t sent;
};

struct cb_ssh_socket {
    struct cb_ssh_source source;
    char *id;
    struct cb_scratch *scratch;
    int listen_fd, path_fd;
    struct cb_cancel *wake; /* ends the thread */
    pthread_t thread;
    int running;
    struct connection connections[MAX_CONNECTIONS];
    size_t count;
};

/* ── One connection ── */

static void connection_close(struct connection *connection)
{
    cb_close(&connection->step_fd);
    cb_close(&connection->agent_fd);
    if (connection->message.text)
        explicit_bzero(connection->message.text, connection->message.len);
    cb_strbuf_free(&connection->message);
}

static size_t message_len(const struct cb_strbuf *message)
{
    const unsigned char *bytes = (const unsigned char *)message->text;

    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 |
           bytes[3];
}

/* Reads at most what is missing of the message. 1: it is whole, 0: more is to come, -1:
 * the other side has gone or talks nonsense. */
static int receive(int fd, struct cb_strbuf *message)
{
    for (;;) {
        size_t want = HEADER;
        ssize_t got;

        if (message->len >= HEADER) {
            size_t len = message_len(message);

            if (len == 0 || len > MAX_MESSAGE)
                return -1;
            want += len;
            if (message->len == want)
                return 1;
        }
        cb_strbuf_reserve(message, want - message->len);
        got = recv(fd, message->text + message->len, want - message->len, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (got <= 0)
            return -1;
        message->len += (size_t)got;
    }
}

/* 1: all of it is sent. */
static int transmit(int fd, struct connection *connection)
{
    const struct cb_strbuf *message = &connection->message;

    while (connection->sent < message->len) {
        ssize_t sent = send(fd, message->text + connection->sent,
                            message->len - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (sent < 0)
            return -1;
        connection->sent += (size_t)sent;
    }
    return 1;
}

static void start_phase(struct connection *connection, enum phase phase)
{
    connection->phase = phase;
    connection->sent = 0;
    if (phase == READ_REQUEST || phase == READ_ANSWER)
        cb_strbuf_truncate(&connection->message, 0);
}

static void refuse(struct connection *connection)
{
    static const char failure[] = {0, 0, 0, 1, AGENT_FAILURE};

    cb_strbuf_truncate(&connection->message, 0);
    cb_strbuf_add(&connection->message, failure, sizeof(failure));
    start_phase(connection, SEND_ANSWER);
}

/* A request is whole. An agent that is gone refuses everything. */
static void judge(struct cb_ssh_socket *socket, struct connection *connection)
{
    int type = connection->message.text[HEADER];

    if (type != REQUEST_IDENTITIES && type != SIGN_REQUEST) {
        refuse(connection);
        return;
    }
    if (connection->agent_fd < 0 &&
        socket->source.connect(socket->source.arg, socket->id, &connection->agent_fd,
                               NULL) <= 0) {
        connection->agent_fd = -1;
        refuse(connection);
        return;
    }
    start_phase(connection, SEND_REQUEST);
}

/* As far as it goes without waiting. -1: the connection is over. */
static int advance(struct cb_ssh_socket *socket, struct connection *connection)
{
    int done;

    for (;;) {
        switch (connection->phase) {
        case READ_REQUEST:
            done = receive(connection->step_fd, &connection->message);
            if (done == 1)
                judge(socket, connection);
            break;
        case SEND_REQUEST:
            done = transmit(connection->agent_fd, connection);
            if (done == 1)
                start_phase(connection, READ_ANSWER);
            break;
        case READ_ANSWER:
            done = receive(connection->agent_fd, &connection->message);
            if (done == 1)
                start_phase(connection, SEND_ANSWER);
            break;
        default:
            done = transmit(connection->step_fd, connection);
            if (done == 1)
                start_phase(connection, READ_REQUEST);
            break;
        }
        if (done != 1)
            return done;
    }
}

static struct pollfd awaited(const struct connection *connection)
{
    int agent = connection->phase == SEND_REQUEST || connection->phase == READ_ANSWER;
    int send = connection->phase == SEND_REQUEST || connection->phase == SEND_ANSWER;

    return (struct pollfd){.fd = agent ? connection->agent_fd : connection->step_fd,
                           .events = send ? POLLOUT : POLLIN};
}

/* ── The thread ── */

/* 0: there is no room for another descriptor, and the connection still waits. */
static int accept_one(struct cb_ssh_socket *socket)
{
    int fd = accept4(socket->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
    socket->connections[socket->count++] =
        (struct connection){.step_fd = fd, .agent_fd = -1};
    return 1;
}

static void serve_ready(struct cb_ssh_socket *socket, const struct pollfd *polls)
{
    size_t kept = 0;

    for (size_t i = 0; i < socket->count; i++) {
        struct connection *connection = &socket->connections[i];

        if (polls[i].revents && advance(socket, connection) < 0)
            connection_close(connection);
        else
            socket->connections[kept++] = *connection;
    }
    socket->count = kept;
}

/* More connections than there is room for wait in the socket's own queue: until one ends,
 * or when it is descriptors that are short, for a while. */
static void *serve(void *arg)
{
    struct cb_ssh_socket *socket = arg;
    struct pollfd polls[2 + MAX_CONNECTIONS];
    int pause = 0;

    for (;;) {
        int room = socket->count < MAX_CONNECTIONS && !pause;

        polls[0] = (struct pollfd){.fd = cb_cancel_fd(socket->wake), .events = POLLIN};
        polls[1] = (struct pollfd){.fd = room ? socket->listen_fd : -1, .events = POLLIN};
        for (size_t i = 0; i < socket->count; i++)
            polls[2 + i] = awaited(&socket->connections[i]);
        if (poll(polls, 2 + socket->count, pause ? PAUSE_MS : -1) < 0 && errno != EINTR)
            break;
        if (polls[0].revents)
            break;
        serve_ready(socket, polls + 2);
        pause = polls[1].revents && room && !accept_one(socket);
    }
    return NULL;
}

static int start_thread(struct cb_ssh_socket *socket, struct cb_error **err)
{
    int failed = cb_thread_start(&socket->thread, serve, socket);

    if (failed)
        return cb_error_errno(err, failed, "start a thread");
    socket->running = 1;
    return 0;
}

/* ── Opening ── */

/* Named through its directory's descriptor: a socket's address has room for 107 bytes. */
static int listen_in(struct cb_ssh_socket *ours, struct cb_error **err)
{
    int dir = cb_scratch_fd(ours->scratch);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
             dir);
    ours->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ours->listen_fd < 0 ||
        bind(ours->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(ours->listen_fd, MAX_CONNECTIONS) < 0)
        return cb_error_errno(err, errno, "make a socket");
    ours->path_fd = openat(dir, SOCKET_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (ours->path_fd < 0)
        return cb_error_errno(err, errno, "open the socket");
    return 0;
}

int cb_ssh_socket_open(struct cb_ssh_socket **out, struct cb_store *store,
                       const struct cb_ssh_source *source, struct cb_error **err)
{
    cb_auto(cb_ssh_socket) socket = xcalloc(1, sizeof(*socket));

    socket->source = *source;
    socket->id = xstrdup(source->id);
    socket->listen_fd = socket->path_fd = -1;
    socket->wake = cb_cancel_new();
    if (cb_store_scratch(store, &socket->scratch, err) < 0 ||
        listen_in(socket, err) < 0 || start_thread(socket, err) < 0)
        return -1;
    *out = cb_steal(&socket);
    return 0;
}

int cb_ssh_socket_fd(const struct cb_ssh_socket *socket)
{
    return socket->path_fd;
}

void cb_ssh_socket_close(struct cb_ssh_socket *socket)
{
    if (!socket)
        return;
    if (socket->running) {
        cb_cancel_request(socket->wake);
        pthread_join(socket->thread, NULL);
    }
    for (size_t i = 0; i < socket->count; i++)
        connection_close(&socket->connections[i]);
    cb_close(&socket->listen_fd);
    cb_close(&socket->path_fd);
    cb_scratch_free(socket->scratch);
    cb_cancel_free(socket->wake);
    free(socket->id);
    free(socket);
}
