/* The cache the solver sees. An entry's handle is the store's, or
 * "remote:<cache>:<record>" for what is still elsewhere. A remote record that cannot be
 * had is a miss, told in a warning: a cache may make a build slower, never fail it. */
#include "cache/layered.h"

#include "cache/parts-json.h"
#include "store/layer.h"
#include "store/record.h"

#include <stdio.h>
#include <string.h>

#define REMOTE_HANDLE "remote:"

static struct cb_cache *cache_of(struct cb_cache_store *store)
{
    return (struct cb_cache *)store;
}

static void note(struct cb_cache *cache, const struct cb_digest *key)
{
    char text[CB_DIGEST_MAX_TEXT];

    pthread_mutex_lock(&cache->mutex);
    if (cache->used)
        cb_map_set(cache->used, cb_digest_text(key, text), cache);
    pthread_mutex_unlock(&cache->mutex);
}

static int parse_handle(const char *handle, size_t *remote, int *record)
{
    return sscanf(handle, REMOTE_HANDLE "%zu:%d", remote, record) == 2;
}

static int find_one(const struct cb_cache *cache, const struct cb_digest *key,
                    size_t *remote, int *record)
{
    int found = 0;

    for (size_t i = 0; i < cache->remotes.count; i++) {
        const struct cb_remote_cache *from = cache->remotes.items[i];
        int number = cb_remote_cache_find(from, key);
        int absent =
            number >= 0 && from->document.records.items[number].layer == CB_CACHE_ABSENT;

        /* One that tells of the step only gives way to one that has what it made. */
        if (number < 0 || (absent && found))
            continue;
        found = 1;
        *remote = i;
        *record = number;
        if (!absent)
            break;
    }
    return found;
}

static int find_either(const struct cb_cache *cache, const struct cb_digest *key,
                       const struct cb_digest *foreign, size_t *remote, int *record)
{
    return find_one(cache, key, remote, record) ||
           (foreign && find_one(cache, foreign, remote, record));
}

int cb_cache_find_remote(struct cb_cache *cache, const struct cb_digest *key,
                         const struct cb_digest *foreign, size_t *remote, int *record)
{
    int found;

    pthread_mutex_lock(&cache->mutex);
    found = find_either(cache, key, foreign, remote, record);
    if (found)
        cb_remote_cache_answer(cache->remotes.items[*remote], *record, key);
    pthread_mutex_unlock(&cache->mutex);
    return found;
}

/* What is in the store already is known elsewhere by another identity, perhaps; and steps
 * on top that are not here may be there. */
static void find_claim(struct cb_cache *cache, const struct cb_digest *key,
                       const struct cb_digest *foreign, struct cb_digest *out)
{
    size_t remote;
    int record;

    pthread_mutex_lock(&cache->mutex);
    if (find_either(cache, key, foreign, &remote, &record))
        *out = cache->remotes.items[remote]->document.records.items[record].identity;
    pthread_mutex_unlock(&cache->mutex);
}

/* ── The solver's calls ── */

static int lookup_remote(struct cb_cache *cache, const struct cb_digest *key,
                         const struct cb_digest *foreign, struct cb_cache_entry *out)
{
    const struct cb_cache_record *record;
    size_t remote;
    int number;

    if (!cb_cache_find_remote(cache, key, foreign, &remote, &number))
        return 0;
    record = &cache->remotes.items[remote]->document.records.items[number];
    cb_cache_entry_free(out);
    out->identity = record->here;
    out->foreign = record->identity;
    out->created_ns = record->created_ns;
    out->handle = xasprintf(REMOTE_HANDLE "%zu:%d", remote, number);
    return 1;
}

static int lookup(struct cb_cache_store *store, const struct cb_digest *key,
                  const struct cb_digest *foreign, struct cb_cache_entry *out,
                  struct cb_error **err)
{
    struct cb_cache *cache = cache_of(store);
    int found = cache->local->class->lookup(cache->local, key, foreign, out, err);

    if (found == 0 || (found > 0 && strcmp(out->handle, CB_RECORD_ABSENT) == 0))
        found |= lookup_remote(cache, key, foreign, out);
    else if (found > 0)
        find_claim(cache, key, foreign, &out->foreign);
    if (found > 0)
        note(cache, key);
    return found;
}

/* Under the keys that led to it in this build. Others that it has are the cache's word
 * about steps of other builds, which never chose to believe it. */
int cb_cache_adopt_remote(struct cb_cache *cache, size_t remote, int record,
                          struct cb_snapshot **top, struct cb_error **err)
{
    struct cb_remote_cache *from = cache->remotes.items[remote];
    struct cb_cache_record known;
    struct cb_record row;

    if (cb_remote_cache_load(from, cache->env, record, top, err) < 0)
        return -1;
    pthread_mutex_lock(&cache->mutex);
    known = from->document.records.items[record];
    pthread_mutex_unlock(&cache->mutex);
    row = (struct cb_record){
        .identity = known.here,
        .snapshot_id = (char *)(*top ? cb_snapshot_id(*top) : ""),
        .created_ns = known.created_ns,
        .name = known.name,
        .parts_json = (char *)"[]",
    };
    return cb_record_put(cache->env->store, known.asked, known.asked_count, &row, err);
}

static int load_remote(struct cb_cache *cache, size_t remote, int record,
                       const struct cb_cache_entry *entry, struct cb_result **out,
                       struct cb_error **err)
{
    struct cb_remote_cache *from = cache->remotes.items[remote];
    cb_auto(cb_snapshot) top = NULL;
    cb_auto(cb_error) error = NULL;

    if (from->document.records.items[record].layer == CB_CACHE_ABSENT ||
        __atomic_load_n(&from->dead, __ATOMIC_RELAXED))
        return 0;
    if (cb_cache_adopt_remote(cache, remote, record, &top, &error) == 0) {
        *out = cb_snapshot_result_new(cache->env, top, &entry->identity);
        return 1;
    }
    if (cb_error_kind(error) == CB_ERR_CANCELED)
        return cb_error_move(err, &error);
    if (__atomic_exchange_n(&from->dead, 1, __ATOMIC_RELAXED) == 0) {
        cb_error_wrap(&error, "the cache from %s is not used any further", from->title);
        cb_event_say(cache->env->sink, CB_EVENT_WARNING, 0, "%s",
                     cb_error_message(error));
    }
    return 0;
}

static int load(struct cb_cache_store *store, const struct cb_cache_entry *entry,
                struct cb_result **out, struct cb_error **err)
{
    struct cb_cache *cache = cache_of(store);
    size_t remote;
    int record;

    if (parse_handle(entry->handle, &remote, &record))
        return load_remote(cache, remote, record, entry, out, err);
    return cache->local->class->load(cache->local, entry, out, err);
}

static int save(struct cb_cache_store *store, const struct cb_executed_step *step,
                struct cb_error **err)
{
    struct cb_cache *cache = cache_of(store);

    for (size_t i = 0; i < step->key_count; i++)
        note(cache, &step->keys[i]);
    return cache->local->class->save(cache->local, step, err);
}

/* What is not the store's yet cannot be recorded there: the key waits with the remote
 * record. */
static int alias(struct cb_cache_store *store, const struct cb_digest *key,
                 const struct cb_cache_entry *entry, struct cb_error **err)
{
    struct cb_cache *cache = cache_of(store);
    size_t remote;
    int record;

    note(cache, key);
    if (!parse_handle(entry->handle, &remote, &record))
        return cache->local->class->alias(cache->local, key, entry, err);
    pthread_mutex_lock(&cache->mutex);
    cb_remote_cache_answer(cache->remotes.items[remote], record, key);
    pthread_mutex_unlock(&cache->mutex);
    return 0;
}

static int lock(struct cb_cache_store *store, const struct cb_step_claim *claim,
                void **out, struct cb_error **err)
{
    struct cb_cache_store *local = cache_of(store)->local;

    return local->class->lock(local, claim, out, err);
}

static void unlock(struct cb_cache_store *store, void *taken)
{
    struct cb_cache_store *local = cache_of(store)->local;

    local->class->unlock(local, taken);
}

static char *explain(struct cb_cache_store *store, const char *name,
                     const struct cb_key_parts *parts)
{
    struct cb_cache_store *local = cache_of(store)->local;

    return local->class->explain(local, name, parts);
}

static int64_t estimate_ms(struct cb_cache_store *store, const char *name)
{
    struct cb_cache_store *local = cache_of(store)->local;

    return local->class->estimate_ms(local, name);
}

static void took(struct cb_cache_store *store, const char *name, int64_t duration_ms)
{
    struct cb_cache_store *local = cache_of(store)->local;

    local->class->took(local, name, duration_ms);
}

static void free_store(struct cb_cache_store *store)
{
    cb_cache_free(cache_of(store));
}

/* ── Making ── */

int cb_cache_new(struct cb_cache **out, struct cb_build_env *env, struct cb_error **err)
{
    static const struct cb_cache_store_class class = {
        .lookup = lookup,
        .load = load,
        .save = save,
        .alias = alias,
        .lock = lock,
        .unlock = unlock,
        .explain = explain,
        .estimate_ms = estimate_ms,
        .took = took,
        .free = free_store,
    };
    cb_auto(cb_cache) cache = xcalloc(1, sizeof(*cache));

    cache->base.class = &class;
    cache->env = env;
    pthread_mutex_init(&cache->mutex, NULL);
    if (cb_cache_local_new(&cache->local, env, err) < 0)
        return -1;
    *out = cb_steal(&cache);
    return 0;
}

void cb_cache_free(struct cb_cache *cache)
{
    if (!cache)
        return;
    cb_vec_foreach (remote, &cache->remotes)
        cb_remote_cache_free(*remote);
    cb_vec_free(&cache->remotes);
    cb_cache_store_free(cache->local);
    cb_map_free(cache->used);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

struct cb_cache_store *cb_cache_store(struct cb_cache *cache)
{
    return &cache->base;
}

int cb_cache_import(struct cb_cache *cache, const struct cb_cache_location *from,
                    const struct cb_platform *platforms, size_t count,
                    struct cb_error **err)
{
    int again = 1;

    for (size_t i = 0; i < count && again; i++) {
        cb_auto(cb_remote_cache) remote = NULL;

        if (cb_remote_cache_open(&remote, cache->env, from, &platforms[i], err) < 0)
            return cb_error_wrap(err, "import cache from %s", from->place);
        again = remote->of_platform;
        cb_vec_push(&cache->remotes, cb_steal(&remote));
    }
    return 0;
}

/* ── What stays elsewhere ── */

int cb_cache_is_away(struct cb_cache *cache, const struct cb_cache_entry *entry)
{
    cb_auto(cb_snapshot) there = NULL;
    const struct cb_remote_cache *remote;
    size_t number;
    int record, layer;

    if (!parse_handle(entry->handle, &number, &record))
        return 0;
    remote = cache->remotes.items[number];
    layer = remote->document.records.items[record].layer;
    return layer >= 0 && remote->reference &&
           !__atomic_load_n(&remote->dead, __ATOMIC_RELAXED) &&
           cb_chain_find(cache->env->store,
                         &remote->document.layers.items[layer].chain_id, &there,
                         NULL) == 0;
}

struct cb_resolved_image *cb_cache_describe(struct cb_cache *cache,
                                            const struct cb_cache_entry *entry,
                                            int64_t **created_ns)
{
    struct cb_resolved_image *image;
    const struct cb_remote_cache *remote;
    cb_autofree char *name = NULL;
    size_t number;
    int record;

    if (!parse_handle(entry->handle, &number, &record))
        return NULL;
    remote = cache->remotes.items[number];
    image = cb_remote_cache_image(remote, remote->document.records.items[record].layer,
                                  created_ns);
    name = cb_reference_canonical(remote->reference);
    cb_reference_parse(&image->reference, name, NULL);
    return image;
}

/* ── What was learnt ── */

/* Under KEY, by which it was found. The layers of one that was not loaded itself may be
 * there as part of another's. */
static int keep_record(struct cb_cache *cache, const struct cb_remote_cache *remote,
                       const struct cb_cache_record *record, const struct cb_digest *key,
                       struct cb_error **err)
{
    cb_auto(cb_snapshot) there = NULL;
    struct cb_record row = {.identity = record->here,
                            .snapshot_id = (char *)CB_RECORD_ABSENT,
                            .created_ns = record->created_ns,
                            .name = record->name,
                            .parts_json = (char *)"[]"};

    if (record->layer == CB_CACHE_EMPTY)
        row.snapshot_id = (char *)"";
    if (record->layer >= 0 &&
        cb_chain_find(cache->env->store,
                      &remote->document.layers.items[record->layer].chain_id, &there,
                      err) < 0)
        return -1;
    if (there)
        row.snapshot_id = (char *)cb_snapshot_id(there);
    return cb_record_put(cache->env->store, key, 1, &row, err);
}

static int keep_key(struct cb_cache *cache, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_record) known = {0};
    struct cb_digest key;
    size_t remote;
    int number, found;

    if (cb_digest_parse(&key, text, err) < 0)
        return -1;
    found = cb_record_find(cache->env->store, &key, &known, err);
    if (found != 0 || !cb_cache_find_remote(cache, &key, NULL, &remote, &number))
        return found < 0 ? -1 : 0;
    return keep_record(cache, cache->remotes.items[remote],
                       &cache->remotes.items[remote]->document.records.items[number],
                       &key, err);
}

int cb_cache_keep(struct cb_cache *cache, struct cb_error **err)
{
    const char *key;
    void *value;
    size_t at = 0;

    if (!cache->remotes.count)
        return 0;
    while (cache->used && cb_map_next(cache->used, &at, &key, &value)) {
        if (keep_key(cache, key, err) < 0)
            return -1;
    }
    return 0;
}

void cb_cache_track(struct cb_cache *cache)
{
    if (!cache->used)
        cache->used = cb_map_new(NULL);
}

void cb_cache_locations_free(struct cb_cache_locations *locations)
{
    cb_vec_foreach (location, locations) {
        free(location->place);
        free(location->tag);
    }
    cb_vec_free(locations);
}
