/* Docker's own documents in an archive: manifest.json, which `docker load`, podman and
 * skopeo read, and the older `repositories`. */
#include "exporter/archive.h"

#include <string.h>

static void add_blob_path(struct cb_strbuf *out, const struct cb_digest *digest)
{
    char hex[CB_DIGEST_MAX_TEXT];

    cb_strbuf_addf(out, "\"blobs/%s/%s\"",
                   digest->algorithm == CB_SHA512 ? "sha512" : "sha256",
                   cb_digest_hex(digest, hex));
}

static void add_tags(struct cb_strbuf *out, const struct cb_strings *names)
{
    if (names->count == 0) {
        cb_strbuf_adds(out, "null");
        return;
    }
    cb_strbuf_addc(out, '[');
    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) == 0)
            familiar = cb_reference_familiar(reference);
        cb_strbuf_adds(out, i ? "," : "");
        cb_strbuf_add_json(out, familiar ? familiar : names->items[i]);
    }
    cb_strbuf_addc(out, ']');
}

char *cb_saved_manifest_json(const struct cb_saved *saved)
{
    cb_auto_value(cb_strbuf) out = {0};

    cb_strbuf_addc(&out, '[');
    for (size_t i = 0; i < saved->images.count; i++) {
        const struct cb_saved_image *entry = saved->images.items[i];

        cb_strbuf_adds(&out, i ? ",{\"Config\":" : "{\"Config\":");
        add_blob_path(&out, &entry->image->id);
        cb_strbuf_adds(&out, ",\"RepoTags\":");
        add_tags(&out, &entry->names);
        cb_strbuf_adds(&out, ",\"Layers\":[");
        for (size_t j = 0; j < entry->image->config->diff_ids.count; j++) {
            cb_strbuf_adds(&out, j ? "," : "");
            add_blob_path(&out, &entry->layers[j].digest);
        }
        cb_strbuf_adds(&out, "]}");
    }
    cb_strbuf_adds(&out, "]\n");
    return cb_strbuf_steal(&out);
}

/* {"name":{"tag":"<hex of the top layer>"}}, a repository's tags together. */
char *cb_saved_repositories(const struct cb_saved *saved)
{
    cb_auto_json *root = json_object();
    cb_auto_value(cb_strbuf) out = {0};
    cb_autofree char *text = NULL;

    cb_vec_foreach (image, &saved->images) {
        const struct cb_saved_image *entry = *image;
        size_t layers = entry->image->config->diff_ids.count;
        char hex[CB_DIGEST_MAX_TEXT];

        cb_digest_hex(layers ? &entry->layers[layers - 1].digest : &entry->image->id,
                      hex);
        for (size_t i = 0; i < entry->names.count; i++) {
            cb_auto(cb_reference) reference = NULL;
            cb_autofree char *name = NULL;
            json_t *tags;

            if (cb_reference_parse(&reference, entry->names.items[i], NULL) < 0)
                continue;
            name = cb_reference_familiar_name(reference);
            tags = json_object_get(root, name);
            if (!tags) {
                tags = json_object();
                json_object_set_new(root, name, tags);
            }
            json_object_set_new(tags, reference->tag, json_string(hex));
        }
    }
    text = cb_json_dump(root);
    cb_strbuf_addf(&out, "%s\n", text);
    return cb_strbuf_steal(&out);
}
