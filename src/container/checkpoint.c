/* The commands' side of checkpoints: their directories. */
#include "container/checkpoint.h"

#include "base/fs.h"
#include "base/user-namespace.h"
#include "container/checkpoint-priv.h"
#include "container/client.h"
#include "container/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_DIR "checkpoints"

/* ── What can be saved ── */

static int is_another(const char *space)
{
    return space && (strcmp(space, "host") == 0 || strncmp(space, "container:", 10) == 0);
}

static int refuse(const char *why, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_UNSUPPORTED, "%s", why);
}

int cb_checkpoint_check(const struct cb_container *container, struct cb_error **err)
{
    const struct cb_run_request *request = &container->options.request;

    if (cb_in_user_namespace()) {
        refuse("checkpoints need root: criu saves and restores nothing without", err);
        return cb_error_hint(err, "`cbuild pause` stops a container for a while");
    }
    if (request->tty)
        return refuse("checkpoint not support on containers with tty", err);
    if (request->init == 1)
        return refuse("a container with --init cannot be checkpointed", err);
    if (is_another(request->pid) || is_another(request->ipc))
        return refuse("a container that shares --pid or --ipc with others cannot be "
                      "checkpointed",
                      err);
    if (container->in_foreground)
        return refuse("a container that goes with its command's end cannot be "
                      "checkpointed",
                      err);
    return 0;
}

static int check_name(const char *name, struct cb_error **err)
{
    if (cb_container_check_name(name, NULL) == 0)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "Invalid checkpoint ID (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                        "allowed",
                        name);
}

/* ── Places ── */

static int make_place(const struct cb_checkpoint_place *place, struct cb_error **err)
{
    if (place->dir)
        return cb_fs_mkdirs(place->dir, 0700, err);
    if (mkdirat(place->container->dir_fd, OWN_DIR, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "make a directory for checkpoints");
    return 0;
}

/* -1 with errno. */
static int open_place(const struct cb_checkpoint_place *place)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    return place->dir ? open(place->dir, flags)
                      : openat(place->container->dir_fd, OWN_DIR, flags | O_NOFOLLOW);
}

static int has_file(int dir_fd, const char *name)
{
    struct stat st;

    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* 1: NAME is a directory of ours, opened; 0: there is none; USAGE: it is something else.
 */
static int open_named(int place_fd, const char *name, int *fd, struct cb_error **err)
{
    *fd = openat(place_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT)
        return 0;
    if (*fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return cb_error_set(err, CB_ERR_USAGE, "%s exists and is not a directory", name);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open the checkpoint `%s`", name);
    if (has_file(*fd, CB_CHECKPOINT_CONFIG) || has_file(*fd, CB_CHECKPOINT_LOCK))
        return 1;
    cb_close(fd);
    return cb_error_set(err, CB_ERR_USAGE, "%s exists and is not a checkpoint", name);
}

int cb_checkpoints_list(const struct cb_checkpoint_place *place, struct cb_strings *out,
                        struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = open_place(place);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", place->dir ? place->dir : OWN_DIR);
    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofd int one =
            openat(fd, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (one >= 0 && has_file(one, CB_CHECKPOINT_CONFIG))
            cb_strings_add(out, *name);
    }
    return 0;
}

static int not_there(const struct cb_checkpoint_place *place, const char *name,
                     struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "checkpoint %s does not exist for container %s", name,
                        place->called);
}

/* ── Making ── */

static int is_taken(const struct cb_checkpoint_place *place, const char *name,
                    struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_EXISTS,
                        "cannot checkpoint container %s: checkpoint with name %s already "
                        "exists for container %s",
                        place->called, name, place->called);
}

/* What nobody is at and was not finished is nothing. */
static int clear_unfinished(int place_fd, const char *name, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int fd = -1;
    int found = open_named(place_fd, name, &fd, err);

    if (found <= 0)
        return found;
    if (has_file(fd, CB_CHECKPOINT_CONFIG))
        return 1;
    if (cb_lock_try(&lock, fd, CB_CHECKPOINT_LOCK, CB_LOCK_EXCLUSIVE, err) <= 0)
        return err && *err ? -1 : 1;
    return cb_fs_remove_tree(place_fd, name, err);
}

static int make_named(const struct cb_checkpoint_place *place, int place_fd,
                      const char *name, int *fd, struct cb_lock **lock,
                      struct cb_error **err)
{
    int taken = clear_unfinished(place_fd, name, err);

    if (taken < 0)
        return -1;
    if (taken || (mkdirat(place_fd, name, 0700) < 0 && errno == EEXIST))
        return is_taken(place, name, err);
    *fd = openat(place_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "make the checkpoint `%s`", name);
    return cb_lock_take(lock, *fd, CB_CHECKPOINT_LOCK, CB_LOCK_SHARED, NULL, err);
}

static int check_running(const struct cb_checkpoint_place *place, struct cb_error **err)
{
    switch (place->container->state.status) {
    case CB_CONTAINER_RUNNING:
        return 0;
    case CB_CONTAINER_PAUSED:
        return cb_error_set(err, CB_ERR_EXISTS,
                            "Container %s is paused: unpause it before it is "
                            "checkpointed",
                            place->called);
    default:
        return cb_error_set(err, CB_ERR_EXISTS, "Container %s not running",
                            place->called);
    }
}

static int check(const struct cb_checkpoint_place *place, const char *name,
                 struct cb_error **err)
{
    return check_running(place, err) < 0 ||
                   cb_checkpoint_check(place->container, err) < 0 ||
                   check_name(name, err) < 0
               ? -1
               : 0;
}

int cb_checkpoint_create(const struct cb_checkpoint_place *place, const char *name,
                         int leave_running, struct cb_cancel *cancel,
                         struct cb_error **err)
{
    struct cb_saving_wish wish = {.name = name, .leave_running = leave_running};
    cb_autofree char *criu = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int place_fd = -1, fd = -1;

    if (check(place, name, err) < 0 || cb_checkpoint_find_criu(&criu, err) < 0 ||
        make_place(place, err) < 0)
        return -1;
    place_fd = open_place(place);
    if (place_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", place->dir ? place->dir : OWN_DIR);
    if (make_named(place, place_fd, name, &fd, &lock, err) < 0)
        return -1;
    wish.criu = criu;
    wish.images_fd = fd;
    if (cb_container_save(place->container, &wish, cancel, err) == 0)
        return 0;
    cb_lock_release(cb_steal(&lock));
    clear_unfinished(place_fd, name, NULL);
    return cb_error_wrap(err, "Cannot checkpoint container %s", place->called);
}

int cb_checkpoint_remove(const struct cb_checkpoint_place *place, const char *name,
                         struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int place_fd = -1, fd = -1;
    int found;

    if (check_name(name, err) < 0)
        return -1;
    place_fd = open_place(place);
    if (place_fd < 0)
        return not_there(place, name, err);
    found = open_named(place_fd, name, &fd, err);
    if (found <= 0)
        return found < 0 ? -1 : not_there(place, name, err);
    found = cb_lock_try(&lock, fd, CB_CHECKPOINT_LOCK, CB_LOCK_EXCLUSIVE, err);
    if (found == 0)
        return cb_error_set(err, CB_ERR_EXISTS, "checkpoint %s is in use", name);
    return found < 0 ? -1 : cb_fs_remove_tree(place_fd, name, err);
}

/* ── Using ── */

/* Who can write to it could have criu, which is root, do anything. */
static int check_owner(int fd, const char *name, struct cb_error **err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "look at the checkpoint `%s`", name);
    if (st.st_uid == geteuid() && !(st.st_mode & 022))
        return 0;
    return cb_error_set(err, CB_ERR_DENIED,
                        "checkpoint %s: others may write to its directory", name);
}

int cb_checkpoint_open(const struct cb_checkpoint_place *place, const char *name, int *fd,
                       struct cb_error **err)
{
    cb_autofd int place_fd = -1, opened = -1;
    int found;

    if (check_name(name, err) < 0)
        return -1;
    place_fd = open_place(place);
    if (place_fd < 0)
        return not_there(place, name, err);
    found = open_named(place_fd, name, &opened, err);
    if (found < 0)
        return -1;
    if (!found || !has_file(opened, CB_CHECKPOINT_CONFIG))
        return not_there(place, name, err);
    if (check_owner(opened, name, err) < 0)
        return -1;
    *fd = cb_steal_fd(&opened);
    return 0;
}
