/* Image references by the grammar of distribution/reference, read by hand in one pass
 * over each part:
 *
 *     reference  = [domain "/"] path [":" tag] ["@" digest]
 *     domain     = host [":" port]      host = labels separated by dots, or "[" IPv6 "]"
 *     path       = components separated by "/", lower case
 *
 * The first component is a domain only if it looks like one: it holds a dot, a colon or
 * an upper-case letter, or is "localhost". All else is docker.io's. */
#include "oci/oci.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <string.h>

#define DEFAULT_HOST "docker.io"
#define LEGACY_HOST  "index.docker.io"
#define OFFICIAL     "library/"
#define MAX_PATH     255
#define MAX_TAG      128
#define MAX_TEXT     4096

struct part {
    const char *at;
    size_t len;
};

static int is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static int is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static int has_upper(struct part part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (is_upper(part.at[i]))
            return 1;
    }
    return 0;
}

static int is_host_label(const char *at, size_t len)
{
    if (len == 0 || at[0] == '-' || at[len - 1] == '-')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(at[i]) && at[i] != '-')
            return 0;
    }
    return 1;
}

static int is_ipv6(const char *at, size_t len)
{
    if (len < 3 || at[0] != '[' || at[len - 1] != ']')
        return 0;
    for (size_t i = 1; i + 1 < len; i++) {
        if (!isxdigit((unsigned char)at[i]) && at[i] != ':')
            return 0;
    }
    return 1;
}

static int is_host(const char *at, size_t len)
{
    const char *end = at + len;

    if (is_ipv6(at, len))
        return 1;
    for (;;) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        const char *label_end = dot ? dot : end;

        if (!is_host_label(at, (size_t)(label_end - at)))
            return 0;
        if (!dot)
            return 1;
        at = dot + 1;
    }
}

static int is_domain(struct part domain)
{
    size_t len = domain.len;

    while (len > 0 && isdigit((unsigned char)domain.at[len - 1]))
        len--;
    if (len > 0 && len < domain.len && domain.at[len - 1] == ':')
        return is_host(domain.at, len - 1);
    return is_host(domain.at, domain.len);
}

/* Letters and digits, joined by one dot, one or two underscores, or any number of dashes.
 */
static int is_path_component(const char *at, size_t len)
{
    size_t i = 0;

    while (i < len) {
        size_t start = i, separator;

        while (i < len && is_lower_alnum(at[i]))
            i++;
        if (i == start)
            return 0;
        if (i == len)
            return 1;
        separator = i;
        while (i < len && at[i] == at[separator])
            i++;
        if (at[separator] != '-' && (at[separator] != '_' || i - separator > 2) &&
            (at[separator] != '.' || i - separator > 1))
            return 0;
    }
    return 0;
}

static int is_path(struct part path)
{
    const char *at = path.at, *end = path.at + path.len;

    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *component_end = slash ? slash : end;

        if (!is_path_component(at, (size_t)(component_end - at)))
            return 0;
        if (!slash)
            return 1;
        at = slash + 1;
    }
}

static int is_tag(struct part tag)
{
    if (tag.len == 0 || tag.len > MAX_TAG || tag.at[0] == '.' || tag.at[0] == '-')
        return 0;
    for (size_t i = 0; i < tag.len; i++) {
        if (!is_alnum(tag.at[i]) && !strchr("_.-", tag.at[i]))
            return 0;
    }
    return 1;
}

static int looks_like_domain(struct part first)
{
    return memchr(first.at, '.', first.len) || memchr(first.at, ':', first.len) ||
           (first.len == 9 && memcmp(first.at, "localhost", 9) == 0) || has_upper(first);
}

/* Cuts TEXT behind the first FROM; the rest is empty with a NULL start if it is not
 * there. */
static struct part cut(struct part *text, char from)
{
    const char *at = memchr(text->at, from, text->len);
    struct part rest = {NULL, 0};

    if (at) {
        rest.at = at + 1;
        rest.len = text->len - (size_t)(at + 1 - text->at);
        text->len = (size_t)(at - text->at);
    }
    return rest;
}

static int is_image_id(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* The part of TEXT up to the "@" of "user:password@host/…", which people paste by
 * mistake; 0 when there is none. A digest has no slash behind its "@". */
static size_t userinfo_len(const char *text)
{
    const char *at = strchr(text, '@');

    return at && strchr(at, '/') ? (size_t)(at - text) : 0;
}

static int invalid(struct cb_error **err, const char *text, const char *why)
{
    size_t secret = userinfo_len(text);

    return cb_error_set(err, CB_ERR_SYNTAX, "`%s%.300s`: invalid reference format%s%s",
                        secret ? "xxxxx" : "", text + secret, *why ? ": " : "", why);
}

static char *part_text(struct part part)
{
    return part.at ? xstrndup(part.at, part.len) : NULL;
}

static struct cb_reference *new_reference(struct part domain, struct part path,
                                          struct part tag)
{
    struct cb_reference *reference = xcalloc(1, sizeof(*reference));
    int official;

    reference->host = domain.at ? part_text(domain) : xstrdup(DEFAULT_HOST);
    if (strcmp(reference->host, LEGACY_HOST) == 0) {
        free(reference->host);
        reference->host = xstrdup(DEFAULT_HOST);
    }
    official =
        strcmp(reference->host, DEFAULT_HOST) == 0 && !memchr(path.at, '/', path.len);
    reference->path =
        xasprintf("%s%.*s", official ? OFFICIAL : "", (int)path.len, path.at);
    reference->tag = part_text(tag);
    return reference;
}

int cb_reference_parse(struct cb_reference **out, const char *text, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    struct part path = {text, strnlen(text, MAX_TEXT)}, domain = {NULL, 0}, digest, tag;
    struct part first = path;

    if (path.len == 0)
        return invalid(err, text, "repository name must have at least one component");
    if (path.len == MAX_TEXT)
        return invalid(err, text, "too long");
    if (is_image_id(text))
        return invalid(err, text, "64 hexadecimal digits are an image ID, not a name");
    cut(&first, '/');
    if (first.len < path.len && looks_like_domain(first)) {
        domain = first;
        path.at += first.len + 1;
        path.len -= first.len + 1;
    }
    digest = cut(&path, '@');
    tag = cut(&path, ':');
    if (has_upper(path))
        return invalid(err, text, "repository name must be lowercase");
    if ((domain.at && !is_domain(domain)) || !is_path(path) || (tag.at && !is_tag(tag)))
        return invalid(err, text, "");
    reference = new_reference(domain, path, tag);
    if (strlen(reference->path) > MAX_PATH)
        return invalid(err, text, "repository name must not be more than 255 characters");
    if (digest.at && cb_digest_parse(&reference->digest, digest.at, NULL) < 0)
        return invalid(err, text, "invalid digest");
    *out = cb_steal(&reference);
    return 0;
}

void cb_reference_free(struct cb_reference *reference)
{
    if (!reference)
        return;
    free(reference->host);
    free(reference->path);
    free(reference->tag);
    free(reference);
}

int cb_reference_check_tag(const struct cb_reference *reference, struct cb_error **err)
{
    cb_autofree char *name = cb_reference_familiar_name(reference);

    if (cb_digest_is_set(&reference->digest))
        return cb_error_set(err, CB_ERR_USAGE,
                            "refusing to create a tag with a digest reference");
    if (strcmp(name, "sha256") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "refusing to create an ambiguous tag using digest algorithm "
                            "as name");
    return 0;
}

void cb_reference_default_tag(struct cb_reference *reference)
{
    if (!reference->tag && !cb_digest_is_set(&reference->digest))
        reference->tag = xstrdup("latest");
}

/* NAME (taken) with tag and digest. */
static char *with_version(const struct cb_reference *reference, char *name)
{
    cb_auto_value(cb_strbuf) text = {0};
    char digest[CB_DIGEST_MAX_TEXT];

    cb_strbuf_adds(&text, name);
    free(name);
    if (reference->tag)
        cb_strbuf_addf(&text, ":%s", reference->tag);
    if (cb_digest_is_set(&reference->digest))
        cb_strbuf_addf(&text, "@%s", cb_digest_text(&reference->digest, digest));
    return cb_strbuf_steal(&text);
}

char *cb_reference_canonical(const struct cb_reference *reference)
{
    return with_version(reference, xasprintf("%s/%s", reference->host, reference->path));
}

char *cb_reference_familiar_name(const struct cb_reference *reference)
{
    const char *path = reference->path;
    size_t official = strlen(OFFICIAL);

    if (strcmp(reference->host, DEFAULT_HOST) != 0)
        return xasprintf("%s/%s", reference->host, path);
    if (strncmp(path, OFFICIAL, official) == 0 && !strchr(path + official, '/'))
        path += official;
    return xstrdup(path);
}

char *cb_reference_familiar(const struct cb_reference *reference)
{
    return with_version(reference, cb_reference_familiar_name(reference));
}
