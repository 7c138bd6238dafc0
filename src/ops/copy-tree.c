/* Copies what was listed. One thread goes through the list, makes directories and links
 * and collects regular files; those are copied by the pool, a batch at a time, so that
 * memory does not grow with the tree. Names of one file stay one file. */
#include "ops/copy-priv.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BATCH_FILES 4096

/* ── What is collected ── */

static void free_jobs(struct cb_copying *copying)
{
    cb_vec_foreach (job, &copying->files)
        free(job->target);
    cb_vec_foreach (job, &copying->names) {
        free(job->target);
        free(job->same_as);
    }
    copying->files.count = copying->names.count = 0;
    cb_bunches_free(&copying->bunches);
    copying->bunches = (struct cb_bunches){0};
    cb_map_free(copying->pending);
    copying->pending = NULL;
}

void cb_copying_clear(struct cb_copying *copying)
{
    free_jobs(copying);
    cb_vec_free(&copying->files);
    cb_vec_free(&copying->names);
    cb_map_free(copying->links);
    cb_map_free(copying->link_targets);
    copying->links = copying->link_targets = NULL;
    cb_early_write_free(copying->early);
    copying->early = NULL;
}

static int run_bunch(void *arg, size_t bunch, struct cb_error **err)
{
    const struct cb_copying *copying = arg;
    cb_autofree void *buffer = xmalloc(CB_COPY_SMALL_BYTES);
    size_t i, end;

    for (cb_bunch_range(&copying->bunches, bunch, &i, &end); i < end; i++)
        if (cb_cancel_check(copying->cancel, err) < 0 ||
            cb_copy_job_run(copying, &copying->files.items[i], buffer, err) < 0)
            return -1;
    return 0;
}

static int run_link(const struct cb_copying *copying, const struct cb_copy_job *job,
                    struct cb_error **err)
{
    cb_autofree void *buffer = NULL;
    int dest = copying->dest->fd;

    if (strcmp(job->same_as, job->target) == 0)
        return 0;
    if (cb_dest_make_room(copying->dest, job->target, err) < 0)
        return -1;
    if (linkat(dest, job->same_as, dest, job->target, 0) == 0)
        return 0;
    if (errno != EMLINK)
        return cb_error_errno(err, errno, "link `/%s` to `/%s`", job->target,
                              job->same_as);
    buffer = xmalloc(CB_COPY_SMALL_BYTES);
    return cb_copy_job_run(copying, job, buffer, err);
}

int cb_copy_flush(struct cb_copying *copying, struct cb_error **err)
{
    /* A duplicate would keep a mount alive. */
    if (!copying->early && copying->files.count > 0 && !copying->dest->merged)
        copying->early = cb_early_write_new(copying->pool, copying->dest->fd);
    if (cb_pool_for_each(copying->pool, copying->bunches.starts.count, run_bunch, copying,
                         err) < 0)
        return -1;
    cb_vec_foreach (job, &copying->names) {
        if (run_link(copying, job, err) < 0)
            return -1;
    }
    free_jobs(copying);
    return 0;
}

/* ── One entry ── */

/* An earlier source may have put something at TARGET, or be about to: then that comes
 * first, and is no longer what other names may be linked to. */
static int claim(struct cb_copying *copying, const char *target, struct cb_error **err)
{
    const char *key;

    if (copying->pending && cb_map_has(copying->pending, target) &&
        cb_copy_flush(copying, err) < 0)
        return -1;
    key = copying->link_targets ? cb_map_get(copying->link_targets, target) : NULL;
    if (key) {
        cb_map_remove(copying->links, key);
        cb_map_remove(copying->link_targets, target);
    }
    return cb_dest_expect_file(copying->dest, target, err);
}

/* Where the first name of the entry's file went, or NULL when this is it. */
static const char *first_name(struct cb_copying *copying, const struct cb_entry *entry,
                              const char *target)
{
    char key[CB_INODE_KEY_MAX];
    const char *first;

    if (entry->nlink <= 1)
        return NULL;
    if (!copying->links) {
        copying->links = cb_map_new(free);
        copying->link_targets = cb_map_new(free);
    }
    cb_inode_key(key, entry->dev, entry->ino);
    first = cb_map_get(copying->links, key);
    if (!first) {
        cb_map_set(copying->links, key, xstrdup(target));
        cb_map_set(copying->link_targets, target, xstrdup(key));
    }
    return first;
}

static int add_regular(struct cb_copying *copying, int source_root,
                       const struct cb_entry *entry, const char *target,
                       struct cb_error **err)
{
    struct cb_copy_job job = {
        .entry = entry, .source_root = source_root, .source = copying->source};

    if (claim(copying, target, err) < 0)
        return -1;
    job.same_as = xstrdup(first_name(copying, entry, target));
    job.target = xstrdup(target);
    if (!copying->pending)
        copying->pending = cb_map_new(NULL);
    cb_map_set(copying->pending, target, copying);
    if (job.same_as) {
        cb_vec_push(&copying->names, job);
    } else {
        cb_vec_push(&copying->files, job);
        cb_bunches_add(&copying->bunches, job.target, entry->size);
    }
    return copying->files.count + copying->names.count < BATCH_FILES
               ? 0
               : cb_copy_flush(copying, err);
}

static int make_special(const struct cb_dest *dest, const struct cb_entry *entry,
                        const char *target)
{
    return S_ISLNK(entry->mode) ? symlinkat(entry->link, dest->fd, target)
                                : mknodat(dest->fd, target, (entry->mode & S_IFMT) | 0600,
                                          (dev_t)entry->rdev);
}

/* Links, devices and FIFOs. A 0:0 character device is overlay's mark for "deleted". */
static int copy_special(struct cb_copying *copying, const struct cb_entry *entry,
                        const char *target, struct cb_error **err)
{
    struct cb_dest *dest = copying->dest;
    struct cb_owner owner = cb_copy_owner(copying, entry);
    struct timespec times[2] = {entry->mtime, entry->mtime};

    if (S_ISCHR(entry->mode) && entry->rdev == 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "`/%s`: a character device 0:0 cannot be copied",
                            entry->path);
    if (claim(copying, target, err) < 0)
        return -1;
    if (make_special(dest, entry, target) < 0) {
        if (errno != EEXIST)
            return cb_error_errno(err, errno, "make `/%s`", target);
        if (cb_dest_make_room(dest, target, err) < 0)
            return -1;
        if (make_special(dest, entry, target) < 0)
            return cb_error_errno(err, errno, "make `/%s`", target);
    }
    if (fchownat(dest->fd, target, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        (!S_ISLNK(entry->mode) &&
         fchmodat(dest->fd, target, cb_chmod_apply(copying->chmod, entry->mode), 0) <
             0) ||
        utimensat(dest->fd, target, times, AT_SYMLINK_NOFOLLOW) < 0) {
        cb_error_errno(err, errno, "set owner, mode and time of `/%s`", target);
        return cb_mapped_ids_hint(err, owner.uid, owner.gid);
    }
    return 0;
}

int cb_copy_file(struct cb_copying *copying, int source_root,
                 const struct cb_entry *entry, const char *target, struct cb_error **err)
{
    if (S_ISREG(entry->mode))
        return add_regular(copying, source_root, entry, target, err);
    if (S_ISSOCK(entry->mode)) {
        cb_event_say(copying->sink, CB_EVENT_WARNING, copying->event_id,
                     "`%s` is a socket: not copied", entry->path);
        return 0;
    }
    return copy_special(copying, entry, target, err);
}

static int copy_subdirectory(struct cb_copying *copying, const struct cb_entry *entry,
                             const char *target, struct cb_error **err)
{
    struct cb_dir_look look = {.mode = cb_chmod_apply(copying->chmod, entry->mode),
                               .passed_mode = entry->mode,
                               .owner = cb_copy_owner(copying, entry),
                               .mtime = entry->mtime,
                               .xattrs = entry->xattrs,
                               .xattrs_len = entry->xattrs_len};

    return cb_dest_dir(copying->dest, target, &look,
                       entry->on_the_way ? CB_DIR_MODE : CB_DIR_DRESS, err);
}

int cb_copy_directory(struct cb_copying *copying, int source_root,
                      const struct cb_selection *selection, const struct cb_match *match,
                      const char *target, struct cb_error **err)
{
    for (size_t i = 1; i < match->count; i++) {
        const struct cb_entry *entry = &selection->entries.items[match->first + i];
        const char *relative = cb_entry_relative(match, entry);
        cb_autofree char *path =
            *target ? xasprintf("%s/%s", target, relative) : xstrdup(relative);

        if (cb_entry_is_dir(entry)
                ? copy_subdirectory(copying, entry, path, err) < 0
                : cb_copy_file(copying, source_root, entry, path, err) < 0)
            return -1;
    }
    return 0;
}
