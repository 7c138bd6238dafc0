/* Source paths of COPY and ADD → what they name in a tree. A path is taken from the
 * tree's root, whatever "/" and ".." it begins with; links on the way and at its end
 * resolve inside the tree. A pattern is expanded name by name, as filepath.Match would
 * have it: no metacharacter crosses a "/", and links met while matching are not entered.
 */
#include "ops/selection-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>

struct selecting {
    const struct cb_tree *tree;
    const struct cb_selector *selector;
    const struct cb_pattern_list *exclude;
    struct cb_selection *selection;
    size_t source;       /* which path of the selector */
    const char *clamped; /* "/x", the same cleaned */
    size_t found;        /* matches of this path */
    size_t pivot;        /* --parents: where kept paths begin */
};

static const char *below_root(const char *absolute)
{
    return *absolute == '/' ? absolute + 1 : absolute;
}

static int not_found(const struct selecting *s, const char *path, struct cb_error **err)
{
    return cb_selection_missing(s->tree, s->selector, s->source, path, err);
}

/* ── One path that is there ── */

static int is_ignored(const struct selecting *s, const char *relative, mode_t mode)
{
    if (!s->tree->ignore || !*relative ||
        !cb_ignore_match_path(s->tree->ignore, relative, S_ISDIR(mode)))
        return 0;
    return !S_ISDIR(mode) || !cb_ignore_may_reinclude(s->tree->ignore, relative);
}

static void add_match(struct selecting *s, const char *base, size_t prefix, size_t first)
{
    struct cb_selection *selection = s->selection;
    struct cb_match match = {
        .base = cb_arena_strdup(selection->arena, base),
        .source = s->source,
        .prefix = prefix,
        .first = first,
        .count = selection->entries.count - first,
    };

    cb_vec_push(&selection->matches, match);
}

/* Where PATH leads, all links followed, and what is there. 1/0/-1. */
static int follow(struct selecting *s, const char *path, char **resolved, struct stat *st,
                  struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (cb_fs_resolve_in_root(s->tree->root_fd, path, resolved, &cause) < 0) {
        int errnum = cb_error_errnum(cause);

        if (errnum == ENOTDIR || errnum == ENOENT || errnum == ELOOP)
            return 0;
        return cb_error_move(err, &cause);
    }
    return cb_stat_in_root(s->tree->root_fd, *resolved, st, err);
}

/* Adds what PATH (absolute in the tree) leads to. */
static int add_followed(struct selecting *s, const char *path, struct cb_error **err)
{
    cb_autofree char *resolved = NULL;
    size_t first = s->selection->entries.count;
    const char *relative;
    struct stat st;
    int there;

    if (s->exclude && cb_pattern_list_match_path(s->exclude, cb_path_base(path)) > 0)
        return 0;
    there = follow(s, path, &resolved, &st, err);
    if (there <= 0)
        return there < 0 ? -1 : not_found(s, path, err);
    relative = below_root(resolved);
    if (strcmp(path, resolved) != 0 && is_ignored(s, below_root(path), S_IFLNK))
        return not_found(s, path, err);
    if (is_ignored(s, relative, st.st_mode))
        return not_found(s, resolved, err);
    if (cb_selection_walk(s->tree, s->selector, s->exclude, relative, &st,
                          strlen(relative), s->selection, err) < 0)
        return -1;
    if (s->selection->entries.count == first)
        return not_found(s, resolved, err);
    add_match(s, cb_path_base(path), strlen(relative), first);
    s->found++;
    return 0;
}

/* ── --parents ── */

/* Lists the directories from the pivot down to PATH's parent. */
static int add_ancestors(struct selecting *s, const char *relative, struct cb_error **err)
{
    struct cb_arena *arena = s->selection->arena;

    for (size_t len = s->pivot;; len++) {
        struct cb_entry entry = {0};
        struct stat st;

        if (len == 0 || relative[len] == '/') {
            entry.path = cb_arena_strndup(arena, relative, len);
            if (cb_stat_in_root(s->tree->root_fd, entry.path, &st, err) < 0)
                return -1;
            entry.mode = cb_tree_mode(s->tree, st.st_mode);
            entry.disk_mode = st.st_mode;
            entry.uid = s->selector->owners ? st.st_uid : 0;
            entry.gid = s->selector->owners ? st.st_gid : 0;
            entry.mtime = st.st_mtim;
            cb_vec_push(&s->selection->entries, entry);
        }
        if (relative[len] == '\0' || !strchr(relative + len + 1, '/'))
            return 0;
    }
}

/* Adds PATH under the name it has below the pivot; its last link is kept. */
static int add_with_parents(struct selecting *s, const char *path, struct cb_error **err)
{
    size_t first = s->selection->entries.count, listed;
    const char *relative = below_root(path);
    struct stat st;
    int there = cb_stat_in_root(s->tree->root_fd, path, &st, err);

    if (there < 0)
        return -1;
    if (!there)
        return not_found(s, path, err);
    if (is_ignored(s, relative, st.st_mode))
        return not_found(s, path, err);
    if (strlen(relative) > s->pivot && add_ancestors(s, relative, err) < 0)
        return -1;
    listed = s->selection->entries.count;
    if (cb_selection_walk(s->tree, s->selector, s->exclude, relative, &st, s->pivot,
                          s->selection, err) < 0)
        return -1;
    if (s->selection->entries.count == listed) {
        s->selection->entries.count = first;
        return 0;
    }
    add_match(s, "", s->pivot, first);
    s->found++;
    return 0;
}

/* ── Patterns ── */

static int expand(struct selecting *s, const char *dir, const char *pattern,
                  struct cb_error **err);

/* NAME in DIR stands for the pattern's first component; REST is what follows it. */
static int take_name(struct selecting *s, const char *dir, const char *name,
                     const char *rest, struct cb_error **err)
{
    cb_autofree char *path = cb_path_join(dir, name);
    struct stat st;
    int there;

    if (!*rest && s->selector->parents)
        return add_with_parents(s, path, err);
    if (!*rest) {
        if (s->tree->ignore) {
            there = cb_stat_in_root(s->tree->root_fd, path, &st, err);
            if (there <= 0 || is_ignored(s, below_root(path), st.st_mode))
                return there < 0 ? -1 : 0;
        }
        return add_followed(s, path, err);
    }
    there = cb_stat_in_root(s->tree->root_fd, path, &st, err);
    if (there <= 0 || !S_ISDIR(st.st_mode))
        return there < 0 ? -1 : 0;
    return expand(s, path, rest, err);
}

/* "**": this directory and every one below. */
static int expand_deep(struct selecting *s, const char *dir,
                       const struct cb_strings *names, const char *pattern,
                       const char *rest, struct cb_error **err)
{
    if (*rest && expand(s, dir, rest, err) < 0)
        return -1;
    for (size_t i = 0; i < names->count; i++) {
        cb_autofree char *path = cb_path_join(dir, names->items[i]);
        struct stat st;
        int there = cb_stat_in_root(s->tree->root_fd, path, &st, err);

        if (there < 0)
            return -1;
        if (there && S_ISDIR(st.st_mode) && expand(s, path, pattern, err) < 0)
            return -1;
        if (there && !*rest && !S_ISDIR(st.st_mode) &&
            take_name(s, dir, names->items[i], "", err) < 0)
            return -1;
    }
    return 0;
}

static int list_names(struct selecting *s, const char *dir, struct cb_strings *names,
                      struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (cb_fs_open_in_root(s->tree->root_fd, dir, O_RDONLY | O_DIRECTORY, 0, &fd, err) <
        0)
        return -1;
    return cb_fs_list(fd, names, err);
}

/* Expands PATTERN (relative, not empty) below DIR. */
static int expand(struct selecting *s, const char *dir, const char *pattern,
                  struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    const char *slash = strchr(pattern, '/');
    cb_autofree char *part =
        slash ? xstrndup(pattern, (size_t)(slash - pattern)) : xstrdup(pattern);
    const char *rest = slash ? slash + 1 : "";

    if (cb_cancel_check(s->tree->cancel, err) < 0)
        return -1;
    if (!cb_glob_has_meta(part)) {
        cb_autofree char *path = cb_path_join(dir, part);
        struct stat st;
        int there = cb_stat_in_root(s->tree->root_fd, path, &st, err);

        return there <= 0 ? there : take_name(s, dir, part, rest, err);
    }
    if (list_names(s, dir, &names, err) < 0)
        return -1;
    if (s->selector->parents && strcmp(part, "**") == 0)
        return expand_deep(s, dir, &names, pattern, rest, err);
    for (size_t i = 0; i < names.count; i++) {
        int match = cb_glob_match(part, names.items[i], err);

        if (match < 0 || (match && take_name(s, dir, names.items[i], rest, err) < 0))
            return -1;
    }
    return 0;
}

/* ── One source ── */

/* Splits "/a/b/c*d/e" after its last directory without metacharacters: "/a/b", "c*d/e".
 */
static void split_pattern(const char *path, char **prefix, const char **pattern)
{
    const char *start = path + 1;

    for (const char *slash; (slash = strchr(start, '/')); start = slash + 1) {
        cb_autofree char *part = xstrndup(start, (size_t)(slash - start));

        if (cb_glob_has_meta(part))
            break;
    }
    *prefix =
        start - path > 1 ? xstrndup(path, (size_t)(start - path - 1)) : xstrdup("/");
    *pattern = start;
}

static int select_pattern(struct selecting *s, const char *path, struct cb_error **err)
{
    cb_autofree char *prefix = NULL, *resolved = NULL;
    const char *pattern;
    struct stat st;
    int there;

    split_pattern(path, &prefix, &pattern);
    there = follow(s, prefix, &resolved, &st, err);
    if (there < 0)
        return -1;
    if (there && S_ISDIR(st.st_mode) && expand(s, resolved, pattern, err) < 0)
        return -1;
    if (s->found == 0 && s->selector->required)
        return not_found(s, path, err);
    return 0;
}

/* "a/./b/c" keeps "b/c". Gives the resolved directory the pivot stands for and the rest.
 */
static int select_parents(struct selecting *s, const char *written, struct cb_error **err)
{
    const char *pivot = strstr(written, "/./");
    cb_autofree char *head = pivot ? xstrndup(written, (size_t)(pivot - written)) : NULL;
    cb_autofree char *top = cb_path_join("/", head ? head : "");
    cb_autofree char *anchored = cb_path_join("/", pivot ? pivot + 3 : written);
    cb_autofree char *resolved = NULL;
    struct stat st;
    int there = follow(s, top, &resolved, &st, err);

    if (there <= 0)
        return there < 0 ? -1 : not_found(s, top, err);
    s->pivot = strlen(below_root(resolved));
    if (strcmp(anchored, "/") == 0)
        return add_with_parents(s, resolved, err);
    if (expand(s, resolved, anchored + 1, err) < 0)
        return -1;
    if (s->found == 0 && (s->selector->required || !cb_glob_has_meta(anchored)))
        return not_found(s, s->clamped, err);
    return 0;
}

static int select_source(struct selecting *s, struct cb_error **err)
{
    const char *written = s->selector->paths.items[s->source];
    cb_autofree char *path = cb_path_join("/", written);

    s->clamped = path;
    s->found = 0;
    if (s->selector->parents)
        return select_parents(s, written, err);
    if (!s->selector->literal && cb_glob_has_meta(path))
        return select_pattern(s, path, err);
    return add_followed(s, path, err);
}

int cb_select(const struct cb_tree *tree, const struct cb_selector *selector,
              struct cb_selection **out, struct cb_error **err)
{
    cb_auto(cb_selection) selection = xcalloc(1, sizeof(*selection));
    cb_auto(cb_pattern_list) exclude = NULL;
    struct selecting s = {.tree = tree, .selector = selector, .selection = selection};

    selection->arena = cb_arena_new();
    selection->faithful = 1;
    if (selector->exclude.count > 0) {
        if (cb_pattern_list_new(&exclude, &selector->exclude, err) < 0)
            return cb_error_wrap(err, "--exclude");
        s.exclude = exclude;
    }
    for (s.source = 0; s.source < selector->paths.count; s.source++)
        if (select_source(&s, err) < 0)
            return -1;
    *out = cb_steal(&selection);
    return 0;
}
