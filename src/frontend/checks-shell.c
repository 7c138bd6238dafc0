/* What a RUN would execute, as far as its text tells: the simple commands of a shell
 * script, split at blanks and operators outside quotes. Nothing is expanded and nothing
 * guessed: a command that a substitution makes up is not seen. Good enough to find
 * well-known programs, no more. */
#include "frontend/checks-priv.h"

#include <ctype.h>
#include <string.h>

#define MAX_BYTES (256u << 10) /* of a script are looked at */

void cb_shell_commands_free(struct cb_shell_commands *commands)
{
    cb_vec_foreach (command, commands)
        cb_strings_free(&command->words);
    cb_vec_free(commands);
}

/* ── Words in front of a command that are not it ── */

static int is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(word, words[i]))
            return 1;
    }
    return 0;
}

static int is_assignment(const char *word)
{
    size_t len = 0;

    while (isalnum((unsigned char)word[len]) || word[len] == '_')
        len++;
    return len && !isdigit((unsigned char)*word) && word[len] == '=';
}

static int is_passed_over(const char *word, int after_wrapper)
{
    static const char *const words[] = {
        "if", "then", "else",    "elif", "do",  "while", "until", "!",
        "{",  "time", "command", "exec", "env", "sudo",  "nice",  "eatmydata"};

    return is_one_of(word, words, CB_ARRAY_SIZE(words)) || is_assignment(word) ||
           (after_wrapper && *word == '-');
}

/* ── The scanner ── */

struct scanner {
    const char *at, *end;
    struct cb_shell_commands *out;
    struct cb_shell_command command;
    struct cb_strbuf word;
    int in_word;
    int drop_word; /* it is the file of a redirection */
    int wrapped;   /* a word was passed over */
};

static void end_word(struct scanner *scanner)
{
    const char *word = cb_strbuf_text(&scanner->word);

    if (scanner->in_word && !scanner->drop_word) {
        if (!scanner->command.words.count && is_passed_over(word, scanner->wrapped))
            scanner->wrapped = 1;
        else
            cb_strings_add(&scanner->command.words, word);
    }
    if (scanner->in_word)
        scanner->drop_word = 0;
    scanner->in_word = 0;
    cb_strbuf_truncate(&scanner->word, 0);
}

static void end_command(struct scanner *scanner)
{
    end_word(scanner);
    if (scanner->command.words.count)
        cb_vec_push(scanner->out, scanner->command);
    scanner->command = (struct cb_shell_command){0};
    scanner->wrapped = 0;
    scanner->drop_word = 0;
}

static void add(struct scanner *scanner, char c)
{
    scanner->in_word = 1;
    cb_strbuf_addc(&scanner->word, c);
}

static void scan_quoted(struct scanner *scanner, char quote)
{
    scanner->in_word = 1;
    while (scanner->at < scanner->end && *scanner->at != quote) {
        if (quote == '"' && *scanner->at == '\\' && scanner->at + 1 < scanner->end)
            scanner->at++;
        add(scanner, *scanner->at++);
    }
    if (scanner->at < scanner->end)
        scanner->at++;
}

static void scan_escape(struct scanner *scanner)
{
    if (scanner->at == scanner->end)
        return;
    if (*scanner->at != '\n')
        add(scanner, *scanner->at);
    scanner->at++;
}

/* `2>&1`, `>>file`: neither the number nor the file is an argument. */
static void scan_redirection(struct scanner *scanner)
{
    const char *word = cb_strbuf_text(&scanner->word);

    if (scanner->in_word && strspn(word, "0123456789") == strlen(word)) {
        scanner->in_word = 0;
        cb_strbuf_truncate(&scanner->word, 0);
    }
    end_word(scanner);
    while (scanner->at < scanner->end && strchr("<>&-", *scanner->at))
        scanner->at++;
    scanner->drop_word = 1;
}

static void skip_line(struct scanner *scanner)
{
    while (scanner->at < scanner->end && *scanner->at != '\n')
        scanner->at++;
}

static void scan_char(struct scanner *scanner, char c)
{
    int redirects = c == '&' && scanner->at < scanner->end && *scanner->at == '>';

    if (c == '\\')
        scan_escape(scanner);
    else if (c == '\'' || c == '"')
        scan_quoted(scanner, c);
    else if (c == '#' && !scanner->in_word)
        skip_line(scanner);
    else if (c == '<' || c == '>' || redirects)
        scan_redirection(scanner);
    else if (c && strchr(";&|()\n", c))
        end_command(scanner);
    else if (isspace((unsigned char)c))
        end_word(scanner);
    else
        add(scanner, c);
}

static void scan(struct cb_shell_commands *out, const char *text, size_t len)
{
    struct scanner scanner = {.at = text, .end = text + len, .out = out};

    if (len > MAX_BYTES)
        scanner.end = text + MAX_BYTES;
    while (scanner.at < scanner.end) {
        char c = *scanner.at++;

        scan_char(&scanner, c);
    }
    end_command(&scanner);
    cb_strbuf_free(&scanner.word);
}

/* ── Of a RUN ── */

static int is_shell(const char *name)
{
    static const char *const shells[] = {"sh", "ash", "bash", "dash", "ksh", "zsh"};

    return is_one_of(name, shells, CB_ARRAY_SIZE(shells));
}

const char *cb_shell_command_name(const struct cb_shell_command *command)
{
    const char *path = command->words.count ? command->words.items[0] : "";
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void take_exec(struct cb_shell_commands *out, const struct cb_words *argv)
{
    struct cb_shell_command command = {0};
    const char *option = argv->count > 2 ? argv->items[1].text : "";

    for (size_t i = 0; i < argv->count; i++)
        cb_strings_add(&command.words, argv->items[i].text);
    if (is_shell(cb_shell_command_name(&command)) && *option == '-' &&
        strchr(option, 'c')) {
        cb_strings_free(&command.words);
        scan(out, argv->items[2].text, strlen(argv->items[2].text));
    } else if (command.words.count) {
        cb_vec_push(out, command);
    }
}

/* The body of a heredoc is a script only if a shell reads it. */
void cb_shell_commands_of(struct cb_shell_commands *out, const struct cb_inst_run *run)
{
    const char *text = run->command.shell ? run->command.shell : "";
    int runs_bodies;

    if (run->command.is_exec) {
        take_exec(out, &run->command.argv);
        return;
    }
    scan(out, text, strlen(text));
    runs_bodies = !out->count || is_shell(cb_shell_command_name(&out->items[0]));
    for (size_t i = 0; i < run->heredocs.count && runs_bodies; i++)
        scan(out, run->heredocs.items[i].content, run->heredocs.items[i].len);
}
