/* SQLite's files are truncated through a hook of its own. Two of them are only ever cut
 * to be written anew from their start: the shared memory by whoever opens the index when
 * nobody else has it open, and the log after all of it was folded into the index. Zeros
 * say the same to SQLite: memory that nobody has set up, a log without a header. Blocks
 * that the log does not have yet lie behind its end, where SQLite does not see them. */
#include "store/db-files.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <endian.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_BYTES  (512 << 10) /* what the log may have when a writer closes */
#define MEMORY_LEFT 3           /* bytes: what SQLite cuts the shared memory to */
#define LOG_HEADER  32          /* bytes */
#define LOG_MAGIC   0x377f0682u /* but for the last bit */

/* -1 with errno, as ftruncate. */
static int write_zeros(int fd, off_t bytes)
{
    static const char zeros[4096];
    off_t at = 0;

    while (at < bytes) {
        size_t len =
            bytes - at < (off_t)sizeof(zeros) ? (size_t)(bytes - at) : sizeof(zeros);
        ssize_t written = pwrite(fd, zeros, len, at);

        if (written < 0)
            return -1;
        at += written;
    }
    return 0;
}

static int has_log_magic(int fd)
{
    uint32_t magic;

    return pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) &&
           (be32toh(magic) & ~1u) == LOG_MAGIC;
}

static int shorten(int fd, off_t size)
{
    return size > KEPT_BYTES ? ftruncate(fd, KEPT_BYTES) : 0;
}

static int keep_blocks(int fd, off_t length)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (length == MEMORY_LEFT && st.st_size > length) {
        off_t kept = st.st_size < KEPT_BYTES ? st.st_size : KEPT_BYTES;

        return shorten(fd, st.st_size) < 0 ? -1 : write_zeros(fd, kept);
    }
    if (length == 0 && st.st_size >= LOG_HEADER && has_log_magic(fd))
        return shorten(fd, st.st_size) < 0 ? -1 : write_zeros(fd, LOG_HEADER);
    return ftruncate(fd, length);
}

static int ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), tail = strlen(end);

    return len > tail && strcmp(name + len - tail, end) == 0;
}

/* On btrfs blocks that are kept are of use only to a file that is written in place. It
 * can be told so as long as it is empty; other file systems do not know the flag. */
static int open_in_place(const char *name, int flags, int mode)
{
    int fd = open(name, flags, mode);
    struct stat st;

    if (fd >= 0 && (flags & O_CREAT) &&
        (ends_with(name, "-wal") || ends_with(name, "-shm")) && fstat(fd, &st) == 0 &&
        st.st_size == 0)
        cb_fs_write_in_place(fd);
    return fd;
}

static void set_call(sqlite3_vfs *vfs, const char *name, sqlite3_syscall_ptr ours)
{
    if (vfs->xGetSystemCall(vfs, name) != ours)
        vfs->xSetSystemCall(vfs, name, ours);
}

void cb_db_files_keep(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

    if (!vfs)
        return;
    set_call(vfs, "ftruncate", (sqlite3_syscall_ptr)keep_blocks);
    set_call(vfs, "open", (sqlite3_syscall_ptr)open_in_place);
}

void cb_db_files_reserve(const char *root)
{
    cb_autofree char *path = xasprintf("%s/meta.db-wal", root);
    cb_autofd int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_blocks * 512 < KEPT_BYTES)
        fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, KEPT_BYTES);
}
