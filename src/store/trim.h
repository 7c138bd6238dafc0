/* What a finished step's layer need not hold. */
#ifndef CB_STORE_TRIM_H
#define CB_STORE_TRIM_H

#include "store/snapshot.h"

/* Removes from an active snapshot the directories that overlay made by copying them up
 * and that nothing came to be in: empty, not opaque, and just like the ones below. A
 * mount point that was made and taken away again leaves such a directory; a step that
 * changed nothing is to be an empty layer. */
int cb_snapshot_trim(struct cb_snapshot *active, struct cb_error **err);

#endif
