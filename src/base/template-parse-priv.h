/* Parsing a template: what template-parse.c (text and actions) and template-pipeline.c
 * (what stands in an action) share. */
#ifndef CB_BASE_TEMPLATE_PARSE_PRIV_H
#define CB_BASE_TEMPLATE_PARSE_PRIV_H

#include "base/template-priv.h"

struct cb_tmpl_parser {
    struct cb_template *template;
    struct cb_arena *arena;
    const char *text;
    size_t len, at;
    int trim;                          /* the last action ended with -}} */
    const struct cb_tmpl_token *token; /* of the action at hand */
    int depth, loops;
    CB_VEC(const char *) variables; /* in scope */
};

#define syntax_error(parser, at, err, ...) \
    cb_tmpl_syntax_error((parser)->text, at, err, __VA_ARGS__)

/* Up to a token LAST, which is left there. MAY_DECLARE: this many variables in front. */
int cb_tmpl_parse_pipeline(struct cb_tmpl_parser *parser, int may_declare,
                           enum cb_tmpl_token_kind last, struct cb_tmpl_pipeline **out,
                           struct cb_error **err);
/* -1 beyond 100 levels, 0 otherwise. */
int cb_tmpl_too_deep(struct cb_tmpl_parser *parser, struct cb_error **err);
/* "unexpected … in WHERE", at the token at hand. Returns -1. */
int cb_tmpl_unexpected(struct cb_tmpl_parser *parser, const char *where,
                       struct cb_error **err);

#endif
