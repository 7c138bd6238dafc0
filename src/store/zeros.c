/* Nearly every run that is none differs in its first bytes, so looking costs little. */
#include "store/zeros.h"

#include "base/fs.h"

#include <unistd.h>

#define PAGE 4096
#define HOLE (32u << 10) /* shorter ones are written */

uint64_t cb_zeros_count(const void *bytes, size_t len, size_t run)
{
    const char *at = bytes;
    uint64_t zeros = 0;

    for (; len >= run; at += run, len -= run)
        zeros += cb_is_zero(at, run) ? run : 0;
    return zeros;
}

/* How many of the bytes, which go to OFFSET, are a run of zeros that is worth a hole. */
static size_t hole_bytes(const char *bytes, size_t len, int64_t offset)
{
    size_t run;

    if (offset % PAGE || len < HOLE || !cb_is_zero(bytes, HOLE))
        return 0;
    for (run = HOLE; len - run >= PAGE && cb_is_zero(bytes + run, PAGE);)
        run += PAGE;
    return run;
}

/* To the next hole, or all. */
static size_t data_bytes(const char *bytes, size_t len, int64_t offset)
{
    size_t at = (size_t)(PAGE - offset % PAGE);

    while (at < len && !hole_bytes(bytes + at, len - at, offset + (int64_t)at))
        at += PAGE;
    return at < len ? at : len;
}

int cb_zeros_write(int fd, const void *bytes, size_t len, int64_t offset, int64_t *end)
{
    const char *from = bytes;

    while (len) {
        size_t part = hole_bytes(from, len, offset);

        if (!part) {
            part = data_bytes(from, len, offset);
            if (cb_fs_write_all_at(fd, from, part, offset) < 0)
                return -1;
            *end = offset + (int64_t)part;
        }
        from += part;
        len -= part;
        offset += (int64_t)part;
    }
    return 0;
}

int cb_zeros_append(int fd, const void *bytes, size_t len, int64_t offset)
{
    int64_t end = offset;

    if (cb_zeros_write(fd, bytes, len, offset, &end) < 0)
        return -1;
    return end < offset + (int64_t)len ? ftruncate(fd, offset + (int64_t)len) : 0;
}
