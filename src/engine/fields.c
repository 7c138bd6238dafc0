/* Options of the form key=value,key=value: --cache-to, --output and their like. */
#include "engine/engine-priv.h"

#include "base/text.h"

#include <string.h>

int cb_request_fields(const char *text, struct cb_strings *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};

    if (cb_csv_split(&fields, text, err) < 0)
        return -1;
    if (fields.count == 1 && !strchr(fields.items[0], '=')) {
        cb_strings_add(out, fields.items[0]);
        return 0;
    }
    for (size_t i = 0; i < fields.count; i++) {
        char *equals = strchr(fields.items[i], '=');

        if (!equals)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid field \"%s\": expected key=value",
                                fields.items[i]);
        *equals = '\0';
        cb_strings_add(out, fields.items[i]);
        cb_strings_add(out, equals + 1);
    }
    return 0;
}

int cb_request_flag(const char *key, const char *value, int *out, struct cb_error **err)
{
    if (cb_parse_bool(value, out))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "%s \"%s\": expected true or false", key,
                        value);
}

static int set_compression(struct cb_layer_form *form, const char *value,
                           struct cb_error **err)
{
    if (cb_compression_parse(&form->compression, value))
        return 1;
    return cb_error_set(err, CB_ERR_USAGE,
                        "compression \"%s\": expected gzip, zstd or uncompressed", value);
}

static int set_level(struct cb_layer_form *form, const char *value, struct cb_error **err)
{
    char *end;
    long level = strtol(value, &end, 10);

    if (!*value || *end || level < 0 || level > 22)
        return cb_error_set(err, CB_ERR_USAGE,
                            "compression-level \"%s\": expected 0 to 22", value);
    form->level = (int)level;
    return 1;
}

int cb_request_layer_form(struct cb_layer_form *form, const char *key, const char *value,
                          struct cb_error **err)
{
    if (strcmp(key, "compression") == 0)
        return set_compression(form, value, err);
    if (strcmp(key, "compression-level") == 0)
        return set_level(form, value, err);
    if (strcmp(key, "force-compression") != 0)
        return 0;
    if (cb_request_flag(key, value, &form->force, err) < 0)
        return -1;
    return 1;
}
