/* Parsing follows BuildKit's forms. What goes to git's command line is checked here by
 * character, not only put behind `--`: a ref is a pattern for ls-remote, and a host is an
 * argument of ssh. */
#include "context/git-url.h"

#include "base/fs.h"
#include "base/redact.h"
#include "context/git-query-priv.h"
#include "http/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAX_URL_BYTES 8192

void cb_git_ref_clear(struct cb_git_ref *ref)
{
    free(ref->remote);
    free(ref->userinfo);
    free(ref->scheme);
    free(ref->host);
    free(ref->ref);
    free(ref->subdir);
    free(ref->checksum);
    memset(ref, 0, sizeof(*ref));
}

static int is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return 0;
    }
    return 1;
}

int cb_git_is_commit(const char *text)
{
    size_t len = strlen(text);

    return (len == 40 || len == 64) && strspn(text, "0123456789abcdef") == len;
}

int cb_git_checksum_check(const char *text, struct cb_error **err)
{
    size_t len = strlen(text);

    if (len > 0 && len <= 64 && is_hex(text, len))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid checksum %s for Git URL, expected hex commit hash",
                        text);
}

/* ── Pieces ── */

static int bad(const char *text, const char *what, struct cb_error **err)
{
    cb_autofree char *shown = cb_redact_place(text);

    return cb_error_set(err, CB_ERR_USAGE, "git URL `%s`: %s", shown, what);
}

char *cb_git_clean_subdir(const char *text)
{
    cb_autofree char *clean = cb_path_join("/", text);

    return xstrdup(clean + strspn(clean, "/"));
}

/* The part behind `#`: REF:SUBDIR. */
static int take_fragment(struct cb_git_ref *out, const char *url, const char *fragment,
                         int decode, struct cb_error **err)
{
    cb_autofree char *text =
        decode ? cb_url_decode(fragment, strlen(fragment), 0) : xstrdup(fragment);
    size_t ref;

    if (!text)
        return bad(url, "a NUL in it", err);
    ref = strcspn(text, ":");
    out->ref = xstrndup(text, ref);
    out->subdir = cb_git_clean_subdir(text[ref] ? text + ref + 1 : "");
    return 0;
}

/* git-check-ref-format(1), which keeps out patterns (for ls-remote) and "..". */
static int is_ref_name(const char *ref)
{
    size_t len = strlen(ref);

    if (*ref == '-' || *ref == '/' || *ref == '.' || len > 1024 || strstr(ref, "..") ||
        strstr(ref, "@{") || strstr(ref, "//") || strpbrk(ref, " ~^:?*[\\"))
        return 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)ref[i] < ' ' || ref[i] == 0x7f)
            return 0;
    }
    return len == 0 || (ref[len - 1] != '/' && ref[len - 1] != '.');
}

static int has_odd_bytes(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p <= ' ' || *p == 0x7f)
            return 1;
    }
    return 0;
}

static int is_host(const char *host)
{
    return *host && *host != '-' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") == strlen(host);
}

static char *lower(const char *text, size_t len)
{
    char *copy = xstrndup(text, len);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static int check(const struct cb_git_ref *ref, const char *text, struct cb_error **err)
{
    if (strlen(text) > MAX_URL_BYTES)
        return cb_error_set(err, CB_ERR_USAGE, "a git URL of %zu bytes is too long",
                            strlen(text));
    if (!is_host(ref->host))
        return bad(text, "no valid host", err);
    if (has_odd_bytes(ref->remote))
        return bad(text, "blanks or control characters in it", err);
    if (!is_ref_name(ref->ref))
        return bad(text, "no valid name of a branch, tag or commit", err);
    return ref->checksum ? cb_git_checksum_check(ref->checksum, err) : 0;
}

/* ── scheme://[user@]host/path ── */

/* Length of "[a-zA-Z0-9]+", or 0, if "://" follows. */
static size_t scheme_length(const char *text)
{
    size_t len = 0;

    while (isalnum((unsigned char)text[len]))
        len++;
    return strncmp(text + len, "://", 3) == 0 ? len : 0;
}

/* http and ssh differ: of the first the userinfo is a secret to be sent in a header, of
 * the second it is the account, of which only a password is dropped. */
static int take_authority(struct cb_git_ref *out, const char *url, const char *authority,
                          size_t len, struct cb_strbuf *remote, struct cb_error **err)
{
    const char *at = memrchr(authority, '@', len);
    size_t user = at ? (size_t)(at - authority) : 0;
    const char *host = at ? at + 1 : authority;
    int is_http = strncmp(out->scheme, "http", 4) == 0;

    if (at && is_http) {
        out->userinfo = cb_url_decode(authority, user, 0);
        if (!out->userinfo || strpbrk(out->userinfo, "\r\n"))
            return bad(url, "no valid user name", err);
    } else if (at) {
        user = strcspn(authority, ":@");
        if (!user || *authority == '-')
            return bad(url, "no valid user name", err);
        cb_strbuf_addf(remote, "%.*s@", (int)user, authority);
    }
    out->host = lower(host, len - (size_t)(host - authority));
    cb_strbuf_adds(remote, out->host);
    return 0;
}

static int parse_url(struct cb_git_ref *out, const char *text, const char *url,
                     size_t scheme, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) remote = {0};
    const char *authority = url + scheme + 3;
    size_t len = strcspn(authority, "/?#");
    const char *path = authority + len;
    const char *query = path + strcspn(path, "?#");
    const char *fragment = query + strcspn(query, "#");

    cb_strbuf_addf(&remote, "%s://", out->scheme);
    if (take_authority(out, text, authority, len, &remote, err) < 0)
        return -1;
    cb_strbuf_add(&remote, path, (size_t)(query - path));
    out->remote = cb_strbuf_steal(&remote);
    if (take_fragment(out, text, *fragment ? fragment + 1 : "", 1, err) < 0)
        return -1;
    if (*query != '?')
        return 0;
    return cb_git_query(out, query + 1, (size_t)(fragment - query - 1), err);
}

/* ── user@host:path ── */

static size_t span(const char *text, const char *more)
{
    size_t len = 0;

    while (isalnum((unsigned char)text[len]) || (text[len] && strchr(more, text[len])))
        len++;
    return len;
}

/* Where the path begins, or 0 if the text is of another form. */
static size_t scp_path(const char *text)
{
    size_t user = span(text, "-_");
    size_t host;

    if (!user || text[user] != '@' || *text == '-')
        return 0;
    host = span(text + user + 1, "-.");
    if (!host || text[user + 1 + host] != ':')
        return 0;
    return user + host + 2;
}

static int parse_scp(struct cb_git_ref *out, const char *text, size_t at,
                     struct cb_error **err)
{
    const char *path = text + at;
    const char *host = strchr(text, '@') + 1;
    const char *query = path + strcspn(path, "?#");
    const char *fragment = query + strcspn(query, "#");

    out->scheme = xstrdup("ssh");
    out->host = lower(host, (size_t)(path - 1 - host));
    out->remote = xstrndup(text, (size_t)(query - text));
    if (query == path || *path == '-')
        return bad(text, "no valid path", err);
    if (take_fragment(out, text, *fragment ? fragment + 1 : "", 0, err) < 0)
        return -1;
    if (*query != '?')
        return 0;
    return cb_git_query(out, query + 1, (size_t)(fragment - query - 1), err);
}

/* ── All forms ── */

/* 1 and the scheme's length, 0. http and https need a path that ends in .git. */
static int is_git_url(const char *text, size_t scheme)
{
    static const char *const schemes[] = {"http", "https", "ssh", "git"};
    size_t len = strcspn(text, "?#");

    for (size_t i = 0; i < CB_ARRAY_SIZE(schemes); i++) {
        if (scheme != strlen(schemes[i]) || strncasecmp(text, schemes[i], scheme) != 0)
            continue;
        if (i > 1)
            return 1;
        return memchr(text + scheme + 3, '/', len - scheme - 3) && len > 4 &&
               strncmp(text + len - 4, ".git", 4) == 0;
    }
    return 0;
}

static int parse(struct cb_git_ref *out, const char *text, struct cb_error **err)
{
    static const char bare[] = "github.com/";
    size_t scheme = scheme_length(text);
    size_t scp = scp_path(text);

    out->keep_git_dir = out->submodules = -1;
    if (strncmp(text, bare, sizeof(bare) - 1) == 0) {
        cb_autofree char *url = xasprintf("https://%s", text);

        out->is_bare = 1;
        out->scheme = xstrdup("https");
        return parse_url(out, text, url, strlen("https"), err) < 0 ? -1 : 1;
    }
    if (scheme && is_git_url(text, scheme)) {
        out->scheme = lower(text, scheme);
        return parse_url(out, text, text, scheme, err) < 0 ? -1 : 1;
    }
    if (scheme || !scp)
        return 0;
    return parse_scp(out, text, scp, err) < 0 ? -1 : 1;
}

int cb_git_ref_parse(struct cb_git_ref *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_git_ref) ref = {0};
    int found = parse(&ref, text, err);

    if (found <= 0)
        return found;
    if (check(&ref, text, err) < 0)
        return -1;
    *out = ref;
    memset(&ref, 0, sizeof(ref));
    return 1;
}

char *cb_git_ref_shown(const struct cb_git_ref *ref, const char *name)
{
    cb_autofree char *remote = cb_redact_place(ref->remote);
    int has_name = name && *name, has_subdir = ref->subdir && *ref->subdir;

    return xasprintf("%s%s%s%s%s", remote, has_name || has_subdir ? "#" : "",
                     has_name ? name : "", has_subdir ? ":" : "",
                     has_subdir ? ref->subdir : "");
}
