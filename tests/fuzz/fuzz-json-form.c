/* The JSON form: what a strict JSON reader takes for an array of strings is exec form
 * with just these strings. Anything else is shell form or an error. */
#include "base/strbuf.h"
#include "parser/parser.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is VALUE nothing but strings? */
static int is_strings(const json_t *value)
{
    if (!json_is_array(value))
        return 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i)))
            return 0;
    }
    return 1;
}

static void compare(const json_t *wanted, const struct cb_command *found)
{
    if (!found->is_exec || found->argv.count != json_array_size(wanted))
        abort();
    for (size_t i = 0; i < found->argv.count; i++) {
        const char *text = json_string_value(json_array_get(wanted, i));

        if (strcmp(text, found->argv.items[i].text) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_error) error = NULL;
    struct cb_instruction *inst = NULL;
    json_t *wanted = NULL;

    if (memchr(data, '\n', size))
        return 0;
    cb_strbuf_adds(&text, "CMD ");
    cb_strbuf_add(&text, (const char *)data, size);
    source = cb_source_new("ONBUILD", text.text, text.len);
    cb_instruction_parse(&inst, arena, source, &error);
    if (!inst == !error)
        abort();
    wanted = json_loadb((const char *)data, size, 0, NULL);
    if (wanted && is_strings(wanted)) {
        if (!inst)
            abort();
        compare(wanted, &inst->command);
    }
    json_decref(wanted);
    return 0;
}
