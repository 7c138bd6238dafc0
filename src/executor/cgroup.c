/* Limits by control groups. A step costs one directory: pids always (a fork bomb must end
 * somewhere), memory and cpu only when limited, since each hierarchy of version 1 is
 * another directory and another move. In version 1 the child moves itself as a thread
 * ("tasks"), which it is: to move a process the kernel stops all others from forking
 * first, and waits milliseconds for that. The leaf is called <name>-<launcher's pid>, so
 * that the next launcher can tell what a killed one left behind. */
#include "executor/cgroup-priv.h"

#include "base/fs.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#define DEFAULT_PIDS 4096
#define CPU_PERIOD   100000 /* microseconds */
#define BASE_NAME    "cbuild"

static const char *const controllers[CB_CONTROLLERS] = {"pids", "memory", "cpu"};

static int write_value(int dir_fd, const char *file, const char *value)
{
    cb_autofd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    return cb_fs_write_all(fd, value, strlen(value));
}

static int write_number(int dir_fd, const char *file, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return write_value(dir_fd, file, text);
}

/* The number after KEY (or at the start of FILE when KEY is NULL); 0 when unknown. */
static uint64_t read_number(int dir_fd, const char *file, const char *key)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofd int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
    const char *at;

    if (fd < 0 || cb_fs_read_fd(fd, 4096, &text, NULL) < 0)
        return 0;
    at = cb_strbuf_text(&text);
    if (key) {
        at = strstr(at, key);
        at = at ? at + strlen(key) : "";
    }
    return strtoull(at, NULL, 10);
}

/* ── Finding the hierarchies ── */

static int has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; (at = strstr(at, word)); at += len) {
        if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return 1;
    }
    return 0;
}

/* Our own cgroup in the hierarchy of CONTROLLER, below which limits of an outer container
 * still hold. "" when unknown. */
static void own_path(const char *controller, char *out, size_t size)
{
    cb_autofree char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    char names[128], path[512];

    *out = '\0';
    if (!file)
        return;
    while (getline(&line, &capacity, file) > 0) {
        if (sscanf(line, "%*d:%127[^:]:%511[^\n]", names, path) == 2 &&
            has_word(names, controller) && strcmp(path, "/"))
            snprintf(out, size, "%s", path);
    }
    fclose(file);
}

/* MOUNT/OWN/cbuild, or MOUNT/cbuild when our own path is not visible there. */
static int open_base(const char *mount, const char *own)
{
    char path[1200];
    int dir;

    snprintf(path, sizeof(path), "%s%s", mount, own);
    if (access(path, F_OK) < 0)
        snprintf(path, sizeof(path), "%s", mount);
    dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -1;
    if (mkdirat(dir, BASE_NAME, 0755) < 0 && errno != EEXIST) {
        cb_close(&dir);
        return -1;
    }
    int base = openat(dir, BASE_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_close(&dir);
    /* Without root it is somebody else's, unless it was delegated. */
    if (base >= 0 && faccessat(base, ".", W_OK, AT_EACCESS) < 0)
        cb_close(&base);
    return base;
}

static void find_version_1(struct cb_cgroups *cgroups, const char *mount,
                           const char *options)
{
    char own[512];

    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0 || !has_word(options, controllers[i]))
            continue;
        own_path(controllers[i], own, sizeof(own));
        cgroups->base_fd[i] = open_base(mount, own);
    }
}

/* Version 2 lets only the root hold both processes and controllers for its children, so
 * our directory is made there. */
static void find_version_2(struct cb_cgroups *cgroups, const char *mount)
{
    cb_autofd int root = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int base;

    if (root < 0)
        return;
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        char enable[16];

        snprintf(enable, sizeof(enable), "+%s", controllers[i]);
        write_value(root, "cgroup.subtree_control", enable);
    }
    base = open_base(mount, "");
    if (base < 0)
        return;
    cgroups->unified = 1;
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        char enable[16];

        snprintf(enable, sizeof(enable), "+%s", controllers[i]);
        if (write_value(base, "cgroup.subtree_control", enable) == 0)
            cgroups->base_fd[i] = fcntl(base, F_DUPFD_CLOEXEC, 3);
    }
    cb_close(&base);
}

static int found(const struct cb_cgroups *cgroups)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0)
            return 1;
    }
    return 0;
}

void cb_cgroups_find(struct cb_cgroups *cgroups)
{
    cb_autofree char *line = NULL;
    size_t capacity = 0;
    char mount[512], type[32], options[512], version_2[512] = "";
    FILE *file = fopen("/proc/self/mountinfo", "re");

    *cgroups = (struct cb_cgroups){.base_fd = {-1, -1, -1}};
    while (file && getline(&line, &capacity, file) > 0) {
        const char *tail = strstr(line, " - ");

        if (!tail || sscanf(line, "%*s %*s %*s %*s %511s", mount) != 1 ||
            sscanf(tail, " - %31s %*s %511s", type, options) != 2)
            continue;
        if (!strcmp(type, "cgroup"))
            find_version_1(cgroups, mount, options);
        else if (!strcmp(type, "cgroup2") && !*version_2)
            snprintf(version_2, sizeof(version_2), "%s", mount);
    }
    if (file)
        fclose(file);
    if (!found(cgroups) && *version_2)
        find_version_2(cgroups, version_2);
}

/* Removes leaves in the directory BASE whose launcher does not exist any more. */
static void sweep(int base)
{
    int copy = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        const char *dash = strrchr(entry->d_name, '-');
        long pid = dash ? strtol(dash + 1, NULL, 10) : 0;

        if (entry->d_type == DT_DIR && pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)
            unlinkat(base, entry->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
}

void cb_cgroups_sweep(const struct cb_cgroups *cgroups)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0)
            sweep(cgroups->base_fd[i]);
        if (cgroups->unified)
            break;
    }
}

/* ── One step ── */

/* Where the leaf for CONTROLLER goes; in a unified hierarchy there is one for all, kept
 * at index 0. */
static int base_of(const struct cb_cgroups *cgroups, int controller)
{
    for (int i = 0; cgroups->unified && i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0)
            return controller == 0 ? cgroups->base_fd[i] : -1;
    }
    return cgroups->base_fd[controller];
}

static int is_wanted(const struct cb_cgroups *cgroups, enum cb_controller controller,
                     const struct cb_limits *limits)
{
    if (base_of(cgroups, controller) < 0)
        return 0;
    switch (controller) {
    case CB_CG_MEMORY:
        return limits->memory_bytes > 0;
    case CB_CG_CPU:
        return limits->cpus > 0;
    default:
        return 1;
    }
}

/* Without root a limit that cannot be had is left out, as docker does it. The number of
 * processes is limited in another way: see plan.c. */
static void drop_unavailable(struct cb_cgroups *cgroups, struct cb_limits *limits)
{
    int memory = limits->memory_bytes > 0 && cgroups->base_fd[CB_CG_MEMORY] < 0;
    int cpu = limits->cpus > 0 && cgroups->base_fd[CB_CG_CPU] < 0;

    if (cgroups->base_fd[CB_CG_PIDS] < 0)
        limits->pids_max = 0;
    if (memory)
        limits->memory_bytes = limits->memory_swap_bytes = 0;
    if (cpu)
        limits->cpus = 0;
    if ((memory || cpu) && !cgroups->warned)
        cb_warn("no limit of %s%s%s: no cgroup was delegated to this user",
                memory ? "memory" : "", memory && cpu ? " and " : "", cpu ? "cpu" : "");
    cgroups->warned = 1;
}

static int check_available(struct cb_cgroups *cgroups, const struct cb_limits *limits,
                           struct cb_error **err)
{
    const int asked[CB_CONTROLLERS] = {limits->pids_max > 0, limits->memory_bytes > 0,
                                       limits->cpus > 0};

    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (!asked[i] || cgroups->base_fd[i] >= 0)
            continue;
        cb_error_set(err, CB_ERR_UNSUPPORTED, "cannot limit %s", controllers[i]);
        return cb_error_hint(err, "the %s cgroup controller is not available here",
                             controllers[i]);
    }
    if (cgroups->base_fd[CB_CG_PIDS] < 0 && !cgroups->warned) {
        cgroups->warned = 1;
        cb_warn("no pids cgroup controller: the number of processes of a step is not "
                "limited");
    }
    return 0;
}

static int make_leaf(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                     int which, struct cb_error **err)
{
    int base = base_of(cgroups, which);

    if (mkdirat(base, cgroup->name, 0755) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "create the %s cgroup `%s`", controllers[which],
                              cgroup->name);
    cgroup->dir_fd[which] = openat(base, cgroup->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (cgroup->dir_fd[which] >= 0)
        cgroup->procs_fd[which] =
            openat(cgroup->dir_fd[which], cgroups->unified ? "cgroup.procs" : "tasks",
                   O_WRONLY | O_CLOEXEC);
    if (cgroup->procs_fd[which] < 0)
        return cb_error_errno(err, errno, "open the %s cgroup `%s`", controllers[which],
                              cgroup->name);
    return 0;
}

/* Swap is what a limit of memory plus swap leaves above the memory. */
static int limit_memory(const struct cb_cgroups *cgroups, int dir,
                        const struct cb_limits *limits)
{
    uint64_t total = limits->memory_swap_bytes;

    if (!cgroups->unified) {
        if (write_number(dir, "memory.limit_in_bytes", limits->memory_bytes) < 0)
            return -1;
        if (write_number(dir, "memory.memsw.limit_in_bytes",
                         total > limits->memory_bytes ? total : limits->memory_bytes) < 0)
            return errno == ENOENT || errno == EOPNOTSUPP ? 0
                                                          : -1; /* no swap accounting */
        return 0;
    }
    if (write_number(dir, "memory.max", limits->memory_bytes) < 0)
        return -1;
    write_value(dir, "memory.oom.group", "1");
    write_number(dir, "memory.swap.max",
                 total > limits->memory_bytes ? total - limits->memory_bytes : 0);
    return 0;
}

static int limit_cpu(const struct cb_cgroups *cgroups, int dir, double cpus)
{
    uint64_t quota = cpus * CPU_PERIOD;
    char text[48];

    if (quota < 1000)
        quota = 1000; /* the kernel's least */
    if (!cgroups->unified)
        return write_number(dir, "cpu.cfs_quota_us", quota);
    snprintf(text, sizeof(text), "%llu %d", (unsigned long long)quota, CPU_PERIOD);
    return write_value(dir, "cpu.max", text);
}

static int set_limits(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      const struct cb_limits *limits, struct cb_error **err)
{
    uint64_t pids = limits->pids_max ? limits->pids_max : DEFAULT_PIDS;
    int unified = cgroups->unified;
    const int *dir = cgroup->dir_fd;

    if (cgroups->base_fd[CB_CG_PIDS] >= 0 &&
        write_number(dir[CB_CG_PIDS], "pids.max", pids) < 0)
        return cb_error_errno(err, errno, "limit the number of processes");
    if (limits->memory_bytes &&
        limit_memory(cgroups, dir[unified ? 0 : CB_CG_MEMORY], limits) < 0)
        return cb_error_errno(err, errno, "limit the memory");
    if (limits->cpus > 0 &&
        limit_cpu(cgroups, dir[unified ? 0 : CB_CG_CPU], limits->cpus) < 0)
        return cb_error_errno(err, errno, "limit the cpu time");
    cgroup->limits_memory = limits->memory_bytes > 0;
    return 0;
}

int cb_cgroup_create(struct cb_cgroups *cgroups, const char *name,
                     const struct cb_limits *asked, struct cb_cgroup *out,
                     struct cb_error **err)
{
    struct cb_limits possible = *asked;
    const struct cb_limits *limits = &possible;

    *out = (struct cb_cgroup){.dir_fd = {-1, -1, -1}, .procs_fd = {-1, -1, -1}};
    snprintf(out->name, sizeof(out->name), "%s-%d", name, getpid());
    if (cgroups->of_user)
        drop_unavailable(cgroups, &possible);
    if (check_available(cgroups, limits, err) < 0)
        return -1;
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (is_wanted(cgroups, i, limits) && make_leaf(cgroups, out, i, err) < 0) {
            cb_cgroup_finish(cgroups, out, NULL);
            return -1;
        }
    }
    if (set_limits(cgroups, out, limits, err) < 0) {
        cb_cgroup_finish(cgroups, out, NULL);
        return -1;
    }
    return 0;
}

int cb_cgroup_join(const struct cb_cgroup *cgroup, struct cb_error **err)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroup->procs_fd[i] < 0)
            continue;
        if (write(cgroup->procs_fd[i], "0", 1) != 1)
            return cb_error_errno(err, errno, "enter the %s cgroup `%s`", controllers[i],
                                  cgroup->name);
    }
    if (unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
        return cb_error_errno(err, errno, "new cgroup namespace");
    return 0;
}

static void collect(const struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                    struct cb_exit *exit)
{
    int dir = cgroup->dir_fd[cgroups->unified ? 0 : CB_CG_MEMORY];

    if (dir < 0)
        return;
    if (cgroups->unified) {
        exit->peak_memory_bytes = read_number(dir, "memory.peak", NULL);
        exit->oom_killed = read_number(dir, "memory.events", "oom_kill ") > 0;
    } else {
        exit->peak_memory_bytes = read_number(dir, "memory.max_usage_in_bytes", NULL);
        exit->oom_killed = read_number(dir, "memory.oom_control", "oom_kill ") > 0;
    }
}

void cb_cgroup_finish(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      struct cb_exit *exit)
{
    if (exit)
        collect(cgroups, cgroup, exit);
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroup->dir_fd[i] < 0)
            continue;
        cb_close(&cgroup->procs_fd[i]);
        cb_close(&cgroup->dir_fd[i]);
        unlinkat(base_of(cgroups, i), cgroup->name, AT_REMOVEDIR);
    }
}
