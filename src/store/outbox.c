/* A file for each cache that waits, and three beside it: its log, the lock of who sends
 * it, and the directory's lock, under which files are written and taken out. So nobody
 * takes out what has come in the place of what he sent. */
#include "store/outbox.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "store/outbox-priv.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX    ".json"
#define LOCK_NAME "lock"

static char *file_of(const char *name, const char *suffix)
{
    struct cb_digest digest = cb_digest_of(name, strlen(name));
    char hex[CB_DIGEST_MAX_TEXT];

    return xasprintf("%s%s", cb_digest_hex(&digest, hex), suffix);
}

/* 1; 0: there is none, nor is one made. */
static int open_directory(struct cb_store *store, int create, int *fd,
                          struct cb_error **err)
{
    int made = create ? mkdirat(store->root_fd, CB_OUTBOX_DIRECTORY, 0700) : -1;

    if (create && ((made < 0 && errno != EEXIST) ||
                   (made == 0 && !store->no_sync && fsync(store->root_fd) < 0)))
        return cb_error_errno(err, errno, "mkdir `%s/" CB_OUTBOX_DIRECTORY "`",
                              store->root);
    *fd = openat(store->root_fd, CB_OUTBOX_DIRECTORY,
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0)
        return 1;
    return errno == ENOENT
               ? 0
               : cb_error_errno(err, errno, "open `%s/" CB_OUTBOX_DIRECTORY "`",
                                store->root);
}

/* To write: the directory with its lock. */
static int open_locked(struct cb_store *store, int *fd, struct cb_lock **lock,
                       struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0 || open_directory(store, 1, fd, err) < 0)
        return -1;
    return cb_lock_take(lock, *fd, LOCK_NAME, CB_LOCK_EXCLUSIVE, NULL, err);
}

/* ── Reading ── */

static int read_file(int dir_fd, const char *file, struct cb_outbox_entry **out,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;
    struct stat st;

    if (fstatat(dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return cb_error_set(err, CB_ERR_INTEGRITY, "not a regular file");
    if (cb_fs_read_file(dir_fd, file, CB_OUTBOX_MAX_BYTES, &text, &error) < 0)
        return cb_error_kind(error) == CB_ERR_NOT_FOUND ? 0 : cb_error_move(err, &error);
    return cb_outbox_parse(out, cb_strbuf_text(&text), text.len, err) < 0 ? -1 : 1;
}

static void look_at_sender(struct cb_store *store, int dir_fd,
                           struct cb_outbox_entry *entry)
{
    cb_autofree char *lock = file_of(entry->name, ".lock");
    cb_autofree char *log = file_of(entry->name, ".log");

    entry->log = xasprintf("%s/" CB_OUTBOX_DIRECTORY "/%s", store->root, log);
    entry->is_held = cb_lock_is_held(dir_fd, lock);
    entry->holder = entry->is_held ? cb_lock_holder(dir_fd, lock) : 0;
}

int cb_outbox_find(struct cb_store *store, const char *name, struct cb_outbox_entry **out,
                   struct cb_error **err)
{
    cb_autofree char *file = file_of(name, SUFFIX);
    cb_autofd int fd = -1;
    int found = open_directory(store, 0, &fd, err);

    if (found > 0)
        found = read_file(fd, file, out, err);
    if (found > 0)
        look_at_sender(store, fd, *out);
    return found;
}

static int by_name(const void *a, const void *b)
{
    const struct cb_outbox_entry *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* Is it the file that is wrong, or could it not be read? */
static int is_damage(const struct cb_error *error)
{
    return cb_error_kind(error) == CB_ERR_INTEGRITY ||
           cb_error_kind(error) == CB_ERR_UNSUPPORTED;
}

/* The same of one that was found by its file, which has to be that of its name: by the
 * name it is sent and taken out. */
static int read_listed(int dir_fd, const char *file, struct cb_outbox_entry **out,
                       struct cb_error **err)
{
    cb_auto(cb_outbox_entry) entry = NULL;
    int found = read_file(dir_fd, file, &entry, err);
    cb_autofree char *own = found > 0 ? file_of(entry->name, SUFFIX) : NULL;

    if (found <= 0)
        return found;
    if (strcmp(own, file) != 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the file of another name than `%s`",
                            entry->name);
    *out = cb_steal(&entry);
    return 1;
}

/* TELL of what is damaged. */
static int list(struct cb_store *store, int tell, struct cb_outbox *out,
                struct cb_error **err)
{
    cb_auto_value(cb_strings) files = {0};
    cb_autofd int fd = -1;
    int there = open_directory(store, 0, &fd, err);

    if (there <= 0 || cb_fs_list(fd, &files, err) < 0)
        return there == 0 ? 0 : -1;
    cb_vec_foreach (file, &files) {
        struct cb_outbox_entry *entry = NULL;
        cb_auto(cb_error) error = NULL;
        int found = **file != '.' && cb_ends_with(*file, SUFFIX)
                        ? read_listed(fd, *file, &entry, &error)
                        : 0;

        if (found < 0 && !is_damage(error))
            return cb_error_move(err, &error);
        if (found < 0 && tell)
            cb_warn("`%s/" CB_OUTBOX_DIRECTORY "/%s`: %s", store->root, *file,
                    cb_error_message(error));
        if (found <= 0)
            continue;
        look_at_sender(store, fd, entry);
        cb_vec_push(out, entry);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_name);
    return 0;
}

int cb_outbox_list(struct cb_store *store, struct cb_outbox *out, struct cb_error **err)
{
    return list(store, 1, out, err);
}

static void mark(struct cb_map *blobs, const struct cb_descriptor *blob)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_map_set(blobs, cb_digest_text(&blob->digest, text), blobs);
}

int cb_outbox_mark(struct cb_store *store, struct cb_map *blobs, struct cb_error **err)
{
    cb_auto_value(cb_outbox) outbox = {0};

    if (list(store, 0, &outbox, err) < 0)
        return -1;
    cb_vec_foreach (entry, &outbox) {
        mark(blobs, &(*entry)->manifest->config);
        cb_vec_foreach (layer, &(*entry)->manifest->layers)
            mark(blobs, layer);
    }
    return 0;
}

/* ── Writing ── */

static int write_entry(struct cb_store *store, int dir_fd,
                       const struct cb_outbox_entry *entry, struct cb_error **err)
{
    cb_auto_json *json = cb_outbox_emit(entry);
    cb_autofree char *text = cb_json_dump(json);
    cb_autofree char *file = file_of(entry->name, SUFFIX);

    return cb_atomic_file_write(dir_fd, file, text, strlen(text), 0600, !store->no_sync,
                                err);
}

/* Nobody else is writing: what is half written was left by who was killed. */
static void sweep(int dir_fd)
{
    cb_auto_value(cb_strings) files = {0};

    if (cb_fs_list(dir_fd, &files, NULL) < 0)
        return;
    cb_vec_foreach (file, &files) {
        if (**file == '.')
            unlinkat(dir_fd, *file, 0);
    }
}

int cb_outbox_put(struct cb_store *store, struct cb_outbox_entry *entry,
                  struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int fd = -1;

    if (cb_store_lease_now(store, err) < 0 || open_locked(store, &fd, &lock, err) < 0)
        return -1;
    sweep(fd);
    entry->queued_ns = cb_now_ns();
    if (write_entry(store, fd, entry, err) < 0)
        return cb_error_wrap(err, "`%s/" CB_OUTBOX_DIRECTORY "`", store->root);
    return 0;
}

static void take_out(int dir_fd, const char *name)
{
    cb_autofree char *file = file_of(name, SUFFIX);
    cb_autofree char *log = file_of(name, ".log");

    unlinkat(dir_fd, log, 0);
    unlinkat(dir_fd, file, 0);
}

int cb_outbox_settle(struct cb_store *store, const struct cb_outbox_entry *entry,
                     const char *failed, struct cb_error **err)
{
    cb_autofree char *file = file_of(entry->name, SUFFIX);
    cb_auto(cb_outbox_entry) there = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int fd = -1;
    int found;

    if (open_locked(store, &fd, &lock, err) < 0)
        return -1;
    found = read_file(fd, file, &there, err);
    if (found <= 0 || there->queued_ns != entry->queued_ns)
        return found < 0 ? -1 : 0;
    if (!failed) {
        take_out(fd, entry->name);
        return 0;
    }
    free(there->error);
    there->error = xstrdup(failed);
    there->tried_ns = cb_now_ns();
    return write_entry(store, fd, there, err);
}

static int is_damaged(int dir_fd, const char *file)
{
    cb_auto(cb_outbox_entry) entry = NULL;
    cb_auto(cb_error) error = NULL;

    return read_listed(dir_fd, file, &entry, &error) < 0 && is_damage(error);
}

int cb_outbox_drop_damaged(struct cb_store *store, const char *name,
                           struct cb_strings *dropped, struct cb_error **err)
{
    cb_autofree char *only = name ? file_of(name, SUFFIX) : NULL;
    cb_auto_value(cb_strings) files = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int fd = -1;

    if (open_locked(store, &fd, &lock, err) < 0 || cb_fs_list(fd, &files, err) < 0)
        return -1;
    cb_vec_foreach (file, &files) {
        if (**file == '.' || !cb_ends_with(*file, SUFFIX) ||
            (only && strcmp(*file, only) != 0) || !is_damaged(fd, *file))
            continue;
        if (cb_fs_remove_tree(fd, *file, err) < 0)
            return -1;
        cb_strings_addf(dropped, "%s/" CB_OUTBOX_DIRECTORY "/%s", store->root, *file);
    }
    return 0;
}

/* ── Sending ── */

int cb_outbox_hold(struct cb_store *store, const char *name,
                   const struct cb_lock_wait *wait, struct cb_lock **out,
                   struct cb_error **err)
{
    cb_autofree char *file = file_of(name, ".lock");
    cb_autofd int fd = -1;

    if (cb_store_check_writable(store, err) < 0 || open_directory(store, 1, &fd, err) < 0)
        return -1;
    return cb_lock_take(out, fd, file, CB_LOCK_EXCLUSIVE, wait, err);
}

int cb_outbox_try_hold(struct cb_store *store, const char *name, struct cb_lock **out,
                       struct cb_error **err)
{
    cb_autofree char *file = file_of(name, ".lock");
    cb_autofd int fd = -1;

    if (cb_store_check_writable(store, err) < 0 || open_directory(store, 1, &fd, err) < 0)
        return -1;
    return cb_lock_try(out, fd, file, CB_LOCK_EXCLUSIVE, err);
}

int cb_outbox_open_log(struct cb_store *store, const char *name, int *fd,
                       struct cb_error **err)
{
    cb_autofree char *file = file_of(name, ".log");
    cb_autofd int dir_fd = -1;

    if (open_directory(store, 1, &dir_fd, err) < 0)
        return -1;
    /* Who has put a pipe there is not waited for. */
    *fd =
        openat(dir_fd, file,
               O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    return *fd < 0 ? cb_error_errno(err, errno, "open `%s`", file) : 0;
}
