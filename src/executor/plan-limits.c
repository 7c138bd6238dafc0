/* Resource limits: those of every step, and those that were asked for. */
#include "executor/plan-priv.h"

#include "base/user-namespace.h"

#include <sys/resource.h>

#define OPEN_FILES 1048576
#define PROCESSES  4096 /* as a cgroup has it */

static int is_limited(const struct cb_process_spec *spec, int resource)
{
    for (size_t i = 0; i < spec->rlimit_count; i++) {
        if (spec->rlimits[i].resource == resource)
            return 1;
    }
    return 0;
}

static struct cb_plan_step *add_rlimit(struct cb_plan *plan, int resource, uint64_t soft,
                                       uint64_t hard)
{
    uint32_t name = cb_plan_text(plan, cb_rlimit_name(resource));
    struct cb_plan_step *step = cb_plan_add(plan, CB_PLAN_RLIMIT);

    step->text = name;
    step->mode = resource;
    step->value = soft;
    step->value2 = hard;
    return step;
}

/* The kernel counts a user's processes apart in each user namespace, so in one of our own
 * that is a limit for steps. Root of the machine has no such limit, but has cgroups. */
static void add_process_limit(struct cb_plan *plan, const struct cb_process_spec *spec)
{
    uint64_t most =
        spec->limits.pids_max > 0 ? (uint64_t)spec->limits.pids_max : PROCESSES;
    struct rlimit ours;

    if (!cb_in_user_namespace() || is_limited(spec, RLIMIT_NPROC) ||
        getrlimit(RLIMIT_NPROC, &ours) < 0)
        return;
    most = ours.rlim_max < most ? ours.rlim_max : most;
    add_rlimit(plan, RLIMIT_NPROC, most, most)->flags = CB_PLAN_INSTEAD;
}

/* The helper that makes a process inside does not count among the processes that are
 * limited. A limit that is raised takes rights that the process will not have. */
static int is_late(const struct cb_process_spec *spec, const struct cb_rlimit *limit)
{
    struct rlimit ours;

    return cb_plan_is_born_late(spec) && limit->resource == RLIMIT_NPROC &&
           getrlimit(RLIMIT_NPROC, &ours) == 0 && limit->hard <= ours.rlim_max &&
           limit->soft <= limit->hard;
}

void cb_plan_add_late_limits(struct cb_plan *plan, const struct cb_process_spec *spec)
{
    add_process_limit(plan, spec);
    for (size_t i = 0; i < spec->rlimit_count; i++) {
        const struct cb_rlimit *limit = &spec->rlimits[i];

        if (is_late(spec, limit))
            add_rlimit(plan, limit->resource, limit->soft, limit->hard);
    }
}

int cb_plan_add_limits(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err)
{
    struct rlimit ours;

    if (getrlimit(RLIMIT_NOFILE, &ours) == 0 && !is_limited(spec, RLIMIT_NOFILE)) {
        uint64_t files = ours.rlim_max < OPEN_FILES ? ours.rlim_max : OPEN_FILES;

        add_rlimit(plan, RLIMIT_NOFILE, files, files);
    }
    if (!is_limited(spec, RLIMIT_CORE))
        add_rlimit(plan, RLIMIT_CORE, 0, 0);
    if (!cb_plan_is_born_late(spec))
        add_process_limit(plan, spec);
    for (size_t i = 0; i < spec->rlimit_count; i++) {
        const struct cb_rlimit *limit = &spec->rlimits[i];

        if (is_late(spec, limit))
            continue;
        if (limit->soft > limit->hard)
            return cb_error_set(err, CB_ERR_USAGE,
                                "ulimit %s: soft limit is above the hard one",
                                cb_rlimit_name(limit->resource));
        add_rlimit(plan, limit->resource, limit->soft, limit->hard);
    }
    return 0;
}
