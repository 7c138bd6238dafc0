/* The bound is looked up once: what others write meanwhile is not ours to count. */
#include "store/spool.h"

#include "base/fs.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct cb_spool {
    struct cb_store *store; /* borrowed */
    int fd;
    off_t size;
    uint64_t max;
};

/* Some file systems have no files without a name. */
static int open_named(struct cb_store *store, struct cb_error **err)
{
    cb_autofree char *name = NULL;
    int fd;

    if (cb_store_begin_temporary(store, &name, err) < 0)
        return -1;
    fd = openat(store->tmp_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s/tmp/%s`", store->root, name);
    unlinkat(store->tmp_fd, name, 0);
    return fd;
}

static uint64_t most_bytes(const struct cb_store *store)
{
    struct statvfs fs;
    uint64_t half = UINT64_MAX;

    if (fstatvfs(store->tmp_fd, &fs) == 0)
        half = (uint64_t)fs.f_bavail * fs.f_frsize / 2;
    return store->max_bytes && store->max_bytes < half ? store->max_bytes : half;
}

int cb_spool_new(struct cb_store *store, struct cb_spool **out, struct cb_error **err)
{
    cb_auto(cb_spool) spool = xcalloc(1, sizeof(*spool));

    spool->store = store;
    spool->fd = -1;
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    spool->fd = openat(store->tmp_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (spool->fd < 0)
        spool->fd = open_named(store, err);
    if (spool->fd < 0)
        return -1;
    spool->max = most_bytes(store);
    *out = cb_steal(&spool);
    return 0;
}

int cb_spool_write(struct cb_spool *spool, const void *bytes, size_t len,
                   struct cb_error **err)
{
    if (len > spool->max - (uint64_t)spool->size) {
        cb_error_set(err, CB_ERR_SYSTEM,
                     "a copy of the archive takes more than %llu bytes, half of what is "
                     "free in `%s`",
                     (unsigned long long)spool->max, spool->store->root);
        return cb_error_hint(err, "an archive that is a plain tar, and no pipe, is read "
                                  "where it is");
    }
    if (cb_fs_write_all(spool->fd, bytes, len) < 0)
        return cb_error_errno(err, errno, "write a copy of the archive");
    spool->size += (off_t)len;
    return 0;
}

off_t cb_spool_size(const struct cb_spool *spool)
{
    return spool->size;
}

int cb_spool_take_fd(struct cb_spool *spool)
{
    lseek(spool->fd, 0, SEEK_SET);
    return cb_steal_fd(&spool->fd);
}

void cb_spool_free(struct cb_spool *spool)
{
    if (!spool)
        return;
    cb_close(&spool->fd);
    free(spool);
}
