/* What of a request says what is made: --tag, --build-arg, --label, --env, --unset and
 * --platform. */
#include "engine/request-priv.h"

#include "base/text.h"

#include <string.h>

/* The value is named once: from "invalid reference format" on. What has the form and
 * cannot be a tag is refused by docker's builder, not by its command line. */
static int invalid_tag(struct cb_error **err, const char *text, struct cb_error *cause)
{
    cb_auto(cb_error) owned = cause;
    const char *message = cb_error_message(cause);
    const char *tail = strstr(message, "invalid reference format");

    if (!tail)
        return cb_error_argument(err, text, "-t, --tag", "%s", message);
    return cb_error_flag(err, text, "-t, --tag", "%s", tail);
}

static int check_tag(struct cb_checked_request *out, const char *text,
                     struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    struct cb_error *cause = NULL;

    if (cb_reference_parse(&reference, text, &cause) < 0 ||
        cb_reference_check_tag(reference, &cause) < 0)
        return invalid_tag(err, text, cause);
    cb_reference_default_tag(reference);
    cb_strings_take(&out->names, cb_reference_canonical(reference));
    cb_strings_take(&out->familiar, cb_reference_familiar(reference));
    return 0;
}

static int check_name(const char *text, const char *option, struct cb_error **err)
{
    if (*text && *text != '=')
        return 0;
    return cb_error_flag(err, text, option, "a name is missing");
}

/* `--build-arg K` takes the value from the environment, and gives nothing when it is not
 * there. */
static int check_build_arg(struct cb_checked_request *out, const char *text,
                           struct cb_error **err)
{
    const char *equals = strchr(text, '=');
    cb_autofree char *name = xstrndup(text, strcspn(text, "="));
    const char *value = equals ? equals + 1 : NULL;

    if (check_name(text, "--build-arg", err) < 0)
        return -1;
    if (!value)
        value = getenv(name);
    if (value)
        cb_env_set(&out->build_args, name, value);
    return 0;
}

static int check_label(struct cb_checked_request *out, const char *text,
                       struct cb_error **err)
{
    size_t name_len = strcspn(text, "=");

    if (check_name(text, "--label", err) < 0)
        return -1;
    if (strcspn(text, " \t") < name_len)
        return cb_error_flag(err, text, "--label", "label '%.*s' contains whitespaces",
                             (int)name_len, text);
    if (strchr(text, '='))
        cb_strings_add(&out->labels, text);
    else
        cb_strings_addf(&out->labels, "%s=", text);
    return 0;
}

/* ── --platform ── */

static int add_platform(struct cb_checked_request *out, const char *whole,
                        const char *text, struct cb_error **err)
{
    struct cb_platform platform = cb_platform_host();
    struct cb_error *cause = NULL;

    if (strcmp(text, "local") != 0 && cb_platform_parse(&platform, text, &cause) < 0)
        return cb_request_invalid(err, whole, "--platform", cause);
    cb_vec_foreach (known, &out->platforms) {
        if (cb_platform_equal(known, &platform))
            return 0;
    }
    cb_vec_push(&out->platforms, platform);
    return 0;
}

/* The argument that makes one platform look as several do. */
static int wants_index(const struct cb_checked_request *out)
{
    const char *arg = cb_env_get(&out->build_args, "BUILDKIT_MULTI_PLATFORM");
    int value = 0;

    return arg && cb_parse_bool(arg, &value) && value;
}

/* In the order given, each once; none is this machine's. */
static int check_platforms(struct cb_checked_request *out, const char *text,
                           struct cb_error **err)
{
    const char *at = text;

    while (*text) {
        size_t len = strcspn(at, ",");
        cb_autofree char *one = xstrndup(at, len);

        if (add_platform(out, text, one, err) < 0)
            return -1;
        if (!at[len])
            break;
        at += len + 1;
    }
    return 0;
}

/* ── All of it ── */

int cb_request_image(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_error **err)
{
    if (cb_request_each(out, &request->tags, check_tag, err) < 0 ||
        cb_request_each(out, &request->build_args, check_build_arg, err) < 0 ||
        cb_request_each(out, &request->labels, check_label, err) < 0 ||
        cb_request_envs(out, request, err) < 0 ||
        cb_request_unset(&request->unsets, NULL, err) < 0 ||
        cb_request_each(out, &request->platforms, check_platforms, err) < 0)
        return -1;
    out->platform_given = out->platforms.count > 0;
    if (!out->platforms.count)
        add_platform(out, "", "local", NULL);
    out->as_index = out->platforms.count > 1 || wants_index(out);
    return 0;
}
