/* Our own programs write their pid into the lock's file; who else has locked it the
 * kernel tells in /proc/locks. Looks are counted, not seconds: a machine that was
 * suspended meets a holder again after the first one. */
#include "container/holder.h"

#include "base/clock.h"
#include "base/fs.h"
#include "container/client-priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define LOCK_NAME       "monitor.lock"
#define LOOK_MS         1000
#define PATIENCE_LOOKS  5
#define LOCKS_MAX_BYTES (16u << 20)
#define NAME_MAX_BYTES  64

/* "1: FLOCK  ADVISORY  WRITE 4711 08:02:131112 0 EOF"; with "->" one that waits. */
static int owner_in(char *text, const struct stat *file)
{
    char *line, *next = NULL;

    for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
        unsigned major_number, minor_number;
        unsigned long long inode;
        int pid;

        if (sscanf(line, "%*[^:]: FLOCK %*s %*s %d %x:%x:%llu", &pid, &major_number,
                   &minor_number, &inode) == 4 &&
            inode == file->st_ino && makedev(major_number, minor_number) == file->st_dev)
            return pid;
    }
    return 0;
}

/* 0: it is not seen from here. */
static pid_t find_owner(const struct cb_container *container)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct stat st;

    if (fstatat(container->dir_fd, LOCK_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        cb_fs_read_file(AT_FDCWD, "/proc/locks", LOCKS_MAX_BYTES, &text, NULL) < 0 ||
        !text.len)
        return 0;
    return owner_in(text.text, &st);
}

static int runs_our_program(pid_t pid)
{
    cb_autofree char *path = xasprintf("/proc/%d/exe", (int)pid);
    struct stat its, ours;

    return stat(path, &its) == 0 && stat("/proc/self/exe", &ours) == 0 &&
           its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

static int refuse(const struct cb_container *container, pid_t pid, int is_stopped,
                  struct cb_error **err)
{
    cb_autofree char *path = xasprintf("/proc/%d/comm", (int)pid);
    cb_auto_value(cb_strbuf) name = {0};

    if (is_stopped) {
        cb_error_set(err, CB_ERR_SYSTEM,
                     "process %d, which holds container %s, is stopped", (int)pid,
                     container->name);
        return cb_error_hint(err, "`kill -CONT %d` lets it go on", (int)pid);
    }
    if (pid > 0)
        cb_fs_read_file(AT_FDCWD, path, NAME_MAX_BYTES, &name, NULL);
    if (!name.len)
        return cb_error_set(err, CB_ERR_SYSTEM,
                            "something that is not seen from here has locked container "
                            "%s (%s/" LOCK_NAME ")",
                            container->name, container->id);
    name.text[strcspn(name.text, "\n")] = '\0';
    cb_error_set(err, CB_ERR_SYSTEM,
                 "process %d (%s), which is no monitor, has locked container %s",
                 (int)pid, name.text, container->name);
    return cb_error_hint(err, "end it, and try again");
}

int cb_holder_check(struct cb_holder_watch *watch, const struct cb_container *container,
                    struct cb_error **err)
{
    int64_t now_ms = cb_clock_ms();
    pid_t writer, owner;
    int is_stopped;

    if (!watch->looked_ms)
        watch->looked_ms = now_ms;
    if (now_ms - watch->looked_ms < LOOK_MS)
        return 0;
    watch->looked_ms = now_ms;
    writer = cb_lock_holder(container->dir_fd, LOCK_NAME);
    owner = find_owner(container);
    if (owner <= 0)
        owner = writer;
    is_stopped = owner > 0 && cb_client_process_is_stopped(owner);
    if (!is_stopped && owner > 0 && (owner == writer || runs_our_program(owner)))
        watch->bad_looks = 0;
    else if (++watch->bad_looks >= PATIENCE_LOOKS)
        return refuse(container, owner, is_stopped, err);
    return 0;
}
