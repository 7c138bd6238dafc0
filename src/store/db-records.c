/* Cache records in the index: hints, never synced. */
#include "store/db-records.h"

#include "store/db-priv.h"

#include "base/vec.h"

#define COLUMNS "r.identity,r.snapshot,r.created_ns,r.name,r.used_ns"
#define THERE   "r.snapshot='' OR EXISTS(SELECT 1 FROM snapshots s WHERE s.id=r.snapshot)"
#define ABSENT  "r.snapshot='" CB_RECORD_ABSENT "'"

static sqlite3_stmt *query_for(struct cb_db *db, enum cb_db_record_by by,
                               struct cb_error **err)
{
    switch (by) {
    case CB_DB_RECORD_KEY:
        return cb_db_query(db,
                           "SELECT " COLUMNS " FROM records r WHERE r.key=?1 AND (" ABSENT
                           " OR " THERE ")",
                           err);
    case CB_DB_RECORD_IDENTITY:
        break;
    }
    return cb_db_query(db,
                       "SELECT " COLUMNS " FROM records r WHERE r.identity=?1 AND (" THERE
                       ") ORDER BY r.created_ns DESC LIMIT 1",
                       err);
}

static void read_row(sqlite3_stmt *query, struct cb_record *out)
{
    out->identity = cb_column_digest(query, 0);
    out->snapshot_id = xstrdup(cb_column(query, 1));
    out->created_ns = sqlite3_column_int64(query, 2);
    out->name = xstrdup(cb_column(query, 3));
}

int cb_db_record_find(struct cb_db *db, enum cb_db_record_by by, const char *text,
                      struct cb_record *out, int64_t *used_ns, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = query_for(db, by, err);
    int found;

    cb_bind(query, 1, text);
    found = cb_db_step(db, query, err);
    if (found <= 0)
        return found;
    read_row(query, out);
    if (used_ns)
        *used_ns = sqlite3_column_int64(query, 4);
    return 1;
}

static int add_records(struct cb_db *db, sqlite3_stmt *query, struct cb_records *out,
                       struct cb_error **err)
{
    int more;

    while ((more = cb_db_step(db, query, err)) > 0) {
        struct cb_record record = {0};

        read_row(query, &record);
        record.parts_json = xstrdup(cb_column(query, 5));
        cb_vec_push(out, record);
    }
    return more;
}

/* What follows "[builder 3/7" of a step's name is its instruction; what comes before the
 * slash is its place. */
int cb_db_records_like(struct cb_db *db, const char *name, unsigned most,
                       struct cb_records *out, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query same =
        cb_db_query(db,
                    "SELECT " COLUMNS ",r.parts FROM records r"
                    " WHERE substr(name, instr(name,'] '))=substr(?1, instr(?1,'] '))"
                    " ORDER BY r.created_ns DESC LIMIT ?2",
                    err);
    cb_query near =
        cb_db_query(db,
                    "SELECT " COLUMNS ",r.parts FROM records r"
                    " WHERE r.name>=?1 AND r.name<?1||char(1114111) AND r.name<>?3"
                    " ORDER BY r.created_ns DESC LIMIT ?2",
                    err);
    cb_autofree char *place =
        xstrndup(name, strcspn(name, "/") + (strchr(name, '/') != NULL));

    if (!same || !near)
        return -1;
    cb_bind(same, 1, name);
    cb_bind_int(same, 2, most);
    if (add_records(db, same, out, err) < 0)
        return -1;
    cb_bind(near, 1, place);
    cb_bind_int(near, 2, most);
    cb_bind(near, 3, name);
    return *name == '[' ? add_records(db, near, out, err) : 0;
}

static int put_one(struct cb_db *db, const struct cb_digest *key,
                   const struct cb_record *record, int64_t used_ns, struct cb_error **err)
{
    cb_query query =
        cb_db_query(db,
                    "INSERT OR REPLACE INTO "
                    "records(key,identity,snapshot,created_ns,used_ns,name,parts)"
                    " VALUES(?1,?2,?3,?4,?5,?6,?7)",
                    err);

    cb_bind_digest(query, 1, key);
    cb_bind_digest(query, 2, &record->identity);
    cb_bind(query, 3, record->snapshot_id ? record->snapshot_id : "");
    cb_bind_int(query, 4, record->created_ns);
    cb_bind_int(query, 5, used_ns);
    cb_bind(query, 6, record->name ? record->name : "");
    cb_bind(query, 7, record->parts_json ? record->parts_json : "[]");
    return cb_db_run(db, query, err);
}

int cb_db_record_put(struct cb_db *db, const struct cb_digest *keys, size_t count,
                     const struct cb_record *record, int64_t used_ns,
                     struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    struct cb_record unnamed = *record; /* explanations need the record once */
    size_t i;

    unnamed.name = unnamed.parts_json = NULL;
    if (cb_db_begin(db, 0, &transaction, err) < 0)
        return -1;
    for (i = 0; i < count; i++) {
        if (put_one(db, &keys[i], i + 1 < count ? &unnamed : record, used_ns, err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}

int cb_db_record_keys(struct cb_db *db, const char *snapshot_id,
                      const struct cb_digest *identity, size_t max,
                      struct cb_record_keys *out, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db,
                                 "SELECT key FROM records WHERE snapshot=?1 AND"
                                 " identity=?2 ORDER BY used_ns DESC, key LIMIT ?3",
                                 err);
    int found;

    cb_bind(query, 1, snapshot_id);
    cb_bind_digest(query, 2, identity);
    cb_bind_int(query, 3, (int64_t)max);
    while ((found = cb_db_step(db, query, err)) > 0)
        cb_vec_push(out, cb_column_digest(query, 0));
    return found;
}

int cb_db_record_drop_stale(struct cb_db *db, const char *key, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query look = cb_db_query(db, "SELECT 1 FROM records WHERE key=?1", err);
    cb_query query = cb_db_query(
        db,
        "DELETE FROM records WHERE key=?1 AND snapshot NOT IN ('','" CB_RECORD_ABSENT "')"
        " AND NOT EXISTS(SELECT 1 FROM snapshots s WHERE s.id=records.snapshot)",
        err);
    int found;

    if (!look || !query)
        return -1;
    cb_bind(look, 1, key);
    found = cb_db_step(db, look, err);
    sqlite3_reset(look);
    if (found <= 0)
        return found;
    cb_bind(query, 1, key);
    return cb_db_run(db, query, err);
}

int cb_db_record_touch(struct cb_db *db, const struct cb_map *keys, int64_t used_ns,
                       struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    const char *key;
    void *value;
    size_t at = 0;

    if (cb_db_begin(db, 0, &transaction, err) < 0)
        return -1;
    while (cb_map_next(keys, &at, &key, &value)) {
        cb_query query =
            cb_db_query(db, "UPDATE records SET used_ns=?2 WHERE key=?1", err);

        cb_bind(query, 1, key);
        cb_bind_int(query, 2, used_ns);
        if (cb_db_run(db, query, err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}

/* ── Durations ── */

int cb_db_duration_get(struct cb_db *db, const char *name, int64_t *ms,
                       struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "SELECT ms FROM durations WHERE name=?1", err);
    int found;

    cb_bind(query, 1, name);
    found = cb_db_step(db, query, err);
    if (found > 0)
        *ms = sqlite3_column_int64(query, 0);
    return found;
}

static int put_duration(struct cb_db *db, const struct cb_duration *duration,
                        int64_t now_s, struct cb_error **err)
{
    cb_query query = cb_db_query(
        db, "INSERT OR REPLACE INTO durations(name,ms,when_s) VALUES(?1,?2,?3)", err);

    cb_bind(query, 1, duration->name);
    cb_bind_int(query, 2, duration->ms);
    cb_bind_int(query, 3, now_s);
    return cb_db_run(db, query, err);
}

int cb_db_durations_put(struct cb_db *db, const struct cb_duration *durations,
                        size_t count, int64_t now_s, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};

    if (cb_db_begin(db, 0, &transaction, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (put_duration(db, &durations[i], now_s, err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}
