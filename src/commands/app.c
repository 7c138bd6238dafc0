/* What several commands need: the store, an image by name, argument counts. */
#include "commands/commands.h"

#include "base/fs.h"
#include "base/input.h"
#include "base/timestamp.h"
#include "engine/engine.h"
#include "parser/parser.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_FILES 65536

void cb_app_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < MAX_FILES ? limit.rlim_max : MAX_FILES;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int cb_app_settings(struct cb_app *app, const struct cb_settings **out,
                    struct cb_error **err)
{
    if (!app->settings && cb_settings_load(&app->settings, err) < 0)
        return -1;
    *out = app->settings;
    return 0;
}

struct size_source {
    const char *option, *variable;
};

/* The option, else the environment, else the configuration; "0" and "" are the default.
 */
static int parse_size(const struct size_source *source, const char *text,
                      const char *configured, uint64_t *out, struct cb_error **err)
{
    const char *name = text ? source->option : source->variable;
    cb_auto(cb_error) cause = NULL;

    if (!text)
        text = getenv(source->variable);
    if (!text)
        text = configured;
    if (!text || !*text || cb_size_parse(out, text, &cause) == 0)
        return 0;
    return cb_error_argument(err, text, name, "%s", cb_error_message(cause));
}

static int parse_sizes(const struct cb_app *app, const struct cb_settings *settings,
                       struct cb_store_options *out, struct cb_error **err)
{
    static const struct size_source store = {"--max-store", "CBUILD_MAX_STORE"},
                                    layer = {"--max-layer-size", "CBUILD_MAX_LAYER_SIZE"};

    if (parse_size(&store, app->max_store, settings->max_store, &out->max_bytes, err) < 0)
        return -1;
    return parse_size(&layer, app->max_layer, settings->max_layer, &out->max_layer, err);
}

/* The one that the machine's file names is root's; every user has his own. */
static char *configured_root(const struct cb_settings *settings, int of_user)
{
    static const char *const keys[] = {"data-root", "graph"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++) {
        const char *file = cb_env_get(&settings->sources, keys[i]);

        if (file && (!of_user || strcmp(file, CB_SETTINGS_MACHINE_FILE) != 0))
            return settings->data_root;
    }
    return NULL;
}

int cb_app_store_root(struct cb_app *app, char **out, struct cb_error **err)
{
    const int of_user = app->userns.kind != CB_USERNS_NONE || geteuid() != 0;
    const struct cb_settings *settings;
    const char *root = app->root ? app->root : getenv("CBUILD_ROOT");

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    if (!root || !*root)
        root = configured_root(settings, of_user);
    *out = root ? xstrdup(root) : cb_store_default_root(of_user);
    return 0;
}

static int open_store(struct cb_app *app, int create, int repair, struct cb_store **out,
                      struct cb_error **err)
{
    cb_autofree char *root = NULL;
    struct cb_store_options options = {.of_user = app->userns.kind != CB_USERNS_NONE,
                                       .create = create,
                                       .repair = repair,
                                       .attach = app->launcher &&
                                                 cb_launcher_attaches(app->launcher),
                                       .cancel = app->cancel};
    const struct cb_settings *settings;

    if (cb_app_settings(app, &settings, err) < 0 ||
        parse_sizes(app, settings, &options, err) < 0 ||
        cb_app_store_root(app, &root, err) < 0)
        return -1;
    options.root = root;
    return cb_store_open(out, &options, err);
}

int cb_app_store(struct cb_app *app, int create, struct cb_store **out,
                 struct cb_error **err)
{
    return open_store(app, create, 0, out, err);
}

int cb_app_store_repair(struct cb_app *app, struct cb_store **out, struct cb_error **err)
{
    return open_store(app, 0, 1, out, err);
}

int cb_app_platform(const char *text, struct cb_platform *buffer,
                    const struct cb_platform **out, struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    *out = NULL;
    if (!text || !*text)
        return 0;
    *out = buffer;
    if (cb_platform_parse(buffer, text, &cause) == 0)
        return 0;
    return cb_error_argument(err, text, "--platform", "%s", cb_error_message(cause));
}

int cb_app_default_platform(const char *text, struct cb_platform *buffer,
                            const struct cb_platform **out, struct cb_error **err)
{
    const char *value = text && *text ? NULL : getenv(CB_DEFAULT_PLATFORM);
    cb_auto(cb_error) cause = NULL;

    if (!value || !*value)
        return cb_app_platform(text, buffer, out, err);
    *out = buffer;
    if (cb_platform_parse(buffer, value, &cause) == 0)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid value \"%s\" of $" CB_DEFAULT_PLATFORM ": %s", value,
                        cb_error_message(cause));
}

int cb_app_arguments(const struct cb_cli_command *command, const struct cb_strings *args,
                     int min, int max, struct cb_error **err)
{
    const char *amount = max < 0 ? "at least " : min == max ? "exactly " : "";
    int count = (int)args->count;

    if (count >= min && (max < 0 || count <= max))
        return 0;
    if (max >= 0 && min != max)
        amount = count < min ? "at least " : "at most ";
    if (max == 0)
        cb_error_set(err, CB_ERR_USAGE, "`cbuild %s` accepts no arguments",
                     command->name);
    else
        cb_error_set(err, CB_ERR_USAGE, "`cbuild %s` requires %s%d argument%s",
                     command->name, amount, count < min ? min : max,
                     (count < min ? min : max) == 1 ? "" : "s");
    return cb_error_hint(err, "usage: cbuild %s", command->usage);
}

static int read_stdin(struct cb_cancel *cancel, struct cb_source **out,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_input_read_all(0, cancel, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "standard input");
    *out = cb_source_new("Dockerfile", cb_strbuf_text(&text), text.len);
    return 0;
}

static int read_dockerfile(struct cb_source **out, const char *path,
                           struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_given(path, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_hint(err, "`-` reads standard input");
    *out = cb_source_new(path, cb_strbuf_text(&text), text.len);
    return 0;
}

static int find_dockerfile(struct cb_cancel *cancel, const char *path,
                           struct cb_source **out, struct cb_error **err)
{
    cb_auto(cb_error) missing = NULL;

    if (path)
        return strcmp(path, "-") == 0 ? read_stdin(cancel, out, err)
                                      : read_dockerfile(out, path, err);
    for (const char *const *name = cb_dockerfile_names; *name; name++) {
        cb_auto(cb_error) error = NULL;

        if (read_dockerfile(out, *name, &error) == 0)
            return 0;
        if (cb_error_kind(error) != CB_ERR_NOT_FOUND)
            return cb_error_move(err, &error);
        if (!missing)
            missing = cb_steal(&error);
    }
    return cb_error_move(err, &missing);
}

int cb_app_dockerfile(struct cb_cancel *cancel, const char *path, const char *context,
                      struct cb_source **out, struct cb_error **err)
{
    const int is_stdin = path && strcmp(path, "-") == 0;
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_context) root = NULL;
    struct cb_include_place place = {.on_host = 1};

    if (find_dockerfile(cancel, path, &source, err) < 0)
        return -1;
    if (!is_stdin)
        place.path = cb_source_name(source);
    /* One that cannot be opened has nothing to include. */
    if (context || !is_stdin)
        cb_context_open_local(&root, context ? context : ".", NULL);
    if (cb_frontend_include(&source, root, &place, err) < 0)
        return -1;
    *out = cb_steal(&source);
    return 0;
}

void cb_app_build_args(const struct cb_strings *given, struct cb_strings *out)
{
    for (size_t i = 0; i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        cb_autofree char *name = xstrndup(given->items[i], strcspn(given->items[i], "="));
        const char *value = equals ? equals + 1 : getenv(name);

        if (value)
            cb_env_set(out, name, value);
    }
}

void cb_short_id(const struct cb_digest *id, char out[13])
{
    char hex[CB_DIGEST_MAX_TEXT];

    memcpy(out, cb_digest_hex(id, hex), 12);
    out[12] = '\0';
}

int cb_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

/* Also when the write that told so is long ago, and its errno with it. */
static int reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) > 0 && out.revents & POLLERR;
}

int cb_flush_stdout(struct cb_error **err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno == EPIPE || reader_is_gone())
        return 0;
    return cb_error_errno(err, errno, "write to standard output");
}

int cb_confirmed(const char *what)
{
    int answer;

    fprintf(stderr, "WARNING! This will remove%s%s%s\n", *what == ':' ? "" : " ", what,
            *what == ':' ? "" : ".");
    fputs("Are you sure you want to continue? [y/N] ", stderr);
    answer = getchar();
    if (answer == EOF)
        fputs("\nNothing is removed: nobody answered (-f does not ask)\n", stderr);
    return answer == 'y' || answer == 'Y';
}
