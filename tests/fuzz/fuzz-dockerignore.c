/* Any bytes as .dockerignore: patterns that can be compiled and matched, or an error. */
#include "base/glob.h"
#include "base/strbuf.h"
#include "context/context.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto(cb_source) source = cb_source_new(".dockerignore", (const char *)data, size);
    cb_auto_value(cb_strings) patterns = {0};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_pattern_list) list = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_context_ignore_parse(&patterns, source, &error) < 0) {
        cb_error_format(error, NULL, &text);
        return 0;
    }
    for (size_t i = 0; i < patterns.count; i++) {
        if (!patterns.items[i][0] || patterns.items[i][0] == '/')
            abort();
    }
    if (cb_pattern_list_new(&list, &patterns, NULL) < 0)
        return 0;
    cb_pattern_list_match_path(list, "a/b.c/d");
    cb_pattern_list_may_reinclude(list, "a/b");
    return 0;
}
