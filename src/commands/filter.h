/* --filter KEY=VALUE of the commands that list or prune, as docker has it: a table says
 * which keys there are and how one value is compared with one thing. Values of one key
 * are alternatives unless the key says that all must hold, and every key that was asked
 * for must hold. */
#ifndef CB_COMMANDS_FILTER_H
#define CB_COMMANDS_FILTER_H

#include "base/error.h"
#include "base/vec.h"

enum cb_filter_flags {
    CB_FILTER_LISTS = 1,    /* a key of the command that lists */
    CB_FILTER_PRUNES = 2,   /* of the one that prunes */
    CB_FILTER_ALL_HOLD = 4, /* every value must hold, not one of them */
    CB_FILTER_BOOL = 8,     /* values are words of Go's strconv.ParseBool */
    CB_FILTER_NUMBER = 16,  /* … whole numbers from 0 */
    CB_FILTER_MOMENT = 32,  /* … what cb_moment_parse takes */
};

struct cb_filter_key {
    const char *name; /* "label!" is a key of its own */
    /* Is THING, of the kind that the table is for, as VALUE says? 1/0. NULL: the command
     * itself looks at the value. */
    int (*holds)(const void *thing, const char *value);
    unsigned flags;     /* enum cb_filter_flags */
    const char *values; /* the only ones: "running|exited"; NULL: any */
};

/* GIVEN, "KEY=VALUE" each, against those of KEYS (ends with a row without name) that have
 * FLAG: LISTS or PRUNES. USAGE for text without a "=", unknown keys and values. */
int cb_filter_check(const struct cb_filter_key *keys, unsigned flag,
                    const struct cb_strings *given, struct cb_error **err);
/* 1/0. GIVEN has been checked. */
int cb_filter_takes(const struct cb_filter_key *keys, const struct cb_strings *given,
                    const void *thing);
/* The last value given for KEY, or NULL. */
const char *cb_filter_value(const struct cb_strings *given, const char *key);

/* ── For `holds` ── */

/* Is PATTERN, a regular expression, somewhere in TEXT? */
int cb_filter_matches(const char *text, const char *pattern);
/* VALUE, of a key with CB_FILTER_BOOL. */
int cb_filter_is_true(const char *value);
/* Was something CREATED (RFC 3339) before VALUE, of a key with CB_FILTER_MOMENT? 0 when
 * that cannot be told. */
int cb_filter_is_before(const char *created, const char *value);
/* WANTED, "key" or "key=value", among labels of which FIND gives a key's value or NULL.
 */
int cb_filter_label(const char *wanted,
                    const char *(*find)(const void *labels, const char *key),
                    const void *labels);

#endif
