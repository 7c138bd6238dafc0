/* --attest, --provenance and --sbom, as buildx spells them: the latter two are short for
 * `--attest type=provenance,…` and `--attest type=sbom,…`, and the last of a type counts.
 * Nothing is made unless it is asked for: an index where a tool expects an image breaks
 * more than what it tells is worth to most. */
#include "engine/engine-priv.h"

#include "base/text.h"

#include <string.h>

void cb_attest_options_clear(struct cb_attest_options *options)
{
    free(options->builder_id);
    free(options->filename);
    free(options->generator);
    cb_strings_free(&options->parameters);
    *options = (struct cb_attest_options){0};
}

/* The last --provenance counts, and nothing of one before it. */
static void forget_provenance(struct cb_attest_options *options)
{
    struct cb_attest_options kept = {.sbom = options->sbom,
                                     .generator = cb_steal(&options->generator),
                                     .parameters = options->parameters};

    options->parameters = (struct cb_strings){0};
    cb_attest_options_clear(options);
    *options = kept;
}

static int set_mode(struct cb_attest_options *out, const char *value,
                    struct cb_error **err)
{
    if (strcmp(value, "min") && strcmp(value, "max") && strcmp(value, "full"))
        return cb_error_set(err, CB_ERR_USAGE, "mode \"%s\": expected min or max", value);
    out->min = !strcmp(value, "min");
    return 0;
}

static int set_version(struct cb_attest_options *out, const char *value,
                       struct cb_error **err)
{
    if (strcmp(value, "v1") && strcmp(value, "v0.2"))
        return cb_error_set(err, CB_ERR_USAGE, "version \"%s\": expected v0.2 or v1",
                            value);
    out->is_v02 = !strcmp(value, "v0.2");
    return 0;
}

static int set_filename(struct cb_attest_options *out, const char *value,
                        struct cb_error **err)
{
    if (!*value || strchr(value, '/') || !strcmp(value, ".") || !strcmp(value, ".."))
        return cb_error_set(err, CB_ERR_USAGE,
                            "filename \"%s\": expected the name of a file, without a "
                            "directory",
                            value);
    free(out->filename);
    out->filename = xstrdup(value);
    return 0;
}

static int set_provenance(struct cb_attest_options *out, const char *key,
                          const char *value, struct cb_error **err)
{
    if (strcmp(key, "mode") == 0)
        return set_mode(out, value, err);
    if (strcmp(key, "version") == 0)
        return set_version(out, value, err);
    if (strcmp(key, "filename") == 0)
        return set_filename(out, value, err);
    if (strcmp(key, "builder-id") == 0) {
        free(out->builder_id);
        out->builder_id = xstrdup(value);
        return 0;
    }
    if (strcmp(key, "reproducible") == 0)
        return cb_request_flag(key, value, &out->reproducible, err);
    if (strcmp(key, "inline-only") == 0)
        return cb_request_flag(key, value, &out->inline_only, err);
    if (strcmp(key, "complete-materials") == 0)
        return cb_request_flag(key, value, &out->must_be_complete, err);
    return cb_error_set(err, CB_ERR_USAGE, "unexpected key \"%s\"", key);
}

/* What is not ours to know is the generator's: it becomes a variable there. */
static int set_sbom(struct cb_attest_options *out, const char *key, const char *value,
                    struct cb_error **err)
{
    if (strcmp(key, "generator") == 0) {
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, value, err) < 0)
            return -1;
        free(out->generator);
        out->generator = xstrdup(value);
        return 0;
    }
    if (!*key)
        return cb_error_set(err, CB_ERR_USAGE, "expected key=value");
    cb_strings_add(&out->parameters, key);
    cb_strings_add(&out->parameters, value);
    return 0;
}

static int check_sbom(const struct cb_attest_options *options, struct cb_error **err)
{
    if (options->generator || !options->parameters.count)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "unexpected key \"%s\": without generator= there are none",
                        options->parameters.items[0]);
}

static void forget_generator(struct cb_attest_options *options)
{
    free(cb_steal(&options->generator));
    cb_strings_free(&options->parameters);
}

/* KEY and VALUE in turn, beside type and disabled. */
static int set_fields(struct cb_attest_options *out, int is_sbom,
                      const struct cb_strings *fields, struct cb_error **err)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        const char *key = fields->items[i], *value = fields->items[i + 1];

        if (strcmp(key, "type") == 0 || strcmp(key, "disabled") == 0)
            continue;
        if ((is_sbom ? set_sbom(out, key, value, err)
                     : set_provenance(out, key, value, err)) < 0)
            return -1;
    }
    return 0;
}

static int read_head(const struct cb_strings *fields, const char **type, int *disabled,
                     struct cb_error **err)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        if (strcmp(fields->items[i], "type") == 0)
            *type = fields->items[i + 1];
        else if (strcmp(fields->items[i], "disabled") == 0 &&
                 cb_request_flag("disabled", fields->items[i + 1], disabled, err) < 0)
            return -1;
    }
    if (!*type)
        return cb_error_set(err, CB_ERR_USAGE, "attestation type not specified");
    if (strcmp(*type, "provenance") == 0 || strcmp(*type, "sbom") == 0)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "unknown attestation type \"%s\": expected provenance or sbom",
                        *type);
}

static int apply(struct cb_attest_options *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};
    const char *type = NULL;
    int disabled = 0;

    if (cb_request_fields(text, &fields, err) < 0)
        return -1;
    if (fields.count == 1)
        return cb_error_set(err, CB_ERR_USAGE, "expected key=value");
    if (read_head(&fields, &type, &disabled, err) < 0)
        return -1;
    if (strcmp(type, "sbom") == 0) {
        out->sbom = !disabled;
        forget_generator(out);
        return set_fields(out, 1, &fields, err) < 0 ? -1 : check_sbom(out, err);
    }
    forget_provenance(out);
    out->provenance = !disabled;
    return set_fields(out, 0, &fields, err);
}

static int apply_named(struct cb_attest_options *out, const char *option,
                       const char *typed, const char *text, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (apply(out, text, &cause) == 0)
        return 0;
    if (cb_error_kind(cause) == CB_ERR_UNSUPPORTED)
        return cb_error_move(err, &cause);
    return cb_error_argument(err, typed, option, "%s", cb_error_message(cause));
}

/* `--provenance=true`, `--provenance=mode=min`. */
static int apply_short(struct cb_attest_options *out, const char *type, const char *typed,
                       struct cb_error **err)
{
    cb_autofree char *option = xasprintf("--%s", type);
    cb_autofree char *text = NULL;
    int wanted;

    if (!typed || !*typed)
        return 0;
    if (cb_parse_bool(typed, &wanted))
        text = xasprintf("type=%s,disabled=%s", type, wanted ? "false" : "true");
    else
        text = xasprintf("type=%s,%s", type, typed);
    return apply_named(out, option, typed, text, err);
}

/* What cannot hold them says so before anything is built. */
static int check_outputs(const struct cb_checked_request *checked, struct cb_error **err)
{
    cb_vec_foreach (output, &checked->outputs) {
        int is_index = output->push || output->type == CB_OUTPUT_OCI;

        if (output->type == CB_OUTPUT_DOCKER) {
            cb_error_set(err, CB_ERR_UNSUPPORTED,
                         "docker exporter does not currently support exporting manifest "
                         "lists, which attestations need");
            return cb_error_hint(err, "type=oci holds them");
        }
        if (is_index && output->docker_types)
            return cb_error_set(
                err, CB_ERR_USAGE,
                "cannot export attestations with \"oci-mediatypes=false\"");
    }
    return 0;
}

int cb_request_attestations(struct cb_checked_request *out,
                            const struct cb_build_request *request, struct cb_error **err)
{
    struct cb_attest_options *options = &out->attest;

    cb_vec_foreach (text, &request->attests) {
        if (apply_named(options, "--attest", *text, *text, err) < 0)
            return -1;
    }
    if (apply_short(options, "provenance", request->provenance, err) < 0 ||
        apply_short(options, "sbom", request->sbom, err) < 0)
        return -1;
    return options->provenance || options->sbom ? check_outputs(out, err) : 0;
}
