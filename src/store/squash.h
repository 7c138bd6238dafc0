/* Several layers become one. */
#ifndef CB_STORE_SQUASH_H
#define CB_STORE_SQUASH_H

#include "base/cancel.h"
#include "store/snapshot.h"

/* A committed snapshot on BASE (TOP itself or one below it; NULL: on nothing) with the
 * tree of TOP: the layers between are one. What they made and took away again is not in
 * it. Files are further names of the layers' own. The same two give the same snapshot
 * again while it is there; its time is TOP's. */
int cb_snapshot_squash(struct cb_snapshot *top, struct cb_snapshot *base,
                       struct cb_cancel *cancel, struct cb_snapshot **out,
                       struct cb_error **err);

/* Lays the directories LAYERS, topmost first, over what is in the directory TO_FD: the
 * tree that is seen, by further names of their files, without marks of what is gone. */
int cb_layers_lay(const int *layers, size_t count, int to_fd, struct cb_error **err);

#endif
