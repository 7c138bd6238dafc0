/* The directory of volumes. A volume is there once its volume.json is. */
#include "container/volume.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/log.h"
#include "container/journal.h"
#include "container/record.h"
#include "container/setup.h"
#include "store/walk.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define VOLUME_FILE "volume.json"
#define MAX_BYTES   (1u << 20)
#define MAX_STRINGS 10000
#define ANONYMOUS   "com.docker.volume.anonymous"
/* Beside volume.json: the container that it was made for has no record yet. */
#define FRESH_FILE "_new"

void cb_volume_free(struct cb_volume *volume)
{
    if (!volume)
        return;
    free(volume->name);
    free(volume->mountpoint);
    cb_strings_free(&volume->labels);
    cb_strings_free(&volume->options);
    free(volume);
}

void cb_volumes_free(struct cb_volumes *volumes)
{
    cb_vec_foreach (volume, volumes)
        cb_volume_free(*volume);
    cb_vec_free(volumes);
}

static int is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

int cb_volume_check_name(const char *name, struct cb_error **err)
{
    size_t len = strlen(name), good = 0;

    while (is_name_character(name[good]))
        good++;
    if (len == 1 && isalnum((unsigned char)*name))
        return cb_error_set(err, CB_ERR_USAGE,
                            "create %s: volume name is too short, names should be at "
                            "least two alphanumeric characters",
                            name);
    if (len >= 2 && len <= 255 && good == len && isalnum((unsigned char)*name))
        return 0;
    cb_error_set(err, CB_ERR_USAGE,
                 "create %s: \"%s\" includes invalid characters for a local volume name, "
                 "only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed",
                 name, name);
    return cb_error_hint(err, "If you intended to pass a host directory, use absolute "
                              "path");
}

/* ── As JSON ── */

static json_t *pairs_json(const struct cb_volume *volume, const struct cb_strings *pairs)
{
    json_t *object = json_object();

    cb_vec_foreach (pair, pairs) {
        cb_autofree char *key = xstrndup(*pair, strcspn(*pair, "="));
        const char *equals = strchr(*pair, '=');

        json_object_set_new(object, key, json_string_nocheck(equals ? equals + 1 : ""));
    }
    return pairs->count || volume->by_hand ? object : (json_decref(object), json_null());
}

json_t *cb_volume_json(const struct cb_volume *volume)
{
    json_t *object = json_object();
    json_t *labels = pairs_json(volume, &volume->labels);

    if (volume->anonymous) {
        json_decref(labels);
        labels = json_object();
        json_object_set_new(labels, ANONYMOUS, json_string(""));
    }
    json_object_set_new(object, "CreatedAt", json_string(volume->created));
    json_object_set_new(object, "Driver", json_string("local"));
    json_object_set_new(object, "Labels", labels);
    json_object_set_new(object, "Mountpoint", json_string(volume->mountpoint));
    json_object_set_new(object, "Name", json_string(volume->name));
    json_object_set_new(object, "Options", pairs_json(volume, &volume->options));
    json_object_set_new(object, "Scope", json_string("local"));
    return object;
}

static void read_pairs(const json_t *object, struct cb_strings *out)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_string(value))
            cb_strings_addf(out, "%s=%s", key, json_string_value(value));
    }
}

static int open_dir(struct cb_store *store)
{
    return openat(cb_store_root_fd(store), "volumes",
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int is_hidden(const char *name)
{
    return !*name || *name == '.' || strchr(name, '/');
}

/* 1 read, 0 not there. */
static int read_volume_json(int dir, const char *name, json_t **out,
                            struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *document = NULL;
    cb_auto(cb_error) error = NULL;
    cb_autofree char *path = xasprintf("%s/" VOLUME_FILE, name);
    struct cb_json root, created;
    const char *when;

    if (is_hidden(name))
        return 0;
    if (cb_fs_read_file(dir, path, MAX_BYTES, &text, &error) < 0)
        return cb_error_errnum(error) == ENOENT || cb_error_errnum(error) == ENOTDIR
                   ? 0
                   : cb_error_move(err, &error);
    if (cb_json_parse(&document, path, cb_strbuf_text(&text), text.len, MAX_BYTES, err) <
        0)
        return -1;
    root = cb_json_root(document, path);
    created = cb_json_member(&root, "CreatedAt");
    if (cb_json_required_string(&created, &when, err) < 0)
        return -1;
    *out = cb_steal(&document);
    return 1;
}

/* 1 read, 0 not there. */
static int read_volume(struct cb_store *store, int dir, const char *name,
                       struct cb_volume **out, struct cb_error **err)
{
    cb_auto(cb_volume) volume = NULL;
    cb_auto_json *document = NULL;
    int found = read_volume_json(dir, name, &document, err);

    if (found < 0) {
        cb_error_wrap(err, "volume `%s`", name);
        return cb_error_hint(err,
                             "its files are in %s/volumes/%s/_data, and "
                             "`cbuild volume rm %s` removes it",
                             cb_store_root(store), name, name);
    }
    if (!found)
        return 0;
    volume = xcalloc(1, sizeof(*volume));
    volume->name = xstrdup(name);
    volume->mountpoint = xasprintf("%s/volumes/%s/_data", cb_store_root(store), name);
    snprintf(volume->created, sizeof(volume->created), "%s",
             json_string_value(json_object_get(document, "CreatedAt")));
    read_pairs(json_object_get(document, "Labels"), &volume->labels);
    read_pairs(json_object_get(document, "Options"), &volume->options);
    volume->by_hand = json_is_object(json_object_get(document, "Options"));
    volume->anonymous = cb_env_get(&volume->labels, ANONYMOUS) != NULL;
    *out = cb_steal(&volume);
    return 1;
}

static int no_such_volume(const char *name, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_NOT_FOUND, "get %s: no such volume", name);
}

int cb_volume_find(struct cb_store *store, const char *name, struct cb_volume **out,
                   struct cb_error **err)
{
    cb_autofd int dir = open_dir(store);
    int found;

    if (dir < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "open `%s/volumes`", cb_store_root(store));
    found = dir < 0 ? 0 : read_volume(store, dir, name, out, err);
    if (found)
        return found < 0 ? -1 : 0;
    return no_such_volume(name, err);
}

int cb_volumes_list(struct cb_store *store, struct cb_volumes *out, struct cb_error **err)
{
    cb_autofd int dir = open_dir(store);
    cb_auto_value(cb_strings) names = {0};

    if (dir < 0)
        return errno == ENOENT ? 0
                               : cb_error_errno(err, errno, "open `%s/volumes`",
                                                cb_store_root(store));
    if (cb_fs_list(dir, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_auto(cb_error) error = NULL;
        struct cb_volume *volume;
        int found = read_volume(store, dir, *name, &volume, &error);

        if (found < 0)
            cb_warn("%s", cb_error_message(error));
        if (found > 0)
            cb_vec_push(out, volume);
    }
    return 0;
}

/* Also one that cannot be looked at: what is taken for none is removed. */
static int is_there(int dir, const char *name)
{
    cb_autofree char *file = xasprintf("%s/" VOLUME_FILE, name);

    return !is_hidden(name) && (faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                                (errno != ENOENT && errno != ENOTDIR));
}

/* ── Changing ── */

static int make(int dir, const struct cb_volume *volume, int is_fresh,
                struct cb_error **err)
{
    cb_autofree char *data = xasprintf("%s/_data", volume->name);
    cb_autofree char *file = xasprintf("%s/" VOLUME_FILE, volume->name);
    cb_autofree char *fresh = xasprintf("%s/" FRESH_FILE, volume->name);
    cb_auto_json *document = cb_volume_json(volume);
    cb_autofree char *text = cb_json_dump(document);

    /* what a killed one left has no volume.json: nobody has used it */
    if (cb_fs_remove_tree(dir, volume->name, err) < 0)
        return -1;
    if (mkdirat(dir, volume->name, 0700) < 0 || mkdirat(dir, data, 0755) < 0 ||
        fchmodat(dir, data, 0755, 0) < 0 ||
        (is_fresh && mknodat(dir, fresh, S_IFREG | 0600, 0) < 0))
        return cb_error_errno(err, errno, "make the volume `%s`", volume->name);
    return cb_atomic_file_write(dir, file, text, strlen(text), 0600, CB_FILE_SYNCED, err);
}

static int check_driver(const struct cb_volume_wish *wish, struct cb_error **err)
{
    if (!wish->driver || !*wish->driver || strcmp(wish->driver, "local") == 0)
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "create %s: error looking up volume plugin %s: plugin \"%s\" not "
                        "found",
                        wish->name ? wish->name : "", wish->driver, wish->driver);
}

static int check_options(const struct cb_volume_wish *wish, struct cb_error **err)
{
    if (!wish->options || cb_volume_check_options(wish->options, err) == 0)
        return 0;
    return cb_error_wrap(err, "create %s", wish->name ? wish->name : "");
}

/* Those of a filesystem may not be other ones than a volume that is there has. */
static int check_same(const struct cb_volume *there, const struct cb_volume_wish *wish,
                      struct cb_error **err)
{
    cb_vec_foreach (option, wish->options) {
        if (!cb_strings_contain(&there->options, *option))
            return cb_error_set(err, CB_ERR_EXISTS,
                                "create %s: a volume with this name and other options is "
                                "there",
                                there->name);
    }
    return 0;
}

/* Nobody else gets in, also where the store's own directory was made by somebody who lets
 * others in: a volume keeps set-user-ID files as a container makes them. */
static int take_lock(struct cb_store *store, struct cb_lock **lock, int *dir,
                     struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (mkdirat(cb_store_root_fd(store), "volumes", 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s/volumes`", cb_store_root(store));
    fd = open_dir(store);
    if (fd < 0 || fchmod(fd, 0700) < 0)
        return cb_error_errno(err, errno, "open `%s/volumes`", cb_store_root(store));
    if (cb_lock_take(lock, fd, ".lock", CB_LOCK_EXCLUSIVE, NULL, err) < 0)
        return -1;
    *dir = cb_steal_fd(&fd);
    return 0;
}

static struct cb_volume *new_volume(struct cb_store *store,
                                    const struct cb_volume_wish *wish)
{
    struct cb_volume *volume = xcalloc(1, sizeof(*volume));
    char id[65];

    volume->anonymous = !wish->name;
    if (!wish->name)
        cb_container_new_id(id);
    volume->name = xstrdup(wish->name ? wish->name : id);
    volume->mountpoint =
        xasprintf("%s/volumes/%s/_data", cb_store_root(store), volume->name);
    cb_timestamp_format(cb_timestamp_now(), volume->created);
    if (wish->labels)
        cb_strings_copy(&volume->labels, wish->labels);
    if (wish->options)
        cb_strings_copy(&volume->options, wish->options);
    volume->by_hand = wish->by_hand;
    cb_env_sort(&volume->labels);
    cb_env_sort(&volume->options);
    return volume;
}

/* ── Keeping it from being removed ── */

static int open_one(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Who removes it has the lock of the list, as we have, so nobody is waited for. */
static int hold(int dir, const char *name, struct cb_volume_holds *holds,
                struct cb_error **err)
{
    struct cb_volume_held held = {.dir_fd = open_one(dir, name)};

    if (held.dir_fd < 0)
        return cb_error_errno(err, errno, "open the volume `%s`", name);
    if (cb_lock_take(&held.lock, held.dir_fd, VOLUME_FILE, CB_LOCK_SHARED, NULL, err) <
        0) {
        cb_close(&held.dir_fd);
        return -1;
    }
    cb_vec_push(holds, held);
    return 0;
}

void cb_volume_holds_clear(struct cb_volume_holds *holds)
{
    cb_vec_foreach (held, holds) {
        cb_lock_release(held->lock);
        cb_close(&held->dir_fd);
    }
    cb_vec_free(holds);
}

void cb_volume_holds_keep(struct cb_volume_holds *holds)
{
    cb_vec_foreach (held, holds)
        unlinkat(held->dir_fd, FRESH_FILE, 0);
    cb_volume_holds_clear(holds);
}

int cb_volume_keep(struct cb_store *store, const char *name, struct cb_error **err)
{
    cb_autofd int dir = open_dir(store);
    cb_autofd int fd = dir < 0 ? -1 : open_one(dir, name);

    if ((fd >= 0 && unlinkat(fd, FRESH_FILE, 0) == 0) || errno == ENOENT)
        return 0;
    return cb_error_errno(err, errno, "keep the volume `%s`", name);
}

int cb_volume_hold(struct cb_store *store, const char *name,
                   struct cb_volume_holds *holds, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (take_lock(store, &lock, &dir, err) < 0)
        return -1;
    return is_there(dir, name) ? hold(dir, name, holds, err) : no_such_volume(name, err);
}

/* One that cannot be looked at may be. */
static int is_held(int dir, const char *name)
{
    cb_autofd int fd = open_one(dir, name);
    cb_autofd int file =
        fd < 0 ? -1
               : openat(fd, VOLUME_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (file >= 0)
        return cb_lock_is_marked(file);
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENXIO;
}

int cb_volume_lock(struct cb_store *store, const char *name, struct cb_cancel *cancel,
                   struct cb_lock **lock, int *dir, struct cb_error **err)
{
    cb_autofd int volumes = open_dir(store);
    cb_autofd int fd = volumes < 0 ? -1 : open_one(volumes, name);

    if (fd < 0)
        return cb_error_errno(err, errno, "open the volume `%s`", name);
    if (cb_lock_take(lock, fd, "lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, err) < 0)
        return -1;
    *dir = cb_steal_fd(&fd);
    return 0;
}

int cb_volume_open_data(struct cb_store *store, const char *name, int *fd,
                        struct cb_error **err)
{
    cb_autofd int dir = open_dir(store);
    cb_autofd int volume = -1;
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    volume = dir < 0 ? -1 : openat(dir, name, flags);
    *fd = volume < 0 ? -1 : openat(volume, "_data", flags);
    if (*fd >= 0)
        return 0;
    return cb_error_errno(err, errno, "open the volume `%s`", name);
}

static int refuse_unknown_user(const char *name, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_EXISTS,
                 "remove %s: a container whose record cannot be read may have it", name);
    return cb_error_hint(err, "`cbuild rm -f` with the container's id removes it");
}

static int refuse_held(const char *name, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_EXISTS,
                 "remove %s: volume is in use - [a container that is being made]", name);
    cb_error_set_errnum(err, EBUSY);
    return -1;
}

/* Ids of the containers that have it. */
static int find_users(struct cb_store *store, const char *name, struct cb_strings *ids,
                      struct cb_error **err)
{
    cb_auto_value(cb_containers) containers = {0};

    if (cb_containers_list(store, &containers, err) < 0)
        return -1;
    if (containers.unreadable)
        return refuse_unknown_user(name, err);
    cb_vec_foreach (container, &containers) {
        cb_vec_foreach (mount, &(*container)->mounts) {
            if (mount->name && strcmp(mount->name, name) == 0)
                cb_strings_add_once(ids, (*container)->id);
        }
    }
    return 0;
}

/* ── Removing ── */

/* For who has the lock: it is nobody's from here on, and what may be large goes with
 * ASIDE, when the lock was let go of. Where nothing can be put aside (a full disk) it
 * goes at once. */
static int set_aside(struct cb_store *store, int dir, const char *name,
                     struct cb_scratch **aside, struct cb_error **err)
{
    if ((*aside || cb_store_scratch(store, aside, NULL) == 0) &&
        renameat(dir, name, cb_scratch_fd(*aside), name) == 0)
        return 0;
    return cb_fs_remove_tree(dir, name, err);
}

static int take_out(struct cb_store *store, int dir, const char *name,
                    struct cb_scratch **aside, struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s/" VOLUME_FILE, name);

    if (unlinkat(dir, file, 0) < 0)
        return cb_error_errno(err, errno, "remove the volume `%s`", name);
    cb_volume_tell(store, name, "destroy");
    return set_aside(store, dir, name, aside, err);
}

/* It was made for a container, and who made that was killed before it had a record. */
static int is_orphan(struct cb_store *store, int dir, const char *name)
{
    cb_autofree char *fresh = xasprintf("%s/" FRESH_FILE, name);
    cb_auto_value(cb_strings) users = {0};

    if (faccessat(dir, fresh, F_OK, AT_SYMLINK_NOFOLLOW) < 0 || is_held(dir, name) ||
        find_users(store, name, &users, NULL) < 0)
        return 0;
    if (users.count)
        unlinkat(dir, fresh, 0);
    return !users.count;
}

/* For who has the lock, so that nobody makes or removes one. */
static void sweep_orphans(struct cb_store *store, int dir, struct cb_scratch **aside)
{
    cb_auto_value(cb_strings) names = {0};

    cb_fs_list(dir, &names, NULL);
    cb_vec_foreach (name, &names) {
        if (!is_hidden(*name) && is_there(dir, *name) && is_orphan(store, dir, *name))
            take_out(store, dir, *name, aside, NULL);
    }
}

/* Also what somebody was making or removing when he was killed. */
static void sweep(struct cb_store *store, int dir, struct cb_scratch **aside)
{
    cb_auto_value(cb_strings) names = {0};

    cb_fs_list(dir, &names, NULL);
    cb_vec_foreach (name, &names) {
        if (!is_hidden(*name) && !is_there(dir, *name))
            set_aside(store, dir, *name, aside, NULL);
    }
    sweep_orphans(store, dir, aside);
}

void cb_volumes_sweep(struct cb_store *store)
{
    cb_auto(cb_scratch) aside = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (take_lock(store, &lock, &dir, NULL) == 0)
        sweep(store, dir, &aside);
}

void cb_volumes_sweep_orphans(struct cb_store *store)
{
    cb_auto(cb_scratch) aside = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (take_lock(store, &lock, &dir, NULL) == 0)
        sweep_orphans(store, dir, &aside);
}

static int refuse_users(const char *name, const struct cb_strings *users,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) list = {0};

    cb_vec_foreach (id, users)
        cb_strbuf_addf(&list, "%s%s", list.len ? ", " : "", *id);
    return cb_error_set(err, CB_ERR_EXISTS, "remove %s: volume is in use - [%s]", name,
                        cb_strbuf_text(&list));
}

int cb_volume_take_out(struct cb_store *store, const char *name,
                       struct cb_scratch **aside, struct cb_error **err)
{
    cb_auto_value(cb_strings) users = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (take_lock(store, &lock, &dir, err) < 0)
        return -1;
    sweep(store, dir, aside);
    if (!is_there(dir, name)) /* it need not be whole */
        return no_such_volume(name, err);
    /* who lets go of it has written a record, which is read behind this */
    if (is_held(dir, name))
        return refuse_held(name, err);
    if (find_users(store, name, &users, err) < 0)
        return -1;
    if (users.count)
        return refuse_users(name, &users, err);
    return take_out(store, dir, name, aside, err);
}

/* ── Creating ── */

int cb_volume_create(struct cb_store *store, const struct cb_volume_wish *wish,
                     struct cb_volume_holds *holds, struct cb_volume **out,
                     struct cb_error **err)
{
    cb_auto(cb_volume) volume = NULL;
    cb_auto(cb_scratch) aside = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    int found;

    if ((wish->name && cb_volume_check_name(wish->name, err) < 0) ||
        check_driver(wish, err) < 0 || check_options(wish, err) < 0 ||
        take_lock(store, &lock, &dir, err) < 0)
        return -1;
    found = wish->name ? read_volume(store, dir, wish->name, &volume, err) : 0;
    if (found < 0 || (found && wish->options && check_same(volume, wish, err) < 0))
        return -1;
    if (!found) {
        sweep_orphans(store, dir, &aside);
        volume = new_volume(store, wish);
        if (make(dir, volume, holds && volume->anonymous, err) < 0)
            return -1;
        cb_volume_tell(store, volume->name, "create");
    }
    if (holds && hold(dir, volume->name, holds, err) < 0) {
        if (!found && volume->anonymous)
            take_out(store, dir, volume->name, &aside, NULL);
        return -1;
    }
    *out = cb_steal(&volume);
    return 0;
}

/* ── Its size ── */

static int add_bytes(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    uint64_t *bytes = arg;

    if (S_ISREG(entry->st.st_mode))
        *bytes += (uint64_t)entry->st.st_size;
    return 0;
}

static uint64_t bytes_of(int data)
{
    uint64_t bytes = 0;

    cb_walk(data, add_bytes, &bytes, NULL, NULL);
    return bytes;
}

uint64_t cb_volume_bytes(struct cb_store *store, const struct cb_volume *volume)
{
    cb_autofd int data = -1;

    return cb_volume_open_data(store, volume->name, &data, NULL) == 0 ? bytes_of(data)
                                                                      : 0;
}

uint64_t cb_volumes_bytes_aside(const struct cb_scratch *aside)
{
    cb_auto_value(cb_strings) names = {0};
    uint64_t bytes = 0;

    cb_fs_list(cb_scratch_fd(aside), &names, NULL);
    cb_vec_foreach (name, &names) {
        cb_autofd int volume = open_one(cb_scratch_fd(aside), *name);
        cb_autofd int data = volume < 0 ? -1 : open_one(volume, "_data");

        bytes += data < 0 ? 0 : bytes_of(data);
    }
    return bytes;
}
