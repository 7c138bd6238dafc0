/* An ignore file once read: the matcher of its syntax, and where each rule stands. One
 * path more may be left out that no rule of a file takes back. */
#include "context/ignore.h"

#include "base/glob.h"
#include "context/ignore-priv.h"

#include <string.h>

struct cb_ignore {
    struct cb_source *source;
    struct cb_ignore_places places;   /* in step with the rules */
    struct cb_pattern_list *patterns; /* docker's, */
    struct cb_git_rules *git;         /* or git's; neither: there is no file */
    char *apart, *apart_text;         /* cb_ignore_leave_out; or NULL */
};

void cb_ignore_free(struct cb_ignore *ignore)
{
    if (!ignore)
        return;
    cb_pattern_list_free(ignore->patterns);
    cb_git_rules_free(ignore->git);
    cb_vec_free(&ignore->places.list);
    cb_source_unref(ignore->source);
    free(ignore->apart);
    free(ignore->apart_text);
    free(ignore);
}

int cb_ignore_syntax_parse(enum cb_ignore_syntax *out, const char *text,
                           struct cb_error **err)
{
    if (text && strcmp(text, "docker") != 0 && strcmp(text, "git") != 0)
        return cb_error_argument(err, text, "--ignore-syntax", "expected docker or git");
    *out = text && strcmp(text, "git") == 0 ? CB_IGNORE_GIT : CB_IGNORE_DOCKER;
    return 0;
}

int cb_ignore_new(struct cb_ignore **out, struct cb_source *source,
                  enum cb_ignore_syntax syntax, struct cb_error **err)
{
    cb_auto(cb_ignore) ignore = xcalloc(1, sizeof(*ignore));
    cb_auto_value(cb_strings) patterns = {0};

    ignore->source = cb_source_ref(source);
    if (syntax == CB_IGNORE_GIT) {
        if (cb_git_rules_parse(&ignore->git, &ignore->places, source, err) < 0)
            return -1;
    } else if (cb_ignore_parse_docker(&patterns, &ignore->places, source, err) < 0 ||
               cb_pattern_list_new(&ignore->patterns, &patterns, err) < 0) {
        return -1;
    }
    *out = ignore->places.list.count > 0 ? cb_steal(&ignore) : NULL;
    return 0;
}

struct cb_ignore *cb_ignore_leave_out(struct cb_ignore *ignore, const char *path,
                                      const char *text)
{
    if (!ignore)
        ignore = xcalloc(1, sizeof(*ignore));
    free(ignore->apart);
    free(ignore->apart_text);
    ignore->apart = xstrdup(path);
    ignore->apart_text = xstrdup(text);
    return ignore;
}

static int is_apart(const struct cb_ignore *ignore, const char *path)
{
    size_t len = ignore->apart ? strlen(ignore->apart) : 0;

    return len && strncmp(path, ignore->apart, len) == 0 &&
           (!path[len] || path[len] == '/');
}

/* ── Git's way: from the top, the first directory that is excluded ends it ── */

/* Is PATH excluded by a rule of its own? *INDEX: by which. */
static int git_excludes(const struct cb_ignore *ignore, const char *path, int is_dir,
                        int *index)
{
    int negated = 0;

    *index = cb_git_rules_match(ignore->git, path, is_dir, &negated);
    return *index >= 0 && !negated;
}

static int git_match_path(const struct cb_ignore *ignore, const char *path, int is_dir,
                          int *index)
{
    const char *slash = strchr(path, '/');

    for (; slash; slash = strchr(slash + 1, '/')) {
        cb_autofree char *parent = xstrndup(path, (size_t)(slash - path));

        if (git_excludes(ignore, parent, 1, index))
            return 1;
    }
    return git_excludes(ignore, path, is_dir, index);
}

/* ── Both ── */

int cb_ignore_match(const struct cb_ignore *ignore, const char *path, int is_dir,
                    int parent_ignored)
{
    int index;

    if (is_apart(ignore, path))
        return 1;
    if (ignore->patterns)
        return cb_pattern_list_match(ignore->patterns, path, parent_ignored, NULL);
    return parent_ignored || (ignore->git && git_excludes(ignore, path, is_dir, &index));
}

int cb_ignore_match_path(const struct cb_ignore *ignore, const char *path, int is_dir)
{
    int index;

    if (is_apart(ignore, path))
        return 1;
    if (ignore->patterns)
        return cb_pattern_list_match_path(ignore->patterns, path);
    return ignore->git && git_match_path(ignore, path, is_dir, &index);
}

int cb_ignore_may_reinclude(const struct cb_ignore *ignore, const char *dir)
{
    return !is_apart(ignore, dir) && ignore->patterns &&
           cb_pattern_list_may_reinclude(ignore->patterns, dir);
}

int cb_ignore_why(const struct cb_ignore *ignore, const char *path, int is_dir,
                  struct cb_ignore_rule *rule)
{
    const struct cb_ignore_place *place;
    int index = -1, ignored = 0;

    if (is_apart(ignore, path)) {
        *rule = (struct cb_ignore_rule){
            .file = "", .text = ignore->apart_text, .len = strlen(ignore->apart_text)};
        return 1;
    }
    if (ignore->patterns)
        ignored = cb_pattern_list_match(ignore->patterns, path, 0, &index);
    else if (ignore->git)
        ignored = git_match_path(ignore, path, is_dir, &index);
    if (!ignored)
        return 0;
    place = &ignore->places.list.items[index];
    *rule = (struct cb_ignore_rule){
        .file = cb_source_name(ignore->source),
        .line = place->line,
        .text = cb_source_text(ignore->source, NULL) + place->span.start,
        .len = place->span.end - place->span.start,
    };
    return 1;
}
