/* Cache records. A hit writes nothing: that it was used is remembered in memory and
 * written once when the store closes, and only if the row's last use is older than an
 * hour, so that a rebuild with nothing changed leaves the index alone. */
#include "store/record.h"

#include "base/lockfile.h"
#include "store/db-records.h"
#include "store/store-priv.h"

#define TOUCH_AFTER_NS (INT64_C(3600) * 1000000000)

void cb_record_clear(struct cb_record *record)
{
    free(record->snapshot_id);
    free(record->name);
    free(record->parts_json);
    *record = (struct cb_record){0};
}

void cb_records_clear(struct cb_records *records)
{
    cb_vec_foreach (record, records)
        cb_record_clear(record);
    cb_vec_free(records);
}

static void touch(struct cb_store *store, const char *key, int64_t used_ns)
{
    int64_t age = cb_now_ns() - used_ns;

    if (store->read_only || (age >= 0 && age < TOUCH_AFTER_NS))
        return;
    pthread_mutex_lock(&store->mutex);
    cb_map_set(store->touched, key, store);
    pthread_mutex_unlock(&store->mutex);
}

void cb_record_flush(struct cb_store *store)
{
    cb_auto(cb_map) touched = NULL;

    pthread_mutex_lock(&store->mutex);
    if (cb_map_count(store->touched) > 0) {
        touched = store->touched;
        store->touched = cb_map_new(NULL);
    }
    pthread_mutex_unlock(&store->mutex);
    if (touched)
        cb_db_record_touch(store->db, touched, cb_now_ns(), NULL);
}

int cb_record_find(struct cb_store *store, const struct cb_digest *key,
                   struct cb_record *out, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    int64_t used_ns = 0;
    int found = cb_db_record_find(store->db, CB_DB_RECORD_KEY, cb_digest_text(key, text),
                                  out, &used_ns, err);

    if (found > 0)
        touch(store, text, used_ns);
    else if (found == 0 && !store->read_only)
        return cb_db_record_drop_stale(store->db, text, err);
    return found;
}

int cb_record_put(struct cb_store *store, const struct cb_digest *keys, size_t key_count,
                  const struct cb_record *record, struct cb_error **err)
{
    struct cb_record row = *record;
    int64_t now = cb_now_ns();

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    if (row.created_ns == 0)
        row.created_ns = now;
    return cb_db_record_put(store->db, keys, key_count, &row, now, err);
}

int cb_record_keys(struct cb_store *store, const char *snapshot_id,
                   const struct cb_digest *identity, size_t max,
                   struct cb_record_keys *out, struct cb_error **err)
{
    return cb_db_record_keys(store->db, snapshot_id, identity, max, out, err);
}

int cb_record_find_identity(struct cb_store *store, const struct cb_digest *identity,
                            struct cb_record *out, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    return cb_db_record_find(store->db, CB_DB_RECORD_IDENTITY,
                             cb_digest_text(identity, text), out, NULL, err);
}

int cb_records_like(struct cb_store *store, const char *name, unsigned most,
                    struct cb_records *out, struct cb_error **err)
{
    return cb_db_records_like(store->db, name, most, out, err);
}

int cb_duration_get(struct cb_store *store, const char *name, int64_t *ms,
                    struct cb_error **err)
{
    return cb_db_duration_get(store->db, name, ms, err);
}

int cb_durations_put(struct cb_store *store, const struct cb_duration *durations,
                     size_t count, struct cb_error **err)
{
    if (count == 0)
        return 0;
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_durations_put(store->db, durations, count, cb_now_ns() / 1000000000,
                               err);
}

int cb_record_lock(struct cb_store *store, const struct cb_digest *key,
                   const struct cb_lock_wait *wait, struct cb_lock **lock,
                   struct cb_error **err)
{
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *name = NULL;

    if (cb_store_check_writable(store, err) < 0 || cb_store_lease_now(store, err) < 0)
        return -1;
    name = xasprintf("step-%s.lock", cb_digest_hex(key, hex));
    return cb_lock_take(lock, store->ingest_fd, name, CB_LOCK_EXCLUSIVE, wait, err);
}
