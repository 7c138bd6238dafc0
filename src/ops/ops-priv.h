/* Shared inside ops: results, the build's definition digests, small helpers.
 *
 * The way of a COPY: selector.c says what is wanted as text, select.c finds it in a
 * tree, walk.c lists it with stat data, selection-digest.c hashes it (the key),
 * copy-tree.c copies exactly what was listed, dest.c places it in the new layer. */
#ifndef CB_OPS_OPS_PRIV_H
#define CB_OPS_OPS_PRIV_H

#include "context/remote.h"
#include "ops/ops.h"

#include <pthread.h>
#include <sys/stat.h>

struct cb_selection;
struct cb_selector;

/* ── Results ── */
struct cb_root_cache { /* the read-only root of a result, opened when first asked for */
    pthread_mutex_t lock;
    int fd;
    struct cb_scratch *empty; /* directory that stands for "no files" */
};
void cb_root_cache_init(struct cb_root_cache *cache);
void cb_root_cache_clear(struct cb_root_cache *cache);

struct cb_snapshot_result {
    struct cb_result base;
    struct cb_build_env *env;
    struct cb_snapshot *snapshot; /* NULL: the empty filesystem */
    struct cb_root_cache root;
    pthread_mutex_t lock;    /* of listings */
    struct cb_map *listings; /* selector text → listing of what was digested, or NULL */
};

struct cb_context_result {
    struct cb_result base;
    struct cb_build_env *env;
    struct cb_context *context;
    struct cb_stat_index *index; /* or NULL for the empty context */
    struct cb_root_cache root;
    pthread_mutex_t lock;      /* of selections */
    struct cb_map *selections; /* selector text → struct cb_selection, as hashed */
    char *place;               /* "the build context", for messages */
};

/* The files SELECTOR names. For a context: the very list whose digest went into the key,
 * borrowed until the result is freed. For a snapshot: listed now and put into *OWNED. */
int cb_result_select(struct cb_result *result, const char *selector, struct cb_pool *pool,
                     struct cb_cancel *cancel, const struct cb_selection **out,
                     struct cb_selection **owned, struct cb_error **err);

int cb_context_selection(struct cb_context_result *result, const char *selector,
                         struct cb_pool *pool, struct cb_cancel *cancel,
                         const struct cb_selection **out, struct cb_error **err);

/* ── Identities ── */
/* Commits *SNAPSHOT, whose parent's identity is PARENT. If the cache knows a snapshot of
 * just this content, that one becomes the result and *SNAPSHOT is dropped: what follows
 * is then a hit. */
int cb_snapshot_adopt(struct cb_build_env *env, struct cb_snapshot **snapshot,
                      const struct cb_digest *parent, struct cb_pool *pool,
                      struct cb_result **out, struct cb_error **err);
/* Commits SNAPSHOT, remembers IDENTITY with it and wraps it up. */
int cb_snapshot_seal(struct cb_build_env *env, struct cb_snapshot *snapshot,
                     const struct cb_digest *identity, struct cb_result **out,
                     struct cb_error **err);

/* ── Times ── */
/* Is nothing that this build makes to be newer than SOURCE_DATE_EPOCH? */
int cb_times_are_clamped(const struct cb_build_env *env);
/* For the keys of steps whose layers have times that SOURCE_DATE_EPOCH decides. */
void cb_times_key_part(const struct cb_build_env *env, struct cb_key_parts *parts);
/* Before ACTIVE is committed. */
int cb_times_clamp(const struct cb_build_env *env, struct cb_snapshot *active,
                   struct cb_error **err);

/* ── Definitions ── */
/* Digest of an op's name, its key parts and its selectors: what makes two vertices one.
 */
struct cb_digest cb_definition_digest(const char *op, const struct cb_key_parts *parts,
                                      const struct cb_strings *more);
void cb_key_parts_addf(struct cb_key_parts *parts, const char *name, const char *format,
                       ...) CB_PRINTF(3, 4);
/* The value is the digest of LEN bytes. */
void cb_key_parts_add_bytes(struct cb_key_parts *parts, const char *name,
                            const void *bytes, size_t len);
/* ["a","b"], every byte kept: different lists give different texts. Caller frees. */
char *cb_strings_quoted(const struct cb_strings *strings);
/* For people: "a b". Caller frees. */
char *cb_strings_joined(const struct cb_strings *strings);

/* ── Owners and modes ── */
struct cb_owner {
    uint32_t uid, gid;
};
/* Ids alone need no look-up: they work in an empty filesystem as well. 1/0. */
int cb_owner_parse_ids(const char *text, struct cb_owner *out);
/* "user[:group]" of --chown, and USER for WORKDIR. A number alone is uid and gid, a name
 * alone brings its primary group. Names are looked up in the root filesystem ROOT;
 * NOT_FOUND says in which file. */
int cb_owner_resolve(struct cb_result *root, const char *text, struct cb_owner *out,
                     struct cb_error **err);

struct cb_chmod; /* a parsed --chmod */
int cb_chmod_parse(struct cb_chmod **out, const char *text, struct cb_error **err);
void cb_chmod_free(struct cb_chmod *chmod);
CB_AUTO_DEFINE(cb_chmod, cb_chmod_free)
/* The permission bits that a file with MODE gets. NULL: unchanged. */
mode_t cb_chmod_apply(const struct cb_chmod *chmod, mode_t mode);
/* The mode of directories that are made on the way: an octal one, else 0755. */
mode_t cb_chmod_parents(const struct cb_chmod *chmod);

/* ── Extended attributes: those that belong to a file's content ── */
/* "name\0" u32 length, value; repeated, sorted by name; *LEN 0 when there are none. Best
 * effort on file systems without them. Caller frees *OUT. */
void cb_content_xattrs_read(int fd, char **out, size_t *len);
/* Sets what cb_content_xattrs_read gave. What the file system refuses is left out, as `cp
 * -a` does. */
void cb_content_xattrs_write(int fd, const char *xattrs, size_t len);

/* ── Fetching: as the build does it, ended by the solver's CANCEL ── */
struct cb_remote cb_remote_for(const struct cb_build_env *env, struct cb_cancel *cancel);

/* ── Looking without following the last link. 1 there, 0 not (or under a non-directory).
 * ── */
int cb_stat_in_root(int root_fd, const char *path, struct stat *st,
                    struct cb_error **err);

#endif
