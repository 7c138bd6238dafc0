/* What stands in an action: operands, the commands they make, and pipelines of these. */
#include "base/template-parse-priv.h"

#include <ctype.h>
#include <string.h>

#define MAX_DEPTH 100
#define MAX_VARS  1000

int cb_tmpl_too_deep(struct cb_tmpl_parser *parser, struct cb_error **err)
{
    return parser->depth > MAX_DEPTH
               ? syntax_error(parser, parser->at, err, "nested over %d deep", MAX_DEPTH)
               : 0;
}

/* Go tells of its keywords in angle brackets. */
static int is_keyword(const struct cb_tmpl_token *token)
{
    static const char *const words[] = {"block", "break",    "continue", "define",
                                        "else",  "end",      "if",       "nil",
                                        "range", "template", "with"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(words); i++)
        if (token->kind == CB_TMPL_IDENT && strcmp(token->text, words[i]) == 0)
            return 1;
    return token->kind == CB_TMPL_DOT;
}

static const char *token_text(const struct cb_tmpl_parser *parser, char buffer[32])
{
    const struct cb_tmpl_token *token = parser->token;
    const struct cb_tmpl_token *next = token + 1;
    size_t end = token->kind == CB_TMPL_END ? token->at : next->at;
    size_t len = 0;

    for (size_t i = token->at; i < end && len < 30; i++)
        buffer[len++] = parser->text[i];
    while (len && isspace((unsigned char)buffer[len - 1]))
        len--;
    buffer[len] = '\0';
    return token->kind == CB_TMPL_END ? "}}" : buffer;
}

int cb_tmpl_unexpected(struct cb_tmpl_parser *parser, const char *where,
                       struct cb_error **err)
{
    char buffer[32];

    return syntax_error(parser, parser->token->at, err,
                        is_keyword(parser->token) ? "unexpected <%s> in %s"
                                                  : "unexpected \"%s\" in %s",
                        token_text(parser, buffer), where);
}

static json_t *keep(struct cb_tmpl_parser *parser, json_t *constant)
{
    cb_vec_push(&parser->template->constants, constant);
    return constant;
}

/* ── Operands ── */

static int has_variable(const struct cb_tmpl_parser *parser, const char *name)
{
    for (size_t i = 0; i < parser->variables.count; i++)
        if (strcmp(parser->variables.items[i], name) == 0)
            return 1;
    return 0;
}

static int parse_word(struct cb_tmpl_parser *parser, struct cb_tmpl_operand *out,
                      struct cb_error **err)
{
    const char *word = parser->token->text;

    out->kind = CB_TMPL_OPERAND_CONSTANT;
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        out->constant = keep(parser, json_boolean(*word == 't'));
    } else if (strcmp(word, "nil") != 0) {
        out->kind = CB_TMPL_OPERAND_FUNCTION;
        out->function = cb_tmpl_function_find(word);
        if (!out->function)
            return syntax_error(parser, parser->token->at, err,
                                "function \"%s\" not defined", word);
    }
    parser->token++;
    return 0;
}

static int parse_parenthesis(struct cb_tmpl_parser *parser, struct cb_tmpl_operand *out,
                             struct cb_error **err)
{
    int result;

    parser->token++;
    out->kind = CB_TMPL_OPERAND_PIPELINE;
    parser->depth++;
    result =
        cb_tmpl_too_deep(parser, err) < 0 ||
                cb_tmpl_parse_pipeline(parser, 0, CB_TMPL_CLOSE, &out->pipeline, err) < 0
            ? -1
            : 0;
    parser->depth--;
    if (result < 0)
        return -1;
    parser->token++;
    return 0;
}

/* The fields that follow without a blank. */
static void parse_fields(struct cb_tmpl_parser *parser, struct cb_tmpl_operand *out)
{
    CB_VEC(const char *) fields = {0};

    while (parser->token->kind == CB_TMPL_FIELD && !parser->token->space_before) {
        cb_vec_push(&fields, parser->token->text);
        parser->token++;
    }
    if (!fields.count)
        return;
    out->field_count = fields.count;
    out->fields = cb_arena_alloc(parser->arena, fields.count * sizeof(*out->fields));
    memcpy(out->fields, fields.items, fields.count * sizeof(*out->fields));
    cb_vec_free(&fields);
}

static int parse_first(struct cb_tmpl_parser *parser, struct cb_tmpl_operand *out,
                       struct cb_error **err)
{
    const struct cb_tmpl_token *token = parser->token;

    switch (token->kind) {
    case CB_TMPL_FIELD:
        out->kind = CB_TMPL_OPERAND_DOT;
        out->fields = cb_arena_alloc(parser->arena, sizeof(*out->fields));
        out->fields[0] = token->text;
        out->field_count = 1;
        break;
    case CB_TMPL_DOT:
        out->kind = CB_TMPL_OPERAND_DOT;
        break;
    case CB_TMPL_VARIABLE:
        if (*token->text && !has_variable(parser, token->text))
            return syntax_error(parser, token->at, err, "undefined variable \"$%s\"",
                                token->text);
        out->kind = CB_TMPL_OPERAND_VARIABLE;
        out->name = token->text;
        break;
    case CB_TMPL_STRING:
        out->kind = CB_TMPL_OPERAND_CONSTANT;
        out->constant = keep(parser, json_stringn_nocheck(token->text, token->len));
        break;
    case CB_TMPL_INTEGER:
        out->kind = CB_TMPL_OPERAND_CONSTANT;
        out->constant = keep(parser, json_integer(token->integer));
        break;
    case CB_TMPL_REAL:
        out->kind = CB_TMPL_OPERAND_CONSTANT;
        out->constant = keep(parser, json_real(token->real));
        break;
    case CB_TMPL_IDENT:
        return parse_word(parser, out, err);
    case CB_TMPL_OPEN:
        return parse_parenthesis(parser, out, err);
    default:
        return cb_tmpl_unexpected(parser, "operand", err);
    }
    parser->token++;
    return 0;
}

static int parse_operand(struct cb_tmpl_parser *parser, struct cb_tmpl_operand *out,
                         struct cb_error **err)
{
    struct cb_tmpl_operand rest = {0};

    out->at = parser->token->at;
    if (parse_first(parser, out, err) < 0)
        return -1;
    out->fields_at = parser->token->kind == CB_TMPL_FIELD ? parser->token->at : out->at;
    parse_fields(parser, &rest);
    if (!rest.field_count)
        out->fields_at = out->at;
    if (rest.field_count) {
        const char **fields = cb_arena_alloc(
            parser->arena, (out->field_count + rest.field_count) * sizeof(*fields));

        if (out->kind == CB_TMPL_OPERAND_CONSTANT ||
            out->kind == CB_TMPL_OPERAND_FUNCTION ||
            (out->kind == CB_TMPL_OPERAND_DOT && !out->field_count))
            return syntax_error(parser, out->at, err, "unexpected . after term \"%.*s\"",
                                (int)(parser->token[-1].at - out->at),
                                parser->text + out->at);
        if (out->field_count)
            memcpy(fields, out->fields, out->field_count * sizeof(*fields));
        memcpy(fields + out->field_count, rest.fields,
               rest.field_count * sizeof(*fields));
        out->fields = fields;
        out->field_count += rest.field_count;
    }
    out->end = parser->token->at;
    while (out->end > out->at && isspace((unsigned char)parser->text[out->end - 1]))
        out->end--;
    return 0;
}

/* ── Commands and pipelines ── */

static int ends_command(const struct cb_tmpl_parser *parser)
{
    return parser->token->kind == CB_TMPL_END || parser->token->kind == CB_TMPL_PIPE ||
           parser->token->kind == CB_TMPL_CLOSE;
}

static int parse_command(struct cb_tmpl_parser *parser, struct cb_tmpl_command *out,
                         struct cb_error **err)
{
    CB_VEC(struct cb_tmpl_operand) operands = {0};
    int result = 0;

    while (!ends_command(parser) && result == 0) {
        struct cb_tmpl_operand operand = {0};

        if (operands.count && !parser->token->space_before &&
            parser->token->kind != CB_TMPL_OPEN)
            result = cb_tmpl_unexpected(parser, "operand", err);
        else if (parse_operand(parser, &operand, err) < 0)
            result = -1;
        else
            cb_vec_push(&operands, operand);
    }
    if (result == 0 && !operands.count)
        result =
            syntax_error(parser, parser->token->at, err, "missing value for command");
    if (result == 0) {
        out->count = operands.count;
        out->operands =
            cb_arena_alloc(parser->arena, operands.count * sizeof(*out->operands));
        memcpy(out->operands, operands.items, operands.count * sizeof(*out->operands));
    }
    cb_vec_free(&operands);
    return result;
}

/* "$x :=", "$i, $x :=" (in range), "$x =". */
static int parse_variables(struct cb_tmpl_parser *parser,
                           struct cb_tmpl_pipeline *pipeline, int may_declare,
                           struct cb_error **err)
{
    const struct cb_tmpl_token *token = parser->token;
    int pair = may_declare > 1 && token[0].kind == CB_TMPL_VARIABLE &&
               token[1].kind == CB_TMPL_COMMA && token[2].kind == CB_TMPL_VARIABLE;
    const struct cb_tmpl_token *mark = token + (pair ? 3 : 1);

    if (!may_declare || token->kind != CB_TMPL_VARIABLE ||
        (mark->kind != CB_TMPL_DECLARE && mark->kind != CB_TMPL_ASSIGN))
        return 0;
    pipeline->variables[0] = token->text;
    if (pair)
        pipeline->variables[1] = token[2].text;
    pipeline->assigns = mark->kind == CB_TMPL_ASSIGN;
    for (int i = 0; i < 1 + pair; i++) {
        const char *name = pipeline->variables[i];

        if (pipeline->assigns && *name && !has_variable(parser, name))
            return syntax_error(parser, token->at, err, "undefined variable \"$%s\"",
                                name);
    }
    parser->token = mark + 1;
    return 0;
}

int cb_tmpl_parse_pipeline(struct cb_tmpl_parser *parser, int may_declare,
                           enum cb_tmpl_token_kind last, struct cb_tmpl_pipeline **out,
                           struct cb_error **err)
{
    struct cb_tmpl_pipeline *pipeline =
        cb_arena_new_of(parser->arena, struct cb_tmpl_pipeline);
    CB_VEC(struct cb_tmpl_command) commands = {0};
    int result;

    pipeline->at = parser->token->at;
    result = parse_variables(parser, pipeline, may_declare, err);
    while (result == 0) {
        struct cb_tmpl_command command = {0};

        result = parse_command(parser, &command, err);
        if (result == 0 && commands.count &&
            command.operands[0].kind == CB_TMPL_OPERAND_CONSTANT)
            result = syntax_error(parser, command.operands[0].at, err,
                                  "non executable command in pipeline stage %zu",
                                  commands.count + 1);
        if (result == 0)
            cb_vec_push(&commands, command);
        if (result < 0 || parser->token->kind != CB_TMPL_PIPE)
            break;
        parser->token++;
    }
    if (result == 0 && parser->token->kind != last)
        result = last == CB_TMPL_CLOSE && parser->token->kind == CB_TMPL_END
                     ? syntax_error(parser, pipeline->at, err, "unclosed left paren")
                     : cb_tmpl_unexpected(parser, "command", err);
    if (result == 0) {
        pipeline->count = commands.count;
        pipeline->commands =
            cb_arena_alloc(parser->arena, commands.count * sizeof(*pipeline->commands));
        memcpy(pipeline->commands, commands.items,
               commands.count * sizeof(*pipeline->commands));
        pipeline->end = parser->token->at;
        for (int i = 0; i < 2 && !pipeline->assigns; i++)
            if (pipeline->variables[i] && parser->variables.count < MAX_VARS)
                cb_vec_push(&parser->variables, pipeline->variables[i]);
        *out = pipeline;
    }
    cb_vec_free(&commands);
    return result;
}
