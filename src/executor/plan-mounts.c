/* The part of a plan that lies on the root: kernel filesystems, devices, masks, and the
 * mounts that were asked for.
 *
 * Sources are cloned here, in the process that opened them, into detached mounts: private
 * (no event reaches the host's peers), nodev, read-only where asked. The child never
 * needs a path of the host. Since Linux 6.15 a mount that is itself detached, such as an
 * overlay straight from fsmount(), can be cloned too, so it serves any number of runs;
 * older kernels refuse that with EINVAL and such a mount is moved, once. */
#include "executor/plan-priv.h"

#include "base/fs.h"
#include "base/user-namespace.h"
#include "executor/cgroup-priv.h"
#include "executor/devices-priv.h"
#include "executor/mount-api-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define DEFAULT_SHM_BYTES (64ULL << 20)

#define STRICT (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)

static const char *const links[][2] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
    {"core", "/proc/kcore"},       {"ptmx", "pts/ptmx"},
};

/* Nodes a step that was granted everything finds in /dev as well, where the host has
 * them. */
static const char *const insecure_devices[] = {
    "kmsg",  "cuse",  "fuse",  "kvm",   "net/tun", "loop-control", "loop0",
    "loop1", "loop2", "loop3", "loop4", "loop5",   "loop6",        "loop7",
};

/* Is FD on a mount that everybody sees? Not to be told for sure counts as yes. */
static int is_attached(int fd)
{
    cb_auto_value(cb_strbuf) mounts = {0};
    cb_autofree char *line = NULL;
    struct statx info;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) < 0 ||
        !(info.stx_mask & STATX_MNT_ID) ||
        cb_fs_read_file(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mounts, NULL) < 0)
        return 1;
    line = xasprintf("%llu ", (unsigned long long)info.stx_mnt_id);
    for (const char *at = cb_strbuf_text(&mounts); at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, strlen(line)) == 0)
            return 1;
    }
    return 0;
}

/* The child mounts it itself. */
static int take_file(struct cb_plan *plan, int fd, int *index, struct cb_error **err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return cb_error_errno(err, errno, "duplicate a descriptor");
    *index = cb_plan_take_fd(plan, copy);
    return 0;
}

/* A detached mount of what FD refers to. One that is attached is never taken itself: its
 * attributes are the host's (an unbindable mount gives EINVAL too). */
static int clone_mount_as(struct cb_plan *plan, int fd, uint64_t attributes,
                          int recursive, unsigned long propagation, int *index,
                          struct cb_error **err)
{
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    struct mount_attr attr = {.attr_set = attributes, .propagation = propagation};
    int tree = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

    /* In a user namespace nothing may be uncovered: what is mounted below comes along. */
    if (tree < 0 && errno == EINVAL && !recursive && cb_in_user_namespace() &&
        is_attached(fd))
        return clone_mount_as(plan, fd, attributes, 1, propagation, index, err);
    if (tree < 0 && errno == EINVAL) {
        if (is_attached(fd))
            errno = EINVAL;
        else
            tree = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    if (tree < 0 && errno == ENOSYS)
        return take_file(plan, fd, index, err);
    if (tree < 0)
        return cb_error_errno(err, errno, "clone a mount");
    if (mount_setattr(tree, "", flags, &attr, sizeof(attr)) < 0) {
        cb_autofd int unused = tree;

        return errno == ENOSYS
                   ? take_file(plan, fd, index, err)
                   : cb_error_errno(err, errno, "set the attributes of a mount");
    }
    *index = cb_plan_take_fd(plan, tree);
    return 0;
}

static int clone_mount(struct cb_plan *plan, int fd, uint64_t attributes, int recursive,
                       int *index, struct cb_error **err)
{
    return clone_mount_as(plan, fd, attributes, recursive, MS_PRIVATE, index, err);
}

int cb_plan_clone_host(struct cb_plan *plan, int *index, struct cb_error **err)
{
    cb_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root < 0)
        return cb_error_errno(err, errno, "open `/`");
    return clone_mount(plan, root, 0, 1, index, err);
}

/* May the devices that it makes be opened? Of one that was granted everything, and where
 * a control group refuses what was not granted. */
static int may_open_nodes(const struct cb_process_spec *spec)
{
    return spec->security == CB_SECURITY_INSECURE || spec->limits.only_granted;
}

/* The store's own mounts say nodev. */
int cb_plan_add_rootfs(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err)
{
    struct mount_attr devices = {.attr_clr = MOUNT_ATTR_NODEV};
    struct cb_plan_step *step;
    int has_nodes = may_open_nodes(spec);
    int index = -1;

    if (clone_mount(plan, spec->rootfs_fd, has_nodes ? 0 : MOUNT_ATTR_NODEV, 0, &index,
                    err) < 0)
        return cb_error_wrap(err, "root filesystem");
    if (has_nodes && !cb_mount_api_is_missing() &&
        mount_setattr(plan->fds.items[index], "", AT_EMPTY_PATH, &devices,
                      sizeof(devices)) < 0)
        return cb_error_errno(err, errno, "root filesystem: allow devices");
    step = cb_plan_add(plan, CB_PLAN_ROOTFS);
    step->fd = index;
    step->value = has_nodes ? 0 : MOUNT_ATTR_NODEV;
    step->value2 = has_nodes ? MOUNT_ATTR_NODEV : 0;
    return 0;
}

static struct cb_plan_step *add_filesystem(struct cb_plan *plan, const char *type,
                                           const char *target, const char *options,
                                           uint64_t attributes, unsigned flags)
{
    uint32_t type_at = cb_plan_text(plan, type), target_at = cb_plan_text(plan, target);
    uint32_t options_at = cb_plan_text(plan, options);
    struct cb_plan_step *step = cb_plan_add(plan, CB_PLAN_FILESYSTEM);

    step->text = type_at;
    step->target = target_at;
    step->options = options_at;
    step->value = attributes;
    step->flags = flags | CB_PLAN_CREATE | CB_PLAN_DIRECTORY;
    return step;
}

/* The process sees its own cgroup, read-only unless it was granted everything; the child
 * has made that the root of its view. Version 1's many hierarchies are shown to a process
 * that has limits to read there, is a container, or was granted everything: others need
 * not pay for the mounts.
 */
static void add_cgroup(struct cb_plan *plan, const struct cb_process_spec *spec)
{
    int insecure = spec->security == CB_SECURITY_INSECURE;
    uint64_t attributes = STRICT | (insecure ? 0 : MOUNT_ATTR_RDONLY);
    struct cb_plan_step *step;
    struct statfs host;

    if (statfs("/sys/fs/cgroup", &host) == 0 && host.f_type == CGROUP2_SUPER_MAGIC) {
        add_filesystem(plan, "cgroup2", "/sys/fs/cgroup", "", attributes,
                       CB_PLAN_FIXED | CB_PLAN_KEEP_STUB);
    } else if (insecure || cb_cgroups_limit_more(&spec->limits)) {
        step = cb_plan_add_target(plan, CB_PLAN_CGROUPS, "/sys/fs/cgroup");
        step->flags = CB_PLAN_FIXED | CB_PLAN_KEEP_STUB | CB_PLAN_DIRECTORY;
        step->value = attributes;
    }
}

/* Group 5 is who may write to terminals, if there is any group but root's. */
static int has_tty_group(void)
{
    return !cb_in_user_namespace() || cb_mapped_ids() > 5;
}

/* That of another container, if it shares the namespace OF that it shows. */
static int take_from(struct cb_plan *plan, struct cb_plan_step *step,
                     const struct cb_foreign_space *of, struct cb_error **err)
{
    return of->fd < 0 ? 0 : take_file(plan, of->mounts_fd, &step->fd, err);
}

static int add_dev(struct cb_plan *plan, const struct cb_process_spec *spec,
                   struct cb_error **err)
{
    uint64_t shm = spec->shm_bytes ? spec->shm_bytes : DEFAULT_SHM_BYTES;
    cb_autofree char *shm_options =
        xasprintf("mode=1777,size=%llu", (unsigned long long)shm);

    /* nodev: a node made by the step cannot be opened, whatever the device cgroup says;
     * the nodes it may have are mounts of their own (devices.c). Where the cgroup is what
     * refuses them, it may make others. */
    add_filesystem(plan, "tmpfs", "/dev", "mode=755,size=65536k",
                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME |
                       (may_open_nodes(spec) ? 0 : MOUNT_ATTR_NODEV),
                   CB_PLAN_FIXED | CB_PLAN_IS_DEV);
    for (size_t i = 0; i < CB_DEVICES; i++)
        cb_plan_add_target(plan, CB_PLAN_DEVICE, cb_device_name(i))->value = i;
    for (size_t i = 0; i < CB_ARRAY_SIZE(links); i++) {
        uint32_t text = cb_plan_text(plan, links[i][1]);

        /* Not every kernel has a core of itself. */
        if (!strcmp(links[i][1], "/proc/kcore") && access("/proc/kcore", F_OK) < 0)
            continue;
        cb_plan_add_target(plan, CB_PLAN_LINK, links[i][0])->text = text;
    }
    add_filesystem(plan, "devpts", "/dev/pts",
                   has_tty_group() ? "newinstance,ptmxmode=0666,mode=0620,gid=5"
                                   : "newinstance,ptmxmode=0666,mode=0620",
                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                   CB_PLAN_KEEP_STUB | CB_PLAN_IS_PTS);
    if (!spec->host_ipc || !cb_in_user_namespace())
        add_filesystem(plan, "mqueue", "/dev/mqueue", "", STRICT, CB_PLAN_KEEP_STUB);
    if (spec->no_shm || spec->host_ipc)
        return 0;
    return take_from(
        plan,
        add_filesystem(plan, "tmpfs", "/dev/shm", shm_options, STRICT, CB_PLAN_KEEP_STUB),
        &spec->ipc_of, err);
}

static int add_host_directory(struct cb_plan *plan, const char *path,
                              struct cb_error **err)
{
    cb_autofd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct cb_plan_step *step;
    int index = -1;

    if (fd < 0)
        return 0;
    if (clone_mount(plan, fd, STRICT, 0, &index, err) < 0)
        return cb_error_wrap(err, "%s", path);
    step = cb_plan_add_target(plan, CB_PLAN_BIND, path);
    step->fd = index;
    step->flags = CB_PLAN_CREATE | CB_PLAN_KEEP_STUB | CB_PLAN_DIRECTORY;
    step->value = STRICT;
    return 0;
}

/* With the host's interprocess communication goes the host's /dev/shm, and in a user
 * namespace its message queues as well, which only its own root may mount anew. */
static int add_host_ipc(struct cb_plan *plan, const struct cb_process_spec *spec,
                        struct cb_error **err)
{
    if (!spec->host_ipc)
        return 0;
    if (!spec->no_shm && add_host_directory(plan, "/dev/shm", err) < 0)
        return -1;
    return cb_in_user_namespace() ? add_host_directory(plan, "/dev/mqueue", err) : 0;
}

static void add_console(struct cb_plan *plan, const struct cb_process_spec *spec,
                        const struct cb_user *user)
{
    struct cb_plan_step *step = cb_plan_add_target(plan, CB_PLAN_CONSOLE, "console");

    step->uid = user->uid;
    step->value = spec->rows;
    step->value2 = spec->columns;
}

int cb_plan_bind_node(struct cb_plan *plan, const char *path, struct cb_error **err)
{
    cb_autofd int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct cb_plan_step *step;
    struct stat node;
    int index = -1;

    if (fd < 0 || fstat(fd, &node) < 0 ||
        (!S_ISCHR(node.st_mode) && !S_ISBLK(node.st_mode)))
        return 0;
    if (clone_mount(plan, fd, MOUNT_ATTR_RDONLY, 0, &index, err) < 0)
        return cb_error_wrap(err, "%s", path);
    step = cb_plan_add_target(plan, CB_PLAN_BIND, path);
    step->fd = index;
    step->flags = CB_PLAN_CREATE | CB_PLAN_KEEP_STUB;
    return 0;
}

static int add_insecure_devices(struct cb_plan *plan, struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(insecure_devices); i++) {
        cb_autofree char *path = xasprintf("/dev/%s", insecure_devices[i]);

        if (cb_plan_bind_node(plan, path, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Mounts that were asked for ── */

static int add_bind(struct cb_plan *plan, const struct cb_mount *mount, uint64_t nodev,
                    struct cb_plan_step **out, struct cb_error **err)
{
    /* A read-only mount keeps the node as it is, and nobody from writing to the device.
     */
    int read_only = mount->read_only || mount->device;
    uint64_t attributes = nodev | (read_only ? MOUNT_ATTR_RDONLY : 0);
    struct stat source;
    int index = -1;

    if (fstat(mount->source_fd, &source) < 0)
        return cb_error_errno(err, errno, "source of the mount");
    if (clone_mount_as(plan, mount->source_fd, attributes, mount->recursive,
                       mount->propagation ? mount->propagation : MS_PRIVATE, &index,
                       err) < 0)
        return -1;
    *out = cb_plan_add_target(plan, CB_PLAN_BIND, mount->target);
    (*out)->fd = index;
    (*out)->flags = (S_ISDIR(source.st_mode) ? CB_PLAN_DIRECTORY : 0) |
                    (mount->recursive ? CB_PLAN_RECURSIVE : 0);
    (*out)->value = attributes;
    (*out)->value2 = mount->device ? MOUNT_ATTR_NODEV : 0;
    return 0;
}

/* An id that does not exist here is refused by the kernel. Where there is only one, its
 * owner is root like that of every file; with more, it was a mistake. */
static int add_tmpfs_option(struct cb_strbuf *options, const char *word, size_t len,
                            struct cb_error **err)
{
    int names_id = strncmp(word, "uid=", 4) == 0 || strncmp(word, "gid=", 4) == 0;
    unsigned long id = names_id ? strtoul(word + 4, NULL, 10) : 0;
    uint32_t ids = id ? cb_mapped_ids() : 1;

    if (ids == 1 && id)
        return 0;
    if (id >= ids && id) {
        cb_error_set(err, CB_ERR_USAGE, "owner `%.*s`", (int)len, word);
        return cb_mapped_ids_hint(err, (uint32_t)id, 0);
    }
    cb_strbuf_addf(options, ",%.*s", (int)len, word);
    return 0;
}

static int add_tmpfs(struct cb_plan *plan, const struct cb_mount *mount,
                     struct cb_plan_step **out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) options = {0};

    cb_strbuf_addf(&options, "mode=%o,uid=%u,gid=%u", mount->mode ? mount->mode : 01777,
                   mount->uid, mount->gid);
    if (mount->size_bytes)
        cb_strbuf_addf(&options, ",size=%llu", (unsigned long long)mount->size_bytes);
    for (const char *word = mount->options; word && *word;) {
        size_t len = strcspn(word, ",");

        if (add_tmpfs_option(&options, word, len, err) < 0)
            return cb_error_wrap(err, "tmpfs on `%s`", mount->target);
        word += len + (word[len] == ',');
    }
    *out = add_filesystem(plan, "tmpfs", mount->target, options.text,
                          MOUNT_ATTR_NODEV | (mount->suid ? 0 : MOUNT_ATTR_NOSUID) |
                              (mount->exec ? 0 : MOUNT_ATTR_NOEXEC) |
                              (mount->read_only ? MOUNT_ATTR_RDONLY : 0),
                          0);
    return 0;
}

static struct cb_plan_step *add_file(struct cb_plan *plan, const struct cb_mount *mount)
{
    uint32_t text = cb_plan_bytes(plan, mount->content, mount->content_len);
    struct cb_plan_step *step = cb_plan_add_target(plan, CB_PLAN_FILE, mount->target);

    step->text = text;
    step->text_len = mount->content_len;
    step->mode = mount->mode ? mount->mode : 0644;
    step->uid = mount->uid;
    step->gid = mount->gid;
    step->value = STRICT | (mount->read_only ? MOUNT_ATTR_RDONLY : 0);
    return step;
}

static int add_mount(struct cb_plan *plan, const struct cb_mount *mount, uint64_t nodev,
                     struct cb_error **err)
{
    struct cb_plan_step *step = NULL;

    if (!mount->target || *mount->target != '/')
        return cb_error_set(err, CB_ERR_USAGE, "mount target `%s` is not absolute",
                            mount->target ? mount->target : "");
    switch (mount->type) {
    case CB_MOUNT_BIND:
        if (add_bind(plan, mount, mount->device ? 0 : nodev, &step, err) < 0)
            return cb_error_wrap(err, "mount on `%s`", mount->target);
        break;
    case CB_MOUNT_TMPFS:
        if (add_tmpfs(plan, mount, &step, err) < 0)
            return -1;
        break;
    case CB_MOUNT_FILE:
        step = add_file(plan, mount);
        break;
    }
    step->flags |= CB_PLAN_CREATE | CB_PLAN_FOREIGN;
    if (mount->keep_stub)
        step->flags |= CB_PLAN_KEEP_STUB;
    return 0;
}

int cb_plan_add_kernel(struct cb_plan *plan, const struct cb_process_spec *spec,
                       const struct cb_user *user, struct cb_error **err)
{
    int insecure = spec->security == CB_SECURITY_INSECURE;

    if (take_from(plan, add_filesystem(plan, "proc", "/proc", "", STRICT, CB_PLAN_FIXED),
                  &spec->pid_of, err) < 0)
        return -1;
    add_filesystem(plan, "sysfs", "/sys", "", STRICT | (insecure ? 0 : MOUNT_ATTR_RDONLY),
                   CB_PLAN_FIXED);
    add_cgroup(plan, spec);
    if (add_dev(plan, spec, err) < 0 || add_host_ipc(plan, spec, err) < 0)
        return -1;
    if (spec->tty)
        add_console(plan, spec, user);
    if (insecure && !spec->all_devices && add_insecure_devices(plan, err) < 0)
        return -1;
    if (spec->all_devices && cb_plan_add_nodes(plan, err) < 0)
        return -1;
    if (!insecure)
        cb_plan_add_masks(plan, spec);
    return 0;
}

int cb_plan_add_mounts(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err)
{
    const uint64_t nodev = may_open_nodes(spec) ? 0 : MOUNT_ATTR_NODEV;

    for (size_t i = 0; i < spec->mounts.count; i++) {
        if (add_mount(plan, &spec->mounts.items[i], nodev, err) < 0)
            return -1;
    }
    return 0;
}
