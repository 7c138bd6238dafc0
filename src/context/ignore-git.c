/* The lines of a .gitignore and what they match, as gitignore(5) and git's wildmatch have
 * it. A pattern without a slash (but at its end) is compared with the last component of a
 * path, any other with the whole path, component by component: no metacharacter crosses a
 * slash but "**" standing for whole components. Bytes are compared, not characters.
 *
 * Neither of the two levels backtracks beyond its last star, because a later star can do
 * all that an earlier one could: time is bounded by pattern times path. */
#include "context/ignore-priv.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

struct component {
    size_t start, len; /* in the rule's text */
    int deep;          /* "**": any number of components */
    int literal;       /* no metacharacter in it */
};

struct rule {
    char *text;
    CB_VEC(struct component) components;
    int negated;
    int directory_only;
    int anywhere; /* one component, compared with names */
};

struct cb_git_rules {
    CB_VEC(struct rule) list;
};

void cb_git_rules_free(struct cb_git_rules *rules)
{
    if (!rules)
        return;
    cb_vec_foreach (rule, &rules->list) {
        free(rule->text);
        cb_vec_free(&rule->components);
    }
    cb_vec_free(&rules->list);
    free(rules);
}

/* ── Brackets ── */

static const struct {
    const char *name;
    int (*has)(int c);
} classes[] = {
    {"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
    {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
    {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
};

/* The length of "[:name:]" at TEXT and whether C is of it; 0 if there is none such. */
static size_t match_class(const char *text, size_t len, unsigned char c, int *found)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(classes); i++) {
        size_t name = strlen(classes[i].name);

        if (len >= name + 4 && memcmp(text, "[:", 2) == 0 &&
            memcmp(text + 2, classes[i].name, name) == 0 &&
            memcmp(text + 2 + name, ":]", 2) == 0) {
            *found |= c < 0x80 && classes[i].has(c);
            return name + 4;
        }
    }
    return 0;
}

/* One member of a bracket, perhaps escaped; its length, 0 at the end of the text. */
static size_t read_member(const char *text, size_t len, unsigned char *out)
{
    size_t escape = len > 1 && text[0] == '\\';

    if (len <= escape)
        return 0;
    *out = (unsigned char)text[escape];
    return escape + 1;
}

/* TEXT starts with "[". Its length up to the "]", 0 when that is missing; *FOUND: does C
 * belong to it? */
static size_t match_bracket(const char *text, size_t len, unsigned char c, int *found)
{
    size_t at = 1;
    int negated = at < len && (text[at] == '!' || text[at] == '^');
    int first = 1, member = 0;

    for (at += (size_t)negated; at < len && (first || text[at] != ']'); first = 0) {
        unsigned char low, high;
        size_t taken = match_class(text + at, len - at, c, &member);

        if (!taken) {
            taken = read_member(text + at, len - at, &low);
            high = low;
            if (taken && at + taken + 1 < len && text[at + taken] == '-' &&
                text[at + taken + 1] != ']')
                taken +=
                    1 + read_member(text + at + taken + 1, len - at - taken - 1, &high);
            member |= taken && low <= c && c <= high;
        }
        if (!taken)
            return 0;
        at += taken;
    }
    *found = member != negated;
    return at < len ? at + 1 : 0;
}

/* ── One component ── */

/* The length of the element at PATTERN if it takes C, else 0. No star is there. */
static size_t match_element(const char *pattern, size_t len, char c)
{
    size_t bracket;
    int found = 0;

    switch (*pattern) {
    case '?':
        return 1;
    case '[':
        bracket = match_bracket(pattern, len, (unsigned char)c, &found);
        return found ? bracket : 0;
    case '\\':
        return len > 1 && pattern[1] == c ? 2 : 0;
    default:
        return *pattern == c;
    }
}

static int match_name(const char *pattern, size_t len, const char *name, size_t name_len)
{
    size_t at = 0, in = 0;
    size_t star = SIZE_MAX, resume = 0; /* behind the last star; where it was tried */

    while (in < name_len) {
        size_t taken = 0;

        if (at < len && pattern[at] == '*') {
            star = ++at;
            resume = in;
            continue;
        }
        if (at < len)
            taken = match_element(pattern + at, len - at, name[in]);
        if (taken) {
            at += taken;
            in++;
        } else if (star != SIZE_MAX) {
            at = star;
            in = ++resume;
        } else {
            return 0;
        }
    }
    while (at < len && pattern[at] == '*')
        at++;
    return at == len;
}

static int match_component(const struct rule *rule, size_t index, const char *name,
                           size_t len)
{
    const struct component *component = &rule->components.items[index];
    const char *pattern = rule->text + component->start;

    if (component->literal)
        return component->len == len && memcmp(pattern, name, len) == 0;
    return match_name(pattern, component->len, name, len);
}

/* ── A path ── */

static size_t name_length(const char *path)
{
    return strcspn(path, "/");
}

/* Behind the first component of PATH, NULL if there is no further one. */
static const char *next_name(const char *path)
{
    size_t len = name_length(path);

    return path[len] ? path + len + 1 : NULL;
}

static int match_path(const struct rule *rule, const char *path)
{
    size_t count = rule->components.count, at = 0;
    const char *in = path, *resume = NULL;
    size_t deep = SIZE_MAX;

    while (in) {
        if (at < count && rule->components.items[at].deep) {
            /* At the end it takes all that is left, which is something. */
            if (at + 1 == count)
                return 1;
            deep = ++at;
            resume = in;
        } else if (at < count && match_component(rule, at, in, name_length(in))) {
            at++;
            in = next_name(in);
        } else if (deep != SIZE_MAX) {
            at = deep;
            in = resume = next_name(resume);
        } else {
            return 0;
        }
    }
    return at == count;
}

static int matches(const struct rule *rule, const char *path, const char *name,
                   int is_dir)
{
    if (rule->directory_only && !is_dir)
        return 0;
    return rule->anywhere ? match_component(rule, 0, name, strlen(name))
                          : match_path(rule, path);
}

int cb_git_rules_match(const struct cb_git_rules *rules, const char *path, int is_dir,
                       int *negated)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    for (size_t i = rules->list.count; i-- > 0;) {
        const struct rule *rule = &rules->list.items[i];

        if (matches(rule, path, name, is_dir)) {
            *negated = rule->negated;
            return (int)i;
        }
    }
    return -1;
}

/* ── Lines ── */

/* Without the blanks at the end, unless a backslash stands before them. */
static size_t trimmed_length(const char *text, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ')
            continue;
        if (text[i] == '\\' && i + 1 < len)
            i++;
        kept = i + 1;
    }
    return kept;
}

/* How far the component at TEXT goes. A slash in brackets does not end it. */
static size_t component_length(const char *text)
{
    size_t at = 0;

    while (text[at] && text[at] != '/') {
        int found;
        size_t bracket =
            text[at] == '[' ? match_bracket(text + at, strlen(text + at), 0, &found) : 0;

        if (bracket)
            at += bracket;
        else
            at += text[at] == '\\' && text[at + 1] && text[at + 1] != '/' ? 2 : 1;
    }
    return at;
}

static void add_component(struct rule *rule, size_t start, size_t len)
{
    const char *text = rule->text + start;
    struct component component = {.start = start, .len = len};

    /* "\/" is a slash like any other */
    if (len > 0 && text[len] == '/' && text[len - 1] == '\\' &&
        (len < 2 || text[len - 2] != '\\'))
        component.len--;
    component.deep = !rule->anywhere && len >= 2 && strspn(text, "*") == len;
    component.literal = strcspn(text, "*?[\\") >= len;
    cb_vec_push(&rule->components, component);
}

/* [START, START + LEN) without "!" and trailing blanks. */
static void compile(struct rule *rule, const char *start, size_t len)
{
    size_t at = 0;

    if (len > 0 && start[len - 1] == '/') {
        rule->directory_only = 1;
        len--;
    }
    rule->text = xstrndup(start, len);
    rule->anywhere = !strchr(rule->text, '/');
    if (rule->anywhere) {
        add_component(rule, 0, len);
        return;
    }
    at = rule->text[0] == '/';
    for (;;) {
        size_t part = component_length(rule->text + at);

        add_component(rule, at, part);
        if (!rule->text[at + part])
            return;
        at += part + 1;
    }
}

static int add_rule(struct cb_git_rules *rules, const char *start, size_t len,
                    struct cb_error **err)
{
    struct rule rule = {.negated = *start == '!'};

    if (memchr(start, '\0', len))
        return cb_error_set(err, CB_ERR_SYNTAX, "NUL byte in a pattern");
    if (len > CB_IGNORE_MAX_PATTERN)
        return cb_error_set(err, CB_ERR_SYNTAX, "pattern of more than %d bytes",
                            CB_IGNORE_MAX_PATTERN);
    if (rules->list.count == CB_IGNORE_MAX_RULES)
        return cb_error_set(err, CB_ERR_SYNTAX, "more than %d patterns",
                            CB_IGNORE_MAX_RULES);
    compile(&rule, start + rule.negated, len - (size_t)rule.negated);
    cb_vec_push(&rules->list, rule);
    return 0;
}

int cb_git_rules_parse(struct cb_git_rules **out, struct cb_ignore_places *places,
                       struct cb_source *source, struct cb_error **err)
{
    cb_auto(cb_git_rules) rules = xcalloc(1, sizeof(*rules));
    const char *text = cb_source_text(source, NULL);
    struct cb_ignore_place place;
    size_t at = 0;

    while (cb_ignore_next_line(source, &at, &place.span, &place.line)) {
        const char *start = text + place.span.start;
        size_t len = place.span.end - place.span.start;

        if (len > 0 && start[len - 1] == '\r')
            len--;
        len = trimmed_length(start, len);
        if (len == 0 || *start == '#')
            continue;
        place.span.end = place.span.start + len;
        if (add_rule(rules, start, len, err) < 0)
            return cb_error_at(err, source, place.span);
        cb_vec_push(&places->list, place);
    }
    *out = cb_steal(&rules);
    return 0;
}
