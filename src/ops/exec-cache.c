/* Cache mounts of a RUN: which directory each is, what a new one starts as, and in which
 * order they are taken. */
#include "ops/exec-priv.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "store/cache-mount.h"

#include <fcntl.h>
#include <inttypes.h>

/* What a cache starts as is part of its name: with another seed, mode or owner it is
 * another one. NULL for one that starts empty. */
static int cache_variant(const struct cb_exec_step *step, struct cb_exec_context *context,
                         const struct cb_exec_mount *mount, char **out,
                         struct cb_error **err)
{
    cb_auto_value(cb_strbuf) variant = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (mount->has_mode || mount->uid || mount->gid)
        cb_strbuf_addf(&variant, "%o:%" PRIu32 ":%" PRIu32,
                       mount->has_mode ? mount->mode : 0755, mount->uid, mount->gid);
    if (mount->input >= 0) {
        struct cb_result *input = context->inputs[mount->input];
        struct cb_digest seed = input->identity;

        if (!cb_result_is_snapshot(input) &&
            input->class->content_digest(input, step->selectors[mount->input],
                                         context->pool, context->cancel, &seed, err) < 0)
            return -1;
        cb_strbuf_addf(&variant, "%s%s", variant.len ? ":" : "",
                       cb_digest_text(&seed, text));
    }
    *out = variant.len ? cb_strbuf_steal(&variant) : NULL;
    return 0;
}

/* The directory a new cache starts as, or -1. */
static int open_seed(const struct cb_exec_step *step, struct cb_exec_context *context,
                     size_t index, struct cb_exec_mounts *out, int *fd,
                     struct cb_error **err)
{
    struct cb_exec_mount seed = step->mounts[index];
    int path;

    *fd = -1;
    if (seed.input < 0)
        return 0;
    seed.read_only = 1;
    if (cb_exec_bind_open(step, context, &seed, index, out, &path, err) < 0)
        return -1;
    if (cb_fs_open_in_root(path, "/", O_RDONLY | O_DIRECTORY, 0, fd, err) < 0)
        return -1;
    cb_vec_push(&out->fds, *fd);
    return 0;
}

static char *cache_key(const struct cb_exec_mount *mount, const char *variant)
{
    return xasprintf("%s:%s", mount->id, variant ? variant : "");
}

static int open_cache(const struct cb_exec_step *step, struct cb_exec_context *context,
                      size_t index, const char *variant, struct cb_exec_mounts *out,
                      int *fd, struct cb_error **err)
{
    const struct cb_exec_mount *mount = &step->mounts[index];
    const struct cb_build_env *env = step->env;
    struct cb_cache_mount_request request = {
        .id = mount->id,
        .variant = variant,
        .sharing = (enum cb_cache_sharing)mount->sharing,
        .mode = mount->has_mode ? mount->mode : 0755,
        .uid = mount->uid,
        .gid = mount->gid,
        .renewed_ns = variant && step->renew_caches ? env->started_ns : 0,
        .place = env->cache_places ? cb_env_get(env->cache_places, mount->id) : NULL,
        .cancel = context->cancel,
        .sink = context->sink,
    };
    cb_autofree char *key = cache_key(mount, variant);
    struct cb_exec_cache_dir cache = {0};
    struct cb_lock *lock = NULL;

    cb_vec_foreach (known, &out->caches) {
        if (strcmp(known->key, key) == 0) {
            *fd = known->fd;
            return 0;
        }
    }
    if (open_seed(step, context, index, out, &request.seed_fd, err) < 0 ||
        cb_cache_mount_open(env->store, &request, fd, &lock, err) < 0)
        return -1;
    cb_vec_push(&out->fds, *fd);
    if (lock)
        cb_vec_push(&out->locks, lock);
    cache.key = cb_steal(&key);
    cache.fd = *fd;
    cb_vec_push(&out->caches, cache);
    return 0;
}

struct wanted { /* a cache mount of the step */
    size_t index;
    char *variant, *key;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct wanted *)a)->key, ((const struct wanted *)b)->key);
}

static int open_in_order(const struct cb_exec_step *step, struct cb_exec_context *context,
                         struct wanted *list, size_t *count, struct cb_exec_mounts *out,
                         struct cb_error **err)
{
    int fd;

    for (size_t i = 0; i < step->mount_count; i++) {
        struct wanted *wanted = &list[*count];

        if (step->mounts[i].type != CB_EXEC_CACHE)
            continue;
        if (cache_variant(step, context, &step->mounts[i], &wanted->variant, err) < 0)
            return -1;
        wanted->index = i;
        wanted->key = cache_key(&step->mounts[i], wanted->variant);
        ++*count;
    }
    if (*count)
        qsort(list, *count, sizeof(*list), by_key);
    for (size_t i = 0; i < *count; i++) {
        if (open_cache(step, context, list[i].index, list[i].variant, out, &fd, err) < 0)
            return cb_error_wrap(err, "RUN --mount=type=cache,target=%s",
                                 step->mounts[list[i].index].target);
    }
    return 0;
}

int cb_exec_caches_open(const struct cb_exec_step *step, struct cb_exec_context *context,
                        struct cb_exec_mounts *out, struct cb_error **err)
{
    cb_autofree struct wanted *list = xcalloc(step->mount_count + 1, sizeof(*list));
    size_t count = 0;
    int result = open_in_order(step, context, list, &count, out, err);

    for (size_t i = 0; i < count; i++) {
        free(list[i].variant);
        free(list[i].key);
    }
    return result;
}

int cb_exec_mount_cache(const struct cb_exec_step *step, struct cb_exec_context *context,
                        size_t index, struct cb_exec_mounts *out, struct cb_error **err)
{
    const struct cb_exec_mount *mount = &step->mounts[index];
    cb_autofree char *variant = NULL;
    struct cb_mount *bind;
    int dir, fd;

    if (cache_variant(step, context, mount, &variant, err) < 0 ||
        open_cache(step, context, index, variant, out, &dir, err) < 0 ||
        cb_fs_open_in_root(dir, mount->input >= 0 ? "/" : cb_exec_mount_source(mount),
                           O_PATH, 0, &fd, err) < 0)
        return cb_error_wrap(err, "RUN --mount=type=cache,target=%s", mount->target);
    bind = cb_exec_mount_add(out, CB_MOUNT_BIND, mount->target);
    bind->source_fd = fd;
    cb_vec_push(&out->fds, fd);
    bind->read_only = mount->read_only;
    return 0;
}
