/* RUN --device=[name=]vendor/class=device[,required]: variables are not expanded.
 * Reference: BuildKit instructions/commands_rundevice.go. */
#include "parser/parser-priv.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

static int unknown_key(const char *key, const char *field, struct cb_error **err)
{
    static const char *const keys[] = {"name", "required"};
    cb_autofree char *suggestion = cb_text_suggestion(key, keys, CB_ARRAY_SIZE(keys));
    cb_autofree char *short_key = cb_text_short(key), *short_field = cb_text_short(field);

    return cb_error_set(err, CB_ERR_SYNTAX, "unexpected key '%s' in '%s'%s", short_key,
                        short_field, suggestion);
}

/* *NAME is the device's name as soon as a field has given it. */
static int take_field(const char *field, const char **name, int *required,
                      struct cb_error **err)
{
    const char *equals = strchr(field, '=');
    cb_autofree char *key =
        xstrndup(field, equals ? (size_t)(equals - field) : strlen(field));
    cb_autofree char *shown = cb_text_short(equals ? equals + 1 : field);
    int is_name = equals && strcasecmp(key, "name") == 0;

    if (strcasecmp(key, "required") == 0) {
        *required = 1;
        if (!equals || cb_parse_bool(equals + 1, required))
            return 0;
        return cb_error_set(err, CB_ERR_SYNTAX, "invalid value for required: %s", shown);
    }
    if (!*name) {
        *name = is_name ? equals + 1 : field;
        return 0;
    }
    if (is_name) {
        cb_autofree char *first = cb_text_short(*name);

        return cb_error_set(err, CB_ERR_SYNTAX, "device name already set to %s", first);
    }
    if (equals)
        return unknown_key(key, field, err);
    return cb_error_set(err, CB_ERR_SYNTAX, "invalid field '%s' must be a key=value pair",
                        shown);
}

static int parse(struct cb_run_device *out, struct cb_arena *arena, const char *value,
                 struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};
    const char *name = NULL;

    if (cb_csv_split(&fields, value, err) < 0)
        return cb_error_wrap(err, "failed to parse csv devices");
    for (size_t i = 0; i < fields.count; i++) {
        if (take_field(fields.items[i], &name, &out->required, err) < 0)
            return -1;
    }
    if (arena)
        out->name = cb_arena_strdup(arena, name ? name : "");
    return 0;
}

int cb_run_device_check(const char *value, struct cb_error **err)
{
    struct cb_run_device ignored = {0};

    return parse(&ignored, NULL, value, err);
}

int cb_run_device_parse(struct cb_run_device *out, struct cb_arena *arena,
                        const char *value, struct cb_error **err)
{
    *out = (struct cb_run_device){0};
    return parse(out, arena, value, err);
}
