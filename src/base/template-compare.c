/* Comparison in templates: eq, ne, lt, le, gt, ge, not. */
#include "base/template-functions-priv.h"

#include <string.h>

/* A number is equal to its own digits, as in docker's inspect. */
static int equal_text(const json_t *number, const json_t *text, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) digits = {0};
    const char *other = json_string_value(text);

    if (!*other || other[strspn(other, "+-.0123456789e")])
        return cb_error_set(err, CB_ERR_USAGE, "incompatible types for comparison");
    cb_tmpl_print(&digits, number);
    return strcmp(cb_strbuf_text(&digits), other) == 0;
}

static int not_comparable(const json_t *value, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_tmpl_print(&text, value);
    return cb_error_set(err, CB_ERR_USAGE, "non-comparable type %.100s: %s",
                        cb_strbuf_text(&text), cb_tmpl_type_name(value));
}

/* As Go has it, no whole number is compared with a real one. 1 equal, 0 not, -1 they
 * cannot be compared. */
static int equal(const json_t *a, const json_t *b, struct cb_error **err)
{
    int a_nil = !a || json_is_null(a), b_nil = !b || json_is_null(b);

    if (a_nil || b_nil)
        return a_nil && b_nil;
    if (json_typeof(a) == json_typeof(b) && (json_is_object(a) || json_is_array(a)))
        return not_comparable(a, err);
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_real(a) && json_is_real(b))
        return json_real_value(a) == json_real_value(b);
    if (json_is_boolean(a) && json_is_boolean(b))
        return json_is_true(a) == json_is_true(b);
    if (json_is_number(a) && json_is_string(b))
        return equal_text(a, b, err);
    if (json_is_number(b) && json_is_string(a))
        return equal_text(b, a, err);
    if (!json_is_string(a) || !json_is_string(b))
        return cb_error_set(err, CB_ERR_USAGE, "incompatible types for comparison");
    return json_equal((json_t *)a, (json_t *)b);
}

int cb_tmpl_call_eq(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    int same = 0;

    for (size_t i = 1; i < count && !same; i++) {
        same = equal(args[0], args[i], err);
        if (same < 0)
            return -1;
    }
    *out = json_boolean(same);
    return 0;
}

int cb_tmpl_call_ne(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    int same = equal(args[0], args[1], err);

    *out = same < 0 ? NULL : json_boolean(!same);
    return same < 0 ? -1 : 0;
}

static int is_basic(const json_t *value)
{
    return json_is_number(value) || json_is_string(value) || json_is_boolean(value);
}

/* <0, 0, >0 in *ORDER. */
static int order_of(const json_t *a, const json_t *b, int *order, struct cb_error **err)
{
    if (!is_basic(a) || !is_basic(b) || (json_is_boolean(a) && json_is_boolean(b)))
        return cb_error_set(err, CB_ERR_USAGE, "invalid type for comparison");
    if (json_is_integer(a) && json_is_integer(b))
        *order = (json_integer_value(a) > json_integer_value(b)) -
                 (json_integer_value(a) < json_integer_value(b));
    else if (json_is_real(a) && json_is_real(b))
        *order = (json_real_value(a) > json_real_value(b)) -
                 (json_real_value(a) < json_real_value(b));
    else if (json_is_string(a) && json_is_string(b))
        *order = strcmp(json_string_value(a), json_string_value(b));
    else
        return cb_error_set(err, CB_ERR_USAGE, "incompatible types for comparison");
    return 0;
}

#define ORDER_FUNCTION(name, test)                                           \
    int cb_tmpl_call_##name(json_t *const *args, size_t count, json_t **out, \
                            struct cb_error **err)                           \
    {                                                                        \
        int order;                                                           \
                                                                             \
        if (order_of(args[0], args[1], &order, err) < 0)                     \
            return -1;                                                       \
        *out = json_boolean(order test 0);                                   \
        return 0;                                                            \
    }
ORDER_FUNCTION(lt, <)
ORDER_FUNCTION(le, <=)
ORDER_FUNCTION(gt, >)
ORDER_FUNCTION(ge, >=)

int cb_tmpl_call_not(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    *out = json_boolean(!cb_tmpl_is_true(args[0]));
    return 0;
}
