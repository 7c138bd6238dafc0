/* The frame of a snapshot that is gone, for the next: its own directory and overlay's
 * work directory in it, both empty. A file system that discards what it frees takes a
 * tenth of a millisecond to remove the two, and nothing of them can be seen in a root.
 * What was in the layer is never kept, nor the layer's directory, whose
 * age can be seen. It has one place, and is moved there and away: so no two have the
 * same, and who finds it taken makes another. It is nobody's before: no list of snapshots
 * has it. */
#include "store/snapshot-priv.h"

#include "base/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE "spare"

int cb_snapshot_take_spare(struct cb_snapshot *snapshot)
{
    struct cb_store *store = snapshot->store;

    return snapshot->parent && store->driver->has_plain_work &&
           renameat(store->root_fd, SPARE, store->snapshots_fd, snapshot->row.id) == 0;
}

/* The work directory has nothing in it: a link of its parent's and one of its own. Where
 * directories do not count links there is no spare. */
static int is_bare(int own)
{
    struct stat st;

    return fstatat(own, "work", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
           st.st_nlink == 2;
}

int cb_snapshot_leave_spare(const struct cb_snapshot *snapshot)
{
    const struct cb_store *store = snapshot->store;
    cb_autofd int own = -1;

    if (!snapshot->was_mounted || !store->driver->has_plain_work)
        return 0;
    own = openat(store->snapshots_fd, snapshot->row.id,
                 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (own < 0)
        return 0;
    store->driver->clear_work(own);
    return is_bare(own) && renameat2(store->snapshots_fd, snapshot->row.id,
                                     store->root_fd, SPARE, RENAME_NOREPLACE) == 0;
}

void cb_snapshot_drop_spare(struct cb_store *store)
{
    cb_autofree char *aside = cb_store_temporary_name(store);

    /* Who could take it apart where it is would do so to who has just taken it. */
    if (renameat(store->root_fd, SPARE, store->tmp_fd, aside) == 0)
        cb_fs_remove_tree(store->tmp_fd, aside, NULL);
}
