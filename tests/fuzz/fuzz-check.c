/* Any bytes checked as a Dockerfile, as `cbuild lint` does it: every warning is of a rule
 * and has a place inside the text. */
#include "context/context.h"
#include "frontend/frontend.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(struct cb_event_sink *sink, const struct cb_event *event) {}

static void check_warning(const struct cb_check_warning *warning, size_t size)
{
    if (!warning->rule || !*warning->message || strchr(warning->message, '\n') ||
        warning->span.start > warning->span.end || warning->span.end > size ||
        !warning->line || warning->line > warning->end_line)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", (const char *)data, size);
    cb_auto(cb_context) context = cb_context_empty();
    cb_auto_value(cb_check_result) result = {0};
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_event_sink sink = {.emit = ignore};
    struct cb_build_env env = {.sink = &sink, .source_date_epoch = -1};
    struct cb_frontend_options options = {
        .env = &env,
        .source = source,
        .context = context,
        .check = "experimental=all",
        .platform = cb_platform_host(),
        .build_platform = cb_platform_host(),
        .offline = 1,
    };

    cb_frontend_check(&result, &options);
    cb_vec_foreach (warning, &result.warnings)
        check_warning(warning, size);
    if (result.error)
        cb_error_format(result.error, NULL, &text);
    return 0;
}
