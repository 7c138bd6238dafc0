/* The checks that keep one document from being read as two different things
 * (CVE-2021-41190). */
#include "oci/oci-priv.h"

#include <string.h>

static int check_version(const struct cb_json *root, struct cb_error **err)
{
    struct cb_json member = cb_json_member(root, "schemaVersion");
    int64_t version;

    if (cb_json_int64(&member, &version, err) < 0)
        return -1;
    if (version == 1) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "%s: schema version 1 is not supported",
                     root->what);
        return cb_error_hint(err,
                             "pull and push the image once with a current registry tool");
    }
    if (version != 2)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s.schemaVersion: expected 2",
                            root->what);
    return 0;
}

/* Content types may carry parameters: "…+json; charset=utf-8". */
static char *bare_type(const char *media_type)
{
    size_t len = media_type ? strcspn(media_type, "; \t") : 0;

    return len ? xstrndup(media_type, len) : NULL;
}

int cb_document_check(const struct cb_json *root, const char *media_type,
                      enum cb_media_kind kind, const char *oci_type,
                      const char *const *forbidden, char **declared,
                      struct cb_error **err)
{
    struct cb_json member = cb_json_member(root, "mediaType");
    cb_autofree char *expected = bare_type(media_type);
    const char *own;

    if (cb_json_expect_object(root, err) < 0 || check_version(root, err) < 0 ||
        cb_json_string(&member, &own, err) < 0)
        return -1;
    for (; *forbidden; forbidden++) {
        struct cb_json other = cb_json_member(root, *forbidden);

        if (!cb_json_is_absent(&other))
            return cb_error_set(
                err, CB_ERR_INTEGRITY,
                "%s: has no business with `%s`: neither clearly an index nor "
                "clearly a manifest",
                root->what, *forbidden);
    }
    if (own && !*own)
        own = NULL;
    if (own && expected && strcmp(own, expected) != 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s.mediaType: `%s`, but sent as `%s`",
                            root->what, own, expected);
    if (!own)
        own = expected ? expected : oci_type;
    if (cb_media_kind(own) != kind)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: unexpected media type `%s`",
                            root->what, own);
    *declared = xstrdup(own);
    return 0;
}

char *cb_document_bytes(const char *bytes, size_t len)
{
    char *copy = xmalloc(len + 1);

    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}
