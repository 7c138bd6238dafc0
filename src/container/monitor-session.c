/* A process and its streams, none of which may ever block the monitor. */
#include "container/monitor-priv.h"

#include <errno.h>
#include <fcntl.h>

#define TTY_READ_BYTES 4096

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

struct pipes {
    int in[2], out[2], errors[2];
};

static void close_pipes(struct pipes *pipes)
{
    int *fds = (int *)pipes;

    for (size_t i = 0; i < sizeof(*pipes) / sizeof(int); i++)
        cb_close(&fds[i]);
}

static int open_pipes(struct pipes *pipes, int with_input, struct cb_error **err)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if ((with_input && pipe2(pipes->in, O_CLOEXEC) < 0) ||
        pipe2(pipes->out, O_CLOEXEC) < 0 || pipe2(pipes->errors, O_CLOEXEC) < 0) {
        cb_error_errno(err, errno, "make pipes");
        close_pipes(pipes);
        return -1;
    }
    return 0;
}

int cb_session_start(struct cb_launcher *launcher, struct cb_process_spec *spec,
                     int with_input, struct cb_log *log, struct session **out,
                     struct cb_error **err)
{
    struct session *session = xcalloc(1, sizeof(*session));
    struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
    int status = spec->tty ? 0 : open_pipes(&pipes, with_input, err);

    session->is_tty = spec->tty;
    session->log = log;
    session->in_fd = session->out_fd = session->err_fd = -1;
    if (status == 0 && !spec->tty) {
        spec->stdin_fd = pipes.in[0];
        spec->stdout_fd = pipes.out[1];
        spec->stderr_fd = pipes.errors[1];
    }
    if (status == 0)
        status = cb_process_start(launcher, spec, &session->process, err);
    if (status == 0 && spec->tty) {
        session->in_fd = session->out_fd = cb_process_tty_fd(session->process);
    } else if (status == 0) {
        session->in_fd = cb_steal_fd(&pipes.in[1]);
        session->out_fd = cb_steal_fd(&pipes.out[0]);
        session->err_fd = cb_steal_fd(&pipes.errors[0]);
        set_nonblocking(session->err_fd);
    }
    close_pipes(&pipes);
    if (status < 0) {
        cb_session_free(session);
        return -1;
    }
    set_nonblocking(session->out_fd);
    if (session->in_fd >= 0)
        set_nonblocking(session->in_fd);
    *out = session;
    return 0;
}

static void close_stream(struct session *session, int *fd)
{
    if (session->is_tty)
        *fd = -1; /* the process owns it */
    cb_close(fd);
}

void cb_session_free(struct session *session)
{
    if (!session)
        return;
    close_stream(session, &session->in_fd);
    close_stream(session, &session->out_fd);
    close_stream(session, &session->err_fd);
    if (!session->is_lent)
        cb_process_free(session->process);
    cb_strbuf_free(&session->input);
    free(session);
}

void cb_session_write_input(struct session *session)
{
    while (session->input.len && session->in_fd >= 0) {
        ssize_t sent = write(session->in_fd, session->input.text, session->input.len);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            close_stream(session, &session->in_fd);
            break;
        }
        memmove(session->input.text, session->input.text + sent,
                session->input.len - (size_t)sent);
        cb_strbuf_truncate(&session->input, session->input.len - (size_t)sent);
    }
    if (session->in_fd < 0)
        cb_strbuf_truncate(&session->input, 0);
    else if (session->input_ended && !session->is_tty)
        close_stream(session, &session->in_fd);
}

void cb_session_add_input(struct session *session, const char *bytes, size_t len)
{
    if (session->in_fd < 0 || session->input_ended)
        return;
    cb_strbuf_add(&session->input, bytes, len);
    cb_session_write_input(session);
}

void cb_session_end_input(struct session *session)
{
    session->input_ended = !session->is_tty;
    cb_session_write_input(session);
}

/* What there is, as far as it fits. */
static ssize_t read_some(int fd, char *bytes, size_t room)
{
    ssize_t got;

    do {
        got = read(fd, bytes, room);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* A terminal gives no more than a page at a time, however much is there. One that gives
 * less has no more for now: who goes on reading meets who prints after each line. */
static ssize_t read_more(struct session *session, int fd, struct cb_wire_message *out,
                         ssize_t got)
{
    ssize_t last = got;

    while (last >= TTY_READ_BYTES / 2 &&
           sizeof(out->text) - (size_t)got >= TTY_READ_BYTES) {
        ssize_t more = read_some(fd, out->text + got, sizeof(out->text) - (size_t)got);

        if (more <= 0)
            break; /* it may be under way from its writer's side to ours */
        last = more;
        got += more;
    }
    session->has_more = last >= TTY_READ_BYTES / 2;
    return got;
}

int cb_session_read(struct session *session, int stream, struct cb_wire_message *out)
{
    int *fd = stream == 1 ? &session->out_fd : &session->err_fd;
    ssize_t got;

    if (*fd < 0)
        return 0;
    got = read_some(*fd, out->text, sizeof(out->text));
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0) { /* a terminal ends with EIO */
        close_stream(session, fd);
        return 0;
    }
    if (session->is_tty)
        got = read_more(session, *fd, out, got);
    out->type = CB_WIRE_OUTPUT;
    out->a = stream;
    out->len = (uint32_t)got;
    return 1;
}
