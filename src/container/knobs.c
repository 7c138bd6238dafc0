/* Docker's options for what a container may use, see and do. All are checked before an
 * image is looked for; conflicts are those Docker's daemon knows. */
#include "container/knobs.h"

#include "base/timestamp.h"
#include "container/spaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cb_run_knobs_clear(struct cb_run_knobs *knobs)
{
    cb_security_settings_clear(&knobs->security);
    cb_device_nodes_clear(&knobs->nodes);
    cb_cdi_edits_clear(&knobs->cdi);
    cb_vec_free(&knobs->rlimits);
    cb_run_tmpfs_clear(&knobs->tmpfs);
    cb_strings_free(&knobs->groups);
}

/* Docker's opening words, then what the parser said. */
static int invalid(const char *text, const char *option, struct cb_error *cause,
                   struct cb_error **err)
{
    cb_auto(cb_error) owned = cause;

    return cb_error_flag(err, text, option, "%s", cb_error_message(owned));
}

static int parse_rlimits(struct cb_run_knobs *out, const struct cb_strings *texts,
                         struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        struct cb_rlimit limit = {0};
        struct cb_error *cause = NULL;

        if (cb_rlimit_parse(&limit, *text, &cause) < 0)
            return invalid(*text, "--ulimit", cause, err);
        cb_vec_push(&out->rlimits, limit);
    }
    return 0;
}

/* ── Devices ── */

static int inject(struct cb_run_knobs *out, const struct cb_cdi *cdi, const char *name,
                  struct cb_error **err)
{
    int found = cb_cdi_inject(cdi, name, &out->cdi, err);

    if (found)
        return found < 0 ? -1 : 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "unresolvable CDI devices %s", name);
    return cb_error_hint(err, "%s",
                         *cb_cdi_passed_over(cdi) ? cb_cdi_passed_over(cdi)
                                                  : "CDI specifications are read from "
                                                    "/etc/cdi and /var/run/cdi");
}

/* What is written in a wrong way is the option's fault, what is not there is not. */
static int parse_device(struct cb_device_nodes *out, const char *text, int looks,
                        struct cb_error **err)
{
    struct cb_error *cause = NULL;

    if (cb_device_check(text, &cause) < 0)
        return invalid(text, "--device", cause, err);
    return looks ? cb_device_parse(out, text, err) : 0;
}

static int parse_devices(struct cb_run_knobs *out, const struct cb_run_request *request,
                         int looks, struct cb_error **err)
{
    cb_auto_value(cb_strings) dirs = {0};
    cb_auto(cb_cdi) cdi = NULL;

    cb_strings_copy(&dirs, &request->cdi_dirs);
    if (!dirs.count) {
        cb_strings_add(&dirs, "/etc/cdi");
        cb_strings_add(&dirs, "/var/run/cdi");
    }
    cb_vec_foreach (text, &request->devices) {
        if (cb_device_is_cdi(*text)) {
            if (!cdi && cb_cdi_load(&cdi, &dirs, err) < 0)
                return -1;
            if (inject(out, cdi, *text, err) < 0)
                return cb_error_wrap(err, "--device");
        } else if (parse_device(&out->nodes, *text, looks, err) < 0) {
            return -1;
        }
    }
    return cb_device_limit(&out->limits, &out->nodes, err);
}

/* Who has all devices anyway is limited to none. */
static int parse_device_rules(struct cb_run_knobs *out,
                              const struct cb_run_request *request, struct cb_error **err)
{
    return cb_device_rules_parse(request->privileged ? NULL : &out->limits,
                                 &request->device_rules, &out->nodes, &out->cdi, err);
}

/* ── Namespaces and settings ── */

static int is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(text, words[i]))
            return 1;
    }
    return 0;
}

static int check_mode(const char *text, const char *option, const char *what,
                      const char *const *words, size_t count, struct cb_error **err)
{
    if (!text || !*text || is_one_of(text, words, count))
        return 0;
    return cb_error_set(err, CB_ERR_FLAG, "%s: invalid %s mode", option, what);
}

static int check_modes(const struct cb_run_request *request, struct cb_error **err)
{
    static const char *const host[] = {"host"};
    static const char *const cgroupns[] = {"host", "private"};
    static const char *const ipc[] = {"none", "private", "shareable", "host"};

    if ((!cb_space_owner(request->pid) &&
         check_mode(request->pid, "--pid", "PID", host, 1, err) < 0) ||
        check_mode(request->uts, "--uts", "UTS", host, 1, err) < 0 ||
        check_mode(request->userns, "--userns", "USER", host, 1, err) < 0 ||
        check_mode(request->cgroupns, "--cgroupns", "CGROUP", cgroupns, 2, err) < 0 ||
        (!cb_space_owner(request->ipc) &&
         check_mode(request->ipc, "--ipc", "IPC", ipc, 4, err) < 0))
        return -1;
    if (request->uts && *request->uts && (request->hostname || request->domainname))
        return cb_error_set(err, CB_ERR_USAGE,
                            "conflicting options: hostname and the UTS mode");
    return 0;
}

/* What of /proc/sys belongs to a namespace of the container's own. */
static int check_sysctl(const char *text, const struct cb_run_request *request,
                        struct cb_error **err)
{
    static const char *const ipc[] = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    };
    cb_autofree char *name = xstrndup(text, strcspn(text, "="));
    int is_ipc =
        is_one_of(name, ipc, CB_ARRAY_SIZE(ipc)) || !strncmp(name, "fs.mqueue.", 10);
    int is_net = !strncmp(name, "net.", 4);
    int host_net = request->network && !strcmp(request->network, "host");
    int host_ipc = request->ipc && !strcmp(request->ipc, "host");

    if ((!is_ipc && !is_net) || !strchr(text, '='))
        return cb_error_flag(err, text, "--sysctl", "sysctl '%s' is not allowed", text);
    if ((is_net && host_net) || (is_ipc && host_ipc))
        return cb_error_set(err, CB_ERR_USAGE,
                            "sysctl '%s' cannot be set if using the host %s namespace",
                            text, is_net ? "network" : "ipc");
    return 0;
}

static int check_oom_score(const char *text, struct cb_error **err)
{
    char *end;
    long value = text ? strtol(text, &end, 10) : 0;

    if (!text || (end != text && !*end && value >= -1000 && value <= 1000))
        return 0;
    return cb_error_argument(err, text, "--oom-score-adj",
                             "range for oom score adj is [-1000, 1000]");
}

static int check_caps(const struct cb_run_request *request, struct cb_error **err)
{
    cb_vec_foreach (name, &request->cap_add) {
        if (!cb_cap_is_known(*name))
            return cb_error_argument(err, *name, "--cap-add", "unknown capability");
    }
    cb_vec_foreach (name, &request->cap_drop) {
        if (!cb_cap_is_known(*name))
            return cb_error_argument(err, *name, "--cap-drop", "unknown capability");
    }
    return 0;
}

static int parse_shm_size(struct cb_run_knobs *out, const char *text,
                          struct cb_error **err)
{
    struct cb_error *cause = NULL;

    if (!text || cb_size_parse(&out->shm_bytes, text, &cause) == 0)
        return 0;
    return invalid(text, "--shm-size", cause, err);
}

/* LOOKS for devices, too. */
static int parse(struct cb_run_knobs *out, const struct cb_run_request *request,
                 int looks, struct cb_error **err)
{
    if (cb_limits_parse(&out->limits, &request->limits, err) < 0 ||
        cb_security_parse(&out->security, &request->security_opts, err) < 0 ||
        parse_rlimits(out, &request->ulimits, err) < 0 ||
        parse_devices(out, request, looks, err) < 0 ||
        parse_device_rules(out, request, err) < 0 || check_modes(request, err) < 0 ||
        check_caps(request, err) < 0 || parse_shm_size(out, request->shm_size, err) < 0 ||
        check_oom_score(request->oom_score_adj, err) < 0)
        return -1;
    cb_vec_foreach (text, &request->sysctls) {
        if (check_sysctl(*text, request, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &request->tmpfs) {
        if (cb_run_tmpfs_parse(&out->tmpfs, *text, err) < 0)
            return -1;
    }
    cb_strings_copy(&out->groups, &request->groups);
    cb_vec_foreach (group, &out->cdi.groups)
        cb_strings_add(&out->groups, *group);
    return 0;
}

int cb_run_knobs_parse(struct cb_run_knobs *out, const struct cb_run_request *request,
                       struct cb_error **err)
{
    return parse(out, request, 1, err);
}

int cb_run_knobs_check(const struct cb_run_request *request, struct cb_error **err)
{
    struct cb_run_knobs knobs = {0};
    int status = parse(&knobs, request, 0, err);

    cb_run_knobs_clear(&knobs);
    return status;
}

static int is_host(const char *mode)
{
    return mode && !strcmp(mode, "host");
}

void cb_run_knobs_apply(const struct cb_run_knobs *knobs,
                        const struct cb_run_request *request,
                        struct cb_process_spec *spec)
{
    cb_security_apply(&knobs->security, spec);
    spec->limits = knobs->limits;
    spec->rlimits = knobs->rlimits.items;
    spec->rlimit_count = knobs->rlimits.count;
    spec->groups = &knobs->groups;
    spec->cap_add = &request->cap_add;
    spec->cap_drop = &request->cap_drop;
    spec->domainname = request->domainname;
    spec->rootfs_read_only = request->read_only;
    spec->init = request->init;
    spec->tty = request->tty;
    spec->host_pid = is_host(request->pid);
    spec->host_uts = is_host(request->uts);
    spec->host_ipc = is_host(request->ipc);
    spec->host_cgroup = is_host(request->cgroupns);
    spec->no_shm = request->ipc && !strcmp(request->ipc, "none");
    spec->has_oom_score = request->oom_score_adj != NULL;
    spec->oom_score = request->oom_score_adj ? atoi(request->oom_score_adj) : 0;
    if (request->privileged) {
        spec->security = CB_SECURITY_INSECURE;
        spec->all_devices = 1;
    }
    spec->shm_bytes = knobs->shm_bytes;
}
