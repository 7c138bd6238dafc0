/* Docker's options for limits: parsed, and checked against each other as its daemon
 * does. What the kernel cannot do is found out later, when a leaf is made. */
#include "executor/limits.h"

#include "base/fs.h"
#include "base/timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MEMORY_MIN (6u << 20)
#define PERIOD_US  100000

void cb_limit_options_clear(struct cb_limit_options *options)
{
    cb_strings_free(&options->read_bps);
    cb_strings_free(&options->write_bps);
    cb_strings_free(&options->read_iops);
    cb_strings_free(&options->write_iops);
    cb_strings_free(&options->weights);
}

/* What docker's command line refuses by itself. */
static int invalid(const char *text, const char *option, const char *why,
                   struct cb_error **err)
{
    return cb_error_flag(err, text, option, "%s", why);
}

/* What its daemon does. */
static int refused(const char *text, const char *option, const char *why,
                   struct cb_error **err)
{
    return cb_error_argument(err, text, option, "%s", why);
}

static int parse_size(uint64_t *out, const char *text, const char *option,
                      struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (!text || !*text || cb_size_parse(out, text, &cause) == 0)
        return 0;
    return invalid(text, option, cb_error_message(cause), err);
}

static int parse_number(int64_t *out, const char *text, int64_t least, int64_t most,
                        const char *option, struct cb_error **err)
{
    char *end;

    if (!text)
        return 0;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (errno || end == text || *end || isspace((unsigned char)*text) || *out < least ||
        *out > most)
        return invalid(text, option, "expected a number", err);
    return 0;
}

/* ── Memory ── */

static int parse_memory(struct cb_limits *out, const struct cb_limit_options *options,
                        struct cb_error **err)
{
    uint64_t swap = 0;
    const char *wish = options->memory_swappiness;
    int64_t swappiness = -1;

    if (parse_size(&out->memory_bytes, options->memory, "-m, --memory", err) < 0 ||
        parse_size(&out->memory_reservation_bytes, options->memory_reservation,
                   "--memory-reservation", err) < 0 ||
        parse_number(&swappiness, wish, INT64_MIN, INT64_MAX, "--memory-swappiness",
                     err) < 0)
        return -1;
    if (swappiness < -1 || swappiness > 100)
        return cb_error_set(err, CB_ERR_FLAG,
                            "invalid value: %s. Valid memory swappiness range is 0-100",
                            wish);
    if (options->memory_swap && !strcmp(options->memory_swap, "-1"))
        out->memory_swap_bytes = -1;
    else if (parse_size(&swap, options->memory_swap, "--memory-swap", err) < 0)
        return -1;
    else
        out->memory_swap_bytes = (int64_t)swap;
    out->has_swappiness = swappiness >= 0;
    out->swappiness = out->has_swappiness ? (unsigned)swappiness : 0;
    out->oom_kill_disable = options->oom_kill_disable;
    return 0;
}

static int check_memory(const struct cb_limits *limits,
                        const struct cb_limit_options *options, struct cb_error **err)
{
    uint64_t memory = limits->memory_bytes, soft = limits->memory_reservation_bytes;
    int64_t swap = limits->memory_swap_bytes;

    if (memory && memory < MEMORY_MIN)
        return refused(options->memory, "-m, --memory",
                       "minimum memory limit allowed is 6MB", err);
    if (memory && swap > 0 && (uint64_t)swap < memory)
        return refused(options->memory_swap, "--memory-swap",
                       "minimum memoryswap limit should be larger than memory limit",
                       err);
    if (!memory && swap > 0)
        return refused(options->memory_swap, "--memory-swap",
                       "you should always set --memory as well: it is the limit of "
                       "memory and swap together",
                       err);
    if (soft && soft < MEMORY_MIN)
        return refused(options->memory_reservation, "--memory-reservation",
                       "minimum memory reservation allowed is 6MB", err);
    if (memory && soft > memory)
        return refused(options->memory_reservation, "--memory-reservation",
                       "minimum memory limit can not be less than memory reservation "
                       "limit",
                       err);
    return 0;
}

/* ── Processors ── */

static int parse_cpus(struct cb_limits *out, const struct cb_limit_options *options,
                      struct cb_error **err)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    const char *text = options->cpus;
    cb_autofree char *range = NULL;
    double cpus;
    char *end;

    if (!text)
        return 0;
    cpus = strtod(text, &end);
    if (end == text || *end || text[strspn(text, "0123456789.")])
        return invalid(text, "--cpus", "expected a number such as 1.5", err);
    if (cpus == 0)
        return 0;
    range = xasprintf("range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs "
                      "available",
                      online, online);
    if (cpus < 0.01 || cpus > (double)online)
        return refused(text, "--cpus", range, err);
    if (out->cpu_period_us || out->cpu_quota_us)
        return cb_error_set(err, CB_ERR_USAGE,
                            "conflicting options: --cpus and --cpu-%s cannot both be set",
                            out->cpu_period_us ? "period" : "quota");
    out->cpu_period_us = PERIOD_US;
    out->cpu_quota_us = (uint64_t)(cpus * PERIOD_US + 0.5);
    return 0;
}

static int parse_cpu_time(struct cb_limits *out, const struct cb_limit_options *options,
                          struct cb_error **err)
{
    int64_t shares = 0, period = 0, quota = 0;

    if (parse_number(&shares, options->cpu_shares, 0, INT64_MAX, "-c, --cpu-shares",
                     err) < 0 ||
        parse_number(&period, options->cpu_period, 0, INT64_MAX, "--cpu-period", err) <
            0 ||
        parse_number(&quota, options->cpu_quota, -1, INT64_MAX, "--cpu-quota", err) < 0)
        return -1;
    if (period && (period < 1000 || period > 1000000))
        return refused(options->cpu_period, "--cpu-period",
                       "CPU cfs period can not be less than 1ms (i.e. 1000) or larger "
                       "than 1s (i.e. 1000000)",
                       err);
    if (quota > 0 && quota < 1000)
        return refused(options->cpu_quota, "--cpu-quota",
                       "CPU cfs quota can not be less than 1ms (i.e. 1000)", err);
    out->cpu_shares = (uint64_t)shares;
    out->cpu_period_us = (uint64_t)period;
    out->cpu_quota_us = quota > 0 ? (uint64_t)quota : 0;
    return parse_cpus(out, options, err);
}

/* Only version 1 has budgets of real time, and only of some kernels. */
static int has_real_time(void)
{
    static const char *const files[] = {
        "/sys/fs/cgroup/cpu/cpu.rt_runtime_us",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.rt_runtime_us",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(files); i++) {
        if (access(files[i], F_OK) == 0)
            return 1;
    }
    return 0;
}

static int parse_real_time(struct cb_limits *out, const struct cb_limit_options *options,
                           struct cb_error **err)
{
    int64_t period = 0, runtime = 0;

    if (parse_number(&period, options->cpu_rt_period, 0, INT64_MAX, "--cpu-rt-period",
                     err) < 0 ||
        parse_number(&runtime, options->cpu_rt_runtime, 0, INT64_MAX, "--cpu-rt-runtime",
                     err) < 0)
        return -1;
    if ((period || runtime) && !has_real_time()) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "Your kernel does not support CPU real-time scheduler");
        return cb_error_hint(err, "--cpu-rt-period and --cpu-rt-runtime need version 1 "
                                  "of the cpu control group with cpu.rt_runtime_us");
    }
    if (period && runtime > period)
        return cb_error_set(
            err, CB_ERR_USAGE,
            "cpu real-time runtime cannot be higher than cpu real-time period");
    out->cpu_rt_period_us = (uint64_t)period;
    out->cpu_rt_runtime_us = (uint64_t)runtime;
    return 0;
}

static int parse_cpuset(char out[CB_CPUSET_MAX], const char *text, const char *option,
                        const char *available_in, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) available = {0};
    cb_autofree char *why = NULL;

    if (!text || !*text)
        return 0;
    if (strlen(text) >= CB_CPUSET_MAX || !cb_cpuset_is_valid(text))
        return refused(text, option, "expected a list such as 0-2,5", err);
    snprintf(out, CB_CPUSET_MAX, "%s", text);
    if (cb_fs_read_file(AT_FDCWD, available_in, 4096, &available, NULL) < 0)
        return 0;
    available.text[strcspn(available.text, "\n")] = '\0';
    if (cb_cpuset_covers(available.text, text))
        return 0;
    why = xasprintf("not available here, which has %s", available.text);
    return refused(text, option, why, err);
}

/* ── Devices ── */

static const struct {
    const char *option;
    int bytes; /* a rate in bytes, with units */
} rates[CB_IO_KINDS] = {
    [CB_IO_READ_BPS] = {"--device-read-bps", 1},
    [CB_IO_WRITE_BPS] = {"--device-write-bps", 1},
    [CB_IO_READ_IOPS] = {"--device-read-iops", 0},
    [CB_IO_WRITE_IOPS] = {"--device-write-iops", 0},
    [CB_IO_WEIGHT] = {"--blkio-weight-device", 0},
};

static int parse_rate(struct cb_io_limit *out, const char *text, const char *rate,
                      struct cb_error **err)
{
    int64_t number = 0;

    if (rates[out->kind].bytes)
        return parse_size(&out->value, rate, rates[out->kind].option, err);
    if (parse_number(&number, rate, 0, INT64_MAX, rates[out->kind].option, err) < 0)
        return -1;
    if (out->kind == CB_IO_WEIGHT && (number < 10 || number > 1000))
        return invalid(text, rates[out->kind].option,
                       "range of weight is from 10 to 1000", err);
    out->value = (uint64_t)number;
    return 0;
}

/* PATH:RATE */
static int parse_device_rate(struct cb_limits *out, enum cb_io_kind kind,
                             const char *text, struct cb_error **err)
{
    struct cb_io_limit limit = {.kind = kind};
    size_t len = strcspn(text, ":");
    cb_autofree char *path = xstrndup(text, len);
    struct stat st;

    if (!len || !text[len] || !text[len + 1])
        return invalid(text, rates[kind].option, "expected /dev/NAME:RATE", err);
    if (strncmp(path, "/dev/", 5) != 0)
        return invalid(text, rates[kind].option, "bad format for device path", err);
    if (parse_rate(&limit, text, text + len + 1, err) < 0)
        return -1;
    if (stat(path, &st) < 0)
        return cb_error_errno(err, errno, "%s: `%s`", rates[kind].option, path);
    if (!S_ISBLK(st.st_mode))
        return refused(text, rates[kind].option, "not a block device", err);
    if (out->io_count == CB_LIMIT_ITEMS_MAX)
        return invalid(text, rates[kind].option, "too many limits of devices", err);
    limit.major = major(st.st_rdev);
    limit.minor = minor(st.st_rdev);
    out->io[out->io_count++] = limit;
    return 0;
}

static int parse_io(struct cb_limits *out, const struct cb_limit_options *options,
                    struct cb_error **err)
{
    const struct cb_strings *lists[CB_IO_KINDS] = {
        [CB_IO_READ_BPS] = &options->read_bps,
        [CB_IO_WRITE_BPS] = &options->write_bps,
        [CB_IO_READ_IOPS] = &options->read_iops,
        [CB_IO_WRITE_IOPS] = &options->write_iops,
        [CB_IO_WEIGHT] = &options->weights,
    };
    int64_t weight = 0;

    if (parse_number(&weight, options->blkio_weight, 0, 65535, "--blkio-weight", err) < 0)
        return -1;
    if (weight && (weight < 10 || weight > 1000))
        return refused(options->blkio_weight, "--blkio-weight",
                       "range of blkio weight is from 10 to 1000", err);
    out->blkio_weight = (unsigned)weight;
    for (int kind = 0; kind < CB_IO_KINDS; kind++) {
        cb_vec_foreach (text, lists[kind]) {
            if (parse_device_rate(out, kind, *text, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* ── All ── */

static int parse_parent(struct cb_limits *out, const char *text, struct cb_error **err)
{
    if (!text || !*text)
        return 0;
    if (strlen(text) >= sizeof(out->cgroup_parent) || strstr(text, ".."))
        return refused(text, "--cgroup-parent", "expected a path below the hierarchy",
                       err);
    snprintf(out->cgroup_parent, sizeof(out->cgroup_parent), "%s", text);
    return 0;
}

int cb_limits_parse(struct cb_limits *out, const struct cb_limit_options *options,
                    struct cb_error **err)
{
    if (parse_memory(out, options, err) < 0 || check_memory(out, options, err) < 0 ||
        parse_cpu_time(out, options, err) < 0 || parse_real_time(out, options, err) < 0 ||
        parse_cpuset(out->cpuset_cpus, options->cpuset_cpus, "--cpuset-cpus",
                     "/sys/devices/system/cpu/online", err) < 0 ||
        parse_cpuset(out->cpuset_mems, options->cpuset_mems, "--cpuset-mems",
                     "/sys/devices/system/node/online", err) < 0 ||
        parse_number(&out->pids_max, options->pids_limit, INT64_MIN, INT64_MAX,
                     "--pids-limit", err) < 0 ||
        parse_io(out, options, err) < 0)
        return -1;
    if (out->pids_max < 0) /* any of them, as docker has it */
        out->pids_max = -1;
    return parse_parent(out, options->cgroup_parent, err);
}
