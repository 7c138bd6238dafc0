/* The loop. A container runs, or waits to be started again, or is over; requests are
 * answered in each of these. */
#include "container/monitor-priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define INPUT_MAX_BYTES (1u << 20)
#define NEVER           INT64_MAX
#define DEAF_MS         100 /* without a descriptor for a connection */
#define QUIT_SECONDS    10  /* as `stop` has it */
#define FIXED_WAITS     6   /* those of no session and no client */

struct waits {
    struct pollfd *items;
    size_t count, capacity;
    int64_t now_ms; /* what rested by then is among them */
};

static void wait_for(struct waits *waits, int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};

    cb_vec_push(waits, wait);
}

/* What tells of its end, if that is to be heard of; else -1. */
static int tells_end(const struct monitor *monitor, const struct session *session)
{
    return session->is_lent ||
                   (session == monitor->main && cb_monitor_saves_to_end(monitor))
               ? -1
               : cb_process_exit_fd(session->process);
}

/* In the order in which serve() takes them apart. */
static void fill_waits(const struct monitor *monitor, struct waits *waits)
{
    waits->count = 0;
    waits->now_ms = cb_clock_ms();
    wait_for(waits, monitor->deaf_until_ms > waits->now_ms ? -1 : monitor->listener,
             POLLIN);
    wait_for(waits, monitor->is_quitting ? -1 : cb_cancel_fd(monitor->cancel), POLLIN);
    wait_for(waits, cb_hub_fd(monitor->hub), POLLIN);
    wait_for(waits, monitor->setup ? cb_nets_names_fd(&monitor->setup->nets) : -1,
             POLLIN);
    wait_for(waits, monitor->signaled_fd, POLLIN);
    wait_for(waits, cb_monitor_saving_fd(monitor), POLLIN);
    cb_vec_foreach (slot, &monitor->sessions) {
        const struct session *session = *slot;
        int reads = session->rests_until_ms <= waits->now_ms &&
                    !cb_clients_are_behind(monitor, session);

        wait_for(waits, reads ? session->out_fd : -1, POLLIN);
        wait_for(waits, reads ? session->err_fd : -1, POLLIN);
        wait_for(waits, session->input.len ? session->in_fd : -1, POLLOUT);
        wait_for(waits, tells_end(monitor, session), POLLIN);
    }
    cb_vec_foreach (slot, &monitor->clients) {
        const struct client *client = *slot;
        int full = client->session && client->session->input.len > INPUT_MAX_BYTES;

        wait_for(waits, client->fd,
                 (short)((full ? 0 : POLLIN) | (client->queue.count ? POLLOUT : 0)));
    }
}

/* When the next terminal is read again, or connections are taken. */
static int64_t rested_ms(const struct monitor *monitor, int64_t now)
{
    int64_t at = monitor->deaf_until_ms > now ? monitor->deaf_until_ms : NEVER;

    cb_vec_foreach (session, &monitor->sessions) {
        if ((*session)->rests_until_ms > now && (*session)->rests_until_ms < at)
            at = (*session)->rests_until_ms;
    }
    return at;
}

static int until_ms(const struct monitor *monitor, int64_t now)
{
    int64_t at = rested_ms(monitor, now), left;

    if (monitor->main && monitor->kill_at_ms >= 0 && monitor->kill_at_ms < at)
        at = monitor->kill_at_ms;
    if (!monitor->main && monitor->start_at_ms >= 0 && monitor->start_at_ms < at)
        at = monitor->start_at_ms;
    if (monitor->main && cb_health_watch_due_ms(monitor) < at)
        at = cb_health_watch_due_ms(monitor);
    if (at == NEVER)
        return -1;
    left = at - cb_clock_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* How long the container has to end by itself; -1: as long as it takes. */
static int quit_seconds(const struct monitor *monitor)
{
    return monitor->container->options.request.stop_timeout
               ? monitor->setup->stopping.timeout_s
               : QUIT_SECONDS;
}

/* Asked to end by the machine: the container is stopped as it wants to be, in the time
 * that it wants for that. */
static void quit(struct monitor *monitor)
{
    monitor->is_quitting = 1;
    monitor->start_at_ms = -1;
    cb_monitor_give_up_restart(monitor);
    if (!monitor->main || monitor->main->is_lent)
        return;
    cb_monitor_kill_within(monitor, quit_seconds(monitor));
    cb_monitor_signal(monitor, monitor->setup->stopping.signal, NULL);
    cb_monitor_wake(monitor);
}

static void check_times(struct monitor *monitor)
{
    int64_t now = cb_clock_ms();

    if (monitor->main && monitor->kill_at_ms >= 0 && now >= monitor->kill_at_ms) {
        monitor->kill_at_ms = -1;
        cb_monitor_signal(monitor, SIGKILL, NULL);
    }
    if (!monitor->main && monitor->start_at_ms >= 0 && now >= monitor->start_at_ms)
        cb_monitor_start_again(monitor);
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
            cb_monitor_read(monitor, session, 0);
        if (wait[2].revents)
            cb_session_write_input(session);
        if (wait[3].revents)
            cb_monitor_end(monitor, session);
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
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        monitor->deaf_until_ms = cb_clock_ms() + DEAF_MS;
}

static void serve(struct monitor *monitor, struct waits *waits)
{
    size_t sessions = monitor->sessions.count, clients = monitor->clients.count;
    eventfd_t signals;
    int ready;

    fill_waits(monitor, waits);
    ready = poll(waits->items, waits->count, until_ms(monitor, waits->now_ms));
    /* the signal that asks for it interrupts the wait */
    if (cb_cancel_requested(monitor->cancel) && !monitor->is_quitting)
        quit(monitor);
    if (ready < 0)
        return;
    serve_clients(monitor, waits->items + FIXED_WAITS + 4 * sessions, clients);
    serve_sessions(monitor, waits->items + FIXED_WAITS, sessions);
    if (waits->items[0].revents)
        accept_client(monitor);
    if (waits->items[2].revents)
        cb_hub_revive(monitor->hub);
    if (waits->items[3].revents)
        cb_monitor_mend_names(monitor);
    if (waits->items[4].revents && eventfd_read(monitor->signaled_fd, &signals) == 0)
        cb_monitor_wake(monitor);
    if (waits->items[5].revents)
        cb_monitor_saved(monitor);
    check_times(monitor);
    cb_clients_sweep(monitor);
}

void cb_monitor_answer(struct monitor *monitor)
{
    struct waits waits = {0};

    while (!cb_cancel_requested(monitor->cancel))
        serve(monitor, &waits);
    cb_health_watch_stop(monitor);
    cb_monitor_end_execs(monitor);
    cb_vec_free(&waits);
}

void cb_monitor_live(struct monitor *monitor)
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
