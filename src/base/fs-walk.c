/* Path resolution inside a root, in user space, for kernels and sandboxes without
 * openat2. Answers as the kernel would with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS.
 *
 * The walk opens one component after the other with O_NOFOLLOW and expands links itself.
 * It remembers the names it went through, none of which is a link; ".." drops the last
 * one and walks down again from the root, so that a directory moved meanwhile cannot lead
 * outside. */
#include "base/fs-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define MAX_LINKS 40

struct walk {
    int root_fd;
    int fd;                   /* the directory reached */
    struct cb_strings names;  /* of the directories from the root to it */
    struct cb_strbuf pending; /* what is left of the path */
    size_t at;                /* in pending */
    int links;
};

static void walk_free(struct walk *walk)
{
    cb_close(&walk->fd);
    cb_strings_free(&walk->names);
    cb_strbuf_free(&walk->pending);
}
CB_AUTO_VALUE_DEFINE(walk, walk_free)

static int open_directory(int dir_fd, const char *name)
{
    return openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Goes to the directory that the names say. */
static int descend_again(struct walk *walk)
{
    cb_autofd int fd = open_directory(walk->root_fd, ".");

    for (size_t i = 0; fd >= 0 && i < walk->names.count; i++) {
        int next = open_directory(fd, walk->names.items[i]);

        cb_close(&fd);
        fd = next;
    }
    if (fd < 0)
        return -1;
    cb_close(&walk->fd);
    walk->fd = cb_steal_fd(&fd);
    return 0;
}

static void drop_names(struct walk *walk, size_t keep)
{
    while (walk->names.count > keep)
        free(walk->names.items[--walk->names.count]);
}

static int start(struct walk *walk, int root_fd, const char *path)
{
    if (strlen(path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    walk->root_fd = root_fd;
    cb_strbuf_adds(&walk->pending, path);
    return descend_again(walk);
}

/* The next component, or NULL at the end. *SLASH tells whether a slash follows it, *LAST
 * whether nothing but slashes does. Caller frees. */
static char *next_name(struct walk *walk, int *last, int *slash)
{
    const char *text = cb_strbuf_text(&walk->pending) + walk->at;
    const char *name = text + strspn(text, "/");
    size_t len = strcspn(name, "/");
    size_t slashes = strspn(name + len, "/");

    walk->at += (size_t)(name - text) + len + slashes;
    *slash = slashes > 0;
    *last = name[len + slashes] == '\0';
    return len ? xstrndup(name, len) : NULL;
}

static int go_up(struct walk *walk)
{
    if (walk->names.count == 0)
        return 0;
    drop_names(walk, walk->names.count - 1);
    return descend_again(walk);
}

/* Links of procfs that are no text but handles: absolute targets, or "pipe:[1]". Its
 * ordinary links (self, mounts, net) are relative. */
static int is_magic(int link_fd, const char *target)
{
    struct statfs fs;

    if (fstatfs(link_fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
        return 0;
    return target[0] == '/' || strstr(target, ":[") != NULL;
}

/* Puts the target of the link before what is left of the path. */
static int follow(struct walk *walk, int link_fd, int slash)
{
    cb_auto_value(cb_strbuf) pending = {0};
    char target[PATH_MAX];
    ssize_t len = readlinkat(link_fd, "", target, sizeof(target) - 1);

    if (len < 0)
        return -1;
    target[len] = '\0';
    if (++walk->links > MAX_LINKS || is_magic(link_fd, target)) {
        errno = ELOOP;
        return -1;
    }
    cb_strbuf_add(&pending, target, (size_t)len);
    if (slash)
        cb_strbuf_addc(&pending, '/');
    cb_strbuf_adds(&pending, cb_strbuf_text(&walk->pending) + walk->at);
    cb_strbuf_free(&walk->pending);
    walk->pending = pending;
    pending = (struct cb_strbuf){0};
    walk->at = 0;
    if (target[0] != '/')
        return 0;
    drop_names(walk, 0);
    return descend_again(walk);
}

enum found { FOUND_ERROR = -1, FOUND_DIRECTORY, FOUND_LINK, FOUND_OTHER, FOUND_NOTHING };

/* Looks at NAME in the directory reached, without following it. */
static enum found look(struct walk *walk, const char *name, int *fd)
{
    struct stat st;

    *fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT ? FOUND_NOTHING : FOUND_ERROR;
    if (fstat(*fd, &st) < 0)
        return FOUND_ERROR;
    if (S_ISDIR(st.st_mode))
        return FOUND_DIRECTORY;
    return S_ISLNK(st.st_mode) ? FOUND_LINK : FOUND_OTHER;
}

static void enter(struct walk *walk, int *fd, char **name)
{
    cb_close(&walk->fd);
    walk->fd = cb_steal_fd(fd);
    cb_strings_take(&walk->names, cb_steal(name));
}

/* Opens the last component as asked; by now it is no link that should have been followed.
 */
static int open_last(struct walk *walk, const char *name, int slash, int flags,
                     mode_t mode)
{
    if (slash)
        flags |= O_DIRECTORY;
    return openat(walk->fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

static int keeps_last_link(int flags)
{
    return (flags & O_NOFOLLOW) || ((flags & O_CREAT) && (flags & O_EXCL));
}

int cb_fs_walk_open(int root_fd, const char *path, int flags, mode_t mode)
{
    cb_auto_value(walk) walk = {.fd = -1};

    if (start(&walk, root_fd, path) < 0)
        return -1;
    for (;;) {
        cb_autofree char *name = NULL;
        cb_autofd int fd = -1;
        int last, slash;
        enum found found;

        name = next_name(&walk, &last, &slash);
        if (!name)
            return openat(walk.fd, ".", flags | O_CLOEXEC, mode);
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            if (go_up(&walk) < 0)
                return -1;
            continue;
        }
        if (last && slash && (flags & O_CREAT)) {
            errno = EISDIR;
            return -1;
        }
        found = look(&walk, name, &fd);
        if (found == FOUND_ERROR)
            return -1;
        if (found == FOUND_LINK && !(last && !slash && keeps_last_link(flags))) {
            if (follow(&walk, fd, slash) < 0)
                return -1;
            continue;
        }
        if (last)
            return open_last(&walk, name, slash, flags, mode);
        if (found != FOUND_DIRECTORY) {
            errno = found == FOUND_NOTHING ? ENOENT : ENOTDIR;
            return -1;
        }
        enter(&walk, &fd, &name);
    }
}

/* Applies what is left of the path by text alone. */
static void keep_rest(struct walk *walk)
{
    int last, slash;
    char *name;

    while ((name = next_name(walk, &last, &slash))) {
        if (strcmp(name, "..") == 0 && walk->names.count > 0)
            drop_names(walk, walk->names.count - 1);
        if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
            free(name);
        else
            cb_strings_take(&walk->names, name);
    }
}

/* One component of a resolution. 1: more to come, 0: done, -1: errno. */
static int resolve_step(struct walk *walk)
{
    cb_autofree char *name = NULL;
    cb_autofd int fd = -1;
    int last, slash;

    name = next_name(walk, &last, &slash);
    if (!name)
        return 0;
    if (strcmp(name, ".") == 0)
        return 1;
    if (strcmp(name, "..") == 0)
        return go_up(walk) < 0 ? -1 : 1;
    switch (look(walk, name, &fd)) {
    case FOUND_DIRECTORY:
        enter(walk, &fd, &name);
        return 1;
    case FOUND_LINK:
        return follow(walk, fd, slash) < 0 ? -1 : 1;
    case FOUND_OTHER:
        if (!last || slash) {
            errno = ENOTDIR;
            return -1;
        }
        cb_strings_take(&walk->names, cb_steal(&name));
        return 0;
    case FOUND_NOTHING:
        cb_strings_take(&walk->names, cb_steal(&name));
        keep_rest(walk);
        return 0;
    case FOUND_ERROR:
        break;
    }
    return -1;
}

int cb_fs_walk_resolve(int root_fd, const char *path, struct cb_strings *names)
{
    cb_auto_value(walk) walk = {.fd = -1};
    int more;

    if (start(&walk, root_fd, path) < 0)
        return -1;
    while ((more = resolve_step(&walk)) > 0)
        ;
    if (more < 0)
        return -1;
    *names = walk.names;
    walk.names = (struct cb_strings){0};
    return 0;
}
