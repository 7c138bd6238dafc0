/* cbuild checkpoint create, ls and rm: a container's processes as they are, to be started
 * from once more. */
#include "container/checkpoint.h"

#include "commands/containers.h"

#include <stdio.h>

struct values {
    const char *dir;
    int leave_running;
};

#define AT(field) offsetof(struct values, field)
#define DIR_OPTION                                                \
    {                                                             \
        "checkpoint-dir", 0, CB_OPTION_TEXT, AT(dir), "DIR",      \
            "Where checkpoints are (default: with the container)" \
    }

static const struct cb_option create_options[] = {
    DIR_OPTION,
    {"leave-running", 0, CB_OPTION_FLAG, AT(leave_running), NULL,
     "It goes on running; else it ends"},
    {0},
};
static const struct cb_option other_options[] = {DIR_OPTION, {0}};
#undef AT

struct found {
    struct cb_store *store;
    struct cb_container *container;
    struct cb_checkpoint_place place;
};
static void found_clear(struct found *found)
{
    cb_container_free(found->container);
    cb_store_close(found->store);
}
CB_AUTO_VALUE_DEFINE(found, found_clear)

static int find(struct cb_app *app, const struct values *values, const char *name,
                struct found *out, struct cb_error **err)
{
    if (cb_app_container(app, name, &out->store, &out->container, err) < 0)
        return -1;
    out->place = (struct cb_checkpoint_place){
        .container = out->container, .called = name, .dir = values->dir};
    return 0;
}

/* ── create ── */

static int run_create(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(found) found = {0};

    if (find(app, values, args->items[0], &found, err) < 0 ||
        cb_checkpoint_create(&found.place, args->items[1], values->leave_running,
                             app->cancel, err) < 0)
        return -1;
    printf("%s\n", args->items[1]);
    return 0;
}

const struct cb_cli_command cb_checkpoint_create_command = {
    .name = "checkpoint create",
    .summary = "Save what a container's processes are",
    .usage = "checkpoint create [OPTIONS] CONTAINER CHECKPOINT",
    .about =
        "`cbuild start --checkpoint CHECKPOINT CONTAINER` lets them go on from there.\n"
        "It is done by the program criu, as root. Files are not saved: the container\n"
        "keeps its own, and who restores it elsewhere brings them there.",
    .options = create_options,
    .values_size = sizeof(struct values),
    .min_args = 2,
    .max_args = 2,
    .act = run_create,
};

/* ── ls ── */

static int run_ls(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    cb_auto_value(found) found = {0};
    cb_auto_value(cb_strings) names = {0};

    if (find(app, given, args->items[0], &found, err) < 0 ||
        cb_checkpoints_list(&found.place, &names, err) < 0)
        return -1;
    puts("CHECKPOINT NAME");
    cb_vec_foreach (name, &names)
        printf("%s\n", *name);
    return 0;
}

const struct cb_cli_command cb_checkpoint_ls_command = {
    .name = "checkpoint ls",
    .summary = "List a container's checkpoints",
    .usage = "checkpoint ls [OPTIONS] CONTAINER",
    .options = other_options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .act = run_ls,
};

/* ── rm ── */

static int run_rm(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    cb_auto_value(found) found = {0};

    if (find(app, given, args->items[0], &found, err) < 0)
        return -1;
    return cb_checkpoint_remove(&found.place, args->items[1], err);
}

const struct cb_cli_command cb_checkpoint_rm_command = {
    .name = "checkpoint rm",
    .summary = "Remove a container's checkpoint",
    .usage = "checkpoint rm [OPTIONS] CONTAINER CHECKPOINT",
    .options = other_options,
    .values_size = sizeof(struct values),
    .min_args = 2,
    .max_args = 2,
    .act = run_rm,
};
