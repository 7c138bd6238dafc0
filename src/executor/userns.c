/* Entering, one of our own or one that others of the user's are in. The process itself
 * moves, nothing is executed again and no parent stays behind: pid, terminal, signals and
 * descriptors are what they were. Supplementary groups are kept, as they are what lets
 * the user read a project of his group; a step gives them up. */
#include "executor/userns.h"

#include "base/fs.h"
#include "base/user-namespace.h"
#include "executor/caps-priv.h"
#include "executor/userns-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MAX_SUBID_BYTES (4u << 20)
#define CAP_SYS_ADMIN   21

/* ── Which ids ── */

/* 0: this user has none, with the reason in WHY. */
static int find_ranges(const char *path, uint32_t uid, struct cb_subid_ranges *out,
                       char *why, size_t size)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;
    const struct passwd *entry = getpwuid(uid);

    if (cb_fs_read_file(AT_FDCWD, path, MAX_SUBID_BYTES, &text, &error) < 0) {
        snprintf(why, size, "%s", cb_error_message(error));
        return 0;
    }
    cb_subids_parse(cb_strbuf_text(&text), entry ? entry->pw_name : NULL, uid, out);
    if (out->count)
        return 1;
    if (entry)
        snprintf(why, size, "`%s` has no line for %s", path, entry->pw_name);
    else
        snprintf(why, size, "`%s` has no line for uid %u", path, uid);
    return 0;
}

struct helpers {
    struct cb_id_helper uid, gid;
};

/* 1: both wait to be let. */
static int start_helpers(struct helpers *helpers, struct cb_userns *userns)
{
    cb_auto_value(cb_subid_ranges) uids = {0};
    cb_auto_value(cb_subid_ranges) gids = {0};
    cb_auto(cb_error) error = NULL;

    if (!find_ranges("/etc/subuid", userns->uid, &uids, userns->why,
                     sizeof(userns->why)) ||
        !find_ranges("/etc/subgid", userns->uid, &gids, userns->why, sizeof(userns->why)))
        return 0;
    if (cb_id_helper_start(&helpers->uid, "newuidmap", userns->uid, &uids, &error) == 0) {
        if (cb_id_helper_start(&helpers->gid, "newgidmap", userns->gid, &gids, &error) ==
            0)
            return 1;
        cb_id_helper_cancel(&helpers->uid);
    }
    snprintf(userns->why, sizeof(userns->why), "%s", cb_error_message(error));
    return 0;
}

/* ── Maps ── */

static int write_file(const char *path, const char *text)
{
    cb_autofd int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 ? -1 : cb_fs_write_all(fd, text, strlen(text));
}

static int map_one(const char *path, uint32_t id, struct cb_error **err)
{
    char line[32];

    snprintf(line, sizeof(line), "0 %u 1\n", id);
    if (write_file(path, line) < 0)
        return cb_error_errno(err, errno, "write `%s`", path);
    return 0;
}

/* Whoever cannot ask for more may map himself, if he gives up changing groups. */
static int map_single(const struct cb_userns *userns, int has_uids, int has_gids,
                      struct cb_error **err)
{
    if (!has_uids && map_one("/proc/self/uid_map", userns->uid, err) < 0)
        return -1;
    if (has_gids)
        return 0;
    if (write_file("/proc/self/setgroups", "deny") < 0)
        return cb_error_errno(err, errno, "write `/proc/self/setgroups`");
    return map_one("/proc/self/gid_map", userns->gid, err);
}

static int map_ids(struct helpers *helpers, struct cb_userns *userns,
                   struct cb_error **err)
{
    char reason[200];
    int has_uids = 0, has_gids = 0;

    if (helpers) {
        has_uids = cb_id_helper_finish(&helpers->uid, reason, sizeof(reason));
        if (!has_uids)
            snprintf(userns->why, sizeof(userns->why), "newuidmap: %s", reason);
        has_gids = cb_id_helper_finish(&helpers->gid, reason, sizeof(reason));
        if (has_uids && !has_gids)
            snprintf(userns->why, sizeof(userns->why), "newgidmap: %s", reason);
    }
    if (has_uids && has_gids) {
        userns->kind = CB_USERNS_RANGE;
        return 0;
    }
    userns->kind = CB_USERNS_SINGLE;
    return map_single(userns, has_uids, has_gids, err);
}

/* ── Entering ── */

/* The setting that forbids it, of those the distributions have. UID is who we were
 * before: root of a container has been given too little. */
static int refused(uid_t uid, int errnum, struct cb_error **err)
{
    static const struct {
        const char *path, *forbids, *name;
    } settings[] = {
        {"/proc/sys/user/max_user_namespaces", "0\n", "user.max_user_namespaces is 0"},
        {"/proc/sys/kernel/unprivileged_userns_clone", "0\n",
         "kernel.unprivileged_userns_clone is 0"},
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
         "kernel.apparmor_restrict_unprivileged_userns is 1"},
    };

    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "%s a user namespace is needed, and the kernel refuses one: %s",
                 uid == 0 ? "without CAP_SYS_ADMIN" : "without root", strerror(errnum));
    for (size_t i = 0; i < CB_ARRAY_SIZE(settings); i++) {
        cb_auto_value(cb_strbuf) text = {0};

        if (cb_fs_read_file(AT_FDCWD, settings[i].path, 64, &text, NULL) == 0 &&
            strcmp(cb_strbuf_text(&text), settings[i].forbids) == 0)
            return cb_error_hint(err, "the sysctl %s", settings[i].name);
    }
    if (uid == 0)
        return cb_error_hint(err, "a container to build in is started with `--cap-add "
                                  "SYS_ADMIN --cap-add NET_ADMIN --security-opt "
                                  "seccomp=unconfined`");
    return cb_error_hint(err, "in a container, its seccomp profile has to allow unshare; "
                              "or run cbuild as root");
}

/* A namespace that a security module has taken the rights out of looks entered; it shows
 * at the first mount. */
static int own_mounts(uid_t uid, struct cb_error **err)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return refused(uid, errno, err);
    return 0;
}

int cb_userns_stays(struct cb_error **err)
{
    uint64_t caps = 0;

    if (cb_caps_held(&caps, err) < 0)
        return -1;
    return geteuid() == 0 && caps >> CAP_SYS_ADMIN & 1;
}

/* Root, of the machine or of a namespace that somebody else has made. */
static int stay(struct cb_userns *out, struct cb_error **err)
{
    if (!cb_in_user_namespace() || cb_mapped_ids() > 1)
        return 0;
    out->kind = CB_USERNS_SINGLE;
    snprintf(out->why, sizeof(out->why),
             "the user namespace cbuild was started in has no other");
    return cb_single_id_pretend(err);
}

int cb_userns_enter(struct cb_userns *out, struct cb_error **err)
{
    struct helpers helpers;
    int stays = cb_userns_stays(err), helped;

    *out = (struct cb_userns){.uid = geteuid(), .gid = getegid()};
    if (stays)
        return stays < 0 ? -1 : stay(out, err);
    helped = start_helpers(&helpers, out);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
        int errnum = errno;

        if (helped) {
            cb_id_helper_cancel(&helpers.gid);
            cb_id_helper_cancel(&helpers.uid);
        }
        return refused(out->uid, errnum, err);
    }
    if (map_ids(helped ? &helpers : NULL, out, err) < 0)
        return cb_error_wrap(err, "map the ids of the user namespace");
    if (own_mounts(out->uid, err) < 0)
        return -1;
    return out->kind == CB_USERNS_SINGLE ? cb_single_id_pretend(err) : 0;
}

int cb_userns_join(struct cb_userns *out, int namespace, struct cb_error **err)
{
    *out = (struct cb_userns){.uid = geteuid(), .gid = getegid()};
    if (setns(namespace, CLONE_NEWUSER) < 0)
        return 0;
    if (unshare(CLONE_NEWNS) < 0)
        return refused(out->uid, errno, err);
    if (own_mounts(out->uid, err) < 0)
        return -1;
    out->kind = cb_mapped_ids() > 1 ? CB_USERNS_RANGE : CB_USERNS_SINGLE;
    if (out->kind == CB_USERNS_RANGE)
        return 1;
    snprintf(out->why, sizeof(out->why),
             "the user namespace of the containers that run has no other");
    return cb_single_id_pretend(err) < 0 ? -1 : 1;
}
