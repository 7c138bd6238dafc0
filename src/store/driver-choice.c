/* Which driver a store has. It is chosen when the store is made, by trying, and written
 * down, because what one driver has marked as deleted another may not see. A store of
 * root's opened in a user namespace, or the reverse, is refused for the same reason. */
#include "store/store-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "driver"
#define VARIABLE  "CBUILD_STORAGE_DRIVER"

enum place { FIRST_NAMESPACE, USER_NAMESPACE };

static const struct {
    const struct cb_snapshot_driver *driver;
    enum place place;
} drivers[] = {
    {&cb_driver_overlay, FIRST_NAMESPACE}, {&cb_driver_overlay_user, USER_NAMESPACE},
    {&cb_driver_fuse, FIRST_NAMESPACE},    {&cb_driver_fuse_user, USER_NAMESPACE},
    {&cb_driver_copy, FIRST_NAMESPACE},    {&cb_driver_copy_user, USER_NAMESPACE},
};

static int fits(enum place place)
{
    return (place == USER_NAMESPACE) == (cb_in_user_namespace() != 0);
}

/* ── Trying ── */

static int make_directory(int dir_fd, const char *name, int *fd, struct cb_error **err)
{
    if (mkdirat(dir_fd, name, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", name);
    *fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd < 0 ? cb_error_errno(err, errno, "open `%s`", name) : 0;
}

/* What a step does first of all: it deletes something, and makes a directory anew. */
static int use_tree(int fd, struct cb_error **err)
{
    if (unlinkat(fd, "there", AT_REMOVEDIR) < 0 || mkdirat(fd, "there", 0700) < 0 ||
        unlinkat(fd, "there", AT_REMOVEDIR) < 0)
        return cb_error_errno(err, errno, "delete a directory");
    return 0;
}

/* DIR_FD, an empty directory also known as PATH, is filled and left so. */
static int try_in(const struct cb_snapshot_driver *driver, int dir_fd, const char *path,
                  struct cb_error **err)
{
    cb_autofd int lower = -1;
    cb_autofd int upper = -1;
    cb_autofd int work = -1;
    cb_autofd int root = -1;
    cb_autofree char *mount_point = xasprintf("%s/mount", path);
    struct cb_stack stack;
    int failed;

    if (make_directory(dir_fd, "lower", &lower, err) < 0 ||
        make_directory(dir_fd, "upper", &upper, err) < 0 ||
        make_directory(dir_fd, "work", &work, err) < 0)
        return -1;
    if (mkdirat(lower, "there", 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `there`");
    stack = (struct cb_stack){.layers = &lower,
                              .count = 1,
                              .upper_fd = upper,
                              .work_fd = work,
                              .empty_fd = lower,
                              .mount_point = mount_point,
                              .place_fd = dir_fd,
                              .boot_id = "try"};
    failed = driver->open_root(&stack, &root, err) < 0 || use_tree(root, err) < 0;
    cb_mount_point_release(mount_point);
    return failed ? cb_error_wrap(err, "%s", driver->name) : 0;
}

int cb_store_try_driver(struct cb_store *store, struct cb_error **err)
{
    cb_auto(cb_scratch) scratch = NULL;

    if (cb_store_scratch(store, &scratch, err) < 0)
        return -1;
    return try_in(store->driver, cb_scratch_fd(scratch), cb_scratch_path(scratch), err);
}

const char *cb_store_driver(const struct cb_store *store)
{
    return store->driver->name;
}

/* ── Choosing ── */

static int write_down(const struct cb_store *store, struct cb_error **err)
{
    cb_autofree char *line = xasprintf("%s\n", store->driver->name);
    cb_autofd int fd =
        openat(store->root_fd, FILE_NAME,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, line, strlen(line)) < 0 ||
        (!store->no_sync && fsync(fd) < 0))
        return cb_error_errno(err, errno, "write `%s/" FILE_NAME "`", store->root);
    return 0;
}

/* In the directory "try", which nobody else uses while the store is being made. */
static int try_new(const struct cb_store *store, const struct cb_snapshot_driver *driver,
                   struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%s/tmp/try", store->root);
    cb_autofd int tmp = openat(store->root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_autofd int fd = -1;
    int result;

    if (tmp < 0)
        return cb_error_errno(err, errno, "open `%s/tmp`", store->root);
    if (cb_fs_remove_tree(tmp, "try", err) < 0 ||
        make_directory(tmp, "try", &fd, err) < 0)
        return -1;
    result = try_in(driver, fd, path, err);
    cb_fs_remove_tree(tmp, "try", NULL);
    return result;
}

/* Asked for by the name that `cbuild info` shows, or by the part of it that says which
 * program it is. */
static int is_wanted(const struct cb_snapshot_driver *driver, const char *wanted)
{
    size_t len = strlen(wanted);

    return strncmp(driver->name, wanted, len) == 0 &&
           (!driver->name[len] || strcmp(driver->name + len, "-userxattr") == 0);
}

static int choose_wanted(struct cb_store *store, const char *wanted,
                         struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++) {
        if (!fits(drivers[i].place) || !is_wanted(drivers[i].driver, wanted))
            continue;
        store->driver = drivers[i].driver;
        if (try_new(store, store->driver, err) < 0)
            return cb_error_wrap(err, "store `%s`", store->root);
        return 0;
    }
    return cb_error_set(err, CB_ERR_USAGE, VARIABLE ": no driver `%s` here", wanted);
}

/* The first that works. If none does, the first of all: images can be fetched, looked at
 * and passed on with no trees made, and who makes one is told why that cannot be. */
static void choose_first(struct cb_store *store)
{
    for (size_t i = CB_ARRAY_SIZE(drivers); i-- > 0;) {
        if (fits(drivers[i].place))
            store->driver = drivers[i].driver;
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++) {
        cb_auto(cb_error) error = NULL;

        if (!fits(drivers[i].place))
            continue;
        if (try_new(store, drivers[i].driver, &error) == 0) {
            store->driver = drivers[i].driver;
            return;
        }
        cb_debug("%s", cb_error_message(error));
    }
}

int cb_driver_choose(struct cb_store *store, struct cb_error **err)
{
    const char *wanted = getenv(VARIABLE);

    if (!wanted || !*wanted)
        choose_first(store);
    else if (choose_wanted(store, wanted, err) < 0)
        return -1;
    return write_down(store, err);
}

static int refuse(const struct cb_store *store, const char *name, struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++) {
        if (strcmp(name, drivers[i].driver->name) != 0)
            continue;
        cb_error_set(err, CB_ERR_UNSUPPORTED, "store `%s` was made %s a user namespace",
                     store->root,
                     drivers[i].place == USER_NAMESPACE ? "in" : "outside of");
        return cb_error_hint(err, "use another one with --root");
    }
    cb_error_set(err, CB_ERR_UNSUPPORTED, "store `%s`: unknown driver `%s`", store->root,
                 name);
    return cb_error_hint(err, "it was written by another version of cbuild");
}

/* A store without that file is older than it, and root's. */
int cb_driver_recall(struct cb_store *store, struct cb_error **err)
{
    char name[64] = "overlay\n";
    cb_autofd int fd =
        openat(store->root_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t len = fd < 0 ? (ssize_t)strlen(name) : read(fd, name, sizeof(name) - 1);

    if (len < 0 || (fd < 0 && errno != ENOENT))
        return cb_error_errno(err, errno, "read `%s/" FILE_NAME "`", store->root);
    name[len] = '\0';
    name[strcspn(name, "\n")] = '\0';
    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++) {
        if (fits(drivers[i].place) && strcmp(name, drivers[i].driver->name) == 0) {
            store->driver = drivers[i].driver;
            return 0;
        }
    }
    return refuse(store, name, err);
}
