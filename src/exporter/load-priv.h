/* Inside load*.c: an archive that has been read, and the images that are found in it. */
#ifndef CB_EXPORTER_LOAD_PRIV_H
#define CB_EXPORTER_LOAD_PRIV_H

#include "exporter/members.h"
#include "store/layer.h"

struct cb_load_image;
struct cb_said_source; /* registry/said.h */
struct cb_load {
    struct cb_archive_env *env;
    struct cb_members members;
    struct cb_strings *messages;
    const struct cb_platform *platform; /* no other image is taken; or NULL */
    /* What is done with an image of manifest.json; NULL: cb_load_add. */
    int (*take)(struct cb_load *load, struct cb_load_image *found, struct cb_error **err);
};

/* An image whose parts have been found. */
struct cb_load_image {
    struct cb_strbuf config_bytes;
    struct cb_image_config *config;
    struct cb_descriptor *layers; /* in step with diff_ids; digest unset: not there */
    struct cb_layer_tar *tars;    /* the same; those that are no blobs */
    struct cb_digest manifest;    /* unset if there is none that fits */
    struct cb_strings names;      /* canonical */
};
void cb_load_image_clear(struct cb_load_image *found);
CB_AUTO_VALUE_DEFINE(cb_load_image, cb_load_image_clear)

/* TEXT as docker spells names; one with a digest is passed over. */
int cb_load_add_name(struct cb_strings *names, const char *text, struct cb_error **err);
/* The configuration, a blob of the store; NAME for messages. */
int cb_load_config(struct cb_load *load, const struct cb_digest *digest, const char *name,
                   struct cb_load_image *found, struct cb_error **err);
/* MEMBER's bytes, if it is one that is left in the archive. */
void cb_load_leave_tar(const struct cb_load *load, const struct cb_member *member,
                       struct cb_layer_tar *out);
/* Unpacks and registers it under its names; ADD says so in docker's words. */
int cb_load_put(struct cb_load *load, struct cb_load_image *found, struct cb_digest *id,
                struct cb_error **err);
int cb_load_add(struct cb_load *load, struct cb_load_image *found, struct cb_error **err);
/* Is an image for HAVE wanted? */
int cb_load_wants(const struct cb_load *load, const struct cb_platform *have);
/* Docker's lines: which images lose NAMES to ID, before they do, and what was loaded. */
void cb_load_report_moves(struct cb_load *load, const struct cb_strings *names,
                          const struct cb_digest *id);
void cb_load_report(struct cb_load *load, const struct cb_strings *names,
                    const struct cb_digest *id);

/* ── load-docker.c ── */

/* The images that DOCUMENT, a docker archive's manifest.json, lists. */
int cb_load_docker(struct cb_load *load, const struct cb_member *document,
                   struct cb_error **err);

/* ── load-layout.c ── */

/* Those that DOCUMENT, an OCI layout's index.json, lists. */
int cb_load_layout(struct cb_load *load, const struct cb_member *document,
                   struct cb_error **err);
/* The image, if it is one, of the manifest ENTRY, under NAME (or NULL). */
int cb_load_manifest(struct cb_load *load, const struct cb_descriptor *entry,
                     const char *name, struct cb_error **err);
/* Keeps what an index of the archive says of an image (attestations, referrers); warns of
 * what cannot be kept. */
int cb_load_said(struct cb_load *load, const struct cb_said_source *source,
                 struct cb_error **err);
/* What ENTRY leads to, all of it blobs of the store: one image or those of an index,
 * under NAME (or NULL). */
int cb_load_entry(struct cb_load *load, const struct cb_descriptor *entry,
                  const char *name, struct cb_error **err);

#endif
