/* Mount points. A target that the root lacks is made, recorded by (directory descriptor,
 * name, inode), and after the run removed only if that name is still that empty inode: a
 * step may have put a link or its own file there. Directories get their old mtime back
 * both times, so a step that changes nothing leaves nothing in the upper layer but
 * directories equal to the ones below. */
#include "executor/stubs-priv.h"

#include "base/fs.h"
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Docker's are so, too, and by that are told from what somebody has put there. */
#define FILE_MODE 0755

static void restore_mtime(int dir_fd, const struct stat *before)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, before->st_mtim};

    utimensat(dir_fd, "", times, AT_EMPTY_PATH);
}

/* ── In the child ── */

static int record(struct cb_sandbox *sandbox, int dir_fd, const char *name,
                  struct cb_error **err)
{
    struct cb_stub_record stub = {.dir_fd = -1};
    struct stat made;

    if (sandbox->stubs.count == CB_STUBS_MAX)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "more than %d mount points are missing in the image",
                            CB_STUBS_MAX);
    if (fstatat(dir_fd, name, &made, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "mount point `%s`", name);
    stub.dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    if (stub.dir_fd < 0)
        return cb_error_errno(err, errno, "mount point `%s`", name);
    stub.name = xstrdup(name);
    stub.ino = made.st_ino;
    stub.is_directory = S_ISDIR(made.st_mode);
    cb_vec_push(&sandbox->stubs, stub);
    return 0;
}

/* Our own /dev ends with the sandbox, and what was made there with it. */
static int on_own_dev(const struct cb_sandbox *sandbox, const struct stat *dir)
{
    struct stat dev;

    return sandbox->dev_fd >= 0 && fstat(sandbox->dev_fd, &dev) == 0 &&
           dev.st_dev == dir->st_dev;
}

static int make(struct cb_sandbox *sandbox, const struct cb_plan_step *step, int dir_fd,
                const char *name, int directory, struct cb_error **err)
{
    struct stat before;
    int failed;

    if (fstat(dir_fd, &before) < 0)
        return cb_error_errno(err, errno, "mount point `%s`", name);
    if (directory)
        failed = mkdirat(dir_fd, name, 0755) < 0;
    else
        failed = mknodat(dir_fd, name, S_IFREG | FILE_MODE, 0) < 0;
    if (failed)
        return cb_error_errno(err, errno,
                              "mount point `%s` is missing and not to be made", name);
    if (step->flags & CB_PLAN_KEEP_STUB || on_own_dev(sandbox, &before))
        return 0;
    restore_mtime(dir_fd, &before);
    return record(sandbox, dir_fd, name, err);
}

/* Opens NAME in *DIR, making it when missing, and puts the descriptor in place of *DIR.
 */
static int descend(struct cb_sandbox *sandbox, const struct cb_plan_step *step, int *dir,
                   const char *name, int directory, struct cb_error **err)
{
    int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | (directory ? O_DIRECTORY : 0);
    int next = openat(*dir, name, flags);

    if (next < 0 && errno == ENOENT) {
        if (make(sandbox, step, *dir, name, directory, err) < 0)
            return -1;
        next = openat(*dir, name, flags);
    }
    if (next < 0)
        return cb_error_errno(err, errno, "mount point `%s`", name);
    cb_close(dir);
    *dir = next;
    return 0;
}

/* PATH has no links left; its missing tail is made. */
static int make_path(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                     char *path, int *fd, struct cb_error **err)
{
    cb_autofd int dir = fcntl(sandbox->root_fd, F_DUPFD_CLOEXEC, 3);
    char *rest = NULL, *name = strtok_r(path, "/", &rest);

    if (dir < 0)
        return cb_error_errno(err, errno, "duplicate a descriptor");
    while (name) {
        char *next = strtok_r(NULL, "/", &rest);

        if (descend(sandbox, step, &dir, name, next || step->flags & CB_PLAN_DIRECTORY,
                    err) < 0)
            return -1;
        name = next;
    }
    *fd = cb_steal_fd(&dir);
    return 0;
}

/* The kernel filesystems' targets are one level deep, or lie on one of them: without
 * links there is nothing to resolve. */
static int open_fixed(struct cb_sandbox *sandbox, const char *target, int *fd,
                      struct cb_error **err)
{
    *fd = openat(sandbox->root_fd, target + 1,
                 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0 || errno == ENOENT)
        return 0;
    if (errno == ENOTDIR || errno == ELOOP)
        return cb_error_set(err, CB_ERR_SYSTEM, "`%s` of the image is not a directory",
                            target);
    return cb_error_errno(err, errno, "open `%s`", target);
}

static int open_existing(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                         const char *target, int *fd, struct cb_error **err)
{
    int flags = O_PATH | (step->flags & CB_PLAN_DIRECTORY ? O_DIRECTORY : 0);
    cb_auto(cb_error) error = NULL;

    if (step->flags & CB_PLAN_FIXED)
        return open_fixed(sandbox, target, fd, err);
    if (cb_fs_open_in_root(sandbox->root_fd, target, flags, 0, fd, &error) == 0)
        return 0;
    *fd = -1;
    if (cb_error_errnum(error) == ENOENT)
        return 0;
    return cb_error_move(err, &error);
}

/* The root itself and procfs are not for the user to cover: what is written to /proc
 * later must be /proc. */
static int check_foreign(struct cb_sandbox *sandbox, int fd, struct cb_error **err)
{
    struct stat root, target;
    struct statfs fs;

    if (fstat(fd, &target) < 0 || fstat(sandbox->root_fd, &root) < 0 ||
        fstatfs(fd, &fs) < 0)
        return cb_error_errno(err, errno, "mount point");
    if (target.st_ino == root.st_ino && target.st_dev == root.st_dev)
        return cb_error_set(err, CB_ERR_USAGE, "the root cannot be a mount point");
    if (fs.f_type == PROC_SUPER_MAGIC)
        return cb_error_set(err, CB_ERR_USAGE, "a mount point inside /proc is refused");
    return 0;
}

/* On our own /dev nobody has made anything yet: no look is needed. 1: it was that. */
static int open_in_dev(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                       const char *target, int *fd)
{
    const unsigned own = CB_PLAN_CREATE | CB_PLAN_DIRECTORY | CB_PLAN_KEEP_STUB;
    const char *name = target + strlen("/dev/");

    if (sandbox->dev_fd < 0 || step->flags & CB_PLAN_FOREIGN ||
        (step->flags & own) != own || strncmp(target, "/dev/", strlen("/dev/")) != 0 ||
        strchr(name, '/') || mkdirat(sandbox->dev_fd, name, 0755) < 0)
        return 0;
    *fd = openat(sandbox->dev_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0;
}

int cb_target_open(struct cb_sandbox *sandbox, const struct cb_plan_step *step, int *fd,
                   struct cb_error **err)
{
    const char *target = cb_sandbox_text(sandbox, step->target);
    cb_autofree char *path = NULL;
    cb_autofd int found = -1;

    if (!open_in_dev(sandbox, step, target, &found) &&
        open_existing(sandbox, step, target, &found, err) < 0)
        return -1;
    if (found < 0 && step->flags & CB_PLAN_CREATE) {
        if (cb_fs_resolve_in_root(sandbox->root_fd, target, &path, err) < 0 ||
            make_path(sandbox, step, path, &found, err) < 0)
            return -1;
    }
    if (found >= 0 && step->flags & CB_PLAN_FOREIGN &&
        check_foreign(sandbox, found, err) < 0)
        return -1;
    *fd = cb_steal_fd(&found);
    return 0;
}

int cb_stubs_report(struct cb_sandbox *sandbox, struct cb_error **err)
{
    struct cb_report report = {.type = CB_REPORT_STUBS};
    int fds[CB_STUBS_MAX];
    size_t used = 0;

    if (!sandbox->stubs.count)
        return 0;
    for (size_t i = 0; i < sandbox->stubs.count; i++) {
        const struct cb_stub_record *stub = &sandbox->stubs.items[i];
        size_t len = strlen(stub->name) + 1;

        if (used + len > sizeof(report.text))
            return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                "the names of missing mount points are too long");
        memcpy(report.text + used, stub->name, len);
        report.stubs[i] = (struct cb_stub){
            .ino = stub->ino, .is_directory = stub->is_directory, .name = used};
        fds[i] = stub->dir_fd;
        used += len;
    }
    report.stub_count = sandbox->stubs.count;
    if (cb_message_send(sandbox->report_fd, &report, sizeof(report), fds,
                        report.stub_count) < 0)
        return cb_error_errno(err, errno, "report mount points");
    return 0;
}

/* ── In the caller ── */

void cb_stub_list_take(struct cb_stub_list *list, const struct cb_report *report,
                       const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd = fds[i];

        if (i >= report->stub_count || list->count == CB_STUBS_MAX ||
            report->stubs[i].name >= sizeof(report->text)) {
            cb_close(&fd);
            continue;
        }
        list->items[list->count].dir_fd = fd;
        list->items[list->count].name = xstrdup(report->text + report->stubs[i].name);
        list->items[list->count].ino = report->stubs[i].ino;
        list->items[list->count].is_directory = report->stubs[i].is_directory;
        list->count++;
    }
}

static void remove_one(int dir_fd, const char *name, uint64_t ino, int is_directory)
{
    struct stat dir, entry;

    if (fstat(dir_fd, &dir) < 0 ||
        fstatat(dir_fd, name, &entry, AT_SYMLINK_NOFOLLOW) < 0 || entry.st_ino != ino)
        return;
    if (is_directory) {
        if (!S_ISDIR(entry.st_mode) || unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
            return;
    } else if (!S_ISREG(entry.st_mode) || entry.st_size > 0 ||
               unlinkat(dir_fd, name, 0) < 0) {
        return;
    }
    restore_mtime(dir_fd, &dir);
}

void cb_stub_list_remove(struct cb_stub_list *list)
{
    while (list->count) {
        list->count--;
        remove_one(list->items[list->count].dir_fd, list->items[list->count].name,
                   list->items[list->count].ino, list->items[list->count].is_directory);
        cb_close(&list->items[list->count].dir_fd);
        free(list->items[list->count].name);
    }
}
