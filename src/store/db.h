/* The index, meta.db: who is called what, what stands on what. SQLite in WAL mode,
 * several processes at once. Only db*.c speak SQL; each noun has its own pair
 * (db-images.[ch], …).
 *
 * One connection, guarded by a mutex that every call takes and releases: no call hands a
 * statement or a transaction out. */
#ifndef CB_STORE_DB_H
#define CB_STORE_DB_H

#include "base/cancel.h"
#include "base/error.h"

struct cb_db;

struct cb_db_options {
    const char *root;
    int create;
    struct cb_cancel *cancel; /* ends waits for other writers; or NULL */
    int read_only;
    int no_sync;
    int recalls;         /* asks little, and the same as the last: see db-answers.h */
    const char *boot_id; /* of this run of the machine, for RECALLS; "": unknown */
};
int cb_db_open(struct cb_db **out, const struct cb_db_options *options,
               struct cb_error **err);
void cb_db_close(struct cb_db *db);
CB_AUTO_DEFINE(cb_db, cb_db_close)

/* Until cb_db_sync what is committed as truth does not wait for the disk: for many small
 * changes in a row. */
void cb_db_sync_later(struct cb_db *db);
/* All that is committed is on the disk, whoever committed it. */
int cb_db_sync(struct cb_db *db, struct cb_error **err);
/* SQLite's own check of the file: 1 sound; 0 not, *PROBLEM (caller frees) says what. */
int cb_db_check(struct cb_db *db, char **problem, struct cb_error **err);
/* Rows changed on this connection: to show that a command wrote nothing. */
int64_t cb_db_changes(struct cb_db *db);

#endif
