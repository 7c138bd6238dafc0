/* Between the files that print a Dockerfile as JSON. */
#ifndef CB_FRONTEND_DESCRIBE_PRIV_H
#define CB_FRONTEND_DESCRIBE_PRIV_H

#include "base/json-writer.h"
#include "frontend/frontend-priv.h"

struct cb_describer {
    const struct cb_describe_options *options;
    struct cb_planner planner;
    struct cb_writer writer;
    struct cb_strings globals; /* the global ARGs so far */

    /* Where the instruction stands. */
    struct cb_source *source; /* that its places are of; NULL: they are of no file */
    struct cb_source *main;   /* the file of those that are of no included one */
    struct cb_stage *stage;   /* in whose scope its words are expanded; or NULL */
    const struct cb_item *item;
    struct cb_strings behind; /* names of the base that its --if hangs on */
};

/* How a word is resolved. */
enum cb_resolve {
    CB_RESOLVE_NOT,    /* taken as written */
    CB_RESOLVE_GLOBAL, /* with the global ARGs */
    CB_RESOLVE_STAGE,
    CB_RESOLVE_SPLIT, /* into any number of words */
};

/* Hands on what is in the buffer when it is more than a little. */
void cb_describe_flush(struct cb_describer *describer);
/* A string of any size, piece by piece. */
void cb_describe_text(struct cb_describer *describer, const char *key, const char *text);
/* "line" and "column" of SPAN. */
void cb_describe_place(struct cb_describer *describer, struct cb_span span);
/* An object: the text, its place, what it comes to. */
void cb_describe_word(struct cb_describer *describer, const char *key,
                      const struct cb_word *word, enum cb_resolve how);
/* Keys and values; of ENV and ARG the variables are set on the way. */
void cb_describe_pairs(struct cb_describer *describer, const struct cb_instruction *inst);
/* Whether the instruction counts, of one with --if; 0: it does not. */
int cb_describe_condition(struct cb_describer *describer,
                          const struct cb_instruction *inst);
void cb_describe_mount(struct cb_describer *describer, const struct cb_flag *flag);
void cb_describe_heredocs(struct cb_describer *describer,
                          const struct cb_heredocs *heredocs, int resolve);
void cb_describe_instruction(struct cb_describer *describer, const char *key,
                             const struct cb_instruction *inst);

#endif
