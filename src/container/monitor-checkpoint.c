/* Inside a monitor: its container's processes are saved, and brought back. criu takes as
 * long as there is memory to be written, so a thread waits for it: meanwhile everybody is
 * answered. It works with what it was given, and looks at nothing of the monitor's. */
#include "container/monitor-priv.h"

#include "base/fs.h"
#include "base/subprocess.h"
#include "base/thread.h"
#include "container/checkpoint-priv.h"
#include "container/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MOUNTINFO_MAX_BYTES (16u << 20)
#define STAGE               "stage"

/* ── Saving ── */

struct saving {
    pthread_t thread;
    int done_fd;
    struct client *client; /* or NULL, when it is gone */
    int leave_running;
    /* the thread's */
    struct cb_cancel *cancel;
    int images_fd, container_fd; /* directories */
    struct cb_lock *lock;
    char *name;
    struct cb_strings argv;
    struct cb_checkpoint checkpoint;
    struct cb_error *error;
};

static void saving_free(struct saving *saving)
{
    if (!saving)
        return;
    cb_close(&saving->done_fd);
    cb_cancel_free(saving->cancel);
    cb_lock_release(saving->lock);
    cb_close(&saving->images_fd);
    cb_close(&saving->container_fd);
    free(saving->name);
    cb_strings_free(&saving->argv);
    cb_checkpoint_clear(&saving->checkpoint);
    cb_error_free(saving->error);
    free(saving);
}
CB_AUTO_DEFINE(saving, saving_free)

/* criu syncs nothing. */
static int sync_images(int dir_fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(dir_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofd int fd = openat(dir_fd, *name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0 && fsync(fd) < 0)
            return cb_error_errno(err, errno, "write `%s`", *name);
    }
    return 0;
}

/* What was not made does not stay, but why not. */
static int explain_failure(const struct saving *saving, struct cb_error **err)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    cb_autofd int from =
        openat(saving->images_fd, CB_CHECKPOINT_LOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    cb_autofd int to = openat(saving->container_fd, CB_CHECKPOINT_LOG, flags, 0600);

    if (from >= 0 && to >= 0)
        cb_fs_copy_data(from, to, -1, NULL);
    return cb_checkpoint_explain(saving->container_fd, CB_CHECKPOINT_LOG, err);
}

static int run_criu(struct saving *saving, struct cb_error **err)
{
    cb_autofree char **argv = cb_strings_argv(&saving->argv);
    const struct cb_subprocess_options options = {
        .argv = (const char *const *)argv,
        .cwd_fd = -1,
        .inherit_fd = saving->images_fd,
        .cancel = saving->cancel,
    };

    if (cb_subprocess_run(&options, NULL, NULL, NULL, err) < 0)
        return explain_failure(saving, err);
    if (sync_images(saving->images_fd, err) < 0)
        return -1;
    return cb_checkpoint_save(&saving->checkpoint, saving->images_fd, saving->name, err);
}

static void *save(void *arg)
{
    struct saving *saving = arg;

    run_criu(saving, &saving->error);
    eventfd_write(saving->done_fd, 1);
    return NULL;
}

/* Both ends of a pipe have its number. */
static char *stream_name(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)
               ? xasprintf("pipe:[%llu]", (unsigned long long)st.st_ino)
               : xstrdup("");
}

static int look_at_process(struct monitor *monitor, struct saving *saving,
                           struct cb_error **err)
{
    const struct session *main = monitor->main;
    cb_auto_value(cb_strbuf) mountinfo = {0};
    cb_autofd int fd = cb_process_open(main->process, "mountinfo", O_RDONLY);

    if (fd < 0)
        return cb_error_errno(err, errno, "read the container's mounts");
    saving->checkpoint.streams[0] = stream_name(main->in_fd);
    saving->checkpoint.streams[1] = stream_name(main->out_fd);
    saving->checkpoint.streams[2] = stream_name(main->err_fd);
    if (cb_fs_read_fd(fd, MOUNTINFO_MAX_BYTES, &mountinfo, err) < 0)
        return -1;
    return cb_checkpoint_sort_mounts(&saving->checkpoint, cb_strbuf_text(&mountinfo),
                                     &monitor->setup->spec.process, err);
}

static int add_network(const struct monitor *monitor, struct cb_strings *argv,
                       struct cb_error **err)
{
    cb_autofd int fd = cb_process_open(monitor->main->process, "ns/net", O_RDONLY);
    struct stat st;

    if (monitor->setup->spec.process.host_network)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "open the container's network");
    cb_strings_add(argv, "--external");
    cb_strings_addf(argv, "net[%llu]:%s", (unsigned long long)st.st_ino, CB_RESTORE_NET);
    return 0;
}

static int make_argv(const struct monitor *monitor, struct saving *saving,
                     const char *criu, struct cb_error **err)
{
    const struct cb_fd_path images = cb_fd_path(saving->images_fd);
    const char *const words[] = {
        criu,
        "dump",
        "--no-default-config",
        "--images-dir",
        images.text,
        "--work-dir",
        images.text,
        "--log-file",
        CB_CHECKPOINT_LOG,
        "--manage-cgroups=ignore",
        "--file-locks",
        "--tree",
    };
    struct cb_strings *argv = &saving->argv;

    for (size_t i = 0; i < CB_ARRAY_SIZE(words); i++)
        cb_strings_add(argv, words[i]);
    cb_strings_addf(argv, "%d", cb_process_pid(monitor->main->process));
    if (saving->leave_running)
        cb_strings_add(argv, "--leave-running");
    for (size_t i = 0; i < saving->checkpoint.ours.count; i++) {
        cb_strings_add(argv, "--external");
        cb_strings_addf(argv, "mnt[%s]:%s%zu", saving->checkpoint.ours.items[i],
                        CB_RESTORE_OURS, i);
    }
    return add_network(monitor, argv, err);
}

static int check(const struct monitor *monitor, struct cb_error **err)
{
    const struct cb_container *container = monitor->container;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    if (monitor->saving)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "Container %s is being checkpointed already", container->id);
    if (container->state.status == CB_CONTAINER_PAUSED)
        return cb_error_set(err, CB_ERR_EXISTS, "Container %s is paused", container->id);
    return cb_checkpoint_check(container, err);
}

/* TEXT: the checkpoint's name, NUL, criu's path. */
static int begin(struct monitor *monitor, struct saving *saving,
                 const struct cb_wire_message *message, struct cb_error **err)
{
    cb_autofree char *text = xcalloc(message->len + 1, 1);
    const char *criu = text;

    memcpy(text, message->text, message->len);
    saving->name = xstrdup(text);
    criu += strnlen(text, message->len);
    criu += criu < text + message->len;
    if (*criu != '/' || saving->images_fd < 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "a checkpoint without its directory");
    saving->leave_running = message->a;
    saving->container_fd = fcntl(monitor->container->dir_fd, F_DUPFD_CLOEXEC, 3);
    saving->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (saving->done_fd < 0)
        return cb_error_errno(err, errno, "eventfd");
    return cb_lock_take(&saving->lock, saving->images_fd, CB_CHECKPOINT_LOCK,
                        CB_LOCK_SHARED, NULL, err) < 0 ||
                   look_at_process(monitor, saving, err) < 0 ||
                   make_argv(monitor, saving, criu, err) < 0
               ? -1
               : 0;
}

int cb_monitor_save(struct monitor *monitor, struct client *client,
                    const struct cb_wire_message *message, int *fd, struct cb_error **err)
{
    cb_auto(saving) saving = NULL;
    int errnum;

    if (check(monitor, err) < 0)
        return -1;
    saving = xcalloc(1, sizeof(*saving));
    saving->done_fd = saving->container_fd = -1;
    saving->images_fd = cb_steal_fd(fd);
    saving->client = client;
    saving->cancel = cb_cancel_new();
    if (begin(monitor, saving, message, err) < 0)
        return -1;
    errnum = cb_thread_start(&saving->thread, save, saving);
    if (errnum)
        return cb_error_errno(err, errnum, "start a thread");
    monitor->saving = cb_steal(&saving);
    return 0;
}

int cb_monitor_saving_fd(const struct monitor *monitor)
{
    return monitor->saving ? monitor->saving->done_fd : -1;
}

int cb_monitor_saves_to_end(const struct monitor *monitor)
{
    return monitor->saving && !monitor->saving->leave_running;
}

void cb_monitor_saving_lost(struct monitor *monitor, const struct client *client)
{
    if (monitor->saving && monitor->saving->client == client)
        monitor->saving->client = NULL;
}

/* criu has killed it: nobody wants it to be started again. */
static void end_saved(struct monitor *monitor)
{
    monitor->container->state.stopped_by_hand = 1;
    cb_monitor_end(monitor, monitor->main);
}

void cb_monitor_saved(struct monitor *monitor)
{
    cb_auto(saving) saving = cb_steal(&monitor->saving);

    pthread_join(saving->thread, NULL);
    if (!saving->error)
        cb_container_tell_at(monitor->store_root, monitor->container, "checkpoint", NULL,
                             NULL);
    if (!saving->error && !saving->leave_running && monitor->main)
        end_saved(monitor);
    if (saving->client)
        cb_client_answer(saving->client, saving->error != NULL, saving->error);
}

void cb_monitor_stop_saving(struct monitor *monitor)
{
    if (!monitor->saving)
        return;
    cb_cancel_request(monitor->saving->cancel);
    cb_monitor_saved(monitor);
}

/* ── Bringing back ── */

/* By its true path: criu starts there with nothing of ours open. */
static char *stage_path(const struct cb_container *container)
{
    char path[PATH_MAX];
    ssize_t len = readlink(cb_fd_path(container->dir_fd).text, path, sizeof(path) - 1);

    if (len <= 0)
        return NULL;
    path[len] = '\0';
    return xasprintf("%s/%s", path, STAGE);
}

void cb_monitor_restoring_clear(struct cb_monitor_restoring *restoring)
{
    cb_checkpoint_clear(&restoring->checkpoint);
    free(restoring->criu);
    free(restoring->stage);
}

int cb_monitor_begin_restore(struct monitor *monitor, struct cb_monitor_restoring *out,
                             struct cb_error **err)
{
    const struct cb_container *container = monitor->container;
    struct cb_checkpoint *saved = &out->checkpoint;

    if (monitor->images_fd < 0)
        return 0;
    if (cb_checkpoint_check(container, err) < 0 ||
        cb_checkpoint_load(saved, monitor->images_fd, err) < 0 ||
        cb_checkpoint_find_criu(&out->criu, err) < 0)
        return -1;
    out->stage = stage_path(container);
    if (!out->stage || (mkdirat(container->dir_fd, STAGE, 0700) < 0 && errno != EEXIST))
        return cb_error_errno(err, errno, "make a directory for criu");
    out->restore = (struct cb_restore){
        .program = out->criu,
        .stage = out->stage,
        .images_fd = monitor->images_fd,
        .ours = &saved->ours,
        .theirs = &saved->theirs,
        .streams = {saved->streams[0], saved->streams[1], saved->streams[2]},
    };
    unlinkat(monitor->images_fd, CB_RESTORE_LOG, 0);
    unlinkat(monitor->images_fd, CB_RESTORE_PID, 0);
    monitor->setup->spec.process.restore = &out->restore;
    return 0;
}

int cb_monitor_end_restore(struct monitor *monitor, int status, struct cb_error **err)
{
    if (monitor->images_fd < 0)
        return status;
    monitor->setup->spec.process.restore = NULL;
    unlinkat(monitor->container->dir_fd, STAGE, AT_REMOVEDIR);
    if (status < 0) {
        cb_checkpoint_explain(monitor->images_fd, CB_RESTORE_LOG, err);
        cb_error_wrap(err, "restore container %s", monitor->container->name);
    }
    cb_close(&monitor->images_fd);
    return status;
}
