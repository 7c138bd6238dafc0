/* The words that choose parts of the cache, and how a part is shown. */
#include "commands/cache-filter.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ── Choosing ── */

static int invalid(const char *text, const char *why, struct cb_error **err)
{
    return strchr(text, '=') ? cb_error_argument(err, text, "--filter", "%s", why)
                             : cb_error_flag(err, text, "--filter", "%s", why);
}

static int parse_type(struct cb_cache_filter *out, const char *text, const char *value,
                      struct cb_error **err)
{
    enum cb_item_type type;

    if (!cb_item_type_parse(&type, value))
        return invalid(text,
                       "expected type=regular, exec.cachemount, source.git.checkout, "
                       "source.local or build.log",
                       err);
    out->types |= 1u << type;
    return 0;
}

static int parse_age(struct cb_cache_filter *out, const char *text, const char *value,
                     struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (cb_duration_parse(&out->unused_ns, value, &cause) == 0 && out->unused_ns >= 0)
        return 0;
    return invalid(text, "expected a duration, as until=24h", err);
}

/* "inuse", "inuse=true", "inuse=false". */
static int parse_wish(enum cb_wish *out, int opposite, const char *text,
                      const char *value, struct cb_error **err)
{
    int yes = !*value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

    if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return invalid(text, "expected true or false", err);
    *out = yes != opposite ? CB_ONLY : CB_WITHOUT;
    return 0;
}

static int parse_one(struct cb_cache_filter *out, const char *text, struct cb_error **err)
{
    size_t len = strcspn(text, "=");
    cb_autofree char *name = xstrndup(text, len);
    const char *value = text[len] ? text + len + 1 : "";

    if (strcmp(name, "until") == 0 || strcmp(name, "unused-for") == 0)
        return parse_age(out, text, value, err);
    if (strcmp(name, "type") == 0)
        return parse_type(out, text, value, err);
    if (strcmp(name, "inuse") == 0)
        return parse_wish(&out->in_use, 0, text, value, err);
    if (strcmp(name, "shared") == 0)
        return parse_wish(&out->shared, 0, text, value, err);
    if (strcmp(name, "private") == 0)
        return parse_wish(&out->shared, 1, text, value, err);
    if (strcmp(name, "id") == 0)
        out->id = value;
    else if (strcmp(name, "parent") == 0 || strcmp(name, "parents") == 0)
        out->parent = value;
    else if (strcmp(name, "description") == 0)
        out->description = value;
    else
        return invalid(text,
                       "expected until, type, id, parent, description, inuse, shared or "
                       "private",
                       err);
    return 0;
}

int cb_cache_filter_parse(struct cb_cache_filter *out, const struct cb_strings *filters,
                          struct cb_error **err)
{
    for (size_t i = 0; i < filters->count; i++)
        if (parse_one(out, filters->items[i], err) < 0)
            return -1;
    return 0;
}

/* ── Showing ── */

static char *age_of(int64_t used_ns)
{
    cb_autofree char *age = NULL;

    if (!used_ns)
        return xstrdup("");
    age = cb_duration_human((int64_t)time(NULL) - used_ns / 1000000000);
    return xasprintf("%s ago", age);
}

static int is_reclaimable(const struct cb_cache_item *item)
{
    return !item->in_use && !item->shared;
}

void cb_cache_print_columns(void)
{
    printf("%-32s  %-11s  %-9s  %s\n", "ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED");
}

void cb_cache_print_row(const struct cb_cache_item *item)
{
    cb_autofree char *size = cb_size_human(item->bytes);
    cb_autofree char *age = age_of(item->used_ns);
    cb_autofree char *shown = xasprintf("%s%s", size, item->shared ? "*" : "");

    printf("%-32.32s  %-11s  %-9s  %s\n", item->id,
           is_reclaimable(item) ? "true" : "false", shown, age);
}

void cb_cache_print_details(const struct cb_cache_item *item)
{
    cb_autofree char *size = cb_size_human(item->bytes);
    cb_autofree char *age = age_of(item->used_ns);
    cb_auto_value(cb_strbuf) description = {0};
    struct timespec created = {.tv_sec = (time_t)(item->created_ns / 1000000000)};
    char text[CB_TIMESTAMP_MAX];

    cb_strbuf_add_escaped(&description, item->description, strlen(item->description), 0);
    printf("ID:           %s\n", item->id);
    if (*item->parent)
        printf("Parent:       %s\n", item->parent);
    printf("Created at:   %s\n", cb_timestamp_format(created, text));
    printf("Reclaimable:  %s\n", is_reclaimable(item) ? "true" : "false");
    printf("In use:       %s\n", item->in_use ? "true" : "false");
    printf("Shared:       %s\n", item->shared ? "true" : "false");
    printf("Size:         %s\n", size);
    if (description.len)
        printf("Description:  %s\n", description.text);
    if (*age)
        printf("Last used:    %s\n", age);
    printf("Type:         %s\n\n", cb_item_type_name(item->type));
}
