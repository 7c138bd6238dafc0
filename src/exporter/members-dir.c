/* The same members out of a directory: OCI layouts, skopeo's "dir:", unpacked archives.
 * Others may change it meanwhile: every name is opened without following links, files are
 * bounded by what is read, and links are entries in a table as those of a tar are. */
#include "exporter/members.h"

#include "base/fs.h"
#include "store/content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BUFFER    (256u << 10)
#define MAX_DEPTH 8

struct walk {
    struct cb_archive_env *env;
    struct cb_members *out;
    size_t count;
};

static ssize_t read_some(int fd, void *buffer, size_t len, const char *path,
                         struct cb_error **err)
{
    ssize_t got;

    do
        got = read(fd, buffer, len);
    while (got < 0 && errno == EINTR);
    return got < 0 ? cb_error_errno(err, errno, "read `%s`", path) : got;
}

static int copy_data(struct walk *walk, int fd, const char *path,
                     struct cb_blob_writer *writer, struct cb_member *member,
                     struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(BUFFER);
    int64_t at = 0;

    for (;;) {
        ssize_t len;

        if (cb_cancel_check(walk->env->cancel, err) < 0)
            return -1;
        len = read_some(fd, buffer, BUFFER, path, err);
        if (len <= 0)
            return len < 0 ? -1 : 0;
        if (at == 0)
            memcpy(member->magic, buffer, len < 4 ? (size_t)len : 4);
        at += len;
        if (cb_blob_writer_write(writer, buffer, (size_t)len, err) < 0)
            return -1;
    }
}

/* EXPECTED NULL: whatever digest it has. */
static int spool(struct walk *walk, int fd, const char *path,
                 const struct cb_digest *expected, struct cb_member *member,
                 struct cb_error **err)
{
    cb_auto(cb_blob_writer) writer = NULL;
    int present = 0;

    if (cb_blob_writer_open(walk->env->store,
                            &(struct cb_blob_wanted){.digest = expected,
                                                     .size = member->size,
                                                     .cancel = walk->env->cancel,
                                                     .sink = walk->env->sink,
                                                     .from_start = 1},
                            &writer, &present, err) < 0)
        return -1;
    if (present) {
        member->digest = *expected;
        return pread(fd, member->magic, sizeof(member->magic), 0) < 0
                   ? cb_error_errno(err, errno, "read `%s`", path)
                   : 0;
    }
    if (copy_data(walk, fd, path, writer, member, err) < 0)
        return -1;
    return cb_blob_commit(&writer, &member->digest, NULL, err);
}

static int read_document(int fd, struct cb_member *member, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_fd(fd, CB_MANIFEST_MAX_BYTES, &text, err) < 0)
        return -1;
    member->size = (int64_t)text.len;
    cb_strbuf_addc(&text, '\0');
    member->text = cb_strbuf_steal(&text);
    return 0;
}

static int read_member(struct walk *walk, int fd, const char *path,
                       struct cb_member *member, struct cb_error **err)
{
    struct cb_digest digest;
    int named;

    if (cb_member_is_document(path))
        return read_document(fd, member, err);
    named = cb_member_blob_digest(path, &digest, err);
    if (named < 0)
        return -1;
    return spool(walk, fd, path, named ? &digest : NULL, member, err);
}

static int add_file(struct walk *walk, int fd, const char *path, int64_t size,
                    struct cb_error **err)
{
    cb_autofree struct cb_member *member = xcalloc(1, sizeof(*member));

    member->size = size;
    member->at = -1;
    if (read_member(walk, fd, path, member, err) < 0)
        return cb_error_wrap(err, "file `%s`", path);
    cb_map_set(walk->out->files, path, cb_steal(&member));
    return 0;
}

/* A link that leads out of the directory is an entry that is not found. */
static int add_link(struct walk *walk, int dir_fd, const char *name, const char *path,
                    struct cb_error **err)
{
    char target[4096];
    ssize_t len = readlinkat(dir_fd, name, target, sizeof(target) - 1);
    const char *slash = strrchr(path, '/');
    cb_autofree char *joined = NULL;
    char *clean;

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", path);
    target[len] = '\0';
    if (*target == '/')
        return 0;
    joined = xasprintf("%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, target);
    clean = cb_member_path(joined);
    if (clean)
        cb_map_set(walk->out->links, path, clean);
    return 0;
}

static int read_dir(struct walk *walk, int dir_fd, const char *path, int depth,
                    struct cb_error **err);

static int read_name(struct walk *walk, int dir_fd, const char *name, const char *path,
                     int depth, struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (++walk->count > CB_ARCHIVE_MAX_MEMBERS)
        return cb_error_set(err, CB_ERR_INTEGRITY, "a directory with more than %d files",
                            CB_ARCHIVE_MAX_MEMBERS);
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", path);
    if (S_ISLNK(st.st_mode))
        return add_link(walk, dir_fd, name, path, err);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return 0;
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    if (S_ISDIR(st.st_mode))
        return read_dir(walk, fd, path, depth + 1, err);
    return S_ISREG(st.st_mode) ? add_file(walk, fd, path, st.st_size, err) : 0;
}

static int read_dir(struct walk *walk, int dir_fd, const char *path, int depth,
                    struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (depth > MAX_DEPTH)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "`%s`: more than %d directories deep, not an image", path,
                            MAX_DEPTH);
    if (cb_fs_list(dir_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *below =
            *path ? xasprintf("%s/%s", path, *name) : xstrdup(*name);

        if (read_name(walk, dir_fd, *name, below, depth, err) < 0)
            return -1;
    }
    return 0;
}

/* What is no image is told apart before anything is copied. */
static int check_marks(int fd, struct cb_error **err)
{
    if (faccessat(fd, "manifest.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        faccessat(fd, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY,
                        "not an image: neither manifest.json nor index.json");
}

int cb_members_read_dir(struct cb_archive_env *env, int fd, struct cb_members *out,
                        struct cb_error **err)
{
    cb_auto_value(cb_members) members = {
        .files = cb_map_new(cb_member_free), .links = cb_map_new(free), .tars_fd = -1};
    struct walk walk = {.env = env, .out = &members};

    if (check_marks(fd, err) < 0 || read_dir(&walk, fd, "", 0, err) < 0)
        return -1;
    *out = members;
    memset(&members, 0, sizeof(members));
    return 0;
}
