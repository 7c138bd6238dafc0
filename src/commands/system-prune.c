/* cbuild system prune: all that nothing uses, in the order in which one thing lets go of
 * the next: containers, networks, volumes, images, build cache. */
#include "commands/commands.h"

#include "base/timestamp.h"
#include "commands/image-prune.h"
#include "commands/network.h"
#include "container/create.h"
#include "container/files.h"
#include "container/volume.h"
#include "store/gc.h"
#include "store/prune.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_strings filters;
    int all, force, volumes;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL,
     "Remove all images that no container uses, not only those without a name"},
    {"filter", 0, CB_OPTION_LIST, AT(filters), "FILTER",
     "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]"},
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Do not ask"},
    {"volumes", 0, CB_OPTION_FLAG, AT(volumes), NULL,
     "Remove anonymous volumes that no container has, too"},
    {0},
};

static const char *const filter_keys[] = {"until", "label", "label!", NULL};

struct pruning {
    const struct values *values;
    struct cb_store *store;
    struct cb_image_filter filter; /* for containers and volumes, too */
    uint64_t freed;
};
static void pruning_clear(struct pruning *pruning)
{
    cb_image_filter_clear(&pruning->filter);
    cb_store_close(pruning->store);
}
CB_AUTO_VALUE_DEFINE(pruning, pruning_clear)

/* ── Filters ── */

static int has_label(const struct cb_strings *labels, const char *wanted)
{
    cb_autofree char *key = xstrndup(wanted, strcspn(wanted, "="));
    const char *value = cb_env_get(labels, key), *equals = strchr(wanted, '=');

    return value && (!equals || strcmp(value, equals + 1) == 0);
}

static int takes(const struct pruning *pruning, const struct cb_strings *labels,
                 const char *created)
{
    const struct cb_image_filter *filter = &pruning->filter;
    struct timespec time = {0};

    if (filter->until_ns && cb_timestamp_parse(&time, created, NULL) == 0 &&
        (int64_t)time.tv_sec * 1000000000 + time.tv_nsec >= filter->until_ns)
        return 0;
    cb_vec_foreach (wanted, &filter->labels) {
        if (!has_label(labels, *wanted))
            return 0;
    }
    cb_vec_foreach (unwanted, &filter->not_labels) {
        if (has_label(labels, *unwanted))
            return 0;
    }
    return 1;
}

/* ── Parts ── */

static void told(int *any, const char *heading, const char *name)
{
    if (!*any)
        printf("%s\n", heading);
    *any = 1;
    printf("%s\n", name);
}

/* One that is started meanwhile stays. */
static int remove_container(struct pruning *pruning, struct cb_container *container,
                            struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    uint64_t bytes = (uint64_t)cb_container_bytes(pruning->store, container, NULL);

    if (cb_lock_try(&lock, container->dir_fd, "monitor.lock", CB_LOCK_EXCLUSIVE, NULL) <=
        0)
        return 0;
    if (cb_container_remove(pruning->store, container, 0, err) < 0)
        return -1;
    pruning->freed += bytes;
    return 1;
}

static int prune_containers(struct pruning *pruning, struct cb_error **err)
{
    cb_auto_value(cb_containers) all = {0};
    int any = 0;

    if (cb_containers_list(pruning->store, &all, err) < 0)
        return -1;
    cb_vec_foreach (slot, &all) {
        struct cb_container *container = *slot;
        int removed;

        if (cb_container_is_running(container) ||
            !takes(pruning, &container->options.labels, container->created))
            continue;
        removed = remove_container(pruning, container, err);
        if (removed < 0)
            return -1;
        if (removed)
            told(&any, "Deleted Containers:", container->id);
    }
    if (any)
        putchar('\n');
    return 0;
}

static int prune_networks(const struct pruning *pruning, struct cb_error **err)
{
    cb_auto_value(cb_network_defs) all = {0};
    cb_autofree char *dir = xasprintf("%s/networks", cb_store_root(pruning->store));
    int any = 0;

    if (cb_networks_list(dir, &all, err) < 0)
        return -1;
    cb_vec_foreach (slot, &all) {
        const struct cb_network_def *def = *slot;

        if (def->predefined || cb_network_is_used(def) ||
            !takes(pruning, &def->labels, def->created))
            continue;
        if (cb_networks_remove(dir, def->id, err) < 0)
            return -1;
        told(&any, "Deleted Networks:", def->name);
    }
    if (any)
        putchar('\n');
    return 0;
}

static int prune_volumes(struct pruning *pruning, struct cb_error **err)
{
    cb_auto_value(cb_volumes) all = {0};
    int any = 0;

    if (!pruning->values->volumes)
        return 0;
    if (cb_volumes_list(pruning->store, &all, err) < 0)
        return -1;
    cb_vec_foreach (slot, &all) {
        const struct cb_volume *volume = *slot;
        uint64_t bytes = cb_volume_bytes(pruning->store, volume);

        if (!volume->anonymous || !takes(pruning, &volume->labels, volume->created) ||
            cb_volume_remove(pruning->store, volume->name, NULL) < 0)
            continue; /* a container has it */
        pruning->freed += bytes;
        told(&any, "Deleted Volumes:", volume->name);
    }
    if (any)
        putchar('\n');
    return 0;
}

static int prune_cache(struct pruning *pruning, struct cb_error **err)
{
    struct cb_prune_options wish = {.filter = {.all = pruning->values->all}};
    uint64_t freed = 0;

    if (pruning->filter.labels.count || pruning->filter.not_labels.count)
        return 0; /* it has none */
    if (pruning->filter.until_ns) {
        struct timespec now = cb_timestamp_now();

        wish.filter.unused_ns =
            (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - pruning->filter.until_ns;
    }
    if (cb_store_prune(pruning->store, &wish, NULL, &freed, err) < 0)
        return -1;
    pruning->freed += freed;
    return 0;
}

/* ── The command ── */

static int confirmed(const struct values *values)
{
    cb_auto_value(cb_strbuf) what = {0};

    cb_strbuf_addf(&what,
                   "all stopped containers, all networks not used by at least one "
                   "container, %s%s and %sbuild cache",
                   values->volumes ? "all anonymous volumes not used by at least one "
                                     "container, "
                                   : "",
                   values->all
                       ? "all images without at least one container associated to them"
                       : "all dangling images",
                   values->all ? "all " : "unused ");
    return cb_confirmed(cb_strbuf_text(&what));
}

static int prune(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto_value(pruning) pruning = {.values = values};
    cb_autofree char *size = NULL;
    uint64_t freed = 0;
    int any = 0;

    if (cb_app_store(app, 1, &pruning.store, err) < 0 ||
        cb_image_filter_parse(&pruning.filter, &values->filters, filter_keys,
                              pruning.store, err) < 0)
        return -1;
    if (!values->force && !confirmed(values))
        return 0;
    if (prune_containers(&pruning, err) < 0 || prune_networks(&pruning, err) < 0 ||
        prune_volumes(&pruning, err) < 0 ||
        cb_images_prune(pruning.store, &pruning.filter, values->all, &any, err) < 0 ||
        prune_cache(&pruning, err) < 0 || cb_store_gc(pruning.store, &freed, err) < 0)
        return -1;
    size = cb_total_human(pruning.freed + freed);
    printf("%sTotal reclaimed space: %s\n", any ? "\n" : "", size);
    return 0;
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {0};
    int status =
        cb_options_parse(&cb_system_prune_command, argc, argv, 0, &values, &args, err);

    if (status > 0)
        status = 0;
    else if (status == 0 &&
             (status = cb_app_arguments(&cb_system_prune_command, &args, 0, 0, err)) == 0)
        status = prune(app, &values, err);
    cb_strings_free(&values.filters);
    return status;
}

const struct cb_cli_command cb_system_prune_command = {
    .name = "system prune",
    .summary = "Remove all that nothing uses",
    .usage = "system prune [OPTIONS]",
    .about = "Containers that do not run, networks no container is on, images without a\n"
             "name that no container uses, and build cache. Volumes stay, but for\n"
             "anonymous ones with --volumes.",
    .options = options,
    .run = run,
};
