/* Where a build's files come from. PATH is a directory opened once; "-" is standard
 * input; what is no directory but a URL or a git repository is fetched. */
#include "engine/engine-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void cb_inputs_clear(struct cb_inputs *inputs)
{
    cb_source_unref(inputs->dockerfile);
    cb_context_unref(inputs->context);
    cb_named_contexts_clear(&inputs->contexts);
}

/* ── A directory ── */

static int check_directory(const char *path, struct cb_error **err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? cb_error_set(err, CB_ERR_NOT_FOUND,
                                  "unable to prepare context: path \"%s\" not found",
                                  path)
                   : cb_error_errno(err, errno, "unable to prepare context: `%s`", path);
    if (S_ISDIR(st.st_mode))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "unable to prepare context: `%s` is not a directory", path);
}

int cb_inputs_load_ignore(struct cb_context *context,
                          const struct cb_build_request *request, const char *beside,
                          struct cb_error **err)
{
    struct cb_ignore_options options = {.dockerfile = beside,
                                        .file = request->ignorefile};

    if (cb_ignore_syntax_parse(&options.syntax, request->ignore_syntax, err) < 0)
        return -1;
    return cb_context_load_ignore(context, &options, err);
}

/* Where the store is below PATH; NULL: it is not. Caller frees. */
static char *store_below(const char *path, const char *store_root)
{
    cb_autofree char *directory = realpath(path, NULL);
    cb_autofree char *root = realpath(store_root, NULL);
    size_t len = directory ? strlen(directory) : 0;

    if (!root || !len || strncmp(root, directory, len))
        return NULL;
    len -= directory[len - 1] == '/';
    return root[len] == '/' ? xstrdup(root + len + 1) : NULL;
}

void cb_inputs_leave_out_store(struct cb_context *context, const char *directory,
                               const char *store_root)
{
    cb_autofree char *path = store_below(directory, store_root);

    if (path)
        cb_context_leave_out(context, path, "cbuild's store");
}

int cb_engine_open_directory(struct cb_context **out,
                             const struct cb_build_request *request,
                             const char *store_root, struct cb_error **err)
{
    cb_auto(cb_context) context = NULL;
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *beside = NULL;
    const char *dockerfile = request->dockerfile;
    const char *name = NULL;
    int found = 0;

    if (check_directory(request->context, err) < 0 ||
        cb_context_open_local(&context, request->context, err) < 0)
        return -1;
    if (!dockerfile)
        found = cb_dockerfile_find(context, &name, &text, err);
    if (found < 0)
        return -1;
    if (found)
        beside = cb_path_join(request->context, name);
    else if (dockerfile && !cb_is_stdin(dockerfile))
        beside = xstrdup(dockerfile);
    if (cb_inputs_load_ignore(context, request, beside, err) < 0)
        return -1;
    cb_inputs_leave_out_store(context, request->context, store_root);
    *out = cb_steal(&context);
    return 0;
}

static int open_directory(struct cb_inputs *out, const struct cb_engine_env *env,
                          const struct cb_build_request *request,
                          const struct cb_remote *remote, struct cb_error **err)
{
    const char *dockerfile = request->dockerfile;
    int fetched = dockerfile && cb_is_url(dockerfile);
    cb_autofree char *beside = NULL;
    int rc;

    if (check_directory(request->context, err) < 0 ||
        cb_context_open_local(&out->context, request->context, err) < 0)
        return -1;
    if (cb_is_stdin(dockerfile))
        rc = cb_dockerfile_read_stdin(out, env, err);
    else if (fetched)
        rc = cb_dockerfile_read_url(out, remote, dockerfile, err);
    else
        rc = dockerfile ? cb_dockerfile_read_named(out, dockerfile, err)
                        : cb_dockerfile_read_default(out, err);
    if (rc < 0)
        return -1;
    if (dockerfile && !cb_is_stdin(dockerfile) && !fetched)
        beside = xstrdup(dockerfile);
    else if (!dockerfile)
        beside = cb_path_join(request->context, cb_source_name(out->dockerfile));
    if (cb_inputs_load_ignore(out->context, request, beside, err) < 0)
        return -1;
    cb_inputs_leave_out_store(out->context, request->context, cb_store_root(env->store));
    return 0;
}

/* ── A URL or git repository ── */

/* Of a remote context -f is a path in it, unless it is absolute. */
static int read_dockerfile(struct cb_inputs *out, const struct cb_engine_env *env,
                           const struct cb_remote *remote, const char *path,
                           struct cb_error **err)
{
    if (!path)
        return cb_dockerfile_read_default(out, err);
    if (cb_is_stdin(path))
        return cb_dockerfile_read_stdin(out, env, err);
    if (cb_is_url(path))
        return cb_dockerfile_read_url(out, remote, path, err);
    return *path == '/' ? cb_dockerfile_read_named(out, path, err)
                        : cb_dockerfile_read_member(out, path, err);
}

/* An image that says when it was made gets files that say so, too. */
static struct cb_git_wishes wishes_of(const struct cb_strings *build_args)
{
    const char *keep = cb_env_get(build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR");
    const char *epoch = cb_env_get(build_args, "SOURCE_DATE_EPOCH");

    return (struct cb_git_wishes){
        .keep_git_dir = keep && (!strcmp(keep, "1") || !strcasecmp(keep, "true")),
        .commit_times = epoch && *epoch};
}

static int open_remote(struct cb_inputs *out, const struct cb_engine_env *env,
                       const struct cb_build_request *request,
                       const struct cb_remote *remote, struct cb_error **err)
{
    const struct cb_git_wishes wishes = wishes_of(&request->build_args);
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_context_open_remote(&out->context, remote, request->context, &wishes, &text,
                               err) < 0)
        return -1;
    if (cb_context_root_fd(out->context) >= 0)
        return read_dockerfile(out, env, remote, request->dockerfile, err);
    if (request->dockerfile)
        return cb_error_set(err, CB_ERR_USAGE,
                            "-f %s: what the URL delivers is no archive it could be a "
                            "member of",
                            request->dockerfile);
    cb_dockerfile_set(out, "Dockerfile", &text);
    return 0;
}

static int is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* A Dockerfile from elsewhere counts as one at the context's root. */
static int include(struct cb_inputs *out, const struct cb_build_request *request,
                   struct cb_error **err)
{
    const char *given = request->dockerfile;
    const int is_remote = cb_context_origin(out->context) != NULL;
    struct cb_include_place place = {.path = given};

    if (!given)
        place.path = cb_source_name(out->dockerfile);
    else if (cb_is_stdin(given) || cb_is_url(given))
        place.path = NULL;
    else
        place.on_host = !cb_is_stdin(request->context) && (!is_remote || *given == '/');
    return cb_frontend_include(&out->dockerfile, out->context, &place, err);
}

static int open_context(struct cb_inputs *out, const struct cb_engine_env *env,
                        const struct cb_build_request *request,
                        const struct cb_remote *remote, struct cb_error **err)
{
    if (cb_is_stdin(request->context))
        return cb_inputs_open_stdin(out, env, request, err);
    if (!is_there(request->context) && cb_context_is_remote(request->context))
        return open_remote(out, env, request, remote, err);
    return open_directory(out, env, request, remote, err);
}

int cb_inputs_open(struct cb_inputs *out, const struct cb_engine_env *env,
                   const struct cb_build_request *request, const struct cb_remote *remote,
                   struct cb_error **err)
{
    if (!request->context || !*request->context)
        return cb_error_set(err, CB_ERR_USAGE, "a context is needed: a directory, or -");
    if (cb_named_contexts_open(&out->contexts, &request->contexts, remote, err) < 0 ||
        open_context(out, env, request, remote, err) < 0)
        return -1;
    return include(out, request, err);
}
