/* Names under which something is set up on the host. A lease is a locked file, so it ends
 * with its process however that ends; the record beside it (NAME.json) says what
 * is to be taken down, and is the only thing that does (where they are: lease-dir.c). */
#include "network/network-priv.h"

#include "base/atomic-file.h"
#include "base/fs.h"

#include <unistd.h>

#define RECORD_MAX_BYTES (1u << 20)

struct cb_net_lease {
    int dir;
    char *record; /* its file's name */
    struct cb_lock *lock;
};

static void lease_free(struct cb_net_lease *lease)
{
    cb_lock_release(lease->lock);
    cb_close(&lease->dir);
    free(lease->record);
    free(lease);
}

int cb_net_lease_try(struct cb_net_lease **out, const char *name, struct cb_error **err)
{
    struct cb_net_lease *lease = xcalloc(1, sizeof(*lease));
    int taken = -1;

    lease->dir = -1;
    lease->record = xasprintf("%s.json", name);
    if (cb_net_lease_dir(&lease->dir, NULL, err) == 0)
        taken = cb_lock_try(&lease->lock, lease->dir, name, CB_LOCK_EXCLUSIVE, err);
    if (taken > 0)
        *out = lease;
    else
        lease_free(lease);
    return taken;
}

int cb_net_lease_record(struct cb_net_lease *lease, const char *config,
                        struct cb_error **err)
{
    return cb_atomic_file_write(lease->dir, lease->record, config, strlen(config), 0600,
                                0, err);
}

char *cb_net_lease_recorded(const struct cb_net_lease *lease)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_file(lease->dir, lease->record, RECORD_MAX_BYTES, &text, NULL) < 0 ||
        !text.len)
        return NULL;
    return cb_strbuf_steal(&text);
}

const char *cb_net_lease_record_name(const struct cb_net_lease *lease)
{
    return lease->record;
}

void cb_net_lease_forget(struct cb_net_lease *lease)
{
    unlinkat(lease->dir, lease->record, 0);
}

void cb_net_lease_end(struct cb_net_lease *lease)
{
    if (!lease)
        return;
    cb_net_lease_forget(lease);
    cb_lock_release_unlink(cb_steal(&lease->lock));
    lease_free(lease);
}

void cb_net_lease_abandon(struct cb_net_lease *lease)
{
    if (lease)
        lease_free(lease);
}
