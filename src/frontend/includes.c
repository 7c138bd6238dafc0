/* The files that a Dockerfile includes: read from the build context, whatever its ignore
 * file says, or, where the Dockerfile lies elsewhere, from its directory. */
#include "frontend/frontend.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct root {
    int fd; /* -1: there are no files */
    const char *text;
};

/* ── Reading ── */

static int is_link(int root_fd, const char *path)
{
    cb_autofree char *target = NULL;
    cb_autofd int fd = -1;
    struct stat st;

    return cb_fs_open_in_root(root_fd, path, O_PATH | O_NOFOLLOW, 0, &fd, NULL) == 0 &&
           fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

static int missing(const struct root *root, const char *path, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND, "no file `%s` is in %s", path, root->text);
    if (is_link(root->fd, path))
        return cb_error_hint(err,
                             "it is a symbolic link to nothing there: links are "
                             "followed within %s only, so copy the file into it",
                             root->text);
    return cb_error_hint(
        err, "PATH is relative to the file that includes it, /PATH to %s", root->text);
}

static int no_files(struct cb_error **err)
{
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "there are no files to include: the Dockerfile comes without a context");
    return cb_error_hint(err, "give one with it, as in `cbuild build -f - DIR`");
}

static int read_file(void *arg, const char *path, struct cb_strbuf *text,
                     struct cb_error **err)
{
    const struct root *root = arg;
    cb_auto(cb_error) error = NULL;
    int found;

    if (root->fd < 0)
        return no_files(err);
    found =
        *path ? cb_fs_read_in_root(root->fd, path, CB_DOCKERFILE_MAX_BYTES, text, &error)
              : cb_error_errno(&error, EISDIR, "/");
    if (found > 0)
        return 0;
    if (found == 0)
        return missing(root, path, err);
    if (cb_error_errnum(error) == EISDIR) {
        cb_error_set(err, CB_ERR_SYNTAX, "`%s` is a directory", *path ? path : "/");
        return cb_error_hint(err, "name the files in it, one after another");
    }
    cb_error_move(err, &error);
    return cb_error_wrap(err, "include");
}

/* ── Where ── */

/* What PATH, a file of NAME, has in front of it where it is shown. Caller frees. */
static char *prefix_of(const char *name, const char *path)
{
    size_t name_len = strlen(name), len = strlen(path);

    if (name_len <= len || strcmp(name + name_len - len, path) != 0 ||
        name[name_len - len - 1] != '/')
        return NULL;
    return xstrndup(name, name_len - len);
}

static int include_in(struct cb_source **source, struct root *root, const char *path,
                      struct cb_error **err)
{
    cb_autofree char *prefix = NULL;
    struct cb_includes includes = {.root = root->text, .read = read_file, .arg = root};

    path += strspn(path, "/");
    prefix = prefix_of(cb_source_name(*source), path);
    includes.path = path;
    includes.prefix = prefix;
    return cb_dockerfile_include(source, &includes, err);
}

/* Beside the Dockerfile PATH of the host, and below. */
static int include_beside(struct cb_source **source, const char *path,
                          struct cb_error **err)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *dir =
        slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    cb_autofd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct root root = {fd, "the Dockerfile's directory, as that lies outside of the "
                            "build context"};

    return include_in(source, &root, slash ? slash + 1 : path, err);
}

int cb_frontend_include(struct cb_source **source, const struct cb_context *context,
                        const struct cb_include_place *place, struct cb_error **err)
{
    struct root root = {context ? cb_context_root_fd(context) : -1, "the build context"};
    cb_autofree char *inside = NULL;

    if (!place->path || !place->on_host)
        inside = cb_path_clean(place->path ? place->path : "Dockerfile");
    else
        inside = context ? cb_context_path_of(context, place->path) : NULL;
    return inside ? include_in(source, &root, inside, err)
                  : include_beside(source, place->path, err);
}
