/* Which ignore file holds: the one the user names; else the one that belongs to the
 * Dockerfile, which replaces the root's. Whatever lies in the context is read in the
 * context, so a link planted there shows nothing of the host; a Dockerfile that the user
 * keeps elsewhere has its ignore file beside it, on the host. A build file called
 * Containerfile may have podman's .containerignore in the place of either. */
#include "context/context.h"

#include "base/fs.h"
#include "context/context-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The directory part of PATH ("." if there is none); caller frees. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

char *cb_context_path_of(const struct cb_context *context, const char *path)
{
    cb_autofree char *directory = directory_of(path);
    cb_autofree char *real = realpath(directory, NULL);
    cb_autofree char *root = realpath(cb_fd_path(context->root_fd).text, NULL);
    size_t len = root ? strlen(root) : 0;
    const char *base = strrchr(path, '/');

    if (!real || !root)
        return NULL;
    if (len == 1)
        len = 0; /* the context is "/" */
    if (strncmp(real, root, len) != 0 || (real[len] != '/' && real[len] != '\0'))
        return NULL;
    return cb_path_join(real + len, base ? base + 1 : path);
}

/* 1/0, not there. NAMED by the user: a pipe will do. */
static int read_host(const char *path, int named, struct cb_strbuf *out,
                     struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if ((named ? cb_fs_read_given(path, CB_CONTEXT_FILE_MAX, out, &error)
               : cb_fs_read_file(AT_FDCWD, path, CB_CONTEXT_FILE_MAX, out, &error)) == 0)
        return 1;
    if (cb_error_errnum(error) == ENOENT || cb_error_errnum(error) == ENOTDIR)
        return 0;
    return cb_error_move(err, &error);
}

/* 1/0: the rules beside the Dockerfile. */
static int read_own(struct cb_context *context, const char *path, struct cb_strbuf *out,
                    struct cb_error **err)
{
    cb_autofree char *inside = NULL;

    if (!context->is_host)
        return cb_context_read(context, path, out, err);
    inside = cb_context_path_of(context, path);
    return inside ? cb_context_read(context, inside, out, err)
                  : read_host(path, 0, out, err);
}

static int install(struct cb_context *context, const char *name,
                   const struct cb_strbuf *text, enum cb_ignore_syntax syntax,
                   struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new(name, cb_strbuf_text(text), text->len);

    return cb_ignore_new(&context->ignore, source, syntax, err);
}

/* The file of --ignorefile has to be there, whatever the context. */
static int install_given(struct cb_context *context,
                         const struct cb_ignore_options *options, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    int found = read_host(options->file, 1, &text, err);

    if (found < 0)
        return cb_error_wrap(err, "--ignorefile");
    if (!found) {
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "--ignorefile: open %s: no such file or directory", options->file);
        return cb_error_hint(err, "it is relative to the current directory");
    }
    return install(context, options->file, &text, options->syntax, err);
}

static int is_containerfile(const char *dockerfile)
{
    const char *slash = dockerfile ? strrchr(dockerfile, '/') : NULL;
    const char *name = slash ? slash + 1 : dockerfile;

    return name && strncmp(name, "Containerfile", 13) == 0;
}

/* 1: found and installed. */
static int install_found(struct cb_context *context,
                         const struct cb_ignore_options *options, const char *suffix,
                         int own, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *name =
        own ? xasprintf("%s%s", options->dockerfile, suffix) : xstrdup(suffix);
    int found = own ? read_own(context, name, &text, err)
                    : cb_context_read(context, name, &text, err);

    if (found <= 0)
        return found;
    return install(context, name, &text, options->syntax, err) < 0 ? -1 : 1;
}

int cb_context_load_ignore(struct cb_context *context,
                           const struct cb_ignore_options *options, struct cb_error **err)
{
    static const char *const suffixes[] = {".dockerignore", ".containerignore"};
    size_t count = is_containerfile(options->dockerfile) ? 2 : 1;

    if (context->ignore)
        return 0;
    if (options->file)
        return install_given(context, options, err);
    if (context->root_fd < 0)
        return 0;
    for (int own = options->dockerfile != NULL; own >= 0; own--) {
        for (size_t i = 0; i < count; i++) {
            int found = install_found(context, options, suffixes[i], own, err);

            if (found != 0)
                return found < 0 ? -1 : 0;
        }
    }
    return 0;
}
