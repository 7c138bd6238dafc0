/* cbuild network ls. */
#include "commands/listing.h"
#include "commands/network.h"

#include <stdio.h>
#include <string.h>

#define SHORT_ID 12 /* digits */

struct values {
    struct cb_strings filters;
    const char *format;
    int quiet, no_trunc;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option ls_options[] = {
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "KEY=VALUE",
     "Only those with this name, id, driver, label, scope, type or dangling"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table (the default), table TEMPLATE, json, or a Go template"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Whole ids"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {0},
};

static const struct cb_listing listing = {
    .fields =
        (const struct cb_listing_field[]){
            {"ID", "NETWORK ID"},
            {"Name", "NAME"},
            {"Driver", "DRIVER"},
            {"Scope", "SCOPE"},
            {"IPv6", "IPV6"},
            {"Internal", "INTERNAL"},
            {"Labels", "LABELS"},
            {"CreatedAt", "CREATED AT"},
            {0},
        },
    .table = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    .raw = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\n"
           "scope: {{.Scope}}\n",
};

static char *joined(const struct cb_strings *labels)
{
    struct cb_strbuf out = {0};

    for (size_t i = 0; i < labels->count; i++)
        cb_strbuf_addf(&out, "%s%s", i ? "," : "", labels->items[i]);
    return cb_strbuf_steal(&out);
}

/* As Go shows times: "2026-01-02 03:04:05.5 +0000 UTC" of "2026-01-02T03:04:05.5Z". */
static char *shown_time(const char *created)
{
    size_t date = strcspn(created, "T"), end = strcspn(created, "Z");

    if (!created[date] || !created[end])
        return xstrdup(created);
    return xasprintf("%.*s %.*s +0000 UTC", (int)date, created, (int)(end - date - 1),
                     created + date + 1);
}

static json_t *row(const struct cb_network_def *def, int id_len)
{
    cb_autofree char *labels = joined(&def->labels);
    cb_autofree char *id = xstrndup(def->id, (size_t)id_len);
    cb_autofree char *created = shown_time(def->created);

    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "CreatedAt", created, "Driver",
                     def->driver, "ID", id, "IPv6", def->ipv6 ? "true" : "false",
                     "Internal", def->internal ? "true" : "false", "Labels", labels,
                     "Name", def->name, "Scope", "local");
}

static int list(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_network_defs) defs = {0};
    cb_autofree char *dir = NULL;
    cb_auto_json *rows = json_array();
    int id_len = values->no_trunc ? 64 : SHORT_ID;

    if (cb_listing_check(&listing, values->format, err) < 0 ||
        cb_filter_check(cb_network_filters, CB_FILTER_LISTS, &values->filters, err) < 0)
        return -1;
    dir = cb_network_state_dir(app, &store, err);
    if (!dir || cb_networks_list(dir, &defs, err) < 0)
        return -1;
    cb_vec_foreach (def, &defs) {
        if (cb_filter_takes(cb_network_filters, &values->filters, *def))
            json_array_append_new(rows, row(*def, id_len));
    }
    return cb_listing_print(&listing, values->format, rows, err);
}

/* Docker's own default, if there is one. */
static const struct values *with_format(struct cb_app *app, struct values *values)
{
    if (values->quiet)
        values->format =
            cb_listing_quiet(values->format, "{{.ID}}", "network_id: {{.ID}}");
    else
        values->format = cb_docker_config_format(app, values->format, "networksFormat");
    return values;
}

static int run_ls(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    struct values *values = given;

    return list(app, with_format(app, values), err);
}

const struct cb_cli_command cb_network_ls_command = {
    .name = "network ls",
    .summary = "List networks",
    .usage = "network ls [OPTIONS]",
    .about = "Besides those made with `cbuild network create` there are always bridge\n"
             "(private, for each build and container), host and none.",
    .options = ls_options,
    .filters = cb_network_filters,
    .filter_flag = CB_FILTER_LISTS,
    .values_size = sizeof(struct values),
    .act = run_ls,
};
