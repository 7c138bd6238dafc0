/* The digest of a file's bytes from its current position on. */
#ifndef CB_STORE_FILE_DIGEST_H
#define CB_STORE_FILE_DIGEST_H

#include "base/digest.h"

int cb_file_digest(int fd, struct cb_digest *out, struct cb_error **err);

#endif
