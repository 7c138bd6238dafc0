/* Secrets: bytes that go from the caller's memory to a private tmpfs or the environment
 * of one process. They are in no key, layer, log or file of ours, and each copy made on
 * the way is overwritten. */
#include "ops/exec-priv.h"

static int not_given(const struct cb_exec_mount *mount, struct cb_error **err)
{
    if (!mount->required)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "secret %s: not found", mount->id);
    return cb_error_hint(err, "give it with --secret id=%s,src=FILE", mount->id);
}

static int as_variable(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                       const void *bytes, size_t len, struct cb_error **err)
{
    size_t name_len = strlen(mount->env);
    char *variable;

    if (memchr(bytes, '\0', len))
        return cb_error_set(err, CB_ERR_USAGE,
                            "secret %s: a value with NUL bytes cannot be a variable",
                            mount->id);
    variable = xmalloc(name_len + len + 2);
    memcpy(variable, mount->env, name_len);
    variable[name_len] = '=';
    memcpy(variable + name_len + 1, bytes, len);
    variable[name_len + 1 + len] = '\0';
    cb_strings_take(&mounts->variables, variable);
    return 0;
}

int cb_exec_mount_secret(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                         struct cb_error **err)
{
    const struct cb_build_env *env = mounts->step->env;
    const void *bytes = "";
    size_t len = 0;
    struct cb_mount *file;

    if (!env->secret || !env->secret(env->secret_arg, mount->id, &bytes, &len))
        return not_given(mount, err);
    if (mount->env && *mount->env && as_variable(mounts, mount, bytes, len, err) < 0)
        return -1;
    if (!mount->target || !*mount->target)
        return 0;
    file = cb_exec_mount_add(mounts, CB_MOUNT_FILE, mount->target);
    file->content = bytes;
    file->content_len = len;
    file->mode = mount->has_mode ? mount->mode : 0400;
    file->uid = mount->uid;
    file->gid = mount->gid;
    return 0;
}

int cb_exec_hint_missing(const struct cb_exec_step *step, struct cb_error **err)
{
    const struct cb_build_env *env = step->env;

    for (size_t i = 0; i < step->mount_count; i++) {
        const struct cb_exec_mount *mount = &step->mounts[i];
        const void *bytes;
        size_t len;

        if (mount->type == CB_EXEC_SECRET &&
            !(env->secret && env->secret(env->secret_arg, mount->id, &bytes, &len)))
            return cb_error_hint(err,
                                 "the step mounts the secret %s, which the build was not "
                                 "given: --secret id=%s,src=FILE",
                                 mount->id, mount->id);
    }
    return -1;
}
