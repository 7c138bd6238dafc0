/* docker's config.json as far as it is a matter of the command line: psFormat,
 * imagesFormat and the like, and detachKeys. It is read when a command first asks; one
 * that cannot be read says so once and has nothing. */
#include "commands/app.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "registry/credentials.h"

#include <fcntl.h>

#define MAX_BYTES (1u << 20)

static json_t *read_config(void)
{
    cb_autofree char *path = cb_credentials_docker_config();
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;
    json_t *document = NULL;

    if (path && cb_fs_read_file(AT_FDCWD, path, MAX_BYTES, &text, NULL) == 0 &&
        text.len &&
        cb_json_parse(&document, path, cb_strbuf_text(&text), text.len, MAX_BYTES,
                      &error) < 0)
        cb_warn("%s", cb_error_message(error));
    return document ? document : json_object();
}

const char *cb_docker_config_or(struct cb_app *app, const char *given, const char *key)
{
    const char *value;

    if (given)
        return given;
    if (!app->docker_config)
        app->docker_config = read_config();
    value = json_string_value(json_object_get(app->docker_config, key));
    return value && *value ? value : NULL;
}

const char *cb_docker_config_format(struct cb_app *app, const char *given,
                                    const char *key)
{
    return cb_docker_config_or(app, given && *given ? given : NULL, key);
}
