/* The kernel tells of each mount, in the fields between its options and a dash, which
 * group of peers it is in ("shared:N") and whose events it gets ("master:N"). */
#include "container/propagation.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define MOUNTINFO_MAX (16u << 20)

static const struct {
    const char *name;
    unsigned long flag;
} kinds[] = {
    {"private", 0},         {"rprivate", 0},     {"shared", MS_SHARED},
    {"rshared", MS_SHARED}, {"slave", MS_SLAVE}, {"rslave", MS_SLAVE},
};

int cb_propagation_is_known(const char *text)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, text) == 0)
            return 1;
    return 0;
}

unsigned long cb_propagation_flag(const char *text)
{
    for (size_t i = 0; text && i < CB_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, text) == 0)
            return kinds[i].flag;
    return 0;
}

/* -1 when the kernel does not tell. */
static long mount_id(int fd)
{
    cb_autofree char *path = xasprintf("/proc/self/fdinfo/%d", fd);
    cb_auto_value(cb_strbuf) info = {0};
    const char *at;

    if (cb_fs_read_file(AT_FDCWD, path, 4096, &info, NULL) < 0)
        return -1;
    at = strstr(cb_strbuf_text(&info), "mnt_id:");
    return at ? strtol(at + strlen("mnt_id:"), NULL, 10) : -1;
}

/* The line of mount ID; caller frees, or NULL: it is attached nowhere that we see. */
static char *line_of(long id)
{
    cb_auto_value(cb_strbuf) mounts = {0};

    if (id < 0 || cb_fs_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX,
                                  &mounts, NULL) < 0)
        return NULL;
    for (const char *at = cb_strbuf_text(&mounts); *at;
         at += strcspn(at, "\n"), at += *at == '\n') {
        if (strtol(at, NULL, 10) == id)
            return xstrndup(at, strcspn(at, "\n"));
    }
    return NULL;
}

int cb_propagation_check(const char *text, int fd, const char *source,
                         struct cb_error **err)
{
    unsigned long flag = cb_propagation_flag(text);
    cb_autofree char *line = flag ? line_of(mount_id(fd)) : NULL;
    char *dash = line ? strstr(line, " - ") : NULL, place[4096] = "?";

    if (!dash)
        return 0;
    *dash = '\0';
    if (strstr(line, " shared:") || (flag == MS_SLAVE && strstr(line, " master:")))
        return 0;
    sscanf(line, "%*s %*s %*s %*s %4095s", place);
    return cb_error_set(err, CB_ERR_USAGE,
                        "path %s is mounted on %s but it is not a %s mount", source,
                        place, flag == MS_SLAVE ? "shared or slave" : "shared");
}
