/* Archives back in. When the stream (or the directory) has ended its members are in the
 * store as blobs; then manifest.json (docker, podman, skopeo), or else index.json (OCI
 * layouts), says which of them make images. */
#include "exporter/exporter.h"

#include "exporter/load-priv.h"

#include <errno.h>
#include <sys/stat.h>

/* With a platform to choose, nothing is a failure. So it is in a layout: those of a chart
 * or a signature have the same form. */
static int check_loaded(const struct cb_load *load, int is_layout, struct cb_error **err)
{
    cb_autofree char *wanted = NULL;

    if (load->messages->count || (!load->platform && !is_layout))
        return 0;
    if (!load->platform)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "there is no image in the archive");
    wanted = cb_platform_text(load->platform);
    return cb_error_set(err, CB_ERR_NOT_FOUND, "no image for %s in the archive", wanted);
}

static int no_archive(const struct cb_load *load, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_INTEGRITY,
                 "not an image archive: neither manifest.json nor index.json");
    if (!cb_members_find(&load->members, "repositories"))
        return cb_error_hint(err, "`cbuild import` takes the tar of a root directory");
    return cb_error_hint(err, "its form is that of docker before 1.10: load it with a "
                              "docker that still does, and save it again");
}

int cb_archive_load(struct cb_archive_env *env, int fd,
                    const struct cb_platform *platform, struct cb_strings *messages,
                    struct cb_error **err)
{
    struct cb_load load = {.env = env, .messages = messages, .platform = platform};
    const struct cb_member *docker, *layout;
    struct stat st;
    int result;

    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat the archive");
    if ((S_ISDIR(st.st_mode) ? cb_members_read_dir(env, fd, &load.members, err)
                             : cb_members_read(env, fd, 1, &load.members, err)) < 0)
        return -1;
    docker = cb_members_find(&load.members, "manifest.json");
    layout = cb_members_find(&load.members, "index.json");
    if (docker && docker->text)
        result = cb_load_docker(&load, docker, err);
    else if (layout && layout->text)
        result = cb_load_layout(&load, layout, err);
    else
        result = no_archive(&load, err);
    cb_members_clear(&load.members);
    return result < 0 ? -1 : check_loaded(&load, !docker, err);
}
