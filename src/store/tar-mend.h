/* A tar stream on its way to libarchive: the guard reads along, and a header that
 * libarchive would take for another kind is mended.
 *
 * Go's archive/tar before 1.8 (docker before 17.03) put the front part of a long name
 * where POSIX has it also into headers that say they are GNU's: those with a number that
 * is too large for octal digits, as an owner over 2097151. GNU has times and a map of
 * holes there. As in later versions of Go, what cannot be times is a part of the name. */
#ifndef CB_STORE_TAR_MEND_H
#define CB_STORE_TAR_MEND_H

#include "store/tar-guard.h"

struct cb_tar_mend {
    struct cb_tar_guard guard;
    unsigned char head[512];
    unsigned have; /* of the header at hand */
    int has_more;  /* headers before the one of the entry itself */
    const unsigned char *rest;
    size_t rest_len;
};

void cb_tar_mend_init(struct cb_tar_mend *mend);
/* What comes next in the archive. The last has all been given out; borrowed until this
 * has. */
void cb_tar_mend_take(struct cb_tar_mend *mend, const void *bytes, size_t len);
/* The next piece of what was taken, valid until the next call: 1, or 0 when there is no
 * more. -1: INTEGRITY, as the guard. */
int cb_tar_mend_give(struct cb_tar_mend *mend, const void **bytes, size_t *len,
                     struct cb_error **err);
/* At the end of the archive: what it breaks off with, or what fills up its last block
 * where its writer left that out. Bytes, or 0. */
size_t cb_tar_mend_end(struct cb_tar_mend *mend, const void **bytes);

#endif
