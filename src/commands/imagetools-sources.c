/* What `buildx imagetools create` makes its list of: references, digests and descriptors
 * (JSON, usually read from a file). The latter two say no repository: it is the only one
 * that the tags and references name. What a descriptor says of an image goes before what
 * the registry and the image's configuration say. */
#include "commands/imagetools.h"

#include "base/fs.h"
#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

void cb_imagetools_sources_free(struct cb_imagetools_sources *sources)
{
    cb_vec_foreach (source, sources) {
        free(source->name);
        cb_descriptor_free(&source->said);
    }
    cb_vec_free(sources);
}

/* ── One ── */

/* By way of an index, for an entry of one to be checked as any other is; what need not be
 * said is filled in. */
static int check_descriptor(const json_t *document, struct cb_descriptor *out,
                            struct cb_error **err)
{
    cb_auto_json *entry = json_deep_copy(document);
    cb_auto_json *list = json_pack("{s:i, s:s, s:[O]}", "schemaVersion", 2, "mediaType",
                                   CB_MT_OCI_INDEX, "manifests", entry);
    cb_auto(cb_index) index = NULL;
    cb_autofree char *text = NULL;
    int has_type = json_object_get(entry, "mediaType") != NULL;

    if (!has_type)
        json_object_set_new(entry, "mediaType", json_string(CB_MT_OCI_MANIFEST));
    if (!json_object_get(entry, "size"))
        json_object_set_new(entry, "size", json_integer(0));
    text = cb_json_dump(list);
    if (cb_index_parse(&index, text, strlen(text), NULL, err) < 0)
        return -1;
    cb_descriptor_copy(out, &index->manifests.items[0]);
    if (!has_type) {
        free(out->media_type);
        out->media_type = NULL;
    }
    return 0;
}

static int parse_descriptor(struct cb_imagetools_source *out, const char *text,
                            struct cb_error **err)
{
    cb_auto_json *document = NULL;

    if (cb_json_parse(&document, "descriptor", text, strlen(text), CB_MANIFEST_MAX_BYTES,
                      err) < 0)
        return -1;
    if (json_object_get(document, "schemaVersion"))
        return cb_error_set(err, CB_ERR_USAGE,
                            "expected a descriptor, got a manifest or index");
    if (!json_object_get(document, "digest"))
        return cb_error_set(err, CB_ERR_USAGE, "the descriptor has no digest");
    return check_descriptor(document, &out->said, err);
}

static int parse(struct cb_imagetools_source *out, const char *text,
                 struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (*text == '{')
        return parse_descriptor(out, text, err);
    if (strncmp(text, "sha256", 6) == 0 && !strchr(text, '/'))
        return cb_digest_parse(&out->said.digest, text, err);
    if (cb_reference_parse(&reference, text, err) < 0)
        return -1;
    out->name = xstrdup(text);
    return 0;
}

int cb_imagetools_source_add(struct cb_imagetools_sources *sources, const char *text,
                             struct cb_error **err)
{
    struct cb_imagetools_source source = {0};
    size_t start = strspn(text, " \t\r\n"), end = strlen(text);
    cb_autofree char *trimmed = NULL;

    while (end > start && isspace((unsigned char)text[end - 1]))
        end--;
    trimmed = xstrndup(text + start, end - start);
    if (parse(&source, trimmed, err) < 0) {
        cb_error_wrap(err, "failed to parse source \"%.200s\"", trimmed);
        return cb_error_hint(err, "sources are references, digests and descriptors");
    }
    cb_vec_push(sources, source);
    return 0;
}

int cb_imagetools_source_read(struct cb_imagetools_sources *sources, const char *file,
                              struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_file(AT_FDCWD, file, CB_MANIFEST_MAX_BYTES, &text, err) < 0)
        return -1;
    if (strlen(cb_strbuf_text(&text)) != text.len)
        return cb_error_set(err, CB_ERR_USAGE, "`%s`: a NUL byte in a descriptor", file);
    return cb_imagetools_source_add(sources, cb_strbuf_text(&text), err) < 0
               ? cb_error_wrap(err, "`%s`", file)
               : 0;
}

/* ── Their repository ── */

/* "host/path" of NAME into *ONLY; 0: it is another one. */
static int is_same_repository(char **only, const char *name)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *repository = NULL;

    if (cb_reference_parse(&reference, name, NULL) < 0)
        return 1;
    repository = xasprintf("%s/%s", reference->host, reference->path);
    if (*only)
        return strcmp(*only, repository) == 0;
    *only = cb_steal(&repository);
    return 1;
}

int cb_imagetools_sources_place(struct cb_imagetools_sources *sources,
                                const struct cb_strings *tags, struct cb_error **err)
{
    cb_autofree char *only = NULL;
    int one = 1;

    cb_vec_foreach (tag, tags)
        one &= is_same_repository(&only, *tag);
    cb_vec_foreach (source, sources)
        one &= !source->name || is_same_repository(&only, source->name);
    cb_vec_foreach (source, sources) {
        char digest[CB_DIGEST_MAX_TEXT];

        if (source->name)
            continue;
        cb_digest_text(&source->said.digest, digest);
        if (!only)
            return cb_error_set(err, CB_ERR_USAGE,
                                "no repositories specified, please set a reference in "
                                "tag or source");
        if (!one)
            return cb_error_set(err, CB_ERR_USAGE,
                                "multiple repositories specified, cannot infer "
                                "repository for %s",
                                digest);
        source->name = xasprintf("%s@%s", only, digest);
    }
    return 0;
}

/* ── What is said of an image ── */

static void say_platform(struct cb_platform *known, const struct cb_platform *said)
{
    struct cb_platform merged = *said;

    if (!*said->os && !*said->arch)
        return;
    if (!*merged.os)
        memcpy(merged.os, known->os, sizeof(merged.os));
    if (!*merged.arch) {
        memcpy(merged.arch, known->arch, sizeof(merged.arch));
        if (!*merged.variant)
            memcpy(merged.variant, known->variant, sizeof(merged.variant));
    }
    *known = merged;
}

int cb_imagetools_source_say(const struct cb_imagetools_source *source,
                             struct cb_descriptor *entry, struct cb_error **err)
{
    const struct cb_descriptor *said = &source->said;

    if (said->size && said->size != entry->size)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid size mismatch for %s, %" PRId64 " != %" PRId64,
                            source->name, said->size, entry->size);
    if (said->media_type) {
        free(entry->media_type);
        entry->media_type = xstrdup(said->media_type);
    }
    if (json_object_size(said->annotations)) {
        json_decref(entry->annotations);
        entry->annotations = json_deep_copy(said->annotations);
    }
    say_platform(&entry->platform, &said->platform);
    return 0;
}
