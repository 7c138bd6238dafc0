/* A layer's directory has overlay's format and foreign content: its links mean places in
 * the merged tree, so paths are taken apart here and none is followed. */
#include "store/layer-file.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMPARE (256 * 1024)

int cb_layer_file_open(int root_fd, const char *path, int flags)
{
    cb_autofd int dir_fd = -1;
    char name[NAME_MAX + 1];

    for (;;) {
        size_t len = strcspn(path, "/");
        int last = path[len] == '\0';
        int next;

        if (len > NAME_MAX)
            return -1;
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        next = openat(dir_fd < 0 ? root_fd : dir_fd, name,
                      (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        if (last || next < 0)
            return next;
        cb_close(&dir_fd);
        dir_fd = next;
        path += len + 1;
    }
}

static int is_as(int fd, const struct stat *want)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == want->st_size &&
           st.st_mtim.tv_sec == want->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == want->st_mtim.tv_nsec;
}

/* The topmost that has something of this path is the one that shows. */
int cb_layer_file_find(struct cb_snapshot *committed, const char *path,
                       const struct stat *st)
{
    for (struct cb_snapshot *at = committed; at; at = cb_snapshot_parent(at)) {
        cb_autofd int upper = -1, there = -1;
        int fd;

        if (cb_snapshot_open_upper(at, &upper, NULL) < 0)
            return -1;
        there = cb_layer_file_open(upper, path, O_PATH);
        if (there < 0)
            continue;
        if (!is_as(there, st))
            return -1;
        fd = cb_layer_file_open(upper, path, O_RDONLY);
        if (fd >= 0 && is_as(fd, st))
            return fd;
        cb_close(&fd);
        return -1;
    }
    return -1;
}

int cb_same_content(int one_fd, int two_fd)
{
    cb_autofree char *one = xmalloc(COMPARE);
    cb_autofree char *two = xmalloc(COMPARE);
    off_t at = 0;

    for (;;) {
        ssize_t one_len = pread(one_fd, one, COMPARE, at);
        ssize_t two_len = pread(two_fd, two, COMPARE, at);

        if (one_len < 0 || one_len != two_len || memcmp(one, two, (size_t)one_len) != 0)
            return 0;
        if (one_len == 0)
            return 1;
        at += one_len;
    }
}
