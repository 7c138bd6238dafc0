/* cbuild lint: the checks of a build without one. Needs no store, no image, no network
 * and no rights; looks at the Dockerfile, and at the context's ignore file. A file that
 * cannot be read or is no Dockerfile is a finding like others, so that the rest of the
 * files are checked all the same. */
#include "commands/lint.h"

#include "base/fs.h"
#include "commands/commands.h"
#include "commands/progress.h"
#include "context/context.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct values {
    const char *format, *check, *context, *target, *platform;
    struct cb_strings build_args;
    int rules;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"build-arg", 0, CB_OPTION_LIST, AT(build_args), "NAME[=VALUE]",
     "Set a build argument"},
    {"check", 0, CB_OPTION_TEXT, AT(check), "OPTIONS",
     "Which rules count, in the place of the file's own `# check=`: "
     "skip=RULES;error=true;experimental=RULES"},
    {"context", 0, CB_OPTION_TEXT, AT(context), "DIR",
     "The build context, for its .dockerignore (default: where the file is)"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "text (default), json, or sarif for code review tools"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH", "The platform to build for"},
    {"rules", 0, CB_OPTION_FLAG, AT(rules), NULL, "List the rules and exit"},
    {"target", 0, CB_OPTION_TEXT, AT(target), "STAGE",
     "Check what this stage needs (default: all stages)"},
    {0},
};

static const struct cb_lint_format *find_format(const char *name, struct cb_error **err)
{
    static const struct cb_lint_format *const formats[] = {&cb_lint_text, &cb_lint_json,
                                                           &cb_lint_sarif};

    if (!name)
        return formats[0];
    for (size_t i = 0; i < CB_ARRAY_SIZE(formats); i++) {
        if (!strcmp(formats[i]->name, name))
            return formats[i];
    }
    cb_error_argument(err, name, "--format", "expected text, json or sarif");
    return NULL;
}

/* ── Files ── */

static void files_free(struct cb_lint_files *files)
{
    cb_vec_foreach (file, files) {
        free(file->name);
        cb_source_unref(file->source);
        cb_check_result_clear(&file->result);
    }
    cb_vec_free(files);
}

static int is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Of a directory the file that a build of it would take. Caller frees. */
static char *dockerfile_of(const char *path)
{
    static const char *const names[] = {"Dockerfile", "dockerfile", "Containerfile"};

    if (!is_directory(path))
        return xstrdup(path);
    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        cb_autofree char *found =
            strcmp(path, ".") ? cb_path_join(path, names[i]) : xstrdup(names[i]);
        struct stat st;

        if (stat(found, &st) == 0)
            return cb_steal(&found);
    }
    return strcmp(path, ".") ? cb_path_join(path, names[0]) : xstrdup(names[0]);
}

/* Where the file is, unless the context was given; standard input has none. */
static int open_context(const struct values *values, const char *path,
                        struct cb_context **out, struct cb_error **err)
{
    int is_stdin = !strcmp(path, "-");
    struct cb_ignore_options ignore = {.dockerfile = is_stdin ? NULL : path};
    const char *slash = strrchr(path, '/');
    cb_autofree char *dir =
        slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");

    if (is_stdin && !values->context) {
        *out = cb_context_empty();
        return 0;
    }
    if (cb_context_open_local(out, values->context ? values->context : dir, err) < 0)
        return -1;
    return cb_context_load_ignore(*out, &ignore, err);
}

/* ── Checking ── */

/* Warnings that are no rule's. */
static void print_warning(struct cb_event_sink *sink, const struct cb_event *event)
{
    if (event->kind == CB_EVENT_WARNING)
        cb_progress_print_warning(event, "");
}

static int check_source(struct cb_app *app, struct cb_lint_file *file,
                        const struct values *values, const struct cb_strings *build_args,
                        const char *given, struct cb_error **err)
{
    cb_autofree char *path = dockerfile_of(given);
    const char *directory = values->context       ? values->context
                            : is_directory(given) ? given
                                                  : NULL;
    struct cb_event_sink sink = {.emit = print_warning};
    struct cb_build_env env = {.sink = &sink, .source_date_epoch = -1};
    cb_auto(cb_context) context = NULL;
    struct cb_frontend_options frontend = {
        .env = &env,
        .build_args = build_args,
        .target = values->target,
        .check = values->check,
        .platform = cb_platform_host(),
        .build_platform = cb_platform_host(),
        .lint = 1,
        .offline = 1,
    };

    if (cb_app_dockerfile(app->cancel, path, directory, &file->source, err) < 0 ||
        open_context(values, path, &context, err) < 0)
        return -1;
    if (values->platform)
        cb_platform_parse(&frontend.platform, values->platform, NULL);
    frontend.source = file->source;
    frontend.context = context;
    cb_frontend_check(&file->result, &frontend);
    return 0;
}

static void check_file(struct cb_app *app, struct cb_lint_files *files,
                       const struct values *values, const struct cb_strings *build_args,
                       const char *given)
{
    cb_autofree char *path = dockerfile_of(given);
    struct cb_lint_file file = {.name = xstrdup(strcmp(path, "-") ? path : "Dockerfile")};
    struct cb_error *error = NULL;

    if (check_source(app, &file, values, build_args, given, &error) < 0)
        file.result.error = error;
    cb_vec_push(files, file);
}

static int has_findings(const struct cb_lint_files *files)
{
    cb_vec_foreach (file, files) {
        if (file->result.error || file->result.warnings.count)
            return 1;
    }
    return 0;
}

static int lint(struct cb_app *app, const struct values *values,
                const struct cb_strings *paths, const struct cb_lint_format *format,
                struct cb_error **err)
{
    cb_auto_value(cb_strings) build_args = {0};
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_lint_files files = {0};
    int status = 0;

    cb_app_build_args(&values->build_args, &build_args);
    for (size_t i = 0; i < paths->count && status == 0; i++) {
        check_file(app, &files, values, &build_args, paths->items[i]);
        status = cb_cancel_check(app->cancel, err);
    }
    if (status == 0) {
        format->files(&out, &files);
        fwrite(cb_strbuf_text(&out), 1, out.len, stdout);
        status = has_findings(&files);
    }
    files_free(&files);
    return status;
}

/* ── The command line ── */

static int list_rules(const struct cb_lint_format *format, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};

    if (!format->rules)
        return cb_error_set(err, CB_ERR_USAGE, "--rules is text or json");
    format->rules(&out);
    fwrite(cb_strbuf_text(&out), 1, out.len, stdout);
    return 0;
}

static int invalid(const char *option, const char *value, struct cb_error *cause,
                   struct cb_error **err)
{
    cb_auto(cb_error) owned = cause;

    return cb_error_argument(err, value, option, "%s", cb_error_message(owned));
}

static int check_usage(const struct values *values, const struct cb_strings *paths,
                       struct cb_error **err)
{
    struct cb_error *cause = NULL;
    struct cb_platform platform;
    size_t from_stdin = 0;

    if (values->check && cb_check_options_validate(values->check, &cause) < 0)
        return invalid("--check", values->check, cause, err);
    if (values->platform && cb_platform_parse(&platform, values->platform, &cause) < 0)
        return invalid("--platform", values->platform, cause, err);
    if (values->rules && paths->count)
        return cb_error_set(err, CB_ERR_USAGE, "--rules takes no files");
    for (size_t i = 0; i < paths->count; i++)
        from_stdin += !strcmp(paths->items[i], "-");
    if (from_stdin > 1)
        return cb_error_set(err, CB_ERR_USAGE, "standard input can be read only once");
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(cb_strings) here = {0};
    const struct cb_lint_format *format = find_format(values->format, err);

    if (!format || check_usage(values, args, err) < 0)
        return -1;
    if (values->rules)
        return list_rules(format, err);
    if (args->count)
        return lint(app, values, args, format, err);
    cb_strings_add(&here, ".");
    return lint(app, values, &here, format, err);
}

const struct cb_cli_command cb_lint_command = {
    .name = "lint",
    .summary = "Check Dockerfiles for mistakes",
    .usage = "lint [OPTIONS] [FILE|DIR|-]...",
    .about =
        "Applies all checks to each FILE (default: ./Dockerfile; -: standard input).\n"
        "Looks at no image and needs no store and no network. The exit status is 1\n"
        "when anything is found.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .act = run,
    .stays_out = 1,
};
