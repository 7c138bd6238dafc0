/* Heredocs of RUN, COPY and ADD: which words of a line open one, and their bodies behind
 * the line. A word opens one if it is `[fd]<<[-]NAME` as a whole; any quote in it means
 * that the body is not to be expanded. The words are split with \ as the escape character
 * whatever the file's is. Reference: BuildKit parser.go (heredocFromMatch). */
#include "parser/words-priv.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

static unsigned parse_fd(const char *digits, size_t len)
{
    unsigned long fd = 0;

    for (size_t i = 0; i < len && fd < UINT_MAX; i++)
        fd = fd * 10 + (unsigned long)(digits[i] - '0');
    return fd < UINT_MAX ? (unsigned)fd : UINT_MAX;
}

/* ^(\d*)<<(-?)\s*([^<]*)$ ; returns the last group, or NULL. */
static const char *match_word(struct cb_heredoc *heredoc, const char *word)
{
    size_t digits = strspn(word, "0123456789");
    const char *rest = word + digits;

    if (strncmp(rest, "<<", 2) != 0)
        return NULL;
    rest += 2;
    heredoc->fd = parse_fd(word, digits);
    heredoc->chomp = *rest == '-';
    rest += heredoc->chomp;
    rest += strspn(rest, " \t\n\f\r");
    return *rest && !strchr(rest, '<') ? rest : NULL;
}

static size_t count_quotes(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '"' || *text == '\'';
    return count;
}

int cb_heredoc_parse_word(struct cb_heredoc *out, struct cb_arena *arena,
                          const char *word, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) plain_text = {0}, raw_text = {0};
    cb_auto_value(cb_lexer) plain = {.escape = '\\', .keep_unset = 1, .split = 1};
    cb_auto_value(cb_lexer)
        raw = {.escape = '\\', .keep_unset = 1, .split = 1, .keep_quotes = 1};
    struct cb_heredoc heredoc = {0};
    const char *rest = match_word(&heredoc, word);

    if (!rest)
        return 0;
    plain.text = raw.text = rest;
    plain.len = raw.len = strlen(rest);
    if (cb_lexer_run(&plain, &plain_text, err) < 0)
        return -1;
    if (plain.words.count != 1)
        return 0;
    if (cb_lexer_run(&raw, &raw_text, err) < 0)
        return -1;
    if (raw.words.count != 1)
        return 0;
    heredoc.name = cb_arena_strdup(arena, plain.words.items[0]);
    heredoc.expand = count_quotes(heredoc.name) == count_quotes(raw.words.items[0]);
    *out = heredoc;
    return 1;
}

/* As <<- does: leading tabs of each line removed. */
static const char *strip_tabs(struct cb_arena *arena, const char *content, size_t *len)
{
    char *out = cb_arena_alloc(arena, *len + 1);
    size_t used = 0;
    int at_start = 1;

    for (size_t i = 0; i < *len; i++) {
        if (at_start && content[i] == '\t')
            continue;
        at_start = content[i] == '\n';
        out[used++] = content[i];
    }
    *len = used;
    return out;
}

static int is_terminator(const struct cb_parser *parser, struct cb_physical_line line,
                         const struct cb_heredoc *heredoc)
{
    size_t len = strlen(heredoc->name);

    while (heredoc->chomp && line.start < line.end && parser->text[line.start] == '\t')
        line.start++;
    return line.end - line.start == len &&
           memcmp(parser->text + line.start, heredoc->name, len) == 0;
}

/* The line of the body that is the delimiter but for blanks, or 0. */
static unsigned find_nearly(const struct cb_request *request,
                            const struct cb_heredoc *heredoc, size_t begin)
{
    struct cb_parser *parser = request->parser;
    size_t len = strlen(heredoc->name), end = parser->pos;
    struct cb_physical_line line;
    unsigned number = 0;

    parser->pos = begin;
    while (!number && cb_physical_line(parser, &line)) {
        struct cb_range text = {line.start, line.end};

        parser->pos = line.next;
        text = cb_text_trim(parser->text, text);
        if (text.end - text.start == len &&
            memcmp(parser->text + text.start, heredoc->name, len) == 0)
            cb_source_position(parser->source, text.start, &number, NULL);
    }
    parser->pos = end;
    return number;
}

static int unterminated(struct cb_request *request, const struct cb_heredoc *heredoc,
                        struct cb_range word, size_t begin, struct cb_error **err)
{
    cb_autofree char *shown = cb_text_short(heredoc->name);
    unsigned nearly = find_nearly(request, heredoc, begin);

    cb_syntax_error(request, cb_request_span(request, word), err,
                    "unterminated heredoc `%s`", shown);
    if (nearly)
        return cb_error_hint(
            err, "line %u has blanks beside `%s`; it has to stand alone%s", nearly, shown,
            heredoc->chomp ? ", behind tabs at most" : "");
    return cb_error_hint(err, "no line below is exactly `%s`", shown);
}

static int read_body(struct cb_request *request, struct cb_heredoc *heredoc,
                     struct cb_range word, struct cb_error **err)
{
    struct cb_parser *parser = request->parser;
    struct cb_physical_line line;
    size_t begin = parser->pos;

    while (cb_physical_line(parser, &line)) {
        parser->pos = line.next;
        if (!is_terminator(parser, line, heredoc))
            continue;
        request->end = (struct cb_span){line.start, line.end};
        heredoc->span = (struct cb_span){begin, line.start};
        heredoc->len = line.start - begin;
        heredoc->content =
            cb_arena_strndup(parser->arena, parser->text + begin, heredoc->len);
        if (heredoc->chomp)
            heredoc->content = strip_tabs(parser->arena, heredoc->content, &heredoc->len);
        return 0;
    }
    return unterminated(request, heredoc, word, begin, err);
}

struct opened {
    struct cb_heredoc *items;
    size_t count;
    size_t capacity;
};

static void opened_free(struct opened *opened)
{
    cb_vec_free(opened);
}
CB_AUTO_VALUE_DEFINE(opened, opened_free)

static int read_word(struct cb_request *request, const char *word, struct cb_range range,
                     struct opened *opened, struct cb_error **err)
{
    struct cb_heredoc heredoc;
    int found = cb_heredoc_parse_word(&heredoc, request->parser->arena, word, err);

    if (found < 0)
        return cb_error_at(err, request->parser->source, cb_request_span(request, range));
    if (!found)
        return 0;
    request->parser->word_count++;
    if (cb_word_list_check(request, cb_request_span(request, range), err) < 0 ||
        read_body(request, &heredoc, range, err) < 0)
        return -1;
    cb_vec_push(opened, heredoc);
    return 0;
}

int cb_heredoc_read(struct cb_request *request, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(opened) opened = {0};
    cb_auto_value(cb_lexer) lexer = {
        .text = request->line->text,
        .len = request->line->len,
        .escape = '\\',
        .keep_quotes = 1,
        .keep_escapes = 1,
        .keep_unset = 1,
        .split = 1,
        .find_heredocs = 1,
    };

    if (!strstr(request->line->text, "<<") || cb_lexer_run(&lexer, &text, NULL) < 0)
        return 0;
    for (size_t i = 0; i < lexer.words.count; i++) {
        if (read_word(request, lexer.words.items[i], lexer.ranges.items[i], &opened,
                      err) < 0)
            return -1;
    }
    request->heredocs.count = opened.count;
    if (opened.count) {
        size_t size = opened.count * sizeof(*opened.items);

        request->heredocs.items = cb_arena_alloc(request->parser->arena, size);
        memcpy(request->heredocs.items, opened.items, size);
    }
    return 0;
}
