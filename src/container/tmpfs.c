/* --tmpfs PATH[:OPTIONS], with the options of mount(8) that Docker lets through. */
#include "container/knobs.h"

#include "base/fs.h"

#include <ctype.h>
#include <string.h>

void cb_run_tmpfs_clear(struct cb_mounts *mounts)
{
    cb_vec_foreach (mount, mounts) {
        free(mount->target);
        free((char *)mount->options);
    }
    cb_vec_free(mounts);
}

static int invalid(const char *text, const char *option, size_t len,
                   struct cb_error **err)
{
    return cb_error_argument(err, text, "--tmpfs", "invalid tmpfs option \"%.*s\"",
                             (int)len, option);
}

/* 1: OPTION is a flag of the mount. */
static int set_flag(struct cb_mount *mount, const char *option, size_t len)
{
    static const struct {
        const char *name;
        size_t offset;
        int value;
    } flags[] = {
        {"ro", offsetof(struct cb_mount, read_only), 1},
        {"rw", offsetof(struct cb_mount, read_only), 0},
        {"exec", offsetof(struct cb_mount, exec), 1},
        {"noexec", offsetof(struct cb_mount, exec), 0},
        {"suid", offsetof(struct cb_mount, suid), 1},
        {"nosuid", offsetof(struct cb_mount, suid), 0},
    };
    static const char *const same[] = {"nodev",    "async",      "noatime", "atime",
                                       "relatime", "nodiratime", "defaults"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(flags); i++) {
        if (strlen(flags[i].name) == len && !memcmp(flags[i].name, option, len)) {
            *(int *)((char *)mount + flags[i].offset) = flags[i].value;
            return 1;
        }
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(same); i++) {
        if (strlen(same[i]) == len && !memcmp(same[i], option, len))
            return 1;
    }
    return 0;
}

/* The filesystem's own: a closed set, with values that cannot begin another option. */
static int is_setting(const char *option, size_t len)
{
    static const char *const names[] = {
        "size=", "nr_inodes=", "nr_blocks=", "mode=", "uid=", "gid="};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        size_t name = strlen(names[i]);

        if (len <= name || memcmp(option, names[i], name) != 0)
            continue;
        for (size_t at = name; at < len; at++) {
            if (!isdigit((unsigned char)option[at]) && !strchr("kKmMgG%", option[at]))
                return 0;
        }
        return 1;
    }
    return 0;
}

int cb_run_tmpfs_parse(struct cb_mounts *out, const char *text, struct cb_error **err)
{
    size_t len = strcspn(text, ":");
    const char *option = text[len] ? text + len + 1 : "";
    struct cb_mount mount = {.type = CB_MOUNT_TMPFS, .source_fd = -1, .keep_stub = 1};
    cb_auto_value(cb_strbuf) settings = {0};

    if (*text != '/')
        return cb_error_argument(err, text, "--tmpfs", "mount path must be absolute");
    while (*option) {
        size_t option_len = strcspn(option, ",");

        if (is_setting(option, option_len))
            cb_strbuf_addf(&settings, "%s%.*s", settings.len ? "," : "", (int)option_len,
                           option);
        else if (!set_flag(&mount, option, option_len))
            return invalid(text, option, option_len, err);
        option += option_len + (option[option_len] == ',');
    }
    mount.target = xstrndup(text, len);
    mount.options = settings.len ? cb_strbuf_steal(&settings) : NULL;
    cb_vec_push(out, mount);
    return 0;
}
