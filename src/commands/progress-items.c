/* How far the items of a step are, told line by line: a long download is heard of now and
 * then, as BuildKit tells of it, a short one only when it is done. */
#include "commands/display.h"

#include "base/timestamp.h"

#include <string.h>

#define FIRST_NS INT64_C(1000000000) /* nothing is told of what is done by then */
#define QUIET_NS INT64_C(5000000000) /* nor is anything silent for longer, */
#define LEAST_NS INT64_C(1000000000) /* or told of more often */
#define SHARE    20                  /* of the whole, which is worth a line */
#define WORTH_NS INT64_C(10000000)   /* a time to be told */

struct item {
    int64_t start_ns, told_ns; /* told_ns 0: nothing was */
    uint64_t told_bytes;
};

static int is_due(const struct item *item, const struct cb_event *event)
{
    int64_t since = event->time_ns - (item->told_ns ? item->told_ns : item->start_ns);

    if (!event->current || since < (item->told_ns ? LEAST_NS : FIRST_NS))
        return 0;
    return !item->told_ns || since >= QUIET_NS ||
           (event->total && event->current - item->told_bytes >= event->total / SHARE);
}

static struct item *item_of(struct cb_map **items, const struct cb_event *event)
{
    struct item *item;

    if (!*items)
        *items = cb_map_new(free);
    item = cb_map_get(*items, event->item);
    if (item)
        return item;
    item = xcalloc(1, sizeof(*item));
    item->start_ns = event->time_ns;
    cb_map_set(*items, event->item, item);
    return item;
}

static void add_size(struct cb_strbuf *out, const struct cb_event *event)
{
    cb_autofree char *current = cb_size_human(event->current);
    cb_autofree char *total = cb_size_human(event->total);

    if (event->total && !(event->text && event->done))
        cb_strbuf_addf(out, " %s / %s", current, total);
    else if (event->current)
        cb_strbuf_addf(out, " %s", current);
}

int cb_progress_item(struct cb_map **items, const struct cb_event *event,
                     struct cb_strbuf *out)
{
    struct item *item = item_of(items, event);
    int64_t took = event->time_ns - item->start_ns;
    char seconds[32];

    if (!event->done && !is_due(item, event))
        return 0;
    cb_strbuf_add_escaped(out, event->item, strlen(event->item), 0);
    if (event->text)
        cb_strbuf_addf(out, ": %s", event->text);
    add_size(out, event);
    if (took > WORTH_NS && !(event->text && event->done))
        cb_strbuf_addf(out, " %s", cb_progress_seconds(took, seconds));
    if (event->done) {
        cb_strbuf_adds(out, event->text ? "" : " done");
        cb_map_remove(*items, event->item);
        return 1;
    }
    item->told_ns = event->time_ns;
    item->told_bytes = event->current;
    return 1;
}
