/* Between the files that implement ignore.h. */
#ifndef CB_CONTEXT_IGNORE_PRIV_H
#define CB_CONTEXT_IGNORE_PRIV_H

#include "context/ignore.h"

#include <limits.h>

#define CB_IGNORE_MAX_RULES   100000
#define CB_IGNORE_MAX_PATTERN PATH_MAX

/* Where a rule stands. */
struct cb_ignore_place {
    struct cb_span span; /* without the blanks around it */
    unsigned line;       /* from 1 */
};
struct cb_ignore_places {
    CB_VEC(struct cb_ignore_place) list;
};

/* The lines of a .dockerignore as patterns for cb_pattern_list_new: in order, cleaned,
 * "!" kept in front; PLACES in step with them. SYNTAX with its place for a malformed one.
 */
int cb_ignore_parse_docker(struct cb_strings *patterns, struct cb_ignore_places *places,
                           struct cb_source *source, struct cb_error **err);

/* The rules of a .gitignore. */
struct cb_git_rules;
int cb_git_rules_parse(struct cb_git_rules **out, struct cb_ignore_places *places,
                       struct cb_source *source, struct cb_error **err);
void cb_git_rules_free(struct cb_git_rules *rules);
CB_AUTO_DEFINE(cb_git_rules, cb_git_rules_free)
/* The last rule that matches PATH itself, -1 if none does; *NEGATED: it takes back. What
 * holds for the directories above is the caller's affair. */
int cb_git_rules_match(const struct cb_git_rules *rules, const char *path, int is_dir,
                       int *negated);

/* Goes through the lines of SOURCE, a BOM at its start left out. *AT is 0 at first. 1: a
 * line is in *SPAN (without its newline), its number in *LINE. */
int cb_ignore_next_line(struct cb_source *source, size_t *at, struct cb_span *span,
                        unsigned *line);

#endif
