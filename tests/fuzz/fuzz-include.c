/* Any bytes as a Dockerfile and the files it includes, which are parted by the byte 0x1e
 * and called a, b, c …: a tree whose places are places of the files, or an error, and
 * what can be read once is there when it is parsed. */
#include "base/strbuf.h"
#include "parser/parser.h"

#include <stdint.h>
#include <string.h>

#define END 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
};

/* File NUMBER of INPUT; 0: there is none. */
static int find_file(const struct input *input, size_t number, struct input *out)
{
    *out = *input;
    for (;; number--) {
        const uint8_t *end = memchr(out->data, END, out->size);
        size_t len = end ? (size_t)(end - out->data) : out->size;

        if (number == 0) {
            out->size = len;
            return 1;
        }
        if (!end)
            return 0;
        out->data += len + 1;
        out->size -= len + 1;
    }
}

static int read_file(void *arg, const char *path, struct cb_strbuf *text,
                     struct cb_error **err)
{
    struct input file;

    if (strlen(path) != 1 || *path < 'a' || *path > 'z' ||
        !find_file(arg, (size_t)(*path - 'a') + 1, &file))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "no file `%s`", path);
    cb_strbuf_add(text, (const char *)file.data, file.size);
    return 0;
}

static void check_span(const struct cb_source *source, struct cb_span span)
{
    size_t len, file_len;
    cb_auto_value(cb_strbuf) text = {0};

    cb_source_text(source, &len);
    if (span.start > span.end || span.end > len)
        abort();
    cb_source_add_includers(source, span, &text);
    cb_source_text(cb_source_file(source, &span), &file_len);
    if (span.start > span.end || span.end > file_len)
        abort();
}

/* Instructions come in the order of their places, and none is of two files. */
static void check_instruction(const struct cb_dockerfile *file,
                              const struct cb_instruction *inst, size_t *behind)
{
    size_t length = inst->span.end - inst->span.start;
    struct cb_span span = inst->span;
    unsigned line;

    check_span(file->source, span);
    if (span.start < *behind)
        abort();
    *behind = span.end;
    cb_source_position(file->source, span.start, &line, NULL);
    if (line != inst->line)
        abort();
    cb_source_file(file->source, &span);
    if (span.end - span.start != length)
        abort();
    cb_dockerfile_escape(file, file->source, inst->span);
}

static void check_file(const struct cb_dockerfile *file)
{
    cb_auto_value(cb_strbuf) text = {0};
    size_t behind = 0;

    cb_dockerfile_dump(file, &text);
    for (size_t i = 0; i < file->global_arg_count; i++)
        check_instruction(file, file->global_args[i], &behind);
    for (size_t i = 0; i < file->stage_count; i++) {
        check_instruction(file, file->stages[i].from, &behind);
        for (size_t j = 0; j < file->stages[i].count; j++)
            check_instruction(file, file->stages[i].items[j], &behind);
    }
    for (size_t i = 0; i < file->lint_count; i++)
        check_span(file->source, file->lints[i].span);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size}, main_file;
    struct cb_includes includes = {
        .path = "Dockerfile", .root = "here", .read = read_file, .arg = &input};
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) file = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) text = {0};

    if (!size)
        return 0;
    find_file(&input, 0, &main_file);
    source = cb_source_new("Dockerfile", (const char *)main_file.data, main_file.size);
    if (cb_dockerfile_include(&source, &includes, &error) < 0 ||
        cb_dockerfile_parse(&file, source, &error) < 0) {
        cb_error_format(error, NULL, &text);
        for (const struct cb_error *at = error; at; at = cb_error_next(at)) {
            if (strcmp(cb_error_message(at), "no files can be included here") == 0)
                abort();
        }
        return 0;
    }
    check_file(file);
    return 0;
}
