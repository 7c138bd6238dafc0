/* Source paths of COPY and ADD → what they name in a tree. A path is taken from the
 * tree's root, whatever "/" and ".." it begins with; links on the way and at its end
 * resolve inside the tree. A pattern is expanded name by name, as filepath.Match would
 * have it: no metacharacter crosses a "/", and links met while matching are not entered.
 */
#include "ops/select-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>

int cb_select_missing(const struct cb_selecting *s, const char *path,
                      struct cb_error **err)
{
    if (s->selector->optional)
        return 0;
    return cb_selection_missing(s->tree, s->selector, s->source, path, err);
}

/* ── One path that is there ── */

int cb_select_ignored(const struct cb_selecting *s, const char *relative, mode_t mode)
{
    if (!s->tree->ignore || !*relative ||
        !cb_ignore_match_path(s->tree->ignore, relative, S_ISDIR(mode)))
        return 0;
    return !S_ISDIR(mode) || !cb_ignore_may_reinclude(s->tree->ignore, relative);
}

void cb_select_add(struct cb_selecting *s, const char *base, size_t prefix, size_t first)
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
    s->found++;
}

int cb_select_follow(const struct cb_selecting *s, const char *path, char **resolved,
                     struct stat *st, struct cb_error **err)
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
static int add_followed(struct cb_selecting *s, const char *path, struct cb_error **err)
{
    cb_autofree char *resolved = NULL;
    size_t first = s->selection->entries.count;
    const char *relative;
    struct stat st;
    int there;

    there = cb_select_follow(s, path, &resolved, &st, err);
    if (there <= 0)
        return there < 0 ? -1 : cb_select_missing(s, path, err);
    /* A directory stands for what is in it; only that can be excluded. */
    if (s->exclude && !S_ISDIR(st.st_mode) &&
        cb_pattern_list_match_path(s->exclude, cb_path_base(path)) > 0)
        return 0;
    relative = cb_select_relative(resolved);
    if (strcmp(path, resolved) != 0 &&
        cb_select_ignored(s, cb_select_relative(path), S_IFLNK))
        return cb_select_missing(s, path, err);
    if (cb_select_ignored(s, relative, st.st_mode))
        return cb_select_missing(s, resolved, err);
    if (cb_selection_walk(s, relative, &st, strlen(relative), err) < 0)
        return -1;
    if (s->selection->entries.count == first)
        return cb_select_missing(s, resolved, err);
    cb_select_add(s, cb_path_base(path), strlen(relative), first);
    return 0;
}

/* The same for what a pattern finds, where what is ignored is not there. */
static int add_found(struct cb_selecting *s, const char *path, struct cb_error **err)
{
    struct stat st;
    int there;

    if (s->tree->ignore) {
        there = cb_stat_in_root(s->tree->root_fd, path, &st, err);
        if (there <= 0 || cb_select_ignored(s, cb_select_relative(path), st.st_mode))
            return there < 0 ? -1 : 0;
    }
    return add_followed(s, path, err);
}

/* ── Patterns ── */

/* NAME in DIR stands for the pattern's first component; REST is what follows it. */
static int take_name(struct cb_selecting *s, const char *dir, const char *name,
                     const char *rest, struct cb_error **err)
{
    cb_autofree char *path = cb_path_join(dir, name);
    struct stat st;
    int there;

    if (!*rest)
        return s->take(s, path, err);
    there = cb_stat_in_root(s->tree->root_fd, path, &st, err);
    if (there <= 0 || !S_ISDIR(st.st_mode))
        return there < 0 ? -1 : 0;
    return cb_select_expand(s, path, rest, err);
}

int cb_select_names(const struct cb_selecting *s, const char *dir,
                    struct cb_strings *names, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (cb_fs_open_in_root(s->tree->root_fd, dir, O_RDONLY | O_DIRECTORY, 0, &fd, err) <
        0)
        return -1;
    return cb_fs_list(fd, names, err);
}

int cb_select_expand(struct cb_selecting *s, const char *dir, const char *pattern,
                     struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    const char *slash = strchr(pattern, '/');
    cb_autofree char *part =
        slash ? xstrndup(pattern, (size_t)(slash - pattern)) : xstrdup(pattern);
    const char *rest = slash ? slash + 1 : "";

    if (cb_cancel_check(s->tree->cancel, err) < 0)
        return -1;
    if (s->deep && strstr(part, "**"))
        return cb_select_deep(s, dir, pattern, err);
    if (!cb_glob_has_meta(part)) {
        cb_autofree char *path = cb_path_join(dir, part);
        struct stat st;
        int there = cb_stat_in_root(s->tree->root_fd, path, &st, err);

        return there <= 0 ? there : take_name(s, dir, part, rest, err);
    }
    if (cb_select_names(s, dir, &names, err) < 0)
        return -1;
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

static int select_pattern(struct cb_selecting *s, const char *path, struct cb_error **err)
{
    cb_autofree char *prefix = NULL, *resolved = NULL;
    const char *pattern;
    struct stat st;
    int there;

    s->take = add_found;
    split_pattern(path, &prefix, &pattern);
    there = cb_select_follow(s, prefix, &resolved, &st, err);
    if (there <= 0)
        return there < 0 ? -1 : cb_select_missing(s, prefix, err);
    if (S_ISDIR(st.st_mode) && cb_select_expand(s, resolved, pattern, err) < 0)
        return -1;
    if (s->found == 0 && s->selector->required)
        return cb_select_missing(s, path, err);
    return 0;
}

static int select_source(struct cb_selecting *s, struct cb_error **err)
{
    const char *written = s->selector->paths.items[s->source];
    cb_autofree char *path = cb_path_join("/", written);

    s->clamped = path;
    s->found = 0;
    if (s->selector->parents)
        return cb_select_with_parents(s, written, err);
    if (!s->selector->literal && cb_glob_has_meta(path))
        return select_pattern(s, path, err);
    return add_followed(s, path, err);
}

int cb_select(const struct cb_tree *tree, const struct cb_selector *selector,
              struct cb_selection **out, struct cb_error **err)
{
    cb_auto(cb_selection) selection = xcalloc(1, sizeof(*selection));
    cb_auto(cb_pattern_list) exclude = NULL;
    struct cb_selecting s = {.tree = tree, .selector = selector, .selection = selection};

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
