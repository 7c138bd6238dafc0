/* Extraction, with all that a layer needs to know (tar.h has the plain call).
 *
 * A layer goes in in one of three ways. OVERLAY writes the layer's own directory in
 * overlay's format without looking at the layers below, so that all layers of an image
 * can be unpacked at once; it stops with `needs_below` when an entry only makes sense on
 * top of them (its parent directory or the file it is a hard link to is not in the
 * layer). MERGED then does the same through a mounted stack. GROUND is for the lowest
 * layer, where there is nothing to hide. */
#ifndef CB_STORE_UNTAR_H
#define CB_STORE_UNTAR_H

#include "store/tar.h"

struct cb_untar_result {
    uint64_t bytes;    /* of file data */
    int needs_below;   /* OVERLAY: given up */
    int has_root;      /* the layer sets "/"'s own metadata */
    int opaque_root;   /* it hides all layers below */
    int has_whiteouts; /* OVERLAY */
};

int cb_untar_as(struct cb_tar_reader *reader, int root_fd, const char *dest,
                const struct cb_untar_options *options, struct cb_untar_result *out,
                struct cb_error **err);

#endif
