/* All the containers of a store: which there are, who is meant, and the locks of who
 * changes something. */
#include "container/record.h"

#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ── All of them ── */

static int open_containers(struct cb_store *store)
{
    return openat(cb_store_root_fd(store), "containers",
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int is_id(const char *name)
{
    return strlen(name) == CB_CONTAINER_ID_DIGITS &&
           strspn(name, "0123456789abcdef") == CB_CONTAINER_ID_DIGITS;
}

static int list_ids(int dir, struct cb_strings *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) files = {0};

    if (cb_fs_list(dir, &files, err) < 0)
        return -1;
    cb_vec_foreach (file, &files)
        if (is_id(*file))
            cb_strings_add(out, *file);
    return 0;
}

/* 1: *OUT; 0: it comes, or goes, just now; -1: it cannot be read, and is told of. */
static int open_or_warn(int dir, const char *id, struct cb_container **out)
{
    cb_auto(cb_error) error = NULL;

    if (cb_container_open_in(dir, id, out, &error) == 0)
        return 1;
    if (cb_error_errnum(error) == ENOENT)
        return 0;
    cb_warn("%s", cb_error_message(error));
    return -1;
}

/* What cannot be read is not there. */
static int open_if_whole(int dir, const char *id, struct cb_container **out)
{
    return open_or_warn(dir, id, out) > 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct cb_container *const *x = a, *const *y = b;
    struct timespec one = {0}, other = {0};

    cb_timestamp_parse(&one, (*x)->created, NULL);
    cb_timestamp_parse(&other, (*y)->created, NULL);
    if (one.tv_sec != other.tv_sec)
        return one.tv_sec < other.tv_sec ? 1 : -1;
    return one.tv_nsec < other.tv_nsec ? 1 : one.tv_nsec > other.tv_nsec ? -1 : 0;
}

int cb_containers_list(struct cb_store *store, struct cb_containers *out,
                       struct cb_error **err)
{
    cb_autofd int dir = open_containers(store);
    cb_auto_value(cb_strings) ids = {0};

    if (dir < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open the containers");
    if (list_ids(dir, &ids, err) < 0)
        return -1;
    cb_vec_foreach (id, &ids) {
        struct cb_container *container;
        int opened = open_or_warn(dir, *id, &container);

        if (opened > 0)
            cb_vec_push(out, container);
        out->unreadable += opened < 0;
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(struct cb_container *), newest_first);
    return 0;
}

/* ── One ── */

static int no_such(const char *text, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", text);
}

/* Of most names the length tells that they are others. */
static int is_named(int dir, const char *id, const char *name)
{
    cb_autofree char *path = xasprintf("%s/name", id);
    cb_auto_value(cb_strbuf) text = {0};
    struct stat st;

    return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_size == (off_t)strlen(name) &&
           cb_fs_read_file(dir, path, 1024, &text, NULL) == 0 &&
           strcmp(cb_strbuf_text(&text), name) == 0;
}

/* 1: *OUT. Of the others only the names are read. A damaged record may have an empty
 * one, which nobody means. */
static int find_by_name(int dir, const struct cb_strings *ids, const char *text,
                        struct cb_container **out)
{
    const char *name = *text == '/' ? text + 1 : text;

    cb_vec_foreach (id, ids)
        if (*name && is_named(dir, *id, name) && open_if_whole(dir, *id, out))
            return 1;
    return 0;
}

static int find_by_prefix(int dir, const struct cb_strings *ids, const char *text,
                          struct cb_container **out, struct cb_error **err)
{
    cb_auto(cb_container) found = NULL;

    cb_vec_foreach (id, ids) {
        cb_auto(cb_container) container = NULL;

        if (!*text || strncmp(*id, text, strlen(text)) != 0 ||
            !open_if_whole(dir, *id, &container))
            continue;
        if (found)
            return cb_error_set(err, CB_ERR_USAGE,
                                "multiple IDs found with provided prefix: %s", text);
        found = cb_steal(&container);
    }
    if (!found)
        return no_such(text, err);
    *out = cb_steal(&found);
    return 0;
}

int cb_container_find_named(struct cb_store *store, const char *name,
                            struct cb_container **out, struct cb_error **err)
{
    cb_autofd int dir = open_containers(store);
    cb_auto_value(cb_strings) ids = {0};

    if (dir < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open the containers");
    return list_ids(dir, &ids, err) < 0 ? -1 : find_by_name(dir, &ids, name, out);
}

int cb_container_find(struct cb_store *store, const char *text, struct cb_container **out,
                      struct cb_error **err)
{
    cb_autofd int dir = open_containers(store);
    cb_auto_value(cb_strings) ids = {0};

    if (dir < 0)
        return errno == ENOENT ? no_such(text, err)
                               : cb_error_errno(err, errno, "open the containers");
    if (list_ids(dir, &ids, err) < 0)
        return -1;
    if (cb_strings_contain(&ids, text))
        return open_if_whole(dir, text, out) ? 0 : no_such(text, err);
    return find_by_name(dir, &ids, text, out) ? 0
                                              : find_by_prefix(dir, &ids, text, out, err);
}

/* ── Locks ── */

int cb_containers_lock_until(struct cb_store *store, struct cb_lock **lock, int *dir,
                             struct cb_cancel *cancel, struct cb_error **err)
{
    int root = cb_store_root_fd(store);
    cb_autofd int fd = -1;

    if (mkdirat(root, "containers", 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s/containers`", cb_store_root(store));
    fd = open_containers(store);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/containers`", cb_store_root(store));
    if (cb_lock_take(lock, fd, "lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, err) < 0)
        return -1;
    *dir = cb_steal_fd(&fd);
    return 0;
}

int cb_containers_lock(struct cb_store *store, struct cb_lock **lock, int *dir,
                       struct cb_error **err)
{
    return cb_containers_lock_until(store, lock, dir, NULL, err);
}

int cb_container_begin_change(struct cb_store *store, struct cb_container *container,
                              struct cb_cancel *cancel, struct cb_lock **lock,
                              struct cb_error **err)
{
    cb_auto(cb_container) now = NULL;
    struct cb_container before = *container;

    if (cb_lock_take(lock, container->dir_fd, "change.lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, err) < 0 ||
        cb_container_open(cb_store_root(store), container->id, &now, err) < 0)
        return cb_container_went(container, err);
    *container = *now;
    *now = before;
    return 0;
}
