/* Two listings compared. A listing is text, a line for each thing that was selected:
 *
 *     mode=644 content=5891b5b522d5 "a/b.c"
 *
 * fields in a fixed order, then the name as a JSON string. The first line that differs by
 * a field, that is new or that is gone is what a person looks for; the rest is counted.
 * Listings come from records, so nothing in them is believed to have this form. */
#include "solver/solver-priv.h"

#include "base/map.h"

struct line {
    const char *fields; /* up to the name */
    size_t len;
};

struct comparison {
    char *first;
    size_t count;
};

static void note(struct comparison *comparison, char *text)
{
    comparison->count++;
    if (comparison->first)
        free(text);
    else
        comparison->first = text;
}

/* The next line of *AT: its fields and its name, which the caller frees. 0: no more. */
static int next_line(const char **at, struct line *line, char **name)
{
    while (**at) {
        const char *start = *at;
        size_t len = strcspn(start, "\n");
        const char *quote = memchr(start, '"', len);

        *at = start + len + (start[len] == '\n');
        if (!quote || quote == start || len < 2 || start[len - 1] != '"' ||
            quote == start + len - 1)
            continue;
        line->fields = start;
        line->len = (size_t)(quote - start);
        *name = xstrndup(quote + 1, (size_t)(start + len - 1 - (quote + 1)));
        return 1;
    }
    return 0;
}

static struct cb_map *index_lines(const char *listing)
{
    struct cb_map *map = cb_map_new(free);
    struct line line;
    char *name;

    while (next_line(&listing, &line, &name)) {
        struct line *copy = xcalloc(1, sizeof(*copy));

        *copy = line;
        cb_map_set(map, name, copy);
        free(name);
    }
    return map;
}

/* "mode 644→755" of fields "mode=644 …" and "mode=755 …"; digests are not shown. */
static char *differing_field(const struct line *old, const struct line *new)
{
    const char *a = old->fields, *b = new->fields;

    while (a < old->fields + old->len && b < new->fields + new->len) {
        size_t a_len = strcspn(a, " "), b_len = strcspn(b, " ");
        size_t name_len = strcspn(b, "= ");

        if (a_len != b_len || memcmp(a, b, a_len) != 0) {
            if (strncmp(a, b, name_len) != 0 || a[name_len] != '=' ||
                strncmp(b, "content=", 8) == 0)
                return xasprintf("%.*s changed", (int)name_len, b);
            return xasprintf("%.*s %.*s→%.*s", (int)name_len, b,
                             (int)(a_len - name_len - 1), a + name_len + 1,
                             (int)(b_len - name_len - 1), b + name_len + 1);
        }
        a += a_len + 1;
        b += b_len + 1;
    }
    return xstrdup("attributes changed");
}

/* The thing that was named itself has no name in the list. */
static char *about(const char *name, const char *what)
{
    return *name ? xasprintf("%s %s", name, what) : xstrdup(what);
}

static void compare_line(struct comparison *comparison, const char *name,
                         const struct line *old, const struct line *new)
{
    cb_autofree char *field = NULL;

    if (old && old->len == new->len &&memcmp(old->fields, new->fields, new->len) == 0)
        return;
    field = old ? differing_field(old, new) : xstrdup("added");
    note(comparison, about(name, field));
}

char *cb_listing_explain(const char *old, const char *new)
{
    cb_auto(cb_map) before = index_lines(old);
    cb_auto(cb_map) after = index_lines(new);
    struct comparison comparison = {0};
    struct line line;
    char *name, *text;

    while (next_line(&new, &line, &name)) {
        compare_line(&comparison, name, cb_map_get(before, name), &line);
        free(name);
    }
    while (next_line(&old, &line, &name)) {
        if (!cb_map_has(after, name))
            note(&comparison, about(name, "removed"));
        free(name);
    }
    if (comparison.count < 2)
        return comparison.first;
    text = xasprintf("%s (and %zu more)", comparison.first, comparison.count - 1);
    free(comparison.first);
    return text;
}
