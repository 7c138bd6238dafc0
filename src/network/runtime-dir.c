/* Where it is noted what is set up until the next start of the machine, and for whom:
 * /run/cbuild of who may write to /run, else a directory of the user's, which is his
 * alone or is not used. */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define ROOTS_DIR "/run/cbuild"

/* Ours outside of the user namespace we are in: the first line of its map. */
static unsigned outer_uid(void)
{
    cb_auto_value(cb_strbuf) text = {0};
    unsigned inside, outside;

    if (cb_in_user_namespace() &&
        cb_fs_read_file(AT_FDCWD, "/proc/self/uid_map", 4096, &text, NULL) == 0 &&
        sscanf(cb_strbuf_text(&text), "%u %u", &inside, &outside) == 2)
        return outside;
    return geteuid();
}

static int is_own_dir(const char *path)
{
    struct stat st;

    return path && *path == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == geteuid();
}

/* What `su` has left of another user in the environment does not count. */
static char *choose(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");

    if (access("/run", W_OK) == 0)
        return xstrdup(ROOTS_DIR);
    if (is_own_dir(runtime))
        return xasprintf("%s/cbuild", runtime);
    return xasprintf("%s/cbuild-%u", tmp && *tmp == '/' ? tmp : "/tmp", outer_uid());
}

int cb_net_runtime_dir(int create, int *dir, char **path, struct cb_error **err)
{
    cb_autofree char *name = choose();
    cb_autofd int fd = -1;
    struct stat st;

    if (create && cb_fs_mkdirs(name, 0700, err) < 0)
        return -1;
    fd = open(name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "open `%s`", name);
    if (st.st_uid != geteuid() || st.st_mode & 022) {
        cb_error_set(err, CB_ERR_DENIED, "`%s` is somebody else's", name);
        return cb_error_hint(err, "set XDG_RUNTIME_DIR to a directory of your own");
    }
    *dir = cb_steal_fd(&fd);
    if (path)
        *path = cb_steal(&name);
    return 0;
}
