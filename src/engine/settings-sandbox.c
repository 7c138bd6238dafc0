/* "no-new-privileges", "default-shm-size" and what else of docker's keys binds
 * containers. The values are those of the options, which go before them. */
#include "engine/settings-priv.h"

#include "base/timestamp.h"

#include <string.h>

/* One of two words. */
static int take_mode(char **slot, const char *const modes[2], const struct cb_json *value,
                     struct cb_error **err)
{
    if (cb_settings_text(slot, value, err) < 0)
        return -1;
    if (*slot && strcmp(*slot, modes[0]) != 0 && strcmp(*slot, modes[1]) != 0)
        return cb_settings_fail(value, err, "expected %s or %s", modes[0], modes[1]);
    return 0;
}

int cb_settings_cgroup_parent(struct cb_settings *settings, const struct cb_json *value,
                              struct cb_error **err)
{
    return cb_settings_text(&settings->cgroup_parent, value, err);
}

int cb_settings_cgroupns(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err)
{
    static const char *const modes[2] = {"private", "host"};

    return take_mode(&settings->cgroupns, modes, value, err);
}

int cb_settings_init(struct cb_settings *settings, const struct cb_json *value,
                     struct cb_error **err)
{
    return cb_json_bool(value, &settings->init, err);
}

int cb_settings_ipc(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err)
{
    static const char *const modes[2] = {"private", "shareable"};

    return take_mode(&settings->ipc, modes, value, err);
}

int cb_settings_no_new_privileges(struct cb_settings *settings,
                                  const struct cb_json *value, struct cb_error **err)
{
    return cb_json_bool(value, &settings->no_new_privileges, err);
}

/* Docker's "builtin" is what all have without it. */
int cb_settings_seccomp(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err)
{
    if (cb_settings_text(&settings->seccomp, value, err) < 0)
        return -1;
    if (!settings->seccomp)
        return 0;
    if (strcmp(settings->seccomp, "builtin") == 0)
        free(cb_steal(&settings->seccomp));
    else if (strcmp(settings->seccomp, "unconfined") != 0 && settings->seccomp[0] != '/')
        return cb_settings_fail(value, err,
                                "expected builtin, unconfined or an absolute path");
    return 0;
}

int cb_settings_shm_size(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;
    uint64_t size;

    if (cb_settings_text(&settings->shm_size, value, err) < 0)
        return -1;
    if (settings->shm_size && cb_size_parse(&size, settings->shm_size, &cause) < 0)
        return cb_settings_fail(value, err, "%s", cb_error_message(cause));
    return 0;
}
