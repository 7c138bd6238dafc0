/* What changes a container as a whole: pause, unpause, update, rename. */
#include "commands/containers.h"

#include "base/lockfile.h"
#include "commands/run.h"
#include "container/journal.h"
#include "container/names.h"
#include "container/restart.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct cb_option no_options[] = {{0}};

/* ── pause, unpause ── */

static int pause_one(const struct cb_each_container *at, struct cb_container *container,
                     struct cb_error **err)
{
    return cb_container_pause(container, 1, err);
}

static int resume_one(const struct cb_each_container *at, struct cb_container *container,
                      struct cb_error **err)
{
    return cb_container_pause(container, 0, err);
}

static int run_pause(struct cb_app *app, void *values, const struct cb_strings *args,
                     struct cb_error **err)
{
    static const struct cb_container_act act = {.each = pause_one};

    return cb_containers_each(app, &act, args, NULL, err);
}

static int run_unpause(struct cb_app *app, void *values, const struct cb_strings *args,
                       struct cb_error **err)
{
    static const struct cb_container_act act = {.each = resume_one};

    return cb_containers_each(app, &act, args, NULL, err);
}

const struct cb_cli_command cb_pause_command = {
    .name = "pause",
    .summary = "Stop all processes of containers for a while",
    .usage = "pause CONTAINER...",
    .options = no_options,
    .min_args = 1,
    .max_args = -1,
    .act = run_pause,
};

const struct cb_cli_command cb_unpause_command = {
    .name = "unpause",
    .summary = "Let paused containers go on",
    .usage = "unpause CONTAINER...",
    .options = no_options,
    .min_args = 1,
    .max_args = -1,
    .act = run_unpause,
};

/* ── update ── */

struct update_values {
    struct cb_limit_options limits;
    const char *restart;
};
#define AT(field) offsetof(struct update_values, field)
static const struct cb_absent_option update_absent[] = {
    {"kernel-memory", 0, "--memory counts the kernel's memory as well"},
    {0},
};

static const struct cb_option update_options[] = {
    {"blkio-weight", 0, CB_OPTION_TEXT, AT(limits.blkio_weight), "N",
     "Weight of its input and output on block devices"},
    {"cpu-period", 0, CB_OPTION_TEXT, AT(limits.cpu_period), "MICROSECONDS",
     "Length of a period of --cpu-quota"},
    {"cpu-quota", 0, CB_OPTION_TEXT, AT(limits.cpu_quota), "MICROSECONDS",
     "Processor time in a period"},
    {"cpu-rt-period", 0, CB_OPTION_TEXT, AT(limits.cpu_rt_period), "MICROSECONDS",
     "Length of a period of --cpu-rt-runtime"},
    {"cpu-rt-runtime", 0, CB_OPTION_TEXT, AT(limits.cpu_rt_runtime), "MICROSECONDS",
     "Real-time processor time in a period"},
    {"cpu-shares", 'c', CB_OPTION_TEXT, AT(limits.cpu_shares), "N",
     "Weight when processors are busy"},
    {"cpus", 0, CB_OPTION_TEXT, AT(limits.cpus), "N", "Processors it may keep busy"},
    {"cpuset-cpus", 0, CB_OPTION_TEXT, AT(limits.cpuset_cpus), "LIST",
     "Processors it may use"},
    {"cpuset-mems", 0, CB_OPTION_TEXT, AT(limits.cpuset_mems), "LIST",
     "Memory nodes it may use"},
    {"memory", 'm', CB_OPTION_TEXT, AT(limits.memory), "SIZE", "Memory limit"},
    {"memory-reservation", 0, CB_OPTION_TEXT, AT(limits.memory_reservation), "SIZE",
     "What it keeps when memory is short"},
    {"memory-swap", 0, CB_OPTION_TEXT, AT(limits.memory_swap), "SIZE",
     "Limit of memory and swap together; -1 for any"},
    {"pids-limit", 0, CB_OPTION_TEXT, AT(limits.pids_limit), "N",
     "Processes and threads it may have"},
    {"restart", 0, CB_OPTION_TEXT, AT(restart), "POLICY",
     "Start it again: no, on-failure[:N], always or unless-stopped"},
    {0},
};
#undef AT

/* An empty word changes nothing, as in docker. */
static void set(const char **option, const char *value)
{
    if (value && *value)
        *option = value;
}

/* --cpus is another word for a quota: the later one holds. */
static void set_cpus(struct cb_limit_options *limits,
                     const struct cb_limit_options *given)
{
    if (given->cpus)
        limits->cpu_quota = limits->cpu_period = NULL;
    else if (given->cpu_quota || given->cpu_period)
        limits->cpus = NULL;
    set(&limits->cpus, given->cpus);
    set(&limits->cpu_quota, given->cpu_quota);
    set(&limits->cpu_period, given->cpu_period);
}

/* A limit of memory alone leaves that of memory and swap together where it is, also if
 * that came from the memory the container was made with. To docker one without limits has
 * 0 of both, and wants to be told of both. */
static int keep_swap(struct cb_container *container, const struct cb_limit_options *given,
                     struct cb_error **err)
{
    struct cb_limit_options *limits = &container->options.request.limits;
    const struct cb_limit_options before = {.memory = limits->memory,
                                            .memory_swap = limits->memory_swap};
    const struct cb_limit_options after = {.memory = given->memory};
    struct cb_limits had = {0}, wanted = {0};
    uint64_t swap;

    if (!given->memory || given->memory_swap)
        return 0;
    if (cb_limits_parse(&had, &before, err) < 0 ||
        cb_limits_parse(&wanted, &after, err) < 0)
        return -1;
    if (!wanted.memory_bytes || had.memory_swap_bytes < 0)
        return 0;
    swap = had.memory_swap_bytes ? (uint64_t)had.memory_swap_bytes : 2 * had.memory_bytes;
    if (wanted.memory_bytes > swap)
        return cb_error_set(err, CB_ERR_USAGE,
                            "Memory limit should be smaller than already set memoryswap "
                            "limit, update the memoryswap at the same time");
    cb_strings_addf(&container->texts, "%" PRIu64, swap);
    limits->memory_swap = container->texts.items[container->texts.count - 1];
    return 0;
}

static int update_one(const struct cb_each_container *at, struct cb_container *container,
                      struct cb_error **err)
{
    const struct update_values *values = at->values;
    const struct cb_limit_options *given = &values->limits;
    struct cb_limit_options *limits = &container->options.request.limits;
    struct cb_restart_policy policy;
    struct cb_limits parsed = {0};
    cb_auto(cb_lock) changing = NULL;

    if (cb_restart_policy_parse(&policy, values->restart, err) < 0 ||
        cb_container_begin_change(at->store, container, at->app->cancel, &changing, err) <
            0)
        return -1;
    if (policy.kind != CB_RESTART_NO && container->options.remove)
        return cb_error_set(err, CB_ERR_USAGE,
                            "Restart policy cannot be updated because AutoRemove is "
                            "enabled for the container");
    if (keep_swap(container, given, err) < 0)
        return -1;
    set(&container->options.restart, values->restart);
    set_cpus(limits, given);
    set(&limits->blkio_weight, given->blkio_weight);
    set(&limits->cpu_rt_period, given->cpu_rt_period);
    set(&limits->cpu_rt_runtime, given->cpu_rt_runtime);
    set(&limits->cpu_shares, given->cpu_shares);
    set(&limits->cpuset_cpus, given->cpuset_cpus);
    set(&limits->cpuset_mems, given->cpuset_mems);
    set(&limits->memory, given->memory);
    set(&limits->memory_reservation, given->memory_reservation);
    set(&limits->memory_swap, given->memory_swap);
    set(&limits->pids_limit, given->pids_limit);
    if (cb_limits_parse(&parsed, limits, err) < 0)
        return -1;
    if (cb_container_update(at->store, container, err) < 0)
        return -1;
    cb_container_tell(at->store, container, "update", NULL, NULL);
    return 0;
}

static int is_empty(const struct update_values *values)
{
    static const struct update_values none;

    return memcmp(values, &none, sizeof(none)) == 0;
}

static int run_update(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    static const struct cb_container_act act = {.each = update_one};
    struct update_values *values = given;

    if (is_empty(values)) {
        cb_error_set(err, CB_ERR_USAGE,
                     "you must provide one or more flags when using this command");
        return cb_error_hint(err, "see `cbuild update --help`");
    }
    /* 0 is docker's word for a limit of swap that was not given. */
    if (values->limits.memory_swap && strcmp(values->limits.memory_swap, "0") == 0)
        values->limits.memory_swap = NULL;
    return cb_containers_each(app, &act, args, values, err);
}

const struct cb_cli_command cb_update_command = {
    .name = "update",
    .summary = "Change limits and restart policies of containers",
    .usage = "update [OPTIONS] CONTAINER...",
    .about = "Takes effect at once in what runs.",
    .options = update_options,
    .absent = update_absent,
    .values_size = sizeof(struct update_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_update,
};

/* ── rename ── */

static int check_not_empty(const struct cb_strings *names, struct cb_error **err)
{
    if (*names->items[0] && *names->items[1])
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "Neither old nor new names may be empty");
}

static int run_rename(struct cb_app *app, void *values, const struct cb_strings *args,
                      struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;

    if (check_not_empty(args, err) < 0 ||
        cb_app_container(app, args->items[0], &store, &container, err) < 0)
        return -1;
    return cb_container_rename(store, container, args->items[1], err);
}

const struct cb_cli_command cb_rename_command = {
    .name = "rename",
    .summary = "Rename a container",
    .usage = "rename CONTAINER NEW_NAME",
    .options = no_options,
    .min_args = 2,
    .max_args = 2,
    .act = run_rename,
};
