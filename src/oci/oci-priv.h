/* Between the files that implement oci.h. */
#ifndef CB_OCI_OCI_PRIV_H
#define CB_OCI_OCI_PRIV_H

#include "base/json-writer.h"
#include "base/strbuf.h"
#include "oci/oci.h"

/* Documents (base/json-writer.h). */
void cb_writer_json(struct cb_writer *writer, const char *key, const json_t *value);
void cb_writer_digest(struct cb_writer *writer, const char *key,
                      const struct cb_digest *digest);
/* An object with its members sorted by name, as Go prints maps. */
void cb_writer_sorted(struct cb_writer *writer, const char *key, json_t *object);
/* The names of its members, NULL-terminated; the caller frees the array. */
const char **cb_writer_sorted_names(json_t *object);
/* The members of OBJECT, sorted, into the object being written. */
void cb_writer_members(struct cb_writer *writer, json_t *object);

/* Reads architecture, os, os.version, os.features and variant out of OBJECT. */
int cb_platform_read(struct cb_platform *out, const struct cb_json *object,
                     struct cb_error **err);

/* Reads a content descriptor; OUT is empty on failure. */
int cb_descriptor_read(struct cb_descriptor *out, const struct cb_json *json,
                       struct cb_error **err);
/* An array of them, at most MAX, is added to OUT; none when it is absent. */
int cb_descriptor_list_read(struct cb_descriptor_list *out, const struct cb_json *array,
                            size_t max, struct cb_error **err);
void cb_descriptor_write(struct cb_writer *writer, const char *key,
                         const struct cb_descriptor *descriptor);
/* A map of strings to strings, new reference; NULL if absent. */
int cb_annotations_read(json_t **out, const struct cb_json *json, struct cb_error **err);

/* What manifest and index have in common: version 2, agreement about the media type,
 * which must be of KIND; none of the members FORBIDDEN (NULL-terminated). *MEDIA_TYPE is
 * owned by the caller. */
int cb_document_check(const struct cb_json *root, const char *media_type,
                      enum cb_media_kind kind, const char *oci_type,
                      const char *const *forbidden, char **declared,
                      struct cb_error **err);

/* A copy of the document, ending in NUL beyond LEN. */
char *cb_document_bytes(const char *bytes, size_t len);

/* The same type in the other spelling, or MEDIA_TYPE itself. */
const char *cb_media_translate(const char *media_type, int docker);

#endif
