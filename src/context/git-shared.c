/* Fetching one commit into the bare repository of its URL (store/git-repos.h), and from
 * there into a work tree. A server is asked for just that commit; one that gives names
 * only is asked for the name, and the whole history is the last resort. What is there is
 * held by references of ours, so that git tells the server what not to send.
 *
 * The repository is a hint. Locks that a killed git left are removed by whoever opens it
 * next; one that git finds damaged, and one that was added to often, is made anew. */
#include "context/remote-priv.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "store/git-repos.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PACKS \
    100 /* one for a fetch; searching them takes longer the more there are */

struct shared {
    struct cb_git *git;
    struct cb_git_repo repo;
    const struct cb_git_commit *commit;
    int is_used; /* it was there before: what goes wrong may be its fault */
};

static int has(struct cb_git *git, const char *object)
{
    return cb_git_call_in(git, CB_GIT_SHARED, NULL, NULL, "cat-file", "-e", object) == 0;
}

/* With all of its files. A server may send any commit without them beside another, even
 * one of other people's repositories, and `checkout` of that is no error but an empty
 * tree, which would be taken for the commit's from then on, whatever the URL. */
static int is_whole(struct cb_git *git, const char *commit)
{
    return cb_git_call_in(git, CB_GIT_SHARED, NULL, NULL, "rev-list", "--objects",
                          "--quiet", "--no-walk", commit) == 0;
}

/* A tag is an object of its own, which a tree with .git has too. */
static int has_commit(const struct shared *shared)
{
    const struct cb_git_commit *commit = shared->commit;
    cb_autofree char *peeled = xasprintf("%s^{commit}", commit->commit);

    return has(shared->git, peeled) && is_whole(shared->git, peeled) &&
           (strcmp(commit->object, commit->commit) == 0 ||
            has(shared->git, commit->object));
}

/* ── Opening ── */

/* Of a git that was killed: nobody else runs one here now. */
static void remove_leftovers(int repo_fd, const char *directory)
{
    cb_autofd int fd =
        openat(repo_fd, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cb_auto_value(cb_strings) names = {0};

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names)
        if (cb_ends_with(*name, ".lock") || strncmp(*name, "tmp_", 4) == 0)
            cb_fs_remove_tree(fd, *name, NULL);
}

static size_t count_packs(int repo_fd)
{
    cb_autofd int fd =
        openat(repo_fd, "objects/pack", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cb_auto_value(cb_strings) names = {0};
    size_t count = 0;

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return 0;
    cb_vec_foreach (name, &names)
        count += (size_t)cb_ends_with(*name, ".pack");
    return count;
}

static int init(struct shared *shared, struct cb_error **err)
{
    static const char *const settings[][2] = {
        {"fetch.unpackLimit", "1"}, /* a pack for a fetch, however small */
        {"uploadpack.allowAnySHA1InWant", "true"},
    };
    const char *format = strlen(shared->commit->commit) == 64 ? "--object-format=sha256"
                                                              : "--object-format=sha1";

    if (cb_git_call_in(shared->git, CB_GIT_SHARED, NULL, err, "init", "--quiet", "--bare",
                       format) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(settings); i++)
        if (cb_git_call_in(shared->git, CB_GIT_SHARED, NULL, err, "config",
                           settings[i][0], settings[i][1]) < 0)
            return -1;
    return 0;
}

static int renew(struct shared *shared, struct cb_error **err)
{
    shared->git->shared_fd = -1;
    if (cb_git_repo_renew(&shared->repo, shared->git->remote->store, err) < 0)
        return -1;
    shared->git->shared_fd = shared->repo.dir_fd;
    shared->is_used = 0;
    return init(shared, err);
}

static int open_shared(struct shared *shared, struct cb_error **err)
{
    static const char *const directories[] = {".", "objects", "objects/pack", "refs/cb"};
    const struct cb_git *git = shared->git;
    struct stat st;

    if (cb_git_repo_open(&shared->repo, git->remote->store, git->ref->remote,
                         git->remote->cancel, git->remote->sink, err) < 0)
        return -1;
    shared->git->shared_fd = shared->repo.dir_fd;
    for (size_t i = 0; i < CB_ARRAY_SIZE(directories); i++)
        remove_leftovers(shared->repo.dir_fd, directories[i]);
    shared->is_used =
        fstatat(shared->repo.dir_fd, "config", &st, AT_SYMLINK_NOFOLLOW) == 0;
    return shared->is_used ? 0 : init(shared, err);
}

/* One that got nothing is not kept. */
static void shared_close(struct shared *shared)
{
    shared->git->shared_fd = -1;
    if (shared->repo.dir_fd >= 0 && !count_packs(shared->repo.dir_fd))
        cb_git_repo_drop(&shared->repo, shared->git->remote->store);
    cb_git_repo_close(&shared->repo);
}
CB_AUTO_VALUE_DEFINE(shared, shared_close)

/* ── Fetching ── */

/* What was fetched stays reachable by a name of its own. */
static char *pin(void)
{
    return xasprintf("refs/cb/%" PRIx64, (uint64_t)cb_now_ns());
}

static int fetch_object(struct shared *shared, const char *object, struct cb_error **err)
{
    cb_autofree char *name = pin();
    cb_autofree char *refspec = xasprintf("+%s:%s", object, name);

    return cb_git_call_in(shared->git, CB_GIT_SHARED, NULL, err, "fetch", "--progress",
                          "--depth=1", "--no-tags", "--no-recurse-submodules", "--",
                          shared->git->ref->remote, refspec);
}

/* What was fetched alone has no history here, and git would leave that so. */
static int fetch_history(struct shared *shared, struct cb_error **err)
{
    struct stat st;
    int is_shallow =
        fstatat(shared->repo.dir_fd, "shallow", &st, AT_SYMLINK_NOFOLLOW) == 0;

    return cb_git_call_in(shared->git, CB_GIT_SHARED, NULL, err, "fetch", "--progress",
                          "--no-tags", "--no-recurse-submodules",
                          is_shallow ? "--unshallow" : "--force", "--",
                          shared->git->ref->remote, "+refs/heads/*:refs/all/heads/*",
                          "+refs/tags/*:refs/all/tags/*");
}

/* Names of the server are not kept: they would be in the way of what it has next. */
static int fetch_all(struct shared *shared, struct cb_error **err)
{
    cb_autofree char *name = pin();
    int fd = shared->repo.dir_fd;

    if (cb_fs_remove_tree(fd, "refs/all", err) < 0 || fetch_history(shared, err) < 0)
        return -1;
    if (has_commit(shared) &&
        cb_git_call_in(shared->git, CB_GIT_SHARED, NULL, err, "update-ref", name,
                       shared->commit->object) < 0)
        return -1;
    return cb_fs_remove_tree(fd, "refs/all", err);
}

/* The first failure is the one that is told: of the server, usually. */
static int fetch(struct shared *shared, struct cb_error **err)
{
    const struct cb_git *git = shared->git;
    const struct cb_git_commit *commit = shared->commit;
    cb_auto(cb_error) first = NULL;

    if (fetch_object(shared, commit->object, &first) == 0 && has_commit(shared))
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0)
        return -1;
    if (first && cb_error_kind(first) != CB_ERR_NETWORK)
        return cb_error_move(err, &first);
    if (*commit->name && fetch_object(shared, commit->name, NULL) == 0 &&
        has_commit(shared))
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0 || fetch_all(shared, err) < 0)
        return -1;
    if (has_commit(shared))
        return 0;
    return first ? cb_error_move(err, &first)
                 : cb_error_set(err, CB_ERR_NOT_FOUND,
                                "repository `%s` does not contain commit %s",
                                git->ref->remote, commit->commit);
}

static int ensure(struct shared *shared, struct cb_error **err)
{
    if (has_commit(shared))
        return 0;
    if (shared->git->remote->offline)
        return cb_remote_refuse_offline(shared->git->ref->host, err);
    if (count_packs(shared->repo.dir_fd) >= MAX_PACKS && renew(shared, err) < 0)
        return -1;
    return fetch(shared, err);
}

/* ── Handing over ── */

/* The tree's own repository is removed in the end: until then it borrows. Both are below
 * the store's root, so the way is the same wherever that is. */
static int borrow(struct shared *shared, struct cb_error **err)
{
    cb_autofree char *way =
        xasprintf("%s../../../../../%s/objects\n", shared->git->up, shared->repo.path);
    cb_autofd int fd =
        openat(shared->git->dir_fd, ".git/objects/info/alternates",
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, way, strlen(way)) < 0)
        return cb_error_errno(err, errno, "tell git of its objects");
    return 0;
}

static int hand_over(struct shared *shared, int64_t *time, struct cb_error **err)
{
    struct cb_git *git = shared->git;
    cb_autofree char *peeled = xasprintf("%s^{commit}", shared->commit->commit);
    cb_autofree char *way = xasprintf("%s../../../%s", git->up, shared->repo.path);
    cb_auto_value(cb_strbuf) text = {0};
    char *end;

    if (git->ref->keep_git_dir > 0
            ? cb_git_call_in(git, CB_GIT_LOCAL, NULL, err, "fetch", "--quiet",
                             "--depth=1", "--no-tags", "--no-recurse-submodules", "--",
                             way, shared->commit->object) < 0
            : borrow(shared, err) < 0)
        return -1;
    if (cb_git_call(git, NULL, err, "checkout", "--quiet", "--force", "--detach",
                    peeled) < 0 ||
        cb_git_call_in(git, CB_GIT_SHARED, &text, err, "log", "--no-walk", "--format=%ct",
                       peeled) < 0)
        return -1;
    errno = 0;
    *time = strtoll(cb_strbuf_text(&text), &end, 10);
    if (errno || end == cb_strbuf_text(&text) || *time < 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the commit has no valid time");
    return 0;
}

/* ── Together ── */

static int take(struct shared *shared, int64_t *time, struct cb_error **err)
{
    return ensure(shared, err) < 0 ? -1 : hand_over(shared, time, err);
}

/* Looked at only when something went wrong, which it may for other reasons. */
static int is_sound(const struct shared *shared)
{
    if (cb_git_call_in(shared->git, CB_GIT_SHARED, NULL, NULL, "fsck",
                       "--connectivity-only", "--no-dangling", "--no-progress") < 0)
        return 0;
    return !has(shared->git, shared->commit->commit) || has_commit(shared);
}

int cb_git_take(struct cb_git *git, const struct cb_git_commit *commit, int64_t *time,
                struct cb_error **err)
{
    cb_auto_value(shared) shared = {.git = git, .commit = commit, .repo = {.dir_fd = -1}};
    cb_auto(cb_error) first = NULL;

    if (open_shared(&shared, err) < 0)
        return -1;
    if (take(&shared, time, &first) == 0)
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0)
        return -1;
    if (!shared.is_used || is_sound(&shared))
        return cb_error_move(err, &first);
    if (renew(&shared, err) < 0)
        return -1;
    return take(&shared, time, err);
}
