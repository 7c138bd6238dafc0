/* Functions of templates: one file of them for each kind. */
#ifndef CB_BASE_TEMPLATE_FUNCTIONS_PRIV_H
#define CB_BASE_TEMPLATE_FUNCTIONS_PRIV_H

#include "base/template-priv.h"

/* As struct cb_tmpl_function has it. */
typedef int cb_tmpl_call(json_t *const *args, size_t count, json_t **out,
                         struct cb_error **err);

/* ── template-functions.c: arguments and results ── */
/* TEXT as a value; it stays the caller's. */
int cb_tmpl_give_text(json_t **out, struct cb_strbuf *text, struct cb_error **err);
/* Borrowed. USAGE for what is no string, or no whole number. */
int cb_tmpl_want_text(const json_t *value, const char **text, size_t *len,
                      struct cb_error **err);
int cb_tmpl_want_count(const json_t *value, json_int_t *out, struct cb_error **err);

/* ── template-compare.c ── */
cb_tmpl_call cb_tmpl_call_eq, cb_tmpl_call_ne, cb_tmpl_call_lt, cb_tmpl_call_le,
    cb_tmpl_call_gt, cb_tmpl_call_ge, cb_tmpl_call_not;

/* ── template-text.c ── */
cb_tmpl_call cb_tmpl_call_join, cb_tmpl_call_split, cb_tmpl_call_lower,
    cb_tmpl_call_upper, cb_tmpl_call_title, cb_tmpl_call_pad, cb_tmpl_call_truncate;

/* ── template-escape.c ── */
cb_tmpl_call cb_tmpl_call_html, cb_tmpl_call_js, cb_tmpl_call_urlquery;

#endif
