/* What the index said to the last who asked the same, for those who ask little: a program
 * that starts a container looks up a name, an image and its layers, and SQLite takes ten
 * times as long to open the file and read its schema as to answer.
 *
 * The file `answers` has questions and answers, and a stamp of the index: boot, the three
 * files' identities, sizes and times, and the header of the shared memory (both copies),
 * which every commit changes before it is seen by anybody ("WAL-Mode File Format",
 * section 2.1). As long as the stamp is the index's, so are the answers. Where the log is
 * empty only the times of meta.db tell states apart: answers are then kept of one that
 * has not changed for as long as the clock of its file system takes to go on. All of it
 * is compared with each question: a header that is looked at says nothing of the files
 * that have taken its place, and that of an empty log comes back.
 *
 * A process that SQLite holds locks for may not open and close these files, since that
 * would end the locks (fcntl(2)): a stamp is taken before the first connection, later by
 * what the connection has mapped. Not for several threads at once. */
#ifndef CB_STORE_DB_ANSWERS_H
#define CB_STORE_DB_ANSWERS_H

#include "base/vec.h"

#include <sqlite3.h>

struct cb_db_answers;

/* Those of the store ROOT. Answers of another schema or run of the machine are not used.
 * Never NULL. */
struct cb_db_answers *cb_db_answers_open(const char *root, int schema,
                                         const char *boot_id);
void cb_db_answers_free(struct cb_db_answers *answers);
CB_AUTO_DEFINE(cb_db_answers, cb_db_answers_free)

/* 1: there are some, and held when they were opened. */
int cb_db_answers_any(const struct cb_db_answers *answers);
/* 1: OUT has the texts that ARGUMENT got from SQL, and they hold. */
int cb_db_answers_find(struct cb_db_answers *answers, const char *sql,
                       const char *argument, struct cb_strings *out);

/* From now on HANDLE is asked. Answers of another state are dropped. */
void cb_db_answers_connected(struct cb_db_answers *answers, sqlite3 *handle);
void cb_db_answers_note(struct cb_db_answers *answers, const char *sql,
                        const char *argument, const struct cb_strings *texts);
/* Before HANDLE is closed: keeps what was noted if the index is as it was. Failures cost
 * the next a few questions. */
void cb_db_answers_keep(struct cb_db_answers *answers, sqlite3 *handle);

#endif
