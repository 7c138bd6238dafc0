/* The instructions that only set something in the image's config: CMD, ENTRYPOINT, SHELL,
 * EXPOSE, VOLUME, USER, WORKDIR, STOPSIGNAL, MAINTAINER. */
#include "parser/parser-priv.h"

#include <string.h>

int cb_inst_too_few(struct cb_request *request, struct cb_error **err)
{
    return cb_syntax_error(request, cb_request_span(request, request->keyword), err,
                           "%s requires at least one argument", cb_request_name(request));
}

int cb_inst_no_flags(struct cb_request *request, struct cb_error **err)
{
    return cb_flags_check(request, NULL, 0, err);
}

int cb_inst_command(struct cb_request *request, struct cb_instruction *out,
                    struct cb_error **err)
{
    if (cb_inst_no_flags(request, err) < 0)
        return -1;
    out->command = cb_request_command(request);
    return 0;
}

int cb_inst_shell(struct cb_request *request, struct cb_instruction *out,
                  struct cb_error **err)
{
    int is_empty = request->args.start == request->args.end ||
                   (request->is_json && request->json.count == 0);

    if (cb_inst_no_flags(request, err) < 0)
        return -1;
    if (is_empty)
        return cb_inst_too_few(request, err);
    if (!request->is_json) {
        cb_syntax_error(request, cb_request_args_span(request), err,
                        "SHELL requires the arguments to be in JSON form");
        return cb_error_hint(err, "as in SHELL [\"/bin/sh\", \"-c\"]");
    }
    out->words = request->json;
    out->words_json = 1;
    return 0;
}

int cb_inst_expose(struct cb_request *request, struct cb_instruction *out,
                   struct cb_error **err)
{
    cb_auto_value(cb_word_list) list = {0};

    if (cb_split_blanks(&list, request, err) < 0)
        return -1;
    if (list.count == 0)
        return cb_inst_too_few(request, err);
    if (cb_inst_no_flags(request, err) < 0)
        return -1;
    out->words = cb_word_list_take(&list, request->parser->arena);
    return 0;
}

static int check_volumes(struct cb_request *request, struct cb_words *words,
                         struct cb_error **err)
{
    for (size_t i = 0; i < words->count; i++) {
        struct cb_word *word = &words->items[i];
        struct cb_range range = {0, strlen(word->text)};
        struct cb_range trimmed = cb_text_trim(word->text, range);

        if (trimmed.start == trimmed.end)
            return cb_syntax_error(request, word->span, err,
                                   "VOLUME specified can not be an empty string");
        if (trimmed.end - trimmed.start < range.end)
            word->text =
                cb_arena_strndup(request->parser->arena, word->text + trimmed.start,
                                 trimmed.end - trimmed.start);
    }
    return 0;
}

int cb_inst_volume(struct cb_request *request, struct cb_instruction *out,
                   struct cb_error **err)
{
    cb_auto_value(cb_word_list) list = {0};

    if (!request->is_json && cb_split_blanks(&list, request, err) < 0)
        return -1;
    out->words = request->is_json ? request->json
                                  : cb_word_list_take(&list, request->parser->arena);
    out->words_json = request->is_json;
    if (out->words.count == 0)
        return cb_inst_too_few(request, err);
    if (cb_inst_no_flags(request, err) < 0)
        return -1;
    return check_volumes(request, &out->words, err);
}

int cb_inst_single(struct cb_request *request, struct cb_instruction *out,
                   struct cb_error **err)
{
    if (request->args.start == request->args.end)
        return cb_syntax_error(request, cb_request_span(request, request->keyword), err,
                               "%s requires exactly one argument",
                               cb_request_name(request));
    if (cb_inst_no_flags(request, err) < 0)
        return -1;
    out->word = cb_request_word(request, request->args);
    return 0;
}

int cb_inst_maintainer(struct cb_request *request, struct cb_instruction *out,
                       struct cb_error **err)
{
    if (cb_inst_single(request, out, err) < 0)
        return -1;
    cb_parser_lint(request->parser, "MaintainerDeprecated",
                   cb_request_span(request, request->keyword),
                   "Maintainer instruction is deprecated in favor of using label");
    return 0;
}
