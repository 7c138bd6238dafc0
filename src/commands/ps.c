/* cbuild ps. */
#include "commands/containers.h"
#include "container/joins.h"

#include "base/text.h"
#include "commands/listing.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

struct values {
    const char *format, *last;
    struct cb_strings filters;
    int all, quiet, latest, no_trunc, size;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Show those that do not run, too"},
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "FILTER",
     "name=, id=, status=, exited=, label=, ancestor=, volume=, before=, since="},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.ID}} {{.Names}}"},
    {"last", 'n', CB_OPTION_TEXT, AT(last), "N", "Show the N last made"},
    {"latest", 'l', CB_OPTION_FLAG, AT(latest), NULL, "Show the one last made"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten anything"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {"size", 's', CB_OPTION_FLAG, AT(size), NULL, "Show what they take on disk"},
    {0},
};

static const struct cb_listing_field fields[] = {{"Command", "COMMAND"},
                                                 {"CreatedAt", "CREATED AT"},
                                                 {"ID", "CONTAINER ID"},
                                                 {"Image", "IMAGE"},
                                                 {"Labels", "LABELS"},
                                                 {"LocalVolumes", "LOCAL VOLUMES"},
                                                 {"Mounts", "MOUNTS"},
                                                 {"Names", "NAMES"},
                                                 {"Networks", "NETWORKS"},
                                                 {"Ports", "PORTS"},
                                                 {"RunningFor", "CREATED"},
                                                 {"Size", "SIZE"},
                                                 {"State", "STATE"},
                                                 {"Status", "STATUS"},
                                                 {0}};
#define COLUMNS                                                                     \
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t" \
    "{{.Names}}"
static const struct cb_listing listing = {fields, COLUMNS};
static const struct cb_listing listing_with_size = {fields, COLUMNS "\t{{.Size}}"};

/* ── Filters ── */

static const char *const filter_keys[] = {"name",  "id",       "status", "exited",
                                          "label", "ancestor", "volume", "before",
                                          "since", "network",  NULL};

static int check_filters(const struct cb_strings *filters, struct cb_error **err)
{
    cb_vec_foreach (text, filters) {
        size_t len = strcspn(*text, "=");
        int known = 0;

        for (const char *const *key = filter_keys; *key; key++)
            known |= strlen(*key) == len && strncmp(*key, *text, len) == 0;
        if (!known || !(*text)[len])
            return cb_error_set(err, CB_ERR_USAGE, "invalid filter '%s'", *text);
    }
    return 0;
}

static int matches_name(const char *name, const char *pattern)
{
    regex_t regex;
    int found;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return 0;
    found = regexec(&regex, name, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static int has_label(const struct cb_container *container, const char *wanted)
{
    cb_autofree char *key = xstrndup(wanted, strcspn(wanted, "="));
    const char *equals = strchr(wanted, '=');
    const char *value = cb_env_get(&container->options.labels, key);

    for (size_t i = 0; !value && i < container->config->label_keys.count; i++)
        if (strcmp(container->config->label_keys.items[i], key) == 0)
            value = container->config->label_values.items[i];
    return value && (!equals || strcmp(value, equals + 1) == 0);
}

/* The same image by name, or by how its id begins. */
static int is_of_image(const struct cb_container *container, const char *wanted)
{
    const char *name = container->options.request.image_name;
    const char *hex = strchr(container->image_id, ':');
    cb_autofree char *latest = xasprintf("%s:latest", wanted);
    cb_autofree char *own = xasprintf("%s:latest", name);

    return strcmp(name, wanted) == 0 || strcmp(name, latest) == 0 ||
           strcmp(own, wanted) == 0 || strcmp(container->image_id, wanted) == 0 ||
           (hex && strlen(wanted) >= 4 && strncmp(hex + 1, wanted, strlen(wanted)) == 0);
}

static int has_volume(const struct cb_container *container, const char *wanted)
{
    cb_vec_foreach (mount, &container->mounts) {
        if ((mount->name && strcmp(mount->name, wanted) == 0) ||
            strcmp(mount->target, wanted) == 0)
            return 1;
    }
    return 0;
}

static size_t index_of(const struct cb_containers *all, const char *text)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i]->name, text) == 0 ||
            strncmp(all->items[i]->id, text, strlen(text)) == 0)
            return i;
    return all->count;
}

/* INDEX counts from the newest. */
static int matches(const struct cb_containers *all, size_t index, const char *key,
                   const char *value)
{
    const struct cb_container *container = all->items[index];
    cb_autofree char *slashed = xasprintf("/%s", container->name);

    if (strcmp(key, "name") == 0)
        return matches_name(container->name, value) || matches_name(slashed, value);
    if (strcmp(key, "id") == 0)
        return strncmp(container->id, value, strlen(value)) == 0;
    if (strcmp(key, "status") == 0)
        return strcmp(cb_container_status_name(container->state.status), value) == 0;
    if (strcmp(key, "exited") == 0)
        return container->state.status == CB_CONTAINER_EXITED &&
               container->state.exit_code == atoi(value);
    if (strcmp(key, "label") == 0)
        return has_label(container, value);
    if (strcmp(key, "ancestor") == 0)
        return is_of_image(container, value);
    if (strcmp(key, "volume") == 0)
        return has_volume(container, value);
    if (strcmp(key, "network") == 0)
        return cb_joins_has(&container->options.request, value);
    if (strcmp(key, "before") == 0)
        return index > index_of(all, value);
    return index < index_of(all, value);
}

/* Values of one key are alternatives, but for labels; keys all hold. */
static int passes(const struct cb_containers *all, size_t index,
                  const struct cb_strings *filters)
{
    for (const char *const *key = filter_keys; *key; key++) {
        size_t len = strlen(*key), asked = 0, held = 0;

        cb_vec_foreach (text, filters) {
            if (strncmp(*text, *key, len) != 0 || (*text)[len] != '=')
                continue;
            asked++;
            held += (size_t)matches(all, index, *key, *text + len + 1);
        }
        if (asked && (strcmp(*key, "label") == 0 ? held < asked : !held))
            return 0;
    }
    return 1;
}

static int asks_for_status(const struct cb_strings *filters)
{
    cb_vec_foreach (text, filters) {
        if (strncmp(*text, "status=", 7) == 0 || strncmp(*text, "exited=", 7) == 0)
            return 1;
    }
    return 0;
}

/* ── Rows ── */

static char *command_text(const struct cb_container *container, int whole)
{
    const struct cb_run_request *request = &container->options.request;
    const struct cb_strings *entrypoint = &container->config->entrypoint;
    const struct cb_strings *command = request->command.count ? &request->command
                                       : request->has_entrypoint
                                           ? NULL
                                           : &container->config->cmd;
    cb_auto_value(cb_strbuf) text = {0};

    if (request->has_entrypoint)
        cb_strbuf_adds(&text, request->entrypoint);
    for (size_t i = 0; !request->has_entrypoint && i < entrypoint->count; i++)
        cb_strbuf_addf(&text, "%s%s", i ? " " : "", entrypoint->items[i]);
    for (size_t i = 0; command && i < command->count; i++)
        cb_strbuf_addf(&text, "%s%s", text.len ? " " : "", command->items[i]);
    if (!whole && text.len > 20)
        return xasprintf("\"%.19s…\"", cb_strbuf_text(&text));
    return xasprintf("\"%s\"", cb_strbuf_text(&text));
}

static char *ports_text(const struct cb_container *container)
{
    const json_t *ports = container->state.network && cb_container_is_running(container)
                              ? json_object_get(container->state.network, "Ports")
                              : NULL;
    cb_auto_value(cb_strbuf) text = {0};
    const char *key;
    json_t *list;

    json_object_foreach((json_t *)ports, key, list)
    {
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *binding = json_array_get(list, i);

            cb_strbuf_addf(&text, "%s%s:%s->%s", text.len ? ", " : "",
                           json_string_value(json_object_get(binding, "HostIp")),
                           json_string_value(json_object_get(binding, "HostPort")), key);
        }
    }
    return cb_strbuf_steal(&text);
}

static void add_times(json_t *row, const struct cb_container *container)
{
    struct timespec created = {0};
    struct tm local;
    char text[64];
    cb_autofree char *age = NULL;
    cb_autofree char *ago = NULL;

    cb_timestamp_parse(&created, container->created, NULL);
    age = cb_duration_human(cb_timestamp_now().tv_sec - created.tv_sec);
    ago = xasprintf("%s ago", age);
    localtime_r(&created.tv_sec, &local);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &local);
    json_object_set_new(row, "CreatedAt", json_string(text));
    json_object_set_new(row, "RunningFor", json_string(ago));
}

static void add_lists(json_t *row, const struct cb_container *container)
{
    cb_auto_value(cb_strbuf) labels = {0};
    cb_auto_value(cb_strbuf) mounts = {0};
    json_t *label = json_object();
    unsigned volumes = 0;

    cb_vec_foreach (text, &container->options.labels) {
        cb_autofree char *key = xstrndup(*text, strcspn(*text, "="));

        cb_strbuf_addf(&labels, "%s%s", labels.len ? "," : "", *text);
        json_object_set_new(label, key, json_string(strchr(*text, '=') + 1));
    }
    cb_vec_foreach (mount, &container->mounts) {
        cb_strbuf_addf(&mounts, "%s%s", mounts.len ? "," : "",
                       mount->name ? mount->name : mount->source);
        volumes += mount->name != NULL;
    }
    json_object_set_new(row, "Labels", json_string(cb_strbuf_text(&labels)));
    json_object_set_new(row, "Label", label);
    json_object_set_new(row, "Mounts", json_string(cb_strbuf_text(&mounts)));
    json_object_set_new(row, "LocalVolumes", json_sprintf("%u", volumes));
}

static json_t *row_of(const struct cb_container *container, const struct values *values)
{
    const struct cb_run_request *request = &container->options.request;
    cb_autofree char *command = command_text(container, values->no_trunc);
    cb_autofree char *status = cb_container_status_text(container);
    cb_autofree char *ports = ports_text(container);
    cb_autofree char *networks = cb_joins_names(request);
    json_t *row = json_object();

    json_object_set_new(row, "Command", json_string(command));
    json_object_set_new(row, "ID",
                        json_sprintf("%.*s", values->no_trunc ? 64 : 12, container->id));
    json_object_set_new(row, "Image", json_string(request->image_name));
    json_object_set_new(row, "Names", json_string(container->name));
    json_object_set_new(row, "Networks", json_string(networks));
    json_object_set_new(row, "Ports", json_string(ports));
    json_object_set_new(row, "Size", json_string("0B"));
    json_object_set_new(row, "State",
                        json_string(cb_container_status_name(container->state.status)));
    json_object_set_new(row, "Status", json_string(status));
    add_times(row, container);
    add_lists(row, container);
    return row;
}

static int print(const struct cb_containers *all, const struct values *values, long last,
                 struct cb_error **err)
{
    cb_auto_json *rows = json_array();
    int any = values->all || last > 0 || asks_for_status(&values->filters);

    for (size_t i = 0; i < all->count; i++) {
        const struct cb_container *container = all->items[i];

        if ((!any && !cb_container_is_running(container)) ||
            (last > 0 && (long)json_array_size(rows) >= last) ||
            !passes(all, i, &values->filters))
            continue;
        json_array_append_new(rows, row_of(container, values));
        if (values->quiet && !values->format)
            printf("%.*s\n", values->no_trunc ? 64 : 12, container->id);
    }
    if (values->quiet && !values->format)
        return 0;
    return cb_listing_print(values->size ? &listing_with_size : &listing, values->format,
                            rows, err);
}

static int list(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_containers) all = {0};
    long last = values->latest ? 1 : 0;
    char *end;

    if (values->last) {
        last = strtol(values->last, &end, 10);
        if (end == values->last || *end)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid argument \"%s\" for \"-n, --last\" flag",
                                values->last);
    }
    if (check_filters(&values->filters, err) < 0 ||
        cb_listing_check(&listing, values->format, err) < 0 ||
        cb_app_store(app, 1, &store, err) < 0 || cb_containers_list(store, &all, err) < 0)
        return -1;
    return print(&all, values, last, err);
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {0};
    int status = cb_options_parse(&cb_ps_command, argc, argv, 0, &values, &args, err);

    if (status == 0)
        status = cb_app_arguments(&cb_ps_command, &args, 0, 0, err) < 0
                     ? -1
                     : list(app, &values, err);
    cb_strings_free(&values.filters);
    return status < 0 ? -1 : 0;
}

const struct cb_cli_command cb_ps_command = {
    .name = "ps",
    .summary = "List containers",
    .usage = "ps [OPTIONS]",
    .options = options,
    .run = run,
};
