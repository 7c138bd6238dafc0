/* docker buildx create, use, inspect, ls, stop, rm: what pipelines begin and end with.
 * There is one builder, this program on this machine; it needs no making and no removing,
 * and each name that a pipeline gives it is a name of it. What would build elsewhere or
 * otherwise is refused. */
#include "commands/commands.h"

#include "commands/listing.h"
#include "oci/oci.h"

#include <stdio.h>
#include <string.h>

#define ABOUT                                                                           \
    "For pipelines written for docker: there is one builder, cbuild on this machine,\n" \
    "which needs no making; whatever it is called, it is that one."

struct values {
    const char *name, *builder, *format, *timeout;
    struct cb_strings ignored;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option create_options[] = {
    {"append", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"bootstrap", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"buildkitd-flags", 0, CB_OPTION_LIST, AT(ignored), "FLAGS", "Changes nothing"},
    {"driver-opt", 0, CB_OPTION_LIST, AT(ignored), "OPTION", "Changes nothing"},
    {"name", 0, CB_OPTION_TEXT, AT(name), "NAME", "What to call it"},
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "DURATION", NULL},
    {"use", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {0},
};

#define REGISTRIES \
    "registries and mirrors are set in /etc/cbuild/config.json, see cbuild(1)"
#define ELSEWHERE "cbuild builds where it runs: start it there"

static const struct cb_absent_option create_absent[] = {
    {"buildkitd-config", 0, REGISTRIES},
    {"config", 0, REGISTRIES},
    {"driver", 0, ELSEWHERE},
    {"leave", 0, "there are no nodes to leave"},
    {"node", 0, ELSEWHERE},
    {"platform", 0, "`cbuild build --platform` says what is built for"},
    {0},
};
static const struct cb_harmless_option create_harmless[] = {
    {"driver", "docker|docker-container"},
    {0},
};

static const struct cb_option named_options[] = {
    {"all-inactive", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"bootstrap", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", "What it is called"},
    {"default", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"force", 'f', CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"global", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"keep-daemon", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"keep-state", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "DURATION", NULL},
    {0},
};
static const struct cb_option ls_options[] = {
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json or a Go template: {{.Name}} {{.Status}}"},
    {"no-trunc", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "DURATION", NULL},
    {0},
};

/* Borrowed. */
static const char *name_of(const struct values *values, const struct cb_strings *args)
{
    return args->count ? args->items[0] : values->builder ? values->builder : "default";
}

static int run_create(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    const struct values *values = given;

    printf("%s\n", values->name ? values->name : "default");
    return 0;
}

/* use and stop. */
static int do_nothing(struct cb_app *app, void *values, const struct cb_strings *args,
                      struct cb_error **err)
{
    return 0;
}

static int run_rm(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    printf("%s removed\n", name_of(given, args));
    return 0;
}

static int run_inspect(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    struct cb_platform host = cb_platform_host();
    cb_autofree char *platform = cb_platform_text(&host);
    const char *name = name_of(given, args);

    printf("Name:   %s\nDriver: cbuild\n\nNodes:\nName:      %s\nEndpoint:  %s\n"
           "Status:    running\nPlatforms: %s\n",
           name, name, name, platform);
    return 0;
}

static const struct cb_listing_field ls_fields[] = {
    {"Name", "NAME/NODE"},
    {"DriverEndpoint", "DRIVER/ENDPOINT"},
    {"Status", "STATUS"},
    {"Buildkit", "BUILDKIT"},
    {"Platforms", "PLATFORMS"},
    {"LastActivity", "LAST ACTIVITY"},
    {"Current", "CURRENT"},
    {"Error", "ERROR"},
    {0},
};
static const struct cb_listing ls_listing = {
    .fields = ls_fields,
    .table = "{{.Name}}\t{{.DriverEndpoint}}\t{{.Status}}\t{{.Buildkit}}\t{{.Platforms}}",
};

/* As docker has it: a row of the builder, and one of its node. */
static json_t *ls_row(const char *name, const char *endpoint, const char *status,
                      const char *version, const char *platform)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s}", "Name", name, "DriverEndpoint",
                     endpoint, "Status", status, "Buildkit", version, "Platforms",
                     platform, "LastActivity", "", "Current", 1, "Error", "");
}

static int run_ls(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    const struct values *values = given;
    const char *format = values->format;
    int table = !format || strncmp(format, "table", 5) == 0 || !*format;
    struct cb_platform host = cb_platform_host();
    cb_autofree char *platform = cb_platform_text(&host);
    cb_auto_json *rows = json_array();

    json_array_append_new(rows,
                          ls_row(table ? "default*" : "default", "cbuild", "", "", ""));
    json_array_append_new(rows, ls_row(table ? " \\_ default" : "default", "default",
                                       "running", PACKAGE_VERSION, platform));
    return cb_listing_print(&ls_listing, format, rows, err);
}

const struct cb_cli_command cb_buildx_create_command = {
    .name = "buildx create",
    .summary = "Print a builder's name",
    .usage = "buildx create [OPTIONS] [CONTEXT]",
    .about = ABOUT,
    .options = create_options,
    .absent = create_absent,
    .harmless = create_harmless,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run_create,
    .stays_out = 1,
};

const struct cb_cli_command cb_buildx_use_command = {
    .name = "buildx use",
    .summary = "Change nothing",
    .usage = "buildx use [NAME]",
    .about = ABOUT,
    .options = named_options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = do_nothing,
    .stays_out = 1,
};

const struct cb_cli_command cb_buildx_inspect_command = {
    .name = "buildx inspect",
    .summary = "Show the builder",
    .usage = "buildx inspect [OPTIONS] [NAME]",
    .about = ABOUT,
    .options = named_options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run_inspect,
    .stays_out = 1,
};

const struct cb_cli_command cb_buildx_ls_command = {
    .name = "buildx ls",
    .summary = "List the builder",
    .usage = "buildx ls [OPTIONS]",
    .about = ABOUT,
    .options = ls_options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run_ls,
    .stays_out = 1,
};

const struct cb_cli_command cb_buildx_stop_command = {
    .name = "buildx stop",
    .summary = "Change nothing",
    .usage = "buildx stop [NAME]",
    .about = ABOUT,
    .options = named_options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = do_nothing,
    .stays_out = 1,
};

const struct cb_cli_command cb_buildx_rm_command = {
    .name = "buildx rm",
    .summary = "Change nothing",
    .usage = "buildx rm [OPTIONS] [NAME]",
    .about = ABOUT,
    .options = named_options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run_rm,
    .stays_out = 1,
};
