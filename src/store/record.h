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

/* 1/0; a record whose snapshot is gone is dropped and a miss. Touches the last use. */
int cb_record_find(struct cb_store *store, const struct cb_digest *key,
                   struct cb_record *out, struct cb_error **err);
int cb_record_put(struct cb_store *store, const struct cb_digest *keys, size_t key_count,
                  const struct cb_record *record, struct cb_error **err);
/* The keys that lead to SNAPSHOT_ID with IDENTITY, the latest used first, at most MAX. */
int cb_record_keys(struct cb_store *store, const char *snapshot_id,
                   const struct cb_digest *identity, size_t max,
                   struct cb_record_keys *out, struct cb_error **err);
/* The newest snapshot with this identity (adoption), never an absent one: 1/0. */
int cb_record_find_identity(struct cb_store *store, const struct cb_digest *identity,
                            struct cb_record *out, struct cb_error **err);
/* The newest record of a step with this display name (for explanations): 1/0. */
int cb_record_find_name(struct cb_store *store, const char *name, struct cb_record *out,
                        struct cb_error **err);
/* Held while a key is executed. *LOCK is a struct cb_lock *. ON_WAIT as in
 * base/lockfile.h. */
struct cb_lock;
int cb_record_lock(struct cb_store *store, const struct cb_digest *key,
                   struct cb_cancel *cancel, void (*on_wait)(void *arg, pid_t holder),
                   void *arg, struct cb_lock **lock, struct cb_error **err);
/* Drops the snapshots only cache records hold (all: ALL; else those unused for SECONDS).
 * Counts bytes freed. */
int cb_record_prune(struct cb_store *store, int all, int64_t unused_seconds,
                    uint64_t *freed_bytes, struct cb_error **err);

#endif
