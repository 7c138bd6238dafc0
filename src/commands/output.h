/* What commands put on standard output. Texts from outside are escaped where a terminal
 * would act on them. */
#ifndef CB_COMMANDS_OUTPUT_H
#define CB_COMMANDS_OUTPUT_H

#include "base/digest.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <jansson.h>

int cb_stdout_is_terminal(void);
/* Has who read it gone away? Also when the write that told so is long ago, and its errno
 * with it. */
int cb_stdout_is_unread(void);
/* A full disk or closed pipe is an error like any other (EPIPE is quiet). */
int cb_flush_stdout(struct cb_error **err);
/* As the last word of a command, on standard error. */
void cb_print_error(struct cb_error **error);
/* Foreign TEXT: on a terminal escaped, for programs as it is. */
void cb_print_foreign(const struct cb_strbuf *text);
/* LEN bytes of JSON: on a terminal, what that would act on is written as \uXXXX, which
 * means the same. */
void cb_print_json_text(const char *text, size_t len);
/* On one line, without blanks. */
void cb_print_json(const json_t *value);
/* --format of who prints either PLAIN ("table", "text"), the default for NULL, or JSON:
 * 1 for that, 0; -1 USAGE. */
int cb_wants_json(const char *format, const char *plain, struct cb_error **err);
/* The first 12 hex digits. */
void cb_short_id(const struct cb_digest *id, char out[13]);

#endif
