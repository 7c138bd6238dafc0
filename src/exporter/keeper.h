/* Inside exporter/: blobs that were just made are kept while the archive is written,
 * since keeping them waits for the disk. */
#ifndef CB_EXPORTER_KEEPER_H
#define CB_EXPORTER_KEEPER_H

#include "base/pool.h"
#include "store/layer.h"

struct cb_keeper;
/* POOL may be NULL: they are kept at once. */
struct cb_keeper *cb_keeper_new(struct cb_pool *pool);
/* Takes FRESH, on another thread. */
void cb_keeper_add(struct cb_keeper *keeper, struct cb_fresh_blob *fresh);
/* Until all are in the store; the first error there was. */
int cb_keeper_wait(struct cb_keeper *keeper, struct cb_error **err);
void cb_keeper_free(struct cb_keeper *keeper);
CB_AUTO_DEFINE(cb_keeper, cb_keeper_free)

#endif
