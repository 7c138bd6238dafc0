/* Who runs a container in the foreground, on its own streams, needs no monitor. For
 * others it is one: on a thread beside the relay it answers on the same socket, in the
 * same words, by the same code. What it cannot answer is what a monitor has the streams
 * for: `attach` and `logs`.
 *
 * Nothing of the record is synced, and a name of it says that it goes with its holder:
 * whoever finds one without takes it for gone. */
#include "container/foreground.h"

#include "base/log.h"
#include "base/thread.h"
#include "container/create.h"
#include "container/journal.h"
#include "container/monitor-priv.h"
#include "container/pin.h"
#include "container/remove.h"

#include <pthread.h>
#include <sys/eventfd.h>

struct cb_foreground {
    struct cb_foreground_facts facts;
    struct cb_cancel *over;
    struct monitor monitor; /* the thread's, until it was joined */
    pthread_t thread;
};

/* ── On the thread ── */

static void set_running(struct cb_foreground *foreground, struct cb_container *container)
{
    container->state.status = CB_CONTAINER_RUNNING;
    container->state.pid = cb_process_pid(foreground->monitor.main->process);
    container->state.network = cb_nets_settings_json(&foreground->facts.setup->nets);
    cb_timestamp_format(cb_timestamp_now(), container->state.started);
}

static int enlist(struct cb_foreground *foreground, struct cb_error **err)
{
    const struct cb_foreground_facts *facts = &foreground->facts;
    struct monitor *monitor = &foreground->monitor;
    struct cb_container_options options = *facts->options;
    cb_auto(cb_container) container = xcalloc(1, sizeof(*container));

    options.log_driver = "none";
    container->dir_fd = container->maker_fd = -1;
    snprintf(container->id, sizeof(container->id), "%s", facts->id);
    container->snapshot = xstrdup(cb_snapshot_id(facts->snapshot));
    set_running(foreground, container);
    if (cb_container_enlist(facts->store, &options, container, foreground->over,
                            &monitor->lock, err) < 0)
        return -1;
    monitor->container = cb_steal(&container);
    if (cb_wire_listen(monitor->container->dir_fd, "socket", &monitor->listener, err) < 0)
        return -1;
    if (cb_health_watch_start(monitor, err) < 0)
        return -1;
    cb_container_tell(facts->store, monitor->container, "create", NULL, NULL);
    cb_container_tell(facts->store, monitor->container, "attach", NULL, NULL);
    cb_container_tell(facts->store, monitor->container, "start", NULL, NULL);
    return 0;
}

static void *live(void *arg)
{
    struct cb_foreground *foreground = arg;
    cb_auto(cb_error) error = NULL;

    if (enlist(foreground, &error) == 0)
        cb_monitor_answer(&foreground->monitor);
    else if (!cb_cancel_requested(foreground->over))
        cb_warn("the container is not shown by `ps`: %s", cb_error_message(error));
    return NULL;
}

/* ── Beside it ── */

static void foreground_free(struct cb_foreground *foreground)
{
    struct monitor *monitor = &foreground->monitor;

    cb_monitor_clear(monitor);
    cb_container_free(monitor->container);
    cb_lock_release(monitor->lock);
    cb_cancel_free(foreground->over);
    free(foreground);
}

struct cb_foreground *cb_foreground_start(const struct cb_foreground_facts *facts,
                                          struct cb_process *process)
{
    struct cb_foreground *foreground = xcalloc(1, sizeof(*foreground));
    struct monitor *monitor = &foreground->monitor;
    struct session *session = xcalloc(1, sizeof(*session));

    foreground->facts = *facts;
    foreground->over = cb_cancel_new();
    *session = (struct session){
        .process = process, .is_lent = 1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    *monitor = (struct monitor){.launcher = facts->launcher,
                                .store_root = cb_store_root(facts->store),
                                .cancel = foreground->over,
                                .listener = -1,
                                .images_fd = -1,
                                .signaled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                .root = facts->root,
                                .setup = facts->setup,
                                .snapshot = facts->snapshot,
                                .main = session,
                                .started_ms = cb_clock_ms(),
                                .kill_at_ms = -1,
                                .start_at_ms = -1};
    cb_vec_push(&monitor->sessions, session);
    if (cb_thread_start(&foreground->thread, live, foreground) == 0)
        return foreground;
    foreground_free(foreground);
    return NULL;
}

void cb_foreground_wake(struct cb_foreground *foreground)
{
    if (foreground)
        eventfd_write(foreground->monitor.signaled_fd, 1);
}

void cb_foreground_stop(struct cb_foreground *foreground)
{
    if (!foreground)
        return;
    cb_cancel_request(foreground->over);
    pthread_join(foreground->thread, NULL);
}

void cb_foreground_forget(struct cb_foreground *foreground, const struct cb_exit *end)
{
    struct monitor *monitor;
    char code[12];

    if (!foreground)
        return;
    monitor = &foreground->monitor;
    if (monitor->container) {
        struct cb_store *store = foreground->facts.store;

        snprintf(code, sizeof(code), "%d", end->code);
        cb_container_delist(store, monitor->container);
        if (monitor->is_pinned)
            cb_container_unpin(store, monitor->container);
        if (end->oom_killed)
            cb_container_tell(store, monitor->container, "oom", NULL, NULL);
        cb_container_tell(store, monitor->container, "die", "exitCode", code);
        cb_container_tell(store, monitor->container, "destroy", NULL, NULL);
        cb_clients_tell_end(monitor, monitor->main, end->code);
    }
    foreground_free(foreground);
}
