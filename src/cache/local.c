/* The solver's cache over the store's records. A record leads from a key to a snapshot;
 * an entry's handle is the snapshot's id, "" for the empty filesystem, CB_RECORD_ABSENT
 * for what can only be made again. Only snapshots are
 * kept: other results (a context) live as long as the build. */
#include "cache/cache.h"

#include "base/lockfile.h"
#include "cache/explain.h"
#include "cache/parts-json.h"
#include "store/record.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct local_cache {
    struct cb_cache_store base;
    struct cb_build_env *env;
    pthread_mutex_t lock;                 /* guards what follows */
    CB_VEC(struct cb_duration) durations; /* written at the end, names owned */
};

static struct cb_build_env *env_of(struct cb_cache_store *store)
{
    return ((struct local_cache *)store)->env;
}

static int local_lookup(struct cb_cache_store *store, const struct cb_digest *key,
                        const struct cb_digest *foreign, struct cb_cache_entry *out,
                        struct cb_error **err)
{
    cb_auto_value(cb_record) record = {0};
    int found = cb_record_find(env_of(store)->store, key, &record, err);

    if (found <= 0)
        return found;
    out->identity = record.identity;
    out->created_ns = record.created_ns;
    out->handle = cb_steal(&record.snapshot_id);
    return 1;
}

static int local_load(struct cb_cache_store *store, const struct cb_cache_entry *entry,
                      struct cb_result **out, struct cb_error **err)
{
    struct cb_build_env *env = env_of(store);
    cb_auto(cb_snapshot) snapshot = NULL;
    int found = 1;

    if (strcmp(entry->handle, CB_RECORD_ABSENT) == 0)
        return 0;
    if (*entry->handle)
        found = cb_snapshot_get(env->store, entry->handle, &snapshot, err);
    if (found > 0)
        *out = cb_snapshot_result_new(env, snapshot, &entry->identity);
    return found;
}

static int local_save(struct cb_cache_store *store, const struct cb_executed_step *step,
                      struct cb_error **err)
{
    cb_autofree char *json = NULL;
    struct cb_snapshot *snapshot;
    struct cb_record record;

    if (!cb_result_is_snapshot(step->result))
        return 0;
    snapshot = cb_snapshot_result_get(step->result);
    json = cb_key_parts_to_json(step->parts);
    record = (struct cb_record){
        .identity = step->result->identity,
        .snapshot_id = (char *)(snapshot ? cb_snapshot_id(snapshot) : ""),
        .name = (char *)step->name,
        .parts_json = json,
    };
    return cb_record_put(env_of(store)->store, step->keys, step->key_count, &record, err);
}

/* Without a name: explanations come from the record that was written by an execution. */
static int local_alias(struct cb_cache_store *store, const struct cb_digest *key,
                       const struct cb_cache_entry *entry, struct cb_error **err)
{
    struct cb_record record = {
        .identity = entry->identity,
        .snapshot_id = entry->handle,
        .created_ns = entry->created_ns,
        .name = (char *)"",
        .parts_json = (char *)"[]",
    };

    return cb_record_put(env_of(store)->store, key, 1, &record, err);
}

static void tell_wait(void *arg, pid_t holder)
{
    const struct cb_step_claim *claim = arg;

    if (holder == 0 || holder == getpid())
        cb_event_say(claim->sink, CB_EVENT_NOTICE, 0,
                     "waiting for another build, which executes the same step: %s",
                     claim->name);
    else
        cb_event_say(claim->sink, CB_EVENT_NOTICE, 0,
                     "waiting for process %ld, which executes the same step: %s",
                     (long)holder, claim->name);
}

static int local_lock(struct cb_cache_store *store, const struct cb_step_claim *claim,
                      void **lock, struct cb_error **err)
{
    const struct cb_lock_wait wait = {claim->cancel, tell_wait, (void *)claim};
    struct cb_lock *taken = NULL;

    if (cb_record_lock(env_of(store)->store, claim->key, &wait, &taken, err) < 0)
        return -1;
    *lock = taken;
    return 0;
}

/* One file per key would pile up; who waits for it checks that the name still means the
 * file. */
static void local_unlock(struct cb_cache_store *store, void *lock)
{
    cb_lock_release_unlink(lock);
}

static char *local_explain(struct cb_cache_store *store, const char *name,
                           const struct cb_key_parts *parts)
{
    return cb_cache_explain(env_of(store)->store, name, parts);
}

/* ── Durations ── */

static int64_t local_estimate(struct cb_cache_store *store, const char *name)
{
    int64_t ms;

    return cb_duration_get(env_of(store)->store, name, &ms, NULL) > 0 ? ms : -1;
}

static void local_took(struct cb_cache_store *store, const char *name, int64_t ms)
{
    struct local_cache *cache = (struct local_cache *)store;

    pthread_mutex_lock(&cache->lock);
    cb_vec_push(&cache->durations, ((struct cb_duration){xstrdup(name), ms}));
    pthread_mutex_unlock(&cache->lock);
}

/* One transaction for all; without them the next build chooses by weight. */
static void flush_durations(struct local_cache *cache)
{
    cb_durations_put(cache->env->store, cache->durations.items, cache->durations.count,
                     NULL);
    cb_vec_foreach (duration, &cache->durations)
        free((char *)duration->name);
    cb_vec_free(&cache->durations);
}

static void local_free(struct cb_cache_store *store)
{
    struct local_cache *cache = (struct local_cache *)store;

    flush_durations(cache);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

int cb_cache_local_new(struct cb_cache_store **out, struct cb_build_env *env,
                       struct cb_error **err)
{
    static const struct cb_cache_store_class class = {
        .lookup = local_lookup,
        .load = local_load,
        .save = local_save,
        .alias = local_alias,
        .lock = local_lock,
        .unlock = local_unlock,
        .explain = local_explain,
        .estimate_ms = local_estimate,
        .took = local_took,
        .free = local_free,
    };
    struct local_cache *cache = xcalloc(1, sizeof(*cache));

    cache->base.class = &class;
    cache->env = env;
    pthread_mutex_init(&cache->lock, NULL);
    *out = &cache->base;
    return 0;
}
