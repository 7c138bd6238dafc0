/* Fetching one commit and its submodules into an empty directory. A server is asked for
 * just that commit; one that gives names only is asked for the name, and the whole
 * history is the last resort. Whatever was asked for, the commit that was resolved is
 * what is checked out. */
#include "context/remote-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int has_commit(struct cb_git *git, const struct cb_git_commit *commit)
{
    cb_autofree char *name = xasprintf("%s^{commit}", commit->commit);

    return cb_git_call(git, NULL, NULL, "cat-file", "-e", name) == 0;
}

static int fetch_object(struct cb_git *git, const char *object, struct cb_error **err)
{
    return cb_git_call(git, NULL, err, "fetch", "--progress", "--depth=1", "--no-tags",
                       "--no-recurse-submodules", "--", "origin", object);
}

static int fetch_all(struct cb_git *git, struct cb_error **err)
{
    return cb_git_call(git, NULL, err, "fetch", "--progress", "--no-tags",
                       "--no-recurse-submodules", "--", "origin",
                       "+refs/heads/*:refs/cb/heads/*", "+refs/tags/*:refs/cb/tags/*");
}

/* The first failure is the one that is told: of the server, usually. */
static int fetch(struct cb_git *git, const struct cb_git_commit *commit,
                 struct cb_error **err)
{
    cb_auto(cb_error) first = NULL;

    if (fetch_object(git, commit->object, &first) == 0 && has_commit(git, commit))
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0)
        return -1;
    if (first && cb_error_kind(first) != CB_ERR_NETWORK)
        return cb_error_move(err, &first);
    if (*commit->name && fetch_object(git, commit->name, NULL) == 0 &&
        has_commit(git, commit))
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0)
        return -1;
    if (fetch_all(git, err) < 0)
        return -1;
    if (has_commit(git, commit))
        return 0;
    return first ? cb_error_move(err, &first)
                 : cb_error_set(err, CB_ERR_NOT_FOUND,
                                "repository `%s` does not contain commit %s",
                                git->ref->remote, commit->commit);
}

static int init(struct cb_git *git, const struct cb_git_commit *commit,
                struct cb_error **err)
{
    const char *format =
        strlen(commit->commit) == 64 ? "--object-format=sha256" : "--object-format=sha1";

    if (cb_git_call(git, NULL, err, "init", "--quiet", format) < 0)
        return -1;
    return cb_git_call(git, NULL, err, "config", "remote.origin.url", git->ref->remote);
}

/* Undoes what was begun, for another way of fetching to start afresh. */
static int forget_submodules(struct cb_git *git, struct cb_error **err)
{
    if (cb_git_call(git, NULL, err, "submodule", "--quiet", "deinit", "--force",
                    "--all") < 0)
        return -1;
    return cb_fs_remove_tree(git->dir_fd, ".git/modules", err);
}

/* Only the commits that are named, or, from a server that does not give single commits,
 * everything. The first failure is the one that is told. */
static int update_submodules(struct cb_git *git, struct cb_error **err)
{
    cb_auto(cb_error) first = NULL;
    struct stat st;

    if (git->ref->submodules == 0 ||
        fstatat(git->dir_fd, ".gitmodules", &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (cb_git_call(git, NULL, &first, "submodule", "update", "--progress", "--init",
                    "--recursive", "--depth=1") == 0)
        return 0;
    if (cb_cancel_check(git->remote->cancel, err) < 0)
        return -1;
    if (cb_error_kind(first) == CB_ERR_NETWORK && forget_submodules(git, NULL) == 0 &&
        cb_git_call(git, NULL, NULL, "submodule", "update", "--progress", "--init",
                    "--recursive") == 0)
        return 0;
    return cb_cancel_check(git->remote->cancel, err) < 0 ? -1
                                                         : cb_error_move(err, &first);
}

static int commit_time(struct cb_git *git, int64_t *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    char *end;

    if (cb_git_call(git, &text, err, "log", "-1", "--format=%ct", "HEAD") < 0)
        return -1;
    errno = 0;
    *out = strtoll(cb_strbuf_text(&text), &end, 10);
    if (errno || end == cb_strbuf_text(&text) || *out < 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the commit has no valid time");
    return 0;
}

/* What `git clone` would leave, minus what differs each time: the name that was asked
 * for, and an index without times and inodes. */
static int tidy(struct cb_git *git, const struct cb_git_commit *commit,
                struct cb_error **err)
{
    static const char *const leftovers[] = {".git/FETCH_HEAD", ".git/ORIG_HEAD"};

    if (*commit->name && strncmp(commit->name, "refs/", 5) == 0 &&
        cb_git_call(git, NULL, err, "update-ref", "--no-deref", "--", commit->name,
                    commit->object) < 0)
        return -1;
    if (cb_git_call(git, NULL, err, "read-tree", "HEAD") < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(leftovers); i++) {
        if (unlinkat(git->dir_fd, leftovers[i], 0) < 0 && errno != ENOENT)
            return cb_error_errno(err, errno, "remove `%s`", leftovers[i]);
    }
    return 0;
}

int cb_git_checkout(struct cb_git *git, const struct cb_git_commit *commit, int64_t *time,
                    struct cb_error **err)
{
    cb_autofree char *peeled = xasprintf("%s^{commit}", commit->commit);

    if (init(git, commit, err) < 0 || fetch(git, commit, err) < 0 ||
        cb_git_call(git, NULL, err, "checkout", "--quiet", "--force", "--detach",
                    peeled) < 0 ||
        update_submodules(git, err) < 0 || commit_time(git, time, err) < 0)
        return -1;
    return git->ref->keep_git_dir > 0 ? tidy(git, commit, err) : 0;
}
