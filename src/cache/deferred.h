/* Caches that are sent after the build: put into the store's outbox, and sent from there
 * by a process of their own or by `cbuild cache push`. */
#ifndef CB_CACHE_DEFERRED_H
#define CB_CACHE_DEFERRED_H

#include "cache/cache.h"
#include "store/outbox.h"

/* argv[0] of that process; the store and the name follow. */
#define CB_PUSHER_NAME "cbuild-cache-push"

/* MANIFEST, whose blobs are in the store, goes to the registry TO later. With a process,
 * unless nothing may be asked of registries. */
int cb_deferred_add(struct cb_build_env *env, const struct cb_manifest *manifest,
                    const struct cb_cache_location *to, struct cb_error **err);
/* For who is about to send another cache to PLACE, now or later: warns when an earlier
 * one was not sent. *EARLIER is what waits there, or NULL; the caller's. */
void cb_deferred_tell(struct cb_build_env *env, const char *place,
                      struct cb_outbox_entry **earlier);

struct cb_deferred_sender {
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    const struct cb_registry_settings *settings;
    const char *auth_file; /* in the place of the entry's; or NULL */
    int log_fd;            /* emptied before anything is sent; or -1 */
};
/* Sends what waits for NAME (canonical), after whoever is at it. 1: it was sent; 0:
 * nothing waits any more. A failure is kept with it, too. */
int cb_deferred_send(const struct cb_deferred_sender *sender, const char *name,
                     struct cb_error **err);

#endif
