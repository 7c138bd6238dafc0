/* Whiteouts that hide nothing in a layer that others made. */
#ifndef CB_STORE_WHITEOUT_IDLE_H
#define CB_STORE_WHITEOUT_IDLE_H

#include "store/snapshot.h"

#include "base/cancel.h"

/* Removes from ACTIVE, which has its parent, the whiteouts in directories that merge with
 * none below. HIDES_ALL: the layer's root is opaque. */
int cb_whiteouts_drop_idle(struct cb_snapshot *active, int hides_all,
                           struct cb_cancel *cancel, struct cb_error **err);

#endif
