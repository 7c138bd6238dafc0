/* A commit's files as a snapshot. Its record in the store is found by what decides the
 * files (cb_git_tree_key), so whoever asks next, for an ADD or for a context, does not
 * fetch again. */
#include "context/remote-priv.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "store/layer.h"
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COMMIT_TIME "commit-time" /* the snapshot's fact */

static struct cb_digest record_key(const char *text)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_field(hasher, "git-tree-1");
    cb_hasher_field(hasher, text);
    return cb_hasher_finish(hasher);
}

/* 1 found. */
static int find(struct cb_store *store, const struct cb_digest *key,
                struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto_value(cb_record) record = {0};
    int found = cb_record_find(store, key, &record, err);

    return found > 0 ? cb_snapshot_get(store, record.snapshot_id, out, err) : found;
}

int64_t cb_git_tree_time(struct cb_snapshot *tree)
{
    cb_autofree char *text = cb_snapshot_fact(tree, COMMIT_TIME);

    return text ? strtoll(text, NULL, 10) : -1;
}

static int remember(struct cb_store *store, const struct cb_digest *key,
                    struct cb_snapshot *snapshot, int64_t time, struct cb_error **err)
{
    cb_autofree char *seconds = xasprintf("%" PRId64, time);
    struct cb_record record = {
        .identity = *key,
        .snapshot_id = (char *)cb_snapshot_id(snapshot),
        .name = (char *)"",
        .parts_json = (char *)"[]",
    };

    if (cb_snapshot_set_fact(snapshot, COMMIT_TIME, seconds, err) < 0)
        return -1;
    return cb_record_put(store, key, 1, &record, err);
}

/* ── The subdirectory ── */

/* Every part must be a directory itself: a link could lead anywhere. */
int cb_git_open_subdir(int tree_fd, const char *path, int *out, struct cb_error **err)
{
    cb_autofd int dir = fcntl(tree_fd, F_DUPFD_CLOEXEC, 0);
    const char *at = path;

    while (*at) {
        cb_autofree char *name = xstrndup(at, strcspn(at, "/"));
        cb_autofd int next =
            openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (next < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
            return cb_error_set(err, CB_ERR_NOT_FOUND,
                                "subdir `%s`: `%s` is not a directory of the repository",
                                path, name);
        if (next < 0)
            return cb_error_errno(err, errno, "subdir `%s`", path);
        cb_close(&dir);
        dir = cb_steal_fd(&next);
        at += strlen(name);
        at += strspn(at, "/");
    }
    if (dir < 0)
        return cb_error_errno(err, errno, "subdir `%s`", path);
    *out = cb_steal_fd(&dir);
    return 0;
}

static int move_all(int from_fd, int to_fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(from_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (renameat(from_fd, *name, to_fd, *name) < 0)
            return cb_error_errno(err, errno, "move `%s`", *name);
    }
    return 0;
}

/* ── Making it ── */

static int fill(int upper_fd, struct cb_git *git, const struct cb_git_commit *commit,
                int64_t *time, struct cb_error **err)
{
    const struct cb_git_ref *ref = git->ref;
    struct cb_git_clean clean = {.keep_git_dir = ref->keep_git_dir > 0 && !*ref->subdir,
                                 .mtime_s = -1};
    cb_autofd int subdir = -1;

    if (cb_git_checkout(git, commit, time, err) < 0)
        return -1;
    if (ref->commit_times)
        clean.mtime_s = *time;
    if (cb_git_open_subdir(git->dir_fd, ref->subdir, &subdir, err) < 0 ||
        cb_git_clean(subdir, &clean, err) < 0 || move_all(subdir, upper_fd, err) < 0)
        return -1;
    if (fchmod(upper_fd, 0755) < 0)
        return cb_error_errno(err, errno, "change the mode of a directory");
    if (clean.mtime_s >= 0) {
        struct timespec times[2] = {{.tv_sec = *time}, {.tv_sec = *time}};

        if (futimens(upper_fd, times) < 0)
            return cb_error_errno(err, errno, "set the time of a directory");
    }
    return 0;
}

static int make(const struct cb_remote *remote, const struct cb_git_ref *ref,
                const struct cb_git_commit *commit, const struct cb_digest *key,
                struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto_value(cb_git) git = {.dir_fd = -1};
    cb_autofd int upper = -1;
    char identity[CB_DIGEST_MAX_TEXT];
    int64_t time;

    if (cb_git_open(&git, remote, ref, err) < 0 ||
        cb_snapshot_prepare(remote->store, NULL, &snapshot, err) < 0 ||
        cb_snapshot_open_upper(snapshot, &upper, err) < 0 ||
        fill(upper, &git, commit, &time, err) < 0)
        return -1;
    cb_close(&upper);
    if (cb_layer_commit(snapshot, NULL, cb_digest_text(key, identity), err) < 0 ||
        remember(remote->store, key, snapshot, time, err) < 0)
        return -1;
    *out = cb_steal(&snapshot);
    return 0;
}

static void tell_wait(void *arg, pid_t holder)
{
    cb_event_say(arg, CB_EVENT_NOTICE, 0,
                 "waiting for process %d, which fetches the same commit", (int)holder);
}

int cb_git_tree(const struct cb_remote *remote, const struct cb_git_ref *ref,
                const struct cb_git_commit *commit, struct cb_snapshot **out,
                struct cb_error **err)
{
    cb_autofree char *text = cb_git_tree_key(ref, commit);
    struct cb_digest key = record_key(text);
    struct cb_lock *lock = NULL;
    int found = find(remote->store, &key, out, err);

    if (found != 0)
        return found < 0 ? -1 : 0;
    if (cb_record_lock(remote->store, &key,
                       &(struct cb_lock_wait){remote->cancel, tell_wait, remote->sink},
                       &lock, err) < 0)
        return -1;
    found = find(remote->store, &key, out, err);
    if (found == 0 && make(remote, ref, commit, &key, out, err) < 0)
        found = -1;
    cb_lock_release_unlink(lock);
    return found < 0 ? -1 : 0;
}
