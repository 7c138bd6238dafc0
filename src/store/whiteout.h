/* Deletions, in the two spellings: image layers have files named ".wh.name" and
 * ".wh..wh..opq" (image-spec layer.md), overlay has character devices 0:0 and an extended
 * attribute on the directory. */
#ifndef CB_STORE_WHITEOUT_H
#define CB_STORE_WHITEOUT_H

#include "base/error.h"

#include <sys/stat.h>

#define CB_WHITEOUT_PREFIX ".wh."
#define CB_WHITEOUT_OPAQUE ".wh..wh..opq"

enum cb_whiteout_kind {
    CB_NO_WHITEOUT,
    CB_WHITEOUT,        /* *target: the name that is hidden */
    CB_OPAQUE,          /* all of the directory that is below */
    CB_WHITEOUT_SKIPPED /* bookkeeping of aufs, which means nothing */
};
/* What an entry of this path is. INTEGRITY for ".wh.", ".wh..", ".wh..." and for paths
 * that lead through such a name. */
int cb_whiteout_parse(const char *path, enum cb_whiteout_kind *kind, const char **target,
                      struct cb_error **err);

/* Is this file a whiteout? Overlay's is a device; where none can be made (on an overlay,
 * for instance) overlay is not what reads it, and a socket of no mode and no time stands
 * for one. Layers hold no sockets. */
static inline int cb_whiteout_is_device(const struct stat *st)
{
    if (S_ISSOCK(st->st_mode))
        return !(st->st_mode & 07777) && !st->st_mtim.tv_sec && !st->st_mtim.tv_nsec;
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}
/* The mark of an opaque directory is the attribute that overlay looks at here: trusted.*
 * of root's, user.* in a user namespace, where the other may not be written. Where
 * overlay's may not be written at all it is one of ours. */
/* Hides NAME of the layers below. A directory of that name in this layer becomes opaque,
 * any other file hides what is below it anyway. */
int cb_whiteout_make(int dir_fd, const char *name, struct cb_error **err);
int cb_whiteout_make_opaque(int dir_fd, struct cb_error **err);

#endif
