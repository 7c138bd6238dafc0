/* Content descriptors: what a document says about another blob. */
#include "oci/oci-priv.h"

#include <string.h>

#define MAX_MEDIA_TYPE 255

void cb_descriptor_free(struct cb_descriptor *descriptor)
{
    free(descriptor->media_type);
    json_decref(descriptor->annotations);
    *descriptor = (struct cb_descriptor){0};
}

void cb_descriptor_copy(struct cb_descriptor *to, const struct cb_descriptor *from)
{
    struct cb_descriptor copy = *from;

    copy.media_type = xstrdup(from->media_type);
    copy.annotations = json_incref(from->annotations);
    *to = copy;
}

int cb_annotations_read(json_t **out, const struct cb_json *json, struct cb_error **err)
{
    const char *key, *text;
    json_t *value;

    if (cb_json_expect_object(json, err) < 0)
        return -1;
    if (cb_json_is_absent(json)) {
        *out = NULL;
        return 0;
    }
    json_object_foreach(json->value, key, value)
    {
        struct cb_json member = cb_json_member(json, key);

        if (cb_json_required_string(&member, &text, err) < 0)
            return -1;
    }
    *out = json_incref(json->value);
    return 0;
}

static int read_media_type(char **out, const struct cb_json *descriptor,
                           struct cb_error **err)
{
    struct cb_json member = cb_json_member(descriptor, "mediaType");
    const char *text;

    if (cb_json_string(&member, &text, err) < 0)
        return -1;
    if (text && strlen(text) > MAX_MEDIA_TYPE)
        return cb_json_fail(&member, err, "longer than %d characters", MAX_MEDIA_TYPE);
    *out = xstrdup(text ? text : "");
    return 0;
}

int cb_descriptor_read(struct cb_descriptor *out, const struct cb_json *json,
                       struct cb_error **err)
{
    cb_auto_value(cb_descriptor) descriptor = {0};
    struct cb_json size, digest, platform, annotations;

    if (cb_json_is_absent(json))
        return cb_json_fail(json, err, "missing");
    if (cb_json_expect_object(json, err) < 0)
        return -1;
    size = cb_json_member(json, "size");
    digest = cb_json_member(json, "digest");
    platform = cb_json_member(json, "platform");
    annotations = cb_json_member(json, "annotations");
    if (cb_json_required_unsigned(&size, &descriptor.size, err) < 0 ||
        cb_json_required_digest(&digest, &descriptor.digest, err) < 0 ||
        read_media_type(&descriptor.media_type, json, err) < 0 ||
        cb_json_expect_object(&platform, err) < 0 ||
        cb_platform_read(&descriptor.platform, &platform, err) < 0 ||
        cb_annotations_read(&descriptor.annotations, &annotations, err) < 0)
        return -1;
    *out = descriptor;
    descriptor = (struct cb_descriptor){0};
    return 0;
}

int cb_descriptor_list_read(struct cb_descriptor_list *out, const struct cb_json *array,
                            size_t max, struct cb_error **err)
{
    size_t count;

    if (cb_json_count(array, max, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(array, i);
        struct cb_descriptor descriptor;

        if (cb_descriptor_read(&descriptor, &item, err) < 0)
            return -1;
        cb_vec_push(out, descriptor);
    }
    return 0;
}

static void write_features(struct cb_writer *writer, const char *features)
{
    cb_auto_value(cb_strings) list = {0};

    while (*features) {
        size_t len = strcspn(features, ",");

        cb_strings_take(&list, xstrndup(features, len));
        features += len + (features[len] != '\0');
    }
    cb_writer_strings(writer, "os.features", &list);
}

static void write_platform(struct cb_writer *writer, const struct cb_platform *platform)
{
    if (!platform->os[0])
        return;
    cb_writer_open(writer, "platform", '{');
    cb_writer_string(writer, "architecture", platform->arch);
    cb_writer_string(writer, "os", platform->os);
    cb_writer_string(writer, "os.version", platform->os_version);
    write_features(writer, platform->os_features);
    cb_writer_string(writer, "variant", platform->variant);
    cb_writer_close(writer, '}');
}

void cb_descriptor_write(struct cb_writer *writer, const char *key,
                         const struct cb_descriptor *descriptor)
{
    cb_writer_open(writer, key, '{');
    cb_writer_string(writer, "mediaType", descriptor->media_type);
    cb_writer_digest(writer, "digest", &descriptor->digest);
    cb_writer_int(writer, "size", descriptor->size);
    cb_writer_sorted(writer, "annotations", descriptor->annotations);
    write_platform(writer, &descriptor->platform);
    cb_writer_close(writer, '}');
}
