/* FROM [--platform=P] IMAGE [AS NAME] */
#include "parser/parser-priv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct cb_flag_rule rules[] = {{"platform", CB_FLAG_STRING}};

/* ^[a-z][a-z0-9-_.]*$, of the lower-cased name. */
static int is_stage_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]))
        return 0;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
            return 0;
    }
    return 1;
}

static char *changed_case(struct cb_arena *arena, const char *text, int (*change)(int))
{
    char *copy = cb_arena_strdup(arena, text);

    for (char *c = copy; *c; c++)
        *c = (char)change((unsigned char)*c);
    return copy;
}

static void lint_casing(struct cb_request *request, const char *keyword,
                        const struct cb_words *words)
{
    struct cb_parser *parser = request->parser;
    const struct cb_word *as = &words->items[1], *name = &words->items[2];
    const char *lower = changed_case(parser->arena, keyword, tolower);
    const char *upper = changed_case(parser->arena, keyword, toupper);
    int (*change)(int) = strcmp(keyword, lower) == 0   ? tolower
                         : strcmp(keyword, upper) == 0 ? toupper
                                                       : NULL;

    if (strcmp(name->text, changed_case(parser->arena, name->text, tolower)) != 0)
        cb_parser_lint(parser, "StageNameCasing", name->span,
                       "Stage name '%s' should be lowercase", name->text);
    if (change && strcmp(as->text, changed_case(parser->arena, as->text, change)) != 0)
        cb_parser_lint(parser, "FromAsCasing", as->span,
                       "'%s' and '%s' keywords' casing do not match", as->text, keyword);
}

static int set_name(struct cb_request *request, struct cb_instruction *out,
                    const struct cb_words *words, struct cb_error **err)
{
    const struct cb_word *name = &words->items[2];

    if (!is_stage_name(name->text)) {
        cb_autofree char *shown = cb_text_quote(name->text);

        return cb_syntax_error(
            request, name->span, err,
            "invalid name for build stage: %s, name can't start with a "
            "number or contain symbols",
            shown);
    }
    lint_casing(request, out->keyword, words);
    out->from.as_keyword = words->items[1].text;
    out->from.name.span = name->span;
    out->from.name.text = changed_case(request->parser->arena, name->text, tolower);
    return 0;
}

int cb_inst_from(struct cb_request *request, struct cb_instruction *out,
                 struct cb_error **err)
{
    cb_auto_value(cb_word_list) list = {0};
    struct cb_words words;

    if (cb_split_blanks(&list, request, err) < 0)
        return -1;
    words = cb_word_list_take(&list, request->parser->arena);
    if (words.count != 1 && (words.count != 3 || strcasecmp(words.items[1].text, "as")))
        return cb_syntax_error(request, cb_request_args_span(request), err,
                               "FROM requires either one or three arguments");
    if (words.count == 3 && set_name(request, out, &words, err) < 0)
        return -1;
    if (cb_flags_check(request, rules, CB_ARRAY_SIZE(rules), err) < 0)
        return -1;
    out->from.words = words;
    out->from.image = words.items[0];
    out->from.platform = cb_flags_string(request, "platform");
    return 0;
}
