/* Any bytes as .dockerignore and as .gitignore: rules that can be asked, or an error. */
#include "base/strbuf.h"
#include "context/context.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A rule that decides lies in the file. */
static void ask(const struct cb_ignore *ignore)
{
    static const char path[] = "a/b.c/d";
    struct cb_ignore_rule rule;

    if (!ignore)
        return;
    if (cb_ignore_why(ignore, path, 0, &rule) != cb_ignore_match_path(ignore, path, 0))
        abort();
    cb_ignore_match(ignore, path, 1, 0);
    cb_ignore_may_reinclude(ignore, "a/b.c");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_auto(cb_source) source = cb_source_new(".dockerignore", (const char *)data, size);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_ignore) docker = NULL;
    cb_auto(cb_ignore) git = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_ignore_new(&docker, source, CB_IGNORE_DOCKER, &error) < 0)
        cb_error_format(error, NULL, &text);
    cb_ignore_new(&git, source, CB_IGNORE_GIT, NULL);
    ask(docker);
    ask(git);
    return 0;
}
