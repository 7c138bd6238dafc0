/* An image layout that is still in a tar: its files are found by reading the headers
 * only, and read where they are. */
#ifndef CB_STORE_LAYOUT_TAR_H
#define CB_STORE_LAYOUT_TAR_H

#include "base/error.h"

#include <stdint.h>

/* Where a member's bytes are in the file. */
struct cb_layout_member {
    int64_t at, size;
};
/* The last regular member of the tar FD that is called PATH: 1/0. INTEGRITY when FD is no
 * tar; one in a compression is none. */
int cb_layout_tar_find(int fd, const char *path, struct cb_layout_member *out,
                       struct cb_error **err);

#endif
