/* Variables that kaniko's executor reads: pipelines set them for all of their jobs. */
#include "commands/build-tools.h"

#include "base/text.h"
#include "http/http.h"

#include <stdlib.h>
#include <string.h>

/* "a,b" */
static void add_mirrors(struct cb_strings *mirrors, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, ",");

        if (len)
            cb_strings_take(mirrors, xstrndup(text, len));
        text += len + (text[len] == ',');
    }
}

int cb_build_tools_environment(struct cb_build_tools *tools, struct cb_error **err)
{
    const char *mirrors = getenv("KANIKO_REGISTRY_MIRROR");
    const char *map = getenv("KANIKO_REGISTRY_MAP");
    const char *no_push = getenv("KANIKO_NO_PUSH");
    int says_no = 0;

    if (mirrors)
        add_mirrors(&tools->mirrors, mirrors);
    if (map && *map)
        cb_strings_add(&tools->maps, map);
    if (no_push && *no_push && !cb_parse_bool(no_push, &says_no))
        return cb_error_set(err, CB_ERR_USAGE,
                            "KANIKO_NO_PUSH=%s: expected true or false", no_push);
    tools->no_push |= says_no; /* what is typed stays */
    return 0;
}

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* A token is a user without a password. */
void cb_build_tools_git_server(struct cb_strbuf *out, const char *rest)
{
    const char *method = set_variable("GIT_PULL_METHOD");
    const char *token = set_variable("GIT_TOKEN");
    const char *user = token ? token : set_variable("GIT_USERNAME");
    const char *password = token ? NULL : set_variable("GIT_PASSWORD");

    cb_strbuf_addf(out, "%s://", method && !strcmp(method, "http") ? "http" : "https");
    if ((!user && !password) || memchr(rest, '@', strcspn(rest, "/")))
        return;
    cb_url_encode(out, user ? user : "");
    cb_strbuf_addc(out, ':');
    cb_url_encode(out, password ? password : "");
    cb_strbuf_addc(out, '@');
}
