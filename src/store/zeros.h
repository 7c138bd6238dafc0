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

/* Writes all of BYTES at the end of FD's file, which is where it stands, long runs of
 * zeros as holes. 0, or -1 with errno. */
int cb_zeros_write(int fd, const void *bytes, size_t len);

#endif
