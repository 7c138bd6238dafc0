/* Sessions to their ends. What they print is passed on and logged, the last of it before
 * anybody hears of the end. With the container's own session all others end; after it the
 * container may start again. */
#include "container/monitor-priv.h"

#include "container/journal.h"

#include <signal.h>
#include <stdio.h>

#define READS_AT_END   4096 /* somebody outside may have the other end, too */
#define KEPT_MAX_BYTES 4096
/* Who prints line after line is met after each of them by who reads at once, and both do
 * little else than wait for the other. Who prints much at a time is read on. */
#define TTY_REST_MS 1

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

void cb_monitor_read(struct monitor *monitor, struct session *session, int all)
{
    struct cb_wire_message message;

    for (int stream = 1; stream <= 2; stream++) {
        for (int i = all ? READS_AT_END : 1;
             i > 0 && cb_session_read(session, stream, &message); i--)
            pass_on(monitor, session, &message);
    }
    if (session->is_tty && !session->has_more)
        session->rests_until_ms = cb_clock_ms() + TTY_REST_MS;
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

    cb_monitor_read(monitor, session, 1);
    cb_process_wait(session->process, NULL, &end, NULL);
    cb_health_watch_ended(monitor, session, end.code);
    if (*session->exec_id)
        cb_container_tell_exec_end(monitor->store_root, monitor->container,
                                   session->exec_id, end.code);
    cb_clients_tell_end(monitor, session, end.code);
    remove_session(monitor, session);
}

void cb_monitor_end_execs(struct monitor *monitor)
{
    while (monitor->sessions.count > 1)
        end_exec(monitor, monitor->sessions.items[1]);
}

static void plan_restart(struct monitor *monitor, int exit_code)
{
    struct cb_container_state *state = &monitor->container->state;

    monitor->start_at_ms = -1;
    if (monitor->is_restarting)
        monitor->start_at_ms = cb_clock_ms();
    if (monitor->is_restarting || cb_cancel_requested(monitor->cancel) ||
        state->stopped_by_hand ||
        !cb_restart_wanted(&monitor->policy, exit_code, state->restarts))
        return;
    monitor->pause_ms =
        cb_restart_pause_ms(monitor->pause_ms, cb_clock_ms() - monitor->started_ms);
    monitor->start_at_ms = cb_clock_ms() + monitor->pause_ms;
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
    if (monitor->is_restarting)
        cb_container_tell_at(monitor->store_root, monitor->container, "stop", NULL, NULL);
}

/* Everything else in it ended with it. Ports, addresses and volumes are free before
 * anybody hears of the end. */
static void end_container(struct monitor *monitor)
{
    struct session *session = monitor->main;
    struct cb_exit end = {.code = 255};

    cb_monitor_read(monitor, session, 1);
    cb_process_wait(session->process, NULL, &end, NULL);
    cb_health_watch_stop(monitor);
    cb_monitor_end_execs(monitor);
    cb_log_close(cb_steal(&session->log));
    cb_monitor_clear_container(monitor);
    record_end(monitor, end.code, end.oom_killed);
    cb_clients_tell_end(monitor, session, end.code);
    monitor->main = NULL;
    remove_session(monitor, session);
}

void cb_monitor_undo_start(struct monitor *monitor)
{
    struct session *session = cb_steal(&monitor->main);
    struct cb_container_state *state = &monitor->container->state;

    cb_process_signal(session->process, SIGKILL, NULL);
    cb_process_wait(session->process, NULL, &(struct cb_exit){0}, NULL);
    cb_health_watch_stop(monitor);
    cb_log_close(cb_steal(&session->log));
    cb_monitor_clear_container(monitor);
    remove_session(monitor, session);
    state->status = CB_CONTAINER_EXITED;
    state->pid = 0;
    cb_timestamp_format(cb_timestamp_now(), state->finished);
}

void cb_monitor_end(struct monitor *monitor, struct session *session)
{
    if (session == monitor->main)
        end_container(monitor);
    else
        end_exec(monitor, session);
}

/* ── Starting again ── */

/* As by a monitor that begins: what its policy has done is forgotten. */
static void start_as_asked(struct monitor *monitor)
{
    cb_auto(cb_error) error = NULL;
    struct cb_container_state *state = &monitor->container->state;

    monitor->is_restarting = 0;
    monitor->pause_ms = 0;
    state->status = CB_CONTAINER_EXITED;
    state->stopped_by_hand = 0;
    state->restarts = 0;
    if (cb_monitor_start_container(monitor, NULL, &error) < 0)
        cb_monitor_note_failure(monitor, error);
    else
        cb_container_tell_at(monitor->store_root, monitor->container, "restart", NULL,
                             NULL);
    cb_clients_tell_restart(monitor, error);
}

void cb_monitor_start_again(struct monitor *monitor)
{
    cb_auto(cb_error) error = NULL;
    struct cb_container_state *state = &monitor->container->state;

    monitor->start_at_ms = -1;
    if (monitor->is_restarting) {
        start_as_asked(monitor);
        return;
    }
    if (cb_monitor_start_container(monitor, NULL, &error) == 0)
        return;
    free(state->error);
    state->error = xstrdup(cb_error_message(error));
    monitor->started_ms = cb_clock_ms();
    record_end(monitor, 127, 0);
}
