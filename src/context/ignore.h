/* The rules of one ignore file: which paths of a context are left out, and by which line.
 * Two syntaxes. Docker's: patterns are anchored at the context's root, a pattern matches
 * a path or any parent of it, the last line that matches decides.
 * Git's, as gitignore(5) has it for a file at the root: names without a slash match
 * anywhere, a trailing slash means directories only, and nothing below an excluded
 * directory can be taken back. Immutable once made, so any thread may ask. */
#ifndef CB_CONTEXT_IGNORE_H
#define CB_CONTEXT_IGNORE_H

#include "base/error.h"
#include "base/source.h"
#include "base/vec.h"

enum cb_ignore_syntax { CB_IGNORE_DOCKER, CB_IGNORE_GIT };
/* The value of --ignore-syntax; NULL: docker. USAGE. */
int cb_ignore_syntax_parse(enum cb_ignore_syntax *out, const char *text,
                           struct cb_error **err);

struct cb_ignore;

/* SYNTAX with its place for a malformed line (git has none: what cannot match is passed
 * over there). *OUT NULL when the file has no rule. */
int cb_ignore_new(struct cb_ignore **out, struct cb_source *source,
                  enum cb_ignore_syntax syntax, struct cb_error **err);
void cb_ignore_free(struct cb_ignore *ignore);
CB_AUTO_DEFINE(cb_ignore, cb_ignore_free)

/* PATH (clean, relative) and all below it are left out too, whatever the file says; TEXT
 * is what it is. IGNORE may be NULL. Returns it, or one that has no other rule. */
struct cb_ignore *cb_ignore_leave_out(struct cb_ignore *ignore, const char *path,
                                      const char *text);

/* Is PATH (clean, relative, not empty) left out? PARENT_IGNORED is what the same call
 * said of the directory it is in (0 at the root). */
int cb_ignore_match(const struct cb_ignore *ignore, const char *path, int is_dir,
                    int parent_ignored);
/* The same, when nothing is known of the directory it is in. */
int cb_ignore_match_path(const struct cb_ignore *ignore, const char *path, int is_dir);
/* May the ignored directory DIR hold entries that are taken back? Walkers prune when 0.
 */
int cb_ignore_may_reinclude(const struct cb_ignore *ignore, const char *dir);

/* A line of the file, as written; or, LINE 0, what was left out without one. */
struct cb_ignore_rule {
    const char *file; /* borrowed */
    unsigned line;
    const char *text; /* borrowed, without the blanks around it; not terminated */
    size_t len;
};
/* 1: PATH is left out, by *RULE. */
int cb_ignore_why(const struct cb_ignore *ignore, const char *path, int is_dir,
                  struct cb_ignore_rule *rule);

#endif
