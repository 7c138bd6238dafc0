/* Text and actions, and the tree they make. What ends a list of nodes ({{else}}, {{end}})
 * is returned to whoever began it. */
#include "base/template-parse-priv.h"

#include <string.h>

#define MAX_TEMPLATE (1u << 20) /* bytes */

/* An action that ends a list. */
enum terminator { TERM_EOF, TERM_ELSE, TERM_END };

static int parse_list(struct cb_tmpl_parser *parser, struct cb_tmpl_node **out,
                      enum terminator *how, size_t *at, struct cb_error **err);

static int is_word(const struct cb_tmpl_parser *parser, const char *word)
{
    return parser->token->kind == CB_TMPL_IDENT && strcmp(parser->token->text, word) == 0;
}

static int expect_end(struct cb_tmpl_parser *parser, const char *where,
                      struct cb_error **err)
{
    return parser->token->kind == CB_TMPL_END ? 0
                                              : cb_tmpl_unexpected(parser, where, err);
}

static int is_trim(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ── Actions ── */

static struct cb_tmpl_node *node_new(struct cb_tmpl_parser *parser,
                                     enum cb_tmpl_node_kind kind, size_t at)
{
    struct cb_tmpl_node *node = cb_arena_new_of(parser->arena, struct cb_tmpl_node);

    node->kind = kind;
    node->at = at;
    return node;
}

static int parse_control(struct cb_tmpl_parser *parser, enum cb_tmpl_node_kind kind,
                         struct cb_tmpl_node **out, struct cb_error **err);

/* Behind the body: {{else}} with its list, {{else if …}}, {{end}}. The tokens of the
 * terminating action are at hand. */
static int parse_else(struct cb_tmpl_parser *parser, struct cb_tmpl_node *node,
                      enum terminator how, size_t at, struct cb_error **err)
{
    if (how == TERM_EOF)
        return syntax_error(parser, parser->len, err, "unexpected EOF");
    if (how == TERM_END)
        return 0;
    if ((is_word(parser, "if") && node->kind == CB_TMPL_IF) ||
        (is_word(parser, "with") && node->kind == CB_TMPL_WITH))
        return parse_control(parser, node->kind, &node->otherwise, err);
    if (expect_end(parser, "else", err) < 0 ||
        parse_list(parser, &node->otherwise, &how, &at, err) < 0)
        return -1;
    if (how == TERM_ELSE)
        return syntax_error(parser, at, err, "expected end; found {{else}}");
    return how == TERM_END ? 0 : syntax_error(parser, parser->len, err, "unexpected EOF");
}

static int parse_control(struct cb_tmpl_parser *parser, enum cb_tmpl_node_kind kind,
                         struct cb_tmpl_node **out, struct cb_error **err)
{
    struct cb_tmpl_node *node = node_new(parser, kind, parser->token->at);
    const char *word = parser->token->text;
    size_t scope = parser->variables.count;
    enum terminator how;
    size_t at;
    int loop = kind == CB_TMPL_RANGE;
    int result = -1;

    parser->token++;
    if (parser->token->kind == CB_TMPL_END)
        return syntax_error(parser, node->at, err, "missing value for %s", word);
    parser->depth++;
    if (cb_tmpl_too_deep(parser, err) == 0 &&
        cb_tmpl_parse_pipeline(parser, loop ? 2 : 1, CB_TMPL_END, &node->pipeline, err) ==
            0) {
        parser->loops += loop;
        result = parse_list(parser, &node->body, &how, &at, err);
        parser->loops -= loop;
        if (result == 0)
            result = parse_else(parser, node, how, at, err);
    }
    parser->depth--;
    parser->variables.count = scope;
    *out = node;
    return result;
}

static int parse_name(struct cb_tmpl_parser *parser, const char **out,
                      struct cb_error **err)
{
    cb_autofree char *where = xasprintf("%s clause", parser->token->text);

    parser->token++;
    if (parser->token->kind != CB_TMPL_STRING)
        return cb_tmpl_unexpected(parser, where, err);
    *out = parser->token->text;
    parser->token++;
    return 0;
}

/* Nothing but blanks: another definition may take its place, as in Go. */
static int is_blank(const struct cb_tmpl_node *body)
{
    for (; body; body = body->next) {
        if (body->kind != CB_TMPL_TEXT)
            return 0;
        for (size_t i = 0; i < body->len; i++)
            if (!is_trim(body->text[i]))
                return 0;
    }
    return 1;
}

static int add_definition(struct cb_tmpl_parser *parser,
                          const struct cb_tmpl_definition *definition, size_t at,
                          struct cb_error **err)
{
    cb_vec_foreach (before, &parser->template->definitions) {
        if (strcmp(before->name, definition->name) != 0)
            continue;
        if (is_blank(before->body))
            *before = *definition;
        else if (!is_blank(definition->body))
            return syntax_error(parser, at, err,
                                "template: multiple definition of template \"%s\"",
                                definition->name);
        return 0;
    }
    cb_vec_push(&parser->template->definitions, *definition);
    return 0;
}

static int parse_definition(struct cb_tmpl_parser *parser, const char *name,
                            struct cb_error **err)
{
    struct cb_tmpl_definition definition = {.name = name};
    size_t scope = parser->variables.count;
    int loops = parser->loops;
    enum terminator how = TERM_EOF;
    size_t at = parser->at;
    int result;

    parser->depth++;
    parser->loops = 0;
    parser->variables.count = 0;
    result = cb_tmpl_too_deep(parser, err) < 0
                 ? -1
                 : parse_list(parser, &definition.body, &how, &at, err);
    parser->variables.count = scope;
    parser->loops = loops;
    parser->depth--;
    if (result < 0)
        return -1;
    if (how != TERM_END)
        return syntax_error(parser, at, err,
                            how == TERM_ELSE ? "unexpected {{else}} in define clause"
                                             : "unexpected EOF");
    return add_definition(parser, &definition, at, err);
}

/* {{define "x"}}, {{template "x" pipeline}}, {{block "x" pipeline}}. *OUT NULL for a
 * definition. */
static int parse_named(struct cb_tmpl_parser *parser, struct cb_tmpl_node **out,
                       struct cb_error **err)
{
    const char *word = parser->token->text;
    struct cb_tmpl_node *node = node_new(parser, CB_TMPL_TEMPLATE, parser->token[1].at);

    /* Go has definitions beside each other only. */
    if (*word == 'd' && parser->depth)
        return cb_tmpl_unexpected(parser, "command", err);
    node->end = parser->at;
    if (parse_name(parser, &node->text, err) < 0)
        return -1;
    if (*word == 'd')
        return expect_end(parser, "define clause", err) < 0
                   ? -1
                   : parse_definition(parser, node->text, err);
    if ((*word == 'b' || parser->token->kind != CB_TMPL_END) &&
        cb_tmpl_parse_pipeline(parser, 0, CB_TMPL_END, &node->pipeline, err) < 0)
        return -1;
    *out = node;
    return *word == 'b' ? parse_definition(parser, node->text, err) : 0;
}

static int parse_jump(struct cb_tmpl_parser *parser, enum cb_tmpl_node_kind kind,
                      struct cb_tmpl_node **out, struct cb_error **err)
{
    const char *word = parser->token->text;

    if (!parser->loops)
        return syntax_error(parser, parser->token->at, err, "{{%s}} outside {{range}}",
                            word);
    *out = node_new(parser, kind, parser->token->at);
    parser->token++;
    return expect_end(parser, word, err);
}

/* *OUT stays NULL when the action makes no node; *HOW is set when it ends the list. */
static int parse_action(struct cb_tmpl_parser *parser, struct cb_tmpl_node **out,
                        enum terminator *how, struct cb_error **err)
{
    static const struct {
        const char *word;
        enum cb_tmpl_node_kind kind;
    } controls[] = {{"if", CB_TMPL_IF}, {"range", CB_TMPL_RANGE}, {"with", CB_TMPL_WITH}};
    size_t at = parser->token->at;

    for (size_t i = 0; i < CB_ARRAY_SIZE(controls); i++)
        if (is_word(parser, controls[i].word))
            return parse_control(parser, controls[i].kind, out, err);
    if (is_word(parser, "end")) {
        parser->token++;
        *how = TERM_END;
        return expect_end(parser, "end", err);
    }
    if (is_word(parser, "else")) {
        parser->token++;
        *how = TERM_ELSE;
        return 0;
    }
    if (is_word(parser, "define") || is_word(parser, "template") ||
        is_word(parser, "block"))
        return parse_named(parser, out, err);
    if (is_word(parser, "break"))
        return parse_jump(parser, CB_TMPL_BREAK, out, err);
    if (is_word(parser, "continue"))
        return parse_jump(parser, CB_TMPL_CONTINUE, out, err);
    *out = node_new(parser, CB_TMPL_ACTION, at);
    return cb_tmpl_parse_pipeline(parser, 1, CB_TMPL_END, &(*out)->pipeline, err);
}

/* ── Text ── */

/* Where the action that began at FROM ends; strings may hold "}}". */
static size_t find_close(const struct cb_tmpl_parser *parser, size_t from)
{
    char quote = 0;

    for (size_t i = from; i < parser->len; i++) {
        char c = parser->text[i];

        if (quote) {
            if (c == '\\' && quote != '`' && i + 1 < parser->len)
                i++;
            else if (c == quote || (c == '\n' && quote != '`'))
                quote = 0;
        } else if (c == '"' || c == '`' || c == '\'') {
            quote = c;
        } else if (c == '}' && parser->text[i + 1] == '}') {
            return i;
        }
    }
    return parser->len;
}

/* A comment behind "{{" or "{{- ": moves behind it. */
static int skip_comment(struct cb_tmpl_parser *parser, size_t from, struct cb_error **err)
{
    const char *end = strstr(parser->text + from, "*/");
    size_t at;

    if (!end)
        return syntax_error(parser, from, err, "unclosed comment");
    at = (size_t)(end - parser->text) + 2;
    parser->trim = 0;
    if (is_trim(parser->text[at]) && parser->text[at + 1] == '-') {
        parser->trim = 1;
        at += 2;
    }
    if (strncmp(parser->text + at, "}}", 2) != 0)
        return syntax_error(parser, from, err, "comment ends before closing delimiter");
    parser->at = at + 2;
    return 0;
}

static void add_text(struct cb_tmpl_parser *parser, size_t from, size_t to,
                     struct cb_tmpl_node ***tail)
{
    struct cb_tmpl_node *node;

    if (parser->trim)
        while (from < to && is_trim(parser->text[from]))
            from++;
    if (from == to)
        return;
    node = node_new(parser, CB_TMPL_TEXT, from);
    node->text = parser->text + from;
    node->len = to - from;
    **tail = node;
    *tail = &node->next;
}

/* The action whose "{{" is at parser->at, as tokens; parser->at moves behind it. 1: it
 * was a comment. */
static int read_action(struct cb_tmpl_parser *parser, struct cb_tmpl_tokens *tokens,
                       struct cb_error **err)
{
    size_t begin = parser->at + 2, end;

    if (parser->text[begin] == '-' && is_trim(parser->text[begin + 1]))
        begin++;
    while (is_trim(parser->text[begin]) && parser->text[begin - 1] == '-')
        begin++;
    if (strncmp(parser->text + begin, "/*", 2) == 0)
        return skip_comment(parser, begin, err) < 0 ? -1 : 1;
    end = find_close(parser, begin);
    if (end >= parser->len)
        /* What is wrong in it is wrong before it is unclosed. */
        return cb_tmpl_lex(parser->arena, parser->text, begin, end, tokens, err) < 0
                   ? -1
                   : syntax_error(parser, parser->at, err, "unclosed action");
    parser->at = end + 2;
    parser->trim = end > begin && parser->text[end - 1] == '-' &&
                   (end - 1 == begin || is_trim(parser->text[end - 2]));
    if (parser->trim)
        end--;
    return cb_tmpl_lex(parser->arena, parser->text, begin, end, tokens, err);
}

static int take_action(struct cb_tmpl_parser *parser, struct cb_tmpl_node ***tail,
                       enum terminator *how, struct cb_error **err)
{
    struct cb_tmpl_tokens tokens = {0};
    struct cb_tmpl_node *node = NULL;
    int result = read_action(parser, &tokens, err);

    if (result == 0) {
        /* The tokens of an {{else if}} are read on by whoever began the list. */
        struct cb_tmpl_token *kept =
            cb_arena_alloc(parser->arena, tokens.count * sizeof(*kept));

        memcpy(kept, tokens.items, tokens.count * sizeof(*kept));
        parser->token = kept;
        result = parse_action(parser, &node, how, err);
    }
    cb_vec_free(&tokens);
    if (node) {
        **tail = node;
        *tail = &node->next;
    }
    return result < 0 ? -1 : 0;
}

static int parse_list(struct cb_tmpl_parser *parser, struct cb_tmpl_node **out,
                      enum terminator *how, size_t *at, struct cb_error **err)
{
    struct cb_tmpl_node **tail = out;

    *how = TERM_EOF;
    while (parser->at < parser->len && *how == TERM_EOF) {
        const char *open = strstr(parser->text + parser->at, "{{");
        size_t to = open ? (size_t)(open - parser->text) : parser->len;
        size_t end = to;

        if (open && open[2] == '-' && is_trim(open[3]))
            while (end > parser->at && is_trim(parser->text[end - 1]))
                end--;
        add_text(parser, parser->at, end, &tail);
        parser->at = to;
        parser->trim = 0;
        *at = to;
        if (open && take_action(parser, &tail, how, err) < 0)
            return -1;
    }
    return 0;
}

int cb_template_parse(struct cb_template **out, const char *text, struct cb_error **err)
{
    cb_auto(cb_template) template = xcalloc(1, sizeof(*template));
    struct cb_tmpl_parser parser = {.template = template};
    enum terminator how = TERM_EOF;
    size_t at = 0;
    int result;

    template->arena = cb_arena_new();
    template->text = cb_arena_strdup(template->arena, text);
    parser.arena = template->arena;
    parser.text = template->text;
    parser.len = strlen(text);
    if (parser.len > MAX_TEMPLATE)
        return cb_error_set(err, CB_ERR_USAGE, "the template is over %u bytes long",
                            MAX_TEMPLATE);
    result = parse_list(&parser, &template->body, &how, &at, err);
    if (result == 0 && how != TERM_EOF)
        result = syntax_error(&parser, at, err, "unexpected {{%s}}",
                              how == TERM_END ? "end" : "else");
    cb_vec_free(&parser.variables);
    if (result < 0)
        return -1;
    *out = cb_steal(&template);
    return 0;
}

void cb_template_free(struct cb_template *template)
{
    if (!template)
        return;
    for (size_t i = 0; i < template->constants.count; i++)
        json_decref(template->constants.items[i]);
    cb_vec_free(&template->constants);
    cb_vec_free(&template->definitions);
    cb_arena_free(template->arena);
    free(template);
}
