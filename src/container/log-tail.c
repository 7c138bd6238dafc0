/* Where the last lines of a log begin, found from its end: a log may be of gigabytes, and
 * what is asked for most are its last ten lines. */
#include "container/log-priv.h"

#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK 65536

int cb_log_open_file(int dir_fd, unsigned file)
{
    cb_autofree char *name = file ? xasprintf("log.%u", file) : xstrdup("log");

    return openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* While files are renamed one name is missing, never two side by side. */
unsigned cb_log_oldest(int dir_fd)
{
    unsigned oldest = 0;

    for (unsigned i = 1; i < CB_LOG_MAX_FILES && i <= oldest + 2; i++) {
        cb_autofree char *name = xasprintf("log.%u", i);

        if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            oldest = i;
    }
    return oldest;
}

/* Behind the line end that is one more than LINES from the end of FD. -1: there are not
 * as many, *LINES is what is still wanted of older files. */
static off_t find_in(int fd, int64_t *lines)
{
    char block[BLOCK];
    struct stat st;
    off_t at = fstat(fd, &st) == 0 ? st.st_size : 0;

    while (at > 0) {
        size_t len = at < BLOCK ? (size_t)at : BLOCK;

        at -= (off_t)len;
        if (pread(fd, block, len, at) != (ssize_t)len)
            return 0;
        for (char *end = block + len, *found;
             (found = memrchr(block, '\n', (size_t)(end - block))) != NULL; end = found)
            if ((*lines)-- == 0)
                return at + (found - block) + 1;
    }
    return -1;
}

int cb_log_open_at(int dir_fd, int64_t lines)
{
    unsigned oldest = cb_log_oldest(dir_fd);

    for (unsigned file = 0; file <= oldest && lines >= 0; file++) {
        cb_autofd int fd = cb_log_open_file(dir_fd, file);
        off_t offset = fd >= 0 ? find_in(fd, &lines) : -1;

        if (offset >= 0)
            return lseek(fd, offset, SEEK_SET) < 0 ? -1 : cb_steal_fd(&fd);
    }
    return cb_log_open_file(dir_fd, oldest);
}
