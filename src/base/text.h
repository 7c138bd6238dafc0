/* Small questions about texts: how one ends, how deep a path is, whether it says yes or
 * no, and the values of a line of CSV. */
#ifndef CB_BASE_TEXT_H
#define CB_BASE_TEXT_H

#include "base/error.h"
#include "base/vec.h"

/* Also when it is nothing else. */
int cb_ends_with(const char *text, const char *end);
/* The "/" in PATH: levels below where it starts. */
size_t cb_path_depth(const char *path);
/* As Go's strconv.ParseBool. 0 if TEXT is none of its words. */
int cb_parse_bool(const char *text, int *out);
/* One line of CSV (RFC 4180 quotes, as Go's encoding/csv reads it); SYNTAX. */
int cb_csv_split(struct cb_strings *fields, const char *line, struct cb_error **err);

#endif
