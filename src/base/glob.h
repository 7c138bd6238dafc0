/* Docker's path patterns.
 * Single patterns (COPY sources) follow Go's filepath.Match: * ? [a-z] [^a] and
 * backslash, of which * and ? do not match "/". Lists (.dockerignore, --exclude) follow
 * moby/patternmatcher: "**", "!" exceptions, a pattern matches a path or any of its
 * parents, and the last matching line wins. Neither backtracks: time is bounded by
 * pattern times path. */
#ifndef CB_BASE_GLOB_H
#define CB_BASE_GLOB_H

#include "base/error.h"
#include "base/vec.h"

/* Does PATTERN contain a metacharacter? */
int cb_glob_has_meta(const char *pattern);
/* 1 match, 0 no match, -1 malformed pattern (SYNTAX). Linear time. */
int cb_glob_match(const char *pattern, const char *path, struct cb_error **err);

struct cb_pattern_list;

/* Each pattern as a cleaned line of .dockerignore ("!" first for exceptions). SYNTAX
 * names the bad one. */
int cb_pattern_list_new(struct cb_pattern_list **out, const struct cb_strings *patterns,
                        struct cb_error **err);
void cb_pattern_list_free(struct cb_pattern_list *list);
CB_AUTO_DEFINE(cb_pattern_list, cb_pattern_list_free)
/* Does the list select PATH (slash-separated, relative)? That its parent directory was
 * selected by the same call may be said to save time; 0 is always right. *MATCHED_LINE
 * (or NULL) gets the index of the deciding pattern, -1 if none. */
int cb_pattern_list_match(const struct cb_pattern_list *list, const char *path,
                          int parent_matched, int *matched_line);
/* The same, when nothing is known of the parent. */
int cb_pattern_list_match_path(const struct cb_pattern_list *list, const char *path);
/* May an excluded directory still hold re-included entries ("!dir/x")? Walkers prune when
 * 0. */
int cb_pattern_list_may_reinclude(const struct cb_pattern_list *list, const char *dir);

#endif
