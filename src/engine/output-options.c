/* --output, --push and --load, as docker and BuildKit spell them (BuildKit's README,
 * "Output"): `type=local,dest=out`, `type=oci,dest=img.tar`, `-o out`, `-o -`. */
#include "engine/engine-priv.h"

#include <string.h>
#include <unistd.h>

void cb_output_clear(struct cb_output *output)
{
    free(output->dest);
    free(output->attest_prefix);
    free(output->dangling);
    cb_strings_free(&output->names);
    cb_annotations_free(&output->annotations);
    *output = (struct cb_output){0};
}

static const struct {
    const char *name;
    enum cb_output_type type;
    int push;
} types[] = {
    {"image", CB_OUTPUT_IMAGE, 0},       {"registry", CB_OUTPUT_IMAGE, 1},
    {"local", CB_OUTPUT_DIRECTORY, 0},   {"tar", CB_OUTPUT_TAR, 0},
    {"oci", CB_OUTPUT_OCI, 0},           {"docker", CB_OUTPUT_DOCKER, 0},
    {"cacheonly", CB_OUTPUT_NOTHING, 0},
};

static int set_type(struct cb_output *out, const char *value, struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(types); i++) {
        if (strcmp(value, types[i].name) != 0)
            continue;
        out->type = types[i].type;
        out->push |= types[i].push;
        return 0;
    }
    return cb_error_set(
        err, CB_ERR_USAGE,
        "type \"%s\": expected image, registry, local, tar, oci, docker or "
        "cacheonly",
        value);
}

static int add_names(struct cb_output *out, const char *value, struct cb_error **err)
{
    while (*value) {
        size_t len = strcspn(value, ",");
        cb_autofree char *name = xstrndup(value, len);
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, name, err) < 0)
            return -1;
        cb_reference_default_tag(reference);
        cb_strings_take(&out->names, cb_reference_canonical(reference));
        value += len + (value[len] == ',');
    }
    return 0;
}

/* A name without a tag: what is pushed there is known by its digest alone. */
static int set_dangling(struct cb_output *out, const char *value, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, value, err) < 0)
        return -1;
    if (reference->tag || cb_digest_is_set(&reference->digest))
        return cb_error_set(err, CB_ERR_USAGE,
                            "dangling-name-prefix \"%s\": a name has neither tag nor "
                            "digest",
                            value);
    free(out->dangling);
    out->dangling = cb_reference_canonical(reference);
    return 0;
}

static int set_mode(struct cb_output *out, const char *value, struct cb_error **err)
{
    if (strcmp(value, "copy") != 0 && strcmp(value, "delete") != 0)
        return cb_error_set(err, CB_ERR_USAGE, "mode \"%s\": expected copy or delete",
                            value);
    out->delete = *value == 'd';
    return 0;
}

/* annotation.KEY, annotation-TYPE.KEY, annotation[PLATFORM].KEY: 1 taken, 0 KEY is
 * another. */
static int set_annotation(struct cb_output *out, const char *key, const char *value,
                          struct cb_error **err)
{
    static const char word[] = "annotation";
    const char *type = key + strlen(word);
    const char *dot = strchr(key, '.');
    struct cb_annotation annotation;

    if (strncmp(key, word, strlen(word)) != 0 || !*type || !strchr(".-[", *type) || !dot)
        return 0;
    type += *type == '-';
    if (cb_annotation_type(&annotation, type, (size_t)(dot - type), err) < 0)
        return -1;
    cb_annotations_add(&out->annotations, &annotation, dot + 1, value);
    return 1;
}

/* ── Keys whose values are true or false ── */

#define AT(field) offsetof(struct cb_output, field)

/* A key may set several fields. */
static const struct {
    const char *key;
    size_t field;
    int is_opposite; /* the field is set to what the value is not */
} flags[] = {
    {"push", AT(push), 0},
    {"push-by-digest", AT(by_digest), 0},
    {"danging-name-empty-only", AT(dangling_if_unnamed), 0}, /* BuildKit's spelling */
    {"dangling-name-empty-only", AT(dangling_if_unnamed), 0},
    {"registry.insecure", AT(insecure), 0},
    {"rewrite-timestamp", AT(clamp_times), 0},
    {"rewrite-timestamp", AT(keep_times), 1},
    {"oci-artifact", AT(no_artifact), 1},
    {"oci-mediatypes", AT(docker_types), 1},
    {"tar", AT(layout), 1},
    {"platform-split", AT(split), 0},
    {"platform-split", AT(merge), 1},
};

#define NO_BUILDINFO                                                        \
    "BuildKit gave it up for provenance: --provenance=mode=max tells what " \
    "a build was made of"
#define ALWAYS_STORED "images are always kept, and unpacked when run"

/* Of these only one value is provided for. */
static const struct {
    const char *key;
    int value;
    const char *instead; /* of the other */
} fixed[] = {
    {"buildinfo", 0, NO_BUILDINFO},
    {"buildinfo-attrs", 0, NO_BUILDINFO},
    {"store", 1, ALWAYS_STORED},
    {"unpack", 1, ALWAYS_STORED},
};

/* 1: KEY is one of them. */
static int set_flag(struct cb_output *out, const char *key, const char *value,
                    struct cb_error **err)
{
    int found = 0, flag = 0;

    for (size_t i = 0; i < CB_ARRAY_SIZE(flags); i++) {
        if (strcmp(key, flags[i].key) != 0)
            continue;
        if (cb_request_flag(key, value, &flag, err) < 0)
            return -1;
        *(int *)((char *)out + flags[i].field) = flags[i].is_opposite ? !flag : flag;
        found = 1;
    }
    return found;
}

static int check_fixed(const char *key, const char *value, struct cb_error **err)
{
    int flag = 0;

    for (size_t i = 0; i < CB_ARRAY_SIZE(fixed); i++) {
        if (strcmp(key, fixed[i].key) != 0)
            continue;
        if (cb_request_flag(key, value, &flag, err) < 0)
            return -1;
        if (flag == fixed[i].value)
            return 1;
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "%s=%s: %s", key, value,
                            fixed[i].instead);
    }
    return 0;
}

static int set_flag_field(struct cb_output *out, const char *key, const char *value,
                          struct cb_error **err)
{
    int taken = set_flag(out, key, value, err);

    if (taken == 0)
        taken = check_fixed(key, value, err);
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    if (strcmp(key, "compatibility-version") == 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "%s=%s: images are not made as BuildKit's earlier versions "
                            "made them; the same inputs give the same bytes here",
                            key, value);
    return cb_error_set(err, CB_ERR_USAGE, "unexpected key \"%s\"", key);
}

/* ── All keys ── */

static int set_attest_prefix(struct cb_output *out, const char *value,
                             struct cb_error **err)
{
    if (strchr(value, '/'))
        return cb_error_set(err, CB_ERR_USAGE,
                            "attestation-prefix \"%s\": expected the beginning of a "
                            "file's name",
                            value);
    free(out->attest_prefix);
    out->attest_prefix = xstrdup(value);
    return 0;
}

static int set_field(struct cb_output *out, const char *key, const char *value,
                     struct cb_error **err)
{
    int taken = cb_request_layer_form(&out->layers, key, value, err);

    if (taken == 0)
        taken = set_annotation(out, key, value, err);
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    if (strcmp(key, "type") == 0)
        return set_type(out, value, err);
    if (strcmp(key, "name") == 0)
        return add_names(out, value, err);
    if (strcmp(key, "dangling-name-prefix") == 0)
        return set_dangling(out, value, err);
    if (strcmp(key, "mode") == 0)
        return set_mode(out, value, err);
    if (strcmp(key, "dest") == 0) {
        free(out->dest);
        out->dest = xstrdup(value);
        return 0;
    }
    if (strcmp(key, "attestation-prefix") == 0)
        return set_attest_prefix(out, value, err);
    return set_flag_field(out, key, value, err);
}

/* `-o DIR` is a directory, `-o -` a tar on standard output. */
static int set_word(struct cb_output *out, const char *word)
{
    out->type = strcmp(word, "-") == 0 ? CB_OUTPUT_TAR : CB_OUTPUT_DIRECTORY;
    out->dest = xstrdup(word);
    return 0;
}

static int settle(struct cb_output *out, int typed, struct cb_error **err)
{
    int to_file = out->type == CB_OUTPUT_TAR || out->type == CB_OUTPUT_OCI;

    if (!typed)
        return cb_error_set(err, CB_ERR_USAGE, "type is missing");
    if (out->dest && !*out->dest)
        return cb_error_set(err, CB_ERR_USAGE, "dest is empty");
    if (out->type == CB_OUTPUT_DOCKER && !out->dest)
        out->type = CB_OUTPUT_IMAGE;
    if (to_file && !out->dest)
        out->dest = xstrdup("-");
    if (out->type == CB_OUTPUT_DIRECTORY && !out->dest)
        return cb_error_set(err, CB_ERR_USAGE, "dest is required for local output");
    if (out->type == CB_OUTPUT_DIRECTORY && strcmp(out->dest, "-") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "a directory cannot be written to standard output");
    if (out->type == CB_OUTPUT_IMAGE && out->dest)
        return cb_error_set(err, CB_ERR_USAGE, "an image in the store has no dest");
    if (out->layout && ((out->type != CB_OUTPUT_OCI && out->type != CB_OUTPUT_DOCKER) ||
                        strcmp(out->dest, "-") == 0))
        return cb_error_set(
            err, CB_ERR_USAGE,
            "tar=false goes with type=oci or type=docker, and a dest directory");
    out->push |= out->by_digest;
    if (out->push && out->type != CB_OUTPUT_IMAGE)
        return cb_error_set(err, CB_ERR_USAGE, "only images can be pushed");
    return 0;
}

static int parse(struct cb_output *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};
    int typed = 0;

    out->layers = (struct cb_layer_form){.compression = CB_COMPRESSION_GZIP, .any = 1};
    if (cb_request_fields(text, &fields, err) < 0)
        return -1;
    if (fields.count == 1)
        return set_word(out, fields.items[0]);
    for (size_t i = 0; i < fields.count; i += 2) {
        typed |= strcmp(fields.items[i], "type") == 0;
        if (set_field(out, fields.items[i], fields.items[i + 1], err) < 0)
            return -1;
    }
    return settle(out, typed, err);
}

static int add_output(struct cb_checked_request *checked, const char *text,
                      const char *option, struct cb_error **err)
{
    struct cb_output output = {0};
    cb_auto(cb_error) error = NULL;

    if (parse(&output, text, &error) == 0) {
        cb_vec_push(&checked->outputs, output);
        return 0;
    }
    cb_output_clear(&output);
    return cb_error_argument(err, text, option, "%s", cb_error_message(error));
}

/* One stream can only go to one place. */
static int check_stdout(const struct cb_checked_request *checked, struct cb_error **err)
{
    int count = 0;

    cb_vec_foreach (output, &checked->outputs)
        count += output->dest && strcmp(output->dest, "-") == 0;
    if (count > 1)
        return cb_error_set(err, CB_ERR_USAGE,
                            "only one output can go to standard output");
    if (count && isatty(STDOUT_FILENO)) {
        cb_error_set(err, CB_ERR_USAGE, "refusing to write an archive to a terminal");
        return cb_error_hint(err, "name a file with dest=, or redirect the output");
    }
    return 0;
}

static int check_names(const struct cb_checked_request *checked, struct cb_error **err)
{
    cb_vec_foreach (output, &checked->outputs) {
        if (!output->push || checked->names.count || output->names.count ||
            output->dangling)
            continue;
        cb_error_set(err, CB_ERR_USAGE, "tag is needed when pushing to registry");
        return cb_error_hint(err, "give the image a name with -t");
    }
    return 0;
}

static void add_hosts(const struct cb_strings *names, struct cb_strings *hosts)
{
    cb_vec_foreach (name, names) {
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, *name, NULL) == 0)
            cb_strings_add_once(hosts, reference->host);
    }
}

static void settle_insecure(struct cb_checked_request *checked,
                            const struct cb_build_request *request)
{
    cb_strings_copy(&checked->insecure, &request->insecure);
    cb_vec_foreach (output, &checked->outputs) {
        const struct cb_strings dangling = {.items = &output->dangling,
                                            .count = output->dangling != NULL};

        if (!output->insecure)
            continue;
        add_hosts(&dangling, &checked->insecure);
        add_hosts(&checked->names, &checked->insecure);
        add_hosts(&output->names, &checked->insecure);
    }
}

/* The times of files are those of the layers, which all outputs share. */
static int settle_times(struct cb_checked_request *checked, struct cb_error **err)
{
    int clamp = 0;

    cb_vec_foreach (output, &checked->outputs) {
        clamp |= output->clamp_times;
        checked->keep_times |= output->keep_times;
    }
    if (!clamp || !checked->keep_times)
        return 0;
    cb_error_set(err, CB_ERR_USAGE,
                 "one output has rewrite-timestamp=true, another "
                 "rewrite-timestamp=false");
    return cb_error_hint(err, "they are made of the same layers: build once for each");
}

static int add_request_annotation(struct cb_checked_request *out, const char *text,
                                  struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (cb_annotations_parse(&out->annotations, text, &cause) == 0)
        return 0;
    return cb_error_argument(err, text, "--annotation", "%s", cb_error_message(cause));
}

/* Of a platform that is none of the build's an annotation would be lost. */
static int check_annotations(const struct cb_checked_request *checked,
                             const struct cb_annotations *annotations,
                             struct cb_error **err)
{
    cb_vec_foreach (annotation, annotations) {
        cb_autofree char *text = cb_platform_text(&annotation->platform);
        int known = !*annotation->platform.os;

        cb_vec_foreach (platform, &checked->platforms)
            known |= cb_platform_equal(platform, &annotation->platform);
        if (!known)
            return cb_error_set(err, CB_ERR_USAGE, "annotation `%s`: %s is not built",
                                annotation->key, text);
    }
    if (!checked->as_index && cb_annotations_need_index(annotations))
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "index annotations not supported for single platform export");
    return 0;
}

/* What one platform has not, and what several cannot be. */
static int check_platforms(const struct cb_checked_request *checked,
                           struct cb_error **err)
{
    if (check_annotations(checked, &checked->annotations, err) < 0)
        return -1;
    cb_vec_foreach (output, &checked->outputs) {
        if (check_annotations(checked, &output->annotations, err) < 0)
            return -1;
        if (!checked->as_index || output->type != CB_OUTPUT_DOCKER)
            continue;
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "docker exporter does not currently support exporting manifest "
                     "lists");
        return cb_error_hint(err, "type=oci holds all platforms");
    }
    return 0;
}

/* --push: the images that are made anyway, or one that is. */
static int add_push(struct cb_checked_request *checked, struct cb_error **err)
{
    int any = 0;

    cb_vec_foreach (output, &checked->outputs) {
        if (output->type == CB_OUTPUT_IMAGE)
            any = output->push = 1;
    }
    return any ? 0 : add_output(checked, "type=registry", "--push", err);
}

int cb_request_outputs(struct cb_checked_request *out,
                       const struct cb_build_request *request, struct cb_error **err)
{
    for (size_t i = 0; i < request->outputs.count; i++) {
        if (add_output(out, request->outputs.items[i], "-o, --output", err) < 0)
            return -1;
    }
    if ((request->push && add_push(out, err) < 0) ||
        ((request->load || !out->outputs.count) &&
         add_output(out, "type=image", "--load", err) < 0))
        return -1;
    for (size_t i = 0; i < request->annotations.count; i++) {
        if (add_request_annotation(out, request->annotations.items[i], err) < 0)
            return -1;
    }
    cb_vec_foreach (output, &out->outputs)
        output->docker_types |= request->docker_types && output->type == CB_OUTPUT_IMAGE;
    settle_insecure(out, request);
    if (check_stdout(out, err) < 0 || settle_times(out, err) < 0 ||
        check_platforms(out, err) < 0)
        return -1;
    return check_names(out, err);
}
