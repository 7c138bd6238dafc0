/* A pin is named for its container, so that a record that was lost leaves none behind
 * that nobody knows. */
#include "container/pin.h"

#include "container/ask-priv.h"

static char *pin_of(const char *id)
{
    return xasprintf("container-%s", id);
}

int cb_container_pin(const struct cb_container *container, struct cb_snapshot *snapshot,
                     struct cb_error **err)
{
    cb_autofree char *pin = pin_of(container->id);

    return cb_snapshot_pin(snapshot, pin, err);
}

int cb_container_unpin_id(struct cb_store *store, const char *id, struct cb_error **err)
{
    cb_autofree char *pin = pin_of(id);

    return cb_snapshot_unpin(store, pin, err);
}

void cb_container_unpin(struct cb_store *store, const struct cb_container *container)
{
    if (cb_container_unpin_id(store, container->id, NULL) == 0)
        cb_snapshot_remove(store, container->snapshot, NULL);
}

int cb_container_snapshot(struct cb_store *store, const struct cb_container *container,
                          struct cb_snapshot **out, struct cb_error **err)
{
    int found = cb_snapshot_get(store, container->snapshot, out, err);

    if (!found && container->in_foreground) {
        struct cb_wire_message message = {.type = CB_WIRE_PIN};

        if (cb_monitor_ask(container, &message, NULL, NULL, err) < 0)
            return -1;
        found = cb_snapshot_get(store, container->snapshot, out, err);
    }
    if (found)
        return found < 0 ? -1 : 0;
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "the filesystem of container %s is no longer in the store",
                 container->name);
    return cb_container_went(container, err);
}
