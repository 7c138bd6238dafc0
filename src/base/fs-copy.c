/* File data from one descriptor to another by the cheapest way there is: shared extents,
 * a copy inside the kernel, a buffer. Holes stay holes where the target is still empty
 * there. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define BUFFER_BYTES 131072
#define KERNEL_BYTES (64 << 20)

struct copy {
    int from, to;
    off_t left; /* -1: to the end */
    int use_kernel;
    char *buffer;
};

static size_t portion(const struct copy *copy, size_t most)
{
    return copy->left >= 0 && (uint64_t)copy->left < most ? (size_t)copy->left : most;
}

static ssize_t copy_by_buffer(struct copy *copy, size_t len)
{
    ssize_t got;

    if (!copy->buffer)
        copy->buffer = xmalloc(BUFFER_BYTES);
    if (len > BUFFER_BYTES)
        len = BUFFER_BYTES;
    do {
        got = read(copy->from, copy->buffer, len);
    } while (got < 0 && errno == EINTR);
    if (got > 0 && cb_fs_write_all(copy->to, copy->buffer, (size_t)got) < 0)
        return -1;
    return got;
}

/* Copies up to LEN bytes from the current positions; 0 at the end. */
static ssize_t copy_some(struct copy *copy, size_t len)
{
    ssize_t got;

    if (copy->use_kernel) {
        do {
            got = copy_file_range(copy->from, NULL, copy->to, NULL, len, 0);
        } while (got < 0 && errno == EINTR);
        if (got > 0)
            return got;
        if (got < 0 &&
            (errno == ENOSPC || errno == EIO || errno == EDQUOT || errno == EFBIG))
            return -1;
        /* Some file systems say "end" where they mean "not here". */
        copy->use_kernel = 0;
    }
    return copy_by_buffer(copy, len);
}

/* Skips a hole at the current positions. The bytes to copy before the next one, 0 at the
 * end, -1. */
static off_t skip_hole(struct copy *copy, off_t size)
{
    off_t at = lseek(copy->from, 0, SEEK_CUR);
    off_t end = copy->left >= 0 && at + copy->left < size ? at + copy->left : size;
    off_t data = lseek(copy->from, at, SEEK_DATA);
    off_t hole;

    if (data < 0 && errno != ENXIO)
        return -1;
    if (data < 0 || data > end)
        data = end;
    hole = data < end ? lseek(copy->from, data, SEEK_HOLE) : data;
    if (hole < 0 && errno == ENXIO) /* cut off meanwhile: reading finds the end */
        hole = end;
    if (hole < 0 || lseek(copy->from, data, SEEK_SET) < 0 ||
        lseek(copy->to, data - at, SEEK_CUR) < 0)
        return -1;
    if (copy->left >= 0)
        copy->left -= data - at;
    return (hole < end ? hole : end) - data;
}

/* 1: the source ended before, 0: done, -1. */
static int copy_span(struct copy *copy, off_t len)
{
    while (len > 0) {
        ssize_t got = copy_some(copy, len < KERNEL_BYTES ? (size_t)len : KERNEL_BYTES);

        if (got < 0)
            return -1;
        if (got == 0)
            return 1;
        len -= got;
        if (copy->left >= 0)
            copy->left -= got;
    }
    return 0;
}

/* Data and holes of a regular file of SIZE bytes into a target that is empty from here
 * on. */
static int copy_sparse(struct copy *copy, off_t size)
{
    off_t len, at;
    int ended = 0;

    while (!ended && (len = skip_hole(copy, size)) != 0) {
        ended = len < 0 ? -1 : copy_span(copy, len);
        if (ended < 0)
            return -1;
    }
    at = lseek(copy->to, 0, SEEK_CUR);
    return at < 0 ? -1 : ftruncate(copy->to, at); /* a hole at the end */
}

static int copy_plain(struct copy *copy)
{
    while (copy->left != 0) {
        ssize_t got = copy_some(copy, portion(copy, KERNEL_BYTES));

        if (got < 0)
            return -1;
        if (got == 0)
            break;
        if (copy->left > 0)
            copy->left -= got;
    }
    return 0;
}

int cb_fs_copy_data(int from_fd, int to_fd, off_t len, struct cb_error **err)
{
    struct copy copy = {.from = from_fd, .to = to_fd, .left = len};
    off_t from_at = lseek(from_fd, 0, SEEK_CUR), to_at = lseek(to_fd, 0, SEEK_CUR);
    struct stat from, to;
    int regular, result;

    if (fstat(from_fd, &from) < 0 || fstat(to_fd, &to) < 0)
        return cb_error_errno(err, errno, "stat");
    regular = S_ISREG(from.st_mode) && S_ISREG(to.st_mode) && from.st_size > 0 &&
              from_at >= 0 && to_at >= 0;
    if (regular && len < 0 && from_at == 0 && to.st_size == 0 && to_at == 0 &&
        ioctl(to_fd, FICLONE, from_fd) == 0)
        return 0;
    if (len < 0 && S_ISREG(from.st_mode) && from_at >= 0)
        copy.left = from.st_size > from_at ? from.st_size - from_at : 0;
    copy.use_kernel = regular;
    if (regular && to.st_size <= to_at)
        result = copy_sparse(&copy, from.st_size);
    else
        result = copy_plain(&copy);
    if (result < 0) {
        result = cb_error_errno(err, errno, "copy");
    } else if (len >= 0 && copy.left > 0) {
        result =
            cb_error_set(err, CB_ERR_INTEGRITY, "copy: the source ends %lld bytes early",
                         (long long)copy.left);
    }
    free(copy.buffer);
    return result;
}
