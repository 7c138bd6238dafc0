/* Directories of snapshots that are gone, for the next: a bare one, which is the
 * snapshot's own with overlay's work directory in it, as good as new; and one for each
 * key with the layer that all of that key begin with. A file system that discards what it
 * frees, or looks at what was freed lately before it gives out a new one, takes a tenth
 * of a millisecond for each.
 *
 * Nothing that somebody did in a layer is kept: one that is not as it was at first, to
 * the last attribute, is removed, and so is any that others may have had open. Each has
 * one place, and is moved there and away: so no two have the same, and who finds it taken
 * makes another. It is nobody's before: no list of snapshots has it. */
#include "store/snapshot-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE "spare"
#define BARE  SPARE "/bare"

/* After a crash of the machine half of it may be there. */
static char *place_of(const struct cb_snapshot *snapshot)
{
    return xasprintf(SPARE "/%s-%s-%.8s", snapshot->row.parent, snapshot->initial_key,
                     snapshot->store->boot_id);
}

/* ── Taking ── */

/* 0: it is no directory of this file system. */
static unsigned count_links(int own, const char *directory)
{
    struct statx st;

    return statx(own, directory, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_NLINK, &st) ==
                       0 &&
                   S_ISDIR(st.stx_mode) && !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
               ? st.stx_nlink
               : 0;
}

/* The work directory has nothing in it, or just the one that overlay makes there, and
 * makes anew when it is mounted, when there is time for it: who has two links, its
 * parent's and its own, has no directories in it. Where directories do not count links
 * there is no spare. */
static int is_bare(int own)
{
    unsigned links = count_links(own, "work");

    return links == 2 || (links == 3 && count_links(own, "work/work") == 2);
}

static int has_only_layers(int own, unsigned layers)
{
    struct stat st;

    if (fstatat(own, "fs", &st, AT_SYMLINK_NOFOLLOW) < 0)
        return layers == 0 && errno == ENOENT;
    return layers == 1 && S_ISDIR(st.st_mode);
}

/* What a repair of the file system, say, has made of it is for nobody to use. */
static int is_sound(const struct cb_snapshot *snapshot, unsigned layers)
{
    cb_autofd int own = openat(snapshot->store->snapshots_fd, snapshot->row.id,
                               O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return own >= 0 && is_bare(own) && has_only_layers(own, layers);
}

static void put_aside(const struct cb_snapshot *snapshot)
{
    struct cb_store *store = snapshot->store;
    cb_autofree char *aside = cb_store_temporary_name(store);

    if (renameat(store->snapshots_fd, snapshot->row.id, store->tmp_fd, aside) == 0)
        cb_fs_remove_tree(store->tmp_fd, aside, NULL);
}

/* LAYERS: that are to be in it. */
static int take(struct cb_snapshot *snapshot, const char *place, unsigned layers)
{
    const struct cb_store *store = snapshot->store;

    if (renameat(store->root_fd, place, store->snapshots_fd, snapshot->row.id) < 0)
        return 0;
    snapshot->has_new_work = is_sound(snapshot, layers);
    if (!snapshot->has_new_work)
        put_aside(snapshot);
    return snapshot->has_new_work;
}

int cb_snapshot_take_spare(struct cb_snapshot *snapshot)
{
    cb_autofree char *place = NULL;

    if (!snapshot->parent || !snapshot->store->driver->has_plain_work)
        return 0;
    place = snapshot->initial_key ? place_of(snapshot) : NULL;
    if (place && take(snapshot, place, 1))
        return 2;
    return take(snapshot, BARE, 0);
}

/* ── Mounts ── */

/* A mount lives on in whatever was opened through it: in a process that was not ended, in
 * one elsewhere that was sent a descriptor, on the host where its directory was bound to
 * a shared place. Only the kernel knows all of them, and tells who watches its root when
 * there is none. The number of a file system does not tell: another has it at once. Where
 * nothing can be watched there is no spare. */
void cb_snapshot_watch_mount(struct cb_snapshot *snapshot, int fd)
{
    struct cb_store *store = snapshot->store;
    const struct cb_fd_path path = cb_fd_path(fd);

    pthread_mutex_lock(&store->mutex);
    snapshot->mounts++;
    if (snapshot->watch_fd < 0)
        snapshot->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (snapshot->watch_fd >= 0 && inotify_add_watch(snapshot->watch_fd, path.text,
                                                     IN_DELETE_SELF | IN_ONLYDIR) >= 0)
        snapshot->watched++;
    pthread_mutex_unlock(&store->mutex);
}

static unsigned count_unmounted(const char *events, ssize_t len)
{
    unsigned count = 0;

    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *event = (const void *)(events + at);

        count += (event->mask & IN_UNMOUNT) != 0;
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return count;
}

static int is_unmounted(struct cb_snapshot *snapshot)
{
    _Alignas(struct inotify_event) char events[1024];
    unsigned ended = 0;
    ssize_t len;

    if (snapshot->watched < snapshot->mounts)
        return 0;
    while ((len = read(snapshot->watch_fd, events, sizeof(events))) > 0)
        ended += count_unmounted(events, len);
    snapshot->mounts -= ended;
    snapshot->watched -= ended;
    return snapshot->mounts == 0;
}

/* ── Leaving ── */

/* -1, or the snapshot's own directory with a work directory as good as new. */
static int open_frame(struct cb_snapshot *snapshot)
{
    const struct cb_store *store = snapshot->store;
    cb_autofd int own = -1;

    if (!snapshot->was_mounted || !store->driver->has_plain_work ||
        !is_unmounted(snapshot))
        return -1;
    own = openat(store->snapshots_fd, snapshot->row.id,
                 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (own < 0)
        return -1;
    store->driver->reset_work(own, NULL);
    if (!is_bare(own))
        return -1;
    /* Overlay makes it for nobody to read: who reads a whole store would stumble. */
    fchmodat(own, "work/work", 0700, 0);
    return cb_steal_fd(&own);
}

static int move_to(const struct cb_snapshot *snapshot, const char *place)
{
    const struct cb_store *store = snapshot->store;

    for (int tries = 0; tries < 2; tries++) {
        if (renameat2(store->snapshots_fd, snapshot->row.id, store->root_fd, place,
                      RENAME_NOREPLACE) == 0)
            return 1;
        if (errno != ENOENT || mkdirat(store->root_fd, SPARE, 0700) < 0)
            break;
    }
    return 0;
}

int cb_snapshot_leave_spare(struct cb_snapshot *snapshot)
{
    cb_autofd int own = open_frame(snapshot);

    return own >= 0 && move_to(snapshot, BARE);
}

int cb_snapshot_leave_initial(struct cb_snapshot *snapshot)
{
    cb_auto_value(cb_strbuf) now = {0};
    cb_autofree char *place = NULL;
    cb_autofd int own = -1, layer = -1;

    if (!snapshot->initial.len || (own = open_frame(snapshot)) < 0)
        return 0;
    layer = openat(own, "fs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layer < 0 || cb_layer_describe(layer, &now) < 0 ||
        now.len != snapshot->initial.len ||
        memcmp(now.text, snapshot->initial.text, now.len) != 0)
        return 0;
    place = place_of(snapshot);
    return move_to(snapshot, place);
}

void cb_snapshot_drop_spare(struct cb_store *store)
{
    cb_autofree char *aside = cb_store_temporary_name(store);

    /* Who could take it apart where it is would do so to who has just taken it. */
    if (renameat(store->root_fd, SPARE, store->tmp_fd, aside) == 0)
        cb_fs_remove_tree(store->tmp_fd, aside, NULL);
}
