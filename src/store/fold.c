/* Overlay copies a whole file up when its mode, owner or attributes are changed. From the
 * topmost layer downwards each file is looked for in the layers below it; the first that
 * has something of its path either has the same bytes, and then gets the later file in
 * the place of its own, or ends the search. Such a file may be moved on from there.
 *
 * Nothing is copied: the layers' directories are made again of further names of their
 * files. A file of several names in one layer stays where it is, since they would no
 * longer be one. */
#include "store/fold.h"

#include "base/fs.h"
#include "base/map.h"
#include "store/copy-tree.h"
#include "store/layer-file.h"
#include "store/outline.h"
#include "store/snapshot-priv.h"
#include "store/walk.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FACT "fold"

struct layer {
    struct cb_snapshot *snapshot; /* borrowed */
    int fd;
    struct cb_map *links;   /* inode key → itself: files of several names here */
    struct cb_map *gone;    /* paths that are left out */
    struct cb_map *instead; /* path → struct layer whose file comes in its place */
};

struct fold {
    struct layer *layers; /* bottom first */
    size_t count, at;     /* AT: whose files are looked for */
    size_t lowest;        /* that changes; COUNT: none does */
};

static void fold_clear(struct fold *fold)
{
    for (size_t i = 0; i < fold->count; i++) {
        cb_close(&fold->layers[i].fd);
        cb_map_free(fold->layers[i].links);
        cb_map_free(fold->layers[i].gone);
        cb_map_free(fold->layers[i].instead);
    }
    free(fold->layers);
}
CB_AUTO_VALUE_DEFINE(fold, fold_clear)

/* ── The layers ── */

static int note_links(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct layer *layer = arg;
    char key[CB_INODE_KEY_MAX];

    if (!S_ISREG(at->st.st_mode) || at->st.st_nlink < 2)
        return 0;
    cb_inode_key(key, at->st.st_dev, at->st.st_ino);
    cb_map_set(layer->links, key, cb_map_has(layer->links, key) ? layer : NULL);
    return 0;
}

static int has_other_names(const struct layer *layer, const struct stat *st)
{
    char key[CB_INODE_KEY_MAX];

    cb_inode_key(key, st->st_dev, st->st_ino);
    return cb_map_get(layer->links, key) != NULL;
}

static int open_layers(struct fold *fold, struct cb_snapshot *top,
                       struct cb_snapshot *base, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    fold->count = cb_snapshot_depth(top) - (base ? cb_snapshot_depth(base) : 0);
    fold->lowest = fold->count;
    fold->layers = xcalloc(fold->count, sizeof(*fold->layers));
    for (size_t i = fold->count; i-- > 0; top = top->parent)
        fold->layers[i] = (struct layer){.snapshot = top,
                                         .fd = -1,
                                         .links = cb_map_new(NULL),
                                         .gone = cb_map_new(NULL),
                                         .instead = cb_map_new(NULL)};
    for (size_t i = 0; i < fold->count; i++) {
        struct layer *layer = &fold->layers[i];

        if (cb_snapshot_open_upper(layer->snapshot, &layer->fd, err) < 0 ||
            cb_walk(layer->fd, note_links, layer, cancel, err) < 0)
            return -1;
    }
    return 0;
}

/* ── What is below a file ── */

struct finding {
    int there;  /* something of this path, ST */
    int hidden; /* nothing of it shows from below */
    struct stat st;
};

static int is_opaque(int dir_fd)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    return cb_xattrs_read(dir_fd, -1, "", &xattrs, NULL) < 0 ||
           cb_xattrs_are_opaque(&xattrs);
}

static void look_in(const struct layer *layer, const char *path, struct finding *out)
{
    cb_autofd int dir_fd = -1;
    char name[NAME_MAX + 1];

    *out = (struct finding){.hidden = layer->snapshot->row.cut};
    for (;;) {
        size_t len = strcspn(path, "/");
        int from = dir_fd < 0 ? layer->fd : dir_fd;
        int next;

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        if (len > NAME_MAX || fstatat(from, name, &out->st, AT_SYMLINK_NOFOLLOW) < 0)
            return;
        out->there = path[len] == '\0';
        if (out->there || !S_ISDIR(out->st.st_mode)) {
            out->hidden |= !out->there;
            return;
        }
        next = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 || is_opaque(next))
            out->hidden = 1;
        if (next < 0)
            return;
        cb_close(&dir_fd);
        dir_fd = next;
        path += len + 1;
    }
}

static int is_same_file(const struct layer *layer, const struct stat *st,
                        const struct cb_walk_entry *at)
{
    cb_autofd int one = -1, two = -1;

    if (!S_ISREG(st->st_mode) || st->st_size != at->st.st_size ||
        has_other_names(layer, st))
        return 0;
    one = openat(at->dir_fd, at->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    two = cb_layer_file_open(layer->fd, at->path, O_RDONLY);
    return one >= 0 && two >= 0 && cb_same_content(one, two);
}

static void move_down(struct fold *fold, const char *path, size_t to)
{
    struct layer *from = &fold->layers[fold->at];
    struct layer *first = cb_map_get(from->instead, path);

    cb_map_remove(from->instead, path);
    cb_map_set(from->gone, path, from);
    cb_map_set(fold->layers[to].instead, path, first ? first : from);
    if (to < fold->lowest)
        fold->lowest = to;
}

static int look_below(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct fold *fold = arg;
    struct finding found;

    if (!S_ISREG(at->st.st_mode) || at->st.st_size == 0 ||
        has_other_names(&fold->layers[fold->at], &at->st))
        return 0;
    look_in(&fold->layers[fold->at], at->path, &found);
    for (size_t i = fold->at; i-- > 0 && !found.hidden;) {
        look_in(&fold->layers[i], at->path, &found);
        if (!found.there)
            continue;
        if (is_same_file(&fold->layers[i], &found.st, at))
            move_down(fold, at->path, i);
        return 0;
    }
    return 0;
}

/* ── The layers again ── */

/* What is put into a directory, or taken out, gives it another time. */
static int keep_time(const struct layer *layer, const char *path, int to_fd,
                     struct cb_error **err)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *dir = NULL;
    struct stat st;

    if (!slash)
        return 0; /* the root gets its time in the end */
    dir = xstrndup(path, (size_t)(slash - path));
    if (fstatat(layer->fd, dir, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(to_fd, dir, (struct timespec[2]){st.st_atim, st.st_mtim},
                  AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "set the time of `%s`", dir);
    return 0;
}

static int change_files(const struct layer *layer, int to_fd, struct cb_error **err)
{
    size_t position = 0;
    const char *path;
    void *from;

    while (cb_map_next(layer->gone, &position, &path, &from)) {
        if (unlinkat(to_fd, path, 0) < 0)
            return cb_error_errno(err, errno, "unlink `%s`", path);
        if (keep_time(layer, path, to_fd, err) < 0)
            return -1;
    }
    position = 0;
    while (cb_map_next(layer->instead, &position, &path, &from)) {
        const struct layer *later = from;

        if (unlinkat(to_fd, path, 0) < 0 || linkat(later->fd, path, to_fd, path, 0) < 0)
            return cb_error_errno(err, errno, "link `%s`", path);
        if (keep_time(layer, path, to_fd, err) < 0)
            return -1;
    }
    return 0;
}

static int finish_root(const struct layer *layer, int to_fd, struct cb_error **err)
{
    struct stat st;

    if (fstat(layer->fd, &st) < 0 || fchown(to_fd, st.st_uid, st.st_gid) < 0 ||
        fchmod(to_fd, st.st_mode & 07777) < 0 ||
        futimens(to_fd, (struct timespec[2]){st.st_atim, st.st_mtim}) < 0)
        return cb_error_errno(err, errno, "set metadata of the root");
    return 0;
}

static int is_changed(const struct layer *layer)
{
    return cb_map_count(layer->gone) > 0 || cb_map_count(layer->instead) > 0;
}

static int make_layer(const struct layer *layer, struct cb_snapshot *parent,
                      struct cb_cancel *cancel, struct cb_snapshot **out,
                      struct cb_error **err)
{
    cb_auto(cb_snapshot) made = NULL;
    struct cb_store *store = layer->snapshot->store;
    struct cb_snapshot_layer facts;
    struct cb_snapshot_known known = {0};
    cb_autofd int fd = -1;

    if (!is_changed(layer) &&
        cb_db_snapshot_layer(store->db, cb_snapshot_id(layer->snapshot), &facts, NULL) >
            0)
        known.layer = &facts;
    if (cb_snapshot_prepare(store, parent, &made, err) < 0 ||
        cb_snapshot_open_upper(made, &fd, err) < 0 ||
        cb_share_tree(layer->fd, fd, cancel, err) < 0 ||
        change_files(layer, fd, err) < 0 || finish_root(layer, fd, err) < 0 ||
        (known.layer && cb_outline_share(layer->snapshot, made, err) < 0))
        return -1;
    cb_close(&fd);
    if (cb_snapshot_commit_known(made, &known, layer->snapshot->row.cut, err) < 0 ||
        cb_snapshot_backdate(made, cb_snapshot_created_ns(layer->snapshot), err) < 0)
        return -1;
    *out = cb_steal(&made);
    return 0;
}

static int make_layers(const struct fold *fold, struct cb_snapshot *top,
                       struct cb_cancel *cancel, struct cb_snapshot **out,
                       struct cb_error **err)
{
    cb_auto(cb_snapshot) at = NULL;

    if (fold->lowest == fold->count) {
        *out = cb_snapshot_ref(top);
        return 0;
    }
    if (fold->layers[fold->lowest].snapshot->parent)
        at = cb_snapshot_ref(fold->layers[fold->lowest].snapshot->parent);
    for (size_t i = fold->lowest; i < fold->count; i++) {
        struct cb_snapshot *next = NULL;

        if (make_layer(&fold->layers[i], at, cancel, &next, err) < 0)
            return -1;
        cb_snapshot_unref(at);
        at = next;
    }
    *out = cb_steal(&at);
    return 0;
}

static int find_files(struct fold *fold, struct cb_cancel *cancel, struct cb_error **err)
{
    for (fold->at = fold->count; fold->at-- > 1;) {
        if (cb_walk(fold->layers[fold->at].fd, look_below, fold, cancel, err) < 0)
            return -1;
    }
    return 0;
}

static int make(struct cb_snapshot *top, struct cb_snapshot *base,
                struct cb_cancel *cancel, struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto_value(fold) fold = {0};

    if (open_layers(&fold, top, base, cancel, err) < 0 ||
        find_files(&fold, cancel, err) < 0)
        return -1;
    return make_layers(&fold, top, cancel, out, err);
}

int cb_snapshot_fold(struct cb_snapshot *top, struct cb_snapshot *base,
                     struct cb_cancel *cancel, struct cb_snapshot **out,
                     struct cb_error **err)
{
    static const struct cb_remaking folding = {FACT, "fold layers", make};

    return cb_snapshot_remake(top, base, &folding, cancel, out, err);
}
