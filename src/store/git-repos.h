/* Bare repositories of what git sources name, one for a URL, so that only what is new is
 * fetched: git/<hash of the URL>. Beside it is <hash>.lock; its file `description` has
 * the URL, and by its time tells when it was last asked for. What is in it is the
 * context's affair; here it is a directory that is used by one at a time, and can be
 * removed whenever nobody does. */
#ifndef CB_STORE_GIT_REPOS_H
#define CB_STORE_GIT_REPOS_H

#include "store/cache-items.h"

struct cb_lock;

#define CB_GIT_REPOS_DIRECTORY "git"

struct cb_git_repo {
    char *path; /* below the store's root */
    int dir_fd;
    struct cb_lock *lock;
};
/* Opens the one of URL (without a password), made empty when it is not there; it is ours
 * alone until it is closed. */
int cb_git_repo_open(struct cb_git_repo *out, struct cb_store *store, const char *url,
                     struct cb_cancel *cancel, struct cb_event_sink *sink,
                     struct cb_error **err);
void cb_git_repo_close(struct cb_git_repo *repo);
CB_AUTO_VALUE_DEFINE(cb_git_repo, cb_git_repo_close)
/* Removes and closes it. */
void cb_git_repo_drop(struct cb_git_repo *repo, struct cb_store *store);
/* Makes it empty again. */
int cb_git_repo_renew(struct cb_git_repo *repo, struct cb_store *store,
                      struct cb_error **err);

/* Adds them to OUT. */
int cb_git_repos_list(struct cb_store *store, struct cb_cache_items *out,
                      struct cb_error **err);
/* Removes the one called NAME, an item's id, unless it is in use. */
int cb_git_repo_remove(struct cb_store *store, const char *name, uint64_t *freed_bytes,
                       struct cb_error **err);

#endif
