/* Made when the container starts and left where they are: like the files that something
 * is mounted on they are in an export, and neither in a diff nor in a commit. */
#include "container/marks.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT ".dockerenv"
#define ETC         "etc"
#define MTAB        "mtab"
#define MOUNTS      "/proc/mounts"

/* The directory keeps its time: nobody changed it. */
static void link_mounts(int root_fd)
{
    cb_autofd int etc = -1;
    struct stat st;

    if (cb_fs_open_in_root(root_fd, "/" ETC, O_RDONLY | O_DIRECTORY, 0, &etc, NULL) < 0 ||
        fstat(etc, &st) < 0 || symlinkat(MOUNTS, etc, MTAB) < 0)
        return;
    futimens(etc, (struct timespec[]){st.st_atim, st.st_mtim});
}

void cb_container_mark(int root_fd)
{
    cb_autofd int mark = openat(
        root_fd, ENVIRONMENT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);

    if (mark >= 0) /* else it is started again, or the image has them */
        link_mounts(root_fd);
}

int cb_container_is_mark(const char *path, const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return st->st_size == 0 && strcmp(path, ENVIRONMENT) == 0;
    return S_ISLNK(st->st_mode) && st->st_size == (off_t)strlen(MOUNTS) &&
           strcmp(path, ETC "/" MTAB) == 0;
}
