/* The table of instructions, and how the next one is read: logical line → request →
 * heredoc bodies → the row's function. A new instruction is a row here and a function in
 * an inst-*.c file. */
#include "parser/parser-priv.h"

#include "base/suggest.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const struct cb_instruction_class classes[] = {
    [CB_INST_FROM] = {"FROM", 0, cb_inst_from},
    [CB_INST_RUN] = {"RUN", CB_ARGS_JSON | CB_ARGS_HEREDOC, cb_inst_run},
    [CB_INST_CMD] = {"CMD", CB_ARGS_JSON, cb_inst_command},
    [CB_INST_LABEL] = {"LABEL", 0, cb_inst_pairs},
    [CB_INST_MAINTAINER] = {"MAINTAINER", 0, cb_inst_maintainer},
    [CB_INST_EXPOSE] = {"EXPOSE", 0, cb_inst_expose},
    [CB_INST_ENV] = {"ENV", 0, cb_inst_pairs},
    [CB_INST_ADD] = {"ADD", CB_ARGS_JSON | CB_ARGS_HEREDOC, cb_inst_copy},
    [CB_INST_COPY] = {"COPY", CB_ARGS_JSON | CB_ARGS_HEREDOC, cb_inst_copy},
    [CB_INST_ENTRYPOINT] = {"ENTRYPOINT", CB_ARGS_JSON, cb_inst_command},
    [CB_INST_VOLUME] = {"VOLUME", CB_ARGS_JSON, cb_inst_volume},
    [CB_INST_USER] = {"USER", 0, cb_inst_single},
    [CB_INST_WORKDIR] = {"WORKDIR", 0, cb_inst_single},
    [CB_INST_ARG] = {"ARG", 0, cb_inst_arg},
    [CB_INST_ONBUILD] = {"ONBUILD", 0, cb_inst_onbuild},
    [CB_INST_STOPSIGNAL] = {"STOPSIGNAL", 0, cb_inst_single},
    [CB_INST_HEALTHCHECK] = {"HEALTHCHECK", 0, cb_inst_healthcheck},
    [CB_INST_SHELL] = {"SHELL", CB_ARGS_JSON, cb_inst_shell},
};

const char *cb_instruction_name(enum cb_instruction_kind kind)
{
    return classes[kind].name;
}

const struct cb_instruction_class *cb_instruction_class_find(const char *name, size_t len)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(classes); i++) {
        if (strncasecmp(classes[i].name, name, len) == 0 && classes[i].name[len] == '\0')
            return &classes[i];
    }
    return NULL;
}

enum cb_instruction_kind
cb_instruction_class_kind(const struct cb_instruction_class *class)
{
    return (enum cb_instruction_kind)(class - classes);
}

static int has_capital(const char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            return 1;
    }
    return 0;
}

/* The instruction that was perhaps meant, or NULL. */
static const char *closest(const char *written)
{
    const char *names[CB_ARRAY_SIZE(classes)];

    for (size_t i = 0; i < CB_ARRAY_SIZE(classes); i++)
        names[i] = classes[i].name;
    return cb_suggest(written, names, CB_ARRAY_SIZE(classes));
}

/* The suggestion's case follows what was written: all lower, or upper. */
static char *suggest(const char *written)
{
    cb_autofree char *lower = NULL;
    const char *match = closest(written);

    if (!match)
        return xstrdup("");
    lower = xstrdup(match);
    for (char *c = lower; *c && !has_capital(written); c++)
        *c |= 0x20;
    return xasprintf(" (did you mean %s?)", lower);
}

static int has_foreign_space(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if (cb_utf8_space(text + i, len - i) > 1)
            return 1;
    }
    return 0;
}

/* Does the line above the byte AT of the source end as a command that goes on? */
static int follows_open_command(const struct cb_parser *parser, size_t at)
{
    static const char *const endings[] = {"&&", "||", "|", ";"};
    struct cb_range above = {0, at};

    above = cb_text_trim(parser->text, above);
    for (size_t i = 0; i < CB_ARRAY_SIZE(endings); i++) {
        size_t len = strlen(endings[i]);

        if (above.end >= len &&
            memcmp(parser->text + above.end - len, endings[i], len) == 0)
            return 1;
    }
    return 0;
}

/* ENTRYPOINT["a"], RUN"a" */
static int begins_with_instruction(const char *keyword)
{
    size_t len = strspn(keyword, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    return keyword[len] && strchr("[\"'=<", keyword[len]) &&
           cb_instruction_class_find(keyword, len) != NULL;
}

static const char *hint_for_include(const struct cb_request *request)
{
    if (request->parser->is_trigger)
        return "a trigger is one instruction: there are no files to include beside an "
               "image";
    return request->is_trigger ? "a trigger is one instruction, which is stored in the "
                                 "image; ONBUILD may be in an included file"
                               : "`# cbuild=1` at the top of the file allows INCLUDE";
}

static const char *hint_for(const struct cb_request *request, const char *keyword,
                            struct cb_span span)
{
    if (cb_include_is_one(request))
        return hint_for_include(request);
    if (has_foreign_space(keyword))
        return "there is a space in it that is not ASCII";
    if (!keyword[0])
        return "the line holds nothing but its continuation";
    if (strncmp(keyword, "//", 2) == 0)
        return "comments begin with #";
    if (begins_with_instruction(keyword))
        return "there is no blank behind the instruction's name";
    if (follows_open_command(request->parser, span.start))
        return "to go on with the line above, end that one with the escape character";
    return NULL;
}

int cb_instruction_unknown(struct cb_request *request, struct cb_error **err)
{
    const char *written = cb_request_text(request, request->keyword);
    struct cb_span span = cb_request_span(request, request->keyword);
    cb_autofree char *keyword =
        xstrndup(written, request->keyword.end - request->keyword.start);
    cb_autofree char *shown = cb_text_short(keyword), *suggestion = suggest(keyword);
    const char *hint = hint_for(request, keyword, span);

    cb_syntax_error(request, span, err, "unknown instruction: %s%s", shown, suggestion);
    return hint ? cb_error_hint(err, "%s", hint) : -1;
}

static int may_open_heredoc(const struct cb_request *request)
{
    if (request->trigger)
        request = request->trigger;
    return (request->class->features & CB_ARGS_HEREDOC) && !request->is_json;
}

/* The line as written, and the bodies as in the source. */
static const char *original_text(const struct cb_request *request)
{
    const struct cb_line *line = request->line;
    struct cb_range range = {request->keyword.start, line->len};

    return cb_request_with_bodies(request, cb_text_trim(line->text, range));
}

static void keep_flags(const struct cb_request *request, struct cb_instruction *inst)
{
    struct cb_arena *arena = request->parser->arena;

    if (!request->flags.count)
        return;
    inst->flags = cb_arena_alloc(arena, request->flags.count * sizeof(*inst->flags));
    cb_vec_foreach (flag, &request->flags)
        inst->flags[inst->flag_count++] = (struct cb_flag){
            .name = cb_arena_strdup(arena, flag->name + 2),
            .value = flag->value,
            .span = flag->value ? flag->value_span : flag->span,
        };
}

static unsigned count_line_ends(const struct cb_parser *parser, struct cb_span span)
{
    const char *end = parser->text + span.end;
    unsigned count = 0;

    for (const char *at = parser->text + span.start;
         (at = memchr(at, '\n', (size_t)(end - at))); at++)
        count++;
    return count;
}

unsigned cb_parser_line_at(struct cb_parser *parser, size_t at)
{
    struct cb_span between = {parser->counted, at};

    assert(at >= parser->counted);
    parser->line += count_line_ends(parser, between);
    parser->counted = at;
    return parser->line;
}

struct cb_instruction *cb_instruction_new(const struct cb_request *request)
{
    struct cb_parser *parser = request->parser;
    struct cb_instruction *inst = cb_arena_new_of(parser->arena, struct cb_instruction);
    struct cb_range keyword = request->keyword;

    inst->kind = cb_instruction_class_kind(request->class);
    inst->keyword = cb_arena_strndup(parser->arena, request->line->text + keyword.start,
                                     keyword.end - keyword.start);
    inst->original = original_text(request);
    if (!request->is_trigger) {
        inst->doc_comment = request->line->comment;
        inst->check = request->line->check;
    }
    keep_flags(request, inst);
    inst->span = request->line->span;
    if (request->is_trigger)
        inst->span.start = cb_request_span(request, keyword).start;
    if (request->heredocs.count)
        inst->span.end = request->end.end;
    inst->line = cb_parser_line_at(parser, inst->span.start);
    inst->end_line = inst->line + count_line_ends(parser, inst->span);
    return inst;
}

/* Right below an unknown instruction a line that does not look like one either is the
 * rest of the same text: a command whose continuation was forgotten, the body of a
 * heredoc. */
static int is_stray(const struct cb_request *request)
{
    const struct cb_parser *parser = request->parser;
    size_t start = request->line->span.start;
    cb_autofree char *keyword = NULL, *suggestion = NULL;

    if (request->class || !parser->below_unknown ||
        memchr(parser->text + parser->below_unknown, '\n', start - parser->below_unknown))
        return 0;
    keyword = xstrndup(request->line->text + request->keyword.start,
                       request->keyword.end - request->keyword.start);
    suggestion = suggest(keyword);
    return !has_foreign_space(keyword) && !begins_with_instruction(keyword) &&
           (!suggestion[0] || !has_capital(keyword));
}

/* What an unknown instruction stands for, as far as it matters to those below: FORM is
 * followed by a stage. */
static enum cb_instruction_kind kind_meant(const struct cb_request *request)
{
    cb_autofree char *keyword = xstrndup(request->line->text + request->keyword.start,
                                         request->keyword.end - request->keyword.start);
    const char *match = cb_include_is_one(request) ? "FROM" : closest(keyword);

    return match && !strcmp(match, "FROM") ? CB_INST_FROM : CB_INST_RUN;
}

/* Where the dialect has it, in the file itself. */
static int is_include(const struct cb_request *request)
{
    const struct cb_parser *parser = request->parser;

    return !request->class && parser->directives.dialect.text && !parser->is_trigger &&
           cb_include_is_one(request);
}

/* The bodies below `RUNN <<EOF` are no instructions. */
static void skip_heredocs(struct cb_request *request)
{
    struct cb_parser *parser = request->parser;
    size_t begin = parser->pos;

    if (parser->error_count < CB_MAX_ERRORS && cb_heredoc_read(request, NULL) < 0)
        parser->pos = begin;
}

int cb_instruction_next(struct cb_parser *parser, struct cb_instruction **out,
                        enum cb_instruction_kind *kind_at_fault, struct cb_error **err)
{
    cb_auto_value(cb_request) request = {0};
    struct cb_line line;
    struct cb_instruction *inst;
    int status;

    if (!cb_logical_line(parser, &line))
        return cb_include_leave(parser) ? 2 : 0;
    if (line.has_blank)
        cb_parser_lint(parser, "NoEmptyContinuation", line.blank_span,
                       "Empty continuation line");
    status = cb_request_init(&request, parser, &line, 0, err);
    *kind_at_fault =
        request.class ? cb_instruction_class_kind(request.class) : kind_meant(&request);
    if (is_include(&request)) {
        cb_error_free(err ? cb_steal(err) : NULL);
        return cb_include_start(&request, err);
    }
    if (is_stray(&request)) {
        if (err)
            cb_error_free(cb_steal(err));
        parser->below_unknown = parser->pos;
        return ++parser->stray_count > CB_MAX_STRAY_LINES ? 0 : 2;
    }
    if (!request.class)
        skip_heredocs(&request);
    parser->below_unknown = request.class ? 0 : parser->pos;
    if (status < 0)
        return -1;
    if (may_open_heredoc(&request) && cb_heredoc_read(&request, err) < 0)
        return -1;
    inst = cb_instruction_new(&request);
    if (cb_inst_condition(&request, inst, err) < 0 ||
        cb_include_apply(&request, inst, err) < 0 ||
        request.class->parse(&request, inst, err) < 0)
        return cb_error_at(err, parser->source, inst->span);
    *out = inst;
    return 1;
}
