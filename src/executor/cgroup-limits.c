/* Limits as the files of a leaf, in both versions' terms. What Docker discards with a
 * warning when the kernel lacks it (swap accounting, weights of block devices, memory
 * without a killer) is discarded here too, with one warning; whole controllers that are
 * missing are an error of cb_cgroup_create. */
#include "executor/cgroup-priv.h"

#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define DEFAULT_PIDS   4096
#define DEFAULT_PERIOD 100000 /* microseconds */
#define CPUSET_DEPTH   8
#define BUDGET_TRIES   10

int cb_cgroup_wants(enum cb_controller which, const struct cb_limits *limits)
{
    switch (which) {
    case CB_CG_MEMORY:
        return limits->memory_bytes || limits->memory_reservation_bytes ||
               limits->has_swappiness;
    case CB_CG_CPU:
        return limits->cpu_shares || limits->cpu_period_us || limits->cpu_quota_us ||
               limits->cpu_rt_period_us || limits->cpu_rt_runtime_us;
    case CB_CG_CPUSET:
        return *limits->cpuset_cpus || *limits->cpuset_mems;
    case CB_CG_IO:
        return limits->blkio_weight || limits->io_count;
    case CB_CG_DEVICES:
        return limits->device_count > 0 || limits->only_granted;
    case CB_CG_CPUACCT:
    case CB_CG_FREEZER:
        return 0;
    default:
        return limits->pids_max > 0;
    }
}

int cb_cgroups_limit_more(const struct cb_limits *limits)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (i != CB_CG_PIDS && cb_cgroup_wants(i, limits))
            return 1;
    }
    return limits->all_controllers;
}

void cb_cgroup_drop(enum cb_controller which, struct cb_limits *limits)
{
    switch (which) {
    case CB_CG_MEMORY:
        limits->memory_bytes = limits->memory_reservation_bytes = 0;
        limits->has_swappiness = 0;
        break;
    case CB_CG_CPU:
        limits->cpu_shares = limits->cpu_period_us = limits->cpu_quota_us = 0;
        limits->cpu_rt_period_us = limits->cpu_rt_runtime_us = 0;
        break;
    case CB_CG_CPUSET:
        *limits->cpuset_cpus = *limits->cpuset_mems = '\0';
        break;
    case CB_CG_IO:
        limits->blkio_weight = 0;
        limits->io_count = 0;
        break;
    case CB_CG_DEVICES:
        limits->device_count = 0;
        break;
    case CB_CG_CPUACCT:
    case CB_CG_FREEZER:
        break;
    default:
        limits->pids_max = 0;
        break;
    }
}

/* What this kernel cannot do and is not worth failing for. */
static int discard(struct cb_cgroups *cgroups, unsigned what, const char *text)
{
    if (!(cgroups->warned & what))
        cb_warn("the kernel does not support %s here: discarded", text);
    cgroups->warned |= what;
    return 0;
}

static int is_missing(int errnum)
{
    return errnum == ENOENT || errnum == EOPNOTSUPP;
}

/* ── Memory ── */

static int limit_swap(struct cb_cgroups *cgroups, int dir, const struct cb_limits *limits)
{
    uint64_t memory = limits->memory_bytes;
    uint64_t total =
        limits->memory_swap_bytes > 0 ? (uint64_t)limits->memory_swap_bytes : 2 * memory;
    int unlimited = limits->memory_swap_bytes < 0, status;

    if (!cgroups->unified)
        status = unlimited
                     ? cb_cgroup_write(dir, "memory.memsw.limit_in_bytes", "-1")
                     : cb_cgroup_write_number(dir, "memory.memsw.limit_in_bytes", total);
    else
        status = unlimited
                     ? cb_cgroup_write(dir, "memory.swap.max", "max")
                     : cb_cgroup_write_number(dir, "memory.swap.max", total - memory);
    if (status == 0 || !is_missing(errno))
        return status;
    /* Nobody asked for more than a limit of memory. */
    return limits->memory_swap_bytes ? discard(cgroups, CB_WARNED_SWAP, "limits of swap")
                                     : 0;
}

static int limit_oom(struct cb_cgroups *cgroups, int dir, const struct cb_limits *limits)
{
    if (cgroups->unified)
        cb_cgroup_write(dir, "memory.oom.group", "1");
    if (!limits->oom_kill_disable)
        return 0;
    if (cgroups->unified || cb_cgroup_write(dir, "memory.oom_control", "1") < 0)
        return discard(cgroups, CB_WARNED_OOM, "--oom-kill-disable");
    return 0;
}

static int limit_memory(struct cb_cgroups *cgroups, int dir,
                        const struct cb_limits *limits)
{
    static const char *const hard[] = {"memory.limit_in_bytes", "memory.max"};
    static const char *const soft[] = {"memory.soft_limit_in_bytes", "memory.low"};
    int unified = cgroups->unified;

    if (limits->memory_reservation_bytes &&
        cb_cgroup_write_number(dir, soft[unified], limits->memory_reservation_bytes) < 0)
        return -1;
    if (limits->has_swappiness &&
        (unified ||
         cb_cgroup_write_number(dir, "memory.swappiness", limits->swappiness) < 0) &&
        discard(cgroups, CB_WARNED_SWAPPINESS, "--memory-swappiness") < 0)
        return -1;
    if (!limits->memory_bytes)
        return 0;
    /* A limit that grows may not pass the one of memory and swap on the way. */
    if (cb_cgroup_write_number(dir, hard[unified], limits->memory_bytes) < 0 &&
        (errno != EINVAL || limit_swap(cgroups, dir, limits) < 0 ||
         cb_cgroup_write_number(dir, hard[unified], limits->memory_bytes) < 0))
        return -1;
    if (limit_swap(cgroups, dir, limits) < 0)
        return -1;
    return limit_oom(cgroups, dir, limits);
}

/* ── Processors ── */

static int limit_shares(int unified, int dir, uint64_t shares)
{
    if (!shares)
        return 0;
    if (!unified)
        return cb_cgroup_write_number(dir, "cpu.shares", shares);
    shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
    return cb_cgroup_write_number(dir, "cpu.weight", 1 + (shares - 2) * 9999 / 262142);
}

/* A group and what is in it get RUNTIME of each PERIOD for processes in real time. */
struct budget {
    uint64_t runtime, period;
};

static struct budget read_budget(int dir)
{
    return (struct budget){cb_cgroup_read_number(dir, "cpu.rt_runtime_us", NULL),
                           cb_cgroup_read_number(dir, "cpu.rt_period_us", NULL)};
}

/* All groups in one together have no more than that one, and a new one has none: ours
 * gets as much as its leaf needs, unless it needs no more than ours has. */
static int raise_budget(int dir, const struct budget *wanted)
{
    cb_autofd int parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct budget has;
    uint64_t more;

    /* the hierarchy itself is not ours */
    if (parent < 0 || !wanted->period || faccessat(parent, "release_agent", F_OK, 0) == 0)
        return -1;
    has = read_budget(parent);
    more = (wanted->runtime * has.period + wanted->period - 1) / wanted->period;
    if (cb_cgroup_write_number(parent, "cpu.rt_runtime_us", has.runtime + more) == 0)
        return 0;
    return more > has.runtime ? cb_cgroup_write_number(parent, "cpu.rt_runtime_us", more)
                              : -1;
}

static int write_budget(int dir, const char *file, uint64_t value,
                        const struct budget *wanted)
{
    for (int i = 0; i < BUDGET_TRIES; i++) {
        if (cb_cgroup_write_number(dir, file, value) == 0)
            return 0;
        if (errno != EINVAL || raise_budget(dir, wanted) < 0)
            break;
    }
    if (errno == EINVAL)
        errno = EDQUOT;
    return -1;
}

/* A period may not be shorter than the time of it that is given: that time goes first
 * then. */
static int limit_real_time(int dir, const struct cb_limits *limits)
{
    const struct budget has = read_budget(dir);
    const struct budget wanted = {
        limits->cpu_rt_runtime_us ? limits->cpu_rt_runtime_us : has.runtime,
        limits->cpu_rt_period_us ? limits->cpu_rt_period_us : has.period};
    const int shrinks = has.runtime > wanted.period;

    if ((shrinks &&
         write_budget(dir, "cpu.rt_runtime_us", wanted.runtime, &wanted) < 0) ||
        write_budget(dir, "cpu.rt_period_us", wanted.period, &wanted) < 0)
        return -1;
    return shrinks ? 0 : write_budget(dir, "cpu.rt_runtime_us", wanted.runtime, &wanted);
}

/* Version 1 takes no more than the directories above have. The least of all is what
 * counts, as version 2 has it, and so a quota that is no limit there is none here. The
 * old quota goes first: of the new period it might be more than they have. */
static int limit_bandwidth(int dir, uint64_t quota, uint64_t period)
{
    if ((quota && cb_cgroup_write(dir, "cpu.cfs_quota_us", "-1") < 0) ||
        cb_cgroup_write_number(dir, "cpu.cfs_period_us", period) < 0)
        return -1;
    if (!quota || cb_cgroup_write_number(dir, "cpu.cfs_quota_us", quota) == 0)
        return 0;
    return errno == EINVAL ? 0 : -1;
}

static int limit_cpu(struct cb_cgroups *cgroups, int dir, const struct cb_limits *limits)
{
    uint64_t period = limits->cpu_period_us ? limits->cpu_period_us : DEFAULT_PERIOD;
    uint64_t quota = limits->cpu_quota_us;
    char text[64];

    if (limit_shares(cgroups->unified, dir, limits->cpu_shares) < 0 ||
        ((limits->cpu_rt_period_us || limits->cpu_rt_runtime_us) &&
         limit_real_time(dir, limits) < 0))
        return -1;
    if (!quota && !limits->cpu_period_us)
        return 0;
    if (quota && quota < 1000)
        quota = 1000; /* the kernel's least */
    if (cgroups->unified) {
        if (quota)
            snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)quota,
                     (unsigned long long)period);
        else
            snprintf(text, sizeof(text), "max %llu", (unsigned long long)period);
        return cb_cgroup_write(dir, "cpu.max", text);
    }
    return limit_bandwidth(dir, quota, period);
}

/* Version 1 lets nobody into a leaf that has no processors or no memory: what was not
 * asked for is what the directories above have. */
static int inherit(int dir, const char *file, int depth)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofd int parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_autofd int ours = openat(dir, file, O_RDONLY | O_CLOEXEC);
    cb_autofd int theirs = -1;

    if (ours < 0 || parent < 0 || cb_fs_read_fd(ours, 4096, &text, NULL) < 0)
        return -1;
    if (text.len > 1)
        return 0;
    if (depth && inherit(parent, file, depth - 1) < 0)
        return -1;
    theirs = openat(parent, file, O_RDONLY | O_CLOEXEC);
    cb_strbuf_truncate(&text, 0);
    if (theirs < 0 || cb_fs_read_fd(theirs, 4096, &text, NULL) < 0)
        return -1;
    return cb_cgroup_write(dir, file, cb_strbuf_text(&text));
}

static int limit_cpuset(struct cb_cgroups *cgroups, int dir,
                        const struct cb_limits *limits)
{
    if (!cgroups->unified && (inherit(dir, "cpuset.cpus", CPUSET_DEPTH) < 0 ||
                              inherit(dir, "cpuset.mems", CPUSET_DEPTH) < 0))
        return -1;
    if (*limits->cpuset_cpus &&
        cb_cgroup_write(dir, "cpuset.cpus", limits->cpuset_cpus) < 0)
        return -1;
    return *limits->cpuset_mems ? cb_cgroup_write(dir, "cpuset.mems", limits->cpuset_mems)
                                : 0;
}

/* ── Block devices ── */

/* Version 2 weighs from 1 to 10000. */
static uint64_t weight_of(int unified, uint64_t weight)
{
    return unified ? 1 + (weight - 10) * 9999 / 990 : weight;
}

static int limit_weight(struct cb_cgroups *cgroups, int dir, const char *prefix,
                        uint64_t weight)
{
    static const char *const files[2][2] = {
        {"blkio.weight", "blkio.bfq.weight"},
        {"io.weight", "io.bfq.weight"},
    };
    char text[64];

    for (int i = 0; i < 2; i++) {
        /* bfq has the old scale in both versions */
        snprintf(text, sizeof(text), "%s%llu", prefix,
                 (unsigned long long)weight_of(cgroups->unified && !i, weight));
        if (cb_cgroup_write(dir, files[cgroups->unified][i], text) == 0)
            return 0;
    }
    return discard(cgroups, CB_WARNED_WEIGHT, "weights of block devices");
}

static int limit_device(struct cb_cgroups *cgroups, int dir,
                        const struct cb_io_limit *limit)
{
    static const char *const files[] = {
        [CB_IO_READ_BPS] = "blkio.throttle.read_bps_device",
        [CB_IO_WRITE_BPS] = "blkio.throttle.write_bps_device",
        [CB_IO_READ_IOPS] = "blkio.throttle.read_iops_device",
        [CB_IO_WRITE_IOPS] = "blkio.throttle.write_iops_device",
    };
    static const char *const keys[] = {
        [CB_IO_READ_BPS] = "rbps=",
        [CB_IO_WRITE_BPS] = "wbps=",
        [CB_IO_READ_IOPS] = "riops=",
        [CB_IO_WRITE_IOPS] = "wiops=",
    };
    char text[96];

    if (limit->kind == CB_IO_WEIGHT) {
        snprintf(text, sizeof(text), "%u:%u ", limit->major, limit->minor);
        return limit_weight(cgroups, dir, text, limit->value);
    }
    snprintf(text, sizeof(text), "%u:%u %s%llu", limit->major, limit->minor,
             cgroups->unified ? keys[limit->kind] : "", (unsigned long long)limit->value);
    return cb_cgroup_write(dir, cgroups->unified ? "io.max" : files[limit->kind], text);
}

static int limit_io(struct cb_cgroups *cgroups, int dir, const struct cb_limits *limits)
{
    if (limits->blkio_weight && limit_weight(cgroups, dir, "", limits->blkio_weight) < 0)
        return -1;
    for (size_t i = 0; i < limits->io_count; i++) {
        if (limit_device(cgroups, dir, &limits->io[i]) < 0)
            return -1;
    }
    return 0;
}

static void print_number(char out[24], int64_t number)
{
    if (number < 0)
        snprintf(out, 24, "*");
    else
        snprintf(out, 24, "%lld", (long long)number);
}

static int grant_devices(int dir, const struct cb_limits *limits)
{
    char text[64], major[24], minor[24];

    if (cb_cgroup_write(dir, "devices.deny", "a") < 0)
        return -1;
    for (size_t i = 0; i < limits->grant_count; i++) {
        const struct cb_device_grant *grant = &limits->grants[i];

        print_number(major, grant->major);
        print_number(minor, grant->minor);
        snprintf(text, sizeof(text), "%c %s:%s %s", grant->type, major, minor,
                 grant->access);
        if (cb_cgroup_write(dir, "devices.allow", text) < 0)
            return -1;
    }
    return 0;
}

static int limit_devices(int dir, const struct cb_limits *limits)
{
    char text[64];

    if (limits->only_granted)
        return grant_devices(dir, limits);
    for (size_t i = 0; i < limits->device_count; i++) {
        const struct cb_device_rule *rule = &limits->devices[i];

        snprintf(text, sizeof(text), "%c %u:%u %s", rule->type, rule->major, rule->minor,
                 rule->refused);
        if (cb_cgroup_write(dir, "devices.deny", text) < 0)
            return -1;
    }
    return 0;
}

/* ── All ── */

static int limit_pids(struct cb_cgroups *cgroups, int dir, const struct cb_limits *limits)
{
    if (limits->pids_max < 0)
        return cb_cgroup_write(dir, "pids.max", "max");
    return cb_cgroup_write_number(
        dir, "pids.max", limits->pids_max ? (uint64_t)limits->pids_max : DEFAULT_PIDS);
}

static int set_one(struct cb_cgroups *cgroups, enum cb_controller which, int dir,
                   const struct cb_limits *limits)
{
    switch (which) {
    case CB_CG_PIDS:
        return limit_pids(cgroups, dir, limits);
    case CB_CG_MEMORY:
        return limit_memory(cgroups, dir, limits);
    case CB_CG_CPU:
        return limit_cpu(cgroups, dir, limits);
    case CB_CG_CPUSET:
        return limit_cpuset(cgroups, dir, limits);
    case CB_CG_IO:
        return limit_io(cgroups, dir, limits);
    default:
        return limit_devices(dir, limits);
    }
}

static int failed(struct cb_cgroups *cgroups, enum cb_controller which,
                  struct cb_error **err)
{
    if (which != CB_CG_CPU || errno != EDQUOT)
        return cb_error_errno(err, errno, "limit %s", cb_controller_name(cgroups, which));
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "limit cpu: so much real time is not to be had");
    return cb_error_hint(err,
                         "cpu.rt_runtime_us of the control groups above says how much "
                         "there is for all; lower --cpu-rt-runtime");
}

int cb_cgroup_set_limits(struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                         const struct cb_limits *limits, struct cb_error **err)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        int dir = cgroup->dir_fd[cgroups->unified ? 0 : i];

        if (cgroups->base_fd[i] < 0 || dir < 0 ||
            (i != CB_CG_PIDS && !(i == CB_CG_CPUSET && limits->all_controllers) &&
             !cb_cgroup_wants(i, limits)))
            continue;
        if (set_one(cgroups, i, dir, limits) < 0)
            return failed(cgroups, i, err);
    }
    if (cgroups->unified && cb_cgroup_wants(CB_CG_DEVICES, limits) &&
        cb_cgroup_limit_devices(cgroup->dir_fd[0], limits) < 0)
        return cb_error_errno(err, errno, "limit devices");
    return 0;
}
