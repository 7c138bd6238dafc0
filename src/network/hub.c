/* The side of those who take a seat. Who keeps the hub is found by a socket in a
 * directory of the user's, one for each network of a host; only one process at a time
 * holds the lock beside it, from when it claims to make the hub until the hub ends, so
 * there are never two. */
#include "network/hub-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "network/network-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SOCKET_NAME      "socket"
#define LOCK_NAME        "lock"
#define GREETING_WAIT_MS 5000
#define ANSWER_WAIT_MS   60000
#define CLAIM_WAIT_MS    10000
#define REVIVAL_WAIT_MS  500
#define NAP_MS           5

struct cb_hub {
    int socket, user, net;
    int is_greeted;
    int alive; /* the network's way out stays as long as anybody has this */
    struct cb_ip resolver;
};

void cb_hub_leave(struct cb_hub *hub)
{
    if (!hub)
        return;
    cb_close(&hub->net);
    cb_close(&hub->alive);
    cb_close(&hub->user);
    cb_close(&hub->socket);
    free(hub);
}

/* ── Finding it ── */

int cb_hub_dir_name(char out[CB_HUB_DIR_NAME_MAX], struct cb_error **err)
{
    struct stat st;

    if (stat("/proc/self/ns/net", &st) < 0)
        return cb_error_errno(err, errno, "stat `/proc/self/ns/net`");
    snprintf(out, CB_HUB_DIR_NAME_MAX, "hub-%ju", (uintmax_t)st.st_ino);
    return 0;
}

static int open_dir(int create, int *dir, struct cb_error **err)
{
    cb_autofd int base = -1;
    char name[CB_HUB_DIR_NAME_MAX];

    if (cb_hub_dir_name(name, err) < 0 ||
        cb_net_runtime_dir(create, &base, NULL, err) < 0)
        return -1;
    if (create && mkdirat(base, name, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s`", name);
    *dir = openat(base, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return *dir < 0 ? cb_error_errno(err, errno, "open `%s`", name) : 0;
}

/* A path of a socket is short, directories are not. */
static void fill_address(struct sockaddr_un *address, int dir)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path),
             "/proc/self/fd/%d/" SOCKET_NAME, dir);
}

static int connect_to(int dir)
{
    cb_autofd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;

    fill_address(&address, dir);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    return cb_steal_fd(&fd);
}

static int is_of_user(int socket)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           peer.uid == geteuid();
}

/* 1; 0: it ended meanwhile. */
static int receive(struct cb_hub *hub, int timeout_ms, struct cb_cancel *cancel,
                   struct cb_hub_message *message, int *fds, struct cb_error **err)
{
    struct pollfd waits[] = {{.fd = hub->socket, .events = POLLIN},
                             {.fd = cb_cancel_fd(cancel), .events = POLLIN}};
    int got;

    while ((got = poll(waits, 2, timeout_ms)) < 0 && errno == EINTR)
        continue;
    if (waits[1].revents)
        return cb_cancel_check(cancel, err);
    if (!got)
        return cb_error_set(err, CB_ERR_SYSTEM, "%s does not answer", CB_HUB_NAME);
    got = cb_hub_receive(hub->socket, message, fds);
    return got < 0 ? cb_error_errno(err, errno, "ask %s", CB_HUB_NAME) : got;
}

/* The user namespace comes with the greeting. */
static int greet(struct cb_hub *hub, struct cb_error **err)
{
    struct cb_hub_message message;
    int fds[CB_HUB_MAX_FDS], got;

    if (hub->is_greeted)
        return 1;
    got = receive(hub, GREETING_WAIT_MS, NULL, &message, fds, err);
    if (got <= 0)
        return got;
    cb_close(&hub->user);
    hub->user = fds[0];
    hub->is_greeted = 1;
    cb_close(&fds[1]);
    return hub->user < 0 ? 0 : 1;
}

static struct cb_hub *hub_new(int socket)
{
    struct cb_hub *hub = xcalloc(1, sizeof(*hub));

    hub->socket = socket;
    hub->user = hub->net = hub->alive = -1;
    return hub;
}

static int find_in(int dir, struct cb_hub **out, struct cb_error **err)
{
    cb_auto(cb_hub) hub = NULL;
    int fd = connect_to(dir), got;

    if (fd < 0)
        return 0;
    hub = hub_new(fd);
    if (!is_of_user(fd))
        return cb_error_set(err, CB_ERR_DENIED, "%s is another user's", CB_HUB_NAME);
    got = greet(hub, err);
    if (got > 0)
        *out = cb_steal(&hub);
    return got;
}

int cb_hub_find(struct cb_hub **out, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofd int dir = -1;

    if (open_dir(0, &dir, &error) < 0)
        return cb_error_kind(error) == CB_ERR_NOT_FOUND ? 0 : cb_error_move(err, &error);
    return find_in(dir, out, err);
}

int cb_hub_user_namespace(const struct cb_hub *hub)
{
    return hub->user;
}

int cb_hub_is_ours(const struct cb_hub *hub)
{
    struct stat theirs, own;

    return fstat(hub->user, &theirs) == 0 && stat("/proc/self/ns/user", &own) == 0 &&
           theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev;
}

int cb_hub_open(struct cb_hub **out, struct cb_error **err)
{
    cb_auto(cb_hub) hub = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_netns_is_ours() || cb_hub_find(&hub, &error) <= 0 || !cb_hub_is_ours(hub)) {
        if (error)
            cb_debug("%s", cb_error_message(error));
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "there is no network here in which containers meet");
    }
    *out = cb_steal(&hub);
    return 0;
}

/* ── Its network ── */

static int ask(struct cb_hub *hub, enum cb_hub_question question,
               struct cb_cancel *cancel, struct cb_error **err)
{
    struct cb_hub_message message = {.version = CB_HUB_VERSION, .question = question};
    int fds[CB_HUB_MAX_FDS], got = greet(hub, err);

    if (got > 0 && hub->net >= 0)
        return 0;
    if (got > 0 && cb_hub_send(hub->socket, &message, NULL, 0) < 0)
        got = 0;
    if (got > 0)
        got = receive(hub, ANSWER_WAIT_MS, cancel, &message, fds, err);
    if (got <= 0)
        return got < 0 ? -1
                       : cb_error_set(err, CB_ERR_SYSTEM, "%s has ended", CB_HUB_NAME);
    hub->net = fds[0];
    hub->alive = fds[1];
    hub->resolver = message.resolver;
    if (message.failed)
        return cb_error_set(err, CB_ERR_SYSTEM, "%s", message.text);
    if (*message.text)
        cb_warn("%s", message.text);
    return 0;
}

int cb_hub_look(struct cb_hub *hub)
{
    ask(hub, CB_HUB_LOOK, NULL, NULL);
    return hub->net;
}

int cb_hub_need(struct cb_hub *hub, struct cb_cancel *cancel, int *fd,
                struct cb_error **err)
{
    if (ask(hub, CB_HUB_NEED, cancel, err) < 0)
        return -1;
    if (hub->net < 0)
        return cb_error_set(err, CB_ERR_SYSTEM, "%s gives no network", CB_HUB_NAME);
    *fd = hub->net;
    return 0;
}

const struct cb_ip *cb_hub_resolver(const struct cb_hub *hub)
{
    return &hub->resolver;
}

/* ── Making it ── */

struct cb_hub_claim {
    int dir, lock;
};

void cb_hub_claim_drop(struct cb_hub_claim *claim)
{
    if (!claim)
        return;
    cb_close(&claim->dir);
    cb_close(&claim->lock);
    free(claim);
}

static int open_claim(struct cb_hub_claim *claim, struct cb_error **err)
{
    if (open_dir(1, &claim->dir, err) < 0)
        return -1;
    claim->lock =
        openat(claim->dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return claim->lock < 0 ? cb_error_errno(err, errno, "open lock `" LOCK_NAME "`") : 0;
}

static void clear_left(void)
{
    cb_autofree char *path = NULL;
    cb_autofd int base = -1;
    char name[CB_HUB_DIR_NAME_MAX];

    if (cb_hub_dir_name(name, NULL) == 0 &&
        cb_net_runtime_dir(0, &base, &path, NULL) == 0)
        cb_hub_clear_left(base, path, name);
}

/* Whoever has the lock is about to listen, or to end. */
static int claim_within(int ms, struct cb_hub_claim *claim, struct cb_hub **hub,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    if (open_claim(claim, err) < 0)
        return -1;
    for (int waited = 0; waited < ms; waited += NAP_MS) {
        int found = find_in(claim->dir, hub, err);

        if (found)
            return found < 0 ? -1 : 0;
        if (flock(claim->lock, LOCK_EX | LOCK_NB) == 0)
            return 1;
        if (cb_cancel_check(cancel, err) < 0)
            return -1;
        poll(NULL, 0, NAP_MS);
    }
    return cb_error_set(err, CB_ERR_SYSTEM, "%s neither listens nor ends", CB_HUB_NAME);
}

static struct cb_hub_claim *claim_new(void)
{
    struct cb_hub_claim *claim = xcalloc(1, sizeof(*claim));

    claim->dir = claim->lock = -1;
    return claim;
}

int cb_hub_claim(struct cb_hub_claim **out, struct cb_hub **hub, struct cb_cancel *cancel,
                 struct cb_error **err)
{
    cb_auto(cb_hub_claim) claim = claim_new();
    int status = claim_within(CLAIM_WAIT_MS, claim, hub, cancel, err);

    if (status <= 0)
        return status;
    clear_left();
    *out = cb_steal(&claim);
    return 1;
}

static int listen_in(int dir, struct cb_error **err)
{
    cb_autofd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;

    fill_address(&address, dir);
    unlinkat(dir, SOCKET_NAME, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(dir, SOCKET_NAME, 0600, 0) < 0 || listen(fd, 128) < 0)
        return cb_error_errno(err, errno, "listen on `" SOCKET_NAME "`");
    return cb_steal_fd(&fd);
}

/* Descriptors of the keeper: those of CLAIM, and the network of BEFORE (may be NULL),
 * which is told in words, too. */
static int start_keeper(const struct cb_hub_claim *claim, int listener,
                        const struct cb_hub *before, struct cb_error **err)
{
    const char *argv[] = {CB_HUB_NAME, NULL, NULL};
    int fds[5] = {listener, claim->lock, claim->dir};
    char resolver[CB_IP_MAX_TEXT] = "";
    cb_autofd int errors = open("/dev/null", O_WRONLY | O_CLOEXEC);
    size_t count = 3;

    if (before && before->net >= 0) {
        fds[count++] = before->net;
        if (before->alive >= 0)
            fds[count++] = before->alive;
        if (before->resolver.family)
            cb_ip_text(&before->resolver, resolver);
        argv[1] = resolver;
    }
    return cb_subprocess_detach("/proc/self/exe", argv, errors, fds, count, err);
}

/* Nobody waits until it runs: seats are taken once there is somebody to listen. */
static int found(const struct cb_hub_claim *claim, const struct cb_hub *before,
                 struct cb_hub **out, struct cb_error **err)
{
    cb_autofd int listener = listen_in(claim->dir, err);
    cb_autofd int seat = -1;

    if (listener < 0)
        return -1;
    seat = connect_to(claim->dir);
    if (seat < 0)
        return cb_error_errno(err, errno, "connect to `" SOCKET_NAME "`");
    if (start_keeper(claim, listener, before, err) < 0)
        return -1;
    *out = hub_new(cb_steal_fd(&seat));
    return 0;
}

int cb_hub_found(const struct cb_hub_claim *claim, struct cb_hub **out,
                 struct cb_error **err)
{
    return found(claim, NULL, out, err);
}

/* ── Keeping it up ── */

int cb_hub_fd(const struct cb_hub *hub)
{
    return hub ? hub->socket : -1;
}

void cb_hub_hold(struct cb_hub *hub)
{
    if (hub && hub->socket >= 0)
        cb_hub_look(hub);
}

/* Of several that hear of the end one is first, the others find what it has founded. */
void cb_hub_revive(struct cb_hub *hub)
{
    cb_auto(cb_hub_claim) claim = claim_new();
    cb_auto(cb_hub) again = NULL;
    cb_auto(cb_error) error = NULL;
    char byte;

    if (!hub->is_greeted && recv(hub->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0 &&
        greet(hub, NULL) > 0)
        return;
    cb_close(&hub->socket);
    if (claim_within(REVIVAL_WAIT_MS, claim, &again, NULL, &error) > 0)
        found(claim, hub, &again, &error);
    else if (again && !cb_hub_is_ours(again))
        cb_hub_leave(cb_steal(&again));
    if (error)
        cb_debug("%s", cb_error_message(error));
    hub->is_greeted = again ? again->is_greeted : 0;
    if (again)
        hub->socket = cb_steal_fd(&again->socket);
}
