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
