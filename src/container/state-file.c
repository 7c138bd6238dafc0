/* Writing state.json. It is replaced as a whole, so whoever reads it reads one state.
 * What becomes of a container that has filled the disk must be written, too:
 * `state.spare` is made with the container and holds blocks for that. The two change
 * places then, so that there is always one to write to; but on btrfs only that file keeps
 * its blocks, and once it is state.json it is written over. */
#include "container/record.h"

#include "base/atomic-file.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE       "state.spare"
#define SPARE_BYTES (16 << 10)

static int is_full(const struct cb_error *error)
{
    return cb_error_errnum(error) == ENOSPC || cb_error_errnum(error) == EDQUOT;
}

static int write_spare(int dir, const char *text, size_t len)
{
    cb_autofd int fd = openat(dir, SPARE, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || cb_fs_write_all(fd, text, len) < 0 || ftruncate(fd, (off_t)len) < 0)
        return -1;
    return renameat2(dir, SPARE, dir, "state.json", RENAME_EXCHANGE);
}

/* Spaces in place of what was longer: who reads it now reads one state or the other. */
static int write_over(int dir, const char *text, size_t len)
{
    cb_autofd int fd = openat(dir, "state.json", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    cb_auto_value(cb_strbuf) padded = {0};

    if (fd < 0 || fstat(fd, &st) < 0 || (off_t)len > st.st_blocks * 512)
        return -1;
    cb_strbuf_add(&padded, text, len);
    while ((off_t)padded.len < st.st_size && padded.len < SPARE_BYTES)
        cb_strbuf_addc(&padded, ' ');
    return cb_fs_write_all(fd, padded.text, padded.len);
}

enum cb_file_sync cb_container_file_sync(const struct cb_container *container)
{
    return container->in_foreground ? CB_FILE_UNSYNCED : CB_FILE_STARTED;
}

int cb_container_save_state(const struct cb_container *container, struct cb_error **err)
{
    cb_auto_json *document = cb_container_state_json(&container->state);
    cb_autofree char *text = cb_json_dump(document);
    cb_auto(cb_error) error = NULL;
    size_t len = strlen(text);

    if (cb_atomic_file_write(container->dir_fd, "state.json", text, len, 0600,
                             cb_container_file_sync(container), &error) == 0 ||
        (is_full(error) && (write_spare(container->dir_fd, text, len) == 0 ||
                            write_over(container->dir_fd, text, len) == 0)))
        return 0;
    return cb_error_move(err, &error);
}

int cb_container_spare_state(const struct cb_container *container, struct cb_error **err)
{
    cb_autofd int fd = openat(container->dir_fd, SPARE,
                              O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s`", SPARE);
    if (fstat(fd, &st) == 0 && st.st_size == 0)
        cb_fs_write_in_place(fd);
    fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SPARE_BYTES); /* as far as it goes */
    return 0;
}
