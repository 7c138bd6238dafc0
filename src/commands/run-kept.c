/* `run` of a container that is kept, and `create`. */
#include "commands/run.h"

#include "base/fs.h"
#include "container/client.h"
#include "container/create.h"
#include "container/health.h"
#include "container/journal.h"
#include "container/log.h"
#include "container/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* It may not be there: two containers would share it. */
static int check_cidfile(const char *path, struct cb_error **err)
{
    if (!path || access(path, F_OK) < 0)
        return 0;
    return cb_error_set(err, CB_ERR_EXISTS,
                        "container ID file found, make sure the other container isn't "
                        "running or delete %s",
                        path);
}

static int write_cidfile(const char *path, const char *id, struct cb_error **err)
{
    cb_autofd int fd =
        path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;

    if (path && (fd < 0 || cb_fs_write_all(fd, id, strlen(id)) < 0))
        return cb_error_errno(err, errno, "write the container id to `%s`", path);
    return 0;
}

static int create(struct cb_app *app, struct cb_store *store,
                  struct cb_run_values *values, struct cb_container **out,
                  struct cb_error **err)
{
    cb_auto_value(cb_health) health = {0};

    values->container.detached = values->detach;
    if (check_cidfile(values->cidfile, err) < 0 ||
        cb_log_check(&values->container, err) < 0 ||
        cb_health_make(&health, &values->container, values->container.request.config,
                       err) < 0 ||
        cb_container_create(store, &values->container, app->cancel, out, err) < 0)
        return -1;
    if (write_cidfile(values->cidfile, (*out)->id, err) == 0)
        return 0;
    cb_container_remove(store, *out, 1, NULL);
    return -1;
}

/* Without -a both are shown. */
static int is_hidden(const struct cb_run_values *values, const char *stream)
{
    cb_vec_foreach (text, &values->container.attach) {
        if (strcasecmp(*text, stream) == 0)
            return 0;
    }
    return values->container.attach.count > 0;
}

static int read_options(struct cb_app *app, struct cb_client_options *out,
                        const struct cb_run_values *values, struct cb_error **err)
{
    const struct cb_run_request *request = &values->container.request;
    int keep_signals;

    if (cb_run_parse_sig_proxy(values->sig_proxy, &keep_signals, err) < 0)
        return -1;
    *out = (struct cb_client_options){
        .attach = !values->detach,
        .interactive = request->interactive,
        .tty = request->tty,
        .keep_signals = keep_signals,
        .hide_stdout = is_hidden(values, "stdout"),
        .hide_stderr = is_hidden(values, "stderr"),
        .detach_keys = cb_docker_config_or(app, values->detach_keys, "detachKeys")};
    return 0;
}

int cb_run_kept(struct cb_app *app, struct cb_run_values *values,
                struct cb_run_image *image, int *exit_code, struct cb_error **err)
{
    cb_auto(cb_container) container = NULL;
    cb_autofree char *root = xstrdup(cb_store_root(image->store));
    struct cb_client_options options;
    struct cb_client_end end = {0};

    if (read_options(app, &options, values, err) < 0 ||
        create(app, image->store, values, &container, err) < 0)
        return -1;
    if (!values->detach)
        cb_container_tell(image->store, container, "attach", NULL, NULL);
    /* What is leased here would be kept for us when the container's monitor removes it.
     */
    cb_run_image_clear(image);
    if (!values->detach && options.hide_stdout && options.hide_stderr) {
        printf("%s\n", container->id); /* nothing else will be said of it */
        fflush(stdout);
    }
    if (cb_container_start(root, container, &options, app->cancel, &end, err) < 0) {
        if (values->container.remove)
            cb_container_wait_gone(container, app->cancel, NULL);
        return -1;
    }
    if (values->detach) {
        printf("%s\n", container->id);
        return 0;
    }
    *exit_code = end.exit_code;
    if (!end.detached && values->container.remove)
        return cb_container_wait_gone(container, app->cancel, err);
    return 0;
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_run_values) values = {0};
    cb_auto_value(cb_run_image) image = {0};
    cb_auto(cb_container) container = NULL;
    int status = cb_run_parse(&cb_create_command, argc, argv, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    values.container.for_later = 1;
    if (cb_run_find_image(app, &values, args.items[0], &image, err) < 0 ||
        create(app, image.store, &values, &container, err) < 0)
        return -1;
    printf("%s\n", container->id);
    return 0;
}

const struct cb_cli_command cb_create_command = {
    .name = "create",
    .summary = "Make a container without starting it",
    .usage = "create [OPTIONS] IMAGE [COMMAND [ARGUMENT...]]",
    .about = "Prints the container's id; `cbuild start` starts it.",
    .options = cb_run_options + CB_RUN_OWN_OPTIONS,
    .absent = cb_run_absent,
    .harmless = cb_run_harmless,
    .takes_program = 1,
    .run = run,
};
