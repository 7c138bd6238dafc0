/* Selections: which files of a tree a COPY or a bind mount means. */
#ifndef CB_OPS_SELECTION_PRIV_H
#define CB_OPS_SELECTION_PRIV_H

#include "base/arena.h"
#include "base/glob.h"
#include "ops/ops-priv.h"
#include "store/stat-index.h"

/* What is wanted; as text it both identifies the selection and finds it. */
struct cb_selector {
    char *verb;                /* "COPY", "ADD", "RUN --mount": opens error messages */
    struct cb_strings paths;   /* as written; patterns unless LITERAL */
    struct cb_strings exclude; /* --exclude */
    int literal;               /* paths are no patterns */
    int owners;                /* owners count; else everything is 0:0 */
    int parents;               /* --parents: paths are kept from the pivot on */
    int required;              /* a pattern without a match is an error */
    int optional;              /* a path that is not there is none */
    int dated;                 /* times count, those after NEWEST_S as that */
    int64_t newest_s;
};
/* Everything there is. */
#define CB_SELECTOR_ALL "verb select\npath /\nliteral \nowners \n"
void cb_selector_clear(struct cb_selector *selector);
CB_AUTO_VALUE_DEFINE(cb_selector, cb_selector_clear)
char *cb_selector_text(const struct cb_selector *selector);
int cb_selector_parse(struct cb_selector *out, const char *text, struct cb_error **err);

/* A file as it was when it was listed. */
struct cb_entry {
    const char *path;   /* from the tree's root, no leading slash; "" is the root */
    const char *link;   /* target of a symbolic link */
    const char *xattrs; /* of a directory; NULL if none */
    uint32_t xattrs_len;
    uint32_t mode, uid, gid, nlink; /* as hashed and copied */
    uint32_t disk_mode;             /* as listed */
    int on_the_way;                 /* --parents: a directory listed for what is below */
    uint64_t dev, ino, rdev;
    int64_t size;
    struct timespec mtime, ctime; /* ctime: of a context only */
};

/* One source that was found: a file, or a directory with all below it. */
struct cb_match {
    const char *base; /* name it gets in a destination directory; with --parents a path */
    size_t source;    /* index of the selector's path */
    size_t prefix;    /* length of what is cut from its entries' paths */
    size_t first, count; /* its entries, itself first, parents before children, sorted */
};

struct cb_selection {
    struct cb_arena *arena;
    CB_VEC(struct cb_entry) entries;
    CB_VEC(struct cb_match) matches;
    struct cb_digest digest;   /* once computed */
    struct cb_digest *digests; /* of the regular files' bytes, parallel to entries */
    int faithful; /* nothing was left out, all belongs to 0:0: the tree itself will do */
};
void cb_selection_free(struct cb_selection *selection);
CB_AUTO_DEFINE(cb_selection, cb_selection_free)
/* Path of ENTRY below MATCH; "" for the match itself. */
const char *cb_entry_relative(const struct cb_match *match, const struct cb_entry *entry);
int cb_entry_is_dir(const struct cb_entry *entry);
/* Opens a regular file for reading and checks that it is the one listed. */
int cb_entry_open(int root_fd, const struct cb_entry *entry, int *fd,
                  struct cb_error **err);
/* The same check after the last byte was read. */
int cb_entry_check(int fd, const struct cb_entry *entry, struct cb_error **err);
/* Says what to do about a file that may not be read. Returns -1. */
int cb_selection_unreadable(struct cb_error **err);
/* As it was listed. */
struct stat cb_entry_stat(const struct cb_entry *entry);

/* A tree to select from. */
struct cb_tree {
    int root_fd;
    int is_context;                 /* and not a stage or an image */
    int is_empty;                   /* a context that has no files at all */
    int git_modes;                  /* --context-mode=git */
    const struct cb_ignore *ignore; /* or NULL */
    const char *place;              /* "the build context", for messages */
    struct cb_cancel *cancel;
};
/* The mode that what is listed with MODE is hashed and copied with. */
uint32_t cb_tree_mode(const struct cb_tree *tree, mode_t mode);
/* A socket of a context: an empty file, which cannot be opened. */
int cb_entry_is_socket_file(const struct cb_entry *entry);
/* Finds and lists. NOT_FOUND `COPY x: "/x" not found in the build context`. */
int cb_select(const struct cb_tree *tree, const struct cb_selector *selector,
              struct cb_selection **out, struct cb_error **err);
/* NOT_FOUND: what the SOURCE-th path of SELECTOR means, PATH (absolute in the tree), is
 * not there or left out. Says why, and what to do. */
int cb_selection_missing(const struct cb_tree *tree, const struct cb_selector *selector,
                         size_t source, const char *path, struct cb_error **err);
/* Content digest; files are read by the pool, those INDEX (or NULL) knows are not. */
int cb_selection_hash(const struct cb_tree *tree, const struct cb_selector *selector,
                      struct cb_selection *selection, struct cb_stat_index *index,
                      struct cb_pool *pool, struct cb_error **err);
/* Is ENTRY part of the digest? */
int cb_selection_counts(const struct cb_entry *entry, const struct cb_selector *selector);
/* The time that ENTRY of MATCH counts with, in seconds. 1; 0: none does. */
int cb_selection_time(const struct cb_selector *selector, const struct cb_match *match,
                      const struct cb_entry *entry, int64_t *out);
/* What was digested, as struct cb_result_class's `listing` says: each file, or where that
 * would be too long each directory of some depth. Caller frees. */
char *cb_selection_listing(const struct cb_selection *selection,
                           const struct cb_selector *selector);

#endif
