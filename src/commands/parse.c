/* cbuild parse: a Dockerfile as JSON. Needs no store, no image and no rights. */
#include "commands/commands.h"

#include "frontend/frontend.h"

#include <stdio.h>
#include <string.h>

struct values {
    int expand;
    struct cb_strings build_args;
    const char *platform, *target;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"expand", 0, CB_OPTION_FLAG, AT(expand), NULL,
     "Also show what each word comes to in a build"},
    {"build-arg", 0, CB_OPTION_LIST, AT(build_args), "NAME[=VALUE]",
     "With --expand: set a build argument"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "With --expand: the platform to build for"},
    {"target", 0, CB_OPTION_TEXT, AT(target), "STAGE",
     "With --expand: the stage to build"},
    {0},
};

static void write_stdout(void *arg, const char *text, size_t len)
{
    fwrite(text, 1, len, stdout);
}

static int describe(struct cb_app *app, const struct values *values, const char *path,
                    struct cb_error **err)
{
    cb_auto(cb_source) source = NULL;
    cb_auto_value(cb_strings) build_args = {0};
    struct cb_describe_options describe = {
        .expand = values->expand,
        .build_args = &build_args,
        .target = values->target,
        .platform = cb_platform_host(),
        .build_platform = cb_platform_host(),
        .write = write_stdout,
    };

    if (values->platform &&
        cb_platform_parse(&describe.platform, values->platform, err) < 0)
        return cb_error_wrap(err, "--platform");
    if (cb_app_dockerfile(app->cancel, path, NULL, &source, err) < 0)
        return -1;
    describe.source = source;
    cb_app_build_args(&values->build_args, &build_args);
    return cb_frontend_describe(&describe, err);
}

static int check_usage(const struct values *values, struct cb_error **err)
{
    if (values->expand ||
        (!values->build_args.count && !values->platform && !values->target))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "--build-arg, --platform and --target go with --expand");
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;

    if (check_usage(values, err) < 0)
        return -1;
    return describe(app, values, args->count ? args->items[0] : NULL, err);
}

const struct cb_cli_command cb_parse_command = {
    .name = "parse",
    .summary = "Show a Dockerfile as JSON",
    .usage = "parse [OPTIONS] [FILE|-]",
    .about = "Prints what a Dockerfile (./Dockerfile, or `-`: standard input) says,\n"
             "instruction by instruction, for editors and tools. Looks at nothing\n"
             "else: no store, no image, no network.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run,
    .stays_out = 1,
};
