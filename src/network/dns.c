/* The texts of /etc/resolv.conf and /etc/hosts. */
#include "network/network.h"

#include "base/fs.h"
#include "base/strbuf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#define MAX_BYTES (64 << 10)

static int is_loopback_server(const char *line)
{
    return strncmp(line, "nameserver", 10) == 0 &&
           (strstr(line, " 127.") || strstr(line, "\t127.") || strstr(line, " ::1"));
}

/* Copies TEXT without resolvers that only the host can reach. Returns how many are left.
 */
static int add_reachable(struct cb_strbuf *out, const char *text)
{
    int servers = 0;

    while (*text) {
        size_t len = strcspn(text, "\n");
        cb_autofree char *line = xstrndup(text, len);

        if (!is_loopback_server(line)) {
            servers += strncmp(line, "nameserver", 10) == 0;
            cb_strbuf_addf(out, "%s\n", line);
        }
        text += len + (text[len] == '\n');
    }
    return servers;
}

/* systemd-resolved listens on the host's loopback; its real servers are in a file beside.
 */
char *cb_dns_resolv_conf(int host_network)
{
    static const char *const files[] = {"/etc/resolv.conf",
                                        "/run/systemd/resolve/resolv.conf"};
    cb_auto_value(cb_strbuf) out = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(files); i++) {
        cb_auto_value(cb_strbuf) text = {0};

        if (cb_fs_read_file(AT_FDCWD, files[i], MAX_BYTES, &text, NULL) < 0)
            continue;
        if (host_network)
            return cb_strbuf_steal(&text);
        cb_strbuf_truncate(&out, 0);
        if (add_reachable(&out, cb_strbuf_text(&text)))
            break;
    }
    return cb_strbuf_steal(&out);
}

static int is_host_name(const char *name, size_t len)
{
    if (!len || len > 253)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr(".-_", name[i]))
            return 0;
    return 1;
}

static int is_address(const char *text)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* "name:ip" or "name=ip"; an IPv6 address may stand in brackets. */
static int add_extra(struct cb_strbuf *out, const char *text, struct cb_error **err)
{
    size_t len = strcspn(text, ":=");
    cb_autofree char *address = xstrdup(text[len] ? text + len + 1 : "");
    size_t address_len = strlen(address);

    if (address_len > 2 && address[0] == '[' && address[address_len - 1] == ']') {
        memmove(address, address + 1, address_len - 2);
        address[address_len - 2] = '\0';
    }
    if (!is_host_name(text, len) || !is_address(address))
        return cb_error_set(err, CB_ERR_USAGE,
                            "bad format for add-host: \"%s\": expected NAME:ADDRESS",
                            text);
    cb_strbuf_addf(out, "%s\t%.*s\n", address, (int)len, text);
    return 0;
}

int cb_dns_hosts(char **out, const char *hostname, const struct cb_strings *extra,
                 struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "127.0.0.1\tlocalhost\n"
                          "::1\tlocalhost ip6-localhost ip6-loopback\n"
                          "fe00::0\tip6-localnet\n"
                          "ff00::0\tip6-mcastprefix\n"
                          "ff02::1\tip6-allnodes\n"
                          "ff02::2\tip6-allrouters\n");
    for (size_t i = 0; extra && i < extra->count; i++)
        if (add_extra(&text, extra->items[i], err) < 0)
            return -1;
    if (hostname && *hostname) {
        if (!is_host_name(hostname, strlen(hostname)))
            return cb_error_set(err, CB_ERR_USAGE, "invalid host name \"%s\"", hostname);
        cb_strbuf_addf(&text, "127.0.0.1\t%s\n", hostname);
    }
    *out = cb_strbuf_steal(&text);
    return 0;
}
