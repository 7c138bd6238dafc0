/* The tree as text, for golden tests and for looking at: one line a fact, indented by
 * depth, every text quoted, every place as line:column-line:column. */
#include "parser/parser-priv.h"

#include <inttypes.h>
#include <string.h>

struct dump {
    const struct cb_dockerfile *file;
    struct cb_strbuf *out;
};

static void add_span(const struct dump *dump, struct cb_span span)
{
    unsigned line, column, end_line, end_column;

    cb_source_position(dump->file->source, span.start, &line, &column);
    cb_source_position(dump->file->source, span.end, &end_line, &end_column);
    if (end_line == line)
        cb_strbuf_addf(dump->out, " @%u:%u-%u", line, column, end_column);
    else
        cb_strbuf_addf(dump->out, " @%u:%u-%u:%u", line, column, end_line, end_column);
}

static void add_fact(const struct dump *dump, const char *name, const char *text)
{
    if (!text)
        return;
    cb_strbuf_addf(dump->out, "    %s ", name);
    cb_strbuf_add_json(dump->out, text);
    cb_strbuf_addc(dump->out, '\n');
}

static void add_word(const struct dump *dump, const char *name, struct cb_word word)
{
    if (!word.text)
        return;
    cb_strbuf_addf(dump->out, "    %s ", name);
    cb_strbuf_add_json(dump->out, word.text);
    add_span(dump, word.span);
    cb_strbuf_addc(dump->out, '\n');
}

static void add_words(const struct dump *dump, const char *name, struct cb_words words)
{
    for (size_t i = 0; i < words.count; i++)
        add_word(dump, name, words.items[i]);
}

static void add_flag(const struct dump *dump, const char *name, int given)
{
    if (given)
        cb_strbuf_addf(dump->out, "    %s\n", name);
}

static void add_heredocs(const struct dump *dump, struct cb_heredocs heredocs)
{
    for (size_t i = 0; i < heredocs.count; i++) {
        const struct cb_heredoc *heredoc = &heredocs.items[i];

        cb_strbuf_addf(dump->out, "    heredoc ");
        cb_strbuf_add_json(dump->out, heredoc->name);
        cb_strbuf_addf(dump->out, " fd=%u%s%s ", heredoc->fd,
                       heredoc->expand ? " expand" : "", heredoc->chomp ? " chomp" : "");
        cb_strbuf_add_json(dump->out, heredoc->content);
        add_span(dump, heredoc->span);
        cb_strbuf_addc(dump->out, '\n');
    }
}

static void add_command(const struct dump *dump, const struct cb_command *command)
{
    if (command->is_exec && command->argv.count == 0)
        cb_strbuf_adds(dump->out, "    exec none\n");
    add_words(dump, "exec", command->argv);
    add_fact(dump, command->json_like ? "shell (like JSON)" : "shell", command->shell);
}

static void add_from(const struct dump *dump, const struct cb_inst_from *from)
{
    add_word(dump, "image", from->image);
    add_fact(dump, "keyword", from->as_keyword);
    add_word(dump, "name", from->name);
    add_word(dump, "platform", from->platform);
}

static void add_run(const struct dump *dump, const struct cb_inst_run *run)
{
    for (size_t i = 0; i < run->mount_count; i++) {
        const struct cb_flag *mount = &run->mounts[i];

        add_word(dump, "mount", (struct cb_word){mount->value, mount->span});
    }
    add_word(dump, "network", run->network);
    add_word(dump, "security", run->security);
    add_words(dump, "device", run->devices);
    add_command(dump, &run->command);
    add_heredocs(dump, run->heredocs);
}

static void add_copy(const struct dump *dump, const struct cb_inst_copy *copy)
{
    add_word(dump, "from", copy->from);
    add_word(dump, "chown", copy->chown);
    add_word(dump, "chmod", copy->chmod);
    add_word(dump, "checksum", copy->checksum);
    add_words(dump, "exclude", copy->exclude);
    add_flag(dump, "link", copy->link);
    add_flag(dump, "parents", copy->parents);
    add_flag(dump, "if-exists", copy->if_exists);
    add_flag(dump, "keep-git-dir", copy->keep_git_dir == 1);
    add_flag(dump, "no keep-git-dir", copy->keep_git_dir == 0);
    add_flag(dump, "unpack", copy->unpack == 1);
    add_flag(dump, "no unpack", copy->unpack == 0);
    add_words(dump, "source", copy->sources);
    add_heredocs(dump, copy->heredocs);
    add_word(dump, "dest", copy->dest);
}

static void add_duration(const struct dump *dump, const char *name, struct cb_word word,
                         int64_t ns)
{
    if (!word.text)
        return;
    add_word(dump, name, word);
    cb_strbuf_addf(dump->out, "        %" PRId64 "\n", ns);
}

static void add_healthcheck(const struct dump *dump,
                            const struct cb_inst_healthcheck *health)
{
    add_flag(dump, "none", health->none);
    add_duration(dump, "interval", health->interval, health->interval_ns);
    add_duration(dump, "timeout", health->timeout, health->timeout_ns);
    add_duration(dump, "start-period", health->start_period, health->start_period_ns);
    add_duration(dump, "start-interval", health->start_interval,
                 health->start_interval_ns);
    add_duration(dump, "retries", health->retries, health->retry_count);
    add_command(dump, &health->command);
}

static void add_pairs(const struct dump *dump, struct cb_pairs pairs)
{
    for (size_t i = 0; i < pairs.count; i++) {
        add_word(dump, "key", pairs.items[i].key);
        add_word(dump, "value", pairs.items[i].value);
    }
}

/* The tree as text: whatever it is written with, all of it in parentheses. */
static void add_tree(struct cb_strbuf *out, const struct cb_condition *condition)
{
    const struct cb_condition *part = condition->first;

    if (condition->negated)
        cb_strbuf_addc(out, '!');
    cb_strbuf_addc(out, '(');
    if (!part)
        cb_strbuf_adds(out, condition->left.text);
    if (condition->kind == CB_CONDITION_EQUAL)
        cb_strbuf_addf(out, " = %s", condition->right.text);
    for (; part; part = part->next) {
        add_tree(out, part);
        if (part->next)
            cb_strbuf_adds(out, condition->kind == CB_CONDITION_ALL ? " && " : " || ");
    }
    cb_strbuf_addc(out, ')');
}

static void add_condition(const struct dump *dump, const struct cb_condition *condition)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (!condition)
        return;
    add_tree(&text, condition);
    add_fact(dump, "if", cb_strbuf_text(&text));
}

static void add_details(const struct dump *dump, const struct cb_instruction *inst)
{
    add_flag(dump, "legacy", inst->legacy_pair);
    add_flag(dump, "json", inst->words_json);
    switch (inst->kind) {
    case CB_INST_FROM:
        add_from(dump, &inst->from);
        break;
    case CB_INST_RUN:
        add_run(dump, &inst->run);
        break;
    case CB_INST_CMD:
    case CB_INST_ENTRYPOINT:
        add_command(dump, &inst->command);
        break;
    case CB_INST_ADD:
    case CB_INST_COPY:
        add_copy(dump, &inst->copy);
        break;
    case CB_INST_ENV:
    case CB_INST_LABEL:
    case CB_INST_ARG:
        add_pairs(dump, inst->pairs);
        break;
    case CB_INST_EXPOSE:
    case CB_INST_VOLUME:
    case CB_INST_SHELL:
        add_words(dump, "word", inst->words);
        break;
    case CB_INST_USER:
    case CB_INST_WORKDIR:
    case CB_INST_STOPSIGNAL:
    case CB_INST_MAINTAINER:
        add_word(dump, "word", inst->word);
        break;
    case CB_INST_HEALTHCHECK:
        add_healthcheck(dump, &inst->healthcheck);
        break;
    case CB_INST_ONBUILD:
        cb_strbuf_addf(dump->out, "    of %s\n", cb_instruction_name(inst->onbuild.kind));
        add_fact(dump, "text", inst->onbuild.text);
        break;
    }
}

static void add_instruction(const struct dump *dump, const struct cb_instruction *inst)
{
    struct cb_span place = inst->span;
    const struct cb_source *file = cb_source_file(dump->file->source, &place);

    cb_strbuf_addf(dump->out, "  %s", cb_instruction_name(inst->kind));
    add_span(dump, inst->span);
    if (file != cb_source_nth_file(dump->file->source, 0))
        cb_strbuf_addf(dump->out, " of %s", cb_source_name(file));
    cb_strbuf_addc(dump->out, '\n');
    if (strcmp(inst->keyword, cb_instruction_name(inst->kind)) != 0)
        add_fact(dump, "keyword", inst->keyword);
    add_fact(dump, "comment", inst->doc_comment);
    add_word(dump, "check", inst->check);
    add_fact(dump, "original", inst->original);
    add_condition(dump, inst->condition);
    add_details(dump, inst);
}

static void add_directives(const struct dump *dump)
{
    const struct cb_dockerfile *file = dump->file;

    if (file->escape != '\\')
        cb_strbuf_addf(dump->out, "escape %c\n", file->escape);
    if (file->syntax.text)
        cb_strbuf_adds(dump->out, "directive\n");
    add_word(dump, "syntax", file->syntax);
    if (file->check.text)
        cb_strbuf_adds(dump->out, "directive\n");
    add_word(dump, "check", file->check);
    if (file->dialect.text)
        cb_strbuf_adds(dump->out, "directive\n");
    add_word(dump, "cbuild", file->dialect);
}

static void add_stage(const struct dump *dump, const struct cb_stage_def *stage)
{
    cb_strbuf_addf(dump->out, "stage %zu", stage->index);
    if (stage->name)
        cb_strbuf_addf(dump->out, " %s", stage->name);
    cb_strbuf_addc(dump->out, '\n');
    add_instruction(dump, stage->from);
    for (size_t i = 0; i < stage->count; i++)
        add_instruction(dump, stage->items[i]);
}

static void add_lint(const struct dump *dump, const struct cb_lint *lint)
{
    cb_strbuf_addf(dump->out, "lint %s", lint->rule ? lint->rule : "-");
    add_span(dump, lint->span);
    cb_strbuf_addc(dump->out, '\n');
    add_fact(dump, "message", lint->message);
}

void cb_dockerfile_dump(const struct cb_dockerfile *file, struct cb_strbuf *out)
{
    struct dump dump = {file, out};

    add_directives(&dump);
    if (file->global_arg_count)
        cb_strbuf_adds(out, "global\n");
    for (size_t i = 0; i < file->global_arg_count; i++)
        add_instruction(&dump, file->global_args[i]);
    for (size_t i = 0; i < file->stage_count; i++)
        add_stage(&dump, &file->stages[i]);
    for (size_t i = 0; i < file->lint_count; i++)
        add_lint(&dump, &file->lints[i]);
}
