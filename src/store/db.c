/* The connection. Derived facts are committed without any fsync (WAL,
 * synchronous=NORMAL): a machine crash may lose the latest of them, never the file's
 * soundness. Truth is committed with synchronous=FULL. The log is folded into the file
 * when a writer closes and it has grown, so that the next process finds little to replay:
 * recovery of the log is part of every start. */
#include "store/db.h"

#include "base/log.h"
#include "base/strbuf.h"
#include "store/db-files.h"
#include "store/db-priv.h"
#include "store/lock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define LONGEST_PAUSE_MS   25
#define WAL_FRAMES_TO_KEEP 128 /* 512 KiB: half a millisecond to replay */
/* Less by who has waited for the disk already: most of what reads images is a `run`. */
#define WAL_FRAMES_SYNCED 8

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
        if (cb_cancel_requested(db->cancel))
            return cb_cancel_check(db->cancel, err);
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

void cb_bind_digest(sqlite3_stmt *query, int at, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_bind(query, at,
            digest && cb_digest_is_set(digest) ? cb_digest_text(digest, text) : "");
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

const char *cb_column(sqlite3_stmt *query, int at)
{
    const unsigned char *text = sqlite3_column_text(query, at);

    return text ? (const char *)text : "";
}

struct cb_digest cb_column_digest(sqlite3_stmt *query, int at)
{
    struct cb_digest digest = {0};
    const char *text = cb_column(query, at);

    if (*text && cb_digest_parse(&digest, text, NULL) < 0)
        digest = (struct cb_digest){0};
    return digest;
}

int cb_db_begin(struct cb_db *db, int durable, struct cb_db_transaction *out,
                struct cb_error **err)
{
    out->db = NULL;
    out->durable = durable && !db->no_sync && !db->sync_later;
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
    if (db->no_sync)
        return 0;
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

static int log_grew(void *arg, sqlite3 *handle, const char *name, int frames)
{
    struct cb_db *db = arg;

    db->wal_frames = frames;
    if (frames >= 1000)
        sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

/* A store on a read-only file system has nobody to recover a log for us. */
static char *immutable_uri(const char *root)
{
    cb_auto_value(cb_strbuf) uri = {0};
    const char *at;

    cb_strbuf_adds(&uri, "file:");
    for (at = root; *at; at++) {
        if (strchr("%?#", *at))
            cb_strbuf_addf(&uri, "%%%02x", (unsigned char)*at);
        else
            cb_strbuf_addc(&uri, *at);
    }
    cb_strbuf_adds(&uri, "/meta.db?immutable=1");
    return cb_strbuf_steal(&uri);
}

/* Another process writes. It is waited for as long as it takes, since its transactions
 * are short unless the disk is slow for all of us; cancellation ends the wait at once. */
static int wait_for_writer(void *arg, int times)
{
    struct cb_db *db = arg;
    struct pollfd cancel = {.fd = cb_cancel_fd(db->cancel), .events = POLLIN};
    int pause_ms = times < LONGEST_PAUSE_MS ? times + 1 : LONGEST_PAUSE_MS;
    int before = times == 0 ? 0 : db->waited_ms;

    if (cb_cancel_requested(db->cancel))
        return 0;
    db->waited_ms = before + pause_ms;
    if (before < CB_TELL_WAIT_MS && db->waited_ms >= CB_TELL_WAIT_MS)
        cb_warn("waiting for another process that writes the index `meta.db`");
    poll(&cancel, 1, pause_ms);
    return 1;
}

static int connect_file(struct cb_db *db, const char *name, int flags,
                        struct cb_error **err)
{
    int one = 1;

    if (sqlite3_open_v2(name, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return cb_db_error(db, "open", err);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_handler(db->handle, wait_for_writer, db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &one);
    return 0;
}

static int connect_read_only(struct cb_db *db, const char *root, struct cb_error **err)
{
    cb_autofree char *name = xasprintf("%s/meta.db", root);
    cb_autofree char *uri = immutable_uri(root);

    if (connect_file(db, name, SQLITE_OPEN_READONLY, err) < 0)
        return -1;
    if (sqlite3_exec(db->handle, "PRAGMA user_version", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    if ((sqlite3_errcode(db->handle) & 0xff) != SQLITE_CANTOPEN)
        return cb_db_error(db, "open", err);
    sqlite3_close_v2(db->handle);
    db->handle = NULL;
    return connect_file(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

static int connect_writable(struct cb_db *db, const struct cb_db_options *options,
                            struct cb_error **err)
{
    cb_autofree char *name = xasprintf("%s/meta.db", options->root);
    int flags = SQLITE_OPEN_READWRITE | (options->create ? SQLITE_OPEN_CREATE : 0);

    if (connect_file(db, name, flags, err) < 0)
        return -1;
    sqlite3_wal_hook(db->handle, log_grew, db);
    return cb_db_exec(
        db, options->no_sync ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=NORMAL",
        err);
}

/* Nobody asks how much memory it has, and counting costs a lock for each piece of it. */
static void set_up_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    cb_db_files_keep();
}

int cb_db_open(struct cb_db **out, const struct cb_db_options *options,
               struct cb_error **err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    cb_auto(cb_db) db = xcalloc(1, sizeof(*db));

    pthread_once(&once, set_up_sqlite);
    pthread_mutex_init(&db->mutex, NULL);
    db->no_sync = options->no_sync;
    db->cancel = options->cancel;
    if (options->read_only ? connect_read_only(db, options->root, err) < 0
                           : connect_writable(db, options, err) < 0)
        return -1;
    if (cb_db_migrate(db, options->read_only, err) < 0)
        return -1;
    if (!options->read_only)
        cb_db_files_reserve(options->root);
    *out = cb_steal(&db);
    return 0;
}

void cb_db_close(struct cb_db *db)
{
    size_t i;

    if (!db)
        return;
    for (i = 0; i < db->cached; i++)
        sqlite3_finalize(db->cache[i].statement);
    if (db->wal_frames > (db->synced ? WAL_FRAMES_SYNCED : WAL_FRAMES_TO_KEEP)) {
        sqlite3_busy_timeout(db->handle, 0);
        sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                  NULL);
    }
    sqlite3_close_v2(db->handle);
    pthread_mutex_destroy(&db->mutex);
    free(db);
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
    return sqlite3_total_changes64(db->handle);
}
