/* A whole Dockerfile: instructions sorted into stages. An instruction at fault is noted
 * and skipped, so that one run shows every independent error, up to a limit. */
#include "parser/parser-priv.h"

#include <ctype.h>
#include <string.h>

struct stage_list {
    struct cb_instruction *from;
    size_t first; /* of builder.items */
};

struct builder {
    struct cb_parser *parser;
    CB_VEC(struct cb_instruction *) args;  /* before the first FROM */
    CB_VEC(struct cb_instruction *) items; /* of all stages */
    CB_VEC(struct stage_list) stages;
    size_t count;
    int in_stage;   /* a FROM was seen, be it a faulty one */
    int complained; /* about an instruction before FROM */
};

static void builder_free(struct builder *builder)
{
    cb_vec_free(&builder->args);
    cb_vec_free(&builder->items);
    cb_vec_free(&builder->stages);
}
CB_AUTO_VALUE_DEFINE(builder, builder_free)

/* Consistent case: all of its letters are capitals, or none is. */
static int case_of(const char *keyword)
{
    int lower = 0, upper = 0;

    for (; *keyword; keyword++) {
        lower |= islower((unsigned char)*keyword) != 0;
        upper |= isupper((unsigned char)*keyword) != 0;
    }
    return lower && upper ? 0 : lower ? 'l' : 'u';
}

static void lint_case_of(struct cb_parser *parser, const struct cb_instruction *inst,
                         int wanted)
{
    struct cb_span span = {inst->span.start, inst->span.start + strlen(inst->keyword)};

    if (case_of(inst->keyword) == wanted)
        return;
    cb_parser_lint(parser, "ConsistentInstructionCasing", span,
                   "Command '%s' should match the case of the command majority (%s)",
                   inst->keyword, wanted == 'l' ? "lowercase" : "uppercase");
}

static void lint_casing(struct builder *builder)
{
    size_t lower = 0, upper = 0;
    int wanted;

    cb_vec_foreach (stage, &builder->stages) {
        lower += case_of(stage->from->keyword) == 'l';
        upper += case_of(stage->from->keyword) == 'u';
    }
    cb_vec_foreach (inst, &builder->items) {
        lower += case_of((*inst)->keyword) == 'l';
        upper += case_of((*inst)->keyword) == 'u';
    }
    wanted = lower > upper ? 'l' : 'u';
    for (size_t i = 0; i < builder->stages.count; i++) {
        struct stage_list *stage = &builder->stages.items[i];
        size_t end =
            i + 1 < builder->stages.count ? stage[1].first : builder->items.count;

        lint_case_of(builder->parser, stage->from, wanted);
        for (size_t j = stage->first; j < end; j++)
            lint_case_of(builder->parser, builder->items.items[j], wanted);
    }
}

static int too_many(struct builder *builder, const struct cb_instruction *inst,
                    const char *what, unsigned limit, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_SYNTAX, "the Dockerfile has more than %u %s", limit, what);
    return cb_error_at(err, builder->parser->source, inst->span);
}

/* Returns -1 only for what makes going on pointless. */
static int add_instruction(struct builder *builder, struct cb_instruction *inst,
                           struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (++builder->count > CB_MAX_INSTRUCTIONS)
        return too_many(builder, inst, "instructions", CB_MAX_INSTRUCTIONS, err);
    if (inst->kind == CB_INST_FROM) {
        struct stage_list stage = {inst, builder->items.count};

        if (builder->stages.count == CB_MAX_STAGES)
            return too_many(builder, inst, "stages", CB_MAX_STAGES, err);
        cb_vec_push(&builder->stages, stage);
        builder->in_stage = 1;
    } else if (builder->stages.count) {
        cb_vec_push(&builder->items, inst);
    } else if (inst->kind == CB_INST_ARG && !builder->in_stage) {
        cb_vec_push(&builder->args, inst);
    } else if (!builder->in_stage && !builder->complained &&
               !builder->parser->include_failed) {
        builder->complained = 1;
        cb_error_set(&error, CB_ERR_SYNTAX, "no build stage in current context");
        cb_error_at(&error, builder->parser->source, inst->span);
        cb_error_hint(&error, "only ARG may come before the first FROM");
        cb_parser_keep_error(builder->parser, &error);
    }
    return 0;
}

static int read_all(struct builder *builder, struct cb_error **err)
{
    struct cb_parser *parser = builder->parser;

    for (;;) {
        cb_auto(cb_error) error = NULL;
        enum cb_instruction_kind kind = CB_INST_RUN;
        struct cb_instruction *inst;
        int status = cb_instruction_next(parser, &inst, &kind, &error);

        if (status == 0)
            return 0;
        if (status == 2) {
            if (parser->include_failed && parser->error_count >= CB_MAX_ERRORS)
                return 0;
            continue;
        }
        if (status > 0) {
            if (add_instruction(builder, inst, err) < 0)
                return -1;
            continue;
        }
        builder->in_stage |= kind == CB_INST_FROM;
        builder->count++;
        if (!cb_parser_keep_error(parser, &error))
            return 0;
    }
}

static struct cb_instruction **copy_list(struct cb_arena *arena,
                                         struct cb_instruction **items, size_t count)
{
    struct cb_instruction **copy;

    if (count == 0)
        return NULL;
    copy = cb_arena_alloc(arena, count * sizeof(struct cb_instruction *));
    memcpy(copy, items, count * sizeof(struct cb_instruction *));
    return copy;
}

static void fill_stages(struct cb_dockerfile *file, const struct builder *builder)
{
    struct cb_instruction **items =
        copy_list(file->arena, builder->items.items, builder->items.count);

    file->stage_count = builder->stages.count;
    file->stages = cb_arena_alloc(file->arena, file->stage_count * sizeof(*file->stages));
    for (size_t i = 0; i < file->stage_count; i++) {
        const struct stage_list *from = &builder->stages.items[i];
        size_t end = i + 1 < file->stage_count ? from[1].first : builder->items.count;

        file->stages[i] = (struct cb_stage_def){
            .from = from->from,
            .items = items ? items + from->first : NULL,
            .count = end - from->first,
            .name = from->from->from.name.text,
            .index = i,
        };
    }
}

static struct cb_dockerfile *build(const struct builder *builder)
{
    struct cb_parser *parser = builder->parser;
    struct cb_dockerfile *file = cb_arena_new_of(parser->arena, struct cb_dockerfile);
    size_t lint_bytes = parser->lints.count * sizeof(*file->lints);
    const struct cb_include_frame *first =
        parser->frames.count ? &parser->frames.items[0] : NULL;
    const struct cb_directives *directives =
        first ? &first->directives : &parser->directives;

    file->arena = parser->arena;
    file->source = cb_source_ref(parser->source);
    file->escape = first ? first->escape : parser->escape;
    file->syntax = directives->syntax;
    file->check = directives->check;
    file->escape_word = directives->escape_word;
    file->dialect = directives->dialect;
    file->escapes = "";
    if (parser->escapes.count)
        file->escapes =
            cb_arena_strndup(parser->arena, parser->escapes.items, parser->escapes.count);
    file->global_args =
        copy_list(parser->arena, builder->args.items, builder->args.count);
    file->global_arg_count = builder->args.count;
    fill_stages(file, builder);
    file->lint_count = parser->lints.count;
    if (lint_bytes) {
        file->lints = cb_arena_alloc(parser->arena, lint_bytes);
        memcpy(file->lints, parser->lints.items, lint_bytes);
    }
    return file;
}

static int check_not_empty(const struct builder *builder, struct cb_error **err)
{
    struct cb_parser *parser = builder->parser;
    struct cb_span end = {parser->len, parser->len};

    if (builder->count && builder->in_stage)
        return 0;
    if (parser->len == 0)
        cb_error_set(err, CB_ERR_SYNTAX, "the Dockerfile cannot be empty");
    else if (builder->count == 0)
        cb_error_set(err, CB_ERR_SYNTAX, "file with no instructions");
    else
        cb_error_set(err, CB_ERR_SYNTAX, "dockerfile contains no stages to build");
    return cb_error_at(err, parser->source, end);
}

int cb_dockerfile_parse_partly(struct cb_dockerfile **out, struct cb_source *source,
                               struct cb_error **err)
{
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_auto_value(cb_parser) parser = {0};
    cb_auto_value(builder) builder = {.parser = &parser};
    int rc = 0;

    if (cb_parser_init(&parser, arena, source, err) < 0 || read_all(&builder, err) < 0)
        return -1;
    if (parser.errors)
        rc = cb_error_move(err, &parser.errors);
    else if (check_not_empty(&builder, err) < 0)
        return -1;
    else
        lint_casing(&builder);
    *out = build(&builder);
    cb_steal(&arena);
    return rc;
}

int cb_dockerfile_parse(struct cb_dockerfile **out, struct cb_source *source,
                        struct cb_error **err)
{
    cb_auto(cb_dockerfile) file = NULL;

    if (cb_dockerfile_parse_partly(&file, source, err) < 0)
        return -1;
    *out = cb_steal(&file);
    return 0;
}

int cb_dockerfile_include(struct cb_source **source, const struct cb_includes *includes,
                          struct cb_error **err)
{
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_auto(cb_source) whole = NULL;
    cb_auto_value(cb_parser) parser = {0};
    cb_auto_value(cb_parser) again = {0};
    cb_auto_value(builder) builder = {.parser = &again};
    cb_auto(cb_error) error = NULL;

    /* What is wrong with the text is told by who parses it. */
    if (cb_parser_init(&parser, arena, *source, NULL) < 0 || !cb_include_is_used(&parser))
        return 0;
    whole = cb_source_new_whole(*source);
    if (cb_parser_init(&again, arena, whole, NULL) < 0)
        return 0;
    again.includes = includes;
    if (read_all(&builder, &error) < 0 && !again.include_failed)
        return cb_source_part_count(whole) > 1 ? cb_error_move(err, &error) : 0;
    if (again.include_failed)
        return cb_error_move(err, &again.errors);
    if (cb_source_part_count(whole) > 1) {
        cb_source_unref(*source);
        *source = cb_steal(&whole);
    }
    return 0;
}

char cb_dockerfile_escape(const struct cb_dockerfile *file,
                          const struct cb_source *source, struct cb_span span)
{
    if (source != file->source || !*file->escapes)
        return file->escape;
    return file->escapes[cb_source_part_at(source, span.start)];
}

void cb_dockerfile_free(struct cb_dockerfile *file)
{
    if (!file)
        return;
    cb_source_unref(file->source);
    cb_arena_free(file->arena);
}

static int check_trigger(struct cb_parser *parser, const struct cb_instruction *inst,
                         struct cb_error **err)
{
    struct cb_span first = {inst->span.start, inst->span.start + strlen(inst->keyword)};

    switch (inst->kind) {
    case CB_INST_ONBUILD:
        cb_error_set(err, CB_ERR_SYNTAX,
                     "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
        break;
    case CB_INST_FROM:
    case CB_INST_MAINTAINER:
        cb_error_set(err, CB_ERR_SYNTAX, "%s isn't allowed as an ONBUILD trigger",
                     cb_instruction_name(inst->kind));
        break;
    default:
        return 0;
    }
    return cb_error_at(err, parser->source, first);
}

int cb_instruction_parse(struct cb_instruction **out, struct cb_arena *arena,
                         struct cb_source *source, struct cb_error **err)
{
    cb_auto_value(cb_parser) parser = {0};
    enum cb_instruction_kind ignored;
    struct cb_instruction *inst = NULL;
    struct cb_line more;
    int status;

    if (cb_parser_init(&parser, arena, source, err) < 0)
        return -1;
    parser.is_trigger = 1;
    status = cb_instruction_next(&parser, &inst, &ignored, err);
    if (status < 0)
        return -1;
    if (parser.errors)
        return cb_error_move(err, &parser.errors);
    if (status == 0 || cb_logical_line(&parser, &more)) {
        cb_error_set(err, CB_ERR_SYNTAX, "onbuild trigger should be a single expression");
        return cb_error_at(err, source, (struct cb_span){0, parser.len});
    }
    if (check_trigger(&parser, inst, err) < 0)
        return -1;
    *out = inst;
    return 0;
}
