/* The texts of /etc/resolv.conf and /etc/hosts. */
#include "network/network-priv.h"

#include "base/fs.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BYTES (64 << 10)

/* ── /etc/resolv.conf ── */

/* The words of the next line of *TEXT, which is moved on; 0 at the end. */
static int next_line(const char **text, struct cb_strings *words, char **line)
{
    size_t len = strcspn(*text, "\n");
    char *word, *rest;

    cb_strings_free(words);
    free(cb_steal(line));
    if (!**text)
        return 0;
    *line = xstrndup(*text, len);
    *text += len + ((*text)[len] == '\n');
    rest = *line;
    if (*rest == '#' || *rest == ';')
        return 1;
    while ((word = strsep(&rest, " \t\r")))
        if (*word)
            cb_strings_add(words, word);
    return 1;
}

static int is_loopback(const char *server)
{
    struct cb_ip ip;
    static const unsigned char one[16] = {[15] = 1};

    if (cb_ip_parse(&ip, server) < 0)
        return 0;
    return ip.family == AF_INET ? ip.bytes[0] == 127 : memcmp(ip.bytes, one, 16) == 0;
}

/* What a resolv.conf says, in the three kinds that can be replaced one by one. */
struct resolvers {
    struct cb_strings servers, search, options;
};

static void resolvers_clear(struct resolvers *resolvers)
{
    cb_strings_free(&resolvers->servers);
    cb_strings_free(&resolvers->search);
    cb_strings_free(&resolvers->options);
}
CB_AUTO_VALUE_DEFINE(resolvers, resolvers_clear)

static void append_rest(struct cb_strings *to, const struct cb_strings *words)
{
    for (size_t i = 1; i < words->count; i++)
        cb_strings_add(to, words->items[i]);
}

/* The last of several `search` lines counts, as for the C library. */
static void read_line(struct resolvers *out, const struct cb_strings *words)
{
    const char *key = words->items[0];

    if (strcmp(key, "nameserver") == 0 && words->count > 1) {
        cb_strings_add(&out->servers, words->items[1]);
    } else if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0) {
        cb_strings_free(&out->search);
        append_rest(&out->search, words);
    } else if (strcmp(key, "options") == 0) {
        append_rest(&out->options, words);
    }
}

static void read_resolvers(struct resolvers *out, const char *text)
{
    cb_auto_value(cb_strings) words = {0};
    cb_autofree char *line = NULL;

    while (next_line(&text, &words, &line))
        if (words.count)
            read_line(out, &words);
}

static int count_reachable(const struct cb_strings *servers)
{
    int count = 0;

    for (size_t i = 0; i < servers->count; i++)
        count += !is_loopback(servers->items[i]);
    return count;
}

/* systemd-resolved listens on the host's loopback; the servers it asks are in a file
 * beside. */
static void find_host_resolvers(struct resolvers *out)
{
    static const char *const files[] = {"/etc/resolv.conf",
                                        "/run/systemd/resolve/resolv.conf"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(files); i++) {
        cb_auto_value(cb_strbuf) text = {0};

        if (cb_fs_read_file(AT_FDCWD, files[i], MAX_BYTES, &text, NULL) < 0)
            continue;
        resolvers_clear(out);
        read_resolvers(out, cb_strbuf_text(&text));
        if (count_reachable(&out->servers))
            return;
    }
}

int cb_dns_is_reachable(void)
{
    cb_auto_value(resolvers) host = {0};

    find_host_resolvers(&host);
    return count_reachable(&host.servers) > 0;
}

int cb_dns_host_servers(struct cb_strings *out)
{
    cb_auto_value(resolvers) host = {0};
    int is_here;

    find_host_resolvers(&host);
    is_here = !count_reachable(&host.servers);
    for (size_t i = 0; i < host.servers.count; i++)
        if (is_here || !is_loopback(host.servers.items[i]))
            cb_strings_add(out, host.servers.items[i]);
    return is_here;
}

static int given(const struct cb_strings *strings)
{
    return strings && strings->count;
}

/* "." alone is how --dns-search= and --dns-opt= are told to mean none. */
static void add_line(struct cb_strbuf *out, const char *key,
                     const struct cb_strings *words)
{
    if (!given(words) || (words->count == 1 && strcmp(words->items[0], ".") == 0))
        return;
    cb_strbuf_adds(out, key);
    for (size_t i = 0; i < words->count; i++)
        cb_strbuf_addf(out, " %s", words->items[i]);
    cb_strbuf_addc(out, '\n');
}

static void add_servers(struct cb_strbuf *out, const struct cb_strings *servers,
                        int reachable_only)
{
    for (size_t i = 0; i < servers->count; i++)
        if (!reachable_only || !is_loopback(servers->items[i]))
            cb_strbuf_addf(out, "nameserver %s\n", servers->items[i]);
}

static char *host_file(void)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_fs_read_file(AT_FDCWD, "/etc/resolv.conf", MAX_BYTES, &text, NULL);
    return cb_strbuf_steal(&text);
}

/* Where containers have names, one without a dot is a name first of all: domains of the
 * search list are tried after it. As docker, unless somebody says otherwise. */
static void add_options(struct cb_strbuf *out, const struct cb_strings *words,
                        int has_names)
{
    cb_auto_value(cb_strings) all = {0};
    int says_dots = !has_names;

    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->items[i], ".") == 0)
            continue;
        cb_strings_add(&all, words->items[i]);
        says_dots |= strncmp(words->items[i], "ndots:", 6) == 0;
    }
    if (!says_dots)
        cb_strings_add(&all, "ndots:0");
    add_line(out, "options", &all);
}

/* A resolver that knows containers' names asks the servers of --dns itself. */
char *cb_network_resolv_conf(struct cb_network *network,
                             const struct cb_dns_options *options)
{
    static const struct cb_dns_options none;
    cb_auto_value(resolvers) host = {0};
    struct cb_strbuf out = {0};
    const struct cb_network_facts *facts = network ? &network->facts : NULL;
    int is_host = network && cb_network_is_host(network);
    int is_inside = network && network->is_resolved_inside;
    int has_names = facts && (facts->has_names || is_inside);
    int forwards = facts && (facts->resolver.family || is_inside);
    char ip[CB_IP_MAX_TEXT];

    options = options ? options : &none;
    if (network && network->resolv_conf)
        return xstrdup(network->resolv_conf);
    if (is_host && !given(options->servers) && !given(options->search) &&
        !given(options->options))
        return host_file();
    find_host_resolvers(&host);
    if (forwards && (has_names || !given(options->servers)))
        cb_strbuf_addf(
            &out, "nameserver %s\n",
            cb_ip_text(is_inside ? &cb_resolver_address : &facts->resolver, ip));
    else if (given(options->servers))
        add_servers(&out, options->servers, 0);
    else
        add_servers(&out, &host.servers, !is_host);
    add_line(&out, "search", given(options->search) ? options->search : &host.search);
    add_options(&out, given(options->options) ? options->options : &host.options,
                forwards && has_names);
    return cb_strbuf_steal(&out);
}

static int is_domain(const char *text)
{
    size_t len = strlen(text);

    if (!len || len > 253)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr(".-_", text[i]))
            return 0;
    return 1;
}

int cb_dns_check(const struct cb_dns_options *options, struct cb_error **err)
{
    struct cb_ip ip;

    for (size_t i = 0; options->servers && i < options->servers->count; i++)
        if (cb_ip_parse(&ip, options->servers->items[i]) < 0)
            return cb_error_flag(err, options->servers->items[i], "--dns",
                                 "%s is not an ip address", options->servers->items[i]);
    for (size_t i = 0; options->search && i < options->search->count; i++)
        if (!is_domain(options->search->items[i]))
            return cb_error_flag(err, options->search->items[i], "--dns-search",
                                 "%s is not a valid domain", options->search->items[i]);
    for (size_t i = 0; options->options && i < options->options->count; i++)
        if (!is_domain(options->options->items[i]) &&
            strspn(options->options->items[i],
                   "abcdefghijklmnopqrstuvwxyz0123456789-:") !=
                strlen(options->options->items[i]))
            return cb_error_flag(err, options->options->items[i], "--dns-option",
                                 "expected letters, digits, - and :");
    return 0;
}

/* ── /etc/hosts ── */

struct extra_host {
    char *name, *address; /* ADDRESS may be "host-gateway" */
};

static void extra_clear(struct extra_host *extra)
{
    free(extra->name);
    free(extra->address);
}
CB_AUTO_VALUE_DEFINE(extra_host, extra_clear)

/* A linked container has several names, between commas. */
static int are_domains(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, ",");
        cb_autofree char *name = xstrndup(text, len);

        if (!is_domain(name))
            return 0;
        text += len + (text[len] == ',' && text[len + 1]);
    }
    return 1;
}

static int bad_format(const char *text, struct cb_error **err)
{
    return cb_error_flag(err, text, "--add-host", "bad format for add-host: \"%s\"",
                         text);
}

/* "name:ip" or "name=ip"; an IPv6 address may stand in brackets. */
static int parse_extra(struct extra_host *out, const char *text, struct cb_error **err)
{
    size_t len = strcspn(text, ":="), address_len;
    struct cb_ip ip;

    out->name = xstrndup(text, len);
    out->address = xstrdup(text[len] ? text + len + 1 : "");
    address_len = strlen(out->address);
    if (address_len > 2 && out->address[0] == '[' &&
        out->address[address_len - 1] == ']') {
        memmove(out->address, out->address + 1, address_len - 2);
        out->address[address_len - 2] = '\0';
    }
    if (!text[len] || !*out->name || !are_domains(out->name))
        return bad_format(text, err);
    if (strcmp(out->address, "host-gateway") == 0 || cb_ip_parse(&ip, out->address) == 0)
        return 0;
    return cb_error_flag(err, text, "--add-host",
                         "invalid IP address in add-host: \"%s\"", out->address);
}

int cb_dns_check_host(const char *text, struct cb_error **err)
{
    cb_auto_value(extra_host) extra = {0};

    if (parse_extra(&extra, text, err) < 0)
        return -1;
    return strchr(extra.name, ',') ? bad_format(text, err) : 0;
}

static int add_extra(struct cb_strbuf *out, struct cb_network *network, const char *text,
                     struct cb_error **err)
{
    cb_auto_value(extra_host) extra = {0};
    char ip[CB_IP_MAX_TEXT] = "127.0.0.1";

    if (parse_extra(&extra, text, err) < 0)
        return -1;
    for (char *comma = extra.name; (comma = strchr(comma, ','));)
        *comma = ' ';
    if (strcmp(extra.address, "host-gateway") != 0) {
        cb_strbuf_addf(out, "%s\t%s\n", extra.address, extra.name);
        return 0;
    }
    if (network && network->facts.host.family)
        cb_ip_text(&network->facts.host, ip);
    cb_strbuf_addf(out, "%s\t%s\n", ip, extra.name);
    return 0;
}

static void add_own(struct cb_strbuf *out, const char *ip, const char *name)
{
    size_t len = strcspn(name, ".");

    cb_strbuf_addf(out, "%s\t%s", ip, name);
    if (name[len])
        cb_strbuf_addf(out, " %.*s", (int)len, name);
    cb_strbuf_addc(out, '\n');
}

void cb_network_add_own(struct cb_strbuf *out, const struct cb_network *network,
                        const char *name)
{
    const struct cb_ip *const ips[] = {&network->facts.address, &network->facts.address6};
    char ip[CB_IP_MAX_TEXT];

    for (size_t i = 0; i < CB_ARRAY_SIZE(ips); i++) {
        if (!ips[i]->family)
            continue;
        cb_ip_text(ips[i], ip);
        add_own(out, ip, name);
    }
}

static int is_containers_host(const struct cb_network *network)
{
    return network && network->id && cb_network_is_host(network);
}

/* The host's file says what it wants of the host's own name. */
static int is_host_name(const char *name)
{
    char own[HOST_NAME_MAX + 1] = "";

    return gethostname(own, sizeof(own)) == 0 && strcmp(own, name) == 0;
}

/* A container with the host's network finds there whom the host finds. */
static void add_first_names(struct cb_strbuf *out, const struct cb_network *network)
{
    if (is_containers_host(network) &&
        cb_fs_read_file(AT_FDCWD, "/etc/hosts", MAX_BYTES, out, NULL) == 0 && out->len) {
        if (out->text[out->len - 1] != '\n')
            cb_strbuf_addc(out, '\n');
        return;
    }
    cb_strbuf_truncate(out, 0);
    cb_strbuf_adds(out, "127.0.0.1\tlocalhost\n"
                        "::1\tlocalhost ip6-localhost ip6-loopback\n"
                        "fe00::0\tip6-localnet\n"
                        "ff00::0\tip6-mcastprefix\n"
                        "ff02::1\tip6-allnodes\n"
                        "ff02::2\tip6-allrouters\n");
}

/* The name of the container is its address's, as docker has it; a build's steps share an
 * address and are told apart by nothing. */
int cb_network_hosts(struct cb_network *network, const char *hostname,
                     const struct cb_strings *extra, char **out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (network && network->hosts) {
        *out = xstrdup(network->hosts);
        return 0;
    }
    add_first_names(&text, network);
    for (size_t i = 0; extra && i < extra->count; i++)
        if (add_extra(&text, network, extra->items[i], err) < 0)
            return -1;
    if (hostname && *hostname) {
        if (!is_domain(hostname))
            return cb_error_set(err, CB_ERR_USAGE, "invalid host name \"%s\"", hostname);
        if (network && network->id && network->facts.address.family)
            cb_network_add_own(&text, network, hostname);
        else if (!is_containers_host(network) || !is_host_name(hostname))
            add_own(&text, "127.0.0.1", hostname);
    }
    *out = cb_strbuf_steal(&text);
    return 0;
}
