/* cbuild stats. What containers use is counted by their control groups; a share of the
 * processors takes two looks at it. */
#include "commands/containers.h"

#include "base/clock.h"
#include "commands/listing.h"
#include "executor/usage.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define INTERVAL_MS 1000

struct values {
    const char *format;
    int all, no_stream, no_trunc;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Show those that do not run, too"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.Name}} {{.CPUPerc}}"},
    {"no-stream", 0, CB_OPTION_FLAG, AT(no_stream), NULL, "Show it once"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten ids"},
    {0},
};

static const struct cb_listing_field fields[] = {
    {"BlockIO", "BLOCK I/O"},   {"CPUPerc", "CPU %"},
    {"Container", "CONTAINER"}, {"ID", "CONTAINER ID"},
    {"MemPerc", "MEM %"},       {"MemUsage", "MEM USAGE / LIMIT"},
    {"Name", "NAME"},           {"NetIO", "NET I/O"},
    {"PIDs", "PIDS"},           {0}};
static const struct cb_listing listing = {
    fields,
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}"
    "\t{{.BlockIO}}\t{{.PIDs}}",
    NULL};

/* ── Looking ── */

struct look {
    char id[CB_CONTAINER_ID_DIGITS + 1];
    int64_t at_ns;
    struct cb_process_usage usage;
    double cpu_percent;
};
struct looks {
    struct look *items;
    size_t count, capacity;
};

static const struct look *find_look(const struct looks *looks, const char *id)
{
    cb_vec_foreach (look, looks) {
        if (strcmp(look->id, id) == 0)
            return look;
    }
    return NULL;
}

static void measure(const struct cb_containers *containers, const struct looks *before,
                    struct looks *out)
{
    cb_vec_foreach (slot, containers) {
        const struct cb_container *container = *slot;
        const struct look *last = find_look(before, container->id);
        struct look look = {.at_ns = cb_clock_ns()};

        memcpy(look.id, container->id, sizeof(look.id));
        if (cb_container_is_running(container) && container->state.pid)
            cb_process_measure(container->state.pid, &look.usage);
        if (last && look.usage.cpu_ns >= last->usage.cpu_ns && look.at_ns > last->at_ns)
            look.cpu_percent = 100.0 * (double)(look.usage.cpu_ns - last->usage.cpu_ns) /
                               (double)(look.at_ns - last->at_ns);
        cb_vec_push(out, look);
    }
}

/* ── Showing ── */

static void set_pair(json_t *row, const char *key, char *(*shown)(uint64_t bytes),
                     uint64_t one, uint64_t other)
{
    cb_autofree char *first = shown(one);
    cb_autofree char *second = shown(other);

    json_object_set_new(row, key, json_sprintf("%s / %s", first, second));
}

static json_t *row_of(const struct cb_container *container, const char *asked,
                      const struct look *look, int no_trunc)
{
    const struct cb_process_usage *usage = &look->usage;
    double share = usage->memory_limit_bytes ? 100.0 * (double)usage->memory_bytes /
                                                   (double)usage->memory_limit_bytes
                                             : 0;
    json_t *row = json_object();

    set_pair(row, "BlockIO", cb_size_human, usage->read_bytes, usage->written_bytes);
    json_object_set_new(row, "CPUPerc", json_sprintf("%.2f%%", look->cpu_percent));
    json_object_set_new(row, "Container", json_string(asked));
    json_object_set_new(row, "ID",
                        json_sprintf("%.*s", no_trunc ? 64 : 12, container->id));
    json_object_set_new(row, "MemPerc", json_sprintf("%.2f%%", share));
    set_pair(row, "MemUsage", cb_binary_human, usage->memory_bytes,
             usage->memory_limit_bytes);
    json_object_set_new(row, "Name", json_string(container->name));
    set_pair(row, "NetIO", cb_size_human, usage->received_bytes, usage->sent_bytes);
    json_object_set_new(row, "PIDs",
                        json_sprintf("%llu", (unsigned long long)usage->pids));
    return row;
}

static int print(const struct cb_containers *containers, const struct cb_strings *names,
                 const struct looks *looks, const struct values *values,
                 struct cb_error **err)
{
    cb_auto_json *rows = json_array();

    for (size_t i = 0; i < containers->count; i++) {
        const struct cb_container *container = containers->items[i];
        const char *asked = i < names->count ? names->items[i] : container->id;

        json_array_append_new(
            rows, row_of(container, asked, &looks->items[i], values->no_trunc));
    }
    if (!values->no_stream && cb_stdout_is_terminal())
        fputs("\033[H\033[2J", stdout);
    return cb_listing_print(&listing, values->format, rows, err);
}

/* Those that were named, else those that run, or all. */
static int find(struct cb_store *store, const struct cb_strings *names, int all,
                struct cb_containers *out, struct cb_error **err)
{
    size_t kept = 0;

    cb_vec_foreach (name, names) {
        struct cb_container *container;

        if (cb_container_find(store, *name, &container, err) < 0)
            return -1;
        cb_vec_push(out, container);
    }
    if (names->count)
        return 0;
    if (cb_containers_list(store, out, err) < 0)
        return -1;
    for (size_t i = 0; i < out->count; i++) {
        if (all || cb_container_is_running(out->items[i]))
            out->items[kept++] = out->items[i];
        else
            cb_container_free(out->items[i]);
    }
    out->count = kept;
    return 0;
}

/* 1: it is enough. */
static int nap(struct cb_cancel *cancel)
{
    struct pollfd wait = {.fd = cb_cancel_fd(cancel), .events = POLLIN};

    return poll(&wait, 1, INTERVAL_MS) > 0;
}

/* Docker shows nothing before it has looked twice. */
static int show(struct cb_app *app, struct cb_store *store,
                const struct cb_strings *names, const struct values *values,
                struct looks *looks, struct cb_error **err)
{
    for (int round = 0;; round++) {
        cb_auto_value(cb_containers) containers = {0};
        struct looks now = {0};

        if (find(store, names, values->all, &containers, err) < 0)
            return -1;
        measure(&containers, looks, &now);
        cb_vec_free(looks);
        *looks = now;
        if (round && print(&containers, names, looks, values, err) < 0)
            return -1;
        if (round && (values->no_stream || cb_flush_stdout(err) < 0))
            return values->no_stream ? 0 : -1;
        if (nap(app->cancel))
            return cb_cancel_check(app->cancel, err);
    }
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    struct values *values = given;
    struct looks looks = {0};
    int status;

    values->format = cb_docker_config_format(app, values->format, "statsFormat");
    if (cb_listing_check(&listing, values->format, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    status = show(app, store, args, values, &looks, err);
    cb_vec_free(&looks);
    return status;
}

const struct cb_cli_command cb_stats_command = {
    .name = "stats",
    .summary = "Show what containers use",
    .usage = "stats [OPTIONS] [CONTAINER...]",
    .options = options,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .act = run,
    .watches = 1,
};
