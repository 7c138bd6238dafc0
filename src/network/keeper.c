/* The process that keeps the hub: one thread, one loop. It is this program, executed once
 * more as CB_HUB_NAME in the user namespace of who founded the hub. Each connection is a
 * seat, and its end, however it comes, is that of the seat. The network namespace and its
 * way out (pasta, else slirp4netns) are made when somebody first needs them; they stay
 * for a moment after the last seat was given up, since commands often follow each other.
 *
 * A process that was killed while it had a seat may have left something set up in the
 * network, which is taken down at once. */
#include "network/hub-priv.h"

#include "network/attach-priv.h"
#include "network/network-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MAX_SEATS     4096
#define FIRST_WAIT_MS 10000 /* for who founded it */
#define LINGER_MS     2000
#define SOCKET_NAME   "socket"

struct keeper {
    struct cb_cancel *cancel;
    CB_VEC(int) seats;
    struct cb_network *network; /* or NULL: it was another's before */
    int net, alive, user;
    int base; /* the directory of what is set up, and its path */
    char *path;
    struct cb_ip resolver;
    char told[sizeof(((struct cb_hub_message *)0)->text)];
};

/* ── The network ── */

static void keep_words(char *out, size_t size, const struct cb_error *error)
{
    const char *hint = cb_error_hint_text(error);

    snprintf(out, size, "%s%s%s", cb_error_message(error), hint ? "; " : "",
             hint ? hint : "");
}

static int mark_here(void *unused)
{
    char name[CB_HUB_DIR_NAME_MAX];
    cb_autofd int dir = -1;

    if (cb_hub_dir_name(name, NULL) < 0 || cb_net_lease_dir(&dir, NULL, NULL) < 0)
        return -1;
    return cb_hub_mark(dir, name);
}

static int make_network(struct keeper *keeper, struct cb_error **err)
{
    cb_autofree char *dir = NULL;
    cb_autofree char *words = NULL;
    cb_autofd int fd = -1;
    struct cb_network_options options = {.mode = CB_HUB_MODE};

    if (cb_net_runtime_dir(1, &fd, &dir, err) < 0)
        return -1;
    options.state_dir = dir;
    if (cb_network_new(&keeper->network, &options, err) < 0 ||
        cb_network_netns(keeper->network, NULL, &keeper->net, err) < 0)
        return -1;
    keeper->alive = cb_usermode_alive(keeper->network);
    keeper->resolver = keeper->network->facts.resolver;
    if (keeper->network->told)
        snprintf(keeper->told, sizeof(keeper->told), "%s", keeper->network->told);
    cb_netns_call(keeper->net, mark_here, NULL, NULL);
    return 0;
}

/* Of a network that was another's before, the way out ends with the last who has ALIVE.
 */
static void drop_network(struct keeper *keeper)
{
    if (!keeper->network) {
        cb_close(&keeper->net);
        cb_close(&keeper->alive);
    }
    cb_network_free(cb_steal(&keeper->network));
    keeper->net = keeper->alive = -1;
}

/* What is told is told to who needed it first. */
static void answer(struct keeper *keeper, int seat, enum cb_hub_question question)
{
    struct cb_hub_message message = {.version = CB_HUB_VERSION, .question = question};
    cb_auto(cb_error) error = NULL;
    int fds[CB_HUB_MAX_FDS];
    size_t count = 0;

    if (question == CB_HUB_NEED && keeper->net < 0 && make_network(keeper, &error) < 0) {
        drop_network(keeper);
        message.failed = 1;
        keep_words(message.text, sizeof(message.text), error);
    }
    if (keeper->net >= 0) {
        fds[count++] = keeper->net;
        if (keeper->alive >= 0)
            fds[count++] = keeper->alive;
        message.resolver = keeper->resolver;
        memcpy(message.text, keeper->told, sizeof(message.text));
        *keeper->told = '\0';
    }
    cb_hub_send(seat, &message, fds, count);
}

/* ── What is left in it ── */

static int sweep_here(void *unused)
{
    cb_attach_sweep();
    return 0;
}

static void sweep(struct keeper *keeper)
{
    if (keeper->net >= 0)
        cb_netns_call(keeper->net, sweep_here, NULL, NULL);
}

/* By what its directory was called, which may be gone. */
static void clear(struct keeper *keeper)
{
    char name[40];
    struct stat st;

    sweep(keeper);
    if (fstat(keeper->net, &st) < 0)
        return;
    snprintf(name, sizeof(name), "net-%ju", (uintmax_t)st.st_ino);
    cb_hub_clear_network(keeper->base, keeper->path, name);
}

/* ── Seats ── */

static int is_of_user(int seat)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(seat, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           peer.uid == geteuid();
}

static void greet(const struct keeper *keeper, int seat)
{
    struct cb_hub_message message = {.version = CB_HUB_VERSION,
                                     .question = CB_HUB_GREETING};

    cb_hub_send(seat, &message, &keeper->user, 1);
}

/* 1: all who wait have been let in; 0: there is no room for the next. */
static int accept_all(struct keeper *keeper)
{
    int seat;

    while ((seat = accept4(CB_HUB_LISTENER, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
           0) {
        if (!is_of_user(seat) || keeper->seats.count == MAX_SEATS) {
            cb_close(&seat);
            continue;
        }
        greet(keeper, seat);
        cb_vec_push(&keeper->seats, seat);
    }
    return errno != EMFILE && errno != ENFILE;
}

/* 0: it was given up. */
static int serve(struct keeper *keeper, int seat)
{
    struct cb_hub_message message;
    int fds[CB_HUB_MAX_FDS], got = cb_hub_receive(seat, &message, fds);

    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    for (size_t i = 0; i < CB_HUB_MAX_FDS; i++)
        cb_close(&fds[i]);
    answer(keeper, seat, (enum cb_hub_question)message.question);
    return 1;
}

/* WAITS is of those that were there before. 1: one was given up. */
static int serve_all(struct keeper *keeper, const struct pollfd *waits, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        int seat = keeper->seats.items[i];

        if (waits[i].revents && !serve(keeper, seat))
            cb_close(&seat);
        else
            keeper->seats.items[kept++] = seat;
    }
    keeper->seats.count = kept;
    return kept < count;
}

/* ── Its life ── */

/* How long there may be nobody. */
static int patience_ms(const struct keeper *keeper, int is_new)
{
    if (keeper->seats.count)
        return -1;
    if (cb_cancel_requested(keeper->cancel))
        return 0;
    return is_new ? FIRST_WAIT_MS : keeper->net >= 0 ? LINGER_MS : 0;
}

/* When the machine ends everybody is asked to: containers may take their time for it, and
 * have their network as long. */
static void live(struct keeper *keeper)
{
    struct pollfd waits[2 + MAX_SEATS];
    int is_new = 1, has_room = 1;

    for (;;) {
        size_t count = keeper->seats.count;
        int asked = cb_cancel_requested(keeper->cancel);

        waits[0] =
            (struct pollfd){.fd = has_room ? CB_HUB_LISTENER : -1, .events = POLLIN};
        waits[1] = (struct pollfd){.fd = asked ? -1 : cb_cancel_fd(keeper->cancel),
                                   .events = POLLIN};
        for (size_t i = 0; i < count; i++)
            waits[2 + i] =
                (struct pollfd){.fd = keeper->seats.items[i], .events = POLLIN};
        if (poll(waits, 2 + count, patience_ms(keeper, is_new)) == 0)
            return;
        if (waits[0].revents)
            is_new = 0;
        if (serve_all(keeper, waits + 2, count))
            sweep(keeper);
        has_room = accept_all(keeper);
    }
}

/* Seats that were asked for in the meantime are refused by the end of the socket, and
 * asked for again. */
static void end(struct keeper *keeper)
{
    int listener = CB_HUB_LISTENER;

    unlinkat(CB_HUB_DIR, SOCKET_NAME, 0);
    cb_close(&listener);
    if (keeper->net >= 0)
        clear(keeper);
    drop_network(keeper);
    cb_vec_foreach (seat, &keeper->seats)
        cb_close(seat);
    cb_vec_free(&keeper->seats);
    cb_close(&keeper->user);
    cb_close(&keeper->base);
    free(keeper->path);
}

static void adopt(struct keeper *keeper, const char *resolver)
{
    struct stat st;

    fcntl(CB_HUB_NET, F_SETFD, FD_CLOEXEC);
    keeper->net = CB_HUB_NET;
    if (*resolver)
        cb_ip_parse(&keeper->resolver, resolver);
    if (fstat(CB_HUB_ALIVE, &st) < 0 || !S_ISFIFO(st.st_mode))
        return;
    fcntl(CB_HUB_ALIVE, F_SETFD, FD_CLOEXEC);
    keeper->alive = CB_HUB_ALIVE;
}

int cb_hub_keep(const char *resolver, struct cb_cancel *cancel, struct cb_error **err)
{
    struct keeper keeper = {
        .cancel = cancel, .net = -1, .alive = -1, .user = -1, .base = -1};

    for (int fd = CB_HUB_LISTENER; fd <= CB_HUB_DIR; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return cb_error_set(err, CB_ERR_USAGE, "it is started by `cbuild run`");
    if (resolver)
        adopt(&keeper, resolver);
    if (cb_net_runtime_dir(1, &keeper.base, &keeper.path, err) < 0)
        return -1;
    keeper.user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (keeper.user < 0)
        return cb_error_errno(err, errno, "open `/proc/self/ns/user`");
    live(&keeper);
    end(&keeper);
    return 0;
}
