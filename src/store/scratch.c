/* Private scratch directories, and temporary names in general: tmp/<lease>-<n>, so that a
 * sweep can tell whether whoever made them is alive. */
#include "store/store-priv.h"

#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>

struct cb_scratch {
    struct cb_store *store;
    char *name, *path;
    int fd;
};

char *cb_store_temporary_name(struct cb_store *store)
{
    return xasprintf("%s-%u", cb_lease_id(store->lease),
                     atomic_fetch_add(&store->next_temporary, 1));
}

/* A temporary is the lease holder's: the lease must be there before it. */
static int ensure_lease(struct cb_store *store, struct cb_error **err)
{
    const char *name = cb_lease_id(store->lease);
    cb_gc_shared held = NULL;

    if (cb_gc_lock_shared(store, err) < 0)
        return -1;
    held = store;
    return cb_lease_add(held->lease, CB_LEASE_TEMPORARY, &name, 1, err);
}

int cb_store_begin_temporary(struct cb_store *store, char **name, struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0 || cb_store_lease_now(store, err) < 0 ||
        ensure_lease(store, err) < 0)
        return -1;
    *name = cb_store_temporary_name(store);
    return 0;
}

int cb_store_scratch(struct cb_store *store, struct cb_scratch **out,
                     struct cb_error **err)
{
    cb_auto(cb_scratch) scratch = xcalloc(1, sizeof(*scratch));

    scratch->store = store;
    scratch->fd = -1;
    if (cb_store_begin_temporary(store, &scratch->name, err) < 0)
        return -1;
    scratch->path = xasprintf("%s/tmp/%s", store->root, scratch->name);
    if (mkdirat(store->tmp_fd, scratch->name, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", scratch->path);
    scratch->fd =
        openat(store->tmp_fd, scratch->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (scratch->fd < 0)
        return cb_error_errno(err, errno, "open `%s`", scratch->path);
    *out = cb_steal(&scratch);
    return 0;
}

int cb_scratch_fd(const struct cb_scratch *scratch)
{
    return scratch->fd;
}

const char *cb_scratch_path(const struct cb_scratch *scratch)
{
    return scratch->path;
}

void cb_scratch_free(struct cb_scratch *scratch)
{
    cb_auto(cb_error) error = NULL;

    if (!scratch)
        return;
    cb_close(&scratch->fd);
    if (scratch->name &&
        cb_fs_remove_tree(scratch->store->tmp_fd, scratch->name, &error) < 0)
        cb_warn("%s", cb_error_message(error));
    free(scratch->name);
    free(scratch->path);
    free(scratch);
}
