/* {"version":1,"name":"registry/x:cache","queued":ns,"mediaType":"…","manifest":"{…}",
 *  "insecure":["host",…],"tlsVerify":true,"authFile":"/…","certDir":"/…",
 *  "tried":ns,"error":"…"} */
#include "store/outbox-priv.h"

#include <string.h>

#define FORM         1
#define MAX_INSECURE 1000

void cb_outbox_entry_free(struct cb_outbox_entry *entry)
{
    if (!entry)
        return;
    free(entry->name);
    cb_manifest_free(entry->manifest);
    free(entry->error);
    cb_strings_free(&entry->reach.insecure);
    free(entry->reach.auth_file);
    free(entry->reach.cert_dir);
    free(entry->log);
    free(entry);
}

void cb_outbox_free(struct cb_outbox *outbox)
{
    cb_vec_foreach (entry, outbox)
        cb_outbox_entry_free(*entry);
    cb_vec_free(outbox);
}

static void set_text(json_t *json, const char *key, const char *text)
{
    if (text)
        json_object_set_new(json, key, json_string(text));
}

json_t *cb_outbox_emit(const struct cb_outbox_entry *entry)
{
    const struct cb_outbox_reach *reach = &entry->reach;
    json_t *insecure = json_array();
    json_t *json = json_pack("{s:i,s:s,s:I,s:s,s:s%,s:o,s:b}", "version", FORM, "name",
                             entry->name, "queued", (json_int_t)entry->queued_ns,
                             "mediaType", entry->manifest->media_type, "manifest",
                             entry->manifest->bytes, entry->manifest->len, "insecure",
                             insecure, "tlsVerify", reach->tls_verify);

    cb_vec_foreach (host, &reach->insecure)
        json_array_append_new(insecure, json_string(*host));
    set_text(json, "authFile", reach->auth_file);
    set_text(json, "certDir", reach->cert_dir);
    if (entry->tried_ns)
        json_object_set_new(json, "tried", json_integer(entry->tried_ns));
    if (entry->error)
        json_object_set_new(json, "error", cb_json_from_text(entry->error));
    return json;
}

static int read_manifest(struct cb_outbox_entry *entry, const struct cb_json *root,
                         struct cb_error **err)
{
    struct cb_json member = cb_json_member(root, "manifest");
    cb_autofree char *media_type = NULL;
    const char *bytes;

    if (cb_json_required_text(root, "mediaType", &media_type, err) < 0 ||
        cb_json_required_string(&member, &bytes, err) < 0)
        return -1;
    return cb_manifest_parse(&entry->manifest, bytes, strlen(bytes), media_type, err);
}

static int read_reach(struct cb_outbox_reach *reach, const struct cb_json *root,
                      struct cb_error **err)
{
    struct cb_json insecure = cb_json_member(root, "insecure");
    struct cb_json verify = cb_json_member(root, "tlsVerify");

    if (cb_json_strings(&insecure, MAX_INSECURE, &reach->insecure, err) < 0 ||
        cb_json_bool(&verify, &reach->tls_verify, err) < 0 ||
        cb_json_text(root, "authFile", &reach->auth_file, err) < 0)
        return -1;
    return cb_json_text(root, "certDir", &reach->cert_dir, err);
}

int cb_outbox_parse(struct cb_outbox_entry **out, const char *bytes, size_t len,
                    struct cb_error **err)
{
    static const char what[] = "cache that waits";
    cb_auto(cb_outbox_entry) entry = xcalloc(1, sizeof(*entry));
    struct cb_json root, version, queued, tried;
    cb_auto_json *json = NULL;
    int64_t number;

    if (cb_json_parse(&json, what, bytes, len, CB_OUTBOX_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(json, what);
    version = cb_json_member(&root, "version");
    queued = cb_json_member(&root, "queued");
    tried = cb_json_member(&root, "tried");
    if (cb_json_expect_object(&root, err) < 0 ||
        cb_json_required_int64(&version, &number, err) < 0)
        return -1;
    if (number != FORM)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "of a later version of cbuild");
    if (cb_json_required_text(&root, "name", &entry->name, err) < 0 ||
        cb_json_required_int64(&queued, &entry->queued_ns, err) < 0 ||
        cb_json_int64(&tried, &entry->tried_ns, err) < 0 ||
        cb_json_text(&root, "error", &entry->error, err) < 0 ||
        read_reach(&entry->reach, &root, err) < 0 || read_manifest(entry, &root, err) < 0)
        return -1;
    *out = cb_steal(&entry);
    return 0;
}
