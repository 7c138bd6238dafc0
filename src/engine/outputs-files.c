/* A result's files outside the store, as a directory or a tar. Of several platforms each
 * has a directory of its own there ("linux_arm64"), or with platform-split=false all
 * share one, which no two may give a file of the same name. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/out-file.h"
#include "exporter/tree.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct parts {
    struct cb_tree_part *items;
    size_t count, capacity;
};

static void parts_clear(struct parts *parts)
{
    cb_vec_foreach (part, parts)
        free(part->directory);
    cb_vec_free(parts);
}
CB_AUTO_VALUE_DEFINE(parts, parts_clear)

static char *directory_of(const struct cb_platform *platform)
{
    char *text = cb_platform_text(platform);

    for (char *at = text; *at; at++) {
        if (*at == '/')
            *at = '_';
    }
    return text;
}

static int open_parts(const struct cb_made_list *made, int split, struct parts *out,
                      struct cb_error **err)
{
    cb_vec_foreach (each, made) {
        struct cb_tree_part part = {.root_fd = -1};

        if (each->result && cb_result_root(each->result, &part.root_fd, err) < 0)
            return -1;
        if (each->result && cb_result_is_snapshot(each->result))
            part.snapshot = cb_snapshot_result_get(each->result);
        if (split)
            part.directory = directory_of(&each->platform);
        cb_vec_push(out, part);
    }
    return 0;
}

/* ── Without a directory for each ── */

struct claims {
    struct cb_map *owners; /* path → platform */
    const char *platform;
};

static int claim(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct claims *claims = arg;
    const char *owner = cb_map_get(claims->owners, at->path);

    if (!owner) {
        cb_map_set(
            claims->owners, at->path,
            xasprintf("%c%s", S_ISDIR(at->st.st_mode) ? 'd' : 'f', claims->platform));
        return 0;
    }
    if (*owner == 'd' && S_ISDIR(at->st.st_mode))
        return 0;
    cb_error_set(err, CB_ERR_EXISTS, "both %s and %s have `%s`", owner + 1,
                 claims->platform, at->path);
    return cb_error_hint(err, "leave platform-split=false out");
}

static int check_merge(struct cb_build_env *env, const struct cb_made_list *made,
                       const struct parts *parts, struct cb_error **err)
{
    cb_auto(cb_map) owners = cb_map_new(free);

    for (size_t i = 0; i < parts->count; i++) {
        cb_autofree char *platform = cb_platform_text(&made->items[i].platform);
        struct claims claims = {.owners = owners, .platform = platform};

        if (parts->items[i].root_fd >= 0 &&
            cb_walk(parts->items[i].root_fd, claim, &claims, env->cancel, err) < 0)
            return -1;
    }
    return 0;
}

static int prepare(struct cb_build_env *env, const struct cb_made_list *made, int split,
                   struct parts *parts, struct cb_error **err)
{
    if (open_parts(made, split, parts, err) < 0)
        return -1;
    return made->count > 1 && !split ? check_merge(env, made, parts, err) : 0;
}

/* ── The two kinds ── */

int cb_outputs_write_tar(struct cb_build_env *env, const struct cb_made_list *made,
                         const struct cb_output *output, int split, struct cb_error **err)
{
    cb_auto(cb_out_file) file = NULL;
    cb_auto_value(parts) parts = {0};

    if (prepare(env, made, split, &parts, err) < 0 ||
        cb_out_file_open(&file, output->dest, err) < 0 ||
        cb_tree_write_tar(parts.items, parts.count, cb_out_file_fd(file),
                          env->source_date_epoch, env->cancel, err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

static int is_part(const struct parts *parts, const char *name)
{
    cb_vec_foreach (part, parts) {
        if (strcmp(part->directory, name) == 0)
            return 1;
    }
    return 0;
}

/* Beside the platforms' directories, what no platform has. */
static int remove_others(int dest_fd, const struct parts *parts, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(dest_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (!is_part(parts, *name) && cb_fs_remove_tree(dest_fd, *name, err) < 0)
            return -1;
    }
    return 0;
}

/* A platform's directory. Nothing there is followed: an earlier result may have left a
 * link of that name, which is replaced. */
static int open_part(int dest_fd, const char *name, int *out, struct cb_error **err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    *out = openat(dest_fd, name, flags);
    if (*out < 0 && (cb_fs_remove_tree(dest_fd, name, err) < 0))
        return -1;
    if (*out < 0 && mkdirat(dest_fd, name, 0755) < 0)
        return cb_error_errno(err, errno, "make `%s`", name);
    if (*out < 0)
        *out = openat(dest_fd, name, flags);
    return *out < 0 ? cb_error_errno(err, errno, "open `%s`", name) : 0;
}

static int write_split(struct cb_build_env *env, const struct parts *parts, int dest_fd,
                       int delete, struct cb_error **err)
{
    if (delete &&remove_others(dest_fd, parts, err) < 0)
        return -1;
    cb_vec_foreach (part, parts) {
        cb_autofd int to_fd = -1;

        if (open_part(dest_fd, part->directory, &to_fd, err) < 0 ||
            cb_tree_write_dir(part, to_fd, env->source_date_epoch, delete, env->cancel,
                              err) < 0)
            return -1;
    }
    return 0;
}

/* All into one; what shares its directory does not remove what came before it. */
static int write_merged(struct cb_build_env *env, const struct parts *parts, int dest_fd,
                        int delete, struct cb_error **err)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (cb_tree_write_dir(&parts->items[i], dest_fd, env->source_date_epoch,
                              delete &&i == 0, env->cancel, err) < 0)
            return -1;
    }
    return 0;
}

int cb_outputs_write_directory(struct cb_build_env *env, const struct cb_made_list *made,
                               const struct cb_output *output, int split,
                               struct cb_error **err)
{
    cb_auto_value(parts) parts = {0};
    cb_autofd int dest_fd = -1;

    if (prepare(env, made, split, &parts, err) < 0 ||
        cb_fs_mkdirs(output->dest, 0755, err) < 0)
        return -1;
    dest_fd = open(output->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dest_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", output->dest);
    return split ? write_split(env, &parts, dest_fd, output->delete, err)
                 : write_merged(env, &parts, dest_fd, output->delete, err);
}
