/* cbuild ps. */
#include "commands/containers.h"

#include "base/utf8.h"
#include "commands/container-filter.h"
#include "commands/inspect.h"
#include "commands/listing.h"
#include "commands/ps-ports.h"
#include "container/commit.h"
#include "container/files.h"
#include "container/joins.h"
#include "container/links.h"

#include <stdlib.h>
#include <string.h>

struct values {
    const char *format, *last;
    struct cb_strings filters;
    int all, quiet, latest, no_trunc, size;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Show those that do not run, too"},
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "FILTER",
     "name=, id=, status=, exited=, health=, label=, ancestor=, volume=, network=, "
     "publish=, expose=, before=, since="},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.ID}} {{.Names}}"},
    {"last", 'n', CB_OPTION_TEXT, AT(last), "N", "Show the N last made"},
    {"latest", 'l', CB_OPTION_FLAG, AT(latest), NULL, "Show the one last made"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten anything"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {"size", 's', CB_OPTION_FLAG, AT(size), NULL, "Show what they take on disk"},
    {0},
};

static const struct cb_listing_field fields[] = {{"Command", "COMMAND"},
                                                 {"CreatedAt", "CREATED AT"},
                                                 {"ID", "CONTAINER ID"},
                                                 {"Image", "IMAGE"},
                                                 {"Labels", "LABELS"},
                                                 {"LocalVolumes", "LOCAL VOLUMES"},
                                                 {"Mounts", "MOUNTS"},
                                                 {"Names", "NAMES"},
                                                 {"Networks", "NETWORKS"},
                                                 {"Ports", "PORTS"},
                                                 {"RunningFor", "CREATED"},
                                                 {"Size", "SIZE"},
                                                 {"State", "STATE"},
                                                 {"Status", "STATUS"},
                                                 {0}};
#define COLUMNS                                                                     \
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t" \
    "{{.Names}}"
#define RAW                                                                \
    "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"    \
    "created_at: {{.CreatedAt}}\nstate: {{.State}}\nstatus: {{.Status}}\n" \
    "names: {{.Names}}\nlabels:{{pad .Labels 1 0}}\nports:{{pad .Ports 1 0}}\n"
static const struct cb_listing listing = {fields, COLUMNS, RAW};
static const struct cb_listing listing_with_size = {fields, COLUMNS "\t{{.Size}}",
                                                    RAW "size: {{.Size}}\n"};

/* ── Rows ── */

/* As docker has it: an argument with a blank is in quotes, the program is not. */
static void add_word(struct cb_strbuf *text, const char *word)
{
    int quoted = text->len && strchr(word, ' ');

    cb_strbuf_addf(text, "%s%s%s%s", text->len ? " " : "", quoted ? "'" : "", word,
                   quoted ? "'" : "");
}

/* To WIDTH characters, the last of which says that there is more. */
static void shorten(struct cb_strbuf *text, size_t width)
{
    size_t at = 0, end = 0, count = 0;

    for (; at < text->len && count <= width; count++) {
        unsigned point;
        size_t size = cb_utf8_decode(text->text + at, text->len - at, &point);

        if (count == width - 1)
            end = at;
        at += size ? size : 1;
    }
    if (count <= width)
        return;
    cb_strbuf_truncate(text, end);
    cb_strbuf_adds(text, "…");
}

char *cb_container_command_text(const struct cb_container *container, int whole)
{
    const struct cb_run_request *request = &container->options.request;
    const struct cb_strings *entrypoint = &container->config->entrypoint;
    const struct cb_strings *command = request->command.count ? &request->command
                                       : request->has_entrypoint
                                           ? NULL
                                           : &container->config->cmd;
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_strbuf quoted = {0};

    if (request->has_entrypoint)
        cb_strbuf_adds(&text, request->entrypoint);
    for (size_t i = 0; !request->has_entrypoint && i < entrypoint->count; i++)
        add_word(&text, entrypoint->items[i]);
    for (size_t i = 0; command && i < command->count; i++)
        add_word(&text, command->items[i]);
    if (!whole)
        shorten(&text, 20);
    cb_strbuf_add_json(&quoted, cb_strbuf_text(&text));
    return cb_strbuf_steal(&quoted);
}

static void add_times(json_t *row, const struct cb_container *container)
{
    struct timespec created = {0};
    struct tm local;
    char text[64];
    cb_autofree char *age = NULL;
    cb_autofree char *ago = NULL;

    cb_timestamp_parse(&created, container->created, NULL);
    age = cb_duration_human(cb_timestamp_now().tv_sec - created.tv_sec);
    ago = xasprintf("%s ago", age);
    localtime_r(&created.tv_sec, &local);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &local);
    json_object_set_new(row, "CreatedAt", json_string(text));
    json_object_set_new(row, "RunningFor", json_string(ago));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *join_sorted(struct cb_strings *words)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (words->count)
        qsort(words->items, words->count, sizeof(*words->items), compare);
    cb_vec_foreach (word, words)
        cb_strbuf_addf(&text, "%s%s", text.len ? "," : "", *word);
    return cb_strbuf_steal(&text);
}

/* Its own, and if WHOLE what others call it by their links. */
static char *names_text(const struct cb_listed_container *listed, int whole)
{
    const struct cb_container *container = listed->all->items[listed->index];
    cb_auto_value(cb_strings) names = {0};

    cb_strings_add(&names, container->name);
    if (whole)
        cb_links_to(container, listed->all, &names);
    return join_sorted(&names);
}

/* Its own and its image's. */
static void add_labels(json_t *row, const struct cb_container *container)
{
    cb_auto(cb_image_config) effective = cb_container_effective_config(container);
    cb_auto_json *config = cb_inspect_config(effective);
    cb_auto_value(cb_strings) lines = {0};
    cb_autofree char *text = NULL;
    json_t *labels = json_object(), *value;
    const char *key;

    json_object_update(labels, json_object_get(config, "Labels"));
    json_object_foreach(labels, key, value)
    {
        cb_strings_addf(&lines, "%s=%s", key, json_string_value(value));
    }
    text = join_sorted(&lines);
    json_object_set_new(row, "Labels", json_string_nocheck(text));
    json_object_set_new(row, "Label", labels);
}

static void add_mounts(json_t *row, const struct cb_container *container, int whole)
{
    cb_auto_value(cb_strbuf) mounts = {0};
    unsigned volumes = 0;

    cb_vec_foreach (mount, &container->mounts) {
        cb_auto_value(cb_strbuf) source = {0};

        cb_strbuf_adds(&source, mount->name ? mount->name : mount->source);
        if (!whole)
            shorten(&source, 15);
        cb_strbuf_addf(&mounts, "%s%s", mounts.len ? "," : "", cb_strbuf_text(&source));
        volumes += mount->name != NULL;
    }
    json_object_set_new(row, "Mounts", json_string(cb_strbuf_text(&mounts)));
    json_object_set_new(row, "LocalVolumes", json_sprintf("%u", volumes));
}

/* "12B (virtual 1.2MB)" */
static char *size_text(struct cb_store *store, const struct cb_container *container)
{
    int64_t whole, written = cb_container_bytes(store, container, &whole);
    cb_autofree char *own = cb_size_human((uint64_t)written);
    cb_autofree char *all = cb_size_human((uint64_t)whole);

    return xasprintf("%s (virtual %s)", own, all);
}

static int shows_size(const struct values *values)
{
    return values->size || (values->format && strstr(values->format, ".Size"));
}

/* Does NAME still mean the image ID? */
static int is_name_of(struct cb_store *store, const char *name, const char *id)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_image) image = NULL;
    cb_autofree char *canonical = NULL;
    struct cb_digest digest, meant;

    if (cb_digest_parse(&digest, id, NULL) < 0 ||
        cb_reference_parse(&reference, name, NULL) < 0)
        return 0;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    if (cb_ref_get(store, canonical, &meant, NULL) > 0 &&
        cb_digest_equal(&meant, &digest))
        return 1;
    return cb_image_get(store, &digest, &image, NULL) == 0 &&
           (cb_strings_contain(&image->platform_names, canonical) ||
            cb_strings_contain(&image->repo_digests, canonical));
}

/* The name that was typed, as long as it is the image's, as docker has it; else the id.
 */
static char *image_text(struct cb_store *store, const struct cb_container *container,
                        int whole)
{
    const char *name = container->options.request.image_name;
    const char *id = container->image_id, *hex = id;

    if (strncmp(id, "sha256:", strlen("sha256:")) == 0)
        hex += strlen("sha256:");
    if (!*hex || (name && is_name_of(store, name, id)))
        return xstrdup(name ? name : "");
    return whole ? xstrdup(id) : xasprintf("%.12s", hex);
}

static json_t *row_of(struct cb_store *store, const struct cb_listed_container *listed,
                      const struct values *values)
{
    const struct cb_container *container = listed->all->items[listed->index];
    const struct cb_run_request *request = &container->options.request;
    cb_autofree char *command = cb_container_command_text(container, values->no_trunc);
    cb_autofree char *status = cb_container_status_text(container);
    cb_autofree char *image = image_text(store, container, values->no_trunc);
    cb_autofree char *ports = cb_ps_ports(container);
    cb_autofree char *size = shows_size(values) ? size_text(store, container) : NULL;
    cb_autofree char *names = names_text(listed, values->no_trunc);
    cb_autofree char *networks = cb_joins_names(request);
    json_t *row = json_object();

    json_object_set_new(row, "Command", json_string(command));
    json_object_set_new(row, "ID",
                        json_sprintf("%.*s", values->no_trunc ? 64 : 12, container->id));
    json_object_set_new(row, "Image", json_string(image));
    json_object_set_new(row, "Names", json_string(names));
    json_object_set_new(row, "Networks", json_string(networks));
    json_object_set_new(row, "Ports", json_string(ports));
    json_object_set_new(row, "Size", json_string(size ? size : "0B"));
    json_object_set_new(row, "State",
                        json_string(cb_container_status_name(container->state.status)));
    json_object_set_new(row, "Status", json_string(status));
    add_times(row, container);
    add_labels(row, container);
    add_mounts(row, container, values->no_trunc);
    return row;
}

static int print(struct cb_store *store, const struct cb_containers *all,
                 const struct values *values, long last, struct cb_error **err)
{
    cb_auto_json *rows = json_array();
    cb_auto_value(cb_ancestors) ancestors = {0};
    int any =
        values->all || last > 0 || cb_container_filter_wants_ended(&values->filters);

    cb_ancestors_find(&ancestors, store, &values->filters);
    for (size_t i = 0; i < all->count; i++) {
        const struct cb_listed_container listed = {all, i, &ancestors};

        if ((!any && !cb_container_is_running(all->items[i])) ||
            (last > 0 && (long)json_array_size(rows) >= last) ||
            !cb_filter_takes(cb_container_filters, &values->filters, &listed))
            continue;
        json_array_append_new(rows, row_of(store, &listed, values));
    }
    return cb_listing_print(values->size ? &listing_with_size : &listing, values->format,
                            rows, err);
}

static int list(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_containers) all = {0};
    long last = values->latest ? 1 : 0;
    char *end;

    if (values->last) {
        last = strtol(values->last, &end, 10);
        if (end == values->last || *end)
            return cb_error_flag(err, values->last, "-n, --last", "expected a number");
    }
    if (cb_filter_check(cb_container_filters, CB_FILTER_LISTS, &values->filters, err) <
            0 ||
        cb_listing_check(&listing, values->format, err) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_containers_list(store, &all, err) < 0 ||
        cb_container_filter_check(&values->filters, &all, err) < 0)
        return -1;
    return print(store, &all, values, last, err);
}

/* Without a format there may be docker's default. */
static const struct values *with_format(struct cb_app *app, struct values *values)
{
    if (values->quiet)
        values->format =
            cb_listing_quiet(values->format, "{{.ID}}", "container_id: {{.ID}}");
    else
        values->format = cb_docker_config_format(app, values->format, "psFormat");
    return values;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return list(app, with_format(app, values), err);
}

const struct cb_cli_command cb_ps_command = {
    .name = "ps",
    .summary = "List containers",
    .usage = "ps [OPTIONS]",
    .options = options,
    .filters = cb_container_filters,
    .filter_flag = CB_FILTER_LISTS,
    .values_size = sizeof(struct values),
    .act = run,
};
