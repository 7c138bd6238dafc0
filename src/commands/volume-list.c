/* cbuild volume ls. */
#include "commands/listing.h"
#include "commands/volume.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_strings filters;
    const char *format;
    int quiet;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option ls_options[] = {
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "KEY=VALUE",
     "Only those with this name, driver, label or dangling"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table (the default), table TEMPLATE, json, or a Go template"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print names only"},
    {0},
};

static const struct cb_absent_option ls_absent[] = {
    {"cluster", 0, "there is no swarm"},
    {0},
};

static const struct cb_listing listing = {
    .fields =
        (const struct cb_listing_field[]){
            {"Driver", "DRIVER"},
            {"Name", "VOLUME NAME"},
            {"Availability", "AVAILABILITY"},
            {"Group", "GROUP"},
            {"Labels", "LABELS"},
            {"Links", "LINKS"},
            {"Mountpoint", "MOUNTPOINT"},
            {"Scope", "SCOPE"},
            {"Size", "SIZE"},
            {"Status", "STATUS"},
            {0},
        },
    .table = "{{.Driver}}\t{{.Name}}",
    .raw = "name: {{.Name}}\ndriver: {{.Driver}}\n",
};

/* Links and sizes are for `system df`, as docker has it. */
static json_t *row(const struct cb_volume *volume)
{
    cb_auto_json *document = cb_volume_json(volume);
    cb_auto_value(cb_strbuf) labels = {0};
    json_t *object = json_object(), *label = json_object_get(document, "Labels"), *value;
    const char *key;

    json_object_foreach(label, key, value)
    {
        cb_strbuf_addf(&labels, "%s%s=%s", labels.len ? "," : "", key,
                       json_string_value(value));
    }
    json_object_set_new(object, "Availability", json_string("N/A"));
    json_object_set_new(object, "Driver", json_string("local"));
    json_object_set_new(object, "Group", json_string("N/A"));
    json_object_set_new(object, "Labels", json_string(cb_strbuf_text(&labels)));
    json_object_set_new(object, "Links", json_string("N/A"));
    json_object_set_new(object, "Mountpoint", json_string(volume->mountpoint));
    json_object_set_new(object, "Name", json_string(volume->name));
    json_object_set_new(object, "Scope", json_string("local"));
    json_object_set_new(object, "Size", json_string("N/A"));
    json_object_set_new(object, "Status", json_string("N/A"));
    if (json_is_object(label))
        json_object_set(object, "Label", label);
    return object;
}

static int list(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_volumes) volumes = {0};
    cb_auto_value(cb_containers) containers = {0};
    cb_auto_json *rows = json_array();

    if (cb_listing_check(&listing, values->format, err) < 0 ||
        cb_filter_check(cb_volume_filters, CB_FILTER_LISTS, &values->filters, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_volumes_list(store, &volumes, err) < 0 ||
        (cb_filter_value(&values->filters, "dangling") &&
         cb_containers_list(store, &containers, err) < 0))
        return -1;
    cb_vec_foreach (volume, &volumes) {
        if (cb_filter_takes(cb_volume_filters, &values->filters,
                            &(struct cb_listed_volume){*volume, &containers}))
            json_array_append_new(rows, row(*volume));
    }
    return cb_listing_print(&listing, values->format, rows, err);
}

/* Docker's own default, if there is one. */
static const struct values *with_format(struct cb_app *app, struct values *values)
{
    if (values->quiet)
        values->format = cb_listing_quiet(values->format, "{{.Name}}", "name: {{.Name}}");
    else
        values->format = cb_docker_config_format(app, values->format, "volumesFormat");
    return values;
}

static int run_ls(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    struct values *values = given;

    return list(app, with_format(app, values), err);
}

const struct cb_cli_command cb_volume_ls_command = {
    .name = "volume ls",
    .summary = "List volumes",
    .usage = "volume ls [OPTIONS]",
    .options = ls_options,
    .absent = ls_absent,
    .filters = cb_volume_filters,
    .filter_flag = CB_FILTER_LISTS,
    .values_size = sizeof(struct values),
    .act = run_ls,
};
