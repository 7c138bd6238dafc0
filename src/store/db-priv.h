/* Inside db*.c: statements and transactions.
 *
 *     cb_db_hold(db);                              the mutex, until the scope ends
 *     cb_query query = cb_db_query(db, "SELECT …", err);
 *     cb_bind(query, 1, text);
 *     found = cb_db_step(db, query, err);          1 row, 0 end, -1
 *
 * A query that could not be made is NULL: binding then does nothing, and what steps
 * returns -1, as ERR says why already.
 *
 * Statements are prepared once per connection and found again by the address of their
 * text, which therefore must be a literal. A query is reset when its scope ends. */
#ifndef CB_STORE_DB_PRIV_H
#define CB_STORE_DB_PRIV_H

#include "base/digest.h"
#include "base/vec.h"
#include "store/db.h"

#include <pthread.h>
#include <sqlite3.h>

struct cb_db_answers;

struct cb_db {
    sqlite3 *handle;               /* NULL: not connected yet */
    struct cb_db_options options;  /* for that; its root is ours */
    struct cb_db_answers *answers; /* or NULL */
    pthread_mutex_t mutex;         /* guards all */
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } cache[128];
    size_t cached;
    int sync_later; /* until cb_db_sync */
    int waited_ms;  /* for another writer, this time */
    int wal_frames; /* in the log after our last commit */
    int synced;     /* one of ours was on disk before it was done */
};

static inline struct cb_db *cb_db_acquire(struct cb_db *db)
{
    pthread_mutex_lock(&db->mutex);
    return db;
}
static inline void cb_db_release(struct cb_db **db)
{
    pthread_mutex_unlock(&(*db)->mutex);
}
#define cb_db_hold(db)                                                    \
    __attribute__((cleanup(cb_db_release), unused)) struct cb_db *held_ = \
        cb_db_acquire(db)

sqlite3_stmt *cb_db_query(struct cb_db *db, const char *sql, struct cb_error **err);
static inline void cb_query_cleanup(sqlite3_stmt **query)
{
    sqlite3_reset(*query); /* NULL is fine */
}
#define cb_query __attribute__((cleanup(cb_query_cleanup))) sqlite3_stmt *

void cb_bind(sqlite3_stmt *query, int at, const char *text); /* copied; NULL is NULL */
void cb_bind_int(sqlite3_stmt *query, int at, int64_t value);
void cb_bind_digest(sqlite3_stmt *query, int at, const struct cb_digest *digest);
int cb_db_step(struct cb_db *db, sqlite3_stmt *query, struct cb_error **err);
/* The first column of all rows. */
int cb_db_collect(struct cb_db *db, sqlite3_stmt *query, struct cb_strings *out,
                  struct cb_error **err);
/* The first two columns of each row, likewise. */
int cb_db_each_pair(struct cb_db *db, sqlite3_stmt *query,
                    void (*each)(void *arg, const char *one, const char *two), void *arg,
                    struct cb_error **err);
/* For statements without rows. */
int cb_db_run(struct cb_db *db, sqlite3_stmt *query, struct cb_error **err);
/* Whole statements, given up to two texts (or NULL). 1: there is a row with a non-zero
 * first column. */
int cb_db_ask(struct cb_db *db, const char *sql, const char *first, const char *second,
              struct cb_error **err);
int cb_db_tell(struct cb_db *db, const char *sql, const char *first, const char *second,
               struct cb_error **err);
int cb_db_list(struct cb_db *db, const char *sql, const char *argument,
               struct cb_strings *out, struct cb_error **err);
/* All columns of all rows for one text, which may be recalled. */
int cb_db_look_up(struct cb_db *db, const char *sql, const char *argument,
                  struct cb_strings *out, struct cb_error **err);
/* Text of a column, never NULL; valid until the next step. */
const char *cb_column(sqlite3_stmt *query, int at);
/* "" of one that is unset. */
const char *cb_db_digest_text(const struct cb_digest *digest,
                              char text[CB_DIGEST_MAX_TEXT]);
/* Unset when empty or malformed. */
struct cb_digest cb_db_text_digest(const char *text);
struct cb_digest cb_column_digest(sqlite3_stmt *query, int at);

/* A transaction, rolled back unless committed when the scope ends. DURABLE: on stable
 * storage when cb_db_commit returns. */
struct cb_db_transaction {
    struct cb_db *db; /* NULL: none open */
    int durable;
};
int cb_db_begin(struct cb_db *db, int durable, struct cb_db_transaction *out,
                struct cb_error **err);
int cb_db_commit(struct cb_db_transaction *transaction, struct cb_error **err);
void cb_db_rollback(struct cb_db_transaction *transaction);
#define cb_transaction __attribute__((cleanup(cb_db_rollback))) struct cb_db_transaction

/* In a transaction: NAME leads to the image ID (text), whatever the platform. */
int cb_db_name_put(struct cb_db *db, const char *name, const char *id,
                   struct cb_error **err);
/* 1: it does already. */
int cb_db_name_leads_to(struct cb_db *db, const char *name, const char *id,
                        struct cb_error **err);

/* Does nothing when it is. */
int cb_db_connect(struct cb_db *db, struct cb_error **err);
int cb_db_error(struct cb_db *db, const char *what, struct cb_error **err);
int cb_db_exec(struct cb_db *db, const char *sql, struct cb_error **err);
/* The version of the tables that this program has. */
int cb_db_schema_known(void);
/* Creates or migrates the tables. */
int cb_db_migrate(struct cb_db *db, int read_only, struct cb_error **err);

#endif
