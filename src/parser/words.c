/* Quotes, escapes and words. Outside quotes the escape character makes the next character
 * plain; inside "…" it does so for ", $ and itself; inside '…' for nothing.
 * Reference: BuildKit shell/lex.go. */
#include "parser/words-priv.h"

#include <string.h>

void cb_lexer_free(struct cb_lexer *lexer)
{
    cb_strbuf_free(&lexer->word);
    cb_strings_free(&lexer->words);
    cb_vec_free(&lexer->ranges);
}

int cb_lexer_peek(const struct cb_lexer *lexer)
{
    return lexer->pos < lexer->len ? (unsigned char)lexer->text[lexer->pos] : -1;
}

int cb_lexer_exhausted(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX,
                        "the expansion is larger than %u MiB or takes too much work",
                        CB_WORD_MAX_BYTES >> 20);
}

void cb_lexer_add(struct cb_lexer *lexer, struct cb_strbuf *out, const char *text,
                  size_t len)
{
    lexer->work += len;
    if (!lexer->find_heredocs &&
        (out->len + len > CB_WORD_MAX_BYTES || lexer->work > lexer->max_work))
        lexer->exhausted = 1;
    if (!lexer->exhausted)
        cb_strbuf_add(out, text, len);
}

/* ── Words: only of the outermost level ── */

static int is_wanted(const struct cb_lexer *lexer)
{
    const char *word = cb_strbuf_text(&lexer->word);

    return word[0] && (!lexer->find_heredocs || strstr(word, "<<"));
}

/* One word more than the limit is kept, so that who goes through them can tell. */
static void end_word(struct cb_lexer *lexer)
{
    if (is_wanted(lexer) && lexer->words.count <= CB_MAX_WORDS) {
        cb_strings_take(&lexer->words, cb_strbuf_steal(&lexer->word));
        cb_vec_push(&lexer->ranges, lexer->word_range);
    }
    if (lexer->words.count > CB_MAX_WORDS && !lexer->find_heredocs)
        lexer->exhausted = 1;
    cb_strbuf_truncate(&lexer->word, 0);
}

static void add_raw_to_word(struct cb_lexer *lexer, const char *text, size_t len)
{
    if (!lexer->split || lexer->depth > 0)
        return;
    if (!lexer->word.len)
        lexer->word_range.start = lexer->token;
    lexer->word_range.end = lexer->pos;
    cb_lexer_add(lexer, &lexer->word, text, len);
}

/* Splits at spaces. */
static void add_to_word(struct cb_lexer *lexer, const char *text, size_t len)
{
    if (!lexer->split || lexer->depth > 0)
        return;
    for (size_t i = 0; i < len;) {
        size_t width = cb_utf8_space(text + i, len - i);

        if (!width)
            add_raw_to_word(lexer, text + i, 1);
        else if (lexer->word.len)
            end_word(lexer);
        i += width ? width : 1;
    }
}

/* ── Quotes ── */

static int read_single_quoted(struct cb_lexer *lexer, struct cb_strbuf *out,
                              struct cb_error **err)
{
    size_t begin = lexer->pos + 1;
    const char *close = memchr(lexer->text + begin, '\'', lexer->len - begin);
    size_t end;

    if (!close) {
        lexer->pos = lexer->len;
        return cb_error_set(
            err, CB_ERR_SYNTAX,
            "unexpected end of statement while looking for matching single-quote");
    }
    end = (size_t)(close - lexer->text);
    lexer->pos = end + 1;
    if (lexer->keep_quotes)
        cb_lexer_add(lexer, out, lexer->text + begin - 1, end + 1 - (begin - 1));
    else
        cb_lexer_add(lexer, out, lexer->text + begin, end - begin);
    return 0;
}

/* At the escape character inside double quotes. */
static void read_quoted_escape(struct cb_lexer *lexer, struct cb_strbuf *out)
{
    const char *at = lexer->text + lexer->pos++;
    int next = cb_lexer_peek(lexer);

    if (lexer->keep_escapes)
        cb_lexer_add(lexer, out, at, 1);
    if (next == '"' || next == '$' || next == (unsigned char)lexer->escape) {
        cb_lexer_add(lexer, out, at + 1, 1);
        lexer->pos++;
    } else if (next >= 0) {
        cb_lexer_add(lexer, out, at, 1);
    }
}

static int read_double_quoted(struct cb_lexer *lexer, struct cb_strbuf *out,
                              struct cb_error **err)
{
    const char quote = '"';

    lexer->pos++;
    if (lexer->keep_quotes)
        cb_lexer_add(lexer, out, &quote, 1);
    for (;;) {
        int c = cb_lexer_peek(lexer);

        if (c < 0)
            return cb_error_set(
                err, CB_ERR_SYNTAX,
                "unexpected end of statement while looking for matching double-quote");
        if (lexer->exhausted)
            return cb_lexer_exhausted(err);
        if (c == '"')
            break;
        if (c == '$') {
            if (cb_lexer_dollar(lexer, out, err) < 0)
                return -1;
        } else if (c == (unsigned char)lexer->escape) {
            read_quoted_escape(lexer, out);
        } else {
            cb_lexer_add(lexer, out, lexer->text + lexer->pos++, 1);
        }
    }
    lexer->pos++;
    if (lexer->keep_quotes)
        cb_lexer_add(lexer, out, &quote, 1);
    return 0;
}

/* ── Plain characters ── */

/* `<<` and the blanks behind it belong to one word: << EOF. */
static void read_less_than(struct cb_lexer *lexer, struct cb_strbuf *out)
{
    size_t begin = lexer->pos++;

    if (cb_lexer_peek(lexer) == '<') {
        lexer->pos++;
        while (cb_lexer_peek(lexer) == ' ' || cb_lexer_peek(lexer) == '\t' ||
               cb_lexer_peek(lexer) == '\r')
            lexer->pos++;
    }
    cb_lexer_add(lexer, out, lexer->text + begin, lexer->pos - begin);
    add_raw_to_word(lexer, lexer->text + begin, lexer->pos - begin);
}

static void read_escape(struct cb_lexer *lexer, struct cb_strbuf *out)
{
    const char *at = lexer->text + lexer->pos++;

    if (lexer->keep_escapes) {
        cb_lexer_add(lexer, out, at, 1);
        add_raw_to_word(lexer, at, 1);
    }
    if (cb_lexer_peek(lexer) < 0)
        return;
    lexer->pos++;
    cb_lexer_add(lexer, out, at + 1, 1);
    add_raw_to_word(lexer, at + 1, 1);
}

static void read_plain(struct cb_lexer *lexer, struct cb_strbuf *out)
{
    const char *at = lexer->text + lexer->pos;
    size_t width = cb_utf8_space(at, lexer->len - lexer->pos);

    width = width ? width : 1;
    lexer->pos += width;
    cb_lexer_add(lexer, out, at, width);
    add_to_word(lexer, at, width);
}

/* The constructs that yield text which is quoted as a whole, or, for $, split. */
static int read_construct(struct cb_lexer *lexer, int c, struct cb_strbuf *out,
                          struct cb_error **err)
{
    size_t begin = out->len, token = lexer->token;

    if (c == '$') {
        if (cb_lexer_dollar(lexer, out, err) < 0)
            return -1;
        lexer->token = token;
        add_to_word(lexer, cb_strbuf_text(out) + begin, out->len - begin);
        return 0;
    }
    if (c == '"' ? read_double_quoted(lexer, out, err) < 0
                 : read_single_quoted(lexer, out, err) < 0)
        return -1;
    lexer->token = token;
    add_raw_to_word(lexer, cb_strbuf_text(out) + begin, out->len - begin);
    return 0;
}

static int read_until(struct cb_lexer *lexer, int stop, struct cb_strbuf *out,
                      struct cb_error **err)
{
    int c;

    while ((c = cb_lexer_peek(lexer)) >= 0) {
        lexer->token = lexer->pos;
        if (lexer->exhausted)
            return cb_lexer_exhausted(err);
        if (c == stop) {
            lexer->pos++;
            return 0;
        }
        if (c == '$' || (!lexer->ignore_quotes && (c == '"' || c == '\''))) {
            if (read_construct(lexer, c, out, err) < 0)
                return -1;
        } else if (c == '<') {
            read_less_than(lexer, out);
        } else if (c == (unsigned char)lexer->escape) {
            read_escape(lexer, out);
        } else {
            read_plain(lexer, out);
        }
    }
    if (lexer->exhausted)
        return cb_lexer_exhausted(err);
    if (stop >= 0)
        return cb_error_set(err, CB_ERR_SYNTAX,
                            "unexpected end of statement while looking for matching %c",
                            stop);
    return 0;
}

int cb_lexer_until(struct cb_lexer *lexer, int stop, int keep_escapes,
                   struct cb_strbuf *out, struct cb_error **err)
{
    int outer = lexer->keep_escapes;
    int status;

    lexer->keep_escapes = keep_escapes;
    status = read_until(lexer, stop, out, err);
    lexer->keep_escapes = outer;
    return status;
}

/* What the word costs is paid from the budget of all words. */
static int read_all(struct cb_lexer *lexer, struct cb_strbuf *out, struct cb_error **err)
{
    size_t *left = lexer->lookup ? lexer->lookup->work : NULL;
    int status;

    lexer->max_work = left && *left < CB_WORD_MAX_WORK ? *left : CB_WORD_MAX_WORK;
    status = read_until(lexer, -1, out, err);
    if (left)
        *left -= lexer->work < *left ? lexer->work : *left;
    return status;
}

int cb_lexer_run(struct cb_lexer *lexer, struct cb_strbuf *out, struct cb_error **err)
{
    if (read_all(lexer, out, err) < 0) {
        cb_autofree char *text =
            xstrndup(lexer->text, lexer->len < 256 ? lexer->len : 256);
        cb_autofree char *shown = cb_text_quote(text);

        return cb_error_wrap(err, "failed to process %s", shown);
    }
    if (lexer->split)
        end_word(lexer);
    return lexer->exhausted ? cb_lexer_exhausted(err) : 0;
}

/* ── Entry points ── */

int cb_word_expand(char **out, const char *word, char escape,
                   const struct cb_scope_lookup *lookup, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) result = {0};
    cb_auto_value(cb_lexer)
        lexer = {.text = word, .len = strlen(word), .escape = escape, .lookup = lookup};

    if (cb_lexer_run(&lexer, &result, err) < 0)
        return -1;
    *out = cb_strbuf_steal(&result);
    return 0;
}

int cb_word_expand_split(struct cb_strings *out, const char *word, char escape,
                         const struct cb_scope_lookup *lookup, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) result = {0};
    cb_auto_value(cb_lexer) lexer = {.text = word,
                                     .len = strlen(word),
                                     .escape = escape,
                                     .lookup = lookup,
                                     .split = 1};

    if (cb_lexer_run(&lexer, &result, err) < 0)
        return -1;
    for (size_t i = 0; i < lexer.words.count; i++)
        cb_strings_add(out, lexer.words.items[i]);
    return 0;
}

int cb_word_expand_raw(char **out, const char *text, size_t len, char escape,
                       const struct cb_scope_lookup *lookup, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) result = {0};
    cb_auto_value(cb_lexer) lexer = {
        .text = text, .len = len, .escape = escape, .lookup = lookup, .ignore_quotes = 1};

    if (cb_lexer_run(&lexer, &result, err) < 0)
        return -1;
    *out = cb_strbuf_steal(&result);
    return 0;
}
