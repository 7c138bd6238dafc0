/* Paths as text. */
#include "base/fs.h"

#include <string.h>

/* Drops the last component of OUT, not going below KEEP bytes. */
static void drop_last(struct cb_strbuf *out, size_t keep)
{
    size_t len = out->len;

    while (len > keep && out->text[len - 1] != '/')
        len--;
    if (len > keep)
        len--;
    cb_strbuf_truncate(out, len);
}

char *cb_path_clean(const char *path)
{
    cb_auto_value(cb_strbuf) out = {0};
    int rooted = path[0] == '/';
    size_t keep = (size_t)rooted; /* bytes that ".." cannot take back */

    if (rooted)
        cb_strbuf_addc(&out, '/');
    while (*path) {
        size_t len = strcspn(path, "/");
        int up = len == 2 && memcmp(path, "..", 2) == 0;

        if (len == 0 || (len == 1 && *path == '.')) {
            /* nothing */
        } else if (up && out.len > keep) {
            drop_last(&out, keep);
        } else if (!up || !rooted) {
            if (out.len > (size_t)rooted)
                cb_strbuf_addc(&out, '/');
            cb_strbuf_add(&out, path, len);
            if (up)
                keep = out.len;
        }
        path += len;
        path += strspn(path, "/");
    }
    if (out.len == 0)
        cb_strbuf_addc(&out, '.');
    return cb_strbuf_steal(&out);
}

char *cb_path_join(const char *a, const char *b)
{
    cb_autofree char *joined = NULL;

    if (!*a)
        joined = xstrdup(b);
    else
        joined = *b ? xasprintf("%s/%s", a, b) : xstrdup(a);
    return *joined ? cb_path_clean(joined) : cb_steal(&joined);
}

const char *cb_path_base(const char *cleaned)
{
    const char *slash = strrchr(cleaned, '/');

    return slash && slash[1] ? slash + 1 : cleaned;
}
