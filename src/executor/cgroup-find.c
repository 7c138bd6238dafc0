/* Which control group hierarchies there are, and our directory in each. */
#include "executor/cgroup-priv.h"

#include "base/fs.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PLACE       "/sys/fs/cgroup"
#define BESIDE_NAME "beside-cbuild" /* for the processes of the group ours is in */
#define MAX_BYTES   (1u << 20)
#define BASE_TRIES  10 /* others may remove it in between */

static const struct {
    const char *version_1, *version_2; /* NULL: not there */
} controllers[CB_CONTROLLERS] = {
    [CB_CG_PIDS] = {"pids", "pids"},     [CB_CG_MEMORY] = {"memory", "memory"},
    [CB_CG_CPU] = {"cpu", "cpu"},        [CB_CG_CPUSET] = {"cpuset", "cpuset"},
    [CB_CG_IO] = {"blkio", "io"},        [CB_CG_DEVICES] = {"devices", NULL},
    [CB_CG_CPUACCT] = {"cpuacct", NULL}, [CB_CG_FREEZER] = {"freezer", NULL},
};

const char *cb_controller_name(const struct cb_cgroups *cgroups, enum cb_controller which)
{
    const char *name =
        cgroups->unified ? controllers[which].version_2 : controllers[which].version_1;

    return name ? name : controllers[which].version_1;
}

static int has_word(const char *list, const char *word, const char *separators)
{
    size_t len = strlen(word);

    for (const char *at = list; *at;) {
        size_t word_len = strcspn(at, separators);

        if (word_len == len && !memcmp(at, word, len))
            return 1;
        at += word_len + (at[word_len] != '\0');
    }
    return 0;
}

/* Our own cgroup in the hierarchy of CONTROLLER ("": of version 2), below which limits of
 * an outer container still hold: OWN is /proc/self/cgroup. "" when unknown, and for the
 * root. */
static void own_path(const char *own, const char *controller, char *out, size_t size)
{
    *out = '\0';
    for (const char *line = own; *line;) {
        size_t len = strcspn(line, "\n");
        const char *names = memchr(line, ':', len);
        const char *path =
            names ? memchr(names + 1, ':', len - (size_t)(names + 1 - line)) : NULL;

        if (path) {
            cb_autofree char *list = xstrndup(names + 1, (size_t)(path - names - 1));
            int path_len = (int)(line + len - path - 1);

            if (path_len > 1 && (*controller ? has_word(list, controller, ",") : !*list))
                snprintf(out, size, "%.*s", path_len, path + 1);
        }
        line += len + (line[len] == '\n');
    }
}

/* Opens our directory in ROOT, which is made where it is missing. */
static int open_base_in(int root, int *base)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    *base = openat(root, CB_CGROUP_BASE, flags);
    for (int i = 0; i < BASE_TRIES && *base < 0 && errno == ENOENT; i++) {
        if (mkdirat(root, CB_CGROUP_BASE, 0755) == 0 || errno == EEXIST)
            *base = openat(root, CB_CGROUP_BASE, flags);
    }
    /* Without root it is somebody else's, unless it was delegated. */
    if (*base >= 0 && faccessat(*base, ".", W_OK, AT_EACCESS) < 0)
        cb_close(base);
    return *base < 0 ? -1 : 0;
}

/* MOUNT/OWN, or MOUNT when our own path is not visible there. */
static int open_own(const char *mount, const char *own)
{
    char path[1200];
    int root;

    snprintf(path, sizeof(path), "%s%s", mount, own);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root < 0 && *own ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : root;
}

static int is_hierarchy(const char *place, long magic)
{
    struct statfs fs;

    return statfs(place, &fs) == 0 && fs.f_type == magic;
}

/* The controllers among a mount's options, in their order. */
static void name_hierarchy(const char *options, char *out, size_t size)
{
    static const char known[] = "cpuset,cpu,cpuacct,blkio,memory,devices,freezer,net_cls,"
                                "perf_event,net_prio,hugetlb,pids,rdma,misc";
    cb_autofree char *copy = xstrdup(options);
    size_t used = 0;
    char *rest = NULL;

    *out = '\0';
    for (char *word = strtok_r(copy, ",", &rest); word;
         word = strtok_r(NULL, ",", &rest)) {
        if (has_word(known, word, ",") && used + strlen(word) + 2 < size)
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "", word);
    }
}

static void find_version_1(struct cb_cgroups *cgroups, const char *mount,
                           const char *options, const char *groups)
{
    char own[512];

    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->root_fd[i] >= 0 || !has_word(options, controllers[i].version_1, ","))
            continue;
        own_path(groups, controllers[i].version_1, own, sizeof(own));
        cgroups->root_fd[i] = open_own(mount, own);
        if (cgroups->root_fd[i] >= 0)
            name_hierarchy(options, cgroups->hierarchy[i], sizeof(cgroups->hierarchy[i]));
    }
}

void cb_cgroups_open(struct cb_cgroups *cgroups, const struct cb_limits *limits)
{
    for (int i = 0; i < CB_CONTROLLERS && !cgroups->unified; i++) {
        int wanted = !limits || i == CB_CG_PIDS || limits->all_controllers ||
                     cb_cgroup_wants(i, limits);

        if (wanted && cgroups->root_fd[i] >= 0 && cgroups->base_fd[i] < 0 &&
            open_base_in(cgroups->root_fd[i], &cgroups->base_fd[i]) < 0) {
            cb_close(&cgroups->root_fd[i]);
            *cgroups->hierarchy[i] = '\0';
        }
    }
}

void cb_cgroups_leave(struct cb_cgroups *cgroups)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0)
            unlinkat(cgroups->root_fd[i], CB_CGROUP_BASE, AT_REMOVEDIR);
        cb_close(&cgroups->base_fd[i]);
        cb_close(&cgroups->root_fd[i]);
    }
}

void cb_cgroup_pass_on(int dir_fd)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        char enable[16];

        if (!controllers[i].version_2)
            continue;
        snprintf(enable, sizeof(enable), "+%s", controllers[i].version_2);
        cb_cgroup_write(dir_fd, "cgroup.subtree_control", enable);
    }
}

static void read_line(int dir_fd, const char *file, char *out, size_t size)
{
    cb_autofd int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, size - 1);

    out[got > 0 ? got : 0] = '\0';
}

int cb_cgroups_are_there(const struct cb_cgroups *cgroups)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0)
            return 1;
    }
    return 0;
}

/* ── Version 2 ── */

/* Is BASE, which is held, still our directory in ROOT? One that was removed meanwhile has
 * no files. */
static int is_still_there(int root, int base)
{
    struct stat held, named;

    return fstat(base, &held) == 0 &&
           fstatat(root, CB_CGROUP_BASE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_ino == named.st_ino;
}

/* Opens our directory in DIR with all controllers that what is in it may have, by NAMES.
 * One that is removed before there is anything in it has none: then it is made again. */
static int open_base_with(int dir, int *base, char *names, size_t size)
{
    for (int i = 0; i < BASE_TRIES; i++) {
        cb_close(base);
        if (open_base_in(dir, base) < 0)
            return -1;
        cb_cgroup_pass_on(*base);
        read_line(*base, "cgroup.subtree_control", names, size);
        if (is_still_there(dir, *base))
            return 0;
    }
    return 0;
}

/* Makes our directory in DIR, if what is in that may have controllers. */
static int settle_in(struct cb_cgroups *cgroups, int dir)
{
    cb_autofd int base = -1;
    char enabled[256];

    cb_cgroup_pass_on(dir);
    if (open_base_with(dir, &base, enabled, sizeof(enabled)) < 0)
        return 0;
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (!controllers[i].version_2 ||
            !has_word(enabled, controllers[i].version_2, " \n"))
            continue;
        cgroups->base_fd[i] = fcntl(base, F_DUPFD_CLOEXEC, 3);
        cgroups->root_fd[i] = fcntl(dir, F_DUPFD_CLOEXEC, 3);
    }
    cgroups->unified = cb_cgroups_are_there(cgroups);
    if (!cgroups->unified)
        unlinkat(dir, CB_CGROUP_BASE, AT_REMOVEDIR);
    return cgroups->unified;
}

int cb_cgroups_renew(struct cb_cgroups *cgroups, int which)
{
    cb_autofd int base = -1;
    char names[256];

    if ((cgroups->unified
             ? open_base_with(cgroups->root_fd[which], &base, names, sizeof(names))
             : open_base_in(cgroups->root_fd[which], &base)) < 0)
        return -1;
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0 && (cgroups->unified || i == which))
            dup3(base, cgroups->base_fd[i], O_CLOEXEC);
    }
    return 0;
}

/* The nearest group above ours that was delegated and has no processes itself: a slice of
 * the user's, for instance. PATH ("/a/b") is cut from its end. */
static int settle_above(struct cb_cgroups *cgroups, int root, char *path)
{
    char *slash;

    while ((slash = strrchr(path, '/')) && slash > path) {
        cb_autofd int dir = -1;

        *slash = '\0';
        dir = openat(root, path + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir >= 0 && faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0 &&
            settle_in(cgroups, dir))
            return 1;
    }
    return 0;
}

/* Our own group, if it was delegated: what is in it moves into a group in that, since
 * with processes of its own it can pass no controllers on. It is what runs beside us in a
 * container, or in a scope made for us; all limits that hold for it still do. */
static int settle_in_own(struct cb_cgroups *cgroups, int root, const char *path)
{
    cb_autofd int own = openat(root, *path ? path + 1 : ".",
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cb_autofd int beside = -1;

    if (own < 0 || faccessat(own, "cgroup.type", F_OK, 0) < 0 ||
        faccessat(own, "cgroup.subtree_control", W_OK, AT_EACCESS) < 0 ||
        (mkdirat(own, BESIDE_NAME, 0755) < 0 && errno != EEXIST))
        return 0;
    beside = openat(own, BESIDE_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (beside < 0)
        return 0;
    cb_cgroup_move_all(own, beside);
    return settle_in(cgroups, own);
}

/* Version 2 lets only the root hold both processes and controllers for its children, so
 * our directory is made there, or else where we may. */
static void find_version_2(struct cb_cgroups *cgroups, const char *mount,
                           const char *groups)
{
    cb_autofd int root = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char own[512], above[512];

    if (root < 0 || settle_in(cgroups, root))
        return;
    own_path(groups, "", own, sizeof(own));
    memcpy(above, own, sizeof(above));
    if (!settle_above(cgroups, root, above))
        settle_in_own(cgroups, root, own);
}

/* Where they are on nearly every machine, a hierarchy of version 1 by the names of what
 * is in it: to list all mounts takes the kernel longer than all else here. 0: one is
 * elsewhere. */
static int find_in_place(struct cb_cgroups *cgroups, const char *groups)
{
    cb_autofree char *copy = xstrdup(groups);
    char *rest = NULL;
    int found = 0;

    for (char *line = strtok_r(copy, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':'), *end = names ? strchr(++names, ':') : NULL;
        char mount[128];

        if (!end || end == names || memchr(names, '=', (size_t)(end - names)))
            continue;
        *end = '\0';
        snprintf(mount, sizeof(mount), PLACE "/%s", names);
        if (!is_hierarchy(mount, CGROUP_SUPER_MAGIC))
            return 0;
        find_version_1(cgroups, mount, names, groups);
        found = 1;
    }
    return found;
}

static void find_among_mounts(struct cb_cgroups *cgroups, const char *groups,
                              char *version_2, size_t size)
{
    cb_autofree char *line = NULL;
    size_t capacity = 0;
    char mount[512], type[32], options[512];
    FILE *file = fopen("/proc/self/mountinfo", "re");

    while (file && getline(&line, &capacity, file) > 0) {
        const char *tail = strstr(line, " - ");

        if (!tail || strncmp(tail, " - cgroup", 9) != 0 ||
            sscanf(line, "%*s %*s %*s %*s %511s", mount) != 1 ||
            sscanf(tail, " - %31s %*s %511s", type, options) != 2)
            continue;
        if (!strcmp(type, "cgroup"))
            find_version_1(cgroups, mount, options, groups);
        else if (!strcmp(type, "cgroup2") && !*version_2)
            snprintf(version_2, size, "%s", mount);
    }
    if (file)
        fclose(file);
}

/* What is of use for most is opened, and all else when that is not there. */
static int is_found(struct cb_cgroups *cgroups)
{
    static const struct cb_limits usual;

    cb_cgroups_open(cgroups, &usual);
    if (!cb_cgroups_are_there(cgroups))
        cb_cgroups_open(cgroups, NULL);
    return cb_cgroups_are_there(cgroups);
}

void cb_cgroups_find(struct cb_cgroups *cgroups)
{
    char version_2[512] = "";
    cb_auto_value(cb_strbuf) own = {0};

    *cgroups = (struct cb_cgroups){0};
    cb_fs_read_file(AT_FDCWD, "/proc/self/cgroup", MAX_BYTES, &own, NULL);
    for (int i = 0; i < CB_CONTROLLERS; i++)
        cgroups->base_fd[i] = cgroups->root_fd[i] = -1;
    if (is_hierarchy(PLACE, CGROUP2_SUPER_MAGIC)) {
        find_version_2(cgroups, PLACE, cb_strbuf_text(&own));
        return;
    }
    if (find_in_place(cgroups, cb_strbuf_text(&own)) && is_found(cgroups))
        return;
    find_among_mounts(cgroups, cb_strbuf_text(&own), version_2, sizeof(version_2));
    if (!is_found(cgroups) && *version_2)
        find_version_2(cgroups, version_2, cb_strbuf_text(&own));
}
