/* Statements and transactions. Derived facts are committed without any fsync (WAL,
 * synchronous=NORMAL): a machine crash may lose the latest of them, never the file's
 * soundness. Truth is committed with synchronous=FULL. */
#include "store/db.h"

#include "store/db-answers.h"
#include "store/db-priv.h"

#include <errno.h>
#include <string.h>

/* SQLite says "disk I/O error" of much; what the system said last is better when it says
 * what is short, but may also be from something harmless on the way out. */
static int is_shortage(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE;
}

int cb_db_error(struct cb_db *db, const char *what, struct cb_error **err)
{
    int code = sqlite3_errcode(db->handle);
    const char *text = sqlite3_errmsg(db->handle);

    switch (code & 0xff) {
    case SQLITE_BUSY:
        if (cb_cancel_requested(db->options.cancel))
            return cb_cancel_check(db->options.cancel, err);
        return cb_error_set(err, CB_ERR_SYSTEM, "index `meta.db`: %s: %s", what, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        cb_error_set(err, CB_ERR_INTEGRITY, "index `meta.db`: %s: %s", what, text);
        return cb_error_hint(err, "the index is damaged: `cbuild fsck --repair` makes "
                                  "another of what is left; blobs are not affected");
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return cb_error_set(err, CB_ERR_DENIED, "index `meta.db`: %s: %s", what, text);
    case SQLITE_FULL:
        return cb_error_set(err, CB_ERR_SYSTEM,
                            "index `meta.db`: %s: no space left on device", what);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (is_shortage(sqlite3_system_errno(db->handle)))
            return cb_error_errno(err, sqlite3_system_errno(db->handle),
                                  "index `meta.db`: %s", what);
        return cb_error_set(err, CB_ERR_SYSTEM, "index `meta.db`: %s: %s", what, text);
    default:
        return cb_error_set(err, CB_ERR_SYSTEM, "index `meta.db`: %s: %s", what, text);
    }
}

int cb_db_exec(struct cb_db *db, const char *sql, struct cb_error **err)
{
    if (cb_db_connect(db, err) < 0)
        return -1;
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return cb_db_error(db, "execute", err);
    return 0;
}

sqlite3_stmt *cb_db_query(struct cb_db *db, const char *sql, struct cb_error **err)
{
    sqlite3_stmt *statement = NULL;
    size_t i;

    for (i = 0; i < db->cached; i++) {
        if (db->cache[i].sql == sql)
            return db->cache[i].statement;
    }
    if (cb_db_connect(db, err) < 0)
        return NULL;
    if (db->cached == CB_ARRAY_SIZE(db->cache)) {
        cb_error_set(err, CB_ERR_SYSTEM, "index `meta.db`: too many statements");
        return NULL;
    }
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK) {
        cb_db_error(db, "prepare", err);
        return NULL;
    }
    db->cache[db->cached].sql = sql;
    db->cache[db->cached++].statement = statement;
    return statement;
}

void cb_bind(sqlite3_stmt *query, int at, const char *text)
{
    if (query && text)
        sqlite3_bind_text(query, at, text, -1, SQLITE_TRANSIENT);
    else if (query)
        sqlite3_bind_null(query, at);
}

void cb_bind_int(sqlite3_stmt *query, int at, int64_t value)
{
    if (query)
        sqlite3_bind_int64(query, at, value);
}

const char *cb_db_digest_text(const struct cb_digest *digest,
                              char text[CB_DIGEST_MAX_TEXT])
{
    return digest && cb_digest_is_set(digest) ? cb_digest_text(digest, text) : "";
}

void cb_bind_digest(sqlite3_stmt *query, int at, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_bind(query, at, cb_db_digest_text(digest, text));
}

int cb_db_step(struct cb_db *db, sqlite3_stmt *query, struct cb_error **err)
{
    if (!query)
        return -1;
    switch (sqlite3_step(query)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return cb_db_error(db, "query", err);
    }
}

int cb_db_collect(struct cb_db *db, sqlite3_stmt *query, struct cb_strings *out,
                  struct cb_error **err)
{
    int more;

    while ((more = cb_db_step(db, query, err)) > 0)
        cb_strings_add(out, cb_column(query, 0));
    return more;
}

int cb_db_each_pair(struct cb_db *db, sqlite3_stmt *query,
                    void (*each)(void *arg, const char *one, const char *two), void *arg,
                    struct cb_error **err)
{
    int more;

    while ((more = cb_db_step(db, query, err)) > 0)
        each(arg, cb_column(query, 0), cb_column(query, 1));
    return more;
}

int cb_db_run(struct cb_db *db, sqlite3_stmt *query, struct cb_error **err)
{
    int result = cb_db_step(db, query, err);

    sqlite3_reset(query);
    return result < 0 ? -1 : 0;
}

int cb_db_ask(struct cb_db *db, const char *sql, const char *first, const char *second,
              struct cb_error **err)
{
    cb_query query = cb_db_query(db, sql, err);
    int found;

    cb_bind(query, 1, first);
    if (second)
        cb_bind(query, 2, second);
    found = cb_db_step(db, query, err);
    return found > 0 ? sqlite3_column_int(query, 0) != 0 : found;
}

int cb_db_tell(struct cb_db *db, const char *sql, const char *first, const char *second,
               struct cb_error **err)
{
    cb_query query = cb_db_query(db, sql, err);

    cb_bind(query, 1, first);
    if (second)
        cb_bind(query, 2, second);
    return cb_db_run(db, query, err);
}

int cb_db_list(struct cb_db *db, const char *sql, const char *argument,
               struct cb_strings *out, struct cb_error **err)
{
    cb_query query = cb_db_query(db, sql, err);

    if (argument)
        cb_bind(query, 1, argument);
    return cb_db_collect(db, query, out, err);
}

static int ask_all(struct cb_db *db, const char *sql, const char *argument,
                   struct cb_strings *out, struct cb_error **err)
{
    cb_query query = cb_db_query(db, sql, err);
    int more;

    cb_bind(query, 1, argument);
    while ((more = cb_db_step(db, query, err)) > 0) {
        for (int i = 0; i < sqlite3_column_count(query); i++)
            cb_strings_add(out, cb_column(query, i));
    }
    return more;
}

int cb_db_look_up(struct cb_db *db, const char *sql, const char *argument,
                  struct cb_strings *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) texts = {0};

    if (db->answers && !db->handle && cb_db_answers_find(db->answers, sql, argument, out))
        return 0;
    if (ask_all(db, sql, argument, &texts, err) < 0)
        return -1;
    if (db->answers)
        cb_db_answers_note(db->answers, sql, argument, &texts);
    cb_vec_foreach (text, &texts)
        cb_strings_take(out, cb_steal(text));
    return 0;
}

const char *cb_column(sqlite3_stmt *query, int at)
{
    const unsigned char *text = sqlite3_column_text(query, at);

    return text ? (const char *)text : "";
}

struct cb_digest cb_db_text_digest(const char *text)
{
    struct cb_digest digest = {0};

    if (*text && cb_digest_parse(&digest, text, NULL) < 0)
        digest = (struct cb_digest){0};
    return digest;
}

struct cb_digest cb_column_digest(sqlite3_stmt *query, int at)
{
    return cb_db_text_digest(cb_column(query, at));
}

int cb_db_begin(struct cb_db *db, int durable, struct cb_db_transaction *out,
                struct cb_error **err)
{
    out->db = NULL;
    out->durable = durable && !db->options.no_sync && !db->sync_later;
    if (out->durable && cb_db_exec(db, "PRAGMA synchronous=FULL", err) < 0)
        return -1;
    if (cb_db_exec(db, "BEGIN IMMEDIATE", err) < 0) {
        if (out->durable)
            cb_db_exec(db, "PRAGMA synchronous=NORMAL", NULL);
        return -1;
    }
    out->db = db;
    return 0;
}

void cb_db_sync_later(struct cb_db *db)
{
    cb_db_hold(db);

    db->sync_later = 1;
}

/* Nothing is written: the log has it, which is all that is synced. */
int cb_db_sync(struct cb_db *db, struct cb_error **err)
{
    cb_db_hold(db);
    sqlite3_file *log = NULL;

    db->sync_later = 0;
    if (db->options.no_sync)
        return 0;
    if (cb_db_connect(db, err) < 0)
        return -1;
    if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) !=
            SQLITE_OK ||
        !log || !log->pMethods)
        return 0; /* there is no log: nothing was written */
    /* It is called past SQLite, which so knows nothing of why it failed. */
    errno = 0;
    if (log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK)
        return cb_error_errno(err, errno ? errno : EIO, "index `meta.db`: sync");
    db->synced = 1;
    return 0;
}

static void end_transaction(struct cb_db_transaction *transaction)
{
    if (transaction->durable)
        cb_db_exec(transaction->db, "PRAGMA synchronous=NORMAL", NULL);
    transaction->db = NULL;
}

int cb_db_commit(struct cb_db_transaction *transaction, struct cb_error **err)
{
    if (cb_db_exec(transaction->db, "COMMIT", err) < 0)
        return -1;
    transaction->db->synced |= transaction->durable;
    end_transaction(transaction);
    return 0;
}

void cb_db_rollback(struct cb_db_transaction *transaction)
{
    if (!transaction->db)
        return;
    cb_db_exec(transaction->db, "ROLLBACK", NULL);
    end_transaction(transaction);
}

int cb_db_check(struct cb_db *db, char **problem, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "PRAGMA quick_check(1)", err);

    if (!query || cb_db_step(db, query, err) < 0)
        return -1;
    if (strcmp(cb_column(query, 0), "ok") == 0)
        return 1;
    *problem = xstrdup(cb_column(query, 0));
    return 0;
}

int64_t cb_db_changes(struct cb_db *db)
{
    cb_db_hold(db);
    return db->handle ? sqlite3_total_changes64(db->handle) : 0;
}
