/* An OCI layout as one tar stream. The documents come first, so that a reader of a pipe
 * knows what follows; every member has the same owner, mode and time, so that the same
 * images give the same bytes. */
#ifndef CB_EXPORTER_ARCHIVE_WRITER_H
#define CB_EXPORTER_ARCHIVE_WRITER_H

#include "base/map.h"
#include "exporter/buffered.h"
#include "exporter/exporter.h"
#include "store/compress.h"
#include "store/tar.h"

struct cb_archive_writer {
    struct cb_archive_env *env;
    struct cb_buffered buffered;
    struct cb_compressor *compressor;
    struct cb_tar_writer *tar;
    struct cb_map *written; /* digests */
};

/* The order of calls: open, head, other documents at the top, directories, blobs, finish,
 * and clear in any case. It must not move in between. */
int cb_archive_writer_open(struct cb_archive_writer *writer, struct cb_archive_env *env,
                           enum cb_compression compression, int fd,
                           struct cb_error **err);
int cb_archive_writer_finish(struct cb_archive_writer *writer, struct cb_error **err);
void cb_archive_writer_clear(struct cb_archive_writer *writer);

/* oci-layout and index.json; TEXT is taken. */
int cb_archive_add_head(struct cb_archive_writer *writer, char *index,
                        struct cb_error **err);
/* A document at the top; TEXT is taken. */
int cb_archive_add_text(struct cb_archive_writer *writer, const char *path, char *text,
                        struct cb_error **err);
int cb_archive_add_directories(struct cb_archive_writer *writer, struct cb_error **err);
/* 1 when DIGEST is in the archive already; remembers it. */
int cb_archive_seen(struct cb_archive_writer *writer, const struct cb_digest *digest);
/* From the store, unless it is in the archive. */
int cb_archive_add_blob(struct cb_archive_writer *writer, const struct cb_digest *digest,
                        struct cb_error **err);
/* The same of one that FD reads from its start. */
int cb_archive_add_blob_fd(struct cb_archive_writer *writer,
                           const struct cb_descriptor *blob, int fd,
                           struct cb_error **err);
/* The same of one whose bytes are in the archive's file, from AT on: what was written
 * before must end right there. */
int cb_archive_add_placed(struct cb_archive_writer *writer,
                          const struct cb_descriptor *blob, int64_t at,
                          struct cb_error **err);
/* The same of a manifest or index. */
int cb_archive_add_document(struct cb_archive_writer *writer,
                            const struct cb_digest *digest, const char *bytes, size_t len,
                            struct cb_error **err);
/* A file of SIZE bytes, which cb_archive_add_data brings. */
int cb_archive_add_member(struct cb_archive_writer *writer, const char *path,
                          int64_t size, struct cb_error **err);
int cb_archive_add_data(struct cb_archive_writer *writer, const void *bytes, size_t len,
                        struct cb_error **err);

#endif
