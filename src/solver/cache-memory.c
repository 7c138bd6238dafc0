/* A cache that ends with its process: for tests, and the reference for what a backend has
 * to do. Entries are never dropped. One mutex guards everything; whoever waits for a
 * key's lock sleeps outside of it, on a descriptor of his own, so that cancellation wakes
 * him too. */
#include "solver/solver.h"

#include "base/clock.h"
#include "base/map.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

struct slot {
    struct cb_result *result;
    int64_t created_ns;
    char *name;
    struct cb_key_parts parts;
};

struct held { /* a key that is locked */
    struct cb_digest key;
    struct held *next;
};

struct waiter {
    int fd;
    struct waiter *next;
};

struct memory {
    struct cb_cache_store base;
    pthread_mutex_t lock; /* guards what follows */
    CB_VEC(struct slot *) slots;
    struct cb_map *by_key; /* key text → slot */
    struct held *held;
    struct waiter *waiters;
};

static struct memory *memory_of(struct cb_cache_store *store)
{
    return (struct memory *)store;
}

static int memory_lookup(struct cb_cache_store *store, const struct cb_digest *key,
                         const struct cb_digest *foreign, struct cb_cache_entry *out,
                         struct cb_error **err)
{
    struct memory *memory = memory_of(store);
    char text[CB_DIGEST_MAX_TEXT];
    struct slot *slot;

    pthread_mutex_lock(&memory->lock);
    slot = cb_map_get(memory->by_key, cb_digest_text(key, text));
    if (slot) {
        out->identity = slot->result->identity;
        out->created_ns = slot->created_ns;
        out->handle = xasprintf("memory:%s", cb_digest_text(key, text));
    }
    pthread_mutex_unlock(&memory->lock);
    return slot != NULL;
}

static struct slot *find_entry(struct memory *memory, const struct cb_cache_entry *entry)
{
    return cb_map_get(memory->by_key, entry->handle + strlen("memory:"));
}

static int memory_load(struct cb_cache_store *store, const struct cb_cache_entry *entry,
                       struct cb_result **out, struct cb_error **err)
{
    struct memory *memory = memory_of(store);
    struct slot *slot;

    pthread_mutex_lock(&memory->lock);
    slot = find_entry(memory, entry);
    if (slot)
        *out = cb_result_ref(slot->result);
    pthread_mutex_unlock(&memory->lock);
    return slot != NULL;
}

static int memory_save(struct cb_cache_store *store, const struct cb_executed_step *step,
                       struct cb_error **err)
{
    struct memory *memory = memory_of(store);
    struct slot *slot = xcalloc(1, sizeof(*slot));
    char text[CB_DIGEST_MAX_TEXT];

    slot->result = cb_result_ref(step->result);
    slot->created_ns = cb_now_ns();
    slot->name = xstrdup(step->name);
    cb_vec_foreach (part, step->parts)
        cb_key_parts_add(&slot->parts, part->name, part->value);
    pthread_mutex_lock(&memory->lock);
    cb_vec_push(&memory->slots, slot);
    for (size_t i = 0; i < step->key_count; i++)
        cb_map_set(memory->by_key, cb_digest_text(&step->keys[i], text), slot);
    pthread_mutex_unlock(&memory->lock);
    return 0;
}

static int memory_alias(struct cb_cache_store *store, const struct cb_digest *key,
                        const struct cb_cache_entry *entry, struct cb_error **err)
{
    struct memory *memory = memory_of(store);
    char text[CB_DIGEST_MAX_TEXT];
    struct slot *slot;

    pthread_mutex_lock(&memory->lock);
    slot = find_entry(memory, entry);
    if (slot)
        cb_map_set(memory->by_key, cb_digest_text(key, text), slot);
    pthread_mutex_unlock(&memory->lock);
    return 0;
}

/* ── Locks of keys ── */

/* 1 taken; 0 busy, and WAITER will be told of the next release. */
static int take_or_wait(struct memory *memory, const struct cb_digest *key,
                        struct waiter *waiter, void **lock)
{
    struct held *held;

    pthread_mutex_lock(&memory->lock);
    for (held = memory->held; held; held = held->next)
        if (cb_digest_equal(&held->key, key))
            break;
    if (held) {
        waiter->next = memory->waiters;
        memory->waiters = waiter;
        pthread_mutex_unlock(&memory->lock);
        return 0;
    }
    held = xcalloc(1, sizeof(*held));
    held->key = *key;
    held->next = memory->held;
    memory->held = held;
    pthread_mutex_unlock(&memory->lock);
    *lock = held;
    return 1;
}

static void stop_waiting(struct memory *memory, struct waiter *waiter)
{
    struct waiter **slot = &memory->waiters;
    uint64_t count;

    pthread_mutex_lock(&memory->lock);
    while (*slot && *slot != waiter)
        slot = &(*slot)->next;
    if (*slot)
        *slot = waiter->next;
    pthread_mutex_unlock(&memory->lock);
    if (read(waiter->fd, &count, sizeof(count)) < 0)
        count = 0;
}

static int memory_lock(struct cb_cache_store *store, const struct cb_step_claim *claim,
                       void **lock, struct cb_error **err)
{
    struct memory *memory = memory_of(store);
    cb_autofd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct waiter waiter = {.fd = fd};
    int told = 0;

    if (fd < 0)
        return cb_error_errno(err, errno, "create an eventfd");
    while (!take_or_wait(memory, claim->key, &waiter, lock)) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
                                {.fd = cb_cancel_fd(claim->cancel), .events = POLLIN}};

        if (!told++)
            cb_event_say(claim->sink, CB_EVENT_NOTICE, 0,
                         "waiting for the same step of another build");
        poll(fds, 2, -1);
        stop_waiting(memory, &waiter);
        if (cb_cancel_check(claim->cancel, err) < 0)
            return -1;
    }
    return 0;
}

static void memory_unlock(struct cb_cache_store *store, void *lock)
{
    static const uint64_t one = 1;
    struct memory *memory = memory_of(store);
    struct held **slot = &memory->held;

    pthread_mutex_lock(&memory->lock);
    while (*slot != lock)
        slot = &(*slot)->next;
    *slot = (*slot)->next;
    for (struct waiter *waiter = memory->waiters; waiter; waiter = waiter->next)
        if (write(waiter->fd, &one, sizeof(one)) < 0)
            continue; /* full: readable already */
    pthread_mutex_unlock(&memory->lock);
    free(lock);
}

static char *memory_explain(struct cb_cache_store *store, const char *name,
                            const struct cb_key_parts *parts)
{
    struct memory *memory = memory_of(store);
    char *text = NULL;

    pthread_mutex_lock(&memory->lock);
    for (size_t i = memory->slots.count; !text && i-- > 0;)
        if (strcmp(memory->slots.items[i]->name, name) == 0)
            text = cb_step_explain(name, &memory->slots.items[i]->parts, parts);
    pthread_mutex_unlock(&memory->lock);
    return text;
}

static void memory_free(struct cb_cache_store *store)
{
    struct memory *memory = memory_of(store);

    cb_vec_foreach (item, &memory->slots) {
        struct slot *slot = *item;

        cb_result_unref(slot->result);
        cb_key_parts_free(&slot->parts);
        free(slot->name);
        free(slot);
    }
    cb_vec_free(&memory->slots);
    cb_map_free(memory->by_key);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

struct cb_cache_store *cb_cache_memory_new(void)
{
    static const struct cb_cache_store_class class = {
        .lookup = memory_lookup,
        .load = memory_load,
        .save = memory_save,
        .alias = memory_alias,
        .lock = memory_lock,
        .unlock = memory_unlock,
        .explain = memory_explain,
        .free = memory_free,
    };
    struct memory *memory = xcalloc(1, sizeof(*memory));

    memory->base.class = &class;
    memory->by_key = cb_map_new(NULL);
    pthread_mutex_init(&memory->lock, NULL);
    return &memory->base;
}
