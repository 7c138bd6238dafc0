/* A record per entry. Regular files stand in theirs with the digest of their content, so
 * they can be hashed in any order and by any number of threads, and a digest known from
 * elsewhere (the stat index) serves as well. */
#include "store/tree-digest.h"

#include <sys/stat.h>

void cb_tree_digest_entry(struct cb_hasher *hasher, const struct cb_tree_entry *entry)
{
    const struct stat *st = entry->st;
    /* a link's permissions mean nothing and differ between systems */
    mode_t mode = S_ISLNK(st->st_mode) ? S_IFLNK | 0777 : st->st_mode;
    int is_device = S_ISCHR(mode) || S_ISBLK(mode);

    cb_hasher_field(hasher, entry->path);
    cb_hasher_u64(hasher, mode);
    cb_hasher_u64(hasher, st->st_uid);
    cb_hasher_u64(hasher, st->st_gid);
    cb_hasher_u64(hasher, S_ISREG(mode) ? (uint64_t)st->st_size : 0);
    cb_hasher_u64(hasher, is_device ? st->st_rdev : 0);
    cb_hasher_field(hasher, entry->link);
    cb_hasher_u64(hasher, entry->xattrs_len);
    cb_hasher_update(hasher, entry->xattrs_len ? entry->xattrs : "", entry->xattrs_len);
    cb_hasher_u64(hasher, entry->content != NULL);
    if (entry->content)
        cb_hasher_digest(hasher, entry->content);
}
