/* Go's text/template over JSON values, as docker's --format and -f take it
 * (https://pkg.go.dev/text/template): pipelines, variables, if, range, with, break,
 * continue, define, template, block, comments, trim markers, Go's functions, and
 * docker's json, join, split, lower, upper, title, pad, truncate.
 *
 * JSON has no types where Go has structs, maps and pointers, so: an object whose keys all
 * look like exported Go names is a struct: a missing field is an error, and it is printed
 * {a b}. Other objects are maps: what is missing has no value, and they are printed
 * map[k:v]. A name that is not there is looked up without regard to case (.Id, .ID). A
 * field with an argument looks the argument up in the field's object (.Label "x"). What
 * Go's structs have and JSON leaves out when it is empty is told by a table. */
#ifndef CB_BASE_TEMPLATE_H
#define CB_BASE_TEMPLATE_H

#include "base/error.h"
#include "base/strbuf.h"

#include <jansson.h>

struct cb_template;

/* USAGE "template parsing error: template: :1: unclosed action". */
int cb_template_parse(struct cb_template **out, const char *text, struct cb_error **err);
void cb_template_free(struct cb_template *template);
CB_AUTO_DEFINE(cb_template, cb_template_free)
/* Adds what TEMPLATE makes of DOT. USAGE with the place in the template when a field is
 * not there or a function cannot take its arguments; bounded in depth, steps and output.
 */
int cb_template_execute(const struct cb_template *template, json_t *dot,
                        struct cb_strbuf *out, struct cb_error **err);

/* What an empty field is worth in Go. */
enum cb_template_zero {
    CB_TEMPLATE_NIL,    /* of a pointer: <nil> */
    CB_TEMPLATE_MAP,    /* map[] */
    CB_TEMPLATE_LIST,   /* [] */
    CB_TEMPLATE_TEXT,   /* nothing */
    CB_TEMPLATE_NUMBER, /* 0 */
    CB_TEMPLATE_FLAG,   /* false */
    /* 0s; what is there is a number of nanoseconds, and printed as Go prints one */
    CB_TEMPLATE_DURATION,
};
struct cb_template_field {
    const char *beside; /* a field that only its struct has; NULL: of any, where null */
    const char *name;
    enum cb_template_zero zero;
    const char *after; /* the field it is printed behind when it is empty; or NULL */
};
/* The same; FIELDS, up to a row without a name, say what a field is that is not there or
 * null, and DOT is a struct whatever its keys are. */
int cb_template_execute_typed(const struct cb_template *template, json_t *dot,
                              const struct cb_template_field *fields,
                              struct cb_strbuf *out, struct cb_error **err);
/* For the line of titles above a table: the functions that make texts look otherwise
 * leave titles as they are. */
int cb_template_execute_titles(const struct cb_template *template, json_t *titles,
                               struct cb_strbuf *out, struct cb_error **err);

#endif
