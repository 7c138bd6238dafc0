/* Which ignore file holds: the one that belongs to the Dockerfile replaces the root's
 * (features.md A120). Whatever lies in the context is read in the context, so a link
 * planted there shows nothing of the host; a Dockerfile that the user keeps elsewhere has
 * its ignore file beside it, on the host. */
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

/* Where the host's file PATH lies in the context; NULL if it does not. Caller frees. */
static char *path_in_context(const struct cb_context *context, const char *path)
{
    cb_autofree char *link = xasprintf("/proc/self/fd/%d", context->root_fd);
    cb_autofree char *directory = directory_of(path);
    cb_autofree char *real = realpath(directory, NULL);
    cb_autofree char *root = realpath(link, NULL);
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

static int read_host(const char *path, struct cb_strbuf *out, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_fs_read_file(AT_FDCWD, path, CB_CONTEXT_FILE_MAX, out, &error) == 0)
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
    inside = path_in_context(context, path);
    return inside ? cb_context_read(context, inside, out, err)
                  : read_host(path, out, err);
}

static int install(struct cb_context *context, const char *name,
                   const struct cb_strbuf *text, struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new(name, cb_strbuf_text(text), text->len);
    cb_auto_value(cb_strings) patterns = {0};

    if (cb_context_ignore_parse(&patterns, source, err) < 0)
        return -1;
    if (patterns.count == 0)
        return 0;
    return cb_pattern_list_new(&context->ignore, &patterns, err);
}

int cb_context_load_ignore(struct cb_context *context, const char *dockerfile,
                           struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *own = NULL;
    int found = 0;

    if (context->root_fd < 0 || context->ignore)
        return 0;
    if (dockerfile) {
        own = xasprintf("%s.dockerignore", dockerfile);
        found = read_own(context, own, &text, err);
    }
    if (found < 0)
        return -1;
    if (found > 0)
        return install(context, own, &text, err);
    found = cb_context_read(context, ".dockerignore", &text, err);
    return found > 0 ? install(context, ".dockerignore", &text, err) : found;
}
