/* One file's bytes and looks. What is copied is what was listed (and, for a context,
 * hashed): the file is checked before its first byte is read and after the last. */
#include "ops/copy-priv.h"

#include "base/fs.h"
#include "base/user-namespace.h"
#include "store/layer-file.h"

#include <errno.h>
#include <sys/stat.h>

#define WRITE_EARLY_BYTES (1 << 20)
#define SHARE_BYTES       (1 << 20) /* from here on worth a look into the layers */

struct cb_owner cb_copy_owner(const struct cb_copying *copying,
                              const struct cb_entry *entry)
{
    return copying->owner ? *copying->owner : (struct cb_owner){entry->uid, entry->gid};
}

static int copy_small(int from, int to, size_t size, void *buffer, const char *path,
                      struct cb_error **err)
{
    size_t have = 0;

    while (have < size) {
        ssize_t got = read(from, (char *)buffer + have, size - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read `%s`", path);
        if (got == 0)
            break;
        have += (size_t)got;
    }
    if (cb_fs_write_all(to, buffer, have) < 0)
        return cb_error_errno(err, errno, "write `%s`", path);
    return 0;
}

struct looks {
    struct cb_owner owner;
    mode_t mode;
    struct timespec mtime;
    const char *xattrs; /* XATTRS_LEN bytes, as cb_content_xattrs_read has them */
    size_t xattrs_len;
};

/* Owner before mode and attributes: chown drops set-id bits and capabilities. */
static int dress_file(int fd, const struct looks *looks, const char *target,
                      struct cb_error **err)
{
    const struct cb_owner owner = looks->owner;
    struct timespec times[2] = {looks->mtime, looks->mtime};

    if (fchown(fd, owner.uid, owner.gid) < 0 || fchmod(fd, looks->mode) < 0) {
        cb_error_errno(err, errno, "set owner and mode of `/%s`", target);
        return cb_mapped_ids_hint(err, owner.uid, owner.gid);
    }
    cb_content_xattrs_write(fd, looks->xattrs, looks->xattrs_len);
    if (futimens(fd, times) < 0)
        return cb_error_errno(err, errno, "set time of `/%s`", target);
    return 0;
}

/* Those of ENTRY, without attributes. */
static struct looks looks_of(const struct cb_copying *copying,
                             const struct cb_entry *entry)
{
    return (struct looks){.owner = cb_copy_owner(copying, entry),
                          .mode = cb_chmod_apply(copying->chmod, entry->mode),
                          .mtime = entry->mtime};
}

static int make_empty(const struct cb_copying *copying, const struct cb_copy_job *job,
                      struct cb_error **err)
{
    const struct looks looks = looks_of(copying, job->entry);
    cb_autofd int fd = -1;

    if (cb_dest_create(copying->dest, job->target, &fd, err) < 0)
        return -1;
    return dress_file(fd, &looks, job->target, err);
}

/* FROM shows it through a mount of layers. */
static int copy_large(const struct cb_copy_job *job, int from, int to,
                      struct cb_error **err)
{
    cb_autofd int own = -1;
    struct stat st;

    if (job->source && job->entry->size >= SHARE_BYTES && fstat(from, &st) == 0)
        own = cb_layer_file_find(job->source, job->entry->path, &st);
    return cb_fs_copy_data(own < 0 ? from : own, to, -1, err);
}

int cb_copy_job_run(const struct cb_copying *copying, const struct cb_copy_job *job,
                    void *buffer, struct cb_error **err)
{
    const struct cb_entry *entry = job->entry;
    cb_autofd int from = -1, to = -1;
    struct looks looks = looks_of(copying, entry);
    cb_autofree char *xattrs = NULL;

    if (cb_entry_is_socket_file(entry))
        return make_empty(copying, job, err);
    if (cb_entry_open(job->source_root, entry, &from, err) < 0 ||
        cb_dest_create(copying->dest, job->target, &to, err) < 0)
        return -1;
    if (entry->size <= CB_COPY_SMALL_BYTES
            ? copy_small(from, to, (size_t)entry->size, buffer, entry->path, err) < 0
            : copy_large(job, from, to, err) < 0)
        return cb_error_wrap(err, "copy to `/%s`", job->target);
    if (entry->size >= WRITE_EARLY_BYTES)
        cb_early_write_add(copying->early, job->target);
    cb_content_xattrs_read(from, &xattrs, &looks.xattrs_len);
    looks.xattrs = xattrs;
    if (cb_entry_check(from, entry, err) < 0)
        return -1;
    return dress_file(to, &looks, job->target, err);
}

int cb_copy_content(struct cb_copying *copying, const void *content, size_t len,
                    const char *target, struct cb_error **err)
{
    const struct looks looks = {.owner = copying->owner ? *copying->owner
                                                        : (struct cb_owner){0},
                                .mode = cb_chmod_apply(copying->chmod, S_IFREG | 0644),
                                .mtime = copying->dest->now};
    cb_autofd int fd = -1;

    if (cb_copy_flush(copying, err) < 0 ||
        cb_dest_expect_file(copying->dest, target, err) < 0 ||
        cb_dest_create(copying->dest, target, &fd, err) < 0)
        return -1;
    if (cb_fs_write_all(fd, content, len) < 0)
        return cb_error_errno(err, errno, "write `/%s`", target);
    return dress_file(fd, &looks, target, err);
}
