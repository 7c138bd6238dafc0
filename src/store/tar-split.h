/* A tar stream in two kinds of parts: the bytes of its files, and all others (headers,
 * records, padding, the end mark and what stands behind it). For whoever wants to know
 * where a file's bytes are, or has them elsewhere. */
#ifndef CB_STORE_TAR_SPLIT_H
#define CB_STORE_TAR_SPLIT_H

#include "store/tar-guard.h"

struct cb_tar_split {
    struct cb_tar_guard guard;
    uint64_t at; /* in the stream */
    int inside;  /* a file's bytes have begun */
};

struct cb_tar_part {
    int is_content;
    uint64_t begins; /* the file's size, with its first part; else 0 */
};

void cb_tar_split_init(struct cb_tar_split *split);
/* How many of the LEN bytes (not none), which come next, are one part. Where it cannot
 * follow a strange archive all is of the other kind. -1: INTEGRITY, as the guard. */
ssize_t cb_tar_split_take(struct cb_tar_split *split, const void *bytes, size_t len,
                          struct cb_tar_part *part, struct cb_error **err);

#endif
