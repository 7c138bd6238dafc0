/* ENV and LABEL: KEY=VALUE…, or the legacy form `KEY rest of the line`; ARG: KEY[=VALUE]…
 * Keys and values stay as written, with their quotes.
 * Reference: BuildKit line_parsers.go (parseNameVal). */
#include "parser/parser-priv.h"

#include <string.h>

static struct cb_word part_of(const struct cb_request *request, struct cb_word word,
                              size_t start, size_t end)
{
    size_t len = strlen(word.text);
    int plain = word.span.end - word.span.start == len;
    struct cb_word part = {
        .text = end == len ? word.text + start
                           : cb_arena_strndup(request->parser->arena, word.text + start,
                                              end - start),
        .span = word.span,
    };

    /* A word that a continuation cuts through has no simple places inside. */
    if (plain)
        part.span = (struct cb_span){word.span.start + start, word.span.start + end};
    return part;
}

static int blank_name(struct cb_request *request, struct cb_span span,
                      struct cb_error **err)
{
    return cb_syntax_error(request, span, err, "%s names can not be blank",
                           cb_request_name(request));
}

/* WORD at its first =; the value's text is NULL if it has none. */
static int split_pair(struct cb_request *request, struct cb_word word,
                      struct cb_pair *pair, struct cb_error **err)
{
    const char *equals = strchr(word.text, '=');
    size_t at = equals ? (size_t)(equals - word.text) : strlen(word.text);

    if (at == 0)
        return blank_name(request, word.span, err);
    pair->key = part_of(request, word, 0, at);
    if (equals)
        pair->value = part_of(request, word, at + 1, strlen(word.text));
    return 0;
}

static int split_pairs(struct cb_request *request, const struct cb_word_list *list,
                       struct cb_pairs *pairs, struct cb_error **err)
{
    pairs->items =
        cb_arena_alloc(request->parser->arena, list->count * sizeof(*pairs->items));
    pairs->count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        if (split_pair(request, list->items[i], &pairs->items[i], err) < 0)
            return -1;
    }
    return 0;
}

static int parse_legacy(struct cb_request *request, struct cb_instruction *out,
                        struct cb_error **err)
{
    const char *text = request->line->text;
    struct cb_range key = request->args, value = request->args;
    struct cb_pair *pair = cb_arena_new_of(request->parser->arena, struct cb_pair);

    key.end = key.start;
    while (key.end < value.end && !cb_text_is_blank(text[key.end]))
        key.end++;
    value.start = key.end;
    while (value.start < value.end && cb_text_is_blank(text[value.start]))
        value.start++;
    if (value.start == value.end)
        return cb_syntax_error(request, cb_request_args_span(request), err,
                               "%s must have two arguments", cb_request_name(request));
    pair->key = cb_request_word(request, key);
    pair->value = cb_request_word(request, value);
    out->pairs = (struct cb_pairs){pair, 1};
    out->legacy_pair = 1;
    return 0;
}

static int check_all_have_equals(struct cb_request *request,
                                 const struct cb_word_list *list, struct cb_error **err)
{
    for (size_t i = 0; i < list->count; i++) {
        cb_autofree char *shown = NULL;

        if (strchr(list->items[i].text, '='))
            continue;
        shown = cb_text_quote(list->items[i].text);
        cb_syntax_error(
            request, list->items[i].span, err,
            "Syntax error - can't find = in %s. Must be of the form: name=value", shown);
        return i ? cb_error_hint(err, "a value with blanks is quoted: name=\"a b\"") : -1;
    }
    return 0;
}

/* The words of an instruction without flags, at least one. */
static int read_words(struct cb_request *request, struct cb_word_list *list,
                      struct cb_error **err)
{
    if (cb_inst_no_flags(request, err) < 0 || cb_split_quoted(list, request, err) < 0)
        return -1;
    return list->count ? 0 : cb_inst_too_few(request, err);
}

int cb_inst_pairs(struct cb_request *request, struct cb_instruction *out,
                  struct cb_error **err)
{
    cb_auto_value(cb_word_list) list = {0};

    if (read_words(request, &list, err) < 0)
        return -1;
    if (!strchr(list.items[0].text, '='))
        return parse_legacy(request, out, err);
    if (check_all_have_equals(request, &list, err) < 0)
        return -1;
    return split_pairs(request, &list, &out->pairs, err);
}

int cb_inst_arg(struct cb_request *request, struct cb_instruction *out,
                struct cb_error **err)
{
    cb_auto_value(cb_word_list) list = {0};

    if (read_words(request, &list, err) < 0)
        return -1;
    return split_pairs(request, &list, &out->pairs, err);
}
