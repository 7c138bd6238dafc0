/* cbuild volume create and rm. */
#include "commands/volume.h"

#include "commands/labels.h"

#include <stdio.h>
#include <string.h>

/* ── create ── */

struct create_values {
    const char *driver, *name;
    struct cb_strings labels, options;
};

#define AT(field) offsetof(struct create_values, field)

static const struct cb_option create_options[] = {
    {"driver", 'd', CB_OPTION_TEXT, AT(driver), "DRIVER", "Only local (the default)"},
    {"label", 0, CB_OPTION_LIST, AT(labels), "KEY[=VALUE]", "Note a label"},
    {"name", 0, CB_OPTION_TEXT, AT(name), "NAME", NULL},
    {"opt", 'o', CB_OPTION_LIST, AT(options), "KEY=VALUE",
     "type, o and device, as mount(8) has them: o=bind for a directory of the host, "
     "else a filesystem"},
    {0},
};

static const struct cb_absent_option create_absent[] = {
    {"availability", 0, "there is no swarm"},
    {"group", 0, "there is no swarm"},
    {"limit-bytes", 0, "there is no swarm"},
    {"required-bytes", 0, "there is no swarm"},
    {"scope", 0, "there is no swarm"},
    {"secret", 0, "there is no swarm"},
    {"sharing", 0, "there is no swarm"},
    {"topology-preferred", 0, "there is no swarm"},
    {"topology-required", 0, "there is no swarm"},
    {"type", 0, "there is no swarm"},
    {0},
};

/* "key" alone is a key with an empty value, as docker has it. */
static void settle_pairs(const struct cb_strings *from, struct cb_strings *to)
{
    cb_vec_foreach (pair, from) {
        const char *equals = strchr(*pair, '=');
        cb_autofree char *key = xstrndup(*pair, strcspn(*pair, "="));

        cb_env_set(to, key, equals ? equals + 1 : "");
    }
}

static int create(struct cb_app *app, const struct create_values *values,
                  const char *name, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_volume) volume = NULL;
    cb_auto_value(cb_strings) labels = {0};
    cb_auto_value(cb_strings) options = {0};
    const struct cb_volume_wish wish = {.name = name && *name ? name : NULL,
                                        .driver = values->driver,
                                        .labels = &labels,
                                        .options = &options,
                                        .by_hand = 1};

    if (cb_labels_check(&values->labels, "--label", err) < 0)
        return -1;
    settle_pairs(&values->labels, &labels);
    settle_pairs(&values->options, &options);
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_volume_create(store, &wish, NULL, &volume, err) < 0)
        return -1;
    printf("%s\n", volume->name);
    return 0;
}

static int run_create(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    struct create_values *values = given;

    if (args->count && values->name)
        return cb_error_set(err, CB_ERR_USAGE,
                            "conflicting options: either specify --name or provide "
                            "positional arg, not both");
    return create(app, values, args->count ? args->items[0] : values->name, err);
}

const struct cb_cli_command cb_volume_create_command = {
    .name = "volume create",
    .summary = "Make a volume that containers can mount",
    .usage = "volume create [OPTIONS] [VOLUME]",
    .about =
        "Without a name it gets a random one. Prints the name. A volume that is there\n"
        "stays as it is.",
    .options = create_options,
    .absent = create_absent,
    .values_size = sizeof(struct create_values),
    .max_args = 1,
    .act = run_create,
};

/* ── rm ── */

struct remove_values {
    int force;
};

static const struct cb_option remove_options[] = {
    {"force", 'f', CB_OPTION_FLAG, offsetof(struct remove_values, force), NULL,
     "A volume that is not there is no error"},
    {0},
};

struct removal {
    struct cb_store *store;
    int force;
};

static int remove_one(void *arg, const char *name, struct cb_error **err)
{
    const struct removal *removal = arg;
    cb_auto(cb_scratch) aside = NULL; /* goes when the lock was let go of */
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    cb_auto(cb_error) error = NULL;

    /* no container is being made for it meanwhile */
    if (cb_containers_lock(removal->store, &lock, &dir, err) < 0)
        return -1;
    if (cb_volume_take_out(removal->store, name, &aside, &error) < 0 &&
        !(removal->force && cb_error_kind(error) == CB_ERR_NOT_FOUND))
        return cb_error_move(err, &error);
    printf("%s\n", name);
    return 0;
}

static int run_remove(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    const struct remove_values *values = given;
    cb_auto(cb_store) store = NULL;
    struct removal removal = {.force = values->force};

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    removal.store = store;
    return cb_each_named(args, remove_one, &removal, err);
}

const struct cb_cli_command cb_volume_rm_command = {
    .name = "volume rm",
    .summary = "Remove volumes that no container has",
    .usage = "volume rm [OPTIONS] VOLUME [VOLUME...]",
    .options = remove_options,
    .values_size = sizeof(struct remove_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_remove,
};
