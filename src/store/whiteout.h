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

/* Overlay's: is this file a whiteout? */
static inline int cb_whiteout_is_device(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}
/* The mark of an opaque directory is the attribute that overlay looks at here: trusted.*
 * of root's, user.* in a user namespace, where the other may not be written. */
/* Hides NAME of the layers below. A directory of that name in this layer becomes opaque,
 * any other file hides what is below it anyway. */
int cb_whiteout_make(int dir_fd, const char *name, struct cb_error **err);
int cb_whiteout_make_opaque(int dir_fd, struct cb_error **err);

#endif
