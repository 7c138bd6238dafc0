/* Where input files come from: a local directory, a tar stream; git and http are
 * in context/remote.h. A context is a tree of files with ignore rules applied; COPY
 * selects from it. */
#ifndef CB_CONTEXT_CONTEXT_H
#define CB_CONTEXT_CONTEXT_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/source.h"
#include "context/ignore.h"
#include "store/store.h"

struct cb_context;

/* A directory, opened once: later renames of it do not matter. */
int cb_context_open_local(struct cb_context **out, const char *path,
                          struct cb_error **err);
/* A tar (plain, gzip, bzip2, xz, zstd) unpacked into the store's scratch space. */
int cb_context_open_tar(struct cb_context **out, struct cb_store *store, int fd,
                        struct cb_cancel *cancel, struct cb_error **err);
/* No files: a Dockerfile from stdin. */
struct cb_context *cb_context_empty(void);
struct cb_context *cb_context_ref(struct cb_context *context);
void cb_context_unref(struct cb_context *context);
CB_AUTO_DEFINE(cb_context, cb_context_unref)
int cb_context_root_fd(
    const struct cb_context *context); /* borrowed; -1 for the empty one */

/* The URL or repository ("https://host/x.git#refs/heads/main") it was fetched from,
 * without secrets, and what its content is known by there: a commit, or "sha256:…" of
 * what a URL delivered. NULL: it is from this machine. */
const char *cb_context_origin(const struct cb_context *context);
const char *cb_context_pin(const struct cb_context *context);

/* What SOURCE_DATE_EPOCH=context stands for, in seconds since 1970. 1; 0: the context has
 * no time of its own, as a directory or none at all. Asked by one thread only. */
int cb_context_time(struct cb_context *context, int64_t *seconds, struct cb_error **err);

/* Where the host's file PATH lies in the context, a directory of the host ("/a/b"); NULL
 * if it does not. Caller frees. */
char *cb_context_path_of(const struct cb_context *context, const char *path);
/* Reads a file of ours from it (Dockerfile, .dockerignore): resolved in the root,
 * regular, ≤ 16 MiB, never a FIFO. 1/0. */
int cb_context_read(struct cb_context *context, const char *path, struct cb_strbuf *out,
                    struct cb_error **err);
/* Which ignore file, and how it is read. */
struct cb_ignore_options {
    const char *dockerfile; /* its path, or NULL (stdin: no rules of its own). Of a local
                               context it is a path of the host and may lie outside the
                               context; of another one it is a path in it */
    const char *file;       /* --ignorefile, of the host: it and no other; or NULL */
    enum cb_ignore_syntax syntax;
};
/* Installs the ignore rules, once, before any selection: those of the file that is given,
 * else <dockerfile>.dockerignore beside the Dockerfile, else .dockerignore at the root.
 * SYNTAX, with its place, for a bad line. */
int cb_context_load_ignore(struct cb_context *context,
                           const struct cb_ignore_options *options,
                           struct cb_error **err);
/* Leaves PATH (clean, relative) out whatever the rules say, which are loaded before.
 * TEXT: what it is. */
void cb_context_leave_out(struct cb_context *context, const char *path, const char *text);
const struct cb_ignore *cb_context_ignore(const struct cb_context *context); /* or NULL */
/* Is PATH (clean, relative) left out by the ignore rules, and all below it? */
int cb_context_ignored(const struct cb_context *context, const char *path);

#endif
