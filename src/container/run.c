/* A container in the foreground: filesystem, network, process, stdio, exit status.
 * Nothing of it is left afterwards. */
#include "container/container.h"

#include "base/fs.h"
#include "container/attach.h"
#include "container/foreground.h"
#include "container/health.h"
#include "container/log.h"
#include "container/marks.h"
#include "container/mount-open.h"
#include "container/mounts.h"
#include "container/setup.h"

#include <unistd.h>

#define LASTING_MS 10

/* The image's volumes are directories of a container that leaves nothing behind; those
 * that are missing are made, as docker's anonymous volumes would be. */
static int make_volumes(const struct cb_image_config *config, int root,
                        struct cb_error **err)
{
    cb_vec_foreach (path, &config->volumes) {
        cb_autofd int fd = -1;

        if (cb_fs_mkdirs_in_root(root, *path, 0755, 0, 0, &fd, err) < 0)
            return cb_error_wrap(err, "volume `%s`", *path);
    }
    return 0;
}

/* Its filesystem, which is not waited for by the network, nor the network by it. */
struct root {
    struct cb_store *store;
    const struct cb_run_request *request;
    struct cb_snapshot *snapshot;
    int fd;
};

/* What every container gets into its root is there already if the last of the image left
 * it as it was; with volumes it is not the same for all, and who has all privileges may
 * do more than can be looked for. What a full disk did not take is missing for one only.
 */
static int open_root(void *arg, struct cb_error **err)
{
    struct root *root = arg;
    const struct cb_image_config *config = root->request->config;
    int is_marked = cb_snapshot_prepare_initial(root->store, root->request->rootfs,
                                                CB_CONTAINER_MARKS, &root->snapshot, err);

    if (is_marked < 0 || cb_snapshot_open_root(root->snapshot, &root->fd, err) < 0 ||
        make_volumes(config, root->fd, err) < 0)
        return -1;
    if (is_marked)
        cb_container_mark_anew(root->fd);
    else
        is_marked = cb_container_mark(root->fd) == 0;
    if (is_marked && !config->volumes.count && !root->request->privileged)
        cb_snapshot_set_initial(root->snapshot);
    return 0;
}

static void root_clear(struct root *root)
{
    cb_close(&root->fd);
    cb_snapshot_unref(cb_steal(&root->snapshot));
}
CB_AUTO_VALUE_DEFINE(root, root_clear)

/* What others may ask for once it has lasted. */
struct lasting {
    struct cb_foreground_facts facts;
    struct cb_foreground *foreground; /* or NULL */
};

static void lasts(void *arg, struct cb_process *process)
{
    struct lasting *lasting = arg;

    cb_snapshot_forget_initial(lasting->facts.snapshot);
    lasting->foreground = cb_foreground_start(&lasting->facts, process);
}

static void signaled(void *arg)
{
    cb_foreground_wake(((struct lasting *)arg)->foreground);
}

static void requested(void *arg)
{
    cb_snapshot_tidy_work(((struct lasting *)arg)->facts.snapshot);
}

static void ended(void *arg)
{
    cb_foreground_stop(((struct lasting *)arg)->foreground);
}

static int attach(struct lasting *lasting, struct cb_cancel *cancel,
                  struct cb_exit *result, struct cb_error **err)
{
    const struct cb_foreground_facts *facts = &lasting->facts;
    const struct cb_witness witness = {LASTING_MS, lasts, signaled, lasting};
    const struct cb_attach_options options = {facts->options->request.interactive,
                                              &facts->setup->stopping, &witness,
                                              requested, ended};

    return cb_attach(facts->launcher, &facts->setup->spec.process, &options, cancel,
                     result, err);
}

int cb_container_run(struct cb_store *store, struct cb_launcher *launcher,
                     const struct cb_container_options *options, struct cb_cancel *cancel,
                     int *exit_code, struct cb_error **err)
{
    const struct cb_run_request *request = &options->request;
    cb_auto_value(cb_setup) setup = CB_SETUP_INIT;
    cb_auto_value(root) root = {store, request, NULL, -1};
    const struct cb_meanwhile meanwhile = {open_root, &root};
    char id[CB_CONTAINER_ID_DIGITS + 1];
    const struct cb_setup_options how = {
        .request = request, .id = id, .meanwhile = &meanwhile, .cancel = cancel};
    cb_auto_value(cb_health) health = {0};
    struct cb_exit result = {.code = 255};
    struct lasting lasting;
    int status;

    cb_container_new_id(id);
    if (cb_container_check_mounts(options, err) < 0 || cb_log_check(options, err) < 0 ||
        cb_health_make(&health, options, request->config, err) < 0 ||
        cb_setup_make(&setup, store, &how, err) < 0)
        return -1;
    cb_setup_tell_ports(&setup);
    setup.spec.process.rootfs_fd = root.fd;
    if (cb_run_spec_add_binds(&setup.spec, &request->volumes, err) < 0 ||
        cb_run_spec_own_mounts(&setup.spec, root.fd, err) < 0)
        return -1;
    lasting = (struct lasting){
        .facts = {store, launcher, options, id, root.snapshot, &setup, root.fd}};
    status = attach(&lasting, cancel, &result, err);
    cb_launcher_dismiss(launcher);
    /* Its addresses and files are free before anybody hears of the end. */
    cb_setup_clear(&setup);
    root_clear(&root);
    cb_foreground_forget(lasting.foreground, &result);
    *exit_code = result.code;
    return status;
}
