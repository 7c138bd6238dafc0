/* The guard knows where it is; it is fed no further than to where that can change. */
#include "store/tar-split.h"

#define BLOCK 512

void cb_tar_split_init(struct cb_tar_split *split)
{
    *split = (struct cb_tar_split){0};
    cb_tar_guard_init(&split->guard);
}

static size_t part_bytes(const struct cb_tar_split *split, size_t len)
{
    uint64_t most = BLOCK - split->at % BLOCK;

    if (split->guard.state == CB_GUARD_OFF)
        return len;
    if (split->guard.state == CB_GUARD_DATA)
        most = split->guard.content ? split->guard.content : split->guard.left;
    return most < len ? (size_t)most : len;
}

ssize_t cb_tar_split_take(struct cb_tar_split *split, const void *bytes, size_t len,
                          struct cb_tar_part *part, struct cb_error **err)
{
    const struct cb_tar_guard *guard = &split->guard;
    int is_content = guard->state == CB_GUARD_DATA && guard->content > 0;
    size_t used = part_bytes(split, len);

    *part =
        (struct cb_tar_part){.is_content = is_content,
                             .begins = is_content && !split->inside ? guard->content : 0};
    if (cb_tar_guard_feed(&split->guard, bytes, used, err) < 0)
        return -1;
    split->at += used;
    split->inside = is_content && guard->content > 0;
    return (ssize_t)used;
}
