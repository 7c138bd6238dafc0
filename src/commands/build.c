/* cbuild build. */
#include "commands/commands.h"

#include "commands/build-summary.h"
#include "commands/build-tools.h"
#include "commands/call.h"
#include "commands/debug.h"
#include "commands/progress.h"
#include "container/client.h"
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct cb_build_request request;
    const char *progress, *pull, *builder;
    int quiet, check, tls_verify;
    const char *call;
    struct cb_call asked;
    struct cb_build_tools tools;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"add-host", 0, CB_OPTION_LIST, AT(request.add_hosts), "HOST:IP",
     "Add a line to /etc/hosts of RUN steps"},
    {"allow", 0, CB_OPTION_LIST, AT(request.allow), "ENTITLEMENT",
     "Grant network.host, security.insecure or device[=NAME] to RUN steps that ask for "
     "it"},
    {"annotation", 0, CB_OPTION_LIST, AT(request.annotations), "[TYPE:]KEY=VALUE",
     "Annotate the image's manifest"},
    {"arch", 0, CB_OPTION_TEXT, AT(tools.arch), "ARCH", NULL},
    {"attest", 0, CB_OPTION_LIST, AT(request.attests), "type=TYPE,...",
     "Say with the image how it was made (type=provenance) or what packages it has "
     "(type=sbom)"},
    {"authfile", 0, CB_OPTION_TEXT, AT(tools.access.authfile), "FILE",
     "Look for credentials in this file first"},
    {"build-arg", 0, CB_OPTION_LIST, AT(request.build_args), "NAME[=VALUE]",
     "Set an ARG; without a value it is taken from the environment"},
    {"build-arg-file", 0, CB_OPTION_LIST, AT(tools.arg_files), "FILE",
     "Take build arguments from the NAME=VALUE lines of a file"},
    {"build-context", 0, CB_OPTION_LIST, AT(request.contexts), "NAME=VALUE",
     "Use a directory, a URL, a git repository, docker-image://REF or oci-layout://DIR "
     "(or a tar of one) as stage or image NAME"},
    /* whatever it is called, it is this program: buildx.c */
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL},
    {"cache-from", 0, CB_OPTION_LIST, AT(request.cache_from), "REF|type=TYPE,...",
     "Take results from a cache in a registry or directory"},
    {"cache-mount", 0, CB_OPTION_LIST, AT(request.cache_places), "ID=DIR",
     "Keep this cache of RUN --mount=type=cache in a directory of the host"},
    {"cache-to", 0, CB_OPTION_LIST, AT(request.cache_to), "REF|type=TYPE,...",
     "Write the build's cache to a registry, a directory, or into the image"},
    {"cache-ttl", 0, CB_OPTION_TEXT, AT(request.cache_ttl), "DURATION",
     "Use no result older than this (24h, 30m)"},
    {"call", 0, CB_OPTION_TEXT, AT(call), "WHAT",
     "Answer a question instead of building: check, outline or targets, as JSON with "
     ",format=json"},
    {"cdi-spec-dir", 0, CB_OPTION_LIST, AT(request.cdi_dirs), "DIR",
     "Where RUN --device finds CDI specifications (default /etc/cdi, /var/run/cdi)"},
    {"cert-dir", 0, CB_OPTION_TEXT, AT(tools.access.cert_dir), "DIR",
     "Certificates (*.crt, *.cert, *.key) for every registry"},
    {"cgroup-parent", 0, CB_OPTION_TEXT, AT(request.limits.cgroup_parent), "PATH",
     "Make the control groups of RUN steps below this one"},
    {"check", 0, CB_OPTION_FLAG, AT(check), NULL,
     "Check the Dockerfile instead of building; the same as --call=check"},
    {"compress", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"context-mode", 0, CB_OPTION_TEXT, AT(request.context_mode), "MODE",
     "Modes of context files: keep (default), or git for 0755 and 0644 only"},
    {"cpu-period", 0, CB_OPTION_TEXT, AT(request.limits.cpu_period), "MICROSECONDS",
     "Length of a period of --cpu-quota"},
    {"cpu-quota", 0, CB_OPTION_TEXT, AT(request.limits.cpu_quota), "MICROSECONDS",
     "Processor time of each RUN step in a period"},
    {"cpu-shares", 'c', CB_OPTION_TEXT, AT(request.limits.cpu_shares), "N",
     "Weight of RUN steps when processors are busy (1024 is normal)"},
    {"cpuset-cpus", 0, CB_OPTION_TEXT, AT(request.limits.cpuset_cpus), "LIST",
     "Processors RUN steps may use (0-2,5)"},
    {"cpuset-mems", 0, CB_OPTION_TEXT, AT(request.limits.cpuset_mems), "LIST",
     "Memory nodes RUN steps may use"},
    {"creds", 0, CB_OPTION_TEXT, AT(tools.access.creds), "USER:PASSWORD",
     "Credentials for every registry of this build"},
    {"device", 0, CB_OPTION_LIST, AT(request.devices), "HOST[:CONTAINER][:rwm]",
     "Give RUN steps a device of the host, by path or CDI name"},
    {"disable-content-trust", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"dns", 0, CB_OPTION_LIST, AT(request.dns), "ADDRESS",
     "Name server that RUN steps ask"},
    {"dns-option", 0, CB_OPTION_LIST, AT(request.dns_options), "OPTION",
     "Option of their resolver (ndots:2)"},
    {"dns-search", 0, CB_OPTION_LIST, AT(request.dns_search), "DOMAIN",
     "Domain that they look short names up in"},
    {"env", 0, CB_OPTION_LIST, AT(request.envs), "NAME[=VALUE]",
     "Set a variable of the image where each stage begins"},
    {"explain", 0, CB_OPTION_FLAG, AT(request.explain), NULL,
     "Say for each step that ran why the cache had no result for it"},
    {"file", 'f', CB_OPTION_TEXT, AT(request.dockerfile), "FILE",
     "The Dockerfile (default PATH/Dockerfile); - is standard input"},
    {"force-rm", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"format", 0, CB_OPTION_TEXT, AT(tools.format), "oci|docker",
     "Media types of what is pushed (default oci)"},
    {"from", 0, CB_OPTION_TEXT, AT(request.from), "IMAGE",
     "Use this image in the place of the first FROM's"},
    {"identity-label", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"ignore-syntax", 0, CB_OPTION_TEXT, AT(request.ignore_syntax), "SYNTAX",
     "How the ignore file is read: docker (default) or git"},
    {"ignorefile", 0, CB_OPTION_TEXT, AT(request.ignorefile), "FILE",
     "Use this file instead of .dockerignore"},
    {"iidfile", 0, CB_OPTION_TEXT, AT(request.iidfile), "FILE",
     "Write the image id to a file"},
    {"insecure-registry", 0, CB_OPTION_LIST, AT(request.insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"jobs", 0, CB_OPTION_UNSIGNED, AT(request.jobs), "N",
     "Steps to run at the same time (default: 4 per processor, at least 8)"},
    {"keep-failed", 0, CB_OPTION_FLAG, AT(request.keep_failed), NULL,
     "Keep the files of a RUN step that fails, for `cbuild debug`"},
    {"label", 0, CB_OPTION_LIST, AT(request.labels), "NAME=VALUE",
     "Set a label of the image"},
    {"layers", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"load", 0, CB_OPTION_FLAG, AT(request.load), NULL,
     "Keep the image here (the default) beside other outputs"},
    {"lock-file", 0, CB_OPTION_TEXT, AT(request.lock_file), "FILE",
     "The file of --locked (default: the Dockerfile's name and .lock)"},
    {"locked", 0, CB_OPTION_FLAG, AT(request.locked), NULL,
     "Take images, URLs and git repositories only as the lock file has them"},
    {"logfile", 0, CB_OPTION_TEXT, AT(tools.logfile), "FILE",
     "Append all output to a file instead of showing it"},
    {"memory", 'm', CB_OPTION_TEXT, AT(request.limits.memory), "SIZE",
     "Memory limit of each RUN step (64m, 2g)"},
    {"memory-swap", 0, CB_OPTION_TEXT, AT(request.limits.memory_swap), "SIZE",
     "Limit of memory and swap together; -1 for any (default: twice the memory)"},
    {"metadata-file", 0, CB_OPTION_TEXT, AT(request.metadata_file), "FILE",
     "Write digests and names of the result to a file, as JSON"},
    {"network", 0, CB_OPTION_TEXT, AT(request.network), "MODE",
     "Network of RUN steps: default, none, host, or the name of one"},
    {"no-cache", 0, CB_OPTION_FLAG, AT(request.no_cache), NULL,
     "Run every step; results are still kept"},
    {"no-cache-filter", 0, CB_OPTION_LIST, AT(request.no_cache_filter), "STAGE",
     "Run every step of these stages"},
    {"offline", 0, CB_OPTION_FLAG, AT(request.offline), NULL,
     "Ask no registry or server: what is not here is an error"},
    {"omit-history", 0, CB_OPTION_FLAG, AT(request.omit_history), NULL,
     "Leave the history out of the image"},
    {"on-error", 0, CB_OPTION_TEXT, AT(request.on_error), "shell",
     "Open a shell in the sandbox of a RUN step that fails"},
    {"optimize-metadata", 0, CB_OPTION_FLAG, AT(request.optimize_metadata), NULL,
     "Put files that only get another mode or owner into the layer they are from"},
    {"os", 0, CB_OPTION_TEXT, AT(tools.os), "OS", NULL},
    {"output", 'o', CB_OPTION_LIST, AT(request.outputs), "DIR|-|type=TYPE,...",
     "Where the result goes: image, registry, local, tar, oci, docker or cacheonly"},
    {"platform", 0, CB_OPTION_LIST, AT(request.platforms), "OS/ARCH[,OS/ARCH]",
     "Platforms of the image (default: this machine's)"},
    {"progress", 0, CB_OPTION_TEXT, AT(progress), "MODE",
     "How progress is shown: auto, tty, plain, quiet, rawjson or legacy"},
    {"provenance", 0, CB_OPTION_TEXT, AT(request.provenance), "true|mode=MODE,...",
     "Short for --attest type=provenance: mode=min or max"},
    {"pull", 0, CB_OPTION_OPTIONAL, AT(pull), "POLICY",
     "When to ask registries for base images: always (plain --pull), missing (default), "
     "never, newer"},
    {"pull-always", 0, CB_OPTION_FLAG, AT(tools.pull_always), NULL, NULL},
    {"pull-never", 0, CB_OPTION_FLAG, AT(tools.pull_never), NULL, NULL},
    {"push", 0, CB_OPTION_FLAG, AT(request.push), NULL,
     "Push the image under the names given with -t"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print only the image id"},
    {"retry", 0, CB_OPTION_UNSIGNED, AT(request.retries), "N",
     "Run a RUN step that fails up to N times more, each on a clean layer"},
    {"rm", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"sbom", 0, CB_OPTION_TEXT, AT(request.sbom), "true|generator=IMAGE",
     "Short for --attest type=sbom: packages found by cbuild, or by a program"},
    {"secret", 0, CB_OPTION_LIST, AT(request.secrets), "id=NAME,src=FILE",
     "Give RUN --mount=type=secret a secret (src=FILE or env=VARIABLE)"},
    {"security-opt", 0, CB_OPTION_LIST, AT(request.security_opts), "OPTION",
     "no-new-privileges, seccomp=FILE|unconfined, systempaths=unconfined, mask=PATH, "
     "unmask=PATH"},
    {"shm-size", 0, CB_OPTION_TEXT, AT(request.shm_size), "SIZE", "Size of /dev/shm"},
    {"squash", 0, CB_OPTION_OPTIONAL, AT(request.squash), "STAGE",
     "Make one layer of those since the base image, or since a stage"},
    {"ssh", 0, CB_OPTION_LIST, AT(request.ssh), "ID[=SOCKET|KEY[,KEY]]",
     "Let RUN --mount=type=ssh use an SSH agent (default: the one of SSH_AUTH_SOCK) or "
     "key "
     "files"},
    {"step-timeout", 0, CB_OPTION_TEXT, AT(request.step_timeout), "DURATION",
     "End a RUN step that takes longer (90s, 5m), as a failure"},
    {"tag", 't', CB_OPTION_LIST, AT(request.tags), "NAME[:TAG]",
     "Name the image; may be repeated"},
    {"target", 0, CB_OPTION_TEXT, AT(request.target), "STAGE",
     "Build this stage instead of the last"},
    {"timestamp", 0, CB_OPTION_TEXT, AT(tools.timestamp), "SECONDS",
     "Time of the image and its files; as SOURCE_DATE_EPOCH"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates of registries (default true)"},
    {"ulimit", 0, CB_OPTION_LIST, AT(request.ulimits), "NAME=SOFT[:HARD]",
     "Limit resources of RUN steps"},
    {"unset", 0, CB_OPTION_LIST, AT(request.unsets), "KIND[:NAME],...",
     "Remove from the image what its base set: env:NAME, label:NAME, volume:DIR, "
     "expose:PORT, cmd, entrypoint, user ..."},
    {"unsetenv", 0, CB_OPTION_LIST, AT(request.unset_envs), "NAME",
     "Remove a variable from the image"},
    {"unsetlabel", 0, CB_OPTION_LIST, AT(request.unset_labels), "NAME",
     "Remove a label from the image"},
    {"variant", 0, CB_OPTION_TEXT, AT(tools.variant), "VARIANT", NULL},
    {"volume", 'v', CB_OPTION_LIST, AT(request.volumes), "HOST:DIR[:ro]",
     "Mount a directory or file of the host in RUN steps; no part of their keys"},
    CB_BUILD_TOOLS_KANIKO(struct values),
    {0},
};

static int default_platform(struct cb_build_request *request, struct cb_error **err)
{
    struct cb_platform buffer;
    const struct cb_platform *platform;

    if (request->platforms.count)
        return 0;
    if (cb_app_default_platform(NULL, &buffer, &platform, err) < 0)
        return -1;
    if (platform)
        cb_strings_take(&request->platforms, cb_platform_text(platform));
    return 0;
}

/* --check is --call=check. */
static int parse_call(struct values *values, struct cb_error **err)
{
    if (values->check && values->call)
        return cb_error_set(err, CB_ERR_USAGE, "--check and --call exclude each other");
    if (cb_call_parse(&values->asked, values->check ? "check" : values->call, err) < 0)
        return -1;
    values->request.call = values->asked.kind;
    return 0;
}

static const struct cb_absent_option absent[] = {
    {"isolation", 0, "steps run in cbuild's own sandbox: leave the option out"},
    {"policy", 0,
     "there are no policies; --locked takes only what a lock file has, --offline asks "
     "nobody"},
    {"print", 0, "--call=outline and --call=targets answer these questions"},
    {"resource", 0, "--memory, --cpu-quota and --ulimit limit what steps take"},
    {0},
};

static const struct cb_harmless_option harmless[] = {
    {"isolation", "default"},
    {0},
};

static int parse_pull(const char *text, enum cb_pull_policy *out, struct cb_error **err)
{
    static const struct {
        const char *text;
        enum cb_pull_policy policy;
    } policies[] = {
        {"", CB_PULL_ALWAYS},       {"always", CB_PULL_ALWAYS},
        {"true", CB_PULL_ALWAYS},   {"missing", CB_PULL_MISSING},
        {"false", CB_PULL_MISSING}, {"never", CB_PULL_NEVER},
        {"newer", CB_PULL_NEWER},
    };

    *out = CB_PULL_MISSING;
    if (!text)
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(policies); i++) {
        if (strcmp(policies[i].text, text) == 0) {
            *out = policies[i].policy;
            return 0;
        }
    }
    return cb_error_argument(err, text, "--pull",
                             "expected always, missing, never or newer");
}

/* --no-cache-filter=a,b as docker takes it. */
static void split_at_commas(struct cb_strings *names)
{
    struct cb_strings split = {0};

    for (size_t i = 0; i < names->count; i++) {
        for (const char *text = names->items[i]; *text;) {
            size_t len = strcspn(text, ",");

            if (len)
                cb_strings_take(&split, xstrndup(text, len));
            text += len + (text[len] == ',');
        }
    }
    cb_strings_free(names);
    *names = split;
}

/* TOLD: the progress has said which image it is. */
static void print_outcome(const struct cb_build_outcome *outcome, int told)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_digest_is_set(&outcome->image_id) && !told) {
        fprintf(stderr, "image %s\n", cb_digest_text(&outcome->image_id, text));
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

    cb_short_id(&outcome->image_id, short_id);
    printf("Successfully built %s\n", short_id);
    for (size_t i = 0; i < outcome->names.count; i++)
        printf("Successfully tagged %s\n", outcome->names.items[i]);
}

static void drop_empty_texts(struct cb_strings *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (*list->items[i])
            list->items[kept++] = list->items[i];
        else
            free(list->items[i]);
    }
    list->count = kept;
}

/* As docker has it, a file without a name is none, and an option that a script left
 * empty (--cache-from="$CACHE") is not given. */
static void drop_empty(struct cb_build_request *request)
{
    const char **files[] = {&request->dockerfile, &request->ignorefile, &request->iidfile,
                            &request->metadata_file, &request->lock_file};

    struct cb_strings *lists[] = {&request->annotations, &request->attests,
                                  &request->cache_from,  &request->cache_to,
                                  &request->contexts,    &request->outputs,
                                  &request->secrets,     &request->ssh};

    for (size_t i = 0; i < CB_ARRAY_SIZE(files); i++)
        if (*files[i] && !**files[i])
            *files[i] = NULL;
    for (size_t i = 0; i < CB_ARRAY_SIZE(lists); i++)
        drop_empty_texts(lists[i]);
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

/* The engine's slow tear-down comes after the result is out. */
static int build(struct cb_app *app, struct values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_engine) engine = NULL;
    cb_auto(cb_progress) progress = NULL;
    cb_auto(cb_build_summary) took = NULL;
    cb_auto_value(cb_build_outcome) outcome = {0};
    const char *mode = values->progress;
    char text[CB_DIGEST_MAX_TEXT];
    struct cb_debug debug = {.app = app};
    cb_auto(cb_container_net) net = NULL;
    struct cb_network_joined joined;
    struct cb_engine_env env = {
        .launcher = app->launcher, .cancel = app->cancel, .stdin_fd = STDIN_FILENO};
    int status, summary, legacy, told;
    const struct cb_build_tools *tools = &values->tools;

    if (tools->stdin_fd >= 0)
        env.stdin_fd = tools->stdin_fd;
    if (cb_build_tools_registries(tools, app, err) < 0 ||
        cb_progress_check(mode, err) < 0 ||
        cb_progress_new(&progress, values->quiet ? "quiet" : mode, err) < 0 ||
        cb_app_settings(app, &env.settings, err) < 0 ||
        cb_app_store(app, 1, &store, err) < 0 ||
        join_container(store, &values->request, &net, &joined, err) < 0)
        return -1;
    cb_store_lease_late(store);
    env.store = store;
    took = cb_build_summary_new(cb_progress_sink(progress));
    env.sink = cb_build_summary_sink(took);
    debug.progress = progress;
    if (cb_debug_has_terminal()) {
        env.shell = cb_debug_shell;
        env.shell_arg = &debug;
    }
    status = cb_engine_build(&env, &values->request, &outcome, &engine, err);
    summary = cb_progress_wants_summary(progress);
    legacy = cb_progress_has_legacy_result(progress);
    told = cb_progress_tells_image(progress) && outcome.is_kept;
    cb_progress_free(cb_steal(&progress));
    if (status < 0)
        return -1;
    if (cb_build_tools_write(tools, &outcome, err) < 0)
        return -1;
    if (values->request.call != CB_CALL_BUILD)
        return cb_call_print(&values->asked, &outcome.call, err);
    if (summary) {
        print_outcome(&outcome, told);
        cb_build_summary_print(took);
    }
    if (cb_digest_is_set(&outcome.image_id) && !outcome.took_stdout && legacy)
        print_legacy_result(&outcome);
    else if (cb_digest_is_set(&outcome.image_id) && !outcome.took_stdout &&
             !(summary && both_are_terminals()))
        printf("%s\n", cb_digest_text(&outcome.image_id, text));
    return cb_flush_stdout(err);
}

/* Everything that is told goes to --logfile, but for what is wrong. */
static int build_logged(struct cb_app *app, struct values *values, struct cb_error **err)
{
    int status = cb_build_tools_log(&values->tools, err);

    if (status == 0)
        status = build(app, values, err);
    cb_build_tools_log_end(&values->tools);
    return status;
}

static int settle(struct values *values, const struct cb_strings *args,
                  struct cb_error **err)
{
    struct cb_build_request *request = &values->request;

    if (cb_app_arguments(&cb_build_command, args, values->tools.context ? 0 : 1, 1, err) <
        0)
        return -1;
    if (request->lock_file && !request->locked)
        return cb_error_set(err, CB_ERR_USAGE, "--lock-file is only read with --locked");
    split_at_commas(&request->no_cache_filter);
    drop_empty(request);
    request->skip_tls_verify = !values->tls_verify;
    if (parse_pull(values->pull, &request->pull, err) < 0 ||
        parse_call(values, err) < 0 ||
        cb_build_tools_environment(&values->tools, err) < 0 ||
        cb_build_tools_apply(&values->tools, request, args, err) < 0)
        return -1;
    return default_platform(request, err);
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {.tls_verify = 1,
                            .tools = {.stdin_fd = -1, .saved_fds = {-1, -1}}};
    int status = cb_options_parse(&cb_build_command, argc, argv, 0, &values, &args, err);

    if (status == 0) {
        status = settle(&values, &args, err);
        if (status == 0)
            status = build_logged(app, &values, err);
    } else if (status > 0) {
        status = 0;
    }
    cb_build_tools_clear(&values.tools);
    cb_build_request_clear(&values.request);
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
    .options = options,
    .absent = absent,
    .harmless = harmless,
    .foreign = cb_build_foreign,
    .run = run,
    .needs_launcher = 1,
    .meets = CB_MEETS_IF_ASKED,
};
