/* Small files, the many, are read into a buffer on the stack; large ones in larger
 * pieces. */
#include "store/file-digest.h"

#include <errno.h>

#define SMALL (16u << 10)
#define LARGE (256u << 10)

static ssize_t read_full(int fd, unsigned char *buffer, size_t size)
{
    ssize_t got;

    do
        got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static int hash_rest(struct cb_hasher *hasher, int fd, struct cb_error **err)
{
    cb_autofree unsigned char *buffer = xmalloc(LARGE);
    ssize_t got;

    while ((got = read_full(fd, buffer, LARGE)) > 0)
        cb_hasher_update(hasher, buffer, (size_t)got);
    return got < 0 ? cb_error_errno(err, errno, "read") : 0;
}

int cb_file_digest(int fd, struct cb_digest *out, struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = NULL;
    unsigned char small[SMALL];
    ssize_t got = read_full(fd, small, sizeof(small));

    if (got < 0)
        return cb_error_errno(err, errno, "read");
    if (got < (ssize_t)sizeof(small) && read_full(fd, small + got, 1) == 0) {
        *out = cb_digest_of(small, (size_t)got);
        return 0;
    }
    if (lseek(fd, 0, SEEK_SET) < 0)
        return cb_error_errno(err, errno, "read");
    hasher = cb_hasher_new(CB_SHA256);
    if (hash_rest(hasher, fd, err) < 0)
        return -1;
    *out = cb_hasher_finish(hasher);
    return 0;
}
