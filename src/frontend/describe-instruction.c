/* One instruction as JSON. Which of its words a build expands is said here once for each
 * kind (features: ADD, COPY, ENV, EXPOSE, FROM, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR,
 * ARG; the values of --platform, --mount, --chown, --chmod and --checksum); the rest is
 * taken as written. */
#include "frontend/describe-priv.h"

#include <string.h>

static enum cb_resolve flag_resolves(const struct cb_instruction *inst, const char *name)
{
    if (inst->kind == CB_INST_FROM)
        return CB_RESOLVE_GLOBAL;
    if ((inst->kind == CB_INST_COPY || inst->kind == CB_INST_ADD) &&
        (!strcmp(name, "chown") || !strcmp(name, "chmod") || !strcmp(name, "checksum")))
        return CB_RESOLVE_STAGE;
    return CB_RESOLVE_NOT;
}

static void write_flag(struct cb_describer *describer, const struct cb_instruction *inst,
                       const struct cb_flag *flag)
{
    struct cb_writer *writer = &describer->writer;
    struct cb_word value = {flag->value, flag->span};

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "name", flag->name);
    if (flag->value)
        cb_describe_word(describer, "value", &value, flag_resolves(inst, flag->name));
    else
        cb_writer_text(writer, "value", NULL);
    if (inst->kind == CB_INST_RUN && flag->value && !strcmp(flag->name, "mount"))
        cb_describe_mount(describer, flag);
    cb_writer_close(writer, '}');
}

static void write_flags(struct cb_describer *describer, const struct cb_instruction *inst)
{
    struct cb_writer *writer = &describer->writer;

    if (!inst->flag_count)
        return;
    cb_writer_open(writer, "flags", '[');
    for (size_t i = 0; i < inst->flag_count; i++)
        write_flag(describer, inst, &inst->flags[i]);
    cb_writer_close(writer, ']');
}

/* ── Arguments ── */

static void write_words(struct cb_describer *describer, const char *form,
                        const struct cb_words *words, enum cb_resolve how)
{
    struct cb_writer *writer = &describer->writer;

    cb_writer_text(writer, "form", form);
    cb_writer_open(writer, "arguments", '[');
    for (size_t i = 0; i < words->count; i++)
        cb_describe_word(describer, NULL, &words->items[i], how);
    cb_writer_close(writer, ']');
}

static void write_command(struct cb_describer *describer,
                          const struct cb_command *command)
{
    struct cb_word text = {command->shell, command->span};
    struct cb_words one = {&text, command->shell && *command->shell ? 1 : 0};

    if (command->is_exec)
        write_words(describer, "exec", &command->argv, CB_RESOLVE_NOT);
    else
        write_words(describer, "shell", &one, CB_RESOLVE_NOT);
}

static void write_from(struct cb_describer *describer, const struct cb_inst_from *from)
{
    struct cb_writer *writer = &describer->writer;

    cb_writer_text(writer, "form", "list");
    cb_writer_open(writer, "arguments", '[');
    for (size_t i = 0; i < from->words.count; i++)
        cb_describe_word(describer, NULL, &from->words.items[i],
                         i ? CB_RESOLVE_NOT : CB_RESOLVE_GLOBAL);
    cb_writer_close(writer, ']');
}

/* A word that opens a heredoc is no path. The sources are the other words, in order. */
static void write_copy(struct cb_describer *describer, const struct cb_instruction *inst)
{
    const struct cb_inst_copy *copy = &inst->copy;
    struct cb_writer *writer = &describer->writer;
    size_t source = 0;

    cb_writer_text(writer, "form", inst->words_json ? "json" : "list");
    cb_writer_open(writer, "arguments", '[');
    for (size_t i = 0; i < copy->words.count; i++) {
        const struct cb_word *word = &copy->words.items[i];
        int is_source = source < copy->sources.count &&
                        copy->sources.items[source].text == word->text;
        int is_path = is_source || i + 1 == copy->words.count;

        source += (size_t)is_source;
        cb_describe_word(describer, NULL, word,
                         is_path ? CB_RESOLVE_STAGE : CB_RESOLVE_NOT);
    }
    cb_writer_close(writer, ']');
    cb_describe_heredocs(describer, &copy->heredocs, 1);
}

static void write_healthcheck(struct cb_describer *describer,
                              const struct cb_inst_healthcheck *health)
{
    struct cb_words none = {0};

    cb_writer_text(&describer->writer, "type", health->none ? "NONE" : "CMD");
    if (health->none)
        write_words(describer, "list", &none, CB_RESOLVE_NOT);
    else
        write_command(describer, &health->command);
}

static void write_pairs(struct cb_describer *describer, const struct cb_instruction *inst)
{
    cb_writer_text(&describer->writer, "form", inst->legacy_pair ? "legacy" : "pairs");
    cb_describe_pairs(describer, inst);
}

static void write_trigger(struct cb_describer *describer,
                          const struct cb_inst_onbuild *onbuild)
{
    struct cb_stage *stage = describer->stage;
    const struct cb_item *item = describer->item;

    /* Expanded when it fires, with the variables of the stage it fires in. */
    describer->stage = NULL;
    describer->item = NULL;
    cb_writer_text(&describer->writer, "form", "trigger");
    cb_describe_instruction(describer, "trigger", onbuild->trigger);
    describer->stage = stage;
    describer->item = item;
}

static void write_arguments(struct cb_describer *describer,
                            const struct cb_instruction *inst)
{
    struct cb_words one = {(struct cb_word *)&inst->word, 1};

    switch (inst->kind) {
    case CB_INST_FROM:
        write_from(describer, &inst->from);
        break;
    case CB_INST_RUN:
        write_command(describer, &inst->run.command);
        cb_describe_heredocs(describer, &inst->run.heredocs, 0);
        break;
    case CB_INST_CMD:
    case CB_INST_ENTRYPOINT:
        write_command(describer, &inst->command);
        break;
    case CB_INST_LABEL:
    case CB_INST_ENV:
    case CB_INST_ARG:
        write_pairs(describer, inst);
        break;
    case CB_INST_ADD:
    case CB_INST_COPY:
        write_copy(describer, inst);
        break;
    case CB_INST_EXPOSE:
        write_words(describer, "list", &inst->words, CB_RESOLVE_SPLIT);
        break;
    case CB_INST_VOLUME:
        write_words(describer, inst->words_json ? "json" : "list", &inst->words,
                    CB_RESOLVE_STAGE);
        break;
    case CB_INST_SHELL:
        write_words(describer, "json", &inst->words, CB_RESOLVE_NOT);
        break;
    case CB_INST_USER:
    case CB_INST_WORKDIR:
    case CB_INST_STOPSIGNAL:
        write_words(describer, "text", &one, CB_RESOLVE_STAGE);
        break;
    case CB_INST_MAINTAINER:
        write_words(describer, "text", &one, CB_RESOLVE_NOT);
        break;
    case CB_INST_HEALTHCHECK:
        write_healthcheck(describer, &inst->healthcheck);
        break;
    case CB_INST_ONBUILD:
        write_trigger(describer, &inst->onbuild);
        break;
    }
}

static void write_used(struct cb_describer *describer, const struct cb_instruction *inst)
{
    write_flags(describer, inst);
    write_arguments(describer, inst);
}

/* What is left out is as written, and sets nothing. */
static void write_unused(struct cb_describer *describer,
                         const struct cb_instruction *inst)
{
    struct cb_stage *stage = describer->stage;
    const struct cb_item *item = describer->item;

    describer->stage = NULL;
    describer->item = NULL;
    write_used(describer, inst);
    describer->stage = stage;
    describer->item = item;
}

static void write_place(struct cb_describer *describer, const struct cb_instruction *inst)
{
    struct cb_writer *writer = &describer->writer;
    struct cb_span span = inst->span;
    const struct cb_source *file = cb_source_file(describer->source, &span);

    if (file != describer->main)
        cb_writer_text(writer, "file", cb_source_name(file));
    cb_writer_int(writer, "line", inst->line);
    cb_writer_int(writer, "end_line", inst->end_line);
}

void cb_describe_instruction(struct cb_describer *describer, const char *key,
                             const struct cb_instruction *inst)
{
    struct cb_writer *writer = &describer->writer;

    cb_writer_open(writer, key, '{');
    cb_writer_text(writer, "name", cb_instruction_name(inst->kind));
    cb_writer_text(writer, "keyword", inst->keyword);
    if (describer->source)
        write_place(describer, inst);
    cb_describe_text(describer, "original", inst->original);
    cb_writer_string(writer, "comment", inst->doc_comment);
    if (inst->check.text)
        cb_describe_word(describer, "check", &inst->check, CB_RESOLVE_NOT);
    if (cb_describe_condition(describer, inst))
        write_used(describer, inst);
    else
        write_unused(describer, inst);
    cb_writer_close(writer, '}');
}
