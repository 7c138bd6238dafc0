/* Volumes: <store>/volumes/<name>/ with volume.json and _data. Those that nobody named
 * have 64 hex digits for a name, and go with their container where that is asked for.
 * They change under a lock, so that none is removed that a container is being made for.
 */
#ifndef CB_CONTAINER_VOLUME_H
#define CB_CONTAINER_VOLUME_H

#include "base/json.h"
#include "base/lockfile.h"
#include "base/timestamp.h"
#include "store/store.h"

struct cb_volume {
    char *name, *mountpoint;
    char created[CB_TIMESTAMP_MAX];
    int anonymous;
    int by_hand; /* made by itself, not for a container: docker shows that */
    struct cb_strings labels, options; /* "KEY=VALUE", by key */
};
void cb_volume_free(struct cb_volume *volume);
CB_AUTO_DEFINE(cb_volume, cb_volume_free)

struct cb_volumes {
    struct cb_volume **items;
    size_t count, capacity;
};
void cb_volumes_free(struct cb_volumes *volumes);
CB_AUTO_VALUE_DEFINE(cb_volumes, cb_volumes_free)

struct cb_volume_wish {
    const char *name, *driver; /* NULL: an anonymous one; the local driver */
    const struct cb_strings *labels, *options; /* or NULL */
    int by_hand;
};
/* USAGE with docker's words. */
int cb_volume_check_name(const char *name, struct cb_error **err);
/* Volumes that nobody removes as long as this is not cleared: for a container that is
 * being made, whose record does not say yet that it has them. */
struct cb_volume_held {
    struct cb_lock *lock;
    int dir_fd;
};
struct cb_volume_holds {
    struct cb_volume_held *items;
    size_t count, capacity;
};
void cb_volume_holds_clear(struct cb_volume_holds *holds);
/* The same once its record is there. Without this, those that were made for it and that
 * nobody named go when somebody next makes or removes a volume. */
void cb_volume_holds_keep(struct cb_volume_holds *holds);
/* The volume NAME stays though its container goes. */
int cb_volume_keep(struct cb_store *store, const char *name, struct cb_error **err);
CB_AUTO_VALUE_DEFINE(cb_volume_holds, cb_volume_holds_clear)
/* NOT_FOUND. */
int cb_volume_hold(struct cb_store *store, const char *name,
                   struct cb_volume_holds *holds, struct cb_error **err);

/* Makes it, unless it is there, and adds it to HOLDS (or NULL). USAGE for a bad name or
 * option, NOT_FOUND for another driver. */
int cb_volume_create(struct cb_store *store, const struct cb_volume_wish *wish,
                     struct cb_volume_holds *holds, struct cb_volume **out,
                     struct cb_error **err);
/* NOT_FOUND "get x: no such volume". */
int cb_volume_find(struct cb_store *store, const char *name, struct cb_volume **out,
                   struct cb_error **err);
/* All, by name; what cannot be read is left out with a warning. */
int cb_volumes_list(struct cb_store *store, struct cb_volumes *out,
                    struct cb_error **err);
/* Also one that cannot be read. EXISTS "remove x: volume is in use - [id]"; while
 * somebody holds it, with the errnum EBUSY. It is gone from here on; its files go with
 * *ASIDE (NULL at first), which is freed when all locks were let go of. */
int cb_volume_take_out(struct cb_store *store, const char *name,
                       struct cb_scratch **aside, struct cb_error **err);
/* Of the files of the volumes in it. */
uint64_t cb_volumes_bytes_aside(const struct cb_scratch *aside);
/* Ends what was killed in the middle of making or removing one. */
void cb_volumes_sweep(struct cb_store *store);
/* Removes what was made for containers that never came to be, and is nobody's. */
void cb_volumes_sweep_orphans(struct cb_store *store);
/* As `docker volume inspect` shows it: a new reference. */
json_t *cb_volume_json(const struct cb_volume *volume);
/* Of its files in the store. */
uint64_t cb_volume_bytes(struct cb_store *store, const struct cb_volume *volume);
/* Its directory in the store, whatever is mounted in its place. */
int cb_volume_open_data(struct cb_store *store, const char *name, int *fd,
                        struct cb_error **err);

/* Holds the volume NAME still; *DIR is its own directory. CANCEL ends the wait. */
int cb_volume_lock(struct cb_store *store, const char *name, struct cb_cancel *cancel,
                   struct cb_lock **lock, int *dir, struct cb_error **err);

/* ── volume-fill.c ── */
/* What is in the directory FROM, with owners and modes, unless something is there. Of
 * several who do so at once one does it, and the others wait for it. */
int cb_volume_fill(struct cb_store *store, const struct cb_volume *volume, int from,
                   struct cb_cancel *cancel, struct cb_error **err);

/* ── volume-mount.c: -o type=…,o=…,device=… ── */
/* USAGE with docker's words. */
int cb_volume_check_options(const struct cb_strings *options, struct cb_error **err);
/* What a container gets: its directory, the one it is bound to, or a filesystem that is
 * mounted nowhere yet. An O_PATH descriptor, or one for a single mount. */
int cb_volume_open(struct cb_store *store, const struct cb_volume *volume,
                   struct cb_cancel *cancel, int *fd, struct cb_error **err);

/* ── volume-share.c: those in memory; for monitors ── */
struct cb_container;
int cb_volume_is_in_memory(const struct cb_volume *volume);
/* Has CONTAINER such a volume? Then a mount namespace is entered before anything of the
 * container is opened. */
int cb_volumes_need_namespace(struct cb_store *store,
                              const struct cb_container *container);
int cb_volumes_enter_namespace(struct cb_error **err);
/* As cb_volume_open, there, for the container ID: what others have, or a new one. */
int cb_volume_open_shared(struct cb_store *store, const struct cb_volume *volume,
                          const char *id, struct cb_cancel *cancel, int *fd,
                          struct cb_error **err);
/* For another container: a mount that is attached nowhere. NOT_FOUND. */
int cb_volume_copy_mount(const char *store_root, const struct cb_container *container,
                         const char *name, int *fd, struct cb_error **err);
/* The container has ended. */
void cb_volumes_unmount(const char *store_root, const struct cb_container *container);

#endif
