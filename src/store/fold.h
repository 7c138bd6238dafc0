/* A mode, owner or attribute that is changed one layer too late. */
#ifndef CB_STORE_FOLD_H
#define CB_STORE_FOLD_H

#include "base/cancel.h"
#include "store/snapshot.h"

/* TOP's layers above BASE (TOP itself or one below it; NULL: all), once more, with the
 * same tree at the end: a file that a layer has again with the same content is left out
 * there, and the layer of these that has it first has it as it is in the end. *OUT is TOP
 * when there is no such file. The same two give the same snapshots again while they are
 * there; each has its layer's time. */
int cb_snapshot_fold(struct cb_snapshot *top, struct cb_snapshot *base,
                     struct cb_cancel *cancel, struct cb_snapshot **out,
                     struct cb_error **err);

#endif
