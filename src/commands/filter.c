/* A filter is kept as it was given and taken apart anew for each thing it is asked about:
 * there are few of them, and nothing has to be owned, copied or freed. */
#include "commands/filter.h"

#include "base/strbuf.h"
#include "base/text.h"
#include "base/timestamp.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* The value in "key=value", or NULL: TEXT is of another key. */
static const char *value_of(const char *text, const char *key)
{
    size_t len = strlen(key);

    return strncmp(text, key, len) == 0 && text[len] == '=' ? text + len + 1 : NULL;
}

const char *cb_filter_value(const struct cb_strings *given, const char *key)
{
    const char *value = NULL;

    cb_vec_foreach (text, given) {
        const char *of = value_of(*text, key);

        value = of ? of : value;
    }
    return value;
}

/* ── Checking ── */

static int is_one_of(const char *words, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = words; *at; at += *at == '|') {
        size_t word = strcspn(at, "|");

        if (word == len && strncmp(at, value, len) == 0)
            return 1;
        at += word;
    }
    return 0;
}

static int unknown(const struct cb_filter_key *keys, unsigned flag, const char *text,
                   struct cb_error **err)
{
    cb_auto_value(cb_strbuf) names = {0};

    for (; keys->name; keys++)
        if (keys->flags & flag)
            cb_strbuf_addf(&names, names.len ? ", %s" : "%s", keys->name);
    cb_error_set(err, CB_ERR_USAGE, "invalid filter `%.*s`", (int)strcspn(text, "="),
                 text);
    return cb_error_hint(err, "the filters are %s", cb_strbuf_text(&names));
}

static int is_number(const char *value)
{
    char *end;

    return *value >= '0' && *value <= '9' && strtoll(value, &end, 10) >= 0 && !*end;
}

/* What the values of KEY are, when VALUE is none of them; or NULL. */
static const char *expected(const struct cb_filter_key *key, const char *value)
{
    int yes;

    if (key->flags & CB_FILTER_BOOL)
        return cb_parse_bool(value, &yes) ? NULL : "true or false";
    if (key->flags & CB_FILTER_NUMBER)
        return is_number(value) ? NULL : "a number";
    return !key->values || is_one_of(key->values, value) ? NULL : key->values;
}

static int check_one(const struct cb_filter_key *keys, unsigned flag, const char *text,
                     struct cb_error **err)
{
    const struct cb_filter_key *key = keys;
    const char *value = NULL, *wanted;
    struct timespec moment;

    if (!*text) /* docker's client drops it */
        return 0;
    if (!strchr(text, '='))
        return cb_error_flag(err, text,
                             flag & CB_FILTER_LISTS ? "-f, --filter" : "--filter",
                             "bad format of filter (expected name=value)");
    while (key->name && !((key->flags & flag) && (value = value_of(text, key->name))))
        key++;
    if (!key->name)
        return unknown(keys, flag, text, err);
    if ((key->flags & CB_FILTER_MOMENT) && cb_moment_parse(&moment, value, err) < 0)
        return cb_error_wrap(err, "filter `%s`", key->name);
    wanted = expected(key, value);
    return !wanted ? 0
                   : cb_error_set(err, CB_ERR_USAGE, "invalid filter `%s`: expected %s",
                                  text, wanted);
}

int cb_filter_check(const struct cb_filter_key *keys, unsigned flag,
                    const struct cb_strings *given, struct cb_error **err)
{
    cb_vec_foreach (text, given) {
        if (check_one(keys, flag, *text, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Asking ── */

static int key_holds(const struct cb_filter_key *key, const struct cb_strings *given,
                     const void *thing)
{
    int all = (key->flags & CB_FILTER_ALL_HOLD) != 0, asked = 0;

    cb_vec_foreach (text, given) {
        const char *value = value_of(*text, key->name);

        if (!value)
            continue;
        if (key->holds(thing, value) != all)
            return !all;
        asked = 1;
    }
    return !asked || all;
}

int cb_filter_takes(const struct cb_filter_key *keys, const struct cb_strings *given,
                    const void *thing)
{
    for (; keys->name; keys++)
        if (keys->holds && !key_holds(keys, given, thing))
            return 0;
    return 1;
}

int cb_filter_matches(const char *text, const char *pattern)
{
    regex_t regex;
    int found;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return 0;
    found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

int cb_filter_is_true(const char *value)
{
    int yes = 0;

    cb_parse_bool(value, &yes);
    return yes;
}

int cb_filter_is_before(const char *created, const char *value)
{
    struct timespec at, limit;

    if (cb_timestamp_parse(&at, created, NULL) < 0 ||
        cb_moment_parse(&limit, value, NULL) < 0)
        return 0;
    return at.tv_sec < limit.tv_sec ||
           (at.tv_sec == limit.tv_sec && at.tv_nsec < limit.tv_nsec);
}

int cb_filter_label(const char *wanted,
                    const char *(*find)(const void *labels, const char *key),
                    const void *labels)
{
    cb_autofree char *key = xstrndup(wanted, strcspn(wanted, "="));
    const char *value = find(labels, key), *equals = strchr(wanted, '=');

    return value && (!equals || strcmp(equals + 1, value) == 0);
}
