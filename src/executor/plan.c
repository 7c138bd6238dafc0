/* Specification → plan. Everything that needs thought or memory happens here, in the
 * parent and beside other work: names become ids, sources become detached mounts with
 * their attributes set, so that the child only attaches, drops and executes.
 *
 * The order is the security argument, see docs/design/sandbox.md: the root and what lies
 * on it first, then pivot_root, then limits; the system call filter while CAP_SYS_ADMIN
 * is still held (no_new_privs stays off, sudo and ping must work), credentials last. */
#include "executor/plan-priv.h"

#include "executor/caps-priv.h"
#include "executor/seccomp-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/uio.h>

#define MAX_ARGUMENTS \
    (64U << 20) /* bytes of argv and env; the kernel's own limit is less */

int cb_plan_share_fd(struct cb_plan *plan, int fd, int *index, struct cb_error **err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return cb_error_errno(err, errno, "duplicate a descriptor");
    *index = cb_plan_take_fd(plan, copy);
    return 0;
}

static uint32_t add_strings(struct cb_plan *plan, const struct cb_strings *strings,
                            const char *extra)
{
    uint32_t first = 0;

    for (size_t i = 0; strings && i < strings->count; i++) {
        uint32_t offset = cb_plan_text(plan, strings->items[i]);

        first = first ? first : offset;
    }
    if (extra) {
        uint32_t offset = cb_plan_text(plan, extra);

        first = first ? first : offset;
    }
    return first;
}

static void add_namespace(struct cb_plan *plan, int index, uint64_t kind)
{
    struct cb_plan_step *step = cb_plan_add(plan, CB_PLAN_NAMESPACE);

    step->fd = index;
    step->value = kind;
}

static int add_network(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err)
{
    int index = -1;

    if (spec->netns_fd >= 0) {
        if (cb_plan_share_fd(plan, spec->netns_fd, &index, err) < 0)
            return -1;
        add_namespace(plan, index, CLONE_NEWNET);
    } else if (!spec->host_network) {
        plan->namespaces |= CLONE_NEWNET;
        cb_plan_add(plan, CB_PLAN_LOOPBACK);
    }
    return 0;
}

static int add_names(struct cb_plan *plan, const struct cb_process_spec *spec,
                     struct cb_error **err)
{
    if (spec->host_uts)
        return 0;
    if (spec->hostname) {
        uint32_t name = cb_plan_text(plan, spec->hostname);

        if (!*spec->hostname || strlen(spec->hostname) > 64)
            return cb_error_set(err, CB_ERR_USAGE,
                                "host name `%s` must have 1 to 64 characters",
                                spec->hostname);
        cb_plan_add(plan, CB_PLAN_HOSTNAME)->text = name;
    }
    if (spec->domainname && *spec->domainname) {
        uint32_t name = cb_plan_text(plan, spec->domainname);

        if (strlen(spec->domainname) > 64)
            return cb_error_set(err, CB_ERR_USAGE,
                                "domain name `%s` has more than 64 characters",
                                spec->domainname);
        cb_plan_add(plan, CB_PLAN_DOMAINNAME)->text = name;
    }
    return 0;
}

/* "net.ipv4.ip_forward=1" → net/ipv4/ip_forward. As in sysctl.conf one that begins with
 * - may fail. */
static int add_sysctls(struct cb_plan *plan, const struct cb_process_spec *spec,
                       struct cb_error **err)
{
    for (size_t i = 0; spec->sysctls && i < spec->sysctls->count; i++) {
        int may_fail = *spec->sysctls->items[i] == '-';
        const char *text = spec->sysctls->items[i] + may_fail;
        size_t len = strcspn(text, "=");
        cb_autofree char *path = xstrndup(text, len);
        struct cb_plan_step *step;
        uint32_t value;

        if (!text[len] || !len || strstr(path, "..") || *path == '/' || *path == '.')
            return cb_error_set(err, CB_ERR_USAGE, "sysctl `%s`: expected NAME=VALUE",
                                text);
        for (char *at = path; *at; at++)
            *at = *at == '.' ? '/' : *at;
        value = cb_plan_text(plan, text + len + 1);
        step = cb_plan_add_target(plan, CB_PLAN_SYSCTL, path);
        step->text = value;
        step->flags |= may_fail ? CB_PLAN_TRY : 0;
    }
    return 0;
}

/* One of its own, unless it is to have the host's or another container's. */
static int add_space(struct cb_plan *plan, const struct cb_foreign_space *of, int host,
                     uint64_t kind, struct cb_error **err)
{
    int index = -1;

    if (of->fd < 0) {
        plan->namespaces |= host ? 0 : kind;
        return 0;
    }
    if (cb_plan_share_fd(plan, of->fd, &index, err) < 0)
        return -1;
    add_namespace(plan, index, kind);
    return 0;
}

int cb_plan_is_born_late(const struct cb_process_spec *spec)
{
    return spec->inside || spec->pid_of.fd >= 0;
}

static int add_namespaces(struct cb_plan *plan, const struct cb_process_spec *spec,
                          struct cb_error **err)
{
    if (add_space(plan, &spec->pid_of, spec->host_pid, CLONE_NEWPID, err) < 0 ||
        add_space(plan, &spec->ipc_of, spec->host_ipc, CLONE_NEWIPC, err) < 0)
        return -1;
    plan->namespaces |= CLONE_NEWNS;
    plan->namespaces |= spec->host_uts ? 0 : CLONE_NEWUTS;
    plan->namespaces |= spec->host_cgroup ? 0 : CLONE_NEWCGROUP;
    return 0;
}

static void add_oom_score(struct cb_plan *plan, const struct cb_process_spec *spec)
{
    struct cb_plan_step *step = cb_plan_add(plan, CB_PLAN_OOM_SCORE);

    step->value = (uint64_t)(int64_t)spec->oom_score;
    step->flags = spec->has_oom_score ? 0 : CB_PLAN_TRY;
}

static void add_cwd(struct cb_plan *plan, const struct cb_process_spec *spec,
                    const struct cb_user *user)
{
    uint32_t target = cb_plan_text(plan, spec->cwd && *spec->cwd ? spec->cwd : "/");
    struct cb_plan_step *step = cb_plan_add(plan, CB_PLAN_CWD);

    step->target = target;
    step->flags = spec->make_cwd ? CB_PLAN_CREATE : 0;
    step->uid = spec->root_has_cwd ? 0 : user->uid;
    step->gid = spec->root_has_cwd ? 0 : user->gid;
}

static void add_read_only_root(struct cb_plan *plan)
{
    uint32_t target = cb_plan_text(plan, "/");

    cb_plan_add(plan, CB_PLAN_READ_ONLY)->target = target;
}

static int add_stdio(struct cb_plan *plan, const struct cb_process_spec *spec,
                     const struct cb_user *user, struct cb_error **err)
{
    const int fds[] = {spec->stdin_fd, spec->stdout_fd, spec->stderr_fd};
    uint64_t packed = 0;
    struct cb_plan_step *step;

    for (size_t i = 0; i < CB_ARRAY_SIZE(fds) && !spec->tty; i++) {
        int index = -1;

        if (fds[i] < 0)
            continue;
        if (cb_plan_share_fd(plan, fds[i], &index, err) < 0)
            return -1;
        packed |= (uint64_t)(index + 1) << (8 * i);
    }
    step = cb_plan_add(plan, CB_PLAN_STDIO);
    step->value = packed;
    step->flags = spec->tty ? CB_PLAN_TTY : 0;
    step->uid = user->uid;
    return 0;
}

static int add_filter(struct cb_plan *plan, const struct cb_process_spec *spec,
                      uint64_t caps, struct cb_error **err)
{
    cb_auto_value(cb_seccomp_program) program = {0};
    struct cb_plan_step *step;
    uint32_t text;

    if (spec->security == CB_SECURITY_INSECURE && !spec->seccomp)
        return 0;
    if (!spec->seccomp) {
        cb_plan_add(plan, CB_PLAN_SECCOMP)->value = caps;
        return 0;
    }
    if (!*spec->seccomp)
        return 0;
    if (cb_seccomp_compile_json(spec->seccomp, caps, &program, err) < 0)
        return -1;
    text = cb_plan_bytes(plan, program.bytes.text, program.bytes.len);
    step = cb_plan_add(plan, CB_PLAN_SECCOMP);
    step->text = text;
    step->text_len = program.bytes.len / sizeof(struct sock_filter);
    return 0;
}

static int has_own_filter(const struct cb_process_spec *spec)
{
    return spec->seccomp && *spec->seccomp;
}

/* As late as possible, but before a filter of the user's, which may forbid it. */
static void add_birth(struct cb_plan *plan, const struct cb_process_spec *spec)
{
    if (!cb_plan_is_born_late(spec))
        return;
    plan->born_late = 1;
    cb_plan_add(plan, CB_PLAN_BIRTH)->flags = spec->tty ? CB_PLAN_TTY : 0;
    cb_plan_add_late_limits(plan, spec);
}

static int add_last_filter(struct cb_plan *plan, const struct cb_process_spec *spec,
                           uint64_t caps, struct cb_error **err)
{
    if (has_own_filter(spec))
        add_birth(plan, spec);
    return add_filter(plan, spec, caps, err);
}

static int add_credentials(struct cb_plan *plan, const struct cb_process_spec *spec,
                           const struct cb_user *user, struct cb_error **err)
{
    struct cb_plan_step *step;
    uint32_t groups;
    uint64_t caps;

    if (cb_caps_of_spec(spec, &caps, err) < 0)
        return -1;
    if (!spec->no_new_privileges && add_last_filter(plan, spec, caps, err) < 0)
        return -1;
    groups = cb_plan_bytes(plan, user->groups, user->group_count * sizeof(*user->groups));
    step = cb_plan_add(plan, CB_PLAN_USER);
    step->text = groups;
    step->text_len = user->group_count;
    step->uid = user->uid;
    step->gid = user->gid;
    step->value = caps;
    step->value2 = user->uid ? 0 : caps;
    if (spec->no_new_privileges) {
        cb_plan_add(plan, CB_PLAN_NO_NEW_PRIVS);
        if (add_last_filter(plan, spec, caps, err) < 0)
            return -1;
    }
    if (!has_own_filter(spec))
        add_birth(plan, spec);
    return 0;
}

static void add_program(struct cb_plan *plan, const struct cb_process_spec *spec,
                        const struct cb_user *user)
{
    int home_missing = !spec->env || !cb_env_get(spec->env, "HOME");
    cb_autofree char *home = home_missing ? xasprintf("HOME=%s", user->home) : NULL;
    uint32_t argv = add_strings(plan, spec->argv, NULL);
    uint32_t env = add_strings(plan, spec->env, home);
    struct cb_plan_step *step;

    if (spec->init)
        cb_plan_add(plan, CB_PLAN_INIT)->flags = spec->tty ? CB_PLAN_TTY : 0;
    step = cb_plan_add(plan, CB_PLAN_EXEC);
    step->text = argv;
    step->value = spec->argv->count;
    step->options = env;
    step->value2 = (spec->env ? spec->env->count : 0) + (home ? 1 : 0);
}

static int check_spec(const struct cb_process_spec *spec, struct cb_error **err)
{
    if (!spec->argv || !spec->argv->count)
        return cb_error_set(err, CB_ERR_USAGE, "no command to run");
    if (spec->rootfs_fd < 0)
        return cb_error_set(err, CB_ERR_USAGE, "no root filesystem to run in");
    if (spec->cwd && *spec->cwd && *spec->cwd != '/')
        return cb_error_set(err, CB_ERR_USAGE, "working directory `%s` is not absolute",
                            spec->cwd);
    return 0;
}

/* What is done in the sandbox of another process: nothing is mounted or named. */
static int build_inside(struct cb_plan *plan, const struct cb_process_spec *spec,
                        const struct cb_user *user, struct cb_error **err)
{
    struct cb_plan_step *step;
    uint32_t target = cb_plan_text(plan, spec->cwd && *spec->cwd ? spec->cwd : "/");

    add_oom_score(plan, spec);
    step = cb_plan_add(plan, CB_PLAN_JOIN);
    step->target = target;
    step->value = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                  CLONE_NEWNET | CLONE_NEWCGROUP;
    if (spec->tty) {
        step = cb_plan_add(plan, CB_PLAN_CONSOLE);
        step->uid = user->uid;
        step->value = spec->rows;
        step->value2 = spec->columns;
    }
    if (add_stdio(plan, spec, user, err) < 0 || cb_plan_add_limits(plan, spec, err) < 0 ||
        add_credentials(plan, spec, user, err) < 0)
        return -1;
    add_program(plan, spec, user);
    return 0;
}

int cb_plan_build(struct cb_plan *plan, const struct cb_process_spec *spec,
                  const struct cb_user *user, struct cb_error **err)
{
    if (check_spec(spec, err) < 0)
        return -1;
    if (spec->inside)
        return build_inside(plan, spec, user, err);
    add_oom_score(plan, spec);
    if (add_namespaces(plan, spec, err) < 0 || add_network(plan, spec, err) < 0 ||
        add_names(plan, spec, err) < 0 || add_sysctls(plan, spec, err) < 0 ||
        cb_plan_add_rootfs(plan, spec, err) < 0 ||
        cb_plan_add_kernel(plan, spec, user, err) < 0 ||
        cb_plan_add_mounts(plan, spec, err) < 0)
        return -1;
    if (spec->rootfs_read_only && spec->restore)
        add_read_only_root(plan);
    if (spec->restore)
        return cb_plan_add_restore(plan, spec, err);
    add_cwd(plan, spec, user);
    if (spec->rootfs_read_only)
        add_read_only_root(plan);
    cb_plan_add(plan, CB_PLAN_ENTER);
    if (add_stdio(plan, spec, user, err) < 0 || cb_plan_add_limits(plan, spec, err) < 0 ||
        add_credentials(plan, spec, user, err) < 0)
        return -1;
    add_program(plan, spec, user);
    plan->init = spec->init;
    if (plan->pool.len > MAX_ARGUMENTS)
        return cb_error_set(err, CB_ERR_USAGE, "command and environment are too long");
    return 0;
}

/* Of what lies in the image, nothing can be done before it is there. */
static int needs_root(const struct cb_plan *plan)
{
    cb_vec_foreach (step, &plan->steps) {
        if (step->flags & CB_PLAN_FOREIGN)
            return 1;
    }
    return 0;
}

int cb_plan_build_early(struct cb_plan *plan, const struct cb_process_spec *spec,
                        struct cb_error **err)
{
    if (!spec->inside && !spec->tty) {
        if (add_namespaces(plan, spec, err) < 0 || add_network(plan, spec, err) < 0)
            return -1;
        plan->steps.count = 0; /* their steps are done later */
        if (!plan->fds.count && cb_plan_add_kernel(plan, spec, NULL, err) < 0)
            return -1;
        if (!plan->fds.count && !needs_root(plan))
            return 0;
    }
    return cb_error_set(err, CB_ERR_UNSUPPORTED, "the process cannot be expected");
}
