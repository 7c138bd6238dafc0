/* Paths of control groups come from /proc/PID/cgroup, and where they are mounted from
 * /proc/self/mountinfo: nothing is kept of what the launcher made. Each is read once for
 * all that is asked of one process. */
#include "executor/usage.h"

#include "base/fs.h"
#include "executor/cgroup-priv.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYTES (4u << 20)

void cb_pids_free(struct cb_pids *pids)
{
    cb_vec_free(pids);
}

/* ── Where ── */

static int read_proc(pid_t pid, const char *file, struct cb_strbuf *out)
{
    cb_autofree char *path = xasprintf("/proc/%d/%s", (int)pid, file);

    return cb_fs_read_file(AT_FDCWD, path, MAX_BYTES, out, NULL);
}

static int has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; *at; at += *at == ',') {
        size_t word_len = strcspn(at, ",");

        if (word_len == len && memcmp(at, word, len) == 0)
            return 1;
        at += word_len;
    }
    return 0;
}

/* What tells of PID's groups. */
struct where {
    pid_t pid;
    struct cb_strbuf theirs, ours; /* /proc/PID/cgroup, and our own */
    struct cb_strbuf mounts;
};

static void where_clear(struct where *where)
{
    cb_strbuf_free(&where->theirs);
    cb_strbuf_free(&where->ours);
    cb_strbuf_free(&where->mounts);
}
CB_AUTO_VALUE_DEFINE(where, where_clear)

static void find_out(struct where *out, pid_t pid)
{
    *out = (struct where){.pid = pid};
    read_proc(pid, "cgroup", &out->theirs);
    read_proc(getpid(), "cgroup", &out->ours);
    read_proc(getpid(), "mountinfo", &out->mounts);
}

/* The path in TEXT of the group in the hierarchy of CONTROLLER ("" is version 2), or
 * NULL. */
static char *find_path(const struct cb_strbuf *text, const char *controller)
{
    cb_autofree char *copy = xstrdup(cb_strbuf_text(text));
    char *rest = NULL;

    for (char *line = strtok_r(copy, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':');
        char *path = names ? strchr(names + 1, ':') : NULL;

        if (!path)
            continue;
        *path++ = '\0';
        names++;
        if (*controller ? has_word(names, controller) : !*names)
            return xstrdup(path);
    }
    return NULL;
}

/* A mount of the hierarchy, without the part of PATH that it begins at. */
static char *join_mount(char *line, const char *controller, const char *path)
{
    char *tail = strstr(line, " - ");
    char root[1024], mount[1024], type[32], options[512];
    size_t len;

    if (!tail || sscanf(line, "%*s %*s %*s %1023s %1023s", root, mount) != 2 ||
        sscanf(tail, " - %31s %*s %511s", type, options) != 2)
        return NULL;
    if (*controller ? strcmp(type, "cgroup") != 0 || !has_word(options, controller)
                    : strcmp(type, "cgroup2") != 0)
        return NULL;
    len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, len) != 0)
        return NULL;
    return xasprintf("%s%s", mount, path + len);
}

/* A descriptor of the directory, or -1. */
static int open_group(const struct where *where, const char *controller)
{
    cb_autofree char *path = find_path(&where->theirs, controller);
    cb_autofree char *mounts = path ? xstrdup(cb_strbuf_text(&where->mounts)) : NULL;
    char *rest = NULL;
    int fd = -1;

    if (!mounts)
        return -1;
    for (char *line = strtok_r(mounts, "\n", &rest); line && fd < 0;
         line = strtok_r(NULL, "\n", &rest)) {
        cb_autofree char *full = join_mount(line, controller, path);

        if (full)
            fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return fd;
}

/* In version 1 every controller has its hierarchy, in version 2 all have one. */
static int open_controller(const struct where *where, const char *controller)
{
    int fd = open_group(where, controller);

    return fd >= 0 ? fd : open_group(where, "");
}

/* ── Processes ── */

static void take_pids(const char *text, struct cb_pids *out)
{
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        pid_t pid = (pid_t)strtol(at, NULL, 10);

        if (pid > 0)
            cb_vec_push(out, pid);
    }
}

struct parent {
    pid_t pid, parent;
    int ours;
};
struct parents {
    struct parent *items;
    size_t count, capacity;
};

/* The name before it may hold anything, even parentheses. */
static pid_t parent_of(pid_t pid)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *end;
    int parent;

    if (read_proc(pid, "stat", &text) < 0)
        return 0;
    end = strrchr(cb_strbuf_text(&text), ')');
    return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static void read_parents(struct parents *out)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (proc < 0 || cb_fs_list(proc, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        struct parent process = {.pid = (pid_t)strtol(*name, NULL, 10)};

        process.parent = process.pid > 0 ? parent_of(process.pid) : 0;
        if (process.parent)
            cb_vec_push(out, process);
    }
}

static int is_ours(const struct parents *all, pid_t pid)
{
    cb_vec_foreach (process, all) {
        if (process->pid == pid)
            return process->ours;
    }
    return 0;
}

/* Without a control group: all that came of the launcher that started PID. Nothing leaves
 * a pid namespace by losing its parent. */
static void list_descendants(pid_t pid, struct cb_pids *out)
{
    struct parents all = {0};
    pid_t launcher = parent_of(pid);
    int more = 1;

    read_parents(&all);
    while (more) {
        more = 0;
        cb_vec_foreach (process, &all) {
            if (process->ours ||
                (process->parent != launcher && !is_ours(&all, process->parent)))
                continue;
            process->ours = more = 1;
            cb_vec_push(out, process->pid);
        }
    }
    cb_vec_free(&all);
}

/* Is it a group of a sandbox's own, and not the one we are in as well? */
static int is_own(const struct where *where, const char *controller)
{
    cb_autofree char *theirs = find_path(&where->theirs, controller);
    cb_autofree char *ours = find_path(&where->ours, controller);

    return theirs && ours && strcmp(theirs, ours) != 0;
}

static void list(const struct where *where, struct cb_pids *out)
{
    static const char *const controllers[] = {"pids", ""};
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(controllers); i++) {
        cb_autofd int dir =
            is_own(where, controllers[i]) ? open_group(where, controllers[i]) : -1;

        if (dir < 0 || cb_fs_read_file(dir, "cgroup.procs", MAX_BYTES, &text, NULL) < 0)
            continue;
        take_pids(cb_strbuf_text(&text), out);
        return;
    }
    list_descendants(where->pid, out);
}

void cb_process_list(pid_t pid, struct cb_pids *out)
{
    cb_auto_value(where) where = {0};

    find_out(&where, pid);
    list(&where, out);
}

/* ── Numbers ── */

static uint64_t number_after(const char *text, const char *key)
{
    const char *at = *key ? strstr(text, key) : text;

    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The number after KEY ("": the first one) in a file of DIR; 0 if there is none. */
static uint64_t read_number(int dir, const char *file, const char *key)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (dir < 0 || cb_fs_read_file(dir, file, MAX_BYTES, &text, NULL) < 0)
        return 0;
    return number_after(cb_strbuf_text(&text), key);
}

static uint64_t total_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void measure_memory(const struct where *where, struct cb_process_usage *out)
{
    cb_autofd int dir = open_controller(where, "memory");
    uint64_t total = total_memory(), inactive, limit;

    inactive = read_number(dir, "memory.stat", "total_inactive_file ");
    out->memory_bytes = read_number(dir, "memory.usage_in_bytes", "");
    limit = read_number(dir, "memory.limit_in_bytes", "");
    if (!out->memory_bytes) {
        inactive = read_number(dir, "memory.stat", "inactive_file ");
        out->memory_bytes = read_number(dir, "memory.current", "");
        limit = read_number(dir, "memory.max", ""); /* 0 for "max" */
    }
    out->memory_bytes -= inactive < out->memory_bytes ? inactive : 0;
    out->memory_limit_bytes = limit && limit < total ? limit : total;
}

static void measure_cpu(const struct where *where, struct cb_process_usage *out)
{
    cb_autofd int dir = open_controller(where, "cpuacct");

    out->cpu_ns = read_number(dir, "cpuacct.usage", "");
    if (!out->cpu_ns)
        out->cpu_ns = read_number(dir, "cpu.stat", "usage_usec ") * 1000;
}

static uint64_t sum_after(const char *text, const char *key)
{
    uint64_t sum = 0;

    while ((text = strstr(text, key))) {
        text += strlen(key);
        sum += strtoull(text, NULL, 10);
    }
    return sum;
}

static void measure_disks(const struct where *where, struct cb_process_usage *out)
{
    cb_autofd int dir = open_controller(where, "blkio");
    cb_auto_value(cb_strbuf) text = {0};

    if (dir < 0)
        return;
    if (cb_fs_read_file(dir, "io.stat", MAX_BYTES, &text, NULL) == 0) {
        out->read_bytes = sum_after(cb_strbuf_text(&text), "rbytes=");
        out->written_bytes = sum_after(cb_strbuf_text(&text), "wbytes=");
    } else if (cb_fs_read_file(dir, "blkio.throttle.io_service_bytes", MAX_BYTES, &text,
                               NULL) == 0) {
        out->read_bytes = sum_after(cb_strbuf_text(&text), "Read ");
        out->written_bytes = sum_after(cb_strbuf_text(&text), "Write ");
    }
}

/* All but the loopback. */
static void measure_network(pid_t pid, struct cb_process_usage *out)
{
    cb_auto_value(cb_strbuf) text = {0};
    char *rest = NULL;

    if (read_proc(pid, "net/dev", &text) < 0 || !text.len)
        return;
    for (char *line = strtok_r(text.text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        unsigned long long received, sent;
        char name[64];

        if (sscanf(line, " %63[^:]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name,
                   &received, &sent) != 3 ||
            strcmp(name, "lo") == 0)
            continue;
        out->received_bytes += received;
        out->sent_bytes += sent;
    }
}

/* Where no control group is theirs alone: what each has used, and has in memory. */
static void add_process(pid_t pid, struct cb_process_usage *out)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *end =
        read_proc(pid, "stat", &text) < 0 ? NULL : strrchr(cb_strbuf_text(&text), ')');
    unsigned long user, system, pages;

    if (!end || sscanf(end,
                       ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d "
                       "%*d %*d %*d %*d %*u %*u %lu",
                       &user, &system, &pages) != 3)
        return;
    out->cpu_ns +=
        (user + system) * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
    out->memory_bytes += pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int has_own(const struct where *where, const char *controller)
{
    return is_own(where, controller) || is_own(where, "");
}

void cb_process_measure(pid_t pid, struct cb_process_usage *out)
{
    cb_auto_value(cb_pids) pids = {0};
    cb_auto_value(where) where = {0};
    struct cb_process_usage sum = {0};
    int counts_time, counts_memory;

    find_out(&where, pid);
    counts_time = has_own(&where, "cpuacct");
    counts_memory = has_own(&where, "memory");
    *out = (struct cb_process_usage){.memory_limit_bytes = total_memory()};
    list(&where, &pids);
    out->pids = pids.count;
    for (size_t i = 0; i < pids.count && !(counts_time && counts_memory); i++)
        add_process(pids.items[i], &sum);
    out->cpu_ns = sum.cpu_ns;
    out->memory_bytes = sum.memory_bytes;
    if (counts_time)
        measure_cpu(&where, out);
    if (counts_memory)
        measure_memory(&where, out);
    if (has_own(&where, "blkio"))
        measure_disks(&where, out);
    measure_network(pid, out);
}

/* ── Going on ── */

void cb_process_thaw(pid_t pid, int pidfd)
{
    struct pollfd process = {.fd = pidfd, .events = POLLIN};
    cb_auto_value(where) where = {0};
    cb_autofd int dir = -1;

    find_out(&where, pid);
    if (poll(&process, 1, 0) != 0 || !is_own(&where, "freezer"))
        return;
    dir = open_group(&where, "freezer");
    if (dir >= 0)
        cb_cgroup_set_frozen(dir, 0, 0);
}
