/* A result's files outside the store, as a directory or a tar. Of several platforms each
 * has a directory of its own there ("linux_arm64"), or with platform-split=false all
 * share one, which no two may give a file of the same name. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/out-file.h"
#include "exporter/tree.h"
#include "store/file-digest.h"
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
    cb_vec_foreach (part, parts) {
        free(part->directory);
        cb_vec_foreach (file, &part->files) {
            free(file->name);
            free(file->bytes);
        }
        cb_vec_free(&part->files);
    }
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

/* ── What is said of them ── */

static int add_subject(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct cb_subjects *out = arg;
    struct cb_subject subject;
    struct stat st = at->st;
    cb_autofd int fd = -1;
    int result;

    if (!S_ISREG(at->st.st_mode))
        return 0;
    result = cb_fs_open_regular(at->dir_fd, at->name, &st, &fd, err);
    if (result <= 0)
        return result;
    if (cb_file_digest(fd, &subject.digest, err) < 0)
        return -1;
    subject.name = xstrdup(at->path);
    cb_vec_push(out, subject);
    return 0;
}

/* "provenance.json", and "provenance.linux_amd64.json" where several share a directory.
 */
static char *file_name(const struct cb_files_output *files,
                       const struct cb_statement *statement,
                       const struct cb_platform *platform)
{
    const char *prefix = files->output->attest_prefix;
    cb_autofree char *name = cb_attesting_file(files->attesting, statement);
    const char *dot = strrchr(name, '.');
    cb_autofree char *directory = NULL;

    if (files->split || files->made->count == 1)
        return xasprintf("%s%s", prefix ? prefix : "", name);
    directory = directory_of(platform);
    if (!dot)
        dot = name + strlen(name);
    return xasprintf("%s%.*s.%s%s", prefix ? prefix : "", (int)(dot - name), name,
                     directory, dot);
}

static int add_statements(const struct cb_files_output *files, size_t image,
                          struct cb_tree_part *part, struct cb_error **err)
{
    cb_auto_value(cb_statements) statements = {0};
    cb_auto_value(cb_subjects) subjects = {0};

    if (cb_attesting_statements(files->attesting, image, NULL, &statements, err) < 0 ||
        (statements.count && part->root_fd >= 0 &&
         cb_walk(part->root_fd, add_subject, &subjects, files->env->cancel, err) < 0))
        return -1;
    cb_vec_foreach (statement, &statements) {
        struct cb_tree_file file = {
            .name = file_name(files, statement, &files->made->items[image].platform),
            .bytes = cb_statement_text(statement, &subjects, 2)};

        cb_vec_push(&part->files, file);
    }
    return 0;
}

static int prepare(const struct cb_files_output *files, struct parts *parts,
                   struct cb_error **err)
{
    if (open_parts(files->made, files->split, parts, err) < 0 ||
        (files->made->count > 1 && !files->split &&
         check_merge(files->env, files->made, parts, err) < 0))
        return -1;
    for (size_t i = 0; files->attesting && i < parts->count; i++) {
        if (add_statements(files, i, &parts->items[i], err) < 0)
            return -1;
    }
    return 0;
}

/* ── The two kinds ── */

int cb_outputs_write_tar(const struct cb_files_output *files, struct cb_error **err)
{
    cb_auto(cb_out_file) file = NULL;
    cb_auto_value(parts) parts = {0};

    if (prepare(files, &parts, err) < 0 ||
        cb_out_file_open(&file, files->output->dest, err) < 0 ||
        cb_tree_write_tar(parts.items, parts.count, cb_out_file_fd(file),
                          files->env->source_date_epoch, files->env->cancel, err) < 0)
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

int cb_outputs_write_directory(const struct cb_files_output *files, struct cb_error **err)
{
    const struct cb_output *output = files->output;
    cb_auto_value(parts) parts = {0};
    cb_autofd int dest_fd = -1;

    if (prepare(files, &parts, err) < 0 || cb_fs_mkdirs(output->dest, 0755, err) < 0)
        return -1;
    dest_fd = open(output->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dest_fd < 0)
        return cb_error_errno(err, errno, "open `%s`", output->dest);
    return files->split ? write_split(files->env, &parts, dest_fd, output->delete, err)
                        : write_merged(files->env, &parts, dest_fd, output->delete, err);
}
