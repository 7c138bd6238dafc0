/* No file of a layer newer than it may be. */
#ifndef CB_STORE_CLAMP_H
#define CB_STORE_CLAMP_H

#include "base/cancel.h"
#include "store/snapshot.h"

/* Gives what is newer than NEWEST_S (seconds since 1970) in an active snapshot's own
 * layer that time; older files and the layers below keep theirs. */
int cb_snapshot_clamp(struct cb_snapshot *active, int64_t newest_s,
                      struct cb_cancel *cancel, struct cb_error **err);

#endif
