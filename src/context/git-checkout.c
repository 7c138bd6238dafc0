/* The files of one commit and its submodules in an empty directory. The commit comes by
 * way of the repository that the store keeps (git-shared.c); whatever the server was
 * asked for, the commit that was resolved is what is checked out. */
#include "context/remote-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cb_git_init(struct cb_git *git, const struct cb_git_commit *commit,
                struct cb_error **err)
{
    const char *format =
        strlen(commit->commit) == 64 ? "--object-format=sha256" : "--object-format=sha1";

    if (cb_git_call(git, NULL, err, "init", "--quiet", format) < 0)
        return -1;
    return cb_git_call(git, NULL, err, "config", "remote.origin.url", git->ref->remote);
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
    if (cb_git_init(git, commit, err) < 0 || cb_git_take(git, commit, time, err) < 0 ||
        cb_git_submodules(git, err) < 0)
        return -1;
    return git->ref->keep_git_dir > 0 ? tidy(git, commit, err) : 0;
}
