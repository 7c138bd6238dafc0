/* Opening and closing. Opening looks at the format, opens the index and glances at
 * leases/ and tmp/; it never reads the store itself, so it costs the same whatever is in
 * it. */
#include "store/store.h"

#include "base/fs.h"
#include "base/log.h"
#include "store/db-snapshots.h"
#include "store/salvage.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <time.h>

#define FORMAT "1\n"

void cb_id_new(char id[CB_ID_LEN + 1])
{
    unsigned char bytes[CB_ID_LEN / 2];
    size_t i;

    while (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        continue;
    for (i = 0; i < sizeof(bytes); i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

int cb_store_check_writable(const struct cb_store *store, struct cb_error **err)
{
    if (store->read_only)
        return cb_error_set(err, CB_ERR_DENIED, "store `%s` is read-only", store->root);
    return 0;
}

char *cb_store_default_root(int of_user)
{
    const char *root = getenv("CBUILD_ROOT");
    const char *home = getenv("HOME");
    const char *data = getenv("XDG_DATA_HOME");

    if (root && *root)
        return xstrdup(root);
    if (!of_user)
        return xstrdup("/var/lib/cbuild");
    if (data && *data == '/')
        return xasprintf("%s/cbuild", data);
    return xasprintf("%s/.local/share/cbuild", home && *home ? home : "");
}

/* Others in the store could lend our name to their files, or run its setuid programs. */
static int check_owner(const struct cb_store *store, struct cb_error **err)
{
    struct stat st;

    if (fstat(store->root_fd, &st) < 0)
        return cb_error_errno(err, errno, "stat `%s`", store->root);
    if (st.st_uid != geteuid()) {
        cb_error_set(err, CB_ERR_DENIED, "store `%s`: owned by uid %u, not by us (%u)",
                     store->root, st.st_uid, geteuid());
        return cb_error_hint(err, "use another store with --root");
    }
    if (st.st_mode & 022) {
        cb_error_set(err, CB_ERR_DENIED, "store `%s`: writable by others (mode %04o)",
                     store->root, st.st_mode & 07777);
        return cb_error_hint(err, "chmod go-w `%s`, after a look at who wrote there",
                             store->root);
    }
    return 0;
}

static int open_root(struct cb_store *store, int create, struct cb_error **err)
{
    struct statvfs fs;

    store->root_fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->root_fd < 0 && errno == ENOENT && create) {
        if (cb_fs_mkdirs(store->root, 0700, err) < 0)
            return -1;
        store->root_fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (store->root_fd < 0)
        return cb_error_errno(err, errno, "open store `%s`", store->root);
    if (fstatvfs(store->root_fd, &fs) == 0 && fs.f_flag & ST_RDONLY)
        store->read_only = 1;
    return check_owner(store, err);
}

/* 1: of our format, 0: none there yet. */
static int read_format(struct cb_store *store, struct cb_error **err)
{
    char text[16] = "";
    cb_autofd int fd =
        openat(store->root_fd, "format", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t len;

    if (fd < 0 && errno == ENOENT)
        return 0;
    len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (len < 0)
        return cb_error_errno(err, errno, "read `%s/format`", store->root);
    text[len] = '\0';
    if (strcmp(text, FORMAT) == 0)
        return 1;
    text[strcspn(text, "\n")] = '\0';
    cb_error_set(err, CB_ERR_UNSUPPORTED, "store `%s`: unknown format `%s`, expected 1",
                 store->root, text);
    return cb_error_hint(err, "it was written by another version of cbuild");
}

/* What chattr(1) calls T: each tree in it has a place of its own on the disk. An ext4
 * without a journal looks at every inode that was freed nearby in the last minutes before
 * it gives one out, which takes half a millisecond where a large tree was. */
static void spread(const struct cb_store *store, const char *name)
{
    cb_autofd int fd =
        openat(store->root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int flags;

    if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return;
    flags |= FS_TOPDIR_FL;
    (void)!ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int make_directories(struct cb_store *store, struct cb_error **err)
{
    static const char *const names[] = {"blobs",        "blobs/sha256", "ingest",
                                        "snapshots",    "empty",        "stat-index",
                                        "cache-mounts", "leases",       "tmp"};
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (mkdirat(store->root_fd, names[i], 0700) < 0 && errno != EEXIST)
            return cb_error_errno(err, errno, "mkdir `%s/%s`", store->root, names[i]);
    }
    spread(store, "snapshots");
    return 0;
}

static int write_format(struct cb_store *store, struct cb_error **err)
{
    cb_autofd int fd =
        openat(store->root_fd, "format.new",
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, FORMAT, strlen(FORMAT)) < 0 ||
        (!store->no_sync && fsync(fd) < 0) ||
        renameat(store->root_fd, "format.new", store->root_fd, "format") < 0 ||
        (!store->no_sync && fsync(store->root_fd) < 0))
        return cb_error_errno(err, errno, "write `%s/format`", store->root);
    return 0;
}

static int open_index(struct cb_store *store, int create, struct cb_error **err)
{
    struct cb_db_options options = {.root = store->root,
                                    .create = create,
                                    .cancel = store->cancel,
                                    .read_only = store->read_only,
                                    .no_sync = store->no_sync,
                                    .recalls = store->recalls,
                                    .boot_id = store->boot_id};

    return cb_db_open(&store->db, &options, err);
}

/* SQLite would make it readable by all; its log files take its mode over. */
static int make_index(struct cb_store *store, struct cb_error **err)
{
    cb_autofd int fd = openat(store->root_fd, "meta.db",
                              O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s/meta.db`", store->root);
    cb_close(&fd);
    return open_index(store, 1, err);
}

/* A directory that is in use for something else does not become a store. */
static int check_free(struct cb_store *store, struct cb_error **err)
{
    static const char ours[] =
        " blobs ingest snapshots empty stat-index cache-mounts leases"
        " tmp gc.lock room.lock meta.db meta.db-journal meta.db-wal meta.db-shm"
        " format.new driver ";
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(store->root_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *word = xasprintf(" %s ", *name);

        if (!strstr(ours, word))
            return cb_error_set(err, CB_ERR_EXISTS,
                                "store `%s`: not a store, and not empty (has `%s`)",
                                store->root, *name);
    }
    return 0;
}

static int open_known(struct cb_store *store, struct cb_error **err)
{
    int damaged;

    if (cb_driver_recall(store, err) < 0)
        return -1;
    damaged = store->repair ? cb_index_is_damaged(store, err) : 0;
    if (damaged < 0 || (damaged && cb_index_salvage(store, err) < 0))
        return -1;
    return open_index(store, 0, err);
}

/* A store that another process has just finished is not free either. */
static int check_place(struct cb_store *store, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (check_free(store, &error) == 0 || read_format(store, NULL) == 1)
        return 0;
    return cb_error_move(err, &error);
}

/* The format file comes last: what is there before it can be made again. */
static int initialise(struct cb_store *store, int create, struct cb_error **err)
{
    cb_autofd int lock = -1;
    int known;

    if (!create || store->read_only)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "store `%s`: there is none",
                            store->root);
    if (check_place(store, err) < 0 || cb_gc_lock_exclusive(store, &lock, err) < 0)
        return -1;
    known = read_format(store, err);
    if (known)
        return known < 0 ? -1 : open_known(store, err);
    if (make_directories(store, err) < 0 || cb_driver_choose(store, err) < 0 ||
        make_index(store, err) < 0)
        return -1;
    return write_format(store, err);
}

static int open_directories(struct cb_store *store, struct cb_error **err)
{
    const struct {
        const char *name;
        int *fd;
    } directories[] = {{"snapshots", &store->snapshots_fd},
                       {"ingest", &store->ingest_fd},
                       {"tmp", &store->tmp_fd}};
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(directories); i++) {
        *directories[i].fd = openat(store->root_fd, directories[i].name,
                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (*directories[i].fd < 0)
            return cb_error_errno(err, errno, "open `%s/%s`", store->root,
                                  directories[i].name);
    }
    return cb_lease_open(&store->lease, store->root_fd, err);
}

static void read_boot_id(struct cb_store *store)
{
    cb_autofd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, store->boot_id, sizeof(store->boot_id) - 1);

    store->boot_id[len > 0 ? len : 0] = '\0';
    store->boot_id[strcspn(store->boot_id, "\n")] = '\0';
}

/* ── What killed processes left ── */

static void remove_dead(void *arg, enum cb_lease_kind kind, const char *name)
{
    struct cb_store *store = arg;

    if (kind == CB_LEASE_ACTIVE && cb_db_snapshot_exists(store->db, name, NULL) == 0)
        cb_fs_remove_tree(store->snapshots_fd, name, NULL);
}

/* Removes what killed processes left behind: looks at leases/ and tmp/ only. */
static void sweep(struct cb_store *store)
{
    cb_auto_value(cb_strings) names = {0};

    cb_leases_sweep(store->lease, remove_dead, store);
    if (cb_fs_list(store->tmp_fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        char owner[CB_ID_LEN + 1];

        snprintf(owner, sizeof(owner), "%s", *name);
        if (!cb_lease_alive(store->lease, owner))
            cb_fs_remove_tree(store->tmp_fd, *name, NULL);
    }
}

/* Programs that get a path below it run in directories of their own. */
static int make_root_absolute(struct cb_store *store, struct cb_error **err)
{
    cb_autofree char *given = store->root;
    cb_autofree char *here = NULL;

    if (*given == '/') {
        cb_steal(&given);
        return 0;
    }
    here = getcwd(NULL, 0);
    store->root = here ? xasprintf("%s/%s", here, given) : cb_steal(&given);
    return here ? 0
                : cb_error_errno(err, errno, "find the directory of `%s`", store->root);
}

int cb_store_open(struct cb_store **out, const struct cb_store_options *options,
                  struct cb_error **err)
{
    cb_auto(cb_store) store = xcalloc(1, sizeof(*store));
    int known;

    store->root_fd = store->snapshots_fd = store->ingest_fd = store->tmp_fd = -1;
    cb_gc_lock_init(&store->gc);
    pthread_mutex_init(&store->mutex, NULL);
    store->snapshots = cb_map_new(NULL);
    store->touched = cb_map_new(NULL);
    store->root =
        options->root ? xstrdup(options->root) : cb_store_default_root(options->of_user);
    store->read_only = options->read_only;
    store->no_sync = options->no_sync;
    store->recalls = options->recalls;
    store->repair = options->repair;
    store->attach = options->attach;
    store->cancel = options->cancel;
    store->max_bytes = options->max_bytes;
    store->max_layer = options->max_layer;
    atomic_store(&store->mounts_changed, 1);
    read_boot_id(store);
    if (make_root_absolute(store, err) < 0 || open_root(store, options->create, err) < 0)
        return -1;
    known = read_format(store, err);
    if (known < 0 || (known ? open_known(store, err) < 0
                            : initialise(store, options->create, err) < 0))
        return -1;
    if (open_directories(store, err) < 0)
        return -1;
    if (!store->read_only)
        sweep(store);
    *out = cb_steal(&store);
    return 0;
}

void cb_store_lease_late(struct cb_store *store)
{
    if (store->read_only)
        return;
    cb_lease_defer(store->lease);
    store->gc.late = 1;
    atomic_store(&store->lease_late, 1);
}

int cb_store_lease_now(struct cb_store *store, struct cb_error **err)
{
    if (!atomic_load(&store->lease_late))
        return 0;
    if (cb_lease_write(store->lease, err) < 0)
        return -1;
    cb_gc_unlock_kept(store);
    atomic_store(&store->lease_late, 0);
    return 0;
}

void cb_store_close(struct cb_store *store)
{
    if (!store)
        return;
    if (store->db && !store->read_only)
        cb_record_flush(store);
    cb_db_close(store->db);
    cb_lease_close(store->lease);
    cb_gc_lock_destroy(&store->gc);
    cb_map_free(store->snapshots);
    cb_map_free(store->touched);
    pthread_mutex_destroy(&store->mutex);
    cb_close(&store->tmp_fd);
    cb_close(&store->ingest_fd);
    cb_close(&store->snapshots_fd);
    cb_close(&store->root_fd);
    free(store->root);
    free(store);
}

int cb_store_sync_index(struct cb_store *store, struct cb_error **err)
{
    return cb_db_sync(store->db, err);
}

const char *cb_store_root(const struct cb_store *store)
{
    return store->root;
}

int cb_store_root_fd(const struct cb_store *store)
{
    return store->root_fd;
}
