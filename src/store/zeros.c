/* Nearly every run that is none differs in its first bytes, so looking costs little. */
#include "store/zeros.h"

#include "base/fs.h"

#include <unistd.h>

#define HOLE (32u << 10) /* shorter ones are written */

uint64_t cb_zeros_count(const void *bytes, size_t len, size_t run)
{
    const char *at = bytes;
    uint64_t zeros = 0;

    for (; len >= run; at += run, len -= run)
        zeros += cb_is_zero(at, run) ? run : 0;
    return zeros;
}

/* How many of the first bytes are zeros, or with IS_ZERO 0 are not to be holes. */
static size_t part_bytes(const char *bytes, size_t len, int is_zero)
{
    size_t part = 0;

    while (len - part >= HOLE && cb_is_zero(bytes + part, HOLE) == is_zero)
        part += HOLE;
    return is_zero || len - part >= HOLE ? part : len;
}

/* The file is as long as if the zeros had been written: others may read it already. */
static int skip(int fd, size_t len)
{
    off_t end = lseek(fd, (off_t)len, SEEK_CUR);

    return end < 0 ? -1 : ftruncate(fd, end);
}

int cb_zeros_write(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len) {
        size_t part = part_bytes(at, len, 1);
        int is_hole = part > 0;

        if (!is_hole)
            part = part_bytes(at, len, 0);
        if ((is_hole ? skip(fd, part) : cb_fs_write_all(fd, at, part)) < 0)
            return -1;
        at += part;
        len -= part;
    }
    return 0;
}
