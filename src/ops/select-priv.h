/* Finding what a selector names: shared by select.c and select-parents.c. */
#ifndef CB_OPS_SELECT_PRIV_H
#define CB_OPS_SELECT_PRIV_H

#include "ops/selection-priv.h"

struct cb_selecting {
    const struct cb_tree *tree;
    const struct cb_selector *selector;
    const struct cb_pattern_list *exclude;
    struct cb_selection *selection;
    size_t source;       /* which path of the selector */
    const char *clamped; /* "/x", the same cleaned */
    size_t found;        /* matches of this path */
    /* What a pattern's expansion does with each path it finds. */
    int (*take)(struct cb_selecting *s, const char *path, struct cb_error **err);
    int deep; /* "**" crosses directories */
    /* --parents */
    const char *kept; /* the pattern behind the pivot, "" for everything */
    size_t pivot;     /* where kept paths begin */
    int seen;         /* something was found, be it that --exclude left it out */
};

/* Paths are absolute in the tree. */
static inline const char *cb_select_relative(const char *absolute)
{
    return absolute + (*absolute == '/');
}
/* Is it left out, and nothing below it either? RELATIVE has no leading slash. */
int cb_select_ignored(const struct cb_selecting *s, const char *relative, mode_t mode);
/* Where PATH leads, all links followed, and what is there. 1/0/-1. */
int cb_select_follow(const struct cb_selecting *s, const char *path, char **resolved,
                     struct stat *st, struct cb_error **err);
int cb_select_names(const struct cb_selecting *s, const char *dir,
                    struct cb_strings *names, struct cb_error **err);
/* walk.c: lists PATH (resolved, from the root, no leading slash), of which ST is, and all
 * below into the selection. What stands before PREFIX is not part of their names. */
int cb_selection_walk(const struct cb_selecting *s, const char *path,
                      const struct stat *st, size_t prefix, struct cb_error **err);
/* The selection's entries from FIRST on are one match. */
void cb_select_add(struct cb_selecting *s, const char *base, size_t prefix, size_t first);
/* -1; 0 if what is not there is to be passed over. */
int cb_select_missing(const struct cb_selecting *s, const char *path,
                      struct cb_error **err);
/* Expands PATTERN (relative, not empty) below DIR. */
int cb_select_expand(struct cb_selecting *s, const char *dir, const char *pattern,
                     struct cb_error **err);

/* ── select-parents.c ── */
/* One source of a COPY --parents, as written. */
int cb_select_with_parents(struct cb_selecting *s, const char *written,
                           struct cb_error **err);
/* Takes everything below DIR that PATTERN, in which there is a "**", matches. */
int cb_select_deep(struct cb_selecting *s, const char *dir, const char *pattern,
                   struct cb_error **err);

#endif
