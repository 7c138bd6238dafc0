/* The one error convention.
 *
 * A function that can fail ends in `struct cb_error **err`, returns 0, or -1 with *err
 * set to an error the caller owns. Predicates return 1, 0 or -1. Every constructor here
 * returns -1, so failing is one statement: `return cb_error_errno(err, errno, "open
 * `%s`", path);`. Out parameters are written only on success. ERR may be NULL when the
 * caller does not care.
 *
 * Messages: lower case, no full stop, object first, names in backticks, cause after a
 * colon, what to do next as the hint. Code decides on the kind, never on the text.
 * Foreign text in a message is escaped when printed. See docs/design/errors.md. */
#ifndef CB_BASE_ERROR_H
#define CB_BASE_ERROR_H

#include "base/alloc.h"
#include "base/source.h"

enum cb_error_kind {
    CB_ERR_SYSTEM, /* a system call failed; errno kept */
    CB_ERR_USAGE,  /* the command line */
    CB_ERR_FLAG, /* of it: an option that is none, lacks its value, or has no such one */
    CB_ERR_FORMAT, /* of it: a template that is none, for `inspect` */
    CB_ERR_SYNTAX, /* a Dockerfile or other text; usually with a span */
    CB_ERR_NOT_FOUND,
    CB_ERR_EXISTS,      /* conflict with something that is there */
    CB_ERR_DENIED,      /* permission, authentication, policy */
    CB_ERR_NETWORK,     /* transport or server trouble */
    CB_ERR_INTEGRITY,   /* bytes do not match their digest, size or format */
    CB_ERR_UNSUPPORTED, /* understood, not provided */
    CB_ERR_EXIT, /* a RUN step or container process ended non-zero; see exit_code */
    CB_ERR_CANCELED,
};

struct cb_error;

void cb_error_free(struct cb_error *error);
CB_AUTO_DEFINE(cb_error, cb_error_free)

int cb_error_set(struct cb_error **err, enum cb_error_kind kind, const char *format, ...)
    CB_PRINTF(3, 4);
/* SYSTEM error (ENOENT: NOT_FOUND; EACCES, EPERM: DENIED; EEXIST: EXISTS), text followed
 * by strerror. */
int cb_error_errno(struct cb_error **err, int errnum, const char *format, ...)
    CB_PRINTF(3, 4);
/* USAGE, in docker's words: `invalid argument "VALUE" for "OPTION" flag: ` and the text.
 * OPTION as docker names it: "--limit", "-m, --memory". */
int cb_error_argument(struct cb_error **err, const char *value, const char *option,
                      const char *format, ...) CB_PRINTF(4, 5);
/* The same as FLAG, for what docker's command line refuses before it looks at anything
 * else: numbers, sizes, names of labels. The exit status is that of a flag that is none.
 */
int cb_error_flag(struct cb_error **err, const char *value, const char *option,
                  const char *format, ...) CB_PRINTF(4, 5);
/* A RUN step's failure: 0..255, signals as 128+n. */
int cb_error_exit(struct cb_error **err, int exit_code, const char *format, ...)
    CB_PRINTF(3, 4);
/* Prefixes what the caller of the failed function knows: "pull x: " + message. */
int cb_error_wrap(struct cb_error **err, const char *format, ...) CB_PRINTF(2, 3);
/* Says what to do next. Replaces no earlier hint. */
int cb_error_hint(struct cb_error **err, const char *format, ...) CB_PRINTF(2, 3);
/* The same behind an earlier one, or in its place: for who knows more. */
int cb_error_hint_too(struct cb_error **err, const char *format, ...) CB_PRINTF(2, 3);
int cb_error_hint_instead(struct cb_error **err, const char *format, ...) CB_PRINTF(2, 3);
/* Attaches the place, once: a place already there stays. Takes a reference to SOURCE. */
int cb_error_at(struct cb_error **err, struct cb_source *source, struct cb_span span);
/* Appends NEXT (taken) to the list of further, independent errors of *err. */
void cb_error_append(struct cb_error **err, struct cb_error *next);
/* Puts *err and the errors that follow it into the order of their places; those without
 * one stay behind those with. */
void cb_error_sort(struct cb_error **err);
/* Moves FROM into *err; frees it when err is NULL. Returns -1. */
int cb_error_move(struct cb_error **err, struct cb_error **from);

enum cb_error_kind cb_error_kind(const struct cb_error *error);
int cb_error_errnum(const struct cb_error *error); /* 0 if none */
/* Gives an error whose words already say it the number behind them. */
void cb_error_set_errnum(struct cb_error **err, int errnum);
/* Makes it one of KIND: for who knows better what it means. */
void cb_error_set_kind(struct cb_error **err, enum cb_error_kind kind);
int cb_error_exit_code(const struct cb_error *error); /* of an EXIT error, else 0 */
const char *cb_error_message(const struct cb_error *error);
const char *cb_error_hint_text(const struct cb_error *error); /* or NULL */
struct cb_source *cb_error_source(const struct cb_error *error,
                                  struct cb_span *span); /* or NULL */
const struct cb_error *cb_error_next(const struct cb_error *error);
/* "Dockerfile:4:13: message\n", the excerpt with the caret, "hint: …\n", then the further
 * errors. PREFIX (or NULL) opens the first line when there is no place. Escapes foreign
 * bytes. */
void cb_error_format(const struct cb_error *error, const char *prefix,
                     struct cb_strbuf *out);

#endif
