/* What a process may use: limits as values, and as they are written in options. */
#ifndef CB_EXECUTOR_LIMITS_H
#define CB_EXECUTOR_LIMITS_H

#include "base/error.h"
#include "base/vec.h"

#include <stdint.h>

struct cb_rlimit {
    int resource;
    uint64_t soft, hard;
};

enum cb_io_kind {
    CB_IO_READ_BPS,
    CB_IO_WRITE_BPS,
    CB_IO_READ_IOPS,
    CB_IO_WRITE_IOPS,
    CB_IO_WEIGHT,
    CB_IO_KINDS
};
struct cb_io_limit {
    enum cb_io_kind kind;
    uint32_t major, minor; /* of the block device */
    uint64_t value;
};
/* What may not be done with a device that can be seen. */
struct cb_device_rule {
    char type; /* 'c', 'b' */
    uint32_t major, minor;
    char refused[4]; /* of "rwm" */
};
/* What may be done with devices where everything else is refused. */
struct cb_device_grant {
    char type;            /* 'c', 'b' */
    int64_t major, minor; /* -1: any */
    char access[4];       /* of "rwm" */
};
#define CB_LIMIT_ITEMS_MAX   16
#define CB_DEVICE_GRANTS_MAX 128
#define CB_CPUSET_MAX        256

/* Zero is no limit, unless it says otherwise. */
struct cb_limits {
    uint64_t memory_bytes, memory_reservation_bytes;
    int64_t memory_swap_bytes; /* memory and swap; 0: twice the memory, -1: no limit */
    int has_swappiness;
    unsigned swappiness;
    int oom_kill_disable;
    int64_t pids_max; /* 0: 4096, -1: no limit */
    uint64_t cpu_shares, cpu_period_us, cpu_quota_us;
    uint64_t cpu_rt_period_us, cpu_rt_runtime_us; /* version 1 only */
    char cpuset_cpus[CB_CPUSET_MAX], cpuset_mems[CB_CPUSET_MAX];
    unsigned blkio_weight;
    struct cb_io_limit io[CB_LIMIT_ITEMS_MAX];
    size_t io_count;
    struct cb_device_rule devices[CB_LIMIT_ITEMS_MAX];
    size_t device_count;
    /* Nodes may be made and opened, of the devices that all have and of those that are
     * granted; no others can be used. */
    int only_granted;
    struct cb_device_grant grants[CB_DEVICE_GRANTS_MAX];
    size_t grant_count;
    char cgroup_parent[CB_CPUSET_MAX]; /* "": a place of ours */
    int all_controllers; /* a control group of each that there is: for who counts what is
                            used, freezes, and changes limits */
};

/* Docker's options as typed; NULL: not given. */
struct cb_limit_options {
    const char *memory, *memory_swap, *memory_reservation, *memory_swappiness;
    const char *cpus, *cpu_shares, *cpu_period, *cpu_quota, *cpuset_cpus, *cpuset_mems;
    const char *cpu_rt_period, *cpu_rt_runtime, *pids_limit, *blkio_weight;
    const char *cgroup_parent;
    int oom_kill_disable;
    struct cb_strings read_bps, write_bps, read_iops, write_iops,
        weights; /* of devices */
};
void cb_limit_options_clear(struct cb_limit_options *options);
/* USAGE, naming the option at fault. */
int cb_limits_parse(struct cb_limits *out, const struct cb_limit_options *options,
                    struct cb_error **err);

/* --ulimit NAME=SOFT[:HARD] */
int cb_rlimit_parse(struct cb_rlimit *out, const char *text, struct cb_error **err);
/* RLIMIT_NOFILE: "nofile". */
const char *cb_rlimit_name(int resource);

/* The kernel's list of processors, "0-3,7": well formed? */
int cb_cpuset_is_valid(const char *text);
/* Has the list AVAILABLE all of REQUESTED? */
int cb_cpuset_covers(const char *available, const char *requested);

#endif
