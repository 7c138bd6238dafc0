/* What a container's resolver knows by itself: who is on its networks, as their leases
 * say at this moment. */
#include "network/resolver-priv.h"

#include "network/dns-message-priv.h"
#include "network/named-priv.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct inquiry {
    struct cb_dns_question question;
    struct cb_strbuf *out;
    int is_known;
};

/* NAME, with the network's behind it or without. */
static int is_called(const char *asked, const char *name, const char *network)
{
    size_t len = strlen(name);

    return strncasecmp(asked, name, len) == 0 &&
           (!asked[len] ||
            (asked[len] == '.' && strcasecmp(asked + len + 1, network) == 0));
}

static int is_meant(const struct cb_network_endpoint *endpoint, const char *asked,
                    const char *network)
{
    cb_autofree char *id = xstrndup(endpoint->id, CB_NETWORK_ID_PART);

    if (is_called(asked, endpoint->name, network) || is_called(asked, id, network))
        return 1;
    cb_vec_foreach (alias, &endpoint->aliases) {
        if (is_called(asked, *alias, network))
            return 1;
    }
    return 0;
}

/* ASKED is what a link of NETWORK calls ENDPOINT. */
static int is_linked(const struct cb_network_endpoint *endpoint, const char *asked,
                     const struct cb_network *network)
{
    cb_vec_foreach (link, &network->links) {
        const char *text = *link + (**link == '/'); /* as names may be written */
        size_t len = strcspn(text, ":");
        cb_autofree char *to = xstrndup(text, len);
        const char *alias = text[len] ? text + len + 1 : to;

        if (is_called(asked, alias, network->def->name) &&
            is_meant(endpoint, to, network->def->name))
            return 1;
    }
    return 0;
}

/* What is asked for may be what it does not have: then it is known that there is none. */
static void tell_address(struct inquiry *inquiry, const char *text, enum cb_dns_type type)
{
    struct cb_ip ip;

    inquiry->is_known = 1;
    if (inquiry->question.type == (unsigned)type && cb_ip_parse(&ip, text) == 0)
        cb_dns_answer_add_ip(inquiry->out, &ip);
}

static int is_reverse(const char *asked, const char *text)
{
    char name[CB_DNS_REVERSE_MAX];
    struct cb_ip ip;

    return cb_ip_parse(&ip, text) == 0 && strcmp(cb_dns_reverse(&ip, name), asked) == 0;
}

static void tell_name(struct inquiry *inquiry, const struct cb_network_endpoint *endpoint,
                      const char *network)
{
    const char *asked = inquiry->question.name;
    cb_autofree char *name = xasprintf("%s.%s", endpoint->name, network);

    if (!is_reverse(asked, endpoint->ip) && !is_reverse(asked, endpoint->ip6))
        return;
    inquiry->is_known = 1;
    cb_dns_answer_add_name(inquiry->out, name);
}

/* Several of one name are told in turns. Where there is a bridge, another server knows
 * the names that are everybody's. */
static void look_on(struct inquiry *inquiry, const struct cb_network *network,
                    unsigned turn)
{
    const struct cb_network_def *def = network->def;
    int is_direct = cb_network_is_direct(def->driver);
    const char *asked = inquiry->question.name;
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    cb_network_endpoints(def, &endpoints);
    for (size_t i = 0; i < endpoints.count; i++) {
        const struct cb_network_endpoint *endpoint =
            &endpoints.items[(i + turn) % endpoints.count];

        if (is_direct && inquiry->question.type == CB_DNS_PTR)
            tell_name(inquiry, endpoint, def->name);
        if (!(is_direct && is_meant(endpoint, asked, def->name)) &&
            !is_linked(endpoint, asked, network))
            continue;
        tell_address(inquiry, endpoint->ip, CB_DNS_A);
        tell_address(inquiry, endpoint->ip6, CB_DNS_AAAA);
    }
}

int cb_resolver_know(struct cb_resolver *resolver, const struct cb_strbuf *query,
                     size_t most, struct cb_strbuf *out)
{
    struct inquiry inquiry = {.out = out};

    if (cb_dns_question_read(&inquiry.question, query->text, query->len) < 0)
        return 0;
    cb_dns_answer_begin(out, query->text, &inquiry.question, 0);
    pthread_mutex_lock(&resolver->lock);
    for (size_t i = 0; i < resolver->network_count; i++)
        look_on(&inquiry, resolver->networks[i], resolver->turn);
    pthread_mutex_unlock(&resolver->lock);
    resolver->turn++;
    cb_dns_answer_fit(out, &inquiry.question, most);
    if (!inquiry.is_known)
        cb_strbuf_truncate(out, 0);
    return inquiry.is_known;
}
