/* Signals restart reads, so that no loop has to mind them; the price is that a read which
 * waits is not ended by one. Here it is begun only when it will not wait. */
#include "base/input.h"

#include "base/fs.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

/* A descriptor that cannot be polled (a file) is always ready. */
static int wait_readable(int fd, struct cb_cancel *cancel, struct cb_error **err)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
                            {.fd = cb_cancel_fd(cancel), .events = POLLIN}};

    while (cancel) {
        if (cb_cancel_check(cancel, err) < 0)
            return -1;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return cb_error_errno(err, errno, "wait for input");
        if (fds[0].revents)
            break;
    }
    return 0;
}

ssize_t cb_input_read(int fd, struct cb_cancel *cancel, void *buffer, size_t len,
                      struct cb_error **err)
{
    ssize_t got;

    do {
        if (wait_readable(fd, cancel, err) < 0)
            return -1;
        got = read(fd, buffer, len);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got < 0 ? cb_error_errno(err, errno, "read") : got;
}

int cb_input_read_all(int fd, struct cb_cancel *cancel, size_t max, struct cb_strbuf *out,
                      struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(BUFFER_BYTES);
    size_t before = out->len;

    for (;;) {
        ssize_t got = cb_input_read(fd, cancel, buffer, BUFFER_BYTES, err);

        if (got <= 0)
            return got < 0 ? -1 : 0;
        if ((size_t)got > max - (out->len - before))
            return cb_error_set(err, CB_ERR_INTEGRITY, "larger than %zu bytes", max);
        cb_strbuf_add(out, buffer, (size_t)got);
    }
}

int cb_input_copy(int fd, struct cb_cancel *cancel, int to_fd, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(BUFFER_BYTES);

    for (;;) {
        ssize_t got = cb_input_read(fd, cancel, buffer, BUFFER_BYTES, err);

        if (got <= 0)
            return got < 0 ? -1 : 0;
        if (cb_fs_write_all(to_fd, buffer, (size_t)got) < 0)
            return cb_error_errno(err, errno, "copy");
    }
}
