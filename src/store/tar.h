/* Tar streams. Reading: libarchive (loaded when first used), formats tar only, filters by
 * name, its known gaps closed here (ids over 2^32-2, negative sizes, NUL in names, bytes
 * after the end mark, names of old Go). Writing: our own canonical form, Go's archive/tar
 * choices (ustar, PAX records only where a field does not fit; SCHILY.xattr.*;
 * whole-second mtimes unless nanoseconds matter: then PAX mtime). */
#ifndef CB_STORE_TAR_H
#define CB_STORE_TAR_H

#include "base/cancel.h"
#include "base/digest.h"
#include "base/error.h"
#include "oci/oci.h"

#include <sys/stat.h>
#include <time.h>

struct cb_outline_writer;

struct cb_xattr {
    char *name;
    void *value;
    size_t len;
};
struct cb_tar_entry {
    char *path; /* as in the archive, bytes exact; no NUL */
    char *link; /* target of symbolic and hard links, else NULL */
    int is_hardlink;
    mode_t mode; /* type and permissions */
    uint32_t uid, gid;
    int64_t size; /* of the data */
    struct timespec mtime;
    uint32_t dev_major, dev_minor;
    struct cb_xattr *xattrs;
    size_t xattr_count;
};

/* ── Reading ── */
struct cb_tar_reader;
#define CB_TAR_GZIP  1
#define CB_TAR_BZIP2 2
#define CB_TAR_XZ    4
#define CB_TAR_ZSTD  8
/* READ returns bytes delivered, 0 at the end, -1 on error. FILTERS: which compressions
 * may be there (0: none). gzip and zstd are decoded by ISA-L and libzstd. MAX_BYTES: of
 * decompressed stream, then "larger than" error; a ratio over 1000 is refused too, once
 * it is more than 1.25 GiB (cb_tar_reader_any_ratio). */
int cb_tar_reader_new(struct cb_tar_reader **out,
                      ssize_t (*read)(void *arg, void *buffer, size_t len,
                                      struct cb_error **err),
                      void *arg, int filters, uint64_t max_bytes, struct cb_error **err);
/* FD may be a pipe on which nothing comes: CANCEL (or NULL) ends the wait. */
int cb_tar_reader_open_fd(struct cb_tar_reader **out, int fd, int filters,
                          uint64_t max_bytes, struct cb_cancel *cancel,
                          struct cb_error **err);
/* Whoever reads it knows the digest of what comes: if that is not compressed none is
 * taken here, and cb_tar_reader_finish gives an unset one. 1 if so. */
int cb_tar_reader_no_digest(struct cb_tar_reader *reader);
/* TAP gets all bytes of the uncompressed stream, in order, ahead of the entries that are
 * made of them. To be called first. */
void cb_tar_reader_tap(struct cb_tar_reader *reader,
                       int (*tap)(void *arg, const void *bytes, size_t len,
                                  struct cb_error **err),
                       void *arg);
/* As cb_decoder_any_ratio (decompress.h). */
void cb_tar_reader_any_ratio(struct cb_tar_reader *reader);
/* 1 an entry (strings owned by the reader until the next call), 0 end. */
int cb_tar_reader_next(struct cb_tar_reader *reader, struct cb_tar_entry *entry,
                       struct cb_error **err);
/* Data of the entry: bytes read, 0 at its end, -1. */
ssize_t cb_tar_reader_data(struct cb_tar_reader *reader, void *buffer, size_t len,
                           struct cb_error **err);
/* Reads the rest of the stream and gives the digest of all uncompressed bytes. */
int cb_tar_reader_finish(struct cb_tar_reader *reader, struct cb_digest *digest,
                         struct cb_error **err);
void cb_tar_reader_free(struct cb_tar_reader *reader);
CB_AUTO_DEFINE(cb_tar_reader, cb_tar_reader_free)
/* Looks at the first bytes (≥ 512 wanted): is it a tar, plain or in a compression of
 * FILTERS? For ADD and `-` contexts. */
int cb_tar_sniff(int fd, int filters);
/* Has a block of 512 bytes the right checksum? */
int cb_tar_is_header(const unsigned char *block);

/* ── Writing ── */
struct cb_tar_writer;
int cb_tar_writer_new(struct cb_tar_writer **out,
                      int (*write)(void *arg, const void *bytes, size_t len,
                                   struct cb_error **err),
                      void *arg, struct cb_error **err);
int cb_tar_writer_entry(struct cb_tar_writer *writer, const struct cb_tar_entry *entry,
                        struct cb_error **err);
int cb_tar_writer_data(struct cb_tar_writer *writer, const void *bytes, size_t len,
                       struct cb_error **err);
/* Copies the entry's SIZE bytes from FD. */
int cb_tar_writer_data_fd(struct cb_tar_writer *writer, int fd, int64_t size,
                          struct cb_error **err);
/* The entry's bytes have been written already, where they belong. */
int cb_tar_writer_data_there(struct cb_tar_writer *writer, struct cb_error **err);
/* Writes the end mark. */
int cb_tar_writer_finish(struct cb_tar_writer *writer, struct cb_error **err);
void cb_tar_writer_free(struct cb_tar_writer *writer);
CB_AUTO_DEFINE(cb_tar_writer, cb_tar_writer_free)

/* ── Onto disk ── */
enum cb_untar_way {
    CB_UNTAR_LITERAL, /* names are names (ADD, docker cp) */
    /* A layer: untar.h. Its whiteouts become overlay's. */
    CB_UNTAR_GROUND,
    CB_UNTAR_OVERLAY,
    CB_UNTAR_MERGED
};
struct cb_untar_options {
    enum cb_untar_way way;
    uint64_t max_entries;
    int keep_owner; /* else everything belongs to uid:gid */
    int keep_kinds; /* EXISTS with docker's words where a directory would be replaced by
                       another file, or the other way round */
    uint32_t uid, gid;
    struct cb_outline_writer *outline; /* hears where files went; or NULL */
    struct cb_cancel *cancel;
};
/* Extracts below ROOT_FD: every parent opened in the root, last component never followed,
 * metadata by descriptor. */
int cb_untar(struct cb_tar_reader *reader, int root_fd, const char *dest,
             const struct cb_untar_options *options, uint64_t *bytes,
             struct cb_error **err);

#endif
