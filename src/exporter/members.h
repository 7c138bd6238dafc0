/* Reading an archive: its members, whatever their order, spooled into the store. */
#ifndef CB_EXPORTER_MEMBERS_H
#define CB_EXPORTER_MEMBERS_H

#include "base/map.h"
#include "exporter/exporter.h"

#define CB_ARCHIVE_MAX_MEMBERS 100000

/* One regular file of the archive. */
struct cb_member {
    struct cb_digest digest;
    int64_t size;
    unsigned char magic[4]; /* first bytes */
    int64_t at;             /* a plain tar, and no blob: where it is; else -1 */
    char *text;             /* of documents at the top ("manifest.json"), else NULL */
};

void cb_member_free(void *member);

struct cb_members {
    struct cb_map *files; /* clean path → struct cb_member */
    struct cb_map *links; /* clean path → clean path */
    int tars_fd;          /* what their places are in; -1 without any */
};
void cb_members_clear(struct cb_members *members);
CB_AUTO_VALUE_DEFINE(cb_members, cb_members_clear)

/* Documents at the top are kept as text. */
int cb_member_is_document(const char *path);
/* 1 when PATH is blobs/<algorithm>/<hex>; -1 when it is malformed. */
int cb_member_blob_digest(const char *path, struct cb_digest *out, struct cb_error **err);
/* Reads the tar at FD to its end. With LEAVE_TARS what looks like the tar of a layer is
 * no blob: its bytes are where they are in FD, or in a copy without a name when FD cannot
 * be read twice. Such a member has the digest its name tells, or none, and nobody has
 * looked whether that is true. */
int cb_members_read(struct cb_archive_env *env, int fd, int leave_tars,
                    struct cb_members *out, struct cb_error **err);
/* Reads the directory FD, an archive that somebody unpacked or that never was one. */
int cb_members_read_dir(struct cb_archive_env *env, int fd, struct cb_members *out,
                        struct cb_error **err);
/* The file PATH means, links followed inside the archive; NULL if there is none. */
const struct cb_member *cb_members_find(const struct cb_members *members,
                                        const char *path);
/* PATH relative to the archive's root, cleaned; NULL when it leads outside. Caller frees.
 */
char *cb_member_path(const char *path);

#endif
