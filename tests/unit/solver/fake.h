/* Ops and results made of text, a sink that keeps what it is told, and a cache that can
 * lose entries. A step's result is its `makes` text, or else "name(inputs' texts)". The
 * text "a=1;b=2" has selections "a" and "b". */
#ifndef TESTS_UNIT_SOLVER_FAKE_H
#define TESTS_UNIT_SOLVER_FAKE_H

#include "solver/solver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

struct fake_result {
    struct cb_result base;
    char *text;
};

struct fake {
    const char *name;
    const char *value; /* of its one key part, "value" */
    const char *makes;
    int uncacheable;
    unsigned wants_content; /* bit per input */
    const char *selector;   /* of all inputs */
    const char *label;
    const char *map_error;
    int (*hook)(struct fake *fake, struct cb_exec_context *context,
                struct cb_error **err);
    void *arg;
    size_t input_count;
    atomic_int maps, runs, digests;
};

static inline void fake_result_free(struct cb_result *result)
{
    struct fake_result *fake = (struct fake_result *)result;

    free(fake->text);
    free(fake);
}

static inline const char *fake_text(const struct cb_result *result)
{
    return ((const struct fake_result *)result)->text;
}

static inline int fake_content_digest(struct cb_result *result, const char *selector,
                                      struct cb_pool *pool, struct cb_cancel *cancel,
                                      struct cb_digest *out, struct cb_error **err)
{
    const char *text = fake_text(result), *at = text;
    cb_autofree char *key = selector ? xasprintf("%s=", selector) : NULL;

    if (key) {
        at = strstr(text, key);
        if (!at)
            return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s`: no such file", selector);
        at += strlen(key);
    }
    *out = cb_digest_of(at, key ? strcspn(at, ";") : strlen(at));
    return 0;
}

/* The selection with its value. */
static inline char *fake_listing(struct cb_result *result, const char *selector)
{
    cb_autofree char *key = xasprintf("%s=", selector ? selector : "");
    const char *at = selector ? strstr(fake_text(result), key) : NULL;

    if (!at)
        return NULL;
    at += strlen(key);
    return xasprintf("value=%.*s \"%s\"\n", (int)strcspn(at, ";"), at, selector);
}

static inline struct cb_result *fake_result_new(char *text)
{
    static const struct cb_result_class class = {.name = "fake",
                                                 .free = fake_result_free,
                                                 .content_digest = fake_content_digest,
                                                 .listing = fake_listing};
    struct fake_result *result = xcalloc(1, sizeof(*result));

    result->base.class = &class;
    result->base.refs = 1;
    result->base.identity = cb_digest_of(text, strlen(text));
    result->text = text;
    return &result->base;
}

static inline int fake_map(void *payload, struct cb_cache_map *map,
                           struct cb_cancel *cancel, struct cb_error **err)
{
    struct fake *fake = payload;

    atomic_fetch_add(&fake->maps, 1);
    if (fake->map_error)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "%s", fake->map_error);
    cb_key_parts_add(&map->parts, "value", fake->value);
    map->uncacheable = fake->uncacheable;
    map->inputs = xcalloc(fake->input_count + 1, sizeof(*map->inputs));
    for (size_t i = 0; i < fake->input_count; i++) {
        map->inputs[i].wants_content = (fake->wants_content >> i) & 1;
        map->inputs[i].selector = fake->selector;
        map->inputs[i].label = fake->label;
    }
    return 0;
}

static inline int fake_exec(void *payload, struct cb_exec_context *context,
                            struct cb_result **out, struct cb_error **err)
{
    struct fake *fake = payload;
    cb_auto_value(cb_strbuf) text = {0};

    atomic_fetch_add(&fake->runs, 1);
    if (fake->hook && fake->hook(fake, context, err) < 0)
        return -1;
    if (fake->makes) {
        cb_strbuf_adds(&text, fake->makes);
    } else {
        cb_strbuf_addf(&text, "%s(", fake->name);
        for (size_t i = 0; i < context->input_count; i++)
            cb_strbuf_addf(&text, "%s%s", i ? "," : "", fake_text(context->inputs[i]));
        cb_strbuf_addc(&text, ')');
    }
    *out = fake_result_new(cb_strbuf_steal(&text));
    return 0;
}

static const struct cb_op_class fake_op = {
    .name = "fake", .pool = CB_POOL_CPU, .cache_map = fake_map, .exec = fake_exec};
static const struct cb_op_class fake_cheap_op = {.name = "fake",
                                                 .pool = CB_POOL_CPU,
                                                 .cache_map = fake_map,
                                                 .exec = fake_exec,
                                                 .cheap_map = 1};

/* Fills options; the caller may change them before cb_graph_add. */
static inline struct cb_vertex_options
fake_options(struct fake *fake, const struct cb_edge *inputs, size_t input_count)
{
    fake->input_count = input_count;
    return (struct cb_vertex_options){
        .op = &fake_op,
        .payload = fake,
        .definition = cb_digest_of(fake->name, strlen(fake->name)),
        .inputs = inputs,
        .input_count = input_count,
        .name = fake->name,
    };
}

static inline struct cb_edge fake_add(struct cb_graph *graph,
                                      const struct cb_vertex_options *options)
{
    struct cb_edge edge;

    assert_int_equal(cb_graph_add(graph, options, &edge, NULL), 0);
    return edge;
}

/* fake_vertex(graph, &fake, a, b): the inputs are edges. */
#define fake_vertex(graph, fake, ...)                                            \
    ({                                                                           \
        const struct cb_edge inputs_[] = {__VA_ARGS__};                          \
        size_t count_ = sizeof(inputs_) / sizeof(struct cb_edge);                \
        struct cb_vertex_options options_ = fake_options(fake, inputs_, count_); \
        fake_add(graph, &options_);                                              \
    })

/* ── Events, as lines: "START a", "CACHED a" ── */
struct fake_sink {
    struct cb_event_sink base;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct cb_strbuf text;
    struct cb_strings names; /* by order of START */
    uint64_t ids[4096];
    struct cb_strbuf inputs; /* "c<-a,b " of each step that ended */
};

static inline const char *fake_sink_name(struct fake_sink *sink, uint64_t id)
{
    for (size_t i = 0; i < sink->names.count; i++)
        if (sink->ids[i] == id)
            return sink->names.items[i];
    return "?";
}

static inline void fake_emit(struct cb_event_sink *base, const struct cb_event *event)
{
    static const char *const words[] = {
        [CB_EVENT_STEP_START] = "START",       [CB_EVENT_STEP_LOG] = "LOG",
        [CB_EVENT_STEP_STATUS] = "STATUS",     [CB_EVENT_STEP_CACHED] = "CACHED",
        [CB_EVENT_STEP_DONE] = "DONE",         [CB_EVENT_STEP_ERROR] = "ERROR",
        [CB_EVENT_STEP_CANCELED] = "CANCELED", [CB_EVENT_WARNING] = "WARNING",
        [CB_EVENT_NOTICE] = "NOTICE",          [CB_EVENT_MISS] = "MISS",
    };
    struct fake_sink *sink = (struct fake_sink *)base;

    pthread_mutex_lock(&sink->lock);
    if (event->kind == CB_EVENT_STEP_START) {
        sink->ids[sink->names.count] = event->id;
        cb_strings_add(&sink->names, event->name);
    }
    cb_strbuf_adds(&sink->text, words[event->kind]);
    if (event->id)
        cb_strbuf_addf(&sink->text, " %s", fake_sink_name(sink, event->id));
    if (event->text)
        cb_strbuf_addf(&sink->text, ": %s", event->text);
    if (event->input_count)
        cb_strbuf_addf(&sink->inputs, "%s<-", fake_sink_name(sink, event->id));
    for (size_t i = 0; i < event->input_count; i++)
        cb_strbuf_addf(&sink->inputs, "%s%c", fake_sink_name(sink, event->inputs[i]),
                       i + 1 < event->input_count ? ',' : ' ');
    cb_strbuf_addc(&sink->text, '\n');
    pthread_cond_broadcast(&sink->more);
    pthread_mutex_unlock(&sink->lock);
}

static inline void fake_sink_open(struct fake_sink *sink)
{
    memset(sink, 0, sizeof(*sink));
    sink->base.emit = fake_emit;
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->more, NULL);
}

static inline void fake_sink_clear(struct fake_sink *sink)
{
    cb_strbuf_truncate(&sink->text, 0);
    cb_strbuf_truncate(&sink->inputs, 0);
    cb_strings_free(&sink->names);
}

static inline void fake_sink_close(struct fake_sink *sink)
{
    cb_strbuf_free(&sink->text);
    cb_strbuf_free(&sink->inputs);
    cb_strings_free(&sink->names);
    pthread_cond_destroy(&sink->more);
    pthread_mutex_destroy(&sink->lock);
}

/* Waits until the events hold TEXT. */
static inline void fake_sink_await(struct fake_sink *sink, const char *text)
{
    pthread_mutex_lock(&sink->lock);
    while (!strstr(cb_strbuf_text(&sink->text), text))
        pthread_cond_wait(&sink->more, &sink->lock);
    pthread_mutex_unlock(&sink->lock);
}

/* ── A cache that counts, and forgets on demand ── */
struct fake_cache {
    struct cb_cache_store base;
    struct cb_cache_store *memory;
    atomic_int lookups, loads, aliases, saves;
    int lose; /* so many loads find nothing; the entry is then no longer found */
    int lose_stubbornly; /* … but is found again and again */
    struct cb_digest lost[8];
    int lost_count;
};

static inline struct cb_cache_store *fake_cache_memory(struct cb_cache_store *store)
{
    return ((struct fake_cache *)store)->memory;
}

static inline int fake_cache_lookup(struct cb_cache_store *store,
                                    const struct cb_digest *key,
                                    const struct cb_digest *foreign,
                                    struct cb_cache_entry *out, struct cb_error **err)
{
    struct cb_cache_store *memory = fake_cache_memory(store);

    struct fake_cache *fake = (struct fake_cache *)store;
    int found = memory->class->lookup(memory, key, foreign, out, err);

    atomic_fetch_add(&fake->lookups, 1);
    for (int i = 0; found > 0 && i < fake->lost_count; i++) {
        if (cb_digest_equal(&fake->lost[i], &out->identity)) {
            cb_cache_entry_free(out);
            found = 0;
        }
    }
    return found;
}

static inline int fake_cache_load(struct cb_cache_store *store,
                                  const struct cb_cache_entry *entry,
                                  struct cb_result **out, struct cb_error **err)
{
    struct fake_cache *fake = (struct fake_cache *)store;

    atomic_fetch_add(&fake->loads, 1);
    if (fake->lose > 0) {
        fake->lose--;
        if (!fake->lose_stubbornly)
            fake->lost[fake->lost_count++] = entry->identity;
        return 0;
    }
    return fake->memory->class->load(fake->memory, entry, out, err);
}

static inline int fake_cache_save(struct cb_cache_store *store,
                                  const struct cb_executed_step *step,
                                  struct cb_error **err)
{
    struct cb_cache_store *memory = fake_cache_memory(store);

    atomic_fetch_add(&((struct fake_cache *)store)->saves, 1);
    return memory->class->save(memory, step, err);
}

static inline int fake_cache_alias(struct cb_cache_store *store,
                                   const struct cb_digest *key,
                                   const struct cb_cache_entry *entry,
                                   struct cb_error **err)
{
    struct cb_cache_store *memory = fake_cache_memory(store);

    atomic_fetch_add(&((struct fake_cache *)store)->aliases, 1);
    return memory->class->alias(memory, key, entry, err);
}

static inline int fake_cache_lock(struct cb_cache_store *store,
                                  const struct cb_step_claim *claim, void **lock,
                                  struct cb_error **err)
{
    struct cb_cache_store *memory = fake_cache_memory(store);

    return memory->class->lock(memory, claim, lock, err);
}

static inline void fake_cache_unlock(struct cb_cache_store *store, void *lock)
{
    struct cb_cache_store *memory = fake_cache_memory(store);

    memory->class->unlock(memory, lock);
}

static inline char *fake_cache_explain(struct cb_cache_store *store, const char *name,
                                       const struct cb_key_parts *parts)
{
    struct cb_cache_store *memory = fake_cache_memory(store);

    return memory->class->explain(memory, name, parts);
}

static inline void fake_cache_open(struct fake_cache *cache)
{
    static const struct cb_cache_store_class class = {
        .lookup = fake_cache_lookup,
        .load = fake_cache_load,
        .save = fake_cache_save,
        .alias = fake_cache_alias,
        .lock = fake_cache_lock,
        .unlock = fake_cache_unlock,
        .explain = fake_cache_explain,
    };

    memset(cache, 0, sizeof(*cache));
    cache->base.class = &class;
    cache->memory = cb_cache_memory_new();
}

static inline void fake_cache_close(struct fake_cache *cache)
{
    cb_cache_store_free(cache->memory);
}

#endif
