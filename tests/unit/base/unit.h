/* What the unit tests of the lower directories share. */
#ifndef CB_TESTS_UNIT_H
#define CB_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Fails with the error's text. */
static inline void assert_ok_(int result, struct cb_error *err, const char *file,
                              int line)
{
    if (result >= 0 && !err)
        return;
    print_error("unexpected error: %s\n", err ? cb_error_message(err) : "(none set)");
    cb_error_free(err);
    _fail(file, line);
}
#define assert_ok(result, err) assert_ok_(result, err, __FILE__, __LINE__)

/* Expects -1 and an error of KIND whose message holds TEXT; frees it. */
static inline void assert_error_(int result, struct cb_error **err,
                                 enum cb_error_kind kind, const char *text,
                                 const char *file, int line)
{
    int right = result == -1 && *err && cb_error_kind(*err) == kind &&
                strstr(cb_error_message(*err), text);

    if (!right)
        print_error("expected an error of kind %d with `%s`, got %d: kind %d, `%s`\n",
                    kind, text, result, *err ? (int)cb_error_kind(*err) : -1,
                    *err ? cb_error_message(*err) : "");
    cb_error_free(*err);
    *err = NULL;
    if (!right)
        _fail(file, line);
}
#define assert_error(result, err, kind, text) \
    assert_error_(result, err, kind, text, __FILE__, __LINE__)

#endif
