/* The flag answers loops without a system call; the eventfd wakes waits. It is written
 * once and never read, so that it stays readable for every waiter. */
#include "base/cancel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>

struct cb_cancel {
    atomic_int requested;
    int fd; /* -1 when the process is out of descriptors: waits then end by themselves
               only */
};

struct cb_cancel *cb_cancel_new(void)
{
    struct cb_cancel *cancel = xcalloc(1, sizeof(*cancel));

    atomic_init(&cancel->requested, 0);
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return cancel;
}

void cb_cancel_free(struct cb_cancel *cancel)
{
    if (!cancel)
        return;
    cb_close(&cancel->fd);
    free(cancel);
}

void cb_cancel_request(struct cb_cancel *cancel)
{
    static const uint64_t one = 1;
    int saved = errno;

    if (!cancel)
        return;
    atomic_store(&cancel->requested, 1);
    if (cancel->fd >= 0 && write(cancel->fd, &one, sizeof(one)) < 0)
        errno = saved; /* EAGAIN: the counter is full, hence readable */
    errno = saved;
}

int cb_cancel_requested(const struct cb_cancel *cancel)
{
    return cancel && atomic_load(&cancel->requested);
}

int cb_cancel_fd(const struct cb_cancel *cancel)
{
    return cancel ? cancel->fd : -1;
}

int cb_cancel_check(const struct cb_cancel *cancel, struct cb_error **err)
{
    if (!cb_cancel_requested(cancel))
        return 0;
    return cb_error_set(err, CB_ERR_CANCELED, "canceled");
}
