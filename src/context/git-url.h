/* Names of git repositories as ADD, `build` and --build-context take them, told from
 * paths and plain URLs by their text alone:
 *
 *     https://host/x.git   git://host/x   ssh://git@host/x   git@host:x
 *     github.com/owner/x   (contexts only: elsewhere it is a path)
 *
 * each with #REF:SUBDIR, or a query of the same and more. Nothing that could be taken for
 * an option of git is let through. */
#ifndef CB_CONTEXT_GIT_URL_H
#define CB_CONTEXT_GIT_URL_H

#include "base/error.h"
#include "base/redact.h"

struct cb_git_ref {
    char *remote;     /* for git, without userinfo that holds a password */
    char *userinfo;   /* of an http(s) URL, decoded, "user:password"; or NULL. Secret */
    char *scheme;     /* http, https, ssh, git */
    char *host;       /* with the port that is written, lower case */
    char *ref;        /* "" is the default branch; else a commit, branch or tag */
    char *subdir;     /* clean, relative; "" is the whole */
    char *checksum;   /* beginning of a commit; or NULL */
    int keep_git_dir; /* -1 not given, 0, 1 */
    int submodules;   /* -1 not given, 0, 1 */
    int commit_times; /* files get the commit's time */
    int fetch_by_commit;
    int is_bare; /* github.com/…: might be a path */
};
void cb_git_ref_clear(struct cb_git_ref *ref);
CB_AUTO_VALUE_DEFINE(cb_git_ref, cb_git_ref_clear)

/* 1: TEXT names a repository; 0: it is something else; -1: it does, and wrongly (USAGE).
 */
int cb_git_ref_parse(struct cb_git_ref *out, const char *text, struct cb_error **err);
/* How a repository is told of: where, NAME of the branch, tag or commit ("" is none) and
 * directory. Caller frees. */
char *cb_git_ref_shown(const struct cb_git_ref *ref, const char *name);
/* A full commit: 40 or 64 lower-case hexadecimal digits. */
int cb_git_is_commit(const char *text);
/* A commit or the beginning of one. USAGE. */
int cb_git_checksum_check(const char *text, struct cb_error **err);

#endif
