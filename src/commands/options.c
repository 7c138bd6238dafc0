/* Reads argv against a command's option table. */
#include "commands/options.h"

#include "base/suggest.h"
#include "base/text.h"
#include "commands/commands.h"
#include "commands/globals.h"
#include "commands/help.h"

#include <errno.h>
#include <string.h>

#define HELP_COLUMN 28
#define HELP_WIDTH  80
#define START_MIN   3 /* letters that tell what was meant */

static const struct cb_option *find_long(const struct cb_option *options,
                                         const char *name, size_t len)
{
    for (const struct cb_option *o = options; o->name; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const struct cb_option *find_letter(const struct cb_option *options, char letter)
{
    for (const struct cb_option *o = options; o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

/* An option of ROWS that is not here, or NULL. */
static const struct cb_absent_option *find_absent(const struct cb_absent_option *rows,
                                                  const char *name, char letter)
{
    for (const struct cb_absent_option *o = rows; o && o->name; o++)
        if (name ? strcmp(o->name, name) == 0 : o->letter == letter)
            return o;
    return NULL;
}

static int is_one_of(const char *words, const char *value)
{
    size_t len = strlen(value);

    for (const char *word = words; *word;) {
        size_t end = strcspn(word, "|");

        if (end == len && memcmp(word, value, len) == 0)
            return 1;
        word += end + (word[end] == '|');
    }
    return 0;
}

/* 0 if what is not here is not asked for either. */
static int absent_long(const struct cb_cli_command *command,
                       const struct cb_absent_option *absent, int argc, char **argv,
                       int *at, struct cb_error **err)
{
    const char *equals = strchr(argv[*at], '=');
    const struct cb_harmless_option *harmless = command->harmless;

    while (harmless && harmless->name && strcmp(harmless->name, absent->name) != 0)
        harmless++;
    if (harmless && harmless->name) {
        if (equals && (!equals[1] || is_one_of(harmless->values, equals + 1)))
            return 0;
        if (!equals && *at + 1 < argc && is_one_of(harmless->values, argv[*at + 1])) {
            ++*at;
            return 0;
        }
    }
    cb_error_set(err, CB_ERR_USAGE, "docker's --%s is not here", absent->name);
    return cb_error_hint(err, "%s", absent->instead);
}

/* The longest of NAMES that WORD begins with, or the first that begins with WORD:
 * --enviroment is --env. */
static const char *find_by_start(const char *word, const char *const *names, size_t count)
{
    const char *match = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);

        if (len >= START_MIN && strncmp(word, names[i], len) == 0 &&
            (!match || len > strlen(match)))
            match = names[i];
    }
    for (size_t i = 0; !match && strlen(word) >= START_MIN && i < count; i++)
        if (strncmp(names[i], word, strlen(word)) == 0)
            match = names[i];
    return match;
}

static int unknown_long(const struct cb_cli_command *command, const char *word,
                        struct cb_error **err)
{
    const struct cb_absent_option *foreign = find_absent(command->foreign, word, 0);
    const struct cb_option *const known[] = {command->options, cb_globals};
    const char *names[128] = {"help"};
    const char *near;
    size_t count = 1;

    if (foreign) {
        cb_error_set(err, CB_ERR_FLAG, "--%s of another tool is not here", word);
        return cb_error_hint(err, "instead: %s", foreign->instead);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(known); i++)
        for (const struct cb_option *o = known[i]; o->name && count < 128; o++)
            if (o->help)
                names[count++] = o->name;
    cb_error_set(err, CB_ERR_FLAG, "unknown flag: --%s", word);
    near = cb_suggest(word, names, count);
    if (!near)
        near = find_by_start(word, names, count);
    if (near)
        return cb_error_hint(err, "did you mean --%s?", near);
    return cb_error_hint(err, "see `cbuild %s --help`", command->name);
}

static int store_unsigned(const char *text, unsigned *out)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || end == text || *end || value > 1000000 || *text == '-')
        return -1;
    *out = (unsigned)value;
    return 0;
}

/* "--name", or "-n, --name". */
static int wrong_value(const struct cb_option *option, const char *value,
                       const char *expected, struct cb_error **err)
{
    cb_autofree char *name = option->letter
                                 ? xasprintf("-%c, --%s", option->letter, option->name)
                                 : xasprintf("--%s", option->name);

    return cb_error_set(err, CB_ERR_FLAG,
                        "invalid argument \"%s\" for \"%s\" flag: expected %s", value,
                        name, expected);
}

/* VALUE NULL: the option stood alone. */
static int store_value(const struct cb_option *option, const char *value, void *values,
                       struct cb_error **err)
{
    void *slot = (char *)values + option->offset;
    int flag = 1;

    switch (option->kind) {
    case CB_OPTION_FLAG:
    case CB_OPTION_ACCEPTED:
    case CB_OPTION_ORDERED_FLAG:
        if (value && !cb_parse_bool(value, &flag))
            return wrong_value(option, value, "true or false", err);
        if (option->kind == CB_OPTION_FLAG)
            *(int *)slot = flag;
        if (option->kind == CB_OPTION_ORDERED_FLAG) {
            cb_strings_add(slot, option->name);
            cb_strings_add(slot, flag ? "true" : "false");
        }
        return 0;
    case CB_OPTION_TEXT:
        *(const char **)slot = value;
        return 0;
    case CB_OPTION_OPTIONAL:
        *(const char **)slot = value ? value : "";
        return 0;
    case CB_OPTION_ORDERED:
        cb_strings_add(slot, option->name);
        cb_strings_add(slot, value);
        return 0;
    case CB_OPTION_LIST:
        cb_strings_add(slot, value);
        return 0;
    case CB_OPTION_UNSIGNED:
        if (store_unsigned(value, slot) < 0)
            return wrong_value(option, value, "a number", err);
        return 0;
    }
    return 0;
}

static int takes_value(const struct cb_option *option)
{
    return option->kind == CB_OPTION_TEXT || option->kind == CB_OPTION_LIST ||
           option->kind == CB_OPTION_UNSIGNED || option->kind == CB_OPTION_ORDERED;
}

/* EQUALS: the "=value" of the word at *AT, or NULL. */
static int store_long(const struct cb_option *option, const char *equals, int argc,
                      char **argv, int *at, void *values, struct cb_error **err)
{
    if (equals)
        return store_value(option, equals + 1, values, err);
    if (!takes_value(option))
        return store_value(option, NULL, values, err);
    if (*at + 1 >= argc)
        return cb_error_set(err, CB_ERR_FLAG, "flag needs an argument: --%s",
                            option->name);
    return store_value(option, argv[++*at], values, err);
}

int cb_options_take(const struct cb_option *options, int argc, char **argv, int *at,
                    void *values, struct cb_error **err)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    const struct cb_option *option = NULL;

    if (word[0] == '-' && word[1] == '-')
        option = find_long(options, word + 2,
                           equals ? (size_t)(equals - word - 2) : strlen(word + 2));
    else if (word[0] == '-' && word[1] && (!word[2] || word[2] == '='))
        option = find_letter(options, word[1]);
    if (!option)
        return 0;
    return store_long(option, equals, argc, argv, at, values, err) < 0 ? -1 : 1;
}

static int parse_long(const struct cb_cli_command *command, int argc, char **argv,
                      int *at, void *values, struct cb_error **err)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct cb_option *option = find_long(command->options, name, len);

    if (!option) {
        cb_autofree char *word = xstrndup(name, len);
        const struct cb_absent_option *absent = find_absent(command->absent, word, 0);

        return absent ? absent_long(command, absent, argc, argv, at, err)
                      : unknown_long(command, word, err);
    }
    return store_long(option, equals, argc, argv, at, values, err);
}

/* "-it", "-tname", "-t name", "-t=name". */
static int parse_letters(const struct cb_cli_command *command, int argc, char **argv,
                         int *at, void *values, struct cb_error **err)
{
    for (const char *p = argv[*at] + 1; *p; p++) {
        const struct cb_option *option = find_letter(command->options, *p);

        if (!option) {
            const struct cb_absent_option *absent =
                find_absent(command->absent, NULL, *p);

            if (absent) {
                cb_error_set(err, CB_ERR_USAGE, "docker's -%c is not here", *p);
                return cb_error_hint(err, "%s", absent->instead);
            }
            cb_error_set(err, CB_ERR_FLAG, "unknown shorthand flag: '%c' in %s", *p,
                         argv[*at]);
            return cb_error_hint(err, "see `cbuild %s --help`", command->name);
        }
        if (!takes_value(option)) {
            if (p[1] == '=')
                return store_value(option, p + 2, values, err);
            if (store_value(option, NULL, values, err) < 0)
                return -1;
            continue;
        }
        if (p[1])
            return store_value(option, p + 1 + (p[1] == '='), values, err);
        if (*at + 1 >= argc)
            return cb_error_set(err, CB_ERR_FLAG, "flag needs an argument: '%c' in %s",
                                *p, argv[*at]);
        return store_value(option, argv[++*at], values, err);
    }
    return 0;
}

int cb_options_parse(const struct cb_cli_command *command, int argc, char **argv,
                     int stop_at_first, void *values, struct cb_strings *args,
                     struct cb_error **err)
{
    int only_arguments = 0;

    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];

        if (only_arguments || word[0] != '-' || !word[1]) {
            cb_strings_add(args, word);
            only_arguments |= stop_at_first;
        } else if (strcmp(word, "--") == 0) {
            only_arguments = 1;
        } else if (strcmp(word, "--help") == 0 ||
                   (strcmp(word, "-h") == 0 && !find_letter(command->options, 'h'))) {
            cb_print_command_help(command, stdout);
            return 1;
        } else if (word[1] == '-') {
            if (parse_long(command, argc, argv, &i, values, err) < 0)
                return -1;
        } else if (parse_letters(command, argc, argv, &i, values, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Does the word of letters take the next one along? */
static int ends_in_value(const struct cb_cli_command *command, const char *letters)
{
    for (const char *p = letters; *p; p++) {
        const struct cb_option *option = find_letter(command->options, *p);

        if (!option || p[1] == '=')
            return 0;
        if (takes_value(option))
            return !p[1];
    }
    return 0;
}

/* What is no option of the command's takes nothing along: it is going to be an error. */
const char *cb_options_peek(const struct cb_cli_command *command, int argc, char **argv,
                            int stop_at_first, const char *name, const char *other)
{
    for (int i = 0; command->options && i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i], *equals = strchr(word, '=');
        const struct cb_option *option;

        if (word[0] != '-' || !word[1]) {
            if (stop_at_first)
                return NULL;
            continue;
        }
        if (word[1] != '-') {
            i += ends_in_value(command, word + 1);
            continue;
        }
        option = find_long(command->options, word + 2, strcspn(word + 2, "="));
        if (!option || !takes_value(option))
            continue;
        if (strcmp(option->name, name) == 0 || strcmp(option->name, other) == 0)
            return equals ? equals + 1 : i + 1 < argc ? argv[i + 1] : NULL;
        i += !equals;
    }
    return NULL;
}

/* Prints TEXT from HELP_COLUMN on, broken at blanks. */
static void print_wrapped(const char *text, FILE *out)
{
    size_t column = HELP_COLUMN;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)len, text);
        column += len;
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

void cb_options_print(const struct cb_option *options, FILE *out)
{
    for (const struct cb_option *o = options; o->name; o++) {
        cb_autofree char *left = NULL;
        char letter[5] = "    ";

        if (o->kind == CB_OPTION_ACCEPTED || !o->help)
            continue;
        if (o->letter)
            snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        left = xasprintf("  %s--%s%s%s", letter, o->name,
                         !o->metavar                     ? ""
                         : o->kind == CB_OPTION_OPTIONAL ? "="
                                                         : " ",
                         o->metavar ? o->metavar : "");
        fputs(left, out);
        if (strlen(left) + 2 > HELP_COLUMN)
            fprintf(out, "\n%*s", HELP_COLUMN, "");
        else
            fprintf(out, "%*s", (int)(HELP_COLUMN - strlen(left)), "");
        print_wrapped(o->help, out);
    }
}
