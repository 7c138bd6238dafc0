/* The configuration an image ends up with: what is kept of the base's, and history
 * entries worded as BuildKit words them, so that images built here and there compare
 * equal. Go's %q and %v appear in those texts. */
#include "frontend/convert-priv.h"

#include "base/utf8.h"

#include <string.h>

#define DEFAULT_PATH    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define HISTORY_COMMENT "buildkit.dockerfile.v0"

/* Of the fields without a member of their own only StopTimeout lives on: the others
 * (container_config, docker_version, Hostname, Image…) describe how the base was made. */
static void drop_foreign_fields(struct cb_image_config *config)
{
    json_t *timeout = json_incref(json_object_get(config->other_config, "StopTimeout"));

    json_decref(config->other);
    json_decref(config->other_config);
    config->other = NULL;
    config->other_config = NULL;
    if (!timeout)
        return;
    config->other_config = json_object();
    json_object_set_new(config->other_config, "StopTimeout", timeout);
}

/* A relative WorkingDir, which old images have, is meant from the root. */
static void root_working_dir(struct cb_image_config *config)
{
    char *dir = config->working_dir;

    if (!dir || !*dir || *dir == '/')
        return;
    config->working_dir = cb_path_join("/", dir);
    free(dir);
}

struct cb_image_config *cb_config_derive(const struct cb_image_config *base)
{
    struct cb_image_config *config = cb_image_config_copy(base);

    free(config->created);
    config->created = NULL;
    root_working_dir(config);
    drop_foreign_fields(config);
    return config;
}

struct cb_image_config *cb_config_scratch(const struct cb_platform *platform)
{
    struct cb_image_config *config = cb_image_config_new();

    config->platform = *platform;
    free(config->working_dir);
    config->working_dir = xstrdup("/");
    return config;
}

void cb_config_default_path(struct cb_image_config *config)
{
    if (!cb_env_get(&config->env, "PATH"))
        cb_env_set(&config->env, "PATH", DEFAULT_PATH);
}

void cb_config_history(struct cb_stage *stage, const char *text, int layer, int step)
{
    cb_autofree char *marked = step ? xasprintf("%s # buildkit", text) : NULL;

    if (stage->no_history)
        return;
    stage->layers += (size_t)layer;
    cb_image_config_add_history(stage->config, NULL, marked ? marked : text,
                                HISTORY_COMMENT, !layer);
}

void cb_config_shell_argv(const struct cb_image_config *config, const char *text,
                          struct cb_strings *out)
{
    if (config->shell.count) {
        cb_strings_copy(out, &config->shell);
    } else {
        cb_strings_add(out, "/bin/sh");
        cb_strings_add(out, "-c");
    }
    cb_strings_add(out, text);
}

/* ── Go's formats ── */

static const char *go_escape(unsigned char c)
{
    static const struct {
        char byte;
        const char *text;
    } escapes[] = {
        {'\a', "\\a"}, {'\b', "\\b"}, {'\f', "\\f"}, {'\n', "\\n"},  {'\r', "\\r"},
        {'\t', "\\t"}, {'\v', "\\v"}, {'"', "\\\""}, {'\\', "\\\\"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(escapes); i++) {
        if ((unsigned char)escapes[i].byte == c)
            return escapes[i].text;
    }
    return NULL;
}

/* Go prints what unicode.IsPrint says; of what it does not, these are the ones met in
 * practice. */
static int is_go_printable(unsigned point)
{
    return !(point < 0xa1 || point == 0xad || (point >= 0x2000 && point <= 0x200f) ||
             (point >= 0x2028 && point <= 0x202f) ||
             (point >= 0x205f && point <= 0x206f) || point == 0x3000 || point == 0xfeff ||
             (point >= 0xe000 && point <= 0xf8ff));
}

void cb_config_quote(struct cb_strbuf *out, const char *text)
{
    size_t len = strlen(text);

    cb_strbuf_addc(out, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        const char *escape = go_escape(c);
        unsigned point = 0;
        size_t size = cb_utf8_decode(text + i, len - i, &point);

        if (escape)
            cb_strbuf_adds(out, escape);
        else if (c >= 0x20 && c < 0x7f)
            cb_strbuf_addc(out, (char)c);
        else if (size > 1 && is_go_printable(point))
            cb_strbuf_add(out, text + i, size);
        else if (size > 1)
            cb_strbuf_addf(out, point > 0xffff ? "\\U%08x" : "\\u%04x", point);
        else
            cb_strbuf_addf(out, "\\x%02x", c);
        i += size ? size : 1;
    }
    cb_strbuf_addc(out, '"');
}

void cb_config_quote_list(struct cb_strbuf *out, const struct cb_strings *list)
{
    cb_strbuf_addc(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            cb_strbuf_addc(out, ' ');
        cb_config_quote(out, list->items[i]);
    }
    cb_strbuf_addc(out, ']');
}

void cb_config_plain_list(struct cb_strbuf *out, const struct cb_strings *list)
{
    cb_strbuf_addc(out, '[');
    for (size_t i = 0; i < list->count; i++)
        cb_strbuf_addf(out, i ? " %s" : "%s", list->items[i]);
    cb_strbuf_addc(out, ']');
}
