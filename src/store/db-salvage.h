/* What can still be read of a damaged index. */
#ifndef CB_STORE_DB_SALVAGE_H
#define CB_STORE_DB_SALVAGE_H

#include "store/db.h"

#include <stdint.h>

/* Copies the rows of the index in the file PATH, as far as SQLite can read them, into TO;
 * those of no use are left out. ROWS: how many there are. */
int cb_db_salvage(struct cb_db *to, const char *path, uint64_t *rows,
                  struct cb_error **err);
/* All of it is in the file itself from now on, on stable storage, and its log is empty.
 */
int cb_db_settle(struct cb_db *db, struct cb_error **err);

#endif
