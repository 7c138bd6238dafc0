/* A list of patterns, as .dockerignore holds. The last line that matches a path or one of
 * its parents decides, so lines are tried from the end. Lines that fix the first
 * component of what they match are found by that component, so a long list of plain names
 * costs no more than a short one. */
#include "base/glob.h"

#include "base/fs.h"
#include "base/glob-priv.h"
#include "base/map.h"

#include <string.h>

struct line {
    struct cb_pattern *pattern;
    int exclusion; /* "!": takes back */
    int index;     /* among the patterns given */
};

struct bucket {
    CB_VEC(size_t) lines; /* ascending */
};

struct cb_pattern_list {
    CB_VEC(struct line) lines;
    struct bucket anywhere;      /* lines that may match any first component */
    struct cb_map *by_component; /* the others: struct bucket */
    int has_exclusions;
};

static void free_bucket(void *value)
{
    struct bucket *bucket = value;

    cb_vec_free(&bucket->lines);
    free(bucket);
}

void cb_pattern_list_free(struct cb_pattern_list *list)
{
    if (!list)
        return;
    cb_vec_foreach (line, &list->lines) {
        cb_pattern_free(line->pattern);
    }
    cb_vec_free(&list->lines);
    cb_vec_free(&list->anywhere.lines);
    cb_map_free(list->by_component);
    free(list);
}

static struct bucket *bucket_for(struct cb_pattern_list *list,
                                 const struct cb_pattern *pattern)
{
    cb_autofree char *name = NULL;
    struct bucket *bucket;
    size_t len;
    const char *component = cb_pattern_first_component(pattern, &len);

    if (!component)
        return &list->anywhere;
    name = xstrndup(component, len);
    bucket = cb_map_get(list->by_component, name);
    if (!bucket) {
        bucket = xcalloc(1, sizeof(*bucket));
        cb_map_set(list->by_component, name, bucket);
    }
    return bucket;
}

static char *trim(const char *text)
{
    static const char blanks[] = " \t\n\v\f\r";
    size_t len;

    text += strspn(text, blanks);
    for (len = strlen(text); len > 0 && strchr(blanks, text[len - 1]); len--)
        ;
    return xstrndup(text, len);
}

static int add_line(struct cb_pattern_list *list, const char *text, int index,
                    struct cb_error **err)
{
    cb_autofree char *trimmed = trim(text);
    cb_autofree char *cleaned = NULL;
    struct line line = {.index = index};
    struct bucket *bucket;

    if (!*trimmed)
        return 0;
    cleaned = cb_path_clean(trimmed);
    line.exclusion = cleaned[0] == '!';
    if (line.exclusion && !cleaned[1])
        return cb_error_set(err, CB_ERR_SYNTAX, "illegal exclusion pattern: `!`");
    if (cb_pattern_compile(&line.pattern, cleaned + line.exclusion, err) < 0)
        return -1;
    list->has_exclusions |= line.exclusion;
    bucket = bucket_for(list, line.pattern);
    cb_vec_push(&bucket->lines, list->lines.count);
    cb_vec_push(&list->lines, line);
    return 0;
}

int cb_pattern_list_new(struct cb_pattern_list **out, const struct cb_strings *patterns,
                        struct cb_error **err)
{
    cb_auto(cb_pattern_list) list = xcalloc(1, sizeof(*list));

    list->by_component = cb_map_new(free_bucket);
    for (size_t i = 0; i < patterns->count; i++) {
        if (add_line(list, patterns->items[i], (int)i, err) < 0)
            return -1;
    }
    *out = cb_steal(&list);
    return 0;
}

static const struct bucket *bucket_of_path(const struct cb_pattern_list *list,
                                           const char *path)
{
    char small[256];
    cb_autofree char *large = NULL;
    size_t len = strcspn(path, "/");

    if (cb_map_count(list->by_component) == 0)
        return NULL;
    if (len >= sizeof(small)) {
        large = xstrndup(path, len);
        return cb_map_get(list->by_component, large);
    }
    memcpy(small, path, len);
    small[len] = '\0';
    return cb_map_get(list->by_component, small);
}

/* The last line that matches PATH or a parent of it; NULL if none does. */
static const struct line *deciding_line(const struct cb_pattern_list *list,
                                        const char *path)
{
    const struct bucket *named = bucket_of_path(list, path);
    size_t left = list->anywhere.lines.count;
    size_t left_named = named ? named->lines.count : 0;
    size_t len = strlen(path);

    while (left > 0 || left_named > 0) {
        const struct line *line;
        size_t next;

        if (left_named == 0 || (left > 0 && list->anywhere.lines.items[left - 1] >
                                                named->lines.items[left_named - 1]))
            next = list->anywhere.lines.items[--left];
        else
            next = named->lines.items[--left_named];
        line = &list->lines.items[next];
        if (cb_pattern_matches(line->pattern, path, len))
            return line;
    }
    return NULL;
}

int cb_pattern_list_match(const struct cb_pattern_list *list, const char *path,
                          int parent_matched, int *matched_line)
{
    const struct line *line;

    if (parent_matched && !list->has_exclusions && !matched_line)
        return 1;
    line = deciding_line(list, path);
    if (matched_line)
        *matched_line = line ? line->index : -1;
    return line && !line->exclusion;
}

int cb_pattern_list_match_path(const struct cb_pattern_list *list, const char *path)
{
    return cb_pattern_list_match(list, path, 0, NULL);
}

int cb_pattern_list_may_reinclude(const struct cb_pattern_list *list, const char *dir)
{
    const struct line *decided;
    int after;

    if (!list->has_exclusions)
        return 0;
    if (!*dir || strcmp(dir, ".") == 0)
        return 1;
    decided = deciding_line(list, dir);
    after = decided ? decided->index : -1;
    for (size_t i = list->lines.count; i-- > 0 && list->lines.items[i].index > after;) {
        const struct line *line = &list->lines.items[i];

        if (line->exclusion && cb_pattern_reaches_below(line->pattern, dir, strlen(dir)))
            return 1;
    }
    return 0;
}
