/* cbuild lock: the lock file of a Dockerfile is written, as builds of it with the same
 * options would need it. */
#include "commands/access.h"
#include "commands/progress.h"
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct cb_build_request request;
    struct cb_access_values access;
    const char *progress;
    int quiet, tls_verify;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    CB_ACCESS_AUTHFILE(struct values, access),
    {"build-arg", 0, CB_OPTION_LIST, AT(request.build_args), "NAME[=VALUE]",
     "Set an ARG; without a value it is taken from the environment"},
    {"build-context", 0, CB_OPTION_LIST, AT(request.contexts), "NAME=VALUE",
     "Use VALUE as stage or image NAME, as build does"},
    CB_ACCESS_CERT_DIR(struct values, access),
    {"file", 'f', CB_OPTION_TEXT, AT(request.dockerfile), "FILE",
     "The Dockerfile (default PATH/Dockerfile); - is standard input"},
    {"insecure-registry", 0, CB_OPTION_LIST, AT(request.insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"lock-file", 0, CB_OPTION_TEXT, AT(request.lock_file), "FILE",
     "The file to write (default: the Dockerfile's name and .lock)"},
    {"platform", 0, CB_OPTION_LIST, AT(request.platforms), "OS/ARCH[,OS/ARCH]",
     "Platforms to look at (default: this machine's)"},
    {"progress", 0, CB_OPTION_TEXT, AT(progress), "MODE",
     "How progress is shown: auto, tty, plain, quiet, none, rawjson, legacy"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print nothing but errors"},
    {"secret", 0, CB_OPTION_LIST, AT(request.secrets), "id=NAME,src=FILE",
     "Credentials for URLs and git repositories, as build takes them"},
    {"ssh", 0, CB_OPTION_LIST, AT(request.ssh), "ID[=SOCKET|KEY[,KEY]]",
     "Let git use an SSH agent or key files"},
    {"target", 0, CB_OPTION_LIST, AT(request.lock_targets), "STAGE",
     "Lock what this stage needs instead of the last; may be repeated"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates of registries (default true)"},
    {"update", 0, CB_OPTION_FLAG, AT(request.lock_update), NULL,
     "Look anew at what is in the file already"},
    {0},
};

static const struct cb_absent_option absent[] = {
    {"creds", 0, "--authfile names a file with credentials for each registry"},
    {0},
};

/* ── What is told ── */

static const char *shown(const char *path)
{
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static void print(const struct cb_lock_result *result)
{
    cb_auto_value(cb_strbuf) path = {0};

    cb_vec_foreach (change, &result->changes) {
        if (change->from && change->to)
            printf("~ %s %s -> %s\n", change->name, change->from, change->to);
        else
            printf("%c %s %s\n", change->to ? '+' : '-', change->name,
                   change->to ? change->to : change->from);
    }
    cb_strbuf_add_escaped(&path, shown(result->path), strlen(shown(result->path)), 0);
    printf("%s: %zu source%s, %zu changed\n", cb_strbuf_text(&path), result->count,
           result->count == 1 ? "" : "s", result->changes.count);
}

/* ── Doing it ── */

static int lock(struct cb_app *app, struct values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_engine) engine = NULL;
    cb_auto(cb_progress) progress = NULL;
    cb_auto_value(cb_build_outcome) outcome = {0};
    struct cb_engine_env env = {
        .launcher = app->launcher, .cancel = app->cancel, .stdin_fd = STDIN_FILENO};
    const char *mode = values->quiet ? "quiet" : values->progress;
    int status;

    if (cb_access_apply(&values->access, app, err) < 0 ||
        cb_progress_check(values->progress, err) < 0 ||
        cb_progress_new(&progress, mode, err) < 0 ||
        cb_app_settings(app, &env.settings, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    env.store = store;
    env.sink = cb_progress_sink(progress);
    status = cb_engine_build(&env, &values->request, &outcome, &engine, err);
    cb_progress_free(cb_steal(&progress));
    if (status < 0)
        return -1;
    if (!values->quiet)
        print(&outcome.call.lock);
    return cb_flush_stdout(err);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;
    struct cb_build_request *request = &values->request;
    struct cb_platform buffer;
    const struct cb_platform *platform = NULL;

    request->call = CB_CALL_LOCK;
    request->context = args->items[0];
    request->pull = CB_PULL_ALWAYS;
    request->skip_tls_verify = !values->tls_verify;
    if (!request->platforms.count) {
        if (cb_app_default_platform(NULL, &buffer, &platform, err) < 0)
            return -1;
        if (platform)
            cb_strings_take(&request->platforms, cb_platform_text(platform));
    }
    return lock(app, values, err);
}

const struct cb_cli_command cb_lock_command = {
    .name = "lock",
    .summary = "Write down what a Dockerfile takes from outside",
    .usage = "lock [OPTIONS] PATH | URL | -",
    .about =
        "Writes Dockerfile.lock: the digest of each image, the content of each URL and\n"
        "the commit of each git repository that a build with the same options would\n"
        "take. `cbuild build --locked` takes these and no others. What is in the file\n"
        "stays as it is unless --update is given; what is no longer used is dropped.",
    .options = options,
    .absent = absent,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.tls_verify = 1},
    .min_args = 1,
    .max_args = 1,
    .act = run,
};
