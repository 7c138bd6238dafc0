/* The file is never opened by SQLite: its bytes are given to it, so that no name of a
 * journal or of another file can matter. A view can stand in a table's place, and a query
 * over it can run for ever: the steps are counted. */
#include "store/db-foreign.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_PER_TICK 100000
#define MAX_TICKS      5000
#define MAX_ROWS       200000
#define MAX_BLOB       (16 << 20)
#define XINFO_HIDDEN   6

struct foreign {
    sqlite3 *db;
    sqlite3_stmt *query;
    unsigned ticks;
};

static void foreign_clear(struct foreign *foreign)
{
    sqlite3_finalize(foreign->query);
    sqlite3_close(foreign->db);
}

static int tick(void *arg)
{
    struct foreign *foreign = arg;

    return ++foreign->ticks > MAX_TICKS;
}

/* What is not to be trusted may define no functions, views of functions or tables of
 * modules that do anything. */
static void restrain(struct foreign *foreign)
{
    sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(foreign->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(foreign->db, SQLITE_LIMIT_LENGTH, MAX_BLOB);
    sqlite3_limit(foreign->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_progress_handler(foreign->db, STEPS_PER_TICK, tick, foreign);
}

/* They stay the caller's. */
static int give(struct foreign *foreign, void *bytes, size_t len)
{
    return sqlite3_deserialize(foreign->db, "main", bytes, (sqlite3_int64)len,
                               (sqlite3_int64)len, SQLITE_DESERIALIZE_READONLY);
}

/* 1: TABLE is one, with columns that are stored: one that is generated can take a second
 * for a value, in few steps. */
static int is_plain(struct foreign *foreign, const char *table)
{
    sqlite3_stmt *query = NULL;
    char *text = sqlite3_mprintf("PRAGMA table_xinfo(\"%w\")", table);
    int result =
        text ? sqlite3_prepare_v2(foreign->db, text, -1, &query, NULL) : SQLITE_NOMEM;
    int plain = 1;

    sqlite3_free(text);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(query);
        if (result == SQLITE_ROW && sqlite3_column_int(query, XINFO_HIDDEN))
            plain = 0;
    }
    sqlite3_finalize(query);
    return plain && result == SQLITE_DONE;
}

static int open_query(struct foreign *foreign, void *bytes, size_t len, const char *table)
{
    char *text = sqlite3_mprintf("SELECT blob FROM \"%w\"", table);
    int result = text ? sqlite3_open_v2(":memory:", &foreign->db,
                                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL)
                      : SQLITE_NOMEM;

    if (result == SQLITE_OK) {
        restrain(foreign);
        result = give(foreign, bytes, len);
    }
    if (result == SQLITE_OK && !is_plain(foreign, table))
        result = SQLITE_CORRUPT;
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(foreign->db, text, -1, &foreign->query, NULL);
    sqlite3_free(text);
    return result;
}

/* A file that was in write-ahead mode says so in two bytes of its header, and is then not
 * to be had without its log, which is empty once the database was closed. */
static void leave_wal_mode(unsigned char *bytes, size_t len)
{
    if (len > 19 && bytes[18] == 2 && bytes[19] == 2)
        bytes[18] = bytes[19] = 1;
}

int cb_db_foreign_blobs(void *bytes, size_t len, const char *table,
                        void (*each)(void *arg, const void *blob, size_t len), void *arg,
                        struct cb_error **err)
{
    cb_autofree unsigned char *owned = bytes; /* outlives the database */
    __attribute__((cleanup(foreign_clear))) struct foreign foreign = {0};
    int result;

    leave_wal_mode(owned, len);
    result = open_query(&foreign, owned, len, table);
    for (size_t rows = 0; result == SQLITE_OK || result == SQLITE_ROW; rows++) {
        result = rows < MAX_ROWS ? sqlite3_step(foreign.query) : SQLITE_DONE;
        if (result == SQLITE_ROW && sqlite3_column_type(foreign.query, 0) == SQLITE_BLOB)
            each(arg, sqlite3_column_blob(foreign.query, 0),
                 (size_t)sqlite3_column_bytes(foreign.query, 0));
    }
    if (result == SQLITE_DONE)
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY, "%s",
                        result == SQLITE_CORRUPT ? sqlite3_errstr(result)
                        : foreign.db             ? sqlite3_errmsg(foreign.db)
                                                 : "out of memory");
}
