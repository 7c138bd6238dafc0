/* Package URLs (https://github.com/package-url/purl-spec) of images. */
#include "oci/attestation.h"

#include "base/strbuf.h"

#include <string.h>

void cb_purl_escape(struct cb_strbuf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~:";

    for (; *text; text++) {
        if (strchr(plain, *text))
            cb_strbuf_addc(out, *text);
        else
            cb_strbuf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

/* Slashes part the name from what it belongs to. */
static void add_name(struct cb_strbuf *out, const char *name)
{
    for (;;) {
        size_t len = strcspn(name, "/");
        cb_autofree char *part = xstrndup(name, len);

        cb_purl_escape(out, part);
        if (!name[len])
            return;
        cb_strbuf_addc(out, '/');
        name += len + 1;
    }
}

char *cb_image_purl(const char *type, const struct cb_reference *reference,
                    const struct cb_platform *platform)
{
    cb_auto_value(cb_strbuf) out = {0};
    cb_autofree char *name = cb_reference_familiar_name(reference);
    cb_autofree char *wanted = platform ? cb_platform_text(platform) : NULL;
    char text[CB_DIGEST_MAX_TEXT];
    char mark = '?';

    cb_strbuf_addf(&out, "pkg:%s/", type);
    add_name(&out, name);
    if (reference->tag) {
        cb_strbuf_addc(&out, '@');
        cb_purl_escape(&out, reference->tag);
    }
    if (cb_digest_is_set(&reference->digest)) {
        cb_strbuf_addf(&out, "%cdigest=%s", mark,
                       cb_digest_text(&reference->digest, text));
        mark = '&';
    }
    if (wanted) {
        cb_strbuf_addf(&out, "%cplatform=", mark);
        cb_purl_escape(&out, wanted);
    }
    return cb_strbuf_steal(&out);
}

void cb_subjects_of_image(struct cb_subjects *out, const struct cb_digest *manifest,
                          const struct cb_strings *names,
                          const struct cb_platform *platform)
{
    cb_vec_foreach (name, names) {
        struct cb_subject subject = {.digest = *manifest};
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, *name, NULL) < 0)
            continue;
        cb_reference_default_tag(reference);
        subject.name = cb_image_purl("docker", reference, platform);
        cb_vec_push(out, subject);
    }
    if (!out->count) {
        struct cb_subject subject = {.name = xstrdup("_"), .digest = *manifest};

        cb_vec_push(out, subject);
    }
}
