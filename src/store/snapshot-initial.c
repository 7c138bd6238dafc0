/* What a layer had before its tree was used, to tell afterwards whether it was changed.
 * A few entries are looked at closely: attributes of every kind, since whatever somebody
 * left there would be found by the next. It is done twice for each container in the
 * foreground, so by as few calls as there can be. */
#include "store/snapshot-priv.h"

#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MOST_BYTES   4096 /* of the description */
#define MOST_ENTRIES 16   /* of a directory */

/* An entry of a directory, or the directory FD itself: NAME is "". */
struct place {
    int fd, dir_fd;
    const char *name;
    char path[NAME_MAX + 40]; /* for calls that know no directories */
};

static ssize_t list_attributes(const struct place *place, char *out, size_t room)
{
    return place->fd >= 0 ? flistxattr(place->fd, out, room)
                          : llistxattr(place->path, out, room);
}

static ssize_t get_attribute(const struct place *place, const char *name, char *out,
                             size_t room)
{
    return place->fd >= 0 ? fgetxattr(place->fd, name, out, room)
                          : lgetxattr(place->path, name, out, room);
}

static int describe_attributes(const struct place *place, struct cb_strbuf *out)
{
    char names[1024], value[1024];
    ssize_t len = list_attributes(place, names, sizeof(names));

    if (len < 0)
        return errno == ENOTSUP ? 0 : -1;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        ssize_t bytes = get_attribute(place, name, value, sizeof(value));

        if (bytes < 0)
            return -1;
        cb_strbuf_addf(out, " %s=%zd:", name, bytes);
        cb_strbuf_add(out, value, (size_t)bytes);
    }
    return 0;
}

/* What chattr(1) sets; not all of it is in statx. A file system without has none. */
static int describe_flags(int fd, struct cb_strbuf *out)
{
    struct fsxattr more = {0};
    int flags = 0;

    if ((ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 && errno != ENOTTY &&
         errno != EOPNOTSUPP) ||
        (ioctl(fd, FS_IOC_FSGETXATTR, &more) < 0 && errno != ENOTTY &&
         errno != EOPNOTSUPP))
        return -1;
    cb_strbuf_addf(out, " %x %x %x %x %x", (unsigned)flags, more.fsx_xflags,
                   more.fsx_projid, more.fsx_extsize, more.fsx_cowextsize);
    return 0;
}

/* Its access time is left out, since whoever looks changes it: who sets it changes the
 * change time. What a file contains is not described: it is to be empty. */
static int describe_place(const struct place *place, struct cb_strbuf *out)
{
    char target[256];
    struct statx st;
    ssize_t len = 0;

    if (statx(place->dir_fd, place->name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
              STATX_BASIC_STATS, &st) < 0)
        return -1;
    if (S_ISLNK(st.stx_mode))
        len = readlinkat(place->dir_fd, place->name, target, sizeof(target));
    if (len < 0 || (S_ISREG(st.stx_mode) && st.stx_size > 0))
        return -1;
    cb_strbuf_addf(out, "%s %o %u %u %u %llu %llu %u:%u %llx %lld.%u %lld.%u %.*s",
                   place->name, st.stx_mode, st.stx_uid, st.stx_gid, st.stx_nlink,
                   (unsigned long long)st.stx_size, (unsigned long long)st.stx_blocks,
                   st.stx_rdev_major, st.stx_rdev_minor,
                   (unsigned long long)st.stx_attributes, (long long)st.stx_mtime.tv_sec,
                   st.stx_mtime.tv_nsec, (long long)st.stx_ctime.tv_sec,
                   st.stx_ctime.tv_nsec, (int)len, target);
    if ((place->fd >= 0 && describe_flags(place->fd, out) < 0) ||
        describe_attributes(place, out) < 0 || out->len > MOST_BYTES)
        return -1;
    cb_strbuf_addc(out, '\n');
    return 0;
}

static int describe_directory(int dir_fd, struct cb_strbuf *out);

static int describe_entry(int dir_fd, const struct dirent64 *entry, struct cb_strbuf *out)
{
    struct place place = {.fd = -1, .dir_fd = dir_fd, .name = entry->d_name};
    cb_autofd int fd = -1;

    if (entry->d_type == DT_DIR || entry->d_type == DT_REG) {
        fd = openat(dir_fd, entry->d_name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
            return -1;
        place = (struct place){.fd = fd, .dir_fd = fd, .name = ""};
        cb_strbuf_addf(out, "%s/", entry->d_name);
        return entry->d_type == DT_DIR ? describe_directory(fd, out)
                                       : describe_place(&place, out);
    }
    if (entry->d_type == DT_UNKNOWN)
        return -1;
    snprintf(place.path, sizeof(place.path), "/proc/self/fd/%d/%s", dir_fd,
             entry->d_name);
    return describe_place(&place, out);
}

static int by_name(const void *one, const void *two)
{
    const struct dirent64 *const *a = one, *const *b = two;

    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The whole directory in one call, or it has too much. */
static int describe_directory(int dir_fd, struct cb_strbuf *out)
{
    const struct place own = {.fd = dir_fd, .dir_fd = dir_fd, .name = ""};
    _Alignas(struct dirent64) char buffer[8192];
    const struct dirent64 *entries[MOST_ENTRIES];
    ssize_t len = getdents64(dir_fd, buffer, sizeof(buffer));
    size_t count = 0;

    if (len <= 0 || getdents64(dir_fd, (char[1024]){0}, 1024) != 0 ||
        describe_place(&own, out) < 0)
        return -1;
    for (ssize_t at = 0; at < len;) {
        const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);

        at += entry->d_reclen;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count == MOST_ENTRIES)
            return -1;
        entries[count++] = entry;
    }
    qsort(entries, count, sizeof(*entries), by_name);
    for (size_t i = 0; i < count; i++) {
        if (describe_entry(dir_fd, entries[i], out) < 0)
            return -1;
    }
    cb_strbuf_adds(out, "..\n");
    return 0;
}

int cb_layer_describe(int layer_fd, struct cb_strbuf *out)
{
    return describe_directory(layer_fd, out);
}
