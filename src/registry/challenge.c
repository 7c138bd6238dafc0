/* One header may hold several challenges: `Basic realm="x", Bearer
 * realm="y",scope="a,b"`. A word followed by `=` is a parameter of the current challenge,
 * any other word opens the next one. */
#include "registry/challenge.h"

#include "base/strbuf.h"
#include "http/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void cb_challenge_clear(struct cb_challenge *challenge)
{
    free(challenge->realm);
    free(challenge->service);
    free(challenge->scope);
    memset(challenge, 0, sizeof(*challenge));
}

static int is_token(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~/", c));
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

static char *read_token(const char **text)
{
    const char *start = *text;

    while (is_token(**text))
        (*text)++;
    return xstrndup(start, (size_t)(*text - start));
}

/* A token or a quoted string; NULL when the quote does not end. */
static char *read_value(const char **text)
{
    cb_auto_value(cb_strbuf) value = {0};

    if (**text != '"')
        return read_token(text);
    for ((*text)++; **text && **text != '"'; (*text)++) {
        if (**text == '\\' && (*text)[1])
            (*text)++;
        cb_strbuf_addc(&value, **text);
    }
    if (**text != '"')
        return NULL;
    (*text)++;
    return cb_strbuf_steal(&value);
}

static void keep(char **slot, char **value)
{
    if (!*slot)
        *slot = cb_steal(value);
}

/* Reads `name=value` pairs; -1 when the text makes no sense. */
static int read_parameters(struct cb_challenge *challenge, const char **text)
{
    for (;;) {
        const char *start = *text = *text + strspn(*text, " \t,");
        cb_autofree char *name = read_token(text);
        cb_autofree char *value = NULL;
        const char *equals = skip_blanks(*text);

        if (!*name || *equals != '=') {
            *text = start;
            return 0;
        }
        *text = skip_blanks(equals + 1);
        value = read_value(text);
        if (!value)
            return -1;
        if (strcasecmp(name, "realm") == 0)
            keep(&challenge->realm, &value);
        else if (strcasecmp(name, "service") == 0)
            keep(&challenge->service, &value);
        else if (strcasecmp(name, "scope") == 0)
            keep(&challenge->scope, &value);
    }
}

static enum cb_challenge_scheme scheme_of(const char *name)
{
    if (strcasecmp(name, "bearer") == 0)
        return CB_CHALLENGE_BEARER;
    return strcasecmp(name, "basic") == 0 ? CB_CHALLENGE_BASIC : CB_CHALLENGE_OTHER;
}

int cb_challenge_parse(struct cb_challenge *out, const char *header)
{
    cb_auto_value(cb_challenge) best = {0};
    const char *text = header;

    for (int i = 0; i < CB_MAX_CHALLENGES; i++) {
        cb_auto_value(cb_challenge) next = {0};
        cb_autofree char *scheme = NULL;

        text += strspn(text, " \t,");
        scheme = read_token(&text);
        if (!*scheme)
            break;
        next.scheme = scheme_of(scheme);
        if (read_parameters(&next, &text) < 0)
            break;
        if (next.scheme > best.scheme &&
            (next.scheme != CB_CHALLENGE_BEARER || next.realm)) {
            cb_challenge_clear(&best);
            best = next;
            memset(&next, 0, sizeof(next));
        }
    }
    if (best.scheme == CB_CHALLENGE_OTHER)
        return 0;
    *out = best;
    memset(&best, 0, sizeof(best));
    return 1;
}

/* Is `rel` among the parameters that follow a link, with the value NEXT? */
static int is_next(const char **text)
{
    int found = 0;

    while (*(*text = skip_blanks(*text)) == ';') {
        cb_autofree char *name = NULL;
        cb_autofree char *value = NULL;

        *text = skip_blanks(*text + 1);
        name = read_token(text);
        *text = skip_blanks(*text);
        if (**text != '=')
            continue;
        *text = skip_blanks(*text + 1);
        value = read_value(text);
        if (!value)
            return 0;
        if (strcasecmp(name, "rel") == 0 && strcasecmp(value, "next") == 0)
            found = 1;
    }
    return found;
}

char *cb_link_next(const char *header)
{
    const char *text = header;

    while (*(text += strspn(text, " \t,")) == '<') {
        size_t len = strcspn(text + 1, ">");
        const char *target = text + 1;

        if (target[len] != '>')
            return NULL;
        text = target + len + 1;
        if (is_next(&text))
            return xstrndup(target, len);
    }
    return NULL;
}

/* The last COUNT labels of NAME; NULL when it has fewer. */
static const char *last_labels(const char *name, int count)
{
    const char *at = name + strlen(name);

    while (at > name) {
        if (at[-1] == '.' && --count == 0)
            return at;
        at--;
    }
    return count == 1 ? name : NULL;
}

/* What one owner holds: two labels, three below suffixes such as co.uk. NULL when NAME is
 * too short to have one. */
static const char *registrable(const char *name)
{
    const char *top = last_labels(name, 1);
    const char *two = last_labels(name, 2);

    if (two && strlen(top) == 2 && top - two <= 4)
        return last_labels(name, 3);
    return two;
}

int cb_realm_trusted(const char *registry_url, const char *realm_url)
{
    cb_auto_value(cb_url) registry = {0};
    cb_auto_value(cb_url) realm = {0};
    const char *one, *two;

    if (cb_url_same_origin(registry_url, realm_url))
        return 1;
    if (cb_url_parse(&registry, registry_url, NULL) < 0 ||
        cb_url_parse(&realm, realm_url, NULL) < 0 || strcmp(realm.scheme, "https") != 0)
        return 0;
    if (cb_host_is_address(registry.host) || cb_host_is_address(realm.host) ||
        cb_host_is_loopback(registry.host) || cb_host_is_loopback(realm.host))
        return 0;
    if (strcmp(registry.host, realm.host) == 0)
        return 1;
    one = registrable(registry.host);
    two = registrable(realm.host);
    return one && two && strcmp(one, two) == 0;
}
