/* docker context: the machines that docker may speak to. Here it is this one, which is
 * called "default"; what would make or choose another is refused. `cbuild context ls` is
 * a command of its own, in context.c, and answers docker's only where -q or a template
 * show that docker was meant. */
#include "commands/docker-context.h"

#include "commands/listing.h"

#include <stdio.h>
#include <string.h>

#define HERE        "default"
#define DESCRIPTION "This machine: there is no daemon"

static const struct cb_option no_options[] = {{0}};

/* ── ls ── */

static const struct cb_listing_field fields[] = {
    {"Name", "NAME"},
    {"Description", "DESCRIPTION"},
    {"DockerEndpoint", "DOCKER ENDPOINT"},
    {"Error", "ERROR"},
    {"Current", "CURRENT"},
    {0},
};
static const struct cb_listing listing = {
    .fields = fields,
    .table = "{{.Name}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
};

int cb_docker_context_list(const char *format, int quiet, struct cb_error **err)
{
    cb_auto_json *rows =
        json_pack("[{s:s,s:s,s:s,s:s,s:b}]", "Name", HERE, "Description", DESCRIPTION,
                  "DockerEndpoint", "", "Error", "", "Current", 1);

    return cb_listing_print(&listing, quiet ? "{{.Name}}" : format, rows, err);
}

/* ── show, use ── */

static int check_name(const char *name, struct cb_error **err)
{
    if (strcmp(name, HERE) == 0)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "context \"%s\" not found", name);
    return cb_error_hint(err, "cbuild does all on this machine, which is `" HERE
                              "`: start it where it is to work");
}

static int run_show(struct cb_app *app, void *values, const struct cb_strings *args,
                    struct cb_error **err)
{
    puts(HERE);
    return 0;
}

static int run_use(struct cb_app *app, void *values, const struct cb_strings *args,
                   struct cb_error **err)
{
    if (check_name(args->items[0], err) < 0)
        return -1;
    puts(HERE);
    fflush(stdout);
    fputs("Current context is now \"" HERE "\"\n", stderr);
    return 0;
}

/* ── inspect ── */

struct inspect_values {
    const char *format;
};

static const struct cb_option inspect_options[] = {
    {"format", 'f', CB_OPTION_TEXT, offsetof(struct inspect_values, format), "FORMAT",
     "json, or a Go template: {{.Name}}"},
    {0},
};

static json_t *described(void)
{
    return json_pack("{s:s,s:{s:s},s:{s:{s:s,s:b}},s:{},s:{s:s,s:s}}", "Name", HERE,
                     "Metadata", "Description", DESCRIPTION, "Endpoints", "docker",
                     "Host", "", "SkipTLSVerify", 0, "TLSMaterial", "Storage",
                     "MetadataPath", "<IN MEMORY>", "TLSPath", "<IN MEMORY>");
}

static int run_inspect(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    const struct inspect_values *values = given;
    cb_auto_json *documents = json_array();

    for (size_t i = 0; i < args->count; i++) {
        if (check_name(args->items[i], err) < 0)
            return -1;
        json_array_append_new(documents, described());
    }
    if (!args->count)
        json_array_append_new(documents, described());
    return cb_inspect_print(values->format, documents, err);
}

#define ABOUT                                                                          \
    "For scripts written for docker: the one context is `default`, this machine. To\n" \
    "work on another, start cbuild there."

const struct cb_cli_command cb_docker_context_show_command = {
    .name = "context show",
    .summary = "Print the name of docker's context",
    .usage = "context show",
    .about = ABOUT,
    .options = no_options,
    .act = run_show,
    .stays_out = 1,
};

const struct cb_cli_command cb_docker_context_use_command = {
    .name = "context use",
    .summary = "Change nothing",
    .usage = "context use default",
    .about = ABOUT,
    .options = no_options,
    .min_args = 1,
    .max_args = 1,
    .act = run_use,
    .stays_out = 1,
};

const struct cb_cli_command cb_docker_context_inspect_command = {
    .name = "context inspect",
    .summary = "Show docker's context",
    .usage = "context inspect [OPTIONS] [NAME...]",
    .about = ABOUT,
    .options = inspect_options,
    .values_size = sizeof(struct inspect_values),
    .max_args = -1,
    .act = run_inspect,
    .stays_out = 1,
};
