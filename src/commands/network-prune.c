/* cbuild network prune: networks that no container is on, and what stays on the host for
 * the next container. */
#include "commands/pruning.h"

#include "commands/network.h"
#include "commands/prompt.h"
#include "store/journal.h"

struct values {
    struct cb_strings filters;
    int force;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"filter", 0, CB_OPTION_LIST, AT(filters), "KEY=VALUE",
     "Only those with label=KEY[=VALUE], without (label!=...), or made until=TIME"},
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Do not ask"},
    {0},
};

int cb_prune_networks(struct cb_store *store, const struct cb_strings *filters,
                      struct cb_pruned *out, struct cb_error **err)
{
    cb_auto_value(cb_network_defs) all = {0};
    cb_autofree char *dir = xasprintf("%s/networks", cb_store_root(store));

    if (cb_networks_list(dir, &all, err) < 0)
        return -1;
    cb_vec_foreach (slot, &all) {
        const struct cb_network_def *def = *slot;
        cb_auto(cb_error) error = NULL;

        if (def->predefined || def->config_only || cb_network_is_used(def) ||
            !cb_filter_takes(cb_network_filters, filters, def))
            continue;
        if (cb_networks_remove(dir, def->id, &error) == 0) {
            cb_network_tell(store, "destroy", def, NULL);
            cb_pruned_tell(out, "Deleted Networks:", def->name);
        } else if (cb_error_kind(error) != CB_ERR_EXISTS &&
                   cb_error_kind(error) != CB_ERR_NOT_FOUND) { /* another was faster */
            return cb_error_move(err, &error);
        }
    }
    return cb_networks_clear_host(dir, err);
}

static int prune(struct cb_app *app, void *given, const struct cb_strings *args,
                 struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    struct cb_pruned pruned = {0};

    if (cb_filter_check(cb_network_filters, CB_FILTER_PRUNES, &values->filters, err) < 0)
        return -1;
    if (!values->force &&
        !cb_confirmed("all custom networks not used by at least one container"))
        return 0;
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_prune_networks(store, &values->filters, &pruned, err) < 0)
        return -1;
    cb_journal_prune(store, "network", 0);
    if (pruned.any)
        putchar('\n');
    return 0;
}

const struct cb_cli_command cb_network_prune_command = {
    .name = "network prune",
    .summary = "Remove all networks that no container is on",
    .usage = "network prune [OPTIONS]",
    .options = options,
    .filters = cb_network_filters,
    .filter_flag = CB_FILTER_PRUNES,
    .values_size = sizeof(struct values),
    .act = prune,
};
