/* A piece larger than the buffer is written past it. */
#include "exporter/buffered.h"

#include "base/fs.h"

#include <errno.h>
#include <string.h>

#define CAPACITY (1u << 20)

void cb_buffered_clear(struct cb_buffered *buffered)
{
    free(buffered->bytes);
    *buffered = (struct cb_buffered){.fd = -1};
}

static int write_out(const struct cb_buffered *buffered, const void *bytes, size_t len,
                     struct cb_error **err)
{
    if (cb_fs_write_all(buffered->fd, bytes, len) < 0)
        return cb_error_errno(err, errno, "write %s", buffered->what);
    return 0;
}

int cb_buffered_flush(struct cb_buffered *buffered, struct cb_error **err)
{
    if (buffered->len && write_out(buffered, buffered->bytes, buffered->len, err) < 0)
        return -1;
    buffered->len = 0;
    return 0;
}

int cb_buffered_write(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct cb_buffered *buffered = arg;

    if (buffered->len + len > CAPACITY && cb_buffered_flush(buffered, err) < 0)
        return -1;
    if (len > CAPACITY)
        return write_out(buffered, bytes, len, err);
    if (!buffered->bytes)
        buffered->bytes = xmalloc(CAPACITY);
    memcpy(buffered->bytes + buffered->len, bytes, len);
    buffered->len += len;
    return 0;
}
