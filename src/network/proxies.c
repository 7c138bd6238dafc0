/* Which proxies steps and containers are told of: those of docker's config.json, and for
 * steps those of the environment too. */
#include "network/network.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "network/address.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define CONFIG_MAX_BYTES (1u << 20)

static const struct {
    const char *key, *name;
} proxies[] = {
    {"httpProxy", "http_proxy"}, {"httpsProxy", "https_proxy"}, {"ftpProxy", "ftp_proxy"},
    {"noProxy", "no_proxy"},     {"allProxy", "all_proxy"},
};

static void in_capitals(const char *name, char out[16])
{
    size_t i = 0;

    for (; name[i] && i < 15; i++)
        out[i] = (char)toupper((unsigned char)name[i]);
    out[i] = '\0';
}

/* Both spellings, since programs disagree on the case they read. */
static void add_proxy(struct cb_strings *out, const char *name, const char *value)
{
    char upper[16];

    in_capitals(name, upper);
    cb_env_set(out, upper, value);
    cb_env_set(out, name, value);
}

/* ── config.json: {"proxies": {"default": {"httpProxy": …}}} ── */

static char *config_path(void)
{
    const char *dir = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");

    if (dir && *dir)
        return xasprintf("%s/config.json", dir);
    return home && *home ? xasprintf("%s/.docker/config.json", home) : NULL;
}

int cb_proxies_parse(const char *what, const char *bytes, size_t len,
                     struct cb_strings *out, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root, all, ours;

    if (cb_json_parse(&document, what, bytes, len, CONFIG_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, what);
    if (cb_json_expect_object(&root, err) < 0)
        return -1;
    all = cb_json_member(&root, "proxies");
    if (cb_json_is_absent(&all))
        return 0;
    if (cb_json_expect_object(&all, err) < 0)
        return -1;
    ours = cb_json_member(&all, "default");
    if (cb_json_is_absent(&ours))
        return 0;
    if (cb_json_expect_object(&ours, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(proxies); i++) {
        struct cb_json member = cb_json_member(&ours, proxies[i].key);
        const char *value;

        if (cb_json_string(&member, &value, err) < 0)
            return -1;
        if (value && *value)
            add_proxy(out, proxies[i].name, value);
    }
    return 0;
}

void cb_proxies_configured(struct cb_strings *out)
{
    cb_autofree char *path = config_path();
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    if (!path || cb_fs_read_file(AT_FDCWD, path, CONFIG_MAX_BYTES, &text, NULL) < 0 ||
        !text.len)
        return;
    if (cb_proxies_parse(path, cb_strbuf_text(&text), text.len, out, &error) < 0)
        cb_warn("proxies are not passed on: %s", cb_error_message(error));
}

/* ── The environment ── */

/* "http://user:password@127.0.0.1:3128/": a proxy that only the host reaches. */
static int is_on_loopback(const char *url)
{
    const char *start = strstr(url, "://");
    const char *at;
    cb_autofree char *host = NULL;
    struct cb_ip ip;

    start = start ? start + 3 : url;
    host = xstrndup(start, strcspn(start, "/"));
    at = strrchr(host, '@');
    start = at ? at + 1 : host;
    if (strncmp(start, "[::1]", 5) == 0 || strncmp(start, "localhost", 9) == 0)
        return 1;
    host[(start - host) + (long)strcspn(start, ":")] = '\0';
    return cb_ip_parse(&ip, start) == 0 && ip.family == AF_INET && ip.bytes[0] == 127;
}

void cb_proxies_ambient(struct cb_strings *out, int host_network)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(proxies); i++) {
        const char *value = getenv(proxies[i].name);
        char upper[16];

        in_capitals(proxies[i].name, upper);
        if (!value || !*value)
            value = getenv(upper);
        if (!value || !*value || strlen(value) > 4096)
            continue;
        if (host_network || strcmp(proxies[i].name, "no_proxy") == 0 ||
            !is_on_loopback(value))
            add_proxy(out, proxies[i].name, value);
    }
}
