/* A logical line taken apart: keyword, flags, arguments; for ONBUILD the trigger in the
 * same way. Says which heredocs and JSON forms are possible; what the arguments mean is
 * up to inst-*.c. */
#include "parser/parser-priv.h"

#include <string.h>

static struct cb_range keyword_at(const struct cb_line *line, size_t start)
{
    struct cb_range range = {start, start};

    while (range.end < line->len && !cb_text_is_blank(line->text[range.end]))
        range.end++;
    return range;
}

const char *cb_request_text(const struct cb_request *request, struct cb_range range)
{
    const struct cb_line *line = request->line;

    if (range.end == line->len)
        return line->text + range.start;
    return cb_arena_strndup(request->parser->arena, line->text + range.start,
                            range.end - range.start);
}

const char *cb_request_with_bodies(const struct cb_request *request,
                                   struct cb_range range)
{
    size_t size = range.end - range.start;
    char *text, *at;

    if (request->heredocs.count == 0)
        return cb_request_text(request, range);
    for (size_t i = 0; i < request->heredocs.count; i++) {
        const struct cb_heredoc *heredoc = &request->heredocs.items[i];

        size += 1 + heredoc->span.end - heredoc->span.start + strlen(heredoc->name);
    }
    text = cb_arena_alloc(request->parser->arena, size + 1);
    at = mempcpy(text, request->line->text + range.start, range.end - range.start);
    for (size_t i = 0; i < request->heredocs.count; i++) {
        const struct cb_heredoc *heredoc = &request->heredocs.items[i];

        *at++ = '\n';
        at = mempcpy(at, request->parser->text + heredoc->span.start,
                     heredoc->span.end - heredoc->span.start);
        at = mempcpy(at, heredoc->name, strlen(heredoc->name));
    }
    *at = '\0';
    return text;
}

struct cb_span cb_request_span(const struct cb_request *request, struct cb_range range)
{
    return cb_line_span(request->line, range);
}

struct cb_word cb_request_word(const struct cb_request *request, struct cb_range range)
{
    return (struct cb_word){
        .text = cb_request_text(request, range),
        .span = cb_request_span(request, range),
    };
}

struct cb_span cb_request_args_span(const struct cb_request *request)
{
    int none = request->args.start == request->args.end;

    return cb_request_span(request, none ? request->keyword : request->args);
}

const char *cb_request_name(const struct cb_request *request)
{
    return request->class->name;
}

struct cb_command cb_request_command(const struct cb_request *request)
{
    struct cb_command command = {
        .is_exec = request->is_json,
        .json_like = request->json_like,
        .span = cb_request_args_span(request),
    };

    if (request->is_json)
        command.argv = request->json;
    else
        command.shell = cb_request_text(request, request->args);
    return command;
}

static int init_trigger(struct cb_request *request, struct cb_error **err)
{
    if (request->is_trigger || request->args.start == request->args.end)
        return 0;
    request->trigger = xcalloc(1, sizeof(*request->trigger));
    request->trigger->is_trigger = 1;
    return cb_request_init(request->trigger, request->parser, request->line,
                           request->args.start, err);
}

int cb_request_init(struct cb_request *request, struct cb_parser *parser,
                    const struct cb_line *line, size_t start, struct cb_error **err)
{
    struct cb_range rest;

    request->parser = parser;
    request->line = line;
    request->keyword = keyword_at(line, start);
    rest = (struct cb_range){request->keyword.end, line->len};
    rest = cb_text_trim(line->text, rest);
    rest.start = cb_flags_split(request, rest);
    request->args = cb_text_trim(line->text, rest);
    if (cb_word_list_check(request, cb_request_span(request, request->keyword), err) < 0)
        return -1;
    request->class =
        cb_instruction_class_find(line->text + request->keyword.start,
                                  request->keyword.end - request->keyword.start);
    if (!request->class)
        return cb_instruction_unknown(request, err);
    if (cb_instruction_class_kind(request->class) == CB_INST_ONBUILD)
        return init_trigger(request, err);
    if (!(request->class->features & CB_ARGS_JSON))
        return 0;
    request->is_json = cb_json_form_parse(request, request->args.start, err);
    return request->is_json < 0 ? -1 : 0;
}

void cb_request_free(struct cb_request *request)
{
    cb_vec_foreach (flag, &request->flags)
        free(flag->name);
    cb_vec_free(&request->flags);
    if (request->trigger) {
        cb_request_free(request->trigger);
        free(request->trigger);
    }
}
