/* COPY --parents: what is found keeps the path it has below the pivot ("/./", or the
 * root). The part before the pivot is a source like any other; the part behind it is a
 * pattern in which "**" stands for any number of directories and which follows no links.
 * The directories on the way are listed too, for their looks. */
#include "ops/select-priv.h"

#include "base/fs.h"

/* Lists the directories from the pivot down to PATH's parent. */
static int add_ancestors(struct cb_selecting *s, const char *relative,
                         struct cb_error **err)
{
    struct cb_arena *arena = s->selection->arena;

    for (size_t len = s->pivot;; len++) {
        struct cb_entry entry = {.on_the_way = 1};
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
static int take_kept(struct cb_selecting *s, const char *path, struct cb_error **err)
{
    size_t first = s->selection->entries.count, listed;
    const char *relative = cb_select_relative(path);
    struct stat st;
    int there = cb_stat_in_root(s->tree->root_fd, path, &st, err);

    if (there <= 0 || cb_select_ignored(s, relative, st.st_mode))
        return there < 0 ? -1 : 0;
    s->seen = 1;
    if (strlen(relative) > s->pivot && add_ancestors(s, relative, err) < 0)
        return -1;
    listed = s->selection->entries.count;
    if (cb_selection_walk(s, relative, &st, s->pivot, err) < 0)
        return -1;
    if (s->selection->entries.count > listed)
        cb_select_add(s, "", s->pivot, first);
    else
        s->selection->entries.count = first;
    return 0;
}

/* ── "**" ── */

/* What matches is taken with all that is below it; DIR_LEN bytes of the paths are not
 * part of the pattern. */
static int search(struct cb_selecting *s, const char *dir, size_t dir_len,
                  const struct cb_pattern_list *pattern, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_cancel_check(s->tree->cancel, err) < 0 ||
        cb_select_names(s, dir, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *path = cb_path_join(dir, *name);
        struct stat st;
        int there;

        if (cb_pattern_list_match_path(pattern, path + dir_len) > 0) {
            if (s->take(s, path, err) < 0)
                return -1;
            continue;
        }
        there = cb_stat_in_root(s->tree->root_fd, path, &st, err);
        if (there < 0 || (there && S_ISDIR(st.st_mode) &&
                          !cb_select_ignored(s, cb_select_relative(path), st.st_mode) &&
                          search(s, path, dir_len, pattern, err) < 0))
            return -1;
    }
    return 0;
}

int cb_select_deep(struct cb_selecting *s, const char *dir, const char *pattern,
                   struct cb_error **err)
{
    cb_auto(cb_pattern_list) list = NULL;
    cb_auto_value(cb_strings) lines = {0};

    cb_strings_add(&lines, pattern);
    if (cb_pattern_list_new(&list, &lines, err) < 0)
        return -1;
    return search(s, dir, strlen(dir) + (dir[1] != '\0'), list, err);
}

/* ── The pivot ── */

/* PATH is what stands before the pivot. */
static int take_head(struct cb_selecting *s, const char *path, struct cb_error **err)
{
    cb_autofree char *resolved = NULL;
    struct stat st;
    int there = cb_select_follow(s, path, &resolved, &st, err), rc;

    if (there <= 0 || !S_ISDIR(st.st_mode))
        return there < 0 ? -1 : 0;
    s->pivot = strlen(cb_select_relative(resolved));
    s->take = take_kept;
    s->deep = 1;
    rc = *s->kept ? cb_select_expand(s, resolved, s->kept, err)
                  : take_kept(s, resolved, err);
    s->take = take_head;
    s->deep = 0;
    return rc;
}

int cb_select_with_parents(struct cb_selecting *s, const char *written,
                           struct cb_error **err)
{
    const char *pivot = strstr(written, "/./");
    cb_autofree char *before =
        pivot ? xstrndup(written, (size_t)(pivot - written)) : NULL;
    cb_autofree char *head = cb_path_join("/", before ? before : "");
    cb_autofree char *kept = cb_path_join("/", pivot ? pivot + 3 : written);
    int is_pattern = cb_glob_has_meta(head) || cb_glob_has_meta(kept);
    struct stat st;

    s->kept = kept + 1;
    s->seen = 0;
    s->take = take_head;
    if (cb_glob_has_meta(head)) {
        if (cb_select_expand(s, "/", head + 1, err) < 0)
            return -1;
    } else {
        cb_autofree char *resolved = NULL;
        int there = cb_select_follow(s, head, &resolved, &st, err);

        if (there <= 0)
            return there < 0 ? -1 : cb_select_missing(s, head, err);
        if (take_head(s, head, err) < 0)
            return -1;
    }
    if (!s->seen && (s->selector->required || !is_pattern))
        return cb_select_missing(s, s->clamped, err);
    return 0;
}
