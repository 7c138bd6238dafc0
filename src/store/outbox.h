/* Build caches that are to be sent later: outbox/<hash of the name>.json, one for a name.
 * What is there was not sent yet; its blobs are not collected. Which credentials a
 * registry wants is found out when it is sent. See docs/design/cache-keys.md. */
#ifndef CB_STORE_OUTBOX_H
#define CB_STORE_OUTBOX_H

#include "base/lockfile.h"
#include "base/map.h"
#include "oci/oci.h"
#include "store/store.h"

#define CB_OUTBOX_DIRECTORY "outbox"

/* How registries are to be reached, as it was said on a command line. */
struct cb_outbox_reach {
    struct cb_strings insecure;
    int tls_verify;
    char *auth_file, *cert_dir; /* or NULL */
};
struct cb_outbox_entry {
    char *name; /* canonical */
    struct cb_manifest *manifest;
    int64_t queued_ns; /* also tells it from others of its name */
    int64_t tried_ns;  /* when it failed last, with ERROR; 0, NULL: it did not */
    char *error;
    struct cb_outbox_reach reach;
    /* As it is found: */
    int is_held;  /* somebody is sending what there is for this name */
    pid_t holder; /* who; 0: not known */
    char *log;    /* the path of what the process said that was started to send it */
};
void cb_outbox_entry_free(struct cb_outbox_entry *entry);
CB_AUTO_DEFINE(cb_outbox_entry, cb_outbox_entry_free)
struct cb_outbox {
    struct cb_outbox_entry **items; /* in the order of their names */
    size_t count, capacity;
};
void cb_outbox_free(struct cb_outbox *outbox);
CB_AUTO_VALUE_DEFINE(cb_outbox, cb_outbox_free)

/* Puts ENTRY there, with the time it has now, in the place of another of its name;
 * durable. Its blobs are leased or sure to stay. */
int cb_outbox_put(struct cb_store *store, struct cb_outbox_entry *entry,
                  struct cb_error **err);
/* 1, or 0: nothing waits. */
int cb_outbox_find(struct cb_store *store, const char *name, struct cb_outbox_entry **out,
                   struct cb_error **err);
int cb_outbox_list(struct cb_store *store, struct cb_outbox *out, struct cb_error **err);

/* Who sends what is there for NAME holds this from before it looks until it is settled.
 */
int cb_outbox_hold(struct cb_store *store, const char *name,
                   const struct cb_lock_wait *wait, struct cb_lock **out,
                   struct cb_error **err);
/* 1; 0: somebody else does. */
int cb_outbox_try_hold(struct cb_store *store, const char *name, struct cb_lock **out,
                       struct cb_error **err);
/* ENTRY was sent, or is not to be (FAILED NULL): it is gone; or why not: it stays.
 * Nothing happens if another is in its place. */
int cb_outbox_settle(struct cb_store *store, const struct cb_outbox_entry *entry,
                     const char *failed, struct cb_error **err);
/* Takes out what is damaged, of NAME or of all (NULL), whatever it is: *DROPPED are the
 * paths. */
int cb_outbox_drop_damaged(struct cb_store *store, const char *name,
                           struct cb_strings *dropped, struct cb_error **err);
/* Its log, to be written to at its end. */
int cb_outbox_open_log(struct cb_store *store, const char *name, int *fd,
                       struct cb_error **err);

/* ── For gc.c ── */
/* Adds the digests of all blobs that wait to be sent. */
int cb_outbox_mark(struct cb_store *store, struct cb_map *blobs, struct cb_error **err);

#endif
