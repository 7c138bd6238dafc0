/* What is kept of a container: <store>/containers/<id>/ with
 *
 *   config.json    what it was made with; its last file to be made, and replaced by who
 *                  changes it
 *   image.json     the configuration of its image, which may be gone by now
 *   name           renamed by being replaced
 *   state.json     what became of it; replaced by its monitor
 *   state.spare    holds blocks for another state.json, should the disk be full
 *   foreground     empty: nobody keeps it when it has ended
 *   monitor.lock   held as long as its monitor lives
 *   change.lock    held by who changes config.json
 *   socket         where its monitor listens
 *   log            a line of JSON for each line it printed
 *   checkpoints    a directory for each, see container/checkpoint.h
 *   dump.log       of the last checkpoint that could not be made
 *   stage          empty: where criu finds its files while it is restored
 *
 * and a snapshot that is pinned for it. Every file is replaced whole, so nobody needs a
 * lock to read. See docs/design/containers.md. */
#ifndef CB_CONTAINER_RECORD_H
#define CB_CONTAINER_RECORD_H

#include "base/atomic-file.h"
#include "base/json.h"
#include "base/lockfile.h"
#include "base/timestamp.h"
#include "container/container.h"

#define CB_CONTAINER_ID_DIGITS 64

enum cb_container_status {
    CB_CONTAINER_CREATED,
    CB_CONTAINER_RUNNING,
    CB_CONTAINER_PAUSED,
    CB_CONTAINER_RESTARTING,
    CB_CONTAINER_EXITED,
};
const char *cb_container_status_name(enum cb_container_status status);

struct cb_container_state {
    enum cb_container_status status;
    int pid, exit_code, oom_killed;
    unsigned restarts;
    int stopped_by_hand; /* so that its restart policy does not start it again */
    char *error;         /* why it could not be started; or NULL */
    char started[CB_TIMESTAMP_MAX], finished[CB_TIMESTAMP_MAX]; /* "" for never */
    json_t *network; /* NetworkSettings, or NULL */
    json_t *health;  /* State.Health, or NULL */
};
void cb_container_state_clear(struct cb_container_state *state);

/* A filesystem that is mounted in it and is not its own. */
struct cb_container_mount {
    char *type; /* "volume", "bind", "tmpfs", "image" */
    char *name; /* of the volume, or NULL */
    char *source, *target;
    char *mode;        /* as typed after -v, or NULL */
    char *propagation; /* of a bind, or NULL */
    char *subpath;     /* of the volume or image, or NULL */
    char *snapshot;    /* of the image, or NULL */
    char *options;     /* of a tmpfs, or NULL */
    int read_only, not_recursive;
    int makes_owner; /* it becomes the user's at each start */
    int was_named;   /* a volume that was asked for: it stays without the container */
};
void cb_container_mount_clear(struct cb_container_mount *mount);
CB_AUTO_VALUE_DEFINE(cb_container_mount, cb_container_mount_clear)

struct cb_container {
    char id[CB_CONTAINER_ID_DIGITS + 1];
    char *name, *image_id, *snapshot;
    char created[CB_TIMESTAMP_MAX];
    int dir_fd;
    int maker_fd;      /* that we are making it; or -1 */
    int in_foreground; /* it has no monitor but who runs it, and goes with its end */
    struct cb_container_options options;
    struct cb_strings texts; /* what OPTIONS points to */
    CB_VEC(struct cb_container_mount) mounts;
    struct cb_image_config *config;
    struct cb_container_state state;
};
void cb_container_free(struct cb_container *container);
CB_AUTO_DEFINE(cb_container, cb_container_free)

struct cb_containers {
    struct cb_container **items;
    size_t count, capacity;
    size_t unreadable; /* were left out, with a warning */
};
void cb_containers_free(struct cb_containers *containers);
CB_AUTO_VALUE_DEFINE(cb_containers, cb_containers_free)

/* By its whole id; STORE_ROOT is where the store is. */
int cb_container_open(const char *store_root, const char *id, struct cb_container **out,
                      struct cb_error **err);
/* The same in DIR, where all are. */
int cb_container_open_in(int dir, const char *id, struct cb_container **out,
                         struct cb_error **err);
/* After a failure: if the container was removed meanwhile, ERR becomes the one that
 * cb_container_find has for that. Always -1. */
int cb_container_went(const struct cb_container *container, struct cb_error **err);
static inline int cb_container_is_running(const struct cb_container *container)
{
    return container->state.status == CB_CONTAINER_RUNNING ||
           container->state.status == CB_CONTAINER_PAUSED ||
           container->state.status == CB_CONTAINER_RESTARTING;
}

/* ── What changes ── */
/* Says of one that runs in the foreground that it does. */
int cb_container_mark_foreground(struct cb_container *container, struct cb_error **err);
/* The record ID in DIR is of one whose foreground was killed. */
int cb_container_is_abandoned(int dir, const char *id);
/* How its files are written that are not synced by themselves: of one in the foreground
 * nothing is to be left after a power cut. */
enum cb_file_sync cb_container_file_sync(const struct cb_container *container);
int cb_container_save_state(const struct cb_container *container, struct cb_error **err);
/* Keeps room for another state. */
int cb_container_spare_state(const struct cb_container *container, struct cb_error **err);
int cb_container_save_config(const struct cb_container *container, struct cb_error **err);
/* Reads the state again, and tells truly that a monitor was killed. */
int cb_container_refresh(struct cb_container *container, struct cb_error **err);
/* The same for who has the lock of its monitor, and so knows that nobody is there to keep
 * the state: a container that ran died with its monitor, which kills it in dying. */
int cb_container_settle(struct cb_container *container, struct cb_error **err);

/* ── record-find.c ── */
/* All, newest first; what cannot be read is left out with a warning. */
int cb_containers_list(struct cb_store *store, struct cb_containers *out,
                       struct cb_error **err);
/* By name, id, or how an id begins. NOT_FOUND "No such container: x". */
int cb_container_find(struct cb_store *store, const char *text, struct cb_container **out,
                      struct cb_error **err);
/* By name alone: 1 found, 0 not. */
int cb_container_find_named(struct cb_store *store, const char *name,
                            struct cb_container **out, struct cb_error **err);
/* Held while names are given: *LOCK. */
int cb_containers_lock(struct cb_store *store, struct cb_lock **lock, int *dir,
                       struct cb_error **err);
/* CANCEL ends the wait. */
int cb_containers_lock_until(struct cb_store *store, struct cb_lock **lock, int *dir,
                             struct cb_cancel *cancel, struct cb_error **err);
/* For who changes its configuration: nobody else does while *LOCK is held, and what
 * others have changed is read. Comes before the lock of its monitor. */
int cb_container_begin_change(struct cb_store *store, struct cb_container *container,
                              struct cb_cancel *cancel, struct cb_lock **lock,
                              struct cb_error **err);

/* ── record-json.c ── */
json_t *cb_container_config_json(const struct cb_container *container);
int cb_container_config_parse(struct cb_container *container, const char *bytes,
                              size_t len, struct cb_error **err);
json_t *cb_container_state_json(const struct cb_container_state *state);
int cb_container_state_parse(struct cb_container_state *state, const char *bytes,
                             size_t len, struct cb_error **err);

#endif
