/* Which text is the Dockerfile. -f names a file relative to the current directory (or
 * inside an archive), "-" standard input. Without it the context's Dockerfile is read,
 * then dockerfile, as docker does; last Containerfile, podman's name for it. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/input.h"

#include <string.h>

const char *const cb_dockerfile_names[] = {"Dockerfile", "dockerfile", "Containerfile",
                                           NULL};

void cb_dockerfile_set(struct cb_inputs *out, const char *name,
                       const struct cb_strbuf *text)
{
    out->dockerfile = cb_source_new(name, cb_strbuf_text(text), text->len);
}

static int missing(const char *name, int named, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "failed to read dockerfile: open %s: no such file or directory", name);
    return named ? cb_error_hint(err, "-f, --file is relative to the current directory")
                 : cb_error_hint(err, "name another file with -f, or another directory");
}

int cb_dockerfile_find(struct cb_context *context, const char **name,
                       struct cb_strbuf *text, struct cb_error **err)
{
    for (const char *const *at = cb_dockerfile_names; *at; at++) {
        int found = cb_context_read(context, *at, text, err);

        if (found < 0)
            return cb_error_wrap(err, "failed to read dockerfile");
        if (found) {
            *name = *at;
            return 1;
        }
    }
    return 0;
}

int cb_dockerfile_read_default(struct cb_inputs *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *name = NULL;
    int found = cb_dockerfile_find(out->context, &name, &text, err);

    if (found > 0)
        cb_dockerfile_set(out, name, &text);
    else if (found == 0)
        return missing("Dockerfile", 0, err);
    return found > 0 ? 0 : -1;
}

/* 1/0, not there. */
static int read_host(struct cb_inputs *out, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) cause = NULL;

    if (cb_fs_read_given(path, CB_DOCKERFILE_MAX_BYTES, &text, &cause) == 0) {
        cb_dockerfile_set(out, path, &text);
        return 1;
    }
    if (cb_error_kind(cause) == CB_ERR_NOT_FOUND)
        return 0;
    cb_error_move(err, &cause);
    return cb_error_wrap(err, "failed to read dockerfile");
}

/* `-f dir/Dockerfile` finds dir/dockerfile, too. */
int cb_dockerfile_read_named(struct cb_inputs *out, const char *path,
                             struct cb_error **err)
{
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    cb_autofree char *lower = xasprintf("%.*sdockerfile", (int)dir, path);
    int found = read_host(out, path, err);

    if (found == 0 && !strcmp(path + dir, "Dockerfile"))
        found = read_host(out, lower, err);
    if (found == 0)
        return missing(path, 1, err);
    return found > 0 ? 0 : -1;
}

/* -f names a member of the archive. */
int cb_dockerfile_read_member(struct cb_inputs *out, const char *path,
                              struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    int found = cb_context_read(out->context, path, &text, err);

    if (found < 0)
        return cb_error_wrap(err, "failed to read dockerfile");
    if (!found)
        return cb_error_set(
            err, CB_ERR_NOT_FOUND,
            "failed to read dockerfile: open %s: no such file or directory", path);
    cb_dockerfile_set(out, path, &text);
    return 0;
}

int cb_dockerfile_read_stdin(struct cb_inputs *out, const struct cb_engine_env *env,
                             struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_input_read_all(env->stdin_fd, env->cancel, CB_DOCKERFILE_MAX_BYTES, &text,
                          err) < 0)
        return cb_error_wrap(err, "failed to read dockerfile from standard input");
    cb_dockerfile_set(out, "Dockerfile", &text);
    return 0;
}

int cb_dockerfile_read_url(struct cb_inputs *out, const struct cb_remote *remote,
                           const char *url, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_url_read(remote, url, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "failed to read dockerfile");
    cb_dockerfile_set(out, "Dockerfile", &text);
    return 0;
}
