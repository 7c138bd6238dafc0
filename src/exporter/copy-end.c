/* skopeo's names of places: a transport, a colon and what that one understands. What has
 * none is a name of the store's. */
#include "exporter/copy.h"

#include <string.h>

void cb_copy_end_clear(struct cb_copy_end *end)
{
    free(end->path);
    free(end->tag);
    free(end->name);
    cb_reference_free(end->reference);
    memset(end, 0, sizeof(*end));
}

static const struct {
    const char *prefix;
    enum cb_copy_kind kind;
} transports[] = {
    {"docker://", CB_COPY_REGISTRY},
    {"oci:", CB_COPY_LAYOUT},
    {"oci-archive:", CB_COPY_OCI_ARCHIVE},
    {"docker-archive:", CB_COPY_DOCKER_ARCHIVE},
    {"dir:", CB_COPY_DIR},
    {"store:", CB_COPY_STORE},
};

/* Transports of others, of which a name in the store would make no sense. */
static int check_foreign(const char *text, struct cb_error **err)
{
    static const char *const foreign[] = {
        "containers-storage:", "docker-daemon:", "ostree:", "tarball:", "sif:"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(foreign); i++) {
        if (strncmp(text, foreign[i], strlen(foreign[i])) != 0)
            continue;
        cb_error_set(err, CB_ERR_UNSUPPORTED, "`%s`: there is no transport `%s`", text,
                     foreign[i]);
        return cb_error_hint(err, "docker:// is a registry, oci:, oci-archive:, "
                                  "docker-archive: and dir: are files, store: is here");
    }
    return 0;
}

static int parse_reference(struct cb_copy_end *end, const char *text,
                           struct cb_error **err)
{
    if (cb_reference_parse(&end->reference, text, err) < 0)
        return -1;
    cb_reference_default_tag(end->reference);
    return 0;
}

/* DIR[:TAG], DIR@DIGEST; a tag may be a whole name. */
static int parse_layout(struct cb_copy_end *end, const char *text, struct cb_error **err)
{
    const char *at = strstr(text, "@sha256:");
    const char *colon = at ? NULL : strchr(text, ':');

    if (at && cb_digest_parse(&end->digest, at + 1, err) < 0)
        return -1;
    end->path = at      ? xstrndup(text, (size_t)(at - text))
                : colon ? xstrndup(text, (size_t)(colon - text))
                        : xstrdup(text);
    if (colon && colon[1])
        end->tag = xstrdup(colon + 1);
    return 0;
}

static int parse_rest(struct cb_copy_end *end, const char *rest, struct cb_error **err)
{
    const char *colon = strchr(rest, ':');

    switch (end->kind) {
    case CB_COPY_REGISTRY:
        return parse_reference(end, rest, err);
    case CB_COPY_LAYOUT:
    case CB_COPY_OCI_ARCHIVE:
        return parse_layout(end, rest, err);
    case CB_COPY_DOCKER_ARCHIVE:
        end->path = xstrndup(rest, strcspn(rest, ":"));
        return colon && colon[1] ? parse_reference(end, colon + 1, err) : 0;
    case CB_COPY_DIR:
        end->path = xstrdup(rest);
        return 0;
    case CB_COPY_STORE:
        end->name = xstrdup(rest);
        /* An id is none, and means something as a source. */
        cb_reference_parse(&end->reference, rest, NULL);
        if (end->reference)
            cb_reference_default_tag(end->reference);
        return 0;
    }
    return 0;
}

int cb_copy_end_parse(struct cb_copy_end *out, const char *text, struct cb_error **err)
{
    const char *rest = text;

    out->kind = CB_COPY_STORE;
    if (check_foreign(text, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(transports); i++) {
        size_t len = strlen(transports[i].prefix);

        if (strncmp(text, transports[i].prefix, len) == 0) {
            out->kind = transports[i].kind;
            rest = text + len;
            break;
        }
    }
    if (parse_rest(out, rest, err) < 0)
        return cb_error_wrap(err, "`%s`", text);
    if ((out->path && !*out->path) || (out->name && !*out->name))
        return cb_error_set(err, CB_ERR_USAGE, "`%s`: nothing is named", text);
    return 0;
}
