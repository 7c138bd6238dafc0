/* What both sides of a delta do with their files. */
#include "store/delta-priv.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int cb_delta_read(int fd, void *buffer, size_t len, int64_t at, struct cb_error **err)
{
    char *to = buffer;

    while (len) {
        ssize_t got = pread(fd, to, len, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read a layer");
        if (got == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "delta: ends too early");
        to += got;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int64_t cb_delta_file_bytes(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

int cb_delta_zstd_failed(const char *why, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYSTEM, "zstd: %s", why);
}
