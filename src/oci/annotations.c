/* Annotations on their way into documents: which document's each is, and of which
 * platform. */
#include "oci/oci.h"

#include <string.h>

static const struct {
    const char *name;
    enum cb_annotation_level level;
    int of_platform; /* one for each */
} levels[] = {
    {"manifest", CB_ANNOTATION_MANIFEST, 1},
    {"index", CB_ANNOTATION_INDEX, 0},
    {"manifest-descriptor", CB_ANNOTATION_MANIFEST_ENTRY, 1},
    {"index-descriptor", CB_ANNOTATION_INDEX_ENTRY, 0},
};

static int set_level(struct cb_annotation *out, const char *name, int has_platform,
                     struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(levels); i++) {
        if (strcmp(levels[i].name, name) != 0)
            continue;
        if (has_platform && !levels[i].of_platform)
            return cb_error_set(err, CB_ERR_USAGE,
                                "annotation type %s is of no single platform", name);
        out->level = levels[i].level;
        return 0;
    }
    return cb_error_set(err, CB_ERR_USAGE,
                        "unknown annotation type \"%s\": expected manifest, index, "
                        "manifest-descriptor or index-descriptor",
                        name);
}

int cb_annotation_type(struct cb_annotation *out, const char *text, size_t len,
                       struct cb_error **err)
{
    cb_autofree char *name = xstrndup(text, len);
    char *open = strchr(name, '[');

    out->level = CB_ANNOTATION_MANIFEST;
    memset(&out->platform, 0, sizeof(out->platform));
    if (open) {
        if (name[len - 1] != ']')
            return cb_error_set(err, CB_ERR_USAGE,
                                "annotation type \"%s\": `]` is missing", name);
        name[len - 1] = '\0';
        if (cb_platform_parse(&out->platform, open + 1, err) < 0)
            return -1;
        *open = '\0';
    }
    return *name ? set_level(out, name, open != NULL, err) : 0;
}

void cb_annotations_add(struct cb_annotations *list, const struct cb_annotation *type,
                        const char *key, const char *value)
{
    struct cb_annotation one = *type;

    one.key = xstrdup(key);
    one.value = xstrdup(value);
    cb_vec_push(list, one);
}

void cb_annotations_free(struct cb_annotations *list)
{
    cb_vec_foreach (one, list) {
        free(one->key);
        free(one->value);
    }
    cb_vec_free(list);
}

int cb_annotations_parse(struct cb_annotations *out, const char *text,
                         struct cb_error **err)
{
    const char *equals = strchr(text, '=');
    const char *colon = strchr(text, ':');
    cb_autofree char *key = NULL;

    if (!equals || equals == text)
        return cb_error_set(err, CB_ERR_USAGE, "expected key=value");
    if (colon && colon > equals)
        colon = NULL;
    key = colon ? xstrndup(colon + 1, (size_t)(equals - colon - 1))
                : xstrndup(text, (size_t)(equals - text));
    if (!*key)
        return cb_error_set(err, CB_ERR_USAGE, "expected key=value");
    for (const char *at = text;;) {
        size_t len = colon ? strcspn(at, ",:") : 0;
        struct cb_annotation annotation;

        if (cb_annotation_type(&annotation, at, len, err) < 0)
            return -1;
        cb_annotations_add(out, &annotation, key, equals + 1);
        at += len;
        if (!colon || at == colon)
            return 0;
        at++;
    }
}

void cb_annotations_copy(struct cb_annotations *to, const struct cb_annotations *from)
{
    cb_vec_foreach (one, from)
        cb_annotations_add(to, one, one->key, one->value);
}

int cb_annotations_need_index(const struct cb_annotations *list)
{
    cb_vec_foreach (one, list) {
        if (one->level == CB_ANNOTATION_INDEX || one->level == CB_ANNOTATION_INDEX_ENTRY)
            return 1;
    }
    return 0;
}

json_t *cb_annotations_json(const struct cb_annotations *list,
                            enum cb_annotation_level level,
                            const struct cb_platform *platform)
{
    json_t *json = NULL;

    if (!list)
        return NULL;
    cb_vec_foreach (one, list) {
        if (one->level != level ||
            (*one->platform.os &&
             (!platform || !cb_platform_equal(&one->platform, platform))))
            continue;
        if (!json)
            json = json_object();
        json_object_set_new(json, one->key, json_string(one->value));
    }
    return json;
}
