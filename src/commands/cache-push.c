/* cbuild cache push: build caches that wait in the store, and the process that a build
 * starts to send one. */
#include "commands/access.h"
#include "commands/output.h"
#include "commands/progress.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "cache/deferred.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IO_THREADS 8

struct values {
    struct cb_access_values access;
    const char *format;
    int list, drop, quiet;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"list", 0, CB_OPTION_FLAG, AT(list), NULL, "Send nothing: list what waits"},
    {"drop", 0, CB_OPTION_FLAG, AT(drop), NULL, "Send nothing: forget what waits"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "Of --list: table (default) or json"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Do not show progress"},
    CB_ACCESS_AUTHFILE(struct values, access),
    {0},
};

/* ── Which ── */

static int add_named(struct cb_store *store, const char *text, struct cb_strings *names,
                     struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_outbox_entry) entry = NULL;
    cb_autofree char *name = NULL;
    int found;

    if (cb_reference_parse(&reference, text, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    name = cb_reference_canonical(reference);
    found = cb_outbox_find(store, name, &entry, err);
    if (found == 0) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "no cache waits to be sent to %s", text);
        cb_error_hint(err, "`cbuild cache push --list` shows those that do");
    }
    if (found > 0)
        cb_strings_add_once(names, name);
    return found > 0 ? 0 : -1;
}

/* All, if none is named. */
static int choose(struct cb_store *store, const struct cb_strings *args,
                  struct cb_strings *names, struct cb_error **err)
{
    cb_auto_value(cb_outbox) outbox = {0};

    cb_vec_foreach (arg, args) {
        if (add_named(store, *arg, names, err) < 0)
            return -1;
    }
    if (args->count)
        return 0;
    if (cb_outbox_list(store, &outbox, err) < 0)
        return -1;
    cb_vec_foreach (entry, &outbox)
        cb_strings_add(names, (*entry)->name);
    return 0;
}

/* ── Sending ── */

struct session {
    struct cb_deferred_sender sender;
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_progress *progress;
    struct cb_strings sent;
};

static int session_open(struct session *session, struct cb_app *app, const char *progress,
                        struct cb_error **err)
{
    const struct cb_settings *settings;

    if (cb_progress_new(&session->progress, progress, err) < 0 ||
        cb_app_settings(app, &settings, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &session->store, err) < 0)
        return -1;
    session->pool = cb_pool_new(0, IO_THREADS);
    session->sender =
        (struct cb_deferred_sender){.store = session->store,
                                    .pool = session->pool,
                                    .cancel = app->cancel,
                                    .sink = cb_progress_sink(session->progress),
                                    .settings = &settings->registry,
                                    .log_fd = -1};
    return 0;
}

/* What was sent is told when nothing is drawn any more. */
static void session_close(struct session *session)
{
    cb_progress_free(session->progress);
    cb_vec_foreach (name, &session->sent)
        printf("Sent: %s\n", *name);
    cb_strings_free(&session->sent);
    cb_pool_free(session->pool);
    cb_store_close(session->store);
}
CB_AUTO_VALUE_DEFINE(session, session_close)

/* Another process may have sent it meanwhile. */
static int send_one(void *arg, const char *name, struct cb_error **err)
{
    struct session *session = arg;

    if (cb_deferred_send(&session->sender, name, err) < 0)
        return -1;
    cb_strings_add(&session->sent, name);
    return 0;
}

static int push(struct cb_app *app, const struct values *values,
                const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(session) session = {0};
    cb_auto_value(cb_strings) names = {0};

    if (session_open(&session, app, values->quiet ? "quiet" : NULL, err) < 0 ||
        choose(session.store, args, &names, err) < 0)
        return -1;
    session.sender.auth_file = values->access.authfile;
    return cb_each_named(&names, send_one, &session, err);
}

/* ── The others ── */

static int drop_one(void *arg, const char *name, struct cb_error **err)
{
    struct cb_store *store = arg;
    cb_auto(cb_outbox_entry) entry = NULL;
    struct cb_lock *lock = NULL;
    int found = cb_outbox_find(store, name, &entry, err);
    int held = found > 0 ? cb_outbox_try_hold(store, name, &lock, err) : found;

    if (found > 0 && held == 0) {
        cb_error_set(err, CB_ERR_EXISTS, "%s is being sent by process %ld", name,
                     (long)entry->holder);
        held = cb_error_hint(err, "`cbuild cache push` waits for it");
    }
    if (held > 0) {
        held = cb_outbox_settle(store, entry, NULL, err);
        cb_lock_release_unlink(lock);
        if (held == 0)
            printf("Dropped: %s\n", name);
    }
    return held < 0 ? -1 : 0;
}

/* What nobody can read, of the name ARG or of all (NULL): how many there were. */
static int drop_damaged(struct cb_store *store, const char *arg, struct cb_error **err)
{
    cb_auto_value(cb_strings) dropped = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;

    if (arg && cb_reference_parse(&reference, arg, err) < 0)
        return -1;
    if (arg) {
        cb_reference_default_tag(reference);
        name = cb_reference_canonical(reference);
    }
    if (cb_outbox_drop_damaged(store, name, &dropped, err) < 0)
        return -1;
    cb_vec_foreach (file, &dropped)
        printf("Dropped: %s\n", *file);
    return (int)dropped.count;
}

static int drop(struct cb_app *app, const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strings) left = {0};
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        (!args->count && drop_damaged(store, NULL, err) < 0))
        return -1;
    cb_vec_foreach (arg, args) {
        int damaged = drop_damaged(store, *arg, err);

        if (damaged < 0)
            return -1;
        if (!damaged)
            cb_strings_add(&left, *arg);
    }
    if (args->count && !left.count)
        return 0;
    if (choose(store, &left, &names, err) < 0)
        return -1;
    return cb_each_named(&names, drop_one, store, err);
}

static uint64_t bytes_of(const struct cb_outbox_entry *entry)
{
    uint64_t bytes = (uint64_t)entry->manifest->config.size;

    cb_vec_foreach (layer, &entry->manifest->layers)
        bytes += (uint64_t)layer->size;
    return bytes;
}

static const char *state_of(const struct cb_outbox_entry *entry)
{
    return entry->is_held ? "sending" : entry->error ? "failed" : "waiting";
}

static int has_log(const struct cb_outbox_entry *entry)
{
    return access(entry->log, F_OK) == 0;
}

static json_t *time_json(int64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000)};
    char text[CB_TIMESTAMP_MAX];

    return ns ? json_string(cb_timestamp_format(time, text)) : json_null();
}

static json_t *entry_json(const struct cb_outbox_entry *entry)
{
    char digest[CB_DIGEST_MAX_TEXT];

    return json_pack(
        "{s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:I,s:s?}", "name", entry->name, "state",
        state_of(entry), "digest", cb_digest_text(&entry->manifest->digest, digest),
        "bytes", (json_int_t)bytes_of(entry), "queued", time_json(entry->queued_ns),
        "tried", time_json(entry->tried_ns), "error", cb_json_from_text(entry->error),
        "pid", (json_int_t)entry->holder, "log", has_log(entry) ? entry->log : NULL);
}

static void print_json(const struct cb_outbox *outbox)
{
    cb_auto_json *list = json_array();
    cb_autofree char *text = NULL;

    cb_vec_foreach (entry, outbox)
        json_array_append_new(list, entry_json(*entry));
    text = json_dumps(list, JSON_INDENT(2));
    printf("%s\n", text);
}

/* What it has to say is in the lines below it. */
static void print_row(const struct cb_outbox_entry *entry)
{
    cb_autofree char *size = cb_size_human(bytes_of(entry));
    cb_autofree char *age =
        cb_duration_human((int64_t)time(NULL) - entry->queued_ns / 1000000000);
    cb_autofree char *queued = xasprintf("%s ago", age);
    cb_auto_value(cb_strbuf) error = {0};

    printf("%-7s  %-9s  %-22s  %s\n", state_of(entry), size, queued, entry->name);
    if (entry->error) {
        cb_strbuf_add_escaped(&error, entry->error, strlen(entry->error), 0);
        printf("         %s\n", cb_strbuf_text(&error));
    }
    if (has_log(entry))
        printf("         log: %s\n", entry->log);
}

static int list(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto_value(cb_outbox) outbox = {0};
    cb_auto(cb_store) store = NULL;
    int json = cb_wants_json(values->format, "table", err);

    if (json < 0 || cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_outbox_list(store, &outbox, err) < 0)
        return -1;
    if (json) {
        print_json(&outbox);
        return 0;
    }
    printf("%-7s  %-9s  %-22s  %s\n", "STATE", "SIZE", "QUEUED", "NAME");
    cb_vec_foreach (entry, &outbox)
        print_row(*entry);
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;

    if (values->list && values->drop)
        return cb_error_set(err, CB_ERR_USAGE, "--list and --drop exclude each other");
    if (values->list)
        return cb_command_check_args(&cb_cache_push_command, args, 0, 0, err) < 0
                   ? -1
                   : list(app, values, err);
    return values->drop ? drop(app, args, err) : push(app, values, args, err);
}

const struct cb_cli_command cb_cache_push_command = {
    .name = "cache push",
    .summary = "Send build caches that builds have left to be sent",
    .usage = "cache push [OPTIONS] [NAME...]",
    .about =
        "Builds with --cache-to type=registry,ref=NAME,deferred=true end before their\n"
        "cache is sent. This sends what still waits, or waits for the process that is\n"
        "at it. What could not be sent stays until it is sent, dropped, or replaced by\n"
        "the cache of a later build. --drop also takes out what is damaged.",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .act = run,
};

/* ── The process that a build starts ── */

static int send_alone(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(session) session = {0};

    if (argc != 2)
        return cb_error_set(err, CB_ERR_USAGE, "it is started by `cbuild build`");
    signal(SIGHUP, SIG_IGN);
    app->root = argv[0];
    if (session_open(&session, app, "plain", err) < 0)
        return -1;
    session.sender.log_fd = STDERR_FILENO;
    return cb_deferred_send(&session.sender, argv[1], err) < 0 ? -1 : 0;
}

const struct cb_cli_command cb_pusher_command = {
    .name = CB_PUSHER_NAME,
    .usage = CB_PUSHER_NAME " STORE NAME",
    .takes_program = 1,
    .run = send_alone,
    .is_internal = 1,
};
