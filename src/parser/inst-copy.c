/* COPY and ADD: [flags] SOURCE… DEST, as a list or as JSON. In the list form a source may
 * be a heredoc: a file made of the lines below. */
#include "parser/parser-priv.h"

#include <string.h>

static const struct cb_flag_rule copy_rules[] = {
    {"chown", CB_FLAG_STRING},   {"from", CB_FLAG_STRING},     {"chmod", CB_FLAG_STRING},
    {"link", CB_FLAG_BOOL},      {"exclude", CB_FLAG_STRINGS}, {"parents", CB_FLAG_BOOL},
    {"if-exists", CB_FLAG_BOOL},
};

static const struct cb_flag_rule add_rules[] = {
    {"chown", CB_FLAG_STRING},    {"chmod", CB_FLAG_STRING},
    {"link", CB_FLAG_BOOL},       {"keep-git-dir", CB_FLAG_BOOL},
    {"checksum", CB_FLAG_STRING}, {"unpack", CB_FLAG_BOOL},
    {"exclude", CB_FLAG_STRINGS},
};

static int check_flags(struct cb_request *request, enum cb_instruction_kind kind,
                       struct cb_error **err)
{
    if (kind == CB_INST_COPY)
        return cb_flags_check(request, copy_rules, CB_ARRAY_SIZE(copy_rules), err);
    return cb_flags_check(request, add_rules, CB_ARRAY_SIZE(add_rules), err);
}

static int get_words(struct cb_request *request, struct cb_words *words,
                     struct cb_error **err)
{
    cb_auto_value(cb_word_list) list = {0};

    if (request->is_json) {
        *words = request->json;
        return 0;
    }
    if (cb_split_blanks(&list, request, err) < 0)
        return -1;
    *words = cb_word_list_take(&list, request->parser->arena);
    return 0;
}

/* The body for the heredoc source WORDED; of several with one name the last. */
static int find_body(const struct cb_request *request, const struct cb_heredoc *worded,
                     struct cb_heredoc *out)
{
    for (size_t i = request->heredocs.count; i > 0; i--) {
        const struct cb_heredoc *body = &request->heredocs.items[i - 1];

        if (strcmp(body->name, worded->name) == 0) {
            *out = *body;
            out->expand = worded->expand;
            return 1;
        }
    }
    return 0;
}

static int is_heredoc_word(struct cb_request *request, const char *word,
                           struct cb_heredoc *out)
{
    return !request->is_json &&
           cb_heredoc_parse_word(out, request->parser->arena, word, NULL) == 1;
}

/* Parts WORDS, all but the last, into paths and heredocs. */
static int sort_sources(struct cb_request *request, struct cb_inst_copy *copy,
                        struct cb_words words, struct cb_error **err)
{
    struct cb_arena *arena = request->parser->arena;
    size_t count = request->heredocs.count;

    copy->sources.items =
        cb_arena_alloc(arena, words.count * sizeof(*copy->sources.items));
    if (count)
        copy->heredocs.items =
            cb_arena_alloc(arena, words.count * sizeof(*copy->heredocs.items));
    for (size_t i = 0; i + 1 < words.count; i++) {
        struct cb_heredoc worded, body;

        if (count && is_heredoc_word(request, words.items[i].text, &worded) &&
            find_body(request, &worded, &body))
            copy->heredocs.items[copy->heredocs.count++] = body;
        else
            copy->sources.items[copy->sources.count++] = words.items[i];
    }
    if (copy->heredocs.count >= count)
        return 0;
    return cb_syntax_error(request, cb_request_args_span(request), err,
                           "a heredoc of %s must be one word without blanks",
                           cb_request_name(request));
}

static int take_paths(struct cb_request *request, struct cb_inst_copy *copy,
                      struct cb_error **err)
{
    const char *name = cb_request_name(request);
    struct cb_heredoc heredoc;
    struct cb_words words;

    if (get_words(request, &words, err) < 0)
        return -1;
    if (words.count < 2)
        return cb_syntax_error(request, cb_request_args_span(request), err,
                               "%s requires at least two arguments, but only one was "
                               "provided. Destination could not be determined",
                               name);
    copy->words = words;
    copy->dest = words.items[words.count - 1];
    if (is_heredoc_word(request, copy->dest.text, &heredoc))
        return cb_syntax_error(request, copy->dest.span, err,
                               "%s cannot accept a heredoc as a destination", name);
    return sort_sources(request, copy, words, err);
}

int cb_inst_copy(struct cb_request *request, struct cb_instruction *out,
                 struct cb_error **err)
{
    struct cb_inst_copy *copy = &out->copy;

    if (check_flags(request, out->kind, err) < 0 || take_paths(request, copy, err) < 0)
        return -1;
    out->words_json = request->is_json;
    copy->from = cb_flags_string(request, "from");
    copy->chown = cb_flags_string(request, "chown");
    copy->chmod = cb_flags_string(request, "chmod");
    copy->checksum = cb_flags_string(request, "checksum");
    copy->exclude = cb_flags_strings(request, "exclude");
    copy->link = cb_flags_bool(request, "link") == 1;
    copy->parents = cb_flags_bool(request, "parents") == 1;
    copy->if_exists = cb_flags_bool(request, "if-exists") == 1;
    copy->keep_git_dir = cb_flags_bool(request, "keep-git-dir");
    copy->unpack = cb_flags_bool(request, "unpack");
    return 0;
}
