/* Attestations: what is said of an image, in the index that lists it. A manifest for the
 * platform unknown/unknown, tied to the image's by annotations, whose layers are in-toto
 * statements (https://github.com/in-toto/attestation). See docs/design/attestations.md.
 */
#ifndef CB_OCI_ATTESTATION_H
#define CB_OCI_ATTESTATION_H

#include "oci/oci.h"

#define CB_MT_IN_TOTO          "application/vnd.in-toto+json"
#define CB_PREDICATE_SLSA      "https://slsa.dev/provenance/" /* a version follows */
#define CB_PREDICATE_SPDX      "https://spdx.dev/Document"
#define CB_ANNOTATION_OF_TYPE  "in-toto.io/predicate-type"
#define CB_STATEMENT_MAX_BYTES (64u << 20)

/* What a statement is about. */
struct cb_subject {
    char *name;
    struct cb_digest digest;
};
struct cb_subjects {
    struct cb_subject *items;
    size_t count, capacity;
};
void cb_subjects_free(struct cb_subjects *subjects);
CB_AUTO_VALUE_DEFINE(cb_subjects, cb_subjects_free)
/* Under each of NAMES (canonical), as package URLs for PLATFORM, or as "_". */
void cb_subjects_of_image(struct cb_subjects *out, const struct cb_digest *manifest,
                          const struct cb_strings *names,
                          const struct cb_platform *platform);
/* "pkg:docker/busybox@latest?platform=linux%2Famd64" of a reference with a tag or a
 * digest. TYPE: "docker", or "oci" for what no registry has. PLATFORM may be NULL. Caller
 * frees. */
char *cb_image_purl(const char *type, const struct cb_reference *reference,
                    const struct cb_platform *platform);
/* As it stands in a package URL's part or qualifier. */
void cb_purl_escape(struct cb_strbuf *out, const char *text);

struct cb_statement {
    const char *type; /* of the predicate */
    const char *name; /* of a file with it, where its type has no name; borrowed */
    json_t *predicate;
};
struct cb_statements {
    struct cb_statement *items;
    size_t count, capacity;
};
void cb_statements_free(struct cb_statements *statements);
CB_AUTO_VALUE_DEFINE(cb_statements, cb_statements_free)
/* The document, compact or with INDENT blanks a level. Caller frees. */
char *cb_statement_text(const struct cb_statement *statement,
                        const struct cb_subjects *subjects, size_t indent);

/* The manifest about one image, and all its blobs. */
struct cb_attestation_blob {
    struct cb_digest digest;
    char *bytes;
    size_t len;
};
struct cb_attestation {
    struct cb_manifest *manifest;
    CB_VEC(struct cb_attestation_blob) blobs;
    struct cb_descriptor entry; /* of the index */
};
/* ARTIFACT: an artifact that names ABOUT as its subject; else what looks like an image.
 */
struct cb_attestation *cb_attestation_make(const struct cb_manifest *about,
                                           const struct cb_subjects *subjects,
                                           const struct cb_statements *statements,
                                           int artifact);
void cb_attestation_free(struct cb_attestation *attestation);
CB_AUTO_DEFINE(cb_attestation, cb_attestation_free)

struct cb_attestations {
    struct cb_attestation **items;
    size_t count, capacity;
};
void cb_attestations_free(struct cb_attestations *attestations);
CB_AUTO_VALUE_DEFINE(cb_attestations, cb_attestations_free)

/* Whoever writes an index asks for what goes into it beside its images. */
struct cb_attester {
    /* About the IMAGEth of those that go out, as MANIFEST; behind what OUT has. */
    int (*attest)(void *arg, size_t image, const struct cb_manifest *manifest,
                  struct cb_attestations *out, struct cb_error **err);
    void *arg;
    const struct cb_index *index; /* that all of it came in; or NULL */
};

/* Is ENTRY, of an index, no image but an attestation? */
int cb_descriptor_is_attestation(const struct cb_descriptor *entry);
/* 1: the manifest that ENTRY, an attestation, is about; 0: it does not say. */
int cb_descriptor_about(const struct cb_descriptor *entry, struct cb_digest *about);

#endif
