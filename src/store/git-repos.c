/* A repository is a hint: it is not synced, and what is damaged is made anew. It is
 * removed by moving it to tmp/ while its lock is held, as cache mounts are. */
#include "store/git-repos.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/lockfile.h"
#include "base/text.h"
#include "store/snapshot-priv.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SUFFIX   ".lock"
#define ABOUT         "description"
#define ABOUT_MAX     (64u << 10)
#define OPEN_AS_A_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int open_all(struct cb_store *store, int *fd, struct cb_error **err)
{
    if (mkdirat(store->root_fd, CB_GIT_REPOS_DIRECTORY, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s/" CB_GIT_REPOS_DIRECTORY "`",
                              store->root);
    *fd = openat(store->root_fd, CB_GIT_REPOS_DIRECTORY, OPEN_AS_A_DIR);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s/" CB_GIT_REPOS_DIRECTORY "`",
                              store->root);
    return 0;
}

/* ── Using one ── */

static void tell_wait(void *arg, pid_t holder)
{
    cb_event_say(arg, CB_EVENT_NOTICE, 0,
                 "waiting for process %d, which fetches from the same repository",
                 (int)holder);
}

static int open_directory(struct cb_git_repo *repo, struct cb_store *store,
                          struct cb_error **err)
{
    if (mkdirat(store->root_fd, repo->path, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s/%s`", store->root, repo->path);
    repo->dir_fd = openat(store->root_fd, repo->path, OPEN_AS_A_DIR);
    if (repo->dir_fd < 0)
        return cb_error_errno(err, errno, "open `%s/%s`", store->root, repo->path);
    return 0;
}

/* Says what it is, and that it is being used. */
static int note(int dir_fd, const char *url, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (utimensat(dir_fd, ABOUT, NULL, 0) == 0)
        return 0;
    fd = openat(dir_fd, ABOUT, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0 || cb_fs_write_all(fd, url, strlen(url)) < 0)
        return cb_error_errno(err, errno, "write `" ABOUT "` of a repository");
    return 0;
}

int cb_git_repo_open(struct cb_git_repo *out, struct cb_store *store, const char *url,
                     struct cb_cancel *cancel, struct cb_event_sink *sink,
                     struct cb_error **err)
{
    cb_auto_value(cb_git_repo) repo = {.dir_fd = -1};
    struct cb_digest digest = cb_digest_of(url, strlen(url));
    cb_autofree char *lock = NULL;
    cb_autofd int all = -1;
    char name[CB_DIGEST_MAX_TEXT];

    cb_digest_hex(&digest, name);
    lock = xasprintf("%s" LOCK_SUFFIX, name);
    repo.path = xasprintf(CB_GIT_REPOS_DIRECTORY "/%s", name);
    if (cb_store_check_writable(store, err) < 0 || cb_store_lease_now(store, err) < 0 ||
        open_all(store, &all, err) < 0 ||
        cb_lock_take(&repo.lock, all, lock, CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){cancel, tell_wait, sink}, err) < 0 ||
        open_directory(&repo, store, err) < 0 || note(repo.dir_fd, url, err) < 0)
        return -1;
    *out = repo;
    repo = (struct cb_git_repo){.dir_fd = -1};
    return 0;
}

void cb_git_repo_close(struct cb_git_repo *repo)
{
    cb_close(&repo->dir_fd);
    cb_lock_release(repo->lock);
    free(repo->path);
    *repo = (struct cb_git_repo){.dir_fd = -1};
}

static int discard(struct cb_store *store, const char *path, uint64_t *freed,
                   struct cb_error **err)
{
    cb_autofree char *aside = NULL;

    if (cb_store_begin_temporary(store, &aside, err) < 0)
        return -1;
    if (renameat(store->root_fd, path, store->tmp_fd, aside) < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "remove `%s`", path);
    *freed += cb_tree_bytes(store->tmp_fd, aside);
    return cb_fs_remove_tree(store->tmp_fd, aside, err);
}

void cb_git_repo_drop(struct cb_git_repo *repo, struct cb_store *store)
{
    uint64_t freed = 0;

    if (discard(store, repo->path, &freed, NULL) == 0)
        cb_lock_release_unlink(cb_steal(&repo->lock));
    cb_git_repo_close(repo);
}

int cb_git_repo_renew(struct cb_git_repo *repo, struct cb_store *store,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) about = {0};
    uint64_t freed = 0;

    if (cb_fs_read_file(repo->dir_fd, ABOUT, ABOUT_MAX, &about, err) < 0 ||
        discard(store, repo->path, &freed, err) < 0)
        return -1;
    cb_close(&repo->dir_fd);
    if (open_directory(repo, store, err) < 0)
        return -1;
    return note(repo->dir_fd, cb_strbuf_text(&about), err);
}

/* ── Looking after them ── */

static void add(int all, const char *name, struct cb_cache_items *out)
{
    cb_autofree char *about = xasprintf("%s/" ABOUT, name);
    cb_autofree char *lock = xasprintf("%s" LOCK_SUFFIX, name);
    cb_auto_value(cb_strbuf) url = {0};
    struct cb_cache_item item = {.type = CB_ITEM_GIT};
    struct stat st;

    if (fstatat(all, about, &st, AT_SYMLINK_NOFOLLOW) == 0)
        item.used_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    cb_fs_read_file(all, about, ABOUT_MAX, &url, NULL);
    item.id = xstrdup(name);
    item.parent = xstrdup("");
    item.description = xasprintf("shared git repo for %s", cb_strbuf_text(&url));
    item.created_ns = item.used_ns;
    item.bytes = cb_tree_bytes(all, name);
    item.in_use = cb_lock_is_held(all, lock);
    cb_vec_push(out, item);
}

int cb_git_repos_list(struct cb_store *store, struct cb_cache_items *out,
                      struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int all = openat(store->root_fd, CB_GIT_REPOS_DIRECTORY, OPEN_AS_A_DIR);

    if (all < 0)
        return errno == ENOENT
                   ? 0
                   : cb_error_errno(err, errno, "open `%s/" CB_GIT_REPOS_DIRECTORY "`",
                                    store->root);
    if (cb_fs_list(all, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names)
        if (!cb_ends_with(*name, LOCK_SUFFIX))
            add(all, *name, out);
    return 0;
}

int cb_git_repo_remove(struct cb_store *store, const char *name, uint64_t *freed_bytes,
                       struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s" LOCK_SUFFIX, name);
    cb_autofree char *path = xasprintf(CB_GIT_REPOS_DIRECTORY "/%s", name);
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int all = -1;
    int taken;

    if (cb_store_check_writable(store, err) < 0 || open_all(store, &all, err) < 0)
        return -1;
    taken = cb_lock_try(&lock, all, file, CB_LOCK_EXCLUSIVE, err);
    if (taken <= 0)
        return taken;
    if (discard(store, path, freed_bytes, err) < 0)
        return -1;
    cb_lock_release_unlink(cb_steal(&lock));
    return 0;
}
