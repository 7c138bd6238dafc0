/* Volumes that are something else than a directory of the store, with the options of
 * docker's local driver: a directory of the host (o=bind), or any filesystem the kernel
 * mounts by itself. It is mounted for each container that has it, in that container, so
 * that nothing is left on the host; two containers see the same because the filesystem
 * itself is the same (a device, a server). Of those in memory see volume-share.c. */
#include "container/volume.h"

#include "base/resolve.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* ── Checking ── */

static int is_bind(const struct cb_strings *options)
{
    const char *o = cb_env_get(options, "o");

    while (o && *o) {
        size_t len = strcspn(o, ",");

        if ((len == 4 && !memcmp(o, "bind", 4)) || (len == 5 && !memcmp(o, "rbind", 5)))
            return 1;
        o += len + (o[len] == ',');
    }
    return 0;
}

int cb_volume_check_options(const struct cb_strings *options, struct cb_error **err)
{
    const char *device = cb_env_get(options, "device");

    cb_vec_foreach (option, options) {
        cb_autofree char *key = xstrndup(*option, strcspn(*option, "="));

        if (strcmp(key, "size") == 0)
            return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                "quota size requested but no quota support");
        if (strcmp(key, "type") && strcmp(key, "o") && strcmp(key, "device"))
            return cb_error_set(err, CB_ERR_USAGE, "invalid option: \"%s\"", key);
    }
    if (!options->count)
        return 0;
    if (!device || !*device)
        return cb_error_set(err, CB_ERR_USAGE, "missing required option: \"device\"");
    if (!cb_env_get(options, "type"))
        return cb_error_set(err, CB_ERR_USAGE, "missing required option: \"type\"");
    if (!is_bind(options) || *device == '/')
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "device of a bound volume must be an absolute path: %s", device);
}

/* ── Mounting ── */

/* 1: TEXT is a flag of the mount itself, or changes nothing. */
static int is_mount_flag(const char *text, unsigned *attributes)
{
    static const struct {
        const char *name;
        unsigned attribute;
    } flags[] = {
        {"rw", 0},
        {"defaults", 0},
        {"ro", MOUNT_ATTR_RDONLY},
        {"nosuid", MOUNT_ATTR_NOSUID},
        {"nodev", MOUNT_ATTR_NODEV},
        {"noexec", MOUNT_ATTR_NOEXEC},
        {"noatime", MOUNT_ATTR_NOATIME},
        {"nodiratime", MOUNT_ATTR_NODIRATIME},
        {"relatime", 0},
        {"suid", 0},
        {"dev", 0},
        {"exec", 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(flags); i++) {
        if (strcmp(flags[i].name, text) != 0)
            continue;
        *attributes |= flags[i].attribute;
        return 1;
    }
    return 0;
}

/* The kernel knows addresses only: addr= of a server is what its name means now. */
static int set_server(int fs, const char *name, const struct cb_cancel *cancel)
{
    cb_auto_value(cb_strings) addresses = {0};

    cb_host_resolve(name, cancel, &addresses);
    if (addresses.count)
        return fsconfig(fs, FSCONFIG_SET_STRING, "addr", addresses.items[0], 0);
    errno = cb_cancel_requested(cancel) ? ECANCELED : EHOSTUNREACH;
    return -1;
}

/* Where there is one id only, what is there is its: as with --tmpfs. */
static int names_other_id(const char *key, const char *value)
{
    return (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) &&
           strtoul(value, NULL, 10) != 0 && cb_mapped_ids() == 1;
}

static int set_option(int fs, const char *text, const struct cb_cancel *cancel)
{
    cb_autofree char *key = xstrndup(text, strcspn(text, "="));
    const char *equals = strchr(text, '=');

    if (equals && strcmp(key, "addr") == 0)
        return set_server(fs, equals + 1, cancel);
    if (equals && names_other_id(key, equals + 1))
        return 0;
    return equals ? fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0)
                  : fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
}

static int set_options(int fs, const char *options, unsigned *attributes,
                       const struct cb_cancel *cancel)
{
    while (options && *options) {
        size_t len = strcspn(options, ",");
        cb_autofree char *option = xstrndup(options, len);

        if (*option && !is_mount_flag(option, attributes) &&
            set_option(fs, option, cancel) < 0)
            return -1;
        options += len + (options[len] == ',');
    }
    return 0;
}

static int mount_filesystem(const struct cb_volume *volume, struct cb_cancel *cancel,
                            int *fd, struct cb_error **err)
{
    const char *type = cb_env_get(&volume->options, "type");
    const char *device = cb_env_get(&volume->options, "device");
    const char *options = cb_env_get(&volume->options, "o");
    unsigned attributes = MOUNT_ATTR_NODEV;
    cb_autofd int fs = fsopen(type ? type : "", FSOPEN_CLOEXEC);

    *fd = -1;
    if (fs >= 0 && fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) == 0 &&
        set_options(fs, options, &attributes, cancel) == 0 &&
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        *fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
    if (*fd >= 0)
        return 0;
    if (errno == ECANCELED && cb_cancel_check(cancel, err) < 0)
        return -1;
    return cb_error_errno(err, errno,
                          "error while mounting volume '%s': failed to mount local "
                          "volume: mount %s:%s%s%s",
                          volume->mountpoint, device, volume->mountpoint,
                          options ? ", data: " : "", options ? options : "");
}

static int open_bound(const struct cb_volume *volume, int *fd, struct cb_error **err)
{
    const char *device = cb_env_get(&volume->options, "device");

    *fd = open(device ? device : "", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    return cb_error_errno(err, errno,
                          "error while mounting volume '%s': failed to mount local "
                          "volume: mount %s:%s, flags: 0x1000",
                          volume->mountpoint, device ? device : "", volume->mountpoint);
}

int cb_volume_open(struct cb_store *store, const struct cb_volume *volume,
                   struct cb_cancel *cancel, int *fd, struct cb_error **err)
{
    if (!volume->options.count)
        return cb_volume_open_data(store, volume->name, fd, err);
    return is_bind(&volume->options) ? open_bound(volume, fd, err)
                                     : mount_filesystem(volume, cancel, fd, err);
}
