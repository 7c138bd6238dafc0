/* One small JSON file per URL below <store>/urls, named by the URL's digest: validators
 * and the digest of the body they were sent with. A hint only: written without syncing,
 * and a body that is gone is simply fetched again. */
#include "context/remote-priv.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MEMORY_MAX_BYTES    8192
#define VALIDATOR_MAX_BYTES 1024

void cb_url_memory_clear(struct cb_url_memory *memory)
{
    free(memory->etag);
    free(memory->modified);
    *memory = (struct cb_url_memory){.mtime_s = -1};
}

int64_t cb_http_date(const char *text)
{
    static const char *const formats[] = {
        "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};

    for (size_t i = 0; text && i < CB_ARRAY_SIZE(formats); i++) {
        struct tm parts = {0};
        const char *end = strptime(text, formats[i], &parts);

        if (end && !end[strspn(end, " \t")])
            return timegm(&parts);
    }
    return -1;
}

/* ── The file ── */

static char *file_name(const char *url)
{
    struct cb_digest digest = cb_digest_of(url, strlen(url));
    char hex[CB_DIGEST_MAX_TEXT];

    return xasprintf("urls/%s.json", cb_digest_hex(&digest, hex));
}

/* Something to be sent in a header: short, printable. */
static int is_validator(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (!len || len > VALIDATOR_MAX_BYTES)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f)
            return 0;
    }
    return 1;
}

static char *validator(const struct cb_json *root, const char *key)
{
    struct cb_json member = cb_json_member(root, key);
    const char *text = NULL;

    if (cb_json_string(&member, &text, NULL) < 0 || !is_validator(text))
        return NULL;
    return xstrdup(text);
}

void cb_url_recall(struct cb_store *store, const char *url, struct cb_url_memory *out)
{
    cb_autofree char *name = file_name(url);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *json = NULL;
    struct cb_json root, digest, mtime;
    const char *digest_text = NULL;

    *out = (struct cb_url_memory){.mtime_s = -1};
    if (cb_fs_read_file(cb_store_root_fd(store), name, MEMORY_MAX_BYTES, &text, NULL) <
            0 ||
        cb_json_parse(&json, "urls", cb_strbuf_text(&text), text.len, MEMORY_MAX_BYTES,
                      NULL) < 0)
        return;
    root = cb_json_root(json, "urls");
    if (cb_json_expect_object(&root, NULL) < 0)
        return;
    digest = cb_json_member(&root, "digest");
    mtime = cb_json_member(&root, "mtime");
    if (cb_json_required_string(&digest, &digest_text, NULL) < 0 ||
        cb_digest_parse(&out->digest, digest_text, NULL) < 0)
        return;
    if (!cb_json_is_absent(&mtime) && cb_json_int64(&mtime, &out->mtime_s, NULL) < 0)
        out->mtime_s = -1;
    out->etag = validator(&root, "etag");
    out->modified = validator(&root, "modified");
}

void cb_url_remember(struct cb_store *store, const char *url,
                     const struct cb_url_memory *memory)
{
    int root = cb_store_root_fd(store);
    cb_autofree char *name = file_name(url);
    cb_autofree char *text = NULL;
    cb_auto_json *json = json_object();
    char digest[CB_DIGEST_MAX_TEXT];

    json_object_set_new(json, "digest",
                        json_string(cb_digest_text(&memory->digest, digest)));
    if (memory->mtime_s >= 0)
        json_object_set_new(json, "mtime", json_integer(memory->mtime_s));
    if (is_validator(memory->etag))
        json_object_set_new(json, "etag", json_string(memory->etag));
    if (is_validator(memory->modified))
        json_object_set_new(json, "modified", json_string(memory->modified));
    text = cb_json_dump(json);
    if (mkdirat(root, "urls", 0700) < 0 && errno != EEXIST)
        return;
    cb_atomic_file_write(root, name, text, strlen(text), 0600, 0, NULL);
}
