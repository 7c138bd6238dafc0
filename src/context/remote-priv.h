/* Between the files that fetch. */
#ifndef CB_CONTEXT_REMOTE_PRIV_H
#define CB_CONTEXT_REMOTE_PRIV_H

#include "context/remote.h"

/* ── remote-auth.c: credentials come from the build's secrets ── */

/* Wipes it first. */
void cb_secret_free(char *secret);
static inline void cb_secret_cleanup_(char **secret)
{
    cb_secret_free(*secret);
}
#define cb_auto_secret __attribute__((cleanup(cb_secret_cleanup_)))

/* Value of Authorization for URL's host, or NULL: secret HTTP_AUTH_TOKEN_<host> or
 * HTTP_AUTH_HEADER_<host>, else USERINFO (or NULL) of the URL itself. */
int cb_url_authorization(const struct cb_remote *remote, const char *url,
                         const char *userinfo, char **out, struct cb_error **err);
/* The same for git: GIT_AUTH_HEADER.<host>, GIT_AUTH_TOKEN.<host>, and both without a
 * host. */
int cb_git_authorization(const struct cb_remote *remote, const struct cb_git_ref *ref,
                         char **out, struct cb_error **err);

/* ── url-memory.c: what a server said about a URL when it last sent its body ── */
struct cb_url_memory {
    struct cb_digest digest; /* of the body; not set: nothing is known */
    int64_t mtime_s;         /* or -1 */
    char *etag;              /* or NULL */
    char *modified; /* Last-Modified where it tells one version from the next; or NULL */
};
void cb_url_memory_clear(struct cb_url_memory *memory);
CB_AUTO_VALUE_DEFINE(cb_url_memory, cb_url_memory_clear)
/* URL is without userinfo. Never fails: what is damaged is not known. */
void cb_url_recall(struct cb_store *store, const char *url, struct cb_url_memory *out);
void cb_url_remember(struct cb_store *store, const char *url,
                     const struct cb_url_memory *memory);
/* An HTTP date in any of its three forms; -1 if it is none. */
int64_t cb_http_date(const char *text);

/* ── git-run.c: the git program, with nothing of the user's configuration ── */
enum cb_git_place {
    CB_GIT_TREE,   /* runs in the work tree */
    CB_GIT_LOCAL,  /* the same, and may fetch from a directory */
    CB_GIT_SHARED, /* runs in the bare repository that the store keeps */
};
struct cb_git {
    const struct cb_remote *remote;
    const struct cb_git_ref *ref;
    struct cb_scratch *scratch;
    int dir_fd;     /* an empty directory, where git runs */
    const char *up; /* from there to that of the tree itself: "../" of a submodule */
    int shared_fd;  /* the bare repository while it is open, or -1; borrowed */
    const struct cb_git_ref *named; /* whom the authorization is for */
    char *authorization;            /* or NULL; secret */
};
int cb_git_open(struct cb_git *git, const struct cb_remote *remote,
                const struct cb_git_ref *ref, struct cb_error **err);
void cb_git_close(struct cb_git *git);
CB_AUTO_VALUE_DEFINE(cb_git, cb_git_close)
/* Runs `git ARGV…`, again when the failure is a passing one. OUT (or NULL) gets what it
 * prints. NETWORK with its complaint when it fails; NOT_FOUND when there is no git. */
int cb_git_run(struct cb_git *git, enum cb_git_place place, const char *const *argv,
               struct cb_strbuf *out, struct cb_error **err);
#define cb_git_call_in(git, place, out, err, ...) \
    cb_git_run(git, place, (const char *const[]){"git", __VA_ARGS__, NULL}, out, err)
#define cb_git_call(git, out, err, ...) \
    cb_git_call_in(git, CB_GIT_TREE, out, err, __VA_ARGS__)

/* ── git-passing.c ── */
int cb_git_is_passing(const char *complaints);

/* ── git-shared.c: the store's bare repository of a URL ── */
/* Puts the commit's files into GIT's directory, an initialised repository, having fetched
 * the commit unless the bare repository has it; offline: NOT_FOUND unless it has.
 * *COMMIT_TIME is the committer's. */
int cb_git_take(struct cb_git *git, const struct cb_git_commit *commit,
                int64_t *commit_time, struct cb_error **err);

/* ── git-submodules.c ── */
/* Fills the directories of the submodules of GIT's tree, unless they are not wanted. */
int cb_git_submodules(struct cb_git *git, struct cb_error **err);

/* ── git-checkout.c ── */
/* Makes GIT's directory a repository. */
int cb_git_init(struct cb_git *git, const struct cb_git_commit *commit,
                struct cb_error **err);
/* Fetches the commit and puts its files into GIT's directory, .git included. *COMMIT_TIME
 * is the committer's. */
int cb_git_checkout(struct cb_git *git, const struct cb_git_commit *commit,
                    int64_t *commit_time, struct cb_error **err);

/* ── git-tree.c ── */
/* Opens PATH below TREE_FD. NOT_FOUND unless it is directories all the way, no links. */
int cb_git_open_subdir(int tree_fd, const char *path, int *out, struct cb_error **err);

/* ── git-clean.c ── */
struct cb_git_clean {
    int keep_git_dir;
    int64_t mtime_s; /* for all files; -1: as they are */
};
/* Makes what is below DIR_FD look the same on every machine: modes 0644 and 0755, no .git
 * unless kept. */
int cb_git_clean(int dir_fd, const struct cb_git_clean *clean, struct cb_error **err);

#endif
