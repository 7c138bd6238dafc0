/* The expansion's lexer, between words.c (quotes, escapes, words), substitute.c ($ forms)
 * and shell-pattern.c (${v#p} and its like).
 *
 * Each step of work is paid from one budget, so that no word can cost more than a moment,
 * whatever it nests. */
#ifndef CB_PARSER_WORDS_PRIV_H
#define CB_PARSER_WORDS_PRIV_H

#include "parser/parser-priv.h"

#define CB_WORD_MAX_DEPTH 64u
#define CB_WORD_MAX_WORK  (64u << 20) /* bytes looked at */

struct cb_lexer {
    /* Set by the caller. */
    const char *text;
    size_t len;
    char escape;
    const struct cb_scope_lookup *lookup; /* NULL: every name is unset */
    int keep_quotes;                      /* in the result */
    int keep_escapes;                     /* in the result */
    int ignore_quotes;                    /* they are plain characters */
    int keep_unset;                       /* $name stays if unset */
    int split;                            /* collect words */
    int find_heredocs; /* with keep_unset and no lookup: no limit on the result, which is
                          no larger than TEXT; only words with << are collected */

    size_t pos;
    unsigned depth;
    size_t work, max_work;
    int exhausted; /* output or work beyond the limit; nothing is added any more */

    struct cb_strbuf word; /* being collected */
    size_t token;          /* where the current character or $ form began */
    struct cb_range word_range;
    struct cb_strings words;
    CB_VEC(struct cb_range) ranges; /* of words, in text */
};

void cb_lexer_free(struct cb_lexer *lexer);
CB_AUTO_VALUE_DEFINE(cb_lexer, cb_lexer_free)
/* The whole text; its result in OUT, its words in lexer->words if `split`. */
int cb_lexer_run(struct cb_lexer *lexer, struct cb_strbuf *out, struct cb_error **err);

/* The next byte, -1 at the end. */
int cb_lexer_peek(const struct cb_lexer *lexer);
void cb_lexer_add(struct cb_lexer *lexer, struct cb_strbuf *out, const char *text,
                  size_t len);
/* Expands up to STOP (consumed); STOP -1: to the end. */
int cb_lexer_until(struct cb_lexer *lexer, int stop, int keep_escapes,
                   struct cb_strbuf *out, struct cb_error **err);
/* At a $: its value is added to OUT. */
int cb_lexer_dollar(struct cb_lexer *lexer, struct cb_strbuf *out, struct cb_error **err);
int cb_lexer_exhausted(struct cb_error **err);

/* Shell patterns: * and ? only. */
int cb_shell_pattern_trim(struct cb_lexer *lexer, const char *pattern, const char *value,
                          int suffix, int longest, struct cb_strbuf *out,
                          struct cb_error **err);
int cb_shell_pattern_replace(struct cb_lexer *lexer, const char *pattern,
                             const char *value, const char *replacement, int all,
                             struct cb_strbuf *out, struct cb_error **err);

#endif
