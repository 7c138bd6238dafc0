/* Leases are files and not rows: taking one costs a write(2) of forty bytes, so a rebuild
 * that changes nothing leaves the database alone; and the kernel ends them when their
 * process ends. */
#include "store/lease.h"

#include "base/fs.h"
#include "base/strbuf.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LEASE_MAX_BYTES (64u << 20)
#define SPARE           "../spare/lease"

struct cb_lease {
    int dir_fd;
    int fd; /* -1 until something is leased */
    char id[CB_ID_LEN + 1];
    pthread_mutex_t mutex; /* guards all below, and fd */
    struct cb_map *held;   /* "<kind><name>" */
    int deferred;
    struct cb_strbuf waiting; /* lines to be written when it ends */
};

int cb_lease_open(struct cb_lease **out, int root_fd, struct cb_error **err)
{
    struct cb_lease *lease;
    int dir_fd = openat(root_fd, "leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return cb_error_errno(err, errno, "open `leases`");
    lease = xcalloc(1, sizeof(*lease));
    lease->dir_fd = dir_fd;
    lease->fd = -1;
    cb_id_new(lease->id);
    pthread_mutex_init(&lease->mutex, NULL);
    lease->held = cb_map_new(NULL);
    *out = lease;
    return 0;
}

/* Emptied it is as good as a new one, and moved it costs less: see snapshot-spare.c. Who
 * finds it before we have closed it makes one of its own. */
static void give_up_file(const struct cb_lease *lease)
{
    if (ftruncate(lease->fd, 0) < 0 ||
        renameat2(lease->dir_fd, lease->id, lease->dir_fd, SPARE, RENAME_NOREPLACE) < 0)
        unlinkat(lease->dir_fd, lease->id, 0);
}

void cb_lease_close(struct cb_lease *lease)
{
    if (!lease)
        return;
    if (lease->fd >= 0)
        give_up_file(lease);
    cb_close(&lease->fd);
    cb_close(&lease->dir_fd);
    cb_map_free(lease->held);
    cb_strbuf_free(&lease->waiting);
    pthread_mutex_destroy(&lease->mutex);
    free(lease);
}

const char *cb_lease_id(const struct cb_lease *lease)
{
    return lease->id;
}

/* 1: it is locked and still there. A sweep may take the file for a dead one in the moment
 * before it is locked; then it is gone from the directory. A process that has yet to
 * close a spare, or has inherited it, holds its lock for as long as it likes: with
 * NO_WAIT that one is left to it. */
static int lock_file(const struct cb_lease *lease, int fd, int no_wait)
{
    struct stat st;

    if (flock(fd, LOCK_EX | (no_wait ? LOCK_NB : 0)) < 0) {
        if (errno != EWOULDBLOCK)
            return -1;
        unlinkat(lease->dir_fd, lease->id, 0);
        return 0;
    }
    if (fstat(fd, &st) < 0)
        return -1;
    /* a machine that crashed may have kept lines of its last owner */
    if (st.st_size > 0 && ftruncate(fd, 0) < 0)
        return -1;
    return st.st_nlink > 0;
}

/* 1: what is there now is a spare file; anything else by its name is as good as none. */
static int take_spare(const struct cb_lease *lease)
{
    struct stat st;

    if (fstatat(lease->dir_fd, SPARE, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return 0;
    return renameat(lease->dir_fd, SPARE, lease->dir_fd, lease->id) == 0;
}

static int make_file(struct cb_lease *lease, struct cb_error **err)
{
    int is_spare = take_spare(lease);

    for (;; is_spare = 0) {
        cb_autofd int fd = openat(lease->dir_fd, lease->id,
                                  O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        int locked = fd < 0 ? -1 : lock_file(lease, fd, is_spare);

        if (locked < 0)
            return cb_error_errno(err, errno, "make lease `leases/%s`", lease->id);
        if (locked) {
            lease->fd = cb_steal_fd(&fd);
            return 0;
        }
    }
}

static int write_lines(struct cb_lease *lease, const struct cb_strbuf *lines,
                       struct cb_error **err)
{
    if (lines->len == 0)
        return 0;
    if (lease->fd < 0 && make_file(lease, err) < 0)
        return -1;
    if (cb_fs_write_all(lease->fd, lines->text, lines->len) < 0)
        return cb_error_errno(err, errno, "write lease `leases/%s`", lease->id);
    return 0;
}

static int add_locked(struct cb_lease *lease, char kind, const char *const *names,
                      size_t count, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) lines = {0};
    cb_auto_value(cb_strbuf) key = {0};
    size_t i;

    for (i = 0; i < count; i++) {
        cb_strbuf_truncate(&key, 0);
        cb_strbuf_addf(&key, "%c%s", kind, names[i]);
        if (cb_map_has(lease->held, key.text))
            continue;
        cb_map_set(lease->held, key.text, lease);
        cb_strbuf_addf(&lines, "%s\n", key.text);
    }
    if (!lease->deferred)
        return write_lines(lease, &lines, err);
    cb_strbuf_add(&lease->waiting, cb_strbuf_text(&lines), lines.len);
    return 0;
}

void cb_lease_defer(struct cb_lease *lease)
{
    pthread_mutex_lock(&lease->mutex);
    lease->deferred = lease->fd < 0;
    pthread_mutex_unlock(&lease->mutex);
}

int cb_lease_write(struct cb_lease *lease, struct cb_error **err)
{
    int result;

    pthread_mutex_lock(&lease->mutex);
    result = write_lines(lease, &lease->waiting, err);
    if (result == 0) {
        cb_strbuf_truncate(&lease->waiting, 0);
        lease->deferred = 0;
    }
    pthread_mutex_unlock(&lease->mutex);
    return result;
}

int cb_lease_add(struct cb_lease *lease, enum cb_lease_kind kind,
                 const char *const *names, size_t count, struct cb_error **err)
{
    int result;

    if (!lease)
        return 0;
    pthread_mutex_lock(&lease->mutex);
    result = add_locked(lease, (char)kind, names, count, err);
    pthread_mutex_unlock(&lease->mutex);
    return result;
}

void cb_lease_forget(struct cb_lease *lease, enum cb_lease_kind kind, const char *name)
{
    cb_autofree char *key = NULL;

    if (!lease)
        return;
    key = xasprintf("%c%s", (char)kind, name);
    pthread_mutex_lock(&lease->mutex);
    cb_map_remove(lease->held, key);
    pthread_mutex_unlock(&lease->mutex);
}

/* 1: nobody holds the lock any more, and we do. One that another has swept since we
 * opened it is nobody's to remove: NAME may be a living one by now, made anew. */
static int take_dead(int dir_fd, const char *name, int *fd)
{
    cb_autofd int lease = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
    struct stat st;

    if (lease < 0 || flock(lease, LOCK_EX | LOCK_NB) < 0 || fstat(lease, &st) < 0 ||
        st.st_nlink == 0)
        return 0;
    *fd = cb_steal_fd(&lease);
    return 1;
}

int cb_lease_alive(const struct cb_lease *own, const char *id)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (strcmp(own->id, id) == 0)
        return 1;
    if (fstatat(own->dir_fd, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return !take_dead(own->dir_fd, id, &fd);
}

static void each_line(char *text, void (*line)(void *, char *), void *arg)
{
    char *rest = NULL;
    char *at;

    for (at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
        line(arg, at);
}

static void use_line(void *arg, char *line)
{
    cb_map_set(arg, line, arg);
}

static void collect_own(const struct cb_lease *own, struct cb_map *used)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)&own->mutex;
    const char *key;
    void *value;
    size_t at = 0;

    pthread_mutex_lock(mutex);
    while (cb_map_next(own->held, &at, &key, &value)) {
        if (key[0] != CB_LEASE_SNAPSHOT)
            cb_map_set(used, key, used);
    }
    pthread_mutex_unlock(mutex);
}

int cb_leases_collect(const struct cb_lease *own, struct cb_map *used,
                      struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(own->dir_fd, &names, err) < 0)
        return cb_error_wrap(err, "list leases");
    collect_own(own, used);
    cb_vec_foreach (name, &names) {
        cb_auto_value(cb_strbuf) text = {0};
        cb_autofd int fd = -1;

        if (strcmp(*name, own->id) == 0 || take_dead(own->dir_fd, *name, &fd))
            continue;
        if (cb_fs_read_file(own->dir_fd, *name, LEASE_MAX_BYTES, &text, NULL) < 0)
            continue; /* ended meanwhile */
        if (text.len)
            each_line(text.text, use_line, used);
    }
    return 0;
}

struct sweep {
    void (*dead)(void *arg, enum cb_lease_kind kind, const char *name);
    void *arg;
};

static void sweep_line(void *arg, char *line)
{
    struct sweep *sweep = arg;

    if (line[0] && line[1] && !strchr(line + 1, '/'))
        sweep->dead(sweep->arg, (enum cb_lease_kind)line[0], line + 1);
}

void cb_leases_sweep(const struct cb_lease *own,
                     void (*dead)(void *arg, enum cb_lease_kind kind, const char *name),
                     void *arg)
{
    cb_auto_value(cb_strings) names = {0};
    struct sweep sweep = {.dead = dead, .arg = arg};

    if (cb_fs_list(own->dir_fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        cb_auto_value(cb_strbuf) text = {0};
        cb_autofd int fd = -1;

        if (strcmp(*name, own->id) == 0 || !take_dead(own->dir_fd, *name, &fd))
            continue;
        if (cb_fs_read_fd(fd, LEASE_MAX_BYTES, &text, NULL) == 0 && text.len)
            each_line(text.text, sweep_line, &sweep);
        unlinkat(own->dir_fd, *name, 0);
    }
}
