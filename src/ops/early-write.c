/* Has the disk begin with large files while others are still copied and hashed: the image
 * waits for all of them before it gets its name. One job of the io class goes through
 * them, because a thread that hands pages to a busy disk is held up by it. Best effort: a
 * file that is gone or cannot be opened is written later, as all others. */
#include "ops/early-write-priv.h"

#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

struct cb_early_write {
    pthread_mutex_t lock; /* guards all below */
    struct cb_strings waiting;
    unsigned holders; /* the owner and the job */
    int running, keep;
    struct cb_pool *pool;
    int dir_fd;
};

struct cb_early_write *cb_early_write_new(struct cb_pool *pool, int dir_fd)
{
    struct cb_early_write *early;
    int copy = pool ? fcntl(dir_fd, F_DUPFD_CLOEXEC, 3) : -1;

    if (copy < 0)
        return NULL;
    early = xcalloc(1, sizeof(*early));
    pthread_mutex_init(&early->lock, NULL);
    early->holders = 1;
    early->pool = pool;
    early->dir_fd = copy;
    return early;
}

void cb_early_write_keep(struct cb_early_write *early)
{
    if (!early)
        return;
    pthread_mutex_lock(&early->lock);
    early->keep = 1;
    pthread_mutex_unlock(&early->lock);
}

static void forget(struct cb_early_write *early)
{
    cb_vec_foreach (path, &early->waiting)
        free(*path);
    early->waiting.count = 0;
}

void cb_early_write_free(struct cb_early_write *early)
{
    int last;

    if (!early)
        return;
    pthread_mutex_lock(&early->lock);
    if (!early->keep)
        forget(early);
    last = --early->holders == 0;
    pthread_mutex_unlock(&early->lock);
    if (!last)
        return;
    cb_strings_free(&early->waiting);
    cb_close(&early->dir_fd);
    pthread_mutex_destroy(&early->lock);
    free(early);
}

static char *next(struct cb_early_write *early)
{
    char *path = NULL;

    pthread_mutex_lock(&early->lock);
    if (early->waiting.count > 0)
        path = early->waiting.items[--early->waiting.count];
    else
        early->running = 0;
    pthread_mutex_unlock(&early->lock);
    return path;
}

static void write_waiting(void *arg)
{
    struct cb_early_write *early = arg;
    char *path;

    while ((path = next(early))) {
        cb_autofd int fd =
            openat(early->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0)
            (void)!sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        free(path);
    }
    cb_early_write_free(early);
}

void cb_early_write_add(struct cb_early_write *early, const char *path)
{
    int start;

    if (!early)
        return;
    pthread_mutex_lock(&early->lock);
    cb_strings_add(&early->waiting, path);
    start = !early->running;
    early->running = 1;
    early->holders += (unsigned)start;
    pthread_mutex_unlock(&early->lock);
    if (start)
        cb_pool_submit(early->pool, CB_POOL_IO, write_waiting, early);
}
