/* Made when the container starts and left where they are: like the files that something
 * is mounted on they are in an export, and neither in a diff nor in a commit. */
#include "container/marks.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT ".dockerenv"
#define ETC         "etc"
#define MTAB        "mtab"
#define MOUNTS      "/proc/mounts"

/* Docker's are executable, too. An empty file that somebody has put there is not, and by
 * that it is told from them. */
#define MODE 0755

/* In etc, where the container's own are mounted on them. */
static const char *const covered[] = {"hostname", "hosts", "resolv.conf"};

/* 1: it is made, whatever the umask; 0: there is one. */
static int make_empty(int dir_fd, const char *name)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);

    if (fd < 0)
        return errno == EEXIST ? 0 : -1;
    return fchmod(fd, MODE) < 0 ? -1 : 1;
}

/* The directory keeps its time: nobody changed it. */
static int fill_etc(int etc)
{
    struct stat st;
    int failed = 0;

    if (fstat(etc, &st) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(covered); i++)
        failed |= make_empty(etc, covered[i]) < 0;
    failed |= symlinkat(MOUNTS, etc, MTAB) < 0 && errno != EEXIST;
    futimens(etc, (struct timespec[]){st.st_atim, st.st_mtim});
    return failed ? -1 : 0;
}

/* The image has no such directory. */
static int is_none(const struct cb_error *error)
{
    int errnum = cb_error_errnum(error);

    return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP;
}

int cb_container_mark(int root_fd)
{
    cb_auto(cb_error) error = NULL;
    cb_autofd int etc = -1;
    int made = make_empty(root_fd, ENVIRONMENT);

    if (made <= 0) /* it is started again, or the image has them */
        return made;
    if (cb_fs_open_in_root(root_fd, "/" ETC, O_RDONLY | O_DIRECTORY, 0, &etc, &error) < 0)
        return is_none(error) ? 0 : -1;
    return fill_etc(etc);
}

static void touch(int dir_fd, const char *name, const char *path)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        cb_container_is_mark(path, &st))
        utimensat(dir_fd, name, NULL, AT_SYMLINK_NOFOLLOW);
}

void cb_container_mark_anew(int root_fd)
{
    cb_autofd int etc = -1;

    touch(root_fd, ENVIRONMENT, ENVIRONMENT);
    if (cb_fs_open_in_root(root_fd, "/" ETC, O_PATH | O_DIRECTORY, 0, &etc, NULL) == 0)
        touch(etc, MTAB, ETC "/" MTAB);
    utimensat(root_fd, "", NULL, AT_EMPTY_PATH);
}

static int is_covered(const char *path)
{
    if (strncmp(path, ETC "/", sizeof(ETC)) != 0)
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(covered); i++) {
        if (strcmp(path + sizeof(ETC), covered[i]) == 0)
            return 1;
    }
    return 0;
}

int cb_container_has_mark(const char *path)
{
    return strcmp(path, ENVIRONMENT) == 0 || strcmp(path, ETC "/" MTAB) == 0 ||
           is_covered(path);
}

int cb_container_is_mark(const char *path, const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return st->st_size == 0 && st->st_mode & S_IXUSR &&
               (strcmp(path, ENVIRONMENT) == 0 || is_covered(path));
    return S_ISLNK(st->st_mode) && st->st_size == (off_t)strlen(MOUNTS) &&
           strcmp(path, ETC "/" MTAB) == 0;
}
