/* Of a container that runs its monitor gives the root away. Of one that does not the
 * layers are mounted here; its volumes go on top in a mount namespace that ends with this
 * process, so nothing is left behind. */
#include "container/files-priv.h"

#include "base/fs.h"
#include "base/map.h"
#include "container/client.h"
#include "container/copy.h"
#include "container/marks.h"
#include "container/mount-open.h"
#include "container/pin.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

void cb_container_files_close(struct cb_container_files *files)
{
    cb_close(&files->root);
    cb_snapshot_unref(files->snapshot);
    cb_lock_release(files->hold);
    *files = (struct cb_container_files){.root = -1};
}

/* ── Mounts of one that does not run ── */

struct piece { /* a tree that is attached to no namespace */
    const char *target;
    int fd, read_only;
};
struct pieces {
    struct piece *items;
    size_t count, capacity;
};

static void pieces_clear(struct pieces *pieces)
{
    cb_vec_foreach (piece, pieces)
        cb_close(&piece->fd);
    cb_vec_free(pieces);
}
CB_AUTO_VALUE_DEFINE(pieces, pieces_clear)

static int by_target(const void *a, const void *b)
{
    return strcmp(((const struct piece *)a)->target, ((const struct piece *)b)->target);
}

/* A mount that is attached nowhere is moved itself: older kernels do not copy it. */
static int clone_source(const struct cb_container_mount *mount, int source)
{
    int fd = open_tree(source, "",
                       AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                           (mount->not_recursive ? 0 : AT_RECURSIVE));

    return fd < 0 && errno == EINVAL ? fcntl(source, F_DUPFD_CLOEXEC, 3) : fd;
}

/* Opened as for a start of the container: by the volume's name, below nothing that its
 * content could redirect. What is not there any more is not mounted. */
static int collect(struct cb_store *store, const struct cb_container *container,
                   struct cb_cancel *cancel, struct pieces *out, struct cb_error **err)
{
    cb_vec_foreach (mount, &container->mounts) {
        struct piece piece = {.target = mount->target, .read_only = mount->read_only};
        cb_autofd int source = -1;
        int found = cb_container_mount_source(store, mount, cancel, &source, err);

        if (found < 0)
            return -1;
        if (!found)
            continue;
        piece.fd = clone_source(mount, source);
        if (piece.fd < 0)
            return cb_error_errno(err, errno, "mount `%s`", mount->target);
        cb_vec_push(out, piece);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_target);
    return 0;
}

/* Files of images without layers are a plain directory. */
static int as_mount(struct cb_container_files *files, struct cb_error **err)
{
    int fd;

    if (cb_snapshot_parent(files->snapshot))
        return 0;
    fd = open_tree(files->root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open the container's files");
    cb_close(&files->root);
    files->root = fd;
    return 0;
}

int cb_files_open_target(int root, const char *target, int source, struct cb_error **err)
{
    cb_autofd int parent = -1;
    cb_autofree char *path = NULL;
    cb_autofree char *name = NULL;
    struct stat st;
    int fd;

    if (fstat(source, &st) < 0)
        return cb_error_errno(err, errno, "stat what is mounted at `%s`", target);
    if (cb_fs_open_in_root(root, target, O_PATH, 0, &fd, NULL) == 0)
        return fd;
    if (S_ISDIR(st.st_mode))
        return cb_fs_mkdirs_in_root(root, target, 0755, 0, 0, &fd, err) < 0 ? -1 : fd;
    /* the last of a chain of links that lead nowhere is what is made */
    if (cb_fs_resolve_in_root(root, target, &path, err) < 0 ||
        cb_fs_open_parent_in_root(root, path, &(struct cb_fs_made){.mode = 0755}, &parent,
                                  &name, err) < 0)
        return -1;
    fd = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
    return fd < 0 ? cb_error_errno(err, errno, "create `%s`", target) : fd;
}

static int make_read_only(int fd, struct cb_error **err)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};

    if (mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
        return cb_error_errno(err, errno, "make a mount read-only");
    return 0;
}

static int attach(int root, const struct piece *piece, struct cb_error **err)
{
    cb_autofd int target = cb_files_open_target(root, piece->target, piece->fd, err);

    if (target < 0 || (piece->read_only && make_read_only(piece->fd, err) < 0))
        return -1;
    if (move_mount(piece->fd, "", target, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return cb_error_errno(err, errno, "mount at `%s`", piece->target);
    return 0;
}

int cb_files_leave_namespace(struct cb_error **err)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return cb_error_errno(err, errno, "make a mount namespace");
    return 0;
}

static int attach_all(struct cb_store *store, const struct cb_container *container,
                      struct cb_cancel *cancel, struct cb_container_files *files,
                      struct cb_error **err)
{
    cb_auto_value(pieces) pieces = {0};
    cb_autofree char *place =
        xasprintf("%s/containers/%s", cb_store_root(store), container->id);

    if (collect(store, container, cancel, &pieces, err) < 0 || as_mount(files, err) < 0 ||
        cb_files_leave_namespace(err) < 0)
        return -1;
    if (move_mount(files->root, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return cb_error_errno(err, errno, "mount the container's files");
    cb_vec_foreach (piece, &pieces) {
        if (attach(files->root, piece, err) < 0)
            return -1;
    }
    return container->options.request.read_only ? make_read_only(files->root, err) : 0;
}

/* The monitor's root of an image without layers is the directory, where nothing is
 * mounted. */
static int settle_plain(struct cb_store *store, const struct cb_container *container,
                        struct cb_container_files *files, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;

    if (files->snapshot)
        return 0;
    if (cb_container_snapshot(store, container, &snapshot, err) < 0)
        return -1;
    if (!cb_snapshot_parent(snapshot))
        files->snapshot = cb_steal(&snapshot);
    return 0;
}

/* What a program serves is for those of its user namespace alone. */
static int check_open(const struct cb_container_files *files, struct cb_error **err)
{
    cb_autofd int fd = openat(files->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int errnum = errno;

    if (fd >= 0)
        return 0;
    cb_error_errno(err, errnum, "open the container's files");
    if (errnum == EACCES)
        cb_error_hint(err, "with fuse-overlayfs they are out of reach while it runs: "
                           "stop it first, or use `cbuild exec`");
    return -1;
}

static int has_mounts(const struct cb_container *container)
{
    return container->mounts.count || container->options.request.read_only;
}

int cb_container_files_open(struct cb_store *store, struct cb_container *container,
                            struct cb_cancel *cancel, struct cb_container_files *out,
                            struct cb_error **err)
{
    cb_auto_value(cb_container_files) files = {.root = -1};

    if (cb_container_root(store, container, &files.root, &files.snapshot, &files.hold,
                          err) < 0 ||
        settle_plain(store, container, &files, err) < 0 || check_open(&files, err) < 0)
        return -1;
    if (files.snapshot && has_mounts(container) &&
        (cb_files_must_bind() ? cb_files_bind_all : attach_all)(store, container, cancel,
                                                                &files, err) < 0)
        return -1;
    *out = files;
    files = (struct cb_container_files){.root = -1};
    return 0;
}

/* ── What it has written ── */

/* Docker's images have these below each container; what its own volumes and binds lie on
 * is the container's, as there. */
static int is_kernels(const char *path)
{
    static const char *const kernels[] = {"proc", "dev", "sys"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(kernels); i++)
        if (strcmp(kernels[i], path) == 0)
            return 1;
    return 0;
}

int cb_container_leaves_out(const char *path, const struct stat *st)
{
    return cb_container_is_mark(path, st) || (S_ISDIR(st->st_mode) && is_kernels(path));
}

static int copy_layer(struct cb_container_copying *copying, struct cb_snapshot *from,
                      struct cb_snapshot *to, struct cb_error **err)
{
    cb_autofd int from_fd = -1;
    cb_autofd int to_fd = -1;
    struct stat st;

    if (cb_snapshot_open_upper(from, &from_fd, err) < 0 ||
        cb_snapshot_open_upper(to, &to_fd, err) < 0)
        return -1;
    if (fstat(from_fd, &st) < 0 || fchown(to_fd, st.st_uid, st.st_gid) < 0 ||
        fchmod(to_fd, st.st_mode & 07777) < 0)
        return cb_error_errno(err, errno, "copy the container's root");
    return cb_container_copy_content(copying, from_fd, to_fd, err);
}

int cb_container_files_copy(struct cb_store *store, const struct cb_container *container,
                            int places, struct cb_cancel *cancel,
                            struct cb_snapshot **out, struct cb_error **err)
{
    struct cb_container_copying copying = {.owner = CB_COPY_KEEP,
                                           .raw = 1,
                                           .leaves_out =
                                               places ? NULL : cb_container_leaves_out,
                                           .cancel = cancel};
    cb_auto(cb_snapshot) own = NULL;
    cb_auto(cb_snapshot) copy = NULL;

    if (cb_container_snapshot(store, container, &own, err) < 0 ||
        cb_snapshot_prepare(store, cb_snapshot_parent(own), &copy, err) < 0 ||
        copy_layer(&copying, own, copy, err) < 0)
        return -1;
    *out = cb_steal(&copy);
    return 0;
}

/* ── Sizes ── */

/* A file with several names counts once; further ones may be in other layers, where it
 * counts as well. */
struct sizing {
    int64_t bytes;
    struct cb_map *seen; /* those with several names, by device and inode */
};

static int add_size(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    struct sizing *sizing = arg;
    char key[CB_INODE_KEY_MAX];

    if (!S_ISREG(entry->st.st_mode))
        return 0;
    if (entry->st.st_nlink > 1) {
        cb_inode_key(key, entry->st.st_dev, entry->st.st_ino);
        if (cb_map_has(sizing->seen, key))
            return 0;
        cb_map_set(sizing->seen, key, sizing);
    }
    sizing->bytes += entry->st.st_size;
    return 0;
}

int64_t cb_container_layer_bytes(struct cb_snapshot *snapshot)
{
    cb_auto(cb_map) seen = cb_map_new(NULL);
    struct sizing sizing = {.seen = seen};
    cb_autofd int fd = -1;

    if (cb_snapshot_open_upper(snapshot, &fd, NULL) == 0)
        cb_walk_changing(fd, add_size, &sizing, NULL, NULL);
    return sizing.bytes;
}

int64_t cb_container_bytes(struct cb_store *store, const struct cb_container *container,
                           int64_t *whole)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    int64_t written = 0, below = 0;

    if (cb_container_snapshot(store, container, &snapshot, NULL) == 0) {
        written = cb_container_layer_bytes(snapshot);
        for (struct cb_snapshot *at = cb_snapshot_parent(snapshot); whole && at;
             at = cb_snapshot_parent(at))
            below += cb_container_layer_bytes(at);
    }
    if (whole)
        *whole = written + below;
    return written;
}
