/* --cache-from and --cache-to: `type=registry,ref=NAME,mode=max`, or a name alone. Keys
 * and defaults are BuildKit's (its README, "Export cache"). */
#include "engine/engine-priv.h"
#include <string.h>

/* One option while it is read. */
struct reading {
    const char *option; /* "--cache-to" */
    int export;
    struct cb_cache_location *out;
    char *ref, *dir;
    int typed;
};

static int set_type(struct reading *reading, const char *value, struct cb_error **err)
{
    static const struct {
        const char *name;
        enum cb_cache_type type;
    } types[] = {{"registry", CB_CACHE_REGISTRY},
                 {"local", CB_CACHE_LOCAL},
                 {"inline", CB_CACHE_INLINE}};

    for (size_t i = 0; i < CB_ARRAY_SIZE(types); i++) {
        if (strcmp(value, types[i].name) != 0)
            continue;
        reading->out->type = types[i].type;
        reading->typed = 1;
        return 0;
    }
    return cb_error_set(err, CB_ERR_UNSUPPORTED,
                        "cache type \"%s\": expected registry, local or inline", value);
}

static int set_mode(struct reading *reading, const char *value, struct cb_error **err)
{
    if (strcmp(value, "min") != 0 && strcmp(value, "max") != 0)
        return cb_error_set(err, CB_ERR_USAGE, "mode \"%s\": expected min or max", value);
    reading->out->max = value[1] == 'a';
    return 0;
}

static void replace(char **slot, const char *value)
{
    free(*slot);
    *slot = xstrdup(value);
}

static int set_export_field(struct reading *reading, const char *key, const char *value,
                            struct cb_error **err)
{
    struct cb_cache_location *out = reading->out;
    int reset = 0, ignored = 0;
    int form = cb_request_layer_form(&out->layers, key, value, err);

    if (form != 0)
        return form < 0 ? -1 : 0;
    if (strcmp(key, "dest") == 0) {
        replace(&reading->dir, value);
    } else if (strcmp(key, "mode") == 0) {
        return set_mode(reading, value, err);
    } else if (strcmp(key, "ignore-error") == 0) {
        return cb_request_flag(key, value, &out->ignore_error, err);
    } else if (strcmp(key, "deferred") == 0) {
        return cb_request_flag(key, value, &out->deferred, err);
    } else if (strcmp(key, "reset") == 0) {
        if (cb_request_flag(key, value, &reset, err) < 0)
            return -1;
        out->keep = !reset;
    } else if (strcmp(key, "image-manifest") == 0 || strcmp(key, "oci-mediatypes") == 0) {
        return cb_request_flag(key, value, &ignored, err);
    } else {
        return cb_error_set(err, CB_ERR_USAGE, "unexpected key \"%s\"", key);
    }
    return 0;
}

static int set_field(struct reading *reading, const char *key, const char *value,
                     struct cb_error **err)
{
    if (strcmp(key, "type") == 0)
        return set_type(reading, value, err);
    if (strcmp(key, "ref") == 0) {
        replace(&reading->ref, value);
        return 0;
    }
    if (strcmp(key, "tag") == 0) {
        replace(&reading->out->tag, value);
        return 0;
    }
    if (reading->export)
        return set_export_field(reading, key, value, err);
    if (strcmp(key, "src") == 0)
        replace(&reading->dir, value);
    else if (strcmp(key, "digest") == 0)
        return cb_digest_parse(&reading->out->digest, value, err);
    else
        return cb_error_set(err, CB_ERR_USAGE, "unexpected key \"%s\"", key);
    return 0;
}

static int split(struct reading *reading, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};

    if (cb_request_fields(text, &fields, err) < 0)
        return -1;
    if (fields.count == 1) {
        replace(&reading->ref, fields.items[0]);
        reading->typed = 1;
        return 0;
    }
    for (size_t i = 0; i < fields.count; i += 2) {
        if (set_field(reading, fields.items[i], fields.items[i + 1], err) < 0)
            return -1;
    }
    return 0;
}

static int check_reference(const char *ref, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    return cb_reference_parse(&reference, ref, err);
}

static int settle(struct reading *reading, struct cb_error **err)
{
    struct cb_cache_location *out = reading->out;

    if (!reading->typed)
        return cb_error_set(err, CB_ERR_USAGE, "type is missing");
    if (out->deferred && out->type != CB_CACHE_REGISTRY)
        return cb_error_set(err, CB_ERR_USAGE, "deferred=true is for type=registry");
    switch (out->type) {
    case CB_CACHE_REGISTRY:
        if (!reading->ref || !*reading->ref)
            return cb_error_set(err, CB_ERR_USAGE, "ref=NAME is missing");
        out->place = cb_steal(&reading->ref);
        return check_reference(out->place, err);
    case CB_CACHE_LOCAL:
        if (!reading->dir || !*reading->dir)
            return cb_error_set(err, CB_ERR_USAGE, "%s=DIRECTORY is missing",
                                reading->export ? "dest" : "src");
        out->place = cb_steal(&reading->dir);
        if (!out->tag)
            out->tag = xstrdup("latest");
        return 0;
    case CB_CACHE_INLINE:
        break;
    }
    if (!reading->export) {
        cb_error_set(err, CB_ERR_USAGE, "an inline cache is imported from its image");
        return cb_error_hint(err, "use type=registry,ref=IMAGE");
    }
    if (out->max) {
        cb_error_set(err, CB_ERR_USAGE, "an inline cache knows mode=min only");
        return cb_error_hint(err, "use type=registry or type=local with mode=max");
    }
    return 0;
}

int cb_request_cache_is_left_out(const char *text)
{
    cb_auto_value(cb_strings) fields = {0};

    if (cb_request_fields(text, &fields, NULL) < 0)
        return 0;
    for (size_t i = 0; i + 1 < fields.count; i += 2) {
        if (strcmp(fields.items[i], "type") == 0)
            return strcmp(fields.items[i + 1], "gha") == 0;
    }
    return 0;
}

static int parse(const char *option, int export, const char *text,
                 struct cb_cache_location *out, struct cb_error **err)
{
    struct reading reading = {.option = option, .export = export, .out = out};
    cb_auto(cb_error) error = NULL;
    int status = split(&reading, text, &error);

    if (status == 0)
        status = settle(&reading, &error);
    free(reading.ref);
    free(reading.dir);
    if (status == 0)
        return 0;
    cb_error_argument(err, text, option, "%s", cb_error_message(error));
    if (cb_error_hint_text(error))
        cb_error_hint(err, "%s", cb_error_hint_text(error));
    return -1;
}

int cb_request_caches(const char *option, int export, const struct cb_strings *texts,
                      struct cb_cache_locations *out, struct cb_error **err)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct cb_cache_location location = {
            .layers = {.compression = CB_COMPRESSION_GZIP, .any = 1}};

        if (cb_request_cache_is_left_out(texts->items[i]))
            continue;
        if (parse(option, export, texts->items[i], &location, err) < 0) {
            free(location.place);
            free(location.tag);
            return -1;
        }
        cb_vec_push(out, location);
    }
    return 0;
}
