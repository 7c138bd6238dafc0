/* Which of a container's mounts are whose. What it has from outside, the host's
 * directories, our files, what hides parts of /proc and /sys, is mounted anew as at every
 * start. What is its own alone criu saves and makes again: the filesystems in memory, and
 * those that show its own processes, terminals and queues. */
#include "container/checkpoint-priv.h"

#include "base/fs.h"

#include <stdio.h>
#include <string.h>

/* A line of mountinfo. */
struct mounted {
    char device[24];
    char *path;
    char *type;
};

static void mounted_clear(struct mounted *mounted)
{
    free(mounted->path);
    free(mounted->type);
}
CB_AUTO_VALUE_DEFINE(mounted, mounted_clear)

/* "\040" is a space. */
static char *unescape(const char *text, size_t len)
{
    char *out = xcalloc(len + 1, 1), *to = out;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' && i + 3 < len) {
            *to++ = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                           (text[i + 3] - '0'));
            i += 3;
        } else {
            *to++ = text[i];
        }
    }
    return out;
}

/* "ID PARENT DEVICE ROOT PATH OPTIONS… - TYPE …" */
static int parse_line(const char *line, size_t len, struct mounted *out)
{
    cb_autofree char *copy = xstrndup(line, len);
    int path = 0, path_end = 0;
    const char *type = strstr(copy, " - ");

    if (!type ||
        sscanf(copy, "%*s %*s %23s %*s %n%*s%n", out->device, &path, &path_end) != 1 ||
        !path_end)
        return -1;
    out->path = unescape(copy + path, (size_t)(path_end - path));
    type += 3;
    out->type = xstrndup(type, strcspn(type, " "));
    return 0;
}

struct sorting {
    const struct cb_process_spec *spec;
    struct cb_strings memory, outside; /* targets, all links resolved */
    char dev[24];                      /* the device of our /dev */
};

static void sorting_clear(struct sorting *sorting)
{
    cb_strings_free(&sorting->memory);
    cb_strings_free(&sorting->outside);
}
CB_AUTO_VALUE_DEFINE(sorting, sorting_clear)

static int begin(struct sorting *sorting, struct cb_error **err)
{
    const struct cb_process_spec *spec = sorting->spec;

    cb_vec_foreach (mount, &spec->mounts) {
        cb_autofree char *path = NULL;

        if (cb_fs_resolve_in_root(spec->rootfs_fd, mount->target, &path, err) < 0)
            return -1;
        cb_strings_add(
            mount->type == CB_MOUNT_TMPFS ? &sorting->memory : &sorting->outside, path);
    }
    for (size_t i = 0; spec->mask && i < spec->mask->count; i++) {
        cb_autofree char *path = NULL;

        if (cb_fs_resolve_in_root(spec->rootfs_fd, spec->mask->items[i], &path, err) < 0)
            return -1;
        cb_strings_add(&sorting->outside, path);
    }
    return 0;
}

static int is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return strncmp(path, directory, len) == 0 && (!path[len] || path[len] == '/');
}

static int is_theirs(const struct sorting *sorting, const struct mounted *mounted)
{
    const char *type = mounted->type;

    if (cb_strings_contain(&sorting->outside, mounted->path))
        return 0;
    if (strcmp(type, "proc") == 0 || strcmp(type, "devpts") == 0 ||
        strcmp(type, "mqueue") == 0)
        return 1;
    return strcmp(type, "tmpfs") == 0 &&
           (strcmp(mounted->device, sorting->dev) == 0 ||
            strcmp(mounted->path, "/dev/shm") == 0 ||
            cb_strings_contain(&sorting->memory, mounted->path));
}

/* Who may mount in it can have done so, and then nobody could do it again. */
static int is_known(const struct sorting *sorting, const char *path)
{
    return is_below(path, "/proc") || is_below(path, "/sys") || is_below(path, "/dev") ||
           cb_strings_contain(&sorting->outside, path) ||
           cb_strings_contain(&sorting->memory, path);
}

static int add(struct sorting *sorting, const struct mounted *mounted,
               struct cb_checkpoint *out, struct cb_error **err)
{
    const char *path = mounted->path;

    if (strcmp(path, "/") == 0)
        return 0;
    if (path[strcspn(path, "[]:\n")])
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "criu cannot be told of the mount on `%s`", path);
    if (!is_known(sorting, path))
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "the container has itself mounted something on `%s`", path);
    if (strcmp(path, "/dev") == 0 && !cb_strings_contain(&sorting->outside, "/dev"))
        snprintf(sorting->dev, sizeof(sorting->dev), "%s", mounted->device);
    cb_strings_add(is_theirs(sorting, mounted) ? &out->theirs : &out->ours, path);
    return 0;
}

int cb_checkpoint_sort_mounts(struct cb_checkpoint *out, const char *mountinfo,
                              const struct cb_process_spec *spec, struct cb_error **err)
{
    cb_auto_value(sorting) sorting = {.spec = spec};

    if (begin(&sorting, err) < 0)
        return -1;
    for (const char *line = mountinfo; *line;) {
        size_t len = strcspn(line, "\n");
        cb_auto_value(mounted) mounted = {0};

        if (parse_line(line, len, &mounted) < 0)
            return cb_error_set(err, CB_ERR_SYSTEM, "cannot read the list of mounts");
        if (add(&sorting, &mounted, out, err) < 0)
            return -1;
        line += len + (line[len] == '\n');
    }
    return 0;
}
