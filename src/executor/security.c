/* --security-opt. Labels and profiles of security modules are accepted where the host has
 * no such module, as by Docker; where it has one, anything but switching it off is
 * refused, since none is applied. */
#include "executor/security.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PROFILE_MAX (16u << 20)

void cb_security_settings_clear(struct cb_security_settings *settings)
{
    free(settings->seccomp);
    settings->seccomp = NULL;
    cb_strings_free(&settings->mask);
    cb_strings_free(&settings->unmask);
}

static int invalid(const char *text, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_FLAG, "invalid --security-opt: \"%s\"", text);
}

static int set_flag(struct cb_security_settings *out, const char *text, const char *value,
                    struct cb_error **err)
{
    if (*value && strcmp(value, "true") && strcmp(value, "false"))
        return invalid(text, err);
    out->no_new_privileges = strcmp(value, "false") != 0;
    return 0;
}

static int set_seccomp(struct cb_security_settings *out, const char *path,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) profile = {0};
    cb_auto(cb_error) cause = NULL;

    free(out->seccomp);
    out->seccomp = NULL;
    if (!strcmp(path, "builtin") || !strcmp(path, "default"))
        return 0;
    if (!strcmp(path, "unconfined")) {
        out->seccomp = xstrdup("");
        return 0;
    }
    if (cb_fs_read_file(AT_FDCWD, path, PROFILE_MAX, &profile, &cause) < 0)
        return cb_error_set(err, CB_ERR_FLAG, "opening seccomp profile (%s) failed: %s",
                            path, cb_error_message(cause));
    if (!profile.len || strlen(profile.text) != profile.len)
        return cb_error_set(err, CB_ERR_FLAG, "seccomp profile (%s) is not JSON", path);
    out->seccomp = cb_strbuf_steal(&profile);
    return 0;
}

/* "/a:/b" */
static int set_paths(struct cb_strings *out, const char *text, const char *paths,
                     struct cb_error **err)
{
    while (*paths) {
        size_t len = strcspn(paths, ":");

        if (*paths != '/')
            return invalid(text, err);
        cb_strings_take(out, xstrndup(paths, len));
        paths += len + (paths[len] == ':');
    }
    return 0;
}

static int set_module(const char *text, const char *value, const char *present,
                      const char *off, struct cb_error **err)
{
    if (!strcmp(value, off) || access(present, F_OK) < 0)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "--security-opt %s: no label or profile of a "
                 "security module is applied",
                 text);
    return cb_error_hint(err, "leave the option out");
}

static int set_one(struct cb_security_settings *out, const char *text,
                   struct cb_error **err)
{
    size_t len = strcspn(text, strchr(text, '=') ? "=" : ":");
    cb_autofree char *key = xstrndup(text, len);
    const char *value = text[len] ? text + len + 1 : "";

    if (!strcmp(key, "no-new-privileges"))
        return set_flag(out, text, value, err);
    if (!*value)
        return invalid(text, err);
    if (!strcmp(key, "seccomp"))
        return set_seccomp(out, value, err);
    if (!strcmp(key, "apparmor"))
        return set_module(text, value, "/sys/kernel/security/apparmor", "unconfined",
                          err);
    if (!strcmp(key, "label"))
        return set_module(text, value, "/sys/fs/selinux/enforce", "disable", err);
    if (!strcmp(key, "mask"))
        return set_paths(&out->mask, text, value, err);
    if ((!strcmp(key, "systempaths") && !strcmp(value, "unconfined")) ||
        (!strcmp(key, "unmask") && !strcmp(value, "ALL"))) {
        out->unmask_all = 1;
        return 0;
    }
    if (!strcmp(key, "unmask"))
        return set_paths(&out->unmask, text, value, err);
    return invalid(text, err);
}

int cb_security_parse(struct cb_security_settings *out, const struct cb_strings *options,
                      struct cb_error **err)
{
    cb_vec_foreach (text, options) {
        if (set_one(out, *text, err) < 0)
            return -1;
    }
    return 0;
}

void cb_security_apply(const struct cb_security_settings *settings,
                       struct cb_process_spec *spec)
{
    spec->no_new_privileges = settings->no_new_privileges;
    spec->seccomp = settings->seccomp;
    spec->unmask_all = settings->unmask_all;
    spec->mask = &settings->mask;
    spec->unmask = &settings->unmask;
}
