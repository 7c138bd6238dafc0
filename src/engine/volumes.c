/* -v of a build: directories and files of the host, mounted in every RUN step and no part
 * of what it leaves. Where they are mounted from and to is in the keys of the steps, what
 * is in them is not. */
#include "engine/engine-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void cb_request_volumes_clear(struct cb_checked_request *checked)
{
    cb_vec_foreach (volume, &checked->volumes) {
        free(volume->text);
        free(volume->target);
        cb_close(&volume->source_fd);
    }
    cb_vec_free(&checked->volumes);
}

static int invalid(const char *text, const char *why, struct cb_error **err)
{
    return cb_error_argument(err, text, "-v, --volume", "%s", why);
}

/* ro, rw; z and Z, which are SELinux's, change nothing. */
static int parse_modes(const char *text, const char *modes,
                       struct cb_build_volume *volume, struct cb_error **err)
{
    while (*modes) {
        size_t len = strcspn(modes, ",");

        if (len == 2 && !memcmp(modes, "ro", 2))
            volume->read_only = 1;
        else if (!(len == 2 && !memcmp(modes, "rw", 2)) &&
                 !(len == 1 && strchr("zZ", *modes)))
            return invalid(text, "modes are ro and rw", err);
        modes += len + (modes[len] == ',');
    }
    return 0;
}

/* What a mount must not cover is refused by the sandbox for a step's own mounts, too. */
static int check_target(const char *text, const char *target, struct cb_error **err)
{
    static const char *const kernel[] = {"/proc", "/sys", "/dev"};

    if (*target != '/')
        return invalid(text, "the path in the steps must be absolute", err);
    for (size_t i = 0; i < CB_ARRAY_SIZE(kernel); i++) {
        size_t len = strlen(kernel[i]);

        if (!strncmp(target, kernel[i], len) && (!target[len] || target[len] == '/') &&
            (i < 2 || !target[len]))
            return invalid(text, "this path is the sandbox's own", err);
    }
    return strcmp(target, "/") ? 0 : invalid(text, "the root cannot be covered", err);
}

static int add(struct cb_checked_request *out, const char *text, struct cb_error **err)
{
    const char *colon = strchr(text, ':');
    const char *modes = colon ? strchr(colon + 1, ':') : NULL;
    cb_autofree char *source = xstrndup(text, colon ? (size_t)(colon - text) : 0);
    cb_autofree char *rest = colon ? xstrdup(colon + 1) : NULL;
    cb_autofree char *target = NULL;
    struct cb_build_volume volume = {.source_fd = -1};

    if (!rest || (*source != '/' && *source != '.'))
        return invalid(text, "expected /HOST/DIR:/DIR[:ro]", err);
    rest[strcspn(rest, ":")] = '\0';
    target = cb_path_clean(rest);
    if (check_target(text, target, err) < 0 ||
        (modes && parse_modes(text, modes + 1, &volume, err) < 0))
        return -1;
    volume.source_fd = open(source, O_PATH | O_CLOEXEC);
    if (volume.source_fd < 0)
        return cb_error_errno(err, errno, "-v %s: open `%s`", text, source);
    volume.text = xasprintf("%s:%s%s", source, target, volume.read_only ? ":ro" : "");
    volume.target = cb_steal(&target);
    cb_vec_push(&out->volumes, volume);
    return 0;
}

int cb_request_volumes(struct cb_checked_request *out, const struct cb_strings *texts,
                       struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        if (add(out, *text, err) < 0)
            return -1;
    }
    return 0;
}
