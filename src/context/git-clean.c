/* What git leaves in a work tree depends on the umask and on where it ran. Each level
 * holds a descriptor; git itself makes no path longer than PATH_MAX. */
#include "context/remote-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int set_times(int dir_fd, const char *name, int64_t mtime_s, struct cb_error **err)
{
    struct timespec times[2] = {{.tv_sec = mtime_s}, {.tv_sec = mtime_s}};

    if (mtime_s < 0 || utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return cb_error_errno(err, errno, "set the time of `%s`", name);
}

static int clean_entry(int dir_fd, const char *name, const struct cb_git_clean *clean,
                       struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "look at `%s`", name);
    if (S_ISDIR(st.st_mode)) {
        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchmod(fd, 0755) < 0)
            return cb_error_errno(err, errno, "open `%s`", name);
        if (cb_git_clean(fd, clean, err) < 0)
            return -1;
    } else if (S_ISREG(st.st_mode) &&
               fchmodat(dir_fd, name, st.st_mode & S_IXUSR ? 0755 : 0644, 0) < 0) {
        return cb_error_errno(err, errno, "change the mode of `%s`", name);
    }
    return set_times(dir_fd, name, clean->mtime_s, err);
}

int cb_git_clean(int dir_fd, const struct cb_git_clean *clean, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(dir_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        int is_git = strcmp(*name, ".git") == 0 && !clean->keep_git_dir;

        if (is_git ? cb_fs_remove_tree(dir_fd, *name, err) < 0
                   : clean_entry(dir_fd, *name, clean, err) < 0)
            return -1;
    }
    return 0;
}
