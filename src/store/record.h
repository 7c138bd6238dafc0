/* Cache records: step key → snapshot, with the named parts of the key kept to explain
 * later misses. Hints: never synced. */
#ifndef CB_STORE_RECORD_H
#define CB_STORE_RECORD_H

#include "base/digest.h"
#include "base/vec.h"
#include "store/store.h"

/* In place of a snapshot's id: what the step became is known (another machine said so),
 * but not here. */
#define CB_RECORD_ABSENT "-"

struct cb_record {
    struct cb_digest identity;
    char *snapshot_id; /* "" for the empty filesystem, or CB_RECORD_ABSENT */
    int64_t created_ns;
    char *name;       /* step's display name */
    char *parts_json; /* [["name","value"],…] */
};
void cb_record_clear(struct cb_record *record);
CB_AUTO_VALUE_DEFINE(cb_record, cb_record_clear)

struct cb_record_keys {
    struct cb_digest *items;
    size_t count, capacity;
};
struct cb_records {
    struct cb_record *items;
    size_t count, capacity;
};
void cb_records_clear(struct cb_records *records);
CB_AUTO_VALUE_DEFINE(cb_records, cb_records_clear)

/* 1/0, without the parts; a record whose snapshot is gone is dropped and a miss. Touches
 * the last use. */
int cb_record_find(struct cb_store *store, const struct cb_digest *key,
                   struct cb_record *out, struct cb_error **err);
/* The name and the parts are kept with the last key. */
int cb_record_put(struct cb_store *store, const struct cb_digest *keys, size_t key_count,
                  const struct cb_record *record, struct cb_error **err);
/* The keys that lead to SNAPSHOT_ID with IDENTITY, the latest used first, at most MAX. */
int cb_record_keys(struct cb_store *store, const char *snapshot_id,
                   const struct cb_digest *identity, size_t max,
                   struct cb_record_keys *out, struct cb_error **err);
/* The newest snapshot with this identity (adoption), never an absent one: 1/0. */
int cb_record_find_identity(struct cb_store *store, const struct cb_digest *identity,
                            struct cb_record *out, struct cb_error **err);
/* For explanations: newest first, up to MOST records of steps with NAME's instruction,
 * and up to MOST of those that were in its place ("[builder 3/7] RUN make": anything of
 * "[builder 3/"). With their parts. */
int cb_records_like(struct cb_store *store, const char *name, unsigned most,
                    struct cb_records *out, struct cb_error **err);
/* How long a step of this display name took: 1/0. */
struct cb_duration {
    const char *name;
    int64_t ms;
};
int cb_duration_get(struct cb_store *store, const char *name, int64_t *ms,
                    struct cb_error **err);
int cb_durations_put(struct cb_store *store, const struct cb_duration *durations,
                     size_t count, struct cb_error **err);

/* Held while a key is executed. WAIT as in base/lockfile.h. */
struct cb_lock;
struct cb_lock_wait;
int cb_record_lock(struct cb_store *store, const struct cb_digest *key,
                   const struct cb_lock_wait *wait, struct cb_lock **lock,
                   struct cb_error **err);

#endif
