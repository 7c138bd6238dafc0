/* Extended attributes that are part of a file's content, as one block of bytes. */
#include "ops/ops-priv.h"

#include "store/xattr.h"

#include <stdint.h>
#include <sys/xattr.h>

#define XATTR_LIST_MAX  65536
#define XATTR_VALUE_MAX 65536

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Splits the kernel's list into sorted names worth keeping. */
static void content_names(char *list, size_t len, struct cb_strings *names)
{
    for (size_t at = 0; at < len; at += strlen(list + at) + 1)
        if (cb_xattr_is_identity(list + at))
            cb_strings_add(names, list + at);
    if (names->count > 1)
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
}

void cb_content_xattrs_read(int fd, char **out, size_t *len)
{
    cb_auto_value(cb_strbuf) all = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *list = NULL, *value = NULL;
    ssize_t got = flistxattr(fd, NULL, 0);

    *out = NULL;
    *len = 0;
    if (got <= 0)
        return;
    list = xmalloc(XATTR_LIST_MAX + 1);
    got = flistxattr(fd, list, XATTR_LIST_MAX);
    if (got <= 0)
        return;
    list[got] = '\0';
    content_names(list, (size_t)got, &names);
    if (names.count == 0)
        return;
    value = xmalloc(XATTR_VALUE_MAX);
    cb_vec_foreach (name, &names) {
        ssize_t size = fgetxattr(fd, *name, value, XATTR_VALUE_MAX);
        uint32_t size32 = (uint32_t)size;

        if (size < 0)
            continue;
        cb_strbuf_add(&all, *name, strlen(*name) + 1);
        cb_strbuf_add(&all, &size32, sizeof(size32));
        cb_strbuf_add(&all, value, (size_t)size);
    }
    *len = all.len;
    *out = all.len > 0 ? cb_strbuf_steal(&all) : NULL;
}

void cb_content_xattrs_write(int fd, const char *xattrs, size_t len)
{
    for (size_t at = 0; at < len;) {
        const char *name = xattrs + at;
        uint32_t size;

        at += strlen(name) + 1;
        memcpy(&size, xattrs + at, sizeof(size));
        at += sizeof(size);
        (void)!fsetxattr(fd, name, xattrs + at, size, 0);
        at += size;
    }
}
