/* Connections to a monitor. One that does not take what its session prints holds that
 * session up, as a terminal does; nobody holds up the monitor. */
#include "container/monitor-priv.h"

#include "container/pin.h"
#include "container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_CLIENTS 256
/* Kept within the first size, a socket always has room for a last message in the second.
 */
#define SOCKET_BYTES 65536
#define LAST_BYTES   212992
#define MAX_QUEUE    256

static void set_buffer(int fd, int bytes)
{
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

struct client *cb_client_add(struct monitor *monitor, int fd)
{
    struct client *client = xcalloc(1, sizeof(*client));

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    set_buffer(fd, SOCKET_BYTES);
    client->fd = fd;
    cb_vec_push(&monitor->clients, client);
    if (monitor->clients.count > MAX_CLIENTS)
        cb_client_drop(client);
    return client;
}

void cb_client_drop(struct client *client)
{
    cb_close(&client->fd);
    client->role = CLIENT_GONE;
}

void cb_clients_sweep(struct monitor *monitor)
{
    size_t kept = 0;

    cb_vec_foreach (slot, &monitor->clients) {
        struct client *client = *slot;

        if (client->role != CLIENT_GONE) {
            monitor->clients.items[kept++] = client;
            continue;
        }
        cb_monitor_saving_lost(monitor, client);
        if (monitor->starter == client)
            monitor->starter = NULL;
        if (monitor->pauser == client)
            cb_monitor_pause(monitor, 0, NULL);
        cb_vec_foreach (message, &client->queue)
            free(*message);
        cb_vec_free(&client->queue);
        free(client);
    }
    monitor->clients.count = kept;
}

int cb_clients_are_behind(const struct monitor *monitor, const struct session *session)
{
    cb_vec_foreach (client, &monitor->clients) {
        if ((*client)->session == session && (*client)->queue.count)
            return 1;
    }
    return 0;
}

/* ── Sending ── */

static int keep(struct client *client, const struct cb_wire_message *message)
{
    if (client->queue.count == MAX_QUEUE)
        return -1;
    cb_vec_push(&client->queue,
                xmemdup(message, offsetof(struct cb_wire_message, text) + message->len));
    return 0;
}

void cb_client_send(struct client *client, const struct cb_wire_message *message, int fd)
{
    if (client->role == CLIENT_GONE)
        return;
    if (!client->queue.count && cb_wire_send(client->fd, message, fd) == 0)
        return;
    if ((client->queue.count || errno == EAGAIN) && keep(client, message) == 0)
        return;
    cb_client_drop(client);
}

void cb_client_flush(struct client *client)
{
    size_t sent = 0;

    while (sent < client->queue.count &&
           cb_wire_send(client->fd, client->queue.items[sent], -1) == 0)
        free(client->queue.items[sent++]);
    if (sent < client->queue.count && errno != EAGAIN)
        cb_client_drop(client);
    memmove(client->queue.items, client->queue.items + sent,
            (client->queue.count - sent) * sizeof(struct cb_wire_message *));
    client->queue.count -= sent;
}

void cb_client_answer(struct client *client, int failed, struct cb_error *error)
{
    struct cb_wire_message message = {.type = CB_WIRE_OK};

    if (failed)
        cb_wire_set_error(&message, error);
    cb_client_send(client, &message, -1);
}

/* Nobody is waited for: what it has not taken goes along in a file. */
static void tell_end(struct client *client, int exit_code)
{
    const struct cb_wire_message message = {.type = CB_WIRE_EXITED, .a = exit_code};
    cb_autofd int rest = -1;

    if (client->queue.count) {
        cb_wire_pack(client->queue.items, client->queue.count, &rest);
        set_buffer(client->fd, LAST_BYTES);
    }
    cb_wire_send(client->fd, &message, rest);
    cb_client_drop(client);
}

void cb_clients_tell_end(struct monitor *monitor, const struct session *session,
                         int exit_code)
{
    cb_vec_foreach (slot, &monitor->clients) {
        struct client *client = *slot;

        if ((client->role == CLIENT_STREAMS && client->session == session) ||
            (client->role == CLIENT_END && session == monitor->main))
            tell_end(client, exit_code);
    }
}

void cb_clients_tell_restart(struct monitor *monitor, struct cb_error *error)
{
    cb_vec_foreach (client, &monitor->clients) {
        if ((*client)->role != CLIENT_RESTART)
            continue;
        (*client)->role = CLIENT_NEW;
        cb_client_answer(*client, error != NULL, error);
    }
}

void cb_monitor_give_up_restart(struct monitor *monitor)
{
    cb_auto(cb_error) error = NULL;

    if (!monitor->is_restarting)
        return;
    monitor->is_restarting = 0;
    cb_error_set(&error, CB_ERR_EXISTS, "Container %s was stopped meanwhile",
                 monitor->container->id);
    cb_clients_tell_restart(monitor, error);
}

/* ── What is asked ── */

static int is_ending(int number)
{
    return number == SIGKILL || number == SIGTERM || number == SIGINT ||
           number == SIGQUIT;
}

/* One that waits to be started again has nothing that a signal could be given to. */
static void stay_ended(struct monitor *monitor)
{
    cb_monitor_give_up_restart(monitor);
    monitor->container->state.stopped_by_hand = 1;
    cb_container_save_state(monitor->container, NULL);
    monitor->start_at_ms = -1;
}

static int send_signal(struct monitor *monitor, struct session *session, int number,
                       struct cb_error **err)
{
    if (!session && monitor->start_at_ms >= 0) {
        stay_ended(monitor);
        return 0;
    }
    if (!session)
        return cb_monitor_not_running(monitor, err);
    if (session == monitor->main &&
        (is_ending(number) || number == monitor->setup->stopping.signal)) {
        monitor->container->state.stopped_by_hand = 1;
        cb_container_save_state(monitor->container, NULL);
    }
    if ((session == monitor->main ? cb_monitor_signal(monitor, number, err)
                                  : cb_process_signal(session->process, number, err)) < 0)
        return -1;
    cb_monitor_wake(monitor);
    return 0;
}

static int begin_to_stop(struct monitor *monitor, const struct cb_wire_message *message,
                         struct cb_error **err)
{
    int number = message->a ? message->a : SIGTERM;

    cb_monitor_kill_within(monitor, message->b);
    if (cb_monitor_signal(monitor, number, err) < 0)
        return -1;
    cb_monitor_wake(monitor);
    return 0;
}

static int stop(struct monitor *monitor, const struct cb_wire_message *message,
                struct cb_error **err)
{
    if (!monitor->main) {
        stay_ended(monitor);
        return 0;
    }
    cb_monitor_give_up_restart(monitor);
    monitor->container->state.stopped_by_hand = 1;
    cb_container_save_state(monitor->container, NULL);
    return begin_to_stop(monitor, message, err);
}

/* Whether who asked is still there does not matter from here on. */
static int restart(struct monitor *monitor, struct client *client,
                   const struct cb_wire_message *message, struct cb_error **err)
{
    if (monitor->is_quitting || (monitor->main && monitor->main->is_lent))
        return cb_monitor_not_running(monitor, err);
    if (monitor->main && begin_to_stop(monitor, message, err) < 0)
        return -1;
    if (!monitor->main)
        monitor->start_at_ms = cb_clock_ms();
    monitor->is_restarting = 1;
    client->role = CLIENT_RESTART;
    return 0;
}

/* As its first process sees it: our own descriptor knows of no mounts in it. */
static int give_root(struct monitor *monitor, struct client *client,
                     struct cb_error **err)
{
    const struct cb_wire_message message = {.type = CB_WIRE_OK};
    cb_autofd int fd = -1;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    fd = cb_process_open(monitor->main->process, "root", O_PATH | O_DIRECTORY);
    if (fd < 0 && (errno == ENOENT || errno == ESRCH)) /* it has just ended */
        return cb_monitor_not_running(monitor, err);
    if (fd < 0)
        return cb_error_errno(err, errno, "open the root of the container");
    cb_client_send(client, &message, fd);
    return 0;
}

static int give_volume(struct monitor *monitor, struct client *client,
                       const struct cb_wire_message *wish, struct cb_error **err)
{
    const struct cb_wire_message message = {.type = CB_WIRE_OK};
    cb_autofree char *name = xstrndup(wish->text, wish->len);
    cb_autofd int fd = -1;

    if (!monitor->main || !monitor->has_own_mounts)
        return cb_monitor_not_running(monitor, err);
    if (cb_volume_copy_mount(monitor->store_root, monitor->container, name, &fd, err) < 0)
        return -1;
    cb_client_send(client, &message, fd);
    return 0;
}

/* It was nobody's business until now where it writes to. */
static int pin(struct monitor *monitor, struct cb_error **err)
{
    if (!monitor->snapshot || monitor->is_pinned)
        return 0;
    if (cb_container_pin(monitor->container, monitor->snapshot, err) < 0)
        return -1;
    monitor->is_pinned = 1;
    return 0;
}

static int attach(struct monitor *monitor, struct client *client,
                  const struct cb_wire_message *message, struct cb_error **err)
{
    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    if (monitor->main->is_lent) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "container %s has the standard streams of the command that runs it",
                     monitor->container->id);
        return cb_error_hint(err, "one that is to be attached to needs a --name, or -d");
    }
    client->role = CLIENT_STREAMS;
    client->session = monitor->main;
    if (message->b > 0)
        cb_process_resize(monitor->main->process, (unsigned short)message->b,
                          (unsigned short)message->c, NULL);
    cb_client_answer(client, 0, NULL);
    return 0;
}

/* Of what says no more than that it is done. */
static int done(int status)
{
    return status < 0 ? -1 : 1;
}

static int pause_or_go_on(struct monitor *monitor, struct client *client,
                          const struct cb_wire_message *message, struct cb_error **err)
{
    if (cb_monitor_pause(monitor, message->a, err) < 0)
        return -1;
    monitor->pauser = message->a && message->b ? client : NULL;
    return 1;
}

/* What a connection is for. 1: it is done; 0: it has its answer, or gets it later. */
static int serve(struct monitor *monitor, struct client *client,
                 const struct cb_wire_message *message, int *fd, struct cb_error **err)
{
    switch ((enum cb_wire_type)message->type) {
    case CB_WIRE_ATTACH:
        return attach(monitor, client, message, err);
    case CB_WIRE_WAIT:
        client->role = CLIENT_END;
        return 0;
    case CB_WIRE_STOP:
        client->role = CLIENT_END;
        return stop(monitor, message, err);
    case CB_WIRE_RESTART:
        return restart(monitor, client, message, err);
    case CB_WIRE_SIGNAL:
        return done(send_signal(monitor, monitor->main, message->a, err));
    case CB_WIRE_EXEC:
        return cb_monitor_exec(monitor, client, message, err);
    case CB_WIRE_PAUSE:
        return pause_or_go_on(monitor, client, message, err);
    case CB_WIRE_RELOAD:
        return done(cb_monitor_reload(monitor, err));
    case CB_WIRE_RENAMED:
        return done(cb_monitor_rename(monitor, err));
    case CB_WIRE_ROOT:
        return give_root(monitor, client, err);
    case CB_WIRE_VOLUME:
        return give_volume(monitor, client, message, err);
    case CB_WIRE_PIN:
        return done(pin(monitor, err));
    case CB_WIRE_NET:
        return cb_monitor_give_net(monitor, client, err);
    case CB_WIRE_SPACE:
        return cb_monitor_give_space(monitor, client, message->a, err);
    case CB_WIRE_CONNECT:
        return done(cb_monitor_connect(monitor, message, err));
    case CB_WIRE_DISCONNECT:
        return done(cb_monitor_disconnect(monitor, message, err));
    case CB_WIRE_CHECKPOINT:
        return cb_monitor_save(monitor, client, message, fd, err);
    default:
        cb_client_drop(client);
        return 0;
    }
}

static void open_client(struct monitor *monitor, struct client *client,
                        const struct cb_wire_message *message, int *fd)
{
    cb_auto(cb_error) error = NULL;
    int status = serve(monitor, client, message, fd, &error);

    if (status)
        cb_client_answer(client, status < 0, error);
}

static void serve_streams(struct monitor *monitor, struct client *client,
                          const struct cb_wire_message *message)
{
    switch ((enum cb_wire_type)message->type) {
    case CB_WIRE_INPUT:
        if (message->len)
            cb_session_add_input(client->session, message->text, message->len);
        else
            cb_session_end_input(client->session);
        break;
    case CB_WIRE_RESIZE:
        cb_process_resize(client->session->process, (unsigned short)message->a,
                          (unsigned short)message->b, NULL);
        break;
    case CB_WIRE_SIGNAL:
        send_signal(monitor, client->session, message->a, NULL);
        break;
    default:
        cb_client_drop(client);
    }
}

void cb_client_serve(struct monitor *monitor, struct client *client)
{
    struct cb_wire_message message;
    cb_autofd int fd = -1;
    int got = cb_wire_receive(client->fd, &message, &fd);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (client->closes_input && client->session)
            cb_session_end_input(client->session);
        cb_client_drop(client);
    } else if (client->role == CLIENT_NEW) {
        open_client(monitor, client, &message, &fd);
    } else if (client->role == CLIENT_STREAMS && client->session) {
        serve_streams(monitor, client, &message);
    }
}
