/* A build's result becomes an image. Nothing here may depend on when the build ran:
 * layers carry the time their snapshot was made, and entries without a layer the time of
 * the layer below them, so that a rebuild from the cache gives the same config and the
 * same id. */
#include "exporter/exporter.h"

#include "base/timestamp.h"
#include "store/layer.h"

#include <string.h>

struct layer_times {
    CB_VEC(int64_t) ns; /* bottom first */
};

static void collect_times(struct cb_snapshot *top, struct layer_times *out)
{
    size_t count = top ? cb_snapshot_depth(top) : 0;

    for (size_t i = 0; i < count; i++)
        cb_vec_push(&out->ns, 0);
    for (struct cb_snapshot *at = top; at && count > 0; at = cb_snapshot_parent(at))
        out->ns.items[--count] = cb_snapshot_created_ns(at);
}

static struct timespec as_timespec(int64_t ns)
{
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    if (time.tv_nsec < 0) {
        time.tv_nsec += 1000000000;
        time.tv_sec--;
    }
    return time;
}

static int64_t as_ns(const char *text)
{
    struct timespec time;

    if (!text || cb_timestamp_parse(&time, text, NULL) < 0)
        return 0;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static char *time_text(int64_t ns)
{
    char buffer[CB_TIMESTAMP_MAX];

    return xstrdup(cb_timestamp_format(as_timespec(ns), buffer));
}

static size_t count_new_layers(const struct cb_image_config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->history.count; i++)
        count +=
            !config->history.items[i].created && !config->history.items[i].empty_layer;
    return count;
}

/* The time of entries above the base but below the first new layer; the base's own when
 * there is none. */
static int64_t first_time(const struct cb_image_config *config,
                          const struct layer_times *times, size_t next)
{
    const struct cb_history *newest = NULL;

    if (config->created)
        return as_ns(config->created);
    if (next < times->ns.count)
        return times->ns.items[next];
    for (size_t i = 0; i < config->history.count; i++)
        if (config->history.items[i].created)
            newest = &config->history.items[i];
    if (newest)
        return as_ns(newest->created);
    return next ? times->ns.items[next - 1] : 0;
}

/* Fills in `created` where this build left it open. New layers are counted from the top:
 * a base's history need not have an entry for each of its layers. */
static void date_history(struct cb_image_config *config, const struct layer_times *times,
                         int64_t epoch_s)
{
    size_t fresh = count_new_layers(config);
    size_t next = times->ns.count > fresh ? times->ns.count - fresh : 0;
    int64_t now = first_time(config, times, next);
    int64_t newest = now;
    int dated = 0;

    for (size_t i = 0; i < config->history.count; i++) {
        struct cb_history *entry = &config->history.items[i];

        if (entry->created)
            continue;
        if (!entry->empty_layer && next < times->ns.count)
            now = times->ns.items[next++];
        if (epoch_s >= 0)
            now = epoch_s * 1000000000;
        if (!dated++ || now > newest)
            newest = now;
        entry->created = time_text(now);
    }
    if (dated || !config->created) {
        free(config->created);
        config->created = time_text(epoch_s >= 0 ? epoch_s * 1000000000 : newest);
    }
}

static void complete(struct cb_build_env *env, struct cb_image_config *config,
                     const struct cb_digests *diff_ids, struct layer_times *times,
                     char **bytes, size_t *len)
{
    cb_vec_free(&config->diff_ids);
    cb_vec_foreach (diff_id, diff_ids)
        cb_vec_push(&config->diff_ids, *diff_id);
    date_history(config, times, env->source_date_epoch);
    cb_vec_free(&times->ns);
    *bytes = cb_image_config_emit(config, len);
}

static void digests_free(struct cb_digests *digests)
{
    cb_vec_free(digests);
}

int cb_export_config(struct cb_build_env *env, struct cb_snapshot *top,
                     struct cb_image_config *config, char **bytes, size_t *len,
                     struct cb_error **err)
{
    __attribute__((cleanup(digests_free))) struct cb_digests diff_ids = {0};
    struct layer_times times = {0};

    if (top && cb_chain_register(top, env->pool, &diff_ids, err) < 0)
        return -1;
    collect_times(top, &times);
    complete(env, config, &diff_ids, &times, bytes, len);
    return 0;
}

/* When a base's layers were unpacked is not known, and tells nothing. */
int cb_export_config_apart(struct cb_build_env *env, const struct cb_export_apart *apart,
                           struct cb_image_config *config, char **bytes, size_t *len,
                           struct cb_error **err)
{
    __attribute__((cleanup(digests_free))) struct cb_digests diff_ids = {0};
    struct layer_times times = {0};

    cb_vec_foreach (diff_id, &apart->below->diff_ids)
        cb_vec_push(&diff_ids, *diff_id);
    for (size_t i = 0; i < apart->count; i++) {
        if (cb_chain_register(apart->layers[i], env->pool, &diff_ids, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < apart->below->diff_ids.count; i++)
        cb_vec_push(&times.ns, apart->created_ns ? apart->created_ns[i] : 0);
    for (size_t i = 0; i < apart->count; i++)
        cb_vec_push(&times.ns, cb_snapshot_created_ns(apart->layers[i]));
    complete(env, config, &diff_ids, &times, bytes, len);
    return 0;
}
