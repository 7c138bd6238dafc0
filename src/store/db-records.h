/* Rows of cache records. */
#ifndef CB_STORE_DB_RECORDS_H
#define CB_STORE_DB_RECORDS_H

#include "store/db.h"
#include "store/record.h"

#include "base/map.h"

/* How a record is asked for. */
enum cb_db_record_by { CB_DB_RECORD_KEY, CB_DB_RECORD_IDENTITY };

/* The newest whose snapshot is in the index: 1/0. USED_NS (or NULL): its last use. */
int cb_db_record_find(struct cb_db *db, enum cb_db_record_by by, const char *text,
                      struct cb_record *out, int64_t *used_ns, struct cb_error **err);
/* As cb_records_like. */
int cb_db_records_like(struct cb_db *db, const char *name, unsigned most,
                       struct cb_records *out, struct cb_error **err);
int cb_db_record_put(struct cb_db *db, const struct cb_digest *keys, size_t count,
                     const struct cb_record *record, int64_t used_ns,
                     struct cb_error **err);
int cb_db_record_keys(struct cb_db *db, const char *snapshot_id,
                      const struct cb_digest *identity, size_t max,
                      struct cb_record_keys *out, struct cb_error **err);
/* Removes the record of KEY when its snapshot is gone. */
int cb_db_record_drop_stale(struct cb_db *db, const char *key, struct cb_error **err);
/* KEYS: a map whose keys are record keys. */
int cb_db_record_touch(struct cb_db *db, const struct cb_map *keys, int64_t used_ns,
                       struct cb_error **err);

/* 1/0. */
int cb_db_duration_get(struct cb_db *db, const char *name, int64_t *ms,
                       struct cb_error **err);
int cb_db_durations_put(struct cb_db *db, const struct cb_duration *durations,
                        size_t count, int64_t now_s, struct cb_error **err);

#endif
