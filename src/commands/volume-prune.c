/* cbuild volume prune: volumes that no container has. */
#include "commands/pruning.h"

#include "commands/prompt.h"
#include "commands/volume.h"
#include "store/journal.h"

#include <errno.h>

struct values {
    struct cb_strings filters;
    int all, force;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Also those that have a name"},
    {"filter", 0, CB_OPTION_LIST, AT(filters), "KEY=VALUE",
     "Only those with label=KEY[=VALUE], or without (label!=...)"},
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Do not ask"},
    {0},
};

/* One that a container is being made with stays. */
static int remove_one(struct cb_store *store, const struct cb_volume *volume,
                      struct cb_scratch **aside, struct cb_pruned *out,
                      struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_volume_take_out(store, volume->name, aside, &error) < 0)
        return cb_error_errnum(error) == EBUSY ? 0 : cb_error_move(err, &error);
    cb_pruned_tell(out, "Deleted Volumes:", volume->name);
    return 0;
}

/* The lock keeps containers from being made for what goes. */
static int take_out(struct cb_store *store, const struct cb_strings *filters, int all,
                    struct cb_scratch **aside, struct cb_pruned *out,
                    struct cb_error **err)
{
    cb_auto_value(cb_volumes) volumes = {0};
    cb_auto_value(cb_containers) containers = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (cb_containers_lock(store, &lock, &dir, err) < 0 ||
        cb_volumes_list(store, &volumes, err) < 0 ||
        cb_containers_list(store, &containers, err) < 0)
        return -1;
    cb_vec_foreach (slot, &volumes) {
        const struct cb_listed_volume listed = {*slot, &containers};

        if ((listed.volume->anonymous || all) &&
            !cb_volume_links(listed.volume, &containers) &&
            cb_filter_takes(cb_volume_filters, filters, &listed) &&
            remove_one(store, listed.volume, aside, out, err) < 0)
            return -1;
    }
    return 0;
}

int cb_prune_volumes(struct cb_store *store, const struct cb_strings *filters, int all,
                     struct cb_pruned *out, struct cb_error **err)
{
    cb_auto(cb_scratch) aside = NULL;
    int status;

    cb_volumes_sweep(store);
    status = take_out(store, filters, all, &aside, out, err);
    if (aside)
        out->freed_bytes += cb_volumes_bytes_aside(aside);
    return status;
}

static int prune(struct cb_app *app, void *given, const struct cb_strings *args,
                 struct cb_error **err)
{
    const struct values *values = given;
    const char *filter_all = cb_filter_value(&values->filters, "all");
    int all = filter_all ? cb_filter_is_true(filter_all) : values->all;
    cb_auto(cb_store) store = NULL;
    struct cb_pruned pruned = {0};

    if (cb_filter_check(cb_volume_filters, CB_FILTER_PRUNES, &values->filters, err) < 0)
        return -1;
    if (!values->force &&
        !cb_confirmed(all ? "all local volumes not used by at least one container"
                          : "anonymous local volumes not used by at least one container"))
        return 0;
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_prune_volumes(store, &values->filters, all, &pruned, err) < 0)
        return -1;
    cb_journal_prune(store, "volume", pruned.freed_bytes);
    cb_pruned_print_total(&pruned);
    return 0;
}

const struct cb_cli_command cb_volume_prune_command = {
    .name = "volume prune",
    .summary = "Remove the volumes nobody named that no container has",
    .usage = "volume prune [OPTIONS]",
    .options = options,
    .filters = cb_volume_filters,
    .filter_flag = CB_FILTER_PRUNES,
    .values_size = sizeof(struct values),
    .act = prune,
};
