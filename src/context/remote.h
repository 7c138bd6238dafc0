/* Files from elsewhere: what http(s) URLs and git repositories deliver, for ADD and for
 * build contexts. What was fetched is kept in the store by its content, together with
 * what a server said to recognise it by, so that an unchanged URL costs one request
 * without a body, and an unchanged branch one question for its commit. */
#ifndef CB_CONTEXT_REMOTE_H
#define CB_CONTEXT_REMOTE_H

#include "base/digest.h"
#include "context/context.h"
#include "context/git-url.h"
#include "context/pins.h"
#include "store/snapshot.h"

struct cb_http;

/* What fetching needs; all borrowed. Used by several threads at once. */
struct cb_remote {
    struct cb_store *store;
    struct cb_http *http;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    /* Secrets by id: 1 found (bytes borrowed), 0 not given. May be NULL. */
    int (*secret)(void *arg, const char *id, const void **bytes, size_t *len);
    void *secret_arg;
    int ssh_keys; /* ssh may use the user's agent and keys, as for what the command line
                     names; a Dockerfile is not to reach what only its builder may */
    const char *ssh_agent; /* else: the socket of an agent it may use, or NULL */
    int offline;           /* no server is asked: NOT_FOUND when that would be needed */
    const struct cb_pins *pins; /* what URLs and branches are held to, or NULL */
};
/* How ADD and contexts alike fail then. HOST: what would be asked. */
int cb_remote_refuse_offline(const char *host, struct cb_error **err);

/* ── URLs ── */

struct cb_url_body {
    struct cb_digest digest;
    int64_t mtime_s; /* Last-Modified; -1: the server said none */
    int is_pinned;   /* the digest is not the server's word, but what PINS said */
};
/* http:// or https://, and no git repository? */
int cb_is_url(const char *text);
/* Finds out what URL delivers: by asking the server, which sends the body only when it
 * differs from what it sent last time, or without asking if CHECKSUM (or NULL) or the
 * remote's pins say it.
 * INTEGRITY naming both digests when the body is another one. */
int cb_url_resolve_body(const struct cb_remote *remote, const char *url,
                        const struct cb_digest *checksum, struct cb_url_body *out,
                        struct cb_error **err);
/* Opens a resolved body for reading, fetching it again if it is no longer here. */
int cb_url_open_body(const struct cb_remote *remote, const char *url,
                     struct cb_url_body *body, int *fd, struct cb_error **err);
/* The last part of the URL's path as a file name; NULL when it has none that could be
 * one. Caller frees. */
char *cb_url_file_name(const char *url);

/* ── Git ── */

struct cb_git_commit {
    char *name;   /* full name of the branch or tag; "" for a commit */
    char *object; /* what it names: a commit or an annotated tag */
    char *commit; /* the commit, as far as is known without fetching: else the object */
};
void cb_git_commit_clear(struct cb_git_commit *commit);
CB_AUTO_VALUE_DEFINE(cb_git_commit, cb_git_commit_clear)
/* Asks the server which commit REF means; a full commit is not asked for. */
int cb_git_resolve(const struct cb_remote *remote, const struct cb_git_ref *ref,
                   struct cb_git_commit *out, struct cb_error **err);
/* All that decides what cb_git_tree makes of it. Caller frees. */
char *cb_git_tree_key(const struct cb_git_ref *ref, const struct cb_git_commit *commit);
/* The files of the commit as a committed snapshot, made once and found again later. */
int cb_git_tree(const struct cb_remote *remote, const struct cb_git_ref *ref,
                const struct cb_git_commit *commit, struct cb_snapshot **out,
                struct cb_error **err);
/* When the commit was made, of a snapshot from cb_git_tree; -1 if that is not known. */
int64_t cb_git_tree_time(struct cb_snapshot *tree);

/* ── Either ── */

/* When what TEXT names was made: a repository's commit, a file's Last-Modified. 1/0, not
 * known. CHECKSUM as ADD has it, or NULL. */
int cb_remote_time(const struct cb_remote *remote, const char *text, const char *checksum,
                   int64_t *seconds, struct cb_error **err);

/* ── Contexts ── */

/* 1: TEXT is a git repository or URL and not a path (github.com/… included). */
int cb_context_is_remote(const char *text);
struct cb_git_wishes { /* as if the git URL said so */
    int keep_git_dir;
    int commit_times;
};
/* Opens such a one. A URL that delivers no archive is a Dockerfile: *OUT is the empty
 * context then and DOCKERFILE gets the text (NULL: that is an error). */
int cb_context_open_remote(struct cb_context **out, const struct cb_remote *remote,
                           const char *text, const struct cb_git_wishes *wishes,
                           struct cb_strbuf *dockerfile, struct cb_error **err);
/* A text at a URL, at most MAX bytes. */
int cb_url_read(const struct cb_remote *remote, const char *url, size_t max,
                struct cb_strbuf *out, struct cb_error **err);

#endif
