/* As Go does it, and so docker, podman and what else reads these variables here: the
 * upper case goes first, loopback is never asked through a proxy, and NO_PROXY has names
 * (with those below them), ".name" or "*.name" (only those below), addresses and ranges,
 * names and addresses with a port, or "*" for all. curl reads the list in another way: it
 * knows no ports. A variable that is set, if to nothing, goes before the settings. */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* "name", "name:80", "[::1]:80", "::1" → name, and its port or 0. */
static char *split_port(const char *text, size_t len, int *port)
{
    const char *end = text + len;
    const char *colon = memchr(text, ':', len);

    *port = 0;
    if (*text == '[') {
        const char *close = memchr(text, ']', len);

        if (!close)
            return xstrndup(text, len);
        if (close + 1 < end && close[1] == ':')
            *port = atoi(close + 2);
        return xstrndup(text + 1, (size_t)(close - text - 1));
    }
    if (!colon || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
        return xstrndup(text, len);
    *port = atoi(colon + 1);
    return xstrndup(text, (size_t)(colon - text));
}

/* HOST is NAME, or below it; below it alone if NAME begins with a dot. */
static int is_below(const char *host, const char *name)
{
    size_t host_len = strlen(host), len;

    if (*name != '.' && strcasecmp(host, name) == 0)
        return 1;
    name += *name == '.';
    len = strlen(name);
    return len && host_len > len && host[host_len - len - 1] == '.' &&
           strcasecmp(host + host_len - len, name) == 0;
}

static int is_same_address(const char *a, const char *b)
{
    unsigned char one[16], two[16];
    int family = strchr(a, ':') ? AF_INET6 : AF_INET;

    return inet_pton(family, a, one) == 1 && inet_pton(family, b, two) == 1 &&
           memcmp(one, two, family == AF_INET6 ? 16 : 4) == 0;
}

static int entry_has(const char *entry, size_t len, const struct cb_url *url)
{
    cb_autofree char *whole = xstrndup(entry, len);
    cb_autofree char *name = NULL;
    int port;

    if (strcmp(whole, "*") == 0 || cb_range_has(whole, url->host))
        return 1;
    name = split_port(entry, len, &port);
    if (port && port != url->port)
        return 0;
    if (cb_host_is_address(name))
        return is_same_address(name, url->host);
    return is_below(url->host, name + (strncmp(name, "*.", 2) == 0));
}

int cb_proxy_exempts(const char *list, const struct cb_url *url)
{
    static const char gaps[] = ", \t";

    while (list && *(list += strspn(list, gaps))) {
        size_t len = strcspn(list, gaps);

        if (entry_has(list, len, url))
            return 1;
        list += len;
    }
    return 0;
}

/* The first that is set to something; "" if one of them is set at all. */
static const char *of_environment(const char *upper, const char *lower)
{
    const char *one = getenv(upper), *two = getenv(lower);

    if (one && *one)
        return one;
    return two ? two : one;
}

const char *cb_proxy_for(const struct cb_url *url, const struct cb_http_options *settings)
{
    int plain = strcmp(url->scheme, "http") == 0;
    const char *proxy = plain ? of_environment("HTTP_PROXY", "http_proxy")
                              : of_environment("HTTPS_PROXY", "https_proxy");
    const char *exempt = of_environment("NO_PROXY", "no_proxy");

    if (!proxy)
        proxy = plain ? settings->http_proxy : settings->https_proxy;
    if (!proxy)
        proxy = of_environment("ALL_PROXY", "all_proxy");
    if (!exempt)
        exempt = settings->no_proxy;
    if (!proxy || !*proxy || cb_host_is_loopback(url->host) ||
        cb_proxy_exempts(exempt, url))
        return NULL;
    return proxy;
}
