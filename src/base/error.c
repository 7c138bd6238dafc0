/* The error object: one message, optionally the place it points at, what to do next, and
 * a list of further independent errors. */
#include "base/error.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct cb_error {
    enum cb_error_kind kind;
    int errnum;
    int exit_code;
    char *message;
    char *hint;
    struct cb_source *source;
    struct cb_span span;
    struct cb_error *next;
};

void cb_error_free(struct cb_error *error)
{
    while (error) {
        struct cb_error *next = error->next;

        free(error->message);
        free(error->hint);
        cb_source_unref(error->source);
        free(error);
        error = next;
    }
}

/* Takes MESSAGE. An error that is there already gives way. */
static int set_error(struct cb_error **err, enum cb_error_kind kind, char *message)
{
    struct cb_error *error;

    if (!err) {
        free(message);
        return -1;
    }
    error = xcalloc(1, sizeof(*error));
    error->kind = kind;
    error->message = message;
    cb_error_free(*err);
    *err = error;
    return -1;
}

int cb_error_set(struct cb_error **err, enum cb_error_kind kind, const char *format, ...)
{
    va_list args;
    char *message;

    va_start(args, format);
    message = xvasprintf(format, args);
    va_end(args);
    return set_error(err, kind, message);
}

static int refuse_value(struct cb_error **err, enum cb_error_kind kind, const char *value,
                        const char *option, const char *why)
{
    return cb_error_set(err, kind, "invalid argument \"%s\" for \"%s\" flag: %s", value,
                        option, why);
}

int cb_error_argument(struct cb_error **err, const char *value, const char *option,
                      const char *format, ...)
{
    cb_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = xvasprintf(format, args);
    va_end(args);
    return refuse_value(err, CB_ERR_USAGE, value, option, why);
}

int cb_error_flag(struct cb_error **err, const char *value, const char *option,
                  const char *format, ...)
{
    cb_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = xvasprintf(format, args);
    va_end(args);
    return refuse_value(err, CB_ERR_FLAG, value, option, why);
}

static enum cb_error_kind kind_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return CB_ERR_NOT_FOUND;
    case EEXIST:
        return CB_ERR_EXISTS;
    case EACCES:
    case EPERM:
        return CB_ERR_DENIED;
    default:
        return CB_ERR_SYSTEM;
    }
}

int cb_error_errno(struct cb_error **err, int errnum, const char *format, ...)
{
    const char *reason = strerrordesc_np(errnum);
    cb_autofree char *what = NULL;
    char *message;
    va_list args;

    va_start(args, format);
    what = xvasprintf(format, args);
    va_end(args);
    if (!reason) {
        message = xasprintf("%s: error %d", what, errnum);
    } else if (isupper((unsigned char)reason[0]) && !isupper((unsigned char)reason[1])) {
        message =
            xasprintf("%s: %c%s", what, tolower((unsigned char)reason[0]), reason + 1);
    } else {
        message = xasprintf("%s: %s", what, reason);
    }
    set_error(err, kind_of_errno(errnum), message);
    if (err)
        (*err)->errnum = errnum;
    return -1;
}

int cb_error_exit(struct cb_error **err, int exit_code, const char *format, ...)
{
    va_list args;
    char *message;

    va_start(args, format);
    message = xvasprintf(format, args);
    va_end(args);
    set_error(err, CB_ERR_EXIT, message);
    if (err)
        (*err)->exit_code = exit_code;
    return -1;
}

int cb_error_wrap(struct cb_error **err, const char *format, ...)
{
    cb_autofree char *prefix = NULL;
    char *message;
    va_list args;

    if (!err || !*err)
        return -1;
    va_start(args, format);
    prefix = xvasprintf(format, args);
    va_end(args);
    message = xasprintf("%s: %s", prefix, (*err)->message);
    free((*err)->message);
    (*err)->message = message;
    return -1;
}

int cb_error_hint(struct cb_error **err, const char *format, ...)
{
    va_list args;

    if (!err || !*err || (*err)->hint)
        return -1;
    va_start(args, format);
    (*err)->hint = xvasprintf(format, args);
    va_end(args);
    return -1;
}

int cb_error_hint_too(struct cb_error **err, const char *format, ...)
{
    cb_autofree char *more = NULL;
    va_list args;

    va_start(args, format);
    more = xvasprintf(format, args);
    va_end(args);
    if (!err || !*err || !(*err)->hint)
        return cb_error_hint(err, "%s", more);
    return cb_error_hint_instead(err, "%s; %s", (*err)->hint, more);
}

int cb_error_hint_instead(struct cb_error **err, const char *format, ...)
{
    va_list args;
    char *hint;

    if (!err || !*err)
        return -1;
    va_start(args, format);
    hint = xvasprintf(format, args);
    va_end(args);
    free((*err)->hint);
    (*err)->hint = hint;
    return -1;
}

int cb_error_at(struct cb_error **err, struct cb_source *source, struct cb_span span)
{
    if (!err || !*err || !source || (*err)->source)
        return -1;
    (*err)->source = cb_source_ref(source);
    (*err)->span = span;
    return -1;
}

void cb_error_append(struct cb_error **err, struct cb_error *next)
{
    if (!err) {
        cb_error_free(next);
        return;
    }
    while (*err)
        err = &(*err)->next;
    *err = next;
}

static int stands_before(const struct cb_error *a, const struct cb_error *b)
{
    if (!a->source || !b->source)
        return a->source && !b->source;
    return a->span.start < b->span.start;
}

void cb_error_sort(struct cb_error **err)
{
    struct cb_error *sorted = NULL;

    while (*err) {
        struct cb_error *error = *err;
        struct cb_error **at = &sorted;

        *err = error->next;
        while (*at && !stands_before(error, *at))
            at = &(*at)->next;
        error->next = *at;
        *at = error;
    }
    *err = sorted;
}

int cb_error_move(struct cb_error **err, struct cb_error **from)
{
    struct cb_error *error = cb_steal(from);

    if (!err) {
        cb_error_free(error);
    } else if (err != from) {
        cb_error_free(*err);
        *err = error;
    } else {
        *err = error;
    }
    return -1;
}

enum cb_error_kind cb_error_kind(const struct cb_error *error)
{
    return error ? error->kind : CB_ERR_SYSTEM;
}

void cb_error_set_errnum(struct cb_error **err, int errnum)
{
    if (err && *err)
        (*err)->errnum = errnum;
}

void cb_error_set_kind(struct cb_error **err, enum cb_error_kind kind)
{
    if (err && *err)
        (*err)->kind = kind;
}

int cb_error_errnum(const struct cb_error *error)
{
    return error ? error->errnum : 0;
}

int cb_error_exit_code(const struct cb_error *error)
{
    return error && error->kind == CB_ERR_EXIT ? error->exit_code : 0;
}

const char *cb_error_message(const struct cb_error *error)
{
    return error ? error->message : "no error";
}

const char *cb_error_hint_text(const struct cb_error *error)
{
    return error ? error->hint : NULL;
}

struct cb_source *cb_error_source(const struct cb_error *error, struct cb_span *span)
{
    if (!error || !error->source)
        return NULL;
    if (span)
        *span = error->span;
    return error->source;
}

const struct cb_error *cb_error_next(const struct cb_error *error)
{
    return error ? error->next : NULL;
}

static void add_opening(const struct cb_error *error, const char *prefix,
                        struct cb_strbuf *out)
{
    struct cb_span span = error->span;
    unsigned line, column;
    const char *name;

    if (!error->source) {
        if (prefix)
            cb_strbuf_addf(out, "%s: ", prefix);
        return;
    }
    name = cb_source_name(cb_source_file(error->source, &span));
    cb_source_position(error->source, error->span.start, &line, &column);
    cb_strbuf_add_escaped(out, name, strlen(name), 0);
    cb_strbuf_addf(out, ":%u:%u: ", line, column);
}

static void add_place(const struct cb_error *error, struct cb_strbuf *out)
{
    struct cb_span span = error->span;

    if (!error->source)
        return;
    cb_source_excerpt(error->source, error->span, out);
    if (!cb_source_includer(error->source, &span))
        return;
    cb_source_add_includers(error->source, error->span, out);
    cb_strbuf_addc(out, '\n');
}

void cb_error_format(const struct cb_error *error, const char *prefix,
                     struct cb_strbuf *out)
{
    for (; error; error = error->next) {
        add_opening(error, prefix, out);
        cb_strbuf_add_escaped(out, error->message, strlen(error->message), 1);
        cb_strbuf_addc(out, '\n');
        add_place(error, out);
        if (error->hint) {
            cb_strbuf_adds(out, "hint: ");
            cb_strbuf_add_escaped(out, error->hint, strlen(error->hint), 1);
            cb_strbuf_addc(out, '\n');
        }
    }
}
