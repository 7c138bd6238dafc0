/* Leading --name[=value] words. Quotes and escapes inside a flag are removed, a bare `--`
 * ends the flags. What a flag may be is a table of each instruction.
 * Reference: BuildKit split_command.go, instructions/bflag.go. */
#include "parser/parser-priv.h"

#include <string.h>
#include <strings.h>

/* The flag word at RANGE->start, without quotes, in OUT; returns where it ends. */
static size_t unquote_flag(const struct cb_request *request, struct cb_range range,
                           struct cb_strbuf *out)
{
    const char *text = request->line->text;
    char escape = request->parser->escape;
    char quote = '\0';
    size_t at = range.start;

    for (; at < range.end; at++) {
        char c = text[at];

        if (!quote && cb_utf8_space(text + at, range.end - at))
            break;
        if (!quote && (c == '\'' || c == '"')) {
            quote = c;
        } else if (quote && c == quote) {
            quote = '\0';
        } else if (c == escape) {
            if (at + 1 < range.end)
                cb_strbuf_addc(out, text[++at]);
        } else {
            cb_strbuf_addc(out, c);
        }
    }
    return at;
}

/* The part of RANGE behind its =, when what is before it is written plainly. */
static struct cb_range value_range(const struct cb_request *request,
                                   struct cb_range range, const char *name)
{
    size_t len = strlen(name);
    const char *raw = request->line->text + range.start;

    if (range.end - range.start > len && strncmp(raw, name, len) == 0 && raw[len] == '=')
        range.start += len + 1;
    return range;
}

static void add_flag(struct cb_request *request, struct cb_range range, const char *word)
{
    struct cb_flag_word flag = {.span = cb_request_span(request, range)};
    const char *equals = strchr(word, '=');

    flag.name = equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
    if (equals)
        flag.value = cb_arena_strdup(request->parser->arena, equals + 1);
    flag.value_span = cb_request_span(request, value_range(request, range, flag.name));
    cb_vec_push(&request->flags, flag);
}

size_t cb_flags_split(struct cb_request *request, struct cb_range rest)
{
    const char *text = request->line->text;

    while (rest.end - rest.start >= 2 && memcmp(text + rest.start, "--", 2) == 0 &&
           ++request->parser->word_count <= CB_MAX_WORDS) {
        cb_auto_value(cb_strbuf) word = {0};
        size_t end = unquote_flag(request, rest, &word);
        struct cb_range range = {rest.start, end};

        rest.start = end;
        if (strcmp(cb_strbuf_text(&word), "--") == 0)
            return end;
        add_flag(request, range, cb_strbuf_text(&word));
        rest = cb_text_trim_left(text, rest);
    }
    return rest.start;
}

/* Were the file written in the dialect. */
static int may_have_condition(const struct cb_request *request)
{
    return !request->parser->directives.dialect.text && !request->parser->is_trigger &&
           !request->is_trigger &&
           cb_instruction_class_kind(request->class) != CB_INST_FROM;
}

static int unknown_flag(struct cb_request *request, const struct cb_flag_word *flag,
                        const struct cb_flag_rule *rules, size_t count,
                        struct cb_error **err)
{
    cb_autofree const char **names = xcalloc(count + 1, sizeof(*names));
    cb_autofree char *suggestion = NULL, *shown = cb_text_short(flag->name);

    for (size_t i = 0; i < count; i++)
        names[i] = rules[i].name;
    suggestion = cb_text_suggestion(flag->name + 2, names, count);
    cb_syntax_error(request, flag->span, err, "unknown flag: %s%s", shown, suggestion);
    if (strcmp(flag->name, "--if") == 0 && may_have_condition(request))
        return cb_error_hint(err, "`# cbuild=1` at the top of the file allows --if");
    return *suggestion ? -1 : cb_text_choices(err, "expected", "--", names, count);
}

static int check_bool(struct cb_request *request, const struct cb_flag_word *flag,
                      struct cb_error **err)
{
    cb_autofree char *shown = NULL;

    if (!flag->value || strcasecmp(flag->value, "true") == 0 ||
        strcasecmp(flag->value, "false") == 0)
        return 0;
    if (!flag->value[0])
        return cb_syntax_error(request, flag->span, err, "missing a value on flag: %s",
                               flag->name);
    shown = cb_text_short(flag->value);
    return cb_syntax_error(request, flag->value_span, err,
                           "expecting boolean value for flag %s, not: %s", flag->name,
                           shown);
}

static int is_used(const struct cb_request *request, const char *name)
{
    cb_vec_foreach (flag, &request->flags) {
        if (flag->used && strcmp(flag->name, name) == 0)
            return 1;
    }
    return 0;
}

static int check_flag(struct cb_request *request, struct cb_flag_word *flag,
                      const struct cb_flag_rule *rules, size_t count,
                      struct cb_error **err)
{
    const struct cb_flag_rule *rule = NULL;

    for (size_t i = 0; i < count && !rule; i++) {
        if (strcmp(flag->name + 2, rules[i].name) == 0)
            rule = &rules[i];
    }
    if (!rule)
        return unknown_flag(request, flag, rules, count, err);
    if (rule->type != CB_FLAG_STRINGS && is_used(request, flag->name))
        return cb_syntax_error(request, flag->span, err, "duplicate flag specified: %s",
                               flag->name);
    flag->used = 1;
    if (rule->type == CB_FLAG_BOOL)
        return check_bool(request, flag, err);
    if (!flag->value)
        return cb_syntax_error(request, flag->span, err, "missing a value on flag: %s",
                               flag->name);
    return 0;
}

int cb_flags_check(struct cb_request *request, const struct cb_flag_rule *rules,
                   size_t count, struct cb_error **err)
{
    unsigned faulty = 0;

    for (size_t i = 0; i < request->flags.count && faulty < CB_MAX_ERRORS; i++) {
        struct cb_error *error = NULL;

        if (check_flag(request, &request->flags.items[i], rules, count, &error) == 0)
            continue;
        cb_error_append(err, error);
        faulty++;
    }
    return faulty ? -1 : 0;
}

static const struct cb_flag_word *find(const struct cb_request *request, const char *name)
{
    cb_vec_foreach (flag, &request->flags) {
        if (strcmp(flag->name + 2, name) == 0)
            return flag;
    }
    return NULL;
}

static struct cb_word value_word(const struct cb_flag_word *flag)
{
    return (struct cb_word){.text = flag->value, .span = flag->value_span};
}

struct cb_word cb_flags_string(const struct cb_request *request, const char *name)
{
    const struct cb_flag_word *flag = find(request, name);

    return flag ? value_word(flag) : (struct cb_word){0};
}

int cb_flags_bool(const struct cb_request *request, const char *name)
{
    const struct cb_flag_word *flag = find(request, name);

    if (!flag)
        return -1;
    return !flag->value || strcasecmp(flag->value, "true") == 0;
}

struct cb_words cb_flags_strings(const struct cb_request *request, const char *name)
{
    struct cb_words words = {0};

    cb_vec_foreach (flag, &request->flags)
        words.count += strcmp(flag->name + 2, name) == 0;
    if (words.count == 0)
        return words;
    words.items =
        cb_arena_alloc(request->parser->arena, words.count * sizeof(*words.items));
    words.count = 0;
    cb_vec_foreach (flag, &request->flags) {
        if (strcmp(flag->name + 2, name) == 0)
            words.items[words.count++] = value_word(flag);
    }
    return words;
}
