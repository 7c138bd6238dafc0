/* --build-context NAME=VALUE. NAME may end in ::PLATFORM. What VALUE is goes by how it
 * begins; a row per kind. Anything else is a directory, with the .dockerignore at its own
 * root, or, where there is none, a git repository or the URL of an archive. A mistake in
 * either half is told before anything is built. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "store/tar.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void context_clear(struct cb_named_context *context)
{
    free(context->name);
    free(context->platform);
    free(context->value);
    cb_context_unref(context->context);
    free(context->image);
    free(context->layout);
    free(context->tag);
    memset(context, 0, sizeof(*context));
}

void cb_named_contexts_clear(struct cb_named_contexts *contexts)
{
    cb_vec_foreach (context, contexts)
        context_clear(context);
    cb_vec_free(contexts);
}

/* ── Values ── */

static int open_image(struct cb_named_context *out, const char *reference,
                      struct cb_error **err)
{
    cb_auto(cb_reference) parsed = NULL;

    if (strcmp(reference, "scratch") != 0 &&
        cb_reference_parse(&parsed, reference, err) < 0)
        return cb_error_wrap(err, "%s", out->value);
    out->kind = CB_NAMED_IMAGE;
    out->image = xstrdup(reference);
    return 0;
}

static int is_tag(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 128 || strchr(".-", *text))
        return 0;
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr("_.-", *text))
            return 0;
    }
    return 1;
}

static int check_is_directory(const char *path, struct cb_error **err)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return cb_error_errno(err, errno, "open `%s`", path);
        return cb_error_set(err, CB_ERR_NOT_FOUND, "path \"%s\" not found", path);
    }
    return S_ISDIR(st.st_mode)
               ? 0
               : cb_error_set(err, CB_ERR_USAGE, "`%s` is not a directory", path);
}

/* A directory, or a tar of one. */
static int check_layout(const char *path, struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (stat(path, &st) < 0 || S_ISDIR(st.st_mode))
        return check_is_directory(path, err);
    fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0 && cb_tar_sniff(fd, CB_TAR_GZIP | CB_TAR_BZIP2 | CB_TAR_XZ | CB_TAR_ZSTD))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "`%s` is neither a directory nor a tar of an image layout", path);
}

/* DIR[:TAG][@DIGEST] */
static int open_layout(struct cb_named_context *out, const char *rest,
                       struct cb_error **err)
{
    char *at, *colon;

    out->kind = CB_NAMED_LAYOUT;
    out->layout = xstrdup(rest);
    at = strrchr(out->layout, '@');
    if (at && cb_digest_parse(&out->digest, at + 1, NULL) == 0)
        *at = '\0';
    else if (at && strncmp(at + 1, "sha", 3) == 0)
        return cb_digest_parse(&out->digest, at + 1, err);
    colon = strrchr(out->layout, ':');
    if (colon && is_tag(colon + 1)) {
        out->tag = xstrdup(colon + 1);
        *colon = '\0';
    }
    return check_layout(out->layout, err);
}

static int open_files(struct cb_named_context *out, const char *path,
                      struct cb_error **err)
{
    const struct cb_ignore_options ignore = {0};

    out->kind = CB_NAMED_FILES;
    if (check_is_directory(path, err) < 0 ||
        cb_context_open_local(&out->context, path, err) < 0 ||
        cb_context_load_ignore(out->context, &ignore, err) < 0)
        return -1;
    return 0;
}

/* All there is in it: nothing of it is ignored. */
static int open_remote(struct cb_named_context *out, const struct cb_remote *remote,
                       struct cb_error **err)
{
    out->kind = CB_NAMED_FILES;
    return cb_context_open_remote(&out->context, remote, out->value, NULL, NULL, err);
}

static int refuse_target(struct cb_named_context *out, const char *rest,
                         struct cb_error **err)
{
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "`%s`: targets are those of a bake file, there is none here",
                 out->value);
    return cb_error_hint(err,
                         "name a stage of the same Dockerfile as it is, and of another "
                         "its image: `cbuild build --target %s -t NAME`, then "
                         "docker-image://NAME",
                         rest);
}

/* `docker-image:x` would be taken for a directory. */
static int refuse_slashless(struct cb_named_context *out, const char *rest,
                            struct cb_error **err)
{
    size_t scheme = (size_t)(rest - out->value);

    cb_error_set(err, CB_ERR_USAGE, "`%s`: two slashes are missing", out->value);
    return cb_error_hint(err, "write `%.*s//%s`", (int)scheme, out->value, rest);
}

static const struct {
    const char *prefix;
    int (*open)(struct cb_named_context *out, const char *rest, struct cb_error **err);
} kinds[] = {
    {"docker-image://", open_image}, {"docker-image:", refuse_slashless},
    {"oci-layout://", open_layout},  {"oci-layout:", refuse_slashless},
    {"target:", refuse_target},      {"", open_files},
};

static int open_value(struct cb_named_context *out, const struct cb_remote *remote,
                      struct cb_error **err)
{
    struct stat st;

    if (stat(out->value, &st) < 0 && cb_context_is_remote(out->value))
        return open_remote(out, remote, err);
    for (size_t i = 0;; i++) {
        size_t len = strlen(kinds[i].prefix);

        if (strncmp(out->value, kinds[i].prefix, len) != 0)
            continue;
        if (kinds[i].open(out, out->value + len, err) < 0)
            return -1;
        break;
    }
    if (out->context && remote)
        cb_inputs_leave_out_store(out->context, out->value, cb_store_root(remote->store));
    return 0;
}

/* ── Names ── */

static int parse_name(struct cb_named_context *out, const char *text,
                      struct cb_error **err)
{
    const char *platform = strstr(text, "::");
    cb_autofree char *name =
        platform ? xstrndup(text, (size_t)(platform - text)) : xstrdup(text);
    struct cb_platform parsed;

    if (!*name)
        return cb_error_set(err, CB_ERR_USAGE, "a name is missing");
    if (cb_named_context_reserved(name))
        return cb_error_set(err, CB_ERR_USAGE, "`%s` always means itself", name);
    out->name = cb_named_context_key(name, err);
    if (!out->name)
        return cb_error_wrap(err, "invalid context name %s", name);
    if (!platform)
        return 0;
    if (cb_platform_parse(&parsed, platform + 2, err) < 0)
        return -1;
    out->platform = cb_platform_text(&parsed);
    return 0;
}

static int parse_option(struct cb_named_context *out, const char *text,
                        struct cb_error **err)
{
    const char *equals = strchr(text, '=');
    cb_autofree char *name = xstrndup(text, strcspn(text, "="));

    if (!equals || !equals[1]) {
        cb_error_set(err, CB_ERR_USAGE, "expected name=value");
        return cb_error_hint(err, "VALUE is a directory, a URL, a git repository, "
                                  "docker-image://REFERENCE or "
                                  "oci-layout://DIR[:TAG|@DIGEST]");
    }
    out->value = xstrdup(equals + 1);
    return parse_name(out, name, err);
}

/* The last one of a name counts, as with docker. */
static void add(struct cb_named_contexts *contexts, struct cb_named_context *context)
{
    cb_vec_foreach (known, contexts) {
        if (!strcmp(known->name, context->name) &&
            !strcmp(known->platform ? known->platform : "",
                    context->platform ? context->platform : "")) {
            context_clear(known);
            *known = *context;
            return;
        }
    }
    cb_vec_push(contexts, *context);
}

int cb_named_contexts_open(struct cb_named_contexts *out,
                           const struct cb_strings *options,
                           const struct cb_remote *remote, struct cb_error **err)
{
    cb_vec_foreach (text, options) {
        struct cb_named_context context = {0};
        cb_auto(cb_error) cause = NULL;

        if (parse_option(&context, *text, &cause) < 0) {
            context_clear(&context);
            cb_error_argument(err, *text, "--build-context", "%s",
                              cb_error_message(cause));
            return cb_error_hint_text(cause)
                       ? cb_error_hint(err, "%s", cb_error_hint_text(cause))
                       : -1;
        }
        if (open_value(&context, remote, err) < 0) {
            cb_error_wrap(err, "failed to get build context %s", context.name);
            context_clear(&context);
            return -1;
        }
        add(out, &context);
    }
    return 0;
}
