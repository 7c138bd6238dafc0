/* The headers of a tar, one after the other, by their place in the file. Whatever a
 * hostile one makes of that, a blob of a layout is verified by its digest, and index.json
 * is only believed to say which blobs there are. */
#include "store/layout-tar.h"

#include "base/fs.h"
#include "base/strbuf.h"
#include "store/tar-guard.h"
#include "store/tar.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BLOCK       512
#define MAX_MEMBERS 10000
#define MAX_RECORDS (256u << 10) /* of a PAX header or a long name */

struct scan {
    int fd;
    int64_t next; /* where the next header is */
    /* What stands before an entry is about that one only. */
    char *name;   /* or NULL */
    int64_t size; /* or -1 */
};

static int damaged(const struct scan *scan, const char *what, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY,
                        "not a tar of an image layout: %s at byte %lld", what,
                        (long long)scan->next);
}

/* All LEN of them, or how many there are. */
static ssize_t read_at(int fd, void *buffer, size_t len, int64_t at,
                       struct cb_error **err)
{
    size_t have = 0;

    while (have < len) {
        ssize_t got = pread(fd, (char *)buffer + have, len - have, at + (int64_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read the archive");
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

/* ── What stands before an entry ── */

static int read_body(const struct scan *scan, int64_t size, char **out,
                     struct cb_error **err)
{
    cb_autofree char *bytes = NULL;

    if (size > MAX_RECORDS)
        return damaged(scan, "a header that is too long", err);
    bytes = xcalloc(1, (size_t)size + 1);
    if (read_at(scan->fd, bytes, (size_t)size, scan->next + BLOCK, err) < 0)
        return -1;
    *out = cb_steal(&bytes);
    return 0;
}

static void take_record(struct scan *scan, const char *key, const char *value)
{
    if (strncmp(key, "path=", 5) == 0) {
        free(scan->name);
        scan->name = xstrdup(value);
    } else if (strncmp(key, "size=", 5) == 0) {
        scan->size = strtoll(value, NULL, 10);
    }
}

/* "LENGTH KEY=VALUE\n", again and again. */
static int take_records(struct scan *scan, char *body, size_t size, struct cb_error **err)
{
    for (size_t at = 0; at < size;) {
        char *end;
        unsigned long len = strtoul(body + at, &end, 10);
        char *equals;

        if (len == 0 || len > size - at || *end != ' ' || body[at + len - 1] != '\n')
            return damaged(scan, "a malformed header", err);
        body[at + len - 1] = '\0';
        equals = strchr(end + 1, '=');
        if (equals)
            take_record(scan, end + 1, equals + 1);
        at += len;
    }
    return 0;
}

/* 1: it is about the next entry. */
static int take_prefix(struct scan *scan, char type, int64_t size, struct cb_error **err)
{
    cb_autofree char *body = NULL;

    if (type != 'x' && type != 'L')
        return type == 'g' || type == 'K';
    if (read_body(scan, size, &body, err) < 0)
        return -1;
    if (type == 'x')
        return take_records(scan, body, (size_t)size, err) < 0 ? -1 : 1;
    free(scan->name);
    scan->name = cb_steal(&body);
    return 1;
}

/* ── Entries ── */

static char *name_of(const struct scan *scan, const char *block)
{
    cb_autofree char *name = NULL;

    if (scan->name)
        name = xstrdup(scan->name);
    else if (memcmp(block + 257, "ustar", 6) == 0 && block[345])
        name = xasprintf("%.155s/%.100s", block + 345, block);
    else
        name = xstrndup(block, 100);
    return cb_path_clean(name);
}

static int is_end(const char *block)
{
    static const char zeros[BLOCK];

    return memcmp(block, zeros, BLOCK) == 0;
}

/* The header at NEXT: 1, 0 at the end. */
static int read_header(const struct scan *scan, char *block, uint64_t *size,
                       struct cb_error **err)
{
    ssize_t got = read_at(scan->fd, block, BLOCK, scan->next, err);

    if (got < 0)
        return -1;
    if (scan->next > 0 && (got == 0 || (got == BLOCK && is_end(block))))
        return 0;
    if (got < BLOCK || !cb_tar_is_header((const unsigned char *)block) ||
        cb_tar_number((const unsigned char *)block + 124, 12, size) < 0 ||
        *size > INT64_MAX / 2 || block[156] == 'S')
        return damaged(scan, "no header", err);
    return 1;
}

/* Links, devices and directories have no data, whatever their size field says. */
static void take_entry(struct scan *scan, const char *block, int64_t size,
                       const char *path, struct cb_layout_member *out, int *found)
{
    cb_autofree char *name = name_of(scan, block);
    char type = block[156];
    int is_file = type == '0' || type == '\0' || type == '7';

    if (scan->size >= 0 && scan->size <= INT64_MAX / 2)
        size = scan->size;
    if (strcmp(name, path) == 0) {
        *found = is_file;
        *out = (struct cb_layout_member){.at = scan->next + BLOCK, .size = size};
    }
    if (type >= '1' && type <= '6')
        size = 0;
    scan->next += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    free(scan->name);
    scan->name = NULL;
    scan->size = -1;
}

static int find(struct scan *scan, const char *path, struct cb_layout_member *out,
                struct cb_error **err)
{
    int found = 0;

    for (int count = 0;; count++) {
        char block[BLOCK];
        uint64_t size;
        int more = read_header(scan, block, &size, err);
        int prefix;

        if (more <= 0)
            return more < 0 ? -1 : found;
        if (count == MAX_MEMBERS)
            return damaged(scan, "too many members", err);
        prefix = take_prefix(scan, block[156], (int64_t)size, err);
        if (prefix < 0)
            return -1;
        if (prefix)
            scan->next += BLOCK + ((int64_t)size + BLOCK - 1) / BLOCK * BLOCK;
        else
            take_entry(scan, block, (int64_t)size, path, out, &found);
    }
}

int cb_layout_tar_find(int fd, const char *path, struct cb_layout_member *out,
                       struct cb_error **err)
{
    struct scan scan = {.fd = fd, .size = -1};
    int result = find(&scan, path, out, err);

    free(scan.name);
    return result;
}
