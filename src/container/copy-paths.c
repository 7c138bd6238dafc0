/* What the two paths of `cp` mean: pure text, and docker's table of cases. */
#include "container/copy.h"

#include "base/fs.h"

#include <string.h>

int cb_copy_choose(const struct cb_copy_end *from, const struct cb_copy_end *to,
                   enum cb_copy_way *way, struct cb_error **err)
{
    int directory = from->kind == CB_COPY_DIRECTORY;

    if (from->kind == CB_COPY_OTHER && from->wants_directory)
        return cb_error_set(err, CB_ERR_USAGE, "not a directory");
    if (to->kind == CB_COPY_DIRECTORY) {
        *way = from->content_only ? CB_COPY_CONTENT : CB_COPY_INTO;
        return 0;
    }
    if (to->kind == CB_COPY_OTHER && to->wants_directory)
        return cb_error_set(err, CB_ERR_USAGE, "not a directory");
    if (to->kind == CB_COPY_OTHER && directory)
        return cb_error_set(err, CB_ERR_USAGE, "cannot copy directory");
    if (to->kind == CB_COPY_MISSING && to->wants_directory && !directory)
        return cb_error_set(err, CB_ERR_USAGE, "no such directory");
    *way = CB_COPY_AS;
    return 0;
}

static int ends_in(const char *path, const char *end)
{
    size_t len = strlen(path), tail = strlen(end);

    return len >= tail && strcmp(path + len - tail, end) == 0;
}

char *cb_copy_path(const char *base, const char *path, struct cb_copy_end *end)
{
    cb_autofree char *whole =
        *path == '/' ? cb_path_clean(path) : cb_path_join(base, path);

    end->content_only =
        ends_in(path, "/.") || strcmp(path, ".") == 0 || strcmp(whole, "/") == 0;
    end->wants_directory = end->content_only || ends_in(path, "/");
    return cb_steal(&whole);
}

char *cb_copy_split(const char *text, const char **path)
{
    const char *colon = strchr(text, ':');

    *path = text;
    if (*text == '/' || *text == '.' || *text == ':' || !colon)
        return NULL;
    *path = colon + 1;
    return xstrndup(text, (size_t)(colon - text));
}
