/* A monitor's life: it takes the container's record for its own, makes the first start,
 * which somebody waits for, and stays for as long as the container may run. */
#include "container/monitor.h"

#include "container/holder.h"
#include "container/monitor-priv.h"
#include "container/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#define NAP_MS 10

/* What is missing for the container itself is not its command. */
static int exit_code_of(const struct monitor *monitor, const struct cb_error *error)
{
    if (!monitor->is_set_up)
        return 128;
    if (cb_error_errnum(error) == ENOENT)
        return 127;
    return cb_error_errnum(error) == EACCES || cb_error_errnum(error) == ENOEXEC ? 126
                                                                                 : 128;
}

void cb_monitor_note_failure(struct monitor *monitor, const struct cb_error *error)
{
    struct cb_container_state *state = &monitor->container->state;

    free(state->error);
    state->error = xstrdup(cb_error_message(error));
    state->exit_code = exit_code_of(monitor, error);
    cb_container_save_state(monitor->container, NULL);
}

/* The first start, which somebody waits for. 0, or -1: that one was told, and the record
 * has it. */
static int begin(struct monitor *monitor, const struct cb_wire_message *wish)
{
    struct cb_container_state *state = &monitor->container->state;
    struct client *starter = cb_client_add(monitor, CB_MONITOR_FD);
    cb_auto(cb_error) error = NULL;

    state->stopped_by_hand = 0;
    state->restarts = 0;
    if (cb_monitor_start_container(monitor, wish, &error) < 0) {
        cb_monitor_note_failure(monitor, error);
        cb_client_answer(starter, 1, error);
        return -1;
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

void cb_monitor_clear(struct monitor *monitor)
{
    monitor->pauser = NULL; /* nothing is left that could go on */
    cb_monitor_stop_saving(monitor);
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
    cb_close(&monitor->signaled_fd);
}

static void monitor_clear(struct monitor *monitor)
{
    cb_monitor_clear(monitor);
    cb_monitor_clear_container(monitor);
    cb_close(&monitor->images_fd);
    cb_container_free(monitor->container);
    cb_lock_release(monitor->lock);
}
CB_AUTO_VALUE_DEFINE(monitor, monitor_clear)

/* Of errors the starter gets, this is the only one with that number. */
static int already_running(const struct cb_container *container, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_EXISTS, "Container %s is already running", container->id);
    cb_error_set_errnum(err, EALREADY);
    return -1;
}

/* The record is ours once the lock is. A monitor that runs the container already keeps it
 * for as long as that lives; others only look, or copy, and are done soon. Who waits for
 * us may give up meanwhile. */
static int take_lock(struct monitor *monitor, struct cb_error **err)
{
    struct pollfd starter = {.fd = CB_MONITOR_FD};
    struct cb_holder_watch watch = {0};
    int taken;

    while ((taken = cb_lock_try(&monitor->lock, monitor->container->dir_fd,
                                "monitor.lock", CB_LOCK_EXCLUSIVE, err)) == 0) {
        if (cb_container_refresh(monitor->container, err) < 0)
            return -1;
        if (cb_container_is_running(monitor->container))
            return already_running(monitor->container, err);
        if (cb_holder_check(&watch, monitor->container, err) < 0)
            return -1;
        if (poll(&starter, 1, NAP_MS) > 0)
            return cb_error_set(err, CB_ERR_CANCELED, "nobody waits for the container");
    }
    return taken < 0 ? -1 : cb_container_refresh(monitor->container, err);
}

/* What others changed before they could tell us of it. Who comes from now on finds us
 * listening. */
static int read_again(struct monitor *monitor, struct cb_error **err)
{
    struct cb_container *now = NULL;

    if (cb_container_open(monitor->store_root, monitor->container->id, &now, err) < 0)
        return -1;
    cb_container_free(monitor->container);
    monitor->container = now;
    return 0;
}

/* It may have been removed since the starter found it. */
static int open_and_lock(struct monitor *monitor, const char *id, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_container_open(monitor->store_root, id, &monitor->container, &error) == 0 &&
        take_lock(monitor, &error) == 0 &&
        cb_wire_listen(monitor->container->dir_fd, "socket", &monitor->listener,
                       &error) == 0 &&
        read_again(monitor, &error) == 0)
        return 0;
    if (cb_error_errnum(error) == ENOENT)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", id);
    return cb_error_move(err, &error);
}

static int prepare(struct monitor *monitor, const char *id, struct cb_error **err)
{
    if (open_and_lock(monitor, id, err) < 0)
        return -1;
    return cb_restart_policy_parse(&monitor->policy, monitor->container->options.restart,
                                   err);
}

/* Who waits for us hears why nothing comes of it, and says it: it is not in our log,
 * which that one shows as well. */
static int refuse(struct cb_error *error, struct cb_error **err)
{
    cb_auto(cb_error) told = error;
    struct cb_wire_message message = {0};

    cb_wire_set_error(&message, told);
    return cb_wire_send(CB_MONITOR_FD, &message, -1) < 0 ? cb_error_move(err, &told) : 0;
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
                                      .signaled_fd = -1,
                                      .root = -1,
                                      .images_fd = -1,
                                      .start_at_ms = -1};
    struct cb_wire_message wish;
    struct cb_error *error = NULL;

    fcntl(CB_MONITOR_FD, F_SETFD, FD_CLOEXEC);
    cb_launcher_prepare(launcher);
    if (cb_wire_receive(CB_MONITOR_FD, &wish, &monitor.images_fd) <= 0 ||
        wish.type != CB_WIRE_START)
        return cb_error_set(err, CB_ERR_CANCELED, "nobody waits for the container");
    if (prepare(&monitor, id, &error) < 0)
        return refuse(error, err);
    if (begin(&monitor, &wish) == 0)
        cb_monitor_live(&monitor);
    unlinkat(monitor.container->dir_fd, "socket", 0);
    if (monitor.container->options.remove)
        remove_container(&monitor);
    return 0;
}
