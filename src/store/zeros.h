/* Runs of zeros, which need no room on a disk. */
#ifndef CB_STORE_ZEROS_H
#define CB_STORE_ZEROS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* LEN is not 0. */
static inline int cb_is_zero(const void *bytes, size_t len)
{
    const char *first = bytes;

    return *first == 0 && memcmp(first, first + 1, len - 1) == 0;
}

/* Those of whole RUNs, counted from BYTES on. */
uint64_t cb_zeros_count(const void *bytes, size_t len, size_t run);

/* Writes BYTES to OFFSET, long runs of zeros as holes. *END: behind the last byte that
 * was written, for the file may have to be made longer; left alone if none was. 0, or -1
 * with errno. */
int cb_zeros_write(int fd, const void *bytes, size_t len, int64_t offset, int64_t *end);
/* The same at the end of a file, which is OFFSET: it is as long as if the zeros had been
 * written, since others may read it already. */
int cb_zeros_append(int fd, const void *bytes, size_t len, int64_t offset);

#endif
