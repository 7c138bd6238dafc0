/* cbuild build: what is typed goes to the engine, what comes of it to the terminal. */
#include "commands/build.h"

#include "commands/build-summary.h"
#include "commands/debug.h"
#include "commands/progress.h"
#include "container/client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* TOLD: the progress has said which image it is. */
static void print_outcome(const struct cb_build_outcome *outcome, int told)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (outcome->image_ids.count && !told) {
        cb_vec_foreach (id, &outcome->image_ids)
            fprintf(stderr, "image %s\n", cb_digest_text(id, text));
        for (size_t i = 0; i < outcome->names.count; i++)
            fprintf(stderr, "%s%s", i ? ", " : "named ", outcome->names.items[i]);
        if (outcome->names.count)
            fputc('\n', stderr);
    }
    fprintf(stderr, "%u step%s: %u cached, %u run\n", outcome->stats.total,
            outcome->stats.total == 1 ? "" : "s", outcome->stats.cached,
            outcome->stats.executed);
}

/* Who sees both has read the id already. */
static int both_are_terminals(void)
{
    return isatty(STDERR_FILENO) && cb_stdout_is_terminal();
}

static void print_legacy_result(const struct cb_build_outcome *outcome)
{
    char short_id[13];

    cb_vec_foreach (id, &outcome->image_ids) {
        cb_short_id(id, short_id);
        printf("Successfully built %s\n", short_id);
    }
    for (size_t i = 0; i < outcome->names.count; i++)
        printf("Successfully tagged %s\n", outcome->names.items[i]);
}

static void print_ids(const struct cb_build_outcome *outcome)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_vec_foreach (id, &outcome->image_ids)
        printf("%s\n", cb_digest_text(id, text));
}

/* --network container:X: what X's steps and ours are to share. */
static int join_container(struct cb_store *store, struct cb_build_request *request,
                          struct cb_container_net **net, struct cb_network_joined *joined,
                          struct cb_error **err)
{
    const char *network = request->network;
    cb_auto(cb_container) container = NULL;

    if (!network || strncmp(network, "container:", 10) != 0 || !network[10])
        return 0;
    if (cb_container_find(store, network + 10, &container, err) < 0 ||
        cb_container_get_net(container, net, err) < 0)
        return -1;
    *joined = (struct cb_network_joined){
        .netns = (*net)->fd, .hosts = (*net)->hosts, .resolv_conf = (*net)->resolv_conf};
    request->joined = joined;
    return 0;
}

/* What a build holds, cleared from the bottom up. */
struct building {
    struct cb_store *store;
    struct cb_engine *engine; /* its slow tear-down comes after the result is out */
    struct cb_progress *progress;
    struct cb_build_summary *took;
    struct cb_build_outcome outcome;
    struct cb_debug debug;
    struct cb_container_net *net;
    struct cb_network_joined joined;
    struct cb_engine_env env;
};
static void building_clear(struct building *building)
{
    cb_container_net_free(building->net);
    cb_build_outcome_clear(&building->outcome);
    cb_build_summary_free(building->took);
    cb_progress_free(building->progress);
    cb_engine_finish(building->engine);
    cb_store_close(building->store);
}
CB_AUTO_VALUE_DEFINE(building, building_clear)

static int prepare(struct building *building, struct cb_app *app,
                   struct cb_build_values *values, struct cb_error **err)
{
    const struct cb_build_tools *tools = &values->tools;
    struct cb_engine_env *env = &building->env;

    *env = (struct cb_engine_env){.launcher = app->launcher,
                                  .cancel = app->cancel,
                                  .stdin_fd = tools->stdin_fd >= 0 ? tools->stdin_fd
                                                                   : STDIN_FILENO};
    if (cb_build_tools_registries(tools, app, err) < 0 ||
        cb_build_creds(tools, &values->request, app, err) < 0 ||
        cb_progress_check(values->progress, err) < 0 ||
        cb_progress_new(&building->progress, values->quiet ? "quiet" : values->progress,
                        err) < 0 ||
        cb_app_settings(app, &env->settings, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &building->store, err) < 0 ||
        join_container(building->store, &values->request, &building->net,
                       &building->joined, err) < 0)
        return -1;
    cb_store_lease_late(building->store);
    env->store = building->store;
    building->took = cb_build_summary_new(cb_progress_sink(building->progress));
    env->sink = cb_build_summary_sink(building->took);
    building->debug = (struct cb_debug){.app = app, .progress = building->progress};
    if (cb_debug_has_terminal()) {
        env->shell = cb_debug_shell;
        env->shell_arg = &building->debug;
    }
    return 0;
}

/* How the display is followed by the result. */
struct manner {
    int summary, legacy, told;
    int is_silent; /* --progress=none: not even the ids */
};

static void print_result(const struct building *building, const struct manner *manner)
{
    const struct cb_build_outcome *outcome = &building->outcome;

    if (manner->summary) {
        print_outcome(outcome, manner->told);
        cb_build_summary_print(building->took);
    }
    if (outcome->image_ids.count && !outcome->took_stdout && manner->legacy)
        print_legacy_result(outcome);
    else if (!outcome->took_stdout && !manner->is_silent &&
             !(manner->summary && both_are_terminals()))
        print_ids(outcome);
}

static int build(struct cb_app *app, struct cb_build_values *values,
                 struct cb_error **err)
{
    cb_auto_value(building) building = {0};
    struct manner manner;
    int status;

    if (prepare(&building, app, values, err) < 0)
        return -1;
    status = cb_engine_build(&building.env, &values->request, &building.outcome,
                             &building.engine, err);
    manner = (struct manner){.summary = cb_progress_wants_summary(building.progress),
                             .legacy = cb_progress_has_legacy_result(building.progress),
                             .told = cb_progress_tells_image(building.progress) &&
                                     building.outcome.is_kept,
                             .is_silent = !values->quiet && values->progress &&
                                          strcmp(values->progress, "none") == 0};
    cb_progress_free(cb_steal(&building.progress));
    if (status < 0 || cb_build_tools_write(&values->tools, &building.outcome, err) < 0)
        return -1;
    if (values->request.call != CB_CALL_BUILD)
        return cb_call_print(&values->asked, &building.outcome.call, err);
    print_result(&building, &manner);
    return cb_flush_stdout(err);
}

/* Everything that is told goes to --logfile, but for what is wrong. */
static int build_logged(struct cb_app *app, struct cb_build_values *values,
                        struct cb_error **err)
{
    int status = cb_build_tools_log(&values->tools, err);

    if (status == 0)
        status = build(app, values, err);
    cb_build_tools_log_end(&values->tools);
    return status;
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct cb_build_values values = {.tls_verify = 1,
                                     .tools = {.stdin_fd = -1, .saved_fds = {-1, -1}}};
    int status = cb_options_parse(&cb_build_command, argc, argv, 0, &values, &args, err);

    if (status == 0) {
        status = cb_build_settle(&values, &args, err);
        if (status == 0)
            status = build_logged(app, &values, err);
    } else if (status > 0) {
        status = 0;
    }
    cb_build_tools_clear(&values.tools);
    cb_build_request_clear(&values.request);
    cb_strings_free(&values.ordered);
    return status;
}

const struct cb_cli_command cb_build_command = {
    .name = "build",
    .summary = "Build an image from a Dockerfile",
    .usage = "build [OPTIONS] PATH | URL | -",
    .about =
        "PATH is the directory COPY and ADD take files from. URL is a git repository,\n"
        "an archive, or a Dockerfile. With - the Dockerfile, or a tar archive of the\n"
        "whole context, is read from standard input. The image id is printed on\n"
        "standard output, progress on standard error.",
    .options = cb_build_options,
    .absent = cb_build_absent,
    .harmless = cb_build_harmless,
    .foreign = cb_build_foreign,
    .run = run,
    .needs_launcher = 1,
    .meets = CB_MEETS_IF_ASKED,
};
