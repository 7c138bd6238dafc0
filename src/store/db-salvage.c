/* Every table is read from its first row until SQLite stumbles, and from its last until
 * it stumbles again: a page that is torn costs the rows that are in it. Columns go by
 * name, so that an index of an earlier version is read as well. */
#include "store/db-salvage.h"

#include "base/strbuf.h"
#include "store/db-priv.h"

static const char *const tables[] = {
    "images",    "image_layers", "names",         "repo_digests", "resolutions",
    "snapshots", "facts",        "pins",          "chains",       "layer_blobs",
    "records",   "durations",    "name_platforms"};

/* What a torn page can make of a row may not become a path, or lead to what is not there.
 */
static const char tidy[] =
    "DELETE FROM snapshots WHERE length(id)<>32 OR id GLOB '*[^0-9a-f]*'"
    " OR (parent<>'' AND (length(parent)<>32 OR parent GLOB '*[^0-9a-f]*'));"
    /* a layer without those below it is none, and would stand in the way of itself; a
     * container's own files are kept */
    "DELETE FROM snapshots WHERE committed=1 AND id NOT IN ("
    " WITH RECURSIVE whole(id) AS (SELECT id FROM snapshots WHERE parent=''"
    "  UNION SELECT s.id FROM whole w JOIN snapshots s ON s.parent=w.id)"
    " SELECT id FROM whole);"
    "DELETE FROM images WHERE id NOT GLOB 'sha256:*';"
    "DELETE FROM chains WHERE snapshot NOT IN (SELECT id FROM snapshots);"
    "DELETE FROM facts WHERE snapshot NOT IN (SELECT id FROM snapshots);"
    "DELETE FROM records WHERE snapshot<>''"
    " AND snapshot NOT IN (SELECT id FROM snapshots);";

/* "INSERT OR IGNORE INTO t(a,b) VALUES(?1,?2)", of the columns that FROM has. */
static sqlite3_stmt *insertion(struct cb_db *to, const char *table, sqlite3_stmt *from)
{
    cb_auto_value(cb_strbuf) sql = {0};
    sqlite3_stmt *statement = NULL;
    int count = sqlite3_column_count(from);

    cb_strbuf_addf(&sql, "INSERT OR IGNORE INTO %s(", table);
    for (int i = 0; i < count; i++)
        cb_strbuf_addf(&sql, "%s\"%s\"", i ? "," : "", sqlite3_column_name(from, i));
    cb_strbuf_adds(&sql, ") VALUES(");
    for (int i = 0; i < count; i++)
        cb_strbuf_addf(&sql, "%s?%d", i ? "," : "", i + 1);
    cb_strbuf_addc(&sql, ')');
    sqlite3_prepare_v2(to->handle, cb_strbuf_text(&sql), -1, &statement, NULL);
    return statement;
}

/* Returns how many rows are new. */
static uint64_t copy_rows(struct cb_db *to, sqlite3 *from, const char *table,
                          const char *order)
{
    cb_autofree char *sql = xasprintf("SELECT * FROM %s ORDER BY 1 %s", table, order);
    sqlite3_stmt *rows = NULL, *insert = NULL;
    uint64_t copied = 0;

    if (sqlite3_prepare_v2(from, sql, -1, &rows, NULL) == SQLITE_OK)
        insert = insertion(to, table, rows);
    while (insert && sqlite3_step(rows) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            sqlite3_bind_value(insert, i + 1, sqlite3_column_value(rows, i));
        if (sqlite3_step(insert) == SQLITE_DONE)
            copied += (uint64_t)sqlite3_changes(to->handle);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_finalize(rows);
    return copied;
}

int cb_db_salvage(struct cb_db *to, const char *path, uint64_t *rows,
                  struct cb_error **err)
{
    cb_transaction transaction = {0};
    sqlite3 *from = NULL;

    *rows = 0;
    if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        cb_db_begin(to, 0, &transaction, err) == 0) {
        for (size_t i = 0; i < CB_ARRAY_SIZE(tables); i++)
            *rows += copy_rows(to, from, tables[i], "ASC") +
                     copy_rows(to, from, tables[i], "DESC");
    }
    sqlite3_close_v2(from);
    if (!transaction.db) /* no file, or our own trouble */
        return err && *err ? -1 : 0;
    if (cb_db_exec(to, tidy, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_settle(struct cb_db *db, struct cb_error **err)
{
    cb_db_hold(db);
    if (sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                  NULL) != SQLITE_OK)
        return cb_db_error(db, "fold the log in", err);
    return 0;
}
