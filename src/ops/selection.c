/* A selection is a list of entries with the stat data they had when they were listed.
 * Whoever reads a listed file later checks that it is still that file: what is copied
 * is what was hashed, or the step fails. */
#include "ops/selection-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

void cb_selection_free(struct cb_selection *selection)
{
    if (!selection)
        return;
    cb_vec_free(&selection->entries);
    cb_vec_free(&selection->matches);
    free(selection->digests);
    cb_arena_free(selection->arena);
    free(selection);
}

const char *cb_entry_relative(const struct cb_match *match, const struct cb_entry *entry)
{
    const char *rest = entry->path + match->prefix;

    return *rest == '/' ? rest + 1 : rest;
}

int cb_entry_is_dir(const struct cb_entry *entry)
{
    return S_ISDIR(entry->mode);
}

/* Nobody writes to the files of a layer, but the store may give them further names. */
static int same_ctime(const struct cb_entry *entry, const struct stat *st)
{
    if (!entry->ctime.tv_sec && !entry->ctime.tv_nsec)
        return 1;
    return entry->ctime.tv_sec == st->st_ctim.tv_sec &&
           entry->ctime.tv_nsec == st->st_ctim.tv_nsec;
}

/* Is ST still the file that was listed? */
static int is_unchanged(const struct cb_entry *entry, const struct stat *st)
{
    return entry->dev == st->st_dev && entry->ino == st->st_ino &&
           entry->disk_mode == st->st_mode && entry->size == st->st_size &&
           entry->mtime.tv_sec == st->st_mtim.tv_sec &&
           entry->mtime.tv_nsec == st->st_mtim.tv_nsec && same_ctime(entry, st);
}

struct stat cb_entry_stat(const struct cb_entry *entry)
{
    struct stat st = {0};

    st.st_mode = entry->disk_mode;
    st.st_uid = entry->uid;
    st.st_gid = entry->gid;
    st.st_nlink = entry->nlink;
    st.st_dev = entry->dev;
    st.st_ino = entry->ino;
    st.st_rdev = entry->rdev;
    st.st_size = entry->size;
    st.st_mtim = entry->mtime;
    st.st_ctim = entry->ctime;
    return st;
}

/* A context's sockets become empty files, as BuildKit has it. With git's modes all that
 * counts is whether a file's owner may execute it, so that neither the umask of a
 * checkout nor the file system it lies on changes a key. */
uint32_t cb_tree_mode(const struct cb_tree *tree, mode_t mode)
{
    if (tree->is_context && S_ISSOCK(mode))
        mode = S_IFREG | (mode & 07777);
    if (tree->git_modes && (S_ISREG(mode) || S_ISDIR(mode)))
        mode = (mode & S_IFMT) | (S_ISDIR(mode) || (mode & S_IXUSR) ? 0755 : 0644);
    return mode;
}

int cb_entry_is_socket_file(const struct cb_entry *entry)
{
    return S_ISSOCK(entry->disk_mode) && S_ISREG(entry->mode);
}

static int changed_error(const struct cb_entry *entry, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: file changed while it was read",
                 entry->path);
    return cb_error_hint(err, "build again when nothing writes to it, or list it in "
                              ".dockerignore");
}

int cb_selection_unreadable(struct cb_error **err)
{
    if (err && cb_error_kind(*err) == CB_ERR_DENIED)
        cb_error_hint(err, "make it readable for this user, or list it in .dockerignore");
    return -1;
}

int cb_entry_check(int fd, const struct cb_entry *entry, struct cb_error **err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat `%s`", entry->path);
    return is_unchanged(entry, &st) ? 0 : changed_error(entry, err);
}

int cb_entry_open(int root_fd, const struct cb_entry *entry, int *fd,
                  struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;
    cb_autofd int file = -1;

    /* A FIFO put in the file's place must not make us wait. */
    if (cb_fs_open_in_root(root_fd, entry->path,
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, &file,
                           &cause) < 0) {
        if (cb_error_kind(cause) == CB_ERR_NOT_FOUND || cb_error_errnum(cause) == ELOOP)
            return changed_error(entry, err);
        cb_error_move(err, &cause);
        return cb_selection_unreadable(err);
    }
    if (cb_entry_check(file, entry, err) < 0)
        return -1;
    *fd = cb_steal_fd(&file);
    return 0;
}

int cb_stat_in_root(int root_fd, const char *path, struct stat *st, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;
    cb_autofd int fd = -1;

    if (cb_fs_open_in_root(root_fd, *path ? path : "/", O_PATH | O_NOFOLLOW, 0, &fd,
                           &cause) < 0) {
        if (cb_error_kind(cause) == CB_ERR_NOT_FOUND || cb_error_errnum(cause) == ENOTDIR)
            return 0;
        return cb_error_move(err, &cause);
    }
    if (fstat(fd, st) < 0)
        return cb_error_errno(err, errno, "stat `%s`", path);
    return 1;
}
