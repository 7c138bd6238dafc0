/* cbuild inspect: things as docker's JSON, whatever a name means first: a container, an
 * image, a network, a volume; and the same of one kind each. */
#include "commands/containers.h"

#include "commands/inspect.h"
#include "commands/listing.h"
#include "container/volume.h"
#include "network/named.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *format, *platform, *type;
    int size, verbose;
};

#define AT(field) offsetof(struct values, field)

#define FORMAT_ROW(example)                                  \
    {                                                        \
        "format", 'f', CB_OPTION_TEXT, AT(format), "FORMAT", \
            "json, or a Go template: " example               \
    }
#define PLATFORM_ROW                                            \
    {                                                           \
        "platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH", \
            "Which of a name's images to show"                  \
    }
#define SIZE_ROW                                     \
    {                                                \
        "size", 's', CB_OPTION_FLAG, AT(size), NULL, \
            "Show how large a container's files are" \
    }

static const struct cb_option options[] = {
    FORMAT_ROW("{{.Config.Env}}"),
    PLATFORM_ROW,
    SIZE_ROW,
    {"type", 0, CB_OPTION_TEXT, AT(type), "TYPE",
     "Only container, image, network or volume"},
    {0},
};
static const struct cb_option image_options[] = {
    FORMAT_ROW("{{.Config.Env}}"), PLATFORM_ROW, {0}};
static const struct cb_option container_options[] = {
    FORMAT_ROW("{{.Config.Env}}"), SIZE_ROW, {0}};
static const struct cb_option volume_options[] = {FORMAT_ROW("{{.Labels}}"), {0}};
static const struct cb_option network_options[] = {
    FORMAT_ROW("{{.Labels}}"),
    {"verbose", 'v', CB_OPTION_FLAG, AT(verbose), NULL, "Changes nothing here"},
    {0},
};

struct kind;

/* What is looked for, and where. */
struct search {
    struct cb_app *app;
    struct cb_store *store;
    const struct kind *kind; /* NULL: any */
    const struct cb_platform *platform;
    int size;
    json_t *found;
};

/* ── Kinds: *OUT, or an error ── */

static int find_container(const struct search *search, const char *name, json_t **out,
                          struct cb_error **err)
{
    cb_auto(cb_container) container = NULL;

    if (cb_container_find(search->store, name, &container, err) < 0)
        return -1;
    *out = cb_inspect_container(search->store, container, search->size);
    return 0;
}

static int find_image(const struct search *search, const char *name, json_t **out,
                      struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;

    if (cb_image_get_for(search->store, name, search->platform, &image, NULL, err) < 0)
        return -1;
    *out = cb_inspect_image(search->store, image);
    return 0;
}

static int find_network(const struct search *search, const char *name, json_t **out,
                        struct cb_error **err)
{
    cb_auto(cb_network_def) def = NULL;
    cb_autofree char *dir = xasprintf("%s/networks", cb_store_root(search->store));
    const struct cb_settings *settings;

    if (cb_networks_find(dir, name, &def, err) < 0 ||
        cb_app_settings(search->app, &settings, err) < 0)
        return -1;
    cb_network_foresee(dir, &settings->own_bridge, def);
    *out = cb_network_def_json(def);
    return 0;
}

static int find_volume(const struct search *search, const char *name, json_t **out,
                       struct cb_error **err)
{
    cb_auto(cb_volume) volume = NULL;

    if (cb_volume_find(search->store, name, &volume, err) < 0)
        return -1;
    *out = cb_volume_json(volume);
    return 0;
}

static const struct kind {
    const char *name;
    int (*find)(const struct search *search, const char *name, json_t **out,
                struct cb_error **err);
} kinds[] = {{"container", find_container},
             {"image", find_image},
             {"network", find_network},
             {"volume", find_volume}};

/* ── Finding ── */

/* USAGE errors are names that cannot be of that kind. */
static int is_not_there(const struct cb_error *error)
{
    return cb_error_kind(error) == CB_ERR_NOT_FOUND ||
           cb_error_kind(error) == CB_ERR_USAGE;
}

static int find_any(const struct search *search, const char *name, json_t **out,
                    struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        cb_auto(cb_error) error = NULL;

        /* One for another platform is no network. */
        if (search->platform && kinds[i].find == find_image)
            return find_image(search, name, out, err);
        if (kinds[i].find(search, name, out, &error) == 0)
            return 0;
        if (!is_not_there(error))
            return cb_error_move(err, &error);
    }
    cb_error_set(err, CB_ERR_NOT_FOUND, "No such object: %s", name);
    if (strncmp(name, "docker://", 9) == 0)
        return cb_error_hint(err,
                             "what a registry has is shown by `cbuild buildx imagetools "
                             "inspect %s`",
                             name + 9);
    return -1;
}

static const struct kind *kind_named(const char *name)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int add_found(void *arg, const char *name, struct cb_error **err)
{
    const struct search *search = arg;
    json_t *found = NULL;

    if ((search->kind ? search->kind->find(search, name, &found, err)
                      : find_any(search, name, &found, err)) < 0)
        return -1;
    json_array_append_new(search->found, found);
    return 0;
}

/* What was found is printed even when something else was not, as docker does. */
static int inspect(struct search *search, const struct cb_strings *names,
                   const char *format, struct cb_error **err)
{
    cb_auto(cb_error) missing = NULL;
    cb_auto_json *found = json_array();

    search->found = found;
    cb_each_named(names, add_found, search, &missing);
    if (cb_inspect_print(format, found, err) < 0)
        return -1;
    return missing ? cb_error_move(err, &missing) : 0;
}

/* ── The commands ── */

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    struct search search = {.app = app};
    struct cb_platform buffer;

    int is_named = values->type && *values->type;

    search.kind = is_named ? kind_named(values->type) : NULL;
    if (is_named && !search.kind) {
        cb_error_set(err, CB_ERR_USAGE, "\"%s\" is not a valid value for --type",
                     values->type);
        return cb_error_hint(err, "expected container, image, network or volume");
    }
    if (cb_app_platform(values->platform, &buffer, &search.platform, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    search.store = store;
    search.size = values->size;
    return inspect(&search, args, values->format, err);
}

const struct cb_cli_command cb_inspect_command = {
    .name = "inspect",
    .summary = "Show all about containers, images, networks and volumes",
    .usage = "inspect [OPTIONS] NAME...",
    .about = "As JSON. A name that several things have means the container first, then\n"
             "the image, the network and the volume.",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .act = run,
};

const struct cb_cli_command cb_image_inspect_command = {
    .name = "image inspect",
    .summary = "Show all about images, as JSON",
    .usage = "image inspect [OPTIONS] IMAGE...",
    .options = image_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.type = "image"},
    .min_args = 1,
    .max_args = -1,
    .act = run,
};

const struct cb_cli_command cb_container_inspect_command = {
    .name = "container inspect",
    .summary = "Show all about containers, as JSON",
    .usage = "container inspect [OPTIONS] CONTAINER...",
    .options = container_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.type = "container"},
    .min_args = 1,
    .max_args = -1,
    .act = run,
};

const struct cb_cli_command cb_network_inspect_command = {
    .name = "network inspect",
    .summary = "Show all that is known of networks, as JSON",
    .usage = "network inspect [OPTIONS] NETWORK...",
    .options = network_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.type = "network"},
    .min_args = 1,
    .max_args = -1,
    .act = run,
};

const struct cb_cli_command cb_volume_inspect_command = {
    .name = "volume inspect",
    .summary = "Show all that is known of volumes, as JSON",
    .usage = "volume inspect [OPTIONS] VOLUME...",
    .options = volume_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.type = "volume"},
    .min_args = 1,
    .max_args = -1,
    .act = run,
};
