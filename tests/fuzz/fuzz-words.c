/* Expansion in its three ways. The first byte chooses the escape character and the values
 * in scope, the rest is the word; the variable I holds the word itself. */
#include "parser/parser.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scope {
    const char *word;
    int chosen;
};

static const char *get(void *arg, const char *name)
{
    const struct scope *scope = arg;

    if (strcmp(name, "A") == 0)
        return scope->chosen & 2 ? "a b/c.d\nx*y" : "aaaa";
    if (strcmp(name, "E") == 0)
        return "";
    if (strcmp(name, "U") == 0)
        return "\xc3\xa4\xff\xe4\xb8\xad";
    return strcmp(name, "I") == 0 ? scope->word : NULL;
}

static void undefined(void *arg, const char *name)
{
    if (!name)
        abort();
}

static void check_length(const char *text)
{
    if (text && strlen(text) > CB_WORD_MAX_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scope scope = {0};
    struct cb_scope_lookup lookup = {.get = get, .undefined = undefined, .arg = &scope};
    cb_autofree char *word = NULL, *out = NULL, *raw = NULL;
    cb_auto_value(cb_strings) words = {0};
    cb_auto(cb_error) error = NULL;
    char escape;

    if (size == 0)
        return 0;
    scope.chosen = data[0];
    escape = scope.chosen & 1 ? '`' : '\\';
    word = xstrndup((const char *)data + 1, size - 1);
    scope.word = word;
    cb_word_expand(&out, word, escape, &lookup, &error);
    cb_word_expand_split(&words, word, escape, &lookup, NULL);
    cb_word_expand_raw(&raw, (const char *)data + 1, size - 1, escape, &lookup, NULL);
    check_length(out);
    check_length(raw);
    if (!out == !error)
        abort();
    return 0;
}
