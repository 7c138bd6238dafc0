/* A source of COPY, ADD or a mount that is not there. Whoever wrote it thinks that it is,
 * so the error says what hides it: a line of the ignore file, a `..` that leads nowhere
 * but to the root, a name that is spelled otherwise, or that there are no files at all.
 */
#include "ops/selection-priv.h"

#include "base/fs.h"
#include "base/suggest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MAX_CANDIDATES 10000
#define MIN_NAME       3 /* shorter ones resemble everything */

struct missing {
    const struct cb_tree *tree;
    const struct cb_selector *selector;
    const char *written, *path;
};

/* Cut for a message. */
static void add_text(struct cb_strbuf *out, const char *text, size_t len)
{
    const size_t most = 80;

    cb_strbuf_add(out, text, len < most ? len : most);
    if (len > most)
        cb_strbuf_adds(out, "…");
}

/* ── It is there, and left out ── */

/* What hides a path when no line of the ignore file does. */
static const char *hidden_by(const struct missing *m, const struct stat *st)
{
    if (S_ISLNK(st->st_mode) && !m->selector->parents)
        return "it is a link that leads nowhere inside the tree";
    if (m->selector->exclude.count && m->tree->ignore)
        return "all of it is excluded by the ignore file or --exclude";
    if (m->selector->exclude.count)
        return "all of it is excluded by --exclude";
    if (m->selector->parents)
        return "a directory on its way is a link, which --parents does not follow";
    return "all of it is excluded by the ignore file";
}

static int hint_ignored(const struct missing *m, struct cb_strbuf *hint)
{
    struct cb_ignore_rule rule;
    struct stat st;

    if (cb_stat_in_root(m->tree->root_fd, m->path, &st, NULL) <= 0)
        return 0;
    if (!m->tree->ignore || !m->path[1] ||
        !cb_ignore_why(m->tree->ignore, m->path + 1, S_ISDIR(st.st_mode), &rule)) {
        cb_strbuf_adds(hint, hidden_by(m, &st));
        return 1;
    }
    if (!rule.line) {
        cb_strbuf_addf(hint, "it is %.*s, which is never sent", (int)rule.len, rule.text);
        return 1;
    }
    cb_strbuf_addf(hint, "it is excluded by %s:%u: `", rule.file, rule.line);
    add_text(hint, rule.text, rule.len);
    cb_strbuf_adds(hint, "`");
    return 1;
}

/* ── Something of a similar name is there ── */

struct near {
    char *directory; /* the deepest that is there */
    char *name;      /* what is not in it */
    const char *rest;
};

static void near_clear(struct near *near)
{
    free(near->directory);
    free(near->name);
}
CB_AUTO_VALUE_DEFINE(near, near_clear)

static int find_gap(const struct missing *m, struct near *out)
{
    const char *at = m->path + 1;

    for (;;) {
        size_t len = strcspn(at, "/");
        cb_autofree char *upto = xstrndup(m->path, (size_t)(at - m->path) + len);
        struct stat st;
        int there = cb_stat_in_root(m->tree->root_fd, upto, &st, NULL);

        if (there == 0) {
            out->directory = xstrndup(m->path, (size_t)(at - m->path));
            out->name = xstrndup(at, len);
            out->rest = at + len;
            return 1;
        }
        if (there < 0 || !at[len])
            return 0;
        at += len + 1;
    }
}

static int offered(const struct missing *m, const char *path)
{
    struct stat st;

    return cb_stat_in_root(m->tree->root_fd, path, &st, NULL) > 0 &&
           (!m->tree->ignore ||
            !cb_ignore_match_path(m->tree->ignore, path + 1, S_ISDIR(st.st_mode)));
}

static void hint_near(const struct missing *m, struct cb_strbuf *hint)
{
    cb_auto_value(near) near = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *path = NULL;
    cb_autofd int fd = -1;
    const char *found;

    if (!find_gap(m, &near) || strlen(near.name) < MIN_NAME ||
        cb_fs_open_in_root(m->tree->root_fd, near.directory, O_RDONLY | O_DIRECTORY, 0,
                           &fd, NULL) < 0 ||
        cb_fs_list(fd, &names, NULL) < 0 || names.count > MAX_CANDIDATES)
        return;
    found = cb_suggest(near.name, (const char *const *)names.items, names.count);
    if (!found)
        return;
    path = xasprintf("%s%s%s", near.directory, found, near.rest);
    if (offered(m, path))
        cb_strbuf_addf(hint, "%sdid you mean `%s`?", hint->len ? "; " : "", path + 1);
}

/* ── It was looked for elsewhere ── */

static int climbs_out(const char *written)
{
    cb_autofree char *clean = cb_path_clean(written + strspn(written, "/"));

    return strcmp(clean, "..") == 0 || strncmp(clean, "../", 3) == 0;
}

static void hint_elsewhere(const struct missing *m, struct cb_strbuf *hint)
{
    int mount = strncmp(m->selector->verb, "RUN", 3) == 0;

    if (climbs_out(m->written))
        cb_strbuf_addf(hint, "`..` does not lead out of the context: `%s` means `%s`",
                       m->written, m->path);
    else if (m->written[0] == '/' && !mount)
        cb_strbuf_adds(hint, "`/` is the root of the context, not of this machine");
    else
        return;
    cb_strbuf_addf(
        hint,
        "; for files elsewhere, build with `--build-context other=DIR` and use "
        "`%s`",
        mount ? "--mount=type=bind,from=other,…" : "COPY --from=other …");
}

int cb_selection_missing(const struct cb_tree *tree, const struct cb_selector *selector,
                         size_t source, const char *path, struct cb_error **err)
{
    struct missing m = {.tree = tree,
                        .selector = selector,
                        .written = selector->paths.items[source],
                        .path = path};
    cb_auto_value(cb_strbuf) hint = {0};

    cb_error_set(err, CB_ERR_NOT_FOUND, "%s %s: \"%s\" not found in %s", selector->verb,
                 m.written, path, tree->place);
    if (tree->is_empty) {
        cb_strbuf_adds(&hint, "there is no context, as the Dockerfile alone came from "
                              "standard input: `cbuild build -f - PATH` gives it one");
    } else if (!hint_ignored(&m, &hint)) {
        if (tree->is_context)
            hint_elsewhere(&m, &hint);
        hint_near(&m, &hint);
    }
    return hint.len ? cb_error_hint(err, "%s", hint.text) : -1;
}
