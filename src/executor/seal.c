/* The launcher's own program, which no step can write to.
 *
 * A step's first process is a copy of the launcher, so for a moment before it executes
 * its command /proc/self/exe is our program, as a file of the host; and an image can
 * arrange that it is what is executed (`SHELL ["/proc/self/exe"]`, a script that begins
 * with #!/proc/self/exe), with the image's own dynamic linker, which then has a way to
 * that file (CVE-2019-5736). So the launcher executes itself once more, before its first
 * step, from a read-only mount of the file that is attached nowhere: opening it for
 * writing is refused by that mount, for root as well and for ever. Where no such mount
 * can be made it is a sealed copy in memory. That takes a millisecond for a build, not
 * for a step. */
#include "executor/launcher-priv.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN_PROGRAM "/proc/self/exe"
#define SEALS       (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int open_read_only(void)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
    cb_autofd int tree = (int)syscall(SYS_open_tree, AT_FDCWD, OWN_PROGRAM,
                                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return -1;
    return cb_steal_fd(&tree);
}

static int open_sealed_copy(void)
{
    cb_autofd int from = open(OWN_PROGRAM, O_RDONLY | O_CLOEXEC);
    cb_autofd int to = memfd_create("cbuild", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat st;
    off_t done = 0;

    if (from < 0 || to < 0 || fstat(from, &st) < 0)
        return -1;
    while (done < st.st_size) {
        if (sendfile(to, from, &done, (size_t)(st.st_size - done)) <= 0)
            return -1;
    }
    if (fchmod(to, 0500) < 0 || fcntl(to, F_ADD_SEALS, SEALS) < 0)
        return -1;
    return cb_steal_fd(&to);
}

static void execute(int program)
{
    char *const argv[] = {(char *)CB_LAUNCHER_NAME, NULL};

    if (program >= 0)
        syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
}

void cb_launcher_seal(int control_fd)
{
    int program = open_read_only();

    fcntl(control_fd, F_SETFD, 0);
    execute(program);
    cb_close(&program);
    program = open_sealed_copy();
    execute(program);
    cb_warn("steps are not kept from writing to cbuild's own program: %s",
            strerror(errno));
    cb_close(&program);
    fcntl(control_fd, F_SETFD, FD_CLOEXEC);
}
