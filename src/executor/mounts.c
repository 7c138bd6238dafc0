/* Mounting by descriptor only: a target is opened in the root first and the mount is then
 * moved onto that descriptor, so nothing can be swapped between the look and the act. */
#include "executor/sandbox-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define PAGE_BYTES       65536 /* the largest there are */
#define FILES_ROOM_BYTES (1u << 20)

static int is_directory(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static int cannot_attach(int mount_fd, int target, struct cb_error **err)
{
    int errnum = errno;

    if (is_directory(mount_fd) == is_directory(target))
        return cb_error_errno(err, errnum, "attach the mount");
    return cb_error_set(err, CB_ERR_USAGE, "not a directory: %s cannot be mounted on %s",
                        is_directory(mount_fd) ? "a directory" : "a file",
                        is_directory(target) ? "a directory" : "a file");
}

/* Attaches the detached mount MOUNT_FD at the step's target. */
static int attach(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                  int mount_fd, struct cb_error **err)
{
    cb_autofd int target = -1;

    if (cb_target_open(sandbox, step, &target, err) < 0)
        return -1;
    if (target < 0)
        return 0;
    if (cb_tree_attach(&sandbox->api, mount_fd, target, "") < 0)
        return cannot_attach(mount_fd, target, err);
    return 0;
}

static int new_filesystem(struct cb_sandbox *sandbox, const char *type,
                          const char *options, unsigned attributes, int *out,
                          struct cb_error **err)
{
    *out = cb_tree_new(&sandbox->api, type, options, attributes);
    if (*out < 0)
        return cb_error_errno(err, errno, "new %s%s%s%s", type, *options ? " (" : "",
                              options, *options ? ")" : "");
    return 0;
}

/* ── In a user namespace ── */

static int cover(struct cb_sandbox *sandbox, const char *path, struct cb_error **err);

/* The outer tree, with what is mounted on it, where a new one is refused: procfs when the
 * outer one is covered in part, as in a container, and sysfs as well when the network
 * namespace is not our own. */
static int bind_kernel_tree(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                            const char *source, struct cb_error **err)
{
    cb_autofd int tree =
        cb_tree_clone(&sandbox->api, AT_FDCWD, source, 1, step->value, 0);

    if (tree < 0)
        return cb_error_errno(err, errno, "clone the outer `%s`", source);
    if (attach(sandbox, step, tree, err) < 0)
        return -1;
    return strcmp(source, CB_STAGE_SYS) ? 0 : cover(sandbox, "/sys/fs/cgroup", err);
}

/* The outer tree that may stand for a filesystem of TYPE, or NULL. */
static const char *outer_tree(const struct cb_sandbox *sandbox, const char *type)
{
    if (!sandbox->stage->in_userns)
        return NULL;
    if (!strcmp(type, "proc"))
        return CB_STAGE_PROC;
    return !strcmp(type, "sysfs") ? CB_STAGE_SYS : NULL;
}

int cb_step_filesystem(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                       struct cb_error **err)
{
    const char *target = cb_sandbox_text(sandbox, step->target);
    const char *type = cb_sandbox_text(sandbox, step->text);
    const char *outer = outer_tree(sandbox, type);
    cb_auto(cb_error) refused = NULL;
    cb_autofd int mount = -1;
    int failed;

    if (step->fd >= 0)
        mount = cb_space_mount(sandbox, sandbox->fds[step->fd], target, step->value,
                               &refused);
    else
        new_filesystem(sandbox, type, sandbox->plan.pool + step->options, step->value,
                       &mount, &refused);
    failed = mount < 0;
    if (failed && step->fd < 0 && outer && cb_error_errnum(refused) == EPERM)
        failed = bind_kernel_tree(sandbox, step, outer, err) < 0;
    else if (failed)
        cb_error_move(err, &refused);
    else
        failed = attach(sandbox, step, mount, err) < 0;
    if (failed)
        return cb_error_wrap(err, "mount on `%s`", target);
    if (step->flags & CB_PLAN_IS_DEV)
        sandbox->dev_fd = cb_steal_fd(&mount);
    else if (step->flags & CB_PLAN_IS_PTS)
        sandbox->pts_fd = cb_steal_fd(&mount);
    return 0;
}

int cb_step_bind(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    if (attach(sandbox, step, sandbox->fds[step->fd], err) < 0)
        return cb_error_wrap(err, "mount on `%s`",
                             cb_sandbox_text(sandbox, step->target));
    return 0;
}

/* What the plan writes, and room for what a container adds to /etc/hosts: it may write to
 * some of these files, and memory is not to be filled that way. */
static uint64_t bytes_of_files(const struct cb_sandbox *sandbox)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < sandbox->plan.count; i++) {
        const struct cb_plan_step *step = &sandbox->plan.steps[i];

        if (step->kind == CB_PLAN_FILE)
            pages += 1 + step->text_len / PAGE_BYTES;
    }
    return pages * PAGE_BYTES + FILES_ROOM_BYTES;
}

/* All small files of a run share one tmpfs, kept out of swap where the kernel can. */
static int open_files(struct cb_sandbox *sandbox, struct cb_error **err)
{
    unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV;
    char options[64];
    int len = snprintf(options, sizeof(options), "mode=0700,size=%llu",
                       (unsigned long long)bytes_of_files(sandbox));

    if (sandbox->files_fd >= 0)
        return 0;
    snprintf(options + len, sizeof(options) - (size_t)len, ",noswap");
    if (new_filesystem(sandbox, "tmpfs", options, attributes, &sandbox->files_fd, NULL) <
        0) {
        options[len] = '\0';
        if (new_filesystem(sandbox, "tmpfs", options, attributes, &sandbox->files_fd,
                           err) < 0)
            return -1;
    }
    if (cb_tree_attach(&sandbox->api, sandbox->files_fd, AT_FDCWD, CB_STAGE_FILES) < 0)
        return cb_error_errno(err, errno, "attach a tmpfs for small files");
    return 0;
}

static int write_file(int dir_fd, const char *name, const struct cb_plan_step *step,
                      const char *content, struct cb_error **err)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, content, step->text_len) < 0 ||
        fchown(fd, step->uid, step->gid) < 0 || fchmod(fd, step->mode) < 0)
        return cb_error_errno(err, errno, "write the file");
    return 0;
}

static int place_file(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                      struct cb_error **err)
{
    /* A script of the builder's (a heredoc with #!) has to be executable. */
    uint64_t executable = step->mode & 0111 ? MOUNT_ATTR_NOEXEC : 0;
    cb_autofd int tree = -1;
    char name[16];

    if (open_files(sandbox, err) < 0)
        return -1;
    snprintf(name, sizeof(name), "%u", sandbox->files++);
    if (write_file(sandbox->files_fd, name, step, cb_sandbox_text(sandbox, step->text),
                   err) < 0)
        return -1;
    tree = cb_tree_clone(&sandbox->api, sandbox->files_fd, name, 0,
                         step->value & ~executable, executable);
    if (tree < 0)
        return cb_error_errno(err, errno, "clone the file");
    return attach(sandbox, step, tree, err);
}

int cb_step_file(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    if (place_file(sandbox, step, err) < 0)
        return cb_error_wrap(err, "file on `%s`", cb_sandbox_text(sandbox, step->target));
    return 0;
}

/* Masks and read-only paths lie on our own procfs and sysfs, where no name is foreign.
 * *FD -1 when the kernel has no such entry; whatever else goes wrong must not leave it
 * bare.
 */
static int open_kernel_path(struct cb_sandbox *sandbox, const char *path, int *fd,
                            struct cb_error **err)
{
    *fd = openat(sandbox->root_fd, path + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "open `%s`", path);
    return 0;
}

/* The same for a path that was asked for, which may be anywhere. */
static int open_image_path(struct cb_sandbox *sandbox, const char *path, int *fd,
                           struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_fs_open_in_root(sandbox->root_fd, path, O_PATH, 0, fd, &error) == 0)
        return 0;
    if (cb_error_errnum(error) == ENOENT)
        return 0;
    return cb_error_move(err, &error);
}

static int cover_target(struct cb_sandbox *sandbox, const char *path, int target,
                        struct cb_error **err)
{
    cb_autofd int tree = -1;
    const char *source;
    struct stat what;

    if (target < 0)
        return 0;
    if (fstat(target, &what) < 0)
        return cb_error_errno(err, errno, "hide `%s`", path);
    source = S_ISDIR(what.st_mode) ? CB_STAGE_EMPTY : CB_STAGE_NULL;
    tree = cb_tree_clone(&sandbox->api, AT_FDCWD, source, 0, 0, 0);
    if (tree < 0 || cb_tree_attach(&sandbox->api, tree, target, "") < 0)
        return cb_error_errno(err, errno, "hide `%s`", path);
    return 0;
}

static int cover(struct cb_sandbox *sandbox, const char *path, struct cb_error **err)
{
    cb_autofd int target = -1;

    if (open_kernel_path(sandbox, path, &target, err) < 0)
        return -1;
    return cover_target(sandbox, path, target, err);
}

int cb_step_mask(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    const char *path = cb_sandbox_text(sandbox, step->target);
    cb_autofd int target = -1;

    if (!(step->flags & CB_PLAN_FOREIGN))
        return cover(sandbox, path, err);
    if (open_image_path(sandbox, path, &target, err) < 0)
        return -1;
    return cover_target(sandbox, path, target, err);
}

int cb_step_read_only(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                      struct cb_error **err)
{
    const char *path = cb_sandbox_text(sandbox, step->target);
    cb_autofd int target = -1, tree = -1;

    if (!strcmp(path, "/")) {
        if (cb_tree_set(&sandbox->api, sandbox->root_fd, MOUNT_ATTR_RDONLY, 0) < 0)
            return cb_error_errno(err, errno, "make the root read-only");
        return 0;
    }
    if (open_kernel_path(sandbox, path, &target, err) < 0)
        return -1;
    if (target < 0)
        return 0;
    tree = cb_tree_clone(&sandbox->api, target, "", 0, MOUNT_ATTR_RDONLY, 0);
    if (tree < 0 || cb_tree_attach(&sandbox->api, tree, target, "") < 0)
        return cb_error_errno(err, errno, "make `%s` read-only", path);
    return 0;
}
