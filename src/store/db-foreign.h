/* A database that a stranger wrote, looked at in memory: nothing of it is believed. */
#ifndef CB_STORE_DB_FOREIGN_H
#define CB_STORE_DB_FOREIGN_H

#include "base/error.h"

#include <stddef.h>

/* Calls EACH for every value of the column BLOB of TABLE that is one. BYTES, a whole
 * SQLite file, is taken. Bounded in work; INTEGRITY when it is no database, has no such
 * table, or asks for too much. */
int cb_db_foreign_blobs(void *bytes, size_t len, const char *table,
                        void (*each)(void *arg, const void *blob, size_t len), void *arg,
                        struct cb_error **err);

#endif
