/* A layout as one descriptor: of its directory, or of a tar of it. The tar is read where
 * it is; one in a compression is unpacked into a file without a name first, as far as the
 * disk has room for it (spool.h). */
#include "store/layout-read.h"

#include "store/decompress.h"
#include "store/spool.h"
#include "store/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES (UINT64_C(1) << 42)

static ssize_t read_some(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    ssize_t got;

    do
        got = read(*(int *)arg, buffer, len);
    while (got < 0 && errno == EINTR);
    return got < 0 ? cb_error_errno(err, errno, "read the archive") : got;
}

static int copy_plain(struct cb_decoder *decoder, struct cb_spool *to,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    const void *bytes;
    ssize_t len;

    while ((len = cb_decoder_next(decoder, &bytes, err)) > 0) {
        if (cb_cancel_check(cancel, err) < 0)
            return -1;
        if (cb_spool_write(to, bytes, (size_t)len, err) < 0)
            return -1;
    }
    return len < 0 ? -1 : 0;
}

static int unpack(struct cb_store *store, struct cb_cancel *cancel, int *fd,
                  struct cb_error **err)
{
    cb_auto(cb_decoder) decoder = NULL;
    cb_auto(cb_spool) plain = NULL;

    if (cb_decoder_new(&decoder, read_some, fd,
                       CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD, MAX_BYTES,
                       err) < 0)
        return -1;
    if (!cb_decoder_filter(decoder))
        return 0;
    if (cb_spool_new(store, &plain, err) < 0 ||
        copy_plain(decoder, plain, cancel, err) < 0)
        return -1;
    cb_close(fd);
    *fd = cb_spool_take_fd(plain);
    return 0;
}

int cb_layout_open(const char *path, struct cb_store *store, struct cb_cancel *cancel,
                   int *fd, struct cb_error **err)
{
    cb_autofd int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (opened < 0 || fstat(opened, &st) < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return cb_error_set(err, CB_ERR_USAGE,
                            "`%s` is neither a directory nor a tar of an image layout",
                            path);
    if (S_ISREG(st.st_mode) && unpack(store, cancel, &opened, err) < 0)
        return -1;
    *fd = cb_steal_fd(&opened);
    return 0;
}
