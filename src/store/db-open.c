/* The connection. The log is folded into the file when a writer closes and it has grown,
 * so that the next process finds little to replay: recovery of the log is part of every
 * start. */
#include "store/db.h"

#include "base/log.h"
#include "base/strbuf.h"
#include "store/db-answers.h"
#include "store/db-files.h"
#include "store/db-priv.h"
#include "store/lock.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#define LONGEST_PAUSE_MS   25
#define WAL_FRAMES_TO_KEEP 128 /* 512 KiB: half a millisecond to replay */
/* Less by who has waited for the disk already: most of what reads images is a `run`. */
#define WAL_FRAMES_SYNCED 8

/* Of this process. While there is one, nothing else opens and closes its files. */
static atomic_int connections;

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
    struct pollfd cancel = {.fd = cb_cancel_fd(db->options.cancel), .events = POLLIN};
    int pause_ms = times < LONGEST_PAUSE_MS ? times + 1 : LONGEST_PAUSE_MS;
    int before = times == 0 ? 0 : db->waited_ms;

    if (cb_cancel_requested(db->options.cancel))
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

static int connect_writable(struct cb_db *db, struct cb_error **err)
{
    const struct cb_db_options *options = &db->options;
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

static int open_connection(struct cb_db *db, struct cb_error **err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set_up_sqlite);
    if (db->options.read_only ? connect_read_only(db, db->options.root, err) < 0
                              : connect_writable(db, err) < 0)
        return -1;
    if (cb_db_migrate(db, db->options.read_only, err) < 0)
        return -1;
    if (!db->options.read_only)
        cb_db_files_reserve(db->options.root);
    return 0;
}

/* One that was begun: out of memory, SQLite gives no handle. */
static void close_connection(struct cb_db *db)
{
    sqlite3_close_v2(db->handle);
    db->handle = NULL;
    atomic_fetch_sub(&connections, 1);
}

int cb_db_connect(struct cb_db *db, struct cb_error **err)
{
    if (db->handle)
        return 0;
    atomic_fetch_add(&connections, 1);
    if (open_connection(db, err) < 0) {
        close_connection(db);
        return -1;
    }
    if (db->answers)
        cb_db_answers_connected(db->answers, db->handle);
    return 0;
}

int cb_db_open(struct cb_db **out, const struct cb_db_options *options,
               struct cb_error **err)
{
    cb_auto(cb_db) db = xcalloc(1, sizeof(*db));

    pthread_mutex_init(&db->mutex, NULL);
    db->options = *options;
    db->options.root = xstrdup(options->root);
    if (options->recalls && !options->read_only && atomic_load(&connections) == 0)
        db->answers =
            cb_db_answers_open(options->root, cb_db_schema_known(), options->boot_id);
    if (!(db->answers && cb_db_answers_any(db->answers)) && cb_db_connect(db, err) < 0)
        return -1;
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
    if (db->handle && db->answers)
        cb_db_answers_keep(db->answers, db->handle);
    if (db->handle)
        close_connection(db);
    cb_db_answers_free(db->answers);
    pthread_mutex_destroy(&db->mutex);
    free((char *)db->options.root);
    free(db);
}
