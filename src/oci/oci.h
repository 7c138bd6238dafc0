/* OCI image-spec v1.1 documents and Docker schema 2 in their two spellings, references
 * and platforms. Pure: bytes to values and back. Documents from the other side are
 * checked on parse: sizes not negative, digests well formed, no document that is both
 * index and manifest (CVE-2021-41190), limits below. */
#ifndef CB_OCI_OCI_H
#define CB_OCI_OCI_H

#include "base/digest.h"
#include "base/json.h"
#include "base/vec.h"

#include <stdint.h>

#define CB_MANIFEST_MAX_BYTES (4u << 20) /* manifest, index and config */
#define CB_MAX_LAYERS         500
#define CB_MAX_INDEX_ENTRIES  1000

/* Media types (OCI media-types.md; Docker's "Image Manifest Version 2, Schema 2"). */
#define CB_MT_OCI_INDEX         "application/vnd.oci.image.index.v1+json"
#define CB_MT_OCI_MANIFEST      "application/vnd.oci.image.manifest.v1+json"
#define CB_MT_OCI_CONFIG        "application/vnd.oci.image.config.v1+json"
#define CB_MT_OCI_LAYER         "application/vnd.oci.image.layer.v1.tar"
#define CB_MT_OCI_LAYER_GZIP    "application/vnd.oci.image.layer.v1.tar+gzip"
#define CB_MT_OCI_LAYER_ZSTD    "application/vnd.oci.image.layer.v1.tar+zstd"
#define CB_MT_DOCKER_LIST       "application/vnd.docker.distribution.manifest.list.v2+json"
#define CB_MT_DOCKER_MANIFEST   "application/vnd.docker.distribution.manifest.v2+json"
#define CB_MT_DOCKER_CONFIG     "application/vnd.docker.container.image.v1+json"
#define CB_MT_DOCKER_LAYER      "application/vnd.docker.image.rootfs.diff.tar"
#define CB_MT_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

enum cb_media_kind {
    CB_MEDIA_UNKNOWN,
    CB_MEDIA_INDEX,
    CB_MEDIA_MANIFEST,
    CB_MEDIA_CONFIG,
    CB_MEDIA_LAYER,
};
enum cb_compression { CB_COMPRESSION_NONE, CB_COMPRESSION_GZIP, CB_COMPRESSION_ZSTD };

/* "gzip", "zstd", "uncompressed". 0: NAME is none of them. */
int cb_compression_parse(enum cb_compression *out, const char *name);

enum cb_media_kind cb_media_kind(const char *media_type);
/* Also foreign and non-distributable layers. -1 if not a layer type. */
int cb_media_compression(const char *media_type, enum cb_compression *out);
const char *cb_media_layer(enum cb_compression compression, int docker);

/* os/arch[/variant], normalised: "linux/arm64/v8" is linux/arm64, arm is arm/v7, x86_64
 * is amd64. */
struct cb_platform {
    char os[32], arch[32], variant[32], os_version[64];
    char os_features[128]; /* separated by commas */
};
int cb_platform_parse(struct cb_platform *out, const char *text, struct cb_error **err);
struct cb_platform cb_platform_host(void);
/* "linux/amd64". Caller frees. */
char *cb_platform_text(const struct cb_platform *platform);
int cb_platform_equal(const struct cb_platform *a, const struct cb_platform *b);
/* How well HAVE serves WANT: 0 not at all, higher is better (exact variant over lower
 * ones). */
int cb_platform_score(const struct cb_platform *have, const struct cb_platform *want);

enum cb_annotation_level {
    CB_ANNOTATION_MANIFEST,
    CB_ANNOTATION_INDEX,
    CB_ANNOTATION_MANIFEST_ENTRY, /* in the index or index.json that lists it */
    CB_ANNOTATION_INDEX_ENTRY,    /* in an image layout's index.json */
};
struct cb_annotation {
    enum cb_annotation_level level;
    struct cb_platform platform; /* os empty: all */
    char *key, *value;
};
struct cb_annotations {
    struct cb_annotation *items;
    size_t count, capacity;
};
/* Level and platform from "manifest", "manifest-descriptor[linux/amd64]", "[linux/arm]",
 * "". USAGE. */
int cb_annotation_type(struct cb_annotation *out, const char *text, size_t len,
                       struct cb_error **err);
void cb_annotations_add(struct cb_annotations *list, const struct cb_annotation *type,
                        const char *key, const char *value);
/* `[TYPE[PLATFORM],...:]key=value`: for each type. USAGE. */
int cb_annotations_parse(struct cb_annotations *list, const char *text,
                         struct cb_error **err);
void cb_annotations_copy(struct cb_annotations *to, const struct cb_annotations *from);
void cb_annotations_free(struct cb_annotations *list);
CB_AUTO_VALUE_DEFINE(cb_annotations, cb_annotations_free)
/* 1: some are of an index, which an image for one platform has not. */
int cb_annotations_need_index(const struct cb_annotations *list);
/* Those of one document, later ones over earlier ones; NULL if there are none, or LIST is
 * NULL. */
json_t *cb_annotations_json(const struct cb_annotations *list,
                            enum cb_annotation_level level,
                            const struct cb_platform *platform);

struct cb_descriptor {
    char *media_type;
    struct cb_digest digest;
    int64_t size;
    struct cb_platform platform; /* os empty: none given */
    json_t *annotations;         /* or NULL */
};
void cb_descriptor_free(struct cb_descriptor *descriptor);
CB_AUTO_VALUE_DEFINE(cb_descriptor, cb_descriptor_free)
void cb_descriptor_copy(struct cb_descriptor *to, const struct cb_descriptor *from);
struct cb_descriptor_list {
    struct cb_descriptor *items;
    size_t count, capacity;
};

struct cb_manifest {
    char *media_type; /* as declared, or told by the shape */
    struct cb_descriptor config;
    struct cb_descriptor_list layers;
    json_t *annotations; /* or NULL */
    char *
        bytes; /* the document exactly as received or written: its digest is over these */
    size_t len;
    struct cb_digest digest;
};
/* MEDIA_TYPE: what the descriptor or Content-Type said, or NULL; a contradiction with the
 * document is an error. */
int cb_manifest_parse(struct cb_manifest **out, const char *bytes, size_t len,
                      const char *media_type, struct cb_error **err);
/* Emits the document: OCI, or Docker schema 2. Layer media types are translated. */
struct cb_manifest *cb_manifest_make(const struct cb_descriptor *config,
                                     const struct cb_descriptor *layers,
                                     size_t layer_count, json_t *annotations, int docker);
/* Is a layer of it not compressed, as archives bring them? */
int cb_manifest_is_plain(const struct cb_manifest *manifest);
void cb_manifest_free(struct cb_manifest *manifest);
CB_AUTO_DEFINE(cb_manifest, cb_manifest_free)

struct cb_index {
    char *media_type;
    struct cb_descriptor_list manifests;
    json_t *annotations;
    char *bytes;
    size_t len;
    struct cb_digest digest;
};
int cb_index_parse(struct cb_index **out, const char *bytes, size_t len,
                   const char *media_type, struct cb_error **err);
struct cb_index *cb_index_make(const struct cb_descriptor *manifests, size_t count,
                               json_t *annotations, int docker);
/* Are these, in any order, what INDEX lists? */
int cb_index_is_of(const struct cb_index *index, const struct cb_descriptor *manifests,
                   size_t count);
void cb_index_free(struct cb_index *index);
CB_AUTO_DEFINE(cb_index, cb_index_free)
/* Best entry for WANT; attestations (unknown/unknown) and foreign types never chosen.
 * NULL if none. */
const struct cb_descriptor *cb_index_choose(const struct cb_index *index,
                                            const struct cb_platform *want);

struct cb_healthcheck {
    struct cb_strings test; /* "NONE" | "CMD",… | "CMD-SHELL",text */
    int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
    int64_t retries;
};

struct cb_history {
    char *created; /* RFC 3339 or NULL */
    char *created_by, *author, *comment;
    int empty_layer;
};

/* OCI config.md, plus Docker's fields Healthcheck, OnBuild, Shell, ArgsEscaped. Fields we
 * do not know are kept in `other` and `other_config` and written back. */
struct cb_image_config {
    char *created, *author;
    struct cb_platform platform;
    char *user, *working_dir, *stop_signal;
    struct cb_strings env;
    struct cb_strings cmd, entrypoint, shell, onbuild;
    int has_cmd, has_entrypoint, has_shell; /* null against [] */
    int args_escaped;
    struct cb_strings exposed_ports; /* "80/tcp", sorted on output */
    struct cb_strings volumes;
    struct cb_strings label_keys, label_values; /* parallel, order of first setting */
    struct cb_healthcheck *healthcheck;         /* or NULL */
    CB_VEC(struct cb_digest) diff_ids;
    CB_VEC(struct cb_history) history;
    json_t *other, *other_config; /* or NULL */
};
struct cb_image_config *cb_image_config_new(void);
int cb_image_config_parse(struct cb_image_config **out, const char *bytes, size_t len,
                          struct cb_error **err);
/* The document, deterministic: Go's field order, map keys sorted. Caller frees. */
char *cb_image_config_emit(const struct cb_image_config *config, size_t *len);
struct cb_image_config *cb_image_config_copy(const struct cb_image_config *config);
void cb_image_config_free(struct cb_image_config *config);
CB_AUTO_DEFINE(cb_image_config, cb_image_config_free)
/* The value of label KEY, borrowed, or NULL. */
const char *cb_image_config_label(const struct cb_image_config *config, const char *key);
void cb_image_config_set_label(struct cb_image_config *config, const char *key,
                               const char *value);
/* LABELS are "KEY=VALUE"; "KEY" has "". */
void cb_image_config_set_labels(struct cb_image_config *config,
                                const struct cb_strings *labels);
void cb_image_config_add_history(struct cb_image_config *config, const char *created,
                                 const char *created_by, const char *comment,
                                 int empty_layer);
void cb_image_config_drop_history(struct cb_image_config *config);
void cb_image_config_drop_healthcheck(struct cb_image_config *config);
/* Names a volume or port once. */
void cb_strings_add_once(struct cb_strings *set, const char *text);

/* OCI config.md "Layer ChainID": chain(1) = diff(1), chain(n) = sha256(chain(n-1) + " " +
 * diff(n)). */
struct cb_digest cb_chain_id(const struct cb_digest *parent_or_null,
                             const struct cb_digest *diff_id);

/* distribution/reference: [host[:port]/]path[:tag][@digest]. "ubuntu" is
 * docker.io/library/ubuntu. */
struct cb_reference {
    char *host;              /* "docker.io", "127.0.0.1:5000" */
    char *path;              /* "library/ubuntu" */
    char *tag;               /* or NULL */
    struct cb_digest digest; /* if set */
};
int cb_reference_parse(struct cb_reference **out, const char *text,
                       struct cb_error **err);
void cb_reference_free(struct cb_reference *reference);
CB_AUTO_DEFINE(cb_reference, cb_reference_free)
/* May an image here be called so? Not with a digest, nor like an id (USAGE). */
int cb_reference_check_tag(const struct cb_reference *reference, struct cb_error **err);
/* Gives it the tag "latest" when it has neither tag nor digest. */
void cb_reference_default_tag(struct cb_reference *reference);
/* "docker.io/library/ubuntu:22.04": the store's key. Caller frees. */
char *cb_reference_canonical(const struct cb_reference *reference);
/* "ubuntu:22.04": as docker shows it. Caller frees. */
char *cb_reference_familiar(const struct cb_reference *reference);
/* "ubuntu": the same without tag and digest. Caller frees. */
char *cb_reference_familiar_name(const struct cb_reference *reference);

#endif
