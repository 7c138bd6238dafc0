/* cbuild system prune: all that nothing uses, in the order in which one thing lets go of
 * the next: containers, networks, volumes, images, build cache. */
#include "commands/pruning.h"

#include "base/timestamp.h"
#include "commands/filter.h"
#include "commands/prompt.h"
#include "store/gc.h"
#include "store/journal.h"
#include "store/prune.h"

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

/* Each part asks for them in its own table. */
static const struct cb_filter_key filters[] = {
    {"until", NULL, CB_FILTER_PRUNES | CB_FILTER_MOMENT, NULL},
    {"label", NULL, CB_FILTER_PRUNES, NULL},
    {"label!", NULL, CB_FILTER_PRUNES, NULL},
    {0},
};

/* By age alone: it has no labels. */
static int prune_cache(struct cb_store *store, const struct values *values,
                       uint64_t *freed_bytes, struct cb_error **err)
{
    struct cb_prune_options wish = {.filter = {.all = values->all}, .names = values->all};
    const char *until = cb_filter_value(&values->filters, "until");
    struct timespec limit, now = cb_timestamp_now();
    uint64_t freed = 0;

    if (cb_filter_value(&values->filters, "label") ||
        cb_filter_value(&values->filters, "label!"))
        return 0;
    if (until) {
        if (cb_moment_parse(&limit, until, err) < 0)
            return -1;
        wish.filter.unused_ns = (int64_t)(now.tv_sec - limit.tv_sec) * 1000000000 +
                                now.tv_nsec - limit.tv_nsec;
    }
    if (cb_store_prune(store, &wish, NULL, &freed, err) < 0)
        return -1;
    *freed_bytes += freed;
    return 0;
}

/* Closes what one part printed, and tells what it freed since *BEFORE. */
static void end_part(struct cb_store *store, const char *type, struct cb_pruned *pruned,
                     uint64_t *before)
{
    if (pruned->any)
        putchar('\n');
    pruned->any = 0;
    cb_journal_prune(store, type, pruned->freed_bytes - *before);
    *before = pruned->freed_bytes;
}

static int prune_all(struct cb_store *store, const struct values *values,
                     struct cb_cancel *cancel, struct cb_pruned *pruned,
                     struct cb_error **err)
{
    uint64_t freed = 0, before = pruned->freed_bytes;

    if (cb_prune_containers(store, &values->filters, cancel, pruned, err) < 0)
        return -1;
    end_part(store, "container", pruned, &before);
    if (cb_prune_networks(store, &values->filters, pruned, err) < 0)
        return -1;
    end_part(store, "network", pruned, &before);
    if (values->volumes) {
        if (cb_prune_volumes(store, &values->filters, 0, pruned, err) < 0)
            return -1;
        end_part(store, "volume", pruned, &before);
    }
    if (cb_prune_images(store, &values->filters, values->all, pruned, err) < 0)
        return -1;
    cb_journal_prune(store, "image", pruned->freed_bytes - before);
    before = pruned->freed_bytes;
    if (prune_cache(store, values, &pruned->freed_bytes, err) < 0 ||
        cb_store_gc(store, &freed, err) < 0)
        return -1;
    pruned->freed_bytes += freed;
    cb_journal_prune(store, "builder", pruned->freed_bytes - before);
    return 0;
}

static int confirmed(const struct values *values)
{
    cb_auto_value(cb_strbuf) what = {0};

    cb_strbuf_adds(&what, ":\n  - all stopped containers\n"
                          "  - all networks not used by at least one container\n");
    if (values->volumes)
        cb_strbuf_adds(&what, "  - all anonymous volumes not used by at least one "
                              "container\n");
    cb_strbuf_addf(&what, "  - %s\n  - %s build cache\n",
                   values->all
                       ? "all images without at least one container associated to them"
                       : "all dangling images",
                   values->all ? "all" : "unused");
    if (values->filters.count)
        cb_strbuf_adds(&what, "\n  Items to be pruned will be filtered with:\n");
    cb_vec_foreach (filter, &values->filters)
        cb_strbuf_addf(&what, "  - %s\n", *filter);
    return cb_confirmed(cb_strbuf_text(&what));
}

static int prune(struct cb_app *app, void *given, const struct cb_strings *args,
                 struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    struct cb_pruned pruned = {0};

    if (cb_filter_check(filters, CB_FILTER_PRUNES, &values->filters, err) < 0)
        return -1;
    if (!values->force && !confirmed(values))
        return 0;
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        prune_all(store, values, app->cancel, &pruned, err) < 0)
        return -1;
    cb_pruned_print_total(&pruned);
    return 0;
}

const struct cb_cli_command cb_system_prune_command = {
    .name = "system prune",
    .summary = "Remove all that nothing uses",
    .usage = "system prune [OPTIONS]",
    .about = "Containers that do not run, networks no container is on, images without a\n"
             "name that no container uses, and build cache. Volumes stay, but for\n"
             "anonymous ones with --volumes.",
    .options = options,
    .filters = filters,
    .filter_flag = CB_FILTER_PRUNES,
    .values_size = sizeof(struct values),
    .act = prune,
};
