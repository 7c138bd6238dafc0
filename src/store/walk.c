/* The walk keeps one descriptor and one list of names per level; memory follows the depth
 * of the tree and its largest directory, not its size. */
#include "store/walk.h"

#include "base/fs.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>

struct listing {
    struct cb_strbuf bytes; /* names, each with its NUL */
    CB_VEC(const char *) names;
};

static void listing_free(struct listing *listing)
{
    cb_strbuf_free(&listing->bytes);
    cb_vec_free(&listing->names);
}

/* As deep as a path can name. A step can make deeper trees than a stack can follow. */
#define MAX_DEPTH 2048

struct walk {
    unsigned depth;
    int (*visit)(void *arg, const struct cb_walk_entry *entry, struct cb_error **err);
    void *arg;
    struct cb_cancel *cancel;
    struct cb_strbuf path;
    int changing; /* by others: what has gone, or become another file, is left out */
};

static int has_gone(const struct walk *walk)
{
    return walk->changing && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP);
}

struct kernel_dirent {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
};

static int read_names(int fd, struct cb_strbuf *out)
{
    enum { SIZE = 32768 };
    cb_autofree char *buffer = xmalloc(SIZE);

    for (;;) {
        long len = syscall(SYS_getdents64, fd, buffer, SIZE);
        long at = 0;

        if (len <= 0)
            return (int)len;
        while (at < len) {
            const struct kernel_dirent *entry = (const void *)(buffer + at);
            const char *name = entry->name;

            at += entry->reclen;
            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
                cb_strbuf_add(out, name, strlen(name) + 1);
        }
    }
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_sorted(int fd, struct listing *out)
{
    size_t at = 0;

    if (read_names(fd, &out->bytes) < 0)
        return -1;
    while (at < out->bytes.len) {
        const char *name = out->bytes.text + at;

        cb_vec_push(&out->names, name);
        at += strlen(name) + 1;
    }
    if (out->names.count)
        qsort(out->names.items, out->names.count, sizeof(*out->names.items), by_bytes);
    return 0;
}

static int walk_directory(struct walk *walk, int fd, struct cb_error **err);

static int descend(struct walk *walk, int dir_fd, const char *name, struct cb_error **err)
{
    cb_autofd int fd = -1;
    int result;

    if (walk->depth == MAX_DEPTH)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "`%.100s...`: directories more than %d levels deep",
                            walk->path.text, MAX_DEPTH);
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return has_gone(walk) ? 0
                              : cb_error_errno(err, errno, "open `%s`", walk->path.text);
    if (walk->changing && cb_fs_is_of_kernel(fd))
        return 0;
    walk->depth++;
    result = walk_directory(walk, fd, err);
    walk->depth--;
    return result;
}

/* The path is that of the name. */
static int visit_entry(struct walk *walk, int fd, const char *name, struct cb_error **err)
{
    struct cb_walk_entry entry = {.dir_fd = fd};
    int result;

    entry.path = walk->path.text;
    entry.name = walk->path.text + walk->path.len - strlen(name);
    if (fstatat(fd, name, &entry.st, AT_SYMLINK_NOFOLLOW) < 0)
        return has_gone(walk) ? 0 : cb_error_errno(err, errno, "stat `%s`", entry.path);
    result = walk->visit(walk->arg, &entry, err);
    if (result == 0 && S_ISDIR(entry.st.st_mode))
        result = descend(walk, fd, name, err);
    return result < 0 ? -1 : 0;
}

static int visit_name(struct walk *walk, int fd, const char *name, struct cb_error **err)
{
    size_t above = walk->path.len;
    int result;

    if (above)
        cb_strbuf_addc(&walk->path, '/');
    cb_strbuf_adds(&walk->path, name);
    result = visit_entry(walk, fd, name, err);
    cb_strbuf_truncate(&walk->path, above);
    return result;
}

static int walk_directory(struct walk *walk, int fd, struct cb_error **err)
{
    __attribute__((cleanup(listing_free))) struct listing listing = {0};

    if (list_sorted(fd, &listing) < 0)
        return has_gone(walk)
                   ? 0
                   : cb_error_errno(err, errno, "list `%s`", cb_strbuf_text(&walk->path));
    cb_vec_foreach (name, &listing.names) {
        if (cb_cancel_check(walk->cancel, err) < 0 ||
            visit_name(walk, fd, *name, err) < 0)
            return -1;
    }
    return 0;
}

static int walk_tree(struct walk *walk, int top_fd, struct cb_error **err)
{
    cb_autofd int fd = openat(top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result;

    if (fd < 0)
        return cb_error_errno(err, errno, "open directory");
    result = walk_directory(walk, fd, err);
    cb_strbuf_free(&walk->path);
    return result;
}

int cb_walk(int top_fd,
            int (*visit)(void *arg, const struct cb_walk_entry *entry,
                         struct cb_error **err),
            void *arg, struct cb_cancel *cancel, struct cb_error **err)
{
    struct walk walk = {.visit = visit, .arg = arg, .cancel = cancel};

    return walk_tree(&walk, top_fd, err);
}

int cb_walk_changing(int top_fd,
                     int (*visit)(void *arg, const struct cb_walk_entry *entry,
                                  struct cb_error **err),
                     void *arg, struct cb_cancel *cancel, struct cb_error **err)
{
    struct walk walk = {.visit = visit, .arg = arg, .cancel = cancel, .changing = 1};

    return walk_tree(&walk, top_fd, err);
}
