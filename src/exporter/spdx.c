/* The document (SPDX 2.3, https://spdx.github.io/spdx-spec/v2.3/): the image as a package
 * that contains the others. What a package says of its license is a comment: it need not
 * be an expression of SPDX. */
#include "exporter/sbom-priv.h"

#include "base/strbuf.h"
#include "base/timestamp.h"
#include "oci/attestation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NO_ASSERTION "NOASSERTION"
#define ROOT_ID      "SPDXRef-DocumentRoot-Image"
#define OS_ID        "SPDXRef-OperatingSystem"
#define TEXT_MAX     8192 /* a package URL, all of it escaped */

/* What strangers wrote: bounded, and UTF-8. */
static json_t *text_json(const char *text)
{
    size_t len = strnlen(text, TEXT_MAX);
    cb_auto_value(cb_strbuf) shown = {0};
    json_t *json = json_stringn(text, len);

    if (json)
        return json;
    cb_strbuf_add_escaped(&shown, text, len, 0);
    return json_string(cb_strbuf_text(&shown));
}

static void set(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text_json(text));
}

/* ── Package URLs ── */

static void add_qualifier(struct cb_strbuf *out, char *mark, const char *key,
                          const char *value)
{
    if (!value || !*value)
        return;
    cb_strbuf_addf(out, "%c%s=", *mark, key);
    cb_purl_escape(out, value);
    *mark = '&';
}

/* Slashes stay: they part the namespace, which is the beginning of a name. */
static void add_name(struct cb_strbuf *out, const char *name, int fold)
{
    for (; *name; name++) {
        char one[2] = {fold ? (char)tolower((unsigned char)*name) : *name, '\0'};

        if (fold && (*one == '_' || *one == '.'))
            *one = '-';
        if (*one == '/')
            cb_strbuf_addc(out, '/');
        else
            cb_purl_escape(out, one);
    }
}

static char *purl_of(const struct cb_package *package, const struct cb_os_release *os)
{
    int is_system = !strcmp(package->type, "deb") || !strcmp(package->type, "apk") ||
                    !strcmp(package->type, "rpm");
    cb_auto_value(cb_strbuf) out = {0};
    cb_autofree char *distro = NULL;
    char mark = '?';

    cb_strbuf_addf(&out, "pkg:%s/", package->type);
    if (is_system && os->id) {
        cb_purl_escape(&out, os->id);
        cb_strbuf_addc(&out, '/');
        distro = os->version ? xasprintf("%s-%s", os->id, os->version) : xstrdup(os->id);
    }
    add_name(&out, package->name, !strcmp(package->type, "pypi"));
    cb_strbuf_addc(&out, '@');
    cb_purl_escape(&out, package->version);
    add_qualifier(&out, &mark, "arch", package->arch);
    add_qualifier(&out, &mark, "distro", distro);
    add_qualifier(&out, &mark, "epoch", package->epoch);
    return cb_strbuf_steal(&out);
}

/* ── Packages ── */

/* "SPDXRef-Package-deb-bash-17": letters, digits, dots and hyphens only. */
static char *id_of(const struct cb_package *package, size_t number)
{
    cb_auto_value(cb_strbuf) out = {0};

    cb_strbuf_addf(&out, "SPDXRef-Package-%s-", package->type);
    for (size_t i = 0; package->name[i] && i < 100; i++) {
        unsigned char c = (unsigned char)package->name[i];

        cb_strbuf_addc(&out, (c < 0x80 && isalnum(c)) || c == '.' ? (char)c : '-');
    }
    cb_strbuf_addf(&out, "-%zu", number);
    return cb_strbuf_steal(&out);
}

static json_t *new_package(const char *name, const char *id)
{
    json_t *json = json_object();

    set(json, "name", name);
    set(json, "SPDXID", id);
    return json;
}

static void close_package(json_t *json)
{
    set(json, "downloadLocation", NO_ASSERTION);
    json_object_set_new(json, "filesAnalyzed", json_false());
    set(json, "licenseConcluded", NO_ASSERTION);
    set(json, "licenseDeclared", NO_ASSERTION);
    set(json, "copyrightText", NO_ASSERTION);
}

static void set_commented(json_t *json, const char *key, const char *before,
                          const char *text)
{
    cb_autofree char *whole = NULL;

    if (!text || !*text)
        return;
    whole = xasprintf("%s%s", before, text);
    set(json, key, whole);
}

static json_t *package_json(const struct cb_package *package,
                            const struct cb_os_release *os, const char *id)
{
    cb_autofree char *purl = purl_of(package, os);
    json_t *json = new_package(package->name, id);
    json_t *references = json_array(), *reference = json_object();

    set(json, "versionInfo", package->version);
    set_commented(json, "originator", "Organization: ", package->supplier);
    set_commented(json, "sourceInfo", "found in /", package->path);
    set_commented(json, "licenseComments", "as the package has it: ", package->license);
    close_package(json);
    set(reference, "referenceCategory", "PACKAGE-MANAGER");
    set(reference, "referenceType", "purl");
    set(reference, "referenceLocator", purl);
    json_array_append_new(references, reference);
    json_object_set_new(json, "externalRefs", references);
    return json;
}

static json_t *image_json(const char *name)
{
    json_t *json = new_package(name, ROOT_ID);

    close_package(json);
    set(json, "primaryPackagePurpose", "CONTAINER");
    return json;
}

static json_t *os_json(const struct cb_os_release *os)
{
    json_t *json = new_package(os->id, OS_ID);

    if (os->version)
        set(json, "versionInfo", os->version);
    if (os->pretty_name)
        set(json, "description", os->pretty_name);
    close_package(json);
    set(json, "primaryPackagePurpose", "OPERATING_SYSTEM");
    return json;
}

/* ── The document ── */

static void relate(json_t *list, const char *from, const char *type, const char *to)
{
    json_t *json = json_object();

    set(json, "spdxElementId", from);
    set(json, "relationshipType", type);
    set(json, "relatedSpdxElement", to);
    json_array_append_new(list, json);
}

static json_t *creation_json(const struct cb_sbom_options *options)
{
    struct timespec time = {.tv_sec = options->epoch_s >= 0 ? options->epoch_s
                                                            : options->created.tv_sec};
    json_t *json = json_object(), *creators = json_array();
    char text[CB_TIMESTAMP_MAX];

    set(json, "created", cb_timestamp_format(time, text));
    json_array_append_new(creators, json_string("Tool: cbuild-" PACKAGE_VERSION));
    json_object_set_new(json, "creators", creators);
    return json;
}

/* Documents that say the same, and only these, have the same one. */
static void set_namespace(json_t *document)
{
    cb_autofree char *text = cb_json_dump(document);
    struct cb_digest digest = cb_digest_of(text, strlen(text));
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *space = NULL;

    cb_digest_hex(&digest, hex);
    space = xasprintf("urn:uuid:%.8s-%.4s-5%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12,
                      hex + 15, hex + 18);
    set(document, "documentNamespace", space);
}

json_t *cb_spdx_document(const struct cb_sbom_options *options,
                         const struct cb_os_release *os,
                         const struct cb_packages *packages)
{
    const char *name = options->name && *options->name ? options->name : "image";
    json_t *document = json_object(), *list = json_array(), *relations = json_array();

    set(document, "spdxVersion", "SPDX-2.3");
    set(document, "dataLicense", "CC0-1.0");
    set(document, "SPDXID", "SPDXRef-DOCUMENT");
    set(document, "name", name);
    set(document, "documentNamespace", "");
    json_object_set_new(document, "creationInfo", creation_json(options));
    if (packages->left_out)
        json_object_set_new(document, "comment",
                            json_sprintf("%llu further packages are left out",
                                         (unsigned long long)packages->left_out));
    json_array_append_new(list, image_json(name));
    relate(relations, "SPDXRef-DOCUMENT", "DESCRIBES", ROOT_ID);
    if (os->id && *os->id) {
        json_array_append_new(list, os_json(os));
        relate(relations, ROOT_ID, "CONTAINS", OS_ID);
    }
    for (size_t i = 0; i < packages->count; i++) {
        cb_autofree char *id = id_of(&packages->items[i], i + 1);

        json_array_append_new(list, package_json(&packages->items[i], os, id));
        relate(relations, ROOT_ID, "CONTAINS", id);
    }
    json_object_set_new(document, "packages", list);
    json_object_set_new(document, "relationships", relations);
    set_namespace(document);
    return document;
}
