/* The commands' side of a monitor's socket. */
#include "container/client.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "container/ask-priv.h"
#include "container/client-priv.h"
#include "container/monitor.h"
#include "container/pin.h"
#include "container/remove.h"
#include "container/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MAX_BYTES    (1u << 20)
#define CONFIG_MAX_BYTES (16u << 20)
#define END_NAP_MS       10 /* while a container is about to end */
#define END_TRIES        100

/* ── Asking ── */

static int not_running(const struct cb_container *container, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_EXISTS, "Container %s is not running", container->id);
    cb_error_set_errnum(err, ESRCH);
    return cb_container_went(container, err);
}

static int connect_to(const struct cb_container *container, int *fd,
                      struct cb_error **err)
{
    int found = cb_wire_connect(container->dir_fd, "socket", fd, err);

    return found > 0 ? 0 : found < 0 ? -1 : not_running(container, err);
}

static int send_with(int fd, const struct cb_wire_message *message, int given_fd,
                     struct cb_error **err)
{
    if (cb_wire_send(fd, message, given_fd) < 0)
        return errno == EPIPE || errno == ECONNRESET
                   ? cb_client_unheard(err)
                   : cb_error_errno(err, errno, "ask the monitor");
    return 0;
}

static int send_to(int fd, const struct cb_wire_message *message, struct cb_error **err)
{
    return send_with(fd, message, -1, err);
}

/* A monitor that has ended before it could answer has ended with its container. */
static int tell_failed(const struct cb_container *container, struct cb_error **error,
                       struct cb_error **err)
{
    return cb_error_errnum(*error) == CB_CLIENT_UNHEARD ? not_running(container, err)
                                                        : cb_error_move(err, error);
}

/* Who is connected to a network waits for its turn. */
static int limit_of(const struct cb_wire_message *message)
{
    return message->type == CB_WIRE_CONNECT || message->type == CB_WIRE_DISCONNECT
               ? CB_CLIENT_NO_LIMIT
               : CB_CLIENT_LIMIT_MS;
}

int cb_monitor_ask(const struct cb_container *container, struct cb_wire_message *message,
                   struct cb_cancel *cancel, int *fd, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofd int monitor = -1;

    if (connect_to(container, &monitor, err) < 0)
        return -1;
    if (send_to(monitor, message, &error) < 0 ||
        cb_client_receive(monitor, limit_of(message), cancel, message, fd, &error) < 0)
        return tell_failed(container, &error, err);
    return 0;
}

int cb_monitor_ask_within(const struct cb_container *container,
                          struct cb_wire_message *message, int timeout_ms, int *fd,
                          struct cb_error **err)
{
    cb_autofd int monitor = -1;
    struct pollfd wait = {.events = POLLIN};

    if (connect_to(container, &monitor, err) < 0 || send_to(monitor, message, err) < 0)
        return -1;
    wait.fd = monitor;
    while (poll(&wait, 1, timeout_ms) < 0 && errno == EINTR)
        continue;
    return wait.revents
               ? cb_client_receive(monitor, CB_CLIENT_LIMIT_MS, NULL, message, fd, err)
               : 1;
}

int cb_container_signal(struct cb_container *container, int signal, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_SIGNAL, .a = signal};

    return cb_monitor_ask(container, &message, NULL, NULL, err);
}

int cb_container_pause(struct cb_container *container, int on, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_PAUSE, .a = on};

    if (!on && !cb_container_is_running(container))
        return cb_error_set(err, CB_ERR_EXISTS, "Container %s is not paused",
                            container->id);
    return cb_monitor_ask(container, &message, NULL, NULL, err);
}

int cb_container_hold(struct cb_container *container, int *fd, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_PAUSE, .a = 1, .b = 1};
    cb_auto(cb_error) error = NULL;
    cb_autofd int monitor = -1;

    if (connect_to(container, &monitor, err) < 0)
        return -1;
    if (send_to(monitor, &message, &error) < 0 ||
        cb_client_receive(monitor, CB_CLIENT_LIMIT_MS, NULL, &message, NULL, &error) < 0)
        return tell_failed(container, &error, err);
    *fd = cb_steal_fd(&monitor);
    return 0;
}

/* Until it has ended, unless it goes on. */
int cb_container_save(const struct cb_container *container,
                      const struct cb_saving_wish *wish, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    const size_t name_len = strlen(wish->name) + 1, criu_len = strlen(wish->criu);
    struct cb_wire_message message = {.type = CB_WIRE_CHECKPOINT,
                                      .a = wish->leave_running,
                                      .len = (uint32_t)(name_len + criu_len)};
    cb_auto(cb_error) error = NULL;
    cb_autofd int monitor = -1;

    if (name_len + criu_len > sizeof(message.text))
        return cb_error_set(err, CB_ERR_USAGE, "the path of criu is too long");
    memcpy(message.text, wish->name, name_len);
    memcpy(message.text + name_len, wish->criu, criu_len);
    if (connect_to(container, &monitor, err) < 0)
        return -1;
    if (!cb_client_is_same_program(monitor)) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "the monitor of container %s is another version of cbuild",
                     container->id);
        return cb_error_hint(err, "after `cbuild restart` it is this one");
    }
    if (send_with(monitor, &message, wish->images_fd, &error) < 0 ||
        cb_client_receive(monitor, CB_CLIENT_NO_LIMIT, cancel, &message, NULL, &error) <
            0)
        return tell_failed(container, &error, err);
    return 0;
}

static size_t warned_bytes(const struct cb_container *container)
{
    struct stat st;

    return fstatat(container->dir_fd, "monitor.log", &st, AT_SYMLINK_NOFOLLOW) == 0
               ? (size_t)st.st_size
               : 0;
}

/* What its monitor had to say, but for the first SEEN bytes. */
static void show_warnings(const struct cb_container *container, size_t seen)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_file(container->dir_fd, "monitor.log", LOG_MAX_BYTES, &text, NULL) ==
            0 &&
        text.len > seen)
        fputs(text.text + seen, stderr);
}

static int reload(struct cb_container *container, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_RELOAD};
    cb_autofd int fd = -1;
    int found = cb_wire_connect(container->dir_fd, "socket", &fd, err), status;
    size_t seen = warned_bytes(container);

    if (found <= 0)
        return found;
    if (send_to(fd, &message, err) < 0)
        return -1;
    status = cb_client_receive(fd, CB_CLIENT_LIMIT_MS, NULL, &message, NULL, err);
    show_warnings(container, seen);
    return status;
}

/* That it has its new name in the record is what counts. */
void cb_container_tell_renamed(struct cb_container *container)
{
    struct cb_wire_message message = {.type = CB_WIRE_RENAMED};
    cb_auto(cb_error) error = NULL;
    cb_autofd int fd = -1;
    int found = cb_wire_connect(container->dir_fd, "socket", &fd, NULL);

    if (found > 0 &&
        (send_to(fd, &message, &error) < 0 ||
         cb_client_receive(fd, CB_CLIENT_LIMIT_MS, NULL, &message, NULL, &error) < 0) &&
        cb_error_errnum(error) !=
            CB_CLIENT_UNHEARD) /* one that has ended need not know */
        cb_warn("%s", cb_error_message(error));
}

/* Nobody removes it meanwhile: half of it would be left. BEFORE: what it was; NULL: as
 * CONTAINER has it. */
static int put_config(struct cb_store *store, const struct cb_container *container,
                      const struct cb_strbuf *before, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (cb_containers_lock(store, &lock, &dir, err) < 0)
        return -1;
    if (faccessat(container->dir_fd, "config.json", F_OK, 0) < 0)
        return cb_error_errno(err, errno, "open `config.json`");
    if (before)
        return cb_atomic_file_write(container->dir_fd, "config.json", before->text,
                                    before->len, 0600, 1, err);
    return cb_container_save_config(container, err);
}

/* The lock of the list is let go of before the monitor is asked: one that is about to
 * remove its container waits for that, and answers nobody. */
int cb_container_update(struct cb_store *store, struct cb_container *container,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) before = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_fs_read_file(container->dir_fd, "config.json", CONFIG_MAX_BYTES, &before,
                        err) < 0 ||
        put_config(store, container, NULL, err) < 0)
        return cb_container_went(container, err);
    if (reload(container, &error) == 0)
        return 0;
    if (cb_container_refresh(container, NULL) == 0 && !cb_container_is_running(container))
        return 0; /* it ended just then: what is written holds from its next start on */
    cb_error_move(err, &error);
    put_config(store, container, &before, NULL);
    return cb_container_went(container, err);
}

/* As cb_container_hold_ended. One that never ran has no lock: where none can be made, it
 * cannot be started either. */
static int hold_to_read(struct cb_container *container, struct cb_lock **hold,
                        struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int held = cb_container_hold_ended(container, NULL, hold, &error);

    if (held >= 0 || cb_error_errnum(error) == EROFS)
        return held != 0;
    return cb_error_move(err, &error);
}

/* 1: *FD is the root that its monitor gave. 0: it does not run, or not any more. */
static int ask_root(struct cb_container *container, int *fd, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_ROOT};
    cb_auto(cb_error) error = NULL;

    if (!cb_container_is_running(container))
        return 0;
    if (cb_monitor_ask(container, &message, NULL, fd, &error) == 0)
        return 1;
    if (cb_error_errnum(error) == ESRCH)
        return 0;
    cb_error_move(err, &error);
    return cb_container_went(container, err);
}

int cb_container_root(struct cb_store *store, struct cb_container *container, int *fd,
                      struct cb_snapshot **snapshot, struct cb_lock **hold,
                      struct cb_error **err)
{
    int held = 0, asked = ask_root(container, fd, err);

    /* It may be about to end, or have been started meanwhile. */
    for (int i = 0; asked == 0 && held == 0; i++) {
        held = hold_to_read(container, hold, err);
        if (held == 0 && i == END_TRIES)
            return not_running(container, err);
        if (held == 0 && poll(NULL, 0, END_NAP_MS) == 0)
            asked = ask_root(container, fd, err);
    }
    if (asked)
        return asked < 0 ? -1 : 0;
    if (held < 0 || cb_container_snapshot(store, container, snapshot, err) < 0)
        return cb_container_went(container, err);
    return cb_snapshot_open_root(*snapshot, fd, err);
}

static void add_size(struct cb_wire_message *message,
                     const struct cb_client_options *options)
{
    unsigned short rows = 0, columns = 0;

    if (options->tty && options->attach)
        cb_terminal_size(STDOUT_FILENO, &rows, &columns);
    message->b = rows;
    message->c = columns;
}

/* ── Starting ── */

/* What former monitors had to say is of no interest, unless one is still at it: then ours
 * will be refused, and says what it has to say behind that. */
static int open_log(const struct cb_container *container, struct cb_client_log *log,
                    struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;

    log->fd = openat(container->dir_fd, "monitor.log",
                     O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log->fd < 0) {
        cb_error_errno(err, errno, "open the monitor's log");
        return cb_container_went(container, err);
    }
    if (cb_lock_try_unseen(&lock, container->dir_fd, "monitor.lock", CB_LOCK_EXCLUSIVE,
                           NULL) > 0 &&
        ftruncate(log->fd, 0) < 0)
        return cb_error_errno(err, errno, "empty the monitor's log");
    log->seen = warned_bytes(container);
    return 0;
}

/* *LOG: what it has to say while it starts. */
static int spawn_monitor(const char *store_root, const struct cb_container *container,
                         int *fd, struct cb_client_log *log, struct cb_error **err)
{
    const char *const argv[] = {CB_MONITOR_NAME, store_root, container->id, NULL};
    int ends[2], status;

    if (open_log(container, log, err) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return cb_error_errno(err, errno, "socketpair");
    status = cb_subprocess_detach("/proc/self/exe", argv, log->fd, &ends[1], 1, err);
    cb_close(&ends[1]);
    *fd = ends[0];
    if (status < 0)
        cb_close(fd);
    return status;
}

static int start(const char *store_root, struct cb_container *container,
                 const struct cb_client_options *options, struct cb_cancel *cancel,
                 struct cb_client_end *end, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_START, .a = options->attach};
    cb_auto_value(cb_client_log) log = {.fd = -1};
    cb_autofd int fd = -1;
    int status;

    add_size(&message, options);
    if (spawn_monitor(store_root, container, &fd, &log, err) < 0 ||
        send_with(fd, &message, options->images_fd ? *options->images_fd : -1, err) < 0)
        return -1;
    if (options->attach)
        return cb_client_relay(fd, options, cancel, &log, end, err);
    status = cb_client_receive(fd, CB_CLIENT_NO_LIMIT, cancel, &message, NULL, err);
    show_warnings(container, log.seen);
    return status;
}

/* One that goes with its end went because it could not be started. */
static int was_removed(const struct cb_container *container)
{
    return !container->options.remove &&
           faccessat(container->dir_fd, "config.json", F_OK, 0) < 0 && errno == ENOENT;
}

/* What another has started meanwhile was started, also if it has ended by now; but only
 * our own start shows all of its output. */
int cb_container_start(const char *store_root, struct cb_container *container,
                       const struct cb_client_options *options, struct cb_cancel *cancel,
                       struct cb_client_end *end, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_error) late = NULL;

    if (start(store_root, container, options, cancel, end, &error) == 0)
        return 0;
    if (was_removed(container))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s",
                            container->name);
    if (cb_error_errnum(error) != EALREADY || cb_container_refresh(container, NULL) < 0)
        return cb_error_move(err, &error);
    if (!options->attach)
        return 0;
    if (cb_container_is_running(container) &&
        (cb_container_attach(container, options, cancel, end, &late) == 0 ||
         cb_error_errnum(late) != ESRCH))
        return late ? cb_error_move(err, &late) : 0;
    return cb_container_start(store_root, container, options, cancel, end, err);
}

int cb_container_restart(struct cb_container *container, int signal, int timeout_s,
                         struct cb_cancel *cancel, struct cb_error **err)
{
    struct cb_wire_message message = {
        .type = CB_WIRE_RESTART, .a = signal, .b = timeout_s};
    size_t seen = warned_bytes(container);
    cb_auto(cb_error) error = NULL;
    cb_autofd int fd = -1;
    int found;

    if (!cb_container_is_running(container) || container->in_foreground)
        return 0;
    found = cb_wire_connect(container->dir_fd, "socket", &fd, err);
    if (found <= 0)
        return found;
    if (!cb_client_is_same_program(fd) || send_to(fd, &message, NULL) < 0)
        return 0;
    found = cb_client_receive(fd, CB_CLIENT_NO_LIMIT, cancel, &message, NULL, &error);
    show_warnings(container, seen);
    if (found == 0)
        return 1;
    if (message.type == CB_WIRE_FAILED || cb_cancel_requested(cancel) ||
        cb_error_errnum(error) == ETIMEDOUT)
        return cb_error_move(err, &error);
    return 0; /* it has ended without a word */
}

int cb_container_attach(struct cb_container *container,
                        const struct cb_client_options *options, struct cb_cancel *cancel,
                        struct cb_client_end *end, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_ATTACH};
    cb_auto(cb_error) error = NULL;
    cb_autofd int fd = -1;

    add_size(&message, options);
    if (connect_to(container, &fd, err) < 0)
        return -1;
    if (send_to(fd, &message, &error) < 0 ||
        cb_client_relay(fd, options, cancel, NULL, end, &error) < 0)
        return tell_failed(container, &error, err);
    return 0;
}

/* ── exec ── */

static json_t *strings_json(const struct cb_strings *strings)
{
    json_t *array = json_array();

    cb_vec_foreach (text, strings)
        json_array_append_new(array, json_string_nocheck(*text));
    return array;
}

static int fill_exec(struct cb_wire_message *message, const struct cb_exec_wish *wish,
                     const struct cb_client_options *options, struct cb_error **err)
{
    cb_auto_json *document = json_object();
    cb_autofree char *text = NULL;

    json_object_set_new(document, "Argv", strings_json(wish->argv));
    json_object_set_new(document, "Env", strings_json(wish->env));
    if (wish->user)
        json_object_set_new(document, "User", json_string_nocheck(wish->user));
    if (wish->cwd)
        json_object_set_new(document, "Cwd", json_string_nocheck(wish->cwd));
    json_object_set_new(document, "Tty", json_boolean(options->tty));
    json_object_set_new(document, "Input", json_boolean(options->interactive));
    json_object_set_new(document, "Privileged", json_boolean(wish->privileged));
    text = cb_json_dump(document);
    message->len = (uint32_t)strlen(text);
    if (strlen(text) > sizeof(message->text))
        return cb_error_set(err, CB_ERR_USAGE, "command and environment are too long");
    memcpy(message->text, text, message->len);
    return 0;
}

int cb_container_exec(struct cb_container *container, const struct cb_exec_wish *wish,
                      const struct cb_client_options *options, struct cb_cancel *cancel,
                      struct cb_client_end *end, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_EXEC, .a = wish->detach};
    cb_auto(cb_error) error = NULL;
    cb_autofd int fd = -1;
    int status;

    add_size(&message, options);
    if (fill_exec(&message, wish, options, err) < 0 ||
        connect_to(container, &fd, err) < 0)
        return -1;
    status = send_to(fd, &message, &error);
    if (status == 0)
        status = wish->detach ? cb_client_receive(fd, CB_CLIENT_LIMIT_MS, cancel,
                                                  &message, NULL, &error)
                              : cb_client_relay(fd, options, cancel, NULL, end, &error);
    return status < 0 ? tell_failed(container, &error, err) : status;
}
