/* Any bytes as a Dockerfile: a tree whose places lie inside the text, or an error. Every
 * trigger found is parsed again, every --mount read, as the frontend would. */
#include "base/strbuf.h"
#include "parser/parser.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(struct cb_span span, size_t size)
{
    if (span.start > span.end || span.end > size)
        abort();
}

static void read_mounts(struct cb_arena *arena, const struct cb_inst_run *run)
{
    for (size_t i = 0; i < run->mount_count; i++) {
        struct cb_run_mount mount;

        cb_run_mount_expand(&mount, arena, run->mounts[i].value, '\\', NULL, NULL);
    }
}

/* What is accepted as a trigger is accepted when it fires. The default escape character
 * is in force there, whatever the file's. */
static void fire(struct cb_dockerfile *file, const char *text)
{
    cb_auto(cb_source) source = cb_source_new("ONBUILD", text, strlen(text));
    struct cb_instruction *inst;

    if (cb_instruction_parse(&inst, file->arena, source, NULL) == 0 &&
        inst->kind == CB_INST_RUN)
        read_mounts(file->arena, &inst->run);
}

static int expand(void *arg, const struct cb_word *word, char **out,
                  struct cb_error **err)
{
    check_span(word->span, *(const size_t *)arg);
    return cb_word_expand(out, word->text, '\\', NULL, err);
}

static void check_condition(const struct cb_instruction *inst, size_t size)
{
    if (inst->condition && cb_condition_holds(inst->condition, expand, &size, NULL) > 1)
        abort();
}

static void check_instruction(struct cb_dockerfile *file,
                              const struct cb_instruction *inst, size_t size)
{
    check_span(inst->span, size);
    check_condition(inst, size);
    if (inst->kind == CB_INST_RUN)
        read_mounts(file->arena, &inst->run);
    if (inst->kind == CB_INST_ONBUILD)
        fire(file, inst->onbuild.text);
    for (size_t i = 0; inst->kind == CB_INST_COPY && i < inst->copy.sources.count; i++)
        check_span(inst->copy.sources.items[i].span, size);
    for (size_t i = 0; inst->kind == CB_INST_ENV && i < inst->pairs.count; i++) {
        check_span(inst->pairs.items[i].key.span, size);
        check_span(inst->pairs.items[i].value.span, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", (const char *)data, size);
    cb_auto(cb_dockerfile) file = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_dockerfile_parse(&file, source, &error) < 0) {
        cb_error_format(error, NULL, &text);
        return 0;
    }
    if (error)
        abort();
    cb_dockerfile_dump(file, &text);
    for (size_t i = 0; i < file->stage_count; i++) {
        for (size_t j = 0; j < file->stages[i].count; j++)
            check_instruction(file, file->stages[i].items[j], size);
    }
    for (size_t i = 0; i < file->lint_count; i++)
        check_span(file->lints[i].span, size);
    return 0;
}
