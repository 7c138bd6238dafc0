/* Bind mounts of a RUN. A source is opened inside the tree it comes from, once,
 * and mounted by that descriptor. Writes to a read-write bind go to a layer that is
 * thrown away. A context's files are shown as a build sees them, without what is ignored
 * and owned by root: directly if they are like that, otherwise as a copy. */
#include "ops/copy-priv.h"
#include "ops/exec-priv.h"

#include "base/fs.h"

#include <fcntl.h>

static int open_source(int root, const char *path, int *fd, struct cb_error **err)
{
    return cb_fs_open_in_root(root, path, O_PATH, 0, fd, err);
}

/* A writable layer over SNAPSHOT (or nothing) that ends with the step. */
static int discarded_layer(struct cb_exec_mounts *mounts, struct cb_snapshot *snapshot,
                           struct cb_snapshot **layer, struct cb_error **err)
{
    if (cb_snapshot_prepare(mounts->step->env->store, snapshot, layer, err) < 0)
        return -1;
    cb_vec_push(&mounts->discarded, *layer);
    return 0;
}

static int layer_root(struct cb_exec_mounts *mounts, struct cb_snapshot *layer, int *root,
                      struct cb_error **err)
{
    if (cb_snapshot_open_root(layer, root, err) < 0)
        return -1;
    cb_vec_push(&mounts->fds, *root);
    return 0;
}

static int bind_snapshot(struct cb_exec_mounts *mounts, struct cb_result *input,
                         const struct cb_exec_mount *mount, int *fd,
                         struct cb_error **err)
{
    struct cb_snapshot *layer;
    int root;

    if (mount->read_only) {
        if (cb_result_root(input, &root, err) < 0)
            return -1;
    } else if (discarded_layer(mounts, cb_snapshot_result_get(input), &layer, err) < 0 ||
               layer_root(mounts, layer, &root, err) < 0) {
        return -1;
    }
    return open_source(root, cb_exec_mount_source(mount), fd, err);
}

/* One source of a context. */
struct selected {
    int root;
    const struct cb_selection *selection;
    size_t source; /* which of its matches are meant */
};

/* Copies it into a layer; a file is put there as "file". *PATH: what was put there. */
static int copy_selected(struct cb_exec_mounts *mounts, struct cb_snapshot *layer,
                         const struct selected *selected, const char **path,
                         struct cb_error **err)
{
    struct cb_exec_context *context = mounts->context;
    const struct cb_selection *selection = selected->selection;
    cb_auto_value(cb_dest) dest = {.fd = -1};
    cb_auto_value(cb_copying) copying = {.dest = &dest,
                                         .pool = context->pool,
                                         .cancel = context->cancel,
                                         .sink = context->sink,
                                         .event_id = context->event_id};

    *path = "/";
    if (cb_dest_open(&dest, layer, NULL, 0, mounts->step->env->source_date_epoch, err) <
        0)
        return -1;
    cb_vec_foreach (match, &selection->matches) {
        const struct cb_entry *entry = &selection->entries.items[match->first];
        int is_dir = cb_entry_is_dir(entry);

        if (match->source != selected->source)
            continue;
        if (!is_dir)
            *path = "/file";
        if (is_dir ? cb_copy_directory(&copying, selected->root, selection, match, "",
                                       err) < 0
                   : cb_copy_file(&copying, selected->root, entry, "file", err) < 0)
            return -1;
    }
    if (cb_copy_flush(&copying, err) < 0)
        return -1;
    return cb_dest_finish(&dest, err);
}

static int bind_context(struct cb_exec_mounts *mounts, size_t index, int *fd,
                        struct cb_error **err)
{
    const struct cb_exec_step *step = mounts->step;
    struct cb_exec_context *context = mounts->context;
    const struct cb_exec_mount *mount = &step->mounts[index];
    struct cb_result *input = context->inputs[mount->input];
    const struct cb_selection *selection;
    struct cb_selection *none = NULL;
    struct cb_snapshot *layer;
    struct selected selected;
    const char *path;
    int root;

    if (cb_result_select(input, step->selectors[mount->input], context->pool,
                         context->cancel, &selection, &none, err) < 0 ||
        cb_result_root(input, &root, err) < 0)
        return -1;
    if (mount->read_only && selection->faithful)
        return open_source(root, cb_exec_mount_source(mount), fd, err);
    selected = (struct selected){root, selection, step->selector_index[index]};
    if (discarded_layer(mounts, NULL, &layer, err) < 0 ||
        copy_selected(mounts, layer, &selected, &path, err) < 0 ||
        layer_root(mounts, layer, &root, err) < 0)
        return -1;
    return open_source(root, path, fd, err);
}

int cb_exec_bind_open(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                      size_t index, int *fd, struct cb_error **err)
{
    struct cb_result *input = mounts->context->inputs[mount->input];

    *fd = -1;
    if (cb_result_is_snapshot(input) ? bind_snapshot(mounts, input, mount, fd, err) < 0
                                     : bind_context(mounts, index, fd, err) < 0)
        return -1;
    cb_vec_push(&mounts->fds, *fd);
    return 0;
}

int cb_exec_mount_bind(struct cb_exec_mounts *mounts, size_t index, struct cb_error **err)
{
    const struct cb_exec_mount *mount = &mounts->step->mounts[index];
    struct cb_mount *bind;
    int fd;

    if (cb_exec_bind_open(mounts, mount, index, &fd, err) < 0)
        return cb_error_wrap(err, "RUN --mount=type=bind,target=%s", mount->target);
    bind = cb_exec_mount_add(mounts, CB_MOUNT_BIND, mount->target);
    bind->source_fd = fd;
    bind->read_only = mount->read_only;
    return 0;
}
