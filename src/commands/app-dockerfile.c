/* The Dockerfile that a command looks at without building it. */
#include "commands/app.h"

#include "base/fs.h"
#include "base/input.h"
#include "engine/engine.h"
#include "parser/parser.h"

#include <string.h>

static int read_stdin(struct cb_cancel *cancel, struct cb_source **out,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_input_read_all(0, cancel, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "standard input");
    *out = cb_source_new("Dockerfile", cb_strbuf_text(&text), text.len);
    return 0;
}

static int read_dockerfile(struct cb_source **out, const char *path,
                           struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_given(path, CB_DOCKERFILE_MAX_BYTES, &text, err) < 0)
        return cb_error_hint(err, "`-` reads standard input");
    *out = cb_source_new(path, cb_strbuf_text(&text), text.len);
    return 0;
}

static int find_dockerfile(struct cb_cancel *cancel, const char *path,
                           struct cb_source **out, struct cb_error **err)
{
    cb_auto(cb_error) missing = NULL;

    if (path)
        return strcmp(path, "-") == 0 ? read_stdin(cancel, out, err)
                                      : read_dockerfile(out, path, err);
    for (const char *const *name = cb_dockerfile_names; *name; name++) {
        cb_auto(cb_error) error = NULL;

        if (read_dockerfile(out, *name, &error) == 0)
            return 0;
        if (cb_error_kind(error) != CB_ERR_NOT_FOUND)
            return cb_error_move(err, &error);
        if (!missing)
            missing = cb_steal(&error);
    }
    return cb_error_move(err, &missing);
}

int cb_app_dockerfile(struct cb_cancel *cancel, const char *path, const char *context,
                      struct cb_source **out, struct cb_error **err)
{
    const int is_stdin = path && strcmp(path, "-") == 0;
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_context) root = NULL;
    struct cb_include_place place = {.on_host = 1};

    if (find_dockerfile(cancel, path, &source, err) < 0)
        return -1;
    if (!is_stdin)
        place.path = cb_source_name(source);
    /* One that cannot be opened has nothing to include. */
    if (context || !is_stdin)
        cb_context_open_local(&root, context ? context : ".", NULL);
    if (cb_frontend_include(&source, root, &place, err) < 0)
        return -1;
    *out = cb_steal(&source);
    return 0;
}
