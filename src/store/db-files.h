/* The files of the index keep the blocks they have, so that a full disk can be made less
 * full: whatever removes something writes to the index first. SQLite would give them back
 * at each start (the shared memory) and at the end of a long log, and somebody who fills
 * the disk takes them at once. */
#ifndef CB_STORE_DB_FILES_H
#define CB_STORE_DB_FILES_H

/* SQLite's truncations keep blocks from here on, in this process. */
void cb_db_files_keep(void);
/* The log of the store at ROOT gets blocks for the next transactions, if there are any to
 * be had. */
void cb_db_files_reserve(const char *root);

#endif
