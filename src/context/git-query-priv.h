/* The query of a git URL. */
#ifndef CB_CONTEXT_GIT_QUERY_PRIV_H
#define CB_CONTEXT_GIT_QUERY_PRIV_H

#include "context/git-url.h"

/* Adds what the LEN bytes of QUERY ask for to OUT, whose ref and subdir may be given by
 * the fragment already. USAGE for an unknown name or a contradiction. */
int cb_git_query(struct cb_git_ref *out, const char *query, size_t len,
                 struct cb_error **err);

/* Clean and relative, "..", too, stays inside. Caller frees. */
char *cb_git_clean_subdir(const char *text);

#endif
