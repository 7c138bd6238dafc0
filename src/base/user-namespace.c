/* The kernel gives the first user namespace a fixed inode number; the maps are text. */
#include "base/user-namespace.h"

#include "base/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define FIRST_NAMESPACE 0xEFFFFFFDu
#define MAX_MAP_BYTES   (64u << 10)
#define ALL_IDS         UINT32_MAX

int cb_in_user_namespace(void)
{
    struct stat st;

    return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != FIRST_NAMESPACE;
}

/* Lines of "inside outside count", ordered by nothing in particular. */
static uint32_t count_ids(const char *path)
{
    cb_auto_value(cb_strbuf) text = {0};
    uint64_t end = 0;
    int grew = 1;

    if (cb_fs_read_file(AT_FDCWD, path, MAX_MAP_BYTES, &text, NULL) < 0)
        return ALL_IDS;
    while (grew) {
        unsigned long inside, outside, count;
        int used;

        grew = 0;
        for (const char *at = cb_strbuf_text(&text);
             sscanf(at, "%lu %lu %lu%n", &inside, &outside, &count, &used) == 3;
             at += used) {
            if (inside <= end && inside + count > end) {
                end = inside + count;
                grew = 1;
            }
        }
    }
    return end > ALL_IDS ? ALL_IDS : (uint32_t)end;
}

uint32_t cb_mapped_ids(void)
{
    uint32_t users = count_ids("/proc/self/uid_map");
    uint32_t groups = count_ids("/proc/self/gid_map");

    return users < groups ? users : groups;
}

uint32_t cb_outer_uid(uint32_t uid)
{
    cb_auto_value(cb_strbuf) text = {0};
    unsigned long inside, outside, count;
    int used;

    if (cb_fs_read_file(AT_FDCWD, "/proc/self/uid_map", MAX_MAP_BYTES, &text, NULL) < 0)
        return uid;
    for (const char *at = cb_strbuf_text(&text);
         sscanf(at, "%lu %lu %lu%n", &inside, &outside, &count, &used) == 3; at += used) {
        if (uid >= inside && uid - inside < count)
            return (uint32_t)(outside + (uid - inside));
    }
    return uid;
}

int cb_mapped_ids_hint(struct cb_error **err, uint32_t uid, uint32_t gid)
{
    uint32_t ids;

    if (!cb_in_user_namespace())
        return -1;
    ids = cb_mapped_ids();
    if (uid < ids && gid < ids)
        return -1;
    return cb_error_hint(err,
                         "only the ids 0 to %u exist here; /etc/subuid and /etc/subgid "
                         "say how many a user has",
                         ids - 1);
}
