/* What differs between two whole trees, whatever layers they are made of. */
#ifndef CB_CONTAINER_DIFF_ROOTS_H
#define CB_CONTAINER_DIFF_ROOTS_H

#include "base/cancel.h"
#include "container/diff.h"

/* What ROOT has ('A'), has otherwise ('C') or lacks ('D') beside OTHER, in the order of
 * the paths; of a directory that is gone not what was in it, and a directory with a
 * change in it is changed. Files differ by type, mode, owner, link target, device and
 * content, not by times. */
int cb_diff_roots(int root_fd, int other_fd, struct cb_cancel *cancel,
                  struct cb_changes *out, struct cb_error **err);

#endif
