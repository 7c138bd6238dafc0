/* cbuild rm: containers, or links between them, are removed. */
#include "commands/containers.h"

#include "container/links.h"
#include "container/remove.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct rm_values {
    int force, volumes, link;
};
#define AT(field) offsetof(struct rm_values, field)
static const struct cb_option rm_options[] = {
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL,
     "Kill what runs; a missing container is no error"},
    {"link", 'l', CB_OPTION_FLAG, AT(link), NULL,
     "Remove the link /CONTAINER/ALIAS, not a container"},
    {"volumes", 'v', CB_OPTION_FLAG, AT(volumes), NULL,
     "Remove its anonymous volumes, too"},
    {0},
};
#undef AT

/* All are dying before the first is waited for. */
static int ask_to_die(const struct cb_each_container *at, struct cb_container *container)
{
    return cb_container_ask_stop(container, SIGKILL, 0);
}

static int kill_and_remove(const struct cb_each_container *at,
                           struct cb_container *container, struct cb_error **err)
{
    const struct rm_values *values = at->values;
    cb_auto(cb_lock) lock = NULL;
    int runs = cb_container_is_running(container);

    if (cb_container_kill(container, at->app->cancel, &lock, err) < 0)
        return cb_container_went(container, err);
    if (!lock || (runs && faccessat(container->dir_fd, "config.json", F_OK, 0) < 0))
        return 0; /* it went with its end */
    if (cb_container_settle(container, err) < 0)
        return cb_container_went(container, err);
    return cb_container_remove(at->store, container, values->volumes, err);
}

static int remove_one(const struct cb_each_container *at, struct cb_container *container,
                      struct cb_error **err)
{
    const struct rm_values *values = at->values;

    if (values->force)
        return kill_and_remove(at, container, err);
    return cb_container_remove_ended(at->store, container, values->volumes,
                                     at->app->cancel, err);
}

/* Whether NAME stays in the list of what is to be removed: 0 if there is nothing by it.
 */
static int drop_if_missing(struct cb_store *store, const char *name,
                           struct cb_error **err)
{
    cb_auto(cb_container) container = NULL;
    cb_auto(cb_error) error = NULL;
    int dropped;

    if (cb_container_find(store, name, &container, &error) == 0 ||
        cb_error_kind(error) != CB_ERR_NOT_FOUND)
        return 1;
    dropped = cb_container_discard(store, name, err);
    if (dropped == 0)
        fprintf(stderr, "cbuild: %s\n", cb_error_message(error));
    return dropped < 0 ? -1 : 0;
}

/* With -f what is not there is as it should be, and what cannot be read goes. */
static int drop_missing(struct cb_app *app, const struct cb_strings *names,
                        struct cb_strings *left, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < names->count; i++) {
        int stays = drop_if_missing(store, names->items[i], err);

        if (stays < 0)
            return -1;
        if (stays)
            cb_strings_add(left, names->items[i]);
    }
    return 0;
}

static int remove_link(struct cb_app *app, const char *text, struct cb_error **err)
{
    const char *name = text + (*text == '/'), *alias = strchr(name, '/');
    cb_autofree char *parent = xstrndup(name, strcspn(name, "/"));
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;

    if ((!alias || !alias[1]) &&
        cb_app_container(app, parent, &store, &container, err) < 0)
        return -1;
    if (!alias || !alias[1])
        return cb_error_set(err, CB_ERR_USAGE,
                            "Conflict, cannot remove the default link name of the "
                            "container");
    if (cb_app_container(app, parent, &store, &container, err) < 0)
        return cb_error_wrap(err, "Cannot get parent /%s for link name %s", parent, text);
    if (cb_container_unlink(store, container, alias + 1, err) < 0)
        return -1;
    printf("%s\n", text);
    return 0;
}

/* Somebody else has removed them since they were looked for. */
static int are_all_missing(const struct cb_error *error)
{
    while (error && cb_error_kind(error) == CB_ERR_NOT_FOUND)
        error = cb_error_next(error);
    return !error;
}

static int run_rm(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    static const struct cb_container_act act = {.each = remove_one};
    static const struct cb_container_act forced = {.each = remove_one, .ask = ask_to_die};
    struct rm_values *values = given;
    cb_auto_value(cb_strings) left = {0};
    cb_auto(cb_error) error = NULL;

    if (values->link) {
        for (size_t i = 0; i < args->count; i++)
            if (remove_link(app, args->items[i], err) < 0)
                return -1;
        return 0;
    }
    if (!values->force)
        return cb_containers_each(app, &act, args, values, err);
    if (drop_missing(app, args, &left, err) < 0)
        return -1;
    if (cb_containers_each(app, &forced, &left, values, &error) == 0)
        return 0;
    if (!are_all_missing(error))
        return cb_error_move(err, &error);
    for (const struct cb_error *one = error; one; one = cb_error_next(one))
        fprintf(stderr, "cbuild: %s\n", cb_error_message(one));
    return 0;
}

const struct cb_cli_command cb_rm_command = {
    .name = "rm",
    .summary = "Remove containers",
    .usage = "rm [OPTIONS] CONTAINER...",
    .options = rm_options,
    .values_size = sizeof(struct rm_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_rm,
};
