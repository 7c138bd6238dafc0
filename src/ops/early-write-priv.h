/* Writing large files out early. */
#ifndef CB_OPS_EARLY_WRITE_PRIV_H
#define CB_OPS_EARLY_WRITE_PRIV_H

#include "base/pool.h"

struct cb_early_write;
/* For files below the directory DIR_FD, of which a duplicate is kept. NULL (no pool, no
 * descriptor left) is fine for the others. */
struct cb_early_write *cb_early_write_new(struct cb_pool *pool, int dir_fd);
/* The files are there to stay: what was added is gone through after cb_early_write_free,
 * too. */
void cb_early_write_keep(struct cb_early_write *early);
void cb_early_write_free(struct cb_early_write *early);
/* Thread-safe. PATH is copied. */
void cb_early_write_add(struct cb_early_write *early, const char *path);

#endif
