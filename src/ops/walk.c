/* Lists a tree in a fixed order: parents before children, names bytewise. Each directory
 * is opened once, its names are sorted and stat'ed through its descriptor, and it is
 * closed before the walk descends, so that depth costs no descriptors. What the ignore
 * rules or --exclude leave out is not listed; a directory left out that holds something
 * re-included ("!dir/file") is. */
#include "ops/select-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

struct walk {
    const struct cb_tree *tree;
    const struct cb_pattern_list *exclude;
    struct cb_selection *selection;
    size_t prefix;
    int owners;
};

/* Is an entry left out, and if so, may it be needed as the parent of something that is
 * not? */
struct verdict {
    int ignored, excluded; /* by which list; inherited by children */
    int keep_looking;
};

static struct verdict judge(const struct walk *walk, const char *path, int is_dir,
                            const struct verdict *parent)
{
    const char *relative = path + walk->prefix;
    struct verdict verdict = {.keep_looking = 1};

    if (*relative == '/')
        relative++;
    if (walk->tree->ignore && *path) {
        verdict.ignored =
            cb_ignore_match(walk->tree->ignore, path, is_dir, parent->ignored);
        if (verdict.ignored && !cb_ignore_may_reinclude(walk->tree->ignore, path))
            verdict.keep_looking = 0;
    }
    if (walk->exclude && *relative) {
        verdict.excluded =
            cb_pattern_list_match(walk->exclude, relative, parent->excluded, NULL) > 0;
        if (verdict.excluded && !cb_pattern_list_may_reinclude(walk->exclude, relative))
            verdict.keep_looking = 0;
    }
    return verdict;
}

static void add_entry(struct walk *walk, const char *path, const struct stat *st,
                      const char *link)
{
    struct cb_selection *selection = walk->selection;
    struct cb_entry entry = {
        .path = path,
        .link = link,
        .mode = cb_tree_mode(walk->tree, st->st_mode),
        .disk_mode = st->st_mode,
        .uid = walk->owners ? st->st_uid : 0,
        .gid = walk->owners ? st->st_gid : 0,
        .nlink = (uint32_t)st->st_nlink,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .rdev = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? st->st_rdev : 0,
        .size = st->st_size,
        .mtime = st->st_mtim,
        .ctime = walk->tree->is_context ? st->st_ctim : (struct timespec){0},
    };

    if (st->st_uid != 0 || st->st_gid != 0 || entry.mode != entry.disk_mode)
        selection->faithful = 0;
    cb_vec_push(&selection->entries, entry);
}

static int read_link(struct walk *walk, int dir_fd, const char *name, const char **out,
                     struct cb_error **err)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", name);
    *out = cb_arena_strndup(walk->selection->arena, target, (size_t)len);
    return 0;
}

/* What one directory holds, read before the walk goes on. */
struct listing {
    struct cb_strings names;
    struct stat *stats; /* parallel to names; st_nlink 0: gone meanwhile */
    const char **links; /* targets, in the selection's arena */
};

static void listing_clear(struct listing *listing)
{
    cb_strings_free(&listing->names);
    free(listing->stats);
    free(listing->links);
}
CB_AUTO_VALUE_DEFINE(listing, listing_clear)

static int list_directory(struct walk *walk, const char *path, size_t entry,
                          struct listing *out, struct cb_error **err)
{
    cb_autofd int fd = -1;
    cb_autofree char *xattrs = NULL;
    size_t len;

    if (cb_fs_open_in_root(walk->tree->root_fd, *path ? path : "/",
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err) < 0 ||
        cb_fs_list(fd, &out->names, err) < 0)
        return cb_selection_unreadable(err);
    cb_content_xattrs_read(fd, &xattrs, &len);
    if (xattrs) {
        char *kept = cb_arena_alloc(walk->selection->arena, len);

        memcpy(kept, xattrs, len);
        walk->selection->entries.items[entry].xattrs = kept;
        walk->selection->entries.items[entry].xattrs_len = (uint32_t)len;
    }
    out->stats = xcalloc(out->names.count + 1, sizeof(*out->stats));
    out->links = xcalloc(out->names.count + 1, sizeof(*out->links));
    for (size_t i = 0; i < out->names.count; i++) {
        struct stat *st = &out->stats[i];

        if (fstatat(fd, out->names.items[i], st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno != ENOENT)
                return cb_error_errno(err, errno, "stat `%s/%s`", path,
                                      out->names.items[i]);
            st->st_nlink = 0;
        } else if (S_ISLNK(st->st_mode) &&
                   read_link(walk, fd, out->names.items[i], &out->links[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int walk_directory(struct walk *walk, const char *path, size_t entry,
                          const struct verdict *verdict, struct cb_error **err);

static int walk_entry(struct walk *walk, const char *path, const struct stat *st,
                      const char *link, const struct verdict *parent,
                      struct cb_error **err)
{
    struct cb_selection *selection = walk->selection;
    struct verdict verdict = judge(walk, path, S_ISDIR(st->st_mode), parent);
    int left_out = verdict.ignored || verdict.excluded;
    size_t at = selection->entries.count;

    if (left_out)
        selection->faithful = 0;
    if (left_out && (!S_ISDIR(st->st_mode) || !verdict.keep_looking))
        return 0;
    add_entry(walk, path, st, link);
    if (!S_ISDIR(st->st_mode))
        return 0;
    if (walk_directory(walk, path, at, &verdict, err) < 0)
        return -1;
    if (left_out && selection->entries.count == at + 1)
        selection->entries.count = at;
    return 0;
}

static int walk_directory(struct walk *walk, const char *path, size_t entry,
                          const struct verdict *verdict, struct cb_error **err)
{
    struct cb_arena *arena = walk->selection->arena;
    cb_auto_value(listing) listing = {0};

    if (cb_cancel_check(walk->tree->cancel, err) < 0 ||
        list_directory(walk, path, entry, &listing, err) < 0)
        return -1;
    for (size_t i = 0; i < listing.names.count; i++) {
        const char *name = listing.names.items[i];
        const char *child = *path ? cb_arena_printf(arena, "%s/%s", path, name)
                                  : cb_arena_strdup(arena, name);

        if (listing.stats[i].st_nlink == 0)
            continue;
        if (walk_entry(walk, child, &listing.stats[i], listing.links[i], verdict, err) <
            0)
            return -1;
    }
    return 0;
}

static int top_link(struct walk *walk, const char *path, const char **out,
                    struct cb_error **err)
{
    cb_autofd int dir = -1;
    cb_autofree char *name = NULL;

    if (cb_fs_open_parent_in_root(walk->tree->root_fd, path, NULL, &dir, &name, err) < 0)
        return -1;
    return read_link(walk, dir, name, out, err);
}

int cb_selection_walk(const struct cb_selecting *s, const char *path,
                      const struct stat *st, size_t prefix, struct cb_error **err)
{
    const struct cb_tree *tree = s->tree;
    struct walk walk = {.tree = tree,
                        .exclude = s->exclude,
                        .selection = s->selection,
                        .prefix = prefix,
                        .owners = s->selector->owners};
    struct verdict above = {0};
    const char *kept = cb_arena_strdup(s->selection->arena, path);
    const char *slash = strrchr(path, '/');
    const char *link = NULL;

    if (tree->ignore && slash) {
        cb_autofree char *parent = xstrndup(path, (size_t)(slash - path));

        above.ignored = cb_ignore_match_path(tree->ignore, parent, 1);
    }
    if (S_ISLNK(st->st_mode) && top_link(&walk, path, &link, err) < 0)
        return -1;
    return walk_entry(&walk, kept, st, link, &above, err);
}
