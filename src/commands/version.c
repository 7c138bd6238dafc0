/* cbuild version. There is no server: for templates that ask for docker's, it is the same
 * program. */
#include "commands/commands.h"

#include "commands/listing.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

struct values {
    const char *format;
    int brief;
};

static const struct cb_option options[] = {
    {"format", 'f', CB_OPTION_TEXT, offsetof(struct values, format), "FORMAT",
     "json, or a Go template: {{.Client.Version}}"},
    {"short", 0, CB_OPTION_FLAG, offsetof(struct values, brief), NULL, "One line"},
    {0},
};

static json_t *program_json(const struct cb_platform *host)
{
    struct utsname system = {0};

    uname(&system);
    return json_pack("{s:{s:s},s:s,s:s,s:s,s:s,s:b}", "Platform", "Name", "cbuild",
                     "Version", PACKAGE_VERSION, "Os", host->os, "Arch", host->arch,
                     "KernelVersion", system.release, "Experimental", 0);
}

static int print_formatted(const char *format, const struct cb_platform *host,
                           struct cb_error **err)
{
    json_t *client = program_json(host), *server = program_json(host);
    json_t *both = json_pack("{s:o,s:o}", "Client", client, "Server", server);
    cb_auto_json *documents = json_pack("[o]", both);

    json_object_set_new(client, "Context", json_string("default"));
    json_object_set_new(server, "Components",
                        json_pack("[{s:s,s:s,s:{s:s,s:s}}]", "Name", "Engine", "Version",
                                  PACKAGE_VERSION, "Details", "Os", host->os, "Arch",
                                  host->arch));
    if (strcmp(format, "json") != 0)
        return cb_inspect_print(format, documents, err);
    cb_print_json(both);
    return 0;
}

/* Laid out as docker's, for those who look for a line of it. */
static void print_text(const char *platform)
{
    printf("Client: cbuild\n"
           " Version:           %s\n"
           " OS/Arch:           %s\n"
           " Context:           default\n"
           "\n"
           "Server: cbuild, the same program: there is no daemon\n"
           " Engine:\n"
           "  Version:          %s\n"
           "  OS/Arch:          %s\n",
           PACKAGE_VERSION, platform, PACKAGE_VERSION, platform);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct cb_platform host = cb_platform_host();
    cb_autofree char *platform = cb_platform_text(&host);
    struct values *values = given;

    if (values->format && *values->format)
        return print_formatted(values->format, &host, err);
    if (values->brief)
        printf("cbuild version %s\n", PACKAGE_VERSION);
    else
        print_text(platform);
    return 0;
}

const struct cb_cli_command cb_version_command = {
    .name = "version",
    .summary = "Show the version",
    .usage = "version [OPTIONS]",
    .options = options,
    .values_size = sizeof(struct values),
    .act = run,
    .stays_out = 1,
};
