/* ?ref= tag= branch= subdir= checksum= commit= keep-git-dir= submodules= mtime=
 * fetch-by-commit=. A name may be there once; an unknown one is an error, since it would
 * otherwise be a wish that is silently not granted. */
#include "context/git-query-priv.h"

#include "base/text.h"

#include "http/http.h"

#include <string.h>

struct query {
    struct cb_git_ref *out;
    char *tag, *branch; /* full names, "refs/tags/…" */
    unsigned seen;      /* bit i: row i of the table */
};

static void query_clear(struct query *query)
{
    free(query->tag);
    free(query->branch);
}
CB_AUTO_VALUE_DEFINE(query, query_clear)

static void replace(char **slot, char *value)
{
    free(*slot);
    *slot = value;
}

/* A value that the fragment or another name may have given, too. */
static int agree(char **slot, char *value, const char *what, struct cb_error **err)
{
    cb_autofree char *owned = value;

    if (*slot && **slot && strcmp(*slot, owned) != 0)
        return cb_error_set(err, CB_ERR_USAGE, "%s conflicts: \"%s\" vs \"%s\"", what,
                            *slot, owned);
    replace(slot, cb_steal(&owned));
    return 0;
}

static int set_ref(struct query *query, const char *value, struct cb_error **err)
{
    return agree(&query->out->ref, xstrdup(value), "ref", err);
}

static char *full_name(const char *prefix, const char *value)
{
    return strncmp(value, prefix, strlen(prefix)) == 0 ? xstrdup(value)
                                                       : xasprintf("%s%s", prefix, value);
}

static int set_tag(struct query *query, const char *value, struct cb_error **err)
{
    (void)err;
    replace(&query->tag, full_name("refs/tags/", value));
    return 0;
}

static int set_branch(struct query *query, const char *value, struct cb_error **err)
{
    (void)err;
    replace(&query->branch, full_name("refs/heads/", value));
    return 0;
}

static int set_subdir(struct query *query, const char *value, struct cb_error **err)
{
    return agree(&query->out->subdir, cb_git_clean_subdir(value), "subdir", err);
}

static int set_checksum(struct query *query, const char *value, struct cb_error **err)
{
    return agree(&query->out->checksum, xstrdup(value), "checksum", err);
}

/* A name alone means true. */
static int parse_bool(const char *name, const char *value, int *out,
                      struct cb_error **err)
{
    if (*value && !cb_parse_bool(value, out))
        return cb_error_set(err, CB_ERR_USAGE, "invalid %s value: \"%s\"", name, value);
    if (!*value)
        *out = 1;
    return 0;
}

static int set_keep(struct query *query, const char *value, struct cb_error **err)
{
    return parse_bool("keep-git-dir", value, &query->out->keep_git_dir, err);
}

static int set_submodules(struct query *query, const char *value, struct cb_error **err)
{
    return parse_bool("submodules", value, &query->out->submodules, err);
}

static int set_by_commit(struct query *query, const char *value, struct cb_error **err)
{
    return parse_bool("fetch-by-commit", value, &query->out->fetch_by_commit, err);
}

static int set_mtime(struct query *query, const char *value, struct cb_error **err)
{
    query->out->commit_times = strcmp(value, "commit") == 0;
    if (query->out->commit_times || strcmp(value, "checkout") == 0)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid mtime value: \"%s\" (must be \"checkout\" or "
                        "\"commit\")",
                        value);
}

static const struct {
    const char *name;
    int may_be_empty;
    int (*set)(struct query *query, const char *value, struct cb_error **err);
} names[] = {
    {"ref", 0, set_ref},           {"tag", 0, set_tag},
    {"branch", 0, set_branch},     {"subdir", 0, set_subdir},
    {"checksum", 0, set_checksum}, {"commit", 0, set_checksum},
    {"keep-git-dir", 1, set_keep}, {"submodules", 1, set_submodules},
    {"mtime", 0, set_mtime},       {"fetch-by-commit", 1, set_by_commit},
};

static int take(struct query *query, const char *name, const char *value,
                struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i].name) != 0)
            continue;
        if (query->seen & (1u << i))
            return cb_error_set(err, CB_ERR_USAGE, "query \"%s\" has multiple values",
                                name);
        query->seen |= 1u << i;
        if (!*value && !names[i].may_be_empty)
            return cb_error_set(err, CB_ERR_USAGE, "query \"%s\" has no value", name);
        return names[i].set(query, value, err);
    }
    cb_error_set(err, CB_ERR_USAGE, "unexpected query \"%s\"", name);
    return cb_error_hint(err,
                         "a git URL takes ref, tag, branch, subdir, checksum, commit, "
                         "keep-git-dir, submodules, mtime and fetch-by-commit");
}

static int finish(struct query *query, struct cb_error **err)
{
    if (query->tag && query->branch)
        return cb_error_set(err, CB_ERR_USAGE, "branch conflicts with tag");
    if (query->tag)
        return set_ref(query, query->tag, err);
    return query->branch ? set_ref(query, query->branch, err) : 0;
}

int cb_git_query(struct cb_git_ref *out, const char *query, size_t len,
                 struct cb_error **err)
{
    cb_auto_value(query) state = {.out = out};
    const char *end = query + len;

    while (query < end) {
        const char *stop = memchr(query, '&', (size_t)(end - query));
        const char *next = stop ? stop : end;
        const char *equals = memchr(query, '=', (size_t)(next - query));
        const char *name_end = equals ? equals : next;
        const char *value_at = equals ? equals + 1 : next;
        cb_autofree char *name = cb_url_decode(query, (size_t)(name_end - query), 1);
        cb_autofree char *value = cb_url_decode(value_at, (size_t)(next - value_at), 1);

        if (!name || !value)
            return cb_error_set(err, CB_ERR_USAGE, "git URL: a NUL in the query");
        if (next > query && take(&state, name, value, err) < 0)
            return -1;
        query = next + 1;
    }
    return finish(&state, err);
}
