/* Inside registry/: one image on its way to one repository. */
#ifndef CB_REGISTRY_PUSH_PRIV_H
#define CB_REGISTRY_PUSH_PRIV_H

#include "registry/registry-priv.h"
#include "registry/upload.h"
#include "store/layer.h"
#include "store/refs.h"

struct cb_push {
    struct cb_registry *registry;
    struct cb_image *image;
    struct cb_reference *reference;
    struct cb_place place;
    struct cb_repository repository;
    const struct cb_push_options *options;
    json_t *annotations;          /* of the manifest, or NULL */
    struct cb_manifest *original; /* to be pushed as it is, or NULL */
    struct cb_digest *chain_ids;  /* by layer */
    struct cb_descriptor *layers; /* by layer; made or found by its job */
    struct cb_origins origins;
    const struct cb_resolved_image *
        *elsewhere;                   /* by layer: who has it; NULL: the store */
    pthread_mutex_t neighbours_mutex; /* neighbours */
    struct cb_map *neighbours; /* diff id → path of a repository there; NULL: not made */
    uint64_t event_id;
};

/* ── push-mount.c: repositories on the same registry that have the same ── */

/* One that has the layer; borrowed, NULL if none is known to. */
const char *cb_push_neighbour(struct cb_push *push, const struct cb_digest *diff_id);
/* One where IMAGE is. Caller frees; NULL: none. */
char *cb_push_mount(struct cb_push *push, const struct cb_resolved_image *image);

/* ── push-original.c ── */

/* Sets push->original, if there is one. */
void cb_push_find_original(struct cb_push *push);

/* ── push-layer.c ── */

/* For cb_pool_fan_out: finds the blob, or has it made, and sends it. ARG is a push. */
int cb_push_layer(void *arg, size_t i, struct cb_error **err);
/* What is known as push->layers[i], read from FD (-1: from the store). */
int cb_push_blob(struct cb_push *push, size_t i, int fd, struct cb_error **err);
/* Says how the way of a layer's blob ended. NEIGHBOUR: the repository it was mounted
 * from.
 */
enum cb_push_end { CB_PUSH_EXISTED, CB_PUSH_MOUNTED, CB_PUSH_SENT };
void cb_push_report(struct cb_push *push, const struct cb_descriptor *blob,
                    enum cb_push_end end, const char *neighbour);

/* ── push-fresh.c ── */

/* Makes a blob for the layer, sends it and keeps it. */
int cb_push_fresh(struct cb_push *push, size_t i, struct cb_error **err);

#endif
