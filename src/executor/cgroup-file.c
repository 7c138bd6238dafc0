/* The files of a control group. */
#include "executor/cgroup-priv.h"

#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define KILL_ROUNDS   1000
#define FREEZE_ROUNDS 500
#define DEPTH_MAX     64

int cb_cgroup_write(int dir_fd, const char *file, const char *value)
{
    cb_autofd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    return cb_fs_write_all(fd, value, strlen(value));
}

int cb_cgroup_write_number(int dir_fd, const char *file, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return cb_cgroup_write(dir_fd, file, text);
}

static int read_text(int dir_fd, const char *file, size_t max, struct cb_strbuf *out)
{
    cb_autofd int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -1 : cb_fs_read_fd(fd, max, out, NULL);
}

uint64_t cb_cgroup_read_number(int dir_fd, const char *file, const char *key)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *at;

    if (read_text(dir_fd, file, 4096, &text) < 0)
        return 0;
    at = cb_strbuf_text(&text);
    if (key) {
        at = strstr(at, key);
        at = at ? at + strlen(key) : "";
    }
    return strtoull(at, NULL, 10);
}

/* 1: there were some. */
static int kill_listed(int dir_fd)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *at;
    int some = 0;

    if (read_text(dir_fd, "cgroup.procs", 1 << 20, &text) < 0)
        return 0;
    for (at = cb_strbuf_text(&text); *at; at += strcspn(at, "\n"), at += *at == '\n') {
        pid_t pid = (pid_t)strtol(at, NULL, 10);

        /* 0: one that our pid namespace does not show. */
        if (pid > 1) {
            kill(pid, SIGKILL);
            some = 1;
        }
    }
    return some;
}

void cb_cgroup_move_all(int from_fd, int to_fd)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (read_text(from_fd, "cgroup.procs", 1 << 20, &text) < 0)
        return;
    for (const char *at = cb_strbuf_text(&text); *at;
         at += strcspn(at, "\n"), at += *at == '\n') {
        unsigned long pid = strtoul(at, NULL, 10);

        if (pid)
            cb_cgroup_write_number(to_fd, "cgroup.procs", pid);
    }
}

static int is_frozen(int dir_fd, int unified)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (unified)
        return cb_cgroup_read_number(dir_fd, "cgroup.events", "frozen ") == 1;
    return read_text(dir_fd, "freezer.state", 64, &text) == 0 &&
           strncmp(cb_strbuf_text(&text), "FROZEN", 6) == 0;
}

/* It takes a moment; in version 1 it has to be said again for what was just born. */
int cb_cgroup_set_frozen(int dir_fd, int unified, int on)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const char *file = unified ? "cgroup.freeze" : "freezer.state";
    const char *value = unified ? (on ? "1" : "0") : on ? "FROZEN" : "THAWED";

    for (int i = 0; i < FREEZE_ROUNDS; i++) {
        if (cb_cgroup_write(dir_fd, file, value) < 0)
            return -1;
        if (!on || is_frozen(dir_fd, unified))
            return 0;
        nanosleep(&pause, NULL);
    }
    cb_cgroup_set_frozen(dir_fd, unified, 0);
    return errno = ETIMEDOUT, -1;
}

/* Kills all in it, and waits for their end. Without cgroup.kill nothing may be born any
 * more, and then all are killed until none is left. */
static void kill_all(int dir_fd)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    if (cb_cgroup_write(dir_fd, "cgroup.kill", "1") < 0)
        cb_cgroup_write(dir_fd, "pids.max", "0");
    for (int i = 0; i < KILL_ROUNDS && kill_listed(dir_fd); i++)
        nanosleep(&pause, NULL);
}

/* ── Removing ── */

static void remove_children(int dir_fd, unsigned depth);

static void remove_at(int parent_fd, const char *name, unsigned depth)
{
    cb_autofd int dir = -1;

    if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 ||
        (errno != EBUSY && errno != ENOTEMPTY))
        return;
    dir = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return;
    if (depth < DEPTH_MAX)
        remove_children(dir, depth + 1);
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
        return;
    cb_cgroup_write(dir, "freezer.state", "THAWED"); /* what is frozen does not die */
    kill_all(dir);
    unlinkat(parent_fd, name, AT_REMOVEDIR);
}

static void remove_children(int dir_fd, unsigned depth)
{
    int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            remove_at(dir_fd, entry->d_name, depth);
    }
    if (dir)
        closedir(dir);
}

void cb_cgroup_remove(int parent_fd, const char *name)
{
    remove_at(parent_fd, name, 0);
}
