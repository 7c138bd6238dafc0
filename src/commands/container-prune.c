/* cbuild container prune: containers that do not run. */
#include "commands/pruning.h"

#include "commands/container-filter.h"
#include "commands/prompt.h"
#include "container/create.h"
#include "container/files.h"
#include "container/remove.h"
#include "store/journal.h"

struct values {
    struct cb_strings filters;
    int force;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"filter", 0, CB_OPTION_LIST, AT(filters), "FILTER", "until=, label=, label!="},
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Do not ask"},
    {0},
};

/* What runs by now is left alone, and what somebody else has just removed is done. */
static int is_settled(const struct cb_error *error)
{
    return cb_error_kind(error) == CB_ERR_EXISTS ||
           cb_error_kind(error) == CB_ERR_NOT_FOUND;
}

static int remove_one(struct cb_store *store, struct cb_container *container,
                      struct cb_cancel *cancel, struct cb_pruned *out,
                      struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    uint64_t bytes = (uint64_t)cb_container_bytes(store, container, NULL);

    if (cb_container_remove_ended(store, container, 0, cancel, &error) < 0)
        return is_settled(error) ? 0 : cb_error_move(err, &error);
    cb_pruned_tell(out, "Deleted Containers:", container->id);
    out->freed_bytes += bytes;
    return 0;
}

static int sweep(struct cb_store *store, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (cb_containers_lock(store, &lock, &dir, err) < 0)
        return -1;
    cb_containers_sweep(store, dir);
    return 0;
}

int cb_prune_containers(struct cb_store *store, const struct cb_strings *filters,
                        struct cb_cancel *cancel, struct cb_pruned *out,
                        struct cb_error **err)
{
    cb_auto_value(cb_containers) all = {0};

    if (sweep(store, err) < 0 || cb_containers_list(store, &all, err) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++) {
        const struct cb_listed_container listed = {&all, i, NULL};

        if (!cb_container_is_running(all.items[i]) &&
            !cb_container_is_being_made(all.items[i]) &&
            cb_filter_takes(cb_container_filters, filters, &listed) &&
            remove_one(store, all.items[i], cancel, out, err) < 0)
            return -1;
    }
    return 0;
}

static int prune(struct cb_app *app, void *given, const struct cb_strings *args,
                 struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    struct cb_pruned pruned = {0};

    if (cb_filter_check(cb_container_filters, CB_FILTER_PRUNES, &values->filters, err) <
        0)
        return -1;
    if (!values->force && !cb_confirmed("all stopped containers"))
        return 0;
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_prune_containers(store, &values->filters, app->cancel, &pruned, err) < 0)
        return -1;
    cb_journal_prune(store, "container", pruned.freed_bytes);
    cb_pruned_print_total(&pruned);
    return 0;
}

const struct cb_cli_command cb_container_prune_command = {
    .name = "container prune",
    .summary = "Remove containers that do not run",
    .usage = "container prune [OPTIONS]",
    .options = options,
    .filters = cb_container_filters,
    .filter_flag = CB_FILTER_PRUNES,
    .values_size = sizeof(struct values),
    .act = prune,
};
