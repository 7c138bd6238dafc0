/* Plans for several platforms are made of one Dockerfile and warn of the same things: a
 * sink that lets each warning pass once. */
#include "engine/engine-priv.h"

#include "base/map.h"

#include <pthread.h>

struct cb_once {
    struct cb_event_sink sink; /* first: the sink handed out */
    struct cb_event_sink *next;
    pthread_mutex_t lock; /* seen */
    struct cb_map *seen;  /* warnings */
};

static int is_new(struct cb_once *once, const struct cb_event *event)
{
    cb_autofree char *key = xasprintf("%s:%zu:%.*s", event->rule ? event->rule : "",
                                      (size_t)event->span.start, (int)event->len,
                                      event->text ? event->text : "");
    int seen;

    pthread_mutex_lock(&once->lock);
    seen = cb_map_has(once->seen, key);
    if (!seen)
        cb_map_set(once->seen, key, once);
    pthread_mutex_unlock(&once->lock);
    return !seen;
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct cb_once *once = (struct cb_once *)sink;

    if (event->kind != CB_EVENT_WARNING || is_new(once, event))
        cb_event_emit(once->next, *event);
}

struct cb_once *cb_once_new(struct cb_event_sink *next)
{
    struct cb_once *once = xcalloc(1, sizeof(*once));

    once->sink.emit = emit;
    once->next = next;
    pthread_mutex_init(&once->lock, NULL);
    once->seen = cb_map_new(NULL);
    return once;
}

struct cb_event_sink *cb_once_sink(struct cb_once *once)
{
    return &once->sink;
}

void cb_once_free(struct cb_once *once)
{
    if (!once)
        return;
    cb_map_free(once->seen);
    pthread_mutex_destroy(&once->lock);
    free(once);
}
