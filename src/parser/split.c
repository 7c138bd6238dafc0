/* Arguments → words. Lists (COPY, EXPOSE, FROM, VOLUME) know no quotes: a path with a
 * space needs the JSON form. ENV, LABEL and ARG keep the quotes in their words; expansion
 * removes them later. Reference: BuildKit line_parsers.go (parseWords). */
#include "parser/parser-priv.h"

#include <string.h>

void cb_word_list_free(struct cb_word_list *list)
{
    cb_vec_free(list);
}

int cb_word_list_check(struct cb_request *request, struct cb_span span,
                       struct cb_error **err)
{
    if (request->parser->word_count <= CB_MAX_WORDS)
        return 0;
    return cb_syntax_error(request, span, err,
                           "the Dockerfile has more than %u arguments", CB_MAX_WORDS);
}

int cb_word_list_add(struct cb_word_list *list, struct cb_request *request,
                     struct cb_word word, struct cb_error **err)
{
    request->parser->word_count++;
    if (cb_word_list_check(request, word.span, err) < 0)
        return -1;
    cb_vec_push(list, word);
    return 0;
}

struct cb_words cb_word_list_take(struct cb_word_list *list, struct cb_arena *arena)
{
    struct cb_words words = {NULL, list->count};

    if (list->count) {
        words.items = cb_arena_alloc(arena, list->count * sizeof(*words.items));
        memcpy(words.items, list->items, list->count * sizeof(*words.items));
    }
    cb_vec_free(list);
    return words;
}

int cb_split_blanks(struct cb_word_list *list, struct cb_request *request,
                    struct cb_error **err)
{
    const char *text = request->line->text;
    size_t at = request->args.start, end = request->args.end;

    while (at < end) {
        struct cb_range range = {at, at};

        while (range.end < end && !cb_text_is_blank(text[range.end]))
            range.end++;
        if (cb_word_list_add(list, request, cb_request_word(request, range), err) < 0)
            return -1;
        at = range.end;
        while (at < end && cb_text_is_blank(text[at]))
            at++;
    }
    return 0;
}

/* Where the word that begins at RANGE->start ends. An escape character that ends the
 * arguments is no part of the word: *CUT. */
static size_t quoted_word_end(const struct cb_request *request, struct cb_range range,
                              int *cut)
{
    const char *text = request->line->text;
    char escape = request->parser->escape;
    char quote = '\0';
    size_t at = range.start;

    *cut = 0;
    while (at < range.end) {
        char c = text[at];

        if (!quote && cb_utf8_space(text + at, range.end - at))
            return at;
        if (c == escape && quote != '\'') {
            if (at + 1 == range.end) {
                *cut = 1;
                return range.end;
            }
            at += 2;
            continue;
        }
        if (quote ? c == quote : (c == '\'' || c == '"'))
            quote = quote ? '\0' : c;
        at++;
    }
    return at;
}

int cb_split_quoted(struct cb_word_list *list, struct cb_request *request,
                    struct cb_error **err)
{
    struct cb_range rest = request->args;

    while (rest.start < rest.end) {
        int cut;
        size_t end = quoted_word_end(request, rest, &cut);
        struct cb_range word = {rest.start, end - (size_t)cut};

        if (word.end > word.start &&
            cb_word_list_add(list, request, cb_request_word(request, word), err) < 0)
            return -1;
        rest.start = end;
        rest = cb_text_trim_left(request->line->text, rest);
    }
    return 0;
}
