/* What a RUN's key is made of: everything that may change what the command does, one part
 * each, so that a miss can be explained. Not in it: proxies, values of secrets (unless
 * they are given with cache=key), names of cache mounts, limits of memory and CPU,
 * addresses of --add-host. */
#include "ops/exec-priv.h"

#include <inttypes.h>

const char *cb_exec_hostname(const struct cb_exec_step *step)
{
    return step->env->hostname ? step->env->hostname : "buildkitsandbox";
}

static const char *network_name(enum cb_op_network network)
{
    static const char *const names[] = {"default", "none", "host"};

    return names[network];
}

static void add_variables(const struct cb_exec_step *step, struct cb_key_parts *parts)
{
    cb_vec_foreach (variable, &step->variables) {
        const char *equals = strchrnul(*variable, '=');
        cb_autofree char *name =
            xasprintf(CB_KEY_ENV "%.*s", (int)(equals - *variable), *variable);

        cb_key_parts_add(parts, name, *equals ? equals + 1 : equals);
    }
    cb_vec_foreach (arg, &step->args)
        cb_key_parts_add(parts, CB_KEY_NOTE_ARG, *arg);
}

/* The value counts only where the user says so. */
static void add_secret_value(const struct cb_build_env *env, const char *id,
                             struct cb_key_parts *parts)
{
    const char *mac = env->secret_mac ? env->secret_mac(env->secret_arg, id) : NULL;
    cb_autofree char *name = xasprintf("secret `%s`", id);

    if (mac)
        cb_key_parts_add(parts, name, mac);
}

static void add_mount(const struct cb_build_env *env, const struct cb_exec_mount *mount,
                      size_t index, struct cb_key_parts *parts)
{
    cb_autofree char *name = xasprintf(CB_KEY_MOUNT "%zu", index);
    const char *target = mount->target ? mount->target : "";

    switch (mount->type) {
    case CB_EXEC_BIND:
        cb_key_parts_addf(parts, name, "bind %s %s from %d", target,
                          mount->read_only ? "ro" : "rw", mount->input);
        break;
    case CB_EXEC_CACHE:
        cb_key_parts_addf(parts, name, "cache %s %s from %d", target,
                          mount->read_only ? "ro" : "rw", mount->input);
        break;
    case CB_EXEC_TMPFS:
        cb_key_parts_addf(parts, name, "tmpfs %s size %" PRIu64, target,
                          mount->size_bytes);
        break;
    case CB_EXEC_SECRET:
        cb_key_parts_addf(parts, name, "secret %s %s env %s %o %" PRIu32 ":%" PRIu32 "%s",
                          mount->id, target, mount->env ? mount->env : "",
                          mount->has_mode ? mount->mode : 0400, mount->uid, mount->gid,
                          mount->required ? " required" : "");
        add_secret_value(env, mount->id, parts);
        break;
    case CB_EXEC_SSH:
        cb_key_parts_addf(parts, name, "ssh %s %s %o %" PRIu32 ":%" PRIu32 "%s",
                          mount->id, target, mount->mode, mount->uid, mount->gid,
                          mount->required ? " required" : "");
        break;
    }
}

/* Names only: an address may change with the network the build runs in. */
static void add_hosts(const struct cb_strings *hosts, struct cb_key_parts *parts)
{
    for (size_t i = 0; hosts && i < hosts->count; i++)
        cb_key_parts_addf(parts, "extra host", "%.*s",
                          (int)strcspn(hosts->items[i], ":="), hosts->items[i]);
}

/* What widens or narrows the sandbox, and what of the host a step can see. */
static void add_grants(const struct cb_build_env *env, struct cb_key_parts *parts)
{
    const struct cb_security_settings *security = env->security;

    if (security && security->no_new_privileges)
        cb_key_parts_add(parts, "security option", "no-new-privileges");
    if (security && security->seccomp)
        cb_key_parts_addf(parts, "security option", "seccomp %s", security->seccomp);
    if (security && security->unmask_all)
        cb_key_parts_add(parts, "security option", "unmask ALL");
    for (size_t i = 0; security && i < security->unmask.count; i++)
        cb_key_parts_addf(parts, "security option", "unmask %s",
                          security->unmask.items[i]);
    for (size_t i = 0; security && i < security->mask.count; i++)
        cb_key_parts_addf(parts, "security option", "mask %s", security->mask.items[i]);
    for (size_t i = 0; env->nodes && i < env->nodes->count; i++)
        cb_key_parts_addf(parts, "device", "%s", env->nodes->items[i].path);
    for (size_t i = 0; env->cdi_devices && i < env->cdi_devices->count; i++)
        cb_key_parts_addf(parts, "device", "%s required", env->cdi_devices->items[i]);
    for (size_t i = 0; i < env->volume_count; i++)
        cb_key_parts_add(parts, "volume", env->volumes[i].text);
}

static void add_limits(const struct cb_build_env *env, struct cb_key_parts *parts)
{
    for (size_t i = 0; i < env->rlimit_count; i++) {
        const struct cb_rlimit *limit = &env->rlimits[i];

        cb_key_parts_addf(parts, "ulimit", "%d %" PRIu64 ":%" PRIu64, limit->resource,
                          limit->soft, limit->hard);
    }
}

void cb_exec_key_parts(const struct cb_exec_step *step, struct cb_key_parts *parts)
{
    cb_autofree char *argv = cb_strings_quoted(&step->argv);
    cb_autofree char *platform = cb_platform_text(&step->platform);

    cb_key_parts_add(parts, "command", argv);
    add_variables(step, parts);
    cb_key_parts_add(parts, "cwd", step->cwd);
    cb_key_parts_add(parts, "user", step->user);
    cb_key_parts_add(parts, "network", network_name(step->network));
    cb_key_parts_add(parts, "security",
                     step->security == CB_SECURITY_INSECURE ? "insecure" : "sandbox");
    cb_key_parts_add(parts, "hostname", cb_exec_hostname(step));
    cb_key_parts_add(parts, "platform", platform);
    for (size_t i = 0; i < step->mount_count; i++)
        add_mount(step->env, &step->mounts[i], i, parts);
    for (size_t i = 0; i < step->device_count; i++)
        cb_key_parts_addf(parts, "device", "%s%s", step->devices[i].name,
                          step->devices[i].required ? " required" : "");
    if (step->pipe_name) {
        cb_key_parts_add(parts, "script", step->pipe_name);
        cb_key_parts_add_bytes(parts, "script content", step->pipe_content,
                               step->pipe_len);
    }
    add_hosts(step->env->add_hosts, parts);
    add_limits(step->env, parts);
    add_grants(step->env, parts);
    if (cb_times_are_clamped(step->env))
        cb_times_key_part(step->env, parts);
}
