/* cbuild prune: makes room by removing build cache. */
#include "commands/cache-filter.h"
#include "commands/pruning.h"

#include "base/timestamp.h"
#include "commands/prompt.h"
#include "store/journal.h"

#include <stdio.h>

struct values {
    int all, force, verbose;
    struct cb_strings filters;
    const char *reserved, *max_used, *min_free, *builder, *timeout;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL,
     "Forget the cache's part in layers that images have too"},
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL}, /* of the only one */
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "DURATION", NULL},
    {"filter", 0, CB_OPTION_LIST, AT(filters), "FILTER",
     "Only until=DURATION (unused for so long), type=TYPE, id=ID, parent=ID, "
     "description=TEXT, inuse, shared or private"},
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Do not ask"},
    {"keep-storage", 0, CB_OPTION_TEXT, AT(reserved), "SIZE", NULL},
    {"max-used-space", 0, CB_OPTION_TEXT, AT(max_used), "SIZE",
     "Remove until the cache takes no more than this"},
    {"min-free-space", 0, CB_OPTION_TEXT, AT(min_free), "SIZE",
     "Remove until the disk has this much free"},
    {"reserved-space", 0, CB_OPTION_TEXT, AT(reserved), "SIZE",
     "Always leave this much of the cache (also --keep-storage)"},
    {"verbose", 0, CB_OPTION_FLAG, AT(verbose), NULL, "Say more about what is removed"},
    {0},
};

static int parse_size(uint64_t *out, const char *text, const char *option,
                      struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (!text || cb_size_parse(out, text, &cause) == 0)
        return 0;
    return cb_error_flag(err, text, option, "%s", cb_error_message(cause));
}

static int parse_values(struct cb_prune_options *out, const struct values *values,
                        struct cb_error **err)
{
    out->filter.all = values->all;
    if (cb_cache_filter_parse(&out->filter, &values->filters, err) < 0 ||
        parse_size(&out->reserved, values->reserved, "--reserved-space", err) < 0 ||
        parse_size(&out->max_used, values->max_used, "--max-used-space", err) < 0)
        return -1;
    return parse_size(&out->min_free, values->min_free, "--min-free-space", err);
}

/* Of what an image has too only the cache's part is gone: that is told, but not listed
 * among what was removed. */
static void print_removed(const struct cb_cache_items *removed, int verbose)
{
    size_t forgotten = 0;

    cb_vec_foreach (item, removed)
        forgotten += (size_t)item->shared;
    if (removed->count > forgotten && !verbose)
        cb_cache_print_columns();
    cb_vec_foreach (item, removed) {
        if (item->shared)
            continue;
        if (verbose)
            cb_cache_print_details(item);
        else
            cb_cache_print_row(item);
    }
    if (forgotten)
        printf("Forgotten: %zu step%s whose layers images have too\n", forgotten,
               forgotten == 1 ? "" : "s");
}

static int prune(struct cb_app *app, void *given, const struct cb_strings *args,
                 struct cb_error **err)
{
    const struct values *values = given;
    struct cb_prune_options wish = {0};
    cb_auto_value(cb_cache_items) removed = {0};
    cb_auto(cb_store) store = NULL;
    uint64_t freed = 0;

    if (parse_values(&wish, values, err) < 0)
        return -1;
    if (!values->force &&
        !cb_confirmed(values->all ? "all build cache" : "all dangling build cache"))
        return 0;
    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_store_prune(store, &wish, &removed, &freed, err) < 0)
        return -1;
    cb_journal_prune(store, "builder", freed);
    print_removed(&removed, values->verbose);
    cb_pruned_print_total(&(struct cb_pruned){.freed_bytes = freed});
    return 0;
}

const struct cb_cli_command cb_prune_command = {
    .name = "prune",
    .summary = "Remove build cache that nothing needs",
    .usage = "prune [OPTIONS]",
    .about =
        "The least recently used goes first; what an image, a container or a running\n"
        "build uses stays. Images stay too: `cbuild image prune` removes those without\n"
        "a name.",
    .options = options,
    .values_size = sizeof(struct values),
    .act = prune,
};
