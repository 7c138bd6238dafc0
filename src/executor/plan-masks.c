/* Parts of /proc and /sys that a process does not see, or cannot write: Docker's,
 * containerd's and podman's lists together, less what was asked to be seen. */
#include "executor/plan-priv.h"
#include "executor/security.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define THERMAL_THROTTLE "/sys/devices/system/cpu/cpu%d/thermal_throttle"
#define CPU_MAX          4096

static const char *const hidden[] = {
    "/proc/acpi",        "/proc/asound",  "/proc/interrupts",
    "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
    "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
    "/sys/fs/selinux",
};
static const char *const unwritable[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static void add(struct cb_plan *plan, const struct cb_process_spec *spec,
                enum cb_plan_kind kind, const char *path)
{
    if (!spec->unmask || !cb_strings_contain(spec->unmask, path))
        cb_plan_add_target(plan, kind, path);
}

void cb_plan_add_masks(struct cb_plan *plan, const struct cb_process_spec *spec)
{
    char path[sizeof(THERMAL_THROTTLE) + 12];

    for (size_t i = 0; i < CB_ARRAY_SIZE(hidden) && !spec->unmask_all; i++)
        add(plan, spec, CB_PLAN_MASK, hidden[i]);
    for (int cpu = 0; cpu < CPU_MAX && !spec->unmask_all; cpu++) {
        snprintf(path, sizeof(path), THERMAL_THROTTLE, cpu);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            break;
        add(plan, spec, CB_PLAN_MASK, path);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(unwritable) && !spec->unmask_all; i++)
        add(plan, spec, CB_PLAN_READ_ONLY, unwritable[i]);
    for (size_t i = 0; spec->mask && i < spec->mask->count; i++)
        cb_plan_add_target(plan, CB_PLAN_MASK, spec->mask->items[i])->flags =
            CB_PLAN_FOREIGN;
}

static void list(const struct cb_security_settings *settings, const char *const *paths,
                 size_t count, struct cb_strings *out)
{
    for (size_t i = 0; i < count && !settings->unmask_all; i++)
        if (!cb_strings_contain(&settings->unmask, paths[i]))
            cb_strings_add(out, paths[i]);
}

void cb_security_list_hidden(const struct cb_security_settings *settings,
                             struct cb_strings *masked, struct cb_strings *read_only)
{
    list(settings, hidden, CB_ARRAY_SIZE(hidden), masked);
    list(settings, unwritable, CB_ARRAY_SIZE(unwritable), read_only);
    cb_vec_foreach (path, &settings->mask)
        cb_strings_add(masked, *path);
}
