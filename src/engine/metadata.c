/* --metadata-file: what a build made, under buildx's names. */
#include "engine/engine-priv.h"

#include "base/out-file.h"

#include <string.h>

static json_t *descriptor_json(const struct cb_descriptor *descriptor)
{
    char text[CB_DIGEST_MAX_TEXT];
    json_t *json = json_object();
    json_t *platform = json_object();

    json_object_set_new(json, "mediaType", json_string(descriptor->media_type));
    json_object_set_new(json, "digest",
                        json_string(cb_digest_text(&descriptor->digest, text)));
    json_object_set_new(json, "size", json_integer(descriptor->size));
    if (!*descriptor->platform.os) {
        json_decref(platform);
        return json;
    }
    json_object_set_new(platform, "architecture", json_string(descriptor->platform.arch));
    json_object_set_new(platform, "os", json_string(descriptor->platform.os));
    if (*descriptor->platform.variant)
        json_object_set_new(platform, "variant",
                            json_string(descriptor->platform.variant));
    json_object_set_new(json, "platform", platform);
    return json;
}

/* That of an image, no index, also says which configuration is in it. */
static json_t *target_json(const struct cb_outputs_result *result)
{
    json_t *json = descriptor_json(&result->target);
    json_t *annotations = json_object();
    char text[CB_DIGEST_MAX_TEXT];

    if (result->images.count == 1 && !result->is_attested)
        json_object_set_new(
            annotations, "config.digest",
            json_string(cb_digest_text(&result->images.items[0].id, text)));
    json_object_update(annotations, result->target.annotations);
    if (json_object_size(annotations))
        json_object_set(json, "annotations", annotations);
    json_decref(annotations);
    return json;
}

static json_t *metadata(const struct cb_checked_request *checked,
                        const struct cb_outputs_result *result)
{
    json_t *json = json_object();
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) list = {0};
    struct cb_digest id = cb_outputs_id(result);
    const struct cb_descriptor *target = &result->target;
    char text[CB_DIGEST_MAX_TEXT];

    if (!result->images.count)
        return json;
    if (result->images.count == 1)
        json_object_set_new(
            json, "containerimage.config.digest",
            json_string(cb_digest_text(&result->images.items[0].id, text)));
    if (target->media_type) {
        json_object_set_new(json, "containerimage.descriptor", target_json(result));
        id = target->digest;
    }
    /* An index that nobody wrote has no digest. */
    if (target->media_type || result->images.count == 1)
        json_object_set_new(json, "containerimage.digest",
                            json_string(cb_digest_text(&id, text)));
    cb_outputs_names(checked, NULL, &names);
    for (size_t i = 0; i < names.count; i++)
        cb_strbuf_addf(&list, "%s%s", i ? "," : "", names.items[i]);
    if (names.count)
        json_object_set_new(json, "image.name", json_string(cb_strbuf_text(&list)));
    return json;
}

static int add_provenance(json_t *json, const struct cb_checked_request *checked,
                          struct cb_attesting *attesting, struct cb_error **err)
{
    for (size_t i = 0; i < checked->platforms.count; i++) {
        cb_autofree char *platform = cb_platform_text(&checked->platforms.items[i]);
        cb_autofree char *key = checked->platforms.count > 1
                                    ? xasprintf("buildx.build.provenance/%s", platform)
                                    : xstrdup("buildx.build.provenance");
        json_t *predicate = NULL;

        if (cb_attesting_provenance(attesting, i, &predicate, err) < 0)
            return -1;
        if (predicate)
            json_object_set_new(json, key, predicate);
    }
    return 0;
}

int cb_outputs_write_metadata(const struct cb_metadata *what,
                              const struct cb_checked_request *checked,
                              const struct cb_outputs_result *result,
                              struct cb_error **err)
{
    cb_auto_json *json = metadata(checked, result);
    cb_autofree char *text = NULL;
    json_t *warnings = cb_warnings_json(what->warnings);
    int status = add_provenance(json, checked, what->attesting, err);

    if (*what->ref)
        json_object_set_new(json, "buildx.build.ref", json_string(what->ref));
    if (warnings)
        json_object_set_new(json, "buildx.build.warnings", warnings);
    text = json_dumps(json, JSON_INDENT(2));
    if (status == 0)
        status = cb_out_file_write(what->path, text, err);
    return status < 0 ? cb_error_wrap(err, "--metadata-file `%s`", what->path) : 0;
}
