/* Volumes on top of a container's layers by mount(2), where there are no mounts by
 * descriptor. It takes paths: those of /proc, whose links lead to what was opened and
 * nowhere else. Only what was opened in our own mount namespace can be bound, so the
 * other one is left before anything is. */
#include "container/files-priv.h"

#include "base/fs.h"
#include "container/mount-open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

int cb_files_must_bind(void)
{
    return open_tree(-1, "", 0) < 0 && errno == ENOSYS;
}

int cb_container_files_begin(struct cb_error **err)
{
    return cb_files_must_bind() ? cb_files_leave_namespace(err) : 0;
}

static int bind_root(const char *place, struct cb_container_files *files,
                     struct cb_error **err)
{
    if (mount(cb_fd_path(files->root).text, place, NULL, MS_BIND, NULL) < 0)
        return cb_error_errno(err, errno, "mount the container's files");
    cb_close(&files->root);
    files->root = open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (files->root < 0)
        return cb_error_errno(err, errno, "open the container's files");
    return 0;
}

static int make_read_only(const char *path, struct cb_error **err)
{
    if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
        return cb_error_errno(err, errno, "make a mount read-only");
    return 0;
}

static int bind_one(struct cb_store *store, const struct cb_container_mount *mounted,
                    struct cb_cancel *cancel, int root, struct cb_error **err)
{
    unsigned long recursive = mounted->not_recursive ? 0 : MS_REC;
    cb_autofd int source = -1;
    cb_autofd int target = -1;
    cb_autofd int covered = -1;
    int found = cb_container_mount_source(store, mounted, cancel, &source, err);

    if (found <= 0)
        return found;
    target = cb_files_open_target(root, mounted->target, source, err);
    if (target < 0)
        return -1;
    if (mount(cb_fd_path(source).text, cb_fd_path(target).text, NULL, MS_BIND | recursive,
              NULL) < 0)
        return cb_error_errno(err, errno, "mount at `%s`", mounted->target);
    if (!mounted->read_only)
        return 0;
    if (cb_fs_open_in_root(root, mounted->target, O_PATH, 0, &covered, err) < 0)
        return -1;
    return make_read_only(cb_fd_path(covered).text, err);
}

int cb_files_bind_all(struct cb_store *store, const struct cb_container *container,
                      struct cb_cancel *cancel, struct cb_container_files *files,
                      struct cb_error **err)
{
    cb_autofree char *place =
        xasprintf("%s/containers/%s", cb_store_root(store), container->id);

    if (bind_root(place, files, err) < 0)
        return -1;
    cb_vec_foreach (mounted, &container->mounts) {
        if (bind_one(store, mounted, cancel, files->root, err) < 0)
            return -1;
    }
    return container->options.request.read_only ? make_read_only(place, err) : 0;
}
