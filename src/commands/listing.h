/* Lists as docker prints them: a table, a table of chosen fields, a Go template for each
 * row, or a line of JSON for each. */
#ifndef CB_COMMANDS_LISTING_H
#define CB_COMMANDS_LISTING_H

#include "base/error.h"

#include <jansson.h>

struct cb_listing_field {
    const char *name;  /* "Repository", in templates .Repository */
    const char *title; /* "REPOSITORY" */
};
struct cb_listing {
    const struct cb_listing_field
        *fields;       /* all there are; ends with a row without name */
    const char *table; /* the default: "{{.ID}}\t{{.Names}}" */
    const char *raw;   /* of `--format raw`, line by line; or NULL: there is none */
};

/* Prints ROWS, objects with LISTING's fields, to standard output. FORMAT as the user gave
 * it: NULL or "" or "table", "tableTEMPLATE", "json", "raw" where LISTING has it, or a
 * template. Members that are objects are for templates alone (.Label "x"). USAGE for a
 * bad template, with the fields there are. */
int cb_listing_print(const struct cb_listing *listing, const char *format,
                     const json_t *rows, struct cb_error **err);
/* What -q makes of FORMAT: TABLE for a table, RAW for `raw`; a template stays. */
const char *cb_listing_quiet(const char *format, const char *table, const char *raw);
/* Checks FORMAT before any work is done. */
int cb_listing_check(const struct cb_listing *listing, const char *format,
                     struct cb_error **err);
/* Of lists with a table and JSON of their own: which FORMAT asks for, or -1 with USAGE.
 */
enum { CB_LISTING_TABLE, CB_LISTING_JSON, CB_LISTING_TEMPLATE };
int cb_listing_kind(const struct cb_listing *listing, const char *format,
                    struct cb_error **err);
/* For these: ROWS as in their JSON, whose names are in small letters, by the fields'
 * names. */
int cb_listing_print_documents(const struct cb_listing *listing, const char *format,
                               const json_t *rows, struct cb_error **err);
/* `-f` of the inspecting commands: FORMAT NULL or "json" gives the documents as one
 * indented or compact array; a template a line for each. */
int cb_inspect_print(const char *format, const json_t *documents, struct cb_error **err);

#endif
