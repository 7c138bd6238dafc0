/* Where a build's text and files come from. PATH is a directory opened once; "-" is
 * standard input: a tar archive by its first bytes, else a Dockerfile with no context at
 * all; what is no directory but a URL or a git repository is fetched. -f names a file
 * relative to the current directory (or inside the archive), "-" standard input. Without
 * it the context's Dockerfile is read, then dockerfile, as docker does; last
 * Containerfile, podman's name for it. */
#include "engine/engine-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SNIFF_BYTES 1024

void cb_inputs_clear(struct cb_inputs *inputs)
{
    cb_source_unref(inputs->dockerfile);
    cb_context_unref(inputs->context);
    cb_named_contexts_clear(&inputs->contexts);
}

static int is_stdin(const char *text)
{
    return text && !strcmp(text, "-");
}

static void set_dockerfile(struct cb_inputs *out, const char *name,
                           const struct cb_strbuf *text)
{
    out->dockerfile = cb_source_new(name, cb_strbuf_text(text), text->len);
}

/* ── The Dockerfile ── */

static int missing(const char *name, int named, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "failed to read dockerfile: open %s: no such file or directory", name);
    return named ? cb_error_hint(err, "-f is relative to the current directory")
                 : cb_error_hint(err, "name another file with -f, or another directory");
}

/* 1: *NAME is the one of the default names that the context has, TEXT its text; 0. */
static int find_default(struct cb_context *context, const char **name,
                        struct cb_strbuf *text, struct cb_error **err)
{
    static const char *const names[] = {"Dockerfile", "dockerfile", "Containerfile"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        int found = cb_context_read(context, names[i], text, err);

        if (found < 0)
            return cb_error_wrap(err, "failed to read dockerfile");
        if (found) {
            *name = names[i];
            return 1;
        }
    }
    return 0;
}

static int read_default(struct cb_inputs *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *name = NULL;
    int found = find_default(out->context, &name, &text, err);

    if (found > 0)
        set_dockerfile(out, name, &text);
    else if (found == 0)
        return missing("Dockerfile", 0, err);
    return found > 0 ? 0 : -1;
}

/* 1/0, not there. */
static int read_host(struct cb_inputs *out, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) cause = NULL;

    if (cb_fs_read_file(AT_FDCWD, path, CB_DOCKERFILE_MAX_BYTES, &text, &cause) == 0) {
        set_dockerfile(out, path, &text);
        return 1;
    }
    if (cb_error_kind(cause) == CB_ERR_NOT_FOUND)
        return 0;
    cb_error_move(err, &cause);
    return cb_error_wrap(err, "failed to read dockerfile");
}

/* `-f dir/Dockerfile` finds dir/dockerfile, too. */
static int read_named(struct cb_inputs *out, const char *path, struct cb_error **err)
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
static int read_member(struct cb_inputs *out, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    int found = cb_context_read(out->context, path, &text, err);

    if (found < 0)
        return cb_error_wrap(err, "failed to read dockerfile");
    if (!found)
        return cb_error_set(
            err, CB_ERR_NOT_FOUND,
            "failed to read dockerfile: open %s: no such file or directory", path);
    set_dockerfile(out, path, &text);
    return 0;
}

static int read_stdin(struct cb_inputs *out, int fd, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_fd(fd, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "failed to read dockerfile from standard input");
    set_dockerfile(out, "Dockerfile", &text);
    return 0;
}

static int read_url(struct cb_inputs *out, const struct cb_remote *remote,
                    const char *url, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_url_read(remote, url, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "failed to read dockerfile");
    set_dockerfile(out, "Dockerfile", &text);
    return 0;
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

/* BESIDE: the Dockerfile's path on the host, or NULL. */
static int load_ignore(struct cb_context *context, const struct cb_build_request *request,
                       const char *beside, struct cb_error **err)
{
    struct cb_ignore_options options = {.dockerfile = beside,
                                        .file = request->ignorefile};

    if (cb_ignore_syntax_parse(&options.syntax, request->ignore_syntax, err) < 0)
        return -1;
    return cb_context_load_ignore(context, &options, err);
}

int cb_engine_open_directory(struct cb_context **out,
                             const struct cb_build_request *request,
                             struct cb_error **err)
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
        found = find_default(context, &name, &text, err);
    if (found < 0)
        return -1;
    if (found)
        beside = cb_path_join(request->context, name);
    else if (dockerfile && !is_stdin(dockerfile))
        beside = xstrdup(dockerfile);
    if (load_ignore(context, request, beside, err) < 0)
        return -1;
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
    if (is_stdin(dockerfile))
        rc = read_stdin(out, env->stdin_fd, err);
    else if (fetched)
        rc = read_url(out, remote, dockerfile, err);
    else
        rc = dockerfile ? read_named(out, dockerfile, err) : read_default(out, err);
    if (rc < 0)
        return -1;
    if (dockerfile && !is_stdin(dockerfile) && !fetched)
        beside = xstrdup(dockerfile);
    else if (!dockerfile)
        beside = cb_path_join(request->context, cb_source_name(out->dockerfile));
    return load_ignore(out->context, request, beside, err);
}

/* ── Standard input ── */

static int is_archive(const unsigned char *bytes, size_t len)
{
    static const struct {
        const char *magic;
        size_t len, at;
    } known[] = {
        {"\x1f\x8b\x08", 3, 0},
        {"BZh", 3, 0},
        {"\xfd"
         "7zXZ\0",
         6, 0},
        {"\x28\xb5\x2f\xfd", 4, 0},
        {"ustar", 5, 257},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(known); i++) {
        if (len >= known[i].at + known[i].len &&
            !memcmp(bytes + known[i].at, known[i].magic, known[i].len))
            return 1;
    }
    return 0;
}

static int read_head(int fd, unsigned char *bytes, size_t *len, struct cb_error **err)
{
    *len = 0;
    while (*len < SNIFF_BYTES) {
        ssize_t got = read(fd, bytes + *len, SNIFF_BYTES - *len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read standard input");
        if (got == 0)
            return 0;
        *len += (size_t)got;
    }
    return 0;
}

/* The archive reader wants the bytes from the start: what cannot be rewound goes through
 * a scratch file. */
static int open_archive(struct cb_inputs *out, const struct cb_engine_env *env,
                        const unsigned char *head, size_t head_len, struct cb_error **err)
{
    cb_auto(cb_scratch) scratch = NULL;
    cb_autofd int spool = -1;

    if (lseek(env->stdin_fd, -(off_t)head_len, SEEK_CUR) >= 0)
        return cb_context_open_tar(&out->context, env->store, env->stdin_fd, env->cancel,
                                   err);
    if (cb_store_scratch(env->store, &scratch, err) < 0)
        return -1;
    spool = openat(cb_scratch_fd(scratch), "context.tar",
                   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (spool < 0 || cb_fs_write_all(spool, head, head_len) < 0)
        return cb_error_errno(err, errno, "keep the context from standard input");
    if (cb_fs_copy_data(env->stdin_fd, spool, -1, err) < 0)
        return cb_error_wrap(err, "keep the context from standard input");
    if (lseek(spool, 0, SEEK_SET) < 0)
        return cb_error_errno(err, errno, "keep the context from standard input");
    return cb_context_open_tar(&out->context, env->store, spool, env->cancel, err);
}

static int read_rest(struct cb_inputs *out, int fd, const unsigned char *head,
                     size_t head_len, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) rest = {0};

    if (cb_fs_read_fd(fd, CB_DOCKERFILE_MAX_BYTES, &rest, err) < 0)
        return cb_error_wrap(err, "failed to read dockerfile from standard input");
    cb_strbuf_add(&text, head, head_len);
    cb_strbuf_add(&text, cb_strbuf_text(&rest), rest.len);
    set_dockerfile(out, "Dockerfile", &text);
    out->context = cb_context_empty();
    return 0;
}

static int open_stdin(struct cb_inputs *out, const struct cb_engine_env *env,
                      const struct cb_build_request *request, struct cb_error **err)
{
    unsigned char head[SNIFF_BYTES];
    size_t len;

    if (is_stdin(request->dockerfile))
        return cb_error_set(err, CB_ERR_USAGE,
                            "can't use stdin for both build context and dockerfile");
    if (read_head(env->stdin_fd, head, &len, err) < 0)
        return -1;
    if (is_archive(head, len)) {
        if (open_archive(out, env, head, len, err) < 0 ||
            (request->ignorefile && load_ignore(out->context, request, NULL, err) < 0))
            return -1;
        return request->dockerfile ? read_member(out, request->dockerfile, err)
                                   : read_default(out, err);
    }
    if (!request->dockerfile)
        return read_rest(out, env->stdin_fd, head, len, err);
    return cb_error_set(err, CB_ERR_USAGE,
                        "-f %s: standard input is no archive it could be a member of",
                        request->dockerfile);
}

/* ── A URL or git repository ── */

/* Of a remote context -f is a path in it, unless it is absolute. */
static int read_dockerfile(struct cb_inputs *out, const struct cb_engine_env *env,
                           const struct cb_remote *remote, const char *path,
                           struct cb_error **err)
{
    if (!path)
        return read_default(out, err);
    if (is_stdin(path))
        return read_stdin(out, env->stdin_fd, err);
    if (cb_is_url(path))
        return read_url(out, remote, path, err);
    return *path == '/' ? read_named(out, path, err) : read_member(out, path, err);
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
    set_dockerfile(out, "Dockerfile", &text);
    return 0;
}

static int is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

int cb_inputs_open(struct cb_inputs *out, const struct cb_engine_env *env,
                   const struct cb_build_request *request, const struct cb_remote *remote,
                   struct cb_error **err)
{
    if (!request->context || !*request->context)
        return cb_error_set(err, CB_ERR_USAGE, "a context is needed: a directory, or -");
    if (cb_named_contexts_open(&out->contexts, &request->contexts, remote, err) < 0)
        return -1;
    if (is_stdin(request->context))
        return open_stdin(out, env, request, err);
    if (!is_there(request->context) && cb_context_is_remote(request->context))
        return open_remote(out, env, request, remote, err);
    return open_directory(out, env, request, remote, err);
}
