/* Starts a program and collects what it prints. Its input is a memory file rather than a
 * pipe, so that neither side can block on it and no SIGPIPE arises. It gets a process
 * group of its own, which dies as a whole on cancel, timeout or too much output. A
 * grandchild that keeps the pipes open (a daemon) does not hold us: after the exit only
 * what is already there is read. */
#include "base/subprocess.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DEFAULT_OUTPUT_BYTES (1u << 20)
#define SHOWN_STDERR_BYTES   2000

extern char **environ;

struct stream {
    int fd; /* read end, -1 once it ended */
    struct cb_strbuf *text;
};

struct child {
    pid_t pid; /* 0 once reaped */
    int pid_fd;
    int status;
    struct stream streams[2];
};

static void child_free(struct child *child)
{
    if (child->pid > 0) {
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
            ;
    }
    cb_close(&child->pid_fd);
    cb_close(&child->streams[0].fd);
    cb_close(&child->streams[1].fd);
}
CB_AUTO_VALUE_DEFINE(child, child_free)

static int is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static char *find_in(const char *path_list, const char *name)
{
    while (path_list && *path_list) {
        size_t len = strcspn(path_list, ":");
        cb_autofree char *path = NULL;

        path = xasprintf("%.*s/%s", (int)len, path_list, name);
        /* Relative entries of PATH would run what lies in a context. */
        if (path_list[0] == '/' && is_program(path))
            return cb_steal(&path);
        path_list += len + (path_list[len] == ':');
    }
    return NULL;
}

int cb_subprocess_become(char *const *argv, char *const *environment,
                         struct cb_error **err)
{
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    execvpe(argv[0], argv, environment);
    return cb_error_errno(err, errno, "execute `%s`", argv[0]);
}

char *cb_subprocess_find(const char *name)
{
    static const char more[] =
        "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:"
        "/usr/local/libexec/podman:/usr/libexec/podman:"
        "/usr/local/lib/podman:/usr/lib/podman";
    char *found;

    if (strchr(name, '/'))
        return is_program(name) ? xstrdup(name) : NULL;
    found = find_in(getenv("PATH"), name);
    return found ? found : find_in(more, name);
}

static int input_file(const struct cb_subprocess_options *options)
{
    cb_autofd int fd = -1;

    if (!options->input)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || cb_fs_write_all(fd, options->input, options->input_len) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    return cb_steal_fd(&fd);
}

/* What a program starts with: FLAGS, no signal blocked and each with its default. */
struct start {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

static void start_init(struct start *start, short flags)
{
    sigset_t none, all;

    posix_spawn_file_actions_init(&start->actions);
    posix_spawnattr_init(&start->attributes);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&start->attributes, &none);
    posix_spawnattr_setsigdefault(&start->attributes, &all);
    posix_spawnattr_setflags(&start->attributes, (short)(flags | POSIX_SPAWN_SETSIGMASK |
                                                         POSIX_SPAWN_SETSIGDEF));
}

static void start_clear(struct start *start)
{
    posix_spawnattr_destroy(&start->attributes);
    posix_spawn_file_actions_destroy(&start->actions);
}
CB_AUTO_VALUE_DEFINE(start, start_clear)

/* 0, or an errno. */
static int spawn(pid_t *pid, const char *path,
                 const struct cb_subprocess_options *options, int input, int output,
                 int errors)
{
    cb_auto_value(start) start;
    posix_spawn_file_actions_t *actions = &start.actions;
    int failed = 0;

    start_init(&start, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&start.attributes, 0);
    failed |= posix_spawn_file_actions_adddup2(actions, input, 0);
    failed |= posix_spawn_file_actions_adddup2(actions, output, 1);
    failed |= posix_spawn_file_actions_adddup2(actions, errors, 2);
    if (options->inherit_fd >= 0)
        failed |= posix_spawn_file_actions_adddup2(actions, options->inherit_fd,
                                                   options->inherit_fd);
    if (options->cwd_fd >= 0)
        failed |= posix_spawn_file_actions_addfchdir_np(actions, options->cwd_fd);
    if (!failed)
        failed = posix_spawn(pid, path, actions, &start.attributes,
                             (char *const *)options->argv,
                             options->env ? (char *const *)options->env : environ);
    return failed;
}

/* Reads what is there; a positive answer means that the limit was passed. */
static int drain(struct stream *stream, size_t max, int64_t *last)
{
    char buffer[16384];
    ssize_t got;

    while (stream->fd >= 0) {
        got = read(stream->fd, buffer, sizeof(buffer));
        if (got > 0) {
            cb_strbuf_add(stream->text, buffer, (size_t)got);
            *last = cb_clock_ms();
            if (stream->text->len > max)
                return 1;
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            cb_close(&stream->fd);
        } else if (errno == EAGAIN) {
            return 0;
        }
    }
    return 0;
}

/* Of LIMIT_MS, counted from SINCE; -1: no limit. */
static int time_left(int limit_ms, int64_t since)
{
    int64_t left;

    if (limit_ms <= 0)
        return -1;
    left = since + limit_ms - cb_clock_ms();
    return left > 0 ? (int)left : 0;
}

static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Without pidfd (old kernels) the end of both streams tells that it is time to wait. */
static int reap(struct child *child)
{
    int streams_open = child->streams[0].fd >= 0 || child->streams[1].fd >= 0;
    int options = child->pid_fd >= 0 || streams_open ? WNOHANG : 0;
    pid_t pid;

    do {
        pid = waitpid(child->pid, &child->status, options);
    } while (pid < 0 && errno == EINTR);
    if (pid != child->pid)
        return 0;
    child->pid = 0;
    return 1;
}

/* READY NULL: until the end; else until that line was printed, or the end. */
static int collect(struct child *child, const struct cb_subprocess_options *options,
                   const char *ready, struct cb_error **err)
{
    size_t max = options->max_output ? options->max_output : DEFAULT_OUTPUT_BYTES;
    int64_t started = cb_clock_ms(), last = started;
    int exited = 0;

    while (!exited && !(ready && strstr(cb_strbuf_text(child->streams[0].text), ready))) {
        struct pollfd waits[] = {
            {.fd = child->pid_fd, .events = POLLIN},
            {.fd = cb_cancel_fd(options->cancel), .events = POLLIN},
            {.fd = child->streams[0].fd, .events = POLLIN},
            {.fd = child->streams[1].fd, .events = POLLIN},
        };
        int left = time_left(options->timeout_ms, started);
        int idle = time_left(options->idle_ms, last);

        if (poll(waits, CB_ARRAY_SIZE(waits), sooner(left, idle)) < 0 && errno != EINTR)
            return cb_error_errno(err, errno, "poll");
        if (cb_cancel_check(options->cancel, err) < 0)
            return -1;
        exited = reap(child);
        for (int i = 0; i < 2; i++) {
            if (drain(&child->streams[i], max, &last))
                return cb_error_set(err, CB_ERR_INTEGRITY, "printed more than %zu bytes",
                                    max);
        }
        if (!exited && left == 0)
            return cb_error_set(err, CB_ERR_SYSTEM, "took longer than %g seconds",
                                options->timeout_ms / 1000.0);
        if (!exited && time_left(options->idle_ms, last) == 0)
            return cb_error_set(err, CB_ERR_NETWORK, "nothing heard for %d seconds",
                                (options->idle_ms + 999) / 1000);
    }
    return 0;
}

/* A pipe whose read end does not block. */
static int open_pipe(int *read_end, int *write_end)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    *read_end = ends[0];
    *write_end = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static int start(struct child *child, const char *path,
                 const struct cb_subprocess_options *options, struct cb_error **err)
{
    cb_autofd int input = input_file(options);
    cb_autofd int output = -1;
    cb_autofd int errors = -1;
    int failed;

    if (input < 0 || open_pipe(&child->streams[0].fd, &output) < 0 ||
        open_pipe(&child->streams[1].fd, &errors) < 0)
        return cb_error_errno(err, errno, "start `%s`", path);
    failed = spawn(&child->pid, path, options, input, output, errors);
    if (failed) {
        child->pid = 0;
        return cb_error_errno(err, failed, "start `%s`", path);
    }
    child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (options->max_file) {
        struct rlimit limit = {options->max_file, options->max_file};

        prlimit(child->pid, RLIMIT_FSIZE, &limit, NULL);
    }
    return 0;
}

static int exit_code_of(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The last lines of what it complained about, for a message. */
static int add_complaint(struct cb_error **err, const char *name,
                         const struct cb_strbuf *text)
{
    size_t end = text->len, start;

    while (end > 0 && strchr(" \n\t", text->text[end - 1]))
        end--;
    start = end > SHOWN_STDERR_BYTES ? end - SHOWN_STDERR_BYTES : 0;
    if (end > 0 && err && *err)
        cb_error_hint(err, "it printed: %.*s", (int)(end - start), text->text + start);
    return cb_error_wrap(err, "`%s`", name);
}

int cb_subprocess_run(const struct cb_subprocess_options *options, struct cb_strbuf *out,
                      struct cb_strbuf *errors, int *exit_code, struct cb_error **err)
{
    cb_autofree char *path = cb_subprocess_find(options->argv[0]);
    cb_auto_value(cb_strbuf) own_out = {0};
    cb_auto_value(cb_strbuf) own_errors = {0};
    cb_auto_value(child) child = {.pid_fd = -1, .streams = {{-1, NULL}, {-1, NULL}}};
    const char *name = options->argv[0];
    int code;

    if (!path)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s`: program not found", name);
    child.streams[0].text = out ? out : &own_out;
    child.streams[1].text = errors ? errors : &own_errors;
    if (cb_cancel_check(options->cancel, err) < 0 ||
        start(&child, path, options, err) < 0)
        return -1;
    if (collect(&child, options, NULL, err) < 0)
        return add_complaint(err, name, child.streams[1].text);
    code = exit_code_of(child.status);
    if (exit_code) {
        *exit_code = code;
    } else if (code != 0) {
        cb_error_exit(err, code, "exit status %d", code);
        return add_complaint(err, name, child.streams[1].text);
    }
    return 0;
}

/* ── Helpers ── */

struct cb_helper {
    struct child child;
    struct cb_strbuf out, errors;
};

int cb_helper_start(struct cb_helper **out, const struct cb_subprocess_options *options,
                    const char *ready, struct cb_error **err)
{
    const char *name = options->argv[0];
    cb_autofree char *path = cb_subprocess_find(name);
    cb_auto(cb_helper) helper = xcalloc(1, sizeof(*helper));

    helper->child.pid_fd = helper->child.streams[0].fd = helper->child.streams[1].fd = -1;
    helper->child.streams[0].text = &helper->out;
    helper->child.streams[1].text = &helper->errors;
    if (!path)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s`: program not found", name);
    if (cb_cancel_check(options->cancel, err) < 0 ||
        start(&helper->child, path, options, err) < 0)
        return -1;
    if (collect(&helper->child, options, ready, err) < 0)
        return add_complaint(err, name, &helper->errors);
    if (!helper->child.pid) {
        cb_error_set(err, CB_ERR_SYSTEM, "ended at once");
        return add_complaint(err, name, &helper->errors);
    }
    *out = cb_steal(&helper);
    return 0;
}

void cb_helper_stop(struct cb_helper *helper)
{
    if (!helper)
        return;
    child_free(&helper->child);
    cb_strbuf_free(&helper->out);
    cb_strbuf_free(&helper->errors);
    free(helper);
}

/* ── Read while it runs ── */

#define READ_BYTES 65536

struct cb_program {
    struct child child;
    struct cb_strbuf errors;
    struct cb_subprocess_options options; /* its words are not ours to keep */
    char *name;
};

int cb_program_start(struct cb_program **out, const struct cb_subprocess_options *options,
                     struct cb_error **err)
{
    const char *name = options->argv[0];
    cb_autofree char *path = cb_subprocess_find(name);
    cb_auto(cb_program) program = xcalloc(1, sizeof(*program));

    program->child.pid_fd = -1;
    program->child.streams[0].fd = program->child.streams[1].fd = -1;
    program->child.streams[1].text = &program->errors;
    program->options = (struct cb_subprocess_options){.max_output = options->max_output,
                                                      .cancel = options->cancel};
    program->name = xstrdup(name);
    if (!path)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s`: program not found", name);
    if (cb_cancel_check(options->cancel, err) < 0 ||
        start(&program->child, path, options, err) < 0)
        return -1;
    *out = cb_steal(&program);
    return 0;
}

static int program_end(struct cb_program *program, struct cb_error **err)
{
    int code;

    if (program->child.pid && collect(&program->child, &program->options, NULL, err) < 0)
        return add_complaint(err, program->name, &program->errors);
    code = exit_code_of(program->child.status);
    if (!code)
        return 0;
    cb_error_exit(err, code, "exit status %d", code);
    return add_complaint(err, program->name, &program->errors);
}

int cb_program_read(struct cb_program *program, struct cb_strbuf *out, int timeout_ms,
                    struct cb_error **err)
{
    const struct cb_subprocess_options *options = &program->options;
    struct stream *printed = &program->child.streams[0];
    struct stream *errors = &program->child.streams[1];
    struct pollfd waits[] = {{.fd = cb_cancel_fd(options->cancel), .events = POLLIN},
                             {.fd = printed->fd, .events = POLLIN},
                             {.fd = errors->fd, .events = POLLIN}};
    size_t max = options->max_output ? options->max_output : DEFAULT_OUTPUT_BYTES;
    char buffer[READ_BYTES];
    int64_t last;
    ssize_t got;

    if (printed->fd < 0)
        return program_end(program, err);
    if (poll(waits, CB_ARRAY_SIZE(waits), timeout_ms) < 0 && errno != EINTR)
        return cb_error_errno(err, errno, "poll");
    if (cb_cancel_check(options->cancel, err) < 0)
        return -1;
    if (drain(errors, max, &last))
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: printed more than %zu bytes",
                            program->name, max);
    got = read(printed->fd, buffer, sizeof(buffer));
    if (got > 0)
        cb_strbuf_add(out, buffer, (size_t)got);
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        cb_close(&printed->fd);
    return 1;
}

void cb_program_stop(struct cb_program *program)
{
    if (!program)
        return;
    child_free(&program->child);
    cb_strbuf_free(&program->errors);
    free(program->name);
    free(program);
}

/* ── What survives us ── */

/* Copies with numbers above all that they are going to have, so that none is overwritten
 * before it was moved. */
static int lift(int *fds, size_t count, struct cb_error **err)
{
    for (size_t i = 0; i < count; i++) {
        fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3 + (int)count);
        if (fds[i] >= 0)
            continue;
        cb_error_errno(err, errno, "duplicate a descriptor");
        while (i > 0)
            cb_close(&fds[--i]);
        return -1;
    }
    return 0;
}

int cb_subprocess_detach(const char *path, const char *const *argv, int errors_fd,
                         const int *fds, size_t count, struct cb_error **err)
{
    cb_autofree int *lifted = xcalloc(count + 1, sizeof(*lifted));
    cb_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    cb_auto_value(start) start;
    posix_spawn_file_actions_t *actions = &start.actions;
    pid_t pid;
    int failed = 0;

    start_init(&start, POSIX_SPAWN_SETSID);

    if (count)
        memcpy(lifted, fds, count * sizeof(*lifted));
    if (lift(lifted, count, err) < 0)
        return -1;
    failed |= posix_spawn_file_actions_adddup2(actions, null, 0);
    failed |= posix_spawn_file_actions_adddup2(actions, null, 1);
    failed |= posix_spawn_file_actions_adddup2(actions, errors_fd, 2);
    for (size_t i = 0; i < count; i++)
        failed |= posix_spawn_file_actions_adddup2(actions, lifted[i], 3 + (int)i);
    if (!failed)
        failed = posix_spawn(&pid, path, actions, &start.attributes, (char *const *)argv,
                             environ);
    for (size_t i = 0; i < count; i++)
        cb_close(&lifted[i]);
    return failed ? cb_error_errno(err, failed, "start `%s`", argv[0]) : 0;
}
