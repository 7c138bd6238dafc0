/* Volumes: <store>/volumes/<name>/ with volume.json and _data. Those that nobody named
 * have 64 hex digits for a name, and go with their container where that is asked for. */
#ifndef CB_CONTAINER_VOLUME_H
#define CB_CONTAINER_VOLUME_H

#include "base/json.h"
#include "base/timestamp.h"
#include "store/store.h"

struct cb_volume {
    char *name, *mountpoint;
    char created[CB_TIMESTAMP_MAX];
    int anonymous;
    struct cb_strings labels, options; /* "KEY=VALUE" */
};
void cb_volume_free(struct cb_volume *volume);
CB_AUTO_DEFINE(cb_volume, cb_volume_free)

struct cb_volumes {
    struct cb_volume **items;
    size_t count, capacity;
};
void cb_volumes_free(struct cb_volumes *volumes);
CB_AUTO_VALUE_DEFINE(cb_volumes, cb_volumes_free)

/* Makes it, unless it is there. NAME NULL: an anonymous one. LABELS and OPTIONS may be
 * NULL. USAGE for a bad name. */
int cb_volume_create(struct cb_store *store, const char *name,
                     const struct cb_strings *labels, const struct cb_strings *options,
                     struct cb_volume **out, struct cb_error **err);
/* NOT_FOUND "get x: no such volume". */
int cb_volume_find(struct cb_store *store, const char *name, struct cb_volume **out,
                   struct cb_error **err);
/* All, by name. */
int cb_volumes_list(struct cb_store *store, struct cb_volumes *out,
                    struct cb_error **err);
/* Ids of the containers that have it. */
int cb_volume_users(struct cb_store *store, const char *name, struct cb_strings *ids,
                    struct cb_error **err);
/* EXISTS "remove x: volume is in use - [id]". */
int cb_volume_remove(struct cb_store *store, const char *name, struct cb_error **err);
/* As `docker volume inspect` shows it: a new reference. */
json_t *cb_volume_json(const struct cb_volume *volume);

#endif
