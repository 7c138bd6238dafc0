/* Flags of every kind of instruction. The first byte chooses the instruction and the
 * escape character, the rest is what stands behind the keyword. Whatever is accepted has
 * its places inside the text, and every --mount can be read or is refused. */
#include "base/strbuf.h"
#include "parser/parser.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keywords[] = {"COPY",        "ADD",     "RUN",  "FROM",
                                       "HEALTHCHECK", "ONBUILD", "ENV",  "ARG",
                                       "ONBUILD RUN", "WORKDIR", "SHELL"};

static void check_word(const struct cb_word *word, size_t size)
{
    if (word->text && (word->span.start > word->span.end || word->span.end > size))
        abort();
}

static void check_words(const struct cb_words *words, size_t size)
{
    for (size_t i = 0; i < words->count; i++) {
        if (!words->items[i].text)
            abort();
        check_word(&words->items[i], size);
    }
}

static void check_copy(const struct cb_inst_copy *copy, size_t size)
{
    check_word(&copy->from, size);
    check_word(&copy->chown, size);
    check_word(&copy->chmod, size);
    check_word(&copy->checksum, size);
    check_words(&copy->exclude, size);
    if (copy->keep_git_dir < -1 || copy->keep_git_dir > 1 || copy->unpack < -1 ||
        copy->unpack > 1)
        abort();
}

static void check_run(struct cb_arena *arena, const struct cb_inst_run *run, size_t size)
{
    check_word(&run->network, size);
    check_word(&run->security, size);
    check_words(&run->devices, size);
    for (size_t i = 0; i < run->mount_count; i++) {
        struct cb_run_mount mount;

        if (!run->mounts[i].value)
            abort();
        cb_run_mount_expand(&mount, arena, run->mounts[i].value, '\\', NULL, NULL);
    }
}

static void check(struct cb_dockerfile *file, const struct cb_instruction *inst,
                  size_t size)
{
    if (inst->kind == CB_INST_COPY || inst->kind == CB_INST_ADD)
        check_copy(&inst->copy, size);
    if (inst->kind == CB_INST_RUN)
        check_run(file->arena, &inst->run, size);
    if (inst->kind == CB_INST_FROM)
        check_word(&inst->from.platform, size);
    if (inst->kind == CB_INST_HEALTHCHECK &&
        (inst->healthcheck.interval_ns < 0 || inst->healthcheck.retry_count < 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto_value(cb_strbuf) text = {0}, shown = {0};
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) file = NULL;
    cb_auto(cb_error) error = NULL;

    if (size == 0)
        return 0;
    if (data[0] & 1)
        cb_strbuf_adds(&text, "# escape=`\n");
    cb_strbuf_addf(&text, "FROM a\n%s ",
                   keywords[(data[0] >> 1) % CB_ARRAY_SIZE(keywords)]);
    cb_strbuf_add(&text, (const char *)data + 1, size - 1);
    source = cb_source_new("Dockerfile", text.text, text.len);
    if (cb_dockerfile_parse(&file, source, &error) < 0) {
        cb_error_format(error, NULL, &shown);
        return 0;
    }
    cb_dockerfile_dump(file, &shown);
    for (size_t i = 0; i < file->stage_count; i++) {
        check(file, file->stages[i].from, text.len);
        for (size_t j = 0; j < file->stages[i].count; j++)
            check(file, file->stages[i].items[j], text.len);
    }
    return 0;
}
