/* The loop. A container runs, or waits to be started again, or is over; requests are
 * answered in each of these. */
#include "container/monitor.h"

#include "container/create.h"
#include "container/journal.h"
#include "container/monitor-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define INPUT_MAX_BYTES (1u << 20)
#define NEVER           INT64_MAX
#define READS_AT_END    4096 /* somebody outside may have the other end, too */
#define KEPT_MAX_BYTES  4096
#define NAP_MS          10

int64_t cb_monitor_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ── What a session prints ── */

static void pass_on(struct monitor *monitor, struct session *session,
                    const struct cb_wire_message *message)
{
    cb_log_add(session->log, message->a, message->text, message->len);
    if (session->kept && session->kept->len < KEPT_MAX_BYTES)
        cb_strbuf_add(session->kept, message->text,
                      message->len < KEPT_MAX_BYTES - session->kept->len
                          ? message->len
                          : KEPT_MAX_BYTES - session->kept->len);
    cb_vec_foreach (client, &monitor->clients) {
        if ((*client)->role == CLIENT_STREAMS && (*client)->session == session)
            cb_client_send(*client, message, -1);
    }
}

/* One message of each stream, or, at the end, all that there is. */
static void read_session(struct monitor *monitor, struct session *session, int all)
{
    struct cb_wire_message message;

    for (int stream = 1; stream <= 2; stream++) {
        for (int i = all ? READS_AT_END : 1;
             i > 0 && cb_session_read(session, stream, &message); i--)
            pass_on(monitor, session, &message);
    }
}

/* ── Ends ── */

static void remove_session(struct monitor *monitor, struct session *session)
{
    size_t kept = 0;

    cb_vec_foreach (slot, &monitor->sessions) {
        if (*slot != session)
            monitor->sessions.items[kept++] = *slot;
    }
    monitor->sessions.count = kept;
    cb_session_free(session);
}

static void end_exec(struct monitor *monitor, struct session *session)
{
    struct cb_exit end = {.code = 255};

    read_session(monitor, session, 1);
    cb_process_wait(session->process, NULL, &end, NULL);
    cb_health_watch_ended(monitor, session, end.code);
    cb_clients_tell_end(monitor, session, end.code);
    remove_session(monitor, session);
}

static void plan_restart(struct monitor *monitor, int exit_code)
{
    struct cb_container_state *state = &monitor->container->state;

    monitor->start_at_ms = -1;
    if (cb_cancel_requested(monitor->cancel) || state->stopped_by_hand ||
        !cb_restart_wanted(&monitor->policy, exit_code, state->restarts))
        return;
    monitor->pause_ms =
        cb_restart_pause_ms(monitor->pause_ms, cb_monitor_now_ms() - monitor->started_ms);
    monitor->start_at_ms = cb_monitor_now_ms() + monitor->pause_ms;
    state->status = CB_CONTAINER_RESTARTING;
    state->restarts++;
}

static void record_end(struct monitor *monitor, int exit_code, int oom_killed)
{
    struct cb_container_state *state = &monitor->container->state;
    char code[12];

    state->status = CB_CONTAINER_EXITED;
    state->pid = 0;
    state->exit_code = exit_code;
    state->oom_killed = oom_killed;
    cb_timestamp_format(cb_timestamp_now(), state->finished);
    plan_restart(monitor, exit_code);
    cb_container_save_state(monitor->container, NULL);
    if (oom_killed)
        cb_container_tell_at(monitor->store_root, monitor->container, "oom", NULL, NULL);
    snprintf(code, sizeof(code), "%d", exit_code);
    cb_container_tell_at(monitor->store_root, monitor->container, "die", "exitCode",
                         code);
}

/* Everything else in it ended with it. Ports, addresses and volumes are free before
 * anybody hears of the end. */
static void end_container(struct monitor *monitor)
{
    struct session *session = monitor->main;
    struct cb_exit end = {.code = 255};

    read_session(monitor, session, 1);
    cb_process_wait(session->process, NULL, &end, NULL);
    cb_health_watch_stop(monitor);
    while (monitor->sessions.count > 1)
        end_exec(monitor, monitor->sessions.items[1]);
    cb_log_close(cb_steal(&session->log));
    cb_monitor_clear_container(monitor);
    record_end(monitor, end.code, end.oom_killed);
    cb_clients_tell_end(monitor, session, end.code);
    monitor->main = NULL;
    remove_session(monitor, session);
}

/* ── Starting again ── */

static void start_again(struct monitor *monitor)
{
    cb_auto(cb_error) error = NULL;
    struct cb_container_state *state = &monitor->container->state;

    monitor->start_at_ms = -1;
    if (cb_monitor_start_container(monitor, NULL, &error) == 0)
        return;
    free(state->error);
    state->error = xstrdup(cb_error_message(error));
    monitor->started_ms = cb_monitor_now_ms();
    record_end(monitor, 127, 0);
}

/* ── One round ── */

struct waits {
    struct pollfd *items;
    size_t count, capacity;
};

static void wait_for(struct waits *waits, int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};

    cb_vec_push(waits, wait);
}

/* In the order in which serve() takes them apart. */
static void fill_waits(const struct monitor *monitor, struct waits *waits)
{
    waits->count = 0;
    wait_for(waits, monitor->listener, POLLIN);
    wait_for(waits, monitor->is_quitting ? -1 : cb_cancel_fd(monitor->cancel), POLLIN);
    wait_for(waits, cb_hub_fd(monitor->hub), POLLIN);
    cb_vec_foreach (slot, &monitor->sessions) {
        const struct session *session = *slot;
        short reads = cb_clients_are_behind(monitor, session) ? 0 : POLLIN;

        wait_for(waits, reads ? session->out_fd : -1, POLLIN);
        wait_for(waits, reads ? session->err_fd : -1, POLLIN);
        wait_for(waits, session->input.len ? session->in_fd : -1, POLLOUT);
        wait_for(waits, session->is_lent ? -1 : cb_process_exit_fd(session->process),
                 POLLIN);
    }
    cb_vec_foreach (slot, &monitor->clients) {
        const struct client *client = *slot;
        int full = client->session && client->session->input.len > INPUT_MAX_BYTES;

        wait_for(waits, client->fd,
                 (short)((full ? 0 : POLLIN) | (client->queue.count ? POLLOUT : 0)));
    }
}

static int until_ms(const struct monitor *monitor)
{
    int64_t at = NEVER, left;

    if (monitor->main && monitor->kill_at_ms >= 0)
        at = monitor->kill_at_ms;
    if (!monitor->main && monitor->start_at_ms >= 0)
        at = monitor->start_at_ms;
    if (monitor->main && cb_health_watch_due_ms(monitor) < at)
        at = cb_health_watch_due_ms(monitor);
    if (at == NEVER)
        return -1;
    left = at - cb_monitor_now_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Asked to end by the machine: the container is stopped as it wants to be. */
static void quit(struct monitor *monitor)
{
    monitor->is_quitting = 1;
    monitor->start_at_ms = -1;
    if (!monitor->main || monitor->main->is_lent)
        return;
    monitor->kill_at_ms = cb_monitor_now_ms() + 10000;
    cb_process_signal(monitor->main->process, monitor->setup->stopping.signal, NULL);
    cb_monitor_wake(monitor);
}

static void check_times(struct monitor *monitor)
{
    int64_t now = cb_monitor_now_ms();

    if (monitor->main && monitor->kill_at_ms >= 0 && now >= monitor->kill_at_ms) {
        monitor->kill_at_ms = -1;
        cb_process_signal(monitor->main->process, SIGKILL, NULL);
    }
    if (!monitor->main && monitor->start_at_ms >= 0 && now >= monitor->start_at_ms)
        start_again(monitor);
    if (monitor->main)
        cb_health_watch_check(monitor);
}

/* Sessions may end, and others begin, while they are served: WAITS is of those that were
 * there before. */
static void serve_sessions(struct monitor *monitor, const struct pollfd *waits,
                           size_t count)
{
    cb_autofree struct session **before = xcalloc(count + 1, sizeof(*before));

    for (size_t i = 0; i < count; i++)
        before[i] = monitor->sessions.items[i];
    for (size_t i = count; i-- > 0;) {
        struct session *session = before[i];
        const struct pollfd *wait = &waits[4 * i];

        if (wait[0].revents || wait[1].revents)
            read_session(monitor, session, 0);
        if (wait[2].revents)
            cb_session_write_input(session);
        if (!wait[3].revents)
            continue;
        if (session == monitor->main)
            end_container(monitor);
        else
            end_exec(monitor, session);
    }
}

static void serve_clients(struct monitor *monitor, const struct pollfd *waits,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct client *client = monitor->clients.items[i];

        if (client->role != CLIENT_GONE && client->queue.count &&
            waits[i].revents & POLLOUT)
            cb_client_flush(client);
        if (client->role != CLIENT_GONE &&
            waits[i].revents & (POLLIN | POLLHUP | POLLERR))
            cb_client_serve(monitor, client);
    }
}

static void accept_client(struct monitor *monitor)
{
    int fd = accept4(monitor->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        cb_client_add(monitor, fd);
}

static void serve(struct monitor *monitor, struct waits *waits)
{
    size_t sessions = monitor->sessions.count, clients = monitor->clients.count;
    int ready;

    fill_waits(monitor, waits);
    ready = poll(waits->items, waits->count, until_ms(monitor));
    /* the signal that asks for it interrupts the wait */
    if (cb_cancel_requested(monitor->cancel) && !monitor->is_quitting)
        quit(monitor);
    if (ready < 0)
        return;
    serve_clients(monitor, waits->items + 3 + 4 * sessions, clients);
    serve_sessions(monitor, waits->items + 3, sessions);
    if (waits->items[0].revents)
        accept_client(monitor);
    if (waits->items[2].revents)
        cb_hub_revive(monitor->hub);
    check_times(monitor);
    cb_clients_sweep(monitor);
}

void cb_monitor_answer(struct monitor *monitor)
{
    struct waits waits = {0};

    while (!cb_cancel_requested(monitor->cancel))
        serve(monitor, &waits);
    cb_health_watch_stop(monitor);
    while (monitor->sessions.count > 1)
        end_exec(monitor, monitor->sessions.items[1]);
    cb_vec_free(&waits);
}

/* ── Life ── */

static int exit_code_of(const struct cb_error *error)
{
    if (cb_error_errnum(error) == ENOENT)
        return 127;
    return cb_error_errnum(error) == EACCES || cb_error_errnum(error) == ENOEXEC ? 126
                                                                                 : 128;
}

/* The first start, which somebody waits for. */
static int begin(struct monitor *monitor, const struct cb_wire_message *wish,
                 struct cb_error **err)
{
    struct cb_container_state *state = &monitor->container->state;
    struct client *starter = cb_client_add(monitor, CB_MONITOR_FD);
    cb_auto(cb_error) error = NULL;

    state->stopped_by_hand = 0;
    state->restarts = 0;
    if (cb_monitor_start_container(monitor, wish, &error) < 0) {
        free(state->error);
        state->error = xstrdup(cb_error_message(error));
        state->exit_code = exit_code_of(error);
        cb_container_save_state(monitor->container, NULL);
        cb_client_answer(starter, 1, error);
        return cb_error_move(err, &error);
    }
    cb_client_answer(starter, 0, NULL);
    starter->role = wish->a ? CLIENT_STREAMS : CLIENT_END;
    starter->session = wish->a ? monitor->main : NULL;
    starter->closes_input = wish->a && monitor->container->options.request.interactive &&
                            !monitor->container->options.request.tty;
    return 0;
}

static void remove_container(struct monitor *monitor)
{
    const struct cb_store_options options = {.root = monitor->store_root};
    cb_auto(cb_store) store = NULL;

    if (cb_store_open(&store, &options, NULL) == 0)
        cb_container_remove(store, monitor->container, 1, NULL);
}

static void live(struct monitor *monitor)
{
    struct waits waits = {0};

    while (monitor->main || monitor->start_at_ms >= 0)
        serve(monitor, &waits);
    /* It was stopped while it waited to be started again. */
    if (monitor->container->state.status == CB_CONTAINER_RESTARTING) {
        monitor->container->state.status = CB_CONTAINER_EXITED;
        cb_container_save_state(monitor->container, NULL);
    }
    cb_clients_tell_end(monitor, monitor->main, monitor->container->state.exit_code);
    cb_vec_free(&waits);
}

void cb_monitor_clear(struct monitor *monitor)
{
    cb_vec_foreach (client, &monitor->clients) {
        if ((*client)->role != CLIENT_GONE)
            cb_client_drop(*client);
    }
    cb_clients_sweep(monitor);
    cb_vec_free(&monitor->clients);
    cb_health_watch_stop(monitor);
    cb_vec_foreach (session, &monitor->sessions) { /* of what could not be recorded */
        cb_log_close(cb_steal(&(*session)->log));
        cb_session_free(*session);
    }
    cb_vec_free(&monitor->sessions);
    cb_close(&monitor->listener);
}

static void monitor_clear(struct monitor *monitor)
{
    cb_monitor_clear(monitor);
    cb_monitor_clear_container(monitor);
    cb_container_free(monitor->container);
    cb_lock_release(monitor->lock);
}
CB_AUTO_VALUE_DEFINE(monitor, monitor_clear)

/* The record is ours once the lock is. A monitor that runs the container already keeps it
 * for as long as that lives; others only look, or copy, and are done soon. Who waits for
 * us may give up meanwhile. */
static int take_lock(struct monitor *monitor, struct cb_error **err)
{
    struct pollfd starter = {.fd = CB_MONITOR_FD};
    int taken;

    while ((taken = cb_lock_try(&monitor->lock, monitor->container->dir_fd,
                                "monitor.lock", CB_LOCK_EXCLUSIVE, err)) == 0) {
        if (cb_container_refresh(monitor->container, err) < 0)
            return -1;
        if (cb_container_is_running(monitor->container))
            return cb_error_set(err, CB_ERR_EXISTS, "Container %s is already running",
                                monitor->container->id);
        if (poll(&starter, 1, NAP_MS) > 0)
            return cb_error_set(err, CB_ERR_CANCELED, "nobody waits for the container");
    }
    return taken < 0 ? -1 : cb_container_refresh(monitor->container, err);
}

static int prepare(struct monitor *monitor, const char *id, struct cb_error **err)
{
    if (cb_container_open(monitor->store_root, id, &monitor->container, err) < 0 ||
        take_lock(monitor, err) < 0 ||
        cb_restart_policy_parse(&monitor->policy, monitor->container->options.restart,
                                err) < 0)
        return -1;
    return cb_wire_listen(monitor->container->dir_fd, "socket", &monitor->listener, err);
}

/* Who waits for us hears why nothing comes of it. */
static int refuse(const struct cb_error *error)
{
    struct cb_wire_message message = {0};

    cb_wire_set_error(&message, error);
    cb_wire_send(CB_MONITOR_FD, &message, -1);
    return -1;
}

int cb_monitor_run(struct cb_launcher *launcher, struct cb_hub *hub,
                   const char *store_root, const char *id, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    cb_auto_value(monitor) monitor = {.launcher = launcher,
                                      .hub = hub,
                                      .store_root = store_root,
                                      .cancel = cancel,
                                      .listener = -1,
                                      .root = -1,
                                      .start_at_ms = -1};
    struct cb_wire_message wish;
    int status;

    fcntl(CB_MONITOR_FD, F_SETFD, FD_CLOEXEC);
    cb_launcher_prepare(launcher);
    if (cb_wire_receive(CB_MONITOR_FD, &wish, NULL) <= 0 || wish.type != CB_WIRE_START)
        return cb_error_set(err, CB_ERR_CANCELED, "nobody waits for the container");
    if (prepare(&monitor, id, err) < 0)
        return refuse(*err);
    status = begin(&monitor, &wish, err);
    if (status == 0)
        live(&monitor);
    unlinkat(monitor.container->dir_fd, "socket", 0);
    if (monitor.container->options.remove)
        remove_container(&monitor);
    return status;
}
