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
static int cache_variant(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                         char **out, struct cb_error **err)
{
    struct cb_exec_context *context = mounts->context;
    cb_auto_value(cb_strbuf) variant = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (mount->has_mode || mount->uid || mount->gid)
        cb_strbuf_addf(&variant, "%o:%" PRIu32 ":%" PRIu32,
                       mount->has_mode ? mount->mode : 0755, mount->uid, mount->gid);
    if (mount->input >= 0) {
        struct cb_result *input = context->inputs[mount->input];
        struct cb_digest seed = input->identity;

        if (!cb_result_is_snapshot(input) &&
            input->class->content_digest(input, mounts->step->selectors[mount->input],
                                         context->pool, context->cancel, &seed, err) < 0)
            return -1;
        cb_strbuf_addf(&variant, "%s%s", variant.len ? ":" : "",
                       cb_digest_text(&seed, text));
    }
    *out = variant.len ? cb_strbuf_steal(&variant) : NULL;
    return 0;
}

/* The directory a new cache starts as, or -1. */
static int open_seed(struct cb_exec_mounts *mounts, size_t index, int *fd,
                     struct cb_error **err)
{
    struct cb_exec_mount seed = mounts->step->mounts[index];
    int path;

    *fd = -1;
    if (seed.input < 0)
        return 0;
    seed.read_only = 1;
    if (cb_exec_bind_open(mounts, &seed, index, &path, err) < 0)
        return -1;
    if (cb_fs_open_in_root(path, "/", O_RDONLY | O_DIRECTORY, 0, fd, err) < 0)
        return -1;
    cb_vec_push(&mounts->fds, *fd);
    return 0;
}

static char *cache_key(const struct cb_exec_mount *mount, const char *variant)
{
    return xasprintf("%s:%s", mount->id, variant ? variant : "");
}

static int open_cache(struct cb_exec_mounts *mounts, size_t index, const char *variant,
                      int *fd, struct cb_error **err)
{
    const struct cb_exec_step *step = mounts->step;
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
        .cancel = mounts->context->cancel,
        .sink = mounts->context->sink,
    };
    cb_autofree char *key = cache_key(mount, variant);
    struct cb_exec_cache_dir cache = {0};
    struct cb_lock *lock = NULL;

    cb_vec_foreach (known, &mounts->caches) {
        if (strcmp(known->key, key) == 0) {
            *fd = known->fd;
            return 0;
        }
    }
    if (open_seed(mounts, index, &request.seed_fd, err) < 0 ||
        cb_cache_mount_open(env->store, &request, fd, &lock, err) < 0)
        return -1;
    cb_vec_push(&mounts->fds, *fd);
    if (lock)
        cb_vec_push(&mounts->locks, lock);
    cache.key = cb_steal(&key);
    cache.fd = *fd;
    cb_vec_push(&mounts->caches, cache);
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

static int open_in_order(struct cb_exec_mounts *mounts, struct wanted *list,
                         size_t *count, struct cb_error **err)
{
    const struct cb_exec_step *step = mounts->step;
    int fd;

    for (size_t i = 0; i < step->mount_count; i++) {
        struct wanted *wanted = &list[*count];

        if (step->mounts[i].type != CB_EXEC_CACHE)
            continue;
        if (cache_variant(mounts, &step->mounts[i], &wanted->variant, err) < 0)
            return -1;
        wanted->index = i;
        wanted->key = cache_key(&step->mounts[i], wanted->variant);
        ++*count;
    }
    if (*count)
        qsort(list, *count, sizeof(*list), by_key);
    for (size_t i = 0; i < *count; i++) {
        if (open_cache(mounts, list[i].index, list[i].variant, &fd, err) < 0)
            return cb_error_wrap(err, "RUN --mount=type=cache,target=%s",
                                 step->mounts[list[i].index].target);
    }
    return 0;
}

int cb_exec_caches_open(struct cb_exec_mounts *mounts, struct cb_error **err)
{
    cb_autofree struct wanted *list =
        xcalloc(mounts->step->mount_count + 1, sizeof(*list));
    size_t count = 0;
    int result = open_in_order(mounts, list, &count, err);

    for (size_t i = 0; i < count; i++) {
        free(list[i].variant);
        free(list[i].key);
    }
    return result;
}

int cb_exec_mount_cache(struct cb_exec_mounts *mounts, size_t index,
                        struct cb_error **err)
{
    const struct cb_exec_mount *mount = &mounts->step->mounts[index];
    cb_autofree char *variant = NULL;
    struct cb_mount *bind;
    int dir, fd;

    if (cache_variant(mounts, mount, &variant, err) < 0 ||
        open_cache(mounts, index, variant, &dir, err) < 0 ||
        cb_fs_open_in_root(dir, mount->input >= 0 ? "/" : cb_exec_mount_source(mount),
                           O_PATH, 0, &fd, err) < 0)
        return cb_error_wrap(err, "RUN --mount=type=cache,target=%s", mount->target);
    bind = cb_exec_mount_add(mounts, CB_MOUNT_BIND, mount->target);
    bind->source_fd = fd;
    cb_vec_push(&mounts->fds, fd);
    bind->read_only = mount->read_only;
    return 0;
}
